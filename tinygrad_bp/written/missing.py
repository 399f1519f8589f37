"""What a line lacks: the transposes, or the order of its factors, with which it would be right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from ..notation.numbers import listed
from . import tree as t
from .chains import Chains
from .values import DoesNotFitError, NotReadError, Value

#: Transposes are tried at this many names of a line, and at most at two of them at once.
MOST_NAMES, MOST_AT_ONCE = 8, 2


def find_missing(meaning: Chains, tree: t.Tree, truth: Value) -> str:
    """Return with what a line would be right, as a clause; nothing if with none of it."""
    orders = [(tree, "")]
    if isinstance(tree, t.Product):
        turned = t.Product(tree.factors[::-1], tree.operators[::-1])
        orders.append((turned, "the factors in the opposite order"))
    leaves = list(leaves_of(tree))[:MOST_NAMES]
    for n in range(MOST_AT_ONCE + 1):
        for flipped in combinations(leaves, n):
            for order, said in orders if n else orders[1:]:
                if is_right(meaning, transpose(order, flipped), truth):
                    names = [meaning.shown.printed(meaning.readings(x)[0].tree) for x in flipped]
                    parts = [f"{listed(dict.fromkeys(names))} transposed"] if names else []
                    parts += [said] if said else []
                    return f"it would be right with {' and '.join(parts)}"
    return ""


def is_right(meaning: Chains, tree: t.Tree, truth: Value) -> bool:
    try:
        return any(reading.value.equals(truth) for reading in meaning.readings(tree))
    except (NotReadError, DoesNotFitError):
        return False


def leaves_of(tree: object) -> Iterator[t.Tree]:
    """Yield what may be transposed: names and gradients, but not what stands in them."""
    if isinstance(tree, t.Name | t.Derivative | t.Differential):
        yield tree
        return
    for part in t.parts(tree):
        yield from leaves_of(part)


def transpose(tree: t.Tree, leaves: Sequence[t.Tree]) -> Any:
    """Return a tree with these leaves, known by identity, transposed."""

    def turned(node: Any) -> Any:
        return t.Transposed(node) if any(node is leaf for leaf in leaves) else node

    return t.rewritten(tree, turned)
