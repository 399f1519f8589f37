"""Shaping: the same entries arranged, selected, repeated or joined."""

from typing import Any, TypeAlias

import numpy as np

from ..primitive import Closure, Value, primitive

Axes: TypeAlias = int | tuple[int, ...] | None
Shape: TypeAlias = int | tuple[int, ...]


def as_operand(a: Any) -> Value:
    """Return a Tensor or an array itself, and a list as an array, as every operation takes it."""
    return a if hasattr(a, "shape") else np.array(a)


@primitive
def identity(a: Value) -> Value:
    """Return a itself."""
    return a


@identity.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g


@primitive(
    written="a.astype(dtype)",
    needs="float64 or float32: no gradient flows through other types",
)
def astype(a: Value, *, dtype: Any) -> Value:
    """Return a in another floating type: float32 or float64."""
    if np.dtype(dtype) not in (np.float64, np.float32):
        raise TypeError(f"{np.dtype(dtype)} carries no gradient: use t.data.astype")
    return a.astype(dtype)


@astype.backward
def _(out: Value, a: Value, *, dtype: Any) -> Closure:
    return lambda g: g.astype(a.dtype)


# ---- Arranging ----


@primitive(needs="as many entries in the new shape as in the old")
def reshape(a: Value, *, shape: Shape) -> Value:
    """Return the entries, read row by row, in another shape; one length may be -1."""
    return np.reshape(a, shape)


@reshape.backward
def _(out: Value, a: Value, *, shape: Shape) -> Closure:
    return lambda g: g.reshape(a.shape)


@primitive
def ravel(a: Value) -> Value:
    """Return the entries, read row by row, as one axis."""
    return np.ravel(a)


@ravel.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g.reshape(a.shape)


@primitive
def expand_dims(a: Value, *, axis: Shape) -> Value:
    """Return a with axes of length 1 inserted."""
    return np.expand_dims(a, axis)


@expand_dims.backward
def _(out: Value, a: Value, *, axis: Shape) -> Closure:
    return lambda g: g.reshape(a.shape)


@primitive(needs="length 1 on the axes to remove")
def squeeze(a: Value, *, axis: Axes = None) -> Value:
    """Return a without axes of length 1."""
    return np.squeeze(a, axis)


@squeeze.backward
def _(out: Value, a: Value, *, axis: Axes) -> Closure:
    return lambda g: g.reshape(a.shape)


@primitive
def flip(a: Value, *, axis: Axes = None) -> Value:
    """Return a with the order of entries reversed along axes, or along all."""
    return np.flip(a, axis)


@flip.backward
def _(out: Value, a: Value, *, axis: Axes) -> Closure:
    return lambda g: np.flip(g, axis)


@primitive
def roll(a: Value, *, shift: Shape, axis: Axes = None) -> Value:
    """Return a with its entries moved along axes; what leaves at one end enters at the other."""
    return np.roll(a, shift, axis)


@roll.backward
def _(out: Value, a: Value, *, shift: Shape, axis: Axes) -> Closure:
    back = tuple(-s for s in shift) if isinstance(shift, (tuple, list)) else -shift
    return lambda g: np.roll(g, back, axis)


# ---- Repeating ----


@primitive(needs="a shape that a broadcasts to")
def broadcast_to(a: Value, *, shape: Shape) -> Value:
    """Return a repeated along axes until it has the shape."""
    return np.broadcast_to(a, shape)


@broadcast_to.backward
def _(out: Value, a: Value, *, shape: Shape) -> Closure:
    return lambda g: g  # the sweep sums over the axes along which an input was broadcast


@primitive
def repeat(a: Value, *, repeats: Any, axis: int | None = None) -> Value:
    """Return a with each entry repeated along an axis, or of a made flat."""
    return np.repeat(a, repeats, axis)


@repeat.backward
def _(out: Value, a: Value, *, repeats: Any, axis: int | None) -> Closure:
    if axis is None or a.ndim == 0:
        origin = np.repeat(np.arange(a.size), repeats)
        return lambda g: scatter(g, key=origin, shape=(a.size,)).reshape(a.shape)
    origin = np.repeat(np.arange(a.shape[axis]), repeats)
    key = (*(slice(None),) * (axis % a.ndim), origin)
    return lambda g: scatter(g, key=key, shape=a.shape)


@primitive
def tile(a: Value, *, reps: Shape) -> Value:
    """Return copies of a laid side by side, so many along each axis."""
    return np.tile(a, reps)


@tile.backward
def _(out: Value, a: Value, *, reps: Shape) -> Closure:
    counts = tuple(np.ravel(reps).tolist())
    ndim = max(len(counts), a.ndim)
    counts = (1,) * (ndim - len(counts)) + counts
    lengths = (1,) * (ndim - a.ndim) + a.shape
    pairs = tuple(n for pair in zip(counts, lengths, strict=True) for n in pair)
    copies = tuple(range(0, 2 * ndim, 2))
    return lambda g: g.reshape(pairs).sum(axis=copies).reshape(a.shape)


# ---- Joining ----


@primitive(needs="equal lengths on all other axes")
def concatenate(*arrays: Value, axis: int | None = 0) -> Value:
    """Return arrays, given as a list, joined along an axis, or made flat and joined."""
    return np.concatenate(arrays, axis)


@concatenate.backward
def _(out: Value, *arrays: Value, axis: int | None) -> tuple[Closure, ...]:
    if axis is None:
        ends = np.cumsum([a.size for a in arrays])
        return tuple(
            lambda g, a=a, end=int(end): g[end - a.size : end].reshape(a.shape)
            for a, end in zip(arrays, ends, strict=True)
        )
    before = (slice(None),) * (axis % out.ndim)
    ends = np.cumsum([a.shape[axis] for a in arrays])
    return tuple(
        lambda g, key=(*before, slice(int(end) - a.shape[axis], int(end))): g[key]
        for a, end in zip(arrays, ends, strict=True)
    )


@primitive(needs="equal shapes")
def stack(*arrays: Value, axis: int = 0) -> Value:
    """Return arrays of one shape, given as a list, joined along a new axis."""
    return np.stack(arrays, axis)


@stack.backward
def _(out: Value, *arrays: Value, axis: int) -> tuple[Closure, ...]:
    before = (slice(None),) * (axis % out.ndim)
    return tuple(lambda g, key=(*before, i): g[key] for i in range(len(arrays)))


@primitive(written="np.pad(a, pad_width, constant_values=constant_values)", needs="mode 'constant'")
def pad(a: Value, *, pad_width: Any, mode: str = "constant", constant_values: float = 0) -> Value:
    """Return a with constant entries added before and after it on each axis."""
    if mode != "constant":
        raise ValueError(f"pad has no mode {mode!r} here")
    if isinstance(pad_width, dict):
        raise TypeError("pad takes no dictionary here: give (before, after) for each axis")
    return np.pad(a, pad_width, constant_values=constant_values)


@pad.backward
def _(out: Value, a: Value, *, pad_width: Any, mode: str, constant_values: float) -> Closure:
    widths = np.broadcast_to(pad_width, (a.ndim, 2))
    key = tuple(
        slice(int(before), int(before) + length)
        for (before, _), length in zip(widths, a.shape, strict=True)
    )
    return lambda g: g[key]


# ---- Selecting ----


@primitive(symbol="[]")
def getitem(a: Value, *, key: Any) -> Value:
    """Return a[key], for any index of NumPy's."""
    return a[key]


@getitem.backward
def _(out: Value, a: Value, *, key: Any) -> Closure:
    return lambda g: scatter(g, key=key, shape=a.shape)


@primitive
def scatter(a: Value, *, key: Any, shape: tuple[int, ...]) -> Value:
    """Return zeros of a shape with a added at an index: the reverse of taking a[key].

    Where the index names an entry more than once, all that is added there adds up.
    """
    out = np.zeros(shape, dtype=a.dtype)
    np.add.at(out, key, a)
    return out


@scatter.backward
def _(out: Value, a: Value, *, key: Any, shape: tuple[int, ...]) -> Closure:
    return lambda g: g[key]


@primitive(needs="integer indices with as many axes as a")
def take_along_axis(a: Value, *, indices: Any, axis: int | None = -1) -> Value:
    """Return the entries that an array of indices names along an axis, or of a made flat."""
    return np.take_along_axis(a, indices, axis)


@take_along_axis.backward
def _(out: Value, a: Value, *, indices: Any, axis: int | None) -> Closure:
    if axis is None:
        return lambda g: scatter(g, key=indices, shape=(a.size,)).reshape(a.shape)
    key: list[Any] = list(np.ix_(*(np.arange(length) for length in a.shape)))
    key[axis] = indices
    return lambda g: scatter(g, key=tuple(key), shape=a.shape)


def split(a: Value, indices_or_sections: Any, axis: int = 0) -> list[Value]:
    """Return a cut along an axis: into so many equal parts, or at the given indices.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> left, right = bp.split(bp.tensor([1.0, 2.0, 3.0, 4.0]), 2)
    >>> right
    tensor([3., 4.], from=getitem)
    """
    a = as_operand(a)
    if not isinstance(indices_or_sections, int):
        indices_or_sections = np.asarray(indices_or_sections)
    positions = np.split(np.arange(a.shape[axis]), indices_or_sections)
    before = (slice(None),) * (axis % a.ndim)
    starts = [int(part[0]) if len(part) else 0 for part in positions]
    return [
        a[(*before, slice(start, start + len(part)))]
        for start, part in zip(starts, positions, strict=True)
    ]
