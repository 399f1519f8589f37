"""Equations as a part of a page: their sides as MathML, one below the other."""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ...notation.formula import Formula
from ...notation.mathml import mathml
from ...notation.numbers import fits, in_line, rows, stand_in
from .rows import Numbers, Side, Sources

#: The first of the private characters of Unicode, which stand for arrays while LaTeX is typeset.
MARK = 0xE000
MARKED = re.compile("<mi>([\ue000-\uf8ff])</mi>")


def equations(every: Iterable[Sequence[Side]], link: Callable[[Sources], str] | None = None) -> str:
    # ``link`` writes where the terms of a sum come from, if they are links
    cells = []
    for sides in every:
        left, *others = (
            link(side) if link and isinstance(side, Sources) else typeset_side(side)
            for side in sides
        )
        alone = "" if others else " alone"
        cells.append(f'<div class="left{alone}">{left}</div>')
        for side in others:
            cells.append(f'<div class="side"><span class="sign">=</span>{side}</div>')
    return f'<div class="equation">{"".join(cells)}</div>'


def typeset_side(side: Side) -> str:
    if isinstance(side, Formula):
        return typeset(side.latex)
    if isinstance(side, Numbers):
        # numbers differ from step to step, and formulas seldom do: these are typeset once
        parts = side.formula.latex_parts
        arrays = [part for part in parts if not isinstance(part, str)]
        marks = map(chr, range(MARK, MARK + len(arrays)))
        latex = "".join(part if isinstance(part, str) else next(marks) for part in parts)
        return MARKED.sub(
            lambda mark: value(arrays[ord(mark[1]) - MARK], alone=False), typeset(latex)
        )
    if isinstance(side, (str, Sources)):
        return html.escape(str(side))
    written = (words(p) if isinstance(p, str) else value(p, len(side) == 1) for p in side)
    return f'<math display="block">{"".join(written)}</math>'


@functools.lru_cache(maxsize=10_000)
def typeset(latex: str) -> str:
    return mathml(latex, display=True)


def words(text: str) -> str:
    # MathML drops the spaces at the ends of a text
    return f"<mtext>{html.escape(text).replace(' ', '&nbsp;')}</mtext>"


def value(array: np.ndarray, alone: bool) -> str:
    if array.ndim == 2 and array.size and fits(array):
        return matrix(array.tobytes(), array.dtype, array.shape)
    if not alone and not fits(array):
        return words(stand_in(array))
    written = in_line(array)
    text = written.replace("-", "−")
    text = words(text) if array.ndim else f"<mn>{text}</mn>"
    negative = not alone and written.startswith("-")
    return f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>" if negative else text


@functools.lru_cache(maxsize=10_000)
def matrix(content: bytes, dtype: np.dtype, shape: tuple[int, int]) -> str:
    # the same numbers stand in several steps: where they come from, and where they are used
    cells = rows(np.frombuffer(content, dtype).reshape(shape))
    between, after = "</mn></mtd><mtd><mn>", "</mn></mtd></mtr>"
    body = "".join(f"<mtr><mtd><mn>{between.join(row)}{after}" for row in cells)
    return f'<mtable class="matrix">{body.replace("-", "−")}</mtable>'
