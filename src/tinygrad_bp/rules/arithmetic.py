"""Arithmetic, entry by entry, with broadcasting as in NumPy."""

from typing import Any

import numpy as np

from ..primitive import Closure, Value, primitive

BROADCASTING = "shapes that broadcast: from the last axis backward, lengths are equal or one is 1"


@primitive(symbol="+", needs=BROADCASTING)
def add(a: Value, b: Value) -> Value:
    """Return a + b."""
    return a + b


@add.backward
def _(out: Value, a: Value, b: Value) -> tuple[Closure, Closure]:
    return lambda g: g, lambda g: g


@primitive(symbol="−", needs=BROADCASTING)
def subtract(a: Value, b: Value) -> Value:
    """Return a - b."""
    return a - b


@subtract.backward
def _(out: Value, a: Value, b: Value) -> tuple[Closure, Closure]:
    return lambda g: g, lambda g: -g


@primitive(symbol="×", needs=BROADCASTING)
def multiply(a: Value, b: Value) -> Value:
    """Return a * b."""
    return a * b


@multiply.backward
def _(out: Value, a: Value, b: Value) -> tuple[Closure, Closure]:
    return lambda g: g * b, lambda g: g * a


@primitive(symbol="÷", needs=BROADCASTING)
def divide(a: Value, b: Value) -> Value:
    """Return a / b."""
    return a / b


@divide.backward
def _(out: Value, a: Value, b: Value) -> tuple[Closure, Closure]:
    return lambda g: g / b, lambda g: -g * out / b


@primitive(symbol="−")
def negative(a: Value) -> Value:
    """Return -a."""
    return -a


@negative.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: -g


@primitive(symbol="^", needs=BROADCASTING)
def power(a: Value, n: Value) -> Value:
    """Return a ** n.

    The derivative by n is that of a^n = exp(n log a), so it needs a > 0, or a = 0 and n > 0.
    """
    return a**n


@power.backward
def _(out: Value, a: Value, n: Value) -> tuple[Closure, Closure]:
    if isinstance(n, (int, float)):  # a number, which no gradient flows to
        if n == 2:
            return lambda g: 2 * g * a, None
        less = n - 1 if n != 0 else 1  # a^0 is 1 at a = 0 too: no slope there, not 0 / 0
        return lambda g: n * g * a**less, None
    lower = np.where((n == 0) & (a == 0), 1.0, n - 1)
    base = np.where(a == 0, 1.0, a)  # where a = 0, out is 0 too, or n is 0
    if base.dtype != out.dtype:
        base = base.astype(out.dtype)
    return lambda g: g * n * a**lower, lambda g: g * out * np.log(base)


@primitive
def where(condition: Value, a: Value, b: Value) -> Value:
    """Return a where the condition holds, else b."""
    return np.where(condition, a, b)


@where.backward
def _(out: Value, condition: Value, a: Value, b: Value) -> tuple[Closure, Closure, Closure]:
    return (
        None,
        lambda g: np.where(condition, g, 0.0),
        lambda g: np.where(condition, 0.0, g),
    )


@primitive(symbol="|·|")
def absolute(a: Value) -> Value:
    """Return the absolute value; its derivative at 0, where it has a corner, is taken as 0."""
    return np.abs(a)


@absolute.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g * np.sign(a)


@primitive
def sign(a: Value) -> Value:
    """Return -1, 0 or 1. It is constant between jumps, so no gradient flows back."""
    return np.sign(a)


@sign.backward
def _(out: Value, a: Value) -> Closure:
    return None


@primitive(needs=BROADCASTING)
def maximum(a: Value, b: Value) -> Value:
    """Return the larger of each two entries; where they are equal, each gets half the gradient."""
    return np.maximum(a, b)


@maximum.backward
def _(out: Value, a: Value, b: Value) -> tuple[Closure, Closure]:
    return (
        lambda g: np.where(a > b, g, np.where(a == b, 0.5 * g, 0.0)),
        lambda g: np.where(b > a, g, np.where(a == b, 0.5 * g, 0.0)),
    )


@primitive(needs=BROADCASTING)
def minimum(a: Value, b: Value) -> Value:
    """Return the smaller of each two entries; where they are equal, each gets half the gradient."""
    return np.minimum(a, b)


@minimum.backward
def _(out: Value, a: Value, b: Value) -> tuple[Closure, Closure]:
    return (
        lambda g: np.where(a < b, g, np.where(a == b, 0.5 * g, 0.0)),
        lambda g: np.where(b < a, g, np.where(a == b, 0.5 * g, 0.0)),
    )


@primitive(written="a.clip(min, max)")
def clip(a: Value, *, min: Any = None, max: Any = None) -> Value:
    """Return a limited to the range from min to max; a gradient flows where a is in the range."""
    if min is None and max is None:  # which NumPy 2.0 refuses
        return a
    return np.clip(a, min, max)


@clip.backward
def _(out: Value, a: Value, *, min: Any, max: Any) -> Closure:
    return lambda g: np.where(a == out, g, 0.0)


@primitive(symbol="·²")
def square(a: Value) -> Value:
    """Return a * a."""
    return np.square(a)


@square.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: 2.0 * g * a


@primitive(symbol="√")
def sqrt(a: Value) -> Value:
    """Return the square root."""
    return np.sqrt(a)


@sqrt.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: 0.5 * g / out


@primitive(symbol="1/·")
def reciprocal(a: Value) -> Value:
    """Return 1 / a."""
    return 1.0 / a


@reciprocal.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: -g * out * out
