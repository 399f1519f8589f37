"""Two slips in one line: both are named where the numbers give them away, and never another two."""

from collections import Counter

import numpy as np
import pytest

from tinygrad_bp import grade
from tinygrad_bp.grading import factors, limits, search
from tinygrad_bp.grading.assignment import Assignment
from tinygrad_bp.grading.fingerprints import ratio_of
from tinygrad_bp.grading.judge import Judge
from tinygrad_bp.grading.submission import Answers

from ..sweeps import sample
from . import networks
from .wild import slips_recurrent

PROBLEMS = {
    "worked problem": (None, None),
    "classifier": (networks.classifier, networks.CLASSIFIER),
    "columns": (networks.columns, networks.COLUMNS),
    "deep": (networks.deep, networks.DEEP),
    "vectors": (networks.vectors, networks.VECTORS),
    "sentence": (networks.sentence, networks.SENTENCE),
    "recurrent": (slips_recurrent.plain, slips_recurrent.PLAIN),
}


def names(faults):
    return sorted((fault.mistake.name, fault.detail) for fault in faults)


def plant(assignment, rng):
    """Draw which lines are answered, and one of them with two slips: its name, they, the answers.

    None if the two cannot be made together, or are one factor.
    """
    run = assignment.runs[0]
    lines = [name for name in run.backward_order if name != assignment.loss]
    kept = [name for name in lines if rng.random() < 0.6] or lines[:1]
    target = kept[rng.integers(len(kept))]
    i = run.quantities[target]
    rights = [
        {name: np.asarray(r.gradients[r.quantities[name]]) for name in kept}
        for r in assignment.runs
    ]
    others = [Answers({n: g for n, g in right.items() if n != target}) for right in rights]
    judge = Judge(assignment.runs, others)
    part = run.part(i, judge.sheets[0].own)
    single = list(search.find_single(judge.sheets[0], part))
    first, second = (single[k] for k in sorted(rng.choice(len(single), 2, replace=False)))
    if first.edges == second.edges:
        return None
    answers = []
    for sheet, right in zip(judge.sheets, rights, strict=True):
        try:
            found = sheet.run.sweep(sheet.own, sheet.plant((first, second)), part.edges).get(i)
        except Exception:  # the two do not fit together
            return None
        if np.shape(found) != right[target].shape or not np.isfinite(found).all():
            return None
        answers.append(Answers({**right, target: np.asarray(found)}))
    if ratio_of([(a.values[target], r[target]) for a, r in zip(answers, rights, strict=True)]):
        return None  # of a factor it is not said what two slips it is made of
    return target, (first, second), answers


def outcomes(problem, tries):
    assignment = Assignment(*PROBLEMS[problem], required=())
    rng = np.random.default_rng(0)
    counts = Counter()
    while counts.total() < tries:
        with np.errstate(all="ignore"):
            planted = plant(assignment, rng)
        if planted is not None:
            counts[outcome(assignment, *planted)] += 1
    return counts


def outcome(assignment, target, faults, answers):
    found = found_in(assignment, answers, target)
    if found is None:
        return "they cancel"
    if any(len(explanation) == 1 for explanation in found):
        return "one slip gives the same"
    if found and any(name == "wrong-upstream" for name, _ in names(faults)):
        is_it = found == [names(faults)]
        return "named" if is_it else "named as a derivative that was left out"
    if found:
        return "named" if found == [names(faults)] else "misnamed"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "the_only_pair", lambda found: found)
        is_one_of_several = len(found_in(assignment, answers, target)) > 1
    return "several pairs fit" if is_one_of_several else "not found"


def found_in(assignment, answers, name):
    with np.errstate(all="ignore"):
        finding = {f.name: f for f in factors.judge(assignment.runs, answers)}[name]
    if finding.verdict != "wrong":
        return None
    return [names(explanation) for explanation in finding.explanations]


@pytest.mark.sweep
@pytest.mark.parametrize("problem", sample(PROBLEMS, 4))
def test_two_slips_are_named_or_nothing_is(problem):
    """The counts are printed with -s."""
    counts = outcomes(problem, 20)
    print(f"\n{problem}: {dict(counts)}")
    assert counts["misnamed"] == 0
    assert counts["named"] >= 6
    assert counts["not found"] <= 3


def test_without_all_pairs_most_have_no_name(monkeypatch):
    with_pairs = outcomes("worked problem", 15)
    monkeypatch.setattr(limits, "MOST_PAIRS", 0)
    without = outcomes("worked problem", 15)
    assert without["named"] < with_pairs["named"]
    assert without["not found"] > with_pairs["not found"]


def test_where_several_pairs_fit_a_name_would_be_a_wrong_one(monkeypatch):
    monkeypatch.setattr(search, "the_only_pair", lambda found: found)
    assert outcomes("columns", 15)["misnamed"] > 0


@pytest.mark.sweep
@pytest.mark.parametrize("problem", sample(PROBLEMS, 5))
def test_numbers_that_no_two_slips_give_have_no_name(problem):
    assignment = Assignment(*PROBLEMS[problem], required=())
    run = assignment.runs[0]
    for name in run.backward_order[1:]:
        i = run.quantities[name]
        answers = [
            Answers({name: np.asarray(r.gradients[i] + 0.3 * np.cos(3 * r.tensors[i].data))})
            for r in assignment.runs
        ]
        assert found_in(assignment, answers, name) == []


def test_of_very_many_pairs_none_is_tried():
    assignment = Assignment(slips_recurrent.lstm, slips_recurrent.LSTM, required=())
    run = assignment.runs[0]
    i = run.quantities["Wf"]
    answers = [Answers({"Wf": np.cos(r.tensors[i].data)}) for r in assignment.runs]
    judge = Judge(assignment.runs, answers)
    with np.errstate(all="ignore"):
        judge.judge()
    n = len(judge.searches[i].single)
    assert n * n // 2 > limits.MOST_PAIRS
    assert judge.work < limits.MOST_WORK / 4


def test_both_are_said_to_be_made_together():
    def answers(x, y, z2, W2, a1):
        p = np.exp(z2) / np.exp(z2).sum(axis=1, keepdims=True)
        dz2 = (p - y) / len(x)
        return {"W2": a1.T @ dz2, "W1": -x.T @ (dz2 @ W2.T)}

    line = grade(answers, networks.classifier, networks.CLASSIFIER, required=())["W1"]
    assert line.named == "missing-relu-derivative and wrong-sign"
    assert line.hint.count(" Also: ") == 1
