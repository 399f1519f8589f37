"""One forward and backward pass of the worked problem, at three sizes, in two precisions.

The closed form written by hand in NumPy is the measure of all.
"""

import os
from functools import partial
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np

import tinygrad_bp as bp

from .timing import Result, in_new_process, installed, race, rise_of_peak

PART = "worked problem"

#: The widths, and the samples of a batch.
SIZES = {
    "S, 2-3-3-2, 1 sample": ((2, 3, 3, 2), 1),
    "M, 64-64-64-10, 32 samples": ((64, 64, 64, 10), 32),
    "L, 784-256-256-10, 128 samples": ((784, 256, 256, 10), 128),
}


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


def network(W1, W2, W3, x, y):
    a2 = bp.sigmoid(W2 @ bp.sigmoid(W1 @ x))
    return bp.square_sum(y - bp.softmax(W3 @ a2, axis=0))


def arrays(sizes, batch, dtype=np.float64):
    """Draw the weights, the input and the target."""
    rng = np.random.default_rng(0)
    n0, n1, n2, n3 = sizes
    drawn = [rng.normal(size=s) * 0.1 for s in ((n1, n0), (n2, n1), (n3, n2), (n0, batch))]
    return [a.astype(dtype) for a in (*drawn, rng.random((n3, batch)))]


def eager(given):
    W1, W2, W3, x, y = (bp.tensor(a, requires_grad=i < 3) for i, a in enumerate(given))

    def run():
        loss = network(W1, W2, W3, x, y)
        for W in (W1, W2, W3):
            W.zero_grad()
        loss.backward()
        return loss, W1.grad, W2.grad, W3.grad

    return run


def compiled(given, backend):
    step = bp.compile(network, backend, [0, 1, 2])
    if backend != "jax":
        return lambda: step(*given)
    import jax

    return lambda: jax.block_until_ready(step(*given))  # JAX computes in the background


def in_torch(given, compiled=False):
    import torch

    torch.set_num_threads(1)
    W1, W2, W3, x, y = (torch.tensor(a, requires_grad=i < 3) for i, a in enumerate(given))

    def forward(W1, W2, W3, x, y):
        a2 = torch.sigmoid(W2 @ torch.sigmoid(W1 @ x))
        return ((y - torch.softmax(W3 @ a2, dim=0)) ** 2).sum()

    if compiled:
        forward = torch.compile(forward)  # the backward pass too, when it is first run

    def run():
        loss = forward(W1, W2, W3, x, y)
        return loss, *torch.autograd.grad(loss, (W1, W2, W3))

    return run


def in_jax(given, held=True):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def loss(W1, W2, W3, x, y):
        a2 = jax.nn.sigmoid(W2 @ jax.nn.sigmoid(W1 @ x))
        return jnp.sum((y - jax.nn.softmax(W3 @ a2, axis=0)) ** 2)

    step = jax.jit(jax.value_and_grad(loss, (0, 1, 2)))
    arrays = [jnp.asarray(a) for a in given] if held else given
    return lambda: jax.block_until_ready(step(*arrays))


def in_autograd(given):
    import autograd.numpy as anp
    from autograd import value_and_grad

    def loss(weights, x, y):
        W1, W2, W3 = weights
        a1 = 1 / (1 + anp.exp(-anp.dot(W1, x)))
        z3 = anp.dot(W3, 1 / (1 + anp.exp(-anp.dot(W2, a1))))
        e = anp.exp(z3 - anp.max(z3, axis=0, keepdims=True))
        return anp.sum((y - e / anp.sum(e, axis=0, keepdims=True)) ** 2)

    step = value_and_grad(loss)
    return lambda: step(given[:3], *given[3:])


def in_mygrad(given):
    import mygrad as mg

    W1, W2, W3 = map(mg.tensor, given[:3])
    x, y = given[3:]

    def run():
        a2 = mg.nnet.sigmoid(W2 @ mg.nnet.sigmoid(W1 @ x))
        loss = ((y - mg.nnet.softmax(W3 @ a2, axis=0)) ** 2).sum()
        loss.backward()
        return loss, W1.grad, W2.grad, W3.grad

    return run


def products(given):
    """Return a function that makes the products of the step alone: all others need more."""
    W1, W2, W3, x, _ = given
    z1, z2, z3 = (np.ones((len(W), x.shape[1]), x.dtype) for W in (W1, W2, W3))
    d1, d2 = np.ones_like(z1), np.ones_like(z2)
    g1, g2, g3 = (np.empty_like(W) for W in (W1, W2, W3))

    def run():
        np.dot(W1, x, out=z1)
        np.dot(W2, z1, out=z2)
        np.dot(W3, z2, out=z3)
        np.dot(z3, z2.T, out=g3)
        np.dot(W3.T, z3, out=d2)
        np.dot(d2, z1.T, out=g2)
        np.dot(W2.T, d2, out=d1)
        np.dot(d1, x.T, out=g1)

    return run


#: Who runs: a name, the package that it needs, and what makes the function that is timed.
CONTENDERS = {
    "by hand": ("numpy", lambda given: partial(by_hand, *given)),
    "tinygrad_bp": ("numpy", eager),
    "bp.compile, NumPy": ("numpy", partial(compiled, backend="numpy")),
    "bp.compile, Numba": ("numba", partial(compiled, backend="numba")),
    "bp.compile, JAX": ("jax", partial(compiled, backend="jax")),
    "jax.jit": ("jax", in_jax),
    "jax.jit, NumPy arrays": ("jax", partial(in_jax, held=False)),
    "PyTorch": ("torch", in_torch),
    "torch.compile": ("torch", partial(in_torch, compiled=True)),
    "autograd": ("autograd", in_autograd),
    "MyGrad": ("mygrad", in_mygrad),
    "BLAS calls alone": ("numpy", products),
}


def contenders(given):
    return {name: make(given) for name, (package, make) in CONTENDERS.items() if installed(package)}


def peak(name):
    """Return by how many megabytes a call at the largest size raises this process's peak."""
    *_, large = SIZES.values()
    return rise_of_peak(CONTENDERS[name][1](arrays(*large))) / 1e6


def memory() -> list[Result]:
    """Measure each contender's peak in a process of its own."""
    code = "from benchmarks.worked_problem import peak; print(peak({!r}))"
    case = f"peak memory, {list(SIZES)[-1]}"
    names = [name for name, (package, _) in CONTENDERS.items() if installed(package)]
    return [
        Result(PART, case, name, round(in_new_process(code.format(name)), 1), "MB")
        for name in names
    ]


#: Prints the CPU time of the first call in a new process, with what Numba needs to be imported.
READY = """
from time import process_time
from benchmarks.worked_problem import arrays, bp, network
given = arrays(*{!r})
start = process_time()
bp.compile(network, "numba", [0, 1, 2])(*given)
print(process_time() - start)
"""


def compiling() -> list[Result]:
    """Measure how long it takes to write and compile the step, with no cache from earlier runs."""
    results = []
    for case, size in SIZES.items():
        for name, backend in (("bp.compile, NumPy", "numpy"), ("bp.compile, Numba", "numba")):
            if installed(backend):
                with (
                    TemporaryDirectory() as folder,
                    patch.dict(os.environ, {"TINYGRAD_BP_CACHE": folder}),
                ):
                    step = bp.compile(network, backend, [0, 1, 2])
                    step(*arrays(*size))
                    found = round(step.seconds, 3)
                    results.append(Result(PART, f"compiling, {case}", name, found, "s"))
                    if backend == "numba":
                        found = round(in_new_process(READY.format(size)), 3)
                        results.append(
                            Result(PART, f"ready from the cache, {case}", name, found, "s")
                        )
    return results


def measure() -> list[Result]:
    results = []
    for dtype in (np.float64, np.float32):
        for (case, (sizes, batch)), rounds in zip(SIZES.items(), (100, 60, 20), strict=True):
            runs = contenders(arrays(sizes, batch, dtype))
            losses = [run()[0].item() for name, run in runs.items() if name != "BLAS calls alone"]
            np.testing.assert_allclose(
                losses, losses[0], rtol=1e-4 if dtype is np.float32 else 1e-9
            )
            results += race(PART, f"{case}, {dtype.__name__}", runs, rounds)
    return [*results, *compiling(), *memory()]
