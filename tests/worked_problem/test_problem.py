"""A problem: what it holds, how one is drawn, and what it says it would hide."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from tinygrad_bp.worked_problem.closed_form import forward
from tinygrad_bp.worked_problem.problem import Problem, random_problem

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


def test_arrays_are_float64_copies_and_read_only():
    arrays = {name: getattr(random_problem(), name).copy() for name in ARRAYS}
    arrays["x"] = np.array([[1], [2], [3], [4]])  # integers are converted
    problem = Problem(**arrays)
    arrays["W1"][0, 0] = 99.0
    assert problem.W1[0, 0] != 99.0
    for name in ARRAYS:
        assert getattr(problem, name).dtype == np.float64
        with pytest.raises(ValueError, match="read-only"):
            getattr(problem, name)[0, 0] = 1.0
    with pytest.raises(FrozenInstanceError):
        problem.W1 = arrays["W1"]


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
        ((4, 5.0, 6, 3), 1, TypeError, "the size n1 must be an integer, not 5.0"),
        ((4, 5, "6", 3), 1, TypeError, "the size n2 must be an integer, not '6'"),
        ((4, 5, 6, 3), 0, ValueError, "the batch must be at least 1, not 0"),
        ((4, 5, 6, 3), 1.5, TypeError, "the batch must be an integer, not 1.5"),
    ],
)
def test_random_problem_refuses(sizes, batch, error, message):
    with pytest.raises(error, match=message):
        random_problem(sizes, batch)


def test_numpy_integers_are_integers():
    assert random_problem(np.array([4, 5, 6, 3]), np.int64(2)).batch == 2


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("W1", (5, 3), r"W1 of shape \(5, 3\) does not fit x of shape \(4, 2\)"),
        ("W2", (6, 4), r"W2 of shape \(6, 4\) does not fit W1 of shape \(5, 4\)"),
        ("W3", (6, 3), r"W3 of shape \(6, 3\) does not fit W2 of shape \(6, 5\)"),
        ("y", (4, 2), r"y of shape \(4, 2\) does not fit W3 of shape \(3, 6\): the rows of y"),
        ("y", (3, 1), r"y of shape \(3, 1\) does not fit x of shape \(4, 2\): the columns of y"),
        ("x", (4,), r"x must be a non-empty matrix, not of shape \(4,\); .*reshape\(-1, 1\)"),
        ("x", (4, 0), r"x must be a non-empty matrix, not of shape \(4, 0\)"),
        ("W2", (6, 5, 1), r"W2 must be a non-empty matrix, not of shape \(6, 5, 1\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(name, shape, message):
    with pytest.raises(ValueError, match=message):
        replace(random_problem(batch=2), **{name: np.ones(shape)})


def test_values_must_be_finite_real_numbers():
    with pytest.raises(ValueError, match="x holds NaN or infinity"):
        replace(random_problem(), x=np.array([[1.0], [np.nan], [0.0], [0.0]]))
    with pytest.raises(TypeError, match="x must hold real numbers, not complex128"):
        replace(random_problem(), x=np.ones((4, 1)) * 1j)
    with pytest.raises(TypeError, match="x must hold real numbers, not <U1"):
        replace(random_problem(), x=np.array([["a"]] * 4))


def test_a_negative_seed_is_refused_by_name():
    with pytest.raises(ValueError, match=r"^the seed must be at least 0, not -1$"):
        random_problem(seed=-1)
