"""What an optimiser or a schedule is given, checked before anything changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .. import errors
from ..arguments import NUMBERS
from ..engine import Tensor


def checked_parameters(who: str, parameters: Iterable[Tensor]) -> list[Tensor]:
    """Return the leaves to train as a list."""
    if isinstance(parameters, Tensor) or not isinstance(parameters, Iterable):
        raise errors.no_list_of_parameters(who, parameters)
    if isinstance(parameters, dict):
        parameters = parameters.values()
    found = list(parameters)
    if not found:
        raise errors.no_parameters(who)
    seen = set()
    for p in found:
        if not isinstance(p, Tensor):
            raise errors.no_parameter(who, type(p).__name__)
        if p.primitive is not None:
            raise errors.computed_parameter(who, p)
        if not p.requires_grad:
            raise errors.unwanted(p)
        if p.id in seen:
            raise errors.parameter_twice(who, p)
        seen.add(p.id)
    return found


def first_difference(own: Any, given: Any, where: str) -> str | None:
    """Say where a given state first differs from ours in its names, shapes or kinds."""
    if isinstance(own, (list, tuple)) and isinstance(given, (list, tuple)):
        own, given = dict(enumerate(own)), dict(enumerate(given))
    if isinstance(own, dict) and isinstance(given, dict):
        if own.keys() != given.keys():
            return f"{where} has {sorted(given)!s:.60}, not {sorted(own)!s:.60}"
        problems = (first_difference(own[k], given[k], f"{where}[{k!r}]") for k in own)
        return next(filter(None, problems), None)
    if isinstance(own, np.ndarray) or isinstance(given, np.ndarray):
        one, other = np.asarray(own), np.asarray(given)  # of no axes, NumPy makes numbers
        if one.shape == other.shape and one.dtype == other.dtype:
            return None
        return f"{where} is {other.dtype} {other.shape}, not {one.dtype} {one.shape}"
    numbers = isinstance(own, NUMBERS) and isinstance(given, NUMBERS)
    return None if numbers else f"{where} is {given!r:.60}, not like {own!r:.60}"
