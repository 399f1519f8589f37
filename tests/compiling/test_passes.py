"""Each pass: what it leaves out, what it must not touch, and that a program computes the same."""

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.compiling.passes import PASSES
from tinygrad_bp.compiling.passes.buffers import reuse_buffers
from tinygrad_bp.compiling.passes.common import share_common
from tinygrad_bp.compiling.passes.constants import fold_constants
from tinygrad_bp.compiling.passes.dead import drop_dead
from tinygrad_bp.compiling.passes.exact import simplify
from tinygrad_bp.compiling.passes.fuse import fuse
from tinygrad_bp.compiling.passes.lifetimes import Lifetimes, free_memory
from tinygrad_bp.compiling.trace import trace

from ..test_random_programs import search
from .agreement import function_of_program

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


def test_kernels_are_as_few_as_can_be():
    program = traced(lambda x: np.exp(np.sin(x)) + np.exp(np.cos(x)))
    fused = fuse(program, lambda ref, i: i.function in (np.exp, np.add))
    assert calls(fused) == ["sin", "cos", "exp", "exp", "add"]
    assert len(fused.kernels) == 3
    assert len(set(fused.kernels.values())) == 1
    assert sorted(fused.instructions) == list(program.instructions)
    np.testing.assert_array_equal(run(fused), run(program))


def test_what_needs_a_call_in_between_is_another_kernel():
    fused = fuse(traced(lambda x: np.exp(np.sin(np.exp(x)))), lambda ref, i: i.function is np.exp)
    assert len(fused.kernels) == len(set(fused.kernels.values())) == 2
    assert calls(fused) == ["exp", "sin", "exp"]


# ---- Buffers ----


def in_buffers(program, *arrays):
    """Compute a program in the buffers that it names: what is taken too early is written over."""
    values = dict(zip(program.inputs, arrays or [X], strict=True)) | program.constants
    memory = {}
    for ref, i in program.instructions.items():
        result = i.run(values)
        if ref in program.buffers:
            values[ref] = memory.setdefault(program.buffers[ref], np.empty_like(result))
            values[ref][...] = result
        else:
            values[ref] = result
        for x in program.freed.get(ref, ()):
            del values[x]
    return [values[ref] for ref in program.results]


def buffers_of(function):
    program = reuse_buffers(traced(function))
    np.testing.assert_array_equal(in_buffers(program), run(program))
    return list(program.buffers.values())


def test_an_operand_that_is_used_for_the_last_time_is_written_over():
    assert buffers_of(lambda x: np.sqrt(np.exp(np.sin(x))).sum()) == ["b0"] * 3


def test_an_operand_that_is_used_again_is_not():
    assert buffers_of(lambda x: (lambda a: np.exp(a) * np.cos(a) + a)(np.sin(x)).sum()) == [
        *("b0", "b1", "b2", "b1", "b1")
    ]


def test_a_view_keeps_its_buffer():
    def function(x):
        a = np.sin(x)
        turned = a.T
        b = np.exp(x)  # a is not used any more, but turned is
        return (turned @ b).sum()

    assert buffers_of(function)[:2] == ["b0", "b1"]


def test_a_product_is_never_written_over_its_operand():
    first, second, *_ = buffers_of(lambda x: np.exp((x @ x.T) @ np.ones((2, 2))).sum())
    assert first != second


def test_other_shapes_and_dtypes_have_other_buffers():
    assert buffers_of(lambda x: ((x > 0) * x[:, :1]).sum()) == ["b0", "b1"]
    assert len(set(buffers_of(lambda x: (np.exp(x[0]) * np.sin(x)).sum()))) == 2


def test_what_is_returned_is_in_no_buffer():
    def function(x):
        a = np.sin(x)
        return np.exp(a), a.T

    assert buffers_of(lambda x: np.exp(x)) == []
    program = reuse_buffers(trace(lambda given: function(*given), [X], None)[0])
    assert program.buffers == {}


def test_what_is_large_and_has_no_buffer_is_freed(monkeypatch):
    def function(x):
        return np.exp(np.concatenate([x, x]).T).sum()

    assert free_memory(traced(function)).freed == {}
    monkeypatch.setattr("tinygrad_bp.compiling.passes.lifetimes.LARGE", 8)
    program = free_memory(reuse_buffers(traced(function)))
    assert [len(gone) for gone in program.freed.values()] == [2]  # with the view
    np.testing.assert_array_equal(in_buffers(program), run(program))


def test_a_buffer_that_is_taken_too_early_is_seen(monkeypatch):
    monkeypatch.setattr(Lifetimes, "used_by", lambda self, i: frozenset(i.refs()))
    with pytest.raises(AssertionError):
        buffers_of(lambda x: (np.sin(x).T @ np.exp(x) @ np.sin(x).T).sum())


def test_random_programs_lose_no_value():
    def check(drawn):
        function, arrays = function_of_program(drawn)
        program, _ = trace(lambda given: function(*given), arrays, range(len(arrays)))
        found = in_buffers(reuse_buffers(program), *arrays)
        for a, b in zip(found, run(program, *arrays), strict=True):
            np.testing.assert_array_equal(a, b)

    search(check, 50)


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
