"""The command ``tinygrad-bp``: arguments in, readings out.

`COMMANDS` is the table of its commands.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from . import __version__
from .engine import Tensor
from .grading.assignment import Assignment, Marking
from .grading.commands import run_grade, run_inject
from .grading.factors import ACCEPTED, CONVENTIONS
from .grading.limits import Limits
from .readings.derive import derive
from .readings.draw import LEVELS, draw
from .readings.explain import explain
from .readings.play import play
from .readings.source import source
from .record import recorded_tensors
from .user_file import load_loss, load_problem, naming_the_line
from .worked_problem.problem import random_problem
from .worked_problem.verification import PLANTED, recorded
from .worked_problem.verify_command import run_verify
from .written.grade import check_names, open_document

Options = argparse.Namespace


def argument(*flags: str, **settings: Any) -> Callable[[Any], None]:
    return lambda parser: parser.add_argument(*flags, **settings)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status, 0 only if all that was checked agrees."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or (len(argv) == 2 and argv[0] == "--out"):
        argv = ["verify", "--brief", *argv]
    elif argv[0].startswith("-") and argv[0] not in ("-h", "--help", "--version"):
        argv = ["verify", *argv]
    elif Path(argv[0]).suffix and not argv[0].startswith("-"):  # a file: no command has a dot
        argv = ["grade", *argv]
    elif not argv[0].startswith("-") and argv[0] not in COMMANDS:
        near = get_close_matches(argv[0], COMMANDS, 1)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(COMMANDS)}."
        return failed(f"there is no command {argv[0]!r}. {hint}")
    options = parser().parse_args(argv)
    if hasattr(sys.stdout, "reconfigure"):  # on a console without a sign, a question mark
        sys.stdout.reconfigure(errors="replace")
    try:
        return COMMANDS[options.command].run(options, Console())
    except (TypeError, ValueError, RuntimeError, OSError) as error:
        return failed(error)


def failed(error: object) -> int:
    Console(stderr=True).print(f"tinygrad-bp: {error}", style="red", markup=False)
    return 2


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="tinygrad-bp",
        description="Record computations, and read and check their gradients. Without a command, "
        "tinygrad-bp writes the worked problem to a few files. Options without a command go to "
        "verify, and files without a command go to grade.",
        epilog="tinygrad-bp COMMAND --help shows the options of a command.",
    )
    top.add_argument("--version", action="version", version=f"tinygrad_bp {__version__}")
    commands = top.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.help, description=command.description)
        for add in command.arguments:
            add(sub)
    return top


class Command(NamedTuple):
    """A row of the table of commands."""

    help: str
    description: str
    arguments: tuple[Callable[[Any], None], ...]
    run: Callable[[Options, Console], int]


# ---- One computation, read in one way ----

PROBLEM = (
    argument(
        "--problem", "--file", type=Path, metavar="FILE",
        help="a Python file with a function that returns the loss; if the function has arguments, "
        "a dict called inputs in the file gives their values (default: the worked problem)",
    ),
    argument(
        "--loss", default="loss", metavar="NAME",
        help="the function that returns the loss (default: loss)",
    ),
)  # fmt: skip

WRT = argument(
    "--wrt", nargs="+", metavar="NAME",
    help="only the gradients by the tensors with these names (default: all parameters)",
)  # fmt: skip


def wanted(options: Options, loss: Tensor) -> list[Tensor] | None:
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


def make_drawing(loss: Tensor, options: Options) -> Any:
    if options.backward and options.out is None:
        raise ValueError("--backward needs --out: the tree shows only the forward pass")
    return draw(loss, options.level, options.backward, options.rules)


def reading(
    help: str,  # what comes before "of the worked problem, or of a function..."
    make: Callable[[Tensor, Options], Any],  # what has a method save(path)
    *arguments: Callable[[Any], None],
    forms: str = "",
    default: Path | None = None,  # without --out: where to, or else it is printed
    text: Callable[[Any], str] = "{}\n".format,
) -> Command:
    """Return a command that makes one document of a computation."""

    def run(options: Options, console: Console) -> int:
        file = options.problem
        loss = load_loss(file, options.loss) if file else recorded(random_problem())["L"]
        document = make(loss, options)
        path = options.out or default
        if path is not None:
            replaced = " (in place of the file that was there)" * path.is_file()
            document.save(path)
            console.print(f"Written: {path}{replaced}", markup=False)
        else:  # to be piped into a file: not wrapped, not coloured
            sys.stdout.write(text(document))
        return 0

    whose = "of the worked problem, or of a function in a file of yours that returns a loss."
    where = "the console" if default is None else default.as_posix()
    out = argument("--out", type=Path, help=f"a file to write to (default: {where})")
    description = f"{help[0].upper()}{help[1:]}: {whose} {forms}"
    return Command(help, description, (*arguments, *PROBLEM, out), run)


# ---- What is graded ----

LIMITS = Limits()


def load_assignment(options: Options) -> Assignment:
    loss, inputs = load_problem(options.problem, options.loss)
    points = pairs("--points", options.points, "NAME=NUMBER, as in W1=2", float)
    with naming_the_line(options.problem):
        marking = Marking(options.carried, points, options.accept)
        assignment = Assignment(
            loss, inputs, options.require, marking=marking, returns=options.returns
        )
    check_names(names_given(options), assignment)
    return assignment


def names_given(options: Options) -> dict[str, str]:
    return pairs("--names", options.names, "NAME=QUANTITY, as in h=a1", str)


def pairs(
    option: str, given: Sequence[str], form: str, kind: Callable[[str], Any]
) -> dict[str, Any]:
    found = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            found[name] = kind(value)
        except ValueError:
            value = ""
        if not name or not value:
            raise ValueError(f"{option} takes {form}, and not {text}")
    return found


def group(title: str, *arguments: Callable[[Any], None]) -> Callable[[Any], None]:
    def add(parser: Any) -> None:
        titled = parser.add_argument_group(title)
        for add_argument in arguments:
            add_argument(titled)

    return add


# ---- The table of commands, in the order of the help ----

COMMANDS: dict[str, Command] = {
    "verify": Command(
        "compute the worked problem's gradients in three ways, and compare",
        "Compare the closed form, the engine and finite differences on every factor and gradient "
        "of the worked problem: y_hat = softmax(W3 sigmoid(W2 sigmoid(W1 x))), "
        "L = ||y - y_hat||^2. Exit status 0 only if all agree.",
        (
            argument(
                "--sizes", nargs=4, type=int, default=(4, 5, 6, 3),
                metavar=("N0", "N1", "N2", "N3"),
                help="widths from input to output (default: 4 5 6 3)",
            ),
            argument("--batch", type=int, default=1, help="number of samples (default: 1)"),
            argument("--seed", type=int, default=0, help="seed of the random numbers (default: 0)"),
            argument(
                "--mistake", choices=sorted(PLANTED), help="plant a mistake in the closed form"
            ),
            argument(
                "--out", type=Path, default=Path("out"),
                help="the folder to write to (default: out)",
            ),
            argument("--brief", action="store_true", help="say only which page to open"),
        ),
        run_verify,
    ),
    "source": reading(
        "write the gradients as Python code that needs only NumPy",
        lambda loss, options: source(loss, wanted(options, loss)),
        WRT, text=str,
    ),
    "derive": reading(
        "write the hand derivation of the gradients, every line checked",
        lambda loss, options: derive(
            loss, wanted(options, loss), options.form, options.numbers, options.worksheet
        ),
        argument(
            "--form", choices=("matrix", "index"), default="matrix",
            help="whole arrays, or components with every sum written (default: matrix)",
        ),
        argument("--numbers", action="store_true", help="show the values beside the symbols"),
        argument(
            "--worksheet", action="store_true", help="leave the gradients' right-hand sides blank"
        ),
        WRT,
        forms="--out takes a file that ends in .md, .tex, .html or .txt.",
        text=lambda derivation: str(derivation.text),
    ),
    "explain": reading(
        "show the reverse sweep step by step, with its numbers",
        lambda loss, options: explain(loss, wanted(options, loss)),
        WRT, forms="--out takes a file that ends in .txt, .html or .json.",
    ),
    "draw": reading(
        "draw the graph, with its values and gradients",
        make_drawing,
        argument(
            "--level", choices=LEVELS, default="ops",
            help="layers: scopes collapsed; values: larger arrays written out (default: ops)",
        ),
        argument("--backward", action="store_true", help="draw the reverse sweep as well"),
        argument("--rules", action="store_true", help="label each edge with what flows back"),
        forms="--out takes a file that ends in .svg, .png, .pdf or .dot; without it, the "
        "graph is printed as a tree.",
    ),
    "play": reading(
        "make a page, one file that works offline, to step through both passes",
        lambda loss, options: play(loss),
        forms="--out takes a file that ends in .html.",
        default=Path("out", "backprop.html"),
    ),
    "grade": Command(
        "check a hand derivation, or those of a class, line by line",
        "Check a derivation: a document (.md, .tex, .ipynb, .txt), read line by line; or a Python "
        "file with a function that takes quantities of the problem by name and returns gradients. "
        "Several files, --csv or --feedback make a class. Each Python file runs in a process of "
        "its own, within limits; that is no sandbox. The exit status is 0 if the derivation "
        "passed; for a class, if every submission could be graded.",
        (
            argument("files", nargs="+", type=Path, metavar="FILE", help="a submission"),
            *PROBLEM,
            argument(
                "--function", action="append", default=[], metavar="[FILE=]NAME",
                help="the function in each submission, or in one file (default: gradients, or else "
                "the one whose parameters are quantities of the problem)",
            ),
            argument(
                "--names", nargs="+", default=(), metavar="NAME=QUANTITY",
                help="what the names stand for, as in h=a1, if the document does not say so",
            ),
            argument("--out", type=Path, help="write the report as a page: a .html file"),
            group(
                "what counts",
                argument(
                    "--require", nargs="*", metavar="NAME",
                    help="what must be answered (default: every parameter; without a name, only "
                    "what is answered counts)",
                ),
                argument(
                    "--returns", nargs="+", metavar="NAME",
                    help="the gradients that a returned tuple holds, in this order (default: those "
                    "of the parameters)",
                ),
                argument(
                    "--points", nargs="+", default=(), metavar="NAME=NUMBER",
                    help="what a line is worth (default: 1)",
                ),
                argument(
                    "--accept", nargs="*", default=ACCEPTED, choices=tuple(CONVENTIONS),
                    metavar="CONVENTION",
                    help="the conventions that get a remark and cost no points; any of "
                    f"{', '.join(CONVENTIONS)} (default: {', '.join(ACCEPTED)})",
                ),
                argument(
                    "--carried", type=float, default=1.0, metavar="SHARE",
                    help="the share of its points that a line earns if only an earlier slip made "
                    "it wrong (default: 1, as one slip is charged once)",
                ),
            ),
            group(
                "limits",
                argument(
                    "--seconds", type=float, default=LIMITS.seconds,
                    help=f"the time that a submission may take (default: {LIMITS.seconds:g})",
                ),
                argument(
                    "--memory", type=int, default=LIMITS.memory, metavar="MB",
                    help=f"the memory that a submission may use (default: {LIMITS.memory})",
                ),
            ),
            group(
                "one submission",
                argument("--reveal", action="store_true", help="show the answers, not hints"),
                argument("--json", type=Path, metavar="OUT", help="write the whole report as JSON"),
                argument("--gradescope", type=Path, metavar="OUT", help="write its results"),
            ),
            group(
                "a class",
                argument("--csv", type=Path, metavar="OUT", help="write a table for a spreadsheet"),
                argument(
                    "--feedback", type=Path, metavar="FOLDER",
                    help="write a page for each student, with hints and without the answers",
                ),
                argument("--title", help="the title of the page"),
                argument("--jobs", type=int, help="how many run at a time (default: all cores)"),
            ),
        ),
        lambda options, console: run_grade(
            options,
            lambda: load_assignment(options),
            console,
            lambda path: open_document(path, names_given(options)),
        ),
    ),
    "inject": Command(
        "run a backward pass with a mistake in it, and show which gradients break",
        "Run a backward pass with one rule replaced by a wrong one, or with a fault of the sweep "
        "itself, and show which gradients break and whether the loss would still fall. Without a "
        "mistake, list those that the problem can show.",
        (
            argument("mistake", nargs="?", metavar="MISTAKE", help="its name: --list shows all"),
            *PROBLEM,
            argument(
                "--at", metavar="NAME",
                help="make the mistake in this gradient alone (default: wherever possible)",
            ),
            argument("--list", action="store_true", help="list the mistakes, and do no more"),
        ),
        lambda options, console: run_inject(
            options, lambda: load_problem(options.problem, options.loss), console
        ),
    ),
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
