"""Rows as text, in two columns, with matrices in brackets.

An equation is made of blocks of lines that stand side by side: a matrix beside a sign.
"""

from __future__ import annotations

import re
import textwrap
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
from rich.cells import cell_len as width

from ...notation.formula import Formula
from ...notation.numbers import fits, in_line, rows, stand_in
from ...notation.pieces import Parts
from ..steps.rows import Numbers, Row, Side, Sources

#: How wide a label and the equation beside it are.
LABEL, EQUATION = 11, 64

#: A formula is broken before these signs, and what goes on below begins with one.
SIGNS = "⊙⊗+−·/"


def in_columns(row: Row) -> list[str]:
    left, right = [row.label, *row.notes], equation(row.sides)
    if max(map(width, left)) > LABEL:  # the equation starts below
        right = [""] * len(left) + right
    return [
        (a + " " * (LABEL + 1 - width(a)) + b).rstrip()
        for a, b in zip_longest(left, right, fillvalue="")
    ]


def equation(sides: tuple[Side, ...]) -> list[str]:
    # the first side stands on a line of its own if it leaves the others little room
    lines = written(sides[0], EQUATION).lines
    if len(sides) == 1:
        return lines
    start = f"{lines[0]} = "
    if len(lines) > 1 or width(start) > EQUATION // 2:
        start = "  = "
    else:
        lines = []
    for side in sides[1:]:
        lines += beside([Block([start]), written(side, EQUATION - width(start))]).lines
        start = f"{' ' * (width(start) - 2)}= "
    return lines


def written(side: Side, room: int) -> Block:
    if isinstance(side, (str, Sources, Formula)):
        return Block(wrapped(side.text if isinstance(side, Formula) else str(side), room))
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
    below = [row for other in others for row in gap + other.lines]
    return Block([*first.lines, *below], first.base)


def wrapped(text: str, room: int) -> list[str]:
    # before a sign, not after it, and further in than the formula began
    if width(text) <= room:
        return [text]
    kept = re.sub(f" ([{SIGNS}]) ", " \\1\N{NO-BREAK SPACE}", text)
    lines = textwrap.wrap(kept, max(room, 10), subsequent_indent="  ") or [""]
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def beside(parts: list[Block]) -> Block:
    base = max(part.base for part in parts)
    height = base + max(len(part.lines) - part.base for part in parts)
    lines = [""] * height
    for part in parts:
        above = base - part.base
        padded = [""] * above + part.lines + [""] * (height - above - len(part.lines))
        n = max(map(width, part.lines))
        lines = [
            before + line + " " * (n - width(line))
            for before, line in zip(lines, padded, strict=True)
        ]
    return Block(lines, base)
