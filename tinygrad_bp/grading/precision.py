"""How precisely an answer was computed: what is right to that precision is right.

Somebody may compute in float32, or in float16, or hand in rounded numbers. Some of it shows in the
numbers themselves, in whatever type they come.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..differences import agree

#: How close an answer must be to be right, relative to the largest entry. At random points a wrong
#: formula is further off, and a right one is closer, in whatever order it computes.
RIGHT = 1e-7

#: The same for answers in float32, and in float16.
SINGLE = 1e-4
HALF = 1e-2

#: Of a computation in float32, this many digits are right, mostly.
FULL_SINGLE = 6

#: The smallest step of a float16, below which it has no digits.
SMALLEST_HALF = 6e-8

#: Numbers with this many decimals are taken for rounded ones.
DECIMALS = range(2, 12)

Numbers = Sequence[np.ndarray]


def stored_as_computed(answer: np.ndarray) -> np.ndarray:
    # in float32 if it was computed in that, though it may come in float64
    return answer.astype(np.float32) if fits(answer, np.float32) else answer


def fits(answer: np.ndarray, kind: type[np.floating]) -> bool:
    # to the last bit
    with np.errstate(all="ignore"):
        return np.array_equal(answer, answer.astype(kind), equal_nan=True)


def tolerance_of(answer: np.ndarray, tolerance: float = RIGHT) -> float:
    return SINGLE if answer.dtype == np.float32 else tolerance


def count_digits(answered: Numbers, rights: Sequence[np.ndarray | None]) -> int | None:
    pairs = [(a, r) for a, r in zip(answered, rights, strict=True) if r is not None]
    if len(pairs) < len(answered) or any(a.shape != r.shape or not a.size for a, r in pairs):
        return None
    if all(fits(a, np.float16) for a in answered):
        tolerance, step = HALF, SMALLEST_HALF
    else:
        decimals = [k for k in DECIMALS if all((np.round(a, k) == a).all() for a in answered)]
        tolerance, step = (RIGHT, 10.0 ** -decimals[0]) if decimals else (SINGLE, 0.0)
    if not all(agree(a, r, tolerance, step) for a, r in pairs):
        return None
    error = max(np.abs(a - r).max() / (np.abs(r).max() or 1.0) for a, r in pairs)
    return int(-np.log10(error)) if 0 < error <= HALF else None
