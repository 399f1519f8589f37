"""A line that is right but for rounding holds, whatever the rounding passed through."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_bp as bp


@pytest.mark.parametrize("seed", range(12))
def test_rounding_inside_a_function_is_no_mistake(seed: int) -> None:
    # Over one entry log_softmax is 0; written out, z - log(exp(z)) is sometimes 1e-16.
    x = bp.tensor(np.random.default_rng(seed).normal(size=(3, 1)), requires_grad=True, name="x")
    L = bp.sum(bp.tanh(bp.log_softmax(x, axis=-1)) * x).named("L")
    for form in ("matrix", "index"):
        assert "tanh" in bp.derive(L, form=form).text  # type: ignore[arg-type]
