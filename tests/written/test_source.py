"""The handwritten source, as it stands in docs: every line read or refused, every slip found."""

import runpy
from pathlib import Path

import pytest

import tinygrad_bp as bp

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "docs" / "handwritten_derivation.txt"

#: What is not simply right: the line, how often, and what the reason says.
FOUND = [
    (13, "defined", "it is y_hat"),
    (27, "other network", "L is something else"),  # it supposes two outputs
    (37, "defined", "another name of this gradient"),
    (45, "not read", "still to be taken"),
    (45, "wrong", "put right by the next"),  # its denominator has e^{z_i} twice, and no e^{z_j}
    (53, "not read", "still to be taken"),
    (53, "not read", "still to be taken"),
    (71, "cases as alternatives", "two terms of a sum"),
    (85, "cases as alternatives", "two terms of a sum"),
    (101, "cases as alternatives", "both, summed: softmax-wrong-sign"),  # the lost minus
]


@pytest.fixture(scope="module")
def report():
    return bp.grade(SOURCE)


def test_every_line_is_read_or_refused_with_its_reason(report):
    found = [side for side in report.written if side.verdict != "right"]
    assert [(side.line, side.verdict) for side in found] == [x[:2] for x in FOUND]
    for side, (_, _, reason) in zip(found, FOUND, strict=True):
        assert reason in side.reason
    assert len(report.written) == 39


def test_its_factors_stand_in_no_order_that_fits(report):
    for line in (71, 85, 101):
        (side,) = (side for side in report.written if side.line == line)
        assert "without transposes, and as arrays do not fit" in side.reason


def test_third_order_derivatives_are_shorthand(report):
    noted = {side.line for side in report.written if "shorthand" in " ".join(side.notes)}
    assert noted == {67, 81, 95}


def test_every_verdict_but_right_shows_its_reading(report):
    assert all(
        side.reading
        for side in report.written
        if side.verdict not in ("right", "defined", "not read")
    )


def test_it_agrees_with_the_transcription_in_numpy(report):
    """The cases as alternatives, and summed: what an independent transcription finds."""
    readings = runpy.run_path(str(ROOT / "examples" / "handwritten_derivation.py"))
    pairs = {"i = j": "case_equal", "i ≠ j": "case_unequal", "both, summed": "gradients"}
    lines = {"W3": 71, "W2": 85, "W1": 101}
    for case, reading in pairs.items():
        transcribed = bp.grade(readings[reading])
        for name, line in lines.items():
            (side,) = (side for side in report.written if side.line == line)
            judged = transcribed[name]
            said = " or ".join(judged.mistakes) or judged.verdict
            assert f"{case}: {said}" in side.reason


def mended(tmp_path, *changes):
    text = SOURCE.read_text()
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = tmp_path / "mended.txt"
    path.write_text(text)
    return bp.grade(path)


MINUS = ("(y-\\hat{y})(a_i^3 a_j^3)", "(y-\\hat{y})(-a_i^3 a_j^3)")
DENOMINATOR = (
    "{(e^{z^3_i} + \\sum_{k \\neq j} e^{z^3_k})^2}$$",
    "{(e^{z^3_j} + \\sum_{k \\neq j} e^{z^3_k})^2}$$",
)


def test_with_minus_and_denominator_mended_only_the_alternatives_are_left(tmp_path):
    report = mended(tmp_path, MINUS, DENOMINATOR)
    held = [side for side in report.written if side.verdict in ("wrong", "does not fit")]
    assert not held
    alternatives = [s for s in report.written if s.verdict == "cases as alternatives"]
    assert [side.line for side in alternatives] == [71, 85, 101]
    assert all("both, summed: right" in side.reason for side in alternatives)
    assert [line.verdict for line in report.lines if line.score is not None] == [
        *("wrong", "carried forward", "carried forward")
    ]


def test_a_slip_that_is_put_in_is_found(tmp_path):
    old = "\\frac{\\partial a^2}{\\partial z^2} = a^2 (1-a^2)"
    report = mended(tmp_path, MINUS, DENOMINATOR, (old, old.replace("1-a", "1+a")))
    (side,) = (side for side in report.written if side.verdict == "wrong")
    assert side.line == 79


def test_the_page_is_what_is_found(tmp_path):
    made = runpy.run_path(str(ROOT / "docs" / "make" / "written_page.py"))
    text = (ROOT / "docs" / "written.md").read_text("utf-8")
    assert made["page"](text) == text
