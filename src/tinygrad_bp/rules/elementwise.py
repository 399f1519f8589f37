"""Elementary functions, entry by entry."""

import math

import numpy as np

from ..primitive import Closure, Value, primitive


@primitive
def exp(a: Value) -> Value:
    """Return e ** a."""
    return np.exp(a)


@exp.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g * out


@primitive
def log(a: Value) -> Value:
    """Return the natural logarithm."""
    return np.log(a)


@log.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g / a


@primitive
def log1p(a: Value) -> Value:
    """Return log(1 + a), exact for small a."""
    return np.log1p(a)


@log1p.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g / (1.0 + a)


@primitive
def expm1(a: Value) -> Value:
    """Return e ** a - 1, exact for small a."""
    return np.expm1(a)


@expm1.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g * np.exp(a)  # not out + 1, which cancels where a is far below 0


@primitive
def sin(a: Value) -> Value:
    """Return the sine; the argument is in radians."""
    return np.sin(a)


@sin.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g * np.cos(a)


@primitive
def cos(a: Value) -> Value:
    """Return the cosine; the argument is in radians."""
    return np.cos(a)


@cos.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: -g * np.sin(a)


@primitive
def tan(a: Value) -> Value:
    """Return the tangent; the argument is in radians."""
    return np.tan(a)


@tan.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g * (1.0 + out * out)


@primitive(needs="entries from -1 to 1")
def arcsin(a: Value) -> Value:
    """Return the inverse sine, in radians."""
    return np.arcsin(a)


@arcsin.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g / np.sqrt((1.0 - a) * (1.0 + a))


@primitive(needs="entries from -1 to 1")
def arccos(a: Value) -> Value:
    """Return the inverse cosine, in radians."""
    return np.arccos(a)


@arccos.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: -g / np.sqrt((1.0 - a) * (1.0 + a))


@primitive
def arctan(a: Value) -> Value:
    """Return the inverse tangent, in radians."""
    return np.arctan(a)


@arctan.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g / (1.0 + a * a)


@primitive
def sinh(a: Value) -> Value:
    """Return the hyperbolic sine."""
    return np.sinh(a)


@sinh.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g * np.cosh(a)


@primitive
def cosh(a: Value) -> Value:
    """Return the hyperbolic cosine."""
    return np.cosh(a)


@cosh.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g * np.sinh(a)


@primitive
def tanh(a: Value) -> Value:
    """Return the hyperbolic tangent."""
    return np.tanh(a)


@tanh.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g * (1.0 - out * out)


# NumPy has none of these: one call of the C library's for each entry
_erf = np.frompyfunc(math.erf, 1, 1)
_erfc = np.frompyfunc(math.erfc, 1, 1)


@primitive
def erf(a: Value) -> Value:
    """Return the error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to a."""
    return np.asarray(_erf(a), dtype=np.result_type(np.asarray(a), np.float32))


@erf.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g * (2.0 / math.sqrt(math.pi)) * np.exp(-a * a)


@primitive
def erfc(a: Value) -> Value:
    """Return 1 - erf(a), also where erf(a) itself would round to 1."""
    return np.asarray(_erfc(a), dtype=np.result_type(np.asarray(a), np.float32))


@erfc.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: -g * (2.0 / math.sqrt(math.pi)) * np.exp(-a * a)
