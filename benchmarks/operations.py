"""Every operation of the table beside PyTorch, forward and backward, with sizes that grow.

Printed is what stands out: a ratio over 4 at the large size, or a growth exponent more than 0.3
over PyTorch's. PyTorch's functions are those of the oracle, tests/oracle/in_torch.py.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_bp as bp
from tinygrad_bp.table import TABLE

from .timing import Result, installed, race

PART = "operations"
RATIO, EXPONENT = 4.0, 0.3

#: In entries; growth is between the last two, as at the first the interpreter decides.
SIZES = 10_000, 100_000, 1_000_000

Call = tuple[tuple[Any, ...], dict[str, Any]]
rng = np.random.default_rng(0)


def normal(*shape: float) -> np.ndarray:
    return rng.normal(size=tuple(map(int, shape)))


def matrix(n: float) -> np.ndarray:
    """Return a square matrix of about n entries."""
    return normal(math.isqrt(int(n)), math.isqrt(int(n)))


def regular(n: int) -> np.ndarray:
    """Return a smaller matrix that is far from singular: what factors it costs its width cubed."""
    width = round(n ** (1 / 3))
    a = normal(width, width)
    return a @ a.T + width * np.eye(width)


def images(n: int) -> np.ndarray:
    return normal(max(n // 4096, 1), 16, 16, 16)


def numbers(below: int, *shape: float) -> np.ndarray:
    return rng.integers(0, below, tuple(map(int, shape)))


def call(*operands: Any, **settings: Any) -> Call:
    return operands, settings


#: The calls for n entries that the kind of an operation does not say; a second word names a case.
GROUPS: dict[str, Callable[[int], Call]] = {
    "ravel, nan_to_num, square_sum, atleast_1d, atleast_2d, atleast_3d": lambda n: call(normal(n)),
    "inv, pinv, det, logabsdet, slogdet, cholesky": lambda n: call(regular(n)),
    "eigvalsh, svdvals, eigenvectors, left_vectors, right_vectors": lambda n: call(regular(n)),
    "split, array_split, hsplit, vsplit": lambda n: call(matrix(n), (10,)),
    "swapaxes, moveaxis": lambda n: call(matrix(n), 0, 1),
    "hstack, vstack, dstack, stack, column_stack": lambda n: call([matrix(n / 2), matrix(n / 2)]),
    "cumsum, flip, sort, mean, max, min": lambda n: call(matrix(n), axis=1),
    "prod, cumprod": lambda n: call(1.0 + 0.01 * matrix(n), axis=1),  # no product fades to 0
    "sum, var, std, logsumexp, norm": lambda n: call(matrix(n), axis=1),
    "dot, inner, matmul": lambda n: call(matrix(n), matrix(n)),
    "max_pool2d, avg_pool2d": lambda n: call(images(n), 2),
    "astype": lambda n: call(normal(n), dtype=np.float32),
    "average": lambda n: call(matrix(n), axis=1),
    "append": lambda n: call(normal(n), normal(n)),
    "binary_cross_entropy_with_logits": lambda n: call(normal(n), rng.random(n)),
    "broadcast_to": lambda n: call(normal(1000), shape=(n // 1000, 1000)),
    "clip": lambda n: call(normal(n), -1.0, 1.0),
    "clip_to_numbers": lambda n: call(normal(n), min=-1.0, max=1.0),
    "concatenate": lambda n: call([normal(n / 2), normal(n / 2)]),
    "contraction": lambda n: call(
        matrix(n / 16), matrix(n / 16), inputs=("ij", "jk"), output="ki", optimize=True
    ),
    "conv2d": lambda n: call(images(n), normal(16, 16, 3, 3), padding=1),
    "cross_entropy": lambda n: call(normal(64, n // 64), numbers(n // 64, 64)),
    "cross_entropy few-classes": lambda n: call(normal(n // 10, 10), numbers(10, n // 10)),
    "cross_entropy_with_probabilities": lambda n: call(
        normal(n // 10, 10), rng.dirichlet(np.ones(10), n // 10)
    ),
    "diff": lambda n: call(matrix(n)),
    "divide": lambda n: call(normal(n), 1.0 + rng.random(n)),
    "dsplit": lambda n: call(normal(n // 100, 10, 10), 2),
    "einsum": lambda n: call("ij,jk->ik", matrix(n), matrix(n)),
    "einsum three": lambda n: call("ij,jk,kl->il", *(matrix(n / 16) for _ in range(3))),
    "einsum batch": lambda n: call(
        "bij,bjk->bik", normal(n // 100, 10, 10), normal(n // 100, 10, 10)
    ),
    "embedding": lambda n: call(normal(1000, 64), numbers(1000, n // 64)),
    "expand_dims": lambda n: call(normal(n), axis=0),
    "from_windows": lambda n: call(
        normal(max(n // 8100, 1), 4, 15, 15, 3, 3), shape=(max(n // 8100, 1), 4, 17, 17)
    ),
    "getitem slice": lambda n: call(normal(n), key=slice(1, None)),
    "getitem steps": lambda n: call(matrix(n), key=(slice(None), slice(None, None, 2))),
    "getitem mask": lambda n: call(normal(n), key=rng.random(n) < 0.5),
    "getitem integers": lambda n: call(normal(n), key=numbers(n, n)),
    "getitem rows": lambda n: call(matrix(n), key=numbers(math.isqrt(n), math.isqrt(n))),
    "getitem pairs": lambda n: call(matrix(n), key=(numbers(60, n), numbers(60, n))),
    "kron": lambda n: call(matrix(math.isqrt(n)), matrix(math.isqrt(n))),
    "mean_binary_cross_entropy": lambda n: call(normal(n), rng.random(n)),
    "on_diagonal": lambda n: call(normal(math.isqrt(n)), shape=(math.isqrt(n), math.isqrt(n))),
    "outer": lambda n: call(normal(math.isqrt(n)), normal(math.isqrt(n))),
    "pad": lambda n: call(matrix(n), 1),
    "pad_with_constants": lambda n: call(matrix(n), pad_width=1),
    "power square": lambda n: call(normal(n), 2),
    "power cube": lambda n: call(normal(n), 3),
    "power root": lambda n: call(rng.random(n), 0.5),
    "product_of_others": lambda n: call(normal(n // 8, 8)),
    "repeat": lambda n: call(normal(n / 2), repeats=2),
    "reshape": lambda n: call(matrix(n), shape=-1),
    "roll": lambda n: call(normal(n), shift=1),
    "rollaxis": lambda n: call(matrix(n), 1),
    "scatter": lambda n: call(normal(n), key=(numbers(n, n),), shape=(n,)),
    "solve": lambda n: call(regular(n), normal(round(n ** (1 / 3)))),
    "squeeze": lambda n: call(normal(1, n)),
    "sum all": lambda n: call(normal(n)),
    "sum_to": lambda n: call(matrix(n), shape=(math.isqrt(n),)),
    "take": lambda n: call(normal(n), numbers(n, n)),
    "take_along_axis": lambda n: call(matrix(n), numbers(60, math.isqrt(n), 10), axis=1),
    "tensordot": lambda n: call(matrix(n), matrix(n), axes=1),
    "tile": lambda n: call(normal(n / 2), reps=2),
    "vdot": lambda n: call(normal(n), normal(n)),
    "where": lambda n: call(rng.random(n) < 0.5, normal(n), normal(n)),
    "windows": lambda n: call(images(n / 9), size=3),
}
CALLS = {case: of_size for cases, of_size in GROUPS.items() for case in cases.split(", ")}


def default(name: str) -> Callable[[int], Call]:
    """Return the calls of an operation that works entry by entry, or takes one matrix."""
    entry: Any = TABLE[name]
    if getattr(entry, "kind", "") != "entrywise":
        return lambda n: call(matrix(n))
    (low, high), arity = entry.domain, entry.arity
    return lambda n: call(*(rng.uniform(low, high, n) for _ in range(arity)))


def step(function: Callable[..., Any], leaf: Callable[..., Any], back: Any, given: Call) -> Any:
    """Return a function that calls an operation, and goes back from its first result."""
    operands, settings = given
    leaves = []

    def prepared(x: Any) -> Any:
        if isinstance(x, list):
            return [prepared(item) for item in x]
        if isinstance(x, np.ndarray) and x.dtype.kind == "f":
            leaves.append(leaf(x, requires_grad=True))
            return leaves[-1]
        return x

    operands = tuple(map(prepared, operands))

    def run() -> Any:
        out = function(*operands, **settings)
        out = out[-1] if isinstance(out, (list, tuple)) else out
        return back(out, leaves)

    return run


def contenders(name: str, given: Call) -> dict[str, Callable[[], Any]]:
    import torch

    from tests.oracle.in_torch import torch_table

    torch.set_num_threads(1)

    def ours(out: Any, leaves: Any) -> Any:
        return bp.grad(out, leaves, np.ones(out.shape), allow_unused=True)

    def theirs(out: Any, leaves: Any) -> Any:
        return torch.autograd.grad(out, leaves, torch.ones_like(out), allow_unused=True)

    settings = {k: v for k, v in given[1].items() if k != "optimize"}
    there = step(torch_table()[name], torch.tensor, theirs, (given[0], settings))
    return {"PyTorch": there, "tinygrad_bp": step(TABLE[name], bp.tensor, ours, given)}


def cases() -> dict[str, Callable[[int], Call]]:
    named = {case.split()[0] for case in CALLS}
    return CALLS | {name: default(name) for name in TABLE if name not in named}


def growth(small: float, large: float) -> float:
    return math.log(large / small) / math.log(SIZES[-1] / SIZES[-2])


def measure(only: str = "") -> list[Result]:
    if not installed("torch"):
        return []
    from tests.oracle.in_torch import NOT_IN_TORCH

    results = []
    for case, of_size in sorted(cases().items()):
        name = case.split()[0]
        if name in NOT_IN_TORCH or only not in case:
            continue
        raced = [race(PART, f"{case}, {n:,}", contenders(name, of_size(n)), 7, 0) for n in SIZES]
        (_, ours), exponents = raced[-1], []
        for contender in (0, 1):
            exponents.append(growth(*(of[contender].value for of in raced[-2:])))
        results += [r for of in raced for r in of]
        if ours.ratio > RATIO or exponents[1] - exponents[0] > EXPONENT:
            print(
                f"{case}: {ours.value / 1000:.1f} ms, {ours.ratio:.1f} times as long as PyTorch; "
                f"it grows as n^{exponents[1]:.2f}, PyTorch's as n^{exponents[0]:.2f}",
                flush=True,
            )
    return results
