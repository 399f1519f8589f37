"""Reading: whatever a submission does, answers come back, and say why where there are none."""

import sys
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, permutations

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp import grade
from tinygrad_bp.grading.calling import UnansweredError, find_function
from tinygrad_bp.grading.spelling import find_quantity, suggest_name
from tinygrad_bp.grading.submission import UNKNOWN, Answers, Order, call, read_answers

POINT = {"z1": np.arange(3.0), "W1": np.ones((2, 3))}


def test_keys_may_be_written_in_several_ways():
    for key in ("z1", "dz1", "dL_dz1", "dL/dz1", "∂L/∂z1", "grad_z1", "dloss_dz1"):
        assert list(read_answers({key: 1.0}, POINT).values) == ["z1"]
    assert list(read_answers({"dz": 1.0}, ["dz", "z"]).values) == ["dz"]  # an exact name first
    assert list(read_answers({"dz_dot": 1.0}, ["z_dot", "ot"]).values) == ["z_dot"]


@pytest.mark.parametrize(
    ("key", "name"),
    [
        *(
            (key, "W1")
            for key in ("d_W1", "d_L_d_W1", "dLdW1", "W1_grad", "gW1", "gradW1", "dJ/dW1")
        ),
        *(
            (key, "W1")
            for key in ("nabla_W1", "delta_W1", "dw1", "dW[1]", "dW_1", "dcost_dW1", "w1")
        ),
        *(
            (key, "W1")
            for key in ("∇W1", "grads_W1", "gradient_of_W1", "W1.grad", "dW₁", "dW^{[1]}")
        ),
        *((key, "W1") for key in ("d_loss_d_W1", "grad_wrt_W1", "GRAD_W1", "partial_W1")),
        *(
            (key, "W1")
            for key in ("DW1", "W1_bar", "weight1", "weights[1]", "d_weight_1", "Weight1_grad")
        ),
        ("W_f_d", "W_f"),
        ("dWf", "W_f"),
        ("dX", "x"),
        ("dLdx", "x"),
        ("W11", None),
        ("weight", None),
        ("weighted1", None),
        ("", None),
        ("d", None),
    ],
)
def test_spellings_met_in_the_wild(key, name):
    assert find_quantity(key, ["W1", "W2", "W_f", "x", "z1"]) == name


LAYERS = {
    "a list of pairs": lambda W1, b1, W2, b2: [(W1, b1), (W2, b2)],
    "a mapping for each layer": lambda W1, b1, W2, b2: [{"dW": W1, "db": b1}, {"dW": W2, "db": b2}],
    "two lists": lambda W1, b1, W2, b2: {"dW": [W1, W2], "db": [b1, b2]},
}


@pytest.mark.parametrize("returned", LAYERS.values(), ids=LAYERS)
def test_what_is_returned_layer_by_layer(returned):
    shapes = {"W1": (4, 3), "b1": (4, 1), "W2": (2, 4), "b2": (2, 1)}
    point = {name: np.full(shape, 1.0 + k) for k, (name, shape) in enumerate(shapes.items())}
    answers = call(lambda **q: returned(**q), point, Order(tuple(point)))
    assert answers.failure is None
    assert {n: a.flat[0] for n, a in answers.values.items()} == {
        n: a.flat[0] for n, a in point.items()
    }
    # of shapes that do not fit it is not known what they are
    turned = call(lambda W1, b1, W2, b2: [(W2, b2), (W1, b1)], point, Order(tuple(point)))
    assert turned.failure.startswith("it returned 2 things without names.")


@pytest.mark.parametrize("bias", [(), (None,)])
def test_a_layer_may_have_no_bias(bias):
    shapes = {"W1": (4, 3), "b1": (4, 1), "W2": (2, 4)}
    point = {name: np.ones(shape) for name, shape in shapes.items()}
    last = "(W2, None)" if bias else "W2"
    for function in (
        eval(f"lambda W1, b1, W2: [(W1, b1), {last}]"),
        lambda W1, b1, W2: {"cache": [(W1, b1), W2], "dW1": W1, "db1": b1, "dW2": W2},
    ):
        answers = call(function, point, Order(tuple(point)))
        assert (answers.failure, list(answers.values)) == (None, list(point))


def gradients(W1, b1, W2, z1):
    return [(W1, b1), W2]


def test_a_layer_without_a_bias_in_a_return_statement():
    point = {"W1": np.ones((4, 3)), "b1": np.ones(4), "W2": np.ones((2, 4)), "z1": np.ones(4)}
    assert list(call(gradients, point, Order(("W1", "b1", "W2"))).values) == ["W1", "b1", "W2"]


GRADIENTS = {
    "dW1": lambda q: {f"d{name}": value for name, value in q.items()},
    "W1_grad": lambda q: {f"{name}_grad": value for name, value in q.items()},
    "lists": lambda q: {"dW": [q["W1"], q["W2"]], "db": [q["b1"], q["b2"]]},
    "layers": lambda q: {k: {"dW": q[f"W{k}"], "db": q[f"b{k}"]} for k in (1, 2)},
}
CACHES = {
    "z1": {"z1": np.ones(4), "z2": np.ones(2)},
    "Z1": {"Z1": np.ones(4), "D1": np.ones(4), "W1": np.ones((4, 3)), "b1": np.ones((4, 1))},
    "lists": {"Z": [np.ones(4), np.ones(2)]},
}


@pytest.mark.parametrize("cache", CACHES.values(), ids=CACHES)
@pytest.mark.parametrize("spell", GRADIENTS.values(), ids=GRADIENTS)
def test_gradients_are_found_among_the_loss_the_cache_and_the_parameters(spell, cache):
    shapes = {"W1": (4, 3), "b1": (4, 1), "W2": (2, 4), "b2": (2, 1)}
    right = {name: np.full(shape, 1.0 + k) for k, (name, shape) in enumerate(shapes.items())}
    known = {**right, "z1": np.ones(4), "z2": np.ones(2)}
    updated = {name: 0.9 * value for name, value in right.items()}
    beside = {"loss": 0.3, "cache": cache, "parameters": updated}
    for k in range(len(beside) + 1):
        for others in combinations(beside, k):
            for names in permutations(["gradients", *others]):
                parts = tuple((beside | {"gradients": spell(right)})[name] for name in names)
                answers = read_answers(parts, known, Order(tuple(right)))
                assert (answers.failure, dict(answers.unreadable)) == (None, {}), names
                assert {n: v.flat[0] for n, v in answers.values.items()} == {
                    n: v.flat[0] for n, v in right.items()
                }, names


def test_arrays_beside_a_cache_are_the_gradients():
    cache = {"z1": POINT["z1"], "W1": 7 * W1}
    known = {"W1": W1, "b1": B1, "z1": POINT["z1"]}
    for returned, written in (
        ((W1, B1, cache), ()),
        ((0.3, W1, B1, cache), ()),
        (([W1, B1], cache), ()),
        ((B1, cache, W1), ("db1", "cache", "dW1")),
    ):
        answers = read_answers(returned, known, ORDER, written)
        assert answers.failure is None
        assert (answers.values["W1"] == W1).all()
        assert list(answers.values) in (["W1", "b1"], ["b1", "W1"])


def test_two_mappings_with_the_same_names_are_not_guessed():
    """Either may be the new parameters."""
    answers = read_answers(({"W1": W1, "b1": B1}, {"W1": 2 * W1, "b1": B1}), ["W1", "b1"], ORDER)
    assert answers.unreadable == {"W1": "it is answered twice, with different numbers"}


@pytest.mark.parametrize("name", ["parameters", "params", "cache"])
def test_a_dictionary_of_all_quantities_may_be_asked_for(name):
    answers = call(eval(f"lambda {name}, z1: {{'z1': 2 * z1, 'W1': {name}['W1']}}"), POINT)
    assert np.array_equal(answers.values["W1"], POINT["W1"])


def test_an_exact_name_comes_before_one_in_another_case():
    assert find_quantity("dW", ["W", "w"]) == "W"
    assert find_quantity("dw", ["W", "w"]) == "w"
    assert find_quantity("dX", ["Xx", "xX"]) is None


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("Wx", "W"),
        ("delta2", "z2"),
        ("dWW", "W"),
        ("dB_1", "b1"),
        ("bias1", "b1"),
        ("offset1", None),
    ],
)
def test_what_is_nearly_a_name_gets_a_suggestion(key, meant):
    known = ["W", "z2", "b1"]
    if find_quantity(key, known) is None:
        assert suggest_name(key, (), known) == meant
    else:
        assert find_quantity(key, known) == meant


ORDER = Order(("W1", "b1"))
W1, B1 = np.ones((2, 3)), np.zeros(2)


class Holder:
    def __init__(self, **values):
        self.__dict__.update(values)


@pytest.mark.parametrize(
    "returned",
    [
        (W1, B1),
        [W1, B1],
        (0.3, W1, B1),
        (0.3, (W1, B1)),
        (0.3, {"W1": W1, "b1": B1}),
        ({"W1": W1, "b1": B1}, 0.3),
        {"loss": 0.3, "gradients": {"dW1": W1, "db1": B1}},
        {"layer1": {"W": W1, "b": B1}},
        {"W": {1: W1}, "b": {1: B1}},
        {"dW": [W1], "db": [None, B1]},
        Holder(dW1=W1, db1=B1, W1=7 * W1, lr=0.1),
        Holder(grads={"W1": W1, "b1": B1}),
    ],
)
def test_what_people_return_is_read(returned):
    answers = read_answers(returned, ["W1", "b1", "x"], ORDER)
    assert (answers.failure, dict(answers.unreadable)) == (None, {})
    assert {name: value.shape for name, value in answers.values.items()} == {
        "W1": (2, 3),
        "b1": (2,),
    }


def test_the_names_in_the_return_statement_come_before_the_order():
    answers = read_answers((B1, W1), ["W1", "b1"], ORDER, ["db1", "dW1"])
    assert answers.values["W1"].shape == (2, 3)
    fixed = read_answers((B1, W1), ["W1", "b1"], Order(("b1", "W1"), True), ["dW1", "db1"])
    assert fixed.values["W1"].shape == (2, 3)


@pytest.mark.parametrize("returned", [(W1,), (W1, B1, B1), (1.0, 2.0, 3.0, 4.0)])
def test_a_tuple_of_another_length_is_a_failure_that_says_the_order(returned):
    assert "those of W1, b1, in this order" in read_answers(returned, ["W1", "b1"], ORDER).failure


def test_a_great_many_unknown_names_are_counted():
    answers = read_answers({f"name {i}": 0.0 for i in range(5000)}, ["W1"])
    assert len(answers.unreadable) == 21
    assert "4,980 more names" in answers.unreadable["..."]


@pytest.mark.parametrize("returned", [(1.0,), None, "W1"])
def test_what_a_mapping_looks_like_is_shown_with_a_parameter_and_no_data(returned):
    point = {"x": np.ones(2), "W1": np.ones(2), "b1": np.ones(2)}
    failure = call(lambda: returned, point, Order(("W1", "b1"), False)).failure
    assert 'such as {"W1": ...}' in failure


def test_parameters_are_found_without_regard_to_case():
    answers = call(lambda Z1, w1: {"z1": Z1, "W1": w1}, POINT)
    assert answers.values["W1"].shape == (2, 3)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("def softmax(z1): 0\ndef my_gradients(z1, W1): 0", "my_gradients"),
        ("def relu(a): 0\ndef derivation(z1): 0", "derivation"),
        ("def softmax(z1): 0\ndef backward(W1): 0", "backward"),
        ("def forward(z1, W1): 0\ndef backprop(W1): 0", "backprop"),
        ("class Net:\n    def backward(self): 0\ndef helper(z1): 0", "Net"),
        ("class Helper: 0\ndef g(z1): 0", "g"),
        ("def relu(a): 0\ndef compute_grads(params, z1): 0", "compute_grads"),
        ("def predict(z1, params): 0\ndef backward(params, cache): 0", "backward"),
        ("def relu(a): 0\ndef compute_grads(W1, w9): 0", "compute_grads"),
        ("def predict(params): 0\ndef compute_grads(params, z1, w9): 0", "compute_grads"),
        ("def relu_grad(a): 0\ndef solve(z1, W1): 0", "solve"),
    ],
)
def test_the_function_is_found_by_its_parameters(source, name):
    defined = {"__name__": "submitted"}
    exec(source, defined)
    assert find_function(defined, None, POINT) is defined[name]


def test_where_several_functions_fit_the_option_is_named():
    defined = {"__name__": "submitted"}
    exec("def f(z1): 0\ndef g(z1): 0\ndef _h(z1): 0", defined)
    with pytest.raises(
        UnansweredError, match=r"but f\(\), g\(\)\. Choose one with --function NAME"
    ):
        find_function(defined, None, POINT)
    assert find_function(defined, "g", POINT) is defined["g"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([[1.0], [2.0, 3.0]], "rows differ in length"),
        (["a", "b"], "holds <U1"),
        ([1j], "complex"),
        ({1, 2}, "Python objects"),
        (object(), "Python objects"),
        (np.array([1, None]), "Python objects"),
    ],
)
def test_answers_that_are_no_numbers_are_unreadable(answer, reason):
    answers = read_answers({"dz1": answer, "dW1": 0.0}, POINT)
    assert reason in answers.unreadable["z1"]
    assert list(answers.values) == ["W1"]


def test_answers_that_refuse_to_be_arrays_are_unreadable():
    class Hostile:
        def __array__(self, *_, **__):
            raise RuntimeError("no")

    assert "RuntimeError: no" in read_answers({"z1": Hostile()}, POINT).unreadable["z1"]


def test_a_tensor_of_the_file_is_named_and_said_once():
    Y = bp.tensor([1.0, 0.0], requires_grad=True, name="Y")
    said = "Y is a Tensor of your file: take Y as an argument of the function, or use Y.data."
    assert read_answers({"z1": Y - 1.0, "W1": 1.0}, POINT).unreadable["z1"] == said
    assert read_answers({"z1": Y - 1.0, "W1": 2.0 * Y}, POINT) == Answers(failure=said)
    assert "it is a Tensor" in read_answers({"z1": bp.tensor(1.0)}, POINT).unreadable["z1"]


def test_numbers_are_read_whatever_their_form():
    for answer in ([1, 2], (1.0, 2.0), np.array([1, 2], dtype=np.int8), np.array([True, True])):
        assert read_answers({"z1": answer}, POINT).values["z1"].dtype == np.float64
    assert read_answers({"z1": np.float32(1)}, POINT).values["z1"].dtype == np.float32
    assert np.isnan(read_answers({"z1": np.nan}, POINT).values["z1"])


def test_answers_are_copies():
    array = np.ones(3)
    answers = read_answers({"z1": array}, POINT)
    array[:] = 7
    assert (answers.values["z1"] == 1).all()


def test_what_is_missing_is_rather_meant_than_what_is_answered():
    assert suggest_name("W12", [], ["W1", "W2"]) == "W2"
    assert suggest_name("W12", ["W1"], ["W1", "W2"]) == "W1"
    assert suggest_name("delta2", ["W2"], ["z2", "W2"]) == "z2"


def test_none_is_as_good_as_no_answer():
    assert read_answers({"z1": None}, POINT) == Answers()


def test_unknown_and_strange_keys_are_reported():
    answers = read_answers({"z11": 1.0, 3: 1.0, "dW1x": 1.0}, POINT)
    assert answers.values == {}
    assert set(answers.unreadable.items()) == {(name, UNKNOWN) for name in ("z11", "3", "dW1x")}


def test_an_answer_given_twice_must_be_the_same():
    assert list(read_answers({"z1": 1.0, "dz1": 1.0}, POINT).values) == ["z1"]
    assert "twice" in read_answers({"z1": 1.0, "dz1": 2.0}, POINT).unreadable["z1"]


@pytest.mark.parametrize("returned", [None, 3, "z1", [1], np.ones(3), {1}])
def test_another_type_than_a_mapping_is_a_failure(returned):
    assert "Return a mapping" in read_answers(returned, POINT).failure


# ---- calling ----


def raises_deep_inside(z1):
    def inner():
        return 1 / 0

    return {"z1": inner()}


def recurses(z1):
    return recurses(z1)


def exits(z1):
    sys.exit(3)


def wants(z1, w9):
    return {}


def breaks_numpy(W1):
    return {"z1": W1 @ W1}


class UnprintableError(Exception):
    def __str__(self):
        raise RuntimeError


def raises_what_cannot_be_printed(z1):
    raise UnprintableError


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (raises_deep_inside, ["ZeroDivisionError: division by zero", "return 1 / 0", "line"]),
        (recurses, ["RecursionError"]),
        (exits, ["SystemExit: 3"]),
        (wants, ["it asks for w9", "It has: z1, W1", "Leave w9 out"]),
        (lambda weight1: weight1, ["it asks for weight1", "Is W1 meant?"]),
        (lambda z1d: z1d, ["it asks for z1d", "Is z1 meant?"]),
        (breaks_numpy, ["ValueError: matmul", "W1 @ W1"]),
        (raises_what_cannot_be_printed, ["UnprintableError"]),
        (lambda z1: None, ["it returned None"]),
        (len, ["asks for obj"]),
        (dict.fromkeys, ["asks for iterable"]),
        (3, ["TypeError"]),
    ],
)
def test_what_goes_wrong_is_said(function, said):
    failure = call(function, POINT).failure
    assert all(part in failure for part in said), failure


def test_what_is_raised_cannot_forge_lines_of_the_report():
    def forge(z1):
        raise ValueError("\n✓ dL/dz1 right\x1b[2J" + "x" * 10_000)

    failure = call(forge, POINT).failure
    assert "\n" not in failure
    assert "\x1b" not in failure
    assert len(failure) < 1000


def test_the_function_gets_copies_and_its_prints_are_dropped(capsys):
    def meddles(z1, W1, **others):
        print("passed!" * 1000)
        print("passed!", file=sys.stderr)
        z1 *= 0
        W1[:] = -1
        return {"z1": z1}

    assert call(meddles, POINT).failure is None
    assert (POINT["z1"] == np.arange(3)).all()
    assert (POINT["W1"] == 1).all()
    assert capsys.readouterr() == ("", "")


def test_a_function_may_be_of_any_kind():
    class Derivation:
        def __call__(self, z1):
            return {"z1": z1}

        def method(self, z1):
            return {"z1": z1}

    def keyword_only(*, z1):
        return {"z1": z1}

    def positional_only(z1, /, W1):
        return {"z1": z1}

    def with_a_default(z1, step=1e-3):
        return {"z1": z1}

    def everything(*args, **quantities):
        return {"z1": quantities["z1"]}

    functions = (Derivation(), Derivation().method, keyword_only, positional_only, with_a_default)
    for function in (*functions, everything):
        answers = call(function, POINT)
        assert answers.failure is None
        assert (answers.values["z1"] == POINT["z1"]).all()


def test_warnings_of_a_submission_are_its_own():
    def warns(z1):
        return {"z1": np.log(z1 - 10) / 0}

    assert call(warns, POINT).failure is None


def test_complex_numbers_that_are_real_are_read():
    assert read_answers({"z1": np.arange(3) + 0j}, POINT).values["z1"].tolist() == [0, 1, 2]


class RaisesAnythingError(BaseException):
    pass


def raises_what_is_no_exception(z1):
    raise RaisesAnythingError("stop")


class Reluctant:
    def __array__(self, *args, **kwargs):
        raise RaisesAnythingError("stop")


def test_whatever_is_raised_is_the_submissions_own_and_an_interrupt_the_users():
    assert "RaisesAnythingError: stop" in call(raises_what_is_no_exception, POINT).failure
    assert "RaisesAnythingError" in call(lambda z1: {"z1": Reluctant()}, POINT).failure

    def interrupted(z1):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(interrupted, POINT)


@pytest.mark.parametrize(
    "numbers",
    [
        np.frompyfunc(lambda n: n / 2, 1, 1)(np.arange(4)),
        [Fraction(n, 2) for n in range(4)],
        np.array([Decimal(n) / 2 for n in range(4)]),
    ],
    ids=["frompyfunc", "fractions", "decimals"],
)
def test_python_objects_may_be_numbers(numbers):
    value = read_answers({"z1": numbers}, POINT).values["z1"]
    assert value.dtype == np.float64
    assert value.tolist() == [0.0, 0.5, 1.0, 1.5]


# ---- and the report stands ----


def nested_dictionary(y, y_hat):
    return {"y_hat": {"y_hat": 2 * (y_hat - y)}}


def forgets_the_second_time(y, y_hat, calls=[]):  # noqa: B006
    calls.append(1)
    return {"y_hat": 2 * (y_hat - y)} if len(calls) == 1 else {}


def changes_its_mind(y, y_hat, calls=[]):  # noqa: B006
    calls.append(1)
    return {"y_hat": 2 * (y_hat - y)[: 4 - len(calls)]}


def huge(y, y_hat):
    return {"y_hat": 1e308 * (y_hat - y) * 10, "z3": np.zeros((0, 5)), "W3": np.ones((1,) * 20)}


def a_great_many(y, y_hat, a2):
    return {"y_hat": np.zeros(10**6), "z3": np.zeros(10**6), "a2": np.zeros((10**6, 1))}


def infinite(y):
    return {"y_hat": np.full_like(y, np.inf), "z3": -np.inf, "W3": np.nan, "L": 1.0}


def empty():
    return {}


@pytest.mark.parametrize(
    "function",
    [
        nested_dictionary,
        forgets_the_second_time,
        changes_its_mind,
        huge,
        a_great_many,
        infinite,
        empty,
        recurses,
        exits,
        wants,
        raises_what_cannot_be_printed,
    ],
)
def test_nothing_that_a_submission_does_crashes_the_report(function):
    report = grade(function)
    assert not report.passed
    assert report.score < 1
    for text in (str(report), report.to_json(), report._repr_html_(), str(report.for_learner())):
        assert text
    report.to_gradescope()
