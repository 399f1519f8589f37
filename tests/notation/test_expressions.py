"""Steps and rules as NumPy code: evaluated from its text, it is what the engine computes."""

import ast
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as bp
from tests.rules.cases import PRIMITIVES, Trial, each, trials_of
from tinygrad_bp.notation.operations import one_line, operands_of
from tinygrad_bp.notation.steps import expression, rule_expressions, step, twin, unbroadcast
from tinygrad_bp.notation.trees import index, literal, shaped
from tinygrad_bp.table import TABLE

from ..sweeps import every


def recorded(trial: Trial) -> bp.Tensor:
    """Record a trial of an entry; its own output, where the trial's call does more."""
    operands = [
        bp.Tensor(x, requires_grad=x.dtype.kind == "f") if isinstance(x, np.ndarray) else x
        for x in trial.operands
    ]
    if all(not isinstance(x, bp.Tensor) for x in operands):
        operands[0] = bp.Tensor(operands[0])
    return trial(*operands)


def names_of(out: bp.Tensor) -> list[str]:
    assert out.primitive is not None
    return [*out.primitive.operand_names] or [f"operand_{i + 1}" for i in range(len(out.inputs))]


def written(out: bp.Tensor) -> dict[str, ast.expr | None]:
    """Return the forward equation and the contributions of a step as expressions."""
    names = names_of(out)
    assert out.primitive is not None
    operands = [
        literal(value) if x is None else shaped(ast.Name(name), x.shape)
        for x, value, name in zip(out.inputs, out.operands, names, strict=True)
    ]
    rules = rule_expressions(out, "g", "out", names)
    return {
        "forward": step(out.primitive, operands, out.params, shape=out.shape),
        **dict(zip(names, rules, strict=True)),
    }


def evaluated(code: ast.expr, values: dict[str, Any]) -> Any:
    with np.errstate(all="ignore"):
        return eval(ast.unparse(code), {"np": np, **TABLE}, values)


@every("name", PRIMITIVES)
def test_the_printed_code_computes_what_the_engine_computes(name: str) -> None:
    each(trials_of(name), computes_what_the_engine_computes)


def computes_what_the_engine_computes(trial: Trial) -> None:
    out = recorded(trial)
    assert out.primitive is not None
    g = np.random.default_rng(0).normal(size=out.shape)
    values = dict(zip(names_of(out), out.operands, strict=True)) | {"g": g, "out": out.data}
    with np.errstate(all="ignore"):
        closures = out.primitive.rule(out.data, *out.operands, **out.params)
        closures = closures if isinstance(closures, tuple) else (closures,)
        expected = [out.data]
        for x, closure in zip(out.inputs, closures, strict=True):
            given = None if closure is None else closure(g)
            broadcast = given is not None and x is not None and np.shape(given) != x.shape
            expected.append(TABLE["sum_to"](given, shape=x.shape) if broadcast else given)
    for code, value in zip(written(out).values(), expected, strict=True):
        if code is None or value is None:
            assert code is None
            assert value is None
            continue
        got = evaluated(code, values)
        assert np.shape(got) == np.shape(value), ast.unparse(code)
        assert np.asarray(got).dtype == np.asarray(value).dtype, ast.unparse(code)
        np.testing.assert_allclose(got, value, rtol=1e-12, atol=1e-12, err_msg=ast.unparse(code))


def test_a_wrong_text_is_noticed() -> None:
    out = bp.multiply(bp.Tensor(2.0, requires_grad=True), bp.Tensor(3.0))
    (code, _) = rule_expressions(out, "g", "out", ["a", "b"])
    assert code is not None
    assert evaluated(code, {"g": 1.0, "a": 2.0, "b": 3.0}) == 3.0
    assert evaluated(code, {"g": 1.0, "a": 2.0, "b": 3.5}) != 3.0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.5, "1.5"), (-2, "-2"), (-0.0, "-0.0"), (-np.inf, "-np.inf"), (np.nan, "np.nan"),
        (np.int64(3), "3"), (np.float64(0.5), "np.float64(0.5)"), (np.bool_(True), "True"),
        (np.float32(0.5), "np.float32(0.5)"), (None, "None"), (..., "..."), ("text", "'text'"),
        ((1,), "(1,)"), ([1, (2,)], "[1, (2,)]"), ({"a": 1}, "{'a': 1}"),
        (slice(None), "slice(None)"), (slice(1, None, 2), "slice(1, None, 2)"),
        (slice(1, 2), "slice(1, 2)"), (slice(None, 2), "slice(2)"),
        (np.dtype("float32"), "np.float32"), (np.float64, "np.float64"), (float, "float"),
        (np.array(0.5), "np.float64(0.5)"), (np.array(1), "np.array(1)"),
        (np.zeros((0, 2), int), "np.zeros((0, 2), dtype=np.int64)"), (np.eye(4), "np.eye(4)"),
        (np.zeros((0, 2), bool), "np.zeros((0, 2), dtype=np.bool_)"),
        (np.ones(100), "np.ones((100,))"), (np.zeros(9), "np.zeros((9,))"),
        (-np.zeros(5), "np.full((5,), -0.0)"), (np.full((2, 3), 7), "np.full((2, 3), 7)"),
        (np.eye(3, dtype=np.float32), "np.eye(3, dtype=np.float32)"),
        (np.array([1.0, np.nan]), "np.array([1.0, np.nan])"),
        (np.array([[1, 2]], np.int32), "np.array([[1, 2]], dtype=np.int32)"),
        (np.ones(5, bool), "np.full((5,), True)"),
    ],
)  # fmt: skip
def test_a_literal_is_equal_and_of_equal_type(value: Any, text: str) -> None:
    assert ast.unparse(literal(value)) == text
    back = eval(text, {"np": np})
    if isinstance(value, (np.ndarray, float)):
        assert np.asarray(back).dtype == np.asarray(value).dtype
        assert np.shape(back) == np.shape(value)
        np.testing.assert_array_equal(back, value)
        if np.asarray(value).dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(back), np.signbit(value))
    else:
        assert back == value


def test_what_has_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot be written as code"):
        literal(object())


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ((slice(0, 2),), "a[0:2]"), ((0,), "a[0]"), ((), "a[()]"), ((slice(None), 1), "a[:, 1]"),
        ((..., slice(None, None, -1)), "a[..., ::-1]"), (None, "a[None]"), ([0, 1], "a[[0, 1]]"),
        ((np.array([1, 2]),), "a[np.array([1, 2])]"), (([0],), "a[[0],]"), (np.int64(2), "a[2]"),
    ],
)  # fmt: skip
def test_an_index(key: Any, text: str) -> None:
    assert ast.unparse(ast.Subscript(ast.Name("a"), index(key))) == text


def test_large_constants_can_be_given_names() -> None:
    kept: list[np.ndarray] = []

    def constants(array: np.ndarray) -> ast.expr | None:
        if array.size < 10:
            return None
        kept.append(array)
        return ast.Name(f"k{len(kept)}")

    table = bp.Tensor(np.arange(8.0), requires_grad=True, name="t")
    rows = np.arange(20) % 3
    out = table[rows]
    text = expression(out, {table.id: ast.Name("t")}, constants)
    assert ast.unparse(text) == "t[k1]"
    (rule,) = rule_expressions(out, "g", "out", ["t"], constants)
    assert rule is not None
    assert ast.unparse(rule) == "scatter(g, key=k2, shape=(8,))"
    np.testing.assert_array_equal(kept, [rows, rows])


FACTOR = 3.0


@bp.primitive
def tripled(a: Any) -> Any:
    return a * FACTOR


def test_an_operation_whose_text_needs_more_than_its_operands_is_called_by_name() -> None:
    assert one_line(tripled) is None
    assert ast.unparse(step(tripled, [ast.Name("x")], {})) == "tripled(x)"


def test_an_operation_without_a_known_text_is_called_by_name() -> None:
    space: dict[str, Any] = {}
    exec("def hidden(a):\n    return a + a", space)
    hidden = bp.primitive(space["hidden"])
    assert ast.unparse(step(hidden, [ast.Name("x")], {})) == "hidden(x)"


def test_a_rule_that_gives_a_plain_array() -> None:
    @bp.primitive
    def counted(a: Any) -> Any:
        return np.sum(a)

    @counted.backward
    def _(out: Any, a: Any) -> Any:
        return lambda g: np.ones(6)

    (rule,) = rule_expressions(counted(bp.Tensor(np.zeros(6))), "g", "out", ["a"])
    assert rule is not None
    assert ast.unparse(rule) == "np.ones((6,))"


def test_a_call_taken_apart_into_operands_and_settings() -> None:
    node = ast.parse("np.reshape(z, (3, 1))", mode="eval").body
    [operand], settings = operands_of(bp.reshape, node)
    assert ast.unparse(operand) == "z"
    assert {name: ast.unparse(tree) for name, tree in settings.items()} == {"shape": "(3, 1)"}


@pytest.mark.parametrize(
    ("operation", "settings", "text"),
    [
        (bp.softmax, {"axis": 0}, "np.exp(z) / np.sum(np.exp(z), axis=0, keepdims=True)"),
        (bp.leaky_relu, {"slope": 0.1}, "np.maximum(z, 0.0) + 0.1 * np.minimum(z, 0.0)"),
    ],
)
def test_a_call_as_it_is_composed(operation: Any, settings: dict[str, Any], text: str) -> None:
    composed = twin(operation, [ast.Name("z")], [np.ones(3)], settings)
    assert composed is not None
    assert ast.unparse(composed.tree) == text


def test_a_broadcast_is_summed_away() -> None:
    tree = unbroadcast(shaped(ast.Name("g"), (4, 2)), (2,))
    assert ast.unparse(tree) == "np.sum(g, axis=0)"


def test_a_leaf_has_no_rule() -> None:
    with pytest.raises(ValueError, match="leaf"):
        rule_expressions(bp.Tensor(1.0), "g", "out", [])


def test_a_chain_of_100_000_steps_is_written_without_recursion() -> None:
    t = bp.Tensor(1.0, requires_grad=True)
    for _ in range(100_000):
        t = -t
    assert isinstance(expression(t, {}), ast.UnaryOp)
