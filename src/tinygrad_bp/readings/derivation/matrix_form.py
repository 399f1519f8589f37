"""The derivation with whole arrays: equations, gradients, and each one multiplied out."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from ...notation.latex import latex
from ...notation.text import text
from ...tensor import Tensor
from .document import Block, Equation, Formula, Heading, Sentence
from .given import given
from .lines import Lines
from .values import shown


class MatrixForm:
    """Writes the lines with whole arrays."""

    def __init__(self, lines: Lines, numbers: bool) -> None:
        self.lines, self.numbers = lines, numbers

    def blocks(self) -> Iterator[Block]:
        """Yield the document."""
        lines = self.lines
        L = self.symbol(lines.loss)
        yield Heading("Derivation of the gradients")
        yield from self.conventions()
        yield Heading("The equations")
        yield from given(lines, self.written)
        for t, tree in lines.forward:
            definition = lines.definition(t)
            further = [] if definition is None else [definition]
            yield self.equation(lines.name(t), tree, *further)
        yield Heading("The gradients, from the loss backward")
        for x, tree in lines.backward:
            terms = len(lines.edges[x.id])
            if terms > 1:
                yield Sentence(
                    (
                        self.symbol(x),
                        f" is used {terms} times: {terms} terms add up.",
                    )
                )
            yield self.equation(lines.names.gradient(x), tree)
        yield Heading("Multiplied out")
        yield Sentence(("The same with the gradients before it put in; values keep their names.",))
        for x in lines.wanted:
            yield from self.multiplied_out(x, L)

    def conventions(self) -> Iterator[Block]:
        """Yield how the lines are to be read."""
        reading = (
            "Conventions. Arrays are as recorded: vectors are columns where they were columns, and "
            "then of a batch each column is a sample; the products sum over the samples. A "
            "gradient has the shape of what it is the derivative by, and that shape stands beside "
            "each line. "
        )
        products = (
            " multiplies entry by entry; factors side by side are a matrix product, or one is a "
            "number. Every line was evaluated as it stands and gives the engine's number."
        )
        yield Sentence((reading, Formula(r"\odot", "⊙"), products))

    def multiplied_out(self, x: Tensor, L: Formula) -> Iterator[Block]:
        """Yield one gradient with those before it put in."""
        lines = self.lines
        if x.id not in lines.gradient:
            yield Sentence((L, " does not depend on ", self.symbol(x), ": no gradient flows."))
            return
        tree = lines.multiplied_out(x)
        if tree is None:
            yield Sentence(
                (
                    "The gradient by ",
                    self.symbol(x),
                    " is too long to be multiplied out on a "
                    "line: put the lines above into each other.",
                )
            )
        else:
            yield self.equation(lines.names.gradient(x), tree)

    def equation(self, name: str, *trees: ast.expr) -> Equation:
        """Write ``name = tree``, with its value if numbers are wanted."""
        value = np.asarray(self.lines.values[name])
        sides = [self.written(tree) for tree in trees]
        if self.numbers and shown(value) not in sides:
            sides.append(shown(value))
        return Equation(self.written(ast.Name(name)), tuple(sides), value.shape)

    def symbol(self, t: Tensor) -> Formula:
        """Write a tensor."""
        return self.written(ast.Name(self.lines.name(t)))

    def written(self, tree: ast.expr) -> Formula:
        """Write an expression."""
        lines, scalars = self.lines, self.lines.scalars(tree)
        return Formula(latex(tree, lines.latex, scalars), text(tree, lines.text, scalars))
