"""An operation of your own: its forward function and its backward rule, and the rest is given.

log(1 - exp(-x)), for x > 0, turns up wherever probabilities are kept as logarithms. Composed of exp
and log it goes wrong for small x, where 1 - exp(-x) loses its digits. With a formula of its own it
stays exact, and so does its gradient. Run, this file prints

    at x = 1e-15       value      gradient
    composed      -34.539576    1.0008e+15
    log1mexp      -34.538776    1.0000e+15

    gradcheck of order 1: passed
    gradcheck of order 2: passed
    derivative in the direction (1, 0): [1.5415 0.    ]
    second derivatives: [-3.9177 -0.9207]
    of a plain number: -0.9328
"""

import tinygrad_bp as bp


@bp.primitive
def log1mexp(x):
    """Return log(1 - exp(-x)) for x > 0."""
    return bp.log(-bp.expm1(-x))


@log1mexp.backward
def _(out, x):
    return lambda g: g / bp.expm1(x)


def composed(x):
    """Return the same, the obvious way."""
    return bp.log(1 - bp.exp(-x))


print("at x = 1e-15       value      gradient")
for function in (composed, log1mexp):
    x = bp.tensor(1e-15, requires_grad=True)
    y = function(x)
    y.backward()
    print(f"{function.__name__}{y.item():16.6f}{x.grad:14.4e}")
print()

points = [0.5, 1.0]
for order in (1, 2):
    report = bp.gradcheck(log1mexp, [points], order)
    print(f"gradcheck of order {order}: {'passed' if report else report}")

value, slope = bp.jvp(log1mexp, [points], [[1.0, 0.0]])
hessian = bp.hessian(lambda x: log1mexp(x).sum())(points)
print("derivative in the direction (1, 0):", slope.round(4))
print("second derivatives:", bp.diagonal(hessian).round(4))
print("of a plain number:", round(log1mexp(0.5), 4))
