"""Reductions: many entries to fewer, over one axis, several, or all."""

import math
from typing import TypeAlias

import numpy as np

from ..numpy_protocol import value_of
from ..primitive import Closure, Value, primitive

Axis: TypeAlias = int | tuple[int, ...] | None


def kept(reduced: Value, axis: Axis, keepdims: bool) -> Value:
    """Put back, with length 1, the axes that a reduction removed, so that it broadcasts again.

    One number broadcasts as it is.
    """
    if keepdims or axis is None or reduced.ndim == 0:
        return reduced
    return np.expand_dims(reduced, axis)


def axes_of(a: Value, axis: Axis) -> tuple[int, ...]:
    """Return the axes that are reduced, counted from 0; for one number, NumPy ignores the axis."""
    if axis is None or a.ndim == 0:
        return tuple(range(a.ndim))
    return tuple(i % a.ndim for i in (axis if isinstance(axis, tuple) else (axis,)))


def count(a: Value, axis: Axis) -> int:
    """Return how many entries of a go into one entry of the reduction."""
    return math.prod(a.shape[i] for i in axes_of(a, axis))


@primitive(symbol="Σ")
def sum(a: Value, *, axis: Axis = None, keepdims: bool = False) -> Value:
    """Return the sum."""
    return np.sum(a, axis=axis, keepdims=keepdims)


@sum.backward
def _(out: Value, a: Value, *, axis: Axis, keepdims: bool) -> Closure:
    return lambda g: np.broadcast_to(kept(g, axis, keepdims), a.shape)


@primitive(symbol="Σ", needs="a shape that broadcasts to that of a")
def sum_to(a: Value, *, shape: tuple[int, ...]) -> Value:
    """Return the sum over the axes along which an array of the given shape broadcasts to a's."""
    if np.broadcast_shapes(shape, a.shape) != a.shape:
        raise ValueError(f"shape {shape} does not broadcast to {a.shape}")
    new = a.ndim - len(shape)
    stretched = (new + i for i, length in enumerate(shape) if length == 1)
    return np.sum(a, axis=(*range(new), *stretched), keepdims=True).reshape(shape)


@sum_to.backward
def _(out: Value, a: Value, *, shape: tuple[int, ...]) -> Closure:
    return lambda g: np.broadcast_to(g, a.shape)


@primitive
def mean(a: Value, *, axis: Axis = None, keepdims: bool = False) -> Value:
    """Return the mean."""
    return np.mean(a, axis=axis, keepdims=keepdims)


@mean.backward
def _(out: Value, a: Value, *, axis: Axis, keepdims: bool) -> Closure:
    return lambda g: np.broadcast_to(kept(g, axis, keepdims) / count(a, axis), a.shape)


@mean.twin
def _(a: Value, *, axis: Axis = None, keepdims: bool = False) -> Value:
    return a.sum(axis=axis, keepdims=keepdims) / count(a, axis)


@primitive
def max(a: Value, *, axis: Axis = None, keepdims: bool = False) -> Value:
    """Return the largest entry; where several are equal, they share the gradient equally."""
    return np.max(a, axis=axis, keepdims=keepdims)


@primitive
def min(a: Value, *, axis: Axis = None, keepdims: bool = False) -> Value:
    """Return the smallest entry; where several are equal, they share the gradient equally."""
    return np.min(a, axis=axis, keepdims=keepdims)


@max.backward
@min.backward
def _(out: Value, a: Value, *, axis: Axis, keepdims: bool) -> Closure:
    chosen = a == kept(out, axis, keepdims)
    ties = chosen.astype(a.dtype).sum(axis=axis, keepdims=True)
    return lambda g: np.where(chosen, kept(g, axis, keepdims) / ties, 0.0)


@primitive(symbol="Π")
def prod(a: Value, *, axis: Axis = None, keepdims: bool = False) -> Value:
    """Return the product."""
    return np.prod(a, axis=axis, keepdims=keepdims)


@prod.backward
def _(out: Value, a: Value, *, axis: Axis, keepdims: bool) -> Closure:
    size = np.abs(value_of(out))
    if (
        (size > np.finfo(size.dtype).tiny) & (size < np.inf)
    ).all():  # no 0, and nothing rounded off
        return lambda g: kept(g, axis, keepdims) * kept(out, axis, keepdims) / a
    return lambda g: kept(g, axis, keepdims) * product_of_others(a, axis)


def product_of_others(a: Value, axis: Axis) -> Value:
    """Return for each entry the product of all others that it is reduced with: no division by 0."""
    reduced = axes_of(a, axis)
    others = [i for i in range(a.ndim) if i not in reduced]
    rows = np.transpose(a, (*others, *reduced))
    n = count(a, axis)
    lines = rows.reshape((*(a.shape[i] for i in others), 1, n))
    products = np.prod(np.where(np.eye(n, dtype=bool), 1.0, lines), axis=-1)
    return np.transpose(products.reshape(rows.shape), np.argsort((*others, *reduced)))


@primitive
def var(a: Value, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Value:
    """Return the variance: squared deviations from the mean, summed, over their number - ddof."""
    return np.var(a, axis=axis, ddof=ddof, keepdims=keepdims)


@var.backward
def _(out: Value, a: Value, *, axis: Axis, ddof: int, keepdims: bool) -> Closure:
    deviation = a - a.mean(axis=axis, keepdims=True)
    return lambda g: 2.0 * kept(g, axis, keepdims) * deviation / (count(a, axis) - ddof)


@var.twin
def _(a: Value, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Value:
    deviation = a - a.mean(axis=axis, keepdims=True)
    return np.square(deviation).sum(axis=axis, keepdims=keepdims) / (count(a, axis) - ddof)


@primitive
def std(a: Value, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Value:
    """Return the standard deviation; where it is 0, its derivative is taken as 0."""
    return np.std(a, axis=axis, ddof=ddof, keepdims=keepdims)


@std.backward
def _(out: Value, a: Value, *, axis: Axis, ddof: int, keepdims: bool) -> Closure:
    deviation = a - a.mean(axis=axis, keepdims=True)
    # where the deviation is 0, so is deviation / infinity, and all of its derivatives
    scale = (count(a, axis) - ddof) * kept(np.where(out == 0, np.inf, out), axis, keepdims)
    return lambda g: kept(g, axis, keepdims) * deviation / scale


@std.twin
def _(a: Value, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Value:
    return np.sqrt(np.var(a, axis=axis, ddof=ddof, keepdims=keepdims))


@primitive
def logsumexp(a: Value, *, axis: Axis = None, keepdims: bool = False) -> Value:
    """Return log(sum(exp(a))), the largest entry taken out first, so that nothing overflows."""
    largest = np.max(a, axis=axis, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):  # where every entry is -inf, so is the result
        total = np.log(np.sum(np.exp(a - largest), axis=axis, keepdims=True)) + largest
    return total if keepdims else np.squeeze(total, axis)


@logsumexp.backward
def _(out: Value, a: Value, *, axis: Axis, keepdims: bool) -> Closure:
    return lambda g: kept(g, axis, keepdims) * np.exp(a - kept(out, axis, keepdims))


@logsumexp.twin
def _(a: Value, *, axis: Axis = None, keepdims: bool = False) -> Value:
    return np.log(np.exp(a).sum(axis=axis, keepdims=keepdims))


@primitive(symbol="‖·‖²")
def square_sum(a: Value) -> Value:
    """Return the sum of the squares of all entries: the product of a, made flat, with itself."""
    if a.dtype.kind != "f":
        a = a.astype(float)
    return np.vdot(a, a)


@square_sum.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: 2.0 * g * a


@square_sum.twin
def _(a: Value) -> Value:
    return np.square(a).sum()


@primitive
def cumsum(a: Value, *, axis: int | None = None) -> Value:
    """Return the running sum along an axis, or over all entries, made flat."""
    return np.cumsum(a, axis=axis)


@cumsum.backward
def _(out: Value, a: Value, *, axis: int | None) -> Closure:
    # An entry is in every running sum from its own on: add those up from the other end.
    return lambda g: np.flip(np.cumsum(np.flip(g, axis), axis), axis).reshape(a.shape)
