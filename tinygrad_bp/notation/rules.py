"""The backward rule of a step as expressions: the rule itself, run on named placeholders.

No derivative is written a second time. The rule of a step is called with placeholders for the
upstream gradient, the output and the inputs, and what it records is the expression of each input's
contribution.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..recording import recorded_comparisons
from ..tensor import Tensor
from .expressions import call, expression
from .literals import Constants, literal


def rule_expressions(
    tensor: Tensor,
    g: str,
    out: str,
    operands: Sequence[str],
    constants: Constants | None = None,
) -> list[ast.expr | None]:
    """Return the contribution to each input of the step that computed a tensor.

    Parameters
    ----------
    tensor
        A computed tensor.
    g, out, operands
        What the upstream gradient, the output and the operands are called in the expressions. The
        name of an operand that is a Python number is not used: the number stands there itself.
    constants
        What to write in place of an array constant; see `literal`.

    Returns
    -------
    list
        An expression for each input; None where no gradient flows to it. It is pure mathematics:
        where the input was broadcast, the contribution is still to be summed to its shape.

    Raises
    ------
    ValueError
        For a leaf, which no step computed; if the rule fails on Tensors.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> a = bp.sigmoid(bp.tensor([1.0, 2.0], requires_grad=True))
    >>> [ast.unparse(contribution) for contribution in rule_expressions(a, "g", "a", ["z"])]
    ['g * a * (1.0 - a)']
    """
    if tensor.primitive is None:
        raise ValueError(f"{tensor.described()} is a leaf: no step computed it, so it has no rule.")
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
    try:
        with recorded_comparisons(), np.errstate(all="ignore"):  # the text counts, not the value
            closures: Any = tensor.primitive.rule(
                placeholder(tensor.data, out), *values, **tensor.params
            )
            if not isinstance(closures, tuple):
                closures = (closures,)
            contributions = [None if closure is None else closure(upstream) for closure in closures]
    except Exception as error:  # a rule may be the user's own
        raise not_written(tensor, error) from error

    def named(t: Tensor) -> ast.expr | None:
        return ast.Name(names[t.id]) if t.id in names else None

    return [
        expression(c, named, constants)
        if isinstance(c, Tensor)
        else None
        if c is None
        else literal(c, constants)
        for c in contributions
    ]


def not_written(tensor: Tensor, error: Exception) -> ValueError:
    """Return the error for a step whose backward rule does not run on Tensors."""
    name = tensor.primitive.__name__ if tensor.primitive is not None else "a leaf"
    return ValueError(
        f"the backward rule of {name} cannot be written down: it failed on Tensors ({error}). "
        "Write it in operations that Tensors have."
    )


def summed(tree: ast.expr, shape: tuple[int, ...], to: tuple[int, ...]) -> ast.expr:
    """Return a contribution of a shape summed over the axes along which its input was broadcast.

    Examples
    --------
    >>> ast.unparse(summed(ast.Name("g"), (4, 2), (2,)))
    'np.sum(g, axis=0)'
    """
    if shape == to:
        return tree
    new = len(shape) - len(to)
    if not to:
        return call("np.sum", tree)
    stretched = tuple(i for i, n in enumerate(to) if n == 1 and shape[new + i] != 1)
    if new > 0:
        axes = tuple(range(new))
        tree = call("np.sum", tree, axis=axes[0] if new == 1 else axes)
    if stretched:
        axis = stretched[0] if len(stretched) == 1 else stretched
        tree = call("np.sum", tree, axis=axis, keepdims=True)
    if new < 0:
        tree = call("np.reshape", tree, shape=to)
    return tree
