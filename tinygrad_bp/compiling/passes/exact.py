"""Exact simplification: only what gives the same floats, to the last bit.

So x * 1 is x, and x - 0 too; but x + 0 is not, which makes 0 of -0, and neither is (x * a) * b.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..program import Instruction, Program, Ref, astype
from .rewriting import rewritten

#: Functions that, where shape and dtype stay, return what they are given.
OF_SHAPE = {np.reshape, np.broadcast_to, np.expand_dims, np.squeeze, np.ravel, astype, np.positive}

#: The number that changes nothing, as the second operand.
NEUTRAL: dict[Any, str] = {np.multiply: "1.0", np.divide: "1.0", np.subtract: "0.0"}

#: What NumPy computes for an array ** a number.
POWERS: dict[str, Any] = {"2.0": np.square, "0.5": np.sqrt, "-1.0": np.reciprocal}

#: Where a maximum may start, and a minimum, so that it is that of the entries.
START: dict[Any, float] = {np.max: -np.inf, np.min: np.inf}


def simplify(program: Program) -> Program:
    types = program.types

    def number(x: Any) -> str:
        """Return the text of an argument that is one known number: 0 and -0 differ."""
        array = program.constants.get(x) if isinstance(x, Ref) else np.asarray(x)
        return "" if array is None or array.ndim else repr(float(array))

    def unchanged(i: Instruction) -> Any:
        """Return the argument that the result is equal to, if its type is the same."""
        if i.function in OF_SHAPE and len([*i.refs()]) == 1:  # a shape that is given is checked
            return i.arguments[0]
        if i.settings:  # such as a mask
            return None
        if i.function in NEUTRAL and number(i.arguments[1]) == NEUTRAL[i.function]:
            return i.arguments[0]
        if i.function is np.multiply and number(i.arguments[0]) == "1.0":
            return i.arguments[1]
        return None

    def has_type_of(ref: Ref, x: Any) -> bool:
        """Whether a value has the type of another: a Python number adopts any precision."""
        is_array = isinstance(x, Ref) and x not in program.numbers
        return is_array and types[x][:2] == types[ref][:2]

    def simpler(ref: Ref, i: Instruction) -> Instruction | Ref | None:
        same = unchanged(i)
        if has_type_of(ref, same):
            return same  # type: ignore[no-any-return]
        if i.function is np.power and types[ref].dtype.kind == "f" and not i.settings:
            function = POWERS.get(number(i.arguments[1]))
            if function and has_type_of(ref, i.arguments[0]):
                return Instruction(function, i.arguments[:1])
        settings = dict(i.settings)
        start = i.function in START and settings.pop("initial", None) == START[i.function]
        # a mask may choose no entry, and then the start is the result
        if start and "where" not in settings and 0 not in types[i.arguments[0]].shape:
            return Instruction(i.function, i.arguments, tuple(settings.items()))
        return None

    return rewritten(program, simpler)
