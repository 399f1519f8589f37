"""Values beside the symbols: small arrays written out, larger ones summarised."""

from __future__ import annotations

import numpy as np

from ..values import LONGEST_AXIS, MOST_ENTRIES, number, written_alike
from .document import Formula


def is_short(value: np.ndarray) -> bool:
    """Say whether a value is written out entry by entry."""
    few = value.size <= MOST_ENTRIES and max(value.shape, default=0) <= LONGEST_AXIS
    return few and bool(value.size) and value.ndim <= 2


def shown(value: np.ndarray) -> Formula:
    r"""Return the value of a line; in text, a matrix takes a line for each row.

    Examples
    --------
    >>> matrix = shown(np.array([[1.0], [-0.5]]))
    >>> print(matrix.latex)
    \begin{bmatrix} 1.0 \\ -0.5 \end{bmatrix}
    >>> print(matrix.text)
    [[ 1.0],
     [-0.5]]
    >>> shown(np.linspace(0, 1, 100)).text
    '(100 numbers from 0 to 1)'
    """
    if not is_short(value):
        if not value.size:
            return Formula(r"\text{(no entries)}", "(no entries)")
        low, high = number(value.min()), number(value.max())
        return Formula(
            rf"\text{{({value.size} numbers from }} {tex(low)} \text{{ to }} {tex(high)}\text{{)}}",
            f"({value.size} numbers from {low} to {high})",
        )
    cells = written_alike(value)
    if not value.ndim:
        return Formula(tex(cells[0]), cells[0])
    if value.ndim == 1:
        return Formula(f"({', '.join(map(tex, cells))})", f"[{', '.join(cells)}]")
    n = value.shape[1]
    width = max(map(len, cells))
    rows = [cells[i : i + n] for i in range(0, len(cells), n)]
    latex = r" \\ ".join(" & ".join(map(tex, row)) for row in rows)
    lines = [f"[{', '.join(cell.rjust(width) for cell in row)}]" for row in rows]
    text = ",\n ".join(lines)
    return Formula(rf"\begin{{bmatrix}} {latex} \end{{bmatrix}}", f"[{text}]")


def tex(digits: str) -> str:
    """Write a number in LaTeX."""
    mantissa, e, exponent = digits.partition("e")
    if digits in ("inf", "-inf"):
        return digits.replace("inf", r"\infty")
    if digits in ("nan", "True", "False"):
        return rf"\mathrm{{{digits}}}"
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else digits
