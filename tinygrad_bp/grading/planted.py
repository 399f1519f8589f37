"""A recorded computation at one point, swept with answers or mistakes in place.

The engine's sweep (`backward.py`) runs once, as it is. Grading runs many: with a person's answer
for the gradient of some tensor, and with a wrong closure at some edge. So the closures of every
step are made once, and this sweep is told what to put in their place. Without anything in place it
computes what the engine computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..backward import backward_closures, starting_gradient, summed_to
from ..notation.names import recorded_tensors
from ..tensor import Tensor

#: From the upstream gradient to the contribution to one input; None where it is left out.
Contribution: TypeAlias = Callable[[Any], Any]


class Edge(NamedTuple):
    """One use of a tensor: by which step, and as which of its operands."""

    step: int  # the position of the step's tensor in recording order
    operand: int


class Part(NamedTuple):
    """The part of a sweep that makes one gradient from given ones.

    Parameters
    ----------
    target
        The position of the tensor whose gradient is made.
    edges
        The edges that lead to it, latest step first.
    given
        The positions of the tensors whose gradients the part starts from.
    """

    target: int
    edges: tuple[Edge, ...]
    given: frozenset[int]


class Run:
    """One recorded computation: its steps with their right closures, and who uses whom.

    Tensors are known by their position in recording order, which is the same at every point.

    Parameters
    ----------
    loss
        A Tensor with one entry that needs a gradient.
    """

    def __init__(self, loss: Tensor) -> None:
        self.tensors = recorded_tensors(loss)
        position = {t.id: i for i, t in enumerate(self.tensors)}
        self.loss = len(self.tensors) - 1
        self.start = starting_gradient(loss, None)
        self.closures: dict[Edge, Contribution] = {}
        self.source: dict[Edge, int] = {}
        self.uses: dict[int, list[Edge]] = {}
        for step, tensor in enumerate(self.tensors):
            if tensor.primitive is None or not tensor.requires_grad:
                continue
            for i, closure in enumerate(backward_closures(tensor, create_graph=False)):
                x = tensor.inputs[i]
                if x is not None and x.requires_grad and closure is not None:
                    edge = Edge(step, i)
                    self.closures[edge] = closure
                    self.source[edge] = position[x.id]
                    self.uses.setdefault(position[x.id], []).append(edge)
        self.whole = tuple(sorted(self.closures, key=lambda edge: (-edge.step, edge.operand)))
        #: The edges at which the input was broadcast, so that its contribution is a sum.
        self.broadcast: set[Edge] = set()
        with np.errstate(all="ignore"):
            self.truth = self.true_gradients()

    def true_gradients(self) -> dict[int, Any]:
        """Return the right gradients by position, and note where inputs were broadcast."""
        arrived: dict[int, Any] = {self.loss: self.start}
        for edge in self.whole:
            x = self.source[edge]
            contribution = self.closures[edge](arrived[edge.step])
            if contribution.shape != self.tensors[x].shape:
                self.broadcast.add(edge)
                contribution = self.summed(edge, contribution)
            arrived[x] = arrived[x] + contribution if x in arrived else contribution
        return arrived

    def swept(
        self,
        edges: Iterable[Edge],
        given: Mapping[int, Any],
        planted: Mapping[Edge, Contribution] | None = None,
    ) -> dict[int, Any]:
        """Return the gradients that arrive by the edges, by position.

        Parameters
        ----------
        edges
            Latest step first.
        given
            Gradients to go on with in place of those that arrive, by position.
        planted
            Wrong contributions, by edge. What cannot be computed from them is left out, as the
            shapes may not fit any more.
        """
        planted = planted or {}
        arrived: dict[int, Any] = {self.loss: self.start}
        lost = set()
        for edge in edges:
            x, g = self.source[edge], given.get(edge.step)
            if g is None:
                g = arrived.get(edge.step)
                if g is None:
                    lost.add(x)
                    continue
            wrong = planted.get(edge)
            try:
                contribution = self.contribution(edge, g) if wrong is None else wrong(g)
                if contribution is not None:
                    arrived[x] = arrived[x] + contribution if x in arrived else contribution
            except Exception:
                lost.add(x)
            if x in lost:
                arrived.pop(x, None)
        for x in lost:
            arrived.pop(x, None)
        return arrived

    def contribution(self, edge: Edge, g: Any) -> Any:
        """Return what an edge adds by the right rule, summed to the shape of its input."""
        return self.summed(edge, self.closures[edge](g))

    def summed(self, edge: Edge, contribution: Any) -> Any:
        """Sum a contribution to the shape of its input, where that was broadcast."""
        x = self.tensors[self.source[edge]]
        if edge not in self.broadcast or contribution.shape == x.shape:
            return contribution
        try:
            return summed_to(x, contribution, self.tensors[edge.step])
        except ValueError:  # what a wrong rule made has a shape of its own
            return contribution

    def part(self, target: int, given: Iterable[int]) -> Part:
        """Return the part of the sweep from given gradients, or the loss, to one tensor's."""
        given = frozenset(given)
        between, frontier = {target}, [target]
        edges: list[Edge] = []
        while frontier:
            for edge in self.uses.get(frontier.pop(), ()):
                edges.append(edge)
                if edge.step not in given and edge.step not in between:
                    between.add(edge.step)
                    frontier.append(edge.step)
        edges.sort(key=lambda edge: (-edge.step, edge.operand))
        return Part(target, tuple(edges), given & {edge.step for edge in edges})

    @cached_property
    def products(self) -> list[Edge]:
        """The edges by which leaves that are matrices go into matrix products."""
        return [
            edge
            for edge, i in self.source.items()
            if self.tensors[i].primitive is None and self.tensors[i].ndim == 2
            if operation(self.tensors[edge.step]) == "matmul"
        ]

    @cached_property
    def weight_side(self) -> int | None:
        """Which operand of its matrix products a weight is; None where that is not seen.

        It is seen in the later layers, where the other operand was computed.
        """
        sides = {
            edge.operand
            for edge in self.products
            if (other := self.tensors[edge.step].inputs[1 - edge.operand]) is not None
            and other.primitive is not None
        }
        return sides.pop() if len(sides) == 1 else None

    @cached_property
    def batch(self) -> int:
        """The number of samples, as far as the steps agree on one; else 1.

        It is how many terms the gradients of the parameters are sums of.
        """
        terms = {
            self.tensors[edge.step].shape[1 - edge.operand]
            for edge in self.products
            if self.weight_side in (None, edge.operand) and self.tensors[edge.step].ndim == 2
        }
        for edge in self.broadcast:
            x, out = self.tensors[self.source[edge]], self.tensors[edge.step]
            if x.primitive is None and x.size > 1:
                terms.add(out.size // x.size)
        return terms.pop() if len(terms) == 1 else 1


def operation(tensor: Tensor) -> str:
    """Return the name of the operation that computed a tensor; empty for a leaf."""
    return "" if tensor.primitive is None else tensor.primitive.__name__


@dataclass(frozen=True, eq=False)
class Place:
    """An edge of one run: what a mistake that is made there has to work with.

    Parameters
    ----------
    run, edge
        Where it is.
    named
        The positions of the quantities, by name.
    gradients
        The gradients that a person has at hand, by position.
    wrongs
        The wrong contributions that were made for it so far, by mistake.
    """

    run: Run
    edge: Edge
    named: Mapping[str, int]
    gradients: Mapping[int, Any]
    wrongs: dict[Any, Any] = field(default_factory=dict)

    @property
    def tensor(self) -> Tensor:
        """What the step computed."""
        return self.run.tensors[self.edge.step]

    @property
    def operation(self) -> str:
        """The name of the step's operation."""
        return operation(self.tensor)

    @property
    def input(self) -> Tensor:
        """The tensor that the contribution goes to."""
        return self.run.tensors[self.run.source[self.edge]]

    @property
    def uses(self) -> list[Edge]:
        """All edges that contribute to the same tensor, this one among them."""
        return self.run.uses[self.run.source[self.edge]]

    def right(self, g: Any) -> Any:
        """Return the right contribution, not yet summed to the input's shape."""
        return self.run.closures[self.edge](g)

    def summed(self, contribution: Any) -> Any:
        """Sum a contribution to the input's shape, where the right one needs it too."""
        return self.run.summed(self.edge, contribution)

    @property
    def is_broadcast(self) -> bool:
        """Whether the input was broadcast, so that its contribution is a sum."""
        return self.edge in self.run.broadcast

    @property
    def leads_to_weight(self) -> bool:
        """Whether the input is a weight of a matrix product: a leaf, and not the data beside it."""
        other = self.tensor.inputs[1 - self.edge.operand]
        leaves = other is not None and other.primitive is None
        data = leaves and self.run.weight_side == 1 - self.edge.operand
        return self.input.primitive is None and not data

    def by_rule(self, rule: Callable[..., Any], operands: tuple[Any, ...] = ()) -> Any:
        """Return the closure for this edge from a rule in the form of the rule table."""
        tensor = self.tensor
        closures = rule(tensor.data, *(operands or tensor.operands), **tensor.params)
        return closures[self.edge.operand] if isinstance(closures, tuple) else closures

    def quantities(self) -> list[tuple[str, Tensor]]:
        """Return the quantities, by name."""
        return [(name, self.run.tensors[i]) for name, i in self.named.items()]


def same(a: Any, b: Any, tolerance: float, floor: float = 0.0) -> bool:
    """Say whether two arrays are equal, relative to the largest entry and above a noise floor.

    NaN equals NaN, so that a NaN that is carried on is seen to be.
    """
    if a is b:
        return True
    if np.shape(a) != np.shape(b):
        return False
    if np.size(a) == 0:
        return True
    off = np.abs(a - b).max()
    largest = max(np.abs(a).max(), np.abs(b).max())
    if off <= tolerance * largest + floor and largest < np.inf:
        return True
    if np.isfinite(off) or np.isfinite(largest):
        return False
    return bool(np.allclose(a, b, tolerance, floor, equal_nan=True))
