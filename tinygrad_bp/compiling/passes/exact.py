"""Exact simplification: only what gives the same floats, to the last bit.

So x * 1 is x, and x - 0 too; but x + 0 is not, which makes 0 of -0, and neither is (x * a) * b.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..program import Instruction, Program, Ref, astype
from .rewriting import rewritten

#: Functions that, where shape and dtype stay, return what they are given.
OF_SHAPE = {np.reshape, np.broadcast_to, np.expand_dims, np.squeeze, np.ravel, astype, np.positive}

#: What a power with such an exponent is, as NumPy computes it for an array and a Python number.
POWERS: dict[float, Any] = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal}

#: What a maximum, or a minimum, of anything else is not.
LAST: dict[Any, float] = {np.max: -np.inf, np.min: np.inf}


class Simplifier:
    """Looks at one instruction after the other, and knows those before it."""

    def __init__(self, program: Program) -> None:
        self.constants, self.types = program.constants, program.types
        self.before: dict[Ref, Instruction] = {}

    def __call__(self, ref: Ref, instruction: Instruction) -> Instruction | Ref | None:
        found: Instruction | Ref | None = None
        for rule in RULES:
            found = rule(self, ref, instruction)
            if found is not None:
                break
        if not isinstance(found, Ref):
            self.before[ref] = found or instruction
        return found

    def number(self, value: Any) -> Any:
        """Return an argument that is one known number, else None."""
        if isinstance(value, Ref):
            known = self.constants.get(value)
            return None if known is None or known.ndim else known[()]
        return value if isinstance(value, (int, float)) else None

    def made_by(self, value: Any, *functions: Callable[..., Any]) -> Instruction | None:
        step = self.before.get(value) if isinstance(value, Ref) else None
        return step if step is not None and step.function in functions else None


def same_type(known: Simplifier, ref: Ref, x: Any) -> bool:
    return isinstance(x, Ref) and known.types[x][:2] == known.types[ref][:2]


def neutral(known: Simplifier, ref: Ref, i: Instruction) -> Ref | None:
    """Find x * 1, 1 * x, x / 1 and x - 0."""
    if i.function not in (np.multiply, np.divide, np.subtract):
        return None
    a, b = i.arguments
    one = 0 if i.function is np.subtract else 1
    n = known.number(b)
    if n is not None and n == one and not np.signbit(n) and same_type(known, ref, a):
        return a  # type: ignore[no-any-return]
    if i.function is np.multiply and known.number(a) == 1 and same_type(known, ref, b):
        return b  # type: ignore[no-any-return]
    return None


def of_shape(known: Simplifier, ref: Ref, i: Instruction) -> Ref | None:
    """Find a reshape to the shape that is there already, and the like."""
    if i.function in OF_SHAPE and same_type(known, ref, i.arguments[0]):
        return i.arguments[0]  # type: ignore[no-any-return]
    return None


def transposed_twice(known: Simplifier, ref: Ref, i: Instruction) -> Instruction | Ref | None:
    reverses = i.function is np.transpose and len(i.arguments) == 1 and not i.settings
    reverses = reverses and len(known.types[ref].shape) == 2
    if not reverses and i.function is not np.matrix_transpose:
        return None
    inner = known.made_by(i.arguments[0], np.matrix_transpose)
    if inner is not None:
        return inner.arguments[0]  # type: ignore[no-any-return]
    return Instruction(np.matrix_transpose, i.arguments) if reverses else None


def sign(known: Simplifier, ref: Ref, i: Instruction) -> Instruction | Ref | None:
    """Find -(-x), and -(c * x), which is (-c) * x for a number c."""
    if i.function is not np.negative or known.types[ref].dtype.kind != "f":
        return None
    inner = known.made_by(i.arguments[0], np.negative, np.multiply)
    if inner is None:
        return None
    if inner.function is np.negative:
        return inner.arguments[0]  # type: ignore[no-any-return]
    for number, other in (inner.arguments, inner.arguments[::-1]):
        value = known.number(number)
        if value is not None and same_type(known, ref, other):
            return Instruction(np.multiply, (-float(value), other))
    return None


def power(known: Simplifier, ref: Ref, i: Instruction) -> Instruction | Ref | None:
    if i.function is not np.power or not same_type(known, ref, i.arguments[0]):
        return None
    n = known.number(i.arguments[1])
    if n is None or known.types[ref].dtype.kind != "f":
        return None
    if n == 1:
        return i.arguments[0]  # type: ignore[no-any-return]
    return Instruction(POWERS[n], i.arguments[:1]) if n in POWERS else None


def neutral_start(known: Simplifier, ref: Ref, i: Instruction) -> Instruction | None:
    """Find a maximum over some entries that starts with -inf, or a minimum with inf."""
    settings = dict(i.settings)
    if i.function not in LAST or known.number(settings.pop("initial", None)) != LAST[i.function]:
        return None
    if 0 in known.types[i.arguments[0]].shape:
        return None
    return Instruction(i.function, i.arguments, tuple(settings.items()))


def broadcast_operand(known: Simplifier, ref: Ref, i: Instruction) -> Instruction | None:
    """Find an operation entry by entry that would broadcast its operand itself."""
    if not isinstance(i.function, np.ufunc) or i.function.signature or i.settings:
        return None
    for place, x in enumerate(i.arguments):
        spread = known.made_by(x, np.broadcast_to)
        if spread is None:
            continue
        arguments = (*i.arguments[:place], spread.arguments[0], *i.arguments[place + 1 :])
        shapes = [known.types[a].shape for a in arguments if isinstance(a, Ref)]
        if np.broadcast_shapes(*shapes) == known.types[ref].shape:
            return Instruction(i.function, arguments)
    return None


RULES = (neutral, of_shape, transposed_twice, sign, power, neutral_start, broadcast_operand)


def simplify(program: Program) -> Program:
    return rewritten(program, Simplifier(program))
