"""Lesson 5: values become arrays.

The gradient by a value has the shape of that value. For Z = W X, entry by entry, the chain rule
gives dL/dW = dL/dZ X^T and dL/dX = W^T dL/dZ: the only products of these shapes. New since lesson
4: data is a NumPy array, and there is a matrix product. This file prints

    dL/dW has shape (2, 3), as W
    by moving W[0, 1] a little: right
    with the transpose forgotten: shapes (2, 4) and (3, 4) do not fit
"""

import itertools

import numpy as np

counter = itertools.count()


class Value:
    def __init__(self, data, inputs=(), backward=None):
        self.data, self.grad, self.id = np.asarray(data, float), None, next(counter)
        self.inputs, self.backward = inputs, backward

    def __matmul__(self, other):
        a, b = self.data, other.data
        return Value(a @ b, (self, other), lambda g: (g @ b.T, a.T @ g))

    def square_sum(self):
        return Value((self.data**2).sum(), (self,), lambda g: (g * 2 * self.data,))


def sweep(output):
    gradients, waiting = {output.id: 1.0}, {output.id: output}
    while waiting:
        value = waiting.pop(max(waiting))
        value.grad = g = gradients[value.id]
        if value.backward is not None:
            for x, contribution in zip(value.inputs, value.backward(g)):
                gradients[x.id] = gradients.get(x.id, 0.0) + contribution
                waiting[x.id] = x


rng = np.random.default_rng(0)
W, X = Value(rng.normal(size=(2, 3))), Value(rng.normal(size=(3, 4)))
Z = W @ X
sweep(Z.square_sum())
print(f"dL/dW has shape {W.grad.shape}, as W")

moved = W.data.copy()
moved[0, 1] += 1e-6
slope = (((moved @ X.data) ** 2).sum() - (Z.data**2).sum()) / 1e-6
print("by moving W[0, 1] a little:", "right" if abs(slope - W.grad[0, 1]) < 1e-3 else "wrong")

# What breaks without it: the factors in the order of the chain rule are not yet a matrix product.
try:
    Z.grad @ X.data
except ValueError:
    print(f"with the transpose forgotten: shapes {Z.grad.shape} and {X.data.shape} do not fit")
