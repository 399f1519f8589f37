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
from .components import conjuncts, split
from .indices import is_condition, linear
from .lines import Lines

Cases = list[tuple[list[ast.expr], ast.expr]]

#: 1 ≤ j and j ≤ 3 is 1 ≤ j ≤ 3.
CHAINED = re.compile(r"((?:≤|\\leq) (\S+)) (?:and|\\text\{ and \}) \2 (?=≤|\\leq)")


class ComponentPrinter(Printer):
    # an axis of length 1 has no letter
    looks: ClassVar[Looks] = {
        **LOOKS,
        "and": (" and ", r" \text{{ and }} "),
        "sum from": ("Σ[{}=1..{}] {}", r"\sum_{{{}=1}}^{{{}}} {}"),
        "sum where": ("Σ[{}] {}", r"\sum_{{{}}} {}"),
    }

    def __init__(self, alphabet: int, symbols: Mapping[str, str], lines: Lines) -> None:
        super().__init__(alphabet, symbols)
        self.lines = lines

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
        else:
            array = Printer(self.alphabet, self.symbols).write(node.value)
            whole = self.enclosed(array, Level.ATOM)
        return Piece(self.entry(whole.text, index), whole.level)

    def entry(self, symbol: str, index: Sequence[str]) -> str:
        # of a gradient in LaTeX, the letters stand on what it is taken by
        if not index:
            return symbol
        if self.alphabet == TEXT:
            return f"{symbol}[{','.join(index)}]"
        fraction = re.fullmatch(r"(\\frac\{.*\}\{\\partial )(.*)\}", symbol)
        if fraction:
            return f"{fraction[1]}{indexed(fraction[2], index)}}}"
        return indexed(symbol, index)

    def index(self, index: ast.expr) -> str:
        factors, number = linear(index)
        number += 1 - sum(factors.values())  # the letters count from 1 as well
        terms = [
            (n, f"{abs(n)}{letter[1:]}" if abs(n) > 1 else letter[1:])
            for letter, n in factors.items()
        ]
        terms.sort(key=lambda term: term[0] < 0)
        if number or not terms:  # 4 - j, not -j + 4
            first = bool(terms) and terms[0][0] < 0
            terms.insert(0 if first else len(terms), (number, str(abs(number))))
        minus = "−" if self.alphabet == TEXT else "-"
        return "".join(f"{minus if n < 0 else '+'}{term}" for n, term in terms).lstrip("+")

    # ---- conditions and cases ----

    def write_Compare(self, node: ast.Compare) -> Piece:
        if is_condition(node):
            sides = [Piece(self.index(side)) for side in (node.left, *node.comparators)]
            return self.comparison(sides, node.ops)
        match node:
            case ast.Compare(ast.Subscript(ast.Name(name)) | ast.Name(name), [ast.NotEq()]):
                if self.lines.values[name].dtype == bool:  # a mask
                    return self.write(node.left)
        return super().write_Compare(node)

    def conditions(self, parts: Sequence[ast.expr]) -> Piece:
        text = self.conjunction([self.write(part) for part in parts]).text
        return Piece(CHAINED.sub(r"\1 ", text))

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
                _,
                [ast.GeneratorExp(
                    body, [ast.comprehension(ast.Name(name), ast.Call(_, [ast.Constant(length)]))]
                )],
            ):  # fmt: skip
                letter = name.removeprefix("_")
                parts, body = split(body)
                inner = self.enclosed(self.write(body), Level.REDUCTION)
                if not parts:
                    return Piece(self.look("sum from", letter, str(length), inner), Level.REDUCTION)
                below = self.conditions(parts).text
                match parts:
                    case [ast.Compare(ast.Name(first))] if first == name:
                        pass
                    case _:
                        below = f"{letter}: {below}"
                return Piece(self.look("sum where", below, inner), Level.REDUCTION)
        return super().write_Call(node)


def branches(node: ast.expr) -> tuple[Cases, ast.expr]:
    # a case that is a choice is taken apart too, where both leave 0
    cases: Cases = []
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
