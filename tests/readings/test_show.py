"""A Tensor in a notebook: what it says, and that a name is data and never code."""

import re

import numpy as np
import pytest

import tinygrad_bp as bp


def page(t):
    """Return what a notebook shows, without the style."""
    return re.sub(r"<style>.*?</style>", "", t._repr_html_(), flags=re.DOTALL)


def text(t):
    return " ".join(re.sub(r"<[^>]*>", " ", page(t)).split())


def cells(t):
    return re.findall(r"<td[^>]*>([^<]*)</td>", page(t))


def test_a_parameter_shows_its_value_and_its_gradient():
    w = bp.tensor([[1.5, -2.0], [0.25, 4.0]], requires_grad=True, name="W1")
    assert text(w).startswith("W1 (2, 2), float64, a parameter without a gradient so far value ")
    assert cells(w) == ["1.50", "-2.00", "0.25", "4.00"]
    bp.square_sum(w).backward()
    assert text(w).startswith("W1 (2, 2), float64, a parameter value ")
    assert cells(w)[4:] == ["3.0", "-4.0", "0.5", "8.0"]


def test_the_colours_are_those_of_the_pictures():
    shown = page(bp.tensor([-2.0, 0.0, 1.0, 2.0, np.nan, np.inf]))
    colours = re.findall(r"background:(#\w{6})", shown)
    assert colours == ["#7FB8E6", "#FFFFFF", "#F8C08B", "#F5A65B", "#C8C8C8", "#F5A65B"]


def test_what_was_computed_says_by_what():
    x = bp.tensor([1.0, 2.0], requires_grad=True, name="x")
    with bp.scope("layer1"):
        z = (bp.relu(x) * 2.0).named("z1")
    assert text(z).startswith("z1 (2,), float64, by multiply, in layer1 ")
    assert text(bp.relu(x)).startswith("(2,), float64, by relu value")


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (2.5, "2.5"),
        (np.zeros((0, 3)), "[]"),
        (np.arange(8.0).reshape(2, 2, 2), "[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]"),
        (np.arange(400.0).reshape(20, 20), "⟨20×20⟩ from 0 to 399: 0, 1, 2, 3, …"),
    ],
)
def test_what_is_no_small_table_is_a_line(value, line):
    t = bp.tensor(value)
    assert cells(t) == []
    assert text(t).endswith(f"a constant value {line}")


def test_a_name_is_escaped():
    attack = '<script>alert("x")</script>\x1b[31m'
    w = bp.tensor([1.0, 2.0], requires_grad=True, name=attack)
    for t in (w, w * 2.0):
        assert "<script" not in page(t)
        assert "\x1b" not in page(t)
    assert "&lt;script&gt;" in page(w)


def test_showing_changes_nothing():
    w = bp.tensor([1.0, 2.0], requires_grad=True)
    z = w * 2.0
    z._repr_html_()  # of what was computed, asking for grad would warn
    bp.square_sum(z).backward()
    assert w.grad.tolist() == [8.0, 16.0]
