"""Arithmetic, entry by entry, with broadcasting as in NumPy."""

from typing import Any

import numpy as np

from ..primitive import Closure, Value, primitive

BROADCASTING = "shapes that broadcast: from the last axis backward, lengths are equal or one is 1"


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


@add.backward
def _(out: Value, a: Value, b: Value) -> tuple[Closure, Closure]:
    return lambda g: g, lambda g: g


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


@subtract.backward
def _(out: Value, a: Value, b: Value) -> tuple[Closure, Closure]:
    return lambda g: g, lambda g: -g


@primitive(symbol="×", needs=BROADCASTING, kind="entrywise")
def multiply(a: Value, b: Value) -> Value:
    """Return a * b.

    Examples
    --------
    Each factor is the slope by the other; a factor that is used twice gets both contributions:

    >>> import tinygrad_bp as bp
    >>> a, b = bp.tensor(3.0, requires_grad=True), bp.tensor(5.0, requires_grad=True)
    >>> bp.grad(bp.multiply(a, b), [a, b])
    (array(5.), array(3.))
    >>> bp.grad(bp.multiply(a, a), a)
    array(6.)
    """
    return a * b


@multiply.backward
def _(out: Value, a: Value, b: Value) -> tuple[Closure, Closure]:
    return lambda g: g * b, lambda g: g * a


@primitive(symbol="÷", needs=BROADCASTING, kind="entrywise")
def divide(a: Value, b: Value) -> Value:
    """Return a / b.

    Division by 0 gives infinity or NaN and a RuntimeWarning, as in NumPy.

    Examples
    --------
    The slopes of a / b are 1 / b and -a / b^2:

    >>> import tinygrad_bp as bp
    >>> a, b = bp.tensor(3.0, requires_grad=True), bp.tensor(2.0, requires_grad=True)
    >>> bp.grad(bp.divide(a, b), [a, b])
    (array(0.5), array(-0.75))
    """
    return a / b


@divide.backward
def _(out: Value, a: Value, b: Value) -> tuple[Closure, Closure]:
    return lambda g: g / b, lambda g: -g * out / b


@primitive(symbol="−", kind="entrywise")
def negative(a: Value) -> Value:
    """Return -a.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> bp.value_and_grad(bp.negative)(2.0)
    (array(-2.), array(-1.))
    """
    return -a


@negative.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: -g


@primitive(symbol="^", needs=BROADCASTING, kind="entrywise")
def power(a: Value, n: Value) -> Value:
    """Return a ** n.

    The derivative by n is that of a^n = exp(n log a), so it needs a > 0, or a = 0 and n > 0.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_bp as bp
    >>> a, n = bp.tensor(2.0, requires_grad=True), bp.tensor(3.0, requires_grad=True)
    >>> by_a, by_n = bp.grad(bp.power(a, n), [a, n])
    >>> float(by_a), float(by_n / np.log(2.0))  # n a^(n - 1) and a^n log a
    (12.0, 8.0)

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
    lower = np.where((n == 0) & (a == 0), 1.0, n - 1)
    base = np.where(a == 0, 1.0, a)  # where a = 0, out is 0 too, or n is 0
    if base.dtype != out.dtype:
        base = base.astype(out.dtype)
    return lambda g: g * n * a**lower, lambda g: g * out * np.log(base)


@primitive(kind="entrywise")
def where(condition: Value, a: Value, b: Value) -> Value:
    """Return a where the condition holds, else b.

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


@where.backward
def _(out: Value, condition: Value, a: Value, b: Value) -> tuple[Closure, Closure, Closure]:
    return (
        None,
        lambda g: np.where(condition, g, 0.0),
        lambda g: np.where(condition, 0.0, g),
    )


@primitive(symbol="|·|", kind="entrywise", notation=("|{}|", r"\left\lvert {} \right\rvert"))
def absolute(a: Value) -> Value:
    """Return the absolute value; its derivative at 0, where it has a corner, is taken as 0.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_bp as bp
    >>> a = bp.tensor([-2.0, 0.0, 2.0], requires_grad=True)
    >>> bp.grad(np.abs(a).sum(), a)
    array([-1.,  0.,  1.])
    """
    return np.abs(a)


@absolute.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g * np.sign(a)


@primitive(kind="entrywise", notation=("sgn", r"\mathrm{sgn}"))
def sign(a: Value) -> Value:
    """Return -1, 0 or 1. It is constant between jumps, so no gradient flows back.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> a = bp.tensor([-2.0, 0.0, 2.0], requires_grad=True)
    >>> bp.sign(a).data, bp.grad(bp.sign(a).sum(), a)
    (array([-1.,  0.,  1.]), array([0., 0., 0.]))
    """
    return np.sign(a)


@sign.backward
def _(out: Value, a: Value) -> Closure:
    return None


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


@maximum.backward
def _(out: Value, a: Value, b: Value) -> tuple[Closure, Closure]:
    return (
        lambda g: np.where(a > b, g, np.where(a == b, 0.5 * g, 0.0)),
        lambda g: np.where(b > a, g, np.where(a == b, 0.5 * g, 0.0)),
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


@minimum.backward
def _(out: Value, a: Value, b: Value) -> tuple[Closure, Closure]:
    return (
        lambda g: np.where(a < b, g, np.where(a == b, 0.5 * g, 0.0)),
        lambda g: np.where(b < a, g, np.where(a == b, 0.5 * g, 0.0)),
    )


@primitive(kind="entrywise")
def clip(a: Value, *, min: Any = None, max: Any = None) -> Value:
    """Return a limited to the range from min to max; a gradient flows where a is in the range.

    Parameters
    ----------
    a
        A Tensor or array of any shape.
    min, max
        The bounds: numbers, or arrays that broadcast with a. None, the default, is no bound.

    Raises
    ------
    TypeError
        If a bound is a Tensor: no gradient flows to a setting. Limit by one with ``bp.maximum`` and
        ``bp.minimum``.

    Examples
    --------
    At a bound itself the slope is 1, as inside of the range; beyond, it is 0:

    >>> import tinygrad_bp as bp
    >>> a = bp.tensor([-2.0, -1.0, 0.0, 1.0, 2.0], requires_grad=True)
    >>> clipped = bp.clip(a, -1.0, 1.0)
    >>> clipped.data
    array([-1., -1.,  0.,  1.,  1.])
    >>> bp.grad(clipped.sum(), a)
    array([0., 1., 1., 1., 0.])
    """
    if min is None and max is None:  # which NumPy 2.0 refuses
        return a
    return np.clip(a, min, max)


@clip.backward
def _(out: Value, a: Value, *, min: Any, max: Any) -> Closure:
    return lambda g: np.where(a == out, g, 0.0)


@primitive(symbol="·²", kind="entrywise", notation="a ** 2")
def square(a: Value) -> Value:
    """Return a * a.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> bp.value_and_grad(bp.square)(3.0)
    (array(9.), array(6.))
    """
    return np.square(a)


@square.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: 2.0 * g * a


@primitive(symbol="√", kind="entrywise", notation=("√{:single}", r"\sqrt{{{}}}"))
def sqrt(a: Value) -> Value:
    """Return the square root.

    At 0 its slope is infinite, with a RuntimeWarning; below 0 it is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_bp as bp
    >>> bp.value_and_grad(np.sqrt)(4.0)
    (array(2.), array(0.25))
    """
    return np.sqrt(a)


@sqrt.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: 0.5 * g / out


@primitive(symbol="1/·", kind="entrywise")
def reciprocal(a: Value) -> Value:
    """Return 1 / a.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> bp.value_and_grad(bp.reciprocal)(2.0)
    (array(0.5), array(-0.25))
    """
    return 1.0 / a


@reciprocal.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: -g * out * out
