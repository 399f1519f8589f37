"""NumPy's functions that are composed of rows of the table, and so need no rule: a line each."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..operators import value_of
from ..table import Value
from .arithmetic import multiply, subtract, where
from .linear_algebra import diagonal, matmul, on_diagonal, transpose
from .reductions import mean, sum
from .rows import composed
from .shaping import (
    array_of,
    as_operand,
    broadcast_to,
    concatenate,
    flip,
    identity,
    ravel,
    reshape,
    split,
    take_along_axis,
)


def made_of(
    numpys: Callable[..., Any], what: str, composition: Any, example: str = "a"
) -> Callable[..., Any]:
    """Make an entry of the name and the parameters of NumPy's function; its example is a call."""
    name = numpys.__name__
    composition.__name__ = name
    composition.__doc__ = f"""Return {what}

    >>> a = np.arange(1.0, 10.0).reshape(3, 3)
    >>> np.array_equal(bp.{name}({example}), np.{name}({example}))
    True
    """
    return composed()(composition)


# ---- Products ----


@composed()
def tensordot(a: Value, b: Value, axes: Any = 2) -> Value:
    """Return the sums of products over axes: the last of a and first of b, or two lists of them.

    >>> bp.tensordot(np.ones((2, 3, 5)), np.ones((5, 3, 7)), ([1, 2], [1, 0])).shape
    (2, 7)
    """
    a, b = as_operand(a), as_operand(b)
    whole = isinstance(axes, (int, np.integer))
    of_a, of_b = (range(-axes, 0), range(axes)) if whole else axes
    of_a = normalize_axis_tuple(of_a, len(a.shape))
    of_b = normalize_axis_tuple(of_b, len(b.shape))
    lengths = [a.shape[i] for i in of_a]
    if lengths != [b.shape[i] for i in of_b]:
        raise ValueError(
            f"tensordot has a of shape {a.shape} and b of shape {b.shape}, whose axes {of_a} and "
            f"{of_b} differ in length."
        )
    rest_a = [i for i in range(len(a.shape)) if i not in of_a]
    rest_b = [i for i in range(len(b.shape)) if i not in of_b]
    rows, columns = [a.shape[i] for i in rest_a], [b.shape[i] for i in rest_b]
    n = math.prod(lengths)
    left = transpose(a, axes=(*rest_a, *of_a)).reshape((math.prod(rows), n))
    right = transpose(b, axes=(*of_b, *rest_b)).reshape((n, math.prod(columns)))
    return matmul(left, right).reshape((*rows, *columns))


def is_number(a: Value, b: Value) -> bool:
    return np.ndim(a) == 0 or np.ndim(b) == 0


# fmt: off
dot = made_of(
    np.dot,
    "the sums of products over the last axis of a and the second to last of b, or its only one.",
    lambda a, b: (
        multiply(a, b) if is_number(a, b)
        else matmul(a, b) if np.ndim(b) < 3
        else tensordot(a, b, ([-1], [-2]))
    ), "a, a")
inner = made_of(
    np.inner, "the sums of products over the last axis of both.",
    lambda a, b: multiply(a, b) if is_number(a, b) else tensordot(a, b, ([-1], [-1])), "a, a")
vdot = made_of(
    np.vdot, "the sum of the products of all entries, in their order.",
    lambda a, b: matmul(ravel(a), ravel(b)), "a, a")
# fmt: on


@composed()
def kron(a: Value, b: Value) -> Value:
    """Return a with each entry replaced by its product with the whole of b: Kronecker's product.

    >>> bp.kron([1.0, 10.0], [1.0, 2.0])
    array([ 1.,  2., 10., 20.])
    """
    a, b = as_operand(a), as_operand(b)
    ndim = max(len(a.shape), len(b.shape))
    outer, inner = ((1,) * (ndim - len(x.shape)) + x.shape for x in (a, b))
    blocks = reshape(a, shape=[n for length in outer for n in (length, 1)])
    block = reshape(b, shape=[n for length in inner for n in (1, length)])
    return reshape(blocks * block, shape=[m * n for m, n in zip(outer, inner, strict=True)])


# ---- Axes ----


def order(numpys: Callable[..., Any], a: Value, *where: Any) -> tuple[int, ...]:
    """Return the order of axes that NumPy's function makes: it moves axes of lengths 0, 1, 2..."""
    return tuple(numpys(np.empty(range(np.ndim(a))), *where).shape)


# fmt: off
swapaxes = made_of(
    np.swapaxes, "the entries with two axes exchanged.",
    lambda a, axis1, axis2: transpose(a, axes=order(np.swapaxes, a, axis1, axis2)), "a, 0, 1")
moveaxis = made_of(
    np.moveaxis, "the entries with axes moved to other places.",
    lambda a, source, destination: transpose(a, axes=order(np.moveaxis, a, source, destination)),
    "a, 0, -1")
rollaxis = made_of(
    np.rollaxis, "the entries with an axis moved to before the axis that is now at start.",
    lambda a, axis, start=0: transpose(a, axes=order(np.rollaxis, a, axis, start)), "a, 1")
# fmt: on


def at_least(numpys: Callable[..., Any], arrays: tuple[Value, ...]) -> Any:
    """Return arrays with the shapes that NumPy's function gives them: one, or a tuple."""
    done = [reshape(a, shape=numpys(np.empty(np.shape(a))).shape) for a in arrays]
    return done[0] if len(done) == 1 else tuple(done)


# fmt: off
atleast_1d = made_of(
    np.atleast_1d, "numbers as vectors.", lambda *arys: at_least(np.atleast_1d, arys))
atleast_2d = made_of(
    np.atleast_2d, "vectors as matrices of one row.", lambda *arys: at_least(np.atleast_2d, arys))
atleast_3d = made_of(
    np.atleast_3d, "matrices with a third axis, of length 1.",
    lambda *arys: at_least(np.atleast_3d, arys))

# ---- Joining and cutting ----

append = made_of(
    np.append, "the entries and then the values, joined along an axis, or made flat if it is None.",
    lambda arr, values, axis=None: concatenate([arr, values], axis=axis), "a, a")
hstack = made_of(
    np.hstack, "arrays joined along the second axis, or vectors joined along their only axis.",
    lambda tup: concatenate(
        [atleast_1d(a) for a in tup], axis=int(np.ndim(next(iter(tup), 0)) > 1)), "[a, a]")
vstack = made_of(
    np.vstack, "arrays joined along the first axis, vectors as rows.",
    lambda tup: concatenate([atleast_2d(a) for a in tup]), "[a, a]")
dstack = made_of(
    np.dstack, "arrays joined along the third axis.",
    lambda tup: concatenate([atleast_3d(a) for a in tup], axis=2), "[a, a]")
column_stack = made_of(
    np.column_stack, "arrays joined along the second axis, vectors as columns.",
    lambda tup: concatenate(
        [transpose(atleast_2d(a)) if np.ndim(a) < 2 else a for a in tup], axis=1), "[a, a]")
hsplit = made_of(
    np.hsplit, "a list: an array cut along the second axis, or a vector along its only axis.",
    lambda ary, indices_or_sections: split(ary, indices_or_sections, int(np.ndim(ary) > 1)),
    "a, 3")
vsplit = made_of(
    np.vsplit, "a list: a matrix cut along the first axis.",
    lambda ary, indices_or_sections: split(with_axes(ary, 2), indices_or_sections, 0), "a, 3")
dsplit = made_of(
    np.dsplit, "a list: an array cut along the third axis.",
    lambda ary, indices_or_sections: split(ary, indices_or_sections, 2), "a[None], 3")
# fmt: on


def with_axes(a: Value, least: int) -> Value:
    if np.ndim(a) < least:
        raise ValueError(f"it needs at least {least} axes, and was given shape {np.shape(a)}.")
    return a


# ---- Arranging and selecting ----

flipud = made_of(np.flipud, "the rows in reverse order.", lambda m: flip(m, axis=0))
fliplr = made_of(np.fliplr, "the columns in reverse order.", lambda m: flip(m, axis=1))


def triangle(m: Value, k: int) -> np.ndarray:
    rows, columns = (np.shape(m) * 2)[:2] if np.ndim(m) < 2 else np.shape(m)[-2:]
    return np.tri(rows, columns, k, dtype=bool)


def masked(m: Value, mask: np.ndarray) -> Value:
    m = as_operand(m)
    return where(mask, m, np.zeros((), m.dtype))


# fmt: off
tril = made_of(
    np.tril, "the lower triangle: zeros above the diagonal, or above the k-th diagonal over it.",
    lambda m, k=0: masked(m, triangle(m, k)))
triu = made_of(
    np.triu, "the upper triangle: zeros below the diagonal, or below the k-th diagonal over it.",
    lambda m, k=0: masked(m, ~triangle(m, k - 1)))
# fmt: on


@composed()
def diag(v: Value, k: int = 0) -> Value:
    """Return the diagonal of a matrix, k above the main one; or a matrix with a vector on it.

    >>> bp.diag([1.0, 2.0])
    array([[1., 0.],
           [0., 2.]])
    """
    v = as_operand(v)
    if len(v.shape) == 1:
        return on_diagonal(v, shape=(v.shape[0] + abs(k),) * 2, offset=k)
    if len(v.shape) != 2:
        raise ValueError(f"diag takes a vector or a matrix, not one of shape {v.shape}.")
    return diagonal(v, offset=k)


@composed()
def take(a: Value, indices: Any, axis: int | None = None) -> Value:
    """Return the entries at indices along an axis, or of all entries made flat.

    >>> bp.take([1.0, 2.0, 3.0], [2, 0, 2])
    array([3., 1., 3.])
    """
    a = ravel(a) if axis is None else as_operand(a)
    axis = normalize_axis_index(axis or 0, len(a.shape))
    return a[(*(slice(None),) * axis, array_of(indices))]


@composed()
def sort(a: Value, axis: int | None = -1) -> Value:
    """Return the entries in ascending order along an axis, or all of them; each keeps its gradient.

    >>> bp.sort([3.0, 1.0, 2.0])
    array([1., 2., 3.])
    """
    a, axis = (ravel(a), -1) if axis is None else (as_operand(a), axis)
    return take_along_axis(a, indices=np.argsort(value_of(a), axis, kind="stable"), axis=axis)


# ---- Numbers ----


@composed()
def average(a: Value, axis: Any = None, weights: Value = None, keepdims: bool = False) -> Value:
    """Return the weighted mean, with a weight for each entry, or for each index along one axis.

    >>> bp.average([1.0, 4.0], weights=[2.0, 1.0]).item()
    2.0
    """
    a = as_operand(a)
    if weights is None:
        return mean(a, axis=axis, keepdims=keepdims)
    weights = as_operand(weights)
    if weights.shape != a.shape:
        if not isinstance(axis, (int, np.integer)) or weights.shape != (a.shape[axis],):
            raise ValueError(
                f"average has a of shape {a.shape} and weights of shape {weights.shape}: give "
                "weights of that shape, or a vector of them and its axis."
            )
        weights = reshape(weights, shape=(-1, *(1,) * (len(a.shape) - 1 - axis % len(a.shape))))
        weights = broadcast_to(weights, a.shape)
    total = sum(weights, axis=axis, keepdims=keepdims)
    return sum(a * weights, axis=axis, keepdims=keepdims) / total


@composed()
def diff(a: Value, n: int = 1, axis: int = -1) -> Value:
    """Return the differences of neighbours along an axis, taken n times.

    >>> bp.diff([1.0, 4.0, 9.0])
    array([3., 5.])
    """
    a = as_operand(a)
    before = (slice(None),) * normalize_axis_index(axis, len(a.shape))
    for _ in range(n):
        later, earlier = a[(*before, slice(1, None))], a[(*before, slice(None, -1))]
        a = later != earlier if a.dtype == bool else subtract(later, earlier)
    return a


@composed()
def nan_to_num(
    x: Value, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Value:
    """Return the entries, with numbers in place of NaN and infinities; no gradient flows to these.

    >>> bp.nan_to_num([1.0, np.nan])
    array([1., 0.])
    """
    x = as_operand(x)
    if x.dtype.kind != "f":
        return identity(x)
    largest = float(np.finfo(x.dtype).max)
    above, below = (largest if posinf is None else posinf), (-largest if neginf is None else neginf)
    infinite = np.where(x > 0, x.dtype.type(above), x.dtype.type(below))
    return where(np.isfinite(x), x, np.where(np.isnan(x), x.dtype.type(nan), infinite))


def full_like(a: Value, fill_value: Value, *args: Any, **settings: Any) -> Value:
    """Return NumPy's array of one value, or a Tensor of it, which keeps its gradient."""
    plain = np.full_like(value_of(a), value_of(fill_value), *args, **settings)
    return broadcast_to(fill_value, plain.shape) if hasattr(fill_value, "named") else plain
