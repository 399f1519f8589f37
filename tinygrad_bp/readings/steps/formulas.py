"""The expressions of one run: in symbols, and with this run's numbers in place of the names."""

from __future__ import annotations

import ast

import numpy as np

from ...notation.formula import Formula
from ...notation.numbers import fits, stand_in
from ...notation.trees import shaped
from ...record import Edge, Record


class Formulas:
    def __init__(self, record: Record) -> None:
        self.record, self.names = record, record.names
        self.symbols: dict[str, Formula] = {}  # each is written many times

    def tensor(self, i: int) -> Formula:
        return self.symbol(self.names.identifier(self.record.tensors[i]))

    def gradient(self, i: int) -> Formula:
        return self.symbol(self.names.gradient(self.record.tensors[i]))

    def symbol(self, name: str) -> Formula:
        if name not in self.symbols:
            self.symbols[name] = Formula(ast.Name(name), self.names)
        return self.symbols[name]

    def equation(self, i: int) -> Formula:
        return Formula(self.record.equation(i, stand_in_of), self.names, self.values(i))

    def composed(self, i: int) -> Formula | None:
        tree = self.record.composed(i, stand_in_of)
        return None if tree is None else Formula(tree, self.names, self.values(i))

    def rules(self, i: int) -> dict[Edge, Formula]:
        values = self.values(i)
        rules = self.record.rules(i, stand_in_of)
        return {edge: Formula(rule, self.names, values) for edge, rule in rules.items()}

    def values(self, i: int) -> dict[str, np.ndarray]:
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


def stand_in_of(array: np.ndarray) -> ast.expr | None:
    return None if fits(array) else shaped(ast.Name(stand_in(array)), array.shape)
