"""A picture as a tree of text, for a terminal: from the output to what it was computed from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from ...notation.numbers import reach
from .mermaid import written
from .picture import Edge, Node, Picture

#: A tree has at most so many lines, and is at most so deep.
MOST_LINES = 200
DEEPEST = 40

#: By level of detail: a value is written out in so many characters.
LONGEST = {"ops": 32, "values": 100}


def tree(picture: Picture) -> str:
    """Return a picture as a tree of text."""
    return "\n".join(line.rstrip() for line in lines(picture))


def lines(picture: Picture) -> Iterator[str]:
    """Yield the lines, each operand below what was computed from it.

    What is used several times is written once, and only called by its name after that.
    """
    if picture.note:
        yield f"({picture.note}.)"
    nodes = {node.id: node for node in picture.nodes}
    operands: dict[str, list[Edge]] = defaultdict(list)
    for operand in picture.edges:
        if not operand.backward:
            operands[operand.head].append(operand)
    written_out: set[str] = set()
    stack: list[tuple[str, str, str, Edge | None]] = [(picture.output.id, "", "", None)]
    count = 0
    while stack:
        key, start, below, edge = stack.pop()
        count += 1
        if count > MOST_LINES:
            left = len(picture.forward) - len(written_out)
            yield f"… {left:,} nodes are left out, of {len(picture.forward):,}"
            return
        words = f"{edge.words}: " if edge is not None and edge.words else ""
        known = key in written_out
        deep = len(below) >= 3 * DEEPEST and bool(operands[key])
        yield start + words + in_words(nodes[key], picture, known) + " …" * (deep and not known)
        written_out.add(key)
        if known or deep:
            continue
        for i, operand in enumerate(reversed(operands[key])):
            branch, further = ("└─ ", "   ") if i == 0 else ("├─ ", "│  ")
            stack.append((operand.tail, below + branch, below + further, operand))


def in_words(node: Node, picture: Picture, known: bool) -> str:
    """Write a node in a line; where it was written before, only its name."""
    if known:
        return f"{node.name} (above)"
    if node.kind == "layer":
        return f"[{node.name}] {node.word} → {node.shape}"
    origin = f"{node.symbol} {node.word}".strip()
    line = f"{node.name} {node.shape}  {origin}"
    if picture.level == "layers":
        return line
    twin = next((n for n in picture.sweep if n.id == f"g{node.id[1:]}"), node)
    value, gradient = (shortly(v, picture.level) for v in (node.value, twin.gradient))
    return f"{line}  value {value}  gradient {gradient}"


def shortly(value: np.ndarray | str | None, level: str) -> str:
    """Write a value in a line; where it takes much of it, the smallest and largest entry."""
    text = written(value, level)
    return reach(value) if isinstance(value, np.ndarray) and len(text) > LONGEST[level] else text
