"""What an operation costs in graphs that grow, in time and memory; and what starting up costs.

Recording and the reverse sweep should each take time linear in the number of operations.
"""

from statistics import median
from time import process_time
from typing import Any

import tinygrad_bp as bp

from .timing import Result, compared, in_new_process, installed

PART = "graphs"
LENGTHS = 10, 100, 1_000, 10_000, 100_000, 1_000_000

#: Python packages whose import is timed, each in fresh interpreters.
IMPORTS = "numpy", "tinygrad_bp", "autograd", "numba", "jax", "mygrad", "torch"


def chain(leaf: Any, length: int) -> Any:
    y = leaf(1.0, requires_grad=True)
    for _ in range(length):
        y = y * 1.0001
    return y


def wide(leaf: Any, length: int) -> Any:
    """Return a sum of numbers, added in pairs."""
    row = [leaf(1.0, requires_grad=True) for _ in range(length // 2 + 1)]
    while len(row) > 1:
        pairs = zip(row[::2], row[1::2], strict=False)
        row = [a + b for a, b in pairs] + row[len(row) // 2 * 2 :]
    return row[0]


def graphs() -> list[Result]:
    leaves = {"tinygrad_bp": bp.tensor}
    if installed("torch"):
        import torch

        torch.set_num_threads(1)
        leaves["PyTorch"] = torch.tensor
    results = []
    for build in (chain, wide):
        for length in LENGTHS:
            seconds: dict[str, list[float]] = {
                f"{name}{part}": [] for part in ("", ", recording alone") for name in leaves
            }
            for _ in range(min(max(20_000 // length, 1), 50)):
                for name, leaf in leaves.items():
                    start = process_time()
                    loss = build(leaf, length)
                    recorded = process_time() - start
                    loss.backward()
                    del loss
                    seconds[name].append((process_time() - start) / length)
                    seconds[f"{name}, recording alone"].append(recorded / length)
            case = f"{build.__name__}, {length:,} operations, each"
            first = seconds["tinygrad_bp"]
            results += [compared(PART, case, name, seconds[name], first) for name in seconds]
    return results


def memory() -> list[Result]:
    """Measure how much a recorded operation on one number raises a new process's peak."""
    code = """
import {0} as library
from benchmarks.timing import rise_of_peak
def chain():
    y = library.tensor(1.0, {1}=True) * 1.5
    for _ in range(200_000):
        y = y * 1.0001
print(rise_of_peak(chain) / 200_000)
"""
    libraries = {
        "tinygrad_bp": "requires_grad",
        "torch": "requires_grad",
    }
    case = "memory of an operation on one number"
    return [
        Result(PART, case, name, round(in_new_process(code.format(name, flag))), "bytes")
        for name, flag in libraries.items()
        if installed(name)
    ]


def start_up() -> list[Result]:
    """Measure the CPU time of an import, less that of an interpreter that imports nothing."""
    code = "import time\n{}\nprint(time.process_time())"
    results = []
    for name in filter(installed, IMPORTS):
        pairs = [
            (in_new_process(code.format(f"import {name}")), in_new_process(code.format("")))
            for _ in range(5)
        ]
        milliseconds = 1e3 * median(a - b for a, b in pairs)
        results.append(Result(PART, "import", name, round(milliseconds, 1), "ms"))
    return results


def measure() -> list[Result]:
    return [*start_up(), *memory(), *graphs()]
