"""Operations of whole models: convolution, pooling, embedding and dropout.

Images have the axes (sample, channel, row, column). A function without a rule of its own is
composed of entries that have one.
"""

from __future__ import annotations  # NumPy loads numpy.random when it is first named

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..arguments import below_1, refuse_where
from ..creation import generator
from ..engine import primitive
from ..table import Closure, Value
from .linear_algebra import einsum
from .rows import composed
from .shaping import array_of, as_operand, pad_with_constants

Pair: TypeAlias = int | tuple[int, int]


def pair(value: Any, what: str) -> tuple[int, int]:
    """Return a setting for rows and columns as two integers."""
    is_pair = isinstance(value, (tuple, list)) and len(value) == 2
    rows, columns = value if is_pair else (value, value)
    if not isinstance(rows, (int, np.integer)) or not isinstance(columns, (int, np.integer)):
        raise TypeError(f"{what} {value!r}: give an integer, or one for rows and one for columns")
    return int(rows), int(columns)


def steps_of(stride: Pair, dilation: Pair) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the steps between windows and those within one, in rows and in columns."""
    between, within = pair(stride, "stride"), pair(dilation, "dilation")
    if min(*between, *within) < 1:
        raise ValueError(f"stride {stride} and dilation {dilation} must be 1 or more")
    return between, within


#: Windows of up to so many entries are all made at once.
SMALL = 2**17


# ---- Windows: what convolution and pooling look at ----


@primitive(
    needs="images with axes (sample, channel, row, column), at least as large as the window",
    kind="arranges",
)
def windows(x: Value, *, size: Pair, stride: Pair = 1, dilation: Pair = 1) -> Value:
    """Return every window of images, its rows and columns on two new last axes.

    In memory the axes are (channel, row, column of the window, sample, row, column): what pooling
    compares lies in long runs, and for a convolution it is a matrix without another copy.
    """
    every = seen_through(x, size, stride, dilation)
    return np.ascontiguousarray(every.transpose(1, 4, 5, 0, 2, 3)).transpose(3, 0, 4, 5, 1, 2)


def seen_through(x: np.ndarray, size: Pair, stride: Pair, dilation: Pair) -> np.ndarray:
    """Return a view of images in which every window stands."""
    (down, right), (row_gap, column_gap) = steps_of(stride, dilation)
    rows, columns = pair(size, "size")
    span = ((rows - 1) * row_gap + 1, (columns - 1) * column_gap + 1)
    view = sliding_window_view(x, span, axis=(2, 3))
    return view[:, :, ::down, ::right, ::row_gap, ::column_gap]


@primitive(needs="every window of images of the shape", kind="spreads")
def from_windows(
    w: Value, *, shape: tuple[int, ...], stride: Pair = 1, dilation: Pair = 1
) -> Value:
    """Return images of a shape to which every window was added in its place: `windows` reversed."""
    (down, right), (row_gap, column_gap) = steps_of(stride, dilation)
    samples, channels, *lengths = shape  # in memory channels come first, as in `windows`
    out = np.zeros((channels, samples, *lengths), dtype=w.dtype).transpose(1, 0, 2, 3)
    every = seen_through(out, w.shape[4:], stride, dilation).shape
    if w.shape != every:
        raise ValueError(f"the windows of shape {shape} have shape {every}, not {w.shape}")
    vertical, horizontal, rows, columns = w.shape[2:]
    overlap = (rows - 1) * row_gap >= down or (columns - 1) * column_gap >= right
    for i in range(rows):
        for j in range(columns):
            top, left = i * row_gap, j * column_gap
            bottom, end = top + down * (vertical - 1) + 1, left + right * (horizontal - 1) + 1
            place = out[:, :, top:bottom:down, left:end:right]
            if overlap:
                place += w[:, :, :, :, i, j]
            else:
                place[...] = w[:, :, :, :, i, j]  # which takes half the time
    return out


windows.backward(lambda out, x, *, size, **by: lambda g: from_windows(g, shape=x.shape, **by))
from_windows.backward(lambda out, w, *, shape, **by: lambda g: windows(g, size=w.shape[4:], **by))


@primitive(
    needs="x of axes (sample, channel, row, column) and w (output, channel / groups, ...)",
    kind="product",
)
def conv2d(
    x: Value, w: Value, *, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1, groups: int = 1
) -> Value:
    """Return the products of kernels w with every window of images x: kernels are not flipped.

    Parameters
    ----------
    x
        Images, of shape (sample, channel, row, column).
    w
        Kernels, of shape (output, channel / groups, row, column).
    stride, padding, dilation
        The steps between windows, the zeros added around the images, and the steps between the rows
        and columns that a window takes in: one number, or one for rows and one for columns.
    groups
        Into how many parts inputs and outputs are dealt out; a part sees only its own.

    Examples
    --------
    An entry of a kernel gets the sum of all that it lay on:

    >>> w = bp.tensor([[[[1.0, 2.0], [3.0, 4.0]]]], requires_grad=True)
    >>> bp.grad(bp.conv2d(np.arange(9.0).reshape(1, 1, 3, 3), w).sum(), w)
    array([[[[ 8., 12.],
             [20., 24.]]]])
    """
    if not x.ndim == w.ndim == 4:
        raise ValueError(f"x has {x.ndim} axes and w has {w.ndim}, and both must have 4")
    if groups < 1 or len(w) % groups:
        raise ValueError(f"{len(w)} outputs cannot be divided among {groups} groups")
    if x.shape[1] != w.shape[1] * groups:
        raise ValueError(
            f"x has {x.shape[1]} channels, and w takes {w.shape[1]}, with groups = {groups}"
        )
    if min(pair(padding, "padding")) < 0:
        raise ValueError(f"padding {padding} must be 0 or more")
    steps_of(stride, dilation)  # checks them
    if w.dtype.kind != "f":  # integers would be multiplied and added up in their own type
        w = w.astype(float)
    kernels = w.reshape(groups, len(w) // groups, -1)

    def of_images(x: Value) -> Value:
        seen = windows(padded(x, padding), size=w.shape[2:], stride=stride, dilation=dilation)
        # One matrix product in each group: kernels (output, n) by windows (n, sample row column).
        out = kernels @ matrices(seen, groups)
        return out.reshape(len(w), -1, *seen.shape[2:4]).transpose(1, 0, 2, 3)

    return in_parts(of_images, np.concatenate, w, x)


@conv2d.backward
def _(
    out: Value, x: Value, w: Value, *, padding: Pair, groups: int, **steps: Pair
) -> tuple[Closure, Closure]:
    top, left = pair(padding, "padding")

    def to_image(x: Value, g: Value) -> Value:
        samples, channels, rows, columns = x.shape
        kernels = w.reshape((groups, w.shape[0] // groups, -1))
        parts = kernels.mT @ matrices(g, groups)
        spread = parts.reshape((channels, *w.shape[2:], samples, *g.shape[2:]))
        in_order = np.transpose(spread, (3, 0, 4, 5, 1, 2))
        images = from_windows(
            in_order, shape=(samples, channels, rows + 2 * top, columns + 2 * left), **steps
        )
        return images[..., top : top + rows, left : left + columns]

    def to_kernels(x: Value, g: Value) -> Value:
        seen = windows(padded(x, padding), size=w.shape[2:], **steps)
        return (matrices(g, groups) @ matrices(seen, groups).mT).reshape(w.shape)

    return (
        lambda g: in_parts(to_image, np.concatenate, w, x, g),
        lambda g: in_parts(to_kernels, sum, w, x, g),
    )


@conv2d.twin
def _(x: Value, w: Value, *, padding: Pair = 0, groups: int = 1, **steps: Pair) -> Value:
    seen = windows(padded(x, padding), size=w.shape[2:], **steps)
    out = einsum("ngcrsij,gocij->ngors", grouped(seen, groups), grouped(w, groups, axis=0))
    return out.reshape((x.shape[0], w.shape[0], *out.shape[3:]))


def in_parts(
    function: Callable[..., Value], join: Callable[[list[Value]], Value], w: Value, *images: Value
) -> Value:
    """Return what a function makes of images and their windows, of some images at a time.

    A part has windows with at most 9 times as many entries as all images. What is recorded, printed
    or compiled has no parts: its text is the same for any number of images.
    """
    times, parts = math.prod(w.shape[2:]), 1
    kinds = {type(x) for x in (w, *images)}
    if kinds == {np.ndarray} and images[0].size * times > SMALL:
        parts = min(len(images[0]), math.ceil(times / 9))
    if parts == 1:
        return function(*images)
    some = zip(*(np.array_split(x, parts) for x in images), strict=True)
    return join([function(*few) for few in some])


def matrices(x: Value, groups: int) -> Value:
    """Return images, or windows, as a matrix for each group: a column for each place in them.

    The axes inside of a window follow that of channels, as `windows` lays them out: nothing moves.
    """
    samples, channels, rows, columns, *inner = x.shape
    ordered = np.transpose(x, (1, *range(4, x.ndim), 0, 2, 3))
    return ordered.reshape(
        (groups, channels // groups * math.prod(inner), samples * rows * columns)
    )


def padded(x: Value, padding: Pair, fill: float = 0, further: tuple[int, int] = (0, 0)) -> Value:
    """Put a frame of zeros, or another number, around images; and further rows and columns."""
    top, left = pair(padding, "padding")
    if not (top or left or any(further)):
        return x
    frame = ((0, 0), (0, 0), (top, top + further[0]), (left, left + further[1]))
    return pad_with_constants(x, pad_width=frame, constant_values=fill)


def grouped(x: Value, groups: int, axis: int = 1) -> Value:
    """Split an axis into groups: of images that of the channels, of kernels the outputs, axis 0."""
    return x.reshape((*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis + 1 :]))


def pooling(
    name: str, x: Value, size: Pair, stride: Pair | None, padding: Pair, dilation: Pair, ceil: bool
) -> tuple[dict[str, Pair], tuple[int, int]]:
    """Return how a pooling function of the given name slides, and the rows and columns it adds.

    With ``ceil``, the last windows may reach beyond the images, if they begin in them.
    """
    rows, columns = pair(size, f"{name} has size")
    top, left = pair(padding, f"{name} has padding")
    if min(rows, columns) < 1:
        raise ValueError(f"{name} has size {size}: give 1 or more.")
    if min(top, left) < 0:
        raise ValueError(f"{name} has padding {padding}: give 0 or more.")
    if 2 * top > rows or 2 * left > columns:
        raise ValueError(
            f"{name} has padding {padding} around windows of size {size}: give at most half "
            "the size, or a window may lie in the padding alone."
        )
    if len(x.shape) != 4:
        raise ValueError(
            f"{name} needs images with axes (sample, channel, row, column), and x has shape "
            f"{x.shape}."
        )
    stride = size if stride is None else stride
    between, within = steps_of(stride, dilation)

    def beyond(i: int) -> int:
        """Return by how much the last window reaches beyond the end of an axis."""
        length, before, step = x.shape[2 + i], (top, left)[i], between[i]
        span = ((rows, columns)[i] - 1) * within[i] + 1
        last = -(-(length + 2 * before - span) // step) * step  # where it would begin
        if last >= length + before:
            last -= step
        return int(max(0, last + span - length - 2 * before))

    slides: dict[str, Pair] = {"size": size, "stride": stride, "dilation": dilation}
    return slides, (beyond(0), beyond(1)) if ceil else (0, 0)


@composed(of=windows)
def max_pool2d(
    x: Value,
    size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
) -> Value:
    """Return the largest entry of every window of images; equal entries share the gradient equally.

    Parameters
    ----------
    x
        Images, of shape (sample, channel, row, column).
    size, stride
        Of a window, and the steps between windows: the size, if left out.
    padding
        Rows and columns added around the images, which are never the largest: at most half a size.
    dilation
        The steps between the rows and columns that a window takes in.
    ceil_mode
        Add windows that begin in the images and reach beyond them.

    Examples
    --------
    >>> bp.max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    """
    x = as_operand(x)
    slides, further = pooling("max_pool2d", x, size, stride, padding, dilation, ceil_mode)
    if x.dtype.kind != "f" and (any(further) or any(pair(padding, "padding"))):
        x = x.astype(float)  # integers have no -inf
    return windows(padded(x, padding, -np.inf, further), **slides).max(axis=(-2, -1))


@composed(of=windows)
def avg_pool2d(
    x: Value,
    size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Value:
    """Return the mean of every window of images; the arguments are those of `max_pool2d`.

    The zeros of the padding count as entries, unless count_include_pad is False; what a window
    takes in beyond them, in ceil_mode, does not.

    >>> bp.avg_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """
    x = as_operand(x)
    slides, further = pooling("avg_pool2d", x, size, stride, padding, 1, ceil_mode)
    seen = windows(padded(x, padding, 0, further), **slides)
    if count_include_pad and not any(further):
        return seen.mean(axis=(-2, -1))
    counted = padded(np.ones((1, 1, *x.shape[2:]), x.dtype), padding, float(count_include_pad))
    counted = windows(padded(counted, 0, 0, further), **slides)
    return seen.sum(axis=(-2, -1)) / counted.sum(axis=(-2, -1))


@composed()
def embedding(weight: Value, indices: Any) -> Value:
    """Return the rows of a table that integer indices name; a row named twice gets both gradients.

    >>> bp.embedding([[0.0, 1.0], [2.0, 3.0]], [1, 1, 0])
    array([[2., 3.],
           [2., 3.],
           [0., 1.]])
    """
    indices = array_of(indices)
    if indices.dtype.kind not in "iu":
        raise TypeError(f"embedding needs integer indices, and these have dtype {indices.dtype}.")
    weight = as_operand(weight)
    if not weight.shape:
        raise ValueError("embedding looks up rows of a table, and the weight is one number.")
    rows = weight.shape[0]
    refuse_where(
        (indices < 0) | (indices >= rows),
        lambda: IndexError(
            f"embedding has a table of {rows} rows, 0 to {rows - 1}, and the indices name "
            f"{indices.min()} to {indices.max()}."
        ),
    )
    return weight[indices]


@composed()
def dropout(x: Value, p: float, rng: np.random.Generator | None = None) -> Value:
    """Return x with each entry zeroed with probability p, and the others divided by 1 - p.

    The generator draws which entries stay, so that a run can be repeated; without one, each call
    draws anew.

    >>> bp.dropout(np.ones(6), 0.5, np.random.default_rng(0))
    array([2., 0., 0., 0., 2., 2.])
    """
    x, p = as_operand(x), below_1("p", p)
    keep = generator(rng).random(x.shape) >= p
    return np.where(keep, x / (1.0 - p), 0.0)
