"""``tinygrad-bp derive``: the derivation of the gradients."""

import argparse
import sys
from typing import Any

from rich.console import Console

from ..readings.derive import derive
from .computation import add_computation, add_wrt, computation, wanted


def add(commands: Any) -> None:
    """Describe the arguments of the command that derives the gradients."""
    command = commands.add_parser(
        "derive",
        help="write the hand derivation of the gradients, every line checked",
        description="Derive the gradients line by line, as one would by hand: of the worked "
        "problem, or of a function in a file of yours that returns a loss. --out takes a file "
        "that ends in .md, .tex, .html or .txt.",
    )
    command.add_argument(
        "--form", choices=("matrix", "index"), default="matrix",
        help="whole arrays, or components with explicit sums (default: matrix)",
    )  # fmt: skip
    command.add_argument("--numbers", action="store_true", help="values beside the symbols")
    command.add_argument(
        "--worksheet", action="store_true", help="leave the gradients' right-hand sides blank"
    )
    add_wrt(command)
    add_computation(command)


def run(options: argparse.Namespace, console: Console) -> int:
    """Derive the gradients line by line, in a file or on the console."""
    loss = computation(options)
    try:
        derivation = derive(
            loss,
            wrt=wanted(options, loss),
            form=options.form,
            numbers=options.numbers,
            worksheet=options.worksheet,
        )
    except ValueError as error:  # in the words of the command
        raise ValueError(str(error).replace('form="matrix"', "--form matrix")) from error
    if options.out is None:
        sys.stdout.write(derivation.text)
    else:
        derivation.save(options.out)
        console.print(f"The derivation of the gradients: {options.out}", markup=False)
    return 0
