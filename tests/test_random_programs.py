"""Random programs: the engine against finite differences, and against PyTorch where it is there.

A program is a list of steps, each a call of the rule table on earlier values. Hypothesis draws it
step by step. A `Writer` runs what is written so far, so that it knows every value: a move is drawn
from those that are legal there, and nothing is drawn in vain. Values are kept near 1 by factors
that are powers of 2, and away from corners by constants that push them apart.

One text, three readings: on arrays for the differences, on Tensors, and on PyTorch's tensors. A
program prints as code that runs.
"""

import math
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import tinygrad_bp as bp
from tinygrad_bp.differences import jacobian_difference, relative_difference
from tinygrad_bp.table import TABLE

from .oracle.in_torch import torch_table
from .sweeps import THOROUGH, examples

#: In CI every run draws the same programs; elsewhere every run draws new ones.
SEARCH = settings(
    deadline=None,
    derandomize=os.environ.get("CI", "").lower() == "true",
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow],
)

# ---- A program ----


class Ref(int):
    """The number of an earlier value."""

    def __repr__(self) -> str:
        return f"v{int(self)}"


class Step(NamedTuple):
    entry: str  # of the rule table; or "leaf" or "constant", of one array
    operands: tuple[Any, ...]
    settings: dict[str, Any]


OF_LINALG = ("det", "inv", "solve", "cholesky", "eigvalsh", "svdvals", "pinv")

#: How a step is written, where not as bp.entry(arguments): {0} is the entry, {1} all arguments.
WRITTEN = {
    "leaf": "bp.tensor({1}, requires_grad=True)",
    "constant": "{1}",
    "getitem": "{2}[{3}]",
    "identity": "+{1}",
    **dict.fromkeys(OF_LINALG, "bp.linalg.{0}({1})"),
}


class Program(list[Step]):
    """Steps; the value of the last is the loss."""

    def run(self, table: Mapping[str, Callable[..., Any]], leaf: Any, constant: Any) -> Any:
        """Return the loss, by the operations of a table and these two for arrays."""
        table = {**table, "leaf": leaf, "constant": constant}
        values: list[Any] = []
        for entry, operands, params in self:
            values.append(table[entry](*resolved(operands, values), **params))
        return values[-1]

    def leaves(self) -> list[np.ndarray]:
        return [operands[0] for entry, operands, _ in self if entry == "leaf"]

    def __repr__(self) -> str:
        lines = []
        for i, (entry, operands, params) in enumerate(self):
            arguments = [*map(code, operands), *(f"{k}={code(v)}" for k, v in params.items())]
            written = WRITTEN.get(entry, "bp.{0}({1})")
            lines.append(f"v{i} = " + written.format(entry, ", ".join(arguments), *arguments))
        return "\n".join(["", *lines])


def resolved(operands: Iterable[Any], values: list[Any]) -> list[Any]:
    """Put values for references."""
    return [
        resolved(x, values) if isinstance(x, list) else values[x] if isinstance(x, Ref) else x
        for x in operands
    ]


def code(value: Any) -> str:
    """Write a value as Python."""
    if isinstance(value, np.ndarray):
        return f"np.array({value.tolist()})"
    if isinstance(value, tuple):
        return f"({''.join(code(item) + ', ' for item in value)})"
    return repr(value)


# ---- Writing one ----


class Writer:
    """Writes a program step by step, and runs it along on arrays."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.draw = draw
        self.rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        self.program = Program()
        self.values: list[np.ndarray] = []
        self.usable: list[Ref] = []  # computed or leaves, small, and of three axes at most
        self.unused: set[Ref] = set()  # what the loss is the sum of
        self.operations = 0

    # Drawing

    def pick(self, options: Iterable[Any]) -> Any:
        return self.draw(st.sampled_from(list(options)))

    def heads(self) -> bool:
        return bool(self.draw(st.booleans()))

    def length(self) -> int:
        return int(self.draw(st.integers(1, 3)))

    def axis(self, x: Ref) -> int:
        ndim = self.values[x].ndim
        return int(self.draw(st.integers(-ndim, ndim - 1)))

    # Writing

    def do(self, entry: str, *operands: Any, **params: Any) -> Ref:
        """Write a step, and return a reference to its value."""
        value = TABLE[entry](*resolved(operands, self.values), **params)
        self.operations += 1
        return self.write(Step(entry, operands, params), value)

    def write(self, step: Step, value: Any) -> Ref:
        ref = Ref(len(self.program))
        self.program.append(step)
        self.values.append(np.asarray(value))
        if step.entry != "constant":
            self.unused.add(ref)
            if np.ndim(value) <= 3 and np.abs(value).max() <= BOUND:
                self.usable.append(ref)
        for x in step.operands:
            joined = x if isinstance(x, list) else [x]
            self.unused.difference_update(r for r in joined if isinstance(r, Ref))
        return ref

    def constant(self, array: np.ndarray) -> Ref:
        return self.write(Step("constant", (array,), {}), array)

    def leaf(self, shape: tuple[int, ...]) -> Ref:
        array = self.numbers(shape)
        return self.write(Step("leaf", (array,), {}), array)

    def numbers(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.asarray(self.rng.uniform(-2.0, 2.0, shape).round(2))

    def fresh(self, shape: tuple[int, ...]) -> Ref:
        """Write a new leaf, or now and then a constant."""
        if self.pick([True, True, False]):
            return self.leaf(shape)
        return self.constant(self.numbers(shape))

    # Operands

    def any_value(self) -> Ref:
        """Pick a value that is no constant, half the time the newest."""
        return self.usable[-1] if self.heads() else self.pick(self.usable)

    def with_shape(self, *shapes: tuple[int, ...]) -> Ref:
        """Pick an earlier value of one of these shapes, or write a new one."""
        found = [x for x in self.usable if self.values[x].shape in shapes]
        if found and self.heads():
            return self.pick(found)
        return self.fresh(self.pick(shapes))

    def in_some_order(self, *operands: Any) -> tuple[Any, ...]:
        return operands if self.heads() else operands[::-1]

    def partner(self, x: Ref) -> Any:
        """Pick something that broadcasts with x: an earlier value, a new one or a number."""
        shape = self.values[x].shape
        kind = self.pick(["value", "value", "new", "number"])
        if kind == "number":
            return self.pick([2, 0.5, -1.5, 3.0])
        if kind == "value":
            return self.pick(y for y in self.usable if broadcasts(self.values[y].shape, shape))
        shape = tuple(n if self.heads() else 1 for n in shape[self.pick(range(len(shape) + 1)) :])
        if len(shape) == self.values[x].ndim < 3 and self.values[x].size <= SMALL:
            shape = (self.length(), *shape)
        return self.fresh(shape)

    # What makes values harmless

    def tame(self, x: Ref) -> None:
        """Bring large values near 1, by a power of 2. Small ones may be rounding: they stay."""
        largest = np.abs(self.values[x]).max()
        if largest > BOUND:
            self.do("multiply", x, 2.0 ** -round(math.log2(largest)))

    def positive(self, x: Any) -> Any:
        """Write a function of x that is at least 1/2."""
        if not isinstance(x, Ref):
            return abs(x)
        return self.do("add", self.do("square" if self.heads() else "sigmoid", x), 0.5)

    def small(self, x: Ref) -> Ref:
        """Write a function of x between -0.7 and 0.7."""
        return self.do("multiply", self.do("tanh", x), 0.7)

    def apart(self, x: Ref) -> Ref:
        """Push the entries of x away from 0, by 1."""
        return self.do("add", x, self.constant(np.where(self.values[x] > 0.0, 1.0, -1.0)))

    def ranked(self, x: Ref) -> Ref:
        """Push the entries of x away from each other, by 1."""
        ranks = self.values[x].ravel().argsort().argsort().astype(float)
        return self.do("add", x, self.constant(ranks.reshape(self.values[x].shape)))


def broadcasts(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether shapes broadcast, and to no large one."""
    if not all(m == n or 1 in (m, n) for m, n in zip(reversed(a), reversed(b), strict=False)):
        return False
    return math.prod(np.broadcast_shapes(a, b)) <= max(LARGE, math.prod(b))


# ---- Moves: what can be done with a value x, and where ----

SHAPES = [(), (2,), (2, 3), (3, 3), (2, 2, 3), (3,), (1,), (3, 1), (1, 2), (4, 3), (3, 1, 2)]
BOUND = 4.0  # of values that are used
SMALL, LARGE = 12, 36  # entries: below SMALL a value may grow, and none is above LARGE, nearly
MOVES: list[tuple[Callable[[np.ndarray], bool], Callable[[Writer, Ref], Ref]]] = []


def move(fits: Callable[[np.ndarray], bool]) -> Callable[[Any], Any]:
    """Add a move for the values that fit; a decorator."""

    def added(write: Callable[[Writer, Ref], Ref]) -> Callable[[Writer, Ref], Ref]:
        MOVES.append((fits, write))
        return write

    return added


def always(a: np.ndarray) -> bool:
    return True


def has_axes(a: np.ndarray) -> bool:
    return a.ndim > 0


def is_matrix(a: np.ndarray) -> bool:
    return a.ndim >= 2


def can_grow(a: np.ndarray) -> bool:
    return a.ndim > 0 and a.size <= SMALL


SMOOTH = [
    *("sin", "cos", "tanh", "arctan", "exp", "expm1", "sinh", "cosh", "erf", "erfc"),
    *("sigmoid", "softplus", "log_sigmoid", "gelu", "silu", "square", "negative", "identity"),
    *("arcsinh", "sinc", "exp2", "deg2rad"),
]


@move(always)
def smooth(w: Writer, x: Ref) -> Ref:
    return w.do(w.pick(SMOOTH), x)


@move(always)
def bounded_domain(w: Writer, x: Ref) -> Ref:
    if w.heads():
        entry = w.pick(["log", "log1p", "log2", "log10", "sqrt", "cbrt", "reciprocal", "arccosh"])
        positive = w.positive(x)
        return w.do(entry, w.do("add", positive, 1.0) if entry == "arccosh" else positive)
    return w.do(w.pick(["tan", "arcsin", "arccos", "arctanh"]), w.small(x))


@move(always)
def corner(w: Writer, x: Ref) -> Ref:
    entry = w.pick(["relu", "leaky_relu", "elu", "absolute", "sign", "clip", "maximum", "minimum"])
    if entry in ("maximum", "minimum"):
        y = w.partner(x)
        above = w.values[x] > (w.values[y] if isinstance(y, Ref) else y)
        return w.do(entry, w.do("add", x, w.constant(np.where(above, 1.0, -1.0))), y)
    params = {
        "leaky_relu": {"slope": 0.2},
        "elu": {"alpha": 0.7},
        "clip": w.pick([{"min": 0.0}, {"max": 0.5}]) if entry == "clip" else {},
    }
    return w.do(entry, w.apart(x), **params.get(entry, {}))


@move(always)
def arithmetic(w: Writer, x: Ref) -> Ref:
    operands = w.in_some_order(x, w.partner(x))
    of_arrays = ["logaddexp"] if all(isinstance(y, Ref) for y in operands) else []
    return w.do(w.pick(["add", "subtract", "multiply", "multiply", *of_arrays]), *operands)


@move(always)
def quotient(w: Writer, x: Ref) -> Ref:
    y = w.partner(x)
    entries = ["divide", "power", "integer power", "number to the power"]
    entry = w.pick(entries + ["arctan2", "hypot"] * isinstance(y, Ref))
    if entry in ("arctan2", "hypot"):
        return w.do(entry, x, w.positive(y))
    if entry == "divide":
        return w.do("divide", x, w.positive(y))
    if entry == "power":
        return w.do("power", w.positive(x), y)
    if entry == "integer power":
        return w.do("power", x, w.pick([2, 3, 2.0, 1, 0]))
    return w.do("power", 1.5, x)


@move(has_axes)
def in_another_order(w: Writer, x: Ref) -> Ref:
    entry = w.pick(["sort", "flipud", "cumprod", "nan_to_num", "atleast_2d"])
    if entry == "sort":
        return w.do("sort", w.ranked(x), axis=w.axis(x))
    return w.do(entry, x, **({"axis": w.axis(x)} if entry == "cumprod" else {}))


@move(is_matrix)
def of_matrices(w: Writer, x: Ref) -> Ref:
    entry = w.pick(["fliplr", "tril", "triu", "swapaxes", "rollaxis"])
    if entry == "swapaxes":
        return w.do(entry, x, w.axis(x), w.axis(x))
    if entry == "rollaxis":
        return w.do(entry, x, axis=w.axis(x))
    return w.do(entry, x)


@move(always)
def rounding(w: Writer, x: Ref) -> Ref:
    a = w.values[x]  # its entries are moved into the middle between two places where it jumps
    entry = w.pick(["floor", "ceil", "trunc", "rint", "round", "remainder", "fmod"])
    middle = w.do("add", x, w.constant(np.floor(a) + 0.25 - a))
    if entry in ("remainder", "fmod"):
        return w.do(entry, middle, w.pick([1.0, 2.0]))
    return w.do(entry, middle)


@move(has_axes)
def joined_or_moved(w: Writer, x: Ref) -> Ref:
    entry = w.pick(["append", "hstack", "vstack", "dstack", "column_stack", "atleast_1d"])
    entry = w.pick([entry, "atleast_3d", "moveaxis", "take", "average", "diff", "rad2deg"])
    if entry == "append":
        return w.do(entry, x, w.with_shape(w.values[x].shape), axis=w.axis(x))
    if entry.endswith("stack"):
        return w.do(entry, [x, w.with_shape(w.values[x].shape)])
    if entry == "moveaxis":
        return w.do(entry, x, w.axis(x), w.axis(x))
    if entry == "take":
        return w.do(entry, x, np.array([0, -1, 0]), axis=w.axis(x))
    if entry == "diff" and all(n > 1 for n in w.values[x].shape):
        return w.do(entry, x, axis=w.axis(x))
    return w.do("average" if entry == "diff" else entry, x)


@move(can_grow)
def product_by_name(w: Writer, x: Ref) -> Ref:
    a = w.values[x]
    entry = w.pick(["inner", "vdot", "dot", "tensordot", "kron"])
    if entry == "inner":
        return w.do(entry, x, w.with_shape((a.shape[-1],)))
    if entry == "dot":
        return w.do(entry, x, w.with_shape((a.shape[-1],), (a.shape[-1], w.length())))
    if entry == "tensordot":
        return w.do(entry, x, w.with_shape((a.shape[-1],)), axes=1)
    return w.do(entry, x, w.with_shape(a.shape))


@move(lambda a: a.ndim == 2 and len(a) <= 3)
def of_a_regular_matrix(w: Writer, x: Ref) -> Ref:
    n = len(w.values[x])
    square = w.do("matmul", x, w.do("matrix_transpose", x))
    regular = w.do("add", square, w.constant(np.diag([3.0, 9.0, 27.0][:n])))  # far from each other
    entry = w.pick(["det", "inv", "solve", "cholesky", "eigvalsh", "svdvals", "pinv", "diag"])
    if entry == "solve":
        return w.do(entry, regular, w.with_shape((n, 1), (n, 2)))
    return w.do(entry, regular)


@move(always)
def choice(w: Writer, x: Ref) -> Ref:
    condition = w.constant(w.rng.random(w.values[x].shape) < 0.5)
    return w.do("where", condition, *w.in_some_order(x, w.partner(x)))


@move(always)
def reduction(w: Writer, x: Ref) -> Ref:
    a = w.values[x]
    axes = [None, *range(-a.ndim, a.ndim), *([(0, 1), (-1, 0)] if a.ndim >= 2 else [])]
    params = {"axis": w.pick(axes), "keepdims": w.heads()}
    count = a.size // np.sum(a, axis=params["axis"]).size
    entries = ["sum", "mean", "max", "min", "norm", "logsumexp", "var"]
    entry = w.pick(entries + ["prod"] * (count <= 8) + ["std"] * (count > 1))
    if entry in ("var", "std"):
        params["ddof"] = int(count > 1 and w.heads())
    if entry in ("max", "min", "std"):
        x = w.ranked(x)
    return w.do(entry, w.positive(x) if entry == "norm" else x, **params)


@move(has_axes)
def along_an_axis(w: Writer, x: Ref) -> Ref:
    return w.do(w.pick(["softmax", "log_softmax", "cumsum"]), x, axis=w.axis(x))


@move(can_grow)
def product(w: Writer, x: Ref) -> Ref:
    a, n, b = w.values[x], w.length(), w.length()
    if w.heads():  # x on the left
        k = a.shape[-1]
        y = w.with_shape((k,), (k, n), (a.shape[0] if a.ndim == 3 else b, k, n))
        return w.do("matmul", x, y)
    k = a.shape[-2 if a.ndim > 1 else 0]
    y = w.with_shape((k,), (n, k), (a.shape[0] if a.ndim == 3 else b, n, k))
    return w.do("matmul", y, x)


EINSUM = {
    1: ["i,i->", "i,j->ji", "i,i,i->i", "i->", "i,ij,j", "i,ii->i"],
    2: ["ij->ji", "ij,kj->ik", "ij,ij->i", "ij->j", "ij,j,k->ki", "...j->...", "ij,jk,kl->il"],
    3: ["ijk->kij", "ijk,ijk->k", "ijk->j", "...ij->...ji", "bij,bkj->bik", "ijk,j"],
}


@move(can_grow)
def summation(w: Writer, x: Ref) -> Ref:
    subscripts = w.pick(EINSUM[w.values[x].ndim])
    first, *others = subscripts.split("->")[0].split(",")
    lengths = dict(zip(first, w.values[x].shape, strict=False))
    for letter in sorted(set("".join(others)) - lengths.keys()):
        lengths[letter] = w.length()
    shapes = [tuple(lengths[letter] for letter in term) for term in others]
    return w.do("einsum", subscripts, x, *(w.with_shape(shape) for shape in shapes))


@move(can_grow)
def outer_product(w: Writer, x: Ref) -> Ref:
    n = w.length()
    return w.do("outer", *w.in_some_order(x, w.with_shape((n,), (), (1, n))))


@move(is_matrix)
def diagonal(w: Writer, x: Ref) -> Ref:
    entry, (axis1, axis2) = w.pick(["diagonal", "trace"]), w.pick([(0, 1), (-1, 0)])
    rows, columns = (w.values[x].shape[i] for i in (axis1, axis2))
    offset = int(w.draw(st.integers(1 - rows, columns - 1)))
    return w.do(entry, x, offset=offset, axis1=axis1, axis2=axis2)


@move(has_axes)
def rearrangement(w: Writer, x: Ref) -> Ref:
    a = w.values[x]
    entries = ["reshape", "ravel", "flip", "roll", "transpose"]
    entries += ["squeeze"] * (1 in a.shape) + ["expand_dims"] * (a.ndim < 3)
    entry = w.pick(entries + ["matrix_transpose"] * (a.ndim > 1))
    if entry == "reshape":
        rows = w.pick(n for n in range(1, a.size + 1) if a.size % n == 0)
        return w.do("reshape", x, shape=w.pick([(rows, a.size // rows), (-1, rows), -1]))
    if entry == "flip":
        return w.do("flip", x, axis=w.pick([None, w.axis(x)]))
    if entry == "roll":
        return w.do("roll", x, shift=w.pick([1, -2]), axis=w.pick([None, w.axis(x)]))
    if entry == "transpose":
        return w.do("transpose", x, axes=w.pick([None, tuple(w.rng.permutation(a.ndim).tolist())]))
    if entry == "expand_dims":
        return w.do("expand_dims", x, axis=w.pick(range(-a.ndim - 1, a.ndim + 1)))
    return w.do(entry, x)


@move(can_grow)
def growth(w: Writer, x: Ref) -> Ref:
    a, n = w.values[x], w.length()
    entries = ["repeat", "tile", "pad", "concatenate"]
    entry = w.pick(entries + ["broadcast_to", "stack"] * (a.ndim < 3))
    if entry == "broadcast_to":
        return w.do("broadcast_to", x, shape=(n, *a.shape))
    if entry == "repeat":
        return w.do("repeat", x, repeats=n, axis=w.pick([None, w.axis(x)]))
    if entry == "tile":
        return w.do("tile", x, reps=w.pick([n, (n,) + (1,) * (a.ndim - 1)]))
    if entry == "pad":
        return w.do("pad", x, pad_width=w.pick([(1, 0), ((0, 1),) + ((0, 0),) * (a.ndim - 1)]))
    y = list(w.in_some_order(x, w.with_shape(a.shape)))
    if entry == "stack":
        return w.do("stack", y, axis=w.pick(range(-a.ndim - 1, a.ndim + 1)))
    return w.do("concatenate", y, axis=w.axis(x))


@move(has_axes)
def selection(w: Writer, x: Ref) -> Ref:
    a = w.values[x]
    rows = w.rng.integers(0, len(a), w.length() + 1)
    entry = w.pick(["getitem", "getitem", "take_along_axis"] + ["embedding"] * (a.ndim == 2))
    if entry == "embedding":
        return w.do("embedding", x, rows)
    if entry == "take_along_axis":
        axis = w.axis(x)
        shape = [2 if i == axis % a.ndim else n for i, n in enumerate(a.shape)]
        indices = w.rng.integers(0, a.shape[axis], shape)
        return w.do("take_along_axis", x, indices=indices, axis=axis)
    mask = np.arange(len(a)) % 2 == 0
    keys = [rows, (..., 0), slice(len(a) // 2, None), mask]
    if a.ndim < 3:
        keys.append((None, rows))
    if a.ndim > 1:
        columns = w.rng.integers(-a.shape[1], a.shape[1], len(rows))
        keys += [(rows, columns), (slice(None), columns), (0, slice(None, None, 2))]
    return w.do("getitem", x, w.pick(keys))


@move(is_matrix)
def image(w: Writer, x: Ref) -> Ref:
    entry = w.pick(["conv2d", "max_pool2d", "avg_pool2d"])
    new_axes = tuple(range(4 - w.values[x].ndim))
    images = w.do("expand_dims", w.ranked(x) if entry == "max_pool2d" else x, axis=new_axes)
    rows, columns = w.values[x].shape[-2:]
    size, stride = (min(rows, w.length()), min(columns, w.length())), w.length()
    if entry == "conv2d":
        kernels = w.with_shape((2, w.values[images].shape[1], *size))
        seen = w.do("conv2d", images, kernels, stride=stride, padding=w.pick([0, 1]))
    else:
        seen = w.do(entry, images, size, stride)
    return w.do("squeeze", seen, axis=0)


@move(has_axes)
def objective(w: Writer, x: Ref) -> Ref:
    a = w.values[x]
    entries = ["square_sum", "binary_cross_entropy_with_logits"]
    entry = w.pick(entries + ["cross_entropy"] * (a.ndim > 1))
    if entry == "square_sum":
        return w.do("square_sum", x)
    if entry == "cross_entropy":
        if w.heads():
            labels = w.rng.integers(0, a.shape[1], np.delete(a.shape, 1))
            return w.do("cross_entropy", x, labels)
        return w.do("cross_entropy", x, w.do("softmax", w.with_shape(a.shape), axis=1))
    return w.do("binary_cross_entropy_with_logits", x, w.do("sigmoid", w.with_shape(a.shape)))


@st.composite
def programs(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Program:
    """Draw a program of 1 to 30 operations, and then the sum of all that it computed."""
    w = Writer(draw)
    for _ in range(w.length()):
        w.leaf(w.pick(SHAPES))
    going_on = True
    while going_on:
        x = w.any_value()
        written = w.pick(write for fits, write in MOVES if fits(w.values[x]))(w, x)
        w.tame(written)
        going_on = draw(st.integers(0, 24)) > 0 and w.operations < 30
    totals = [w.do("sum", w.do("multiply", x, weights(w, x))) for x in sorted(w.unused)]
    loss = totals[0]
    for total in totals[1:]:
        loss = w.do("add", loss, total)
    return w.program


def weights(w: Writer, x: Ref) -> Ref:
    """Write uneven weights for the entries of x, so that their gradients cannot cancel."""
    return w.constant(np.cos(1.0 + np.arange(w.values[x].size)).round(2).reshape(w.values[x].shape))


# ---- Three readings, two comparisons ----


def engine(program: Program) -> tuple[float, list[np.ndarray]]:
    """Return the loss, and its gradient by every leaf."""
    leaves: list[bp.Tensor] = []

    def leaf(array: np.ndarray) -> bp.Tensor:
        leaves.append(bp.tensor(array, requires_grad=True))
        return leaves[-1]

    loss = program.run(TABLE, leaf, constant=lambda array: array)
    return loss.item(), bp.grad(loss, leaves)


def pytorch(program: Program) -> tuple[float, list[np.ndarray]]:
    """Return the same by PyTorch, or skip."""
    table = torch_table()
    import torch

    leaves: list[torch.Tensor] = []

    def leaf(array: np.ndarray) -> torch.Tensor:
        leaves.append(torch.tensor(array, requires_grad=True))
        return leaves[-1]

    loss = program.run(table, leaf, constant=torch.tensor)
    gradients = torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)
    return loss.item(), [gradient.numpy(force=True) for gradient in gradients]


def distance(a: Iterable[Any], b: Iterable[Any]) -> float:
    """Return the relative difference of lists of arrays; the least scale is 1, as of the values."""
    one = np.ones(1)
    return relative_difference(*(np.concatenate([one, *map(np.ravel, v)]) for v in (a, b)))


def agrees_with_pytorch(program: Program) -> None:
    """Compare value and gradients to 1e-10."""
    loss, gradients = engine(program)
    expected, expected_gradients = pytorch(program)
    assert distance([loss], [expected]) < 1e-10
    assert distance(gradients, expected_gradients) < 1e-10


def agrees_with_differences(program: Program) -> None:
    """Compare slopes to 1e-6: along every entry of the leaves, or if they are many, at random."""
    loss, gradients = engine(program)
    leaves = program.leaves()
    at = np.concatenate([leaf.ravel() for leaf in leaves])
    gradient = np.concatenate([g.ravel() for g in gradients])
    ends = np.cumsum([leaf.size for leaf in leaves])[:-1]

    def value(point: np.ndarray) -> Any:
        parts = zip(np.split(point, ends), leaves, strict=True)
        arrays = iter([part.reshape(leaf.shape) for part, leaf in parts])
        return np.float64(program.run(TABLE, lambda _: next(arrays), lambda array: array))

    directions = np.eye(at.size)
    if at.size > 6:
        directions = np.random.default_rng(0).choice([-1.0, 1.0], (3, at.size))

    def slopes(step: float) -> list[np.ndarray]:
        start = np.zeros(())
        return [
            jacobian_difference(lambda t, d=d: value(at + t * d), start, step) for d in directions
        ]

    assert distance([loss], [value(at)]) < 1e-14
    # A program may bend so sharply that only a small step sees its slope; a wrong gradient is the
    # slope at no step.
    steps = (5e-3, 1e-3, 2e-4)
    assert any(distance(slopes(step), directions @ gradient) < 1e-6 for step in steps)


def search(
    check: Callable[[Program], None], many: int, phases: Iterable[Phase] = tuple(Phase)
) -> None:
    """Check so many programs."""
    settings(SEARCH, max_examples=many, phases=phases)(given(programs())(check))()


@pytest.mark.sweep
def test_agrees_with_differences() -> None:
    search(agrees_with_differences, examples(1500))


@pytest.mark.sweep
def test_agrees_with_pytorch() -> None:
    search(agrees_with_pytorch, examples(2500))


# ---- The tests of the test ----

#: Reached through others, or nothing to differentiate: all else must occur in programs.
INSIDE_OTHERS = {
    *("contraction", "cross_entropy_with_probabilities", "split", "astype", "dropout"),
    *("scatter", "on_diagonal", "sum_to", "windows", "from_windows", "product_of_others"),
    *(
        "clip_to_numbers",
        "normal_cdf",
        "euclidean_norm",
        "pad_with_constants",
        "mean_binary_cross_entropy",
    ),
    *("eigenvectors", "left_vectors", "right_vectors", "logabsdet", "sign_of_det", "floor_divide"),
    # lists and tuples of several results
    *("array_split", "hsplit", "vsplit", "dsplit", "eigh", "svd", "slogdet", "lstsq"),
}


@pytest.mark.sweep
def test_programs_are_varied() -> None:
    written: list[Program] = []
    search(lambda program: written.append(program), examples(2500), [Phase.generate])
    if THOROUGH:  # so rare are some
        found = {step.entry for program in written for step in program}
        assert found >= TABLE.keys() - INSIDE_OTHERS
    long = sum(len(program) > 30 for program in written)
    several_leaves = sum(len(program.leaves()) > 1 for program in written)
    shared = sum(uses_a_value_twice(program) for program in written)
    assert min(long, several_leaves, shared) > len(written) / 4


def uses_a_value_twice(program: Program) -> bool:
    used = [repr(x) for step in program for x in step.operands if isinstance(x, (Ref, list))]
    return len(used) > len(set(used))


def test_a_program_prints_as_code_that_runs() -> None:
    def check(program: Program) -> None:
        scope = {"bp": bp, "np": np}
        exec(repr(program), scope)
        loss = scope[f"v{len(program) - 1}"]
        assert loss.item() == engine(program)[0]

    search(check, 100, [Phase.generate])


WRONG_RULES = {
    "subtract": lambda out, a, b: (lambda g: g, lambda g: g),  # a sign lost
    "multiply": lambda out, a, b: (lambda g: g * b, lambda g: g * b),  # the wrong factor
    "tanh": lambda out, a: lambda g: g * (1.0 - out),  # a square lost
    "sum": lambda out, a, axis, keepdims: lambda g: np.broadcast_to(g.mean(), a.shape),
    "mean": lambda out, a, **how: TABLE["sum"].rule(out, a, **how),  # a factor lost
    "softmax": lambda p, z, axis: lambda g: g * p * (1.0 - p),  # only the diagonal of the Jacobian
    "getitem": lambda out, a, key: lambda g: overwritten(g, key, a.shape),  # not added up
}


def overwritten(g: np.ndarray, key: Any, shape: tuple[int, ...]) -> np.ndarray:
    out = np.zeros(shape)
    out[key] = g
    return out


CHECKS = pytest.mark.parametrize("check", [agrees_with_differences, agrees_with_pytorch])


@CHECKS
@pytest.mark.parametrize("entry", WRONG_RULES)
def test_a_wrong_rule_is_found(
    entry: str, check: Callable[[Program], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TABLE[entry], "rule", WRONG_RULES[entry])
    with pytest.raises(AssertionError):
        search(check, 1000, [Phase.generate])


@CHECKS
def test_a_lost_contribution_is_found(
    check: Callable[[Program], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value used twice: the second contribution to its gradient overwrites the first."""
    monkeypatch.setattr("tinygrad_bp.engine.add_up", lambda x, earlier, contribution: contribution)
    with pytest.raises(AssertionError):
        search(check, 1000, [Phase.generate])
