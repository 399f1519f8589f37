"""The reverse sweep: from an output back to the leaves, by the chain rule.

Every tensor has an upstream gradient g: the derivative of the output with respect to it. The sweep
takes the tensors latest first. What was computed *from* a tensor was recorded *after* it, so when
its turn comes every contribution to its g has arrived, and its operation's backward closures turn g
into a contribution to each input.

The upstream gradients are kept in a table of the sweep's own and nothing is written on the tensors,
so it can run twice. It is a loop, not a recursion, so a graph may be as deep as memory allows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .anomaly import check_backward
from .recording import current
from .table import TABLE

if TYPE_CHECKING:
    from .tensor import Tensor

#: Called with each computed tensor and its upstream gradient.
Visitor: TypeAlias = "Callable[[Tensor, Any], None]"


def sweep(
    output: Tensor, g: Any, create_graph: bool = False, visit: Visitor | None = None
) -> list[tuple[Tensor, Any]]:
    """Run the chain rule from an output back to the leaves, and return them with their gradients.

    Parameters
    ----------
    output
        Where the sweep starts; it needs a gradient.
    g
        The upstream gradient of the output.
    create_graph
        Run the rules on Tensors instead of arrays, so that the sweep is recorded itself.
    visit
        Called with each computed tensor and its upstream gradient, latest first.
    """
    watched = current.get().watched
    upstream = {output.id: g}
    leaves = []
    frontier = []  # a heap of the computed tensors to do: the one recorded last comes out first
    if output.primitive is None:
        leaves.append(output)
    else:
        frontier.append((-output.id, output))
    while frontier:
        tensor = heappop(frontier)[1]
        g = upstream.pop(tensor.id)
        if visit is not None:
            visit(tensor, g)
        primitive: Any = tensor.primitive
        params = tensor.params
        if create_graph:
            closures = primitive.rule(tensor, *recorded_operands(tensor), **params)
        elif params:
            closures = primitive.rule(tensor._data, *tensor.operands, **params)
        else:
            closures = primitive.rule(tensor._data, *tensor.operands)
        if not isinstance(closures, tuple):  # an operation of one input may return its closure bare
            closures = (closures,)
        for i, x in enumerate(tensor.inputs):
            if x is None or not x.requires_grad:
                continue
            closure = closures[i]
            if closure is None:  # no gradient flows to this input
                continue
            contribution = closure(g)
            if watched:
                check_backward(contribution, g, x, tensor)
            if contribution.shape != x._data.shape:  # x was broadcast
                contribution = summed_to(x, contribution, tensor)
            key = x.id
            if key in upstream:  # x was used more than once
                upstream[key] = upstream[key] + contribution
                continue
            upstream[key] = contribution
            if x.primitive is None:
                leaves.append(x)
            else:
                heappush(frontier, (-key, x))
    return [(leaf, upstream[leaf.id]) for leaf in leaves]


def recorded_operands(tensor: Tensor) -> list[Any]:
    """Return what the tensor was computed from as Tensors with a history, Python numbers apart."""
    return [
        value if x is None else x.at(value)
        for x, value in zip(tensor.inputs, tensor.operands, strict=True)
    ]


def summed_to(x: Tensor, contribution: Any, tensor: Tensor) -> Any:
    """Sum a contribution over the axes along which its input was broadcast."""
    try:
        return TABLE["sum_to"](contribution, shape=x.shape)
    except ValueError:
        raise ValueError(
            f"the backward rule of {tensor.primitive} gave a gradient of shape "
            f"{contribution.shape} for {x.described()}. It must have the shape of that input, or "
            "one that the input is broadcast to."
        ) from None


def backward(output: Tensor, gradient: Any = None) -> None:
    """Add to every leaf's ``grad`` the gradient of the output with respect to it.

    See `Tensor.backward`.
    """
    for leaf, g in sweep(output, starting_gradient(output, gradient)):
        leaf.grad = finished(g if leaf.grad is None else leaf.grad + g, leaf)


def grad(
    output: Tensor,
    inputs: Tensor | Sequence[Tensor],
    gradient: Any = None,
    create_graph: bool = False,
) -> Any:
    """Return the gradient of an output with respect to any tensors it was computed from.

    Nothing is written to any ``grad``. Inputs may be leaves or intermediate tensors; where the
    output does not depend on an input, the gradient is zero.

    Parameters
    ----------
    output
        The Tensor to differentiate.
    inputs
        One Tensor, or a list or tuple of them.
    gradient
        The upstream gradient of the output, of its shape; 1 if left out, where the output has only
        one entry.
    create_graph
        Return Tensors that remember how they were computed, so that they can be differentiated
        again. Otherwise the gradients are read-only arrays.

    Returns
    -------
    array or Tensor, or a tuple of them
        One gradient for each input, of the input's shape and dtype.

    Raises
    ------
    ValueError
        If the output or an input needs no gradient, or the gradient's shape does not fit.

    Examples
    --------
    The second derivative of x^3 is 6x:

    >>> import tinygrad_bp as bp
    >>> x = bp.tensor(2.0, requires_grad=True)
    >>> slope = bp.grad(x**3, x, create_graph=True)
    >>> float(slope.data), float(bp.grad(slope, x))
    (12.0, 12.0)
    """
    wanted: list[Any] = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    for x in wanted:
        if not isinstance(x, type(output)):
            raise TypeError(f"grad takes Tensors to differentiate by, not {x!r:.60}.")
        if not x.requires_grad:
            raise ValueError(f"{x.described()} needs no gradient. Make it with requires_grad=True.")
    ids = {x.id for x in wanted}
    found = {}

    def keep(tensor: Tensor, g: Any) -> None:
        if tensor.id in ids:
            found[tensor.id] = g

    start = starting_gradient(output, gradient, create_graph)
    for leaf, g in sweep(output, start, create_graph, visit=keep):
        keep(leaf, g)
    results: list[Any] = []
    for x in wanted:
        g = found[x.id] if x.id in found else np.zeros(x.shape)
        if create_graph:
            g = g if isinstance(g, type(output)) else type(output)(g)
            results.append(g if g.dtype == x.dtype else g.astype(x.dtype))
        else:
            results.append(finished(g, x))
    return tuple(results) if isinstance(inputs, (list, tuple)) else results[0]


def starting_gradient(output: Tensor, gradient: Any, create_graph: bool = False) -> Any:
    """Return the upstream gradient of the output itself, checked: 1 unless one is given."""
    if not output.requires_grad:
        raise ValueError(
            f"{output.described()} needs no gradient: nothing that it was computed from was made "
            "with requires_grad=True, or it was computed under no_grad()."
        )
    if gradient is None:
        if output.size != 1:
            raise ValueError(
                f"{output.described()} has {output.size} entries, so its backward pass needs an "
                "upstream gradient of that shape. Pass gradient=, or reduce it to one number "
                "first, as with .sum()."
            )
        if not create_graph and output.ndim == 0:
            return output.dtype.type(1)
        gradient = np.ones(output.shape)
    g = gradient if isinstance(gradient, type(output)) else type(output)(gradient)
    if g.shape != output.shape:
        raise ValueError(
            f"the gradient has shape {g.shape}, but {output.described()}: the two must be equal."
        )
    if g.dtype != output.dtype:
        g = g.astype(output.dtype)
    return g if create_graph else g.data


def finished(g: Any, x: Tensor) -> np.ndarray:
    """Return a gradient as a read-only array of its tensor's dtype.

    Two gradients may be the same array, so a change to one must not reach the other.
    """
    if type(g) is not np.ndarray or g.dtype != x._data.dtype:
        g = np.asarray(g, x._data.dtype)
    g.setflags(False)
    return g  # type: ignore[no-any-return]


def local_jacobian(tensor: Tensor, i: int) -> np.ndarray:
    """Return the derivative of a tensor by its i-th input; see `Tensor.local_jacobian`."""
    if not 0 <= i < len(tensor.inputs):
        raise ValueError(f"{tensor.described()} has {len(tensor.inputs)} inputs, and no input {i}.")
    x = tensor.inputs[i]
    if tensor.primitive is None or x is None or not x.requires_grad:
        raise ValueError(f"input {i} of {tensor.described()} needs no gradient.")
    closures = tensor.primitive.rule(tensor.data, *tensor.operands, **tensor.params)
    closure = closures[i] if isinstance(closures, tuple) else closures
    rows = np.zeros((tensor.size, *x.shape), dtype=x.dtype)
    if closure is not None:
        units = np.eye(tensor.size, dtype=tensor.dtype).reshape(tensor.size, *tensor.shape)
        for row, unit in zip(rows, units, strict=True):
            contribution = closure(unit)
            if contribution.shape != x.shape:
                contribution = summed_to(x, contribution, tensor)
            row[...] = contribution
    return rows.reshape(tensor.shape + x.shape)
