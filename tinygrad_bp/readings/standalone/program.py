"""A forward pass and its reverse sweep as one graph of values: what `source` writes down.

The sweep runs once on Tensors, so that it is recorded as the forward pass was. The same operation
on the same operands is one value, so that nothing is computed twice.
"""

from __future__ import annotations

import ast
from bisect import bisect
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ...engine import Tensor, next_id, sweep
from ...notation.steps import not_written
from ...notation.trees import literal
from ...record import Record, recorded_tensors
from ...recording import recorded_comparisons
from ...table import TABLE


class Gradient(NamedTuple):
    tensor: int  # its id


#: A value is known by the id of the first tensor that holds it; a gradient also has a variable.
Key: TypeAlias = int | Gradient

#: What a value is computed from: other values, and numbers as they are written.
Parts: TypeAlias = list[int | ast.expr]


class Program:
    """The values of a run and of its sweep, numbered; equal ones are shared.

    A forward line that has a name, or whose gradient is wanted, is still a line of its own.
    """

    def __init__(self, record: Record, wanted: list[Tensor]) -> None:
        forward, loss = record.tensors, record.output
        self.value: dict[int, int] = {}  # which value a tensor holds
        self.tensors: dict[int, Tensor] = {}  # the first tensor that holds a value
        self.parts: dict[int, Parts] = {}
        self.leaves: dict[int, np.ndarray] = {}  # values that are given, as they were then
        self.origin: dict[int, Tensor] = {}  # of each such value, the leaf that held it
        self.gradients: dict[int, Tensor] = {}  # the gradient by each tensor
        self.order: list[Tensor] = []  # the tensors as their gradients become known
        self._visits: list[tuple[int, int]] = []  # when the sweep came by, and to which tensor
        self._known: dict[Any, int] = {}
        self._versions: dict[tuple[int, int], int] = {}

        self._consumers: dict[int, list[int]] = {}
        self._own = {t.id for t in wanted} | {t.id for t in forward if t.name is not None}
        self._leaves = {t.id for t in forward if t.primitive is None}

        self._sweep(loss)
        for t in forward:
            if t.primitive is not None:
                self._add(t, forward=True)
        if loss.primitive is None:
            self._version(loss, loss.data)
        self.forward = [value for value in self.tensors if value not in self.leaves]
        ours = set(self.tensors)
        for t in recorded_tensors(*self.gradients.values()):
            if t.id not in self.value:
                self._add(t, forward=False)

        #: The variables of each value that is a gradient: it may be that of several tensors.
        self.sharing: dict[int, dict[int, Gradient]] = {}
        for t in self.order:
            value = self.value[self.gradients[t.id].id]
            if value not in ours:
                self.sharing.setdefault(value, {})[t.id] = Gradient(t.id)

        #: Sums of contributions to the gradient by a tensor.
        self._sums: dict[int, int] = {}
        for t in self.order:
            g: Tensor | None = self.gradients[t.id]
            consumers = set(self._consumers.get(t.id, ()))
            while g is not None and g.primitive is TABLE["add"]:
                if self._visited(g.id) not in consumers:
                    break
                self._sums[self.value[g.id]] = t.id
                g = g.inputs[0]

    def _sweep(self, loss: Tensor) -> None:
        steps: list[Tensor] = []
        leaves: list[Tensor] = []
        self.start = Tensor(np.ones(loss.shape, loss.dtype))
        try:
            with recorded_comparisons(), np.errstate(all="ignore"):
                for t, g in sweep([(loss, self.start)]):
                    self.gradients[t.id] = g if isinstance(g, Tensor) else Tensor(g)
                    if t.primitive is None:
                        leaves.append(t)
                        continue
                    steps.append(t)  # its rule runs when the sweep goes on
                    self._visits.append((next_id(), t.id))
                    for x in t.inputs:
                        if x is not None:
                            self._consumers.setdefault(x.id, []).append(t.id)
        except Exception as error:  # a rule may be the user's own
            raise not_written(steps[-1], error) from error
        # The gradient of a leaf comes as soon as all of it is there.
        ready: dict[int | None, list[Tensor]] = {}
        for x in leaves:
            ready.setdefault(self._consumers.get(x.id, [None])[-1], []).append(x)
        self.order = ready.get(None, [])
        for t in steps:
            self.order += [t, *ready.get(t.id, [])]

    def _add(self, t: Tensor, forward: bool) -> None:
        parts: Parts = []
        for x, operand in zip(t.inputs, t.operands, strict=True):
            if x is None:
                parts.append(literal(operand))
            elif x.id in self._leaves:
                parts.append(self._version(x, operand))
            else:
                parts.append(self.value[x.id])
        if t.primitive is None:
            key: Any = frozen(t.data)
        elif t.primitive is TABLE["identity"] and not forward:
            self.value[t.id] = parts[0]  # type: ignore[assignment]  # of a Tensor
            return
        else:
            operands = tuple(p if isinstance(p, int) else ast.unparse(p) for p in parts)
            key = (t.primitive, operands, frozen(dict(t.params)))
        value = self._known.setdefault(key, t.id)
        if forward and t.id in self._own:
            value = t.id
        self.value[t.id] = value
        if value == t.id:
            self.tensors[value], self.parts[value] = t, parts

    def _version(self, x: Tensor, array: np.ndarray) -> int:
        # a leaf may have held other arrays before
        version = x if x.id not in self.value else Tensor(array)
        value = self._versions.setdefault((x.id, id(array)), version.id)
        if value == version.id:
            self.value.setdefault(x.id, value)
            self.tensors[value], self.parts[value] = version, []
            self.leaves[value], self.origin[value] = array, x
        return value

    def operands(self, key: Key) -> list[Key | ast.expr]:
        if isinstance(key, Gradient):
            value = self.value[self.gradients[key.tensor].id]
            sharing = self.sharing.get(value, {})
            first = next(iter(sharing.values()), key)
            if first == key:
                return [value]
            # It is the gradient of another tensor too: best, of one that was computed from this.
            consumers = self._consumers.get(key.tensor, [])
            return [next((sharing[t] for t in consumers if t in sharing), first)]
        return [
            part if isinstance(part, ast.expr) else self._variable(part, key, place)
            for place, part in enumerate(self.parts[key])
        ]

    def _variable(self, value: int, user: int, place: int) -> Key:
        # A gradient has a variable for each tensor that it belongs to: the tensor whose rule was
        # running when the user was recorded; where the user adds to earlier contributions, one they
        # came from.
        sharing = self.sharing.get(value)
        if sharing is None:
            return value
        likely = [self._visited(user)]
        if place == 0 and user in self._sums:
            likely = self._consumers[self._sums[user]]
        return next((sharing[t] for t in likely if t in sharing), next(iter(sharing.values())))

    def _visited(self, tensor: int) -> int:
        # the tensor whose rule was running when this one was recorded; -1 for none
        latest = bisect(self._visits, (tensor,)) - 1
        return self._visits[latest][1] if latest >= 0 else -1


def frozen(value: Any) -> Any:
    # a key, equal only for values that are written alike
    if isinstance(value, (np.ndarray, np.generic)):
        return type(value), value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, (tuple, list)):
        return type(value), tuple(map(frozen, value))
    if isinstance(value, dict):
        return tuple((name, frozen(item)) for name, item in value.items())
    return type(value), repr(value)
