"""One run of a computation, read once: what every reading and the grader are made from.

A `Record` goes back from an output through ``inputs`` and lists the tensors in the order in which
they were recorded; a tensor is known by its position in that list, which is the same in every run.
It names the tensors once, so that they are called alike everywhere; it keeps what flows back along
every edge of the graph; and its sweep can be altered, with a person's answer in place of a gradient
or a mistake in place of a rule.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .engine import Tensor, starting_gradient, sum_copies, sweep
from .notation.names import Names
from .notation.operations import one_line
from .notation.steps import rule_expressions, step, twin
from .notation.trees import Constants, literal, shaped, stand_in_for_large
from .recording import recorded_tensors
from .table import TABLE

#: An operation on larger arrays is not run once more to find out what it is composed of.
LARGEST_COMPOSED = 10_000

#: From an upstream gradient to the contribution to one operand; None where it leaves that out.
Contribute: TypeAlias = Callable[[Any], Any]


class Absent:
    """What stands in an altered sweep for an array that is not there: `LOST` or `NOTHING`."""

    __array_ufunc__ = None  # an array leaves an addition to this class
    shape = None  # none that an array has

    def __add__(self, other: Any) -> Any:
        return LOST if self is LOST else other

    __radd__ = __add__

    def setflags(self, write: bool) -> None:
        """Stay as it is: the sweep makes gradients read-only."""


#: A gradient that cannot be computed any more, as a mistake gave another one another shape.
LOST = Absent()

#: A contribution that a mistake leaves out.
NOTHING = Absent()


class Edge(NamedTuple):
    """One use of a tensor: by which step, and as which of its operands, both counted from 0."""

    step: int  # the position of the tensor that the step computed
    operand: int


class Part(NamedTuple):
    """The part of a sweep that makes one gradient from given ones."""

    target: int  # the position of the tensor whose gradient is made
    edges: tuple[Edge, ...]  # those that lead to it, latest step first
    given: frozenset[int]  # the positions of the tensors whose gradients the part starts from


class Record:
    """One recorded computation; it has gradients if its output has one entry that needs one.

    A tensor is known by its position in `tensors`, which are in recording order; `place` gives it
    by the id. `inputs` says which tensor every operand is, `source` the same of the edges along
    which a gradient flows, and `uses` along which of these one flows to a tensor. `edges` are in
    the order of the sweep, latest step first.
    """

    def __init__(self, output: Tensor, latex: Mapping[str, str] | None = None) -> None:
        self.output, self.latex = output, latex
        self.tensors = recorded_tensors(output)
        self.place = {t.id: i for i, t in enumerate(self.tensors)}
        self.inputs = {
            Edge(i, operand): self.place[x.id]
            for i, t in enumerate(self.tensors)
            for operand, x in enumerate(t.inputs)
            if x is not None
        }

    @cached_property
    def closures(self) -> dict[Edge, Contribute]:
        # made when asked for: a step can be drawn before its operation has a rule
        return {
            Edge(i, operand): closure
            for i, t in enumerate(self.tensors)
            if t.primitive is not None and t.requires_grad
            for operand, (x, closure) in enumerate(zip(t.inputs, t.closures(), strict=True))
            if x is not None and x.requires_grad and closure is not None
        }

    @cached_property
    def source(self) -> dict[Edge, int]:
        return {edge: self.inputs[edge] for edge in self.closures}

    @cached_property
    def uses(self) -> dict[int, list[Edge]]:
        uses: dict[int, list[Edge]] = {}
        for edge, i in self.source.items():
            uses.setdefault(i, []).append(edge)
        return uses

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        return tuple(sorted(self.closures, key=lambda edge: (-edge.step, edge.operand)))

    # ---- the tensors ----

    @cached_property
    def names(self) -> Names:
        called = {  # operations that are written as a call: no tensor may take their names
            t.primitive.__name__
            for t in self.tensors
            if t.primitive is not None and one_line(t.primitive) is None
        }
        return Names(
            self.tensors,
            reserved=called | {name for name in TABLE if not hasattr(np, name)},
            loss=self.output,
            latex=self.latex,
        )

    def scope(self, i: int) -> str:
        # as a path of names, "hidden.linear0"; empty outside of all
        return str(self.tensors[i].scope).replace("/", ".")

    def values(self, i: int) -> tuple[np.ndarray, ...]:
        # several arrays, if a leaf got new ones
        return self._held.get(i, (self.tensors[i].data,))

    def value(self, i: int) -> np.ndarray:
        value, *others = self.values(i)
        if not all(np.array_equal(value, other, equal_nan=True) for other in others):
            raise ValueError(
                f"{self.tensors[i].described()} has another value now than when it was used, and "
                "what is written here has one value for each name. Compute the loss again."
            )
        return value

    @cached_property
    def _held(self) -> dict[int, tuple[np.ndarray, ...]]:
        held: dict[int, dict[int, np.ndarray]] = {}
        for edge, i in self.inputs.items():
            value = self.tensors[edge.step].operands[edge.operand]
            held.setdefault(i, {})[id(value)] = value
        return {i: tuple(values.values()) for i, values in held.items()}

    def wanted(self, wrt: Any, reading: str) -> list[Tensor]:
        # all parameters by default; ``reading`` is what error messages call the function
        if wrt is None:
            return [t for t in self.tensors if t.primitive is None and t.requires_grad]
        wanted = list(wrt) if isinstance(wrt, (list, tuple)) else [wrt]
        for x in wanted:
            if not isinstance(x, Tensor):
                raise TypeError(f"{reading} takes Tensors to differentiate by, not {x!r:.60}.")
            if not x.requires_grad:
                raise ValueError(
                    f"{x.described()} needs no gradient. Make it with requires_grad=True."
                )
            if x.id not in self.place:
                raise ValueError(
                    f"{self.output.described()} was not computed from {x.described()}."
                )
        return list({x.id: x for x in wanted}.values())

    def leading_to(self, wanted: Iterable[Tensor]) -> set[int]:
        leading = {self.place[t.id] for t in wanted}
        for edge in reversed(self.edges):
            if self.source[edge] in leading:
                leading.add(edge.step)
        return leading

    # ---- the sweep ----

    @cached_property
    def start(self) -> Any:
        return starting_gradient(self.output)

    @cached_property
    def _right(self) -> tuple[dict[int, Any], dict[Edge, Any], dict[Edge, Any]]:
        given: dict[Edge, Any] = {}
        contributions: dict[Edge, Any] = {}

        def noted(edge: Edge, x: Tensor, t: Tensor, g: Any) -> Any:
            given[edge] = contribution = self.closures[edge](g)
            if getattr(contribution, "shape", None) != x.shape:
                contribution = sum_copies(x, contribution, t)
            contributions[edge] = contribution
            return contribution

        def closures(t: Tensor, recorded: bool) -> list[Any]:
            edges = (Edge(self.place[t.id], operand) for operand in range(len(t.inputs)))
            return [
                partial(noted, edge, x, t) if x is not None and edge in self.source else None
                for edge, x in zip(edges, t.inputs, strict=True)
            ]

        with np.errstate(all="ignore"):
            swept = sweep([(self.output, self.start)], closures)
            arrived = {self.place[t.id]: g for t, g in swept}
        return arrived, given, contributions

    @property
    def gradients(self) -> dict[int, Any]:
        return self._right[0]

    @property
    def given(self) -> dict[Edge, Any]:
        # before it was summed to the operand's shape
        return self._right[1]

    @property
    def contributions(self) -> dict[Edge, Any]:
        return self._right[2]

    def contribution(self, edge: Edge, g: Any) -> Any:
        return self.summed(edge, self.closures[edge](g))

    @cached_property
    def broadcast(self) -> set[Edge]:
        return {e for e, given in self.given.items() if given.shape != self.contributions[e].shape}

    @cached_property
    def _right_or_lost(self) -> dict[Edge, Contribute]:
        return {
            edge: or_lost(partial(self.contribution, edge) if edge in self.broadcast else closure)
            for edge, closure in self.closures.items()
        }

    def summed(self, edge: Edge, contribution: Any) -> Any:
        # to the shape of the operand, where the right contribution needs it too
        x = self.tensors[self.source[edge]]
        if edge not in self.broadcast or contribution.shape == x.shape:
            return contribution
        try:
            return sum_copies(x, contribution, self.tensors[edge.step])
        except ValueError:  # what a wrong rule made has a shape of its own
            return contribution

    def sweep(
        self,
        given: Mapping[int, Any] | None = None,
        planted: Mapping[Edge, Contribute] | None = None,
        edges: Iterable[Edge] | None = None,
        in_order: bool = True,
        adds_up: bool = True,
        sums_copies: bool = True,
    ) -> dict[int, Any]:
        """Return the gradients of an altered sweep, by position; one that is lost is left out.

        The sweep goes on with `given` gradients in place of those that arrive, and with `planted`
        contributions, which are wrong; `edges` are the part of it to run, latest step first. It has
        three duties besides calling the rules; each can be left undone, to see what it is good for:

        - `in_order`: a gradient is passed on when all contributions to it have arrived. Otherwise
          it is passed on first come, first served, and what arrives later is added to it alone.
        - `adds_up`: a contribution is added to those before it. Otherwise it is ``=`` for ``+=``.
        - `sums_copies`: a contribution is summed where its operand was broadcast.

        Examples
        --------
        With s = 3 a and L = s + s s, the gradient of s is 1 + 2 s = 13. First come, first served,
        s passes on the 1 that comes first, and a gets 3:

        >>> import tinygrad_bp as bp
        >>> a = bp.tensor(2.0, requires_grad=True)
        >>> s = a * 3.0
        >>> record = Record(s + s * s)
        >>> [float(g) for g in (record.sweep()[0], record.sweep(in_order=False)[0])]
        [39.0, 3.0]
        """
        given, planted = given or {}, planted or {}
        right = self._right_or_lost
        if not sums_copies:
            right = {edge: or_lost(closure) for edge, closure in self.closures.items()}
        leaving: dict[int, list[Any]] = {}
        reached = set()
        for edge in self.edges if edges is None else edges:
            i, operand = edge
            closure = or_lost(planted[edge]) if edge in planted else right[edge]
            if i not in leaving:
                leaving[i] = [None] * len(self.tensors[i].inputs)
            leaving[i][operand] = partial(apply, closure, given[i]) if i in given else closure
            reached.add(self.source[edge])

        def closures(t: Tensor, recorded: bool) -> list[Any]:
            # once each: out of order, a gradient may get more after its turn
            return leaving.pop(self.place[t.id], [])

        def add(x: Any, earlier: Any, later: Any) -> Any:
            try:
                return earlier + later if adds_up or later is NOTHING else later
            except ValueError:
                return LOST

        last = len(self.tensors) - 1
        begun = {**given, last: self.start}
        starts = [(self.tensors[i], begun[i]) for i in leaving if i in begun and i not in reached]
        arrived: dict[int, Any] = {last: self.start}
        for t, g in sweep(starts, closures, lambda x, found, t: found, add, in_order):
            i = self.place[t.id]
            if i in reached:
                arrived[i] = add(t, arrived[i], g) if i in arrived else g
        return {i: g for i, g in arrived.items() if not isinstance(g, Absent)}

    def part(self, target: int, given: Iterable[int]) -> Part:
        # from given gradients, or the output, to one tensor's
        given = frozenset(given)
        between, frontier = {target}, [target]
        edges: list[Edge] = []
        while frontier:
            for edge in self.uses.get(frontier.pop(), ()):
                edges.append(edge)
                if edge.step not in given and edge.step not in between:
                    between.add(edge.step)
                    frontier.append(edge.step)
        edges.sort(key=lambda edge: (-edge.step, edge.operand))
        return Part(target, tuple(edges), given & {edge.step for edge in edges})

    # ---- in symbols ----

    def operands(self, i: int) -> list[ast.expr]:
        t = self.tensors[i]
        return [
            literal(value) if x is None else shaped(ast.Name(self.names.identifier(x)), x.shape)
            for x, value in zip(t.inputs, t.operands, strict=True)
        ]

    def equation(self, i: int, constants: Constants | None = None) -> ast.expr:
        t = self.tensors[i]
        assert t.primitive is not None
        return step(t.primitive, self.operands(i), t.params, constants, t.shape)

    def composed(self, i: int, constants: Constants | None = None) -> ast.expr | None:
        # None where the text says so already, or where that simpler form, unlike the operation,
        # overflows.
        t = self.tensors[i]
        if t.primitive is None or t.primitive.composed is None or one_line(t.primitive) is not None:
            return None
        if max(map(np.size, t.operands)) > LARGEST_COMPOSED:
            return None
        found = twin(t.primitive, self.operands(i), t.operands, t.params, constants)
        if found is None or not np.allclose(found.value, t.data, equal_nan=True):
            return None
        return found.tree

    def rules(self, i: int, constants: Constants | None = None) -> dict[Edge, ast.expr]:
        # summed where an operand was broadcast; ValueError where a rule runs on arrays alone
        t = self.tensors[i]
        given = ["" if x is None else self.names.identifier(x) for x in t.inputs]
        out = self.names.identifier(t)
        rules = rule_expressions(t, self.names.gradient(t), out, given, constants)
        edges = {Edge(i, operand): rule for operand, rule in enumerate(rules) if rule is not None}
        return {edge: rule for edge, rule in edges.items() if edge in self.source}

    def rules_to_show(self, i: int) -> dict[Edge, ast.expr]:
        # for a reader who can do without: none where a rule runs on arrays alone
        try:
            return self.rules(i, stand_in_for_large)
        except ValueError:
            return {}


def or_lost(closure: Contribute) -> Contribute:
    def run(g: Any) -> Any:
        if isinstance(g, Absent):
            return LOST
        try:
            found = closure(g)
            return NOTHING if found is None else found
        except Exception:  # the shapes do not fit any more
            return LOST

    return run


def apply(closure: Contribute, answer: Any, g: Any) -> Any:
    return closure(answer)
