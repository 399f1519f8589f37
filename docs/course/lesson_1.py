"""Lesson 1: the chain rule, on five nodes.

A computation is a row of small steps, and the slope of each step is easy: the slope of a product by
one factor is the other factor, and the slope of a sum is 1. To find how the end depends on the
start, go back from the end and multiply by the slope of each step. This file prints

    dL/dw = -20.0
    by moving w a little: -20.0
    with one slope forgotten: 2.0
"""

x, y, w = 2.0, 7.0, 1.0  # one sample, and one weight


def forward(w):
    m = w * x  # the prediction
    e = m - y  # the error
    L = e * e  # the loss
    return m, e, L


m, e, L = forward(w)

# Backward, the latest step first: each line is the line before, times the slope of one step.
dL = 1.0
de = dL * 2 * e  # the step L = e * e
dm = de * 1  # the step e = m - y
dw = dm * x  # the step m = w * x
print(f"dL/dw = {dw}")

h = 1e-6
slope = (forward(w + h)[2] - forward(w - h)[2]) / (2 * h)
print(f"by moving w a little: {slope:.1f}")

# What breaks without it: forget the slope 2 e, and everything below that step is wrong.
de = dL
dm = de * 1
dw = dm * x
print(f"with one slope forgotten: {dw}")
