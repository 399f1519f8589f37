"""A picture in DOT, the language of Graphviz.

Names reach the text only through `escaped`, inside labels in the notation that Graphviz has for
tables, which resembles HTML. Every line of text has one look, as a layout program centres no other.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from ...notation.numbers import FEW_DIGITS, fits, rows
from .folding import rows_crossed
from .looks import GREY, LOOKS, PAGE, colour
from .picture import Arrow, Node, Picture, Shown, framed

if TYPE_CHECKING:
    from graphviz import Digraph

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

#: Where edges cross more rows than this in all, as those from a weight that is used all along a
#: chain, a good layout is enough: the best takes minutes.
MANY_ROWS = 1000
HURRIED = {"splines": "line", "nslimit": "0.5", "nslimit1": "0.5", "mclimit": "0.02"}

#: In inches, between what is in a node and its outline.
MARGIN = "0.08,0.05"


def dot(picture: Picture, room: Sequence[str] = (), margin: str = MARGIN) -> str:
    # every node ends with rows as wide as the texts in ``room``
    return str(DotWriter(picture, room, margin).graph().source)


class DotWriter:
    def __init__(self, picture: Picture, room: Sequence[str], margin: str) -> None:
        self.picture, self.room, self.margin = picture, room, margin
        self.frames = count(1)
        self.most = {
            "value": self.largest(node.value for node in picture.nodes),
            "gradient": self.largest(node.gradient for node in picture.nodes),
        }

    def largest(self, values: Iterable[Shown]) -> float:
        arrays = [v for v in values if isinstance(v, np.ndarray) and v.ndim]
        shown = [np.abs(v).ravel() for v in arrays if fits(v, self.picture.level)]
        entries = np.concatenate([np.zeros(1), *shown])
        return float(entries[np.isfinite(entries)].max())

    def graph(self) -> Digraph:
        from graphviz import Digraph  # takes long to import

        picture = self.picture
        crossed = rows_crossed([(a.tail, a.head) for a in picture.arrows if not a.backward])
        hurry = HURRIED if crossed * (2 if picture.sweep else 1) > MANY_ROWS else {}
        graph = Digraph(
            "computation",
            graph_attr=GRAPH | hurry,
            node_attr={"margin": self.margin, **FONT},
            edge_attr=EDGES,
        )
        self.add(graph, picture.nodes)
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
            graph.edge(arrow.tail, arrow.head, arrow_label(arrow), **settings)
        self.add_legend(graph)
        return graph

    def add(self, graph: Digraph, nodes: Sequence[Node], depth: int = 0) -> None:
        for item in framed(nodes, depth):
            if isinstance(item, Node):
                graph.node(item.id, self.label(item), **look(item.kind, item.id, item.kind))
            else:
                title = f"<{escaped(item[0].frame[depth])}>"
                with graph.subgraph(name=f"cluster_{next(self.frames)}") as inside:
                    inside.attr(label=title)
                    self.add(inside, item, depth + 1)

    def label(self, node: Node) -> str:
        first, *others = map(escaped, node.lines)
        words = [f"<B>{first}</B>" if node.given else grey(first)]
        for line in others:  # what computed a tensor, and what several tensors give, in black
            black = node.kind in ("intermediate", "output") or len(words) > 1
            words.append(line if black else grey(line))
        numbers = self.picture.numbers(node)
        grids = [self.grid(value, self.most[name]) for name, value in numbers.items()]
        span = f' COLSPAN="{len(grids)}"' if len(grids) > 1 else ""
        lines = [row([f"<TD{span}>{line}</TD>"]) for line in [*words, *self.room]]
        if grids:
            heads = [] if node.kind == "gradient" else [beside(map(grey, numbers))]
            lines += ["<HR/>", *heads, beside(grids)]
        return f"<{table(lines, 4)}>"

    def grid(self, value: Shown, most: float) -> str:
        entries = value if isinstance(value, np.ndarray) and value.ndim and value.size else None
        if entries is not None and fits(entries, self.picture.level):
            return table(map(row, cells(np.atleast_2d(entries), most)), 2, space=1)
        return escaped(self.picture.in_line(value))

    def add_legend(self, graph: Digraph) -> None:
        with graph.subgraph(name="cluster_legend") as legend:
            legend.attr(label=self.caption(), color="none", **{"class": "legend"})
            for i, kind in enumerate(self.picture.kinds):
                words = "several tensors" if kind == "layer" else kind
                settings = look(kind, f"legend{i}", "legend") | {"fontcolor": GREY, "height": "0.3"}
                legend.node(f"legend{i}", words, **settings)
        for i in range(len(self.picture.kinds)):
            graph.edge(self.picture.forward[-1].id, f"legend{i}", **INVISIBLE)

    def caption(self) -> str:
        remarks = []
        if any(arrow.order for arrow in self.picture.arrows):
            remarks.append("numbers on edges: which operand")
        if any(arrow.rule for arrow in self.picture.arrows):
            remarks.append("formulas on edges: what flows back along them")
        without = all(node.gradient is None for node in self.picture.nodes)
        if without and self.picture.level != "layers":
            remarks.append("—: no gradient")
        remarks += [escaped(self.picture.note)] * bool(self.picture.note)
        lines = [row([f'<TD COLSPAN="4" ALIGN="LEFT">{grey(words)}</TD>']) for words in remarks]
        for name, most in self.most.items():
            if most:
                words = grey(f"colours of {name}s:")
                [scale] = cells(np.array([[-most, 0.0, most]]), most)
                lines.append(row([f'<TD ALIGN="LEFT">{words}</TD>', *scale]))
        return f"<{table(lines, 2, space=1)}>" if lines else ""


def look(kind: str, name: str, css_class: str) -> dict[str, str]:
    shape, style, line, fill, width = LOOKS[kind]
    return {
        "id": name, "class": css_class, "shape": shape, "style": style,
        "color": line, "fillcolor": fill, "penwidth": f"{width:g}",
    }  # fmt: skip


def arrow_label(arrow: Arrow) -> str | None:
    # the words cover the frames that they cross
    if not arrow.words:
        return None
    cells = f'<TD WIDTH="4"></TD><TD BGCOLOR="{PAGE}">{escaped(arrow.words)}</TD>'
    return f"<{table([f'<TR>{cells}</TR>'], 0)}>"


def table(rows: Iterable[str], padding: int, space: int = 0) -> str:
    start = f'<TABLE BORDER="0" CELLSPACING="{space}" CELLPADDING="{padding}">'
    return f"{start}{''.join(rows)}</TABLE>"


def beside(cells: Iterable[str]) -> str:
    return f"<TR>{'<VR/>'.join(f'<TD>{cell}</TD>' for cell in cells)}</TR>"


def row(cells: Iterable[str]) -> str:
    return f"<TR>{''.join(cells)}</TR>"


def cells(matrix: np.ndarray, most: float) -> list[list[str]]:
    # the numbers of an array have as many decimals each, so that their points are in line
    return [
        [
            f'<TD ALIGN="RIGHT" BGCOLOR="{colour(float(entry), most)}">{text}</TD>'
            for entry, text in zip(entries, texts, strict=True)
        ]
        for entries, texts in zip(matrix, rows(matrix, FEW_DIGITS), strict=True)
    ]


def grey(content: str) -> str:
    return f'<FONT COLOR="{GREY}">{content}</FONT>'


def escaped(content: str) -> str:
    # No markup, and no backslash codes of Graphviz's. ``dot`` reads a label as XML by a parser that
    # stumbles over a bracket before a tag: ``]</B>``.
    from graphviz import escape

    return str(escape(html.escape(content))).replace("]", "&#93;")
