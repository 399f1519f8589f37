"""A derivation by hand with a slip: the first wrong line is found, and the slip is named."""

from itertools import combinations, islice

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp import grade
from tinygrad_bp.grading import limits, sheet
from tinygrad_bp.grading.grade import Assignment, grade_submission
from tinygrad_bp.grading.judge import Judge
from tinygrad_bp.grading.submission import Answers, InProcess
from tinygrad_bp.mistakes import catalogue
from tinygrad_bp.mistakes.catalogue import CATALOGUE

from ..sweeps import sample
from .derivations import BATCH, LINES, QUANTITIES, SQUARE, derivation, slips

ASSIGNMENTS = {id(point): Assignment(inputs=point) for point in (None, SQUARE, BATCH)}
SLIPS = list(slips())


def judged(function, point=None):
    return grade_submission(InProcess(function), ASSIGNMENTS[id(point)])


def verdicts(report):
    return {line.name: line.verdict for line in report.lines}


@pytest.mark.parametrize("point", [None, SQUARE, BATCH])
def test_the_weights_of_the_right_derivation_pass_alone(point):
    assert judged(derivation(answer=("W3", "W2", "W1")), point).passed


@pytest.mark.parametrize("point", [None, SQUARE, BATCH])
def test_the_right_derivation_passes(point):
    report = judged(derivation(), point)
    assert report.passed
    assert report.score == 1
    assert report.first_wrong is None
    assert set(verdicts(report).values()) == {"right"}


@pytest.mark.parametrize(
    ("line", "name", "text", "point"), SLIPS, ids=[f"{s[0]}-{s[1]}" for s in SLIPS]
)
def test_a_slip_is_found_at_its_line_and_named(line, name, text, point):
    report = judged(derivation({line: text}), point)
    assert report.first_wrong == line
    assert name in report[line].mistakes
    others = {v for n, v in verdicts(report).items() if n != line}
    can_go_on = report[line].shape == report[line].right_shape
    assert others <= {"right", "carried forward", *([] if can_go_on else ["missing"])}
    assert report[line].mistakes == (name,)
    assert "cannot tell" not in report[line].message


@pytest.mark.parametrize(
    ("line", "name", "text", "point"), SLIPS, ids=[f"{s[0]}-{s[1]}" for s in SLIPS]
)
def test_of_the_weights_alone_the_slip_is_charged_once(line, name, text, point):
    weights = ("W3", "W2", "W1")
    report = judged(derivation({line: text}, answer=weights), point)
    wrong = [w.name for w in report.lines if w.verdict == "wrong"]
    if wrong:  # a slip on the way to x does not reach them, and some numbers cannot be computed on
        assert len(wrong) == 1
        assert name in report[wrong[0]].mistakes
    else:
        assert report.passed or line == "x" or "missing" in verdicts(report).values()


def test_two_outputs_cannot_tell_the_diagonal_from_half():
    point = dict(SQUARE, W3=SQUARE["W3"][:2], y=np.array([[1.0, 0, 0], [0, 1.0, 1.0]]))
    slip = {"z3": lambda q, d: q.y_hat * (1 - q.y_hat) * d["y_hat"]}
    report = grade(derivation(slip), inputs=point)
    assert {"softmax-diagonal", "lost-factor-2"} <= set(report["z3"].mistakes)
    assert "cannot tell them apart" in report["z3"].message
    three = grade(derivation(slip))
    assert three["z3"].mistakes == ("softmax-diagonal",)
    assert three.warnings == ()


def shows(first, second):
    """Whether the second of two slips makes a difference, and does not undo the first."""
    point = ASSIGNMENTS[id(None)].points[0]
    q = {name: point[name] for name in QUANTITIES}
    line, text = second[0], second[2]
    truth, one = derivation()(**q), derivation({first[0]: first[2]})(**q)
    both = derivation({first[0]: first[2], line: text})(**q)
    given, answer = one[f"d{line}"], both[f"d{line}"]
    return not any(
        a.shape == answer.shape and np.allclose(a, answer) for a in (given, truth[f"d{line}"])
    )


#: Slips after which every line can still be computed, and of their pairs every 29th.
GOING_ON = [s for s in SLIPS if s[3] is None and "flat" not in s[1] and "product" not in s[1]]
PAIRS = [
    pair
    for pair in islice(combinations(GOING_ON, 2), 0, None, 29)
    if pair[0][0] != pair[1][0] and "transposed-result" not in (pair[0][1], pair[1][1])
    if shows(*sorted(pair, key=lambda slip: list(LINES).index(slip[0])))
]


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("first", "second"), sample(PAIRS, 3), ids=lambda slip: f"{slip[0]}-{slip[1]}"
)
def test_two_slips_are_both_found(first, second):
    report = judged(derivation({first[0]: first[2], second[0]: second[2]}))
    wrong = {line.name for line in report.lines if line.verdict == "wrong"}
    found = {(slip[0], slip[1]) for slip in (first, second) if slip[1] in report[slip[0]].mistakes}
    assert wrong == {first[0], second[0]}
    assert found == {(first[0], first[1]), (second[0], second[1])}


#: Where a slip in a line first shows if the weights alone are answered.
SHOWS_IN = dict.fromkeys(("y_hat", "z3", "W3"), "W3")
SHOWS_IN |= dict.fromkeys(("a2", "z2", "W2"), "W2") | dict.fromkeys(("a1", "z1", "W1"), "W1")
HIDDEN_PAIRS = [
    pair
    for pair in islice(combinations(GOING_ON, 2), 0, None, 17)
    if "x" not in (pair[0][0], pair[1][0])
    if SHOWS_IN[pair[0][0]] != SHOWS_IN[pair[1][0]]
    if "transposed-result" not in (pair[0][1], pair[1][1])
    if shows(*sorted(pair, key=lambda slip: list(LINES).index(slip[0])))
]


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("first", "second"), sample(HIDDEN_PAIRS, 3), ids=lambda slip: f"{slip[0]}-{slip[1]}"
)
def test_of_two_slips_none_is_named_falsely_where_the_weights_alone_are_answered(first, second):
    weights = ("W3", "W2", "W1")
    report = judged(derivation({first[0]: first[2], second[0]: second[2]}, answer=weights))
    wrong = {line.name for line in report.lines if line.verdict == "wrong"}
    assert wrong == {SHOWS_IN[first[0]], SHOWS_IN[second[0]]}
    for line, name, *_ in (first, second):
        assert name in report[SHOWS_IN[line]].mistakes


def test_a_slip_is_not_charged_a_second_time_after_another():
    """dL/da2 taken for dL/dz2, after a doubled dL/dz3: both as the person had them."""
    slips = {"z3": lambda q, d: 2 * LINES["z3"](q, d), "W2": lambda q, d: d["a2"] @ q.a1.T}
    report = judged(derivation(slips, answer=("W3", "W2", "W1")))
    assert report["W3"].mistakes == ("extra-factor-2",)
    assert report["W2"].mistakes == ("wrong-upstream",)
    assert report["W1"].verdict == "carried forward"


def test_two_slips_that_undo_each_other_leave_the_second_line_right():
    twice = {"z3": lambda q, d: -LINES["z3"](q, d), "W3": lambda q, d: -LINES["W3"](q, d)}
    report = judged(derivation(twice))
    assert (report["z3"].verdict, report["W3"].verdict) == ("wrong", "right")


#: Wrong, and in no catalogue.
STRANGE = {
    "y_hat": lambda q, d: -2 * (q.y - q.y_hat**2),
    "z3": lambda q, d: d["y_hat"] * np.cos(q.z3),
    "W3": lambda q, d: 1.37 * d["z3"] @ q.a2.T,
    "a2": lambda q, d: q.W3.T @ d["z3"] + 0.01,
    "z2": lambda q, d: d["a2"] * q.a2**3 * (1 - q.a2),
    "W2": lambda q, d: d["z2"] @ q.a1.T * np.linspace(1, 2, q.a1.size),
    "a1": lambda q, d: (q.W2.T @ d["z2"])[::-1],
    "z1": lambda q, d: d["a1"] * np.tanh(q.a1),
    "W1": lambda q, d: np.abs(d["z1"] @ q.x.T),
}
MEASURED = {
    "W3": "1.37 times the right answer",
    "a2": "the same number in every entry",
    "a1": "in another order",
    "W1": "some have the wrong sign",
}


@pytest.mark.parametrize("line", STRANGE)
def test_a_strange_slip_is_localised_and_not_named(line):
    report = judged(derivation({line: STRANGE[line]}))
    assert report.first_wrong == line
    assert report[line].mistakes == ()
    assert "No known pattern" in report[line].message
    assert MEASURED.get(line, "") in report[line].message
    assert {v for n, v in verdicts(report).items() if n != line} <= {"right", "carried forward"}


def softmax_slip(entry):
    """The softmax line with a Jacobian of its own: entry(p_i, p_j, i == j)."""

    def line(q, d):
        p = q.y_hat[:, 0]
        J = [[entry(a, b, i == j) for j, b in enumerate(p)] for i, a in enumerate(p)]
        return np.array(J) @ d["y_hat"]

    return {"z3": line}


@pytest.mark.parametrize(
    "entry",
    [
        lambda a, b, same: a * (2 - a) if same else a * (1 - b),
        lambda a, b, same: a * (1 - a) + 0.37 * a if same else -a * b + 0.37 * a,
        lambda a, b, same: a * (1 - a) if same else -(a**2),
        lambda a, b, same: a * (1.0 - 1.0) if same else -a,
        lambda a, b, same: a * (1.0 - 1 / 3) if same else -a / 3,
        lambda a, b, same: (1.0 if same else 0.0) - a,
    ],
    ids=["1-pj", "plus-row", "pi-squared", "sum", "mean", "log-softmax"],
)
def test_a_wrong_multiple_of_the_sum_of_the_upstream_gradient_is_seen(entry):
    """It would be zero if the target summed to 1, as the prediction does."""
    report = judged(derivation(softmax_slip(entry)))
    assert report.first_wrong == "z3"
    assert report["z3"].mistakes == ()


@pytest.mark.parametrize("line", ["z3", "z2", "z1"])
def test_a_strange_slip_in_a_line_that_is_not_answered_is_charged_once(line):
    weights = ("W3", "W2", "W1")
    report = judged(derivation({line: STRANGE[line]}, answer=weights))
    found = verdicts(report)
    first = line.replace("z", "W")
    before = weights.index(first)
    assert [found[w] for w in weights[:before]] == ["right"] * before
    assert found[first] == "wrong"
    assert report[first].mistakes == ()
    assert f"follows rightly from a wrong dL/d{line}" in report[first].message
    assert {found[w] for w in weights[before + 1 :]} <= {"carried forward"}


def test_after_a_strange_slip_the_next_is_still_named():
    wrong = {"z3": STRANGE["z3"], "z1": lambda q, d: d["a1"]}
    report = judged(derivation(wrong, answer=("W3", "W2", "W1")))
    assert [report[w].verdict for w in ("W3", "W2", "W1")] == ["wrong", "carried forward", "wrong"]
    assert "missing-sigmoid-derivative" in report["W1"].mistakes
    pen = {"W3": STRANGE["W3"], "z2": lambda q, d: d["a2"]}  # the first slip is W3's alone
    report = judged(derivation(pen, answer=("W3", "W2", "W1")))
    assert report["W3"].mistakes == ()
    assert "follows rightly" not in report["W3"].message  # the lines after it rule that out
    assert report["W2"].mistakes == ("missing-sigmoid-derivative",)
    assert report["W1"].verdict == "carried forward"


def test_a_slip_of_the_softmax_violates_the_zero_sum():
    report = judged(derivation({"z3": STRANGE["z3"]}))
    assert any("sum to zero" in fact for fact in report["z3"].fingerprints)


def test_a_line_that_is_right_by_another_way_is_right_after_a_wrong_one():
    answers = derivation()

    def with_slip_of_the_pen(**q):
        d = answers(**{name: q[name] for name in QUANTITIES})
        return d | {"dz3": -d["dz3"]}  # what follows does not use it

    report = judged(with_slip_of_the_pen)
    assert [n for n, v in verdicts(report).items() if v != "right"] == ["z3"]
    assert report["z3"].mistakes == ("wrong-sign",)


def test_a_slip_on_top_of_one_that_was_carried_on_is_found():
    """As in formula (3) of the source: one case alone, and in dL/dW1 its sign is lost too."""
    answers = derivation(
        {"z3": lambda q, d: d["y_hat"] * q.y_hat**2 - q.y_hat * (d["y_hat"] * q.y_hat).sum()},
        answer=("W1", "W2", "W3"),
    )

    def source(**q):
        d = answers(**{name: q[name] for name in QUANTITIES})
        return d | {"dW1": -d["dW1"]}

    report = judged(source)
    assert report["W3"].mistakes == ("softmax-off-diagonal",)
    assert report["W2"].verdict == "carried forward"
    assert report["W1"].verdict == "wrong"
    assert report["W1"].mistakes == ("wrong-sign",)


def test_a_later_line_rules_out_a_mistake_that_fits_an_earlier_one():
    """dL/dW2 alone cannot tell a missing derivative from dL/da2 taken for dL/dz2; dL/dW1 can."""
    missing = {"z2": lambda q, d: d["a2"]}
    upstream = {"W2": lambda q, d: d["a2"] @ q.a1.T}
    alone = judged(derivation(missing, answer=("W3", "W2")))["W2"]
    assert set(alone.mistakes) == {"missing-sigmoid-derivative", "wrong-upstream"}
    both = judged(derivation(missing, answer=("W3", "W2", "W1")))
    assert both["W2"].mistakes == ("missing-sigmoid-derivative",)
    assert both["W1"].verdict == "carried forward"
    both = judged(derivation(upstream, answer=("W3", "W2", "W1")))
    assert both["W2"].mistakes == ("wrong-upstream",)
    assert both["W1"].verdict == "right"


def test_a_right_line_rules_out_a_mistake_that_fits_a_later_one():
    """A missing softmax derivative would have made dL/dW3 wrong, and it is right."""
    upstream = {"a2": lambda q, d: q.W3.T @ d["y_hat"]}
    report = judged(derivation(upstream, answer=("W3", "W2", "W1")))
    assert [report[w].verdict for w in ("W3", "W2", "W1")] == ["right", "wrong", "carried forward"]
    assert report["W2"].mistakes == ("wrong-upstream",)
    both = upstream | {"z1": lambda q, d: LINES["z1"](q, d) / 2}
    report = judged(derivation(both, answer=("W3", "W2", "W1")))
    assert report["W2"].mistakes == ("wrong-upstream",)
    assert report["W1"].mistakes == ("lost-factor-2",)


def laid_out(change, wrong=None):
    """A derivation with every answer in another layout."""

    def answers(W1, W2, W3, x, y, z1, a1, z2, a2, z3, y_hat):
        q = locals()
        d = derivation(wrong)(**{name: q[name] for name in QUANTITIES})
        return {name: change(value) for name, value in d.items()}

    return answers


def flat(value):
    return value.ravel() if 1 in value.shape else value


@pytest.mark.parametrize(
    ("change", "name"), [(flat, "flattened-gradient"), (np.transpose, "transposed-result")]
)
def test_a_layout_is_charged_once(change, name):
    report = judged(laid_out(change))
    assert report.first_wrong == "y_hat"
    assert report["y_hat"].mistakes == (name,)
    others = {v for n, v in verdicts(report).items() if n not in ("y_hat", "y", "L")}
    assert others <= {"right", "carried forward"}
    assert "layout of an earlier line" in report["z3"].message
    assert report["z3"].shape != report["z3"].right_shape


@pytest.mark.parametrize("change", [flat, np.transpose])
def test_in_another_layout_a_slip_is_found_and_named_as_in_the_right_one(change):
    slip = {"z2": lambda q, d: d["a2"]}
    report = judged(laid_out(change, slip))
    assert [n for n, v in verdicts(report).items() if v == "wrong"] == ["y_hat", "z2"]
    assert report["z2"].mistakes == ("missing-sigmoid-derivative",)
    strange = judged(laid_out(change, {"z2": STRANGE["z2"]}))
    assert (strange["z2"].verdict, strange["z2"].mistakes) == ("wrong", ())


def test_one_layout_does_not_excuse_another():
    def answers(W1, W2, W3, x, y, z1, a1, z2, a2, z3, y_hat):
        q = locals()
        d = derivation()(**{name: q[name] for name in QUANTITIES})
        return {"y_hat": d["dy_hat"].ravel(), "z3": d["dz3"].T, "W3": d["dW3"], "W2": d["dW2"].T}

    report = judged(answers)
    wrong = [line.name for line in report.lines if line.verdict == "wrong"]
    assert wrong == ["y_hat", "z3"]
    assert report["W2"].verdict == "carried forward"


def test_nan_and_wrong_shapes_are_wrong_and_carried_on():
    def nan(q, d):
        return LINES["z3"](q, d) * np.nan

    report = judged(derivation({"z3": nan}))
    assert report.first_wrong == "z3"
    assert "not finite" in report["z3"].message
    assert report["z3"].fingerprints == ()
    assert report["W1"].verdict == "carried forward"

    report = judged(derivation({"W3": lambda q, d: q.a2 @ d["z3"].T}))
    assert report["W3"].shape == (6, 3)
    assert "this is the transpose of the right shape" in report["W3"].message


# ---- the judge is judged: without a rule, or with a blind one, the tests above fail ----


def test_a_mistake_that_is_not_in_the_catalogue_is_not_named(monkeypatch):
    slip = {"z3": lambda q, d: q.y_hat * (1 - q.y_hat) * d["y_hat"]}
    assert judged(derivation(slip))["z3"].mistakes == ("softmax-diagonal",)
    assert CATALOGUE[0].name == "softmax-diagonal"
    monkeypatch.setattr(catalogue, "CATALOGUE", CATALOGUE[1:])
    assert judged(derivation(slip))["z3"].mistakes == ()


def test_the_slips_cover_what_the_catalogue_has_for_the_worked_problem():
    mine = {"matmul", "sigmoid", "softmax", "square_sum", "subtract", "anywhere"}
    rows = [mistake for mistake in CATALOGUE if not mine.isdisjoint(mistake.rules)]
    # nothing here is used twice, and the sigmoid has a row of its own
    elsewhere = {
        "overwritten-contribution",
        "broadcast-not-summed",
        "missing-derivative",
        "one-step-off",
        "norm-along-wrong-axis",
        "penalty-doubled",
        "penalty-left-out",
        "inner-for-outer-product",
        "sum-along-wrong-axis",
        "summed-over-everything",
    }
    assert {row.name for row in rows} - elsewhere == {name for _, name, _, _ in SLIPS}


def test_a_judge_with_a_wrong_truth_marks_the_right_derivation(monkeypatch):
    monkeypatch.setattr(bp.softmax, "rule", lambda p, z, axis: lambda g: p * (1 - p) * g)
    report = grade(derivation())
    assert report.first_wrong == "z3"
    monkeypatch.undo()
    assert grade(derivation()).passed


def test_a_judge_that_accepts_anything_is_seen(monkeypatch):
    slip = {"z2": lambda q, d: d["a2"]}
    assert not judged(derivation(slip)).passed
    monkeypatch.setattr(sheet, "agree", lambda *_: True)
    assert judged(derivation(slip)).passed


# ---- large networks ----


def chain_of(layers):
    """A chain of layers, and answers for its first weight."""

    def problem(x, **W):
        for k in range(layers):
            x = bp.tanh((W[f"W{k}"] @ x).named(f"z{k}")).named(f"a{k}")
        return bp.square_sum(x).named("L")

    rng = np.random.default_rng(2)
    weights = {f"W{k}": np.linalg.qr(rng.standard_normal((3, 3)))[0] for k in range(layers)}
    return problem, {"x": rng.standard_normal((3, 5)), **weights}


def test_the_search_in_a_large_network_is_bounded_and_that_is_said(monkeypatch):
    assert limits.MOST_WORK <= 10**6  # seconds
    monkeypatch.setattr(limits, "MOST_WORK", 5_000)
    problem, inputs = chain_of(100)
    assignment = Assignment(problem, inputs)

    def answers(W0, W50, W99):
        return {"W0": np.cos(W0), "W50": np.cos(W50), "W99": np.cos(W99)}

    done = Judge(assignment.runs, InProcess(answers).answers_at(assignment.points))
    lines = {line.name: line for line in done.judge()}
    assert done.work < 10_000
    assert lines["W99"].reason == ""  # it is near the loss, and all was tried
    assert lines["W0"].verdict == "wrong"
    report = grade_submission(InProcess(answers), assignment)
    assert "Not every mistake was tried, as the network is large." in report["W0"].message


def test_the_wrong_contributions_of_a_place_are_made_once(monkeypatch):
    problem, inputs = chain_of(4)
    assignment = Assignment(problem, inputs)
    place = Judge(assignment.runs, [Answers()] * 3).sheets[0].place(assignment.runs[0].edges[-1])
    for mistake in CATALOGUE:
        assert mistake.at(place) is mistake.at(place)


def test_a_slip_far_from_what_is_answered_is_found_and_one_too_far_is_not_named(monkeypatch):
    monkeypatch.setattr(limits, "MOST_WORK", limits.MOST_WORK // 10)
    problem, inputs = chain_of(60)
    assignment = Assignment(problem, inputs)
    truth = [{n: run.gradients[i] for n, i in assignment.named.items()} for run in assignment.runs]

    class Given:
        def answers_at(self, points, order):
            return [Answers({"a59": 2 * t["a59"], "W0": np.cos(t["W0"])}) for t in truth]

    report = grade_submission(Given(), assignment)
    assert report["a59"].mistakes == ("extra-factor-2",)
    assert report["W0"].mistakes == ()
    assert "Not every mistake was tried" in report["W0"].message
