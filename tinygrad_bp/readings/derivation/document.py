"""A derivation as a document, in four formats: Markdown, LaTeX, HTML with MathML, plain text.

A document is a list of headings, sentences and equations. What is text in it is fixed; all that
comes from a recorded computation is a formula, whose names the notation has escaped.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ...notation.mathml import mathml
from ...notation.numbers import Written, written_shape
from ...pages.page import safe, write_page, write_part


@dataclass(frozen=True)
class Heading:
    text: str


@dataclass(frozen=True)
class Sentence:
    """Text with formulas in it; a hint tells of the solution, and is no part of a worksheet."""

    parts: tuple[str | Written, ...]
    hint: bool = False


@dataclass(frozen=True)
class Equation:
    """``left = side = side``, and its shape beside it; without sides, to be filled in.

    A worksheet asks for the sides of a line that is `asked`, and leaves out a hint.
    """

    left: Written
    sides: tuple[Written, ...]
    shape: tuple[int, ...] | None = None
    asked: bool = False
    hint: bool = False


Block: TypeAlias = Heading | Sentence | Equation

BLANK = Written(r"\underline{" + r"\qquad" * 8 + "}", "_" * 40)


def line(equation: Equation) -> str:
    sides = [side.latex for side in equation.sides or (BLANK,)]
    return " = ".join([equation.left.latex, *sides]) + beside(equation)


def beside(equation: Equation) -> str:
    shape = equation.shape
    return "" if shape is None else rf" \qquad {written_shape(shape).latex}"


#: LaTeX of more characters than this is set over several lines, where it has several sides.
WIDE = 220


def lines_of(equation: Equation) -> list[tuple[str, str]]:
    whole = line(equation)
    if len(whole) <= WIDE or len(equation.sides) < 2:
        return [("", whole)]
    sides = [f"= {side.latex}" for side in equation.sides]
    sides[-1] += beside(equation)
    lefts = [equation.left.latex, *[""] * (len(sides) - 1)]
    return list(zip(lefts, sides, strict=True))


def display(equation: Equation) -> str:
    lines = lines_of(equation)
    if len(lines) == 1:
        return lines[0][1]
    rows = " \\\\\n".join(f"{left} &{side}" for left, side in lines)
    return f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"


def in_latex(sentence: Sentence, words: Callable[[str], str]) -> str:
    return "".join(words(p) if isinstance(p, str) else f"${p.latex}$" for p in sentence.parts)


def as_markdown(blocks: Sequence[Block]) -> str:
    parts = []
    for i, block in enumerate(blocks):
        match block:
            case Heading(text):
                parts.append(f"{'##' if i else '#'} {text}")
            case Sentence():
                parts.append(in_latex(block, str))
            case Equation():
                parts.append(f"$$\n{display(block)}\n$$")
    return "\n\n".join(parts) + "\n"


def as_text(blocks: Sequence[Block]) -> str:
    parts = []
    previous: Block | None = None
    for i, block in enumerate(blocks):
        match block:
            case Heading(text):
                parts += ["", text, ("=" if not i else "-") * len(text)]
            case Sentence(pieces):
                words = "".join(p if isinstance(p, str) else p.text for p in pieces)
                parts += ["", *textwrap.wrap(words, 80)]
            case Equation(left, sides, shape):
                if not isinstance(previous, Equation) or not sides:
                    parts.append("")  # also above a blank, as room to write
                beside = "" if shape is None else f"    {written_shape(shape).text}"
                width = columns(left.text)
                rows = []
                for n, side in enumerate(sides or (BLANK,)):
                    first, *others = side.text.split("\n")  # a matrix has several lines
                    rows.append(f"{' ' * width if n else left.text} = {first}")
                    rows += [" " * (width + 3) + other for other in others]
                rows[-1] += beside
                parts += rows
        previous = block
    return "\n".join(parts).strip("\n") + "\n"


def columns(text: str) -> int:
    # accents take no place of their own
    return sum(not unicodedata.combining(c) for c in text)


PREAMBLE = r"""\documentclass{article}
\usepackage[utf8]{inputenc}
\usepackage{amsmath,amssymb,graphicx}
\usepackage[margin=2.5cm]{geometry}
\setlength{\parindent}{0pt}
\setlength{\parskip}{6pt}
% a formula that is wider than the page is made narrower, and no other
\newsavebox{\formula}
\newcommand{\fitted}[1]{\sbox{\formula}{$\displaystyle #1$}%
\ifdim\wd\formula>\linewidth\resizebox{\linewidth}{!}{\usebox{\formula}}\else\usebox{\formula}\fi}
\begin{document}
"""


def as_latex(blocks: Sequence[Block]) -> str:
    parts = [PREAMBLE]
    for i, block in enumerate(blocks):
        match block:
            case Heading(text):
                parts.append(rf"\section*{{{text}}}" if not i else rf"\subsection*{{{text}}}")
            case Sentence():
                parts.append(in_latex(block, plain_latex) + "\n")
            case Equation():
                parts.append(room(block) if not block.sides else shown(block))
    return ascii_only("\n".join([*parts, r"\end{document}", ""]))


def shown(equation: Equation) -> str:
    return "\\[\n\\fitted{" + display(equation) + "}\n\\]"


def room(equation: Equation) -> str:
    # a rule as long as the line, with room above it
    end = f" ${beside(equation)}$" if beside(equation) else ""
    return rf"\vspace{{12mm}}$\displaystyle {equation.left.latex} =$ \hrulefill{end}" + "\n"


def plain_latex(text: str) -> str:
    return re.sub(r"([&%$#_{}])", r"\\\1", text).replace("`", "")


def ascii_only(text: str) -> str:
    return re.sub(
        "[^\x00-\x7f]",
        lambda c: rf"\text{{{c[0]}}}" if c[0].isalpha() and ord(c[0]) < 0x100
        else rf"\text{{U+{ord(c[0]):04X}}}",
        text,
    )  # fmt: skip


def as_html(blocks: Sequence[Block], standalone: bool = True) -> str:
    # no script, and nothing from the network
    content: list[dict[str, Any]] = []
    for block in blocks:
        match block:
            case Heading(text):
                content.append({"heading": text})
            case Sentence(pieces):
                parts = [p if isinstance(p, str) else safe(inline(p)) for p in pieces]
                content.append({"sentence": parts})
            case Equation():
                long = len(line(block)) > WIDE
                content.append({"line": safe(math_of(block)), "long": long})
    write = write_page if standalone else write_part
    titles = [block.text for block in blocks if isinstance(block, Heading)]
    return write("derivation", title=titles[0], blocks=content)


def inline(formula: Written) -> str:
    return '<span class="blank"></span>' if formula is BLANK else mathml(formula.latex)


def math_of(equation: Equation) -> str:
    if not equation.sides:
        cells = [mathml(f"{equation.left.latex} =", display=True), ""]
        if equation.shape is not None:
            cells.append(mathml(written_shape(equation.shape).latex))
        row = "".join(f"<td>{c}</td>" if c else '<td class="blank"></td>' for c in cells)
        return f'<table class="fill"><tr>{row}</tr></table>'
    lines = lines_of(equation)
    if len(lines) == 1:
        return mathml(lines[0][1], display=True)
    rows = "\n".join(
        f"<tr><td>{mathml(left, display=True) if left else ''}</td>"
        f"<td>{mathml(side, display=True)}</td></tr>"
        for left, side in lines
    )
    return f"<table>\n{rows}\n</table>"
