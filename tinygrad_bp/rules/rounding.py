"""Rounding and remainders: constant between jumps, so no gradient flows through the whole part."""

from typing import Any

import numpy as np

from ..engine import Primitive, primitive
from ..table import Value
from .rows import POSITIVE, elementwise, upright


def rounded(function: np.ufunc, what: str, **row: Any) -> Primitive:
    """Make an operation of a function of NumPy's that rounds, of one operand or of two."""
    rule = (lambda out, a: None) if function.nin == 1 else (lambda out, a, b: (None, None))
    return elementwise(function, what, rule, **row)


# fmt: off

floor = rounded(
    np.floor, "the largest whole number not above a.", at="-1.5 -> -2., 0.", integers=True,
    notation=("⌊{}⌋", r"\left\lfloor {} \right\rfloor"))
ceil = rounded(
    np.ceil, "the smallest whole number not below a.", at="-1.5 -> -1., 0.", integers=True,
    notation=("⌈{}⌉", r"\left\lceil {} \right\rceil"))
trunc = rounded(
    np.trunc, "the nearest whole number toward 0.", at="-1.5 -> -1., 0.", integers=True,
    notation=upright("trunc"))
rint = rounded(
    np.rint, "the nearest whole number; halves go to the even one.", at="1.5 -> 2., 0.",
    notation=upright("round"))
floor_divide = rounded(
    np.floor_divide, "the whole part of a / b, rounded down.",
    at="7.0, 2.0 -> 3., 0., 0.", domain=POSITIVE,
    notation=("⌊{:product} / {:power}⌋", r"\left\lfloor \frac{{{}}}{{{}}} \right\rfloor"))
remainder = elementwise(
    np.remainder,
    "a % b, the remainder with the sign of b; at a multiple of b it jumps.",
    lambda out, a, b: (lambda g: g, lambda g: -g * np.floor_divide(a, b)),
    at="7.0, 2.0 -> 1., 1., -3.", domain=POSITIVE,
    notation=("{:product} mod {:power}", r"{:product} \bmod {:power}", "product"))
fmod = elementwise(
    np.fmod, "the remainder of a / b, with the sign of a; at a multiple of b it jumps.",
    lambda out, a, b: (lambda g: g, lambda g: -g * np.rint((a - out) / b)),
    at="-7.0, 2.0 -> -1., 1., 3.", domain=POSITIVE, notation=upright("fmod"))

# fmt: on


@primitive(kind="entrywise", written="np.round(a, decimals)", notation=upright("round"))
def round(a: Value, *, decimals: int = 0) -> Value:
    """Return the entries rounded to a number of decimals.

    >>> bp.value_and_grad(bp.round)(1.25, decimals=1)
    (array(1.2), array(0.))
    """
    return np.round(a.astype(float) if a.dtype == bool else a, decimals)


round.backward(lambda out, a, *, decimals: None)
