"""Multiplied out, a gradient is what one hands in: fractions are reduced, signs stand first."""

import ast

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.readings.derivation.cancelled import Cancelled
from tinygrad_bp.readings.derivation.evaluation import Evaluator

X = bp.tensor([[1.0, 2.0], [3.0, -1.0], [-1.0, 0.5], [2.0, 2.0]], name="X")
Y = bp.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]], name="Y")
W = bp.tensor([[0.5, -1.0], [0.5, 1.0]], requires_grad=True, name="W")


def multiplied_out(loss: bp.Tensor) -> str:
    return bp.derive(loss).text.partition("Multiplied out")[2]


def test_softmax_and_log_give_p_minus_y() -> None:
    p = bp.softmax(X @ W).named("p")
    text = multiplied_out(-(Y * np.log(p)).sum() / 4)
    assert "∂L/∂W = 0.25 Xᵀ (p − Y)" in text.replace("v₆", "L")
    assert "Y is one-hot" in text


def test_the_sum_of_a_row_that_is_not_one_stays() -> None:
    Z = bp.tensor(2.0 * Y.data, name="Z")
    p = bp.softmax(X @ W).named("p")
    text = multiplied_out((-(Z * np.log(p)).sum()).named("L"))
    assert "∂L/∂W = Xᵀ (p ⊙ (Σ[axis −1] Z) − Z)" in text
    assert "one-hot" not in text


def test_sigmoid_and_binary_cross_entropy() -> None:
    p = bp.sigmoid(X @ W).named("p")
    text = multiplied_out((-(Y * np.log(p) + (1 - Y) * np.log(1 - p)).mean()).named("L"))
    assert "∂L/∂W = Xᵀ ((1 − Y) ⊙ p − Y ⊙ (1 − p)) / N" in text


def test_equal_terms_are_one_and_signs_stand_first() -> None:
    w, y = (
        bp.tensor([0.5, -0.3], requires_grad=True, name="w"),
        bp.tensor([1.0, -1, 1, 1], name="y"),
    )
    v = np.exp((-y * (X @ w)).named("u")).named("v")
    text = multiplied_out((np.log((1 + v).named("s")).sum() + 0.1 * (w * w).sum()).named("L"))
    assert "∂L/∂w = 0.2 w − Xᵀ (v / s ⊙ y)" in text


@pytest.mark.parametrize(("smallest", "left"), [(1.0, "a"), (0.0, "b * (a / b)")])
def test_a_divisor_that_is_zero_somewhere_is_not_cancelled(smallest: float, left: str) -> None:
    values = {"a": np.array([1.0, 2.0]), "b": np.array([smallest, 3.0])}
    tree = ast.parse("b * (a / b)", mode="eval").body
    assert ast.unparse(Cancelled(Evaluator(values, {}, 1e-9)).visit(tree)) == left
