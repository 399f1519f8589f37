"""Fault injection: ``inject(mistake)`` runs a backward pass with a mistake in it.

A mistake is a row of the catalogue: a wrong rule in place of the right one, or a duty that the
sweep itself leaves undone. The broken gradients stand beside the right ones; and because a training
run is where people look first, gradient descent along them does too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..differences import agree
from ..mistakes.catalogue import CATALOGUE, named
from ..mistakes.mistake import Mistake, Wrong
from ..mistakes.run import Place, Run
from ..pages.page import write_part
from ..record import Contribute, Edge
from ..worked_problem.problem import random_problem
from .assignment import ALIASES, DATA, Problem, record, to_leaves, worked_problem
from .findings import errors, finite
from .precision import RIGHT
from .tables import VERDICTS, Shown, gradient_of, make_table

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Gradients by the position of their tensor; those that cannot be computed are not there.
Gradients: TypeAlias = Mapping[int, Any]

Leaves: TypeAlias = Mapping[str, np.ndarray]

#: The steps of gradient descent, and the part of the loss that the first right one gains: small
#: enough for the loss to fall steadily, and large enough for a wrong gradient to show.
STEPS = 10
GAIN = 0.05


@dataclass(frozen=True)
class Effect:
    """What became of one gradient.

    Parameters
    ----------
    name
        The quantity whose gradient it is.
    verdict
        ``unchanged``, ``wrong``, ``wrong shape``, or ``not computable``: what arrived further up
        no longer fitted a rule.
    shape, right_shape
        Of the broken gradient, None where there is none; and of the quantity.
    error
        How far off the worst entry is, relative to the largest; None where there is nothing to
        compare, or it is not finite.
    """

    name: str
    verdict: str
    shape: tuple[int, ...] | None
    right_shape: tuple[int, ...]
    error: float | None = None

    def said(self) -> str:
        """Say how far off it is."""
        if self.verdict == "wrong shape":
            return f"{self.shape} for {self.right_shape}"
        if self.verdict == "not computable":
            return "the shapes no longer fit"
        if self.verdict == "unchanged":
            return ""
        return "not finite" if self.error is None else f"{self.error:.1%} off"


@dataclass(frozen=True)
class Descent:
    """Whether the loss would still fall: measured along the broken gradient, and the right one.

    Parameters
    ----------
    parameters
        The leaves that a step changes.
    slope, right_slope
        How the loss changes for a step of length 1 against the broken gradient, and the right one,
        as a derivative: negative where it falls.
    rate
        Of gradient descent: so small that the right gradient lowers the loss by a few percent a
        step.
    losses, right_losses
        Before the first step of gradient descent, and after each.
    """

    parameters: tuple[str, ...]
    slope: float
    right_slope: float
    rate: float
    losses: tuple[float, ...]
    right_losses: tuple[float, ...]

    @property
    def falls(self) -> bool:
        """Whether a small enough step against the broken gradient lowers the loss."""
        return self.slope < -1e-9 * abs(self.right_slope)

    def said(self) -> list[str]:
        """Say it in two sentences."""
        falls = "still falls" if self.falls else "does not fall"
        first, *_, last = self.right_losses
        broken = self.losses[-1]
        to = f"{broken:.4g}" if isfinite(broken) else "where it cannot be computed any more"
        return [
            f"The loss {falls} along the broken gradient: the slope is {self.slope:.4g}, "
            f"and {self.right_slope:.4g} along the right one.",
            f"{len(self.right_losses) - 1} steps of gradient descent take it from {first:.4g} to "
            f"{to}, and with the right gradient to {last:.4g}.",
        ]


@dataclass(frozen=True)
class Injection(Shown):
    """A backward pass with a mistake in it, beside the right one. Made by `inject`.

    It prints as text, on a rich console as a table, and in a notebook as HTML.

    Parameters
    ----------
    mistake
        Its name.
    sentence
        What the mistake is.
    places
        The quantities to whose gradient it was made; empty for a fault of the sweep itself.
    effects
        What became of each gradient, from the loss back.
    descent
        Whether the loss would still fall; None where no step can be taken.
    note
        Why nothing changes, or why no step can be taken.
    """

    mistake: str
    sentence: str
    places: tuple[str, ...]
    effects: tuple[Effect, ...]
    descent: Descent | None
    note: str = ""

    @property
    def broken(self) -> tuple[str, ...]:
        """The quantities whose gradient is no longer right."""
        return tuple(e.name for e in self.effects if e.verdict != "unchanged")

    @property
    def unchanged(self) -> tuple[str, ...]:
        """The quantities whose gradient stays right."""
        return tuple(e.name for e in self.effects if e.verdict == "unchanged")

    @property
    def falls(self) -> bool | None:
        """Whether the loss still falls along the broken gradient; None if there is no step."""
        return None if self.descent is None else self.descent.falls

    @property
    def reaches_parameters(self) -> bool:
        """Whether the gradient of a parameter breaks."""
        return self.descent is None or not set(self.descent.parameters).isdisjoint(self.broken)

    def __getitem__(self, name: str) -> Effect:
        """Return what became of the gradient of a quantity."""
        for effect in self.effects:
            if effect.name == name:
                return effect
        raise KeyError(f"there is no gradient {name!r}; there are {[e.name for e in self.effects]}")

    def title(self) -> str:
        """Say what was planted, and where."""
        if not self.places:
            return f"{self.mistake}, throughout the sweep"
        return f"{self.mistake}, made in {', '.join(map(gradient_of, self.places))}"

    def notes(self) -> list[str]:
        """Return what is said below the gradients."""
        notes = [self.note] if self.note else []
        if self.descent is not None and self.reaches_parameters:
            notes += self.descent.said()
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
        return "still falls" if self.falls else "does not fall"

    def parts(self) -> Iterator[RenderableType]:
        """Return the title, the sentence, the table of the gradients, and the notes."""
        from rich.text import Text

        yield Text(self.title(), style="bold")
        yield Text(self.sentence)
        yield make_table(
            ("gradient", "shape", "now", "by how much"),
            [
                (e.verdict, (gradient_of(e.name), str(e.right_shape), e.verdict, e.said()))
                for e in self.effects
            ],
        )
        yield from map(Text, self.notes())

    def _repr_html_(self) -> str:
        lines = [
            {
                "verdict": effect.verdict,
                "sign": VERDICTS[effect.verdict].sign,
                "label": gradient_of(effect.name),
                "error": "",
                "finding": effect.said(),
                "hint": "",
            }
            for effect in self.effects
        ]
        notes = [self.sentence, *self.notes()]
        return write_part("report", summary=self.title(), lines=lines, notes=notes)


def inject(
    mistake: str,
    fn: Problem | None = None,
    inputs: Mapping[str, Any] | None = None,
    at: str | None = None,
    wrt: Sequence[str] | None = None,
) -> Injection:
    """Run a backward pass with a mistake in it, and show which gradients break.

    Parameters
    ----------
    mistake
        The name of a mistake of the catalogue. `possible_mistakes` lists those that a problem can
        show.
    fn
        Builds and returns the loss from Tensors given by keyword, as for `grade`. The worked
        problem if left out.
    inputs
        The leaves by name: arrays. They may be left out for the worked problem.
    at
        The quantity in whose gradient the mistake is made, such as ``"z3"``. It is made wherever
        it can be if left out.
    wrt
        The leaves that gradient descent changes. All but ``x`` and ``y`` if left out: the data, as
        it is mostly called.

    Returns
    -------
    Injection
        It has ``broken``, ``unchanged`` and ``falls``, and prints as a table.

    Raises
    ------
    ValueError
        If there is no such mistake, it cannot be made in this problem or at this place, or there
        are no inputs where they are needed.

    Examples
    --------
    The diagonal of the softmax Jacobian is taken for the whole. Every gradient below it is wrong,
    and the loss falls all the same:

    >>> injection = inject("softmax-diagonal")
    >>> injection.unchanged, injection.falls
    (('y', 'y_hat'), True)
    """
    fn, leaves = complete_problem(fn, inputs)
    row = named(mistake)
    at = ALIASES.get(fn, {}).get(at, at) if at is not None else None
    with np.errstate(all="ignore"):
        run = Run(record(fn, leaves))
        broken, planted = break_gradients(run, row, at)
        if row.duty is not None and at is not None:
            raise ValueError(f"{mistake} is a fault of the whole sweep: leave out at=.")
        if row.duty is None and not planted:
            raise ValueError(f"{mistake} cannot be made {say_where_else(run, row, at)}")
        parameters = choose_parameters(fn, leaves, run, wrt)
        effects = tuple(compare(run, broken))
        lost = [e for e in effects if e.name in parameters and e.verdict not in TAKES_A_STEP]
        descent = None if lost else descend(fn, leaves, parameters, row, at)
    if lost:
        what = "has the wrong shape" if lost[0].verdict == "wrong shape" else "cannot be computed"
        note = f"No step can be taken: {gradient_of(lost[0].name)} {what}."
    elif all(effect.verdict == "unchanged" for effect in effects):
        note = f"Nothing changes here: {say_why_harmless(run, row)}"
    else:
        note = ""
    places = {edge: label(run, edge) for edge in planted}
    taken = [f"{w.detail} in {gradient_of(places[e])}" for e, w in planted.items() if w.detail]
    sentence = f"{row.sentence} Taken instead: {', '.join(taken)}." if taken else row.sentence
    return Injection(
        mistake, sentence, tuple(dict.fromkeys(places.values())), effects, descent, note
    )


def complete_problem(
    fn: Problem | None, inputs: Mapping[str, Any] | None
) -> tuple[Problem, dict[str, np.ndarray]]:
    """Return what builds the loss, and its leaves: those of the worked problem by default."""
    if inputs is None:
        if fn not in (None, worked_problem):
            raise ValueError("the problem needs its leaves: inputs={'W': ..., 'x': ...}.")
        inputs = vars(random_problem())
    fn = fn or worked_problem
    return fn, to_leaves(fn, inputs)


# ---- the mistake, planted ----


def break_gradients(
    run: Run, mistake: Mistake, at: str | None = None
) -> tuple[Gradients, dict[Edge, Wrong]]:
    """Return the gradients with a mistake made, and where a wrong rule made it."""
    if mistake.duty is not None:
        return run.sweep(**{mistake.duty.argument: False}), {}  # type: ignore[arg-type]
    planted = find_places(run, mistake, at)
    return run.sweep(planted={edge: wrong.closure for edge, wrong in planted.items()}), planted


def find_places(run: Run, mistake: Mistake, at: str | None = None) -> dict[Edge, Wrong]:
    """Return where a mistake can be made, from the loss back, and what is contributed there.

    Of several wrong contributions it is the one that fits best.
    """
    edges = (edge for edge in run.edges if at in (None, label(run, edge)))
    found = {edge: mistake.at(Place(run, edge, run.gradients)) for edge in edges}
    return {
        edge: max(wrongs, key=lambda wrong: rate_fit(run, edge, wrong.closure))
        for edge, wrongs in found.items()
        if wrongs
    }


def rate_fit(run: Run, edge: Edge, contribution: Contribute) -> int:
    """Say how well a wrong contribution fits: 2 for the right shape, 0 if it is not computable."""
    try:
        wrong = contribution(run.gradients[edge.step])
    except Exception:  # a wrong rule may not fit the operands
        return 0
    return 2 if np.shape(wrong) == run.tensors[run.source[edge]].shape else 1


def label(run: Run, edge: Edge) -> str:
    """Return what the quantity is called whose gradient an edge contributes to."""
    tensor = run.tensors[run.source[edge]]
    return tensor.name or run.names.identifier(tensor)


def say_where_else(run: Run, mistake: Mistake, at: str | None) -> str:
    """Say where a mistake could be made instead, or which others could."""
    elsewhere = dict.fromkeys(label(run, edge) for edge in find_places(run, mistake))
    if elsewhere:
        return f"in dL/d{at}. It can be made in {', '.join(map(gradient_of, elsewhere))}."
    where = "in this problem" if at is None else f"in dL/d{at}"
    return f"{where}. These can be: {', '.join(possible_in(run))}."


def say_why_harmless(run: Run, mistake: Mistake) -> str:
    if mistake.duty is None:
        return "at this point the wrong rule gives the right numbers."
    reason = mistake.duty.harmless
    if mistake.duty.argument != "sums_copies" and all(len(u) == 1 for u in run.uses.values()):
        reason = "every tensor is used once"
    return f"{reason}. To show it takes {mistake.duty.shown_by}."


def possible_in(run: Run) -> Iterator[str]:
    for mistake in CATALOGUE:
        if mistake.duty is not None or find_places(run, mistake):
            yield mistake.name


def possible_mistakes(
    fn: Problem | None = None, inputs: Mapping[str, Any] | None = None
) -> list[str]:
    """Return the names of the mistakes that can be injected into a problem.

    Examples
    --------
    >>> "softmax-diagonal" in possible_mistakes(), "tanh-lost-square" in possible_mistakes()
    (True, False)
    """
    with np.errstate(all="ignore"):
        return list(possible_in(Run(record(*complete_problem(fn, inputs)))))


# ---- what it does ----

#: With gradients of these verdicts a step of gradient descent can be taken.
TAKES_A_STEP = ("unchanged", "wrong")


def compare(run: Run, broken: Gradients) -> Iterator[Effect]:
    """Compare the broken gradients with the right ones, from the loss back."""
    for name in run.backward_order:
        i = run.quantities[name]
        if i == run.loss:
            continue
        right, wrong = np.asarray(run.gradients[i]), broken.get(i)
        if wrong is None:
            yield Effect(name, "not computable", None, right.shape)
        elif np.shape(wrong) != right.shape:
            yield Effect(name, "wrong shape", np.shape(wrong), right.shape)
        elif agree(wrong, right, RIGHT, run.noise):
            yield Effect(name, "unchanged", right.shape, right.shape, 0.0)
        else:
            error = finite(errors(wrong, right).max())
            yield Effect(name, "wrong", right.shape, right.shape, error)


def choose_parameters(
    fn: Problem, leaves: Leaves, run: Run, wrt: Sequence[str] | None
) -> tuple[str, ...]:
    """Return the leaves that gradient descent changes."""
    differentiable = [name for name in leaves if name in run.quantities]
    for name in wrt or ():
        if name not in differentiable:
            raise ValueError(f"{name!r} is no leaf with a gradient: {', '.join(differentiable)}.")
    data = DATA[worked_problem]
    return tuple(wrt if wrt is not None else (n for n in differentiable if n not in data))


def descend(
    fn: Problem, leaves: Leaves, parameters: Sequence[str], mistake: Mistake, at: str | None
) -> Descent | None:
    """Go down along the broken gradients, and along the right ones."""
    run = Run(record(fn, leaves))

    def flat(gradients: Gradients) -> np.ndarray:
        entries = [np.ravel(gradients[run.quantities[name]]) for name in parameters]
        return np.concatenate(entries or [np.zeros(0)])

    def breaking(run: Run) -> Gradients:
        return break_gradients(run, mistake, at)[0]

    right, broken = flat(run.gradients), flat(breaking(run))
    length, right_length = np.linalg.norm(broken), np.linalg.norm(right)
    if not right_length:
        return None  # there is nowhere to go down to
    rate = GAIN * abs(run.tensors[run.loss].item()) / float(right_length) ** 2
    return Descent(
        parameters=tuple(parameters),
        slope=float(-(right @ broken) / length) if length else 0.0,
        right_slope=-float(right_length),
        rate=rate,
        losses=tuple(losses(fn, leaves, parameters, breaking, rate)),
        right_losses=tuple(losses(fn, leaves, parameters, lambda run: run.gradients, rate)),
    )


def losses(
    fn: Problem,
    leaves: Leaves,
    parameters: Sequence[str],
    gradients_of: Callable[[Run], Gradients],
    rate: float,
) -> Iterator[float]:
    """Return the loss before, and after each step of, plain gradient descent."""
    leaves = dict(leaves)
    for step in range(STEPS + 1):
        run = Run(record(fn, leaves))
        yield run.tensors[run.loss].item()
        if step < STEPS:
            gradients = gradients_of(run)
            for name in parameters:
                gradient = np.asarray(gradients[run.quantities[name]])
                leaves[name] = leaves[name] - rate * gradient
