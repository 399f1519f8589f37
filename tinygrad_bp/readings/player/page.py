"""The page of a player: one HTML file that asks for nothing.

All that every step says is in the page from the start; the script shows one step, and writes values
and gradients into the picture, as text. A policy in the page forbids every request and every script
but its own.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...notation.numbers import FEW_DIGITS, in_line, number
from ...pages.page import read, safe, write_page
from ..steps.rows import Row, Side, Sources
from ..steps.typeset import typeset_side
from .film import Film, Frame
from .picture import Stage

if TYPE_CHECKING:
    from markupsafe import Markup

#: A value of more characters is summarised in the picture.
BRIEF = 19


def page(films: Sequence[Film], stage: Stage) -> str:
    """Return the page for the runs of one graph.

    Parameters
    ----------
    films
        One for each run.
    stage
        The picture, and where in it everything is.
    """
    script = read("player.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return write_page(
        "player",
        title=f"How the gradients of {films[0].loss} come about",
        hash=f"sha256-{digest}",
        player_style=safe(read("player.css")),
        script=safe(script),
        picture=safe(stage.svg),
        runs=[[typeset_frame(frame, film) for frame in film.frames] for film in films],
        data=safe(in_script(data(films, stage))),
    )


def typeset_frame(frame: Frame, film: Film) -> dict[str, Any]:
    return {
        "kind": frame.kind,
        "title": frame.title,
        "summary": frame.summary,
        "rows": [typeset_row(row, film) for row in frame.rows],
        "complete": list(map(typeset_side, frame.complete)),
    }


def typeset_row(row: Row, film: Film) -> dict[str, Any]:
    """Return what the template says of a row: given, or in a quiz an answer, or a term of one."""
    term = any(note.startswith("term ") for note in row.notes)
    kind = "given" if row.label == "arrived" else "term" if term else "answer"
    sides = [linked(side, film) for side in row.sides]
    return {"kind": kind, "label": row.label, "notes": row.notes, "sides": sides}


def linked(side: Side, film: Film) -> Markup | str:
    """Return a side of an equation; terms are named by buttons that lead to their steps."""
    if not isinstance(side, Sources):
        return typeset_side(side)
    button = safe('<button class="link" data-step="{}">{}</button>')
    n = film.offset
    links = [button.format(n + term.step, side.name(term, before=n)) for term in side.terms]
    return safe("<span>{}</span>").format(safe(" + ").join([*links, *filter(None, [side.remark])]))


def data(films: Sequence[Film], stage: Stage) -> dict[str, Any]:
    """Return what the script needs, as what JSON can hold.

    Nodes and edges are those of the picture: a node may hold several tensors, and then it shows the
    numbers of the last of them.
    """
    first, home = films[0], stage.home
    clicks: dict[int, set[int]] = {}
    for node, frames in zip(home, first.home, strict=True):
        clicks.setdefault(node, set()).update(frames)
    return {
        "steps": [
            {
                "kind": frame.kind,
                "node": None if frame.node is None else home[frame.node],
                "edges": unique(stage.edges[e] for e in frame.edges if e in stage.edges),
                "reached": unique(home[node] for node in frame.reached),
                "says": f"{frame.title}. {frame.summary}",
            }
            for frame in first.frames
        ],
        "home": {node: sorted(frames) for node, frames in clicks.items()},
        "loss": first.loss,
        "runs": [
            {
                "loss": in_line(film.value),
                "marks": [marks(frame, home) for frame in film.frames],
            }
            for film in films
        ],
    }


def unique(items: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(items))


def marks(frame: Frame, home: Sequence[int]) -> list[dict[str, Any]]:
    """Return what a step writes into the nodes of the picture."""
    signs = {"value": "=", "gradient": "∂"}
    return [
        {"node": m.node, "row": m.row, "text": f"{signs[m.row]} {brief(m.content)}"}
        for m in frame.marks
        if home[m.node] == m.node
    ]


def brief(value: np.ndarray | str) -> str:
    """Write an array in few characters: its entries, or from which to which they go."""
    if isinstance(value, str):
        return value
    if not value.size:
        return "empty"
    first = (number(entry, FEW_DIGITS) for entry in value.ravel()[: BRIEF // 2])
    text = "\N{EN SPACE}".join(first)
    if value.size > BRIEF // 2 or len(text) > BRIEF:
        return f"{number(value.min(), FEW_DIGITS)} to {number(value.max(), FEW_DIGITS)}"
    return text


def in_script(content: Any) -> str:
    """Return JSON that can stand inside a script element, and in any script."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
