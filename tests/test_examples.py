"""Every example runs, and prints and saves what its first lines say."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .sweeps import thorough_alone

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))


#: What an example needs beyond the package itself.
NEEDS = {"many_devices": "jax"}

#: They train for many seconds.
TRAINING = ("digits", "language_model", "oscillator")


def one(path):
    """Return the parameter of an example."""
    marks = [pytest.mark.sweep, thorough_alone] if path.stem in TRAINING else []
    return pytest.param(path, id=path.stem, marks=marks)


def promised(path):
    """Return what an example prints, the indented end of its docstring, and the files it saves."""
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    text, _, printed = docstring.partition("prints\n\n")
    return inspect.cleandoc(printed) + "\n", set(re.findall(r"`(\w+\.(?:png|svg|txt))`", text))


@pytest.mark.parametrize("path", list(map(one, EXAMPLES)))
def test_an_example_prints_what_it_promises(path, tmp_path):
    if path.stem in NEEDS:
        pytest.importorskip(NEEDS[path.stem])
    run = subprocess.run(
        [sys.executable, "-W", "error", path], capture_output=True, text=True, cwd=tmp_path
    )
    printed, saved = promised(path)
    assert run.returncode == 0, run.stderr
    assert run.stdout == printed
    assert run.stderr == ""
    assert {file.name for file in tmp_path.iterdir()} == saved


def test_there_are_examples():
    assert {"custom_operation", "first_steps"} <= {path.stem for path in EXAMPLES}


def test_an_operation_of_ones_own_takes_at_most_eight_lines():
    """Its forward function and its rule, decorators and docstring included."""
    source = (FOLDER / "custom_operation.py").read_text()
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    forward, rule = (node for node in functions if node.decorator_list)
    lines = [node.end_lineno - node.decorator_list[0].lineno + 1 for node in (forward, rule)]
    assert sum(lines) <= 8
