"""``tinygrad-bp inject``: a backward pass with a mistake in it."""

import argparse
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..grading.inject import Injection, inject, possible_mistakes
from ..mistakes.catalogue import CATALOGUE
from .problem import add_problem, problem


def add(commands: Any) -> None:
    """Describe the arguments of the command that injects a mistake."""
    command = commands.add_parser(
        "inject",
        help="run a backward pass with a mistake in it, and show which gradients break",
        description="Run a backward pass with one rule replaced by a wrong one, or with a fault "
        "of the sweep itself, and show which gradients break and whether the loss would still "
        "fall. Without a mistake: every one that the problem can show, a row each.",
    )
    command.add_argument("mistake", nargs="?", metavar="MISTAKE", help="its name; --list has them")
    add_problem(command, "--file")
    command.add_argument(
        "--at", metavar="NAME",
        help="make it in the gradient of this quantity alone (default: wherever it can be)",
    )  # fmt: skip
    command.add_argument(
        "--wrt", nargs="+", metavar="NAME",
        help="the leaves that gradient descent changes (default: all but x and y)",
    )  # fmt: skip
    command.add_argument("--list", action="store_true", help="only list the mistakes there are")


def run(options: argparse.Namespace, console: Console) -> int:
    """Show what a mistake does, or what each does, or which there are."""
    if options.mistake is None and options.at is not None:
        raise ValueError("--at needs the name of a mistake")
    if options.list:
        console.print(listed())
        return 0
    fn, inputs = problem(options)
    if options.mistake is not None:
        console.print(inject(options.mistake, fn, inputs, options.at, options.wrt))
        return 0
    names = possible_mistakes(fn, inputs)
    console.print(compared([inject(name, fn, inputs, wrt=options.wrt) for name in names]))
    return 0


def listed() -> Table:
    """Lay out every mistake that there is, with the operation it belongs to."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("mistake", no_wrap=True)  # to be copied
    for column in ("made at", "what it is"):
        table.add_column(column)
    for mistake in CATALOGUE:
        table.add_row(*map(Text, (mistake.name, ", ".join(mistake.places), mistake.sentence)))
    return table


def compared(injections: list[Injection]) -> Table:
    """Lay out what each mistake does, a row each."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, caption_justify="left")
    table.add_column("mistake", no_wrap=True)  # to be copied
    for column in ("gradients\nbroken", "the loss", "after\ndescent"):
        table.add_column(column)
    for injection in injections:
        broken = f"{len(injection.broken)} of {len(injection.effects)}"
        descent, after = injection.descent, ""
        if descent is not None and injection.reaches_parameters:
            after = f"{descent.losses[-1]:.4g}"
        if descent is not None:
            first, *_, last = descent.right_losses
            table.caption = (
                f"With the right gradient, {len(descent.right_losses) - 1} steps of gradient "
                f"descent take the loss from {first:.4g} to {last:.4g}."
            )
        table.add_row(*map(Text, (injection.mistake, broken, injection.outcome(), after)))
    return table
