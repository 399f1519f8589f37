"""Rows as text: in two columns, and on a console as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ...notation.formula import Formula
from ..steps.rows import Numbers, Row, Side, Sources
from .blocks import Block, beside, flowing, units, width, wrapped

if TYPE_CHECKING:
    from rich.table import Table

#: How wide a label and the equation beside it are in plain text.
LABEL, EQUATION = 11, 64

#: What the lines and margins of a table on a console take.
FRAME = 7


def in_columns(row: Row) -> list[str]:
    left, right = [row.label, *row.notes], equation(row.sides, EQUATION)
    if max(map(width, left)) > LABEL:  # the equation starts below
        right = [""] * len(left) + right
    left += [""] * (len(right) - len(left))
    right += [""] * (len(left) - len(right))
    pairs = zip(left, right, strict=True)
    return [(a + " " * (LABEL + 1 - width(a)) + b).rstrip() for a, b in pairs]


def table(title: str, rows: Iterable[Row], room: int) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.ROUNDED,
        border_style="dim",
        show_header=False,
        show_lines=True,
        expand=True,
    )
    made.add_column(width=LABEL, overflow="fold")
    made.add_column(overflow="fold", ratio=1)
    for row in rows:
        label = Text(row.label)
        label.append("".join(f"\n{note}" for note in row.notes), style="dim")
        made.add_row(label, Text("\n".join(equation(row.sides, room - LABEL - FRAME))))
    return made


def equation(sides: tuple[Side, ...], room: int) -> list[str]:
    # The first side stands on a line of its own where the others would not fit beside it.
    first = written(sides[0], room)
    if len(sides) == 1:
        return first.lines
    start = f"{first.lines[0]} = "
    others = [written(side, room - width(start)) for side in sides[1:]]
    fits = all(width(other.lines[0]) <= room - width(start) for other in others)
    lines: list[str] = []
    if len(first.lines) > 1 or width(start) > room // 2 or not fits:
        lines, start = first.lines, "  = "
        others = [written(side, room - width(start)) for side in sides[1:]]
    for other in others:
        lines += beside([Block([start]), other]).lines
        start = f"{' ' * (width(start) - 2)}= "
    return lines


def written(side: Side, room: int) -> Block:
    if isinstance(side, Formula):
        return Block(wrapped(side.text, room))
    if isinstance(side, (str, Sources)):
        return Block(wrapped(str(side), room))
    return flowing(units(side.formula.parts if isinstance(side, Numbers) else side), room)
