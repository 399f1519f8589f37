"""Common subexpressions: the same call of the same values is made once."""

from collections.abc import Hashable

from ..program import Instruction, Program, Ref
from .rewriting import rewritten


def share_common(program: Program) -> Program:
    constants: dict[Hashable, Ref] = {}
    same = {}
    for ref, array in program.constants.items():  # equal to the last bit: 0 and -0 differ
        small = array.nbytes <= 1024
        key = (program.types[ref], array.tobytes() if small else id(array))
        same[ref] = constants.setdefault(key, ref)
    calls: dict[Hashable, Ref] = {}

    def rule(ref: Ref, instruction: Instruction) -> Instruction | Ref | None:
        instruction = instruction.over(lambda x: same.get(x, x))
        # As text, since slices are no keys of a dictionary, and as 1 and 1.0 are different numbers.
        key = (instruction.function, repr(instruction.arguments), repr(instruction.settings))
        first = calls.setdefault(key, ref)
        return instruction if first == ref else first

    shorter = rewritten(program, rule)
    return shorter._replace(results=tuple(same.get(x, x) for x in shorter.results))
