"""NumPy's functions and arrays beside Tensors: they record, or refuse; no gradient is lost."""

import math
import operator
import re

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.differences import relative_difference
from tinygrad_bp.operators import operation
from tinygrad_bp.table import TABLE

from .rules.cases import trials_of
from .rules.checks import leaves
from .sweeps import every

x23 = np.array([[0.3, -1.2, 0.7], [2.0, 0.5, -0.4]])
ADVICE = (
    "If no gradient is needed, call it on the value, t.data; to add an operation, see bp.primitive."
)


def leaf(data, name=None):
    return bp.tensor(data, requires_grad=True, name=name)


def message(error, call):
    """Return the whole text of the error that a call raises."""
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


def close(found, expected):
    """Whether Tensors have the values of arrays, but for rounding."""
    if isinstance(expected, list):
        assert len(found) == len(expected)
        return all(close(f, e) for f, e in zip(found, expected, strict=True))
    assert isinstance(found, bp.Tensor)
    assert found.shape == np.shape(expected)
    assert found.dtype == expected.dtype
    return relative_difference(found.data, expected) < 1e-14


# Every entry that NumPy has a function for

SPACES = {"np": np, "np.linalg": np.linalg}

#: Functions that share an entry's name, and are another function.
OTHERS = {
    "np.identity": "makes a matrix",
    "np.astype": "has positional parameters only; it is called below",
    "np.linalg.trace": "is that of the last two axes, not of the first two",
    "np.linalg.diagonal": "is that of the last two axes, not of the first two",
}

#: Functions whose settings NumPy 2.0 spells, or requires, otherwise.
IN_NUMPY_2_0 = {
    "np.clip": lambda a, min=None, max=None: np.clip(a, min, max),
    "np.reshape": lambda a, shape: np.reshape(a, shape),
    "np.take_along_axis": lambda a, indices, axis=-1: np.take_along_axis(a, indices, axis),
}
OLD = np.lib.NumpyVersion(np.__version__) < "2.1.0"

FUNCTIONS = {
    f"{space}.{name}": name
    for space, module in SPACES.items()
    for name in TABLE
    if hasattr(module, name) and f"{space}.{name}" not in OTHERS
}


@every("function", FUNCTIONS)
def test_a_numpy_function_records_the_entry_of_its_name(function):
    space, _, name = function.rpartition(".")
    tried = 0
    for trial in trials_of(name):
        numpys = getattr(SPACES[space], name)
        if OLD:
            numpys = IN_NUMPY_2_0.get(function, numpys)
        try:
            expected = trial.applied(numpys, *trial.case.operands)
        except (ValueError, TypeError):  # NumPy's is defined for less: np.linalg.outer of matrices
            continue
        operands, inputs = leaves(trial.case.operands)
        if not inputs:  # plain numbers
            continue
        found, ours = trial.applied(numpys, *operands), trial(*operands)
        assert found.primitive is ours.primitive
        assert found.requires_grad
        assert close(found, np.asarray(expected)), str(trial)
        tried += 1
    assert tried


def test_the_test_above_sees_the_whole_table():
    assert len(FUNCTIONS) > 60
    assert set(OTHERS).isdisjoint(FUNCTIONS)
    for name in ("trace", "diagonal"):
        text = message(TypeError, lambda name=name: getattr(np.linalg, name)(leaf(np.eye(2))))
        assert text == f"np.linalg.{name} does not record on a Tensor. {ADVICE}"


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.sum(x, 0),
        lambda x: np.sum(x, 0, None, None, True),
        lambda x: np.mean(x, (0, 1), None, None, True),
        lambda x: np.prod(x, 1, None, None, True),
        lambda x: np.max(x, 0, None, True),
        lambda x: np.min(x, -1),
        lambda x: np.var(x, 0, None, None, 1, True),
        lambda x: np.std(x, 1, None, None, 1),
        lambda x: np.cumsum(x, 0, None, None),
        lambda x: np.clip(x, 0.0, 0.5),
        lambda x: np.clip(x, None, 0.5),
        lambda x: np.trace(x, 1, 1, 0),
        lambda x: np.diagonal(x, -1, 1, 0),
        lambda x: np.transpose(x, (1, 0)),
        lambda x: np.reshape(x, (3, 2)),
        lambda x: np.expand_dims(x, 1),
        lambda x: np.squeeze(x[:1], 0),
        lambda x: np.flip(x, 1),
        lambda x: np.roll(x, (1, 2), (0, 1)),
        lambda x: np.repeat(x, 2, 0),
        lambda x: np.tile(x, (2, 1)),
        lambda x: np.pad(x, ((1, 0), (0, 2)), "constant"),
        lambda x: np.broadcast_to(x, (4, 2, 3)),
        lambda x: np.take_along_axis(x, np.array([[1], [0]]), 1),
        lambda x: np.split(x, [1], 1),
        lambda x: np.concatenate([x, x], 1),
        lambda x: np.concatenate([x, x], 1, None),
        lambda x: np.stack([x, x], -1),
        lambda x: np.linalg.norm(x, None, 0, True),
        lambda x: np.astype(x, np.float32),
    ],
)
def test_positional_arguments_have_the_order_of_numpy(call):
    assert close(call(leaf(x23)), call(x23))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.sum(a=x, axis=0, dtype=None, out=None),
        lambda x: np.clip(x, a_min=0.0, a_max=0.5),
        pytest.param(
            lambda x: np.clip(x, min=0.0, max=0.5),
            marks=pytest.mark.skipif(OLD, reason="a spelling of NumPy 2.1"),
        ),
        lambda x: np.flip(m=x, axis=1),
        lambda x: np.linalg.norm(x=x, axis=0),
        lambda x: np.tile(A=x, reps=2),
        lambda x: np.take_along_axis(arr=x, indices=np.array([[1], [0]]), axis=1),
        lambda x: np.outer(b=x[0], a=x[1]),
        lambda x: np.stack(arrays=[x, x], axis=1),
        lambda x: np.pad(x, 1, constant_values=7.0),
        lambda x: np.pad(x, 1, mode="constant", constant_values=7.0),
        lambda x: np.std(x, axis=0, ddof=1, keepdims=True),
        np.amax,
        np.amin,
        np.positive,
        np.abs,
        lambda x: np.true_divide(x, 2.0),
    ],
)
def test_keywords_and_other_names(call):
    assert close(call(leaf(x23)), call(x23))


def test_lists_may_mix_arrays_and_tensors():
    for call in (
        lambda x: np.concatenate([x23, x, x23], axis=1),
        lambda x: np.concatenate((x, x23)),
        lambda x: np.stack([x23, x], axis=1),
        lambda x: np.einsum("ij,kj->ik", x23, x),
        lambda x: np.einsum("ij,kj,i->k", x, x23, np.ones(2)),
        lambda x: np.where(x23 > 0, x23, x),
    ):
        x = leaf(x23)
        found, expected = call(x), call(x23)
        assert close(found, np.asarray(expected))
        gradient = bp.value_and_grad(lambda x, call=call: np.sum(call(x)))(x23)[1]
        assert bp.grad(found.sum(), x).tolist() == gradient.tolist()
        assert gradient.any()


# An array or a number on the left


@pytest.mark.parametrize("left", [x23, np.float64(2.0), 2.0, [[1.0], [2.0]]], ids=repr)
@pytest.mark.parametrize(
    "apply", [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
)
def test_operators_with_something_else_on_the_left(apply, left):
    right = np.array([1.0, 2.0, 3.0])
    left = np.abs(left) if apply is operator.pow else left
    x = leaf(right)
    found = apply(left, x)
    assert close(found, apply(np.asarray(left), right))
    assert found.inputs[1] is x
    found.sum().backward()
    assert x.grad.shape == (3,)


def test_matmul_with_an_array_on_the_left():
    x = leaf(np.ones(3))
    found = x23 @ x
    assert close(found, x23 @ np.ones(3))
    assert bp.grad(found.sum(), x).tolist() == x23.sum(axis=0).tolist()


@pytest.mark.parametrize("name", ["lt", "le", "gt", "ge", "eq", "ne"])
def test_comparisons_are_plain_arrays_of_booleans(name):
    compare, right = getattr(operator, name), np.array([0.3, 0.0, 0.7])
    for left, other in [
        *((x23, leaf(right)), (leaf(x23), right), (leaf(x23), leaf(right))),
        *((leaf(x23), 0.3), (0.3, leaf(x23)), (np.float64(0.3), leaf(x23))),
    ]:
        found = compare(left, other)
        values = [v.data if isinstance(v, bp.Tensor) else v for v in (left, other)]
        assert type(found) is np.ndarray
        assert found.dtype == bool
        assert found.tolist() == compare(*values).tolist()


@pytest.mark.parametrize(
    "call",
    [
        *(np.isfinite, np.isnan, np.isinf, np.signbit),
        *(np.shape, np.ndim, np.size),
        *(np.argmax, np.argmin, np.argsort, lambda x: np.argmax(x, axis=0)),
        *(lambda x: np.argmax(a=x), lambda x: np.argsort(a=x, axis=0), lambda x: np.size(a=x)),
        *(lambda x: np.greater(x, 0.0), lambda x: np.equal(0.3, x)),
    ],
)
def test_what_has_no_gradient_is_computed(call):
    found, expected = call(leaf(x23)), call(x23)
    assert type(found) is type(expected)
    assert np.array_equal(found, expected)


# What does not record is refused, word for word


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda t: np.partition(t, 1), "np.partition does not record on a Tensor. "),
        (np.fft.rfft, "np.fft.rfft does not record on a Tensor. "),
        (np.add.reduce, "np.add.reduce does not record on a Tensor. "),
        (lambda t: np.multiply.outer(t, t), "np.multiply.outer does not record on a Tensor. "),
        (lambda t: np.exp(t, out=np.zeros((2, 3))), "np.exp does not record with out=. "),
        (lambda t: np.exp(t, dtype=np.float32), "np.exp does not record with dtype=. "),
        (lambda t: np.add(t, 1.0, where=x23 > 0), "np.add does not record with where=. "),
    ],
)
def test_what_does_not_record_is_refused(call, text):
    assert message(TypeError, lambda: call(leaf(x23))) == text + ADVICE


@pytest.mark.parametrize(
    ("function", "arrays"),
    [
        *((f, [x23]) for f in (np.cov, np.median, np.ptp, np.rot90)),
        (np.median, [x23[:, :1]]),
        (np.cross, [x23, x23 * x23]),
        (np.linspace, [np.array(0.3), np.array(0.7)]),
        (lambda t: np.linalg.qr(t)[0], [x23.T]),
    ],
)
def test_what_to_write_instead_gives_the_same(function, arrays):
    tensors = [leaf(a) for a in arrays]
    with pytest.raises(TypeError) as caught:
        function(*tensors)
    code = re.search(r" Write (.*)\.$", str(caught.value)).group(1)
    known = {"np": np, "t": tensors[0], "a": tensors[0], "b": tensors[-1], "n": 50}
    code, _, further = code.replace(", where ", ", with ").partition(", with ")
    exec(further, known)
    found, expected = eval(code.removesuffix(" for q"), known), function(*arrays)
    if "for q" in code:  # whose columns may have other signs
        found, expected = found * np.sign(found.data), np.abs(expected)
    assert found.requires_grad
    assert relative_difference(found.data, expected) < 1e-12


def test_a_function_that_tells_no_module_is_refused_too():
    class Untold:  # as a ufunc of NumPy 2.0
        __name__ = "floor"

        def __getattribute__(self, name):
            if name == "__module__":
                raise AttributeError(name)
            return object.__getattribute__(self, name)

    assert message(TypeError, lambda: operation(Untold())) == (
        f"np.floor does not record on a Tensor. {ADVICE}"
    )


def test_a_setting_that_does_not_record_is_refused():
    t = leaf(x23)
    for call in (
        lambda: np.sum(t, dtype=np.float32),
        lambda: np.sum(t, None, np.float32),
    ):
        assert message(TypeError, call).startswith(
            "sum has no argument 'dtype'. Write t.astype(dtype)"
        )
    assert message(TypeError, lambda: np.max(t, out=np.zeros(()))).startswith(
        "max has no argument 'out'. A recorded value never changes"
    )
    assert message(TypeError, lambda: np.mean(t, where=x23 > 0)) == (
        "mean has no argument 'where'. Write np.where(mask, t, 0) first."
    )


def test_an_argument_of_pytorchs_says_what_it_is_called_here():
    t = leaf(x23)
    assert message(TypeError, lambda: t.sum(dim=0)) == ("sum has no argument 'dim'. Write axis=.")
    assert message(TypeError, lambda: bp.max_pool2d(t, kernel_size=2)) == (
        "max_pool2d has no argument 'kernel_size'. Write size=."
    )


def test_adding_to_an_array_in_place_is_refused():
    a = np.zeros((2, 3))
    with pytest.raises(TypeError) as caught:
        a += leaf(x23)
    assert str(caught.value) == f"np.add does not record with out=. {ADVICE}"
    assert not a.any()


@pytest.mark.parametrize(
    "convert",
    [
        np.asarray,
        np.array,
        lambda t: np.array([t, t]),
        lambda t: np.array([1.0, t]),
        lambda t: np.asarray(t, dtype=np.float32),
        lambda t: np.zeros(3)[t],
        lambda t: x23.dot(t),
    ],
)
@pytest.mark.parametrize("value", [1.0, [1.0, 2.0, 3.0]], ids=["scalar", "vector"])
def test_converting_to_an_array_is_refused(convert, value):
    t = leaf(value, "w")
    assert message(TypeError, lambda: convert(t)) == (
        f"converting w with shape {t.shape} to an array would lose its record. Use t.data for the "
        "value, t.item() for a number; or record a step with an operation, such as "
        "bp.stack([a, b])."
    )


# What Python asks of an object


def test_iteration_and_length():
    t = leaf(x23)
    assert len(t) == 2
    first, second = t
    assert first.data.tolist() == x23[0].tolist()
    assert bp.grad((second * 3.0).sum(), t).tolist() == [[0.0] * 3, [3.0] * 3]
    assert [entry.item() for entry in first] == x23[0].tolist()
    text = "w with shape () has no axis, so it has no length. Its array is t.data."
    assert message(TypeError, lambda: len(leaf(1.0, "w"))) == text
    assert message(TypeError, lambda: list(leaf(1.0, "w"))) == text


def test_one_entry_is_a_truth_value():
    for value in (0.0, 2.5, [[2.5]], [0.0]):
        assert bool(leaf(value)) is bool(np.array(value))
    with pytest.raises(ValueError, match="ambiguous"):
        bool(leaf(x23))


@pytest.mark.parametrize("value", [2.75, [2.75], [[2.75]], np.float32(2.75), 3])
def test_one_entry_is_a_number(value):
    t, number = leaf(value), np.asarray(value, float).item()
    assert (float(t), int(t), round(t), round(t, 1)) == (
        number,
        int(number),
        round(number),
        round(number, 1),
    )
    assert type(float(t)) is float
    assert type(int(t)) is type(round(t)) is int
    assert f"{t:.3f}" == "%.3f" % t == f"{number:.3f}"  # noqa: UP031
    assert math.sqrt(float(t)) == math.sqrt(number)
    assert np.float64(t) == number


def test_integers_are_exact():
    assert int(bp.tensor(2**62 + 1)) == 2**62 + 1
    assert f"{bp.tensor(7):03d}" == "007"


def test_several_entries_are_no_number():
    t = leaf([1.0, 2.0], "w")
    for convert in (float, int, round, math.exp):
        assert message(TypeError, lambda convert=convert: convert(t)) == (
            "w with shape (2,) has 2 entries, so it is not one number. Reduce it, as with t.sum(), "
            "or use its value, t.data."
        )
    assert message(TypeError, lambda: f"{t:.3f}") == (
        "w with shape (2,) has 2 entries, and the format '.3f' is for one number. Format t.data."
    )
    assert f"{t}" == str(t)


def test_questions_about_the_value_have_plain_answers():
    t, value = leaf(x23), x23
    for name in ("all", "any", "argmax", "argmin", "argsort", "tolist"):
        assert np.array_equal(getattr(t, name)(), getattr(value, name)())
    assert t.argmax(axis=0).tolist() == value.argmax(axis=0).tolist()
    assert type(t.argsort(axis=1)) is np.ndarray
