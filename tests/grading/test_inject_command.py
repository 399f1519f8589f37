"""The command that injects a mistake: one, each, or a list of them."""

import pytest
from rich.console import Console

from tinygrad_bp.cli import COMMANDS, parser
from tinygrad_bp.grading.inject import possible_mistakes
from tinygrad_bp.mistakes.catalogue import CATALOGUE

PROBLEM = """\
import numpy as np
import tinygrad_bp as bp

inputs = {
    "w": np.array([[0.3, -0.5]]),
    "c": np.zeros((1, 1)),
    "x": np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 2.0]]),
}

def loss(w, c, x):
    return bp.square_sum(bp.tanh((w @ x + c).named("z")))
"""


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run the command in a folder with a problem, and return its words."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "problem.py").write_text(PROBLEM)

    def run(*arguments):
        status = COMMANDS["inject"].run(parser().parse_args(["inject", *arguments]), Console())
        assert status == 0
        return " ".join(capsys.readouterr().out.split())

    return run


def test_one_mistake(run):
    words = run("softmax-diagonal")
    assert "softmax-diagonal, made in dL/dz3" in words
    assert "✗ dL/dz3 wrong 38.6%" in words
    assert "✓ dL/dy_hat unchanged" in words
    assert "10 steps of gradient descent take the loss from 0.7532 to 0.5108" in words


def test_a_mistake_at_one_place(run):
    assert "✓ dL/dz2 unchanged" in run("missing-sigmoid-derivative", "--at", "z1")
    assert "✗ dL/dz2 wrong" in run("missing-sigmoid-derivative", "--at", "z2")


def test_the_mistakes_that_the_problem_can_show(run):
    words = run()
    for name in possible_mistakes():
        assert name in words
    assert "tanh-lost-square" not in words


def test_the_list_has_the_whole_catalogue(run):
    words = run("--list")
    for row in CATALOGUE:
        where = "the sweep" if row.duty is not None else ", ".join(row.places)
        assert " ".join(filter(None, (row.name, where, row.sentence))) in words


def test_another_problem(run):
    words = run("broadcast-not-summed", "--file", "problem.py")
    assert "wrong shape (1, 3) for (1, 1)" in words
    assert "tanh-lost-square" in run("--file", "problem.py")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["softmax-diagonl"], "Is softmax-diagonal meant"),
        (["--at", "z3"], "--at needs the name of a mistake"),
        (["--file", "nowhere.py"], r"there is no file nowhere\.py"),
        (["--file", "empty.py"], r"empty\.py has no function loss"),
    ],
)
def test_what_cannot_be_injected(run, tmp_path, arguments, text):
    (tmp_path / "empty.py").write_text("")
    with pytest.raises(ValueError, match=text):
        run(*arguments)


def test_no_name_is_cut_on_a_narrow_console(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    words = run("--list").split()
    assert {mistake.name for mistake in CATALOGUE} <= set(words)
    assert set(possible_mistakes()) <= set(run().split())
