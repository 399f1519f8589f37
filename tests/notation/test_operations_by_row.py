"""What is known of an operation stands on its row: another's operation is written as well as ours.

There is no list of operation names outside ``rules/`` and ``mistakes/``: a test looks for them.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as bp
from tests.rules.cases import PRIMITIVES, trials_of
from tinygrad_bp.engine import Primitive
from tinygrad_bp.notation.formula import Formula
from tinygrad_bp.notation.steps import rule_expressions, step
from tinygrad_bp.notation.trees import literal, shaped
from tinygrad_bp.record import Record
from tinygrad_bp.table import TABLE

from ..sweeps import every

PACKAGE = Path(bp.__file__).parent

#: Where the names of operations may be listed: where the operations are, and what goes wrong there.
THEIR_OWN = ("rules", "mistakes")

#: Fewer in one place are no list: a choice between sum and max may be meant.
FEWEST = 3


# ---- every row, registered once more by a user ----


def registered_again(row: Primitive) -> Primitive:
    """Register a row under another name, with the decorator and what stands on the row."""
    old = row.forward
    assert isinstance(old, FunctionType)
    forward = FunctionType(
        old.__code__, old.__globals__, f"qq{row.__name__}", old.__defaults__, old.__closure__
    )
    forward.__kwdefaults__ = old.__kwdefaults__
    names = ["needs", "written", "kind", "notation", "domain", "fresh"]
    known = {name: getattr(row, name) for name in names}
    symbol = "" if row.symbol == row.__name__ else row.symbol
    again: Primitive = bp.primitive(symbol=symbol, **known)(forward)
    again.backward(row.rule)
    if row.composed is not None:
        again.twin(row.composed)
    return again


def written(out: bp.Tensor) -> Iterator[tuple[str, str, str]]:
    """Yield the forward equation of a step and its contributions, in the three languages."""
    assert out.primitive is not None
    names = [f"x{i}" for i in range(len(out.inputs))]
    operands = [
        literal(value) if x is None else shaped(ast.Name(name), x.shape)
        for x, value, name in zip(out.inputs, out.operands, names, strict=True)
    ]
    trees = [step(out.primitive, operands, out.params, shape=out.shape)]
    trees += filter(None, rule_expressions(out, "g", "out", names))
    for tree in trees:
        formula = Formula(tree)
        yield formula.text, formula.latex, formula.code


#: The sweep's own step, which no user registers: it is written in NumPy.
OURS_ALONE = "sum_to"


@every("name", [n for n in PRIMITIVES if n in TABLE and n != OURS_ALONE])
def test_a_row_registered_again_is_written_alike(name: str) -> None:
    row = TABLE[name]
    assert isinstance(row, Primitive)
    again = registered_again(row)
    for trial in trials_of(name):
        operands = [
            bp.Tensor(x, requires_grad=x.dtype.kind == "f") if isinstance(x, np.ndarray) else x
            for x in trial.operands
        ]
        if all(not isinstance(x, bp.Tensor) for x in operands):
            operands[0] = bp.Tensor(operands[0])
        out = trial(*operands)
        if out.primitive is not row:
            continue
        inputs = [v if x is None else x for x, v in zip(out.inputs, out.operands, strict=True)]
        other = (
            again(inputs, **out.params) if row.takes_any_number else again(*inputs, **out.params)
        )
        for ours, theirs in zip(written(out), written(other), strict=True):
            assert tuple(text.replace("qq", "") for text in theirs) == ours


@bp.primitive(kind="entrywise")
def cbrt(s: Any) -> Any:
    """Return the cube root."""
    return np.asarray(np.cbrt(s))


@cbrt.backward
def _(out: Any, s: Any) -> Any:
    return lambda g: g / (3.0 * cbrt(s) * cbrt(s))


def test_a_users_operation_on_a_number_is_a_number() -> None:
    s = bp.tensor(8.0, requires_grad=True, name="s")
    record = Record((cbrt(s).named("r") * 2.0).named("L"))
    (rule,) = record.rules(record.place[s.id] + 1).values()
    formula = Formula(rule, record.names)
    assert formula.text == "∂L/∂r / (3 cbrt(s) cbrt(s))"
    assert "odot" not in formula.latex


@bp.primitive
def square_sum(x: Any) -> Any:
    """Return the sum of sizes, which is not what the table calls a norm."""
    sizes = np.abs(x)
    return np.sum(sizes)


def test_a_users_operation_of_a_known_name_is_not_taken_for_ours() -> None:
    assert Formula(step(square_sum, [ast.Name("a")], {})).text == "square_sum(a)"
    assert Formula(step(bp.square_sum, [ast.Name("a")], {})).text == "‖a‖²"


@bp.primitive(notation=("∛{:single}", r"\sqrt[3]{{{}}}"))
def root(x: Any) -> Any:
    return np.cbrt(x)


@bp.primitive(notation=("{:power} ∘ {:power}", r"{:power} \circ {:power}", "product"))
def after(a: Any, b: Any) -> Any:
    return b @ a


@bp.primitive(notation="1 / (1 + z)")
def share(z: Any) -> Any:
    both = 1.0 + z
    return 1.0 / both


def test_a_notation_may_be_a_template_or_an_expression() -> None:
    a, b = (bp.tensor(np.eye(2), name=name) for name in "ab")

    def text(t: bp.Tensor) -> tuple[str, str]:
        record = Record(t)
        formula = Formula(record.equation(len(record.tensors) - 1), record.names)
        return formula.text, formula.latex

    assert text(root(a)) == ("∛a", r"\sqrt[3]{a}")
    assert text(after(a, b)) == ("a ∘ b", r"a \circ b")  # in the order of the operands
    assert text(share(a)) == ("1 / (1 + a)", r"\frac{1}{1 + a}")
    inside = step(bp.multiply, [step(after, [ast.Name("a"), ast.Name("b")], {}), ast.Name("c")], {})
    assert Formula(inside).text == "(a ∘ b) ⊙ c"


# ---- no lists of operation names ----


def lists_of_operations(source: str) -> list[str]:
    """Return the collections, patterns and texts in a source that list operation names."""
    found = []
    for node in ast.walk(ast.parse(source)):
        parts: list[Any] = []
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            parts = node.elts
        elif isinstance(node, ast.Dict):
            parts = node.keys
        elif isinstance(node, ast.MatchOr):
            parts = [p.value for p in node.patterns if isinstance(p, ast.MatchValue)]
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and "(" not in node.value
        ):
            parts = [ast.Constant(word) for word in node.value.split()]
        words = {part.value for part in parts if isinstance(part, ast.Constant)}
        operations = sorted(word for word in words if word in TABLE)
        # a docstring speaks of a sum or a maximum among many other words
        if len(operations) >= FEWEST and 2 * len(operations) >= len(words):
            found.append(f"line {getattr(node, 'lineno', 0)}: {', '.join(operations)}")
    return found


FILES = [
    file
    for file in sorted(PACKAGE.rglob("*.py"))
    if file.relative_to(PACKAGE).parts[0] not in THEIR_OWN
]


@every("file", FILES)
def test_no_list_of_operation_names(file: Path) -> None:
    assert lists_of_operations(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        'UFUNCS = {"exp", "log", "sin"}', "LOOKS = dict.fromkeys('exp log tanh'.split())",
        'RENAMED = {"maximum": "max", "var": "Var", "sign": "sgn"}',
        'match name:\n    case "sqrt" | "absolute" | "norm":\n        pass',
        'if name in ("reshape", "ravel", "squeeze"): pass',
    ],
)  # fmt: skip
def test_a_list_is_found(source: str) -> None:
    assert lists_of_operations(source)


def test_a_sentence_is_no_list() -> None:
    assert not lists_of_operations('"""Return the sum, or the max of a where it is one line."""')
