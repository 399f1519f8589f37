"""The gradient of a recorded computation as code: ``source(loss).save("gradients.py")``.

It writes down what every reading has from a `Record`: the equation of every tensor, and the rule of
every step as an expression. No derivative and no helper function has a second text here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..engine import Tensor
from ..saving import written_to
from .standalone.lines import Lines
from .steps.sweep import loss_record


class Source(str):
    """The text of a Python module, and the arrays that its function was recorded with.

    Made by `source`. The attribute ``arguments`` holds the recorded value of every parameter of the
    function, by name.
    """

    arguments: dict[str, np.ndarray]

    def __repr__(self) -> str:
        return f"<source of {self.count(chr(10))} lines: print it, or save it as .py>"

    def save(self, path: str | Path) -> None:
        """Write the module to a file; a missing folder is made."""
        written_to(path, self)

    def _repr_markdown_(self) -> str:
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", self)), default=0))
        return f"{fence}python\n{self}{fence}"


def source(loss: Tensor, wrt: Tensor | Sequence[Tensor] | None = None) -> Source:
    """Return a Python module that computes a loss and its gradients with NumPy alone.

    Its function ``loss_and_gradients`` takes the leaves of the computation by their names, and
    returns the loss and a dictionary of the gradients. It repeats what was recorded: shapes,
    settings, and which branch a rule took, are those of this run.

    Parameters
    ----------
    loss
        A Tensor with one entry.
    wrt
        The Tensors to differentiate by; every leaf that needs a gradient, if left out.

    Returns
    -------
    Source
        The text, with a method ``save(path)``, and the recorded values as ``arguments``.

    Raises
    ------
    ValueError
        If the loss has several entries or needs no gradient, or does not come from a Tensor in
        ``wrt``; if a leaf was given another value between two uses; if the text of an operation
        cannot be had, or needs more than NumPy; if a rule fails on Tensors.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> w = bp.tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> L = bp.exp(w).sum().named("L")
    >>> print(bp.source(L))
    \"\"\"L and its gradients: written by tinygrad_bp from a recorded computation.\"\"\"
    <BLANKLINE>
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def loss_and_gradients(w):
        \"\"\"Return L, and its gradients by name, for w of shape (2,).\"\"\"
        # Forward
        v1 = np.exp(w)
        L = np.sum(v1)
    <BLANKLINE>
        # Backward: the gradient of L by each line above, the latest first
        dL = np.ones_like(L)  # L = np.sum(v1)
        dv1 = np.broadcast_to(dL, (2,))  # v1 = np.exp(w)
        dw = dv1 * v1  # w
        return L, {"w": dw}
    <BLANKLINE>
    """
    record = loss_record(loss, "source")
    lines = Lines(record, record.wanted(wrt, "source"))
    result = Source(lines.module())
    result.arguments = lines.parameters
    return result
