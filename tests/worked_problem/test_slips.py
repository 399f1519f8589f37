"""The four slips: each printed formula is wrong by the figure given, and its correction right."""

import re
from pathlib import Path

import numpy as np
import pytest

from tinygrad_bp.differences import jacobian_difference, relative_difference
from tinygrad_bp.worked_problem.closed_form import forward, gradients
from tinygrad_bp.worked_problem.problem import random_problem
from tinygrad_bp.worked_problem.slips import (
    PRINTED_PRODUCTS,
    dL_dW1_without_minus,
    dz3_dW3,
    multiply_as_printed,
    one_case_alone,
    slips,
)

SEEDS = range(10)


def percent(value):
    return f"{value:.0%}"


@pytest.mark.parametrize("sizes", [(4, 5, 6, 3), (2, 3, 4, 7), (4, 5, 6, 2)])
@pytest.mark.parametrize("batch", [1, 3])
def test_four_slips_numbered_and_told_in_two_lines(sizes, batch):
    told = slips(random_problem(sizes, batch))
    assert [slip.number for slip in told] == [1, 2, 3, 4]
    for slip in told:
        assert slip.printed != slip.correct
        assert slip.sentence.endswith(".")
        assert len(slip.sentence) <= 200


def test_of_a_batch_only_the_first_sample_is_looked_at():
    problem = random_problem(batch=3)
    assert slips(problem) == slips(problem.sample(0))
    assert slips(problem) != slips(problem.sample(1))


def test_one_output_is_refused():
    with pytest.raises(ValueError, match="two outputs or more"):
        slips(random_problem((4, 5, 6, 1)))


# 1


@pytest.mark.parametrize("seed", SEEDS)
def test_each_case_alone_is_wrong_and_their_sum_is_right(seed):
    problem = random_problem(seed=seed)
    right = gradients(problem)["dL/dz3"]
    equal, different = one_case_alone(problem)
    assert relative_difference(equal, right) > 0.01
    assert relative_difference(different, right) > 0.01
    assert relative_difference(equal + different, right) < 1e-14

    sentence = slips(problem)[0].sentence
    assert f"{percent(relative_difference(equal, right))} off" in sentence
    assert f"{percent(relative_difference(different, right))} off" in sentence
    assert "their sum is right to within 1e-08" in sentence


@pytest.mark.parametrize("seed", SEEDS)
def test_with_two_outputs_each_case_is_half(seed):
    problem = random_problem((4, 5, 6, 2), seed=seed)
    right = gradients(problem)["dL/dz3"]
    for case in one_case_alone(problem):
        assert relative_difference(2 * case, right) < 1e-12
    sentence = slips(problem)[0].sentence
    assert "a target of sum 1, each is half: doubled, right to within 1e-12" in sentence


# 2


@pytest.mark.parametrize("seed", SEEDS)
def test_without_its_minus_sign_dL_dW1_is_wrong(seed):
    problem = random_problem(seed=seed)
    off = relative_difference(dL_dW1_without_minus(problem), gradients(problem)["dL/dW1"])
    assert off > 0.1
    slip = slips(problem)[1]
    assert slip.figure == f"{percent(off)} off"
    assert "with -a_i a_j it is right to within 1e-08" in slip.sentence


def test_with_two_outputs_the_lost_minus_sign_leaves_nothing():
    problem = random_problem((4, 5, 6, 2))
    assert np.abs(dL_dW1_without_minus(problem)).max() < 1e-15
    assert slips(problem)[1].figure == "100% off"


# 3


def test_no_printed_product_fits_when_vectors_are_columns():
    problem = random_problem((4, 5, 6, 3))
    for name in PRINTED_PRODUCTS:
        stops = multiply_as_printed(problem, name)
        assert stops == "stops at da3/dz3, (3, 1) times (3, 3)"


def test_no_printed_product_fits_when_the_first_factor_is_a_row():
    problem = random_problem((4, 5, 6, 3))
    stops = {name: multiply_as_printed(problem, name, as_row=True) for name in PRINTED_PRODUCTS}
    # In dL/dW2 and dL/dW1 the product elementwise with a2 (1 - a2) has been taken for an inner one.
    assert stops == {
        "dL/dW3": "stops at a2, (1, 3) times (6, 1)",
        "dL/dW2": "stops at a1, (1, 1) times (5, 1)",
        "dL/dW1": "stops at W2, (1, 1) times (6, 5)",
    }


def test_products_that_fit_are_carried_through(monkeypatch):
    monkeypatch.setitem(PRINTED_PRODUCTS, "z3", ("W3", "W2", "W1", "x"))
    stops = multiply_as_printed(random_problem((4, 5, 6, 3)), "z3")
    assert stops == "gives the shape (3, 1)"


def test_slip_3_names_the_factor_and_both_shapes():
    slip = slips(random_problem((4, 5, 6, 3)))[2]
    assert slip.figure == "stops at da3/dz3, (3, 1) times (3, 3)"
    assert slip.figure in slip.sentence
    assert "stops at a2, (1, 3) times (6, 1)" in slip.sentence
    assert slip.sentence.endswith("gives the shape (3, 6).")


def test_slip_3_says_so_when_equal_widths_let_the_row_fit():
    sentence = slips(random_problem((4, 5, 3, 3)))[2].sentence
    assert "with dL/da3 as a row it gives the shape (1, 1)" in sentence


# 4


@pytest.mark.parametrize("seed", SEEDS)
def test_dz3_dW3_is_a_third_order_object(seed):
    problem = random_problem((4, 5, 6, 3), seed=seed)
    run, d = forward(problem), gradients(problem)
    tensor = dz3_dW3(problem)
    assert tensor.shape == (3, 3, 6)
    assert np.count_nonzero(tensor) == 3 * 6
    witness = jacobian_difference(lambda W3: (W3 @ run["a2"])[:, 0], problem.W3)
    assert relative_difference(tensor, witness) < 1e-10
    contracted = np.einsum("i,ikm->km", d["dL/dz3"][:, 0], tensor)
    assert relative_difference(contracted, d["dL/dW3"]) < 1e-15


def test_a_tensor_with_its_indices_exchanged_is_caught():
    problem = random_problem((4, 5, 6, 3))
    a2 = forward(problem)["a2"]
    witness = jacobian_difference(lambda W3: (W3 @ a2)[:, 0], problem.W3)
    exchanged = np.ones((3, 3, 1)) * a2.ravel()
    assert relative_difference(exchanged, witness) > 0.1


def test_slip_4_counts():
    slip = slips(random_problem((4, 5, 6, 3)))[3]
    assert slip.figure == "54 entries, not 6"
    assert re.search(r"shape \(3, 3, 6\): 54 entries, 18 of them not zero", slip.sentence)
    assert slip.sentence.endswith("dL/dz3 a2^T to within 1e-12.")


# A fifth, which the next line of the source puts right


def test_the_denominator_of_the_case_i_not_j_is_not_what_is_printed():
    e = np.exp(forward(random_problem())["z3"][:, 0])
    i, j = 0, 1
    printed = e[i] + sum(e[k] for k in range(len(e)) if k != j)
    assert printed == pytest.approx(e.sum() + e[i] - e[j])
    page = Path(__file__).parents[2] / "docs" / "worked_problem.md"
    text = " ".join(page.read_text(encoding="utf-8").split())
    assert f"that is {printed:.2f} where {e.sum():.2f} is right" in text
    assert (f"{printed:.2f}", f"{e.sum():.2f}") == ("5.00", "4.65")
