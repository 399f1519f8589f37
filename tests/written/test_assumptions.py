r"""What a document leaves open, and what its prose, or the shapes, settle; blanks; code cells."""

import json

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.written.extract import COUNTS_SAMPLES

rng = np.random.default_rng(7)
SHAPES = {"X": (8, 5), "Y": (8, 2), "W1": (5, 6), "b1": (6,), "W2": (6, 4), "b2": (4,)}
SHAPES |= {"W3": (4, 2), "b3": (2,)}
INPUTS = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}


def loss(X, Y, W1, b1, W2, b2, W3, b3):
    A1 = bp.tanh((X @ W1 + b1).named("Z1")).named("A1")
    A2 = bp.sigmoid((A1 @ W2 + b2).named("Z2")).named("A2")
    Y_hat = (A2 @ W3 + b3).named("Y_hat")
    return (bp.square_sum(Y_hat - Y) / 16).named("L")


def classes(X, T, W, b):
    return bp.cross_entropy((X @ W + b).named("Z"), T).named("L")


def one_row(x, W):
    return bp.square_sum(bp.relu((x @ W).named("z")).named("a")).named("L")


@pytest.fixture
def graded(tmp_path):
    def grade(text, name="homework.md", problem=loss, inputs=INPUTS, required=()):
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return bp.grade(path, problem, inputs, required=required)

    return grade


def verdicts(report):
    return [side.verdict for side in report.written]


SUMS = [
    r"\sum_{i=1}^m (\frac{\partial L}{\partial Z_2})_i",
    r"\sum_i (\frac{\partial L}{\partial Z_2})_i",
    r"\sum_i \frac{\partial L}{\partial Z_{2,i}}",
    r"\sum_i \frac{\partial L}{\partial Z_2}",
    r"\mathbf{1}^T \frac{\partial L}{\partial Z_2}",
    r"\sum_i ((\frac{1}{8} (\hat{Y} - Y) W_3^T) \odot A_2 \odot (1 - A_2))_i",
]


@pytest.mark.parametrize("total", SUMS)
def test_a_factor_too_many_at_a_sum_over_the_samples_is_wrong(graded, total):
    """Whether i counts the samples is not said: under no other reading would the line be right."""
    first = r"$$\frac{\partial L}{\partial \hat{Y}} = \frac{1}{8} (\hat{Y} - Y)$$ "
    left = r"\frac{\partial L}{\partial b_2} = "
    assert verdicts(graded(f"{first}$${left}{total}$$")) == ["right", "right"]
    report = graded(rf"{first}$${left}\frac{{1}}{{8}} {total}$$")
    assert verdicts(report) == ["right", "wrong"]
    assert report["b2"].mistakes == ("mean-for-sum",)


@pytest.mark.parametrize(
    ("line", "alone", "if_said"),
    [
        ("dL/dY_hat = (Y_hat - Y) / m", "right", "right"),
        ("dL/dY_hat = (Y - Y_hat) / m", "wrong", "wrong"),  # whatever m is
        ("dL/dY_hat = (Y_hat - Y) / (2 m)", "not read", "wrong"),  # right for the 4 units of A2
    ],
)
def test_a_number_of_samples_may_be_said_in_prose_or_by_an_equation(graded, line, alone, if_said):
    assert verdicts(graded(line, "homework.txt")) == [alone]
    assert verdicts(graded(f"with m samples\n\n{line}", "homework.txt")) == [if_said]
    assert verdicts(graded(f"m = 8\n\n{line}", "homework.txt")) == ["defined", if_said]
    held = "Not judged: if m is the number of samples, it is wrong, but the text does not say so."
    assert (graded(line, "homework.txt").written[0].said() == held) == (alone == "not read")


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("where $i$ counts the samples", "i"),
        (r"Let $i = 1, \dots, 4$ be the index of the sample.", "i"),
        ("Let m denote the number of training examples.", "m"),
        ("with $N = 4$ samples as rows", "N"),
        ("for the $i$-th sample", "i"),
        ("a sample, and the loss $L$ of each sample", ""),
        ("over n features, not samples", ""),
    ],
)
def test_what_prose_says_that_a_letter_counts(text, letters):
    assert COUNTS_SAMPLES.findall(text) == list(letters)


def test_where_the_mean_is_missing_the_line_without_it_is_named(graded):
    report = graded(
        r"""
$$\frac{\partial L}{\partial \hat{Y}} = \hat{Y} - Y$$
$$\frac{\partial L}{\partial Z_2} = \frac{\partial L}{\partial \hat{Y}} W_3^T \odot A_2 (1 - A_2)$$
$$\frac{\partial L}{\partial W_2} = A_1^T \frac{\partial L}{\partial Z_2}$$
$$\frac{\partial L}{\partial W_1} = X^T \frac{\partial L}{\partial Z_1}$$
"""
    )
    assert verdicts(report) == ["right", "right", "wrong", "carried forward"]
    assert report.written[2].said() == "Line 2 is without the mean: take it there, or here."
    assert report.written[3].said() == "Right, given an earlier slip."


IN_SHORT = r"""
$$dZ_3 = \hat{Y} - Y$$
$$db_3 = \frac{1}{m} \sum_{i=1}^m dZ_3^{(i)}$$
$$dZ_2 = dZ_3 W_3^T \odot A_2 \odot (1 - A_2)$$
$$dZ_1 = dZ_2 W_2^T \odot \operatorname{sech}^2(Z_1)$$
"""


def test_a_linear_output_may_be_called_as_its_layer(graded):
    assert verdicts(graded(IN_SHORT)) == ["right"] * 4
    slip = graded(IN_SHORT.replace("(Z_1)", "(A_1)"))
    assert verdicts(slip) == ["right", "right", "right", "wrong"]
    assert verdicts(graded(r"$$dZ_3 = Y - \hat{Y}$$")) == ["not read"]  # Z_3 is not said
    assert verdicts(graded(r"$$dZ_4 = \hat{Y} - Y$$")) == ["not read"]


def test_a_name_without_its_underscore_is_read_below_a_derivative(graded):
    text = "dL/dYhat = (Yhat - Y) / 8\ndL/dA2 = dL/dYhat W3^T"
    assert verdicts(graded(text, "homework.txt")) == ["right", "right"]
    wrong = text.replace("dL/dYhat W3^T", "-dL/dYhat W3^T")
    assert verdicts(graded(wrong, "homework.txt")) == ["right", "wrong"]


def test_a_softmax_of_samples_goes_over_the_classes(graded):
    inputs = {"X": INPUTS["X"], "T": np.eye(3)[[0, 1, 2, 0, 1, 2, 0, 1]]}
    inputs |= {"W": rng.normal(size=(5, 3)), "b": rng.normal(size=3)}
    text = r"$$P = \mathrm{softmax}(Z)$$ $$\frac{\partial L}{\partial Z} = \frac{1}{8} (P - T)$$"
    found = graded(text, problem=classes, inputs=inputs)
    assert verdicts(found) == ["defined", "right"]
    found = graded(text.replace("P - T", "T - P"), problem=classes, inputs=inputs)
    assert verdicts(found) == ["defined", "wrong"]


def test_a_blank_is_not_answered(graded):
    blank = r"\underline{\qquad\qquad} \qquad (8, 4)"
    report = graded(rf"$$\frac{{\partial L}}{{\partial Z_2}} = {blank}$$", required=["Z2"])
    assert [side.said() for side in report.written] == ["Not answered."]
    assert report["Z2"].verdict == "missing"
    report = graded(r"$$\frac{\partial L}{\partial Z_2} = \Xi$$", required=["Z2"])
    assert report["Z2"].verdict == "unreadable"


def test_a_notebook_whose_answer_is_a_function_is_told_so(graded):
    cells = [{"cell_type": "code", "source": ["def gradients(X):\n", "    return X\n"]}]
    report = graded(json.dumps({"cells": cells}), "homework.ipynb")
    assert report.warnings[0].startswith("Of a notebook only Markdown cells are read")
    line = r"$$\frac{\partial L}{\partial \hat{Y}} = \frac{1}{8}(\hat{Y} - Y)$$"
    cells.append({"cell_type": "markdown", "source": line})
    report = graded(json.dumps({"cells": cells}), "homework.ipynb")
    assert verdicts(report) == ["right"]
    assert not report.warnings


def test_an_index_that_is_left_over_is_an_answer_that_is_wrong(graded):
    report = graded(r"$$\frac{\partial L}{\partial \hat{Y}_{ij}} = \hat{Y}_{ij} - Y_{ik}$$")
    assert verdicts(report) == ["stray index"]
    assert report["Y_hat"].verdict == "wrong"


@pytest.mark.parametrize(
    "line",
    [
        "dL/dY_hat = 3 (Y_hat - Y) / m",  # right for 24
        "dL/dY_hat = sqrt(m) (Y_hat - Y)",
        r"dL/dW3 = A2^T (Y_hat - Y) / (m n)",
    ],
)
def test_what_is_right_for_some_number_is_not_wrong(graded, line):
    assert verdicts(graded(line, "homework.txt")) == ["not read"]
    assert verdicts(graded(f"with m samples\n\n{line.replace(' n)', ')^2')}", "homework.txt")) == [
        "wrong"
    ]


def test_a_factor_1_over_m_too_many_is_wrong_as_m_is_not_1(graded):
    line = "dL/dY_hat = (Y_hat - Y) / 8\ndL/dW3 = A2^T dL/dY_hat / m"
    assert verdicts(graded(line, "homework.txt")) == ["right", "wrong"]


def test_what_rests_on_an_assumption_in_a_definition_is_not_wrong(graded):
    """Which function f is, is guessed: so nothing that is made of G is wrong."""
    text = "G = f(Z1 + 1) / 8\ndL/dY_hat = Y_hat G"
    assert verdicts(graded(text, "homework.txt")) == ["defined", "not read"]
    text = text.replace("f(", "tanh(")
    assert verdicts(graded(text, "homework.txt")) == ["defined", "does not fit"]


def test_a_document_may_have_another_number_of_samples(graded):
    text = "n = 500\n\ndL/dY_hat = (Y_hat - Y) / n"
    assert verdicts(graded(text, "homework.txt")) == ["not compared", "right"]
    assert verdicts(graded(text.replace("500", "5"), "homework.txt")) == ["defined", "wrong"]


def test_what_stands_below_a_1_is_a_number(graded):
    text = r"$$\frac{\partial L}{\partial \hat{Y}} = \frac{1}{8} (\hat{Y} - \mathbf{1}_y)$$"
    assert graded(text).written[0].reason == "y below a 1, which says no length"


def test_with_a_name_that_is_not_known_nothing_is_wrong(graded):
    assert verdicts(graded("dL/dY_hat = W1 W3 + R", "homework.txt")) == ["not read"]
    assert verdicts(graded("dL/dY_hat = W1 W3 + Y", "homework.txt")) == ["does not fit"]


def test_a_row_beside_a_matrix_may_be_repeated(graded):
    text = r"$$\frac{\partial L}{\partial \hat{Y}} = \frac{1}{8} (\hat{Y} - Y) \odot b_3$$"
    assert verdicts(graded(text)) == ["does not fit"]
    ones = r"\frac{1}{8} (\hat{Y} - Y) \odot (b_3 / b_3)^T"
    assert verdicts(graded(text.split("=")[0] + "= " + ones + "$$")) == ["not read"]


def test_a_number_for_an_activation_of_a_row_is_wrong(graded):
    inputs = {"x": INPUTS["X"][:1], "W": INPUTS["W1"]}
    text = r"$$\frac{\partial L}{\partial z} = \frac{\partial L}{\partial a} (x x^T)$$"
    assert verdicts(graded(text, problem=one_row, inputs=inputs)) == ["wrong"]
