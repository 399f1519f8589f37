"""A picture in DOT, the language of Graphviz.

Names reach the text only through `escaped`, inside labels in the notation that Graphviz has for
tables, which resembles HTML. Every line of text has one look, as a layout program centres no other.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from itertools import groupby, starmap
from math import ceil, sqrt
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from ...notation.numbers import FEW_DIGITS, fits
from .looks import GREY, LOOKS, PAGE, cells
from .picture import Arrow, Node, Picture, Shown

if TYPE_CHECKING:
    from graphviz import Digraph

#: A node as DOT has it: its name there, what it says, and its settings.
Box: TypeAlias = tuple[str, str, dict[str, str]]

FONT = {"fontname": "Helvetica", "fontsize": "12"}
GRAPH = {
    "bgcolor": PAGE,
    "ordering": "in",  # operands from left to right
    "newrank": "true",  # rows are shared by all frames; otherwise some graphs cannot be laid out
    "labeljust": "l",  # titles of frames stand at the bottom left, where few edges pass
    "labelloc": "b",
    "nodesep": "0.3",
    "ranksep": "0.4",
    "color": GREY,
    **FONT,
}
EDGES = {"color": GREY, "fontcolor": GREY, "arrowsize": "0.7", **FONT}
#: From computed tensor to computed tensor an edge is straight, if possible, so that a chain stands
#: upright and its leaves beside it.
STRAIGHT = "8"

INVISIBLE = {"style": "invis"}
PURPLE = LOOKS["gradient"].line
BACKWARD = {"dir": "back", "style": "dashed", "color": PURPLE, "fontcolor": PURPLE}

#: Of a large picture a good layout is enough: the best takes minutes.
MANY_NODES = 100
HURRIED = {"splines": "line", "nslimit": "0.5", "nslimit1": "0.5", "mclimit": "0.02"}

#: A deeper graph is broken into columns, as a text is into lines.
DEEPEST_COLUMN = 12

COLUMN = {"color": "none", "class": "column"}
FRAME = {"color": GREY, "class": ""}  # in a column, whose attributes it would have
LEGEND = {"layer": "several tensors", "elsewhere": "in another column"}

#: In inches, between what is in a node and its outline.
MARGIN = "0.1,0.08"


def dot(picture: Picture) -> str:
    return str(DotWriter(picture).graph().source)


def columns(picture: Picture) -> dict[str, int]:
    """Return the column of each node; gradients stand beside what they are the gradients of.

    What could be computed later without delay, such as a leaf, stands where it is first used.
    """
    users: dict[str, list[str]] = {node.id: [] for node in picture.forward}
    depth = dict.fromkeys(users, 0)
    for arrow in picture.arrows:  # in the order of heads
        if not arrow.backward:
            users[arrow.tail].append(arrow.head)
            depth[arrow.head] = max(depth[arrow.head], depth[arrow.tail] + 1)
    deepest = max(depth.values())
    number = round(sqrt(deepest / 4)) if deepest > DEEPEST_COLUMN else 1  # about as wide as high
    height = ceil(deepest / number) or 1
    latest: dict[str, int] = {}
    found: dict[str, int] = {}
    for node, heads in reversed(users.items()):
        latest[node] = min((latest[head] - 1 for head in heads), default=depth[node])
        found[node] = min((found[head] for head in heads), default=number)
        if latest[node] == depth[node] > 0:
            found[node] = (depth[node] - 1) // height
    return found | {node.id: found[f"n{node.id[1:]}"] for node in picture.sweep}


class DotWriter:
    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.columns = columns(picture)
        self.broken = any(self.columns.values())
        self.names = {node.id: node.name for node in picture.nodes}
        self.frames: dict[tuple[int | str, ...], int] = {}

    def graph(self) -> Digraph:
        from graphviz import Digraph  # takes long to import

        picture = self.picture
        hurry = HURRIED if len(picture.nodes) > MANY_NODES else {}
        graph = Digraph(
            "computation",
            graph_attr=GRAPH | hurry,
            node_attr={"margin": MARGIN, **FONT},
            edge_attr=EDGES,
        )
        for path, nodes in groupby(picture.nodes, self.path_of):  # to open a frame takes long
            self.put(graph, path, map(self.box, nodes))
        for node in picture.sweep:  # beside what it is the gradient of
            start = BACKWARD | {"id": "start", "dir": "forward"}
            settings = start if node is picture.sweep[-1] else INVISIBLE
            with graph.subgraph(graph_attr={"rank": "same"}) as row:
                row.edge(f"n{node.id[1:]}", node.id, **settings)
        leaves = {node.id for node in picture.nodes if node.kind in ("parameter", "input")}
        for arrow in picture.arrows:
            settings = {"id": arrow.id} | (BACKWARD if arrow.backward else {})
            if not arrow.backward and arrow.tail not in leaves:
                settings["weight"] = STRAIGHT
            graph.edge(self.tail(graph, arrow), arrow.head, arrow_label(arrow), **settings)
        self.add_legend(graph)
        return graph

    def box(self, node: Node) -> Box:
        return node.id, self.label(node), look(node.kind, node.id, node.kind)

    def tail(self, graph: Digraph, arrow: Arrow) -> str:
        # in the column of the head, a node of another column is called by its name
        column = self.columns[arrow.head]
        if self.columns[arrow.tail] == column:
            return arrow.tail
        key = f"{arrow.tail}-{column}"
        settings = small("elsewhere", key, "elsewhere")
        self.put(graph, self.path(column), [(key, escaped(self.names[arrow.tail]), settings)])
        return key

    def path_of(self, node: Node) -> tuple[int | str, ...]:
        return self.path(self.columns[node.id], *node.frame)

    def path(self, column: int, *frame: str) -> tuple[int | str, ...]:
        return (column, *frame) if self.broken else frame

    def put(
        self, graph: Digraph, path: tuple[int | str, ...], boxes: Iterable[Box], depth: int = 0
    ) -> None:
        # in a column, frames of one name are one frame; the column itself is not seen
        if depth == len(path):
            for key, label, settings in boxes:
                graph.node(key, label, **settings)
            return
        number = self.frames.setdefault(path[: depth + 1], len(self.frames) + 1)
        title = path[depth]
        with graph.subgraph(name=f"cluster_{number}") as inside:
            if isinstance(title, int):
                inside.attr(**COLUMN)
            else:
                inside.attr(label=f"<{escaped(title)}>", **(FRAME if self.broken else {}))
            self.put(inside, path, boxes, depth + 1)

    def label(self, node: Node) -> str:
        first, *others = map(escaped, node.lines)
        words = [f"<B>{first}</B>", *(grey(line) if line == node.kind else line for line in others)]
        grids = [f"<TD>{self.grid(value)}</TD>" for value in node.numbers.values()]
        span = f' COLSPAN="{len(grids)}"' if len(grids) > 1 else ""
        lines = [row([f"<TD{span}>{line}</TD>"]) for line in words]
        if grids:
            heads = [f"<TD>{grey(word)}</TD>" for word in node.numbers]
            lines += ["<HR/>"] if node.kind == "gradient" else ["<HR/>", row(heads, "<VR/>")]
            lines += [row(grids, "<VR/>")]
        return f"<{table(lines, 4)}>"

    def grid(self, value: Shown) -> str:
        if not isinstance(value, np.ndarray) or not value.size or not value.ndim:
            return escaped(self.picture.in_line(value))
        if not fits(value, self.picture.level):
            return escaped(self.picture.in_line(value))
        cell = '<TD ALIGN="RIGHT" BGCOLOR="{1}">{0}</TD>'.format
        return table([row(starmap(cell, line)) for line in cells(value, FEW_DIGITS)], 2, space=1)

    def add_legend(self, graph: Digraph) -> None:
        kinds = [kind for kind in LOOKS if any(kind == node.kind for node in self.picture.nodes)]
        kinds += ["elsewhere"] if self.broken else []
        with graph.subgraph(name="cluster_legend") as legend:
            legend.attr(label=self.caption(), color="none", **{"class": "legend"})
            for i, kind in enumerate(kinds):
                words = LEGEND.get(kind, kind)
                legend.node(f"legend{i}", words, **small(kind, f"legend{i}", "legend"))
        for i in range(len(kinds)):
            graph.edge(self.picture.forward[-1].id, f"legend{i}", **INVISIBLE)

    def caption(self) -> str:
        arrows, break_ = self.picture.arrows, '<BR ALIGN="LEFT"/>'
        numbers = [node.numbers for node in self.picture.nodes]
        remarks = {
            "numbers on edges: order of the operands": any(arrow.order for arrow in arrows),
            "formulas on edges: what flows back along them": any(arrow.rule for arrow in arrows),
            "—: no gradient": any(n.get("gradient", "") is None for n in numbers),
        }
        lines = [f"{remark}{break_}" for remark, applies in remarks.items() if applies]
        return f"<{grey(''.join(lines))}>" if lines else ""


def look(kind: str, name: str, css_class: str) -> dict[str, str]:
    shape, style, line, fill, width = LOOKS[kind]
    return {
        "id": name, "class": css_class, "shape": shape, "style": style,
        "color": line, "fillcolor": fill, "penwidth": f"{width:g}",
    }  # fmt: skip


def small(kind: str, name: str, css_class: str) -> dict[str, str]:
    return look(kind, name, css_class) | {"fontcolor": GREY, "height": "0.3"}


def arrow_label(arrow: Arrow) -> str | None:
    # the words cover the frames that they cross
    if not arrow.words:
        return None
    words = f'<TD WIDTH="4"></TD><TD BGCOLOR="{PAGE}">{escaped(arrow.words)}</TD>'
    return f"<{table([row([words])], 0)}>"


def table(rows: Iterable[str], padding: int, space: int = 0) -> str:
    start = f'<TABLE BORDER="0" CELLSPACING="{space}" CELLPADDING="{padding}">'
    return f"{start}{''.join(rows)}</TABLE>"


def row(cells: Iterable[str], between: str = "") -> str:
    return f"<TR>{between.join(cells)}</TR>"


def grey(content: str) -> str:
    return f'<FONT COLOR="{GREY}">{content}</FONT>'


def escaped(content: str) -> str:
    # No markup, and no backslash codes of Graphviz's. ``dot`` reads a label as XML by a parser that
    # stumbles over a bracket before a tag: ``]</B>``.
    from graphviz import escape

    return str(escape(html.escape(content))).replace("]", "&#93;")
