"""``tinygrad-bp verify``: three witnesses of the worked problem's gradients, side by side."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ..datasets import digits, split
from ..readings.derive import derive
from ..readings.draw import draw
from ..readings.play import play
from ..readings.source import source
from ..worked_problem.closed_form import forward
from ..worked_problem.mistakes import MISTAKES
from ..worked_problem.problem import Problem, hidden_faults, random_problem
from ..worked_problem.slips import slips
from ..worked_problem.training import DigitClassifier
from ..worked_problem.verification import Row, recorded, verify


def add(commands: Any) -> None:
    """Describe the arguments of the command that verifies."""
    command = commands.add_parser(
        "verify",
        help="hold three witnesses of the worked problem's gradients against each other",
        description="Compare the closed form, the engine and finite differences on every factor "
        "and gradient of the worked problem: y_hat = softmax(W3 sigmoid(W2 sigmoid(W1 x))), "
        "L = ||y - y_hat||^2. Exit status 0 only if all agree.",
    )
    command.add_argument(
        "--sizes", nargs=4, type=int, default=(4, 5, 6, 3), metavar=("N0", "N1", "N2", "N3"),
        help="widths from input to output (default: 4 5 6 3)",
    )  # fmt: skip
    command.add_argument("--batch", type=int, default=1, help="number of samples (default: 1)")
    command.add_argument("--seed", type=int, default=0, help="of the random numbers (default: 0)")
    command.add_argument(
        "--target", choices=("random", "prediction"), default="random",
        help="'prediction' sets y = y_hat, where every gradient is zero",
    )  # fmt: skip
    command.add_argument(
        "--mistake", choices=sorted(MISTAKES), help="plant a mistake in the closed form"
    )
    command.add_argument(
        "--data", choices=("digits",), help="train on real data, and verify before and after"
    )
    command.add_argument(
        "--out",
        type=Path,
        default=Path("out"),
        help="folder for the picture (default: out)",
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Verify the worked problem on random numbers, or on real data."""
    if options.seed < 0:
        raise ValueError(f"the seed must be at least 0, not {options.seed}")
    if options.out.exists() and not options.out.is_dir():
        raise ValueError(f"--out takes a folder, and {options.out} is a file")
    if not options.data:
        return verify_random(options, console)
    if (tuple(options.sizes), options.batch, options.target) != ((4, 5, 6, 3), 1, "random"):
        raise ValueError("--data has its own sizes, batch and target; leave those options out.")
    return verify_digits(options, console)


def verify_random(options: argparse.Namespace, console: Console) -> int:
    """Verify a problem drawn at random, show the slips of the source, and draw the graph."""
    problem = random_problem(options.sizes, options.batch, options.seed)
    if options.target == "prediction":
        problem = replace(problem, y=forward(problem)["y_hat"])
    console.print(
        f"The worked problem, sizes {'-'.join(map(str, problem.sizes))}, batch {problem.batch}",
        style="bold",
    )
    agrees = show_verification(problem, options.mistake, console)
    if not options.mistake:
        show_slips(problem, console)
    loss = recorded(problem)["L"]
    loss.backward()  # so that the picture has gradients
    whose = " (the engine's, not the planted ones)" if options.mistake else ""
    picture, player = options.out / "graph.svg", options.out / "backprop.html"
    code, document = options.out / "gradients.py", options.out / "derivation.md"
    components = options.out / "derivation_in_components.md"
    try:
        draw(loss).save(picture)
        console.print(f"The graph, with values and gradients{whose}: {picture}", markup=False)
        play(loss).save(player)
        console.print(f"A page to step through them: {player}", markup=False)
    except RuntimeError as error:
        console.print(f"No picture: {error}", style="yellow", markup=False)
    source(loss).save(code)
    console.print(f"The gradients as code that needs NumPy alone: {code}", markup=False)
    derive(loss).save(document)
    console.print(f"The derivation, as one would write it: {document}", markup=False)
    derive(loss, form="index").save(components)
    console.print(f"The same in components, with the softmax in cases: {components}", markup=False)
    return 0 if agrees else 1


def verify_digits(options: argparse.Namespace, console: Console) -> int:
    """Train on the digits; verify on a minibatch of them before and after."""
    train, test = split(digits(), seed=options.seed)
    classifier = DigitClassifier(seed=options.seed)
    minibatch = type(train)(train.images[:20], train.labels[:20])

    console.print(
        f"{len(train.labels)} digits to learn from, {len(test.labels)} held out", style="bold"
    )
    console.print("Before training, on 20 of them:")
    agrees = show_verification(classifier.problem(minibatch), options.mistake, console)

    columns = (
        TextColumn("Training"),
        BarColumn(),
        TextColumn("{task.fields[status]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=60, status="")
        for epoch in classifier.train(train, epochs=60):
            accuracy = f"held out {classifier.accuracy(test):.1%}"
            status = f"epoch {epoch.number}, loss {epoch.loss:.4f}, {accuracy}"
            progress.update(task, completed=epoch.number, status=status)

    console.print("After training, on the same 20:")
    agrees &= show_verification(classifier.problem(minibatch), options.mistake, console)
    console.print(
        f"Correct: {classifier.accuracy(train):.1%} of the digits learned from, "
        f"[bold]{classifier.accuracy(test):.1%}[/] of those held out"
    )
    return 0 if agrees else 1


def show_verification(problem: Problem, mistake: str | None, console: Console) -> bool:
    """Print the comparison of the witnesses, and say whether they agree."""
    for sentence in hidden_faults(problem):
        console.print(f"Warning: {sentence}", style="yellow", markup=False)
    if mistake:
        console.print(f"Planted: {MISTAKES[mistake].sentence}", style="yellow", markup=False)
    rows = verify(problem, MISTAKES[mistake] if mistake else None)
    console.print(verification_table(rows, "–" if console.encoding.startswith("utf") else "-"))
    console.print("About 1e-16 is rounding; against finite differences, up to 1e-6 agrees.")
    wrong = [row for row in rows if not row.agrees]
    if wrong:
        console.print(
            f"{len(wrong)} of {len(rows)} quantities are wrong. "
            f"The first is {wrong[0].name}: {wrong[0].verdict}.",
            style="red",
            markup=False,
        )
    elif mistake:
        console.print("The planted mistake was not seen: this problem hides it.", style="red")
    else:
        zero = sum(row.verdict == "all zero" for row in rows)
        tested = f"{len(rows) - zero} of {len(rows)}" if zero else f"all {len(rows)}"
        console.print(f"The witnesses agree on {tested} quantities.", style="green")
        if zero:
            console.print(f"The other {zero} are zero here, which tests nothing.", style="yellow")
    return not wrong and not mistake


def verification_table(rows: list[Row], none: str = "–") -> Table:
    """Lay out what `verify` found, a row for each quantity; ``none`` stands for no difference."""
    table = Table(
        title="Largest relative difference between each two witnesses", title_justify="left"
    )
    table.add_column("quantity")
    table.add_column("shape")
    for pair in ("closed form\nengine", "closed form\ndifferences", "engine\ndifferences"):
        table.add_column(pair, justify="right")
    table.add_column("verdict")
    for row in rows:
        pairs = (row.closed_engine, row.closed_differences, row.engine_differences)
        if row.verdict == "all zero":  # a difference relative to nothing means nothing
            pairs = (None, None, None)
        table.add_row(
            row.name,
            str(row.shape),
            *(none if pair is None else f"{pair:.1e}" for pair in pairs),
            row.verdict if row.agrees else "WRONG",
            style=None if row.agrees else "red",
        )
    return table


def show_slips(problem: Problem, console: Console) -> None:
    """Print where the handwritten derivation slips, and by how much."""
    console.print("\nWhere the handwritten derivation slips:", style="bold")
    console.print("(the handwritten solution that docs/worked_problem.md quotes)")
    if problem.sizes[-1] == 1 or np.allclose(problem.y, forward(problem)["y_hat"]):
        console.print("Every gradient is zero here, so none of them shows.\n")
        return
    for slip in slips(problem):
        console.print(f"{slip.number}. {slip.title}", markup=False)
        told = (f"printed: {slip.printed}", f"right:   {slip.correct}", slip.sentence)
        console.print(Padding(Text("\n".join(told)), (0, 0, 0, 3)))
    console.print()
