"""How things look: the shapes and colours of nodes, and the colours of numbers.

The hues are those of Okabe and Ito, which colour-blind readers can tell apart. Shapes differ too.
All fills are light and opaque, so black text can be read on them, on a light page or a dark one.
Blue and orange are the signs of numbers, and the colour of nothing else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...notation.numbers import rows


class Look(NamedTuple):
    shape: str  # in DOT
    style: str  # in DOT
    line: str  # the colour
    fill: str  # the colour
    width: float  # of the line, in points


LOOKS = {
    "parameter": Look("note", "filled", "#7A6A00", "#FAF3BF", 2),
    "input": Look("box", "filled", "#6B6B6B", "#F0F0F0", 1),
    "intermediate": Look("box", "filled,rounded", "#3F4C5A", "#FFFFFF", 1),
    "layer": Look("folder", "filled", "#3F4C5A", "#FFFFFF", 1),
    "output": Look("box", "filled,diagonals", "#00734F", "#BFEAD9", 2),
    "gradient": Look("box", "filled,dashed", "#8A3C6E", "#F8E8F1", 1),
    "elsewhere": Look("box", "filled,dotted", "#595959", "#FFFFFF", 1),
}

GREY = "#595959"
PAGE = "#FFFFFF"

#: The ends of the scale for numbers, which is white at 0.
NEGATIVE, POSITIVE, NOT_A_NUMBER = (0x7F, 0xB8, 0xE6), (0xF5, 0xA6, 0x5B), "#C8C8C8"


def colour(value: float, most: float) -> str:
    """Return the colour of a number on a scale from ``-most``, blue, to ``most``, orange.

    It goes by the root, so that numbers a hundred times smaller than the largest are not white.

    Examples
    --------
    >>> colour(-2.0, 2.0), colour(0.0, 2.0), colour(1.0, 2.0)
    ('#7FB8E6', '#FFFFFF', '#F8C08B')
    """
    if np.isnan(value):
        return NOT_A_NUMBER
    share = min(abs(value) / most, 1.0) ** 0.5 if most else float(value != 0)
    end = NEGATIVE if value < 0 else POSITIVE
    return "#" + "".join(f"{255 - round(share * (255 - part)):02X}" for part in end)


def cells(array: np.ndarray, digits: int) -> list[list[tuple[str, str]]]:
    # the numbers of a table with their colours, on a scale that goes up to the largest of them
    matrix = array.reshape(-1, array.shape[-1] if array.ndim else 1)
    finite = np.abs(matrix[np.isfinite(matrix)].astype(float))
    most = float(finite.max(initial=0.0))
    return [
        [(text, colour(float(entry), most)) for text, entry in zip(texts, entries, strict=True)]
        for texts, entries in zip(rows(matrix, digits), matrix, strict=True)
    ]
