"""What a player shows, as data: a frame for each step of the forward and the backward pass.

What is said in a step are the rows that `explain` prints. A graph that was run several times, as in
training, gives a film for each run; all have the same frames, with other numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal, NamedTuple

import numpy as np

from ...notation.formula import Formula
from ...notation.numbers import listed
from ...notation.operations import called
from ...record import Edge, Record
from ..drawing.picture import arrow_id
from ..steps.rows import Row, Rows, in_scope
from ..steps.sweep import Formulas, Step, Sweep
from .quiz import Question, Quiz


class Mark(NamedTuple):
    """What is written into a node of the picture: an array, or a remark."""

    node: int
    row: Literal["value", "gradient"]
    content: np.ndarray | str


@dataclass(frozen=True, eq=False)
class Frame:
    kind: Literal["start", "forward", "backward"]
    title: str
    summary: str
    marks: tuple[Mark, ...]  # what the picture shows from this step on
    clicks: tuple[int, ...]  # the nodes that lead here: a value appears, a gradient is passed on
    node: int | None = None  # the node at work,
    edges: tuple[str, ...] = ()  # the ids of the edges along which it works,
    reached: tuple[int, ...] = ()  # and the nodes that a gradient reaches
    rows: tuple[Row, ...] = ()
    complete: tuple[Formula, ...] = ()  # the gradients to which nothing more is added
    equations: tuple[tuple[Formula, Formula], ...] = ()  # of the whole computation, at the start
    question: Question | None = None  # in a quiz, before the rows are shown


@dataclass(frozen=True, eq=False)
class Film:
    loss: str
    value: np.ndarray
    frames: tuple[Frame, ...]
    offset: int  # the frame before the first of the backward pass


def film(record: Record, asks: bool = True) -> Film:
    sweep = Sweep(record, record.wanted(None, "play") or [record.output])
    rows, steps = Rows(sweep.formulas), list(sweep.steps())
    quiz = Quiz(record) if asks else None
    computed = [i for i, t in enumerate(record.tensors) if t.primitive is not None]
    loss, n = sweep.formulas.tensor(len(record.tensors) - 1).text, len(computed)
    frames = (
        start(sweep.formulas, computed, bool(steps)),
        *(
            forward(rows, i, f"Forward step {number} of {n}")
            for number, i in enumerate(computed, 1)
        ),
        *(
            backward(rows, step, f"Backward step {step.number} of {len(steps)}", quiz)
            for step in steps
        ),
    )
    return Film(loss, record.output.data, frames, n)


def start(formulas: Formulas, computed: list[int], goes_back: bool) -> Frame:
    record = formulas.record
    held = {i: record.values(i) for i, t in enumerate(record.tensors) if t.primitive is None}
    marks = (
        Mark(i, "value", values[0] if len(values) == 1 else f"{len(values)} values")
        for i, values in held.items()
    )
    loss = formulas.tensor(len(record.tensors) - 1).text
    back = f"Then the gradient of {loss} is passed back the same way. " if goes_back else ""
    summary = (
        "Only the inputs and the parameters have values. Step forward, and each operation computes "
        f"its own, up to {loss}. {back}"
        "In the picture, = stands before a value and ∂ before a gradient."
    )
    equations = tuple((formulas.tensor(i), formulas.equation(i)) for i in computed)
    title = "Before the first step"
    return Frame("start", title, summary, tuple(marks), tuple(held), equations=equations)


def forward(rows: Rows, i: int, title: str) -> Frame:
    record, name = rows.formulas.record, rows.formulas.tensor(i).text
    t = record.tensors[i]
    operation = in_scope(called(t), record.scope(i))
    return Frame(
        "forward",
        title,
        f"{operation} computes {name}.",
        (Mark(i, "value", t.data),),
        (i,),
        i,
        tuple(arrow_id(record, Edge(i, k)) for k, x in enumerate(t.inputs) if x is not None),
        rows=(rows.computed(i),),
    )


def backward(rows: Rows, step: Step, title: str, quiz: Quiz | None) -> Frame:
    marks = [Mark(step.node, "gradient", step.upstream)] if step.number == 1 else []
    complete = {gradient.node: gradient.value for gradient in step.complete}
    last = {c.node: c for c in step.contributions}
    for node, c in last.items():
        marks.append(Mark(node, "gradient", complete.get(node, f"{c.term} of {c.terms} terms")))
    record = rows.formulas.record
    return Frame(
        "backward",
        title,
        f"{in_scope(step.operation, step.scope)} passes the gradient of {step.tensor} on to "
        f"{listed([c.tensor for c in step.contributions])}.",
        tuple(marks),
        (step.node, *(node for node in complete if record.tensors[node].primitive is None)),
        step.node,
        tuple(arrow_id(record, Edge(step.node, c.operand)) for c in step.contributions),
        tuple(last),
        tuple(rows.backward(step)),
        tuple(map(rows.formulas.gradient, complete)),
        question=None if quiz is None else quiz.question(step),
    )


def films(records: Sequence[Record]) -> list[Film]:
    made = [film(record, asks=i == 0) for i, record in enumerate(records)]
    for run, other in enumerate(made, 1):
        both = zip_longest(skeleton(made[0]), skeleton(other))
        differs = next((a or b for a, b in both if a != b), None)
        if differs is not None:
            raise ValueError(
                f"training step {run} takes another way than training step 1, from {differs[0]!r} "
                "on: its graph is another one, or a rule depends on the numbers. Give play the "
                "losses of one program, each computed anew."
            )
    return made


def skeleton(film: Film) -> Iterator[tuple[object, ...]]:
    # all of a film but its numbers
    for frame in film.frames:
        rows = [(row.label, row.notes, len(row.sides)) for row in frame.rows]
        yield frame.title, frame.summary, frame.edges, rows
