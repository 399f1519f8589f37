r"""How a name may be meant: ``z^3``, ``z_3``, ``z^{[3]}`` and ``z3`` are one, ``a_1^3`` may be two.

Nothing is known of the network here: `spellings` lists what a name may say, most likely first.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..notation.symbols import ACCENTS
from . import tree as t
from .tokens import OPENING


@dataclass(frozen=True)
class Key:
    """A name without its indices: y_hat3 has the base y, the accent hat and the layer 3."""

    base: str
    accent: str = ""
    word: str = ""
    layer: int | t.Letter | None = None


@dataclass(frozen=True)
class Spelling:
    """One way in which a name may be meant."""

    key: Key
    entries: tuple[int | t.Letter, ...] = ()  # the indices of an entry, in their order
    sample: t.Letter | None = None  # of x^{(i)}
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


@functools.lru_cache(1000)  # a document has few names, and uses them again and again
def spellings(name: t.Name) -> tuple[Spelling, ...]:
    """List what a name may say: a layer above, a layer below, or none.

    A number above is a layer or a power; one below, a layer or the index of an entry. A letter is
    a layer where it stands above, and either below. What has two layers is not listed.

    Examples
    --------
    >>> [s.key.layer for s in spellings(t.Name("z", above=(3,)))]
    [3, None]
    """
    above, sample = [], None
    for mark in name.above:
        inside = mark.inside if isinstance(mark, t.Bracketed) else (mark,)
        is_sample = isinstance(mark, t.Bracketed) and mark.bracket == "(" and len(name.above) > 1
        if is_sample and len(inside) == 1 and isinstance(inside[0], t.Letter):
            sample = inside[0]
        elif len(inside) == 1:
            above.append(mark)
        else:
            return ()
    word = "_".join(m.text for m in (*above, *name.below) if isinstance(m, t.Word))
    above = [mark for mark in above if not isinstance(mark, t.Word)]
    below = [mark for mark in name.below if isinstance(mark, int | t.Letter)]

    def spelling(
        layer: int | t.Letter | None, entries: list[int | t.Letter], power: int
    ) -> Spelling:
        key = Key(name.base, name.accent, word, layer)
        return Spelling(key, tuple(entries), sample, power, name.transposed)

    found = [spelling(*choice) for choice in choices(above, below)]
    match above:
        case [t.Bracketed("(", (t.Letter() as letter,))]:  # x^{(i)}, of sample i
            every = (spelling(*choice) for choice in choices((), below))
            found += [replace(one, sample=letter) for one in every]
    return tuple(found)


def choices(
    above: Sequence[t.Script], below: list[int | t.Letter]
) -> Iterator[tuple[int | t.Letter | None, list[int | t.Letter], int]]:
    # a layer, the indices of an entry, and a power
    upper = [mark for mark in above if isinstance(mark, t.Letter)]
    if len(upper) == len(above) == 2 and not below:
        yield None, [*upper], 1  # S^{ij}
    layers = [mark for mark in above if isinstance(mark, t.Letter | t.Bracketed)]
    numbers = [mark for mark in above if isinstance(mark, int)]
    if len(layers) > 1 or len(numbers) > 1:
        return
    power = numbers[0] if numbers else 1
    if layers:
        mark = layers[0]
        yield (mark.inside[0] if isinstance(mark, t.Bracketed) else mark), below, power
        if isinstance(mark, t.Bracketed) and mark.bracket == "[" and not below:
            yield None, list(mark.inside), power  # y[j] is an entry, where y has no layer
        return
    if numbers:
        yield numbers[0], below, 1
    if below:
        yield below[0], below[1:], power
    if len(below) > 1:
        yield below[-1], below[:-1], power
    yield None, below, power


#: How code spells Greek letters, besides by their names: \lambda is lam.
GREEK_IN_CODE = {
    "alph": "alpha", "gam": "gamma", "eps": "epsilon", "varepsilon": "epsilon", "thet": "theta",
    "lam": "lambda", "lamb": "lambda", "lambd": "lambda", "lmbda": "lambda", "lmbd": "lambda",
    "lamda": "lambda", "sig": "sigma", "varphi": "phi", "omeg": "omega",
}  # fmt: skip
#: What code calls a number whose letter is a habit.
BY_HABIT = {"reg": "lambda", "decay": "lambda", "weight_decay": "lambda", "l2": "lambda"}


def greek(key: Key) -> Key:
    """Return a name with the name of its Greek letter."""
    base = GREEK_IN_CODE.get(key.base.lower(), key.base)
    return replace(key, base=base)


def key_text(key: Key) -> str:
    layer = "" if key.layer is None else str(key.layer)
    return "_".join(filter(None, [key.base + layer, key.word, key.accent]))


def said(name: t.Name) -> str:
    """Write a name for a message, in the notation of plain text."""

    def one(script: object) -> str:
        match script:
            case t.Letter(letter, offset):
                return letter + (f"{offset:+d}" if offset else "")
            case t.Bracketed(bracket, inside):
                return bracket + "".join(map(one, inside)) + OPENING[bracket]
        return str(getattr(script, "text", script))

    above = "".join(map(one, name.above)) + "T" * name.transposed
    below = "".join(map(one, name.below))
    text = f"{name.base}_{name.accent}" if name.accent else name.base
    return text + (f"_{below}" if below else "") + (f"^{above}" if above else "")
