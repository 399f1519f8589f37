"""Arrays as JSON: what passes between the grader and the process that runs a submission.

Reading it runs nothing, whoever wrote it: an array is a shape, one of a few types of number, and
its entries in base64, and is refused unless the three fit together.
"""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np

#: The types of number that pass: bool, and integers and floats of up to 64 bits.
DTYPES = {np.dtype(code).str for code in "?bhiqBHIQefd"}


def pack(array: np.ndarray) -> dict[str, Any]:
    """Return an array as what JSON can hold; raise TypeError for another type of entries."""
    array = np.asarray(array)
    if array.dtype.str not in DTYPES:
        raise TypeError(f"an array of {array.dtype} does not pass; only bool, int and float do")
    entries = base64.b64encode(array.tobytes()).decode("ascii")
    return {"dtype": array.dtype.str, "shape": list(array.shape), "entries": entries}


def unpack(data: Any) -> np.ndarray:
    """Return the array that `pack` wrote; raise ValueError for anything else."""
    if not isinstance(data, dict) or data.keys() != {"dtype", "shape", "entries"}:
        raise ValueError("an array is a dtype, a shape and entries")
    dtype, shape, entries = data["dtype"], data["shape"], data["entries"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ValueError("unknown dtype")
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("a shape is a list of lengths")
    if not isinstance(entries, str):
        raise ValueError("the entries are text")
    array = np.frombuffer(base64.b64decode(entries, validate=True), dtype)
    if math.prod(shape) != array.size:
        raise ValueError(f"{array.size} entries do not fill the shape")
    return array.reshape(shape).copy()
