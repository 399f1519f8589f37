"""An explanation as text: plain, and on a console as a table for each step."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from .blocks import Block, beside, flowing, units, width, wrapped
from .record import Record
from .rows import Numeric, Row, Side, Symbolic, introduction, sections
from .symbols import Symbols

if TYPE_CHECKING:
    from rich.table import Table

#: How wide a label and the equation beside it are in plain text.
LABEL = 11
EQUATION = 64

#: What the lines and margins of a table on a console take.
FRAME = 7


def as_text(explanation: Record, symbols: Symbols) -> str:
    """Write an explanation as plain text."""
    parts = textwrap.wrap(introduction(explanation), LABEL + 1 + EQUATION)
    for title, rows in sections(explanation, symbols):
        parts += ["", title, *map(in_line, rows)]
    return "\n".join(line.rstrip() for line in "\n".join(parts).splitlines())


def in_line(row: Row) -> str:
    """Write a row as plain text."""
    left, right = [row.label, *row.notes], equation(row.sides, EQUATION)
    if max(map(width, left)) > LABEL:  # the equation starts below
        right = [""] * len(left) + right
    left += [""] * (len(right) - len(left))
    right += [""] * (len(left) - len(right))
    return "\n".join(a + " " * (LABEL + 1 - width(a)) + b for a, b in zip(left, right, strict=True))


def table(title: str, rows: list[Row], room: int) -> Table:
    """Write the rows of a step as a table for a console that has so many columns."""
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
        for note in row.notes:
            label.append(f"\n{note}", style="dim")
        made.add_row(label, Text("\n".join(equation(row.sides, room - LABEL - FRAME))))
    return made


def equation(sides: tuple[Side, ...], room: int) -> list[str]:
    """Write ``side = side``, and each further side below.

    The first stands on a line of its own where the others would not fit beside it.
    """
    first = written(sides[0], room)
    start = f"{first.lines[0]} = "
    others = [written(side, room - width(start)) for side in sides[1:]]
    if (
        len(first.lines) > 1
        or width(start) > room // 2
        or not all(width(other.lines[0]) <= room - width(start) for other in others)
    ):
        lines, start = first.lines, "  = "
        others = [written(side, room - width(start)) for side in sides[1:]]
    else:
        lines = []
    if not others:
        return first.lines
    for other in others:
        lines += beside([Block([start], 0), other]).lines
        start = f"{' ' * (width(start) - 2)}= "
    return lines


def written(side: Side, room: int) -> Block:
    """Write a side of an equation: broken over lines where it is long."""
    if isinstance(side, str):
        return Block(wrapped(side, room), 0)
    if isinstance(side, Symbolic):
        return Block(wrapped(side.formula.text, room), 0)
    assert isinstance(side, Numeric)
    return flowing(units(side.parts), room)
