"""The search for mistakes: the probe rules out nothing that fits, and slips over time are found."""

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp import grade
from tinygrad_bp.grading import search
from tinygrad_bp.grading.assignment import Assignment
from tinygrad_bp.grading.grade import grade_submission
from tinygrad_bp.grading.judge import Judge
from tinygrad_bp.grading.search import Search, find_repeated, find_single
from tinygrad_bp.grading.submission import Answers, InProcess, Order

from . import networks
from .wild import slips_convolution, slips_norms, slips_recurrent
from .wild.slip import with_slip

PROBLEMS = {
    "classifier": (networks.classifier, networks.CLASSIFIER, "W1"),
    "columns": (networks.columns, networks.COLUMNS, "b1"),
    "elementary": (networks.elementary, networks.ELEMENTARY, "u"),
    "lstm": (slips_recurrent.lstm, slips_recurrent.LSTM, "Wf"),
    "convolution": (slips_convolution.images, slips_convolution.INPUTS, "K"),
    "layer norm": (slips_norms.normed(1), slips_norms.INPUTS, "x"),
}


def nobody(problem, inputs):
    assignment = Assignment(problem, inputs, required=())
    return Judge(assignment.runs, [Answers()] * len(assignment.runs))


@pytest.mark.parametrize("network", PROBLEMS)
def test_the_probe_rules_out_no_mistake_that_gives_the_answer(network):
    problem, inputs, target = PROBLEMS[network]
    judge = nobody(problem, inputs)
    sheet, i = judge.sheets[0], judge.run.quantities[target]
    part = judge.run.part(i, ())
    probe = search.Probe(sheet, part)
    probed = 0
    with np.errstate(all="ignore"):
        for fault in list(find_single(sheet, part))[::3]:
            answer = sheet.gradient((fault,), i)
            if answer is not None:
                probed += 1
                assert probe.base(np.asarray(answer), ()).may_give(fault) is not False
    assert probed > 20


@pytest.mark.parametrize("network", PROBLEMS)
def test_the_probe_rules_out_most_of_what_does_not(network):
    problem, inputs, target = PROBLEMS[network]
    judge = nobody(problem, inputs)
    sheet, i = judge.sheets[0], judge.run.quantities[target]
    part = judge.run.part(i, ())
    answer = np.cos(judge.run.tensors[i].data)  # no mistake's
    with np.errstate(all="ignore"):
        base = search.Probe(sheet, part).base(answer, ())
        found = [base.may_give(fault) for fault in find_single(sheet, part)]
    assert found.count(True) == 0
    assert found.count(False) > len(found) / 2


def test_a_probe_that_rules_everything_out_is_seen(monkeypatch):
    submission = with_slip(slips_recurrent.plain_backward, "mean")
    assert named(submission)["b"] == ("mean-for-sum",)
    monkeypatch.setattr(search.Base, "may_give", lambda self, fault: False)
    monkeypatch.setattr(search, "find_repeated", lambda sheet, part: iter(()))
    assert named(submission)["b"] == ()


def named(submission, problem=slips_recurrent.plain, inputs=slips_recurrent.PLAIN):
    report = grade(submission, problem, inputs, required=())
    return {line.name: line.mistakes for line in report.lines if line.verdict == "wrong"}


# ---- over time ----


@pytest.mark.parametrize("answered", ["U", "W", "b"])
@pytest.mark.parametrize(
    ("slip", "name"),
    [("no transpose", "missing-transpose"), ("no slope", "missing-tanh-derivative")],
)
def test_a_slip_at_every_step_is_named_from_one_sum_alone(slip, name, answered):
    full = with_slip(slips_recurrent.plain_backward, slip)

    def answers(U, W, V, b, x1, x2, x3, y):
        return {answered: full(U=U, W=W, V=V, b=b, x1=x1, x2=x2, x3=x3, y=y)[answered]}

    assert name in named(answers)[answered]


def test_without_mistakes_at_several_steps_it_has_no_name(monkeypatch):
    submission = with_slip(slips_recurrent.plain_backward, "no slope")
    assert named(submission) == {"b": ("missing-tanh-derivative",)}
    monkeypatch.setattr(search, "find_repeated", lambda sheet, part: iter(()))
    assert named(submission)["b"] == ()


def test_the_steps_that_do_the_same_are_known():
    run = nobody(slips_recurrent.lstm, slips_recurrent.LSTM).run
    roles = {edges for edges in run.roles.values() if len(edges) == 3}
    slopes = [
        edges
        for edges in roles
        if {run.tensors[e.step].primitive.__name__ for e in edges} == {"tanh"}
    ]
    assert len(slopes) == 2  # that of the cell, and that of the candidate
    assert run.batch == slips_recurrent.SAMPLES
    names = {run.tensors[i].name for i in run.parameters}
    assert names == set(slips_recurrent.LSTM) - {"x1", "x2", "x3", "y"}


def test_what_multiplies_is_tried_at_the_uses_of_one_tensor_alone():
    judge = nobody(slips_recurrent.plain, slips_recurrent.PLAIN)
    part = judge.run.part(judge.run.quantities["b"], ())
    for fault in find_repeated(judge.sheets[0], part):
        if fault.mistake.name in search.MULTIPLY:
            assert len({judge.run.source[edge] for edge in fault.edges}) == 1


@pytest.mark.parametrize(
    ("problem", "inputs", "backward"),
    [
        (slips_recurrent.plain, slips_recurrent.PLAIN, slips_recurrent.plain_backward),
        (slips_recurrent.lstm, slips_recurrent.LSTM, slips_recurrent.lstm_backward),
    ],
    ids=["rnn", "lstm"],
)
def test_the_search_in_a_recurrent_network_is_short(problem, inputs, backward):
    """Nothing explains these, so all is tried: they are the slowest of three steps.

    Each computes 41,000 to 45,000 contributions, in 1.4 to 1.7 s of CPU time, where it took half a
    million of them, and 15 to 34 s. What has a name takes a third of that time.
    """
    assignment = Assignment(problem, inputs, required=())
    submission = InProcess(with_slip(backward, "strange"))
    answers = submission.answers_at(assignment.points, Order())
    judge = Judge(assignment.runs, answers)
    with np.errstate(all="ignore"):
        judge.judge()
    assert 10_000 < judge.work < 60_000
    assert not any(isinstance(s, Search) and s.is_cut for s in judge.searches.values())


def test_a_later_line_gives_an_earlier_one_away(monkeypatch):
    """The bias is searched near itself alone; the weights, in full."""
    find = Search.find

    def blind_to_the_bias(self, stories, budget):
        return (
            []
            if self.sheets[0].run.tensors[self.target].name == "b"
            else find(self, stories, budget)
        )

    monkeypatch.setattr(Search, "find", blind_to_the_bias)
    assert named(with_slip(slips_recurrent.plain_backward, "no slope")) == {
        "b": ("missing-tanh-derivative",)
    }
    monkeypatch.setattr(Search, "try_out", lambda self, stories, explanations: [])
    assert named(with_slip(slips_recurrent.plain_backward, "no slope"))["b"] == ()


# ---- names for what was met ----


def test_an_inner_product_for_an_outer_one():
    def problem(W, x, y):
        return bp.square_sum((W @ x).named("z") - y).named("L")

    rng = np.random.default_rng(3)
    inputs = {name: rng.standard_normal(s) for name, s in {"W": (4, 4), "x": 4, "y": 4}.items()}
    report = grade(lambda x, y, z: {"W": np.dot(2 * (z - y), x)}, problem, inputs)
    assert report["W"].mistakes == ("inner-for-outer-product",)
    assert grade(lambda x, y, z: {"W": np.outer(2 * (z - y), x)}, problem, inputs).passed


def test_what_a_special_case_is_of_is_not_named_beside_it():
    assignment = Assignment(networks.penalised, networks.PENALISED, required=())
    run = assignment.runs[0]
    judge = Judge(assignment.runs, [Answers()] * 3)
    faults = [
        fault
        for fault in find_single(judge.sheets[0], run.part(run.quantities["W"], ()))
        if fault.mistake.name == "penalty-doubled"
    ]
    assert faults

    class Doubled:
        def answers_at(self, points, order):
            return [
                Answers({"W": sheet.gradient((faults[0],), run.quantities["W"])})
                for sheet in judge.sheets
            ]

    report = grade_submission(Doubled(), assignment)
    assert report["W"].mistakes == ("penalty-doubled",)


def test_a_doubled_penalty_is_named_where_its_weight_is_an_input():
    def loss(x, y, W, V, lam):
        p = ((x @ W).named("h") @ V).named("p")
        data = bp.square_sum(p - y) / len(x)
        return (data + lam / 2 * (bp.square_sum(W) + bp.square_sum(V))).named("L")

    def backward(x, y, W, V, h, p, lam):
        d = 2 * (p - y) / len(x)
        return {"W": x.T @ (d @ V.T) + 2 * lam * W, "V": h.T @ d + 2 * lam * V}

    rng = np.random.default_rng(1)
    shapes = {"x": (7, 4), "y": (7, 3), "W": (4, 5), "V": (5, 3)}
    values = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    inputs = values | {n: bp.tensor(values[n], requires_grad=True) for n in "WV"} | {"lam": 0.1}
    report = bp.grade(backward, loss, inputs)
    assert report["W"].mistakes == report["V"].mistakes == ("penalty-doubled",)
