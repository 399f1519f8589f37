"""What happens in a step, as rows of a label and an equation: the same in every form."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np

from ...notation.formula import Formula
from ...notation.numbers import LONGEST_NAME, listed, printable, written_shape
from ...notation.pieces import Parts
from .sweep import Contribution, Formulas, Given, Gradient, Step, Term

#: How many terms of a sum are written out.
MOST_TERMS = 6


class Numbers(NamedTuple):
    formula: Formula


class Sources(NamedTuple):
    """A sum of terms, each named by the step that it comes from; the last of many are left out."""

    terms: tuple[Term, ...]
    left_out: int

    def name(self, term: Term) -> str:  # the operand too, where one step gives several terms
        several = sum(other.step == term.step for other in self.terms) > 1
        return f"step {term.step}" + f", operand {term.operand + 1}" * several

    def summed(self, names: Iterable[str]) -> str:
        more = [f"({self.left_out} more)"] if self.left_out else []
        return " + ".join([*names, *more])

    def __str__(self) -> str:
        return self.summed(f"({self.name(term)})" for term in self.terms)


#: What stands on a side of an equation: symbols, numbers, values with words between, or words.
Side: TypeAlias = "Formula | Numbers | Parts | Sources | str"


class Row(NamedTuple):
    """``side = side = side``; the label says what it is, and the notes what is special about it."""

    label: str
    notes: tuple[str, ...]
    sides: tuple[Side, ...]

    @property
    def kind(self) -> str:
        # in a quiz: given, an answer, or one of several terms of one
        term = any(note.startswith("term ") for note in self.notes)
        return "given" if self.label == "arrived" else "term" if term else "answer"


class Rows:
    def __init__(self, formulas: Formulas) -> None:
        self.formulas = formulas

    def given(self, given: Given) -> Row:
        # a leaf may have been given new values on the way
        t = self.formulas.record.tensors[given.node]
        kind = "computed" if t.primitive else "parameter" if t.requires_grad else "constant"
        sides = self.formulas.tensor(given.node), between(", then ", given.values)
        return Row(kind, shape_of(given.values[0]), sides)

    def computed(self, i: int) -> Row:
        value, formula = self.formulas.record.tensors[i].data, self.formulas.equation(i)
        sides = (self.formulas.tensor(i), formula, Numbers(formula), (value,))
        return Row("computed", shape_of(value), sides)

    def step(self, step: Step) -> Iterator[Row]:
        definition: list[Side] = [] if step.definition is None else [step.definition]
        sides = self.formulas.tensor(step.node), step.computed, *definition, (step.value,)
        yield Row("forward", shape_of(step.value), sides)
        yield from self.backward(step)

    def backward(self, step: Step) -> Iterator[Row]:
        arrived = (self.formulas.gradient(step.node), (step.upstream,))
        yield Row("arrived", shape_of(step.upstream), arrived)
        inputs = [c.node for c in step.contributions]
        for c in step.contributions:
            yield self.passed_on(c, step, several=inputs.count(c.node) > 1)
        for gradient in step.complete:
            if len(gradient.terms) > 1:
                yield self.added_up(gradient)

    def passed_on(self, c: Contribution, step: Step, several: bool) -> Row:
        # one of several terms is not the gradient, and stands by itself
        label, notes = f"to {brief(c.tensor)}", list(shape_of(c.value))
        notes += [f"as operand {c.operand + 1}"] * several
        notes += [f"term {c.term} of {c.terms}"] * (c.terms > 1)
        notes += ["broadcast"] * c.broadcast
        sides: list[Side] = [self.formulas.gradient(c.node)] if c.terms == 1 else []
        if c.formula is None:
            sides.append(f"({step.operation}'s own rule, which takes only arrays)")
        else:
            sides.append(c.formula)
            is_name = isinstance(c.formula.tree, ast.Name)
            if is_name and c.formula.text == step.gradient and c.value.ndim:
                return Row(label, (*notes, "unchanged"), tuple(sides))
            sides += [Numbers(c.formula)] * (not is_name)
        return Row(label, tuple(notes), (*sides, (c.value,)))

    def added_up(self, gradient: Gradient) -> Row:
        terms = gradient.terms[:MOST_TERMS]
        sources = Sources(terms, len(gradient.terms) - len(terms))
        numbers = between(" + ", [term.value for term in terms])
        numbers += (sources.summed([""]),) * bool(sources.left_out)
        name = self.formulas.gradient(gradient.node)
        sides = name, sources, numbers, (gradient.value,)
        return Row("added up", shape_of(gradient.value), sides)

    def reached(self, g: Gradient) -> Row:
        sides = (self.formulas.gradient(g.node), (g.value,))
        return Row(brief(g.tensor), shape_of(g.value), sides)


def way(step: Step) -> str:
    inputs = listed([brief(c.tensor) for c in step.contributions])
    operation = in_scope(step.operation, step.scope)
    return f"through {operation}, from {brief(step.tensor)} to {inputs}"


def in_scope(operation: str, scope: str) -> str:
    return f"{operation} in {brief(scope)}" if scope else operation


def between(words: str, values: Iterable[np.ndarray]) -> Parts:
    parts: list[str | np.ndarray] = []
    for value in values:
        parts += [words, value]
    return tuple(parts[1:])


def shape_of(value: np.ndarray) -> tuple[str, ...]:
    return (written_shape(value.shape).text,) if value.ndim else ()


def brief(name: str) -> str:
    # in full in its own row, and cut where it is only mentioned
    return printable(name, LONGEST_NAME)
