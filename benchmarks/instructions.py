"""How many instructions a pass of the smallest worked problem takes, counted by Callgrind.

A count depends on the code alone, and not on what else the machine does. It needs valgrind; where
that is missing, this part is skipped. Callgrind writes its count to a file before each call of
`getppid`, a function of the C library that nothing else here calls.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from .timing import Result
from .worked_problem import SIZES

PART = "instructions"
CALLS = 50
CONTENDERS = "by hand", "tinygrad_bp", "bp.compile, NumPy"

#: Calls nothing first, as the loop takes instructions too. Cyclic garbage is left out.
CODE = """
import gc, os
from benchmarks.worked_problem import CONTENDERS, SIZES, arrays
given = arrays(*next(iter(SIZES.values())))
runs = [lambda: None, *(CONTENDERS[name][1](given) for name in {names})]
for run in runs:
    for _ in range(20):
        run()
gc.collect()
gc.disable()
for run in runs:
    os.getppid()
    for _ in range({calls}):
        run()
os.getppid()
"""


def counted(names: tuple[str, ...]) -> list[float]:
    """Return how many instructions a call of each contender takes."""
    with TemporaryDirectory() as folder:
        subprocess.run(
            [
                *("valgrind", "--tool=callgrind", "--dump-before=getppid"),
                f"--callgrind-out-file={folder}/out",
                *(sys.executable, "-c", CODE.format(names=names, calls=CALLS)),
            ],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        files = [Path(folder, f"out.{k}") for k in range(2, len(names) + 3)]  # the first: imports
        texts = [file.read_text(encoding="utf-8") for file in files]
    empty, *totals = (int(re.findall(r"^totals: (\d+)", text, re.M)[-1]) for text in texts)
    return [(total - empty) / CALLS for total in totals]


def measure() -> list[Result]:
    if not which("valgrind"):
        print("instructions: skipped, as valgrind is not installed")
        return []
    found = counted(CONTENDERS)
    case = next(iter(SIZES))
    return [
        Result(PART, case, name, round(count), "instructions", *(round(count / found[0], 4),) * 3)
        for name, count in zip(CONTENDERS, found, strict=True)
    ]
