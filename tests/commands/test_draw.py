"""The command that draws: what it prints, and the files that it leaves."""

from pathlib import Path

import pytest
from rich.console import Console

from tinygrad_bp.cli import COMMANDS, parser


def ran(*arguments: str) -> int:
    return COMMANDS["draw"].run(parser().parse_args(["draw", *arguments]), Console())


def test_tree_of_the_worked_problem_has_its_gradients(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("L ()  ‖·‖² square_sum  value ")
    assert lines[0].endswith("gradient 1")
    assert sum("gradient —" in line for line in lines) == 2  # of x and y


def test_options_reach_the_drawing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "graph.dot"
    assert ran("--out", str(path), "--level", "layers", "--backward", "--rules") == 0
    assert str(path) in capsys.readouterr().out.replace("\n", "")
    text = path.read_text(encoding="utf-8")
    assert "back through layer 1" in text
    assert "−∂L/∂v₁" in text
    assert "value" not in text


def test_file_of_the_users(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import tinygrad_bp as bp\n"
        "def model():\n"
        "    return (bp.tensor([1.0, 2.0], name='x') * 3).named('y')\n"
    )
    assert ran("--file", str(file), "--function", "model") == 0
    assert capsys.readouterr().out.splitlines() == [
        "y (2,)  × 3 multiply  value [3, 6]  gradient —",
        "└─ x (2,)  input  value [1, 2]  gradient —",
    ]


def test_unknown_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.dot, \.mmd"):
        ran("--out", str(tmp_path / "graph.jpg"))


def test_the_sweep_needs_a_picture() -> None:
    with pytest.raises(ValueError, match="--backward needs --out"):
        ran("--backward")
