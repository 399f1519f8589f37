"""The page of a player: one HTML file that asks for nothing.

All that every step says is in the page from the start; the script shows one step, and writes values
and gradients into the picture, as text. A policy in the page forbids every request and every script
but its own.
"""

from __future__ import annotations

import base64
import hashlib
import html
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ...notation.numbers import FEW_DIGITS, in_line, number
from ...pages.page import read, safe, write_page
from ..steps.rows import Sources
from ..steps.typeset import equation, equations, typeset_side
from .film import Film, Mark
from .picture import Stage

#: A value of more characters is summarised in the picture.
BRIEF = 19


def page(films: Sequence[Film], stage: Stage) -> str:
    script = read("player.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return write_page(
        "player",
        title=f"How the gradients of {films[0].loss} come about",
        hash=f"sha256-{digest}",
        player_style=safe(read("player.css")),
        script=safe(script),
        picture=safe(stage.svg),
        runs=[film.frames for film in films],
        steps=safe("".join(articles(films))),
        write=lambda formula: safe(typeset_side(formula)),
        curve=curve([film.value.item() for film in films]),
        data=data(films, stage),
    )


def articles(films: Sequence[Film]) -> Iterator[str]:
    # what is said in every step: by hand, since a template takes long for so much
    for run, film in enumerate(films):
        for step, frame in enumerate(film.frames):
            yield (
                f'<article class="{frame.kind}" id="step-{run}-{step}" hidden>\n'
                f"<h2>{frame.title}</h2>\n<p>{html.escape(frame.summary)}</p>\n"
            )
            if frame.equations:
                yield '<section class="computation"><h3>The computation</h3>\n'
                yield equations(frame.equations)
                more = f'<p class="small">and {frame.left_out:,} more</p>'
                yield f"{more if frame.left_out else ''}</section>\n"
            for row in frame.rows:
                notes = "".join(f' <span class="note">{html.escape(n)}</span>' for n in row.notes)
                label = html.escape(f"{row.label[0].upper()}{row.label[1:]}")
                yield f'<section class="line {row.kind}"><h3>{label}{notes}</h3>\n'
                yield equation(row.sides, lambda sources: linked(sources, films[0].offset))
                yield "</section>\n"
            if frame.complete:
                every = ", ".join(map(typeset_side, frame.complete))
                yield f'<p class="complete">Complete: {every}</p>\n'
            yield "</article>\n"


def linked(sources: Sources, offset: int) -> str:
    links = [
        f'<button class="link" data-step="{offset + term.step}">{name}</button>'
        for term in sources.terms
        for name in [sources.name(term, offset)]
    ]
    return f"<span>{' + '.join(filter(None, [*links, sources.remark]))}</span>"


def curve(losses: Sequence[float]) -> str:
    # the points of a line in a box of 100 by 30, the largest loss on top
    finite = [loss for loss in losses if math.isfinite(loss)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    step, unit = 100 / max(len(losses) - 1, 1), 30 / ((high - low) or 1.0)
    points = (
        f"{step * run:.1f},{unit * (high - loss):.1f}"
        for run, loss in enumerate(losses)
        if math.isfinite(loss)
    )
    return " ".join(points)


def data(films: Sequence[Film], stage: Stage) -> dict[str, Any]:
    # A node of the picture may hold several tensors, and then it shows the numbers of the last.
    first, home = films[0], stage.home
    steps: dict[int, list[int]] = {node: [] for node in sorted(set(home))}
    for step, frame in enumerate(first.frames):
        for node in unique(home[tensor] for tensor in frame.clicks):
            steps[node].append(step)
    return {
        "steps": [
            {
                "kind": frame.kind,
                "node": None if frame.node is None else home[frame.node],
                "edges": unique(stage.edges[e] for e in frame.edges if e in stage.edges),
                "reached": unique(home[tensor] for tensor in frame.reached),
                "says": f"{frame.title}. {frame.summary}",
            }
            for frame in first.frames
        ],
        "home": steps,
        "loss": first.loss,
        "runs": [
            {
                "loss": in_line(film.value),
                "marks": [
                    [mark_json(m) for m in frame.marks if home[m.node] == m.node]
                    for frame in film.frames
                ],
            }
            for film in films
        ],
    }


def unique(items: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(items))


def mark_json(mark: Mark) -> dict[str, Any]:
    sign = {"value": "=", "gradient": "∂"}[mark.row]
    return {"node": mark.node, "row": mark.row, "text": f"{sign} {brief(mark.content)}"}


def brief(value: np.ndarray | str) -> str:
    if isinstance(value, str):
        return value
    if not value.size:
        return "empty"
    first = (number(entry, FEW_DIGITS) for entry in value.ravel()[: BRIEF // 2])
    text = "\N{EN SPACE}".join(first)
    if value.size > BRIEF // 2 or len(text) > BRIEF:
        return f"{number(value.min(), FEW_DIGITS)} to {number(value.max(), FEW_DIGITS)}"
    return text
