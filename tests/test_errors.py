"""What errors say, word for word: each names the operation, what it was given, and what to do."""

import copy
import inspect
import pickle

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp import differences as d
from tinygrad_bp import errors
from tinygrad_bp.worked_problem.problem import random_problem

w = bp.tensor([1.0, 2.0], requires_grad=True, name="w")
y = (2.0 * w).named("y")
n = bp.tensor(1.0, name="n")
i = bp.tensor([1, 2], name="i")
cube = bp.tensor(np.ones((2, 2, 2)), name="cube")


def f(v):
    return v


def defaulted(a, b=1.0):
    return a


def keyworded(a, **settings):
    return a


@bp.primitive
def product(a, b, *, axis=0):
    return a * b


# What is done, the type of the error, and its text.
ERRORS = [
    (
        lambda: setattr(y, "data", 1.0),
        ValueError,
        "y with shape (2,) was computed, so its value cannot be replaced: only a leaf takes a new value. Make one with bp.tensor(value).",
    ),
    (
        lambda: setattr(i, "data", [0.5, 1.0]),
        TypeError,
        "i with shape (2,) holds int64, and cannot take float64 without rounding. Make a new one with bp.tensor(value).",
    ),
    (
        lambda: setattr(w, "data", [1.0]),
        ValueError,
        "w with shape (2,) cannot take a value of shape (1,). Make a new one with bp.tensor(value).",
    ),
    (
        lambda: w.item(),
        ValueError,
        "item() needs exactly one entry; w with shape (2,) has 2. Use .data instead.",
    ),
    (
        lambda: setattr(y, "requires_grad", False),
        ValueError,
        "y with shape (2,) was computed, so it needs a gradient if its inputs do. Use t.detach() for a constant of the same value.",
    ),
    (
        lambda: setattr(w, "grad", np.ones(3)),
        ValueError,
        "a gradient of w with shape (2,) must have the same shape, and this one has shape (3,).",
    ),
    (
        lambda: len(n),
        TypeError,
        "n with shape () has no axis, so it has no length. Its array is t.data.",
    ),
    (
        lambda: copy.copy(y),
        TypeError,
        "y with shape (2,) was computed, so it cannot be copied. Use its value, t.data, as for a plot; or t.detach() for a constant.",
    ),
    (
        lambda: pickle.dumps(w * 2.0),
        TypeError,
        "the output of multiply with shape (2,) was computed, and only leaves can be pickled. Save its value, t.data.",
    ),
    (
        lambda: bp.tensor(w),
        TypeError,
        "w with shape (2,) is a Tensor already. Use it as it is, or t.detach() for a constant copy.",
    ),
    (
        lambda: bp.tensor(np.ma.masked_array([1.0])),
        TypeError,
        "a masked array would lose its mask. Use data.filled(value), or np.where.",
    ),
    (
        lambda: bp.tensor(np.ones(2, np.float16)),
        TypeError,
        "floats are float64 or float32 here, not float16. Convert with array.astype(float).",
    ),
    (
        lambda: bp.tensor(1.0, "x"),
        TypeError,
        "requires_grad is True or False, not 'x'.",
    ),
    (
        lambda: bp.primitive(np.exp),
        TypeError,
        "a primitive is made from a Python function, and <ufunc 'exp'> is not one. Write a function that calls it: def f(x): return ...",
    ),
    (
        lambda: bp.primitive(defaulted),
        TypeError,
        "defaulted: an operand has no default, and other arguments are named one by one after the operands, as in def f(a, b, *, axis=0).",
    ),
    (
        lambda: bp.primitive(keyworded),
        TypeError,
        "keyworded: an operand has no default, and other arguments are named one by one after the operands, as in def f(a, b, *, axis=0).",
    ),
    (
        lambda: bp.concatenate([w], 0, 1),
        TypeError,
        "concatenate takes a list of operands and 1 further argument, and was given 3 values.",
    ),
    (
        lambda: product(w, w, 0, 1),
        TypeError,
        "product takes 2 operands and 1 further argument, and was given 4 values.",
    ),
    (
        lambda: product(w),
        TypeError,
        "product needs 2 operands, a and b, and was given 1.",
    ),
    (
        lambda: product(w, w, axes=1),
        TypeError,
        "product has no argument 'axes'. Write axis=.",
    ),
    (
        lambda: bp.grad(np.ones(2), w),
        TypeError,
        "grad differentiates a Tensor, not array([1., 1.]). For a function f, write "
        "bp.value_and_grad(f); a gradient is a Tensor if it was taken with create_graph=True.",
    ),
    (
        lambda: bp.grad(y, np.ones(2), [1.0, 1.0]),
        TypeError,
        "grad takes Tensors to differentiate by, not array([1., 1.]).",
    ),
    (
        lambda: bp.grad(y, n, [1.0, 1.0]),
        ValueError,
        "n with shape () needs no gradient. Make it with requires_grad=True.",
    ),
    (
        lambda: bp.no_grad()(bp.grad)(y, w, [1.0, 1.0], create_graph=True),
        ValueError,
        "create_graph=True records the gradient, and no_grad() turns recording off.",
    ),
    (
        lambda: y.backward([1.0]),
        ValueError,
        "the upstream gradient has shape (1,), and it must have the shape of y with shape (2,).",
    ),
    (
        lambda: d.jacobian_difference(f, np.ones(2, np.float32)),
        TypeError,
        "the point is float32; differences need float64, so convert it with .astype(np.float64)",
    ),
    (
        lambda: d.jacobian_difference(f, np.array([np.nan])),
        ValueError,
        "the point holds NaN or infinity: a difference there means nothing",
    ),
    (
        lambda: d.jacobian_difference(f, np.ones(2), step=0.0),
        ValueError,
        "step must be a positive number, not 0.0",
    ),
    (
        lambda: d.relative_difference([1.0], [1.0, 2.0]),
        ValueError,
        "cannot compare shape (1,) with shape (2,)",
    ),
    (
        lambda: bp.data.one_hot([0, 10], 10),
        ValueError,
        "one_hot: a label must be at least 0 and less than classes = 10, but labels[1] is 10.",
    ),
    (
        lambda: bp.data.one_hot([0.5], 10),
        TypeError,
        "one_hot: labels must be integers, but their dtype is float64; convert whole numbers with labels.astype(int).",
    ),
    (
        lambda: bp.data.split(
            *bp.datasets.digits(), rng=np.random.default_rng(0), test_fraction=1.5
        ),
        ValueError,
        "split: test_fraction = 1.5 of 1797 samples leaves a part empty; choose a fraction between 0 and 1 that puts a sample in each part.",
    ),
    (
        lambda: random_problem((1, 2, 3)),
        ValueError,
        "the problem has four sizes, n0 n1 n2 n3, not 3: (1, 2, 3)",
    ),
    (
        lambda: random_problem((4, 5, 6, 0)),
        ValueError,
        "the size n3 must be at least 1, not 0",
    ),
    (
        lambda: bp.draw(w).save("w.jpg"),
        ValueError,
        "a drawing cannot be saved as 'w.jpg': the name must end in one of .svg, .png, .pdf, .dot.",
    ),
]


@pytest.mark.parametrize(("do", "kind", "text"), ERRORS, ids=[text[:40] for _, _, text in ERRORS])
def test_an_error_says(do, kind, text):
    with pytest.raises(kind) as caught:
        do()
    assert str(caught.value) == text


def test_no_sentence_takes_the_name_of_another():
    lines = inspect.getsource(errors).splitlines()
    names = [line.partition(" = sentence(")[0] for line in lines if " = sentence(" in line]
    assert "in_place" in names
    assert len(names) == len(set(names))
