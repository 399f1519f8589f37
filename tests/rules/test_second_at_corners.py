"""Second derivatives where entries are 0 or equal: never a number that no neighbour comes near.

A rule may choose a slope where a function has a corner. The derivative of that choice is no second
derivative: it must lie between those of the points beside it, or be no number at all.
"""

import warnings

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.table import TABLE

from ..sweeps import sample
from . import checks
from .cases import Trial, case, trials_of

#: How far to the points beside, and how much larger the nearer ones are where there is no bound.
FAR, NEAR, UNBOUNDED = 1e-3, 1e-5, 20.0

#: How NumPy refuses matrices of equal entries.
NO_INVERSE = ("(Singular matrix)", "(Matrix is not positive definite)")

#: Entries with fewer results at such a point than beside it: lstsq has no residuals there. It is
#: composed of entries that are tried.
CHANGING = {"lstsq"}


def second(f, operands, g, v):
    """Return the derivatives of ``sum(v * gradients)`` by all operands, flat."""
    mixed, inputs = checks.leaves(operands)
    first = bp.grad(f(*mixed), inputs, gradient=g, create_graph=True)
    total = sum((a * b).sum() for a, b in zip(first, v, strict=True))
    found = (
        bp.grad(total, inputs, allow_unused=True)
        if total.requires_grad
        else [np.zeros(x.shape) for x in inputs]
    )
    return np.concatenate([np.ravel(x) for x in found])


def beside(f, operands, g, v, distance):
    """Return the second derivatives at points beside."""
    rng, at = np.random.default_rng(0), checks.moving(operands)

    def moved(x):
        return np.asarray(x + distance * rng.uniform(0.5, 1.5, x.shape) * rng.choice([-1, 1]))

    points = [[moved(x) if i in at else x for i, x in enumerate(operands)] for _ in range(8)]
    return np.array([second(f, point, g, v) for point in points])


def check_honest(f, operands):
    """A second derivative is not finite, or no further off than those beside it."""
    g, v = checks.upstream(f, operands), checks.directions(operands)
    here = second(f, operands, g, v)
    far, near = (beside(f, operands, g, v, distance) for distance in (FAR, NEAR))
    low, high = np.nanmin(near, axis=0), np.nanmax(near, axis=0)
    rest = 1e-2 * (1.0 + np.abs(low) + np.abs(high))
    grows = np.nanmax(np.abs(near), axis=0) > UNBOUNDED * (1.0 + np.nanmax(np.abs(far), axis=0))
    wrong = np.isfinite(here) & (grows | (here < low - rest) | (here > high + rest))
    assert not wrong.any(), f"{here[wrong]}, and beside it {low[wrong]} to {high[wrong]}"


def corners_of(name):
    """Give trials of an entry, with equal numbers for all its operands."""
    for trial in sample(trials_of(name)[:8], 6):
        at = checks.moving(trial.operands)
        if not at or any(trial.operands[i].size == 0 for i in at):
            continue
        for number in (0.0, 1.0, -1.0):
            yield (
                trial,
                [np.full_like(x, number) if i in at else x for i, x in enumerate(trial.operands)],
            )


@pytest.mark.sweep
@pytest.mark.parametrize("name", sorted(TABLE.keys() - CHANGING))
def test_no_second_derivative_is_a_number_that_is_nowhere_near(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for trial, operands in corners_of(name):
            try:
                trial(*operands)
                check_honest(trial, operands)
            except ValueError as error:
                if not str(error).endswith(NO_INVERSE):
                    raise


@pytest.mark.parametrize(("name", "number"), [("euclidean_norm", 0.0), ("std", 1.0)])
def test_a_rule_that_makes_all_derivatives_zero_is_rejected(monkeypatch, name, number):
    def of_scale(out, a, *, axis, keepdims, **settings):
        scale = np.where(out == 0, np.inf, out)
        return lambda g: g * (a - number) / scale

    monkeypatch.setattr(TABLE[name], "rule", of_scale)
    trial = Trial(name, case((3,)))
    with pytest.raises(AssertionError, match="beside it"):
        check_honest(trial, [np.full(3, number)])


def test_the_slope_by_an_exponent_has_no_slope_at_a_base_of_zero():
    a, n = bp.tensor(0.0, True), bp.tensor(1.0, True)
    by_exponent = bp.grad(a**n, n, create_graph=True)
    assert by_exponent.item() == 0.0
    with pytest.warns(RuntimeWarning, match="divide by zero|invalid"):
        assert np.isnan(bp.grad(by_exponent, a))  # 1 + log a


@pytest.mark.parametrize("f", [bp.norm, bp.std])
def test_the_derivative_along_a_direction_is_that_of_the_chosen_slope(f):
    with np.errstate(invalid="ignore"):  # the second derivative is met on the way
        _, along = bp.jvp(f, np.ones(3) if f is bp.std else np.zeros(3), np.array([1.0, 2.0, 3.0]))
    assert along == 0.0
