"""What the pages of the grader share: a frame, a style, and the marks of the verdicts.

A page needs nothing beside itself and runs no script. Names and messages come from submissions, and
whoever writes them here escapes them.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

#: Each verdict, with its mark, its colour on a console, and its colour on a page: Okabe and Ito's.
VERDICTS = {
    "right": ("✓", "green", "#00734F"),
    "wrong": ("✗", "red", "#B33F00"),
    "carried forward": ("→", "yellow", "#8A6100"),
    "missing": ("·", "dim", "#595959"),
    "unreadable": ("?", "magenta", "#8A3C6E"),
}

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
td.number, th.number { text-align: right; white-space: nowrap; width: 4rem; }
.faint { color: var(--faint); font-size: .85rem; }
.mark { border-radius: 4px; display: inline-block; font-style: normal; line-height: 1.5rem;
  text-align: center; width: 1.6rem; }
""" + "".join(
    f".{verdict.replace(' ', '-')} {{ background: var(--{verdict.replace(' ', '-')}); }}\n"
    for verdict in VERDICTS
)


def framed(title: str, body: str, style: str = "") -> str:
    """Return a page of its own.

    Parameters
    ----------
    title
        The heading, as text.
    body
        What stands below it, as HTML.
    style
        What the page adds to the style.
    """
    title = html.escape(title)
    return (
        "<!DOCTYPE html>\n<html lang='en'>\n<meta charset='utf-8'>\n"
        "<meta name='viewport' content='width=device-width'>\n"
        # Should anything of a submission ever slip through, a browser still does nothing with it.
        "<meta http-equiv='Content-Security-Policy' "
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title>\n<style>{STYLE}{style}</style>\n<body>\n"
        f"<h1>{title}</h1>\n{body}</body>\n</html>\n"
    )


def in_notebook(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    colours: Sequence[str],
    number: int | None = None,
) -> str:
    """Return a table for a notebook: its style stands in its cells, and reaches nothing else there.

    Parameters
    ----------
    heads
        The titles of the columns.
    rows
        The cells, as HTML.
    colours
        For each row, that of its first cell.
    number
        Which column stands on the right, as numbers do.
    """
    top = "text-align:left;vertical-align:top"
    styles = [f"{top};text-align:right" if i == number else top for i in range(len(heads))]
    titles = "".join(f"<th style='{top}'>{head}</th>" for head in heads)
    body = f"<tr>{titles}</tr>\n"
    for (first, *others), colour in zip(rows, colours, strict=True):
        start = f"<td style='{top};white-space:nowrap;color:{colour}'>{first}</td>"
        cells = zip(styles[1:], others, strict=True)
        rest = "".join(f"<td style='{style}'>{cell}</td>" for style, cell in cells)
        body += f"<tr>{start}{rest}</tr>\n"
    return f"<table style='border-spacing:1em 0.3em;margin-left:-1em'>\n{body}</table>\n"


def mark(verdict: str) -> str:
    """Return a verdict as a coloured sign, so that it can be told without colours too."""
    style = verdict.replace(" ", "-")
    return f"<i class='mark {style}' title='{verdict}'>{VERDICTS[verdict][0]}</i>"
