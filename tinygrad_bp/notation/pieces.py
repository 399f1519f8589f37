"""Parts of a printed expression, put together: in brackets where they need them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from string import Formatter
from typing import TypeAlias

import numpy as np

from .alphabets import Alphabet

#: A formula with this run's numbers: text, and the arrays that stand between.
Parts: TypeAlias = tuple[str | np.ndarray, ...]

#: LaTeX that is higher than a line: brackets around it grow.
TALL = (r"\frac", r"\begin", r"\sum", r"\prod", r"\sqrt")


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


@dataclass
class Piece:
    """A part of the output.

    Parameters
    ----------
    parts
        How it is written: a text, or also texts with arrays between.
    level
        How tightly it holds together.
    scalar
        Whether it is a single number: its products are written side by side.
    kind
        Of a product or a sum: kinds are not mixed without brackets.
    minus
        Whether it begins with a minus.
    divided
        Whether it ends in a divisor after a slash, which a factor beside it would be a part of.
    """

    parts: str | Parts
    level: Level = Level.ATOM
    scalar: bool = False
    kind: str = ""
    minus: bool = False
    divided: bool = False

    @property
    def text(self) -> str:
        """The text, with boxes for arrays."""
        if isinstance(self.parts, str):
            return self.parts
        return "".join(part if isinstance(part, str) else "□" for part in self.parts)

    @property
    def leads(self) -> bool:
        """Whether it is a product but for a leading minus, so that others can follow it."""
        return self.minus and self.level == Level.SUM and self.kind != "sum"


@functools.lru_cache(maxsize=1000)
def fields(template: str) -> tuple[tuple[str, str | None, str], ...]:
    """Return the fields of a template: the text before each, its name and its level."""
    return tuple(
        (before, name, spec or "") for before, name, spec, _ in Formatter().parse(template)
    )


def joined(parts: Sequence[str | Parts]) -> str | Parts:
    """Return texts and arrays in a row, each run of texts as one."""
    if all(isinstance(part, str) for part in parts):
        return "".join(parts)  # type: ignore[arg-type]
    found: list[str | np.ndarray] = [""]
    for part in parts:
        for item in (part,) if isinstance(part, str) else part:
            last = found[-1]
            if isinstance(item, str) and isinstance(last, str):
                found[-1] = last + item
            else:
                found.append(item)
    return tuple(item for item in found if not isinstance(item, str) or item)


class Typesetter:
    """Puts pieces together in one alphabet.

    Parameters
    ----------
    alphabet
        How things are put on paper.
    symbols
        How each name is written; of a function, its name with a pair of brackets.
    values
        Arrays to be placed instead of names.
    """

    def __init__(
        self,
        alphabet: Alphabet,
        symbols: Mapping[str, str],
        values: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        self.alphabet, self.symbols, self.values = alphabet, symbols, values or {}

    def fill(self, template: str, *pieces: Piece | str, **named: Piece | str) -> str | Parts:
        """Return a template with pieces in its fields, in brackets where they need them."""
        filled: list[str | Parts] = []
        rest = iter(pieces)
        for before, name, level in fields(template):
            filled.append(before)
            if name is not None:
                piece = named[name] if name else next(rest)
                filled.append(piece if isinstance(piece, str) else self.within(piece, level))
        return joined(filled)

    def within(self, piece: Piece, level: str | Level = "") -> str | Parts:
        """Return a part, in brackets unless it holds together as tightly as a level."""
        if not level:
            return piece.parts
        if level == "base":  # LaTeX has no superscript of a superscript
            parts = self.within(piece, Level.ATOM)
            return joined(["{", parts, "}"]) if "^" in Piece(parts).text else parts
        least = level if isinstance(level, Level) else Level[level.upper()]
        holds = len(piece.text) == 1 if least is Level.SINGLE else piece.level >= least
        return piece.parts if holds else self.bracketed(piece.parts)

    def bracketed(self, parts: str | Parts) -> str | Parts:
        """Return a part in round brackets, as tall as it is."""
        inside = Piece(parts)
        tall = bool(self.values) or any(word in inside.text for word in TALL)
        return self.fill(self.alphabet.tall_bracket if tall else self.alphabet.bracket, inside)

    def separated(self, pieces: Sequence[Piece], separator: str = ", ") -> Piece:
        """Return pieces with a separator between them."""
        filled: list[str | Parts] = []
        for piece in pieces:
            filled += [separator, piece.parts]
        return Piece(joined(filled[1:]))

    def indicator(self, condition: Piece) -> Piece:
        """Write 1 where a condition holds, else 0."""
        a = self.alphabet
        return Piece(self.fill(a.tall_indicator if self.values else a.indicator, condition))
