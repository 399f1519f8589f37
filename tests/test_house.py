"""The house that the code lives in: nothing in it is too long to be read in a sitting."""

import ast
from pathlib import Path

from .sweeps import every

PACKAGE = Path(__file__).parents[1] / "tinygrad_bp"
FILES = sorted(PACKAGE.rglob("*.py"))
FUNCTIONS = ast.FunctionDef, ast.AsyncFunctionDef

#: In lines: of a file, and of a function without its docstring.
LONGEST_FILE, LONGEST_FUNCTION = 450, 60


def lines_of(function):
    """Count the lines of a function, without its docstring."""
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        lines -= first.end_lineno - first.lineno + 1
    return lines


@every("path", FILES)
def test_nothing_is_too_long(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST_FILE
    tree = ast.parse(text)
    assert not text or ast.get_docstring(tree), "a file says in its first lines what it is for"
    long = {
        node.name: lines_of(node)
        for node in ast.walk(tree)
        if isinstance(node, FUNCTIONS) and lines_of(node) > LONGEST_FUNCTION
    }
    assert not long


def test_the_engine_is_read_in_one_sitting():
    engine = (PACKAGE / "engine.py").read_text(encoding="utf-8")
    assert engine.count("\n") <= 450
    names = {node.name for node in ast.parse(engine).body if hasattr(node, "name")}
    assert {"Tensor", "Primitive", "sweep", "grad"} <= names


def test_a_long_function_is_seen():
    body = "\n".join(f"    x = {i}" for i in range(LONGEST_FUNCTION))
    (function,) = ast.parse(f'def f():\n    """Say\n    nothing."""\n{body}').body
    assert lines_of(function) == LONGEST_FUNCTION + 1
