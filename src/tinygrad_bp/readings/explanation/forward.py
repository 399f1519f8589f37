"""The forward pass of a run, as data: what every tensor was computed as, and its value then."""

from __future__ import annotations

import ast
from dataclasses import dataclass

import numpy as np

from ...tensor import Tensor
from .record import Parts
from .symbols import Symbols


@dataclass(frozen=True, eq=False)
class Leaf:
    """A tensor that nothing was computed for: a parameter, or data.

    Parameters
    ----------
    node
        Its position among the tensors recorded, from 0.
    tensor
        What it is called.
    values
        What it held when it was used: several arrays where it was given new ones in between.
    """

    node: int
    tensor: str
    values: tuple[np.ndarray, ...]


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
    held: dict[int, dict[int, np.ndarray]] = {t.id: {} for t in tensors}
    for t in tensors:
        for x, value in zip(t.inputs, t.operands, strict=True):
            if x is not None:
                held[x.id][id(value)] = value
    passed: list[Leaf | Computed] = []
    for t in tensors:
        if t.primitive is None:
            values = tuple(held[t.id].values()) or (t.data,)
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
