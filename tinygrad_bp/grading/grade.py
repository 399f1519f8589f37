"""Grade a derivation: ``grade(answers)`` says which line is wrong, and what the mistake is.

The submission answers at the assignment's points, the judge compares, and the findings are
reported.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .assignment import Assignment, Builder
from .findings import Finding, to_sentence
from .judge import Judge
from .report import VERDICTS, JudgedLine, Report
from .submission import Answers, InProcess, Submission


def grade(
    answers: Callable[..., Any] | Mapping[str, Any] | Submission,
    fn: Builder | None = None,
    inputs: Mapping[str, Any] | None = None,
    required: Collection[str] = (),
    seed: int = 0,
) -> Report:
    """Check a hand derivation line by line, and name the likely mistake.

    Parameters
    ----------
    answers
        A function in plain NumPy, whose parameters are any of the quantities by name (``W1, x, y,
        z1, a1, ..., y_hat``), and which returns a mapping from names to gradients; it is called at
        several points. Or such a mapping of arrays, computed at the one point that ``inputs``
        gives. Keys may be ``"z3"``, ``"dz3"``, ``"dL_dz3"`` or ``"dL/dz3"``.
    fn
        Builds and returns the loss from Tensors given by keyword: its leaves. The quantities are
        the leaves and the tensors that it names with ``.named()`` or `name_tensors`. The worked
        problem if left out.
    inputs
        The leaves at one point, by name. Further points are drawn with the same shapes. It may be
        left out for the worked problem, which is then drawn so that it hides nothing.
    required
        The quantities that must be answered.
    seed
        Of the points.

    Returns
    -------
    Report
        Its ``lines`` go from the loss back. It has ``passed``, ``first_wrong`` and ``score``.

    Raises
    ------
    TypeError
        If the answers are neither a function nor a mapping.
    ValueError
        If there are no inputs where they are needed.

    Examples
    --------
    The elementwise a (1 - a) is taken for the whole softmax Jacobian:

    >>> def derivation(y, y_hat, a2):
    ...     dy_hat = -2 * (y - y_hat)
    ...     dz3 = dy_hat * y_hat * (1 - y_hat)
    ...     return {"dy_hat": dy_hat, "dz3": dz3, "dW3": dz3 @ a2.T}
    >>> report = grade(derivation)
    >>> report.first_wrong, report["z3"].mistakes, report["W3"].verdict
    ('z3', ('softmax-diagonal',), 'carried forward')
    """
    if isinstance(answers, Mapping):
        if inputs is None:
            raise ValueError(
                "arrays are answers at one point: give it, as inputs={'W1': ..., ...}. "
                "A function is called at points of its own."
            )
        only_here = Assignment(fn, inputs, required, seed, only_inputs=True)
        return grade_submission(InProcess(lambda: answers), only_here)
    if not (callable(answers) or hasattr(answers, "answers_at")):
        raise TypeError(f"answers are a function or a mapping, not {answers!r:.60}.")
    submission = answers if hasattr(answers, "answers_at") else InProcess(answers)
    return grade_submission(submission, Assignment(fn, inputs, required, seed))


def grade_submission(submission: Submission, assignment: Assignment) -> Report:
    # the assignment may serve for any number of submissions
    report = grade_at_points(submission, assignment)
    if report.failure is not None:
        return grade_where_all_fits(submission, assignment, report.failure) or report
    for batched in assignment.batched if report.passed else ():
        note = say_of_batch(grade_at_points(submission, batched))
        report = replace(report, warnings=(*report.warnings, *note))
    return report


def grade_at_points(submission: Submission, assignment: Assignment) -> Report:
    submitted = submission.answers_at(assignment.points)
    with np.errstate(all="ignore"):  # answers may hold infinity and NaN
        answers = [assignment.read(a) for a in submitted]
        failure = next((a.failure for a in answers if a.failure is not None), None)
        if failure is not None:
            answers = [Answers() for _ in answers]
        findings = Judge(assignment.runs, answers).judge()
        lines = tuple(write_lines(findings, assignment, answers))
    return Report(lines, failure, assignment.warnings)


def grade_where_all_fits(
    submission: Submission, assignment: Assignment, failure: str
) -> Report | None:
    # what could not be computed may show its mistake where all widths are equal
    if not failure.startswith("ValueError"):  # which NumPy raises where a transpose is missing
        return None
    for square in assignment.squares:
        report = grade_at_points(submission, square)
        if report.failure is None and any(line.mistakes for line in report.lines):
            note = (
                f"At points where the widths differ it gave no answers: {failure}. So it is "
                "judged where they are all equal."
            )
            return replace(report, warnings=(note,))
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
        if counts or finding.name not in assignment.optional:
            yield finding.to_line(VERDICTS[finding.verdict].score if counts else None, others)
    for name in {name: None for a in answers for name in (*a.unreadable, *a.values)}:
        if name not in assignment.named:
            yield write_stray(name, assignment, answers)


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
