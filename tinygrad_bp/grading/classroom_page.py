"""A class as one page: how often each first mistake was made, the lines, and the submissions."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from statistics import mean

from .classroom import VERDICTS, Classroom, Row
from .page import framed, mark
from .report import gradient_of

#: What this page adds to the style of the grader's pages.
STYLE = """
.chart { table-layout: fixed; }
.chart td:first-child { width: 45%; }
.chart.narrow td:first-child { width: 8rem; }
.chart td:last-child { padding-right: 0; }
.bar { display: flex; height: 1rem; margin-top: .25rem; gap: 1px; }
.bar span { border-radius: 2px; min-width: 2px; }
th.line, td.line { padding: .3rem 0; text-align: center; width: 1.9rem; }
th.line span { writing-mode: vertical-rl; transform: rotate(180deg); }
.file { min-width: 9rem; }
.last { padding-left: 1rem; padding-right: 0; min-width: 16rem; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
.legend .mark { color: var(--ink); margin-right: .4rem; }
.scroll { overflow-x: auto; }
"""


def page(classroom: Classroom, title: str = "The class") -> str:
    """Return the page of a class.

    Parameters
    ----------
    classroom
        What came out.
    title
        The heading of the page.

    Examples
    --------
    >>> row = Row("<b>.py", True, 1.0, verdicts={"z": "right"})
    >>> written = page(Classroom((row,), ("z",)))
    >>> "<b>" in written, "&lt;b&gt;.py" in written
    (False, True)
    """
    parts = (
        f"<p>{summary(classroom)}</p>\n",
        outcomes(classroom),
        lines(classroom),
        submissions(classroom),
    )
    return framed(title, "".join(parts), STYLE)


def summary(classroom: Classroom) -> str:
    """Say in a sentence how the class did."""
    rows = classroom.rows
    passed = sum(row.passed for row in rows)
    scores = [row.score for row in rows if row.score is not None]
    average = f" The mean score is {mean(scores):.0%}." if scores else ""
    return f"{counted(len(rows), 'submission')}, {passed} all right.{average}"


def counted(number: int, what: str) -> str:
    """Return ``1 submission`` or ``2 submissions``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def outcomes(classroom: Classroom) -> str:
    """Return how often each first mistake was made, and what else came out."""
    counts = classroom.outcomes()
    most = max(counts.values(), default=1)
    first = {row.outcome for row in classroom.rows if row.first_wrong is not None}
    body = "".join(
        f"<tr><td>{html.escape(outcome)}</td><td class='number'>{count}</td>"
        f"<td>{bar({kind(outcome in first, outcome): count}, most)}</td></tr>\n"
        for outcome, count in counts.items()
    )
    return (
        "<h2>First mistakes</h2>\n<p>The first wrong line of each submission, walking back from "
        "the loss, and the mistake that reproduces its numbers. A later line that follows from "
        f"it is no mistake of its own.</p>\n<table class='chart'>{body}</table>\n"
    )


def kind(wrong: bool, outcome: str) -> str:
    """Return the verdict whose colour an outcome has."""
    return "wrong" if wrong else "right" if outcome == "all right" else "missing"


def bar(counts: Mapping[str, int], most: int) -> str:
    """Return a bar with a part for each verdict."""
    parts = "".join(
        f"<span class='{verdict.replace(' ', '-')}' style='width:{100 * count / most:.2f}%' "
        f"title='{count} {verdict}'></span>"
        for verdict, count in counts.items()
        if count
    )
    return f"<div class='bar'>{parts}</div>"


def lines(classroom: Classroom) -> str:
    """Return how often each line was right, and how often it was not."""
    counts = classroom.lines()
    most = max((sum(line.values()) for line in counts.values()), default=1)
    body = "".join(
        f"<tr><td>{html.escape(gradient_of(name))}</td>"
        f"<td class='number'>{line['wrong'] or ''}</td>"
        f"<td>{bar(line, most)}</td></tr>\n"
        for name, line in counts.items()
    )
    return (
        "<h2>Line by line</h2>\n<p>Where the class fails: every gradient, from the loss back, and "
        "how many made a mistake there.</p>\n"
        f"{legend()}<table class='chart narrow'>{body}</table>\n"
    )


def legend() -> str:
    """Return what the colours and marks mean."""
    parts = "".join(f"<span>{mark(verdict)}{verdict}</span>" for verdict in VERDICTS)
    return f"<p class='legend'>{parts}</p>\n"


def submissions(classroom: Classroom) -> str:
    """Return the table of submissions."""
    names = list(classroom.lines())
    heads = "".join(
        f"<th class='line'><span>{html.escape(gradient_of(n))}</span></th>" for n in names
    )
    body = "".join(submission(row, names) for row in classroom.rows)
    return (
        "<h2>Submissions</h2>\n<div class='scroll'><table><thead><tr><th>file</th>"
        f"<th class='number'>score</th>{heads}<th class='last'>first mistake</th></tr></thead>\n"
        f"<tbody>{body}</tbody></table></div>\n"
    )


def submission(row: Row, names: Iterable[str]) -> str:
    """Return a row of the table of submissions."""
    score = "" if row.score is None else f"{row.score:.0%}"
    verdicts = (row.verdicts.get(name, "missing") for name in names)
    marks = "".join(f"<td class='line'>{mark(verdict)}</td>" for verdict in verdicts)
    why = f"<div class='faint'>{html.escape(row.reason)}</div>" if row.reason else ""
    return (
        f"<tr><td class='file'>{html.escape(row.name)}</td><td class='number'>{score}</td>{marks}"
        f"<td class='last'>{html.escape(row.outcome)}{why}</td></tr>\n"
    )
