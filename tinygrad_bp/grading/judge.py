"""The judge: walks backward from the loss, and compares every answer twice.

An answer is compared with the truth, and with what follows from the person's own answers nearer to
the loss. So a slip is charged once, where it is made. An answer that neither explains is wrong, and
a mistake is named if, planted between it and the nearest answers, it reproduces the person's
numbers at every point.

Where a quantity is not answered, a slip made there shows in several lines. So a mistake that was
named stays planted for the lines that follow; and of several that fit, those that a later line
rules out are dropped. What went wrong so far, as one explanation of the answers has it, is a story.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from ..differences import agree
from ..mistakes.catalogue import find_faults
from ..mistakes.mistake import Fault
from ..mistakes.run import Place, Run
from ..record import Contribute, Edge, Part
from . import limits
from .findings import Finding, Implied, Numbers
from .precision import FULL_SINGLE, RIGHT, count_digits, stored_as_computed, tolerance_of
from .submission import Answers

#: How close a mistake must reproduce the numbers to be named: a formula that is nearly the same,
#: such as one with a small term more, must not.
REPRODUCED = 1e-9

#: Gradients at each point, by position.
Upstream: TypeAlias = list[dict[int, Any]]

Story: TypeAlias = tuple[Fault | Implied, ...]


class Judge:
    """Judges the answers of one submission, given the recorded computation at each point too."""

    def __init__(self, runs: Sequence[Run], answers: Sequence[Answers]) -> None:
        self.runs = runs
        self.answers = answers
        self.positions = runs[0].quantities
        self.readable = {
            name: [
                stored_as_computed(resized(a.values[name], run.gradients[i]))
                for a, run in zip(answers, runs, strict=True)
            ]
            for name, i in self.positions.items()
            if all(name in a.values and name not in a.unreadable for a in answers)
        }
        # The person's answers as upstream gradients: those that fit, and all as they are.
        self.own: Upstream = [{} for _ in runs]
        self.raw: Upstream = [{} for _ in runs]
        for name, numbers in self.readable.items():
            i = self.positions[name]
            fits = [fitted(a, run.gradients[i]) for a, run in zip(numbers, runs, strict=True)]
            for own, raw, fit, number in zip(self.own, self.raw, fits, numbers, strict=True):
                if number.size <= limits.MOST_GROWTH * max(runs[0].tensors[i].size, 1):
                    raw[i] = number
                if all(f is not None for f in fits):
                    own[i] = fit
        self.swept: dict[Story, Upstream] = {}
        self.places: dict[tuple[int, Edge, Story], Place] = {}
        self.work = 0
        #: The layouts, other than the right one, that a line was charged with.
        self.layouts: set[str] = set()
        #: The quantities judged so far, with their answers.
        self.before: list[tuple[int, Numbers]] = []

    def judge(self) -> list[Finding]:
        """Judge every quantity, from the loss back."""
        stories: list[Story] = [()]
        findings: list[Finding] = []
        for name in self.runs[0].backward_order:
            finding, stories = self.judge_line(name, stories)
            findings.append(finding)
            if finding.answered is not None:
                self.before.append((self.positions[name], finding.answered))
        return [without_ruled_out(finding, stories) for finding in findings]

    def judge_line(self, name: str, stories: list[Story]) -> tuple[Finding, list[Story]]:
        """Judge one quantity; return it, and the stories that go on."""
        i = self.positions[name]
        right = [run.gradients[i] for run in self.runs]
        answered = self.readable.get(name)
        if answered is None:
            reason = next((a.unreadable[name] for a in self.answers if name in a.unreadable), "")
            if not reason and any(name in a.values for a in self.answers):
                reason = "it is answered at some points, and not at others"
            verdict = "unreadable" if reason else "missing"
            return Finding(name, verdict, right, reason=reason), stories
        layout = layout_of(answered, right)
        if layout is None:
            return self.compare(name, right, answered, stories)
        relaid = [in_layout(a, r)[1] for a, r in zip(answered, right, strict=True)]
        if layout not in self.layouts:  # it is this line's slip, if it is the only one
            if self.agrees(relaid, right) or self.agrees(relaid, self.expected(i)):
                self.layouts.add(layout)
            return self.compare(name, right, answered, stories)
        finding, stories = self.compare(name, right, relaid, stories)
        if finding.verdict in ("right", "carried forward"):
            reason = "Right, in the layout of an earlier line."
            finding = replace(finding, verdict="carried forward", answered=answered, reason=reason)
        return finding, stories

    def compare(
        self, name: str, right: Numbers, answered: Numbers, stories: list[Story]
    ) -> tuple[Finding, list[Story]]:
        """Compare an answer with the truth, and with what follows; else look for its mistake."""
        i = self.positions[name]
        expected = self.expected(i)
        finding = Finding(name, "wrong", right, answered, expected)
        told = [story for story in stories if self.agrees(answered, self.expected(i, story))]
        if self.agrees(answered, right):
            digits = count_digits(answered, right)
            reason = say_digits(digits) if digits is not None and digits < FULL_SINGLE else ""
            return replace(finding, verdict="right", reason=reason), told or stories
        if told or self.agrees(answered, expected) or self.follows_as_it_is(i, answered):
            return replace(finding, verdict="carried forward"), told or stories
        faults, explained = self.explain(i, answered, stories)
        if not faults:
            for verdict, numbers in (("right", right), ("carried forward", expected)):
                digits = count_digits(answered, numbers)
                if digits is not None:
                    return replace(finding, verdict=verdict, reason=say_digits(digits)), stories
        given_up = self.work >= limits.MOST_WORK
        implied = None if faults or given_up else self.find_implied(i, answered)
        if implied is not None:  # or it is this line's own slip, and the story is as it was
            explained = different([*((*story, implied) for story in explained), *explained])
        reason = ""
        if given_up or len(self.runs[0].part(i, self.own[0]).edges) > limits.MOST_EDGES:
            reason = "Not every mistake was tried, as the network is large."
        return replace(finding, faults=faults, implied=implied, reason=reason), explained

    # ---- what follows from what ----

    def expected(self, i: int, story: Story = ()) -> list[Any]:
        """Return what follows from the person's own answers and a story; None where nothing."""
        return [gradients.get(i) for gradients in self.follow(story)]

    def agrees(self, answered: Numbers, numbers: Sequence[Any]) -> bool:
        """Say whether answers are equal to some numbers at every point."""
        return all(
            number is not None and agree(answer, number, tolerance_of(answer, RIGHT), run.noise)
            for answer, number, run in zip(answered, numbers, self.runs, strict=True)
        )

    def follow(self, story: Story) -> Upstream:
        """Return all gradients at each point that follow from the person's answers and a story."""
        if story not in self.swept:
            self.swept[story] = [
                run.sweep(own | implied_by(story, p), self.plant(p, story))
                for p, (run, own) in enumerate(zip(self.runs, self.own, strict=True))
            ]
        return self.swept[story]

    def follows_as_it_is(self, i: int, answered: Numbers) -> bool:
        """Say whether an answer follows from answers of wrong shapes, or NaN, taken as they are."""
        pairs = zip(self.own, self.raw, strict=True)
        if all(own.get(step) is number for own, raw in pairs for step, number in raw.items()):
            return False  # all of them fit
        numbers = [
            run.sweep(raw, edges=run.part(i, raw).edges).get(i)
            for run, raw in zip(self.runs, self.raw, strict=True)
        ]
        return self.agrees(answered, numbers)

    def find_implied(self, i: int, answered: Numbers) -> Implied | None:
        """Find the gradient that was not answered and must have been wrong for an answer to follow.

        A step's contribution is linear in its upstream gradient. Where there are more numbers than
        unknowns, and they agree, the person may have had that gradient.
        """
        edges = self.runs[0].uses.get(i, ())
        if len(edges) != 1 or edges[0].step in self.own[0] or not any(a.any() for a in answered):
            return None
        (edge,) = edges
        name = next((name for name, step in self.positions.items() if step == edge.step), None)
        found = [solve(run, edge, a) for run, a in zip(self.runs, answered, strict=True)]
        gradients = [g for g in found if g is not None]
        if name is None or len(gradients) < len(found):
            return None
        return Implied(name, edge.step, gradients)

    # ---- naming ----

    def explain(
        self, i: int, answered: Numbers, stories: list[Story]
    ) -> tuple[tuple[Fault, ...], list[Story]]:
        """Return the mistakes that reproduce an answer, and the stories that include them.

        They are planted on top of the stories so far; else on the person's own answers alone; else
        on the truth, in case the person went on with that.
        """
        if self.work >= limits.MOST_WORK:
            return (), stories
        parts = [
            nearest(run, run.part(i, own), limits.MOST_EDGES)
            for run, own in zip(self.runs, self.own, strict=True)
        ]
        faults = list(self.find_candidates(parts[0]))
        attempts = [(stories, self.own)]
        if stories != [()]:
            attempts.append(([()], self.own))
        if parts[0].given:
            truth = [{i: run.gradients[i] for i in self.own[0]} for run in self.runs]
            attempts.append(([()], truth))
        for told, upstream in attempts:
            fitting = [
                (story, fault)
                for story in told
                for fault in faults
                if self.work < limits.MOST_WORK
                if self.reproduces(fault, story, parts, upstream, answered)
            ]
            fitting = [found for found in fitting if not self.is_refuted(*found)] or fitting
            if fitting:
                named = {(fault.mistake.name, fault.detail): fault for _, fault in fitting}
                return tuple(named.values()), different([(*s, fault) for s, fault in fitting])
        return (), stories

    def is_refuted(self, story: Story, fault: Fault) -> bool:
        """Say whether a line before, which a story explains, would be another with this mistake."""
        return any(
            self.agrees(answered, self.expected(i, story))
            and not self.agrees(answered, self.expected(i, (*story, fault)))
            for i, answered in self.before
        )

    def find_candidates(self, part: Part) -> Iterator[Fault]:
        """Return what can be planted: every mistake at each edge, and at all its edges at once."""
        everywhere: dict[tuple[int, int], list[Fault]] = {}
        for edge in part.edges:
            for fault in find_faults(self.place(0, edge)):
                everywhere.setdefault((id(fault.mistake), fault.variant), []).append(fault)
                yield fault
        for faults in everywhere.values():
            edges = tuple(edge for fault in faults for edge in fault.edges)
            if len(edges) > 1 and not any(fault.detail for fault in faults):
                yield faults[0]._replace(edges=edges)

    def find_consequences(self, i: int) -> Iterator[tuple[Fault, Numbers]]:
        """Return each mistake between a quantity and the nearest answers, with what it gives."""
        parts = [run.part(i, own) for run, own in zip(self.runs, self.own, strict=True)]
        for fault in self.find_candidates(nearest(self.runs[0], parts[0], limits.FEW_EDGES)):
            if len(fault.edges) > 1:
                continue
            numbers = [
                run.sweep(own, self.plant(p, (fault,)), part.edges).get(i)
                for p, (run, part, own) in enumerate(zip(self.runs, parts, self.own, strict=True))
            ]
            if all(number is not None for number in numbers):
                yield fault, [np.asarray(number) for number in numbers]

    def reproduces(
        self,
        fault: Fault,
        story: Story,
        parts: Sequence[Part],
        upstream: Upstream,
        answered: Numbers,
    ) -> bool:
        """Say whether a mistake, on top of a story, gives the person's numbers at every point."""
        for p, (run, part) in enumerate(zip(self.runs, parts, strict=True)):
            told = ChainMap(upstream[p], self.follow(story)[p])
            start = {step: told[step] for step in part.given if step in told}
            start |= implied_by(story, p)
            self.work += len(part.edges)
            planted = self.plant(p, (*story, fault))
            number = run.sweep(start, planted, part.edges).get(part.target)
            tolerance = tolerance_of(answered[p], REPRODUCED)
            if number is None or not agree(answered[p], number, tolerance, run.noise):
                return False
        return True

    def plant(self, p: int, story: Story) -> dict[Edge, Contribute]:
        """Return the wrong contributions of a story at one point, by edge."""
        return {
            edge: fault.contribution(self.place(p, edge, story[:k]))
            for k, fault in enumerate(story)
            if isinstance(fault, Fault)
            for edge in fault.edges
        }

    def place(self, p: int, edge: Edge, story: Story = ()) -> Place:
        """Return an edge of one run, with the gradients that the person has there.

        What was not answered is at hand as it follows from the answers and the story so far.
        """
        if (p, edge, story) not in self.places:
            run = self.runs[p]
            follows = self.follow(story)[p] if story else {}
            at_hand = ChainMap(self.own[p], follows, run.gradients)
            self.places[p, edge, story] = Place(run, edge, at_hand)
        return self.places[p, edge, story]


def say_digits(digits: int) -> str:
    return f"Right to {digits} digits: rounded, or computed in low precision."


def solve(run: Run, edge: Edge, answer: np.ndarray) -> np.ndarray | None:
    """Return the upstream gradient from which an answer follows by one edge, if there is just one.

    There must be more numbers than unknowns: else any answer would follow from something.
    """
    g = run.gradients[edge.step]
    if answer.shape != run.tensors[run.source[edge]].shape:
        return None
    if g.size > limits.MOST_UNKNOWNS or g.size >= answer.size:
        return None
    units = np.eye(g.size).reshape(-1, *g.shape)
    columns = np.stack([run.contribution(edge, unit).ravel() for unit in units], axis=1)
    solution, _, rank, _ = np.linalg.lstsq(columns, answer.ravel())
    if rank < g.size or not agree(columns @ solution, answer.ravel(), REPRODUCED, run.noise):
        return None
    return np.asarray(solution.reshape(g.shape))


def resized(answer: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return an answer in the right shape, where there is one number in whatever brackets."""
    return answer.reshape(right.shape) if answer.size == right.size == 1 else answer


def fitted(answer: np.ndarray, right: np.ndarray) -> np.ndarray | None:
    """Return an answer as an upstream gradient, if it can be one: a flat column as a column."""
    layout, numbers = in_layout(answer, right)
    if layout is None or not np.isfinite(numbers).all():
        return None
    return numbers.astype(np.float64, copy=False)


def in_layout(answer: np.ndarray, right: np.ndarray) -> tuple[str | None, np.ndarray]:
    """Return how an answer lays out its numbers, and these in the right layout.

    It is right (an empty text), transposed, as a row that stands for a column is, or has other axes
    of length 1, as a flat column; None if its shape is another.
    """
    if answer.shape == right.shape:
        return "", answer
    if answer.shape == right.shape[::-1]:
        return "transposed", answer.T
    if answer.squeeze().shape == right.squeeze().shape:
        return "flat", answer.reshape(right.shape)
    return None, answer


def layout_of(answered: Numbers, right: Numbers) -> str | None:
    """Return the layout, other than the right one, that an answer has at every point."""
    layouts = {in_layout(a, r)[0] for a, r in zip(answered, right, strict=True)}
    return layouts.pop() or None if len(layouts) == 1 else None


def nearest(run: Run, part: Part, most: int) -> Part:
    """Return a part cut to its last edges, where it is so large that a search would take long."""
    if len(part.edges) <= most:
        return part
    edges = part.edges[-most:]
    kept = set(edges)
    steps = {edge.step for edge in edges}
    cut = {step for step in steps if not kept.issuperset(run.uses.get(step, ()))}
    return Part(part.target, edges, frozenset(cut | (part.given & steps)))


def implied_by(story: Story, p: int) -> dict[int, Any]:
    """Return the gradients at one point that a story implies, by position."""
    return {part.step: part.gradients[p] for part in story if isinstance(part, Implied)}


def different(stories: list[Story]) -> list[Story]:
    """Return the stories that differ, as many as are followed."""
    by_key = {tuple(map(key, story)): story for story in stories}
    return list(by_key.values())[: limits.MOST_STORIES]


def key(part: Fault | Implied) -> tuple[Any, ...]:
    """Return what tells one part of a story from another."""
    if isinstance(part, Implied):
        return (part.step,)
    return (part.mistake.name, part.detail, part.edges, part.variant)


def without_ruled_out(finding: Finding, stories: list[Story]) -> Finding:
    """Drop the explanations of a line that the lines after it rule out."""
    kept = {key(part)[:2] for story in stories for part in story}
    faults = tuple(fault for fault in finding.faults if key(fault)[:2] in kept)
    implied = finding.implied if finding.implied and key(finding.implied) in kept else None
    return replace(finding, faults=faults or finding.faults, implied=implied)
