"""What a person answered at one point, and what follows from it there.

What went wrong so far, as one explanation of the answers has it, is a story: mistakes of the
catalogue, and wrong gradients that were not answered.
"""

from __future__ import annotations

from collections import ChainMap
from typing import Any, TypeAlias

import numpy as np

from ..mistakes.mistake import Fault
from ..mistakes.run import Place, Run
from ..record import Contribute, Edge, Part
from .findings import Implied
from .limits import MOST_UNKNOWNS
from .precision import RIGHT, agree, stored_as_computed
from .submission import Answers

#: How close a mistake must reproduce the numbers to be named: a formula that is nearly the same,
#: such as one with a small term more, must not.
REPRODUCED = 1e-9

Story: TypeAlias = tuple[Fault | Implied, ...]


class Sheet:
    """The answers at one point, which is counted from 0."""

    def __init__(self, point: int, run: Run, answers: Answers) -> None:
        self.point, self.run = point, run
        self.numbers = {
            name: stored_as_computed(unwrapped(answers.values[name], run.gradients[i]))
            for name, i in run.quantities.items()
            if name in answers.values and name not in answers.unreadable
        }
        #: The answers as upstream gradients, by position: those that fit, and all as they are.
        self.own: dict[int, Any] = {}
        self.raw: dict[int, Any] = {}
        self.swept: dict[Story, dict[int, Any]] = {}
        self.outcomes: dict[Story, dict[int, Any]] = {}
        self.places: dict[tuple[Edge, Story], Place] = {}

    def follow(self, story: Story) -> dict[int, Any]:
        if story not in self.swept:
            given = self.own | self.implied_by(story)
            self.swept[story] = self.run.sweep(given, self.plant(story))
        return self.swept[story]

    def gradient(self, story: Story, i: int) -> Any:
        # of a quantity; as `follow`, for so many stories that the rest is not kept
        if story not in self.outcomes:
            given = self.own | self.implied_by(story)
            swept = self.run.sweep(given, self.plant(story))
            kept = self.run.quantities.values()
            self.outcomes[story] = {k: swept[k] for k in kept if k in swept}
        return self.outcomes[story].get(i)

    def plant(self, story: Story) -> dict[Edge, Contribute]:
        planted: dict[Edge, Contribute] = {}
        for k, fault in enumerate(story):
            if isinstance(fault, Fault):
                for edge in fault.edges:
                    place = self.place(edge, story[:k], planted.get(edge))
                    planted[edge] = fault.contribution(place)
        return planted

    def implied_by(self, story: Story) -> dict[int, Any]:
        return {x.step: x.gradients[self.point] for x in story if isinstance(x, Implied)}

    def place(self, edge: Edge, story: Story = (), before: Contribute | None = None) -> Place:
        # What was not answered is there as it follows from the answers and the story so far.
        if (edge, story) not in self.places:
            follows = self.follow(story) if story else {}
            at_hand = ChainMap(self.own, follows, self.run.gradients)
            self.places[edge, story] = Place(self.run, edge, at_hand, before)
        return self.places[edge, story]

    def agrees(self, answer: np.ndarray, number: Any, tolerance: float = RIGHT) -> bool:
        return number is not None and agree(answer, number, tolerance, self.run.noise)

    def reproduces(self, answer: np.ndarray, part: Part, story: Story, last: int = 1) -> bool:
        # from what was answered, and what follows from the story before its last mistakes
        known = ChainMap(self.own, self.follow(story[: len(story) - last]))
        start = {step: known[step] for step in part.given if step in known}
        arrived = self.run.sweep(start | self.implied_by(story), self.plant(story), part.edges)
        return self.agrees(answer, arrived.get(part.target), REPRODUCED)

    def solve(self, edge: Edge, answer: np.ndarray) -> np.ndarray | None:
        # The upstream gradient from which the answer follows, if it is just one. There must be more
        # numbers than unknowns: else any answer would follow from something.
        g = self.run.gradients[edge.step]
        if answer.shape != self.run.tensors[self.run.source[edge]].shape:
            return None
        if g.size > MOST_UNKNOWNS or g.size >= answer.size:
            return None
        units = np.eye(g.size).reshape(-1, *g.shape)
        columns = [self.run.contribution(edge, unit).ravel() for unit in units]
        matrix = np.stack(columns, axis=1)
        wanted = answer.ravel() / self.run.scale(self.run.source[edge])
        solution, _, rank, _ = np.linalg.lstsq(matrix, wanted)
        if rank < g.size or not self.agrees(wanted, matrix @ solution, REPRODUCED):
            return None
        return np.asarray(solution.reshape(g.shape))


# ---- layouts ----


def unwrapped(answer: np.ndarray, right: np.ndarray) -> np.ndarray:
    # a row is a vector to NumPy, whatever axes of length 1 come first: it broadcasts alike
    same = without_leading(answer.shape) == without_leading(right.shape)
    is_one = answer.size == right.size == 1
    return answer.reshape(right.shape) if same or is_one else answer


def without_leading(shape: tuple[int, ...]) -> tuple[int, ...]:
    while shape[:1] == (1,):
        shape = shape[1:]
    return shape


def in_layout(answer: np.ndarray, right: np.ndarray) -> tuple[str | None, np.ndarray]:
    # how the numbers are laid out: right (""), transposed, as a row that stands for a column, or
    # with other axes of length 1, as a flat column; None for any other shape
    if answer.shape == right.shape:
        return "", answer
    if answer.shape == right.shape[::-1]:
        return "transposed", answer.T
    if answer.squeeze().shape == right.squeeze().shape:
        return "flat", answer.reshape(right.shape)
    return None, answer


def fitted(answer: np.ndarray, right: np.ndarray) -> np.ndarray | None:
    layout, numbers = in_layout(answer, right)
    if layout is None or not np.isfinite(numbers).all():
        return None
    return numbers.astype(np.float64, copy=False)
