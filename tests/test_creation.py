"""Tensors that are made of a shape have the values and types of NumPy's."""

import numpy as np
import pytest

import tinygrad_bp as bp

LIKE = bp.tensor(np.ones((2, 3), np.float32), requires_grad=True)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda **o: bp.zeros(2, 3, **o), np.zeros((2, 3))),
        (lambda **o: bp.zeros((2, 3), **o), np.zeros((2, 3))),
        (lambda **o: bp.zeros([2, 3], **o), np.zeros((2, 3))),
        (lambda **o: bp.zeros(**o), np.zeros(())),
        (lambda **o: bp.zeros((), **o), np.zeros(())),
        (lambda **o: bp.ones(3, **o), np.ones(3)),
        (lambda **o: bp.ones(np.int64(3), **o), np.ones(3)),
        (lambda **o: bp.full((2, 2), 0.5, **o), np.full((2, 2), 0.5)),
        (lambda **o: bp.full(3, 7, **o), np.full(3, 7)),
        (lambda **o: bp.arange(3, **o), np.arange(3)),
        (lambda **o: bp.arange(1, 7, 2, **o), np.arange(1, 7, 2)),
        (lambda **o: bp.arange(0.0, 1.0, 0.25, **o), np.arange(0.0, 1.0, 0.25)),
        (lambda **o: bp.linspace(0, 1, 5, **o), np.linspace(0, 1, 5)),
        (lambda **o: bp.eye(2, **o), np.eye(2)),
        (lambda **o: bp.eye(2, 3, **o), np.eye(2, 3)),
        (lambda **o: bp.zeros_like(LIKE, **o), np.zeros((2, 3), np.float32)),
        (lambda **o: bp.ones_like(LIKE, **o), np.ones((2, 3), np.float32)),
        (lambda **o: bp.full_like(LIKE, 2.5, **o), np.full((2, 3), 2.5, np.float32)),
        (lambda **o: bp.ones_like(np.zeros(2, int), **o), np.ones(2, int)),
    ],
)
def test_values_types_and_options(made, expected):
    t = made()
    assert (t.shape, t.dtype) == (expected.shape, expected.dtype)
    assert np.array_equal(t.data, expected)
    assert not t.requires_grad
    single = made(dtype=np.float32, requires_grad=True, name="w")
    assert (single.dtype, single.requires_grad, single.name) == (np.float32, True, "w")
    assert np.array_equal(single.data, expected.astype(np.float32))


@pytest.mark.parametrize("make", [bp.randn, bp.rand])
def test_random_numbers_come_from_the_generator(make):
    first = make(200, 50, rng=np.random.default_rng(0))
    assert np.array_equal(first.data, make((200, 50), rng=np.random.default_rng(0)).data)
    assert not np.array_equal(make(3).data, make(3).data)
    mean, spread = (0.0, 1.0) if make is bp.randn else (0.5, 12**-0.5)
    assert abs(first.data.mean() - mean) < 0.05
    assert abs(first.data.std() - spread) < 0.05
    assert make(2, rng=np.random.default_rng(0), dtype="float32").dtype == np.float32
    with pytest.raises(TypeError, match="rng is a generator"):
        make(2, rng=0)


def test_random_numbers_like_a_tensor():
    found = bp.randn_like(LIKE, rng=np.random.default_rng(0), name="noise")
    assert (found.shape, found.dtype, found.name) == ((2, 3), np.float32, "noise")
    assert bp.randn_like(np.zeros(2, int)).dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float64, "float32", float, int, bool, np.uint8])
def test_a_dtype_is_chosen(dtype):
    t = bp.tensor([0, 1], dtype=dtype)
    assert t.dtype == np.dtype(dtype)
    assert t.tolist() == [0, 1]


def test_a_dtype_that_carries_no_gradient_becomes_float64():
    assert bp.tensor([1.5], dtype=int, requires_grad=True).tolist() == [1.0]
    assert bp.tensor([1.5], dtype=int, requires_grad=True).dtype == np.float64


def test_what_is_no_dtype_or_no_shape_is_refused():
    with pytest.raises(TypeError, match="floats are float64 or float32 here, not float16"):
        bp.tensor([1.0], dtype=np.float16)
    with pytest.raises(TypeError, match="complex numbers are not supported"):
        bp.zeros(2, dtype=complex)
    with pytest.raises(TypeError, match="a shape is made of integers, not"):
        bp.zeros((2, 3), np.float32)
    with pytest.raises(TypeError, match="a shape is made of integers, not"):
        bp.ones(2.5)
