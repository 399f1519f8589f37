"""Ways in which a gradient could go wrong without a word, and does not.

Each was found by looking for it: what is shared, changed later, or lost on the way.
"""

import array
import threading
from collections import deque

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.record import Edge, Record


def leaf(value, name=None):
    return bp.tensor(value, requires_grad=True, name=name)


def test_a_derivative_keeps_the_tensors_that_a_function_closes_over():
    w = leaf(3.0)
    _, slope = bp.value_and_grad(lambda x: w * x * x)(2.0)  # 2 w x = 12
    (slope * w).backward()  # 2 w^2 x
    assert w.grad == 24.0


@pytest.mark.parametrize("derivative", [bp.jacobian, bp.hessian], ids=["jacobian", "hessian"])
def test_so_do_the_derivatives_of_higher_rank(derivative):
    w = leaf(3.0)
    derivative(lambda x: (w * x * x).sum())(np.array([2.0])).sum().backward()
    assert w.grad == {bp.jacobian: 4.0, bp.hessian: 2.0}[derivative]


def test_without_such_tensors_a_derivative_is_an_array():
    constant = bp.tensor(3.0)
    assert isinstance(bp.value_and_grad(lambda x: constant * x)(2.0)[1], np.ndarray)


def test_threads_add_to_the_same_leaf():
    x = leaf(np.ones(1000))

    def work():
        for _ in range(100):
            (x * 1.0).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (x.grad == 400.0).all()


@pytest.mark.parametrize(
    "make",
    [lambda key: array.array("q", key), deque, list, np.array],
    ids=["array.array", "deque", "list", "ndarray"],
)
def test_an_index_that_changes_later(make):
    key = make([0, 1])
    x = leaf([5.0, 6.0, 7.0])
    y = (x[key] * np.array([1.0, 10.0])).sum()
    key[0] = 2
    y.backward()
    assert x.grad.tolist() == [1.0, 10.0, 0.0]


def test_repeats_that_change_later():
    repeats = array.array("q", [1, 2])
    x = leaf([5.0, 6.0])
    y = (bp.repeat(x, repeats=repeats) * np.array([1.0, 10.0, 100.0])).sum()
    repeats[0], repeats[1] = 2, 1
    y.backward()
    assert x.grad.tolist() == [1.0, 110.0]


@pytest.mark.parametrize("part", [(), slice(None)])
def test_a_rule_that_writes_both_contributions_into_one_buffer(part):
    buffer = np.empty(2)

    @bp.primitive
    def product(a, b):
        return a * b

    @product.backward
    def _(out, a, b):
        return (
            lambda g: np.multiply(g, b, out=buffer)[part],
            lambda g: np.multiply(g, a, out=buffer)[part],
        )

    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    product(a, b).sum().backward()
    assert a.grad.tolist() == b.data.tolist()
    assert b.grad.tolist() == a.data.tolist()
    assert buffer.flags.writeable
    given = Record(product(a, b).sum()).contributions
    assert given[Edge(2, 0)].tolist() == b.data.tolist()
    assert given[Edge(2, 1)].tolist() == a.data.tolist()


@pytest.mark.parametrize("reading", [bp.Tensor.backward, bp.explain, bp.derive])
def test_a_rule_that_gives_a_python_number_is_refused(reading):
    @bp.primitive
    def double(x):
        return 2 * x

    double.backward(lambda out, x: lambda g: 2.0)
    with pytest.raises(TypeError, match=r"gave 2\.0 for x .* A closure must return an array"):
        reading(double(leaf(3.0, "x")))


def test_a_forward_function_that_returns_a_buffer_of_its_own():
    buffer = np.zeros(2)
    view = buffer[:]

    @bp.primitive
    def buffered(x):
        buffer[:] = 2 * x
        return buffer

    y = buffered(bp.tensor([1.0, 2.0]))
    view[:] = 99.0
    assert y.data.tolist() == [2.0, 4.0]


def test_a_masked_array_is_refused():
    masked = np.ma.masked_array([1.0, 2.0], mask=[False, True])
    text = "a masked array would lose its mask"
    with pytest.raises(TypeError, match=text):
        bp.tensor(masked)
    with pytest.raises(TypeError, match=text):
        bp.tensor([1.0, 2.0]) * masked


def test_a_gradient_of_another_shape_is_refused():
    x = leaf([1.0, 2.0, 3.0], "x")
    with pytest.raises(ValueError, match="a gradient of x with shape"):
        x.grad = np.ones((3, 3))


def test_a_complex_contribution_is_refused():
    @bp.primitive
    def turned(x):
        return x * 1.0

    @turned.backward
    def _(out, x):
        return lambda g: g * 1j

    with pytest.raises(TypeError, match="a backward rule gave complex numbers for x"):
        turned(leaf(1.0, "x")).backward()


def test_a_name_in_the_place_of_requires_grad_is_refused():
    with pytest.raises(TypeError, match="requires_grad is True or False, not 'x'"):
        bp.tensor(1.0, "x")


def test_contributions_that_overflow_when_they_are_added_up():
    x = leaf([1.0], "x")
    with bp.detect_anomaly(), pytest.raises(FloatingPointError) as caught:
        (x + x).backward([1.7e308])
    assert str(caught.value) == "adding up the contributions to x with shape (1,) made inf."


def test_an_index_out_of_range_is_an_index_error():
    with pytest.raises(IndexError, match="getitem failed"):
        bp.tensor([1.0, 2.0])[5]
