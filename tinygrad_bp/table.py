"""The rule table: every operation by its name, NumPy's where NumPy has it.

The rules fill it (``rules/__init__.py``); the engine below them only looks operations up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .tensor import Tensor

TABLE: dict[str, Callable[..., Tensor]] = {}

#: Comparisons, by the name of their operator's method. They carry no gradient, and are recorded
#: only where an expression is to be written down (see ``rules/comparisons.py``).
COMPARISONS: dict[str, Callable[..., Tensor]] = {}
