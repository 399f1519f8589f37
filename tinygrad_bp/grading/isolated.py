"""A submission in a file, run in a process of its own: a stranger's code, whatever it does.

The process finds the points in one file and leaves its answers in another. It is ended when its
time is up or when it has printed too much; the system limits its memory, its files and its further
processes. How much it leaves is checked before it is read, and it is read as numbers, which are
judged here: nothing that a submission prints or changes can reach a verdict.

These limits keep mistakes and mischief from holding up a class. They are no sandbox: a submission
runs as the user who grades, and can read, write and send what that user can. Against that, run the
grader in a container; ``docs/grading_a_class.md`` says how.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..notation.numbers import printable
from .child import LARGEST_ANSWER, MODULE
from .exchange import packed, unpacked
from .submission import Answers, Point, answers_from

#: A process that has not come to the submission after so many seconds never will.
START = 60.0

#: So long may a process that is stopped take to write down its line, in seconds.
GRACE = 2.0

#: How often a process is looked after, in seconds.
TICK = 0.01

#: A submission has no more bytes than this.
LARGEST = 1_000_000

#: Of each text that a process delivers, no more characters than this are shown.
LONGEST = 1000

#: What the interpreter runs: it finds this package and NumPy where we have found them.
BOOTSTRAP = (
    "import sys; sys.path[:0] = sys.argv[2:]; "
    "from tinygrad_bp.grading.child import main; main(sys.argv[1])"
)


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Parameters
    ----------
    seconds
        For its answers at all points together; starting Python is not counted.
    memory
        In MB, beyond what Python and NumPy take.
    output
        How much it may print, in bytes.

    Raises
    ------
    ValueError
        If no submission could be run within them.
    """

    seconds: float = 10.0
    memory: int = 1024
    output: int = 1_000_000

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise ValueError(f"the seconds must be more than 0, not {self.seconds}")
        if self.memory < 64:
            raise ValueError(f"the memory must be at least 64 MB, not {self.memory}")
        if self.output < 0:
            raise ValueError(f"the output must be at least 0 bytes, not {self.output}")


class IsolatedFile:
    r"""A submission in a file: each call of `answers_at` runs it in a process of its own.

    The file is read once, here, so what happens to it later has no effect.

    Parameters
    ----------
    path
        A Python file with a function whose parameters are quantities by name, and which returns a
        mapping from name to gradient.
    limits
        What it may use.
    function
        The name of the function; if left out, ``gradients``, or else the only public one.

    Raises
    ------
    ValueError
        If there is no such file, or if it is too large.

    Examples
    --------
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "square.py")
    >>> _ = path.write_text("def gradients(x):\n    return {'x': 2 * x}")
    >>> [answers] = IsolatedFile(path).answers_at([{"x": np.array([1.0, 2.0])}])
    >>> answers.values["x"]
    array([2., 4.])
    >>> _ = path.write_text("def gradients(x):\n    while True: pass")
    >>> [answers] = IsolatedFile(path, Limits(seconds=0.5)).answers_at([{"x": np.ones(2)}])
    >>> answers.failure
    'it was still running after 0.5 s, in line 2: while True: pass'
    >>> folder.cleanup()
    """

    def __init__(
        self, path: str | Path, limits: Limits | None = None, function: str | None = None
    ) -> None:
        self.path = Path(path).absolute()
        self.limits = limits or Limits()
        self.function = function
        if not self.path.is_file():
            raise ValueError(f"{path} is no file")
        with self.path.open("rb") as file:
            self.source = file.read(LARGEST + 1)
        if len(self.source) > LARGEST:
            raise ValueError(f"{path} is too large for a submission: more than {LARGEST:,} bytes")

    def answers_at(self, points: Sequence[Point]) -> list[Answers]:
        """Return the answers at each point, all from one process.

        Parameters
        ----------
        points
            The value of each quantity by its name, a mapping for each point.

        Returns
        -------
        list of Answers
            One for each point. If the process ends without delivering them, each has the same
            failure, which says why.

        Raises
        ------
        RuntimeError
            If the process fails before it comes to the submission.
        """
        values = [value for point in points for value in point.values()]
        # As text an answer is a third larger, and it may have twice its quantity's entries.
        most = 1_000_000 + sum(4 * max(value.nbytes, 8 * LARGEST_ANSWER) for value in values)
        with folder() as place:
            (place / "work").mkdir()
            copy = place / "work" / f"{MODULE}.py"
            copy.write_bytes(self.source)
            request = {
                "file": str(copy),
                "folder": str(self.path.parent),
                "function": self.function,
                "answers": str(place / "answers"),
                "trace": str(place / "trace"),
                "seconds": self.limits.seconds,
                "memory": self.limits.memory * 1_000_000,
                "file_size": max(most, self.limits.output) + 1,
                "points": [{name: packed(a) for name, a in point.items()} for point in points],
            }
            with Process(place, json.dumps(request)) as process:
                try:
                    process.wait(self.limits)
                    return process.delivered(most, points)
                except FailureError as failure:
                    reason = f"{failure}{self.line(process.trace())}"
                    return [Answers(failure=reason)] * len(points)

    def line(self, trace: str) -> str:
        """Return which line of the submission a trace names first, which is the innermost."""
        found = re.search(rf'{MODULE}\.py", line (\d+)', trace)
        if not found:
            return ""
        number = int(found[1])
        lines = self.source.decode("utf-8", "replace").splitlines()
        quoted = f": {lines[number - 1].strip()}" if 0 < number <= len(lines) else ""
        return f", in {printable(f'line {number}{quoted}')}"


@contextmanager
def folder() -> Iterator[Path]:
    """Make a folder, and remove it with all that a submission has left there."""
    place = Path(tempfile.mkdtemp(prefix="tinygrad-bp-")).resolve()
    try:
        yield place
    finally:
        with suppress(RecursionError):  # folders in folders, thousands deep
            shutil.rmtree(place, ignore_errors=True)


class FailureError(Exception):
    """A submission has not delivered its answers; the text says why."""


class Process:
    """The process of a submission, which ends with the ``with`` statement.

    Parameters
    ----------
    place
        A folder that holds the folder ``work`` for the process to be in. The files through which we
        speak are made here and kept open: whatever a submission puts in their place is not looked
        at.
    request
        What is asked of it. It empties this file when it comes to the submission.
    """

    def __init__(self, place: Path, request: str) -> None:
        self.request, self.answers, self.traced, self.printed = (
            (place / name).open("xb+") for name in ("request", "answers", "trace", "printed")
        )
        self.request.write(request.encode())
        self.request.flush()
        roots = dict.fromkeys((str(Path(__file__).parents[2]), str(Path(np.__file__).parents[1])))
        python = (sys.executable, "-I", "-B", "-X", "utf8", "-c", BOOTSTRAP)
        self.child = subprocess.Popen(
            [*python, str(place / "request"), *roots],
            cwd=place / "work",
            env=environment(place / "work"),
            stdin=subprocess.DEVNULL,
            stdout=self.printed,
            stderr=self.printed,
            start_new_session=True,  # a group of its own, to be ended as one
        )

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        if self.child.returncode is None:
            self.end()
        for file in (self.request, self.answers, self.traced, self.printed):
            file.close()

    def wait(self, limits: Limits) -> None:
        """Wait until the process has ended, and end it if it oversteps what is watched from here.

        Raises
        ------
        FailureError
            If it did not end by itself, after delivering.
        RuntimeError
            If it did not come to the submission.
        """
        ready = late = False
        since = time.monotonic()
        while self.child.poll() is None and not late and size(self.printed) <= limits.output:
            time.sleep(TICK)
            if not ready and not size(self.request):
                ready, since = True, time.monotonic()
            late = time.monotonic() - since > (limits.seconds if ready else START)
        self.end()
        if size(self.printed) > limits.output:
            raise FailureError(f"it printed more than {limits.output:,} bytes")
        if not ready and size(self.request):
            self.printed.seek(0)
            said = self.printed.read().decode("utf-8", "replace").strip().splitlines()
            why = said[-1] if said else "it said nothing"  # or else the last line of a traceback
            raise RuntimeError(f"the process did not come to the submission: {why}")
        if late:
            raise FailureError(f"it was still running after {limits.seconds:g} s")
        if self.child.returncode or not size(self.answers):
            raise FailureError(ending(self.child.returncode))

    def end(self) -> None:
        """End the process, and those that it has started and that have not left its group."""
        if hasattr(os, "killpg"):
            if self.child.poll() is None:
                self.child.send_signal(signal.SIGABRT)  # upon which it writes down its line
                with suppress(subprocess.TimeoutExpired):
                    self.child.wait(GRACE)
            with suppress(ProcessLookupError, PermissionError):  # nobody there any more
                os.killpg(self.child.pid, signal.SIGKILL)
        self.child.kill()
        self.child.wait()

    def delivered(self, most: int, points: Sequence[Point]) -> list[Answers]:
        """Return the answers that the process has left, of at most so many bytes.

        Raises
        ------
        FailureError
            If they are more, or anything else than answers.
        """
        if size(self.answers) > most:
            raise FailureError(f"its answers take more than {most:,} bytes")
        self.answers.seek(0)
        try:
            data = json.loads(self.answers.read(most))
            return [read(part, point) for part, point in zip(data, points, strict=True)]
        except Exception:  # it may be anything at all
            raise FailureError("what it delivered cannot be read as answers") from None

    def trace(self) -> str:
        """Return where the process was when a signal ended it, as Python writes it."""
        self.traced.seek(0)
        return self.traced.read(100_000).decode("ascii", "replace")


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a submission: nothing of ours but what Python needs to start."""
    kept = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    libraries = ("OPENBLAS_NUM", "OMP_NUM", "MKL_NUM", "VECLIB_MAXIMUM")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        **{f"{library}_THREADS": "1" for library in libraries},  # a class is parallel enough
        **dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP"), str(home)),
    }


def size(file: BinaryIO) -> int:
    """Return how many bytes an open file has."""
    return os.fstat(file.fileno()).st_size


def ending(status: int) -> str:
    """Say how a process has ended that has not delivered."""
    if status >= 0:
        return f"its process ended before its answers were there (exit status {status})"
    by = {
        "SIGXCPU": "it used too much processor time",
        "SIGXFSZ": "it wrote too large a file, or too much in its answers",
        "SIGKILL": "it was killed, by itself or because the memory of the machine was used up",
    }
    name = signal.Signals(-status).name if -status in {*signal.Signals} else f"signal {-status}"
    return by.get(name, f"its process was ended by {name}")


def read(data: Any, point: Point) -> Answers:
    """Return the answers at a point from what was delivered; raise whatever if they are none."""
    given = {printable(name): unpacked(array) for name, array in data["values"].items()}
    refused = data["unreadable"].items()
    unreadable = {printable(name): printable(why, LONGEST) for name, why in refused}
    failure = data["failure"]
    answers = answers_from(given, point)  # again: it was not necessarily our code that delivered
    return Answers(
        {name: array for name, array in answers.values.items() if name not in unreadable},
        {**answers.unreadable, **unreadable},
        None if failure is None else printable(failure, LONGEST),
    )
