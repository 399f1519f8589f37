"""Verdicts on gradients, and the one table that shows them: as text, on a console and on a page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any, NamedTuple

from ..pages.page import write_page, write_part

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType


class Verdict(NamedTuple):
    sign: str
    colour: str  # on a console; on a page it is a class of the style
    score: float | None = None  # of a line with this verdict


#: Every verdict: on the lines of a derivation, from the best to the worst, and on what becomes of a
#: gradient when a mistake is injected.
VERDICTS = {
    "right": Verdict("✓", "green", 1.0),
    "carried forward": Verdict("→", "yellow", 0.5),  # rightly from an earlier slip: half the work
    "wrong": Verdict("✗", "red", 0.0),
    "unreadable": Verdict("?", "magenta", 0.0),
    "missing": Verdict("·", "dim", 0.0),
    "unchanged": Verdict("✓", "green"),
    "wrong shape": Verdict("▫", "yellow"),
    "not computable": Verdict("?", "magenta"),
}

#: Those on the lines of a derivation.
OF_LINES = tuple(name for name, verdict in VERDICTS.items() if verdict.score is not None)


class Cells(NamedTuple):
    """A row of the table, in words."""

    verdict: str
    label: str
    error: str = ""
    finding: str = ""
    hint: str = ""
    strong: Sequence[str] = ()  # words of the finding that are set off


class Shown:
    """Something that shows verdicts: it prints, and it is HTML in a notebook or a page."""

    def summary(self) -> str:
        """Return a heading, and on a second line a sentence."""
        raise NotImplementedError

    def rows(self) -> list[Cells]:
        raise NotImplementedError

    def notes(self) -> list[str]:
        """Return what is said below the table."""
        raise NotImplementedError

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        heading, *sentence = self.summary().splitlines()
        yield Text(heading, style="bold")
        yield from map(Text, sentence)
        rows = self.rows()
        heads = ["", "gradient", "verdict", "error", "what was found"]
        if not any(row.error for row in rows):
            heads.remove("error")
        # As plain text it is a table without a frame, as wide as it has to be.
        plain = options.max_width > WIDEST
        table = Table(*heads, box=None if plain else SIMPLE_HEAD, show_header=not plain)
        table.pad_edge = False
        for row in rows:
            verdict = VERDICTS[row.verdict]
            finding = Text("\n".join(filter(None, [row.finding, row.hint])))
            finding.highlight_words(row.strong, "bold")
            table.add_row(
                Text(verdict.sign, verdict.colour),
                Text(row.label),
                Text(row.verdict, verdict.colour),
                *([Text(row.error)] if "error" in heads else []),
                finding,
            )
        if rows:
            yield table
        yield from map(Text, self.notes())

    def __str__(self) -> str:
        from rich.console import Console

        written = StringIO()
        Console(file=written, width=WIDEST + 1, highlight=False).print(self)
        return "\n".join(line.rstrip() for line in written.getvalue().splitlines())

    def content(self) -> dict[str, Any]:
        """Return what the template of a report puts in."""
        from markupsafe import Markup, escape

        lines = []
        for row in self.rows():
            html = str(escape(row.finding))
            for word in row.strong:
                html = re.sub(rf"\b{re.escape(word)}(?=[ :])", f"<strong>{word}</strong>", html)
            cells = row._asdict() | {"sign": VERDICTS[row.verdict].sign, "finding": Markup(html)}
            lines.append(cells)
        heading, *sentence = self.summary().splitlines()
        return {"summary": heading, "lines": lines, "notes": [*sentence, *self.notes()]}

    def _repr_html_(self) -> str:
        return write_part("report", **self.content())

    def to_html(self, title: str = "A derivation, graded") -> str:
        """Return a page of its own."""
        return write_page("report", title=title, **self.content())


#: No console is wider.
WIDEST = 10_000


def gradient_of(name: str) -> str:
    """Write the gradient of a quantity.

    Examples
    --------
    >>> gradient_of("z3"), gradient_of("my z"), gradient_of("dW")
    ('dL/dz3', 'dL/d(my z)', 'dL/d(dW)')
    """
    is_plain = name.isidentifier() and not name.startswith("d")
    return f"dL/d{name}" if is_plain else f"dL/d({name})"
