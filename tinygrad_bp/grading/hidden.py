"""What the points of an assignment cannot show: said to the teacher, who may choose others.

Every mistake of the catalogue is planted at the points, near each gradient, and its numbers are
compared with the right ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..mistakes.run import Run
from ..notation.numbers import listed
from ..table import TABLE
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
HARMLESS = {
    "wrong-upstream",
    "gradient-of-next-step",
    "one-step-off",
    "flattened-gradient",
    "transposed-result",
}


def say_hidden(runs: Sequence[Run], lines: Sequence[str]) -> Iterator[str]:
    yield from equal_lengths(runs[0])
    points = "these points" if len(runs) > 1 else "the given point"
    found: dict[str, list[str]] = {}
    truths = [
        Answers({name: np.asarray(run.gradients[i]) for name, i in run.quantities.items()})
        for run in runs
    ]
    with np.errstate(all="ignore"):
        judge = Judge(runs, truths)
        for line in lines[:MOST_LINES]:
            for name in find_unseen(judge, line):
                found.setdefault(name, []).append(gradient_of(line))
    for name, gradients in list(found.items())[:MOST_WARNINGS]:
        yield f"In {listed(gradients)} {points} cannot show {name}: the numbers are the right ones."
    if len(found) > MOST_WARNINGS:
        yield f"There are {len(found) - MOST_WARNINGS} more mistakes that {points} cannot show."
    for gradient in find_balanced(runs):
        yield (
            f"At {points} the entries of {gradient} sum to zero, so that a wrong multiple of their "
            "sum cannot be seen behind the softmax: choose a target that does not sum to 1."
        )


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


def find_unseen(judge: Judge, line: str) -> dict[str, None]:
    """Return the mistakes near a line that give the right numbers at every point, in order."""
    i = judge.run.quantities[line]
    parts = [sheet.run.part(i, sheet.own) for sheet in judge.sheets]
    unseen: dict[str, None] = {}
    for fault in find_single(judge.sheets[0], nearest(judge.run, parts[0], FEW_EDGES)):
        if fault.mistake.name not in {*HARMLESS, *unseen} and all(
            sheet.reproduces(sheet.run.gradients[i], part, (fault,))
            for sheet, part in zip(judge.sheets, parts, strict=True)
        ):
            unseen[fault.mistake.name] = None
    return unseen


def find_balanced(runs: Sequence[Run]) -> Iterator[str]:
    names = {i: gradient_of(name) for name, i in runs[0].quantities.items()}
    for i, tensor in enumerate(runs[0].tensors):
        if tensor.primitive is TABLE["softmax"] and all(
            i in run.gradients
            and np.any(run.gradients[i])
            and sums_to_zero(run.gradients[i], tensor.params["axis"])
            for run in runs
        ):
            yield names.get(i, "a gradient")
