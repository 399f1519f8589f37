"""Arithmetic, entry by entry, with broadcasting as in NumPy.

A rule returns a backward closure for each operand. It need not sum over axes along which an operand
was broadcast, nor add up what arrives from several uses of it: the sweep does.
"""

from typing import Any

import numpy as np

from ..engine import primitive
from ..table import Closure, Value
from .rows import BROADCASTING, POSITIVE, composed, elementwise, upright
from .shaping import identity


def chosen(g: Value, this: Value, both: Value) -> Value:
    """Return g where this operand was chosen, and half of it where both are equal."""
    return np.where(this, g, np.where(both, 0.5 * g, 0.0))


# fmt: off

add = elementwise(
    np.add, "a + b", lambda out, a, b: (lambda g: g, lambda g: g),
    at="2.0, 3.0 -> 5., 1., 1.", symbol="+")
subtract = elementwise(
    np.subtract, "a - b", lambda out, a, b: (lambda g: g, lambda g: -g),
    at="2.0, 3.0 -> -1., 1., -1.", symbol="−")
multiply = elementwise(
    np.multiply, "a * b", lambda out, a, b: (lambda g: g * b, lambda g: g * a),
    at="3.0, 5.0 -> 15., 5., 3.", symbol="×")
divide = elementwise(
    np.divide, "a / b", lambda out, a, b: (lambda g: g / b, lambda g: -g * out / b),
    at="3.0, 2.0 -> 1.5, 0.5, -0.75", symbol="÷", domain=POSITIVE)
negative = elementwise(
    np.negative, "-a", lambda out, a: lambda g: -g,
    at="2.0 -> -2., -1.", integers=True, symbol="−")
reciprocal = elementwise(
    np.reciprocal, "1.0 / a", lambda out, a: lambda g: -g * out * out,
    at="2.0 -> 0.5, -0.25", symbol="1/·", domain=POSITIVE)
square = elementwise(
    np.square, "the square.", lambda out, a: lambda g: 2.0 * g * a,
    at="3.0 -> 9., 6.", integers=True, symbol="·²", notation="a ** 2")
sqrt = elementwise(
    np.sqrt,
    "the square root: at 0 its slope is infinite, and below it is NaN, with a RuntimeWarning.",
    lambda out, a: lambda g: 0.5 * g / out,
    at="4.0 -> 2., 0.25", symbol="√", notation=("√{:single}", r"\sqrt{{{}}}"), domain=POSITIVE)
absolute = elementwise(
    np.abs, "the absolute value; its derivative at 0, where it has a corner, is taken as 0.",
    lambda out, a: lambda g: g * np.sign(a),
    at="-2.0 -> 2., -1.", integers=True, symbol="|·|", written="np.abs(a)",
    notation=("|{}|", r"\left\lvert {} \right\rvert"))
sign = elementwise(
    np.sign, "-1, 0 or 1. It is constant between jumps, so no gradient flows back.",
    lambda out, a: None, at="-2.0 -> -1., 0.", integers=True, notation=upright("sgn"))
maximum = elementwise(
    np.maximum,
    "the larger of each two entries; where they are equal, each gets half the gradient.",
    lambda out, a, b: (lambda g: chosen(g, a > b, a == b), lambda g: chosen(g, b > a, a == b)),
    at="2.0, 3.0 -> 3., 0., 1.", notation=("max", r"\max"))
minimum = elementwise(
    np.minimum,
    "the smaller of each two entries; where they are equal, each gets half the gradient.",
    lambda out, a, b: (lambda g: chosen(g, a < b, a == b), lambda g: chosen(g, b < a, a == b)),
    at="2.0, 3.0 -> 2., 1., 0.", notation=("min", r"\min"))

# fmt: on


@primitive(symbol="^", written="a**n", needs=BROADCASTING, kind="entrywise", domain=POSITIVE)
def power(a: Value, n: Value) -> Value:
    """Return a ** n.

    The derivative by n is that of a^n = exp(n log a), so it needs a > 0, or a = 0 and n > 0. The
    slope of a^0, which is 1 also at a = 0, is 0 there and not NaN.

    The slopes are n a^(n - 1) and a^n log a:

    >>> bp.value_and_grad(bp.power, (0, 1))(2.0, 3.0)
    (array(8.), (array(12.), array(5.54517744)))
    """
    if type(n) in (int, float) and n in (3, 4) and a.dtype.kind == "f":
        return a * a * a if n == 3 else np.square(np.square(a))  # NumPy takes ten times as long
    return a**n


@power.backward
def _(out: Value, a: Value, n: Value) -> tuple[Closure, Closure]:
    if isinstance(n, (int, float)):  # a number, which no gradient flows to
        if n == 2:
            return lambda g: 2 * g * a, None
        less = n - 1 if n != 0 else 1  # a^0 is 1 at a = 0 too: no slope there, not 0 / 0
        return lambda g: n * g * a**less, None
    lower = np.where((n == 0) & (a == 0), 1.0, n - 1.0)
    base = np.asarray(a) if isinstance(a, (int, float)) else a
    if base.dtype != out.dtype:
        base = base.astype(out.dtype)

    def by_exponent(g: Value) -> Value:
        # 0 where a = 0; but log a has no slope there, so a second derivative will be 0 / 0
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.where((n >= 0) & (a == 0), 0.0, out * np.log(base))
        return g * slope

    return lambda g: g * n * a**lower, by_exponent


@primitive(kind="entrywise")
def where(condition: Value, a: Value, b: Value) -> Value:
    """Return the entries of a where the condition holds (is not 0), and of b elsewhere.

    An entry that is not chosen was computed all the same, and gets a gradient of 0, which an
    infinite slope behind it turns into NaN. Choose before: ``bp.log(bp.where(a > 0, a, 1.0))``.

    >>> bp.where([True, False], [1.0, 2.0], 0.0)
    array([1., 0.])
    """
    return np.where(condition, a, b)


where.backward(
    lambda out, condition, a, b: (
        None,
        lambda g: np.where(condition, g, 0.0),
        lambda g: np.where(condition, 0.0, g),
    )
)


@primitive(symbol="clip", kind="entrywise", notation=upright("clip"))
def clip_to_numbers(a: Value, *, min: Any = None, max: Any = None) -> Value:
    """Return the entries limited to a range of numbers, to which no gradient flows."""
    if min is None and max is None:
        return a
    return np.clip(a, min, max)


clip_to_numbers.backward(lambda out, a, *, min, max: lambda g: np.where(a == out, g, 0.0))


@composed(of=clip_to_numbers)
def clip(a: Value, min: Any = None, max: Any = None) -> Value:
    """Return the entries limited to the range from min to max, each of which may be None.

    At a bound the slope is 1, as inside of the range; beyond, it is 0. A bound that is a Tensor
    gets the gradient of the entries beyond it.

    >>> bp.value_and_grad(bp.clip)(2.0, -1.0, 1.0)
    (array(1.), array(0.))
    """
    if min is None and max is None:  # which NumPy 2.0 refuses
        return identity(a)
    if not (hasattr(min, "named") or hasattr(max, "named")):
        return clip_to_numbers(a, min=min, max=max)
    if min is not None:
        a = where(np.less(a, min), min, a)
    return a if max is None else where(np.greater(a, max), max, a)
