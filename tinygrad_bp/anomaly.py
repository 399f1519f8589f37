"""What `detect_anomaly` looks for: the first NaN or infinity that comes out of finite numbers."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .tensor import Tensor

HERE = os.path.join(os.path.dirname(__file__), "")  # pathlib takes long to import


def calling_line() -> str:
    """Return the line outside of this package that is being executed, as ``file:line``."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(HERE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def check_forward(output: Tensor, values: Sequence[Any], inputs: Sequence[Tensor | None]) -> None:
    """Raise if an operation made a NaN or infinity out of finite operands."""
    bad = first_not_finite(output._array)
    if bad is None or output.primitive is None:
        return
    if of_finite(values, output):
        operands = ", ".join(
            repr(value) if x is None else x.described()
            for x, value in zip(inputs, values, strict=True)
        )
        raise FloatingPointError(
            f"{output.primitive.__name__}, recorded at {output.recorded_at}, made {bad} out of "
            f"finite numbers: its operands are {operands}."
        )


def check_backward(contribution: Any, g: Any, x: Tensor, output: Tensor) -> None:
    """Raise if a backward rule made a NaN or infinity out of finite operands and gradient."""
    bad = first_not_finite(getattr(contribution, "_array", contribution))
    if bad is None or output.primitive is None:
        return
    if of_finite([getattr(g, "_array", g), *output.operands], output):
        where = f", recorded at {output.recorded_at}," if output.recorded_at else ""
        raise FloatingPointError(
            f"the backward rule of {output.primitive.__name__}{where} made {bad} for "
            f"{x.described()}, from a finite gradient."
        )


def of_finite(values: Sequence[Any], output: Tensor) -> bool:
    """Whether values are all finite, and so are the settings: pad may be told to add infinity."""
    settings = [value for value in output.params.values() if isinstance(value, float)]
    return all(first_not_finite(value) is None for value in (*values, *settings))


def check_sum(total: Any, before: Any, x: Tensor) -> None:
    """Raise if adding up finite contributions made an infinity."""
    bad = first_not_finite(getattr(total, "_array", total))
    if bad is not None and first_not_finite(getattr(before, "_array", before)) is None:
        raise FloatingPointError(f"adding up the contributions to {x.described()} made {bad}.")


def first_not_finite(value: Any) -> float | None:
    """Return the first NaN or infinity of an array; None if there is none."""
    array = np.asarray(value)
    bad = array[~np.isfinite(array)]
    return float(bad[0]) if bad.size else None
