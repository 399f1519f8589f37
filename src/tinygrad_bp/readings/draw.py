"""The graph of a recorded computation as a picture: ``draw(loss).save("loss.svg")``.

Every tensor is a node and every operand an edge. A node shows a tensor's name, shape, operation,
value and gradient. This file writes the graph in DOT, the language of Graphviz, and hands the text
to a layout program: the system's ``dot``, or else ``graphviz-pure``, which pip can install.
"""

from __future__ import annotations

import html
import importlib
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ..backward import starting_gradient, sweep
from ..tensor import Tensor

#: A graphviz.Digraph. The package is imported only when a picture is drawn, and has no type hints.
Graph: TypeAlias = Any

#: How each kind of node looks: a shape of its own, and a hue of the Okabe-Ito palette, made for
#: colour-blind readers too.
LOOKS = {
    "parameter": {"shape": "note", "style": "filled", "color": "#B36B00", "fillcolor": "#FDEBCB"},
    "constant": {"shape": "box", "style": "filled", "color": "#6B6B6B", "fillcolor": "#F0F0F0"},
    "intermediate": {
        "shape": "box",
        "style": "filled,rounded",
        "color": "#0072B2",
        "fillcolor": "#E5F2FA",
    },
    "output": {"shape": "octagon", "style": "filled", "color": "#00734F", "fillcolor": "#D6F1E6"},
}
GREY = "#595959"
FONT = {"fontname": "Helvetica", "fontsize": "12"}
PAGE = {
    "ordering": "in",  # operands from left to right
    "newrank": "true",  # rows are shared by all frames; otherwise some graphs cannot be laid out
    "labeljust": "l",  # titles of frames stand at the bottom left, where few edges pass
    "labelloc": "b",
    "nodesep": "0.3",
    "ranksep": "0.4",
    "color": GREY,
    **FONT,
}
NODES = {"margin": "0.06,0.03", "penwidth": "1.5", **FONT}
EDGES = {"color": GREY, "fontcolor": GREY, "arrowsize": "0.7", **FONT}

#: An array is written out up to here.
MOST_ENTRIES = 12
LONGEST_AXIS = 6

#: What a drawing can be saved as, and the layout program's flags for it: none for the DOT text.
FORMATS = {".svg": ["-Tsvg"], ".png": ["-Tpng", "-Gdpi=144"], ".dot": []}
SECONDS_TO_LAY_OUT = 60.0
INSTALL = (
    'A picture needs the package graphviz and a layout program: pip install "tinygrad_bp[draw]"'
)


@dataclass(frozen=True)
class Drawing:
    """A picture of a computation, as it was at the moment of drawing. Made by `draw`.

    Parameters
    ----------
    dot
        The graph in DOT, the language of Graphviz; the same text in every run.
    """

    dot: str

    @property
    def svg(self) -> str:
        """The picture as SVG text: the group of node k is ``n{k}``, of an edge ``e{i}-{k}-{p}``."""
        return laid_out(self.dot.encode(), FORMATS[".svg"]).decode()

    def save(self, path: str | Path) -> None:
        """Save the picture as what the path ends in: ``.svg``, ``.png``, or ``.dot`` for the text.

        Folders that are missing are created.

        Raises
        ------
        ValueError
            If the path ends in anything else.
        RuntimeError
            If there is no layout program, or it fails, or takes longer than a minute.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> import tinygrad_bp as bp
        >>> from tinygrad_bp.readings.draw import draw
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "square.dot")
        ...     draw(bp.tensor(3.0) ** 2).save(path)
        ...     path.read_text(encoding="utf-8").splitlines()[0]
        'digraph computation {'
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix not in FORMATS:
            raise ValueError(
                f"a drawing cannot be saved as {path.name!r}: "
                f"the name must end in one of {', '.join(FORMATS)}."
            )
        picture = self.dot.encode()
        if FORMATS[suffix]:
            picture = laid_out(picture, FORMATS[suffix])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture)


def draw(output: Tensor, level: str = "ops") -> Drawing:
    """Draw the computation that a Tensor was recorded from.

    The forward pass runs downward. A sheet is a parameter (a leaf that requires a gradient), a box
    a constant, a rounded box an intermediate result, an octagon the output. Where a tensor was
    computed from several, the edges are numbered in the order of the operands. Scopes are frames.
    An array of over 12 entries, or over 6 in a row or column, is summarised as ``min … max``.

    Parameters
    ----------
    output
        The result to draw. If it needs a gradient and has one entry, its gradient with respect to
        every node is shown, interior ones too; nothing is written to any ``grad``. A dash means
        that there is no gradient.

    Returns
    -------
    Drawing
        Its attribute ``dot`` is the text, its method ``save`` makes a picture of it.

    Raises
    ------
    RuntimeError
        If the package graphviz is not installed.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> from tinygrad_bp.readings.draw import draw
    >>> x = bp.tensor(3.0, requires_grad=True, name="x")
    >>> dot = draw(x * x).dot
    >>> print(*[line.strip() for line in dot.splitlines() if "->" in line], sep="; ")
    0 -> 1 [label=" 1 "]; 0 -> 1 [label=" 2 "]
    """
    if not isinstance(output, Tensor):
        raise TypeError(f"draw takes a Tensor, not {output!r:.60}.")
    tensors, values = recorded(output)
    gradients = gradients_of(output)
    node = {tensor.id: f"n{position}" for position, tensor in enumerate(tensors)}

    frames = {"": digraph("computation", graph_attr=PAGE, node_attr=NODES, edge_attr=EDGES)}
    for tensor in tensors:
        kind = "output" if tensor is output else kind_of(tensor)
        label = label_of(tensor, kind, values[tensor.id], gradients.get(tensor.id))
        look = {"id": node[tensor.id], "class": kind, **LOOKS[kind]}
        frame_of(tensor.scope, frames).node(node[tensor.id], label, **look)

    for scope in list(frames)[:0:-1]:  # latest first: an inner frame was made after its outer one
        frames[scope.rpartition("/")[0]].subgraph(frames[scope])
    graph = frames[""]
    for tensor in tensors:
        several = sum(x is not None for x in tensor.inputs) > 1
        for position, x in enumerate(tensor.inputs, 1):
            if x is not None:
                ends = node[x.id], node[tensor.id]
                name = f"e{ends[0][1:]}-{ends[1][1:]}-{position}"
                graph.edge(*ends, f" {position} " if several else None, id=name)
    return Drawing(graph.source)


# ---- what is drawn ----


def recorded(output: Tensor) -> tuple[list[Tensor], dict[int, list[np.ndarray]]]:
    """Return the tensors of the computation in recording order, and by id the values they had then.

    There are several values only where a leaf was given a new one between two uses.
    """
    tensors = {output.id: output}
    values = {output.id: [output.data]}
    frontier = [output]
    while frontier:
        tensor = frontier.pop()
        for x, value in zip(tensor.inputs, tensor.operands, strict=True):
            if x is None:
                continue
            if x.id not in tensors:
                tensors[x.id] = x
                values[x.id] = []
                frontier.append(x)
            if all(value is not known for known in values[x.id]):
                values[x.id].append(value)
    return [tensors[key] for key in sorted(tensors)], values


def gradients_of(output: Tensor) -> dict[int, np.ndarray]:
    """Return by id the gradient of the output with respect to every tensor that has one."""
    if not output.requires_grad or output.size != 1:
        return {}
    gradients = {}

    def keep(tensor: Tensor, g: Any) -> None:
        gradients[tensor.id] = np.asarray(g)

    for leaf, g in sweep(output, starting_gradient(output, None), visit=keep):
        keep(leaf, g)
    return gradients


def kind_of(tensor: Tensor) -> str:
    """Say which of `LOOKS` a tensor has that is not the output."""
    if tensor.primitive is not None:
        return "intermediate"
    return "parameter" if tensor.requires_grad else "constant"


# ---- how it is written: Graphviz lays out tables in a notation of its own that resembles HTML ----


def digraph(name: str, **settings: dict[str, str]) -> Graph:
    """Return an empty graph."""
    try:
        return importlib.import_module("graphviz").Digraph(name, **settings)
    except ImportError:
        raise RuntimeError(INSTALL) from None


def frame_of(scope: str, frames: dict[str, Graph]) -> Graph:
    """Return the frame of a scope, "outer/inner"; make it, and those around it, if it is new."""
    if scope not in frames:
        for path in accumulate(scope.split("/"), "{}/{}".format):
            if path not in frames:
                label = f"<{text(path.rpartition('/')[2]) or ' '}>"
                frames[path] = digraph(f"cluster_{len(frames)}", graph_attr={"label": label})
    return frames[scope]


def label_of(
    tensor: Tensor, kind: str, values: list[np.ndarray], gradient: np.ndarray | None
) -> str:
    """Write a node: name and shape; operation, or what kind of leaf it is; value and gradient."""
    name = f"<B>{text(tensor.name)}</B> " if tensor.name else ""
    origin = grey(kind) if tensor.primitive is None else operation(tensor)
    value = grid(values[0]) if len(values) == 1 else f"{len(values)} values"
    slope = "—" if gradient is None else grid(gradient)
    return f"""<<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="3">
    <TR><TD COLSPAN="2">{name}{tensor.shape}</TD></TR>
    <TR><TD COLSPAN="2">{origin}</TD></TR><HR/>
    <TR><TD>{grey("value")}</TD><VR/><TD>{grey("gradient")}</TD></TR>
    <TR><TD>{value}</TD><VR/><TD>{slope}</TD></TR>
    </TABLE>>"""


def operation(tensor: Tensor) -> str:
    """Write what computed a tensor, with its Python numbers: ``^ 2 power``, ``where(·, 0, ·)``."""
    primitive = tensor.primitive
    assert primitive is not None
    name, symbol = text(primitive.__name__), text(primitive.symbol)
    numbers = [
        number(value, digits=6) if x is None else ""
        for x, value in zip(tensor.inputs, tensor.operands, strict=True)
    ]
    if symbol == name:
        return f"{name}({', '.join(number or '·' for number in numbers)})" if any(numbers) else name
    if len(numbers) == 2:
        symbol = f"{numbers[0]} {symbol} {numbers[1]}".strip()
    return f"{symbol} {grey(name)}"


def grid(array: np.ndarray) -> str:
    """Write a small array as rows and columns, and a larger one as ``min … max``."""
    if array.size == 0:
        return "empty"
    if array.ndim > 2 or array.size > MOST_ENTRIES or max(array.shape, default=0) > LONGEST_AXIS:
        return f" {number(array.min())} … {number(array.max())} "
    columns = [
        "".join(f'{number(entry)}<BR ALIGN="RIGHT"/>' for entry in column)
        for column in np.atleast_2d(array).T
    ]
    cells = "".join(f"<TD>{column}</TD>" for column in columns)
    return f'<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="4"><TR>{cells}</TR></TABLE>'


def number(value: Any, digits: int = 3) -> str:
    """Write a number: the significant digits of a float, and never "-0"; all of an integer."""
    return f"{value:z.{digits}g}" if isinstance(value, (float, np.floating)) else str(value)


def grey(content: str) -> str:
    """Write something of less importance."""
    return f'<FONT COLOR="{GREY}">{content}</FONT>'


def text(content: str) -> str:
    """Escape text, so that it is shown as it is: no markup, and none of Graphviz's backslash codes.

    Characters that cannot be seen, a line break among them, are shown as Python writes them.
    """
    visible = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in content
    )
    return html.escape(visible).replace("\\", "\\\\")


# ---- how it becomes a picture ----


def laid_out(dot: bytes, flags: list[str]) -> bytes:
    """Run the layout program on a DOT text and return the picture."""
    try:
        done = subprocess.run(
            [layout_program(), *flags], input=dot, capture_output=True, timeout=SECONDS_TO_LAY_OUT
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(
            f"{error.cmd[0]} was stopped: it took more than {SECONDS_TO_LAY_OUT:g} s to lay the "
            "graph out. Draw a smaller part of the computation, or save the text as .dot."
        ) from None
    if done.returncode != 0:
        raise RuntimeError(
            f"{done.args[0]} failed with status {done.returncode}: "
            f"{done.stderr.decode(errors='replace').strip()}"
        )
    return done.stdout


def layout_program() -> str:
    """Return the path of the layout program; pip puts ``graphviz-pure`` beside Python's scripts."""
    program = (
        shutil.which("dot")
        or shutil.which("graphviz-pure")
        or shutil.which("graphviz-pure", path=sysconfig.get_path("scripts"))
    )
    if program is None:
        raise RuntimeError(INSTALL)
    return program
