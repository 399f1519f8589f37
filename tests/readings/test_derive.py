"""A derivation holds line by line, and prints safely in every format.

The worked problem's Markdown is kept in ``golden/derive_matrix.md`` and ``golden/derive_index.md``,
and the table in ``docs/derivation.md`` is made here. After a wanted change, read the new text, then
write the files again: ``python -m tests.readings.test_derive``.
"""

import ast
import math
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from latex2mathml.converter import convert
from tests.notation.latex_check import check
from tests.rules.cases import trials_of
from tests.test_random_programs import SEARCH, Program, programs

import tinygrad_bp as bp
from tinygrad_bp.cli import main
from tinygrad_bp.notation import rules
from tinygrad_bp.readings.derivation import lines as lines_module
from tinygrad_bp.readings.derivation.component_writers import TextComponents
from tinygrad_bp.readings.derivation.document import Equation, display, line
from tinygrad_bp.readings.derivation.index_form import IndexForm
from tinygrad_bp.readings.derivation.jacobian import Jacobian
from tinygrad_bp.readings.derivation.lines import Lines
from tinygrad_bp.readings.derive import Derivation, derive
from tinygrad_bp.table import TABLE
from tinygrad_bp.worked_problem.network import network

from .test_explain import HOSTILE, everything, leaf, worked

GOLDEN = Path(__file__).parent / "golden"
PAGE = Path(__file__).parents[2] / "docs" / "derivation.md"
FORMS: list[Any] = ["matrix", "index"]

#: The factors of the source, as it writes them; ours in components; the slip, if there is one.
FACTORS = [
    ("dL/da3", r"-2(y - \hat{y})", r"\frac{\partial L}{\partial \hat{y}_{j}} =", ""),
    (
        "da3/dz3, both cases",
        r"-a_i a_j \text{ if } i \neq j,\ a_i (1 - a_i) \text{ if } i = j",
        r"\frac{\partial \hat{y}_{i}}{\partial z_{3,j}} =",
        "**Slip 2**: in dL/dW1 the source loses the minus of the case i ≠ j.",
    ),
    (
        "dL/dz3",
        r"-2(y - \hat{y}) \times \text{one case or the other}",
        r"\frac{\partial L}{\partial z_{3,j}} =",
        "**Slip 1**: the cases are not alternatives; both are terms of one sum over i.",
    ),
    (
        "dz3/dW3",
        "a^2",
        r"\frac{\partial z_{3,i}}{\partial W_{3,jk}} =",
        "**Slip 4**: it has three indices, and is zero unless i = j.",
    ),
    (
        "dL/dW3",
        r"-2(y - \hat{y}) \times (\ldots) \times a^2",
        r"\frac{\partial L}{\partial W_{3,jk}} =",
        "**Slip 3**: an outer product, which the source's order and signs do not show.",
    ),
    (
        "dz3/da2",
        "w^3",
        r"\frac{\partial z_{3,i}}{\partial a_{2,j}} =",
        "**Slip 3**: the sum runs over the first index, so in dL/da2 it is the transpose.",
    ),
    ("da2/dz2", "a^2 (1 - a^2)", r"\frac{\partial a_{2,i}}{\partial z_{2,j}} =", ""),
    ("dz2/dW2", "a^1", r"\frac{\partial z_{2,i}}{\partial W_{2,jk}} =", "**Slip 4** again."),
    ("dz2/da1", "w^2", r"\frac{\partial z_{2,i}}{\partial a_{1,j}} =", "**Slip 3** again."),
    ("da1/dz1", "a^1 (1 - a^1)", r"\frac{\partial a_{1,i}}{\partial z_{1,j}} =", ""),
    ("dz1/dW1", "x", r"\frac{\partial z_{1,i}}{\partial W_{1,jk}} =", "**Slip 4** again."),
]


def rows() -> list[str]:
    """Return the rows of the table in the documentation."""
    ours = [line(equation) for equation in equations(derive(worked(), form="index"))]
    made = []
    for name, theirs, start, slip in FACTORS:
        (found,) = [formula for formula in ours if formula.startswith(start)]
        found = found.partition(r" \qquad")[0]
        made.append(f"| {name} | ${theirs}$ | ${found}$ | {slip} |")
    return made


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
    places = [text.index(start) for _, _, start, _ in FACTORS]
    assert places == sorted(places)
    cases = text[places[1] :].partition("\n")[0]
    assert r"\hat{y}_{j} (1 - \hat{y}_{j}) & \text{if } i = j" in cases
    assert r"-\hat{y}_{j} \hat{y}_{i} & \text{if } i \neq j" in cases
    assert r"\sum_{i=1}^{3}" in text[places[2] :].partition("\n")[0]


def test_the_table_in_the_documentation() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for row in rows():
        assert row in page
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
    check(derivation._repr_latex_().strip("$"))
    assert "<math" in (derivation._repr_html_() or "")
    for suffix, content in [
        (".md", derivation.markdown), (".tex", derivation.latex),
        (".html", derivation.html), (".txt", derivation.text),
    ]:  # fmt: skip
        derivation.save(tmp_path / "new" / f"d{suffix}")
        assert (tmp_path / "new" / f"d{suffix}").read_text(encoding="utf-8") == content
    with pytest.raises(ValueError, match="saved as"):
        derivation.save(tmp_path / "d.pdf")


def test_numbers() -> None:
    text = derive(worked(), numbers=True).text
    assert "= 0.8278" in text
    x = leaf(np.ones((20, 20)), "x")
    assert "(400 numbers from 1 to 1)" in derive(x.sum(), numbers=True).text


@pytest.mark.parametrize("form", FORMS)
def test_a_worksheet_has_no_right_hand_sides(form: Any) -> None:
    solution, sheet = (derive(worked(), form=form, worksheet=w) for w in (False, True))
    assert [e.left for e in equations(sheet)] == [e.left for e in equations(solution)]
    assert all(not e.sides for e in equations(sheet))
    for equation in equations(solution):
        for side in equation.sides:
            assert side.text not in ("", *re.findall(r"(?m)^.*? = (.*)$", sheet.text))
    valid(sheet)


def test_without_latex2mathml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "latex2mathml.converter", None)
    derivation = derive(worked())
    assert derivation._repr_html_() is None
    with pytest.raises(RuntimeError, match="pip install"):
        _ = derivation.html
    assert callable(convert)


# ---- every line holds ----


def test_random_programs_hold() -> None:
    def one(program: Program) -> None:
        # the constructor of a derivation raises where a line does not hold
        loss = program.run(TABLE, leaf, np.asarray)
        for form in FORMS:
            derive(loss, form=form).markdown

    SEARCH(given(programs())(one))()


@pytest.mark.parametrize("i", range(10))
def test_many_kinds(i: int) -> None:
    loss = everything()[i]
    valid(derive(loss))
    try:
        valid(derive(loss, form="index"))
    except ValueError as error:
        assert "has no index form here" in str(error)  # noqa: PT017, either is right


@pytest.mark.parametrize("form", FORMS)
def test_a_wrong_rule_text_raises(form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = rules.rule_expressions

    def wrong(tensor: bp.Tensor, *arguments: Any) -> list[ast.expr | None]:
        found = right(tensor, *arguments)
        if tensor.name == "a1":
            found = [ast.parse("da1 * a1 * (1.0 + a1)", mode="eval").body]
        return found

    monkeypatch.setattr(lines_module, "rule_expressions", wrong)
    with pytest.raises(ValueError, match=r"does not hold: dz1 = da1 \* a1"):
        derive(worked(), form=form)


#: The operations of the table that index form refuses.
REFUSED: set[str] = set()


@pytest.mark.parametrize("name", TABLE)
def test_every_entry_of_the_table_in_components(name: str) -> None:
    refused = set()
    for trial in trials_of(name):
        operands = [
            leaf(x, f"x{i}") if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
            for i, x in enumerate(trial.operands)
        ]
        out = trial(*operands).named("out")
        weights = bp.tensor(np.linspace(0.5, 2.0, out.size).reshape(out.shape), name="w")
        try:
            derivation = derive((out * weights).sum(), form="index")
        except ValueError as error:
            if f"{name} has no index form here" not in str(error):
                raise
            refused.add(name)
        else:  # its lines hold, or it would have raised; and they can be printed
            for equation in equations(derivation):
                check(line(equation))
    assert refused == REFUSED & {name}


@bp.primitive
def doubled(x: Any) -> Any:
    """Return x + x."""
    both = x, x
    return sum(both)


@doubled.backward
def _(out: Any, x: Any) -> Any:
    return lambda g: doubled(g)


def test_an_operation_without_index_form_is_named() -> None:
    # no rule and no twin says which entry of doubled(g) comes from which entry of g
    x = leaf([1.0, 2.0], "x")
    loss = (doubled(x).named("d") * x).sum().named("L")
    with pytest.raises(ValueError, match=r"doubled has no index form here: doubled\(dd"):
        derive(loss, form="index")
    valid(derive(loss))


def test_a_wrong_place_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    x = leaf([1.0, 2.0, 3.0], "x")
    loss = (bp.flip(x).named("f") * x).sum().named("L")
    derive(loss, form="index")
    monkeypatch.setitem(TABLE, "flip", lambda a, axis=None: np.roll(a, 1))
    with pytest.raises(ValueError, match="does not hold"):
        derive(loss, form="index")


def test_a_wrong_jacobian_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Jacobian.tree

    def wrong(self: Jacobian) -> ast.expr:
        text = ast.unparse(right(self)).replace("-(y_hat", "(y_hat")  # as in slip 2
        return ast.parse(text, mode="eval").body

    monkeypatch.setattr(Jacobian, "tree", wrong)
    with pytest.raises(ValueError, match="Jacobian does not hold"):
        derive(worked(), form="index")


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


def test_a_wrong_number_raises() -> None:
    loss = worked()
    lines = Lines(loss, [t for t in bp_leaves(loss) if t.name == "W1"])
    lines.values["dz1"] = lines.values["dz1"] * 1.001
    with pytest.raises(ValueError, match="does not hold"):
        lines.check(lines.gradient[bp_leaves(loss)[0].id], lines.values["dW1"], "dW1")


def test_a_wrong_component_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    loss = worked()
    form = IndexForm(Lines(loss, bp_leaves(loss)), False)
    tree = ast.parse("W1 @ x", mode="eval").body
    part, index = form.component(tree, "z1")
    wrong = ast.parse(ast.unparse(part).replace("W1[j, i]", "W1[i % 2, j]"), mode="eval").body
    with pytest.raises(ValueError, match="does not hold"):
        form.check(wrong, index, form.lines.values["z1"], "z1")


def bp_leaves(loss: bp.Tensor) -> list[bp.Tensor]:
    from tinygrad_bp.notation.names import recorded_tensors

    return [t for t in recorded_tensors(loss) if t.primitive is None and t.requires_grad]


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
    with pytest.raises(TypeError, match="takes a Tensor"):
        derive(1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", FORMS)
def test_hostile_names(form: Any) -> None:
    more = ['__import__("os")', "a b", "W₁", "i", "j", "np", "sum", "$$", "}{", "\\end{document}"]
    leaves = [leaf([1.0, 2.0], name) for name in [*HOSTILE, *more, "z1", "z1"]]
    total = leaves[0]
    for other in leaves[1:]:
        total = (total * other).named(other.name or "")
    derivation = derive(total.sum().named("<b>L"), form=form)
    valid(derivation)
    assert "<script" not in derivation.markdown + derivation.html
    assert "\\end{document}" not in derivation.latex[:-20]


@pytest.mark.parametrize("form", FORMS)
def test_a_thousand_operations_take_less_than_two_seconds(form: Any) -> None:
    x = leaf(1.01, "x")
    t = x
    for _ in range(500):
        t = bp.sin(t) * x
    start = time.process_time()
    text = derive(t, form=form).markdown
    assert time.process_time() - start < 2.0
    assert "Left out, since each would have more than 40 symbols: by $x$." in text


@pytest.mark.parametrize("form", FORMS)
def test_a_deep_graph(form: Any) -> None:
    t = leaf(1.0, "x")
    for _ in range(5_000):
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
        (lambda a: a.reshape(3, 2), (2, 3)), (lambda a: a.reshape(-1), (2, 3, 4)),
        (lambda a: a.reshape(4, 6), (2, 3, 4)), (lambda a: np.roll(a, 2, 1), (3, 5)),
        (lambda a: np.tile(a, (2, 3)), (2, 3)), (lambda a: np.repeat(a, 3, 1), (2, 3)),
        (lambda a: a[::-2, 1:], (6, 3)), (lambda a: a.T[2], (4, 3)),
        (lambda a: a[1:, None], (3, 2)),
        (lambda a: np.flip(a), (3, 4)), (lambda a: np.diagonal(a, 1), (3, 4)),
    ],
)  # fmt: skip
def test_an_index_on_paper_counts_from_one(arranged: Any, shape: tuple[int, ...]) -> None:
    form = IndexForm(Lines(worked(), []), False)
    numbers = arranged(np.arange(np.prod(shape)).reshape(shape))
    index, _ = form.free_letters(numbers.shape)
    written = TextComponents({}, (), form.indices, form.lines.shape)
    for place in np.unravel_index(numbers, shape):
        text = written.index(form.indices.recognised(place, index))
        code = re.sub(r"(\d) ?([a-z(⌈⌊])", r"\1*\2", text.replace(" mod ", " % "))
        for sign, word in [("−", "-"), ("⌈", "ceil("), ("⌊", "floor("), ("⌉", ")"), ("⌋", ")")]:
            code = code.replace(sign, word)
        assert "π" not in text
        for at in np.ndindex(numbers.shape):
            letters = {i.id: n + 1 for i, n in zip(index, at, strict=True) if hasattr(i, "id")}
            assert eval(code, {"ceil": math.ceil, "floor": math.floor}, letters) == place[at] + 1


def test_what_is_zero_by_itself_is_not_taken_for_another_place() -> None:
    x, y = leaf([1.0, 2.0], "x"), leaf([3.0, 4.0], "y")
    padded = bp.pad(x, pad_width=1)
    derive((bp.concatenate([y, padded]).named("c") ** 2).sum(), form="index")
    derive((bp.pad(padded, pad_width=1, constant_values=5.0).named("c") ** 2).sum(), form="index")
    huge = bp.softmax(x * 1e4)  # is not taken apart: its twin would overflow
    derive((bp.concatenate([huge, y]).named("c") ** 2).sum(), form="index")


def test_a_transpose_of_a_transpose_is_not_left_standing() -> None:
    X, W = leaf(np.arange(6.0).reshape(2, 3), "X"), leaf(np.ones((4, 3)), "W")
    text = derive(((X @ W.mT).named("z") ** 2).sum()).text
    assert "∂L/∂X = ∂L/∂z W " in text
    assert "∂L/∂W = ∂L/∂zᵀ X " in text or "∂L/∂W = (∂L/∂z)ᵀ X " in text


def test_an_index_without_a_rule_is_a_map() -> None:
    x = leaf([1.0, 2.0, 3.0, 4.0], "x")
    text = derive(x[np.array([2, 0, 0, 3])].named("y").sum(), form="index").text
    assert "Here π₁(j) is entry j of [3, 1, 1, 4]." in text
    assert "y[j] = x[π₁(j)]" in text
    assert "∂L/∂x[j] = Σ[i: j = π₁(i)] ∂L/∂y[i]" in text


@pytest.mark.parametrize("form", FORMS)
def test_an_unnamed_loss_is_called_l_unless_another_tensor_is(form: Any) -> None:
    x = leaf([1.0, 2.0], "x")
    assert "∂L/∂x" in derive((x * x).sum(), form=form).text
    text = derive((leaf([1.0, 2.0], "L") * x).sum(), form=form).text
    assert "∂v" in text
    assert "∂v₂/∂L" in text or "∂v₁/∂L" in text


def test_the_two_cases_of_log_softmax() -> None:
    z = leaf(np.arange(6.0).reshape(2, 3) / 7, "z")
    loss = -bp.log_softmax(z).named("p")[np.arange(2), np.array([2, 0])].mean()
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
