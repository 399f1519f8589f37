"""Findings: what the judge found about a line, measured and put into words for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from ..differences import agree
from ..mistakes.mistake import Fault, Mistake
from ..notation.numbers import listed, percent
from .fingerprints import NEARLY, fingerprints
from .precision import RIGHT
from .report import Line
from .tables import gradient_of

#: The numbers of a gradient at each point.
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


@dataclass(frozen=True, eq=False)
class Finding:
    """What the judge found about one quantity.

    The numbers that tell how far off it is are those of the point where it is furthest off.

    Parameters
    ----------
    name
        Of the quantity.
    verdict
        ``right``, ``wrong``, ``carried forward``, ``missing`` or ``unreadable``.
    right, answered, expected
        The numbers at each point: the truth, the person's, and what follows from the person's own
        answers nearer to the loss (None where nothing can be computed from them).
    faults
        The mistakes of the catalogue that reproduce the answer.
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
    expected: Sequence[np.ndarray | None] = ()
    faults: tuple[Fault, ...] = ()
    implied: Implied | None = None
    reason: str = ""

    # ---- how far off ----

    @cached_property
    def wanted(self) -> list[np.ndarray]:
        """What it is compared with: what follows from the earlier answers, or else the truth."""
        return [
            right if expected is None or np.shape(expected) != right.shape else expected
            for expected, right in zip(self.expected, self.right, strict=True)
        ]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the answer; the wrong one, if it has several."""
        assert self.answered is not None
        shapes = [a.shape for a in self.answered]
        return next((shape for shape in shapes if shape != self.right_shape), shapes[0])

    @property
    def right_shape(self) -> tuple[int, ...]:
        return self.right[0].shape

    def error(self) -> float | None:
        """Return how far an answer is off the truth, at the worst point."""
        assert self.answered is not None
        pairs = list(zip(self.answered, self.right, strict=True))
        if any(a.shape != r.shape for a, r in pairs):
            return None
        return finite(max(errors(a, r).max(initial=0.0) for a, r in pairs))

    def measure(self) -> dict[str, Any]:
        """Return the numbers of a wrong line, by the names that `Line` has for them."""
        if self.shape != self.right_shape or not self.right[0].size:
            return {}
        assert self.answered is not None
        off = [errors(a, w) for a, w in zip(self.answered, self.wanted, strict=True)]
        p = int(np.argmax([np.nan_to_num(e, nan=np.inf).max() for e in off]))
        worst = np.unravel_index(np.argmax(np.nan_to_num(off[p], nan=np.inf)), self.shape)
        return {
            "worst": tuple(map(int, worst)),
            "answered": finite(self.answered[p][worst]),
            "right": finite(self.wanted[p][worst]),
            "error": finite(off[p][worst]),
            "wrong_entries": int(np.sum(~(off[p] <= RIGHT))),
        }

    # ---- in words ----

    def to_line(self, score: float | None, others: Mapping[str, Numbers]) -> Line:
        """Write it as a line of the report.

        Parameters
        ----------
        score
            What the line is worth; None if it does not count.
        others
            The gradients of all quantities at each point, by name.
        """
        line = Line(self.name, self.verdict, score=score, right_shape=self.right_shape)
        if self.answered is None:
            required = "It has to be answered." if score is not None else ""
            return replace(line, message=to_sentence(self.reason) if self.reason else required)
        line = replace(line, shape=self.shape)
        if self.verdict == "right":
            return replace(line, error=self.error(), message=self.reason)
        if self.verdict == "carried forward":
            message = self.reason or "Right, given an earlier slip."
            return replace(line, error=self.error(), message=message)
        facts: tuple[str, ...] = ()
        if not self.faults:
            known = {name: right for name, right in others.items() if name != self.name}
            facts = tuple(fingerprints(self.answered, self.wanted, known))
        numbers = self.measure()
        line = replace(line, **numbers, entries=self.right[0].size, fingerprints=facts)
        hints = dict.fromkeys(fault.mistake.see for fault in self.faults)
        return replace(
            line,
            mistakes=tuple(dict.fromkeys(fault.mistake.name for fault in self.faults)),
            message=" ".join(filter(None, [self.explain(facts), self.say_numbers(line)])),
            hint=" Or: ".join(hints) or self.hint(line.error),
        )

    def explain(self, facts: Sequence[str]) -> str:
        """Name the mistakes that fit, or say what was measured."""
        if not self.faults:
            sentences = ["No known pattern.", self.reason]
            if self.implied is not None:
                sentences.append(
                    f"It follows rightly from a wrong {gradient_of(self.implied.name)}: the slip "
                    "may be there, or nearer to the loss."
                )
            if facts:
                sentences.append(f"Measured: {'; '.join(facts)}.")
            return " ".join(filter(None, sentences))
        details: dict[Mistake, dict[str, None]] = {}
        for fault in self.faults:
            details.setdefault(fault.mistake, {})[fault.detail] = None
        sentences = []
        for mistake, taken in details.items():
            instead = listed(filter(None, taken), last="or")
            name = f"{mistake.name} ({instead})" if instead else mistake.name
            sentences.append(f"{name}: {mistake.sentence}")
        if len(sentences) == 1:
            return sentences[0]
        points = "these points" if len(self.right) > 1 else "the given point"
        start = f"{len(sentences)} mistakes fit, and {points} cannot tell them apart."
        return f"{start} {' Or '.join(sentences)}"

    def say_numbers(self, line: Line) -> str:
        """Say how far off a wrong line is."""
        if self.shape != self.right_shape:
            relation = compare_shapes(self.shape, self.right_shape)
            return f"The shape is {self.shape}, and should be {self.right_shape}{relation}."
        if line.worst is None:
            return ""
        start = f"{line.wrong_entries} of {line.entries} entries are wrong"
        if line.answered is None or line.right is None or line.error is None:
            right = "infinity or NaN" if line.right is None else f"{line.right:.6g}"
            return f"{start}: entry {line.worst} is not finite, where {right} is right."
        follows = any(not agree(w, r, RIGHT) for w, r in zip(self.wanted, self.right, strict=True))
        given = ", given your earlier lines" if follows else ""
        return (
            f"{start}. The worst is {line.worst}: {line.answered:.6g} for {line.right:.6g}{given}, "
            f"off by {percent(line.error)} of the largest entry."
        )

    def hint(self, error: float | None) -> str:
        """Say how to go on where no mistake is named."""
        if self.shape != self.right_shape:
            return "Compare the shape of your gradient with the shape of the quantity."
        if error is not None and error < NEARLY:
            return "It is nearly right: is a number rounded, or a small term left over?"
        return "Nudge one entry of the quantity, and compare the change of the loss with yours."


def compare_shapes(shape: tuple[int, ...], right: tuple[int, ...]) -> str:
    """Say how two shapes are related."""
    if shape == right[::-1]:
        return ": this is the transpose of the right shape"
    if np.prod(shape) == np.prod(right):
        return ": the number of entries is right"
    if len(shape) == len(right) + 1:
        return ": there is an axis too many, which may have to be summed over"
    return ""


def to_sentence(clause: str) -> str:
    text = clause[:1].upper() + clause[1:]
    return text if text.endswith((".", "?")) else f"{text}."


def errors(answer: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return how far off each entry is, relative to the largest right one.

    Where all the right ones are zero, it is relative to the largest of the answer.
    """
    largest = np.abs(right).max(initial=0.0) or np.abs(answer).max(initial=0.0) or 1.0
    return np.asarray(np.abs(answer - right) / largest)


def finite(value: Any) -> float | None:
    """Return a finite number as Python has it; None for NaN and infinity, which JSON lacks."""
    return float(value) if np.isfinite(value) else None
