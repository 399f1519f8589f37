"""What is written in symbols: names, equations and rules, and these with numbers put in."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from ...notation import expressions
from ...notation.latex import latex
from ...notation.literals import literal
from ...notation.names import Names
from ...notation.rules import rule_expressions
from ...notation.text import TextWriter
from ...notation.writer import Piece
from ...tensor import Tensor
from .record import Parts
from .values import by_shape, is_small


class Symbols:
    """What the tensors of a computation and their gradients are called, and its expressions."""

    def __init__(self, output: Tensor, tensors: list[Tensor]) -> None:
        self.output = output
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
        if is_small(array):
            return None
        self.symbols[by_shape(array)] = by_shape(array)
        return ast.Name(by_shape(array))

    def operands(self, t: Tensor) -> list[str]:
        """Return the identifiers of a step's operands; a Python number has none."""
        return ["" if x is None else self.names.identifier(x) for x in t.inputs]

    def computed(self, t: Tensor) -> ast.expr:
        """Return what a tensor was computed as."""
        operands = [
            literal(value) if x is None else ast.Name(name)
            for x, value, name in zip(t.inputs, t.operands, self.operands(t), strict=True)
        ]
        assert t.primitive is not None
        return expressions.step(t.primitive, operands, t.params, self.constant)

    def equation(self, t: Tensor) -> str:
        """Return what was computed: ``z = W x``."""
        return f"{self.text(t)} = {self.written(self.computed(t), self.values(t, t.data))}"

    def rules(self, t: Tensor) -> Sequence[ast.expr | None]:
        """Return the contributions of a step as expressions."""
        g, out = self.names.gradient(t), self.names.identifier(t)
        try:
            with np.errstate(all="ignore"):  # closures that the sweep skips are run here as well
                return rule_expressions(t, g, out, self.operands(t), self.constant)
        except Exception:  # a user's own rule may run on arrays only, and fail in any way here
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
        writer = Numbers(self.symbols, values)
        pieces = re.split("([\ue000-\uf8ff])", writer.write(expression).text)
        return tuple(
            writer.placed[ord(piece) - 0xE000] if i % 2 else piece
            for i, piece in enumerate(pieces)
            if piece
        )


class Numbers(TextWriter):
    """Writes an expression with a private character for each value, and keeps the values."""

    times: ClassVar = {**TextWriter.times, "number": " · ", "scalar": " · ", "tall": " · "}

    def __init__(self, symbols: Mapping[str, str], values: Mapping[str, np.ndarray]) -> None:
        super().__init__(symbols)
        self.values = values
        self.placed: list[np.ndarray] = []

    def place(self, value: np.ndarray) -> Piece:
        """Keep a value, and write the character that stands for it."""
        self.placed.append(value)
        return Piece(chr(0xE000 + len(self.placed) - 1), scalar=not value.ndim)

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
