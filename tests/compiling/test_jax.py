"""The JAX back end: it agrees, and what JAX cannot trace is called back."""

import warnings

import numpy as np
import pytest

import tinygrad_bp as bp

from ..test_random_programs import search
from .agreement import TRIALS, check, function_of_program, function_of_trial
from .test_compiled import arrays_for, network

jax = pytest.importorskip("jax")

#: The first case of each operation: compiling all takes minutes (see agreement.py).
FIRST = list({trial.name: trial for trial in reversed(TRIALS)}.values())


@pytest.mark.parametrize("trial", FIRST, ids=str)
def test_every_operation(trial):
    function, arrays = function_of_trial(trial)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of infinite slopes at corners
        if arrays:
            check(function, arrays, "jax")


@pytest.mark.parametrize("dtype", [bool, np.int32, np.int64])
@pytest.mark.parametrize(
    "function",
    [np.exp, np.mean, np.sqrt, lambda n: n / 3, lambda n: n * np.ones(4, np.float32), bp.sigmoid],
)
def test_integers_and_booleans_become_float64(function, dtype):
    n = np.array([0, 1, 3, 16_777_217]).astype(dtype)
    found, expected = bp.compile(function, "jax", None)(n % 7), np.asarray(function(n % 7))
    assert found.dtype == expected.dtype
    tolerance = 1e-2 if found.dtype == np.float16 else 1e-14
    np.testing.assert_allclose(found, expected, rtol=tolerance)


def test_random_programs():
    search(lambda program: check(*function_of_program(program), "jax") and None, 20)


def test_arrays_of_jax_and_float32():
    arrays = [a.astype(np.float32) for a in arrays_for()]
    compiled = check(network, arrays, "jax", 1e-5)
    _, g = compiled(*map(jax.numpy.asarray, arrays))
    assert isinstance(g[0], jax.Array)
    assert g[0].dtype == np.float32
    assert len(compiled.versions) == 1


def test_the_users_own_precision_stays():
    before = jax.config.jax_enable_x64
    bp.compile(network, "jax")(*arrays_for())
    assert jax.config.jax_enable_x64 == before


def test_what_is_called_back_is_said():
    compiled = bp.compile(lambda x: bp.erf(x).sum(), "jax")
    compiled(np.ones(3))
    assert "erf(v0) is NumPy's, called back" in compiled.explain_passes()
