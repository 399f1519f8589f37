"""The sweep and its duties: with all done it is the engine's, and each one undone breaks its own.

The expected gradients are worked out by hand.
"""

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp import engine
from tinygrad_bp.grading.assignment import Assignment
from tinygrad_bp.mistakes.run import Run

from ..grading import networks

RUNS = {
    "worked problem": Assignment().runs[0],
    "classifier": Assignment(networks.classifier, networks.CLASSIFIER).runs[0],
    "shared": Assignment(networks.shared, networks.SHARED).runs[0],
    "columns": Assignment(networks.columns, networks.COLUMNS).runs[0],
    "elementary": Assignment(networks.elementary, networks.ELEMENTARY).runs[0],
}


def differing(run, gradients):
    """Return the positions at which gradients are not those of the engine, bit for bit."""
    positions = sorted(run.gradients)
    right = bp.grad(run.tensors[run.loss], [run.tensors[i] for i in positions])
    return [
        i for i, g in zip(positions, right, strict=True) if not np.array_equal(gradients.get(i), g)
    ]


def names(run, positions):
    return {run.tensors[i].name for i in positions} - {None}


@pytest.mark.parametrize("network", RUNS)
def test_with_every_duty_done_it_is_the_engines_sweep(network):
    run = RUNS[network]
    gradients = run.sweep()
    assert set(gradients) == set(run.gradients)
    assert not differing(run, gradients)


@pytest.mark.parametrize(
    ("network", "undone", "broken"),
    [
        ("elementary", "in_order", {"e", "q", "r", "u", "v"}),
        ("shared", "adds_up", {"W"}),
        ("classifier", "sums_copies", {"b1", "b2"}),
        ("columns", "sums_copies", {"b1", "b2"}),
        ("worked problem", "in_order", set()),
        ("worked problem", "adds_up", set()),
        ("worked problem", "sums_copies", set()),
        ("shared", "in_order", set()),
        ("shared", "sums_copies", set()),
        ("classifier", "in_order", set()),
        ("classifier", "adds_up", set()),
    ],
)
def test_the_test_above_sees_a_duty_undone(network, undone, broken):
    run = RUNS[network]
    assert names(run, differing(run, run.sweep(**{undone: False}))) == broken


# ---- by hand ----


def by_hand():
    """s = a b = 6, t = s s = 36, L = s + t, so dL/ds = 2 s + 1 = 13; see docs/engine.md."""
    a = bp.tensor(2.0, requires_grad=True, name="a")
    b = bp.tensor(3.0, requires_grad=True, name="b")
    s = (a * b).named("s")
    t = (s * s).named("t")
    return Run((s + t).named("L"))


@pytest.mark.parametrize(
    ("undone", "expected"),
    [
        ({}, {"L": 1, "t": 1, "s": 13, "a": 39, "b": 26}),
        # s comes before t, and passes on 1; the 6 and 6 from t are added to s alone
        ({"in_order": False}, {"L": 1, "t": 1, "s": 13, "a": 3, "b": 2}),
        # s gets 1, then 6, then 6, and keeps the last
        ({"adds_up": False}, {"L": 1, "t": 1, "s": 6, "a": 18, "b": 12}),
        ({"sums_copies": False}, {"L": 1, "t": 1, "s": 13, "a": 39, "b": 26}),
    ],
)
def test_a_graph_with_a_value_used_three_times(undone, expected):
    run = by_hand()
    found = {run.tensors[i].name: float(g) for i, g in run.sweep(**undone).items()}
    assert found == expected


def test_a_bias_beside_a_batch():
    """L is the sum of (x + b)^2, with x + b = [[1, 2], [3, 4]]: dL/db is [2 + 6, 4 + 8]."""
    b = bp.tensor([1.0, 1.0], requires_grad=True)
    run = Run(bp.square_sum(np.array([[0.0, 1.0], [2.0, 3.0]]) + b))
    assert (run.sweep()[0] == [8.0, 12.0]).all()
    assert (run.sweep(sums_copies=False)[0] == [[2.0, 4.0], [6.0, 8.0]]).all()


def test_contributions_that_do_not_fit_one_another_are_left_out_from_there_on():
    x = bp.tensor(np.ones((2, 1)), requires_grad=True)
    y = x * 2.0  # used twice, broadcast to shapes that do not fit
    run = Run((y + np.ones((2, 3))).sum() + (y + np.ones((2, 4))).sum())
    assert run.sweep()[0].shape == (2, 1)
    wrong = run.sweep(sums_copies=False)
    assert {0, 1} & set(wrong) == set()
    assert {0, 1} <= set(run.sweep())


def test_what_no_longer_fits_a_rule_is_left_out():
    W = bp.tensor(np.ones((4, 2)), requires_grad=True, name="W")
    z = (W @ np.ones((2, 1))).named("z")
    run = Run((z * np.ones((4, 5))).sum())
    at = {t.name: i for i, t in enumerate(run.tensors)}
    wrong = run.sweep(sums_copies=False)
    assert wrong[at["z"]].shape == (4, 5)  # where (4, 1) is right
    assert at["W"] not in wrong  # (4, 5) times (1, 2) does not fit
    assert run.sweep()[at["W"]].shape == (4, 2)


# ---- the same fault in the engine's own sweep ----


def test_writing_over_does_what_it_does_in_the_engine(monkeypatch):
    monkeypatch.setattr(engine, "add_up", lambda x, earlier, contribution: contribution)
    for run in RUNS.values():
        assert not differing(run, run.sweep(adds_up=False))
    assert differing(RUNS["shared"], RUNS["shared"].sweep())


def test_a_graph_may_be_deep():
    x = bp.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y * 1.0
    run = Run(y)
    for undone in ({}, {"in_order": False}, {"adds_up": False}, {"sums_copies": False}):
        assert run.sweep(**undone)[0] == 1
