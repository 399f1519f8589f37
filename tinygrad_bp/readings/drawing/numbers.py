"""Values as a picture shows them: small arrays entry by entry, others by their range."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import values

#: By level of detail: an array is written out up to so many entries, and so many along an axis.
MOST_ENTRIES = {"ops": 12, "values": 100}
LONGEST_AXIS = {"ops": 6, "values": 12}


def is_small(array: np.ndarray, level: str) -> bool:
    """Say whether an array is written out: as a number, or as a table of rows and columns."""
    if array.ndim > 2 or not array.size or level not in MOST_ENTRIES:
        return False
    longest = max(array.shape, default=0)
    return array.size <= MOST_ENTRIES[level] and longest <= LONGEST_AXIS[level]


def summary(array: np.ndarray) -> str:
    """Write the range of an array.

    Examples
    --------
    >>> summary(np.array([1.0, -0.5, 0.25]))
    'min -0.5, max 1'
    """
    if not array.size:
        return "empty"
    return f"min {number(array.min())}, max {number(array.max())}"


def in_line(array: np.ndarray, level: str) -> str:
    """Write an array in a line.

    Examples
    --------
    >>> in_line(np.array([[1.0, 0.5]]), "ops"), in_line(np.zeros(50), "ops")
    ('[[1, 0.5]]', 'min 0, max 0')
    """
    if not is_small(array, level):
        return summary(array)
    if array.ndim == 2:
        return f"[{', '.join(in_line(row, level) for row in array)}]"
    entries = ", ".join(map(number, np.atleast_1d(array)))
    return f"[{entries}]" if array.ndim else entries


def number(value: Any) -> str:
    """Write a number, a float to three digits."""
    return values.number(value, digits=3)
