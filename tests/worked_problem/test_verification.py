"""The three witnesses agree, and whichever of them is given a fault, the verification says so."""

from dataclasses import replace

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.worked_problem import verification
from tinygrad_bp.worked_problem.closed_form import CHAIN, forward
from tinygrad_bp.worked_problem.problem import random_problem
from tinygrad_bp.worked_problem.verification import PLANTED, verify

from ..sweeps import sample

CLOSED_FORM = "the closed form disagrees with both others"
ENGINE = "the engine disagrees with both others"
NEITHER = "the witnesses disagree"

# What each quantity passes a fault on to: everything further down the chain.
FROM_LOSS = [
    "dL/da3",
    "dL/dz3",
    "dL/dW3",
    "dL/da2",
    "dL/dz2",
    "dL/dW2",
    "dL/da1",
    "dL/dz1",
    "dL/dW1",
]
FROM_SOFTMAX = ["da3/dz3", *FROM_LOSS[1:]]
FROM_WEIGHTS = FROM_LOSS[3:]
FROM_SIGMOIDS = ["da2/dz2", "dL/dz2", "dL/dW2", "dL/da1", "da1/dz1", "dL/dz1", "dL/dW1"]


def varied_problem(seed):
    """Draw a problem whose widths run from 1 to 8 (2 to 8 for the output), and whose batch to 5."""
    rng = np.random.default_rng(seed)
    sizes = [int(size) for size in rng.integers((1, 1, 1, 2), 9)]
    return random_problem(sizes, batch=int(rng.integers(1, 6)), seed=seed)


def wrong(rows):
    return {row.name: row.verdict for row in rows if not row.agrees}


# Agreement


@pytest.mark.sweep
@pytest.mark.parametrize("seed", sample(range(100), 5))
def test_the_witnesses_agree_on_random_problems(seed):
    problem = varied_problem(seed)
    rows = verify(problem)
    assert [row.name for row in rows] == ["L", *(name for name, _, _ in CHAIN)]
    for row in rows:
        assert row.verdict == "agree"
        assert row.closed_engine <= 1e-12
        if row.name == "L":
            assert (row.closed_differences, row.engine_differences) == (None, None)
        else:
            assert row.closed_differences <= 1e-6
            assert row.engine_differences <= 1e-6


def test_the_random_problems_are_varied():
    problems = [varied_problem(seed) for seed in range(100)]
    assert len({problem.sizes for problem in problems}) > 90
    assert {problem.batch for problem in problems} == {1, 2, 3, 4, 5}


def test_a_row_has_the_shape_of_its_quantity():
    shapes = {row.name: row.shape for row in verify(random_problem((4, 5, 6, 3), batch=7))}
    assert shapes["L"] == ()
    assert shapes["dL/dW1"] == (5, 4)
    assert shapes["dL/da2"] == (6, 7)
    assert shapes["da3/dz3"] == (7, 3, 3)


def test_where_y_is_y_hat_all_gradients_are_zero_and_the_factors_are_not():
    problem = random_problem(batch=3)
    verdicts = {
        row.name: row.verdict for row in verify(replace(problem, y=forward(problem)["y_hat"]))
    }
    assert [name for name in verdicts if verdicts[name] == "all zero"] == [
        "L",
        *(name for name, _, _ in CHAIN if name.startswith("dL")),
    ]
    assert [name for name in verdicts if verdicts[name] == "agree"] == [
        "da3/dz3",
        "da2/dz2",
        "da1/dz1",
    ]


def test_zero_in_one_witness_only_is_not_all_zero():
    zero, one = np.zeros((2, 1)), np.ones((2, 1))
    compare = verification.compare
    assert compare("q", zero, zero, zero).verdict == "all zero"
    assert compare("q", zero, one, one).verdict == CLOSED_FORM
    assert compare("q", one, zero, one).verdict == ENGINE
    assert compare("q", one, one, zero).verdict == NEITHER
    assert compare("q", zero, one, 2 * one).verdict == NEITHER
    assert compare("q", one, np.full((2, 1), np.nan), one).verdict == ENGINE


def test_what_is_below_rounding_is_zero_and_what_is_above_is_not():
    one = np.ones((2, 1))
    for size, verdict in ((0.9e-13, "all zero"), (1.1e-13, CLOSED_FORM)):
        assert verification.compare("q", -size * one, size * one, size * one).verdict == verdict


# Faults in the closed form

EXPECTED = {
    "softmax-diagonal": FROM_SOFTMAX,
    "missing-sigmoid-derivative": FROM_SIGMOIDS,
    "lost-factor-2": FROM_LOSS,
}
PROBLEMS = [
    *(random_problem((4, 5, 6, 3), batch, seed) for batch in (1, 4) for seed in range(3)),
    random_problem((3, 2, 7, 5), batch=2),
    random_problem((5, 4, 4, 4), batch=2),  # square weights
    random_problem((5, 6, 4, 2)),  # two outputs
]


def test_every_mistake_has_an_expectation():
    assert set(EXPECTED) == set(PLANTED)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: f"{p.sizes}, batch {p.batch}")
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_caught_where_it_is_made_and_in_all_that_follows(name, problem):
    verdicts = wrong(verify(problem, name))
    assert list(verdicts) == EXPECTED[name]
    assert ENGINE not in verdicts.values()
    assert not wrong(verify(problem))


def test_a_lost_factor_2_is_off_by_half():
    rows = {row.name: row for row in verify(random_problem(), "lost-factor-2")}
    for name in FROM_LOSS:
        assert rows[name].closed_engine == pytest.approx(0.5, rel=1e-12)
        assert rows[name].verdict == CLOSED_FORM


# Faults in the engine. The network calls these very operations, so a rule replaced is a rule used.


def broken_sigmoid(a, z):
    return lambda g: g * a * (1 - a) * 1.001


def broken_softmax(p, z, *, axis):
    return lambda g: g * p * (1 - p)


def broken_square_sum(out, a):
    return lambda g: g * a


def broken_subtract(out, a, b):
    return lambda g: g, lambda g: g


def broken_matmul_left(out, a, b):
    return lambda g: -g @ b.mT, lambda g: a.mT @ g


def broken_matmul_right(out, a, b):
    return lambda g: g @ b.mT, lambda g: a.mT @ g * 1.001


@pytest.mark.parametrize(
    ("operation", "rule", "expected"),
    [
        (bp.sigmoid, broken_sigmoid, FROM_SIGMOIDS),
        (bp.softmax, broken_softmax, FROM_SOFTMAX),
        (bp.square_sum, broken_square_sum, FROM_LOSS),
        (bp.subtract, broken_subtract, FROM_LOSS),
        (bp.matmul, broken_matmul_left, ["dL/dW3", "dL/dW2", "dL/dW1"]),
        (bp.matmul, broken_matmul_right, FROM_WEIGHTS),
    ],
    ids=["sigmoid", "softmax", "square_sum", "subtract", "matmul, left", "matmul, right"],
)
@pytest.mark.parametrize("batch", [1, 4])
def test_a_wrong_rule_in_the_engine_is_caught_and_the_engine_named(
    monkeypatch, operation, rule, expected, batch
):
    problem = random_problem(batch=batch)
    monkeypatch.setattr(operation, "rule", rule)
    verdicts = wrong(verify(problem))
    # The factors da2/dz2 and da1/dz1 do not depend on what is upstream of them.
    assert list(verdicts) == [name for name, _, _ in CHAIN if name in expected]
    assert set(verdicts.values()) == {ENGINE}
    monkeypatch.undo()
    assert not wrong(verify(problem))


def test_an_error_too_small_for_differences_is_caught_by_the_closed_form(monkeypatch):
    monkeypatch.setattr(bp.sigmoid, "rule", lambda a, z: lambda g: g * a * (1 - a) * (1 + 1e-10))
    verdicts = wrong(verify(random_problem()))
    assert list(verdicts) == FROM_SIGMOIDS
    assert set(verdicts.values()) == {NEITHER}


def test_a_wrong_forward_is_caught_by_the_loss_although_differences_cannot_see_it(monkeypatch):
    forward_of_softmax = bp.softmax.forward
    monkeypatch.setattr(
        bp.softmax, "forward", lambda z, *, axis: forward_of_softmax(1.01 * z, axis=axis)
    )
    verdicts = wrong(verify(random_problem()))
    assert next(iter(verdicts)) == "L"
    monkeypatch.undo()
    assert not wrong(verify(random_problem()))


def test_a_fault_in_the_differences_is_not_blamed_on_the_others(monkeypatch):
    honest = verification.jacobian_difference
    monkeypatch.setattr(
        verification,
        "jacobian_difference",
        lambda f, at: honest(f, at) * (1.0 if np.ndim(f(at)) else 1.001),
    )
    verdicts = wrong(verify(random_problem()))
    assert "da3/dz3" not in verdicts
    assert set(verdicts.values()) == {NEITHER}
    assert len(verdicts) == len(CHAIN) - 1
