"""What `rich` lays out, such as a table: as plain text, and as HTML for a notebook."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


def as_text(shown: RenderableType, width: int) -> str:
    """Return lines of text, at most this wide, without colours and without spaces at their ends.

    >>> from rich.panel import Panel
    >>> print(as_text(Panel("a", width=5), width=80))
    ╭───╮
    │ a │
    ╰───╯
    """
    lines = printed(shown, width).export_text(styles=False).rstrip().splitlines()
    return "\n".join(line.rstrip() for line in lines)


def as_html(shown: RenderableType, width: int) -> str:
    """Return the same lines with their styles, as a part of a page.

    >>> print(as_html("[bold]a < b", width=80))
    <pre><span style="font-weight: bold">a &lt; b</span>
    </pre>
    """
    console = printed(shown, width)
    return console.export_html(code_format="<pre>{code}</pre>", inline_styles=True)


def printed(shown: RenderableType, width: int) -> Console:
    """Return a console that keeps what was printed on it."""
    from rich.console import Console

    # In a notebook, a console would show it there at once, unless it is told not to.
    console = Console(
        file=StringIO(), width=width, highlight=False, record=True, force_jupyter=False
    )
    console.print(shown)
    return console
