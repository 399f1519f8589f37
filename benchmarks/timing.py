"""How contenders are timed: in one process, in turn, in CPU time, as ratios within a round.

A busy machine slows down all contenders of a round, so a ratio is steadier than a time.
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from ctypes import CDLL
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any, NamedTuple


class Result(NamedTuple):
    """A figure: a median over rounds, and its ratio to the first contender's, with its spread."""

    part: str
    case: str
    contender: str
    value: float
    unit: str
    ratio: float | None = None
    low: float | None = None  # nine in ten ratios are larger
    high: float | None = None  # nine in ten are smaller


def installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def race(
    part: str, case: str, runs: dict[str, Callable[[], Any]], rounds: int = 30, least: float = 2e-3
) -> list[Result]:
    """Time contenders in turn; a turn is as many calls as the first needs to run ``least`` s."""
    for run in runs.values():  # the first calls import and compile
        run()
        run()
    first = next(iter(runs))
    start = process_time()
    runs[first]()
    calls = 1 + int(least / max(process_time() - start, 1e-6))
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = process_time()
            for _ in range(calls):
                run()
            seconds[name].append((process_time() - start) / calls)
    return [compared(part, case, name, seconds[name], seconds[first]) for name in runs]


def compared(
    part: str, case: str, contender: str, seconds: list[float], first: list[float]
) -> Result:
    ratios = sorted(a / max(b, 1e-9) for a, b in zip(seconds, first, strict=True))
    tenth = len(ratios) // 10
    spread = round(ratios[tenth], 3), round(ratios[-1 - tenth], 3)
    microseconds = round(1e6 * median(seconds), 2)
    return Result(part, case, contender, microseconds, "µs", round(median(ratios), 3), *spread)


def in_new_process(code: str) -> float:
    """Return the number that a fresh interpreter prints; it may cache what it compiles."""
    cached = {name: v for name, v in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    found = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, env=cached
    )
    return float(found.stdout)


def rise_of_peak(run: Callable[[], Any]) -> float:
    """Return by how many bytes a second call raises this process's peak memory; on Linux alone.

    What the first call left free goes back to the system, and the peak is set back: a new process
    begins with that of the process that started it.
    """
    run()
    CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status")

    def kilobytes(what: str) -> int:
        return int(status.read_text(encoding="utf-8").partition(f"{what}:")[2].split()[0])

    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    before = kilobytes("VmRSS")
    run()
    return 1024.0 * (kilobytes("VmHWM") - before)
