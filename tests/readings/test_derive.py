"""A derivation holds line by line, and prints safely in every format.

The worked problem's Markdown is kept in ``golden/derive_matrix.md`` and ``golden/derive_index.md``,
and the table in ``docs/derivation.md`` is made here. After a wanted change, read the new text, then
write the files again: ``python -m tests.readings.test_derive``.
"""

import ast
import contextlib
import math
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings

import tinygrad_bp as bp
from tests.notation.latex_check import check
from tests.rules.cases import trials_of
from tests.sweeps import examples, sample
from tests.test_random_programs import SEARCH, Program, programs
from tinygrad_bp.cli import main
from tinygrad_bp.notation.alphabets import TEXT
from tinygrad_bp.notation.mathml import mathml
from tinygrad_bp.readings.derivation import matrix_form
from tinygrad_bp.readings.derivation.component_printer import ComponentPrinter, opposites
from tinygrad_bp.readings.derivation.components import Components
from tinygrad_bp.readings.derivation.document import Equation, display, line
from tinygrad_bp.readings.derivation.evaluation import Evaluator
from tinygrad_bp.readings.derivation.index_form import IndexForm
from tinygrad_bp.readings.derivation.indices import Letters
from tinygrad_bp.readings.derivation.jacobian import Jacobian
from tinygrad_bp.readings.derivation.lines import Lines
from tinygrad_bp.readings.derive import Derivation, derive
from tinygrad_bp.record import Record
from tinygrad_bp.table import TABLE
from tinygrad_bp.worked_problem.network import network

from .test_explain import HOSTILE, everything, leaf, worked

GOLDEN = Path(__file__).parent / "golden"
PAGE = Path(__file__).parents[2] / "docs" / "derivation.md"
FORMS: list[Any] = ["matrix", "index"]

ORDER = "**Slip 3**: "
TERMS = "**Slip 1**: the cases are not alternatives; both are terms of one sum over i. "

#: The lines of the source, as it writes them, in its order; how ours begins; slips that stand here.
#: Of a gradient we have two lines: in terms of those before it, and multiplied out.
FACTORS = [
    (
        "dL/dW3, equation 1",
        r"\frac{\partial L}{\partial w^3} = \frac{\partial L}{\partial a^3} \cdot "
        r"\frac{\partial a^3}{\partial z^3} \cdot \frac{\partial z^3}{\partial w^3}",
        r"\frac{\partial L}{\partial W_{3,jk}} =",
        f"{ORDER}factors in the order of the chain rule, where an outer product is meant.",
    ),
    (
        "dL/da3",
        r"\frac{\partial L}{\partial a^3} = \frac{\partial L}{\partial \hat{y}} = "
        r"2(y - \hat{y}) \cdot (-1) = \underline{\underline{-2(y - \hat{y})}}",
        r"\frac{\partial L}{\partial \hat{y}_{j}} =",
        "",
    ),
    (
        "da3/dz3",
        r"\frac{\partial a^3}{\partial z^3} = \begin{cases} -a_i^3 a_j^3 & i \neq j \\ "
        r"a_i (1 - a_i) & i = j \end{cases}",
        r"\frac{\partial \hat{y}_{i}}{\partial z_{3,j}} =",
        "",
    ),
    ("dL/dz3", "", r"\frac{\partial L}{\partial z_{3,j}} =", "The source does not write this sum."),
    (
        "dz3/dW3",
        r"\frac{\partial z^3}{\partial w^3} = a^2",
        r"\frac{\partial z_{3,i}}{\partial W_{3,jk}} =",
        "**Slip 4**: it has three indices, and is zero unless i = j.",
    ),
    (
        "dL/dW3, multiplied out",
        r"\frac{\partial L}{\partial w^3} = \begin{cases} "
        r"-2(y-\hat{y}) \times (-a_i^3 a_j^3) \times a^2 & i \neq j \\ "
        r"-2(y-\hat{y}) \times (a_i (1-a_i)) \times a^2 & i=j \end{cases}",
        r"\frac{\partial L}{\partial W_{3,jk}} =",
        TERMS,
    ),
    (
        "dL/dW2, equation 2",
        r"\frac{\partial L}{\partial w^2} = \frac{\partial L}{\partial a^3} "
        r"\frac{\partial a^3}{\partial z^3} \frac{\partial z^3}{\partial a^2} "
        r"\frac{\partial a^2}{\partial z^2} \frac{\partial z^2}{\partial w^2}",
        r"\frac{\partial L}{\partial W_{2,jk}} =",
        f"{ORDER}as above.",
    ),
    (
        "dz3/da2",
        r"\frac{\partial z^3}{\partial a^2} = w^3",
        r"\frac{\partial z_{3,i}}{\partial a_{2,j}} =",
        f"{ORDER}the sum runs over the first index, so as a matrix it is transposed.",
    ),
    (
        "da2/dz2",
        r"\frac{\partial a^2}{\partial z^2} = a^2 (1-a^2)",
        r"\frac{\partial a_{2,i}}{\partial z_{2,j}} =",
        "",
    ),
    (
        "dz2/dW2",
        r"\frac{\partial z^2}{\partial w^2} = a^1",
        r"\frac{\partial z_{2,i}}{\partial W_{2,jk}} =",
        "**Slip 4** again.",
    ),
    (
        "dL/dW2, multiplied out",
        r"\frac{\partial L}{\partial w^2} = \begin{cases} "
        r"-2(y-\hat{y}) \times (-a_i^3 a_j^3) \times w^3 \times (a^2 (1-a^2)) \times a^1 & "
        r"i \neq j \\ "
        r"-2(y-\hat{y}) \times (a_i (1-a_i)) \times w^3 \times (a^2 (1-a^2)) \times a^1 & "
        r"i=j \end{cases}",
        r"\frac{\partial L}{\partial W_{2,jk}} =",
        f"{TERMS}{ORDER}the shapes of w³, a² and a¹ do not fit as they stand.",
    ),
    (
        "dL/dW1, equation 3",
        r"\frac{\partial L}{\partial w_1} = \frac{\partial L}{\partial a^3} \cdot "
        r"\frac{\partial a^3}{\partial z^3} \cdot \frac{\partial z^3}{\partial a^2} \cdot "
        r"\frac{\partial a^2}{\partial z^2} \cdot \frac{\partial z^2}{\partial a^1} \cdot "
        r"\frac{\partial a^1}{\partial z_1} \cdot \frac{\partial z_1}{\partial w_1}",
        r"\frac{\partial L}{\partial W_{1,jk}} =",
        f"{ORDER}as above.",
    ),
    (
        "dz2/da1",
        r"\frac{\partial z^2}{\partial a^1} = w^2",
        r"\frac{\partial z_{2,i}}{\partial a_{1,j}} =",
        f"{ORDER}transposed, as above.",
    ),
    (
        "da1/dz1",
        r"\frac{\partial a^1}{\partial z_1} = a^1(1-a^1)",
        r"\frac{\partial a_{1,i}}{\partial z_{1,j}} =",
        "",
    ),
    (
        "dz1/dW1",
        r"\frac{\partial z_1}{\partial w_1} = x",
        r"\frac{\partial z_{1,i}}{\partial W_{1,jk}} =",
        "**Slip 4** again.",
    ),
    (
        "dL/dW1, multiplied out",
        r"\frac{\partial L}{\partial w_1} = \begin{cases} "
        r"-2(y-\hat{y})(a_i^3 a_j^3) w^3 (a^2(1-a^2)) w^2 a^1(1-a^1) x & i \neq j \\ "
        r"-2(y-\hat{y})(a_i(1-a_i)) w^3 (a^2(1-a^2)) w^2 a^1(1-a^1) x & i = j \end{cases}",
        r"\frac{\partial L}{\partial W_{1,jk}} =",
        "**Slip 2**: the case i ≠ j has lost its minus: (−a_i a_j) has become (a_i a_j). "
        f"{TERMS}{ORDER}as above.",
    ),
]


def our_lines() -> list[str]:
    """Return our lines of the worked problem in components, one for each of `FACTORS`."""
    every = [line(e).partition(r" \qquad")[0] for e in equations(derive(worked(), form="index"))]
    ours = []
    for name, _, start, _ in FACTORS:
        found = [formula for formula in every if formula.startswith(start)]
        ours.append(found[-1 if "multiplied out" in name else 0])
    return ours


def rows() -> list[str]:
    """Return the rows of the table in the documentation."""
    return [
        f"| {name} | {f'${theirs}$' if theirs else ''} | ${ours}$ | {slip.strip()} |"
        for (name, theirs, _, slip), ours in zip(FACTORS, our_lines(), strict=True)
    ]


def equations(derivation: Derivation) -> list[Equation]:
    return [block for block in derivation.blocks if isinstance(block, Equation)]


def read(page: str) -> list[str]:
    """Return the tags of a page of HTML; no attribute may run anything or load anything."""
    tags = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attributes: Any) -> None:
            tags.append(tag)
            for name, _ in attributes:
                assert not name.startswith("on")
                assert name not in ("src", "href")

    reader = Reader()
    reader.feed(page)
    reader.close()
    return tags


def valid(derivation: Derivation) -> None:
    """Check all formats of a derivation."""
    for equation in equations(derivation):
        check(line(equation))
        check(display(equation))
    assert derivation.markdown.count("$$") % 2 == 0
    assert derivation.latex.isascii()
    assert "script" not in read(derivation.html)
    body = derivation.html.partition("<body>")[2].partition("</body>")[0]
    ElementTree.fromstring(f"<div>{body}</div>")
    assert all(text.isprintable() for text in derivation.text.split("\n"))


# ---- the worked problem ----


@pytest.mark.parametrize("form", FORMS)
def test_golden(form: Any) -> None:
    text = (GOLDEN / f"derive_{form}.md").read_text(encoding="utf-8")
    assert derive(worked(), form=form).markdown == text


def test_every_factor_of_the_source_in_its_order() -> None:
    text = "\n".join(line(equation) for equation in equations(derive(worked(), form="index")))
    ours = {name: formula for (name, *_), formula in zip(FACTORS, our_lines(), strict=True)}
    factors = [formula for name, formula in ours.items() if "," not in name]
    assert len(factors) == 10
    places = [text.index(formula) for formula in factors]
    assert places == sorted(places)
    cases = ours["da3/dz3"]
    assert r"\hat{y}_{j} (1 - \hat{y}_{j}) & \text{if } i = j" in cases
    assert r"-\hat{y}_{j} \hat{y}_{i} & \text{if } i \neq j" in cases
    assert r"\sum_{i=1}^{3}" in ours["dL/dz3"]


def test_multiplied_out_both_cases_are_terms_of_one_sum() -> None:
    text = derive(worked(), form="index").text.partition("Multiplied out")[2]
    assert (
        "∂L/∂W₃[j,k] = (−2 (y[j] − ŷ[j]) ŷ[j] (1 − ŷ[j]) + "
        "Σ[i ≠ j] (−2 (y[i] − ŷ[i]) (−ŷ[j] ŷ[i]))) a₂[k]"
    ) in text
    for equation in text.split("\n"):
        assert "∂" not in equation.partition(" = ")[2]


def test_the_table_in_the_documentation() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert "\n".join(rows()) in page
    for number in range(1, 5):
        assert f"**Slip {number}**" in page


def test_the_same_text_every_time() -> None:
    assert derive(worked()).markdown == derive(worked()).markdown


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("numbers", [False, True])
def test_all_formats_are_valid(form: Any, numbers: bool, tmp_path: Path) -> None:
    derivation = derive(worked(), form=form, numbers=numbers)
    valid(derivation)
    assert str(derivation) == derivation.markdown == derivation._repr_markdown_()
    whole = derivation._repr_latex_()
    check(whole.strip("$"))
    assert all(line(equation) in whole for equation in equations(derivation))
    assert "<math" in (derivation._repr_html_() or "")
    for suffix, content in [
        (".md", derivation.markdown), (".tex", derivation.latex),
        (".html", derivation.html), (".txt", derivation.text),
    ]:  # fmt: skip
        derivation.save(tmp_path / "new" / f"d{suffix}")
        derivation.save(tmp_path / "new" / f"D{suffix.upper()}")
        assert (tmp_path / "new" / f"D{suffix.upper()}").read_text(encoding="utf-8") == content
    with pytest.raises(ValueError, match="saved as"):
        derivation.save(tmp_path / "d.pdf")


def test_numbers() -> None:
    text = derive(worked(), numbers=True).text
    assert "= 0.8278" in text
    x = leaf(np.ones((20, 20)), "x")
    assert "(400 numbers from 1 to 1)" in derive(x.sum(), numbers=True).text


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("numbers", [False, True])
def test_a_worksheet_asks_for_the_gradients_only(form: Any, numbers: bool) -> None:
    solution, sheet = (
        derive(worked(), form=form, numbers=numbers, worksheet=w) for w in (False, True)
    )
    valid(sheet)
    kept = [e for e in equations(solution) if not e.hint]
    assert [e.left for e in equations(sheet)] == [e.left for e in kept]
    for asked, solved in zip(equations(sheet), kept, strict=True):
        gradient = solved.left.text.startswith("∂")
        assert asked.sides == (() if gradient else solved.sides)
    problem, _, gradients = sheet.text.partition("The gradients")
    assert (
        problem.partition("The equations")[2]
        == (solution.text.partition("The gradients")[0].partition("The equations")[2])
    )
    assert ("W₁ = [[" in problem) == numbers
    assert set(re.findall(r"(?m)^∂.* = (_*)", gradients)) == {"_" * 40}
    assert "add up" not in gradients
    assert sheet.html.count('<td class="blank">') == gradients.count("_" * 40)


def told(document: Derivation, solution: Derivation) -> set[str]:
    """Return the formats in which a document has a gradient's right side, or a function of one."""
    problem = solution.text.partition("The gradients, from")[0].partition("The equations")[2]
    words = set(re.findall(r"[A-Za-z_]{3,}", problem))
    found = set()
    for equation in equations(solution):
        for side in equation.sides if equation.asked else ():
            functions = set(re.findall(r"[a-z_]{3,}(?=[\[(])", side.text)) - words
            if functions & set(re.findall(r"[A-Za-z_]{3,}", document.text)):
                found.add("function")
            if len(side.text) < 4 or side.text in problem:
                continue
            inner = re.sub(r"</?math[^>]*>|^<mrow>|</mrow>$", "", mathml(side.latex, display=True))
            for name, formula in (
                ("text", side.text), ("markdown", side.latex), ("latex", side.latex),
                ("html", inner.removeprefix("<mrow>").removesuffix("</mrow>")),
            ):  # fmt: skip
                if unescape(formula) in unescape(getattr(document, name)):
                    found.add(name)
    return found


def sliced() -> bp.Tensor:
    loss: bp.Tensor = bp.relu(leaf([[1.0, -2.0]], "z"))[0, 0:1].sum().named("L")
    return loss


def labelled() -> bp.Tensor:
    return bp.cross_entropy(leaf([[1.0, 2.0, 4.0], [0.0, 1.0, 0.0]], "z"), np.array([1, 2]))


@pytest.mark.parametrize("numbers", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("problem", [worked, labelled, sliced])
def test_a_worksheet_gives_nothing_away(problem: Any, form: Any, numbers: bool) -> None:
    solution = derive(problem(), form=form, numbers=numbers)
    sheet = derive(problem(), form=form, numbers=numbers, worksheet=True)
    assert told(sheet, solution) == set()
    assert told(solution, solution) >= {"text", "markdown", "latex", "html"}
    for document in (sheet.text, sheet.markdown, sheet.latex, sheet.html):
        assert "Worksheet: derivation of the gradients" in document
        assert "Name: " in document
        assert "Date: " in document
        assert "with a transpose sum" not in document


def test_a_worksheet_does_not_tell_which_functions_are_in_the_solution() -> None:
    solution = derive(sliced())
    assert "function" in told(solution, solution)  # scatter, which a convention explains too
    assert "scatter" not in derive(sliced(), worksheet=True).text
    assert "scatter puts entries at an index" in " ".join(solution.text.split())
    called = derive(bp.silu(leaf([[1.0], [2.0]], "w")).sum(), worksheet=True)
    assert "silu" not in called.text.partition("The gradients, from")[2]


@pytest.mark.parametrize("form", FORMS)
def test_a_model_of_two_layers_by_the_paths_of_its_parameters(form: Any) -> None:
    rng = np.random.default_rng(0)
    model = bp.nn.Sequential(bp.nn.Linear(2, 3, rng=rng), bp.tanh, bp.nn.Linear(3, 4, rng=rng))
    X = bp.tensor(rng.normal(size=(5, 2)), name="X")
    derivation = derive(bp.cross_entropy(model(X), np.arange(5) % 4).named("L"), form=form)
    valid(derivation)
    text = " ".join(derivation.text.split())
    assert "ᵀᵀ" not in text
    if form == "matrix":
        assert "from the right: each row is a sample. " in text  # X Wᵀ sums over none
        assert "v₂ = X linear0.weightᵀ (5, 3)" in text
        assert "L = cross_entropy(v₆ + linear2.bias, Y) = (−Σ Y ⊙ log(p)) / N" in text
        assert "∂L/∂v₄ = ∂L/∂v₆ linear2.weight (5, 3)" in text
        assert "∂L/∂linear2.weight = (∂L/∂v₆)ᵀ v₄ (4, 3)" in text
    else:
        assert "v₂[j,k] = Σ[i=1..2] X[j,i] linear0.weight[k,i]" in text
        assert "L = (−Σ[i=1..5] Σ[m=1..4] Y[i,m] log(p[i,m])) / N" in text


@pytest.mark.parametrize("axis", [0, 1])
def test_a_cross_entropy_as_one_hands_it_in(axis: int) -> None:
    values = np.array([[0.5, -1.0, 2.0], [1.0, 0.0, -0.5], [0.1, 0.2, 0.3], [2.0, 1.0, 0.0]])
    z = leaf(np.moveaxis(values, 1, axis), "z")
    loss = bp.cross_entropy(z, np.array([2, 0, 1, 1]), axis=axis).named("L")
    text = derive(loss).text.replace("[axis 0]", "")
    assert "N = 4\n" in text
    assert "L = cross_entropy(z, Y)\n  = (−Σ Y ⊙ log(p)) / N    (number)" in text
    assert "∂L/∂z = (p − Y) / N" in text
    each = ("column", "row")[axis]
    assert f"one-hot: each {each} is 1 at its label" in text
    components = derive(loss, form="index").text
    assert "∂L/∂z[j,k] = (p[j,k] − Y[j,k]) / N" in components
    assert "L = (−Σ[i=1.." in components
    # rows that are ignored do not sum to 1, and are not said to
    ignored = derive(bp.cross_entropy(z, np.array([2, 0, -100, 1]), axis=axis).named("L")).text
    assert "⊙ (Σ" in ignored
    assert "one-hot" not in ignored


def test_a_mean_shows_what_it_divides_by() -> None:
    x, y = leaf([[1.0, 2.0], [0.5, -1.0]], "x"), bp.tensor(np.eye(2), name="y")
    w = leaf([[1.0, 0.0], [2.0, 1.0]], "w")
    loss = (((w @ x).named("y_hat") - y) ** 2).mean().named("L")
    text = derive(loss).text
    assert "N = 4\nN is the number of entries that the mean is over." in text.replace("\n\n", "\n")
    assert "∂L/∂w = 2 (ŷ − y) xᵀ / N" in text
    assert "2 (ŷ[j,i] − y[j,i]) / N" in derive(loss, form="index").text


def test_a_probability_that_was_recorded_keeps_its_name() -> None:
    z = leaf([[1.0, 2.0, 0.0], [0.5, -1.0, 1.0]], "z")
    q = bp.softmax(z).named("q")
    loss = (bp.cross_entropy(z, np.array([1, 2])) + (q * q).sum()).named("L")
    text = derive(loss).text
    assert "(q − Y) / N" in text
    assert "p =" not in text


# ---- every line holds ----


@pytest.mark.sweep
def test_random_programs_hold() -> None:
    def one(program: Program) -> None:
        # the constructor of a derivation raises where a line does not hold
        loss = program.run(TABLE, leaf, np.asarray)
        for form in FORMS:
            derivation = derive(loss, form=form)
            assert derivation.markdown
            assert derivation.latex
            assert derivation.html

    settings(SEARCH, max_examples=examples(200))(given(programs())(one))()


@pytest.mark.parametrize("i", range(10))
def test_many_kinds(i: int) -> None:
    for form in FORMS:
        valid(derive(everything()[i], form=form))


def text_of_a_rule(operation: bp.Primitive, wrong: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant a rule that computes rightly with arrays, and is written down wrongly."""
    right = operation.rule

    def rule(out: Any, *inputs: Any, **settings: Any) -> Any:
        written = isinstance(out, bp.Tensor)
        return (wrong if written else right)(out, *inputs, **settings)

    monkeypatch.setattr(operation, "rule", rule)


@pytest.mark.parametrize("form", FORMS)
def test_a_wrong_rule_text_raises(form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    text_of_a_rule(bp.sigmoid, lambda a, z: lambda g: g * a * (1.0 + a), monkeypatch)
    match = r"dz2 = da2 \* a2" if form == "matrix" else "the Jacobian of a2"
    with pytest.raises(ValueError, match=f"does not hold: {match}"):
        derive(worked(), form=form)


@pytest.mark.sweep
@pytest.mark.parametrize("name", TABLE)
def test_every_entry_of_the_table_in_components(name: str) -> None:
    for trial in sample(trials_of(name), 8):
        operands = [
            leaf(x, f"x{i}") if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
            for i, x in enumerate(trial.operands)
        ]
        out = trial(*operands).named("out")
        weights = bp.tensor(np.linspace(0.5, 2.0, out.size).reshape(out.shape), name="w")
        derivation = derive((out * weights).sum(), form="index")  # its lines hold, or it raises
        for equation in equations(derivation):
            check(line(equation))


@bp.primitive
def doubled(x: Any) -> Any:
    """Return x + x."""
    both = x, x
    return sum(both)


@doubled.backward
def _(out: Any, x: Any) -> Any:
    return lambda g: doubled(g)


@bp.primitive(kind="entrywise")
def cube_root(x: Any) -> Any:
    """Return the cube root, by the name that NumPy has for it."""
    return np.cbrt(x)


@cube_root.backward
def _(out: Any, x: Any) -> Any:
    return lambda g: g / (3.0 * out * out)


@bp.primitive(kind="arranges")
def upside_down(x: Any) -> Any:
    """Return the rows in the other order."""
    return x[::-1]


@upside_down.backward
def _(out: Any, x: Any) -> Any:
    return lambda g: upside_down(g)


@bp.primitive(kind="reduces")
def largest(x: Any, *, axis: Any = None) -> Any:
    """Return the largest entry."""
    return np.max(x, axis=axis)


@largest.backward
def _(out: Any, x: Any, *, axis: Any) -> Any:
    return lambda g: np.where(x == out, g, 0.0)


@pytest.mark.parametrize("form", FORMS)
def test_an_operation_of_ones_own_is_derived_by_its_kind(form: Any) -> None:
    x = leaf([1.0, 2.0, 0.5], "x")
    root = derive((cube_root(x).named("c") ** 2).sum(), form=form)
    turned = derive((upside_down(x).named("u") * x).sum(), form=form)
    most = derive((largest(x).named("m") * x).sum(), form=form)
    for derivation in (root, turned, most):
        valid(derivation)
    if form == "index":
        assert "u[j] = x[4−j]" in turned.text
        assert "m = max(x)" in most.text  # as a whole: it has no twin
        assert "c[j] = ∛(x[j])" in root.text


def halved(x: Any) -> Any:
    """A function that calls an operation for Tensors, which calls it for arrays."""
    return half(x) * 1.0 if isinstance(x, bp.Tensor) else x / 2.0


@bp.primitive
def half(x: Any) -> Any:
    """Return x / 2."""
    return halved(x)


@half.backward
def _(out: Any, x: Any) -> Any:
    return lambda g: g / 2.0


@bp.primitive
def condition_number(a: Any) -> Any:
    """Return how much larger the largest singular value is than the smallest."""
    return np.linalg.cond(a)


@condition_number.backward
def _(out: Any, a: Any) -> Any:
    u, s, vh = bp.linalg.svd(a)
    return lambda g: g * (np.outer(u[:, 0], vh[0]) - out * np.outer(u[:, -1], vh[-1])) / s[-1]


@pytest.mark.parametrize("operation", [half, condition_number])
@pytest.mark.parametrize("form", FORMS)
def test_an_operation_that_calls_itself_for_tensors_is_written_as_a_whole(
    operation: bp.Primitive, form: Any
) -> None:
    a = leaf(np.array([[2.0, 1.0], [0.5, -3.0]]), "a")
    derivation = derive((operation(a).named("c") ** 2).sum(), form=form)
    valid(derivation)
    assert f"{operation.__name__}(a)" in derivation.text


@pytest.mark.parametrize("form", FORMS)
def test_what_is_infinite_or_no_number_is_written(form: Any) -> None:
    a = leaf(np.ones((2, 2)), "a")
    for number, plain, tex in [
        (np.nan, "nan", r"\mathrm{nan}"),
        (np.inf, "∞", r"\infty"),
        (-np.inf, "−∞", r"-\infty"),
    ]:
        loss = (a * number).sum().named("L")
        derivation = derive(loss, form=form)
        valid(derivation)
        assert plain in derivation.text
        assert tex in derivation.latex
        assert f"np.{str(number).lstrip('-')}" in str(bp.source(loss))
    a = leaf(np.eye(2), "a")
    for values in (bp.linalg.eigvalsh(a), bp.linalg.svdvals(a)):  # equal: NaN, where they differ
        valid(derive((values * np.array([1.0, 1.0])).sum(), form=form))


@pytest.mark.parametrize("reduce", [bp.max, bp.min, bp.prod])
@pytest.mark.parametrize("form", FORMS)
def test_a_reduction_of_no_entries(reduce: Any, form: Any) -> None:
    valid(derive((reduce(leaf(np.ones((0, 3)), "a"), axis=1) ** 2).sum().named("L"), form=form))


@pytest.mark.parametrize(("shape", "axis"), [((0, 3), 0), ((0, 3), 1), ((2, 0), 1)])
def test_a_sum_of_no_entries_is_0(shape: tuple[int, ...], axis: int) -> None:
    x = leaf(np.ones(shape), "x")
    loss = (bp.sum(x, axis=axis) ** 2).named("v").sum().named("L")
    text = derive(loss, form="index").text
    assert "v[j] = 0    (" in text
    assert "0²" not in text
    assert "1[0]" not in text


@pytest.mark.parametrize("samples", [(), (2,)])
def test_the_last_axis_is_not_named_in_a_cross_entropy(samples: tuple[int, ...]) -> None:
    x = leaf(np.arange(math.prod(samples) * 3.0).reshape(*samples, 3), "x")
    text = derive(bp.cross_entropy(x, np.zeros(samples, int), axis=-1)).text
    assert "p = softmax(x)\n  = exp(x) / (Σ[axis −1] exp(x))" in text
    assert "softmax[axis" not in text


def test_what_has_no_components_is_written_as_a_whole() -> None:
    # no kind and no twin says which entry of doubled(g) comes from which entry of g
    x = leaf([1.0, 2.0], "x")
    text = derive((doubled(x).named("d") * x).sum().named("L"), form="index").text
    assert "d[j] = doubled(x)[j]" in text
    assert "∂L/∂x[j] = d[j] + doubled(∂L/∂d)[j]" in text
    assert "∂d" not in text.replace("∂L/∂d", "")  # no local derivative
    assert "a gradient in an array as a whole: the gradient by x" in " ".join(text.split())


def test_a_wrong_place_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    x = leaf([1.0, 2.0, 3.0], "x")
    loss = (bp.flip(x).named("f") * x).sum().named("L")
    derive(loss, form="index")
    monkeypatch.setattr(bp.flip, "forward", lambda a, axis=None: a)
    with pytest.raises(ValueError, match="does not hold: a component of f"):
        derive(loss, form="index")


def replaced(old: str, new: str, upstream: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant a mistake in the components of lines, or in those of local derivatives."""
    right = Components.at

    def wrong(self: Components, node: ast.expr, index: Any) -> ast.expr:
        if (self.upstream is not None) == upstream and ast.unparse(node) == old:
            return ast.parse(new.format(*map(ast.unparse, index)), mode="eval").body
        return right(self, node, index)

    monkeypatch.setattr(Components, "at", wrong)


def test_a_wrong_jacobian_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    # the same text stands in the line of the gradient, which stays right: the sign of slip 2
    replaced("np.sum(y_hat * dy_hat, axis=0, keepdims=True)", "-y_hat[{0}, 0]", True, monkeypatch)
    with pytest.raises(ValueError, match="does not hold: the Jacobian of y_hat"):
        derive(worked(), form="index")


def test_a_gradient_that_is_rounding_alone_holds() -> None:
    rng = np.random.default_rng(0)
    nn = bp.nn  # a bias before batch normalisation has no effect
    model = nn.Sequential(nn.Conv2d(1, 2, 3, rng=rng), nn.BatchNorm(2))
    loss = bp.square_sum(model(rng.normal(size=(3, 1, 4, 4))))
    assert "conv2d0.bias" in bp.derive(loss).text


def test_a_sum_that_cancels_holds() -> None:
    # added in another order, such a sum has other last digits, and only those
    x = leaf([0.1, 0.2, 0.3, -0.3, -0.2, -0.1], "x")
    w = bp.tensor([1.1, 1.3, 1.7, 1.7, 1.3, 1.1], name="w")
    derive((x * w).sum().named("L"), form="index")
    rng = np.random.default_rng(0)
    A, y = rng.normal(size=(200, 3)), rng.normal(size=(200, 1))
    best = leaf(np.linalg.lstsq(A, y, rcond=None)[0].T, "W")  # where the gradient is 0
    for form in FORMS:
        derive(bp.square_sum((bp.tensor(A, name="A") @ best.mT).named("z") - y), form=form)
    one = leaf([[0.27], [-0.39], [0.55], [1.42]], "z")
    derive((bp.log_softmax(one).named("p") * 2.0).sum(), form="index")  # z - log(exp(z))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("named", [False, True])  # on a line of its own, or inside another
def test_a_wrong_equation_raises(form: Any, named: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    x = leaf([1.0, 2.0], "x")
    step = bp.exp(x).named("big") if named else bp.exp(x)
    loss = (step * x).sum().named("L")
    derive(loss, form=form)
    right = Record.equation

    def wrong(self: Record, i: int, *constants: Any) -> ast.expr:
        if self.tensors[i] is step:
            return ast.parse("np.exp(-x)", mode="eval").body
        return right(self, i, *constants)

    monkeypatch.setattr(Record, "equation", wrong)
    with pytest.raises(
        ValueError, match=r"does not hold: (a component of )?(big|v1) = np\.exp\(-x"
    ):
        derive(loss, form=form)


def test_a_wrong_component_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    replaced("W1 @ x", "W1[{0}, 0]", False, monkeypatch)
    with pytest.raises(ValueError, match="does not hold: a component of z1"):
        derive(worked(), form="index")


@pytest.mark.parametrize("during", ["in_cases", "chain"])
def test_a_sum_that_ends_too_soon_raises(during: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = getattr(Jacobian, during)

    def short(*arguments: Any) -> ast.expr:
        text = ast.unparse(right(*arguments)).replace("_range(3)", "_range(2)")
        return ast.parse(text, mode="eval").body

    monkeypatch.setattr(Jacobian, during, short)
    with pytest.raises(ValueError, match="does not hold: a component of dz3"):
        derive(worked(), form="index")


@pytest.mark.parametrize("form", FORMS)
def test_every_line_that_is_shown_was_evaluated(form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # a check that lets everything pass, or that of a line which is left out, would be no check
    checks = Evaluator.check
    every = 0
    for skipped in range(200):
        count = 0

        def check_but_one(
            self: Evaluator, tree: ast.expr, *others: Any, at: Any = None, skipped: int = skipped
        ) -> None:
            nonlocal count
            count += 1
            if count == skipped:
                tree = ast.BinOp(tree, ast.Add(), ast.Constant(1.0))
            checks(self, tree, *others, at=at)

        monkeypatch.setattr(Evaluator, "check", check_but_one)
        if skipped == 0:
            sides = sum(len(e.sides) for e in equations(derive(worked(), form=form)))
            assert count >= sides
            every = count
        elif skipped <= every:
            with pytest.raises(ValueError, match="does not hold"):
                derive(worked(), form=form)


@pytest.mark.parametrize("form", FORMS)
def test_a_wrong_line_multiplied_out_raises(form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, part = matrix_form.put, Letters.composed
    monkeypatch.setattr(matrix_form, "put", lambda *given: ast.UnaryOp(ast.USub(), whole(*given)))
    monkeypatch.setattr(Letters, "composed", lambda *given: ast.UnaryOp(ast.USub(), part(*given)))
    with pytest.raises(ValueError, match="does not hold"):
        derive(worked(), form=form)


@pytest.mark.parametrize("form", FORMS)
def test_wrongly_collected_terms_raise(form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x = leaf([1.0, 2.0], "x")
    assert "= 2 " in derive((x * x).sum(), form=form).text
    right = matrix_form.collected
    monkeypatch.setattr(
        matrix_form, "collected",
        lambda tree: tree if right(tree) is tree
        else ast.parse(ast.unparse(right(tree)).replace("2.0", "3.0"), mode="eval").body,
    )  # fmt: skip
    with pytest.raises(ValueError, match="does not hold"):
        derive((x * x).sum(), form=form)


def test_a_wrong_definition_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    x = leaf([1.0, 2.0], "x")
    loss = bp.silu(x).sum()
    assert "silu(x) = x ⊙ σ(x)" in derive(loss).text
    monkeypatch.setattr(bp.silu, "composed", lambda z: z * bp.sigmoid(-z))
    assert "silu(x) =" not in derive(loss).text


@pytest.mark.parametrize("form", FORMS)
def test_a_leaf_with_two_values_is_refused(form: Any) -> None:
    w = leaf([1.0, 2.0], "w")
    first = bp.exp(w)
    w.data = w.data + 1.0
    with pytest.raises(ValueError, match=r"w with shape .* has another value now"):
        derive((first * w).sum(), form=form)


@pytest.mark.parametrize("form", FORMS)
def test_a_mean_of_nothing_has_no_derivation(form: Any) -> None:
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning):
        m = bp.mean(leaf(np.zeros((0, 2)), "x")).named("m")
    with pytest.raises(
        ValueError, match=r"^m .* is computed from an empty array, so it is not a number"
    ):
        derive(m, form=form)
    total = leaf(np.zeros((0, 2)), "x").sum().named("L")
    assert "L = " in derive(total, form=form).text  # a sum of nothing is 0


def test_a_rounding_error_of_float32_is_none_of_a_thousandth() -> None:
    x = leaf(np.array([1.0, 2.0], np.float32), "x")
    evaluator = Lines(Record((x * x).sum()), [x]).evaluator
    assert evaluator.agrees(x.data * np.float32(1 + 1e-6), x.data)
    assert not evaluator.agrees(x.data * np.float32(1 + 1e-4), x.data)


def bp_leaves(loss: bp.Tensor) -> list[bp.Tensor]:
    return [t for t in Record(loss).tensors if t.primitive is None and t.requires_grad]


# ---- cases that went wrong ----

RANDOM = np.random.default_rng(0)
GIVEN = RANDOM.normal(size=(3, 4)), RANDOM.normal(size=(4, 5))


def test_the_sum_over_samples_is_kept_where_a_case_is_split_off() -> None:
    W = leaf(GIVEN[0][:, :2], "W")
    x = bp.tensor(np.ones((2, 4)) * [1, 2, 3, 4], name="x")
    for axis, rows in ((0, "i = j"), (1, "m")):
        text = derive(bp.square_sum(bp.softmax(W @ x, axis=axis)), form="index").text
        assert rows in text
    text = derive(bp.square_sum(bp.softmax(W @ x, axis=0)), form="index").text
    assert (
        "= Σ[i=1..4] ∂L/∂v₂[j,i] v₂[j,i] (1 − v₂[j,i]) x[k,i] "
        "+ Σ[m ≠ j] Σ[i=1..4] ∂L/∂v₂[m,i] (−v₂[j,i] v₂[m,i] x[k,i])"
    ) in text


@pytest.mark.parametrize("select", [np.diagonal, lambda M: M[0], lambda M: M[1:, 1], np.transpose])
def test_a_condition_on_the_operand_is_kept_where_a_case_is_split_off(select: Any) -> None:
    M = leaf(GIVEN[0][:, :3], "M")
    text = derive(bp.square_sum(bp.softmax(select(M))), form="index").text
    if select is np.diagonal:
        assert "if k = j and i ≠ j; 0 otherwise}" in text
        assert "(−v₂[j] v₂[i]) if k = j; 0 otherwise}" in text


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_lines_are_mathematics_whatever_the_types_of_what_is_given(form: Any, dtype: Any) -> None:
    t = leaf([1.0, 2.0, 3.0], "t")
    mask = np.array([True, False, True]).astype(dtype)
    m = bp.tensor(mask, name="m")
    for loss in ((-(t * mask)).sum(), bp.square_sum(t - m), (t / (1.0 + m) * m).sum()):
        derive(loss, form=form)
    derive(np.where(mask, t, -t).sum() * np.float32(2.5), form=form)


@pytest.mark.parametrize("form", FORMS)
def test_lines_hold_as_closely_as_the_coarsest_type_is(form: Any) -> None:
    t = leaf(np.array([0.1, 0.2, 0.3], np.float32), "t")
    derive((t * np.float64(2.5)).sum(), form=form)
    W = bp.tensor(GIVEN[0].astype(np.float32), name="W")
    derive(bp.square_sum(bp.softmax(t @ W)), form=form)
    derive((bp.astype(bp.exp(t) * 0.3, np.float64) ** 2).sum(), form=form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "condition",
    [
        lambda z: z.max(axis=0), lambda z: z.min(), bp.relu, lambda z: bp.maximum(z, 0.1),
        bp.leaky_relu, lambda z: bp.clip(z, -0.5, 0.5), lambda z: bp.elu(z),
    ],
)  # fmt: skip
def test_a_condition_is_on_numbers_that_have_a_name(form: Any, condition: Any) -> None:
    # computed anew, a sum of products may have another last digit, and be the largest no more
    for seed in range(5):
        numbers = np.random.default_rng(seed)
        W, x = leaf(numbers.normal(size=(3, 4)), "W"), bp.tensor(numbers.normal(size=(4, 5)))
        text = derive(condition(W @ x).sum(), form=form).text
        assert re.search(r"\nv₁(\[j,k\])? = ", text)


@pytest.mark.parametrize("form", FORMS)
def test_a_gradient_that_is_not_finite_is_no_fault_of_the_formula(form: Any) -> None:
    a = leaf([[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]], "a")
    n = np.sqrt((a**2).sum(axis=1))
    loss = np.where(n.data > 0.5, n, 1.0).sum()  # 0 times infinity, where a is 0
    try:
        derive(loss, form=form)
    except ValueError as error:
        assert "is not finite here: the engine has" in str(error)  # noqa: PT017
        assert "hold: " not in str(error)  # noqa: PT017


def test_operations_on_what_has_no_axes_or_many() -> None:
    with contextlib.suppress(ValueError):
        derive(np.cumsum(leaf(2.0, "s"), axis=0).sum(), form="index")
    A = leaf(np.ones((3, 4)), "A")
    derive(bp.square_sum(bp.gelu(np.concatenate([A, A]))), form="index")


# ---- each line says what holds ----


def test_letters_have_the_length_of_their_line_when_lines_are_put_into_each_other() -> None:
    v = leaf(np.arange(6.0).reshape(3, 1, 2) / 7, "v")
    w, s = leaf([1.84], "w"), leaf(0.26, "s")
    t = bp.sin(bp.einsum("ijk,j", v, w).named("t"))[1:]
    loss = (s * 0.54).sum() + (t * np.array([[0.54, -0.42], [-0.99, -0.65]])).sum()
    last = derive(loss, form="index").text.partition("Multiplied out")[2]
    assert "∂L/∂w = " in last or "∂L/∂w[" in last


def test_sums_that_are_put_in_have_letters_of_their_own() -> None:
    x = leaf([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], "x")
    a = bp.sum(x, axis=0).named("a")
    b = bp.sum(bp.exp(x / 9.0).named("E"), axis=1).named("b")
    loss = ((a * a).sum() * (b * b).sum()).named("L")
    last = derive(loss, form="index").text.partition("Multiplied out")[2]
    (line_,) = [row for row in last.split("\n") if row.startswith("∂L/∂x")]
    letters = re.findall(r"Σ\[(\w)=", line_)
    assert len(letters) == len(set(letters))


@pytest.mark.parametrize("form", FORMS)
def test_every_case_is_written(form: Any) -> None:
    x = leaf([3.0, -1.0, 0.3], "x")
    text = derive((bp.maximum(x, 0.3).named("h") ** 2).sum(), form=form).text
    last = text.partition("Multiplied out")[2]
    assert last.count("otherwise") or last.count("[x > 0.3]")
    assert ("h[j] if x[j] = 0.3;" if form == "index" else "h if x = 0.3;") in last
    if form == "index":
        assert "∂h[i]/∂x[j] = {1 if i = j and x[j] > 0.3; ½ if i = j and x[j] = 0.3; 0" in text


def test_the_second_case_is_left_out_only_where_it_is_the_opposite() -> None:
    assert opposites(["i = j", "i ≠ j"])
    assert not opposites(["i = j and m = k", "i ≠ j and m ≠ k"])
    assert not opposites(["x[j] > 0.3", "x[j] = 0.3"])


def test_a_condition_in_brackets_is_no_option_of_a_line() -> None:
    x = leaf([1.0, -2.0], "x")
    valid(derive(bp.relu(bp.leaky_relu(x).named("m")).sum()))
    valid(derive(bp.relu(bp.maximum(x, 0.5).named("m")).sum()))


def test_a_step_that_uses_a_value_twice_has_one_derivative() -> None:
    x = leaf(0.7, "x")
    v = (x * x).named("v")
    text = derive((bp.sin(v) * x).named("f"), form="index").text
    assert text.count("∂v/∂x =") == 1
    assert "∂v/∂x = 2 x\n" in text


@pytest.mark.parametrize(
    ("loss", "line_"),
    [
        (lambda x, A: (A / x.reshape(2, 1)).named("q").sum(), "∂L/∂A[j,k] = ∂L/∂q[j,k] /"),
        (lambda x, A: bp.where(np.array([True, False]), x, 0.0).sum(), "∂L/∂x[j] = {1 if c₁[j]; 0"),
        (lambda x, A: bp.where(np.False_, x[0], x).sum(), "∂L/∂x[j] ="),
        (lambda x, A: (x.reshape(1, 2) @ bp.tensor([[1.0], [2.0]])) ** 2, "∂L/∂x[j] ="),
        (lambda x, A: -(x * bp.log(bp.softmax(x))).sum(), "if i = j; −v₁[j] v₁[i] if i ≠ j}"),
        (lambda x, A: bp.relu(A).named("h").sum(), "= {1 if i = j and m = k and A[j,k] > 0; 0 oth"),
        (lambda x, A: (A @ bp.tensor(np.eye(3)[:, :2], name="W") + x).named("z").sum(),
         "∂z[i,m]/∂A[j,k] = {W[k,m] if i = j; 0 otherwise}"),
    ],
)  # fmt: skip
def test_a_line_in_components(loss: Any, line_: str) -> None:
    x, A = leaf([1.0, 2.0], "x"), leaf([[1.0, -2.0, 3.0], [4.0, 5.0, 6.0]], "A")
    assert line_ in derive(loss(x, A).named("L"), form="index").text


@pytest.mark.parametrize("form", FORMS)
def test_what_is_left_of_the_gradient_of_the_loss(form: Any) -> None:
    x, w = leaf([1.0, 2.0], "x"), bp.tensor([3.0, 4.0], name="w")
    last = derive((x * w).sum().named("L"), form=form).text.partition("Multiplied out")[2]
    assert ("\n∂L/∂x[j] = w[j]  " if form == "index" else "\n∂L/∂x = w  ") in last
    alone = derive((x[0] * 0.5).sum().named("L"), form=form).text
    assert "∂L/∂v₂ = 1    (number)" in alone  # v₁ is x[0], which has no line of its own
    assert "[]" not in alone
    wide = derive(((bp.exp(x).named("e") * w).sum() ** 2).named("L"), form=form).text
    assert "1[" not in wide.partition("Multiplied out")[2]


def test_every_function_is_defined_once() -> None:
    z = leaf([[1.0, 2.0]], "z")
    text = derive(bp.cross_entropy(z, np.array([1]))).text
    assert text.count("p = softmax[axis 1](z)\n  = exp(z) / (Σ[axis 1] exp(z))") == 1
    assert "leaky_relu(z) = max(z, 0) + 0.01 min(z, 0)" in derive(bp.leaky_relu(z).sum()).text
    text = derive(bp.binary_cross_entropy_with_logits(z, np.array([[1.0, 0.0]])), form="index").text
    assert "p[j] = σ(z[j])\n     = 1 / (1 + exp(−z[j]))" in text


def test_the_values_of_what_is_given() -> None:
    loss = worked()
    for form in FORMS:
        text = derive(loss, form=form, numbers=True).text
        for t in bp_leaves(loss):
            assert f"W{'₀₁₂₃'[int(str(t.name)[1])]} = [[" in text
        assert "∂L/∂L = 1    (number)\n∂" in text
    labels = derive(bp.cross_entropy(leaf([[1.0, 2.0]], "z"), np.array([1]))).text
    assert "Y = [[0, 1]]" in labels  # nothing else says what it is


def test_unnamed_values_have_the_names_that_all_readings_give_them() -> None:
    w = leaf([0.5, 1.5, -1.0], "w")
    loss = (bp.softmax(-w * 2.0) * w).sum()
    for form in FORMS:
        text = derive(loss, form=form).text
        assert "v₃ = softmax" in text or "v₃[j] = exp(" in text
    assert "v₃ = softmax" in str(bp.explain(loss))


def test_a_tensor_called_sigma_is_not_taken_for_the_function() -> None:
    text = derive(bp.sigmoid(leaf([1.0, 2.0], "sigma")).named("a").sum()).text
    assert "a = sigmoid(σ)" in text
    assert "σ(" not in text


def test_conventions_are_those_of_the_computation() -> None:
    def about(loss: bp.Tensor, form: Any = "matrix") -> str:
        return " ".join(derive(loss, form=form).text.partition("The equations")[0].split())

    X, W = bp.tensor(np.ones((4, 3)), name="X"), leaf(np.ones((3, 2)), "W")
    assert "each row is a sample" in about((X @ W).sum())
    V = leaf(np.ones((2, 3)), "V")
    assert "each column is a sample" in about((V @ X.mT).sum())
    assert "vectors are columns" in about((V @ X[:1].mT).sum())
    x = leaf(2.0, "x")
    for form in FORMS:
        words = about(x * x, form)
        assert "row" not in words
        assert "⊙" not in words
        assert "Σ" not in words
    assert "z₁" not in about((X @ W).sum(), "index")
    assert "counts from 0" in about(W[0, 1] * 2.0)
    assert "counts from 0" not in about((bp.softmax(W, axis=1) * 2.0).sum() / 3.0)
    assert "array of ones" in about(bp.exp(W).named("e").sum())
    assert "array of ones" not in about((bp.exp(W).named("e") ** 2).sum())


def test_symbols_of_the_user() -> None:
    derivation = derive(worked(), symbols={"z1": r"\zeta"})
    assert r"\zeta = W_1 x" in derivation.markdown
    assert r"\frac{\partial L}{\partial \zeta}" in derivation.latex
    assert "z_1" not in derivation.markdown
    assert "z₁" in derivation.text
    assert r"\zeta_{j}" in derive(worked(), form="index", symbols={"z1": r"\zeta"}).markdown


@pytest.mark.parametrize("name", ["i", "m"])
def test_a_tensor_called_like_a_letter_keeps_its_name(name: str) -> None:
    W, x = leaf(np.ones((2, 3)), "W"), bp.tensor(np.ones((3, 2)), name=name)
    text = derive(((W @ x).named("z") ** 2).sum(), form="index").text
    assert f" {name}[" in text
    assert f"Σ[{name}=" not in text
    assert f"[{name}," not in text


# ---- shapes of graphs ----


@pytest.mark.parametrize("form", FORMS)
def test_a_value_used_more_than_once(form: Any) -> None:
    x, w = leaf(3.0, "x"), leaf(5.0, "w")
    text = derive(((x * x).named("q") * w + x).named("L"), form=form).text
    assert "x is used 3 times: 3 terms add up." in text
    assert re.search(r"∂L/∂x = .*\+.*\+", text)


@pytest.mark.parametrize("form", FORMS)
def test_a_broadcast_operand_is_summed(form: Any) -> None:
    W, b = leaf(np.arange(6.0).reshape(2, 3), "W"), leaf([[1.0], [2.0]], "b")
    text = derive(((W + b).named("z") ** 2).sum().named("L"), form=form).text
    assert "∂L/∂b = Σ[axis 1] ∂L/∂z" in text or "∂L/∂b[j] = Σ[i=1..3] ∂L/∂z[j,i]" in text


@pytest.mark.parametrize("form", FORMS)
def test_a_batch(form: Any) -> None:
    rng = np.random.default_rng(0)
    shapes = {"W1": (5, 4), "W2": (6, 5), "W3": (3, 6)}
    Ws = [leaf(rng.normal(size=shape), name) for name, shape in shapes.items()]
    x, y = (bp.tensor(rng.normal(size=(n, 7)), name=name) for n, name in [(4, "x"), (3, "y")])
    derivation = derive(network(*Ws, x, y)["L"], form=form)
    valid(derivation)
    if form == "index":
        assert "∂L/∂W₁[j,k] = Σ[i=1..7] ∂L/∂z₁[j,i] x[k,i]" in derivation.text
        assert "if i = j and m = k" in derivation.text


def test_wrt() -> None:
    loss = worked()
    (W3,) = [t for t in bp_leaves(loss) if t.name == "W3"]
    text = derive(loss, W3).text
    assert "∂L/∂W₃" in text
    assert "∂L/∂a₂" not in text
    z1 = leaf([1.0, 2.0], "z1")
    a1 = bp.sigmoid(z1).named("a1")
    assert "∂L/∂z₁" not in derive(a1.sum().named("L"), [a1]).text


def test_what_cannot_be_derived() -> None:
    x = leaf([1.0, 2.0], "x")
    with pytest.raises(ValueError, match="2 entries"):
        derive(x)
    with pytest.raises(ValueError, match="needs no gradient"):
        derive(bp.tensor(1.0))
    with pytest.raises(ValueError, match="was not computed from"):
        derive(x.sum(), leaf(1.0))
    with pytest.raises(ValueError, match="form is"):
        derive(x.sum(), form="other")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no Tensor"):
        derive(x.sum(), [])
    with pytest.raises(TypeError, match="takes Tensors to differentiate by, not 'W1'"):
        derive(x.sum(), "W1")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="takes a Tensor"):
        derive(1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", FORMS)
def test_hostile_names(form: Any) -> None:
    more = [
        "slice",
        "float",
        '__import__("os")',
        "a b",
        "W₁",
        "i",
        "j",
        "np",
        "sum",
        "$$",
        "}{",
        "\\end{document}",
    ]
    leaves = [leaf([1.0, 2.0], name) for name in [*HOSTILE, *more, "z1", "z1"]]
    total = leaves[0]
    for other in leaves[1:]:
        total = (total * other).named(other.name or "")
    derivation = derive(total.sum().named("<b>L"), form=form)
    valid(derivation)
    assert "<script" not in derivation.markdown + derivation.html
    assert "\\end{document}" not in derivation.latex[:-20]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["slice", "scatter", "range", "sum", "_sum", "_0", "k1", "i"])
def test_a_tensor_called_like_what_lines_are_made_of(form: Any, name: str) -> None:
    x = leaf([1.0, 2.0, 3.0], name)
    derive((bp.softmax(x[1:] * x[:2]).named("s") * x[1]).sum(), form=form)


@pytest.mark.parametrize("form", FORMS)
def test_what_nobody_would_read_is_not_multiplied_out(form: Any) -> None:
    x = leaf(1.01, "x")
    t = x
    for _ in range(500):
        t = bp.sin(t) * x
    text = derive(t, form=form).markdown
    assert re.search(
        r"Left out, because each would have more than 40 symbols.*: the gradient by \$x\$\.", text
    )


@pytest.mark.parametrize("form", FORMS)
def test_of_a_deep_network_the_last_layers_are_multiplied_out(form: Any) -> None:
    rng = np.random.default_rng(0)
    a = bp.tensor(rng.normal(size=(3, 1)), name="x")
    for i in range(1, 101):
        W, b = leaf(rng.normal(size=(3, 3)), f"W{i}"), leaf(rng.normal(size=(3, 1)), f"b{i}")
        a = bp.tanh(W @ a + b)
    loss = bp.square_sum(a)
    text = derive(loss, form=form).markdown
    assert re.search(
        r"Left out, because each would have more than 40 symbols.*: .* and \d+ more", text
    )
    assert "partial W_{100" in text.partition("Multiplied out")[2]


@pytest.mark.parametrize("form", FORMS)
def test_a_deep_graph(form: Any) -> None:
    t = leaf(1.0, "x")
    for _ in range(2_000):
        t = -t
    assert "∂" in derive(t, form=form).text


def test_a_wide_graph() -> None:
    x = leaf([1.0, 2.0], "x")
    t = bp.stack([-x for _ in range(3_000)]).sum()
    assert "3000 terms add up" in derive(t).text


# ---- indices on paper ----


@pytest.mark.parametrize(
    ("arranged", "shape"),
    [
        (lambda a: a.reshape(2, 3, 4), (24,)), (lambda a: a.reshape(2, 3, 2), (6, 2)),
        (lambda a: a.reshape(2, 1, 6), (2, 6)), (lambda a: a[::-2, 1:], (6, 3)),
        (lambda a: a.T[2], (4, 3)),
        (lambda a: a[1:, None], (3, 2)),
        (lambda a: np.flip(a), (3, 4)), (lambda a: np.diagonal(a, 1), (3, 4)),
    ],
)  # fmt: skip
def test_an_index_on_paper_counts_from_one(arranged: Any, shape: tuple[int, ...]) -> None:
    loss = worked()
    form = IndexForm(Lines(Record(loss), bp_leaves(loss)), False)
    numbers = arranged(np.arange(np.prod(shape)).reshape(shape))
    index = form.new_index(numbers.shape)
    written = ComponentPrinter(TEXT, {}, form.lines)
    found = form.letters.places(numbers, shape, index)
    for at_axis, place in zip(found, np.unravel_index(numbers, shape), strict=True):
        (at_axis,), letters_of = form.on_paper([at_axis], index)
        code = re.sub(r"(\d)([a-z])", r"\1*\2", written.index(at_axis).replace("−", "-"))
        for at in np.ndindex(numbers.shape):
            letters = {
                i.id[1:]: n + 1
                for i, n in zip(letters_of, at, strict=True)
                if isinstance(i, ast.Name)
            }
            assert eval(code, {}, letters) == place[at] + 1


def test_what_is_zero_by_itself_is_not_taken_for_another_place() -> None:
    x, y = leaf([1.0, 2.0], "x"), leaf([3.0, 4.0], "y")
    padded = bp.pad(x, pad_width=1)
    derive((bp.concatenate([y, padded]).named("c") ** 2).sum(), form="index")
    derive((bp.pad(padded, 1, constant_values=5.0).named("c") ** 2).sum(), form="index")
    derive(bp.silu(bp.pad(x, 1)).sum(), form="index")  # outside, silu is that of 0
    huge = bp.softmax(x * 1e4)  # is not taken apart: its twin would overflow
    derive((bp.concatenate([huge, y]).named("c") ** 2).sum(), form="index")


def test_a_transpose_of_a_transpose_is_not_left_standing() -> None:
    X, W = leaf(np.arange(6.0).reshape(2, 3), "X"), leaf(np.ones((4, 3)), "W")
    text = derive(((X @ W.mT).named("z") ** 2).sum()).text
    assert "∂L/∂X = ∂L/∂z W " in text
    assert "∂L/∂W = ∂L/∂zᵀ X " in text or "∂L/∂W = (∂L/∂z)ᵀ X " in text


@pytest.mark.parametrize(
    ("arranged", "line_"),
    [
        (lambda x: x[np.array([2, 0, 0, 3])], "y[j] = x[[2, 0, 0, 3]][j]"),
        (lambda x: x.reshape(2, 2).T.reshape(4), "y[j] = reshape"),
        (lambda x: np.clip(x, np.array([0.0, 1.0, 2.0, 3.0]), 4.0), "y[j] = clip"),
    ],
)
def test_places_without_a_short_rule(arranged: Any, line_: str) -> None:
    x = leaf([1.0, 2.0, 3.0, 4.0], "x")
    assert line_ in derive((arranged(x).named("y") ** 2).sum(), form="index").text


@pytest.mark.parametrize("form", FORMS)
def test_an_unnamed_loss_is_called_l_unless_another_tensor_is(form: Any) -> None:
    x = leaf([1.0, 2.0], "x")
    assert "∂L/∂x" in derive((x * x).sum(), form=form).text
    text = derive((leaf([1.0, 2.0], "L") * x).sum(), form=form).text
    assert "∂v" in text
    assert "∂v₂/∂L" in text or "∂v₁/∂L" in text


def test_the_two_cases_of_log_softmax() -> None:
    z = leaf(np.arange(6.0).reshape(2, 3) / 7, "z")
    y = bp.tensor(np.eye(3)[[2, 0]], name="y")
    loss = -(y * bp.log_softmax(z).named("p")).sum(axis=1).mean()
    text = derive(loss, form="index").text
    assert "{1 − exp(p[j,k]) if i = j and m = k; −exp(p[j,k]) if i = j and m ≠ k; 0 other" in text


# ---- the command ----


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive"]) == 0
    assert "∂L/∂W₁" in capsys.readouterr().out
    out = tmp_path / "d.tex"
    assert main(["derive", "--form", "index", "--numbers", "--out", str(out)]) == 0
    assert out.read_text().startswith(r"\documentclass")
    assert main(["derive", "--worksheet", "--out", str(tmp_path / "d.md")]) == 0
    assert r"\underline" in (tmp_path / "d.md").read_text()
    net = tmp_path / "net.py"
    net.write_text(
        "import tinygrad_bp as bp\n"
        "def loss():\n    return bp.tensor(2.0, requires_grad=True, name='q') ** 3\n"
    )
    capsys.readouterr()
    assert main(["derive", "--file", str(net)]) == 0
    assert "∂L/∂q = 3 q²" in capsys.readouterr().out


if __name__ == "__main__":
    for form in FORMS:
        path = GOLDEN / f"derive_{form}.md"
        path.write_text(derive(worked(), form=form).markdown, encoding="utf-8")
    table = "\n".join(rows())
    page = PAGE.read_text(encoding="utf-8")
    head, rule, _ = page.partition("| --- | --- | --- | --- |\n")
    PAGE.write_text(head + rule + table + "\n", encoding="utf-8")
