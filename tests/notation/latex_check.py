"""Whether LaTeX is valid: a strict parser for its structure, a converter for its commands."""

import re
from typing import Any

from latex2mathml.converter import convert
from pylatexenc.latexwalker import LatexWalker


def check(formula: str) -> None:
    """Raise ValueError or an error of the parser's, unless a formula is valid LaTeX."""
    walker: Any = LatexWalker(f"${formula}$", tolerant_parsing=False)
    walker.get_latex_nodes()
    commands = re.sub(r"\\[{}$&#%_\\ ,]", "", formula)
    if commands.count("{") != commands.count("}"):
        raise ValueError(f"unbalanced braces: {formula}")
    if formula.count(r"\left") - formula.count(r"\leftarrow") != formula.count(r"\right"):
        raise ValueError(f"unbalanced brackets: {formula}")
    unknown = re.findall(r"\\[A-Za-z]+", convert(formula))
    if unknown:
        raise ValueError(f"unknown command {unknown}: {formula}")
