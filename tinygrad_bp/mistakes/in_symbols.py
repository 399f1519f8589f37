"""Wrong rules as formulas: what a step would pass on, had somebody made a mistake there.

A wrong rule works on a `Place`. Here it gets one whose tensors hold named placeholders, so that
what it computes is recorded, and can be written down like the right rule.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..engine import Tensor
from ..notation.steps import expression
from ..record import Edge, Record
from ..recording import recorded_comparisons
from ..table import TABLE
from .catalogue import CATALOGUE
from .mistake import Mistake
from .run import Place, Run

#: In a product, placeholders are square, so that wrong products can be written too.
SIDE = 2


class WrongFormula(NamedTuple):
    mistake: Mistake
    tree: ast.expr
    value: np.ndarray
    fits: bool  # whether its shape is right

    def equals(self, other: WrongFormula) -> bool:
        return equal(self.value, other.value)


class StandIn:
    """A tensor of a run with a placeholder for its value; all else is the tensor's own."""

    def __init__(self, run: RunInSymbols, i: int) -> None:
        self._run, self._real, self._name = run, run.real.tensors[i], run.identifier(i)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    @property
    def data(self) -> Tensor:
        return self._run.placeholder(self._name, self._real.data)

    @property
    def inputs(self) -> list[StandIn | None]:
        place, tensors = self._run.place, self._run.tensors
        return [None if x is None else tensors[place[x.id]] for x in self._real.inputs]

    @property
    def operands(self) -> list[Any]:
        given = zip(self.inputs, self._real.operands, strict=True)
        return [value if x is None else x.data for x, value in given]


class RunInSymbols(Run):
    def __init__(self, run: Run, square: bool) -> None:
        _ = run.broadcast, run.alike, run.batch, run.parameters  # asked of the real tensors
        self.__dict__ |= run.__dict__
        self.real, self.square = run, square
        self.known: dict[int, ast.expr] = {}
        self.made: dict[str, Tensor] = {}
        self.tensors = [StandIn(self, i) for i in range(len(run.tensors))]
        self.closures = Closures(self)

    def identifier(self, i: int) -> str:
        return str(self.names.identifier(self.real.tensors[i]))

    def placeholder(self, name: str, value: np.ndarray) -> Tensor:
        if name not in self.made:
            if self.square:
                value = np.random.default_rng(len(self.made)).normal(size=(SIDE,) * value.ndim)
            is_float = value.dtype.kind == "f"
            self.made[name] = Tensor(value, requires_grad=is_float, name=name)
            self.known[self.made[name].id] = ast.Name(name)
        return self.made[name]

    def upstream(self, i: int) -> Tensor:
        name = self.names.gradient(self.real.tensors[i])
        return self.placeholder(str(name), np.asarray(self.real.gradients[i]))

    def summed(self, edge: Edge, contribution: Any) -> Any:
        shape = self.real.tensors[self.source[edge]].shape
        if edge not in self.broadcast or np.shape(contribution) == shape:
            return contribution
        return TABLE["sum_to"](contribution, shape=shape)


class Closures(dict[Edge, Any]):
    """The right rules, run on placeholders where they are asked for."""

    def __init__(self, run: RunInSymbols) -> None:
        super().__init__()
        self.run = run

    def __missing__(self, edge: Edge) -> Any:
        t = self.run.tensors[edge.step]
        found = t.primitive.rule(t.data, *t.operands, **t.params)
        return found[edge.operand] if isinstance(found, (tuple, list)) else found


class WrongFormulas:
    """The wrong rules of a run, each as a formula in the names of the run."""

    def __init__(self, record: Record) -> None:
        self.run = run = Run(record.output)
        run.__dict__ |= record.__dict__  # what has been read of it is not read again
        self.real, self.square = RunInSymbols(run, square=False), RunInSymbols(run, square=True)

    def at(self, edge: Edge, mistakes: Sequence[Mistake] = CATALOGUE) -> Iterator[WrongFormula]:
        step = self.run.tensors[edge.step]
        shapes = [step.shape, *(np.shape(value) for value in step.operands)]
        is_product = step.primitive is TABLE["matmul"]
        square = is_product and all(len(shape) == 2 and max(shape) > 1 for shape in shapes)
        symbols = self.square if square else self.real
        place = Place(symbols, edge, {})
        with recorded_comparisons(), np.errstate(all="ignore"):
            g = symbols.upstream(edge.step)
            right = symbols.summed(edge, symbols.closures[edge](g)).data
            for mistake in mistakes:
                for wrong in mistake.at(place):
                    try:
                        made = wrong.closure(g)
                        tree, value = expression(made, symbols.known, refused), made.data
                    except Exception:  # a rule for arrays alone, or one that the shapes keep out
                        continue
                    if not equal(value, right):
                        yield WrongFormula(mistake, tree, value, value.shape == right.shape)


def equal(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.allclose(a, b, equal_nan=True)


def refused(value: np.ndarray) -> None:
    # an array of another place has no name in a formula
    if value.ndim:
        raise ValueError("this formula holds an array")
