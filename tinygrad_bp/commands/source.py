"""``tinygrad-bp source``: the gradients as code."""

import argparse
import sys
from typing import Any

from rich.console import Console

from ..readings.source import source
from .computation import add_computation, add_wrt, computation, wanted


def add(commands: Any) -> None:
    """Describe the arguments of the command that writes the gradients as code."""
    command = commands.add_parser(
        "source",
        help="write the gradients as Python code that needs NumPy alone",
        description="Write a loss and its gradients as a Python module that needs NumPy alone: of "
        "the worked problem, or of a function in a file of yours that returns a loss.",
    )
    add_wrt(command)
    add_computation(command)


def run(options: argparse.Namespace, console: Console) -> int:
    """Write a loss and its gradients as code, to a file or to the console."""
    loss = computation(options)
    text = source(loss, wanted(options, loss))
    if options.out is None:
        sys.stdout.write(text)  # to be piped into a file: not wrapped, not coloured
    else:
        text.save(options.out)
        console.print(f"The loss and its gradients as code: {options.out}", markup=False)
    return 0
