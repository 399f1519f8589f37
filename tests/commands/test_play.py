"""The command that makes a player: the file that it leaves."""

from pathlib import Path

import pytest
from rich.console import Console

from tinygrad_bp.cli import COMMANDS, parser


def ran(*arguments: str) -> int:
    return COMMANDS["play"].run(parser().parse_args(["play", *arguments]), Console())


def test_the_worked_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ran() == 0
    assert "out/backprop.html" in capsys.readouterr().out.replace("\n", "")
    page = Path("out", "backprop.html").read_text(encoding="utf-8")
    assert "Backward 8 of 8" in page


def test_file_of_the_users(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import tinygrad_bp as bp\n"
        "def slope():\n"
        "    return bp.tensor(3.0, requires_grad=True, name='mine') ** 2\n"
    )
    path = tmp_path / "page.html"
    assert ran("--file", str(file), "--function", "slope", "--out", str(path)) == 0
    assert "mine" in path.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match=r"the name must end in .html"):
        ran("--out", str(tmp_path / "page.pdf"))
