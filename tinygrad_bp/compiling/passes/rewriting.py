"""What passes share: going through a program once, with another instruction here and there."""

from collections.abc import Callable

from ..program import Instruction, Program, Ref

Rule = Callable[[Ref, Instruction], Instruction | Ref | None]


def rewritten(program: Program, rule: Rule) -> Program:
    """Return the program with what a rule says of each instruction.

    A rule is given an instruction after its operands were rewritten. It returns the number of a
    value that is the same, another instruction, or None for this one.
    """
    same: dict[Ref, Ref] = {}
    instructions = {}
    for ref, instruction in program.instructions.items():
        instruction = instruction.over(lambda x: same.get(x, x))
        found = rule(ref, instruction)
        if isinstance(found, Ref):
            same[ref] = found
        else:
            instructions[ref] = found or instruction
    results = tuple(same.get(x, x) for x in program.results)
    return program._replace(instructions=instructions, results=results)
