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


exact_cdf = entry_by_entry(lambda z: math.erfc(-z / math.sqrt(2.0)) / 2.0)


def normal_cdf(z, approximate="none"):
    if approximate == "none":
        return exact_cdf(z)
    return 1.0 / (1.0 + np.exp(-math.sqrt(8.0 / math.pi) * (z + 0.044715 * z**3)))


def gelu(z, approximate="none"):
    return z * normal_cdf(z, approximate)


def softmax(z, axis=-1):
    return np.exp(z) / np.exp(z).sum(axis=axis, keepdims=True)


def sinc(a, order=0):
    """Return NumPy's sinc; of a derivative the integral over 0 to 1 that it is, summed up."""
    if order == 0:
        return np.sinc(a)
    t, weights = np.polynomial.legendre.leggauss(60)
    t = 0.5 + 0.5 * t
    waves = np.cos(np.pi * np.expand_dims(a, -1) * t + order * np.pi / 2.0)
    return np.pi**order * (waves * t**order) @ (0.5 * weights)


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


def pooled(x, size, stride, padding, dilation, ceil_mode, reduce):
    """Return what is made of each window of images; outside of them, it sees NaN."""
    (high, wide), (down, right), (top, left), (gap, across) = map(
        two, (size, size if stride is None else stride, padding, dilation)
    )
    far = max(high * gap, wide * across) + max(down, right)
    seen = np.pad(x, ((0, 0), (0, 0), (top, top + far), (left, left + far)), constant_values=np.nan)

    def begins(length, before, step, span):
        beyond = step if ceil_mode else 1
        last = length + 2 * before - span + beyond
        return [i for i in range(0, last, step) if i < length + before or not ceil_mode]

    rows = begins(x.shape[2], top, down, (high - 1) * gap + 1)
    columns = begins(x.shape[3], left, right, (wide - 1) * across + 1)
    found = [
        [
            reduce(seen, slice(i, i + high * gap, gap), slice(j, j + wide * across, across))
            for j in columns
        ]
        for i in rows
    ]
    return np.array(found).transpose(2, 3, 0, 1)


def max_pool2d(x, size, stride=None, padding=0, dilation=1, ceil_mode=False):
    def largest(wide, i, j):
        return np.nanmax(wide[:, :, i, j], axis=(2, 3), initial=-np.inf)

    return pooled(x, size, stride, padding, dilation, ceil_mode, largest)


def avg_pool2d(x, size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    (top, left), (height, width) = two(padding), x.shape[2:]

    def mean(wide, i, j):
        rows, columns = ([*range(s.start, s.stop)] for s in (i, j))
        if count_include_pad:
            rows = [r for r in rows if r < height + 2 * top]
            columns = [c for c in columns if c < width + 2 * left]
        else:
            rows = [r for r in rows if top <= r < height + top]
            columns = [c for c in columns if left <= c < width + left]
        return np.nansum(wide[:, :, i, j], axis=(2, 3)) / (len(rows) * len(columns))

    return pooled(x, size, stride, padding, 1, ceil_mode, mean)


def cross_entropy(
    logits, target, axis=1, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0
):
    """Return the losses -sum(w q log p) of samples, one by one, as they are reduced.

    q is the target, or 1 for the right class, of which a share is dealt out to all classes.
    """
    rows = np.moveaxis(logits, axis, -1)
    samples, classes = rows.shape[:-1], rows.shape[-1]
    w = np.ones(classes) if weight is None else weight
    probabilities = np.shape(target) == logits.shape
    if probabilities:
        targets = np.moveaxis(target, axis, -1).reshape(-1, classes)
    else:
        targets = [
            np.eye(classes)[k] * 1.0 if k != ignore_index else None for k in np.ravel(target)
        ]
    losses, total = [], 0.0
    for z, q in zip(rows.reshape(-1, classes), targets, strict=True):
        if q is None:
            losses.append(0.0)
            continue
        total += 1.0 if probabilities else w @ q
        smooth = (1.0 - label_smoothing) * q + label_smoothing / classes
        losses.append(-np.sum(w * smooth * np.log(np.exp(z) / np.exp(z).sum())))
    if reduction == "none":
        return np.reshape(losses, samples)
    return np.sum(losses) / (total if reduction == "mean" else 1.0)


def binary_cross_entropy(z, y, weight=1.0, reduction="mean", pos_weight=1.0):
    p = 1.0 / (1.0 + np.exp(-z))
    losses = -weight * (pos_weight * y * np.log(p) + (1.0 - y) * np.log(1.0 - p))
    return losses if reduction == "none" else getattr(losses, reduction)()


def product_of_others(a):
    numbers = range(a.shape[-1])
    products = [np.prod(np.delete(a, i, axis=-1), axis=-1) for i in numbers]
    return np.stack(products, axis=-1) if products else np.ones(a.shape)


def norm(a, ord=None, axis=None, keepdims=False):
    return np.sum(np.abs(a) ** 2.0, axis=axis, keepdims=keepdims) ** 0.5
