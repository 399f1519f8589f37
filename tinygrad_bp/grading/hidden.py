"""What the points of a problem hide: wrong sums that look right there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..mistakes.run import Run
from ..notation.numbers import listed
from ..table import TABLE
from .fingerprints import sums_to_zero
from .report import gradient_of


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


def balanced(runs: Sequence[Run]) -> Iterator[str]:
    names = {i: gradient_of(name) for name, i in runs[0].quantities.items()}
    for i, tensor in enumerate(runs[0].tensors):
        if tensor.primitive is TABLE["softmax"] and all(
            i in run.gradients
            and np.any(run.gradients[i])
            and sums_to_zero(run.gradients[i], tensor.params["axis"])
            for run in runs
        ):
            yield (
                f"At every point the entries of {names.get(i, 'a gradient')} sum to zero, so that "
                "a wrong multiple of their sum cannot be seen behind the softmax: choose a target "
                "that does not sum to 1."
            )
