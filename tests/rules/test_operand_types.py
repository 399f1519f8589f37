"""Integers, booleans, half precision and Python numbers as operands, over the whole table.

What NumPy computes of integers as integers is computed so here; everything else is computed in
float64, and has the very value that it has of the same numbers as float64.
"""

import functools
import warnings

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.table import TABLE

from ..sweeps import every
from . import checks
from .cases import trials_of
from .test_table import witness

TYPES = [np.bool_, np.int8, np.uint8, np.int16, np.uint16, np.int64]
PUBLIC = [name for name in TABLE if hasattr(bp, name)]

#: Roundings of float64, where floats are added up and integers are not.
SAME = 1e-14


def domain_of(trial):
    return getattr(TABLE[trial.name], "domain", (-2.0, 2.0))


def whole(operand, dtype, domain):
    """Return whole numbers of a type, within a domain, in the place of an array of floats."""
    low, high = (0, 1) if dtype == np.bool_ else domain
    if np.dtype(dtype).kind == "u":
        low = max(low, 0)
    numbers = np.arange(np.ceil(low), np.floor(high) + 1)
    return np.resize(numbers, operand.shape).astype(dtype)


def in_place_of(trial, change):
    """Return a trial's operands, with its arrays of floats changed."""
    at = checks.moving(trial.operands)
    return [change(x) if i in at else x for i, x in enumerate(trial.operands)]


def outcome(f, *operands):
    """Return what a function returns, or the error with which it refuses the operands."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return np.asarray(f(*operands))
        except (TypeError, ValueError, IndexError, OverflowError) as error:
            return error


def refused(trial, found):
    """Say whether an outcome is a refusal, and see that it names the operation."""
    if not isinstance(found, Exception):
        return False
    assert str(found).startswith(trial.name), f"{trial}: {found}"
    return True


def agree(found, right, trial):
    np.testing.assert_allclose(found, right, rtol=SAME, atol=SAME, err_msg=str(trial))


@pytest.mark.parametrize("dtype", TYPES)
@every("name", PUBLIC)
def test_whole_numbers_give_what_numpy_gives_or_what_they_give_as_floats(name, dtype):
    for trial in trials_of(name):
        operands = in_place_of(trial, lambda x: whole(x, dtype, domain_of(trial)))  # noqa: B023
        found = outcome(trial, *operands)
        numpys = getattr(np, name, None)
        plain = functools.partial(trial.applied, numpys or witness(name))
        expected = outcome(plain, *operands)
        if refused(trial, found):
            assert numpys is None or isinstance(expected, Exception), trial
            continue
        in_float64 = iter(
            whole(x, dtype, domain_of(trial)).astype(float)
            for x in trial.operands
            if isinstance(x, np.ndarray) and x.dtype.kind == "f"
        )
        right = outcome(trial, *in_place_of(trial, lambda x: next(in_float64)))  # noqa: B023
        if found.dtype.kind == "f":
            settings = trial.case.settings.values()
            single = np.float32 in [getattr(value, "dtype", None) for value in settings]
            assert found.dtype == np.float64 or single, trial
            np.testing.assert_allclose(found, right, 1e-6 if single else SAME, SAME, str(trial))
        elif numpys is not None and not isinstance(expected, Exception):  # the same integers
            np.testing.assert_array_equal(found, expected, str(trial))
            assert found.dtype.kind == expected.dtype.kind
        else:
            agree(found, right, trial)


@pytest.mark.parametrize("dtype", TYPES)
@every("name", TABLE)
def test_a_gradient_beside_whole_numbers_is_that_beside_floats(name, dtype):
    for trial in trials_of(name):
        at = checks.moving(trial.operands)
        for moving in at if len(at) > 1 else []:
            operands = in_place_of(trial, lambda x: whole(x, dtype, domain_of(trial)))  # noqa: B023
            floats = [x.astype(float) if i in at else x for i, x in enumerate(operands)]
            leaf = bp.tensor(trial.operands[moving], requires_grad=True)
            operands[moving] = floats[moving] = leaf
            arrays = checks.replaced(operands, moving, trial.operands[moving])
            if refused(trial, outcome(trial, *arrays)):
                continue  # class numbers have another shape than probabilities
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                out, right = trial(*operands), trial(*floats)
                if out.dtype.kind != "f":  # no gradient flows to a condition
                    continue
                g = checks.noise(out.shape)
                found = bp.grad(out, leaf, gradient=g)
                agree(found, bp.grad(right, leaf, gradient=g), trial)


@every("name", TABLE)
def test_a_python_number_is_an_operand_like_an_array_of_it(name):
    for trial in trials_of(name):
        low, high = domain_of(trial)
        numbers = [x for x in (0.75 * high, int(high), True) if low <= x <= high]
        at = checks.moving(trial.operands)
        for i, number in [(i, number) for i in at for number in numbers]:
            operands = checks.replaced(trial.operands, i, number)
            found = outcome(trial, *operands)
            right = outcome(trial, *checks.replaced(trial.operands, i, np.array(number)))
            if refused(trial, found):
                assert isinstance(right, Exception), f"{trial} at {number}"
                continue
            agree(found, right, trial)
            leaves, inputs = checks.leaves(operands)
            if inputs:
                g = checks.noise(found.shape)
                found = bp.grad(trial(*leaves), inputs, gradient=g)
                leaves[i] = np.array(float(number))
                right = bp.grad(trial(*leaves), inputs, gradient=g)
                for a, b in zip(found, right, strict=True):
                    agree(a, b, trial)


@every("name", PUBLIC)
def test_half_precision_alone_is_near_to_double_precision(name):
    for trial in trials_of(name):
        half = in_place_of(trial, lambda x: x.astype(np.float16))
        found = outcome(trial, *half)
        if not refused(trial, found):
            double = in_place_of(trial, lambda x: x.astype(np.float16).astype(float))
            np.testing.assert_allclose(found, trial(*double), rtol=0.03, atol=0.03)


def test_integers_are_not_squared_in_their_own_type():
    a = np.array([200, 100, 50], np.uint8)
    assert bp.norm(bp.tensor(a)).item() == np.linalg.norm(a) == pytest.approx(229.128, abs=1e-3)
    assert bp.square_sum(a) == 52_500.0


def test_unsigned_numbers_do_not_wrap_around_below_zero():
    a = np.array([200, 100, 50], np.uint8)
    assert bp.softmax(a).tolist() == [1.0, bp.softmax(a * 1.0)[1], bp.softmax(a * 1.0)[2]]
    assert bp.log_softmax(a).tolist() == [0.0, -100.0, -150.0]
    assert bp.logsumexp(a) == 200.0
    assert bp.log_sigmoid(np.uint8(3)) == bp.log_sigmoid(3.0)
    assert bp.gelu(a).tolist() == [200.0, 100.0, 50.0]


def test_functions_of_bytes_are_computed_in_float64():
    image, w = bp.tensor(np.array([0, 100, 200], np.uint8)), bp.tensor(np.ones(3), True)
    assert bp.grad((w * np.sqrt(image)).sum(), w).tolist() == np.sqrt([0.0, 100.0, 200.0]).tolist()
