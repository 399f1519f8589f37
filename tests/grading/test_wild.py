"""Submissions as people write them get the verdict that they should."""

import pytest

from tinygrad_bp import grade

from .wild import dense, layers, models

CASES = [*dense.CASES, *layers.CASES, *models.CASES]
RIGHT = [case for case in CASES if case.first_wrong is None]
WRONG = [case for case in CASES if case.first_wrong is not None]


def graded(case):
    return grade(case.answers, case.problem, case.inputs, returns=case.returns)


@pytest.mark.parametrize("case", RIGHT, ids=[case.name for case in RIGHT])
def test_what_is_right_passes(case):
    report = graded(case)
    assert report.passed, str(report)
    assert report.score == 1


@pytest.mark.parametrize("case", WRONG, ids=[case.name for case in WRONG])
def test_what_is_wrong_is_caught_at_its_line(case):
    report = graded(case)
    assert not report.passed
    assert report.failure is None, report.failure
    line = report[case.first_wrong]
    if line.verdict != "missing":
        assert report.first_wrong == case.first_wrong, str(report)
    if case.mistake:
        assert case.mistake in line.mistakes, str(report)


def test_there_are_enough_of_them():
    assert len(CASES) >= 40
    assert len({case.name for case in CASES}) == len(CASES)
