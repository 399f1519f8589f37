"""What the equations of a derivation start from: its leaves and constants, with their shapes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

import numpy as np

from .document import Block, Formula, Sentence, shape_formula
from .lines import Lines

#: So many are listed; of more, their number is told.
MOST = 40


def given(lines: Lines, written: Callable[[ast.expr], Formula]) -> Iterator[Block]:
    """Yield the sentence that lists what is given."""
    leaves = [t for t in lines.tensors if t.primitive is None and t.id not in lines.inline]
    names = [lines.name(t) for t in leaves] + lines.constants
    parts: list[str | Formula] = []
    for name in names[:MOST]:
        parts += [", ", written(ast.Name(name)), " ", shape_formula(np.shape(lines.values[name]))]
    if names[MOST:]:
        parts.append(f", and {len(names) - MOST} more")
    if parts:
        yield Sentence(("Given: ", *parts[1:], "."))
