r"""The two alphabets of mathematics, plain text and LaTeX: how each thing is put on paper.

They are tables of templates. In a template ``{}`` is a part as it is, ``{:product}`` one that gets
brackets unless it holds together as tightly as a product (see `printer.Level`), and ``{:base}`` one
that gets a superscript. Of amsmath, LaTeX uses the text in \text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .symbols import ESCAPES, SUPERSCRIPTS, latex_symbol, text_symbol


@dataclass(frozen=True)
class Alphabet:
    """How things are put on paper; where a template has two parts, the second is the right one."""

    symbol: Callable[[str], str]  # of a name that nothing else is known of
    word: Callable[[str], str]  # a word of code, such as the name of a setting
    superscript: Callable[[str], str]
    side: int  # which of (text, LaTeX) in the notation of an operation

    bracket: str
    tall_bracket: str
    indicator: str  # 1 where a condition holds, else 0
    tall_indicator: str
    negative: str
    add: str
    subtract: str
    elementwise: str
    dot: str  # between two numbers
    thin: str  # between two words
    quotient: str
    power: str
    elementwise_power: str
    transpose: str
    signs: Mapping[str, str]  # of comparisons
    both: str
    case: str
    otherwise: str
    cases: str
    row: str  # between rows
    below: str  # what stands below a sign: an axis, a shape, letters
    axis: str
    axes: str
    times: str  # between the lengths of a shape
    letters: str  # of an operand in a contraction
    comma: str  # between them
    total: str  # the sum over letters
    numbers: Mapping[float, str]  # as they are known
    fraction: str
    glyphs: Mapping[tuple[int, int], str]  # fractions of one character
    scaled: str  # digits and a power of ten
    infinity: str
    nan: str
    constants: Mapping[str, str]  # arrays that NumPy makes, by its name and their size
    large: str  # an array of many entries


def mathrm(word: str) -> str:
    return r"\ldots" if word == "…" else rf"\mathrm{{{''.join(ESCAPES.get(c, c) for c in word)}}}"


ROOT_2, ROOT_2_PI = math.sqrt(2.0), math.sqrt(2.0 * math.pi)
TWO_OVER_ROOT_PI = 2.0 / math.sqrt(math.pi)

TEXT = Alphabet(
    symbol=text_symbol,
    word=str,
    superscript=lambda digits: digits.translate(SUPERSCRIPTS),
    side=0,
    bracket="({})",
    tall_bracket="({})",
    indicator="[{}]",
    tall_indicator="[{}]",
    negative="−{}",
    add="{} + {}",
    subtract="{} − {}",
    elementwise="{} ⊙ {}",
    dot="{} · {}",
    thin="{} {}",
    quotient="{} / {}",
    power="{:atom}^{:atom}",
    elementwise_power="{:atom}^⊙{:atom}",
    transpose="{:power}ᵀ",
    signs={},
    both=" and ",
    case="{} if {}",
    otherwise="{} otherwise",
    cases="{{{}}}",
    row="; ",
    below="[{}]",
    axis="axis {}",
    axes="axes {}",
    times="×",
    letters="{:atom}[{letters}]",
    comma=",",
    total="Σ[{}] ",
    numbers={math.pi: "π", ROOT_2: "√2", ROOT_2_PI: "√(2π)", TWO_OVER_ROOT_PI: "2/√π"},
    fraction="{}/{}",
    glyphs={(1, 2): "½", (1, 3): "⅓", (2, 3): "⅔", (1, 4): "¼", (3, 4): "¾"},
    scaled="{}·10{}",
    infinity="∞",
    nan="nan",
    constants={"eye": "I[{}]", "ones": "1[{}]", "zeros": "0[{}]"},
    large="array[{}]",
)

LATEX = Alphabet(
    symbol=latex_symbol,
    word=mathrm,
    superscript="^{{{}}}".format,
    side=1,
    bracket="({})",
    tall_bracket=r"\left({}\right)",
    indicator="[{}]",
    tall_indicator=r"\left[{}\right]",
    negative="-{}",
    add="{} + {}",
    subtract="{} - {}",
    elementwise=r"{} \odot {}",
    dot=r"{} \cdot {}",
    thin=r"{} \, {}",
    quotient=r"\frac{{{}}}{{{}}}",
    power="{:base}^{{{}}}",
    elementwise_power=r"{:base}^{{\odot {}}}",
    transpose=r"{:base}^{{\top}}",
    signs={"≤": r"\leq", "≥": r"\geq", "≠": r"\neq"},
    both=r" \land ",
    case=r"{} & \text{{if }} {}",
    otherwise=r"{} & \text{{otherwise}}",
    cases=r"\begin{{cases}} {} \end{{cases}}",
    row=r" \\ ",
    below="_{{{}}}",
    axis=r"\text{{axis }} {}",
    axes=r"\text{{axes }} {}",
    times=r" \times ",
    letters="{{{:atom}}}_{{{letters}}}",
    comma="",
    total=r"\sum_{{{}}} ",
    numbers={
        math.pi: r"\pi",
        ROOT_2: r"\sqrt{2}",
        ROOT_2_PI: r"\sqrt{2 \pi}",
        TWO_OVER_ROOT_PI: r"\frac{2}{\sqrt{\pi}}",
    },
    fraction=r"\tfrac{{{}}}{{{}}}",
    glyphs={},
    scaled=r"{} \cdot 10{}",
    infinity=r"\infty",
    nan=r"\mathrm{nan}",
    constants={"eye": "I_{{{}}}", "ones": r"\mathbf{{1}}_{{{}}}", "zeros": r"\mathbf{{0}}_{{{}}}"},
    large=r"\mathrm{{array}}_{{{}}}",
)
