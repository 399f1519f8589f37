"""What an explanation is, as data: the steps of a sweep, and what each passes on."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np

#: A formula with this run's numbers: text, and the arrays that stand between.
Parts: TypeAlias = "tuple[str | np.ndarray, ...]"


class Formula(NamedTuple):
    """Something in symbols: as text, and as a syntax tree in the identifiers of the tensors."""

    text: str
    expression: ast.expr


class Term(NamedTuple):
    """What one edge of the graph adds to a gradient."""

    step: int  # the number of the step
    operand: int  # which of the operation's operands the tensor was, from 1
    value: np.ndarray


@dataclass(frozen=True, eq=False)
class Given:
    """A tensor that is used, and that no step computed: a parameter, or data.

    Parameters
    ----------
    node
        Its position among the tensors recorded, from 0.
    tensor
        What it is called.
    values
        What it held when it was used: several arrays where it was given new ones in between.
    """

    node: int
    tensor: str
    values: tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class Gradient:
    """A gradient to which every term has arrived.

    Parameters
    ----------
    node
        The tensor's position among those recorded, from 0.
    tensor, name
        What the tensor and its gradient are called: ``W₁`` and ``∂L/∂W₁``.
    value
        The sum of the terms, a read-only array, as the engine has it.
    terms
        What was added up, in the order of arrival. None for the output itself, where the sweep
        starts, and for a tensor that the output does not depend on.
    """

    node: int
    tensor: str
    name: str
    value: np.ndarray
    terms: tuple[Term, ...]


@dataclass(frozen=True, eq=False)
class Contribution:
    """What one step passes on to one of its inputs.

    Parameters
    ----------
    operand
        Which operand of the operation the input was, from 1.
    node
        The input's position among the tensors recorded.
    tensor, gradient
        What the input and its gradient are called.
    term, terms
        This is the term-th of so many that are added up to the gradient.
    rule
        The contribution in symbols: the backward rule, summed over the axes along which the input
        was broadcast. None where the rule cannot be run on placeholders.
    expression
        The same as a syntax tree, in the identifiers of the tensors and their gradients.
    parts
        The same with this run's numbers: text, and the arrays themselves.
    value
        The contribution, a read-only array of the input's shape.
    unsummed
        What the rule gave before it was summed, where the input was broadcast; else None.
    """

    operand: int
    node: int
    tensor: str
    gradient: str
    term: int
    terms: int
    rule: str | None
    expression: ast.expr | None
    parts: Parts | None
    value: np.ndarray
    unsummed: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the sweep: from the gradient of an operation's output to those of its inputs.

    Parameters
    ----------
    number
        From 1, at the output.
    node
        The computed tensor's position among those recorded, from 0.
    tensor, operation, equation
        What was computed, by which operation, and how: ``z = W x``.
    computed
        The right-hand side of the equation.
    definition
        What the operation is composed of, where it is first used and that is short: of a sigmoid,
        ``1 / (1 + exp(−z))``. Else None.
    values
        The arrays that the identifiers in the formulas of this step stand for.
    value
        What came out in the forward pass.
    gradient, upstream
        What the upstream gradient is called, and its value.
    contributions
        One for each input that a gradient flows to.
    complete
        The gradients whose last term came from this step.
    """

    number: int
    node: int
    tensor: str
    operation: str
    equation: str
    computed: Formula
    definition: Formula | None
    values: Mapping[str, np.ndarray]
    value: np.ndarray
    gradient: str
    upstream: np.ndarray
    contributions: tuple[Contribution, ...]
    complete: tuple[Gradient, ...]


@dataclass(frozen=True, eq=False)
class Record:
    """The reverse sweep of one run.

    Parameters
    ----------
    output, value
        What the output is called, and its value.
    given
        What the steps use and none of them computes.
    steps
        In the order of the sweep: from the output back.
    gradients
        Where the sweep led: one for each tensor asked for.
    """

    output: str
    value: np.ndarray
    given: tuple[Given, ...]
    steps: tuple[Step, ...]
    gradients: tuple[Gradient, ...]
