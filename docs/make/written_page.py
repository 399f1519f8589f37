"""Make the part of docs/written.md that is computed: the handwritten source, graded.

    python docs/make/written_page.py [FILE]

A test compares the page with what this script would write.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import tinygrad_bp as bp
from tinygrad_bp.written.report import WrittenReport, WrittenSide

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "written.md"
SOURCE = ROOT / "docs" / "handwritten_derivation.txt"

MADE = re.compile(r"(<!-- made by docs/make/written_page\.py -->\n).*?(<!-- end -->)", re.DOTALL)


def page(text: str) -> str:
    """Return the text of the page with its computed part made anew."""
    report = bp.grade(SOURCE)
    assert isinstance(report, WrittenReport)
    lines = "\n".join(source_graded(report))
    return MADE.sub(lambda part: f"{part[1]}\n{lines}\n\n{part[2]}", text)


def source_graded(report: WrittenReport) -> Iterator[str]:
    """Write the summary, and every right side that is not simply right."""
    yield f"```text\n{report.summary()}\n```"
    yield ""
    yield "| line | verdict | what was found | read as |"
    yield "|---|---|---|---|"
    for side in report.written:
        if side.verdict != "right":
            yield f"| {' | '.join(map(cell, cells(side)))} |"


def cells(side: WrittenSide) -> tuple[str, ...]:
    """Return what is said of a right side."""
    return side.where, side.verdict, side.said(reveal=True), side.reading


def cell(text: str) -> str:
    """Write a text so that Markdown shows it as it is."""
    return re.sub(r"([|*<>\\_])", r"\\\1", text)


def main() -> None:
    """Write the page."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    path.write_text(page(path.read_text(encoding="utf-8")), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
