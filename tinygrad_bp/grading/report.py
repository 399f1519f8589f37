"""The report: verdicts on gradients as data, and the one table that shows them.

It is shown as text, on a console and on a page. There are two views of a report. The teacher's has
every number. The learner's gives hints first, and the answers only where they are asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..notation.numbers import listed, percent, plural
from ..notation.printed import as_text
from ..pages.page import write_page, write_part
from ..saving import save
from .fingerprints import RIGHT_ANSWER

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType


class Verdict(NamedTuple):
    sign: str
    colour: str  # on a console; on a page it is a class of the style
    score: float | None = None  # of a line with this verdict, if the teacher says nothing else


#: Every verdict: on the lines of a derivation, from the best to the worst, and on what becomes of a
#: gradient when a mistake is injected.
VERDICTS = {
    "right": Verdict("✓", "green", 1.0),
    "carried forward": Verdict("→", "yellow", 1.0),  # rightly from an earlier slip
    "wrong": Verdict("✗", "red", 0.0),
    "unreadable": Verdict("?", "magenta", 0.0),
    "missing": Verdict("·", "dim", 0.0),
    "unchanged": Verdict("✓", "green"),
    "wrong shape": Verdict("▫", "yellow"),
    "not computable": Verdict("?", "magenta"),
}

#: Those on the lines of a derivation.
OF_LINES = tuple(name for name, verdict in VERDICTS.items() if verdict.score is not None)

#: No console is wider: at this width a table is plain text, without a frame and unbroken.
WIDEST = 10_000


@dataclass(frozen=True)
class JudgedLine:
    """What is said about one gradient: a line of a derivation, judged."""

    name: str  # the quantity whose gradient it is
    verdict: str  # right, wrong, carried forward, missing or unreadable
    mistakes: tuple[str, ...] = ()  # that reproduce the numbers
    error: float | None = None  # relative to the largest entry; None if nothing can be compared
    message: str = ""  # what is wrong, in full
    hint: str = ""  # how to see it, without the answer
    score: float | None = None  # from 0 to 1; None where the line does not count
    points: float = 1.0  # what it is worth
    shape: tuple[int, ...] | None = None  # of the answer
    right_shape: tuple[int, ...] | None = None  # of the quantity; None if there is none
    worst: tuple[int, ...] | None = None  # the index of the entry that is furthest off
    answered: float | None = None  # the number there
    right: float | None = None  # the right one there
    wrong_entries: int | None = None
    entries: int | None = None
    fingerprints: tuple[str, ...] = ()  # what was measured, where no mistake is named
    conventions: tuple[str, ...] = ()  # in which it is right
    together: bool = False  # several mistakes were all made; or else they cannot be told apart

    @property
    def label(self) -> str:
        """How the gradient is written: ``dL/dz3``; as it was answered, if there is no such one."""
        return self.name if self.right_shape is None else gradient_of(self.name)

    @property
    def named(self) -> str:
        """The mistakes that explain it, in words."""
        return (" and " if self.together else " or ").join(self.mistakes) or "no known pattern"

    @property
    def slip(self) -> str:
        """What tells a slip from others: its mistakes, a factor that was measured, or the line."""
        factors = (fact for fact in self.fingerprints if fact.endswith(RIGHT_ANSWER))
        return next(factors, self.name) if not self.mistakes else ", ".join(self.mistakes)

    @property
    def earned(self) -> str:
        """What it earned of its points: ``1 of 2``."""
        return "" if self.score is None else f"{self.points * self.score:.4g} of {self.points:g}"

    @property
    def own_error(self) -> str:
        """How far off it is, where that is its own: not if it is right, or follows rightly."""
        return "" if self.verdict != "wrong" or self.error is None else percent(self.error)


class Shown:
    """Something that shows lines: it prints, and it is HTML in a notebook or a page."""

    lines: tuple[JudgedLine, ...]
    summary: Callable[[], str]  # a heading, and on a second line a sentence
    notes: Callable[[], list[str]]  # what is said below the table

    def shown(self) -> Sequence[JudgedLine]:
        """Return the lines that are worth showing."""
        return self.lines

    def said(self, line: JudgedLine) -> str:
        """Say what was found about a line, and on a second line a hint."""
        return line.message

    @property
    def has_points(self) -> bool:
        """Whether some line is worth more or less than others: then all points are shown."""
        return any(line.points != 1.0 for line in self.lines)

    def __getitem__(self, name: str) -> JudgedLine:
        """Return the line of a quantity."""
        for line in self.lines:
            if line.name == name:
                return line
        raise KeyError(f"there is no line {name!r}; there are {[x.name for x in self.lines]}")

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        heading, *sentence = self.summary().splitlines()
        yield Text(heading, style="bold")
        yield from map(Text, sentence)
        is_plain = options.max_width > WIDEST
        table = Table("", box=None if is_plain else SIMPLE_HEAD, show_header=not is_plain)
        table.pad_edge = False
        points = ["points"] if self.has_points else []
        for head in ("gradient", "verdict", "error", *points, "what was found"):
            table.add_column(head, overflow="fold")
        for line in self.shown():
            verdict = VERDICTS[line.verdict]
            found = Text(self.said(line))
            found.highlight_words(line.mistakes, "bold")
            sign, name = (Text(word, verdict.colour) for word in (verdict.sign, line.verdict))
            # a plain table has no heading to say what the number is
            error = f"error {line.own_error}" if is_plain and line.own_error else line.own_error
            cells = [error, *([line.earned] if points else [])]
            table.add_row(sign, Text(line.label), name, *map(Text, cells), found)
        if table.rows:
            yield table
        yield from map(Text, self.notes())

    def __str__(self) -> str:
        return as_text(self, width=WIDEST + 1)

    def __repr__(self) -> str:
        heading = self.summary().splitlines()[0].rstrip(".")
        return f"<{type(self).__name__.lower()}: {heading}; print it to see the lines>"

    def content(self) -> dict[str, Any]:
        from markupsafe import Markup, escape

        lines = []
        for line in self.shown():
            finding, _, hint = self.said(line).partition("\n")
            html = str(escape(finding))
            for name in line.mistakes:
                html = re.sub(rf"\b{re.escape(name)}(?=[ :])", f"<strong>{name}</strong>", html)
            lines.append((line, VERDICTS[line.verdict].sign, Markup(html), hint))
        heading, *sentence = self.summary().splitlines()
        notes = [*sentence, *self.notes()]
        return {"summary": heading, "lines": lines, "points": self.has_points, "notes": notes}

    def _repr_html_(self) -> str:
        return write_part("report", **self.content())

    def to_html(self, title: str = "A derivation, graded") -> str:
        """Return a page of its own."""
        return write_page("report", title=title, **self.content())


@dataclass(frozen=True, repr=False)
class Report(Shown):
    """A derivation, judged. Made by `grade`.

    It prints as text, on a rich console as a table, and in a notebook as HTML: the teacher's view.
    """

    lines: tuple[JudgedLine, ...]  # every line, from the loss back
    failure: str | None = None  # why there are no answers at all, where there are none
    warnings: tuple[str, ...] = ()  # what the points cannot show: for the teacher alone
    remarks: tuple[str, ...] = ()  # what else is to be said of the whole
    reveal: bool = True  # whether the findings are shown in full
    hints: bool = False  # whether hints are shown

    @property
    def counted(self) -> list[JudgedLine]:
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
    def worth(self) -> float:
        """The points of all lines that count."""
        return sum(line.points for line in self.counted)

    @property
    def points(self) -> float:
        """The points that were earned."""
        return sum(line.points * (line.score or 0.0) for line in self.counted)

    @property
    def score(self) -> float:
        """The part of the points that was earned, from 0 to 1."""
        return self.points / self.worth if self.worth else 0.0

    def for_learner(self, reveal: bool = False) -> Report:
        """Return the learner's view: hints, and the answers only if they are to be revealed."""
        return replace(self.for_teacher(), reveal=reveal, hints=True, warnings=())

    def for_teacher(self) -> Report:
        """Return the teacher's view: every finding, with its numbers."""
        return replace(self, lines=tuple(self.shown()))

    def shown(self) -> list[JudgedLine]:
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
        n = len(self.counted)
        points = f" ({self.points:.4g} of {self.worth:g} points)" if self.has_points else ""
        if self.passed:
            return f"Passed: {n} of {self.say_counted(n)} right, score {self.score:.0%}{points}."
        found = f"Not passed: {'; '.join(self.count())}. Score {self.score:.0%}{points}."
        if self.first_wrong is None:
            return found
        return f"{found} The first wrong line is {gradient_of(self.first_wrong)}."

    def say_counted(self, n: int) -> str:
        # the table may have further lines, which earn nothing
        return plural(n, "required line" if len(self.shown()) > len(self.counted) else "line")

    def count(self) -> Iterator[str]:
        # one slip is charged once, so the lines that follow from it are counted apart
        by = {name: [x for x in self.counted if x.verdict == name] for name in OF_LINES}
        slips, follow = len({x.slip for x in by["wrong"]}), len(by["carried forward"])
        if slips:
            lines = f" in {len(by['wrong'])} lines" if len(by["wrong"]) > slips else ""
            yield f"{plural(slips, 'slip')}{lines}"
        if follow:
            cause = {0: "an earlier slip", 1: "it"}.get(slips, "them")
            yield f"{plural(follow, 'line')} follow{'s' if follow == 1 else ''} from {cause}"
        if by["right"]:
            n = len(by["right"])
            yield f"{self.say_counted(n)} {'is' if n == 1 else 'are'} right"
        if by["unreadable"]:
            yield f"{plural(len(by['unreadable']), 'answer')} cannot be read"
        if by["missing"]:
            names = listed(line.label for line in by["missing"])
            yield f"{names} {'is' if len(by['missing']) == 1 else 'are'} not answered"

    def said(self, line: JudgedLine) -> str:
        """Say what was found about a line, and on a second line the hint."""
        if line.verdict != "wrong":  # which gives nothing away
            return line.message
        if not self.reveal:
            return line.hint
        return f"{line.message}\nHint: {line.hint}" if self.hints and line.hint else line.message

    def notes(self) -> list[str]:
        return [f"Note: {note}" for note in (*self.remarks, *self.warnings)]

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
            "remarks": self.remarks,
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
                    "status": "passed" if line.score == 1.0 else "failed",
                    "score": round(line.points * (line.score or 0.0), 6),
                    "max_score": line.points,
                    "output": f"{line.verdict}. {view.said(line)}".strip(),
                }
                for line in self.counted
            ],
        }

    def save(self, path: str | Path) -> None:
        """Save this view of the report, as ``.txt``, ``.html`` or ``.json``.

        The path's ending says which. A report is the teacher's view, with the right numbers. To
        save hints alone, write ``report.for_learner().save(path)``. A learner's view is not saved
        as ``.json``, which holds the answers.
        """
        forms: dict[str, Callable[[], str]] = {".txt": lambda: f"{self}\n", ".html": self.to_html}
        if not self.hints:
            forms[".json"] = self.to_json
        save(path, "a view of a report" if self.hints else "a report", forms)


def gradient_of(name: str) -> str:
    is_plain = name.isidentifier() and not name.startswith("d")
    return f"dL/d{name}" if is_plain else f"dL/d({name})"
