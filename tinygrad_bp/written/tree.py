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
    """A letter in a script: i, l, L; with an offset, as in l+1."""

    name: str
    offset: int = 0


@dataclass(frozen=True)
class Word:
    """A word in a script, as in y_pred."""

    text: str


@dataclass(frozen=True)
class Bracketed:
    """What stands in brackets in a script: z^{[2]}, x^{(i)}, and W[2] in plain text."""

    bracket: str  # "(" or "["
    inside: tuple[int | Letter, ...]


Script: TypeAlias = int | Letter | Word | Bracketed


@dataclass(frozen=True)
class Name:
    """A name with its marks. Greek letters are spelled out: delta, theta, ell."""

    base: str
    accent: str = ""  # hat, bar, tilde, dot
    above: tuple[Script, ...] = ()
    below: tuple[Script, ...] = ()
    transposed: bool = False  # kept apart, as T may stand anywhere among what is above: A^{[1]T}


# ---- formulas ----


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Filled:
    r"""An array of one number, 1 or 0, with its shape below, or none: \mathbf{1}_{2 \times 3}."""

    entry: str  # "1", "0"
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Sum:
    """a + b - c: each term with its sign. One term with -1 is a negation."""

    terms: tuple[tuple[int, Tree], ...]


@dataclass(frozen=True)
class Product:
    """Factors in their order, and the operator before each but the first."""

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
class Transposed:
    """A transpose of what is no name; a name has a mark of its own."""

    of: Tree


@dataclass(frozen=True)
class Entry:
    """An index at what is no name: (W a)_i."""

    of: Tree
    below: tuple[Script, ...]


@dataclass(frozen=True)
class Norm:
    """‖a‖, or |a|. Its square is a Power of it."""

    of: Tree
    axes: str = ""  # "0", "0,1"; none where it is the norm of all entries


@dataclass(frozen=True)
class Call:
    """A function of arguments: sigma'(z), np.sum(d, axis=1), e^x as exp."""

    function: str  # in lower case where the function is known by a word: exp, log, softmax, diag
    arguments: tuple[Tree, ...]
    primes: int = 0
    above: tuple[Script, ...] = ()  # of the function: g^{[1]}'(z)
    below: tuple[Script, ...] = ()
    keywords: tuple[tuple[str, str], ...] = ()  # axis=1


@dataclass(frozen=True)
class Derivative:
    """∂a/∂z, da/dz, ∇_z L."""

    of: Tree
    by: Tree


@dataclass(frozen=True)
class Differential:
    """dZ, alone: in homework, the gradient by Z."""

    of: Tree


@dataclass(frozen=True)
class Range:
    """What a letter of a sum goes over. What is None is not written."""

    letter: str
    first: int | None = None
    last: int | Letter | None = None
    unequal: str | None = None  # k in "i ≠ k"


@dataclass(frozen=True)
class Summation:
    """Σ over letters, or over axes; with neither, it is not written what it goes over."""

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
        sides = (self.left, self.right)
        if self.relation in "=≠" and all(s == Name(s.base) for s in sides if isinstance(s, Name)):
            found = [s.base for s in sides if isinstance(s, Name) and len(s.base) == 1]
            return (found[0], found[1]) if len(found) == 2 else None
        return None


@dataclass(frozen=True)
class Listed:
    """A list in brackets; a matrix is a list of its rows."""

    items: tuple[Tree, ...]


#: Comparisons that all hold; none for "otherwise".
Condition: TypeAlias = tuple[Comparison, ...]


@dataclass(frozen=True)
class Cases:
    rows: tuple[tuple[Tree, Condition], ...]


@dataclass(frozen=True)
class Indicator:
    """1 where a condition holds, else 0: [z > 0], 1_{i=j}."""

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
    yield node
    for part in parts(node):
        yield from walk(part)


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
    return [node for node in walk(tree) if isinstance(node, Name)]


def sums_in(tree: object) -> list[Summation]:
    return [node for node in walk(tree) if isinstance(node, Summation)]


class NotReadError(Exception):
    """Something is outside what is read; the message is the reason, a clause without full stop."""


# ---- lines ----


@dataclass(frozen=True)
class Refusal:
    """In place of a tree, why there is none."""

    reason: str


@dataclass(frozen=True)
class Side:
    """One side of an equation: as it is written, and as it is read."""

    text: str
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
