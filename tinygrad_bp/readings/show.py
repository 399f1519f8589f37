"""A Tensor in a notebook: its name, shape and operation, its value and its gradient."""

from __future__ import annotations

import numpy as np

from ..engine import Tensor
from ..notation.numbers import DIGITS, fits, in_line, printable, written_shape
from ..notation.operations import called
from ..pages.page import write_part
from .drawing.looks import cells


def tensor_html(t: Tensor) -> str:
    """Return a Tensor as a part of a notebook page.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> page = tensor_html(bp.tensor([1.0, -2.0], name="<w>"))
    >>> "&lt;w&gt;" in page, "<w>" in page
    (True, False)
    """
    arrays = {"value": t._array} | ({} if t._grad is None else {"gradient": t._grad})
    return write_part(
        "tensor",
        name=printable(t.name) if t.name is not None else "",
        facts=", ".join([written_shape(t.shape).text, str(t.dtype), *origin(t)]),
        arrays=[(label, in_line(x), table(x)) for label, x in arrays.items()],
    )


def origin(t: Tensor) -> list[str]:
    if t.primitive is None:
        if not t.requires_grad:
            return ["a constant"]
        return ["a parameter" if t._grad is not None else "a parameter without a gradient so far"]
    return [f"by {called(t)}", *([f"in {printable(t.scope)}"] if t.scope else [])]


def table(array: np.ndarray) -> list[list[tuple[str, str]]]:
    # empty where there is no room, or where a single number has no scale
    room = array.size >= 2 and array.ndim <= 2 and fits(array, "values")
    return cells(array, DIGITS) if room else []
