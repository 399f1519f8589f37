"""A class as one page: how often each first mistake was made, the lines, and the submissions.

The page needs nothing beside itself and runs no script. Names and messages come from submissions
and are escaped.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from statistics import mean

from . import report
from .classroom import VERDICTS, Classroom, Row

#: How a verdict is marked, so that it can be told without colours; as in a report.
MARKS = {verdict: report.VERDICTS[verdict][0] for verdict in VERDICTS}

#: The colours are the verdicts'; what is right is pale, so that the eye falls on what is not.
STYLE = """
:root { color-scheme: light dark; --paper: #fdfcfa; --ink: #23262b; --faint: #696d74;
  --rule: #e6e4df; --right: #dcebdf; --carried-forward: #f0dcab; --wrong: #d0695f;
  --unreadable: #b7a3d6; --missing: #e9e8e4; }
@media (prefers-color-scheme: dark) { :root { --paper: #17191c; --ink: #dddcd8; --faint: #969aa1;
  --rule: #2c2f34; --right: #27402f; --carried-forward: #6d5726; --wrong: #b4564d;
  --unreadable: #66528c; --missing: #2f3237; } }
* { box-sizing: border-box; }
body { background: var(--paper); color: var(--ink); margin: 0 auto; max-width: 62rem;
  padding: 3rem 1.5rem 4rem; font: 15px/1.5 system-ui, sans-serif;
  font-variant-numeric: tabular-nums; }
h1 { font-size: 1.6rem; font-weight: 600; margin: 0; }
h2 { font-size: 1rem; font-weight: 600; margin: 3rem 0 .25rem; }
p { color: var(--faint); margin: 0 0 1rem; max-width: 44rem; text-wrap: pretty; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--rule); padding: .3rem 1rem .3rem 0; text-align: left;
  vertical-align: top; font-weight: 400; overflow-wrap: anywhere; }
thead th { color: var(--faint); font-size: .8rem; vertical-align: bottom; white-space: nowrap; }
.chart { table-layout: fixed; }
.chart td:first-child { width: 45%; }
.chart.narrow td:first-child { width: 8rem; }
td.number, th.number { text-align: right; white-space: nowrap; width: 4rem; }
.chart td:last-child { padding-right: 0; }
.bar { display: flex; height: 1rem; margin-top: .25rem; gap: 1px; }
.bar span { border-radius: 2px; min-width: 2px; }
.faint { color: var(--faint); font-size: .85rem; }
th.line, td.line { padding: .3rem 0; text-align: center; width: 1.9rem; }
th.line span { writing-mode: vertical-rl; transform: rotate(180deg); }
.mark { border-radius: 4px; display: inline-block; font-style: normal; line-height: 1.5rem;
  text-align: center; width: 1.6rem; }
.last { padding-left: 1rem; padding-right: 0; min-width: 16rem; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
.legend .mark { color: var(--ink); margin-right: .4rem; }
.scroll { overflow-x: auto; }
""" + "".join(
    f".{verdict.replace(' ', '-')} {{ background: var(--{verdict.replace(' ', '-')}); }}\n"
    for verdict in VERDICTS
)


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
        "<!DOCTYPE html>\n<html lang='en'>\n<meta charset='utf-8'>\n",
        "<meta name='viewport' content='width=device-width'>\n",
        # Should anything of a submission ever slip through, a browser still does nothing with it.
        "<meta http-equiv='Content-Security-Policy' "
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n<body>\n",
        f"<h1>{html.escape(title)}</h1>\n<p>{summary(classroom)}</p>\n",
        outcomes(classroom),
        lines(classroom),
        submissions(classroom),
        "</body>\n</html>\n",
    )
    return "".join(parts)


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
        f"<tr><td>dL/d{html.escape(name)}</td><td class='number'>{line['wrong'] or ''}</td>"
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
    parts = "".join(
        f"<span><i class='mark {verdict.replace(' ', '-')}'>{mark}</i>{verdict}</span>"
        for verdict, mark in MARKS.items()
    )
    return f"<p class='legend'>{parts}</p>\n"


def submissions(classroom: Classroom) -> str:
    """Return the table of submissions."""
    names = list(classroom.lines())
    heads = "".join(f"<th class='line'><span>dL/d{html.escape(n)}</span></th>" for n in names)
    body = "".join(submission(row, names) for row in classroom.rows)
    return (
        "<h2>Submissions</h2>\n<div class='scroll'><table><thead><tr><th>file</th>"
        f"<th class='number'>score</th>{heads}<th class='last'>first mistake</th></tr></thead>\n"
        f"<tbody>{body}</tbody></table></div>\n"
    )


def submission(row: Row, names: Iterable[str]) -> str:
    """Return a row of the table of submissions."""
    score = "" if row.score is None else f"{row.score:.0%}"
    marks = "".join(mark(row.verdicts.get(name, "missing")) for name in names)
    why = f"<div class='faint'>{html.escape(row.reason)}</div>" if row.reason else ""
    return (
        f"<tr><td>{html.escape(row.name)}</td><td class='number'>{score}</td>{marks}"
        f"<td class='last'>{html.escape(row.outcome)}{why}</td></tr>\n"
    )


def mark(verdict: str) -> str:
    """Return a verdict as a coloured sign."""
    style = verdict.replace(" ", "-")
    sign = f"<i class='mark {style}' title='{verdict}'>{MARKS[verdict]}</i>"
    return f"<td class='line'>{sign}</td>"
