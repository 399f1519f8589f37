"""The sides of an equation as MathML."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ...notation.formula import Formula
from ...notation.numbers import fits, in_line, rows, stand_in
from ...pages.page import safe, typeset
from .rows import Numbers, Side, Sources

if TYPE_CHECKING:
    from markupsafe import Markup

#: The first of the private characters of Unicode, which stand for arrays while LaTeX is typeset.
MARK = 0xE000


def typeset_side(side: Side) -> Markup | str:
    if isinstance(side, Formula):
        return typeset(side.latex)
    if isinstance(side, Numbers):
        # numbers differ from step to step, and formulas seldom do: these are typeset once
        parts = side.formula.latex_parts
        arrays = [part for part in parts if not isinstance(part, str)]
        marks = map(chr, range(MARK, MARK + len(arrays)))
        latex = "".join(part if isinstance(part, str) else next(marks) for part in parts)
        return safe(
            re.sub(
                "<mi>([\ue000-\uf8ff])</mi>",
                lambda mark: value(arrays[ord(mark[1]) - MARK], alone=False),
                typeset(latex),
            )
        )
    if isinstance(side, (str, Sources)):
        return str(side)
    return math(words(p) if isinstance(p, str) else value(p, len(side) == 1) for p in side)


def math(parts: Iterable[str]) -> Markup:
    start = '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">'
    return safe(f"{start}{''.join(parts)}</math>")


def words(text: str) -> str:
    # MathML drops the spaces at the ends of a text
    return f"<mtext>{html.escape(text).replace(' ', '&nbsp;')}</mtext>"


def value(array: np.ndarray, alone: bool) -> str:
    if array.ndim == 2 and array.size and fits(array):
        cells = ("".join(f"<mtd><mn>{x}</mn></mtd>" for x in row) for row in rows(array))
        body = "".join(f"<mtr>{row}</mtr>" for row in cells)
        return f'<mtable class="matrix">{body.replace("-", "−")}</mtable>'
    if not alone and not fits(array):
        return words(stand_in(array))
    written = in_line(array)
    text = written.replace("-", "−")
    text = words(text) if array.ndim else f"<mn>{text}</mn>"
    negative = not alone and written.startswith("-")
    return f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>" if negative else text
