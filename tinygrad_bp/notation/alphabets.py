r"""How things look on paper, in two alphabets: plain text and LaTeX.

In a template ``{}`` is a part as it is, ``{:product}`` a part in brackets unless it holds together
as tightly as a product (see `pieces.Level`), and ``{:base}`` one that gets a superscript. Of
amsmath, LaTeX uses the text in \text.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

from .symbols import ESCAPES, SUPERSCRIPTS, latex_symbol, text_symbol

#: Which of the two: a position in every pair here, and in the notation of an operation.
TEXT, LATEX = 0, 1

Looks: TypeAlias = Mapping[str, tuple[str, str]]

LOOKS: Looks = {  # operators by their code
    "brackets": ("({})", "({})"),
    "tall brackets": ("({})", r"\left({}\right)"),
    "indicator": ("[{}]", "[{}]"),  # 1 where a condition holds, else 0
    "tall indicator": ("[{}]", r"\left[{}\right]"),
    "-a": ("−{}", "-{}"),
    "a + b": ("{} + {}", "{} + {}"),
    "a - b": ("{} − {}", "{} - {}"),
    "a * b of arrays": ("{} ⊙ {}", r"{} \odot {}"),
    "beside": ("{} {}", "{} {}"),
    "dot": ("{} · {}", r"{} \cdot {}"),
    "thin space": ("{} {}", r"{} \, {}"),
    "a / b": ("{} / {}", r"\frac{{{}}}{{{}}}"),
    "a ** b": ("{:atom}^{:atom}", "{:base}^{{{}}}"),
    "a ** b of arrays": ("{:atom}^⊙{:atom}", r"{:base}^{{\odot {}}}"),
    "a.mT": ("{:power}ᵀ", r"{:base}^{{\top}}"),
    "and": (" and ", r" \land "),
    "cases": ("{{{}}}", r"\begin{{cases}} {} \end{{cases}}"),
    "case": ("{} if {}", r"{} & \text{{if }} {}"),
    "otherwise": ("{} otherwise", r"{} & \text{{otherwise}}"),
    "next case": ("; ", r" \\ "),
    "below": ("[{}]", "_{{{}}}"),  # an axis, a shape
    "axis": ("axis {}", r"\text{{axis }} {}"),
    "axes": ("axes {}", r"\text{{axes }} {}"),
    "by": ("×", r" \times "),  # between the lengths of a shape
    "sum over": ("Σ[{}] ", r"\sum_{{{}}} "),
    "with letters": ("{:atom}[{letters}]", "{{{:atom}}}_{{{letters}}}"),
    "between letters": (",", ""),
    "fraction": ("{}/{}", r"\tfrac{{{}}}{{{}}}"),
    "times ten": ("{}·10{}", r"{} \cdot 10{}"),
    "infinity": ("∞", r"\infty"),
    "not a number": ("nan", r"\mathrm{{nan}}"),
    "large array": ("array[{}]", r"\mathrm{{array}}_{{{}}}"),
}

#: Arrays that NumPy makes of a size.
CONSTANTS: Looks = {
    "eye": ("I[{}]", "I_{{{}}}"),
    "ones": ("1[{}]", r"\mathbf{{1}}_{{{}}}"),
    "zeros": ("0[{}]", r"\mathbf{{0}}_{{{}}}"),
}

COMPARISONS: Mapping[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<"),
    ast.LtE: ("≤", r"\leq"),
    ast.Gt: (">", ">"),
    ast.GtE: ("≥", r"\geq"),
    ast.Eq: ("=", "="),
    ast.NotEq: ("≠", r"\neq"),
}

#: Numbers that rules use, as they are known.
NUMBERS: Mapping[float, tuple[str, str]] = {
    math.pi: ("π", r"\pi"),
    math.sqrt(2.0): ("√2", r"\sqrt{2}"),
    math.sqrt(2.0 * math.pi): ("√(2π)", r"\sqrt{2 \pi}"),
    2.0 / math.sqrt(math.pi): ("2/√π", r"\frac{2}{\sqrt{\pi}}"),
}

#: Fractions that are a character.
GLYPHS = {(1, 2): "½", (1, 3): "⅓", (2, 3): "⅔", (1, 4): "¼", (3, 4): "¾"}

#: LaTeX that is higher than a line: brackets around it grow.
TALL = (r"\frac", r"\begin", r"\sum", r"\prod", r"\sqrt")


def mathrm(word: str) -> str:
    return r"\ldots" if word == "…" else rf"\mathrm{{{''.join(ESCAPES.get(c, c) for c in word)}}}"


Write: TypeAlias = Callable[[str], str]

#: A name that nothing else is known of; a word of code, such as a function's name; a superscript.
SYMBOL: tuple[Write, Write] = (text_symbol, latex_symbol)
WORD: tuple[Write, Write] = (str, mathrm)
SUPERSCRIPT: tuple[Write, Write] = (lambda s: s.translate(SUPERSCRIPTS), "^{{{}}}".format)
