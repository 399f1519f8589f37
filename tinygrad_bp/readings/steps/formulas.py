"""The expressions of one run: in symbols, and with this run's numbers in place of the names."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cached_property
from typing import TypeAlias

import numpy as np

from ...notation.alphabets import LATEX
from ...notation.numbers import fits, stand_in
from ...notation.printer import Parts, Printer, latex, text, with_numbers
from ...record import Edge, Record

#: The arrays that the names in an expression stand for.
Values: TypeAlias = Mapping[str, np.ndarray]

#: The first of the private characters of Unicode, which stand for values in LaTeX.
MARK = 0xE000


class Formula:
    """An expression of a run.

    Parameters
    ----------
    tree
        The expression, in the identifiers of the tensors and their gradients.
    values
        What these stand for; none where nothing is to be put in.
    formulas
        How the names of the run are written.
    """

    def __init__(self, tree: ast.expr, values: Values, formulas: Formulas) -> None:
        self.tree, self.values, self.formulas = tree, values, formulas

    @cached_property
    def text(self) -> str:
        return text(self.tree, self.formulas.text)

    @property
    def latex(self) -> str:
        return latex(self.tree, self.formulas.latex)

    @cached_property
    def parts(self) -> Parts:
        """With numbers, as text."""
        return with_numbers(self.tree, self.formulas.text, self.values)

    def marked_latex(self) -> tuple[str, list[np.ndarray]]:
        """With numbers, in LaTeX: characters from U+E000 on stand for the arrays returned."""
        parts = Printer(LATEX, self.formulas.latex, self.values).write(self.tree).parts
        arrays = [part for part in parts if not isinstance(part, str)]
        marks = map(chr, range(MARK, MARK + len(arrays)))
        return "".join(part if isinstance(part, str) else next(marks) for part in parts), arrays


class Formulas:
    """Writes the expressions of one run, with its names."""

    def __init__(self, record: Record) -> None:
        self.record, self.names = record, record.names
        self.text = dict(record.names.text_symbols(record.output))
        self.latex = dict(record.names.latex_symbols(record.output))

    def tensor(self, i: int) -> Formula:
        return Formula(ast.Name(self.names.identifier(self.record.tensors[i])), {}, self)

    def gradient(self, i: int) -> Formula:
        return Formula(ast.Name(self.names.gradient(self.record.tensors[i])), {}, self)

    def equation(self, i: int) -> Formula:
        """Return what a tensor was computed as."""
        return Formula(self.record.equation(i, self.constant), self.values(i), self)

    def composed(self, i: int) -> Formula | None:
        """Return what the operation that computed a tensor is composed of."""
        tree = self.record.composed(i, self.constant)
        return None if tree is None else Formula(tree, self.values(i), self)

    def rules(self, i: int) -> dict[Edge, Formula]:
        """Return what a step passes on, by edge; nothing where its rule takes only arrays."""
        values = self.values(i)
        rules = self.record.rules(i, self.constant)
        return {edge: Formula(rule, values, self) for edge, rule in rules.items()}

    def constant(self, array: np.ndarray) -> ast.expr | None:
        """Return what stands for an array in an expression: its shape, where it is large."""
        if fits(array):
            return None
        name = stand_in(array)
        self.text[name] = name
        return ast.Name(name)

    def values(self, i: int) -> dict[str, np.ndarray]:
        """Return what the names in the equation and the rules of a step stand for."""
        t, g = self.record.tensors[i], self.record.gradients.get(i)
        operands = zip(t.inputs, t.operands, strict=True)
        known = {self.names.identifier(x): value for x, value in operands if x is not None}
        known[self.names.identifier(t)] = t.data
        known[self.names.gradient(t)] = t.data if g is None else read_only(g)
        return known


def read_only(value: object) -> np.ndarray:
    array = np.asarray(value).view()
    array.setflags(write=False)
    return array
