"""Elementary functions, entry by entry: the function, what it returns, and what flows back."""

import math

import numpy as np

from ..engine import primitive
from ..table import Value
from .rows import POSITIVE, elementwise

exp = elementwise(np.exp, "e ** a.", lambda out, a: lambda g: g * out, at=(0, 1, 1))
log = elementwise(
    np.log, "the natural logarithm.", lambda out, a: lambda g: g / a, at=(1, 0, 1), domain=POSITIVE
)
log1p = elementwise(
    np.log1p,
    "log(1 + a), exact for small a.",
    lambda out, a: lambda g: g / (1.0 + a),
    at=(1e-20, 1e-20, 1),
    domain=(-0.5, 2.0),
    notation="np.log(1 + a)",
)
expm1 = elementwise(
    np.expm1,
    "e ** a - 1, exact for small a.",
    lambda out, a: lambda g: g * np.exp(a),  # not out + 1, which cancels where a is far below 0
    at=(1e-20, 1e-20, 1),
    notation="np.exp(a) - 1",
)
sin = elementwise(
    np.sin, "the sine of radians.", lambda out, a: lambda g: g * np.cos(a), at=(0, 0, 1)
)
cos = elementwise(
    np.cos, "the cosine of radians.", lambda out, a: lambda g: -g * np.sin(a), at=(-0.0, 1, 0)
)
tan = elementwise(
    np.tan,
    "the tangent of radians.",
    lambda out, a: lambda g: g * (1.0 + out * out),
    at=(0, 0, 1),
    domain=(-1.2, 1.2),
)
arcsin = elementwise(
    np.arcsin,
    "the inverse sine, in radians; at -1 and 1 its slope is infinite, beyond it is NaN.",
    lambda out, a: lambda g: g / np.sqrt((1.0 - a) * (1.0 + a)),
    at=(0, 0, 1),
    needs="entries from -1 to 1",
    domain=(-0.8, 0.8),
)
arccos = elementwise(
    np.arccos,
    "the inverse cosine, in radians; at -1 and 1 its slope is infinite, beyond it is NaN.",
    lambda out, a: lambda g: -g / np.sqrt((1.0 - a) * (1.0 + a)),
    at=(1 / 2, math.pi / 3, -1 / math.sqrt(3 / 4)),
    needs="entries from -1 to 1",
    domain=(-0.8, 0.8),
)
arctan = elementwise(
    np.arctan,
    "the inverse tangent, in radians.",
    lambda out, a: lambda g: g / (1.0 + a * a),
    at=(0, 0, 1),
)
sinh = elementwise(
    np.sinh, "the hyperbolic sine.", lambda out, a: lambda g: g * np.cosh(a), at=(0, 0, 1)
)
cosh = elementwise(
    np.cosh, "the hyperbolic cosine.", lambda out, a: lambda g: g * np.sinh(a), at=(0, 1, 0)
)
tanh = elementwise(
    np.tanh,
    "the hyperbolic tangent; from 19 on it rounds to 1, and its slope to 0.",
    lambda out, a: lambda g: g * (1.0 - out * out),
    at=(0, 0, 1),
)

# NumPy has none of these: each entry is a call of the C library.
_erf = np.frompyfunc(math.erf, 1, 1)
_erfc = np.frompyfunc(math.erfc, 1, 1)


@primitive(kind="entrywise")
def erf(a: Value) -> Value:
    """Return the error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to a.

    This is 7.1.1 in Abramowitz and Stegun, *Handbook of Mathematical Functions*, 1964; its
    derivative is 7.1.19: 2 / sqrt(pi) exp(-a^2), 0 with a RuntimeWarning where a^2 overflows.

    >>> bp.value_and_grad(bp.erf)(0.0)
    (array(0.), array(1.12837917))
    """
    return np.asarray(_erf(a), dtype=np.result_type(a, 1.0))


erf.backward(lambda out, a: lambda g: g * (2.0 / math.sqrt(math.pi)) * np.exp(-a * a))


@primitive(kind="entrywise")
def erfc(a: Value) -> Value:
    """Return 1 - erf(a), also where erf(a) itself would round to 1.

    >>> float(bp.erfc(10.0)), 1.0 - float(bp.erf(10.0))  # doctest: +ELLIPSIS
    (2.08848758376...e-45, 0.0)
    """
    return np.asarray(_erfc(a), dtype=np.result_type(a, 1.0))


erfc.backward(lambda out, a: lambda g: -g * (2.0 / math.sqrt(math.pi)) * np.exp(-a * a))
