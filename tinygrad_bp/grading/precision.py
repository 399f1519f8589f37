"""How precisely an answer was computed: what is right to that precision is right.

Somebody may compute in float32, on data in float32, or hand in rounded numbers. Some of it shows in
the numbers themselves, in whatever type they come.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

#: How close an entry of an answer must be to be right, relative to itself. At random points a
#: wrong formula is further off, and a right one is closer, in whatever order it computes.
RIGHT = 1e-7

#: What rounding may add to that, relative to the largest entry: the sum of terms that nearly cancel
#: is small, and has the rounding of its terms.
ROUNDING = 1e-11

#: The same two for answers in float32.
SINGLE, SINGLE_ROUNDING = 1e-4, 2e-6

#: An answer in float64 with no sign of anything else is right to this at least, if it is not exact,
#: as with 1e-8 added to the argument of a logarithm, or with data in float32.
LOOSE = 1e-6

#: Of a computation in float32, this many digits are right, mostly.
FULL_SINGLE = 6

#: Numbers with this many decimals are taken for rounded ones.
DECIMALS = range(2, 12)

#: Numbers that are off by a larger part of the largest are not rounded ones.
LARGEST = 1e-2

Numbers = Sequence[np.ndarray]


def stored_as_computed(answer: np.ndarray) -> np.ndarray:
    # in float32 if it was computed in that, to the last bit, though it may come in float64
    with np.errstate(all="ignore"):
        single = answer.astype(np.float32)
    return single if np.array_equal(answer, single, equal_nan=True) else answer


def off(
    answer: np.ndarray, right: np.ndarray, tolerance: float = RIGHT, floor: float = 0.0
) -> np.ndarray:
    """Return which entries of an answer are off, each judged by its own size."""
    rounding = ROUNDING
    if answer.dtype == np.float32:
        tolerance, rounding = SINGLE, SINGLE_ROUNDING
    return apart(answer, right, tolerance, rounding, floor)


def apart(
    answer: np.ndarray, right: np.ndarray, tolerance: float, rounding: float, floor: float
) -> np.ndarray:
    # NaN agrees with NaN and an infinity with itself, so that what is carried on is recognised
    with np.errstate(all="ignore"):
        sizes = np.maximum(np.abs(answer), np.abs(right), dtype=np.float64)
        finite = sizes[np.isfinite(sizes)]
        allowed = tolerance * sizes + (rounding * finite.max(initial=0.0) + floor)
        is_close = np.abs(np.subtract(answer, right, dtype=np.float64)) <= allowed
        is_same = (answer == right) | (np.isnan(answer) & np.isnan(right))
        return np.asarray(~np.where(np.isfinite(sizes), is_close, is_same))


def agree(answer: np.ndarray, right: Any, tolerance: float = RIGHT, floor: float = 0.0) -> bool:
    """Return whether every entry of an answer is right, to the precision of its type."""
    right = np.asarray(right)
    if answer.shape != right.shape:
        return False
    return answer is right or not off(answer, right, tolerance, floor).any()


def count_digits(answered: Numbers, rights: Sequence[np.ndarray | None]) -> int | None:
    """Return how many digits are right of answers that show a low precision; None if it is not."""
    pairs = [(a, r) for a, r in zip(answered, rights, strict=True) if r is not None]
    if len(pairs) < len(answered) or any(a.shape != r.shape or not a.size for a, r in pairs):
        return None
    if not all(np.isfinite(a).all() and np.isfinite(r).all() for a, r in pairs):
        return None
    exact = (k for k in DECIMALS if all((np.round(a, k) == a).all() for a in answered))
    decimals = next(exact, None)
    limits = [(LOOSE, SINGLE_ROUNDING, 0.0)]
    if all(a.dtype == np.float32 for a in answered):
        limits.append((SINGLE, SINGLE_ROUNDING, 0.0))
    if decimals is not None:
        limits.append((RIGHT, ROUNDING, 10.0**-decimals))
    if not any(all(not apart(a, r, *limit).any() for a, r in pairs) for limit in limits):
        return None
    error = max(np.abs(a - r).max() / (np.abs(r).max() or 1.0) for a, r in pairs)
    return int(-np.log10(error)) if 0 < error <= LARGEST else None
