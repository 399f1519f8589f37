"""The finite differences: as accurate as they say, and loud where they cannot be."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest

from tinygrad_bp.differences import (
    agree,
    differences_along,
    jacobian_difference,
    relative_difference,
)
from tinygrad_bp.worked_problem.closed_form import forward, gradients
from tinygrad_bp.worked_problem.problem import random_problem

from .sweeps import examples


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1, 3), (0,)])
def test_gradient_has_the_shape_of_the_point(shape):
    at = np.random.default_rng(0).normal(size=shape)
    gradient = jacobian_difference(lambda v: np.sum(np.sin(v)), at)
    assert gradient.shape == shape
    assert gradient.dtype == np.float64
    assert relative_difference(gradient, np.cos(at)) < 1e-9


def estimate(f, at, steps, size=0.0):
    """Return the estimate of the slope of a function of one number."""
    at = np.array(at)
    return differences_along(f, at, f(at), np.ones(()), steps).settled(size)


def test_three_central_differences_give_the_middle_one_and_how_far_they_are_apart():
    # d/dx x**5 at 1: a central difference with the step h gives 5 + 10 h**2 + h**4.
    found = estimate(lambda v: v**5, 1.0, (0.5, 0.25, 0.125))
    assert found.slope == pytest.approx(5 + 10 / 16 + 1 / 256, abs=1e-12)
    assert found.error == pytest.approx(10 / 4 + 1 / 16 - 10 / 64 - 1 / 4096, abs=1e-12)


def test_more_steps_cancel_the_leading_errors():
    steps = [0.5 / 2**k for k in range(5)]
    # (4 (h/2)**4 - h**4) / 3 = -h**4 / 4 is left of the last term, for h = 1/4 the middle one.
    found = estimate(lambda v: v**5, 1.0, steps[:4])
    assert found.slope == pytest.approx(5, abs=1e-2)
    assert found.error < 0.02
    found = estimate(lambda v: v**5, 1.0, steps)
    assert found.slope == pytest.approx(5, abs=1e-12)
    assert found.error < 1e-11


@pytest.mark.parametrize(
    "steps", [[10.0**-k for k in range(2, 9)], [1e-2 / 2**k for k in range(5)]]
)
@pytest.mark.parametrize(
    ("f", "derivative"),
    [
        (np.exp, np.exp),
        (np.sin, np.cos),
        (lambda v: np.sin(30 * v), lambda v: 30 * np.cos(30 * v)),
        (lambda v: np.tanh(100 * v), lambda v: 100 / np.cosh(100 * v) ** 2),
        (lambda v: 1e6 + v**2, lambda v: 2 * v),
        (lambda v: v**2 + 1e-7 * np.sin(1e9 * v), lambda v: 2 * v),
    ],
    ids=["exp", "sin", "fast", "sharp", "offset", "noise"],
)
def test_an_estimate_is_no_further_off_than_it_says(f, derivative, steps):
    for at in np.random.default_rng(0).normal(size=100):
        found = estimate(f, at, steps, size=np.abs(f(at)))
        assert abs(found.slope - derivative(at)) <= 2 * found.error


def test_where_the_function_is_not_defined_smaller_steps_decide():
    found = estimate(np.log, 1e-3, [1e-2 / 4**k for k in range(6)])
    assert abs(found.slope - 1e3) <= found.error < 5.0


def test_a_kink_has_a_jump_and_a_bend_has_none():
    steps = [1e-2 / 4**k for k in range(6)]
    assert estimate(np.abs, 0.0, steps).jump == 2.0
    assert estimate(np.abs, 1e-4, steps).jump == 0.0
    assert estimate(lambda v: np.logaddexp(0.0, v / 1e-4), 0.0, steps).jump == 0.0


def test_the_step_grows_with_the_entry():
    at = np.array([1e-9, 1.0, 1e6])
    assert relative_difference(jacobian_difference(lambda v: np.sum(v**3), at), 3 * at**2) < 1e-9
    each = jacobian_difference(lambda v: v**3, at)[np.arange(3), np.arange(3)]
    assert np.abs(each - 3 * at**2).max() <= 1e-9 * 3e12
    assert each[2] == pytest.approx(3e12, rel=1e-9)
    assert each[1] == pytest.approx(3.0, rel=1e-9)


@pytest.mark.parametrize(
    ("f", "derivative", "at"),
    [
        (np.exp, np.exp, [-20.0, 0.0, 5.0]),
        (np.log, lambda v: 1 / v, [0.05, 1.0, 100.0]),
        (np.sqrt, lambda v: 0.5 / np.sqrt(v), [0.05, 1.0, 100.0]),
        (np.tanh, lambda v: 1 - np.tanh(v) ** 2, [-2.0, 0.0, 0.3]),
        (np.arctan, lambda v: 1 / (1 + v**2), [-10.0, 0.0, 1.0]),
    ],
)
def test_jacobian_difference_of_common_functions(f, derivative, at):
    for entry in np.array(at):
        found = jacobian_difference(f, entry)
        assert float(found) == pytest.approx(float(derivative(entry)), rel=1e-8)


def test_a_negative_control_is_caught():
    at = np.array([0.3, -0.7])
    found = jacobian_difference(lambda v: np.sum(np.exp(v)), at)
    assert relative_difference(found, np.exp(at)) < 1e-8
    assert relative_difference(found, np.exp(at) * (1 + 1e-6)) > 1e-8


@pytest.mark.sweep
def test_jacobian_difference_is_accurate_on_random_worked_problems():
    """The measurement quoted in differences.py, on fewer problems."""
    rng = np.random.default_rng(1)
    worst = 0.0
    for seed in range(examples(100)):
        sizes = [int(size) for size in rng.integers((1, 1, 1, 2), 8)]
        problem = random_problem(sizes, batch=int(rng.integers(1, 6)), seed=seed)
        right = gradients(problem)
        for name in ("W1", "W2", "W3"):
            found = jacobian_difference(
                lambda W, name=name, problem=problem: forward(replace(problem, **{name: W}))["L"],
                getattr(problem, name),
            )
            worst = max(worst, relative_difference(found, right[f"dL/d{name}"]))
    assert worst < 1e-8


def test_jacobian_puts_outputs_first():
    rng = np.random.default_rng(0)
    a, at = rng.normal(size=(2, 3)), rng.normal(size=(3, 4))
    jacobian = jacobian_difference(lambda v: a @ v, at)
    assert jacobian.shape == (2, 4, 3, 4)
    assert relative_difference(jacobian, np.einsum("im,kn->ikmn", a, np.eye(4))) < 1e-10


def test_f_may_overwrite_its_argument_and_reuse_its_output():
    at = np.array([1.0, 2.0])
    buffer = np.empty(2)

    def square(v):
        v *= v
        buffer[:] = v
        return buffer

    assert relative_difference(jacobian_difference(square, at), np.diag([2.0, 4.0])) < 1e-10
    assert at.tolist() == [1.0, 2.0]


def test_f_may_return_its_argument():
    assert relative_difference(jacobian_difference(lambda v: v, np.ones(3)), np.eye(3)) < 1e-10


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_, np.complex128])
def test_anything_but_float64_is_refused(dtype):
    with pytest.raises(
        TypeError, match=f"the point is {np.dtype(dtype)}; differences need float64"
    ):
        jacobian_difference(lambda v: np.sum(v * 1.0), np.ones(2, dtype=dtype))
    with pytest.raises(TypeError, match="the function's value is"):
        jacobian_difference(lambda v: np.sum(v).astype(dtype), np.ones(2))


@pytest.mark.parametrize("step", [0.0, -1e-3, math.nan, math.inf])
def test_a_step_must_be_positive(step):
    with pytest.raises(ValueError, match="step must be a positive number"):
        jacobian_difference(np.sin, np.ones(2), step=step)


def test_a_point_must_be_finite():
    with pytest.raises(ValueError, match="NaN or infinity"):
        jacobian_difference(np.sin, np.array([1.0, math.inf]))


def test_relative_difference_has_one_scale_for_the_whole_array():
    assert relative_difference([100.0, 0.0], [100.0, 1e-14]) == 1e-16
    assert relative_difference([100.0, 0.0], [99.0, 0.0]) == pytest.approx(0.01)
    assert relative_difference([1.0], [-1.0]) == 2.0
    assert relative_difference([0.0], [1e-300]) == 1.0


def test_relative_difference_is_symmetric():
    a, b = np.random.default_rng(0).normal(size=(2, 3, 4))
    assert relative_difference(a, b) == relative_difference(b, a) > 0


def test_relative_difference_of_nothing_and_of_zeros():
    assert relative_difference([], []) == 0.0
    assert relative_difference(np.zeros((2, 3)), np.zeros((2, 3))) == 0.0
    assert relative_difference(1, 1.0) == 0.0


def test_relative_difference_at_the_ends_of_the_float_range():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert relative_difference([1.7e308], [-1.7e308]) == 2.0
        assert relative_difference([5e-324], [0.0]) == 1.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_never_agree(bad):
    assert relative_difference([1.0, bad], [1.0, 2.0]) == math.inf
    assert relative_difference([1.0, 2.0], [1.0, bad]) == math.inf
    assert relative_difference([1.0, bad], [1.0, bad]) == math.inf


def test_relative_difference_does_not_broadcast():
    with pytest.raises(ValueError, match=r"cannot compare shape \(3, 1\) with shape \(1, 3\)"):
        relative_difference(np.ones((3, 1)), np.ones((1, 3)))


def test_relative_difference_refuses_complex_numbers():
    with pytest.raises(TypeError):
        relative_difference([1.0], [1.0j])


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1.0, 1e-9], [1.0, 0.0], True),  # relative to the largest entry
        ([1.0, 1e-7], [1.0, 0.0], False),
        ([1e-9], [0.0], False),
        ([1.0], [[1.0]], False),
        ([], [], True),
        ([math.nan, 1.0], [math.nan, 1.0], True),
        ([math.nan, 1.0], [1.0, 1.0], False),
        ([math.inf, 1.0], [math.inf, 1.0], True),
        ([math.inf, 1.0], [-math.inf, 1.0], False),
        ([math.inf, 1.0], [math.inf, 2.0], False),
    ],
)
def test_agreement(a, b, expected):
    assert agree(np.array(a), np.array(b), tolerance=1e-8) is expected


def test_agreement_above_a_noise_floor():
    assert agree(np.array([1e-9]), np.array([0.0]), tolerance=1e-8, floor=1e-8)
    assert not agree(np.array([1e-7]), np.array([0.0]), tolerance=1e-8, floor=1e-8)
