"""The command: exit statuses, what it prints, and the picture that it leaves."""

import os
import re
import subprocess
import sys
import sysconfig
import xml.etree.ElementTree as ET

import pytest

from tinygrad_bp.cli import COMMANDS, main
from tinygrad_bp.mistakes import named
from tinygrad_bp.readings.drawing.layout import layout_program
from tinygrad_bp.worked_problem.closed_form import CHAIN
from tinygrad_bp.worked_problem.problem import random_problem
from tinygrad_bp.worked_problem.slips import slips
from tinygrad_bp.worked_problem.verification import PLANTED

QUANTITIES = ["L", *(name for name, _, _ in CHAIN)]
FIRST_WRONG = {
    "softmax-diagonal": "da3/dz3",
    "missing-sigmoid-derivative": "da2/dz2",
    "lost-factor-2": "dL/da3",
}


class Ran:
    """What a run of the command left: exit status, output, and the rows of its tables."""

    def __init__(self, status, captured):
        self.status, self.out, self.err = status, captured.out, captured.err
        self.words = " ".join(captured.out.split())
        cells = [
            [c.strip() for c in re.split("[│┃]", line)[1:-1]] for line in self.out.splitlines()
        ]
        self.rows = [row for row in cells if len(row) == 6 and row[0] in QUANTITIES]
        self.wrong = [row[0] for row in self.rows if row[5] == "WRONG"]


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run the command in a wide terminal, in a folder of its own, and without laying out."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tinygrad_bp.worked_problem.verify_command.draw", lambda loss: Picture())

    def run(*arguments):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as end:  # argparse
            status = end.code
        ran = Ran(status, capsys.readouterr())
        assert "Traceback" not in ran.out + ran.err
        return ran

    return run


class Picture:
    """A drawing that is quick: layout takes a second."""

    def save(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("<svg/>")


# Agreement


def test_the_worked_problem_is_verified(run):
    ran = run("verify")
    assert ran.status == 0
    assert ran.err == ""
    assert "The worked problem, sizes 4-5-6-3, batch 1" in ran.out
    assert [row[0] for row in ran.rows] == QUANTITIES
    assert {row[5] for row in ran.rows} == {"agree"}
    assert "The witnesses agree on all 13 quantities." in ran.words
    assert "A difference of about 1e-16 is rounding." in ran.words
    assert "not the planted ones" not in ran.words
    assert "graph.svg" in ran.words


# A first look


def test_without_a_command_it_says_what_to_open_first(run, tmp_path):
    ran = run()
    assert (ran.status, ran.err) == (0, "")
    first, *lines = ran.out.splitlines()
    assert (
        first == "Open out/backprop.html in a browser: a page to step through forward and backward."
    )
    assert "  z1 = W1 x     a1 = sigmoid(z1)" in lines
    assert "All 13 quantities agree." in lines
    assert ran.rows == []
    assert "slips:" not in ran.out
    assert len(lines) < 25
    named = {tmp_path / line.split()[0] for line in lines if line.startswith("  out/")}
    written = set((tmp_path / "out").iterdir())
    assert written == named | {tmp_path / "out" / "backprop.html"}
    html = (tmp_path / "out" / "derivation.html").read_text(encoding="utf-8")
    assert "<math" in html


def test_the_first_look_leaves_the_table_and_the_slips_in_a_file(run, tmp_path):
    run("--out", tmp_path / "here")
    text = (tmp_path / "here" / "verification.txt").read_text(encoding="utf-8")
    for line in ("dL/dW1", "The witnesses agree on all 13 quantities.", "4. dz3/dW3 = a2 is"):
        assert line in text


def test_a_first_look_at_what_is_wrong_says_so(run, monkeypatch):
    monkeypatch.setattr("tinygrad_bp.softmax.rule", lambda p, z, *, axis: lambda g: g * p * (1 - p))
    ran = run()
    assert ran.status == 1
    assert "NOT all 13 quantities agree." in ran.words


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("grad", "Did you mean grade?"),
        ("drive", "Did you mean derive?"),
        ("expalin", "Did you mean explain?"),
        ("zzz", f"There are: {', '.join(COMMANDS)}."),
    ],
)
def test_a_mistyped_command_gets_a_suggestion(run, typed, hint):
    ran = run(typed, "x.py")
    assert (ran.status, ran.out) == (2, "")
    assert " ".join(ran.err.split()) == f"tinygrad-bp: there is no command '{typed}'. {hint}"


# The witnesses


def test_a_row_has_a_shape_and_three_differences(run):
    ran = run("--batch", 2)
    rows = {row[0]: row for row in ran.rows}
    assert rows["dL/dW1"][1] == "(5, 4)"
    assert rows["da3/dz3"][1] == "(2, 3, 3)"
    assert rows["L"][3:5] == ["-", "-"]
    for name in QUANTITIES[1:]:
        closed_engine, closed_differences, engine_differences = map(float, rows[name][2:5])
        assert closed_engine <= 1e-12
        assert closed_differences <= 1e-6
        assert engine_differences <= 1e-6


def test_the_four_slips_are_told_with_figures(run):
    told = run("verify").out.partition("Where the handwritten derivation slips:")[2]
    assert [int(n) for n in re.findall(r"^(\d)\. ", told, re.MULTILINE)] == [1, 2, 3, 4]
    assert told.startswith("\n(the handwritten solution that docs/worked_problem.md quotes)\n")
    parts = re.split(r"^\d\. ", told, flags=re.MULTILINE)[1:]
    for part, slip in zip(parts, slips(random_problem()), strict=True):
        _, printed, right, *_ = map(str.strip, part.splitlines())
        assert printed == f"printed: {slip.printed}"
        assert right == f"right:   {slip.correct}"
        assert re.search(r"\d", part)


def test_sizes_batch_and_seed_are_used(run):
    ran = run("--sizes", 3, 7, 4, 5, "--batch", 6)
    assert ran.status == 0
    assert "sizes 3-7-4-5, batch 6" in ran.out
    assert {row[0]: row[1] for row in ran.rows}["dL/dW2"] == "(4, 7)"
    assert run("--seed", 1).out == run("--seed", 1).out
    assert run("--seed", 1).out != run("--seed", 2).out


# Planted mistakes


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_ends_in_status_1_with_the_wrong_rows_marked(run, name):
    ran = run("--mistake", name)
    assert ran.status == 1
    assert f"Planted: {named(name).sentence}" in ran.words
    assert [row[0] for row in ran.rows] == QUANTITIES
    assert ran.wrong[0] == FIRST_WRONG[name]
    assert ran.wrong[-1] == "dL/dW1"
    assert f"{len(ran.wrong)} of 13 quantities are wrong." in ran.words
    assert f"The first is {FIRST_WRONG[name]}:" in ran.words
    assert "Written (the engine's gradients, not the planted ones): out/backprop.html" in ran.words
    assert {row[5] for row in ran.rows} == {"agree", "WRONG"}


def test_a_planted_mistake_that_the_problem_hides_is_status_1_too(run):
    ran = run("--sizes", 4, 5, 6, 1, "--mistake", "softmax-diagonal")
    assert ran.status == 1
    assert ran.wrong == []
    assert "The planted mistake was not seen: this problem hides it." in ran.words


def test_a_console_without_utf_is_no_crash(tmp_path):
    code = "import sys; from tinygrad_bp.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "--out", tmp_path, "--mistake", "lost-factor-2"]
    ran = subprocess.run(
        command, env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True
    )
    assert (ran.returncode, ran.stderr) == (1, b"")
    assert b" - " in ran.stdout
    assert ran.stdout.isascii()


# Bad arguments


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--sizes", 0, 5, 6, 3), "tinygrad-bp: the size n0 must be at least 1, not 0\n"),
        (("--batch", 0), "tinygrad-bp: the batch must be at least 1, not 0\n"),
        (("--seed", -1), "tinygrad-bp: the seed must be at least 0, not -1\n"),
        (
            ("--brief", "--mistake", "lost-factor-2"),
            "tinygrad-bp: --brief does not take --mistake; leave it out.\n",
        ),
    ],
)
def test_values_that_make_no_sense_are_status_2(run, arguments, text):
    ran = run(*arguments)
    assert (ran.status, ran.out, ran.err) == (2, "", text)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--mistake", "nonsense"), "argument --mistake: invalid choice: 'nonsense'"),
        (("--sizes", 1, 2), "argument --sizes: expected 4 arguments"),
        (("--batch", "two"), "argument --batch: invalid int value: 'two'"),
        (("verify", "--nonsense"), "unrecognized arguments: --nonsense"),
    ],
)
def test_arguments_that_are_not_understood_are_status_2(run, arguments, text):
    ran = run(*arguments)
    assert (ran.status, ran.out) == (2, "")
    assert text in ran.err


def test_a_folder_that_is_a_file_is_status_2(run, tmp_path):
    (tmp_path / "taken").write_text("a file")
    ran = run("--out", tmp_path / "taken")
    assert ran.status == 2
    assert ran.out == ""
    words = " ".join(ran.err.split())
    assert words == f"tinygrad-bp: --out takes a folder, and {tmp_path / 'taken'} is a file"


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help(run, flag):
    ran = run(flag)
    assert ran.status == 0
    assert "verify" in ran.out
    assert "--mistake" in run("verify", flag).out


def test_the_version(run):
    ran = run("--version")
    assert ran.status == 0
    assert re.search(r"\d+\.\d+\.\d+", ran.out)


# The picture


def test_the_graph_is_drawn(run, monkeypatch, tmp_path):
    try:
        layout_program()
    except RuntimeError:
        pytest.skip("no layout program: install graphviz or graphviz-pure to test rendering")
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    ran = run()
    assert ran.status == 0
    text = " ".join(ET.parse(tmp_path / "out" / "graph.svg").getroot().itertext())
    for word in ("W₁", "ŷ", "softmax", "sigmoid", "matmul"):
        assert word in text


def test_the_picture_goes_where_it_is_told_to(run, tmp_path):
    ran = run("--out", tmp_path / "a" / "b")
    assert ran.status == 0
    assert (tmp_path / "a" / "b" / "graph.svg").exists()
    assert not (tmp_path / "out").exists()


def test_a_folder_with_square_brackets_is_printed_as_it_is(run, tmp_path):
    ran = run("--out", tmp_path / "[bold]x")
    assert (tmp_path / "[bold]x" / "graph.svg").exists()
    assert "[bold]x/graph.svg" in ran.out.replace("\n", "")


def test_without_a_layout_program_the_verification_still_counts(run, monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    ran = run()
    assert ran.status == 0
    assert "No graph.svg: A picture needs" in ran.words
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == [
        "derivation.html",
        "derivation.md",
        "derivation_in_components.html",
        "derivation_in_components.md",
        "gradients.py",
        "verification.txt",
    ]
    assert "Open out/derivation.html in a browser" in ran.words
