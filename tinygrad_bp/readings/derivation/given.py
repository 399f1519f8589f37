"""What the equations of a derivation start from: its leaves and constants, with their shapes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

import numpy as np

from ...notation.numbers import fits, written_array, written_shape
from .document import Block, Equation, Formula, Sentence
from .lines import Lines

#: So many are listed; of more, their number is told.
MOST = 40


def given(lines: Lines, written: Callable[[ast.expr], Formula], numbers: bool) -> Iterator[Block]:
    """Yield what is given, with its values if numbers are wanted.

    A small array that the computation holds without a name, such as the rows of one-hot labels, is
    shown in any case: nothing else says what it is.
    """
    leaves = [t for t in lines.tensors if t.primitive is None and t.id not in lines.inline]
    names = [lines.name(t) for t in leaves] + lines.constants
    if not names:
        return
    parts: list[str | Formula] = []
    for name in names[:MOST]:
        parts += [", ", written(ast.Name(name)), " ", written_shape(np.shape(lines.values[name]))]
    if names[MOST:]:
        parts.append(f", and {len(names) - MOST} more")
    yield Sentence(("Given: ", *parts[1:], "."))
    unnamed = {lines.name(t) for t in leaves if t.name is None and not t.requires_grad}
    values = []
    for name in names[:MOST]:
        value = np.asarray(lines.values[name])
        if numbers or (
            value.size and fits(value, "derivation") and name in unnamed.union(lines.constants)
        ):
            values.append(Equation(written(ast.Name(name)), (written_array(value),)))
    if values:
        yield from values
        yield Sentence(("From these:",))
