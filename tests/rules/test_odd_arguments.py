"""Arguments of unusual types: what the forward function accepts, the rule differentiates."""

import warnings

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp.table import TABLE

from ..sweeps import sample
from . import checks
from .cases import Case, Trial, trials_of
from .test_operand_types import refused

ODD = [
    *("1", "same", 1.5, 1.0, None, True, (), (1,), (0, 1), [], [1], [0], [1.0], [[1, 0]]),
    *(np.int64(1), np.int8(1), np.uint8(1), np.float64(1.0), np.True_, np.array(1)),
    *(np.array([1]), np.array([0, 1]), range(2), {}),
]


def outcome(f, *operands):
    """Return the value of a Tensor that a function gives, or the error with which it refuses."""
    try:
        return f(*operands).data
    except (TypeError, ValueError, IndexError) as error:
        return error


PUBLIC = [name for name, entry in TABLE.items() if hasattr(bp, name) and hasattr(entry, "settings")]


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("name", "argument"), [(name, word) for name in PUBLIC for word in TABLE[name].settings]
)
def test_an_odd_argument_is_refused_at_once_or_differentiated_rightly(name, argument):
    for trial in sample(trials_of(name)[:3], 3):
        for value in ODD:
            if name == "tile" and type(value) is dict:  # NumPy takes it for ()
                continue
            odd = Trial(name, Case(trial.operands, {**trial.case.settings, argument: value}))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = outcome(odd, *checks.leaves(trial.operands)[0])
                if not refused(odd, found) and np.isfinite(found).all():
                    checks.check_first(odd, trial.operands)
