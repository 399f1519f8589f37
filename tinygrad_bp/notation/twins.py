"""What a function is: a call, such as ``softmax(z)``, as it is composed of simpler ones."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..primitive import Primitive
from ..recording import recorded_comparisons
from ..tensor import Tensor
from .expressions import definition, expression, one_line
from .literals import Constants


class Twin(NamedTuple):
    """A call as it is composed, and what that gives: it may overflow where the call does not."""

    tree: ast.expr
    value: np.ndarray


def twin(
    primitive: Any,
    args: Sequence[ast.expr],
    values: Sequence[Any],
    settings: Mapping[str, Any],
    constants: Constants | None = None,
) -> Twin | None:
    """Return a call as it is composed: by its twin, or by its own text where that is one line.

    Parameters
    ----------
    primitive
        The function that is called.
    args, values
        Its operands, as expressions and as values.
    settings
        Its settings.
    constants
        What to write in place of an array constant; see `literal`.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> z = ast.Name("z")
    >>> ast.unparse(twin(bp.softmax, [z], [np.ones(3)], {"axis": 0}).tree)
    'np.exp(z) / np.sum(np.exp(z), axis=0, keepdims=True)'
    >>> ast.unparse(twin(bp.leaky_relu, [z], [np.ones(3)], {"slope": 0.1}).tree)
    'np.where(z > 0, z, 0.1 * z)'
    """
    if not isinstance(primitive, Primitive):
        return None
    composed = primitive.composed
    if composed is None:
        if one_line(primitive) is not None or not is_one_return(primitive):
            return None
        composed = primitive.forward
    parts: dict[int, ast.expr] = {}
    operands: list[Any] = []
    for node, value in zip(args, values, strict=True):
        operands.append(value if isinstance(node, ast.Constant) else Tensor(value))
        if isinstance(operands[-1], Tensor):
            parts[operands[-1].id] = node
    try:
        with recorded_comparisons(), np.errstate(all="ignore"):
            result = composed(*operands, **{**primitive.defaults, **settings})
        if not isinstance(result, Tensor):
            return None
        return Twin(expression(result, lambda t: parts.get(t.id), constants), result.data)
    except Exception:  # a text of NumPy's that Tensors do not run
        if primitive.composed is not None:
            raise
        return None


def is_one_return(primitive: Primitive) -> bool:
    """Say whether a function is one expression."""
    try:
        (only,) = definition(primitive).body
    except ValueError:
        return False
    return isinstance(only, ast.Return)
