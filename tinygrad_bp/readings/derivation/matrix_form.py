"""The derivation with whole arrays."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ...notation.formula import latex, text
from ...notation.trees import put
from . import remarks
from .document import Block, Equation, Formula
from .form import Form, Locals, Side, with_side
from .tidy import array_like, tidied


class MatrixForm(Form):
    """Writes lines down with whole arrays."""

    title = "Derivation of the gradients"

    def side(self, tree: ast.expr, shape: Sequence[int], step: int) -> Side:
        return Side(tree)

    def check(self, side: Side, value: np.ndarray, name: str) -> None:
        self.evaluator.check(side.tree, value, name)

    def write(self, side: Side) -> Formula:
        tree = self.evaluator.with_shapes(side.tree)
        return Formula(latex(tree, self.lines.latex), text(tree, self.lines.text))

    def left(self, name: str) -> Formula:
        return self.symbol(name)

    def with_numbers(self, equation: Equation, name: str) -> Iterator[Equation]:
        yield with_side(equation, self.lines.values[name])

    def local_derivatives(self, place: int) -> Locals:
        return Locals()

    def put_in(self, side: Side, known: Mapping[str, Side]) -> Side:
        trees = {name: array_like(inner.tree) for name, inner in known.items()}
        return Side(tidied(put(side.tree, trees), self.evaluator))

    def conventions(self, body: Sequence[Block]) -> list[str | Formula]:
        about = (remarks.sides, remarks.shapes, remarks.products)
        return [*(say(self.lines) for say in about), *remarks.signs(body)]
