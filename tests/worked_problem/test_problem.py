"""A problem: what it holds, how one is drawn, and what it says it would hide."""

import numpy as np
import pytest

from tinygrad_bp.worked_problem.closed_form import forward
from tinygrad_bp.worked_problem.problem import random_problem

ARRAYS = ("W1", "W2", "W3", "x", "y")


def test_the_default_problem_has_different_widths_three_outputs_and_one_sample():
    problem = random_problem()
    assert problem.sizes == (4, 5, 6, 3)
    assert problem.batch == 1
    assert [getattr(problem, name).shape for name in ARRAYS] == [
        (5, 4),
        (6, 5),
        (3, 6),
        (4, 1),
        (3, 1),
    ]


def test_a_seed_gives_the_same_problem_and_another_gives_another():
    a, b, c = random_problem(seed=1), random_problem(seed=1), random_problem(seed=2)
    for name in ARRAYS:
        assert np.array_equal(getattr(a, name), getattr(b, name))
        assert not np.array_equal(getattr(a, name), getattr(c, name))


@pytest.mark.parametrize("seed", range(20))
def test_a_random_target_is_a_distribution_but_not_y_hat(seed):
    problem = random_problem(batch=4, seed=seed)
    assert (problem.y >= 0).all()
    assert problem.y.sum(axis=0) == pytest.approx(np.ones(4))
    assert (np.abs(problem.y - forward(problem)["y_hat"]).max(axis=0) > 1e-3).all()


def test_sample_keeps_one_column_and_the_weights():
    problem = random_problem(batch=3)
    one = problem.sample(1)
    assert np.array_equal(one.x, problem.x[:, 1:2])
    assert np.array_equal(one.y, problem.y[:, 1:2])
    assert np.array_equal(one.W2, problem.W2)
    with pytest.raises(IndexError):
        problem.sample(3)


@pytest.mark.parametrize(
    ("sizes", "batch", "error", "message"),
    [
        ((4, 5, 6), 1, ValueError, "four sizes, n0 n1 n2 n3, not 3"),
        ((4, 5, 6, 3, 2), 1, ValueError, "four sizes, n0 n1 n2 n3, not 5"),
        ((4, 0, 6, 3), 1, ValueError, "the size n1 must be at least 1, not 0"),
        ((4, 5, 6, -3), 1, ValueError, "the size n3 must be at least 1, not -3"),
        ((4, 5, 6, 3), 0, ValueError, "the batch must be at least 1, not 0"),
    ],
)
def test_random_problem_refuses(sizes, batch, error, message):
    with pytest.raises(error, match=message):
        random_problem(sizes, batch)


def test_numpy_integers_are_integers():
    assert random_problem(np.array([4, 5, 6, 3]), np.int64(2)).batch == 2


def test_a_negative_seed_is_refused_by_name():
    with pytest.raises(ValueError, match=r"^the seed must be at least 0, not -1$"):
        random_problem(seed=-1)
