"""LaTeX as MathML, which browsers show without a script."""

from __future__ import annotations


def mathml(latex: str, display: bool = False) -> str:
    r"""Return a formula as MathML.

    Parameters
    ----------
    latex
        The formula, as `latex` writes it.
    display
        Set it as a line of its own, with tall fractions.

    Raises
    ------
    RuntimeError
        If latex2mathml is not installed.

    Examples
    --------
    >>> mathml("z_1").partition(">")[2]
    '<mrow><msub><mi>z</mi><mn>1</mn></msub></mrow></math>'
    """
    try:
        from latex2mathml.converter import convert
    except ImportError:
        raise RuntimeError("HTML needs latex2mathml: pip install tinygrad_bp[derive]") from None
    text: str = convert(latex, display="block" if display else "inline")
    return text
