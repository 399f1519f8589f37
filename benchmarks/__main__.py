"""Run the benchmarks, print what they found, and write it as Markdown, JSON and a plot."""

import argparse
import json
import math
import platform
from ctypes import CDLL, c_char_p
from datetime import date
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from rich.console import Console
from rich.markdown import Markdown

from . import graphs, instructions, operations, readings, training, training_steps, worked_problem
from .timing import Result, installed

PARTS = {
    part.PART: part
    for part in (
        *(worked_problem, instructions, training_steps, training, operations, graphs, readings),
    )
}
PACKAGES = "numpy", "numba", "torch", "jax", "autograd", "mygrad"


def blas_kernel() -> str:
    """Return what OpenBLAS computes with on this processor, such as SkylakeX."""
    try:
        (path,) = (Path(np.__file__).parents[1] / "numpy.libs").glob("*openblas*")
        name = CDLL(str(path)).scipy_openblas_get_corename64_
    except (ValueError, OSError, AttributeError):
        return "unknown"
    name.restype = c_char_p
    return str(name().decode())


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(": ")[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def machine() -> dict[str, str]:
    versions = {name: version(name) for name in PACKAGES if installed(name)}
    return {
        "date": str(date.today()),
        "processor": processor(),
        "BLAS kernel": blas_kernel(),
        "Python": platform.python_version(),
        **versions,
    }


def cell(r: Result | None) -> str:
    if r is None:
        return ""
    if r.ratio is None:
        return f"{r.value:,g} {r.unit}".strip()
    if r.ratio == 1:
        return f"{r.value:,g} {r.unit}"
    return f"{r.ratio:.2f}" + f" ({r.low:.2f} to {r.high:.2f})" * (r.low != r.high)


def tables(results: list[Result]) -> str:
    """Write a table for each part: cases by contenders; the first has its time, others ratios."""
    text = ""
    for part, group in groupby(results, lambda r: r.part):
        found = {(r.case, r.contender): r for r in group}
        names = list(dict.fromkeys(contender for _, contender in found))
        rows = [["", *names], ["---"] * (len(names) + 1)]
        for case in dict.fromkeys(case for case, _ in found):
            rows.append([case, *(cell(found.get((case, name))) for name in names)])
        lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        text += f"\n## {part.capitalize()}\n\n{lines}\n"
    return text


def plot(results: list[Result], path: Path) -> None:
    """Draw the ratios of operations to PyTorch at the largest size."""
    from matplotlib.figure import Figure

    largest = f", {operations.SIZES[-1]:,}"
    ratios = {
        r.case.removesuffix(largest): r.ratio
        for r in results
        if r.part == operations.PART and r.case.endswith(largest) and r.contender == "tinygrad_bp"
    }
    if not ratios:
        return
    ordered = sorted(ratios, key=lambda name: ratios[name])
    figure = Figure(figsize=(7, 2 + len(ordered) / 6), layout="constrained")
    axes = figure.add_subplot()
    axes.barh(ordered, [ratios[name] for name in ordered])
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set(xscale="log", xlabel="time, in that of PyTorch eager", ylim=(-1, len(ordered)))
    axes.tick_params(axis="y", labelsize=6)
    figure.savefig(path)


def against(results: list[Result], path: Path) -> None:
    """Print whose ratio changed by more than both spreads, beside an earlier file."""
    earlier = {(r["part"], r["case"], r["contender"]): r for r in read(path)["results"]}
    for r in results:
        old = earlier.get((r.part, r.case, r.contender))
        if old and r.ratio is not None and (r.low > old["high"] or r.high < old["low"]):
            print(f"{r.part}, {r.case}: {r.contender} was {old['ratio']}, is {r.ratio}")


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of: {', '.join(PARTS)}")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to write the files")
    parser.add_argument("--against", type=Path, metavar="FILE", help="an earlier results.json")
    given = parser.parse_args()
    unknown = set(given.parts) - PARTS.keys()
    if unknown:
        parser.error(f"no part {sorted(unknown)}; there are {', '.join(PARTS)}")
    results, seconds = [], {}
    for part in given.parts or PARTS:
        start = perf_counter()
        results += PARTS[part].measure()
        seconds[part] = perf_counter() - start
    took = ", ".join(f"{part} {math.ceil(s / 60)} min" for part, s in seconds.items())
    where = {**machine(), "time that it took": took}
    text = "# Benchmarks\n\n" + "\n".join(f"- {name}: {value}" for name, value in where.items())
    text += "\n\nOne thread; CPU time; medians, and the spread of ratios to the first column.\n"
    text += tables(results)
    Console().print(Markdown(text))
    if given.against:
        against(results, given.against)
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "results.md").write_text(text, encoding="utf-8")
        kept = {"machine": where, "results": [r._asdict() for r in results]}
        (given.out / "results.json").write_text(json.dumps(kept) + "\n", encoding="utf-8")
        if installed("matplotlib"):
            plot(results, given.out / "operations.svg")


if __name__ == "__main__":
    main()
