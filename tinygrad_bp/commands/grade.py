"""``tinygrad-bp grade``: a derivation, or those of a class, checked line by line."""

import argparse
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ..grading.classroom import Classroom, grade_class
from ..grading.grade import Assignment, grade_submission
from ..grading.isolated import IsolatedFile
from ..grading.limits import Limits
from ..saving import written_to
from .problem import add_problem, problem
from .users_file import blamed

#: What is written of one submission, and of a class.
OF_ONE = ("json", "html", "gradescope", "reveal")
OF_A_CLASS = ("out", "csv")


def add(commands: Any) -> None:
    """Describe the arguments of the command that grades."""
    command = commands.add_parser(
        "grade",
        help="check a hand derivation line by line, or those of a class",
        description="Check a derivation: a Python file with a function whose parameters are "
        "quantities by name, and which returns a mapping from names to gradients. Of several "
        "files, or with --out or --csv, a class is made. Each file is run in a process of its "
        "own, with limits that are no sandbox. Exit status 0 only if the derivation has passed; "
        "for a class, if the grading ran.",
    )
    command.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a submission")
    add_problem(command, "--problem")
    command.add_argument(
        "--require", nargs="+", default=(), metavar="NAME",
        help="the quantities that must be answered (default: those that are answered count)",
    )  # fmt: skip
    command.add_argument(
        "--function", metavar="NAME",
        help="the function in each submission (default: gradients, or else the only one)",
    )  # fmt: skip
    limits = Limits()
    command.add_argument(
        "--seconds", type=float, default=limits.seconds,
        help=f"the time that a submission may take (default: {limits.seconds:g})",
    )  # fmt: skip
    command.add_argument(
        "--memory", type=int, default=limits.memory, metavar="MB",
        help=f"the memory that a submission may use (default: {limits.memory})",
    )  # fmt: skip
    one = command.add_argument_group("one submission")
    one.add_argument("--reveal", action="store_true", help="say what is right, not only hints")
    one.add_argument("--json", type=Path, metavar="OUT", help="write the whole report as JSON")
    one.add_argument("--html", type=Path, metavar="OUT", help="write what is shown as a page")
    one.add_argument("--gradescope", type=Path, metavar="OUT", help="write Gradescope's results")
    many = command.add_argument_group("a class")
    many.add_argument("--out", type=Path, help="write a page about the class")
    many.add_argument("--csv", type=Path, metavar="OUT", help="write a table for a spreadsheet")
    many.add_argument("--jobs", type=int, help="run so many at a time (default: all processors)")


def run(options: argparse.Namespace, console: Console) -> int:
    """Grade one submission, or a class."""
    for path in options.files:
        if not path.is_file():
            raise ValueError(f"there is no file {path}")
    limits = Limits(options.seconds, options.memory)
    loss, inputs = problem(options)
    with blamed(options.problem) if options.problem else nullcontext():
        assignment = Assignment(loss, inputs, required=options.require)
    is_class = len(options.files) > 1 or any(getattr(options, name) for name in OF_A_CLASS)
    wrong = [name for name in OF_ONE if is_class and getattr(options, name)]
    if wrong:
        raise ValueError(f"--{wrong[0]} is for one submission; a class takes --out and --csv")
    if options.jobs is not None and options.jobs < 1:
        raise ValueError(f"--jobs must be at least 1, not {options.jobs}")
    if is_class:
        return run_class(options, assignment, limits, console)
    return run_one(options, assignment, limits, console)


def run_one(
    options: argparse.Namespace, assignment: Assignment, limits: Limits, console: Console
) -> int:
    """Grade one submission, show the report, and write it where it is asked for."""
    report = grade_submission(IsolatedFile(options.files[0], limits, options.function), assignment)
    view = report.for_learner(reveal=options.reveal)
    console.print(view)
    if options.json:
        write(options.json, report.to_json(), "The report", console)
    if options.html:
        write(options.html, view.to_html(), "The report as a page", console)
    if options.gradescope:
        results = json.dumps(report.to_gradescope(), ensure_ascii=False, indent=2)
        write(options.gradescope, results, "The results for Gradescope", console)
    return 0 if report.passed else 1


def run_class(
    options: argparse.Namespace, assignment: Assignment, limits: Limits, console: Console
) -> int:
    """Grade a class, show what came out, and write it where it is asked for."""
    columns = (TextColumn("Grading"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(options.files))
        classroom = grade_class(
            options.files,
            assignment,
            limits,
            options.function,
            options.jobs,
            done=lambda: progress.advance(task),
        )
    console.print(table_of(classroom))
    if options.out:
        write(options.out, classroom.to_html(), "The class as a page", console)
    if options.csv:
        # With this mark a spreadsheet reads the names of students as they are written.
        write(options.csv, f"\ufeff{classroom.to_csv()}", "The class as a table", console)
    return 0


def table_of(classroom: Classroom) -> Table:
    """Lay out how often each came out."""
    table = Table("", "submissions", show_edge=False, pad_edge=False)
    table.columns[1].justify = "right"
    for outcome, count in classroom.outcomes().items():
        table.add_row(Text(outcome), str(count))
    return table


def write(path: Path, content: str, what: str, console: Console) -> None:
    """Write a file, and say so."""
    written_to(path, content)
    console.print(f"{what}: {path}", markup=False)
