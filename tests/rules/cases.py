"""What every entry of the rule table is tried on: where it is smooth, and which inputs are legal.

An entry says of itself what kind it is and in which domain its operands are drawn, and that gives
its cases: operands and settings. `ROWS` has what its kind does not say: a new entry that works
entry by entry, or reduces, needs no row. The tests run over `TRIALS`: each entry with each case.

In a case, a tuple stands for an operand of that shape, with numbers drawn for it. All that is drawn
for one case lies on a grid, so the numbers differ from each other and from zero by more than a
difference moves them: no corner of relu and no tie of max is near.
"""

import inspect
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import tinygrad_bp as bp
from tinygrad_bp.table import TABLE

from . import references

REAL, POSITIVE = (-2.0, 2.0), (0.5, 2.0)


@dataclass(frozen=True, eq=False)
class Case:
    """Operands and settings that an entry can be applied to."""

    operands: tuple[Any, ...]
    settings: dict[str, Any]

    def __str__(self) -> str:
        operands = [x.shape if isinstance(x, np.ndarray) else x for x in self.operands]
        settings = [f"{name}={value!r}" for name, value in self.settings.items()]
        return " ".join(" ".join([*map(str, operands), *settings]).split())


def plainly(function: Callable[..., Any], *operands: Any, **settings: Any) -> Any:
    return function(*operands, **settings)


def on_a_list(function: Callable[..., Any], *operands: Any, **settings: Any) -> Any:
    return function(list(operands), **settings)


def joined(function: Callable[..., Any], *operands: Any, **settings: Any) -> Any:
    """Return the arrays that a function returns as one: the checks want one."""
    parts = function(*operands, **settings)
    return bp.concatenate(
        [np.reshape(x, (-1,)) for x in parts if not isinstance(x, np.int32 | int)]
    )


def in_parts(function: Callable[..., Any], a: Any, **settings: Any) -> Any:
    """Return the parts that a function cuts an array into as one, the last one first."""
    return joined(lambda a: function(a, **settings)[::-1], a)


def of_vectors(function: Callable[..., Any], a: Any, **settings: Any) -> Any:
    """Return what a function returns, squared: the sign of a vector is any."""
    return joined(lambda a: [np.square(part) for part in function(a, **settings)], a)


def weighted(average: Callable[..., Any], a: Any, *weights: Any, **settings: Any) -> Any:
    return average(a, weights=weights[0], **settings) if weights else average(a, **settings)


@dataclass(frozen=True)
class Row:
    """The cases of an entry, and how it is called.

    Parameters
    ----------
    cases
        Where the entry is smooth; if left out, the cases of its kind.
    more
        Cases further to those.
    refuses
        Scalars and empty arrays that it has no value for.
    corners
        Where the entry has a value and a gradient, but not its composed twin: a root at 0.
    call
        How the function is called with operands and settings.
    reference
        The same in plain NumPy, where NumPy has no function of that name.
    """

    cases: Sequence[Case] = ()
    more: Sequence[Case] = ()
    refuses: Sequence[Case] = ()
    corners: Sequence[Case] = ()
    call: Callable[..., Any] = plainly
    reference: Callable[..., Any] | None = None


def draw(*shapes: tuple[int, ...], between: tuple[float, float] = REAL) -> list[np.ndarray]:
    """Return arrays whose entries are all distinct, and none of them near zero."""
    sizes = [math.prod(shape) for shape in shapes]
    steps = max(2, sum(sizes) + sum(sizes) % 2)  # even, so that 0 is the end of a step
    low, high = between
    places = np.random.default_rng(steps).permutation(steps) + 0.65
    numbers = iter(low + (high - low) / steps * places)
    return [
        np.fromiter(itertools.islice(numbers, size), float).reshape(shape)
        for size, shape in zip(sizes, shapes, strict=True)
    ]


def case(*operands: Any, between: tuple[float, float] = REAL, **settings: Any) -> Case:
    """Return a case, with numbers drawn for every operand that is given as a shape."""
    drawn = iter(draw(*(x for x in operands if isinstance(x, tuple)), between=between))
    return Case(tuple(next(drawn) if isinstance(x, tuple) else x for x in operands), settings)


def each(*operands: Any, **settings: list[Any]) -> list[Case]:
    """Return a case for each value of a setting, or for each choice of values of several."""
    choices = itertools.product(*settings.values())
    return [case(*operands, **dict(zip(settings, choice, strict=True))) for choice in choices]


def elementwise(arity: int = 1, between: tuple[float, float] = REAL, **settings: Any) -> list[Case]:
    """Return the cases of a function that works entry by entry, and broadcasts."""
    operands = [(shape,) * arity for shape in [(2, 3), (3, 3), (), (0, 3)]]
    if arity > 1:
        pairs = [
            *(((2, 1), (3,)), ((3,), (3, 3)), ((3, 3), ()), ((1, 3), (0, 3))),
            *(((2, 3), 1.5), (1.5, (3,))),
        ]
        operands += [(first, *(other,) * (arity - 1)) for first, other in pairs]
    return [case(*some, between=between, **settings) for some in operands]


# fmt: off

# ---- Cases that several entries share ----

#: One axis, several, none, all; counted from either end; kept or not; numbered by a NumPy integer.
AXES = [
    case((2, 3)), case((3, 3), keepdims=True), case((3,)), case((2, 3), axis=0),
    case((3, 3), axis=-1, keepdims=True), case((2, 3), axis=np.int64(1)), case((2, 3, 2), axis=1),
    case((2, 3, 2), axis=(0, -1)), case((3, 3), axis=(1, 0), keepdims=True),
    case((0, 3), axis=1), case((2, 0, 3), axis=(0, -1), keepdims=True),
]
ALONE = [case(()), case((2, 3), axis=()), case((), axis=(), keepdims=True)]
NOTHING = [case((0, 3)), case((0, 3), axis=0), case((2, 0), axis=-1, keepdims=True)]

#: Along one axis, as of softmax.
ALONG = [
    case((2, 3)), case((3, 3), axis=0), case((2, 3, 2), axis=1), case((3,)), case(()),
    case((0, 3)), case((3, 0, 2), axis=-3),
]

#: Along one axis, or of all entries made flat.
RUNNING = [
    case((2, 3)), case((3, 3), axis=0), case((2, 3), axis=-1), case((3,)), case(()),
    case((2, 3, 2), axis=1), case((0, 3)), case((0, 3), axis=0),
]

#: The diagonal of square, wide and tall matrices; in the middle, above, below and outside.
DIAGONALS = [
    case((3, 3)), case((2, 3)), case((3, 2), offset=-1), case((3, 3), offset=1),
    case((2, 2), offset=5), case((3, 2, 3), axis1=-1, axis2=0, offset=1), case((0, 3)),
    case((3, 2, 3), offset=-1, axis1=0, axis2=2), case((3, 3, 2, 1), axis1=1, axis2=-2),
]

#: Every kind of index that NumPy has, for an array of shape (3, 3).
ALL, BACK, TWICE = slice(None), slice(None, None, -1), np.array([1, 1, -1])
GRID, NONE = np.array([[0, 2], [2, 0]]), np.array([], int)
MASK = np.array([[True, False, True], [False, False, True], [True, False, False]])
KEYS = [
    0, -1, np.int64(1), (1, -2), (), ..., None, (..., 1), (None, ..., 1), (ALL, None, 0), True,
    BACK, slice(2, 0, -1), slice(0, 0), slice(-2, None), slice(None, None, 2), (ALL, BACK),
    (slice(1), slice(None, None, -2)), TWICE, GRID, NONE, np.array(1), (TWICE, TWICE), (TWICE, 0),
    (ALL, TWICE), (..., GRID), (GRID, BACK), (TWICE, None, GRID[:, :1]), (GRID, ALL, None),
    np.ix_([2, 0, 2], [1, 1]), MASK, ~MASK, MASK[0], (ALL, MASK[2]), np.zeros((3, 3), bool),
    (MASK[0], np.array([1, 2])), (0, MASK[1]),
]

#: Sums of products by Einstein's convention, with the shapes of the operands.
SUMS = [
    ("ij,jk->ik", (2, 3), (3, 2)), ("ij,jk", (3, 3), (3, 3)), ("ij->ji", (3, 3)), ("ba", (2, 3)),
    ("i,j->ij", (2,), (3,)), ("ij,ij->ij", (2, 2), (2, 2)), ("ij,j->i", (2, 3), (3,)),
    ("i,ij,j->", (2,), (2, 3), (3,)), ("ij,jk,kl->il", (2, 2), (2, 3), (3, 2)),
    ("aB,Bc", (2, 3), (3, 2)), (" i j , j -> i ", (2, 3), (3,)),
    # summed in one operand only
    ("ij->", (2, 3)), ("ij->j", (3, 3)), ("ijk->k", (2, 3, 2)), ("i,j->", (2,), (3,)),
    ("ij,kl->jl", (2, 3), (2, 2)), ("ij,k->jk", (2, 3), (2,)), ("ij,ij->", (2, 3), (2, 3)),
    # a letter twice, or three times
    ("ii", (3, 3)), ("ii->i", (3, 3)), ("iij->j", (2, 2, 3)), ("iii->i", (2, 2, 2)),
    ("iji->j", (2, 3, 2)), ("ii,i->", (3, 3), (3,)), ("ii,ii->i", (2, 2), (2, 2)),
    ("ii,jj->ij", (2, 2), (3, 3)), ("iij,jj->i", (2, 2, 3), (3, 3)),
    # stacks, spelled out and with an ellipsis
    ("bij,bjk->bik", (2, 2, 3), (2, 3, 1)), ("bij,bjk->ik", (2, 2, 3), (2, 3, 1)),
    ("...ij,...jk->...ik", (2, 2, 3), (3, 2)), ("...ij,...jk", (2, 1, 2, 3), (3, 3, 2)),
    ("...i->...", (2, 3)), ("i...->...i", (2, 3)), ("i...,i...->...", (2, 3), (2, 1)),
    ("i...j,j->i...", (2, 2, 3), (3,)), ("...,...->...", (2, 3), (3,)), ("...ii->...i", (2, 3, 3)),
    # an axis of length 1 broadcasts
    ("ij,jk->ik", (2, 3), (1, 2)), ("ij,jk->ik", (2, 1), (3, 2)), ("i,i->", (1,), (3,)),
    ("ij,ij->i", (2, 3), (2, 1)), ("ii,i->i", (2, 2), (1,)),
    # scalars and empty arrays
    ("->", ()), (",ij->ij", (), (2, 3)), (",->", (), ()), ("ij,jk->ik", (2, 0), (0, 3)),
    ("ij,j->i", (0, 3), (3,)), ("i->", (0,)),
]

#: Constants around.
PADS = [
    *each((2, 3), pad_width=[1, 0, (1, 2), (2,), [0, 1], ((1, 0), (0, 2)), ((1, 2),)]),
    case((3, 3), pad_width=((1,), (2,))), case((2, 3), pad_width=np.array([[1, 0], [0, 2]])),
    case((3,), pad_width=(0, 3)), case((2, 3), pad_width=1, constant_values=1.5),
    case((2,), pad_width=1, constant_values=(1.5, -1.0)), case((0, 3), pad_width=1),
    case((), pad_width=1),
]

WINDOWS = [
    {"size": 2}, {"size": (1, 2)}, {"size": 2, "stride": 2}, {"size": 3, "stride": (1, 2)},
    {"size": 1}, {"size": [2, 1], "stride": [2, 1]}, {"size": np.int64(2)},
]
POOLS = [
    *(case((1, 2, 4, 4), **settings) for settings in WINDOWS),
    case((2, 1, 3, 4), size=2, stride=1, padding=1), case((1, 1, 4, 4), size=3, padding=(0, 1)),
    case((1, 1, 5, 4), size=2), case((0, 1, 3, 3), size=2),
    case((1, 1, 5, 4), size=2, ceil_mode=True),
    case((1, 1, 5, 6), size=(3, 2), stride=(2, 3), padding=1, ceil_mode=True),
]

weights, row_weights = draw((3, 3), (3,), between=POSITIVE)
chances, row_chances = weights / weights.sum(axis=1, keepdims=True), row_weights / row_weights.sum()
BINARY = [
    case((3, 3), chances), case((2, 3), MASK[:2]), case((3,), row_chances), case((), np.array(0.3)),
]
base, exponent = draw((3, 3), between=POSITIVE)[0], draw((3, 3))[0]
zeros = np.array([[0.0, 1.5, -2.0], [0.5, 0.0, 0.0], [1.0, -1.0, 2.0]])

#: Square matrices that are far from singular and from symmetric, with eigenvalues far apart.
regular = draw((3, 3))[0] + np.diag([1.0, 4.0, -6.0])
stacked = np.stack([regular, regular + np.diag([1.0, 2.0, -3.0])])
definite = [  # of which only the lower triangle counts
    0.2 * m @ m.mT + 3.0 * np.eye(m.shape[-1]) + np.triu(m, 1)
    for m in (regular, stacked, regular[:1, :1], np.zeros((0, 0)))
]
MATRICES = [case(regular), case(stacked), case(stacked[:, None]), case(regular[:1, :1]),
            case((0, 0)), case((2, 0, 0))]
RECTANGLES = [
    *MATRICES[:4], case(regular[:2]), case(regular[:, :2]), case(stacked[:, :2]), case((0, 3)),
]

# ---- The rows ----

ROWS = {
    # arithmetic
    "power": Row(more=[
        case(base, exponent), case(base[:, :1], exponent[0]), case(base, np.array([0.5, 0.0, 1.0])),
        case((2, 3), 0), case((2, 3), 1), case((2, 3), 2), case((2, 3), 3.0), case((2, 3), -1),
        case((2, 3), np.array([0, 1, 3], np.int8)), case(base, 0.5), case(base, -1.5),
    ]),
    "where": Row([
        case(MASK, (3, 3), (3, 3)), case(MASK, (3,), (3, 1)), case(MASK[0], (2, 1), 1.5),
        case((2, 3), (2, 3), (3,)),  # numbers as a condition: all of them hold
        case(True, (2, 3), (3,)), case(MASK[0, 0], (), ()),
        case(np.zeros((0, 3), bool), (0, 3), (3,)),
    ]),
    **dict.fromkeys(("clip", "clip_to_numbers"), Row([
        *elementwise(min=-1.2, max=0.8), case((2, 3), min=0.1), case((3, 3), max=0.1),
        case((2, 3), min=np.float32([-1.2, 0.1, -1.2]), max=np.float32([[1.3], [0.8]])),
    ], reference=references.clip)),

    # elementwise
    "erf": Row(reference=np.vectorize(math.erf, otypes=[float])),
    "erfc": Row(reference=np.vectorize(math.erfc, otypes=[float])),

    "sinc": Row(more=[
        case(np.array([0.0, 1e-9, 1e-3, 1.0, 2.0, -7.3])), case((2, 3), order=1),
        case((2, 3), order=2),
    ], reference=references.sinc),

    # rounding
    "round": Row(more=each((2, 3), decimals=[1, -1, np.int64(0)])),
    "remainder": Row(more=[case((3, 3), np.array([0.7, -1.3, 1.1]))]),
    "fmod": Row(more=[case((3, 3), np.array([0.7, -1.3, 1.1]))]),
    "floor_divide": Row(more=[case((3, 3), np.array([0.7, -1.3, 1.1]))]),

    # activations
    "sigmoid": Row(reference=lambda z: (1.0 + np.tanh(z / 2.0)) / 2.0),
    "relu": Row(reference=lambda z: z * (z > 0)),
    "leaky_relu": Row(
        more=[case((2, 3), slope=0.3)],
        reference=lambda z, slope=0.01: np.maximum(z, 0.0) + slope * np.minimum(z, 0.0),
    ),
    "elu": Row(
        more=[case((2, 3), alpha=0.3)],
        reference=lambda z, alpha=1.0: np.where(z > 0, z, alpha * (np.exp(z) - 1.0)),
    ),
    "gelu": Row(more=each((2, 3), approximate=["none", "tanh"]), reference=references.gelu),
    "normal_cdf": Row(
        more=each((2, 3), approximate=["none", "tanh"]), reference=references.normal_cdf
    ),
    "silu": Row(reference=references.silu),
    "softmax": Row([*ALONG, case((3, 0))], reference=references.softmax),
    "log_softmax": Row(
        ALONG, corners=[case((3, 0))],
        reference=lambda z, axis=-1: np.log(references.softmax(z, axis)),
    ),

    # linear algebra
    "matmul": Row([
        case((3,), (3,)), case((2, 3), (3,)), case((3,), (3, 2)), case((2, 3), (3, 2)),
        case((3, 3), (3, 3)), case((1, 1), (1, 1)), case((2, 2, 3), (2, 3, 1)),
        case((2, 2, 3), (3, 2)), case((2, 3), (2, 3, 2)), case((1, 2, 3), (2, 3, 2)),
        case((2, 1, 2, 3), (3, 3, 2)), case((2, 2, 3), (1, 3, 2)), case((3,), (2, 3, 2)),
        case((2, 2, 3), (3,)), case((3,), (2, 2, 3, 1)), case((2, 2, 2, 3), (3,)),
        case((2, 0), (0, 3)), case((0, 3), (3, 2)), case((0,), (0,)), case((0, 2, 3), (3,)),
    ], refuses=[case((), ())]),
    "matrix_transpose": Row(
        [case((2, 3)), case((3, 3)), case((2, 2, 3)), case((0, 3)), case((3, 1, 0, 2))],
        refuses=[case(())],
    ),
    "transpose": Row([
        case((2, 3)), case((3, 3)), case((2, 3, 2)), case((3,)), case(()), case((0, 3)),
        case((2, 3, 1), axes=(2, 0, 1)), case((3, 3, 2), axes=(-2, -1, 0)),
        case((2, 3), axes=[0, 1]), case((), axes=()),
    ]),
    "outer": Row([
        case((2,), (3,)), case((3, 3), (2,)), case((2,), (3, 3)), case((), (3,)), case((), ()),
        case((0,), (3,)), case((2, 0), (0, 2)), case((3,), (3,)),
    ]),
    "einsum": Row(
        [case(*shapes, subscripts=subscripts) for subscripts, *shapes in SUMS],
        call=lambda einsum, *operands, subscripts: einsum(subscripts, *operands),
    ),
    "contraction": Row(
        [
            case(*shapes, inputs=tuple(left.split(",")), output=output)
            for subscripts, *shapes in SUMS
            for left, arrow, output in [subscripts.replace(" ", "").partition("->")]
            if arrow and "..." not in subscripts
        ],
        call=on_a_list,
        reference=lambda operands, inputs, output: np.einsum(
            f"{','.join(inputs)}->{output}", *operands
        ),
    ),
    "diagonal": Row(DIAGONALS, refuses=[case(())]),
    "trace": Row(DIAGONALS, refuses=[case(())]),
    "on_diagonal": Row([
        case((3,), shape=(3, 3)), case((2,), shape=(2, 3)), case((2,), shape=(3, 2)),
        case((2,), shape=(3, 3), offset=-1), case((1,), shape=(3, 3), offset=2),
        case((2, 2), shape=(3, 2, 2), offset=-1, axis1=0, axis2=2),
        case((3, 3), shape=(3, 3, 4), axis1=-2, axis2=-1),
        case((0,), shape=(0, 3)), case((0,), shape=(3, 3), offset=4),
    ], refuses=[case((), shape=(2, 2))], reference=references.on_diagonal),
    "euclidean_norm": Row(corners=NOTHING, reference=references.norm),
    "norm": Row([
        *AXES, case(()), case((3,), ord=2), case((2, 3), ord=2, axis=-1),
        case((2, 3), ord=2, axis=np.int64(0)),
        *each((3,), ord=[1, np.inf, -np.inf, 0, -1, -2, 0.5, 2.5, 3]),
        *each((2, 3), ord=["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]),
        *(case((3, 2, 3), ord=ord, axis=(2, 0), keepdims=True) for ord in ["nuc", -1, 2, np.inf]),
        case((2, 3), ord=3, axis=0, keepdims=True), case((2, 3), ord=-np.inf, axis=1),
        case((2, 3, 2), ord="fro", axis=(0, -1)),
    ], reference=np.linalg.norm),

    # decompositions
    "solve": Row([
        case(regular, (3,)), case(regular, (3, 2)), case(regular, (2, 3, 2)),
        case(regular, (1, 3, 3)),
        case(stacked, (3,)), case(stacked, (3, 2)), case(stacked, (2, 3, 1)),
        case(stacked, (2, 1, 3, 1)), case(regular[:1, :1], (1,)), case((0, 0), (0,)),
    ], refuses=[case((), ())]),
    "inv": Row(MATRICES, refuses=[case(())]),
    "det": Row(MATRICES, refuses=[case(())]),
    "logabsdet": Row(
        MATRICES, refuses=[case(())], reference=lambda a: np.log(np.abs(np.linalg.det(a)))
    ),
    "sign_of_det": Row(
        MATRICES, refuses=[case(())], reference=lambda a: np.sign(np.linalg.det(a))
    ),
    "slogdet": Row(MATRICES, refuses=[case(())], call=lambda f, a: f(a)[1] * f(a)[0]),
    "pinv": Row([
        *MATRICES, case((2, 3)), case((3, 2)), case((2, 3, 2)), case((3, 1)),
        case((2, 3), rcond=1e-9),
    ], refuses=[case(())]),
    "lstsq": Row([
        case((3, 2), (3,)), case((3, 2), (3, 2)), case((2, 3), (2,)), case(regular, (3, 2)),
        case((3, 2), (3, 2), rcond=1e-9), case((3, 1), (3, 1)), case((0, 2), (0,)),
    ], refuses=[case((), ())], call=joined),
    "cholesky": Row([case(x) for x in definite], refuses=[case(())]),
    "eigvalsh": Row(MATRICES, refuses=[case(())]),
    "eigenvectors": Row(
        MATRICES, refuses=[case(())], reference=lambda a: np.linalg.eigh(a)[1],
    ),
    "eigh": Row([
        *MATRICES, *(case(x, UPLO="U") for x in (regular, stacked)),
    ], refuses=[case(())], call=of_vectors),
    "svdvals": Row(RECTANGLES, refuses=[case(())]),
    **{name: Row(
        RECTANGLES, refuses=[case(())],
        reference=lambda a, i=i: np.linalg.svd(a, full_matrices=False)[i],
    ) for i, name in {0: "left_vectors", 2: "right_vectors"}.items()},
    "svd": Row(
        [*(case(*c.operands, full_matrices=False) for c in RECTANGLES), case(regular)],
        refuses=[case(()), case((2, 3))], call=of_vectors,
    ),

    # reductions
    "sum": Row([*AXES, *ALONE, *NOTHING]),
    "sum_to": Row([
        *each((2, 3), shape=[(2, 3), (3,), (1, 3), (2, 1), (1,), ()]),
        case((3, 3), shape=(3, 1)), case((2, 3, 2), shape=(3, 1)), case((), shape=()),
        *each((0, 3), shape=[(3,), (1, 1), (0, 1)]),
    ], reference=references.sum_to),
    "prod": Row(more=[
        *NOTHING, case(zeros), case(zeros[0]), case(zeros[1]), case(np.array(0.0)),
        *(case(zeros, axis=axis) for axis in [0, -1, np.int64(1), (-1, 0), ()]),
        case(np.stack([zeros, zeros.T]), axis=(0, -1), keepdims=True),
    ]),
    "product_of_others": Row([
        case((3,)), case((2, 3)), case((1,)), case((2, 2, 4)), case(zeros), case(zeros.T),
        case(zeros[0]), case(zeros[1]), case((3, 3)), case((0, 3)), case((2, 0)),
    ], refuses=[case(())], reference=references.product_of_others),
    "var": Row(more=[case((2, 3), ddof=1), case((2, 3), axis=1, ddof=2, keepdims=True)]),
    "std": Row([
        *AXES, case((2, 3), ddof=1), case((2, 3), axis=1, ddof=2, keepdims=True),
    ], corners=ALONE, refuses=NOTHING),
    "square_sum": Row([case((2, 3)), case((3, 3)), case((3,)), case(()), case((0, 3))]),
    "cumsum": Row(RUNNING),
    "cumprod": Row([
        *RUNNING, case(zeros), case(zeros, axis=0), case(zeros, axis=-1), case(np.array(0.0)),
        case(np.stack([zeros, zeros.T]), axis=1),
    ]),

    # shaping
    "identity": Row(reference=np.array),
    "astype": Row(elementwise(dtype=np.float64), reference=lambda a, dtype: a.astype(dtype)),
    "reshape": Row([
        *each((2, 3), shape=[(3, 2), -1, (6,), (1, -1, 3), [2, 3]]), case((3, 3), shape=9),
        case((), shape=(1, 1)), case((1,), shape=()), case((0, 3), shape=(3, 0)),
        case((0, 3), shape=-1),
    ], reference=lambda a, shape: np.reshape(a, shape)),  # NumPy 2.0 calls it newshape
    "ravel": Row([case((2, 3)), case((3, 3)), case((3,)), case(()), case((0, 3))]),
    "expand_dims": Row([
        *each((2, 3), axis=[0, 1, -1, (0, -1), (1, 2), ()]),
        case((3, 3), axis=[0]), case((), axis=0), case((0, 3), axis=1),
    ]),
    "squeeze": Row([
        *each((1, 2, 1, 3), axis=[None, 0, -2, (0, 2)]),
        case((1, 3, 3)), case(()), case((1, 1)), case((0, 1)),
    ]),
    "flip": Row([
        *each((2, 3), axis=[None, 0, -1, (0, 1)]),
        case((3, 3), axis=0), case((2, 3, 2), axis=(-1, 0)), case(()), case((0, 3), axis=0),
    ]),
    "roll": Row([
        *each((2, 3), shift=[1, -2, 7, (1, 2), np.int64(4)]),
        case((3, 3), shift=1, axis=0), case((2, 3), shift=-1, axis=-1),
        case((2, 3), shift=(1, 2), axis=(0, 1)), case((2, 3), shift=1, axis=(0, 1)),
        case((2, 3), shift=(1, 1), axis=(1, 1)), case((2, 3), shift=np.array([1, 2]), axis=(0, 1)),
        case((), shift=1), case((0, 3), shift=1), case((0, 3), shift=2, axis=0),
    ]),
    "broadcast_to": Row([
        case((3,), shape=(2, 3)), case((2, 1), shape=(2, 2, 3)), case((3, 1), shape=(3, 3)),
        case((), shape=(2, 2)), case((1,), shape=3), case((3, 3), shape=(3, 3)),
        case((1, 3), shape=(0, 3)), case((0, 1), shape=(2, 0, 3)), case((), shape=()),
    ]),
    "repeat": Row([
        case((2, 3), repeats=2), case((2, 3), repeats=2, axis=0), case((2, 3), repeats=0, axis=1),
        case((3, 3), repeats=[1, 0, 2], axis=0), case((2, 3), repeats=[2], axis=1),
        case((2, 3), repeats=np.array([2, 0, 1]), axis=-1), case((2, 3, 2), repeats=3, axis=1),
        case((2, 3), repeats=[0, 1, 2, 3, 0, 1]),
        case((), repeats=3), case((0, 3), repeats=2, axis=0), case((0, 3), repeats=2),
    ]),
    "tile": Row([
        *each((2, 3), reps=[2, (2,), (2, 1), [1, 2], (2, 1, 3), np.array([2, 2]), 0, ()]),
        case((3, 3), reps=(2, 2)), case((3,), reps=(2, 1)),
        case((), reps=3), case((), reps=(2, 2)), case((0, 3), reps=(2, 2)),
    ]),
    "concatenate": Row([
        case((2, 3), (1, 3)), case((2, 1), (2, 2), (2, 3), axis=1), case((3, 3), (3, 3)),
        case((2, 3), (2, 1), axis=-1), case((3,), (2,)), case((3, 3), axis=1),
        case((2, 3), (2,), axis=None), case((), (3,), axis=None), case((0, 3), (2, 3)),
        case((0,), (0,)), case((2, 0), (2, 3), axis=np.int64(1)),
    ], call=on_a_list),
    "stack": Row([
        case((2, 3), (2, 3)), case((3, 3), (3, 3), (3, 3), axis=1), case((2, 3), (2, 3), axis=-1),
        case((3,), axis=1), case((), ()), case((0, 3), (0, 3), axis=2),
    ], call=on_a_list),
    "array_split": Row([
        case((4, 3), indices_or_sections=3), case((3, 3), indices_or_sections=2, axis=1),
        *each((5,), indices_or_sections=[2, [1, 3]]), case((0, 2), indices_or_sections=2),
    ], refuses=[case((), indices_or_sections=1)], call=in_parts),
    **{name: Row(
        each((3, 4, 2), indices_or_sections=[1, [1]]), call=in_parts,
        refuses=[case((), indices_or_sections=1), case((0, 0, 0), indices_or_sections=0)],
    ) for name in ("hsplit", "vsplit", "dsplit")},
    "split": Row([
        case((4, 3), indices_or_sections=2), case((3, 3), indices_or_sections=3, axis=1),
        case((2, 4), indices_or_sections=(2,), axis=-1), case((0, 2), indices_or_sections=1),
        *each((5,), indices_or_sections=[[1, 3], [-2], [3, 1], [2, 2, 9], np.array([4])]),
    ], refuses=[case((), indices_or_sections=1)], call=in_parts),
    "pad": Row([
        *each((2, 3), mode=["edge", "reflect", "symmetric", "wrap"], pad_width=[((1, 0), (2, 2))]),
        case((3,), mode="edge", pad_width=4), case((3, 3), mode="reflect", pad_width=(5, 1)),
        *PADS,
    ]),
    "pad_with_constants": Row(PADS, reference=np.pad),
    "getitem": Row([
        *each((3, 3), key=KEYS), *each((2, 3, 2), key=[(0, ..., -1), (TWICE, ALL, TWICE)]),
        *each((), key=[(), ..., None, (None, ...)]), *each((0, 3), key=[ALL, (ALL, 1), NONE]),
    ], reference=lambda a, key: a[key]),
    "scatter": Row([
        *(case(np.zeros((3, 3))[key].shape, key=key, shape=(3, 3)) for key in KEYS),
        case((3, 3), key=TWICE, shape=(4, 3)), case((), key=..., shape=()),
    ], reference=references.scatter),
    "take_along_axis": Row([
        case((2, 3), indices=np.array([[2, 0], [1, 1]]), axis=1),
        case((3, 3), indices=np.array([[2, 0, 0], [2, -1, 1]]), axis=0),
        case((3,), indices=np.array([-1, 0, 0, 2])), case((3, 3), indices=np.array([[1, 1]])),
        case((1, 3), indices=np.array([[0, 2], [1, 1]]), axis=1),
        case((2, 3, 2), indices=np.array([[[0, 2]], [[1, 1]]]), axis=-2),
        case((2, 3), indices=np.array([5, 0, 5]), axis=None),
        case((0, 3), indices=np.zeros((0, 2), int), axis=1),
    ],
        refuses=[case((), indices=np.array(0))],
        reference=lambda a, indices, axis=-1: np.take_along_axis(a, indices, axis),
    ),

    # compositions
    "tensordot": Row([
        case((2, 3), (2, 3)), case((2, 3, 2), (3, 2, 3)), case((2, 3), (3, 2), axes=1),
        case((2,), (3,), axes=0), case((), (2,), axes=0),
        case((2, 3), (3, 2), axes=((0, 1), (1, 0))),
        case((2, 3, 2), (3, 2), axes=([1], [0])), case((2, 3), (2,), axes=(0, 0)),
        case((0, 3), (3, 2), axes=1), case((3, 3), (3, 3), axes=1),
    ]),
    "dot": Row([
        case((3,), (3,)), case((2, 3), (3, 2)), case((2, 3), (3,)), case((3,), (3, 2)),
        case((2, 2, 3), (3,)), case((2, 2, 3), (3, 2)), case((2, 3), (2, 3, 2)),
        case((2, 2, 3), (1, 3, 2)), case((3,), (2, 3, 1)), case((), (2, 3)), case((2,), 1.5),
        case((), ()), case((0, 3), (3, 2)), case((3, 3), (3, 3)),
    ]),
    "inner": Row([
        case((3,), (3,)), case((2, 3), (3,)), case((2, 3), (3, 3)), case((2, 1, 3), (2, 3)),
        case((), (2, 3)), case((), ()), case((0, 3), (2, 3)),
    ]),
    "vdot": Row([case((3,), (3,)), case((2, 3), (3, 2)), case((), ()), case((0, 3), (0, 3))]),
    "kron": Row([
        case((2,), (3,)), case((2, 2), (2, 3)), case((2, 3), (2,)), case((2,), (1, 2, 2)),
        case((), (2, 2)), case((), ()), case((0, 3), (2, 2)), case((2, 3), (2, 3)),
    ]),
    "swapaxes": Row([
        case((2, 3), axis1=0, axis2=1), case((2, 3, 2), axis1=-1, axis2=0),
        case((0, 3), axis1=0, axis2=-1),
    ], refuses=[case((), axis1=0, axis2=0)]),
    "moveaxis": Row([
        case((2, 3, 1), source=0, destination=-1),
        case((2, 3, 1), source=(0, 1), destination=(2, 0)),
        case((2, 3), source=[-1], destination=[0]), case((0, 3), source=0, destination=1),
        case((), source=(), destination=()),
    ]),
    "rollaxis": Row([
        case((2, 3, 1), axis=2), case((2, 3, 1), axis=0, start=3), case((2, 3), axis=-1),
        case((0, 3), axis=1),
    ], refuses=[case((), axis=0)]),
    **dict.fromkeys(("atleast_1d", "atleast_2d", "atleast_3d"), Row([
        case(()), case((3,)), case((2, 3)), case((2, 3, 2)), case((2, 1, 3, 2)), case((0, 3)),
    ])),
    "append": Row([
        case((2, 3), (2,)), case((2, 3), (1, 3), axis=0), case((2, 3), (2, 2), axis=-1),
        case((), ()), case((2,), 1.5), case((0, 3), (2, 3), axis=0), case((3,), (3,)),
    ]),
    "hstack": Row([
        case((2,), (3,)), case((2, 3), (2, 1)), case((), (2,)), case((0, 3), (0, 3)),
        case((3, 3), (3, 3)),
    ], call=on_a_list),
    "vstack": Row([
        case((3,), (2, 3)), case((2, 3), (1, 3)), case((), ()), case((0, 3), (3,)),
        case((3, 3), (3, 3)),
    ], call=on_a_list),
    "dstack": Row([
        case((3,), (3,)), case((2, 3), (2, 3, 2)), case((), ()), case((0, 3), (0, 3)),
    ], call=on_a_list),
    "column_stack": Row([
        case((3,), (3, 2)), case((3,), (3,)), case((), ()), case((0, 3), (0,)),
    ], call=on_a_list),
    "flipud": Row([case((2, 3)), case((3,)), case((0, 3))], refuses=[case(())]),
    "fliplr": Row([case((2, 3)), case((2, 3, 2)), case((0, 3))], refuses=[case(())]),
    **dict.fromkeys(("tril", "triu"), Row([
        *each((3, 3), k=[0, 1, -2]), case((2, 3)), case((3, 2), k=1), case((2, 2, 3)), case((3,)),
        case((0, 3)),
    ], refuses=[case(())])),
    "diag": Row([
        case((3,)), case((2,), k=1), case((2,), k=-2), case((2, 3)), case((3, 3), k=-1),
        case((0,)),
    ], refuses=[case(())]),
    "take": Row([
        *each((2, 3), indices=[[0, 5, 0], 3, GRID, np.array([-1, 2])]),
        *each((3, 3), indices=[[0, 2, 0], 1, GRID], axis=[0, -1]), case((), indices=[0, 0]),
        case((0, 3), indices=[1], axis=1),
    ]),
    "sort": Row([
        case((3,)), case((2, 3)), case((3, 3), axis=0), case((2, 3, 2), axis=1),
        case((2, 3), axis=None), case((0, 3)),
    ], refuses=[case(())]),
    "average": Row([
        *AXES[:-2], case(()), case((2, 3), (2, 3), between=POSITIVE),
        case((2, 3), (3,), axis=1, between=POSITIVE), case((3, 2), (3,), axis=0, between=POSITIVE),
        case((3, 2, 2), (3,), axis=-3, between=POSITIVE),
        case((2, 3), (2, 3), axis=1, keepdims=True, between=POSITIVE),
    ], refuses=[case((0, 3), (0, 3))], call=weighted),
    "diff": Row([
        case((3,)), case((2, 3), n=2), case((3, 3), axis=0), case((2, 3), n=0), case((2, 3), n=4),
        case((2, 3, 2), axis=-2), case((0, 3)),
    ], refuses=[case(())]),
    "nan_to_num": Row(more=[case((2, 3), nan=1.5, posinf=2.0)]),

    # models
    "windows": Row([
        *(case((1, 2, 4, 4), **settings) for settings in WINDOWS),
        case((2, 1, 5, 4), size=2, dilation=(3, 2)), case((1, 1, 3, 3), size=3),
        case((1, 1, 5, 5), size=(2, 3), stride=2, dilation=2), case((0, 1, 3, 3), size=2),
    ], refuses=[case((), size=1)], reference=references.windows),
    "from_windows": Row([
        case((1, 1, 2, 2, 2, 2), shape=(1, 1, 3, 3)), case((2, 1, 2, 1, 1, 2), shape=(2, 1, 2, 2)),
        case((1, 1, 2, 2, 2, 2), shape=(1, 1, 5, 4), stride=2),
        case((1, 1, 1, 2, 3, 1), shape=(1, 1, 5, 4), stride=(1, 3), dilation=(2, 1)),
        case((0, 1, 2, 2, 2, 2), shape=(0, 1, 3, 3)),
    ], refuses=[case((), shape=(1, 1, 3, 3))], reference=references.from_windows),
    "conv2d": Row([
        case((1, 2, 3, 4), (2, 2, 2, 2)), case((2, 1, 3, 3), (1, 1, 1, 1)),
        case((1, 2, 3, 3), (1, 2, 3, 3)), case((1, 1, 5, 4), (2, 1, 2, 2), stride=2),
        case((1, 1, 3, 4), (1, 1, 2, 1), stride=(1, 2)), case((0, 1, 3, 3), (2, 1, 2, 2)),
        case((1, 1, 2, 3), (2, 1, 2, 2), padding=1), case((1, 1, 4, 4), (1, 1, 2, 2), dilation=2),
        *each((1, 1, 2, 2), (1, 1, 2, 2), padding=[[0, 2], np.int64(1)]),
        case((1, 1, 3, 5), (1, 1, 2, 2), dilation=(1, 3)),
        case((1, 4, 2, 2), (2, 2, 2, 1), groups=2), case((1, 3, 2, 2), (3, 1, 1, 2), groups=3),
        case((2, 2, 4, 3), (4, 1, 2, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2),
    ], refuses=[case((), ())], reference=references.conv2d),
    "max_pool2d": Row([
        *POOLS, case((1, 1, 5, 4), size=2, dilation=(2, 1), stride=1),
        case((1, 1, 5, 5), size=2, dilation=2, padding=1, ceil_mode=True),
    ], refuses=[case((), size=1)], reference=references.max_pool2d),
    "avg_pool2d": Row([
        *POOLS, case((1, 1, 5, 4), size=3, padding=1, count_include_pad=False),
        case((1, 1, 5, 4), size=3, stride=2, padding=1, count_include_pad=False, ceil_mode=True),
    ], refuses=[case((), size=1)], reference=references.avg_pool2d),
    "embedding": Row([
        *each((3, 2), indices=[[1, 1, 0], 2, NONE, [[0, 2], [2, 2]]]),
        case((3, 3), indices=GRID), case((3, 0), indices=[0, 2]), case((3,), indices=[2, 2]),
    ],
        refuses=[case((), indices=[0])],
        reference=lambda weight, indices: weight[np.array(indices)],
    ),
    "dropout": Row([
        case((2, 3), p=0.5, seed=0), case((3, 3), p=0.25, seed=1), case((2, 3), p=0.0, seed=2),
        case((), p=0.5, seed=1), case((0, 3), p=0.5, seed=0),
    ],
        call=lambda dropout, x, p, seed: dropout(x, p, np.random.default_rng(seed)),
        reference=lambda x, p, rng: x * (rng.random(x.shape) >= p) / (1.0 - p),
    ),
    "cross_entropy_with_probabilities": Row([
        case((3, 3), chances), case((2, 3), chances[:2]), case((3, 2), chances[:2].T, axis=0),
        case((3,), row_chances, axis=-1), case((2, 3, 2), np.stack([chances[:2].T] * 2)),
        case((2, 3), weights[:2]),  # weights that do not sum to 1
    ], refuses=[case((), (), axis=0), case((0, 3), (0, 3))], reference=references.cross_entropy),
    "cross_entropy": Row([
        case((3, 3), TWICE + 1), case((3, 3), [2, 0, 2]), case((3, 2), np.array([1, 2]), axis=0),
        case((2, 3, 2, 2), np.stack([GRID, 1 - GRID // 2])), case((3,), 1, axis=-1),
        case((2, 2, 3), GRID, axis=-1), case((3, 3), chances), case((3, 2), chances[:2].T, axis=0),
        *(case((3, 3), target, **settings) for target in (TWICE + 1, chances) for settings in (
            {"reduction": "sum"}, {"reduction": "none"}, {"weight": row_weights},
            {"label_smoothing": 0.2}, {"label_smoothing": 0.2, "weight": row_weights},
        )),
        case((3, 3), [2, 0, 2], ignore_index=0),
        case((3, 2), np.array([1, -100]), axis=0, weight=row_weights, label_smoothing=0.1),
        case((2, 3, 2), GRID, reduction="none", ignore_index=2),
    ], refuses=[case((), 0), case((0, 3), NONE)], reference=references.cross_entropy),
    "mean_binary_cross_entropy": Row(
        BINARY, refuses=[case((0, 3), (0, 3))], reference=references.binary_cross_entropy
    ),
    "binary_cross_entropy_with_logits": Row([
        *BINARY, *each((2, 3), chances[:2], reduction=["sum", "none"]),
        case((2, 3), chances[:2], weight=row_weights), case((3,), row_chances, pos_weight=2.5),
        case((2, 3), chances[:2], pos_weight=row_weights, weight=weights[:2], reduction="sum"),
    ], refuses=[case((0, 3), (0, 3))], reference=references.binary_cross_entropy),
}
# fmt: on


# ---- What the tests run over ----


@dataclass(frozen=True)
class Trial:
    """An entry with the settings of one of its cases: a function of the operands alone."""

    name: str
    case: Case

    @property
    def operands(self) -> tuple[Any, ...]:
        return self.case.operands

    def __call__(self, *operands: Any) -> Any:
        try:
            return self.applied(TABLE[self.name], *operands)
        except Exception as error:
            if self.name not in ROWS:
                error.add_note(
                    f"{self.name} has no row in ROWS of tests/rules/cases.py, so it was tried as "
                    f"an elementwise function of numbers from {REAL[0]} to {REAL[1]}. If it is "
                    f'not one, add a row: "{self.name}": Row([case(...), ...]).'
                )
            raise

    def applied(self, function: Callable[..., Any], *operands: Any) -> Any:
        """Apply another function in the entry's place, with the same settings."""
        call = ROWS[self.name].call if self.name in ROWS else plainly
        return call(function, *operands, **self.case.settings)

    def __str__(self) -> str:
        return f"{self.name} {self.case}"


def row_of(name: str) -> Row:
    """Return the row of an entry; the cases of its kind, where it has none of its own."""
    row, entry = ROWS.get(name, Row()), TABLE[name]
    if row.cases:
        return row
    if getattr(entry, "kind", "") == "reduces":
        return replace(row, cases=[*AXES, *ALONE], refuses=[*row.refuses, *NOTHING])
    return replace(row, cases=elementwise(arity(entry), getattr(entry, "domain", REAL)))


def arity(entry: Callable[..., Any]) -> int:
    """Return how many operands an entry takes: two, where it takes any number."""
    if isinstance(entry, bp.Primitive):
        return entry.arity or 2
    parameters = inspect.signature(entry).parameters.values()
    return sum(p.default is p.empty and p.kind == p.POSITIONAL_OR_KEYWORD for p in parameters)


def trials_of(name: str) -> list[Trial]:
    row = row_of(name)
    return [Trial(name, case) for case in [*row.cases, *row.more, *row.corners]]


PRIMITIVES = [name for name, entry in TABLE.items() if isinstance(entry, bp.Primitive)]
TRIALS = [trial for name in TABLE for trial in trials_of(name)]


def each(trials: Iterable[Trial], check: Callable[[Trial], None]) -> None:
    """Check every trial in one test. Where one fails, the error says which."""
    for trial in trials:
        try:
            check(trial)
        except Exception as error:
            error.add_note(f"the case is {trial}")
            raise
