"""Lifetimes: whose memory a value shows, and which values are dead after an instruction."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..program import Instruction, Program, Ref

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

    def dead_after(self, ref: Ref, i: Instruction) -> set[Ref]:
        """Return whose memory nothing reads any more, and the program does not return."""
        return {x for x in self.used_by(i) if self.last[x] == ref} - self.own


def free_memory(program: Program) -> Program:
    """Return a program that deletes what is large, and has no buffer, after its last use."""
    lifetimes = Lifetimes(program)
    made = {x for x in program.instructions if program.types[x].size > LARGE} - {*program.buffers}
    freed: dict[Ref, list[Ref]] = {}
    present = [*program.instructions]
    for ref, i in program.instructions.items():
        if dead := lifetimes.dead_after(ref, i) & made:
            freed[ref] = [x for x in present if lifetimes.roots[x] & dead]
            present = [x for x in present if not lifetimes.roots[x] & dead]
    return program._replace(freed=freed)
