"""An unexpected error costs a reader one line of a document; here it has to be seen."""

import pytest

from tinygrad_bp.written import judged


@pytest.fixture(autouse=True)
def errors_are_seen(monkeypatch):
    monkeypatch.setattr(judged, "UNEXPECTED", ())
