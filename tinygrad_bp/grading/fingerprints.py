"""Fingerprints: what can be measured of a wrong answer that no mistake of the catalogue explains.

Each is a fact about the numbers at every point, and no claim about how they came about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from ..differences import agree

#: How exactly a fact must hold.
EXACT = 1e-7

#: How close is nearly right.
NEARLY = 1e-3

#: An answer and the right one, at each point.
Pairs: TypeAlias = Sequence[tuple[np.ndarray, np.ndarray]]


def nearly(pairs: Pairs) -> str | None:
    if all(agree(a, r, NEARLY) for a, r in pairs):
        return (
            "it is nearly right: rounded numbers, float32 or a finite difference may explain that"
        )
    return None


def constant_ratio(pairs: Pairs) -> str | None:
    ratios = []
    for answer, right in pairs:
        if answer.shape != right.shape or not right.any():
            return None
        ratio = float(np.vdot(answer, right) / np.vdot(right, right))
        if ratio == 0 or abs(ratio - 1) < NEARLY or not agree(answer, ratio * right, EXACT):
            return None
        ratios.append(ratio)
    if np.ptp(ratios) <= EXACT * abs(ratios[0]):
        return f"it is {ratios[0]:.6g} times the right answer at every point"
    return "it is a multiple of the right answer, by another factor at each point"


def transposed(pairs: Pairs) -> str | None:
    if all(a.ndim > 1 and agree(a, r.T, EXACT) for a, r in pairs):
        return "it is equal to the transpose of the right answer"
    return None


def signs(pairs: Pairs) -> str | None:
    if all(agree(np.abs(a), np.abs(r), EXACT) for a, r in pairs):
        return "its entries have the right size, and some have the wrong sign"
    return None


def reordered(pairs: Pairs) -> str | None:
    if transposed(pairs) or not all(
        a.size == r.size > 1 and agree(np.sort(a, axis=None), np.sort(r, axis=None), EXACT)
        for a, r in pairs
    ):
        return None
    order = "shape" if any(a.shape != r.shape for a, r in pairs) else "order"
    return f"its entries are the right ones, in another {order}"


def offset(pairs: Pairs) -> str | None:
    if all(
        a.shape == r.shape and r.size > 2 and agree(a - r, np.full(r.shape, (a - r).flat[0]), EXACT)
        for a, r in pairs
    ):
        return "it differs from the right answer by the same number in every entry"
    return None


def unbalanced(pairs: Pairs) -> str | None:
    """Say if entries do not sum to zero along an axis where the right ones do, as of a softmax."""
    ndim = pairs[0][1].ndim
    for axis in range(ndim):
        if all(
            r.ndim > axis
            and r.shape[axis] > 1
            and a.shape == r.shape
            and sums_to_zero(r, axis)
            and not sums_to_zero(a, axis)
            for a, r in pairs
        ):
            along = f" along axis {axis}" if ndim > 1 else ""
            return f"its entries do not sum to zero, and the right ones do{along}"
    return None


def sums_to_zero(terms: np.ndarray, axis: int, tolerance: float = EXACT) -> bool:
    """Say whether the entries sum to zero along an axis, but for rounding."""
    total = np.abs(terms.sum(axis=axis)).max(initial=0.0)
    return bool(total <= tolerance * np.abs(terms).max(initial=0.0))


FINGERPRINTS: tuple[Callable[[Pairs], str | None], ...] = (
    nearly,
    constant_ratio,
    transposed,
    signs,
    reordered,
    offset,
    unbalanced,
)


def fingerprints(
    answers: Sequence[np.ndarray],
    rights: Sequence[np.ndarray],
    others: Mapping[str, Sequence[Any]],
) -> Iterator[str]:
    """Say what can be measured of a wrong answer, a clause each.

    Parameters
    ----------
    answers, rights
        The numbers at each point: the person's, and what they should be.
    others
        The gradients of the other quantities, by name, at each point.

    Examples
    --------
    >>> right = [np.array([1.0, 2.0, -3.0])]
    >>> list(fingerprints([3.0 * right[0]], right, {}))
    ['it is 3 times the right answer at every point']
    """
    if not all(np.isfinite(answer).all() for answer in answers):
        return
    if not all(answer.size for answer in answers):
        yield "it has no entries"
    elif not any(answer.any() for answer in answers):
        yield "all of its entries are zero"
    else:
        pairs = list(zip(answers, rights, strict=True))
        yield from filter(None, (measure(pairs) for measure in FINGERPRINTS))
        for name, numbers in others.items():
            if all(agree(a, n, EXACT) for a, n in zip(answers, numbers, strict=True)):
                yield f"it is equal to the gradient of {name}"
