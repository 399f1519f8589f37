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

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..mistakes.catalogue import rank
from ..mistakes.mistake import Fault
from ..mistakes.run import Run
from ..notation.numbers import listed
from . import limits
from .findings import Explanation, Finding, Implied, Numbers
from .precision import FULL_SINGLE, count_digits
from .search import Search
from .sheet import Sheet, Story, fitted, in_layout
from .submission import Answers


class Judge:
    def __init__(self, runs: Sequence[Run], answers: Sequence[Answers]) -> None:
        self.run, self.answers = runs[0], answers
        pairs = zip(runs, answers, strict=True)
        self.sheets = [Sheet(point, run, a) for point, (run, a) in enumerate(pairs)]
        self.readable = {
            name: [sheet.numbers[name] for sheet in self.sheets]
            for name in self.run.quantities
            if all(name in sheet.numbers for sheet in self.sheets)
        }
        for name, numbers in self.readable.items():
            i = self.run.quantities[name]
            fits = [fitted(n, r) for n, r in zip(numbers, self.right(i), strict=True)]
            for sheet, number, fit in zip(self.sheets, numbers, fits, strict=True):
                if number.size <= limits.MOST_GROWTH * max(self.run.tensors[i].size, 1):
                    sheet.raw[i] = number
                if all(f is not None for f in fits):
                    sheet.own[i] = fit
        #: The layouts, other than the right one, that a line was charged with.
        self.layouts: set[str] = set()
        #: The quantities judged so far, with their answers.
        self.before: list[tuple[int, Numbers]] = []
        #: What explained the lines of an earlier walk: it may explain a line before them too.
        self.known: list[Explanation] = []
        self.searches: dict[int, Search] = {}
        self.searched: dict[Any, list[tuple[Story, Explanation]]] = {}

    def judge(self) -> list[Finding]:
        """Walk back from the loss; once more if a later line has given an earlier one away."""
        findings = self.walk()
        wrong = [finding for finding in findings if finding.verdict == "wrong"]
        named = [bool(finding.explanations) for finding in wrong]
        if True not in named or named == sorted(named, reverse=True):
            return findings
        self.known = [e for finding in wrong for e in finding.explanations]
        again = self.walk()
        return again if charges(again) < charges(findings) else findings

    def walk(self) -> list[Finding]:
        self.layouts, self.before = set(), []
        stories: list[Story] = [()]
        findings: list[Finding] = []
        for name in self.run.backward_order:
            finding, stories = self.judge_line(name, stories)
            fits = finding.verdict in ("right", "carried forward")
            if remark := fits and self.remark_on_shape(finding):
                reason = finding.reason or (remark if finding.verdict == "right" else "")
                finding = replace(finding, reason=reason, conventions=("vector-for-row",))
            findings.append(finding)
            if finding.answered is not None:
                self.before.append((self.run.quantities[name], finding.answered))
        return [without_ruled_out(finding, stories) for finding in findings]

    def judge_line(self, name: str, stories: list[Story]) -> tuple[Finding, list[Story]]:
        i = self.run.quantities[name]
        right = self.right(i)
        answered = self.readable.get(name)
        if answered is None:
            reason = next((a.unreadable[name] for a in self.answers if name in a.unreadable), "")
            if not reason and any(name in a.values for a in self.answers):
                reason = "it is answered at some points, and not at others"
            verdict = "unreadable" if reason else "missing"
            return Finding(name, verdict, right, reason=reason), stories
        laid_out = [in_layout(a, r) for a, r in zip(answered, right, strict=True)]
        layout, *others = {layout for layout, _ in laid_out}
        relaid = [numbers for _, numbers in laid_out]
        if layout in self.layouts and not others:
            finding, stories = self.compare(name, right, relaid, stories)
            if finding.verdict in ("right", "carried forward"):
                reason = "Wrong only because of the layout of an earlier line."
                finding = replace(
                    finding, verdict="carried forward", answered=answered, reason=reason
                )
            return finding, stories
        if layout and not others and self.explains(i, relaid):
            self.layouts.add(layout)  # it is this line's slip, and the only one
        return self.compare(name, right, answered, stories)

    def compare(
        self, name: str, right: Numbers, answered: Numbers, stories: list[Story]
    ) -> tuple[Finding, list[Story]]:
        i = self.run.quantities[name]
        expected = self.expected(i)
        finding = Finding(name, "wrong", right, answered, expected)
        fitting = [story for story in stories if self.agrees(answered, self.expected(i, story))]
        digits = count_digits(answered, right)
        if digits is not None or self.agrees(answered, right):
            reason = say_digits(digits) if digits is not None and digits < FULL_SINGLE else ""
            return replace(finding, verdict="right", reason=reason), fitting or stories
        if fitting or self.agrees(answered, expected) or self.follows_as_it_is(i, answered):
            return replace(finding, verdict="carried forward"), fitting or stories
        told = self.say_plainly(answered, right)
        if told:
            return replace(finding, reason=told, is_plain=True), stories
        explanations, explained, story = self.explain(i, answered, stories)
        if not explanations:
            digits = count_digits(answered, expected)
            if digits is not None:
                reason = say_digits(digits)
                return replace(finding, verdict="carried forward", reason=reason), stories
        given_up = self.work >= limits.MOST_WORK
        implied = None if explanations or given_up else self.find_implied(i, answered)
        if implied is not None:  # or it is this line's own slip, and the story is as it was
            explained = different([*((*story, implied) for story in explained), *explained])
        reason = self.say_which_term(i, explanations)
        if not explanations and (given_up or self.searches[i].is_cut):
            reason = "Not every mistake was tried, as the network is large."
        if story:
            finding = replace(finding, expected=self.expected(i, story))
        finding = replace(finding, explanations=explanations, implied=implied, reason=reason)
        return finding, explained

    def remark_on_shape(self, finding: Finding) -> str:
        shape, right = self.answers[0].values[finding.name].shape, finding.right[0].shape
        if shape == right or finding.answered is None or finding.answered[0].shape != right:
            return ""
        return f"Its shape is {shape}, which NumPy broadcasts as {right}." if len(shape) else ""

    def say_plainly(self, answered: Numbers, right: Numbers) -> str:
        # whatever gives zero fits zeros, and a constant may be right at the point that was given
        if not any(a.any() for a in answered):
            return (
                "Your gradient is zero everywhere: which factor is zero, or which case never true?"
            )
        first, *others = answered
        is_constant = others and all(np.array_equal(first, a) for a in others)
        if is_constant and self.sheets[0].agrees(first, right[0]):
            names = listed([t.name for t in self.run.tensors[:-1] if t.name], last="or")
            number = f"{first.item():.6g}" if first.size == 1 else "Your gradient"
            return (
                f"{number} is right at the given values. The answer is tried at other values too: "
                f"write it as a formula in {names}."
            )
        return ""

    # ---- what follows from what ----

    def right(self, i: int) -> list[np.ndarray]:
        return [sheet.run.gradients[i] for sheet in self.sheets]

    def expected(self, i: int, story: Story = ()) -> list[Any]:
        # what follows from the person's own answers and a story; None where nothing does
        return [sheet.follow(story).get(i) for sheet in self.sheets]

    def agrees(self, answered: Numbers, numbers: Sequence[Any]) -> bool:
        every = zip(self.sheets, answered, numbers, strict=True)
        return all(sheet.agrees(answer, number) for sheet, answer, number in every)

    def explains(self, i: int, relaid: Numbers) -> bool:
        return self.agrees(relaid, self.right(i)) or self.agrees(relaid, self.expected(i))

    def follows_as_it_is(self, i: int, answered: Numbers) -> bool:
        # answers of wrong shapes, or NaN, are taken as they are
        if all(x.own.get(step) is number for x in self.sheets for step, number in x.raw.items()):
            return False  # all of them fit
        numbers = [x.run.sweep(x.raw, edges=x.run.part(i, x.raw).edges).get(i) for x in self.sheets]
        return self.agrees(answered, numbers)

    def say_which_term(self, i: int, explanations: Sequence[Explanation]) -> str:
        # of what is used several times: its gradient is a sum
        uses = self.run.uses.get(i, ())
        places = {edge for e in explanations for fault in e for edge in fault.edges}
        terms, wrong = {edge.step for edge in uses}, {edge.step for edge in places}
        if len(wrong) != 1 or len(terms) < 2 or not places.issubset(uses):
            return ""
        step = self.run.tensors[wrong.pop()]
        label = step.name or f"the step {getattr(step.primitive, '__name__', '')}"
        return f"The gradient is a sum of {len(terms)} terms, and the one through {label} is wrong."

    def find_implied(self, i: int, answered: Numbers) -> Implied | None:
        """Find the gradient that was not answered and must have been wrong for an answer to follow.

        A step's contribution is linear in its upstream gradient. Where there are more numbers than
        unknowns, and they agree, the person may have had that gradient.
        """
        edges = self.run.uses.get(i, ())
        if len(edges) != 1 or not any(a.any() for a in answered):
            return None
        (edge,) = edges
        name = next((n for n, step in self.run.quantities.items() if step == edge.step), None)
        if name is None or edge.step in self.sheets[0].own:
            return None
        found = [sheet.solve(edge, a) for sheet, a in zip(self.sheets, answered, strict=True)]
        gradients = [g for g in found if g is not None]
        return Implied(name, edge.step, gradients) if len(gradients) == len(found) else None

    # ---- naming ----

    def explain(
        self, i: int, answered: Numbers, stories: list[Story]
    ) -> tuple[tuple[Explanation, ...], list[Story], Story]:
        # Also the stories that go on from there, and the one before it.
        # Mistakes are planted on top of the stories so far, or else on the person's own answers.
        if i not in self.searches:
            self.searches[i] = Search(self.sheets, i, answered)
        search, key = self.searches[i], (i, tuple(stories))
        if key not in self.searched or not self.searched[key]:
            fitting = search.try_out(stories, self.known)
            if not fitting and key not in self.searched:
                fitting = search.find(stories, limits.MOST_WORK - self.work)
            self.searched[key] = fitting
        fitting = self.searched[key]
        fitting = [found for found in fitting if not self.is_refuted(*found)] or fitting
        fitting = without_general(fitting)
        if not fitting:
            return (), stories, ()
        named = {tuple(sorted((f.mistake.name, f.detail) for f in e)): e for _, e in fitting}
        told = tuple(sorted(named.values(), key=lambda e: [rank(f.mistake) for f in e]))
        return told, different([(*s, *e) for s, e in fitting]), fitting[0][0]

    @property
    def work(self) -> int:
        return sum(search.work for search in self.searches.values())

    def is_refuted(self, story: Story, explanation: Explanation) -> bool:
        # a line before, which the story explains, would be another with this mistake
        return any(
            self.agrees(answered, self.expected(i, story))
            and not self.agrees(answered, self.expected(i, (*story, *explanation)))
            for i, answered in self.before
        )


def charges(findings: Sequence[Finding]) -> float:
    """Return how many slips are charged; one without a name weighs more than two with names."""
    wrong = [finding for finding in findings if finding.verdict == "wrong"]
    return sum(min(map(len, f.explanations)) if f.explanations else 2.5 for f in wrong)


def without_general(
    fitting: Sequence[tuple[Story, Explanation]],
) -> list[tuple[Story, Explanation]]:
    # what a mistake of the catalogue is a special case of says less
    general = {fault.mistake.instead_of for _, e in fitting for fault in e}
    kept = [(s, e) for s, e in fitting if not any(f.mistake.name in general for f in e)]
    return kept or list(fitting)


def say_digits(digits: int) -> str:
    return f"Right to {digits} digits: rounded, or computed in low precision."


def different(stories: list[Story]) -> list[Story]:
    by_key = {tuple(map(key, story)): story for story in stories}
    return list(by_key.values())[: limits.MOST_STORIES]


def key(part: Fault | Implied) -> tuple[Any, ...]:
    return (part.step,) if isinstance(part, Implied) else part


def without_ruled_out(finding: Finding, stories: list[Story]) -> Finding:
    kept = {key(part)[:2] for story in stories for part in story}
    told = tuple(e for e in finding.explanations if all(key(fault)[:2] in kept for fault in e))
    implied = finding.implied if finding.implied and key(finding.implied) in kept else None
    return replace(finding, explanations=told or finding.explanations, implied=implied)
