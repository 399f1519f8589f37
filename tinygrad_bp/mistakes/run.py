"""A run of a problem, and a place in it: what a wrong rule has to work with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import cached_property
from math import gcd
from typing import Any

import numpy as np

from ..record import Contribute, Edge, Record
from ..table import TABLE

#: Below this, relative to the largest gradient of a run, is rounding noise: a few times the
#: precision of a float64, which is 1e-16.
NOISE = 1e-14


class Run(Record):
    """A record with what mistakes are made of: its quantities by name, its weights, its batch."""

    def scale(self, i: int) -> float:
        """Return the factor that the gradient of a tensor carries beside those it came from."""
        return 1.0

    @property
    def loss(self) -> int:
        return len(self.tensors) - 1

    @cached_property
    def quantities(self) -> dict[str, int]:
        names = [(t.name, i) for i, t in enumerate(self.tensors) if t.name is not None]
        twice = [name for name, n in Counter(name for name, _ in names).items() if n > 1]
        if twice:
            raise ValueError(f"two tensors are called {twice[0]}. Give each quantity its own name.")
        return {name: i for name, i in names if i in self.gradients}

    def calling(self, steps: Mapping[str, int]) -> Run:
        """Return this run with further quantities: unnamed steps, by what they are called."""
        run = copy(self)
        run.__dict__.pop("backward_order", None)  # which is of the quantities
        run.quantities = {**self.quantities, **steps}
        return run

    @cached_property
    def backward_order(self) -> list[str]:
        def complete(name: str) -> tuple[int, int, int]:
            i = self.quantities[name]
            last = min(self.uses.get(i, ()), default=Edge(self.loss + 1, 0))
            return -last.step, self.tensors[i].primitive is not None, last.operand

        return sorted(self.quantities, key=complete)

    @cached_property
    def noise(self) -> float:
        gradients = (self.gradients[i] for i in self.quantities.values())
        sizes = (float(np.abs(g).max(initial=0.0)) for g in gradients)
        return NOISE * max((size for size in sizes if np.isfinite(size)), default=0.0)

    @cached_property
    def products(self) -> list[Edge]:
        return [
            edge
            for edge, i in self.source.items()
            if self.tensors[i].primitive is None and self.tensors[i].ndim == 2
            if self.tensors[edge.step].primitive is TABLE["matmul"]
        ]

    @cached_property
    def weight_side(self) -> int | None:
        others = ((e.operand, self.tensors[e.step].inputs[1 - e.operand]) for e in self.products)
        sides = {i for i, other in others if other is not None and other.primitive is not None}
        if not sides:  # of one layer its bias tells: a column where samples are columns
            sides = {
                0 if x.shape[-1] < out.shape[-1] else 1
                for x, out in self.biases
                if x.ndim == out.ndim or x.size > 1
            }
        return sides.pop() if len(sides) == 1 else None

    @cached_property
    def parameters(self) -> set[int]:
        """The leaves that are no data: weights, kernels and what is broadcast over the samples."""
        found = {i for i, t in enumerate(self.tensors) if t.primitive is None and i in self.uses}
        return {i for i in found if any(self.is_of_parameter(edge) for edge in self.uses[i])}

    def is_of_parameter(self, edge: Edge) -> bool:
        step = self.tensors[edge.step]
        if edge in self.broadcast:
            return True
        if step.primitive is TABLE["matmul"]:
            return self.weight_side in (None, edge.operand)
        return step.primitive in (TABLE["conv2d"], TABLE["getitem"]) and (
            edge.operand == 1 or step.primitive is TABLE["getitem"]
        )

    @cached_property
    def batch(self) -> int:
        # what the numbers of terms have in common that the gradients of parameters are sums of:
        # a convolution's bias has one for each window of each sample
        copies = {out.size // x.size for x, out in self.biases}
        terms = {
            self.terms(edge)
            for edge in self.products
            if self.weight_side == edge.operand or (self.weight_side is None and not copies)
            if self.tensors[edge.step].ndim == 2
        }
        found = gcd(*terms | copies) or 1  # of nothing it is 0
        return found if self.weight_side is not None or copies or len(terms) == 1 else 1

    @cached_property
    def means_by_hand(self) -> set[float]:
        """The multiples of the batch that something is divided by, as a loss is by m or 2m."""
        found: set[float] = set()
        for t in self.tensors:
            if self.batch == 1 or t.primitive not in (TABLE["divide"], TABLE["multiply"]):
                continue
            constants = (v for x, v in zip(t.inputs, t.operands, strict=True) if x is None)
            for value in constants:
                if np.ndim(value) == 0 and np.isreal(value) and value:
                    samples = (abs(float(value)) ** k / self.batch for k in (1, -1))
                    near = (n for n in samples if n >= 1 and abs(n - round(n)) <= 1e-7 * n)
                    found |= {n * self.batch for n in near}
        return found

    @property
    def biases(self) -> list[tuple[Any, Any]]:
        # leaves that are broadcast, each with the result: of one entry, only along one axis
        pairs = [(self.tensors[self.source[e]], self.tensors[e.step]) for e in self.broadcast]
        return [
            (x, out)
            for x, out in pairs
            if x.primitive is None
            if x.size > 1 or (x.ndim == out.ndim > 1 and out.size == max(out.shape))
        ]

    def terms(self, edge: Edge) -> int:
        # how many the contribution along an edge is a sum of: of a product or of broadcast copies
        x, out = self.tensors[self.source[edge]], self.tensors[edge.step]
        if edge in self.broadcast:
            return int(out.size // max(x.size, 1))
        if out.primitive is TABLE["matmul"] and out.ndim == x.ndim == 2:
            return int(out.shape[1 - edge.operand])
        return 1

    # ---- the same step at another time ----

    @cached_property
    def nearest_parameters(self) -> list[frozenset[int]]:
        # those that lie the fewest steps back: the same for a step that is repeated over time
        found: list[tuple[int, frozenset[int]]] = []
        for i, t in enumerate(self.tensors):
            if t.primitive is None:
                found.append((0, frozenset({i} if i in self.parameters else ())))
                continue
            before = [found[self.place[x.id]] for x in t.inputs if x is not None]
            known = [entry for entry in before if entry[1]]
            nearest = min((steps for steps, _ in known), default=0)
            union = (which for steps, which in known if steps == nearest)
            found.append((nearest + 1, frozenset().union(*union)))
        return [which for _, which in found]

    @cached_property
    def alike(self) -> dict[Edge, tuple[Edge, ...]]:
        """The edges that do the same as each, as at every time step, from the first on.

        They are of one operation, and their operands come from the same weights.
        """
        groups: dict[Any, list[Edge]] = {}
        for edge in reversed(self.edges):
            t, x = self.tensors[edge.step], self.source[edge]
            others = tuple(
                self.place[other.id]
                for k, other in enumerate(t.inputs)
                if other is not None and k != edge.operand
                if self.place[other.id] in self.parameters
            )
            near, made_by = self.nearest_parameters[x], self.tensors[x].primitive
            same = (t.primitive, edge.operand, others, near, made_by, printed(t.params))
            groups.setdefault(same, []).append(edge)
        return {edge: tuple(edges) for edges in groups.values() for edge in edges}

    @cached_property
    def roles(self) -> dict[Any, tuple[Edge, ...]]:
        """The edges at which one slip is made again and again, by what they have in common.

        They are all uses of one tensor, whose key is its position; or its uses in one step, as in
        w * w; or those that do the same, as at every time step; or all steps of an operation.
        """
        roles: dict[Any, list[Edge]] = {i: list(uses) for i, uses in self.uses.items()}
        for edge in self.edges:
            t = self.tensors[edge.step]
            alike, inputs = self.alike[edge], [x for x in t.inputs if x is not None]
            near = tuple(self.nearest_parameters[self.place[x.id]] for x in inputs)
            kind, here = t.primitive, (self.source[edge], edge.step)
            for role in (here, alike, (alike, near), (kind, edge.operand), (kind,)):
                roles.setdefault(role, []).append(edge)
        return {role: tuple(edges) for role, edges in roles.items() if len(edges) > 1}


def printed(params: Mapping[str, Any]) -> str:
    # an index may be an array, which cannot be a key
    return str({name: value for name, value in params.items() if np.ndim(value) == 0})


class ScaledRun(Run):
    """A run as it is for somebody whose gradients all carry a factor.

    All carry the one that comes in at the loss. The gradients of parameters carry another one
    besides, which is not passed on.
    """

    def __init__(self, run: Run, at_loss: float, at_parameters: float = 1.0) -> None:
        self.__dict__ |= run.__dict__
        for name in ("start", "_right", "gradients"):
            self.__dict__.pop(name, None)
        self.factors, self.unscaled = (at_loss, at_parameters), run
        self.start = run.start * at_loss

    def scale(self, i: int) -> float:
        return self.factors[1] if i in self.parameters else 1.0

    @cached_property
    def gradients(self) -> dict[int, Any]:
        right = self.unscaled.gradients
        return {i: g * self.factors[0] * self.scale(i) for i, g in right.items()}

    def sweep(self, *args: Any, **duties: Any) -> dict[int, Any]:
        return {i: g * self.scale(i) for i, g in super().sweep(*args, **duties).items()}


class Place:
    """An edge of one run: what a mistake that is made there has to work with."""

    def __init__(
        self,
        run: Run,
        edge: Edge,
        at_hand: Mapping[int, Any],
        before: Contribute | None = None,
    ) -> None:
        self.run, self.edge = run, edge
        self.before = before  # what an earlier mistake makes of the contribution, if there is one
        self.at_hand = at_hand  # the gradients that a person has, by position
        self.wrongs: dict[Any, Any] = {}  # those made so far, by mistake
        self.tensor = run.tensors[edge.step]  # what the step computed
        self.input = run.tensors[run.source[edge]]  # what the contribution goes to
        primitive: Any = self.tensor.primitive
        self.primitive, self.operation = primitive, primitive.__name__

    @property
    def uses(self) -> list[Edge]:
        return self.run.uses[self.run.source[self.edge]]

    def right(self, g: Any) -> Any:
        # not yet summed to the input's shape
        return (self.before or self.run.closures[self.edge])(g)

    def summed(self, contribution: Any) -> Any:
        if self.before is not None:  # which left it as it is
            return contribution
        return self.run.summed(self.edge, contribution)

    @property
    def is_broadcast(self) -> bool:
        return self.edge in self.run.broadcast

    @property
    def is_repeated(self) -> bool:
        # broadcast here, or only arranged here to be broadcast, as in b[:, None]
        uses = self.run.uses.get(self.edge.step, ())
        is_arranged = self.primitive.kind == "arranges" and uses
        return self.is_broadcast or bool(is_arranged and self.run.broadcast.issuperset(uses))

    @property
    def leads_to_weight(self) -> bool:
        # a leaf, and not the data beside it
        other = self.tensor.inputs[1 - self.edge.operand]
        leaves = other is not None and other.primitive is None
        is_data = leaves and self.run.weight_side == 1 - self.edge.operand
        return self.input.primitive is None and not is_data

    def by_rule(self, rule: Callable[..., Any], operands: Sequence[Any] = ()) -> Any:
        t = self.tensor
        closures = rule(t.data, *(operands or t.operands), **t.params)
        return closures[self.edge.operand] if isinstance(closures, (tuple, list)) else closures
