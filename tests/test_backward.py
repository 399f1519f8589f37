"""The reverse sweep: every contribution once, nothing left behind, and errors that teach."""

import gc
import sys
import threading
import weakref

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.differences import jacobian_difference, relative_difference

from .sweeps import THOROUGH


def leaf(data, name=None):
    return bp.tensor(data, requires_grad=True, name=name)


def message(error, call):
    """Return the whole text of the error that a call raises, and that of the error behind it."""
    with pytest.raises(error) as caught:
        call()
    return str(caught.value), str(caught.value.__cause__)


def tensors_of(output):
    """Return every tensor that an output was computed from, and itself."""
    found, frontier = {}, [output]
    while frontier:
        tensor = frontier.pop()
        if tensor.id not in found:
            found[tensor.id] = tensor
            frontier += [x for x in tensor.inputs if x is not None]
    return list(found.values())


def residual_network():
    """Return the weights and the loss of a network in which nearly everything is used twice."""
    rng = np.random.default_rng(0)
    W, V = leaf(rng.normal(size=(3, 3)), "W"), leaf(rng.normal(size=(3, 3)), "V")
    b = leaf(rng.normal(size=(3, 1)), "b")
    h = bp.tensor(rng.normal(size=(3, 4)))
    for _ in range(3):
        z = W @ h + b
        h = h + bp.sigmoid(z) * z - V @ bp.softmax(h, axis=0)
    return [W, V, b], bp.square_sum(h) + bp.square_sum(W) + (b * b).sum()


# Contributions


def test_b_is_a_plus_a_and_c_is_b_plus_b():
    a = leaf(1.0)
    b = a + a
    c = b + b
    c.backward()
    assert a.grad == 4.0


def test_x_times_x_has_two_inputs():
    x = leaf(3.0)
    y = x * x
    assert len(y.inputs) == 2
    assert y.inputs[0] is x
    assert y.inputs[1] is x
    y.backward()
    assert x.grad == 6.0


def test_every_path_counts_and_every_rule_runs_once():
    calls = []

    @bp.primitive
    def same(x):
        return x * 1.0

    @same.backward
    def _(out, x):
        calls.append(out)
        return lambda g: g

    x = leaf(1.0)
    y = x
    for _ in range(10):  # 2**10 paths
        z = same(y)
        y = z + same(z)
    y.backward()
    assert x.grad == 2.0**10
    assert len(calls) == 20


def test_a_tensor_is_finished_only_when_all_its_contributions_have_arrived():
    # y = a (a + 1)^2 with a = 2x, so dy/dx = 2 ((a + 1)^2 + 2a (a + 1)); a is used early and late.
    x = leaf(1.5)
    a = 2 * x
    b = a + 1
    y = a * b * b
    assert bp.grad(y, x) == 2 * (16 + 2 * 3 * 4)


@pytest.mark.parametrize(
    ("shape", "other"),
    [
        ((), (2, 3)),
        ((1,), (2, 3)),
        ((3,), (2, 3)),
        ((2, 1), (2, 3)),
        ((1, 1), (2, 3)),
        ((2, 3), (4, 2, 3)),
        ((4, 1, 3), (2, 1)),
        ((1, 3), (0, 3)),
    ],
)
@pytest.mark.parametrize("combine", [np.add, np.subtract, np.multiply, np.divide])
def test_what_was_broadcast_is_summed_back(combine, shape, other):
    rng = np.random.default_rng(0)
    a, b = leaf(rng.uniform(1, 2, shape)), leaf(rng.uniform(1, 2, other))
    weights = rng.normal(size=np.broadcast_shapes(shape, other))
    loss = (combine(a, b) * weights).sum()
    for x in (a, b):
        values = [a.data, b.data]
        position = 0 if x is a else 1

        def f(value, values=values, position=position):
            values[position] = value
            return np.sum(combine(*values) * weights)

        found = bp.grad(loss, x)
        assert found.shape == x.shape
        assert relative_difference(found, jacobian_difference(f, x.data)) < 1e-9


def test_only_what_needs_a_gradient_gets_one():
    x, constant = leaf(2.0), bp.tensor(3.0)
    loss = x * constant + constant * constant
    loss.backward()
    assert x.grad == 3.0
    assert constant.grad is None


def test_a_closure_that_is_not_needed_is_not_called():
    @bp.primitive
    def left(a, b):
        return a * b

    @left.backward
    def _(out, a, b):
        def fail(g):
            raise AssertionError("this gradient was not asked for")

        return lambda g: g * b, fail

    x = leaf(2.0)
    assert bp.grad(left(x, bp.tensor(3.0)), x) == 3.0


def test_backward_from_a_leaf():
    x = leaf([1.0, 2.0])
    x.backward(gradient=[3.0, 4.0])
    assert x.grad.tolist() == [3.0, 4.0]
    y = leaf(1.0)
    y.backward()
    assert y.grad == 1.0


# Running it twice


def test_a_second_backward_doubles_the_leaf_gradients_bitwise():
    weights, loss = residual_network()
    loss.backward()
    first = [W.grad.copy() for W in weights]
    loss.backward()
    for W, gradient in zip(weights, first, strict=True):
        assert gradient.all()
        assert np.array_equal(W.grad, 2 * gradient)


def test_backward_changes_nothing_but_the_leaf_gradients():
    weights, loss = residual_network()
    nodes = tensors_of(loss)
    slots = [
        name for name in bp.Tensor.__slots__ if name not in ("_grad", "recorded_at", "__weakref__")
    ]
    before = [[getattr(node, name) for name in slots] for node in nodes]
    values = [node.data.copy() for node in nodes]
    loss.backward()
    assert [node.name for node in nodes if node._grad is not None] == [
        node.name for node in nodes if any(node is W for W in weights)
    ]
    for node, kept, value in zip(nodes, before, values, strict=True):
        assert all(getattr(node, name) is old for name, old in zip(slots, kept, strict=True))
        assert np.array_equal(node.data, value)


def test_grad_writes_nothing_at_all():
    weights, loss = residual_network()
    found = bp.grad(loss, weights)
    assert all(node._grad is None for node in tensors_of(loss))
    loss.backward()
    for W, gradient in zip(weights, found, strict=True):
        assert np.array_equal(W.grad, gradient)


def test_gradients_of_several_losses_add_up():
    x = leaf([1.0, 2.0])
    (x * 3.0).sum().backward()
    first = x.grad
    (x * x).sum().backward()
    assert first.tolist() == [3.0, 3.0]  # the array given out before has not changed
    assert x.grad.tolist() == [5.0, 7.0]


def test_a_rule_that_fails_leaves_no_gradient_half_done():
    @bp.primitive
    def broken(x):
        return x * 2

    @broken.backward
    def _(out, x):
        raise ArithmeticError("the rule failed")

    x, y = leaf(1.0), leaf(1.0)
    early = broken(x)
    loss = early + y
    with pytest.raises(ArithmeticError):
        loss.backward()
    assert x.grad is None
    assert y.grad is None


# Nothing can change a gradient afterwards


def test_an_array_changed_after_it_was_used_cannot_change_a_gradient():
    arrays = {name: np.array([[2.0, 3.0], [4.0, 5.0]]) for name in ("leaf", "left", "right", "g")}
    x = leaf(arrays["leaf"])
    y = arrays["left"] @ (x * x) * arrays["right"]
    expected = bp.grad(y, x, gradient=arrays["g"].copy())
    y.backward(gradient=arrays["g"])
    for array in arrays.values():
        array[:] = 99.0
    assert np.array_equal(x.grad, expected)
    assert np.array_equal(bp.grad(y, x, gradient=[[2.0, 3.0], [4.0, 5.0]]), expected)


def test_a_rule_that_writes_into_g_cannot_change_the_gradient_of_another_tensor():
    @bp.primitive
    def double(x):
        return 2 * x

    @double.backward
    def _(out, x):
        def closure(g):
            g *= 2  # g is what y below receives too
            return g

        return closure

    x, y = leaf([1.0, 1.0]), leaf([1.0, 1.0])
    loss = ((double(x) + y) * np.array([3.0, 4.0])).sum()
    try:
        found = bp.grad(loss, [x, y])
    except ValueError:  # g is read-only: fine
        return
    assert found[0].tolist() == [6.0, 8.0]
    assert found[1].tolist() == [3.0, 4.0]


# No reference cycles


def survivors(use):
    """Say how many tensors of a graph outlive their last use with the garbage collector off."""
    collecting = gc.isenabled()
    gc.disable()
    try:

        def build_and_use():
            weights, loss = residual_network()
            watched = [weakref.ref(t) for t in tensors_of(loss)]
            watched += [weakref.ref(t.data) for t in tensors_of(loss)]
            use(weights, loss)
            return watched

        return sum(reference() is not None for reference in build_and_use())
    finally:
        if collecting:
            gc.enable()


def use_and_fail(weights, loss):
    @bp.primitive
    def broken(x):
        return x * 2

    @broken.backward
    def _(out, x):
        raise ArithmeticError("the rule failed")

    try:
        (broken(loss) + loss).backward()
    except ArithmeticError:
        return
    raise AssertionError("the rule did not fail")


def fail_forward(weights, loss):
    try:
        weights[0] @ bp.tensor(np.ones(7))
    except ValueError:
        return
    raise AssertionError("the shapes do not fit")


USES = {
    "nothing": lambda weights, loss: None,
    "backward": lambda weights, loss: loss.backward(),
    "backward twice": lambda weights, loss: (loss.backward(), loss.backward()),
    "grad": lambda weights, loss: bp.grad(loss, weights),
    "grad of the loss": lambda weights, loss: bp.grad(loss, loss),
    "second order": lambda weights, loss: bp.grad(
        bp.grad(loss, weights[0], create_graph=True).sum(), weights
    ),
    "a rule that fails": use_and_fail,
    "a forward function that fails": fail_forward,
    "repr": lambda weights, loss: repr(loss),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_graph_is_freed_with_the_garbage_collector_off(use):
    assert survivors(use) == 0


def test_the_test_above_sees_a_cycle():
    def make_a_cycle(weights, loss):
        weights[0].params = {"loss": loss}

    assert survivors(make_a_cycle) > 0
    gc.collect()


@pytest.mark.sweep
def test_a_long_chain_runs_backward_and_is_freed():
    length = 1_000_000 if THOROUGH else 150_000
    assert length > 100 * sys.getrecursionlimit()
    collecting = gc.isenabled()
    gc.disable()
    try:
        x = leaf(3.0)
        y = x
        watched = []
        for i in range(length):
            y = -y
            if i % 10_000 == 0:
                watched.append(weakref.ref(y))
        y.backward()
        assert x.grad == 1.0
        del y
        assert all(reference() is None for reference in watched)
    finally:
        if collecting:
            gc.enable()


# bp.grad


def test_gradients_are_arranged_as_the_inputs():
    x, y = leaf(3.0), leaf(5.0)
    product = x * y
    assert type(bp.grad(product, x)) is np.ndarray
    assert bp.grad(product, x) == 5.0
    assert bp.grad(product, [x, y]) == [5.0, 3.0]
    assert bp.grad(product, (y, x, y)) == (3.0, 5.0, 3.0)
    assert bp.grad(product, [x]) == [5.0]
    assert bp.grad(product, {"x": x, "rest": (y, [x])}) == {"x": 5.0, "rest": (3.0, [5.0])}
    assert bp.grad(product, {}) == {}


def test_a_gradient_that_depends_on_nothing_is_a_constant():
    x = leaf([1.0, 2.0], "x")
    slope = bp.grad((3 * x).sum(), x, create_graph=True)
    assert isinstance(slope, bp.Tensor)
    assert slope.data.tolist() == [3.0, 3.0]
    assert not slope.requires_grad


def test_interior_tensors_and_the_output_itself():
    x = leaf(3.0)
    a = x * x
    b = a * a
    assert bp.grad(b, [a, x, b]) == [18.0, 108.0, 1.0]
    slopes = bp.grad(b, [a, x, b], create_graph=True)
    assert [slope.data for slope in slopes] == [18.0, 108.0, 1.0]


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_input_that_the_output_was_not_computed_from_is_refused_or_has_gradient_zero(
    create_graph, dtype
):
    x, unused = leaf(3.0), leaf(np.ones((2, 3), dtype), "unused")
    later = unused * x
    for other in (unused, later):
        with pytest.raises(ValueError, match=r"the output of multiply .* was not computed from"):
            bp.grad(x * x, other, create_graph=create_graph)
        found = bp.grad(x * x, other, create_graph=create_graph, allow_unused=True)
        assert isinstance(found, bp.Tensor if create_graph else np.ndarray)
        assert found.shape == (2, 3)
        assert found.dtype == other.dtype
        assert not np.any(found.data)


def test_an_input_that_no_gradient_flows_to_was_used_all_the_same():
    x = leaf([1.0, -2.0])
    assert bp.grad((bp.sign(x) + leaf(0.0)).sum(), x).tolist() == [0.0, 0.0]


def test_a_gradient_to_start_from():
    x = leaf([1.0, 2.0, 3.0])
    g = np.array([2.0, 0.5, -1.0])
    for gradient in (g, g.tolist(), bp.tensor(g), g.astype(np.float32), np.array([4, 1, -2]) / 2):
        assert bp.grad(x * x, x, gradient=gradient).tolist() == [4.0, 2.0, -6.0]
    assert bp.grad(bp.square_sum(x), x, gradient=3).tolist() == [6.0, 12.0, 18.0]
    y = x.sum().reshape((1, 1))
    assert bp.grad(y, x).tolist() == [1.0, 1.0, 1.0]  # one entry needs no gradient to start from


def test_with_create_graph_a_gradient_flows_to_the_gradient_started_from():
    # v^T J is linear in v: its derivative by v is J.
    x, v = leaf([1.0, 2.0]), leaf([5.0, 7.0])
    slope = bp.grad(x * x, x, gradient=v, create_graph=True)
    assert bp.grad(slope.sum(), v).tolist() == [2.0, 4.0]


def three_derivatives(f, at):
    """Differentiate a function of one number three times."""
    x = leaf(at)
    first = bp.grad(f(x), x, create_graph=True)
    second = bp.grad(first, x, create_graph=True)
    return first.item(), second.item(), bp.grad(second, x).item()


def sigmoid_derivatives(at):
    a = 1 / (1 + np.exp(-at))
    d = a * (1 - a)
    return d, d * (1 - 2 * a), d * (1 - 6 * d)


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: x**5, lambda t: (5 * t**4, 20 * t**3, 60 * t**2)),
        (lambda x: x * x * x * x, lambda t: (4 * t**3, 12 * t**2, 24 * t)),
        (lambda x: 1 / x, lambda t: (-1 / t**2, 2 / t**3, -6 / t**4)),
        (lambda x: np.log(x), lambda t: (1 / t, -1 / t**2, 2 / t**3)),
        (lambda x: 2**x, lambda t: tuple(np.log(2) ** n * 2**t for n in (1, 2, 3))),
        (bp.sigmoid, sigmoid_derivatives),
        # softmax of (x, 0) is sigmoid(x)
        (lambda x: (bp.softmax(x * np.array([1.0, 0.0])) * [1, 0]).sum(), sigmoid_derivatives),
        (lambda x: bp.square_sum(x * x), lambda t: (4 * t**3, 12 * t**2, 24 * t)),
    ],
    ids=["power", "multiply", "divide", "log", "exponential", "sigmoid", "softmax", "square_sum"],
)
@pytest.mark.parametrize("at", [0.7, 1.3])
def test_derivatives_up_to_the_third_order(f, expected, at):
    assert three_derivatives(f, at) == pytest.approx(expected(at), rel=1e-13)


def test_the_test_above_sees_a_rule_that_forgets_its_history():
    @bp.primitive
    def square(x):
        return x * x

    @square.backward
    def _(out, x):
        return lambda g: g * 2 * getattr(x, "data", x)

    x = leaf(3.0)
    first = bp.grad(square(x) * x, x, create_graph=True)  # 3 x^2; the second derivative is 6 x
    assert first.data == 27.0
    assert bp.grad(first, x) != 18.0


def test_a_leaf_given_a_new_value_is_differentiated_where_it_was_recorded():
    x = leaf(2.0)
    y = x * x * x
    x.data = 100.0
    first = bp.grad(y, x, create_graph=True)
    second = bp.grad(first, x, create_graph=True)
    assert (first.data, second.data, bp.grad(second, x)) == (12.0, 12.0, 6.0)
    first.backward()
    assert x.grad == 12.0


def test_a_leaf_used_at_two_values_is_differentiated_at_each():
    x = leaf(2.0)
    y = x * x
    x.data = 5.0
    z = y + x * x * x  # 2 * 2 + 3 * 5^2, then 2 + 6 * 5
    first = bp.grad(z, x, create_graph=True)
    assert bp.grad(z, x) == 79.0
    assert first.data == 79.0
    assert bp.grad(first, x) == 32.0


def test_the_gradient_with_and_without_a_graph_is_the_same():
    weights, loss = residual_network()
    recorded = bp.grad(loss, weights, create_graph=True)
    for array, tensor in zip(bp.grad(loss, weights), recorded, strict=True):
        assert relative_difference(array, tensor.data) < 1e-14


# float32


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_gradient_has_the_dtype_of_its_tensor(create_graph):
    single = leaf(np.array([1.0, 2.0], np.float32))
    double = leaf([3.0, 4.0])
    mixed = single * double
    assert mixed.dtype == np.float64
    for output in (bp.square_sum(mixed), bp.square_sum(bp.sigmoid(single) / 2 + 1)):
        for x in (single, double, mixed):
            found = bp.grad(output, x, create_graph=create_graph, allow_unused=True)
            assert found.dtype == x.dtype
    bp.square_sum(mixed).backward()
    assert (single.grad.dtype, double.grad.dtype) == (np.float32, np.float64)
    bp.square_sum(mixed).backward()
    assert single.grad.dtype == np.float32


# Recording on and off


def test_no_grad_as_a_block():
    x = leaf(3.0)
    with bp.no_grad():
        y = x * x
    z = x * x
    assert (y.requires_grad, y.primitive, y.inputs, y.operands) == (False, None, (), ())
    assert y.data == 9.0
    assert z.requires_grad
    assert bp.grad(y * x, x) == 9.0  # y is a constant


def test_no_grad_as_a_decorator():
    @bp.no_grad()
    def square(x):
        """Return the square."""
        return x * x

    x = leaf(3.0)
    for _ in range(2):
        assert not square(x).requires_grad
        assert (x * x).requires_grad
    assert square.__doc__ == "Return the square."


def test_no_grad_ends_with_an_exception_and_nests():
    x = leaf(3.0)
    with pytest.raises(ZeroDivisionError), bp.no_grad():
        1 / 0
    assert (x * x).requires_grad
    with bp.no_grad():
        with bp.no_grad():
            pass
        assert not (x * x).requires_grad


def test_no_grad_and_scope_hold_in_their_own_thread_only():
    x, seen = leaf(3.0), []
    inside, looked = threading.Event(), threading.Event()

    def other():
        inside.wait(10)
        y = x * x
        seen.append((y.requires_grad, y.scope))
        with bp.no_grad(), bp.scope("theirs"):
            looked.set()
        y = x * x
        seen.append((y.requires_grad, y.scope))

    thread = threading.Thread(target=other)
    thread.start()
    with bp.no_grad(), bp.scope("mine"):
        inside.set()
        assert looked.wait(10)
        y = x * x
        assert (y.requires_grad, y.scope) == (False, "mine")
        thread.join()
    assert seen == [(True, ""), (True, "")]


def test_scopes_nest_and_mark_leaves_and_results():
    with bp.scope("encoder"):
        x = leaf(1.0)
        with bp.scope("layer 1"):
            y = x * x
        z = x * x
    assert [t.scope for t in (x, y, z, x * x)] == ["encoder", "encoder/layer 1", "encoder", ""]


# Errors, word for word


def test_shapes_that_do_not_fit():
    W, x = bp.tensor(np.ones((3, 2)), name="W1"), bp.tensor(np.ones((4, 1)), name="x")
    needs = "It needs the last axis of a to be as long as the second to last axis of b, or its only"
    text, numpy = message(ValueError, lambda: W @ x)
    assert text == (
        "matmul failed: a is W1 with shape (3, 2), b is x with shape (4, 1). "
        f"{needs} one. ({numpy})"
    )
    text, numpy = message(ValueError, lambda: np.ones((5, 3)) @ (x * 2))
    assert text == (
        "matmul failed: a is an array with shape (5, 3), b is the output of multiply with shape "
        f"(4, 1). {needs} one. ({numpy})"
    )
    text, numpy = message(ValueError, lambda: W + bp.tensor(np.ones(3)))
    assert text == (
        "add failed: a is W1 with shape (3, 2), b is a tensor with shape (3,). It needs shapes "
        f"that broadcast: from the last axis backward, lengths are equal or one is 1. ({numpy})"
    )
    text, numpy = message(ValueError, lambda: bp.softmax(W, axis=2))
    assert text == f"softmax failed: z is W1 with shape (3, 2), axis = 2. ({numpy})"
    text, numpy = message(ValueError, lambda: W.reshape(5))
    assert text == (
        "reshape failed: a is W1 with shape (3, 2), shape = 5. It needs as many entries in the new "
        f"shape as in the old. ({numpy})"
    )


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: x @ 2, "matmul failed: a is x with shape (2,), b is 2."),
        (lambda x: 2.0 @ x, "matmul failed: a is 2.0, b is x with shape (2,)."),
    ],
)
def test_numbers_where_an_array_is_needed(call, text):
    x = bp.tensor([1.0, 2.0], name="x")
    assert message((TypeError, ValueError), lambda: call(x))[0].startswith(text)


def test_backward_of_several_entries_without_a_gradient():
    z = (leaf([1.0, 2.0]) * 2).named("z")
    text = (
        "z with shape (2,) has 2 entries, so its backward pass needs an upstream gradient of that "
        "shape. Pass gradient=, or reduce it to one number first, as with .sum()."
    )
    assert message(ValueError, z.backward)[0] == text
    assert message(ValueError, lambda: bp.grad(z, z))[0] == text
    empty = leaf(np.ones((0, 2))) * 2
    assert message(ValueError, empty.backward)[0].startswith(
        "the output of multiply with shape (0, 2) has 0 entries, so its backward pass needs"
    )


@pytest.mark.parametrize("gradient", [1.0, [1.0], [[1.0, 1.0]], np.ones((2, 1)), [1.0, 1.0, 1.0]])
def test_a_gradient_of_the_wrong_shape(gradient):
    z = (leaf([1.0, 2.0]) * 2).named("z")
    assert message(ValueError, lambda: z.backward(gradient))[0] == (
        f"the upstream gradient has shape {np.shape(gradient)}, and it must have the shape of z "
        "with shape (2,)."
    )


def ragged():
    """Return what NumPy says of ragged data."""
    with pytest.raises(ValueError, match="inhomogeneous") as caught:
        np.array([[1.0, 2.0], [3.0]])
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        (
            [[1.0, 2.0], [3.0]],
            ValueError,
            f"the data is ragged: its rows differ in length, so it is not an array ({ragged()}).",
        ),
        (
            np.array([1.0, None]),
            TypeError,
            "a Tensor holds real numbers, and this data has dtype object. Convert it with "
            "np.array(data, dtype=float).",
        ),
        (
            ["1.0", "2.0"],
            TypeError,
            "a Tensor holds real numbers, and this data has dtype <U3. Convert it with "
            "np.array(data, dtype=float).",
        ),
        (
            np.array(["2026-01-01"], "datetime64[D]"),
            TypeError,
            "a Tensor holds real numbers, and this data has dtype datetime64[D]. Convert it with "
            "np.array(data, dtype=float).",
        ),
        (
            [1.0, 2j],
            TypeError,
            "complex numbers are not supported. Keep the real and the imaginary part as two "
            "tensors.",
        ),
        (
            np.ones(2, np.float16),
            TypeError,
            "floats are float64 or float32 here, not float16. Convert with array.astype(float).",
        ),
    ],
)
@pytest.mark.parametrize("requires_grad", [False, True])
def test_data_that_is_not_real_numbers(data, error, text, requires_grad):
    assert message(error, lambda: bp.tensor(data, requires_grad=requires_grad))[0] == text
    x = leaf([1.0, 2.0])
    assert message(error, lambda: setattr(x, "data", data))[0] == text
    assert message(error, lambda: (x * 2).backward(data))[0] == text
    assert message(error, lambda: x + data)[0] == f"add cannot take its b: {text}"


def test_backward_through_a_tensor_that_needs_no_gradient():
    x, y = bp.tensor(1.0, name="x"), leaf(1.0)
    why = (
        "needs no gradient: none of its leaves was made with requires_grad=True, or it was "
        "computed under no_grad()."
    )
    assert message(ValueError, x.backward)[0] == f"x with shape () {why}"
    with bp.no_grad():
        z = y * y
    for call in (z.backward, lambda: bp.grad(z, y)):
        assert message(ValueError, call)[0] == f"a tensor with shape () {why}"
    assert message(ValueError, (x * x).backward)[0] == f"the output of multiply with shape () {why}"


def test_an_input_of_grad_that_needs_no_gradient_or_is_no_tensor():
    x, y = leaf(1.0), bp.tensor(1.0, name="y")
    assert message(ValueError, lambda: bp.grad(x * y, [x, y]))[0] == (
        "y with shape () needs no gradient. Make it with requires_grad=True."
    )
    assert message(TypeError, lambda: bp.grad(x * y, 3))[0] == (
        "grad takes Tensors to differentiate by, not 3."
    )


def operation(rule):
    """Make an operation of two operands that multiplies, with a backward rule of one's own."""

    @bp.primitive
    def product(a, b):
        return a * b

    product.backward(lambda out, a, b: rule)
    return product


@pytest.mark.parametrize(
    "rule",
    [(), (lambda g: g,), (lambda g: g,) * 3, lambda g: g],
    ids=["none", "one", "three", "one, bare"],
)
def test_a_rule_with_the_wrong_number_of_closures(rule):
    number = len(rule) if isinstance(rule, tuple) else 1
    x = leaf(1.0)
    text = (
        f"the backward rule of product returned {number} closure{'s' * (number != 1)}, and "
        "the operation has 2 inputs. Return a tuple: a closure for each input, or None where no "
        "gradient flows."
    )
    for create_graph in (False, True):
        product = operation(rule)(x, x)
        call = lambda y=product, c=create_graph: bp.grad(y, x, create_graph=c)  # noqa: E731
        assert message(TypeError, call)[0] == text


def test_a_rule_that_gives_no_closure():
    x = leaf(1.0)
    text = (
        "the backward rule of product returned an object of type ndarray, not a closure. A "
        "closure is a function of the upstream gradient, as lambda g: g * ..."
    )
    for create_graph in (False, True):
        product = operation((lambda g: g, np.ones(())))(x, x)
        call = lambda y=product, c=create_graph: bp.grad(y, x, create_graph=c)  # noqa: E731
        assert message(TypeError, call)[0] == text


@pytest.mark.parametrize("result", [2.0, None])
def test_a_rule_that_gives_no_array(result):
    x = leaf(1.0, name="x")
    assert message(TypeError, operation((lambda g: result, lambda g: g))(x, x).backward)[0] == (
        f"the backward rule of product gave {result} for x with shape (). A closure "
        "must return an array, or a Tensor if it is given a Tensor."
    )


@pytest.mark.parametrize(
    "shape", [(3,), (1, 3), (2, 2), (), (4, 2, 3)], ids=lambda shape: f"{len(shape)} axes"
)
def test_a_rule_that_gives_a_gradient_of_the_wrong_shape(shape):
    product = operation((lambda g: np.ones(shape), lambda g: g))
    x, y = leaf(np.ones((2, 3)), name="x"), bp.tensor(1.0)
    loss = product(x, y).sum()
    if shape == (4, 2, 3):  # x broadcasts to this shape
        assert np.array_equal(bp.grad(loss, x), np.full((2, 3), 4.0))
        return
    assert message(ValueError, loss.backward)[0] == (
        f"the backward rule of product gave a gradient of shape {shape} for x with "
        "shape (2, 3). It must have the shape of that input, or a shape that the input is "
        "broadcast to."
    )


def test_no_error_of_a_rule_is_swallowed():
    def fail(g):
        raise KeyError("mine")

    x = leaf(1.0)
    with pytest.raises(KeyError, match="mine"):
        operation((fail, fail))(x, x).backward()
