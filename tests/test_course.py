"""Lessons run and print what they say; exercises fail before their solutions, and pass after."""

import ast
import inspect
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_bp as bp
from tests.test_examples import promised
from tinygrad_bp.recording import recorded_tensors

FOLDER = Path(__file__).parents[1] / "docs" / "course"
LESSONS = sorted(FOLDER.glob("lesson_*.py"))
EXERCISES = sorted(FOLDER.glob("exercise_*.py"))
SOLUTIONS = runpy.run_path(str(FOLDER / "solutions.py"))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_prints_what_it_promises_in_sixty_lines(path):
    run = subprocess.run([sys.executable, "-W", "error", path], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout == promised(path)[0]
    assert len(path.read_text().splitlines()) <= 60


def test_there_are_ten_lessons_and_they_need_nothing_but_numpy_until_the_last():
    assert len(LESSONS) == 10
    for path in LESSONS:
        tree = ast.walk(ast.parse(path.read_text()))
        imported = {
            name.name for node in tree if isinstance(node, ast.Import) for name in node.names
        }
        assert path.stem == "lesson_10" or imported <= {"numpy", "itertools"}


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_an_exercise_fails_as_it_is_and_passes_with_its_solution(path):
    exercise = runpy.run_path(str(path))
    assert not bp.grade(exercise["gradients"], exercise["L"]).passed
    assert bp.grade(SOLUTIONS[path.stem], exercise["L"]).passed


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_no_line_of_a_solution_can_be_wrong(path):
    L = runpy.run_path(str(path))["L"]
    solution = SOLUTIONS[path.stem]
    known = {t.name: t.data for t in recorded_tensors(L)}
    names = inspect.signature(solution).parameters
    answers = solution(**{name: known[name] for name in names})
    assert bp.grade(answers, L).passed
    for name in answers:
        assert not bp.grade(answers | {name: 1.5 * answers[name]}, L).passed, name
