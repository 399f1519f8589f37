"""What a point hides: the mistakes that cannot be seen there, or not be told apart.

Every mistake of the catalogue is planted at the point, and its numbers are compared with the right
ones and with those of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..mistakes.catalogue import named
from ..mistakes.mistake import Fault
from ..mistakes.run import Run
from ..notation.numbers import listed
from ..table import TABLE
from .findings import Numbers
from .fingerprints import sums_to_zero
from .judge import Judge
from .limits import FEW_EDGES, MOST_LINES
from .report import gradient_of
from .search import find_single, nearest
from .submission import Answers

#: How many such sentences are said at most.
MOST_WARNINGS = 6

#: Where these give the right numbers they are no mistakes: of two equal gradients one may be taken
#: for the other, and a layout that the next step changes again does not matter.
HARMLESS = {"wrong-upstream", "flattened-gradient", "transposed-result", "one-step-off"}


def hidden_mistakes(runs: Sequence[Run], lines: Sequence[str]) -> Iterator[str]:
    # those that give the right numbers at these points, or the same as another mistake
    points = "these points" if len(runs) > 1 else "the given point"
    found: dict[str, list[str]] = {}
    with np.errstate(all="ignore"):
        for line, what in hidden_in(runs, lines[:MOST_LINES]):
            found.setdefault(what, []).append(gradient_of(line))
    yield from equal_lengths(runs[0])
    for what, gradients in list(found.items())[:MOST_WARNINGS]:
        yield f"In {listed(dict.fromkeys(gradients))} {points} cannot {what}."
    if len(found) > MOST_WARNINGS:
        yield f"There are {len(found) - MOST_WARNINGS} more such mistakes or groups of them."
    for gradient in balanced(runs):
        yield (
            f"At {points} the entries of {gradient} sum to zero, so that a wrong multiple of their "
            "sum cannot be seen behind the softmax: choose a target that does not sum to 1."
        )
    if len(lines) > MOST_LINES:
        yield f"What {points} hide was looked for in {MOST_LINES} of {len(lines)} gradients."


def equal_lengths(run: Run) -> Iterator[str]:
    # where two axes have one length, a sum or a mean along the wrong one looks right
    widths = {
        n: f"axis {axis} of {t.name}"
        for t in (run.tensors[i] for i in run.parameters)
        for axis, n in enumerate(t.shape)
        if t.name is not None
    }
    if run.batch > 1 and run.batch in widths:
        yield (
            f"There are {run.batch} samples, which is also the length of {widths[run.batch]}: a "
            "sum or a mean along the wrong axis may not be seen. Choose lengths that differ."
        )
    for t in (run.tensors[i] for i in run.gradients):
        alike = [k for k, n in enumerate(t.shape) if n > 1 and t.shape.count(n) > 1]
        if alike and t.primitive is None and run.place[t.id] not in run.parameters:
            yield (
                f"Axes {listed(map(str, alike))} of {t.name} have the same length: a sum or a mean "
                "along the wrong one may not be seen. Choose lengths that differ."
            )


def hidden_in(runs: Sequence[Run], lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    truths = [
        Answers({name: np.asarray(run.gradients[i]) for name, i in run.quantities.items()})
        for run in runs
    ]
    judge = Judge(runs, truths)
    for line in lines:
        i = runs[0].quantities[line]
        right = ("", [run.gradients[i] for run in runs])
        planted = ((fault.mistake.name, n) for fault, n in find_consequences(judge, i))
        unseen, *groups = groups_alike([right, *planted], judge.agrees)
        missed = [name for name in unseen[1:] if name not in HARMLESS]
        if missed:
            yield line, f"show {', '.join(missed)}: the numbers are the right ones"
        for group in groups:
            general = {named(name).instead_of for name in group}  # which the judge does not name
            told = [name for name in group if name not in general]
            if len(told) > 1:
                yield line, f"tell apart {', '.join(told)}"


def find_consequences(judge: Judge, i: int) -> Iterator[tuple[Fault, Numbers]]:
    # each mistake between a quantity and the nearest answers, with what it gives
    parts = [sheet.run.part(i, sheet.own) for sheet in judge.sheets]
    for fault in find_single(judge.sheets[0], nearest(judge.run, parts[0], FEW_EDGES)):
        numbers = [
            sheet.run.sweep(sheet.own, sheet.plant((fault,)), part.edges).get(i)
            for sheet, part in zip(judge.sheets, parts, strict=True)
        ]
        if all(number is not None for number in numbers):
            yield fault, [np.asarray(number) for number in numbers]


def balanced(runs: Sequence[Run]) -> Iterator[str]:
    names = {i: gradient_of(name) for name, i in runs[0].quantities.items()}
    for i, tensor in enumerate(runs[0].tensors):
        if tensor.primitive is TABLE["softmax"] and all(
            i in run.gradients
            and np.any(run.gradients[i])
            and sums_to_zero(run.gradients[i], tensor.params["axis"])
            for run in runs
        ):
            yield names.get(i, "a gradient")


def groups_alike(
    planted: Iterable[tuple[str, Sequence[np.ndarray]]], agrees: Callable[[Any, Any], bool]
) -> list[list[str]]:
    groups: list[tuple[float, Sequence[np.ndarray], list[str]]] = []
    for name, numbers in planted:
        size = float(np.linalg.norm(numbers[0]))  # compared first: that is fast
        for other, those, names in groups:
            if abs(size - other) <= 1e-6 * size and agrees(those, numbers):
                names.append(name)
                break
        else:
            groups.append((size, numbers, [name]))
    return [list(dict.fromkeys(names)) for _, _, names in groups]
