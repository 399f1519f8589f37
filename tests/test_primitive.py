"""An operation of one's own: what it takes, what it keeps, and what it refuses."""

import re

import numpy as np
import pytest

import tinygrad_bp as bp


def message(error, call):
    """Return the whole text of the error that a call raises."""
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


@bp.primitive
def cube(x):
    """Return the third power."""
    return x * x * x


@cube.backward
def _(out, x):
    return lambda g: g * 3 * x * x


@bp.primitive(symbol="⊕", needs="two operands of one shape")
def mix(a, b, *, weight=0.5, sign=1):
    """Return a weighted sum."""
    return weight * a + sign * (1 - weight) * b


@mix.backward
def _(out, a, b, *, weight, sign):
    return lambda g: weight * g, lambda g: sign * (1 - weight) * g


@bp.primitive
def total(*operands):
    """Return the sum of any number of operands."""
    return sum(operands[1:], start=operands[0] * 1.0)


@total.backward
def _(out, *operands):
    return (lambda g: g,) * len(operands)


@bp.primitive
def scaled(x, *, by):
    """Return x times a setting."""
    return x * np.asarray(by)


@scaled.backward
def _(out, x, *, by):
    return lambda g: g * np.asarray(by)


# The decorator


def test_a_bare_decorator():
    assert isinstance(cube, bp.Primitive)
    assert (cube.__name__, cube.symbol, cube.needs) == ("cube", "cube", "")
    assert cube.__doc__ == "Return the third power."
    assert repr(cube) == "<primitive cube>"
    x = bp.tensor(2.0, requires_grad=True)
    assert cube(x).primitive is cube
    assert bp.grad(cube(x), x) == 12.0


def test_a_decorator_with_options():
    assert (mix.__name__, mix.symbol, mix.needs) == ("mix", "⊕", "two operands of one shape")
    a, b = bp.tensor(2.0, requires_grad=True), bp.tensor(3.0, requires_grad=True)
    assert mix(a, b).data == 2.5
    assert bp.grad(mix(a, b, weight=0.25), [a, b]) == [0.25, 0.75]


def test_a_rule_written_for_arrays_has_a_derivative_too():
    x = bp.tensor(2.0, requires_grad=True)
    slope = bp.grad(cube(x), x, create_graph=True)
    bend = bp.grad(slope, x, create_graph=True)
    assert (slope.data, bend.data, bp.grad(bend, x)) == (12.0, 12.0, 6.0)


def test_the_closure_of_a_single_input_may_be_in_a_tuple():
    @bp.primitive
    def double(x):
        return 2 * x

    @double.backward
    def _(out, x):
        return (lambda g: 2 * g,)

    x = bp.tensor(1.0, requires_grad=True)
    assert bp.grad(double(x), x) == 2.0


def test_arrays_in_an_array_out_and_any_tensor_in_a_tensor_out():
    array = np.array([1.0, 2.0])
    assert type(cube(array)) is np.ndarray
    assert cube(2.0) == 8.0
    assert type(mix(array, array)) is np.ndarray
    for a, b in [(bp.tensor(array), array), (array, bp.tensor(array)), (1.0, bp.tensor(array))]:
        assert isinstance(mix(a, b), bp.Tensor)


# Operands and settings


def test_operands_and_settings_by_position_and_by_keyword():
    a, b = bp.tensor(2.0, requires_grad=True), bp.tensor(10.0, requires_grad=True)
    for result in [
        mix(a, b, weight=0.25, sign=-1),
        mix(a, b, 0.25, -1),
        mix(a, b, 0.25, sign=-1),
        mix(a, b=b, weight=0.25, sign=-1),
        mix(b=b, a=a, sign=-1, weight=0.25),
    ]:
        assert result.data == -7.0
        assert result.inputs == (a, b)
        assert result.params == {"weight": 0.25, "sign": -1}
        assert bp.grad(result, [a, b]) == [0.25, -0.75]


def test_defaults_are_recorded():
    assert mix(bp.tensor(1.0), 2.0).params == {"weight": 0.5, "sign": 1}


def test_a_rule_may_compute_with_a_tensor_of_its_own_and_return_a_list():
    weight = bp.tensor(3.0)

    @bp.primitive
    def weighted(a, b):
        return 3.0 * a * b

    weighted.backward(lambda out, a, b: [lambda g: g * weight * b, lambda g: g * weight * a])
    a, b = (bp.tensor(value, requires_grad=True) for value in (2.0, 5.0))
    weighted(a, b).backward()
    assert (a.grad, b.grad) == (15.0, 6.0)
    slope = bp.grad(weighted(a, b), a, create_graph=True)
    assert bp.grad(slope, b) == 3.0
    assert "3" in str(bp.explain(weighted(a, b)))


@pytest.mark.parametrize("kind", [bp.tensor, np.array])
def test_wrong_calls_are_refused(kind):
    a = kind(1.0)
    assert message(TypeError, lambda: mix(a, a, wieght=1)) == (
        "mix has no argument 'wieght'. It has: weight, sign."
    )
    assert message(TypeError, lambda: cube(a, axis=1)) == (
        "cube has no argument 'axis'. It has: none."
    )
    assert message(TypeError, lambda: mix(a, a, 0.25, weight=1)) == (
        "mix was given its argument 'weight' twice, once by position."
    )
    assert message(TypeError, lambda: bp.stack([a, a], 0, axis=1)) == (
        "stack was given its argument 'axis' twice, once by position."
    )
    assert message(TypeError, lambda: mix(a)) == ("mix needs 2 operands, a and b, and was given 1.")
    assert message(TypeError, lambda: cube()) == "cube needs 1 operand, x, and was given 0."
    assert message(TypeError, lambda: cube(a, a)) == (
        "cube takes 1 operand and 0 further arguments, and was given 2 values."
    )
    assert message(TypeError, lambda: mix(a, a, 1, 2, 3)) == (
        "mix takes 2 operands and 2 further arguments, and was given 5 values."
    )


def test_a_missing_setting_is_named():
    text = message(TypeError, lambda: scaled(bp.tensor([1.0, 2.0], name="w")))
    assert text.startswith("scaled failed: x is w with shape (2,).")
    assert "'by'" in text


def test_a_tensor_as_a_setting_is_refused():
    w = bp.tensor(1.0, requires_grad=True)
    expected = (
        "the argument 'by' of scaled is a Tensor, and gradients flow only to operands. Use t.data."
    )
    for by in (w, [w], (1.0, [w])):
        assert message(TypeError, lambda by=by: scaled(np.ones(1), by=by)) == expected


def test_any_number_of_operands():
    x = bp.tensor(3.0, requires_grad=True)
    assert total(x, x, x).data == 9.0
    assert bp.grad(total(x, np.float64(1.0), x, 2.0), x) == 2.0
    assert total(1.0, 2.0) == 3.0
    assert message(TypeError, lambda: total(x, "text")) == (
        "total cannot take its operand 2: a Tensor holds real numbers, and this data has dtype "
        "<U4. Convert it with np.array(data, dtype=float)."
    )


def test_an_array_of_another_package_is_computed_with_as_numpys():
    class Column:  # as a tensor of PyTorch or a column of pandas: its dtype is not NumPy's
        dtype = object()

        def __array__(self, *_, **__):
            return np.array([0.5, 2.0])

    for operation in (bp.exp, bp.softmax, bp.square, bp.sum):
        assert np.array_equal(operation(Column()), operation(np.array([0.5, 2.0])))
    t = bp.outer(bp.tensor([1.0, 3.0], requires_grad=True), Column())
    assert t.data.tolist() == [[0.5, 2.0], [1.5, 6.0]]


def test_a_list_of_operands_is_one():
    with pytest.raises(TypeError, match=r"concatenate takes a list of operands, not 5\.0\."):
        bp.concatenate(5.0)


def test_a_division_by_zero_names_the_operation():
    @bp.primitive
    def inverse(a):
        return a * (1 / 0)

    with pytest.raises(ValueError, match="inverse failed: a is x with shape"):
        inverse(bp.tensor(1.0, name="x"))


def test_named_operands_and_any_number_of_them_are_not_mixed():
    def joined(first, *rest):
        return np.concatenate([first, *rest])

    text = "joined takes named operands or *operands, not both."
    with pytest.raises(TypeError, match=f"^{re.escape(text)}$"):
        bp.primitive(joined)


# What the record keeps


@pytest.mark.parametrize(
    ("setting", "change"),
    [
        (np.array([2.0, 3.0]), lambda s: s.fill(99.0)),
        ([2.0, 3.0], lambda s: s.__setitem__(0, 99.0)),
        ((np.array([2.0]), [3.0]), lambda s: (s[0].fill(99.0), s[1].append(99.0))),
        ([np.array([2.0, 3.0])], lambda s: s[0].fill(99.0)),
    ],
    ids=["array", "list", "tuple", "array in a list"],
)
def test_a_setting_changed_afterwards_cannot_change_a_gradient(setting, change):
    x = bp.tensor(np.ones((2, 1)), requires_grad=True)
    loss = scaled(x, by=setting).sum()
    before = bp.grad(loss, x)
    change(setting)
    assert np.array_equal(bp.grad(loss, x), before)


def test_a_dictionary_as_a_setting_is_captured_or_refused():
    @bp.primitive
    def looked_up(x, *, table):
        return x * table["factor"]

    @looked_up.backward
    def _(out, x, *, table):
        return lambda g: g * table["factor"]

    x, table = bp.tensor(1.0, requires_grad=True), {"factor": 2.0}
    try:
        y = looked_up(x, table=table)
    except TypeError:
        return
    table["factor"] = 99.0
    assert bp.grad(y, x) == 2.0


def test_a_list_as_a_setting_means_to_the_function_what_it_meant_to_the_caller():
    @bp.primitive
    def rows(x, *, index):
        return x[index]

    array = np.arange(9.0).reshape(3, 3)
    expected = array[[0, 2]]
    assert np.array_equal(rows(array, index=[0, 2]), expected)
    assert np.array_equal(rows(bp.tensor(array), index=[0, 2]).data, expected)


def test_an_operand_changed_afterwards_cannot_change_a_gradient():
    array = np.array([2.0, 3.0])
    x = bp.tensor([1.0, 1.0], requires_grad=True)
    y = (x * array).sum()
    array[:] = 99.0
    assert bp.grad(y, x).tolist() == [2.0, 3.0]


def test_a_function_that_writes_into_its_operand_is_stopped():
    @bp.primitive
    def spoil(x):
        x += 1
        return x

    x = bp.tensor([1.0, 2.0], name="x")
    assert message(ValueError, lambda: spoil(x)) == (
        "spoil failed: x is x with shape (2,). (output array is read-only)"
    )
    assert x.data.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("memory", [np.zeros(4), bytearray(32)], ids=["array", "buffer"])
def test_a_result_that_is_a_view_of_outside_memory_is_protected(memory):
    outside = memory if isinstance(memory, np.ndarray) else np.frombuffer(memory)

    @bp.primitive
    def peek(x):
        return outside[:2] if isinstance(memory, np.ndarray) else np.frombuffer(memory)

    y = peek(bp.tensor(1.0))
    outside[:] = 99.0
    assert not y.data.any()


def test_a_result_that_is_a_view_of_an_operand_is_a_view_still():
    x = bp.tensor(np.ones((2, 3)))
    assert np.shares_memory(x.mT.data, x.data)  # read-only both, so a copy would be a waste


def test_python_numbers_keep_float32():
    x = bp.tensor(np.ones(2, np.float32), requires_grad=True)
    for y in (x * 2.5, 2.5 - x, x / 2, x**2, mix(x, 1.0), 1 + x * True):
        assert y.dtype == np.float32
        assert any(operand is None for operand in y.inputs)
    assert bp.grad((x * 2.5).sum(), x).dtype == np.float32
    assert (x * np.float64(2.5)).dtype == np.float64  # as NumPy has it


def test_a_python_number_is_no_input():
    x = bp.tensor(2.0, requires_grad=True)
    y = 3.0 * x
    assert y.inputs == (None, x)
    assert y.operands[0] == 3.0


# What is refused


def test_a_missing_rule_is_named():
    @bp.primitive
    def mystery(x):
        return x * 2

    x = bp.tensor(1.0, requires_grad=True)
    y = mystery(x)
    assert y.data == 2.0
    assert message(TypeError, y.backward) == (
        "mystery has no backward rule. Give it one with @mystery.backward."
    )


@pytest.mark.parametrize("kind", [tuple, list])
def test_several_results_are_refused(kind):
    @bp.primitive
    def both(x):
        return kind([x, -x])

    assert message(TypeError, lambda: both(bp.tensor(1.0))) == (
        f"both returned a {kind.__name__}, and a primitive returns one array of real numbers. "
        "Make a primitive for each output."
    )


@pytest.mark.parametrize(
    "result", [None, "text", 1j, np.array([1.0, 2.0], complex), np.array([None])]
)
def test_a_result_that_is_not_real_numbers_is_refused(result):
    @bp.primitive
    def odd(x):
        return result

    with pytest.raises(TypeError):
        odd(bp.tensor(1.0))


@pytest.mark.parametrize(
    ("operand", "text"),
    [
        ("text", "a Tensor holds real numbers, and this data has dtype <U4. Convert it with "),
        (1j, "complex numbers are not supported. Keep the real and the imaginary part as two "),
        (None, "a Tensor holds real numbers, and this data has dtype object. Convert it with "),
    ],
)
def test_an_operand_that_is_not_real_numbers_is_refused(operand, text):
    x = bp.tensor(1.0)
    assert message(TypeError, lambda: x + operand).startswith(f"add cannot take its b: {text}")
    assert message(TypeError, lambda: operand + x).startswith(f"add cannot take its a: {text}")
