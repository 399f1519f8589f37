"""Reductions: many entries to fewer, over one axis, several, or all."""

import math
from typing import Any, TypeAlias

import numpy as np

from ..engine import primitive
from ..operators import value_of
from ..table import Closure, Value
from .rows import upright

Axis: TypeAlias = int | tuple[int, ...] | None


def kept(reduced: Value, axis: Axis, keepdims: bool) -> Value:
    """Put back, with length 1, the axes that a reduction removed, so that it broadcasts again."""
    if keepdims or axis is None or reduced.ndim == 0:  # one number broadcasts as it is
        return reduced
    return np.expand_dims(reduced, axis)


def axes_of(a: Value, axis: Axis) -> tuple[int, ...]:
    """Return the axes that are reduced, counted from 0; for one number, NumPy ignores the axis."""
    if axis is None or a.ndim == 0:
        return tuple(range(a.ndim))
    return tuple(i % a.ndim for i in (axis if isinstance(axis, tuple) else (axis,)))


def count(a: Value, axis: Axis = None, keepdims: bool = False) -> int:
    """Return how many entries of a go into one entry of the reduction."""
    return math.prod(a.shape[i] for i in axes_of(a, axis))


def over_length(a: Value, length: Value) -> Value:
    """Return a / length, and 0 where the length is 0.

    There the length has a corner, and 0 is one of its slopes. It has no second derivative there:
    the quotient is computed all the same, and its derivative is 0 / 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(length != 0, a / length, 0.0)


@primitive(
    symbol="Σ",
    kind="spreads",
    notation=("Σ{below} {:product}", r"\sum{below} {:product}", "reduction"),
)
def sum(a: Value, *, axis: Axis = None, keepdims: bool = False) -> Value:
    """Return the sum over one axis, or a tuple of them; over all, if axis is left out.

    With keepdims, these axes stay, with length 1, as in every reduction.

    >>> bp.sum([[1.0, 2.0], [3.0, 4.0]], axis=1)
    array([3., 7.])
    """
    return np.sum(a, axis=axis, keepdims=keepdims)


sum.backward(lambda out, a, **over: lambda g: np.broadcast_to(kept(g, **over), a.shape))


@primitive(symbol="Σ", needs="a shape that broadcasts to that of a", kind="spreads")
def sum_to(a: Value, *, shape: tuple[int, ...]) -> Value:
    """Return the sum over the axes along which an array of the given shape broadcasts to a's."""
    new = a.ndim - len(shape)
    if new < 0 or any(n not in (1, m) for n, m in zip(shape, a.shape[new:], strict=True)):
        raise ValueError(f"shape {shape} does not broadcast to {a.shape}")
    stretched = (new + i for i, length in enumerate(shape) if length == 1)
    return np.sum(a, axis=(*range(new), *stretched), keepdims=True).reshape(shape)


sum_to.backward(lambda out, a, *, shape: lambda g: np.broadcast_to(g, a.shape))


@primitive(kind="reduces", averages="entries")
def mean(a: Value, *, axis: Axis = None, keepdims: bool = False) -> Value:
    """Return the mean.

    >>> bp.value_and_grad(bp.mean)([1.0, 2.0, 3.0, 6.0])
    (array(3.), array([0.25, 0.25, 0.25, 0.25]))
    """
    return np.mean(a, axis=axis, keepdims=keepdims)


@mean.backward
def _(out: Value, a: Value, **over: Any) -> Closure:
    return lambda g: np.broadcast_to(kept(g, **over) / count(a, **over), a.shape)


mean.twin(lambda a, **over: a.sum(**over) / count(a, **over))


@primitive(kind="reduces", notation=("max", r"\max"))
def max(a: Value, *, axis: Axis = None, keepdims: bool = False) -> Value:
    """Return the largest entry; where several are equal, they share the gradient equally.

    >>> bp.value_and_grad(bp.max)([1.0, 3.0, 3.0])
    (array(3.), array([0. , 0.5, 0.5]))
    """
    return np.max(a, axis=axis, keepdims=keepdims)


@primitive(kind="reduces", notation=("min", r"\min"))
def min(a: Value, *, axis: Axis = None, keepdims: bool = False) -> Value:
    """Return the smallest entry; where several are equal, they share the gradient equally.

    >>> bp.value_and_grad(bp.min)([1.0, 3.0, 1.0])
    (array(1.), array([0.5, 0. , 0.5]))
    """
    return np.min(a, axis=axis, keepdims=keepdims)


@max.backward
@min.backward
def _(out: Value, a: Value, **over: Any) -> Closure:
    chosen = a == kept(out, **over)
    ties = chosen.astype(a.dtype).sum(axis=over["axis"], keepdims=True)
    return lambda g: np.where(chosen, kept(g, **over) / ties, 0.0)


@primitive(
    symbol="Π",
    kind="reduces",
    notation=("Π{below} {:product}", r"\prod{below} {:product}", "reduction"),
)
def prod(a: Value, *, axis: Axis = None, keepdims: bool = False) -> Value:
    """Return the product; its slope by an entry is the product of the others, also if that is 0.

    >>> bp.value_and_grad(bp.prod)([2.0, 0.0, 5.0])
    (array(0.), array([ 0., 10.,  0.]))
    """
    return np.prod(a, axis=axis, keepdims=keepdims)


@prod.backward
def _(out: Value, a: Value, *, axis: Axis, keepdims: bool) -> Closure:
    size = np.abs(value_of(out))
    in_range = (size > np.finfo(size.dtype).tiny) & (size < np.inf)
    if in_range.all():  # no 0, and nothing rounded off
        return lambda g: kept(g, axis, keepdims) * kept(out, axis, keepdims) / a
    return lambda g: kept(g, axis, keepdims) * others_along(a, axis)


def others_along(a: Value, axis: Axis) -> Value:
    """Return for each entry the product of all others that it is reduced with."""
    reduced = axes_of(a, axis)
    order = (*(i for i in range(a.ndim) if i not in reduced), *reduced)
    rows = np.transpose(a, order)
    lines = rows.reshape((*rows.shape[: a.ndim - len(reduced)], count(a, axis)))
    products = product_of_others(lines).reshape(rows.shape)
    return np.transpose(products, tuple(order.index(i) for i in range(a.ndim)))


@primitive
def product_of_others(a: Value) -> Value:
    """Return for each entry of the last axis the product of all others, without a division."""
    one = np.ones_like(a[..., :1])
    before = np.cumprod(np.concatenate([one, a[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([one, a[..., :0:-1]], axis=-1), axis=-1)
    return before * np.flip(after, -1)


@product_of_others.backward
def _(out: Value, a: Value) -> Closure:
    itself = np.eye(a.shape[-1], dtype=bool)
    lines = np.where(itself, 1.0, np.expand_dims(a, -2))  # line i: a without entry i
    return lambda g: np.sum(
        np.expand_dims(g, -1) * np.where(itself, 0.0, product_of_others(lines)), axis=-2
    )


@primitive(
    kind="reduces",
    notation=upright("Var"),
    written="np.var(a, axis=axis, ddof=ddof, keepdims=keepdims)",
)
def var(a: Value, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Value:
    """Return the variance: squared deviations from the mean, summed, over their number n - ddof.

    The mean moves too, but as the deviations sum to 0, that adds nothing to 2 (a - mean) / n.

    >>> bp.value_and_grad(bp.var)([1.0, 2.0, 6.0, 7.0])
    (array(6.5), array([-1.5, -1. ,  1. ,  1.5]))
    """
    return np.var(a, axis=axis, ddof=float(ddof), keepdims=keepdims)


@var.backward
def _(out: Value, a: Value, *, axis: Axis, ddof: int, keepdims: bool) -> Closure:
    deviation = a - a.mean(axis=axis, keepdims=True)
    return lambda g: 2.0 * kept(g, axis, keepdims) * deviation / (count(a, axis) - float(ddof))


@var.twin
def _(a: Value, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Value:
    deviation = a - a.mean(axis=axis, keepdims=True)
    return np.square(deviation).sum(axis=axis, keepdims=keepdims) / (count(a, axis) - float(ddof))


@primitive(kind="reduces", written="np.std(a, axis=axis, ddof=ddof, keepdims=keepdims)")
def std(a: Value, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Value:
    """Return the standard deviation; where it is 0, its slope is 0, and its second derivative NaN.

    >>> bp.value_and_grad(bp.std)([1.0, 1.0, 5.0, 5.0])
    (array(2.), array([-0.25, -0.25,  0.25,  0.25]))
    """
    return np.std(a, axis=axis, ddof=float(ddof), keepdims=keepdims)


@std.backward
def _(out: Value, a: Value, *, axis: Axis, ddof: int, keepdims: bool) -> Closure:
    n, less = count(a, axis), float(ddof)
    if n == 1 and less == 0:
        return None  # the deviation of one entry is always 0
    deviation = a - a.mean(axis=axis, keepdims=True)
    slope = over_length(deviation / (n - less), kept(out, axis, keepdims))
    return lambda g: kept(g, axis, keepdims) * slope


std.twin(lambda a, **settings: np.sqrt(np.var(a, **settings)))


@primitive(kind="reduces")
def logsumexp(a: Value, *, axis: Axis = None, keepdims: bool = False) -> Value:
    """Return log(sum(exp(a))) without overflow; its gradient is the softmax.

    >>> bp.value_and_grad(bp.logsumexp)([-1000.0, 1000.0])
    (array(1000.), array([0., 1.]))
    """
    if a.dtype.kind != "f":
        a = a.astype(float)
    largest = np.max(a, axis=axis, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):  # where every entry is -inf, so is the result
        total = np.log(np.sum(np.exp(a - largest), axis=axis, keepdims=keepdims))
    return total + np.max(largest, axis=axis, keepdims=keepdims)


logsumexp.backward(lambda out, a, **over: lambda g: kept(g, **over) * np.exp(a - kept(out, **over)))
logsumexp.twin(lambda a, **over: np.log(np.exp(a).sum(**over)))


@primitive(
    symbol="‖·‖²", kind="reduces", notation=("‖{}‖²", r"\left\lVert {} \right\rVert^{{2}}", "power")
)
def square_sum(a: Value) -> Value:
    """Return the sum of the squares of all entries: the product of a, made flat, with itself.

    >>> bp.value_and_grad(bp.square_sum)([3.0, 4.0])
    (array(25.), array([6., 8.]))
    """
    if a.dtype.kind != "f":
        a = a.astype(float)
    return np.vdot(a, a)


square_sum.backward(lambda out, a: lambda g: 2.0 * g * a)
square_sum.twin(lambda a: np.square(a).sum())


@primitive
def cumsum(a: Value, *, axis: int | None = None) -> Value:
    """Return the running sum along an axis, or over all entries, made flat.

    >>> bp.cumsum([1.0, 2.0, 3.0])
    array([1., 3., 6.])
    """
    return np.cumsum(a, axis=axis)


@cumsum.backward
def _(out: Value, a: Value, *, axis: int | None) -> Closure:
    return lambda g: sums_from(g, axis).reshape(a.shape)


def sums_from(g: Value, axis: int | None) -> Value:
    """Add up from each entry on: an entry is in every running sum, or product, from its own on."""
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)


@primitive
def cumprod(a: Value, *, axis: int | None = None) -> Value:
    """Return the running product along an axis, or over all entries, made flat.

    >>> bp.cumprod([2.0, 0.0, 5.0])
    array([2., 0., 0.])
    """
    return np.cumprod(a, axis=axis)


@cumprod.backward
def _(out: Value, a: Value, *, axis: int | None) -> Closure:
    flat = np.ravel(a) if axis is None or a.ndim == 0 else a
    axis = axis or 0
    size = np.abs(value_of(out))
    if ((size > np.finfo(size.dtype).tiny) & (size < np.inf)).all():  # as in the rule of prod
        return lambda g: (sums_from(g * out, axis) / flat).reshape(a.shape)
    lines = np.expand_dims(np.moveaxis(flat, axis, -1), -2)
    part = np.tri(lines.shape[-1], dtype=bool)  # line i: the entries up to i, and ones
    slopes = np.where(part, product_of_others(np.where(part, lines, 1.0)), 0.0)
    return lambda g: np.moveaxis(
        (np.expand_dims(np.moveaxis(g, axis, -1), -1) * slopes).sum(axis=-2), -1, axis
    ).reshape(a.shape)
