"""The reverse sweep with one of its duties left undone: what each of them is good for.

A sweep hands each upstream gradient g to the closures of the step that made it, and has three
duties besides. It waits until every contribution to a g has arrived before it passes that on. It
adds up the contributions to the same tensor. And it sums a contribution over the axes along which
its input was broadcast. With all three this is the engine's sweep (`backward.py`) in few words.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import Any

from .planted import Edge, Run


def sweep(
    run: Run, in_order: bool = True, adds_up: bool = True, sums_copies: bool = True
) -> dict[int, Any]:
    """Return every gradient by position; None where a wrong one no longer fits a rule.

    Parameters
    ----------
    run
        The recorded computation, with the closures of its steps.
    in_order
        Take the tensors latest first. Otherwise first come, first served: what a tensor still
        gets after its turn is added to its own gradient, and not passed on.
    adds_up
        Add a contribution to those before it. Otherwise it is written over them: ``=`` for ``+=``.
    sums_copies
        Sum a contribution to the shape of its input, where that was broadcast.

    Examples
    --------
    With s = a b and L = s s + s, the g of s is 2 s + 1 = 13. First come, first served, s would pass
    on the 1 that came first, and a would get 3:

    >>> import tinygrad_bp as bp
    >>> a = bp.tensor(2.0, requires_grad=True)
    >>> s = a * 3.0
    >>> run = Run(s + s * s)
    >>> [float(g) for g in (sweep(run)[0], sweep(run, in_order=False)[0])]
    [39.0, 3.0]
    """
    steps: dict[int, list[Edge]] = {}
    for edge in run.whole:
        steps.setdefault(edge.step, []).append(edge)
    upstream: dict[int, Any] = {run.loss: run.start}
    turn = count()
    waiting = [(next(turn), run.loss)]
    while waiting:
        tensor = heappop(waiting)[1]
        for edge in steps.get(tensor, ()):
            x = run.source[edge]
            contribution = contributed(run, edge, upstream[tensor], sums_copies)
            if x not in upstream:
                heappush(waiting, (-x if in_order else next(turn), x))
            elif adds_up:
                contribution = added(upstream[x], contribution)
            upstream[x] = contribution
    return upstream


def contributed(run: Run, edge: Edge, g: Any, sums_copies: bool) -> Any:
    """Return what an edge contributes; None where its rule cannot be computed with g."""
    if g is None:
        return None
    try:
        return run.contribution(edge, g) if sums_copies else run.closures[edge](g)
    except Exception:  # g has a shape that no right gradient has
        return None


def added(first: Any, second: Any) -> Any:
    """Return the sum of two contributions; None where they do not fit."""
    try:
        return None if first is None or second is None else first + second
    except ValueError:
        return None
