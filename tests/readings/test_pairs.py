"""A sample of all pairs of operations through every reading; `pairs` is the command for all."""

import random

import pytest

from .pairs import PAIRS, READINGS, fault


@pytest.mark.parametrize("reading", READINGS)
def test_a_sample_of_pairs(reading: str) -> None:
    faults = [fault(pair, reading) for pair in random.Random(7).sample(PAIRS, 40)]
    assert not list(filter(None, faults))


def test_a_pair_that_goes_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READINGS, "draw", lambda loss: 1 / 0)
    assert "ZeroDivisionError" in str(fault(PAIRS[0], "draw"))
