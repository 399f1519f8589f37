"""A quiz: which rule is right at a step? The wrong ones are rows of the catalogue of mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from ...mistakes.catalogue import CATALOGUE
from ...mistakes.in_symbols import WrongFormula, WrongFormulas
from ...mistakes.mistake import Mistake
from ...notation.formula import Formula
from ...record import Edge, Record
from ..steps.sweep import Contribution, Step

Item = TypeVar("Item")

MOST_QUESTIONS = 60
FEWEST_WRONG, MOST_WRONG = 2, 3

#: A choice that is longer than the right one by more characters gives itself away.
LONGER = 12


class Choice(NamedTuple):
    formula: Formula
    mistake: Mistake | None  # none made in the right one


class Question(NamedTuple):
    asks: str
    choices: tuple[Choice, ...]


class Quiz:
    """The questions of a run: one for each kind of step, where it comes first in the sweep."""

    def __init__(self, record: Record) -> None:
        self.record, self.wrong = record, WrongFormulas(record)
        self.asked: set[object] = set()

    def question(self, step: Step) -> Question | None:
        t = self.record.tensors[step.node]
        shapes = tuple(np.shape(value) for value in t.operands)
        edges = tuple(c.operand for c in step.contributions)
        kind = (t.primitive, str(t.params), shapes, edges)
        if kind in self.asked or len(self.asked) == MOST_QUESTIONS:
            return None
        rng = np.random.default_rng(step.number)  # the same page every time
        for c in shuffled(rng, step.contributions):
            wrong = [] if c.formula is None else self.choices(rng, Edge(step.node, c.operand), c)
            if c.formula is not None and len(wrong) >= FEWEST_WRONG:
                self.asked.add(kind)
                every = [Choice(c.formula, None), *wrong]
                asks = f"What does {step.operation} pass on to {c.tensor}?"
                return Question(asks, tuple(shuffled(rng, every)))
        return None

    def choices(self, rng: np.random.Generator, edge: Edge, c: Contribution) -> list[Choice]:
        # mistakes that belong to the operation come first, as they teach more; of what can be done
        # wrong anywhere, only what has the right shape
        operation = getattr(self.record.tensors[edge.step].primitive, "__name__", "")

        def is_general(mistake: Mistake) -> bool:
            return operation not in mistake.rules

        chosen: dict[Mistake, tuple[WrongFormula, Choice]] = {}
        mistakes = sorted(shuffled(rng, CATALOGUE), key=is_general)
        for wrong in self.wrong.at(edge, mistakes):
            formula = Formula(wrong.tree, self.record.names)
            if (
                wrong.mistake not in chosen
                and (wrong.fits or not is_general(wrong.mistake))
                and len(formula.text) <= len(c.rule or "") + LONGER
                and not any(wrong.equals(other) for other, _ in chosen.values())
            ):
                chosen[wrong.mistake] = wrong, Choice(formula, wrong.mistake)
            if len(chosen) == MOST_WRONG:
                break
        return [choice for _, choice in chosen.values()]


def shuffled(rng: np.random.Generator, items: Sequence[Item]) -> list[Item]:
    return [items[i] for i in rng.permutation(len(items))]
