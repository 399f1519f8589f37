"""Grade a derivation: ``grade(answers)`` says which line is wrong, and what the mistake is.

The submission answers at the assignment's points, the judge compares, and the findings are
reported.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from ..engine import Tensor
from .assignment import Assignment, Marking
from .factors import ACCEPTED, judge
from .findings import Finding, to_sentence
from .report import JudgedLine, Report
from .spelling import ask_for
from .submission import Answers, InProcess, Submission
from .task import Builder


def grade(
    answers: Callable[..., Any] | Mapping[str, Any] | Submission,
    problem: Builder | Tensor | None = None,
    inputs: Mapping[str, Any] | Sequence[Any] | None = None,
    required: Collection[str] | None = None,
    seed: int = 0,
    *,
    carried: float = 1.0,
    points: Mapping[str, float] | None = None,
    returns: Sequence[str] | None = None,
    accepted: Collection[str] = ACCEPTED,
) -> Report:
    """Check a derivation in code or arrays; `bp.grade`, which reads documents too, says how."""
    marking = Marking(carried, points or {}, accepted)
    if isinstance(answers, Mapping):
        if inputs is None and not isinstance(problem, Tensor):
            raise ValueError(
                "arrays are answers at one point: give it, as inputs={'W1': ..., ...}, or as a "
                "recorded loss. A function is called at points of its own."
            )
        only_here = Assignment(problem, inputs, required, seed, True, None, marking, returns)
        return grade_submission(InProcess(lambda: answers), only_here)
    if not (callable(answers) or hasattr(answers, "answers_at")):
        raise TypeError(f"answers are a function or a mapping, not {answers!r:.60}.")
    assignment = Assignment(problem, inputs, required, seed, False, None, marking, returns)
    submission = answers if hasattr(answers, "answers_at") else InProcess(answers)
    return grade_submission(submission, assignment)


#: Assignments with the answers at their points.
Answered: TypeAlias = Sequence[tuple[Assignment, list[Answers]]]


@runtime_checkable
class GradesItself(Protocol):
    """A submission that makes its own report."""

    def grade_itself(self, assignment: Assignment) -> Report: ...


def grade_submission(submission: Submission | GradesItself, assignment: Assignment) -> Report:
    # The assignment may serve for any number of submissions. It is asked once, for its answers at
    # all points: to start a process takes longer than they do. A document grades itself: it has
    # lines of its own beside its gradients.
    if isinstance(submission, GradesItself):
        return submission.grade_itself(assignment)
    every = (assignment, *assignment.batched, *assignment.vectors, *assignment.squares)
    answers = iter(submission.answers_at([p for a in every for p in a.points], assignment.order))
    answered = [(a, list(islice(answers, len(a.points)))) for a in every]
    report = grade_at_points(answered[0][1], assignment)
    report = replace(report, warnings=(*report.warnings, *getattr(submission, "marks", ())))
    if report.passed:
        for batched, found in answered[1 : 1 + len(assignment.batched)]:
            note = say_of_batch(grade_at_points(found, batched))
            report = replace(report, remarks=(*report.remarks, *note))
        return report
    others = answered[1 + len(assignment.batched) :]
    vectors, squares = others[: len(assignment.vectors)], others[len(assignment.vectors) :]
    otherwise = grade_with_vectors(vectors, report) or grade_where_all_fits(squares, report)
    return replace(otherwise, warnings=report.warnings) if otherwise else report


def grade_with_vectors(vectors: Answered, report: Report) -> Report | None:
    # for one sample, many write vectors and outer products
    if any("flattened-gradient" in line.mistakes for line in report.lines):
        return None  # it takes columns, and makes this of one
    for assignment, answers in vectors:
        found = grade_at_points(answers, assignment)
        if found.passed or (report.failure is not None and found.failure is None):
            note = "It is judged with vectors in place of columns, as that is what it takes."
            return replace(found, remarks=(*found.remarks, note))
    return None


def grade_at_points(submitted: Sequence[Answers], assignment: Assignment) -> Report:
    with np.errstate(all="ignore"):  # answers may hold infinity and NaN
        answers = [assignment.read(a) for a in submitted]
        failure = next((a.failure for a in answers if a.failure is not None), None)
        if failure is not None:
            answers = [Answers() for _ in answers]
        findings = judge(assignment.runs, answers, assignment.marking.accepted)
        lines = tuple(write_lines(findings, assignment, answers))
    report = Report(lines, failure, assignment.warnings)
    note = next((a.note for a in answers if a.note is not None), None)
    return report if report.passed or note is None else replace(report, remarks=(note,))


def grade_where_all_fits(squares: Answered, failed: Report) -> Report | None:
    # what could not be computed may show its mistake where all widths are equal
    failure = failed.failure or ""
    if not failure.startswith("ValueError"):  # which NumPy raises where a transpose is missing
        return None
    for square, answers in squares:
        report = grade_at_points(answers, square)
        if report.failure is None and any(line.mistakes for line in report.lines):
            note = (
                f"At points where the widths differ it gave no answers: {failure}. So it is "
                "judged where they are all equal."
            )
            return replace(report, remarks=(*report.remarks, note))
    return None


def say_of_batch(report: Report) -> Iterator[str]:
    # This is no mistake: the worked problem has one sample, and may be derived for one.
    found = ""
    if report.failure is not None:
        found = f"it gives no answers: {report.failure.removesuffix('.')}"
    elif report.first_wrong is not None:
        line = report[report.first_wrong]
        found = f"the first wrong line is {line.label} ({line.named})"
    elif not report.passed:
        found = "it gives answers that cannot be read"
    if found:
        yield f"It is right for one sample, which is what counts. For a batch {found}."


def write_lines(
    findings: Sequence[Finding], assignment: Assignment, answers: Sequence[Answers]
) -> Iterator[JudgedLine]:
    others = {finding.name: finding.right for finding in findings}
    for finding in findings:
        counts = finding.verdict != "missing" or finding.name in assignment.required
        if not counts and finding.name in assignment.optional:
            continue
        line = finding.to_line(score_of(finding, assignment.marking) if counts else None, others)
        if finding.name == assignment.loss and finding.verdict == "right":
            line = replace(line, score=None, message="It is 1 by definition, and earns nothing.")
        elif finding.verdict == "carried forward" and line.score == 0 < assignment.marking.carried:
            line = replace(line, message="It follows from zeros or NaN, and earns nothing.")
        yield replace(line, points=assignment.marking.points.get(finding.name, 1.0))
    missing = {f.name for f in findings if f.verdict == "missing"} & assignment.required
    for name in {name: None for a in answers for name in (*a.unreadable, *a.values)}:
        if name in assignment.named:
            continue
        stray = write_stray(name, assignment, answers)
        meant = next((n for n in missing if stray.message.endswith(ask_for(n))), None)
        if meant is not None:  # a mistyped name: its slip is charged where the gradient is missing
            missing.remove(meant)
            stray = replace(stray, score=None)
        yield stray


def score_of(finding: Finding, marking: Marking) -> float:
    # Whatever one answers after zeros follows from them, as 0 = 0, and shows nothing.
    shows = [bool(np.isfinite(a).all() and a.any()) for a in finding.answered or ()]
    if finding.verdict == "carried forward" and not any(shows):
        return 0.0
    return marking.score(finding.verdict)


def write_stray(name: str, assignment: Assignment, answers: Sequence[Answers]) -> JudgedLine:
    # An answer to no quantity with a gradient is a mistyped name, or a leaf without one. Zero is
    # right for such a leaf, and earns nothing. Whatever else it is, it cannot be judged, and so the
    # derivation has not passed.
    reason = next((a.unreadable[name] for a in answers if name in a.unreadable), None)
    if reason is not None:
        return JudgedLine(name, "unreadable", message=to_sentence(reason), score=0.0)
    message = "It holds whole numbers or truth values, and has no gradient."
    if assignment.points[0][name].dtype.kind == "f":
        message = "No gradient flows to it from the loss."
    if not any(np.any(a.values[name]) for a in answers if name in a.values):
        return JudgedLine(name, "right", message=message)
    return JudgedLine(name, "unreadable", message=message, score=0.0)
