"""The sweep of one run, followed: which gradient arrived at each step, and where it went on to."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...backward import backward_closures, starting_gradient, summed_to, sweep
from ...tensor import Tensor


class Edge(NamedTuple):
    """From a step to one of its inputs, with the contribution as the rule gave it and summed."""

    operand: int
    x: Tensor
    given: np.ndarray
    value: np.ndarray


class Flow(NamedTuple):
    """A computed tensor, its upstream gradient, and where that flows."""

    tensor: Tensor
    g: np.ndarray
    edges: list[Edge]


def followed(loss: Tensor) -> tuple[list[Flow], dict[int, np.ndarray]]:
    """Run the sweep; return every step of it, and by id the gradients as the sweep has them."""
    flows: list[Flow] = []
    gradients = {}

    def follow(tensor: Tensor, g: np.ndarray) -> None:
        gradients[tensor.id] = g
        flows.append(Flow(tensor, g, contributions_of(tensor, g)))

    for leaf, g in sweep(loss, starting_gradient(loss, None), visit=follow):
        gradients[leaf.id] = g
    return flows, gradients


def contributions_of(tensor: Tensor, g: np.ndarray) -> list[Edge]:
    """Run the backward closures of a step once more, as the sweep does, and keep what they give."""
    edges = []
    closures = backward_closures(tensor, create_graph=False)
    for operand, (x, closure) in enumerate(zip(tensor.inputs, closures, strict=True), 1):
        if x is not None and x.requires_grad and closure is not None:
            given = closure(g)
            fits = getattr(given, "shape", None) == x.shape
            edges.append(Edge(operand, x, given, given if fits else summed_to(x, given, tensor)))
    return edges


def leading_to(ids: set[int], flows: list[Flow]) -> list[Flow]:
    """Keep the edges on a path to one of the tensors, and the steps that have one."""
    kept = []
    reaching = set(ids)
    for tensor, g, edges in reversed(flows):  # the tensor recorded first comes first
        edges = [edge for edge in edges if edge.x.id in reaching]
        if edges:
            reaching.add(tensor.id)
            kept.append(Flow(tensor, g, edges))
    return kept[::-1]


def read_only(value: Any) -> np.ndarray:
    """Return a gradient as an array that nobody can change."""
    array = np.asarray(value).view()
    array.setflags(write=False)
    return array
