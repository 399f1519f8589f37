"""Fusion: which instructions a kernel computes together, and what stays a call of NumPy's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from ..program import Instruction, Program, Ref


def fuse(program: Program, fits: Callable[[Ref, Instruction], bool]) -> Program:
    """Return the instructions in kernels, as few as there can be, in an order that can be run.

    ``fits`` says what a kernel can compute. All that is ready and fits is one kernel, then all that
    is ready and does not fit is called, and so on.
    """
    waiting = dict(program.instructions)
    known = {*program.inputs, *program.constants}
    ordered: dict[Ref, Instruction] = {}
    kernels: dict[Ref, str] = {}
    is_kernel = True
    while waiting:
        name = f"kernel{len(set(kernels.values()))}"
        for ref, instruction in list(waiting.items()):
            if fits(ref, instruction) == is_kernel and known.issuperset(instruction.refs()):
                known.add(ref)
                ordered[ref] = waiting.pop(ref)
                if is_kernel:
                    kernels[ref] = name
        is_kernel = not is_kernel
    return program._replace(instructions=ordered, kernels=kernels)


def users_of(program: Program) -> dict[Ref, list[Ref]]:
    """Return who uses each value, once for each use."""
    users: dict[Ref, list[Ref]] = defaultdict(list)
    for ref, instruction in program.instructions.items():
        for x in instruction.refs():
            users[x].append(ref)
    return users
