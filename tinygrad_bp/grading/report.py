"""The report: what was judged, as data, and how it is shown.

There are two views of one report. The teacher's has every number. The learner's gives hints first,
and the answers only where they are asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..notation.numbers import percent
from ..pages.page import write_page, write_part
from ..saving import save
from .tables import Shown, fill_line, gradient_of, make_table

if TYPE_CHECKING:
    from rich.console import RenderableType


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

    @property
    def own_error(self) -> str:
        """How far off it is, where that is its own: empty if it is right, or follows rightly."""
        return "" if self.verdict != "wrong" or self.error is None else percent(self.error)


@dataclass(frozen=True)
class Report(Shown):
    """A derivation, judged. Made by `grade`.

    It prints as text, on a rich console as a table, and in a notebook as HTML: the teacher's view.
    """

    lines: tuple[Line, ...]  # every line, from the loss back
    failure: str | None = None  # why there are no answers at all, where there are none
    warnings: tuple[str, ...] = ()  # what the points cannot show

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

    def for_learner(self, reveal: bool = False) -> View:
        """Return the learner's view: hints, and the answers only if they are to be revealed."""
        return View(self, reveal=reveal, hints=True)

    def for_teacher(self) -> View:
        """Return the teacher's view: every finding with its numbers."""
        return View(self, reveal=True, hints=False)

    def parts(self) -> Iterator[RenderableType]:
        """Return what the teacher's view shows."""
        return self.for_teacher().parts()

    def _repr_html_(self) -> str:
        return self.for_teacher()._repr_html_()

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

        Examples
        --------
        >>> report = Report((Line("z", "right", score=1.0), Line("W", "wrong", score=0.0)))
        >>> results = report.to_gradescope(max_score=10)
        >>> results["score"], [test["status"] for test in results["tests"]]
        (5.0, ['passed', 'failed'])
        """
        view = self.for_learner()
        return {
            "score": round(self.score * max_score, 6),
            "output": view.summary(),
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
        """Save the report as what the path ends in: ``.txt``, ``.html`` or ``.json``."""
        forms: dict[str, Callable[[], str]] = {
            ".txt": lambda: f"{self}\n",
            ".html": self.for_teacher().to_html,
            ".json": self.to_json,
        }
        save(path, "a report", forms)


@dataclass(frozen=True)
class View(Shown):
    """A report as somebody is to see it."""

    report: Report
    reveal: bool  # whether the findings are shown in full
    hints: bool

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines that are shown: not those that nobody has answered or asked for."""
        if self.report.failure is not None:
            return ()
        return tuple(x for x in self.report.lines if x.verdict != "missing" or x.score is not None)

    @property
    def notes(self) -> list[str]:
        """What stands below the lines."""
        return [f"Note: {warning}" for warning in self.report.warnings]

    def summary(self) -> str:
        """Say in a sentence how it went."""
        report = self.report
        if report.failure is not None:
            return f"There are no answers: {report.failure}"
        counted = [line for line in report.lines if line.score is not None]
        if not counted:
            return "Nothing is answered."
        right = sum(line.verdict == "right" for line in counted)
        score = f"{right} of {len(counted)} lines right, score {report.score:.0%}."
        if report.passed:
            return f"Passed: {score}"
        if report.first_wrong is None:
            return f"Not passed: {score}"
        return f"Not passed: {score} The first wrong line is {gradient_of(report.first_wrong)}."

    def said(self, line: Line) -> str:
        """Say what was found about a line, and on a second line the hint."""
        if line.verdict != "wrong":  # which gives nothing away
            return line.message
        if not self.reveal:
            return line.hint
        return f"{line.message}\nHint: {line.hint}" if self.hints and line.hint else line.message

    def parts(self) -> Iterator[RenderableType]:
        """Return the summary, the table of the lines, and the notes."""
        from rich.text import Text

        yield Text(self.summary(), style="bold")
        rows = []
        for line in self.lines:
            found = Text(self.said(line))
            found.highlight_words(line.mistakes, "bold")
            rows.append((line.verdict, (line.label, line.verdict, line.own_error, found)))
        if rows:
            yield make_table(("gradient", "verdict", "error", "what was found"), rows)
        for note in self.notes:
            yield Text(note)

    def content(self) -> dict[str, Any]:
        """Return what the template of the page puts in."""
        from markupsafe import Markup, escape

        lines = []
        for line in self.lines:
            finding, _, hint = self.said(line).partition("\n")
            html = str(escape(finding))
            for name in line.mistakes if self.reveal else ():
                html = re.sub(rf"\b{re.escape(name)}(?=[ :])", f"<strong>{name}</strong>", html)
            lines.append(fill_line(line.verdict, line.label, line.own_error, Markup(html), hint))
        return {"summary": self.summary(), "lines": lines, "notes": self.notes}

    def _repr_html_(self) -> str:
        return write_part("report", **self.content())

    def to_html(self, title: str = "A derivation, graded") -> str:
        """Return the view as a page of its own."""
        return write_page("report", title=title, **self.content())

    def save(self, path: str | Path) -> None:
        """Save what is shown as what the path ends in: ``.txt`` or ``.html``."""
        save(path, "a view of a report", {".txt": lambda: f"{self}\n", ".html": self.to_html})
