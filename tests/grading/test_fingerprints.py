"""Fingerprints: each says what it measures, and only where it holds at every point."""

import numpy as np
import pytest

from tinygrad_bp.grading.fingerprints import find_facts


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
