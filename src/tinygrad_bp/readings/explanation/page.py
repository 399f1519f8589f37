"""An explanation as HTML: a table for each step."""

from __future__ import annotations

import html

from .record import Record
from .rows import introduction, sections

#: What a page has before its content.
HTML_HEAD = "<!DOCTYPE html>\n<meta charset='utf-8'>\n<title>The reverse sweep</title>\n"


def as_html(explanation: Record) -> str:
    """Write an explanation as HTML: a table for each step; all text is escaped."""
    tables = []
    for title, rows in sections(explanation):
        cells = "".join(
            f"<tr><th style='text-align:left;vertical-align:top'>{html.escape(row.label)}</th>"
            f"<td style='text-align:left'><pre style='margin:0'>{html.escape(row.text)}</pre></td>"
            "</tr>\n"
            for row in rows
        )
        caption = "<caption style='text-align:left;font-weight:bold'>"
        tables.append(f"<table>{caption}{html.escape(title)}</caption>\n{cells}</table>\n")
    return f"<div>\n<p>{html.escape(introduction(explanation))}</p>\n{''.join(tables)}</div>\n"
