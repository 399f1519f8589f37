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

from ..saving import save
from .tables import Line, Shown, gradient_of


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
    def counted(self) -> list[Line]:
        """The lines that count: what was answered, or had to be."""
        return [line for line in self.lines if line.score is not None]

    @property
    def passed(self) -> bool:
        """Whether every line that counts is right, and there is one."""
        return bool(self.counted) and all(line.verdict == "right" for line in self.counted)

    @property
    def first_wrong(self) -> str | None:
        """The name of the first wrong line on the way back from the loss."""
        return next((line.name for line in self.lines if line.verdict == "wrong"), None)

    @property
    def score(self) -> float:
        """The mean of the scores of the lines that count, from 0 to 1."""
        return sum(line.score or 0.0 for line in self.counted) / max(len(self.counted), 1)

    def for_learner(self, reveal: bool = False) -> Report:
        """Return the learner's view: hints, and the answers only if they are to be revealed."""
        return replace(self.for_teacher(), reveal=reveal, hints=True)

    def for_teacher(self) -> Report:
        """Return the teacher's view: every finding, with its numbers."""
        return replace(self, lines=tuple(self.shown()))

    def shown(self) -> list[Line]:
        """Return the lines that somebody answered or asked for: the others do not count."""
        if self.failure is not None:
            return []
        return [x for x in self.lines if x.verdict != "missing" or x.score is not None]

    # ---- in words ----

    def summary(self) -> str:
        """Say in a sentence how it went."""
        if self.failure is not None:
            return f"There are no answers: {self.failure}"
        if not self.counted:
            return "Nothing is answered."
        right = sum(line.verdict == "right" for line in self.counted)
        score = f"{right} of {len(self.counted)} lines right, score {self.score:.0%}."
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
                for line in self.counted
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
