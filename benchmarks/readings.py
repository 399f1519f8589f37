"""How long each reading takes, of a chain and of a network, as they grow."""

import math
from time import process_time
from typing import Any

import numpy as np

import tinygrad_bp as bp

from .timing import Result

PART = "readings"
OPERATIONS = 250, 500, 1_000, 2_000

READINGS = {
    "explain": lambda loss: str(bp.explain(loss)),
    "source": lambda loss: str(bp.source(loss)),
    "derive, matrices": lambda loss: bp.derive(loss).markdown,
    "derive, components": lambda loss: bp.derive(loss, form="index").markdown,
    "draw": lambda loss: bp.draw(loss).svg,
    "play": lambda loss: bp.play(loss).html,
}


def chain(operations: int) -> Any:
    """Return the end of a chain of steps on one number."""
    y = bp.tensor(0.5, requires_grad=True, name="x")
    for i in range(operations):
        y = bp.sin(y) if i % 2 else y * 1.01
    return y


def network(operations: int) -> Any:
    """Return the loss of a network of layers tanh(W a + b)."""
    rng = np.random.default_rng(0)
    a = bp.tensor(rng.normal(size=(3, 1)), name="x")
    for i in range(1, operations // 3 + 1):
        W = bp.tensor(rng.normal(size=(3, 3)), requires_grad=True, name=f"W{i}")
        b = bp.tensor(rng.normal(size=(3, 1)), requires_grad=True, name=f"b{i}")
        a = bp.tanh(W @ a + b)
    return bp.square_sum(a)


def measure() -> list[Result]:
    results = []
    for build in (chain, network):
        for name, reading in READINGS.items():
            milliseconds = []
            sizes = OPERATIONS[:2] if name == "draw" else OPERATIONS  # it refuses a larger picture
            for operations in sizes:
                loss = build(operations)
                loss.backward()
                start = process_time()
                reading(loss)
                milliseconds.append(1e3 * (process_time() - start))
                case = f"{build.__name__}, {operations:,} operations"
                results.append(Result(PART, case, name, round(milliseconds[-1], 1), "ms"))
            spread = math.log(sizes[-1] / sizes[0])
            exponent = math.log(milliseconds[-1] / milliseconds[0]) / spread
            case = f"{build.__name__}, growth exponent"
            results.append(Result(PART, case, name, round(exponent, 2), ""))
    return results
