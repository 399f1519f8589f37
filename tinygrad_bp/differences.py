"""Finite differences: the derivative of a plain function, found by calling it and nothing else.

This is the witness that knows no calculus. It takes a function of one float64 array, moves it a
little up and a little down along a direction, and divides; the same with smaller and smaller steps.
A step that is too large errs since the function bends (truncation), one that is too small since its
values are rounded. Where neighbouring estimates agree, between the two, they can be trusted as far
as they agree: every estimate comes with its error. Read `differences_along` first, then
`Differences.settled`; all else applies these to every entry of an array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

#: The largest move of an entry, relative to max(1, |entry|), and how often it is halved. Measured
#: on the weights' gradients in 1,000 random worked problems (widths 1 to 7, two outputs or more,
#: batches 1 to 5), the relative difference from the closed form was at worst 2e-10. A larger step
#: is better there, but worse where a function bends sharply, as 1 / x does at x = 0.05.
#: tests/test_differences.py repeats the measurement on 100 problems.
STEP, HALVINGS = 1e-2, 4


class Estimate(NamedTuple):
    """A derivative by differences, an entry for each output of the function."""

    slope: Any  # where three neighbouring estimates agree best
    error: Any  # by how much these three differ, and what rounding may add
    scale: Any  # the largest slope with these and all larger steps
    jump: Any  # by how much the slopes on the two sides differ, if smaller steps do not change that


class Differences(NamedTuple):
    """Central differences along a direction, from the largest step to the smallest."""

    steps: Array  # each a fixed fraction of the one before, as multiples of the direction
    middle: Array  # the function's value...
    ahead: Array  # ...and with each step that ahead and that behind
    behind: Array

    def settled(self, size: ArrayLike) -> Estimate:
        # where neighbours agree best; ``size`` is what is rounded
        # A central difference errs by c2 h**2 + c4 h**4 + ..., and two steps of a known ratio have
        # a combination without the first term, two of these one without the second: Richardson,
        # "The deferred approach to the limit", Phil. Trans. A 226 (1927).
        ratio = self.steps[0] / self.steps[1]
        slopes, errors, places = [], [], []
        with np.errstate(all="ignore"):  # a large step may lead to where the function is infinite
            differences = estimates = ((self.ahead - self.behind).T / (2 * self.steps)).T
            bends = (np.abs(self.ahead - 2 * self.middle + self.behind).T / self.steps).T
            for order in range(3):
                if len(estimates) < 3:
                    break
                finest = np.arange(order + 1, len(self.steps) - 1)  # the middle one's smallest step
                spreads = np.ptp([estimates[:-2], estimates[1:-1], estimates[2:]], axis=0)
                rounding = np.multiply.outer(np.finfo(float).eps / self.steps[finest], size)
                slopes += list(estimates[1:-1])
                errors += list(spreads + rounding)
                places += list(finest)
                weight = ratio ** (2 * order + 2)
                estimates = (weight * estimates[1:] - estimates[:-1]) / (weight - 1.0)
        best = np.argmin(np.where(np.isnan(errors), np.inf, errors), axis=0)
        k = np.array(places)[best]
        # Where a function is smooth, the slopes on its two sides come together as steps shrink.
        least = chosen(np.minimum.accumulate(bends[::-1])[::-1], k)
        return Estimate(
            slope=chosen(np.array(slopes), best),
            error=chosen(np.array(errors), best),
            scale=chosen(np.fmax.accumulate(np.abs(differences)), k + 1),
            jump=np.where(least > chosen(bends, k) / 2, least, 0.0),
        )


def chosen(rows: Array, row: Any) -> Any:  # for each entry, the one in the row given for it
    return np.take_along_axis(rows, np.asarray(row)[np.newaxis], axis=0)[0]


def differences_along(
    f: Callable[[Array], Any], at: Array, middle: Any, direction: Array, steps: Sequence[float]
) -> Differences:
    # by each of the steps, up and down; ``middle`` is ``f(at)``
    with np.errstate(all="ignore"):
        ahead = np.array([f(at + step * direction) for step in steps])
        behind = np.array([f(at - step * direction) for step in steps])
    return Differences(np.array(steps), middle, ahead, behind)


def jacobian_difference(f: Callable[[Array], Any], at: Array, step: float = STEP) -> Array:
    """Return the derivative of every output of a function by every entry of its input.

    It has the shape ``f(at).shape + at.shape``: of one number it is the gradient. The largest move
    of an entry is ``step``, relative to ``max(1, |entry|)``.
    """
    at = float64(at, "the point")
    if not np.isfinite(at).all():
        raise ValueError("the point holds NaN or infinity: a difference there means nothing")
    if not (np.isfinite(step) and step > 0):
        raise ValueError(f"step must be a positive number, not {step!r}")

    def value(point: Array) -> Array:  # f may overwrite its argument, and reuse what it returns
        return float64(f(np.array(point)), "the function's value")

    middle = value(at)
    steps = [step / 2**k for k in range(HALVINGS + 1)]
    columns = np.empty((at.size, *middle.shape))
    for i, (index, direction) in enumerate(entry_by_entry(at)):
        found = differences_along(value, at, middle, direction, steps).settled(np.abs(middle))
        columns[i] = found.slope / direction[index]
    return np.moveaxis(columns, 0, -1).reshape(middle.shape + at.shape)


def entry_by_entry(at: Array) -> Iterator[tuple[tuple[int, ...], Array]]:
    units = np.maximum(1.0, np.abs(at))
    for index in np.ndindex(at.shape):
        direction = np.zeros(at.shape)
        direction[index] = units[index]
        yield index, direction


def relative_difference(a: ArrayLike, b: ArrayLike) -> float:
    """Return how far apart two arrays are: 0 where they are equal, 2 where they are opposite.

    It is ``max |a - b| / max(|a|, |b|)``, each maximum over all entries. The scale is one number,
    so an entry that should be 0 and is 1e-17 does no harm. NaN or infinity gives infinity.

    >>> relative_difference([1.0, 4.0], [1.0, 3.0])
    0.25
    """
    a = np.asarray(a).astype(np.float64, casting="same_kind")
    b = np.asarray(b).astype(np.float64, casting="same_kind")
    if a.shape != b.shape:
        raise ValueError(f"cannot compare shape {a.shape} with shape {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    scale = max(np.abs(a).max(initial=0.0), np.abs(b).max(initial=0.0))
    if scale == 0.0:
        return 0.0
    # Divide before subtracting: at the ends of the float range the difference would overflow.
    return float(np.abs(a / scale - b / scale).max())


def agree(a: Any, b: Any, tolerance: float, floor: float = 0.0) -> bool:
    # Relative to the largest entry, and above a noise floor. NaN agrees with NaN and an infinity
    # with itself, so that what is carried on is recognised.
    if np.shape(a) != np.shape(b):
        return False
    if a is b or np.size(a) == 0:
        return True
    largest = max(np.abs(a).max(), np.abs(b).max())
    if largest < np.inf:
        return bool(np.abs(a - b).max() <= tolerance * largest + floor)
    return bool(np.allclose(a, b, tolerance, floor, equal_nan=True))


def float64(value: object, what: str) -> Array:
    array = np.array(value)
    if array.dtype != np.float64:  # in float32 a difference is mostly rounding
        raise TypeError(
            f"{what} is {array.dtype}; differences need float64, "
            "so convert it with .astype(np.float64)"
        )
    return array
