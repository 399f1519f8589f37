"""How precisely an answer was computed: what is right to that precision is right.

Somebody may compute in float32 or float16, on data in float32, or hand in rounded numbers. Some of
it shows in the numbers themselves, in whatever type they come.
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

#: The same two for answers in float32, and in float16.
SINGLE, SINGLE_ROUNDING = 1e-4, 2e-6
HALF, HALF_ROUNDING = 4e-3, 1e-3

#: By this much an answer may be off as a whole in float16: rounding goes both ways, entry by entry.
HALF_RATIO = 2e-3

#: The smallest step of a float16, below which it has no digits.
SMALLEST_HALF = 6e-8

#: A number with fewer decimals, such as 0.5 or 12, may fit a float16 by chance.
MOST_BY_CHANCE = 5

#: An answer in float64 with no sign of anything else is right to this at least, if it is not exact,
#: as with 1e-8 added to the argument of a logarithm, or with data in float32.
LOOSE = 1e-6

#: With data in float32 large entries are off too. So a small one may be off by this many times as
#: much as is usual for those that are at least this part of the largest.
SPREAD, LARGE = 30.0, 0.1

#: Of a computation in float32, this many digits are right, mostly.
FULL_SINGLE = 6

#: Numbers with this many decimals are taken for rounded ones.
DECIMALS = range(2, 12)

#: Numbers that are off by a larger part of the largest are not rounded ones.
LARGEST = 1e-2

Numbers = Sequence[np.ndarray]


def stored_as_computed(answer: np.ndarray) -> np.ndarray:
    # in float32 if it was computed in that, to the last bit, though it may come in float64
    return answer.astype(np.float32) if fits(answer, np.float32) else answer


def fits(answer: np.ndarray, kind: type[np.floating]) -> bool:
    with np.errstate(all="ignore"):
        return np.array_equal(answer, answer.astype(kind), equal_nan=True)


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
    limits = [[(LOOSE, ROUNDING, spread_error(a, r)) for a, r in pairs]]
    if all(a.dtype == np.float32 for a in answered):
        limits.append([(SINGLE, SINGLE_ROUNDING, 0.0)] * len(pairs))
    if decimals is not None:
        limits.append([(RIGHT, ROUNDING, 10.0**-decimals)] * len(pairs))
    if is_half(pairs) and (decimals is None or decimals > MOST_BY_CHANCE):
        limits.append([(HALF, HALF_ROUNDING, SMALLEST_HALF)] * len(pairs))
    if not any(
        all(not apart(a, r, *limit).any() for (a, r), limit in zip(pairs, every, strict=True))
        for every in limits
    ):
        return None
    error = max(np.abs(a - r).max() / (np.abs(r).max() or 1.0) for a, r in pairs)
    return int(-np.log10(error)) if 0 < error <= LARGEST else None


def spread_error(answer: np.ndarray, right: np.ndarray) -> float:
    """Return how far rounding to float32 may put any entry off, as the large entries show it."""
    sizes, errors = np.abs(right), np.abs(np.subtract(answer, right, dtype=np.float64))
    usual = float(np.median(errors[sizes >= LARGE * sizes.max()]))
    return min(SPREAD * usual, SINGLE_ROUNDING * float(sizes.max()))


def is_half(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> bool:
    return all(
        fits(a, np.float16) and abs(np.vdot(a, r) / (np.vdot(r, r) or 1.0) - 1) <= HALF_RATIO
        for a, r in pairs
    )
