"""A picture in DOT, the language of Graphviz.

Names reach the text only through `escaped`, inside labels in the notation that Graphviz has for
tables, which resembles HTML. All else in it is fixed words, counters and numbers.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...notation.numbers import FEW_DIGITS, fits, number, reach
from .folding import rows_crossed
from .looks import GREY, LOOKS, PAGE, Look, colour
from .picture import Edge, Node, Picture, framed

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
INVISIBLE = {"style": "invis"}

#: Where edges reach over more rows than this in all, as with a weight that is used all along a
#: chain, the layout program is told to be content with a good picture; the best takes minutes.
MANY_ROWS = 1000
HURRIED = {"splines": "line", "nslimit": "0.5", "nslimit1": "0.5", "mclimit": "0.02"}

BACKWARD = {
    "dir": "back",
    "style": "dashed",
    "color": LOOKS["gradient"].line,
    "fontcolor": LOOKS["gradient"].line,
}


def dot(picture: Picture) -> str:
    """Return a picture as DOT text."""
    return "\n".join(DotWriter(picture).lines()) + "\n"


class DotWriter:
    """Writes a picture: the frames with the nodes in them, the edges, and a legend below."""

    margin = "0.08,0.05"  # in inches, between what is in a node and its outline

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.sweep = picture.sweep
        arrays = [node.value for node in picture.nodes if isinstance(node.value, np.ndarray)]
        self.most_value = self.largest(arrays)
        gradients = [node.gradient for node in picture.nodes if node.gradient is not None]
        self.most_gradient = self.largest(gradients)

    def largest(self, arrays: list[np.ndarray]) -> float:
        """Return the largest finite size of an entry that is shown in a table."""
        shown = [a for a in arrays if a.ndim and fits(a, self.picture.level)]
        entries = np.abs(np.concatenate([np.zeros(1), *(a.ravel() for a in shown)]))
        return float(entries[np.isfinite(entries)].max())

    def lines(self) -> Iterator[str]:
        """Yield the lines."""
        yield "digraph computation {"
        ends = [(edge.tail, edge.head) for edge in self.picture.edges if not edge.backward]
        rows = rows_crossed(ends) * (2 if self.sweep else 1)
        hurry = HURRIED if rows > MANY_ROWS else {}
        yield f"graph {attributes(GRAPH | hurry)}"
        yield f"node {attributes({'margin': self.margin, **FONT})}"
        yield f"edge {attributes(EDGES)}"
        frames = 0
        for item in framed(self.picture.nodes):
            if isinstance(item, Node):
                yield self.node(item)
            elif item is None:
                yield "}"
            else:
                frames += 1
                yield f"subgraph cluster_{frames} {{"
                yield f"label={label(escaped(item))}"
        for node in self.sweep:
            twin = f"n{node.id[1:]}"
            start = BACKWARD | {"id": "start", "dir": "forward"}
            settings = start if node is self.sweep[-1] else INVISIBLE
            yield f"{{rank=same {twin} {node.id}}}"
            yield f"{twin} -> {node.id} {attributes(settings)}"
        yield from map(self.edge, self.picture.edges)
        yield from self.legend()
        yield "}"

    def node(self, node: Node) -> str:
        """Write a node."""
        look = LOOKS[node.kind]
        return f"{node.id} {attributes(looks(look, node.id, node.kind), self.table(node))}"

    def table(self, node: Node) -> str:
        """Write a node's label: name and shape, operation, and the numbers."""
        name = escaped(node.name)
        rows = [f"<B>{name}</B>" if node.given else grey(name)]
        if node.kind == "layer":
            rows += filter(None, [grey(escaped(node.word)), escaped(node.shape)])
        else:
            rows[0] += f" {node.shape}" * bool(node.shape)
            rows += filter(None, [f"{escaped(node.symbol)} {grey(escaped(node.word))}".strip()])
        if node.kind == "layer" or self.picture.level == "layers":
            cells: list[tuple[str, str]] = []
        elif node.kind == "gradient":
            cells = [("", self.grid(node.gradient, self.most_gradient))]
        else:
            cells = [("value", self.grid(node.value, self.most_value))]
            if not self.sweep:
                cells.append(("gradient", self.grid(node.gradient, self.most_gradient)))
        span = f' COLSPAN="{len(cells)}"' if len(cells) > 1 else ""
        lines = [f"<TD{span}>{row}</TD>" for row in rows]
        heads = [grey(head) for head, _ in cells if head]
        bodies = [body for _, body in cells]
        below = ["<VR/>".join(f"<TD>{cell}</TD>" for cell in row) for row in (heads, bodies) if row]
        return table(lines, 4, below)

    def grid(self, value: np.ndarray | str | None, most: float) -> str:
        """Write a value: a table of coloured cells, if it is small."""
        if value is None:
            return "—"
        if isinstance(value, str):
            return escaped(value)
        if not value.size or not fits(value, self.picture.level):
            return reach(value)
        if not value.ndim:
            return number(value[()], FEW_DIGITS)
        return table(
            ["".join(cell(x, most) for x in row) for row in np.atleast_2d(value)], 2, space=1
        )

    def edge(self, edge: Edge) -> str:
        """Write an edge; its words stand beside it, and cover the frames that they cross."""
        settings = {"id": edge.id} | (BACKWARD if edge.backward else {})
        words = f'<TD WIDTH="4"></TD><TD BGCOLOR="{PAGE}">{escaped(edge.words)}</TD>'
        label = table([words], 0) if edge.words else ""
        return f"{edge.tail} -> {edge.head} {attributes(settings, label)}"

    def legend(self) -> Iterator[str]:
        """Yield a frame with a node of each kind in the picture, and what the numbers mean."""
        kinds = self.picture.kinds
        yield "subgraph cluster_legend {"
        yield f"graph {attributes({'color': 'none', 'class': 'legend'}, self.caption())}"
        for i, kind in enumerate(kinds):
            settings = looks(LOOKS[kind], f"legend{i}", "legend") | {"height": "0.3"}
            yield f"legend{i} {attributes(settings, grey(WORDS[kind]))}"
        yield "}"
        for i in range(len(kinds)):
            yield f"{self.picture.output.id} -> legend{i} {attributes(INVISIBLE)}"

    def caption(self) -> str:
        """Write what stands below the legend."""
        rows = []
        if any(edge.order for edge in self.picture.edges):
            rows.append("numbers on edges: which operand")
        if any(edge.rule for edge in self.picture.edges):
            rows.append("formulas on edges: what flows back along them")
        without = all(node.gradient is None for node in self.picture.nodes)
        if without and self.picture.level != "layers":
            rows.append("—: no gradient, as before backward()")
        rows += [escaped(self.picture.note)] * bool(self.picture.note)
        lines = [f'<TD COLSPAN="4" ALIGN="LEFT">{grey(row)}</TD>' for row in rows]
        for name, most in [("values", self.most_value), ("gradients", self.most_gradient)]:
            if most:
                words = grey(f"colours of {name}:")
                cells = "".join(cell(np.float64(x), most) for x in (-most, 0.0, most))
                lines.append(f'<TD ALIGN="LEFT">{words}</TD>{cells}')
        return table(lines, 2, space=1) if lines else ""


#: What the legend calls each kind.
WORDS = {
    "parameter": "parameter",
    "input": "input",
    "intermediate": "intermediate",
    "layer": "several tensors",
    "output": "output",
    "gradient": "gradient",
}


def looks(look: Look, name: str, kind: str) -> dict[str, str]:
    """Return the settings of a node."""
    return {
        "id": name,
        "class": kind,
        "shape": look.shape,
        "style": look.style,
        "color": look.line,
        "fillcolor": look.fill,
        "penwidth": f"{look.width:g}",
    }


def attributes(settings: dict[str, str], words: str = "") -> str:
    """Write settings, none of which holds a quote or backslash, and a label."""
    parts = [f'{key}="{value}"' for key, value in settings.items()]
    return f"[{' '.join(parts + [f'label={label(words)}'] * bool(words))}]"


def label(words: str) -> str:
    """Write a label that holds tags."""
    return f"<{words}>"


def table(rows: list[str], padding: int, below: Sequence[str] = (), space: int = 0) -> str:
    """Write a table of rows of cells; further rows stand below a line."""
    upper, lower = ("".join(f"<TR>{row}</TR>" for row in part) for part in (rows, below))
    start = f'<TABLE BORDER="0" CELLSPACING="{space}" CELLPADDING="{padding}">'
    return f"{start}{upper}{'<HR/>' * bool(lower)}{lower}</TABLE>"


def cell(entry: Any, most: float) -> str:
    """Write an entry of an array in its colour."""
    text = number(entry, FEW_DIGITS)
    return f'<TD ALIGN="RIGHT" BGCOLOR="{colour(float(entry), most)}">{text}</TD>'


def grey(content: str) -> str:
    """Write something of less importance."""
    return f'<FONT COLOR="{GREY}">{content}</FONT>' if content else ""


def escaped(content: str) -> str:
    """Escape text, so that it is shown as it is: no markup, no backslash codes of Graphviz's.

    ``dot`` reads a label as XML by a parser that stumbles over a bracket before a tag: ``]</B>``.
    """
    return html.escape(content).replace("\\", "\\\\").replace("]", "&#93;")
