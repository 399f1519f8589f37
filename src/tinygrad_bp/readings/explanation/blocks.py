"""Blocks of text that stand side by side: a matrix in brackets beside the sign of a product."""

from __future__ import annotations

import functools
import textwrap
import unicodedata
from typing import NamedTuple

import numpy as np

from .record import Parts
from .values import by_shape, is_small, shown, written_alike

#: How wide a label and the text beside it may be: panels of such rows fit into 80 columns.
LABEL = 11
WIDTH = 64


class Block(NamedTuple):
    """Lines of text that stand side by side with others, level at the line ``base``."""

    lines: list[str]
    base: int


def equation(left: str, sides: list[Block]) -> str:
    """Write ``x =`` and a side, and each further side below.

    A side of one line is broken where it is too long; one that repeats the last is left out.
    """
    sides = [side for i, side in enumerate(sides) if not i or side.lines != sides[i - 1].lines]
    room = WIDTH - width(left) - 1
    alone = room < WIDTH // 2 or any(
        width(line) > room for side in sides for line in side.lines if len(side.lines) > 1
    )
    name, sign = left.rsplit(" ", 1)
    start = f"  {sign}" if alone else left
    parts = [name] if alone else []
    for side in sides:
        if len(side.lines) == 1:
            side = Block(textwrap.wrap(side.lines[0], WIDTH - width(start) - 1) or [""], 0)
        parts += beside([Block([f"{start} "], 0), side]).lines
        start = " " * (width(start) - 1) + "="
    return "\n".join(parts)


def block(value: np.ndarray) -> Block:
    """Write a value: a number, a list, a matrix in brackets, or the summary of a large array."""
    if value.ndim != 2 or not is_small(value) or not value.size:
        return Block([shown(value)], 0)
    texts = written_alike(value)
    cells = [texts[i : i + value.shape[1]] for i in range(0, value.size, value.shape[1])]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.rjust(n) for cell, n in zip(row, widths, strict=True)) for row in cells]
    n = len(lines)
    edges = ["[]"] if n == 1 else ["⎡⎤", *["⎢⎥"] * (n - 2), "⎣⎦"]
    return Block([e[0] + line + e[1] for e, line in zip(edges, lines, strict=True)], (n - 1) // 2)


def bracketed(part: Block) -> Block:
    """Put a negative number in brackets."""
    negative = len(part.lines) == 1 and part.lines[0].startswith("-")
    return Block([f"({part.lines[0]})"], 0) if negative else part


def with_values(parts: Parts, room: int) -> str:
    """Write a formula that has numbers put in.

    One with matrices goes on below an empty line where it is too wide; another is broken where it
    is shown, as all text is.
    """
    blocks = []
    for part in parts:
        if isinstance(part, str):
            blocks.append(Block([part], 0))
        else:
            value = block(part) if is_small(part) else Block([by_shape(part)], 0)
            blocks.append(bracketed(value) if len(parts) > 1 else value)
    if all(len(part.lines) == 1 for part in blocks):
        return "".join(part.lines[0] for part in blocks)
    return "\n".join(flowing(blocks, max(room, WIDTH // 2)).lines)


def flowing(parts: list[Block], room: int) -> Block:
    """Put blocks side by side; where they become too wide, go on below an empty line."""
    rows: list[list[Block]] = [[]]
    used = 0
    for part in parts:
        if used and used + width(part.lines[0]) > room:
            rows.append([])
            used = 0
        rows[-1].append(part)
        used += width(part.lines[0])
    first, *others = map(beside, rows)
    below = [line for other in others for line in ("", *other.lines)]
    return Block([*first.lines, *below], first.base)


def beside(parts: list[Block]) -> Block:
    """Put blocks side by side, level at their bases."""
    base = max(part.base for part in parts)
    below = max(len(part.lines) - part.base for part in parts)
    rows = [""] * (base + below)
    for part in parts:
        n = max(map(width, part.lines))
        for i in range(len(rows)):
            j = i - base + part.base
            line = part.lines[j] if 0 <= j < len(part.lines) else ""
            rows[i] += line + " " * (n - width(line))
    return Block(rows, base)


def width(text: str) -> int:
    """Return how many columns a text takes on a console."""
    return len(text) if text.isascii() else sum(map(columns, text))


@functools.cache
def columns(character: str) -> int:
    """Return how many columns a character takes: none for an accent that it gives to another."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
