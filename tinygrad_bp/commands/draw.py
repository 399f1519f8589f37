"""The command ``tinygrad-bp draw``: the graph of a computation as a picture."""

import argparse
import sys
from typing import Any

from rich.console import Console

from ..readings.draw import LEVELS, draw
from .computation import add_computation, computation


def add(commands: Any) -> None:
    """Describe the arguments of the command."""
    command = commands.add_parser(
        "draw",
        help="draw the graph, with its values and gradients",
        description="Draw the graph of a computation: of the worked problem, or of a function in a "
        "file of yours that returns a loss. --out takes a file that ends in .svg, .png, .pdf, .dot "
        "or .mmd; without it, the graph is printed as a tree.",
    )
    command.add_argument(
        "--level", choices=LEVELS, default="ops",
        help="layers: scopes collapsed; values: larger arrays written out (default: ops)",
    )  # fmt: skip
    command.add_argument(
        "--backward", action="store_true", help="the reverse sweep beside the forward pass"
    )
    command.add_argument(
        "--rules", action="store_true", help="on each edge, what flows back along it"
    )
    add_computation(command)


def run(options: argparse.Namespace, console: Console) -> int:
    """Draw a computation, in a file or on the console."""
    if options.backward and options.out is None:
        raise ValueError("--backward needs --out: the tree shows the forward pass alone")
    loss = computation(options)
    if loss.requires_grad and loss.size == 1:
        loss.backward()  # so that the gradients are shown
    drawing = draw(loss, options.level, options.backward, options.rules)
    if options.out is None:
        sys.stdout.write(f"{drawing}\n")  # not wrapped, so that the branches stay whole
    else:
        drawing.save(options.out)
        console.print(f"The graph: {options.out}", markup=False)
    return 0
