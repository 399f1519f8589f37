"""Fusion: which instructions a kernel computes together, and what stays a call of NumPy's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

from ..program import Instruction, Program, Ref


class Group(NamedTuple):
    """Instructions in order, and whether they are one kernel or a NumPy call each."""

    is_kernel: bool
    refs: tuple[Ref, ...]


def group(program: Program, fits: Callable[[Ref, Instruction], bool]) -> list[Group]:
    """Return the instructions in groups, as few as there can be, in an order that can be run.

    ``fits`` says what a kernel can compute. All that is ready and fits is one kernel, then all that
    is ready and does not fit is called, and so on.
    """
    waiting = dict(program.instructions)
    known = {*program.inputs, *program.constants}
    groups: list[Group] = []
    is_kernel = True
    while waiting:
        taken = []
        for ref, instruction in waiting.items():
            if fits(ref, instruction) == is_kernel and known.issuperset(instruction.refs()):
                taken.append(ref)
                known.add(ref)
        for ref in taken:
            del waiting[ref]
        if taken:
            groups.append(Group(is_kernel, tuple(taken)))
        is_kernel = not is_kernel
    return groups


def users_of(program: Program) -> dict[Ref, list[Ref]]:
    """Return who uses each value, once for each use."""
    users: dict[Ref, list[Ref]] = defaultdict(list)
    for ref, instruction in program.instructions.items():
        for x in instruction.refs():
            users[x].append(ref)
    return users
