"""What is drawn, as plain data: nodes and arrows. How they are written is left to others.

A node is a tensor, or several that are folded into one; an arrow is an operand. Both are called by
the positions of their tensors in the record, so a picture is the same in every run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np

from ...engine import Tensor
from ...notation.formula import Formula
from ...notation.numbers import LONGEST_NAME, in_node, listed, number, printable
from ...notation.symbols import plain_name
from ...notation.trees import stand_in_for_large
from ...record import Edge, Record
from .folding import Group, fold
from .looks import LOOKS

MOST_NODES = 400  # with the bounds of `folding`, they are laid out in seconds
LONGEST_RULE = 48  # a longer one would push the nodes apart
DEEPEST_FRAME = 6  # frames in frames leave no room for what is in them
MOST_LISTED = 3  # parts of a list in a node

#: None is a dash; a leaf that had several values in turn has a text.
Shown: TypeAlias = np.ndarray | str | None


@dataclass(frozen=True, eq=False)
class Node:
    """A tensor in the picture, or several that are folded into one."""

    id: str  # n3 for tensor 3 of the record, g3 for its gradient; of several tensors, the last's
    kind: str  # a key of LOOKS
    name: str
    given: bool  # whether the user called it so
    shape: str  # (3, 1); of several tensors, those that are used outside: a₁ (3, 1)
    operation: (
        str  # × 2 multiply; of a leaf, its kind; of a layer, Linear; of others, all operations
    )
    frame: tuple[str, ...]  # the scopes around it, from the outermost
    tensors: tuple[int, ...]  # the positions of those that it stands for
    value: Shown = None
    gradient: np.ndarray | None = None

    @property
    def lines(self) -> list[str]:
        if self.kind == "layer":
            return list(filter(None, [self.name, self.operation, self.shape]))
        return list(filter(None, [f"{self.name} {self.shape}".strip(), self.operation]))


@dataclass(frozen=True)
class Arrow:
    """An operand: from the node that holds it to the one that is computed from it."""

    id: str  # e3-5-1: tensor 3 is the first operand of tensor 5; b3-5-1: what flows back
    tail: str
    head: str  # ids of nodes; what flows back goes from the head to the tail
    order: int = 0  # which operand it is, from 1, where there are several
    rule: str = ""  # the contribution that flows back along it, where it is asked for
    edges: tuple[Edge, ...] = ()  # of the record: several, where one of the nodes is folded

    @property
    def backward(self) -> bool:
        return self.id.startswith("b")

    @property
    def words(self) -> str:
        return ": ".join(filter(None, [str(self.order or ""), self.rule]))


@dataclass(frozen=True, eq=False)
class Picture:
    level: str  # "layers", "ops" or "values"
    title: str  # what it shows, in a few words
    summary: str  # and in a sentence
    note: str  # what was folded because the graph is very large
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

    @property
    def kinds(self) -> list[str]:
        return [kind for kind in LOOKS if any(node.kind == kind for node in self.nodes)]

    def numbers(self, node: Node) -> dict[str, Shown]:
        if node.kind == "layer" or self.level == "layers":
            return {}
        if node.kind == "gradient":
            return {"gradient": node.gradient}
        return {"value": node.value} | ({} if self.sweep else {"gradient": node.gradient})

    def in_line(self, value: Shown) -> str:
        if value is None:
            return "—"
        return value if isinstance(value, str) else in_node(value, self.level)


def framed(nodes: Sequence[Node], depth: int = 0) -> Iterator[Node | list[Node]]:
    # the nodes that stand in no frame beyond this depth, and for each such frame its nodes
    drawn = set()
    for node in nodes:
        inner = node.frame[: depth + 1]
        if len(inner) == depth:
            yield node
        elif inner not in drawn:
            drawn.add(inner)
            yield [n for n in nodes if n.frame[: depth + 1] == inner]


def picture(
    record: Record, level: str, backward: bool = False, rules: bool = False, most: int = MOST_NODES
) -> Picture:
    # raises, with ``backward``, if the computation has no gradient
    tensors, output = record.tensors, record.output
    groups, note = fold(record, level, most // 2 if backward else most)
    if any(t.scope.count("/") >= DEEPEST_FRAME for t in tensors):
        deep = f"scopes are framed down to depth {DEEPEST_FRAME}"
        note = f"{note}; {deep}" if note else deep
    shown = backward or has_gradients(record)
    drawer = Drawer(record, groups, record.gradients if shown else {})
    nodes = [drawer.node(group) for group in groups]
    arrows = drawer.arrows(rules and not backward)
    name = record.names.text(output)
    kinds = Counter("operation" if t.primitive is not None else kind_of(t) for t in tensors)
    counts = listed(f"{n:,} {kind}{'s' * (n > 1)}" for kind, n in kinds.items())
    summary = f"The forward pass runs downward to {name}, through {counts}."
    if backward:
        summary += " Beside it, dashed, the reverse sweep runs up."
        back = drawer.arrows(rules, back=True)
        nodes = [*nodes, *drawer.gradient_nodes(nodes, back)]
        arrows += back
    return Picture(level, f"The graph of {name}", summary, note, tuple(nodes), tuple(arrows))


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
        self, record: Record, groups: list[Group], gradients: dict[int, np.ndarray]
    ) -> None:
        self.record, self.gradients, self.names = record, gradients, record.names
        self.home = {i: group for group in groups for i in group.tensors}
        self.used_outside = {
            i for edge, i in record.inputs.items() if self.home[i] is not self.home[edge.step]
        }
        paths = [scope.split("/") for scope in {t.scope for t in record.tensors}]
        self.outer_scopes = {"/".join(path[:i]) for path in paths for i in range(len(path))}

    def node(self, group: Group) -> Node:
        if group.title:
            return self.folded_node(group)
        i = group.last
        t, values = self.record.tensors[i], self.record.values(i)
        kind = "output" if t is self.record.output else kind_of(t)
        return Node(
            f"n{i}",
            kind,
            self.names.text(t),
            t.name is not None,
            str(t.shape),
            kind if t.primitive is None else operation(t),
            frame(t.scope),
            (i,),
            values[0] if len(values) == 1 else f"{len(values)} values in turn",
            self.gradients.get(i),
        )

    def folded_node(self, group: Group) -> Node:
        tensors = [self.record.tensors[i] for i in group.tensors]
        results = [self.record.tensors[i] for i in group.tensors if i in self.used_outside]
        words = [t.primitive.__name__ for t in tensors if t.primitive is not None]
        kind = tensors[-1].scope.kind if group.scope else ""
        scope = group.scope  # its frame too, if scopes inside it have nodes of their own
        return Node(
            f"n{group.last}",
            "layer",
            group.title,
            True,
            listed([f"{self.names.text(t)} {t.shape}" for t in results], MOST_LISTED),
            kind or listed(words, MOST_LISTED),
            frame(scope if scope in self.outer_scopes else scope.rpartition("/")[0]),
            tuple(group.tensors),
        )

    def gradient_nodes(self, nodes: list[Node], back: list[Arrow]) -> Iterator[Node]:
        terms = Counter(arrow.tail for arrow in back)
        for node in nodes:
            if not any(i in self.gradients for i in node.tensors):
                continue
            i, key, layer = node.tensors[-1], f"g{node.id[1:]}", node.kind == "layer"
            word = f"sum of {terms[key]}" if terms[key] > 1 and not layer else ""
            tensor = self.names.gradient_text(self.record.tensors[i])
            yield replace(
                node,
                id=key,
                kind="gradient",
                name=f"back through {node.name}" if layer else tensor,
                given=True,
                shape="" if layer else node.shape,
                operation="the sweep starts" if node.kind == "output" else word,
                value=None,
                gradient=self.gradients.get(i),
            )

    def arrows(self, rules: bool, back: bool = False) -> list[Arrow]:
        # With ``back``, what flows back along the operands. Between two nodes, one of which is
        # folded, there is a single arrow.
        drawn: dict[object, list[Edge]] = {}
        for edge, i in self.record.inputs.items():
            tail, head = self.home[i], self.home[edge.step]
            if tail is not head and not (back and edge not in self.record.contributions):
                ends = (tail.last, head.last) if tail.title or head.title else edge
                drawn.setdefault(ends, []).append(edge)
        written: dict[int, dict[Edge, str]] = {}
        arrows = []
        for edges in drawn.values():
            (k, place), i = edges[0], self.record.inputs[edges[0]]
            head = self.home[k]
            if rules and not head.title and k not in written:
                written[k] = self.rules(k)
            several = sum(x is not None for x in self.record.tensors[k].inputs) > 1
            numbered = several and not back and not head.title
            node = "g" if back else "n"
            arrows.append(
                Arrow(
                    f"{'b' if back else 'e'}{i}-{k}-{place + 1}",
                    f"{node}{self.home[i].last}",
                    f"{node}{head.last}",
                    place + 1 if numbered else 0,
                    written.get(k, {}).get(edges[0], ""),
                    tuple(edges),
                )
            )
        return arrows

    def rules(self, i: int) -> dict[Edge, str]:
        if not self.record.tensors[i].requires_grad:
            return {}
        try:
            rules = self.record.rules(i, stand_in_for_large)
        except ValueError:  # a rule for arrays only
            return {}
        texts = {edge: Formula(rule, self.names).text for edge, rule in rules.items()}
        return {edge: printable(text, LONGEST_RULE) for edge, text in texts.items()}


def kind_of(t: Tensor) -> str:
    if t.primitive is not None:
        return "intermediate"
    return "parameter" if t.requires_grad else "input"


def operation(t: Tensor) -> str:
    assert t.primitive is not None
    name = printable(t.primitive.__name__, LONGEST_NAME)
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
