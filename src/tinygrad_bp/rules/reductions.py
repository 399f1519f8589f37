"""Reductions: many numbers to fewer."""

from typing import TypeAlias

import numpy as np

from ..primitive import Closure, Value, primitive

Axis: TypeAlias = int | tuple[int, ...] | None


@primitive(symbol="Σ")
def sum(a: Value, *, axis: Axis = None, keepdims: bool = False) -> Value:
    """Return the sum over an axis, several axes, or all entries."""
    return np.sum(a, axis=axis, keepdims=keepdims)


@sum.backward
def _(out: Value, a: Value, *, axis: Axis, keepdims: bool) -> Closure:
    return lambda g: np.broadcast_to(with_reduced_axes(g, axis, keepdims), a.shape)


def with_reduced_axes(g: Value, axis: Axis, keepdims: bool) -> Value:
    """Put back, with length 1, the axes that a reduction removed."""
    return g if keepdims or axis is None else np.expand_dims(g, axis)


@primitive(symbol="Σ", needs="a shape that broadcasts to the operand's")
def sum_to(a: Value, *, shape: tuple[int, ...]) -> Value:
    """Return the sum over the axes along which an array of the given shape was broadcast to a's."""
    if np.broadcast_shapes(shape, a.shape) != a.shape:
        raise ValueError(f"shape {shape} does not broadcast to {a.shape}")
    added = a.ndim - len(shape)
    stretched = tuple(
        i for i in range(added, a.ndim) if shape[i - added] == 1 and a.shape[i] != 1
    )
    return np.sum(a, axis=(*range(added), *stretched), keepdims=True).reshape(shape)


@sum_to.backward
def _(out: Value, a: Value, *, shape: tuple[int, ...]) -> Closure:
    return lambda g: np.broadcast_to(g, a.shape)


@primitive(symbol="‖·‖²")
def square_sum(a: Value) -> Value:
    """Return the sum of the squares of all entries: a's product with itself, made flat."""
    return np.vdot(a, a)


@square_sum.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: 2.0 * g * a
