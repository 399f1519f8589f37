"""Compiled against eager: for a function, the value and the gradients to 1e-10.

Run as a command, it tries every operation of the table and many random programs on a back end:

    python -m tests.compiling.agreement numba 2000
"""

import sys
import warnings

import numpy as np
from hypothesis import Phase

import tinygrad_bp as bp
from tinygrad_bp.table import TABLE

from .. import test_random_programs as random_programs
from ..rules import cases, checks

#: All but lstsq, whose results depend on a rank that is not known while a function is compiled.
ENTRIES = [name for name in TABLE if name != "lstsq"]
TRIALS = [trial for name in ENTRIES for trial in cases.trials_of(name)]


def function_of_trial(trial):
    """Return a function of the arrays that an entry of the table is differentiated by; and them."""
    operands, at = trial.operands, checks.moving(trial.operands)
    weights = checks.upstream(trial, operands)

    def function(*arrays):
        given = list(operands)
        for i, array in zip(at, arrays, strict=True):
            given[i] = array
        return bp.sum(trial(*given) * weights)

    return function, [operands[i] for i in at]


def function_of_program(program):
    def function(*leaves):
        left = iter(leaves)
        return program.run(TABLE, lambda _: next(left), lambda array: array)

    return function, program.leaves()


def check(function, arrays, backend="numpy", tolerance=1e-10):
    """Call the compiled function twice: what it returned first must stay as it was."""
    every = range(len(arrays))
    expected = flat(bp.value_and_grad(function, every)(*arrays))
    compiled = bp.compile(function, backend, every)
    first = flat(compiled(*arrays))
    kept = [np.array(array) for array in first]
    second = flat(compiled(*arrays))
    for found in (first, second):
        checks.agree(found, expected, tolerance, f"{backend} and eager")
        assert [a.dtype for a in found] == [a.dtype for a in expected]
    for array, copy in zip(first, kept, strict=True):
        np.testing.assert_array_equal(array, copy)
    own = [*first, *second]
    for i, array in enumerate(own):
        assert not any(np.shares_memory(array, other) for other in [*own[:i], *arrays])
    return compiled


#: What an operand of floats is given as, too: by its place among them.
OF_OTHER_TYPES = {
    "float32": lambda x, place: x.astype(np.float32),
    "float32 first": lambda x, place: x.astype(np.float32) if place == 0 else x,
    "float32 later": lambda x, place: x.astype(np.float32) if place else x,
    "int64": lambda x, place: np.rint(4 * x).astype(np.int64),
    "int64 first": lambda x, place: np.rint(4 * x).astype(np.int64) if place == 0 else x,
    "int32": lambda x, place: np.rint(4 * x).astype(np.int32),
    "int32, float32": lambda x, place: np.rint(4 * x).astype(np.float32 if place else np.int32),
    "bool": lambda x, place: x > 0,
    "bool, float32": lambda x, place: x.astype(np.float32) if place else x > 0,
    "int": lambda x, place: round(x.flat[0] * 4) if place else x.astype(np.float32),
    "float": lambda x, place: float(x.flat[0]) if place else x.astype(np.float32),
    "float first": lambda x, place: x.astype(np.float32) if place else float(x.flat[0]),
}


def check_types(function, arrays, types, backend="numpy"):
    """Compare values and dtypes for operands of other types, where eager takes them."""
    try:
        given = [OF_OTHER_TYPES[types](x, place) for place, x in enumerate(arrays)]
        with np.errstate(all="raise"):  # of infinite values, and integers that overflow
            expected = np.asarray(function(*given))
    except (TypeError, ValueError, ArithmeticError, LookupError, np.linalg.LinAlgError):
        return False
    if not np.isfinite(expected).all() or not any(isinstance(x, np.ndarray) for x in given):
        return False
    found = bp.compile(function, backend, wrt=None)(*given)
    single = any(np.result_type(x) == np.float32 for x in (*given, expected))
    tolerance = 1e-4 if single else 1e-10
    assert np.asarray(found).dtype == expected.dtype, f"{np.asarray(found).dtype} {expected.dtype}"
    checks.agree([found], [expected], tolerance, f"{backend} and eager for {types}")
    return True


def check_trial_of_types(trial, backend="numpy", kinds=OF_OTHER_TYPES):
    """Try an entry on operands of other types, and return how many it takes."""
    at = checks.moving(trial.operands)

    def function(*arrays):
        given = list(trial.operands)
        for i, array in zip(at, arrays, strict=True):
            given[i] = array
        return trial(*given)

    arrays = [trial.operands[i] for i in at]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sum(check_types(function, arrays, types, backend) for types in kinds)


def check_program_of_types(program, backend="numpy"):
    """Try a random program on leaves of other types."""

    def function(*leaves):
        left = iter(leaves)
        return program.run(TABLE, lambda _: next(left), lambda array: array)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for types in OF_OTHER_TYPES:
            check_types(function, program.leaves(), types, backend)


def check_trial(trial, backend="numpy"):
    function, arrays = function_of_trial(trial)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of infinite slopes at corners
        if arrays:
            check(function, arrays, backend)


def flat(result):
    value, gradients = result
    return [np.asarray(array) for array in (value, *gradients)]


def main(backend, examples):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of infinite slopes at corners
        cases.each(TRIALS, lambda trial: check_trial(trial, backend))
        cases.each(TRIALS, lambda trial: check_trial_of_types(trial, backend) and None)
        print(f"{len(TRIALS)} cases of the table agree")

        def agrees(program):
            check(*function_of_program(program), backend)
            check_program_of_types(program, backend)

        random_programs.search(agrees, int(examples), [Phase.generate])
        print(f"{examples} random programs agree")


if __name__ == "__main__":
    main(*sys.argv[1:])
