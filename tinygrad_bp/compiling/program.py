"""A linear program: one NumPy call after the other, each of values with smaller numbers.

It is what `trace` makes of a function, what a pass turns into a shorter one, and what a back end
writes as code.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ..arguments import Structure


class Ref(int):
    """The number of a value."""

    def __repr__(self) -> str:
        return f"v{int(self)}"

    __str__ = __repr__


class Type(NamedTuple):
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: tuple[int, ...]  # of the axes in memory, from the longest step to the shortest

    @classmethod
    def of(cls, array: np.ndarray) -> Type:
        steps = [step * (n > 1) for step, n in zip(array.strides, array.shape, strict=True)]
        return cls(
            array.shape, array.dtype, tuple(sorted(range(array.ndim), key=lambda k: -steps[k]))
        )

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.dtype.name} {self.shape}"


class Instruction(NamedTuple):
    """One call. Among its arguments, and in lists and tuples there, a `Ref` stands for a value."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    settings: tuple[tuple[str, Any], ...] = ()

    def refs(self) -> Iterator[Ref]:
        yield from refs_in(self.arguments)
        yield from refs_in(tuple(value for _, value in self.settings))

    def over(self, change: Callable[[Ref], Any]) -> Instruction:
        """Return the same call, of what a function makes of every `Ref`."""
        settings = tuple((name, changed(value, change)) for name, value in self.settings)
        return Instruction(self.function, changed(self.arguments, change), settings)

    def run(self, values: Mapping[Ref, Any]) -> Any:
        ready = self.over(values.__getitem__)
        return ready.function(*ready.arguments, **dict(ready.settings))

    def __str__(self) -> str:
        settings = [f"{name}={value!r}" for name, value in self.settings]
        return f"{name_of(self.function)}({', '.join([*map(repr, self.arguments), *settings])})"


class Program(NamedTuple):
    """Instructions in order, by the number of their value.

    A value keeps its number from pass to pass, so that programs can be compared. ``types`` knows
    every value; constants are given as arrays.
    """

    inputs: tuple[Ref, ...]
    constants: dict[Ref, np.ndarray]
    instructions: dict[Ref, Instruction]
    results: tuple[Ref, ...]
    types: dict[Ref, Type]
    numbers: dict[Ref, type]  # what is a Python number, not an array, and adopts a precision
    ignores_errors: bool  # whether a part was written under np.errstate
    checks: int  # how many results, the last ones, are true of arguments that are refused
    #: The buffer that a value is in, the kernel that computes it, what is deleted after it.
    buffers: Mapping[Ref, str] = MappingProxyType({})
    kernels: Mapping[Ref, str] = MappingProxyType({})
    freed: Mapping[Ref, list[Ref]] = MappingProxyType({})

    def __str__(self) -> str:
        lines = [f"inputs: {', '.join(f'{ref} {self.types[ref]}' for ref in self.inputs)}"]
        for ref, array in self.constants.items():
            value = repr(array.item()) if array.size == 1 else "..."
            lines.append(f"{ref} = {value}  # {self.types[ref]}, a constant")
        for ref, instruction in self.instructions.items():
            where = self.buffers.get(ref) or self.kernels.get(ref, "")
            lines.append(f"{ref} = {instruction}  # {self.types[ref]}{where and f', in {where}'}")
            lines += [f"del {x}" for x in self.freed.get(ref, ())]
        returned = len(self.results) - self.checks
        lines.append(f"results: {', '.join(map(str, self.results[:returned]))}")
        lines += [f"refused if {ref}" for ref in self.results[returned:]]
        return "\n".join(lines)


def loop_dtypes(program: Program, i: Instruction) -> list[np.dtype[Any]]:
    """Return the dtypes that NumPy converts the operands of a ufunc to, before it computes."""

    def given(x: Any) -> Any:
        kind = program.numbers.get(x, program.types[x].dtype) if isinstance(x, Ref) else type(x)
        return np.dtype(bool) if kind is bool else kind  # an int or float adopts a precision

    ufunc: Any = i.function
    operands = [given(x) for x in i.arguments]
    if all(
        isinstance(kind, type) for kind in operands
    ):  # of ints alone, a comparison is of objects
        operands = [np.dtype(kind) for kind in operands]
    return list(ufunc.resolve_dtypes((*operands, *[None] * ufunc.nout))[: len(operands)])


class Interface(NamedTuple):
    """The structures of the arguments, whose leaves are the inputs, and of the results."""

    arguments: tuple[Structure, ...]
    result: Structure


class Built(NamedTuple):
    """What a back end makes of a program: None for other arguments, and for entries it refuses."""

    run: Callable[..., Any]
    source: str
    notes: list[str]  # what stays a call of NumPy's


def type_of(argument: Any) -> Any:
    """Return what a program is for: a shape and a dtype, or a Python type."""
    return (argument.shape, argument.dtype) if hasattr(argument, "dtype") else type(argument)


def refs_in(value: Any) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from refs_in(item)


def changed(value: Any, change: Callable[[Ref], Any]) -> Any:
    if isinstance(value, Ref):
        return change(value)
    if type(value) in (tuple, list):
        return type(value)(changed(item, change) for item in value)
    return value


def name_of(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", function))


# ---- what NumPy has as an operator or a method, as functions ----


def astype(a: Any, dtype: Any) -> Any:
    return np.asarray(a, dtype)  # which may be a Python number


def as_number(a: Any, kind: type) -> Any:
    return kind(a)


getitem = operator.getitem
