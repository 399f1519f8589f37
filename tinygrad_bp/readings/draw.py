"""The graph of a recorded computation as a picture: ``draw(loss).save("loss.svg")``.

Every tensor is a node and every operand an edge. The parts of this reading are in ``drawing/``:
what is drawn, its text in two notations, and the layout program that turns it into a picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from ..engine import Tensor
from ..record import Record
from ..saving import Document, Forms
from .drawing.dot import dot
from .drawing.layout import described, lay_out, write_svg
from .drawing.picture import Picture, picture
from .drawing.tree import tree

LEVELS = ("layers", "ops", "values")
TOO_WIDE = 2000  # in points: one that is wider keeps its size, and scrolls


@dataclass(frozen=True, eq=False, repr=False)
class Drawing(Document):
    """A picture of a computation, as it was at the moment of drawing. Made by `draw`.

    It prints as a tree of text, and a notebook shows the picture. ``save`` writes .svg, .png or
    .pdf, or .dot for text; it raises RuntimeError if there is no layout program, or that
    fails, takes longer than a minute, or does not write the format.
    """

    picture: Picture  # what is drawn, as plain data

    kind = "a drawing"

    def title(self) -> str:
        return f"drawing of {self.picture.forward[-1].name}"

    @cached_property
    def dot(self) -> str:
        """The picture in DOT, the language of Graphviz; the same text in every run."""
        return dot(self.picture)

    @cached_property
    def svg(self) -> str:
        """The picture as SVG; needs a layout program.

        The group of tensor k of the record has the id ``n{k}`` and its kind as a class; that of the
        edge from tensor i to tensor k as operand p, from 1, ``e{i}-{k}-{p}``.
        """
        root = described(lay_out(self.dot, ".svg"), self.picture.title, self.picture.summary)
        if float(root.get("viewBox", "").split()[2]) < TOO_WIDE:
            root.set("style", "max-width: 100%; height: auto")  # of the page around it, or a phone
        return write_svg(root)

    def forms(self) -> Forms:
        return {
            ".svg": lambda: self.svg,
            ".png": lambda: lay_out(self.dot, ".png"),
            ".pdf": lambda: lay_out(self.dot, ".pdf"),
            ".dot": lambda: self.dot,
        }

    def __str__(self) -> str:
        return tree(self.picture)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        bundle = {"text/plain": str(self)}
        try:
            bundle["image/svg+xml"] = self.svg
        except RuntimeError as error:
            bundle["text/plain"] += f"\n({error})"
        return bundle


def draw(
    output: Tensor,
    level: Literal["layers", "ops", "values"] = "ops",
    backward: bool = False,
    rules: bool = False,
) -> Drawing:
    """Draw the computation that a Tensor was recorded from.

    The forward pass runs downward, in several columns if it is deep. A sheet is a parameter (a leaf
    that requires a gradient), a box an input, a rounded box an intermediate result, a box with cut
    corners the output. Where a tensor was computed from several, the edges are numbered in the
    order of the operands. Scopes are frames.

    Gradients, of inner tensors too, are those of the output, if it has one entry that needs one, by
    a sweep of the drawing's own that writes to no ``grad``. Where none arrives, there is a dash.

    Parameters
    ----------
    output
        The result to draw: a loss, any other tensor, or a gradient made with ``create_graph=True``,
        whose graph is that of the gradient.
    level
        "layers": scopes are collapsed, and there are no numbers. "ops": every tensor, and an array
        of up to 12 entries is a table, a larger one its smallest and largest entry. "values":
        arrays of up to 100 entries are tables.
    backward
        Draw the reverse sweep beside the forward pass: a node for every gradient.
    rules
        Write on each edge what flows back along it, as the operation's own rule has it.

    Returns
    -------
    Drawing
        Print it, ``save`` it, or take its ``svg`` or ``dot``.

    Raises
    ------
    TypeError
        If the output is no Tensor.
    ValueError
        For another level; for more than 1,000 nodes; with ``backward``, if the output needs no
        gradient or has several entries.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> x = bp.tensor(3.0, requires_grad=True, name="x")
    >>> print(bp.draw((x * x).named("L")))
    L ()  × multiply  value 9  gradient 1
    ├─ 1: x ()  parameter  value 3  gradient 6
    └─ 2: x (above)
    """
    if not isinstance(output, Tensor):
        raise TypeError(f"draw takes a Tensor, not {output!r:.60}.")
    if level not in LEVELS:
        raise ValueError(f'level is "layers", "ops" or "values", not {level!r:.60}.')
    return Drawing(picture(Record(output), level, backward, rules))
