"""The recipes of docs/grading_a_class.md, each with the real grader where it is installed.

To have them, run ``pip install otter-grader nbgrader gradescope-utils``.
"""

import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import types
import unittest
from pathlib import Path

import pytest

import tinygrad_bp

from .submissions import DIAGONAL, RIGHT

DOCS = Path(__file__).parents[2] / "docs" / "grading_a_class.md"

#: One slip, in the last line.
LAST_WRONG = RIGHT.replace('"W1": dz1 @ x.T', '"W1": -dz1 @ x.T')


def recipe(start):
    """Return the block of the docs with this in its first two lines."""
    text = DOCS.read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    [block] = [b for b in blocks if any(line == f"# {start}" for line in b.splitlines()[:2])]
    return block


def run(*command, cwd):
    paths = (str(Path(tinygrad_bp.__file__).parents[1]), *filter(None, sys.path))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


def needs(module, package):
    is_there = importlib.util.find_spec(module) is not None
    return pytest.mark.skipif(not is_there, reason=f"{package} is not installed")


def notebook(*cells, **metadata):
    import nbformat

    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    made.cells = [nbformat.v4.new_code_cell(text, metadata=data) for text, data in cells]
    return made


def test_the_submission_with_a_late_slip_has_one():
    assert LAST_WRONG != RIGHT


# ---- pytest ----


@pytest.mark.parametrize(("text", "status"), [(RIGHT, 0), (DIAGONAL, 1)], ids=["right", "wrong"])
def test_pytest(text, status, tmp_path):
    (tmp_path / "my_derivation.py").write_text(text)
    (tmp_path / "test_derivation.py").write_text(recipe("test_derivation.py"))
    ran = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", ".", cwd=tmp_path)
    assert ran.returncode == status, ran.stdout
    assert f"1 {'failed' if status else 'passed'}" in ran.stdout
    assert ("AssertionError: Not passed" in ran.stdout) == bool(status)


def function_of(text):
    namespace = {}
    exec(text, namespace)
    return namespace["gradients"]


# ---- otter-grader ----


def test_otter_grader_by_its_text_alone(monkeypatch):
    # Its decorator marks a test, which is then called with the names that the notebook defines.
    stand_in = types.ModuleType("otter.test_files")
    stand_in.test_case = lambda points: lambda function: (points, function)
    monkeypatch.setitem(sys.modules, "otter", types.ModuleType("otter"))
    monkeypatch.setitem(sys.modules, "otter.test_files", stand_in)
    namespace = {}
    exec(recipe("tests/q1.py"), namespace)
    assert (namespace["OK_FORMAT"], namespace["points"]) == (False, 10)
    cases = [namespace[name] for name in ("W3", "W2", "W1")]
    assert sum(points for points, _ in cases) == 10
    for _, check in cases:
        check(gradients=function_of(RIGHT))
    with pytest.raises(AssertionError, match="Nudge one entry"):
        cases[2][1](gradients=function_of(LAST_WRONG))


@needs("otter", "otter-grader")
@pytest.mark.parametrize(
    ("text", "wrong"), [(RIGHT, 0), (LAST_WRONG, 1)], ids=["right", "last line wrong"]
)
def test_otter_grader(text, wrong, tmp_path):
    import nbformat

    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "q1.py").write_text(recipe("tests/q1.py"))
    nbformat.write(notebook((text, {})), tmp_path / "mine.ipynb")
    otter = (sys.executable, "-m", "otter", "check", "mine.ipynb", "--tests-path", "tests")
    printed = run(*otter, cwd=tmp_path).stdout
    if wrong:
        assert printed.count("Test case passed") == 2
        assert printed.count("Test case failed") == 1
        assert "wrong. Nudge one entry and watch the loss" in printed
    else:
        assert "All tests passed!" in printed


# ---- nbgrader ----


def test_nbgrader_by_its_text_alone():
    *lines, last = recipe("the autograder cell").strip().splitlines()

    def points(gradients):
        namespace = {"gradients": gradients}
        exec("\n".join(lines), namespace)
        return eval(last, namespace)

    assert points(function_of(RIGHT)) == 10.0
    assert 0 < points(function_of(DIAGONAL)) < 10
    with pytest.raises(AssertionError):
        points(lambda y: {"y_hat": y})


@needs("nbgrader", "nbgrader")
def test_nbgrader(tmp_path, monkeypatch):
    import nbformat
    from nbgrader.api import Gradebook

    beside = Path(sys.executable).parent  # it calls alembic, as from an activated environment
    monkeypatch.setenv("PATH", f"{beside}{os.pathsep}{os.environ['PATH']}")
    common = {"schema_version": 3, "task": False}
    solution = {"grade_id": "mine", "grade": False, "locked": False, "solution": True, **common}
    check = {"grade_id": "check", "grade": True, "locked": True, "solution": False, **common}
    course = tmp_path / "course"
    (course / "source" / "hw").mkdir(parents=True)
    (course / "nbgrader_config.py").write_text("get_config().CourseDirectory.course_id = 'bp'\n")

    def graded(text):
        cells = (
            (text, {"nbgrader": solution}),
            (
                recipe("the autograder cell"),
                {"nbgrader": check | {"points": 10}},
            ),
        )
        return notebook(*cells)

    def nbgrader(*arguments):
        ran = run(sys.executable, "-m", "nbgrader", *arguments, cwd=course)
        assert ran.returncode == 0, ran.stderr

    released = f"### BEGIN SOLUTION\n{RIGHT}### END SOLUTION"
    nbformat.write(graded(released), course / "source" / "hw" / "sheet.ipynb")
    nbgrader("generate_assignment", "hw")
    nothing = "def gradients(y):\n    return {}\n"
    for student, text in {"ann": RIGHT, "bob": LAST_WRONG, "eve": nothing}.items():
        folder = course / "submitted" / student / "hw"
        folder.mkdir(parents=True)
        nbformat.write(graded(text), folder / "sheet.ipynb")
    nbgrader("autograde", "hw")
    nbgrader("generate_feedback", "hw")
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        points = {s.student.id: s.score for s in book.assignment_submissions("hw")}
    assert points["ann"] == 10.0
    assert 0 < points["bob"] < 10
    assert points["eve"] == 0.0
    feedback = (course / "feedback" / "bob" / "hw" / "sheet.html").read_text()
    assert "Nudge one entry and watch the loss" in feedback


# ---- Gradescope ----


def results_of(text, tmp_path):
    """Run the recipe's autograder, with another folder in the place of Gradescope's."""
    for folder in ("submission", "results", "venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "submission" / "my_derivation.py").write_text(text)
    command = tmp_path / "venv" / "bin" / "tinygrad-bp"
    command.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -c "from tinygrad_bp.cli import main; main()" "$@"\n'
    )
    command.chmod(0o755)
    script = tmp_path / "run_autograder"
    script.write_text(recipe("run_autograder").replace("/autograder", str(tmp_path)))
    ran = run("bash", str(script), cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    return json.loads((tmp_path / "results" / "results.json").read_text())


def test_gradescope(tmp_path):
    results = results_of(LAST_WRONG, tmp_path)
    lines = {test["name"]: test for test in results["tests"]}
    assert 0 < results["score"] < 100
    assert [name for name, test in lines.items() if test["status"] == "failed"] == ["dL/dW1"]
    assert lines["dL/dW1"]["score"] == 0
    assert "Nudge one entry and watch the loss" in lines["dL/dW1"]["output"]
    assert "The sign is wrong" not in json.dumps(results)  # that is the answer


@needs("gradescope_utils", "gradescope-utils")
def test_gradescope_gets_what_its_own_package_writes(tmp_path):
    from gradescope_utils.autograder_utils.decorators import number, visibility, weight
    from gradescope_utils.autograder_utils.json_test_runner import JSONTestRunner

    class Example(unittest.TestCase):
        @weight(2)
        @number("1")
        @visibility("visible")
        def test_line(self):
            """A line"""
            print("a hint")
            raise AssertionError

    stream = io.StringIO()
    JSONTestRunner(stream=stream).run(unittest.TestSuite([Example("test_line")]))
    theirs, ours = json.loads(stream.getvalue()), results_of(RIGHT, tmp_path)
    assert ours.keys() - {"output"} <= theirs.keys()
    for test in ours["tests"]:
        assert test.keys() <= theirs["tests"][0].keys()
        assert test["status"] in ("passed", "failed")
        assert all(type(test[key]) in (int, float) for key in ("score", "max_score"))
