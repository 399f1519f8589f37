"""Arithmetic, entry by entry, with broadcasting as in NumPy."""

from typing import Any

import numpy as np

from ..primitive import Closure, Value, primitive
from .rows import BROADCASTING, POSITIVE, elementwise


@primitive(symbol="+", needs=BROADCASTING, kind="entrywise")
def add(a: Value, b: Value) -> Value:
    """Return a + b.

    Examples
    --------
    An operand that was broadcast gets the sum of the gradients of its copies:

    >>> import tinygrad_bp as bp
    >>> b = bp.tensor(1.0, requires_grad=True)
    >>> bp.grad(bp.add([10.0, 20.0, 30.0], b).sum(), b)
    array(3.)
    """
    return a + b


add.backward(lambda out, a, b: (lambda g: g, lambda g: g))


@primitive(symbol="−", needs=BROADCASTING, kind="entrywise")
def subtract(a: Value, b: Value) -> Value:
    """Return a - b.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> b = bp.tensor([1.0, 2.0], requires_grad=True)
    >>> bp.grad(bp.subtract(10.0, b).sum(), b)
    array([-1., -1.])
    """
    return a - b


subtract.backward(lambda out, a, b: (lambda g: g, lambda g: -g))


@primitive(symbol="×", needs=BROADCASTING, kind="entrywise")
def multiply(a: Value, b: Value) -> Value:
    """Return a * b: each factor is the slope by the other.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> a, b = bp.tensor(3.0, requires_grad=True), bp.tensor(5.0, requires_grad=True)
    >>> bp.grad(bp.multiply(a, b), [a, b])
    (array(5.), array(3.))
    """
    return a * b


multiply.backward(lambda out, a, b: (lambda g: g * b, lambda g: g * a))


@primitive(symbol="÷", needs=BROADCASTING, kind="entrywise", domain=POSITIVE)
def divide(a: Value, b: Value) -> Value:
    """Return a / b; division by 0 gives infinity or NaN and a RuntimeWarning, as in NumPy.

    Examples
    --------
    The slopes of a / b are 1 / b and -a / b^2:

    >>> import tinygrad_bp as bp
    >>> a, b = bp.tensor(3.0, requires_grad=True), bp.tensor(2.0, requires_grad=True)
    >>> bp.grad(bp.divide(a, b), [a, b])
    (array(0.5), array(-0.75))
    """
    return a / b


divide.backward(lambda out, a, b: (lambda g: g / b, lambda g: -g * out / b))


@primitive(symbol="^", needs=BROADCASTING, kind="entrywise", domain=POSITIVE)
def power(a: Value, n: Value) -> Value:
    """Return a ** n.

    The derivative by n is that of a^n = exp(n log a), so it needs a > 0, or a = 0 and n > 0.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> a, n = bp.tensor(2.0, requires_grad=True), bp.tensor(3.0, requires_grad=True)
    >>> bp.grad(bp.power(a, n), [a, n])  # n a^(n - 1) and a^n log a
    (array(12.), array(5.54517744))

    The slope of a^0, which is 1 also at a = 0, is 0 there and not NaN:

    >>> bp.value_and_grad(lambda a: a**0)(0.0)
    (array(1.), array(0.))
    """
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
    """Return the entries of a where the condition holds, else those of b.

    An entry that is not chosen was computed all the same, and gets a gradient of 0, which an
    infinite slope behind it turns into NaN. Choose before: ``bp.log(bp.where(a > 0, a, 1.0))``.

    Parameters
    ----------
    condition
        Booleans, or numbers of which those that are not 0 hold. No gradient flows to it.
    a, b
        Of shapes that broadcast with that of the condition.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> a = bp.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> bp.grad(bp.where(a > 1.5, a * a, 0.0).sum(), a)
    array([0., 4., 6.])
    """
    return np.where(condition, a, b)


where.backward(
    lambda out, condition, a, b: (
        None,
        lambda g: np.where(condition, g, 0.0),
        lambda g: np.where(condition, 0.0, g),
    )
)


@primitive(needs=BROADCASTING, kind="entrywise", notation=("max", r"\max"))
def maximum(a: Value, b: Value) -> Value:
    """Return the larger of each two entries; where they are equal, each gets half the gradient.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> a = bp.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> bp.grad(bp.maximum(a, 2.0).sum(), a)
    array([0. , 0.5, 1. ])
    """
    return np.maximum(a, b)


maximum.backward(
    lambda out, a, b: (
        lambda g: np.where(a > b, g, np.where(a == b, 0.5 * g, 0.0)),
        lambda g: np.where(b > a, g, np.where(a == b, 0.5 * g, 0.0)),
    )
)


@primitive(needs=BROADCASTING, kind="entrywise", notation=("min", r"\min"))
def minimum(a: Value, b: Value) -> Value:
    """Return the smaller of each two entries; where they are equal, each gets half the gradient.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> a = bp.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> bp.grad(bp.minimum(a, 2.0).sum(), a)
    array([1. , 0.5, 0. ])
    """
    return np.minimum(a, b)


minimum.backward(
    lambda out, a, b: (
        lambda g: np.where(a < b, g, np.where(a == b, 0.5 * g, 0.0)),
        lambda g: np.where(b < a, g, np.where(a == b, 0.5 * g, 0.0)),
    )
)


@primitive(kind="entrywise")
def clip(a: Value, *, min: Any = None, max: Any = None) -> Value:
    """Return the entries limited to the range from min to max.

    At a bound itself the slope is 1, as inside of the range; beyond, it is 0.

    Parameters
    ----------
    a
        A Tensor or array of any shape.
    min, max
        The bounds: numbers, or arrays that broadcast with a. None, the default, is no bound. No
        gradient flows to a bound: to a Tensor, limit with ``bp.maximum`` and ``bp.minimum``.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> a = bp.tensor([-2.0, -1.0, 0.0, 1.0, 2.0], requires_grad=True)
    >>> bp.grad(bp.clip(a, -1.0, 1.0).sum(), a)
    array([0., 1., 1., 1., 0.])
    """
    if min is None and max is None:  # which NumPy 2.0 refuses
        return a
    return np.clip(a, min, max)


clip.backward(lambda out, a, *, min, max: lambda g: np.where(a == out, g, 0.0))


@primitive(kind="entrywise", notation=("sgn", r"\mathrm{sgn}"))
def sign(a: Value) -> Value:
    """Return -1, 0 or 1. It is constant between jumps, so no gradient flows back.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> bp.value_and_grad(bp.sign)(-2.0)
    (array(-1.), array(0.))
    """
    return np.sign(a)


sign.backward(lambda out, a: None)

negative = elementwise(
    np.negative,
    "-a.",
    lambda g, out, a: -g,
    at=(2, -2, -1),
    integers=True,
    symbol="−",
    written="-a",
)
absolute = elementwise(
    np.absolute,
    "the absolute value; its derivative at 0, where it has a corner, is taken as 0.",
    lambda g, out, a: g * np.sign(a),
    at=(-2, 2, -1),
    integers=True,
    symbol="|·|",
    written="np.abs(a)",
    notation=("|{}|", r"\left\lvert {} \right\rvert"),
)
square = elementwise(
    np.square,
    "a * a.",
    lambda g, out, a: 2.0 * g * a,
    at=(3, 9, 6),
    integers=True,
    symbol="·²",
    notation="a ** 2",
)
sqrt = elementwise(
    np.sqrt,
    "the square root: at 0 its slope is infinite, and below it is NaN, with a RuntimeWarning.",
    lambda g, out, a: 0.5 * g / out,
    at=(4, 2, 0.25),
    domain=POSITIVE,
    symbol="√",
    notation=("√{:single}", r"\sqrt{{{}}}"),
)
reciprocal = elementwise(
    np.reciprocal,
    "1 / a.",
    lambda g, out, a: -g * out * out,
    at=(2, 0.5, -0.25),
    domain=POSITIVE,
    symbol="1/·",
    written="1.0 / a",
)
