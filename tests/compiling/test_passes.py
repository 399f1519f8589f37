"""Each pass: what it leaves out, what it must not touch, and that a program computes the same."""

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.compiling.passes import PASSES
from tinygrad_bp.compiling.passes.common import share_common
from tinygrad_bp.compiling.passes.constants import fold_constants
from tinygrad_bp.compiling.passes.dead import drop_dead
from tinygrad_bp.compiling.passes.exact import simplify
from tinygrad_bp.compiling.passes.fuse import group
from tinygrad_bp.compiling.trace import trace

X = np.array([[1.0, -2.0, 0.5], [3.0, -0.0, 0.0]])


def traced(function, *arrays):
    """Return the program of a function alone."""
    return trace(lambda given: function(*given), arrays or [X], None)[0]


def run(program, *arrays):
    """Compute what a program says, one instruction after the other."""
    values = dict(zip(program.inputs, arrays or [X], strict=True)) | program.constants
    for ref, instruction in program.instructions.items():
        values[ref] = instruction.run(values)
    return [values[ref] for ref in program.results]


def calls(program):
    return [instruction.function.__name__ for instruction in program.instructions.values()]


def after(apply, function):
    """Return the calls that are left after a pass, which must not change a bit."""
    before = traced(function)
    program = apply(before)
    for a, b in zip(run(before), run(program), strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    return calls(program)


def test_constants_are_folded():
    table = np.arange(3.0)
    assert after(fold_constants, lambda x: x * np.exp(bp.tensor(table)).sum()) == ["multiply"]


def test_large_constants_are_not(monkeypatch):
    program = trace(lambda given: given[0].mean(), [X], [0])[0]  # of 1, 1 / 6 and its copies
    assert calls(fold_constants(program)) == ["mean"]
    monkeypatch.setattr("tinygrad_bp.compiling.passes.constants.LARGEST", 8)
    assert calls(fold_constants(program)) == ["mean", "broadcast_to"]


def test_equal_calls_are_made_once():
    assert after(share_common, lambda x: np.exp(x) * np.exp(x)) == ["exp", "multiply"]
    assert after(share_common, lambda x: x[:, 0] + x[:, 0]) == ["getitem", "add"]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.sum(axis=0).sum() + x.sum(axis=1).sum(),
        lambda x: x[:, 0].sum() + x[:, 1].sum(),
        lambda x: np.copysign(x, 0.0) + np.copysign(x, -0.0),
    ],
    ids=["axis", "index", "sign of 0"],
)
def test_different_calls_are_not_shared(function):
    assert after(share_common, function) == calls(traced(function))


def test_dead_code_is_dropped():
    def unused(x):
        np.exp(x) + np.sin(x)
        return x + 1.0

    assert after(drop_dead, unused) == ["add"]


EXACT = {
    "x * 1": (lambda x: x * 1.0, []),
    "1 * x": (lambda x: 1.0 * x, []),
    "x / 1": (lambda x: x / 1, []),
    "x - 0": (lambda x: x - 0.0, []),
    "x ** 2": (lambda x: x**2, ["square"]),
    "the same shape": (lambda x: np.reshape(np.ravel(x), (6,)), ["ravel"]),
}


@pytest.mark.parametrize("name", EXACT)
def test_what_is_exact_is_simplified(name):
    function, left = EXACT[name]
    assert after(simplify, function) == left


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x + 0.0,  # makes 0 of -0
        lambda x: x - (-0.0),
        lambda x: (x * 3.0) * 0.1,
        lambda x: x / 3.0,
        lambda x: np.square(x) - x * x,
        lambda x: np.multiply(x.astype(np.float32), np.ones((), np.float64)),  # becomes float64
        lambda x: x[0] * np.ones((2, 1)),  # another shape
        lambda x: np.power(x, 3.0),
        lambda x: (x > 0) ** 2.0,  # of booleans and integers, a float
        lambda x: (x.astype(int) + 3) ** -1.0,
        lambda x: (x.astype(int) + 3) ** 0.5,
        lambda x: x.astype(np.float32) ** np.float64(2),
        lambda x: np.max(x, where=x > 5, initial=-np.inf),  # of no entry
    ],
    ids=range(13),
)
def test_what_is_not_exact_stays(function):
    assert after(simplify, function) == calls(traced(function))


def test_groups_are_as_few_as_can_be():
    program = traced(lambda x: np.exp(np.sin(x)) + np.exp(np.cos(x)))
    groups = group(program, lambda ref, i: i.function in (np.exp, np.add))
    assert [(g.is_kernel, len(g.refs)) for g in groups] == [(False, 2), (True, 3)]
    assert sorted(ref for g in groups for ref in g.refs) == list(program.instructions)


def test_all_passes_compute_the_same():
    def loss(x):
        return bp.cross_entropy(bp.sigmoid(x @ x.T) / 1.0, [0, 1]) * 1.0

    before, _ = trace(lambda given: loss(*given), [X], [0])
    program = before
    for apply in PASSES:
        program = apply(program)
    assert len(program.instructions) < len(before.instructions)
    for a, b in zip(run(before), run(program), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("function", "start"), [(np.max, -np.inf), (np.min, np.inf)])
def test_a_start_that_changes_nothing_is_dropped(function, start):
    def settings(x, initial):
        program = simplify(traced(lambda x: function(x, axis=0, initial=initial), x))
        return [name for i in program.instructions.values() for name, _ in i.settings]

    assert settings(X, start) == ["axis"]
    assert settings(X, -start) == settings(X, 0.0) == settings(X[:0], start) == ["axis", "initial"]
