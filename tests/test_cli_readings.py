"""The commands that read one computation: what they print, and the files that they leave."""

from pathlib import Path

import pytest
from rich.console import Console

from tinygrad_bp.cli import COMMANDS, main, parser


def ran(command: str, *arguments: str) -> int:
    return COMMANDS[command].run(parser().parse_args([command, *arguments]), Console())


@pytest.mark.parametrize("command", ["explain", "source", "derive"])
def test_wrt_asks_for_some_gradients(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command]) == 0
    everything = capsys.readouterr().out
    assert main([command, "--wrt", "W3"]) == 0
    less = capsys.readouterr().out
    assert len(less) < len(everything)
    assert "W3" in less or "W₃" in less
    assert "dW1" not in less
    assert "∂L/∂W₁" not in less


def test_wrt_names_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["derive", "--wrt", "W3", "x"]) == 2
    words = " ".join(capsys.readouterr().err.split())
    assert words == (
        "tinygrad-bp: --wrt: no tensor that needs a gradient is named 'x'. "
        "There are: W1, W2, W3, z1, a1, z2, a2, z3, y_hat, L"
    )


def test_the_tree_of_the_worked_problem_has_its_gradients(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ran("draw") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("L ()  ‖·‖² square_sum  value ")
    assert lines[0].endswith("gradient 1")
    assert sum("gradient —" in line for line in lines) == 2  # of x and y


def test_options_reach_the_drawing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "graph.dot"
    assert ran("draw", "--out", str(path), "--level", "layers", "--backward", "--rules") == 0
    assert str(path) in capsys.readouterr().out.replace("\n", "")
    text = path.read_text(encoding="utf-8")
    assert "back through layer 1" in text
    assert "−∂L/∂v₁" in text
    assert "value" not in text


def test_a_drawing_of_a_file_of_the_users(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import tinygrad_bp as bp\n"
        "def model():\n"
        "    return (bp.tensor([1.0, 2.0], name='x') * 3).named('y')\n"
    )
    assert ran("draw", "--file", str(file), "--loss", "model") == 0
    assert capsys.readouterr().out.splitlines() == [
        "y (2,)  × 3 multiply  value [3, 6]  gradient —",
        "└─ x (2,)  input  value [1, 2]  gradient —",
    ]


def test_unknown_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.dot"):
        ran("draw", "--out", str(tmp_path / "graph.jpg"))


def test_the_sweep_needs_a_picture() -> None:
    with pytest.raises(ValueError, match="--backward needs --out"):
        ran("draw", "--backward")


def test_a_page_of_the_worked_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ran("play") == 0
    assert "out/backprop.html" in capsys.readouterr().out.replace("\n", "")
    page = Path("out", "backprop.html").read_text(encoding="utf-8")
    assert "Backward step 8 of 8" in page


def test_a_page_of_a_file_of_the_users(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import tinygrad_bp as bp\n"
        "def slope():\n"
        "    return bp.tensor(3.0, requires_grad=True, name='mine') ** 2\n"
    )
    path = tmp_path / "page.html"
    assert ran("play", "--file", str(file), "--loss", "slope", "--out", str(path)) == 0
    assert "mine" in path.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match=r"the name must end in .html"):
        ran("play", "--out", str(tmp_path / "page.pdf"))
