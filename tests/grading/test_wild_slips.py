"""Backward passes as people publish them: right ones pass, and slips are found and named."""

import pytest

from tinygrad_bp.grading.grade import Assignment, grade_submission
from tinygrad_bp.grading.submission import InProcess

from .wild import (
    slips_attention,
    slips_convolution,
    slips_dense,
    slips_norms,
    slips_recurrent,
    slips_words,
)

SUBMISSIONS = [
    submission
    for topic in (
        slips_attention,
        slips_convolution,
        slips_dense,
        slips_norms,
        slips_recurrent,
        slips_words,
    )
    for submission in topic.SUBMISSIONS
]
RIGHT = [s for s in SUBMISSIONS if s.line is None]
WRONG = [s for s in SUBMISSIONS if s.line is not None]
NAMED = [s for s in WRONG if s.mistakes]


def label(submission):
    return submission.label


@pytest.fixture(scope="module")
def reports():
    return {}


def graded(submission, reports):
    if submission.label not in reports:
        assignment = Assignment(submission.problem, submission.inputs, required=())
        reports[submission.label] = grade_submission(InProcess(submission.submission), assignment)
    return reports[submission.label]


def test_there_are_many_and_no_label_twice():
    assert len({s.label for s in SUBMISSIONS}) == len(SUBMISSIONS) >= 60


@pytest.mark.parametrize("submission", RIGHT, ids=label)
def test_a_right_one_passes(submission, reports):
    report = graded(submission, reports)
    assert report.passed, str(report)
    remarks = " ".join(line.message for line in report.lines)
    assert submission.remark in remarks or "each sample" in remarks


@pytest.mark.parametrize("submission", WRONG, ids=label)
def test_a_slip_is_found_where_it_is_made(submission, reports):
    report = graded(submission, reports)
    assert report.first_wrong == submission.line, str(report)


def test_the_rates(reports):
    """As many as were asked for: the figures are printed with -s."""
    passed = sum(graded(s, reports).passed for s in RIGHT)
    found = sum(graded(s, reports).first_wrong == s.line for s in WRONG)
    lines = {s.label: graded(s, reports)[s.line] for s in WRONG}
    named = [s for s in NAMED if set(s.mistakes) <= set(lines[s.label].mistakes)]
    unnamed = [s for s in NAMED if not lines[s.label].mistakes]
    misnamed = [s for s in WRONG if s not in named and s not in unnamed]
    misnamed = [s for s in misnamed if lines[s.label].mistakes]
    # one fits the mistake, and the other says what was measured or where to look
    specific = [s for s in WRONG if lines[s.label].mistakes or "easured" in lines[s.label].hint]
    print(f"\nright ones that pass: {passed} of {len(RIGHT)}")
    print(f"wrong ones found in their line: {found} of {len(WRONG)}")
    print(f"named where a row fits: {len(named)} of {len(NAMED)}; not: {list(map(label, unnamed))}")
    print(f"misnamed: {[(s.label, lines[s.label].mistakes) for s in misnamed]}")
    print(f"with a specific hint: {len(specific)} of {len(WRONG)}")
    assert passed == len(RIGHT)
    assert found == len(WRONG)
    assert misnamed == []
    assert len(named) >= 0.95 * len(NAMED)
    assert len(specific) >= 0.9 * len(WRONG)


#: Two slips are made in these, and in the strange ones no name binds the lines together.
SEVERAL = {"regression, no relu, update", "squares, update, of a", "rnn, strange", "lstm, strange"}


@pytest.mark.parametrize("submission", WRONG, ids=label)
def test_a_slip_is_charged_once(submission, reports):
    wrong = [line.name for line in graded(submission, reports).lines if line.verdict == "wrong"]
    assert (len(wrong) > 1) == (submission.label in SEVERAL)
