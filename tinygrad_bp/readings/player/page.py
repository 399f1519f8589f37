"""The page of a player: one HTML file that asks for nothing.

All that a step says in words and symbols is in the page from the start, escaped here; the script
shows one step and puts the numbers of one run into it, as text. A policy in the page forbids every
request and every script but its own.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import json
from collections.abc import Sequence
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np

from ...notation.mathml import mathml
from ...notation.numbers import fits, in_line, number, rows, stand_in
from ..explanation.record import Parts
from .film import Film, Formula, Frame, Line, Numbers, Side, Source
from .picture import Stage

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
    first = films[0]
    script = resource("player.js")
    steps = list(zip(*(film.frames for film in films), strict=True))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Template(resource("page.html")).substitute(
        title=html.escape(f"How the gradients of {first.loss} come about"),
        hash=f"sha256-{digest}",
        style=resource("player.css"),
        script=script,
        picture=stage.svg,
        steps="\n".join(step(number, runs) for number, runs in enumerate(steps)),
        last=len(steps) - 1,
        last_run=len(films) - 1,
        training="" if len(films) > 1 else "hidden",
        data=in_script(data(films, steps, stage)),
    )


def resource(name: str) -> str:
    """Return a file of the page."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


# ---- the words and symbols of a step ----


def step(number: int, runs: Sequence[Frame]) -> str:
    """Write a step: its lines, with empty places for the numbers of a run."""
    frame = runs[0]
    lines = "\n".join(written(lines) for lines in zip(*(run.lines for run in runs), strict=True))
    complete = ""
    if frame.complete:
        gradients = ", ".join(map(symbols, frame.complete))
        complete = f'<p class="complete">Complete: {gradients}</p>'
    return (
        f'<article class="step {frame.kind}" id="step-{number}" hidden>\n'
        f"<h2>{html.escape(frame.title)}</h2>\n<p>{html.escape(frame.summary)}</p>\n"
        f"{lines}\n{complete}\n</article>"
    )


def written(runs: Sequence[Line]) -> str:
    """Write a line of a step."""
    line = runs[0]
    note = f' <span class="note">{html.escape(line.note)}</span>' if line.note else ""
    kind = "given" if line.given else "answer" if line.left is not None else "term"
    sides = [content(side) for side in zip(*(run.sides for run in runs), strict=True)]
    left = symbols(line.left) if line.left is not None else sides.pop(0)
    return (
        f'<section class="line {kind}"><h3>{html.escape(line.label)}{note}</h3>\n'
        f'<div class="equation"><div class="left">{left}</div><div class="sides">'
        + "".join(f'<div class="side"><span class="sign">=</span> {side}</div>' for side in sides)
        + "</div></div></section>"
    )


def content(runs: Sequence[Side]) -> str:
    """Write a side: symbols, sources, or an empty place for what differs between runs."""
    side = runs[0]
    if in_place(runs):
        return '<span class="numbers"></span>'
    if isinstance(side, Formula):
        return symbols(side)
    assert not isinstance(side, Numbers)
    return f"<span>{' + '.join(map(source, side))}</span>"


def in_place(runs: Sequence[Side]) -> bool:
    """Say whether the script is to fill a side in: numbers, or symbols that are not always alike.

    A formula holds numbers too where a Python number took part: ``0.1 x``.
    """
    return isinstance(runs[0], Numbers) or any(side != runs[0] for side in runs)


def source(term: Source | str) -> str:
    """Write where a term comes from, as a button that leads there."""
    if isinstance(term, str):
        return html.escape(term)
    operand = "" if term.operand is None else f", operand {term.operand}"
    return f'<button class="link" data-step="{term.frame}">step {term.frame}{operand}</button>'


@functools.lru_cache(maxsize=10_000)
def symbols(formula: Formula) -> str:
    """Write symbols in MathML; in plain text where latex2mathml is not installed."""
    if formula.latex is not None:
        try:
            return mathml(formula.latex, display=True)
        except RuntimeError:
            pass
    return f'<span class="plain">{html.escape(formula.text)}</span>'


# ---- the numbers of the runs ----


def data(films: Sequence[Film], steps: Sequence[Sequence[Frame]], stage: Stage) -> dict[str, Any]:
    """Return what the script needs, as what JSON can hold.

    Nodes and edges are those of the picture: a node may hold several tensors, and then it shows the
    numbers of the last of them.
    """
    home = stage.home
    return {
        "steps": [
            {
                "kind": frame.kind,
                "node": None if frame.node is None else home[frame.node],
                "edges": edges(frame, stage),
                "reached": list(dict.fromkeys(home[node] for node in frame.reached)),
                "says": f"{frame.title}. {frame.summary}",
            }
            for frame in films[0].frames
        ],
        "home": steps_of_nodes(films[0], stage),
        "loss": films[0].loss,
        "runs": [
            {
                "loss": in_line(film.value),
                "numbers": [numbers(runs, i) for runs in steps],
                "marks": [
                    [
                        {"node": m.node, "row": m.row, "text": marked(m.row, m.content)}
                        for m in frame.marks
                        if home[m.node] == m.node
                    ]
                    for frame in film.frames
                ],
            }
            for i, film in enumerate(films)
        ],
    }


def steps_of_nodes(film: Film, stage: Stage) -> dict[int, list[int]]:
    """Return by node the steps that a click on it leads to."""
    steps: dict[int, set[int]] = {}
    for node, own in zip(stage.home, film.home, strict=True):
        steps.setdefault(node, set()).update(own)
    return {node: sorted(all_of_them) for node, all_of_them in steps.items()}


def edges(frame: Frame, stage: Stage) -> list[str]:
    """Return the edges along which a step works, each once; inside a node there are none."""
    home = stage.home
    return list(
        dict.fromkeys(stage.edges[i, k, p] for i, k, p in frame.edges if home[i] != home[k])
    )


def numbers(runs: Sequence[Frame], i: int) -> list[list[Any]]:
    """Return what the places of a step are filled with in run i."""
    places = []
    for lines in zip(*(run.lines for run in runs), strict=True):
        for sides in zip(*(line.sides for line in lines), strict=True):
            if in_place(sides):
                side = sides[i]
                parts = side.parts if isinstance(side, Numbers) else (side.text,)
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


def marked(row: str, content: np.ndarray | str) -> str:
    """Write what a node of the picture shows."""
    sign = "=" if row == "value" else "∂"
    return f"{sign} {content if isinstance(content, str) else brief_value(content)}"


def brief_value(value: np.ndarray) -> str:
    """Write an array in few characters: its entries, or from which to which they go."""
    if not value.size:
        return "empty"
    text = "\N{EN SPACE}".join(number(entry, 3) for entry in value.ravel()[: BRIEF // 2])
    if value.size > BRIEF // 2 or len(text) > BRIEF:
        return f"{number(value.min(), 3)} to {number(value.max(), 3)}"
    return text


def in_script(content: Any) -> str:
    """Return JSON that can stand inside a script element, and in any script."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
