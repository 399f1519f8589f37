"""Findings: what the judge found, measured and put into words, as the lines of the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..notation.numbers import listed, percent
from .assignment import Assignment
from .fingerprints import NEARLY, fingerprints
from .judge import Judged
from .planted import same
from .precision import RIGHT
from .report import SCORES, Line, gradient_of
from .submission import Answers


def lines(
    judged: Sequence[Judged], assignment: Assignment, answers: Sequence[Answers]
) -> Iterator[Line]:
    """Write every line of the report, and one for each answer to no quantity."""
    others = {line.name: line.right for line in judged}
    for found in judged:
        counts = found.verdict != "missing" or found.name in assignment.required
        if counts or found.name not in assignment.optional:
            yield line_of(found, SCORES[found.verdict] if counts else None, others)
    for name in dict.fromkeys(name for a in answers for name in a.unreadable):
        if name not in assignment.named:  # somebody meant something by it, and nobody has judged it
            reason = next(a.unreadable[name] for a in answers if name in a.unreadable)
            yield Line(name, "unreadable", message=sentence(reason), score=SCORES["unreadable"])
    for name in dict.fromkeys(name for a in answers for name in a.values):
        if name not in assignment.named:
            is_zero = not any(np.any(a.values[name]) for a in answers if name in a.values)
            yield line_without_gradient(name, is_zero, assignment)


def line_without_gradient(name: str, is_zero: bool, assignment: Assignment) -> Line:
    """Write an answer for a quantity to which no gradient flows: zero is right, and earns nothing.

    Whatever else it is, it cannot be judged, and so the derivation has not passed.
    """
    kind = assignment.points[0][name].dtype.kind
    message = (
        "No gradient flows to it from the loss."
        if kind == "f"
        else "It holds whole numbers or truth values, and has no gradient."
    )
    if is_zero:
        return Line(name, "right", message=message)
    return Line(name, "unreadable", message=message, score=SCORES["unreadable"])


def line_of(found: Judged, score: float | None, others: Mapping[str, Any]) -> Line:
    """Write what the judge found about a quantity as a line of the report."""
    shape = found.right[0].shape
    if found.answered is None:
        required = "It has to be answered." if score is not None else ""
        message = sentence(found.reason) if found.reason else required
        return Line(found.name, found.verdict, message=message, score=score, right_shape=shape)
    if found.verdict == "right":
        return Line(
            found.name,
            "right",
            error=error_of(found),
            message=found.reason,
            score=score,
            shape=shape,
            right_shape=shape,
        )
    if found.verdict == "carried forward":
        return Line(
            found.name,
            "carried forward",
            error=error_of(found),
            message=found.reason or "Right, given an earlier slip.",
            score=score,
            shape=found.answered[0].shape,
            right_shape=shape,
        )
    measured = Measured(found)
    names = tuple(dict.fromkeys(fault.mistake.name for fault in found.faults))
    facts: tuple[str, ...] = ()
    if not names:
        known = {name: right for name, right in others.items() if name != found.name}
        facts = fingerprints(found.answered, measured.rights, known)
    hints = dict.fromkeys(fault.mistake.see for fault in found.faults)
    return Line(
        found.name,
        "wrong",
        mistakes=names,
        error=measured.error,
        message=" ".join(filter(None, [explanation(found, facts), measured.sentence()])),
        hint=" Or: ".join(hints) or measured.hint(),
        score=score,
        shape=measured.shape,
        right_shape=shape,
        worst=measured.worst,
        answered=measured.answered,
        right=measured.right,
        wrong_entries=measured.wrong_entries,
        entries=found.right[0].size,
        fingerprints=facts,
    )


class Measured:
    """How far a wrong answer is off what follows from the person's own earlier answers.

    Where nothing follows from those, it is compared with the truth. The numbers are those of the
    point where it is furthest off.
    """

    def __init__(self, found: Judged) -> None:
        assert found.answered is not None
        self.rights = [
            right if given is None or np.shape(given) != right.shape else np.asarray(given)
            for given, right in zip(found.given, found.right, strict=True)
        ]
        self.own = any(
            not same(right, truth, RIGHT)
            for right, truth in zip(self.rights, found.right, strict=True)
        )
        shapes = [a.shape for a in found.answered]
        self.right_shape = self.rights[0].shape
        self.shape = next((shape for shape in shapes if shape != self.right_shape), shapes[0])
        self.entries = self.rights[0].size
        self.worst: tuple[int, ...] | None = None
        self.error = self.answered = self.right = self.wrong_entries = None
        if self.shape != self.right_shape or not self.entries:
            return
        errors = [relative(a, r) for a, r in zip(found.answered, self.rights, strict=True)]
        p = int(np.argmax([np.nanmax(e, initial=0) if finite(e) else np.inf for e in errors]))
        answer, right, error = found.answered[p], self.rights[p], errors[p]
        worst = np.unravel_index(
            int(np.argmax(np.where(np.isnan(error), np.inf, error))), self.shape
        )
        self.worst = tuple(int(i) for i in worst)
        self.answered = number(answer[worst])
        self.right = number(right[worst])
        self.error = number(error[worst])
        self.wrong_entries = int(np.sum(~(error <= RIGHT)))

    def sentence(self) -> str:
        """Say how far off it is."""
        if self.shape != self.right_shape:
            return f"The shape is {self.shape}, and should be {self.right_shape}{self.in_words()}."
        if self.worst is None:
            return ""
        if self.answered is None:
            return (
                f"{self.wrong_entries} of {self.entries} entries are wrong: entry "
                f"{self.worst} is not finite, where {self.right:.6g} is right."
            )
        assert self.error is not None
        given = ", given your earlier lines" if self.own else ""
        return (
            f"{self.wrong_entries} of {self.entries} entries are wrong. The worst is {self.worst}: "
            f"{self.answered:.6g} for {self.right:.6g}{given}, off by {percent(self.error)} of the "
            "largest entry."
        )

    def in_words(self) -> str:
        """Say how two shapes are related."""
        if self.shape == self.right_shape[::-1]:
            return ": this is the transpose of the right shape"
        if np.prod(self.shape) == self.entries:
            return ": the number of entries is right"
        if len(self.shape) == len(self.right_shape) + 1:
            return ": there is an axis too many, which may have to be summed over"
        return ""

    def hint(self) -> str:
        """Say how to go on where no mistake is named."""
        if self.shape != self.right_shape:
            return "Compare the shape of your gradient with the shape of the quantity."
        if self.error is not None and self.error < NEARLY:
            return "It is nearly right: is a number rounded, or a small term left over?"
        return "Nudge one entry of the quantity, and compare the change of the loss with yours."


def explanation(found: Judged, facts: Sequence[str]) -> str:
    """Name the mistakes that fit, or say what was measured."""
    if not found.faults:
        measured = f" Measured: {'; '.join(facts)}." if facts else ""
        implied = ""
        if found.implied is not None:
            implied = (
                f" It follows rightly from a wrong {gradient_of(found.implied.name)}: the slip may "
                "be there, or nearer to the loss."
            )
        not_all = f" {found.reason}" if found.reason else ""
        return f"No known pattern.{not_all}{implied}{measured}"
    told: dict[str, str] = {}
    details: dict[str, list[str]] = {}
    for fault in found.faults:
        told.setdefault(fault.mistake.name, fault.mistake.sentence)
        details.setdefault(fault.mistake.name, []).extend(filter(None, [fault.detail]))
    said = [
        f"{name}{f' ({which})' if (which := listed(details[name], last='or')) else ''}: {text}"
        for name, text in told.items()
    ]
    if len(said) == 1:
        return said[0]
    points = "these points" if len(found.right) > 1 else "the given point"
    return f"{len(said)} mistakes fit, and {points} cannot tell them apart. {' Or '.join(said)}"


def sentence(reason: str) -> str:
    """Write a clause as a sentence."""
    text = reason[:1].upper() + reason[1:]
    return text if text.endswith((".", "?")) else f"{text}."


def relative(answer: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return how far off each entry is, relative to the largest entry of the two."""
    largest = np.abs(right).max(initial=0.0)
    if largest == 0:
        largest = np.abs(answer).max(initial=0.0) or 1.0
    return np.asarray(np.abs(answer - right) / largest)


def error_of(found: Judged) -> float | None:
    """Return how far an answer is off the truth, at the worst point."""
    assert found.answered is not None
    pairs = list(zip(found.answered, found.right, strict=True))
    if any(a.shape != r.shape for a, r in pairs):
        return None
    return number(max(relative(a, r).max(initial=0.0) for a, r in pairs))


def finite(values: np.ndarray) -> bool:
    """Say whether all entries are finite."""
    return bool(np.isfinite(values).all())


def number(value: Any) -> float | None:
    """Return a finite number as Python has it; None for NaN and infinity, which JSON lacks."""
    return float(value) if np.isfinite(value) else None
