"""A Tensor in a notebook: its name, shape and operation, its value and its gradient."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..engine import Tensor
from ..notation.numbers import fits, in_line, listed, printable, rows, written_shape
from ..pages.page import write_part
from .drawing.looks import colour


class Shown(NamedTuple):
    """An array: cells with their colours if there is room, and else a line."""

    label: str
    line: str
    cells: list[list[tuple[str, str]]]  # (text, colour)


def tensor_html(t: Tensor) -> str:
    """Return a Tensor as a part of a notebook page.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> page = tensor_html(bp.tensor([1.0, -2.0], name="<w>"))
    >>> "&lt;w&gt;" in page, "<w>" in page
    (True, False)
    """
    arrays = [shown("value", t._array)]
    if t._grad is not None:
        arrays.append(shown("gradient", t._grad))
    return write_part(
        "tensor",
        name=printable(t.name) if t.name is not None else "",
        facts=", ".join([written_shape(t.shape).text, str(t.dtype), *origin(t)]),
        arrays=arrays,
    )


def origin(t: Tensor) -> list[str]:
    if t.primitive is None:
        if not t.requires_grad:
            return ["a constant"]
        return ["a parameter" if t._grad is not None else "a parameter without a gradient so far"]
    given = zip(t.inputs, t.operands, strict=True)
    operands = listed(operand(x, value) for x, value in given)
    inside = [f"in {printable(t.scope)}"] if t.scope else []
    return [f"{t.primitive.__name__} of {operands}", *inside]


def operand(x: Tensor | None, value: Any) -> str:
    if x is None:
        return repr(value)
    return printable(x.name) if x.name is not None else f"a tensor {written_shape(x.shape).text}"


def shown(label: str, array: np.ndarray) -> Shown:
    if array.size < 2 or array.ndim > 2 or not fits(array, "values"):  # one has no scale
        return Shown(label, in_line(array), [])
    matrix = array.reshape(-1, array.shape[-1] if array.ndim else 1)
    finite = np.abs(matrix[np.isfinite(matrix)].astype(float))
    most = float(finite.max(initial=0.0))
    cells = [
        [(text, colour(float(x), most)) for text, x in zip(texts, row, strict=True)]
        for texts, row in zip(rows(matrix), matrix, strict=True)
    ]
    return Shown(label, "", cells)
