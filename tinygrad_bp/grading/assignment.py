"""An assignment: a problem, recorded at the points where submissions are judged.

It is recorded once, with its right gradients, and any number of submissions are judged against it.
A mistake hides where two sizes are equal, where the target equals the prediction, where a weight is
its own transpose, or where a relu is given positive numbers alone. The points of the worked problem
are drawn with all of that different. Of another problem the shapes are given by an example, and
only the values are drawn; what they cannot show is said (`hidden.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from ..engine import Tensor
from ..mistakes.run import Run
from ..worked_problem.problem import random_problem
from .calling import UPSTREAM
from .factors import ACCEPTED, CONVENTIONS
from .hidden import say_hidden
from .limits import MOST_DRAWS, POINTS
from .submission import Answers, Order, Point
from .task import ALIASES, Builder, Leaves, compute, set_task


@dataclass(frozen=True)
class Marking:
    """What a line is worth."""

    #: The part that a line earns which is right, given an earlier slip. One slip is charged once,
    #: so it is all of it by default.
    carried: float = 1.0
    points: Mapping[str, float] = field(default_factory=dict)  # 1 for a line that is not named
    #: The conventions that are remarked on, and not charged.
    accepted: Collection[str] = ACCEPTED

    def __post_init__(self) -> None:
        if not 0 <= self.carried <= 1:
            raise ValueError(f"carried must be from 0 to 1, not {self.carried}")
        for name in self.accepted:
            if name not in CONVENTIONS:
                raise ValueError(f"there is no convention {name!r}: {', '.join(CONVENTIONS)}.")
        for name, worth in self.points.items():
            if not 0 < worth < np.inf:  # a slip in a line worth nothing would cost nothing
                raise ValueError(f"the points of {name} must be more than 0, not {worth}")

    def check(self, named: Collection[str]) -> None:
        unknown = [name for name in self.points if name not in named]
        if unknown:
            raise ValueError(
                f"{unknown[0]} is not a quantity of the problem, and cannot be given points. "
                f"The quantities are: {', '.join(named)}."
            )

    def score(self, verdict: str) -> float:
        return {"right": 1.0, "carried forward": self.carried}.get(verdict, 0.0)


class Assignment:
    """A problem at the points where submissions are judged.

    The inputs are the first point, and further ones are drawn with their shapes, but for answers
    that were computed at ``only_inputs``.
    """

    def __init__(
        self,
        problem: Builder | Tensor | None = None,
        inputs: Mapping[str, Any] | Sequence[Any] | None = None,
        required: Collection[str] | None = None,
        seed: int = 0,
        only_inputs: bool = False,
        marking: Marking | None = None,
        returns: Sequence[str] | None = None,
    ) -> None:
        if only_inputs and inputs is None and not isinstance(problem, Tensor):
            raise ValueError(
                "arrays are answers at one point: give it, as inputs={'W1': ..., ...}, or as a "
                "recorded loss. A function is called at points of its own."
            )
        task = set_task(problem, inputs)
        self.build, self.layer = task.build, task.layer
        self.aliases = ALIASES.get(self.build, {})
        self.is_given = task.is_given
        self.seed, self.marking = seed, marking or Marking()
        drawn = draw_worked_problem(seed)
        self.record(task.leaves if task.is_given else next(drawn))
        run = self.runs[0]
        leaves_with_gradient = [
            n for n in self.points[0] if n in self.named and is_leaf(run, self.named[n])
        ]
        #: The leaves whose gradients are asked for, in the order of the problem's arguments.
        self.parameters = task.parameters(leaves_with_gradient)
        if not only_inputs:
            self.draw(None if task.is_given else drawn)
        #: The loss, whose gradient is 1 by definition; None if it has no name.
        self.loss = run.tensors[-1].name
        #: What nobody is expected to answer: data, and the loss itself.
        self.optional = {*leaves_with_gradient, self.loss} - {*self.parameters}
        named = self.parameters if required is None else required
        self.required = frozenset(self.aliases.get(name, name) for name in named)
        unknown = self.required - set(self.named)
        if unknown:
            raise ValueError(
                f"{', '.join(sorted(unknown))} cannot be required: the problem has "
                f"{', '.join(self.named)}."
            )
        self.marking.check(self.named)
        #: What counts if it is answered. A slip in another line counts too.
        self.asked = {*self.required, *self.marking.points}
        self.order = Order(tuple(self.parameters), False)
        if returns is not None:
            wrong = [name for name in returns if name not in self.points[0]]
            if wrong:
                raise ValueError(f"{wrong[0]} cannot be returned: it has {', '.join(self.named)}.")
            self.order = Order(tuple(returns), True)

    def record(self, leaves: Leaves) -> None:
        """Make this the first point, and the only one."""
        self.leaves = leaves
        self.runs: list[Run] = []
        self.points: list[Point] = []
        self.add(leaves)
        self.named = self.runs[0].quantities

    def draw(self, drawn: Iterator[Leaves] | None) -> None:
        """Add further points: those that are given, or else others of the same shapes."""
        for leaves in islice(drawn, MOST_DRAWS) if drawn else self.redraw():
            if len(self.runs) == POINTS:
                break
            self.add_drawn(leaves)
        if drawn is None and len(self.runs) > 1:
            self.mix_signs()

    def redraw(self) -> Iterator[Leaves]:
        # Data of two values, as labels are, become real numbers: else y y is right for y. They are
        # exchanged where the problem takes no others, and kept where they may stand only there.
        rng = np.random.default_rng(self.seed)
        choices = {n for n, v in self.leaves.items() if n not in self.parameters and is_choice(v)}
        for draw_choice in (draw_like, shuffle, keep):
            for _ in range(MOST_DRAWS):
                yield {
                    n: (draw_choice if n in choices else draw_like)(v, rng)
                    for n, v in self.leaves.items()
                }

    def add(self, leaves: Leaves) -> None:
        run = Run(compute(self.build, leaves))
        _ = run.gradients  # raises where the loss has none
        point = {**leaves, **{t.name: t.data for t in run.tensors if t.name is not None}}
        self.points.append(point | {alias: point[name] for alias, name in self.aliases.items()})
        self.runs.append(run)

    def add_drawn(self, leaves: Leaves) -> bool:
        # if the problem can be computed there, in the same steps
        try:
            with np.errstate(all="ignore"):
                self.add(leaves)
        except Exception:  # a problem may assert what its data are
            if not self.is_given:
                raise
            return False
        drawn, first = self.runs[-1], self.runs[0]
        is_finite = all(np.isfinite(g).all() for g in drawn.gradients.values())
        if not is_finite or steps(drawn) != steps(first):
            del self.runs[-1], self.points[-1]
            return False
        return True

    def mix_signs(self) -> None:
        """Give what has one sign both at the last point, if the loss can be computed there.

        The slope of a relu or an absolute value cannot be seen where all is positive.
        """
        rng = np.random.default_rng(self.seed)
        leaves = {name: self.points[-1][name] for name in self.leaves}
        for name, value in leaves.items():
            has_one_sign = value.size and ((value > 0).all() or (value < 0).all())
            if not has_one_sign or value.dtype.kind != "f" or is_distribution(value):
                continue
            mixed = leaves | {name: value * rng.choice((-1.0, 1.0), value.shape)}
            if self.add_drawn(mixed):
                del self.runs[-2], self.points[-2]
                leaves = mixed

    @cached_property
    def derived(self) -> tuple[str, ...]:
        """What may be answered: all but data and the loss, as they are called in the problem."""
        known = {*self.leaves, self.loss}
        return tuple(n for n in self.points[0] if n in self.parameters or n not in known)

    def calling(self, steps: Mapping[str, int]) -> Assignment:
        """Return this assignment with further quantities, as `Run.calling`."""
        if not steps:
            return self
        assignment = copy(self)
        assignment.runs = [run.calling(steps) for run in self.runs]
        assignment.named = assignment.runs[0].quantities
        return assignment

    def at(self, leaves: Leaves) -> Assignment | None:
        """Return this assignment at leaves of other shapes, if the problem can be computed there.

        The steps must be the same: some other function may be computed from other shapes.
        """
        there = copy(self)
        for name in ("vectors", "squares"):
            there.__dict__.pop(name, None)
        try:
            there.record(leaves)
        except Exception:  # a problem may be of these shapes alone, and do anything in others
            return None
        if steps(there.runs[0]) != steps(self.runs[0]):
            return None
        there.draw(None)
        return there

    @cached_property
    def vectors(self) -> Assignment | None:
        """The same with one sample as a vector, and not as a column, if there is one sample."""
        data = [value for name, value in self.leaves.items() if name not in self.parameters]
        if self.layer or not data or not all(v.ndim == 0 or is_column(v) for v in data):
            return None
        return self.at({name: v[:, 0] if is_column(v) else v for name, v in self.leaves.items()})

    @cached_property
    def squares(self) -> tuple[Assignment, ...]:
        """The same with all widths equal, where a missing transpose gives numbers.

        So do other products, if there are as many samples.
        """
        batch = self.runs[0].batch
        data = {1} if batch > 1 else set()  # one sample is an axis of length 1
        few = {n: squared(v, {1, batch}) for n, v in self.leaves.items()}
        many = {
            n: squared(v, {1} if n in self.parameters else data) for n, v in self.leaves.items()
        }
        return tuple(filter(None, map(self.at, (few, many))))

    def read(self, answers: Answers) -> Answers:
        values = {self.aliases.get(name, name): x for name, x in answers.values.items()}
        unreadable = {self.aliases.get(name, name): x for name, x in answers.unreadable.items()}
        return replace(answers, values=values, unreadable=unreadable)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        if not self.is_given:
            return ()
        if self.layer:
            return (say_layer(self.runs[0]),)
        lines = [name for name in self.runs[0].backward_order if name not in self.optional]
        return tuple(say_hidden(self.runs, lines))


def say_layer(run: Run) -> str:
    shape = run.tensors[-1].inputs[0].shape if run.tensors[-1].inputs[0] is not None else ()
    return (
        f"The output has the shape {shape}, so this is graded as a layer: its upstream gradient "
        f"{UPSTREAM} is drawn."
    )


def is_column(value: np.ndarray) -> bool:
    return value.ndim == 2 and value.shape[0] > 1 == value.shape[1]


def is_leaf(run: Run, i: int) -> bool:
    return run.tensors[i].primitive is None


def steps(run: Run) -> list[Any]:
    return [
        (
            t.name,
            t.primitive and t.primitive.__name__,  # a problem may make its own at each call
            [None if x is None else run.place[x.id] for x in t.inputs],
        )
        for t in run.tensors
    ]


# ---- points ----

#: The length of all axes where a missing transpose shall give numbers.
SQUARE = 4


def draw_worked_problem(
    seed: int, sizes: Sequence[int] = (4, 5, 6, 3), batch: int = 1
) -> Iterator[Leaves]:
    # The entries of y do not sum to 1: as those of y_hat do, the entries of dL/dy_hat would sum to
    # 0, and a wrong multiple of their sum could not be seen in dL/dz3.
    while True:
        leaves = vars(random_problem(sizes, batch, seed))
        rng = np.random.default_rng(seed)
        leaves["y"] = rng.uniform(0.1, 0.9, leaves["y"].shape)
        yield leaves
        seed += 1


def squared(value: np.ndarray, spared: Collection[int]) -> np.ndarray:
    """Return a value with all axes of one length, but for those of a length that is spared."""
    n = SQUARE + (SQUARE in spared)
    made = np.resize(value, [k if k in spared else n for k in value.shape])
    if value.dtype.kind != "f":
        return made % n if value.dtype.kind in "iu" and value.ndim else made  # labels, an index
    axis = axis_of_distribution(value)
    if axis is None:
        return made
    made += 0.1  # of one-hot labels zeros alone may be left
    return np.asarray(made / made.sum(axis, keepdims=True))


def draw_like(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    # In its range where that is one-sided. Integers and truth values are shuffled, as others might
    # mean nothing, and so are the probabilities of several samples, as they may be one-hot.
    axis = axis_of_distribution(value)
    if value.dtype.kind != "f" or (axis is not None and value.size > value.shape[axis]):
        return shuffle(value, rng)
    if axis is not None:
        drawn = rng.uniform(0.1, 0.9, value.shape)
        return np.asarray(drawn / drawn.sum())
    if (value > 0).all():
        if (value < 1).all():
            return rng.uniform(0.1, 0.9, value.shape)
        return np.asarray(value.mean() * np.exp(0.5 * rng.standard_normal(value.shape)))
    size = np.sqrt(np.mean(np.square(value), dtype=float)) if value.size else 0.0
    return np.asarray((size or 1.0) * rng.standard_normal(value.shape))


def shuffle(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    axis = axis_of_distribution(value)
    if axis is None:
        return rng.permutation(value.ravel()).reshape(value.shape)
    return np.roll(value, rng.integers(1, value.shape[axis]), axis)  # which keeps all sums


def keep(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return value


def is_distribution(value: np.ndarray) -> bool:
    return axis_of_distribution(value) is not None


def axis_of_distribution(value: np.ndarray) -> int | None:
    if value.size <= 1 or (value < 0).any():
        return None
    axes = (axis for axis, n in enumerate(value.shape) if n > 1)
    return next((axis for axis in axes if np.allclose(value.sum(axis=axis), 1.0)), None)


def is_choice(value: np.ndarray) -> bool:
    # one of two or more values: a label, an index, a mask
    is_binary = value.size > 2 and len(np.unique(value)) == 2
    return value.dtype.kind != "f" or is_distribution(value) or is_binary
