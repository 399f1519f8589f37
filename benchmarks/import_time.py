"""What importing the package costs, beside importing NumPy alone.

Each is imported in a fresh interpreter, in turn; the figures are medians of whole processes, less
an interpreter that imports nothing. Run it with

    python benchmarks/import_time.py
"""

import os
import subprocess
import sys
from statistics import median
from time import perf_counter

ROUNDS = 30
CODE = {"nothing": "pass", "NumPy": "import numpy", "tinygrad_bp": "import tinygrad_bp"}


def seconds(code):
    """Time a fresh interpreter; it caches what it compiles, as an installed package has it."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    start = perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    return perf_counter() - start


def main():
    for code in CODE.values():  # once uncounted: compile, and fill the disk cache
        seconds(code)
    rounds = [{name: seconds(code) for name, code in CODE.items()} for _ in range(ROUNDS)]
    ms = {name: median(times[name] for times in rounds) * 1e3 for name in CODE}
    for name in ("NumPy", "tinygrad_bp"):
        print(f"{name:12} {ms[name] - ms['nothing']:6.1f} ms")
    ratio = (ms["tinygrad_bp"] - ms["nothing"]) / (ms["NumPy"] - ms["nothing"])
    print(f"ratio        {ratio:6.2f}, whole process {ms['tinygrad_bp'] / ms['NumPy']:.2f}")


if __name__ == "__main__":
    main()
