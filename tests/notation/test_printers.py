"""Expressions as LaTeX and plain text: valid, with the right brackets, and no superfluous ones."""

import ast
import contextlib
import itertools
import re
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as bp
from tests.rules.cases import PRIMITIVES, Trial, each, trials_of
from tinygrad_bp.notation.formula import Formula, latex, text
from tinygrad_bp.notation.names import Names
from tinygrad_bp.notation.numbers import fraction, written_array
from tinygrad_bp.notation.steps import rule_expressions
from tinygrad_bp.notation.trees import shaped
from tinygrad_bp.record import recorded_tensors
from tinygrad_bp.table import TABLE
from tinygrad_bp.worked_problem.network import network

from ..sweeps import sample
from .latex_check import check
from .test_expressions import recorded, written

VARIABLES = ["a", "b", "z", "x", "w", "g", "out", "n", "condition", "logits", "target"]

ARRAY = np.eye(3)
VALUES: dict[str, Any] = {
    **dict.fromkeys(["a", "b", "c", "g", "h", "A", "B", "C", "W", "W1", "z1"], ARRAY),
    **{"logits": ARRAY, "target": ARRAY, "s": 1.0, "t": 1.0, "np": np, **TABLE},
}


def parsed(code: str, values: dict[str, Any] = VALUES) -> ast.expr:
    """Return an expression that knows its shapes: s and t are numbers, other names matrices."""
    tree = ast.parse(code, mode="eval").body
    for node in ast.walk(tree):
        if isinstance(node, ast.expr):
            part = compile(ast.fix_missing_locations(ast.Expression(node)), "", "eval")
            with contextlib.suppress(Exception):  # what is no value has no shape
                shaped(node, np.shape(eval(part, values)))
    return tree


@pytest.mark.sweep
@pytest.mark.parametrize("name", PRIMITIVES)
def test_every_step_and_rule_prints(name: str) -> None:
    each(sample(trials_of(name), 3), prints)


def prints(trial: Trial) -> None:
    twice = dict.fromkeys(VARIABLES, r"\hat{y}^{(2)}")  # the second tensor of one accented name
    for code in written(recorded(trial)).values():
        if code is not None:
            check(latex(code, {}))
            check(latex(code, twice))
            plain = text(code, {})
            assert plain.isprintable()
            assert plain.count("(") == plain.count(")")
            assert "\\" not in plain


@pytest.mark.parametrize(
    "broken",
    [
        r"\frac{a}{b",
        r"\left(a",
        r"a}",
        r"\begin{cases} a",
        r"\foo{a}",
        r"a^{b}^{c}",
        r"\hat{y}_1^{(2)}_2",
        r"\tfrc12",
    ],
)
def test_broken_latex_is_rejected(broken: str) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011, each of the three checks has its own
        check(broken)


@pytest.mark.parametrize(
    ("code", "plain", "tex"),
    [
        # brackets
        ("a + (b + c)", "a + b + c", "a + b + c"),
        ("a - (b - c)", "a − (b − c)", "a - (b - c)"),
        ("(a - b) - c", "a − b − c", "a - b - c"),
        ("a + (-b)", "a + (−b)", "a + (-b)"),
        ("a - b * c", "a − b ⊙ c", r"a - b \odot c"),
        ("(a - b) * c", "(a − b) ⊙ c", r"(a - b) \odot c"),
        ("a * (b * c)", "a ⊙ b ⊙ c", r"a \odot b \odot c"),
        ("-(a + b)", "−(a + b)", "-(a + b)"),
        ("-a * b", "−a ⊙ b", r"-a \odot b"),
        ("-(a * b)", "−a ⊙ b", r"-a \odot b"),
        ("a * -b", "a ⊙ (−b)", r"a \odot (-b)"),
        ("(-a + b) * c", "(−a + b) ⊙ c", r"(-a + b) \odot c"),
        ("c - -a * b", "c − (−a ⊙ b)", r"c - (-a \odot b)"),
        ("(-a) ** 2", "(−a)^⊙2", r"(-a)^{\odot 2}"),
        ("-a ** 2", "−a^⊙2", r"-a^{\odot 2}"),
        ("a / (b * c)", "a / (b ⊙ c)", r"\frac{a}{b \odot c}"),
        ("a / b / c", "a / b / c", r"\frac{\frac{a}{b}}{c}"),
        ("a / (b / c)", "a / (b / c)", r"\frac{a}{\frac{b}{c}}"),
        ("(a + b).mT", "(a + b)ᵀ", r"(a + b)^{\top}"),
        ("(a / b).mT", "(a / b)ᵀ", r"\left(\frac{a}{b}\right)^{\top}"),
        ("(a ** 2) ** 3", "(a^⊙2)^⊙3", r"{(a^{\odot 2})}^{\odot 3}"),
        ("np.sum(a * b) * c", "(Σ a ⊙ b) c", None),
        ("np.sum(a, axis=0) * c", "(Σ[axis 0] a) ⊙ c", None),
        # products
        ("W.mT @ g", "Wᵀ g", r"W^{\top} g"),
        ("W.mT @ g * a", "(Wᵀ g) ⊙ a", r"(W^{\top} g) \odot a"),
        ("W.mT @ (g * a)", "Wᵀ (g ⊙ a)", r"W^{\top} (g \odot a)"),
        ("A @ (B @ C)", "A B C", "A B C"),
        ("2.0 * g * a", "2 g ⊙ a", r"2 g \odot a"),
        ("s * g * a", "s g ⊙ a", r"s g \odot a"),
        ("s * t", "s t", "s t"),
        ("s * (a + b)", "s · (a + b)", "s (a + b)"),
        ("s * (A @ B)", "s A B", "s A B"),
        ("2.0 * (a - b) * c", "2 (a − b) ⊙ c", r"2 (a - b) \odot c"),
        ("1 / (1 + s) * a", "1 / (1 + s) · a", r"\frac{1}{1 + s} a"),
        ("g * 2.0", "g · 2", r"g \cdot 2"),
        ("2 * 3.0", "2 · 3", r"2 \cdot 3"),
        ("s ** 2", "s²", "s^{2}"),
        ("logits @ target", "logits target", r"\mathrm{logits} \, \mathrm{target}"),
        # numbers
        ("2.0", "2", "2"), ("0.5", "½", r"\tfrac{1}{2}"), ("1e-05", "10⁻⁵", "10^{-5}"),
        ("2.5e-07", "2.5·10⁻⁷", r"2.5 \cdot 10^{-7}"), ("0.01", "0.01", "0.01"),
        ("-np.inf", "−∞", r"-\infty"), ("0.1428571428571428492", "1/7", r"\tfrac{1}{7}"),
        # functions
        ("np.sum(a, axis=0)", "Σ[axis 0] a", r"\sum_{\text{axis } 0} a"),
        ("np.sum(a + b)", "Σ (a + b)", r"\sum (a + b)"),
        ("np.sqrt(a + b)", "√(a + b)", r"\sqrt{a + b}"),
        ("np.abs(a - b)", "|a − b|", r"\left\lvert a - b \right\rvert"),
        ("sigmoid(z1)", "σ(z₁)", r"\sigma(z_1)"),
        ("euclidean_norm(a)", "‖a‖", None), ("np.exp(-a)", "exp(−a)", r"\exp(-a)"),
        ("np.where(a > 0, g, 0.0)", "[a > 0] ⊙ g", r"[a > 0] \odot g"),
        ("np.where((a >= 0) & (b != 1), g, h)", "{g if a ≥ 0 and b ≠ 1; h otherwise}", None),
        ("a[0, 1:, ...]", "a[0, 1:, …]", r"a[0, 1:, \ldots]"),
        ("np.einsum('ij,jk->ik', W1, b)", "Σ[j] W₁[i,j] b[j,k]", r"\sum_{j} {W_1}_{ij} {b}_{jk}"),
        ("np.array([[1.0, 2.0], [3.0, 4.0]])", "[[1, 2], [3, 4]]", None),
        ("f(a, key=(1,), b=[x])", "f(a, key = (1), b = [x])", None),
    ],
)  # fmt: skip
def test_an_expression(code: str, plain: str, tex: str | None) -> None:
    assert text(parsed(code), {}) == plain
    got = latex(parsed(code), {})
    assert tex is None or got == tex
    check(got)


def test_brackets_keep_the_meaning() -> None:
    """Every text of two operators, read back by the rules of mathematics, has the same value."""
    operators = ["+", "-", "*", "/", "@"]
    rng = np.random.default_rng(0)
    values = {name: rng.normal(size=(3, 3)) for name in "abc"}
    for first, second, unary in itertools.product(operators, operators, ["", "-"]):
        for code in [f"({unary}a {first} b) {second} c", f"a {first} ({unary}b {second} c)"]:
            plain = text(parsed(code), {})
            back = plain.replace("−", "-").replace("⊙", "*")
            back = re.sub(r"(?<=[abc)]) (?=[abc(])", " @ ", back)
            got, want = (eval(source, dict(values)) for source in (back, code))
            np.testing.assert_allclose(got, want, rtol=1e-9, err_msg=f"{code}: {plain}")


class Beside(float):
    """A number of which ``a ** b`` is the product: as tight as factors side by side."""

    def __pow__(self, other: float) -> "Beside":  # type: ignore[override]
        return Beside(float(self) * float(other))

    def __mul__(self, other: float) -> "Beside":
        return Beside(float(self) * float(other))

    def __truediv__(self, other: float) -> "Beside":
        return Beside(float(self) / float(other))

    def __add__(self, other: float) -> "Beside":
        return Beside(float(self) + float(other))

    def __sub__(self, other: float) -> "Beside":
        return Beside(float(self) - float(other))

    def __neg__(self) -> "Beside":
        return Beside(-float(self))


def test_what_stands_beside_a_divisor_is_no_part_of_it() -> None:
    """Of numbers too, where factors side by side bind more tightly than a slash."""
    values = {name: Beside(value) for name, value in zip("abcd", (2.0, 3.0, 5.0, 7.0), strict=True)}
    for operators in itertools.product("+-*/", repeat=3):
        p, q, r = operators
        for code in [
            f"((a {p} b) {q} c) {r} d", f"(a {p} (b {q} c)) {r} d", f"a {p} ((b {q} c) {r} d)",
            f"a {p} (b {q} (c {r} d))", f"(a {p} b) {q} (c {r} d)", f"-(a {p} b) {q} (-c {r} d)",
        ]:  # fmt: skip
            plain = text(parsed(code, dict.fromkeys("abcd", 1.0)), {})
            back = re.sub(r"(?<=[abcd)]) (?=[abcd(])", " ** ", plain).replace("−", "-")
            got, want = eval(back.replace("·", "*"), dict(values)), eval(code, dict(values))
            assert float(got) == pytest.approx(float(want)), (code, plain)
    assert eval("a / b ** c", dict(values)) != eval("a / b * c", dict(values))


def test_large_arrays_are_summarised() -> None:
    code = parsed(f"np.array({[[float(i)] * 20 for i in range(20)]})")
    assert text(code, {}) == "array[20×20]"
    assert latex(code, {}) == r"\mathrm{array}_{20 \times 20}"


def test_a_deep_expression() -> None:
    code = "a"
    for i in range(60):
        code = [f"np.exp({code})", f"({code} + b)", f"-({code}) * c"][i % 3]
    check(latex(parsed(code), {}))
    assert text(parsed(code), {}).count("exp") == 20


def test_fractions_are_exact() -> None:
    for below in range(2, 65):
        for above in range(1, below):
            found = fraction(above / below)
            assert found is None or found[0] / found[1] == above / below


GOLDEN = {
    "z1": ["∂L/∂z₁ xᵀ", "W₁ᵀ ∂L/∂z₁"],
    "a1": ["∂L/∂a₁ ⊙ a₁ ⊙ (1 − a₁)"],
    "z2": ["∂L/∂z₂ a₁ᵀ", "W₂ᵀ ∂L/∂z₂"],
    "a2": ["∂L/∂a₂ ⊙ a₂ ⊙ (1 − a₂)"],
    "z3": ["∂L/∂z₃ a₂ᵀ", "W₃ᵀ ∂L/∂z₃"],
    "y_hat": ["ŷ ⊙ (∂L/∂ŷ − Σ[axis 0] ŷ ⊙ ∂L/∂ŷ)"],
    "v1": ["∂L/∂v₁", "−∂L/∂v₁"],
    "L": ["2 ∂L/∂L v₁"],
}
GOLDEN_LATEX = {
    "z1": [
        r"\frac{\partial L}{\partial z_1} x^{\top}", r"W_1^{\top} \frac{\partial L}{\partial z_1}"
    ],
    "a1": [r"\frac{\partial L}{\partial a_1} \odot a_1 \odot (1 - a_1)"],
    "y_hat": [
        r"\hat{y} \odot \left(\frac{\partial L}{\partial \hat{y}} - "
        r"\sum_{\text{axis } 0} \hat{y} \odot \frac{\partial L}{\partial \hat{y}}\right)"
    ],
    "L": [r"2 \frac{\partial L}{\partial L} v_1"],
}  # fmt: skip


def test_the_rules_of_the_worked_problem() -> None:
    rng = np.random.default_rng(0)
    shapes = {"W1": (4, 2), "W2": (5, 4), "W3": (3, 5), "x": (2, 1), "y": (3, 1)}
    leaves = {
        name: bp.Tensor(rng.normal(size=shape), requires_grad=name[0] == "W", name=name)
        for name, shape in shapes.items()
    }
    loss = network(**leaves)["L"]
    tensors = recorded_tensors(loss)
    names = Names(tensors)
    plain, tex = {}, {}
    for t in tensors:
        if t.primitive is None:
            continue
        operands = [names.identifier(x) for x in t.inputs if x is not None]
        rules = rule_expressions(t, names.gradient(t), names.identifier(t), operands)
        key = names.identifier(t)
        plain[key] = [text(r, names.text_symbols) for r in rules if r]
        tex[key] = [latex(r, names.latex_symbols) for r in rules if r]
        for formula in tex[key]:
            check(formula)
    assert plain == GOLDEN
    assert {key: tex[key] for key in GOLDEN_LATEX} == GOLDEN_LATEX


def with_arrays(formula: Formula) -> str:
    """Return a formula in LaTeX with its arrays as matrices."""
    parts = formula.latex_parts
    return "".join(x if isinstance(x, str) else f"{{{written_array(x).latex}}}" for x in parts)


def test_numbers_take_the_places_of_names() -> None:
    W, x = np.array([[1.0, -2.0]]), np.array([[3.0], [0.5]])
    tree = parsed("2.0 * (W @ x) - s * W.mT", {"W": W, "x": x, "s": 1.0})
    formula = Formula(tree, values={"W": W, "x": x, "s": np.array(-1.0)})
    texts = [part for part in formula.parts if isinstance(part, str)]
    arrays = [part for part in formula.parts if not isinstance(part, str)]
    assert texts == ["2 · ", " ", " − ", " · "]
    for array, placed in zip(arrays, [W, x, np.array(-1.0), W.mT], strict=True):
        np.testing.assert_array_equal(array, placed)
    tex = with_arrays(formula)
    check(tex)
    assert r"{\begin{bmatrix} 1 & -2 \end{bmatrix}} {\begin{bmatrix} 3.0 \\ 0.5" in tex
    assert r"- {-1} \cdot" in tex
    assert formula.text == "2 W x − s Wᵀ"
    assert formula.code == "2.0 * (W @ x) - s * W.mT"


def test_numbers_in_a_power_and_in_cases() -> None:
    a = np.array([[1.0, 2.0]])
    for code in ["a ** 2.0", "np.where(a > 0, a, -a)", "np.sum(a, axis=0)", "a[0]", "np.exp(a)"]:
        formula = Formula(parsed(code, {"a": a, "np": np}), values={"a": a})
        check(with_arrays(formula))
        count = code.count("a") - code.count("axis")
        assert sum(not isinstance(part, str) for part in formula.parts) == count


def test_how_a_product_is_computed_is_not_written() -> None:
    code = 'np.einsum("ij,jk->ik", a, b{})'
    trees = [ast.parse(code.format(way), mode="eval").body for way in ("", ", optimize=True")]
    assert text(trees[0], {}) == text(trees[1], {}) == "Σ[j] a[i,j] b[j,k]"


def test_a_large_array_stands_by_its_shape() -> None:
    formula = Formula(parsed("a * 2.0", {"a": np.ones((50, 20))}), values={"a": np.ones((50, 20))})
    assert formula.latex_parts[1:] == (r" \cdot 2",)
    check(with_arrays(formula))
