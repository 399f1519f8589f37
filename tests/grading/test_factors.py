"""A factor that lines share is one finding; a convention is a remark, or one charge."""

from itertools import combinations, product

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp import grade
from tinygrad_bp.grading import factors
from tinygrad_bp.grading.assignment import Assignment, Marking
from tinygrad_bp.grading.factors import CONVENTIONS
from tinygrad_bp.grading.grade import grade_submission
from tinygrad_bp.grading.submission import InProcess

from ..sweeps import sample
from .wild import slips_dense
from .wild.slip import with_slip

rng = np.random.default_rng(41)
normal = rng.standard_normal


def one_layer(W, b, x, y):
    return bp.square_sum((W @ x + b).named("z") - y).named("L")


ONE_LAYER = {"W": normal((2, 3)), "b": normal((2, 1)), "x": normal((3, 5)), "y": normal((2, 5))}


def two_layers(W1, W2, x, y):
    return bp.mean((W2 @ bp.tanh(W1 @ x).named("h") - y) ** 2).named("L")


TWO_LAYERS = {"W1": normal((4, 2)), "W2": normal((3, 4)), "x": normal((2, 7)), "y": normal((3, 7))}


def two_layers_backward(x, y, h, W2, factor=1.0):
    d = factor * 2 * (W2 @ h - y) / 21
    return {"W2": d @ h.T, "W1": (W2.T @ d * (1 - h**2)) @ x.T}


def wrong_lines(report):
    return [line.name for line in report.lines if line.verdict == "wrong"]


# ---- one constant in all lines ----


def test_a_mean_in_every_parameter_of_one_layer_is_one_slip():
    def answers(x, y, z):
        return {"W": 2 * (z - y) @ x.T / 5, "b": 2 * (z - y).mean(1, keepdims=True)}

    report = grade(answers, one_layer, ONE_LAYER)
    assert wrong_lines(report) == ["b"]
    assert report["b"].mistakes == ("mean-for-sum",)
    assert report["W"].verdict == "carried forward"


def test_a_factor_is_explained_by_the_sizes_and_charged_once():
    def answers(x, y, h, W2):
        return two_layers_backward(x, y, h, W2, 1.5)  # a mean over the samples, and no factor 2

    report = grade(answers, two_layers, TWO_LAYERS)
    assert wrong_lines(report) == ["W2"]
    assert report["W2"].mistakes == ("constant-factor",)
    assert "1.5 = 3/2, where 3 is the length of axis 0 of y" in report["W2"].message
    assert "All lines have this factor. It costs points once" in report["W2"].message
    assert report["W1"].verdict == "carried forward"


@pytest.mark.parametrize(
    ("factor", "mistake", "said"),
    [
        (-1.0, "wrong-sign", ""),
        (2.0, "extra-factor-2", ""),
        (0.5, "lost-factor-2", ""),
        (7.0, "sum-for-mean", ""),
        (1 / 7, "mean-for-sum", ""),
        (21.0, "sum-for-mean", ""),
        (1.37, "constant-factor", "1.37"),
    ],
)
def test_any_constant_in_all_lines_is_one_finding(factor, mistake, said):
    def answers(x, y, h, W2):
        return two_layers_backward(x, y, h, W2, factor)

    report = grade(answers, two_layers, TWO_LAYERS)
    assert wrong_lines(report) == ["W2"]
    assert mistake in report["W2"].mistakes
    assert said in report["W2"].message


def test_two_lines_with_different_factors_are_two_slips():
    def answers(x, y, h, W2):
        d = two_layers_backward(x, y, h, W2)
        return {"W2": 1.37 * d["W2"], "W1": 1.61 * d["W1"]}

    report = grade(answers, two_layers, TWO_LAYERS)
    assert wrong_lines(report) == ["W2", "W1"]
    assert "1.37 times" in report["W2"].message
    assert report["W1"].mistakes == ()


def test_a_factor_in_one_line_is_no_factor_of_all():
    def answers(x, y, h, W2):
        d = two_layers_backward(x, y, h, W2)
        return {"W2": 1.5 * d["W2"], "W1": d["W1"]}

    report = grade(answers, two_layers, TWO_LAYERS)
    assert wrong_lines(report) == ["W2"]
    assert report["W2"].mistakes == ()
    assert "1.5 times the right answer" in report["W2"].message


def test_a_slip_beside_a_common_factor_is_named_too():
    def answers(x, y, h, W2):
        d = two_layers_backward(x, y, h, W2, 1.5)
        dh = W2.T @ (3 * (W2 @ h - y) / 21)
        return {**d, "W1": dh @ x.T}  # no derivative of tanh

    report = grade(answers, two_layers, TWO_LAYERS)
    assert wrong_lines(report) == ["W2", "W1"]
    assert report["W2"].mistakes == ("constant-factor",)
    assert "missing-tanh-derivative" in report["W1"].mistakes


# ---- a name holds of the numbers ----


def test_a_quarter_is_not_called_a_half():
    four = {**ONE_LAYER, "x": normal((3, 4)), "y": normal((2, 4))}
    report = grade(
        lambda x, y, z: {"z": 2 * (z - y), "W": 2 * (z - y) @ x.T / 4},
        one_layer,
        four,
        required=(),
    )
    assert report["W"].mistakes == ("mean-for-sum",)
    assert "half" not in report["W"].message


@pytest.mark.parametrize("factor", [4.0, 0.25, 8.0, 32.0])
def test_no_power_of_two_is_called_two(factor):
    report = grade(
        lambda x, y, z: {"z": 2 * (z - y), "W": factor * 2 * (z - y) @ x.T},
        one_layer,
        ONE_LAYER,
        required=(),
    )
    assert report["W"].mistakes == ()
    assert f"{factor:.6g} times the right answer" in report["W"].message


def ridge_report(slip):
    return grade(with_slip(slips_dense.ridge_backward, slip), slips_dense.ridge, slips_dense.RIDGE)


def test_which_term_of_a_sum_a_name_is_about_is_said():
    line = ridge_report("half")["W"]
    assert line.mistakes == ("lost-factor-2",)
    assert "a sum of 2 terms, and the one through the step square_sum is wrong" in line.message
    assert "the result is half" not in line.message


# ---- two slips in one line ----


@pytest.mark.parametrize("answered", [("b",), ("W", "b")])
def test_the_sign_of_the_update_beside_a_bias_that_is_not_summed(answered):
    def answers(x, y, z):
        d = -2 * (z - y)
        return {name: {"W": d @ x.T, "b": d}[name] for name in answered}

    report = grade(answers, one_layer, ONE_LAYER, required=())
    assert set(report["b"].mistakes) == {"broadcast-not-summed", "wrong-sign"}
    assert " And " in report["b"].message


def test_without_a_second_slip_the_line_has_no_second_name():
    report = grade(lambda x, y, z: {"b": 2 * (z - y)}, one_layer, ONE_LAYER, required=())
    assert report["b"].mistakes == ("broadcast-not-summed",)


# ---- conventions ----


def course(slip="", **marking):
    assignment = Assignment(
        slips_dense.course, slips_dense.COURSE, required=(), marking=Marking(**marking)
    )
    function = with_slip(slips_dense.course_backward, slip)
    return grade_submission(InProcess(function), assignment)


def test_the_error_of_each_sample_is_a_convention():
    report = course()
    assert report.passed
    assert "each sample's own loss" in report["Z2"].message
    assert "each sample's own loss" in report["Z1"].message
    assert report["W2"].message == ""


def test_the_teacher_may_charge_it_and_it_is_charged_once():
    report = course(accepted=())
    assert wrong_lines(report) == ["Z2"]
    assert report["Z2"].mistakes == ("sum-for-mean",)


def test_a_convention_hides_no_slip_and_contradicts_none():
    report = course("twice")
    assert wrong_lines(report) == ["W2"]
    line = report["W2"]
    assert line.mistakes == ("extra-factor-2",)
    assert line.answered == pytest.approx(2 * line.right)


def test_the_sign_of_the_update_is_one_slip_unless_the_teacher_accepts_it():
    def answers(x, y, z):
        d = 2 * (y - z)
        return {"W": d @ x.T, "b": d.sum(axis=1, keepdims=True)}

    report = grade(answers, one_layer, ONE_LAYER)
    assert (wrong_lines(report), report["b"].mistakes) == (["b"], ("wrong-sign",))
    accepted = Assignment(one_layer, ONE_LAYER, marking=Marking(accepted=("descent",)))
    report = grade_submission(InProcess(answers), accepted)
    assert report.passed
    assert "W += lr * dW" in report["W"].message


def test_sums_for_means_are_one_slip_unless_the_teacher_accepts_them():
    report = course("sums")
    assert (wrong_lines(report), report["Z2"].mistakes) == (["Z2"], ("sum-for-mean",))
    report = course("sums", accepted=("sum-for-mean",))
    assert report.passed
    assert "sum over the samples" in report["W1"].message


#: What somebody may have as a habit, and the slip that each is where it is not accepted.
HABITS = {
    (): {},
    ("per-sample",): {"per-sample": "sum-for-mean"},
    ("descent",): {"descent": "wrong-sign"},
    ("sum-for-mean",): {"sum-for-mean": "sum-for-mean"},
    ("per-sample", "descent"): {"per-sample": "sum-for-mean", "descent": "wrong-sign"},
    ("descent", "sum-for-mean"): {"descent": "wrong-sign", "sum-for-mean": "sum-for-mean"},
}


ACCEPTED = [c for n in range(4) for c in combinations(CONVENTIONS, n)]


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("habits", "accepted"),
    sample(product(HABITS, ACCEPTED), 5),
    ids=lambda names: " and ".join(names) or "none",
)
def test_any_two_conventions_may_be_had_at_once_and_each_is_accepted_or_charged(habits, accepted):
    def answers(W2, Y, A1, Z2, X):
        m = X.shape[1]
        d2 = (1 / (1 + np.exp(-Z2)) - Y) * (-1.0 if "descent" in habits else 1.0)
        d2 = d2 if {"per-sample", "sum-for-mean"}.intersection(habits) else d2 / m
        d1 = W2.T @ d2 * (1 - A1**2)
        n = m if "per-sample" in habits else 1
        weights = {"W2": d2 @ A1.T / n, "W1": d1 @ X.T / n}
        biases = {"b2": d2.sum(1, keepdims=True) / n, "b1": d1.sum(1, keepdims=True) / n}
        return {"Z2": d2, "Z1": d1, **weights, **biases}

    report = grade(answers, slips_dense.course, slips_dense.COURSE, accepted=accepted)
    charged = [slip for habit, slip in HABITS[habits].items() if habit not in accepted]
    assert report.passed == (not charged)
    assert wrong_lines(report) == (["Z2"] if charged else [])
    if len(charged) == 1:
        assert report["Z2"].mistakes == tuple(charged)
    for habit in habits:
        assert not report.passed or CONVENTIONS[habit].remark in report["Z2"].message


def test_a_wrong_sign_in_one_line_is_no_convention():
    def answers(x, y, z):
        d = 2 * (z - y)
        return {"W": -d @ x.T, "b": d.sum(axis=1, keepdims=True)}

    accepted = Assignment(one_layer, ONE_LAYER, marking=Marking(accepted=("descent",)))
    report = grade_submission(InProcess(answers), accepted)
    assert wrong_lines(report) == ["W"]


def test_an_unknown_convention_is_refused():
    with pytest.raises(ValueError, match="no convention 'ascent': per-sample, descent"):
        Marking(accepted=("ascent",))


def test_a_vector_beside_a_row_is_a_remark_and_beside_a_column_a_slip():
    regression, inputs = slips_dense.regression, slips_dense.REGRESSION
    report = grade(with_slip(slips_dense.regression_backward, "flat"), regression, inputs)
    assert report.passed
    assert "Its shape is (5,), which NumPy broadcasts as (1, 5)." in report["b1"].message
    slip = grade(with_slip(slips_dense.regression_backward, "flat, twice"), regression, inputs)
    assert wrong_lines(slip) == ["W1"]

    def beside_a_column(x, y, z):
        return {"W": 2 * (z - y) @ x.T, "b": 2 * (z - y).sum(axis=1)}

    report = grade(beside_a_column, one_layer, ONE_LAYER)
    assert report["b"].mistakes == ("flattened-gradient",)


# ---- controls ----


def test_without_factors_each_line_is_a_slip(monkeypatch):
    def answers(x, y, h, W2):
        return two_layers_backward(x, y, h, W2, 1.5)

    monkeypatch.setattr(factors, "find_factors", lambda plain: iter(()))
    assert wrong_lines(grade(answers, two_layers, TWO_LAYERS)) == ["W2", "W1"]


@pytest.mark.parametrize(
    ("ratio", "said"),
    [(1.5, "3/2"), (3 / 7, "3/7"), (21.0, "3 * 7"), (1 / 21, "1/(3 * 7)"), (1.37, None)],
)
def test_a_ratio_is_made_of_the_sizes_or_of_none(ratio, said):
    found = factors.made_of(ratio, {3: "three", 7: "seven"})
    assert (found is None) == (said is None)
    assert said is None or said in found


def test_the_choice_is_an_argument_of_grade():
    def answers(x, y, z):
        d = 2 * (y - z)
        return {"W": d @ x.T, "b": d.sum(axis=1, keepdims=True)}

    assert not bp.grade(answers, one_layer, ONE_LAYER).passed
    assert bp.grade(answers, one_layer, ONE_LAYER, accepted=["descent"]).passed


def test_where_the_loss_is_no_mean_there_is_no_mean_at_the_weights():
    def answers(x, y, z):
        d = 2 * (z - y)
        return {"z": 5 * d, "W": d @ x.T, "b": d.sum(axis=1, keepdims=True)}

    report = grade(answers, one_layer, ONE_LAYER)
    assert (wrong_lines(report), report["z"].mistakes) == (["z"], ("sum-for-mean",))
    assert "mean is taken" not in report["z"].message


def test_the_error_of_each_sample_may_be_in_one_line():
    def logistic(w, b, x, y):
        return bp.binary_cross_entropy_with_logits((w @ x + b).named("z"), y).named("L")

    inputs = {"w": normal((1, 3)), "b": normal((1, 1)), "x": normal((3, 6))}
    inputs["y"] = (normal((1, 6)) > 0).astype(float)

    def answers(x, y, z):
        d = 1 / (1 + np.exp(-z)) - y
        return {"z": d, "w": d @ x.T / 6, "b": d.mean(axis=1, keepdims=True)}

    report = grade(answers, logistic, inputs)
    assert report.passed, str(report)
    assert "each sample's own loss" in report["z"].message


# ---- how a mean is written in the loss ----


def sum_of_squares(W, b, x, y):
    return bp.square_sum((W @ x + b).named("z") - y)


@pytest.mark.parametrize(
    "loss",
    [
        lambda **q: (sum_of_squares(**q) / (2 * 5)).named("L"),
        lambda **q: (0.5 / 5 * sum_of_squares(**q)).named("L"),
        lambda **q: (sum_of_squares(**q) / 5 / 2).named("L"),
    ],
)
def test_the_mean_at_the_parameters_is_a_convention_however_the_loss_has_it(loss):
    def answers(x, y, z, in_b=5):
        dz = z - y
        return {"z": dz, "W": dz @ x.T / 5, "b": dz.sum(1, keepdims=True) / in_b}

    assert grade(lambda x, y, z: answers(x, y, z), loss, ONE_LAYER).passed
    report = grade(lambda x, y, z: answers(x, y, z, in_b=1), loss, ONE_LAYER)
    assert wrong_lines(report) == ["b"]


def test_a_sum_for_a_mean_over_all_entries_may_be_accepted():
    def answers(x, y, h, W2):
        return two_layers_backward(x, y, h, W2, 21)

    assert grade(answers, two_layers, TWO_LAYERS, accepted=("sum-for-mean",)).passed
    report = grade(answers, two_layers, TWO_LAYERS)
    assert wrong_lines(report) == ["W2"]
    assert report["W2"].mistakes == ("sum-for-mean",)
    other = grade(
        lambda x, y, h, W2: two_layers_backward(x, y, h, W2, 20),
        two_layers,
        TWO_LAYERS,
        accepted=("sum-for-mean",),
    )
    assert not other.passed


def test_the_sum_with_the_sign_of_an_update_is_both():
    def answers(x, y, h, W2):
        return two_layers_backward(x, y, h, W2, -21)

    report = grade(answers, two_layers, TWO_LAYERS)
    assert wrong_lines(report) == ["W2"]
    assert set(report["W2"].mistakes) == {"wrong-sign", "sum-for-mean"}
    assert (report["W2"].together, report["W1"].verdict) == (True, "carried forward")
    once = grade(answers, two_layers, TWO_LAYERS, accepted=("sum-for-mean",))
    assert once["W2"].mistakes == ("wrong-sign",)


# ---- one slip, one charge ----


def test_the_same_slip_in_several_lines_is_charged_once():
    def answers(W2, W3, x, y, a1, a2, y_hat):
        dy_hat = -2 * (y - y_hat)
        dz3 = y_hat * (dy_hat - (y_hat * dy_hat).sum(0))
        da2 = W3.T @ dz3
        da1 = W2.T @ da2
        weights = {"W3": dz3 @ a2.T, "W2": da2 @ a1.T, "W1": da1 @ x.T}
        return {"a2": da2, "z2": da2, "a1": da1, "z1": da1, **weights}

    assert grade(answers).score == 3 / 4
    report = grade(answers, required=())
    assert wrong_lines(report) == ["z2", "z1"]
    assert report.score == 6 / 7
    assert "1 slip in 2 lines" in report.summary()
    assert report["z1"].message.startswith("The same slip as before. missing-sigmoid-derivative")


def test_a_bias_that_is_summed_along_the_wrong_axis_is_named():
    def rows(x, y, W, b):
        return bp.square_sum((x @ W + b).named("z") - y).named("L")

    inputs = {"x": normal((5, 3)), "y": normal((5, 2)), "W": normal((3, 2)), "b": normal(2)}
    report = grade(
        lambda x, y, z: {"W": 2 * x.T @ (z - y), "b": 2 * (z - y).sum(axis=1)}, rows, inputs
    )
    assert report["b"].mistakes == ("sum-along-wrong-axis",)


SUMS = {
    "square_sum": (2, bp.square_sum),
    "sum": (2, lambda d: bp.sum(d**2)),
    "half": (1, lambda d: 0.5 * bp.sum(d**2)),
}


@pytest.mark.parametrize(("slope", "add_up"), SUMS.values(), ids=SUMS)
@pytest.mark.parametrize("units", [2, 3])
def test_a_mean_over_all_entries_is_named_where_the_loss_is_one_over_samples(slope, add_up, units):
    """Where it is a sum, a division by the number of units is one by that alone."""
    inputs = {"x": normal((6, 4)), "y": normal((6, units)), "W": normal((4, units))}
    inputs["b"] = normal(units)

    def names(loss_divides_by, answers_divide_by):
        def loss(x, y, W, b):
            return (add_up((x @ W + b).named("z") - y) / loss_divides_by).named("L")

        def answers(x, y, z):
            dz = slope * (z - y) / answers_divide_by
            return {"z": dz, "W": x.T @ dz, "b": dz.sum(0)}

        return grade(answers, loss, inputs)["z"].mistakes

    assert names(6, 6) == names(1, 1) == ()
    assert "mean-over-everything" in names(6, 6 * units)
    assert "mean-over-everything" not in names(1, units)
    assert names(1, units) == ("constant-factor",) or units == 2
