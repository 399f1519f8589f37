"""Every right line, changed in one place: none is called right, but those that mean the same.

Neutral changes are, with the reason: under "if i = j" an index i for j; the letter of what a sum
without an index is over; σ'(-z), which is σ'(z); and
W for Wᵀ as ∂z/∂a, which is either, by layout.
"""

from dataclasses import replace
from pathlib import Path

import pytest

import tinygrad_bp as bp
from tinygrad_bp.grading.assignment import Assignment
from tinygrad_bp.written.document import Document
from tinygrad_bp.written.network import Network
from tinygrad_bp.written.read import read

from .mutations import mutations
from .test_networks import DEEP, OF_A_BIAS, OF_A_BIAS_IN_TEXT
from .test_verdicts import LINES

SOURCE = Path(__file__).parents[2] / "docs" / "handwritten_derivation.txt"

ACCEPTED = ("right", "carried forward", "wrong as arrays")


def judge_alone(network, line):
    """Judge one line, of a document that writes its sums."""
    document = Document(network, {})
    document.symbols.writes_sums = True
    (judged,) = document.of_line(line)
    return judged


def derived(form):
    output = Assignment().runs[0].output
    return str(bp.derive(output, form=form))


def changed(source):
    """Yield each right side that was right, what was changed in it, and the verdict on it then."""
    document = Document(Network(Assignment()), {})
    for judged in document.judge(read(source, ".txt")):
        if judged.verdict.name != "right" or judged.target is None:
            continue
        for what, tree in mutations(judged.side.tree):
            document.symbols.own.clear()
            line = replace(judged.line, rights=(replace(judged.side, tree=tree),))
            (now,) = document.of_line(line)
            if tree != judged.side.tree:
                yield judged, what, now.verdict


def is_neutral(judged, what, verdict):
    if what == "Entry lost" and any("is not written" in note for note in verdict.notes):
        return True
    if what != "index":
        return False
    scope = judged.line.scope or judged.line.condition
    at_equal = scope is not None and scope[0].relation == "="
    cases = "begin{cases}" in judged.side.text
    free = ("the sum goes over",)
    return at_equal or cases or any(x in note for note in verdict.notes for x in free)


@pytest.mark.parametrize(
    ("source", "least", "most_neutral"),
    [(lambda: derived("index"), 800, 0), (SOURCE.read_text, 500, 20)],
    ids=["index form", "source"],
)
def test_no_changed_line_is_accepted(source, least, most_neutral):
    n = neutral = 0
    for judged, what, verdict in changed(source()):
        n += 1
        if verdict.name in ACCEPTED:
            assert is_neutral(judged, what, verdict), (judged.line.text, what)
            neutral += 1
    assert n > least
    assert neutral <= most_neutral


def test_no_changed_golden_line_is_accepted():
    network, n = Network(Assignment()), 0
    for expected, text in LINES:
        if expected != "right":
            continue
        (judged,) = Document(network, {}).judge(read(f"$${text}$$", ".md"))
        for what, tree in mutations(judged.side.tree):
            line = replace(judged.line, rights=(replace(judged.side, tree=tree),))
            now = judge_alone(network, line)
            n += 1
            if now.verdict.name in ACCEPTED and tree != judged.side.tree:
                is_even = what == "sign" and r"\sigma'" in text
                is_layout = what == "transpose lost" and "partial a_2" in text
                is_reported = what.endswith("ransposed lost") and now.verdict.missing
                is_reported = is_reported or (what == "transpose lost" and now.verdict.missing)
                neutral = is_even or is_layout or is_neutral(judged, what, now.verdict)
                assert is_reported or neutral, (text, what)
    assert n > 500


def test_no_changed_sum_over_samples_is_right():
    network, n = Network(Assignment(*DEEP, required=())), 0
    for lines, suffix in ((OF_A_BIAS, ".md"), (OF_A_BIAS_IN_TEXT, ".txt")):
        for row in lines.strip().splitlines():
            expected, text = row.split(" | ", 1)
            source = f"$${text}$$" if suffix == ".md" else text
            (judged,) = Document(network, {}).judge(read(source, suffix))
            for what, tree in mutations(judged.side.tree) if expected == "right" else ():
                line = replace(judged.line, rights=(replace(judged.side, tree=tree),))
                now = judge_alone(network, line)
                n += 1
                is_same = tree == judged.side.tree or is_neutral(judged, what, now.verdict)
                assert is_same or now.verdict.name != "right", (text, what)
    assert n > 200


def test_a_lost_transpose_is_right_as_factors_and_nothing_else_is():
    n = 0
    for judged, what, verdict in changed("∂L/∂W₃ = ∂L/∂z₃ a₂ᵀ\n\n∂L/∂a₂ = W₃ᵀ ∂L/∂z₃"):
        n += 1
        assert verdict.name != "right", (judged.line.text, what)
        if verdict.name in ACCEPTED:
            assert what == "transpose lost"
            assert verdict.missing.endswith("transposed")
    assert n > 20
