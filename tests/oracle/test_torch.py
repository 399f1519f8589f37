"""The oracle: every operation that PyTorch has too gives the same values and gradients there.

A case is one call. `cases` lists them; both libraries run each in float64, with the same random
upstream gradient, and `differences` says how far apart the results are. A case asks for the value,
for the gradient by every operand, and for the gradient of that gradient.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.differences import relative_difference
from tinygrad_bp.engine import Primitive
from tinygrad_bp.table import TABLE

from .in_torch import NOT_IN_TORCH, torch_table

TORCH = torch_table()  # skips this file where PyTorch is missing
torch = pytest.importorskip("torch")
TOLERANCE = 1e-10
rng = np.random.default_rng(0)


class Case(NamedTuple):
    """A call of an entry. Arrays of floats become leaves; all else is passed as it is."""

    entry: str
    operands: tuple[Any, ...]
    settings: dict[str, Any]
    order: int = 2

    def __str__(self) -> str:
        settings = [f"{name}={brief(value)}" for name, value in self.settings.items()]
        return f"{self.entry}({', '.join([*map(brief, self.operands), *settings])})"


def brief(value: Any) -> str:
    """Write a value, and of an array only the shape."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(brief, value))}]"
    return str(value.shape) if isinstance(value, np.ndarray) else repr(value)


def call(entry: str, *operands: Any, **settings: Any) -> Case:
    return Case(entry, operands, settings)


def first_order(entry: str, *operands: Any, **settings: Any) -> Case:
    """Return a case at a corner, where there is no second derivative, or PyTorch's is NaN."""
    return Case(entry, operands, settings, order=1)


def normal(*shape: int) -> np.ndarray:
    return np.asarray(rng.normal(size=shape))


def uniform(low: float, high: float, shape: tuple[int, ...] = (3, 4)) -> np.ndarray:
    return np.asarray(rng.uniform(low, high, shape))


def probabilities(shape: tuple[int, ...], axis: int) -> np.ndarray:
    weights = uniform(0.1, 1.0, shape)
    return weights / weights.sum(axis=axis, keepdims=True)


# ---- The cases, a function per family ----

SHAPES = [(), (1,), (5,), (3, 4), (2, 1, 3), (2, 3, 2, 2), (0,), (2, 0, 3)]

#: Where an operation of one operand is defined and smooth, if not from -2 to 2.
DOMAIN = {
    "sqrt": (0.1, 4.0),
    "reciprocal": (0.3, 3.0),
    "log": (0.1, 4.0),
    "log1p": (-0.8, 3.0),
    "tan": (-1.3, 1.3),
    "arcsin": (-0.9, 0.9),
    "arccos": (-0.9, 0.9),
    "arccosh": (1.1, 4.0),
    "arctanh": (-0.9, 0.9),
    "log2": (0.1, 4.0),
    "log10": (0.1, 4.0),
    "cbrt": (0.1, 4.0),
}
ELEMENTARY = [
    *("identity", "negative", "absolute", "sign", "square", "sqrt", "reciprocal"),
    *("exp", "log", "log1p", "expm1", "sin", "cos", "tan", "arcsin", "arccos", "arctan"),
    *("sinh", "cosh", "tanh", "erf", "erfc", "arcsinh", "arccosh", "arctanh", "exp2", "log2"),
    *("log10", "cbrt", "deg2rad", "rad2deg", "floor", "ceil", "trunc", "rint", "round"),
    *("atleast_1d", "atleast_2d", "atleast_3d", "nan_to_num"),
]
ACTIVATIONS = [
    *("sigmoid", "softplus", "log_sigmoid", "relu", "leaky_relu", "elu"),
    *("gelu", "normal_cdf", "silu"),
]
REDUCTIONS = ["sum", "mean", "max", "min", "prod", "var", "std", "logsumexp", "norm"]
AXES = [None, 0, 1, 2, -1, -3, (0, 1), (2, 0), (-1, 1), (0, 1, 2)]

#: Pairs of shapes that broadcast.
BROADCAST = [
    ((), ()),
    ((3,), ()),
    ((), (2, 3)),
    ((2, 3), (2, 3)),
    ((2, 3), (3,)),
    ((4, 1), (1, 3)),
    ((1,), (2, 2)),
    ((2, 1, 3), (4, 1)),
    ((3,), (2, 0, 3)),
]


def elementwise_cases() -> Iterator[Case]:
    for entry, shape in product(ELEMENTARY + ACTIVATIONS, SHAPES):
        yield call(entry, uniform(*DOMAIN.get(entry, (-2.0, 2.0)), shape))
    for entry in ACTIVATIONS:
        yield call(entry, np.array([-700.0, -60.0, -20.0, -5.0, 5.0, 20.0, 60.0, 700.0]))
        yield first_order(entry, np.zeros(1))
    for slope, alpha in [(0.2, 0.5), (0.0, 2.0), (1.5, 1.0)]:
        yield call("leaky_relu", normal(3, 4), slope=slope)
        yield call("elu", normal(3, 4), alpha=alpha)
    for entry, far in product(("elu", "softplus", "sigmoid", "silu"), (-700.0, -60.0, -20.0)):
        yield call(entry, np.array(far))  # alone: no large entry hides a small one
    yield call("absolute", np.zeros(1))
    for a, b in BROADCAST:
        for entry in (
            *("add", "subtract", "multiply", "maximum", "minimum", "arctan2", "hypot", "logaddexp"),
            *("remainder", "fmod"),
        ):
            yield call(entry, normal(*a), normal(*b))
        yield call("divide", normal(*a), uniform(0.3, 2.0, b))
        yield call("power", uniform(0.3, 2.0, a), normal(*b))
        yield call("where", rng.random(b) < 0.5, normal(*a), normal(*b))
    for entry in ("maximum", "minimum"):  # ties
        yield call(entry, np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]))
    for exponent in (2, 3, 2.0, 1, 0, -1, -2.0):
        yield call("power", normal(3, 4), exponent)
    for exponent in (0, 1, 2, 3.0):
        yield call("power", np.array([0.0, 1.0, -2.0]), exponent)
    for exponent in (0.5, -1.5):
        yield call("power", uniform(0.3, 2.0), exponent)
    yield first_order("power", np.array([0.0, 0.0, 0.0, 2.0]), np.array([1.0, 2.0, 3.0, 0.0]))
    yield call("power", 2.0, normal(3))
    yield call("where", rng.random((2, 1)) < 0.5, normal(3), 0.0)
    for low, high in [(-0.5, 0.5), (None, 0.3), (-0.3, None)]:
        yield call("clip", normal(3, 4), min=low, max=high)
        yield call("clip_to_numbers", normal(3, 4), min=low, max=high)
    yield call("clip", normal(3, 4), normal(4), normal(3, 1))  # bounds that are Tensors
    yield call("clip", normal(3, 4), None, normal(4))
    yield call("gelu", normal(3, 4), approximate="tanh")
    # PyTorch's second derivative at 0 is 0: it computes the first as 0 there
    yield call("sinc", uniform(0.2, 3.0))
    yield first_order("sinc", np.zeros(2))
    yield call("round", normal(3, 4), decimals=1)
    yield call("clip", np.array([-1.0, -0.5, 0.0, 0.5, 1.0]), min=-0.5, max=0.5)  # at the bounds


def linear_algebra_cases() -> Iterator[Case]:
    for a, b in [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3, 4)),
        ((1, 3), (3, 1)),
        ((2, 0), (0, 3)),
        ((5, 2, 3), (3,)),
        ((3,), (5, 3, 2)),
        ((5, 2, 3), (5, 3, 4)),
        ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((1, 2, 3), (5, 3, 4)),
        ((4, 1, 2, 3), (5, 3, 2)),
        ((2, 4, 2, 3), (3,)),
        ((3,), (2, 4, 3, 2)),
    ]:
        yield call("matmul", normal(*a), normal(*b))
    for a, b in [((2,), (3,)), ((2, 2), (3,)), ((), (2, 3)), ((0,), (3,))]:
        yield call("outer", normal(*a), normal(*b))
    for shape in [(2, 3), (4, 2, 3), (1, 1), (0, 3)]:
        yield call("matrix_transpose", normal(*shape))
    yield call("transpose", normal())
    for axes in [None, (0, 1, 2), (2, 0, 1), (-1, 0, 1), (1, -1, 0)]:
        yield call("transpose", normal(2, 3, 4), axes=axes)
    for subscripts, *shapes in [
        ("i->i", (3,)),
        ("i->", (3,)),
        ("i,i", (3,), (3,)),
        ("i,j", (3,), (2,)),
        ("ij->ji", (2, 3)),
        ("ij->j", (2, 3)),
        ("ba", (2, 3)),
        ("ij,jk", (2, 3), (3, 4)),
        ("ij,jk->ki", (2, 3), (3, 4)),
        ("ij,kj->", (2, 3), (4, 3)),
        ("ij,ij->i", (2, 3), (2, 3)),
        ("ii", (3, 3)),
        ("ii->i", (3, 3)),
        ("iij->j", (3, 3, 2)),
        ("iij->ij", (3, 3, 2)),
        ("iii->i", (3, 3, 3)),
        ("iijj->ij", (2, 2, 3, 3)),
        ("ii,ij->j", (3, 3), (3, 2)),
        ("ij,ji->", (2, 3), (3, 2)),
        ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
        ("i,i,i->i", (3,), (3,), (3,)),
        ("i,j,k->ijk", (2,), (3,), (4,)),
        ("ij,k->i", (2, 3), (4,)),
        ("i,->i", (3,), ()),
        ("bij,bjk->bik", (5, 2, 3), (5, 3, 4)),
        ("ijk,ilm,njm,nlk,abc->", (2, 3, 2), (2, 4, 3), (5, 3, 3), (5, 4, 2), (1, 2, 1)),
        ("...ij->...ji", (4, 2, 3)),
        ("...ii->...i", (2, 3, 3)),
        ("...i->...", (2, 3)),
        ("i...->...", (2, 3, 4)),
        ("...ij,...jk->...ik", (5, 2, 3), (5, 3, 4)),
        ("...ij,...jk", (5, 2, 3), (3, 4)),
        ("...ij,...jk->...ik", (4, 1, 2, 3), (5, 3, 2)),
        ("...ij,jk->ik...", (5, 2, 3), (3, 4)),
        ("i...,j...->ij...", (2, 4), (3, 4)),
        ("a...b,b...->...a", (2, 4, 3), (3, 4)),
        ("Ab,bC->AC", (2, 3), (3, 4)),
        ("ij, jk -> ik", (2, 3), (3, 4)),
        ("ij,jk->ik", (2, 0), (0, 3)),
        ("ij,jk->ik", (2, 1), (3, 4)),  # length 1 broadcasts
        ("ij,ij->ij", (2, 1), (1, 3)),
        ("ij,ij->", (1, 3), (2, 3)),
        ("ii,i->i", (1, 1), (3,)),
    ]:
        yield call("einsum", subscripts, *(normal(*shape) for shape in shapes))
    yield call("contraction", normal(2, 3), normal(3, 4), inputs=("ij", "jk"), output="ki")
    yield call("contraction", normal(3, 3), normal(3), inputs=("ii", "i"), output="i")
    for shape, offset, axis1, axis2 in [
        ((3, 3), 0, 0, 1),
        ((3, 4), 0, 0, 1),
        ((3, 4), 1, 0, 1),
        ((3, 4), -2, 0, 1),
        ((4, 3), 2, 1, 0),
        ((2, 3, 4), 0, 0, 1),
        ((2, 3, 4), -1, 1, 2),
        ((2, 3, 4), 1, -1, 0),
        ((2, 3, 2, 3), 1, 3, 1),
    ]:
        where = {"offset": offset, "axis1": axis1, "axis2": axis2}
        yield call("diagonal", normal(*shape), **where)
        yield call("trace", normal(*shape), **where)
        entries = np.diagonal(np.zeros(shape), offset, axis1, axis2).shape
        yield call("on_diagonal", normal(*entries), shape=shape, **where)


def decomposition_cases() -> Iterator[Case]:
    regular = [normal(*n, 3, 3) + np.diag([4.0, -3.0, 7.0]) for n in ((), (2,), (2, 1))]
    for a in regular:
        for entry in (
            *("inv", "det", "sign_of_det", "logabsdet", "slogdet", "pinv", "eigvalsh", "svdvals"),
        ):
            yield call(entry, a)
        yield call("cholesky", a @ a.swapaxes(-1, -2))
        yield call("solve", a, normal(3))
        yield call("solve", a, normal(3, 2))
        for entry in ("eigenvectors", "left_vectors", "right_vectors"):
            yield call(entry, a)
    for shape in [(3, 2), (2, 3), (2, 4, 3)]:
        for entry in ("pinv", "svdvals", "left_vectors", "right_vectors"):
            yield call(entry, normal(*shape))
    for ord, axis, keepdims in product(
        (1, -1, 2, -2, np.inf, -np.inf, "nuc", "fro"), AXES[6:9], (False, True)
    ):
        yield call("norm", normal(3, 4, 5), ord=ord, axis=axis, keepdims=keepdims)
    for ord, axis in product((1, 3, 0.5, -1, -2, 0, np.inf, -np.inf), (0, -1)):
        yield call("norm", normal(3, 4), ord=ord, axis=axis)
    yield call("euclidean_norm", normal(3, 4), axis=1)


def composition_cases() -> Iterator[Case]:
    for a, b in [
        ((3,), (3,)),
        ((2, 3), (3, 4)),
        ((2, 3), (4, 3, 2)),
        ((), (3,)),
        ((2, 2, 3), (3,)),
    ]:
        yield call("dot", normal(*a), normal(*b))
    for a, b in [((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 3)), ((), (2, 3))]:
        yield call("inner", normal(*a), normal(*b))
    for a, b in [((2,), (3,)), ((2, 3), (3, 2)), ((2, 3), (2,)), ((2,), (2, 2, 3))]:
        yield call("kron", normal(*a), normal(*b))
    yield call("vdot", normal(2, 3), normal(2, 3))
    for axes in (2, ([0, 1], [0, 1]), ([1], [1]), 0):
        yield call("tensordot", normal(2, 3), normal(2, 3), axes=axes)
    for first, second in [(0, 1), (-1, 0), (1, 2)]:
        yield call("swapaxes", normal(2, 3, 4), first, second)
        yield call("moveaxis", normal(2, 3, 4), first, second)
        yield call("rollaxis", normal(2, 3, 4), first, second)
    for entry in ("hstack", "vstack", "dstack", "column_stack"):
        yield call(entry, [normal(3), normal(3)])
        yield call(entry, [normal(2, 3), normal(2, 3)])
    for axis in (None, 0, -1):
        yield call("append", normal(2, 3), normal(2, 3), axis=axis)
        yield call("sort", normal(4, 3), axis=axis)
        yield call("cumprod", normal(3, 4), axis=axis)
        yield call("take", normal(3, 4), np.array([[0, 2], [2, 1]]), axis=axis)
        yield call("average", normal(3, 4), axis=axis)
        yield call("average", normal(3, 4), axis, uniform(0.5, 1.0, (3, 4)))
    yield call("cumprod", np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 1.0]]), axis=1)
    for entry in ("flipud", "fliplr", "tril", "triu", "diag", "diff"):
        yield call(entry, normal(3, 4))
    for k in (-1, 2):
        yield call("tril", normal(2, 3, 4), k=k)
        yield call("triu", normal(2, 3, 4), k=k)
    yield call("diag", normal(3))
    yield call("diff", normal(3, 5), n=2)
    for entry in ("hsplit", "vsplit", "dsplit"):
        yield call(entry, normal(2, 4, 6), 2)
        yield call(entry, normal(2, 4, 6), (1,))
    yield call("array_split", normal(5, 3), 2)
    for mode in ("edge", "reflect", "wrap"):
        yield call("pad", normal(4), (2, 1), mode=mode)
        yield call("pad", normal(4, 5), ((1, 2), (3, 0)), mode=mode)
    yield call("pad_with_constants", normal(2, 3), pad_width=1)


def reduction_cases() -> Iterator[Case]:
    for entry, axis, keepdims in product(REDUCTIONS, AXES, (False, True)):
        yield call(entry, normal(3, 4, 5), axis=axis, keepdims=keepdims)
    for entry in REDUCTIONS:
        yield call(entry, normal(5))
        yield call(entry, normal(3, 1))
    for entry in ("sum", "mean", "max", "min", "prod", "logsumexp"):
        yield call(entry, normal())
        yield call(entry, normal(1), axis=-1)
        yield call(entry, normal(3, 0), axis=0)
    for entry in ("sum", "prod", "norm"):
        yield call(entry, normal(0, 3))
        yield call(entry, normal(0, 3), axis=0)
    for factors in (normal(4), normal(2, 3), np.array([2.0, 0.0, 3.0]), np.array([0.0, 0.0, 3.0])):
        yield call("product_of_others", factors)
    for entry, shape in product(("norm", "std"), [(3,), (2, 3)]):
        yield first_order(entry, np.zeros(shape))  # a corner
    yield first_order("norm", normal())
    for entry, ddof, axis in product(("var", "std"), (0, 1, 2), (None, 0, (0, 2))):
        yield call(entry, normal(3, 3, 4), axis=axis, ddof=ddof, keepdims=ddof == 1)
    for entry, axis in product(("max", "min"), (None, 0, 1, (0, 1))):  # ties
        yield call(entry, np.array([[1.0, 3.0, 3.0], [1.0, 3.0, 2.0]]), axis=axis)
    for zeros, axis in product([[0], [0, 1], [0, 5], [0, 4, 8]], (None, 0, 1, (0, 1))):
        a = normal(3, 3)
        a.flat[zeros] = 0.0
        yield call("prod", a, axis=axis)
    yield call("prod", np.zeros((2, 3, 2)), axis=(0, 2), keepdims=True)
    yield call("logsumexp", np.array([[1000.0, 999.0], [-1000.0, -1001.0]]), axis=1)
    yield call("norm", normal(4), ord=2)
    yield call("norm", normal(3, 4), ord=2, axis=-1)
    for entry, shape in product(("softmax", "log_softmax"), [(1,), (5,), (3, 4), (2, 3, 4)]):
        for axis in range(-len(shape), len(shape)):
            yield call(entry, normal(*shape), axis=axis)
    for entry in ("softmax", "log_softmax"):
        yield call(entry, np.array([[1000.0, 999.0, 0.0], [-1000.0, -1001.0, -1002.0]]))
    for shape in SHAPES:
        yield call("square_sum", normal(*shape))
        yield call("cumsum", normal(*shape))
    for axis in (None, 0, 1, -1):
        yield call("cumsum", normal(2, 3, 4), axis=axis)
    for shape, to in [((2, 3), (3,)), ((2, 3), (2, 1)), ((4, 2, 3), (1, 3)), ((2, 3), ())]:
        yield call("sum_to", normal(*shape), shape=to)


def shaping_cases() -> Iterator[Case]:
    yield call("astype", normal(2, 3), dtype=np.float64)
    for before, after in [
        ((6,), (2, 3)),
        ((2, 3), (3, -1)),
        ((2, 3), -1),
        ((2, 3), 6),
        ((), (1, 1)),
        ((1,), ()),
        ((2, 3, 4), (4, 6)),
        ((0, 3), (3, 0)),
    ]:
        yield call("reshape", normal(*before), shape=after)
    for shape in SHAPES:
        yield call("ravel", normal(*shape))
        yield call("squeeze", normal(*shape))
        yield call("flip", normal(*shape))
        yield call("roll", normal(*shape), shift=2)
        yield call("tile", normal(*shape), reps=(2, 1, 3))
    for axis in (0, 1, 2, -1, -3, (0, 1), (0, 3), (-1, 0)):
        yield call("expand_dims", normal(2, 3), axis=axis)
    for axis in (0, -2, (0, 2), (-4, 2)):
        yield call("squeeze", normal(1, 2, 1, 3), axis=axis)
    for axis in (0, 1, -1, (0, 2), (0, 1, 2)):
        yield call("flip", normal(2, 3, 4), axis=axis)
    for shift, axis in [(1, 0), (-1, 1), (5, -1), (0, 0), ((1, -2), (0, 2)), ((1, 1), (0, 0))]:
        yield call("roll", normal(2, 3, 4), shift=shift, axis=axis)
    for shape, to in [((), (2, 3)), ((3,), (2, 3)), ((2, 1), (4, 2, 3)), ((1,), 4), ((1,), (0,))]:
        yield call("broadcast_to", normal(*shape), shape=to)
    for repeats, axis in [(2, None), (3, 0), (2, -1), (0, 1), ((1, 0, 3), 1), ((2, 1), 0)]:
        yield call("repeat", normal(2, 3), repeats=repeats, axis=axis)
    yield call("repeat", normal(3), repeats=np.array([1, 2, 0]))
    for reps in (2, (2,), (2, 3), (1, 0), (2, 1, 2)):
        yield call("tile", normal(2, 3), reps=reps)
    for axis in (0, 1, -1):
        shapes = [[2, 3], [2, 3], [2, 3]]
        for shape, length in zip(shapes, (1, 4, 0), strict=True):
            shape[axis] = length
        yield call("concatenate", [normal(*shape) for shape in shapes], axis=axis)
    yield call("concatenate", [normal(3)])
    for axis in (0, 1, 2, -1, -2):
        yield call("stack", [normal(2, 3), normal(2, 3), normal(2, 3)], axis=axis)
    yield call("stack", [normal(), normal()])
    for parts, axis in [(2, 0), (3, 1), (3, -1), ([1, 3], 0), ((2,), 1), ([0, 2, 2], 1)]:
        yield call("split", normal(4, 6), parts, axis)
    for widths in (1, (1, 2), ((1, 2), (0, 3)), ((0, 0), (2, 0))):
        yield call("pad", normal(2, 3), pad_width=widths)
        yield call("pad", normal(2, 3), pad_width=widths, constant_values=1.5)
    for key in INDICES:
        yield call("getitem", normal(4, 3, 5), key=key)
    yield call("getitem", normal(), key=())
    yield call("getitem", normal(), key=None)
    for key, shape in [
        ((np.array([0, 2, 0, 0]),), (3,)),
        ((np.array([1, 1, 0, 1]), np.array([0, 2, 1, 2])), (2, 3)),
    ]:
        yield call("scatter", normal(4), key=key, shape=shape)
    for axis, length in [(0, 6), (1, 2), (-1, 4)]:
        lengths = [2, 3, 4]
        below, lengths[axis] = lengths[axis], length
        yield call("take_along_axis", normal(2, 3, 4), rng.integers(0, below, lengths), axis)
    yield call("take_along_axis", normal(3, 4), rng.integers(0, 4, (1, 2)), -1)  # broadcast


# PyTorch knows no negative step, and puts the axes of (1, :, array) in another order than NumPy.
INDICES = [
    0,
    -1,
    slice(1, 3),
    slice(None, None, 2),
    slice(2, 2),
    None,
    ...,
    (),
    (1, 2, 3),
    (..., 1),
    (0, ...),
    (slice(None), None, 1),
    (slice(0, 4, 3), 0),
    np.array([2, 0, 2, 2]),
    np.array([[0, 1], [1, 1]]),
    np.array([-1, 3]),
    np.array([], dtype=int),
    np.array([True, False, True, True]),
    rng.random((4, 3)) < 0.5,
    rng.random((4, 3, 5)) < 0.5,
    np.zeros(4, dtype=bool),
    (slice(None), np.array([1, 1, 0])),
    (np.array([0, 0, 3]), np.array([1, 1, 2])),
    (np.array([0, 0]), slice(None), np.array([4, 4])),
    (np.array([[0], [3]]), np.array([2, 2, 1])),
    (np.array([0, 0]), 1),
    (..., np.array([1, 1])),
]

#: Shapes of logits, and the axis of the classes.
CLASSES = [((5, 3), 1), ((5, 3), 0), ((2, 3, 4), 1), ((2, 4, 3), -1), ((2, 3, 4, 2), 1)]
STRIDES, PADDINGS, DILATIONS, GROUPS = (1, 2, (2, 3)), (0, 1, (2, 1)), (1, 2, (1, 2)), (1, 2)


def model_cases() -> Iterator[Case]:
    settings = list(product(STRIDES, PADDINGS, DILATIONS, GROUPS))
    for size, kernel in [((6, 7), (3, 2)), ((7, 5), (1, 1)), ((5, 8), (2, 4))]:
        for stride, padding, dilation, groups in settings:
            x, w = normal(2, 4, *size), normal(6, 4 // groups, *kernel)
            yield call(
                "conv2d", x, w, stride=stride, padding=padding, dilation=dilation, groups=groups
            )
    yield call("conv2d", normal(1, 1, 3, 3), normal(1, 1, 3, 3))
    yield call("conv2d", normal(3, 4, 5, 5), normal(8, 1, 3, 3), padding=1, groups=4)  # depthwise
    yield call("conv2d", normal(0, 2, 4, 4), normal(3, 2, 2, 2))
    for stride, dilation, size in product(STRIDES, DILATIONS, [2, (2, 2), (3, 1)]):
        images, steps = normal(2, 3, 6, 7), {"stride": stride, "dilation": dilation}
        yield call("windows", images, size=size, **steps)
        seen = TABLE["windows"](images, size=size, **steps)
        yield call("from_windows", normal(*seen.shape), shape=images.shape, **steps)
    for entry, size, stride, padding in product(
        ("max_pool2d", "avg_pool2d"), (2, 3, (2, 3)), (None, 1, 2, (1, 2)), (0, 1)
    ):
        yield call(entry, normal(2, 3, 6, 7), size, stride, padding)
    for size, stride, dilation in product((2, 3), (1, 2, 3), (1, 2)):
        images, further = normal(1, 2, 7, 8), {"padding": 1, "ceil_mode": True}
        yield call("max_pool2d", images, size, stride, dilation=dilation, **further)
        for count in (True, False):
            yield call("avg_pool2d", images, size, stride, count_include_pad=count, **further)
    for shape in [(), (5,), (2, 3)]:
        yield call("embedding", normal(4, 3), rng.integers(0, 4, shape))
    yield first_order("embedding", normal(4, 3), np.zeros(0, dtype=int))
    for shape, axis in CLASSES:
        labels = rng.integers(0, shape[axis], np.delete(shape, axis))
        yield call("cross_entropy", normal(*shape), labels, axis)
        weights = uniform(0.0, 1.0, shape)  # not probabilities: PyTorch weighs by them, too
        for target in (probabilities(shape, axis), weights):
            yield call("cross_entropy", normal(*shape), target, axis)
            yield call("cross_entropy_with_probabilities", normal(*shape), target, axis=axis)
    for reduction, weight, smoothing in product(
        ("mean", "sum", "none"), (None, uniform(0.5, 2.0, (3,))), (0.0, 0.3)
    ):
        further = {"reduction": reduction, "label_smoothing": smoothing}
        further |= {} if weight is None else {"weight": weight}
        yield call("cross_entropy", normal(5, 3), np.array([0, 2, 1, 1, 0]), 1, **further)
        yield call(
            "cross_entropy", normal(5, 3), np.array([0, 2, 1, 1, 0]), 1, **further, ignore_index=1
        )
        yield call("cross_entropy", normal(5, 3), probabilities((5, 3), 1), 1, **further)
        further = {"reduction": reduction} | {} if weight is None else {"weight": weight}
        yield call(
            "binary_cross_entropy_with_logits", normal(2, 3), uniform(0.0, 1.0, (2, 3)), **further
        )
        further = {"pos_weight": uniform(0.5, 2.0, (3,)), "reduction": reduction}
        yield call(
            "binary_cross_entropy_with_logits", normal(2, 3), uniform(0.0, 1.0, (2, 3)), **further
        )
    yield call("mean_binary_cross_entropy", normal(2, 3), uniform(0.0, 1.0, (2, 3)))
    yield call("cross_entropy", normal(3), np.array(2), 0)
    yield call("cross_entropy", 1000.0 * normal(5, 3), rng.integers(0, 3, 5))
    for shape in [(), (5,), (2, 3), (2, 3, 4)]:
        yield call("binary_cross_entropy_with_logits", normal(*shape), uniform(0.0, 1.0, shape))
        far = np.asarray(300.0 * normal(*shape))
        yield call("binary_cross_entropy_with_logits", far, uniform(0.0, 1.0, shape))


CASES = [
    *elementwise_cases(),
    *linear_algebra_cases(),
    *decomposition_cases(),
    *composition_cases(),
    *reduction_cases(),
    *shaping_cases(),
    *model_cases(),
]


# ---- The comparison ----


class Library(NamedTuple):
    """What the comparison needs of a library; the rest it does with methods that both have."""

    table: Mapping[str, Callable[..., Any]]
    leaf: Callable[[np.ndarray], Any]
    grad: Callable[..., Any]  # of output, leaves, upstream gradient, create_graph
    array: Callable[[Any], np.ndarray]


OURS = Library(
    table=TABLE,
    leaf=lambda value: bp.tensor(value, requires_grad=True),
    grad=functools.partial(bp.grad, allow_unused=True),
    array=lambda value: value.data if isinstance(value, bp.Tensor) else value,
)
THEIRS = Library(
    table=TORCH,
    leaf=lambda value: torch.tensor(value, requires_grad=True),
    grad=lambda output, leaves, g, create_graph=False: torch.autograd.grad(
        output, leaves, g, True, create_graph, allow_unused=True, materialize_grads=True
    ),
    array=lambda value: value.numpy(force=True),
)


def run(case: Case, table: Any, leaf: Callable[[np.ndarray], Any]) -> tuple[Any, list[Any]]:
    """Call a case through a table; return the output, several joined into one, and the leaves."""
    leaves = []

    def operand(value: Any) -> Any:
        if isinstance(value, list):
            return [operand(item) for item in value]
        if not isinstance(value, np.ndarray) or value.dtype != np.float64:
            return value
        leaves.append(leaf(value))
        return leaves[-1]

    out = table[case.entry](*map(operand, case.operands), **case.settings)
    if isinstance(out, (list, tuple)):
        out = table["concatenate"]([part.ravel() for part in out])
    return out, leaves


def results(
    case: Case, library: Library, g: np.ndarray, directions: list[np.ndarray]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what a library makes of a case: value, gradients, and gradients of gradients."""
    out, leaves = run(case, library.table, library.leaf)
    upstream = library.leaf(g)
    yield "value", library.array(out)
    for i, gradient in enumerate(library.grad(out, leaves, upstream)):
        yield f"gradient {i}", library.array(gradient)
    if case.order == 2:
        gradients = library.grad(out, leaves, upstream, create_graph=True)
        along = 0.0 * upstream.sum()
        for i, (gradient, direction) in enumerate(zip(gradients, directions, strict=True)):
            yield f"recorded gradient {i}", library.array(gradient)
            along = along + (gradient * library.leaf(direction)).sum()
        # Together, for the one by an operand may be 0, and the two libraries round differently.
        second = library.grad(along, [*leaves, upstream], library.leaf(np.ones(())))
        yield "second gradients", np.concatenate([library.array(v).ravel() for v in second])


def compare(case: Case) -> None:
    """Run a case in both libraries, and fail with the first result that differs."""
    rng = np.random.default_rng(1)
    out, operands = run(case, TABLE, np.array)
    g = rng.normal(size=np.shape(out))
    directions = [rng.normal(size=a.shape) for a in operands]
    both = (results(case, library, np.asarray(g), directions) for library in (OURS, THEIRS))
    for (what, a), (_, b) in zip(*both, strict=True):
        assert relative_difference(a, b) < TOLERANCE, f"{what} of {case}: {a}, in PyTorch {b}"


def compare_all(entry: str) -> None:
    for case in CASES:
        if case.entry == entry:
            compare(case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_agrees_with_pytorch(case: Case) -> None:
    compare(case)


def test_nothing_is_forgotten() -> None:
    assert {case.entry for case in CASES} == TORCH.keys()
    assert TORCH.keys() | NOT_IN_TORCH.keys() == TABLE.keys()
    assert not TORCH.keys() & NOT_IN_TORCH.keys()


@pytest.mark.parametrize("entry", [name for name in TORCH if isinstance(TABLE[name], Primitive)])
def test_a_wrong_rule_is_found(entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every contribution a millionth part too large, and one where none flows."""
    rule = TABLE[entry].rule

    def planted(x: Any) -> Any:
        return lambda g: 1e-6 * np.sum(g) * np.ones(np.shape(x))

    def wrong(out: Any, *operands: Any, **settings: Any) -> Any:
        closures = rule(out, *operands, **settings)
        if not isinstance(closures, tuple):
            closures = (closures,)
        return tuple(
            planted(x) if f is None else lambda g, f=f: (1 + 1e-6) * f(g)
            for x, f in zip(operands, closures, strict=True)
        )

    monkeypatch.setattr(TABLE[entry], "rule", wrong)
    with pytest.raises(AssertionError, match=rf"gradient \d of {entry}"):
        compare_all(entry)
