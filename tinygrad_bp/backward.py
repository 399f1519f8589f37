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
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .anomaly import check_backward, check_sum
from .recording import current
from .table import TABLE

if TYPE_CHECKING:
    from .tensor import Tensor

#: Held while gradients are added to those that the leaves have.
adding_up = Lock()

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
    leaves = []
    upstream = {output.id: g}
    frontier = [(-output.id, output)]  # a heap: the tensor recorded last comes out first
    while frontier:
        tensor = heappop(frontier)[1]
        g = upstream.pop(tensor.id)
        if tensor.primitive is None:
            leaves.append((tensor, g))
            continue
        if visit is not None:
            visit(tensor, g)
        closures = backward_closures(tensor, create_graph)
        for x, closure in zip(tensor.inputs, closures):  # noqa: B905, equally long
            if x is None or not x._requires_grad or closure is None:
                continue
            try:
                contribution = closure(g)
            except Exception as error:
                error.add_note(usage_of_rule(tensor))
                raise
            if getattr(contribution, "shape", None) != x._array.shape:
                contribution = summed_to(x, contribution, tensor)  # x was broadcast
            if watched:
                check_backward(contribution, g, x, tensor)
            key = x.id
            if key in upstream:  # x was used more than once
                contribution = upstream[key] + contribution
                if watched:
                    check_sum(contribution, upstream[key], x)
            else:
                heappush(frontier, (-key, x))
            if not create_graph:
                contribution.setflags(False)  # read-only: several tensors may share the array
            upstream[key] = contribution
    return leaves


def backward_closures(tensor: Tensor, create_graph: bool) -> tuple[Any, ...]:
    """Return the backward closures of the step that computed a tensor, one for each input."""
    rule: Any = tensor.primitive.rule  # type: ignore[union-attr]
    try:
        if create_graph:
            closures: Any = rule(tensor, *recorded_operands(tensor), **tensor.params)
        elif tensor.params:
            closures = rule(tensor._array, *tensor.operands, **tensor.params)
        else:
            closures = rule(tensor._array, *tensor.operands)
    except TypeError as error:
        error.add_note(usage_of_rule(tensor))
        raise
    if type(closures) is not tuple:  # an operation of one input may return its closure bare
        closures = (closures,)
    if len(closures) != len(tensor.inputs):
        raise TypeError(
            f"the backward rule of {name_of(tensor)} returned {len(closures)} closure(s), and the "
            f"operation has {len(tensor.inputs)} input(s). Return one for each, in a tuple; None "
            "for an input that no gradient flows to."
        )
    return closures  # type: ignore[no-any-return]


def usage_of_rule(tensor: Tensor) -> str:
    """Say how a backward rule is used, for one that fails."""
    settings = f" and the settings {', '.join(tensor.params)}" if tensor.params else ""
    return (
        f"This is the backward rule of {name_of(tensor)}. It is called with the output, "
        f"{len(tensor.inputs)} input(s){settings}, and returns a closure for each input, such as "
        "lambda g: ..., from the upstream gradient g to that input's contribution."
    )


def name_of(tensor: Tensor) -> str:
    """Return the name of the operation that computed a tensor."""
    return tensor.primitive.__name__ if tensor.primitive is not None else "a leaf"


def recorded_operands(tensor: Tensor) -> list[Any]:
    """Return what the tensor was computed from as Tensors with a history, Python numbers apart."""
    return [
        value if x is None else x.at(value)
        for x, value in zip(tensor.inputs, tensor.operands, strict=True)
    ]


def summed_to(x: Tensor, contribution: Any, tensor: Tensor) -> Any:
    """Sum a contribution over the axes along which its input was broadcast."""
    if not hasattr(contribution, "shape"):
        raise TypeError(
            f"the backward rule of {name_of(tensor)} gave {contribution!r:.60} for "
            f"{x.described()}. A closure must return an array, or a Tensor where it is given one."
        )
    try:
        return TABLE["sum_to"](contribution, shape=x.shape)
    except ValueError:
        raise ValueError(
            f"the backward rule of {name_of(tensor)} gave a gradient of shape "
            f"{contribution.shape} for {x.described()}. It must have the shape of that input, or "
            "one that the input is broadcast to."
        ) from None


def backward(output: Tensor, gradient: Any = None) -> None:
    """Add to every leaf's ``grad`` the gradient of the output with respect to it.

    See `Tensor.backward`.
    """
    leaves = sweep(output, starting_gradient(output, gradient))
    with adding_up:  # another thread may run backward to the same leaves
        for leaf, g in leaves:
            leaf._grad = finished(g if leaf._grad is None else leaf._grad + g, leaf)


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
    if not hasattr(output, "requires_grad"):
        raise TypeError(f"grad differentiates a Tensor, not {output!r:.60}.")
    if create_graph and not current.get().enabled:
        raise ValueError("create_graph=True records the gradient, and no_grad() forbids to record.")
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
            # What depends on nothing can be differentiated again all the same: that gives zero.
            if not isinstance(g, type(output)) or not g.requires_grad:
                g = type(output)(getattr(g, "data", g), requires_grad=True)
            results.append(g if g.dtype == x.dtype else g.astype(x.dtype))
        else:
            results.append(finished(g, x))
    return tuple(results) if isinstance(inputs, (list, tuple)) else results[0]


def starting_gradient(output: Tensor, gradient: Any, create_graph: bool = False) -> Any:
    """Return the upstream gradient of the output itself, checked: 1 unless one is given."""
    if not output._requires_grad:
        raise ValueError(
            f"{output.described()} needs no gradient: nothing that it was computed from was made "
            "with requires_grad=True, or it was computed under no_grad()."
        )
    if gradient is None:
        if not create_graph and output._array.ndim == 0:
            return output._array.dtype.type(1)
        if output.size != 1:
            raise ValueError(
                f"{output.described()} has {output.size} entries, so its backward pass needs an "
                "upstream gradient of that shape. Pass gradient=, or reduce it to one number "
                "first, as with .sum()."
            )
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
    if type(g) is not np.ndarray or g.dtype is not x._array.dtype:
        if g.dtype.kind == "c":
            raise TypeError(f"a backward rule gave complex numbers for {x.described()}.")
        g = np.asarray(g, x._array.dtype)
    g.setflags(False)
    return g  # type: ignore[no-any-return]


def local_jacobian(tensor: Tensor, i: int) -> np.ndarray:
    """Return the derivative of a tensor by its i-th input; see `Tensor.local_jacobian`."""
    if tensor.primitive is None:
        raise ValueError(f"{tensor.described()} is a leaf: no step computed it.")
    if not 0 <= i < len(tensor.inputs):
        raise ValueError(f"{tensor.described()} has {len(tensor.inputs)} inputs, and no input {i}.")
    x = tensor.inputs[i]
    if x is None or not x.requires_grad:
        raise ValueError(f"input {i} of {tensor.described()} needs no gradient.")
    closure = backward_closures(tensor, create_graph=False)[i]
    rows = np.zeros((tensor.size, *x.shape), dtype=x.dtype)
    if closure is not None:
        units = np.eye(tensor.size, dtype=tensor.dtype).reshape(tensor.size, *tensor.shape)
        for row, unit in zip(rows, units, strict=True):
            contribution = closure(unit)
            if contribution.shape != x.shape:
                contribution = summed_to(x, contribution, tensor)
            row[...] = contribution
    return rows.reshape(tensor.shape + x.shape)
