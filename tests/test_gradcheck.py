"""The finite-difference witness: right rules pass, wrong ones are caught, no bad step is blamed."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tinygrad_bp as bp

x3 = np.array([0.3, -1.2, 0.7])


def message(error, call):
    """Return the whole text of the error that a call raises."""
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


def operation(forward, *rules):
    """Return an operation with the given contributions ``rule(g, out, *inputs)``."""

    def f(*inputs):
        return forward(*inputs)

    if len(rules) == 1:

        @bp.primitive
        def op(x):
            return f(x)

    else:

        @bp.primitive
        def op(x, y):
            return f(x, y)

    @op.backward
    def _(out, *inputs):
        return tuple(lambda g, rule=rule: rule(g, out, *inputs) for rule in rules)

    return op


def reasons(report):
    """Return why the entries of each input failed, by entry."""
    return [{wrong.where: wrong.reason for wrong in found.failures} for found in report.inputs]


# Right rules pass


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    ("f", "inputs"),
    [
        (bp.tanh, [x3]),
        (bp.softmax, [np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]])]),
        (lambda a, b: a @ b, [np.ones((2, 3)), x3]),
        (lambda x: x * x * x, [2.0]),  # a number
        (lambda x: (x * x).sum(), [np.zeros((0, 3))]),
        (lambda x: x[:0], [x3]),
        (lambda x: bp.tensor(3.0), [x3]),  # a constant
        (lambda x, y: x.sum(), [x3, x3]),  # y is not used
        (lambda x: bp.jacobian(lambda y: y * x.sum())(x3), [x3]),  # a derivative inside
    ],
)
def test_right_rules_pass(f, inputs, order):
    report = bp.gradcheck(f, inputs, order)
    assert report, str(report)
    assert report.passed
    assert report.linear


def test_the_report_of_a_pass():
    w = bp.tensor([1.0, 2.0], requires_grad=True, name="w")
    report = bp.gradcheck(lambda w, x: w * x, [w, np.array(3.0)])
    head, *lines = str(report).split("\n")
    assert head == "gradient: passed"
    assert [line.rsplit(" ", 1)[0] for line in lines] == [
        "  w (2,): 2 entries agree, relative error",
        "  input 1 (): 1 entry agrees, relative error",
    ]
    assert all(found.error < 1e-9 for found in report.inputs)
    assert w.grad is None
    assert repr(report) == str(report)


def test_it_holds_under_no_grad_too():
    with bp.no_grad():
        assert bp.gradcheck(bp.tanh, [x3])


# Wrong rules are caught: a check that cannot fail is a defect

WRONG = {
    "sign": operation(np.sin, lambda g, out, x: -g * np.cos(x)),
    "factor": operation(np.square, lambda g, out, x: g * x),
    "slightly": operation(np.sin, lambda g, out, x: (1 + 1e-5) * g * np.cos(x)),
    "dropped term": operation(lambda x: x * np.exp(x), lambda g, out, x: g * np.exp(x)),
    "nothing": operation(np.sin, lambda g, out, x: 0.0 * g),
    "offset": operation(np.sin, lambda g, out, x: g * np.cos(x) + 1e-3),
    "reversed": operation(np.exp, lambda g, out, x: (g * out)[::-1]),
    "NaN": operation(np.sin, lambda g, out, x: g * np.nan),
    "infinity": operation(np.sin, lambda g, out, x: g * np.inf),
    "transposed": operation(np.matmul, lambda g, out, a, b: g @ b, lambda g, out, a, b: a.mT @ g),
    "swapped": operation(np.multiply, lambda g, out, a, b: g * a, lambda g, out, a, b: g * b),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_rule_is_caught(fault):
    a = np.random.default_rng(0).normal(size=(3, 3))
    op = WRONG[fault]
    inputs = [a, a + 1.0][: op.arity]
    report = bp.gradcheck(op, inputs)
    assert not report
    assert "wrong" in reasons(report)[0].values()
    assert not bp.gradcheck(lambda *x: np.exp(op(*x) * 0.3), inputs)  # inside of a function


def test_one_wrong_input_of_two_is_named():
    op = operation(np.multiply, lambda g, out, a, b: g * b, lambda g, out, a, b: -g * a)
    w = bp.tensor([[1.0, 2.0]], name="w")
    report = bp.gradcheck(lambda x, w: op(x, w).sum(), [np.array([[3.0, 4.0]]), w])
    assert str(report) == (
        "gradient: FAILED\n"
        f"  input 0 (1, 2): 2 entries agree, relative error {report.inputs[0].error:.1e}\n"
        "  w (1, 2): 2 of 2 entries wrong (the differences settle, on another value); "
        "worst at (0, 1): gradient -4, difference 4"
    )


def test_one_wrong_entry_of_many_is_named():
    def rule(g, out, x):
        return np.where(np.arange(6).reshape(2, 3) == 4, 3.0 * g, 2.0 * g) * x

    op = operation(np.square, rule)
    report = bp.gradcheck(lambda x: op(x).sum(), [np.arange(6.0).reshape(2, 3)])
    assert reasons(report) == [{(1, 1): "wrong"}]
    (wrong,) = report.inputs[0].failures
    assert (wrong.gradient, round(wrong.difference, 6)) == (12.0, 8.0)
    assert str(report) == (
        "gradient: FAILED\n"
        "  input 0 (2, 3): 1 of 6 entries wrong (the differences settle, on another value); "
        "worst at (1, 1): gradient 12, difference 8"
    )


def test_a_small_gradient_beside_a_large_one_is_checked_as_well():
    op = operation(np.sin, lambda g, out, x: 2.0 * g * np.cos(x))
    report = bp.gradcheck(lambda a, b: 1e6 * a + 1e-3 * op(b), [1.0, 0.5])
    assert reasons(report) == [{}, {(): "wrong"}]


def test_a_wrong_entry_does_not_hide_another():
    op = operation(np.square, lambda g, out, x: g * x)
    scale, weight = np.array([1e6, 1.0]), np.array([1.0, 1e-9])
    report = bp.gradcheck(lambda x: op(x / scale) * weight, [np.array([1e6, 0.5])])
    assert reasons(report) == [{(0,): "wrong", (1,): "wrong"}]


@pytest.mark.parametrize(
    "rule",
    [
        lambda g, out, x: g * g * np.cos(x),
        lambda g, out, x: np.cos(x),
        lambda g, out, x: np.where(g > 0, g, 0.0) * np.cos(x),
        lambda g, out, x: g * np.cos(x) + (g - 1.0) ** 2,
    ],
    ids=["squared", "constant", "positive part", "added"],
)
def test_a_rule_that_misuses_g_is_caught_even_where_g_is_1(rule):
    op = operation(np.sin, rule)
    report = bp.gradcheck(op, [0.5])  # the gradient itself is right here
    assert reasons(report) == [{}]
    assert not report.linear
    assert str(report) == (
        "gradient: FAILED\n"
        f"  input 0 (): 1 entry agrees, relative error {report.inputs[0].error:.1e}\n"
        "  the gradient is not linear in the upstream gradient g: a rule misuses g"
    )
    assert not bp.gradcheck(op, [x3]).linear


def value(x):
    """Return the bare value of what a rule is given: it has no history."""
    return x.data if isinstance(x, bp.Tensor) else x


SECOND = {
    "history of the input": lambda g, out, x: g * 2.0 * value(x),
    "history of the output": lambda g, out, x: g * 2.0 * np.sqrt(value(out)),
    "history of g": lambda g, out, x: value(g) * 2.0 * x,
}


@pytest.mark.parametrize("fault", SECOND)
def test_a_second_derivative_is_caught_where_the_first_is_right(fault):
    op = operation(np.square, SECOND[fault])
    f = lambda x: (op(x) * op(x)).sum()  # noqa: E731
    inputs = [np.array([1.0, 2.0])]
    assert bp.gradcheck(f, inputs)
    report = bp.gradcheck(f, inputs, order=2)
    assert not report
    assert str(report).startswith("gradient of the gradient: FAILED\n  input 0 (2,): 2 of 2")
    assert set(reasons(report)[0].values()) == {"wrong"}


def test_order_2_takes_the_gradient_itself_as_right():
    op = operation(np.square, lambda g, out, x: g * x)  # a factor is lost, consistently
    assert not bp.gradcheck(op, [x3])
    assert bp.gradcheck(op, [x3], order=2)


# Large inputs


@pytest.mark.parametrize("order", [1, 2])
def test_a_large_input_is_checked_along_random_directions(order):
    x = np.random.default_rng(0).normal(size=(20, 30))
    calls = []

    def f(x, y):
        calls.append(1)
        return (bp.tanh(x) * y).sum(axis=0)

    report = bp.gradcheck(f, [x, x3[0]], order)
    assert report
    assert [(found.checked, found.along) for found in report.inputs] == [
        (20, "directions"),
        (1, "entries"),
    ]
    assert len(calls) < x.size
    assert "input 0 (20, 30): 20 directions agree" in str(report)


def test_one_wrong_entry_of_a_large_input_is_caught():
    x = np.random.default_rng(0).normal(size=(20, 30))
    wrong = np.ones(x.shape)
    wrong[13, 7] = 1.01
    op = operation(np.sin, lambda g, out, x: g * np.cos(x) * wrong)
    report = bp.gradcheck(op, [x])
    assert set(reasons(report)[0].values()) == {"wrong"}
    assert len(report.inputs[0].failures) > 10
    assert "of 20 directions wrong" in str(report)


def test_another_seed_draws_other_directions_and_the_same_seed_the_same():
    op = operation(np.sin, lambda g, out, x: -g * np.cos(x))
    texts = [str(bp.gradcheck(op, [np.ones(300)], seed=seed)) for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]


# What differences cannot decide is not called wrong


def test_a_kink_is_called_a_kink():
    report = bp.gradcheck(bp.relu, [np.array([1.0, 0.0, -2.0])])
    assert reasons(report) == [{(1,): "kink"}]
    assert str(bp.gradcheck(lambda x: bp.relu(x).sum(), [np.zeros(2)])) == (
        "gradient: FAILED\n"
        "  input 0 (2,): 2 of 2 entries at a kink (the slopes on the two sides differ); "
        "worst at (0,): gradient 0, difference 0.5"
    )


def test_a_rule_that_is_wrong_on_both_sides_of_a_kink_is_wrong():
    op = operation(lambda x: np.maximum(x, 0.0), lambda g, out, x: -2.0 * g)
    report = bp.gradcheck(lambda x: op(x).sum(), [np.array([0.0, 1.0])])
    assert reasons(report) == [{(0,): "wrong", (1,): "wrong"}]


@pytest.mark.parametrize("near", [1e-3, 1e-4, 1e-5, -1e-5])
def test_a_kink_nearby_does_not_disturb(near):
    assert bp.gradcheck(bp.relu, [np.array(near)])


def test_a_gradient_in_the_middle_between_both_sides_passes():
    assert bp.gradcheck(lambda x: bp.absolute(x).sum(), [np.zeros(2)])
    assert bp.gradcheck(lambda x: x.max(), [np.ones(2)])  # ties share equally


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e-5])
def test_a_sharp_bend_is_no_kink(scale):
    assert bp.gradcheck(lambda x: bp.softplus(x / scale), [np.array([0.0, scale, -scale])])
    op = operation(bp.softplus, lambda g, out, x: 0.5 * g * bp.sigmoid(x))
    report = bp.gradcheck(lambda x: op(x / scale).sum(), [np.array([0.0])])
    assert reasons(report) == [{(0,): "wrong"}]


def noisy(x):
    """Return x^2 and noise, the same at every call."""
    return x * x + 1e-3 * np.sin(1e9 * x)


def test_a_function_of_noise_is_not_called_wrong():
    op = operation(noisy, lambda g, out, x: g * 2.0 * x)
    report = bp.gradcheck(lambda x: op(x).sum(), [np.array([1.0, 2.0])])
    assert reasons(report) == [{(0,): "no plateau", (1,): "no plateau"}]
    assert str(report).startswith(
        "gradient: not decided\n"
        "  input 0 (2,): 2 of 2 entries not decided (the differences settle on no value above "
        "rounding); worst at"
    )


def test_a_little_noise_does_no_harm():
    def forward(x):
        return x * x + 1e-9 * np.sin(1e9 * x)

    for factor, passes in [(2.0, True), (2.01, False)]:
        op = operation(forward, lambda g, out, x, factor=factor: g * factor * x)
        report = bp.gradcheck(op, [np.array([1.0, 2.0])])
        assert bool(report) is passes
        assert set(reasons(report)[0].values()) == (set() if passes else {"wrong"})


def test_the_edge_of_a_domain_is_not_decided():
    report = bp.gradcheck(bp.arcsin, [np.array([0.5, 0.999999999])])
    assert reasons(report) == [{(1,): "no plateau"}]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the gradient is 1 / 0 there
def test_an_infinite_slope_is_not_decided_and_spoils_no_other_entry():
    assert reasons(bp.gradcheck(bp.sqrt, [np.array([1.0, 0.0])])) == [{(1,): "no plateau"}]


def test_a_value_that_is_no_number_is_not_decided():
    report = bp.gradcheck(lambda x: x * np.nan, [np.array([1.0])])
    assert reasons(report) == [{(0,): "no plateau"}]


# Never a false alarm

SMOOTH = {
    "sin": np.sin,
    "tanh": np.tanh,
    "sigmoid": bp.sigmoid,
    "softplus": bp.softplus,
    "gelu": bp.gelu,
    "arctan": np.arctan,
    "log": lambda x: np.log(np.abs(x)),
    "sqrt": lambda x: np.sqrt(np.abs(x)),
    "reciprocal": lambda x: 1.0 / x,
    "cube": lambda x: x**3,
    "inverse cube": lambda x: np.abs(x) ** -3.0,
    "offset": lambda x: 1e6 + x * x,
    "bell": lambda x: np.exp(-x * x),
    "constant": lambda x: np.sin(x) ** 2 + np.cos(x) ** 2,
    "softmax": bp.softmax,
    "logsumexp": bp.logsumexp,
    "norm": np.linalg.norm,
    "moments": lambda x: x.mean() + x.var(),
    "fast": lambda x: np.sin(30.0 * x),
}

SIZES = st.floats(-3.0, 3.0).map(lambda power: 10.0**power)
NUMBERS = st.tuples(st.sampled_from([-1.0, 1.0]), SIZES).map(math.prod)


@pytest.mark.parametrize("name", SMOOTH)
@settings(max_examples=25, deadline=None)
@given(x=st.lists(NUMBERS, min_size=1, max_size=3).map(np.array))
def test_never_a_false_alarm(name, x):
    for order in (1, 2):
        report = bp.gradcheck(SMOOTH[name], [x], order)
        # Where everything is saturated, no difference can tell: not decided, but never wrong.
        size = max(1.0, np.abs(SMOOTH[name](x)).max())
        for wrong in report.inputs[0].failures:
            assert wrong.reason == "no plateau", f"{x}: {report}"
            assert abs(wrong.gradient) < 1e-11 * size, f"{x}: {report}"
        assert report.linear


@settings(max_examples=200, deadline=None)
@given(
    x=SIZES,
    factor=st.sampled_from([-1.0, 0.0, 0.5, 0.9999, 1.0001, 2.0]),
    f=st.sampled_from(
        [
            (np.log, lambda x: 1.0 / x),
            (np.sqrt, lambda x: 0.5 / np.sqrt(x)),
            (np.sin, np.cos),
            (np.square, lambda x: 2.0 * x),
        ]
    ),
)
def test_always_an_alarm(x, factor, f):
    forward, slope = f
    assume(abs(slope(x)) > 1e-3 * abs(forward(x) / x))  # not near an extremum
    op = operation(forward, lambda g, out, x: factor * g * slope(x))
    assert reasons(bp.gradcheck(op, [x])) == [{(): "wrong"}]


# Outputs so small that rounding may hide the slope


def small(factor):
    """Return 1e-20 a^2 with a gradient that is right if the factor is 2."""
    return operation(lambda a: a * a * 1e-20, lambda g, out, a: factor * g * a * 1e-20)


@pytest.mark.parametrize("factor", [-7.0, 0.0, 1.0, 2.01])
def test_a_wrong_rule_of_a_small_output_is_caught(factor):
    inputs = [np.array([1.0, 2.0])]
    assert reasons(bp.gradcheck(small(factor), inputs)) == [{(0,): "wrong", (1,): "wrong"}]
    assert bp.gradcheck(small(2.0), inputs)


@pytest.mark.parametrize("factor", [-7.0, 2.0])
def test_slopes_below_rounding_are_not_decided(factor):
    f = lambda a: small(factor)(a) + 1.0  # noqa: E731
    report = bp.gradcheck(f, [np.array([1.0, 2.0])])
    assert reasons(report) == [{(0,): "no plateau", (1,): "no plateau"}]
    assert not report
    assert bp.gradcheck(lambda a: 0.0 * f(a) + 1.0, [np.array([1.0, 2.0])])  # exactly zero


def test_what_is_not_decided_is_neither_passed_nor_failed():
    report = bp.gradcheck(lambda a: small(2.0)(a) + 1.0, [np.array([1.0, 2.0])])
    assert (report.outcome, report.passed) == ("not decided", False)
    assert str(report).startswith(
        "gradient: not decided\n  input 0 (2,): 2 of 2 entries not decided"
    )
    wrong = operation(np.square, lambda g, out, x: g * x)
    both = bp.gradcheck(lambda a, b: small(2.0)(a) + wrong(b), [1.0, 2.0])
    assert (reasons(both), both.outcome) == ([{(): "no plateau"}, {(): "wrong"}], "FAILED")


#: Functions whose gradient is zero, as its terms cancel: what is left is their rounding.
ZERO = {
    "softmax": lambda x: bp.softmax(x).sum(),
    "log_softmax": lambda x: np.exp(bp.log_softmax(x)).sum(),
    "centred": lambda x: (x - x.mean()).sum(),
    "standardized": lambda x: ((x - x.mean()) / x.std()).sum(),
    "normalized": lambda x: bp.square_sum(x / np.linalg.norm(x)),
    "circle": lambda x: (np.sin(x) ** 2 + np.cos(x) ** 2).sum(),
    "logsumexp": lambda x: bp.logsumexp(x - bp.logsumexp(x)),
    "shifted": lambda x: bp.square_sum(bp.softmax(x + x.sum()) - bp.softmax(x)),
}


@pytest.mark.parametrize("name", ZERO)
def test_a_gradient_that_is_zero_but_for_rounding_passes(name):
    for seed in range(6):
        for order in (1, 2):
            report = bp.gradcheck(ZERO[name], [np.random.default_rng(seed).normal(size=4)], order)
            assert report, f"{seed}: {report}"


def test_a_wrong_gradient_of_a_constant_function_is_caught():
    one = operation(lambda x: x / x, lambda g, out, x: 1e-6 * g)
    assert reasons(bp.gradcheck(lambda x: one(x).sum(), [np.array([1.0, 2.0])])) == [
        {(0,): "wrong", (1,): "wrong"}
    ]


def test_an_entry_below_rounding_beside_one_that_is_decided_passes():
    scale = np.array([1.0, 1e-20])
    assert bp.gradcheck(lambda a: (a * scale).sum(), [np.array([1.0, 2.0])])


@pytest.mark.parametrize("x", [-5.0, -8.0, -30.0, -1000.0])
def test_a_saturated_gelu_passes(x):
    for order in (1, 2):
        assert bp.gradcheck(bp.gelu, [x], order)


# What is refused, word for word


@pytest.mark.parametrize("tolerance", [-1, -1e-9, math.inf, math.nan, 2.0])
def test_a_tolerance_that_all_or_nothing_meets_is_refused(tolerance):
    assert message(ValueError, lambda: bp.gradcheck(np.sin, [x3], tolerance=tolerance)) == (
        f"the tolerance must be between 0 and 1, not {tolerance!r}."
    )


@pytest.mark.parametrize("array", [np.ones(2, np.float32), np.ones(2, int), np.ones(2, bool), 3])
def test_inputs_that_are_not_float64_are_refused(array):
    text = (
        f"gradcheck needs float64 inputs, and input 1 is {np.asarray(array).dtype}: a difference "
        "of float32 numbers is mostly rounding, and integers cannot move a little. Convert it "
        "with .astype(np.float64)."
    )
    assert message(TypeError, lambda: bp.gradcheck(lambda x, y: x * y, [1.0, array])) == text
    tensor = bp.tensor(array)
    assert message(TypeError, lambda: bp.gradcheck(lambda x, y: x * y, [1.0, tensor])) == text


def test_complex_inputs_are_refused():
    assert message(TypeError, lambda: bp.gradcheck(np.sin, [1j * np.ones(2)])) == (
        "gradcheck needs float64 inputs, and input 0 is complex128. Make the real and the "
        "imaginary part two inputs."
    )


def test_inputs_that_are_not_in_a_list_are_refused():
    assert message(TypeError, lambda: bp.gradcheck(np.sin, np.ones(2))) == (
        "gradcheck takes a list of inputs, one for each argument of the function: "
        "gradcheck(fn, [x]), not array([1., 1.])."
    )


def test_a_float32_output_is_refused():
    f = lambda x: x.astype(np.float32)  # noqa: E731
    assert message(TypeError, lambda: bp.gradcheck(f, [x3])) == (
        "gradcheck needs a float64 output, and this one is float32."
    )


def test_a_function_that_returns_no_tensor_is_refused():
    assert message(TypeError, lambda: bp.gradcheck(lambda x: x.data, [np.ones(2)])) == (
        "gradcheck needs a function that returns a Tensor, not array([1., 1.])."
    )


def test_a_function_of_chance_is_refused():
    rng = np.random.default_rng(0)
    text = (
        "the function gives another result when called again with the same inputs, so it has no "
        "derivative to check. Seed its random generator inside the function."
    )
    assert message(ValueError, lambda: bp.gradcheck(lambda x: x * rng.random(), [x3])) == text
    assert bp.gradcheck(lambda x: bp.dropout(x, 0.5, np.random.default_rng(0)), [x3])


@pytest.mark.parametrize("order", [0, 3, 1.5, "1"])
def test_another_order_is_refused(order):
    assert message(ValueError, lambda: bp.gradcheck(np.sin, [x3], order)) == (
        f"gradcheck checks order 1 or 2, not {order!r}."
    )


def test_an_error_of_the_function_is_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        bp.gradcheck(lambda x: x * (1 // 0), [math.pi])
