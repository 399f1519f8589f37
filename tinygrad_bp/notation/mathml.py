"""LaTeX as MathML, which browsers show without a script.

The formulas of a long derivation differ in the numbers of their names, as in v_{17}, and in little
else. So a formula is converted once with these numbers left open, and they are put in afterwards.
"""

from __future__ import annotations

import functools
import re

NUMBER_BELOW = re.compile(r"(?<=_\{)\d+(?=\})")

#: Private characters of Unicode, other than those of `readings.steps.typeset`, stand for numbers.
MARK = 0xF0000
MARKED = re.compile("<mi>([\U000f0000-\U000ffffd])</mi>")

#: In a name, such as out.weight, a full stop is a letter; as an operator, it has a space after it.
STOP_IN_NAME = re.compile('(</m[in]>)<mo>&#x0002E;</mo>(?=<mi mathvariant="normal">)')


def mathml(latex: str, display: bool = False) -> str:
    r"""Return the MathML; displayed, it stands on a line of its own, with tall fractions.

    >>> mathml("v_{17}") == mathml("v_{4}").replace("4", "17")
    True
    >>> "<mo>" in mathml(r"\mathrm{out.weight}")
    False
    """
    numbers: dict[str, str] = {}

    def left_open(number: re.Match[str]) -> str:
        mark = chr(MARK + len(numbers))
        numbers[mark] = f"<mn>{number[0]}</mn>"
        return mark

    shape = converted(NUMBER_BELOW.sub(left_open, latex), display)
    written, found = MARKED.subn(lambda mark: numbers.get(mark[1], ""), shape)
    # in words, such as \text{v_{17}}, a mark is no name
    return written if found == len(numbers) else converted(latex, display)


@functools.lru_cache(maxsize=10_000)
def converted(latex: str, display: bool) -> str:
    from latex2mathml.converter import convert  # takes long to import

    written = str(convert(latex, display="block" if display else "inline"))
    return STOP_IN_NAME.sub(r'\1<mi mathvariant="normal">.</mi>', written)
