"""Verdicts on gradients, and the one table that shows them: as text, on a console and on a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ..notation.numbers import percent
from ..notation.printed import as_text
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

#: No console is wider: at this width a table is plain text, without a frame and unbroken.
WIDEST = 10_000


@dataclass(frozen=True)
class Line:
    """What is said about one gradient: a line of a derivation, judged."""

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
    def named(self) -> str:
        """The mistakes that explain it, in words."""
        return " or ".join(self.mistakes) or "no known pattern"

    @property
    def own_error(self) -> str:
        """How far off it is, where that is its own: not if it is right, or follows rightly."""
        return "" if self.verdict != "wrong" or self.error is None else percent(self.error)


class Shown:
    """Something that shows lines: it prints, and it is HTML in a notebook or a page."""

    lines: tuple[Line, ...]
    summary: Callable[[], str]  # a heading, and on a second line a sentence
    notes: Callable[[], list[str]]  # what is said below the table

    def shown(self) -> Sequence[Line]:
        """Return the lines that are worth showing."""
        return self.lines

    def said(self, line: Line) -> str:
        """Say what was found about a line, and on a second line a hint."""
        return line.message

    def __getitem__(self, name: str) -> Line:
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
        for head in ("gradient", "verdict", "error", "what was found"):
            table.add_column(head, overflow="fold")
        for line in self.shown():
            verdict = VERDICTS[line.verdict]
            found = Text(self.said(line))
            found.highlight_words(line.mistakes, "bold")
            sign, name = (Text(word, verdict.colour) for word in (verdict.sign, line.verdict))
            table.add_row(sign, Text(line.label), name, Text(line.own_error), found)
        if table.rows:
            yield table
        yield from map(Text, self.notes())

    def __str__(self) -> str:
        return as_text(self, width=WIDEST + 1)

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
        return {"summary": heading, "lines": lines, "notes": [*sentence, *self.notes()]}

    def _repr_html_(self) -> str:
        return write_part("report", **self.content())

    def to_html(self, title: str = "A derivation, graded") -> str:
        """Return a page of its own."""
        return write_page("report", title=title, **self.content())


def gradient_of(name: str) -> str:
    is_plain = name.isidentifier() and not name.startswith("d")
    return f"dL/d{name}" if is_plain else f"dL/d({name})"
