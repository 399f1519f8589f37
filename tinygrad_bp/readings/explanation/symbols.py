"""What is written in symbols: names, equations and rules, and these with numbers put in."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from ...notation.expressions import one_line, step
from ...notation.latex import LatexWriter, latex
from ...notation.literals import literal
from ...notation.names import Names
from ...notation.numbers import fits, stand_in
from ...notation.rules import rule_expressions
from ...notation.text import TextWriter
from ...notation.twins import twin
from ...notation.writer import Piece, Writer
from ...tensor import Tensor
from .record import Formula, Parts

#: Operations on larger arrays are not run once more to say what they are composed of.
LARGEST_COMPOSED = 10_000


class Symbols:
    """What the tensors of a computation and their gradients are called, and its expressions."""

    def __init__(self, output: Tensor, tensors: list[Tensor]) -> None:
        self.output, self.tensors = output, tensors
        self.names = Names(tensors)
        self.symbols = self.names.text_symbols(output)

    def text(self, t: Tensor) -> str:
        """Return the symbol of a tensor."""
        return self.names.text(t)

    def gradient(self, t: Tensor) -> str:
        """Return the symbol of a gradient."""
        return self.names.gradient_text(t, self.output)

    def constant(self, array: np.ndarray) -> ast.expr | None:
        """Return what stands for an array in an expression: its shape, where it is large."""
        if fits(array):
            return None
        self.symbols[stand_in(array)] = stand_in(array)
        return ast.Name(stand_in(array))

    def operands(self, t: Tensor) -> list[str]:
        """Return the identifiers of a step's operands; a Python number has none."""
        return ["" if x is None else self.names.identifier(x) for x in t.inputs]

    def operand_trees(self, t: Tensor) -> list[ast.expr]:
        """Return a step's operands: their names, and Python numbers themselves."""
        return [
            literal(value) if x is None else ast.Name(name)
            for x, value, name in zip(t.inputs, t.operands, self.operands(t), strict=True)
        ]

    def computed(self, t: Tensor) -> ast.expr:
        """Return what a tensor was computed as."""
        assert t.primitive is not None
        return step(t.primitive, self.operand_trees(t), t.params, self.constant)

    def definition(self, t: Tensor) -> ast.expr | None:
        """Return what an operation such as softmax is composed of.

        None where its text says so already, or where that simpler form, unlike the operation,
        overflows.
        """
        primitive = t.primitive
        if primitive is None or primitive.composed is None or one_line(primitive) is not None:
            return None
        if max(map(np.size, t.operands)) > LARGEST_COMPOSED:
            return None
        found = twin(primitive, self.operand_trees(t), t.operands, t.params, self.constant)
        if found is None or not np.allclose(found.value, t.data, equal_nan=True):
            return None
        return found.tree

    def rules(self, t: Tensor) -> Sequence[ast.expr | None]:
        """Return the contributions of a step as expressions."""
        g, out = self.names.gradient(t), self.names.identifier(t)
        try:
            return rule_expressions(t, g, out, self.operands(t), self.constant)
        except ValueError:  # a user's own rule may run on arrays only
            return [None] * len(t.inputs)

    def values(self, t: Tensor, g: np.ndarray) -> dict[str, np.ndarray]:
        """Return the values of the names in the rule of a step."""
        known = {
            self.names.identifier(x): value
            for x, value in zip(t.inputs, t.operands, strict=True)
            if x is not None
        }
        return known | {self.names.identifier(t): t.data, self.names.gradient(t): np.asarray(g)}

    def written(self, expression: ast.expr, values: Mapping[str, np.ndarray]) -> str:
        """Write an expression in symbols; the values tell numbers from arrays."""
        scalars = [name for name, value in values.items() if not value.ndim]
        return TextWriter(self.symbols, scalars).write(expression).text

    def formula(self, expression: ast.expr, values: Mapping[str, np.ndarray]) -> Formula:
        """Return an expression with its text."""
        return Formula(self.written(expression, values), expression)

    def latex(self, expression: ast.expr, values: Mapping[str, np.ndarray]) -> str:
        """Write an expression in LaTeX."""
        scalars = [name for name, value in values.items() if not value.ndim]
        return latex(expression, self.latex_symbols, scalars)

    @functools.cached_property
    def latex_symbols(self) -> Mapping[str, str]:
        """LaTeX for every name in an expression."""
        return self.names.latex_symbols(self.output)

    def with_numbers(self, expression: ast.expr, values: Mapping[str, np.ndarray]) -> Parts:
        """Write an expression in parts, with values in place of its names.

        A transpose is written as it is; a large array stands by its shape.
        """
        return NumbersInText(self.symbols).parts(expression, values)

    def latex_with_numbers(
        self, expression: ast.expr, values: Mapping[str, np.ndarray]
    ) -> tuple[str, list[np.ndarray]]:
        """Write an expression in LaTeX, with characters from U+E000 on in place of its values."""
        return NumbersInLatex(self.latex_symbols).marked(expression, values)


#: The first of the private characters of Unicode, which stand for values.
MARK = 0xE000


class Numbers(Writer):
    """Writes an expression with a private character for each value, and keeps the values."""

    def marked(
        self, expression: ast.expr, values: Mapping[str, np.ndarray]
    ) -> tuple[str, list[np.ndarray]]:
        """Write an expression; return the text, and the values that its characters stand for."""
        self.values = values
        self.placed: list[np.ndarray] = []
        return self.write(expression).text, self.placed

    def parts(self, expression: ast.expr, values: Mapping[str, np.ndarray]) -> Parts:
        """Write an expression in parts: text, and the values."""
        text, placed = self.marked(expression, values)
        pieces = re.split("([\ue000-\uf8ff])", text)
        return tuple(
            placed[ord(piece) - MARK] if i % 2 else piece for i, piece in enumerate(pieces) if piece
        )

    def place(self, value: np.ndarray) -> Piece:
        """Keep a value, and write the character that stands for it."""
        self.placed.append(value)
        return Piece(chr(MARK + len(self.placed) - 1), scalar=not value.ndim)

    def write_Name(self, node: ast.Name) -> Piece:
        """Write a value for a name."""
        return (
            self.place(self.values[node.id]) if node.id in self.values else super().write_Name(node)
        )

    def write_Attribute(self, node: ast.Attribute) -> Piece:
        """Write a transpose as the rows and columns that it has."""
        if node.attr == "mT" and isinstance(node.value, ast.Name) and node.value.id in self.values:
            return self.place(self.values[node.value.id].mT)
        return super().write_Attribute(node)


class NumbersInText(Numbers, TextWriter):
    """Writes text."""

    times: ClassVar = {**TextWriter.times, "number": " · ", "scalar": " · ", "tall": " · "}


class NumbersInLatex(Numbers, LatexWriter):
    """Writes LaTeX, with brackets as tall as what is put in."""

    times: ClassVar = {
        **LatexWriter.times, "number": r" \cdot ", "scalar": r" \cdot ", "tall": r" \cdot ",
    }  # fmt: skip

    def bracketed(self, text: str) -> str:
        """Put round brackets around a text."""
        return rf"\left({text}\right)"

    def iverson(self, condition: str) -> str:
        """Write 1 where a condition holds, else 0."""
        return rf"\left[{condition}\right]"
