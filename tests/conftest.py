"""A fixture of several folders of tests."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from .chromium import launched  # only where a test asks for it: its packages are optional

    with launched() as browser:
        yield browser
