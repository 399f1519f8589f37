"""``tinygrad-bp play``: a page to step through a computation."""

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console

from ..readings.play import play
from .computation import add_computation, computation


def add(commands: Any) -> None:
    """Describe the arguments of the command that makes a player."""
    command = commands.add_parser(
        "play",
        help="make a page to step through the forward and the backward pass",
        description="Make a web page, one file that works offline, to step through a computation: "
        "of the worked problem, or of a function in a file of yours that returns a loss. --out "
        "takes a file that ends in .html; without it, the page is out/backprop.html.",
    )
    add_computation(command)


def run(options: argparse.Namespace, console: Console) -> int:
    """Write the page."""
    path = options.out or Path("out", "backprop.html")
    play(computation(options)).save(path)
    console.print(f"To step through the gradients, open in a browser: {path}", markup=False)
    return 0
