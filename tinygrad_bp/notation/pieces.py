"""Parts of a printed expression, put together: in brackets where they need them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from string import Formatter
from typing import ClassVar, TypeAlias

import numpy as np

from .alphabets import LOOKS, TALL, Looks

#: A formula with this run's numbers: text, and the arrays that stand between.
Parts: TypeAlias = tuple[str | np.ndarray, ...]


class Level(IntEnum):
    """How tightly an expression holds together: the precedence table."""

    CHOICE = 0  # a if c else b
    AND = 1
    COMPARISON = 2
    SUM = 3  # also a leading minus
    REDUCTION = 4  # Σ a: reaches over the products to its right
    PRODUCT = 5
    FRACTION = 6
    POWER = 7
    ATOM = 8
    SINGLE = 9  # a single character


LEVELS = {level.name.lower(): level for level in Level}


@dataclass(slots=True)
class Piece:
    parts: str | Parts  # a text, or also texts with arrays between
    level: Level = Level.ATOM
    scalar: bool = False  # a single number: its products are written side by side
    kind: str = ""  # of a product or a sum: kinds are not mixed without brackets
    minus: bool = False  # it begins with a minus
    divided: bool = False  # it ends in a divisor after a slash, which swallows a factor beside it

    @property
    def text(self) -> str:
        if isinstance(self.parts, str):
            return self.parts
        return "".join(part if isinstance(part, str) else "□" for part in self.parts)

    @property
    def leads(self) -> bool:
        # a product but for a leading minus, so that others can follow it
        return self.minus and self.level == Level.SUM and self.kind != "sum"


@functools.lru_cache(maxsize=1000)
def fields(template: str) -> tuple[tuple[str, str | None, str], ...]:
    return tuple(
        (before, name, spec or "") for before, name, spec, _ in Formatter().parse(template)
    )


def joined(parts: Sequence[str | Parts]) -> str | Parts:
    try:
        return "".join(parts)  # type: ignore[arg-type]
    except TypeError:  # there are arrays between
        pass
    found: list[str | np.ndarray] = [""]
    for part in parts:
        for item in (part,) if isinstance(part, str) else part:
            if isinstance(item, str) and isinstance(found[-1], str):
                found[-1] += item
            else:
                found.append(item)
    return tuple(item for item in found if not isinstance(item, str) or item)


class Typesetter:
    """Puts pieces together; a function has its symbol under its name with brackets: ``exp()``."""

    looks: ClassVar[Looks] = LOOKS

    def __init__(
        self,
        alphabet: int,
        symbols: Mapping[str, str],
        values: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        self.alphabet, self.symbols, self.values = alphabet, symbols, values or {}

    def look(self, name: str, *pieces: Piece | str, **named: Piece | str) -> str | Parts:
        return self.fill(self.looks[name][self.alphabet], *pieces, **named)

    def fill(self, template: str, *pieces: Piece | str, **named: Piece | str) -> str | Parts:
        filled: list[str | Parts] = []
        n = 0
        for before, name, level in fields(template):
            if before:
                filled.append(before)
            if name is None:
                continue
            if name:
                piece = named[name]
            else:
                piece = pieces[n]
                n += 1
            if isinstance(piece, str):
                filled.append(piece)
            else:
                filled.append(self.within(piece, level) if level else piece.parts)
        return joined(filled)

    def within(self, piece: Piece, level: str | Level) -> str | Parts:
        # in brackets, unless it holds together as tightly as the level
        if level == "base":  # LaTeX has no superscript of a superscript
            parts = self.within(piece, Level.ATOM)
            braces = self.alphabet and ("^" in piece.text or not isinstance(parts, str))
            return joined(["{", parts, "}"]) if braces else parts
        least = LEVELS[level] if isinstance(level, str) else level
        holds = len(piece.text) == 1 if least is Level.SINGLE else piece.level >= least
        return piece.parts if holds else self.bracketed(piece.parts)

    def enclosed(self, piece: Piece, level: Level) -> Piece:
        return Piece(self.within(piece, level))

    def bracketed(self, parts: str | Parts) -> str | Parts:
        inside = Piece(parts)
        tall = self.values or any(word in inside.text for word in TALL)
        return self.look("tall brackets" if tall else "brackets", inside)

    def separated(self, pieces: Sequence[Piece], separator: str | Parts = ", ") -> Piece:
        filled: list[str | Parts] = []
        for piece in pieces:
            filled += [separator, piece.parts]
        return Piece(joined(filled[1:]))

    def indicator(self, condition: Piece) -> Piece:
        return Piece(self.look("tall indicator" if self.values else "indicator", condition))
