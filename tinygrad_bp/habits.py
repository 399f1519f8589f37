"""What to write for a name that people know from elsewhere, looked up in the table of habits.

This serves Tensors, their arrays, the package and its modules for training.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .habits_table import AS_LAYER, FAMILIES, ROWS


def by_name(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: what.replace("{}", name) for names, what in rows for name in names.split()}


#: Each name, and what to write.
INSTEAD = by_name(ROWS)


def folded(name: str) -> str:
    """Return a name without what is mistaken most often: its case and its underscores."""
    return name.lower().replace("_", "")


@functools.cache
def instead_folded() -> dict[str, str]:
    """Return what to write, by the name as it is often mistaken."""
    return {folded(name): what for name, what in INSTEAD.items()}


def missing(
    place: str, name: str, known: Iterable[str] = (), operations: Mapping[str, Any] | None = None
) -> AttributeError:
    """Return the error for a name that a place lacks: what to write, or a name that is close.

    A place is as "a Tensor", ``known`` the names that it has, and ``operations`` the table of those
    that are functions of the package.

    >>> print(missing("a Tensor", "view"))
    a Tensor has no 'view'. Write t.reshape(2, 3).
    >>> print(missing("bp.optim", "Adan", known=["Adam", "SGD"]))
    bp.optim has no 'Adan'. Did you mean 'Adam'?
    """
    text = f"{place} has no {name!r}."
    if not name.startswith("_"):
        public = [n for n in known if not n.startswith("_")]
        text = f"{text} {advice(name, public, operations or {})}".rstrip()
    return AttributeError(text, name=name)


def advice(name: str, known: list[str], operations: Mapping[str, Any]) -> str:
    if name in INSTEAD:
        return INSTEAD[name]
    stem = name.removesuffix("_")
    computes = stem in INSTEAD or stem in operations or of_numpy(stem) or hasattr(np.ndarray, stem)
    if stem != name and (computes or (operations and stem in known and stem.islower())):
        return "A recorded value never changes. Write t = ..., and for a leaf w.data = ..."
    if of_linalg(name):
        return f"Write np.linalg.{name}(...): it records, or says what to write instead."
    if name in operations:
        operands = getattr(operations[name], "operand_names", ()) or ("t", "...")
        return f"Write bp.{name}({', '.join(operands)})."
    if folded(name) in map(folded, known):
        return close_to(name, known)
    if name.lower() in INSTEAD:  # a layer, of a function
        return f"{INSTEAD[name.lower()]} {AS_LAYER.replace('it', 'a function')}"
    if folded(name) in instead_folded():
        return instead_folded()[folded(name)]
    for pattern, what in FAMILIES:
        if re.fullmatch(pattern, folded(name)):
            return what
    if of_numpy(name):
        return (
            f"If no gradient is needed, write np.{name}(t.data); to add an operation, see "
            "bp.primitive."
        )
    if hasattr(np.ndarray, name):
        return f"Ask the array for it: write t.data.{name}."
    return close_to(name, known)


def of_linalg(name: str) -> bool:
    return callable(getattr(np.linalg, name, None)) and not hasattr(np, name)


def close_to(name: str, known: Iterable[str]) -> str:
    """Suggest a public name that this one is a typo of: a wrong suggestion is worse than none."""
    from difflib import SequenceMatcher

    public = [n for n in known if n[0] != "_"]
    alike = [n for n in public if folded(n) == folded(name)]
    alike = alike or [n for n in public if is_slip(folded(name), folded(n))]
    best = max(alike, key=lambda n: SequenceMatcher(a=n, b=name).ratio(), default="")
    return f"Did you mean {best!r}?" if best else ""


def is_slip(typed: str, meant: str) -> bool:
    """Whether one letter is wrong: left out, added, another one, or exchanged with the next.

    >>> is_slip("relv", "relu"), is_slip("rehsape", "reshape"), is_slip("myloss", "mseloss")
    (True, True, False)
    """
    if min(len(typed), len(meant)) < 4:  # many short words are a letter apart, as cos and cosh
        return False
    while typed and meant and typed[0] == meant[0]:
        typed, meant = typed[1:], meant[1:]
    one = typed[1:] == meant or typed == meant[1:] or typed[1:] == meant[1:]
    exchanged = typed[:2] == meant[1::-1] and typed[2:] == meant[2:]
    return one or exchanged or (not typed and len(meant) == 2)  # or the end is left out


def names() -> list[str]:
    """Return the names that there is something to say about, and those of their in-place forms."""
    known = [name for name in INSTEAD if name[-1] != "="]
    arrays = [name for name in dir(np.ndarray) if name[0] != "_"]
    return [*known, *(f"{name}_" for name in known), *arrays, *filter(of_linalg, dir(np.linalg))]


def of_numpy(name: str) -> bool:
    found = vars(np).get(name)
    return name[0] != "_" and callable(found) and not isinstance(found, type)
