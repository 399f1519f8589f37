"""Verdicts, and how they are shown: one table, as text, on a rich console and on a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table


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


class Shown:
    """Something that prints, as text and on a rich console, what its `parts` are."""

    def parts(self) -> Iterator[RenderableType]:
        """Return texts and tables, from top to bottom."""
        raise NotImplementedError

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        return self.parts()

    def __str__(self) -> str:
        from rich.console import Console
        from rich.table import Table

        written = StringIO()
        console = Console(file=written, width=100_000, highlight=False)  # so that nothing is broken
        for part in self.parts():
            if isinstance(part, Table):
                part.box, part.show_header = None, False
            console.print(part)
        return "\n".join(line.rstrip() for line in written.getvalue().splitlines())


def make_table(heads: Sequence[str], rows: Iterable[tuple[str, Sequence[Any]]]) -> Table:
    """Lay out verdicts.

    Parameters
    ----------
    heads
        The titles of the columns.
    rows
        A verdict and its cells, one of which names it: text, or a rich Text.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for head in ("", *heads):
        table.add_column(head, overflow="fold")
    for name, cells in rows:
        verdict = VERDICTS[name]
        table.add_row(
            Text(verdict.sign, verdict.colour),
            *(
                cell
                if isinstance(cell, Text)
                else Text(cell, verdict.colour if cell == name else "")
                for cell in cells
            ),
        )
    return table


def fill_line(
    verdict: str, label: str, error: str = "", finding: str = "", hint: str = ""
) -> dict[str, str]:
    """Return a line of the template of a report."""
    names = ("verdict", "sign", "label", "error", "finding", "hint")
    cells = (verdict, VERDICTS[verdict].sign, label, error, finding, hint)
    return dict(zip(names, cells, strict=True))


def gradient_of(name: str) -> str:
    """Write the gradient of a quantity.

    Examples
    --------
    >>> gradient_of("z3"), gradient_of("my z"), gradient_of("dW")
    ('dL/dz3', 'dL/d(my z)', 'dL/d(dW)')
    """
    is_plain = name.isidentifier() and not name.startswith("d")
    return f"dL/d{name}" if is_plain else f"dL/d({name})"
