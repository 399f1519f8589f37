"""Fingerprints: each says what it measures, and only where it holds at every point."""

import numpy as np
import pytest

from tinygrad_bp.grading.fingerprints import find_facts, find_signs


def facts_of(answers, rights, others):
    return tuple(find_facts(answers, rights, others))


rng = np.random.default_rng(2)
RIGHT = [rng.standard_normal((3, 4)) for _ in range(3)]
BALANCED = [right - right.mean(axis=0) for right in RIGHT]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: 1.5 * r, "1.5 times the right answer at every point"),
        (lambda r: r * r.flat[0], "by another factor at each point"),
        (lambda r: r.T, "equal to the transpose"),
        (lambda r: np.where(r > 0, r, -2 * r / 2), "some have the wrong sign"),
        (lambda r: r[::-1], "in another order"),
        (lambda r: r + 1.0, "the same number in every entry"),
        (lambda r: 0 * r, "all of its entries are zero"),
        (lambda r: np.round(r, 3), "nearly right"),
    ],
)
def test_a_fingerprint_is_measured(change, said):
    facts = facts_of([change(right) for right in RIGHT], RIGHT, {})
    assert any(said in fact for fact in facts), facts
    at_two_points = [change(RIGHT[0]), change(RIGHT[1]), rng.standard_normal((3, 4))]
    assert not any(said in fact for fact in facts_of(at_two_points, RIGHT, {}))


def test_a_zero_sum_that_is_violated_is_seen():
    facts = facts_of([right + right**2 for right in BALANCED], BALANCED, {})
    assert facts == ("its entries do not sum to zero, and the right ones do along axis 0",)
    assert facts_of([right * right for right in RIGHT], RIGHT, {}) == ()


def test_the_gradient_of_another_quantity_is_recognised():
    other = [right**2 for right in RIGHT]
    assert facts_of(other, RIGHT, {"z2": other}) == ("it is equal to the gradient of z2",)


def test_of_two_facts_that_say_the_same_one_is_said():
    transposed = facts_of([right.T for right in RIGHT], RIGHT, {})
    assert transposed == ("it is equal to the transpose of the right answer",)


def test_another_shape_is_no_other_order():
    flat = facts_of([right.ravel() for right in RIGHT], RIGHT, {})
    assert flat == ("its entries are the right ones, in another shape",)
    one = [np.array(2.0)] * 3
    assert facts_of([np.array([2.0])] * 3, one, {}) == ()
    assert facts_of([np.zeros(0)] * 3, RIGHT, {}) == ("it has no entries",)


def test_nothing_is_measured_of_what_is_not_finite():
    assert facts_of([right * np.nan for right in RIGHT], RIGHT, {}) == ()


def changed(place, factor=3.0):
    """The right answers with some entries changed."""
    answers = [right.copy() for right in RIGHT]
    for answer in answers:
        answer[place] *= factor
    return answers


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (np.s_[:, 2], "only column 2 is wrong, counted from 0"),
        (np.s_[1], "only row 1 is wrong, counted from 0"),
        (np.s_[[0, 2]], "only rows 0 and 2 are wrong, counted from 0"),
        (([0, 1, 2, 0], [0, 1, 2, 3]), "4 of 12 entries are wrong, and the others are right"),
    ],
)
def test_where_the_wrong_entries_are_is_said(place, said):
    facts = facts_of([a + (a != r) for a, r in zip(changed(place), RIGHT, strict=True)], RIGHT, {})
    assert said in facts
    everywhere = facts_of([right + 1 + right**2 for right in RIGHT], RIGHT, {})
    assert not any("only" in fact or "others are right" in fact for fact in everywhere)


def test_zero_up_to_rounding_is_zero():
    assert facts_of([1e-16 * right for right in RIGHT], RIGHT, {}) == (
        "all of its entries are zero, up to rounding",
    )
    assert not any("zero" in fact for fact in facts_of([1e-6 * r for r in RIGHT], RIGHT, {}))


def test_a_zero_sum_along_an_axis_is_seen():
    facts = facts_of([right - right.mean(axis=1, keepdims=True) for right in RIGHT], RIGHT, {})
    assert "its entries sum to zero along axis 1, and the right ones do not" in facts


def test_a_factor_for_each_row_or_column_is_seen():
    facts = facts_of([right * np.array([[1.0], [2.0], [3.0]]) for right in RIGHT], RIGHT, {})
    assert "each row is a multiple of the right one, by a factor of its own" in facts
    facts = facts_of([right * np.array([1.0, 2.0, 3.0, 4.0]) for right in RIGHT], RIGHT, {})
    assert "each column is a multiple of the right one, by a factor of its own" in facts


def test_of_any_answer_it_is_said_where_it_is_furthest_off():
    said = find_signs([(np.array([[1.0, -2.0], [3.0, 9.0]]), np.array([[1.0, 2.0], [3.0, 4.0]]))])
    assert said == "3 of 4 entries have the right sign, and entry (1, 1) is furthest off"
