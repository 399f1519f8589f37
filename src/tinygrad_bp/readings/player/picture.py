"""The picture of a player: the drawing, with room in every node for a value and a gradient.

The layout program itself reserves the room: each node gets two further rows of placeholder text.
In the picture that comes back, they become empty lines of text that the script fills.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from ...tensor import Tensor
from ..draw import draw, laid_out

SVG = "http://www.w3.org/2000/svg"

#: As wide as what is written into a node may be; see `page.brief_value`.
ROOM = "0.0000_0.0000_0.0000"
ROWS = "".join(f'<TR><TD COLSPAN="9">{row[0]}{ROOM}</TD></TR>' for row in ("value", "gradient"))

#: A point of the layout becomes so many pixels of the page.
SCALE = 1.1


def picture(loss: Tensor, names: Sequence[str]) -> str:
    """Return the drawing of a computation as SVG, to stand in a page.

    Every node is a button that is called by the name of its tensor, and holds two texts, of the
    classes ``value`` and ``gradient``.
    """
    dot = draw(loss, level="ops").dot
    dot = re.sub(r"<HR/>\n.*\n.*\n    </TABLE>>(?= .*class)", f"{ROWS}</TABLE>>", dot)
    return finished(laid_out(dot.encode(), ["-Tsvg"]).decode(), names)


def finished(svg: str, names: Sequence[str]) -> str:
    """Make the picture part of a page: roles and labels, and lines to write into."""
    ElementTree.register_namespace("", SVG)
    root = ElementTree.fromstring(svg)
    width, height = map(float, root.get("viewBox", "").split()[2:])
    root.set("width", f"{SCALE * width:.0f}")
    root.set("height", f"{SCALE * height:.0f}")
    root.set("role", "group")
    root.set("aria-label", "The graph. Every node is a button that leads to its step.")
    for group in root.iter(f"{{{SVG}}}g"):
        kinds = group.get("class", "").split()
        if "node" in kinds:
            make_button(group, names)
        elif "edge" in kinds or "cluster" in kinds:
            group.set("aria-hidden", "true")
        for title in group.findall(f"{{{SVG}}}title"):  # a pointer would show it: n3
            group.remove(title)
    return ElementTree.tostring(root, encoding="unicode")


def make_button(group: ElementTree.Element, names: Sequence[str]) -> None:
    """Make a node a button, and its two further rows lines to write into."""
    key = group.get("id", "")
    if not re.fullmatch(r"n\d+", key):
        return
    group.set("tabindex", "0")
    group.set("role", "button")
    group.set("aria-label", f"Go to the step of {names[int(key[1:])]}")
    for text in group.findall(f"{{{SVG}}}text"):
        for row in ("value", "gradient"):
            if text.text == row[0] + ROOM:
                text.set("class", row)
                text.text = ""
                text.set("text-anchor", "middle")
                text.set("x", f"{middle(group):.1f}")


def middle(group: ElementTree.Element) -> float:
    """Return where the middle of a node is, from left to right."""
    outline = next(child for child in group if child.get("points") or child.get("d"))
    numbers = re.findall(r"-?[\d.]+", outline.get("points") or outline.get("d", ""))
    across = [float(x) for x in numbers[::2]]
    return (min(across) + max(across)) / 2
