"""Elementary functions, entry by entry: the function, what it returns, and what flows back."""

import functools
import math
from collections.abc import Callable

import numpy as np

from ..engine import primitive
from ..table import Value
from .reductions import over_length
from .rows import POSITIVE, elementwise, floats, upright

# fmt: off

# ---- Exponentials and logarithms ----

exp = elementwise(np.exp, "e ** a.", lambda out, a: lambda g: g * out, at="0.0 -> 1., 1.")
exp2 = elementwise(
    np.exp2, "2 ** a.", lambda out, a: lambda g: g * math.log(2.0) * out,
    at="0.0 -> 1., 0.69314718", notation="2.0 ** a")
expm1 = elementwise(
    np.expm1, "e ** a - 1, exact for small a.",
    lambda out, a: lambda g: g * np.exp(a),  # not out + 1, which cancels where a is far below 0
    at="1e-20 -> 1.e-20, 1.", notation="np.exp(a) - 1")
log = elementwise(
    np.log, "the natural logarithm.", lambda out, a: lambda g: g / a,
    at="1.0 -> 0., 1.", domain=POSITIVE)
log2 = elementwise(
    np.log2, "the logarithm to base 2.", lambda out, a: lambda g: g / (math.log(2.0) * a),
    at="1.0 -> 0., 1.44269504", domain=POSITIVE, notation=("log₂", r"\log_{2}"))
log10 = elementwise(
    np.log10, "the logarithm to base 10.", lambda out, a: lambda g: g / (math.log(10.0) * a),
    at="1.0 -> 0., 0.43429448", domain=POSITIVE, notation=("log₁₀", r"\log_{10}"))
log1p = elementwise(
    np.log1p, "log(1 + a), exact for small a.", lambda out, a: lambda g: g / (1.0 + a),
    at="1e-20 -> 1.e-20, 1.", domain=(-0.5, 2.0), notation="np.log(1 + a)")
logaddexp = elementwise(
    np.logaddexp, "log(exp(a) + exp(b)), without overflow.",
    lambda out, a, b: (lambda g: g * np.exp(a - out), lambda g: g * np.exp(b - out)),
    at="0.0, 0.0 -> 0.69314718, 0.5, 0.5", notation="np.log(np.exp(a) + np.exp(b))")

# ---- Angles ----

sin = elementwise(
    np.sin, "the sine of radians.", lambda out, a: lambda g: g * np.cos(a), at="0.0 -> 0., 1.")
cos = elementwise(
    np.cos, "the cosine of radians.", lambda out, a: lambda g: -g * np.sin(a), at="-0.0 -> 1., 0.")
tan = elementwise(
    np.tan, "the tangent of radians.", lambda out, a: lambda g: g * (1.0 + out * out),
    at="0.0 -> 0., 1.", domain=(-1.2, 1.2))
arcsin = elementwise(
    np.arcsin, "the inverse sine, in radians; at -1 and 1 its slope is infinite, beyond it is NaN.",
    lambda out, a: lambda g: g / np.sqrt((1.0 - a) * (1.0 + a)),
    at="0.0 -> 0., 1.", needs="entries from -1 to 1", domain=(-0.8, 0.8))
arccos = elementwise(
    np.arccos,
    "the inverse cosine, in radians; at -1 and 1 its slope is infinite, beyond it is NaN.",
    lambda out, a: lambda g: -g / np.sqrt((1.0 - a) * (1.0 + a)),
    at="0.5 -> 1.04719755, -1.15470054", needs="entries from -1 to 1",
    domain=(-0.8, 0.8))
arctan = elementwise(
    np.arctan, "the inverse tangent, in radians.", lambda out, a: lambda g: g / (1.0 + a * a),
    at="0.0 -> 0., 1.")
arctan2 = elementwise(
    np.arctan2,
    "the angle of the point with y = a and x = b, in radians; at the origin its slope is NaN.",
    lambda out, a, b: (lambda g: g * b / (a * a + b * b), lambda g: -g * a / (a * a + b * b)),
    at="0.0, 2.0 -> 0., 0.5, -0.", notation=upright("arctan2"))
hypot = elementwise(
    np.hypot,
    "the root of a**2 + b**2; where it is 0, its slopes are 0, and its second derivatives NaN.",
    lambda out, a, b: (lambda g: g * over_length(a, out), lambda g: g * over_length(b, out)),
    at="3.0, 4.0 -> 5., 0.6, 0.8", notation=upright("hypot"))
deg2rad = elementwise(
    np.deg2rad, "an angle in degrees as radians.", lambda out, a: lambda g: g * (math.pi / 180.0),
    at="180.0 -> 3.14159265, 0.01745329", notation=upright("rad"))
rad2deg = elementwise(
    np.rad2deg, "an angle in radians as degrees.", lambda out, a: lambda g: g * (180.0 / math.pi),
    at="0.0 -> 0., 57.29577951", notation=upright("deg"))

# ---- Hyperbolic functions, and the cube root ----

sinh = elementwise(
    np.sinh, "the hyperbolic sine.", lambda out, a: lambda g: g * np.cosh(a), at="0.0 -> 0., 1.")
cosh = elementwise(
    np.cosh, "the hyperbolic cosine.", lambda out, a: lambda g: g * np.sinh(a), at="0.0 -> 1., 0.")
tanh = elementwise(
    np.tanh, "the hyperbolic tangent; from 19 on it rounds to 1, and its slope to 0.",
    lambda out, a: lambda g: g * (1.0 - out * out), at="0.0 -> 0., 1.")
arcsinh = elementwise(
    np.arcsinh, "the inverse hyperbolic sine.", lambda out, a: lambda g: g / np.hypot(1.0, a),
    at="0.0 -> 0., 1.", notation=upright("arsinh"))
arccosh = elementwise(
    np.arccosh, "the inverse hyperbolic cosine; at 1 its slope is infinite, below it is NaN.",
    lambda out, a: lambda g: g / np.sqrt((a - 1.0) * (a + 1.0)),
    at="1.25 -> 0.69314718, 1.33333333", needs="entries of at least 1", domain=(1.2, 3.0),
    notation=upright("arcosh"))
arctanh = elementwise(
    np.arctanh, "the inverse hyperbolic tangent; at -1 and 1 it is infinite, beyond it is NaN.",
    lambda out, a: lambda g: g / ((1.0 - a) * (1.0 + a)),
    at="0.0 -> 0., 1.", needs="entries from -1 to 1", domain=(-0.8, 0.8),
    notation=upright("artanh"))
cbrt = elementwise(
    np.cbrt, "the cube root, also of negative numbers; at 0 its slope is infinite.",
    lambda out, a: lambda g: g / (3.0 * out * out),
    at="8.0 -> 2., 0.08333333", notation=("∛{:single}", r"\sqrt[3]{{{}}}"))

# fmt: on


@primitive(kind="entrywise", notation=upright("sinc"))
def sinc(a: Value, *, order: int = 0) -> Value:
    """Return sin(pi a) / (pi a), which is 1 at 0, or its derivative of an order.

    With z = pi a, the derivative is a power series near 0, the sum over k of
    (-1)^k z^(2k - order) / ((2k + 1) (2k - order)!); and z f = sin(z), differentiated, gives the
    others from the one before.

    >>> bp.value_and_grad(bp.sinc)(0.5)
    (array(0.63661977), array(-1.27323954))
    """
    a = floats(a)
    if order == 0:
        return np.sinc(a)
    z = math.pi * a
    close, first = np.clip(z, -math.pi, math.pi), (order + 1) // 2
    near = 0.0
    for k in range(first + 15, first - 1, -1):
        near = near * (close * close) + (-1) ** k / ((2 * k + 1) * math.factorial(2 * k - order))
    near = near * close ** (2 * first - order)
    far = np.where(np.abs(z) > math.pi, z, math.pi)
    by_parts = np.sin(far) / far
    for n in range(1, order + 1):
        by_parts = (np.sin(far + n * math.pi / 2.0) - n * by_parts) / far
    return (math.pi**order * np.where(far == z, by_parts, near)).astype(z.dtype)


sinc.backward(lambda out, a, *, order: lambda g: g * sinc(a, order=order + 1))


# ---- The error function ----

# NumPy has none. The C library gives its values at places 1/512 apart, and the Taylor series at the
# nearest place gives the value at any number: for whole arrays at once, and to the last bits.

PLACES = 512  # on each unit of length


@functools.cache  # made at the first use, not at every import
def taylor_series(
    function: Callable[[float], float], slope: float, low: int, high: int, terms: int
) -> np.ndarray:
    """Return the coefficients of erf or erfc at every place, those of one power in a row.

    The derivative is slope * exp(-x^2), so y'' = -2 x y': each coefficient follows from the two
    before it. They are those of powers of a distance counted in places.
    """
    x = np.arange(low * PLACES, high * PLACES + 1) / PLACES
    rows = [np.array([function(place) for place in x.tolist()]), slope * np.exp(-x * x)]
    for n in range(1, terms - 1):
        rows.append(-2.0 * (n * x * rows[n] + (n - 1) * rows[n - 1]) / (n * (n + 1)))
    return np.array([row / PLACES**n for n, row in enumerate(rows)])


def by_series(a: Value, rows: np.ndarray, low: int, high: int) -> Value:
    """Sum the series at the place nearest to each entry; beyond the ends, give the value there."""
    a = floats(a)
    out = np.empty(np.shape(a), dtype=a.dtype)
    entries, sums = np.ravel(a), out.reshape(-1)
    for start in range(0, entries.size, 8192):  # what is added up stays in the processor's cache
        x = np.minimum(np.maximum(entries[start : start + 8192], low), high) * PLACES
        nearest = np.rint(np.fmax(x, low * PLACES))  # fmax: NaN, too, must have a place
        beyond = x - nearest
        place = nearest.astype(int) - low * PLACES
        total = rows[-1].take(place)
        for coefficients in rows[-2::-1]:
            total *= beyond
            total += coefficients.take(place)
        sums[start : start + 8192] = total
    return out


SLOPE = 2.0 / math.sqrt(math.pi)  # of erf at 0


@primitive(kind="entrywise")
def erf(a: Value) -> Value:
    """Return the error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to a.

    This is 7.1.1 in Abramowitz and Stegun, *Handbook of Mathematical Functions*, 1964; its
    derivative is 7.1.19: 2 / sqrt(pi) exp(-a^2), 0 with a RuntimeWarning where a^2 overflows. The
    result is within one unit in the last place of the C library's.

    >>> bp.value_and_grad(bp.erf)(0.0)
    (array(0.), array(1.12837917))
    """
    rows = taylor_series(math.erf, SLOPE, -6, 6, terms=6)  # at 6 it rounds to 1
    return by_series(a, rows, -6, 6)


erf.backward(lambda out, a: lambda g: g * SLOPE * np.exp(-a * a))


@primitive(kind="entrywise")
def erfc(a: Value) -> Value:
    """Return 1 - erf(a), also where erf(a) itself would round to 1.

    The result is within four units in the last place of the C library's.

    >>> float(bp.erfc(10.0)), 1.0 - float(bp.erf(10.0))  # doctest: +ELLIPSIS
    (2.08848758376...e-45, 0.0)
    """
    rows = taylor_series(math.erfc, -SLOPE, -6, 28, terms=9)  # at 28 it rounds to 0
    return by_series(a, rows, -6, 28)


erfc.backward(lambda out, a: lambda g: -g * SLOPE * np.exp(-a * a))
