"""The page of a player: one HTML file that asks for nothing.

All that a step says in words and symbols is in the page from the start; the script shows one step
and puts the numbers of one run into it, as text. A policy in the page forbids every request and
every script but its own.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from ...notation.numbers import FEW_DIGITS, fits, in_line, number, rows, stand_in
from ...pages.page import read, safe, typeset, write_page
from ..steps.formulas import Formulas, Parts
from ..steps.rows import Numeric, Row, Side, Sources, Symbolic
from .film import Film, Frame
from .picture import Stage

#: A value of more characters is summarised in the picture.
BRIEF = 19

#: The same step, row or side in each of the runs.
FrameRuns: TypeAlias = Sequence[Frame]
RowRuns: TypeAlias = Sequence[Row]
SideRuns: TypeAlias = Sequence[Side]


def page(films: Sequence[Film], stage: Stage) -> str:
    """Return the page for the runs of one graph.

    Parameters
    ----------
    films
        One for each run.
    stage
        The picture, and where in it everything is.
    """
    first, script = films[0], read("player.js")
    steps: list[FrameRuns] = list(zip(*(film.frames for film in films), strict=True))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return write_page(
        "player",
        title=f"How the gradients of {first.loss} come about",
        hash=f"sha256-{digest}",
        player_style=safe(read("player.css")),
        script=safe(script),
        picture=safe(stage.svg),
        steps=[step(runs, first) for runs in steps],
        runs=len(films),
        data=safe(in_script(data(films, steps, stage))),
    )


# ---- the words and symbols of a step ----


def step(runs: FrameRuns, film: Film) -> dict[str, Any]:
    """Return what the template says of a step, with empty places for the numbers of a run."""
    frame, formulas = runs[0], film.formulas
    return {
        "kind": frame.kind,
        "title": frame.title,
        "summary": frame.summary,
        "rows": [row(rows, film) for rows in zip(*(run.rows for run in runs), strict=True)],
        "complete": [typeset(formulas.latex(c.expression, {})) for c in frame.complete],
    }


def row(runs: RowRuns, film: Film) -> dict[str, Any]:
    """Return what the template says of a row; what is asked for in a quiz is an answer."""
    first = runs[0]
    gradient = any(note.startswith("term ") for note in first.notes)  # not yet: one of several
    sides = [side(sides, film) for sides in zip(*(run.sides for run in runs), strict=True)]
    kind = "given" if first.label == "arrived" else "term" if gradient else "answer"
    return {"kind": kind, "label": first.label, "notes": first.notes, "sides": sides}


def side(runs: SideRuns, film: Film) -> dict[str, Any]:
    """Return a side: symbols, words, terms by the steps that they come from, or an empty place."""
    first = runs[0]
    if in_place(runs, film.formulas):
        return {"kind": "numbers"}
    if isinstance(first, Sources):
        links = [(film.offset + term.step, first.name(term)) for term in first.terms]
        return {"kind": "sources", "links": links, "remark": first.remark}
    if isinstance(first, Symbolic):
        latex = film.formulas.latex(first.formula.expression, first.values)
        return {"kind": "symbols", "content": typeset(latex)}
    return {"kind": "words", "content": first}


def in_place(runs: SideRuns, formulas: Formulas) -> bool:
    """Say whether the script is to fill a side in: numbers, or symbols that are not always alike.

    A formula holds numbers too where a Python number took part: ``0.1 x``.
    """
    return isinstance(runs[0], Numeric) or any(
        isinstance(side, Symbolic) and side.formula.text != runs[0].formula.text  # type: ignore[union-attr]
        for side in runs
    )


# ---- the numbers of the runs ----


def data(films: Sequence[Film], steps: Sequence[FrameRuns], stage: Stage) -> dict[str, Any]:
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
                "edges": edges(frame, stage),
                "reached": list(dict.fromkeys(home[node] for node in frame.reached)),
                "says": f"{frame.title}. {frame.summary}",
            }
            for frame in first.frames
        ],
        "home": {node: sorted(frames) for node, frames in clicks.items()},
        "loss": first.loss,
        "runs": [
            {
                "loss": in_line(film.value),
                "numbers": [numbers(runs, i, film.formulas) for runs in steps],
                "marks": [marks(frame, home) for frame in film.frames],
            }
            for i, film in enumerate(films)
        ],
    }


def edges(frame: Frame, stage: Stage) -> list[str]:
    """Return the edges along which a step works, each once; inside a node there are none."""
    home = stage.home
    drawn = [stage.edges[i, k, p] for i, k, p in frame.edges if home[i] != home[k]]
    return list(dict.fromkeys(drawn))


def marks(frame: Frame, home: Sequence[int]) -> list[dict[str, Any]]:
    """Return what a step writes into the nodes of the picture."""
    signs = {"value": "=", "gradient": "∂"}
    return [
        {"node": m.node, "row": m.row, "text": f"{signs[m.row]} {brief(m.content)}"}
        for m in frame.marks
        if home[m.node] == m.node
    ]


def numbers(runs: FrameRuns, i: int, formulas: Formulas) -> list[list[Any]]:
    """Return what the places of a step are filled with in run i."""
    places = []
    for lines in zip(*(run.rows for run in runs), strict=True):
        for sides in zip(*(line.sides for line in lines), strict=True):
            if in_place(sides, formulas):
                mine = sides[i]
                assert isinstance(mine, (Numeric, Symbolic))
                parts = mine.parts if isinstance(mine, Numeric) else (mine.formula.text,)
                places.append(cells(parts))
    return places


def cells(parts: Parts) -> list[str | list[list[str]]]:
    """Return a formula as text and matrices, which are lists of rows."""
    alone = len(parts) == 1
    written: list[str | list[list[str]]] = []
    for x in parts:
        if isinstance(x, str):
            written.append(x)
        elif x.ndim == 2 and x.size and fits(x):
            written.append(rows(x))
        elif alone or fits(x):
            text = in_line(x)
            written.append(f"({text})" if text.startswith("-") and not alone else text)
        else:
            written.append(stand_in(x))
    return written


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
