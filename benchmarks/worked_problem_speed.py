"""How much slower the engine is than the closed form written by hand in NumPy.

One forward and backward pass of the worked problem, at three sizes. Both are timed in one process,
in turn, on one BLAS thread; the figures are medians. Run it with

    python benchmarks/worked_problem_speed.py
"""

import os

for variable in (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
):
    os.environ[variable] = "1"  # read when NumPy is imported

import sys
from statistics import median
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

import tinygrad_bp as bp

CASES = [
    ((2, 3, 3, 2), 1, 20_000, 2.0),
    ((64, 64, 64, 10), 32, 5_000, 1.2),
    ((784, 256, 256, 10), 128, 200, 1.05),
]


def by_hand(W1, W2, W3, x, y):
    """Return the loss and its gradients, as an experienced NumPy user writes them."""
    a1 = 1 / (1 + np.exp(-(W1 @ x)))
    a2 = 1 / (1 + np.exp(-(W2 @ a1)))
    z3 = W3 @ a2
    e = np.exp(z3 - z3.max(axis=0, keepdims=True))
    y_hat = e / e.sum(axis=0, keepdims=True)
    loss = ((y - y_hat) ** 2).sum()

    dL_da3 = -2 * (y - y_hat)
    dL_dz3 = y_hat * (dL_da3 - (y_hat * dL_da3).sum(axis=0, keepdims=True))
    dL_dW3 = dL_dz3 @ a2.T
    dL_da2 = W3.T @ dL_dz3
    dL_dz2 = dL_da2 * a2 * (1 - a2)
    dL_dW2 = dL_dz2 @ a1.T
    dL_da1 = W2.T @ dL_dz2
    dL_dz1 = dL_da1 * a1 * (1 - a1)
    dL_dW1 = dL_dz1 @ x.T
    return loss, dL_dW1, dL_dW2, dL_dW3


def by_engine(W1, W2, W3, x, y):
    """Return the same, with the gradients left to the engine."""
    a1 = bp.sigmoid(W1 @ x)
    a2 = bp.sigmoid(W2 @ a1)
    y_hat = bp.softmax(W3 @ a2, axis=0)
    loss = bp.square_sum(y - y_hat)
    for W in (W1, W2, W3):
        W.zero_grad()
    loss.backward()
    return loss, W1.grad, W2.grad, W3.grad


def arrays(sizes, batch):
    """Draw the weights, the input and the target."""
    rng = np.random.default_rng(0)
    n0, n1, n2, n3 = sizes
    drawn = [rng.normal(size=s) * 0.1 for s in ((n1, n0), (n2, n1), (n3, n2), (n0, batch))]
    return [*drawn, rng.random((n3, batch))]


def tensors(sizes, batch):
    """Return the same as Tensors: the weights need a gradient."""
    return [bp.tensor(a, requires_grad=i < 3) for i, a in enumerate(arrays(sizes, batch))]


def main():
    table = Table("sizes", "batch", "by hand, µs", "engine, µs", "ratio", "at most", "bound")
    for sizes, batch, runs, bound in CASES:
        inputs = {by_hand: arrays(sizes, batch), by_engine: tensors(sizes, batch)}
        results = (run(*inputs[run])[1:] for run in inputs)
        for hand, engine in zip(*results, strict=True):
            np.testing.assert_allclose(engine, hand, rtol=1e-9)
        seconds = {by_hand: [], by_engine: []}
        for _ in range(runs):
            for run in inputs:
                start = perf_counter()
                run(*inputs[run])
                seconds[run].append(perf_counter() - start)
        hand, engine = (median(times) * 1e6 for times in seconds.values())
        table.add_row(
            "-".join(map(str, sizes)),
            str(batch),
            f"{hand:.1f}",
            f"{engine:.1f}",
            f"{engine / hand:.2f}",
            f"{bound:.2f}",
            "met" if engine <= bound * hand else "missed",
        )
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
