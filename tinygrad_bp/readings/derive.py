"""The derivation of a gradient, as a person would write it and hand it in: ``derive(loss)``.

Each line comes from the rule that ran, and is evaluated from its text before it is shown. Its parts
are in ``derivation/``: the lines, the two forms that they are written in, and the document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal

from ..engine import Tensor
from ..saving import Document, Forms
from .derivation.document import (
    Block,
    Equation,
    as_html,
    as_latex,
    as_markdown,
    as_text,
    line,
)
from .derivation.lines import Lines
from .derivation.matrix_form import MatrixForm
from .steps.sweep import loss_record

FORMS = ("matrix", "index")


@dataclass(frozen=True, eq=False, repr=False)
class Derivation(Document):
    """A derivation, written in any of four formats. Made by `derive`.

    Parameters
    ----------
    blocks
        Its headings, sentences and equations.
    """

    blocks: Sequence[Block]

    kind = "a derivation"

    @cached_property
    def markdown(self) -> str:
        """The derivation as Markdown with LaTeX."""
        return as_markdown(self.blocks)

    @cached_property
    def latex(self) -> str:
        """The derivation as a LaTeX document that compiles by itself."""
        return as_latex(self.blocks)

    @cached_property
    def html(self) -> str:
        """The derivation as an HTML page with MathML, without scripts. Needs latex2mathml."""
        return as_html(self.blocks)

    @cached_property
    def text(self) -> str:
        """The derivation as plain text."""
        return as_text(self.blocks)

    def forms(self) -> Forms:
        names = {".md": "markdown", ".tex": "latex", ".html": "html", ".txt": "text"}
        return {end: partial(getattr, self, name) for end, name in names.items()}

    def __str__(self) -> str:
        return self.markdown

    def _repr_markdown_(self) -> str:
        return self.markdown

    def _repr_html_(self) -> str:
        return as_html(self.blocks, standalone=False)

    def _repr_latex_(self) -> str:
        lines = [line(block) for block in self.blocks if isinstance(block, Equation)]
        return "$$\\begin{gathered}\n" + " \\\\\n".join(lines) + "\n\\end{gathered}$$"


def derive(
    loss: Tensor,
    wrt: Tensor | Sequence[Tensor] | None = None,
    form: Literal["matrix", "index"] = "matrix",
    numbers: bool = False,
    worksheet: bool = False,
    symbols: Mapping[str, str] | None = None,
) -> Derivation:
    r"""Derive the gradients of a computation, line by line.

    First the equations of the computation, then each gradient from the loss backward in terms of
    those before it, then those asked for multiplied out. Every line is evaluated before it is
    shown, and has the engine's numbers.

    Parameters
    ----------
    loss
        A Tensor of one entry that needs a gradient.
    wrt
        The Tensors to differentiate by; every leaf that needs a gradient, if left out.
    form
        "matrix", or "index" for components with explicit sums.
    numbers
        Write the values beside the symbols.
    worksheet
        Leave the right-hand sides of the gradients blank, with room to write, and lines for a name
        and a date. The equations stay, and what is given.
        The same call without it gives the solution.
    symbols
        LaTeX for names, such as ``{"z1": r"\zeta"}``; used as it is, in all formats but text.

    Returns
    -------
    Derivation
        Print it, or take its ``markdown``, ``latex``, ``html`` or ``text``, or ``save(path)`` it.

    Raises
    ------
    ValueError
        If the loss, or a tensor asked for, needs no gradient; if a line does not hold; in index
        form, if a line has more axes and sums than there are letters.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> w = bp.tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> L = bp.exp(w).named("a").sum().named("L")
    >>> [line] = [line for line in bp.derive(L).text.split("\n") if "∂L/∂a ⊙" in line]
    >>> print(line)
    ∂L/∂w = ∂L/∂a ⊙ a    (2,)
    """
    record = loss_record(loss, "derive", latex=symbols)
    if form not in FORMS:
        raise ValueError(f'form is "matrix" or "index", not {form!r:.60}')
    wanted = record.wanted(wrt, "derive")
    if not wanted:
        raise ValueError("derive was given no Tensor to differentiate by.")
    lines = Lines(record, wanted)
    if form == "index":
        from .derivation.index_form import IndexForm

        return Derivation(tuple(IndexForm(lines, numbers, worksheet).blocks()))
    return Derivation(tuple(MatrixForm(lines, numbers, worksheet).blocks()))
