"""Steps, gradients and arrays as what JSON can hold, with the engine's values as they are."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from ...notation.numbers import FIRST_ENTRIES, fits
from ..steps.sweep import Contribution, Given, Gradient, Step
from .blocks import flowing, units


def as_json(x: Any) -> Any:
    """Return a part of an explanation as what JSON can hold; see ``docs/explain.schema.json``."""
    if isinstance(x, dict):
        return {name: as_json(value) for name, value in x.items()}
    if isinstance(x, tuple):
        return list(map(as_json, x))
    return x if x is None or isinstance(x, (str, int, float, list)) else as_json(fields_of(x))


def fields_of(x: Given | Gradient | Contribution | Step | np.ndarray) -> dict[str, Any]:
    match x:
        case np.ndarray():
            return array_json(x)
        case Given():
            return {"tensor": x.tensor, "values": x.values}
        case Gradient():
            terms = [{"step": term.step, "operand": term.operand + 1} for term in x.terms]
            return {"tensor": x.tensor, "gradient": x.name, "value": x.value, "terms": terms}
        case Contribution():
            numbers = None
            if x.formula is not None:  # in one row of blocks
                lines = flowing(units(x.formula.parts), sys.maxsize).lines
                numbers = "\n".join(line.rstrip() for line in lines)
            return {
                "operand": x.operand + 1,
                "tensor": x.tensor,
                "gradient": x.gradient,
                "term": x.term,
                "terms": x.terms,
                "rule": x.rule,
                "numbers": numbers,
                "value": x.value,
                "unsummed": x.unsummed,
            }
        case Step():
            return {
                "number": x.number,
                "tensor": x.tensor,
                "operation": x.operation,
                "equation": x.equation,
                "definition": None if x.definition is None else x.definition.text,
                "value": x.value,
                "upstream": {"gradient": x.gradient, "value": x.upstream},
                "contributions": x.contributions,
                "complete": x.complete,
            }


def array_json(array: np.ndarray) -> dict[str, Any]:
    """Return the entries of an array, or a summary where they are many."""
    facts: dict[str, Any] = {"shape": list(array.shape), "dtype": str(array.dtype)}
    if fits(array) or not array.size:
        return facts | {"entries": plain(array.tolist() if array.size else [])}
    first = array.flat[:FIRST_ENTRIES].tolist()
    ends = {"smallest": plain(array.min().item()), "largest": plain(array.max().item())}
    return facts | ends | {"first": plain(first)}


def plain(entries: Any) -> Any:
    """Return nested lists of numbers; NaN and infinity, which JSON lacks, as text."""
    if isinstance(entries, list):
        return [plain(entry) for entry in entries]
    finite = not isinstance(entries, float) or math.isfinite(entries)
    return entries if finite else str(entries)
