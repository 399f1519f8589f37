"""What an explanation says, as rows of a label and an equation: the same in every form."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np

from ...notation.numbers import listed, written_shape
from ...notation.rules import summed
from .record import Contribution, Formula, Given, Gradient, Parts, Record, Step
from .symbols import Symbols

#: How many terms of a sum are written out.
MOST_TERMS = 6

NO_VALUES: Mapping[str, np.ndarray] = {}


class Symbolic(NamedTuple):
    """A formula in symbols; its values tell numbers from arrays."""

    formula: Formula
    values: Mapping[str, np.ndarray] = NO_VALUES


class Numeric(NamedTuple):
    """A value, or a formula with numbers put in; then also the formula itself."""

    parts: Parts
    formula: ast.expr | None = None
    values: Mapping[str, np.ndarray] = NO_VALUES


#: What stands on a side of an equation; text where it is in words.
Side: TypeAlias = "Symbolic | Numeric | str"


class Row(NamedTuple):
    """``side = side = side``; the label says what it is, and the notes what is to be known."""

    label: str
    notes: tuple[str, ...]
    sides: tuple[Side, ...]


def introduction(explanation: Record) -> str:
    """Say what is to come."""
    name, steps = explanation.output, len(explanation.steps)
    ends = listed([gradient.tensor for gradient in explanation.gradients])
    sentences = (
        f"How the gradients of {name} come about, in {steps} {'step' if steps == 1 else 'steps'} "
        f"from {name} back to {ends}. In each step, the gradient that arrived at the output of an "
        "operation is passed on to its inputs. What arrives at one tensor from several sides is "
        "added up."
    )
    rules = [c.rule for step in explanation.steps for c in step.contributions if c.rule is not None]
    if any("⊙" in rule for rule in rules):
        sentences += " The sign ⊙ multiplies entry by entry."
    if any("[axis " in rule or "[axes " in rule for rule in rules):
        sentences += " Axes count from 0: a sum over axis 0 adds up rows."
    return sentences


def sections(explanation: Record, symbols: Symbols) -> Iterator[tuple[str, list[Row]]]:
    """Yield title and rows of what is given, of each step, and of the gradients."""
    writer = Rows(explanation, symbols)
    if explanation.given:
        yield "Given", list(map(writer.given, explanation.given))
    for step in explanation.steps:
        inputs = listed([brief(c.tensor) for c in step.contributions])
        way = f"through {step.operation}, from {brief(step.tensor)} to {inputs}"
        yield f"Step {step.number} of {len(explanation.steps)}: {way}", list(writer.step(step))
    yield "The gradients", list(map(writer.reached, explanation.gradients))


class Rows:
    """Writes the rows of an explanation."""

    def __init__(self, explanation: Record, symbols: Symbols) -> None:
        self.output, self.symbols = explanation.output, symbols

    def tensor(self, node: int) -> Symbolic:
        """Write a tensor."""
        t = self.symbols.tensors[node]
        return Symbolic(Formula(self.symbols.text(t), ast.Name(self.symbols.names.identifier(t))))

    def gradient(self, node: int) -> Symbolic:
        """Write the gradient by a tensor."""
        t = self.symbols.tensors[node]
        return Symbolic(Formula(self.symbols.gradient(t), ast.Name(self.symbols.names.gradient(t))))

    def given(self, given: Given) -> Row:
        """Write what was given."""
        t = self.symbols.tensors[given.node]
        kind = "computed" if t.primitive else "parameter" if t.requires_grad else "constant"
        first, *others = given.values
        parts: list[str | np.ndarray] = [first]
        for value in others:
            parts += [", then ", value]
        return Row(kind, shape_of(first), (self.tensor(given.node), Numeric(tuple(parts))))

    def step(self, step: Step) -> Iterator[Row]:
        """Yield what is written of a step."""
        forward: list[Side] = [self.tensor(step.node), Symbolic(step.computed, step.values)]
        if step.definition is not None:
            forward.append(Symbolic(step.definition, step.values))
        forward.append(Numeric((step.value,)))
        yield Row("forward", shape_of(step.value), tuple(forward))
        arrived = (self.gradient(step.node), Numeric((step.upstream,)))
        yield Row("arrived", shape_of(step.upstream), arrived)
        for c in step.contributions:
            yield self.passed_on(c, step)
        for gradient in step.complete:
            if len(gradient.terms) > 1:
                yield self.added_up(gradient)

    def passed_on(self, c: Contribution, step: Step) -> Row:
        """Write a contribution: by its rule, with numbers put in, summed if it must be, as a value.

        One of several terms is not the gradient, and stands by itself.
        """
        sides: list[Side] = [self.gradient(c.node)] if c.terms == 1 else []
        notes = [*shape_of(c.value)]
        if c.terms > 1:
            notes.append(f"term {c.term} of {c.terms}")
        if c.unsummed is not None:
            notes.append("broadcast")
        upstream = self.symbols.names.gradient(self.symbols.tensors[step.node])
        if c.expression is None or c.rule is None or c.parts is None:
            sides.append(f"({step.operation}'s own rule, which takes only arrays)")
        else:
            sides.append(Symbolic(Formula(c.rule, c.expression), step.values))
            if isinstance(c.expression, ast.Name) and c.expression.id == upstream and c.value.ndim:
                notes.append("unchanged")
                return Row(f"to {brief(c.tensor)}", tuple(notes), tuple(sides))
            if not isinstance(c.expression, ast.Name):
                sides.append(Numeric(c.parts, c.expression, step.values))
        if c.unsummed is not None and not is_sum_of_name(c.expression):
            terms = {"terms": c.unsummed}
            sum_of = summed(ast.Name("terms"), c.unsummed.shape, c.value.shape)
            sides.append(Numeric(self.symbols.with_numbers(sum_of, terms), sum_of, terms))
        sides.append(Numeric((c.value,)))
        return Row(f"to {brief(c.tensor)}", tuple(notes), tuple(sides))

    def added_up(self, gradient: Gradient) -> Row:
        """Write a gradient as the sum of its terms, and say which steps they come from."""
        terms = gradient.terms[:MOST_TERMS]
        steps = [term.step for term in terms]
        sources = [
            f"(step {t.step})"
            if steps.count(t.step) == 1
            else f"(step {t.step}, operand {t.operand})"
            for t in terms
        ]
        parts: list[str | np.ndarray] = []
        for term in terms:
            parts += [" + ", term.value]
        if left_out := len(gradient.terms) - len(terms):
            sources.append(f"({left_out} more)")
            parts.append(f" + ({left_out} more)")
        sides: tuple[Side, ...] = (
            self.gradient(gradient.node),
            " + ".join(sources),
            Numeric(tuple(parts[1:])),
            Numeric((gradient.value,)),
        )
        return Row("added up", shape_of(gradient.value), sides)

    def reached(self, g: Gradient) -> Row:
        """Write a gradient that the sweep led to."""
        sides = (self.gradient(g.node), Numeric((g.value,)))
        return Row(brief(g.tensor), shape_of(g.value), sides)


def is_sum_of_name(expression: ast.expr | None) -> bool:
    """Say whether an expression is a sum of something that has a name."""
    while isinstance(expression, ast.Call) and expression.args:
        expression = expression.args[0]
    return isinstance(expression, ast.Name)


def shape_of(value: np.ndarray) -> tuple[str, ...]:
    """Write a shape, unless it is that of a number."""
    return (written_shape(value.shape).text,) if value.ndim else ()


def brief(name: str) -> str:
    """Shorten a long name, where it is written in full nearby."""
    return name if len(name) <= 24 else f"{name[:20]}…"
