"""The command that grades: one submission or a class, what it writes, and its exit statuses."""

import csv
import json

import pytest
from rich.console import Console

from tinygrad_bp.cli import COMMANDS, parser

from .submissions import DIAGONAL, RIGHT

PROBLEM = """\
import numpy as np
import tinygrad_bp as bp

inputs = {"w": np.array([[0.3, -0.5]]), "x": np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 2.0]])}

def loss(w, x):
    return bp.square_sum(bp.tanh((w @ x).named("z")))

def recorded():
    w = bp.tensor(inputs["w"], requires_grad=True, name="w")
    return loss(w, bp.tensor(inputs["x"], name="x"))
"""


class Ran:
    """What a run of the command left."""

    def __init__(self, status, captured):
        self.status, self.out = status, captured.out
        self.words = " ".join(captured.out.split())


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run the command in a folder with two submissions."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ann.py").write_text(RIGHT)
    (tmp_path / "bob.py").write_text(DIAGONAL)

    def run(*arguments):
        options = parser().parse_args(["grade", *map(str, arguments)])
        return Ran(COMMANDS["grade"].run(options, Console()), capsys.readouterr())

    return run


# ---- one submission ----


def test_a_right_derivation_is_status_0(run):
    ran = run("ann.py")
    assert ran.status == 0
    assert "Passed: 3 of 3 required lines right, score 100%." in ran.words


def test_a_wrong_one_is_status_1_and_gets_hints(run):
    ran = run("bob.py")
    assert ran.status == 1
    assert "The first wrong line is dL/dz3." in ran.words
    assert "softmax-diagonal" not in ran.words


def test_what_is_right_is_told_where_it_is_asked_for(run):
    assert "softmax-diagonal" in run("bob.py", "--reveal").words


def test_what_must_be_answered(run):
    assert run("ann.py", "--require", "z3", "W3").status == 0
    assert run("ann.py", "--require", "z3", "x").status == 1


def test_nothing_is_no_answer(run, tmp_path):
    (tmp_path / "zed.py").write_text("def gradients():\n    return {'L': 1.0}\n")
    ran = run("zed.py")
    assert ran.status == 1
    assert "Not passed: dL/dW3, dL/dW2 and dL/dW1 are not answered. Score 0%." in ran.words
    ran = run("zed.py", "ann.py", "--csv", "class.csv")
    with (tmp_path / "class.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["passed"] for row in csv.DictReader(file)] == ["yes", "no"]


def test_only_what_is_answered_counts_where_the_teacher_says_so(run, tmp_path):
    text = "def gradients(y, y_hat):\n    return {'y_hat': 2 * (y_hat - y)}\n"
    (tmp_path / "zed.py").write_text(text)
    assert run("zed.py").status == 1
    assert run("zed.py", "--require").status == 0


def test_what_a_line_is_worth(run):
    assert "Score 75%." in run("bob.py").words
    assert "Score 38%." in run("bob.py", "--carried", 0.5).words
    words = run("bob.py", "--points", "z3=4").words
    assert "Score 43% (3 of 7 points)." in words
    assert "0 of 4" in words


def test_a_submission_that_fails_is_status_1_with_the_reason(run, tmp_path):
    (tmp_path / "eve.py").write_text("while True: pass")
    ran = run("eve.py", "--seconds", 0.5)
    assert ran.status == 1
    assert "it was still running after 0.5 s" in ran.words


def test_the_function_may_be_named(run, tmp_path):
    (tmp_path / "two.py").write_text(RIGHT + DIAGONAL.replace("gradients", "other"))
    assert run("two.py").status == 0
    assert run("two.py", "--function", "other").status == 1
    ran = run("two.py", "ann.py", "--function", "two.py=other", "--csv", "class.csv")
    assert "1 │ all right" in ran.words or "all right │ 1" in ran.words


def test_the_reports_are_written(run, tmp_path):
    ran = run("bob.py", "--json", "o/r.json", "--out", "o/r.html", "--gradescope", "o/g.json")
    assert ran.status == 1
    for name in ("o/r.json", "o/r.html", "o/g.json"):
        assert name in ran.out
    report = json.loads((tmp_path / "o/r.json").read_text(encoding="utf-8"))
    assert (report["passed"], report["first_wrong"]) == (False, "z3")
    results = json.loads((tmp_path / "o/g.json").read_text(encoding="utf-8"))
    assert results["score"] == pytest.approx(100 * report["score"])
    page = (tmp_path / "o/r.html").read_text(encoding="utf-8")
    assert "dL/dz3" in page
    assert "softmax-diagonal" not in page


# ---- another problem ----

F = """\
import numpy as np
def f(x, z):
    t = np.tanh(z)
    dz = 2 * t * (1 - t**2)
    return {}
"""


def test_another_problem(run, tmp_path):
    (tmp_path / "problem.py").write_text(PROBLEM)
    right = F.format("{'z': dz, 'w': dz @ x.T}")
    (tmp_path / "ann.py").write_text(right)
    assert run("ann.py", "--problem", "problem.py").status == 0
    (tmp_path / "ann.py").write_text(right.replace("2 * t", "t"))
    assert run("ann.py", "--problem", "problem.py").status == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise SystemExit(0)\n", "SystemExit: 0, in line 1: raise SystemExit(0)"),
        ("a = 1 / 0\n", "ZeroDivisionError: division by zero, in line 1: a = 1 / 0"),
        ("def loss(:\n", "SyntaxError: "),
        (PROBLEM.replace("bp.tanh", "bp.nothing"), "in line 7: return bp.square_sum(bp.nothing"),
    ],
)
def test_a_problem_that_raises_is_told_with_its_line(run, tmp_path, text, said):
    (tmp_path / "problem.py").write_text(text)
    with pytest.raises(ValueError, match=r"^problem\.py: ") as raised:
        run("ann.py", "--problem", "problem.py")
    assert said in str(raised.value)


def test_a_recorded_loss_in_a_file_is_a_problem(run, tmp_path):
    recorded = """
import tinygrad_bp as bp
w = bp.tensor([1.0, 2.0], requires_grad=True, name="w")
L = bp.square_sum(w).named("L")
"""
    (tmp_path / "net.py").write_text(recorded)
    (tmp_path / "right.py").write_text("def gradients(w):\n    return {'w': 2 * w}\n")
    (tmp_path / "wrong.py").write_text("def gradients(w):\n    return {'w': w}\n")
    assert run("right.py", "--problem", "net.py").status == 0
    assert run("wrong.py", "--problem", "net.py").status == 1


def test_what_a_problem_lacks_is_said_at_once(run, tmp_path):
    (tmp_path / "net.py").write_text("def network(W, x):\n    return W @ x\n")
    said = r"no function loss\(\), but network\(\): choose one with --loss network"
    with pytest.raises(ValueError, match=said):
        run("ann.py", "--problem", "net.py")


def test_an_interrupt_while_a_problem_is_read_is_the_users(run, tmp_path):
    (tmp_path / "problem.py").write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        run("ann.py", "--problem", "problem.py")


def test_a_problem_that_cannot_be_graded_is_refused_in_our_words(run, tmp_path):
    (tmp_path / "problem.py").write_text(PROBLEM.replace("bp.square_sum", "float"))
    with pytest.raises(ValueError, match="in line 7"):
        run("ann.py", "--problem", "problem.py")


def test_a_recorded_loss(run, tmp_path):
    (tmp_path / "problem.py").write_text(PROBLEM.replace("inputs", "values"))
    (tmp_path / "ann.py").write_text(F.format("{'w': dz @ x.T}"))
    ran = run("ann.py", "--problem", "problem.py", "--loss", "recorded")
    assert (ran.status, "Passed: 1 of 1" in ran.words) == (0, True)


@pytest.mark.parametrize(
    ("name", "said"), [("loss", r"problem\.py has no function loss"), ("inputs", r"inputs = \{")]
)
def test_a_problem_that_lacks_something(run, tmp_path, name, said):
    (tmp_path / "problem.py").write_text(PROBLEM.replace(name, "other"))
    with pytest.raises(ValueError, match=said):
        run("ann.py", "--problem", "problem.py")


# ---- a class ----


def test_a_class_is_status_0_whatever_came_out(run, tmp_path):
    (tmp_path / "eve.py").write_text("import os\nos._exit(0)")
    ran = run("ann.py", "bob.py", "eve.py", "--out", "o/class.html", "--csv", "o/class.csv")
    assert ran.status == 0
    assert "3/3" in ran.words
    for outcome in ("dL/dz3: softmax-diagonal", "gave no answers", "all right"):
        assert outcome in ran.words
    page = (tmp_path / "o/class.html").read_text(encoding="utf-8")
    assert "3 submissions, 1 all right." in page
    with (tmp_path / "o/class.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["submission"], row["passed"]) for row in rows] == [
        ("ann.py", "yes"),
        ("bob.py", "no"),
        ("eve.py", "no"),
    ]


def test_a_class_of_one(run, tmp_path):
    assert run("bob.py", "--out", "class.html", "--title", "Week 1").status == 0
    assert "1 submission, 0 all right." in (tmp_path / "class.html").read_text(encoding="utf-8")


def test_a_class_without_a_page_is_shown(run, tmp_path):
    ran = run("ann.py", "bob.py", "--jobs", 1)
    assert ran.status == 0
    assert "all right" in ran.words
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ann.py", "bob.py"]


# ---- bad arguments ----


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("cat.py",), "there is no file cat.py"),
        ((".", "--csv", "x.csv"), "is a folder. Name the files in it"),
        (("ann.py", "--out", "x.pdf"), "a file that ends in .html"),
        (("ann.py", "--function", "cat.py=f"), "there is no submission cat.py"),
        (("ann.py", "--function", "a-b"), "takes NAME or FILE=NAME"),
        (("ann.py", "--points", "W1"), "takes NAME=NUMBER"),
        (("ann.py", "--returns", "W9"), "W9 cannot be returned"),
        (("ann.py", "--seconds", "inf"), "more than 0 and finite"),
        (("ann.py", "--problem", "cat.py"), "there is no file cat.py"),
        (("ann.py", "--seconds", 0), "the seconds must be more than 0"),
        (("ann.py", "--memory", 1), "the memory must be at least 64 MB"),
        (("ann.py", "bob.py", "--jobs", 0), "--jobs must be at least 1, not 0"),
        (("ann.py", "bob.py", "--json", "x"), "--json is for one submission"),
        (("ann.py", "--csv", "x", "--reveal"), "--reveal is for one submission"),
        (("ann.py", "--require", "W9"), "W9 cannot be required"),
    ],
)
def test_arguments_that_make_no_sense(run, arguments, text):
    with pytest.raises(ValueError, match=text):
        run(*arguments)


def test_a_class_is_status_1_if_a_submission_could_not_be_graded(run):
    assert run("ann.py", "bob.py", "--csv", "class.csv").status == 0
    ran = run("ann.py", "typo.py", "--csv", "class.csv")
    assert ran.status == 1
    assert "could not be graded" in ran.words
