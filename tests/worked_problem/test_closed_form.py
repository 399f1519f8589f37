"""The closed form: pinned by a calculation by hand, and compared with finite differences."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest

from tinygrad_bp.differences import (
    jacobian_difference,
    relative_difference,
)
from tinygrad_bp.worked_problem.closed_form import (
    da3_dz3,
    dL_dW,
    forward,
    gradients,
    sigmoid,
    softmax,
)
from tinygrad_bp.worked_problem.problem import Problem, random_problem

TOLERANCE = 1e-8
LN2, LN3 = math.log(2), math.log(3)

FORWARD = ["z1", "a1", "z2", "a2", "z3", "y_hat", "L"]
GRADIENTS = [
    *("dL/da3", "da3/dz3", "dL/dz3", "dL/dW3"),
    *("dL/da2", "da2/dz2", "dL/dz2", "dL/dW2"),
    *("dL/da1", "da1/dz1", "dL/dz1", "dL/dW1"),
]
SIZES_AND_BATCHES = [
    ((4, 5, 6, 3), 1),
    ((4, 5, 6, 3), 7),
    ((2, 3, 4, 5), 1),
    ((7, 6, 5, 4), 3),
    ((1, 2, 4, 3), 5),
    ((3, 1, 2, 6), 4),
    ((5, 4, 3, 2), 1),
]


def closed_form(problem):
    """Return all quantities, then all factors and gradients."""
    return forward(problem) | gradients(problem)


# By hand


def worked_by_hand() -> Problem:
    """Return a problem whose sigmoids and softmax are fractions.

    sigmoid(ln 2) = 1 / (1 + 1/2) = 2/3,   sigmoid(ln 3) = 1 / (1 + 1/3) = 3/4,
    sigmoid(0)    = 1/2,                   sigmoid(-ln 3) = 1 / (1 + 3)  = 1/4.

    z1 = W1 x, with x = (1, 2, -1, 3, -2):
        row 1   2 ln3 * 1  + ln3 * -1                =  ln 3     a1 = 3/4
        row 2   3 * 2      - 2 * 3                   =  0             1/2
        row 3   ln2 * 3    + ln2 * -2                =  ln 2          2/3
        row 4   ln3 * 1    + ln3 * 2  + 2 ln3 * -2   = -ln 3          1/4

    z2 = W2 a1:
        row 1   2 ln2 * 3/4  - ln2 * 1/2             =  ln 2     a2 = 2/3
        row 2  -3 ln3 * 2/3  + 4 ln3 * 1/4           = -ln 3          1/4

    z3 = W3 a2:
        row 1   3 * 2/3        - 8 * 1/4             =  0        e^z3 = 1
        row 2   3 ln2 * 2/3    - 4 ln2 * 1/4         =  ln 2            2
        row 3  -3/2 ln3 * 2/3  + 8 ln3 * 1/4         =  ln 3            3

    y_hat = (1, 2, 3) / 6 = (1/6, 1/3, 1/2), and with y = (1, 0, 0)
    L = (5/6)^2 + (1/3)^2 + (1/2)^2 = 25/36 + 4/36 + 9/36 = 38/36 = 19/18.
    """
    return Problem(
        W1=np.array(
            [
                [2 * LN3, 0, LN3, 0, 0],
                [0, 3, 0, -2, 0],
                [0, 0, 0, LN2, LN2],
                [LN3, LN3, 0, 0, 2 * LN3],
            ]
        ),
        W2=np.array([[2 * LN2, -LN2, 0, 0], [0, 0, -3 * LN3, 4 * LN3]]),
        W3=np.array([[3, -8], [3 * LN2, -4 * LN2], [-1.5 * LN3, 8 * LN3]]),
        x=np.array([[1], [2], [-1], [3], [-2]], float),
        y=np.array([[1], [0], [0]], float),
    )


def test_the_forward_pass_is_the_one_worked_by_hand():
    run = forward(worked_by_hand())
    assert run["a1"].ravel() == pytest.approx([3 / 4, 1 / 2, 2 / 3, 1 / 4], rel=1e-14)
    assert run["a2"].ravel() == pytest.approx([2 / 3, 1 / 4], rel=1e-14)
    assert run["y_hat"].ravel() == pytest.approx([1 / 6, 1 / 3, 1 / 2], rel=1e-14)
    assert float(run["L"]) == pytest.approx(19 / 18, rel=1e-14)


def test_dL_dW3_is_the_one_worked_by_hand():
    # dL/da3 = -2 (5/6, -1/3, -1/2) = (-5/3, 2/3, 1).  For each j, with a = y_hat, the two cases are
    # a_j (1 - a_j) dL/da3_j - a_j sum over i != j of a_i dL/da3_i = a_j (dL/da3_j - s), where
    # s = sum over all i of a_i dL/da3_i = -5/18 + 4/18 + 9/18 = 4/9.  So
    # dL/dz3 = (1/6 * -19/9, 1/3 * 2/9, 1/2 * 5/9) = (-19/54, 4/54, 15/54), which sums to 0,
    # and dL/dW3 is its outer product with a2 = (2/3, 1/4).
    d = gradients(worked_by_hand())
    by_hand = np.array([-19, 4, 15]) / 54
    assert d["dL/dz3"].ravel() == pytest.approx(by_hand, rel=1e-13)
    assert d["dL/dW3"] == pytest.approx(np.outer(by_hand, [2 / 3, 1 / 4]), rel=1e-13)


@pytest.mark.parametrize("name", ["W1", "W2", "W3", "x", "y"])
def test_every_entry_that_is_not_zero_matters_to_the_value_worked_by_hand(name):
    problem = worked_by_hand()
    for index in zip(*np.nonzero(getattr(problem, name)), strict=True):
        changed = getattr(problem, name).copy()
        changed[index] *= 1.01
        assert abs(float(forward(replace(problem, **{name: changed}))["L"]) - 19 / 18) > 1e-5


# Against finite differences. The loss is written again here, naively, from each of its stages on.


def naive_sigmoid(z):
    return 1 / (1 + np.exp(-z))


def naive_softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=0)


def by_differences(p: Problem) -> dict[str, np.ndarray]:
    """Find every factor and gradient of the derivation by finite differences."""
    loss_of_a3 = lambda a3: ((p.y - a3) ** 2).sum()  # noqa: E731
    loss_of_z3 = lambda z3: loss_of_a3(naive_softmax(z3))  # noqa: E731
    loss_of_a2 = lambda a2: loss_of_z3(p.W3 @ a2)  # noqa: E731
    loss_of_z2 = lambda z2: loss_of_a2(naive_sigmoid(z2))  # noqa: E731
    loss_of_a1 = lambda a1: loss_of_z2(p.W2 @ a1)  # noqa: E731
    loss_of_z1 = lambda z1: loss_of_a1(naive_sigmoid(z1))  # noqa: E731

    z1 = p.W1 @ p.x
    a1 = naive_sigmoid(z1)
    z2 = p.W2 @ a1
    a2 = naive_sigmoid(z2)
    z3 = p.W3 @ a2
    a3 = naive_softmax(z3)

    softmax_jacobians = [jacobian_difference(naive_softmax, z3[:, b]) for b in range(p.batch)]
    return {
        "dL/da3": jacobian_difference(loss_of_a3, a3),
        "da3/dz3": np.stack(softmax_jacobians),
        "dL/dz3": jacobian_difference(loss_of_z3, z3),
        "dL/dW3": jacobian_difference(lambda W3: loss_of_z3(W3 @ a2), p.W3),
        "dL/da2": jacobian_difference(loss_of_a2, a2),
        "da2/dz2": jacobian_difference(lambda z: naive_sigmoid(z).sum(), z2),
        "dL/dz2": jacobian_difference(loss_of_z2, z2),
        "dL/dW2": jacobian_difference(lambda W2: loss_of_z2(W2 @ a1), p.W2),
        "dL/da1": jacobian_difference(loss_of_a1, a1),
        "da1/dz1": jacobian_difference(lambda z: naive_sigmoid(z).sum(), z1),
        "dL/dz1": jacobian_difference(loss_of_z1, z1),
        "dL/dW1": jacobian_difference(lambda W1: loss_of_z1(W1 @ p.x), p.W1),
    }


def disagreements(found: dict[str, np.ndarray], witness: dict[str, np.ndarray]) -> list[str]:
    """Name the factors that differ, and so the first bad line is the culprit."""
    return [k for k in witness if not relative_difference(found[k], witness[k]) < TOLERANCE]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("sizes", "batch"), SIZES_AND_BATCHES)
def test_every_factor_agrees_with_differences(sizes, batch, seed):
    problem = random_problem(sizes, batch, seed)
    assert disagreements(gradients(problem), by_differences(problem)) == []


@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize("fault", [lambda v: 2 * v, lambda v: -v, lambda v: v + 1e-6 * v.max()])
def test_a_planted_fault_is_caught_and_named(name, fault):
    problem = random_problem(batch=2)
    found = gradients(problem)
    found[name] = fault(found[name])
    assert disagreements(found, by_differences(problem)) == [name]


@pytest.mark.parametrize(
    "wrong_jacobian",
    [
        lambda a: a * np.eye(len(a)) * (1 - a),  # the case i = j alone
        lambda a: np.outer(a, a) + np.diag(a - 2 * a**2),  # the minus sign lost
        lambda a: np.diag(a) - np.outer(a, a) / 2,
    ],
)
def test_a_wrong_softmax_jacobian_is_caught(wrong_jacobian):
    problem = random_problem()
    d = gradients(problem)
    J = wrong_jacobian(forward(problem)["y_hat"].ravel())
    found = d | {"da3/dz3": J[np.newaxis], "dL/dz3": J @ d["dL/da3"]}
    found["dL/dW3"] = dL_dW(found["dL/dz3"], forward(problem)["a2"])
    assert disagreements(found, by_differences(problem)) == ["da3/dz3", "dL/dz3", "dL/dW3"]


# What must hold of the formulas themselves


@pytest.mark.parametrize("seed", range(5))
def test_the_softmax_jacobian_is_symmetric_and_its_rows_sum_to_zero(seed):
    J = da3_dz3(forward(random_problem(batch=4, seed=seed))["y_hat"])
    assert J.shape == (4, 3, 3)
    assert np.array_equal(J, J.transpose(0, 2, 1))
    assert np.abs(J.sum(axis=2)).max() < 1e-15
    assert (np.diagonal(J, axis1=1, axis2=2) > 0).all()


def test_a_batch_is_the_sum_of_its_samples():
    problem = random_problem(batch=5)
    whole = closed_form(problem)
    samples = [closed_form(problem.sample(b)) for b in range(problem.batch)]
    for name, value in whole.items():
        parts = [sample[name] for sample in samples]
        if name in ("L", "dL/dW1", "dL/dW2", "dL/dW3"):
            expected = sum(parts)
        elif name == "da3/dz3":
            expected = np.concatenate(parts, axis=0)
        else:
            expected = np.concatenate(parts, axis=1)
        assert relative_difference(value, expected) < 1e-14, name


def test_names_come_in_the_order_of_the_source():
    problem = random_problem()
    assert list(forward(problem)) == FORWARD
    assert list(gradients(problem)) == GRADIENTS
    assert list(closed_form(problem)) == FORWARD + GRADIENTS


@pytest.mark.parametrize("batch", [1, 4])
def test_shapes_and_dtypes(batch):
    problem = random_problem((4, 5, 6, 3), batch)
    values = closed_form(problem)
    assert all(value.dtype == np.float64 for value in values.values())
    assert values["L"].shape == ()
    assert values["da3/dz3"].shape == (batch, 3, 3)
    for layer, width in ((1, 5), (2, 6), (3, 3)):
        assert values[f"dL/da{layer}"].shape == values[f"dL/dz{layer}"].shape == (width, batch)
        assert values[f"dL/dW{layer}"].shape == getattr(problem, f"W{layer}").shape


# Far out


def test_logits_of_1000_give_no_warning_and_finite_values():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        z = np.array([[1000.0, -1000.0], [-1000.0, -1000.0], [0.0, -1000.0]])
        assert sigmoid(z)[:, 0].tolist() == [1.0, 0.0, 0.5]
        assert softmax(z)[:, 0].tolist() == [1.0, 0.0, 0.0]
        assert softmax(z)[:, 1] == pytest.approx([1 / 3] * 3)

        problem = random_problem(batch=3)
        large = replace(problem, x=1000 * problem.x, W3=1000 * problem.W3)
        assert all(np.isfinite(value).all() for value in closed_form(large).values())


def test_sigmoid_and_softmax_are_the_textbook_ones_where_those_do_not_overflow():
    z = np.random.default_rng(0).normal(size=(4, 3)) * 10
    assert relative_difference(sigmoid(z), naive_sigmoid(z)) < 1e-15
    assert relative_difference(softmax(z), naive_softmax(z)) < 1e-14
    assert (sigmoid(np.array([-40.0, -700.0])) > 0).all()
