"""An explanation as HTML: a section for each step, its equations in MathML; no script.

Text is ink on whatever paper there is, light or dark, so that a notebook of any theme can show it.
Without latex2mathml, symbols are set as text, and matrices as they are with it.
"""

from __future__ import annotations

import functools
import html
import re
from importlib.util import find_spec

import numpy as np

from ...notation.mathml import mathml
from ...notation.numbers import fits, in_line, rows, stand_in
from .record import Record
from .rows import Row, Side, Symbolic, introduction, sections
from .symbols import MARK, Symbols

STYLE = """
.explanation { max-width: 64rem; line-height: 1.5; }
.explanation h1 { font-size: 1.5em; margin: 0 0 0.5em; }
.explanation section { margin: 1.5em 0; border: 1px solid #8886; border-radius: 8px; }
.explanation h2 {
  font-size: 1em; margin: 0; padding: 0.5em 1em; background: #8882; border-radius: 8px 8px 0 0;
  overflow-wrap: anywhere;
}
.explanation .row {
  display: grid; grid-template-columns: 7em minmax(0, 1fr); gap: 1em; padding: 0.4em 1em;
  border-top: 1px solid #8883; align-items: baseline; break-inside: avoid;
}
.explanation .label { font-weight: 600; overflow-wrap: anywhere; }
.explanation .label small { display: block; font-weight: 400; opacity: 0.75; }
.explanation .equation {
  display: grid; grid-template-columns: max-content max-content; gap: 0.6em; align-items: center;
  overflow: auto hidden; padding: 0.4em 0;
}
.explanation .first { grid-row: 1; }
.explanation .side { grid-column: 2; display: flex; gap: 0.6em; align-items: center; }
.explanation .alone { grid-column: 1 / 3; }
.explanation math { font-size: 1.05em; display: inline math; math-style: normal; }
.explanation mtd { text-align: right; text-align: -webkit-right; padding: 0.15em 0.35em; }
@media (max-width: 40rem) { .explanation .row { grid-template-columns: minmax(0, 1fr); gap: 0; } }
@media print { .explanation .equation { overflow: visible; font-size: 0.75em; } }
"""

PAGE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, "Segoe UI", Arial, sans-serif; }
body { margin: 0; padding: 2rem 1.5rem; }
.explanation { margin: 0 auto; }
"""


def as_page(explanation: Record, symbols: Symbols) -> str:
    """Write an explanation as a page of its own."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title_of(explanation))}</title>\n<style>{PAGE}</style>\n</head>\n"
        f"<body>\n{as_html(explanation, symbols)}</body>\n</html>\n"
    )


def as_html(explanation: Record, symbols: Symbols) -> str:
    """Write an explanation as a part of a page, such as the output of a notebook's cell."""
    writer = Page(symbols)
    return (
        f'<div class="explanation">\n<style>{STYLE}</style>\n'
        f"<h1>{html.escape(title_of(explanation))}</h1>\n"
        f"<p>{html.escape(introduction(explanation))}</p>\n"
        + "".join(
            f"<section>\n<h2>{html.escape(title)}</h2>\n"
            f"{''.join(map(writer.row, rows))}</section>\n"
            for title, rows in sections(explanation, symbols)
        )
        + "</div>\n"
    )


def title_of(explanation: Record) -> str:
    """Return the title of the page."""
    return f"The gradients of {explanation.output}, step by step"


class Page:
    """Writes rows as HTML."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols

    def row(self, row: Row) -> str:
        """Write a row."""
        notes = "".join(f"<small>{html.escape(note)}</small>" for note in row.notes)
        first, *others = map(self.side, row.sides)
        alone = "" if others else " alone"
        sides = "".join(f'<div class="side"><math><mo>=</mo></math>{side}</div>' for side in others)
        return (
            f'<div class="row"><div class="label">{html.escape(row.label)}{notes}</div>\n'
            f'<div class="equation"><div class="first{alone}">{first}</div>{sides}</div></div>\n'
        )

    def side(self, side: Side) -> str:
        """Write a side of an equation."""
        if isinstance(side, str):
            return f"<span>{html.escape(side)}</span>"
        if isinstance(side, Symbolic):
            if find_spec("latex2mathml") is None:
                return math(words(side.formula.text))
            return converted(self.symbols.latex(side.formula.expression, side.values))
        if side.formula is not None and find_spec("latex2mathml") is not None:
            latex, placed = self.symbols.latex_with_numbers(side.formula, side.values)
            return re.sub(
                "<mi>([\ue000-\uf8ff])</mi>",
                lambda mark: value(placed[ord(mark[1]) - MARK], alone=False),
                converted(latex),
            )
        alone = len(side.parts) == 1
        return math(
            "".join(words(p) if isinstance(p, str) else value(p, alone) for p in side.parts)
        )


@functools.lru_cache(maxsize=10_000)
def converted(latex: str) -> str:
    """Return a formula in MathML."""
    return mathml(latex, display=True)


def math(content: str) -> str:
    """Return MathML around its content."""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">{content}</math>'


def words(text: str) -> str:
    """Write text in MathML, with the spaces at its ends."""
    return f"<mtext>{html.escape(text).replace(' ', '&nbsp;')}</mtext>"


def value(array: np.ndarray, alone: bool) -> str:
    """Write a value: a matrix as a table; within a formula, a negative number in brackets."""
    if array.ndim == 2 and array.size and fits(array):
        lines = "".join(
            f"<mtr>{''.join(f'<mtd>{number(x)}</mtd>' for x in row)}</mtr>" for row in rows(array)
        )
        table = f"<mtable>{lines}</mtable>"
        return f'<mrow><mo stretchy="true">[</mo>{table}<mo stretchy="true">]</mo></mrow>'
    if alone or fits(array):
        text = number(in_line(array)) if not array.ndim else words(in_line(array).replace("-", "−"))
        bracketed = not alone and in_line(array).startswith("-")
        return f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>" if bracketed else text
    return words(stand_in(array))


def number(text: str) -> str:
    """Write a number in MathML."""
    return f"<mn>{html.escape(text.replace('-', '−'))}</mn>"
