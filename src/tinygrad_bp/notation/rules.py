"""The backward rule of a step as expressions: the rule itself, run on named placeholders.

No derivative is written a second time. The rule of a step is called with placeholders for the
upstream gradient, the output and the inputs, and what it records is the expression of each input's
contribution.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from ..recording import recorded_comparisons
from ..tensor import Tensor
from .expressions import expression


def rule_expressions(
    tensor: Tensor, g: str, out: str, operands: Sequence[str]
) -> list[ast.expr | None]:
    """Return the contribution to each input of the step that computed a tensor.

    Parameters
    ----------
    tensor
        A computed tensor.
    g, out, operands
        What the upstream gradient, the output and the operands are called in the expressions. The
        name of an operand that is a Python number is not used: the number stands there itself.

    Returns
    -------
    list
        An expression for each input; None where no gradient flows to it. It is pure mathematics:
        where the input was broadcast, the contribution is still to be summed to its shape.
    """
    names: dict[int, str] = {}

    def placeholder(value: Any, name: str) -> Tensor:
        t = Tensor(value, requires_grad=value.dtype.kind == "f", name=name)
        names[t.id] = name
        return t

    values = [
        value if x is None else placeholder(value, name)
        for x, value, name in zip(tensor.inputs, tensor.operands, operands, strict=True)
    ]
    upstream = placeholder(tensor.data, g)
    rule: Any = tensor.primitive.rule  # type: ignore[union-attr]
    with recorded_comparisons():
        closures = rule(placeholder(tensor.data, out), *values, **tensor.params)
        if not isinstance(closures, tuple):
            closures = (closures,)
        contributions = [None if closure is None else closure(upstream) for closure in closures]

    def named(t: Tensor) -> ast.expr | None:
        return ast.Name(names[t.id]) if t.id in names else None

    return [None if c is None else expression(c, named) for c in contributions]
