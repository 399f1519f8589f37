"""exp, log and tanh for loops that Numba compiles: without branches, so that they are vectorised.

The C library's functions are called entry by entry, which takes ten times as long. Each is within
2 units in the last place of the true value, over the whole range of float64, subnormal numbers
included (``tests/compiling/test_numba_functions.py``). float32 is computed in float64.
"""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir
from numba import float64, int64, njit
from numba.extending import intrinsic

#: Adding this rounds a number below 2**51 to an integer, which is then in its lowest bits.
ROUND = 6755399441055744.0  # 1.5 * 2**52

LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10

inlined = njit(inline="always", error_model="numpy", fastmath={"contract"})


@intrinsic
def from_bits(typing: Any, n: Any) -> Any:
    """Return the float64 that has the bits of an int64."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return float64(int64), code


@intrinsic
def to_bits(typing: Any, x: Any) -> Any:
    """Return the bits of a float64 as an int64."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return int64(float64), code


@inlined
def exp(x: float) -> float:
    """Return e ** x: with x = k ln 2 + r, it is 2 ** k times the Taylor polynomial of e ** r.

    ln 2 is in two parts, so that r is exact (Cody and Waite, *Software Manual for the Elementary
    Functions*, 1980). Scaling by two factors gives infinity and subnormal numbers, too.
    """
    a = x if x < 710.0 else 710.0
    a = a if a > -746.0 else -746.0
    k = (a * LOG2_E + ROUND) - ROUND
    r = (a - k * LN2_HIGH) - k * LN2_LOW
    p = 1.6059043836821613e-10  # 1 / 13!
    p = p * r + 2.08767569878681e-09
    p = p * r + 2.505210838544172e-08
    p = p * r + 2.755731922398589e-07
    p = p * r + 2.7557319223985893e-06
    p = p * r + 2.48015873015873e-05
    p = p * r + 1.984126984126984e-04
    p = p * r + 1.3888888888888889e-03
    p = p * r + 8.333333333333333e-03
    p = p * r + 4.1666666666666664e-02
    p = p * r + 1.6666666666666666e-01
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    half = (k * 0.5 + ROUND) - ROUND
    first = from_bits((to_bits(half + ROUND) + 1023) << 52)
    second = from_bits((to_bits((k - half) + ROUND) + 1023) << 52)
    return p * first * second if x == x else x


@inlined
def log(x: float) -> float:
    """Return the natural logarithm: with x = 2 ** k m, it is k ln 2 + log m.

    For m from sqrt(1/2) to sqrt(2), log m is a series in s = (m - 1) / (m + 1), as in fdlibm's
    ``e_log.c`` (Sun Microsystems, 1993).
    """
    small = x < 2.2250738585072014e-308
    bits = to_bits(x * 18014398509481984.0 if small else x)  # times 2**54
    # so that m is not below sqrt(1/2)
    shifted = bits + 0x3FF0000000000000 - 0x3FE6A09E667F3BCD
    k = float64((shifted >> 52) - 1023) - (54.0 if small else 0.0)
    f = from_bits((shifted & 0xFFFFFFFFFFFFF) + 0x3FE6A09E667F3BCD) - 1.0
    s = f / (2.0 + f)
    z = s * s
    r = 1.479819860511658591e-01
    r = r * z + 1.531383769920937332e-01
    r = r * z + 1.818357216161805012e-01
    r = r * z + 2.222219843214978396e-01
    r = r * z + 2.857142874366239149e-01
    r = r * z + 3.999999999940941908e-01
    r = (r * z + 6.666666666666735130e-01) * z
    square = 0.5 * f * f
    y = k * LN2_HIGH - ((square - (s * (square + r) + k * LN2_LOW)) - f)
    y = y if x > 0.0 else (-float("inf") if x == 0.0 else float("nan"))
    return y if x < float("inf") else x


@inlined
def tanh(x: float) -> float:
    """Return the hyperbolic tangent: 1 - 2 / (e ** 2x + 1), and near 0 a quotient of polynomials.

    The quotient is that of ``tanh.c`` in Cephes (Moshier, 1984).
    """
    a = abs(x)
    z = a * a
    p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3
    q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z
    near = a + a * z * (p / (q + 4.84406305325125486048e3))
    far = 1.0 - 2.0 / (exp(2.0 * a) + 1.0)
    y = near if a < 0.625 else far
    return math.copysign(y, x)


# Where NumPy returns NaN, so do these.


@inlined
def larger(a: float, b: float) -> float:
    return a if a >= b or a != a else b


@inlined
def smaller(a: float, b: float) -> float:
    return a if a <= b or a != a else b
