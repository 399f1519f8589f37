"""What a left side is about, and what is said of a right side."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from .network import Arrays
from .refs import NONE
from .values import Value

RIGHT = ("right", "carried forward", "wrong as arrays")


@dataclass(frozen=True)
class Target:
    """What a left side is about."""

    kind: str  # gradient, local, forward or function
    about: str  # a quantity; of a local derivative, the one below
    of: str = ""  # of a local derivative: the quantity above
    truth: Value | None = None  # None for a local derivative that is not written entry by entry
    entries: tuple[int | str, ...] = ()
    sample: str | None = None  # the letter of the sample that it is about
    transposed: bool = False
    is_chain: bool = False  # it is written as a product of derivatives
    of_entries: tuple[int | str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.letters))

    @property
    def left(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The letters at the quantity above, and at the one below."""
        above, below = (
            tuple(e for e in entries if isinstance(e, str))
            for entries in (self.of_entries, self.entries)
        )
        return above, below

    @property
    def letters(self) -> list[str]:
        every = (self.sample, *self.of_entries, *self.entries)
        return [e for e in every if isinstance(e, str)]


@dataclass(frozen=True, eq=False)
class Verdict:
    """What is said of one right side."""

    name: str
    reason: str = ""
    notes: frozenset[str] = NONE
    reading: ast.expr | None = None  # as it was read
    answer: Arrays | None = None  # the whole gradient, or local derivative, that it gives
    cases: Mapping[str, Arrays] = field(default_factory=dict)  # answers, if they are alternatives
    missing: str = ""  # with what it would be right
