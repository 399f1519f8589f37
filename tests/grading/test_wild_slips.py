"""Backward passes as people publish them: right ones pass, and slips are found and named."""

import pytest

from tinygrad_bp.grading.grade import Assignment, grade_submission
from tinygrad_bp.grading.submission import InProcess

from .wild import (
    slips_attention,
    slips_convolution,
    slips_dense,
    slips_modern,
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
        slips_modern,
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


REPORTS, ASSIGNMENTS = {}, {}


def graded(submission):
    if submission.label not in REPORTS:
        problem = submission.problem, id(submission.inputs)  # that of several submissions
        if problem not in ASSIGNMENTS:
            ASSIGNMENTS[problem] = Assignment(submission.problem, submission.inputs, required=())
        answers = InProcess(submission.submission)
        REPORTS[submission.label] = grade_submission(answers, ASSIGNMENTS[problem])
    return REPORTS[submission.label]


def test_there_are_many_and_no_label_twice():
    assert len({s.label for s in SUBMISSIONS}) == len(SUBMISSIONS) >= 60


@pytest.mark.parametrize("submission", RIGHT, ids=label)
def test_a_right_one_passes(submission):
    report = graded(submission)
    assert report.passed, str(report)
    remarks = " ".join(line.message for line in report.lines)
    assert submission.remark in remarks or "each sample" in remarks


#: Two slips are made in these, and in the strange ones no name binds the lines together.
SEVERAL = {
    *("regression, no relu, update", "squares, update, of a", "rnn, strange", "lstm, strange"),
    *("contrast, times it", "causal, no root"),
}


#: What else gives the same numbers, and why it has to be named beside what was meant.
AS_WELL = {
    # at these points every gradient before the relu is positive
    "convolution, no relu": {"relu-of-gradient"},
    # with s = u v summed, v is the factor itself, a layer's values, and what u's gradient has
    "negative sampling, own": {"wrong-upstream", "wrong-activation"},
    # with z = gamma n, the gradient of n times n is that of z times z
    "masked, of z": {"wrong-upstream"},
}


@pytest.mark.parametrize("submission", NAMED, ids=label)
def test_it_is_named_and_nothing_else_is(submission):
    names = set(graded(submission)[submission.line].mistakes)
    assert names == {*submission.mistakes, *AS_WELL.get(submission.label, ())}


@pytest.mark.parametrize("submission", WRONG, ids=label)
def test_a_slip_is_found_where_it_is_made_and_charged_once(submission):
    report = graded(submission)
    assert report.first_wrong == submission.line, str(report)
    wrong = [line.name for line in report.lines if line.verdict == "wrong"]
    assert (len(wrong) > 1) == (submission.label in SEVERAL)


def test_the_rates():
    """As many as were asked for: the figures are printed with -s."""
    passed = sum(graded(s).passed for s in RIGHT)
    found = sum(graded(s).first_wrong == s.line for s in WRONG)
    lines = {s.label: graded(s)[s.line] for s in WRONG}
    named = [
        s for s in NAMED if set(lines[s.label].mistakes) == {*s.mistakes, *AS_WELL.get(s.label, ())}
    ]
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
