"""Fixtures of the tests that run submissions in processes of their own."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tinygrad_bp.grading import isolated


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Make a folder that any user can reach and write in: pytest's own is for one user alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


@pytest.fixture
def lives(monkeypatch):
    """Measure how long each process lives once it has come to the submission.

    To start Python takes a while on a machine that is busy, and does not count. The timer
    of its start is canceled where it has come there.
    """
    lives, run = [], isolated.run

    class Start(isolated.Timer):
        def cancel(self):
            begun.append(time.monotonic())
            super().cancel()

    def measured(*arguments):
        begun.clear()
        result = run(*arguments)
        lives.append(time.monotonic() - begun[0])
        return result

    begun = []
    monkeypatch.setattr(isolated, "Timer", Start)
    monkeypatch.setattr(isolated, "run", measured)
    return lives
