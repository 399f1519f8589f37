"""An explanation says what the engine did, with the engine's numbers, in every form alike.

The worked problem's text is kept in ``golden/explain.txt``. After a wanted change, read the new
text, then write the file again: ``python tests/readings/test_explain.py``.
"""

import ast
import dataclasses
import json
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.cli import main
from tinygrad_bp.notation.formula import Formula
from tinygrad_bp.readings.explain import Explanation, explain
from tinygrad_bp.readings.explanation.text import width, wrapped
from tinygrad_bp.readings.steps.rows import Rows
from tinygrad_bp.readings.steps.sweep import Contribution, Formulas, Step
from tinygrad_bp.record import Record
from tinygrad_bp.worked_problem.network import network

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden" / "explain.txt"
SCHEMA = json.loads((ROOT / "docs" / "explain.schema.json").read_text(encoding="utf-8"))

HOSTILE = [
    "<script>alert(1)</script>",
    "[bold]loud[/bold]",
    "[/]",
    "two\nlines",
    "\x1b[31mred",
    '"><img src=x onerror=alert(1)>',
    "&lt;b&gt;",
    "{{ x }} %s \\n",
    "class",
    "",
    " ",
    "long " * 2000,
]


def leaf(data: Any, name: str | None = None) -> bp.Tensor:
    return bp.tensor(data, requires_grad=True, name=name)


def worked() -> bp.Tensor:
    """Return the loss of the worked problem at simple numbers, all widths different."""
    W1 = leaf([[0.5, -1.0, 1.0, 0.0], [1.5, 0.25, -0.5, 1.0]], "W1")
    W2 = leaf([[1.0, -0.5], [0.5, 0.75], [0.5, 0.5], [1.0, 0.0], [-1.0, 2.0]], "W2")
    W3 = leaf([[1.0, -1.0, 0.5, 0.25, 0], [0.5, 0.5, 0, 1.0, 2.0], [-0.5, 1.5, 1.0, 2.0, 1]], "W3")
    x = bp.tensor([[1.0], [2.0], [0.5], [-1.0]], name="x")
    y = bp.tensor([[0.0], [1.0], [0.0]], name="y")
    L: bp.Tensor = network(W1, W2, W3, x, y)["L"]
    return L


def shared() -> tuple[bp.Tensor, bp.Tensor, bp.Tensor]:
    """Return a loss in which x is used in two steps, and twice in the first of the two."""
    x, w = leaf(3.0, "x"), leaf(5.0, "w")
    square = (x * x).named("square")
    return (square * w + x).named("L"), x, w


def everything() -> list[bp.Tensor]:
    """Return losses of many kinds."""
    rng = np.random.default_rng(0)
    image = leaf(rng.standard_normal((1, 2, 5, 5)), "image")
    kernel = leaf(rng.standard_normal((3, 2, 3, 3)), "kernel")
    a, b = leaf(rng.standard_normal((2, 3)), "a"), leaf(rng.standard_normal(3), "b")
    labels = np.array([0, 2])
    return [
        worked(),
        shared()[0],
        bp.relu(bp.conv2d(image, kernel)).mean(),
        bp.cross_entropy(a + b, labels),
        (bp.concatenate([a, a * b]) ** 2).sum(),
        (a[0] * 2 - b.max()) @ b,
        bp.where(a.data > 0, a, b).std(),
        bp.einsum("ij,j->i", a, b).prod(),
        (1 - a).sum() / (b.sum() ** 3),
        leaf(2.0),
    ]


#: What the HTML form is made of; MathML has no scripts, links or frames here.
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "div", "section", "h1", "h2", "p", "small"),
    *("span", "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msup", "msub"),
    *("msubsup", "munder", "mover", "munderover", "mstyle", "msqrt", "mtable", "mtr", "mtd"),
}
ATTRIBUTES = {
    *(
        "lang",
        "charset",
        "name",
        "content",
        "http-equiv",
        "class",
        "xmlns",
        "display",
        "stretchy",
        "fence",
    ),
    *("form", "mathvariant", "scriptlevel", "displaystyle", "accent", "width", "columnalign"),
    *("mathsize", "minsize", "maxsize", "linethickness", "lspace", "rspace", "data-latex"),
}


def html_text(page: str) -> str:
    """Return what is to be read in HTML, which must be made of the tags and attributes above."""
    texts = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attributes: Any) -> None:
            assert tag in TAGS, tag
            assert {name for name, _ in attributes} <= ATTRIBUTES, attributes

        def handle_data(self, data: str) -> None:
            texts.append(data)

    reader = Reader()
    reader.feed(page)
    reader.close()
    return "".join(texts).replace("−", "-").replace("\N{NO-BREAK SPACE}", " ")


# ---- what it says ----


def test_golden():
    assert str(explain(worked())) + "\n" == GOLDEN.read_text(encoding="utf-8")


def test_the_same_text_every_time():
    first, second = explain(worked()), explain(worked())
    assert str(first) == str(second)
    assert first.to_json() == second.to_json()


@pytest.mark.parametrize("i", range(len(everything())))
def test_the_numbers_are_the_engines(i):
    loss = everything()[i]
    explanation = explain(loss)
    leaves, todo = {}, [loss]
    while todo:
        t = todo.pop()
        if t.primitive is None and t.requires_grad:
            leaves[t.id] = t
        todo += [x for x in t.inputs if x is not None]
    assert all(t.grad is None for t in leaves.values())
    loss.backward()
    assert len(explanation.gradients) == len(leaves)
    for key, gradient in zip(sorted(leaves), explanation.gradients, strict=True):
        assert np.array_equal(gradient.value, leaves[key].grad)
    arrived = {explanation.steps[0].gradient: 1.0} if explanation.steps else {}
    for step in explanation.steps:
        assert np.array_equal(arrived[step.gradient], step.upstream)
        for c in step.contributions:
            assert c.rule is not None
            assert not c.value.flags.writeable
        for gradient in step.complete:
            total = gradient.terms[0].value
            for term in gradient.terms[1:]:
                total = total + term.value
            assert np.array_equal(total, gradient.value)
            arrived[gradient.name] = gradient.value
    for form in (str(explanation), explanation._repr_html_()):
        assert explanation.output in form


def test_the_record_says_where_in_the_graph_it_is():
    loss, x, w = shared()
    tensors = Record(loss).tensors
    explanation = explain(loss)
    assert [tensors[step.node] for step in explanation.steps] == tensors[:1:-1]
    for step in explanation.steps:
        for c in step.contributions:
            assert tensors[c.node] is tensors[step.node].inputs[c.operand]
    assert [tensors[g.node] for g in explanation.gradients] == [x, w]
    assert [tensors[given.node] for given in explanation.given] == [x, w]


def test_a_rule_in_parts_holds_the_arrays():
    loss = worked()
    for step in explain(loss).steps:
        for c in step.contributions:
            names = [n.id for n in ast.walk(c.formula.tree) if isinstance(n, ast.Name)]
            arrays = [part for part in c.formula.parts if not isinstance(part, str)]
            assert len(arrays) == len(names) - names.count("np")
            assert any(np.array_equal(part, step.upstream) for part in arrays)


def test_the_forward_pass():
    w = leaf(2.0, "w")
    first = (w * 3.0).named("first")
    w.data = np.array(5.0)
    record = Record((first + w).named("L"))
    assert [float(value) for value in record.values(0)] == [2.0, 5.0]
    rows = [Rows(Formulas(record)).computed(i) for i in (1, 2)]
    assert [side.text for row in rows for side in row.sides[:2]] == [
        *("first", "w · 3"),
        *("L", "first + w"),
    ]
    numbers, value = rows[0].sides[2:]
    assert numbers.formula.parts == (np.array(2.0), " · 3")
    assert value == (np.array(6.0),)
    numbers, value = rows[1].sides[2:]
    assert numbers.formula.parts == (np.array(6.0), " + ", np.array(5.0))
    assert value[0] == record.output.data


def test_a_step_on_its_own():
    a, b = leaf(-2.0, "a"), leaf(3.0, "b")
    (step,) = explain((a * b).named("L")).steps
    assert (step.number, step.tensor, step.operation) == (1, "L", "multiply")
    assert (step.gradient, float(step.upstream), float(step.value)) == ("∂L/∂L", 1.0, -6.0)
    to_a, to_b = step.contributions
    assert (to_a.tensor, to_a.gradient, float(to_a.value)) == ("a", "∂L/∂a", 3.0)
    assert (to_a.rule, to_a.formula.parts) == ("∂L/∂L b", (1.0, " · ", 3.0))
    assert (to_b.rule, to_b.formula.parts) == ("∂L/∂L a", (1.0, " · ", -2.0))
    assert "∂L/∂b = ∂L/∂L a\n                  = 1 · (-2)\n" in str(explain((a * b).named("L")))
    assert [gradient.name for gradient in step.complete] == ["∂L/∂a", "∂L/∂b"]


def test_a_value_used_more_than_once_adds_up():
    loss, x, _ = shared()
    explanation = explain(loss)
    last = explanation.steps[-1]
    (gradient,) = last.complete
    assert gradient.name == "∂L/∂x"
    assert [(t.step, t.operand, float(t.value)) for t in gradient.terms] == [
        (1, 1, 1.0),  # operands from 0
        (3, 0, 15.0),
        (3, 1, 15.0),
    ]
    assert float(gradient.value) == 31.0 == float(bp.grad(loss, x))
    assert [(c.term, c.terms) for c in last.contributions] == [(2, 3), (3, 3)]
    text = str(explanation)
    assert "∂L/∂x = (step 1) + (step 3, operand 1) + (step 3, operand 2)" in text
    assert "= 1 + 15 + 15" in text
    assert "term 3 of 3" in text


def test_many_terms_are_not_all_written():
    x = leaf(1.0, "x")
    loss = x
    for _ in range(9):
        loss = loss + x
    explanation = explain(loss.named("L"))
    assert len(explanation.gradients[0].terms) == 10
    assert "1 + 1 + 1 + 1 + 1 + 1 + (4 more)" in str(explanation)


def test_what_was_broadcast_is_summed():
    a, b = leaf(np.ones((2, 3)), "a"), leaf([1.0, 2.0, 3.0], "b")
    explanation = explain((a * b).named("product").sum().named("L"))
    to_a, to_b = explanation.steps[1].contributions
    assert (to_a.broadcast, to_b.broadcast) == (False, True)
    assert to_b.value.tolist() == [2.0, 2.0, 2.0]
    assert to_b.rule == "Σ[axis 0] ∂L/∂product ⊙ a"
    assert sum(row.startswith("broadcast ") for row in str(explanation).splitlines()) == 1


@pytest.mark.parametrize("shape", [(), (1,), (3,), (1, 3), (2, 1), (1, 1), (4, 1, 3), (2, 3)])
@pytest.mark.parametrize("combine", [np.add, np.multiply, np.divide], ids=lambda f: f.__name__)
def test_the_rule_shown_is_true_of_what_was_broadcast(shape, combine):
    rng = np.random.default_rng(0)
    a, b = leaf(rng.random((4, 2, 3)), "a"), leaf(1 + rng.random(shape), "b")
    step = explain(bp.square_sum(combine(a, b).named("z")).named("L")).steps[1]
    for c in step.contributions:
        assert holds(c, step)
    assert not holds(
        dataclasses.replace(c, formula=Formula(ast.Name("dz"), values=c.formula.values)),
        step,
    )  # the rule unsummed


def holds(c: Contribution, step: Step) -> bool:
    """Say whether a rule, evaluated from its expression, has the contribution's shape and value."""
    value = np.asarray(eval(ast.unparse(c.formula.tree), {"np": np, **c.formula.values}))
    return value.shape == c.value.shape and np.allclose(value, c.value, rtol=1e-12, atol=0.0)


def test_a_filter_shows_only_the_paths_that_reach():
    loss, x, w = shared()
    only_w = explain(loss, wrt=w)
    assert [step.operation for step in only_w.steps] == ["add", "multiply"]
    assert [c.gradient for step in only_w.steps for c in step.contributions] == [
        f"∂L/∂{only_w.steps[1].tensor}",
        "∂L/∂w",
    ]
    assert [gradient.name for gradient in only_w.gradients] == ["∂L/∂w"]
    both = explain(loss, wrt=[x, w])
    assert str(both) == str(explain(loss))


def test_a_filter_may_name_an_interior_tensor():
    loss = worked()
    z3 = loss.inputs[0].inputs[1].inputs[0]
    explanation = explain(loss, wrt=z3)
    assert [s.operation for s in explanation.steps] == ["square_sum", "subtract", "softmax"]
    assert np.array_equal(explanation.gradients[0].value, bp.grad(loss, z3))
    assert explain(loss, wrt=loss).gradients[0].value == 1.0


def test_a_tensor_that_no_gradient_reaches():
    x, w = leaf(1.0, "x"), leaf([1.0, 2.0], "w")
    explanation = explain((bp.sign(w).sum() + x).named("L"))  # no gradient flows through sign
    assert [step.operation for step in explanation.steps] == ["add"]
    assert explanation.gradients[1].value.tolist() == [0.0, 0.0]
    assert "∂L/∂w = [0, 0]" in str(explanation)
    with pytest.raises(ValueError, match=r"L with shape .* was not computed from other"):
        explain((x * 2).named("L"), wrt=leaf(1.0, "other"))
    assert len(explain(x * 2, wrt=[x, x]).gradients) == 1


def test_large_arrays_are_summarised():
    W, x = leaf(np.arange(5000.0).reshape(50, 100), "W"), leaf(np.ones(100), "x")
    explanation = explain((W @ x).named("z").sum().named("L"))
    text = str(explanation)
    assert "⟨50×100⟩ from 1 to 1: 1, 1, 1, 1, …" in text
    assert "⟨50⟩" in text
    assert max(map(width, text.splitlines())) <= 80
    value = json.loads(explanation.to_json())["steps"][-1]["contributions"][0]["value"]
    assert value == {
        "shape": [50, 100],
        "dtype": "float64",
        "smallest": 1.0,
        "largest": 1.0,
        "first": [1.0, 1.0, 1.0, 1.0],
    }


def test_what_json_says_of_a_large_array_is_not_rounded():
    x = leaf(np.random.default_rng(0).normal(size=(40, 40)), "x")
    explanation = explain(bp.square_sum(x).named("L"))
    data = json.loads(explanation.to_json())
    jsonschema.validate(data, SCHEMA)
    value = data["gradients"][0]["value"]
    assert (value["smallest"], value["largest"]) == (2 * x.data.min(), 2 * x.data.max())
    assert value["first"] == (2 * x.data).flat[:4].tolist()
    assert "entries" not in value


def test_large_constants_in_a_rule_are_summarised():
    a = leaf(np.ones((40, 40)), "a")
    assert len(str(explain(bp.trace(a)))) < 3000
    assert len(str(explain(a[np.arange(40)].sum()))) < 3000


def test_a_rule_that_runs_on_arrays_only():
    @bp.primitive
    def halved(a: Any) -> Any:
        return a / 2

    @halved.backward
    def _(out: Any, a: Any) -> Callable[[Any], Any]:
        return lambda g: np.frombuffer(g.tobytes()).reshape(g.shape) / 2  # of arrays alone

    explanation = explain(halved(leaf(3.0, "a")).named("L"))
    assert explanation.steps[0].contributions[0].rule is None
    assert explanation.gradients[0].value == 0.5
    assert "(halved's own rule, which takes only arrays)" in str(explanation)
    data = json.loads(explanation.to_json())
    jsonschema.validate(data, SCHEMA)
    assert data["steps"][0]["contributions"][0]["rule"] is None


def test_a_leaf_that_was_given_a_new_value_shows_the_old_one():
    w = leaf(2.0, "w")
    loss = (w * w).named("L")
    w.data = np.array(100.0)
    assert explain(loss).steps[0].contributions[0].formula.parts == (1.0, " · ", 2.0)


def test_what_is_given_is_shown():
    W, b = leaf(np.ones((2, 2)), "W"), leaf([0.25, 0.75], "b")
    h = bp.tanh((W + b).named("z")).named("h")
    loss = (h * W).sum().named("L")
    text = str(explain(loss))
    assert "parameter   b = [0.25, 0.75]\n(2,)" in text
    assert [given.tensor for given in explain(loss, wrt=W).given] == ["W", "b"]
    assert [given.tensor for given in explain(loss, wrt=h).given] == ["W", "h"]
    assert "\ncomputed " in str(explain(loss, wrt=h))
    assert "\ncomputed " not in str(explain(loss))
    w = leaf(2.0, "w")
    first = w * 3.0
    w.data = np.array(5.0)
    assert "parameter   w = 2, then 5" in str(explain(first + w))


def test_what_an_operation_is_composed_of_is_said_once():
    z = leaf([0.5, -1.0], "z")
    first, second = reversed(explain((bp.sigmoid(bp.sigmoid(z))).sum()).steps[1:])
    assert first.definition is None
    assert second.definition.text.startswith("1 / (1 + exp(−")
    large = leaf([800.0, 0.0], "z")  # exp(800) overflows, and softmax does not
    assert explain(bp.softmax(large, axis=0)[0]).steps[1].definition is None
    loss = worked()
    with bp.no_grad():
        without = str(explain(loss))
    assert without == str(explain(loss))


def test_nothing_to_explain():
    with pytest.raises(ValueError, match="needs no gradient"):
        explain(bp.tensor(1.0) * 2)
    with pytest.raises(ValueError, match=r"has 2 entries, and explain .* as with .sum"):
        explain(leaf([1.0, 2.0]) * 2)
    with pytest.raises(TypeError, match="explain takes Tensors to differentiate by, not 'W"):
        explain(worked(), wrt="W2")
    with pytest.raises(ValueError, match="explain was asked for no gradient"):
        explain(worked(), wrt=[])
    with pytest.raises(ValueError, match=r"y with shape .* needs no gradient"):
        explain(worked(), wrt=bp.tensor(1.0, name="y"))
    with pytest.raises(TypeError, match="takes a Tensor"):
        explain(3.0)


# ---- how it is shown ----


def test_every_form_has_the_same_rows():
    explanation = explain(worked())
    read = html_text(explanation._repr_html_())
    introduction, *blocks = str(explanation).split("\n\nGiven\n")
    for line in "".join(blocks).splitlines():
        numbers = re.findall(r"-?\d+\.\d+", line)
        assert all(number in read for number in numbers)
        if not numbers and "=" not in line:
            assert line[:12].strip() in read
    assert " ".join(introduction.split()).replace("−", "-") in read


def test_a_broken_product_goes_on_with_its_sign():
    rng = np.random.default_rng(0)
    a, b = leaf(rng.normal(size=(4, 6)), "a"), leaf(rng.normal(size=(4, 6)), "b")
    c = leaf(rng.normal(size=(6, 6)), "c")
    explanation = explain(bp.square_sum((a * b) @ c).named("L"))
    lines = str(explanation).splitlines()
    signs = [re.match(" {10,}([⊙·]) ⎢", line) for line in lines]
    assert {sign[1] for sign in signs if sign} == {"⊙", "·"}


def test_a_long_formula_is_broken_before_a_sign():
    for room in range(12, 40):
        lines = wrapped("∂L/∂z₂ ⊙ a + (1 − softmax[axis 1](z₂)) ⊙ b − c₁", room)
        assert not any(line[-1] in "⊙+−" for line in lines)
        assert all(line.startswith("  ") for line in lines[1:])


@pytest.mark.parametrize("bad", ["<script>alert(1)</script>", "<b>", "<p onclick='x'>", "<a href>"])
def test_markup_that_slips_through_is_seen(bad):
    with pytest.raises(AssertionError):
        html_text(bad)


def test_text_fits_a_terminal():
    assert max(map(width, str(explain(worked())).splitlines())) <= 76


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name)[:20])
def test_names_are_text(name):
    def explained(name: str) -> Explanation:
        x = leaf([1.0, 2.0], name)
        other = leaf(3.0, name)
        return explain((x * other).sum().named(name))

    explanation = explained(name)
    html_text(explanation._repr_html_())
    for form in (str(explanation), explanation._repr_html_()):
        assert all(c.isprintable() or c == "\n" for c in form)
    jsonschema.validate(json.loads(explanation.to_json()), SCHEMA)
    titles = [line for line in str(explanation).splitlines() if line.startswith("Step ")]
    assert len(titles) == len(explanation.steps)


def test_numbers_that_json_lacks(tmp_path):
    with np.errstate(all="ignore"):
        explanation = explain((leaf([0.0, 1.0], "x") ** -1.0).named("y")[0])
        data = json.loads(explanation.to_json())
    jsonschema.validate(data, SCHEMA)
    assert data["output"]["value"]["entries"] == "inf"


@pytest.mark.parametrize("i", range(len(everything())))
def test_json_is_as_documented(i, tmp_path):
    path = tmp_path / "folder" / "explanation.json"
    text = explain(everything()[i]).to_json(path)
    assert path.read_text(encoding="utf-8") == text
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(json.loads(text), SCHEMA)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data["steps"][0].pop("upstream"),
        lambda data: data["steps"][0].update(number="one"),
        lambda data: data["steps"][0]["value"].pop("entries"),
        lambda data: data["gradients"][0].update(color="red"),
        lambda data: data["gradients"][0]["value"].update(first=[1.0]),
        lambda data: data.update(version=2),
    ],
)
def test_the_schema_refuses_a_fault(spoil):
    data = json.loads(explain(worked()).to_json())
    spoil(data)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, SCHEMA)


# ---- files and the command ----


@pytest.mark.parametrize("suffix", [".txt", ".html", ".json"])
def test_files(suffix, tmp_path):
    path = tmp_path / "folder" / f"explanation{suffix}"
    explanation = explain(worked())
    explanation.save(path)
    forms = {
        ".txt": str(explanation),
        ".html": explanation._repr_html_().partition("</style>")[2].removesuffix("</div>\n"),
        ".json": explanation.to_json(),
    }
    assert forms[suffix] in path.read_text(encoding="utf-8")


def test_no_other_files(tmp_path):
    with pytest.raises(ValueError, match=r"must end in one of .txt, .html, .json"):
        explain(worked()).save(tmp_path / "explanation.pdf")


def test_the_command_explains_the_worked_problem(capsys):
    assert main(["explain"]) == 0
    out = capsys.readouterr().out
    assert "Step 8 of 8: through matmul in layer 1, from z₁ to W₁" in out
    assert max(map(width, out.splitlines())) <= 76


def test_the_command_explains_a_file(tmp_path, capsys):
    file, out, data = (tmp_path / name for name in ("my_net.py", "out.txt", "x.json"))
    file.write_text(
        "import tinygrad_bp as bp\n"
        "def loss():\n"
        "    x = bp.tensor(3.0, requires_grad=True, name='x')\n"
        "    return (x * x).named('L')\n"
    )
    assert main(["explain", "--file", str(file), "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8").endswith("∂L/∂x = 6\n")
    assert main(["explain", "--file", str(file), "--out", str(data)]) == 0
    assert json.loads(data.read_text(encoding="utf-8"))["gradients"][0]["value"]["entries"] == 6.0
    assert main(["explain", "--file", str(file), "--out", str(tmp_path / "out.pdf")]) == 2
    assert "cannot be saved as 'out.pdf'" in capsys.readouterr().err


# ---- how large a computation may be ----


def chain(n: int) -> bp.Tensor:
    x = leaf([0.5, 0.2], "x")
    y = x
    for _ in range(n // 4):
        y = bp.tanh(bp.sigmoid(y * x) + x)
    return y.sum()


def test_a_thousand_operations():
    loss = chain(1000)
    text = str(explain(loss))
    assert "Step 1001 of 1001" in text


def test_a_computation_that_nobody_would_read_is_refused():
    x = y = leaf(1.0, "x")
    for _ in range(2001):
        y = y + 1.0
    with pytest.raises(
        ValueError, match=r"explain goes through at most 2,000 op.* by 2,001\. Give"
    ):
        explain(y.named("L"))
    explanation = explain(y.inputs[0])  # deeper than Python's recursion
    assert len(explanation.steps) == 2000
    assert explanation.gradients[0].value == 1.0
    assert x.grad is None


def test_the_representation_is_short():
    assert repr(explain(worked())).startswith("<explanation of L in 8 steps: print it, ")


if __name__ == "__main__":
    GOLDEN.write_text(str(explain(worked())) + "\n", encoding="utf-8")
    sys.exit()


def test_an_operation_with_a_twin_may_be_given_a_number():
    @bp.primitive
    def scaled(a, b):
        square = b * b
        return a * square

    @scaled.backward
    def _(out, a, b):
        return lambda g: g * b * b, lambda g: 2 * g * a * b

    @scaled.twin
    def _(a, b):
        return a * b**2

    loss = bp.sum(scaled(leaf([1.0, 2.0], "x"), -3.0)).named("L")
    assert "= x · (−3)²" in str(explain(loss))
