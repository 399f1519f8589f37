"""Whether LaTeX is valid: a strict parser for its structure, a converter for its commands."""

import functools
import re
from typing import Any

from latex2mathml.converter import convert
from pylatexenc.latexwalker import LatexWalker


@functools.cache  # derivations of many trials have lines in common
def check(formula: str) -> None:
    """Raise ValueError or an error of the parser's, unless a formula is valid LaTeX."""
    walker: Any = LatexWalker(f"${formula}$", tolerant_parsing=False)
    walker.get_latex_nodes()
    commands = re.sub(r"\\[{}$&#%_\\ ,]", "", formula)
    if commands.count("{") != commands.count("}"):
        raise ValueError(f"unbalanced braces: {formula}")
    if formula.count(r"\left") - formula.count(r"\leftarrow") != formula.count(r"\right"):
        raise ValueError(f"unbalanced brackets: {formula}")
    if twice := scripts_twice(formula):
        raise ValueError(f"two scripts of one kind on one symbol: {twice[0]}")
    unknown = re.findall(r"\\[A-Za-z]+", convert(formula))
    if unknown:
        raise ValueError(f"unknown command {unknown}: {formula}")


def scripts_twice(formula: str) -> list[str]:
    r"""Return where a symbol has two superscripts or two subscripts, which LaTeX refuses.

    Examples
    --------
    >>> scripts_twice(r"{a^{2}}^{3} + b_1^2"), scripts_twice(r"\hat{y}^{(2)}_1^{3}")
    ([], ['^{3}'])
    """

    def after_group(i: int) -> int:
        if formula[i : i + 1] != "{":
            token = re.match(r"\\[A-Za-z]+|\\.|.", formula[i:], re.DOTALL)
            return i + (token.end() if token else 1)
        depth = 0
        while True:
            escaped = formula[i - 1] == "\\"
            depth += (formula[i] == "{" and not escaped) - (formula[i] == "}" and not escaped)
            i += 1
            if not depth:
                return i

    found: list[str] = []
    seen: set[str] = set()
    i = 0
    while i < len(formula):
        character, end = formula[i], after_group(i)
        if character in "^_":
            end = after_group(i + 1)
            found += [formula[i:end]] * (character in seen)
            found += scripts_twice(formula[i + 1 : end].removeprefix("{").removesuffix("}"))
            seen.add(character)
        elif character != " ":
            seen = set()
            if character == "{":
                found += scripts_twice(formula[i + 1 : end - 1])
        i = end
    return found
