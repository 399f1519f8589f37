"""A derivation at the points of other shapes: a vector for the sample, and equal widths."""

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp import grade
from tinygrad_bp.grading.submission import Answers

from .derivations import derivation


def flat(W1, W2, W3, x, y):
    """The right derivation, for one sample: vectors, and outer products for the weights."""
    x, y = x[:, 0], y[:, 0]
    a1 = 1 / (1 + np.exp(-W1 @ x))
    a2 = 1 / (1 + np.exp(-W2 @ a1))
    p = np.exp(W3 @ a2) / np.exp(W3 @ a2).sum()
    dz3 = p * (2 * (p - y) - p @ (2 * (p - y)))
    dz2 = dz3 @ W3 * a2 * (1 - a2)
    dz1 = dz2 @ W2 * a1 * (1 - a1)
    return {"W3": np.outer(dz3, a2), "W2": np.outer(dz2, a1), "W1": np.outer(dz1, x)}


# ---- where shapes do not fit ----


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("a2", lambda q, d: q.W3 @ d["z3"]),
        ("a1", lambda q, d: q.W2 @ d["z2"]),
        ("x", lambda q, d: q.W1 @ d["z1"]),
        ("W3", lambda q, d: d["z3"] @ q.a2),
        ("W2", lambda q, d: d["z2"] @ q.a1),
        ("W1", lambda q, d: d["z1"] @ q.x),
    ],
)
def test_a_missing_transpose_is_named_though_the_shapes_do_not_fit(line, text):
    report = grade(derivation({line: text}))
    assert report.failure is None
    assert report.first_wrong == line
    assert report[line].mistakes == ("missing-transpose",)
    assert [w.name for w in report.lines if w.verdict == "wrong"] == [line]
    assert not report.passed
    assert report.warnings == ()
    (note,) = report.remarks
    assert "it gave no answers: ValueError: matmul: the shapes do not fit (size" in note
    assert "judged where they are all equal" in note


def test_of_what_is_right_where_all_widths_are_equal_alone_there_are_no_answers():
    def fixed(y, y_hat):
        return {"y_hat": 2 * (y_hat - y).reshape(4, -1)}

    report = grade(fixed)
    assert report.failure.startswith("ValueError: cannot reshape")
    assert not report.passed


def test_the_shapes_of_the_arrays_in_the_line_are_said():
    def slip(W3, y_hat):
        return {"a2": W3 @ y_hat}

    said = grade(slip).failure
    assert "W3 @ y_hat}, where W3 is (3, 6) and y_hat is (3, 1)" in said

    class Network:
        def __init__(self, W3):
            self.W3 = W3

        def backward(self, y_hat):
            return {"a2": self.W3 @ y_hat}

    assert "self.W3 @ y_hat}, where y_hat is (3, 1)" in grade(Network).failure


@pytest.mark.parametrize(
    ("failure", "times"),
    [
        ("it was still running after 10 s", 1),
        ("ValueError: cannot reshape array of size 3 into shape (4,4)", 1),
        ("ValueError: shapes (2,3) and (4,5) not aligned", 2),
    ],
)
def test_it_is_asked_once_and_once_more_where_its_shapes_do_not_fit(failure, times):
    """To start a process takes time, and one that loops for ever must not be run three times."""

    class Fails:
        asked = 0

        def answers_at(self, points, order):
            self.asked += 1
            return [Answers(failure=failure)] * len(points)

    submission = Fails()
    assert grade(submission).failure == failure
    assert submission.asked == times


ROWS = {
    "x": np.random.default_rng(0).normal(size=(6, 4)),
    "y": np.eye(3)[[0, 1, 2, 2, 1, 0]],
    "W": np.random.default_rng(1).normal(size=(4, 5)),
    "b": np.random.default_rng(2).normal(size=5),
    "V": np.random.default_rng(3).normal(size=(5, 3)),
}


def rows(x, y, W, b, V):
    h = bp.relu((x @ W + b).named("z")).named("h")
    return bp.cross_entropy((h @ V).named("s"), y).named("L")


def rows_backward(x, y, V, z, h, s, slip=""):
    p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
    ds = (p - y) / len(x)
    dV = (h if slip == "V" else h.T) @ ds
    dh = ds @ (V if slip == "h" else V.T)
    dz = dh * (z > 0)
    return {"V": dV, "h": dh, "W": x.T @ dz, "b": dz.sum(axis=0)}


def with_reshape(x, y, W, b, V):
    return rows(x, y, W, b, V.reshape(5, 3))


def with_assertion(x, y, W, b, V):
    assert V.shape == (5, 3)
    return rows(x, y, W, b, V)


@pytest.mark.parametrize("line", ["V", "h"])
def test_a_missing_transpose_of_any_problem_is_found_in_its_line(line):
    def answers(x, y, V, z, h, s):
        return rows_backward(x, y, V, z, h, s, line)

    report = grade(answers, rows, ROWS)
    assert (report.failure, report.first_wrong) == (None, line)
    assert report[line].mistakes == ("missing-transpose",)
    assert sum(x.verdict == "wrong" for x in report.lines) == 1
    assert "the shapes do not fit" in report.remarks[-1]
    # a problem that can be computed in its own shapes alone has no others
    for problem in (with_reshape, with_assertion):
        assert grade(answers, problem, ROWS).failure.startswith("ValueError: matmul")
        assert grade(rows_backward, problem, ROWS).passed


@pytest.mark.parametrize(
    ("line", "fails"),
    [
        (None, lambda g: g.reshape(4, 4)),
        ("sign", lambda g: g.reshape(4, 4)),
        ("sign", lambda g: g + np.zeros((4, 4))),
        ("h", lambda g: g + np.zeros((4, 4))),  # of a square V a transpose is missing as well
    ],
)
def test_what_fails_for_another_reason_is_not_right_because_of_a_second_mistake(line, fails):
    def answers(x, y, V, z, h, s):
        d = rows_backward(x, y, V, z, h, s, line)
        return {**d, "V": fails(d["V"]), "h": -d["h"] if line == "sign" else d["h"]}

    square = ROWS | {"V": np.random.default_rng(5).normal(size=(5, 5))}
    square["y"] = np.eye(5)[[0, 1, 2, 4, 3, 0]]
    report = grade(answers, rows, square if line == "h" else ROWS)
    assert report.failure.startswith("ValueError: ")
    assert (report.passed, report.score) == (False, 0.0)


def test_a_missing_transpose_of_a_layer_is_found_in_its_line():
    def backward(dout, x, w):
        return {"x": dout @ w, "w": x.T @ dout}

    report = grade(backward, lambda x, w: x @ w, [ROWS["x"], ROWS["W"]])
    assert report["x"].mistakes == ("missing-transpose",)
    assert report["w"].verdict == "right"


def test_labels_and_probabilities_keep_their_meaning_where_widths_are_equal():
    def loss(E, V, word, y):
        return bp.cross_entropy((E[word.data] @ V).named("s"), y).named("L")

    def answers(E, V, word, y, s):
        p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
        d = (p - y) / len(y)
        dE = np.zeros_like(E)
        np.add.at(dE, word, d @ V)
        return {"s": d, "V": E[word].T @ d, "E": dE}

    inputs = {"E": ROWS["x"], "V": ROWS["W"][:, :3], "word": [5, 0, 5, 2, 1], "y": ROWS["y"][:5]}
    report = grade(answers, loss, inputs)
    assert [line.name for line in report.lines if line.verdict == "wrong"] == ["E"]


# ---- one sample as a vector ----


def vectors(W1, W2, W3, x, y, a1, a2, y_hat):
    """Products that fit vectors alone: a Jacobian by np.diag, outer products by None."""
    J = np.diag(y_hat) - np.outer(y_hat, y_hat)
    dz3 = J @ (2 * (y_hat - y))
    dz2 = W3.T @ dz3 * a2 * (1 - a2)
    dz1 = W2.T @ dz2 * a1 * (1 - a1)
    return {
        "z3": dz3,
        "W3": dz3[:, None] * a2[None, :],
        "W2": dz2[:, None] * a1[None, :],
        "W1": dz1[:, None] * x[None, :],
    }


def test_a_derivation_for_vectors_is_judged_with_vectors():
    report = grade(vectors)
    assert report.passed
    assert report.remarks == (
        "It is judged with vectors in place of columns, as that is what it takes.",
    )

    def only_for_vectors(W2, W3, x, y, a1, a2, y_hat):
        if y.ndim != 1:
            raise ValueError("for vectors alone")
        d = vectors(None, W2, W3, x, y, a1, a2, y_hat)
        return {**d, "W3": d["W3"] / 2}

    report = grade(only_for_vectors)
    assert (report.failure, report.first_wrong) == (None, "W3")
    assert report["W3"].mistakes == ("lost-factor-2",)


def test_a_problem_of_ones_own_with_one_sample_too():
    import tinygrad_bp as bp

    def loss(W, b, x, y):
        return bp.square_sum(bp.tanh(W @ x + b).named("h") - y)

    rng = np.random.default_rng(3)
    shapes = {"W": (3, 4), "b": (3, 1), "x": (4, 1), "y": (3, 1)}
    inputs = {name: rng.normal(size=shape) for name, shape in shapes.items()}

    def answers(x, y, h):
        dz = 2 * (h - y) * (1 - h**2)
        return {"W": dz[:, None] * x[None, :], "b": dz}

    assert grade(answers, loss, inputs).passed
    batch = inputs | {"x": rng.normal(size=(4, 5)), "y": rng.normal(size=(3, 5))}
    assert not grade(answers, loss, batch).passed


# ---- the problem, given once ----


def test_a_recorded_loss_is_the_problem():
    import tinygrad_bp as bp

    rng = np.random.default_rng(4)
    W = bp.tensor(rng.normal(size=(3, 4)), requires_grad=True, name="W")
    x, y = bp.tensor(rng.normal(size=(4, 5)), name="x"), bp.tensor(rng.normal(size=(3, 5)))
    loss = bp.square_sum((W @ x).named("z") - y).named("L")
    points = []

    def answers(W, x, z):
        points.append(W)
        return {"z": 2 * (z - y.data), "W": 2 * (z - y.data) @ x.T}

    assert bp.grade(answers, loss).passed
    assert len({W.tobytes() for W in points}) == 3  # it is replayed at other points
    assert not bp.grade(lambda z: {"z": 2 * (z - y.data)}, loss).passed  # x is data, W is not
    arrays = {"W": 2 * ((W.data @ x.data) - y.data) @ x.data.T}
    assert bp.grade(arrays, loss).passed
    assert bp.inject("missing-transpose", loss, at="W").broken == ("W",)
    with pytest.raises(ValueError, match="leave out the inputs"):
        bp.grade(answers, loss, {"W": W})


def test_a_tuple_that_is_wrong_says_how_it_was_read():
    import tinygrad_bp as bp

    def loss(w, v):
        return bp.square_sum(w * v)

    inputs = [[1.0, 2.0], [3.0, 1.0]]
    swapped = bp.grade(lambda w, v: (2 * w**2 * v, 2 * w * v**2), loss, inputs)
    assert swapped.remarks == (
        "What it returned was read as the gradients of w, v, in this order.",
    )
    assert "in this order" in str(swapped.for_learner())
    assert bp.grade(lambda w, v: (2 * w * v**2, 2 * w**2 * v), loss, inputs).remarks == ()


def test_the_inputs_may_be_a_list():
    import tinygrad_bp as bp

    def loss(w, x):
        return bp.square_sum(w * x)

    inputs = [np.array([1.0, 2.0]), np.array([3.0, -1.0])]
    assert bp.grade(lambda w, x: {"w": 2 * w * x**2}, loss, inputs).passed
    assert "w" in bp.inject("lost-factor-2", loss, inputs).broken
    with pytest.raises(ValueError, match="there are 3 inputs, and the problem takes 2: w, x"):
        bp.grade(lambda w: {"w": w}, loss, [*inputs, 1.0])
    with pytest.raises(TypeError, match="inputs are a mapping of values by name, or a list"):
        bp.grade(lambda w: {"w": w}, loss, 3.0)


def test_tensors_say_which_leaves_are_parameters():
    import tinygrad_bp as bp

    def loss(w, v, x):
        return bp.square_sum(w * v * x)

    inputs = {
        "w": bp.tensor([1.0, 2.0]),
        "v": bp.tensor([2.0, 1.0], requires_grad=True),
        "x": [3.0, 1],
    }
    only_v = lambda w, v, x: {"v": 2 * v * (w * x) ** 2}  # noqa: E731
    assert bp.grade(only_v, loss, inputs).passed  # an array beside it is none
    inputs["x"] = bp.tensor([3.0, 1.0])
    assert bp.grade(only_v, loss, inputs).passed
    arrays = {name: np.asarray(t.data) for name, t in inputs.items()}
    assert "dL/dw is not answered" in bp.grade(only_v, loss, arrays).summary()
