"""Where a derivative is a convention, where numbers are extreme, and what an entry refuses.

Warnings are errors here, so that what is computed far out is computed without overflow.
"""

import math
import tracemalloc
import warnings

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.table import TABLE

from .checks import gradients, noise, second_gradients


def gradient(f, x, g=1.0):
    """Return the gradient of sum(g * f(x)); the same one, recorded or not."""
    x = np.asarray(x, dtype=float) if not hasattr(x, "dtype") else x
    g = np.broadcast_to(g, np.shape(f(x)))
    (found,) = gradients(f, [x], g)
    (recorded,) = gradients(f, [x], g, create_graph=True)
    assert np.array_equal(recorded.data, found)
    return found


def hessian(f, x):
    """Return the second derivatives of a function of one array, with one number for a value."""
    x = np.asarray(x, dtype=float)
    return np.array([second_gradients(f, [x], 1.0, [row])[0] for row in np.eye(x.size)])


# ---- Ties share the gradient equally ----


@pytest.mark.parametrize("ties", [1, 2, 3])
def test_equal_extremes_of_a_reduction_share_equally(ties):
    a = np.array([*[5.0] * ties, 1.0, 2.0])
    shared = [*[1.0 / ties] * ties, 0.0, 0.0]
    assert gradient(bp.max, a).tolist() == shared
    assert gradient(bp.min, -a).tolist() == shared
    assert not hessian(bp.max, a).any()


def test_ties_are_shared_along_an_axis_and_over_several():
    a = np.array([[3.0, 3.0, 1.0], [3.0, 0.0, 0.0]])
    over_rows = gradient(lambda x: bp.max(x, axis=1), a, g=np.array([6.0, 1.0]))
    assert over_rows.tolist() == [[3.0, 3.0, 0.0], [1.0, 0.0, 0.0]]
    over_columns = gradient(lambda x: bp.max(x, axis=0), a)
    assert over_columns.tolist() == [[0.5, 1.0, 1.0], [0.5, 0.0, 0.0]]
    over_all = gradient(lambda x: bp.max(x, axis=(0, 1)), a)
    assert over_all.tolist() == [[1 / 3, 1 / 3, 0.0], [1 / 3, 0.0, 0.0]]
    assert gradient(bp.min, a).tolist() == [[0.0, 0.0, 0.0], [0.0, 0.5, 0.5]]


def test_equal_entries_of_a_pooling_window_share_equally():
    image = np.array([[1.0, 1.0, 0.0, 2.0], [0.0, 1.0, 2.0, 2.0]]).reshape(1, 1, 2, 4)
    third = 1 / 3
    assert gradient(lambda x: bp.max_pool2d(x, 2), image).reshape(2, 4).tolist() == [
        [third, third, 0.0, third],
        [0.0, third, third, third],
    ]


@pytest.mark.parametrize("either", [bp.maximum, bp.minimum])
def test_equal_operands_get_half_each(either):
    a, b = np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 3.0])
    first, second = gradients(either, [a, b], np.array([1.0, 10.0, 100.0]))
    assert first[[0, 2]].tolist() == second[[0, 2]].tolist() == [0.5, 50.0]
    assert sorted([first[1], second[1]]) == [0.0, 10.0]
    assert gradient(lambda x: either(x, 2.0), [2.0, 2.0]).tolist() == [0.5, 0.5]


# ---- Corners and bounds ----


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        *((bp.absolute, 0.0), (bp.sign, 0.0), (bp.relu, 0.0), (bp.leaky_relu, 0.01), (bp.elu, 1.0)),
        *((lambda z: bp.leaky_relu(z, slope=0.3), 0.3), (lambda z: bp.elu(z, alpha=2.0), 2.0)),
    ],
)
def test_the_slope_in_a_corner_at_zero(f, slope):
    assert gradient(f, [0.0, -0.0]).tolist() == [slope, slope]


def test_clip_lets_the_gradient_through_at_its_bounds_and_not_beyond():
    a = [-1.5, -1.0, 0.0, 1.0, 1.5]
    assert gradient(lambda x: bp.clip(x, -1.0, 1.0), a).tolist() == [0.0, 1.0, 1.0, 1.0, 0.0]
    assert gradient(lambda x: bp.clip(x, min=-1.0), a).tolist() == [0.0, 1.0, 1.0, 1.0, 1.0]
    assert gradient(lambda x: bp.clip(x, max=1.0), a).tolist() == [1.0, 1.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize("as_array", [False, True], ids=["number", "array"])
@pytest.mark.parametrize(
    ("n", "slope", "curvature"), [(0, 0.0, 0.0), (1, 1.0, 0.0), (2, 0.0, 2.0), (3, 0.0, 0.0)]
)
def test_a_power_at_zero(n, slope, curvature, as_array):
    def f(x):
        return x ** (np.array(float(n)) if as_array else n)

    assert gradient(f, 0.0) == slope
    assert second_gradients(f, [np.array(0.0)], 1.0, [np.array(1.0)])[0] == curvature


def test_a_power_at_zero_by_its_exponent():
    a, n = np.zeros(3), np.array([1.0, 2.0, 0.5])
    by_exponent = gradient(lambda n: bp.power(a, n), n)
    assert by_exponent.tolist() == [0.0, 0.0, 0.0]


def test_the_slope_by_an_exponent_in_float64_is_as_exact_as_that():
    base, n = np.array([3.0], np.float32), np.array([2.0])
    slope = gradient(lambda n: bp.power(base, n), n)
    assert slope == pytest.approx([9.0 * math.log(3.0)], rel=1e-15)


def test_the_slope_of_a_power_by_an_exponent_of_zero_is_differentiated_rightly():
    """The slope by a, n a^(n - 1), is 0 at n = 0; its slope by n is 1 / a."""
    a, n = np.array([2.0, 4.0]), np.zeros(2)
    one, none = np.ones(2), np.zeros(2)
    assert second_gradients(bp.power, [a, n], one, [one, none])[1].tolist() == [0.5, 0.25]


def test_a_product_with_one_zero():
    a = [0.0, 2.0, 3.0]
    assert gradient(bp.prod, a).tolist() == [6.0, 0.0, 0.0]
    assert hessian(bp.prod, a).tolist() == [[0, 3, 2], [3, 0, 0], [2, 0, 0]]


def test_a_product_with_two_zeros():
    a = [0.0, 0.0, 3.0]
    assert gradient(bp.prod, a).tolist() == [0.0, 0.0, 0.0]
    assert hessian(bp.prod, a).tolist() == [[0, 3, 0], [3, 0, 0], [0, 0, 0]]


def test_a_product_with_three_zeros_in_its_third_derivative():
    x = bp.tensor(np.zeros(3), requires_grad=True)
    first = bp.grad(bp.prod(x), x, create_graph=True)
    second = bp.grad(first[0], x, create_graph=True)
    assert bp.grad(second[1], x).tolist() == [0.0, 0.0, 1.0]


def peak_memory(call):
    """Return the most memory, in bytes, that a call held at one time."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_square_matrix_would_be_seen():
    assert peak_memory(lambda: np.eye(3000, dtype=bool)) >= 3000**2


def test_a_long_product_with_a_zero_needs_no_square_matrix():
    a = np.ones(3000)
    a[7] = 0.0
    x = bp.tensor(a, requires_grad=True)
    assert peak_memory(lambda: bp.prod(x).backward()) < 100 * a.nbytes < a.size**2
    assert x.grad.tolist() == (1.0 - a).tolist()


def test_the_classes_of_cross_entropy_need_no_square_matrix():
    logits = np.zeros((2, 3000))
    assert peak_memory(lambda: bp.cross_entropy(logits, [1, 2])) < 100 * logits.nbytes < 3000**2


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_product_out_of_range_has_the_slopes_of_the_others(dtype):
    for big in (1e-200, 1e200) if dtype == np.float64 else (1e-30, 1e30):
        a = np.array([big, big], dtype)
        with np.errstate(all="ignore"):  # the product itself is 0, or infinite
            assert gradient(bp.prod, a).tolist() == a.tolist()
    a = np.array([[1e-30, 1e-30], [2.0, 3.0]], dtype)
    found = gradient(lambda x: bp.prod(x, axis=1), a)
    assert found == pytest.approx(a[:, ::-1], rel=1e-6, abs=0)


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize(
    ("f", "slope"),
    [
        *((bp.sum, 1.0), (bp.max, 1.0), (bp.min, 1.0), (bp.prod, 1.0)),
        *((bp.norm, 1.0), (bp.logsumexp, 1.0), (bp.cumsum, 1.0)),
    ],
)
def test_numpy_ignores_the_axis_of_one_number(f, slope, axis):
    assert gradient(lambda x: f(x, axis=axis), 3.0) == slope
    if f not in (bp.norm, bp.cumsum):
        assert gradient(lambda x: f(x, axis=axis, keepdims=True), 3.0) == slope


@pytest.mark.parametrize("axis", [0, -1])
def test_the_slope_of_one_number_by_an_axis_where_it_is_zero(axis):
    assert gradient(lambda x: bp.prod(x, axis=axis), 0.0) == 1.0
    assert gradient(lambda x: bp.norm(x, axis=axis), 0.0) == 0.0


@pytest.mark.parametrize("f", [bp.std, bp.norm, lambda a: bp.norm(a, ord=2, keepdims=True)])
def test_a_root_of_zero_has_a_slope_of_zero_and_no_second_derivative(f):
    a = np.zeros(3)
    assert gradient(f, a).tolist() == [0.0, 0.0, 0.0]
    with pytest.warns(RuntimeWarning, match="invalid value"):
        (by_a, by_g) = second_gradients(f, [a], np.ones(np.shape(f(a))), [noise(3)])
    assert np.isnan(by_a).all()  # beside 0 it is as large as 1 / ||a||
    assert by_g == 0.0


def test_the_square_of_a_norm_of_zero_has_no_second_derivative_here():
    """It is 2 I, which follows from no derivative of the norm; NaN is no wrong number."""
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert np.isnan(bp.hessian(lambda x: bp.norm(x) ** 2)(np.zeros(2))).all()


def test_a_norm_of_zero_beside_another():
    a = np.array([[0.0, 0.0], [3.0, 4.0]])
    assert gradient(lambda x: bp.norm(x, axis=1), a).tolist() == [[0.0, 0.0], [0.6, 0.8]]


def test_no_gradient_flows_to_a_condition():
    assert gradient(lambda x: bp.where(x, x * 3.0, 0.0), [0.0, 2.0]).tolist() == [0.0, 3.0]


# ---- Far out ----

FAR = np.array([-1000.0, 1000.0])

#: The values at -1000 and 1000, and the slopes there. The curvature is 0.
LIMITS = {
    "sigmoid": ([0.0, 1.0], [0.0, 0.0]),
    "tanh": ([-1.0, 1.0], [0.0, 0.0]),
    "erf": ([-1.0, 1.0], [0.0, 0.0]),
    "softplus": ([0.0, 1000.0], [0.0, 1.0]),
    "log_sigmoid": ([-1000.0, 0.0], [1.0, 0.0]),
    "relu": ([0.0, 1000.0], [0.0, 1.0]),
    "leaky_relu": ([-10.0, 1000.0], [0.01, 1.0]),
    "elu": ([-1.0, 1000.0], [0.0, 1.0]),
    "gelu": ([0.0, 1000.0], [0.0, 1.0]),
    "silu": ([0.0, 1000.0], [0.0, 1.0]),
    "softmax": ([0.0, 1.0], [0.0, 0.0]),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", LIMITS)
def test_a_thousand_is_not_too_large(name, dtype):
    f, z, (values, slopes) = TABLE[name], FAR.astype(dtype), LIMITS[name]
    one = np.ones(2, dtype)
    assert f(z).tolist() == np.array(values, dtype).tolist()
    assert gradient(f, z).tolist() == np.array(slopes, dtype).tolist()
    assert second_gradients(f, [z], one, [one])[0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("f", "value", "slopes"),
    [
        (bp.logsumexp, 1000.0, [0.0, 1.0]),
        (lambda z: bp.log_softmax(z)[0], -2000.0, [1.0, -1.0]),
        (lambda z: bp.log_softmax(z)[1], 0.0, [0.0, 0.0]),
        (lambda z: bp.cross_entropy(z, 1, axis=0), 0.0, [0.0, 0.0]),
        (lambda z: bp.cross_entropy(z, 0, axis=0), 2000.0, [-1.0, 1.0]),
        (lambda z: bp.binary_cross_entropy_with_logits(z, np.array([False, True])), 0.0, [0, 0]),
        (lambda z: bp.binary_cross_entropy_with_logits(z, z < 0), 1000.0, [-0.5, 0.5]),
    ],
)
def test_a_thousand_is_not_too_large_for_a_loss(f, value, slopes, dtype):
    z = FAR.astype(dtype)
    assert float(f(z)) == value
    assert gradient(f, z).tolist() == slopes
    assert second_gradients(f, [z], np.ones((), dtype), [noise(2)])[0].tolist() == [0.0, 0.0]


def test_the_naive_sigmoid_would_be_caught():
    with pytest.warns(RuntimeWarning, match="overflow"):
        TABLE["sigmoid"].composed(FAR)


def test_softmax_ignores_a_shift():
    z = noise((4, 3))
    for axis in (0, 1, -1):
        p = bp.softmax(z, axis=axis)
        assert p.sum(axis=axis) == pytest.approx(np.ones(3 if axis == 0 else 4), rel=1e-15)
        assert bp.softmax(z + 1024.0, axis=axis) == pytest.approx(p, rel=1e-12)


def test_a_logit_of_minus_infinity_has_no_chance():
    z = np.array([-np.inf, 0.0, math.log(3.0)])
    assert bp.logsumexp(z) == pytest.approx(math.log(4.0), rel=1e-15)
    assert gradient(bp.logsumexp, z) == pytest.approx(np.array([0.0, 0.25, 0.75]), rel=1e-15)
    curvature = np.array([[0.0, 0.0, 0.0], [0.0, 3.0, -3.0], [0.0, -3.0, 3.0]]) / 16
    assert hessian(bp.logsumexp, z) == pytest.approx(curvature, rel=1e-14)
    assert bp.softmax(z) == pytest.approx(np.array([0.0, 0.25, 0.75]), rel=1e-15)
    assert bp.log_softmax(z)[0] == -np.inf
    loss = [bp.cross_entropy(z, 2, axis=0), gradient(lambda z: bp.cross_entropy(z, 2, axis=0), z)]
    assert loss[0] == pytest.approx(math.log(4.0 / 3.0), rel=1e-15)
    assert loss[1] == pytest.approx(np.array([0.0, 0.25, -0.25]), rel=1e-15)


def test_the_sum_of_no_chances_is_none():
    z = np.array([[-np.inf, -np.inf], [0.0, 0.0]])
    assert bp.logsumexp(z, axis=1).tolist() == [-np.inf, math.log(2.0)]
    assert bp.logsumexp(np.array([np.inf, 0.0])) == np.inf


# ---- Accuracy ----


@pytest.mark.parametrize("z", [-700.0, -500.0, -100.0, -50.0, -37.0, -36.0, -20.0, -1.0, -1e-9])
def test_a_sigmoid_far_out_is_accurate(z):
    e = math.exp(z)
    assert bp.sigmoid(np.array(z)) == pytest.approx(e / (1 + e), rel=1e-15, abs=0)
    assert gradient(bp.sigmoid, z) == pytest.approx(e / (1 + e) / (1 + e), rel=1e-15, abs=0)
    # On the other side the rule knows 1 - a, from the output a, to within half a rounding of 1.
    assert bp.sigmoid(np.array(-z)) == pytest.approx(1 / (1 + e), rel=1e-15, abs=0)
    assert gradient(bp.sigmoid, -z) == pytest.approx(e / (1 + e) / (1 + e), rel=0, abs=3e-16)


@pytest.mark.parametrize("a", [1e-300, 1e-20, 1e-10, -1e-10, 1e-3])
def test_log1p_and_expm1_of_small_numbers_are_accurate(a):
    assert bp.log1p(np.array(a)) == pytest.approx(a - a * a / 2 + a**3 / 3, rel=1e-9, abs=0)
    assert bp.expm1(np.array(a)) == pytest.approx(a + a * a / 2 + a**3 / 6, rel=1e-9, abs=0)
    assert bp.expm1(bp.log1p(np.array(a))) == pytest.approx(a, rel=1e-15, abs=0)
    assert gradient(bp.log1p, a) == pytest.approx(1 / (1 + a), rel=1e-15)
    assert gradient(bp.expm1, a) == pytest.approx(math.exp(a), rel=1e-15)


def test_log1p_and_expm1_of_large_numbers_are_accurate():
    assert bp.log1p(np.array(1e300)) == pytest.approx(300 * math.log(10), rel=1e-15)
    assert gradient(bp.log1p, 1e300) == pytest.approx(1e-300, rel=1e-15, abs=0)
    assert bp.expm1(np.array(700.0)) == pytest.approx(math.exp(700.0), rel=1e-15)
    assert gradient(bp.expm1, 700.0) == pytest.approx(math.exp(700.0), rel=1e-15)
    # Far below 0 the output rounds to -1, and a slope computed from it would be 0.
    assert bp.expm1(np.array(-100.0)) == -1.0
    assert gradient(bp.expm1, -100.0) == pytest.approx(math.exp(-100.0), rel=1e-15, abs=0)


def test_erf_and_gelu_are_exact():
    """Values from Abramowitz and Stegun, table 7.1 and 26.1."""
    assert bp.erf(np.array([0.5, 1.0])) == pytest.approx([0.5204998778, 0.8427007929], abs=5e-11)
    assert bp.gelu(np.array([1.0, -1.0])) == pytest.approx([0.8413447461, -0.1586552539], abs=5e-11)
    assert bp.erf(0.5).dtype == bp.gelu(0.5).dtype == np.float64  # of Python numbers too


@pytest.mark.parametrize(("name", "units"), [("erf", 1), ("erfc", 4)])
def test_the_error_function_is_the_c_librarys_to_the_last_bits(name, units):
    near_zero = 10.0 ** np.linspace(-300, 0, 3001)
    a = np.concatenate([np.linspace(-7, 29, 50_001), near_zero, -near_zero, [np.inf, -np.inf]])
    exact = np.array([getattr(math, name)(x) for x in a.tolist()])
    off = np.abs(TABLE[name](a) - exact) / np.spacing(np.abs(exact))
    assert off.max() <= units
    single = TABLE[name](a.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, exact, rtol=3e-4, atol=1e-44)  # of a rounded argument
    assert np.isnan(TABLE[name](np.nan))


@pytest.mark.parametrize("name", ["softplus", "log_sigmoid"])
def test_softplus_is_accurate_and_does_not_overflow(name):
    sign = 1.0 if name == "softplus" else -1.0
    a = np.concatenate([np.linspace(-50, 50, 10_001), [-1e300, 1e300, -np.inf, np.inf, 0.0]])
    expected = sign * np.logaddexp(sign * a, 0.0)
    np.testing.assert_allclose(TABLE[name](a), expected, rtol=4e-16)
    assert np.array_equal(TABLE[name](np.array([0, 3], np.int8)), TABLE[name]([0.0, 3.0]))


@pytest.mark.parametrize("n", [3, 3.0, 4])
def test_small_whole_powers_are_products(n):
    a = np.array([-2.5, 0.0, 1e-150, 1.1, np.inf, np.nan])
    np.testing.assert_allclose(bp.power(a, n), np.power(a, n), rtol=4e-16)
    for dtype in (np.float32, np.int8, bool):  # types are NumPy's
        b = np.array([1, 0], dtype)
        assert bp.power(b, n).dtype == (b**n).dtype


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64])
def test_rows_that_are_named_several_times_get_all_gradients(dtype):
    rows = np.array([[99, 1], [99, 0]], dtype)
    weight = bp.tensor(np.ones((100, 2, 3)), requires_grad=True)
    g = np.arange(24.0).reshape(2, 2, 2, 3)
    expected = np.zeros((100, 2, 3))
    np.add.at(expected, rows, g)
    assert np.array_equal(bp.grad(weight[rows], weight, g), expected)


@pytest.mark.parametrize("gap", [1e-3, 1e-8, 1e-12])
def test_the_slopes_of_arcsin_and_arccos_near_one_are_accurate(gap):
    a = 1.0 - gap
    gap = 1.0 - a  # as rounded
    slope = 1.0 / math.sqrt(gap * (2.0 - gap))
    for end in (a, -a):
        assert gradient(bp.arcsin, end) == pytest.approx(slope, rel=1e-15)
        assert gradient(bp.arccos, end) == pytest.approx(-slope, rel=1e-15)


@pytest.mark.parametrize("z", [-37.0, -20.0, -9.0, -1.0])
def test_gelu_far_out_is_accurate(z):
    below = math.erfc(-z / math.sqrt(2.0)) / 2.0
    density = math.exp(-z * z / 2.0) / math.sqrt(2.0 * math.pi)
    assert bp.gelu(np.array(z)) == pytest.approx(z * below, rel=1e-14, abs=0)
    assert gradient(bp.gelu, z) == pytest.approx(below + z * density, rel=1e-12, abs=0)


# ---- Selecting and converting ----


def test_roll_takes_lists():
    a, g = np.arange(6.0).reshape(2, 3), noise((2, 3))
    found = gradient(lambda x: bp.roll(x, [1, 2], axis=[0, 1]), a, g)
    assert np.array_equal(found, np.roll(g, (-1, -2), axis=(0, 1)))


@pytest.mark.parametrize("axes", [0, -1, np.int64(0), np.array(0), [0], np.array([0]), (0,), None])
def test_the_axes_of_a_transpose_may_be_one_number(axes):
    a, g = np.arange(3.0), noise(3)
    assert np.array_equal(gradient(lambda x: np.transpose(x, axes), a, g), g)
    assert np.array_equal(gradient(lambda x: bp.transpose(x, axes), a, g), g)


@pytest.mark.parametrize(
    "order", [[1, 2, 0], np.array([1, 2, 0]), (1, -1, 0), np.argsort([2, 0, 1])]
)
def test_the_axes_of_a_transpose_may_be_an_array(order):
    a, g = np.zeros((2, 3, 4)), noise((3, 4, 2))
    expected = np.transpose(g, (2, 0, 1))
    assert np.array_equal(gradient(lambda x: bp.transpose(x, order), a, g), expected)
    assert np.array_equal(gradient(lambda x: x.transpose(order), a, g), expected)


@pytest.mark.parametrize("number", [2.0, 2, True])
def test_a_python_number_as_one_factor_of_a_product(number):
    found = gradient(lambda x: np.outer(number, x), [1.0, 2.0])
    assert found.tolist() == [number, number]
    assert gradient(lambda x: bp.outer(x, number), [1.0, 2.0]).tolist() == [number, number]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: bp.cross_entropy(x, np.zeros(0, int)),
        lambda x: bp.cross_entropy(x, np.zeros((0, 3))),
        lambda x: bp.binary_cross_entropy_with_logits(x, np.zeros((0, 3))),
        bp.mean,
    ],
)
def test_a_mean_of_nothing_is_nan_and_its_gradient_is_empty(f):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x = bp.tensor(np.zeros((0, 3)), requires_grad=True)
        loss = f(x)
        assert np.isnan(loss.data)
        assert bp.grad(loss, x).shape == (0, 3)


def test_one_logit_and_one_label():
    z = bp.tensor(0.0, requires_grad=True)
    for label in (1, 1.0, True, np.array(1.0)):
        loss = bp.binary_cross_entropy_with_logits(z, label)
        assert loss.item() == pytest.approx(math.log(2.0), rel=1e-15)
        assert bp.grad(loss, z) == -0.5
    assert bp.binary_cross_entropy_with_logits(0.0, 1) == pytest.approx(math.log(2.0), rel=1e-15)


@pytest.mark.parametrize("f", [bp.sum, bp.mean, bp.max, bp.prod, bp.var, bp.norm, bp.logsumexp])
def test_a_flag_that_numpy_refuses_is_refused(f):
    with pytest.raises(TypeError, match=f"{f.__name__} failed: .* cannot be interpreted as an int"):
        f(bp.tensor([[1.0, 2.0]]), axis=1, keepdims=np.True_)


def test_a_running_sum_of_one_number():
    assert gradient(lambda x: bp.cumsum(x, axis=0), 2.0) == 1.0
    assert bp.cumsum(2.0, axis=0).tolist() == [2.0]


@pytest.mark.parametrize("axis", [None, 0, -1])
def test_one_number_repeated(axis):
    assert gradient(lambda x: bp.repeat(x, 3, axis=axis), 2.0, np.array([1.0, 10.0, 100.0])) == 111


def test_clip_without_bounds_asks_nothing_of_numpy(monkeypatch):
    a = np.array([1.0, 2.0])
    monkeypatch.delattr(np, "clip")  # NumPy 2.0 refuses, and later ones do not
    assert gradient(bp.clip, a).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: bp.leaky_relu(x, slope=np.float64(0.1)),
        lambda x: bp.elu(x, alpha=np.float64(0.5)),
        lambda x: bp.dropout(x, np.float64(0.5), np.random.default_rng(0)),
    ],
)
def test_a_setting_in_float64_leaves_float32_alone(f):
    x = np.array([-1.0, 2.0], np.float32)
    assert f(x).dtype == f(bp.tensor(x)).dtype == gradient(f, x).dtype == np.float32


def test_functions_without_a_rule_take_lists_too():
    image = [[[[1.0, 2.0], [3.0, 4.0]]]]
    assert [part.tolist() for part in bp.split([1.0, 2.0], 2)] == [[1.0], [2.0]]
    assert bp.dropout([1.0, 2.0], 0.0, np.random.default_rng(0)).tolist() == [1.0, 2.0]
    assert bp.embedding([[1.0], [2.0]], [1]).tolist() == [[2.0]]
    assert bp.max_pool2d(image, 2).tolist() == [[[[4.0]]]]
    assert bp.avg_pool2d(image, 2).tolist() == [[[[2.5]]]]


@pytest.mark.parametrize("kind", [np.array, bp.tensor])
def test_images_of_integers_can_be_padded_for_the_largest(kind):
    x = kind([[[[-1, -2], [-3, -4]]]])
    assert (bp.max_pool2d(x, 2, padding=1) == x).all()


@pytest.mark.parametrize(
    ("key", "counts"),
    [
        ([1, 1, 0], [1.0, 2.0, 0.0]),
        ([True, False, True], [1.0, 0.0, 1.0]),
        ([], [0.0, 0.0, 0.0]),
        (bp.tensor([2, 2, 2]), [0.0, 0.0, 3.0]),
        (bp.tensor([False, True, True]), [0.0, 1.0, 1.0]),
    ],
)
def test_an_index_may_be_a_list_or_a_tensor(key, counts):
    x = bp.tensor(np.zeros(3), requires_grad=True)
    assert bp.grad(x[key].sum(), x).tolist() == counts


def test_a_row_that_is_looked_up_twice_gets_both_gradients():
    g = np.array([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]])
    found = gradient(lambda w: bp.embedding(w, [2, 0, 2]), np.zeros((3, 2)), g)
    assert found.tolist() == [[10.0, 20.0], [0.0, 0.0], [101.0, 202.0]]


def test_dropout_keeps_the_mean_and_can_be_repeated():
    x = np.ones(100_000)
    out = bp.dropout(x, 0.25, np.random.default_rng(0))
    assert set(out.tolist()) == {0.0, 1.0 / 0.75}
    assert out.mean() == pytest.approx(1.0, abs=0.01)
    assert np.array_equal(out, bp.dropout(x, 0.25, np.random.default_rng(0)))
    assert not np.array_equal(out, bp.dropout(x, 0.25, np.random.default_rng(1)))


def test_a_gradient_flows_through_a_conversion_in_the_type_of_each_side():
    x = bp.tensor([1.5, 2.5], requires_grad=True)
    single = bp.astype(x, np.float32)
    assert single.dtype == np.float32
    found = bp.grad((single * single).sum(), x)
    assert found.dtype == np.float64
    assert found.tolist() == [3.0, 5.0]


@pytest.mark.parametrize("dtype", [int, bool, complex, np.float16, object])
def test_no_conversion_to_a_type_without_gradients(dtype):
    with pytest.raises((TypeError, ValueError)):
        bp.astype(bp.tensor([1.5], requires_grad=True), dtype)


# ---- Refusals ----

m = bp.tensor(np.arange(6.0).reshape(2, 3), name="m")
w = bp.tensor(np.zeros((1, 1, 2, 2, 2, 2)), name="w")
rng = np.random.default_rng(0)

REFUSALS = [
    (
        lambda: bp.norm(m, ord=3),
        "norm: Invalid norm order for matrices.",
    ),
    (
        lambda: bp.norm(m[0], ord="fro"),
        "norm: Invalid norm order 'fro' for vectors",
    ),
    (
        lambda: bp.pad(m, 1, mode="mean"),
        "pad has no mode 'mean': give constant, edge, reflect, symmetric or wrap.",
    ),
    (
        lambda: bp.pad(m, {0: 1}),
        "pad does not take a dictionary: give (before, after) for each axis.",
    ),
    (
        lambda: TABLE["sum_to"](m, shape=(2, 2, 3)),
        "sum_to failed: a is m with shape (2, 3), shape = (2, 2, 3). It needs a shape that "
        "broadcasts to that of a. (shape (2, 2, 3) does not broadcast to (2, 3))",
    ),
    (
        lambda: TABLE["from_windows"](w, shape=(1, 1, 4, 4)),
        "from_windows failed: w is w with shape (1, 1, 2, 2, 2, 2), shape = (1, 1, 4, 4), "
        "stride = 1, dilation = 1. It needs every window of images of the shape. (the windows of "
        "shape (1, 1, 4, 4) have shape (1, 1, 3, 3, 2, 2), not (1, 1, 2, 2, 2, 2))",
    ),
    *(
        (
            lambda settings=settings: TABLE["windows"](np.ones((1, 1, 3, 3)), size=2, **settings),
            f"windows failed: x is an array with shape (1, 1, 3, 3), size = 2, stride = {stride}, "
            f"dilation = {dilation}. It needs images with axes (sample, channel, row, column), at "
            f"least as large as the window. (stride {stride} and dilation {dilation} must be 1 or "
            "more)",
        )
        for stride, dilation in [(0, 1), (-1, 1), ((1, 0), 1), (1, 0), (1, (1, -1))]
        for settings in [{"stride": stride, "dilation": dilation}]
    ),
    *(
        (lambda x=x, w=w, settings=settings: bp.conv2d(np.ones(x), np.ones(w), **settings), text)
        for x, w, settings, text in [
            ((1, 3, 3), (1, 1, 2, 2), {}, "x has 3 axes and w has 4, and both must have 4"),
            ((1, 1, 3, 3), (2, 2), {}, "x has 4 axes and w has 2, and both must have 4"),
            (
                (1, 2, 3, 3),
                (1, 1, 2, 2),
                {},
                "x has 2 channels, and w takes 1, with groups = 1",
            ),
            (
                (1, 4, 3, 3),
                (3, 2, 2, 2),
                {"groups": 2},
                "3 outputs cannot be divided among 2 groups",
            ),
            (
                (1, 4, 3, 3),
                (3, 2, 2, 2),
                {"groups": 0},
                "3 outputs cannot be divided among 0 groups",
            ),
            ((1, 1, 3, 3), (1, 1, 2, 2), {"padding": (0, -1)}, "padding (0, -1) must be 0 or more"),
            (
                *((1, 1, 3, 3), (1, 1, 2, 2), {"stride": 0}),
                "stride 0 and dilation 1 must be 1 or more",
            ),
        ]
    ),
    (
        lambda: bp.max_pool2d(np.ones((1, 1, 4, 4)), 2, padding=(1, 2)),
        "max_pool2d has padding (1, 2) around windows of size 2: give at most half the size, or a "
        "window may lie in the padding alone.",
    ),
    (
        lambda: bp.avg_pool2d(np.ones((1, 1, 4, 4)), 2, padding=2),
        "avg_pool2d has padding 2 around windows of size 2: give at most half the size, or a "
        "window may lie in the padding alone.",
    ),
    *(
        (
            lambda call=call: call(np.ones((1, 1, 4, 4)), np.ones((1, 1, 2, 2))),
            f"{what}: give an integer, or one for rows and one for columns",
        )
        for call, what in [
            (lambda x, w: bp.conv2d(x, w, padding="same"), "padding 'same'"),
            (lambda x, w: bp.conv2d(x, w, stride=1.5), "stride 1.5"),
            (lambda x, w: bp.conv2d(x, w, dilation=(1, 2, 3)), "dilation (1, 2, 3)"),
            (lambda x, w: TABLE["windows"](x, size=None), "size None"),
            (lambda x, w: bp.max_pool2d(x, "2"), "max_pool2d has size '2'"),
            (lambda x, w: bp.avg_pool2d(x, 2, padding="same"), "avg_pool2d has padding 'same'"),
        ]
    ),
    *(
        (
            lambda f=f: f(m, ddof=[2]),
            "float() argument must be a string or a real number, not 'list'",
        )
        for f in (bp.var, bp.std)
    ),
    (
        lambda: bp.einsum("i...->i", m),
        "einsum: output has more dimensions than subscripts given in einstein sum, but no '...' "
        "ellipsis provided to broadcast the extra dimensions.",
    ),
    (
        lambda: TABLE["cross_entropy_with_probabilities"](m, 1.0),
        "shapes (2, 3) and () differ",
    ),
    (
        lambda: bp.astype(m, int),
        "astype failed: a is m with shape (2, 3), dtype = <class 'int'>. It needs float64 or "
        "float32: no gradient flows through other types. (int64 carries no gradient: use "
        "t.data.astype)",
    ),
    (
        lambda: bp.einsum("ij,jk", m),
        "einsum has a term for each operand: 2 in 'ij,jk', not 1.",
    ),
    (
        lambda: bp.embedding(m, [0.0, 1.0]),
        "embedding needs integer indices, and these have dtype float64.",
    ),
    (
        lambda: bp.dropout(m, 1.0, rng),
        "dropout: p is a number that is at least 0 and less than 1, not 1.0.",
    ),
    (
        lambda: bp.dropout(m, -0.5, rng),
        "dropout: p is a number that is at least 0 and less than 1, not -0.5.",
    ),
    (
        lambda: bp.cross_entropy(m, [0, 3]),
        "cross_entropy has 3 classes, 0 to 2, and the target names 0 to 3.",
    ),
    (
        lambda: bp.cross_entropy(m, [-1, 0]),
        "cross_entropy has 3 classes, 0 to 2, and the target names -1 to 0.",
    ),
    (
        lambda: bp.cross_entropy(m, [0, 1, 2]),
        "cross_entropy has logits of shape (2, 3) with the classes on axis 1, so class numbers "
        "have shape (2,), not (3,). Take a column as y[:, 0]; if the classes are on another axis, "
        "say axis=...",
    ),
    (
        lambda: bp.cross_entropy(m, [[0, 1, 0], [1, 0, 0]]),
        "cross_entropy takes integers for class numbers, of shape (2,). These have the shape of "
        "the scores, (2, 3): if they are one-hot, write them as floats.",
    ),
    (
        lambda: bp.cross_entropy(m, np.eye(3)[:2], axis=0),
        "cross_entropy has logits of shape (2, 3) with the classes on axis 0, and the target's "
        "probabilities sum to 1 along axis 1. If the classes are on that axis, say axis=...",
    ),
    (
        lambda: bp.cross_entropy(m, [0, 1], axis=2),
        "cross_entropy has logits of shape (2, 3), which have no axis 2 for the classes. Say which "
        "it is: axis=...",
    ),
    (
        lambda: bp.cross_entropy(m, [0.5, 0.5]),
        "cross_entropy has logits of shape (2, 3) with the classes on axis 1, so probabilities "
        "have shape (2, 3), not (2,). Class numbers are integers, and these are float64: write "
        "y.astype(int).",
    ),
    (
        lambda: bp.binary_cross_entropy_with_logits(m, np.ones(3)),
        "binary_cross_entropy_with_logits failed: logits is m with shape (2, 3), target is an "
        "array with shape (3,). It needs equal shapes. (shapes (2, 3) and (3,) differ)",
    ),
    (
        lambda: bp.einsum("ij,jk->ik", m, bp.tensor(np.ones((2, 2)), name="b")),
        "einsum failed: operand 1 is m with shape (2, 3), operand 2 is b with shape (2, 2), "
        "inputs = ('ij', 'jk'), output = 'ik', optimize = True. "
        "(Size of label 'j' for operand 1 (3) does not match previous terms (2).)",
    ),
    (
        lambda: bp.einsum(m, "ij"),
        "einsum takes the subscripts first, as text, and then the operands: "
        'einsum("ij,jk->ik", a, b), not a Tensor first.',
    ),
    *(
        (
            lambda pool=pool, x=x, size=size, settings=settings: pool(x, size, **settings),
            f"{pool.__name__} {text}",
        )
        for pool in (bp.max_pool2d, bp.avg_pool2d)
        for x, size, settings, text in [
            (
                *(np.ones((1, 1, 2, 3)), 3, {"stride": 1}),
                "failed: x is an array with shape (1, 1, 2, 3), size = 3, stride = 1, dilation = "
                "1. It needs images with axes (sample, channel, row, column), at least as large "
                "as the window. (window shape cannot be larger than input array shape)",
            ),
            (
                *(m, 2, {"padding": 1}),
                "needs images with axes (sample, channel, row, column), and x has shape (2, 3).",
            ),
            (
                *(np.ones((1, 1, 4, 4)), 2, {"padding": (0, -1)}),
                "has padding (0, -1): give 0 or more.",
            ),
        ]
    ),
    (
        lambda: bp.split(m, 2, axis=1),
        "split: array split does not result in an equal division",
    ),
    (
        lambda: bp.split(m, [0.5]),
        "split: slice indices must be integers or None or have an __index__ method",
    ),
    (
        lambda: bp.split(m, 1, axis=2),
        "split: axis 2 is out of bounds for array of dimension 2",
    ),
    *(
        (
            lambda i=i: bp.embedding(m, [0, i]),
            "embedding has a table of 2 rows, 0 to 1, and the indices name "
            f"{min(0, i)} to {max(0, i)}.",
        )
        for i in (2, -1)
    ),
    (
        lambda: bp.embedding(1.0, 0),
        "embedding looks up rows of a table, and the weight is one number.",
    ),
    (
        lambda: bp.cross_entropy(m, np.ones((2, 3), complex) / 3.0),
        "cross_entropy cannot take its target: complex numbers are not supported. Keep the real "
        "and the imaginary part as two tensors.",
    ),
    (
        lambda: bp.cross_entropy(1.0, 0),
        "cross_entropy has logits of shape (), which have no axis 1 for the classes. Say which it "
        "is: axis=...",
    ),
]


SUBSCRIPTS = ["i...->i", "...i->i", "i...", "...->", "i->ii", "ij->i", "ii", "i,i", "ij..->i", "->"]


@pytest.mark.parametrize(
    "subscripts", [*SUBSCRIPTS, "i->j", "i1->i", "i-i", "...i...->i", "iI->Ii"]
)
@pytest.mark.parametrize("ndim", [0, 1, 2, 3])
def test_einsum_refuses_what_numpy_refuses(subscripts, ndim):
    a = np.arange(2.0**ndim).reshape((2,) * ndim)
    try:
        expected = np.einsum(subscripts, a)
    except ValueError:
        with pytest.raises(ValueError, match="einsum"):
            bp.einsum(subscripts, a)
    else:
        assert np.array_equal(bp.einsum(subscripts, a), expected)


@pytest.mark.parametrize(("call", "text"), REFUSALS, ids=[text.split()[0] for _, text in REFUSALS])
def test_a_refusal_says_what_was_given_and_what_is_needed(call, text):
    with pytest.raises((TypeError, ValueError, IndexError)) as caught:
        call()
    assert str(caught.value) == text or str(caught.value).endswith(f"({text})")
