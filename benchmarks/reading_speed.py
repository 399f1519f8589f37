"""How long each reading of a graph of 1,000 operations takes, next to the passes themselves.

A chain has one parameter; a network has a matrix and a bias for each of its 333 layers. Run it with

    python benchmarks/reading_speed.py [OPERATIONS]
"""

import sys
from functools import partial
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

import tinygrad_bp as bp

SECONDS = 2.0

READINGS = {
    "explain": lambda loss: str(bp.explain(loss)),
    "source": lambda loss: str(bp.source(loss)),
    "derive, matrices": lambda loss: bp.derive(loss).markdown,
    "derive, components": lambda loss: bp.derive(loss, form="index").markdown,
    "draw": lambda loss: bp.draw(loss).svg,
    "draw, as text": lambda loss: str(bp.draw(loss)),
    "play": lambda loss: bp.play(loss).html,
}


def chain(operations):
    """Return the end of a chain of steps on one number."""
    y = bp.tensor(0.5, requires_grad=True, name="x")
    for i in range(operations):
        y = bp.sin(y) if i % 2 else y * 1.01
    return y


def network(operations):
    """Return the loss of a network of layers tanh(W a + b)."""
    rng = np.random.default_rng(0)
    a = bp.tensor(rng.normal(size=(3, 1)), name="x")
    for i in range(1, operations // 3 + 1):
        W = bp.tensor(rng.normal(size=(3, 3)), requires_grad=True, name=f"W{i}")
        b = bp.tensor(rng.normal(size=(3, 1)), requires_grad=True, name=f"b{i}")
        a = bp.tanh(W @ a + b)
    return bp.square_sum(a)


def seconds(run):
    """Return how long a call takes, and what it returns."""
    start = perf_counter()
    result = run()
    return perf_counter() - start, result


def main():
    operations = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    table = Table("graph", "reading", "seconds", "ratio to both passes", "at most", "bound")
    for build in (chain, network):
        forward, loss = seconds(partial(build, operations))
        backward, _ = seconds(loss.backward)
        for name, reading in READINGS.items():
            time, _ = seconds(partial(reading, loss))
            table.add_row(
                build.__name__,
                name,
                f"{time:.2f}",
                f"{time / (forward + backward):.0f}",
                f"{SECONDS:g} s" if operations == 1000 else "",
                ("met" if time <= SECONDS else "missed") if operations == 1000 else "",
            )
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
