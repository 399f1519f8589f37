"""A picture as a tree of text, for a terminal: from the output to what it was computed from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...notation.numbers import reach
from .picture import Arrow, Node, Picture

MOST_LINES = 200
DEEPEST = 40  # the branches of a deeper tree leave no room for words

#: By level of detail: a longer value is summarised, so that most lines fit into a terminal.
LONGEST = {"ops": 32, "values": 100}


def tree(picture: Picture) -> str:
    return "\n".join(line.rstrip() for line in lines(picture))


def lines(picture: Picture) -> Iterator[str]:
    # Each operand stands below what was computed from it. What is used several times is written
    # once, and only called by its name after that.
    if picture.note:
        yield f"({picture.note}.)"
    nodes = {node.id: node for node in picture.nodes}
    operands: dict[str, list[Arrow]] = {key: [] for key in nodes}
    for arrow in picture.arrows:
        if not arrow.backward:
            operands[arrow.head].append(arrow)
    seen: set[str] = set()
    stack = [(picture.forward[-1].id, "", "", "")]
    for _ in range(MOST_LINES):
        if not stack:
            return
        key, words, start, below = stack.pop()
        known, deep = key in seen, len(below) >= 3 * DEEPEST and bool(operands[key])
        line = f"{nodes[key].name} (above)" if known else in_words(nodes[key], picture)
        yield f"{start}{words and words + ': '}{line}{' …' * (deep and not known)}"
        seen.add(key)
        if known or deep:
            continue
        for i, arrow in enumerate(reversed(operands[key])):
            branch, further = ("└─ ", "   ") if i == 0 else ("├─ ", "│  ")
            stack.append((arrow.tail, arrow.words, below + branch, below + further))
    if stack:
        left = len(picture.forward) - len(seen)
        yield f"… {left:,} nodes are left out, of {len(picture.forward):,}"


def in_words(node: Node, picture: Picture) -> str:
    if node.kind == "layer":
        return f"[{node.name}] {node.operation} → {node.shape}"
    line = f"{node.name} {node.shape}  {node.operation}"
    if picture.level == "layers":
        return line
    for name, value in [("value", node.value), ("gradient", node.gradient)]:
        text = picture.in_line(value)
        if isinstance(value, np.ndarray) and len(text) > LONGEST[picture.level]:
            text = reach(value)
        line += f"  {name} {text}"
    return line
