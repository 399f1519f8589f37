"""Constant folding: what depends on no argument is computed once, now."""

import numpy as np

from ..program import Instruction, Program, Ref
from .rewriting import rewritten

#: In bytes: a larger result is computed in each call, and does not stay in memory between them.
LARGEST = 65_536


def fold_constants(program: Program) -> Program:
    constants = dict(program.constants)

    def rule(ref: Ref, instruction: Instruction) -> Instruction | Ref | None:
        if not all(x in constants for x in instruction.refs()) or program.types[ref].size > LARGEST:
            return None
        with np.errstate(all="ignore"):
            constants[ref] = np.asarray(instruction.run(constants))
        return ref

    return rewritten(program, rule)._replace(constants=constants)
