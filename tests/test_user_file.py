"""A Python file of the user's own, as the commands read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinygrad_bp.cli import main


def test_a_folder_is_no_python_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["source", "--file", str(tmp_path)]) == 2
    assert "is not a Python file" in " ".join(capsys.readouterr().err.split())


def test_a_function_may_take_its_leaves_from_inputs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "net.py"
    head = "import tinygrad_bp as bp\n"
    inputs = "inputs = {'w': [2.0], 'x': bp.tensor([3.0]), 'k': [4]}\n"
    body = "def loss(w, x, k):\n    return bp.sum(w * x * k)\n"
    file.write_text(head + inputs + body, encoding="utf-8")
    assert main(["draw", "--file", str(file)]) == 0
    tree = capsys.readouterr().out
    assert "w (1,)  parameter  value [2]" in tree
    assert "x (1,)  input  value [3]" in tree
    assert "k (1,)  input  value [4]" in tree

    file.write_text(head + "inputs = [[2.0], bp.tensor([3.0]), [4]]\n" + body, encoding="utf-8")
    assert main(["draw", "--problem", str(file), "--loss", "loss"]) == 0
    assert capsys.readouterr().out == tree

    file.write_text(head + body, encoding="utf-8")
    assert main(["draw", "--file", str(file)]) == 2
    words = " ".join(capsys.readouterr().err.split())
    assert "loss() takes w, x, k. Write it without parameters, or give their values in" in words
