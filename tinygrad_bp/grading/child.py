"""What runs in the process of a submission: its file, at the points that the grader has drawn.

The submission can reach and change all that is here, so nothing here is trusted. The grader, in
`isolated.py`, reads numbers, and judges them in its own process.
"""

from __future__ import annotations

import faulthandler
import inspect
import json
import math
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from .exchange import pack, unpack
from .limits import LARGEST_ANSWER
from .submission import Answers, call, describe_error

#: What the submission is called here, as a module; its copy is a file of this name.
MODULE = "submitted"

#: The first line of the trace: it says that all is ready for the submission.
ARRIVED = "arrived\n"


def main(path: str) -> None:
    """Do what a request says, and deliver the answers to the file that it names."""
    request = json.loads(Path(path).read_text(encoding="utf-8"))
    points = [{name: unpack(data) for name, data in point.items()} for point in request["points"]]
    watch(request["seconds"], request["trace"])
    confine(request["seconds"], request["memory"], request["file_size"])
    answers = find_answers(Path(request["file"]), request["function"], request["folder"], points)
    delivery = json.dumps([to_json(a, point) for a, point in zip(answers, points, strict=True)])
    Path(request["answers"]).write_text(delivery, encoding="utf-8")
    os._exit(0)  # without waiting for threads that the submission may have left


def watch(seconds: float, trace: str) -> None:
    """End this process when its time is up, and write down its line then, or at a crash."""
    file = open(trace, "w", encoding="utf-8")  # noqa: SIM115, it stays open to the end
    file.write(ARRIVED)
    file.flush()
    faulthandler.enable(file)
    faulthandler.dump_traceback_later(seconds, exit=True, file=file)
    for name in ("SIGXCPU", "SIGXFSZ"):  # too much processor time, too large a file
        if hasattr(signal, name):
            number = getattr(signal, name)
            signal.signal(number, signal.SIG_DFL)  # Python ignores the second otherwise
            faulthandler.register(number, file, chain=True)


def confine(seconds: float, memory: int, file_size: int) -> None:
    """Limit what this process may use from here on; memory and files in bytes.

    Windows has no such limits; macOS keeps all but that of memory. What is mapped already is not
    counted: NumPy maps much or little, depending on what it was built with.
    """
    if hasattr(signal, "alarm"):  # if the submission switches the other clock off, and we are gone
        signal.alarm(math.ceil(seconds) + 5)
    try:
        import resource
    except ImportError:
        return
    limits = {
        resource.RLIMIT_CPU: math.ceil(seconds) + 2,
        resource.RLIMIT_AS: mapped() + memory,
        resource.RLIMIT_FSIZE: file_size,
        resource.RLIMIT_NPROC: 0,  # no more processes and threads; the system exempts root
        resource.RLIMIT_CORE: 0,
    }
    for limit, most in limits.items():
        with suppress(ValueError, OSError):  # lower already, or not known to this system
            resource.setrlimit(limit, (most, most))


def mapped() -> int:
    """Return the bytes of memory that this process has mapped, on Linux; else 0."""
    try:
        pages, *_ = Path("/proc/self/statm").read_text().split()
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGESIZE")


def find_answers(
    file: Path, name: str | None, folder: str, points: list[dict[str, Any]]
) -> list[Answers]:
    """Return a submission's answers at each point; all the same failure if it cannot be called.

    Its function is called ``gradients`` if no name is given, or else it is the only public one.
    """
    sys.path.append(folder)  # last, so that a neighbour called random.py does not replace Python's
    module = ModuleType(MODULE)
    module.__file__ = str(file)
    sys.modules[MODULE] = module  # as an import does
    try:
        exec(compile(file.read_bytes(), file, "exec"), vars(module))
        function = find_function(vars(module), name)
        # The grader counts what is printed.
        return [call(function, point, sys.__stdout__, sys.__stderr__) for point in points]
    except NoFunctionError as reason:
        failure = str(reason)
    except BaseException as error:  # whatever the submission raises: sys.exit() too
        failure = describe_error(error, str(file))
    return [Answers(failure=failure)] * len(points)


class NoFunctionError(Exception):
    """A file has not the function that is to be graded, or it is not clear which it is."""


def find_function(defined: Mapping[str, Any], name: str | None) -> Callable[..., Any]:
    """Return the function to be graded, from all that a submission defines."""
    wanted = name or "gradients"
    if callable(defined.get(wanted)):
        return defined[wanted]  # type: ignore[no-any-return]
    own = {
        key: value
        for key, value in defined.items()
        if inspect.isfunction(value) and value.__module__ == MODULE and not key.startswith("_")
    }
    if len(own) == 1 and name is None:
        return next(iter(own.values()))
    others = ", ".join(f"{key}()" for key in own)
    raise NoFunctionError(f"it has no function {wanted}()" + (f", but {others}" if own else ""))


def to_json(answers: Answers, point: Mapping[str, Any]) -> dict[str, Any]:
    """Return answers as what JSON can hold; one that is far too large costs itself alone."""
    too_large = {
        name: f"its shape is {value.shape}, and should be {point[name].shape}"
        for name, value in answers.values.items()
        if value.size > max(LARGEST_ANSWER, 2 * point[name].size)
    }
    return {
        "values": {
            name: pack(value) for name, value in answers.values.items() if name not in too_large
        },
        "unreadable": {**answers.unreadable, **too_large},
        "failure": answers.failure,
    }
