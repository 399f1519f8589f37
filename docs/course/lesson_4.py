"""Lesson 4: in which order to go back.

The sweep of lesson 3 follows every path from the loss to a leaf. In a chain of 20 steps b = a + a
there are 2^20 paths. One visit to each value is enough, if all its contributions have arrived by
then. They have, if the value made last comes first. So each value gets a number when it is made.
New since lesson 3: the number, and a table of waiting values. This file prints

    20 doublings: dL/dx = 1048576.0, with 20 steps back
    in the order of the inputs instead: dL/dx = 60.0, but 30.0 is right
"""

import itertools

counter = itertools.count()


class Value:
    def __init__(self, data, inputs=(), backward=None):
        self.data, self.grad, self.id = data, None, next(counter)
        self.inputs, self.backward = inputs, backward

    def __add__(self, other):
        return Value(self.data + other.data, (self, other), lambda g: (g, g))

    def __mul__(self, other):
        a, b = self, other
        return Value(a.data * b.data, (a, b), lambda g: (g * b.data, g * a.data))


def sweep(output, turn=lambda value: value.id):
    gradients, waiting, steps = {output.id: 1.0}, {output.id: output}, 0
    while waiting:
        value = max(waiting.values(), key=turn)  # made last, so nothing more arrives at it
        del waiting[value.id]
        value.grad = g = gradients[value.id]
        if value.backward is None:
            continue
        steps += 1
        for x, contribution in zip(value.inputs, value.backward(g)):
            gradients[x.id] = gradients.get(x.id, 0.0) + contribution
            waiting[x.id] = x
    return steps


x = Value(1.0)
L = x
for _ in range(20):
    L = L + L
steps = sweep(L)
print(f"20 doublings: dL/dx = {x.grad}, with {steps} steps back")

# What breaks without it: b is visited before all of its contributions have arrived, and again
# afterwards, so what came first counts twice.
x, k = Value(1.0), Value(3.0)
b = x * k
c = b * b
L = c + b + b + b + b
sweep(L, turn=lambda value: -value.id)
print(f"in the order of the inputs instead: dL/dx = {x.grad}, but 30.0 is right")
