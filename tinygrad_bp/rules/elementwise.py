"""Elementary functions, entry by entry."""

import math

import numpy as np

from ..primitive import Closure, Value, primitive


@primitive(kind="entrywise", notation=("exp", r"\exp"))
def exp(a: Value) -> Value:
    """Return e ** a.

    Examples
    --------
    The slope is the value itself:

    >>> import numpy as np
    >>> import tinygrad_bp as bp
    >>> bp.value_and_grad(np.exp)(0.0)
    (array(1.), array(1.))
    """
    return np.exp(a)


@exp.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g * out


@primitive(kind="entrywise", notation=("log", r"\log"))
def log(a: Value) -> Value:
    """Return the natural logarithm.

    At 0 it is -inf and its slope infinite, below 0 it is NaN, each with a RuntimeWarning.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_bp as bp
    >>> bp.value_and_grad(np.log)(1.0)
    (array(0.), array(1.))
    """
    return np.log(a)


@log.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g / a


@primitive(kind="entrywise", notation="np.log(1 + a)")
def log1p(a: Value) -> Value:
    """Return log(1 + a), exact for small a.

    Examples
    --------
    1 + 1e-20 rounds to 1, and its logarithm to 0:

    >>> import tinygrad_bp as bp
    >>> bp.value_and_grad(bp.log1p)(1e-20)
    (array(1.e-20), array(1.))
    """
    return np.log1p(a)


@log1p.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g / (1.0 + a)


@primitive(kind="entrywise", notation="np.exp(a) - 1")
def expm1(a: Value) -> Value:
    """Return e ** a - 1, exact for small a.

    Examples
    --------
    exp(1e-20) rounds to 1, and the difference to 0:

    >>> import tinygrad_bp as bp
    >>> bp.value_and_grad(bp.expm1)(1e-20)
    (array(1.e-20), array(1.))
    """
    return np.expm1(a)


@expm1.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g * np.exp(a)  # not out + 1, which cancels where a is far below 0


@primitive(kind="entrywise", notation=("sin", r"\sin"))
def sin(a: Value) -> Value:
    """Return the sine; the argument is in radians.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_bp as bp
    >>> bp.value_and_grad(np.sin)(0.0)
    (array(0.), array(1.))
    """
    return np.sin(a)


@sin.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g * np.cos(a)


@primitive(kind="entrywise", notation=("cos", r"\cos"))
def cos(a: Value) -> Value:
    """Return the cosine; the argument is in radians.

    Examples
    --------
    The second derivative is -cos, here -1:

    >>> import numpy as np
    >>> import tinygrad_bp as bp
    >>> bp.hessian(np.cos)(0.0)
    array(-1.)
    """
    return np.cos(a)


@cos.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: -g * np.sin(a)


@primitive(kind="entrywise", notation=("tan", r"\tan"))
def tan(a: Value) -> Value:
    """Return the tangent; the argument is in radians.

    Examples
    --------
    The slope is 1 + tan^2, at pi / 4 it is 2:

    >>> import numpy as np
    >>> import tinygrad_bp as bp
    >>> value, slope = bp.value_and_grad(bp.tan)(np.pi / 4)
    >>> round(float(slope), 12)
    2.0
    """
    return np.tan(a)


@tan.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g * (1.0 + out * out)


@primitive(needs="entries from -1 to 1", kind="entrywise", notation=("arcsin", r"\arcsin"))
def arcsin(a: Value) -> Value:
    """Return the inverse sine, in radians.

    Beyond -1 and 1 it is NaN, and at these its slope is infinite; both with a RuntimeWarning.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> x = bp.tensor([-0.6, 0.0, 0.6], requires_grad=True)
    >>> bp.grad(bp.arcsin(x).sum(), x)
    array([1.25, 1.  , 1.25])
    """
    return np.arcsin(a)


@arcsin.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g / np.sqrt((1.0 - a) * (1.0 + a))


@primitive(needs="entries from -1 to 1", kind="entrywise", notation=("arccos", r"\arccos"))
def arccos(a: Value) -> Value:
    """Return the inverse cosine, in radians.

    Beyond -1 and 1 it is NaN, and at these its slope is infinite; both with a RuntimeWarning.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> x = bp.tensor([-0.6, 0.0, 0.6], requires_grad=True)
    >>> bp.grad(bp.arccos(x).sum(), x)
    array([-1.25, -1.  , -1.25])
    """
    return np.arccos(a)


@arccos.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: -g / np.sqrt((1.0 - a) * (1.0 + a))


@primitive(kind="entrywise", notation=("arctan", r"\arctan"))
def arctan(a: Value) -> Value:
    """Return the inverse tangent, in radians.

    Examples
    --------
    The slope is 1 / (1 + a^2); beyond 1e154, where a^2 overflows, 0 with a RuntimeWarning:

    >>> import tinygrad_bp as bp
    >>> x = bp.tensor([0.0, 1.0, -3.0], requires_grad=True)
    >>> bp.grad(bp.arctan(x).sum(), x)
    array([1. , 0.5, 0.1])
    """
    return np.arctan(a)


@arctan.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g / (1.0 + a * a)


@primitive(kind="entrywise", notation=("sinh", r"\sinh"))
def sinh(a: Value) -> Value:
    """Return the hyperbolic sine.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> bp.value_and_grad(bp.sinh)(0.0)
    (array(0.), array(1.))
    """
    return np.sinh(a)


@sinh.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g * np.cosh(a)


@primitive(kind="entrywise", notation=("cosh", r"\cosh"))
def cosh(a: Value) -> Value:
    """Return the hyperbolic cosine.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> bp.value_and_grad(bp.cosh)(0.0)
    (array(1.), array(0.))
    """
    return np.cosh(a)


@cosh.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g * np.sinh(a)


@primitive(kind="entrywise", notation=("tanh", r"\tanh"))
def tanh(a: Value) -> Value:
    """Return the hyperbolic tangent.

    Its slope, 1 - tanh^2, is computed from the output: from 19 on, which rounds to 1, it is 0.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> x = bp.tensor([0.0, 20.0], requires_grad=True)
    >>> bp.grad(bp.tanh(x).sum(), x)
    array([1., 0.])
    """
    return np.tanh(a)


@tanh.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g * (1.0 - out * out)


# NumPy has none of these: one call of the C library's for each entry
_erf = np.frompyfunc(math.erf, 1, 1)
_erfc = np.frompyfunc(math.erfc, 1, 1)


@primitive(kind="entrywise")
def erf(a: Value) -> Value:
    """Return the error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to a.

    This is 7.1.1 in Abramowitz and Stegun, *Handbook of Mathematical Functions*, 1964; its
    derivative is 7.1.19: 2 / sqrt(pi) exp(-a^2), 0 with a RuntimeWarning where a^2 overflows.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_bp as bp
    >>> value, slope = bp.value_and_grad(bp.erf)(0.0)
    >>> float(value), round(float(slope * np.sqrt(np.pi)), 12)
    (0.0, 2.0)
    """
    return np.asarray(_erf(a), dtype=np.result_type(np.asarray(a), np.float32))


@erf.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g * (2.0 / math.sqrt(math.pi)) * np.exp(-a * a)


@primitive(kind="entrywise")
def erfc(a: Value) -> Value:
    """Return 1 - erf(a), also where erf(a) itself would round to 1.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> float(bp.erfc(10.0)), 1.0 - float(bp.erf(10.0))  # doctest: +ELLIPSIS
    (2.08848758376...e-45, 0.0)
    """
    return np.asarray(_erfc(a), dtype=np.result_type(np.asarray(a), np.float32))


@erfc.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: -g * (2.0 / math.sqrt(math.pi)) * np.exp(-a * a)
