"""What the tensors of a recorded computation are called: in code, in plain text and in LaTeX.

A tensor has the name that it was given; one without gets a short one in recording order. Names are
data: whatever they hold, in code they are valid identifiers, and in LaTeX they are escaped.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

from ..tensor import Tensor


def recorded_tensors(*outputs: Tensor) -> list[Tensor]:
    """Return every tensor that the outputs were computed from, and themselves, as recorded."""
    found = {output.id: output for output in outputs}
    stack = list(outputs)
    while stack:
        for x in stack.pop().inputs:
            if x is not None and x.id not in found:
                found[x.id] = x
                stack.append(x)
    return [found[key] for key in sorted(found)]


class Names:
    """Names for tensors, unique among them.

    Parameters
    ----------
    tensors
        In recording order.
    reserved
        Identifiers that no tensor may take, such as those of helper functions.
    """

    def __init__(self, tensors: Iterable[Tensor], reserved: Iterable[str] = ()) -> None:
        self._identifiers: dict[int, str] = {}
        taken = {"np", *reserved, *keyword.kwlist}
        for t in tensors:
            base = re.sub(r"\W+", "_", t.name or "").strip("_")[:40]
            if not base:
                base = "v" if t.primitive is not None else "c"
            if base[0].isdigit():
                base = f"v{base}"
            name, n = base, 1
            while name in taken:
                n += 1
                name = f"{base}_{n}"
            taken.add(name)
            self._identifiers[t.id] = name

    def identifier(self, t: Tensor) -> str:
        """Return the name in code: a valid identifier."""
        return self._identifiers[t.id]

    def gradient(self, t: Tensor) -> str:
        """Return the name in code of the gradient with respect to a tensor: ``dz1``."""
        return f"d{self._identifiers[t.id]}"
