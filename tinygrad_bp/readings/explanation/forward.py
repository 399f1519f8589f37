"""The forward pass of a run, as data: what every tensor was computed as, and its value then."""

from __future__ import annotations

import ast
from dataclasses import dataclass

import numpy as np

from ...tensor import Tensor
from .record import Given, Parts
from .symbols import Symbols


class Leaf(Given):
    """A tensor that nothing was computed for: a parameter, or data."""


@dataclass(frozen=True, eq=False)
class Computed:
    """A tensor that an operation computed.

    Parameters
    ----------
    node
        Its position among the tensors recorded, from 0.
    tensor, operation
        What it is called, and by which operation it was computed.
    operands
        The positions of the operands among the tensors recorded; None for a Python number.
    symbols, expression, parts
        What it was computed as: in symbols, as a syntax tree, and with numbers put in.
    value
        What came out.
    """

    node: int
    tensor: str
    operation: str
    operands: tuple[int | None, ...]
    symbols: str
    expression: ast.expr
    parts: Parts
    value: np.ndarray


def forward_pass(tensors: list[Tensor], names: Symbols) -> list[Leaf | Computed]:
    """Return the tensors of a computation as they were recorded."""
    nodes = {t.id: node for node, t in enumerate(tensors)}
    held = values_held(tensors)
    passed: list[Leaf | Computed] = []
    for t in tensors:
        if t.primitive is None:
            values = held.get(t.id, (t.data,))
            passed.append(Leaf(nodes[t.id], names.text(t), values))
            continue
        expression, values_of = names.computed(t), names.values(t, t.data)
        passed.append(
            Computed(
                nodes[t.id],
                names.text(t),
                t.primitive.__name__,
                tuple(None if x is None else nodes[x.id] for x in t.inputs),
                names.written(expression, values_of),
                expression,
                names.with_numbers(expression, values_of),
                t.data,
            )
        )
    return passed


def values_held(tensors: list[Tensor]) -> dict[int, tuple[np.ndarray, ...]]:
    """Return what each tensor that was used held then, by its id: each array once."""
    held: dict[int, dict[int, np.ndarray]] = {}
    for t in tensors:
        for x, value in zip(t.inputs, t.operands, strict=True):
            if x is not None:
                held.setdefault(x.id, {})[id(value)] = value
    return {key: tuple(values.values()) for key, values in held.items()}
