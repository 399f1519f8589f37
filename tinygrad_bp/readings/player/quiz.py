"""A quiz: which rule is right at a step? The wrong ones are rows of the catalogue of mistakes."""

from __future__ import annotations

import ast
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
    """The questions of a run: one for each kind of contribution, where it comes first."""

    def __init__(self, record: Record) -> None:
        self.record, self.wrong = record, WrongFormulas(record)
        self.asked: set[object] = set()

    def question(self, step: Step) -> Question | None:
        t = self.record.tensors[step.node]
        shapes = tuple(np.shape(value) for value in t.operands)
        rng = np.random.default_rng(step.number)  # the same page every time
        contributions = shuffled(rng, step.contributions)
        for c in sorted(contributions, key=lambda c: not c.broadcast):  # a bias's is a sum
            kind = (t.primitive, str(t.params), shapes, c.operand)
            if c.formula is None or kind in self.asked:
                continue
            self.asked.add(kind)
            wrong = self.choices(rng, Edge(step.node, c.operand), c)
            if len(wrong) >= FEWEST_WRONG:
                asks = f"What does {step.operation} pass on to {c.tensor}?"
                return Question(asks, tuple(shuffled(rng, [Choice(c.formula, None), *wrong])))
        return None

    def choices(self, rng: np.random.Generator, edge: Edge, c: Contribution) -> list[Choice]:
        # Mistakes that belong to the operation come first, as they teach more. Of what can be done
        # wrong anywhere, a number too many teaches little, and another shape gives itself away,
        # unless it is the sum that was forgotten.
        operation = getattr(self.record.tensors[edge.step].primitive, "__name__", "")

        def is_general(mistake: Mistake) -> bool:
            return operation not in mistake.rules

        chosen: dict[Mistake, tuple[WrongFormula, Choice]] = {}
        mistakes = sorted(shuffled(rng, CATALOGUE), key=is_general)
        for wrong in self.wrong.at(edge, mistakes):
            formula = Formula(wrong.tree, self.record.names)
            number = isinstance(wrong.tree, ast.BinOp) and isinstance(
                wrong.tree.right, ast.Constant
            )
            teaches = not number and (wrong.fits or wrong.mistake.duty is not None)
            if (
                wrong.mistake not in chosen
                and (teaches or not is_general(wrong.mistake))
                and len(formula.text) <= len(c.rule or "") + LONGER
                and not any(wrong.equals(other) for other, _ in chosen.values())
            ):
                chosen[wrong.mistake] = wrong, Choice(formula, wrong.mistake)
            if len(chosen) == MOST_WRONG:
                break
        return [choice for _, choice in chosen.values()]


def shuffled(rng: np.random.Generator, items: Sequence[Item]) -> list[Item]:
    return [items[i] for i in rng.permutation(len(items))]
