"""Shaping: the same entries arranged, selected, repeated or joined."""

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from .. import errors
from ..engine import primitive
from ..operators import value_of
from ..recording import Traced
from ..table import Closure, Value
from .rows import composed, upright

Axes: TypeAlias = int | tuple[int, ...] | None
Shape: TypeAlias = int | tuple[int, ...]


def as_operand(a: Any) -> Value:
    """Return a Tensor or an array itself, and a list as an array, as every operation takes it."""
    if isinstance(a, (tuple, list)) and any(hasattr(part, "_array") for part in a):
        raise errors.several_inputs(type(a).__name__, len(a))
    return a if hasattr(a, "shape") else np.array(a)


def array_of(value: Any) -> Value:
    """Return the entries of a Tensor or of a list, such as indices, as an array."""
    value = value_of(value)
    return value if isinstance(value, Traced) else np.asarray(value)


@primitive(kind="entrywise")
def identity(a: Value) -> Value:
    """Return a itself."""
    return a


identity.backward(lambda out, a: lambda g: g)


@primitive(
    written="a.astype(dtype)",
    needs="float64 or float32: no gradient flows through other types",
    kind="arranges",
)
def astype(a: Value, *, dtype: Any) -> Value:
    """Return the entries as float32 or float64; the gradient keeps their own type.

    >>> a = bp.tensor([1.0, 2.0], requires_grad=True)
    >>> bp.grad(bp.astype(a, "float32").sum(), a).dtype
    dtype('float64')
    """
    if np.dtype(dtype) not in (np.float64, np.float32):
        raise TypeError(f"{np.dtype(dtype)} carries no gradient: use t.data.astype")
    return a.astype(dtype)


astype.backward(lambda out, a, *, dtype: lambda g: g.astype(a.dtype))


# ---- Arranging ----


@primitive(needs="as many entries in the new shape as in the old", kind="arranges")
def reshape(a: Value, *, shape: Shape) -> Value:
    """Return the entries, read row by row, in another shape; one length may be -1.

    >>> bp.reshape([1.0, 2.0, 3.0, 4.0], (2, -1))
    array([[1., 2.],
           [3., 4.]])
    """
    return np.reshape(a, shape)


@primitive(needs="the array alone; t.reshape(len(t), -1) keeps the first axis", kind="arranges")
def ravel(a: Value) -> Value:
    """Return the entries, read row by row, as one axis.

    >>> bp.ravel([[1.0, 2.0], [3.0, 4.0]])
    array([1., 2., 3., 4.])
    """
    return np.ravel(a)


@primitive(kind="arranges")
def expand_dims(a: Value, *, axis: Shape) -> Value:
    """Return the entries with new axes of length 1, at the given places of the result.

    >>> bp.expand_dims(np.zeros((2, 3)), (0, -1)).shape
    (1, 2, 3, 1)
    """
    return np.expand_dims(a, axis)


@primitive(needs="length 1 on the axes to remove", kind="arranges")
def squeeze(a: Value, *, axis: Axes = None) -> Value:
    """Return the entries without axes of length 1: without the given axes, or without all.

    >>> bp.squeeze(np.zeros((1, 2, 1)), 0).shape
    (2, 1)
    """
    return np.squeeze(a, axis)


@reshape.backward
@ravel.backward
@expand_dims.backward
@squeeze.backward
def _(out: Value, a: Value, **settings: Any) -> Closure:
    return lambda g: g.reshape(a.shape)


@primitive(kind="arranges")
def flip(a: Value, *, axis: Axes = None) -> Value:
    """Return the entries in reverse order along axes, or along all axes.

    >>> bp.flip([1.0, 2.0, 3.0])
    array([3., 2., 1.])
    """
    return np.flip(a, axis)


flip.backward(lambda out, a, *, axis: lambda g: np.flip(g, axis))


@primitive(kind="arranges")
def roll(a: Value, *, shift: Shape, axis: Axes = None) -> Value:
    """Return the entries moved along axes; those that leave at one end enter at the other.

    >>> bp.roll([1.0, 2.0, 3.0], 1)
    array([3., 1., 2.])
    """
    return np.roll(a, shift, axis)


@roll.backward
def _(out: Value, a: Value, *, shift: Shape, axis: Axes) -> Closure:
    back = (-np.asarray(shift, int)).tolist()  # as integers with a sign
    return lambda g: np.roll(g, back, axis)


# ---- Repeating ----


@primitive(
    needs="a shape that a broadcasts to",
    kind="arranges",
    notation=upright("broadcast"),
)
def broadcast_to(a: Value, *, shape: Shape) -> Value:
    """Return the entries repeated along axes until they have the shape.

    >>> bp.broadcast_to([[1.0], [2.0]], (2, 3))
    array([[1., 1., 1.],
           [2., 2., 2.]])
    """
    return np.broadcast_to(a, shape)


# The sweep sums over the axes along which an input was broadcast.
broadcast_to.backward(lambda out, a, *, shape: lambda g: g)


@primitive(kind="arranges")
def repeat(a: Value, *, repeats: Any, axis: int | None = None) -> Value:
    """Return each entry repeated along an axis; if axis is None, the array is made flat first.

    >>> bp.repeat([1.0, 2.0], [1, 3])
    array([1., 2., 2., 2.])
    """
    return np.repeat(a, repeats, axis)


@repeat.backward
def _(out: Value, a: Value, *, repeats: Any, axis: int | None) -> Closure:
    if axis is None or a.ndim == 0:
        origin = np.repeat(np.arange(a.size), repeats)
        return lambda g: scatter(g, key=origin, shape=(a.size,)).reshape(a.shape)
    origin = np.repeat(np.arange(a.shape[axis]), repeats)
    key = (*(slice(None),) * (axis % a.ndim), origin)
    return lambda g: scatter(g, key=key, shape=a.shape)


@primitive(kind="arranges")
def tile(a: Value, *, reps: Shape) -> Value:
    """Return copies of an array laid side by side: a number of them for each axis.

    >>> bp.tile([1.0, 2.0], 3)
    array([1., 2., 1., 2., 1., 2.])
    """
    return np.tile(a, reps)


@tile.backward
def _(out: Value, a: Value, *, reps: Shape) -> Closure:
    counts = tuple(map(int, np.ravel(reps)))
    ndim = max(len(counts), a.ndim)
    counts = (1,) * (ndim - len(counts)) + counts
    lengths = (1,) * (ndim - a.ndim) + a.shape
    pairs = tuple(n for pair in zip(counts, lengths, strict=True) for n in pair)
    copies = tuple(range(0, 2 * ndim, 2))
    return lambda g: g.reshape(pairs).sum(axis=copies).reshape(a.shape)


# ---- Joining ----


@primitive(needs="equal lengths on all other axes", kind="joins")
def concatenate(*arrays: Value, axis: int | None = 0) -> Value:
    """Return a list of arrays joined along an axis; if axis is None, they are made flat first.

    >>> bp.concatenate([[1.0, 2.0], [3.0]])
    array([1., 2., 3.])
    """
    return np.concatenate(arrays, axis)


@concatenate.backward
def _(out: Value, *arrays: Value, axis: int | None) -> tuple[Closure, ...]:
    if axis is None:
        ends = np.cumsum([np.size(a) for a in arrays])
        return tuple(
            lambda g, a=a, end=int(end): g[end - np.size(a) : end].reshape(np.shape(a))
            for a, end in zip(arrays, ends, strict=True)
        )
    before = (slice(None),) * (axis % out.ndim)
    ends = np.cumsum([a.shape[axis] for a in arrays])
    return tuple(
        lambda g, key=(*before, slice(int(end) - a.shape[axis], int(end))): g[key]
        for a, end in zip(arrays, ends, strict=True)
    )


@primitive(needs="equal shapes", kind="joins")
def stack(*arrays: Value, axis: int = 0) -> Value:
    """Return a list of arrays of one shape, joined along a new axis.

    >>> bp.stack([1.0, 2.0])
    array([1., 2.])
    """
    return np.stack(arrays, axis)


@stack.backward
def _(out: Value, *arrays: Value, axis: int) -> tuple[Closure, ...]:
    before = (slice(None),) * (axis % out.ndim)
    return tuple(lambda g, key=(*before, i): g[key] for i in range(len(arrays)))


@primitive(
    symbol="pad",
    written="np.pad(a, pad_width, constant_values=constant_values)",
    kind="spreads",
    notation=upright("pad"),
)
def pad_with_constants(a: Value, *, pad_width: Any, constant_values: Any = 0) -> Value:
    """Return the entries with constants, to which no gradient flows, before and after them."""
    return np.pad(a, pad_width, constant_values=constant_values)


@pad_with_constants.backward
def _(out: Value, a: Value, *, pad_width: Any, constant_values: Any) -> Closure:
    widths = np.broadcast_to(pad_width, (a.ndim, 2))
    key = tuple(
        slice(int(before), int(before) + length)
        for (before, _), length in zip(widths, a.shape, strict=True)
    )
    return lambda g: g[key]


@composed(of=pad_with_constants)
def pad(a: Value, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Value:
    """Return the entries with padding before and after them: constants, or copies of entries.

    The modes are NumPy's: "constant", "edge", "reflect", "symmetric" and "wrap". No gradient flows
    to the constants; an entry gets that of all its copies.

    >>> bp.pad([1.0, 2.0], (1, 2)), bp.pad([1.0, 2.0], 1, "edge")
    (array([0., 1., 2., 0., 0.]), array([1., 1., 2., 2.]))
    """
    a = as_operand(a)
    if isinstance(pad_width, dict):  # as NumPy takes since 2.2
        raise TypeError("pad does not take a dictionary: give (before, after) for each axis.")
    if mode == "constant":
        return pad_with_constants(a, pad_width=pad_width, constant_values=constant_values)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise ValueError(
            f"pad has no mode {mode!r}: give constant, edge, reflect, symmetric or wrap."
        )
    for axis, widths in enumerate(np.broadcast_to(pad_width, (len(a.shape), 2)).tolist()):
        origin = np.pad(np.arange(a.shape[axis]), widths, mode=mode)  # type: ignore[call-overload]
        a = a[(*(slice(None),) * axis, origin)]
    return a


# ---- Selecting ----


@primitive(kind="spreads", notation=upright("scatter"))
def scatter(a: Value, *, key: Any, shape: tuple[int, ...]) -> Value:
    """Return zeros of a shape with a added at an index, if need be several times: undo a[key]."""
    out = np.zeros(shape, dtype=a.dtype)
    if not names_twice(key):
        out[key] = np.asarray(a)
    elif isinstance(key, np.ndarray) and len(shape) > 1:  # entry by entry: NumPy is slow with rows
        width = math.prod(shape[1:])
        places = np.expand_dims(key.astype(int), -1) * width + np.arange(width)
        np.add.at(out.reshape(-1), places.ravel(), np.ravel(a))
    else:
        np.add.at(out, key, a)
    return out


def names_twice(key: Any) -> bool:
    """Whether an index may name an entry twice, as an array of integers can and a mask cannot."""
    parts = key if isinstance(key, tuple) else (key,)
    arrays = [np.asarray(part) for part in parts if np.ndim(part) > 0]
    return bool([array for array in arrays if array.dtype.kind != "b"])


@primitive(symbol="[]", kind="arranges")
def getitem(a: Value, *, key: Any) -> Value:
    """Return a[key], for any index of NumPy's."""
    return a[key]


getitem.backward(lambda out, a, *, key: lambda g: scatter(g, key=key, shape=a.shape))
scatter.backward(lambda out, a, *, key, shape: lambda g: g[key])


@primitive(needs="integer indices with as many axes as a", kind="arranges")
def take_along_axis(a: Value, *, indices: Any, axis: int | None = -1) -> Value:
    """Return the entries at an array of indices along an axis; if axis is None, of all entries.

    >>> bp.take_along_axis([[0.1, 0.9], [0.6, 0.4]], np.array([[1], [0]]), axis=1)
    array([[0.9],
           [0.6]])
    """
    return np.take_along_axis(a, indices, axis)


@take_along_axis.backward
def _(out: Value, a: Value, *, indices: Any, axis: int | None) -> Closure:
    if axis is None:
        return lambda g: scatter(g, key=indices, shape=(a.size,)).reshape(a.shape)
    key: list[Any] = list(np.ix_(*(np.arange(length) for length in a.shape)))
    key[axis] = indices
    return lambda g: scatter(g, key=tuple(key), shape=a.shape)


@composed()
def split(a: Value, indices_or_sections: Any, axis: int = 0) -> list[Value]:
    """Return a list: an array cut along an axis, into equal parts or at indices.

    >>> bp.split(bp.tensor([1.0, 2.0, 3.0, 4.0]), 2)[1]
    tensor([3., 4.], from=getitem)
    """
    return cut(np.split, a, indices_or_sections, axis)


@composed()
def array_split(ary: Value, indices_or_sections: Any, axis: int = 0) -> list[Value]:
    """Return an array cut as by `split`; the first parts may have one item more.

    >>> bp.array_split([1.0, 2.0, 3.0], 2)
    [array([1., 2.]), array([3.])]
    """
    return cut(np.array_split, ary, indices_or_sections, axis)


def cut(numpys: Any, a: Value, indices_or_sections: Any, axis: int) -> list[Value]:
    """Cut an array where NumPy's function cuts the numbers of its items."""
    a = as_operand(a)
    axis = normalize_axis_index(axis, len(a.shape))
    if not isinstance(indices_or_sections, int):
        indices_or_sections = np.asarray(indices_or_sections)
    positions = numpys(np.arange(a.shape[axis]), indices_or_sections)
    before = (slice(None),) * axis
    starts = [int(part[0]) if len(part) else 0 for part in positions]
    return [
        a[(*before, slice(start, start + len(part)))]
        for start, part in zip(starts, positions, strict=True)
    ]
