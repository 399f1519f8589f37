"""Blocks of text that stand side by side: a matrix in brackets beside the sign of a product."""

from __future__ import annotations

import functools
import re
import textwrap
import unicodedata
from typing import NamedTuple

import numpy as np

from ...notation.numbers import fits, in_line, rows, stand_in
from .record import Parts

#: A formula is broken before these signs, and what goes on below begins with one.
SIGNS = "⊙⊗+−·/"


class Block(NamedTuple):
    """Lines of text that stand side by side with others, level at the line ``base``."""

    lines: list[str]
    base: int


class Unit(NamedTuple):
    """Blocks that are not parted; ``sign`` is put before them where they begin a line."""

    sign: str
    blocks: list[Block]


def block(value: np.ndarray) -> Block:
    """Write a value: a number, a list, a matrix in brackets, or the summary of a large array."""
    if value.ndim != 2 or not fits(value) or not value.size:
        return Block([in_line(value)], 0)
    cells = rows(value)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.rjust(n) for cell, n in zip(row, widths, strict=True)) for row in cells]
    n = len(lines)
    edges = ["[]"] if n == 1 else ["⎡⎤", *["⎢⎥"] * (n - 2), "⎣⎦"]
    return Block([e[0] + line + e[1] for e, line in zip(edges, lines, strict=True)], (n - 1) // 2)


def bracketed(part: Block) -> Block:
    """Put a negative number in brackets."""
    negative = len(part.lines) == 1 and part.lines[0].startswith("-")
    return Block([f"({part.lines[0]})"], 0) if negative else part


def units(parts: Parts) -> list[Unit]:
    """Take a formula with numbers apart, where it may be broken over lines.

    Two matrices side by side are a product: where one begins a line, it gets a dot before it.
    """
    if len(parts) == 1 and not isinstance(parts[0], str):
        return [Unit("", [block(parts[0])])]
    found = [Unit("", [])]
    for i, part in enumerate(parts):
        if isinstance(part, str):
            first, *others = re.split(f" (?=[{SIGNS}] )", part)
            if first:
                found[-1].blocks.append(Block([first], 0))
            for other in others:
                found[-1].blocks.append(Block([" "], 0))
                found.append(Unit("", [Block([other], 0)]))
        else:
            before = parts[i - 1] if i else ""
            product = isinstance(before, str) and re.fullmatch(r"[)\]ᵀ]* ", before)
            value = block(part) if fits(part) else Block([stand_in(part)], 0)
            if i and product:
                found.append(Unit("· ", []))
            found[-1].blocks.append(bracketed(value))
    return found


def flowing(parts: list[Unit], room: int) -> Block:
    """Put units side by side; where they become too wide, go on below, after an empty line.

    A single text that is too wide is broken.
    """
    if len(parts) == 1 and len(parts[0].blocks) == 1 and len(parts[0].blocks[0].lines) == 1:
        return Block(wrapped(parts[0].blocks[0].lines[0], room), 0)
    rows: list[list[Block]] = [[]]
    used = 0
    for sign, blocks in parts:
        n = sum(width(part.lines[0]) for part in blocks)
        if used and used + n > room:
            rows.append([Block([f"  {sign}"], 0)])
            used = 2 + len(sign)
        rows[-1] += blocks
        used += n
    first, *others = map(beside, rows)
    lines = list(first.lines)
    tall = any(len(row.lines) > 1 for row in (first, *others))
    for other in others:
        lines += [*[""] * tall, *other.lines]
    return Block(lines, first.base)


def wrapped(text: str, room: int) -> list[str]:
    """Break a formula into lines: before a sign, not after it, and further in than it began."""
    if width(text) <= room:
        return [text]
    kept = re.sub(f" ([{SIGNS}]) ", " \\1\N{NO-BREAK SPACE}", text)
    lines = textwrap.wrap(kept, max(room, 10), subsequent_indent="  ") or [""]
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


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
