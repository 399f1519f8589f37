"""Fingerprints: what can be measured of a wrong answer that no catalogued mistake explains.

Each is a fact about the numbers at every point, and no claim about how they came about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .planted import same

#: How exactly a fact must hold.
EXACT = 1e-7

#: How close is nearly right.
NEARLY = 1e-3

Numbers = Sequence[np.ndarray]


def constant_ratio(answers: Numbers, rights: Numbers) -> str | None:
    """Say if an answer is a constant times the right one."""
    ratios = []
    for answer, right in zip(answers, rights, strict=True):
        if answer.shape != right.shape or not right.any():
            return None
        ratio = float(np.vdot(answer, right) / np.vdot(right, right))
        if ratio == 0 or abs(ratio - 1) < NEARLY or not same(answer, ratio * right, EXACT):
            return None
        ratios.append(ratio)
    if np.ptp(ratios) <= EXACT * abs(ratios[0]):
        return f"it is {ratios[0]:.6g} times the right answer at every point"
    return "it is a multiple of the right answer, by another factor at each point"


def transposed(answers: Numbers, rights: Numbers) -> str | None:
    """Say if an answer is the transpose of the right one."""
    if all(a.ndim > 1 and same(a, r.T, EXACT) for a, r in zip(answers, rights, strict=True)):
        return "it is equal to the transpose of the right answer"
    return None


def signs(answers: Numbers, rights: Numbers) -> str | None:
    """Say if only signs differ, and not all of them."""
    if all(same(np.abs(a), np.abs(r), EXACT) for a, r in zip(answers, rights, strict=True)):
        return "its entries have the right size, and some have the wrong sign"
    return None


def reordered(answers: Numbers, rights: Numbers) -> str | None:
    """Say if the right entries are there in another order or shape, and not just transposed."""
    if transposed(answers, rights) or not all(
        a.size == r.size > 1 and same(np.sort(a, axis=None), np.sort(r, axis=None), EXACT)
        for a, r in zip(answers, rights, strict=True)
    ):
        return None
    if any(a.shape != r.shape for a, r in zip(answers, rights, strict=True)):
        return "its entries are the right ones, in another shape"
    return "its entries are the right ones, in another order"


def nearly(answers: Numbers, rights: Numbers) -> str | None:
    """Say if an answer is right up to rounding, or a small step."""
    if all(same(a, r, NEARLY) for a, r in zip(answers, rights, strict=True)):
        return (
            "it is nearly right: rounded numbers, float32 or a finite difference may explain that"
        )
    return None


def offset(answers: Numbers, rights: Numbers) -> str | None:
    """Say if one number was added to every entry."""
    if all(
        a.shape == r.shape and r.size > 2 and same(a - r, np.full(r.shape, (a - r).flat[0]), EXACT)
        for a, r in zip(answers, rights, strict=True)
    ):
        return "it differs from the right answer by the same number in every entry"
    return None


def unbalanced(answers: Numbers, rights: Numbers) -> str | None:
    """Say if entries do not sum to zero along an axis where the right ones do, as of a softmax."""
    for axis in range(rights[0].ndim):
        if all(
            r.ndim > axis
            and r.shape[axis] > 1
            and a.shape == r.shape
            and is_zero(r.sum(axis=axis), r)
            and not is_zero(a.sum(axis=axis), a)
            for a, r in zip(answers, rights, strict=True)
        ):
            return (
                "its entries do not sum to zero, and the right ones do"
                f"{f' along axis {axis}' if rights[0].ndim > 1 else ''}"
            )
    return None


def is_zero(total: np.ndarray, terms: np.ndarray) -> bool:
    """Say whether a sum is zero but for rounding."""
    return bool(np.abs(total).max(initial=0.0) <= EXACT * np.abs(terms).max(initial=0.0))


FINGERPRINTS: tuple[Callable[[Numbers, Numbers], str | None], ...] = (
    nearly,
    constant_ratio,
    transposed,
    signs,
    reordered,
    offset,
    unbalanced,
)


def fingerprints(
    answers: Numbers, rights: Numbers, others: Mapping[str, Sequence[Any]]
) -> tuple[str, ...]:
    """Return what can be measured of a wrong answer, a clause each.

    Parameters
    ----------
    answers, rights
        The numbers at each point: the person's, and what they should be.
    others
        The gradients of the other quantities, by name, at each point.

    Examples
    --------
    >>> right = [np.array([1.0, 2.0, -3.0])]
    >>> fingerprints([3.0 * right[0]], right, {})
    ('it is 3 times the right answer at every point',)
    """
    if not all(np.isfinite(answer).all() for answer in answers):
        return ()
    if not all(answer.size for answer in answers):
        return ("it has no entries",)
    if not any(answer.any() for answer in answers):
        return ("all of its entries are zero",)
    found = [fact for say in FINGERPRINTS if (fact := say(answers, rights))]
    equal = [
        f"it is equal to the gradient of {name}"
        for name, numbers in others.items()
        if all(same(a, n, EXACT) for a, n in zip(answers, numbers, strict=True))
    ]
    return (*found, *equal)
