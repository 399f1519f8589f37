"""The reverse sweep of one run, step by step and with its numbers: ``print(explain(loss))``.

The engine sweeps, and each step's own rule is run on placeholders for its symbols and on the
upstream gradient for its numbers. That gives a record; every form of it, plain text, console or
HTML, is made of the same rows of text.
"""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..backward import grad
from ..notation.names import recorded_tensors
from ..tensor import Tensor
from .explanation.as_json import as_json
from .explanation.blocks import WIDTH, width, with_values
from .explanation.flow import Edge, Flow, followed, leading_to, read_only
from .explanation.page import HTML_HEAD, as_html
from .explanation.record import Contribution, Gradient, Parts, Record, Step, Term
from .explanation.rows import in_line, introduction, sections
from .explanation.symbols import Symbols

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType


@dataclass(frozen=True, eq=False)
class Explanation(Record):
    """The reverse sweep of one run, with the forms in which it is shown. Made by `explain`.

    It prints as text, on a rich console as panels, and in a notebook as HTML.
    """

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

        Folders that are missing are created.

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
        forms: dict[str, Callable[[], str]] = {
            ".txt": lambda: f"{self}\n",
            ".html": lambda: f"{HTML_HEAD}{self._repr_html_()}",
            ".json": self.to_json,
        }
        suffix = Path(path).suffix.lower()
        if suffix not in forms:
            raise ValueError(
                f"an explanation cannot be saved as {Path(path).name!r}: "
                f"the name must end in one of {', '.join(forms)}."
            )
        written_to(path, forms[suffix]())

    def __str__(self) -> str:
        parts = [introduction(self)]
        for title, rows in sections(self):
            parts += ["", title, *map(in_line, rows)]
        return "\n".join(line.rstrip() for line in "\n".join(parts).splitlines())

    def __rich_console__(self, _: Console, __: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.panel import Panel
        from rich.text import Text

        yield Text(introduction(self))
        for title, rows in sections(self):
            content = Text("\n".join(map(in_line, rows)), overflow="fold")
            yield Panel(content, title=Text(title, style="bold"), title_align="left")

    def _repr_html_(self) -> str:
        return as_html(self)


def written_to(path: str | Path, content: str) -> None:
    """Write a file, and make the folders that are missing."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(content, encoding="utf-8")


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
        If the loss, or a tensor asked for, needs no gradient; if the loss has several entries.

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
    tensors = recorded_tensors(loss)
    if wrt is None:
        wanted = [t for t in tensors if t.primitive is None and t.requires_grad]
    else:
        wanted = [wrt] if isinstance(wrt, Tensor) else list(wrt)
    flows, values = followed(loss)
    results = grad(loss, wanted)  # also says what is wrong with a tensor asked for
    flows = leading_to({t.id for t in wanted}, flows)

    terms: dict[int, list[Term]] = defaultdict(list)
    places: dict[tuple[int, int], int] = {}  # by step and operand, which of the terms it is
    for number, flow in enumerate(flows, 1):
        for edge in flow.edges:
            terms[edge.x.id].append(Term(number, edge.operand, read_only(edge.value)))
            places[number, edge.operand] = len(terms[edge.x.id])

    # A tensor may be asked for that is not in the graph: it has a name too, and a gradient of zero.
    every = {t.id: t for t in (*tensors, *wanted)}
    names = Symbols(loss, [every[key] for key in sorted(every)])
    nodes = {t.id: node for node, t in enumerate(tensors)}

    def gradient(t: Tensor, value: np.ndarray) -> Gradient:
        name, slope = names.text(t), names.gradient(t)
        return Gradient(nodes.get(t.id), name, slope, value, tuple(terms[t.id]))

    steps = []
    for number, flow in enumerate(flows, 1):
        tensor = flow.tensor
        contributions = tuple(
            Contribution(
                edge.operand,
                nodes[edge.x.id],
                names.text(edge.x),
                names.gradient(edge.x),
                places[number, edge.operand],
                len(terms[edge.x.id]),
                *rule,
                read_only(edge.value),
                None if edge.given is edge.value else read_only(edge.given),
            )
            for edge, rule in explained(flow, names)
        )
        last = {e.x.id: e.x for e in flow.edges if terms[e.x.id][-1].step == number}
        complete = tuple(gradient(x, read_only(values[x.id])) for x in last.values())
        steps.append(
            Step(
                number,
                nodes[tensor.id],
                names.text(tensor),
                str(getattr(tensor.primitive, "__name__", "")),
                names.equation(tensor),
                tensor.data,
                names.gradient(tensor),
                read_only(flow.g),
                contributions,
                complete,
            )
        )
    gradients = tuple(gradient(t, g) for t, g in zip(wanted, results, strict=True))
    return Explanation(names.text(loss), loss.data, tuple(steps), gradients)


class Rule(NamedTuple):
    """A backward rule in symbols, as a syntax tree, with numbers as text, and in parts."""

    symbols: str | None = None
    expression: ast.expr | None = None
    numbers: str | None = None
    parts: Parts | None = None


def explained(flow: Flow, names: Symbols) -> Iterator[tuple[Edge, Rule]]:
    """Yield the edges of a step, each with its rule in symbols and with numbers put in."""
    rules = names.rules(flow.tensor)
    values = names.values(flow.tensor, flow.g)
    for edge in flow.edges:
        rule = rules[edge.operand - 1]
        if rule is None:
            yield edge, Rule()  # it takes only arrays
        else:
            room = WIDTH - width(f"{names.gradient(edge.x)} += ")
            parts = names.with_numbers(rule, values)
            written = names.written(rule, values)
            yield edge, Rule(written, rule, with_values(parts, room), parts)
