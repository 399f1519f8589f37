r"""How a name may be meant: ``z^3``, ``z_3``, ``z^{[3]}`` and ``z3`` are one, ``a_1^3`` may be two.

Nothing is known of the network here: `spellings` lists what a name may say, most likely first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .tree import Letter, Name

ACCENTS = ("hat", "bar", "tilde", "dot")


@dataclass(frozen=True)
class Key:
    """A name without its indices: y_hat3 has the base y, the accent hat and the layer 3."""

    base: str
    accent: str = ""
    word: str = ""
    layer: int | Letter | None = None


@dataclass(frozen=True)
class Spelling:
    """One way in which a name may be meant."""

    key: Key
    entries: tuple[int | Letter, ...] = ()  # the indices of an entry, in their order
    sample: Letter | None = None  # of x^{(i)}
    power: int = 1
    transposed: bool = False


def key_of(name: str) -> Key:
    """Take a name of the network apart."""
    match = re.fullmatch(r"([A-Za-z]+?)(\d*)((?:_[A-Za-z]+)*)_?(\d*)", name)
    if match is None:
        return Key(name)
    base, digits, words, further = match.groups()
    parts = [part for part in words.split("_") if part]
    accents = [part for part in parts if part in ACCENTS]
    layer = digits or further
    word = "_".join(part for part in parts if part not in ACCENTS)
    return Key(base, accents[0] if accents else "", word, int(layer) if layer else None)


def spellings(name: Name) -> list[Spelling]:
    raise NotImplementedError
