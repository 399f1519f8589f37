"""A submission in a file, run in a process of its own: a stranger's code, whatever it does.

The process finds the points in one file and leaves its answers in another. It ends itself when its
time is up; the system limits its memory, its files and its further processes. How much it leaves is
checked before it is read, and it is read as numbers, which are judged here: nothing that a
submission prints or changes can reach a verdict.

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
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import Any, BinaryIO

import numpy as np

from ..notation.numbers import printable
from .child import (
    ANSWERS,
    MODULE,
    REQUEST,
    SOURCE,
    TRACE,
    everyone_can_reach,
    pack,
    runs_as_root,
    unpack,
)
from .limits import LARGEST_SOURCE, LONGEST_REASON, MOST_STRAYS, Limits
from .marks import find_imports, find_marks
from .submission import Answers, Order, Point, read_answers

#: The seconds that Python may take to start. On a machine with twenty processes for each core it
#: takes ten; a process that needs more is stuck, or hides that its time is up.
START = 60.0

#: The seconds that it gets on top of its own, to end itself.
SPARE = 1.0

#: What the interpreter runs. It finds NumPy and this package where we have found them; and of this
#: package it runs four files, and not ``__init__``, as importing all of it takes as long as NumPy.
BOOTSTRAP = """
import sys, types
package = sys.modules["tinygrad_bp"] = types.ModuleType("tinygrad_bp")
package.__path__ = [sys.argv[2] + "/tinygrad_bp"]
sys.path[:0] = sys.argv[2:]
from tinygrad_bp.grading.child import main
main(sys.argv[1])
"""

#: The files beside a submission that it may import, and their bytes in all.
MOST_HELPERS, LARGEST_HELPERS = 50, 2_000_000


class IsolatedFile:
    """A submission in a file: each call of `answers_at` runs it in a process of its own.

    The file defines a function whose parameters are quantities by name, and which returns
    gradients: it is called ``gradients`` if no name is given, or else its parameters tell which it
    is. The file and the ``helpers`` that it may import, by default the Python files beside it, are
    read once, here, so what happens to them later has no effect.
    """

    def __init__(
        self,
        path: str | Path,
        limits: Limits | None = None,
        function: str | None = None,
        helpers: Mapping[str, bytes] | None = None,
    ) -> None:
        self.path, self.limits, self.function = Path(path).absolute(), limits or Limits(), function
        if not self.path.is_file():
            raise ValueError(f"{path} is no file")
        if self.path.suffix != ".py":
            raise ValueError(
                f"{self.path.name} is not read. Hand in a .py file, or a document: .md, .tex, "
                ".ipynb or .txt."
            )
        with self.path.open("rb") as file:
            self.source = file.read(LARGEST_SOURCE + 1)
        if len(self.source) > LARGEST_SOURCE:
            most = f"{LARGEST_SOURCE:,} bytes"
            raise ValueError(f"{path} is too large for a submission (over {most})")
        self.marks = find_marks(self.source)
        self.helpers = read_helpers(self.path.parent, {self.path}) if helpers is None else helpers

    def answers_at(self, points: Sequence[Point], order: Order | None = None) -> list[Answers]:
        # If the process ends without delivering them, each has the same failure, which says why. If
        # it fails before it comes to the submission, that is an error of ours: a RuntimeError.
        values = [value for point in points for value in point.values()]
        # A number takes up to 25 characters, and an answer may have twice its quantity's entries.
        most = 1_000_000 + sum(50 * value.size for value in values)
        with make_folder() as folder, ExitStack() as stack:
            # What a submission puts in the place of these files is not looked at.
            delivered, traced, printed = (
                stack.enter_context((folder / name).open("xb+"))
                for name in (ANSWERS, TRACE, "printed")
            )
            self.write_request(folder, points, order or Order(), most)
            has_arrived, status = run(folder, printed, self.limits.seconds)
            if not has_arrived:  # it may have been ended by another submission
                has_arrived, status = run(folder, printed, self.limits.seconds)
            trace = read(traced)
            if size(printed) > self.limits.output:
                failure = f"it printed more than {self.limits.output:,} bytes"
            elif not has_arrived:
                *_, why = ["it printed nothing", *read(printed).strip().splitlines()]
                raise RuntimeError(f"the process did not come to the submission: {why}")
            elif status is None or "Timeout (" in trace:  # as faulthandler writes it
                failure = f"it was still running after {self.limits.seconds:g} s"
            elif status or not size(delivered):
                failure = describe_ending(status)
            elif size(delivered) > most:
                failure = f"its answers take more than {most:,} bytes"
            else:
                try:
                    data = json.loads(read(delivered, most))
                    return [from_json(*pair) for pair in zip(data, points, strict=True)]
                except Exception:  # it may be anything at all
                    failure = "what it delivered cannot be read as answers"
            return [Answers(failure=f"{failure}{self.find_line(trace)}")] * len(points)

    def write_request(self, folder: Path, points: Sequence[Point], order: Order, most: int) -> None:
        work = (folder / SOURCE).parent
        work.mkdir()
        for name, source in self.helpers.items():
            (work / name).write_bytes(source)
        (folder / SOURCE).write_bytes(self.source)
        request = {
            "order": list(order.names),
            "is_fixed": order.is_fixed,
            "function": self.function,
            "imports": sorted(find_imports(self.source, self.helpers)),
            "seconds": self.limits.seconds,
            "memory": self.limits.memory * 1_000_000,
            "file_size": max(most, self.limits.output) + 1,
            "points": [{name: pack(a) for name, a in point.items()} for point in points],
        }
        (folder / REQUEST).write_text(json.dumps(request), encoding="utf-8")

    def find_line(self, trace: str) -> str:
        found = re.search(rf'{MODULE}\.py", line (\d+)', trace)
        if not found:
            return ""
        number = int(found[1])
        lines = self.source.decode("utf-8", "replace").splitlines()
        quoted = f": {lines[number - 1].strip()}" if 0 < number <= len(lines) else ""
        return f", in {printable(f'line {number}{quoted}')}"


def read_helpers(folder: Path, without: Collection[Path]) -> dict[str, bytes]:
    # what a submission may import: no other submission, and nothing that is no file
    found: dict[str, bytes] = {}
    room = LARGEST_HELPERS
    for path in sorted(folder.glob("*.py")):
        if path in without or path.is_symlink() or not path.is_file():
            continue
        with suppress(OSError):
            room -= path.stat().st_size
            if room < 0 or len(found) == MOST_HELPERS:
                break
            found[path.name] = path.read_bytes()
    found.pop(Path(SOURCE).name, None)
    return found


@contextmanager
def make_folder() -> Iterator[Path]:
    # Removed with all that a submission has left there. Where root grades, a submission is another
    # user, who can reach it in /tmp, if not in a folder of root's own.
    place = tempfile.gettempdir()
    if runs_as_root() and not everyone_can_reach(f"{place}/folder"):
        place = "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="tinygrad-bp-", dir=place)).resolve()
    try:
        yield folder
    finally:
        remove(folder)


def remove(folder: Path) -> None:
    # A folder in a folder is moved up before it is looked into: thousands deep, it has a path that
    # is too long for the system.
    waiting, moved = [folder], 0
    while waiting:
        place = waiting.pop()
        with suppress(OSError):
            place.chmod(0o700)
            for entry in [*os.scandir(place)]:
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)
                elif place == folder:
                    waiting.append(Path(entry.path))
                else:
                    moved += 1
                    os.chmod(entry.path, 0o700)
                    os.rename(entry.path, folder / f"moved {moved}")
                    waiting.append(folder / f"moved {moved}")
    shutil.rmtree(folder, ignore_errors=True)


def run(folder: Path, printed: BinaryIO, seconds: float) -> tuple[bool, int | None]:
    # Whether it came to the submission, and its exit status, or None if it came to none. It ends
    # itself when its time is up; but a submission can switch that clock off, and so there is one
    # here. What it has started, and has not left its group, ends with it.
    roots = dict.fromkeys((str(Path(__file__).parents[2]), str(Path(np.__file__).parents[1])))
    python = (sys.executable, "-I", "-S", "-B", "-X", "utf8", "-c", BOOTSTRAP)
    child = subprocess.Popen(
        [*python, str(folder), *roots],
        cwd=(folder / SOURCE).parent,
        env=environment((folder / SOURCE).parent),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=printed,
        start_new_session=True,  # a group of its own, to be ended as one
    )
    assert child.stdout is not None
    start = Timer(START, child.kill)
    start.start()
    try:
        # It writes one byte when it comes to the submission, which cannot take that back.
        has_arrived = child.stdout.read(1) != b""
        start.cancel()
        with suppress(subprocess.TimeoutExpired):
            return has_arrived, child.wait(seconds + SPARE)
        return has_arrived, None
    finally:
        start.cancel()
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):  # they have all ended
                os.killpg(child.pid, signal.SIGKILL)
        child.kill()
        child.wait()
        child.stdout.close()


def read(file: BinaryIO, most: int = 100_000) -> str:
    file.seek(0)
    return file.read(most).decode("utf-8", "replace")


def environment(home: Path) -> dict[str, str]:
    # nothing of ours but what Python needs to start; a class is parallel enough without threads
    kept = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    threads = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        **dict.fromkeys((*threads, "VECLIB_MAXIMUM_THREADS"), "1"),
        "MALLOC_ARENA_MAX": "1",  # else the thread with the clock may reserve all of its memory
        **dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP"), str(home)),
    }


def size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def describe_ending(status: int) -> str:
    if status >= 0:
        return f"its process ended before its answers were there (exit status {status})"
    causes = {
        "SIGXCPU": "it used too much processor time",
        "SIGXFSZ": "it wrote too large a file, or too much in its answers",
        "SIGKILL": "it was killed, by itself or because the memory of the machine was used up",
    }
    name = signal.Signals(-status).name if -status in {*signal.Signals} else f"signal {-status}"
    return causes.get(name, f"its process was ended by {name}")


def from_json(data: Any, point: Point) -> Answers:
    # What is delivered may be anything, and this raises whatever comes of that. It is read again,
    # since it was not necessarily our code that delivered it.
    if len(data["values"]) + len(data["unreadable"]) > len(point) + MOST_STRAYS + 1:
        raise ValueError("more than the problem has")
    given = {printable(name): unpack(array) for name, array in data["values"].items()}
    answers, failure = read_answers(given, point), data["failure"]
    unreadable = dict(answers.unreadable)
    for name, why in data["unreadable"].items():
        unreadable[printable(name)] = printable(why, LONGEST_REASON)
    values = {name: array for name, array in answers.values.items() if name not in unreadable}
    failure, note = (
        text and printable(text, LONGEST_REASON) for text in (failure, data.get("note"))
    )
    return Answers(values, unreadable, failure, note)
