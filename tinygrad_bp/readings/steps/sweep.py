"""The reverse sweep of a run, step by step: what arrives at an operation, and what it passes on.

`Formulas` are the expressions of the run: in symbols, and with its numbers in place of the names.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ...engine import Tensor
from ...notation.formula import Formula
from ...notation.operations import called
from ...notation.trees import stand_in_for_large
from ...record import Edge, Record

#: Nobody reads more steps, and a page of them would be too large to open.
MOST_OPERATIONS = 2000

#: What an operation is composed of is said where that has at most this many characters: a line.
LONGEST_DEFINITION = 60


class Formulas:
    def __init__(self, record: Record) -> None:
        self.record, self.names = record, record.names
        self.symbols: dict[str, Formula] = {}  # each is written many times
        self.equations: dict[int, Formula] = {}

    def tensor(self, i: int) -> Formula:
        return self.symbol(self.names.identifier(self.record.tensors[i]))

    def gradient(self, i: int) -> Formula:
        return self.symbol(self.names.gradient(self.record.tensors[i]))

    def symbol(self, name: str) -> Formula:
        if name not in self.symbols:
            self.symbols[name] = Formula(ast.Name(name), self.names)
        return self.symbols[name]

    def equation(self, i: int) -> Formula:
        if i not in self.equations:
            tree = self.record.equation(i, stand_in_for_large)
            self.equations[i] = Formula(tree, self.names, self.values(i))
        return self.equations[i]

    def definition(self, i: int) -> Formula | None:
        tree = self.record.composed(i, stand_in_for_large)
        found = Formula(tree, self.names) if tree else None
        return found if found and len(found.text) <= LONGEST_DEFINITION else None

    def rules(self, i: int) -> dict[Edge, Formula]:
        values, rules = self.values(i), self.record.rules_to_show(i).items()
        return {edge: Formula(rule, self.names, values) for edge, rule in rules}

    def values(self, i: int) -> dict[str, np.ndarray]:
        t = self.record.tensors[i]
        operands = zip(t.inputs, t.operands, strict=True)
        known = {self.names.identifier(x): value for x, value in operands if x is not None}
        known[self.names.identifier(t)] = t.data
        if i in self.record.gradients:
            known[self.names.gradient(t)] = read_only(self.record.gradients[i])
        return known


def read_only(value: object) -> np.ndarray:
    array = np.asarray(value).view()
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Term:
    """What one edge of the graph adds to a gradient."""

    step: int  # the number of the step, from 1
    operand: int  # which of the operation's operands the tensor was, from 0
    value: np.ndarray


@dataclass(frozen=True, eq=False)
class Given:
    """A tensor that is used, and that no step computed: a parameter, or data."""

    node: int  # its position among the tensors recorded, from 0
    tensor: str
    values: tuple[np.ndarray, ...]  # several where it was given new ones between its uses


@dataclass(frozen=True, eq=False)
class Gradient:
    """A gradient to which every term has arrived."""

    node: int
    tensor: str
    name: str  # ∂L/∂W₁
    value: np.ndarray  # as the engine has it, read-only
    terms: tuple[Term, ...]  # as they arrived; none for the output, where the sweep starts


@dataclass(frozen=True, eq=False)
class Contribution:
    """What one step passes on to one of its inputs."""

    operand: int  # which operand of the operation the input was, from 0
    node: int  # the input's position among the tensors recorded
    tensor: str
    gradient: str
    term: int  # which of the terms it is that are added up to the gradient, from 1
    terms: int
    formula: Formula | None  # summed where the input was broadcast; none of a rule for arrays only
    value: np.ndarray  # of the input's shape, read-only
    broadcast: bool  # so what the rule gave was summed

    @property
    def rule(self) -> str | None:
        return None if self.formula is None else self.formula.text


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the sweep: from the gradient of an operation's output to those of its inputs."""

    number: int  # from 1, at the output
    node: int  # the computed tensor's position among those recorded
    tensor: str
    operation: str
    scope: str  # where the operation was recorded, "hidden.linear0"; empty outside of all
    computed: Formula
    definition: Formula | None  # what the operation is composed of, where it is first used
    value: np.ndarray  # what came out in the forward pass
    gradient: str
    upstream: np.ndarray  # the gradient that arrived
    contributions: tuple[Contribution, ...]  # one for each input that a gradient flows to
    complete: tuple[Gradient, ...]  # the gradients whose last term came from this step

    @property
    def equation(self) -> str:
        return f"{self.tensor} = {self.computed.text}"


def loss_record(
    loss: object, reading: str, most: int | None = None, latex: Mapping[str, str] | None = None
) -> Record:
    if not isinstance(loss, Tensor):
        raise TypeError(f"{reading} takes a Tensor, not {loss!r:.60}.")
    if loss.size != 1:
        raise ValueError(
            f"{loss.described()} has {loss.size} entries, and {reading} follows the gradients of "
            "one number. Reduce it first, as with .sum()."
        )
    record = Record(loss, latex)
    operations = sum(t.primitive is not None for t in record.tensors)
    if most is not None and operations > most:
        raise ValueError(
            f"{reading} goes through at most {most:,} operations, and {loss.described()} was "
            f"computed by {operations:,}. Give it a part of the computation."
        )
    _ = record.start  # raises where there is no gradient
    return record


class Sweep:
    def __init__(self, record: Record, wanted: Sequence[Tensor]) -> None:
        self.record, self.formulas = record, Formulas(record)
        leading = record.leading_to(wanted)
        edges = [e for e in record.edges if record.source[e] in leading and e in record.given]
        self.edges = {i: tuple(group) for i, group in groupby(edges, key=lambda edge: edge.step)}
        self.number = {i: number for number, i in enumerate(self.edges, 1)}
        self.uses: dict[int, list[Edge]] = {}
        for edge in edges:
            self.uses.setdefault(record.source[edge], []).append(edge)

    def steps(self) -> Iterator[Step]:
        defined: set[object] = set()  # the operations whose composition has been shown
        for i, edges in self.edges.items():
            t, rules = self.record.tensors[i], self.formulas.rules(i)
            definition = None if t.primitive in defined else self.formulas.definition(i)
            defined.add(t.primitive)
            inputs = dict.fromkeys(self.record.source[edge] for edge in edges)
            yield Step(
                self.number[i],
                i,
                self.formulas.tensor(i).text,
                called(t),
                self.record.scope(i),
                self.formulas.equation(i),
                definition,
                t.data,
                self.formulas.gradient(i).text,
                read_only(self.record.gradients[i]),
                tuple(self.contribution(edge, rules.get(edge)) for edge in edges),
                tuple(self.gradient(x) for x in inputs if self.uses[x][-1].step == i),
            )

    def given(self) -> Iterator[Given]:
        used = {i for edge, i in self.record.inputs.items() if edge.step in self.edges}
        for i in sorted(used - self.edges.keys()):
            yield Given(i, self.formulas.tensor(i).text, self.record.values(i))

    def gradient(self, i: int) -> Gradient:
        record, t = self.record, self.record.tensors[i]
        value = np.asarray(record.gradients.get(i, np.zeros(t.shape)), t.dtype)
        names = self.formulas.tensor(i).text, self.formulas.gradient(i).text
        terms = (
            Term(self.number[edge.step], edge.operand, read_only(record.contributions[edge]))
            for edge in self.uses.get(i, ())
        )
        return Gradient(i, *names, read_only(value), tuple(terms))

    def contribution(self, edge: Edge, rule: Formula | None) -> Contribution:
        i = self.record.source[edge]
        return Contribution(
            edge.operand,
            i,
            self.formulas.tensor(i).text,
            self.formulas.gradient(i).text,
            self.uses[i].index(edge) + 1,
            len(self.uses[i]),
            rule,
            read_only(self.record.contributions[edge]),
            edge in self.record.broadcast,
        )
