"""The reverse sweep of one run, step by step and with its numbers: ``print(explain(loss))``.

Each step's own rule is run on placeholders for its symbols, and on the upstream gradient for its
numbers. Every form of an explanation, plain text, console or HTML, is made of the same rows.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine import Tensor
from ..notation.numbers import listed
from ..pages.page import safe, write_page, write_part
from ..saving import Document, Forms, written_to
from .explanation.as_json import as_json
from .explanation.text import EQUATION, LABEL, in_columns, table
from .steps.rows import Row, Rows, way
from .steps.sweep import Formulas, Given, Gradient, Step, Sweep, loss_record
from .steps.typeset import equation

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

#: Nobody reads more steps, or more rows of one, and a page of them takes long to open.
MOST_STEPS = MOST_ROWS = 1000


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Document):
    """The reverse sweep of one run, with the forms in which it is shown. Made by `explain`.

    It prints as text, on a rich console as a table for each step, and in a notebook as HTML. Of
    more than 1,000 steps, these show the first and the last 500; ``steps`` and JSON have them all.
    """

    output: str  # what it is called
    value: np.ndarray
    given: tuple[Given, ...]  # what the steps use and none of them computes
    steps: tuple[Step, ...]  # in the order of the sweep: from the output back
    gradients: tuple[Gradient, ...]  # where the sweep led: one for each tensor asked for
    formulas: Formulas

    kind = "an explanation"

    def title(self) -> str:
        return f"explanation of {self.output} in {counted(len(self.steps))}"

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the explanation as JSON, and write it to a file if a path is given.

        ``docs/explain.schema.json`` describes it.
        """
        content = {
            "version": 1,
            "output": {"tensor": self.output, "value": self.value},
            "given": self.given,
            "steps": self.steps,
            "gradients": self.gradients,
        }
        text = json.dumps(as_json(content), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
        if path is not None:
            written_to(path, text)
        return text

    def forms(self) -> Forms:
        return {
            ".txt": lambda: f"{self}\n",
            ".html": lambda: write_page("explanation", **self.page()),
            ".json": self.to_json,
        }

    def __str__(self) -> str:
        lines = textwrap.wrap(self.introduction(), LABEL + 1 + EQUATION)
        for title, rows in self.sections():
            lines += ["", title, *(line for row in rows for line in in_columns(row))]
        return "\n".join(lines)

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.text import Text

        yield Text(self.introduction())
        for title, rows in self.sections():
            yield Text()
            yield table(title, rows, options.max_width) if rows else Text(title)

    def _repr_html_(self) -> str:
        return write_part("explanation", **self.page())

    def page(self) -> dict[str, Any]:
        """Return what the template of the page is filled with."""
        return {
            "title": f"The gradients of {self.output}, step by step",
            "introduction": self.introduction(),
            "sections": self.sections(),
            "equation": lambda sides: safe(equation(sides)),
        }

    def introduction(self) -> str:
        ends = listed([gradient.tensor for gradient in self.gradients])
        sentences = (
            f"How the gradients of {self.output} come about, in {counted(len(self.steps))} from "
            f"{self.output} back to {ends}. In each step, the gradient that arrived at the output "
            "of an operation is passed on to its inputs. What arrives at one tensor from several "
            "sides is added up."
        )
        rules = [c.rule for step in self.shown() for c in step.contributions if c.rule is not None]
        if any("⊙" in rule for rule in rules):
            sentences += " The sign ⊙ multiplies entry by entry."
        if any("[axis " in rule or "[axes " in rule for rule in rules):
            sentences += " Axes count from 0: a sum over axis 0 adds up rows."
        return sentences

    def sections(self) -> Iterator[tuple[str, list[Row]]]:
        """Yield title and rows of what is given, of each step, and of the gradients."""
        rows, n = Rows(self.formulas), len(self.steps)
        if self.given:
            yield "Given", bounded(map(rows.given, self.given))
        for step in self.shown():
            if n > MOST_STEPS and step.number == n - MOST_STEPS // 2 + 1:
                which = f"Steps {MOST_STEPS // 2 + 1:,} to {step.number - 1:,}"
                yield f"{which} are left out: at most {MOST_STEPS:,} are shown. JSON has all.", []
            yield f"Step {step.number} of {n}: {way(step)}", bounded(rows.step(step))
        yield "The gradients", bounded(map(rows.reached, self.gradients))

    def shown(self) -> tuple[Step, ...]:
        half = MOST_STEPS // 2
        few = len(self.steps) <= MOST_STEPS
        return self.steps if few else self.steps[:half] + self.steps[-half:]


def bounded(rows: Iterable[Row]) -> list[Row]:
    every = list(rows)
    more = len(every) - MOST_ROWS
    return [*every[:MOST_ROWS], Row("…", (), (f"({more:,} more)",))] if more > 0 else every


def counted(steps: int) -> str:
    return f"{steps} {'step' if steps == 1 else 'steps'}"


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
    >>> print(str(explanation).splitlines()[-1])
    b           ∂L/∂b = 2
    """
    record = loss_record(loss, "explain")
    wanted = record.wanted(wrt, "explain")
    if not wanted:
        raise ValueError("explain was asked for no gradient: wrt is empty.")
    sweep = Sweep(record, wanted)
    return Explanation(
        sweep.formulas.tensor(record.place[loss.id]).text,
        loss.data,
        tuple(sweep.given()),
        tuple(sweep.steps()),
        tuple(sweep.gradient(record.place[t.id]) for t in wanted),
        sweep.formulas,
    )
