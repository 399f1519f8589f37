"""The expressions of one run: in symbols, and with this run's numbers in place of the names."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import ClassVar, NamedTuple, TypeAlias

import numpy as np

from ...notation.latex import LatexWriter, latex
from ...notation.numbers import fits, stand_in
from ...notation.text import TextWriter
from ...notation.writer import Piece, Writer
from ...record import Record

#: A formula with this run's numbers: text, and the arrays that stand between.
Parts: TypeAlias = "tuple[str | np.ndarray, ...]"

#: The arrays that the identifiers in an expression stand for.
Values: TypeAlias = Mapping[str, np.ndarray]

#: The first of the private characters of Unicode, which stand for values in a formula.
MARK = 0xE000


class Formula(NamedTuple):
    """Something in symbols: as text, and as a syntax tree in the identifiers of the tensors."""

    text: str
    expression: ast.expr


class Formulas:
    """Writes the expressions of one run."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.text_symbols = dict(record.names.text_symbols(record.output))
        self.latex_symbols = dict(record.names.latex_symbols(record.output))

    def tensor(self, i: int) -> Formula:
        t, names = self.record.tensors[i], self.record.names
        return Formula(names.text(t), ast.Name(names.identifier(t)))

    def gradient(self, i: int) -> Formula:
        t, names = self.record.tensors[i], self.record.names
        return Formula(names.gradient_text(t, self.record.output), ast.Name(names.gradient(t)))

    def constant(self, array: np.ndarray) -> ast.expr | None:
        """Return what stands for an array in an expression: its shape, where it is large."""
        if fits(array):
            return None
        name = stand_in(array)
        self.text_symbols[name] = name
        return ast.Name(name)

    def values(self, i: int) -> dict[str, np.ndarray]:
        """Return what the names in the equation and the rules of a step stand for."""
        t, names, g = self.record.tensors[i], self.record.names, self.record.gradients.get(i)
        operands = zip(t.inputs, t.operands, strict=True)
        known = {names.identifier(x): value for x, value in operands if x is not None}
        known[names.identifier(t)] = t.data
        known[names.gradient(t)] = t.data if g is None else read_only(g)
        return known

    def formula(self, tree: ast.expr, values: Values) -> Formula:
        return Formula(TextWriter(self.text_symbols, scalars(values)).write(tree).text, tree)

    def latex(self, tree: ast.expr, values: Values) -> str:
        return latex(tree, self.latex_symbols, scalars(values))

    def with_numbers(self, tree: ast.expr, values: Values) -> Parts:
        """Write an expression in parts, with values in place of its names."""
        text, arrays = TextWithNumbers(self.text_symbols).marked(tree, values)
        pieces = re.split("([\ue000-\uf8ff])", text)
        return tuple(
            arrays[ord(piece) - MARK] if i % 2 else piece for i, piece in enumerate(pieces) if piece
        )

    def latex_with_numbers(self, tree: ast.expr, values: Values) -> tuple[str, list[np.ndarray]]:
        """Write an expression in LaTeX, with characters from U+E000 on in place of its values."""
        return LatexWithNumbers(self.latex_symbols).marked(tree, values)


def scalars(values: Values) -> list[str]:
    return [name for name, value in values.items() if not value.ndim]


def read_only(value: object) -> np.ndarray:
    array = np.asarray(value).view()
    array.setflags(write=False)
    return array


class WithNumbers(Writer):
    """Writes an expression with a private character for each value, and keeps the values."""

    def marked(self, tree: ast.expr, values: Values) -> tuple[str, list[np.ndarray]]:
        self.values, self.arrays = values, list[np.ndarray]()
        return self.write(tree).text, self.arrays

    def place(self, value: np.ndarray) -> Piece:
        self.arrays.append(value)
        return Piece(chr(MARK + len(self.arrays) - 1), scalar=not value.ndim)

    def write_Name(self, node: ast.Name) -> Piece:
        known = node.id in self.values
        return self.place(self.values[node.id]) if known else super().write_Name(node)

    def write_Attribute(self, node: ast.Attribute) -> Piece:
        """Write a transpose as the rows and columns that it has."""
        if node.attr == "mT" and isinstance(node.value, ast.Name) and node.value.id in self.values:
            return self.place(self.values[node.value.id].mT)
        return super().write_Attribute(node)


class TextWithNumbers(WithNumbers, TextWriter):
    """Writes text."""

    times: ClassVar = {**TextWriter.times, "number": " · ", "scalar": " · ", "tall": " · "}


class LatexWithNumbers(WithNumbers, LatexWriter):
    """Writes LaTeX, with brackets as tall as what is put in."""

    times: ClassVar = {
        **LatexWriter.times, "number": r" \cdot ", "scalar": r" \cdot ", "tall": r" \cdot ",
    }  # fmt: skip

    def bracketed(self, text: str) -> str:
        return rf"\left({text}\right)"

    def iverson(self, condition: str) -> str:
        return rf"\left[{condition}\right]"
