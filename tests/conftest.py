"""A fixture of several folders of tests."""

from collections.abc import Iterator
from typing import Any

import pytest

from .chromium import launched


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as browser:
        yield browser
