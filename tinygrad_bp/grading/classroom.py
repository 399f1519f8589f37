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
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

from ..notation.numbers import printable
from ..pages.page import write_page
from .grade import Assignment, grade_submission
from .isolated import IsolatedFile
from .limits import LONGEST_REASON, Limits
from .tables import OF_LINES, VERDICTS, gradient_of

#: A spreadsheet takes a cell that begins with one of these for a formula.
FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True)
class Row:
    name: str  # that of its file, with as many folders as tell it from the others
    passed: bool = False
    score: float | None = None  # from 0 to 1; None if it could not be graded
    first_wrong: str | None = None  # the quantity whose gradient is the first wrong one
    mistakes: tuple[str, ...] = ()  # of the catalogue, that fit there
    verdicts: Mapping[str, str] = field(default_factory=dict)  # by quantity, from the loss back
    failure: str | None = None  # why it gave no answers
    trouble: str | None = None  # why it could not be graded, which its author cannot mend
    note: str | None = None  # such as which of its answers cannot be read

    @property
    def reason(self) -> str:
        return self.trouble or self.failure or self.note or ""

    @property
    def outcome(self) -> str:
        if self.trouble is not None:
            return "could not be graded"
        if self.failure is not None:
            return "gave no answers"
        if self.first_wrong is not None:
            names = " or ".join(self.mistakes) or "no known pattern"
            return f"{gradient_of(self.first_wrong)}: {names}"
        return "all right" if self.passed else "incomplete"


@dataclass(frozen=True)
class Classroom:
    rows: tuple[Row, ...]  # one for each submission, by name
    quantities: tuple[str, ...]  # whose gradients were to be derived, from the loss back

    def outcomes(self) -> dict[str, int]:
        counts = Counter(row.outcome for row in self.rows)
        wrong = Counter(row.outcome for row in self.rows if row.first_wrong is not None)
        mistakes = sorted(wrong.items(), key=lambda item: (-item[1], item[0]))
        others = ("incomplete", "gave no answers", "could not be graded", "all right")
        return dict(mistakes) | {other: counts[other] for other in others if counts[other]}

    def lines(self) -> dict[str, dict[str, int]]:
        # how often each verdict was given on each quantity that somebody has answered
        counts = {
            name: Counter(row.verdicts.get(name, "missing") for row in self.rows)
            for name in self.quantities
        }
        return {
            name: {verdict: count[verdict] for verdict in OF_LINES}
            for name, count in counts.items()
            if count["missing"] < len(self.rows)
        }

    def summary(self) -> str:
        n, passed = len(self.rows), sum(row.passed for row in self.rows)
        scores = [row.score for row in self.rows if row.score is not None]
        average = f" The mean score is {mean(scores):.0%}." if scores else ""
        return f"{n} submission{'' if n == 1 else 's'}, {passed} all right.{average}"

    def to_csv(self) -> str:
        names = list(self.lines())
        head = ("submission", "score", "passed", "outcome", "first wrong", "mistakes", "reason")
        table = [(*head, *names)]
        for row in self.rows:
            score = "" if row.score is None else str(round(row.score, 4))
            passed, mistakes = "yes" if row.passed else "no", " or ".join(row.mistakes)
            cells = (row.name, score, passed, row.outcome, row.first_wrong or "", mistakes)
            verdicts = (row.verdicts.get(name, "missing") for name in names)
            table.append((*cells, row.reason, *verdicts))
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(map(to_cell, cells) for cells in table)
        return text.getvalue()

    def to_html(self, title: str = "The class") -> str:
        outcomes, lines = self.outcomes(), self.lines()
        mistakes = {row.outcome for row in self.rows if row.first_wrong is not None}
        colours = dict.fromkeys(mistakes, "wrong") | {"all right": "right"}
        return write_page(
            "class",
            title=title,
            summary=self.summary(),
            verdicts={name: VERDICTS[name].sign for name in OF_LINES},
            outcomes=[(x, n, {colours.get(x, "missing"): n}) for x, n in outcomes.items()],
            most=max(outcomes.values(), default=1),
            lines=[(gradient_of(name), n["wrong"], n) for name, n in lines.items()],
            quantities={name: gradient_of(name) for name in lines},
            rows=self.rows,
        )


def to_cell(text: str) -> str:
    # no spreadsheet takes it for a formula
    cell = printable(text, LONGEST_REASON)
    return f"'{cell}" if cell.lstrip().startswith(FORMULA) else cell


def grade_class(
    paths: Sequence[str | Path],
    assignment: Assignment,
    limits: Limits | None = None,
    function: str | None = None,
    jobs: int | None = None,
    done: Callable[[], Any] = lambda: None,
) -> Classroom:
    # Each in a process of its own, as many at a time as there are processors, unless it is said. A
    # file that is given twice is graded once; ``done`` is called after each.
    files = list(dict.fromkeys(Path(path).absolute() for path in paths))
    # All are read before the first is run: a submission could delete those of others.
    submissions = [read_submission(path, limits, function) for path in files]
    named = list(zip(name_files(files), submissions, strict=True))
    pool = ThreadPoolExecutor(jobs or os.cpu_count())
    try:
        futures = [pool.submit(grade_row, *pair, assignment) for pair in named]
        for _ in as_completed(futures):
            done()
        rows = [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)
    quantities = tuple(assignment.runs[0].backward_order)
    return Classroom(tuple(sorted(rows, key=lambda row: row.name)), quantities)


def read_submission(
    path: Path, limits: Limits | None, function: str | None
) -> IsolatedFile | Exception:
    try:
        return IsolatedFile(path, limits, function)
    except (OSError, ValueError) as error:
        return error


def grade_row(name: str, submission: IsolatedFile | Exception, assignment: Assignment) -> Row:
    try:
        if isinstance(submission, Exception):
            raise submission
        report = grade_submission(submission, assignment)
    except Exception as error:
        return Row(name, trouble=printable(f"{type(error).__name__}: {error}"))
    first = report.first_wrong
    own_notes = [note for note in report.warnings if note not in assignment.warnings]
    unread = (f"{x.label}: {x.message}" for x in report.lines if x.verdict == "unreadable")
    return Row(
        name,
        report.passed,
        report.score,
        first,
        () if first is None else report[first].mistakes,
        {line.name: line.verdict for line in report.lines if line.name in assignment.named},
        report.failure,
        note=next(unread, None) or " ".join(own_notes) or None,
    )


def name_files(paths: Sequence[Path]) -> list[str]:
    names = [path.name for path in paths]
    if len(set(names)) < len(names):
        shared = os.path.commonpath([path.parent for path in paths])
        names = [path.relative_to(shared).as_posix() for path in paths]
    return [printable(name, LONGEST_REASON) for name in names]
