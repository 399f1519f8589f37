"""What the commands ``grade`` and ``inject`` do with their arguments."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ..mistakes import CATALOGUE
from ..saving import written_to
from .classroom import grade_class
from .grade import Assignment, grade_submission
from .inject import Injection, inject, possible_mistakes
from .isolated import IsolatedFile
from .limits import Limits

Options = argparse.Namespace

#: What can be written of one submission, and of a class.
OF_ONE, OF_A_CLASS = ("json", "html", "gradescope", "reveal"), ("out", "csv")


def run_grade(options: Options, make: Callable[[], Assignment], console: Console) -> int:
    for path in options.files:
        if not path.is_file():
            raise ValueError(f"there is no file {path}")
    limits, assignment = Limits(options.seconds, options.memory), make()
    is_class = len(options.files) > 1 or any(getattr(options, name) for name in OF_A_CLASS)
    wrong = [name for name in OF_ONE if is_class and getattr(options, name)]
    if wrong:
        raise ValueError(f"--{wrong[0]} is for one submission; a class takes --out and --csv")
    if options.jobs is not None and options.jobs < 1:
        raise ValueError(f"--jobs must be at least 1, not {options.jobs}")
    if is_class:
        grade_many(options, assignment, limits, console)
        return 0
    file = IsolatedFile(options.files[0], limits, options.function)
    report = grade_submission(file, assignment)
    view = report.for_learner(reveal=options.reveal)
    console.print(view)
    results = lambda: json.dumps(report.to_gradescope(), ensure_ascii=False, indent=2)  # noqa: E731
    write(console, options.json, report.to_json, "The report")
    write(console, options.html, view.to_html, "The report as a page")
    write(console, options.gradescope, results, "The results for Gradescope")
    return 0 if report.passed else 1


def write(console: Console, path: Path | None, content: Callable[[], str], what: str) -> None:
    if path is not None:
        written_to(path, content())
        console.print(f"{what}: {path}", markup=False)


def grade_many(options: Options, assignment: Assignment, limits: Limits, console: Console) -> None:
    columns = (TextColumn("Grading"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(options.files))
        done = lambda: progress.advance(task)  # noqa: E731
        classroom = grade_class(
            options.files, assignment, limits, options.function, options.jobs, done
        )
    table = Table("", "submissions", show_edge=False, pad_edge=False)
    table.columns[1].justify = "right"
    for outcome, count in classroom.outcomes().items():
        table.add_row(Text(outcome), str(count))
    console.print(table)
    write(console, options.out, classroom.to_html, "The class as a page")
    # With this mark a spreadsheet reads the names of students as they are written.
    write(console, options.csv, lambda: f"\ufeff{classroom.to_csv()}", "The class as a table")


def run_inject(
    options: Options,
    load: Callable[[], tuple[Callable[..., Any] | None, Mapping[str, Any] | None]],
    console: Console,
) -> int:
    if options.mistake is None and options.at is not None:
        raise ValueError("--at needs the name of a mistake")
    if options.list:
        console.print(list_mistakes())
        return 0
    fn, inputs = load()
    if options.mistake is not None:
        console.print(inject(options.mistake, fn, inputs, options.at, options.wrt))
        return 0
    names = possible_mistakes(fn, inputs)
    console.print(compare([inject(name, fn, inputs, wrt=options.wrt) for name in names]))
    return 0


def list_mistakes() -> Group:
    parts: list[Text | Padding] = []
    for mistake in CATALOGUE:
        parts.append(Text.assemble((mistake.name, "bold"), f"  {', '.join(mistake.places)}"))
        parts.append(Padding(Text(mistake.sentence), (0, 0, 1, 4)))
    return Group(*parts)


def compare(injections: list[Injection]) -> Table:
    table = Table(
        *("mistake", "gradients\nbroken", "the loss", "after\ndescent"),
        box=SIMPLE_HEAD,
        pad_edge=False,
        caption_justify="left",
    )
    table.columns[0].no_wrap = True  # to be copied
    for injection in injections:
        broken = f"{len(injection.broken)} of {len(injection.lines)}"
        descent, after = injection.descent, ""
        if descent is not None:
            after = f"{descent.losses[-1]:.4g}" if injection.reaches_parameters else ""
            first, *steps = descent.right_losses
            table.caption = (
                f"With the right gradient, {len(steps)} steps of gradient descent take the loss "
                f"from {first:.4g} to {steps[-1]:.4g}."
            )
        table.add_row(*map(Text, (injection.mistake, broken, injection.outcome(), after)))
    return table
