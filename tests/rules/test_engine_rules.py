"""Every entry of the rule table against finite differences: its gradient, and that one's gradient.

An operation is not differentiated alone but inside ``sum(w * out**3)``, so that no second
derivative is zero only because the operation is linear, or a root.
"""

import math

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.differences import extrapolated_difference, relative_difference
from tinygrad_bp.table import TABLE

FIRST, SECOND = 1e-8, 1e-7


def spread(*shape):
    """Return distinct numbers, at least 0.1 from each other and from zero: no corner is near."""
    n = math.prod(shape)
    return ((np.random.default_rng(n).permutation(n) - n // 2 + 0.65) * 0.3).reshape(shape)


def positive(*shape):
    return np.random.default_rng(1).uniform(0.5, 2.0, shape)


def inside(*shape):
    return np.random.default_rng(2).uniform(-0.8, 0.8, shape)


def case(*operands, **settings):
    return operands, settings


a23, b23 = spread(2, 3), inside(2, 3) + 0.13
image, kernel = spread(1, 2, 4, 3), spread(2, 2, 2, 2)
BROADCAST = [
    case(a23, b23),
    case(a23, positive(3)),
    case(spread(2, 1), 2.5),
    case(2.5, positive(3)),
]
AXES = [case(a23), case(a23, axis=0), case(a23, axis=-1, keepdims=True), case(a23, axis=(0, 1))]
ANYWHERE, INSIDE, POSITIVE = [case(a23)], [case(inside(2, 3))], [case(positive(2, 3))]

CASES = {
    # what the worked problem needs, and what the rules of that need
    **dict.fromkeys(("add", "subtract", "multiply"), BROADCAST),
    "divide": [case(a23, positive(2, 3)), case(spread(3), positive(2, 1)), case(2.5, positive(3))],
    "negative": [case(a23), case(spread())],
    "power": [
        *(case(positive(2, 3), n) for n in (3, -2, 0.5, 1)),
        *(case(positive(2, 3), b23), case(2.5, b23), case(a23, np.array([0, 1, 3]))),
    ],
    "where": [case(a23 > 0, a23, b23), case(a23 > 0, spread(3), 0.0)],
    "sigmoid": [case(a23), case(spread())],
    "softmax": [case(spread(3)), case(a23, axis=0), case(spread(2, 3, 2), axis=1)],
    "matmul": [
        case(positive(*a), inside(*b))
        for a, b in [
            *(((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((1, 1), (1, 1))),
            *(((4, 2, 3), (4, 3, 2)), ((4, 2, 3), (3, 2)), ((2, 3), (4, 3, 2))),
            *(((1, 2, 3), (4, 3, 2)), ((2, 1, 2, 3), (3, 3, 2)), ((4, 2, 3), (1, 3, 2))),
            *(((3,), (4, 3, 2)), ((4, 2, 3), (3,)), ((3,), (2, 2, 3, 2)), ((2, 2, 2, 3), (3,))),
        ]
    ],
    "matrix_transpose": [case(a23), case(spread(2, 2, 3))],
    "outer": [case(spread(2), inside(3)), case(a23, inside(2))],
    "sum": AXES,
    "sum_to": [case(a23, shape=s) for s in [(2, 3), (3,), (1, 3), (2, 1), (1,), ()]],
    "square_sum": [case(a23), case(spread())],
    "identity": ANYWHERE,
    "astype": [case(a23, dtype=np.float64)],
    "reshape": [case(a23, shape=(3, 2)), case(a23, shape=-1)],
    "broadcast_to": [case(spread(3), shape=(2, 3)), case(spread(2, 1), shape=(4, 2, 3))],
    "expand_dims": [case(a23, axis=1), case(a23, axis=(0, -1))],
    "squeeze": [case(spread(1, 2, 1)), case(spread(1, 2, 1), axis=-1)],
    # elementwise
    **dict.fromkeys(("absolute", "sign", "square", "exp", "expm1", "sin", "cos", "tan"), ANYWHERE),
    **dict.fromkeys(("arctan", "sinh", "cosh", "tanh", "erf"), ANYWHERE),
    **dict.fromkeys(("arcsin", "arccos"), INSIDE),
    **dict.fromkeys(("log", "sqrt", "reciprocal", "log1p"), POSITIVE),
    **dict.fromkeys(("softplus", "log_sigmoid", "relu", "gelu", "silu"), ANYWHERE),
    **dict.fromkeys(("maximum", "minimum"), BROADCAST),
    "clip": [case(a23, min=-0.3, max=0.3), case(a23, max=0.3)],
    "leaky_relu": [case(a23), case(a23, slope=0.3)],
    "elu": [case(a23), case(a23, alpha=0.3)],
    # linear algebra
    "transpose": [case(a23), case(spread(2, 3, 2), axes=(2, 0, 1))],
    "contraction": [
        case(a23, inside(3, 2), inputs=("ij", "jk"), output="ki"),
        case(spread(3, 3), inside(3), inputs=("ii", "i"), output=""),
        case(a23, inputs=("ij",), output="j"),
    ],
    "diagonal": [case(a23), case(spread(2, 3, 3), offset=1, axis1=1, axis2=2)],
    "on_diagonal": [case(spread(2), shape=(2, 3)), case(spread(2), shape=(3, 3), offset=-1)],
    "trace": [case(a23), case(spread(2, 3, 3), offset=1, axis1=1, axis2=2)],
    "norm": [case(a23), case(a23, axis=0), case(spread(3), ord=2, keepdims=True)],
    # reductions
    **dict.fromkeys(("mean", "max", "min", "prod", "var", "std", "logsumexp"), AXES),
    "log_softmax": [case(spread(3)), case(a23, axis=0)],
    "cumsum": [case(a23), case(a23, axis=0), case(a23, axis=-1)],
    # shaping
    "ravel": ANYWHERE,
    "flip": [case(a23), case(a23, axis=0), case(a23, axis=(0, 1))],
    "roll": [case(a23, shift=1), case(a23, shift=-2, axis=1), case(a23, shift=(1, 2), axis=(0, 1))],
    "repeat": [case(a23, repeats=2), case(a23, repeats=[1, 2], axis=0)],
    "tile": [case(a23, reps=2), case(a23, reps=(2, 1, 3))],
    "concatenate": [case(a23, inside(1, 3)), case(a23, inside(2, 1), a23, axis=1)],
    "stack": [case(a23, b23), case(a23, b23, axis=-1)],
    "pad": [case(a23, pad_width=1), case(a23, pad_width=((0, 1), (2, 0)), constant_values=0.5)],
    "getitem": [
        case(a23, key=key)
        for key in [1, (0, 2), slice(None, None, -1), (..., None, 1), np.array([1, 1]), a23 > 0]
    ],
    "scatter": [case(spread(2), key=np.array([1, 1]), shape=(3,))],
    "take_along_axis": [case(a23, indices=np.array([[2, 0], [1, 1]]), axis=1)],
    # models
    "windows": [case(image, size=2), case(image, size=(2, 1), stride=(1, 2), dilation=(2, 1))],
    "from_windows": [case(spread(1, 1, 2, 2, 2, 2), shape=(1, 1, 3, 3))],
    "conv2d": [case(image, kernel), case(image, spread(2, 1, 2, 2), stride=2, padding=1, groups=2)],
    "cross_entropy_with_probabilities": [case(a23, positive(2, 3)), case(a23, b23, axis=0)],
    "binary_cross_entropy_with_logits": [case(a23, inside(2, 3) / 2 + 0.5)],
}


def check(operation, operands, settings):
    """Hold an operation's derivatives against differences, on arrays and on Tensors."""
    moving = [
        i for i, x in enumerate(operands) if isinstance(x, np.ndarray) and x.dtype.kind == "f"
    ]
    out = operation(*operands, **settings)
    w = np.random.default_rng(3).uniform(0.5, 1.5, np.shape(out))
    v = [np.random.default_rng(i).normal(size=operands[i].shape) for i in moving]

    def replaced(i, value):
        return [value if j == i else x for j, x in enumerate(operands)]

    def loss(values):
        result = operation(*values, **settings)
        return (result * result * result * w).sum()

    def slopes(values, create_graph=False):
        leaves = [
            bp.tensor(x, requires_grad=True) if i in moving else x for i, x in enumerate(values)
        ]
        inputs = [leaves[i] for i in moving]
        return inputs, bp.grad(loss(leaves), inputs, create_graph=create_graph)

    def weighted_slopes(values):
        return sum(np.sum(g * u) for g, u in zip(slopes(values)[1], v, strict=True))

    _, on_arrays = slopes(operands)
    inputs, on_tensors = slopes(operands, create_graph=True)
    total = sum((g * u).sum() for g, u in zip(on_tensors, v, strict=True))
    second = bp.grad(total, inputs) if total.requires_grad else [np.zeros(x.shape) for x in inputs]
    for k, i in enumerate(moving):
        by_differences = extrapolated_difference(lambda x, i=i: loss(replaced(i, x)), operands[i])
        assert relative_difference(on_arrays[k], by_differences) < FIRST
        assert relative_difference(on_arrays[k], on_tensors[k].data) < 1e-14
        by_differences = extrapolated_difference(
            lambda x, i=i: weighted_slopes(replaced(i, x)), operands[i]
        )
        assert relative_difference(second[k], by_differences) < SECOND


PRIMITIVES = sorted(name for name, entry in TABLE.items() if isinstance(entry, bp.Primitive))


@pytest.mark.parametrize("name", PRIMITIVES)
def test_every_rule_and_the_rule_of_its_rule(name):
    assert name in CASES, f"{name} is new in the rule table: give it a case in {__file__}"
    for operands, settings in CASES[name]:
        check(TABLE[name], operands, settings)


@pytest.mark.parametrize("name", PRIMITIVES)
def test_arrays_give_arrays_and_tensors_the_same_numbers(name):
    for operands, settings in CASES[name]:
        on_arrays = TABLE[name](*operands, **settings)
        tensors = [bp.tensor(x) if isinstance(x, np.ndarray) else x for x in operands]
        assert not isinstance(on_arrays, bp.Tensor)
        assert np.array_equal(TABLE[name](*tensors, **settings).data, on_arrays)


# Planted faults, which the check must catch


def planted(forward, rule):
    operation = bp.primitive(forward)
    operation.backward(rule)
    return operation


def exponential(x):
    return np.exp(x)


@pytest.mark.parametrize(
    "rule",
    [
        lambda out, x: lambda g: g,
        lambda out, x: lambda g: g * out * 1.00001,
        lambda out, x: lambda g: g * (out.data if isinstance(out, bp.Tensor) else out),
        lambda out, x: lambda g: g * out * (1.00001 if isinstance(g, bp.Tensor) else 1),
    ],
    ids=["no derivative", "slightly wrong", "history forgotten", "wrong on Tensors"],
)
def test_a_wrong_rule_is_caught(rule):
    check(planted(exponential, lambda out, x: lambda g: g * out), [a23], {})
    with pytest.raises(AssertionError):
        check(planted(exponential, rule), [a23], {})


# Rules on Tensors, where the numbers are special


def test_a_power_at_zero_has_the_same_gradient_on_arrays_and_on_tensors():
    for n in (2, np.array([0, 2, 3]), np.array([1.0, 2.0, 0.0])):
        x = bp.tensor([0.0, 0.0, 2.0], requires_grad=True)
        y = (x**n).sum()
        recorded = bp.grad(y, x, create_graph=True)
        assert np.array_equal(
            bp.grad(y, x), n * np.array([0.0, 0.0, 2.0]) ** np.maximum(n - 1.0, 0)
        )
        assert np.array_equal(recorded.data, bp.grad(y, x))
    x, n = bp.tensor([0.0, 2.0], requires_grad=True), bp.tensor([3.0, 3.0], requires_grad=True)
    y = (x**n).sum()
    for found, recorded in zip(
        bp.grad(y, [x, n]), bp.grad(y, [x, n], create_graph=True), strict=True
    ):
        assert np.array_equal(found, recorded.data)


def test_no_gradient_flows_to_a_condition():
    x = bp.tensor([0.0, 2.0], requires_grad=True)
    assert bp.grad(np.where(x, x * 3, 0.0).sum(), x).tolist() == [0.0, 3.0]


@pytest.mark.parametrize("dtype", [int, bool, complex, np.float16, object])
def test_a_conversion_to_other_than_a_floating_type_is_refused_or_carries_no_gradient(dtype):
    x = bp.tensor([1.5, 2.5], requires_grad=True)
    try:
        y = x.astype(dtype)
    except (TypeError, ValueError):
        return
    assert not y.requires_grad
    assert y.dtype.kind in "iub"


# Logits that are far out. A warning would fail these tests.


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_logits_of_a_thousand_are_finite(create_graph, dtype):
    z = bp.tensor(np.array([-1000.0, -100.0, 0.0, 100.0, 1000.0], dtype), requires_grad=True)
    a, p = bp.sigmoid(z), bp.softmax(z)
    assert a.dtype == p.dtype == dtype
    assert a.data[2:].tolist() == [0.5, 1.0, 1.0]
    assert p.data[4] == 1.0
    for out in (a, p, bp.softmax(z.reshape((5, 1)), axis=0), bp.softmax(-z)):
        g = bp.grad(bp.square_sum(out), z, create_graph=create_graph)
        for array in (out.data, g.data if create_graph else g):
            assert np.isfinite(array).all()
    assert bp.grad(a.sum(), z)[2] == 0.25


def test_softmax_sums_to_one_and_ignores_a_shift():
    z = spread(4, 3)
    for axis in (0, 1, -1):
        p = bp.softmax(z, axis=axis)
        assert p.sum(axis=axis) == pytest.approx(np.ones(12 // 4 if axis == 0 else 4), rel=1e-15)
        assert bp.softmax(z + 1024.0, axis=axis) == pytest.approx(p, rel=1e-12)


def test_sigmoid_is_accurate_far_out():
    for z in (-700.0, -500.0, -100.0, -50.0, -37.0, -36.0, -20.0, -1.0, -1e-9):
        e = math.exp(z)
        x = bp.tensor(z, requires_grad=True)
        assert bp.sigmoid(x).item() == pytest.approx(e / (1 + e), rel=1e-15, abs=0)
        slope = bp.grad(bp.sigmoid(x), x)
        assert float(slope) == pytest.approx(e / (1 + e) / (1 + e), rel=1e-15, abs=0)
        # On the other side the rule knows 1 - a, from the output a, to within half a rounding of 1.
        x = bp.tensor(-z, requires_grad=True)
        assert bp.sigmoid(x).item() == pytest.approx(1 / (1 + e), rel=1e-15, abs=0)
        assert abs(float(bp.grad(bp.sigmoid(x), x)) - e / (1 + e) / (1 + e)) < 3e-16


def test_the_naive_sigmoid_would_be_caught():
    with pytest.warns(RuntimeWarning, match="overflow"):
        1 / (1 + np.exp(np.array(1000.0)))
    naive = np.exp(np.array(0.0)) - 1 / (1 + np.exp(np.array(-50.0)))  # 1 - sigmoid(50)
    assert float(naive) != pytest.approx(math.exp(-50.0), rel=1e-15, abs=0)
