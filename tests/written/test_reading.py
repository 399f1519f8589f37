"""How documents are read: golden lines with their reading, refusals with their reason."""

from pathlib import Path

import pytest

from tinygrad_bp.written.read import read
from tinygrad_bp.written.tree import Refusal, Side, WrittenLine

from .printed import Printer, in_text, spelled

HERE = Path(__file__).parent


def corpus(name: str) -> list[tuple[str, str, str]]:
    """Return the lines of a file, and what stands below each; and the suffix to read them by."""
    blocks = (HERE / f"{name}.txt").read_text("utf-8").strip("\n").split("\n\n")
    suffix = ".md" if name.endswith("latex") else ".txt"
    return [(*map(str.strip, block.split("\n", 1)), suffix) for block in blocks]  # type: ignore[misc]


def lines(source: str, suffix: str) -> list[WrittenLine]:
    return read(f"$${source}$$" if suffix == ".md" else source, suffix)


def shown(side: Side) -> str:
    return f"({side.tree.reason})" if isinstance(side.tree, Refusal) else in_text(side.tree)


def reading(line: WrittenLine) -> str:
    text = " = ".join(shown(side) for side in (line.left, *line.rights))
    return text + (f" {Printer(spelled).condition(line.condition)}" if line.condition else "")


@pytest.mark.parametrize(
    ("source", "expected", "suffix"), [*corpus("golden_latex"), *corpus("golden_text")]
)
def test_a_line_is_read_as_it_is_meant(source: str, expected: str, suffix: str) -> None:
    assert "; ".join(map(reading, lines(source, suffix))) == expected


@pytest.mark.parametrize(
    ("source", "reason", "suffix"), [*corpus("refused_latex"), *corpus("refused_text")]
)
def test_what_cannot_be_read_is_refused_with_its_reason(
    source: str, reason: str, suffix: str
) -> None:
    sides = [side for line in lines(source, suffix) for side in (line.left, *line.rights)]
    assert reason in [side.tree.reason for side in sides if isinstance(side.tree, Refusal)]


def test_golden_lines_are_many() -> None:
    assert len(corpus("golden_latex")) + len(corpus("golden_text")) >= 150
    assert len(corpus("refused_latex")) + len(corpus("refused_text")) >= 40
