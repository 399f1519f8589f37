"""Products of matrices and vectors, and transposes."""

import numpy as np

from ..primitive import Closure, Value, primitive


@primitive(
    symbol="@",
    needs="the last axis of a to be as long as the second to last axis of b, or its only axis",
)
def matmul(a: Value, b: Value) -> Value:
    """Return the matrix product a @ b, with NumPy's meaning for vectors and for stacks of matrices."""
    if a.ndim == b.ndim == 2:
        return a.dot(b)  # the same product, sooner: matmul looks for stacks of matrices first
    return np.matmul(a, b)


@matmul.backward
def _(out: Value, a: Value, b: Value) -> tuple[Closure, Closure]:
    if a.ndim == 1 and b.ndim == 1:
        return lambda g: g * b, lambda g: g * a
    if b.ndim == 1:  # out_i = sum_j a_ij b_j
        return lambda g: outer_of_last(g, b), lambda g: matrix_times_vector(a.mT, g)
    if a.ndim == 1:  # out_j = sum_i a_i b_ij
        return lambda g: matrix_times_vector(b, g), lambda g: outer_of_last(a, g)
    if a.ndim==b.ndim==2: return lambda g: g.dot(b.mT), lambda g: a.mT.dot(g)
    return lambda g: g @ b.mT, lambda g: a.mT @ g


def matrix_times_vector(a: Value, v: Value) -> Value:
    """Multiply matrices with vectors, both in the last axes of stacks."""
    if a.ndim == 2 and v.ndim == 1:
        return a @ v
    return np.squeeze(a @ np.expand_dims(v, -1), -1)


def outer_of_last(u: Value, v: Value) -> Value:
    """Multiply every entry of the last axis of u with every entry of the last axis of v."""
    if u.ndim == 1 and v.ndim == 1:
        return np.outer(u, v)
    return np.expand_dims(u, -1) * np.expand_dims(v, -2)


@primitive(symbol="T", needs="at least two axes")
def matrix_transpose(a: Value) -> Value:
    """Return a with its last two axes exchanged."""
    return a.mT


@matrix_transpose.backward
def _(out: Value, a: Value) -> Closure:
    return lambda g: g.mT


@primitive(symbol="⊗")
def outer(a: Value, b: Value) -> Value:
    """Return the matrix of all products a_i b_j; like NumPy's, of the operands made flat."""
    return np.outer(a, b)


@outer.backward
def _(out: Value, a: Value, b: Value) -> tuple[Closure, Closure]:
    return (
        lambda g: (g @ b.reshape(-1)).reshape(a.shape),
        lambda g: (g.mT @ a.reshape(-1)).reshape(b.shape),
    )
