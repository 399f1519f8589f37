r"""How a name is set as a symbol: ``z1`` is z₁, ``y_hat`` is ŷ, ``theta`` is θ, in LaTeX and text.

A name is a stem, digits that become a subscript, and parts after underscores: an accent, or further
subscripts. Any other text is a name too. It is data: escaped, without control characters, and
shortened where it is long.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from .numbers import LONGEST_NAME, printable

LETTERS = """
alpha α beta β gamma γ delta δ epsilon ε zeta ζ eta η theta θ iota ι kappa κ lambda λ mu μ nu ν xi ξ
pi π rho ρ sigma σ tau τ upsilon υ phi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ
Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω
""".split()  # noqa: SIM905, a table to read
GREEK = dict(zip(LETTERS[::2], LETTERS[1::2], strict=True))
COMMANDS = {letter: rf"\{name}" for name, letter in GREEK.items()}
ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}
WIDE = {"hat": "widehat", "bar": "overline", "tilde": "widetilde"}
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
SUPERSCRIPTS = str.maketrans("0123456789-()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁽⁾")

ESCAPES = {
    **{character: "\\" + character for character in "{}$&#%_"},
    **{"\\": r"\backslash ", "~": r"\sim ", "^": r"\wedge ", " ": r"\ ", "<": "{<}", ">": "{>}"},
    **{"'": r"{\prime}", "`": r"{\prime}", "…": r"\ldots ", "-": "{-}", '"': r"{\prime\prime}"},
    **{"⟨": r"\langle ", "⟩": r"\rangle ", "×": r"\times "},
}


class Parts(NamedTuple):
    stem: str
    accents: list[str]
    subscripts: list[str]


def parts(name: str) -> Parts | None:
    # None for text that is not made like a name
    name = unicodedata.normalize("NFKC", name)
    stem, *further = name.rstrip("_").split("_")
    match = re.fullmatch(r"([^\W\d_]+)(\d*)", stem)
    words = all(re.fullmatch(r"\w+", part) for part in further)
    if match is None or not words or len(name) > LONGEST_NAME:
        return None
    accents = [part for part in further if part in ACCENTS]
    subscripts = [part for part in (match[2], *further) if part and part not in ACCENTS]
    return Parts(GREEK.get(match[1], match[1]), accents, subscripts)


def latex_symbol(name: str) -> str:
    taken = parts(name)
    if taken is None:
        escaped = "".join(ESCAPES.get(character, character) for character in plain_name(name))
        return rf"\mathrm{{{escaped}}}"
    symbol = in_latex(taken.stem)
    for accent in taken.accents:
        command = accent if len(taken.stem) == 1 else WIDE[accent]
        symbol = rf"\{command}{{{symbol}}}"
    if taken.subscripts:
        below = ",".join(in_latex(part) for part in taken.subscripts)
        symbol += f"_{below}" if len(below) == 1 else f"_{{{below}}}"
    return symbol


def in_latex(word: str) -> str:
    word = GREEK.get(word, word)
    if word in COMMANDS:
        return COMMANDS[word]
    if word.isdigit() or (len(word) == 1 and word.isalpha()):
        return word
    escaped = "".join(ESCAPES.get(c, COMMANDS[c] + " " if c in COMMANDS else c) for c in word)
    return rf"\mathrm{{{escaped}}}"


def text_symbol(name: str) -> str:
    taken = parts(name)
    if taken is None:
        return plain_name(name)
    stem = taken.stem
    if taken.accents and len(stem) > 1:
        stem = "_".join([stem, *taken.accents])
    else:
        stem += "".join(ACCENTS[accent] for accent in taken.accents)
    numbers = [part for part in taken.subscripts if part.isdigit()]
    words = [GREEK.get(part, part) for part in taken.subscripts if not part.isdigit()]
    digits = ",".join(number.translate(SUBSCRIPTS) for number in numbers)
    return unicodedata.normalize("NFC", "_".join([stem + digits, *words]))


def plain_name(name: str) -> str:
    return printable(unicodedata.normalize("NFKC", name[: 10 * LONGEST_NAME]), LONGEST_NAME) or "?"
