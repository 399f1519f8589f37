"""The JAX back end: the same program over jax.numpy, jitted, on whatever devices JAX has.

A call that JAX has not, or cannot trace, as it writes into an array or looks at entries, stays
NumPy's: JAX hands it the arrays and takes back the result (`jax.pure_callback`). Results are arrays
of JAX. Arguments that JAX has spread over devices stay so, and so does what is computed from them.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..arguments import flatten, unflatten
from .program import (
    Built,
    Instruction,
    Interface,
    Program,
    Ref,
    Type,
    as_number,
    astype,
    getitem,
    loop_dtypes,
    name_of,
    refs_in,
    type_of,
)

#: Arrays of another library that this back end takes as they are.
ARRAYS = (jax.Array,)

PASSES = ()  # JAX has its own

enable_x64 = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64


def build(program: Program, interface: Interface) -> Built:
    """Return a program as a function of arrays."""
    called: set[Ref] = set()  # by a callback
    returned = len(program.results) - program.checks
    kinds = [program.numbers.get(ref, program.types[ref][:2]) for ref in program.inputs]

    def compute(*arrays: Any) -> list[Any]:
        refused = []
        values: dict[Ref, Any] = dict(zip(program.inputs, arrays, strict=True))
        values |= program.constants  # as they are: an index of booleans must be known
        for ref, instruction in program.instructions.items():
            dtypes = operand_dtypes(program, ref, instruction)

            def value(x: Ref, dtypes: dict[Ref, Any] = dtypes) -> Any:
                return values[x].astype(dtypes[x]) if x in dtypes else values[x]

            ready = instruction.over(value)
            found = computed(ready, program.types[ref])
            if found is None:
                called.add(ref)
                if not isinstance(instruction.function, np.ufunc):  # axes and lengths are integers
                    ready = instruction.over(values.__getitem__)
                found = call_back(ready, program.types[ref])
            elif instruction.function in RAISE and any(refs_in(instruction.arguments[1:])):
                refused.append(
                    RAISE[instruction.function](*ready.arguments, **dict(ready.settings))
                )
            values[ref] = found
        return [*(jnp.asarray(values[ref]) for ref in program.results), *refused]

    jitted = jax.jit(compute)

    def run(*given: Any) -> Any:
        parts = [flatten(argument) for argument in given]
        if tuple(structure for _, structure in parts) != interface.arguments:
            return None
        arguments = [leaf for leaves, _ in parts for leaf in leaves]
        if [type_of(argument) for argument in arguments] != kinds:
            return None
        with enable_x64(True):
            results = jitted(*arguments)
        if any(results[returned:]):
            return None
        return unflatten(interface.result, iter(results))

    with enable_x64(True):
        examples = [
            program.numbers[ref](0)
            if ref in program.numbers
            else jax.ShapeDtypeStruct(kind.shape, kind.dtype)
            for ref, kind in ((ref, program.types[ref]) for ref in program.inputs)
        ]
        jax.eval_shape(compute, *examples)
    notes = [
        f"{ref}: {program.instructions[ref]} is NumPy's, called back" for ref in sorted(called)
    ]
    return Built(run, f"{program}\n", notes)


def outside(function: Any) -> Any:
    """Return whether NumPy would raise, where JAX takes an index that is out of range."""
    return lambda a, *index, **by: (
        ~jnp.all(function(jnp.ones(a.shape, bool), *index, **by, mode="fill", fill_value=False))
    )


#: Whether a call raises in NumPy, for entries that JAX takes.
RAISE: dict[Any, Any] = {
    getitem: outside(lambda a, key, **fill: a.at[key].get(**fill)),
    np.take: outside(jnp.take),
    np.take_along_axis: outside(jnp.take_along_axis),
    np.power: lambda a, n: jnp.any((n < 0) & (jnp.result_type(a, n).kind in "iu")),
}

#: Where JAX has other integers than NumPy: of a division by 0.
DIVISIONS = {np.floor_divide, np.remainder, np.fmod}

#: Functions of NumPy that do not convert all their operands to one dtype: some are indices.
CHOOSE = {np.where, np.take, np.take_along_axis, np.roll}


def operand_dtypes(program: Program, ref: Ref, i: Instruction) -> dict[Ref, np.dtype[Any]]:
    """Return what to convert operands to: NumPy's dtypes, as JAX makes float32 of integers."""
    if isinstance(i.function, np.ufunc) and not i.settings:
        dtypes = loop_dtypes(program, i)
        return {x: dtypes[k] for k, x in enumerate(i.arguments) if isinstance(x, Ref)}
    promotes = getattr(np, name_of(i.function), None) is i.function and i.function not in CHOOSE
    if program.types[ref].dtype.kind != "f" or not promotes:
        return {}
    return dict.fromkeys(refs_in(i.arguments), program.types[ref].dtype)


def computed(i: Instruction, kind: Type) -> Any:
    """Return what JAX makes of a call, or None where it has it not."""
    settings = dict(i.settings)
    if i.function is as_number:
        return jnp.asarray(i.arguments[0], kind.dtype)
    name = getattr(i.function, "__name__", "")
    function: Any = i.function if i.function in (astype, getitem) else None
    known = i.function not in DIVISIONS or kind.dtype.kind == "f"
    if known and getattr(np, name, None) is i.function:
        function = getattr(jnp, name, None)
    if function is not None:
        try:
            return jnp.asarray(function(*i.arguments, **settings), kind.dtype)
        except (TypeError, ValueError, NotImplementedError):  # not with these arguments
            pass
    return None


def call_back(i: Instruction, kind: Type) -> Any:
    """Call a function of NumPy's with the arrays that JAX has, when it has them."""
    leaves, structure = jax.tree.flatten((i.arguments, dict(i.settings)))
    places = [k for k, leaf in enumerate(leaves) if isinstance(leaf, jax.Array)]

    def run(*values: Any) -> Any:
        known = dict(zip(places, map(np.asarray, values), strict=True))
        arguments, settings = jax.tree.unflatten(
            structure, [known.get(k, leaf) for k, leaf in enumerate(leaves)]
        )
        return np.asarray(i.function(*arguments, **settings), kind.dtype)

    result = jax.ShapeDtypeStruct(kind.shape, kind.dtype)
    return jax.pure_callback(run, result, *(leaves[k] for k in places))
