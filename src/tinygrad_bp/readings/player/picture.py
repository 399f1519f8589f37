"""The picture of a player: the drawing, with room in every node for a value and a gradient.

The layout program itself reserves the room: each node gets two further rows of placeholder text.
In the picture that comes back, they become empty lines of text that the script fills.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace

from ...notation.names import recorded_tensors
from ...tensor import Tensor
from ..draw import draw
from ..drawing.dot import DotWriter
from ..drawing.folding import folded
from ..drawing.layout import SVG, described, laid_out
from ..drawing.picture import MOST_NODES, Node

#: As wide as what is written into a node may be; see `page.brief_value`.
ROOM = "0.0000_0.0000_0.0000"

#: A point of the layout becomes so many pixels of the page.
SCALE = 1.1


class WithRoom(DotWriter):
    """Writes a picture whose nodes have two empty rows."""

    def table(self, node: Node) -> str:
        """Write a node's label."""
        rows = "".join(f"<TR><TD>{row}{ROOM}</TD></TR>" for row in ("v", "g"))
        return super().table(node).replace("</TABLE>", f"{rows}</TABLE>")


def picture(loss: Tensor, names: Sequence[str]) -> str:
    """Return the drawing of a computation as SVG, to stand in a page.

    Every node is a button that is called by the name of its tensor, and holds two texts, of the
    classes ``value`` and ``gradient``.
    """
    drawn = replace(draw(loss).picture, level="layers")  # the nodes of "ops", without their numbers
    dot = "\n".join(WithRoom(drawn).lines())
    svg = described(laid_out(dot, ".svg"), drawn.title, drawn.summary)
    return interactive(svg, names)


def homes(loss: Tensor) -> list[int]:
    """Return for every tensor that of the node that it is drawn in; in a large graph many share."""
    tensors = recorded_tensors(loss)
    position = {t.id: k for k, t in enumerate(tensors)}
    home = list(range(len(tensors)))
    for group in folded(tensors, "ops", MOST_NODES)[0]:
        for t in group.tensors:
            home[position[t.id]] = position[group.tensors[-1].id]
    return home


def interactive(svg: str, names: Sequence[str]) -> str:
    """Make nodes buttons with lines to write into; hide from screen readers what is no node."""
    root = ET.fromstring(svg)
    width, height = map(float, root.get("viewBox", "").split()[2:])
    root.set("width", f"{SCALE * width:.0f}")
    root.set("height", f"{SCALE * height:.0f}")
    root.set("role", "group")
    for group in root.iter(f"{{{SVG}}}g"):
        if re.fullmatch(r"n\d+", key := group.get("id", "")):
            group.set("tabindex", "0")
            group.set("role", "button")
            group.set("aria-label", f"Go to the step of {names[int(key[1:])]}")
            make_room(group)
        elif group.get("class") != "graph":
            group.set("aria-hidden", "true")
    return ET.tostring(root, encoding="unicode")


def make_room(group: ET.Element) -> None:
    """Make the two further rows of a node lines to write into, in its middle."""
    outline = next(child for child in group if child.get("points") or child.get("d"))
    numbers = re.findall(r"-?[\d.]+", outline.get("points", "") + outline.get("d", ""))
    across = [float(x) for x in numbers[::2]]
    for text in group.findall(f"{{{SVG}}}text"):
        for row in ("value", "gradient"):
            if text.text == row[0] + ROOM:
                text.text = ""
                text.set("class", row)
                text.set("text-anchor", "middle")
                text.set("x", f"{(min(across) + max(across)) / 2:.1f}")
