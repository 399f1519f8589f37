"""Fingerprints: what can be measured of a wrong answer that no mistake of the catalogue explains.

Each is a fact about the numbers at every point, and no claim about how they came about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from ..differences import agree
from ..notation.numbers import listed
from . import precision

#: How exactly a fact must hold.
EXACT = 1e-7

#: How large zero is, up to rounding.
ZERO = 1e-13

#: How close is nearly right.
NEARLY = 1e-3

#: Of more rows or columns it is not said which.
MOST_PLACES = 4

RIGHT_ANSWER = "the right answer at every point"

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


NEARLY_RIGHT = (
    "it is nearly right: rounded numbers, float32 or a finite difference may explain that"
)

#: What may hold between an answer and the right one at every point, by how it is said.
FACTS: dict[str, Callable[[Array, Array], bool]] = {
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


def ratios_of(pairs: Pairs) -> list[float]:
    # of an answer that is a multiple of the right one at each point; none of any other
    ratios = []
    for a, r in pairs:
        if a.shape != r.shape or not r.any() or not np.isfinite(a).all():
            return []
        ratio = float(np.vdot(a, r) / np.vdot(r, r))
        if ratio == 0 or not agree(a, ratio * r, EXACT):
            return []
        ratios.append(ratio)
    return ratios


def ratio_of(pairs: Pairs) -> float | None:
    """Return the factor by which an answer is off at every point, if it is one."""
    ratios = ratios_of(pairs)
    is_one = bool(ratios) and np.ptp(ratios) <= EXACT * abs(ratios[0])
    return ratios[0] if is_one else None


def find_ratio(pairs: Pairs) -> str | None:
    ratio = ratio_of(pairs)
    if ratio is not None:
        return f"it is {ratio:.6g} times {RIGHT_ANSWER}"
    if ratios_of(pairs):
        return "it is a multiple of the right answer, by another factor at each point"
    for axis, which in ((1, "row"), (0, "column")):
        if has_factors(pairs, axis):
            return f"each {which} is a multiple of the right one, by a factor of its own"
    return None


def has_factors(pairs: Pairs, axis: int) -> bool:
    # one for each line of entries along an axis
    if any(a.shape != r.shape or r.ndim != 2 or r.shape[axis] < 2 for a, r in pairs):
        return False
    factors = (
        np.divide((a * r).sum(axis, keepdims=True), (r * r).sum(axis, keepdims=True))
        for a, r in pairs
    )
    return all(agree(a, f * r, EXACT) for f, (a, r) in zip(factors, pairs, strict=True))


def without_number(fact: str) -> str:
    # for a learner, to whom the ratio would be the answer
    return f"it is a constant times {RIGHT_ANSWER}" if fact.endswith(RIGHT_ANSWER) else fact


def find_balance(pairs: Pairs) -> Iterator[str]:
    # the sums along an axis are zero for the right entries, as of a softmax, or for these alone
    for axis in range(pairs[0][1].ndim):
        if all(a.shape == r.shape and r.shape[axis] > 1 for a, r in pairs):
            along = f" along axis {axis}" if pairs[0][1].ndim > 1 else ""
            here, right = ([sums_to_zero(x, axis) for x in xs] for xs in zip(*pairs, strict=True))
            if all(right) and not any(here):
                yield f"its entries do not sum to zero, and the right ones do{along}"
            if all(here) and not any(right):
                yield f"its entries sum to zero{along}, and the right ones do not"


def find_place(pairs: Pairs) -> str | None:
    # where the wrong entries are, if the others are right at every point
    if any(a.shape != r.shape for a, r in pairs):
        return None
    wrong = np.any([np.abs(a - r) > EXACT * np.abs(r).max(initial=0.0) for a, r in pairs], axis=0)
    if wrong.all() or not wrong.any():
        return None
    for axis, which in enumerate(("row", "column") if wrong.ndim == 2 else ("entry",) * wrong.ndim):
        others = tuple(k for k in range(wrong.ndim) if k != axis)
        at = np.flatnonzero(wrong.any(axis=others))
        if len(at) < wrong.shape[axis] and len(at) <= MOST_PLACES:
            name = which if wrong.ndim < 3 else f"index of axis {axis}"
            plural = {"entry": "entries", "row": "rows", "column": "columns"}.get(name, name)
            said = f"{name} {at[0]}" if len(at) == 1 else f"{plural} {listed(map(str, at))}"
            return f"only {said} {'is' if len(at) == 1 else 'are'} wrong, counted from 0"
    return f"{int(wrong.sum())} of {wrong.size} entries are wrong, and the others are right"


def find_signs(pairs: Pairs) -> str:
    """Say what is left to say of any wrong answer: the signs, and where it is furthest off."""
    a, r = pairs[0]
    right = int((np.sign(a) == np.sign(r)).sum())
    if r.size == 1:
        return f"the only entry has the {'right' if right else 'wrong'} sign"
    furthest = np.unravel_index(int(np.argmax(np.abs(a - r))), r.shape)
    have = "has" if right == 1 else "have"
    at = f"entry {tuple(map(int, furthest))} is furthest off"
    return f"{right} of {r.size} entries {have} the right sign, and {at}"


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
    pairs = list(zip(answers, rights, strict=True))
    if all(np.abs(a).max() <= ZERO * np.abs(r).max(initial=0.0) for a, r in pairs):
        rounding = ", up to rounding" if any(answer.any() for answer in answers) else ""
        yield f"all of its entries are zero{rounding}"
        return
    has_all_sizes = all(precision.agree(np.abs(a), np.abs(r)) for a, r in pairs)
    if all(agree(a, r, NEARLY) for a, r in pairs) and not has_all_sizes:
        yield NEARLY_RIGHT
        return
    yield from (clause for clause, holds in FACTS.items() if all(holds(a, r) for a, r in pairs))
    yield from filter(None, (find_ratio(pairs), find_place(pairs)))
    yield from find_balance(pairs)
    for name, numbers in others.items():
        if all(agree(a, n, EXACT) for a, n in zip(answers, numbers, strict=True)):
            yield f"it is equal to the gradient of {name}"
