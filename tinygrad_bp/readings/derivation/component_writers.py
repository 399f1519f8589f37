r"""Components in LaTeX and in plain text: entries with letters, sums over letters, cases.

In code an index counts from 0, and on paper from 1: ``a[2 * j]`` is written a_{2j-1}.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import ClassVar, TypeGuard

from ...notation.latex import LatexWriter, environment
from ...notation.text import TextWriter
from ...notation.writer import COMPARISONS, Level, Piece, Writer, is_where
from .indices import Indices, linear
from .simplify import number
from .sums import conjuncts

#: What the functions over a letter are, and the entry that changes nothing.
SIGNS = {"sum": ("Σ", r"\sum", 0.0), "product": ("Π", r"\prod", 1.0),
         "largest": ("max", r"\max", None), "smallest": ("min", r"\min", None)}  # fmt: skip


class Component(Writer):
    """What both printers of components share.

    Parameters
    ----------
    symbols, scalars
        As `Writer` has them.
    indices
        What is known of the letters.
    shape_of
        Gives the shape of an expression: an axis of length 1 has no letter.
    """

    minus_sign: ClassVar[str]

    def __init__(
        self,
        symbols: Mapping[str, str],
        scalars: Collection[str],
        indices: Indices,
        shape_of: Callable[[ast.expr], tuple[int, ...]],
    ) -> None:
        super().__init__(symbols, scalars)
        self.indices, self.shape_of = indices, shape_of

    # ---- what differs ----

    def array(self, node: ast.expr) -> Piece:
        """Write an expression of whole arrays."""
        raise NotImplementedError

    def entry(self, symbol: str, index: Sequence[str]) -> str:
        """Write an entry of an array, or of a gradient."""
        raise NotImplementedError

    def mapped(self, symbol: str, index: Sequence[str]) -> str:
        """Write an index that a map gives."""
        raise NotImplementedError

    def rounded(self, text: str, n: int, up: bool) -> str:
        """Write a quotient of integers, rounded up or down."""
        raise NotImplementedError

    def remainder(self, text: str, n: int) -> str:
        """Write a remainder."""
        raise NotImplementedError

    def over(self, name: str, letter: str, length: int, where: str, body: Piece) -> Piece:
        """Write a sum over a letter, or a product, or the largest."""
        raise NotImplementedError

    def chain(self, parts: list[str], signs: list[str]) -> str:
        """Write comparisons of indices."""
        raise NotImplementedError

    # ---- what is shared ----

    def index(self, index: ast.expr, start: int = 1) -> str:
        """Write an index, counted from 1, or from 0."""
        sum_ = linear(index)
        constant = sum_.number + start
        terms = []
        for text, factor in sum_.factors.items():
            match part := sum_.parts[text]:
                case ast.BinOp(left, ast.FloorDiv(), ast.Constant(int(n))):
                    up = factor == 1 and constant >= 1
                    symbol = self.rounded(self.index(left, int(up)), n, up)
                    constant -= up
                case ast.BinOp(left, ast.Mod(), ast.Constant(int(n))):
                    symbol = self.remainder(self.index(left, 0), n)
                case ast.Subscript(ast.Name(name), ast.Tuple(inner)):
                    symbol = self.mapped(self.symbols[name], [self.index(i) for i in inner])
                    constant -= factor
                case _:
                    symbol = text
                    constant -= factor
                    assert isinstance(part, ast.Name)
            terms.append((factor, symbol))
        terms.sort(key=lambda term: term[0] < 0)
        result = ""
        if terms and terms[0][0] < 0 and constant > 0:  # 4 - j, not -j + 4
            result, constant = str(constant), 0
        for factor, symbol in terms:
            many = (
                ""
                if abs(factor) == 1
                else f"{abs(factor)} "
                if len(symbol) > 1
                else f"{abs(factor)}"
            )
            if " mod " in symbol or r"\bmod" in symbol:
                symbol = f"({symbol})" if len(terms) > 1 or many or constant else symbol
            sign = ("+" if result else "") if factor > 0 else self.minus_sign
            result += f"{sign}{many}{symbol}"
        if constant or not result:
            sign = ("+" if result else "") if constant >= 0 else self.minus_sign
            result += f"{sign}{abs(constant)}"
        return result

    def write_Subscript(self, node: ast.Subscript) -> Piece:
        """Write one entry: an axis of length 1 has no letter."""
        assert isinstance(node.slice, ast.Tuple)
        shape = self.shape_of(node.value)
        index = [self.index(i) for i, n in zip(node.slice.elts, shape, strict=True) if n != 1]
        if isinstance(node.value, ast.Name):
            whole = super().write_Name(node.value)
            return Piece(self.entry(whole.text, index), whole.level, scalar=True)
        text = self.within(self.array(node.value), Level.ATOM)
        return Piece(self.entry(text, index), scalar=True)

    def write_Name(self, node: ast.Name) -> Piece:
        """Write a letter, or a single number."""
        piece: Piece = super().write_Name(node)
        return Piece(piece.text, piece.level, scalar=True)

    def write_Compare(self, node: ast.Compare) -> Piece:
        """Write a condition."""
        if not self.indices.is_condition(node):
            piece: Piece = super().write_Compare(node)
            return piece
        sides = [self.index(side) for side in (node.left, *node.comparators)]
        return Piece(self.chain(sides, [COMPARISONS[type(node.ops[0])]]), Level.COMPARISON)

    def conditions(self, parts: Sequence[ast.expr]) -> str:
        """Write conditions that all hold: a lower and an upper bound as one."""
        texts: list[str] = []
        rest = list(parts)
        while rest:
            node = rest.pop(0)
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.LtE):
                middle = ast.unparse(node.comparators[0])
                upper = [
                    other for other in rest
                    if isinstance(other, ast.Compare) and isinstance(other.ops[0], ast.LtE)
                    and ast.unparse(other.left) == middle
                ]  # fmt: skip
                if upper and self.indices.is_condition(node):
                    rest.remove(upper[0])
                    ends = [node.left, node.comparators[0], upper[0].comparators[0]]
                    texts.append(self.chain([self.index(end) for end in ends], ["≤", "≤"]))
                    continue
            texts.append(self.within(self.write(node), Level.AND))
        return self.both(texts)

    def write_Call(self, node: ast.Call) -> Piece:
        """Write a sum, or another call, which is a number too."""
        first = node.args[0] if node.args else None
        if isinstance(first, ast.GeneratorExp):
            assert isinstance(node.func, ast.Name)
            loop = first.generators[0]
            assert isinstance(loop.target, ast.Name)
            assert isinstance(loop.iter, ast.Call)
            length = loop.iter.args[0]
            assert isinstance(length, ast.Constant)
            assert isinstance(length.value, int)
            name, letter, body, where = node.func.id, loop.target.id, first.elt, ""
            nothing = SIGNS[name][2]
            if is_where(body):  # with the terms of some letters left out
                condition, a, b = body.args
                parts = conjuncts(condition)
                if nothing is not None and number(b) == nothing:
                    where, body = self.below(letter, parts), a
                elif nothing is not None and number(a) == nothing and is_equation(condition):
                    unequal = ast.Compare(condition.left, [ast.NotEq()], condition.comparators)
                    where, body = self.below(letter, [unequal]), b
            return self.over(name, letter, length.value, where, self.write(body))
        piece: Piece = super().write_Call(node)
        return Piece(piece.text, piece.level, True, piece.kind, piece.minus)

    def below(self, letter: str, parts: Sequence[ast.expr]) -> str:
        """Write for which letters there is a term."""
        text = self.conditions(parts)
        (first, *others) = parts
        alone = not others and isinstance(first, ast.Compare) and first.left
        starts = isinstance(alone, ast.Name) and alone.id == letter
        return text if starts else f"{letter}: {text}"

    def choice(self, node: ast.Call) -> Piece:
        """Write the cases of a choice, with a condition for each."""
        cases, last = branches(node)
        rows = [(self.write(value).text, self.conditions(parts)) for parts, value in cases]
        piece: Piece = self.cases(rows, self.write(last))
        return Piece(piece.text, piece.level, scalar=True)


def branches(node: ast.expr) -> tuple[list[tuple[list[ast.expr], ast.expr]], ast.expr]:
    """Return the cases of a choice, as (conditions, value), and what is left.

    A choice within a case is taken apart too, where both leave 0.
    """
    cases: list[tuple[list[ast.expr], ast.expr]] = []
    while is_where(node):
        parts, value, node = conjuncts(node.args[0]), node.args[1], node.args[2]
        inner, rest = branches(value)
        if inner and number(node) == 0 == number(rest):
            cases += [([*parts, *further], value) for further, value in inner]
        else:
            cases.append((parts, value))
    return cases, node


def is_equation(condition: ast.expr) -> TypeGuard[ast.Compare]:
    """Say whether a condition is one equation."""
    return isinstance(condition, ast.Compare) and isinstance(condition.ops[0], ast.Eq)


def closed(text: str) -> str:
    """Put brackets around an index of several parts; one that is rounded has its own."""
    rounded = re.fullmatch(r"\\l(\w+) [^\\]*\\r\1|⌊[^⌊]*⌋|⌈[^⌈]*⌉", text)
    return text if len(text) == 1 or rounded else f"({text})"


def opposites(rows: Sequence[tuple[str, str]], unequal: str) -> bool:
    """Say whether there are two cases, i = j and i ≠ j: one holds where the other does not."""
    one_equation = len(rows) == 2 and rows[0][1].count(" = ") == 1
    first, second = (condition for _, condition in rows) if one_equation else ("", "")
    return (
        one_equation
        and re.fullmatch(r"[^ ]+ = [^ ]+", first) is not None
        and (second == first.replace("=", unequal))
    )


def indexed(symbol: str, index: Sequence[str]) -> str:
    r"""Return a symbol in LaTeX with an index below.

    Examples
    --------
    >>> print(indexed("z_3", "j"), indexed(r"\hat{y}", "j"), indexed("W_1", "jk"))
    z_{3,j} \hat{y}_{j} W_{1,jk}
    >>> print(indexed("a", ["j+1", "k"]))
    a_{j+1,k}
    """
    letters = ("" if all(len(i) == 1 for i in index) else ",").join(index)
    match = re.fullmatch(r"(.*[^_^])_(?:(\w)|\{([^{}]*)\})", symbol)
    if match is None or "[" in symbol:
        plain = "_" not in symbol and "^" not in symbol
        return f"{symbol if plain else '{' + symbol + '}'}_{{{letters}}}"
    return f"{match[1]}_{{{match[2] or match[3]},{letters}}}"


class LatexComponents(Component, LatexWriter):
    """Writes components in LaTeX."""

    times: ClassVar = {**LatexWriter.times, "elementwise": " "}
    minus_sign = "-"

    def array(self, node: ast.expr) -> Piece:
        """Write an expression of whole arrays."""
        return LatexWriter(self.symbols, self.scalars).write(node)

    def entry(self, symbol: str, index: Sequence[str]) -> str:
        """Write an entry: of a gradient, with the letters on what it is the derivative by."""
        if not index:
            return symbol
        fraction = re.fullmatch(r"(\\frac\{.*\}\{\\partial )(.*)\}", symbol)
        if fraction:
            return f"{fraction[1]}{indexed(fraction[2], index)}}}"
        return indexed(symbol, index)

    def mapped(self, symbol: str, index: Sequence[str]) -> str:
        """Write an index that a map gives."""
        return f"{symbol}({','.join(index)})"

    def rounded(self, text: str, n: int, up: bool) -> str:
        """Write a quotient of integers, rounded up or down."""
        kind = "ceil" if up else "floor"
        return rf"\l{kind} {closed(text)}/{n} \r{kind}"

    def remainder(self, text: str, n: int) -> str:
        """Write a remainder."""
        return rf"{closed(text)} \bmod {n}"

    def quotient(self, above: Piece, below: Piece) -> Piece:
        """Write a quotient: of a gradient, which is a fraction itself, with a factor before it."""
        if above.text.startswith(r"\frac{\partial") and r"\partial" not in below.text:
            text = rf"\frac{{1}}{{{below.text}}} {above.text}"
            return Piece(text, Level.PRODUCT, scalar=True)
        return LatexWriter.quotient(self, above, below)

    def both(self, parts: list[str]) -> str:
        """Write conditions that all hold."""
        return r" \text{ and } ".join(parts)

    def chain(self, parts: list[str], signs: list[str]) -> str:
        """Write comparisons of indices."""
        return LatexWriter.compared(self, parts, signs)

    def over(self, name: str, letter: str, length: int, where: str, body: Piece) -> Piece:
        """Write a sum over a letter, or a product, or the largest."""
        text = self.within(body, Level.REDUCTION)
        if name in ("largest", "smallest"):
            return Piece(rf"{SIGNS[name][1]}_{{{letter}}} {text}", Level.REDUCTION, scalar=True)
        limits = f"_{{{where}}}" if where else f"_{{{letter}=1}}^{{{length}}}"
        return Piece(rf"{SIGNS[name][1]}{limits} {text}", Level.REDUCTION, scalar=True)

    def cases(self, rows: list[tuple[str, str]], otherwise: Piece) -> Piece:
        """Write the cases; what is left is named only if it can be reached."""
        lines = [
            rf"{value} & \text{{if }} {condition}".replace(r"\frac{\partial", r"\dfrac{\partial")
            for value, condition in rows
        ]
        if not opposites(rows, r"\neq"):
            lines.append(rf"{otherwise.text} & \text{{otherwise}}")
        return Piece(environment("cases", lines), Level.CHOICE, scalar=True)


class TextComponents(Component, TextWriter):
    """Writes components as plain text."""

    times: ClassVar = {**TextWriter.times, "elementwise": " "}
    minus_sign = "−"

    def array(self, node: ast.expr) -> Piece:
        """Write an expression of whole arrays."""
        return TextWriter(self.symbols, self.scalars).write(node)

    def entry(self, symbol: str, index: Sequence[str]) -> str:
        """Write an entry."""
        return f"{symbol}[{','.join(index)}]" if index else symbol

    def mapped(self, symbol: str, index: Sequence[str]) -> str:
        """Write an index that a map gives."""
        return f"{symbol}({','.join(index)})"

    def rounded(self, text: str, n: int, up: bool) -> str:
        """Write a quotient of integers, rounded up or down."""
        inner = f"{closed(text)}/{n}"
        return f"⌈{inner}⌉" if up else f"⌊{inner}⌋"

    def remainder(self, text: str, n: int) -> str:
        """Write a remainder."""
        return f"{closed(text)} mod {n}"

    def chain(self, parts: list[str], signs: list[str]) -> str:
        """Write comparisons of indices."""
        return TextWriter.compared(self, parts, signs)

    def over(self, name: str, letter: str, length: int, where: str, body: Piece) -> Piece:
        """Write a sum over a letter, or a product, or the largest."""
        text = self.within(body, Level.REDUCTION)
        limits = where or f"{letter}=1..{length}"
        return Piece(f"{SIGNS[name][0]}[{limits}] {text}", Level.REDUCTION, scalar=True)

    def cases(self, rows: list[tuple[str, str]], otherwise: Piece) -> Piece:
        """Write the cases; what is left is named only if it can be reached."""
        lines = [f"{value} if {condition}" for value, condition in rows]
        if not opposites(rows, "≠"):
            lines.append(f"{otherwise.text} otherwise")
        return Piece("{" + "; ".join(lines) + "}", scalar=True)
