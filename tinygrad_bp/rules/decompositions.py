"""Linear algebra that factors: solutions, inverses, determinants, and what belongs to a matrix.

A matrix is in the last two axes, so each function takes stacks of matrices. Where NumPy reads only
the lower triangle of a symmetric matrix, the gradient is that of its entries. The formulas are from
M. Giles, *Collected matrix derivative results for forward and reverse mode algorithmic
differentiation*, 2008, where no other source is named.
"""

from collections import namedtuple
from typing import Any

import numpy as np

from ..engine import primitive
from ..operators import value_of
from ..recording import Traced
from ..table import Closure, Value
from .arithmetic import power
from .linear_algebra import euclidean_norm, outer_of_last
from .reductions import over_length
from .rows import composed, floats, upright, whole_as_float
from .shaping import as_operand

SQUARE = "square matrices in the last two axes"
REGULAR = f"{SQUARE}, none of them singular"


# ---- Solving ----


@primitive(
    written="np.linalg.solve(a, b)",
    needs=REGULAR,
    kind="product",
    notation=("{:power}⁻¹ {:product}", r"{:base}^{{-1}} {:product}", "product"),
)
def solve(a: Value, b: Value) -> Value:
    """Return the x for which a @ x is b: a vector if b has one axis, else a matrix.

    >>> bp.linalg.solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0])
    array([1. , 0.5])
    """
    return np.linalg.solve(a, b)


@solve.backward
def _(x: Value, a: Value, b: Value) -> tuple[Closure, Closure]:
    if b.ndim > 1:
        return lambda g: -solve(a.mT, g) @ x.mT, lambda g: solve(a.mT, g)

    def by_b(g: Value) -> Value:  # NumPy would take a stack of vectors g for a matrix
        return solve(a.mT, np.expand_dims(g, -1))[..., 0]

    return lambda g: -outer_of_last(by_b(g), x), by_b


@primitive(
    written="np.linalg.inv(a)", needs=REGULAR, notation=("{:power}⁻¹", r"{:base}^{{-1}}", "power")
)
def inv(a: Value) -> Value:
    """Return the inverse matrix.

    >>> bp.linalg.inv([[2.0, 0.0], [0.0, 4.0]])
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    return np.linalg.inv(a)


inv.backward(lambda out, a: lambda g: -out.mT @ g @ out.mT)


@primitive(
    written="np.linalg.pinv(a, rcond=rcond)",
    needs="matrices of full rank, for a slope",
    notation=("{:power}⁺", r"{:base}^{{+}}", "power"),
)
def pinv(a: Value, *, rcond: Any = None) -> Value:
    """Return the pseudoinverse; where the rank is not full it jumps, and its slope is NaN.

    The rule is (4.12) of G. Golub and V. Pereyra, *The differentiation of pseudo-inverses and
    nonlinear least squares problems whose variables separate*, 1973.

    >>> bp.linalg.pinv([[2.0], [0.0]])
    array([[0.5, 0. ]])
    """
    return np.linalg.pinv(a) if rcond is None else np.linalg.pinv(a, rcond)


@pinv.backward
def _(out: Value, a: Value, *, rcond: Any) -> Closure:
    full = np.asarray(np.linalg.matrix_rank(value_of(out)) == min(a.shape[-2:]))
    p = out if full.all() else np.where(full[..., None, None], out, np.nan)
    rows, columns = np.eye(a.shape[-2], dtype=a.dtype), np.eye(a.shape[-1], dtype=a.dtype)
    return lambda g: (
        (rows - a @ p) @ g.mT @ p @ p.mT + p.mT @ p @ g.mT @ (columns - p @ a) - p.mT @ g @ p.mT
    )


LeastSquares = namedtuple("LeastSquares", "x residuals rank s")


@composed(of=pinv)
def lstsq(a: Value, b: Value, rcond: Any = None) -> LeastSquares:
    """Return the x with the smallest a @ x - b, its sums of squares, the rank, the singular values.

    >>> bp.linalg.lstsq([[1.0], [1.0]], [1.0, 3.0])[0]
    array([2.])
    """
    a, b = as_operand(a), as_operand(b)
    if isinstance(value_of(a), Traced) or isinstance(value_of(b), Traced):
        raise TypeError(
            "lstsq cannot be compiled: it has residuals only if the rank is full, and that may "
            "differ in every call. Write bp.linalg.pinv(a) @ b for its solution."
        )
    _, residuals, rank, _ = np.linalg.lstsq(value_of(a), value_of(b), rcond)
    rcond = np.finfo(floats(value_of(a)).dtype).eps * max(a.shape) if rcond is None else rcond
    x = pinv(a, rcond=rcond) @ b
    squares = np.sum(np.square(b - a @ x), axis=0) if residuals.size else residuals
    return LeastSquares(x, squares.reshape(residuals.shape), rank, svdvals(a))


# ---- Determinants ----


@primitive(written="np.linalg.det(a)", needs=SQUARE, notation=("det", r"\det"))
def det(a: Value) -> Value:
    """Return the determinant; its slope needs the inverse, which a singular matrix does not have.

    >>> bp.value_and_grad(bp.linalg.det)([[2.0, 0.0], [0.0, 4.0]])
    (array(8.), array([[4., 0.],
           [0., 2.]]))
    """
    return np.linalg.det(a)


det.backward(lambda out, a: lambda g: np.expand_dims(g * out, (-2, -1)) * inv(a).mT)


@primitive(
    needs=SQUARE,
    notation=("log |det {}|", r"\log \left\lvert \det {} \right\rvert"),
)
def logabsdet(a: Value) -> Value:
    """Return the logarithm of the absolute value of the determinant: the second of `slogdet`."""
    _, logarithm = np.linalg.slogdet(a)
    return logarithm


logabsdet.backward(lambda out, a: lambda g: np.expand_dims(g, (-2, -1)) * inv(a).mT)


@primitive(needs=SQUARE, notation=("sgn det", r"\mathrm{sgn} \det"))
def sign_of_det(a: Value) -> Value:
    """Return the sign of the determinant, constant between jumps: the first of `slogdet`."""
    sign, _ = np.linalg.slogdet(a)
    return sign


sign_of_det.backward(lambda out, a: None)


SignAndLogarithm = namedtuple("SignAndLogarithm", "sign logabsdet")


@composed(of=logabsdet)
def slogdet(a: Value) -> SignAndLogarithm:
    """Return the sign of the determinant, with no slope, and the logarithm of its absolute value.

    >>> sign, logarithm = bp.linalg.slogdet(-np.eye(3))
    >>> sign.item(), logarithm.item()
    (-1.0, 0.0)
    """
    return SignAndLogarithm(sign_of_det(a), logabsdet(a))


# ---- Symmetric matrices ----


def onto_lower(g: Value) -> Value:
    """Move a gradient by a symmetric matrix onto its lower triangle, which alone NumPy reads."""
    return np.tril(g) + np.tril(g.mT, -1)


@primitive(written="np.linalg.cholesky(a)", needs=f"{SQUARE}, symmetric and positive definite")
def cholesky(a: Value) -> Value:
    """Return the lower triangular L for which L @ L.T is a; only the lower triangle of a is read.

    The rule is (9) of I. Murray, *Differentiation of the Cholesky decomposition*, 2016.

    >>> bp.linalg.cholesky([[4.0, 0.0], [2.0, 2.0]])
    array([[2., 0.],
           [1., 1.]])
    """
    return np.linalg.cholesky(a)


@cholesky.backward
def _(out: Value, a: Value) -> Closure:
    half = np.tril(np.ones(a.shape[-2:], a.dtype)) - 0.5 * np.eye(a.shape[-1], dtype=a.dtype)
    return lambda g: onto_lower(solve(out.mT, solve(out.mT, half * (out.mT @ g)).mT).mT)


def rounding_of(values: Value) -> Value:
    """Return how far the eigenvalues or singular values of a matrix are known."""
    v = np.abs(value_of(values))
    return v.shape[-1] * np.finfo(v.dtype).eps * v.max(axis=-1, keepdims=True, initial=0.0)


def equal_within_rounding(values: Value) -> np.ndarray:
    """Say for each two of a matrix's values whether they are equal, as far as they are known."""
    v = value_of(values)
    apart = np.abs(v[..., :, None] - v[..., None, :])
    return np.asarray(apart <= rounding_of(v)[..., None])


def one_over(difference: Value, equal: np.ndarray) -> Value:
    """Return 1 / difference of each two values: 0 for one with itself, NaN for other equal ones."""
    itself = np.eye(equal.shape[-1], dtype=bool)
    others = (equal & ~itself).any()
    result = np.where(itself, 0.0, 1.0 / np.where(itself, 1.0, difference))
    return np.where(equal & ~itself, np.nan, result) if others else result


def diagonal_of(g: Value, equal: np.ndarray) -> Value:
    """Return a diagonal matrix of g; with NaN where g differs for equal values: they have no order.

    They share what arrives as the equal entries of `max` do, so 1e-6 is no difference.
    """
    g = np.expand_dims(g, -1)
    diagonal = g * np.eye(equal.shape[-1], dtype=g.dtype)
    if np.count_nonzero(equal) * equal.shape[-1] == equal.size:  # each value equals itself alone
        return diagonal
    return np.where((np.abs(g - g.mT) > 1e-6 * np.abs(g)) & equal, np.nan, diagonal)


@primitive(
    written="np.linalg.eigvalsh(a)",
    needs=f"{SQUARE}, symmetric",
    notation=upright("eigvals"),
)
def eigvalsh(a: Value) -> Value:
    """Return the eigenvalues of a symmetric matrix, in ascending order; see `eigh`.

    >>> bp.linalg.eigvalsh([[2.0, 0.0], [1.0, 2.0]])
    array([1., 3.])
    """
    return np.linalg.eigvalsh(a)


@primitive(
    needs=f"{SQUARE}, symmetric",
    notation=upright("eigvecs"),
)
def eigenvectors(a: Value) -> Value:
    """Return the eigenvectors of a symmetric matrix, as columns: the second of `eigh`."""
    _, vectors = np.linalg.eigh(a)
    return vectors


@eigvalsh.backward
def _(w: Value, a: Value) -> Closure:
    v, equal = eigenvectors(a), equal_within_rounding(w)
    return lambda g: onto_lower(v @ diagonal_of(g, equal) @ v.mT)


@eigenvectors.backward
def _(v: Value, a: Value) -> Closure:
    w = eigvalsh(a)
    gaps = one_over(np.expand_dims(w, -2) - np.expand_dims(w, -1), equal_within_rounding(w))
    return lambda g: onto_lower(v @ (gaps * (v.mT @ g)) @ v.mT)


Eigen = namedtuple("Eigen", "eigenvalues eigenvectors")


@composed(of=eigvalsh)
def eigh(a: Value, UPLO: str = "L") -> Eigen:
    """Return the eigenvalues and eigenvectors of a symmetric matrix; only one half is read.

    Equal eigenvalues have slopes only together, as in their sum, and their eigenvectors have none:
    both are NaN otherwise.

    >>> bp.linalg.eigh([[2.0, 0.0], [1.0, 2.0]]).eigenvalues
    array([1., 3.])
    """
    if UPLO.upper() not in ("L", "U"):
        raise ValueError(f"eigh has UPLO={UPLO!r}: give 'L' or 'U', the triangle to read.")
    a = as_operand(a) if UPLO.upper() == "L" else as_operand(a).mT
    return Eigen(eigvalsh(a), eigenvectors(a))


# ---- Singular values ----


@primitive(
    written="np.linalg.svd(a, compute_uv=False)",
    needs="at least two axes",
    notation=upright("singular"),
)
def svdvals(a: Value) -> Value:
    """Return the singular values, in descending order; see `svd`.

    >>> bp.linalg.svdvals([[0.0, -3.0], [4.0, 0.0]])
    array([4., 3.])
    """
    return np.linalg.svd(a, compute_uv=False)


@primitive(needs="at least two axes")
def left_vectors(a: Value) -> Value:
    """Return the left singular vectors, as columns: the first of `svd`."""
    u, _, _ = np.linalg.svd(a, full_matrices=False)
    return u


@primitive(needs="at least two axes")
def right_vectors(a: Value) -> Value:
    """Return the right singular vectors, as rows: the third of `svd`."""
    _, _, vh = np.linalg.svd(a, full_matrices=False)
    return vh


@svdvals.backward
def _(s: Value, a: Value) -> Closure:
    u, vh, equal = left_vectors(a), right_vectors(a), equal_within_rounding(s)
    zero = value_of(s) <= rounding_of(s)
    if zero.any():  # a corner, where there is no second derivative
        slopes = over_length(s, np.where(zero, 0.0, s))
        return lambda g: u @ diagonal_of(g * slopes, equal) @ vh
    return lambda g: u @ diagonal_of(g, equal) @ vh


@left_vectors.backward
def _(u: Value, a: Value) -> Closure:
    return lambda g: by_left_vectors(g, u, svdvals(a)) @ right_vectors(a)


@right_vectors.backward
def _(vh: Value, a: Value) -> Closure:
    return lambda g: (by_left_vectors(g.mT, vh.mT, svdvals(a)) @ left_vectors(a).mT).mT


def by_left_vectors(g: Value, u: Value, s: Value) -> Value:
    """Return the gradient by a = u s vh that arrives through u, without its last factor, vh.

    The formula is from J. Townsend, *Differentiating the singular value decomposition*, 2016.
    """
    columns, rows = np.expand_dims(s, -2), np.expand_dims(s, -1)
    gaps = one_over((columns - rows) * (columns + rows), equal_within_rounding(s))
    inside = u @ (gaps * (u.mT @ g - g.mT @ u) * columns)
    if u.shape[-2] == u.shape[-1]:
        return inside
    zero = np.expand_dims(value_of(s) <= rounding_of(s), -2)  # there, u is not known
    known = np.where(zero, np.nan, columns) if zero.any() else columns
    return inside + (g - u @ (u.mT @ g)) / known


Singular = namedtuple("Singular", "U S Vh")


@composed(of=svdvals)
def svd(a: Value, full_matrices: bool = True, compute_uv: bool = True) -> Value:
    """Return matrices u and vh and singular values s, for which (u * s) @ vh is a.

    Equal singular values have slopes only together, as in their sum, and their vectors have none:
    both are NaN otherwise. Where a singular value is 0, it has a corner, and 0 is taken as its
    slope. Without full_matrices=False, the matrix must be square: further vectors would be any.

    >>> bp.linalg.svd([[0.0, -3.0], [4.0, 0.0]]).S
    array([4., 3.])
    """
    a = as_operand(a)
    if not compute_uv:
        return svdvals(a)
    if full_matrices and len(a.shape) > 1 and a.shape[-2] != a.shape[-1]:
        raise ValueError(
            f"svd has a of shape {a.shape}, whose full u or vh is not determined by a, and so has "
            "no slope. Write full_matrices=False."
        )
    return Singular(left_vectors(a), svdvals(a), right_vectors(a))


# ---- Norms ----


@composed(of=euclidean_norm)
def norm(a: Value, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Value:
    """Return the length of vectors or the norm of matrices, of any order that NumPy has.

    Where the Euclidean length is 0, its slope is 0, and its second derivative NaN.

    Parameters
    ----------
    a
        Vectors or matrices.
    ord
        None for the root of the sum of squares; of vectors a number, inf or -inf; of matrices
        "fro", "nuc", 1, -1, 2, -2, inf or -inf.
    axis
        The axis of vectors, or the two of matrices; all, if left out.
    keepdims
        Keep these axes, with length 1.

    Examples
    --------
    >>> bp.value_and_grad(bp.norm)([3.0, 4.0])
    (array(5.), array([0.6, 0.8]))
    """
    a = whole_as_float(as_operand(a))
    if axis is None and ord is not None:
        axis = tuple(range(len(a.shape)))
    axes = axis if isinstance(axis, tuple) else (axis,)
    if ord is None or (ord == 2 and len(axes) == 1) or (ord == "fro" and len(axes) == 2):
        return euclidean_norm(a, axis=axis, keepdims=keepdims)
    np.linalg.norm(np.ones((1,) * len(a.shape)), ord, axis)  # refuses what NumPy has not
    if len(axes) == 1:
        return vector_norm(np.abs(a), ord, axes[0], keepdims)
    if ord in ("nuc", 2, -2):
        s = svdvals(np.moveaxis(a, axes, (-2, -1)))
        out = s.sum(axis=-1) if ord == "nuc" else s.max(axis=-1) if ord == 2 else s.min(axis=-1)
    else:  # the largest or smallest sum of a column or a row
        sums = np.abs(a).sum(axis=axes[0 if abs(ord) == 1 else 1], keepdims=True)
        out = sums.max(axis=axes) if ord > 0 else sums.min(axis=axes)
    return np.expand_dims(out, axes) if keepdims else out


def vector_norm(sizes: Value, ord: Any, axis: int, keepdims: bool) -> Value:
    """Return the norm of vectors from the absolute values of their entries."""
    if ord == np.inf:
        return sizes.max(axis=axis, keepdims=keepdims)
    if ord == -np.inf:
        return sizes.min(axis=axis, keepdims=keepdims)
    if ord == 0:  # how many are not 0, which is constant between jumps
        return np.sum(np.sign(sizes), axis=axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(sizes, axis=axis, keepdims=keepdims)
    # by the row, which multiplies where ** of an array does not: a Tensor has the same numbers
    return power(np.sum(power(sizes, ord), axis=axis, keepdims=keepdims), 1.0 / ord)
