"""LaTeX as MathML, which browsers show without a script."""

from __future__ import annotations


def mathml(latex: str, display: bool = False) -> str:
    r"""Return a formula as MathML; displayed, as a line of its own with tall fractions.

    Examples
    --------
    >>> mathml("z_1").partition(">")[2]
    '<mrow><msub><mi>z</mi><mn>1</mn></msub></mrow></math>'
    """
    from latex2mathml.converter import convert  # takes long to import

    return str(convert(latex, display="block" if display else "inline"))
