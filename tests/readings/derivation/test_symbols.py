"""How long a gradient is, multiplied out: what says whether it is shown."""

from __future__ import annotations

import ast

from tinygrad_bp.readings.derivation.tidy import symbols


def test_symbols_are_counted_without_indices() -> None:
    tree = ast.parse("g * (1.0 - np.sum(-a[i], axis=0))", mode="eval").body
    assert symbols(tree, {"g": 5}) == 9
