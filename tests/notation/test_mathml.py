"""LaTeX as MathML: a formula with the numbers of its names left open is the formula itself."""

from xml.etree import ElementTree

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
    expected = expected.replace(mathml.NAMESPACE, "")
    if mathml.BRACKET.search(expected):
        expected = mathml.in_brackets(expected)
    assert mathml.mathml(latex, display) == expected


@pytest.mark.parametrize(
    ("latex", "kinds"),
    [
        (r"a (b - (c + d))^{\top}", ["round", "round"]),
        (r"[z > 0] \odot \left( g \right)", ["square", "round"]),
        (r"\left\lVert v \right\rVert^{2} + \left\lvert x \right\rvert", ["double", "single"]),
        (r"\begin{bmatrix} 1 & 2 \end{bmatrix}", ["square"]),
        (r"(a", []),
        (r"[a)", []),
    ],
)
def test_what_is_in_brackets_is_a_row_and_no_sign_is_lost(latex, kinds):
    written, flat = mathml.mathml(latex), convert(latex)
    rows = ElementTree.fromstring(written).iter("mrow")
    assert [row.get("class") for row in rows if row.get("class")] == kinds
    text = ["".join(ElementTree.fromstring(form).itertext()) for form in (written, flat)]
    assert text[0] == text[1]


def test_formulas_that_differ_in_the_numbers_of_names_are_converted_once():
    mathml.converted.cache_clear()
    for n in range(10, 60):
        assert f"<mn>{n}</mn>" in mathml.mathml(rf"\sin(v_{{{n}}})")
    assert mathml.converted.cache_info().misses == 1
