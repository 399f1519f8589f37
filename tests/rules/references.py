"""Plain NumPy functions to compare forward values with, where NumPy has none of an entry's name.

They are slow, and plain enough to be believed: differences cannot see a wrong forward function.
"""

import math

import numpy as np


def entry_by_entry(f):
    return np.vectorize(f, otypes=[float])


def clip(a, min=None, max=None):
    """Return np.clip; NumPy 2.0 gives its settings other names, and refuses it without a bound."""
    return a if min is None and max is None else np.clip(a, min, max)


gelu = entry_by_entry(lambda z: z * math.erfc(-z / math.sqrt(2.0)) / 2.0)
silu = entry_by_entry(lambda z: z / (1.0 + math.exp(-z)))


def two(value):
    """Return a setting for rows and columns as two numbers."""
    return value if isinstance(value, (tuple, list)) else (value, value)


def frame(x, padding, fill):
    top, left = two(padding)
    return np.pad(x, ((0, 0), (0, 0), (top, top), (left, left)), constant_values=fill)


def added_up(values, places, shape):
    """Return zeros of a shape with each value added at its place, counted row by row."""
    out = np.zeros(shape)
    for place, value in zip(np.ravel(places), np.ravel(values), strict=True):
        out.flat[place] += value
    return out


def numbered(shape):
    """Return the places of an array's entries, counted row by row."""
    return np.arange(np.prod(shape, dtype=int)).reshape(shape)


def scatter(a, key, shape):
    return added_up(a, numbered(shape)[key], shape)


def sum_to(a, shape):
    return added_up(a, np.broadcast_to(numbered(shape), a.shape), shape)


def from_windows(w, shape, stride=1, dilation=1):
    return added_up(w, windows(numbered(shape), w.shape[4:], stride, dilation), shape)


def on_diagonal(a, shape, offset=0, axis1=0, axis2=1):
    return added_up(a, np.diagonal(numbered(shape), offset, axis1, axis2), shape)


def windows(x, size, stride=1, dilation=1):
    (rows, columns), (down, right), (row_gap, column_gap) = map(two, (size, stride, dilation))
    height, width = (rows - 1) * row_gap + 1, (columns - 1) * column_gap + 1
    seen = [
        [
            x[:, :, top : top + height : row_gap, left : left + width : column_gap]
            for left in range(0, x.shape[3] - width + 1, right)
        ]
        for top in range(0, x.shape[2] - height + 1, down)
    ]
    return np.array(seen).transpose(2, 3, 0, 1, 4, 5)


def conv2d(x, w, stride=1, padding=0, dilation=1, groups=1):
    seen = windows(frame(x, padding, 0.0), w.shape[2:], stride, dilation)
    channels, outputs = w.shape[1], len(w) // groups

    def output(o):
        first = o // outputs * channels  # of the channels that the group of this output sees
        return np.einsum("ncrsij,cij->nrs", seen[:, first : first + channels], w[o])

    return np.stack([output(o) for o in range(len(w))], axis=1)


def max_pool2d(x, size, stride=None, padding=0):
    return windows(frame(x, padding, -np.inf), size, stride or size).max(axis=(4, 5))


def avg_pool2d(x, size, stride=None, padding=0):
    return windows(frame(x, padding, 0.0), size, stride or size).mean(axis=(4, 5))


def cross_entropy(logits, target, axis=1):
    """Return the mean over the samples of -sum(target log p), or of -log p of the right class."""
    rows = np.moveaxis(np.exp(logits), axis, -1)
    rows = rows.reshape(-1, rows.shape[-1])
    rows = np.log(rows / rows.sum(axis=1, keepdims=True))
    if np.shape(target) == logits.shape:
        weights = np.moveaxis(target, axis, -1).reshape(rows.shape)
        return np.mean([-w @ row for w, row in zip(weights, rows, strict=True)])
    return np.mean([-row[k] for k, row in zip(np.ravel(target), rows, strict=True)])


def product_of_others(a):
    numbers = range(a.shape[-1])
    products = [np.prod(np.delete(a, i, axis=-1), axis=-1) for i in numbers]
    return np.stack(products, axis=-1) if products else np.ones(a.shape)


def norm(a, ord=None, axis=None, keepdims=False):
    return np.sum(np.abs(a) ** 2.0, axis=axis, keepdims=keepdims) ** 0.5
