"""Fault injection: ``inject(mistake)`` runs a backward pass with a mistake in it.

A mistake is a row of the catalogue: a wrong rule in place of the right one, or a duty that the
sweep itself leaves undone. The broken gradients stand beside the right ones; and because a training
run is where people look first, gradient descent along them does too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import Any, TypeAlias

import numpy as np

from ..differences import agree
from ..engine import Tensor
from ..mistakes.catalogue import CATALOGUE, named
from ..mistakes.mistake import Mistake, Wrong
from ..mistakes.run import Place, Run
from ..record import Edge
from .findings import errors, finite
from .precision import RIGHT
from .report import JudgedLine, Shown, gradient_of
from .task import ALIASES, Builder, Leaves, compute, set_task

#: Gradients by the position of their tensor; those that cannot be computed are not there.
Gradients: TypeAlias = Mapping[int, Any]

#: The steps of gradient descent, and the part of the loss that the first right one gains: small
#: enough for the loss to fall steadily, and large enough for a wrong gradient to show.
STEPS = 10
GAIN = 0.05


@dataclass(frozen=True)
class Descent:
    """The loss in gradient descent along the broken gradients, and along the right ones."""

    parameters: tuple[str, ...]  # the leaves that a step changes
    rate: float  # how far a step goes
    losses: tuple[float, ...]  # before the first step, and after each
    right_losses: tuple[float, ...]

    @property
    def falls(self) -> bool:
        """Whether the loss is lower after the steps along the broken gradients."""
        return self.losses[-1] < self.losses[0]

    def __str__(self) -> str:
        first, *_, last = self.right_losses
        broken = self.losses[-1]
        to = f"{broken:.4g}" if isfinite(broken) else "where it cannot be computed any more"
        return (
            f"{len(self.right_losses) - 1} steps of gradient descent take the loss from "
            f"{first:.4g} to {to}, and with the right gradient to {last:.4g}."
        )


@dataclass(frozen=True, repr=False)
class Injection(Shown):
    """A backward pass with a mistake in it, beside the right one. Made by `inject`.

    It prints as text, on a rich console as a table, and in a notebook as HTML.
    """

    mistake: str  # its name
    sentence: str  # what it is
    places: tuple[str, ...]  # in whose gradient it was made; empty for a fault of the sweep
    lines: tuple[JudgedLine, ...]  # what became of each gradient, from the loss back
    descent: Descent | None  # None where no step can be taken
    note: str = ""  # why nothing changes, or why no step can be taken

    @property
    def broken(self) -> tuple[str, ...]:
        """The quantities whose gradient is no longer right."""
        return tuple(line.name for line in self.lines if line.verdict != "unchanged")

    @property
    def unchanged(self) -> tuple[str, ...]:
        """The quantities whose gradient stays right."""
        return tuple(line.name for line in self.lines if line.verdict == "unchanged")

    @property
    def falls(self) -> bool | None:
        """Whether the loss still falls along the broken gradient; None if there is no step."""
        return None if self.descent is None else self.descent.falls

    @property
    def reaches_parameters(self) -> bool:
        """Whether the gradient of a parameter breaks."""
        return self.descent is None or not set(self.descent.parameters).isdisjoint(self.broken)

    def notes(self) -> list[str]:
        """Return what is said below the gradients."""
        notes = [self.note] if self.note else []
        if self.descent is not None and self.reaches_parameters:
            notes.append(str(self.descent))
        elif self.descent is not None and self.broken:
            names = ", ".join(map(gradient_of, self.descent.parameters))
            notes += [f"No gradient of a parameter breaks, and so neither does descent: {names}."]
        return notes

    def outcome(self) -> str:
        """Say in a few words what becomes of the loss."""
        if not self.broken:
            return "nothing changes"
        if self.descent is None:
            return "no step can be taken"
        if not self.reaches_parameters:
            return "no parameter breaks"
        return "still falls" if self.descent.falls else "does not fall"

    def summary(self) -> str:
        """Say what was planted, and where."""
        places = ", ".join(map(gradient_of, self.places))
        where = f"made in {places}" if places else "throughout the sweep"
        return f"{self.mistake}, {where}\n{self.sentence}"


def inject(
    mistake: str,
    problem: Builder | Tensor | None = None,
    inputs: Mapping[str, Any] | Sequence[Any] | None = None,
    at: str | None = None,
) -> Injection:
    """Run a backward pass with a mistake in it, and show which gradients break.

    Parameters
    ----------
    mistake
        The name of a mistake of the catalogue. `possible_mistakes` lists those that a problem can
        show.
    problem
        A recorded loss; or a function that builds it from Tensors, as for `grade`. The worked
        problem if left out.
    inputs
        What the function takes: arrays by name, or a list of them. Leave them out for a recorded
        loss, and for the worked problem.
    at
        The quantity in whose gradient the mistake is made, such as ``"z3"``. It is made wherever
        it can be if left out.

    Returns
    -------
    Injection
        It has ``broken``, ``unchanged`` and ``falls``, and prints as a table.

    Raises
    ------
    ValueError
        If there is no such mistake, or it cannot be made in this problem or at this place.

    Examples
    --------
    The diagonal of the softmax Jacobian is taken for the whole. Every gradient below it is wrong,
    and the loss falls all the same:

    >>> injection = inject("softmax-diagonal")
    >>> injection.unchanged, injection.falls
    (('y', 'y_hat'), True)
    """
    task = set_task(problem, inputs)
    fn, leaves = task.build, task.leaves
    row = named(mistake)
    at = ALIASES.get(fn, {}).get(at, at) if at is not None else None
    with np.errstate(all="ignore"):
        run = Run(compute(fn, leaves))
        broken, planted = break_gradients(run, row, at)
        if row.duty is not None and at is not None:
            raise ValueError(f"{mistake} is a fault of the whole sweep: leave out at=.")
        if row.duty is None and not planted:
            raise ValueError(f"{mistake} cannot be made {say_where_else(run, row, at)}")
        parameters = task.parameters([name for name in leaves if name in run.quantities])
        lines = tuple(compare(run, broken))
        stuck = [x for x in lines if x.name in parameters and x.shape != x.right_shape]
        descent = None
        if not stuck:
            breaking = lambda run: break_gradients(run, row, at)[0]  # noqa: E731
            descent = descend(fn, leaves, run, parameters, breaking)
    note = ""
    if stuck:
        what = "cannot be computed" if stuck[0].shape is None else "has the wrong shape"
        note = f"No step can be taken: {stuck[0].label} {what}."
    elif all(line.verdict == "unchanged" for line in lines):
        shown_by = f" To show it takes {row.duty.shown_by}." if row.duty is not None else ""
        note = f"Nothing changes here: the numbers are the right ones.{shown_by}"
    places = {edge: label(run, edge) for edge in planted}
    taken = [f"{w.detail} in {gradient_of(places[e])}" for e, w in planted.items() if w.detail]
    sentence = f"{row.sentence} Taken instead: {', '.join(taken)}." if taken else row.sentence
    where = tuple(dict.fromkeys(places.values()))
    return Injection(mistake, sentence, where, lines, descent, note)


# ---- the mistake, planted ----


def break_gradients(
    run: Run, mistake: Mistake, at: str | None = None
) -> tuple[Gradients, dict[Edge, Wrong]]:
    if mistake.duty is not None:
        return run.sweep(**{mistake.duty.argument: False}), {}  # type: ignore[arg-type]
    planted = find_places(run, mistake, at)
    return run.sweep(planted={edge: wrong.closure for edge, wrong in planted.items()}), planted


def find_places(run: Run, mistake: Mistake, at: str | None = None) -> dict[Edge, Wrong]:
    # where it can be made, from the loss back; of several wrong contributions, that which fits best
    edges = (edge for edge in run.edges if at in (None, label(run, edge)))
    found = {edge: mistake.at(Place(run, edge, run.gradients)) for edge in edges}
    return {edge: max(w, key=partial(fit, run, edge)) for edge, w in found.items() if w}


def fit(run: Run, edge: Edge, wrong: Wrong) -> int:
    try:
        shape = np.shape(wrong.closure(run.gradients[edge.step]))
    except Exception:  # a wrong rule may not fit the operands
        return 0
    return 2 if shape == run.tensors[run.source[edge]].shape else 1


def label(run: Run, edge: Edge) -> str:
    tensor = run.tensors[run.source[edge]]
    return tensor.name or run.names.identifier(tensor)


def say_where_else(run: Run, mistake: Mistake, at: str | None) -> str:
    where = "in this problem" if at is None else f"in {gradient_of(at)}"
    elsewhere = dict.fromkeys(label(run, edge) for edge in find_places(run, mistake))
    if elsewhere:
        return f"{where}. It can be made in {', '.join(map(gradient_of, elsewhere))}."
    return f"{where}. These can be: {', '.join(possible_in(run))}."


def possible_in(run: Run) -> list[str]:
    return [row.name for row in CATALOGUE if row.duty is not None or find_places(run, row)]


def possible_mistakes(
    problem: Builder | Tensor | None = None,
    inputs: Mapping[str, Any] | Sequence[Any] | None = None,
) -> list[str]:
    """Return the names of the mistakes that can be injected into a problem."""
    with np.errstate(all="ignore"):
        task = set_task(problem, inputs)
        return possible_in(Run(compute(task.build, task.leaves)))


# ---- what it does ----


def compare(run: Run, broken: Gradients) -> Iterator[JudgedLine]:
    for name in run.backward_order:
        i = run.quantities[name]
        if i == run.loss:
            continue
        right, wrong = np.asarray(run.gradients[i]), broken.get(i)
        shape = None if wrong is None else np.shape(wrong)
        error, message = None, ""
        if wrong is None:
            verdict, message = "not computable", "the shapes no longer fit"
        elif shape != right.shape:
            verdict, message = "wrong shape", f"{shape} for {right.shape}"
        elif agree(wrong, right, RIGHT, run.noise):
            verdict, error = "unchanged", 0.0
        else:
            verdict, error = "wrong", finite(errors(wrong, right).max())
            message = "it is not finite" if error is None else ""
        yield JudgedLine(name, verdict, (), error, message, shape=shape, right_shape=right.shape)


def descend(
    fn: Builder,
    leaves: Leaves,
    run: Run,
    parameters: tuple[str, ...],
    breaking: Callable[[Run], Gradients],
) -> Descent | None:
    right = [run.gradients[run.quantities[name]] for name in parameters]
    squared = sum(float(np.vdot(g, g)) for g in right)
    if not squared:
        return None  # there is nowhere to go down to
    rate = GAIN * abs(run.tensors[run.loss].item()) / squared

    def losses(gradients_of: Callable[[Run], Gradients]) -> Iterator[float]:
        here = dict(leaves)
        for step in range(STEPS + 1):
            run = Run(compute(fn, here))
            yield run.tensors[run.loss].item()
            gradients = gradients_of(run) if step < STEPS else {}
            for name in parameters if gradients else ():
                here[name] = here[name] - rate * np.asarray(gradients[run.quantities[name]])

    along, along_right = tuple(losses(breaking)), tuple(losses(lambda run: run.gradients))
    return Descent(parameters, rate, along, along_right)
