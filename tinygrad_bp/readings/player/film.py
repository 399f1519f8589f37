"""What a player shows, as data: a frame for each step of the forward and the backward pass.

What is said in a step are the rows that `explain` prints. A graph that was run several times, as in
training, gives a film for each run; all have the same frames, with other numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from ...notation.formula import Formula
from ...notation.numbers import listed
from ...record import Edge, Record
from ..steps.rows import Row, Rows, in_scope
from ..steps.sweep import Formulas, Step, Sweep
from .quiz import Question, Quiz

#: Of a longer computation, this many equations stand at the start.
MOST_EQUATIONS = 60


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
    edges: tuple[Edge, ...] = ()  # the edges along which it works,
    reached: tuple[int, ...] = ()  # and the nodes that a gradient reaches
    rows: tuple[Row, ...] = ()
    complete: tuple[Formula, ...] = ()  # the gradients to which nothing more is added
    equations: tuple[tuple[Formula, Formula], ...] = ()  # of the whole computation, at the start
    left_out: int = 0  # how many equations are not shown
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
        *(forward(rows, i, f"Forward {number} of {n}") for number, i in enumerate(computed, 1)),
        *(backward(rows, step, f"Backward {step.number} of {len(steps)}", quiz) for step in steps),
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
    shown = computed[:MOST_EQUATIONS]
    equations = tuple((formulas.tensor(i), formulas.equation(i)) for i in shown)
    return Frame(
        "start",
        "Before the first step",
        summary,
        tuple(marks),
        tuple(held),
        equations=equations,
        left_out=len(computed) - len(shown),
    )


def forward(rows: Rows, i: int, title: str) -> Frame:
    record, name = rows.formulas.record, rows.formulas.tensor(i).text
    t = record.tensors[i]
    operation = in_scope(getattr(t.primitive, "__name__", ""), record.scope(i))
    return Frame(
        "forward",
        title,
        f"{operation} computes {name}.",
        (Mark(i, "value", t.data),),
        (i,),
        i,
        tuple(Edge(i, operand) for operand, x in enumerate(t.inputs) if x is not None),
        rows=(rows.computed(i),),
    )


def backward(rows: Rows, step: Step, title: str, quiz: Quiz | None) -> Frame:
    marks = [Mark(step.node, "gradient", step.upstream)] if step.number == 1 else []
    complete = {gradient.node: gradient.value for gradient in step.complete}
    last = {c.node: c for c in step.contributions}
    for node, c in last.items():
        marks.append(Mark(node, "gradient", complete.get(node, f"{c.term} of {c.terms} terms")))
    tensors = rows.formulas.record.tensors
    return Frame(
        "backward",
        title,
        f"{in_scope(step.operation, step.scope)} passes the gradient of {step.tensor} on to "
        f"{listed([c.tensor for c in step.contributions])}.",
        tuple(marks),
        (step.node, *(node for node in complete if tensors[node].primitive is None)),
        step.node,
        tuple(Edge(step.node, c.operand) for c in step.contributions),
        tuple(last),
        tuple(rows.backward(step)),
        tuple(map(rows.formulas.gradient, complete)),
        question=None if quiz is None else quiz.question(step),
    )


def films(records: Sequence[Record]) -> list[Film]:
    if len(records) > 1:
        check_same_graph(records)
    made = [film(record, asks=i == 0) for i, record in enumerate(records)]
    for run, other in enumerate(made[1:], 2):
        if any(map(differs, made[0].frames, other.frames)):
            raise ValueError(
                f"the gradient of training step {run} takes another way than that of step 1: a "
                "rule depends on the numbers. Play these steps one by one."
            )
    return made


def differs(a: Frame, b: Frame) -> bool:
    def skeleton(frame: Frame) -> tuple[object, ...]:
        return frame.title, frame.node, frame.edges, [(r.notes, len(r.sides)) for r in frame.rows]

    return skeleton(a) != skeleton(b)


def check_same_graph(records: Sequence[Record]) -> None:
    first = list(structure(records[0]))
    for run, record in enumerate(records[1:], 2):
        other = list(structure(record))
        differing = [node for node, (a, b) in enumerate(zip(first, other, strict=False)) if a != b]
        if differing:
            node = differing[0]
            how = (
                f"its tensor {node + 1}, in recording order, is {other[node][0]}, "
                f"and that of step 1 is {first[node][0]}"
            )
        elif len(other) != len(first):
            how = f"it has {len(other)} tensors, and step 1 has {len(first)}"
        else:
            continue
        raise ValueError(
            f"training step {run} is of another graph than step 1: {how}. "
            "Give play the losses of one program, each computed anew."
        )


def structure(record: Record) -> Iterator[tuple[str, tuple[object, ...]]]:
    for t in record.tensors:
        operation = None if t.primitive is None else t.primitive.__name__
        inputs = tuple(-1 if x is None else record.place[x.id] for x in t.inputs)
        words = f"{t.described()}, {f'by {operation}' if operation else 'a leaf'}"
        yield words, (t.name, operation, t.shape, t.requires_grad, t.scope, inputs)
