"""How an array is written: its entries to four digits, or a summary where they are many."""

from __future__ import annotations

import math
from itertools import islice
from typing import Any

import numpy as np

#: An array is written out up to here, and summarised beyond; of more than two axes, sooner.
MOST_ENTRIES = 36
MOST_IN_DEPTH = 8
LONGEST_AXIS = 6

#: How many first entries of a large array are written.
FIRST_ENTRIES = 4


def is_small(array: np.ndarray) -> bool:
    """Say whether an array is written out."""
    most = MOST_ENTRIES if array.ndim <= 2 else MOST_IN_DEPTH
    return array.size <= most and max(array.shape, default=0) <= LONGEST_AXIS


def shown(value: np.ndarray) -> str:
    """Write an array in one line: its entries, or a summary where they are many."""
    if is_small(value):
        return nested(written_alike(value), value.shape)
    if not value.size:
        return f"{by_shape(value)}, which has no entries"
    first = ", ".join(number(entry) for entry in islice(value.flat, FIRST_ENTRIES))
    return f"{by_shape(value)} from {number(value.min())} to {number(value.max())}: {first}, …"


def nested(texts: list[str], shape: tuple[int, ...]) -> str:
    """Write entries as nested lists."""
    if not shape:
        return texts[0]
    n = math.prod(shape[1:])
    parts = (nested(texts[i * n : (i + 1) * n], shape[1:]) for i in range(shape[0]))
    return f"[{', '.join(parts)}]"


def written_alike(value: np.ndarray) -> list[str]:
    """Write the entries of an array, all to as many decimals: four digits of the largest."""
    entries = value.ravel().tolist()
    largest = max((abs(x) for x in entries if math.isfinite(x)), default=0)
    if len(entries) < 2 or value.dtype.kind != "f" or not 1e-3 <= largest < 1e4:
        return [number(entry) for entry in entries]
    decimals = 3 - math.floor(math.log10(largest))
    texts = [f"{entry:z.{decimals}f}" for entry in entries]
    if decimals:
        spare = min(len(text) - len(text.rstrip("0")) for text in texts)
        texts = [text[: len(text) - spare].rstrip(".") for text in texts]
    return [
        f"{entry:.0e}" if entry and not float(text) else text  # small, but not zero
        for entry, text in zip(entries, texts, strict=True)
    ]


def by_shape(array: np.ndarray) -> str:
    """Stand in for a large array: ``⟨64×10⟩``."""
    return f"⟨{'×'.join(map(str, array.shape))}⟩"


def number(value: Any, digits: int = 4) -> str:
    """Write a number: the significant digits of a float, and never "-0"; all of an integer."""
    return f"{value:z.{digits}g}" if isinstance(value, (float, np.floating)) else str(value)
