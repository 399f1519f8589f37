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

Array: TypeAlias = np.ndarray

#: An answer and the right one, at each point.
Pairs: TypeAlias = Sequence[tuple[Array, Array]]


def is_transposed(a: Array, r: Array) -> bool:
    return a.ndim > 1 and agree(a, r.T, EXACT)


def is_reordered(a: Array, r: Array) -> bool:
    same = a.size == r.size > 1 and agree(np.sort(a, axis=None), np.sort(r, axis=None), EXACT)
    return same and not is_transposed(a, r)


def is_offset(a: Array, r: Array) -> bool:
    return a.shape == r.shape and r.size > 2 and agree(a - r, (a - r).mean() + 0 * r, EXACT)


#: What may hold between an answer and the right one at every point, by how it is said.
FACTS: dict[str, Callable[[Array, Array], bool]] = {
    "it is nearly right: rounded numbers, float32 or a finite difference may explain that": (
        lambda a, r: agree(a, r, NEARLY)
    ),
    "it is equal to the transpose of the right answer": is_transposed,
    "its entries have the right size, and some have the wrong sign": (
        lambda a, r: agree(np.abs(a), np.abs(r), EXACT)
    ),
    "its entries are the right ones, in another order": (
        lambda a, r: a.shape == r.shape and is_reordered(a, r)
    ),
    "its entries are the right ones, in another shape": (
        lambda a, r: a.shape != r.shape and is_reordered(a, r)
    ),
    "it differs from the right answer by the same number in every entry": is_offset,
}


def ratios_of(pairs: Pairs) -> list[float] | None:
    # of an answer that is a multiple of the right one at each point
    ratios = []
    for a, r in pairs:
        if a.shape != r.shape or not r.any() or not np.isfinite(a).all():
            return None
        ratio = float(np.vdot(a, r) / np.vdot(r, r))
        if ratio == 0 or not agree(a, ratio * r, EXACT):
            return None
        ratios.append(ratio)
    return ratios


def ratio_of(pairs: Pairs) -> float | None:
    """Return the factor by which an answer is off at every point, if it is one."""
    ratios = ratios_of(pairs)
    if not ratios or np.ptp(ratios) > EXACT * abs(ratios[0]):
        return None
    return ratios[0]


def find_ratio(pairs: Pairs) -> str | None:
    ratios = ratios_of(pairs)
    if not ratios or any(abs(ratio - 1) < NEARLY for ratio in ratios):
        return None
    ratio = ratio_of(pairs)
    if ratio is not None:
        return f"it is {ratio:.6g} times the right answer at every point"
    return "it is a multiple of the right answer, by another factor at each point"


def find_lost_balance(pairs: Pairs) -> str | None:
    # entries do not sum to zero along an axis where the right ones do, as of a softmax
    ndim = pairs[0][1].ndim
    for axis in range(ndim):
        if all(
            a.shape == r.shape
            and r.ndim > axis
            and r.shape[axis] > 1
            and sums_to_zero(r, axis)
            and not sums_to_zero(a, axis)
            for a, r in pairs
        ):
            along = f" along axis {axis}" if ndim > 1 else ""
            return f"its entries do not sum to zero, and the right ones do{along}"
    return None


def sums_to_zero(terms: Array, axis: int) -> bool:
    total = np.abs(terms.sum(axis=axis)).max(initial=0.0)
    return bool(total <= EXACT * np.abs(terms).max(initial=0.0))


def find_facts(
    answers: Sequence[Array], rights: Sequence[Array], others: Mapping[str, Sequence[Any]]
) -> Iterator[str]:
    if not all(np.isfinite(answer).all() for answer in answers):
        return
    if not all(answer.size for answer in answers):
        yield "it has no entries"
        return
    if not any(answer.any() for answer in answers):
        yield "all of its entries are zero"
        return
    pairs = list(zip(answers, rights, strict=True))
    facts = (clause for clause, holds in FACTS.items() if all(holds(a, r) for a, r in pairs))
    yield from filter(None, (*facts, find_ratio(pairs), find_lost_balance(pairs)))
    for name, numbers in others.items():
        if all(agree(a, n, EXACT) for a, n in zip(answers, numbers, strict=True)):
            yield f"it is equal to the gradient of {name}"
