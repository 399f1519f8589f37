"""What is drawn, as plain data: nodes and arrows. How they are written is left to others.

A node is a tensor, or several that are folded into one; an arrow is an operand. Both are called by
the positions of their tensors in the record, so a picture is the same in every run.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...engine import Tensor
from ...notation.formula import text
from ...notation.numbers import LONGEST_NAME, fits, listed, number, printable, stand_in
from ...notation.symbols import plain_name
from ...record import Edge, Record
from .folding import Group, fold, operands
from .looks import LOOKS

#: With the bounds of `folding`, a picture of so many nodes is laid out in seconds.
MOST_NODES = 400

#: A rule that is longer is cut: it would push the nodes apart.
LONGEST_RULE = 48

#: Deeper frames in frames leave no room for what is in them.
DEEPEST_FRAME = 6

#: Of a list in a node, the first parts are written.
MOST_LISTED = 3


@dataclass(frozen=True, eq=False)
class Node:
    """A tensor in the picture, or several that are folded into one."""

    id: str  # n3 for tensor 3 of the record, g3 for its gradient; of several tensors, the last's
    kind: str  # a key of LOOKS
    name: str
    given: bool  # whether the user called it so
    shape: str  # (3, 1); of several tensors, those that are used outside: a₁ (3, 1)
    operation: str  # × 2 multiply; of a leaf, its kind; of several tensors, their operations
    frame: tuple[str, ...]  # the scopes around it, from the outermost
    tensors: tuple[int, ...]  # the positions of those that it stands for
    value: np.ndarray | str | None = None  # None for a dash; text for a leaf with several values
    gradient: np.ndarray | None = None


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
    """All that is drawn, in recording order."""

    level: str  # "layers", "ops" or "values"
    title: str  # what it shows, in a few words
    summary: str  # and in a sentence
    note: str  # what was folded because the graph is very large
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]

    @property
    def forward(self) -> list[Node]:
        """The nodes of the forward pass; the last is the output."""
        return [node for node in self.nodes if node.kind != "gradient"]

    @property
    def output(self) -> Node:
        return self.forward[-1]

    @property
    def sweep(self) -> list[Node]:
        """The nodes of the reverse sweep; the last is where it starts."""
        return [node for node in self.nodes if node.kind == "gradient"]

    @property
    def kinds(self) -> list[str]:
        return [kind for kind in LOOKS if any(node.kind == kind for node in self.nodes)]


def framed(nodes: Sequence[Node], depth: int = 0) -> Iterator[Node | list[Node]]:
    """Yield the nodes that stand in no frame beyond a depth, and for each such frame its nodes."""
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
    """Return what is drawn of a computation. Raises, with ``backward``, if it has no gradient."""
    tensors, output = record.tensors, record.output
    swept = any(t.primitive is None and t.grad is not None for t in tensors)
    if backward or (swept and output.requires_grad and output.size == 1):
        gradients = record.gradients
    else:
        gradients = {}
    groups, note = fold(record, level, most // 2 if backward else most)
    if any(t.scope.count("/") >= DEEPEST_FRAME for t in tensors):
        deep = f"scopes are framed down to depth {DEEPEST_FRAME}"
        note = f"{note}; {deep}" if note else deep
    writer = PictureWriter(record, groups, gradients)
    nodes = [writer.node(group) for group in groups]
    arrows = writer.arrows(rules and not backward)
    if backward:
        back = writer.arrows(rules, back=True)
        nodes += [
            writer.gradient_node(group, back)
            for group in groups
            if any(i in gradients for i in group.tensors)
        ]
        arrows += back
    name = record.names.text(output)
    kinds = Counter("operation" if t.primitive is not None else kind_of(t) for t in tensors)
    counts = listed(f"{n:,} {kind}{'s' * (n > 1)}" for kind, n in kinds.items())
    summary = f"The forward pass runs downward to {name}, through {counts}."
    if backward:
        summary += " Beside it, dashed, the reverse sweep runs up."
    return Picture(level, f"The graph of {name}", summary, note, tuple(nodes), tuple(arrows))


class PictureWriter:
    """Turns groups of tensors into nodes, and operands into arrows."""

    def __init__(
        self, record: Record, groups: list[Group], gradients: dict[int, np.ndarray]
    ) -> None:
        self.record, self.names, self.gradients = record, record.names, gradients
        self.operands = operands(record)
        self.home = {i: group for group in groups for i in group.tensors}
        self.used_outside = {
            i for edge, i in self.operands.items() if self.home[i] is not self.home[edge.step]
        }
        paths = [scope.split("/") for scope in {t.scope for t in record.tensors}]
        self.outer_scopes = {"/".join(path[:i]) for path in paths for i in range(len(path))}
        self.symbols = record.names.text_symbols

    def node(self, group: Group) -> Node:
        if group.title:
            return self.folded_node(group)
        i = group.last
        t = self.record.tensors[i]
        values = self.record.values(i)
        return Node(
            f"n{i}",
            "output" if t is self.record.output else kind_of(t),
            self.names.text(t),
            t.name is not None,
            str(t.shape),
            operation(t) or ("output" if t is self.record.output else kind_of(t)),
            frame(t.scope),
            (i,),
            values[0] if len(values) == 1 else f"{len(values)} values in turn",
            self.gradients.get(i),
        )

    def folded_node(self, group: Group) -> Node:
        tensors = [self.record.tensors[i] for i in group.tensors]
        results = [t for t in tensors if self.record.place[t.id] in self.used_outside]
        words = [t.primitive.__name__ for t in tensors if t.primitive is not None]
        scope = group.scope  # its frame, if it is one for what is in scopes inside it
        around = scope if scope in self.outer_scopes else scope.rpartition("/")[0]
        return Node(
            f"n{group.last}",
            "layer",
            group.title,
            True,
            listed([f"{self.names.text(t)} {t.shape}" for t in results], MOST_LISTED),
            listed(words, MOST_LISTED),
            frame(around),
            tuple(group.tensors),
        )

    def gradient_node(self, group: Group, back: list[Arrow]) -> Node:
        """Return the node of the gradient with respect to what a group holds."""
        i, node = group.last, self.node(group)
        t = self.record.tensors[i]
        terms = sum(arrow.tail == f"g{i}" for arrow in back)
        name, shape = self.names.gradient_text(t), node.shape
        word = f"sum of {terms}" if terms > 1 else ""
        if t is self.record.output:
            word = "the sweep starts"
        if group.title:
            name, shape, word = f"back through {group.title}", "", ""
        gradient = self.gradients.get(i)
        return Node(
            f"g{i}", "gradient", name, True, shape, word, node.frame, node.tensors, None, gradient
        )

    def arrows(self, rules: bool, back: bool = False) -> list[Arrow]:
        """Return the operands between nodes; with ``back``, what flows back along these.

        Between two nodes, one of which is folded, there is a single arrow.
        """
        drawn: dict[object, list[Edge]] = {}
        for edge, i in self.operands.items():
            tail, head = self.home[i], self.home[edge.step]
            if tail is not head and not (back and edge not in self.record.contributions):
                folded = tail.title or head.title
                drawn.setdefault((tail.last, head.last) if folded else edge, []).append(edge)
        written: dict[int, dict[Edge, str]] = {}
        arrows = []
        for edges in drawn.values():
            edge, i, k = edges[0], self.operands[edges[0]], edges[0].step
            tail, head = self.home[i], self.home[k]
            if rules and not head.title and k not in written:
                written[k] = self.rules(k)
            several = sum(x is not None for x in self.record.tensors[k].inputs) > 1
            letter = "g" if back else "n"
            arrows.append(
                Arrow(
                    f"{'b' if back else 'e'}{i}-{k}-{edge.operand + 1}",
                    f"{letter}{tail.last}",
                    f"{letter}{head.last}",
                    edge.operand + 1 if several and not back and not head.title else 0,
                    written.get(k, {}).get(edge, ""),
                    tuple(edges),
                )
            )
        return arrows

    def rules(self, i: int) -> dict[Edge, str]:
        """Return the contributions that a step makes, in symbols."""
        t = self.record.tensors[i]
        if t.primitive is None or not t.requires_grad:
            return {}
        written = {}
        for edge, rule in self.record.rules(i, shape_of_large).items():
            words = text(rule, self.symbols)
            written[edge] = words if len(words) <= LONGEST_RULE else shortened(words)
        return written


def shape_of_large(array: np.ndarray) -> ast.expr | None:
    """Return what stands for an array in a rule: its shape, where it is large."""
    return None if fits(array) else ast.Name(stand_in(array))


def shortened(rule: str) -> str:
    """Cut a rule that is too long in its middle, so that its end is seen.

    Examples
    --------
    >>> shortened("a" * 40 + " − " + "b" * 20)
    'aaaaaaaaaaaaaaaaaaaaaaa … − bbbbbbbbbbbbbbbbbbbb'
    """
    half = (LONGEST_RULE - 3) // 2
    return f"{rule[: LONGEST_RULE - 3 - half]} … {rule[-half:].lstrip()}"


def kind_of(t: Tensor) -> str:
    if t.primitive is not None:
        return "intermediate"
    return "parameter" if t.requires_grad else "input"


def operation(t: Tensor) -> str:
    """Write what computed a tensor, with Python numbers: ``^ 2 power``, ``where(·, 0, ·)``."""
    if t.primitive is None:
        return ""
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
    """Return the frames of a scope, "outer/inner", from the outermost."""
    return tuple(map(plain_name, scope.split("/")[:DEEPEST_FRAME])) if scope else ()
