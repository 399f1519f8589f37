"""LaTeX as MathML, which browsers show without a script."""

from __future__ import annotations


def mathml(latex: str, display: bool = False) -> str:
    # displayed: on a line of its own, with tall fractions
    from latex2mathml.converter import convert  # takes long to import

    return str(convert(latex, display="block" if display else "inline"))
