"""The rule table: every operation by its name, NumPy's where NumPy has it.

The rules fill it (``rules/__init__.py``); the engine below them only looks operations up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .tensor import Tensor

TABLE: dict[str, Callable[..., Tensor]] = {}
