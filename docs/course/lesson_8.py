"""Lesson 8: the calculus stands in one table.

So far, each operation hid its slope inside a method. Now a row of a table has both halves: the
forward function, and a rule that gives one closure for each input. The class knows no calculus any
more; a new operation is one row. New since lesson 6: the table. This file prints

    the rows: matmul, sigmoid, square_sum
    dL/dW agrees with a small step: True
    with a wrong row for sigmoid: False
"""

from itertools import count

import numpy as np

counter = count()
TABLE = {  # name: (forward, rule); a rule gets the output and the inputs
    "matmul": (np.matmul, lambda out, a, b: (lambda g: g @ b.T, lambda g: a.T @ g)),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda out, z: (lambda g: g * out * (1 - out),)),
    "square_sum": (lambda z: (z * z).sum(), lambda out, z: (lambda g: g * 2 * z,)),
}


class Value:
    def __init__(self, data, row=None, inputs=()):
        self.data, self.grad, self.id = np.asarray(data, float), None, next(counter)
        self.row, self.inputs = row, inputs


def apply(row, *inputs):
    return Value(TABLE[row][0](*(x.data for x in inputs)), row, inputs)


def sweep(output):
    gradients, waiting = {output.id: 1.0}, {output.id: output}
    while waiting:
        value = waiting.pop(max(waiting))
        value.grad = g = gradients[value.id]
        if value.row is not None:
            closures = TABLE[value.row][1](value.data, *(x.data for x in value.inputs))
            for x, closure in zip(value.inputs, closures):
                gradients[x.id] = gradients.get(x.id, 0.0) + closure(g)
                waiting[x.id] = x


def agrees():
    losses = [apply("square_sum", apply("sigmoid", apply("matmul", v, X))) for v in (W, U)]
    sweep(losses[0])  # U is W with one entry moved by 1e-6
    return bool(abs((losses[1].data - losses[0].data) / 1e-6 - W.grad[0, 1]) < 1e-5)


W, X = Value(np.eye(2, 3)), Value(np.ones((3, 4)))
U = Value(W.data + np.array([[0, 1e-6, 0], [0, 0, 0]]))
print("the rows:", ", ".join(TABLE))
print(f"dL/dW agrees with a small step: {agrees()}")

# What breaks without it: one wrong row, and every gradient below it is wrong.
TABLE["sigmoid"] = (TABLE["sigmoid"][0], lambda out, z: (lambda g: g * out,))
print(f"with a wrong row for sigmoid: {agrees()}")
