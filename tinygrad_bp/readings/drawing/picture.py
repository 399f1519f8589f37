"""What is drawn, as plain data: nodes and arrows. How they are written is left to others.

A node is a tensor, or several that are folded into one; an arrow is an operand. Both are called by
the positions of their tensors in the record, so a picture is the same in every run.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np

from ...engine import Tensor
from ...notation.formula import Formula
from ...notation.numbers import LONGEST_NAME, in_node, listed, number, plural, printable
from ...notation.operations import called
from ...notation.symbols import plain_name
from ...record import Edge, Record
from .folding import Group, by_visit

MOST_NODES = 1000  # most graphs of so many are laid out in seconds
LONGEST_RULE = 48  # a longer one would push the nodes apart
DEEPEST_FRAME = 6  # frames in frames leave no room for what is in them
MOST_LISTED = 3  # parts of a list in a node

#: What brackets hold that hold no others, but for those whose content is left out already.
IN_BRACKETS = re.compile(r"(?<=[({])(?!…[)}])(?:[^(){}]|[({]…[)}])+(?=[)}])")

#: None is a dash; a leaf that had several values in turn has a text.
Shown: TypeAlias = np.ndarray | str | None


@dataclass(frozen=True, eq=False)
class Node:
    """A tensor in the picture, or several that are folded into one."""

    id: str  # n3 for tensor 3 of the record, g3 for its gradient; of several tensors, the last's
    kind: str  # a key of LOOKS
    name: str
    lines: tuple[str, ...]  # its name and shape; × 2 multiply, or its kind; of a layer, Linear
    frame: tuple[str, ...]  # the scopes around it, from the outermost
    tensors: tuple[int, ...]  # the positions of those that it stands for
    numbers: dict[str, Shown]  # its value, its gradient, or both


@dataclass(frozen=True)
class Arrow:
    """An operand: from the node that holds it to the one that is computed from it."""

    id: str  # e3-5-1: tensor 3 is the first operand of tensor 5; b3-5-1: what flows back
    tail: str
    head: str  # ids of nodes; what flows back goes from the head to the tail
    order: int = 0  # which operand it is, from 1, where there are several
    rule: str = ""  # the contribution that flows back along it, where it is asked for
    carries: bool = False  # whether a gradient flows back along it

    @property
    def backward(self) -> bool:
        return self.id.startswith("b")

    @property
    def words(self) -> str:
        return ": ".join(filter(None, [str(self.order or ""), self.rule]))

    def turned(self) -> Arrow:
        tail, head = f"g{self.tail[1:]}", f"g{self.head[1:]}"
        return replace(self, id=f"b{self.id[1:]}", tail=tail, head=head, order=0)


@dataclass(frozen=True, eq=False)
class Picture:
    level: str  # "layers", "ops" or "values"
    title: str  # what it shows, in a few words
    summary: str  # and in a sentence
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]

    @cached_property
    def forward(self) -> list[Node]:
        # the last is the output
        return [node for node in self.nodes if node.kind != "gradient"]

    @cached_property
    def sweep(self) -> list[Node]:
        # the last is where it starts
        return [node for node in self.nodes if node.kind == "gradient"]

    def in_line(self, value: Shown) -> str:
        if value is None:
            return "—"
        return value if isinstance(value, str) else in_node(value, self.level)


def picture(
    record: Record,
    level: str,
    backward: bool = False,
    rules: bool = False,
    most: float = MOST_NODES,
) -> Picture:
    # ValueError: too large; or, with ``backward``, without a gradient
    tensors, output = record.tensors, record.output
    groups = by_visit(record) if level == "layers" else [Group([i]) for i in range(len(tensors))]
    if len(groups) * (2 if backward else 1) > most:
        raise ValueError(
            f"{output.described()} was computed through {len(groups):,} nodes, and a picture has "
            f"at most {most:,}, gradients included. Draw a part of the computation, or give "
            'level="layers", where a scope is one node.'
        )
    numbers = [] if level == "layers" else ["value"] if backward else ["value", "gradient"]
    drawer = Drawer(record, groups, backward or has_gradients(record), numbers)
    nodes, arrows = list(map(drawer.node, groups)), drawer.arrows(rules)
    name = record.names.text(output)
    kinds = Counter("operation" if t.primitive is not None else kind_of(t) for t in tensors)
    counts = listed(plural(n, kind) for kind, n in kinds.items())
    summary = f"The forward pass runs downward to {name}, through {counts}."
    if backward:
        summary += " Beside it, dashed, the reverse sweep runs up."
        back = [arrow.turned() for arrow in arrows if arrow.carries]
        nodes += drawer.gradient_nodes(nodes, back)
        arrows = [*(replace(arrow, rule="") for arrow in arrows), *back]
    return Picture(level, f"The graph of {name}", summary, tuple(nodes), tuple(arrows))


def has_gradients(record: Record) -> bool:
    if not record.output.requires_grad or record.output.size != 1:
        return False
    try:
        _ = record.closures
    except TypeError:  # of an operation that has no rule yet
        return False
    return True


class Drawer:
    def __init__(
        self, record: Record, groups: list[Group], differentiable: bool, numbers: list[str]
    ) -> None:
        self.record, self.names, self.numbers = record, record.names, numbers
        self.gradients = record.gradients if differentiable else {}
        self.contributions = record.contributions if differentiable else {}
        self.home = {i: group for group in groups for i in group.tensors}
        paths = [scope.split("/") for scope in {t.scope for t in record.tensors}]
        self.outer_scopes = {"/".join(path[:i]) for path in paths for i in range(len(path))}

    def node(self, group: Group) -> Node:
        i, scope = group.last, group.scope
        t, values = self.record.tensors[i], self.record.values(i)
        kind = "layer" if group.title else "output" if t is self.record.output else kind_of(t)
        if kind == "layer":
            name, lines, numbers = group.title, self.of_layer(group), {}
            scope = scope if scope in self.outer_scopes else scope.rpartition("/")[0]
        else:
            name, scope = self.names.text(t), t.scope
            lines = (f"{name} {t.shape}", kind if t.primitive is None else operation(t))
            value = values[0] if len(values) == 1 else f"{len(values)} values in turn"
            both = {"value": value, "gradient": self.gradients.get(i)}
            numbers = {word: both[word] for word in self.numbers}
        return Node(f"n{i}", kind, name, lines, frame(scope), tuple(group.tensors), numbers)

    def of_layer(self, group: Group) -> tuple[str, ...]:
        tensors = [self.record.tensors[i] for i in group.tensors]
        outside = (i for edge, i in self.record.inputs.items() if self.home[edge.step] is not group)
        used = {self.record.tensors[i].id for i in outside}
        results = [f"{self.names.text(t)} {t.shape}" for t in tensors if t.id in used]
        operations = [called(t) for t in tensors if t.primitive is not None]
        kind = tensors[-1].scope.kind or listed(operations, MOST_LISTED)
        return group.title, kind, listed(results, MOST_LISTED)

    def gradient_nodes(self, nodes: list[Node], back: list[Arrow]) -> list[Node]:
        terms = Counter(arrow.tail for arrow in back)
        found = []
        for node in nodes:
            i, key = node.tensors[-1], f"g{node.id[1:]}"
            t = self.record.tensors[i]
            name = self.names.gradient_text(t)
            lines = [f"{name} {t.shape}"]
            if node.kind == "layer":
                lines = [f"back through {node.name}"]
            elif node.kind == "output":
                lines += ["the sweep starts"]
            elif terms[key] > 1:
                lines += [f"sum of {terms[key]}"]
            numbers = {"gradient": self.gradients.get(i)} if node.numbers else {}
            if any(i in self.gradients for i in node.tensors):
                found.append(
                    Node(key, "gradient", name, tuple(lines), node.frame, node.tensors, numbers)
                )
        return found

    def arrows(self, rules: bool) -> list[Arrow]:
        # between two nodes, one of which is folded, there is a single arrow
        drawn: dict[object, list[Edge]] = {}
        for edge, i in self.record.inputs.items():
            tail, head = self.home[i], self.home[edge.step]
            if tail is not head:
                ends = (tail.last, head.last) if tail.title or head.title else edge
                drawn.setdefault(ends, []).append(edge)
        return [self.arrow(edges, rules) for edges in drawn.values()]

    def arrow(self, edges: list[Edge], rules: bool) -> Arrow:
        (k, place), i = edges[0], self.record.inputs[edges[0]]
        head = self.home[k]
        several = sum(x is not None for x in self.record.tensors[k].inputs) > 1
        return Arrow(
            arrow_id(self.record, edges[0]),
            f"n{self.home[i].last}",
            f"n{head.last}",
            place + 1 if several and not head.title else 0,
            self.rules(k).get(edges[0], "") if rules and not head.title else "",
            any(edge in self.contributions for edge in edges),
        )

    def rules(self, i: int) -> dict[Edge, str]:
        if not self.record.tensors[i].requires_grad:
            return {}
        rules = self.record.rules_to_show(i).items()
        texts = {edge: Formula(rule, self.names).text for edge, rule in rules}
        return {edge: shortened(text, LONGEST_RULE) for edge, text in texts.items()}


def shortened(rule: str, most: int) -> str:
    # what brackets hold is left out, the longest first, so that brackets still match
    while len(rule) > most and (parts := list(IN_BRACKETS.finditer(rule))):
        start, end = max((part.span() for part in parts), key=lambda span: span[1] - span[0])
        rule = f"{rule[:start]}…{rule[end:]}"
    return printable(rule, most)


def arrow_id(record: Record, edge: Edge) -> str:
    return f"e{record.inputs[edge]}-{edge.step}-{edge.operand + 1}"


def kind_of(t: Tensor) -> str:
    if t.primitive is not None:
        return "intermediate"
    return "parameter" if t.requires_grad else "input"


def operation(t: Tensor) -> str:
    assert t.primitive is not None
    name = printable(called(t), LONGEST_NAME)
    symbol = printable(t.primitive.symbol, LONGEST_NAME)
    numbers = [
        number(value, digits=6) if x is None else ""
        for x, value in zip(t.inputs, t.operands, strict=True)
    ]
    if symbol == name:
        arguments = ", ".join(number or "·" for number in numbers)
        return f"{name}({arguments})" if any(numbers) else name
    if len(numbers) == 2:
        symbol = f"{numbers[0]} {symbol} {numbers[1]}".strip()
    return f"{symbol} {name}"


def frame(scope: str) -> tuple[str, ...]:
    return tuple(map(plain_name, scope.split("/")[:DEEPEST_FRAME])) if scope else ()
