"""Grade a derivation that is written down: in LaTeX, Markdown, a notebook or plain text.

The document's gradients are answers for the judge, as a function's are, so mistakes are named and
scores given as they are for code. Nothing in a document is run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ..engine import Tensor
from ..grading.assignment import Assignment, Marking
from ..grading.factors import ACCEPTED
from ..grading.grade import GradesItself, grade_at_points, grade_submission, submission_of
from ..grading.report import JudgedLine, Report
from ..grading.submission import Answers, Submission
from ..grading.task import Builder
from .document import Document
from .judged import Judged
from .missing import leaves_of
from .network import Arrays, Network
from .read import BLANK, read
from .report import HINTS, WrittenReport, WrittenSide
from .symbols import Symbols
from .target import Target

SUFFIXES = (".md", ".tex", ".ipynb", ".txt")

#: What is said of a notebook that has a function, and no gradient in Markdown.
NO_CODE = "Of a notebook only Markdown cells are read: hand a function in as a .py file."

#: A longer document is not read, in bytes.
LARGEST_DOCUMENT = 200_000

#: One for each assignment, as a class is graded against one; it keeps local derivatives.
NETWORKS: WeakKeyDictionary[Assignment, Network] = WeakKeyDictionary()


def network_of(assignment: Assignment) -> Network:
    if assignment not in NETWORKS:
        NETWORKS[assignment] = Network(assignment)
    return NETWORKS[assignment]


def check_names(names: Mapping[str, str], assignment: Assignment) -> None:
    """Raise a ValueError if a name stands for what the problem does not have."""
    if names:
        Symbols(network_of(assignment), names)


@dataclass(frozen=True)
class WrittenFile:
    """A document as a submission."""

    source: str
    suffix: str
    names: Mapping[str, str]

    def grade_itself(self, assignment: Assignment) -> WrittenReport:
        network = network_of(assignment)
        document = Document(network, self.names)
        lines = read(self.source, self.suffix, network.words)
        judged = document.judge(lines, self.source)
        report = Grader(document, assignment).report(judged)
        if (
            self.suffix == ".ipynb"
            and not document.answers
            and re.search(r"\bdef \w+\(", self.source)
        ):
            return replace(report, warnings=(*report.warnings, NO_CODE))
        return report


def open_document(path: Path, names: Mapping[str, str] | None = None) -> WrittenFile | None:
    """Return a document as a submission; None if the file is none, such as code."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        return None
    if path.stat().st_size > LARGEST_DOCUMENT:
        raise ValueError(f"{path.name} has more than {LARGEST_DOCUMENT:,} bytes, and is not read.")
    source = path.read_text(encoding="utf-8-sig", errors="replace")
    return WrittenFile(source, suffix, names or {})


class Grader:
    """Takes a judged document to the judge of gradients."""

    def __init__(self, document: Document, assignment: Assignment) -> None:
        self.document, self.network, self.assignment = document, document.network, assignment

    def grade(self, values: Mapping[str, Arrays | None]) -> Report:
        given = {name: self.of_mean(name, v) for name, v in values.items() if v is not None}
        points = range(len(self.assignment.points))
        answers = [Answers({name: v[k] for name, v in given.items()}) for k in points]
        # a step without a name in the problem is called as in readings, v4
        known = self.network.gradients.keys() - self.assignment.named.keys()
        steps = {name: self.network.position[name] for name in values if name in known}
        report, _ = grade_at_points(answers, self.assignment.calling(steps))
        return report

    def of_mean(self, name: str, arrays: Arrays) -> Arrays:
        # where dZ is meant of each sample's loss, as answers of their mean
        network = self.network
        if self.document.symbols.is_per_sample(name):
            return [a / (network.batch or 1) for a in arrays]
        return arrays

    def report(self, judged: Sequence[Judged]) -> WrittenReport:
        """Judge the gradients as they are last written. What every line lacks is charged once."""
        verdicts = self.document.answers
        used = self.used(judged)
        answers = {name: v.answer for name, v in verdicts.items()}
        report = self.grade(dict.fromkeys(used) | answers)
        charged: set[str] = set()
        lines = []
        unfit = {
            j.target.about: j.verdict.name
            for j in judged
            if j.target is not None and j.target.kind == "gradient"
            if j.verdict.name in ("stray index", "does not fit")
        }
        unread = {
            j.target.about: j.line.where.line
            for j in judged
            if j.target is not None and j.target.kind == "gradient"
            if j.verdict.name == "not read" and j.verdict.reason != BLANK
        }
        for line in report.lines:
            what = verdicts[line.name].name if line.name in verdicts else ""
            is_unread = line.name in unread
            if (
                line.verdict == "missing" and line.name in used and not is_unread
            ):  # what rests on it is not derived
                message = f"Line {used[line.name]} uses it, so it has to be derived."
                line = replace(line, score=0.0, message=message)
            if line.verdict == "missing" and is_unread:  # it counts only if it was asked for
                message = f"Answered in line {unread[line.name]}, which was not read."
                line = replace(line, verdict="unreadable", message=message)
            if line.verdict == "missing" and line.name in unfit:
                line = self.charge(line, unfit[line.name], "wrong")
            if line.verdict == "right" and what in CHARGED:
                line = self.charge(line, what, "carried forward" if what in charged else "wrong")
                charged.add(what)
            lines.append(line)
        return WrittenReport(
            tuple(lines),
            warnings=self.assignment.warnings,
            written=tuple(self.of_side(j, report) for j in judged),
            names=tuple(self.document.found.items()),
        )

    def used(self, judged: Sequence[Judged]) -> dict[str, int]:
        """Return the gradients that the last word on another one is written in, with its line."""
        found: dict[str, int] = {}
        for j in judged:
            if j.target is None or self.document.answers.get(j.target.about) is not j.verdict:
                continue
            for leaf in leaves_of(j.side.tree):
                link = self.document.meaning.link(leaf)
                if link is not None and link[0].kind == "loss":
                    found.setdefault(link[1].name, j.line.where.line)
        return found

    def charge(self, line: JudgedLine, what: str, verdict: str) -> JudgedLine:
        score = self.assignment.marking.score(verdict)
        hint = HINTS[what] if verdict == "wrong" else ""
        return replace(
            line,
            verdict=verdict,
            score=score,
            error=None,
            message=CHARGED[what],
            hint=hint,
            mistakes=(what,) if verdict == "wrong" else (),
        )

    @cached_property
    def by_case(self) -> Mapping[str, Report]:
        """For each case that is written as an alternative, a report on the document with it."""
        verdicts = self.document.answers
        cases = {case for v in verdicts.values() for case in v.cases}
        return {
            case: self.grade({n: v.cases.get(case, v.answer) for n, v in verdicts.items()})
            for case in cases
        }

    def case(self, judged: Judged, case: str) -> JudgedLine:
        """Judge a line with one case of it: in the whole document, if it is the last word there."""
        target, verdict = judged.target, judged.verdict
        assert target is not None
        if self.document.answers.get(target.about) is verdict:
            return self.by_case[case][target.about]
        return self.line(target, verdict.cases[case], judged.before)

    def of_side(self, judged: Judged, report: Report) -> WrittenSide:
        verdict, shown = judged.verdict, self.document.meaning.shown
        reading, name, reason = verdict.reading, verdict.name, verdict.reason
        mistakes: tuple[str, ...] = ()
        hint = HINTS.get(name, "")
        if verdict.cases and judged.target is not None:
            found = [(case, self.case(judged, case)) for case in verdict.cases]
            said = [f"{case}: {' or '.join(x.mistakes) or x.verdict}" for case, x in found]
            reason = f"{reason}. {'; '.join(said)}"
            mistakes = tuple(dict.fromkeys(m for _, line in found for m in line.mistakes))
        elif name == "wrong" and verdict.answer is not None and judged.target is not None:
            # of the last word on a gradient the two tables say the same
            is_last = self.document.answers.get(judged.target.about) is verdict
            line = report[judged.target.about] if is_last else None
            if line is None or line.verdict != "wrong":
                line = self.line(judged.target, verdict.answer, judged.before)
            mistakes, hint = line.mistakes, line.hint or hint
            if "sum-for-mean" in mistakes and self.document.per_sample:
                hint = (
                    f"Line {self.document.per_sample} is without the mean: take it there, or here."
                )
            if line.verdict == "carried forward":
                name, reason, hint = "carried forward", "right, given an earlier slip", ""
        return WrittenSide(
            judged.line.where.line,
            judged.line.where.cell,
            judged.line.left.text,
            judged.side.text,
            judged.line.latex,
            name,
            reason,
            shown.printed(reading) if reading is not None else "",
            shown.printed(reading, latex=True) if reading is not None else "",
            tuple(sorted(verdict.notes)),
            mistakes,
            verdict.missing,
            hint,
            judged.side.relation,
        )

    def line(self, target: Target, answer: Arrays, own: Mapping[str, Arrays]) -> JudgedLine:
        """Have one line judged, given the document's own gradients before it."""
        network = self.network
        if target.kind == "local":  # through the gradient that it makes of the right one
            above = network.gradients[target.of]
            n = above[0].ndim
            made = [np.tensordot(g, t, axes=n) for g, t in zip(above, answer, strict=True)]
            return self.grade({target.of: above, target.about: made})[target.about]
        before = {
            name: [a.reshape(network.shape(name)) for a in arrays] for name, arrays in own.items()
        }
        return self.grade({**before, target.about: answer})[target.about]


#: What is right in every gradient but for one thing, which is charged once; or is no array at all.
CHARGED = {
    "stray index": "An index stands on the right, not on the left, and is not summed over.",
    "does not fit": "As arrays, its parts do not fit.",
    "cases as alternatives": "Cases about an index are alternatives here. Summed, they are right.",
    "wrong as arrays": "Right as factors of the chain rule, and not as arrays.",
}


def grade(
    answers: Callable[..., Any] | Mapping[str, Any] | Submission | str | Path,
    problem: Builder | Tensor | None = None,
    inputs: Mapping[str, Any] | Sequence[Any] | None = None,
    required: Collection[str] | None = None,
    seed: int = 0,
    *,
    carried: float = 1.0,
    points: Mapping[str, float] | None = None,
    returns: Sequence[str] | None = None,
    accepted: Collection[str] = ACCEPTED,
    names: Mapping[str, str] | None = None,
) -> Report:
    """Check a hand derivation line by line, and name the likely mistake.

    Parameters
    ----------
    answers
        A function in plain NumPy, whose parameters are any of the quantities by name (``W1, x, y,
        z1, a1, ..., y_hat``), and which returns gradients; it is called at several points. A
        mapping has the names as keys: ``"z3"``, ``"dz3"``, ``"dL_dz3"``, ``"grad_z3"`` or the like.
        A tuple or a list has the gradients in the order of ``returns``. A class has a method
        ``backward``. Or a mapping of arrays, computed at the one point that ``inputs`` gives.
        Or the path of a document, ``.md``, ``.tex``, ``.ipynb`` or ``.txt``, read line by line.
    problem
        The recorded loss; it is replayed at other points. Or a function that builds and returns it
        from Tensors, its leaves. The quantities are the leaves and the tensors that are named, with
        ``.named()`` or `name_tensors`. A layer returns its output; its upstream gradient is then
        drawn, and called ``dout``. The worked problem if left out.
    inputs
        What the function takes, at one point: arrays by name, or a list of them. Further points are
        drawn with the same shapes. Leave them out for a recorded loss, and for the worked problem,
        which is drawn so that no two sizes are equal.
    required
        The quantities that must be answered: every parameter of the problem if left out, and for
        ``()`` only what is answered counts. Parameters are the leaves with ``requires_grad``; where
        no leaf is a Tensor, all but those called as data are: ``x``, ``y``, ``t``, ``target``,
        ``label``, ``mask``, ``h0`` or ``c0``.
    seed
        Of the points.
    carried
        The part of its points that a line earns which is right, given an earlier slip.
    points
        What the lines are worth, by quantity: 1 if left out.
    returns
        The quantities whose gradients a returned tuple has: the parameters in the order of the
        problem if left out.
    accepted
        The conventions that are remarked on, and not charged: ``"per-sample"``, where gradients
        between are those of each sample's own loss and the mean is taken at the parameters;
        ``"descent"``, with the sign of an update that is added; ``"sum-for-mean"``.
    names
        What names in a document stand for, where it does not say so: ``{"h": "a1"}``.

    Returns
    -------
    Report
        Its ``lines`` go from the loss back. It has ``passed``, ``first_wrong`` and ``score``.
        Of a document it also has the right sides in their order, ``written``.

    Raises
    ------
    TypeError
        If the answers are neither a function, a mapping nor a path.
    ValueError
        If there are no inputs where they are needed, a file is no document, or a name in
        ``names`` stands for nothing in the problem.

    Examples
    --------
    The elementwise a (1 - a) is taken for the whole softmax Jacobian:

    >>> def derivation(y, y_hat, a2):
    ...     dy_hat = -2 * (y - y_hat)
    ...     dz3 = dy_hat * y_hat * (1 - y_hat)
    ...     return {"dy_hat": dy_hat, "dz3": dz3, "dW3": dz3 @ a2.T}
    >>> report = grade(derivation, required=["W3"])
    >>> report.first_wrong, report["z3"].mistakes, report["W3"].verdict
    ('z3', ('softmax-diagonal',), 'carried forward')
    """
    submission: Submission | GradesItself
    if isinstance(answers, (str, Path)):
        document = open_document(Path(answers), names)
        if document is None:
            raise ValueError(f"{answers} is no document that is read: {', '.join(SUFFIXES)}.")
        submission = document
    else:
        submission = submission_of(answers)
    marking = Marking(carried, points or {}, accepted)
    at_one_point = isinstance(answers, Mapping)
    return grade_submission(
        submission, Assignment(problem, inputs, required, seed, at_one_point, marking, returns)
    )
