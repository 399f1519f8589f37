r"""Components in LaTeX and in plain text: entries with letters, sums over letters, cases.

In code an index counts from 0, and on paper from 1: ``a[2 * j]`` is written a_{2j-1}.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from ...notation.latex import LatexWriter, environment
from ...notation.text import TextWriter
from ...notation.writer import COMPARISONS, Level, Piece, Writer
from .components import conjuncts, letter_of
from .indices import Letters, linear, part_of
from .lines import Lines
from .tidy import is_where, number

#: What reductions over a letter are written as, in text and in LaTeX.
SIGNS = {"_sum": ("Σ", r"\sum"), "_prod": ("Π", r"\prod")}


class Component(Writer):
    """What both writers of components share.

    Parameters
    ----------
    symbols
        As `Writer` has them.
    lines
        What the names stand for: an axis of length 1 has no letter.
    letters
        What is known of the letters.
    """

    minus_sign: ClassVar[str]
    unequal: ClassVar[str]

    def __init__(self, symbols: Mapping[str, str], lines: Lines, letters: Letters) -> None:
        super().__init__(symbols, lines.scalars)
        self.lines, self.letters = lines, letters

    # ---- what differs ----

    def array(self, node: ast.expr) -> Piece:
        """Write an expression of whole arrays."""
        raise NotImplementedError

    def entry(self, symbol: str, index: Sequence[str]) -> str:
        raise NotImplementedError

    def rounded(self, text: str, n: int, up: bool) -> str:
        """Write a quotient of integers, rounded up or down."""
        raise NotImplementedError

    def remainder(self, text: str, n: int) -> str:
        raise NotImplementedError

    def over(self, name: str, below: str, where: bool, length: int, body: str) -> str:
        """Write a sum, or another reduction: over all of a letter, or where a condition holds."""
        raise NotImplementedError

    def case(self, value: str, condition: str) -> str:
        raise NotImplementedError

    def in_cases(self, rows: list[str]) -> Piece:
        raise NotImplementedError

    # ---- what is shared ----

    def index(self, index: ast.expr, start: int = 1) -> str:
        """Write an index, counted from 1, or from 0."""
        factors, constant = linear(index)
        constant += start
        terms = []
        for text, factor in factors.items():
            match part_of(text):
                case ast.BinOp(left, ast.FloorDiv(), ast.Constant(int(n))):
                    up = factor == 1 and constant >= 1
                    symbol = self.rounded(self.index(left, int(up)), n, up)
                    constant -= up
                case ast.BinOp(left, ast.Mod(), ast.Constant(int(n))):
                    symbol = self.remainder(self.index(left, 0), n)
                    alone = len(factors) == 1 and factor == 1 and not constant
                    symbol = symbol if alone else f"({symbol})"
                case _:
                    symbol = text
                    constant -= factor
            terms.append((factor, symbol))
        terms.sort(key=lambda term: term[0] < 0)
        result = ""
        if terms and terms[0][0] < 0 and constant > 0:  # 4 - j, not -j + 4
            result, constant = str(constant), 0
        for factor, symbol in terms:
            times = "" if abs(factor) == 1 else f"{abs(factor)}{' ' * (len(symbol) > 1)}"
            result += ("+" if result else "") if factor > 0 else self.minus_sign
            result += f"{times}{symbol}"
        if constant or not result:
            result += ("+" if result else "") if constant >= 0 else self.minus_sign
            result += str(abs(constant))
        return result

    def write_Subscript(self, node: ast.Subscript) -> Piece:
        assert isinstance(node.slice, ast.Tuple)
        shape = self.lines.evaluator.shape(node.value)
        index = [self.index(i) for i, n in zip(node.slice.elts, shape, strict=True) if n != 1]
        if isinstance(node.value, ast.Name):
            whole = super().write_Name(node.value)
            return Piece(self.entry(whole.text, index), whole.level, scalar=True)
        text = self.within(self.array(node.value), Level.ATOM)
        return Piece(self.entry(text, index), scalar=True)

    def write_Name(self, node: ast.Name) -> Piece:
        piece: Piece = super().write_Name(node)
        return Piece(piece.text, piece.level, scalar=True)

    def write_Compare(self, node: ast.Compare) -> Piece:
        if self.letters.is_condition(node):
            sides = [self.index(side) for side in (node.left, *node.comparators)]
            return Piece(self.compared(sides, [COMPARISONS[type(node.ops[0])]]), Level.COMPARISON)
        match node:
            case ast.Compare(ast.Subscript(ast.Name(name)) | ast.Name(name), [ast.NotEq()]):
                if self.lines.values[name].dtype == bool:  # a mask
                    return self.write(node.left)
        piece: Piece = super().write_Compare(node)
        return piece

    def conditions(self, parts: Sequence[ast.expr]) -> str:
        """Write conditions that all hold: a lower and an upper bound as one."""
        texts: list[str] = []
        rest = list(parts)
        while rest:
            node = rest.pop(0)
            match node, rest:
                case ast.Compare(low, [ast.LtE()], [middle]), [
                    ast.Compare(same, [ast.LtE()], [high]),
                    *_,
                ] if ast.unparse(middle) == ast.unparse(same) and self.letters.is_condition(node):
                    ends = [self.index(end) for end in (low, middle, high)]
                    texts.append(self.compared(ends, ["≤", "≤"]))
                    rest.pop(0)
                case _:
                    texts.append(self.within(self.write(node), Level.AND))
        return self.both(texts)

    def write_Call(self, node: ast.Call) -> Piece:
        letter = letter_of(node)
        if letter is None:
            piece: Piece = super().write_Call(node)
            return Piece(piece.text, piece.level, True, piece.kind, piece.minus)
        match node:
            case ast.Call(ast.Name(name), [ast.GeneratorExp(body, [ast.comprehension(
                _, ast.Call(_, [ast.Constant(int(length))])
            )])]):  # fmt: skip
                below, where = letter, False
                match body:
                    case ast.Call(_, [condition, inner, other]) if (
                        name == "_sum" and is_where(body) and number(other) == 0
                    ):  # the terms of some letters are left out
                        below, body, where = self.below(letter, condition), inner, True
                text = self.within(self.write(body), Level.REDUCTION)
                whole = self.over(name, below, where, length, text)
                return Piece(whole, Level.REDUCTION, scalar=True)
        return self.write_other(node)

    def below(self, letter: str, condition: ast.expr) -> str:
        """Write for which letters there is a term."""
        parts = conjuncts(condition)
        text = self.conditions(parts)
        match parts:
            case [ast.Compare(ast.Name(first))] if first == letter:
                return text
        return f"{letter}: {text}"

    def choice(self, node: ast.Call) -> Piece:
        """Write the cases of a choice, with a condition for each."""
        cases, last = branches(node)
        rows = [(self.write(value).text, self.conditions(parts)) for parts, value in cases]
        written = [self.case(*row) for row in rows]
        if not opposites([condition for _, condition in rows], self.unequal):
            written.append(self.case(self.write(last).text, ""))
        return self.in_cases(written)


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


def opposites(conditions: Sequence[str], unequal: str) -> bool:
    """Say whether there are two cases, i = j and i ≠ j: one holds where the other does not."""
    match conditions:
        case [first, second]:
            equation = re.fullmatch(r"[^ ]+ = [^ ]+", first)
            return equation is not None and second == first.replace("=", unequal)
    return False


def closed(text: str) -> str:
    """Put brackets around an index of several parts; one that is rounded has its own."""
    rounded = re.fullmatch(r"\\l(\w+) [^\\]*\\r\1|⌊[^⌊]*⌋|⌈[^⌈]*⌉", text)
    return text if len(text) == 1 or rounded else f"({text})"


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
    times: ClassVar = {**LatexWriter.times, "elementwise": " "}
    minus_sign, unequal = "-", r"\neq"

    def array(self, node: ast.expr) -> Piece:
        return LatexWriter(self.symbols, self.scalars).write(node)

    def entry(self, symbol: str, index: Sequence[str]) -> str:
        """Write an entry: of a gradient, with the letters on what it is the derivative by."""
        if not index:
            return symbol
        fraction = re.fullmatch(r"(\\frac\{.*\}\{\\partial )(.*)\}", symbol)
        if fraction:
            return f"{fraction[1]}{indexed(fraction[2], index)}}}"
        return indexed(symbol, index)

    def rounded(self, text: str, n: int, up: bool) -> str:
        kind = "ceil" if up else "floor"
        return rf"\l{kind} {closed(text)}/{n} \r{kind}"

    def remainder(self, text: str, n: int) -> str:
        return rf"{closed(text)} \bmod {n}"

    def quotient(self, above: Piece, below: Piece) -> Piece:
        """Write a quotient: of a gradient, which is a fraction itself, with a factor before it."""
        if above.text.startswith(r"\frac{\partial") and r"\partial" not in below.text:
            text = rf"\frac{{1}}{{{below.text}}} {above.text}"
            return Piece(text, Level.PRODUCT, scalar=True)
        return LatexWriter.quotient(self, above, below)

    def both(self, parts: list[str]) -> str:
        return r" \text{ and } ".join(parts)

    def over(self, name: str, below: str, where: bool, length: int, body: str) -> str:
        if name not in SIGNS:
            sign = self.function(name[1:], below, []).partition("(")[0]
            return f"{sign} {body}"
        limits = f"_{{{below}}}" if where else f"_{{{below}=1}}^{{{length}}}"
        return f"{SIGNS[name][1]}{limits} {body}"

    def case(self, value: str, condition: str) -> str:
        when = rf"\text{{if }} {condition}" if condition else r"\text{otherwise}"
        return f"{value} & {when}".replace(r"\frac{\partial", r"\dfrac{\partial")

    def in_cases(self, rows: list[str]) -> Piece:
        return Piece(environment("cases", rows), Level.CHOICE, scalar=True)


class TextComponents(Component, TextWriter):
    times: ClassVar = {**TextWriter.times, "elementwise": " "}
    minus_sign, unequal = "−", "≠"

    def array(self, node: ast.expr) -> Piece:
        return TextWriter(self.symbols, self.scalars).write(node)

    def entry(self, symbol: str, index: Sequence[str]) -> str:
        return f"{symbol}[{','.join(index)}]" if index else symbol

    def rounded(self, text: str, n: int, up: bool) -> str:
        return f"⌈{closed(text)}/{n}⌉" if up else f"⌊{closed(text)}/{n}⌋"

    def remainder(self, text: str, n: int) -> str:
        return f"{closed(text)} mod {n}"

    def over(self, name: str, below: str, where: bool, length: int, body: str) -> str:
        sign = SIGNS[name][0] if name in SIGNS else name[1:]
        limits = below if where or name not in SIGNS else f"{below}=1..{length}"
        return f"{sign}[{limits}] {body}"

    def case(self, value: str, condition: str) -> str:
        return f"{value} if {condition}" if condition else f"{value} otherwise"

    def in_cases(self, rows: list[str]) -> Piece:
        return Piece("{" + "; ".join(rows) + "}", scalar=True)
