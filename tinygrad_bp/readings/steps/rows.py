"""What happens in a step, as rows of a label and an equation: the same in every form."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np

from ...notation.numbers import listed, written_shape
from ...notation.rules import summed
from .formulas import Formula, Formulas, Parts, Values
from .sweep import Contribution, Given, Gradient, Step, Term

#: How many terms of a sum are written out.
MOST_TERMS = 6

#: A name is written in full in its own row, and cut to this length where it is only mentioned.
LONGEST_MENTION = 24


class Symbolic(NamedTuple):
    """A formula in symbols."""

    formula: Formula
    values: Values = {}


class Numeric(NamedTuple):
    """A value, or a formula with numbers put in; then also the formula itself."""

    parts: Parts
    formula: ast.expr | None = None
    values: Values = {}


class Sources(NamedTuple):
    """A sum of terms, each named by the step that it comes from; the last of many are left out."""

    terms: tuple[Term, ...]
    left_out: int

    def name(self, term: Term, before: int = 0) -> str:
        """Name the step, and the operand where one step gives several terms.

        A player counts the steps of the forward pass before it.
        """
        several = sum(other.step == term.step for other in self.terms) > 1
        return f"step {before + term.step}" + f", operand {term.operand + 1}" * several

    @property
    def remark(self) -> str:
        return f"({self.left_out} more)" if self.left_out else ""

    def __str__(self) -> str:
        names = [f"({self.name(term)})" for term in self.terms]
        return " + ".join(filter(None, [*names, self.remark]))


#: What stands on a side of an equation; text where it is in words.
Side: TypeAlias = "Symbolic | Numeric | Sources | str"


class Row(NamedTuple):
    """``side = side = side``; the label says what it is, and the notes what is special about it."""

    label: str
    notes: tuple[str, ...]
    sides: tuple[Side, ...]


class Rows:
    """Writes the rows of a run."""

    def __init__(self, formulas: Formulas) -> None:
        self.formulas = formulas

    def tensor(self, i: int) -> Symbolic:
        return Symbolic(self.formulas.tensor(i))

    def gradient(self, i: int) -> Symbolic:
        return Symbolic(self.formulas.gradient(i))

    def given(self, given: Given) -> Row:
        """Say what a tensor held; a leaf may have been given new values on the way."""
        t = self.formulas.record.tensors[given.node]
        kind = "computed" if t.primitive else "parameter" if t.requires_grad else "constant"
        first, *others = given.values
        parts: list[str | np.ndarray] = [first]
        for value in others:
            parts += [", then ", value]
        return Row(kind, shape_of(first), (self.tensor(given.node), Numeric(tuple(parts))))

    def computed(self, i: int) -> Row:
        """Say how a tensor is computed, with numbers put in: a step of the forward pass."""
        formulas, values = self.formulas, self.formulas.values(i)
        tree = formulas.record.equation(i, formulas.constant)
        numbers = Numeric(formulas.with_numbers(tree, values), tree, values)
        value = values[formulas.record.names.identifier(formulas.record.tensors[i])]
        symbols = Symbolic(formulas.formula(tree, values), values)
        sides = (self.tensor(i), symbols, numbers, Numeric((value,)))
        return Row("computed", shape_of(value), sides)

    def step(self, step: Step) -> Iterator[Row]:
        """Yield what happens in a step of the backward pass, and what it starts from."""
        forward: list[Side] = [self.tensor(step.node), Symbolic(step.computed, step.values)]
        if step.definition is not None:
            forward.append(Symbolic(step.definition, step.values))
        forward.append(Numeric((step.value,)))
        yield Row("forward", shape_of(step.value), tuple(forward))
        yield from self.backward(step)

    def backward(self, step: Step) -> Iterator[Row]:
        arrived = (self.gradient(step.node), Numeric((step.upstream,)))
        yield Row("arrived", shape_of(step.upstream), arrived)
        inputs = [c.node for c in step.contributions]
        for c in step.contributions:
            yield self.passed_on(c, step, several=inputs.count(c.node) > 1)
        for gradient in step.complete:
            if len(gradient.terms) > 1:
                yield self.added_up(gradient)

    def passed_on(self, c: Contribution, step: Step, several: bool) -> Row:
        """Write a contribution: by its rule, with numbers put in, summed if it must be, as a value.

        One of several terms is not the gradient, and stands by itself.
        """
        label, notes = f"to {brief(c.tensor)}", list(shape_of(c.value))
        notes += [f"as operand {c.operand + 1}"] * several
        notes += [f"term {c.term} of {c.terms}"] * (c.terms > 1)
        notes += ["broadcast"] * (c.unsummed is not None)
        sides: list[Side] = [self.gradient(c.node)] if c.terms == 1 else []
        if c.expression is None or c.rule is None or c.parts is None:
            sides.append(f"({step.operation}'s own rule, which takes only arrays)")
        else:
            sides.append(Symbolic(Formula(c.rule, c.expression), step.values))
            upstream = self.formulas.gradient(step.node).text
            if c.rule == upstream and c.value.ndim:
                return Row(label, (*notes, "unchanged"), tuple(sides))
            if not isinstance(c.expression, ast.Name):
                sides.append(Numeric(c.parts, c.expression, step.values))
        if c.unsummed is not None and not is_sum_of_name(c.expression):
            values = {"terms": c.unsummed}
            sum_of = summed(ast.Name("terms"), c.unsummed.shape, c.value.shape)
            sides.append(Numeric(self.formulas.with_numbers(sum_of, values), sum_of, values))
        return Row(label, tuple(notes), (*sides, Numeric((c.value,))))

    def added_up(self, gradient: Gradient) -> Row:
        """Write a gradient as the sum of its terms, and say which steps they come from."""
        terms = gradient.terms[:MOST_TERMS]
        sources = Sources(terms, len(gradient.terms) - len(terms))
        parts: list[str | np.ndarray] = []
        for term in terms:
            parts += [" + ", term.value]
        parts += [f" + {sources.remark}"] * bool(sources.left_out)
        sides = (
            self.gradient(gradient.node),
            sources,
            Numeric(tuple(parts[1:])),
            Numeric((gradient.value,)),
        )
        return Row("added up", shape_of(gradient.value), sides)

    def reached(self, g: Gradient) -> Row:
        """Write a gradient that the sweep led to."""
        sides = (self.gradient(g.node), Numeric((g.value,)))
        return Row(brief(g.tensor), shape_of(g.value), sides)


def way(step: Step) -> str:
    """Say through which operation a step goes, and from where to where."""
    inputs = listed([brief(c.tensor) for c in step.contributions])
    return f"through {step.operation}, from {brief(step.tensor)} to {inputs}"


def is_sum_of_name(expression: ast.expr | None) -> bool:
    while isinstance(expression, ast.Call) and expression.args:
        expression = expression.args[0]
    return isinstance(expression, ast.Name)


def shape_of(value: np.ndarray) -> tuple[str, ...]:
    return (written_shape(value.shape).text,) if value.ndim else ()


def brief(name: str) -> str:
    return name if len(name) <= LONGEST_MENTION else f"{name[: LONGEST_MENTION - 4]}…"
