"""Fault injection: ``inject(mistake)`` runs a backward pass with a mistake in it.

A mistake is a wrong rule of the catalogue (`mistakes.py`), in place of the right one, or a fault of
the sweep itself (`faulty_sweep.py`). The broken gradients stand beside the right ones; and because
a training run is where people look first, gradient descent along them does too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..backward import name_of
from ..tensor import Tensor
from ..worked_problem.problem import random_problem
from .assignment import ALIASES, DATA, Problem, leaves_of, named, recorded, worked_problem
from .catalogue import CATALOGUE, called
from .faulty_sweep import sweep
from .findings import number, relative
from .injection import Descent, Effect, Injection
from .judge import in_backward_order, noise_of
from .mistakes import Wrong
from .planted import Contribution, Edge, Place, Run, same
from .precision import RIGHT

#: Gradients by the position of their tensor; None where one cannot be computed.
Gradients: TypeAlias = Mapping[int, Any]

#: How many steps gradient descent takes, and which part of the loss the first right one gains.
STEPS = 10
GAIN = 0.05


class SweepFault(NamedTuple):
    """A duty that a sweep leaves undone.

    Parameters
    ----------
    undone
        The argument of `sweep` that says so.
    sentence
        What the mistake is.
    harmless
        Why it changes nothing where it does not.
    shown_by
        What a computation needs to show it.
    """

    undone: str
    sentence: str
    harmless: str
    shown_by: str


#: The faults of the sweep. Where the catalogue has one as a mistake of a line, it is called alike.
SWEEP_FAULTS = {
    "without-topological-order": SweepFault(
        "in_order",
        "Gradients are passed on first come, first served, and not when every contribution to "
        "them has arrived: what comes late is not passed on.",
        "whatever is passed on, all contributions to it have arrived by then",
        "a value that is used twice, the second time after several more steps",
    ),
    "overwritten-contribution": SweepFault(
        "adds_up",
        called("overwritten-contribution").sentence,
        "what is written over is zero",
        "a weight, or any other tensor, that is used twice",
    ),
    "broadcast-not-summed": SweepFault(
        "sums_copies",
        called("broadcast-not-summed").sentence,
        "no tensor is broadcast",
        "a bias beside a batch",
    ),
}


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
        The name of a mistake of the catalogue, or of a fault of the sweep:
        ``"without-topological-order"``, ``"overwritten-contribution"`` (``=`` for ``+=``) or
        ``"broadcast-not-summed"``. `possible_mistakes` lists those that a problem can show.
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
    fn, leaves = problem(fn, inputs)
    experiment = Experiment(mistake, ALIASES.get(fn, {}).get(at, at) if at is not None else None)
    with np.errstate(all="ignore"):
        run = Run(recorded(fn, leaves))
        names = named(run)
        experiment.check(run)
        parameters = parameters_of(fn, leaves, names, wrt)
        broken = experiment.gradients(run)
        effects = tuple(effects_on(run, broken, names))
        lost = [e for e in effects if e.name in parameters and e.verdict not in TAKES_A_STEP]
        descent = None if lost else descended(fn, leaves, parameters, experiment)
    if lost:
        what = {"wrong shape": "has the wrong shape"}.get(lost[0].verdict, "cannot be computed")
        note = f"No step can be taken: dL/d{lost[0].name} {what}."
    elif all(effect.verdict == "unchanged" for effect in effects):
        note = f"Nothing changes here: {experiment.harmless(run)}"
    else:
        note = ""
    places = () if experiment.fault else experiment.places(run)
    return Injection(mistake, experiment.sentence(run), places, effects, descent, note)


def problem(
    fn: Problem | None, inputs: Mapping[str, Any] | None
) -> tuple[Problem, dict[str, np.ndarray]]:
    """Return what builds the loss, and its leaves: those of the worked problem by default."""
    if inputs is None:
        if fn not in (None, worked_problem):
            raise ValueError("the problem needs its leaves: inputs={'W': ..., 'x': ...}.")
        inputs = vars(random_problem())
    fn = fn or worked_problem
    return fn, leaves_of(fn, inputs)


# ---- the mistake, planted ----


@dataclass(frozen=True)
class Experiment:
    """A mistake that is made in any run of a problem, wherever it can be or at one quantity."""

    mistake: str
    at: str | None = None

    @property
    def fault(self) -> SweepFault | None:
        """The fault of the sweep that it is; None for a wrong rule."""
        return SWEEP_FAULTS.get(self.mistake)

    def gradients(self, run: Run) -> Gradients:
        """Return the gradients with the mistake made."""
        if self.fault is not None:
            return sweep(run, **{self.fault.undone: False})
        return run.swept(run.whole, {}, {e: w.closure for e, w in self.planted(run).items()})

    def planted(self, run: Run) -> dict[Edge, Wrong]:
        """Return where the mistake is made, with what is contributed there."""
        names = named(run)
        edges = (e for e in run.whole if self.at in (None, label(run.tensors[run.source[e]])))
        mistake = called(self.mistake)
        found = {edge: mistake.at(Place(run, edge, names, run.truth)) for edge in edges}
        return {
            edge: max(wrongs, key=lambda wrong: fit(run, edge, wrong.closure))
            for edge, wrongs in found.items()
            if wrongs
        }

    def places(self, run: Run) -> tuple[str, ...]:
        """Return the quantities in whose gradient the mistake is made, from the loss back."""
        return tuple(
            dict.fromkeys(label(run.tensors[run.source[edge]]) for edge in self.planted(run))
        )

    def sentence(self, run: Run) -> str:
        """Say what the mistake is."""
        if self.fault is not None:
            return self.fault.sentence
        details = [
            f"{wrong.detail} in dL/d{label(run.tensors[run.source[edge]])}"
            for edge, wrong in self.planted(run).items()
            if wrong.detail
        ]
        taken = f"Taken instead: {', '.join(details)}." if details else ""
        return " ".join(filter(None, [called(self.mistake).sentence, taken]))

    def check(self, run: Run) -> None:
        """Refuse a mistake that there is not, or that cannot be made."""
        known = list(dict.fromkeys([*SWEEP_FAULTS, *(mistake.name for mistake in CATALOGUE)]))
        if self.mistake not in known:
            close = get_close_matches(self.mistake, known)
            hint = f"Is {close[0]} meant?" if close else "tinygrad-bp inject --list shows them all."
            raise ValueError(f"there is no mistake {self.mistake!r}. {hint}")
        if self.fault is not None:
            if self.at is not None:
                raise ValueError(f"{self.mistake} is a fault of the whole sweep: leave out at=.")
        elif not self.planted(run):
            where = "in this problem" if self.at is None else f"in dL/d{self.at}"
            elsewhere = Experiment(self.mistake).places(run)
            hint = (
                f"It can be made in {', '.join(f'dL/d{name}' for name in elsewhere)}."
                if elsewhere
                else f"These can be: {', '.join(possible(run))}."
            )
            raise ValueError(f"{self.mistake} cannot be made {where}. {hint}")

    def harmless(self, run: Run) -> str:
        """Say why nothing changes."""
        if self.fault is None:
            return "at this point the wrong rule gives the right numbers."
        used_once = all(len(uses) == 1 for uses in run.uses.values())
        if used_once and self.fault.undone != "sums_copies":
            reason = "every tensor is used once"
        else:
            reason = self.fault.harmless
        return f"{reason}. To show it takes {self.fault.shown_by}."


def label(tensor: Tensor) -> str:
    """Return what a quantity is called: an unnamed one by its operation, as in ``(subtract)``."""
    return tensor.name or f"({name_of(tensor)})"


def fit(run: Run, edge: Edge, contribution: Contribution) -> int:
    """Say how well a wrong contribution fits: 2 for the right shape, 0 if it is not computable."""
    try:
        wrong = contribution(run.truth[edge.step])
    except Exception:  # a wrong rule may not fit the operands
        return 0
    return 2 if np.shape(wrong) == run.tensors[run.source[edge]].shape else 1


def possible(run: Run) -> Iterator[str]:
    """Return the mistakes that can be made in a run: the faults of the sweep first."""
    yield from SWEEP_FAULTS
    for mistake in CATALOGUE:
        if mistake.name not in SWEEP_FAULTS and Experiment(mistake.name).planted(run):
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
        return list(possible(Run(recorded(*problem(fn, inputs)))))


# ---- what it does ----

#: With gradients of these verdicts a step of gradient descent can be taken.
TAKES_A_STEP = ("unchanged", "wrong")


def effects_on(run: Run, broken: Gradients, names: Mapping[str, int]) -> Iterator[Effect]:
    """Compare the broken gradients with the right ones, from the loss back."""
    floor = noise_of(run, names)
    for name in in_backward_order(run, names):
        if names[name] == run.loss:
            continue
        right, wrong = np.asarray(run.truth[names[name]]), broken.get(names[name])
        if wrong is None:
            yield Effect(name, "not computable", None, right.shape)
        elif np.shape(wrong) != right.shape:
            yield Effect(name, "wrong shape", np.shape(wrong), right.shape)
        elif same(wrong, right, RIGHT, floor):
            yield Effect(name, "unchanged", right.shape, right.shape, 0.0)
        else:
            error = number(relative(wrong, right).max())
            yield Effect(name, "wrong", right.shape, right.shape, error)


def parameters_of(
    fn: Problem,
    leaves: Mapping[str, np.ndarray],
    names: Mapping[str, int],
    wrt: Sequence[str] | None,
) -> tuple[str, ...]:
    """Return the leaves that gradient descent changes."""
    differentiable = [name for name in leaves if name in names]
    for name in wrt or ():
        if name not in differentiable:
            raise ValueError(f"{name!r} is no leaf with a gradient: {', '.join(differentiable)}.")
    if wrt is not None:
        return tuple(wrt)
    return tuple(name for name in differentiable if name not in DATA[worked_problem])


def descended(
    fn: Problem,
    leaves: Mapping[str, np.ndarray],
    parameters: Sequence[str],
    experiment: Experiment,
) -> Descent | None:
    """Go down along the broken gradients, and along the right ones."""
    run = Run(recorded(fn, leaves))
    positions = [named(run)[name] for name in parameters]
    right = flat(run.truth, positions)
    broken = flat(experiment.gradients(run), positions)
    length, right_length = np.linalg.norm(broken), np.linalg.norm(right)
    if not right_length:
        return None  # there is nowhere to go down to
    rate = GAIN * abs(run.tensors[run.loss].item()) / float(right_length) ** 2
    return Descent(
        parameters=tuple(parameters),
        slope=float(-(right @ broken) / length) if length else 0.0,
        right_slope=-float(right_length),
        rate=rate,
        losses=tuple(losses(fn, leaves, parameters, experiment.gradients, rate)),
        right_losses=tuple(losses(fn, leaves, parameters, lambda run: run.truth, rate)),
    )


def flat(gradients: Gradients, positions: Sequence[int]) -> np.ndarray:
    """Return some gradients as one vector."""
    return np.concatenate([np.ravel(gradients[i]) for i in positions] or [np.zeros(0)])


def losses(
    fn: Problem,
    leaves: Mapping[str, np.ndarray],
    parameters: Sequence[str],
    gradients: Callable[[Run], Gradients],
    rate: float,
) -> Iterator[float]:
    """Return the loss before, and after each step of, plain gradient descent."""
    leaves = dict(leaves)
    for step in range(STEPS + 1):
        run = Run(recorded(fn, leaves))
        yield run.tensors[run.loss].item()
        if step < STEPS:
            names, arrived = named(run), gradients(run)
            for name in parameters:
                leaves[name] = leaves[name] - rate * np.asarray(arrived[names[name]])
