"""A run of a problem, and a place in it: what a wrong rule has to work with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..record import Edge, Record
from ..table import TABLE

#: Below this, relative to the largest gradient of a run, is rounding noise: a few times the
#: precision of a float64, which is 1e-16.
NOISE = 1e-14


class Run(Record):
    """A record with what mistakes are made of: its quantities by name, its weights, its batch."""

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
        return sides.pop() if len(sides) == 1 else None

    @cached_property
    def batch(self) -> int:
        # as far as the steps agree on one; the gradients of parameters are sums of as many terms
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


class Place:
    """An edge of one run: what a mistake that is made there has to work with."""

    def __init__(self, run: Run, edge: Edge, at_hand: Mapping[int, Any]) -> None:
        self.run, self.edge = run, edge
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
        return self.run.closures[self.edge](g)

    def summed(self, contribution: Any) -> Any:
        return self.run.summed(self.edge, contribution)

    @property
    def is_broadcast(self) -> bool:
        return self.edge in self.run.broadcast

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
