"""Steps and gradients as what JSON can hold, with the engine's values as they are."""

from __future__ import annotations

import math
import sys
from itertools import islice
from typing import Any

import numpy as np

from ...notation.numbers import FIRST_ENTRIES, fits
from ..steps.sweep import Contribution, Given, Gradient, Step
from .blocks import flowing, units


def given_json(given: Given) -> dict[str, Any]:
    return {"tensor": given.tensor, "values": list(map(array_json, given.values))}


def step_json(step: Step) -> dict[str, Any]:
    return {
        "number": step.number,
        "tensor": step.tensor,
        "operation": step.operation,
        "equation": step.equation,
        "definition": None if step.definition is None else step.definition.text,
        "value": array_json(step.value),
        "upstream": {"gradient": step.gradient, "value": array_json(step.upstream)},
        "contributions": list(map(contribution_json, step.contributions)),
        "complete": list(map(gradient_json, step.complete)),
    }


def contribution_json(c: Contribution) -> dict[str, Any]:
    numbers = None
    if c.formula is not None:  # in one row of blocks
        lines = flowing(units(c.formula.parts), sys.maxsize).lines
        numbers = "\n".join(line.rstrip() for line in lines)
    return {
        "operand": c.operand + 1,
        "tensor": c.tensor,
        "gradient": c.gradient,
        "term": c.term,
        "terms": c.terms,
        "rule": c.rule,
        "numbers": numbers,
        "value": array_json(c.value),
        "unsummed": None if c.unsummed is None else array_json(c.unsummed),
    }


def gradient_json(gradient: Gradient) -> dict[str, Any]:
    return {
        "tensor": gradient.tensor,
        "gradient": gradient.name,
        "value": array_json(gradient.value),
        "terms": [{"step": term.step, "operand": term.operand + 1} for term in gradient.terms],
    }


def array_json(array: np.ndarray) -> dict[str, Any]:
    """Return the entries of an array, or a summary where they are many."""
    facts: dict[str, Any] = {"shape": list(array.shape), "dtype": str(array.dtype)}
    if fits(array):
        return facts | {"entries": plain(array.tolist())}
    if not array.size:
        return facts | {"entries": []}
    return facts | {
        "smallest": plain(array.min().item()),
        "largest": plain(array.max().item()),
        "first": plain([entry.item() for entry in islice(array.flat, FIRST_ENTRIES)]),
    }


def plain(entries: Any) -> Any:
    """Return nested lists of numbers; NaN and infinity, which JSON lacks, as text."""
    if isinstance(entries, list):
        return [plain(entry) for entry in entries]
    if isinstance(entries, float) and not math.isfinite(entries):
        return str(entries)
    return entries
