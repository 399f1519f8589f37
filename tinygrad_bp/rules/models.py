"""Operations of whole models: convolution, pooling, embedding, dropout and the losses.

Images have the axes (sample, channel, row, column). A function without a rule of its own is
composed of entries that have one.
"""

from __future__ import annotations  # NumPy loads numpy.random when it is first named

from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..engine import primitive
from ..operators import value_of
from ..recording import Traced
from ..table import Closure, Value
from .activations import log_softmax, sigmoid, softmax, softplus
from .linear_algebra import einsum
from .rows import composed, floats
from .shaping import as_operand, pad

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


def array_of(value: Any) -> Value:
    """Return what a Tensor, an array or a list holds, as an array."""
    value = value_of(value)
    return value if isinstance(value, Traced) else np.asarray(value)


def has_values(array: Value) -> bool:
    """Whether there are entries to be checked: while a function is compiled, they are not known."""
    return array.size > 0 and not isinstance(array, Traced)


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
    out = np.zeros(shape, dtype=w.dtype)
    every = seen_through(out, w.shape[4:], stride, dilation).shape
    if w.shape != every:
        raise ValueError(f"the windows of shape {shape} have shape {every}, not {w.shape}")
    vertical, horizontal, rows, columns = w.shape[2:]
    for i in range(rows):
        for j in range(columns):
            top, left = i * row_gap, j * column_gap
            bottom, end = top + down * (vertical - 1) + 1, left + right * (horizontal - 1) + 1
            out[:, :, top:bottom:down, left:end:right] += w[:, :, :, :, i, j]
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
        raise ValueError(f"{len(w)} outputs cannot be dealt out to {groups} groups")
    if x.shape[1] != w.shape[1] * groups:
        raise ValueError(
            f"x has {x.shape[1]} channels, and w takes {w.shape[1]} in each of {groups} group(s)"
        )
    if min(pair(padding, "padding")) < 0:
        raise ValueError(f"padding {padding} must be 0 or more")
    steps_of(stride, dilation)  # checks them
    if w.dtype.kind != "f":  # integers would be multiplied and added up in their own type
        w = w.astype(float)
    seen = windows(padded(x, padding), size=w.shape[2:], stride=stride, dilation=dilation)
    # One matrix product in each group: kernels (output, n) by windows (n, sample row column).
    kernels = w.reshape(groups, len(w) // groups, -1)
    every = seen.transpose(1, 4, 5, 0, 2, 3).reshape(groups, kernels.shape[2], -1)
    out = (kernels @ every).reshape(len(w), len(x), *seen.shape[2:4])
    return out.transpose(1, 0, 2, 3)


@conv2d.backward
def _(
    out: Value, x: Value, w: Value, *, padding: Pair, groups: int, **steps: Pair
) -> tuple[Closure, Closure]:
    wide = padded(x, padding)
    top, left = pair(padding, "padding")
    inside = (..., slice(top, top + x.shape[2]), slice(left, left + x.shape[3]))

    def to_image(g: Value) -> Value:
        parts = einsum("ngors,gocij->ngcrsij", grouped(g, groups), grouped(w, groups, axis=0))
        spread = parts.reshape((*x.shape[:2], *parts.shape[3:]))
        return from_windows(spread, shape=wide.shape, **steps)[inside]

    def to_kernels(g: Value) -> Value:
        seen = grouped(windows(wide, size=w.shape[2:], **steps), groups)
        return einsum("ngors,ngcrsij->gocij", grouped(g, groups), seen).reshape(w.shape)

    return to_image, to_kernels


@conv2d.twin
def _(x: Value, w: Value, *, padding: Pair = 0, groups: int = 1, **steps: Pair) -> Value:
    seen = windows(padded(x, padding), size=w.shape[2:], **steps)
    out = einsum("ngcrsij,gocij->ngors", grouped(seen, groups), grouped(w, groups, axis=0))
    return out.reshape((x.shape[0], w.shape[0], *out.shape[3:]))


def padded(x: Value, padding: Pair, fill: float = 0) -> Value:
    """Put a frame of zeros, or of another number, around images."""
    top, left = pair(padding, "padding")
    if not (top or left):
        return x
    frame = ((0, 0), (0, 0), (top, top), (left, left))
    return pad(x, pad_width=frame, constant_values=fill)


def grouped(x: Value, groups: int, axis: int = 1) -> Value:
    """Split an axis into groups: of images that of the channels, of kernels the outputs, axis 0."""
    return x.reshape((*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis + 1 :]))


def pooled_windows(
    name: str, x: Value, size: Pair, stride: Pair | None, padding: Pair, fill: float
) -> Value:
    """Return the windows that a pooling function of the given name looks at."""
    rows, columns = pair(size, f"{name} has size")
    top, left = pair(padding, f"{name} has padding")
    if x.ndim != 4:
        raise ValueError(
            f"{name} needs images with axes (sample, channel, row, column), and x has shape "
            f"{x.shape}."
        )
    if top < 0 or left < 0:
        raise ValueError(f"{name} has padding {padding}: give 0 or more.")
    if 2 * top > rows or 2 * left > columns:
        raise ValueError(
            f"{name} has padding {padding} around windows of size {size}: give at most half "
            "the size, or a window may lie in the padding alone."
        )
    if (top or left) and x.dtype.kind != "f":  # integers have no -inf
        x = x.astype(float)
    return windows(padded(x, padding, fill), size=size, stride=size if stride is None else stride)


@composed(of=windows)
def max_pool2d(x: Value, size: Pair, stride: Pair | None = None, padding: Pair = 0) -> Value:
    """Return the largest entry of every window of images; equal ones share the gradient equally.

    Parameters
    ----------
    x
        Images, of shape (sample, channel, row, column).
    size, stride
        Of a window, and the steps between windows: the size, if left out.
    padding
        Rows and columns added around the images, which are never the largest: at most half a size.

    Examples
    --------
    >>> bp.max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    """
    seen = pooled_windows("max_pool2d", as_operand(x), size, stride, padding, -np.inf)
    return seen.max(axis=(-2, -1))


@composed(of=windows)
def avg_pool2d(x: Value, size: Pair, stride: Pair | None = None, padding: Pair = 0) -> Value:
    """Return the mean of every window of images, as of `max_pool2d`; zeros of the padding count.

    >>> bp.avg_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """
    seen = pooled_windows("avg_pool2d", as_operand(x), size, stride, padding, 0)
    return seen.mean(axis=(-2, -1))


@composed()
def embedding(weight: Value, indices: Any) -> Value:
    """Return the rows of a table that integer indices name; a row named twice gets both gradients.

    >>> bp.embedding([[0.0, 1.0], [2.0, 3.0]], [1, 1, -2])
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
    if has_values(indices) and not (indices.min() >= -rows and indices.max() < rows):
        raise IndexError(
            f"embedding has a table of {rows} rows, 0 to {rows - 1}, and the indices name "
            f"{indices.min()} to {indices.max()}."
        )
    return weight[indices]


@composed()
def dropout(x: Value, p: float, rng: np.random.Generator) -> Value:
    """Return x with each entry zeroed with probability p, and the others divided by 1 - p.

    The generator draws which entries stay, so that a run can be repeated.

    >>> bp.dropout(np.ones(6), 0.5, np.random.default_rng(0))
    array([2., 0., 0., 0., 2., 2.])
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"dropout draws from a generator, np.random.default_rng(seed), and {rng!r:.60} is none."
        )
    if not 0.0 <= p < 1.0:
        raise ValueError(
            f"dropout needs a probability p from 0 up to, but not including, 1: not {p}."
        )
    x = as_operand(x)
    keep = rng.random(x.shape) >= p
    return np.where(keep, x / (1.0 - float(p)), 0.0)


# ---- Losses ----


@primitive(needs="probabilities of the same shape as the logits")
def cross_entropy_with_probabilities(logits: Value, target: Value, *, axis: int = 1) -> Value:
    """Return -sum(target * log_softmax(logits)) along an axis, averaged over everything else."""
    if np.shape(target) != np.shape(logits):
        raise ValueError(f"shapes {np.shape(logits)} and {np.shape(target)} differ")
    log_p = np.where(target == 0, 0.0, log_softmax(logits, axis=axis))  # 0 log 0 counts as 0
    return -np.sum(target * log_p) / (logits.size // logits.shape[axis])


@cross_entropy_with_probabilities.backward
def _(out: Value, logits: Value, target: Value, *, axis: int) -> tuple[Closure, Closure]:
    samples = logits.size // logits.shape[axis]
    weight = target.sum(axis=axis, keepdims=True)  # 1 where the target holds probabilities
    return (
        lambda g: g / samples * (softmax(logits, axis=axis) * weight - target),
        lambda g: -g / samples * log_softmax(logits, axis=axis),
    )


@cross_entropy_with_probabilities.twin
def _(logits: Value, target: Value, *, axis: int = 1) -> Value:
    return -(target * log_softmax(logits, axis=axis)).sum(axis=axis).mean()


def given(logits: Value, axis: int) -> str:
    return f"logits of shape {logits.shape} with the classes on axis {axis}"


@composed(of=cross_entropy_with_probabilities)
def cross_entropy(logits: Value, target: Any, axis: int = 1) -> Value:
    """Return the mean cross-entropy of a target under softmax(logits).

    Where samples are columns, as in the worked problem, the classes are on axis 0: give axis=0. It
    is computed from the logits, so that a probability that rounds to 0 has its logarithm.

    Parameters
    ----------
    logits
        Scores of any size.
    target
        The number of the right class, integers in the shape of the logits without the class axis;
        or probabilities, in the shape of the logits.
    axis
        The axis of the classes, by default the second; the mean is over all others.

    Examples
    --------
    The gradient by the logits is (softmax - one-hot) / samples:

    >>> logits = bp.tensor([[0.0, 0.0], [0.0, np.log(3.0)]], requires_grad=True)
    >>> bp.grad(bp.cross_entropy(logits, [0, 1]), logits)
    array([[-0.25 ,  0.25 ],
           [ 0.125, -0.125]])
    """
    if not hasattr(logits, "shape"):
        logits = np.array(logits, dtype=float)
    if not -len(logits.shape) <= axis < len(logits.shape):
        raise ValueError(
            f"cross_entropy has logits of shape {logits.shape}, which have no axis {axis} for the "
            "classes. Say which it is: axis=..."
        )
    values = array_of(target)
    classes = logits.shape[axis]
    if values.dtype.kind in "iu":
        axis %= len(logits.shape)
        samples = logits.shape[:axis] + logits.shape[axis + 1 :]
        if values.shape != samples:
            raise ValueError(
                f"cross_entropy has {given(logits, axis)}, so class numbers have shape "
                f"{samples}, not {values.shape}. If the classes are on another axis, say axis=..."
            )
        if has_values(values) and not (values.min() >= 0 and values.max() < classes):
            raise ValueError(
                f"cross_entropy has {classes} classes, 0 to {classes - 1}, and the target names "
                f"{values.min()} to {values.max()}."
            )
        numbers = np.arange(classes).reshape(-1, *[1] * (len(samples) - axis))
        column = values.reshape(*samples[:axis], 1, *samples[axis:])
        target = (column == numbers).astype(logits.dtype)
    elif values.shape != logits.shape:
        raise ValueError(
            f"cross_entropy has {given(logits, axis)}, so probabilities have shape "
            f"{logits.shape}, not {values.shape}. Class numbers must be integers, "
            f"and these are {values.dtype}."
        )
    elif has_values(values):
        sums_to_one = [np.allclose(values.sum(axis=i), 1.0) for i in range(values.ndim)]
        if any(sums_to_one) and not sums_to_one[axis]:
            raise ValueError(
                f"cross_entropy has {given(logits, axis)}, and the target's probabilities sum to 1 "
                f"along axis {sums_to_one.index(True)}. If the classes are on that axis, "
                "say axis=..."
            )
    return cross_entropy_with_probabilities(logits, target, axis=axis)


@primitive(needs="equal shapes")
def binary_cross_entropy_with_logits(logits: Value, target: Value) -> Value:
    """Return the mean of -(y log p + (1 - y) log(1 - p)) with p = sigmoid(logits), y the target.

    The target, of the same shape, is the probability of "yes", from 0 to 1; or booleans. The
    gradient by the logits is (p - y) / n:

    >>> logits = bp.tensor([0.0, 1000.0], requires_grad=True)
    >>> bp.grad(bp.binary_cross_entropy_with_logits(logits, [1.0, 0.0]), logits)
    array([-0.25,  0.5 ])
    """
    if np.shape(logits) != np.shape(target):
        raise ValueError(f"shapes {np.shape(logits)} and {np.shape(target)} differ")
    logits = floats(logits)
    return np.mean(softplus(logits) - target * logits)


@binary_cross_entropy_with_logits.backward
def _(out: Value, logits: Value, target: Value) -> tuple[Closure, Closure]:
    return (
        lambda g: g / np.size(logits) * (sigmoid(logits) - target),
        lambda g: -g / np.size(logits) * logits,
    )


@binary_cross_entropy_with_logits.twin
def _(logits: Value, target: Value) -> Value:
    p = sigmoid(logits)
    return -(target * np.log(p) + (1.0 - target) * np.log(1.0 - p)).mean()
