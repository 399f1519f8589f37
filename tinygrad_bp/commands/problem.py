"""The problem that a command is about: the worked problem, or that of a user's file."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..engine import Tensor
from .users_file import loaded


def add_problem(command: argparse.ArgumentParser, *options: str) -> None:
    """Describe the argument that names the file of a problem."""
    command.add_argument(
        *options, dest="problem", type=Path, metavar="FILE",
        help="a Python file with a function loss(), which builds the loss from its parameters, "
        "and with their values at one point, a mapping called inputs (default: the worked problem)",
    )  # fmt: skip


def problem(
    options: argparse.Namespace,
) -> tuple[Callable[..., Tensor] | None, Mapping[str, Any] | None]:
    """Return what builds the loss, and its inputs; None and None for the worked problem."""
    if options.problem is None:
        return None, None
    module = loaded(options.problem)
    for name in ("loss", "inputs"):
        if not hasattr(module, name):
            raise ValueError(f"{options.problem} defines no {name}")
    return module.loss, module.inputs
