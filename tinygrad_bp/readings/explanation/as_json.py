"""Steps, gradients and arrays as what JSON can hold, with the engine's values as they are."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from ...notation.formula import Formula
from ...notation.numbers import FIRST_ENTRIES, fits
from ..steps.sweep import Contribution, Given, Gradient, Step, Term
from .text import flowing, units

#: What is written of each part, by name.
WRITTEN = {
    Given: "tensor values",
    Gradient: "tensor gradient value terms",
    Term: "step operand",
    Contribution: "operand tensor gradient term terms rule numbers value broadcast",
    Step: "number tensor operation scope equation definition value upstream contributions complete",
}


def as_json(x: Any) -> Any:
    # see ``docs/explain.schema.json``
    if isinstance(x, dict):
        return {name: as_json(value) for name, value in x.items()}
    if isinstance(x, np.ndarray):
        return array_json(x)
    if isinstance(x, Formula):
        return x.text
    if type(x) in WRITTEN:
        return part_json(x)
    return list(map(as_json, x)) if isinstance(x, tuple) else x


def part_json(x: Any) -> dict[str, Any]:
    found = {name: as_json(getattr(x, name, None)) for name in WRITTEN[type(x)].split()}
    if isinstance(x, Gradient):
        found["gradient"] = x.name
    if "operand" in found:
        found["operand"] += 1  # counted from 1, as steps are
    if isinstance(x, Step):
        found["upstream"] = {"gradient": x.gradient, "value": found["upstream"]}
    if isinstance(x, Contribution) and x.formula is not None:  # in one row of blocks
        lines = flowing(units(x.formula.parts), sys.maxsize).lines
        found["numbers"] = "\n".join(line.rstrip() for line in lines)
    return found


def array_json(array: np.ndarray) -> dict[str, Any]:
    facts: dict[str, Any] = {"shape": list(array.shape), "dtype": str(array.dtype)}
    if fits(array) or not array.size:
        return facts | {"entries": plain(array.tolist() if array.size else [])}
    first = array.flat[:FIRST_ENTRIES].tolist()
    ends = {"smallest": plain(array.min().item()), "largest": plain(array.max().item())}
    return facts | ends | {"first": plain(first)}


def plain(entries: Any) -> Any:
    # NaN and infinity, which JSON lacks, become text
    if isinstance(entries, list):
        return [plain(entry) for entry in entries]
    finite = not isinstance(entries, float) or math.isfinite(entries)
    return entries if finite else str(entries)
