"""The source derivation as a submission: it is what the source says, and the page is true."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from tinygrad_bp import grade
from tinygrad_bp.worked_problem import closed_form as cf
from tinygrad_bp.worked_problem.problem import random_problem
from tinygrad_bp.worked_problem.slips import dL_dW1_without_minus, one_case_alone

ROOT = Path(__file__).parents[2]
SOURCE = runpy.run_path(str(ROOT / "examples" / "handwritten_derivation.py"))
TOOL = runpy.run_path(str(ROOT / "docs" / "make" / "grading_page.py"))
PAGE = (ROOT / "docs" / "grading.md").read_text(encoding="utf-8")

PROBLEM = random_problem(seed=3)
EVERYTHING = {**vars(PROBLEM), **cf.forward(PROBLEM)}
POINT = {name: EVERYTHING[name] for name in ("y", "y_hat", "a1", "a2", "W2", "W3", "x")}


def found(reading):
    report = grade(SOURCE[reading])
    return {
        line.name: (line.verdict, *line.mistakes)
        for line in report.lines
        if line.verdict != "missing"
    }


# ---- it is what the source says: the slips were computed in another way before ----


def test_a_case_alone_is_that_of_the_slips():
    for reading, dL_dz3 in zip(
        ("case_equal", "case_unequal"), one_case_alone(PROBLEM), strict=True
    ):
        dL_dW3 = SOURCE[reading](**POINT)["W3"]
        np.testing.assert_allclose(dL_dW3, dL_dz3 @ POINT["a2"].T, rtol=1e-12)


def test_the_lost_minus_sign_is_that_of_the_slips():
    dL_dW1 = SOURCE["gradients"](**POINT)["W1"]
    np.testing.assert_allclose(dL_dW1, dL_dW1_without_minus(PROBLEM), rtol=1e-9)


def test_with_the_minus_sign_in_place_formula_3_is_right():
    J = SOURCE["equal"](POINT["y_hat"]) + SOURCE["unequal"](POINT["y_hat"])
    answers = SOURCE["conformable"](**POINT, J=J, J_in_3=J)
    right = cf.gradients(PROBLEM)
    for name in ("W1", "W2", "W3"):
        np.testing.assert_allclose(answers[name], right[f"dL/d{name}"], rtol=1e-12)


# ---- what the grader says of it ----


def test_the_verdicts():
    assert found("gradients") == {
        "y_hat": ("right",),
        "W3": ("right",),
        "W2": ("right",),
        "W1": ("wrong", "softmax-wrong-sign"),
    }
    assert found("case_equal") == {
        "y_hat": ("right",),
        "W3": ("wrong", "softmax-diagonal"),
        "W2": ("carried forward",),
        "W1": ("carried forward",),
    }
    assert found("case_unequal") == {
        "y_hat": ("right",),
        "W3": ("wrong", "softmax-off-diagonal"),
        "W2": ("carried forward",),
        "W1": ("wrong", "wrong-sign"),
    }


def test_as_printed_there_is_no_answer_and_the_line_is_named():
    failure = grade(SOURCE["as_printed"]).failure
    assert failure.startswith("ValueError: matmul")
    assert 'return {"W3": -2 * (y - y_hat) @ J @ a2}, where y is (3, 1)' in failure


# ---- the page ----


def test_the_page_about_grading_is_current():
    assert TOOL["page"](PAGE) == PAGE, "run: python docs/make/grading_page.py"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("| dL/dW2 | carried forward |", "| dL/dW2 | right |"),
        ("| `softmax-diagonal` | 9 of 11 |", "| `softmax-diagonal` | 8 of 11 |"),
        ("| `tanh-lost-square` |", "| `tanh-lost` |"),
        ("The first wrong line is dL/dW1.", "The first wrong line is dL/dW2."),
    ],
)
def test_the_test_above_sees_a_part_that_is_not(right, wrong):
    changed = PAGE.replace(right, wrong, 1)
    assert changed != PAGE
    assert TOOL["page"](changed) == PAGE


def test_every_part_that_is_made_has_its_place():
    for part in TOOL["PARTS"]:
        assert PAGE.count(f"<!-- made by docs/make/grading_page.py: {part} -->") == 1
    assert PAGE.count("<!-- end -->") == len(TOOL["PARTS"])
