"""Precision: right to the precision in which somebody computed is right, and no further."""

import numpy as np
import pytest

from tinygrad_bp.grading.precision import agree, count_digits, off, stored_as_computed

from .derivations import LINES, QUANTITIES, derivation
from .test_judge import judged

rng = np.random.default_rng(5)
RIGHT = [rng.standard_normal((3, 4)) for _ in range(3)]


def single(**q):
    """The whole derivation in float32."""
    return derivation()(**{name: np.float32(q[name]) for name in QUANTITIES})


def of(change):
    """Answers changed at the end."""

    def answers(W1, W2, W3, x, y, z1, a1, z2, a2, z3, y_hat):
        q = locals()
        d = single(**{name: q[name] for name in QUANTITIES})
        return {name: change(value) for name, value in d.items()}

    return answers


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v,
        np.float64,
        lambda v: v.tolist(),
        np.float16,
        lambda v: np.float64(np.float16(v)),
        lambda v: np.round(np.float64(v), 6),
        lambda v: v + 1e-17,
    ],
    ids=["float32", "float64", "lists", "float16", "float16 in float64", "rounded", "noise"],
)
def test_a_right_derivation_in_low_precision_passes(change):
    report = judged(of(change))
    assert report.passed, str(report)
    assert report.score == 1


@pytest.mark.parametrize("change", [np.float16, lambda v: np.round(np.float64(v), 4)])
def test_how_far_it_is_right_is_said(change):
    report = judged(of(change))
    assert report.passed
    assert report["W1"].message.startswith("Right to ")
    assert "digits" in report.for_learner().said(report["W1"])


def test_what_is_off_by_more_than_its_precision_is_wrong():
    for change in (np.float32, np.float64, lambda v: np.round(np.float64(v), 5)):
        report = judged(of(lambda v, change=change: change(v * np.linspace(0.99, 1, v.size)[:1])))
        assert report.first_wrong == "y_hat"
        assert report["y_hat"].mistakes == ()


def test_a_slip_in_low_precision_is_named():
    slip = {"z3": lambda q, d: q.y_hat * (1 - q.y_hat) * d["y_hat"]}

    def answers(W1, W2, W3, x, y, z1, a1, z2, a2, z3, y_hat):
        q = locals()
        d = derivation(slip)(**{name: np.float32(q[name]) for name in QUANTITIES})
        return {name: value.tolist() for name, value in d.items()}

    report = judged(answers)
    assert report["z3"].mistakes == ("softmax-diagonal",)
    assert {line.verdict for line in report.lines if line.name not in ("z3", "y_hat")} <= {
        "carried forward",
        "missing",
    }


def test_a_wrong_rule_that_is_nearly_a_catalogued_one_is_not_named():
    for by, mistakes in ((1e-13, ("softmax-diagonal",)), (1e-6, ())):
        slip = {"z3": lambda q, d, by=by: q.y_hat * (1 - q.y_hat) * d["y_hat"] * (1 + by)}
        assert judged(derivation(slip))["z3"].mistakes == mistakes


def test_a_small_gradient_is_judged_by_its_own_size():
    """dL/dW1 is 1e-8 of the largest gradient here, and as wrong as any."""

    def scaled(q, d):
        return 2 * LINES["W1"](q, d)

    from tinygrad_bp import grade
    from tinygrad_bp.worked_problem.problem import random_problem

    point = vars(random_problem(seed=1))
    point = point | {"W3": point["W3"] * 1e-4, "W2": point["W2"] * 1e-4}
    report = grade(derivation({"W1": scaled}), inputs=point)
    assert np.abs(report["W1"].right) < 1e-7
    assert report.first_wrong == "W1"
    assert report["W1"].mistakes == ("extra-factor-2",)


def test_whole_numbers_that_are_off_a_little_are_not_passed_in_silence():
    import tinygrad_bp as bp
    from tinygrad_bp import grade

    def problem(x):
        return bp.square_sum(x).named("L")

    report = grade({"x": [1000.0, 2000.0]}, problem, {"x": [500.02, 1000.0]})
    assert report["x"].message == "Right to 4 digits: rounded, or computed in low precision."
    assert grade({"x": [1000.0, 2000.0]}, problem, {"x": [500.0, 1000.0]})["x"].message == ""


def test_what_is_nearly_right_is_said_to_a_learner():
    report = judged(derivation({"W1": lambda q, d: LINES["W1"](q, d) * (1 + 3e-4)}))
    assert report.first_wrong == "W1"
    assert "nearly right" in report.for_learner().said(report["W1"])
    assert "1 times" not in report["W1"].message


def test_the_digits_that_are_right():
    assert count_digits([np.round(r, 3) for r in RIGHT], RIGHT) == 3
    assert count_digits([r * (1 + 1e-6) for r in RIGHT], RIGHT) == 6
    assert count_digits([r * (1 + 1e-3) for r in RIGHT], RIGHT) is None
    assert count_digits([np.float64(np.float16(r * 1.05)) for r in RIGHT], RIGHT) is None
    assert count_digits([np.round(r, 3) + 0.01 for r in RIGHT], RIGHT) is None
    assert count_digits(RIGHT, [*RIGHT[:2], None]) is None
    assert count_digits([r[0] for r in RIGHT], RIGHT) is None


def test_float32_is_seen_in_float64():
    assert stored_as_computed(np.float64(np.float32(RIGHT[0]))).dtype == np.float32
    assert stored_as_computed(RIGHT[0]).dtype == np.float64
    assert stored_as_computed(np.array([np.nan, 1.0])).dtype == np.float32
    assert agree(np.float32(RIGHT[0] * (1 + 1e-5)), RIGHT[0])
    assert not agree(RIGHT[0] * (1 + 1e-5), RIGHT[0])


# ---- entry by entry ----


def small_column(x, W, y):
    import tinygrad_bp as bp

    scales = np.array([[1.0], [1e-5], [1.0]])
    return bp.square_sum((W @ (x * scales)).named("z") - y).named("L")


SMALL = {"x": rng.normal(size=(3, 4)), "W": rng.normal(size=(2, 3)), "y": rng.normal(size=(2, 4))}


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_a_small_column_with_the_wrong_sign_is_wrong(kind):
    from tinygrad_bp import grade

    def answers(x, y, z, sign):
        d = 2 * (z - y) @ (x * np.array([[1.0], [1e-5], [1.0]])).T
        d[:, 1] *= sign
        return {"z": 2 * (z - y), "W": d.astype(kind)}

    assert grade(lambda x, y, z: answers(x, y, z, 1), small_column, SMALL).passed
    report = grade(lambda x, y, z: answers(x, y, z, -1), small_column, SMALL)
    assert (report.passed, report.first_wrong, report["W"].wrong_entries) == (False, "W", 2)


def test_a_batch_norm_that_forgets_its_eps_is_not_called_rounded():
    right = RIGHT[0] / np.sqrt(1 + 1e-5)
    assert count_digits([RIGHT[0]], [right]) is None


def test_a_systematic_factor_is_no_rounding():
    assert count_digits([np.float64(np.float16(r)) for r in RIGHT], RIGHT) == 3
    assert count_digits([np.float64(np.float16(r * 1.009)) for r in RIGHT], RIGHT) is None
    assert count_digits([np.float64(np.float16(r * 1.004)) for r in RIGHT], RIGHT) is None


@pytest.mark.parametrize("answer", [[300.5, 1000.5], [12.0, 40.0]])
def test_numbers_that_fit_float16_by_chance_are_not_taken_for_rounded_ones(answer):
    right = np.array(answer) * (1 + 1e-3)
    assert count_digits([np.array(answer)], [right]) is None


@pytest.mark.parametrize("wrong", [[(2, 3)], [(2, 3), (1, 1), (0, 2)], "rows"])
def test_small_entries_are_not_right_because_a_large_one_is(wrong):
    """The others are exact, so nothing was computed in float32."""
    for right in RIGHT:
        right = right / np.abs(right).max()
        if wrong == "rows":  # all but the first are small, and twice as large as they should be
            right = right * np.array([[1.0], [1e-6], [5e-7]])
            answer = right * np.array([[1.0], [2.0], [2.0]])
        else:
            for at in wrong:
                right[at] = 1e-6
            answer = right.copy()
            for at in wrong:
                answer[at] = 2e-6
        assert off(answer, right).any()
        assert count_digits([answer], [right]) is None


def test_data_in_float32_beside_weights_in_float64_is_right():
    def derivation_of(x, y, z):
        x, y = np.float32(x), np.float32(y)
        return {"z": 2 * (z - y), "W": 2 * (z - y) @ x.T}

    def problem(W, x, y):
        import tinygrad_bp as bp

        return bp.square_sum((W @ x).named("z") - y).named("L")

    from tinygrad_bp import grade

    for seed in range(10):
        normal = np.random.default_rng(seed).normal
        inputs = {"W": normal(size=(4, 3)), "x": normal(size=(3, 8)), "y": normal(size=(4, 8))}
        report = grade(derivation_of, problem, inputs)
        assert report.passed, str(report)


def test_rounding_where_terms_cancel_is_right():
    right = np.array([1.0, 1e-9])
    assert agree(right + 1e-14, right)
    assert off(right + 1e-10, right).tolist() == [False, True]
