"""How much a run tries: a part of each sweep by default, and all of it in the thorough profile.

`pytest --hypothesis-profile=thorough -m sweep` runs all of the sweeps, as `.ci/run` does. A test
whose cases or examples depend on the profile carries the mark `sweep`.
"""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import settings

THOROUGH = settings.default.max_examples >= 1000

thorough_alone = pytest.mark.skipif(not THOROUGH, reason="run by --hypothesis-profile=thorough")


def examples(many: int) -> int:
    """Return how many examples to draw: a tenth of many, or many if the run is thorough."""
    return many if THOROUGH else many // 10


def sample(cases: Iterable[Any], every: int) -> list[Any]:
    """Return one case of so many, the first among them, or all if the run is thorough."""
    return list(cases)[:: 1 if THOROUGH else every]
