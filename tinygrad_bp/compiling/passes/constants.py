"""Constant folding: what depends on no argument is computed once, now."""

import numpy as np

from ..program import Instruction, Program, Ref, Type
from .rewriting import rewritten

#: In bytes: a larger result is computed in each call, and does not stay in memory between them.
LARGEST = 65_536


def fold_constants(program: Program) -> Program:
    constants = dict(program.constants)

    def rule(ref: Ref, instruction: Instruction) -> Instruction | Ref | None:
        if (
            not all(x in constants for x in instruction.refs())
            or size(program.types[ref]) > LARGEST
        ):
            return None
        with np.errstate(all="ignore"):
            constants[ref] = np.asarray(instruction.run(constants))
        return ref

    return rewritten(program, rule)._replace(constants=constants)


def size(of: Type) -> int:
    return int(np.prod(of.shape, dtype=np.int64)) * of.dtype.itemsize
