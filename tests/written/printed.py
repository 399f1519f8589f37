"""A surface tree on one line of plain text: what was read, and not what was written."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

from tinygrad_bp.notation.numbers import number
from tinygrad_bp.notation.symbols import ACCENTS, GREEK
from tinygrad_bp.written.tree import (
    Bracketed,
    Call,
    Cases,
    Condition,
    Derivative,
    Differential,
    Entry,
    Filled,
    Fraction,
    Indicator,
    Letter,
    Listed,
    Name,
    Norm,
    Number,
    Power,
    Product,
    Range,
    Script,
    Sum,
    Summation,
    Transposed,
    Tree,
)

#: How tightly a text holds together.
LOOSE, PRODUCT, TIGHT = 0, 1, 2


def in_text(tree: Tree, name: Callable[[Name], str] | None = None) -> str:
    """Print a tree; a name as it is spelled, or as ``name`` says.

    Examples
    --------
    >>> in_text(Product((Number(2.0), Sum(((1, Name("y")), (-1, Name("y", "hat"))))), ("",)))
    '2 (y − ŷ)'
    """
    return unicodedata.normalize("NFC", Printer(name or spelled).written(tree)[0])


def spelled(name: Name) -> str:
    text = GREEK.get(name.base, "ℓ" if name.base == "ell" else name.base)
    text += ACCENTS.get(name.accent, f"_{name.accent}" if name.accent else "")
    if name.below:
        text += "_" + scripts(name.below)
    if name.above:
        text += "^" + scripts(name.above)
    return text + "ᵀ" * name.transposed


def scripts(marks: Sequence[Script]) -> str:
    written = [script(mark) for mark in marks]
    if len(written) == 1:
        (mark,) = marks
        return f"{{{written[0]}}}" if isinstance(mark, Letter) and mark.offset else written[0]
    return f"({','.join(written)})"


def script(mark: Script) -> str:
    match mark:
        case int():
            return str(mark)
        case Letter(name, offset):
            return GREEK.get(name, name).replace("ell", "ℓ") + (f"{offset:+d}" if offset else "")
        case Bracketed(bracket, inside):
            closing = {"(": ")", "[": "]", "<": ">"}[bracket]
            return bracket + ",".join(script(part) for part in inside) + closing
    return mark.text


class Printer:
    def __init__(self, name: Callable[[Name], str]) -> None:
        self.name = name

    def at(self, level: int, tree: Tree) -> str:
        text, own = self.written(tree)
        return text if own >= level else f"({text})"

    def written(self, tree: Tree) -> tuple[str, int]:
        match tree:
            case Number(value):
                return number(value, 12), TIGHT
            case Filled(entry, shape):
                return f"{entry}[{'×'.join(map(str, shape))}]", TIGHT
            case Name():
                return self.name(tree), TIGHT
            case Sum(terms):
                signs = [" − " if sign < 0 else " + " for sign, _ in terms]
                signs[0] = signs[0].strip(" +")
                texts = [self.at(PRODUCT, term) for _, term in terms]
                return "".join(a + b for a, b in zip(signs, texts, strict=True)), LOOSE
            case Product(factors, operators):
                text = self.at(TIGHT, factors[0])
                for sign, factor in zip(operators, factors[1:], strict=True):
                    text += f" {sign} ".replace("  ", " ") + self.at(TIGHT, factor)
                return text, PRODUCT
            case Fraction(above, below):
                return f"{self.at(TIGHT, above)} / {self.at(TIGHT, below)}", PRODUCT
            case Summation(of, ranges, axes):
                over = [f"axis {axis}" for axis in axes] + [written_range(r) for r in ranges]
                return f"Σ[{', '.join(over)}] {self.at(PRODUCT, of)}".replace("[] ", " "), PRODUCT
            case Derivative(of, by):
                return f"∂{self.at(TIGHT, of)}/∂{self.at(TIGHT, by)}", TIGHT
            case Cases(rows):
                texts = [f"{self.at(LOOSE, value)} {self.condition(c)}" for value, c in rows]
                return "{" + "; ".join(texts) + "}", TIGHT
        return self.around(tree), TIGHT

    def around(self, tree: Tree) -> str:
        match tree:
            case Power(base, exponent, entrywise):
                return f"{self.at(TIGHT, base)}^{'⊙' * entrywise}{self.at(TIGHT, exponent)}"
            case Transposed(of):
                return f"{self.at(TIGHT, of)}ᵀ"
            case Entry(of, below):
                return f"{self.at(TIGHT, of)}_{scripts(below)}"
            case Norm(of, axes):
                return f"‖{self.at(LOOSE, of)}‖" + (f"[axis {axes}]" if axes else "")
            case Differential(of):
                return f"d{self.at(TIGHT, of)}"
            case Indicator(condition):
                return f"[{self.condition(condition)[3:]}]"
            case Listed(items):
                return f"[{', '.join(self.at(LOOSE, item) for item in items)}]"
            case Call(function, arguments, primes, above, below, keywords):
                head = self.name(Name(function, above=above, below=below)) + "'" * primes
                given = [self.at(LOOSE, a) for a in arguments]
                return f"{head}({', '.join([*given, *(f'{k}={v}' for k, v in keywords)])})"
        raise TypeError(f"{tree} is no tree")

    def condition(self, condition: Condition) -> str:
        sides = [(self.at(LOOSE, c.left), c.relation, self.at(LOOSE, c.right)) for c in condition]
        return "if " + " and ".join(map(" ".join, sides)) if sides else "otherwise"


def written_range(over: Range) -> str:
    if over.unequal is not None:
        return f"{over.letter} ≠ {over.unequal}"
    if over.first is None:
        return over.letter
    last = "" if over.last is None else f"..{script(over.last)}"
    return f"{over.letter}={over.first}{last}"
