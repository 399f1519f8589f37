"""Verdicts on single lines about the worked problem; each stands alone in its document."""

from pathlib import Path

import pytest

from tinygrad_bp.grading.assignment import Assignment
from tinygrad_bp.written.document import Document
from tinygrad_bp.written.network import Network
from tinygrad_bp.written.read import read

LINES = [
    tuple(line.split(" | ", 1))
    for line in (Path(__file__).parent / "verdicts.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("%")
]


@pytest.fixture(scope="module")
def network():
    return Network(Assignment())


def judge(network, source, suffix=".md", names=None):
    document = Document(network, names or {})
    return [judged.verdict for judged in document.judge(read(source, suffix))]


@pytest.mark.parametrize(("expected", "line"), LINES)
def test_a_line_has_its_verdict(network, expected, line):
    (verdict,) = judge(network, f"$${line}$$")
    assert verdict.name == expected, verdict.reason
