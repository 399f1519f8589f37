"""Values beside the symbols: small arrays written out, larger ones summarised."""

from __future__ import annotations

import numpy as np

from .document import Formula

#: An array is written out up to here, and summarised beyond.
MOST_ENTRIES = 36
LONGEST_AXIS = 6


def shown(value: np.ndarray) -> Formula:
    r"""Return the value of a line.

    Examples
    --------
    >>> print(shown(np.array([[1.0], [-0.5]])).latex)
    \begin{bmatrix} 1 \\ -0.5 \end{bmatrix}
    >>> shown(np.linspace(0, 1, 100)).text
    '(100 numbers from 0 to 1)'
    """
    if value.size > MOST_ENTRIES or max(value.shape, default=0) > LONGEST_AXIS or value.ndim > 2:
        if not value.size:
            return Formula(r"\text{(no entries)}", "(no entries)")
        low, high = number(value.min()), number(value.max())
        return Formula(
            rf"\text{{({value.size} numbers from }} {tex(low)} \text{{ to }} {tex(high)}\text{{)}}",
            f"({value.size} numbers from {low} to {high})",
        )
    if not value.ndim:
        return Formula(tex(number(value)), number(value))
    rows = value if value.ndim == 2 else value[None]
    cells = [[number(entry) for entry in row] for row in rows]
    latex = r" \\ ".join(" & ".join(map(tex, row)) for row in cells)
    text = ", ".join(f"[{', '.join(row)}]" for row in cells)
    return Formula(
        rf"\begin{{bmatrix}} {latex} \end{{bmatrix}}", text if value.ndim == 1 else f"[{text}]"
    )


def number(value: np.ndarray) -> str:
    """Write a number to four digits."""
    return f"{value:z.4g}" if np.asarray(value).dtype.kind == "f" else str(value)


def tex(digits: str) -> str:
    """Write a number in LaTeX."""
    mantissa, e, exponent = digits.partition("e")
    if digits in ("inf", "-inf"):
        return digits.replace("inf", r"\infty")
    if digits in ("nan", "True", "False"):
        return rf"\mathrm{{{digits}}}"
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else digits
