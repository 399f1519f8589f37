"""Linear algebra: products of matrices and vectors, transposes, diagonals and norms."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine import primitive
from ..table import Closure, Value
from .reductions import kept, over_length
from .rows import composed, upright


@primitive(
    symbol="@",
    written="a @ b",
    kind="product",
    needs="the last axis of a to be as long as the second to last axis of b, or its only one",
)
def matmul(a: Value, b: Value) -> Value:
    """Return the matrix product a @ b, with NumPy's meaning for vectors and stacks of matrices.

    >>> bp.matmul([[1.0, 2.0], [3.0, 4.0]], [5.0, 6.0])
    array([17., 39.])
    """
    if a.ndim == b.ndim == 2:
        return a.dot(b)  # of two matrices the same product, with less to look up first
    return np.matmul(a, b)


@matmul.backward
def _(out: Value, a: Value, b: Value) -> tuple[Closure, Closure]:
    if a.ndim == b.ndim == 2:
        return lambda g: g.dot(b.mT), lambda g: a.mT.dot(g)
    if a.ndim == 1 and b.ndim == 1:
        return lambda g: g * b, lambda g: g * a
    if b.ndim == 1:  # out_i = sum_j a_ij b_j
        return lambda g: outer_of_last(g, b), lambda g: matrix_times_vector(a.mT, g)
    if a.ndim == 1:  # out_j = sum_i a_i b_ij
        return lambda g: matrix_times_vector(b, g), lambda g: outer_of_last(a, g)
    return lambda g: g @ b.mT, lambda g: a.mT @ g  # stacks of matrices


def matrix_times_vector(a: Value, v: Value) -> Value:
    """Multiply a matrix and a vector, or stacks of them: the matrix in the last two axes of a."""
    if a.ndim == 2 and v.ndim == 1:
        return a @ v
    return np.squeeze(a @ np.expand_dims(v, -1), -1)


def outer_of_last(u: Value, v: Value) -> Value:
    """Return all products of an entry of u's last axis and one of v's, for stacks of vectors."""
    if u.ndim == 1 and v.ndim == 1:
        return np.outer(u, v)
    return np.expand_dims(u, -1) * np.expand_dims(v, -2)


@primitive(symbol="ᵀ", needs="at least two axes", kind="arranges")
def matrix_transpose(a: Value) -> Value:
    """Return the matrix, or each of a stack, with its last two axes exchanged.

    >>> bp.matrix_transpose(np.zeros((5, 2, 3))).shape
    (5, 3, 2)
    """
    return a.mT


matrix_transpose.backward(lambda out, a: lambda g: g.mT)


@primitive(
    needs="each axis once; to exchange two of them, write bp.swapaxes(t, 0, 1)",
    kind="arranges",
    notation=("{:power}ᵀ", r"{:base}^{{\top}}", "power"),
)
def transpose(a: Value, *, axes: Sequence[int] | None = None) -> Value:
    """Return the entries with their axes in the given order, or in reverse order.

    >>> bp.transpose(np.zeros((2, 3, 5)), (1, 0, 2)).shape
    (3, 2, 5)
    """
    return np.transpose(a, axes)


@transpose.backward
def _(out: Value, a: Value, *, axes: Sequence[int] | None) -> Closure:
    if axes is None:
        return lambda g: np.transpose(g)
    back = tuple(int(i) for i in np.argsort(np.ravel(axes) % a.ndim))
    return lambda g: np.transpose(g, back)


@primitive(
    symbol="⊗",
    kind="product",
    notation=("{:power} ⊗ {:power}", r"{:power} \otimes {:power}", "product"),
)
def outer(a: Value, b: Value) -> Value:
    """Return the matrix of all products a_i b_j, the operands made flat first, as in NumPy.

    >>> bp.outer([1.0, 2.0], [3.0, 4.0])
    array([[3., 4.],
           [6., 8.]])
    """
    return np.outer(a, b)


@outer.backward
def _(out: Value, a: Value, b: Value) -> tuple[Closure, Closure]:
    return (
        lambda g: (g @ np.ravel(b)).reshape(a.shape),
        lambda g: (g.mT @ np.ravel(a)).reshape(b.shape),
    )


outer.twin(lambda a, b: np.expand_dims(np.ravel(a), 1) * np.ravel(b))


@primitive(kind="product")
def contraction(
    *operands: Value, inputs: tuple[str, ...], output: str, optimize: bool = False
) -> Value:
    """Return a sum of products by Einstein's convention; each axis has a letter. See `einsum`.

    To optimize is to multiply two at a time, in a good order and as matrices. Operands must be
    floats of one type for that: NumPy would multiply two booleans as booleans, whatever is left.
    """
    return np.einsum(f"{','.join(inputs)}->{output}", *operands, optimize=optimize)


@contraction.backward
def _(
    out: Value, *operands: Value, inputs: tuple[str, ...], output: str, optimize: bool
) -> tuple[Closure, ...]:
    def closure(i: int) -> Closure:
        """Contract g with all other operands; what is left are the axes of operand i."""
        letters = inputs[i]
        factors = [*inputs[:i], *inputs[i + 1 :]]
        arrays = [*operands[:i], *operands[i + 1 :]]
        axes = {
            axis
            for term, array in zip([output, *factors], [out, *arrays], strict=True)
            for axis in zip(term, np.shape(array), strict=True)
        }
        target = ""
        for axis, letter in enumerate(letters):
            length = operands[i].shape[axis]
            if letter in target:  # a letter twice, as in the trace "ii": only the diagonal counts
                fresh = unused(*inputs, output, target)
                factors.append(letter + fresh)
                arrays.append(np.eye(length, dtype=out.dtype))
                letter = fresh
            elif (letter, length) not in axes:  # summed in this operand alone, or 1 in the others
                factors.append(letter)
                arrays.append(np.ones(length, dtype=out.dtype))
            target += letter
        return lambda g: contraction(
            [g, *arrays], inputs=(output, *factors), output=target, optimize=optimize
        )

    return tuple(closure(i) for i in range(len(operands)))


def unused(*used: str) -> str:
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return next(letter for letter in alphabet if letter not in "".join(used))


@composed(of=contraction)
def einsum(subscripts: str, *operands: Value) -> Value:
    """Return a sum of products by Einstein's convention, as in NumPy.

    Parameters
    ----------
    subscripts
        Such as ``"ij,jk->ik"``: for each operand a term, with a letter for each axis. What is not
        in the output, after ``->``, is summed over. Without ``->``, the output has the letters that
        occur once, in the order of the alphabet. ``...`` stands for any further axes.
    operands
        Tensors or arrays, one for each term.

    Examples
    --------
    The trace is a_ii, summed over i, and only the diagonal gets a gradient:

    >>> a = bp.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> bp.grad(bp.einsum("ii", a), a)
    array([[1., 0.],
           [0., 1.]])
    """
    if not isinstance(subscripts, str):
        raise TypeError(
            "einsum takes the subscripts first, as text, and then the operands: "
            f'einsum("ij,jk->ik", a, b), not a {type(subscripts).__name__} first.'
        )
    inputs, output = spelled_out(subscripts, [np.ndim(operand) for operand in operands])
    types = {getattr(x, "dtype", None) for x in operands}
    alike = types in ({np.dtype(np.float64)}, {np.dtype(np.float32)})
    return contraction(list(operands), inputs=inputs, output=output, optimize=alike)


def spelled_out(subscripts: str, ndims: list[int]) -> tuple[tuple[str, ...], str]:
    """Give every axis its letter: replace ``...``, and add the output where it is left out."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise ValueError(
            f"einsum has a term for each operand: {len(terms)} in {subscripts!r}, not {len(ndims)}."
        )
    np.einsum(subscripts, *(np.zeros((1,) * ndim) for ndim in ndims))  # refuses what it cannot read
    hidden = [ndim - len(term.replace("...", "")) for term, ndim in zip(terms, ndims, strict=True)]
    dots = ""
    while len(dots) < max(hidden):
        dots += unused(subscripts, dots)
    inputs = tuple(
        term.replace("...", dots[len(dots) - n :]) for term, n in zip(terms, hidden, strict=True)
    )
    if arrow:
        return inputs, right.replace("...", dots)
    letters = "".join(terms).replace(".", "")
    return inputs, dots + "".join(sorted(s for s in set(letters) if letters.count(s) == 1))


@primitive(kind="spreads")
def on_diagonal(
    a: Value, *, shape: tuple[int, ...], offset: int = 0, axis1: int = 0, axis2: int = 1
) -> Value:
    """Return zeros of a shape with a on a diagonal: the reverse of `diagonal`."""
    out = np.zeros(shape, dtype=a.dtype)
    rows = np.arange(a.shape[-1]) + max(-int(offset), 0)
    columns = np.arange(a.shape[-1]) + max(offset, 0)
    np.moveaxis(out, (axis1, axis2), (-2, -1))[..., rows, columns] = a
    return out


@primitive(needs="at least two axes", kind="arranges")
def diagonal(a: Value, *, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Value:
    """Return the entries with equal indices on two axes, as a new last axis.

    >>> bp.diagonal([[1.0, 2.0], [3.0, 4.0]], offset=1)
    array([2.])
    """
    return np.diagonal(a, offset=offset, axis1=axis1, axis2=axis2)


diagonal.backward(lambda out, a, **where: lambda g: on_diagonal(g, shape=a.shape, **where))
on_diagonal.backward(lambda out, a, *, shape, **where: lambda g: np.diagonal(g, **where))


@primitive(symbol="tr", needs="at least two axes", kind="reduces", notation=upright("tr"))
def trace(a: Value, *, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Value:
    """Return the sum over a diagonal, which the arguments choose as in `diagonal`.

    >>> bp.trace([[1.0, 2.0], [3.0, 4.0]]).item()
    5.0
    """
    return np.trace(a, offset=offset, axis1=axis1, axis2=axis2)


@trace.backward
def _(out: Value, a: Value, **where: int) -> Closure:
    ones = np.ones(np.diagonal(a, **where).shape, dtype=a.dtype)
    return lambda g: on_diagonal(np.expand_dims(g, -1) * ones, shape=a.shape, **where)


trace.twin(lambda a, **where: diagonal(a, **where).sum(axis=-1))


@primitive(
    symbol="‖·‖",
    kind="reduces",
    notation=("‖{}‖{below}", r"\left\lVert {} \right\rVert{below}"),
)
def euclidean_norm(
    a: Value, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False
) -> Value:
    """Return the root of the sum of squares; where it is 0, its slope is 0."""
    if a.dtype.kind != "f":
        a = a.astype(float)
    return np.sqrt(np.sum(a * a, axis=axis, keepdims=keepdims))


@euclidean_norm.backward
def _(out: Value, a: Value, **over: Any) -> Closure:
    unit = over_length(a, kept(out, **over))
    return lambda g: kept(g, **over) * unit


euclidean_norm.twin(lambda a, **over: np.sqrt(np.square(a).sum(**over)))
