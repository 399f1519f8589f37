"""LaTeX as MathML: a formula with the numbers of its names left open is the formula itself."""

import pytest
from latex2mathml.converter import convert

from tinygrad_bp.notation import mathml

FORMULAS = [
    *(r"v_{17}", r"\frac{\partial L}{\partial v_{123}} \odot (1 - v_{4} \odot v_{4})"),
    *(r"W_{20}^{\top} x", r"\hat{y}_{12}", r"x_{1, 2}", r"a^{17}", r"\sum_{i} v_{10}", "x_{07}"),
    *("\U000f0001", r"\text{v_{17}}"),
]


@pytest.mark.parametrize("display", [True, False])
@pytest.mark.parametrize("latex", FORMULAS)
def test_numbers_are_put_in_as_they_would_have_been_converted(latex, display):
    expected = convert(latex, display="block" if display else "inline")
    assert mathml.mathml(latex, display) == expected


def test_formulas_that_differ_in_the_numbers_of_names_are_converted_once():
    mathml.converted.cache_clear()
    for n in range(10, 60):
        assert f"<mn>{n}</mn>" in mathml.mathml(rf"\sin(v_{{{n}}})")
    assert mathml.converted.cache_info().misses == 1
