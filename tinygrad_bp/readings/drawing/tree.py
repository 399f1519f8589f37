"""A picture as a tree of text, for a terminal: from the output to what it was computed from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...notation.numbers import reach
from .picture import Arrow, Node, Picture

DEEPEST = 40  # the branches of a deeper tree leave no room for words

#: By level of detail: a longer value is summarised, so that most lines fit into a terminal.
LONGEST = {"ops": 32, "values": 100}


def tree(picture: Picture) -> str:
    # Each operand stands below what was computed from it. What is used several times is written
    # once, and only called by its name after that.
    nodes = {node.id: node for node in picture.nodes}
    operands: dict[str, list[Arrow]] = {key: [] for key in nodes}
    for arrow in picture.arrows:
        if not arrow.backward:
            operands[arrow.head].append(arrow)
    seen: set[str] = set()

    def lines(key: str, start: str = "", below: str = "", depth: int = 0) -> Iterator[str]:
        if key in seen:
            yield f"{start}{nodes[key].name} (above)"
            return
        seen.add(key)
        deep = depth == DEEPEST and bool(operands[key])
        yield f"{start}{in_words(nodes[key], picture)}{' …' * deep}"
        for i, arrow in enumerate([] if deep else operands[key], 1):
            branch, further = ("└─ ", "   ") if i == len(operands[key]) else ("├─ ", "│  ")
            words = f"{arrow.words}: " if arrow.words else ""
            yield from lines(arrow.tail, f"{below}{branch}{words}", below + further, depth + 1)

    return "\n".join(line.rstrip() for line in lines(picture.forward[-1].id))


def in_words(node: Node, picture: Picture) -> str:
    if node.kind == "layer":
        name, operation, results = node.lines
        return f"[{name}] {operation} → {results}"
    line = "  ".join(node.lines)
    for word, value in node.numbers.items():
        text = picture.in_line(value)
        if isinstance(value, np.ndarray) and len(text) > LONGEST[picture.level]:
            text = reach(value)
        line += f"  {word} {text}"
    return line
