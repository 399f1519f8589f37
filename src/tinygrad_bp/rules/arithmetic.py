"""Arithmetic, entry by entry, with broadcasting as in NumPy."""

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
    if isinstance(n, (int, float)):
        lower = n - 1 if n != 0 else 1  # a^0 is 1 at a = 0 too: its derivative is 0 there, not 0/0
    else:
        lower = np.where(n == 0, 1.0, n - 1)
    return (
        lambda g: g * n * a**lower,
        lambda g: g * out * np.log(np.where(a == 0, 1.0, a)),
    )


@primitive
def log(a: Value) -> Value:
    """Return the natural logarithm."""
    return np.log(a)


@log.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g / a


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
