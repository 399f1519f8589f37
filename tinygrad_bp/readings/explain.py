"""The reverse sweep of one run, step by step and with its numbers: ``print(explain(loss))``.

The engine sweeps, and each step's own rule is run on placeholders for its symbols and on the
upstream gradient for its numbers. That gives a record; every form of it, plain text, console or
HTML, is made of the same rows.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..backward import finished
from ..notation.names import recorded_tensors, wanted_tensors
from ..notation.rules import summed
from ..saving import save, written_to
from ..tensor import Tensor
from .explanation.as_json import as_json
from .explanation.as_text import as_text, table
from .explanation.flow import Flow, followed, leading_to, read_only
from .explanation.forward import values_held
from .explanation.page import as_html, as_page
from .explanation.record import Contribution, Formula, Given, Gradient, Record, Step, Term
from .explanation.rows import introduction, sections
from .explanation.symbols import Symbols

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

#: What an operation is composed of is said where that has at most so many characters.
LONGEST_DEFINITION = 60


@dataclass(frozen=True, eq=False)
class Explanation(Record):
    """The reverse sweep of one run, with the forms in which it is shown. Made by `explain`.

    It prints as text, on a rich console as a table for each step, and in a notebook as HTML.
    """

    symbols: Symbols = field(repr=False)

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the explanation as JSON, and write it to a file if a path is given.

        ``docs/explain.schema.json`` describes it. Folders that are missing are created.

        Examples
        --------
        >>> import json
        >>> import tinygrad_bp as bp
        >>> x = bp.tensor(3.0, requires_grad=True, name="x")
        >>> json.loads(bp.explain(x**2).to_json())["gradients"][0]["value"]["entries"]
        6.0
        """
        data = json.dumps(as_json(self), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
        if path is not None:
            written_to(path, data)
        return data

    def save(self, path: str | Path) -> None:
        """Save the explanation as what the path ends in: ``.txt``, ``.html`` or ``.json``.

        Folders that are missing are created. The file is complete, or it is not there.

        Raises
        ------
        ValueError
            If the path ends in anything else.

        Examples
        --------
        >>> import tempfile
        >>> import tinygrad_bp as bp
        >>> x = bp.tensor(3.0, requires_grad=True, name="x")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "square.txt")
        ...     bp.explain((x**2).named("L")).save(path)
        ...     print(path.read_text(encoding="utf-8").splitlines()[-1])
        x           ∂L/∂x = 6
        """
        save(
            path,
            "an explanation",
            {
                ".txt": lambda: f"{self}\n",
                ".html": lambda: as_page(self, self.symbols),
                ".json": self.to_json,
            },
        )

    def __str__(self) -> str:
        return as_text(self, self.symbols)

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.text import Text

        yield Text(introduction(self))
        for title, rows in sections(self, self.symbols):
            yield Text()
            yield table(title, rows, options.max_width)

    def _repr_html_(self) -> str:
        return as_html(self, self.symbols)


def explain(loss: Tensor, wrt: Tensor | Sequence[Tensor] | None = None) -> Explanation:
    """Explain how the gradients of a computation come about: its reverse sweep, step by step.

    Parameters
    ----------
    loss
        The result to go back from: a Tensor of one entry that needs a gradient.
    wrt
        A Tensor or a list of them: only the paths that reach these are shown. All leaves that need
        a gradient if left out.

    Returns
    -------
    Explanation
        Print it, or take it apart: its ``steps`` hold names, rules and values. Nothing is written
        to any ``grad``.

    Raises
    ------
    ValueError
        If the loss, or a tensor asked for, needs no gradient; if the loss has several entries, or
        was not computed from a tensor asked for.
    TypeError
        If given anything but Tensors.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> a = bp.tensor(2.0, requires_grad=True, name="a")
    >>> b = bp.tensor(3.0, requires_grad=True, name="b")
    >>> explanation = bp.explain((a * b).named("L"))
    >>> [(c.gradient, c.rule, float(c.value)) for c in explanation.steps[0].contributions]
    [('∂L/∂a', '∂L/∂L b', 3.0), ('∂L/∂b', '∂L/∂L a', 2.0)]
    """
    if not isinstance(loss, Tensor):
        raise TypeError(f"explain takes a Tensor, not {loss!r:.60}.")
    if loss.size != 1:
        raise ValueError(
            f"{loss.described()} has {loss.size} entries, and explain follows the gradients of one "
            "number. Reduce it first, as with .sum()."
        )
    tensors = recorded_tensors(loss)
    wanted = wanted_tensors(tensors, wrt, "explain")
    flows, values = followed(loss)
    if not wanted:
        raise ValueError("explain was asked for no gradient: wrt is empty.")
    flows = leading_to({t.id for t in wanted}, flows)
    return Recorder(loss, tensors, flows, values).explanation(wanted)


class Recorder:
    """Makes the record of a sweep that was followed.

    Parameters
    ----------
    loss, tensors
        Where the sweep started, and all that was recorded.
    flows
        The steps of the sweep that are shown.
    values
        The gradients, by the ids of their tensors.
    """

    def __init__(
        self,
        loss: Tensor,
        tensors: list[Tensor],
        flows: list[Flow],
        values: dict[int, np.ndarray],
    ) -> None:
        self.loss, self.tensors, self.flows, self.values = loss, tensors, flows, values
        self.names = Symbols(loss, tensors)
        self.nodes = {t.id: node for node, t in enumerate(tensors)}
        self.defined: set[object] = set()  # operations of which it was said what they are
        self.terms: dict[int, list[Term]] = defaultdict(list)
        self.places: dict[tuple[int, int], int] = {}  # by step and operand, which term it is
        for number, flow in enumerate(flows, 1):
            for edge in flow.edges:
                arrived = self.terms[edge.x.id]
                arrived.append(Term(number, edge.operand, read_only(edge.value)))
                self.places[number, edge.operand] = len(arrived)

    def explanation(self, wanted: list[Tensor]) -> Explanation:
        """Return the explanation that ends with the gradients asked for."""
        return Explanation(
            self.names.text(self.loss),
            self.loss.data,
            self.given(),
            tuple(self.step(number, flow) for number, flow in enumerate(self.flows, 1)),
            tuple(map(self.gradient, wanted)),
            self.names,
        )

    def given(self) -> tuple[Given, ...]:
        """Return what the steps use and none of them computes."""
        shown = [flow.tensor for flow in reversed(self.flows)]  # as recorded
        computed = {t.id for t in shown}
        held = values_held(shown)
        return tuple(
            Given(self.nodes[t.id], self.names.text(t), held[t.id])
            for t in self.tensors
            if t.id in held and t.id not in computed
        )

    def gradient(self, t: Tensor) -> Gradient:
        """Return a gradient to which every term has arrived; zero, where none does."""
        value = self.values[t.id] if t.id in self.values else np.zeros(t.shape)
        return Gradient(
            self.nodes[t.id],
            self.names.text(t),
            self.names.gradient(t),
            finished(value, t),
            tuple(self.terms[t.id]),
        )

    def step(self, number: int, flow: Flow) -> Step:
        """Return a step of the sweep."""
        t, names = flow.tensor, self.names
        values = names.values(t, read_only(flow.g))
        computed = names.formula(names.computed(t), values)
        last = {e.x.id: e.x for e in flow.edges if self.terms[e.x.id][-1].step == number}
        return Step(
            number,
            self.nodes[t.id],
            names.text(t),
            str(getattr(t.primitive, "__name__", "")),
            f"{names.text(t)} = {computed.text}",
            computed,
            self.definition(t, values),
            values,
            t.data,
            names.gradient(t),
            read_only(flow.g),
            tuple(self.contributions(number, flow, values)),
            tuple(map(self.gradient, last.values())),
        )

    def definition(self, t: Tensor, values: Mapping[str, np.ndarray]) -> Formula | None:
        """Return what an operation is composed of, the first time that it is met."""
        if t.primitive in self.defined:
            return None
        self.defined.add(t.primitive)
        composed = self.names.definition(t)
        if composed is None:
            return None
        definition = self.names.formula(composed, values)
        return definition if len(definition.text) <= LONGEST_DEFINITION else None

    def contributions(
        self, number: int, flow: Flow, values: Mapping[str, np.ndarray]
    ) -> Iterator[Contribution]:
        """Yield what a step passes on."""
        rules = self.names.rules(flow.tensor)
        for edge in flow.edges:
            x, rule = edge.x, rules[edge.operand - 1]
            if rule is not None:
                rule = summed(rule, edge.given.shape, x.shape)
            yield Contribution(
                edge.operand,
                self.nodes[x.id],
                self.names.text(x),
                self.names.gradient(x),
                self.places[number, edge.operand],
                len(self.terms[x.id]),
                None if rule is None else self.names.written(rule, values),
                rule,
                None if rule is None else self.names.with_numbers(rule, values),
                read_only(edge.value),
                None if edge.given is edge.value else read_only(edge.given),
            )
