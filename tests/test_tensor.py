"""A Tensor owns its value, and meets NumPy on either side without losing a gradient."""

import copy
import math
import operator
import re
import warnings

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.table import TABLE

from .sweeps import every

OPERATORS = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    "remainder": operator.mod,
    "floor_divide": operator.floordiv,
    "matmul": operator.matmul,
}
OTHERS = [
    np.array([[2.0, 3.0], [4.0, 5.0]]),
    np.array([[2, 3], [4, 5]]),
    *(np.float64(2.5), np.float32(2.5), np.int64(2), 2.5, 2, True),
]


def message(error, call):
    """Return the whole text of the error that a call raises."""
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


# Construction


@pytest.mark.parametrize(
    ("data", "requires_grad", "dtype"),
    [
        (1.5, False, np.float64),
        ([[1.0, 2.0]], True, np.float64),
        (np.float32(1.5), False, np.float32),
        (np.ones(2, np.float32), True, np.float32),
        (3, False, np.int64),
        (3, True, np.float64),
        ([True, False], False, np.bool_),
        ([True, False], True, np.float64),
        (np.ones(2, np.uint8), False, np.uint8),
        (np.ones(2, np.uint8), True, np.float64),
        (np.array([], np.float32), True, np.float32),
    ],
)
def test_floats_stay_and_what_carries_a_gradient_becomes_float64(data, requires_grad, dtype):
    t = bp.tensor(data, requires_grad=requires_grad)
    assert t.dtype == dtype
    assert t.requires_grad is requires_grad
    assert t.grad is None
    assert np.array_equal(t.data, data)


def test_shape_ndim_and_size_are_those_of_the_value():
    t = bp.tensor(np.ones((2, 3)))
    assert (t.shape, t.ndim, t.size) == ((2, 3), 2, 6)


def test_tensor_and_Tensor_are_the_same_constructor():
    a, b = (make([1, 2], True, "w") for make in (bp.tensor, bp.Tensor))
    assert repr(a) == repr(b)


def test_data_is_copied_and_read_only():
    array = np.array([1.0, 2.0])
    t = bp.tensor(array)
    array[0] = 99.0
    assert t.data.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        t.data[0] = 99.0
    with pytest.raises(ValueError, match="read-only"):
        (t + 1).data[0] = 99.0


def test_a_gradient_is_read_only():
    x = bp.tensor([1.0, 2.0], requires_grad=True)
    bp.square_sum(x).backward()
    with pytest.raises(ValueError, match="read-only"):
        x.grad[0] = 99.0


def test_one_array_can_be_the_gradient_of_two_leaves_and_neither_reaches_the_other():
    a, b = (bp.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    ((a + b) * np.array([3.0, 4.0])).sum().backward()
    a.zero_grad()
    (a * 2.0).sum().backward()
    assert a.grad.tolist() == [2.0, 2.0]
    assert b.grad.tolist() == [3.0, 4.0]


@pytest.mark.parametrize("make_copy", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_leaf_is_another_leaf(make_copy):
    a = bp.tensor([2.0], requires_grad=True, name="a")
    b = make_copy(a)
    b.data = [5.0]
    (a * b).sum().backward()
    assert (a.grad.tolist(), b.grad.tolist()) == ([5.0], [2.0])
    with pytest.raises(ValueError, match="read-only"):
        b.data[0] = 99.0


def test_an_integer_tensor_that_is_told_to_carry_a_gradient_does_not_round_it():
    x = bp.tensor([1, 2])
    try:
        x.requires_grad = True
    except (AttributeError, TypeError, ValueError):
        return
    (x * 0.5).sum().backward()
    assert x.grad.tolist() == [0.5, 0.5]


# A new value for a leaf


def test_an_old_graph_keeps_the_value_that_it_was_recorded_with():
    w = bp.tensor([2.0, 3.0], requires_grad=True)
    x = bp.tensor([5.0, 7.0], requires_grad=True)
    loss = (w * x).sum()
    w.data = w.data * 100
    x.data = [0.0, 0.0]
    loss.backward()
    assert w.grad.tolist() == [5.0, 7.0]
    assert x.grad.tolist() == [2.0, 3.0]


def test_a_new_value_is_copied_and_keeps_the_dtype():
    w = bp.tensor(np.ones(2, np.float32), requires_grad=True)
    value = np.array([1.5, 2.5])
    w.data = value
    value[0] = 99.0
    assert w.dtype == np.float32
    assert w.data.tolist() == [1.5, 2.5]
    with pytest.raises(ValueError, match="read-only"):
        w.data[0] = 99.0


def test_a_new_value_is_not_rounded_to_an_integer_type():
    t = bp.tensor([1, 2])
    try:
        t.data = [0.5, 1.75]
    except (TypeError, ValueError):
        return
    assert t.data.tolist() == [0.5, 1.75]


def test_only_a_leaf_takes_a_new_value_and_only_of_its_shape():
    w = bp.tensor([1.0, 2.0], name="w")
    z = (w + 1).named("z")
    assert message(ValueError, lambda: setattr(z, "data", [1.0, 2.0])) == (
        "z with shape (2,) was computed, so its value cannot be replaced: only a leaf takes a new "
        "value. Make one with bp.tensor(value)."
    )
    assert message(ValueError, lambda: setattr(w, "data", [1.0])) == (
        "w with shape (2,) cannot take a value of shape (1,). Make a new one with bp.tensor(value)."
    )


# In place


@pytest.mark.parametrize(
    ("symbol", "change"),
    [
        ("+", operator.iadd),
        ("-", operator.isub),
        ("*", operator.imul),
        ("/", operator.itruediv),
        ("@", operator.imatmul),
        ("**", operator.ipow),
        ("%", operator.imod),
        ("//", operator.ifloordiv),
    ],
)
def test_in_place_operators_are_refused(symbol, change):
    w = bp.tensor([1.0, 2.0], name="w")
    assert message(TypeError, lambda: change(w, 2.0)) == (
        f"'{symbol}=' would change w with shape (2,) in place, and a recorded value must not "
        f"change. Write t = t {symbol} ..."
    )
    assert w.data.tolist() == [1.0, 2.0]
    w.requires_grad = True  # now it is a parameter
    assert message(TypeError, lambda: change(w, 2.0)) == (
        f"'{symbol}=' would change w with shape (2,) in place, and a recorded value must not "
        f"change. Write t.data = t.data {symbol} ..."
    )


def test_the_gradient_of_a_computed_tensor_is_asked_for_in_vain():
    w = bp.tensor(2.0, requires_grad=True, name="w")
    z = (w * w).named("z")
    z.backward()
    text = (
        "z with shape () was computed, and only leaves keep a gradient. Ask for this one with "
        "bp.grad(loss, t). A parameter stays a leaf if it is updated by t.data = t.data - ..."
    )
    with pytest.warns(UserWarning, match=f"^{re.escape(text)}$"):
        assert z.grad is None
    assert w.grad == 4.0


def test_assigning_to_an_entry_is_refused():
    w = bp.tensor([1.0, 2.0], name="w")
    assert message(TypeError, lambda: operator.setitem(w, 0, 5.0)) == (
        "assigning to entries would change w with shape (2,) in place, and a recorded value must "
        "not change. To put computed entries together, write bp.stack([a, b]), or "
        "bp.where(mask, a, t). To change data, change a copy, a = t.data.copy(), and make a "
        "tensor of it."
    )
    assert w.data.tolist() == [1.0, 2.0]


def test_an_array_cannot_be_changed_in_place_by_a_tensor():
    array = np.ones(2)
    with pytest.raises(TypeError):
        array += bp.tensor([1.0, 2.0])
    with pytest.raises(TypeError):
        np.add(array, bp.tensor([1.0, 2.0]), out=array)
    assert array.tolist() == [1.0, 1.0]


# Operators, and NumPy on the left


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: type(other).__name__)
@pytest.mark.parametrize("name", OPERATORS)
def test_operators_record_with_numbers_and_arrays_on_either_side(name, other):
    if name == "matmul":
        other = np.asarray(other) * np.ones((2, 2))  # a number has no matrix product
    apply = OPERATORS[name]
    value = np.array([[1.5, 0.5], [2.0, 3.0]])
    x = bp.tensor(value, requires_grad=True)
    constant = bp.tensor(np.asarray(other, np.float64))
    for result, same, expected in [
        (apply(x, other), apply(x, constant), apply(value, other)),
        (apply(other, x), apply(constant, x), apply(other, value)),
    ]:
        assert isinstance(result, bp.Tensor)
        assert result.primitive is TABLE[name]
        assert result.dtype == np.float64
        assert np.array_equal(result.data, expected)
        assert np.array_equal(bp.grad(result.sum(), x), bp.grad(same.sum(), x))


def test_operands_keep_their_order():
    x = bp.tensor([[1.0, 2.0]], requires_grad=True)
    result = np.array([[5.0, 7.0]]) - x
    assert [i is x for i in result.inputs] == [False, True]
    assert result.data.tolist() == [[4.0, 5.0]]
    assert bp.grad(result.sum(), x).tolist() == [[-1.0, -1.0]]


def test_negation_transpose_and_methods_record():
    x = bp.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    assert (-x).data.tolist() == [[-1.0, -2.0, -3.0]]
    assert x.mT.data.tolist() == [[1.0], [2.0], [3.0]]
    assert x.sum(axis=0).data.tolist() == [1.0, 2.0, 3.0]
    assert x.sum(0, keepdims=True).shape == (1, 3)
    assert x.reshape((3, 1)).shape == (3, 1)
    assert x.astype(np.float32).dtype == np.float32
    for result in (-x, x.mT, x.sum(axis=0), x.reshape(3), x.astype(np.float32)):
        assert bp.grad(result.sum(), x).tolist() in ([[1.0] * 3], [[-1.0] * 3])


# NumPy functions


def numpy_functions():
    """Return everything in NumPy that asks its arguments' types what to do."""
    spaces = {"np": np, "np.linalg": np.linalg, "np.fft": np.fft, "np.emath": np.emath}
    return {
        f"{space}.{name}": function
        for space, module in spaces.items()
        for name, function in sorted(vars(module).items())
        if isinstance(function, np.ufunc) or hasattr(function, "_implementation")
    }


def outcome(function, *operands):
    """Return a function's result, or its error."""
    with warnings.catch_warnings(action="ignore"):
        try:
            return function(*operands)
        except (TypeError, ValueError, IndexError, AttributeError, np.linalg.LinAlgError) as error:
            return error


def stack_of_matrices():
    return np.random.default_rng(0).uniform(-1.0, 2.0, (2, 3, 3))


#: Functions with a result of floats that does not change with the numbers.
CONSTANT = {"np.zeros_like", "np.ones_like", "np.empty_like"}


@every("name", numpy_functions())
def test_a_numpy_function_does_to_tensors_what_it_does_to_arrays_or_refuses(name):
    function = numpy_functions()[name]
    a = stack_of_matrices()
    x = bp.tensor(a, requires_grad=True)
    for tensors, arrays in [((x,), (a,)), ((x, x), (a, a)), (([x, x],), ([a, a],))]:
        if isinstance(function, np.ufunc) and function.nin != len(tensors):
            continue
        result, expected = outcome(function, *tensors), outcome(function, *arrays)
        if isinstance(result, Exception) or isinstance(expected, Exception):
            assert isinstance(result, (bp.Tensor, Exception))
            continue
        several = isinstance(result, tuple)
        for found, right in zip(result, expected, strict=True) if several else [(result, expected)]:
            if isinstance(found, bp.Tensor):
                assert found.requires_grad
                assert found.shape == right.shape
                assert np.allclose(found.data, right, rtol=1e-13, atol=0.0, equal_nan=True)
            else:  # computed, not recorded: so of no gradient
                assert np.asarray(found).dtype.kind in "biuU" or name in CONSTANT
                assert np.array_equal(found, right) or name == "np.empty_like"


def test_the_test_above_has_functions_that_record_that_compute_and_that_refuse():
    functions, x = numpy_functions(), bp.tensor(stack_of_matrices(), requires_grad=True)
    assert len(functions) > 300
    assert isinstance(outcome(functions["np.sum"], x), bp.Tensor)
    assert isinstance(outcome(functions["np.negative"], x), bp.Tensor)
    assert isinstance(outcome(functions["np.isnan"], x), np.ndarray)
    assert isinstance(outcome(functions["np.median"], x), TypeError)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: np.sum(x, axis=0), "sum"),
        (lambda x: np.sum(x, 0), "sum"),
        (lambda x: np.reshape(x, (4,)), "reshape"),
        (lambda x: np.outer(np.ones(2), x), "outer"),
        (lambda x: np.broadcast_to(x, (3, 2, 2)), "broadcast_to"),
        (lambda x: np.expand_dims(x, 1), "expand_dims"),
        (lambda x: np.squeeze(x), "squeeze"),
        (lambda x: np.matrix_transpose(x), "matrix_transpose"),
        (lambda x: np.where(np.eye(2) > 0, x, 0.0), "where"),
    ],
)
def test_numpy_functions_record_under_their_own_name(call, name):
    value = np.array([[1.0, 2.0], [3.0, 4.0]])
    x = bp.tensor(value, requires_grad=True)
    assert call(x).primitive is TABLE[name]
    assert np.array_equal(call(x).data, call(value))


@pytest.mark.parametrize(
    "call",
    [
        np.median,
        np.histogram,
        np.linalg.eigvals,
        np.add.reduce,
        np.linalg.qr,
        lambda x: np.multiply.outer(x, x),
        lambda x: np.ones((2, 2)) << x,
        lambda x: np.add(x, x, out=np.ones((2, 2))),
        lambda x: np.add(x, x, where=np.eye(2) > 0),
    ],
)
def test_other_numpy_functions_are_refused(call):
    assert "does not record" in message(TypeError, lambda: call(bp.tensor(np.eye(2))))


def test_the_refusal_says_what_to_do():
    advice = (
        "If no gradient is needed, call it on the value, t.data; to add an operation, see "
        "bp.primitive."
    )
    assert message(TypeError, lambda: np.trim_zeros(bp.tensor(1.0))) == (
        f"np.trim_zeros does not record on a Tensor. {advice}"
    )
    assert message(TypeError, lambda: np.ptp(bp.tensor([1.0]))) == (
        "np.ptp does not record on a Tensor. Write np.max(t) - np.min(t)."
    )
    assert message(TypeError, lambda: np.add.reduce(bp.tensor([1.0]))) == (
        f"np.add.reduce does not record on a Tensor. {advice}"
    )


@pytest.mark.parametrize("call", [math.exp, math.sqrt, math.fabs, float, int, round])
def test_inside_of_a_derivative_no_gradient_is_lost_in_a_number(call):
    text = (
        "turning the output of identity with shape () into a number, as math.exp(t) does, would "
        "lose its record while a function is differentiated. Use t.item() to look at it, "
        "np.exp(t) to record a step, or bp.stack([a, b]) to put entries together."
    )
    x = bp.tensor(4.0, requires_grad=True)
    assert message(TypeError, lambda: bp.value_and_grad(lambda t: t * call(t))(x)) == text
    value, slope = bp.value_and_grad(lambda t: t * t.item())(4.0)  # a constant on purpose
    assert (value, slope) == (16.0, 4.0)
    assert call(x) == call(4.0)  # outside, a Tensor is looked at as a number


def test_comparisons_give_plain_arrays_of_booleans():
    x, value = bp.tensor([1.0, 2.0, 3.0], requires_grad=True), np.array([1.0, 2.0, 3.0])
    for other in (2.0, np.array([3.0, 2.0, 1.0]), np.float64(2.0)):
        for compare in (
            *(operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne),
        ):
            for result, expected in [
                (compare(x, other), compare(value, other)),
                (compare(other, x), compare(other, value)),
                (compare(x, bp.tensor(other)), compare(value, other)),
            ]:
                assert type(result) is np.ndarray
                assert np.array_equal(result, expected)
    assert bool(bp.tensor(2.0) > 1)
    assert not bp.tensor(0.0)


def test_a_tensor_is_a_key_as_itself():
    a, b = bp.tensor(1.0), bp.tensor(1.0)
    assert {a: "a", b: "b"}[a] == "a"


def test_indexing_iterating_and_length():
    value = np.arange(6.0).reshape(2, 3)
    x = bp.tensor(value, requires_grad=True)
    assert len(x) == 2
    assert [row.data.tolist() for row in x] == value.tolist()
    assert np.array_equal(x[:, [0, 2]].data, value[:, [0, 2]])
    assert bp.grad(x[1].sum() + x[1, 2], x).tolist() == [[0.0, 0.0, 0.0], [1.0, 1.0, 2.0]]
    with pytest.raises(TypeError, match="has no axis, so it has no length"):
        len(bp.tensor(1.0))


@pytest.mark.parametrize(
    "convert",
    [
        np.asarray,
        np.array,
        lambda t: np.array([t, t]),
        lambda t: np.asarray(t, dtype=np.float32),
        lambda t: bp.tensor([t, t]),
    ],
)
def test_converting_to_an_array_is_refused(convert):
    assert message(TypeError, lambda: convert(bp.tensor(1.0, name="w"))) == (
        "converting w with shape () to an array would lose its record. Use t.data for the value, "
        "t.item() for a number; or record a step with an operation, such as bp.stack([a, b])."
    )


def test_a_tensor_of_a_tensor_is_refused():
    assert message(TypeError, lambda: bp.tensor(bp.tensor(1.0, name="w"))) == (
        "w with shape () is a Tensor already. Use it as it is, or t.detach() for a constant copy."
    )


# Names and text


def test_named_names_and_returns_the_tensor():
    x = bp.tensor(1.0)
    assert x.named("x") is x
    assert x.name == "x"
    assert bp.tensor(1.0, name="y").name == "y"


def test_name_tensors_names_a_whole_scope_once():
    def network(x):
        z1 = x * 2
        kept = (z1 + 1).named("mine")
        _private = z1 * 3
        also_z1 = z1
        number, array = 3, np.ones(2)
        bp.name_tensors(locals())
        return z1, kept, _private, also_z1, number, array

    x = bp.tensor(0.0, name="input")
    z1, kept, _private, *_ = network(x)
    assert x.name == "input"
    assert z1.name == "z1"
    assert kept.name == "mine"
    assert _private.name is None


@pytest.mark.parametrize(
    ("t", "text"),
    [
        (bp.tensor(3.0), "tensor(3.)"),
        (bp.tensor([1, 2]), "tensor([1, 2])"),
        (bp.tensor([1, 2], requires_grad=True), "tensor([1., 2.], requires_grad=True)"),
        (bp.tensor(3.0, name="it's"), 'tensor(3., name="it\'s")'),
        (bp.tensor(3.0).named("w") * 2, "tensor(6., from=multiply)"),
        ((bp.tensor(3.0) + 1).named("z"), "tensor(4., name='z', from=add)"),
        (bp.tensor(np.eye(2)), "tensor([[1., 0.],\n        [0., 1.]])"),
        (bp.tensor(np.arange(100.0)), "tensor([ 0.,  1.,  2., ..., 97., 98., 99.])"),
    ],
)
def test_repr(t, text):
    assert repr(t) == text


# Numbers and constants


@pytest.mark.parametrize("data", [2.5, [2.5], [[2.5]], np.float32(2.5)])
def test_item_is_the_only_entry(data):
    item = bp.tensor(data).item()
    assert type(item) is float
    assert item == 2.5


@pytest.mark.parametrize("data", [[1.0, 2.0], []])
def test_item_of_other_than_one_entry_is_refused(data):
    t = bp.tensor(data, name="w")
    assert message(ValueError, t.item) == (
        f"item() needs exactly one entry; w with shape ({len(data)},) has {len(data)}. "
        "Use .data instead."
    )


def test_detach_makes_a_constant_of_the_same_value():
    x = bp.tensor(3.0, requires_grad=True, name="x")
    square = x * x
    constant = square.detach()
    assert constant.data == 9.0
    assert constant.primitive is None
    assert not constant.requires_grad
    (constant * x).backward()
    assert x.grad == 9.0
    assert square.requires_grad


def test_zero_grad_forgets():
    x = bp.tensor(3.0, requires_grad=True)
    for _ in range(2):
        (x * x).backward()
        assert x.grad == 6.0
        x.zero_grad()
        assert x.grad is None


@pytest.mark.parametrize("name", [0, 1.5, b"x", ("x",)])
def test_a_name_is_text(name):
    with pytest.raises(TypeError, match="a name is text, and"):
        bp.tensor(1.0, name=name)
    with pytest.raises(TypeError, match="a name is text, and"):
        bp.tensor(1.0).named(name)
    x = bp.tensor(1.0)
    with pytest.raises(TypeError, match="a name is text, and"):
        x.name = name


def test_a_gradient_that_is_set_is_a_copy():
    x = bp.tensor([1.0, 2.0], requires_grad=True)
    buffer = np.ones(2)
    x.grad = buffer
    buffer[:] = 7.0
    assert x.grad.tolist() == [1.0, 1.0]


def test_requires_grad_and_grad_take_nothing_else():
    x = bp.tensor(1.0, name="x")
    with pytest.raises(TypeError, match="requires_grad is True or False, not 'no'"):
        x.requires_grad = "no"
    for value in ("abc", 1j, object()):
        with pytest.raises(TypeError, match=r"a gradient of x with shape \(\) is an array of real"):
            x.grad = value


@pytest.mark.parametrize("key", [1.5, 1j, {}, "a"])
def test_an_index_that_is_none_is_refused(key):
    with pytest.raises(TypeError, match="an index is an integer, a slice, None"):
        bp.tensor([1.0, 2.0])[key]


def test_an_index_of_numpys_true():
    assert bp.tensor([1.0, 2.0])[np.True_].shape == (1, 2)


def test_transposes_take_axes_as_numpy_does():
    t = bp.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    for axes in (np.array([1, 0]), [1, 0], (1, 0)):
        assert np.array_equal(t.transpose(axes).data, t.data.T)
    flat = bp.tensor([1.0, 2.0], requires_grad=True)
    for axis in (0, np.int64(0), np.array(0)):
        assert bp.grad(np.transpose(flat, axis).sum(), flat).tolist() == [1.0, 1.0]
        assert bp.grad(flat.transpose(axis).sum(), flat).tolist() == [1.0, 1.0]


def test_ids_count_up_in_recording_order():
    x = bp.tensor(1.0)
    y = x + 1
    z = bp.tensor(2.0)
    assert x.id < y.id < z.id < (y * z).id


def test_a_transposition_that_does_nothing_is_refused():
    t = bp.tensor([[1.0, 2.0], [3.0, 4.0]])
    for axes in ((0, 1), (-2, -1)):
        with pytest.raises(ValueError, match=r"would not change a matrix.*Write t\.T"):
            t.transpose(*axes)
        assert np.transpose(t, axes).tolist() == t.transpose(axes).tolist() == t.data.tolist()
    with pytest.raises(ValueError, match=r"write bp\.swapaxes\(t, 0, 1\)"):
        bp.zeros(2, 3, 4).transpose(0, 1)
    with pytest.raises(TypeError, match=r"t\.reshape\(len\(t\), -1\) keeps the first axis"):
        t.flatten(1)
