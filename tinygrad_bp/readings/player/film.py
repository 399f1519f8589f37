"""What a player shows, as data: a frame for each step of the forward and the backward pass.

The record of ``explain`` is put in order here, and nothing is computed. A graph that was run
several times, as in training, gives a film for each run; all have the same frames, with other
numbers.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from ...notation.names import recorded_tensors
from ...notation.numbers import listed
from ...tensor import Tensor
from ..explain import explain
from ..explanation.forward import Computed, Leaf, forward_pass
from ..explanation.record import Contribution, Gradient, Parts, Step
from ..explanation.rows import MOST_TERMS
from ..explanation.symbols import Symbols


class Formula(NamedTuple):
    """Symbols, in plain text and in LaTeX."""

    text: str
    latex: str | None


class Numbers(NamedTuple):
    """A formula with numbers put in."""

    parts: Parts


class Source(NamedTuple):
    """A term of a sum, named by the frame that it comes from."""

    frame: int
    operand: int | None


#: What stands after a sign of equality. Sources are joined by plus signs.
Side: TypeAlias = "Formula | Numbers | tuple[Source | str, ...]"


class Line(NamedTuple):
    """``left = side = side``; ``label`` says what it is, and ``note`` what is special about it.

    One of several terms is no gradient yet, and has nothing on its left. The sides are what a
    learner in quiz mode is asked for, unless they are ``given``.
    """

    label: str
    note: str
    left: Formula | None
    sides: tuple[Side, ...]
    given: bool = False


class Mark(NamedTuple):
    """What is written into a node of the picture: an array, or a remark."""

    node: int
    row: Literal["value", "gradient"]
    content: np.ndarray | str


@dataclass(frozen=True, eq=False)
class Frame:
    """One step of the player.

    Parameters
    ----------
    kind
        "start", "forward" or "backward".
    title, summary
        What happens.
    node, edges, reached
        The node at work, the edges along which it works, as (input, tensor, operand), and the nodes
        that a gradient reaches.
    lines
        The equations of the step.
    complete
        The gradients to which nothing more will be added.
    marks
        What the picture shows from this step on.
    """

    kind: str
    title: str
    summary: str
    node: int | None = None
    edges: tuple[tuple[int, int, int], ...] = ()
    reached: tuple[int, ...] = ()
    lines: tuple[Line, ...] = ()
    complete: tuple[Formula, ...] = ()
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, eq=False)
class Film:
    """All frames of one run.

    Parameters
    ----------
    loss, value
        What the loss is called, and its value.
    frames
        The start, where only leaves have values; the forward pass; the backward pass.
    home
        By position of a tensor, the frames that a click on its node leads to: where its value
        appears, and where its gradient is passed on, or is complete.
    """

    loss: str
    value: np.ndarray
    frames: tuple[Frame, ...]
    home: tuple[tuple[int, ...], ...]


def film(loss: Tensor) -> Film:
    """Return the frames of the run that a loss was recorded from."""
    record = explain(loss)
    tensors = recorded_tensors(loss)
    names = Symbols(loss, tensors)
    passed = forward_pass(tensors, names)
    computed = [c for c in passed if isinstance(c, Computed)]
    writer = Script(tensors, names, offset=len(computed))

    frames = [start(record.output, [c for c in passed if isinstance(c, Leaf)], len(record.steps))]
    frames += [writer.forward(c, i, len(computed)) for i, c in enumerate(computed, 1)]
    frames += [writer.backward(step, len(record.steps)) for step in record.steps]

    home: list[list[int]] = [[] if isinstance(c, Computed) else [0] for c in passed]
    for number, frame in enumerate(frames):
        if frame.node is not None:
            home[frame.node].append(number)
    for step in record.steps:
        for gradient in step.complete:
            if gradient.node is not None and isinstance(passed[gradient.node], Leaf):
                home[gradient.node].append(len(computed) + step.number)
    return Film(
        record.output,
        record.value,
        tuple(frames),
        tuple(map(tuple, home)),
    )


def start(loss: str, leaves: list[Leaf], steps: int) -> Frame:
    """Return the frame before the first step."""
    marks = tuple(
        Mark(
            leaf.node,
            "value",
            leaf.values[0] if len(leaf.values) == 1 else f"{len(leaf.values)} values",
        )
        for leaf in leaves
    )
    summary = (
        "Only the inputs and the parameters have values. Step forward, and each operation computes "
        f"its own, up to {loss}. "
    )
    if steps:
        summary += f"Then the gradient of {loss} is passed back the same way. "
    summary += "In the picture, = stands before a value and ∂ before a gradient."
    return Frame("start", "Before the first step", summary, marks=marks)


class Script:
    """Writes the frames of one run."""

    def __init__(self, tensors: list[Tensor], names: Symbols, offset: int) -> None:
        self.tensors, self.names = tensors, names
        self.offset = offset  # the frame before the first of the backward pass

    def tensor(self, node: int) -> Formula:
        """Write a tensor."""
        t = self.tensors[node]
        return Formula(self.names.text(t), self.names.names.latex(t))

    def gradient(self, node: int) -> Formula:
        """Write a gradient."""
        t, loss = self.tensors[node], self.names.output
        return Formula(self.names.gradient(t), self.names.names.gradient_latex(t, loss))

    def rule(self, node: int, text: str, expression: ast.expr) -> Formula:
        """Write an expression of a step."""
        t = self.tensors[node]
        return Formula(text, self.names.latex(expression, self.names.values(t, t.data)))

    def computed(self, c: Computed) -> Line:
        """Write how a tensor was computed."""
        sides: tuple[Side, ...] = (
            self.rule(c.node, c.symbols, c.expression),
            Numbers(c.parts),
            Numbers((c.value,)),
        )
        return Line("Computed", "", self.tensor(c.node), sides)

    def forward(self, c: Computed, number: int, steps: int) -> Frame:
        """Return the frame in which a value appears."""
        edges = [(x, c.node, p) for p, x in enumerate(c.operands, 1) if x is not None]
        return Frame(
            "forward",
            f"Forward {number} of {steps}",
            f"{c.operation} computes {c.tensor}.",
            c.node,
            tuple(edges),
            lines=(self.computed(c),),
            marks=(Mark(c.node, "value", c.value),),
        )

    def backward(self, step: Step, steps: int) -> Frame:
        """Return the frame in which a gradient is passed on."""
        upstream = self.gradient(step.node)
        lines = [
            Line("Arrived", "", upstream, (Numbers((step.upstream,)),), given=True),
            *(self.contribution(step, c) for c in step.contributions),
            *(self.sum_of(g) for g in step.complete if len(g.terms) > 1),
        ]
        marks = [Mark(step.node, "gradient", step.upstream)] if step.number == 1 else []
        finished = {g.node: g for g in step.complete}
        for node in dict.fromkeys(c.node for c in step.contributions):
            last = [c for c in step.contributions if c.node == node][-1]
            remark = f"{last.term} of {last.terms} terms"
            marks.append(
                Mark(node, "gradient", finished[node].value if node in finished else remark)
            )
        to = listed([self.tensor(c.node).text for c in step.contributions])
        return Frame(
            "backward",
            f"Backward {step.number} of {steps}",
            f"{step.operation} passes the gradient of {step.tensor} on to {to}.",
            step.node,
            tuple((c.node, step.node, c.operand) for c in step.contributions),
            tuple(dict.fromkeys(c.node for c in step.contributions)),
            tuple(lines),
            tuple(self.gradient(g.node) for g in step.complete if g.node is not None),
            tuple(marks),
        )

    def contribution(self, step: Step, c: Contribution) -> Line:
        """Write what is passed on to one input."""
        if c.rule is None or c.expression is None:
            rule = f"({step.operation}'s own rule, which takes only arrays)"
            sides: list[Side] = [Formula(rule, None)]
        else:
            sides = [self.rule(step.node, c.rule, c.expression)]
        if c.parts is not None and not isinstance(c.expression, ast.Name):
            sides.append(Numbers(c.parts))
        sides.append(Numbers((c.value,)))
        several = sum(other.node == c.node for other in step.contributions) > 1
        notes = [f"as operand {c.operand}"] * several
        notes += ["broadcast"] * (c.unsummed is not None)
        notes += [f"term {c.term} of {c.terms}"] * (c.terms > 1)
        left = self.gradient(c.node) if c.terms == 1 else None
        return Line(f"To {self.tensor(c.node).text}", ", ".join(notes), left, tuple(sides))

    def sum_of(self, g: Gradient) -> Line:
        """Write a gradient as the sum of its terms."""
        assert g.node is not None
        terms = g.terms[:MOST_TERMS]
        steps = [term.step for term in terms]
        sources: list[Source | str] = [
            Source(self.offset + t.step, t.operand if steps.count(t.step) > 1 else None)
            for t in terms
        ]
        parts: list[str | np.ndarray] = []
        for term in terms:
            parts += [" + ", term.value]
        if len(g.terms) > len(terms):
            more = f"({len(g.terms) - len(terms)} more)"
            sources.append(more)
            parts.append(f" + {more}")
        sides = (tuple(sources), Numbers(tuple(parts[1:])), Numbers((g.value,)))
        return Line("Added up", "", self.gradient(g.node), sides)


def films(losses: Sequence[Tensor]) -> list[Film]:
    """Return the films of several runs of one graph.

    Raises
    ------
    ValueError
        If a tensor of a later run was computed otherwise than that of the first, or its gradient
        takes another way.
    """
    same_graph(losses)
    made = [film(loss) for loss in losses]
    first = list(map(skeleton, made[0].frames))
    for run, other in enumerate(made[1:], 2):
        if list(map(skeleton, other.frames)) != first:
            raise ValueError(
                f"the gradient of training step {run} takes another way than that of step 1: a "
                "rule depends on the numbers. Play these steps one by one."
            )
    return made


def skeleton(frame: Frame) -> tuple[object, ...]:
    """Return what a frame is made of, but for its symbols and numbers."""
    return frame.title, frame.node, frame.edges, [len(line.sides) for line in frame.lines]


def same_graph(losses: Sequence[Tensor]) -> None:
    """Raise ValueError unless the losses were computed alike."""
    first = list(structure(losses[0]))
    for run, loss in enumerate(losses[1:], 2):
        other = list(structure(loss))
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


def structure(loss: Tensor) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Yield what a graph is made of, but for its numbers: in words, and what tells it apart."""
    tensors = recorded_tensors(loss)
    nodes = {t.id: node for node, t in enumerate(tensors)}
    for t in tensors:
        operation = None if t.primitive is None else t.primitive.__name__
        inputs = tuple(-1 if x is None else nodes[x.id] for x in t.inputs)
        words = f"{t.described()}, {f'by {operation}' if operation else 'a leaf'}"
        yield words, (t.name, operation, t.shape, t.requires_grad, t.scope, inputs)
