"""A forward pass and its reverse sweep as one graph of values: what `source` writes down.

The sweep runs once on Tensors, so that it is recorded as the forward pass was. The same operation
on the same operands is one value, so that nothing is computed twice.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from ...engine import Tensor, sweep
from ...notation.steps import not_written
from ...notation.trees import literal
from ...record import Record, recorded_tensors
from ...recording import recorded_comparisons
from ...table import TABLE

#: What a value is computed from: other values, and numbers as they are written.
Parts: TypeAlias = list[int | ast.expr]


class Program:
    """The values of a run and of its sweep; equal ones are shared.

    A value is known by the id of the first tensor that holds it. A forward line that has a name, or
    whose gradient is wanted, is still a line of its own, and so is every gradient.
    """

    def __init__(self, record: Record, wanted: list[Tensor]) -> None:
        forward, loss = record.tensors, record.output
        self.value: dict[int, int] = {}  # which value a tensor holds
        self.tensors: dict[int, Tensor] = {}  # the first tensor that holds a value
        self.parts: dict[int, Parts] = {}
        self.leaves: dict[int, np.ndarray] = {}  # values that are given, as they were then
        self.origin: dict[int, Tensor] = {}  # of each such value, the leaf that held it
        self._known: dict[Any, int] = {}
        self._versions: dict[tuple[int, int], int] = {}
        self._own = {t.id for t in wanted} | {t.id for t in forward if t.name is not None}
        self._leaves = {t.id for t in forward if t.primitive is None}

        self.start = Tensor(np.ones(loss.shape, loss.dtype))
        #: The gradients by the ids of the tensors, in the order of their lines; and back.
        self.gradients = self._sweep(loss)
        self.gradient_of = {
            g.id: record.tensors[record.place[key]] for key, g in self.gradients.items()
        }
        for t in forward:
            if t.primitive is not None:
                self._add(t, forward=True)
        if loss.primitive is None:
            self._version(loss, loss.data)
        self.forward = [value for value in self.tensors if value not in self.leaves]
        for t in recorded_tensors(*self.gradients.values()):
            if t.id not in self.value:
                self._add(t, forward=False)

    def _sweep(self, loss: Tensor) -> dict[int, Tensor]:
        # Rules are given each gradient under an identity of its own, so that they use the line of
        # this gradient, and not of an equal one.
        gradients: dict[int, Tensor] = {}
        last_use: dict[int, int] = {}

        def renamed(closure: Any, t: Tensor) -> Callable[[Any], Any]:
            return lambda g: closure(gradients[t.id])

        def closures(t: Tensor, recorded: bool) -> list[Any]:
            return [c and renamed(c, t) for c in t.closures(recorded)]

        try:
            with recorded_comparisons(), np.errstate(all="ignore"):
                for t, g in sweep([(loss, self.start)], closures):
                    gradients[t.id] = TABLE["identity"](g if isinstance(g, Tensor) else Tensor(g))
                    last_use |= {x.id: t.id for x in t.inputs if x is not None}
        except Exception as error:  # a rule may be the user's own
            raise not_written(t, error) from error
        # The gradient of a leaf comes as soon as all of it is there.
        order = {key: (last_use.get(key, key) if key in self._leaves else key) for key in gradients}
        return {key: gradients[key] for key in sorted(order, key=lambda key: -order[key])}

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
        elif t.id in self.gradient_of:
            key = t.id
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


def frozen(value: Any) -> Any:
    # a key, equal only for values that are written alike
    if isinstance(value, (np.ndarray, np.generic)):
        return type(value), value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, (tuple, list)):
        return type(value), tuple(map(frozen, value))
    if isinstance(value, dict):
        return tuple((name, frozen(item)) for name, item in value.items())
    return type(value), repr(value)
