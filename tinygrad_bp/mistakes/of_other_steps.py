"""Mistakes that take in more than one step: in time, along a wrong axis, on a penalty, in place."""

from __future__ import annotations

from functools import partial
from itertools import combinations
from math import prod
from typing import Any

import numpy as np

from ..record import Edge
from . import wrong_rules as wrong
from .mistake import Mistake, Wrong
from .run import Place

#: What a penalty on a weight is made with.
PENALTIES = {"square", "square_sum", "power", "absolute"}

SHARED_INDEX = "Give two rows the same index: the gradient of that row is the sum of both."


def one_step_off(place: Place) -> list[Wrong]:
    """Take the other factor from the next time step, or from the one before."""
    edges = place.run.alike.get(place.edge, ())
    if len(edges) < 2 or isinstance(place.tensor.operands[1 - place.edge.operand], float):
        return []
    factors = [other_operand(place, edge) for edge in edges]
    k = edges.index(place.edge)
    following = factors[k + 1] if k + 1 < len(edges) else after_the_last(place)
    before = factors[k - 1] if k else None

    def taking(factor: Any) -> Wrong:
        if factor is None:  # at the first step and the last there is none
            return Wrong(lambda g: place.summed(place.right(g)))
        operands = list(place.tensor.operands)
        operands[1 - place.edge.operand] = factor
        return Wrong(lambda g: place.summed(place.by_rule(place.primitive.rule, operands)(g)))

    return [taking(following), taking(before)]


def other_operand(place: Place, edge: Edge) -> Any:
    return place.run.tensors[edge.step].operands[1 - edge.operand]


def after_the_last(place: Place) -> Any:
    # what is computed like the other factor, and used nowhere else like it
    other = place.tensor.inputs[1 - place.edge.operand]
    if other is None or other.primitive is None:
        return None
    run, i = place.run, place.run.place[other.id]
    alike = [
        k
        for k, t in enumerate(run.tensors)
        if k > i and t.primitive is other.primitive and t.shape == other.shape
        if run.nearest_parameters[k] == run.nearest_parameters[i]
    ]
    return run.tensors[alike[0]].data if alike else None


def without_repeats(place: Place) -> list[Wrong]:
    """Add the rows with an index as NumPy does in place: of those with the same, one counts."""
    key = place.tensor.params["key"]

    def contribution(g: Any) -> Any:
        full = np.zeros(place.input.shape)
        full[key] += g
        return full

    return [Wrong(contribution)]


def wrong_count(place: Place) -> list[Wrong]:
    """Divide by the number of entries along other axes than those of the mean."""
    shape = place.input.shape
    right = place.input.size // max(place.tensor.size, 1)
    others = {prod(c) for k in range(1, len(shape) + 1) for c in combinations(shape, k)}
    factors = [right / n for n in sorted(others - {1, right})]
    return [made for f in factors for made in wrong.scaled(partial(constant, f))(place)]


def constant(factor: float, place: Place) -> float:
    return factor


def normalised(place: Place) -> tuple[int, Any, list[tuple[int, ...]]] | None:
    """Find what becomes of a mean's operand: its normalised entries, and the other sets of axes."""
    x, axis = place.input, place.tensor.params.get("axis")
    if place.operation != "mean" or axis is None or x.ndim < 2:
        return None
    right = {k % x.ndim for k in np.atleast_1d(axis)}
    sets = [c for k in range(1, x.ndim + 1) for c in combinations(range(x.ndim), k)]
    centred = x.data - x.data.mean(axis=axis, keepdims=True)
    for i in range(place.edge.step, len(place.run.tensors)):
        t = place.run.tensors[i]
        if t.shape == x.shape and i in place.run.gradients and t.primitive is not None:
            with np.errstate(all="ignore"):
                inverse = t.data / centred
            spread = np.ptp(inverse, axis=axis)
            if np.all(spread <= 1e-9 * np.abs(inverse).max()) and not np.allclose(inverse, 1.0):
                return i, inverse, [axes for axes in sets if right.isdisjoint(axes)]
    return None


def normalised_along_other_axis(place: Place) -> list[Wrong]:
    """Put the formula of a batch norm for a layer norm, or the other way, at all uses of x."""
    run, uses = place.run, place.uses
    first = next((e for e in uses if run.tensors[e.step].primitive.__name__ == "mean"), None)
    if first is None or len(uses) < 2:
        return []
    found = normalised(Place(run, first, place.at_hand))
    if found is None:
        return []
    i, inverse, other_axes = found

    def contribution(axes: tuple[int, ...], g: Any) -> Any:
        if place.edge != uses[0]:
            return None
        entries, given = run.tensors[i].data, np.asarray(place.at_hand[i])
        along = given.mean(axis=axes, keepdims=True)
        spread = (given * entries).mean(axis=axes, keepdims=True)
        return inverse * (given - along - entries * spread)

    return [Wrong(partial(contribution, axes)) for axes in other_axes]


def one_step_further(place: Place) -> list[Wrong]:
    """Take the gradient of what the input was computed from, through one operation."""
    run, x = place.run, place.run.source[place.edge]
    if len(place.uses) > 1 or place.input.primitive is None:
        return []
    if place.input.primitive.kind != "entrywise" or place.input.name is None:
        return []
    back = [Edge(x, k) for k in range(len(place.input.inputs))]
    back = [
        e
        for e in back
        if e in run.closures and run.tensors[run.source[e]].shape == run.tensors[x].shape
    ]

    def made(e: Edge) -> Wrong:
        name = run.tensors[run.source[e]].name or ""
        return Wrong(lambda g: run.closures[e](place.summed(place.right(g))), name)

    return [
        made(e)
        for e in back
        if run.tensors[run.source[e]].primitive is not None
        if wrong.is_function(Place(run, e, place.at_hand))
    ]


def is_penalty(place: Place) -> bool:
    is_shared_leaf = place.input.primitive is None and len(place.uses) > 1
    return is_shared_leaf and place.operation in PENALTIES and place.edge.operand == 0


def penalty(rule: wrong.WrongRule) -> dict[str, wrong.WrongRule]:
    return dict.fromkeys(sorted(PENALTIES), wrong.where(is_penalty, rule))


OF_OTHER_STEPS: dict[str, Mistake] = {
    # ---- over time ----
    "one-step-off": Mistake(
        "The product is with the values of the next time step, or of the one before.",
        "Write two time steps out: which h did this step multiply by, the new one or the old one?",
        matmul=one_step_off,
        multiply=one_step_off,
    ),
    # ---- indices ----
    "repeated-index-lost": Mistake(
        "Rows were added in place, W[index] += d, where only the last of a repeated index counts.",
        f"{SHARED_INDEX} NumPy has np.add.at for that.",
        getitem=without_repeats,
    ),
    # ---- means and norms ----
    "wrong-count-in-mean": Mistake(
        "The division is by the number of entries along other axes than those of the mean.",
        "Over which axes is the mean taken, and how many entries lie along them?",
        mean=wrong_count,
        var=wrong_count,
    ),
    "norm-along-wrong-axis": Mistake(
        "The sums are taken along the other axis: a batch norm's formula for a layer norm, say.",
        "Along which axis is the mean taken? The two sums in the gradient run along the same one.",
        mean=normalised_along_other_axis,
        subtract=normalised_along_other_axis,
        var=normalised_along_other_axis,
    ),
    # ---- a penalty on the weights ----
    "penalty-doubled": Mistake(
        "The gradient of the penalty is there twice, or has a factor 2 too many.",
        "Set the other loss to zero: how does the penalty alone change with the weight?",
        None,
        "extra-factor-2",
        **penalty(wrong.on_top(lambda contribution: contribution * 2.0)),
    ),
    "penalty-left-out": Mistake(
        "The gradient of the penalty is left out.",
        "The loss is a sum of two terms: what does the penalty alone contribute?",
        None,
        "overwritten-contribution",
        **penalty(wrong.nothing),
    ),
    # ---- in place ----
    "gradient-of-next-step": Mistake(
        "The gradient is that of one step further back, as where an array was changed in place "
        "through another name.",
        "Print the array where it is computed, and again at the end: is it the same?",
        anywhere=one_step_further,
    ),
}
