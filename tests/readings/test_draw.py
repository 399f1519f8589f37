"""Pictures show the recorded graph, all of it and nothing else, whatever it is named.

The worked network's DOT text is kept in ``golden/worked_problem.dot``. After a wanted change, look
at the new picture, then write the file again: ``python tests/readings/test_draw.py``.
"""

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
from tinygrad_bp.readings import draw as module
from tinygrad_bp.readings.draw import Drawing, draw

GOLDEN = Path(__file__).parent / "golden" / "worked_problem.dot"
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


def shown(dot: str, node: int) -> list[str]:
    """Return the words in a node of a DOT text."""
    label = re.search(rf"^\s*{node} \[label=<(.*?)</TABLE>> ", dot, re.DOTALL | re.MULTILINE)
    assert label is not None
    return html.unescape(re.sub(r"<[^>]*>", " ", label[1])).split()


def edges(dot: str) -> list[str]:
    """Return the edges of a DOT text, as ``0 -> 2 1``."""
    found = re.findall(r"^\s*(\d+ -> \d+)(?: \[label=\" (\d) \"\])?$", dot, re.MULTILINE)
    return [" ".join(edge).strip() for edge in found]


def need_layout_program() -> None:
    try:
        module.layout_program()
    except RuntimeError:
        pytest.skip("no layout program: install graphviz or graphviz-pure to test rendering")


def no_layout_program(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(folder))


def fake_layout_program(monkeypatch: pytest.MonkeyPatch, folder: Path, body: str) -> None:
    """Put a Python script called ``dot`` on the PATH, alone."""
    program = folder / "dot"
    program.write_text(f"#!{sys.executable}\nimport sys, time\n{body}\n")
    program.chmod(0o755)
    no_layout_program(monkeypatch, folder)


def svg_of(drawing: Drawing, folder: Path) -> ET.Element:
    drawing.save(folder / "picture.svg")
    return ET.parse(folder / "picture.svg").getroot()


def texts(svg: ET.Element) -> list[str]:
    return [(element.text or "").replace("\xa0", " ").strip() for element in svg.iter(f"{SVG}text")]


# ---- what is drawn ----


def test_worked_network_is_drawn_as_before() -> None:
    assert draw(worked_network()).dot == GOLDEN.read_text(encoding="utf-8")


def test_operand_used_twice_has_two_edges() -> None:
    x = bp.tensor(3.0, requires_grad=True, name="x")
    assert edges(draw(x * x).dot) == ["0 -> 1 1", "0 -> 1 2"]


def test_order_of_operands_is_kept() -> None:
    a, b = bp.tensor(1.0), bp.tensor(2.0)
    assert edges(draw(b - a).dot) == ["1 -> 2 1", "0 -> 2 2"]


def test_single_operand_is_not_numbered() -> None:
    assert edges(draw(bp.sigmoid(bp.tensor(0.0))).dot) == ["0 -> 1"]


def test_node_shows_name_shape_operation_value_and_gradient() -> None:
    x = bp.tensor([[1.0, 2.0]], requires_grad=True, name="x")
    dot = draw(bp.square_sum((x + x).named("s"))).dot
    assert " ".join(shown(dot, 1)) == "s (1, 2) + add value gradient 2 4 4 8"


def test_gradients_are_those_of_grad_and_nothing_is_written() -> None:
    loss = worked_network()
    tensors, _ = module.recorded(loss)
    gradients = module.gradients_of(loss)
    for tensor in tensors:
        assert (tensor.id in gradients) == tensor.requires_grad
        if tensor.requires_grad:
            assert np.array_equal(gradients[tensor.id], bp.grad(loss, tensor))
    draw(loss)
    assert all(tensor._grad is None for tensor in tensors)


def test_dash_where_there_is_no_gradient() -> None:
    w, x = bp.tensor(2.0, requires_grad=True), bp.tensor(3.0)
    dot = draw(w * x).dot
    assert shown(dot, 0)[-2:] == ["2", "3"]
    assert shown(dot, 1)[-2:] == ["3", "—"]


@pytest.mark.parametrize(
    "output",
    [bp.tensor([1.0, 2.0], requires_grad=True) + 1, bp.tensor(1.0) + 1],
    ids=["several entries", "no gradient needed"],
)
def test_dash_everywhere_if_the_output_has_no_gradient(output: bp.Tensor) -> None:
    dot = draw(output).dot
    assert [shown(dot, node)[-1] for node in (0, 1)] == ["—", "—"]


def test_leaf_alone_is_an_output() -> None:
    dot = draw(bp.tensor(2.0, requires_grad=True)).dot
    assert " ".join(shown(dot, 0)) == "() output value gradient 2 1"
    assert edges(dot) == []


def test_four_kinds_of_nodes_differ_in_shape_and_colour() -> None:
    looks = module.LOOKS.values()
    assert len({look["shape"] + look["style"] for look in looks}) == 4
    assert len({look["color"] for look in looks}) == len({look["fillcolor"] for look in looks}) == 4
    w, x = bp.tensor(1.0, requires_grad=True), bp.tensor(1.0)
    dot = draw(bp.sigmoid(w * x)).dot
    assert re.findall(r"shape=(\w+)", dot) == ["note", "box", "box", "octagon"]


@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        (lambda x: x * 2, "× 2 multiply"),
        (lambda x: 2 - x, "2 − subtract"),
        (lambda x: x**0.5, "^ 0.5 power"),
        (lambda x: x * 1234567, "× 1234567 multiply"),
        (lambda x: np.where(np.array(True), 0.0, x), "where(·, 0, ·)"),
        (lambda x: bp.softmax(x, axis=0), "softmax"),
    ],
)
def test_python_numbers_are_part_of_the_operation(
    compute: Callable[[bp.Tensor], bp.Tensor], expected: str
) -> None:
    output = compute(bp.tensor([1.0], requires_grad=True))
    tensors, _ = module.recorded(output)
    words = shown(draw(output).dot, len(tensors) - 1)
    assert " ".join(words).startswith(f"(1,) {expected} value")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([[0.0, 0.125], [1 / 3, -2.0]], "0 0.333 0.125 -2"),  # column by column
        (np.ones((3, 4)), " ".join(["1"] * 12)),
        ([1.0, 2.0], "1 2"),
        ([-0.0, 1e-12], "0 1e-12"),
        (np.float32(0.1), "0.1"),
        ([123456, 7], "123456 7"),
        ([True, False], "True False"),
        ([np.nan, -np.inf], "nan -inf"),
        (np.arange(13.0).reshape(13, 1), "0 … 12"),
        (np.arange(7.0), "0 … 6"),
        (np.arange(8.0).reshape(2, 2, 2), "0 … 7"),
        (np.zeros((0, 3)), "empty"),
    ],
)
def test_values(data: object, expected: str) -> None:
    words = shown(draw(bp.tensor(data)).dot, 0)
    assert " ".join(words).endswith(f"output value gradient {expected} —")


def test_value_of_a_leaf_is_the_one_recorded() -> None:
    w = bp.tensor(2.0, requires_grad=True)
    square = w * w
    w.data = 5.0
    assert shown(draw(square).dot, 0)[-2:] == ["2", "4"]
    assert shown(draw(square + w).dot, 0)[-3:] == ["2", "values", "5"]


def test_scopes_are_nested_frames() -> None:
    x = bp.tensor(1.0)
    with bp.scope("outer"):
        with bp.scope("a"):
            x = x + 1
        with bp.scope("b"):
            x = x + 1
        x = x + 1
    dot = draw(x).dot
    lines = r"^\s*(?:graph \[)?(subgraph cluster_\d|label=<\w+>|\d(?= \[label)|\})"
    assert re.findall(lines, dot, re.MULTILINE) == [
        *("0", "subgraph cluster_1", "label=<outer>", "3"),
        *("subgraph cluster_3", "label=<b>", "2", "}"),
        *("subgraph cluster_2", "label=<a>", "1", "}"),
        *("}", "}"),
    ]


def test_text_is_the_same_however_many_tensors_were_made_before() -> None:
    before = draw(worked_network()).dot
    bp.tensor(1.0) + 1
    assert draw(worked_network()).dot == before


def test_chain_of_20000_operations() -> None:
    x = bp.tensor(1.0, requires_grad=True)
    for _ in range(20_000):
        x = x + 1
    assert len(edges(draw(x).dot)) == 20_000


def test_only_a_tensor_is_drawn() -> None:
    with pytest.raises(TypeError, match="draw takes a Tensor, not 3"):
        draw(3)  # type: ignore[arg-type]


# ---- names are data ----


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_name_is_shown_as_it_is(name: str, tmp_path: Path) -> None:
    need_layout_program()
    frame = name.replace("/", "|")  # a "/" would be read as a frame in a frame
    svgs = []
    for tensor_name, frame_name in [("plain", "frame"), (name, frame)]:
        with bp.scope(frame_name):
            svgs.append(svg_of(draw(bp.tensor(1.0, name=tensor_name) + 1), tmp_path))
    assert {name, frame} <= set(texts(svgs[1]))
    assert kinds(svgs[0]) == kinds(svgs[1])


def kinds(svg: ET.Element) -> list[tuple[str, list[str]]]:
    """Return every element's tag and attribute names."""
    return [(element.tag, list(element.attrib)) for element in svg.iter()]


@pytest.mark.parametrize(
    ("name", "visible"),
    [("two\nlines", "two\\nlines"), ("\0\x1b", "\\x00\\x1b"), ("\ud800", "\\ud800")],
)
def test_invisible_characters_are_shown_escaped(name: str, visible: str, tmp_path: Path) -> None:
    need_layout_program()
    assert visible in texts(svg_of(draw(bp.tensor(1.0, name=name)), tmp_path))


@pytest.mark.parametrize("name", ["", " ", "\n"])
def test_empty_and_blank_names(name: str, tmp_path: Path) -> None:
    need_layout_program()
    with bp.scope(name), bp.scope(name):
        drawing = draw(bp.tensor(1.0, name=name))
    assert "()" in texts(svg_of(drawing, tmp_path))


@settings(max_examples=50, deadline=None)
@given(name=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1))
def test_any_visible_name_is_shown_as_it_is(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    need_layout_program()
    svg = svg_of(draw(bp.tensor(1.0, name=name)), tmp_path_factory.mktemp("names"))
    assert name in texts(svg)


# ---- saving ----


@pytest.mark.parametrize("program", ["dot", "graphviz-pure"])
def test_pictures_of_each_layout_program(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shutil.which(program) or shutil.which(program, path=sysconfig.get_path("scripts"))
    if path is None:
        pytest.skip(f"{program} is not installed")
    monkeypatch.setattr(module, "layout_program", lambda: path)
    drawing = draw(worked_network())
    svg = svg_of(drawing, tmp_path)
    assert {"W1", "y_hat", "L"} <= set(texts(svg))
    assert len([group for group in svg.iter(f"{SVG}g") if group.get("class") == "node"]) == 13
    assert len([group for group in svg.iter(f"{SVG}g") if group.get("class") == "edge"]) == 12
    drawing.save(tmp_path / "picture.PNG")
    assert (tmp_path / "picture.PNG").read_bytes().startswith(b"\x89PNG\r\n")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["picture.PNG", "picture.svg"]


def test_scopes_that_feed_each_other_can_be_laid_out(tmp_path: Path) -> None:
    need_layout_program()
    steps = "bc00 ac10 ac02 bd31 ad30 ad50 ac35 ac13"  # without newrank, Graphviz gives up on these
    tensors = [bp.tensor(1.0)]
    for outer, inner, left, right in map(list, steps.split()):
        with bp.scope(outer), bp.scope(inner):
            tensors.append(tensors[int(left)] + tensors[int(right)])
    total = tensors[1]
    for tensor in tensors[2:]:
        total = total + tensor
    assert {"a", "b", "c", "d"} <= set(texts(svg_of(draw(total), tmp_path)))


def test_dot_is_saved_without_a_layout_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_layout_program(monkeypatch, tmp_path)
    drawing = draw(bp.tensor(1.0, name="Δ"))
    drawing.save(tmp_path / "new" / "folder" / "picture.dot")
    assert (tmp_path / "new/folder/picture.dot").read_text(encoding="utf-8") == drawing.dot


@pytest.mark.parametrize("name", ["picture.pdf", "picture", ".svg"])
def test_other_formats_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"one of \.svg, \.png, \.dot"):
        draw(bp.tensor(1.0)).save(tmp_path / "folder" / name)
    assert list(tmp_path.iterdir()) == []


def test_missing_layout_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_layout_program(monkeypatch, tmp_path)
    with pytest.raises(RuntimeError, match=r': pip install "tinygrad_bp\[draw\]"$'):
        draw(bp.tensor(1.0)).save(tmp_path / "picture.svg")
    assert list(tmp_path.iterdir()) == []


def test_missing_graphviz_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(RuntimeError, match=r': pip install "tinygrad_bp\[draw\]"$'):
        draw(bp.tensor(1.0))


def test_graphviz_is_imported_only_when_drawing() -> None:
    program = "import sys, tinygrad_bp.readings.draw; sys.exit('graphviz' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


def test_layout_program_that_hangs_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_layout_program(monkeypatch, tmp_path, "time.sleep(30)")
    monkeypatch.setattr(module, "SECONDS_TO_LAY_OUT", 0.2)
    with pytest.raises(RuntimeError, match=r"was stopped: it took more than 0\.2 s"):
        draw(bp.tensor(1.0)).save(tmp_path / "picture.svg")
    assert [file.name for file in tmp_path.iterdir()] == ["dot"]


def test_layout_program_that_fails_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_layout_program(monkeypatch, tmp_path, "sys.exit('no plugin for png')")
    with pytest.raises(RuntimeError, match="failed with status 1: no plugin for png"):
        draw(bp.tensor(1.0)).save(tmp_path / "picture.png")
    assert [file.name for file in tmp_path.iterdir()] == ["dot"]


if __name__ == "__main__":
    GOLDEN.write_text(draw(worked_network()).dot, encoding="utf-8")
