"""Lesson 2: a value that remembers how it was computed.

Nobody wants to write the backward pass by hand. Let each value keep two things: the values that it
was computed from, and a function that turns its own gradient into theirs. Then the backward pass
needs no more writing. New since lesson 1: the class. This file prints

    dL/dw = -20.0
    L was computed from e, e was computed from m and y, m was computed from w and x
    with nothing remembered: dL/dw = 0.0
"""


class Value:
    def __init__(self, data, name="", inputs=(), backward=None):
        self.data, self.name, self.grad = data, name, 0.0
        self.inputs = inputs  # the values that it was computed from
        self.backward = backward  # from its gradient to one gradient for each input

    def __mul__(self, other):
        a, b = self, other
        return Value(a.data * b.data, "", (a, b), lambda g: (g * b.data, g * a.data))

    def __sub__(self, other):
        return Value(self.data - other.data, "", (self, other), lambda g: (g, -g))

    def square(self):
        return Value(self.data**2, "", (self,), lambda g: (g * 2 * self.data,))


def sweep(value, g):
    value.grad = g
    if value.backward is not None:
        for x, contribution in zip(value.inputs, value.backward(g)):
            sweep(x, contribution)


x, y, w = Value(2.0, "x"), Value(7.0, "y"), Value(1.0, "w")
m = w * x
e = m - y
L = e.square()
m.name, e.name, L.name = "m", "e", "L"

sweep(L, 1.0)
print(f"dL/dw = {w.grad}")

steps = [f"{v.name} was computed from {' and '.join(i.name for i in v.inputs)}" for v in (L, e, m)]
print(", ".join(steps))

# What breaks without it: a value that remembers nothing ends the way back.
w.grad = 0.0
m.inputs, m.backward = (), None
sweep(L, 1.0)
print(f"with nothing remembered: dL/dw = {w.grad}")
