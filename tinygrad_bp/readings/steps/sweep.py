"""The reverse sweep of a run, step by step: what arrives at an operation, and what it passes on."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np

from ...record import Edge, Record
from ...tensor import Tensor
from .formulas import Formula, Formulas, Parts, Values, read_only

#: What an operation is composed of is said where that has at most this many characters: a line.
LONGEST_DEFINITION = 60


class Term(NamedTuple):
    """What one edge of the graph adds to a gradient."""

    step: int  # the number of the step, from 1
    operand: int  # which of the operation's operands the tensor was, from 0
    value: np.ndarray


@dataclass(frozen=True, eq=False)
class Given:
    """A tensor that is used, and that no step computed: a parameter, or data.

    Parameters
    ----------
    node
        Its position among the tensors recorded, from 0.
    tensor
        What it is called.
    values
        What it held when it was used: several arrays where it was given new ones in between.
    """

    node: int
    tensor: str
    values: tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class Gradient:
    """A gradient to which every term has arrived.

    Parameters
    ----------
    node
        The tensor's position among those recorded, from 0.
    tensor, name
        What the tensor and its gradient are called: ``W₁`` and ``∂L/∂W₁``.
    value
        The sum of the terms, a read-only array, as the engine has it.
    terms
        What was added up, in the order of arrival. None for the output itself, where the sweep
        starts, and for a tensor that the output does not depend on.
    """

    node: int
    tensor: str
    name: str
    value: np.ndarray
    terms: tuple[Term, ...]


@dataclass(frozen=True, eq=False)
class Contribution:
    """What one step passes on to one of its inputs.

    Parameters
    ----------
    operand
        Which operand of the operation the input was, from 0.
    node
        The input's position among the tensors recorded.
    tensor, gradient
        What the input and its gradient are called.
    term, terms
        Which of the terms this is that are added up to the gradient, from 1, and how many they are.
    rule, expression
        The contribution in symbols and as a syntax tree: the backward rule, summed over the axes
        along which the input was broadcast. None where the rule cannot be run on placeholders.
    parts
        The same with this run's numbers: text, and the arrays themselves.
    value
        The contribution, a read-only array of the input's shape.
    unsummed
        What the rule gave before it was summed, where the input was broadcast; else None.
    """

    operand: int
    node: int
    tensor: str
    gradient: str
    term: int
    terms: int
    rule: str | None
    expression: ast.expr | None
    parts: Parts | None
    value: np.ndarray
    unsummed: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the sweep: from the gradient of an operation's output to those of its inputs.

    Parameters
    ----------
    number
        From 1, at the output.
    node
        The computed tensor's position among those recorded, from 0.
    tensor, operation, equation
        What was computed, by which operation, and how: ``z = W x``.
    computed
        The right-hand side of the equation.
    definition
        What the operation is composed of, where it is first used and that is short: of a sigmoid,
        ``1 / (1 + exp(−z))``. Else None.
    values
        The arrays that the identifiers in the formulas of this step stand for.
    value
        What came out in the forward pass.
    gradient, upstream
        What the upstream gradient is called, and its value.
    contributions
        One for each input that a gradient flows to.
    complete
        The gradients whose last term came from this step.
    """

    number: int
    node: int
    tensor: str
    operation: str
    equation: str
    computed: Formula
    definition: Formula | None
    values: Values
    value: np.ndarray
    gradient: str
    upstream: np.ndarray
    contributions: tuple[Contribution, ...]
    complete: tuple[Gradient, ...]


def loss_record(loss: object, reading: str) -> Record:
    """Return the record of a loss, which must be a Tensor of one entry that needs a gradient."""
    if not isinstance(loss, Tensor):
        raise TypeError(f"{reading} takes a Tensor, not {loss!r:.60}.")
    if loss.size != 1:
        raise ValueError(
            f"{loss.described()} has {loss.size} entries, and {reading} follows the gradients of "
            "one number. Reduce it first, as with .sum()."
        )
    record = Record(loss)
    _ = record.start  # raises where there is no gradient
    return record


class Sweep:
    """Makes the steps that lead to the gradients asked for.

    Parameters
    ----------
    record
        The run.
    wanted
        The tensors whose gradients are asked for.
    """

    def __init__(self, record: Record, wanted: Sequence[Tensor]) -> None:
        self.record, self.formulas = record, Formulas(record)
        leading = record.leading_to(wanted)
        edges = [e for e in record.edges if record.source[e] in leading and e in record.given]
        self.edges = {i: tuple(group) for i, group in groupby(edges, key=lambda edge: edge.step)}
        self.terms: dict[int, list[Term]] = defaultdict(list)
        self.place: dict[Edge, int] = {}  # which term of its sum the contribution is, from 1
        for number, group in enumerate(self.edges.values(), 1):
            for edge in group:
                terms = self.terms[record.source[edge]]
                terms.append(Term(number, edge.operand, read_only(record.contributions[edge])))
                self.place[edge] = len(terms)
        self.defined: set[object] = set()  # the operations whose composition has been shown

    def steps(self) -> Iterator[Step]:
        for number, (i, edges) in enumerate(self.edges.items(), 1):
            yield self.step(number, i, edges)

    def given(self) -> Iterator[Given]:
        """Yield what the steps use and none of them computes, in recording order."""
        place = self.record.place
        used = {
            place[x.id] for i in self.edges for x in self.record.tensors[i].inputs if x is not None
        }
        for i in sorted(used - self.edges.keys()):
            yield Given(i, self.formulas.tensor(i).text, self.record.values(i))

    def gradient(self, i: int) -> Gradient:
        """Return a gradient to which every term has arrived; zero, where none does."""
        t = self.record.tensors[i]
        value = np.array(self.record.gradients.get(i, np.zeros(t.shape)), t.dtype)
        value.setflags(write=False)
        terms = tuple(self.terms.get(i, ()))
        formulas = self.formulas
        return Gradient(i, formulas.tensor(i).text, formulas.gradient(i).text, value, terms)

    def step(self, number: int, i: int, edges: tuple[Edge, ...]) -> Step:
        t, formulas = self.record.tensors[i], self.formulas
        values, name = formulas.values(i), formulas.tensor(i).text
        computed = formulas.formula(self.record.equation(i, formulas.constant), values)
        rules = self.record.rules(i, formulas.constant)
        inputs = dict.fromkeys(self.record.source[edge] for edge in edges)
        return Step(
            number,
            i,
            name,
            str(getattr(t.primitive, "__name__", "")),
            f"{name} = {computed.text}",
            computed,
            self.definition(i, values),
            values,
            t.data,
            formulas.gradient(i).text,
            read_only(self.record.gradients[i]),
            tuple(self.contribution(edge, rules.get(edge), values) for edge in edges),
            tuple(self.gradient(x) for x in inputs if self.terms[x][-1].step == number),
        )

    def definition(self, i: int, values: Values) -> Formula | None:
        """Return what an operation is composed of, the first time that it is met."""
        primitive = self.record.tensors[i].primitive
        if primitive in self.defined:
            return None
        self.defined.add(primitive)
        composed = self.record.composed(i, self.formulas.constant)
        if composed is None:
            return None
        definition = self.formulas.formula(composed, values)
        return definition if len(definition.text) <= LONGEST_DEFINITION else None

    def contribution(self, edge: Edge, rule: ast.expr | None, values: Values) -> Contribution:
        i, formulas = self.record.source[edge], self.formulas
        given, value = self.record.given[edge], self.record.contributions[edge]
        return Contribution(
            edge.operand,
            i,
            formulas.tensor(i).text,
            formulas.gradient(i).text,
            self.place[edge],
            len(self.terms[i]),
            None if rule is None else formulas.formula(rule, values).text,
            rule,
            None if rule is None else formulas.with_numbers(rule, values),
            read_only(value),
            None if given is value else read_only(given),
        )
