"""What an operation costs in chains of a thousand to a million operations.

Recording, the reverse sweep and freeing the graph should each take time linear in the length. A
short chain is repeated until it has as many operations as the long one. Run it with

    python benchmarks/chain_length.py
"""

from statistics import median
from time import perf_counter

from rich.console import Console
from rich.table import Table

import tinygrad_bp as bp

LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
ROUNDS = 5


def chain(length):
    """Time the three phases of one chain; return seconds for each operation."""
    x = bp.tensor(1.0, requires_grad=True)
    start = perf_counter()
    y = x
    for _ in range(length):
        y = y + 1.0
    recorded = perf_counter()
    y.backward()
    swept = perf_counter()
    del y
    freed = perf_counter()
    return [t / length for t in (recorded - start, swept - recorded, freed - swept)]


def main():
    table = Table("operations", "record, ns", "backward, ns", "free, ns", "each / that of shortest")
    shortest = None
    for length in LENGTHS:
        runs = [chain(length) for _ in range(max(ROUNDS, 20_000 // length))]
        phases = [median(seconds) * 1e9 for seconds in zip(*runs, strict=True)]
        shortest = shortest or phases
        ratios = [f"{ns / first:.2f}" for ns, first in zip(phases, shortest, strict=True)]
        table.add_row(f"{length:,}", *(f"{ns:.0f}" for ns in phases), " ".join(ratios))
    Console().print(table)


if __name__ == "__main__":
    main()
