"""A picture in Mermaid, which many pages and editors show without any program to lay it out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import count

from .looks import LOOKS
from .picture import Arrow, Node, Picture, framed


def mermaid(picture: Picture) -> str:
    return "\n".join(lines(picture)) + "\n"


def lines(picture: Picture) -> Iterator[str]:
    yield "flowchart TD"
    yield from node_lines(picture, picture.nodes, count(1))
    yield from map(arrow_line, picture.arrows)
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


def node_lines(
    picture: Picture, nodes: Sequence[Node], frames: Iterator[int], depth: int = 0
) -> Iterator[str]:
    for item in framed(nodes, depth):
        if isinstance(item, Node):
            left, right = LOOKS[item.kind].mermaid
            numbers = picture.numbers(item).items()
            rows = [*item.lines, *(f"{name} {picture.in_line(value)}" for name, value in numbers)]
            label = "<br/>".join(map(escaped, rows))
            yield f'{item.id}{left}"{label}"{right}:::{item.kind}'
        else:
            yield f'subgraph scope{next(frames)}["{escaped(item[0].frame[depth]) or " "}"]'
            yield from node_lines(picture, item, frames, depth + 1)
            yield "end"


def arrow_line(arrow: Arrow) -> str:
    label = f'|"{escaped(arrow.words)}"|' if arrow.words else ""
    if arrow.backward:
        return f"{arrow.head} -.->{label} {arrow.tail}"
    return f"{arrow.tail} -->{label} {arrow.head}"


def escaped(content: str) -> str:
    """Escape text: every sign that Mermaid, Markdown or HTML could read as its own, as a number.

    Examples
    --------
    >>> escaped('<b>"1"</b>')
    '#60;b#62;#34;1#34;#60;/b#62;'
    """
    content = content.replace("$", "$\u200b")  # parted, two dollars do not begin a formula
    return re.sub(r"""[#<>&"'`*_~\\{}|;%$]""", lambda c: f"#{ord(c[0])};", content)
