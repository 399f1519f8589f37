r"""How all but formulas is written: numbers, arrays, shapes, lists in words, strangers' text.

Every reading and the grader write them by these functions, and within these limits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np


class Room(NamedTuple):
    """The largest array that is written out; a larger one is summarised."""

    entries: int
    axis: int  # the longest axis
    deep: int  # entries of an array of more than two axes, which is read with more effort


#: What there is room for, by place: a page takes more numbers than a node of a picture.
ROOM = {
    "page": Room(36, 6, 8),
    "derivation": Room(36, 6, 0),
    "layers": Room(0, 0, 0),  # the three levels of a picture
    "ops": Room(12, 6, 0),
    "values": Room(100, 12, 0),
    "formula": Room(12, 12, 0),
}

#: Digits of a number: on a page, and in a node of a picture, which is narrow.
DIGITS, FEW_DIGITS = 4, 3

LARGEST_DENOMINATOR = 64  #: of a fraction that is recognised where a decimal would be long
FIRST_ENTRIES = 4  #: how a large array begins, in its summary
MOST_NAMES = 6  #: of a list in words
LONGEST_NAME = 40  #: the middle of a longer one is left out
LONGEST_MESSAGE = 200  #: from a stranger's program


class Written(NamedTuple):
    latex: str
    text: str


# ---- numbers ----


def number(value: Any, digits: int = DIGITS) -> str:
    # never "-0", and all digits of an integer
    return f"{value:z.{digits}g}" if isinstance(value, (float, np.floating)) else str(value)


def percent(share: float) -> str:
    if share < 1e-3:
        return f"{100 * share:.2g}%"
    return f"{share:.1%}" if share < 10 else f"{share:.0%}"


def number_latex(written: str) -> str:
    mantissa, e, exponent = written.partition("e")
    if written in ("inf", "-inf"):
        return written.replace("inf", r"\infty")
    if written in ("nan", "True", "False"):
        return rf"\mathrm{{{written}}}"
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else written


def fraction(value: float) -> tuple[int, int] | None:
    # a decimal that is short stays one, but for one half; a large number is a whole one
    if value != 0.5 and (len(repr(value)) < 12 or abs(value) > 1e15):
        return None
    for below in range(2, LARGEST_DENOMINATOR + 1):
        above = round(value * below)
        if above and math.gcd(above, below) == 1 and above / below == value:
            return above, below
    return None


def scientific(value: float) -> tuple[str, int | None]:
    digits, e, exponent = repr(value).partition("e")
    return digits.removesuffix(".0"), int(exponent) if e else None


# ---- arrays ----


def fits(array: np.ndarray, place: str = "page") -> bool:
    entries, axis, deep = ROOM[place]
    most = entries if array.ndim <= 2 else deep
    return array.size <= most and max(array.shape, default=0) <= axis


def alike(array: np.ndarray, digits: int = DIGITS) -> list[str]:
    # all to as many decimals: so many digits of the largest
    entries = array.ravel().tolist()
    largest = max((abs(x) for x in entries if math.isfinite(x)), default=0)
    if len(entries) < 2 or array.dtype.kind != "f" or not 1e-3 <= largest < 1e4:
        return [number(entry, digits) for entry in entries]
    decimals = max(digits - 1 - math.floor(math.log10(largest)), 0)
    texts = [f"{entry:z.{decimals}f}" for entry in entries]
    if decimals:
        decimal = [text for text in texts if "." in text]  # inf and nan are not
        spare = min(len(text) - len(text.rstrip("0")) for text in decimal)
        texts = [t[: len(t) - spare].rstrip(".") if "." in t else t for t in texts]
    least = 0.5 * 10.0**-decimals
    return [
        f"{entry:.0e}" if 0 < abs(entry) <= least and not float(text) else text  # not zero
        for entry, text in zip(entries, texts, strict=True)
    ]


def rows(matrix: np.ndarray, digits: int = DIGITS) -> list[list[str]]:
    texts, n = alike(matrix, digits), matrix.shape[1]
    return [texts[i * n : (i + 1) * n] for i in range(matrix.shape[0])]


def nested(texts: Sequence[str], shape: tuple[int, ...]) -> str:
    if not shape:
        return texts[0]
    n = math.prod(shape[1:])
    parts = (nested(texts[i * n : (i + 1) * n], shape[1:]) for i in range(shape[0]))
    return f"[{', '.join(parts)}]"


def in_line(array: np.ndarray) -> str:
    if fits(array):
        return nested(alike(array), array.shape)
    if not array.size:
        return f"{stand_in(array)}, which has no entries"
    first = ", ".join(number(entry) for entry in islice(array.flat, FIRST_ENTRIES))
    return f"{stand_in(array)} from {number(array.min())} to {number(array.max())}: {first}, …"


def in_node(array: np.ndarray, place: str = "ops") -> str:
    if array.size and fits(array, place):
        return nested([number(entry, FEW_DIGITS) for entry in array.flat], array.shape)
    return reach(array)


def reach(array: np.ndarray) -> str:
    if not array.size:
        return "empty"
    return f"min {number(array.min(), FEW_DIGITS)}, max {number(array.max(), FEW_DIGITS)}"


def stand_in(array: np.ndarray) -> str:
    return f"⟨{'×'.join(map(str, array.shape))}⟩"


def written_array(array: np.ndarray) -> Written:
    # in text, a matrix takes a line for each row
    if not array.size:
        return Written(r"\text{(no entries)}", "(no entries)")
    if not fits(array, "derivation"):
        low, high = number(array.min()), number(array.max())
        latex = number_latex(low), number_latex(high)
        return Written(
            rf"\text{{({array.size} numbers from }} {latex[0]} \text{{ to }} {latex[1]}\text{{)}}",
            f"({array.size} numbers from {low} to {high})",
        )
    if array.ndim == 2:
        cells = rows(array)
        width = max(len(cell) for row in cells for cell in row)
        separator = ",\n "
        lines = [f"[{', '.join(cell.rjust(width) for cell in row)}]" for row in cells]
        return Written(
            bmatrix([[number_latex(x) for x in row] for row in cells]), f"[{separator.join(lines)}]"
        )
    texts = alike(array)
    entries = ", ".join(map(number_latex, texts))
    return Written(f"({entries})" if array.ndim else entries, nested(texts, array.shape))


def bmatrix(cells: Sequence[Sequence[str]]) -> str:
    # {}: a bracket that begins a line is no option of the command before
    lines = ["{}" * row[0].startswith("[") + " & ".join(row) for row in cells]
    return r"\begin{bmatrix} " + r" \\ ".join(lines) + r" \end{bmatrix}"


def written_shape(shape: Sequence[int]) -> Written:
    if not shape:
        return Written(r"\text{(number)}", "(number)")
    text = str(tuple(map(int, shape)))
    return Written(text, text)


# ---- words ----


def plural(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def listed(names: Iterable[str], most: int = MOST_NAMES, last: str = "and") -> str:
    once = list(dict.fromkeys(names))
    if len(once) > most:
        once = [*once[: most - 1], f"{len(once) - most + 1} more"]
    return f" {last} ".join([*filter(None, [", ".join(once[:-1])]), *once[-1:]])


def printable(text: str, most: int = LONGEST_MESSAGE) -> str:
    r"""Return a stranger's text on one line that is safe to show, and not too long.

    What a console or a page could act upon, such as control characters, marks that turn the
    direction of writing, and halves of characters, is written as Python writes it.

    Examples
    --------
    >>> print(printable("a\tb\x1b[31m"), printable("x" * 100, most=7))
    a b\x1b[31m xxx…xxx
    """
    if len(text) > 10 * most:  # what is cut off below is not worth its time
        text = text[: 5 * most] + text[-5 * most :]
    line = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii")
        for c in " ".join(text.split())
    )
    if len(line) > most:
        half = most // 2
        line = f"{line[:half]}…{line[len(line) - (most - half - 1) :]}"
    return line
