"""Of what fits equally well, the likely mistake is named; what fits anything is not."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp import grade

COURSE = Path(__file__).parents[2] / "docs" / "course"


def loss_of(exercise):
    return runpy.run_path(str(COURSE / f"exercise_{exercise}.py"))["L"]


def line_of(answers, exercise):
    return grade(answers, loss_of(exercise), required=())["w"]


# ---- a value that is used twice ----


def test_a_forgotten_path_is_a_missing_contribution_and_no_wrong_sign():
    line = line_of(lambda x, r: {"r": 2 * r, "s": 2 * r, "w": 2 * r * x}, 3)
    assert line.mistakes == ("overwritten-contribution",)
    assert "a sum of 2 terms, and the one through s is wrong" in line.message
    assert line.hint.startswith("Count the places in which the quantity is used")


def test_a_wrong_sign_of_the_whole_line_stays_one():
    line = line_of(lambda w, x, r: {"r": 2 * r, "s": 2 * r, "w": -2 * r * (2 * w + x)}, 3)
    assert line.mistakes == ("wrong-sign",)


# ---- numbers where a formula belongs ----


def test_a_number_that_is_right_at_the_given_values_is_said_to_be_one():
    line = line_of(lambda w: {"w": -20}, 1)
    assert line.verdict == "wrong"
    assert line.hint.startswith("-20 is right at the given values.")
    assert line.hint.endswith("write it as a formula in x, y, w, m or e.")


@pytest.mark.parametrize("answers", [lambda w: {"w": -21}, lambda e: {"w": 4 * e}])
def test_what_is_wrong_there_or_changes_is_no_such_number(answers):
    assert "is right at the given values" not in line_of(answers, 1).hint


# ---- a loss that is a mean ----


def mean_loss(W, b, h, Y):
    p = bp.softmax((h @ W + b).named("z")).named("p")
    return (-(Y * bp.log(p)).sum() / 4).named("L")


rng = np.random.default_rng(3)
MEAN = {
    "W": rng.normal(size=(5, 3)),
    "b": rng.normal(size=3),
    "h": rng.normal(size=(4, 5)),
    "Y": np.eye(3)[[0, 2, 1, 2]],
}


def graded(answers):
    return grade(answers, mean_loss, MEAN, required=())


def test_a_forgotten_mean_is_named_and_not_the_product_that_it_could_be():
    report = graded(lambda h, p, Y: {"W": h.T @ (p - Y)})
    assert report["W"].mistakes == ("sum-for-mean",)
    assert not any("missing-factor" in warning for warning in report.warnings)


def test_a_left_out_factor_that_is_no_count_is_still_named():
    def scaled(W, x, y):
        return bp.square_sum((3.7 * (W @ x) - y).named("e")).named("L")

    inputs = {"W": rng.normal(size=(3, 2)), "x": rng.normal(size=2), "y": rng.normal(size=3)}
    report = grade(lambda x, e: {"e": 2 * e, "W": np.outer(2 * e, x)}, scaled, inputs)
    assert "missing-factor" in report["W"].mistakes


def test_the_sign_of_each_samples_own_gradient_is_a_sign():
    line = graded(lambda p, Y: {"z": Y - p})["z"]
    assert line.mistakes == ("wrong-sign",)
    assert "4 times" not in line.message


def test_the_learner_is_not_told_the_ratio():
    line = graded(lambda p, Y: {"z": 0.37 * (p - Y)})["z"]
    assert "1.48 times the right answer" in line.message
    assert line.hint == "Measured: it is a constant times the right answer at every point."


# ---- zeros ----


def test_zeros_have_no_name():
    line = graded(lambda p, Y: {"z": 0 * (p - Y)})["z"]
    assert line.mistakes == ()
    assert line.hint.startswith("Your gradient is zero everywhere")


def test_zeros_in_a_part_are_no_zeros_everywhere():
    line = graded(lambda p, Y: {"z": (p - Y) / 4 * (Y > 0)})["z"]
    assert "zero everywhere" not in line.hint
