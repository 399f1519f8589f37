"""How a long line of code is wrapped."""

from __future__ import annotations

WIDTH = 88  # ruff's default: lines are kept within it where names and numbers allow
INDENT = " " * 4


def listed(head: str, items: list[str], tail: str, indent: str) -> list[str]:
    """Return lines of comma-separated items: one, if it is not too long, or one for each item."""
    line = f"{head}{', '.join(items)}{tail}"
    if len(indent + line) <= WIDTH or not items:
        return [line]
    inner = ", ".join(items)
    if indent == "" and len(INDENT + inner) <= WIDTH:
        return [head, f"{INDENT}{inner}", tail]
    return [head, *(f"{INDENT}{item}," for item in items), tail]


def docstring(summary: str, shapes: list[str]) -> list[str]:
    """Return a docstring with the shapes of the parameters."""
    line = f'{INDENT}"""{summary}, for {", ".join(shapes)}."""'
    if len(line) <= WIDTH and shapes:
        return [line]
    lines = [f'"""{summary}.', "", *shapes, '"""']
    return [f"{INDENT}{line}" if line else "" for line in lines]
