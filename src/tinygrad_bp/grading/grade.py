"""Grade a derivation: ``grade(answers)`` says which line is wrong, and what the mistake is.

An assignment is recorded once: a computation at several points, with its right gradients. Any
number of submissions are then judged against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from ..tensor import Tensor
from ..worked_problem.network import network
from .fingerprints import fingerprints
from .judge import Judge, Judged
from .planted import Run, same
from .points import POINTS, redrawn, worked_problem_points
from .report import SCORES, Line, Report
from .submission import Answers, Arrays, Function, Point, Submission

#: Builds a loss from leaves given by name.
Problem = Callable[..., Tensor]

#: Points that a problem cannot be computed at are drawn anew, so many times.
MOST_DRAWS = 30


def worked_problem(W1: Any, W2: Any, W3: Any, x: Any, y: Any) -> Tensor:
    """Return the loss of the worked problem; see `tinygrad_bp.worked_problem.network`."""
    loss: Tensor = network(W1, W2, W3, x, y)["L"]
    return loss


#: Other names of a quantity: in the source derivation y_hat is a3 too.
ALIASES: dict[Problem, dict[str, str]] = {worked_problem: {"a3": "y_hat"}}

#: Leaves that are data: their gradients are judged where they are answered, and not missed.
DATA: dict[Problem, tuple[str, ...]] = {worked_problem: ("x", "y")}


class Assignment:
    """A problem at the points where submissions are judged.

    Parameters
    ----------
    fn
        Builds and returns the loss from Tensors given by keyword: its leaves. The quantities are
        the leaves and the tensors that it names with ``.named()``. The worked problem if left out.
    inputs
        The leaves at one point, by name: arrays. It is the first point, and further ones are drawn
        with its shapes; integers, one-hot rows and probabilities stay as they are. It may be left
        out for the worked problem, which is then drawn so that it hides nothing.
    required
        The quantities that must be answered.
    seed
        Of the points.
    only_inputs
        Judge at the point given, and draw no others: for answers that were computed there.

    Raises
    ------
    ValueError
        If there are no inputs for a problem that needs them, the loss has no gradient, or two
        tensors have one name.
    """

    def __init__(
        self,
        fn: Problem | None = None,
        inputs: Mapping[str, Any] | None = None,
        required: Collection[str] = (),
        seed: int = 0,
        only_inputs: bool = False,
    ) -> None:
        self.fn = worked_problem if fn is None else fn
        self.aliases = ALIASES.get(self.fn, {})
        self.is_given = inputs is not None
        self.runs: list[Run] = []
        self.points: list[Point] = []
        if inputs is not None:
            given = {name: array_of(value) for name, value in inputs.items()}
            self.add(given)
        if not (only_inputs and self.runs):
            if inputs is not None:
                drawn = redrawn(given, seed)
            elif self.fn is worked_problem:
                drawn = worked_problem_points(seed)
            else:
                raise ValueError(
                    "the shapes of this problem's leaves are not known. Give an example of them: "
                    "inputs={'W': ..., 'x': ...}."
                )
            for leaves in islice(drawn, MOST_DRAWS):
                if len(self.runs) < POINTS:
                    self.add_drawn(leaves)
        self.named = named(self.runs[0])
        #: What nobody is expected to answer: data, and the loss itself.
        self.optional = {*DATA.get(self.fn, ()), self.loss}
        self.required = frozenset(self.canonical(name) for name in required)
        unknown = self.required - set(self.named)
        if unknown:
            raise ValueError(
                f"{', '.join(sorted(unknown))} cannot be required: the problem has "
                f"{', '.join(self.named)}."
            )

    @property
    def loss(self) -> str:
        """The name of the loss; empty if it has none."""
        return self.runs[0].tensors[-1].name or ""

    def canonical(self, name: str) -> str:
        """Return the name of a quantity that may be called by another."""
        return self.aliases.get(name, name)

    def add(self, leaves: Mapping[str, np.ndarray]) -> None:
        """Record the problem at a point, and keep it."""
        run = Run(recorded(self.fn, leaves))
        point = {t.name: t.data for t in run.tensors if t.name is not None}
        point = {**leaves, **point}
        point |= {alias: point[name] for alias, name in self.aliases.items()}
        self.runs.append(run)
        self.points.append(point)

    def add_drawn(self, leaves: Mapping[str, np.ndarray]) -> None:
        """Record the problem at a drawn point, if it can be computed there, in the same steps."""
        try:
            with np.errstate(all="ignore"):
                self.add(leaves)
        except (ArithmeticError, IndexError, TypeError, ValueError):
            if not self.is_given:
                raise
            return
        run = self.runs[-1]
        finite = all(np.isfinite(g).all() for g in run.truth.values())
        if not finite or steps(run) != steps(self.runs[0]):
            self.runs.pop()
            self.points.pop()

    def read(self, answers: Answers) -> Answers:
        """Return answers by the names of the quantities, where they are called by others."""
        values, unreadable = dict(answers.values), dict(answers.unreadable)
        for alias, name in self.aliases.items():
            if alias in unreadable:
                unreadable[name] = unreadable.pop(alias)
            if alias in values:
                value = values.pop(alias)
                if name in values and not same(values[name], value, 1e-12):
                    unreadable[name] = f"it is answered twice, also as {alias}, and differently"
                values[name] = value
        return Answers(values, unreadable, answers.failure)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What the points cannot show, of points that were given."""
        return tuple(hidden_mistakes(self.runs, self.named)) if self.is_given else ()


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
    answers = [assignment.read(a) for a in submission.answers_at(assignment.points)]
    failure = next((a.failure for a in answers if a.failure is not None), None)
    if failure is not None:
        answers = [Answers() for _ in answers]
    judged = Judge(assignment.runs, assignment.named, answers).judged()
    return Report(tuple(lines(judged, assignment, answers)), failure, assignment.warnings)


def lines(
    judged: Sequence[Judged], assignment: Assignment, answers: Sequence[Answers]
) -> Iterator[Line]:
    """Write every line of the report, and one for each answer to no quantity."""
    others = {line.name: line.right for line in judged}
    for found in judged:
        counts = found.verdict != "missing" or found.name in assignment.required
        if counts or found.name not in assignment.optional:
            yield line_of(found, SCORES[found.verdict] if counts else None, others)
    for name in dict.fromkeys(name for a in answers for name in a.unreadable):
        if name not in assignment.named:
            reason = next(a.unreadable[name] for a in answers if name in a.unreadable)
            yield Line(name, "unreadable", message=sentence(reason))
    for name in dict.fromkeys(name for a in answers for name in a.values):
        if name not in assignment.named:
            yield Line(
                name, "unreadable", message="No gradient flows to it: the loss does not use it."
            )


def line_of(found: Judged, score: float | None, others: Mapping[str, Any]) -> Line:
    """Write what the judge found about a quantity as a line of the report."""
    shape = found.right[0].shape
    if found.answered is None:
        message = sentence(found.reason) if found.reason else "Not answered."
        return Line(found.name, found.verdict, message=message, score=score, right_shape=shape)
    if found.verdict == "right":
        return Line(
            found.name, "right", error=error_of(found), score=score, shape=shape, right_shape=shape
        )
    if found.verdict == "carried forward":
        return Line(
            found.name,
            "carried forward",
            error=error_of(found),
            message="It follows from an earlier slip, and is right given that.",
            score=score,
            shape=found.answered[0].shape,
            right_shape=shape,
        )
    measured = Measured(found)
    names = tuple(dict.fromkeys(fault.mistake.name for fault in found.faults))
    facts: tuple[str, ...] = ()
    if not names:
        known = {name: right for name, right in others.items() if name != found.name}
        facts = fingerprints(found.answered, measured.rights, known)
    hints = dict.fromkeys(fault.mistake.see for fault in found.faults)
    return Line(
        found.name,
        "wrong",
        mistakes=names,
        error=measured.error,
        message=" ".join(filter(None, [measured.sentence(), explanation(found, facts)])),
        hint=" Or: ".join(hints) or measured.hint(),
        score=score,
        shape=measured.shape,
        right_shape=shape,
        worst=measured.worst,
        answered=measured.answered,
        right=measured.right,
        wrong_entries=measured.wrong_entries,
        entries=found.right[0].size,
        fingerprints=facts,
    )


class Measured:
    """How far a wrong answer is off what follows from the person's own earlier answers.

    Where nothing follows from those, it is compared with the truth. The numbers are those of the
    point where it is furthest off.
    """

    def __init__(self, found: Judged) -> None:
        assert found.answered is not None
        self.rights = [
            right if given is None or np.shape(given) != right.shape else np.asarray(given)
            for given, right in zip(found.given, found.right, strict=True)
        ]
        self.own = any(
            not same(right, truth, 1e-7)
            for right, truth in zip(self.rights, found.right, strict=True)
        )
        shapes = [a.shape for a in found.answered]
        self.right_shape = self.rights[0].shape
        self.shape = next((shape for shape in shapes if shape != self.right_shape), shapes[0])
        self.entries = self.rights[0].size
        self.worst: tuple[int, ...] | None = None
        self.error = self.answered = self.right = self.wrong_entries = None
        if self.shape != self.right_shape or not self.entries:
            return
        errors = [relative(a, r) for a, r in zip(found.answered, self.rights, strict=True)]
        p = int(np.argmax([np.nanmax(e, initial=0) if finite(e) else np.inf for e in errors]))
        answer, right, error = found.answered[p], self.rights[p], errors[p]
        worst = np.unravel_index(
            int(np.argmax(np.where(np.isnan(error), np.inf, error))), self.shape
        )
        self.worst = tuple(int(i) for i in worst)
        self.answered = number(answer[worst])
        self.right = number(right[worst])
        self.error = number(error[worst])
        self.wrong_entries = int(np.sum(~(error <= 1e-7)))

    def sentence(self) -> str:
        """Say how far off it is."""
        if self.shape != self.right_shape:
            return f"The shape is {self.shape}, and should be {self.right_shape}{self.in_words()}."
        if self.worst is None:
            return ""
        if self.answered is None:
            return (
                f"{self.wrong_entries} of {self.entries} entries are wrong: entry "
                f"{self.worst} is not finite, where {self.right:.6g} is right."
            )
        given = ", given your earlier lines" if self.own else ""
        return (
            f"{self.wrong_entries} of {self.entries} entries are wrong. The worst is {self.worst}: "
            f"{self.answered:.6g} for {self.right:.6g}{given}, off by {self.error:.1%} of the "
            "largest entry."
        )

    def in_words(self) -> str:
        """Say how two shapes are related."""
        if self.shape == self.right_shape[::-1]:
            return ": this is the transpose of the right shape"
        if np.prod(self.shape) == self.entries:
            return ": the number of entries is right"
        if len(self.shape) == len(self.right_shape) + 1:
            return ": there is an axis too many, which may have to be summed over"
        return ""

    def hint(self) -> str:
        """Say how to go on where no mistake is named."""
        if self.shape != self.right_shape:
            return "Compare the shape of your gradient with the shape of the quantity."
        return "Nudge one entry of the quantity, and compare the change of the loss with yours."


def explanation(found: Judged, facts: Sequence[str]) -> str:
    """Name the mistakes that fit, or say what was measured."""
    if not found.faults:
        measured = f" Measured: {'; '.join(facts)}." if facts else ""
        return f"No known pattern.{measured}"
    told: dict[str, str] = {}
    details: dict[str, list[str]] = {}
    for fault in found.faults:
        told.setdefault(fault.mistake.name, fault.mistake.sentence)
        details.setdefault(fault.mistake.name, []).extend(filter(None, [fault.detail]))
    said = [
        f"{name}{f' ({listed(dict.fromkeys(details[name]))})' if details[name] else ''}: {text}"
        for name, text in told.items()
    ]
    if len(said) == 1:
        return said[0]
    return f"{len(said)} mistakes fit, and these points cannot tell them apart. {' Or '.join(said)}"


def listed(names: Collection[str]) -> str:
    """Write alternatives: ``a1 or a2``."""
    return " or ".join(names)


def sentence(reason: str) -> str:
    """Write a clause as a sentence."""
    text = reason[:1].upper() + reason[1:]
    return text if text.endswith((".", "?")) else f"{text}."


def relative(answer: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return how far off each entry is, relative to the largest entry of the two."""
    with np.errstate(all="ignore"):
        largest = np.abs(right).max(initial=0.0)
        if largest == 0:
            largest = np.abs(answer).max(initial=0.0) or 1.0
        return np.asarray(np.abs(answer - right) / largest)


def error_of(found: Judged) -> float | None:
    """Return how far an answer is off the truth, at the worst point."""
    assert found.answered is not None
    pairs = list(zip(found.answered, found.right, strict=True))
    if any(a.shape != r.shape for a, r in pairs):
        return None
    return number(max(relative(a, r).max(initial=0.0) for a, r in pairs))


def finite(values: np.ndarray) -> bool:
    """Say whether all entries are finite."""
    return bool(np.isfinite(values).all())


def number(value: Any) -> float | None:
    """Return a finite number as Python has it; None for NaN and infinity, which JSON lacks."""
    return float(value) if np.isfinite(value) else None


# ---- an assignment ----


def recorded(fn: Problem, leaves: Mapping[str, np.ndarray]) -> Tensor:
    """Record a problem at a point."""
    loss = fn(
        **{
            name: Tensor(value, requires_grad=value.dtype.kind == "f", name=name)
            for name, value in leaves.items()
        }
    )
    if not isinstance(loss, Tensor):
        raise TypeError(f"the problem must return its loss, a Tensor, and returned {loss!r:.60}.")
    return loss


def array_of(value: Any) -> np.ndarray:
    """Return a leaf as an array: float64, but for integers and truth values."""
    array = np.array(value.data if isinstance(value, Tensor) else value)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def named(run: Run) -> dict[str, int]:
    """Return the positions of the quantities that have a gradient, by name."""
    names = [(t.name, i) for i, t in enumerate(run.tensors) if t.name is not None]
    twice = [name for name, n in Counter(name for name, _ in names).items() if n > 1]
    if twice:
        raise ValueError(f"two tensors are called {twice[0]}. Give each quantity its own name.")
    return {name: i for name, i in names if i in run.truth}


def steps(run: Run) -> list[Any]:
    """Return the operations of a run and what they use, to compare with another run's."""
    position = {t.id: i for i, t in enumerate(run.tensors)}
    return [
        (
            t.name,
            t.primitive and t.primitive.__name__,
            [None if x is None else position[x.id] for x in t.inputs],
        )
        for t in run.tensors
    ]


# ---- what a point hides ----


def hidden_mistakes(runs: Sequence[Run], names: Mapping[str, int]) -> Iterator[str]:
    """Say which mistakes give the right numbers at these points, or the same as another mistake."""
    truths = [
        Answers({name: np.asarray(run.truth[i]) for name, i in names.items()}) for run in runs
    ]
    judge = Judge(runs, names, truths)
    with np.errstate(all="ignore"):
        for name, i in names.items():
            unseen, *groups = groups_alike(
                [("", [run.truth[i] for run in runs]), *judge.consequences(i)], judge.agree
            )
            if unseen[1:]:
                yield (
                    f"In dL/d{name} the given point cannot show {', '.join(unseen[1:])}: the "
                    "numbers are the right ones."
                )
            for group in groups:
                if len(group) > 1:
                    yield f"In dL/d{name} the given point cannot tell apart {', '.join(group)}."


def groups_alike(
    named: Iterable[tuple[str, Sequence[np.ndarray]]], agree: Callable[[Any, Any], bool]
) -> list[list[str]]:
    """Return the names grouped by their numbers, each once in its group, in order."""
    groups: list[tuple[float, Sequence[np.ndarray], list[str]]] = []
    for name, numbers in named:
        size = float(np.linalg.norm(numbers[0]))  # compared first: that is fast
        for other, those, names in groups:
            if abs(size - other) <= 1e-6 * size and agree(those, numbers):
                if name not in names:
                    names.append(name)
                break
        else:
            groups.append((size, numbers, [name]))
    return [names for _, _, names in groups]
