"""Findings: what the judge found about a line, measured and put into words for the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from ..differences import agree
from ..mistakes.mistake import Fault, Mistake
from ..notation.numbers import listed
from .fingerprints import NEARLY, find_facts, find_signs, without_number
from .precision import RIGHT, off
from .report import JudgedLine, gradient_of

#: The numbers of a gradient at each point.
Numbers: TypeAlias = Sequence[np.ndarray]


#: Mistakes that explain an answer together, mostly one.
Explanation: TypeAlias = tuple[Fault, ...]


@dataclass(frozen=True, eq=False)
class Implied:
    """A wrong gradient that was not answered, and from which an answer follows."""

    name: str
    step: int  # its position
    gradients: Numbers  # as the person must have had it


@dataclass(frozen=True, eq=False)
class Finding:
    name: str
    verdict: str
    right: Numbers  # the truth
    answered: Numbers | None = None
    #: What follows from the person's own answers nearer to the loss; None where nothing does.
    expected: Sequence[np.ndarray | None] = ()
    explanations: tuple[Explanation, ...] = ()  # each reproduces the answer
    implied: Implied | None = None  # where no mistake of the catalogue does
    reason: str = ""  # why an answer is unreadable, or how far it is right
    is_plain: bool = False  # the reason says it all, and gives nothing away
    conventions: tuple[str, ...] = ()  # in which it is right

    @property
    def faults(self) -> tuple[Fault, ...]:
        return tuple(fault for explanation in self.explanations for fault in explanation)

    @cached_property
    def wanted(self) -> list[np.ndarray]:
        # what it is compared with: what follows from the earlier answers, or else the truth
        return [
            right if expected is None or np.shape(expected) != right.shape else expected
            for expected, right in zip(self.expected, self.right, strict=True)
        ]

    def to_line(self, score: float | None, others: Mapping[str, Numbers]) -> JudgedLine:
        # the score is None if the line does not count; an answer may be another's gradient
        right_shape, size = self.right[0].shape, self.right[0].size
        line = JudgedLine(self.name, self.verdict, score=score, right_shape=right_shape)
        if self.answered is None:
            required = "This gradient is required." if score is not None else ""
            return replace(line, message=to_sentence(self.reason) if self.reason else required)
        shape = next((a.shape for a in self.answered if a.shape != right_shape), right_shape)
        line = replace(line, shape=shape)
        if self.verdict != "wrong":
            is_carried = self.verdict == "carried forward"
            follows = "Wrong only because of an earlier slip." if is_carried else ""
            error = None
            if shape == right_shape:
                off = map(errors, self.answered, self.right)
                error = finite(max(e.max(initial=0.0) for e in off))
            said = self.reason or follows
            return replace(line, error=error, message=said, conventions=self.conventions)
        if self.faults:
            names = dict.fromkeys(fault.mistake.name for fault in self.faults)
            together = len(self.explanations) == 1 and len(names) > 1
            line = replace(line, mistakes=tuple(names), together=together)
        else:
            known = {name: right for name, right in others.items() if name != self.name}
            facts = find_facts(self.answered, self.wanted, known)
            line = replace(line, fingerprints=tuple(facts))
        if shape == right_shape and size:
            line = self.measured(line)
        hints = dict.fromkeys(fault.mistake.see for fault in self.faults)
        return replace(
            line,
            entries=size,
            message=" ".join(filter(None, [*self.explain(line), self.say_numbers(line)])),
            hint=self.reason
            if self.is_plain
            else (" Also: " if line.together else " Or: ").join(hints)
            or self.hint_from_facts(line),
        )

    def measured(self, line: JudgedLine) -> JudgedLine:
        assert self.answered is not None
        found = [errors(a, w) for a, w in zip(self.answered, self.wanted, strict=True)]
        sizes = [np.nan_to_num(e, nan=np.inf) for e in found]
        p = int(np.argmax([size.max() for size in sizes]))
        worst = np.unravel_index(np.argmax(sizes[p]), found[p].shape)
        return replace(
            line,
            worst=tuple(map(int, worst)),
            answered=finite(self.answered[p][worst]),
            right=finite(self.wanted[p][worst]),
            error=finite(found[p][worst]),
            wrong_entries=int(off(self.answered[p], self.wanted[p]).sum()),
        )

    def explain(self, line: JudgedLine) -> Iterator[str]:
        if self.is_plain:
            yield self.reason
            return
        if not self.faults:
            yield from ("No known pattern.", self.reason)
            if self.implied is not None:
                yield (
                    f"It follows rightly from a wrong {gradient_of(self.implied.name)}: the slip "
                    "may be there, or nearer to the loss."
                )
            if line.fingerprints:
                yield f"Measured: {'; '.join(line.fingerprints)}."
            return
        told = list(say_apart(self.explanations))
        if len(told) > 1:
            points = "these points" if len(self.right) > 1 else "the given point"
            yield f"{len(told)} mistakes fit, and {points} cannot tell them apart."
        yield " Or ".join(told)
        yield self.reason

    def hint_from_facts(self, line: JudgedLine) -> str:
        # what was measured gives nothing away, and says where to look
        assert self.answered is not None
        if line.shape != line.right_shape:
            relation = compare_shapes(line.shape or (), line.right_shape or ())
            return (
                f"Your shape is {line.shape}, and the quantity's is {line.right_shape}{relation}."
            )
        if line.error is None:
            return "Some entries are infinite, or not numbers: where are you dividing by zero?"
        facts = tuple(map(without_number, line.fingerprints)) or (
            find_signs(list(zip(self.answered, self.wanted, strict=True))),
        )
        said = f"Measured: {'; '.join(facts)}."
        if self.implied is not None:
            return f"It follows rightly from a wrong {gradient_of(self.implied.name)}: look there."
        if line.error < NEARLY:
            return f"{said} Is a number rounded, or a small term left over?"
        return said

    def say_numbers(self, line: JudgedLine) -> str:
        if line.shape != line.right_shape:
            relation = compare_shapes(line.shape or (), line.right_shape or ())
            return f"The shape is {line.shape}, and should be {line.right_shape}{relation}."
        if line.worst is None:
            return ""
        size = self.right[0].size
        are = "is" if line.wrong_entries == 1 else "are"
        start = f"{line.wrong_entries} of {size} entries {are} wrong"
        if line.answered is None or line.right is None or line.error is None:
            right = "infinity or NaN" if line.right is None else f"{line.right:.6g}"
            return f"{start}: entry {line.worst} is not finite, where {right} is right."
        follows = any(not agree(w, r, RIGHT) for w, r in zip(self.wanted, self.right, strict=True))
        given = ", given your earlier lines" if follows else ""
        numbers = f"yours {line.answered:.6g}, right {line.right:.6g}{given}."
        return f"{start}. Worst entry {line.worst}: {numbers}" if size > 1 else to_sentence(numbers)


def say_apart(explanations: Sequence[Explanation]) -> Iterator[str]:
    # each in words; of what differs only in a detail, the details
    alike: dict[tuple[Mistake, ...], list[Explanation]] = {}
    for explanation in explanations:
        alike.setdefault(tuple(fault.mistake for fault in explanation), []).append(explanation)
    for mistakes, same in alike.items():
        said = []
        for k, mistake in enumerate(mistakes):
            instead = listed(dict.fromkeys(e[k].detail for e in same if e[k].detail), last="or")
            name = f"{mistake.name} ({instead})" if instead else mistake.name
            said.append(f"{name}: {mistake.sentence}")
        yield " And once more, ".join(said) if len({*said}) < len(said) else " And ".join(said)


def compare_shapes(shape: tuple[int, ...], right: tuple[int, ...]) -> str:
    if shape == right[::-1]:
        return ": this is the transpose of the right shape"
    if np.prod(shape) == np.prod(right):
        return ": the number of entries is right"
    if len(shape) > len(right):
        many = "is an axis" if len(shape) == len(right) + 1 else "are axes"
        return f": there {many} too many, which may have to be summed over"
    return ""


def to_sentence(clause: str) -> str:
    text = clause[:1].upper() + clause[1:]
    return text if text.endswith((".", "?")) else f"{text}."


def errors(answer: np.ndarray, right: np.ndarray) -> np.ndarray:
    # relative to the largest right entry, unless all are zero
    largest = np.abs(right).max(initial=0.0) or np.abs(answer).max(initial=0.0) or 1.0
    return np.asarray(np.abs(answer - right) / largest)


def finite(value: Any) -> float | None:
    # None for NaN and infinity, which JSON lacks
    return float(value) if np.isfinite(value) else None
