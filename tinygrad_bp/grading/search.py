"""The search for mistakes that explain an answer: those that reproduce it, planted in the sweep.

A mistake is planted at one edge, or at all the edges where one slip is made again and again, as at
every time step. Most candidates at one edge are ruled out by one number. What a wrong contribution
changes in the answer is linear in it: so a row of numbers for each tensor, found once, tells the
change of a random mean of the answer, and the sweep need not be run (`Probe`).
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..engine import Tensor, grad
from ..mistakes.catalogue import find_faults
from ..mistakes.mistake import Fault
from ..mistakes.run import Run
from ..record import Contribute, Edge, Part
from . import limits
from .findings import Explanation
from .fingerprints import ratio_of
from .sheet import REPRODUCED, Sheet, Story

#: A probe passes what may be right to this, relative to all that was summed up for it.
PROBED = 1e-6
PROBED_SINGLE = 1e-3

#: Mistakes that multiply: at one place after another they would give a power of what they say.
MULTIPLY = {
    "extra-factor-2",
    "lost-factor-2",
    "mean-for-sum",
    "sum-for-mean",
    "mean-over-everything",
    "wrong-count-in-mean",
}


class Search:
    """A search for what explains one answer; `work` counts the contributions that it computed."""

    def __init__(self, sheets: Sequence[Sheet], i: int, answered: Sequence[np.ndarray]) -> None:
        self.sheets, self.target, self.answered = sheets, i, answered
        self.whole = sheets[0].run.part(i, sheets[0].own)
        self.parts = [nearest(x.run, x.run.part(i, x.own), limits.MOST_EDGES) for x in sheets]
        self.work, self.budget = 0, limits.MOST_WORK
        self.probe = Probe(sheets[0], self.parts[0])
        self.single = list(find_single(sheets[0], self.parts[0]))

    @property
    def is_cut(self) -> bool:
        return len(self.whole.edges) > len(self.parts[0].edges)

    def find(self, stories: list[Story], budget: int) -> list[tuple[Story, Explanation]]:
        """Return what explains the answer on top of the stories, or else on top of none."""
        self.budget = self.work + budget
        attempts: list[list[Story]] = [stories] if stories == [()] else [stories, [()]]
        for find in (self.find_one, self.find_repeated, self.find_pair):
            for bases in attempts:
                if self.work >= self.budget:
                    return []
                found = [(s, e) for s in bases for e in find(s)]
                if find == self.find_pair:
                    found = the_only_pair(found)
                if found and find == self.find_one and self.is_shared:
                    found += [(s, e) for s in bases for e in self.find_repeated(s)]
                if found:
                    return found
        return []

    @property
    def is_shared(self) -> bool:
        # one wrong term of several may come from a slip that is made again and again
        return len(self.sheets[0].run.uses[self.target]) > 1

    def try_out(
        self, stories: list[Story], explanations: Sequence[Explanation]
    ) -> list[tuple[Story, Explanation]]:
        # what explains another line
        return [(s, e) for s in stories for e in explanations if self.reproduces((*s, *e))]

    def reproduces(self, story: Story, last: int = 1) -> bool:
        self.work += len(self.parts[0].edges)
        every = zip(self.sheets, self.parts, self.answered, strict=True)
        return all(sheet.reproduces(a, part, story, last) for sheet, part, a in every)

    def find_one(self, story: Story) -> Iterator[Explanation]:
        base = self.probe.base(self.answered[0], story)
        self.work += len(self.parts[0].edges) + len(self.single) // 8
        for fault in self.single:
            if self.work >= self.budget:
                return
            may = base.may_give(fault)
            if may is None:  # one sweep tells it for every line
                planted = (*story, fault)
                self.work += 0 if planted in self.sheets[0].outcomes else len(self.whole.edges)
                number = self.sheets[0].gradient(planted, self.target)
                may = self.sheets[0].agrees(self.answered[0], number, REPRODUCED)
            if may is not False and self.reproduces((*story, fault)):
                yield (fault,)

    def find_repeated(self, story: Story) -> Iterator[Explanation]:
        for fault in find_repeated(self.sheets[0], self.whole):
            if self.work >= self.budget:
                return
            # one sweep serves every line
            self.work += 0 if (*story, fault) in self.sheets[0].outcomes else len(self.whole.edges)
            every = zip(self.sheets, self.answered, strict=True)
            if all(
                sheet.agrees(a, sheet.gradient((*story, fault), self.target), REPRODUCED)
                for sheet, a in every
            ):
                yield (fault,)

    def find_pair(self, story: Story) -> Iterator[Explanation]:
        """Find any two mistakes that give the answer together, if there is time for all pairs."""
        # Of a factor alone it is not said what two slips it is made of.
        without = self.probe.base(self.answered[0], story).without
        if without is not None and ratio_of([(self.answered[0], without)]) is not None:
            return
        pairs = len(self.single) ** 2 // 2
        if pairs > limits.MOST_PAIRS or self.work + pairs // 2 > self.budget:
            return
        self.work += pairs // 2
        for k, first in enumerate(self.single):  # those nearest to the loss come first
            base = self.probe.base(self.answered[0], (*story, first))
            at_same = [f for f in self.single[:k] if f.edges == first.edges]
            for second in (*at_same, *self.single[k + 1 :]):
                if base.may_give(second) and self.reproduces((*story, first, second), 2):
                    yield (first, second)


def the_only_pair(found: list[tuple[Story, Explanation]]) -> list[tuple[Story, Explanation]]:
    """Return the pairs if their names are the same, whatever their order and places; else none.

    A gradient of an earlier step passes for one whose derivative was left out: that says more.
    """
    vague = [x for x in found if any(f.mistake.name == "wrong-upstream" for f in x[1])]
    kept = [x for x in found if x not in vague] or found
    names = {tuple(sorted((f.mistake.name, f.detail) for f in pair)) for _, pair in kept}
    return kept if len(names) == 1 else []


# ---- candidates ----


def find_single(sheet: Sheet, part: Part) -> Iterator[Fault]:
    for edge in part.edges:
        yield from find_faults(sheet.place(edge))


def find_repeated(sheet: Sheet, part: Part) -> Iterator[Fault]:
    """Yield each mistake at all edges of one role, and at those of them that lie within a part.

    The part starts from what is answered: only if there is something, it may be another slip.
    """
    seen, inside = set(), set(part.edges)
    for role, edges in sheet.run.roles.items():
        if len(inside.intersection(edges)) < 2:
            continue
        made: dict[tuple[Any, int], list[Fault]] = {}
        for edge in edges:
            for fault in find_faults(sheet.place(edge)):
                made.setdefault((fault.mistake, fault.variant), []).append(fault)
        for (mistake, variant), faults in made.items():
            if mistake.name in MULTIPLY and not isinstance(role, int):
                continue
            if any(fault.detail for fault in faults):
                continue
            every = tuple(edge for fault in faults for edge in fault.edges)
            here = tuple(edge for edge in every if edge in inside)
            for at in (every, here) if part.given else (every,):
                key = (mistake, variant, frozenset(at))
                if len(here) > 1 and key not in seen:
                    seen.add(key)
                    yield Fault(mistake, "", at, variant)


def nearest(run: Run, part: Part, most: int) -> Part:
    # the last edges of a large part are left: a search through all would take long
    if len(part.edges) <= most:
        return part
    edges = part.edges[-most:]
    kept = set(edges)
    steps = {edge.step for edge in edges}
    cut = {step for step in steps if not kept.issuperset(run.uses.get(step, ()))}
    return Part(part.target, edges, frozenset(cut | (part.given & steps)))


# ---- one number in place of a sweep ----


class Probe:
    """What a random mean of a gradient changes by, for a change of each gradient before it."""

    def __init__(self, sheet: Sheet, part: Part) -> None:
        self.sheet, self.part, run = sheet, part, sheet.run
        self.is_last_alone = sum(run.source[e] == part.target for e in part.edges) == 1
        rng = np.random.default_rng(0)
        self.rows: dict[int, Any] = {part.target: rng.uniform(1, 2, run.tensors[part.target].shape)}
        for edge in sorted(part.edges):  # a step comes after all that it was computed from
            x = run.source[edge]
            if x in self.rows and (x == part.target or x not in part.given):
                row = transposed(run, edge, self.rows[x])
                self.rows[edge.step] = self.rows.get(edge.step, 0.0) + row

    def base(self, answer: np.ndarray, story: Story) -> Base:
        sheet, part = self.sheet, self.part
        known = ChainMap(sheet.own, sheet.follow(story))
        start = {step: known[step] for step in part.given if step in known}
        start |= sheet.implied_by(story)
        planted = sheet.plant(story)
        arrived = sheet.run.sweep(start, planted, part.edges)
        return Base(self, answer, story, {**arrived, **start}, planted, arrived.get(part.target))


class Base(NamedTuple):
    """What arrives without another mistake, and an answer to be explained by one."""

    probe: Probe
    answer: np.ndarray
    story: Story
    arrived: dict[int, Any]
    planted: dict[Edge, Contribute]
    without: Any  # what the answer would be

    def may_give(self, fault: Fault) -> bool | None:
        """Return if a mistake at one edge may give the answer; None where the shapes change."""
        sheet, target = self.probe.sheet, self.probe.part.target
        (edge,) = fault.edges
        x, g = sheet.run.source[edge], self.arrived.get(edge.step)
        if edge.step == len(sheet.run.tensors) - 1 and g is None:
            g = sheet.run.start
        if g is None or self.without is None:
            return None
        try:
            wrong = fault.contribution(sheet.place(edge, self.story))(g)
            right = (
                self.planted[edge](g) if edge in self.planted else sheet.run.contribution(edge, g)
            )
            if x == target:
                scale = sheet.run.scale(x)
                if wrong is not None and self.probe.is_last_alone:
                    return close(self.answer, wrong * scale)
                added = 0.0 if wrong is None else wrong * scale
                return close(self.answer, self.without - right * scale + added)
            if wrong is not None and np.shape(wrong) != sheet.run.tensors[x].shape:
                return None
            change = (0.0 if wrong is None else wrong) - right
        except Exception:  # the shapes do not fit
            return False
        if self.answer.shape != np.shape(self.without):
            return False
        row = self.probe.rows.get(x)
        if row is None:
            return False
        weights = self.probe.rows[target]
        if weights.shape != self.answer.shape:  # of the story, which changed the shapes
            return None
        scale = sheet.run.scale(target)
        terms = [row * change * scale, weights * self.without, -weights * self.answer]
        size = sum(float(np.abs(term).sum()) for term in terms)
        total = sum(float(term.sum()) for term in terms)
        return not np.isfinite(size) or abs(total) <= tolerance_of(self.answer) * size


def tolerance_of(answer: np.ndarray) -> float:
    return PROBED_SINGLE if answer.dtype == np.float32 else PROBED


def close(answer: np.ndarray, number: Any) -> bool:
    if np.shape(number) != answer.shape:
        return False
    largest = np.maximum(np.abs(answer), np.abs(number)).max(initial=0.0)
    if not np.isfinite(largest):
        return True
    return bool(np.abs(answer - number).max(initial=0.0) <= tolerance_of(answer) * largest)


def transposed(run: Run, edge: Edge, row: np.ndarray) -> np.ndarray:
    """Multiply a row from the left by what a step's contribution to an operand is, a matrix."""
    g = Tensor(np.zeros(run.tensors[edge.step].shape), requires_grad=True)
    try:
        closure = run.tensors[edge.step].closures(True)[edge.operand]
        assert closure is not None
        given = run.summed(edge, closure(g))
        return np.asarray(grad(given, g, gradient=row, allow_unused=True))
    except Exception:  # a user's own rule may run on arrays alone
        units = np.eye(g.size).reshape(-1, *g.shape)
        columns = [float((run.contribution(edge, unit) * row).sum()) for unit in units]
        return np.reshape(columns, g.shape)
