"""Lesson 9: a rule that runs on values is recorded itself, and that gives second derivatives.

A rule is a plain expression, such as g * 2 * z. If g and z are Values, not arrays, the expression
makes Values, which remember how they were computed. So the same sweep can differentiate the
gradient again. New since lesson 8: the sweep passes Values to the rules, and the operators make
Values. This file prints

    x^3 at 2: value 8.0, slope 12.0, slope of the slope 12.0
    with rules on plain numbers: the slope depends on nothing
"""

import itertools

counter = itertools.count()
TABLE = {
    "add": (lambda a, b: a + b, lambda out, a, b: (lambda g: g, lambda g: g)),
    "multiply": (lambda a, b: a * b, lambda out, a, b: (lambda g: g * b, lambda g: g * a)),
}


class Value:
    def __init__(self, data, row=None, inputs=()):
        self.data, self.id = data, next(counter)
        self.row, self.inputs = row, inputs

    def __add__(self, other):
        return apply("add", self, other)

    def __mul__(self, other):
        return apply("multiply", self, other)


def apply(row, *inputs):
    return Value(TABLE[row][0](*(x.data for x in inputs)), row, inputs)


def grad(output, leaf, recorded=True):
    gradients, waiting = {output.id: Value(1.0)}, {output.id: output}
    while waiting:
        value = waiting.pop(max(waiting))
        g = gradients[value.id]
        if value.row is not None:
            inputs = value.inputs if recorded else [Value(x.data) for x in value.inputs]
            for x, closure in zip(value.inputs, TABLE[value.row][1](value, *inputs)):
                given = closure(g)
                gradients[x.id] = gradients[x.id] + given if x.id in gradients else given
                waiting[x.id] = x
    return gradients.get(leaf.id)


x = Value(2.0)
y = x * x * x
slope = grad(y, x)
second = grad(slope, x)
print(f"x^3 at 2: value {y.data}, slope {slope.data}, slope of the slope {second.data}")

# What breaks without it: the numbers are right, but nothing remembers how they were computed.
forgotten = grad(grad(y, x, recorded=False), x)
print("with rules on plain numbers: the slope depends on", "nothing" if forgotten is None else "x")
