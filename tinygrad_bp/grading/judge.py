"""The judge: walks backward from the loss, and compares every answer twice.

An answer is compared with the truth, and with what follows from the person's own answers nearer to
the loss. So a slip is charged once, where it is made. An answer that neither explains is wrong, and
a mistake is named if, planted between it and the nearest answers, it reproduces the person's
numbers at every point.

Where a quantity is not answered, a slip made there shows in several lines. So a mistake that was
named stays planted for the lines that follow; and of several that fit, those that a later line
rules out are dropped.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from .catalogue import faults_at
from .mistakes import Fault
from .planted import Contribution, Edge, Part, Place, Run, same
from .precision import FULL_SINGLE, RIGHT, right_digits, stored_as_computed, tolerance_of
from .submission import Answers

#: How close a mistake must reproduce the numbers to be named.
REPRODUCED = 1e-9

#: Below this, relative to the largest gradient of the sweep, is rounding noise.
NOISE = 1e-14

#: Mistakes are sought at so many edges, the nearest (what a point hides, at fewer); and so many
#: explanations are kept.
MOST_EDGES = 40
FEW_EDGES = 8
MOST_STORIES = 8

#: So many contributions are computed in search of mistakes: in a large network not all are tried.
MOST_WORK = 600_000

#: An answer of a wrong shape is carried on as it is, unless it has so many times the entries.
MOST_GROWTH = 100

#: An upstream gradient is solved for up to so many entries.
MOST_UNKNOWNS = 256


#: Gradients at each point, by position.
Upstream: TypeAlias = list[dict[int, Any]]

#: An answer's numbers at each point.
Numbers: TypeAlias = Sequence[np.ndarray]


@dataclass(frozen=True, eq=False)
class Implied:
    """A wrong gradient that was not answered, and from which an answer follows.

    Parameters
    ----------
    name, step
        Of the quantity, and its position.
    gradients
        Its gradient at each point, as the person must have had it.
    """

    name: str
    step: int
    gradients: Numbers


#: What went wrong so far, as one explanation of the answers has it.
Story: TypeAlias = tuple[Fault | Implied, ...]


@dataclass(frozen=True, eq=False)
class Judged:
    """What the judge found about one quantity.

    Parameters
    ----------
    name
        Of the quantity.
    verdict
        ``right``, ``wrong``, ``carried forward``, ``missing`` or ``unreadable``.
    answered, right, given
        The numbers at each point: the person's, the truth, and what follows from the person's own
        answers nearer to the loss (None where nothing can be computed from them).
    faults
        The catalogued mistakes that reproduce the answer.
    implied
        The wrong gradient that gives the answer, passed on rightly, where no mistake of the
        catalogue does.
    reason
        What else there is to say: why an answer is unreadable, or how far it is right.
    """

    name: str
    verdict: str
    right: Numbers
    answered: Numbers | None = None
    given: Sequence[np.ndarray | None] = ()
    faults: tuple[Fault, ...] = ()
    implied: Implied | None = None
    reason: str = ""


class Judge:
    """Judges the answers of one submission.

    Parameters
    ----------
    runs
        The recorded computation at each point.
    named
        The position of each quantity that can be answered, by name.
    answers
        The answers at each point.
    """

    def __init__(
        self, runs: Sequence[Run], named: Mapping[str, int], answers: Sequence[Answers]
    ) -> None:
        self.runs = runs
        self.named = named
        self.answers = answers
        self.floors = [noise_of(run, named) for run in runs]
        self.readable = {
            name: [
                stored_as_computed(sized(a.values[name], run.truth[i]))
                for a, run in zip(answers, runs, strict=True)
            ]
            for name, i in named.items()
            if all(name in a.values and name not in a.unreadable for a in answers)
        }
        #: The person's answers as upstream gradients: those that fit, and all as they are.
        self.own: Upstream = [{} for _ in runs]
        self.raw: Upstream = [{} for _ in runs]
        for name, numbers in self.readable.items():
            i = named[name]
            fits = [fitted(a, run.truth[i]) for a, run in zip(numbers, runs, strict=True)]
            for own, raw, fit, number in zip(self.own, self.raw, fits, numbers, strict=True):
                if number.size <= MOST_GROWTH * max(runs[0].tensors[i].size, 1):
                    raw[i] = number
                if all(f is not None for f in fits):
                    own[i] = fit
        self.truth: Upstream = [
            {i: run.truth[i] for i in own} for run, own in zip(runs, self.own, strict=True)
        ]
        self.swept: dict[Story, Upstream] = {}
        self.places: dict[tuple[int, Edge, Story], Place] = {}
        self.work = 0
        #: The layouts, other than the right one, that a line was charged with.
        self.layouts: set[str] = set()
        #: The quantities judged so far, with their answers.
        self.before: list[tuple[int, Numbers]] = []

    def judged(self) -> list[Judged]:
        """Judge every quantity, from the loss back."""
        stories: list[Story] = [()]
        found: list[Judged] = []
        for name in in_backward_order(self.runs[0], self.named):
            line, stories = self.line(name, stories)
            found.append(line)
            if line.answered is not None:
                self.before.append((self.named[name], line.answered))
        return [surviving(line, stories) for line in found]

    def line(self, name: str, stories: list[Story]) -> tuple[Judged, list[Story]]:
        """Judge one quantity; return it, and the explanations that go on."""
        i = self.named[name]
        right = [run.truth[i] for run in self.runs]
        answered = self.readable.get(name)
        if answered is None:
            reason = next((a.unreadable[name] for a in self.answers if name in a.unreadable), "")
            if not reason and any(name in a.values for a in self.answers):
                reason = "it is answered at some points, and not at others"
            return Judged(
                name, "unreadable" if reason else "missing", right, reason=reason
            ), stories
        layout = layout_of(answered, right)
        if layout is None:
            return self.compared(name, right, answered, stories)
        relaid = [in_layout(a, r)[1] for a, r in zip(answered, right, strict=True)]
        if layout not in self.layouts:  # it is this line's slip, if it is the only one
            if self.agree(relaid, right) or self.agree(relaid, self.given(i)):
                self.layouts.add(layout)
            return self.compared(name, right, answered, stories)
        line, stories = self.compared(name, right, relaid, stories)
        if line.verdict in ("right", "carried forward"):
            reason = "Right, in the layout of an earlier line."
            line = replace(line, verdict="carried forward", answered=answered, reason=reason)
        return line, stories

    def compared(
        self, name: str, right: Numbers, answered: Numbers, stories: list[Story]
    ) -> tuple[Judged, list[Story]]:
        """Compare an answer with the truth, and with what follows; else look for its mistake."""
        i = self.named[name]
        given = self.given(i)
        told = [s for s in stories if self.agree(answered, [g.get(i) for g in self.following(s)])]
        if self.agree(answered, right):
            digits = right_digits(answered, right)
            said = so_far(digits) if digits is not None and digits < FULL_SINGLE else ""
            return Judged(name, "right", right, answered, given, reason=said), told or stories
        if told or self.agree(answered, given) or self.follows_as_it_is(i, answered):
            return Judged(name, "carried forward", right, answered, given), told or stories
        faults, explained = self.explained(i, answered, stories)
        if not faults:
            for verdict, numbers in (("right", right), ("carried forward", given)):
                digits = right_digits(answered, numbers)
                if digits is not None:
                    said = so_far(digits)
                    return Judged(name, verdict, right, answered, given, reason=said), stories
        implied = None if faults or self.work >= MOST_WORK else self.implied(i, answered)
        if implied is not None:  # or it is this line's own slip, and the story is as it was
            explained = different([*((*story, implied) for story in explained), *explained])
        line = Judged(name, "wrong", right, answered, given, faults, implied)
        if self.work >= MOST_WORK or len(self.runs[0].part(i, self.own[0]).edges) > MOST_EDGES:
            line = replace(line, reason="Not every mistake was tried, as the network is large.")
        return line, explained

    # ---- what follows from what ----

    def given(self, i: int) -> list[Any]:
        """Return what follows from the person's own answers at each point; None where nothing."""
        return [gradients.get(i) for gradients in self.following(())]

    def agree(self, answered: Numbers, numbers: Sequence[Any], tolerance: float = RIGHT) -> bool:
        """Say whether answers are equal to some numbers at every point."""
        return all(
            number is not None and same(answer, number, tolerance_of(answer, tolerance), floor)
            for answer, number, floor in zip(answered, numbers, self.floors, strict=True)
        )

    def following(self, story: Story) -> Upstream:
        """Return all gradients at each point that follow from the person's answers and a story."""
        if story not in self.swept:
            self.swept[story] = [
                run.swept(run.whole, own | implied_by(story, p), self.planted(p, story))
                for p, (run, own) in enumerate(zip(self.runs, self.own, strict=True))
            ]
        return self.swept[story]

    def follows_as_it_is(self, i: int, answered: Numbers) -> bool:
        """Say whether an answer follows from answers of wrong shapes, or NaN, taken as they are."""
        if all(
            own.get(step) is number
            for own, raw in zip(self.own, self.raw, strict=True)
            for step, number in raw.items()
        ):
            return False  # all of them fit
        numbers = [
            run.swept(run.part(i, raw).edges, raw).get(i)
            for run, raw in zip(self.runs, self.raw, strict=True)
        ]
        return self.agree(answered, numbers)

    def implied(self, i: int, answered: Numbers) -> Implied | None:
        """Find the gradient that was not answered and must have been wrong for an answer to follow.

        A step's contribution is linear in its upstream gradient. Where there are more numbers than
        unknowns, and they agree, the person may have had that gradient.
        """
        edges = self.runs[0].uses.get(i, ())
        if len(edges) != 1 or edges[0].step in self.own[0] or not any(a.any() for a in answered):
            return None
        (edge,) = edges
        name = next((name for name, step in self.named.items() if step == edge.step), None)
        found = [
            solved(run, edge, answer, floor)
            for run, answer, floor in zip(self.runs, answered, self.floors, strict=True)
        ]
        gradients = [g for g in found if g is not None]
        if name is None or len(gradients) < len(found):
            return None
        return Implied(name, edge.step, gradients)

    # ---- naming ----

    def explained(
        self, i: int, answered: Numbers, stories: list[Story]
    ) -> tuple[tuple[Fault, ...], list[Story]]:
        """Return the mistakes that reproduce an answer, and the explanations that include them.

        They are planted on top of the explanations so far; else on the person's own answers alone;
        else on the truth, in case the person went on with that.
        """
        if self.work >= MOST_WORK:
            return (), stories
        parts = [
            nearest(run, run.part(i, own)) for run, own in zip(self.runs, self.own, strict=True)
        ]
        faults = list(self.candidates(parts[0]))
        attempts = [(stories, self.own)]
        if stories != [()]:
            attempts.append(([()], self.own))
        if parts[0].given:
            attempts.append(([()], self.truth))
        for told, upstream in attempts:
            fitting = [
                (story, fault)
                for story in told
                for fault in faults
                if self.work < MOST_WORK
                if self.reproduces(fault, story, parts, upstream, answered)
            ]
            fitting = [found for found in fitting if not self.is_refuted(*found)] or fitting
            if fitting:
                named = {(fault.mistake.name, fault.detail): fault for _, fault in fitting}
                return tuple(named.values()), different([(*s, fault) for s, fault in fitting])
        return (), stories

    def is_refuted(self, story: Story, fault: Fault) -> bool:
        """Say whether a line before, which a story explains, would be another with this mistake."""
        told, new = self.following(story), self.following((*story, fault))
        return any(
            self.agree(answered, [g.get(i) for g in told])
            and not self.agree(answered, [g.get(i) for g in new])
            for i, answered in self.before
        )

    def candidates(self, part: Part) -> Iterator[Fault]:
        """Return what can be planted: every mistake at each edge, and at all its edges at once."""
        everywhere: dict[tuple[int, int], list[Fault]] = {}
        for edge in part.edges:
            for fault in faults_at(self.place(0, edge)):
                everywhere.setdefault((id(fault.mistake), fault.variant), []).append(fault)
                yield fault
        for faults in everywhere.values():
            edges = tuple(edge for fault in faults for edge in fault.edges)
            if len(edges) > 1 and not any(fault.detail for fault in faults):
                yield faults[0]._replace(edges=edges)

    def consequences(self, i: int) -> Iterator[tuple[Fault, Numbers]]:
        """Return each mistake between a quantity and the nearest answers, with what it gives."""
        parts = [run.part(i, own) for run, own in zip(self.runs, self.own, strict=True)]
        for fault in self.candidates(nearest(self.runs[0], parts[0], FEW_EDGES)):
            if len(fault.edges) > 1:
                continue
            numbers = [
                run.swept(part.edges, own, self.planted(p, (fault,))).get(i)
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
            told = ChainMap(upstream[p], self.following(story)[p])
            start = {step: told[step] for step in part.given if step in told}
            start |= implied_by(story, p)
            planted = self.planted(p, (*story, fault))
            self.work += len(part.edges)
            number = run.swept(part.edges, start, planted).get(part.target)
            answer, floor = answered[p], self.floors[p]
            tolerance = tolerance_of(answer, REPRODUCED)
            if number is None or not same(answer, number, tolerance, floor):
                return False
        return True

    def planted(self, p: int, story: Story) -> dict[Edge, Contribution]:
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
            follows = self.following(story)[p] if story else {}
            at_hand = ChainMap(self.own[p], follows, run.truth)
            self.places[p, edge, story] = Place(run, edge, self.named, at_hand)
        return self.places[p, edge, story]


def so_far(digits: int) -> str:
    """Say how far an answer is right."""
    return f"Right to {digits} digits: rounded, or computed in low precision."


def solved(run: Run, edge: Edge, answer: np.ndarray, floor: float) -> np.ndarray | None:
    """Return the upstream gradient from which an answer follows by one edge, if there is just one.

    There must be more numbers than unknowns: else any answer would follow from something.
    """
    g = run.truth[edge.step]
    if g.size > MOST_UNKNOWNS or g.size >= answer.size or answer.shape != edge_shape(run, edge):
        return None
    units = np.eye(g.size).reshape(-1, *g.shape)
    columns = np.stack([run.contribution(edge, unit).ravel() for unit in units], axis=1)
    solution, _, rank, _ = np.linalg.lstsq(columns, answer.ravel())
    if rank < g.size or not same(columns @ solution, answer.ravel(), REPRODUCED, floor):
        return None
    return np.asarray(solution.reshape(g.shape))


def edge_shape(run: Run, edge: Edge) -> tuple[int, ...]:
    """Return the shape of the tensor that an edge leads to."""
    return run.tensors[run.source[edge]].shape


def sized(answer: np.ndarray, right: np.ndarray) -> np.ndarray:
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

    Examples
    --------
    >>> right = np.zeros((3, 1))
    >>> [in_layout(np.zeros(shape), right)[0] for shape in [(3, 1), (1, 3), 3, 4]]
    ['', 'transposed', 'flat', None]
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


def noise_of(run: Run, named: Mapping[str, int]) -> float:
    """Return the size of rounding noise in a sweep."""
    sizes = (np.abs(run.truth[i]).max(initial=0.0) for i in named.values())
    return NOISE * max((float(size) for size in sizes if np.isfinite(size)), default=0.0)


def in_backward_order(run: Run, named: Mapping[str, int]) -> list[str]:
    """Return the quantities in the order in which their gradients are complete, the loss first."""

    def complete(name: str) -> tuple[int, int, int]:
        i = named[name]
        last = min(run.uses.get(i, ()), default=Edge(run.loss + 1, 0))
        return -last.step, run.tensors[i].primitive is not None, last.operand

    return sorted(named, key=complete)


def nearest(run: Run, part: Part, most: int = MOST_EDGES) -> Part:
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
    """Return the stories that differ, as many as are kept."""
    return list({tuple(map(told, story)): story for story in stories}.values())[:MOST_STORIES]


def told(part: Fault | Implied) -> tuple[Any, ...]:
    """Return what tells one part of a story from another."""
    if isinstance(part, Implied):
        return (part.step,)
    return (part.mistake.name, part.detail, part.edges, part.variant)


def surviving(line: Judged, stories: list[Story]) -> Judged:
    """Drop the explanations of a line that the lines after it rule out."""
    kept = {told(part)[:2] for story in stories for part in story}
    faults = tuple(fault for fault in line.faults if told(fault)[:2] in kept)
    implied = line.implied if line.implied and told(line.implied) in kept else None
    return replace(line, faults=faults or line.faults, implied=implied)
