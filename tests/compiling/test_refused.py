"""Entries that the engine refuses: the program refuses them in each call, in the same words."""

import warnings

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.compiling.trace import Symbol

from ..rules.cases import Case, Trial, each
from .agreement import TRIALS
from .test_compiled import BACKENDS


def outcome(function, *args):
    """Return what a function returns, as lists, or what it raises."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            value, slopes = function(*args)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return np.asarray(value).tolist(), np.asarray(slopes).tolist()


Z = np.log([[0.25, 0.5, 0.25], [0.125, 0.125, 0.75]])

#: A function, and arguments after the first that it takes, and that it refuses.
REFUSED = {
    "cross_entropy": (bp.cross_entropy, Z, [0, 2], [[0, 3], [-1, 0], [7, -100]]),
    "of small integers": (bp.cross_entropy, Z, np.uint8([0, 2]), [np.uint8([0, 3])]),
    "axis": (lambda z, k: bp.cross_entropy(z, k, axis=0), Z, [0, 1, 1], [[0, 1, 2]]),
    "ignore_index": (
        lambda z, k: bp.cross_entropy(z, k, ignore_index=-1), Z, [0, -1], [[0, -2], [3, -1]]),
    "label_smoothing": (
        lambda z, k: bp.cross_entropy(z, k, label_smoothing=0.1), Z, [0, 2], [[0, 3]]),
    "probabilities": (
        lambda z, k: bp.cross_entropy(z @ z.T, k), Z, [[0.25, 0.75], [0.5, 0.5]],
        [[[0.25, 0.5], [0.75, 0.5]]]),
    "nll_loss": (bp.nn.nll_loss, Z, [0, 2], [[0, 3], [-1, 0]]),
    "binary_cross_entropy": (
        lambda p, y: bp.nn.binary_cross_entropy(p * 1.0, y), np.array([0.5, 0.25]), [1.0, 0.0],
        []),
    "embedding": (lambda w, k: bp.embedding(w, k).sum(), Z, [0, 1], [[0, 2], [-1, 0]]),
    "take": (lambda w, k: bp.take(w, k).sum(), Z, [0, -6], [[0, 6], [-7, 0]]),
    "take an axis": (lambda w, k: bp.take(w, k, 1).sum(), Z, [0, -3], [[3, 0], [-4, 0]]),
    "an index": (lambda w, k: w[k].sum(), Z, [0, -2], [[0, 2], [-3, 0]]),
    "two indices": (lambda w, k: w[0, k].sum(), Z, [0, -3], [[0, 3], [-4, 0]]),
    "one index": (lambda w, k: w[k].sum(), Z, -2, [2, -3]),
    "of what has no slope": (
        lambda w, k: w.sum() * bp.tensor([0.0, 1.0, 2.0])[k].sum(), Z, [0, 2], [[3, 0]]),
    "take_along_axis": (
        lambda w, k: bp.take_along_axis(w, k, axis=1).sum(), Z, [[0], [-3]],
        [[[0], [3]], [[-4], [0]]]),
    "huber_loss": (
        lambda x, d: bp.nn.huber_loss(x, np.zeros((2, 3)), delta=d), Z, 1.0, [0.0, -1.0, np.nan]),
    "of an integer": (
        lambda x, d: bp.nn.huber_loss(x, np.zeros((2, 3)), delta=d), Z, 2, [0, -1]),
    "powers of integers": (
        lambda x, n: (x.sum() * np.array([2, 3]) ** n).sum(), Z, [1, 1], [[1, -1]]),
    "a singular matrix": (
        lambda x, a: (x @ bp.linalg.inv(a)).sum(), Z, np.eye(3).tolist(), [np.ones((3, 3))]),
}  # fmt: skip


@pytest.fixture(params=BACKENDS)
def backend(request):
    if request.param == "numba":
        request.getfixturevalue("interpreted")
    return request.param


@pytest.mark.parametrize("name", REFUSED)
def test_entries_that_are_refused(name, backend):
    function, x, taken, refused = REFUSED[name]
    compiled, eager = bp.compile(function, backend), bp.value_and_grad(function)
    for given in (taken, *refused, taken):  # the first call writes the program
        given = np.array(given) if isinstance(given, list) else given
        expected = outcome(eager, x, given)
        assert isinstance(expected, str) == any(
            given is r or np.array_equal(given, r) for r in refused
        )
        found = outcome(compiled, x, given)
        if isinstance(expected, str):
            assert found == expected
        else:
            np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)
            np.testing.assert_allclose(found[1], expected[1], rtol=1e-12)
    for given in refused:  # or the first call itself
        given = np.array(given) if isinstance(given, list) else given
        assert outcome(bp.compile(function, backend), x, given) == outcome(eager, x, given)


@pytest.mark.parametrize("name", ["cross_entropy", "embedding", "an index", "a singular matrix"])
def test_a_function_that_catches_what_is_refused(name, backend):
    function, x, taken, refused = REFUSED[name]

    def careful(x, given):
        try:
            return function(x, given)
        except (ValueError, IndexError):
            return (x * x).sum()

    compiled, eager = bp.compile(careful, backend), bp.value_and_grad(careful)
    for given in map(np.array, (taken, *refused, taken)):
        found, expected = outcome(compiled, x, given), outcome(eager, x, given)
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)
        np.testing.assert_allclose(found[1], expected[1], rtol=1e-12, atol=1e-12)


def test_an_error_that_is_caught_in_the_first_call():
    def careful(w, k):
        try:
            return w[k].sum()
        except IndexError:
            return (w * w).sum()

    compiled = bp.compile(careful)
    assert "catches an error" in outcome(compiled, Z, 7)
    assert outcome(compiled, Z, 1) == outcome(bp.value_and_grad(careful), Z, 1)


def test_a_loss_of_probabilities_that_are_computed(backend):
    def loss(x, y):
        return bp.nn.binary_cross_entropy(2.0 * x, y)

    compiled, y = bp.compile(loss, backend), np.array([1.0, 0.0])
    for x in ([0.25, 0.5], [0.25, 0.75], [-0.1, 0.1], [np.nan, 0.5], [0.25, 0.5]):
        found, expected = (outcome(f, np.array(x), y) for f in (compiled, bp.value_and_grad(loss)))
        assert isinstance(expected, str) == (x[1] == 0.75 or x[0] == -0.1)
        if isinstance(expected, str):
            assert found == expected
        else:
            np.testing.assert_allclose(found[1], expected[1])


def indices_in(value):
    """Return the arrays of integers, and the numbers, in operands, with what to put them in."""
    if type(value) in (int, float):
        yield value, lambda number: number
    of_integers = isinstance(value, list) and all(isinstance(item, int) for item in value)
    array = np.array(value) if of_integers else value
    if isinstance(array, np.ndarray) and array.dtype.kind in "iu" and array.size:
        yield array, lambda array: array
    if isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            for found, make in indices_in(item):
                yield (
                    found,
                    lambda new, i=i, make=make: type(value)(
                        make(new) if k == i else old for k, old in enumerate(value)
                    ),
                )


def functions_of_indices(trial):
    """Return an entry as a function of each index, or number, that it is given, and that."""
    for found, make in indices_in([trial.case.operands, [*trial.case.settings.values()]]):

        def function(scale, index, make=make):
            operands, settings = make(index)
            case = Case(tuple(operands), dict(zip(trial.case.settings, settings, strict=True)))
            tensors = [bp.tensor(x) if x is not index and np.ndim(x) else x for x in operands]
            result = Trial(trial.name, case)(*tensors)
            return (result * scale).sum()

        yield function, found


def test_every_entry_that_takes_integers_or_numbers(backend):
    tried, numbers = set(), set()

    def check(trial):
        if backend == "jax" and any(0 in np.shape(x) for x in trial.operands):
            return  # what takes no entry refuses no index there
        for function, index in functions_of_indices(trial):
            if isinstance(outcome(bp.compile(function), 1.0, index), str):  # an axis, for example
                continue
            compiled, eager = bp.compile(function, backend), bp.value_and_grad(function)
            for entry in (1000, -1000, np.ravel(index)[-1]):
                if not isinstance(index, np.ndarray):
                    given = type(index)(entry)
                elif np.can_cast(np.min_scalar_type(entry), index.dtype):
                    given = index.copy()
                    given.flat[0] = entry
                else:
                    continue
                found, expected = outcome(compiled, 1.0, given), outcome(eager, 1.0, given)
                if isinstance(expected, str):
                    assert found == expected
                    tried.add(trial.name)
                else:
                    np.testing.assert_allclose(found[0], expected[0])
                    numbers.update([trial.name] * (type(index) is int))

    each(TRIALS, check)
    assert {"getitem", "take", "take_along_axis", "embedding", "cross_entropy"} <= tried
    assert {"power", "getitem", "embedding", "pad"} <= numbers


def test_a_check_that_is_lost_is_seen(monkeypatch):
    monkeypatch.setattr(Symbol, "refuse", lambda self: None)
    compiled = bp.compile(bp.cross_entropy)
    compiled(Z, np.array([0, 2]))
    assert not isinstance(outcome(compiled, Z, np.array([0, 3])), str)
