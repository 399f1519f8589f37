"""How much memory an operation takes at its peak: NumPy tells tracemalloc of every array."""

import tracemalloc

import numpy as np
import pytest

import tinygrad_bp as bp


def peak(run):
    run()  # what is made once
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = run()
        return tracemalloc.get_traced_memory()[1] - before, result
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [3, 5, 7])
def test_a_convolution_takes_at_most_ten_times_its_input(size):
    x = np.random.default_rng(0).normal(size=(16, 8, 32, 32))
    w = np.ones((8, 8, size, size))
    taken, _ = peak(lambda: bp.conv2d(x, w))
    assert x.nbytes < taken <= 10 * x.nbytes
    inputs = [bp.tensor(a, requires_grad=True) for a in (x, w)]
    out = bp.conv2d(*inputs)
    g = np.ones(out.shape)
    for operand in inputs:  # the gradient beside what it is computed from
        taken, _ = peak(lambda operand=operand: bp.grad(out, operand, g))
        assert taken <= 11 * x.nbytes


def test_parts_of_a_batch_give_what_the_whole_gives(monkeypatch):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(5, 4, 9, 8)), rng.normal(size=(6, 2, 5, 3))

    def loss(x, w):
        return (bp.conv2d(x, w, stride=2, padding=(1, 2), groups=2) ** 2).sum()

    value, slopes = bp.value_and_grad(loss, (0, 1))(x, w)
    monkeypatch.setattr("tinygrad_bp.rules.models.SMALL", 0)
    again, of_parts = bp.value_and_grad(loss, (0, 1))(x, w)
    np.testing.assert_allclose(again, value, rtol=1e-12)
    for a, b in zip(of_parts, slopes, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_a_reading_has_no_parts(monkeypatch):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(4, 2, 8, 8)), rng.normal(size=(3, 2, 5, 5))

    def readings():
        loss = bp.conv2d(*(bp.tensor(a, requires_grad=True) for a in (x, w))).sum()
        compiled = bp.compile(lambda w: bp.conv2d(x, w).sum())
        compiled(w)
        source = str(bp.source(loss)).partition("def loss_and_gradients")[2]
        return str(bp.derive(loss)), str(bp.explain(loss)), source, compiled.source

    monkeypatch.setattr("tinygrad_bp.rules.models.SMALL", np.inf)
    whole = readings()
    monkeypatch.setattr("tinygrad_bp.rules.models.SMALL", 0)
    assert readings() == whole
