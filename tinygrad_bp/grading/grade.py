"""Grade a derivation: ``grade(answers)`` says which line is wrong, and what the mistake is.

The submission answers at the assignment's points, the judge compares, and the findings are
reported.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from .assignment import Assignment, Problem
from .findings import lines
from .judge import Judge
from .report import Report
from .submission import Answers, Arrays, Function, Submission


def grade(
    answers: Callable[..., Any] | Mapping[str, Any] | Submission,
    fn: Problem | None = None,
    inputs: Mapping[str, Any] | None = None,
    required: Collection[str] = (),
    seed: int = 0,
) -> Report:
    """Check a hand derivation line by line, and name the likely mistake.

    Parameters
    ----------
    answers
        What was derived. A function in plain NumPy, whose parameters are any of the quantities by
        name (``W1, x, y, z1, a1, ..., y_hat``), and which returns a mapping from names to
        gradients; it is called at several points. Or such a mapping of arrays, computed at the one
        point that ``inputs`` gives. Any of the quantities may be answered; keys may be ``"z3"``,
        ``"dz3"``, ``"dL_dz3"`` or ``"dL/dz3"``.
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
    submission: Submission
    if isinstance(answers, Mapping):
        if inputs is None:
            raise ValueError(
                "arrays are answers at one point: give it, as inputs={'W1': ..., ...}. "
                "A function is called at points of its own."
            )
        submission = Arrays(answers)
    elif hasattr(answers, "answers_at"):
        submission = answers
    elif callable(answers):
        submission = Function(answers)
    else:
        raise TypeError(f"answers are a function or a mapping, not {answers!r:.60}.")
    only_inputs = isinstance(answers, Mapping)
    return graded(submission, Assignment(fn, inputs, required, seed, only_inputs))


def graded(submission: Submission, assignment: Assignment) -> Report:
    """Judge a submission against an assignment.

    Parameters
    ----------
    submission
        Whatever answers gradients at points.
    assignment
        The problem; it may serve for any number of submissions.
    """
    report = graded_at(submission, assignment)
    if report.failure is not None:
        return graded_where_all_fits(submission, assignment, report.failure) or report
    if report.passed and assignment.batched is not None:
        note = of_a_batch(graded_at(submission, assignment.batched))
        return replace(report, warnings=(*report.warnings, *note))
    return report


def graded_at(submission: Submission, assignment: Assignment) -> Report:
    """Judge a submission at the points of an assignment, and nowhere else."""
    submitted = submission.answers_at(assignment.points)
    with np.errstate(all="ignore"):  # answers may hold infinity and NaN
        answers = [assignment.read(a) for a in submitted]
        failure = next((a.failure for a in answers if a.failure is not None), None)
        if failure is not None:
            answers = [Answers() for _ in answers]
        judged = Judge(assignment.runs, assignment.named, answers).judged()
        return Report(tuple(lines(judged, assignment, answers)), failure, assignment.warnings)


def graded_where_all_fits(
    submission: Submission, assignment: Assignment, failure: str
) -> Report | None:
    """Judge what could not be computed where all widths are equal, if a mistake shows there.

    Where a transpose is missing the shapes mostly do not fit, and there is nothing to judge.
    """
    if not failure.startswith("ValueError"):  # which NumPy raises where shapes do not fit
        return None
    for square in assignment.squares:
        report = graded_at(submission, square)
        if report.failure is None and any(line.mistakes for line in report.lines):
            note = (
                f"At points where the widths differ it gave no answers: {failure}. So it is "
                "judged where they are all equal."
            )
            return replace(report, warnings=(note,))
    return None


def of_a_batch(report: Report) -> Iterator[str]:
    """Say what a derivation that is right for one sample gets wrong for a batch.

    This is no mistake: the worked problem has one sample, and may be derived for one.
    """
    if report.failure is not None:
        found = f"it gives no answers: {report.failure.removesuffix('.')}"
    elif report.first_wrong is not None:
        line = report[report.first_wrong]
        names = " or ".join(line.mistakes) or "no known pattern"
        found = f"the first wrong line is {line.label} ({names})"
    elif not report.passed:
        found = "it gives answers that cannot be read"
    else:
        return
    yield f"It is right for one sample, which is what counts. For a batch {found}."
