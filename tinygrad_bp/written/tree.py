"""What a written formula looks like, before anything is known of its meaning: the surface tree.

`parse` makes trees, and nothing in them is interpreted. In ``z^3`` the 3 stands above the name;
that it is a layer, and not a power, is found where the network is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeAlias

# ---- names, and what stands at them ----


@dataclass(frozen=True)
class Letter:
    name: str
    offset: int = 0  # of l+1


@dataclass(frozen=True)
class Word:  # in a script, as in y_pred
    text: str


@dataclass(frozen=True)
class Bracketed:  # in a script: z^{[2]}, x^{(i)}, and W[2] in plain text
    bracket: str  # "(" or "["
    inside: tuple[int | Letter, ...]


Script: TypeAlias = int | Letter | Word | Bracketed


@dataclass(frozen=True)
class Name:
    base: str  # Greek letters are spelled out: delta, theta, ell
    accent: str = ""  # hat, bar, tilde, dot
    above: tuple[Script, ...] = ()
    below: tuple[Script, ...] = ()
    transposed: bool = False  # kept apart, as T may stand anywhere among what is above: A^{[1]T}


# ---- formulas ----


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Filled:  # an array of one number, as \mathbf{1}_{2 \times 3}
    entry: str  # "1", "0"
    shape: tuple[int, ...]  # () if it is not written


@dataclass(frozen=True)
class Sum:
    terms: tuple[tuple[int, Tree], ...]  # each with its sign; one with -1 is a negation


@dataclass(frozen=True)
class Product:
    factors: tuple[Tree, ...]
    operators: tuple[str, ...]  # "" where factors stand side by side, else · × * ⊙ ∘ @ ⊗ •


@dataclass(frozen=True)
class Fraction:
    above: Tree
    below: Tree


@dataclass(frozen=True)
class Power:
    base: Tree
    exponent: Tree
    entrywise: bool = False  # a^{\odot 2}


@dataclass(frozen=True)
class Transposed:  # of what is no name; a name has a mark of its own
    of: Tree


@dataclass(frozen=True)
class Entry:  # of what is no name: (W a)_i
    of: Tree
    below: tuple[Script, ...]


@dataclass(frozen=True)
class Norm:
    of: Tree
    axes: str = ""  # "0", "0,1"; none where it is the norm of all entries


@dataclass(frozen=True)
class Call:
    function: str  # in lower case where it is known by a word: exp, log, softmax, diag
    arguments: tuple[Tree, ...]
    primes: int = 0
    above: tuple[Script, ...] = ()  # of the function: g^{[1]}'(z)
    below: tuple[Script, ...] = ()
    keywords: tuple[tuple[str, str], ...] = ()  # axis=1


@dataclass(frozen=True)
class Derivative:  # ∂a/∂z, da/dz, ∇_z L
    of: Tree
    by: Tree


@dataclass(frozen=True)
class Differential:  # dZ, alone: in homework, the gradient by Z
    of: Tree


@dataclass(frozen=True)
class Range:  # of a letter; what is None is not written
    letter: str
    first: int | None = None
    last: int | Letter | None = None
    unequal: str | None = None  # k in "i ≠ k"


@dataclass(frozen=True)
class Summation:  # with neither, it is not written what it goes over
    of: Tree
    ranges: tuple[Range, ...] = ()
    axes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Comparison:
    left: Tree
    relation: str  # = ≠ < > ≤ ≥
    right: Tree

    @property
    def letters(self) -> tuple[str, str] | None:
        """The letters of i = j or i ≠ j; None for any other comparison."""
        if self.relation not in "=≠":
            return None
        match self.left, self.right:
            case Name(i) as left, Name(j) as right if len(i) == len(j) == 1:
                return (i, j) if (left, right) == (Name(i), Name(j)) else None
        return None


@dataclass(frozen=True)
class Listed:
    items: tuple[Tree, ...]  # a matrix is a list of its rows


#: Comparisons that all hold; none for "otherwise".
Condition: TypeAlias = tuple[Comparison, ...]


@dataclass(frozen=True)
class Cases:
    rows: tuple[tuple[Tree, Condition], ...]


@dataclass(frozen=True)
class Indicator:  # 1 where a condition holds, else 0: [z > 0], 1_{i=j}
    condition: Condition


Tree: TypeAlias = (
    Number | Filled | Name | Sum | Product | Fraction | Power | Transposed | Entry | Norm | Call
    | Derivative | Differential | Summation | Cases | Indicator | Listed
)  # fmt: skip


# ---- what holds for all ----


def parts(node: object) -> Iterator[object]:
    """Yield what a tree, or any part of one, is made of; texts and numbers are made of nothing."""
    inner = node if isinstance(node, tuple) else getattr(node, "__dict__", {}).values()
    return (part for part in inner if not isinstance(part, str | int | float))


def walk(node: object) -> Iterator[object]:
    """Yield a tree and every part of it, in the order in which it is written."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed([*parts(node)])


def rewritten(node: Any, change: Callable[[Any], Any]) -> Any:
    """Return a tree whose parts are changed; what is changed, is not looked into."""
    changed = change(node)
    if changed is not node or not (isinstance(node, tuple) or is_dataclass(node)):
        return changed
    if isinstance(node, tuple):
        return tuple(rewritten(part, change) for part in node)
    kind: Any = type(node)
    return kind(**{f.name: rewritten(getattr(node, f.name), change) for f in fields(node)})


def names_in(tree: object) -> list[Name]:
    """Return each name once, as looking up what it may stand for takes long."""
    return [*dict.fromkeys(node for node in walk(tree) if isinstance(node, Name))]


def sums_in(tree: object) -> list[Summation]:
    return [node for node in walk(tree) if isinstance(node, Summation)]


class NotReadError(Exception):
    """Something is outside what is read; the message is the reason, a clause without full stop."""


# ---- lines ----


@dataclass(frozen=True)
class Refusal:  # in place of a tree
    reason: str


@dataclass(frozen=True)
class Side:
    text: str  # as it is written
    tree: Tree | Refusal
    relation: str = ""  # before a right side: = := ≡ ≈ ← ≠ < > ≤ ≥ ∈ ∝ += -=


@dataclass(frozen=True)
class Place:
    line: int  # of the document, or of the cell of a notebook; from 1
    cell: int | None = None  # of a notebook; from 1


@dataclass(frozen=True)
class WrittenLine:
    """A chain ``left = right = ...``, as it stands in a document."""

    left: Side
    rights: tuple[Side, ...]
    condition: Condition | None  # beside it: "for i = j"
    scope: Condition | None  # in the prose before it: "if i ≠ j,"; holds until another, or cases
    where: Place
    text: str
    latex: bool  # else plain text
    continues: bool = False  # a row "= ...", with the left side of the line before it
