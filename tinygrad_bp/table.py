"""The rule table: every operation by its name, NumPy's where NumPy has it.

The rules fill it (``rules/__init__.py``); the engine below them only looks operations up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

TABLE: dict[str, Callable[..., Any]] = {}

#: Comparisons, by the name of their operator's method. They carry no gradient, and are recorded
#: only where an expression is to be written down (see ``rules/comparisons.py``).
COMPARISONS: dict[str, Callable[..., Any]] = {}

#: The operation that a NumPy function stands for, when it is called on a Tensor.
FUNCTIONS: dict[Any, Callable[..., Any]] = {}

#: Where NumPy has another name for an argument of an operation.
PARAMETERS: dict[str, str] = {}

#: NumPy functions whose results are booleans or integers: computed, and not recorded.
WITHOUT_GRADIENT: set[Any] = set()
