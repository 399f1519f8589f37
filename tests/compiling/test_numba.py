"""The Numba back end: its functions to the last bits, the text of its kernels, and its cache."""

import os
import subprocess
import sys
import tempfile

import numpy as np
import pytest

import tinygrad_bp as bp

from ..rules.cases import each, trials_of
from ..test_random_programs import search
from .agreement import ENTRIES, check, check_trial, check_trial_of_types, function_of_program
from .test_compiled import arrays_for, network

numba = pytest.importorskip("numba")
pytest.importorskip("scipy")

from tinygrad_bp.compiling import numba_functions  # noqa: E402


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("name", ENTRIES)
def test_the_text_for_every_operation(name):
    each(trials_of(name), lambda trial: check_trial(trial, "numba"))


@pytest.mark.usefixtures("interpreted")
def test_the_text_for_random_programs():
    search(lambda program: check(*function_of_program(program), "numba") and None, 100)


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("name", ENTRIES)
def test_the_text_for_operands_of_other_types(name):
    each(trials_of(name), lambda trial: check_trial_of_types(trial, "numba") and None)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 1e-6)])
@pytest.mark.parametrize("shape", [(2**20,), (2**20, 1), (1024, 1024)])
def test_long_sums_round_little(dtype, tolerance, shape):
    x = np.full(shape, 0.1, dtype)
    found = bp.compile(lambda x: np.sum(x * x), "numba", None)(x)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, np.sum(x * x, dtype=float), rtol=tolerance)


@pytest.mark.usefixtures("interpreted")
def test_a_wrong_text_is_seen(monkeypatch):
    from tinygrad_bp.compiling import numba_kernel

    monkeypatch.setitem(numba_kernel.ENTRY, np.subtract, "({} + {})")
    with pytest.raises(AssertionError):
        check(network, arrays_for(), "numba")


def mixed(W, b, x, scale):
    """Call nearly all that a kernel knows, and what stays NumPy's."""
    z = bp.tanh(x @ W + b)
    z = np.where(z > 0.1, bp.log(z * z + 1.0), bp.sqrt(bp.absolute(z) + scale))
    p = bp.softmax(z.reshape(2, -1, 3).T, axis=-1)
    return (bp.minimum(p, 0.5).sum(axis=(1, 2)) * bp.sin(b)).sum() + z.max() * p.prod(axis=0).mean()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_compiled_kernels(dtype):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=s).astype(dtype) for s in ((5, 3), (3,), (4, 5), ())]
    compiled = check(
        mixed, [*arrays[:3], abs(arrays[3])], "numba", 1e-10 if dtype is np.float64 else 1e-5
    )
    assert compiled.seconds > 0
    assert "is a call of NumPy's" in compiled.explain_passes()


def test_the_worked_problem_and_other_memory_layouts():
    arrays = arrays_for((20, 17, 18, 19), 21)  # large enough for BLAS
    compiled = check(network, arrays, "numba")
    assert "np.dot(" in compiled.source
    turned = [np.asfortranarray(a) for a in arrays]
    read_only = [a.view() for a in arrays]
    for a in read_only:
        a.setflags(write=False)
    for given in (turned, read_only):
        np.testing.assert_allclose(compiled(*given)[1][0], compiled(*arrays)[1][0], rtol=1e-12)


def test_the_worked_problem_is_kernels_alone():
    compiled = check(network, arrays_for((2, 3, 3, 2), 1), "numba")
    assert "is a call of NumPy's" not in compiled.explain_passes()


SCRIPT = """
from time import process_time
import numpy as np
import tinygrad_bp as bp
compiled = bp.compile(lambda W, x: bp.square_sum(bp.sigmoid(W @ x)), "numba")
value, g = compiled(np.ones((20, 30)), np.ones((30, 40)) / 30)
print(float(value), compiled.seconds)
"""


def test_the_next_process_loads_what_was_compiled(folder):
    def run():
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
        )
        value, seconds = done.stdout.split()
        return float(value), float(seconds)

    value, seconds = run()
    files = {path for path in folder.rglob("*") if path.is_file()}
    assert any(path.suffix == ".nbi" for path in files)  # Numba's index
    again, sooner = run()
    assert value == again
    assert files == {path for path in folder.rglob("*") if path.is_file()}
    assert sooner < seconds


@pytest.mark.skipif(os.name != "posix", reason="a path that no folder can have")
def test_without_a_folder_that_can_be_written(monkeypatch, tmp_path):
    monkeypatch.setenv("TINYGRAD_BP_CACHE", "/dev/null/cache")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    compiled = bp.compile(lambda x: (x * x).sum(), "numba")
    for _ in range(2):
        value, g = compiled(np.array([1.0, 2.0]))
        assert (value, g.tolist()) == (5.0, [2.0, 4.0])
        assert list(tmp_path.iterdir()) == []  # what stood there in between is removed


# ---- exp, log and tanh, in units in the last place ----


def ulps(name, x):
    function = getattr(numba_functions, name)

    @numba.njit(error_model="numpy", fastmath={"contract"})
    def over(x, out):
        for i in range(len(x)):
            out[i] = function(x[i])

    found = np.empty_like(x)
    over(x, found)
    with np.errstate(all="ignore"):
        exact = getattr(np, name)(x.astype(np.longdouble))
        expected = exact.astype(float)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(found[~finite], expected[~finite])
    np.testing.assert_array_equal(np.signbit(found[finite]), np.signbit(expected[finite]))
    error = np.abs(found[finite] - exact[finite]) / np.spacing(np.abs(expected[finite]))
    return float(error.max(initial=0.0))


@pytest.mark.parametrize(("name", "most"), [("exp", 1.0), ("log", 1.0), ("tanh", 1.5)])
def test_functions_in_units_in_the_last_place(name, most):
    rng = np.random.default_rng(0)
    any_size = rng.choice([-1.0, 1.0], 200_000) * 2.0 ** rng.uniform(-1074, 1024, 200_000)
    near = rng.uniform(-2.0, 2.0, 200_000)
    large = rng.uniform(-760.0, 720.0, 200_000)
    ends = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 709.78, 709.79, -745.13, -745.14, 5e-324])
    for x in (any_size, near, large, ends, 1.0 + near / 1000):
        assert ulps(name, x) < most


def test_a_less_accurate_function_is_seen(monkeypatch):
    rough = numba.njit(lambda x: np.exp(x) * (1.0 + 1e-15))
    monkeypatch.setattr(numba_functions, "exp", rough)
    assert ulps("exp", np.linspace(0.0, 1.0, 1000)) > 2
