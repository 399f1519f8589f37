"""The page of a player: one HTML file that asks for nothing.

All that every step says is in the page from the start; the script shows one step, and writes values
and gradients into the picture, as text. A policy in the page forbids every request and every script
but its own.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...notation.numbers import FEW_DIGITS, in_line, number
from ...pages.page import read, safe, write_page
from ..steps.rows import Sources
from ..steps.typeset import equations, typeset_side
from .film import Film, Mark

#: A value of more characters is summarised in the picture.
BRIEF = 19


def page(films: Sequence[Film], picture: str) -> str:
    script = read("player.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return write_page(
        "player",
        title=f"How the gradients of {films[0].loss} come about",
        hash=f"sha256-{digest}",
        player_style=safe(read("player.css")),
        script=safe(script),
        picture=safe(picture),
        runs=[film.frames for film in films],
        steps=safe("".join(articles(films))),
        write=lambda formula: safe(typeset_side(formula)),
        curve=curve([film.value.item() for film in films]),
        data=data(films),
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
                yield f"{equations(frame.equations)}</section>\n"
            for row in frame.rows:
                notes = "".join(f' <span class="note">{html.escape(n)}</span>' for n in row.notes)
                label = html.escape(f"{row.label[0].upper()}{row.label[1:]}")
                yield f'<section class="line {row.kind}"><h3>{label}{notes}</h3>\n'
                yield equations([row.sides], lambda sources: linked(sources, films[0].offset))
                yield "</section>\n"
            if frame.complete:
                every = ", ".join(map(typeset_side, frame.complete))
                yield f'<p class="complete">Complete: {every}</p>\n'
            yield "</article>\n"


def linked(sources: Sources, offset: int) -> str:
    links = (
        f'<button class="link" data-step="{offset + term.step}">{sources.name(term)}</button>'
        for term in sources.terms
    )
    return f"<span>{sources.summed(links)}</span>"


def curve(losses: Sequence[float]) -> str:
    # the points of a line in a box of 100 by 30, the largest loss on top
    y, x = np.array(losses), np.linspace(0.0, 100.0, len(losses))
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    down = 30 * (y.max(initial=-np.inf) - y) / (np.ptp(y) or 1.0) if y.size else y
    return " ".join(f"{across:.1f},{height:.1f}" for across, height in zip(x, down, strict=True))


def data(films: Sequence[Film]) -> dict[str, Any]:
    names = "kind", "node", "edges", "reached", "clicks"
    return {
        "steps": [
            {name: getattr(frame, name) for name in names}
            | {"says": f"{frame.title}. {frame.summary}"}
            for frame in films[0].frames
        ],
        "loss": films[0].loss,
        "runs": [
            {
                "loss": in_line(film.value),
                "marks": [list(map(mark_json, frame.marks)) for frame in film.frames],
            }
            for film in films
        ],
    }


def mark_json(mark: Mark) -> dict[str, Any]:
    sign = {"value": "=", "gradient": "∂"}[mark.row]
    return {"node": mark.node, "row": mark.row, "text": f"{sign} {brief(mark.content)}"}


def brief(value: np.ndarray | str) -> str:
    # the entries of a short vector, or their range
    if isinstance(value, str):
        return value
    if not value.size:
        return "empty"
    if value.size == max(value.shape, default=1) <= BRIEF // 2:
        text = "\N{EN SPACE}".join(number(entry, FEW_DIGITS) for entry in value.ravel())
        if len(text) <= BRIEF:
            return text
    low, high = number(value.min(), FEW_DIGITS), number(value.max(), FEW_DIGITS)
    return low if low == high else f"{low} to {high}"
