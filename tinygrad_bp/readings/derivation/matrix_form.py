"""The derivation with whole arrays: equations, gradients, and each one multiplied out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ...engine import Tensor
from ...notation.latex import latex
from ...notation.numbers import written_array
from ...notation.text import text
from . import conventions
from .document import Block, Equation, Formula, Heading, Sentence
from .given import given
from .lines import MOST_SYMBOLS, Lines
from .remarks import added_up, left_out
from .simplify import collected


class MatrixForm:
    """Writes the lines with whole arrays."""

    def __init__(self, lines: Lines, numbers: bool) -> None:
        self.lines, self.numbers = lines, numbers

    def blocks(self) -> Iterator[Block]:
        """Yield the document."""
        body = list(self.body())
        yield Heading("Derivation of the gradients")
        yield from conventions.framed(body, self.conventions(body))

    def conventions(self, body: list[Block]) -> list[str | Formula]:
        """Return how the lines are to be read."""
        lines = self.lines
        about = (conventions.sides(lines), conventions.shapes(lines), conventions.products(lines))
        return [*about, *conventions.signs(body)]

    def body(self) -> Iterator[Block]:
        """Yield the equations and the gradients."""
        lines = self.lines
        yield Heading("The equations")
        yield from given(lines, self.written, self.numbers)
        for t, tree in lines.forward:
            definition = lines.definition(tree)
            further = [] if definition is None else [definition]
            yield self.equation(lines.name(t), tree, *further)
            yield from self.definitions([tree, *further])
        yield Heading("The gradients, from the loss backward")
        for x, tree in lines.backward:
            yield from added_up(lines, x, self.symbol(x))
            yield self.gradient(x, tree)
            yield from self.definitions([tree], hint=True)
        yield Heading("Multiplied out")
        yield Sentence(("The same with the gradients before it put in; values keep their names.",))
        yield from self.multiplied_out()

    def definitions(self, trees: list[ast.expr], hint: bool = False) -> Iterator[Block]:
        """Yield what the functions in expressions are that were not met before."""
        for call, tree in self.lines.definitions(trees):
            sides = (self.written(tree),)
            yield Equation(self.written(call), sides, self.lines.shape(call), hint=hint)

    def multiplied_out(self) -> Iterator[Block]:
        """Yield each gradient with those before it put in."""
        lines = self.lines
        known = lines.multiplied_out()
        for x in lines.wanted:
            if x.id in known:
                name, tree = lines.names.gradient(x), collected(known[x.id])
                lines.check(tree, lines.values[name], name)
                yield replace(self.equation(name, tree, numbers=False), asked=True)
        yield from left_out(lines, set(known), self.symbol, f"{MOST_SYMBOLS} symbols")

    def gradient(self, x: Tensor, tree: ast.expr) -> Equation:
        """Write a gradient, and what it is with equal terms as one."""
        name, simpler = self.lines.names.gradient(x), collected(tree)
        if simpler is tree:
            return replace(self.equation(name, tree), asked=True)
        self.lines.check(simpler, self.lines.values[name], name)
        return replace(self.equation(name, tree, simpler), asked=True)

    def equation(self, name: str, *trees: ast.expr, numbers: bool = True) -> Equation:
        """Write ``name = tree``, with its value if numbers are wanted."""
        value = np.asarray(self.lines.values[name])
        sides = [self.written(tree) for tree in trees]
        if self.numbers and numbers and written_array(value) not in sides:
            sides.append(written_array(value))
        return Equation(self.written(ast.Name(name)), tuple(sides), value.shape)

    def symbol(self, t: Tensor) -> Formula:
        """Write a tensor."""
        return self.written(ast.Name(self.lines.name(t)))

    def written(self, tree: ast.expr) -> Formula:
        """Write an expression."""
        lines = self.lines
        return Formula(
            latex(tree, lines.latex, lines.scalars), text(tree, lines.text, lines.scalars)
        )
