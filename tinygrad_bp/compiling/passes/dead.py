"""Dead code: what no result depends on is left out."""

from ..program import Program


def drop_dead(program: Program) -> Program:
    needed = set(program.results)
    for ref, instruction in reversed(program.instructions.items()):
        if ref in needed:
            needed.update(instruction.refs())
    return program._replace(
        instructions={x: i for x, i in program.instructions.items() if x in needed},
        constants={x: array for x, array in program.constants.items() if x in needed},
    )
