"""Planted faults: the checks must reject each, or they prove nothing of what they pass.

Every closure of every entry is made wrong in each of several ways, one closure at a time, and so
are forward functions, twins and the sweep. A mutation that changes nothing stands in a table here
with the reason, and the test asserts that the checks pass it: so the table can excuse nothing else.
"""

import functools

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp import engine
from tinygrad_bp.table import TABLE

from ..sweeps import every, sample
from . import checks
from .cases import PRIMITIVES, TRIALS, arity, trials_of
from .test_table import composed, of_equal_shapes, witness


def rejected(trials, *some_checks):
    """Say whether a check fails for any trial; that shapes do not fit is a failure too."""
    for check in some_checks:
        for trial in trials:
            try:
                check(trial, trial.operands)
            except (AssertionError, ValueError):
                return True
    return False


@functools.cache
def with_differences(name):
    """Return an entry's trials, and check_first with differences that are computed once.

    They are those of the true rule: a wrong rule changes no value.
    """
    trials, known = trials_of(name), {}

    def check_first(trial, operands):
        if id(trial) not in known:
            known[id(trial)] = checks.differences(trial, operands)
        checks.check_first(trial, operands, known[id(trial)])

    return trials, check_first


def rejected_by_differences(name):
    trials, check_first = with_differences(name)
    return rejected(trials, check_first, checks.check_second)


@pytest.mark.parametrize("name", ["exp", "softmax", "matmul"])
def test_the_true_rule_is_not_rejected(name):
    """That of every entry is checked in test_table.py."""
    assert not rejected_by_differences(name)


# ---- Wrong closures ----


def changed_at(rule, i, change):
    """Return the rule with its closure for operand i changed."""

    def wrong(out, *operands, **settings):
        closures = rule(out, *operands, **settings)
        closures = list(closures) if isinstance(closures, tuple) else [closures]
        if i < len(closures):  # an entry that takes any number of operands may have fewer here
            closures[i] = change(closures[i])
        return tuple(closures)

    return wrong


def half_dropped(g):
    """Return the upstream gradient without every second entry."""
    kept = np.ones(g.shape, dtype=g.dtype)
    kept.flat[::2] = 0.0
    return g * kept


def largest_dropped(a):
    """Return a contribution without its largest entry."""
    size = np.abs(a.data if isinstance(a, bp.Tensor) else a)
    return np.where(size < np.max(size, initial=0.0), a, 0.0)


def transposed(a):
    """Return square matrices transposed; others would be given away by their shape alone."""
    return a.mT if a.ndim > 1 and a.shape[-2] == a.shape[-1] else a


MUTATIONS = {
    "sign": lambda closure: lambda g: -closure(g),
    "factor 2": lambda closure: lambda g: 2.0 * closure(g),
    "factor 1/2": lambda closure: lambda g: 0.5 * closure(g),
    "factor 1 + 1e-8": lambda closure: lambda g: (1.0 + 1e-8) * closure(g),
    "terms dropped": lambda closure: lambda g: closure(half_dropped(g)),
    "an entry dropped": lambda closure: lambda g: largest_dropped(closure(g)),
    "transposed": lambda closure: lambda g: transposed(closure(g)),
    "g ignored": lambda closure: lambda g: closure(np.ones(g.shape)),
    "nothing flows": lambda closure: None,
}

#: Operands that no gradient flows to. Their closure is None, so there is nothing to make wrong.
NOTHING_FLOWS = {
    *(("sign", 0), ("where", 0), ("floor_divide", 0), ("floor_divide", 1)),
    *((name, 0) for name in ("floor", "ceil", "trunc", "rint", "round", "sign_of_det")),
}

OPERANDS = [(name, i) for name in PRIMITIVES for i in range(arity(TABLE[name]))]


@pytest.mark.parametrize(("name", "i"), [o for o in OPERANDS if o not in NOTHING_FLOWS])
def test_a_wrong_closure_is_rejected(monkeypatch, name, i):
    rule = TABLE[name].rule
    for mutation, change in MUTATIONS.items():
        monkeypatch.setattr(TABLE[name], "rule", changed_at(rule, i, change))
        assert rejected_by_differences(name), mutation


@pytest.mark.parametrize(("name", "i"), sorted(NOTHING_FLOWS))
def test_a_gradient_where_none_flows_is_rejected(monkeypatch, name, i):
    rule = changed_at(TABLE[name].rule, i, lambda closure: lambda g: g)
    monkeypatch.setattr(TABLE[name], "rule", rule)
    assert rejected_by_differences(name)


#: Entries whose closures are the same function, so that swapping them changes nothing.
SYMMETRIC = {"add", "floor_divide"}


@pytest.mark.parametrize("name", [name for name in PRIMITIVES if arity(TABLE[name]) > 1])
def test_swapped_closures_are_rejected(monkeypatch, name):
    rule = TABLE[name].rule

    def swapped(out, *operands, **settings):
        *first, a, b = rule(out, *operands, **settings)
        return (*first, b, a)

    monkeypatch.setattr(TABLE[name], "rule", swapped)
    several = [trial for trial in trials_of(name) if len(trial.operands) > 1]
    assert rejected(several, checks.check_first, checks.check_second) == (name not in SYMMETRIC)


# ---- Rules that are right once, and wrong when they are differentiated ----

#: Entries that are linear, or linear in pieces: their gradient does not change with the operands,
#: so there is nothing to forget.
LINEAR = {
    *("add", "subtract", "negative", "where", "absolute", "sign", "maximum", "minimum"),
    *("relu", "leaky_relu", "matrix_transpose", "transpose", "diagonal", "on_diagonal", "trace"),
    *("sum", "sum_to", "mean", "max", "min", "cumsum", "identity", "astype", "reshape", "ravel"),
    *("expand_dims", "squeeze", "flip", "roll", "broadcast_to", "repeat", "tile", "concatenate"),
    *("stack", "pad_with_constants", "clip_to_numbers", "deg2rad", "rad2deg"),
    *("floor", "ceil", "trunc", "rint", "round", "floor_divide", "remainder", "fmod"),
    "sign_of_det",
    *("getitem", "scatter", "take_along_axis", "windows", "from_windows"),
}


def forgetful(rule):
    """Return the rule with plain arrays for the operands: a gradient that remembers only g."""

    def wrong(*values, **settings):
        return rule(*(x.data if isinstance(x, bp.Tensor) else x for x in values), **settings)

    return wrong


@pytest.mark.sweep
@pytest.mark.parametrize("name", PRIMITIVES)
def test_a_rule_that_forgets_its_history_is_rejected(monkeypatch, name):
    monkeypatch.setattr(TABLE[name], "rule", forgetful(TABLE[name].rule))
    trials, check_first = with_differences(name)
    some = sample(trials, 6 if name in LINEAR else 1)
    assert not rejected(some, check_first)
    found = rejected(some, checks.check_second)
    assert found == (name not in LINEAR), f"is {name} linear? LINEAR in this file says which are"


# ---- A control for each of the other checks ----

LAST_OPERAND = {name: arity(TABLE[name]) - 1 for name in PRIMITIVES}
DIFFERENTIABLE = [name for name, i in LAST_OPERAND.items() if (name, i) not in NOTHING_FLOWS]


def plant_rule(monkeypatch, name, change):
    """Change the closure of an entry's last operand."""
    rule = changed_at(TABLE[name].rule, LAST_OPERAND[name], change)
    monkeypatch.setattr(TABLE[name], "rule", rule)


def plant_forward(monkeypatch, name, wrong):
    """Replace an entry's forward function by one that is given the true one, and the operands."""
    forward = TABLE[name].forward

    def planted(*operands, **settings):
        return wrong(lambda *values: forward(*values, **settings), *operands)

    monkeypatch.setattr(TABLE[name], "forward", planted)


def as_it_lies(a):
    """Read an array as if it were contiguous, as code does that forgets about strides."""
    if not isinstance(a, np.ndarray) or a.base is None:
        return a
    return a.base.ravel()[: a.size].reshape(a.shape)


@every("name", DIFFERENTIABLE)
def test_a_rule_that_is_not_linear_in_g_is_rejected(monkeypatch, name):
    plant_rule(monkeypatch, name, lambda closure: lambda g: closure(np.abs(g)))
    assert rejected(trials_of(name), checks.check_linear)


@every("name", DIFFERENTIABLE)
def test_a_rule_that_differs_on_tensors_is_rejected(monkeypatch, name):
    def change(closure):
        return lambda g: closure(g * (1.0 + 1e-15) if isinstance(g, bp.Tensor) else g)

    plant_rule(monkeypatch, name, change)
    assert rejected(trials_of(name), checks.check_recorded)


#: Entries that add everything up, so that the same wrong order in all operands changes nothing.
UNORDERED = {"square_sum", "mean_binary_cross_entropy"}


@every("name", DIFFERENTIABLE)
def test_a_rule_that_forgets_the_strides_of_g_is_rejected(monkeypatch, name):
    plant_rule(monkeypatch, name, lambda closure: lambda g: closure(as_it_lies(g)))
    outputs = [trial(*trial.operands) for trial in trials_of(name)]
    has_strides = any(np.ndim(out) for out in outputs)  # else g is one number each time
    assert rejected(trials_of(name), checks.check_upstream_layout) == has_strides


@pytest.mark.parametrize("layout", checks.LAYOUTS)
@every("name", PRIMITIVES)
def test_a_forward_that_forgets_strides_is_rejected(monkeypatch, name, layout):
    def check(f, operands):
        checks.check_layout(f, operands, layout)

    plant_forward(monkeypatch, name, lambda forward, *a: forward(*map(as_it_lies, a)))
    excused = name in UNORDERED and layout != "not contiguous"
    assert rejected(trials_of(name), check) == (not excused)


@every("name", PRIMITIVES)
def test_a_forward_that_leaves_float32_is_rejected(monkeypatch, name):
    plant_forward(monkeypatch, name, lambda forward, *a: np.asarray(forward(*a), np.float64))
    assert rejected(trials_of(name), checks.check_float32)


@every("name", filter(witness, PRIMITIVES))
def test_a_wrong_value_is_rejected(monkeypatch, name):
    def check(trial, operands):
        checks.check_value(trial, lambda *a: trial.applied(witness(name), *a), operands)

    plant_forward(monkeypatch, name, lambda forward, *a: forward(*a) * (1.0 + 1e-12))
    assert rejected(trials_of(name), check)


TWINS = list(filter(composed, PRIMITIVES))


def differs_from_twin(name):
    def check(trial, operands):
        checks.check_twin(trial, lambda *a: trial.applied(composed(name), *a), operands)

    return rejected(trials_of(name)[:2], check)


@pytest.mark.parametrize("name", TWINS)
def test_a_value_other_than_that_of_the_twin_is_rejected(monkeypatch, name):
    assert not differs_from_twin(name)
    plant_forward(monkeypatch, name, lambda forward, *a: forward(*a) * (1.0 + 1e-12))
    assert differs_from_twin(name)


@pytest.mark.parametrize("name", TWINS)
def test_a_gradient_other_than_that_of_the_twin_is_rejected(monkeypatch, name):
    plant_rule(monkeypatch, name, lambda closure: lambda g: closure(g) * (1.0 + 1e-12))
    assert differs_from_twin(name)


@pytest.mark.parametrize("name", [name for name in TWINS if name not in LINEAR])
def test_a_second_gradient_other_than_that_of_the_twin_is_rejected(monkeypatch, name):
    monkeypatch.setattr(TABLE[name], "rule", forgetful(TABLE[name].rule))
    assert differs_from_twin(name)


# ---- A wrong sweep ----

SHARED = [
    trial
    for trial in TRIALS
    if of_equal_shapes(trial) and trial.operands[-1].size and trial.name != "floor_divide"
]

BROADCASTING = [
    *("add", "subtract", "multiply", "divide", "power", "where", "maximum", "minimum"),
    *("matmul", "contraction", "einsum", "broadcast_to"),
]


@every("trial", SHARED)
def test_a_sweep_that_overwrites_instead_of_adding_up_is_rejected(monkeypatch, trial):
    monkeypatch.setattr(engine, "add_up", lambda x, earlier, contribution: contribution)
    assert rejected([trial], checks.check_shared)


def averaged_to(x, contribution, tensor):
    return TABLE["sum_to"](contribution, shape=x.shape) * (x.size / contribution.size)


@pytest.mark.parametrize("wrong", [averaged_to, lambda x, contribution, tensor: contribution])
@pytest.mark.parametrize("name", BROADCASTING)
def test_a_sweep_that_does_not_sum_over_broadcast_axes_is_rejected(monkeypatch, name, wrong):
    monkeypatch.setattr(engine, "sum_copies", wrong)
    not_empty = [t for t in trials_of(name) if all(np.size(x) for x in t.operands)]
    assert rejected(not_empty, checks.check_first)
