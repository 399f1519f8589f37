"""The report: what was judged, as data, and how it is shown.

There are two views of one report. The teacher's has every number. The learner's gives hints first,
and the answers only where they are asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..notation.numbers import percent
from ..saving import save
from .tables import Cells, Shown, gradient_of


@dataclass(frozen=True)
class Line:
    """One line of a derivation, judged."""

    name: str  # the quantity whose gradient it is
    verdict: str  # right, wrong, carried forward, missing or unreadable
    mistakes: tuple[str, ...] = ()  # that reproduce the numbers; several cannot be told apart
    error: float | None = None  # relative to the largest entry; None if nothing can be compared
    message: str = ""  # what is wrong, in full
    hint: str = ""  # how to see it, without the answer
    score: float | None = None  # from 0 to 1; None where the line does not count
    shape: tuple[int, ...] | None = None  # of the answer
    right_shape: tuple[int, ...] | None = None  # of the quantity; None if there is none
    worst: tuple[int, ...] | None = None  # the index of the entry that is furthest off
    answered: float | None = None  # the number there
    right: float | None = None  # the right one there
    wrong_entries: int | None = None
    entries: int | None = None
    fingerprints: tuple[str, ...] = ()  # what was measured, where no mistake is named

    @property
    def label(self) -> str:
        """How the gradient is written: ``dL/dz3``; as it was answered, if there is no such one."""
        return self.name if self.right_shape is None else gradient_of(self.name)


@dataclass(frozen=True)
class Report(Shown):
    """A derivation, judged. Made by `grade`.

    It prints as text, on a rich console as a table, and in a notebook as HTML: the teacher's view.
    """

    lines: tuple[Line, ...]  # every line, from the loss back
    failure: str | None = None  # why there are no answers at all, where there are none
    warnings: tuple[str, ...] = ()  # what the points cannot show
    reveal: bool = True  # whether the findings are shown in full
    hints: bool = False  # whether hints are shown

    @property
    def passed(self) -> bool:
        """Whether every line that counts is right, and there is one."""
        counted = [line for line in self.lines if line.score is not None]
        return bool(counted) and all(line.verdict == "right" for line in counted)

    @property
    def first_wrong(self) -> str | None:
        """The name of the first wrong line on the way back from the loss."""
        return next((line.name for line in self.lines if line.verdict == "wrong"), None)

    @property
    def score(self) -> float:
        """The mean of the scores of the lines that count, from 0 to 1."""
        scores = [line.score for line in self.lines if line.score is not None]
        return sum(scores) / len(scores) if scores else 0.0

    def __getitem__(self, name: str) -> Line:
        """Return the line of a quantity."""
        for line in self.lines:
            if line.name == name:
                return line
        raise KeyError(f"there is no line {name!r}; there are {[x.name for x in self.lines]}")

    def for_learner(self, reveal: bool = False) -> Report:
        """Return the learner's view: hints, and the answers only if they are to be revealed."""
        return replace(self.for_teacher(), reveal=reveal, hints=True)

    def for_teacher(self) -> Report:
        """Return the teacher's view: every finding, but no line that nobody answered or asked for.

        What nobody answered or asked for does not count, so the score is the same.
        """
        shown = (x for x in self.lines if x.verdict != "missing" or x.score is not None)
        return replace(self, lines=() if self.failure is not None else tuple(shown))

    # ---- in words ----

    def summary(self) -> str:
        """Say in a sentence how it went."""
        if self.failure is not None:
            return f"There are no answers: {self.failure}"
        counted = [line for line in self.lines if line.score is not None]
        if not counted:
            return "Nothing is answered."
        right = sum(line.verdict == "right" for line in counted)
        score = f"{right} of {len(counted)} lines right, score {self.score:.0%}."
        if self.passed:
            return f"Passed: {score}"
        if self.first_wrong is None:
            return f"Not passed: {score}"
        return f"Not passed: {score} The first wrong line is {gradient_of(self.first_wrong)}."

    def said(self, line: Line) -> str:
        """Say what was found about a line, and on a second line the hint."""
        if line.verdict != "wrong":  # which gives nothing away
            return line.message
        if not self.reveal:
            return line.hint
        return f"{line.message}\nHint: {line.hint}" if self.hints and line.hint else line.message

    def rows(self) -> list[Cells]:
        """Return the lines as rows of a table."""
        rows = []
        for line in self.for_teacher().lines:
            finding, _, hint = self.said(line).partition("\n")
            # Of a line that follows rightly from a wrong one, the error is not its own.
            is_own = line.verdict == "wrong" and line.error is not None
            error = percent(line.error) if is_own else ""  # type: ignore[arg-type]
            strong = line.mistakes if self.reveal else ()
            rows.append(Cells(line.verdict, line.label, error, finding, hint, strong))
        return rows

    def notes(self) -> list[str]:
        return [f"Note: {warning}" for warning in self.warnings]

    # ---- for other programs ----

    def to_json(self) -> str:
        """Return the report as JSON; ``docs/grade.schema.json`` describes it."""
        data = {
            "version": 1,
            "passed": self.passed,
            "score": self.score,
            "first_wrong": self.first_wrong,
            "failure": self.failure,
            "warnings": self.warnings,
            "lines": [asdict(line) for line in self.lines],
        }
        return json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n"

    def to_gradescope(self, max_score: float = 100.0) -> dict[str, Any]:
        """Return the report as Gradescope reads it from ``results.json``.

        A test is a line. Students see the hints, not the answers. A derivation without a mistake
        is worth ``max_score``.
        """
        view = self.for_learner()
        return {
            "score": round(self.score * max_score, 6),
            "output": self.summary(),
            "tests": [
                {
                    "name": line.label,
                    "status": "passed" if line.verdict == "right" else "failed",
                    "output": f"{line.verdict}. {view.said(line)}".strip(),
                }
                for line in self.lines
                if line.score is not None
            ],
        }

    def save(self, path: str | Path) -> None:
        """Save the report as what the path ends in: ``.txt``, ``.html`` or ``.json``.

        A learner's view is no ``.json``, which holds the answers.
        """
        forms: dict[str, Callable[[], str]] = {".txt": lambda: f"{self}\n", ".html": self.to_html}
        if not self.hints:
            forms[".json"] = self.to_json
        save(path, "a view of a report" if self.hints else "a report", forms)
