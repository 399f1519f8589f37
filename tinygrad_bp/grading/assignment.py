"""An assignment: a problem, recorded at the points where submissions are judged.

It is recorded once, with its right gradients, and any number of submissions are judged against it.
The points are drawn so that they hide nothing. A mistake hides where two sizes are equal, where the
target equals the prediction, or where a weight is its own transpose. The worked problem is drawn
with all of that different. Of another problem the shapes are given by an example, and only the
values are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any, TypeAlias

import numpy as np

from ..differences import agree
from ..engine import Tensor
from ..mistakes.run import Run
from ..record import Record
from ..worked_problem.network import network
from ..worked_problem.problem import random_problem
from .hidden import hidden_mistakes
from .limits import MOST_DRAWS, POINTS
from .submission import Answers, Point

#: Builds a loss from leaves given by name.
Builder = Callable[..., Tensor]

Leaves: TypeAlias = Mapping[str, np.ndarray]


def worked_problem(W1: Any, W2: Any, W3: Any, x: Any, y: Any) -> Tensor:
    return network(W1, W2, W3, x, y)["L"]  # type: ignore[no-any-return]


#: Other names of a quantity: in the source derivation y_hat is a3 too.
ALIASES: dict[Builder, dict[str, str]] = {worked_problem: {"a3": "y_hat"}}

#: Leaves that are data: their gradients are judged where they are answered, and not missed.
DATA: dict[Builder, tuple[str, ...]] = {worked_problem: ("x", "y")}


class Assignment:
    """A problem at the points where submissions are judged.

    The inputs are the first point, and further ones are drawn with their shapes, but for answers
    that were computed at ``only_inputs``. Where the worked problem is drawn, ``shape`` has its
    ``sizes`` and ``batch``.
    """

    def __init__(
        self,
        fn: Builder | None = None,
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
        drawn: Iterable[Leaves] = ()
        if inputs is not None:
            given = to_leaves(self.fn, inputs)
            self.add(given)
            drawn = () if only_inputs else redraw(given, seed)
        elif self.fn is worked_problem:
            drawn = draw_worked_problem(seed, **(shape or {}))
        else:
            raise ValueError(
                "the shapes of this problem's leaves are not known. Give an example of them: "
                "inputs={'W': ..., 'x': ...}."
            )
        for leaves in islice(drawn, MOST_DRAWS):
            if len(self.runs) < POINTS:
                self.add_drawn(leaves)
        self.named = self.runs[0].quantities
        #: What nobody is expected to answer: data, and the loss itself.
        self.optional = {*DATA.get(self.fn, ()), self.runs[0].tensors[-1].name or ""}
        self.required = frozenset(self.aliases.get(name, name) for name in required)
        unknown = self.required - set(self.named)
        if unknown:
            raise ValueError(
                f"{', '.join(sorted(unknown))} cannot be required: the problem has "
                f"{', '.join(self.named)}."
            )

    def add(self, leaves: Leaves) -> None:
        run = Run(record(self.fn, leaves))
        _ = run.gradients  # raises where the loss has none
        point = {**leaves, **{t.name: t.data for t in run.tensors if t.name is not None}}
        self.points.append(point | {alias: point[name] for alias, name in self.aliases.items()})
        self.runs.append(run)

    def add_drawn(self, leaves: Leaves) -> None:
        # if the problem can be computed there, in the same steps
        try:
            with np.errstate(all="ignore"):
                self.add(leaves)
        except (ArithmeticError, IndexError, TypeError, ValueError):
            if not self.is_given:
                raise
            return
        drawn, first = self.runs[-1], self.runs[0]
        is_finite = all(np.isfinite(g).all() for g in drawn.gradients.values())
        if not is_finite or steps(drawn) != steps(first):
            del self.runs[-1], self.points[-1]

    def reshaped(self, *shapes: Mapping[str, Any]) -> tuple[Assignment, ...]:
        # the worked problem at points of other shapes; none if the points were given
        if self.is_given or self.fn is not worked_problem:
            return ()
        return tuple(Assignment(None, None, self.required, self.seed, shape=s) for s in shapes)

    @cached_property
    def batched(self) -> tuple[Assignment, ...]:
        # here the mistakes show that are made in a batch
        return self.reshaped({"batch": 7})

    @cached_property
    def squares(self) -> tuple[Assignment, ...]:
        # With all widths equal a missing transpose gives numbers; with as many samples as the
        # widths, products of columns do too.
        return self.reshaped({"sizes": (4,) * 4}, {"sizes": (4,) * 4, "batch": 4})

    def read(self, answers: Answers) -> Answers:
        values, unreadable = dict(answers.values), dict(answers.unreadable)
        for alias, name in self.aliases.items():
            if alias in unreadable:
                unreadable[name] = unreadable.pop(alias)
            if alias in values:
                value = values.pop(alias)
                if name in values and not agree(values[name], value, 1e-12):
                    unreadable[name] = f"it is answered twice, also as {alias}, and differently"
                values[name] = value
        return Answers(values, unreadable, answers.failure)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        if not self.is_given:
            return ()
        lines = [name for name in self.runs[0].backward_order if name not in self.optional]
        return tuple(hidden_mistakes(self.runs, lines))


def record(fn: Builder, leaves: Leaves) -> Tensor:
    tensors = {
        name: Tensor(value, requires_grad=value.dtype.kind == "f", name=name)
        for name, value in leaves.items()
    }
    loss = fn(**tensors)
    if not isinstance(loss, Tensor):
        raise TypeError(f"the problem must return its loss, a Tensor, and returned {loss!r:.60}.")
    return loss


def steps(run: Run) -> list[Any]:
    return [
        (
            t.name,
            t.primitive and t.primitive.__name__,  # a problem may make its own at each call
            [None if x is None else run.place[x.id] for x in t.inputs],
        )
        for t in run.tensors
    ]


def to_leaves(fn: Builder, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    # Whole numbers may be a weight, written as [[1, 2, 3]], or labels that pick a class. So each
    # leaf of them is tried as float64, and stays an integer if it has no gradient then either.
    leaves = {
        name: np.array(value.data if isinstance(value, Tensor) else value)
        for name, value in inputs.items()
    }
    for name, value in leaves.items():
        if value.dtype.kind in "iuf":
            as_float = value.astype(np.float64)
            if value.dtype.kind == "f" or has_gradient(fn, {**leaves, name: as_float}, name):
                leaves[name] = as_float
    return leaves


def has_gradient(fn: Builder, leaves: Leaves, name: str) -> bool:
    try:
        run = Record(record(fn, leaves))
        return any(run.tensors[i].name == name for i in run.gradients)
    except Exception:  # labels are used as an index, and a problem may do anything
        return False


# ---- points ----


def draw_worked_problem(seed: int, **shape: Any) -> Iterator[Leaves]:
    # The entries of y do not sum to 1: as those of y_hat do, the entries of dL/dy_hat would sum to
    # 0, and a wrong multiple of their sum could not be seen in dL/dz3.
    while True:
        leaves = vars(random_problem(**shape, seed=seed))
        rng = np.random.default_rng(seed)
        yield {**leaves, "y": rng.uniform(0.1, 0.9, leaves["y"].shape)}
        seed += 1


def redraw(example: Leaves, seed: int) -> Iterator[Leaves]:
    rng = np.random.default_rng(seed)
    while True:
        yield {name: draw_like(value, rng) for name, value in example.items()}


def draw_like(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    # In its range where that is one-sided; integers, truth values and probabilities stay as they
    # are: other values might mean nothing.
    if value.dtype.kind != "f" or is_distribution(value):
        return value
    if (value > 0).all():
        if (value < 1).all():
            return rng.uniform(0.1, 0.9, value.shape)
        return np.asarray(value.mean() * np.exp(0.5 * rng.standard_normal(value.shape)))
    size = np.sqrt(np.mean(np.square(value), dtype=float)) if value.size else 0.0
    return np.asarray((size or 1.0) * rng.standard_normal(value.shape))


def is_distribution(value: np.ndarray) -> bool:
    if value.size <= 1 or (value < 0).any():
        return False
    axes = (axis for axis, n in enumerate(value.shape) if n > 1)
    return any(np.allclose(value.sum(axis=axis), 1.0) for axis in axes)
