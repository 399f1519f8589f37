"""How fast an older version of the package was and this one is: eager, imported, and read.

    python benchmarks/old_and_new.py OLD_FOLDER [ROUNDS]

OLD_FOLDER is a checkout of the older version, or the folder in it that holds tinygrad_bp, such as
src. Each figure is a median over rounds. In a round both versions are timed in turn, each in a
fresh interpreter on one BLAS thread, so that a busy machine slows down both. The eager passes are
those of worked_problem_speed.py, the graphs and the readings those of reading_speed.py.
"""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve()
OPERATIONS = 100
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def time_eager():
    """Return the microseconds of a forward and backward pass for each case, a median."""
    import worked_problem_speed as speed

    figures = {}
    for sizes, batch, runs, _ in speed.CASES:
        tensors, seconds = speed.tensors(sizes, batch), []
        for _ in range(runs // 10):
            start = perf_counter()
            speed.by_engine(*tensors)
            seconds.append(perf_counter() - start)
        figures[f"pass, {'-'.join(map(str, sizes))}, batch {batch} (µs)"] = 1e6 * median(seconds)
    return figures


def time_readings():
    """Return the milliseconds of each reading of a chain and of a network; the second of two."""
    import reading_speed as speed

    figures = {}
    for build in (speed.chain, speed.network):
        loss = build(OPERATIONS)
        loss.backward()
        for name, reading in speed.READINGS.items():
            _, (time, _) = (speed.seconds(partial(reading, loss)) for _ in range(2))
            figures[f"{name}, {build.__name__} of {OPERATIONS} (ms)"] = 1e3 * time
    return figures


def figures_of(folder):
    """Time the version in a folder, in fresh interpreters that find it first."""
    environment = os.environ | dict.fromkeys(THREADS, "1") | {"PYTHONPATH": str(folder)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as an installed package has it
    run = partial(subprocess.run, check=True, env=environment, stdout=subprocess.PIPE, text=True)
    start = perf_counter()
    run([sys.executable, "-c", "import tinygrad_bp"])
    figures = {"import, whole process (ms)": 1e3 * (perf_counter() - start)}
    return figures | json.loads(run([sys.executable, HERE, "--worker", folder]).stdout)


def work(folder):
    """Print the figures of the version that this interpreter imports, which must be this one."""
    import tinygrad_bp as bp

    assert Path(folder) in Path(bp.__file__).parents, f"{bp.__file__} is not in {folder}"
    print(json.dumps(time_eager() | time_readings()))


def package_folder(given):
    """Return the folder that holds the package: the given one, or src in it."""
    for folder in (Path(given), Path(given, "src")):
        if (folder / "tinygrad_bp" / "__init__.py").exists():
            return folder.resolve()
    raise SystemExit(f"there is no tinygrad_bp in {given}")


def main():
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    folders = {"old": package_folder(sys.argv[1]), "new": package_folder(HERE.parents[1])}
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    for folder in folders.values():  # once uncounted: compile, and fill the disk cache
        figures_of(folder)
    found = {"old": [], "new": []}
    for i in range(rounds):
        for name in (("old", "new"), ("new", "old"))[i % 2]:
            found[name].append(figures_of(folders[name]))
    table = Table("what", "old", "new", "new / old")
    for column in table.columns[1:]:
        column.justify = "right"
    for what in found["new"][0]:
        old, new = (median(figures[what] for figures in found[name]) for name in ("old", "new"))
        table.add_row(what, f"{old:.1f}", f"{new:.1f}", f"{new / old:.2f}")
    Console().print(table)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        work(sys.argv[2])
    else:
        main()
