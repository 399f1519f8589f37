"""What is recorded, and where; and the debugging mode, which names the first culprit.

The first operation that makes a NaN or infinity is named, with its line.
"""

import os
import signal
import threading
import warnings

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp import recording

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # outside of detect_anomaly()


def leaf(data, name=None):
    return bp.tensor(data, requires_grad=True, name=name)


def message(call):
    """Return the whole text of the error that a call raises, with HERE for the call's own line."""
    with pytest.raises(FloatingPointError) as caught, bp.detect_anomaly():
        call()
    return str(caught.value).replace(f"{__file__}:{call.__code__.co_firstlineno}", "HERE")


@bp.primitive
def length(x):
    """Return the Euclidean length, with a rule that forgets the length 0."""
    return np.sqrt((x * x).sum())


@length.backward
def _(out, x):
    return lambda g: g * x / out


# Forward


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: bp.log(leaf([1.0, 0.0], "x")),
            "log, recorded at HERE, made -inf out of finite numbers: its operands are x with shape "
            "(2,).",
        ),
        (
            lambda: 1 / leaf([1.0, 0.0], "x"),
            "divide, recorded at HERE, made inf out of finite numbers: its operands are 1, x with "
            "shape (2,).",
        ),
        (
            lambda: np.ones(2) / leaf([1.0, 0.0], "x"),
            "divide, recorded at HERE, made inf out of finite numbers: its operands are a tensor "
            "with shape (2,), x with shape (2,).",
        ),
        (
            lambda: leaf(0.0, "a") / leaf(0.0, "b"),
            "divide, recorded at HERE, made nan out of finite numbers: its operands are a with "
            "shape (), b with shape ().",
        ),
        (
            lambda: bp.exp(leaf([1e3], "z")),
            "exp, recorded at HERE, made inf out of finite numbers: its operands are z with shape "
            "(1,).",
        ),
        (
            lambda: leaf([-1.0], "a") ** 0.5,
            "power, recorded at HERE, made nan out of finite numbers: its operands are a with "
            "shape (1,), 0.5.",
        ),
        (
            lambda: bp.tensor([1e308]).sum() * 10.0,  # constants
            "multiply, recorded at HERE, made inf out of finite numbers: its operands are the "
            "output of sum, recorded at HERE, with shape (), 10.0.",
        ),
    ],
)
def test_what_an_operation_makes_of_finite_numbers(call, text):
    assert message(call) == text


def test_the_first_culprit_is_named():
    x = leaf([1.0, 0.0], "x")

    def f():
        y = bp.log(x)
        z = y * 2.0  # infinite too, but not out of finite numbers
        return (z - z).sum()  # inf - inf

    assert message(f).startswith("log, ")
    later = leaf([2.0, 1.0])
    assert message(lambda: bp.log(later) + bp.sqrt(x - 1.0)).startswith("sqrt, ")


def test_what_was_not_finite_before_is_not_blamed():
    for bad in (np.inf, -np.inf):
        x = leaf([bad, 0.0, 2.0])
        with bp.detect_anomaly():
            y = bp.log(x) + bp.exp(x) * x / x
            (y * y).sum().backward()
        assert not np.isfinite(x.grad).all()


@pytest.mark.parametrize(
    "infinity",
    [-np.inf, np.float32(-np.inf), np.array(-np.inf), (-np.inf, 0.0), [[-np.inf, 1.0]]],
    ids=["float", "float32", "array", "pair", "nested"],
)
def test_an_infinity_in_an_argument_is_not_blamed(infinity):
    x = leaf([1.0, 2.0])
    with bp.detect_anomaly():
        np.pad(x, 1, constant_values=infinity).max().backward()
    assert x.grad.tolist() == [0.0, 1.0]


def test_an_infinity_that_was_asked_for_is_not_blamed():
    x = leaf(np.arange(4.0).reshape(1, 1, 2, 2))
    with bp.detect_anomaly():
        bp.max_pool2d(x, 2, padding=1).sum().backward()  # pads with -inf
        bp.clip(x, -np.inf, np.inf).sum().backward()
        bp.softmax(bp.where(x.data > 1.0, x, -np.inf)).sum().backward()
    assert np.isfinite(x.grad).all()


# Backward


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: bp.sqrt(leaf([1.0, 0.0], "x")).sum().backward(),
            "the backward rule of sqrt, recorded at HERE, made inf for x with shape (2,), from a "
            "finite gradient.",
        ),
        (
            lambda: (leaf([0.0], "x") ** 0.5).sum().backward(),
            "the backward rule of power, recorded at HERE, made inf for x with shape (1,), from a "
            "finite gradient.",
        ),
        (
            lambda: length(leaf([0.0, 0.0], "x") * 2.0).backward(),
            "the backward rule of length, recorded at HERE, made nan for the output of multiply, "
            "recorded at HERE, with shape (2,), from a finite gradient.",
        ),
    ],
)
def test_what_a_rule_makes_of_finite_numbers(call, text):
    assert message(call) == text


def test_no_gradient_arrives_at_a_leaf():
    x = leaf([1.0, 0.0])
    message(lambda: (bp.sqrt(x).sum() + x.sum()).backward())
    assert x.grad is None


def test_the_first_rule_on_the_way_back_is_named():
    x = leaf([1.0, 0.0], "x")

    def f():
        y = bp.sqrt(x * x)  # made inf for x * x ...
        (y * 3.0).sum().backward()  # ... and then 0 * inf = nan for x

    assert message(f).startswith("the backward rule of sqrt, ")


def test_what_was_recorded_before_the_block_has_no_line():
    x = leaf([1.0, 0.0], "x")
    y = bp.sqrt(x).sum()
    assert message(y.backward) == (
        "the backward rule of sqrt made inf for x with shape (2,), from a finite gradient."
    )


def test_a_gradient_that_is_recorded_itself():
    def slope(x):
        return bp.grad(bp.sqrt(x).sum(), x, create_graph=True)

    x = leaf([1.0, 4.0])
    with bp.detect_anomaly():
        assert np.allclose(bp.grad(slope(x).sum(), x), [-0.25, -0.25 / 8.0])
    with pytest.raises(FloatingPointError) as caught, bp.detect_anomaly():
        slope(leaf([1.0, 0.0]))
    # What a rule computes is recorded, so its own division is found; a note says whose rule it is.
    assert str(caught.value).startswith(f"divide, recorded at {__file__}:")
    assert caught.value.__notes__[0].startswith("This is the backward rule of sqrt.")


def test_a_second_derivative_that_is_infinite():
    x = leaf([0.0], "x")

    def f():
        slope = bp.grad((x**1.5).sum(), x, create_graph=True)
        bp.grad(slope.sum(), x)

    assert "made inf for x with shape (1,), from a finite gradient." in message(f)


# The block


def test_nothing_is_raised_outside_the_block():
    x = leaf([1.0, 0.0])
    with bp.detect_anomaly():
        (x * 2.0).sum()
    bp.log(x)
    bp.sqrt(x).sum().backward()
    assert x.grad[1] == np.inf
    with pytest.raises(FloatingPointError), bp.detect_anomaly():
        bp.log(x)
    bp.log(x)


def test_blocks_nest():
    x = leaf([0.0], "x")
    with bp.detect_anomaly():
        with bp.detect_anomaly():
            pass
        with pytest.raises(FloatingPointError):
            bp.log(x)
        with pytest.raises(FloatingPointError), bp.scope("layer1"):
            bp.log(x)
    bp.log(x)


def test_the_error_comes_before_any_warning_of_numpys():
    for call in (lambda: bp.log(leaf(0.0)), lambda: bp.sqrt(leaf(0.0)).backward()):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(FloatingPointError), bp.detect_anomaly():
                call()
            with pytest.raises(RuntimeWarning):
                call()


def test_it_does_not_change_what_is_computed():
    x3 = np.array([0.3, -1.2, 0.7])

    def results():
        x = leaf(x3)
        loss = (bp.softmax(x) * np.exp(x)).sum()
        loss.backward()
        return loss.item(), x.grad.tolist(), bp.hessian(lambda x: (x**3).sum())(x3).tolist()

    plain = results()
    with bp.detect_anomaly():
        assert results() == plain


def test_a_file_beside_the_package_is_not_in_it():
    path = f"{bp.__path__[0]}_extras/model.py"
    code = compile("\n\nbp.log(x)", path, "exec")
    text = message(lambda: exec(code, {"bp": bp, "x": leaf(0.0)}))
    assert text.startswith(f"log, recorded at {path}:3, made -inf")


def test_data_that_holds_nan_is_named():
    x = bp.tensor([1.0, np.nan], name="x")
    with (
        bp.detect_anomaly(),
        pytest.raises(FloatingPointError, match=r"was given NaN in x with sh"),
    ):
        bp.exp(x)
    with bp.detect_anomaly():  # a mask may hold infinity
        assert bp.where([True, False], bp.tensor([1.0, 2.0]), -np.inf).data.tolist() == [1, -np.inf]


def test_arrays_alone_are_not_watched():
    with bp.detect_anomaly():
        assert bp.log(np.zeros(1)) == -np.inf


# no_grad and scope as decorators


def test_no_grad_without_brackets():
    w = bp.tensor(2.0, requires_grad=True)

    @bp.no_grad
    def square(t):
        return t * t

    assert not square(w).requires_grad
    assert (w * w).requires_grad


@pytest.mark.parametrize("decorator", [bp.no_grad, bp.no_grad(), bp.scope("layer")])
def test_a_generator_is_not_decorated(decorator):
    def batches():
        yield bp.tensor(1.0)

    with pytest.raises(TypeError, match=r"^batches is a generator, .* with bp\.no_grad\(\): "):
        decorator(batches)


def test_each_visit_to_a_scope_is_told_apart():
    tensors = []
    for _ in range(2):
        with bp.scope("cell"):
            tensors += [bp.tensor(1.0), bp.tensor(2.0)]
    first, second, third, _ = (t.scope for t in tensors)
    assert first == third == "cell"
    assert first.visit == second.visit != third.visit


# Threads, signals and processes


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_forked_while_a_thread_holds_the_lock_can_run_backward():
    x = bp.tensor(3.0, requires_grad=True)
    loss = x * x
    held, release = threading.Event(), threading.Event()

    def hold():
        with recording.lock:
            held.set()
            release.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
        child = os.fork()
    if child == 0:
        signal.alarm(10)  # it must not wait for ever
        loss.backward()
        os._exit(0 if x.grad == 6.0 else 1)
    _, status = os.waitpid(child, 0)
    release.set()
    thread.join()
    assert status == 0


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers")
def test_backward_inside_a_signal_handler():
    x = bp.tensor(3.0, requires_grad=True)
    handled = []
    before = signal.signal(signal.SIGALRM, lambda *_: handled.append((x * x).backward()))
    try:
        with recording.lock:
            signal.raise_signal(signal.SIGALRM)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert handled == [None]
    assert x.grad == 6.0


def test_threads_may_share_a_block():
    constant = bp.no_grad()
    x = bp.tensor(2.0, requires_grad=True)
    both_inside = threading.Barrier(2)
    found = []

    def run():
        with constant:
            both_inside.wait(10)
            inside = (x * x).requires_grad
        found.append((inside, (x * x).requires_grad))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(False, True)] * 2
