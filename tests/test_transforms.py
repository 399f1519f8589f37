"""Derivatives of functions: against known ones and differences, of any order, and nested anyhow."""

from collections import namedtuple

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.differences import jacobian_difference, relative_difference

x2, x3 = np.array([1.0, 2.0]), np.array([0.3, -1.2, 0.7])
A = np.array([[1.0, 2.0, -1.0], [0.5, -0.3, 2.0]])


def leaf(data, name=None):
    return bp.tensor(data, requires_grad=True, name=name)


def message(error, call):
    """Return the whole text of the error that a call raises."""
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


def close(found, expected, tolerance=1e-12):
    """Whether arrays, Tensors, or tuples of them are equal but for rounding."""
    if isinstance(expected, tuple):
        assert isinstance(found, tuple)
        assert len(found) == len(expected)
        return all(close(f, e, tolerance) for f, e in zip(found, expected, strict=True))
    found = found.data if isinstance(found, bp.Tensor) else found
    expected = np.asarray(expected)
    return found.shape == expected.shape and relative_difference(found, expected) < tolerance


def derivative(f):
    """Return the function that gives a function's gradient."""
    return lambda x: bp.value_and_grad(f)(x)[1]


def by_differences(f, at):
    """Return the Jacobian of a function on Tensors, by differences."""
    return jacobian_difference(lambda x: f(bp.tensor(x)).data, np.asarray(at))


def network(x):
    """Return a small function of a vector whose derivatives of every order are full."""
    return bp.softmax(np.sin(A @ x) * x[0]) @ np.exp(A @ x * 0.3)


def layer(x):
    return bp.sigmoid(A @ x) * x[1] ** 2


# Against known derivatives, and against differences


def test_value_and_grad():
    value, gradient = bp.value_and_grad(lambda x: (x**3).sum())(x2)
    assert (value, gradient.tolist()) == (9.0, [3.0, 12.0])
    assert type(value) is type(gradient) is np.ndarray


def test_jacobian_of_a_product_is_its_matrix():
    assert close(bp.jacobian(lambda x: A @ x)(x3), A)


def test_jacobian_of_arrays_has_the_axes_of_output_and_argument():
    B, C = np.random.default_rng(0).normal(size=(2, 2, 3))
    jacobian = bp.jacobian(lambda a: np.matmul(a, C))(B.T)
    assert jacobian.shape == (3, 3, 3, 2)
    assert close(jacobian, np.einsum("ik,lj->ijkl", np.eye(3), C))


def test_hessian_of_a_quadratic_is_its_matrix():
    M = np.array([[1.0, 2.0, 0.0], [-1.0, 3.0, 0.5], [4.0, 0.0, -2.0]])
    assert close(bp.hessian(lambda x: x @ (M @ x))(x3), M + M.T)


def test_everything_agrees_with_differences():
    assert close(derivative(network)(x3), by_differences(network, x3), 1e-9)
    assert close(bp.jacobian(layer)(x3), by_differences(layer, x3), 1e-9)
    assert close(bp.hessian(network)(x3), by_differences(derivative(network), x3), 1e-9)
    third = bp.jacobian(bp.hessian(network))
    assert close(third(x3), by_differences(bp.hessian(network), x3), 1e-9)


def test_the_products_are_those_with_the_matrices():
    u, v = np.array([0.4, -1.1]), np.array([0.2, 1.3, -0.5])
    J, H = bp.jacobian(layer)(x3), bp.hessian(network)(x3)
    value, pull = bp.vjp(layer, x3)
    pushed_value, pushed = bp.jvp(layer, [x3], [v])
    assert close(value, layer(bp.tensor(x3)).data)
    assert close(pushed_value, value)
    assert close(pull(u), J.T @ u)
    assert close(pull(2 * u), 2 * (J.T @ u))  # it can be used again
    assert close(pushed, J @ v)
    assert close(u @ pushed, pull(u) @ v)  # <u, J v> = <J^T u, v>
    assert close(bp.hvp(network, [x3], [v]), (H @ v,))


# Several arguments, and settings


def mixed(a, b, c=1.0, *, scale=1.0):
    return (a * a * b).sum() * scale + c * b.sum()


def test_argnums_choose_the_arguments():
    a, b = x2, np.array([3.0, -1.0])
    by_a, by_b = 2 * a * b, a * a + 1
    assert close(bp.value_and_grad(mixed)(a, b)[1], by_a)
    assert close(bp.value_and_grad(mixed, 1)(a, b)[1], by_b)
    assert close(bp.value_and_grad(mixed, -1)(a, b)[1], by_b)
    assert close(bp.value_and_grad(mixed, [1, 0])(a, b)[1], (by_b, by_a))
    assert close(bp.value_and_grad(mixed, (0,))(a, b)[1], (by_a,))
    assert close(bp.jacobian(lambda a, b: a * b, [0, 1])(a, b), (np.diag(b), np.diag(a)))


def test_settings_are_passed_on_whatever_they_are_called():
    a, b = x2, np.array([3.0, -1.0])
    assert close(bp.value_and_grad(mixed, 1)(a, b, c=5.0, scale=2.0)[1], 2 * a * a + 5)

    def f(x, y, *, i, which, function, args):
        return (x * y * y).sum() * (i + which + function + args)

    settings = {"i": 1, "which": 2, "function": 3, "args": 4}
    assert close(bp.value_and_grad(f)(a, b, **settings)[1], 10 * b * b)
    assert close(bp.jacobian(f)(a, b, **settings), 10 * b * b)
    zero, by_both, twice_b = np.zeros((2, 2)), np.diag(20 * b), np.diag(20 * a)
    expected = ((zero, by_both), (by_both, twice_b))
    assert close(bp.hessian(f, [0, 1])(a, b, **settings), expected)


def test_hessian_of_several_arguments_is_a_block_for_each_two():
    def f(a, b):
        return a @ b * b[0]

    a, b = x2, np.array([3.0, -1.0, 0.5])[:2]
    blocks = bp.hessian(f, [0, 1])(a, b)
    whole = bp.hessian(lambda ab: f(ab[:2], ab[2:]))(np.concatenate([a, b]))
    assert close(np.block([list(row) for row in blocks]), whole)
    assert close(bp.hessian(f, 1)(a, b), whole[2:, 2:])


def test_products_of_several_arguments():
    def f(a, b):
        return np.sin(a) * b

    a, b, u, v, w = np.random.default_rng(1).normal(size=(5, 3))
    value, pull = bp.vjp(f, a, b)
    assert close(value, np.sin(a) * b)
    assert close(pull(u), (u * np.cos(a) * b, u * np.sin(a)))
    assert close(bp.jvp(f, [a, b], [v, w])[1], v * np.cos(a) * b + w * np.sin(a))
    rows = bp.hessian(lambda a, b: f(a, b).sum(), [0, 1])(a, b)
    expected = tuple(H_a @ v + H_b @ w for H_a, H_b in rows)
    assert close(bp.hvp(lambda a, b: f(a, b).sum(), [a, b], [v, w]), expected)


# Nesting


def test_derivatives_nest_to_any_order():
    f = lambda x: x**5  # noqa: E731
    for expected in (5 * 2**4, 20 * 2**3, 60 * 2**2, 120 * 2, 120, 0):
        f = derivative(f)
        assert close(f(2.0), expected)
    assert close(derivative(bp.hessian(np.sin))(0.4), -np.cos(0.4))


def test_jacobian_of_a_hessian():
    third = bp.jacobian(bp.hessian(lambda x: x[0] ** 2 * x[1] ** 2))(x2)
    expected = np.zeros((2, 2, 2))  # of x^2 y^2: xxy = 4y, xyy = 4x
    expected[0, 0, 1] = expected[0, 1, 0] = expected[1, 0, 0] = 4 * x2[1]
    expected[1, 1, 0] = expected[1, 0, 1] = expected[0, 1, 1] = 4 * x2[0]
    assert close(third, expected)


def test_products_nest_in_each_other():
    u, v, w = np.array([0.4, -1.1]), np.array([0.2, 1.3, -0.5]), np.array([1.0, 0.1, 0.3])
    second = bp.jacobian(bp.jacobian(layer))(x3)  # entry (i, j, k): output, first, second
    pulled = lambda x: bp.vjp(layer, x)[1](u)  # noqa: E731
    pushed = lambda x: bp.jvp(layer, [x], [v])[1]  # noqa: E731
    assert close(bp.jvp(pulled, [x3], [v])[1], np.einsum("ijk,i,k->j", second, u, v))
    assert close(bp.vjp(pushed, x3)[1](u), np.einsum("ijk,i,j->k", second, u, v))
    assert close(bp.jvp(pushed, [x3], [w])[1], np.einsum("ijk,j,k->i", second, v, w))
    third = bp.jacobian(bp.hessian(network))
    fourth = bp.jacobian(third)(x3)
    along = lambda x: bp.hvp(network, [x], [v])[0]  # noqa: E731
    assert close(bp.jacobian(along)(x3), np.einsum("ijk,j->ik", third(x3), v))
    expected = (np.einsum("ijkl,i,j,k->l", fourth, v, v, w),)
    assert close(bp.hvp(lambda x: along(x) @ v, [x3], [w]), expected)


def test_the_products_are_linear_so_their_jacobians_are_the_matrix():
    J, H = bp.jacobian(layer)(x3), bp.hessian(network)(x3)
    pull = bp.vjp(layer, x3)[1]
    assert close(bp.jacobian(pull)(np.ones(2)), J.T)
    assert close(bp.jacobian(lambda v: bp.jvp(layer, [x3], [v])[1])(x3), J)
    assert close(bp.jacobian(lambda v: bp.hvp(network, [x3], [v])[0])(x3), H)


# Perturbation confusion: an inner derivative and an outer one are not mixed up


@pytest.mark.parametrize(
    ("outer", "expected"),
    [
        # d/dx (x d/dy (x + y)) = d/dx x
        (lambda x: x * derivative(lambda y: x + y)(1.0), 1.0),
        (lambda x: x * derivative(lambda y: x + y)(x), 1.0),
        # d/dx (x d/dy (x y)) = d/dx x^2
        (lambda x: x * derivative(lambda y: x * y)(1.0), 2 * 3.0),
        (lambda x: x * derivative(lambda y: x * y)(x), 2 * 3.0),
        # d/dx (x d/dy (x y^2)) at y = x is d/dx 2 x^3
        (lambda x: x * derivative(lambda y: x * y * y)(x), 6 * 3.0**2),
        # the inner derivative does not depend on x at all
        (lambda x: x * derivative(lambda y: y * y)(2.0), 4.0),
        (lambda x: derivative(lambda y: y * y)(2.0) + x, 1.0),
        # the outer Tensor is the inner function's result
        (lambda x: x * derivative(lambda y: x)(x), 0.0),
        # three levels: d/dx d/dy d/dz (x y^2 z^3) at z = y = x is d/dx 6 x^4
        (
            lambda x: derivative(lambda y: derivative(lambda z: x * y * y * z**3)(y))(x),
            # by y at z = y: x (2 y 3 z^2 + y^2 6 z) = 12 x y^3, at y = x: 12 x^4
            48 * 3.0**3,
        ),
        (lambda x: bp.jvp(lambda y: x * y, [x], [x])[1], 2 * 3.0),
        (lambda x: bp.vjp(lambda y: x * y, x)[1](x), 2 * 3.0),
    ],
)
def test_perturbation_confusion(outer, expected):
    assert close(derivative(outer)(3.0), expected)


def test_a_derivative_inside_leaves_the_gradients_outside_alone():
    w = leaf(x2, "w")
    gradient = bp.value_and_grad(lambda y: (w * y * y).sum())(w)[1]  # 2 w^2
    assert w.grad is None
    gradient.sum().backward()
    assert w.grad.tolist() == [4.0, 8.0]


def test_a_backward_pass_inside_a_function_stays_there():
    def f(x):
        y = leaf(2.0)
        (y * y * x.sum()).backward()
        return (x * y.grad).sum()  # y.grad is an array: a constant

    assert close(bp.value_and_grad(f)(x2)[1], np.full(2, 12.0))


# Tensors in, Tensors out


def test_tensors_in_tensors_out():
    x, v = leaf(x2), leaf(np.array([1.0, -1.0]))
    f, g = lambda x: (x**3).sum(), lambda x: x**3
    value, pull = bp.vjp(g, x)
    results = [
        *bp.value_and_grad(f)(x),
        *(bp.jacobian(g)(x), bp.hessian(f)(x), value, pull(v), pull(x2)),
        *(*bp.jvp(g, [x], [v]), *bp.jvp(g, [x2], [v]), *bp.jvp(g, [x], [x2])),
        *(*bp.hvp(f, [x], [v]), *bp.hvp(f, [x2], [v]), *bp.hvp(f, [x], [x2])),
        bp.vjp(g, x2)[1](v),
        bp.jacobian(lambda x: x[:0])(x),
        bp.hessian(lambda x: bp.tensor(1.0))(x),
    ]
    assert [type(result) for result in results] == [bp.Tensor] * len(results)


def test_the_tensors_can_be_differentiated():
    x, v = leaf(x2), leaf(np.array([1.0, -1.0]))
    f, g = lambda x: (x**3).sum(), lambda x: x**3
    for result, by_x, by_v in [
        (bp.value_and_grad(f)(x)[1], 6 * x2, None),
        (bp.hessian(f)(x), [6.0, 6.0], None),
        (bp.jvp(g, [x], [v])[1], 6 * x2 * v.data, 3 * x2**2),
        (bp.jvp(g, [x2], [v])[1], None, 3 * x2**2),
        (bp.vjp(g, x)[1](v), 6 * x2 * v.data, 3 * x2**2),
        (bp.vjp(g, x2)[1](v), None, 3 * x2**2),
        (bp.hvp(f, [x], [v])[0], 6 * v.data, 6 * x2),
        (bp.hvp(f, [x2], [v])[0], None, 6 * x2),
    ]:
        x.zero_grad()
        v.zero_grad()
        result.sum().backward()
        for tensor, expected in [(x, by_x), (v, by_v)]:
            if expected is None:
                assert tensor.grad is None
            else:
                assert close(tensor.grad, expected)


#: Functions of two arguments, some constant or linear in one of them.
TWO = {
    "neither": lambda a, b: bp.tensor(1.0),
    "one linear": lambda a, b: (2.0 * a).sum(),
    "both linear": lambda a, b: a.sum() - 3.0 * b.sum(),
    "one linear, one square": lambda a, b: (a * a).sum() + b.sum(),
    "product": lambda a, b: a.sum() * b.sum(),
}


@pytest.mark.parametrize("name", TWO)
def test_arrays_in_arrays_out_also_where_a_derivative_is_constant(name):
    f, args = TWO[name], [x2, x3]
    slope = lambda a, b: bp.value_and_grad(f)(a, b)[1]  # noqa: E731
    value, pull = bp.vjp(slope, *args)
    results = [
        *(value, *pull(np.ones(2)), *bp.hvp(f, args, args), *bp.jvp(f, args, args)),
        *(*bp.jvp(slope, args, args), *bp.value_and_grad(f, [0, 1])(*args)[1]),
        *(block for row in bp.hessian(f, [0, 1])(*args) for block in row),
        *bp.jacobian(slope, [0, 1])(*args),
        bp.jacobian(bp.hessian(f))(*args),
    ]
    assert {isinstance(result, bp.Tensor) for result in results} == {False}


def test_plain_numbers_lists_and_integers_are_arguments_too():
    value, gradient = bp.value_and_grad(lambda x: x * x)(3)
    assert (value, gradient) == (9.0, 6.0)
    assert bp.jacobian(lambda x: x * x)([1, 2]).tolist() == [[2.0, 0.0], [0.0, 4.0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays(dtype):
    x, v = x2.astype(dtype), np.array([1.0, -1.0])
    f, g = lambda x: (x**3).sum(), lambda x: x**3
    results = [
        *bp.value_and_grad(f)(x),
        *(bp.jacobian(g)(x), bp.hessian(f)(x), bp.vjp(g, x)[1](v)),
        *(*bp.jvp(g, [x], [v]), *bp.hvp(f, [x], [v])),
        *(bp.jacobian(lambda x: x[:0])(x), bp.hessian(lambda x: x[0])(x)),
    ]
    assert [result.dtype for result in results] == [dtype] * len(results)


# Constant and linear functions, and empty ones


@pytest.mark.parametrize(
    "f",
    [
        lambda x: bp.tensor(2.0),
        lambda x: bp.tensor(2.0, requires_grad=True),
        lambda x: bp.sign(x).sum(),
        lambda x: (2.0 * x).sum(),
        lambda x: x[0],
    ],
    ids=["constant", "leaf", "sign", "linear", "entry"],
)
@pytest.mark.parametrize("point", [x2, leaf(x2)], ids=["array", "tensor"])
def test_constant_and_linear_functions_give_zeros_at_every_order(f, point):
    v = np.ones(2)
    assert close(bp.hessian(f)(point), np.zeros((2, 2)))
    assert close(bp.jacobian(bp.hessian(f))(point), np.zeros((2, 2, 2)))
    assert close(bp.hvp(f, [point], [v]), (np.zeros(2),))
    assert close(bp.jvp(derivative(f), [point], [v])[1], np.zeros(2))
    assert close(bp.vjp(derivative(f), point)[1](v), np.zeros(2))


def test_a_constant_function_has_zero_derivatives():
    constant = bp.tensor([1.0, 2.0, 3.0])
    assert close(bp.jacobian(lambda x: constant)(x2), np.zeros((3, 2)))
    assert close(bp.value_and_grad(lambda x: constant[0])(x2), (1.0, np.zeros(2)))
    assert close(bp.vjp(lambda x: constant, x2)[1](np.ones(3)), np.zeros(2))
    value, tangent = bp.jvp(lambda x: constant, [x2], [x2])
    assert (value.tolist(), tangent.tolist()) == ([1.0, 2.0, 3.0], [0.0, 0.0, 0.0])


def test_empty_arguments_and_outputs():
    empty = np.zeros((0, 2))
    assert bp.jacobian(lambda x: x[2:])(x2).shape == (0, 2)
    assert bp.jacobian(lambda x: np.outer(x, x)[:0])(x2).shape == (0, 2, 2)
    assert bp.jacobian(lambda x: x * 2.0)(empty).shape == (0, 2, 0, 2)
    assert bp.jacobian(lambda x: x.sum())(empty).shape == (0, 2)
    assert bp.hessian(lambda x: (x * x).sum())(empty).shape == (0, 2, 0, 2)
    assert bp.jvp(lambda x: x * x, [empty], [empty])[1].shape == (0, 2)
    assert bp.hvp(lambda x: (x * x).sum(), [empty], [empty])[0].shape == (0, 2)


# Under no_grad the derivative is right, and a constant


def test_a_derivative_under_no_grad_is_right():
    f, g = lambda x: (x**3).sum(), lambda x: x**3
    with bp.no_grad():
        found = [
            *bp.value_and_grad(f)(x2),
            *(bp.jacobian(g)(x2), bp.hessian(f)(x2), bp.vjp(g, x2)[1](x2)),
            *(bp.jvp(g, [x2], [x2])[1], *bp.hvp(f, [x2], [x2])),
        ]
    first, second = 3 * x2**2, 6 * x2
    expected = [9.0, first, np.diag(first), np.diag(second), first * x2, first * x2, second * x2]
    assert all(close(a, b) for a, b in zip(found, expected, strict=True))


def test_of_tensors_under_no_grad_it_is_a_constant():
    x, g = leaf(x2), lambda x: x**3
    with bp.no_grad():
        results = [
            *bp.value_and_grad(lambda x: (x**3).sum())(x),
            *(bp.jacobian(g)(x), *bp.jvp(g, [x], [x]), bp.vjp(g, x)[1](x)),
        ]
    assert [result.requires_grad for result in results] == [False] * len(results)
    assert close(results[1], 3 * x2**2)


def test_no_grad_inside_a_function_makes_a_constant_of_an_inner_derivative():
    def f(x):
        with bp.no_grad():
            slope = bp.value_and_grad(lambda y: (y**3).sum())(x)[1]
        return (slope * x).sum()

    assert close(bp.value_and_grad(f)(x2), (27.0, np.array([3.0, 12.0])))


def test_an_error_inside_ends_the_derivative():
    with pytest.raises(ZeroDivisionError):
        bp.value_and_grad(lambda x: x * (1 / 0))(1.0)
    assert type(bp.value_and_grad(lambda x: x * x)(1.0)[1]) is np.ndarray


# The Jacobian of a single step


def test_local_jacobian_of_softmax():
    p = bp.softmax(leaf(x3))
    assert close(p.local_jacobian(), np.diag(p.data) - np.outer(p.data, p.data))


def test_local_jacobian_of_a_number():
    x = leaf(2.0)
    assert close(bp.exp(x).local_jacobian(), np.exp(2.0))
    assert close((x * np.array([1.0, 3.0])).local_jacobian(), [1.0, 3.0])


def test_local_jacobian_of_matmul():
    a, b = leaf(A), leaf(np.arange(6.0).reshape(3, 2) + 1)
    product = a @ b
    assert close(product.local_jacobian(0), np.einsum("ik,lj->ijkl", np.eye(2), b.data))
    assert close(product.local_jacobian(1), np.einsum("ik,jl->ijkl", A, np.eye(2)))


def test_local_jacobian_of_a_broadcast_add():
    a, b = leaf(A), leaf(x3)
    by_a, by_b = (a + b).local_jacobian(0), (a + b).local_jacobian(1)
    assert close(by_a, np.eye(6).reshape(2, 3, 2, 3))
    assert close(by_b, np.stack([np.eye(3), np.eye(3)]))


def test_local_jacobian_of_one_step_is_not_that_of_all_before_it():
    x = leaf(x2)
    y = bp.exp(x * x)
    assert close(y.local_jacobian(), np.diag(y.data))
    assert close(bp.sign(x).local_jacobian(), np.zeros((2, 2)))
    assert close((x * x).local_jacobian(1), np.diag(x2))  # the second of two inputs
    assert x.grad is None


def test_local_jacobian_of_what_has_no_such_input():
    w = leaf(x2, "w")
    of_a_leaf = message(ValueError, w.local_jacobian)
    assert of_a_leaf == "w with shape (2,) is a leaf: no step computed it."
    y = (2.0 * w).named("y")
    of_an_index = message(ValueError, lambda: y.local_jacobian(2))
    assert of_an_index == "y with shape (2,) has 2 inputs, and no input 2."
    of_a_number = message(ValueError, lambda: y.local_jacobian(0))
    assert of_a_number == "input 0 of y with shape (2,) needs no gradient."


# Errors, word for word


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (np.array([1.0, 2.0]), "array([1., 2.])"),
        (None, "None"),
        (3.0, "3.0"),
        ((bp.tensor(1.0), bp.tensor(2.0)), "(tensor(1.), tensor(2.))"),
    ],
    ids=["array", "None", "number", "tuple"],
)
def test_a_function_that_returns_no_tensor(result, text):
    calls = [
        lambda f: bp.value_and_grad(f)(x2),
        lambda f: bp.jacobian(f)(x2),
        lambda f: bp.hessian(f)(x2),
        lambda f: bp.vjp(f, x2),
        lambda f: bp.jvp(f, [x2], [x2]),
        lambda f: bp.hvp(f, [x2], [x2]),
    ]
    for call in calls:
        assert message(TypeError, lambda call=call: call(lambda x: result)) == (
            f"the function to differentiate returned {text}, not a Tensor: build its result from "
            "its arguments, with operations that record."
        )


def test_a_function_that_returns_several_entries():
    text = (
        "the function to differentiate must return one number, not y with shape (2,): "
        "reduce it, as with .sum(), or take bp.jacobian."
    )
    f = lambda x: (x * x).named("y")  # noqa: E731
    for call in (bp.value_and_grad(f), bp.hessian(f), lambda x: bp.hvp(f, [x], [x])):
        assert message(ValueError, lambda call=call: call(x2)) == text


def test_an_argument_that_was_not_given():
    f = bp.value_and_grad(lambda x: x * x, 1)
    assert message(ValueError, lambda: f(2.0)) == (
        "there is no argument 1 to differentiate by: 1 were given by position."
    )
    f = bp.value_and_grad(lambda x: x * x)
    assert message(ValueError, lambda: f(x=2.0)) == (
        "there is no argument 0 to differentiate by: 0 were given by position."
    )


def test_a_single_argument_need_not_be_in_a_list():
    value, tangent = bp.jvp(lambda x: x**2, 3.0, 1.0)
    assert (float(value), float(tangent)) == (9.0, 6.0)
    v = np.array([1.0, 10.0])
    assert bp.jvp(lambda x: x * x, x2, v)[1].tolist() == [2.0, 40.0]
    assert type(bp.jvp(lambda x: x * x, leaf(x2), v)[1]) is bp.Tensor
    assert bp.hvp(lambda x: (x**3).sum(), x2, v).tolist() == [6.0, 120.0]


def test_vectors_that_do_not_fit():
    for product in (bp.jvp, bp.hvp):
        assert message(ValueError, lambda p=product: p(network, [x3], [x2])) == (
            "vector 0 has shape (2,), and its argument (3,)."
        )
        assert message(ValueError, lambda p=product: p(network, [x3], [x3, x3])) == (
            "there are 1 arguments and 2 vectors."
        )
    pull = bp.vjp(lambda x: (x * x).named("y"), x2)[1]
    assert message(ValueError, lambda: pull(x3)) == (
        "the upstream gradient has shape (3,), and it must have the shape of y with shape (2,)."
    )


@pytest.mark.parametrize(
    "derivative", [bp.value_and_grad, bp.jacobian, bp.hessian], ids=lambda f: f.__name__
)
def test_a_tensor_in_place_of_a_function(derivative):
    x = bp.tensor(1.0, requires_grad=True)
    with pytest.raises(TypeError, match=r"a derivative is that of a function, and tensor\("):
        derivative(x * x)(x)


# Structures of parameters


def layers():
    rng = np.random.default_rng(0)
    return {
        "first": {"W": rng.normal(size=(3, 2)), "b": rng.normal(size=3)},
        "rest": [(rng.normal(size=(2, 3)), 0.5), rng.normal(size=())],
    }


def layered(p, x):
    hidden = np.tanh(p["first"]["W"] @ x + p["first"]["b"])
    (W, scale), shift = p["rest"]
    return np.sum((W @ hidden * scale + shift) ** 2)


def test_gradients_are_arranged_as_the_parameters():
    p, x = layers(), np.array([0.3, -0.7])
    value, slopes = bp.value_and_grad(layered)(p, x)
    assert slopes.keys() == p.keys()
    assert slopes["first"].keys() == p["first"].keys()
    assert type(slopes["rest"]) is list
    assert type(slopes["rest"][0]) is tuple
    flat = [p["first"]["W"], p["first"]["b"], p["rest"][0][0], np.array(0.5), p["rest"][1]]

    def by_position(W1, b1, W2, scale, shift):
        return layered({"first": {"W": W1, "b": b1}, "rest": [(W2, scale), shift]}, x)

    same, expected = bp.value_and_grad(by_position, range(5))(*flat)
    found = [slopes["first"]["W"], slopes["first"]["b"], *slopes["rest"][0], slopes["rest"][1]]
    assert value == same
    for a, b in zip(found, expected, strict=True):
        assert type(a) is np.ndarray
        assert np.array_equal(a, b)


def test_tensors_in_a_structure_keep_their_record():
    w = {"w": bp.tensor([1.0, 2.0], requires_grad=True)}
    _, slope = bp.value_and_grad(lambda p: (p["w"] ** 3).sum())(w)
    assert bp.grad(slope["w"].sum(), w)["w"].tolist() == [6.0, 12.0]


def test_two_structures_and_an_array_beside_them():
    _, (a, b) = bp.value_and_grad(lambda p, x, q: p["w"] * x * q[0], [0, 2])(
        {"w": np.array(2.0)}, 3.0, [np.array(5.0)]
    )
    assert (a, b) == ({"w": 15.0}, [6.0])


def test_second_derivatives_by_structures():
    p = {"a": np.array([1.0, 2.0]), "b": np.array(3.0)}

    def f(p):
        return (p["a"] ** 2).sum() * p["b"]

    h = bp.hessian(f)(p)
    assert h["a"]["a"].tolist() == [[6.0, 0.0], [0.0, 6.0]]
    assert h["a"]["b"].tolist() == h["b"]["a"].tolist() == [2.0, 4.0]
    assert h["b"]["b"] == 0.0
    v = {"a": np.array([1.0, 0.0]), "b": np.array(2.0)}
    product = bp.hvp(f, p, v)
    assert (product["a"].tolist(), product["b"].tolist()) == ([10.0, 8.0], 2.0)
    value, along = bp.jvp(f, [p], [v])
    assert (value, along) == (15.0, 16.0)
    value, pull = bp.vjp(f, p)
    assert pull(1.0)["a"].tolist() == [6.0, 12.0]
    jacobian = bp.jacobian(lambda p: p["a"] * p["b"])(p)
    assert jacobian["a"].tolist() == [[3.0, 0.0], [0.0, 3.0]]
    with pytest.raises(ValueError, match="hold different numbers of parameters"):
        bp.jvp(f, [p], [{"a": v["a"]}])


def test_a_list_of_numbers_is_an_array_and_a_list_of_arrays_a_structure():
    assert bp.value_and_grad(lambda x: (x * x).sum())([1.0, 2.0])[1].tolist() == [2.0, 4.0]
    slopes = bp.value_and_grad(lambda p: p[0] * p[1])([np.array(2.0), np.array(3.0)])[1]
    assert slopes == [3.0, 2.0]
    pair = namedtuple("pair", "w b")(np.array(2.0), np.array(3.0))
    assert bp.value_and_grad(lambda p: p.w * p.b)(pair)[1] == type(pair)(3.0, 2.0)
