"""How a line of code looks: quotes, spaces and line breaks as ruff would have them."""

from __future__ import annotations

import ast
import re
from collections.abc import Container

#: Lines of a function's body are kept within this, ruff's default, where names and numbers allow.
WIDTH = 88
INDENT = " " * 4

#: What the function that computes everything is called.
FUNCTION = "loss_and_gradients"


def fresh(base: str, taken: Container[str]) -> str:
    """Return a name that is not taken."""
    name, n = base, 1
    while name in taken:
        n += 1
        name = f"{base}_{n}"
    return name


def code(tree: ast.AST) -> str:
    """Return a tree as code, in the manner of ruff: double quotes, and tight powers of names."""
    text = ast.unparse(tree)
    if "'" in text:
        lines = (
            line if '"' in line else re.sub(r"'([^'\\]*)'", r'"\1"', line)
            for line in text.split("\n")
        )
        text = "\n".join(lines)
    if "**" in text:
        text = re.sub(r"(?<![\w.)\]])([\w.]+) \*\* (-?[\w.]+)(?![\w.(\[])", r"\1**\2", text)
    return text


def listed(head: str, items: list[str], tail: str, indent: str) -> list[str]:
    """Return lines of comma-separated items: one, if it is not too long, or one for each item."""
    line = f"{head}{', '.join(items)}{tail}"
    if len(indent + line) <= WIDTH or not items:
        return [line]
    inner = ", ".join(items)
    if indent == "" and len(INDENT + inner) <= WIDTH:
        return [head, f"{INDENT}{inner}", tail]
    return [head, *(f"{INDENT}{item}," for item in items), tail]


def documented(summary: str, shapes: list[str]) -> list[str]:
    """Return a docstring with the shapes of the parameters, in lines that are not too long."""
    line = f'{INDENT}"""{summary}, for {", ".join(shapes)}."""'
    if len(line) <= WIDTH and shapes:
        return [line]
    return [
        f'{INDENT}"""{summary}.',
        "",
        *(f"{INDENT}{shape}" for shape in shapes),
        f'{INDENT}"""',
    ]
