"""How long it takes to grade a class: beside starting Python and NumPy once for each submission.

Two hundred submissions of the worked problem, half of them with a slip, are graded in processes of
their own. The figures are CPU time, of the grader and of the processes together. Run it with

    python -m benchmarks.grading

Two processors should take 20 s at most, where they start Python and NumPy 200 times in 12 s. Where
that takes longer or less, so may the class: the exit status is 1 if it takes more than in that
ratio.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from tinygrad_bp.grading.assignment import Assignment
from tinygrad_bp.grading.classroom import grade_class

SUBMISSIONS = 200

#: Of the seconds for the class to those for as many starts.
MOST = 20 / 12

RIGHT = """\
def gradients(W2, W3, x, a1, a2, y_hat, y):
    dy_hat = -2 * (y - y_hat)
    dz3 = y_hat * (dy_hat - (y_hat * dy_hat).sum(0))
    dz2 = W3.T @ dz3 * a2 * (1 - a2)
    dz1 = W2.T @ dz2 * a1 * (1 - a1)
    return {"z3": dz3, "W3": dz3 @ a2.T, "W2": dz2 @ a1.T, "W1": dz1 @ x.T}
"""
WRONG = RIGHT.replace("(dy_hat - (y_hat * dy_hat).sum(0))", "(1 - y_hat) * dy_hat")


def cpu_seconds() -> float:
    return sum(os.times()[:4])


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"s{i}.py") for i in range(SUBMISSIONS)]
        for i, path in enumerate(paths):
            path.write_text(WRONG if i % 2 else RIGHT)
        assignment = Assignment()
        before, begun = cpu_seconds(), perf_counter()
        classroom = grade_class(paths, assignment)
        graded, wall = cpu_seconds() - before, perf_counter() - begun
        assert sum(report.passed for report in classroom.reports) == SUBMISSIONS // 2
    before = cpu_seconds()
    for _ in range(SUBMISSIONS):
        subprocess.run([sys.executable, "-c", "import numpy"], check=True)
    started = cpu_seconds() - before
    print(f"{SUBMISSIONS} submissions, on {os.cpu_count()} processors: {wall:.1f} s")
    print(f"CPU time of each: {graded / SUBMISSIONS:.3f} s, to grade it in a process of its own")
    print(f"                  {started / SUBMISSIONS:.3f} s, to start Python and NumPy")
    ratio = graded / started
    print(f"two processors: {graded / 2:.1f} s, and {started / 2:.1f} s to start as often")
    print(f"ratio: {ratio:.2f}, and {MOST:.2f} at most: {'holds' if ratio <= MOST else 'TOO SLOW'}")
    return int(ratio > MOST)


if __name__ == "__main__":
    sys.exit(main())
