"""Assignments: the points are drawn to show mistakes, and what they cannot show is said."""

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp import grade
from tinygrad_bp.grading.assignment import Assignment, draw_like
from tinygrad_bp.grading.limits import POINTS
from tinygrad_bp.worked_problem.network import network
from tinygrad_bp.worked_problem.problem import random_problem

from . import networks
from .derivations import derivation

rng = np.random.default_rng(4)


def test_the_worked_problem_is_drawn_to_reveal():
    assignment = Assignment()
    assert len(assignment.points) == POINTS >= 3
    sizes = {len(assignment.points[0][name]) for name in ("x", "z1", "z2", "z3")}
    assert len(sizes) == 4
    for point in assignment.points:
        assert all(value.dtype == np.float64 for value in point.values())
        assert len(point["y"]) >= 3
        assert np.abs(point["y"] - point["y_hat"]).max() > 0.01
        assert point["a3"] is point["y_hat"]
        for weights in (point["W1"], point["W2"], point["W3"]):
            assert len(np.unique(weights)) == weights.size
    first, second, *_ = assignment.points
    assert not np.allclose(first["W1"], second["W1"])
    assert assignment.warnings == ()
    again = Assignment().points[0]["W1"]
    assert (again == first["W1"]).all()
    assert not (Assignment(seed=9).points[0]["W1"] == first["W1"]).any()


def test_the_given_point_comes_first_and_others_have_its_shapes():
    assignment = Assignment(networks.classifier, networks.CLASSIFIER)
    first, *others = assignment.points
    assert all((first[name] == value).all() for name, value in networks.CLASSIFIER.items())
    assert len(others) == POINTS - 1
    for point in others:
        assert {n: v.shape for n, v in point.items()} == {n: v.shape for n, v in first.items()}
        # one-hot rows are others, or a list of the labels would be right
        assert (np.sort(point["y"]) == np.sort(first["y"])).all()
        assert not (point["y"] == first["y"]).all()
        assert not (point["W1"] == first["W1"]).any()


def test_an_array_is_redrawn_in_its_range():
    rng = np.random.default_rng(0)
    for whole in (np.arange(4), np.array([[True, False]]), np.array(3)):
        assert sorted(draw_like(whole, rng).flat) == sorted(whole.flat)
    for rows in (np.eye(3), np.eye(3)[[0, 2, 2, 1]], np.array([[0.2, 0.8], [0.7, 0.3]])):
        drawn = draw_like(rows, rng)
        assert (np.sort(drawn) == np.sort(rows)).all()
        assert (drawn != rows).any()
    assert (draw_like(np.eye(3), rng).sum(axis=0) == 1).all()
    one = draw_like(np.array([[0.0], [0.0], [1.0]]), rng)
    assert (one > 0).all()
    assert one.sum() == pytest.approx(1)
    share = draw_like(np.array([0.2, 0.4]), rng)
    assert ((share > 0) & (share < 1)).all()
    assert (draw_like(np.array([3.0, 5.0]), rng) > 0).all()
    assert draw_like(np.array(-2.0), rng).shape == ()
    assert draw_like(np.zeros((2, 3)), rng).any()
    assert draw_like(np.zeros((0, 3)), rng).shape == (0, 3)


# ---- data of two values ----


OR = np.array([[0.0], [1.0], [1.0], [1.0]])
TWO = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
NET = {"W": rng.normal(size=(2, 3)), "V": rng.normal(size=(3, 1)), "x": TWO}


def gate(x, y, W, V):
    h = bp.sigmoid((x @ W).named("z")).named("h")
    return bp.mean(((h @ V).named("p") - y) ** 2).named("L")


def gate_backward(x, y, V, h, p, target=lambda y: y, left=lambda x: x):
    dp = 2 * (p - target(y)) / len(x)
    dz = dp @ V.T * h * (1 - h)
    return {"p": dp, "V": h.T @ dp, "z": dz, "W": left(x).T @ dz}


@pytest.mark.parametrize("y", [TWO[:, :1] != TWO[:, 1:], OR, 1 - OR], ids=["xor", "or", "nor"])
def test_what_is_right_for_zeros_and_ones_alone_does_not_pass(y):
    """Nor do the data themselves. The labels of nor sum to 1, as probabilities do."""
    inputs = NET | {"y": y * 1.0}
    targets = {"its square": np.square, "its root": np.sqrt, "a list": lambda _: inputs["y"]}
    lefts = {"its square": np.square, "its sign": np.sign, "a list": lambda _: TWO}
    assert grade(gate_backward, gate, inputs).passed
    for target in targets.values():
        report = grade(with_formulas(target=target), gate, inputs)
        assert (report.passed, report.first_wrong) == (False, "p")
    for left in lefts.values():
        report = grade(with_formulas(left=left), gate, inputs)
        assert (report.passed, report.first_wrong) == (False, "W")


def with_formulas(**formulas):
    return lambda x, y, V, h, p: gate_backward(x, y, V, h, p, **formulas)


@pytest.mark.parametrize("labels", [[0, 1, 2, 2, 1], np.eye(3)[[0, 1, 2, 2, 1]]])
def test_a_list_of_the_labels_does_not_pass(labels):
    def loss(W, x, y):
        s = (x @ W).named("s")
        return bp.cross_entropy(s, y if y.ndim > 1 else y.data).named("L")

    def answers(s, x, y):
        p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
        ds = (p - (np.eye(3)[y] if y.ndim == 1 else y)) / len(x)
        return {"s": ds, "W": x.T @ ds}

    inputs = {"W": rng.normal(size=(4, 3)), "x": rng.normal(size=(5, 4)), "y": labels}
    assert grade(answers, loss, inputs).passed
    report = grade(lambda s, x: answers(s, x, np.array(labels)), loss, inputs)
    assert (report.passed, report.first_wrong) == (False, "s")


def test_data_of_two_values_are_exchanged_where_no_others_will_do_and_else_kept():
    def loss(W, x, y, mask):
        if set(y.data.flat) != {-1.0, 1.0} or set(mask.data.flat) != {0.0, 1.0}:
            raise ValueError("a label is -1 or 1, and a mask 0 or 1")
        return bp.square_sum(((x @ W).named("z") - y) * mask).named("L")

    mask = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    inputs = {"W": TWO[:2], "x": TWO[:3], "y": 2 * mask - 1, "mask": mask}
    _, *others = Assignment(loss, inputs).points
    assert len(others) == POINTS - 1
    for point in others:
        assert not any((point[name] == value).all() for name, value in inputs.items())

    def of_these(W, x, y, mask):
        assert all((t.data == inputs[t.name]).all() for t in (x, y, mask))
        return loss(W, x, y, mask)

    points = Assignment(of_these, inputs).points
    assert len(points) == POINTS
    assert all((point["mask"] == mask).all() for point in points)
    assert not (points[1]["W"] == points[0]["W"]).any()


def test_a_point_where_the_problem_fails_is_drawn_anew():
    def problem(x):
        if x.data[0] < 0:
            raise ValueError("not here")
        return bp.log(x).sum()

    assignment = Assignment(problem, {"x": [1.0, 2.0]})
    assert len(assignment.points) == POINTS
    assert all(np.isfinite(point["x"]).all() for point in assignment.points)


def test_points_with_other_steps_are_left_out():
    def problem(x):
        return (x * 2.0).sum() if x.data[0] > 0 else bp.exp(x).sum()

    assignment = Assignment(problem, {"x": [1.0, -2.0]})
    assert len({run.tensors[1].primitive.__name__ for run in assignment.runs}) == 1


def test_a_problem_may_make_an_operation_at_each_call():
    def problem(x):
        @bp.primitive
        def double(a):
            return 2.0 * a

        @double.backward
        def _(out, a):
            return lambda g: 2.0 * g

        return bp.square_sum(double(x).named("d")).named("L")

    assert len(Assignment(problem, {"x": [1.0, -2.0]}).points) == POINTS


def two_outputs(**changes):
    return vars(random_problem(sizes=(4, 5, 6, 2), seed=1)) | changes


# ---- what the points cannot show ----


POSITIVE = {
    "W": rng.uniform(0.2, 0.9, (3, 4)),
    "b": rng.uniform(0.2, 0.9, (3, 1)),
    "x": rng.uniform(0.2, 0.9, (4, 5)),
    "y": rng.uniform(0.2, 0.9, (3, 5)),
}


@pytest.mark.parametrize(
    ("activation", "slope"), [(bp.relu, lambda z: z > 0), (bp.absolute, np.sign)]
)
def test_where_all_is_positive_a_point_has_both_signs(activation, slope):
    def layer(W, b, x, y):
        return bp.square_sum((activation((W @ x + b).named("z")) - y).named("d")).named("L")

    def right(W, x, z, d):
        dz = 2 * d * slope(z)
        return {"z": dz, "W": dz @ x.T, "b": dz.sum(1, keepdims=True)}

    def without_slope(W, x, d):
        dz = 2 * d
        return {"z": dz, "W": dz @ x.T, "b": dz.sum(1, keepdims=True)}

    assignment = Assignment(layer, POSITIVE)
    assert len(assignment.points) == POINTS
    assert not any("missing" in w for w in assignment.warnings)
    assert grade(right, layer, POSITIVE).passed
    report = grade(without_slope, layer, POSITIVE)
    assert report.first_wrong == "z"
    assert report.summary().startswith("Not passed: 1 slip")


def test_what_must_be_positive_keeps_its_sign():
    def problem(s, W):
        return bp.sum(bp.log(s) * bp.relu(W)).named("L")

    assignment = Assignment(problem, {"s": [0.5, 3.0, 2.0], "W": [1.0, 2.0, 3.0]})
    assert all((point["s"] > 0).all() for point in assignment.points)
    assert [(point["W"] > 0).all() for point in assignment.points] == [True, True, False]


def test_what_the_given_point_cannot_show_is_said():
    def problem(z, y):
        return bp.square_sum((bp.relu(z) - y).named("d")).named("L")

    positive = Assignment(problem, {"z": [1.0, 2.0, 3.0], "y": [0.5, 5.0, 7.0]}, only_inputs=True)
    said = "In dL/dz the given point cannot show missing-relu-derivative: the numbers are the"
    assert any(w.startswith(said) for w in positive.warnings)
    mixed = Assignment(problem, {"z": [1.0, -2.0, 3.0], "y": [0.5, 5.0, 7.0]}, only_inputs=True)
    assert not any("missing-relu-derivative" in w for w in mixed.warnings)


def test_what_the_points_cannot_show_is_said_to_the_teacher_alone():
    def problem(z, y):
        return bp.square_sum((bp.relu(z) - y).named("d")).named("L")

    inputs = {"z": [1.0, 2.0, 3.0], "y": [0.5, 5.0, 7.0]}
    report = grade({"z": 2 * (np.array([1.0, 2.0, 3.0]) - inputs["y"])}, problem, inputs)
    assert "cannot show missing-relu-derivative" in str(report)
    assert "cannot show" not in str(report.for_learner())


def test_a_target_that_sums_to_one_hides_a_sum_and_that_is_said():
    said = "sum to zero, so that a wrong multiple of their sum cannot be seen"
    (warning,) = (w for w in Assignment(inputs=vars(random_problem())).warnings if said in w)
    assert warning.startswith("At these points the entries of dL/dy_hat")
    other = {**vars(random_problem()), "y": np.array([[0.3], [0.9], [0.2]])}
    assert not any(said in w for w in Assignment(inputs=other).warnings)
    assert Assignment().warnings == ()


def residual(x, W, b):
    h = bp.tanh((W @ x + b).named("z")).named("h")
    return bp.square_sum((x + h).named("r")).named("L")


def test_equal_gradients_are_no_mistake_that_is_hidden():
    """dL/dh is dL/dr at every point: to take the one for the other changes nothing."""
    inputs = {"x": np.ones((3, 2)) * [1.0, 2.0], "W": rng.normal(size=(3, 3)), "b": np.ones((3, 1))}
    for problem, at in (
        (residual, inputs),
        (networks.classifier, networks.CLASSIFIER),
        (networks.convolution, networks.CONVOLUTION),
    ):
        assert not any("cannot show" in w for w in Assignment(problem, at).warnings)


def test_a_target_that_equals_the_prediction_hides_everything():
    point = vars(random_problem(seed=1))
    point = point | {"y": network(**point)["y_hat"]}
    hidden = Assignment(inputs=point, only_inputs=True).warnings
    assert any("cannot show softmax-diagonal" in w for w in hidden)
    assert hidden[-1].endswith("more mistakes that the given point cannot show.")
    report = grade(derivation({"z3": lambda q, d: 5 * d["y_hat"]}), inputs=point)
    assert report.first_wrong == "z3"  # the further points show it


def test_arrays_are_judged_at_their_point_alone():
    point = vars(random_problem(seed=4))
    arrays = {"y_hat": np.zeros((3, 1))}
    report = grade(arrays, inputs=point)
    assert report.first_wrong == "y_hat"
    assert "Your gradient is zero everywhere" in report["y_hat"].message
    with pytest.raises(ValueError, match="give it, as inputs"):
        grade(arrays)


@pytest.mark.parametrize("answers", [None, 3, [1]])
def test_answers_must_be_a_function_or_a_mapping(answers):
    with pytest.raises(TypeError, match="a function or a mapping"):
        grade(answers)


def same_names(x):
    return ((x * 2.0).named("a") + bp.exp(x).named("a")).sum()


@pytest.mark.parametrize(
    ("problem", "inputs", "error", "said"),
    [
        (networks.shared, None, ValueError, "Give an example"),
        (same_names, {"x": [1.0]}, ValueError, "two tensors are called a"),
        (lambda x: 3.0, {"x": [1.0]}, TypeError, "must return its loss"),
        (lambda x, dout: x * dout, {"x": [1.0], "dout": [2.0]}, ValueError, "call the leaf some"),
        (lambda x: bp.tensor(1.0), {"x": [1.0]}, ValueError, "needs no gradient"),
        (lambda x: x.sum(), {"w": [1.0]}, TypeError, "unexpected keyword"),
    ],
)
def test_a_problem_that_cannot_be_graded_is_refused(problem, inputs, error, said):
    with pytest.raises(error, match=said):
        Assignment(problem, inputs)


def test_leaves_of_any_kind():
    def problem(x, label, scale):
        logits = (x * scale).named("logits")
        return bp.cross_entropy(logits, label.data).named("L")

    def answers(x, label, scale, logits):
        p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        p[np.arange(len(label)), label] -= 1
        d = p / len(label)
        return {"logits": d, "x": d * scale, "scale": (d * x).sum(), "label": 0.0, "L": 1.0}

    inputs = {"x": bp.tensor(np.ones((2, 3)) * [1.0, 2.0, 4.0]), "label": [0, 2], "scale": -0.5}
    report = grade(answers, problem, inputs)
    verdicts = {line.name: line.verdict for line in report.lines}
    assert verdicts == {
        "L": "right",
        "logits": "right",
        "x": "right",
        "scale": "right",
        "label": "right",  # it has no gradient, and zero is what the person said
    }
    assert report.passed
    assert report["label"].score is None
    assert "holds whole numbers" in report["label"].message

    def answers_a_label(x, label, scale, logits):
        return answers(x, label, scale, logits) | {"label": 3.0}

    wrong = grade(answers_a_label, problem, inputs)
    assert (wrong["label"].verdict, wrong.passed) == ("unreadable", False)


def whole_numbers(w, x):
    return bp.square_sum((w @ x).named("z")).named("L")


@pytest.mark.parametrize("x", [np.eye(3), np.arange(9).reshape(3, 3)], ids=["float", "int"])
def test_a_weight_of_whole_numbers_is_judged(x):
    inputs = {"w": [[1, 2, 3]], "x": x}
    report = grade(lambda z, x: {"w": 2 * z @ x.T}, whole_numbers, inputs)
    assert report.passed
    report = grade(lambda z, x: {"w": -14 * z @ x.T}, whole_numbers, inputs)
    assert report.first_wrong == "w"
    assert not report.passed


def test_labels_stay_whole_numbers():
    def problem(z, label):
        return bp.cross_entropy(z, label).named("L")

    assignment = Assignment(problem, {"z": np.ones((2, 3)), "label": [0, 2]})
    assert all(sorted(point["label"].tolist()) == [0, 2] for point in assignment.points)
    report = grade({"label": [1.0, 1.0]}, problem, {"z": np.ones((2, 3)), "label": [0, 2]})
    assert "holds whole numbers" in report["label"].message


def test_an_answer_for_what_the_loss_does_not_use():
    def problem(x, spare):
        return bp.square_sum(x).named("L")

    inputs = {"x": [1.0, 2.0], "spare": [1.0]}
    assert grade(lambda x: {"x": 2 * x, "spare": 0.0}, problem, inputs).passed
    report = grade(lambda x: {"x": 2 * x, "spare": 1.0}, problem, inputs)
    assert not report.passed
    assert report["spare"].message == "No gradient flows to it from the loss."


def test_a_name_that_is_mistyped_does_not_pass():
    def answers(y, y_hat):
        return {"y_hat": 2 * (y_hat - y), "W33": 1.0}

    report = grade(answers, required=())
    assert not report.passed
    assert report.score == 0.5
    assert "Is W3 meant?" in report["W33"].message


def test_a_mistyped_name_is_charged_once():
    def answers(y, y_hat, W3):
        return {"y_hat": 2 * (y_hat - y), "W33": W3, "W333": W3}

    report = grade(answers, required=("y_hat", "W3"))
    assert not report.passed
    assert [report[name].verdict for name in ("W3", "W33")] == ["missing", "unreadable"]
    # the missing line is charged, and so is a second name that means it
    assert [report[name].score for name in ("W3", "W33", "W333")] == [0.0, None, 0.0]
    assert report.score == pytest.approx(1 / 3)


def test_data_are_never_meant_and_a_parameter_that_is_missing_is():
    def answers(x, y, z):
        return {"Wx": 2 * (z - y) @ x.T, "b": 2 * (z - y).sum(1, keepdims=True), "q": 1.0}

    def layer(W, b, x, y):
        return bp.square_sum((W @ x + b).named("z") - y).named("L")

    report = grade(answers, layer, POSITIVE)
    assert report["Wx"].message.endswith("Is W meant?")
    assert report["q"].message.endswith("It has: W, b, z.")
    assert [report[name].score for name in ("W", "Wx", "b", "q")] == [0.0, None, 1.0, 0.0]


def test_one_number_is_right_in_whatever_brackets():
    def problem(x, s):
        return bp.square_sum(x * s).named("L")

    inputs = {"x": [1.0, 2.0], "s": 3.0}
    report = grade(lambda x, s: {"s": [2 * s * (x * x).sum()], "L": [[1.0]]}, problem, inputs)
    assert report.passed
    assert grade(lambda x: {"s": [(x * x).sum()]}, problem, inputs).first_wrong == "s"


def test_a_gradient_that_is_zero_but_for_rounding_is_right():
    def problem(z):
        return bp.softmax(z.named("z"), axis=0).named("p").sum()

    report = grade(lambda z: {"p": np.ones(3), "z": np.zeros(3)}, problem, {"z": [0.3, 1.7, -2.0]})
    assert report.passed


def test_a_point_with_nan_marks_nothing_that_follows_from_it():
    def problem(x):
        r = bp.sqrt(x).named("r")
        return bp.square_sum(r).named("L")

    def answers(x, r):
        with np.errstate(all="ignore"):
            return {"r": 2 * r, "x": r / r}

    report = grade(answers, problem, {"x": [0.0, 1.0]})
    assert {line.verdict for line in report.lines} == {"right"}


def test_that_two_axes_have_one_length_is_said_once():
    def problem(W, b, x, y):
        return bp.square_sum((W @ x + b).named("z") - y).named("L")

    def warnings(samples):
        rng = np.random.default_rng(5)
        shapes = {"W": (2, 3), "b": (2, 1), "x": (3, samples), "y": (2, samples)}
        inputs = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
        return Assignment(problem, inputs).warnings

    alike = [w for w in warnings(3) if "Choose lengths that differ" in w]
    assert len(alike) == len(set(alike))
    assert any("Axes 0 and 1 of x have the same length" in w for w in alike)
    assert not any("Choose lengths that differ" in w for w in warnings(5))
