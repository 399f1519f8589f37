"""What runs in the process of a submission: its file, at the points that the grader has drawn.

The submission can reach and change all that is here, so nothing here is trusted. The grader, in
`isolated.py`, reads numbers, and judges them in its own process. What passes between the two is
JSON, and reading it runs nothing, whoever wrote it: an array is one of a few types of number, a
shape, and its entries, and is refused unless the three fit together.
"""

from __future__ import annotations

import builtins
import ctypes
import faulthandler
import importlib
import json
import math
import os
import signal
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import ModuleType
from typing import Any

import numpy as np

from .calling import UnansweredError, find_function
from .limits import LARGEST_ANSWER
from .submission import Answers, Order, call, describe_error

#: The types of number that pass: bool, and integers and floats of up to 64 bits.
DTYPES = {np.dtype(code).str for code in "?bhiqBHIQefd"}

#: What the submission is called here, as a module; its copy is a file of this name.
MODULE = "submitted"

#: Numbers of Linux: PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, _LINUX_CAPABILITY_VERSION_3, and the bit of
#: CAP_DAC_READ_SEARCH.
END_WITH_PARENT, KEEP_CAPABILITIES, CAPABILITY_VERSION, MAY_READ = 1, 8, 0x20080522, 1 << 2

#: The users that submissions run as, where the grader is root: for each process another.
FIRST_USER, USERS = 20_000, 40_000

#: The files in the folder of the process.
REQUEST, ANSWERS, TRACE, SOURCE = "request", "answers", "trace", f"work/{MODULE}.py"


def main(folder: str) -> None:
    # in plain paths, since to import pathlib takes a while
    with open(f"{folder}/{REQUEST}", encoding="utf-8") as file:
        request = json.load(file)
    points = [{name: unpack(data) for name, data in point.items()} for point in request["points"]]
    watch(request["seconds"], f"{folder}/{TRACE}")
    forget_ourselves()
    keeps_reading = leave_root(folder)
    confine(request["seconds"], request["memory"], request["file_size"])
    os.write(1, b".")  # all is ready for the submission
    os.dup2(2, 1)  # what it prints goes where its errors go
    if keeps_reading:
        import_all([*request["imports"], "difflib"])  # by which we look for a name that is meant
        set_capabilities(0)
    order = Order(tuple(request["order"]), request["is_fixed"])
    answers = find_answers(f"{folder}/{SOURCE}", request["function"], points, order)
    delivery = json.dumps([to_json(a, point) for a, point in zip(answers, points, strict=True)])
    with open(f"{folder}/{ANSWERS}", "w", encoding="utf-8") as file:
        file.write(delivery)
    os._exit(0)  # without waiting for threads that the submission may have left


def watch(seconds: float, trace: str) -> None:
    # when its time is up, or at a crash, the line that runs is written down
    file = open(trace, "w", encoding="utf-8")  # noqa: SIM115  # it stays open to the end
    faulthandler.enable(file)
    faulthandler.dump_traceback_later(seconds, exit=True, file=file)
    for name in ("SIGXCPU", "SIGXFSZ"):  # too much processor time, too large a file
        if hasattr(signal, name):
            number = getattr(signal, name)
            signal.signal(number, signal.SIG_DFL)  # Python ignores the second otherwise
            faulthandler.register(number, file, chain=True)


def leave_root(folder: str) -> bool:
    # As root it could do anything, and have any number of processes. So it becomes a user of its
    # own, who owns nothing but this folder. Where only root can reach what it may still import, it
    # keeps root's right to read, and no other, until that is imported: whether it does so is
    # returned.
    if not runs_as_root():
        return False
    needed = (sys.base_prefix, os.path.dirname(np.__file__), __file__)
    keeps_reading = not all(map(everyone_can_reach, needed))
    if keeps_reading and sys.platform != "linux":
        return False
    user = FIRST_USER + os.getpid() % USERS
    with suppress(OSError, AttributeError):  # a container may not have that many users
        for place, _, files in os.walk(folder):
            for path in (place, *(os.path.join(place, file) for file in files)):
                os.chown(path, user, user)
        if keeps_reading:
            ctypes.CDLL(None).prctl(KEEP_CAPABILITIES, 1)
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
        if keeps_reading:
            set_capabilities(MAY_READ)
            return True
    return False


def set_capabilities(effective_and_permitted: int) -> None:
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)(*[effective_and_permitted] * 2))


def import_all(names: list[str]) -> None:
    # What is not installed, or fails, says so when the submission imports it.
    for name in names:
        with suppress(BaseException):
            importlib.import_module(name)


def forget_ourselves() -> None:
    # these were a part of the package alone: a submission may import the whole
    for own in [key for key in sys.modules if key.partition(".")[0] == "tinygrad_bp"]:
        del sys.modules[own]


def runs_as_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def everyone_can_reach(path: str) -> bool:
    while path != os.path.dirname(path):
        path = os.path.dirname(path)
        if not os.stat(path).st_mode & stat.S_IXOTH:
            return False
    return True


def confine(seconds: float, memory: int, file_size: int) -> None:
    # Windows has no such limits; macOS keeps all but that of memory. What is mapped already is not
    # counted: NumPy maps much or little, depending on what it was built with.
    if hasattr(signal, "alarm"):  # if the submission switches the other clock off, and we are gone
        signal.alarm(math.ceil(seconds) + 1)
    if sys.platform == "linux":  # it ends with the grader, whatever ends that
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(END_WITH_PARENT, signal.SIGKILL)
    try:
        import resource
    except ImportError:
        return
    mapped = 0
    with suppress(OSError), open("/proc/self/statm") as file:  # on Linux alone
        mapped = int(file.read().split()[0]) * os.sysconf("SC_PAGESIZE")
    limits = {
        resource.RLIMIT_CPU: math.ceil(seconds) + 1,
        resource.RLIMIT_AS: mapped + memory,
        resource.RLIMIT_FSIZE: file_size,
        resource.RLIMIT_NPROC: 0,  # no more processes and threads; the system exempts root
        resource.RLIMIT_CORE: 0,
    }
    for limit, most in limits.items():
        with suppress(ValueError, OSError):  # lower already, or not known to this system
            resource.setrlimit(limit, (most, most))


def find_answers(
    file: str, name: str | None, points: list[dict[str, Any]], order: Order
) -> list[Answers]:
    # All have the same failure if it cannot be called.
    vars(builtins).update(exit=sys.exit, quit=sys.exit)  # as where Python starts with its site
    sys.path.append(os.path.dirname(file))  # last: one called random.py does not replace Python's
    module = ModuleType(MODULE)
    module.__file__ = file
    sys.modules[MODULE] = module  # as an import does
    try:
        with open(file, "rb") as opened:
            source = opened.read()
        exec(compile(source, file, "exec"), vars(module))
        function = find_function(vars(module), name, points[0])
        # The grader counts what is printed.
        return [call(function, point, order, sys.__stdout__, sys.__stderr__) for point in points]
    except UnansweredError as reason:
        failure = str(reason)
    except BaseException as error:  # whatever the submission raises: sys.exit() too
        failure = describe_error(error, file)
    return [Answers(failure=failure)] * len(points)


def to_json(answers: Answers, point: Mapping[str, Any]) -> dict[str, Any]:
    values, unreadable = {}, dict(answers.unreadable)
    for name, value in answers.values.items():
        right = point[name]
        if value.size <= max(LARGEST_ANSWER, 2 * right.size):
            values[name] = pack(value)
        else:  # it costs itself alone
            unreadable[name] = f"its shape is {value.shape}, and should be {right.shape}"
    return {
        "values": values,
        "unreadable": unreadable,
        "failure": answers.failure,
        "note": answers.note,
    }


# ---- arrays as JSON ----


def pack(array: np.ndarray) -> list[Any]:
    return [array.dtype.str, array.shape, array.ravel().tolist()]


def unpack(data: Any) -> np.ndarray:
    dtype, shape, entries = data
    if dtype not in DTYPES:
        raise ValueError("unknown dtype")
    return np.array(entries, dtype).reshape(shape)
