"""What the command ``verify`` shows: the table of witnesses, the slips, and files to look at."""

import argparse
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..engine import Tensor
from ..mistakes import named
from ..readings.derive import derive
from ..readings.draw import draw
from ..readings.play import play
from ..readings.source import source
from ..saving import written_to
from .closed_form import CHAIN, forward
from .problem import Problem, random_problem
from .slips import slips
from .verification import Comparison, recorded, verify

NETWORK = """\
  z1 = W1 x     a1 = sigmoid(z1)
  z2 = W2 a1    a2 = sigmoid(z2)
  z3 = W3 a2    y_hat = softmax(z3)    L = ||y - y_hat||^2"""


def show_comparison(problem: Problem, mistake: str | None, console: Console) -> bool:
    if mistake:
        console.print(f"Planted: {named(mistake).sentence}", style="yellow", markup=False)
    rows = verify(problem, mistake)
    console.print(comparison(rows))
    console.print(
        "A difference of about 1e-16 is rounding. Finite differences are not exact: up to 1e-6 "
        "they agree."
    )
    wrong = [row for row in rows if not row.agrees]
    zero = sum(row.verdict == "all zero" for row in rows)
    if wrong:
        text = (
            f"{len(wrong)} of {len(rows)} quantities are wrong. "
            f"The first is {wrong[0].name}: {wrong[0].verdict}."
        )
    elif mistake:
        text = "The planted mistake was not seen: this problem hides it."
    else:
        tested = f"{len(rows) - zero} of {len(rows)}" if zero else f"all {len(rows)}"
        text = f"The witnesses agree on {tested} quantities."
    is_well = not wrong and not mistake
    console.print(text, style="green" if is_well else "red", markup=False)
    if is_well and zero:
        console.print(f"The other {zero} are zero here, which tests nothing.", style="yellow")
    return is_well


def comparison(rows: list[Comparison]) -> Table:
    title = "Largest relative difference between each pair of witnesses"
    table = Table("quantity", "shape", title=title, title_justify="left")
    for pair in ("closed form\nengine", "closed form\ndifferences", "engine\ndifferences"):
        table.add_column(pair, justify="right")
    table.add_column("verdict")
    for row in rows:
        is_zero = row.verdict == "all zero"  # a difference relative to nothing means nothing
        pairs = (row.closed_engine, row.closed_differences, row.engine_differences)
        cells = ("-" if pair is None or is_zero else f"{pair:.1e}" for pair in pairs)
        verdict, style = (row.verdict, None) if row.agrees else ("WRONG", "red")
        table.add_row(row.name, str(row.shape), *cells, verdict, style=style)
    return table


def show_slips(problem: Problem, console: Console) -> None:
    console.print("\nWhere the handwritten derivation slips:", style="bold")
    console.print("(the handwritten solution that docs/worked_problem.md quotes)")
    if problem.sizes[-1] == 1 or np.allclose(problem.y, forward(problem)["y_hat"]):
        console.print("Every gradient is zero here, so none of them shows.\n")
        return
    for slip in slips(problem):
        console.print(f"{slip.number}. {slip.title}", markup=False)
        lines = (f"printed: {slip.printed}", f"right:   {slip.correct}", slip.sentence)
        console.print(Padding(Text("\n".join(lines)), (0, 0, 0, 3)))
    console.print()


# ---- The command ----


def run_verify(options: argparse.Namespace, console: Console) -> int:
    if options.out.exists() and not options.out.is_dir():
        raise ValueError(f"--out takes a folder, and {options.out} is a file")
    if options.brief and options.mistake:
        raise ValueError("--brief does not take --mistake; leave it out.")
    problem = random_problem(options.sizes, options.batch, options.seed)
    file = StringIO()
    told = Console(file=file, width=100) if options.brief else console
    sizes = "-".join(map(str, problem.sizes))
    told.print(f"The worked problem, sizes {sizes}, batch {problem.batch}", style="bold")
    agrees = show_comparison(problem, options.mistake, told)
    if not options.mistake:
        show_slips(problem, told)
    files = write_readings(recorded(problem)["L"], options.out, console)
    if options.brief:
        path = options.out / "verification.txt"
        written_to(path, file.getvalue())
        files[path] = "the comparison, and where a handwritten solution slips"
        show_first_look(files, agrees, console)
    else:
        whose = " (the engine's gradients, not the planted ones)" if options.mistake else ""
        show_files(files, f"Written{whose}:", console)
    return 0 if agrees else 1


def show_first_look(files: dict[Path, str], agrees: bool, console: Console) -> None:
    first, *_ = files
    opening = f"Open {first} in a browser: {files.pop(first)}."
    console.print(opening, style="bold", markup=False, soft_wrap=True)
    console.print(f"\nIt shows how the gradients of this network come about:\n\n{NETWORK}\n")
    console.print(
        f"They were computed by hand, by the engine and by finite differences.\n"
        f"{'All' if agrees else 'NOT all'} {1 + len(CHAIN)} quantities agree.",
        style="green" if agrees else "red",
    )
    show_files(files, "\nThere is more to look at:", console)
    console.print(
        "\nFor a network of your own: tinygrad-bp play --problem FILE (tinygrad-bp --help)"
    )


def write_readings(loss: Tensor, folder: Path, console: Console) -> dict[Path, str]:
    derivation, components = derive(loss), derive(loss, form="index")
    files: tuple[tuple[str, str, Callable[[], Any]], ...] = (
        ("backprop.html", "a page to step through forward and backward", lambda: play(loss)),
        ("derivation.html", "the derivation of the gradients, line by line", lambda: derivation),
        ("derivation_in_components.html", "the same, the softmax in cases", lambda: components),
        ("graph.svg", "the graph, with values and gradients", lambda: draw(loss)),
        ("gradients.py", "the gradients as code that needs only NumPy", lambda: source(loss)),
        ("derivation.md", "the derivation in Markdown", lambda: derivation),
        ("derivation_in_components.md", "the same in components", lambda: components),
    )
    if any((folder / name).exists() for name, *_ in files):
        console.print(f"Files of an earlier run in {folder} are replaced.", markup=False)
    written = {}
    for name, what, make in files:
        try:
            make().save(folder / name)
            written[folder / name] = what
        except RuntimeError as error:
            console.print(f"No {name}: {error}", style="yellow", markup=False)
    return written


def show_files(files: dict[Path, str], title: str, console: Console) -> None:
    console.print(title, markup=False)
    width = max(len(str(path)) for path in files)
    for path, what in files.items():
        console.print(f"  {path!s:{width}}  {what}", markup=False, soft_wrap=True)
