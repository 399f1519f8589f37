"""The derivation with whole arrays: equations, gradients, and each one multiplied out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ...notation.formula import latex, text
from ...notation.numbers import written_array
from ...notation.trees import put
from . import remarks
from .document import Block, Equation, Formula, Heading, Sentence
from .lines import MOST_SYMBOLS, Lines
from .tidy import array_like, collected, symbols, tidied


def matrix_form(lines: Lines, numbers: bool) -> Iterator[Block]:
    """Yield the document.

    Parameters
    ----------
    lines
        The lines.
    numbers
        Whether their values stand beside them.
    """
    body = list(MatrixForm(lines, numbers).body())
    yield Heading("Derivation of the gradients")
    about = (remarks.sides(lines), remarks.shapes(lines), remarks.products(lines))
    yield from remarks.framed(body, [*about, *remarks.signs(body)])


class MatrixForm:
    def __init__(self, lines: Lines, numbers: bool) -> None:
        self.lines, self.numbers = lines, numbers

    def body(self) -> Iterator[Block]:
        lines = self.lines
        yield Heading("The equations")
        yield from remarks.given(lines, self.write, self.numbers)
        for i, tree in lines.forward:
            definition = lines.definition(tree)
            further = [] if definition is None else [definition]
            yield self.equation(lines.name(i), tree, *further)
            yield from self.definitions([tree, *further])
        yield Heading("The gradients, from the loss backward")
        for i, tree in lines.backward:
            yield from remarks.added_up(lines, i, self.write(ast.Name(lines.name(i))))
            yield self.gradient(lines.gradient_name(i), tree)
            yield from self.definitions([tree], hint=True)
        yield Heading("Multiplied out")
        yield Sentence(("The same with the gradients before it put in; values keep their names.",))
        yield from self.multiplied_out()

    def definitions(self, trees: list[ast.expr], hint: bool = False) -> Iterator[Block]:
        """Yield what the functions in expressions are that were not met before."""
        for call, tree in self.lines.definitions(trees):
            value = np.asarray(self.lines.evaluator.evaluate(call))
            self.lines.evaluator.check(tree, value, ast.unparse(call))
            yield Equation(self.write(call), (self.write(tree),), value.shape, hint=hint)

    def multiplied_out(self) -> Iterator[Block]:
        """Yield each gradient with those before it put in, where that has few symbols."""
        lines = self.lines
        known: dict[str, ast.expr] = {}
        counts: dict[str, int] = {}  # known before the tree is made, which could be huge
        done: dict[int, ast.expr] = {}
        for i, tree in lines.backward:
            name = lines.gradient_name(i)
            counts[name] = symbols(tree, counts)
            if counts[name] <= MOST_SYMBOLS:
                done[i] = tidied(put(tree, known), lines.evaluator)
                known[name] = array_like(done[i])
        for i in lines.wanted:
            if i in done:
                name, tree = lines.gradient_name(i), collected(done[i])
                yield replace(self.equation(name, tree, numbers=False), asked=True)
        yield from remarks.left_out(lines, done, self.write, f"{MOST_SYMBOLS} symbols")

    def gradient(self, name: str, tree: ast.expr) -> Equation:
        """Write a gradient, and what it is with equal terms as one."""
        simpler = collected(tree)
        sides = [tree] if simpler is tree else [tree, simpler]
        return replace(self.equation(name, *sides), asked=True)

    def equation(self, name: str, *trees: ast.expr, numbers: bool = True) -> Equation:
        """Check and write ``name = tree``, with its value if numbers are wanted."""
        value = self.lines.values[name]
        for tree in trees:
            self.lines.evaluator.check(tree, value, name)
        sides = [self.write(tree) for tree in trees]
        if self.numbers and numbers and written_array(value) not in sides:
            sides.append(written_array(value))
        return Equation(self.write(ast.Name(name)), tuple(sides), value.shape)

    def write(self, tree: ast.expr) -> Formula:
        tree = self.lines.evaluator.with_shapes(tree)
        return Formula(latex(tree, self.lines.latex), text(tree, self.lines.text))
