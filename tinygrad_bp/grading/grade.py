"""Grade a submission: say which line is wrong, and what the mistake is.

The submission answers at the assignment's points, the judge compares, and the findings are
reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..mistakes.run import Place, Run
from ..notation.numbers import listed
from .assignment import Assignment, Marking
from .factors import judge
from .findings import Finding, to_sentence
from .report import JudgedLine, Report
from .spelling import suggest_name
from .submission import UNKNOWN, Answers, InProcess, Submission


def submission_of(answers: Callable[..., Any] | Mapping[str, Any] | Submission) -> Submission:
    """Return what answers at points: a function, or arrays that are the same at each."""
    if hasattr(answers, "answers_at"):
        return answers
    if not (callable(answers) or isinstance(answers, Mapping)):
        raise TypeError(f"answers are a function or a mapping, not {answers!r:.60}.")
    return InProcess(answers if callable(answers) else lambda: answers)


@runtime_checkable
class GradesItself(Protocol):
    """A submission that makes its own report."""

    def grade_itself(self, assignment: Assignment) -> Report: ...


def grade_submission(submission: Submission | GradesItself, assignment: Assignment) -> Report:
    # The assignment may serve for any number of submissions. Each is asked once, for its answers at
    # all points, as to start a process takes longer than they do; and once more if its shapes do
    # not fit. A document grades itself: it has lines of its own beside its gradients.
    if isinstance(submission, GradesItself):
        return submission.grade_itself(assignment)
    vectors = assignment.vectors  # for one sample, many write vectors and outer products
    (report, _), *others = grade_at(submission, filter(None, [assignment, vectors]))
    takes_columns = any("flattened-gradient" in line.mistakes for line in report.lines)
    for found, _ in others:
        fits = found.passed or (report.failure is not None and found.failure is None)
        if fits and not report.passed and not takes_columns:
            note = "It is judged with vectors in place of columns, as that is what it takes."
            report = replace(found, remarks=(*found.remarks, note))
    if re.match("ValueError: .*shapes", report.failure or ""):  # as NumPy says of a product
        for found, findings in grade_at(submission, assignment.squares):
            if found.failure is None and has_misfit(findings, assignment.runs[0]):
                note = (
                    f"Where the widths differ it gave no answers: {report.failure}. So it is "
                    "judged where they are all equal."
                )
                report = replace(found, remarks=(*found.remarks, note))
                break
    return replace(report, warnings=(*assignment.warnings, *getattr(submission, "marks", ())))


def has_misfit(findings: Sequence[Finding], run: Run) -> bool:
    """Return if a mistake that was found cannot be made in the shapes of a run.

    Else something else has failed there, and whoever made a mistake besides would be better off.
    """
    for fault in (fault for finding in findings for fault in finding.faults):
        for edge in set(fault.edges) - run.broadcast:
            place = Place(run, edge, run.gradients)
            try:
                made = fault.contribution(place)(run.gradients[edge.step])
            except Exception:  # whatever NumPy raises
                return True
            if np.shape(made) != place.input.shape:
                return True
    return False


def grade_at(
    submission: Submission, every: Iterable[Assignment]
) -> Iterator[tuple[Report, Sequence[Finding]]]:
    every = list(every)
    points = [point for assignment in every for point in assignment.points]
    answers = iter(submission.answers_at(points, every[0].order)) if every else iter(())
    for assignment in every:
        report, findings = grade_at_points(
            list(islice(answers, len(assignment.points))), assignment
        )
        yield without_unasked(report, assignment), findings


def without_unasked(report: Report, assignment: Assignment) -> Report:
    """Return a report in which an answer of a name that the problem does not have is a remark.

    Only where all that was asked for is right: else a mistyped name may be what is missing.
    """
    asked = [x for x in report.lines if x.name in assignment.asked and x.score is not None]
    if not asked or any(line.verdict != "right" for line in asked):
        return report
    unread = [x for x in report.counted if x.verdict == "unreadable"]
    unasked = [x for x in unread if x.name not in assignment.points[0]]
    if not unasked:
        return report
    names = listed(x.label for x in unasked)
    remark = f"Not asked for, and not counted, as all that was asked for is right: {names}."
    lines = tuple(replace(x, score=None) if x in unasked else x for x in report.lines)
    return replace(report, lines=lines, remarks=(*report.remarks, remark))


def grade_at_points(
    submitted: Sequence[Answers], assignment: Assignment
) -> tuple[Report, Sequence[Finding]]:
    with np.errstate(all="ignore"):  # answers may hold infinity and NaN
        answers = [assignment.read(a) for a in submitted]
        failure = next((a.failure for a in answers if a.failure is not None), None)
        if failure is not None:
            answers = [Answers() for _ in answers]
        findings = judge(assignment.runs, answers, assignment.marking.accepted)
        lines = tuple(write_lines(findings, assignment, answers))
    report = Report(lines, failure)
    note = next((a.note for a in answers if a.note is not None), None)
    if note is not None and not report.passed:
        report = replace(report, remarks=(note,))
    return report, findings


def write_lines(
    findings: Sequence[Finding], assignment: Assignment, answers: Sequence[Answers]
) -> Iterator[JudgedLine]:
    others = {finding.name: finding.right for finding in findings}
    made: set[str] = set()
    for finding in findings:
        counts = is_asked = not assignment.required or finding.name in assignment.asked
        if finding.verdict == "missing":
            counts = finding.name in assignment.required
            if not counts and finding.name in assignment.optional:
                continue
        counts = counts or finding.verdict in ("wrong", "unreadable")
        line = finding.to_line(score_of(finding, assignment.marking) if counts else None, others)
        if finding.name == assignment.loss and finding.verdict == "right":
            line = replace(line, score=None, message="It is 1 by definition, and earns nothing.")
        elif finding.verdict == "carried forward" and line.score == 0 < assignment.marking.carried:
            line = replace(line, message="It follows from zeros or NaN, and earns nothing.")
        if line.verdict == "wrong":
            if line.slip in made:  # which is charged already
                again = f"The same slip as before. {line.message}"
                score = assignment.marking.carried if is_asked else None
                line = replace(line, score=score, message=again)
            made.add(line.slip)
        yield replace(line, points=assignment.marking.points.get(finding.name, 1.0))
    missing = [f.name for f in findings if f.verdict == "missing" and f.name in assignment.required]
    for name in {name: None for a in answers for name in (*a.unreadable, *a.values)}:
        if name in assignment.named:
            continue
        stray = write_stray(name, assignment, answers)
        if stray.message == to_sentence(UNKNOWN):
            meant = suggest_name(name.rsplit(".")[-1], missing, assignment.derived)
            advice = f"Is {meant} meant?" if meant else f"It has: {', '.join(assignment.derived)}."
            stray = replace(stray, message=f"{stray.message} {advice}")
            if meant in missing:  # the slip is charged where the gradient is missing
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
