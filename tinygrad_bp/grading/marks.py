"""What a teacher should look at in the source of a submission: it may not be a derivation.

The source is read here and not run, so a submission cannot hide an import from this. It can hide
what it does behind ``exec`` and the like, and so these are marked as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from ..notation.numbers import listed

#: Packages that differentiate by themselves.
FRAMEWORKS = {
    *("tinygrad_bp", "torch", "jax", "tensorflow", "keras", "autograd", "mygrad", "micrograd"),
    *("tinygrad", "theano", "pytensor", "mxnet", "chainer", "cupy", "sympy", "casadi", "numba"),
}

#: What a derivation has no use for: it runs code that is not in the file, or looks around.
UNUSUAL = {
    *("exec", "eval", "compile", "__import__", "open", "globals", "importlib", "builtins"),
    *("ctypes", "subprocess", "socket", "urllib", "multiprocessing", "inspect", "gc", "_getframe"),
    *("settrace", "pickle", "runpy", "requests", "modules", "__builtins__", "__loader__"),
    *("__subclasses__", "__globals__", "__code__"),
}

#: What NumPy imports when it is first used.
PARTS_OF_NUMPY = {"fft", "linalg", "ma", "polynomial", "random", "strings", "testing"}


def find_marks(source: bytes) -> tuple[str, ...]:
    r"""Return a sentence for each thing to look at.

    Examples
    --------
    >>> find_marks(b"import torch.nn as nn\nprint(eval('1'))")
    ('It imports torch, which can compute gradients by itself.', 'It uses eval: see what for.')
    >>> find_marks(b"import numpy as np")
    ()
    """
    tree = parse(source)
    used = dict.fromkeys(names_used(tree))
    frameworks = [name for name in used if name in FRAMEWORKS]
    unusual = [name for name in used if name in UNUSUAL]
    marks = []
    if frameworks:
        marks.append(f"It imports {listed(frameworks)}, which can compute gradients by itself.")
    if unusual:
        marks.append(f"It uses {listed(unusual)}: see what for.")
    return tuple(marks)


def find_imports(source: bytes, helpers: Mapping[str, bytes]) -> set[str]:
    # The modules that a submission, or a helper that it imports, may import by name: where it says
    # ``from a import b``, there may be a module a.b.
    found: set[str] = set()
    waiting = [source]
    while waiting:
        for name in {*imported_names(waiting.pop())} - found:
            found.add(name)
            if f"{name}.py" in helpers:
                waiting.append(helpers[f"{name}.py"])
    return found


def imported_names(source: bytes) -> Iterator[str]:
    for node in ast.walk(parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and node.attr in PARTS_OF_NUMPY:
            yield f"numpy.{node.attr}"


def parse(source: bytes) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def names_used(tree: ast.Module) -> Iterator[str]:
    # but for what a file does only where it is run by its author
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
            yield from (alias.name for alias in node.names if alias.name in UNUSUAL)
        elif isinstance(node, ast.Name):
            yield node.id if node.id in UNUSUAL else ""
        elif isinstance(node, ast.Attribute):
            yield node.attr if node.attr in UNUSUAL - {"open", "compile"} else ""
        elif isinstance(node, ast.Constant) and node.value in ("exec", "eval", "__import__"):
            yield str(node.value)
        if isinstance(node, ast.If) and "__main__" in ast.unparse(node.test):
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)
