"""Lesson 3: a value that is used twice gets two contributions, and they add up.

If two steps use w, moving w moves the loss along both paths at once. So each path gives a
contribution, and the gradient is their sum. New since lesson 2: one plus sign. This file prints

    w * w + w at 3: dL/dw = 7.0
    with the last contribution alone: 1.0
"""


class Value:
    def __init__(self, data, inputs=(), backward=None):
        self.data, self.grad = data, 0.0
        self.inputs, self.backward = inputs, backward

    def __add__(self, other):
        return Value(self.data + other.data, (self, other), lambda g: (g, g))

    def __mul__(self, other):
        a, b = self, other
        return Value(a.data * b.data, (a, b), lambda g: (g * b.data, g * a.data))


def sweep(value, g, add_up=True):
    value.grad = value.grad + g if add_up else g  # the plus sign
    if value.backward is not None:
        for x, contribution in zip(value.inputs, value.backward(g)):
            sweep(x, contribution, add_up)


w = Value(3.0)
L = w * w + w
sweep(L, 1.0)
print(f"w * w + w at 3: dL/dw = {w.grad}")

# What breaks without it: each contribution overwrites the one before.
w = Value(3.0)
sweep(w * w + w, 1.0, add_up=False)
print(f"with the last contribution alone: {w.grad}")
