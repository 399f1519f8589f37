"""A page to step through a computation, forward and backward: ``play(loss).save("backprop.html")``.

What it shows are the rows that ``explain`` prints, and the picture of ``draw``; see `player`.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from ..engine import Tensor
from ..saving import Document, Forms
from .player.film import films
from .player.page import page
from .player.picture import stage
from .steps.sweep import MOST_OPERATIONS, loss_record


@dataclass(frozen=True, repr=False)
class Player(Document):
    """A page to step through a computation. Made by `play`; a notebook shows it in a frame."""

    html: str  # one file that needs nothing else, and asks for nothing

    kind = "a player"

    def forms(self) -> Forms:
        return {".html": lambda: self.html}

    def __repr__(self) -> str:
        return "<player: save it as .html, and open that in a browser>"

    def _repr_html_(self) -> str:
        return (
            '<iframe title="Backpropagation, step by step" sandbox="allow-scripts" '
            'style="width:100%;height:720px;border:1px solid #8886" '
            f'srcdoc="{html.escape(self.html)}"></iframe>'
        )


def play(loss: Tensor | Sequence[Tensor]) -> Player:
    """Make a page to step through a computation: its forward pass, then its backward pass.

    At each step, the page shows the node at work in the picture of the graph, the equation or the
    local rule in symbols and with this run's numbers, and what is added up. Values and gradients
    appear in the picture as they come about. In quiz mode a step asks first which rule is right,
    among others with a mistake in them, and keeps score.

    Parameters
    ----------
    loss
        The result to go back from: a Tensor of one entry that needs a gradient. Or a list of them,
        recorded by the same program at several steps of a training; the page then has a second
        slider, over the training.

    Returns
    -------
    Player
        Save it, or show it in a notebook. Nothing is written to any ``grad``.

    Raises
    ------
    TypeError
        If given anything but Tensors.
    ValueError
        If the loss needs no gradient or has several entries; if the list is empty, or holds losses
        of different graphs; for more than 2,000 operations.
    RuntimeError
        If there is no layout program for the picture, or it takes longer than a minute.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> x = bp.tensor(3.0, requires_grad=True, name="x")
    >>> bp.play(x**2).html.splitlines()[0]
    '<!DOCTYPE html>'
    """
    losses = [loss] if isinstance(loss, Tensor) else list(loss)
    if not losses:
        raise ValueError("play takes a loss, or a list of them, and this list is empty.")
    records = [loss_record(one, "play", MOST_OPERATIONS) for one in losses]
    return Player(page(films(records), stage(records[0])))
