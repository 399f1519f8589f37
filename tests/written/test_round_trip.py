"""What `bp.derive` writes is read back, and is right, line by line."""

import re
from collections import Counter
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import tinygrad_bp as bp
from tinygrad_bp.grading.assignment import Assignment
from tinygrad_bp.mistakes.run import Run
from tinygrad_bp.table import TABLE
from tinygrad_bp.worked_problem.problem import random_problem
from tinygrad_bp.written.document import Document
from tinygrad_bp.written.grade import Grader
from tinygrad_bp.written.network import Network
from tinygrad_bp.written.read import read

from ..sweeps import examples, sample
from ..test_random_programs import programs

#: What is held against a line, but for what does not fit.
HELD = ("wrong", "stray index", "other network", "wrong as arrays", "cases as alternatives")

rng = np.random.default_rng(0)


def worked():
    return Assignment()


def worked_in_a_batch():
    return Assignment(inputs=vars(random_problem(batch=7)))


def columns_with_a_bias():
    def loss(W1, b1, W2, b2, X, Y):
        Z1 = (W1 @ X + b1).named("Z1")
        A1 = bp.tanh(Z1).named("A1")
        Z2 = (W2 @ A1 + b2).named("Z2")
        A2 = bp.sigmoid(Z2).named("A2")
        return -bp.mean(Y * bp.log(A2) + (1 - Y) * bp.log(1 - A2))

    shapes = {"W1": (4, 3), "b1": (4, 1), "W2": (1, 4), "b2": (1, 1), "X": (3, 6)}
    leaves = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    return Assignment(loss, leaves | {"Y": rng.random((1, 6))})


def rows_with_a_bias():
    def loss(X, W1, b1, W2, b2, Y):
        H = bp.tanh((X @ W1 + b1).named("Z1")).named("H")
        return bp.mean(((H @ W2 + b2).named("Z2") - Y) ** 2)

    shapes = {"X": (6, 3), "W1": (3, 4), "b1": (4,), "W2": (4, 2), "b2": (2,), "Y": (6, 2)}
    return Assignment(loss, {name: rng.normal(size=shape) for name, shape in shapes.items()})


def step_without_a_name():
    def loss(X, T, W1, b1, W2, b2):
        A1 = (X @ W1 + b1).named("A1")
        H = bp.tanh(A1).named("H")
        Y = (H @ W2 + b2).named("Y")
        return bp.mean((Y - T) ** 2).named("L")

    shapes = {"X": (6, 4), "T": (6, 3), "W1": (4, 5), "b1": (5,), "W2": (5, 3), "b2": (3,)}
    return Assignment(loss, {name: rng.normal(size=shape) for name, shape in shapes.items()})


def softmax_and_logarithm():
    def loss(W, x, y):
        p = bp.softmax((W @ x).named("z"), axis=0).named("p")
        return -bp.sum(y * bp.log(p))

    shapes = {"W": (3, 4), "x": (4, 5)}
    leaves = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    return Assignment(loss, leaves | {"y": rng.random((3, 5))})


PROBLEMS = (
    worked, worked_in_a_batch, columns_with_a_bias, rows_with_a_bias, softmax_and_logarithm,
    step_without_a_name,
)  # fmt: skip


#: A part of them, too, has every problem in it, and both forms in every kind of file.
DOCUMENTS = sample(product(PROBLEMS, ["matrix", "index"], [".md", ".tex", ".txt"]), 5)


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("problem", "form", "suffix"), DOCUMENTS, ids=lambda x: getattr(x, "__name__", x)
)
def test_a_derivation_is_read_back_and_right(problem, form, suffix, tmp_path):
    assignment = problem()
    path = tmp_path / f"derivation{suffix}"
    bp.derive(assignment.runs[0].output, form=form).save(path)
    document = Document(Network(assignment), {})
    judged = document.judge(read(path.read_text("utf-8"), suffix))
    assert len(judged) > 10
    report = Grader(document, assignment).report(judged)
    assert report.passed, report.summary()
    for one in judged:
        says_what_n_is = re.fullmatch(r"N = \d+", one.line.text.strip())
        right = "defined" if says_what_n_is else "right"
        assert one.verdict.name == right, (one.line.text, one.verdict.reason)


def test_a_derivation_of_another_loss_is_not_right(tmp_path):
    """The control: with half of the loss, every gradient is another."""
    leaves = Assignment().runs[0].tensors[:5]
    W1, W2, W3, x, y = (bp.tensor(t.data, requires_grad=True, name=t.name) for t in leaves)
    z1 = (W1 @ x).named("z1")
    a1 = bp.sigmoid(z1).named("a1")
    z2 = (W2 @ a1).named("z2")
    a2 = bp.sigmoid(z2).named("a2")
    z3 = (W3 @ a2).named("z3")
    y_hat = bp.softmax(z3, axis=0).named("y_hat")
    loss = (bp.square_sum(y - y_hat) * 0.5).named("L")
    path = tmp_path / "derivation.md"
    bp.derive(loss).save(path)
    report = bp.grade(path)
    assert "agree with the network" in report.summary()
    written_out = [s for s in report.written if "partial" in s.left and "y - " in s.source]
    verdicts = [side.verdict for side in written_out if side.verdict != "not read"]
    assert verdicts[0] == "wrong"
    assert set(verdicts) <= {"wrong", "carried forward"}
    assert not report.passed


@pytest.mark.sweep
def test_hardly_a_right_line_of_a_random_program_is_called_wrong():
    """Much of what programs do is not read. Of what is read, at most 1 % is called wrong."""
    counts: Counter[str] = Counter()

    many = examples(200)

    @settings(max_examples=many, deadline=None, derandomize=True, phases=[Phase.generate])
    @given(programs(), st.sampled_from(["matrix", "index"]))
    def check(program, form):
        loss = program.run(TABLE, lambda array: bp.tensor(array, requires_grad=True), lambda a: a)
        if not loss.requires_grad:
            return
        try:
            text = str(bp.derive(loss, form=form))
        except ValueError:  # it has no components, or derives nothing
            return
        recorded = SimpleNamespace(runs=[Run(loss)], aliases={}, parameters=())
        judged = Document(Network(recorded), {}).judge(read(text, ".txt"))
        counts.update(one.verdict.name for one in judged)

    check()
    assert counts["right"] > 5 * many
    assert sum(counts[name] for name in HELD) <= counts["right"] / 100
