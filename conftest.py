"""The examples in docstrings begin where a session of a user's does: both modules are imported."""

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

import tinygrad_bp as bp

settings.register_profile("untimed", deadline=None)  # or a test may fail where a machine is busy
settings.load_profile("untimed")

#: For the sweeps of tests/sweeps.py: each in full.
settings.register_profile("thorough", max_examples=1000)

COMPILING = "tinygrad_bp/compiling"

#: Files that import an optional package at their head, and can be read only where it is there.
collect_ignore = [f"{COMPILING}/jax_text.py"] * (find_spec("jax") is None)
collect_ignore += [f"{COMPILING}/numba_functions.py", f"{COMPILING}/numba_text.py"] * (
    find_spec("numba") is None
)


@pytest.fixture(autouse=True)
def imported(doctest_namespace: dict[str, Any]) -> None:
    """Import what every example uses."""
    doctest_namespace.update(np=np, bp=bp)
