r"""A formula: an expression with the names of a run, in every language that it is shown in."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cached_property
from typing import TypeAlias

import numpy as np

from .alphabets import LATEX, TEXT
from .names import Names
from .pieces import Parts
from .printer import Printer

#: What the names in an expression stand for.
Values: TypeAlias = Mapping[str, np.ndarray]


class Formula:
    r"""An expression in the names of a run; `parts` are with this run's numbers.

    Examples
    --------
    >>> tree = ast.parse("0.5 * W.mT @ g", mode="eval").body
    >>> formula = Formula(tree, values={"W": np.eye(2), "g": np.array([[3.0], [-1.0]])})
    >>> print(formula.text, formula.latex, formula.code, sep="\n")
    ½ Wᵀ g
    \tfrac{1}{2} W^{\top} g
    0.5 * W.mT @ g
    >>> formula.parts[0], formula.parts[2], formula.latex_parts[0]
    ('½ · ', ' ', '\\tfrac{1}{2} \\cdot ')
    """

    def __init__(
        self, tree: ast.expr, names: Names | None = None, values: Values | None = None
    ) -> None:
        self.tree, self.names, self.values = tree, names, values or {}

    @cached_property
    def text(self) -> str:
        return text(self.tree, self._symbols(TEXT))

    @cached_property
    def latex(self) -> str:
        return latex(self.tree, self._symbols(LATEX))

    @property
    def code(self) -> str:
        return ast.unparse(self.tree)

    @cached_property
    def parts(self) -> Parts:
        return self._with_numbers(TEXT)

    @cached_property
    def latex_parts(self) -> Parts:
        return self._with_numbers(LATEX)

    def _symbols(self, alphabet: int) -> Mapping[str, str]:
        if self.names is None:
            return {}
        return self.names.latex_symbols if alphabet == LATEX else self.names.text_symbols

    def _with_numbers(self, alphabet: int) -> Parts:
        parts = Printer(alphabet, self._symbols(alphabet), self.values).write(self.tree).parts
        return (parts,) if isinstance(parts, str) else parts


def text(tree: ast.expr, symbols: Mapping[str, str]) -> str:
    return Printer(TEXT, symbols).write(tree).text


def latex(tree: ast.expr, symbols: Mapping[str, str]) -> str:
    return Printer(LATEX, symbols).write(tree).text
