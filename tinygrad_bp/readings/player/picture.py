"""The picture of a player: the drawing, with room in every node for a value and a gradient.

The layout program itself reserves the room: each node gets two further rows of placeholder text.
In the picture that comes back, they become empty lines of text that the script fills.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from dataclasses import replace

from ...record import Record
from ..drawing.dot import dot
from ..drawing.layout import SVG, TEXT, described, lay_out, write_svg
from ..drawing.picture import picture

#: As wide as what is written into a node may be; see `page.brief`.
ROOM = "0.0000_0.0000_0.0000"

#: A point of the layout becomes this many pixels of the page.
SCALE = 1.1

#: At the start of an edge, for what flows back along it.
ARROWHEAD = (
    f'<marker xmlns="{SVG}" id="arrowhead" viewBox="0 0 10 10" refX="10" refY="5" markerWidth="4" '
    'markerHeight="4" orient="auto-start-reverse"><path d="M0 0 10 5 0 10z"/></marker>'
)


def stage(record: Record) -> str:
    # Every node is a button, and holds three more texts: value and gradient, and its name for those
    # who look from afar. Screen readers pass over what is no node.
    shown = picture(record, "ops", most=math.inf)
    empty = (replace(node, numbers={}, lines=(*node.lines, ROOM, ROOM)) for node in shown.nodes)
    shown = replace(shown, nodes=tuple(empty))
    root = described(lay_out(dot(shown), ".svg"), shown.title, shown.summary)
    names = {node.id: node.name for node in shown.nodes}
    width, height = map(float, root.get("viewBox", "").split()[2:])
    size = {"width": f"{SCALE * width:.0f}", "height": f"{SCALE * height:.0f}"}
    root.attrib |= {**size, "role": "group"}
    root.append(ET.fromstring(ARROWHEAD))
    for group in root.iter(f"{{{SVG}}}g"):
        if name := names.get(group.get("id", "")):
            group.attrib |= {"tabindex": "0", "role": "button", "aria-label": name}
            for line, row in zip(group.findall(TEXT)[-2:], ("value", "gradient"), strict=True):
                line.text = ""  # instead of the placeholder
                line.set("class", row)
            group.append(name_from_afar(group, name))
        elif group.get("class") != "graph":
            group.set("aria-hidden", "true")
    return write_svg(root)


def name_from_afar(node: ET.Element, name: str) -> ET.Element:
    # in the middle of the node, as large as its width allows
    lines = node.findall(TEXT)
    middle = (float(lines[0].get("y", 0)) + float(lines[-1].get("y", 0))) / 2
    size = {"font-size": f"{min(60, 280 / len(name)):.0f}", "dominant-baseline": "central"}
    place = {"x": lines[0].get("x", "0"), "y": f"{middle:.0f}", "text-anchor": "middle"}
    text = ET.Element(TEXT, {"class": "afar", **place, **size})
    text.text = name
    return text
