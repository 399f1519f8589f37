"""Buffers: results go into arrays that are kept between calls, and taken again within one.

A buffer is taken again as soon as the value in it, and every view of it, was used for the last
time; an operation entry by entry writes over an operand that it is the last to use. What has no
buffer is freed then, so that its memory can be taken again. What the program returns is always an
array of its own.

A buffer lies in memory as the result did while the function was traced, since calls that read one
order and write another take several times as long.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import Any

import numpy as np

from ..program import Instruction, Program, Ref, Type

#: Reductions of NumPy that are the reduction of a ufunc, which is there without the way to it.
REDUCTIONS: dict[Any, np.ufunc] = {
    np.sum: np.add,
    np.max: np.maximum,
    np.min: np.minimum,
    np.prod: np.multiply,
    np.any: np.logical_or,
    np.all: np.logical_and,
}

#: Functions that return a new array, and never a view of what they are given.
MAKES_NEW = {
    *(np.where, np.vdot, np.dot, np.outer, np.concatenate, np.stack, np.mean, np.var, np.std),
    *(np.cumsum, np.pad, np.take_along_axis, np.repeat, np.tile, np.roll, np.clip, np.trace),
    *(np.ones_like, np.zeros_like),
    *(np.linalg.solve, np.linalg.inv, np.linalg.pinv, np.linalg.det, np.linalg.cholesky),
    *(np.linalg.eigvalsh, np.linalg.matrix_rank, np.linalg.norm),
}

#: In bytes: what is smaller is not deleted, which takes longer than it gains.
LARGE = 65_536


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


class Lifetimes:
    """Whose memory a value shows, and when each was used last."""

    def __init__(self, program: Program) -> None:
        self.roots: dict[Ref, frozenset[Ref]] = {}
        self.last: dict[Ref, Ref] = {}
        for ref in (*program.inputs, *program.constants):
            self.roots[ref] = frozenset([ref])
        for ref, instruction in program.instructions.items():
            used = self.used_by(instruction)
            function = instruction.function
            is_new = isinstance(function, np.ufunc) or function in {*REDUCTIONS, *MAKES_NEW}
            # what may be a view of its operands is taken for one of them all
            self.roots[ref] = used if used and not is_new else frozenset([ref])
            for root in used:
                self.last[root] = ref
        returned = [self.roots[ref] for ref in program.results]
        #: Values whose memory goes to the caller, and not into a buffer.
        self.own = {root for roots in returned for root in roots} & program.instructions.keys()
        #: Of these, the ones that only one result shows: others are copied.
        self.single = {root for root in self.own if sum(root in roots for roots in returned) == 1}

    def used_by(self, i: Instruction) -> frozenset[Ref]:
        return frozenset(root for x in i.refs() for root in self.roots[x])


def reuse_buffers(program: Program) -> Program:
    lifetimes, types = Lifetimes(program), dict(program.types)
    places: dict[Ref, str] = {}
    freed: dict[Ref, list[Ref]] = {}
    free: dict[Type, list[str]] = defaultdict(list)
    present: list[Ref] = []
    numbers = count()
    for ref, i in program.instructions.items():
        dead = {x for x in lifetimes.used_by(i) if lifetimes.last[x] == ref} - lifetimes.own
        if (
            types[ref].shape
            and ref not in lifetimes.own
            and (places_result(i) or keeps(program, ref))
        ):
            if i.function is np.where and types[i.arguments[0]].shape == types[ref].shape:
                types[ref] = types[ref]._replace(order=types[i.arguments[0]].order)
            entrywise = isinstance(i.function, np.ufunc) and i.function.signature is None
            for x in i.refs() if entrywise else ():
                is_whole = lifetimes.roots[x] == {x} and types[x] == types[ref]
                if is_whole and x in dead and x in places and ref not in places:
                    places[ref] = places[x]
                    dead.remove(x)
            if ref not in places:
                places[ref] = free[types[ref]].pop() if free[types[ref]] else f"b{next(numbers)}"
        present.append(ref)
        for x in [x for x in dead if x in places]:
            free[types[x]].append(places[x])
        large = {x for x in dead if x in program.instructions and x not in places}
        large = {x for x in large if types[x].size > LARGE}
        if large:
            freed[ref] = [x for x in present if lifetimes.roots[x] & large]
            present = [x for x in present if x not in freed[ref]]
    return program._replace(types=types, places=places, freed=freed)
