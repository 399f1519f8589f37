"""An explanation as what JSON can hold, with the engine's values as they are."""

from __future__ import annotations

import math
import sys
from itertools import islice
from typing import Any

import numpy as np

from ...notation.numbers import FIRST_ENTRIES, fits
from .blocks import flowing, units
from .record import Contribution, Gradient, Record


def as_json(explanation: Record) -> dict[str, Any]:
    """Return an explanation as what JSON can hold; see ``docs/explain.schema.json``."""
    return {
        "version": 1,
        "output": {"tensor": explanation.output, "value": array_json(explanation.value)},
        "given": [
            {"tensor": given.tensor, "values": [array_json(value) for value in given.values]}
            for given in explanation.given
        ],
        "steps": [
            {
                "number": step.number,
                "tensor": step.tensor,
                "operation": step.operation,
                "equation": step.equation,
                "definition": None if step.definition is None else step.definition.text,
                "value": array_json(step.value),
                "upstream": {"gradient": step.gradient, "value": array_json(step.upstream)},
                "contributions": [
                    {
                        "operand": c.operand,
                        "tensor": c.tensor,
                        "gradient": c.gradient,
                        "term": c.term,
                        "terms": c.terms,
                        "rule": c.rule,
                        "numbers": numbers_json(c),
                        "value": array_json(c.value),
                        "unsummed": None if c.unsummed is None else array_json(c.unsummed),
                    }
                    for c in step.contributions
                ],
                "complete": [gradient_json(gradient) for gradient in step.complete],
            }
            for step in explanation.steps
        ],
        "gradients": [gradient_json(gradient) for gradient in explanation.gradients],
    }


def numbers_json(c: Contribution) -> str | None:
    """Return a rule with numbers put in, in one row of blocks."""
    if c.parts is None:
        return None
    return "\n".join(line.rstrip() for line in flowing(units(c.parts), sys.maxsize).lines)


def gradient_json(gradient: Gradient) -> dict[str, Any]:
    """Return a gradient as what JSON can hold."""
    return {
        "tensor": gradient.tensor,
        "gradient": gradient.name,
        "value": array_json(gradient.value),
        "terms": [{"step": term.step, "operand": term.operand} for term in gradient.terms],
    }


def array_json(array: np.ndarray) -> dict[str, Any]:
    """Return an array as what JSON can hold: its entries, or a summary where they are many."""
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
