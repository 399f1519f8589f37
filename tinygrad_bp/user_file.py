"""A Python file of the user's own, as the command line takes it: a loss, and values of its leaves.

The file is run as an import would run it. Whatever it raises becomes an error of one line that says
where in the file.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .engine import Tensor
from .grading.calling import own_functions
from .grading.submission import describe_error
from .grading.task import by_name


@contextmanager
def naming_the_line(path: Path | None) -> Iterator[None]:
    """Run a user's code: it can import the files beside it, as a script can.

    Whatever it raises, sys.exit() too, becomes a ValueError that says where.
    """
    folders = [str(path.resolve().parent)] if path else []
    sys.path[:0] = folders
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        description = describe_error(error, str(path.resolve())) if path else ""
        if "in line" not in description:  # it was not raised there
            raise
        raise ValueError(f"{path}: {description}") from error
    finally:
        for folder in folders:
            sys.path.remove(folder)


def load(path: Path) -> ModuleType:
    """Run a Python file and return it as a module."""
    if not path.exists():
        raise ValueError(f"there is no file {path}")
    file = path.resolve()
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if not file.is_file() or spec is None or spec.loader is None:
        raise ValueError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(file.stem, module)  # as an import does
    with naming_the_line(path):
        spec.loader.exec_module(module)
    return module


def load_problem(
    path: Path | None, function: str = "loss"
) -> tuple[Callable[..., Tensor] | Tensor | None, Mapping[str, Any] | None]:
    """Return the loss of a file, as a function and its inputs; or recorded, if it takes nothing.

    A recorded loss may stand in the file as it is, called ``L`` or ``loss``.

    Without a file: None and None, for the worked problem.
    """
    if path is None:
        return None, None
    module = load(path)
    build = getattr(module, function, None)
    if not callable(build):
        for loss in (getattr(module, name, None) for name in (function, "L", "loss")):
            if isinstance(loss, Tensor):
                return loss, None
        own = list(own_functions(vars(module)))
        calls = ", ".join(f"{name}()" for name in own)
        others = f", but {calls}: choose one with --loss {own[0]}" if own else ""
        raise ValueError(f"{path} has no function {function}(){others}")
    leaves = signature(build).parameters
    if leaves and not hasattr(module, "inputs"):
        raise ValueError(
            f"{function}() takes {', '.join(leaves)}. Write it without parameters, or give "
            "their values in the file: inputs = {...}"
        )
    if leaves:
        return build, module.inputs
    with naming_the_line(path):
        return build(), None


def load_loss(path: Path, function: str) -> Tensor:
    """Return the loss that a function in a file computes, from nothing or from its ``inputs``."""
    loss, inputs = load_problem(path, function)
    if callable(loss) and inputs is not None:
        leaves = as_leaves(by_name(loss, inputs))
        with naming_the_line(path):
            loss = loss(**leaves)
    if not isinstance(loss, Tensor):
        raise TypeError(f"{function}() returned {loss!r:.60}, and should return a Tensor")
    return loss


def as_leaves(inputs: Mapping[str, Any]) -> dict[str, Tensor]:
    # Parameters, unless they are whole numbers. A Tensor stays what it is, so one without
    # requires_grad is a constant.
    leaves = {}
    for name, value in inputs.items():
        if not isinstance(value, Tensor):
            value = Tensor(value, requires_grad=np.asarray(value).dtype.kind == "f")
        leaves[name] = value if value.name is not None else value.named(name)
    return leaves
