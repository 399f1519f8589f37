"""How fast compiled programs are: beside NumPy by hand, the step's BLAS calls, JAX and PyTorch.

One forward and backward pass of the worked problem at three sizes, and a whole step of training
with Adam; float64, one thread. All contenders that are installed run in one process, in turn,
through the function that a user calls. The figures are medians of ratios within a round, in CPU
time. Run it with

    python -m benchmarks.compiled_speed

With the name of a contender, such as ``numpy`` or ``torch``, it prints by how many megabytes three
calls at the largest size raise the peak memory of a new process.

    python -m benchmarks.compiled_speed
"""

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # read when NumPy is imported
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import importlib.util
import resource
import sys
from statistics import median
from time import process_time_ns

import numpy as np
from rich.console import Console
from rich.table import Table

import tinygrad_bp as bp

from .worked_problem import SIZES, arrays, by_hand

HAS = {name: importlib.util.find_spec(name) is not None for name in ("numba", "jax", "torch")}


def network(W1, W2, W3, x, y):
    a2 = bp.sigmoid(W2 @ bp.sigmoid(W1 @ x))
    return bp.square_sum(y - bp.softmax(W3 @ a2, axis=0))


def products(W1, W2, W3, x, y):
    """Return a function that makes the products of the step alone: the floor on one thread."""
    shapes = [(len(W), x.shape[1]) for W in (W1, W2, W3)]
    z1, z2, z3 = (np.ones(shape) for shape in shapes)
    d1, d2 = np.ones_like(z1), np.ones_like(z2)
    g1, g2, g3 = (np.empty_like(W) for W in (W1, W2, W3))

    def run(*_):
        np.dot(W1, x, out=z1)
        np.dot(W2, z1, out=z2)
        np.dot(W3, z2, out=z3)
        np.dot(z3, z2.T, out=g3)
        np.dot(W3.T, z3, out=d2)
        np.dot(d2, z1.T, out=g2)
        np.dot(W2.T, d2, out=d1)
        np.dot(d1, x.T, out=g1)

    return run


def in_jax(as_jax):
    """Return the same jitted by JAX, given arrays of JAX's own or NumPy's."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def loss(W1, W2, W3, x, y):
        a1 = jax.nn.sigmoid(W1 @ x)
        a2 = jax.nn.sigmoid(W2 @ a1)
        return jnp.sum((y - jax.nn.softmax(W3 @ a2, axis=0)) ** 2)

    step = jax.jit(jax.value_and_grad(loss, (0, 1, 2)))
    held = []

    def run(*given):
        if as_jax and not held:
            held.extend(map(jnp.asarray, given))
        given = held or given
        return jax.block_until_ready(step(*given))

    return run


def finished(compiled):
    """Return a function that waits for the results, as JAX computes them in the background."""
    import jax

    return lambda *given: jax.block_until_ready(compiled(*given))


def in_torch(*given):
    """Return the same by PyTorch, eager."""
    import torch

    torch.set_num_threads(1)
    W1, W2, W3, x, y = (torch.tensor(a, requires_grad=i < 3) for i, a in enumerate(given))

    def run(*_):
        a2 = torch.sigmoid(W2 @ torch.sigmoid(W1 @ x))
        loss = ((y - torch.softmax(W3 @ a2, dim=0)) ** 2).sum()
        return loss, torch.autograd.grad(loss, (W1, W2, W3))

    return run


def contenders(given):
    """Return who runs, by name: functions of the arrays."""
    runs = {"by hand": by_hand, "its BLAS calls": products(*given)}
    runs["value_and_grad"] = bp.value_and_grad(network, [0, 1, 2])
    runs["numpy"] = bp.compile(network, "numpy", [0, 1, 2])
    if HAS["numba"]:
        runs["numba"] = bp.compile(network, "numba", [0, 1, 2])
    if HAS["jax"]:
        runs["jax"] = finished(bp.compile(network, "jax", [0, 1, 2]))
        runs["jax.jit"], runs["jax.jit, NumPy arrays"] = in_jax(True), in_jax(False)
    if HAS["torch"]:
        runs["torch"] = in_torch(*given)
    return runs


# ---- A step of training ----


def adam_by_hand(weights, states, x, labels, lr):
    """Return the loss, and the next weights and states, of a network of one hidden layer."""
    W1, b1, W2, b2 = weights
    z1 = x @ W1 + b1
    h = np.maximum(z1, 0)
    z = h @ W2 + b2
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    total = e.sum(axis=1, keepdims=True)
    n = np.arange(len(labels))
    loss = -(z[n, labels] - np.log(total[:, 0])).mean()
    d = e / total
    d[n, labels] -= 1
    d /= len(labels)
    dz1 = (d @ W2.T) * (z1 > 0)
    gradients = (x.T @ dz1, dz1.sum(axis=0), h.T @ d, d.sum(axis=0))
    new_weights, new_states = [], []
    for w, g, state in zip(weights, gradients, states, strict=True):
        t = state["t"] + 1
        m = 0.9 * state["m"] + 0.1 * g
        v = 0.999 * state["v"] + 0.001 * g * g
        new_weights.append(w - lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8))
        new_states.append({"t": t, "m": m, "v": v})
    return loss, new_weights, new_states


def training_step():
    """Return who runs the step, by name, and its arguments: 64-64-10, 32 samples."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape) * 0.1 for shape in ((64, 64), (64,), (64, 10), (10,))]
    optimizer = bp.optim.Adam([bp.tensor(w, requires_grad=True) for w in weights], lr=1e-3)

    def step(weights, states, x, labels, lr):
        def loss(W1, b1, W2, b2):
            return bp.cross_entropy(bp.relu(x @ W1 + b1) @ W2 + b2, labels)

        value, gradients = bp.value_and_grad(loss, range(4))(*weights)
        triples = zip(weights, gradients, states, strict=True)
        updated = [optimizer.update(w, g, state, lr) for w, g, state in triples]
        return value, [w for w, _ in updated], [state for _, state in updated]

    states = [{**state, "t": np.array(1)} for state in optimizer.states]
    x, labels = rng.normal(size=(32, 64)), rng.integers(0, 10, 32)
    runs = {"by hand": adam_by_hand, "numpy": bp.compile(step, "numpy", None)}
    if HAS["numba"]:
        runs["numba"] = bp.compile(step, "numba", None)
    return runs, (weights, states, x, labels, 1e-3)


# ---- Measuring ----


def medians(runs, given, rounds, times):
    """Return microseconds by name, each a list over rounds in which all run in turn."""
    found = {name: [] for name in runs}
    for run in runs.values():
        run(*given)
    for _ in range(rounds):
        for name, run in runs.items():
            start = process_time_ns()
            for _ in range(times):
                run(*given)
            found[name].append((process_time_ns() - start) / times / 1000)
    return found


def report(title, found):
    table = Table("", "µs", "to by hand", "spread", title=title)
    for name, figures in found.items():
        ratios = sorted(a / b for a, b in zip(figures, found["by hand"], strict=True))
        spread = f"{ratios[len(ratios) // 10]:.2f} to {ratios[-1 - len(ratios) // 10]:.2f}"
        table.add_row(name, f"{median(figures):.1f}", f"{median(ratios):.3f}", spread)
    if "numba" in found and "its BLAS calls" in found:
        pairs = zip(found["numba"], found["its BLAS calls"], strict=True)
        table.add_row("numba, to its BLAS calls", "", f"{median(a / b for a, b in pairs):.3f}", "")
    Console(width=90).print(table)


def blas_kernel():
    from ctypes import CDLL, c_char_p
    from pathlib import Path

    try:
        (path,) = (Path(np.__file__).parents[1] / "numpy.libs").glob("*openblas*")
        library = CDLL(str(path))
        name = library.scipy_openblas_get_corename64_
    except (ValueError, OSError, AttributeError):
        return "unknown"
    name.restype = c_char_p
    return name().decode()


def peak(name):
    """Print by how many megabytes a contender's calls raise the peak of this process, at L."""
    sizes, batch = list(SIZES.values())[-1]
    given = arrays(sizes, batch)
    run = contenders(given)[name]
    small = arrays((2, 3, 3, 2), 1)
    if name not in ("torch", "its BLAS calls"):
        run(*small)  # loads what is loaded in the first call
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(3):
        kept = run(*given)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert kept
    print((after - before) / 1024)


def main():
    if len(sys.argv) > 1:
        peak(sys.argv[1])
        return
    print(f"NumPy {np.__version__}, BLAS kernel {blas_kernel()}, one thread, float64")
    for (sizes, batch), rounds, times in zip(
        SIZES.values(), (200, 100, 60), (20, 10, 1), strict=True
    ):
        given = arrays(sizes, batch)
        runs = contenders(given)
        report(f"{'-'.join(map(str, sizes))}, {batch} samples", medians(runs, given, rounds, times))
        for name in ("numpy", "numba"):
            if name in runs:
                print(f"{name}: written and compiled in {runs[name].seconds:.2f} s of CPU time")
    report("a step of Adam, 64-64-10, 32 samples", medians(*training_step(), 100, 5))


if __name__ == "__main__":
    main()
