"""The examples in docstrings begin where a session of a user's does: both modules are imported."""

from typing import Any

import numpy as np
import pytest

import tinygrad_bp as bp


@pytest.fixture(autouse=True)
def imported(doctest_namespace: dict[str, Any]) -> None:
    """Import what every example uses."""
    doctest_namespace.update(np=np, bp=bp)
