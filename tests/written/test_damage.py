"""Damaged documents: whatever they hold, they are graded without an error, within the budget."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinygrad_bp.grading.assignment import Assignment
from tinygrad_bp.written import meaning
from tinygrad_bp.written.document import Document
from tinygrad_bp.written.grade import WrittenFile
from tinygrad_bp.written.network import Network
from tinygrad_bp.written.read import read

LINES = [
    line.split(" | ", 1)[1]
    for line in (Path(__file__).parent / "verdicts.txt").read_text("utf-8").splitlines()
    if " | " in line
]

ASSIGNMENT = Assignment(required=())
NETWORK = Network(ASSIGNMENT)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_line_has_a_verdict_or_is_not_read(data):
    line = data.draw(st.sampled_from(LINES))
    other = data.draw(st.sampled_from(LINES))
    start = data.draw(st.integers(0, len(line)))
    end = data.draw(st.integers(start, len(line)))
    piece = data.draw(
        st.one_of(st.just(""), st.just(other), st.text(r"\{}()[]^_&=ijz3δ ", max_size=4))
    )
    damaged = f"$${line[:start]}{piece}{line[end:]}$$"
    Document(NETWORK, {}).judge(read(damaged, ".md"))


def test_a_damaged_document_is_graded():
    """Every line after every other: names have two meanings, and all is out of order."""
    source = "\n\n".join(f"$${line}$$" for line in reversed(LINES * 2))
    report = WrittenFile(source, ".md", {}).grade_itself(ASSIGNMENT)
    assert len(report.written) >= 2 * len(LINES)
    assert not report.passed


def test_a_line_that_can_be_read_in_too_many_ways_is_not_read(monkeypatch):
    line = r"$$\delta_2 = W_3^T \delta_3 \cdot a_2 (1 - a_2)$$"
    (control,) = Document(NETWORK, {}).judge(read(line, ".md"))
    assert control.verdict.name == "right"
    monkeypatch.setattr(meaning, "MOST_PRODUCTS", 3)
    (judged,) = Document(NETWORK, {}).judge(read(line, ".md"))
    assert judged.verdict.name == "not read"
    assert judged.verdict.reason == "it can be read in too many ways"
    monkeypatch.undo()
    monkeypatch.setattr(meaning, "MOST_SECONDS", 0)
    (judged,) = Document(NETWORK, {}).judge(read(line, ".md"))
    assert judged.verdict.name == "not read"
    assert judged.verdict.reason == "it takes more than 0 seconds"


@pytest.mark.parametrize("text", ["", "no formula", "$$", "$$=$$", "$a = b = $", "\x00", "$$\\$$"])
def test_a_document_without_a_derivation_has_no_lines_that_count(text):
    report = WrittenFile(text, ".md", {}).grade_itself(ASSIGNMENT)
    assert not report.counted
    assert not report.passed
