"""What is drawn, as plain data: nodes and edges. How it is written is left to others.

A node is a tensor, or several that are folded into one; an edge is an operand. Both are called by
the positions of their tensors in `recorded_tensors`, so a picture is the same in every run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...backward import starting_gradient
from ...notation.names import recorded_tensors
from ...notation.numbers import LONGEST_NAME, listed, number, printable
from ...notation.rules import summed
from ...notation.symbols import plain_name
from ...tensor import Tensor
from ..explanation.flow import Edge as Flow
from ..explanation.flow import followed
from ..explanation.forward import values_held
from ..explanation.symbols import Symbols
from .folding import Group, folded
from .looks import LOOKS

#: A picture has at most so many nodes; with the bounds of `folding`, it is laid out in seconds.
MOST_NODES = 400

#: A rule that is longer is cut.
LONGEST_RULE = 48

#: Frames inside frames are drawn up to this depth, and of a list, so many parts are written.
DEEPEST_FRAME = 6
MOST_LISTED = 3


@dataclass(frozen=True, eq=False)
class Node:
    """A tensor in the picture, or several that are folded into one.

    Parameters
    ----------
    id
        ``n3`` for tensor 3 of the record, ``g3`` for its gradient where that is a node of its own;
        of several tensors, the position of the last.
    kind
        A key of `looks.LOOKS`.
    name, given
        What it is called, and whether the user called it so.
    shape
        ``(3, 1)``; of several tensors, those that are used outside: ``a₁ (3, 1)``.
    symbol, word
        The operation, ``× 2`` and ``multiply``; of a leaf, no symbol and what kind of leaf it is.
    frame
        The scopes around it, from the outermost.
    tensors
        The positions of the tensors that it stands for.
    value, gradient
        Arrays, or None for a dash; a text where a leaf had several values in turn.
    """

    id: str
    kind: str
    name: str
    given: bool
    shape: str
    symbol: str
    word: str
    frame: tuple[str, ...]
    tensors: tuple[int, ...]
    value: np.ndarray | str | None = None
    gradient: np.ndarray | None = None


@dataclass(frozen=True)
class Edge:
    """An operand: from the node that holds it to the one that is computed from it.

    Parameters
    ----------
    id
        ``e{i}-{k}-{p}``: tensor i is operand p, counted from 1, of tensor k. With a ``b`` for the
        ``e``, what flows back along it.
    tail, head
        Ids of nodes, in the direction of the forward pass; what flows back goes from head to tail.
    order
        Which operand it is, where there are several; else 0.
    rule
        The contribution that flows back along this edge; empty where it is not asked for.
    """

    id: str
    tail: str
    head: str
    order: int
    rule: str

    @property
    def backward(self) -> bool:
        """Whether this is what flows back."""
        return self.id.startswith("b")

    @property
    def words(self) -> str:
        """What is written on the edge."""
        return ": ".join(filter(None, [str(self.order or ""), self.rule]))


@dataclass(frozen=True, eq=False)
class Picture:
    """All that is drawn, in recording order.

    Parameters
    ----------
    level
        "layers", "ops" or "values".
    title, summary
        What it shows, in a few words and in a sentence.
    note
        What was folded because the graph is very large; empty where nothing was.
    """

    level: str
    title: str
    summary: str
    note: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @property
    def forward(self) -> list[Node]:
        """The nodes of the forward pass; the last is the output."""
        return [node for node in self.nodes if node.kind != "gradient"]

    @property
    def output(self) -> Node:
        """The node of the output."""
        return self.forward[-1]

    @property
    def sweep(self) -> list[Node]:
        """The nodes of the reverse sweep; the last is where it starts."""
        return [node for node in self.nodes if node.kind == "gradient"]

    @property
    def kinds(self) -> list[str]:
        """The kinds of nodes in the picture."""
        return [kind for kind in LOOKS if any(node.kind == kind for node in self.nodes)]


def framed(nodes: Sequence[Node], depth: int = 0) -> Iterator[Node | str | None]:
    """Yield the nodes with the frames around them: a frame's title before, and None after it."""
    drawn = set()
    for node in nodes:
        inner = node.frame[: depth + 1]
        if len(inner) == depth:
            yield node
        elif inner not in drawn:
            drawn.add(inner)
            yield inner[-1]
            yield from framed([n for n in nodes if n.frame[: depth + 1] == inner], depth + 1)
            yield None


def picture(
    output: Tensor, level: str, backward: bool = False, rules: bool = False, most: int = MOST_NODES
) -> Picture:
    """Return what is drawn of the computation that a Tensor was recorded from."""
    tensors = recorded_tensors(output)
    if backward:
        starting_gradient(output, None)  # raises, with a sentence, where there is no gradient
    known = backward or any(t.primitive is None and t.grad is not None for t in tensors)
    flows: dict[tuple[int, int], Flow] = {}
    gradients: dict[int, np.ndarray] = {}
    if (known or rules) and output.requires_grad and output.size == 1:
        steps, swept = followed(output)
        flows = {(step.tensor.id, edge.operand): edge for step in steps for edge in step.edges}
        gradients = swept if known else {}
    groups, note = folded(tensors, level, most // 2 if backward else most)
    if any(t.scope.count("/") >= DEEPEST_FRAME for t in tensors):
        deep = f"scopes are framed down to depth {DEEPEST_FRAME}"
        note = f"{note}; {deep}" if note else deep
    writer = PictureWriter(tensors, groups, level, gradients, flows)
    nodes = [writer.node(group) for group in groups]
    edges = writer.edges(rules and not backward)
    if backward:
        back = writer.edges(rules, back=True)
        nodes += [writer.gradient_node(group, back) for group in groups if writer.reached(group)]
        edges += back
    name = writer.symbols.text(output)
    kinds = Counter("operation" if t.primitive is not None else kind_of(t) for t in tensors)
    counts = [f"{n:,} {kind}{'s' * (n > 1)}" for kind, n in kinds.items()]
    summary = (
        f"The forward pass runs downward to {name}, through {listed(counts)}. "
        + ("Beside it, dashed, the reverse sweep runs up." if backward else "")
    ).strip()  # fmt: skip
    return Picture(level, f"The graph of {name}", summary, note, tuple(nodes), tuple(edges))


class PictureWriter:
    """Turns groups of tensors into nodes, and operands into edges."""

    def __init__(
        self,
        tensors: list[Tensor],
        groups: list[Group],
        level: str,
        gradients: dict[int, np.ndarray],
        flows: dict[tuple[int, int], Flow],
    ) -> None:
        self.tensors, self.level, self.gradients, self.flows = tensors, level, gradients, flows
        self.output = tensors[-1]
        self.symbols = Symbols(self.output, tensors)
        self.values = values_held(tensors)
        self.position = {t.id: k for k, t in enumerate(tensors)}
        self.home = {t.id: group for group in groups for t in group.tensors}
        outer = (t.scope.split("/")[:-1] for t in tensors)
        self.outer_scopes = {"/".join(path[:i]) for path in outer for i in range(len(path) + 1)}

    def number_of(self, group: Group) -> int:
        """Return the position of the last tensor of a group, by which its node is called."""
        return self.position[group.tensors[-1].id]

    def node(self, group: Group) -> Node:
        """Return the node of a group."""
        if group.title:
            return self.folded_node(group)
        [t] = group.tensors
        kind = "output" if t is self.output else kind_of(t)
        symbol, word = operation(t) if t.primitive is not None else ("", kind)
        values = self.values.get(t.id, (t.data,))
        return Node(
            f"n{self.position[t.id]}",
            kind,
            self.symbols.text(t),
            t.name is not None,
            str(t.shape),
            symbol,
            word,
            frame(t.scope),
            (self.position[t.id],),
            values[0] if len(values) == 1 else f"{len(values)} values in turn",
            self.gradients.get(t.id),
        )

    def folded_node(self, group: Group) -> Node:
        """Return the node of several tensors."""
        inside = {t.id for t in group.tensors}
        used = {x.id for t in self.tensors if t.id not in inside for x in t.inputs if x is not None}
        results = [t for t in group.tensors if t.id in used]
        words = [t.primitive.__name__ for t in group.tensors if t.primitive is not None]
        scope = group.tensors[-1].scope if group.title == group.tensors[-1].scope else ""
        around = scope if scope in self.outer_scopes else scope.rpartition("/")[0]
        return Node(
            f"n{self.number_of(group)}",
            "layer",
            plain_name(group.title.rpartition("/")[2]),
            True,
            listed([f"{self.symbols.text(t)} {t.shape}" for t in results], MOST_LISTED),
            "",
            listed(words, MOST_LISTED),
            frame(around),
            tuple(self.position[t.id] for t in group.tensors),
        )

    def gradient_node(self, group: Group, back: list[Edge]) -> Node:
        """Return the node of the gradient with respect to what a group holds."""
        k = self.number_of(group)
        t = group.tensors[-1]
        terms = sum(edge.tail == f"g{k}" for edge in back)
        word = "the sweep starts" if t is self.output else f"sum of {terms}" if terms > 1 else ""
        name = self.symbols.gradient(t)
        if group.title:
            name, word = (
                f"back through {plain_name(group.title.rpartition('/')[2])}",
                "",
            )
        node = self.node(group)
        return Node(
            f"g{k}", "gradient", name, True, "" if group.title else node.shape, "", word,
            node.frame, node.tensors, None, self.gradients.get(t.id),
        )  # fmt: skip

    def reached(self, group: Group) -> bool:
        """Say whether a gradient arrives at a group."""
        return any(t.id in self.gradients for t in group.tensors)

    def edges(self, rules: bool, back: bool = False) -> list[Edge]:
        """Return the operands between nodes; with ``back``, what flows back along these.

        Between two nodes, one of which is folded, there is a single edge.
        """
        edges = []
        seen = set()
        for t in self.tensors:
            head = self.home[t.id]
            several = sum(x is not None for x in t.inputs) > 1
            written = self.rules(t) if rules and not head.title else {}
            for p, x in enumerate(t.inputs, 1):
                if x is None or self.home[x.id] is head:
                    continue
                if back and (t.id, p) not in self.flows:
                    continue
                tail = self.home[x.id]
                ends = self.number_of(tail), self.number_of(head)
                if head.title or tail.title:
                    if ends in seen:
                        continue
                    seen.add(ends)
                name = f"{'b' if back else 'e'}{self.position[x.id]}-{self.position[t.id]}-{p}"
                letter = "g" if back else "n"
                order = p if several and not back and not head.title else 0
                edges.append(
                    Edge(
                        name, f"{letter}{ends[0]}", f"{letter}{ends[1]}", order, written.get(p, "")
                    )
                )
        return edges

    def rules(self, t: Tensor) -> dict[int, str]:
        """Return by operand the contribution that a step makes, in symbols."""
        if t.primitive is None or not t.requires_grad:
            return {}
        values = self.symbols.values(t, t.data)  # they tell numbers from arrays
        written = {}
        for p, (x, rule) in enumerate(zip(t.inputs, self.symbols.rules(t), strict=True), 1):
            if x is not None and x.requires_grad and rule is not None:
                if (t.id, p) in self.flows:  # where x was broadcast, its contribution is summed
                    rule = summed(rule, self.flows[t.id, p].given.shape, x.shape)
                text = self.symbols.written(rule, values)
                written[p] = text if len(text) <= LONGEST_RULE else shortened(text)
        return written


def shortened(rule: str) -> str:
    """Cut a rule that is too long: in its middle, so that it is seen how it ends.

    Examples
    --------
    >>> shortened("a" * 40 + " − " + "b" * 20)
    'aaaaaaaaaaaaaaaaaaaaaaa … − bbbbbbbbbbbbbbbbbbbb'
    """
    half = (LONGEST_RULE - 3) // 2
    return f"{rule[: LONGEST_RULE - 3 - half]} … {rule[-half:].lstrip()}"


def kind_of(t: Tensor) -> str:
    """Say what kind of node a tensor is, unless it is the output."""
    if t.primitive is not None:
        return "intermediate"
    return "parameter" if t.requires_grad else "input"


def operation(t: Tensor) -> tuple[str, str]:
    """Write what computed a tensor, with its Python numbers: ``^ 2`` power, ``where(·, 0, ·)``."""
    assert t.primitive is not None
    name = printable(t.primitive.__name__, LONGEST_NAME)
    symbol = printable(t.primitive.symbol, LONGEST_NAME)
    numbers = [
        number(value, digits=6) if x is None else ""
        for x, value in zip(t.inputs, t.operands, strict=True)
    ]
    if symbol == name:
        called = f"{name}({', '.join(number or '·' for number in numbers)})"
        return called if any(numbers) else name, ""
    if len(numbers) == 2:
        symbol = f"{numbers[0]} {symbol} {numbers[1]}".strip()
    return symbol, name


def frame(scope: str) -> tuple[str, ...]:
    """Return the frames of a scope, "outer/inner", from the outermost."""
    return tuple(map(plain_name, scope.split("/")[:DEEPEST_FRAME])) if scope else ()
