"""Lesson 6: what was broadcast is summed.

In Z + b, NumPy repeats b for every sample. So each entry of b is used many times, and by lesson 3
the contributions add up. The gradient is summed over the axes along which b was repeated. New since
lesson 5: one function, in one place, for all operations. This file prints

    dL/db = [8. 8. 8.], of shape (3,)
    without the sum: shape (4, 3), and b has shape (3,)
"""

import itertools

import numpy as np

counter = itertools.count()


class Value:
    def __init__(self, data, inputs=(), backward=None):
        self.data, self.grad, self.id = np.asarray(data, float), None, next(counter)
        self.inputs, self.backward = inputs, backward

    def __add__(self, other):
        return Value(self.data + other.data, (self, other), lambda g: (g, g))

    def square_sum(self):
        return Value((self.data**2).sum(), (self,), lambda g: (g * 2 * self.data,))


def sum_to(g, shape):
    """Sum a gradient over the axes along which an array of a shape was repeated."""
    while g.ndim > len(shape):
        g = g.sum(axis=0)
    for axis, length in enumerate(shape):
        if length == 1:
            g = g.sum(axis=axis, keepdims=True)
    return g


def sweep(output, fit=sum_to):
    gradients, waiting = {output.id: np.array(1.0)}, {output.id: output}
    while waiting:
        value = waiting.pop(max(waiting))
        value.grad = g = gradients[value.id]
        if value.backward is not None:
            for x, contribution in zip(value.inputs, value.backward(g)):
                contribution = fit(contribution, x.data.shape)
                gradients[x.id] = gradients.get(x.id, 0.0) + contribution
                waiting[x.id] = x


Z, b = Value(np.zeros((4, 3))), Value(np.ones(3))
sweep((Z + b).square_sum())
print(f"dL/db = {b.grad}, of shape {b.grad.shape}")

# What breaks without it: the gradient does not have the shape of b.
sweep((Z + b).square_sum(), fit=lambda g, shape: g)
print(f"without the sum: shape {b.grad.shape}, and b has shape {b.data.shape}")
