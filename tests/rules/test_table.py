"""Every entry of the rule table, with each of its cases, through every check.

Nothing here names an entry: what an entry is tried on stands in cases.py, and what it must satisfy
in checks.py. A new entry is tested by being in the table.
"""

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.table import TABLE

from ..sweeps import every, sample
from . import checks
from .cases import ROWS, Trial, each, row_of, trials_of

over_entries = pytest.mark.parametrize("name", TABLE)  # where each takes long
over_all_entries = every("name", TABLE)


def of_equal_shapes(trial):
    """Say whether one array can be every operand that moves, of two or more."""
    shapes = [trial.operands[i].shape for i in checks.moving(trial.operands)]
    return len(shapes) > 1 and len(set(shapes)) == 1


def composed(name):
    return getattr(TABLE[name], "composed", None)


def witness(name):
    """Return a plain function to compare an entry's values with, or None."""
    numpys = getattr(np, name, None) or getattr(np.linalg, name, None)
    return row_of(name).reference or numpys or composed(name)


@over_entries
def test_the_gradient_is_that_of_differences(name):
    each(trials_of(name), lambda trial: checks.check_first(trial, trial.operands))


@pytest.mark.sweep
@over_entries
def test_the_second_gradient_is_that_of_differences(name):
    some = sample(trials_of(name), 3)
    each(some, lambda trial: checks.check_second(trial, trial.operands))


@over_all_entries
def test_one_array_as_every_operand_gets_all_contributions(name):
    alike = filter(of_equal_shapes, trials_of(name))
    each(alike, lambda trial: checks.check_shared(trial, trial.operands))


@over_all_entries
def test_the_rule_is_linear_in_the_upstream_gradient(name):
    each(trials_of(name), lambda trial: checks.check_linear(trial, trial.operands))


@over_all_entries
def test_the_rule_gives_the_same_numbers_on_tensors(name):
    each(trials_of(name), lambda trial: checks.check_recorded(trial, trial.operands))


@pytest.mark.parametrize("layout", checks.LAYOUTS)
@over_all_entries
def test_operands_may_lie_in_memory_in_any_way(name, layout):
    each(trials_of(name), lambda trial: checks.check_layout(trial, trial.operands, layout))


@over_all_entries
def test_the_upstream_gradient_may_lie_in_memory_in_any_way(name):
    each(trials_of(name), lambda trial: checks.check_upstream_layout(trial, trial.operands))


@over_all_entries
def test_float32_stays_float32(name):
    def check(trial):
        dtype = trial.case.settings.get("dtype", np.float32)
        checks.check_float32(trial, trial.operands, dtype)

    each(trials_of(name), check)


@every("name", filter(witness, TABLE))
def test_the_value_is_that_of_a_plain_function(name):
    def check(trial):
        def plain(*operands):
            return trial.applied(witness(name), *operands)

        checks.check_value(trial, plain, trial.operands)

    each(trials_of(name), check)


@every("name", filter(composed, TABLE))
def test_the_composed_twin_agrees(name):
    def check(trial):
        def twin(*operands):
            return trial.applied(composed(name), *operands)

        checks.check_twin(trial, twin, trial.operands)

    each([t for t in trials_of(name) if t.case not in row_of(name).corners], check)


def test_a_case_that_fails_is_named():
    with pytest.raises(AssertionError) as caught:
        each(trials_of("exp"), lambda trial: checks.check_value(trial, np.sin, trial.operands))
    assert caught.value.__notes__ == [f"the case is {trials_of('exp')[0]}"]


# ---- The cases themselves ----


@pytest.mark.parametrize(
    "kind", [lambda x: np.ndim(x) == 0, lambda x: np.size(x) == 0], ids=["scalar", "empty"]
)
@over_all_entries
def test_every_entry_meets_or_refuses_scalars_and_empty_arrays(name, kind):
    def is_met(case):
        return any(isinstance(x, np.ndarray) and kind(x) for x in case.operands)

    row = row_of(name)
    if any(is_met(case) for case in [*row.cases, *row.more, *row.corners]):
        return
    refused = [Trial(name, case) for case in row.refuses if is_met(case)]
    assert refused, f"give {name} a case with such an operand in tests/rules/cases.py"
    for trial in refused:
        with pytest.raises((TypeError, ValueError, IndexError, ArithmeticError, RuntimeWarning)):
            trial(*trial.operands)


@over_all_entries
def test_every_entry_has_a_witness_of_its_values(name):
    assert witness(name), (
        f"{name} has no twin, and NumPy has no {name}: give its row in ROWS of "
        f'tests/rules/cases.py a reference: "{name}": Row([...], reference=...).'
    )


@every("name", [name for name in TABLE if hasattr(bp, name)])
def test_every_public_entry_has_an_example(name):
    assert ">>> " in TABLE[name].__doc__, f"show in the docstring of {name} what it does"


def test_every_row_belongs_to_an_entry():
    assert set(ROWS) <= set(TABLE)


def test_an_entry_without_a_row_is_tried_as_an_elementwise_function(monkeypatch):
    monkeypatch.setitem(TABLE, "halved", lambda a: 0.5 * a)
    shapes = [trial.operands[0].shape for trial in trials_of("halved")]
    assert shapes == [(2, 3), (3, 3), (), (0, 3)]
    for trial in trials_of("halved"):
        checks.check_second(trial, trial.operands)


def test_an_illegal_default_says_which_row_to_add(monkeypatch):
    monkeypatch.setitem(TABLE, "root", lambda a: np.sqrt(a))
    trial = trials_of("root")[0]
    with pytest.raises(RuntimeWarning) as caught:
        checks.check_first(trial, trial.operands)
    assert caught.value.__notes__ == [
        "root has no row in ROWS of tests/rules/cases.py, so it was tried as an elementwise "
        "function of numbers from -2.0 to 2.0. If it is not one, add a row: "
        '"root": Row([case(...), ...]).'
    ]
