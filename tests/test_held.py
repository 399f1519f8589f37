"""What a leaf holds: updates in place work on the leaf alone, and all else is as with NumPy."""

import copy
import io
import operator
import pickle

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.held import HeldArray

from .sweeps import every

UPDATES = {
    "+=": operator.iadd,
    "-=": operator.isub,
    "*=": operator.imul,
    "/=": operator.itruediv,
    "//=": operator.ifloordiv,
    "%=": operator.imod,
    "**=": operator.ipow,
}


def leaf(value=(1.0, 2.0), name="w"):
    return bp.tensor(np.asarray(value), requires_grad=True, name=name)


def message(error, call):
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


# Updates


def test_a_step_of_gradient_descent_in_place():
    w = leaf()
    old = bp.square_sum(w)
    old.backward()
    w.data -= 0.1 * w.grad
    assert w.data.tolist() == [0.8, 1.6]
    assert w.primitive is None
    assert w.requires_grad
    w.zero_grad()
    old.backward()  # of the loss as it was computed
    assert w.grad.tolist() == [2.0, 4.0]
    w.zero_grad()
    bp.square_sum(w).backward()
    assert w.grad.tolist() == [1.6, 3.2]


def test_an_old_graph_keeps_its_values_in_second_derivatives_too():
    w = leaf(2.0)
    loss = w * w * w
    w.data *= 100.0
    slope = bp.grad(loss, w, create_graph=True)
    assert (float(slope), float(bp.grad(slope, w))) == (12.0, 12.0)


@pytest.mark.parametrize(
    "value", [[3.0, 5.0], 3.0, [[3.0], [5.0]], np.array([3.0, 5.0], np.float32)]
)
@pytest.mark.parametrize("symbol", UPDATES)
def test_every_operator_does_what_it_does_to_an_array(symbol, value):
    update, w, expected = UPDATES[symbol], leaf(value), np.array(value)
    for other in (2.0, 3, np.full(np.shape(value), 2.0)):
        expected = update(expected, other)
        w.data = update(w.data, other)  # as Python does for w.data -= other
        assert w.data.dtype == expected.dtype == w.dtype
        assert w.data.tolist() == expected.tolist()
        w.grad = np.full(w.shape, 4.0)
        w.grad = update(w.grad, other)
        assert w.grad.tolist() == update(np.full(w.shape, 4.0, w.dtype), other).tolist()


def test_a_matrix_product_in_place():
    w = leaf(np.eye(2))
    w.data @= np.array([[1.0, 2.0], [3.0, 4.0]])
    assert w.data.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_gradients_are_clipped_through_another_name_too():
    leaves = [leaf(), leaf([3.0, 4.0])]
    sum((bp.square_sum(w) for w in leaves), 0.0).backward()
    for g in [w.grad for w in leaves]:
        g *= 0.5
    assert [w.grad.tolist() for w in leaves] == [[1.0, 2.0], [3.0, 4.0]]


def test_an_update_of_what_the_leaf_no_longer_holds_is_refused():
    w = leaf()
    bp.square_sum(w).backward()
    g, d = w.grad, w.data
    w.zero_grad()
    bp.square_sum(w).backward()
    w.data = [5.0, 6.0]
    assert message(ValueError, lambda: operator.imul(g, 2.0)) == (
        "this array is no longer the grad of w with shape (2,), so an update of it would be lost. "
        "Write w.grad -= ... itself."
    )
    with pytest.raises(ValueError, match="no longer the data of w"):
        d -= 1.0
    assert w.data.tolist() == [5.0, 6.0]


def test_an_update_of_what_nobody_holds_is_one_of_an_array():
    d = leaf().data
    d -= 1.0
    assert d.tolist() == [0.0, 1.0]
    assert type(d) is np.ndarray


def test_one_leafs_update_does_not_reach_another():
    a = leaf()
    b = copy.copy(a)
    (a + b).sum().backward()
    a.data += 1.0
    a.grad *= 7.0
    assert b.data.tolist() == [1.0, 2.0]
    assert b.grad.tolist() == [1.0, 1.0]


def test_what_was_computed_takes_no_update():
    z = (leaf() * 2.0).named("z")
    with pytest.raises(ValueError, match=r"^z with shape \(2,\) was computed"):
        z.data -= 1.0
    assert z.data.tolist() == [2.0, 4.0]


def test_an_update_that_changes_shape_or_kind_is_refused():
    w = leaf()
    with pytest.raises(ValueError, match="broadcast"):
        w.data -= np.ones((3, 2))
    whole = bp.tensor([1, 2])
    with pytest.raises(TypeError, match="Cannot cast"):
        whole.data -= 0.5
    whole.data -= 1
    assert (w.data.tolist(), whole.data.tolist()) == ([1.0, 2.0], [0, 1])


def test_a_tensor_is_no_value():
    w = leaf()
    text = (
        "{} is a Tensor, and a leaf holds an array. Use its value, t.data; or compute with "
        "arrays, as in w.data = w.data - rate * w.grad."
    )
    for name in ("data", "grad"):
        assert message(TypeError, lambda name=name: setattr(w, name, w - 0.1)) == (
            text.format("the output of subtract with shape (2,)")
        )
    assert message(TypeError, lambda: operator.isub(w.data, w)) == (
        text.format("w with shape (2,)")
    )


def test_an_update_before_the_first_gradient():
    w = leaf()
    assert message(TypeError, lambda: operator.isub(w.data, w.grad)) == (
        "there is nothing to update by: grad is None before the first backward()."
    )


# float64 into float32


def test_a_value_is_rounded_to_the_dtype_of_the_leaf_but_never_to_infinity():
    w = leaf(np.ones(2, np.float32))
    w.data = np.array([0.1, 1e-300])
    assert w.data.dtype == np.float32
    assert w.data.tolist() == [np.float32(0.1), 0.0]
    for name in ("data", "grad"):
        assert message(ValueError, lambda name=name: setattr(w, name, [1e300, 0.0])) == (
            "an entry of the new array is too large for w with shape (2,), which holds float32."
        )
    w.data = [np.inf, np.nan]  # infinity itself is a float32
    assert np.array_equal(w.data, [np.inf, np.nan], equal_nan=True)
    w.grad = np.array([0.1, 0.2])
    assert w.grad.dtype == np.float32


# Everything else is NumPy's


def test_assigning_to_entries_says_what_to_write():
    w = leaf()
    w.grad = [1.0, 2.0]
    for name in ("data", "grad"):
        text = (
            f"this array is read-only: what was recorded relies on it. Change a copy, a = w.{name}"
            f".copy(); a[0] = ...; and give it to the leaf, w.{name} = a."
        )
        array = getattr(w, name)
        for change in (
            lambda array=array: operator.setitem(array, 0, 5.0),
            lambda array=array: operator.setitem(array, ..., 5.0),
            lambda array=array: array.fill(0.0),
            lambda array=array: array.sort(),
        ):
            assert message(ValueError, change) == text
    with pytest.raises(ValueError, match="read-only"):
        np.add(w.data, 1.0, out=w.data)
    with pytest.raises(ValueError, match="cannot set WRITEABLE flag"):
        w.data.setflags(write=True)
    assert w.data.tolist() == [1.0, 2.0]


MATRIX = np.array([[1.5, -2.0], [0.5, 4.0]])

USES = {
    "a + 1": lambda a: a + 1,
    "1 - a": lambda a: 1 - a,
    "a + array": lambda a: a + MATRIX,
    "array + a": lambda a: MATRIX + a,
    "a @ a": lambda a: a @ a,
    "-a": lambda a: -a,
    "a > 0": lambda a: a > 0,
    "a == a": lambda a: a == a,
    "exp": np.exp,
    "sum": np.sum,
    "sum over an axis": lambda a: a.sum(axis=0),
    "mean": lambda a: a.mean(axis=1, keepdims=True),
    "max": lambda a: a.max(),
    "cumsum": lambda a: a.cumsum(axis=0),
    "round": lambda a: a.round(1),
    "einsum": lambda a: np.einsum("ij,kj->ik", a, a),
    "norm": np.linalg.norm,
    "inv": np.linalg.inv,
    "svd": lambda a: np.linalg.svd(a)[0],
    "sort": lambda a: np.sort(a, axis=0),
    "argsort": np.argsort,
    "where": lambda a: np.where(a > 0, a, 0.0),
    "concatenate": lambda a: np.concatenate([a, a]),
    "stack": lambda a: np.stack([a, MATRIX]),
    "pad": lambda a: np.pad(a, 1),
    "T": lambda a: a.T,
    "reshape": lambda a: a.reshape(-1),
    "ravel": np.ravel,
    "transpose": np.transpose,
    "row": lambda a: a[0],
    "slice": lambda a: a[:, 1:],
    "mask": lambda a: a[a > 0],
    "list": lambda a: a[[1, 0]],
    "ellipsis": lambda a: a[..., None],
    "number": lambda a: a[0, 1],
    "iteration": lambda a: next(iter(a)),
    "copy": lambda a: a.copy(),
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "pickle": lambda a: pickle.loads(pickle.dumps(a)),
    "old pickle": lambda a: pickle.loads(pickle.dumps(a, 2)),
    "np.array": np.array,
    "np.asarray": np.asarray,
    "astype": lambda a: a.astype(np.float32),
    "divmod": lambda a: divmod(a, 2.0)[1],
}  # fmt: skip


@pytest.mark.parametrize("value", [MATRIX, MATRIX.astype(np.float32)], ids=["float64", "float32"])
@every("use", USES)
def test_what_is_made_of_it_is_plain(use, value):
    w = leaf(value)
    w.grad = value
    for array in (w.data, w.grad):
        expected = USES[use](np.array(value))
        found = USES[use](array)
        assert type(found) is type(expected)
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected)


def test_it_is_an_array_and_looks_like_one():
    w = leaf()
    assert isinstance(w.data, np.ndarray)
    assert repr(w.data) == "array([1., 2.])"
    assert f"{w.data}" == str(w.data) == "[1. 2.]"
    number = leaf(3.0)
    assert repr(number.data) == "array(3.)"
    assert f"{number.data:.1f}" == "3.0"
    assert number.data == 3.0
    assert type(number.data + 1) is np.float64
    assert type(number.data[()]) is np.float64


def test_it_can_be_saved():
    w, file = leaf(MATRIX), io.BytesIO()
    np.save(file, w.data)
    file.seek(0)
    assert np.array_equal(np.load(file, allow_pickle=False), MATRIX)


def test_what_numpy_makes_like_it_is_changed_in_place():
    w = leaf()
    velocity = np.zeros_like(w.data)
    same = velocity
    for v in [velocity]:
        v *= 0.9
        v += [1.0, 2.0]
        v[0] = 7.0
    assert same is velocity
    assert same.tolist() == [7.0, 2.0]
    velocity.fill(3.0)
    velocity.sort()
    assert velocity.tolist() == [3.0, 3.0]
    assert w.data.tolist() == [1.0, 2.0]


def test_a_value_keeps_no_record_alive():
    import weakref

    z = leaf() * 2.0
    value, record = z.data, weakref.ref(z)
    del z
    assert record() is None
    assert value.tolist() == [2.0, 4.0]


def test_a_value_as_an_operand_is_a_constant():
    w = leaf()
    loss = (w * w.data).sum()
    assert type(loss.inputs[0].operands[1]) is np.ndarray
    assert bp.grad(loss, w).tolist() == [1.0, 2.0]
    assert type(bp.exp(w.data)) is np.ndarray


def test_derivatives_are_plain_arrays():
    value, slope = bp.value_and_grad(lambda t: (t * t).sum())([1.0, 2.0])
    assert type(value) is type(slope) is np.ndarray
    assert type(bp.grad((leaf() * 2.0).sum(), leaf(), allow_unused=True)) is np.ndarray
    assert not isinstance(slope, HeldArray)


# Habits


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "zero_",
            "an array has no 'zero_'. Write w.zero_grad() for a gradient, and w.data = "
            "np.zeros(w.shape) for a value.",
        ),
        ("numpy", "an array has no 'numpy'. Write t.data."),
        ("relu", "an array has no 'relu'. Write bp.relu(z)."),
        ("reshap", "an array has no 'reshap'. Did you mean 'reshape'?"),
        ("nobody_knows_it", "an array has no 'nobody_knows_it'."),
    ],
)  # fmt: skip
def test_a_habit_of_pytorch_on_an_array(name, text):
    assert message(AttributeError, lambda: getattr(leaf().data, name)) == text


# Leaves as data


def test_a_leaf_is_pickled_as_data():
    for w in (leaf(MATRIX), bp.tensor(np.float32(2.0)), bp.tensor([1, 2], name="labels")):
        again = pickle.loads(pickle.dumps(w))
        assert repr(again) == repr(w)
        assert again.dtype == w.dtype
        assert again.id != w.id
    text = message(TypeError, lambda: pickle.dumps((leaf() * 2.0).named("z")))
    assert text == (
        "z with shape (2,) was computed, and only leaves can be pickled. Save its value, t.data."
    )
