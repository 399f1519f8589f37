"""Buffers: results go into arrays that are kept between calls, and taken again within one.

A buffer is taken again as soon as the value in it, and every view of it, was used for the last
time; an operation entry by entry writes over an operand that it is the last to use. What the
program returns is always an array of its own.

A buffer lies in memory as the result did while the function was traced, since calls that read one
order and write another take several times as long.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import count

import numpy as np

from ..program import Instruction, Program, Ref, Type
from .lifetimes import REDUCTIONS, Lifetimes


def places_result(i: Instruction) -> bool:
    """Whether the call can be given the place for its result."""
    if i.function in REDUCTIONS:
        return len(i.arguments) == 1 and {name for name, _ in i.settings} <= {"axis", "keepdims"}
    return isinstance(i.function, np.ufunc) and i.function.nout == 1 and not i.settings


def keeps(program: Program, ref: Ref) -> bool:
    """Whether an instruction is np.where(mask, x, 0.0) of floats, which can be given one too."""
    i, known = program.instructions[ref], program.types
    if i.function is not np.where or i.settings:
        return False
    mask, x, other = i.arguments
    return (
        {mask, x}.isdisjoint(program.numbers)
        and all(isinstance(a, Ref) for a in (mask, x))
        and (known[mask].dtype, known[x].dtype) == (np.dtype(bool), known[ref].dtype)
        and (type(other), repr(other)) == (float, "0.0")
        and known[ref].dtype.kind == "f"
    )


def reuse_buffers(program: Program) -> Program:
    lifetimes, types = Lifetimes(program), dict(program.types)
    buffers: dict[Ref, str] = {}
    free: dict[Type, list[str]] = defaultdict(list)
    numbers = count()
    for ref, i in program.instructions.items():
        dead = lifetimes.dead_after(ref, i)
        takes = places_result(i) or keeps(program, ref)
        if takes and types[ref].shape and ref not in lifetimes.own:
            if i.function is np.where and types[i.arguments[0]].shape == types[ref].shape:
                types[ref] = types[ref]._replace(order=types[i.arguments[0]].order)
            entrywise = isinstance(i.function, np.ufunc) and i.function.signature is None
            for x in i.refs() if entrywise else ():
                is_whole = lifetimes.roots[x] == {x} and types[x] == types[ref]
                if is_whole and x in dead and x in buffers and ref not in buffers:
                    buffers[ref] = buffers[x]
                    dead.remove(x)
            if ref not in buffers:
                buffers[ref] = free[types[ref]].pop() if free[types[ref]] else f"b{next(numbers)}"
        for x in dead & buffers.keys():
            free[types[x]].append(buffers[x])
    return program._replace(types=types, buffers=buffers)
