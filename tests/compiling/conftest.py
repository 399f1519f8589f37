"""What the tests of compiled functions share: a folder for machine code, and kernels as Python."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYGRAD_BP_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def interpreted(monkeypatch):
    """Run kernels as Python, which they are too: compiling one takes seconds."""
    numba = pytest.importorskip("numba")
    pytest.importorskip("scipy")
    from tinygrad_bp.compiling import numba_functions

    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    for name in ("exp", "log", "tanh"):
        monkeypatch.setattr(numba_functions, name, getattr(np, name))
