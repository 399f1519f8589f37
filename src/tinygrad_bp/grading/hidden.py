"""What a point hides: the mistakes that cannot be seen there, or not be told apart.

Every mistake of the catalogue is planted at the point, and its numbers are compared with the right
ones and with those of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .judge import Judge
from .planted import Run
from .submission import Answers


def hidden_mistakes(
    runs: Sequence[Run], named: Mapping[str, int], lines: Iterable[str]
) -> Iterator[str]:
    """Say which mistakes give the right numbers at these points, or the same as another mistake."""
    truths = [
        Answers({name: np.asarray(run.truth[i]) for name, i in named.items()}) for run in runs
    ]
    judge = Judge(runs, named, truths)
    with np.errstate(all="ignore"):
        for name in lines:
            i = named[name]
            unseen, *groups = groups_alike(
                [("", [run.truth[i] for run in runs]), *judge.consequences(i)], judge.agree
            )
            if unseen[1:]:
                yield (
                    f"In dL/d{name} the given point cannot show {', '.join(unseen[1:])}: the "
                    "numbers are the right ones."
                )
            for group in groups:
                if len(group) > 1:
                    yield f"In dL/d{name} the given point cannot tell apart {', '.join(group)}."


def groups_alike(
    named: Iterable[tuple[str, Sequence[np.ndarray]]], agree: Callable[[Any, Any], bool]
) -> list[list[str]]:
    """Return the names grouped by their numbers, each once in its group, in order."""
    groups: list[tuple[float, Sequence[np.ndarray], list[str]]] = []
    for name, numbers in named:
        size = float(np.linalg.norm(numbers[0]))  # compared first: that is fast
        for other, those, names in groups:
            if abs(size - other) <= 1e-6 * size and agree(those, numbers):
                if name not in names:
                    names.append(name)
                break
        else:
            groups.append((size, numbers, [name]))
    return [names for _, _, names in groups]
