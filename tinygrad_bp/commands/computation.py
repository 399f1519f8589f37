"""The computation that a command reads: the worked problem, or a function in the user's file."""

import argparse
from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from ..engine import Tensor
from ..notation.names import recorded_tensors
from ..worked_problem.problem import random_problem
from ..worked_problem.verification import recorded
from .users_file import loaded, neighbours


def add_computation(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of a command that reads a recorded computation."""
    command.add_argument(
        "--file", type=Path,
        help="a Python file with a function that returns the loss; if it takes leaves by name, a "
        "mapping called inputs holds their values (default: the worked problem)",
    )  # fmt: skip
    command.add_argument(
        "--function", default="loss", help="its function that returns the loss (default: loss)"
    )
    command.add_argument("--out", type=Path, help="a file to write to (default: the console)")


def add_wrt(command: argparse.ArgumentParser) -> None:
    """Describe the argument that says which gradients are wanted."""
    command.add_argument(
        "--wrt", nargs="+", metavar="NAME",
        help="only the gradients by the tensors of these names (default: all parameters)",
    )  # fmt: skip


def wanted(options: argparse.Namespace, loss: Tensor) -> list[Tensor] | None:
    """Return the tensors whose names ``--wrt`` gives; None without it."""
    if options.wrt is None:
        return None
    named = {t.name: t for t in recorded_tensors(loss) if t.name is not None and t.requires_grad}
    unknown = [name for name in options.wrt if name not in named]
    if unknown:
        raise ValueError(
            f"--wrt: no tensor that needs a gradient is named {unknown[0]!r}. "
            f"There are: {', '.join(named) or 'none'}"
        )
    return [named[name] for name in options.wrt]


def computation(options: argparse.Namespace) -> Tensor:
    """Return the loss that a command is to read: of the user's file, or the worked problem."""
    if options.file is None:
        return recorded(random_problem())["L"]
    with neighbours(options.file):
        module = loaded(options.file)
        build = getattr(module, options.function, None)
        if not callable(build):
            raise ValueError(f"{options.file} has no function {options.function}()")
        leaves = signature(build).parameters
        if leaves and not hasattr(module, "inputs"):
            raise ValueError(
                f"{options.function}() takes {', '.join(leaves)}. Let it take nothing, or give "
                "their values in the file: inputs = {...}"
            )
        loss = build(**as_leaves(module.inputs)) if leaves else build()
    if not isinstance(loss, Tensor):
        raise TypeError(f"{options.function}() returned {loss!r:.60}, and should return a Tensor")
    return loss


def as_leaves(inputs: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return inputs as Tensors of their names: parameters, unless they are whole numbers.

    A Tensor stays what it is, so one without ``requires_grad`` is a constant.
    """
    leaves = {}
    for name, value in inputs.items():
        if not isinstance(value, Tensor):
            value = Tensor(value, requires_grad=np.asarray(value).dtype.kind == "f")
        leaves[name] = value if value.name is not None else value.named(name)
    return leaves
