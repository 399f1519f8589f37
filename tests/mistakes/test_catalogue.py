"""Every mistake of the catalogue, planted at every edge of several networks, is found and named."""

import re
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp import grade
from tinygrad_bp.differences import agree
from tinygrad_bp.grading.grade import Assignment, grade_at_points
from tinygrad_bp.grading.judge import Judge
from tinygrad_bp.grading.submission import Answers
from tinygrad_bp.mistakes import catalogue
from tinygrad_bp.mistakes.catalogue import CATALOGUE, find_faults, named
from tinygrad_bp.mistakes.mistake import ANYWHERE, Mistake
from tinygrad_bp.table import TABLE
from tinygrad_bp.worked_problem.problem import random_problem
from tinygrad_bp.worked_problem.verification import PLANTED

from ..grading import networks
from ..sweeps import THOROUGH, sample

ASSIGNMENTS = {
    "worked problem": Assignment(),
    "batch": Assignment(inputs=vars(random_problem(batch=7, seed=2))),
    "square": Assignment(inputs=vars(random_problem(sizes=(4, 4, 4, 4), batch=3, seed=2))),
    "classifier": Assignment(networks.classifier, networks.CLASSIFIER),
    "shared": Assignment(networks.shared, networks.SHARED),
    "columns": Assignment(networks.columns, networks.COLUMNS),
    "deep": Assignment(networks.deep, networks.DEEP),
    "vectors": Assignment(networks.vectors, networks.VECTORS),
    "elementary": Assignment(networks.elementary, networks.ELEMENTARY),
    "functions": Assignment(networks.functions, networks.FUNCTIONS),
    "convolution": Assignment(networks.convolution, networks.CONVOLUTION),
    "sentence": Assignment(networks.sentence, networks.SENTENCE),
    "penalised": Assignment(networks.penalised, networks.PENALISED),
    "over time": Assignment(networks.over_time, networks.OVER_TIME),
}
LEAVES = {
    "worked problem": ("W1", "W2", "W3"),
    "classifier": ("W1", "b1", "W2", "b2"),
    "shared": ("W",),
    "columns": ("W1", "b1", "W2", "b2"),
    "vectors": ("W1", "b1", "W2"),
}


class Planted:
    """A submission whose gradients come from a sweep with one wrong closure."""

    def __init__(self, assignment, fault, only=None):
        self.named = {n: i for n, i in assignment.named.items() if only is None or n in only}
        nobody = Judge(assignment.runs, [Answers()] * len(assignment.runs))
        with np.errstate(all="ignore"):
            swept = [
                run.sweep(planted=nobody.sheets[p].plant((fault,)))
                for p, run in enumerate(assignment.runs)
            ]
        self.values = [
            {name: np.asarray(g[i]) for name, i in self.named.items() if i in g} for g in swept
        ]
        self.affected = [
            name
            for name in assignment.runs[0].backward_order
            if name in self.values[0] and not self.is_right(name, assignment)
        ]

    def is_right(self, name, assignment):
        return all(
            agree(values[name], run.gradients[self.named[name]], 1e-7, 1e-13)
            for values, run in zip(self.values, assignment.runs, strict=True)
        )

    def answers(self):
        return [Answers(values) for values in self.values]


def faults(assignment):
    nobody = Judge(assignment.runs, [Answers()] * len(assignment.runs))
    for edge in assignment.runs[0].edges:
        yield from find_faults(nobody.sheets[0].place(edge))


@cache
def planted_in(network, only=None):
    assignment = ASSIGNMENTS[network]
    return [(fault, Planted(assignment, fault, only)) for fault in faults(assignment)]


def planted_and_graded(network, only=None):
    """Yield each fault with its report; every second mistake, once, if the run is not thorough."""
    assignment, planted = ASSIGNMENTS[network], planted_in(network, only)
    once = {fault.mistake.name: (fault, one) for fault, one in planted if one.affected}
    for fault, one in planted if THOROUGH else sample(once.values(), 2):
        yield fault, one, grade_at_points(one.answers(), assignment)[0]


def affecting(network, only=None):
    return sum(bool(one.affected) for _, one in planted_in(network, only))


def is_named(mistake, line):
    """Whether it is named, or what it is a special case of here."""
    return mistake.name in line.mistakes or mistake.name in {
        named(name).instead_of for name in line.mistakes
    }


@pytest.mark.sweep
@pytest.mark.parametrize("network", ASSIGNMENTS)
def test_with_every_line_answered(network):
    for fault, submission, report in planted_and_graded(network):
        verdicts = {line.name: line.verdict for line in report.lines}
        if not submission.affected:
            assert report.first_wrong is None
            continue
        first, *others = submission.affected
        assert report.first_wrong == first, (fault.mistake.name, fault.edges)
        assert is_named(fault.mistake, report[first]), (fault.mistake.name, fault.edges)
        assert {verdicts[name] for name in others} <= {"carried forward"}
        assert set(verdicts.values()) <= {"right", "wrong", "carried forward", "missing"}
    assert affecting(network) > 25


@pytest.mark.sweep
@pytest.mark.parametrize("network", LEAVES)
def test_with_the_parameters_alone_answered(network):
    for fault, submission, report in planted_and_graded(network, LEAVES[network]):
        if not submission.affected:
            assert report.first_wrong is None
            continue
        first, *others = submission.affected
        assert report.first_wrong == first, (fault.mistake.name, fault.edges)
        assert is_named(fault.mistake, report[first]), (fault.mistake.name, fault.edges)
        assert {report[name].verdict for name in others} <= {"carried forward"}
    assert affecting(network, LEAVES[network]) > 30


def test_every_rule_of_the_catalogue_is_shown_by_some_network():
    shown = set()
    for network in ASSIGNMENTS:
        run = ASSIGNMENTS[network].runs[0]
        for fault, submission in planted_in(network):
            if submission.affected:
                operations = {run.tensors[edge.step].primitive.__name__ for edge in fault.edges}
                own = operations & set(fault.mistake.rules)
                shown |= {(fault.mistake.name, at) for at in own or {ANYWHERE}}
    every = {(mistake.name, at) for mistake in CATALOGUE for at in mistake.rules}
    assert every - shown == set()


# ---- by hand, not from the catalogue ----


def softmax_backward(p, g):
    return p * (g - (p * g).sum(axis=1, keepdims=True))


def classified(x, y, W1, b1, W2, b2, wrong=None):
    """The classifier's gradients by hand; `wrong` replaces lines."""
    n = len(x)
    z1 = x @ W1 + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ W2 + b2
    p = np.exp(z2) / np.exp(z2).sum(axis=1, keepdims=True)
    d = {}
    texts = {
        "z2": lambda: (p - y) / n,
        "W2": lambda: a1.T @ d["z2"],
        "b2": lambda: d["z2"].sum(axis=0),
        "a1": lambda: d["z2"] @ W2.T,
        "z1": lambda: d["a1"] * (z1 > 0),
        "W1": lambda: x.T @ d["z1"],
        "b1": lambda: d["z1"].sum(axis=0),
    }
    q = SimpleNamespace(x=x, y=y, p=p, n=n, a1=a1, z1=z1, z2=z2)
    for line, text in texts.items():
        d[line] = wrong[line](q, d) if line in (wrong or {}) else text()
    return d


@pytest.mark.parametrize(
    ("line", "wrong", "name"),
    [
        ("z2", lambda q, d: q.p - q.y, "sum-for-mean"),
        ("z2", lambda q, d: (q.y - q.p) / q.n, "wrong-sign"),
        ("z2", lambda q, d: (q.z2 - q.y) / q.n, "missing-softmax"),
        ("z2", lambda q, d: q.p / q.n, "missing-target"),
        ("z2", lambda q, d: (q.p - 1) * q.y / q.n, "right-class-only"),
        ("z2", lambda q, d: (q.p - q.y) / q.p.size, "mean-over-everything"),
        ("z2", lambda q, d: softmax_backward(q.p, (q.p - q.y) / q.n), "softmax-twice"),
        (
            "z2",
            lambda q, d: (np.exp(q.z2) / np.exp(q.z2).sum(axis=0) - q.y) / q.n,
            "softmax-along-wrong-axis",
        ),
        ("W2", lambda q, d: q.a1.T @ d["z2"] / q.n, "mean-for-sum"),
        ("W2", lambda q, d: q.z1.T @ d["z2"], "wrong-activation"),
        ("W2", lambda q, d: np.outer(q.a1[-1], d["z2"][-1]), "one-sample-only"),
        ("b2", lambda q, d: d["z2"], "broadcast-not-summed"),
        ("b2", lambda q, d: d["z2"].mean(axis=0), "mean-for-sum"),
        ("b2", lambda q, d: d["z2"][0], "one-sample-only"),
        ("z1", lambda q, d: d["a1"], "missing-relu-derivative"),
        ("z1", lambda q, d: d["a1"] * (d["a1"] > 0), "relu-of-gradient"),
        ("z1", lambda q, d: d["a1"] * q.a1, "activation-for-derivative"),
        ("z1", lambda q, d: d["a1"] * (q.z1 <= 0), "inverted-relu-derivative"),
        ("W1", lambda q, d: q.x.T @ d["a1"], "wrong-upstream"),
        ("W1", lambda q, d: (q.x.T @ d["z1"]).T, "transposed-outer-product"),
        ("b1", lambda q, d: d["z1"].sum(axis=0) / q.n, "mean-for-sum"),
        ("b1", lambda q, d: d["z1"].sum(axis=0) * q.n, "sum-for-mean"),
    ],
)
def test_slips_in_a_classifier(line, wrong, name):
    def answers(x, y, W1, b1, W2, b2):
        return classified(x, y, W1, b1, W2, b2, {line: wrong})

    report = graded_classifier(answers)
    assert report.first_wrong == line
    assert report[line].mistakes == (name,)
    assert {entry.verdict for entry in report.lines if entry.name != line} <= {
        "right",
        "carried forward",
        "missing",
    }
    assert graded_classifier(classified_rightly).passed


def classified_rightly(x, y, W1, b1, W2, b2):
    return classified(x, y, W1, b1, W2, b2)


def graded_classifier(answers):
    return grade(answers, networks.classifier, networks.CLASSIFIER)


def recurrent(x, y, W, how):
    h1 = np.tanh(W @ x)
    h2 = np.tanh(W @ h1)
    dz2 = 2 * (h2 - y) * (1 - h2**2)
    dh1 = W.T @ dz2
    dz1 = dh1 * (1 - h1**2)
    late, early = dz2 @ h1.T, dz1 @ x.T
    return {"z2": dz2, "h1": dh1, "z1": dz1, "W": how(late, early)}


@pytest.mark.parametrize(
    ("how", "mistakes"),
    [
        (lambda late, early: late + early, ()),
        (lambda late, early: late, ("overwritten-contribution",)),
        (lambda late, early: early, ("overwritten-contribution",)),
        (lambda late, early: late - early, ("wrong-sign",)),
        (lambda late, early: (late + early) / 2, ("lost-factor-2",)),
        (lambda late, early: late + 0.5 * early, ("lost-factor-2",)),
        (lambda late, early: late + early.T, ("transposed-outer-product",)),
    ],
)
def test_slips_with_a_shared_weight(how, mistakes):
    def answers(x, y, W):
        return recurrent(x, y, W, how)

    report = grade(answers, networks.shared, networks.SHARED)
    assert report["W"].mistakes == mistakes
    assert {line.verdict for line in report.lines if line.name != "W"} <= {"right", "missing"}
    assert report.passed == (mistakes == ())


def small(a, b, z):
    """Functions that no network above has by hand."""
    q = (a / b).named("q")
    r = bp.sqrt(q).named("r")
    t = bp.tanh((r * z).named("p")).named("t")
    s = bp.log_softmax(t, axis=1).named("s")
    e = bp.exp(s).named("e")
    w = bp.reciprocal((e + b).named("k")).named("w")
    m = bp.logsumexp(w, axis=1).named("m")
    return bp.square_sum(m).named("L")


SMALL = {
    "a": np.random.default_rng(1).uniform(0.5, 2.0, (3, 4)),
    "b": np.random.default_rng(2).uniform(0.5, 2.0, (3, 4)),
    "z": np.random.default_rng(3).standard_normal((3, 4)),
}


def small_by_hand(wrong=None):
    """The gradients of that by hand; `wrong` replaces a line."""
    texts = {
        "m": lambda q, d: 2 * q.m,
        "w": lambda q, d: d["m"][:, None] * np.exp(q.w - q.m[:, None]),
        "k": lambda q, d: -d["w"] * q.w**2,
        "e": lambda q, d: d["k"],
        "s": lambda q, d: d["e"] * q.e,
        "t": lambda q, d: d["s"] - np.exp(q.s) * d["s"].sum(axis=1, keepdims=True),
        "p": lambda q, d: d["t"] * (1 - q.t**2),
        "r": lambda q, d: d["p"] * q.z,
        "q": lambda q, d: d["r"] / (2 * q.r),
        "a": lambda q, d: d["q"] / q.b,
        "b": lambda q, d: -d["q"] * q.a / q.b**2 + d["k"],
    } | (wrong or {})

    def answers(a, b, z, q, r, p, t, s, e, k, w, m):
        values, d = SimpleNamespace(**locals()), {}
        for line, text in texts.items():
            d[line] = text(values, d)
        return d

    return answers


@pytest.mark.parametrize(
    ("line", "wrong", "name"),
    [
        ("w", lambda q, d: d["m"][:, None] + 0 * q.w, "logsumexp-without-softmax"),
        ("k", lambda q, d: d["w"], "missing-derivative"),
        ("k", lambda q, d: -d["w"] * q.w, "divisor-not-squared"),
        ("s", lambda q, d: d["e"], "missing-derivative"),
        ("s", lambda q, d: d["e"] * q.s, "exponent-for-exp"),
        ("t", lambda q, d: d["s"] * (1 - np.exp(q.s)), "log-softmax-diagonal"),
        ("t", lambda q, d: d["s"], "missing-softmax-derivative"),
        ("t", lambda q, d: softmax_backward(np.exp(q.s), d["s"]), "softmax-for-log-softmax"),
        ("p", lambda q, d: d["t"] * (1 - np.tanh(q.t) ** 2), "tanh-derivative-of-activation"),
        ("p", lambda q, d: d["t"] * (1 - q.p**2), "tanh-derivative-at-pre-activation"),
        ("p", lambda q, d: d["t"] * (1 - q.t), "tanh-lost-square"),
        ("p", lambda q, d: d["t"] * (1 - q.t**2) ** 2, "squared-tanh-derivative"),
        ("p", lambda q, d: d["t"] * q.t * (1 - q.t), "sigmoid-derivative"),
        ("p", lambda q, d: d["t"], "missing-tanh-derivative"),
        ("q", lambda q, d: d["r"] * q.r / 2, "root-not-inverted"),
        ("q", lambda q, d: d["r"], "missing-derivative"),
        ("b", lambda q, d: -d["q"] * q.a / q.b + d["k"], "divisor-not-squared"),
    ],
)
def test_slips_in_small_functions(line, wrong, name):
    report = grade(small_by_hand({line: wrong}), small, SMALL)
    assert report.first_wrong == line
    assert report[line].mistakes == (name,)
    assert grade(small_by_hand(), small, SMALL, required=()).passed


def test_a_missing_derivative_of_a_users_own_function_is_named():
    @bp.primitive(kind="entrywise")
    def cube(a):
        return a**3

    @cube.backward
    def _(out, a):
        return lambda g: g * 3.0 * a**2

    def problem(x):
        return bp.square_sum(cube(x).named("c")).named("L")

    report = grade(lambda c: {"c": 2 * c, "x": 2 * c}, problem, {"x": [0.5, 1.5, -2.0]})
    assert report.first_wrong == "x"
    assert report["x"].mistakes == ("missing-derivative",)
    assert grade(lambda c, x: {"x": 6 * c * x**2}, problem, {"x": [0.5, 1.5, -2.0]}).passed


def convolved(x, K, y, c, a, m, to_image, to_kernels, to_pool):
    """The gradients of the convolution by hand, with loops over the windows."""
    da, dm = np.zeros_like(a), 2 * (m - y)
    for n, o, i, j in np.ndindex(2, 3, 2, 2):
        at = np.s_[n, o, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        da[at] += dm[n, o, i, j] * to_pool(a[at])
    dc = da * (c > 0)
    wide = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    by_x, by_K = np.zeros_like(wide), np.zeros_like(K)
    for n, o, i, j in np.ndindex(2, 3, 4, 5):
        by_K[o] += dc[n, o, i, j] * wide[n, :, i : i + 3, j : j + 3]
        by_x[n, :, i : i + 3, j : j + 3] += dc[n, o, i, j] * to_image(K[o])
    return {"m": dm, "a": da, "c": dc, "x": by_x[:, :, 1:-1, 1:-1], "K": to_kernels(by_K)}


def same_way(kernels):
    return kernels


def flipped(kernels):
    return kernels[..., ::-1, ::-1]


def shares(window):
    """1 for the largest entry; where a relu has cut all off, they share."""
    return (window == window.max()) / (window == window.max()).sum()


@pytest.mark.parametrize(
    ("wrong", "line", "name"),
    [
        ({}, None, None),
        ({"to_image": flipped}, "x", "kernel-flip"),
        ({"to_kernels": flipped}, "K", "kernel-flip"),
        ({"to_pool": np.ones_like}, "a", "maximum-shared-out"),
        ({"to_pool": lambda window: np.full_like(window, 0.25)}, "a", "maximum-shared-out"),
    ],
)
def test_slips_in_a_convolution(wrong, line, name):
    rules = {"to_image": same_way, "to_kernels": same_way, "to_pool": shares} | wrong

    def answers(x, K, y, c, a, m):
        return convolved(x, K, y, c, a, m, **rules)

    report = grade(answers, networks.convolution, networks.CONVOLUTION)
    assert report.first_wrong == line
    assert report.passed == (line is None)
    assert line is None or report[line].mistakes == (name,)


# ---- the table itself ----


def test_rows_are_written_alike():
    for mistake in CATALOGUE:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", mistake.name)
        assert mistake.sentence.endswith(".")
        assert not mistake.sentence.startswith(" ")
        assert mistake.see[0].isupper()
        assert mistake.see.endswith((".", "?"))


def test_a_name_has_one_row():
    names = [mistake.name for mistake in CATALOGUE]
    assert len(names) == len(set(names))


def test_a_mistake_is_looked_up_by_name_and_a_mistyped_name_is_told():
    assert named("lost-factor-2").sentence.startswith("A factor 2 was lost")
    with pytest.raises(ValueError, match=r"no mistake 'lost-factor'\. Is lost-factor-2 meant\?"):
        named("lost-factor")
    with pytest.raises(ValueError, match="inject --list shows them all"):
        named("?")
    with pytest.raises(ValueError, match="Is missing-relu-derivative meant"):
        named("missing-relu")


def test_the_operations_exist():
    operations = {at for mistake in CATALOGUE for at in mistake.rules} - {ANYWHERE}
    assert operations <= set(TABLE)


def test_the_mistakes_that_the_verification_plants_are_called_alike():
    assert set(PLANTED) <= {mistake.name for mistake in CATALOGUE}


def test_a_new_mistake_is_one_row(monkeypatch):
    from tinygrad_bp.mistakes.wrong_rules import rule

    def answers(y, y_hat):
        return {"y_hat": -2 * (y - y_hat), "z3": -2 * (y - y_hat) * y_hat**3}

    assert grade(answers)["z3"].mistakes == ()
    cubed = rule(lambda p, z, axis: lambda g: g * p**3)
    row = Mistake("It is cubed.", "Look.", softmax=cubed)
    row.name = "cubed"
    monkeypatch.setattr(catalogue, "CATALOGUE", (*CATALOGUE, row))
    assert grade(answers)["z3"].mistakes == ("cubed",)
