r"""Components on paper: entries with letters, sums over letters, cases.

In code an index counts from 0, and on paper from 1: ``a[2 * j]`` is written a_{2j-1}.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from ...notation.alphabets import LOOKS, TEXT, Looks
from ...notation.pieces import Level, Piece
from ...notation.printer import Printer
from ...notation.trees import is_where, is_zero
from .components import conjuncts
from .indices import Letters, linear, part_of
from .lines import Lines

MINUS = ("−", "-")


class ComponentPrinter(Printer):
    # an axis of length 1 has no letter
    looks: ClassVar[Looks] = {
        **LOOKS,
        "and": (" and ", r" \text{{ and }} "),
        "down": ("⌊{}/{}⌋", r"\lfloor {}/{} \rfloor"),
        "up": ("⌈{}/{}⌉", r"\lceil {}/{} \rceil"),
        "remainder": ("{} mod {}", r"{} \bmod {}"),
        "from": ("{}[{}=1..{}]", "{}_{{{}=1}}^{{{}}}"),
        "where": ("{}[{}]", "{}_{{{}}}"),
    }

    def __init__(
        self, alphabet: int, symbols: Mapping[str, str], lines: Lines, letters: Letters
    ) -> None:
        super().__init__(alphabet, symbols)
        self.lines, self.letters, self.minus = lines, letters, MINUS[alphabet]

    def write(self, node: ast.expr) -> Piece:
        piece = super().write(node)
        piece.scalar = True
        return piece

    # ---- entries ----

    def write_Subscript(self, node: ast.Subscript) -> Piece:
        assert isinstance(node.slice, ast.Tuple)
        shape = self.lines.evaluator.shape(node.value)
        index = [self.index(i) for i, n in zip(node.slice.elts, shape, strict=True) if n != 1]
        if isinstance(node.value, ast.Name):
            whole = self.write_Name(node.value)
            return Piece(self.entry(whole.text, index), whole.level)
        array = Printer(self.alphabet, self.symbols).write(node.value)
        return Piece(self.entry(Piece(self.within(array, Level.ATOM)).text, index))

    def entry(self, symbol: str, index: Sequence[str]) -> str:
        # of a gradient in LaTeX, the letters stand on what it is taken by
        if not index:
            return symbol
        if self.alphabet == TEXT:
            return f"{symbol}[{','.join(index)}]"
        fraction = re.fullmatch(r"(\\frac\{.*\}\{\\partial )(.*)\}", symbol)
        return (
            f"{fraction[1]}{indexed(fraction[2], index)}}}" if fraction else indexed(symbol, index)
        )

    def index(self, index: ast.expr, start: int = 1) -> str:
        factors, constant = linear(index)
        constant += start
        terms = []
        for text, factor in factors.items():
            match part_of(text):
                case ast.BinOp(left, ast.FloorDiv(), ast.Constant(int(n))):
                    up = factor == 1 and constant >= 1
                    inner = closed(self.index(left, int(up)))
                    symbol = self.look("up" if up else "down", inner, str(n))
                    constant -= up
                case ast.BinOp(left, ast.Mod(), ast.Constant(int(n))):
                    symbol = self.look("remainder", closed(self.index(left, 0)), str(n))
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
            result += ("+" if result else "") if factor > 0 else self.minus
            result += f"{times}{symbol}"
        if constant or not result:
            result += ("+" if result else "") if constant >= 0 else self.minus
            result += str(abs(constant))
        return result

    # ---- conditions and cases ----

    def write_Compare(self, node: ast.Compare) -> Piece:
        if self.letters.is_condition(node):
            return self.chain([node.left, *node.comparators], node.ops)
        match node:
            case ast.Compare(ast.Subscript(ast.Name(name)) | ast.Name(name), [ast.NotEq()]):
                if self.lines.values[name].dtype == bool:  # a mask
                    return self.write(node.left)
        return super().write_Compare(node)

    def chain(self, indices: Sequence[ast.expr], ops: Sequence[ast.cmpop]) -> Piece:
        return self.comparison([Piece(self.index(i)) for i in indices], ops)

    def conditions(self, parts: Sequence[ast.expr]) -> Piece:
        found: list[Piece] = []
        rest = list(parts)
        while rest:
            node = rest.pop(0)
            match node, rest[:1]:
                case (
                    ast.Compare(low, [ast.LtE()], [middle]),
                    [ast.Compare(same, [ast.LtE()], [high])],
                ) if ast.unparse(middle) == ast.unparse(same) and self.letters.is_condition(node):
                    found.append(self.chain([low, middle, high], [ast.LtE(), ast.LtE()]))
                    rest.pop(0)
                case _:
                    found.append(Piece(self.within(self.write(node), Level.AND)))
        return self.separated(found, self.look("and"))

    def choice(self, node: ast.Call) -> Piece:
        cases, last = branches(node)
        rows = [(self.tall(value), self.conditions(parts)) for parts, value in cases]
        texts = [condition.text for _, condition in rows]
        return self.cases(rows, None if opposites(texts) else self.tall(last))

    def tall(self, node: ast.expr) -> Piece:
        return Piece(self.write(node).text.replace(r"\frac{\partial", r"\dfrac{\partial"))

    # ---- sums ----

    def write_Call(self, node: ast.Call) -> Piece:
        match node:
            case ast.Call(
                ast.Name(name),
                [ast.GeneratorExp(
                    body, [ast.comprehension(ast.Name(letter), ast.Call(_, [ast.Constant(length)]))]
                )],
            ):  # fmt: skip
                where = None
                if name == "_sum" and is_where(body) and is_zero(body.args[2]):
                    where, body = self.below(letter, conjuncts(body.args[0])), body.args[1]
                inner = Piece(self.within(self.write(body), Level.REDUCTION))
                sign = self.total(name, letter, length, where)
                return Piece(f"{sign} {inner.text}", Level.REDUCTION)
        return super().write_Call(node)

    def total(self, name: str, letter: str, length: object, where: str | None) -> str:
        row = self.lines.functions[name[1:]]
        notation = row.notation if isinstance(row.notation, tuple) else ("", "")
        sign, below, _ = notation[self.alphabet].partition("{below}")
        if below and "{" not in sign and where is None:  # a sign such as Σ: from 1 to the last
            return Piece(self.look("from", sign, letter, str(length))).text
        sign = sign if below and "{" not in sign else self.head(name[1:], row)
        return Piece(self.look("where", sign, where or letter)).text

    def below(self, letter: str, parts: Sequence[ast.expr]) -> str:
        text = self.conditions(parts).text
        match parts:
            case [ast.Compare(ast.Name(first))] if first == letter:
                return text
        return f"{letter}: {text}"

    def quotient(self, above: Piece, below: Piece) -> Piece:
        # a gradient is a fraction itself: the factor stands before it
        if above.text.startswith(r"\frac{\partial") and r"\partial" not in below.text:
            return Piece(rf"\frac{{1}}{{{below.text}}} {above.text}", Level.PRODUCT)
        return super().quotient(above, below)


def branches(node: ast.expr) -> tuple[list[tuple[list[ast.expr], ast.expr]], ast.expr]:
    # a case that is a choice is taken apart too, where both leave 0
    cases: list[tuple[list[ast.expr], ast.expr]] = []
    while is_where(node):
        parts, value, node = conjuncts(node.args[0]), node.args[1], node.args[2]
        inner, rest = branches(value)
        if inner and is_zero(node) and is_zero(rest):
            cases += [([*parts, *further], value) for further, value in inner]
        else:
            cases.append((parts, value))
    return cases, node


def opposites(conditions: Sequence[str]) -> bool:
    match conditions:
        case [first, second] if re.fullmatch(r"[^ ]+ = [^ ]+", first):
            return second in (first.replace("=", "≠"), first.replace("=", r"\neq"))
    return False


def closed(text: str) -> str:
    # an index of several parts gets brackets; one that is rounded has its own
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
