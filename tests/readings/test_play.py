"""The page of a player holds the engine's numbers, and nothing that runs or asks for anything else.

What happens when it is used is tested in a browser: ``test_play_in_browser.py``.
"""

import base64
import hashlib
import html
import json
import re
import shutil
import sysconfig
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.notation.symbols import text_symbol
from tinygrad_bp.pages.page import read
from tinygrad_bp.readings.drawing import layout
from tinygrad_bp.readings.explain import explain
from tinygrad_bp.readings.explanation.text import in_columns
from tinygrad_bp.readings.play import play
from tinygrad_bp.readings.player import film as film_module
from tinygrad_bp.readings.player import page as page_module
from tinygrad_bp.readings.player import picture as picture_module
from tinygrad_bp.readings.player.picture import ROOM
from tinygrad_bp.readings.steps.rows import Sources
from tinygrad_bp.record import Record, recorded_tensors
from tinygrad_bp.worked_problem.problem import random_problem
from tinygrad_bp.worked_problem.verification import recorded

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "<!--<script>",
    "$script ${data} $$",
    "\u2028\u2029",
    "\ud800",
    "{{x}} &lt; \\u003c",
]


def leaf(data: Any, name: str | None = None) -> bp.Tensor:
    return bp.tensor(data, requires_grad=True, name=name)


def worked() -> bp.Tensor:
    L: bp.Tensor = recorded(random_problem())["L"]
    return L


def shared() -> bp.Tensor:
    """Return a loss with a tensor used three times, a broadcast, and an unnamed step."""
    x, b = leaf([[1.0, -2.0], [0.5, 3.0]], "x"), leaf([0.25, -0.5], "b")
    return bp.tanh(x * x + b * x).sum().named("L")


def named(name: str) -> bp.Tensor:
    with bp.scope(name.replace("/", "|")):  # a slash parts scopes
        return (leaf([1.0, 2.0], name) * leaf(3.0, name)).sum().named(name)


def training(steps: int = 3) -> list[bp.Tensor]:
    w, losses = leaf([0.5, -1.0], "w"), []
    for i in range(steps):
        losses.append(((w * (0.1 + i)) ** 2).sum().named("L"))
        w.data = w.data - 0.1 * bp.grad(losses[-1], w)
    return losses


def film(loss: bp.Tensor) -> film_module.Film:
    return film_module.film(Record(loss))


def stage(loss: bp.Tensor) -> str:
    return picture_module.stage(Record(loss))


class Elements(HTMLParser):
    """Reads a page: its tags in order, their attributes, and what the scripts hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.scripts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "script":
            self.scripts.append("")
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self.scripts[-1] += data


def data_of(page: str) -> Any:
    return json.loads(Elements(page).scripts[0])


def asks_for_something(page: str) -> list[str]:
    """Return what a page would fetch, or run from an attribute."""
    fetching = {"src", "href", "xlink:href", "srcset", "action", "data", "poster", "background"}
    found = [
        f"<{tag} {name}={value!r}>"
        for tag, name, value in Elements(page).attributes
        if name in fetching or name.startswith("on") or "javascript:" in (value or "")
    ]
    return found + re.findall(r"@import.*|url\((?!#).*", page)  # a part of the page itself is not


# ---- what it says ----


@pytest.mark.parametrize("make", [worked, shared])
def test_the_film_shows_the_engines_numbers(make: Callable[[], bp.Tensor]) -> None:
    loss = make()
    tensors = recorded_tensors(loss)
    slopes = {
        node: bp.grad(loss, t) for node, t in enumerate(tensors) if t.requires_grad
    }  # of every tensor, interior ones too
    shown: dict[tuple[int, str], Any] = {}
    for frame in film(loss).frames:
        for mark in frame.marks:
            shown[mark.node, mark.row] = mark.content
        for row in frame.rows:
            last = row.sides[-1]
            if "unchanged" in row.notes:  # what arrived, two lines above
                assert last.text == frame.rows[0].sides[0].text
                continue
            assert isinstance(last, tuple)
            if frame.kind == "forward":
                assert np.array_equal(last[0], tensors[frame.node].data)
    for node, t in enumerate(tensors):
        assert np.array_equal(shown[node, "value"], t.data)
        assert (node in slopes) == ((node, "gradient") in shown)
        if node in slopes:
            assert np.array_equal(shown[node, "gradient"], slopes[node])
    assert all(t.grad is None for t in tensors if t.primitive is None)


def test_values_come_forward_and_gradients_backward() -> None:
    record = Record(worked())
    frames = film_module.film(record).frames
    assert [frame.kind for frame in frames] == ["start", *["forward"] * 8, *["backward"] * 8]
    assert {mark.row for frame in frames[:9] for mark in frame.marks} == {"value"}
    assert {mark.row for frame in frames[9:] for mark in frame.marks} == {"gradient"}
    softmax = frames[11]
    assert softmax.summary == "softmax in output passes the gradient of ŷ on to z₃."
    assert [row.label for row in softmax.rows] == ["arrived", "to z₃"]
    assert len(softmax.edges) == 1
    (reached,) = softmax.reached
    assert softmax.edges == (f"e{reached}-{softmax.node}-1",)
    assert record.tensors[reached].name == "z3"


def test_the_rows_of_a_step_are_those_of_explain() -> None:
    for loss in (worked(), shared()):
        said = [rows for title, rows in explain(loss).sections() if title.startswith("Step ")]
        shown = [frame.rows for frame in film(loss).frames if frame.kind == "backward"]
        for (_, *rows), in_player in zip(said, shown, strict=True):  # the first is the forward pass
            assert [*map(in_columns, rows)] == [*map(in_columns, in_player)]


def test_what_is_added_up_and_broadcast_is_said() -> None:
    made = film(shared())
    rows = [row for frame in made.frames for row in frame.rows]
    assert {row.notes[1:] for row in rows if row.label.startswith("to ")} >= {
        ("broadcast",),
        ("term 1 of 3",),
        ("as operand 1", "term 2 of 3"),
        ("as operand 2", "term 3 of 3"),
    }
    (added,) = [row for row in rows if row.label == "added up"]
    left, sources, terms, total = added.sides
    assert left.text == "∂L/∂x"
    assert isinstance(sources, Sources)
    frames = [(made.offset + term.step, term.operand) for term in sources.terms]
    assert frames == [(9, 1), (10, 0), (10, 1)]
    assert str(sources) == "(step 4) + (step 5, operand 1) + (step 5, operand 2)"
    values = [part for part in terms if not isinstance(part, str)]
    assert np.allclose(sum(values), total[0])
    remarks = [m.content for f in made.frames for m in f.marks if isinstance(m.content, str)]
    assert remarks == ["1 of 3 terms"]
    for row in rows:  # a term is no gradient yet
        if row.label.startswith("to "):
            stands_for = row.sides[0].text == f"∂L/∂{row.label[3:]}"
            assert stands_for == (not any("term" in note for note in row.notes))


def test_a_sum_of_many_terms_is_cut_and_says_so() -> None:
    x = leaf([1.0, 2.0], "x")
    total = bp.sin(x)
    for _ in range(8):
        total = total + bp.sin(x)
    [added] = [row for f in film(total.sum()).frames for row in f.rows if row.label == "added up"]
    _, sources, terms, _ = added.sides
    assert isinstance(sources, Sources)
    assert isinstance(terms, tuple)
    assert sources.left_out == 3
    assert str(sources).endswith(" + (3 more)")
    assert play(total.sum()).html.count(" + (3 more)</span>") == 1
    assert terms[-1] == " + (3 more)"
    assert sum(isinstance(part, np.ndarray) for part in terms) == 6


@pytest.mark.parametrize(
    ("value", "brief"),
    [
        ([1.0, 2.0], "1\u20022"),
        (np.zeros((0, 3)), "empty"),
        (np.arange(9.0), "0\u20021\u20022\u20023\u20024\u20025\u20026\u20027\u20028"),
        (np.arange(10.0), "0 to 9"),
        ([-1.25e-7, 3.14159, -2.5e10], "-2.5e+10 to 3.14"),  # three entries, which are too long
    ],
)
def test_arrays_in_brief(value: Any, brief: str) -> None:
    assert page_module.brief(np.asarray(value)) == brief


def test_a_loss_that_is_a_leaf() -> None:
    (frame,) = film(leaf(2.0, "L")).frames
    assert frame.marks[0].content == 2.0
    assert "<article" in play(leaf(2.0, "L")).html


def test_a_leaf_with_several_values_says_so() -> None:
    w = leaf(2.0, "w")
    first = w * 3.0
    w.data = np.array(5.0)
    assert film(first + w).frames[0].marks[0].content == "2 values"


def test_a_rule_that_runs_on_arrays_only() -> None:
    @bp.primitive
    def halved(a: Any) -> Any:
        return a / 2

    @halved.backward
    def _(out: Any, a: Any) -> Callable[[Any], Any]:
        return lambda g: np.frombuffer(g.tobytes()).reshape(g.shape) / 2  # of arrays alone

    assert "which takes only arrays" in html.unescape(play(halved(leaf(3.0, "a"))).html)


def test_symbols_are_mathml() -> None:
    page = Elements(play(worked()).html)
    assert page.tags.count("math") > 30
    assert page.tags.count("mfrac") > 10


def test_nothing_to_play() -> None:
    with pytest.raises(ValueError, match="needs no gradient"):
        play(bp.tensor(1.0) * 2)
    with pytest.raises(ValueError, match="has 2 entries, and play follows"):
        play(leaf([1.0, 2.0]) * 2)
    with pytest.raises(ValueError, match="this list is empty"):
        play([])
    with pytest.raises(TypeError, match=r"takes a Tensor, not 3\.0"):
        play([worked(), 3.0])  # type: ignore[list-item]


# ---- training ----


def test_each_training_step_has_its_numbers() -> None:
    losses = training()
    page = play(losses).html
    data = data_of(page)
    assert len(data["runs"]) == 3
    said = {}
    for run, loss in enumerate(losses):
        assert float(data["runs"][run]["loss"]) == pytest.approx(float(loss.data), rel=1e-3)
        article = page.partition(f'id="step-{run}-1"')[2].partition("</article>")[0]
        said[run] = html.unescape(re.sub("<[^>]+>", "", article)).replace("−", "-")
        product = recorded_tensors(loss)[1]
        assert f"·{product.operands[1]}" in said[run]
        value = re.findall(r"=\[(.*?), (.*?)\]", said[run].replace("\N{NO-BREAK SPACE}", " "))[-1]
        assert [float(x) for x in value] == pytest.approx(product.data.tolist(), rel=1e-3)
    assert len(set(said.values())) == 3
    assert 'class="slider training">' in play(losses).html
    assert 'class="slider training" hidden>' in play(losses[0]).html


def test_one_picture_for_all_training_steps() -> None:
    assert Elements(play(training()).html).tags.count("svg") == Elements(
        play(training()[0]).html
    ).tags.count("svg")


def test_other_graphs_are_refused() -> None:
    w = leaf([0.5, -1.0], "w")
    first, other = (w * w).sum().named("L"), (w + w).sum().named("L")
    with pytest.raises(
        ValueError, match="step 2 takes another way than training step 1, from 'Forward"
    ):
        play([first, other])
    with pytest.raises(ValueError, match="from 'Before the first step' on"):
        play([first, first * 2.0])
    with pytest.raises(ValueError, match="its graph is another one"):
        play([first, (leaf([1.0, 2.0, 3.0], "w") ** 2).sum()])
    with pytest.raises(ValueError, match="its graph is another one"):
        play([first, (w * leaf([1.0, 2.0], "v")).sum().named("L")])


def test_a_rule_that_depends_on_the_numbers_is_refused() -> None:
    @bp.primitive
    def bent(a: Any) -> Any:
        return np.where(a > 0, a, 2 * a)

    @bent.backward
    def _(out: Any, a: Any) -> Callable[[Any], Any]:
        return (lambda g: g) if float(np.asarray(getattr(a, "data", a))) > 0 else lambda g: g * 2

    losses = [bent(leaf(number, "a")).named("L") for number in (1.0, -1.0)]
    assert play(losses[:1])
    assert play([losses[1], losses[1]])
    with pytest.raises(ValueError, match="step 2 takes another way than training step 1"):
        play(losses)


# ---- one file that asks for nothing ----


def test_the_page_is_one_small_file() -> None:
    page = play(worked()).html
    assert len(page.encode()) < 300_000
    assert asks_for_something(page) == []


@pytest.mark.parametrize(
    "fault",
    ['<img src="x">', "<a href='y'>", "<p onclick='z'>", "<style>@import 'a'</style>"],
)
def test_the_check_sees_what_asks_for_something(fault: str) -> None:
    assert asks_for_something(play(worked()).html.replace("<main>", f"<main>{fault}"))


def test_the_policy_allows_its_own_script_and_nothing_else() -> None:
    page = play(worked()).html
    (policy,) = re.findall(r'Content-Security-Policy" content="(.*?)"', page)
    _, script = Elements(page).scripts
    digest = hashlib.sha256(script.encode()).digest()
    assert policy == (
        "default-src 'none'; style-src 'unsafe-inline'; script-src "
        f"'sha256-{base64.b64encode(digest).decode()}'; base-uri 'none'; form-action 'none'"
    )


def test_the_script_writes_text_only() -> None:
    script = read("player.js")
    assert len(script.splitlines()) < 250
    forbidden = r"innerHTML|outerHTML|insertAdjacent|document\.write|eval|Function\(|DOMParser"
    assert re.findall(forbidden, script) == []
    assert re.findall(r"fetch|XMLHttp|WebSocket|import\(|localStorage|cookie", script) == []


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name)[:20])
def test_names_are_text(name: str) -> None:
    page, plain = Elements(play(named(name)).html), Elements(play(named("plain")).html)
    without_math = [
        [tag for tag in each.tags if tag not in MATHML] for each in (page, plain)
    ]  # how many letters a name has
    assert without_math[0] == without_math[1]
    assert {a for _, a, _ in page.attributes} == {a for _, a, _ in plain.attributes}
    assert data_of(play(named(name)).html)["runs"]


MATHML = {"math", "mrow", "mi", "mo", "mn", "mfrac", "msub", "msup", "mtext", "mspace", "mstyle"}
MATHML |= {"msubsup", "mover", "mpadded"}


def test_json_cannot_leave_its_element() -> None:
    page = play(named("</script><!--\u2028\u2029&")).html
    text = page.partition('id="data">')[2].partition("</script>")[0]
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == data_of(page)


def test_a_notebook_shows_a_frame_that_is_kept_apart() -> None:
    (frame,) = [a for a in Elements(play(worked())._repr_html_()).attributes if a[1] == "srcdoc"]
    assert frame == ("iframe", "srcdoc", play(worked()).html)
    assert ("iframe", "sandbox", "allow-scripts") in Elements(
        play(worked())._repr_html_()
    ).attributes
    assert len(repr(play(worked()))) < 100


# ---- files ----


def test_saved_pages(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "backprop.html"
    page = play(worked())
    page.save(path)
    assert path.read_text(encoding="utf-8") == page.html
    assert [p.name for p in path.parent.iterdir()] == ["backprop.html"]
    with pytest.raises(ValueError, match=r"'backprop.pdf': the name must end in .html"):
        page.save(tmp_path / "backprop.pdf")


def test_without_a_layout_program_the_error_is_that_of_draw(monkeypatch: Any) -> None:
    monkeypatch.setattr("shutil.which", lambda *args, **kwargs: None)
    with pytest.raises(RuntimeError, match=re.escape(layout.INSTALL)):
        play(worked())


@pytest.mark.parametrize("program", ["dot", "graphviz-pure"])
def test_the_picture_of_each_layout_program(program: str, monkeypatch: Any) -> None:
    path = shutil.which(program) or shutil.which(program, path=sysconfig.get_path("scripts"))
    if path is None:
        pytest.skip(f"{program} is not installed")
    monkeypatch.setattr(layout, "layout_program", lambda: path)
    loss = worked()
    tensors = recorded_tensors(loss)
    drawn = stage(loss)
    groups = groups_of(drawn)
    names = ["W₁", "W₂", "W₃", "x", "y", "z₁", "a₁", "z₂", "a₂", "z₃", "ŷ", "v₁", "L"]
    for k, t in enumerate(tensors):
        node = groups[f"n{k}"]
        assert (node.get("role"), node.get("tabindex")) == ("button", "0")
        assert node.get("aria-label") == names[k]
        name, operation, *places = node.findall(layout.TEXT)
        assert name.text == f"{names[k]} {t.shape}"
        assert operation.text
        assert [(text.get("class"), text.text) for text in places] == [
            ("value", None),
            ("gradient", None),
            ("afar", names[k]),  # instead of all others, where the whole graph is small
        ]
        assert {text.get("text-anchor") for text in node.findall(layout.TEXT)} == {"middle"}
        assert len({text.get("x") for text in node.findall(layout.TEXT)}) == 1
        for p, x in enumerate(t.inputs, 1):
            i = next(i for i, other in enumerate(tensors) if other is x)
            assert f"e{i}-{k}-{p}" in groups
    for key, group in groups.items():  # a screen reader hears the nodes, and nothing else
        hidden = group.get("aria-hidden") == "true"
        assert hidden == (group.get("class") != "graph" and not re.fullmatch(r"n\d+", str(key)))


def groups_of(drawn: str) -> dict[str | None, ET.Element]:
    root = ET.fromstring(drawn)
    return {group.get("id"): group for group in root.iter(f"{{{layout.SVG}}}g")}


def test_a_name_like_the_placeholder_is_shown() -> None:
    for name in (ROOM, f"v{ROOM}", f"g{ROOM}"):
        node = groups_of(stage((leaf(1.0, name) * 2.0).named("L")))["n0"]
        rows = [(text.get("class"), "".join(text.itertext())) for text in node.iter(layout.TEXT)]
        shown = text_symbol(name)
        assert rows == [
            (None, f"{shown} ()"), (None, "parameter"), ("value", ""), ("gradient", ""),
            ("afar", shown),
        ]  # fmt: skip


# ---- the picture and the film ----


@pytest.mark.parametrize("make", [worked, shared])
def test_every_step_is_shown_where_its_tensors_are_drawn(make: Callable[[], bp.Tensor]) -> None:
    loss = make()
    groups, data = groups_of(stage(loss)), data_of(play(loss).html)
    assert {edge for step in data["steps"] for edge in step["edges"]} <= set(groups)
    nodes = [node for step in data["steps"] for node in (step["node"], *step["reached"])]
    nodes += [mark["node"] for run in data["runs"] for step in run["marks"] for mark in step]
    assert {f"n{node}" for node in nodes if node is not None} <= set(groups)
    clicked = {node for step in data["steps"] for node in step["clicks"]}
    assert clicked == set(range(len(recorded_tensors(loss))))


def test_three_hundred_operations_have_a_node_each() -> None:
    rng = np.random.default_rng(0)
    a = bp.tensor(rng.normal(size=(3, 1)), name="x")
    for i in range(100):
        a = bp.tanh(leaf(rng.normal(size=(3, 3)), f"W{i}") @ a + leaf([[0.0]] * 3, f"b{i}"))
    loss = bp.square_sum(a).named("L")
    assert {f"n{k}" for k in range(502)} <= set(groups_of(stage(loss)))


def test_the_same_page_every_time() -> None:
    assert play(worked()).html == play(worked()).html


def test_a_deep_graph_needs_no_recursion() -> None:
    y = leaf(1.0, "x")
    for _ in range(1_100):
        y = y + 1.0
    frames = film(y).frames
    assert len(frames) == 2_201


def test_a_graph_that_nobody_would_step_through_is_refused() -> None:
    y = bp.tensor(0.5, requires_grad=True, name="x")
    for _ in range(2001):
        y = bp.sin(y)
    with pytest.raises(ValueError, match=r"at most 2,000 operations.*was computed by 2,001"):
        bp.play(y.named("L"))


# ---- the quiz ----


def test_the_quiz_asks_for_the_sum_of_a_bias() -> None:
    h = bp.tensor(np.array([[1.0, -2.0], [0.5, 3.0], [1.5, 0.25]]), name="x")
    for layer in (1, 2, 3):
        W, b = leaf([[0.5, -1.0], [1.0, 0.25]], f"W{layer}"), leaf([0.5, -0.25], f"b{layer}")
        h = bp.tanh(h @ W + b)
    frames = film(bp.square_sum(h).named("L")).frames
    questions = [frame.question for frame in frames if frame.question is not None]
    products = [question.asks for question in questions if "matmul" in question.asks]
    assert len(set(products)) == len(products) == 2  # one by each operand
    [bias] = [question for question in questions if question.asks.startswith("What does add")]
    wrong = {choice.mistake.name for choice in bias.choices if choice.mistake is not None}
    assert wrong == {"broadcast-not-summed", "summed-over-everything", "wrong-sign"}
    for question in questions:
        assert sum(choice.mistake is None for choice in question.choices) == 1
