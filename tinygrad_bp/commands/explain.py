"""``tinygrad-bp explain``: the reverse sweep, step by step."""

import argparse
from typing import Any

from rich.console import Console

from ..readings.explain import explain
from .computation import add_computation, add_wrt, computation, wanted


def add(commands: Any) -> None:
    """Describe the arguments of the command that explains the gradients."""
    command = commands.add_parser(
        "explain",
        help="show the reverse sweep step by step, with its numbers",
        description="Show how the gradients come about, step by step and with numbers: of the "
        "worked problem, or of a function in a file of yours that returns a loss. --out takes a "
        "file that ends in .txt, .html or .json.",
    )
    add_wrt(command)
    add_computation(command)


def run(options: argparse.Namespace, console: Console) -> int:
    """Explain how the gradients come about, in a file or on the console."""
    loss = computation(options)
    explanation = explain(loss, wanted(options, loss))
    if options.out is None:
        console.print(explanation)
    else:
        explanation.save(options.out)
        console.print(f"How the gradients come about: {options.out}", markup=False)
    return 0
