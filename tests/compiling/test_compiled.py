"""Compiled functions: they agree with eager ones, share no memory, and refuse to freeze a value."""

import itertools
import operator
import sys
import threading
from collections import OrderedDict
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.arguments import parts

from ..rules.cases import each, trials_of
from ..sweeps import examples, sample
from ..test_random_programs import search
from .agreement import (
    ENTRIES,
    OF_OTHER_TYPES,
    check,
    check_program_of_types,
    check_trial,
    check_trial_of_types,
    function_of_program,
)

#: Those whose packages are installed.
BACKENDS = ["numpy", *(name for name in ("numba", "jax") if find_spec(name))]


def network(W1, W2, W3, x, y):
    a2 = bp.sigmoid(W2 @ bp.sigmoid(W1 @ x))
    return bp.square_sum(y - bp.softmax(W3 @ a2, axis=0))


def arrays_for(widths=(5, 4, 3, 6), batch=2, seed=0):
    rng = np.random.default_rng(seed)
    n0, n1, n2, n3 = widths
    return [rng.normal(size=s) for s in ((n1, n0), (n2, n1), (n3, n2), (n0, batch), (n3, batch))]


# ---- They agree ----


@pytest.mark.parametrize("name", ENTRIES)
def test_every_operation(name):
    each(trials_of(name), check_trial)


@pytest.mark.sweep
@pytest.mark.parametrize("name", ENTRIES)
def test_every_operation_on_operands_of_other_types(name):
    turn = itertools.count(ENTRIES.index(name))

    def check_some(trial):  # four cases are tried on all types between them
        first = next(turn) % len(OF_OTHER_TYPES)
        kinds = [*OF_OTHER_TYPES][first:] + [*OF_OTHER_TYPES][:first]
        check_trial_of_types(trial, kinds=sample(kinds, 4))

    each(trials_of(name), check_some)


@pytest.mark.sweep
def test_random_programs_on_operands_of_other_types():
    search(lambda program: check_program_of_types(program), examples(100))


def test_least_squares_say_what_to_compile():
    a, b = np.array([[1.0, 2.0], [3.0, 5.0], [2.0, 1.0]]), np.ones(3)
    with pytest.raises(TypeError, match=r"^lstsq cannot be compiled: .*pinv\(a\) @ b"):
        bp.compile(lambda a, b: bp.linalg.lstsq(a, b)[0].sum())(a, b)
    check(lambda a, b: (bp.linalg.pinv(a) @ b).sum(), [a, b])


@pytest.mark.sweep
def test_random_programs():
    search(lambda program: check(*function_of_program(program)) and None, examples(300))


def test_float32_stays_float32():
    arrays = [a.astype(np.float32) for a in arrays_for()]
    check(network, arrays, tolerance=1e-5)


@pytest.mark.parametrize(
    "name", ["cholesky", "inv", "pinv", "eigvalsh", "svdvals", "det", "eigh", "svd", "slogdet"]
)
def test_a_matrix_is_factored_behind_a_step_whose_result_lies_in_a_buffer(name):
    def f(a):
        found = getattr(bp.linalg, name)(a @ a.mT + 9.0 * np.eye(2))
        return found[1].sum() if isinstance(found, tuple) else found.sum()

    check(f, [np.array([[0.5, -1.0, -2.0], [-2.0, 1.0, 1.5]])])


def test_a_wrong_program_is_seen(monkeypatch):
    monkeypatch.setattr(bp.compile(network).backend.np, "dot", np.multiply)
    with pytest.raises((AssertionError, ValueError)):
        check(network, arrays_for((3, 3, 3, 3), 3))


# ---- Arguments and results ----


def test_the_structure_is_that_of_value_and_grad():
    arrays = arrays_for()
    for wrt in (0, 1, [0], [2, 0], (0, 1, 2)):
        value, gradients = bp.compile(network, wrt=wrt)(*arrays)
        expected, of_eager = bp.value_and_grad(network, wrt)(*arrays)
        assert type(gradients) is type(of_eager)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        if isinstance(wrt, int):
            gradients, of_eager = [gradients], [of_eager]
        for g, e in zip(gradients, of_eager, strict=True):
            np.testing.assert_allclose(g, e, rtol=1e-9)


def test_parameters_in_a_dictionary():
    def loss(parameters, x):
        return bp.square_sum(parameters["W"] @ x + parameters["layers"][0])

    W, b, x = np.ones((2, 3)), np.array([[1.0], [2.0]]), np.ones((3, 4))
    value, g = bp.compile(loss)({"W": W, "layers": [b]}, x)
    assert value == 4 * (16 + 25)
    np.testing.assert_array_equal(g["W"], 8 * np.array([[4.0] * 3, [5.0] * 3]))
    np.testing.assert_array_equal(g["layers"][0], 8 * np.array([[4.0], [5.0]]))


class Pair(NamedTuple):
    W: Any
    b: Any


@pytest.mark.parametrize(
    "make",
    [
        lambda W, b: [W, b],
        lambda W, b: (b, [W]),
        lambda W, b: {"W": W, 3: {"b": b}},
        lambda W, b: OrderedDict(W=W, b=b),
        lambda W, b: [W, 2.0],
        Pair,
        lambda W, b: [np.float32(1.0), np.float32(2.0)],  # data
        lambda W, b: [[1.0, 2.0], [3.0, 4.0]],
    ],
)
def test_structures_are_those_of_value_and_grad(make):
    def loss(given):
        return sum((k + 1.0) * (x**2).sum() for k, x in enumerate(parts(given)))

    given = make(np.ones((2, 3)), np.array([1.0, 2.0]))
    compiled = bp.compile(loss)
    for _ in range(2):
        value, g = compiled(given)
        expected, of_eager = bp.value_and_grad(loss)(given)
        assert value == expected
        assert len(g) == len(of_eager)
        for a, b in zip(parts(g), parts(of_eager), strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_derivative_inside_by_a_list():
    def step(weights, x):
        value, gradients = bp.value_and_grad(lambda w: ((w[0] @ x + w[1]) ** 2).sum())(weights)
        return value, [w - 0.1 * g for w, g in zip(weights, gradients, strict=True)]

    weights, x = [np.ones((2, 3)), np.array([1.0, 2.0])], np.array([1.0, 2.0, 3.0])
    value, (W, b) = bp.compile(step, wrt=None)(weights, x)
    assert value == 7.0**2 + 8.0**2
    np.testing.assert_allclose(b, [1.0 - 1.4, 2.0 - 1.6])
    np.testing.assert_allclose(W, 1.0 - 0.2 * np.outer([7.0, 8.0], x))


def test_without_gradients_it_returns_what_the_function_returns():
    def statistics(x, scale):
        return {"mean": x.mean() * scale, "rows": [x.sum(axis=0), x]}

    x = np.arange(6.0).reshape(2, 3)
    found = bp.compile(statistics, wrt=None)(x, 2.0)
    assert found["mean"] == 5.0
    np.testing.assert_array_equal(found["rows"][0], [3.0, 5.0, 7.0])
    np.testing.assert_array_equal(found["rows"][1], x)
    assert not np.shares_memory(found["rows"][1], x)


def test_anomaly_detection_leaves_the_structure():
    for function in (
        lambda x: {"a": [np.exp(x).sum()]},
        lambda x: [x.sum(), (x.max(), 2.0)],
        lambda x: [np.float64(1.0), np.float64(2.0)],
        lambda x: ([[1.0, 2.0], [3.0, 4.0]], x),
    ):
        compiled = bp.compile(function, wrt=None)
        with bp.detect_anomaly():
            watched = repr(compiled(X))
        assert repr(compiled(X)) == watched


def test_a_result_that_is_returned_twice_is_not_written_over():
    def function(x):
        doubled = x * 2.0
        return doubled, doubled.T, np.exp(x * 3.0 * x).sum()

    x = np.arange(6.0).reshape(2, 3)
    compiled = bp.compile(function, wrt=None)
    for _ in range(2):
        doubled, turned, _ = compiled(x)
        np.testing.assert_array_equal(doubled, 2.0 * x)
        np.testing.assert_array_equal(turned, 2.0 * x.T)
        assert not np.shares_memory(doubled, turned)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(3, 4), (1, 4), ()])
def test_choosing_between_entries_and_zero_is_exact(dtype, shape):
    rng = np.random.default_rng(0)
    x = rng.choice([np.inf, -np.inf, np.nan, -0.0, 0.5], shape).astype(dtype)
    mask = rng.random((3, 4)) > 0.5
    compiled = bp.compile(lambda mask, x: np.copysign(1.0, np.where(mask, x, 0.0)), wrt=None)
    chosen = bp.compile(lambda mask, x: np.where(mask, x, 0.0) - 0.0 * mask, wrt=None)
    for turned in (False, True):
        given = (mask.T, x.T) if turned else (mask, x)
        expected = np.where(*given, dtype(0.0))
        np.testing.assert_array_equal(compiled(*given), np.copysign(dtype(1.0), expected))
        np.testing.assert_array_equal(chosen(*given), expected - 0.0 * given[0])
    assert "kept(" in compiled.source


def test_derivatives_inside():
    def hessian_times_v(x, v):
        slope = bp.grad((x * x * x).sum(), x, create_graph=True)
        return (slope * v).sum()

    check(hessian_times_v, [np.array([1.0, 2.0]), np.array([1.0, 10.0])])


def test_gradients_inside_that_are_not_differentiated():
    def loss(x):  # the slope counts as a constant
        return (bp.grad((x**3).sum(), x) * x).sum()

    def product(x):
        return bp.hvp(lambda y: (y**3).sum(), x, 2.0 * x.data).sum()

    for function in (loss, product):
        check(function, [np.array([1.0, 2.0])])
        check(function, [np.array([1.0, 2.0], np.float32)], tolerance=1e-6)


def test_backward_inside():
    def step(x):
        w = bp.tensor(x, requires_grad=True)
        (w**3).sum().backward()
        (w**2).sum().backward()
        return x - 0.1 * w.grad

    step, x = bp.compile(step, wrt=None), np.array([1.0, 2.0])
    for x in (np.array([1.0, 2.0]), np.array([3.0, -1.0])):
        np.testing.assert_allclose(step(x), x - 0.1 * (3 * x**2 + 2 * x))


def test_lists_numbers_and_other_memory_layouts():
    square = bp.compile(lambda x: (x * x).sum())
    for x in ([1.0, 2.0], [1, 2], np.array([1.0, 9.0, 2.0])[::2], np.array([1.0, 2.0], ">f8")):
        value, g = square(x)
        assert (value, g.tolist()) == (5.0, [2.0, 4.0])
    value, g = square(3)
    assert (value, g) == (9.0, 6.0)


def test_a_python_number_adopts_the_precision_of_arrays():
    step = bp.compile(lambda w, lr: w - lr * w, wrt=None)
    assert step(np.ones(2, np.float32), 0.1).dtype == np.float32


def test_what_is_computed_of_python_numbers_is_one():
    for backend in BACKENDS:
        step = bp.compile(lambda w, lr, n: w - (-lr * 2 + n**2) / n * w, backend, None)
        found = step(np.ones(2, np.float32), 0.5, 2)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, [-0.5, -0.5])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.max(x, where=x > 1, initial=-np.inf),
        lambda x: np.ldexp(x, 3),
        lambda x: bp.where(x.astype(int) < 2.0, x, 2 * x),
        lambda x: bp.where((x > 1) > 0.5, x, 2 * x),
        lambda x: (x > 1) ** 2,
    ],
)
def test_operands_that_are_no_floats(function):
    x = np.array([3.0, 1.0, 2.0])
    for backend in BACKENDS:
        found = np.asarray(bp.compile(function, backend, None)(x))
        np.testing.assert_array_equal(found, function(x))
        assert found.dtype == function(x).dtype


@pytest.mark.parametrize(
    "of_classes", [bp.cross_entropy, lambda z, k: bp.nn.nll_loss(bp.log_softmax(z), k)]
)
def test_class_numbers_as_an_argument(of_classes):
    def loss(W, x, labels):
        return of_classes(x @ W, labels)

    W, x, labels = np.ones((3, 4)), np.arange(6.0).reshape(2, 3), np.array([0, 3])
    compiled = bp.compile(loss)
    for given in (labels, labels[::-1]):
        value, g = compiled(W, x, given)
        expected, of_eager = bp.value_and_grad(loss)(W, x, given)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        np.testing.assert_allclose(g, of_eager, rtol=1e-12)
    assert len(compiled.versions) == 1


@pytest.mark.parametrize("labels", [[0, 3], [0, 0], [2, 1]])
@pytest.mark.parametrize(
    "how", [{}, {"label_smoothing": 0.1}, {"weight": np.arange(1.0, 5.0)}, {"reduction": "sum"}]
)
def test_class_numbers_that_do_not_count(how, labels):
    def loss(z, labels):
        return bp.cross_entropy(z, labels, ignore_index=3, **how)

    z, compiled = np.arange(8.0).reshape(2, 4) ** 2, bp.compile(loss)
    compiled(z, np.array([1, 2]))  # it is written for these, of which both count
    value, g = compiled(z, np.array(labels))
    expected, of_eager = bp.value_and_grad(loss)(z, np.array(labels))
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(g, of_eager, rtol=1e-12, atol=1e-12)


def test_rows_of_a_table_as_an_argument():
    def loss(table, rows):
        return bp.square_sum(bp.embedding(table, rows))

    compiled, table = bp.compile(loss), np.arange(6.0).reshape(3, 2)
    for rows in ([0, 0, 2], [1, 1, 1]):
        g = compiled(table, np.array(rows))[1]
        np.testing.assert_array_equal(g, bp.value_and_grad(loss)(table, np.array(rows))[1])


# ---- One program for each combination of shapes and dtypes ----


def test_it_is_traced_once_for_each_combination():
    runs = []

    def square(x):
        runs.append(x.shape)
        return (x * x).sum()

    compiled = bp.compile(square)
    for n in (2, 3, 2, 3, 3):
        compiled(np.ones(n))
    assert runs == [(2,), (2,), (3,), (3,)]  # each runs twice, to see that both are alike
    compiled(np.ones(2, np.float32))
    assert len(compiled.versions) == 3


def test_programs_that_were_not_used_for_long_go():
    compiled = bp.compile(lambda x: (x * x).sum())
    for n in range(1, 41):
        compiled(np.ones(n))
        compiled(np.ones(1))
    assert len(compiled.versions) == 32
    assert any(key[1] == ((1,), np.float64) for key in compiled.versions)


@pytest.mark.parametrize("backend", BACKENDS)
def test_eight_threads(backend):
    compiled = bp.compile(network, backend, [0, 1, 2])
    cases = [arrays_for(batch=2 + seed % 2, seed=seed) for seed in range(8)]
    expected = [bp.value_and_grad(network, [0, 1, 2])(*case) for case in cases]
    wrong = []

    def work(case, right):
        for _ in range(200):
            found = compiled(*case)
            for a, b in zip([found[0], *found[1]], [right[0], *right[1]], strict=True):
                if not np.allclose(a, b, rtol=1e-9, atol=1e-12):
                    wrong.append(case)

    threads = [
        threading.Thread(target=work, args=pair) for pair in zip(cases, expected, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# ---- What would be frozen is refused ----


def refused(function, *args, kind=TypeError, wrt=0):
    with pytest.raises(kind) as caught:
        bp.compile(function, wrt=wrt)(*args)
    return str(caught.value)


X = np.array([1.0, -2.0])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x if x.sum() > 0 else -x).sum(),
        lambda x: x.sum() * float(x.data[0]),
        lambda x: x.sum() * int(x.detach().data[0]),
        lambda x: x.sum() * x[0].item(),
        lambda x: x.sum() * np.asarray(x.data)[0],
        lambda x: x.sum() * len([i for i in range(2) if x.data[i] > 0]),
        lambda x: x[np.nonzero(x.data)[0].tolist()].sum(),
        lambda x: x.sum() if x.any() else x.mean(),
        lambda x: x.sum() * x.data.max().tolist(),
        lambda x: x.sum() * range(3)[x.data.argmax()],
    ],
    ids=range(10),
)
def test_control_flow_on_values(function):
    text = refused(function, X)
    assert "compiled" in text or "record" in text


def test_the_sentence():
    assert refused(lambda x: x.sum() if x.sum() > 0 else -x.sum(), X) == (
        "a condition needs the value of an array of shape (), and an array has no value while a "
        "function is compiled: the result would be the same in every call. Choose entry by entry "
        "with bp.where(condition, a, b); or do this in a function that is not compiled."
    )


@pytest.mark.parametrize(
    ("function", "other"),
    [
        (lambda x: x[x > 0].sum(), ()),
        (lambda x: (x[x.data > 0] ** 2).sum() / x[x.data > 0].size, ()),
        (lambda x: x.sum() * np.unique(x.data).size, ()),
        (lambda x: x.sum() * len(np.flatnonzero(x.data > 0)), ()),
        (lambda x, n: x.sum() * np.reshape(x, (n, -1)).shape[0], (2,)),
        (lambda x, n: np.sum(x.reshape(2, 1), axis=n).max(), (1,)),
        (lambda x, n: np.repeat(x, n).mean(), (np.array([1, 2]),)),
    ],
    ids=range(7),
)
def test_shapes_that_depend_on_values(function, other):
    assert "the shape that" in refused(function, X, *other)


def test_a_shape_that_depends_on_values_inside_of_an_operation():
    def loss(x, n):
        return (bp.softmax(x, axis=n) ** 2).sum()

    x, compiled = np.arange(6.0).reshape(2, 3), bp.compile(loss)
    for n in (0, 1):
        np.testing.assert_allclose(compiled(x, n)[1], bp.value_and_grad(loss)(x, n)[1])


def test_a_choice_entry_by_entry_is_none():
    def loss(x):
        return (np.where(x > 0, x, 2 * x * x) * (x.data < 5)).sum()

    compiled = check(loss, [X])
    for x in (X, -X, 3 * X):
        np.testing.assert_array_equal(compiled(x)[1][0], bp.value_and_grad(loss)(x)[1])


def test_random_draws():
    rng = np.random.default_rng(0)
    assert "dropout" in refused(lambda x: bp.dropout(x, 0.5, rng).sum(), X, kind=ValueError)


def test_a_parameter_that_is_no_argument():
    w = bp.tensor(X, requires_grad=True, name="w")
    for wrt in (0, None):
        assert "w with shape (2,)" in refused(lambda x: (w * x).sum(), X, kind=ValueError, wrt=wrt)
    assert bp.compile(lambda x: (w.detach() * x).sum())(X)[0] == 5.0


def test_an_array_from_outside_is_as_it_was_at_first():
    scale = np.array([2.0, 3.0])
    compiled = bp.compile(lambda x: (x * scale).sum())
    assert compiled(X)[0] == -4.0
    scale[0] = 100.0
    assert compiled(X)[0] == -4.0


def test_a_value_that_a_tensor_outside_would_keep():
    mean = bp.tensor(0.0, name="mean")

    def loss(x):
        mean.data = x.data.mean()
        return x.sum()

    assert "mean with shape ()" in refused(loss, X)


def test_a_gradient_that_a_tensor_outside_would_keep():
    w = bp.tensor(X, requires_grad=True, name="w")

    def loss(x):
        (w * x).sum().backward()
        return x.sum()

    for _ in range(2):
        assert "w with shape (2,)" in refused(loss, X)
        assert w.grad is None
        w.zero_grad()


def test_writing_into_an_array():
    def added(x):
        x.data[0] = 1.0

    for function in (lambda x: operator.iadd(x.data, 1.0), added):
        assert "writes into an array" in refused(function, X)
    text = "turning it into a number or a plain array"
    assert text in refused(lambda x: x.sum() * np.asarray(x.data)[0], X)


def test_other_misuse(monkeypatch):
    assert "t.data" in refused(lambda x: x.sum(), bp.tensor(X))
    assert "not a Tensor" in refused(lambda x: 1.0, X)
    assert "one number" in refused(lambda x: x, X, kind=ValueError)
    assert "no argument 2" in refused(lambda x: x.sum(), X, kind=ValueError, wrt=2)
    with pytest.raises(ValueError, match="'numpy'"):
        bp.compile(network, backend="abacus")
    for call, said in (
        (lambda: bp.compile(network, argnums=1), "Write wrt="),
        (lambda: bp.compile(network, mode="default"), "compile has no argument 'mode'"),
        (lambda: bp.compile(network, wrt="W1"), "wrt is the number of an argument"),
        (lambda: bp.compile(X), "compile takes a function"),
        (lambda: bp.compile(bp.nn.Linear(2, 1)), "is a model. Compile one that calls bp.nn.functi"),
        (lambda: bp.compile(network)(W1=X), "arguments by position, and not as W1="),
    ):
        with pytest.raises(TypeError, match=said):
            call()
    monkeypatch.setitem(sys.modules, "tinygrad_bp.compiling.numba_text", None)
    with pytest.raises(ImportError, match=r"pip install numba scipy"):
        bp.compile(network, backend="numba")
    with pytest.raises(ValueError, match="first call"):
        _ = bp.compile(network).source


def test_an_operation_of_the_users_that_looks_at_entries():
    @bp.primitive
    def halved_if_large(x):
        return x / 2 if x.sum() > 1 else x

    @halved_if_large.backward
    def _(out, x):
        return lambda g: g / 2 if x.sum() > 1 else g

    compiled = bp.compile(lambda x: (halved_if_large(x) * x).sum())
    for x in (np.array([1.0, 2.0]), np.array([0.1, 0.2])):
        np.testing.assert_allclose(
            compiled(x)[1], bp.value_and_grad(lambda x: (halved_if_large(x) * x).sum())(x)[1]
        )
    assert "halved_if_large(" in compiled.source


# ---- What can be read ----


def test_the_program_can_be_read():
    compiled = bp.compile(network, wrt=[0, 1, 2])
    compiled(*arrays_for())
    assert "dot(a0, a3, out=b0)" in compiled.source
    text = compiled.explain_passes()
    assert text.startswith("traced, 41 instructions")
    assert "simplify: " in text
    assert "v6 = minimum(v5, 80.0)  # float64 (4, 2)" in text


# ---- A whole step of training ----


def training(optimizer, count):
    """Return a step: weights, states, a batch and a rate to the loss and the next of these."""

    def step(weights, states, x, labels, lr):
        def loss(W1, b1, W2, b2):
            return bp.cross_entropy(bp.relu(x @ W1 + b1) @ W2 + b2, labels)

        value, gradients = bp.value_and_grad(loss, range(count))(*weights)
        updated = [
            optimizer.update(w, g, state, lr)
            for w, g, state in zip(weights, gradients, states, strict=True)
        ]
        return value, [w for w, _ in updated], [state for _, state in updated]

    return step


@pytest.mark.parametrize(
    "make",
    [
        lambda parameters: bp.optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True),
        lambda parameters: bp.optim.RMSProp(parameters, lr=0.01),
        lambda parameters: bp.optim.Adam(parameters, lr=0.01),
        lambda parameters: bp.optim.AdamW(parameters, lr=0.01),
    ],
)
def test_a_step_of_training(make):
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape) for shape in ((5, 4), (4,), (4, 3), (3,))]
    optimizer = make([bp.tensor(w, requires_grad=True) for w in weights])
    step = bp.compile(training(optimizer, 4), wrt=None)
    states, lr = optimizer.states, optimizer.lr
    for _ in range(5):
        x, labels = rng.normal(size=(6, 5)), rng.integers(0, 3, 6)
        value, weights, states = step(weights, states, x, labels, lr)
        optimizer.zero_grad()
        W1, b1, W2, b2 = optimizer.parameters
        loss = bp.cross_entropy(bp.relu(x @ W1 + b1) @ W2 + b2, labels)
        loss.backward()
        optimizer.step()
        np.testing.assert_allclose(value, loss.item(), rtol=1e-12)
        for w, p in zip(weights, optimizer.parameters, strict=True):
            np.testing.assert_allclose(w, p.data, rtol=1e-10, atol=1e-13)
