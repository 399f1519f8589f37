"""Shaping: the same numbers, arranged, repeated or converted."""

from typing import Any

import numpy as np

from ..primitive import Closure, Value, primitive


@primitive
def identity(a: Value) -> Value:
    """Return a itself."""
    return a


@identity.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g


@primitive
def astype(a: Value, *, dtype: Any) -> Value:
    """Return a converted to another floating type."""
    return a.astype(dtype)


@astype.backward
def _(out: Value, a: Value, *, dtype: Any) -> Closure:
    return lambda g: g.astype(a.dtype)


@primitive(needs="as many entries in the new shape as in the old")
def reshape(a: Value, *, shape: int | tuple[int, ...]) -> Value:
    """Return the entries of a, read row by row, in another shape; one length may be -1."""
    return np.reshape(a, shape)


@reshape.backward
def _(out: Value, a: Value, *, shape: int | tuple[int, ...]) -> Closure:
    return lambda g: g.reshape(a.shape)


@primitive(needs="a shape that the operand's broadcasts to")
def broadcast_to(a: Value, *, shape: tuple[int, ...]) -> Value:
    """Return a repeated along axes until it has the shape."""
    return np.broadcast_to(a, shape)


@broadcast_to.backward
def _(out: Value, a: Value, *, shape: tuple[int, ...]) -> Closure:
    return lambda g: g  # the sweep sums over the axes along which a was broadcast


@primitive
def expand_dims(a: Value, *, axis: int | tuple[int, ...]) -> Value:
    """Return a with axes of length 1 inserted."""
    return np.expand_dims(a, axis)


@expand_dims.backward
def _(out: Value, a: Value, *, axis: int | tuple[int, ...]) -> Closure:
    return lambda g: g.reshape(a.shape)


@primitive(needs="length 1 on the axes to remove")
def squeeze(a: Value, *, axis: int | tuple[int, ...] | None = None) -> Value:
    """Return a without axes of length 1."""
    return np.squeeze(a, axis)


@squeeze.backward
def _(out: Value, a: Value, *, axis: int | tuple[int, ...] | None) -> Closure:
    return lambda g: g.reshape(a.shape)
