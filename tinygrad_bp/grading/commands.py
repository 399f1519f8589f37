"""What the commands ``grade`` and ``inject`` do with their arguments."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ..engine import Tensor
from ..mistakes import CATALOGUE
from ..notation.numbers import printable
from ..saving import written_to
from .assignment import Assignment
from .classroom import grade_class
from .grade import GradesItself, grade_submission
from .inject import inject, possible_mistakes
from .isolated import IsolatedFile
from .limits import Limits
from .report import Report

Options = argparse.Namespace

#: What can be written of one submission, and of a class.
OF_ONE, OF_A_CLASS = ("json", "gradescope", "reveal"), ("csv", "feedback", "title")


def run_grade(
    options: Options,
    make: Callable[[], Assignment],
    console: Console,
    document: Callable[[Path], GradesItself | None],
) -> int:
    is_class = len(options.files) > 1 or any(getattr(options, name) for name in OF_A_CLASS)
    wrong = [name for name in OF_ONE if is_class and getattr(options, name)]
    if wrong:
        raise ValueError(
            f"--{wrong[0]} is for one submission; a class takes --out, --csv and --feedback"
        )
    if all(path.is_dir() for path in options.files):
        folder = options.files[0]
        raise ValueError(f"{folder} is a folder. Name the files in it: {folder}/*")
    if not is_class and not options.files[0].is_file():
        raise ValueError(f"there is no file {options.files[0]}")
    if options.out is not None and options.out.suffix != ".html":
        raise ValueError(f"--out writes a page, a file that ends in .html, and not {options.out}")
    if options.jobs is not None and options.jobs < 1:
        raise ValueError(f"--jobs must be at least 1, not {options.jobs}")
    functions = functions_of(options.function, options.files)
    limits, assignment = Limits(options.seconds, options.memory), make()
    if is_class:
        return grade_many(options, assignment, limits, functions, console, document)
    path = options.files[0]
    written = document(path)
    submission = written or IsolatedFile(path, limits, functions[path])
    try:
        report = grade_submission(submission, assignment)
    except Exception as error:  # an error of ours: it is reported, too, where a program reads that
        reason = printable(f"{type(error).__name__}: {error}")
        report = Report((), f"the grader itself has failed. Tell your teacher: {reason}")
    if written is not None and options.problem is None:
        console.print(
            "Graded against the worked problem. For your own network: --problem FILE", style="bold"
        )
    view = report.for_learner(reveal=options.reveal)
    console.print(view)
    results = lambda: json.dumps(report.to_gradescope(), ensure_ascii=False, indent=2)  # noqa: E731
    write(console, options.out, view.to_html, "The report as a page")
    write(console, options.json, report.to_json, "The report")
    write(console, options.gradescope, results, "The results for Gradescope")
    return 0 if report.passed else 1


def functions_of(given: Sequence[str], files: Sequence[Path]) -> dict[Path, str | None]:
    """Read which function to call in which file: ``NAME`` in all, ``FILE=NAME`` in one."""
    every: dict[Path, str | None] = dict.fromkeys(files)
    for text in sorted(given, key=lambda text: "=" in text):
        file, _, name = text.rpartition("=")
        if not name.isidentifier():
            raise ValueError(f"--function takes NAME or FILE=NAME, and not {text}")
        chosen = [x for x in files if file in ("", x.as_posix(), str(x), x.name)]
        if not chosen:
            raise ValueError(f"--function {text}: there is no submission {file}")
        every |= dict.fromkeys(chosen, name)
    return every


def write(console: Console, path: Path | None, content: Callable[[], str], what: str) -> None:
    if path is not None:
        written_to(path, content())
        console.print(f"{what}: {path}", markup=False)


def grade_many(
    options: Options,
    assignment: Assignment,
    limits: Limits,
    functions: Mapping[Path, str | None],
    console: Console,
    document: Callable[[Path], GradesItself | None],
) -> int:
    columns = (TextColumn("Grading"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(options.files))
        done = lambda: progress.advance(task)  # noqa: E731
        classroom = grade_class(
            options.files, assignment, limits, functions.get, options.jobs, done, document
        )
    table = Table("", "submissions", show_edge=False, pad_edge=False)
    table.columns[1].justify = "right"
    for outcome, count in classroom.outcomes().items():
        table.add_row(Text(outcome), str(count))
    console.print(table)
    for row in classroom.rows:
        for reason in row.to_look_at():
            console.print(f"Look at {row.name}: {reason}", markup=False)
    title = options.title or "The class"
    if options.out is not None:
        beside = None
        if options.feedback is not None:
            beside = Path(os.path.relpath(options.feedback, options.out.parent)).as_posix()
        page = classroom.to_html(title, beside)
        write(console, options.out, lambda: page, "The class as a page")
    # With this mark a spreadsheet reads the names of students as they are written.
    write(console, options.csv, lambda: f"\ufeff{classroom.to_csv()}", "The class as a table")
    if options.feedback is not None:
        for name, page in classroom.feedback(title).items():
            written_to(options.feedback / name, page)
        console.print(f"A page for each student: {options.feedback}", markup=False)
    return 0 if all(row.report for row in classroom.rows) else 1


def run_inject(
    options: Options,
    load: Callable[[], tuple[Callable[..., Any] | Tensor | None, Mapping[str, Any] | None]],
    console: Console,
) -> int:
    if options.mistake is None and options.at is not None:
        raise ValueError("--at needs the name of a mistake")
    if options.list:
        for row in CATALOGUE:
            console.print(Text.assemble((row.name, "bold"), f"  {', '.join(row.places)}"))
            console.print(Padding(Text(row.sentence), (0, 0, 1, 4)))
        return 0
    fn, inputs = load()
    if options.mistake is not None:
        console.print(inject(options.mistake, fn, inputs, options.at))
        return 0
    console.print("These can be injected:", *possible_mistakes(fn, inputs), sep="\n  ")
    return 0
