"""The task: what builds a loss, its leaves at one point, and which of them are parameters.

A task is given as a function and values of its arguments, or as a recorded loss, which is replayed
with other values. A layer, whose output is no single number, becomes a loss with a drawn upstream
gradient: the sum of the output times ``dout``, whose gradient by the output is ``dout``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any, TypeAlias

import numpy as np

from ..engine import Tensor
from ..record import Record
from ..table import TABLE
from ..worked_problem.network import network
from ..worked_problem.problem import random_problem
from .calling import UPSTREAM

#: Builds a loss from leaves given by name.
Builder = Callable[..., Tensor]

Leaves: TypeAlias = Mapping[str, np.ndarray]

#: The output of a layer, if it has no name.
OUTPUT = "out"

#: What data are called where nothing else says that they are data: in any case of letters.
DATA = {"x", "y", "t", "target", "targets", "label", "labels", "mask", "h0", "c0"}


def worked_problem(W1: Any, W2: Any, W3: Any, x: Any, y: Any) -> Tensor:
    return network(W1, W2, W3, x, y)["L"]  # type: ignore[no-any-return]


#: Other names of a quantity: in the source derivation y_hat is a3 too.
ALIASES: dict[Builder, dict[str, str]] = {worked_problem: {"a3": "y_hat"}}


@dataclass(frozen=True)
class Task:
    build: Builder
    leaves: dict[str, np.ndarray]
    #: Whose gradients are asked for, where that was said by ``requires_grad``.
    marked: tuple[str, ...] | None = None
    layer: bool = False
    is_given: bool = True  # else it is the worked problem, and its leaves are drawn

    def parameters(self, differentiable: Sequence[str]) -> tuple[str, ...]:
        """Return the leaves whose gradients are to be derived, of those that have one.

        If a Tensor says so by ``requires_grad``, those that do. Of a layer all, as its own input
        is passed on. Else all that are not called x, y, t, target, label, mask, h0 or c0; or all,
        if there are no others.
        """
        if self.marked is not None:
            return tuple(name for name in differentiable if name in self.marked)
        named = tuple(name for name in differentiable if name.casefold() not in DATA)
        return tuple(differentiable) if self.layer else named or tuple(differentiable)


def set_task(
    problem: Builder | Tensor | None, inputs: Mapping[str, Any] | Sequence[Any] | None
) -> Task:
    if isinstance(problem, Tensor):
        if inputs is not None:
            raise ValueError(
                "a recorded loss holds its own values: leave out the inputs, or give the function "
                "that builds it."
            )
        return replayed(problem)
    build = worked_problem if problem is None else problem
    if inputs is None:
        if build is not worked_problem:
            raise ValueError(
                "the shapes of this problem's leaves are not known. Give an example of them: "
                "inputs={'W': ..., 'x': ...}; or give the recorded loss in place of the function."
            )
        return Task(build, to_leaves(build, vars(random_problem())), is_given=False)
    given = by_name(build, inputs)
    marked = tuple(n for n, v in given.items() if isinstance(v, Tensor) and v.requires_grad)
    return as_layer(Task(build, to_leaves(build, given), marked or None))


def by_name(build: Builder, inputs: Mapping[str, Any] | Sequence[Any]) -> dict[str, Any]:
    if isinstance(inputs, Mapping):
        return dict(inputs)
    if not isinstance(inputs, (list, tuple)):
        raise TypeError(
            f"inputs are a mapping of values by name, or a list of them, not {inputs!r:.60}."
        )
    kinds = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in signature(build).parameters.values() if p.kind in kinds]
    if len(inputs) > len(names):
        raise ValueError(
            f"there are {len(inputs)} inputs, and the problem takes {len(names)}: "
            f"{', '.join(names)}."
        )
    return dict(zip(names, inputs, strict=False))


def replayed(loss: Tensor) -> Task:
    # What the record holds of arrays that were no Tensors, such as a mask, stays as it is.
    record = Record(loss)
    names = {
        i: t.name if t.name is not None else record.names.identifier(t)
        for i, t in enumerate(record.tensors)
        if t.primitive is None and (t.requires_grad or t.name is not None)
    }

    def build(**leaves: Tensor) -> Tensor:
        made: list[Tensor] = []
        for i, t in enumerate(record.tensors):
            if t.primitive is None:
                made.append(leaves.get(names.get(i, ""), t))
                continue
            operands = zip(t.inputs, t.operands, strict=True)
            values = [v if x is None else made[record.place[x.id]] for x, v in operands]
            again = t.primitive(*values, **t.params)
            made.append(again if t.name is None else again.named(t.name))
        return made[-1]

    leaves = {name: np.array(record.tensors[i].data) for i, name in names.items()}
    marked = tuple(name for i, name in names.items() if record.tensors[i].requires_grad)
    return as_layer(Task(build, leaves, marked))


# ---- layers ----


def as_layer(task: Task) -> Task:
    output = compute(task.build, task.leaves)
    if not output.ndim:
        return task
    if UPSTREAM in task.leaves:
        raise ValueError(
            f"the output has shape {output.shape}, so this is a layer, and {UPSTREAM} is the name "
            "of its upstream gradient: call the leaf something else."
        )

    def build(**leaves: Tensor) -> Tensor:
        dout = leaves.pop(UPSTREAM)
        out = task.build(**leaves)
        if out.shape != dout.shape:  # it would be broadcast
            raise ValueError(f"the output has shape {out.shape}, and {UPSTREAM} {dout.shape}")
        if out.name is None:
            out = out.named(OUTPUT)
        return TABLE["sum"](TABLE["multiply"](out, dout.detach()))  # type: ignore[no-any-return]

    dout = np.random.default_rng(0).standard_normal(output.shape)
    return Task(build, {**task.leaves, UPSTREAM: dout}, task.marked, layer=True)


# ---- leaves ----


def compute(build: Builder, leaves: Leaves) -> Tensor:
    tensors = {
        name: Tensor(value, requires_grad=value.dtype.kind == "f", name=name)
        for name, value in leaves.items()
    }
    loss = build(**tensors)
    if not isinstance(loss, Tensor):
        raise TypeError(f"the problem must return its loss, a Tensor, and returned {loss!r:.60}.")
    return loss


def to_leaves(build: Builder, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    # Whole numbers may be a weight, written as [[1, 2, 3]], or labels that pick a class. So they
    # are tried as float64, and stay integers if the loss cannot be computed from that.
    given = {
        name: np.array(value.data if isinstance(value, Tensor) else value)
        for name, value in inputs.items()
    }

    def as_floats(kinds: str) -> dict[str, np.ndarray]:
        return {n: v.astype(np.float64) if v.dtype.kind in kinds else v for n, v in given.items()}

    try:
        compute(build, as_floats("iuf"))
    except Exception:  # labels are used as an index, and a problem may do anything
        return as_floats("f")
    return as_floats("iuf")
