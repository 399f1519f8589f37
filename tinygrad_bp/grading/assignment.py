"""An assignment: a problem, recorded at the points where submissions are judged.

It is recorded once, with its right gradients, and any number of submissions are judged against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from ..tensor import Tensor
from ..worked_problem.network import network
from .hidden import hidden_mistakes
from .judge import in_backward_order
from .planted import Run, same
from .points import BATCH, POINTS, SQUARES, redrawn, worked_problem_points
from .submission import Answers, Point

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
    shape
        Of the worked problem, where its points are drawn: the ``sizes`` and the ``batch``.

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
        shape: Mapping[str, Any] | None = None,
    ) -> None:
        self.fn = worked_problem if fn is None else fn
        self.aliases = ALIASES.get(self.fn, {})
        self.is_given = inputs is not None
        self.seed = seed
        self.runs: list[Run] = []
        self.points: list[Point] = []
        if inputs is not None:
            given = leaves_of(self.fn, inputs)
            self.add(given)
        if not (only_inputs and self.runs):
            if inputs is not None:
                drawn = redrawn(given, seed)
            elif self.fn is worked_problem:
                drawn = worked_problem_points(seed, **(shape or {}))
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

    def reshaped(self, shape: Mapping[str, Any]) -> Assignment | None:
        """Return the worked problem at points of another shape; None if the points were given."""
        if self.is_given or self.fn is not worked_problem:
            return None
        return Assignment(required=self.required, seed=self.seed, shape=shape)

    @cached_property
    def batched(self) -> Assignment | None:
        """The worked problem with a batch, where the mistakes show that are made in one."""
        return self.reshaped(BATCH)

    @cached_property
    def squares(self) -> tuple[Assignment, ...]:
        """The worked problem with all widths equal, where a missing transpose gives numbers."""
        return tuple(square for shape in SQUARES if (square := self.reshaped(shape)))

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
        if not self.is_given:
            return ()
        backward = in_backward_order(self.runs[0], self.named)
        lines = [name for name in backward if name not in self.optional]
        return tuple(hidden_mistakes(self.runs, self.named, lines))


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


def leaves_of(fn: Problem, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the leaves of a problem as arrays: float64 wherever a gradient can flow to them.

    Whole numbers may be a weight, written as [[1, 2, 3]], or labels that pick a class. So each leaf
    of them is tried as float64, and stays an integer if it has no gradient then either.
    """
    leaves = {name: array_of(value) for name, value in inputs.items()}
    for name, value in leaves.items():
        if value.dtype.kind in "iu":
            as_float = value.astype(np.float64)
            if has_gradient(fn, {**leaves, name: as_float}, name):
                leaves[name] = as_float
    return leaves


def array_of(value: Any) -> np.ndarray:
    """Return a leaf as an array: float64, but for integers and truth values."""
    array = np.array(value.data if isinstance(value, Tensor) else value)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def has_gradient(fn: Problem, leaves: Mapping[str, np.ndarray], name: str) -> bool:
    """Say whether a problem can be computed from leaves, with a gradient that flows to one."""
    try:
        run = Run(recorded(fn, leaves))
    except Exception:  # labels are used as an index, and a problem may do anything
        return False
    return any(run.tensors[i].name == name for i in run.truth)


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
