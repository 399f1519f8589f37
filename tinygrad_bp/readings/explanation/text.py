"""Rows as text, in two columns or on a console as a table, with matrices in brackets.

An equation is made of blocks of lines that stand side by side: a matrix beside a sign.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from rich.cells import cell_len as width

from ...notation.formula import Formula
from ...notation.numbers import fits, in_line, rows, stand_in
from ...notation.pieces import Parts
from ..steps.rows import Numbers, Row, Side, Sources

if TYPE_CHECKING:
    from rich.table import Table

#: How wide a label and the equation beside it are in plain text.
LABEL, EQUATION = 11, 64

#: What the lines and margins of a table on a console take.
FRAME = 7

#: A formula is broken before these signs, and what goes on below begins with one.
SIGNS = "⊙⊗+−·/"


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


# ---- blocks that stand side by side ----


class Block(NamedTuple):
    """Lines of text that stand side by side with others, level at the line ``base``."""

    lines: list[str]
    base: int = 0


class Unit(NamedTuple):
    """Blocks that are not parted; ``sign`` is put before them where they begin a line."""

    sign: str
    blocks: list[Block]


def block(value: np.ndarray) -> Block:
    if value.ndim != 2 or not fits(value) or not value.size:
        return Block([in_line(value)])
    cells = rows(value)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.rjust(n) for cell, n in zip(row, widths, strict=True)) for row in cells]
    n = len(lines)
    edges = ["[]"] if n == 1 else ["⎡⎤", *["⎢⎥"] * (n - 2), "⎣⎦"]
    return Block([e[0] + line + e[1] for e, line in zip(edges, lines, strict=True)], (n - 1) // 2)


def factor(value: np.ndarray) -> Block:
    part = block(value) if fits(value) else Block([stand_in(value)])
    negative = len(part.lines) == 1 and part.lines[0].startswith("-")
    return Block([f"({part.lines[0]})"]) if negative else part


def units(parts: Parts) -> list[Unit]:
    # Two matrices side by side are a product: where one begins a line, it gets a dot before it.
    if len(parts) == 1 and not isinstance(parts[0], str):
        return [Unit("", [block(parts[0])])]
    found = [Unit("", [])]
    before: str | np.ndarray = ""
    for part in parts:
        if isinstance(part, str):
            first, *others = re.split(f" (?=[{SIGNS}] )", part)
            found[-1].blocks.extend([Block([first])] * bool(first))
            for other in others:
                found[-1].blocks.append(Block([" "]))
                found.append(Unit("", [Block([other])]))
        else:
            if isinstance(before, str) and re.fullmatch(r"[)\]ᵀ]* ", before):
                found.append(Unit("· ", []))
            found[-1].blocks.append(factor(part))
        before = part
    return found


def flowing(parts: list[Unit], room: int) -> Block:
    # what becomes too wide goes on below, after an empty line; a single text is broken
    if len(parts) == 1 and len(parts[0].blocks) == 1 and len(parts[0].blocks[0].lines) == 1:
        return Block(wrapped(parts[0].blocks[0].lines[0], room))
    lines: list[list[Block]] = [[]]
    used = 0
    for sign, blocks in parts:
        n = sum(width(part.lines[0]) for part in blocks)
        if used and used + n > room:
            lines.append([Block([f"  {sign}"])])
            used = 2 + len(sign)
        lines[-1] += blocks
        used += n
    first, *others = map(beside, lines)
    gap = [""] * any(len(line.lines) > 1 for line in (first, *others))
    return Block(
        [*first.lines, *(row for other in others for row in gap + other.lines)], first.base
    )


def wrapped(text: str, room: int) -> list[str]:
    # before a sign, not after it, and further in than the formula began
    if width(text) <= room:
        return [text]
    kept = re.sub(f" ([{SIGNS}]) ", " \\1\N{NO-BREAK SPACE}", text)
    lines = textwrap.wrap(kept, max(room, 10), subsequent_indent="  ") or [""]
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def beside(parts: list[Block]) -> Block:
    base = max(part.base for part in parts)
    below = max(len(part.lines) - part.base for part in parts)
    if base + below == 1:
        return Block(["".join(part.lines[0] for part in parts)])
    lines = [""] * (base + below)
    for part in parts:
        n = max(map(width, part.lines))
        for i in range(len(lines)):
            j = i - base + part.base
            line = part.lines[j] if 0 <= j < len(part.lines) else ""
            lines[i] += line + " " * (n - width(line))
    return Block(lines, base)
