"""A class: many submissions graded side by side, and what came out.

Each submission has its process, and its row: whatever happens to one, the others keep theirs.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

from ..notation.numbers import listed, printable
from ..pages.page import write_page
from .assignment import Assignment
from .factors import say_conventions
from .grade import GradesItself, grade_submission
from .isolated import IsolatedFile, read_helpers
from .limits import LONGEST_REASON, Limits
from .report import OF_LINES, VERDICTS, JudgedLine, Report, gradient_of

#: A spreadsheet takes a cell that begins with one of these for a formula; so it may do with their
#: full-width forms.
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Graded:
    name: str  # that of its file, with as many folders as tell it from the others
    report: Report | None = None  # None if it could not be graded
    trouble: str = ""  # why not, which its author cannot mend

    @property
    def mistakes(self) -> list[JudgedLine]:
        """The wrong lines: the first mistake, and those that do not follow from it."""
        lines = self.report.lines if self.report and self.report.failure is None else ()
        return [line for line in lines if line.verdict == "wrong"]

    @property
    def conventions(self) -> str:
        """The conventions in which its lines are right, where they differ from the problem's."""
        lines = self.report.lines if self.report else ()
        return ", ".join(dict.fromkeys(name for line in lines for name in line.conventions))

    @property
    def said(self) -> str:
        """What came out: every mistake, or the outcome where there is none."""
        return "; ".join(f"{line.label}: {line.named}" for line in self.mistakes) or self.outcome

    def to_look_at(self) -> list[str]:
        """Return why a person should look at it, if the grade may not be what it seems."""
        if self.report is None:
            return [self.trouble]
        failure = self.report.failure or ""
        missing = [failure] if failure.startswith(("ModuleNotFoundError", "ImportError")) else []
        return [*missing, *self.report.warnings]

    @property
    def page(self) -> str:
        """The name of its feedback page."""
        return f"{self.name.removesuffix('.py')}.html"

    def feedback(self, title: str, conventions: Sequence[str] = ()) -> str:
        """Return a page for its author: hints, without the answers."""
        report = self.report or Report((), "it could not be graded. Ask your teacher.")
        in_force = (" ".join(("Conventions.", *conventions)),) if conventions else ()
        report = replace(report, remarks=(*report.remarks, *in_force))
        return report.for_learner().to_html(f"{title}: {self.name}")

    @property
    def outcome(self) -> str:
        if self.report is None:
            return "could not be graded"
        if self.report.failure is not None:
            return "gave no answers"
        if self.mistakes:
            return f"{self.mistakes[0].label}: {self.mistakes[0].named}"
        return "all right" if self.report.passed else "incomplete"

    @property
    def reason(self) -> str:
        if self.report is None or self.report.failure is not None:
            return self.trouble if self.report is None else self.report.failure or ""
        unread = [x for x in self.report.lines if x.verdict == "unreadable"]
        said = [f"{x.label}: {x.message}" for x in unread[:1]]
        missing = [x.label for x in self.report.counted if x.verdict == "missing"]
        if missing:
            said.append(f"Not answered: {listed(missing)}.")
        return " ".join(said or self.report.remarks)

    def verdict(self, quantity: str) -> str:
        """Return what came out of a line; nothing if it was neither asked for nor answered."""
        lines = self.report.shown() if self.report else ()
        return next((x.verdict for x in lines if x.name == quantity), "")


@dataclass(frozen=True)
class Classroom:
    rows: tuple[Graded, ...]  # one for each submission, by name
    quantities: tuple[str, ...]  # whose gradients were to be derived, from the loss back
    conventions: tuple[str, ...] = ()  # those in force, a sentence each

    @property
    def reports(self) -> list[Report]:
        return [row.report for row in self.rows if row.report is not None]

    def outcomes(self) -> dict[str, int]:
        counts = Counter(row.outcome for row in self.rows)
        last = ("incomplete", "gave no answers", "could not be graded", "all right")
        mistakes = sorted(counts.keys() - {*last}, key=lambda x: (-counts[x], x))
        return {outcome: counts[outcome] for outcome in (*mistakes, *last) if counts[outcome]}

    def lines(self) -> dict[str, dict[str, int]]:
        # how often each verdict was given on each quantity that somebody has answered
        counts = {name: Counter(row.verdict(name) for row in self.rows) for name in self.quantities}
        return {
            name: {verdict: count[verdict] for verdict in OF_LINES}
            for name, count in counts.items()
            if any(count[verdict] for verdict in OF_LINES)
        }

    def summary(self) -> str:
        n, passed = len(self.rows), sum(report.passed for report in self.reports)
        scores = [report.score for report in self.reports]
        average = f" The mean score is {mean(scores):.0%}." if scores else ""
        return f"{n} submission{'' if n == 1 else 's'}, {passed} all right.{average}"

    def to_csv(self) -> str:
        names = list(self.lines())
        head = ("submission", "score", "points", "out of", "passed", "outcome", "first wrong line")
        table = [(*head, "mistakes", "conventions", "reason", "look at", *names)]
        for row in self.rows:
            report = row.report
            numbers = (report.score, report.points, report.worth) if report else ()
            score, points, worth = (f"{round(n, 4):g}" for n in numbers) if numbers else ("",) * 3
            passed = "yes" if report and report.passed else "no"
            first = row.mistakes[0].name if row.mistakes else ""
            mistakes = "; ".join(f"{line.name}: {line.named}" for line in row.mistakes)
            cells = (row.name, score, points, worth, passed, row.outcome, first, mistakes)
            said = (row.conventions, row.reason, " ".join(row.to_look_at()))
            table.append((*cells, *said, *map(row.verdict, names)))
        text = io.StringIO()
        # Quoted, so that a spreadsheet that splits at semicolons splits no cell.
        writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerows(map(to_cell, cells) for cells in table)
        return text.getvalue()

    def feedback(self, title: str = "The class") -> dict[str, str]:
        """Return a page for each student, by the name of its file."""
        return {row.page: row.feedback(title, self.conventions) for row in self.rows}

    def to_html(self, title: str = "The class", feedback: str | None = None) -> str:
        """Return a page; it has links to the pages of students, if they are in a folder."""
        outcomes, lines = self.outcomes(), self.lines()
        mistakes = {row.outcome for row in self.rows if row.mistakes}
        colours = dict.fromkeys(mistakes, "wrong") | {"all right": "right"}
        return write_page(
            "class",
            title=title,
            summary=self.summary(),
            conventions=self.conventions,
            verdicts={name: VERDICTS[name].sign for name in OF_LINES},
            outcomes=[(x, n, {colours.get(x, "missing"): n}) for x, n in outcomes.items()],
            most=max(outcomes.values(), default=1),
            lines=[(gradient_of(name), n["wrong"], n) for name, n in lines.items()],
            quantities={name: gradient_of(name) for name in lines},
            rows=self.rows,
            points=any(report.has_points for report in self.reports),
            feedback=feedback,
        )


def to_cell(text: str) -> str:
    # no spreadsheet takes it for a formula
    cell = printable(text, LONGEST_REASON)
    return f"'{cell}" if cell.lstrip().startswith(FORMULA) else cell


def grade_class(
    paths: Sequence[str | Path],
    assignment: Assignment,
    limits: Limits | None = None,
    function: Callable[[Path], str | None] = lambda path: None,
    jobs: int | None = None,
    done: Callable[[], Any] = lambda: None,
    document: Callable[[Path], GradesItself | None] = lambda path: None,
) -> Classroom:
    # Each in a process of its own, as many at a time as there are processors, unless it is said. A
    # file that is given twice is graded once; ``done`` is called after each.
    files = {Path(path).absolute(): Path(path) for path in paths}
    # All are read before the first is run: a submission could delete those of others.
    helpers = {folder: read_helpers(folder, files) for folder in {path.parent for path in files}}
    submissions = [
        read_submission(path, limits, function(given), helpers[path.parent], document)
        for path, given in files.items()
    ]
    named = list(zip(name_files(list(files)), submissions, strict=True))
    pool = ThreadPoolExecutor(jobs or os.cpu_count())
    try:
        futures = [pool.submit(grade_row, *pair, assignment) for pair in named]
        for _ in as_completed(futures):
            done()
        rows = [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)
    quantities = tuple(q for q in assignment.runs[0].backward_order if q != assignment.loss)
    conventions = tuple(say_conventions(assignment.runs[0], assignment.marking.accepted))
    return Classroom(tuple(sorted(rows, key=lambda row: row.name)), quantities, conventions)


def read_submission(
    path: Path,
    limits: Limits | None,
    function: str | None,
    helpers: Mapping[str, bytes],
    document: Callable[[Path], GradesItself | None],
) -> IsolatedFile | GradesItself | Exception:
    # a link could lead to a file of the teacher's, whose lines an error would quote
    try:
        if path.is_symlink():
            raise ValueError("it is a link, and links are not followed")
        return document(path) or IsolatedFile(path, limits, function, helpers)
    except (OSError, ValueError) as error:
        return error


def grade_row(
    name: str, submission: IsolatedFile | GradesItself | Exception, assignment: Assignment
) -> Graded:
    try:
        if isinstance(submission, Exception):
            raise submission
        report = grade_submission(submission, assignment)
    except Exception as error:  # whatever it is, it costs one row
        kind = "" if type(error) is ValueError else f"{type(error).__name__}: "  # which is ours
        return Graded(name, trouble=printable(f"{kind}{error}"))
    # what the points cannot show is the same for all
    own = tuple(note for note in report.warnings if note not in assignment.warnings)
    return Graded(name, replace(report, warnings=own))


def name_files(paths: Sequence[Path]) -> list[str]:
    names = [path.name for path in paths]
    if len({path.parent for path in paths}) > 1:  # which may be named after students
        shared = os.path.commonpath([path.parent for path in paths])
        names = [path.relative_to(shared).as_posix() for path in paths]
    return [printable(name, LONGEST_REASON) for name in names]
