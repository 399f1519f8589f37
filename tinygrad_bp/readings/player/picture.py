"""The picture of a player: the drawing, with room in every node for a value and a gradient.

The layout program itself reserves the room: each node gets two further rows of placeholder text.
In the picture that comes back, they become empty lines of text that the script fills.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace

from ...record import Edge, Record
from ..drawing.dot import dot
from ..drawing.layout import SVG, TEXT, described, lay_out, write_svg
from ..drawing.picture import picture

#: A picture to step through has more nodes than one to look at: so 300 operations with the leaves
#: of a network have one each.
MOST_NODES = 800

#: As wide as what is written into a node may be; see `page.brief`.
ROOM = "0.0000_0.0000_0.0000"

#: A point of the layout becomes this many pixels of the page.
SCALE = 1.1

#: For a thick outline.
MARGIN = "0.1,0.08"

#: At the start of an edge, for what flows back along it.
ARROWHEAD = (
    f'<marker xmlns="{SVG}" id="arrowhead" viewBox="0 0 10 10" refX="10" refY="5" markerWidth="4" '
    'markerHeight="4" orient="auto-start-reverse"><path d="M0 0 10 5 0 10z"/></marker>'
)


@dataclass(frozen=True)
class Stage:
    """The picture, and where in it the tensors and operands of the computation are."""

    svg: str  # every node is a button, and holds two texts, of the classes value and gradient
    home: tuple[int, ...]  # by tensor, the node that it is drawn in; in a large graph many share
    edges: dict[Edge, str]  # the id of the edge that is drawn; there is none inside a node


def stage(record: Record) -> Stage:
    shown = replace(picture(record, "ops", most=MOST_NODES), level="layers")  # without the numbers
    text = dot(shown, room=(ROOM, ROOM), margin=MARGIN)
    svg = described(lay_out(text, ".svg"), shown.title, shown.summary)
    home = {k: int(node.id[1:]) for node in shown.nodes for k in node.tensors}
    drawn = {edge: arrow.id for arrow in shown.arrows for edge in arrow.edges}
    between = (edge for edge, i in record.inputs.items() if home[i] != home[edge.step])
    return Stage(
        interactive(svg, {node.id: node.name for node in shown.nodes}),
        tuple(home[k] for k in range(len(home))),
        {edge: drawn[edge] for edge in between},
    )


def interactive(root: ET.Element, names: dict[str, str]) -> str:
    # nodes become buttons; screen readers pass over what is no node
    width, height = map(float, root.get("viewBox", "").split()[2:])
    size = {"width": f"{SCALE * width:.0f}", "height": f"{SCALE * height:.0f}"}
    root.attrib |= {**size, "role": "group"}
    root.append(ET.fromstring(ARROWHEAD))
    for group in root.iter(f"{{{SVG}}}g"):
        if name := names.get(group.get("id", "")):
            group.attrib |= {"tabindex": "0", "role": "button", "aria-label": name}
            for text, row in zip(group.findall(TEXT)[-2:], ("value", "gradient"), strict=True):
                text.text = ""  # instead of the placeholder
                text.set("class", row)
        elif group.get("class") != "graph":
            group.set("aria-hidden", "true")
    return write_svg(root)
