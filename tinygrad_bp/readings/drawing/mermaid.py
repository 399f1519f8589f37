"""A picture in Mermaid, which many pages and editors show without any program to lay it out."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from ...notation.numbers import in_node
from .looks import LOOKS
from .picture import Edge, Node, Picture, framed


def mermaid(picture: Picture) -> str:
    """Return a picture as Mermaid text."""
    return "\n".join(lines(picture)) + "\n"


def lines(picture: Picture) -> Iterator[str]:
    """Yield the lines: the frames with the nodes in them, the edges, and how each kind looks."""
    yield "flowchart TD"
    frames = 0
    for item in framed(picture.nodes):
        if isinstance(item, Node):
            yield node_line(item, picture)
        elif item is None:
            yield "end"
        else:
            frames += 1
            yield f'subgraph scope{frames}["{escaped(item) or " "}"]'
    for edge in picture.edges:
        yield edge_line(edge)
    if picture.sweep:
        yield f"n{picture.sweep[-1].id[1:]} -.-> {picture.sweep[-1].id}"
    if picture.note:
        yield f'note["{escaped(picture.note)}"]'
    for kind in picture.kinds:
        look = LOOKS[kind]
        dashes = ",stroke-dasharray:4" if "dashed" in look.style else ""
        yield (
            f"classDef {kind} fill:{look.fill},stroke:{look.line},"
            f"stroke-width:{look.width:g}px,color:#000000{dashes}"
        )


def node_line(node: Node, picture: Picture) -> str:
    """Write a node: its name, operation and numbers, a line each."""
    rows = [f"{node.name} {node.shape}", f"{node.symbol} {node.word}"]
    if node.kind == "layer":
        rows = [node.name, node.word, node.shape]
    elif picture.level != "layers":
        if node.kind != "gradient":
            rows.append(f"value {written(node.value, picture.level)}")
        if node.kind == "gradient" or not picture.sweep:
            rows.append(f"gradient {written(node.gradient, picture.level)}")
    label = "<br/>".join(escaped(row.strip()) for row in rows if row.strip())
    left, right = LOOKS[node.kind].mermaid
    return f'{node.id}{left}"{label}"{right}:::{node.kind}'


def written(value: np.ndarray | str | None, level: str) -> str:
    """Write a value in a line."""
    if value is None:
        return "—"
    return value if isinstance(value, str) else in_node(value, level)


def edge_line(edge: Edge) -> str:
    """Write an edge."""
    label = f'|"{escaped(edge.words)}"|' if edge.words else ""
    if edge.backward:
        return f"{edge.head} -.->{label} {edge.tail}"
    return f"{edge.tail} -->{label} {edge.head}"


def escaped(content: str) -> str:
    """Escape text: every sign that Mermaid, Markdown or HTML could read as its own, as a number.

    Examples
    --------
    >>> escaped('<b>"1"</b>')
    '#60;b#62;#34;1#34;#60;/b#62;'
    """
    content = content.replace("$", "$\u200b")  # parted, two dollars do not begin a formula
    return re.sub(r"""[#<>&"'`*_~\\{}|;%$]""", lambda c: f"#{ord(c[0])};", content)
