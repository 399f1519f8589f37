"""The reverse sweep of one run, step by step and with its numbers: ``print(explain(loss))``.

Each step's own rule is run on placeholders for its symbols, and on the upstream gradient for its
numbers. Text and HTML are made of the same rows.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..engine import Tensor
from ..notation.numbers import listed, plural
from ..pages.page import safe, write_page, write_part
from ..saving import Document, Forms, written_to
from .explanation.as_json import as_json
from .explanation.text import EQUATION, LABEL, in_columns
from .steps.rows import Row, Rows, way
from .steps.sweep import MOST_OPERATIONS, Formulas, Given, Gradient, Step, Sweep, loss_record
from .steps.typeset import equations


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Document):
    """The reverse sweep of one run, with the forms in which it is shown. Made by `explain`.

    It prints as text, and a notebook shows it as HTML.
    """

    output: str  # what it is called
    value: np.ndarray
    given: tuple[Given, ...]  # what the steps use and none of them computes
    steps: tuple[Step, ...]  # in the order of the sweep: from the output back
    gradients: tuple[Gradient, ...]  # where the sweep led: one for each tensor asked for
    formulas: Formulas

    kind = "an explanation"

    def title(self) -> str:
        return f"explanation of {self.output} in {plural(len(self.steps), 'step')}"

    def forms(self) -> Forms:
        return {
            ".txt": lambda: f"{self}\n",
            ".html": lambda: write_page("explanation", **self.page()),
            ".json": self.to_json,
        }

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the explanation as JSON, with nothing rounded, and write it to a file if given.

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

    def __str__(self) -> str:
        lines = textwrap.wrap(self.introduction(), LABEL + 1 + EQUATION)
        for title, rows in self.sections():
            lines += ["", title, *(line for row in rows for line in in_columns(row))]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return write_part("explanation", **self.page())

    def page(self) -> dict[str, Any]:
        """Return what the template of the page is filled with."""
        return {
            "title": f"The gradients of {self.output}, step by step",
            "introduction": self.introduction(),
            "sections": self.sections(),
            "equation": lambda sides: safe(equations([sides])),
        }

    def introduction(self) -> str:
        ends = listed([gradient.tensor for gradient in self.gradients])
        count = plural(len(self.steps), "step")
        sentences = (
            f"The gradients of {self.output}, in {count} from {self.output} back to {ends}. "
            "Each step takes the gradient of what an operation computed, and passes a gradient on "
            "to each of its inputs. A tensor that is used several times gets a term from each use, "
            "and the terms are added up."
        )
        rules = [c.rule for step in self.steps for c in step.contributions if c.rule is not None]
        if any("⊙" in rule for rule in rules):
            sentences += " The sign ⊙ multiplies entry by entry."
        if any("[axis " in rule or "[axes " in rule for rule in rules):
            sentences += " Axes count from 0: a sum over axis 0 adds up rows."
        return sentences

    def sections(self) -> Iterator[tuple[str, list[Row]]]:
        """Yield title and rows of what is given, of each step, and of the gradients."""
        rows = Rows(self.formulas)
        if self.given:
            yield "Given", list(map(rows.given, self.given))
        for step in self.steps:
            title = f"Step {step.number} of {len(self.steps)}: {way(step)}"
            yield title, list(rows.step(step))
        yield "The gradients", list(map(rows.reached, self.gradients))


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
        was not computed from a tensor asked for; for more than 2,000 operations.
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
    record = loss_record(loss, "explain", MOST_OPERATIONS)
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
