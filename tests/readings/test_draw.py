"""Pictures show the recorded graph, all of it and nothing else, whatever it is named.

The texts of some pictures are kept in ``golden/draw_*``. After a wanted change, look at the new
pictures, then write the files again: ``python tests/readings/test_draw.py``.
"""

import colorsys
import html
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_bp as bp
from tinygrad_bp.notation.symbols import text_symbol
from tinygrad_bp.readings.draw import Drawing, draw
from tinygrad_bp.readings.drawing import layout, picture
from tinygrad_bp.readings.drawing.looks import LOOKS, colour
from tinygrad_bp.record import recorded_tensors
from tinygrad_bp.recording import Scope

GOLDEN = Path(__file__).parent / "golden"
SVG = "{http://www.w3.org/2000/svg}"

HOSTILE = [
    'say "hi"',
    "it's",
    "back\\slash",
    "end\\",
    "\\N \\G \\L \\n \\l",
    "<img src=x onerror=alert(1)>",
    "</TD></TR></TABLE>>",
    "&lt;b&gt; &amp; &#65;",
    "]]> -->",
    "a:b:c",
    "{a|b}",
    "naïve Δ 日本語",
    "%s {} $x",
    "<>",
    "-",
    "%%{init: {}}%%",
    "1. first",
    "`*_~$$x$$",
    "]",
    "]]",
    "] ",
]


def worked_network() -> bp.Tensor:
    """Return the loss of the worked problem at fixed, simple numbers."""
    W1 = bp.tensor([[0.5, -1.0], [1.5, 0.25], [-0.75, 1.0]], requires_grad=True)
    W2 = bp.tensor(
        [[1.0, -0.5, 0.25], [0.5, 0.75, -1.0], [0.5, 0.5, -0.5], [1.0, 0.0, -1.0]],
        requires_grad=True,
    )
    W3 = bp.tensor(
        [[1.0, -1.0, 0.5, 0.25], [0.5, 0.5, 0.0, 1.0], [-0.5, 1.5, 1.0, 2.0]], requires_grad=True
    )
    x = bp.tensor([[1.0], [2.0]])
    y = bp.tensor([[0.0], [1.0], [0.0]])
    z1 = W1 @ x
    a1 = bp.sigmoid(z1)
    z2 = W2 @ a1
    a2 = bp.sigmoid(z2)
    z3 = W3 @ a2
    y_hat = bp.softmax(z3, axis=0)
    L = bp.square_sum(y - y_hat)
    bp.name_tensors(locals())
    return L


def in_scopes() -> bp.Tensor:
    """Return the same loss with a scope around each layer, two of them inside another."""
    L = worked_network()
    z1, a1, z2, a2, z3, y_hat = (t for t in recorded_tensors(L) if t.name in ORDER)
    for scope, layer in [
        ("net/hidden 1", (z1, a1)),
        ("net/hidden 2", (z2, a2)),
        ("out", (z3, y_hat)),
    ]:
        for t in layer:
            t.scope = Scope(scope)
    return L


ORDER = ("z1", "a1", "z2", "a2", "z3", "y_hat")


GOLDEN_TEXTS: dict[str, Callable[[], str]] = {
    "draw_ops.dot": lambda: draw(worked_network()).dot,
    "draw_layers.dot": lambda: draw(in_scopes(), "layers").dot,
    "draw_backward.dot": lambda: draw(in_scopes(), backward=True, rules=True).dot,
    "draw_ops.txt": lambda: f"{draw(worked_network())}\n",
    "draw_layers.txt": lambda: f"{draw(in_scopes(), 'layers')}\n",
}


def shown(dot: str, node: str) -> str:
    """Return the words in a node of a DOT text."""
    [label] = re.findall(rf"^\s*{node} \[label=<(.*)> class=", dot, re.MULTILINE)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", label)).split())


def edges(dot: str) -> list[str]:
    """Return the edges of a DOT text with their words, as ``n0 -> n2 1``."""
    line = r'^\s*(\w+ -> \w+) \[(?:label=<(<TABLE.*</TABLE>)> )?[^<>]*id="[eb]\d'
    found = re.findall(line, dot, re.MULTILINE)
    return [
        f"{ends} {html.unescape(re.sub('<[^>]*>', '', words))}".strip() for ends, words in found
    ]


def need_layout_program() -> None:
    try:
        layout.layout_program()
    except RuntimeError:
        pytest.skip("no layout program: install graphviz or graphviz-pure to test rendering")


def no_layout_program(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(folder))


def fake_layout_program(
    monkeypatch: pytest.MonkeyPatch, folder: Path, body: str, name: str = "dot"
) -> None:
    """Put a Python script called ``dot`` on the PATH, alone."""
    program = folder / name
    program.write_text(f"#!{sys.executable}\nimport sys, time\n{body}\n")
    program.chmod(0o755)
    no_layout_program(monkeypatch, folder)


def tree_of(drawing: Drawing) -> ET.Element:
    return ET.fromstring(drawing.svg)


def texts(svg: ET.Element) -> list[str]:
    """Return the words in a picture; of a tensor's name and shape, the name."""
    lines = [(text.text or "").replace("\xa0", " ").strip() for text in svg.iter(f"{SVG}text")]
    return [re.sub(r" \([\d, ]*\)$", "", line) for line in lines]


def ids(svg: ET.Element) -> dict[str, str]:
    """Return the class of every group that has an id."""
    return {g.get("id", ""): g.get("class", "") for g in svg.iter(f"{SVG}g")}


# ---- what is drawn ----


@pytest.mark.parametrize("name", GOLDEN_TEXTS)
def test_text_is_as_before(name: str) -> None:
    assert GOLDEN_TEXTS[name]() == (GOLDEN / name).read_text(encoding="utf-8")


def test_operand_used_twice_has_two_edges() -> None:
    x = bp.tensor(3.0, requires_grad=True, name="x")
    assert edges(draw(x * x).dot) == ["n0 -> n1 1", "n0 -> n1 2"]


def test_order_of_operands_is_kept() -> None:
    a, b = bp.tensor(1.0), bp.tensor(2.0)
    assert edges(draw(b - a).dot) == ["n1 -> n2 1", "n0 -> n2 2"]


def test_single_operand_is_not_numbered() -> None:
    assert edges(draw(bp.sigmoid(bp.tensor(0.0))).dot) == ["n0 -> n1"]


def test_node_shows_name_shape_operation_value_and_gradient() -> None:
    x = bp.tensor([[1.0, 2.0]], requires_grad=True, name="x")
    dot = draw(bp.square_sum((x + x).named("s"))).dot
    assert shown(dot, "n1") == "s (1, 2) + add value gradient 2 4 4 8"


def test_names_are_those_of_the_other_readings() -> None:
    loss = worked_network()
    dot = draw(loss).dot
    assert "<B>ŷ (3, 1)</B>" in dot
    assert "<B>W₁ (3, 2)</B>" in dot
    assert bp.explain(loss).steps[1].tensor == "v₁"
    assert "v₁ (3, 1) − subtract" in shown(dot, "n11")


def test_gradients_are_those_of_grad_and_nothing_is_written() -> None:
    loss = worked_network()
    tensors = recorded_tensors(loss)
    nodes = {node.id: node for node in draw(loss, backward=True).picture.nodes}
    for k, tensor in enumerate(tensors):
        assert (f"g{k}" in nodes) == tensor.requires_grad
        if tensor.requires_grad:
            assert np.array_equal(nodes[f"g{k}"].numbers["gradient"], bp.grad(loss, tensor))
    assert all(tensor._grad is None for tensor in tensors)


def test_gradients_are_shown_before_backward_and_after_it() -> None:
    w = bp.tensor(2.0, requires_grad=True)
    L = (w * 3.0) * 2.0
    before = draw(L).dot
    assert [shown(before, n)[-1] for n in ("n0", "n1", "n2")] == ["6", "2", "1"]
    assert w.grad is None
    L.backward()
    assert draw(L).dot == before


def test_dash_where_no_gradient_arrives() -> None:
    w, x = bp.tensor(2.0, requires_grad=True), bp.tensor(3.0)
    dot = draw(w * x).dot
    assert shown(dot, "n0").endswith("2 3")
    assert shown(dot, "n1").endswith("3 —")


@pytest.mark.parametrize(
    "output",
    [bp.tensor([1.0, 2.0], requires_grad=True) + 1, bp.tensor(1.0) + 1],
    ids=["several entries", "no gradient needed"],
)
def test_no_gradient_of_what_has_none(output: bp.Tensor) -> None:
    dot = draw(output).dot
    assert [shown(dot, node)[-1] for node in ("n0", "n1")] == ["—", "—"]
    with pytest.raises(ValueError, match="needs"):
        draw(output, backward=True)


def test_leaf_alone_is_an_output() -> None:
    dot = draw(bp.tensor(2.0, requires_grad=True)).dot
    assert shown(dot, "n0") == "L () output value gradient 2 1"
    assert edges(dot) == []


def test_kinds_of_nodes_differ_in_shape_and_colour() -> None:
    assert len({look.shape + look.style for look in LOOKS.values()}) == len(LOOKS)
    w, x = bp.tensor(1.0, requires_grad=True), bp.tensor(1.0)
    kinds = ["parameter", "input", "intermediate", "output"]
    assert len({LOOKS[kind].line for kind in kinds}) == len({LOOKS[kind].fill for kind in kinds})
    drawing = draw(bp.sigmoid(w * x))
    assert [node.kind for node in drawing.picture.nodes] == kinds
    legend = re.findall(r"^\s*legend\d \[label=(\w+) ", drawing.dot, re.MULTILINE)
    assert legend == kinds


def luminance(rgb: str) -> float:
    """Return the relative luminance of a colour, as the WCAG define it."""
    parts = [int(rgb[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def hue_and_strength(rgb: str) -> tuple[float, float]:
    hue, strength, _ = colorsys.rgb_to_hsv(*(int(rgb[i : i + 2], 16) / 255 for i in (1, 3, 5)))
    return hue, strength


def test_a_colour_of_a_number_is_that_of_no_kind_of_node() -> None:
    found = [hue_and_strength(look.fill) for look in LOOKS.values()]
    hues = [hue for hue, strength in found if strength > 0]  # the others are white and grey
    for number in (colour(-1, 1), colour(1, 1)):
        assert all(abs(hue_and_strength(number)[0] - hue) > 0.05 for hue in hues)


def test_text_is_legible_on_every_fill() -> None:
    for background in [
        *(look.fill for look in LOOKS.values()),
        colour(-1, 1),
        colour(1, 1),
        colour(np.nan, 1),
    ]:
        assert (luminance(background) + 0.05) / 0.05 > 7  # black on it
    for look in LOOKS.values():
        assert (luminance(look.fill) + 0.05) / (luminance("#595959") + 0.05) > 4.5
        assert (1.05) / (luminance(look.line) + 0.05) > 3  # a line on the page
    assert colour(-1, 1) != colour(1, 1)


def test_decimal_points_are_in_line() -> None:
    dot = draw(bp.tensor([[0.5], [-1.25], [10.0], [0.0625]], name="x")).dot
    texts = re.findall(r'BGCOLOR="#\w+">([^<]+)<', dot)[:4]
    assert {len(text.partition(".")[2]) for text in texts} == {1}


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_a_chain_stands_upright() -> None:
    svg = ET.fromstring(draw(worked_network()).svg)
    chain = [
        node.id for node in draw(worked_network()).picture.nodes if node.kind == "intermediate"
    ]
    middles = []
    for group in svg.iter(f"{SVG}g"):
        if group.get("id") in chain:
            texts = [float(t.get("x", "nan")) for t in group.iter(f"{SVG}text")]
            middles.append(texts[0])
    assert len(middles) == len(chain)
    assert max(middles) - min(middles) < 2


def test_scale_is_white_at_zero_and_goes_up_to_the_largest_entry() -> None:
    x = bp.tensor([-4.0, 0.0, 2.0, np.inf, np.nan], name="x")
    dot = draw(x).dot
    colours = re.findall(r'BGCOLOR="(#\w+)">([^<]+)<', dot)
    assert colours[:3] == [("#7FB8E6", "-4"), ("#FFFFFF", "0"), ("#F8C08B", "2")]
    assert colours[3:5] == [("#F5A65B", "inf"), ("#C8C8C8", "nan")]
    assert colours[5:] == []


@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        (lambda x: x * 2, "× 2 multiply"),
        (lambda x: 2 - x, "2 − subtract"),
        (lambda x: x**0.5, "^ 0.5 power"),
        (lambda x: x * 1234567, "× 1234567 multiply"),
        (lambda x: np.where(np.array(True), 0.0, x), "where(·, 0, ·)"),
        (lambda x: bp.softmax(x, axis=0), "softmax"),
        (lambda x: np.square(x), "·² square"),
    ],
)
def test_python_numbers_are_part_of_the_operation(
    compute: Callable[[bp.Tensor], bp.Tensor], expected: str
) -> None:
    output = compute(bp.tensor([1.0], requires_grad=True))
    last = len(recorded_tensors(output)) - 1
    assert f" (1,) {expected} value" in shown(draw(output).dot, f"n{last}")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([[0.0, 0.125], [1 / 3, -2.0]], "0.00 0.12 0.33 -2.00"),
        (np.ones((3, 4)), " ".join(["1"] * 12)),
        ([1.0, 2.0], "1 2"),
        ([-0.0, 1e-12], "0 1e-12"),
        (np.float32(0.1), "0.1"),
        ([123456, 7], "123456 7"),
        ([True, False], "True False"),
        ([np.nan, -np.inf], "nan -inf"),
        (np.arange(13.0).reshape(13, 1), "min 0, max 12"),
        (np.arange(7.0), "min 0, max 6"),
        (np.arange(8.0).reshape(2, 2, 2), "min 0, max 7"),
        (np.zeros((0, 3)), "empty"),
    ],
)
def test_values(data: object, expected: str) -> None:
    drawing = draw(bp.tensor(data))
    assert shown(drawing.dot, "n0").endswith(f"output value gradient {expected} —")
    assert str(drawing)


def test_levels() -> None:
    W = bp.tensor(np.arange(100.0).reshape(10, 10), name="W")
    assert shown(draw(W, "values").dot, "n0").endswith("97 98 99 —")
    assert shown(draw(W, "ops").dot, "n0").endswith("min 0, max 99 —")
    assert shown(draw(W, "layers").dot, "n0") == "W (10, 10) output"
    with pytest.raises(ValueError, match='level is "layers", "ops" or "values", not \'all\''):
        draw(W, "all")  # type: ignore[arg-type]


def test_value_of_a_leaf_is_the_one_recorded() -> None:
    w = bp.tensor(2.0, requires_grad=True)
    square = w * w
    w.data = 5.0
    assert shown(draw(square).dot, "n0").endswith("2 4")
    assert shown(draw(square + w).dot, "n0").endswith("2 values in turn 5")


def frames(dot: str) -> dict[str, list[str]]:
    """Return the titles of the frames around each node of a DOT text, from the outermost."""
    found, around = {}, []
    for line in dot.partition("subgraph cluster_legend")[0].splitlines():
        if title := re.match(r"\s*label=<(.*)>$", line):
            around.append(title[1])
        elif line.strip() == "}":
            around.pop()
        elif node := re.match(r"\s*(n\d+) \[", line):
            found[node[1]] = list(around)
    return found


def test_scopes_are_nested_frames() -> None:
    x = bp.tensor(1.0)
    with bp.scope("outer"):
        with bp.scope("a"):
            x = x + 1
        with bp.scope("b"):
            x = x + 1
        x = x + 1
    dot = draw(x).dot
    assert frames(dot) == {
        "n0": [], "n1": ["outer", "a"], "n2": ["outer", "b"], "n3": ["outer"]
    }  # fmt: skip
    assert len(set(re.findall(r"cluster_\d+", dot))) == 3


def test_a_thousand_frames_in_each_other_are_not_drawn() -> None:
    for scope in ("/" * 1000, "a/b/c/d/e/f"):
        with bp.scope(scope):
            drawing = draw(bp.tensor(1.0) + 1)
        assert len(frames(drawing.dot)["n1"]) == picture.DEEPEST_FRAME == 6


# ---- layers, and graphs that are too large ----


def reachable(nodes: list[str], arrows: list[tuple[str, str]], start: str) -> set[str]:
    """Return all nodes that lead to one."""
    found, stack = {start}, [start]
    while stack:
        head = stack.pop()
        new = {a for a, b in arrows if b == head} - found
        found |= new
        stack += new
    return found & set(nodes)


def check_folded(drawing: Drawing) -> None:
    """Check that everything leads to the output, and that there is no cycle."""
    nodes = [node.id for node in drawing.picture.forward]
    arrows = [(edge.tail, edge.head) for edge in drawing.picture.arrows if not edge.backward]
    assert reachable(nodes, arrows, nodes[-1]) == set(nodes)
    left = set(nodes)
    while free := {n for n in left if not any(b == n and a in left for a, b in arrows)}:
        left -= free
    assert not left, "there is a cycle"


def test_check_of_folding_sees_a_cycle() -> None:
    drawing = draw(bp.tensor(1.0) + 1)
    edge = drawing.picture.arrows[0]
    back = picture.Arrow("e", edge.head, edge.tail)
    bad = picture.Picture("ops", "", "", drawing.picture.nodes, (edge, back))
    with pytest.raises(AssertionError, match="cycle"):
        check_folded(Drawing(bad))


def mesh(operations: int, window: int) -> bp.Tensor:
    """Return the sum of numbers, each the product of two of the latest, taken at random."""
    rng = np.random.default_rng(0)
    made = [bp.tensor(0.1, requires_grad=True) for _ in range(5)]
    for _ in range(operations):
        i, j = rng.integers(max(0, len(made) - window), len(made), 2)
        made.append(made[i] * made[j])
    return sum(made[1:], made[0])


@pytest.mark.parametrize(("operations", "window"), [(40, 20), (90, 20), (190, 20)])
def test_a_mesh_is_laid_out_in_seconds(
    operations: int, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_layout_program()
    # the program's own time, as the machine may be busy; unbounded, they take up to minutes
    monkeypatch.setattr(layout, "SECONDS_TO_LAY_OUT", 1000)
    before = os.times().children_user
    assert tree_of(draw(mesh(operations, window)))
    assert os.times().children_user - before < 10


def test_layers_are_collapsed() -> None:
    drawing = draw(in_scopes(), "layers")
    layers = [node for node in drawing.picture.nodes if node.kind == "layer"]
    assert [(*n.lines, n.frame) for n in layers] == [
        ("hidden 1", "matmul and sigmoid", "a₁ (3, 1)", ("net",)),
        ("hidden 2", "matmul and sigmoid", "a₂ (4, 1)", ("net",)),
        ("out", "matmul and softmax", "ŷ (3, 1)", ()),
    ]
    check_folded(drawing)


def test_the_box_of_a_layer_says_its_kind() -> None:
    model = bp.nn.Sequential(bp.nn.Linear(2, 3), bp.nn.Tanh())
    drawing = draw(model(bp.tensor(np.ones((4, 2)), name="x")).sum(), "layers")
    boxes = [node for node in drawing.picture.nodes if node.kind == "layer"]
    assert [box.lines[:2] for box in boxes] == [
        ("linear0", "Linear"),
        ("tanh1", "Tanh"),
    ]


def test_each_visit_to_a_scope_is_a_layer() -> None:
    W, h = bp.tensor(2.0, requires_grad=True, name="W"), bp.tensor(1.0, name="h")
    for _ in range(3):
        with bp.scope("cell"):
            h = bp.tanh(W * h * np.float64(3.0))  # a constant of its own, which is folded too
        h = h + 1.0
    drawing = draw(h.sum(), "layers")
    assert [node.name for node in drawing.picture.nodes if node.kind == "layer"] == ["cell"] * 3
    assert sum(edge.tail == "n0" for edge in drawing.picture.arrows) == 3
    assert len(drawing.picture.nodes) == 2 + 3 + 3 + 1
    check_folded(drawing)


def test_visits_with_nothing_between_them_are_layers_of_their_own() -> None:
    h, V = bp.tensor(np.ones((2, 1))), bp.tensor(np.eye(2) * 0.5, requires_grad=True, name="V")
    for _ in range(3):
        with bp.scope("cell"):
            h = bp.tanh(V @ h)
    drawing = draw(bp.square_sum(h), "layers")
    layers = [node for node in drawing.picture.nodes if node.kind == "layer"]
    assert [node.lines[:2] for node in layers] == [("cell", "matmul and tanh")] * 3
    assert len(drawing.picture.nodes) == 1 + 3 + 1  # the input is folded into the first cell
    check_folded(drawing)


def chain(n: int) -> bp.Tensor:
    x = bp.tensor(1.0, requires_grad=True, name="x")
    for _ in range(n):
        x = x + 1
    return x


def ends(dot: str) -> list[tuple[str, str]]:
    return re.findall(r'^\t"?([\w-]+)"? -> (\w+) .*id="[eb]', dot, re.MULTILINE)


@pytest.mark.parametrize("backward", [False, True])
def test_a_deep_graph_is_broken_into_columns(backward: bool) -> None:
    dot = draw(chain(30), backward=backward).dot
    assert dot.count("class=column") == len(re.findall("cluster_[123] ", dot))
    found = {head: tail for tail, head in ends(dot) if head.startswith("n")}
    assert found["n2"] == "n1"
    assert found["n11"] == "n10-1"
    assert found["n21"] == "n20-2"
    assert "label=x10" not in dot
    assert '"n10-1" [label="v₁₀"' in dot
    assert backward == ('"g10-1"' in dot)
    assert "in another column" in dot
    assert "in another column" not in draw(chain(12)).dot


def test_a_weight_of_every_column_is_called_by_its_name_there() -> None:
    W, x = bp.tensor(0.5, requires_grad=True, name="W"), bp.tensor(1.0)
    for step in range(10):
        with bp.scope(f"step {step}"):
            x = np.tanh(W * x)
    dot = draw(x).dot
    assert len(set(re.findall(r'"(n0-\d)" -> ', dot))) == 1
    assert len(re.findall("class=column", draw(x, "layers").dot)) == 0


def test_a_layer_stands_in_one_column_with_what_is_computed_from_its_weight_alone() -> None:
    rng, layers = np.random.default_rng(0), []
    for _ in range(8):
        layers += [bp.nn.Linear(4, 4, rng=rng), bp.nn.Tanh()]
    dot = draw(bp.nn.Sequential(*layers)(np.ones((2, 4))).sum()).dot
    assert dot.count("class=column") > 1
    for number in range(0, 16, 2):  # its transposed weight is no operand from elsewhere
        assert dot.count(f"label=<linear{number}>") == 1


def test_a_graph_that_nobody_would_look_at_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r'20,001 nodes, and a picture has at most 1,000.*level="lay'
    ):
        draw(chain(20_000))
    assert len(draw(chain(999)).picture.nodes) == picture.MOST_NODES
    assert len(draw(chain(499), backward=True).picture.nodes) == picture.MOST_NODES
    with pytest.raises(
        ValueError, match="501 nodes, and a picture has at most 1,000, gradients inc"
    ):
        draw(chain(500), backward=True)


def test_a_deep_network_is_drawn_by_its_layers() -> None:
    h = bp.tensor(1.0, name="h")
    for i in range(150):
        with bp.scope(f"layer {i}"):
            h = bp.tanh(h * 2.0) + 1.0
    drawing = draw(h.sum(), "layers")
    assert len(drawing.picture.nodes) == 152
    check_folded(drawing)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_folding_makes_no_cycle(data: st.DataObject) -> None:
    tensors = [bp.tensor(1.0, requires_grad=True), bp.tensor(1.0)]
    for _ in range(data.draw(st.integers(1, 12))):
        a, b = (tensors[data.draw(st.integers(0, len(tensors) - 1))] for _ in "ab")
        with bp.scope(data.draw(st.sampled_from(["", "a", "b", "a/c"]))):
            tensors.append(a + b)
    for level in ("layers", "ops", "values"):
        check_folded(draw(tensors[-1], level))  # type: ignore[arg-type]


# ---- the reverse sweep and the rules ----


def test_rules_are_those_of_explain() -> None:
    loss = worked_network()
    rules = {edge.id: edge.rule for edge in draw(loss, rules=True).picture.arrows}
    tensors = recorded_tensors(loss)
    position = {text_symbol(t.name or "v1"): k for k, t in enumerate(tensors)}
    explained = {
        f"e{position[c.tensor]}-{position[step.tensor]}-{c.operand + 1}": c.rule
        for step in bp.explain(loss).steps
        for c in step.contributions
    }
    assert {key: rule for key, rule in rules.items() if rule} == explained


def test_rules_of_what_was_broadcast_are_sums() -> None:
    W, b = bp.tensor(np.ones((3, 2)), requires_grad=True), bp.tensor(np.ones(2), requires_grad=True)
    loss = (W + b).sum().named("L")
    for drawing in (draw(loss, rules=True), draw(loss, rules=True, backward=True)):
        rules = {edge.id[1:]: edge.rule for edge in drawing.picture.arrows if edge.rule}
        added = bp.explain(loss).steps[1].contributions
        assert [rules["0-2-1"], rules["1-2-2"]] == [c.rule for c in added]
        assert added[0].rule != added[1].rule


def test_rule_that_takes_arrays_only_is_left_out() -> None:
    @bp.primitive
    def double(x: np.ndarray) -> np.ndarray:
        return x * 2

    @double.backward
    def _(out: np.ndarray, x: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        return lambda g: np.ascontiguousarray(g.view()) * 2  # a Tensor has no view()

    x = bp.tensor(1.0, requires_grad=True)
    assert edges(draw(double(x), rules=True).dot) == ["n0 -> n1"]


def test_an_operation_without_a_rule_is_drawn() -> None:
    @bp.primitive
    def double(x: np.ndarray) -> np.ndarray:
        return x * 2

    drawing = draw(double(bp.tensor(1.0, requires_grad=True)).named("y"))
    assert str(drawing).splitlines()[0] == "y ()  double  value 2  gradient —"


def test_long_rule_is_cut() -> None:
    z = bp.tensor(np.ones((2, 3)), requires_grad=True)
    [edge] = draw(bp.softmax(z).named("rather_long_name"), rules=True).picture.arrows
    assert len(edge.rule) <= picture.LONGEST_RULE
    assert edge.rule.endswith("(…)")


def test_brackets_of_a_rule_that_is_cut_still_match() -> None:
    z = bp.tensor(np.ones((3, 2)), requires_grad=True, name="z2")
    rule = draw(bp.cross_entropy(z, [0, 1, 0]), rules=True).picture.arrows[0].rule
    assert rule == "∂L/∂L / 3 · (softmax[axis 1](z₂) ⊙ (…) − Y)"


def test_sweep_flows_back_along_the_edges_that_carry_a_gradient() -> None:
    w, x = bp.tensor(2.0, requires_grad=True, name="w"), bp.tensor(3.0, name="x")
    L = ((w * x) * w).named("L")
    drawing = draw(L, backward=True, rules=True)
    back = [edge for edge in drawing.picture.arrows if edge.backward]
    assert [(edge.id, edge.tail, edge.head, edge.rule) for edge in back] == [
        ("b0-2-1", "g0", "g2", "∂L/∂v₁ x"),
        ("b2-3-1", "g2", "g3", "∂L/∂L w"),
        ("b0-3-2", "g0", "g3", "∂L/∂L v₁"),
    ]
    assert shown(drawing.dot, "g0") == "∂L/∂w () sum of 2 12"
    assert shown(drawing.dot, "g3") == "∂L/∂L () the sweep starts 1"
    assert all(not edge.rule for edge in drawing.picture.arrows if not edge.backward)


def test_graph_of_a_gradient() -> None:
    x = bp.tensor(0.5, requires_grad=True, name="x")
    slope = bp.grad(bp.sigmoid(x).named("a"), x, create_graph=True).named("slope")
    drawing = draw(slope)
    assert [n.lines[1] for n in drawing.picture.nodes].count("× multiply") == 2
    assert "<B>slope ()</B>" in drawing.dot
    assert len(drawing.picture.nodes) == len(recorded_tensors(slope))


# ---- text ----


def test_tree_writes_a_shared_node_once() -> None:
    x = bp.tensor(3.0, requires_grad=True, name="x")
    s = (x * x).named("s")
    assert str(draw((s + s).named("L"))).splitlines() == [
        "L ()  + add  value 18  gradient 1",
        "├─ 1: s ()  × multiply  value 9  gradient 2",
        "│  ├─ 1: x ()  parameter  value 3  gradient 12",
        "│  └─ 2: x (above)",
        "└─ 2: s (above)",
    ]


def test_tree_of_a_graph_with_very_many_paths_is_short() -> None:
    x = bp.tensor(1.0, name="x")
    for _ in range(60):  # 2**60 paths
        x = x + x
    lines = str(draw(x)).splitlines()
    assert len(lines) < 130
    assert any(line.endswith("…") for line in lines)  # too deep


def test_text_is_the_same_however_many_tensors_were_made_before() -> None:
    before = draw(worked_network()).dot
    bp.tensor(1.0) + 1
    assert draw(worked_network()).dot == before


def test_only_a_tensor_is_drawn() -> None:
    with pytest.raises(TypeError, match="draw takes a Tensor, not 3"):
        draw(3)  # type: ignore[arg-type]


# ---- names are data ----


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_name_is_shown_as_it_is(name: str) -> None:
    need_layout_program()
    frame = name.replace("/", "|")  # a "/" would be read as a frame in a frame
    svgs = []
    for tensor_name, frame_name in [("plain", "frame"), (name, frame)]:
        with bp.scope(frame_name):
            x = bp.tensor(1.0, requires_grad=True, name=tensor_name)
            svgs.append(tree_of(draw(x * x, rules=True)))
    assert {name.strip(), frame.strip()} <= set(texts(svgs[1]))
    assert structure(svgs[0]) == structure(svgs[1])


def structure(svg: ET.Element) -> list[tuple[str, list[str]]]:
    """Return every element's tag and attribute names."""
    return [(element.tag, list(element.attrib)) for element in svg.iter()]


@pytest.mark.parametrize(
    "name", [*HOSTILE, "x" * 10_000, "two\nlines", "\0\x1b[31m", "\ud800", "", " "]
)
def test_hostile_name_changes_no_structure(name: str) -> None:
    def drawn(name: str, scope: str) -> Drawing:
        with bp.scope(scope):
            x = bp.tensor(1.0, requires_grad=True, name=name)
            return draw((x * x).named(name), rules=True)

    plain = drawn("plain", "frame")
    hostile = drawn(name, name.replace("/", "|") or "an empty scope is none")
    for text in (hostile.dot, str(hostile)):
        text.encode()
        assert max(map(len, text.splitlines())) < 2000
        assert "\x1b" not in text
        assert "<img" not in text.replace(str(hostile), "")
    before, after = (re.sub("<[^<>]*>", "<>", d.dot) for d in (plain, hostile))
    assert len(before.splitlines()) == len(after.splitlines())
    assert len(str(plain).splitlines()) == len(str(hostile).splitlines())


@settings(max_examples=50, deadline=None)
@given(name=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1))
def test_any_visible_name_is_shown_as_the_other_readings_write_it(name: str) -> None:
    need_layout_program()
    assert text_symbol(name) in texts(tree_of(draw(bp.tensor(1.0, name=name))))


SIGNS = "]>[<&;#\"'\\\\|{}%-!/ \n\0\ud800"


@settings(max_examples=50, deadline=None)
@given(
    names=st.lists(st.one_of(st.text(), st.text(SIGNS)), min_size=10, max_size=10),
    scope=st.one_of(st.text(min_size=1), st.text(SIGNS, min_size=1)),
)
def test_names_of_any_characters_can_be_laid_out(names: list[str], scope: str) -> None:
    need_layout_program()
    with bp.scope(scope):
        leaves = [bp.tensor([1.0], requires_grad=True, name=name) for name in names]
        drawing = draw(np.concatenate(leaves).sum().named(names[0]), rules=True)
    assert len([c for c in ids(tree_of(drawing)).values() if c == "node parameter"]) == 10


def test_symbol_of_a_users_operation_is_data() -> None:
    @bp.primitive(symbol='<img src=x>"\n\x1b\\N')
    def odd(x: np.ndarray) -> np.ndarray:
        return x * 2

    drawing = draw(odd(bp.tensor(1.0)))
    assert shown(drawing.dot, "n1").startswith('L () <img src=x>" \\\\x1b\\\\N odd')
    assert len(str(drawing).splitlines()) == 2


# ---- pictures ----


@pytest.mark.parametrize("program", ["dot", "graphviz-pure"])
def test_pictures_of_each_layout_program(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shutil.which(program) or shutil.which(program, path=sysconfig.get_path("scripts"))
    if path is None:
        pytest.skip(f"{program} is not installed")
    monkeypatch.setattr(layout, "layout_program", lambda: path)
    drawing = draw(worked_network(), backward=True, rules=True)
    drawing.save(tmp_path / "picture.svg")
    svg = ET.parse(tmp_path / "picture.svg").getroot()
    assert {"W₁", "ŷ", "L", "∂L/∂W₁"} <= set(texts(svg))
    groups = ids(svg)
    tensors = recorded_tensors(worked_network())
    position = {t.id: k for k, t in enumerate(tensors)}
    for k, t in enumerate(tensors):
        kind = "output" if k == 12 else picture.kind_of(t)
        assert groups[f"n{k}"] == f"node {kind}"
        for p, x in enumerate(t.inputs, 1):
            assert groups[f"e{position[x.id]}-{k}-{p}"] == "edge"
    assert len([c for c in groups.values() if c.startswith("node") and "legend" not in c]) == 24
    for group in svg.iter(f"{SVG}g"):
        if group.get("class", "").startswith("node"):
            check_words(group)
    drawing.save(tmp_path / "picture.PNG")
    assert (tmp_path / "picture.PNG").read_bytes().startswith(b"\x89PNG\r\n")
    if program == "dot":
        drawing.save(tmp_path / "picture.pdf")
        assert (tmp_path / "picture.pdf").read_bytes().startswith(b"%PDF")
    else:
        with pytest.raises(RuntimeError, match="graphviz-pure failed with status"):
            drawing.save(tmp_path / "picture.pdf")
    written = sorted(file.suffix for file in tmp_path.iterdir())
    assert written == [".PNG", ".pdf", ".svg"][0 : 3 : 1 if program == "dot" else 2]


def check_words(node: ET.Element) -> None:
    """Check that words stand in the middle of their node, and numbers where they were put."""
    outline = next(child for child in node if child.get("points") or child.get("d"))
    numbers = re.findall(r"-?[\d.]+", outline.get("points", "") + outline.get("d", ""))
    across = [float(x) for x in numbers[::2]]
    words, figures = [], []
    for text in node.iter(f"{SVG}text"):
        (figures if re.fullmatch(r"value|-?[\d.]+", text.text or "") else words).append(text)
    assert words
    for text in words:
        assert text.get("text-anchor") == "middle"
        assert abs(float(text.get("x", "")) - (min(across) + max(across)) / 2) < 0.1
    assert all(text.get("text-anchor") != "middle" for text in figures)
    assert len({text.get("y") for text in words}) == len(words)  # a line of words has one look


def test_titles_of_frames_lie_above_the_edges() -> None:
    need_layout_program()
    svg = tree_of(draw(in_scopes(), backward=True))
    groups = [group.get("class", "").split(" ")[0] for group in svg.iter(f"{SVG}g")]
    assert groups[-1] == "titles"
    assert groups.count("titles") == 1
    [titles] = [group for group in svg.iter(f"{SVG}g") if group.get("class") == "titles"]
    assert [title.text for title in titles] == ["net", "hidden 1", "hidden 2", "out"]
    assert {title.get("paint-order") for title in titles} == {"stroke"}


def test_svg_has_a_title_a_description_and_an_opaque_page() -> None:
    need_layout_program()
    svg = tree_of(draw(worked_network()))
    assert svg.get("role") == "img"
    assert svg[0].tag == f"{SVG}title"
    assert svg[0].text == "The graph of L"
    assert svg[1].tag == f"{SVG}desc"
    assert svg[1].text == (
        "The forward pass runs downward to L, through 3 parameters, 2 inputs and 8 operations."
    )
    assert len(list(svg.iter(f"{SVG}title"))) == 1
    page = next(svg.iter(f"{SVG}polygon"))
    assert page.get("fill") in ("white", "#ffffff")


def test_scopes_that_feed_each_other_can_be_laid_out() -> None:
    need_layout_program()
    steps = "bc00 ac10 ac02 bd31 ad30 ad50 ac35 ac13"  # without newrank, Graphviz gives up on these
    tensors = [bp.tensor(1.0, requires_grad=True)]
    for outer, inner, left, right in map(list, steps.split()):
        with bp.scope(outer), bp.scope(inner):
            tensors.append(tensors[int(left)] + tensors[int(right)])
    total = tensors[1]
    for tensor in tensors[2:]:
        total = total + tensor
    assert {"a", "b", "c", "d"} <= set(texts(tree_of(draw(total))))
    assert tree_of(draw(total, "layers"))
    assert tree_of(draw(total, backward=True))


def test_notebook_shows_the_picture_or_the_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing = draw(bp.tensor(1.0, name="<img src=x onerror=alert(1)>") + 1)
    try:
        layout.layout_program()
    except RuntimeError:
        pass
    else:
        bundle = drawing._repr_mimebundle_(include=None, exclude=None)
        assert set(bundle) == {"text/plain", "image/svg+xml"}
        assert "<img" not in bundle["image/svg+xml"]
    no_layout_program(monkeypatch, tmp_path)
    bundle = draw(bp.tensor(1.0))._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "pip install graphviz-pure" in bundle["text/plain"]


# ---- saving ----


def test_text_is_saved_without_a_layout_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_layout_program(monkeypatch, tmp_path)
    drawing = draw(bp.tensor(1.0, name="Δ"))
    drawing.save(tmp_path / "new" / "folder" / "picture.dot")
    assert (tmp_path / "new/folder/picture.dot").read_text(encoding="utf-8") == drawing.dot
    assert len(list((tmp_path / "new/folder").iterdir())) == 1
    assert "Δ" in str(drawing)


@pytest.mark.parametrize("name", ["picture.jpg", "picture", ".svg"])
def test_other_formats_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"one of \.svg, \.png, \.pdf, \.dot"):
        draw(bp.tensor(1.0)).save(tmp_path / "folder" / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_missing_layout_program(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_layout_program(monkeypatch, tmp_path)
    with pytest.raises(RuntimeError) as caught:
        draw(bp.tensor(1.0)).save(tmp_path / f"picture{suffix}")
    message = "A picture needs a layout program: pip install graphviz-pure"
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


def test_no_program_is_looked_for_at_import() -> None:
    program = (
        "import shutil, subprocess; shutil.which = subprocess.run = None; "
        "import tinygrad_bp as bp; d = bp.draw(bp.tensor(1.0) + 1); d.dot; str(d)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PATH": ""}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


def test_layout_program_that_hangs_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_layout_program(monkeypatch, tmp_path, "time.sleep(30)")
    monkeypatch.setattr(layout, "SECONDS_TO_LAY_OUT", 0.2)
    with pytest.raises(RuntimeError, match=r"was stopped: it took more than 0\.2 s"):
        draw(bp.tensor(1.0)).save(tmp_path / "picture.svg")
    assert [file.name for file in tmp_path.iterdir()] == ["dot"]


def test_layout_program_that_fails_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_layout_program(monkeypatch, tmp_path, "sys.exit('no plugin for png')")
    (tmp_path / "picture.png").write_text("as it was")
    with pytest.raises(RuntimeError, match="failed with status 1: no plugin for png"):
        draw(bp.tensor(1.0)).save(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_text() == "as it was"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["dot", "picture.png"]


def test_failed_writing_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "picture.dot"
    path.write_text("as it was")

    def full(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="full"):
        draw(bp.tensor(1.0)).save(path)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["as it was"]


def test_png_of_graphviz_pure_has_no_sign_that_its_fonts_lack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "sys.stdout.write(sys.stdin.read())"
    drawing = draw(bp.sigmoid(bp.tensor([1.0], requires_grad=True, name="x")), rules=True)
    assert "⊙" in drawing.dot
    for name, kept in [("graphviz-pure", False), ("dot", True)]:  # dot is taken where both are
        fake_layout_program(monkeypatch, tmp_path, body, name)
        drawing.save(tmp_path / "picture.png")
        assert ("⊙" in (tmp_path / "picture.png").read_text(encoding="utf-8")) == kept


if __name__ == "__main__":
    for name, text in GOLDEN_TEXTS.items():
        (GOLDEN / name).write_text(text(), encoding="utf-8")
