"""The NumPy back end: a program as straight-line code whose results go into buffers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .passes.buffers import places_result, reuse_buffers
from .passes.lifetimes import REDUCTIONS, Lifetimes, free_memory
from .program import (
    Built,
    Instruction,
    Interface,
    Program,
    Ref,
    as_number,
    astype,
    getitem,
    loop_dtypes,
    name_of,
)
from .structure_text import opened, text_of

#: What has a text of its own, which takes less time than the function.
WRITTEN: dict[Any, str] = {np.matrix_transpose: "{0}.mT", getitem: "{0}[{1}]"}

#: Functions of this package that are as good as NumPy's.
KNOWN = {as_number, astype, getitem}


def in_dtype(value: Any, dtype: np.dtype[Any]) -> Any:
    """Return a Python number as the array of no axes that NumPy would make of it in each call."""
    return np.array(value, dtype) if type(value) in (int, float) and dtype.kind == "f" else value


def allocated(shape: tuple[int, ...], dtype: Any, order: tuple[int, ...]) -> np.ndarray:
    """Return an array without numbers, with its axes in an order in memory."""
    return np.empty([shape[k] for k in order], dtype).transpose(np.argsort(order))


def kept(mask: Any, x: Any, out: np.ndarray) -> None:
    """Do what np.where(mask, x, 0.0) does, to the last bit, and does by a branch for each entry."""
    bits = out.view(f"i{out.itemsize}")
    np.negative(mask.view(np.int8), out=bits, dtype=bits.dtype)  # -1 has all bits set
    np.bitwise_and(bits, x.view(bits.dtype), out=bits)


#: Arrays of another library that this back end takes as they are.
ARRAYS = ()

PASSES = (reuse_buffers, free_memory)


class Writer:
    """The text, line by line, and the namespace that it runs in."""

    def __init__(self, program: Program, interface: Interface) -> None:
        self.program, self.lifetimes, self.interface = program, Lifetimes(program), interface
        self.scope: dict[str, Any] = {
            name: getattr(np, name) for name in ("array", "empty", "errstate", "ndarray")
        }
        self.lines: list[str] = []
        self.names: dict[Ref, str] = {ref: f"a{i}" for i, ref in enumerate(program.inputs)}
        self.numbers: dict[Any, str] = {}
        for ref, array in program.constants.items():
            self.names[ref] = f"c{ref}"
            self.scope[f"c{ref}"] = array
        self.write_all()

    def write_all(self) -> None:
        for ref, instruction in self.program.instructions.items():
            place = self.program.buffers.get(ref, "")
            call = self.call(ref, instruction, place)
            self.names[ref] = place or f"{ref}"
            self.lines.append(call if place else f"{ref} = {call}")
            self.free([ref])

    def free(self, refs: Iterable[Ref]) -> None:
        """Delete what no later instruction needs, of what has a name."""
        gone = [x for ref in refs for x in self.program.freed.get(ref, ()) if x in self.names]
        if gone:
            self.lines.append(f"del {', '.join(self.names[x] for x in gone)}")

    # ---- one instruction ----

    def call(self, ref: Ref, i: Instruction, out: str = "") -> str:
        function, settings, kind = i.function, dict(i.settings), self.program.types[ref]
        arguments = [self.text(x) for x in i.arguments]
        if function is np.where and out:
            return f"{self.function(kept)}({arguments[0]}, {arguments[1]}, {out})"
        if function in REDUCTIONS and places_result(i):
            function = REDUCTIONS[function].reduce
            arguments += [self.text(settings.pop("axis", None)), "None", out or "None"]
            arguments.append(str(settings.pop("keepdims", False)))
        elif places_result(i):
            pairs = zip(i.arguments, loop_dtypes(self.program, i), strict=True)
            arguments = [self.text(in_dtype(x, dtype)) for x, dtype in pairs]
            types = [self.program.types[x] for x in i.arguments if isinstance(x, Ref)]
            alike = [(len(t.shape), t.dtype) for t in types] == [(2, kind.dtype)] * 2
            if function is np.matmul and alike and kind.dtype.kind == "f":
                function = np.dot  # of two matrices the same product, with less to look up first
            arguments += [f"out={out}"] if out else []
        if function in WRITTEN and not settings:
            return WRITTEN[function].format(*arguments)
        arguments += [f"{name}={self.text(value)}" for name, value in settings.items()]
        return f"{self.function(function)}({', '.join(arguments)})"

    def function(self, function: Callable[..., Any]) -> str:
        """Return the name of a function in the text."""
        name = name_of(function)
        if isinstance(getattr(function, "__self__", None), np.ufunc):
            name = f"{function.__self__.__name__}_{name}"  # type: ignore[attr-defined]
        while self.scope.setdefault(name, function) != function:
            name += "_"
        return name

    def text(self, value: Any) -> str:
        if isinstance(value, Ref):
            return self.names[value]
        if type(value) is list:
            return f"[{', '.join(map(self.text, value))}]"
        if type(value) is tuple:
            return f"({''.join(self.text(item) + ', ' for item in value)})"
        if value is Ellipsis:
            return "..."
        if value is None or type(value) in (int, bool, str, slice):
            return repr(value)
        if type(value) is float and np.isfinite(value):
            return repr(value)
        key = (type(value), repr(value))  # what has no text of its own gets a name
        if key not in self.numbers:
            self.numbers[key] = f"k{len(self.numbers)}"
            self.scope[self.numbers[key]] = value
        return self.numbers[key]

    # ---- the whole ----

    def code(self) -> str:
        kinds = {name: self.program.types[ref] for ref, name in self.program.buffers.items()}
        if not kinds:
            return self.driver(self.lines)
        buffers = "".join(f"{name}, " for name in kinds)
        made = [
            f"{name} = {self.function(allocated)}({kind.shape}, {kind.dtype.str!r}, {kind.order})"
            for name, kind in kinds.items()
        ]
        make = "\n    ".join(["def make():", *made, f"return ({buffers})"])
        taken = [*TAKE, f"({buffers}) = memory"]
        return f"{make}\n\n\n{self.driver([*taken, *self.lines, 'pool.append(memory)'])}"

    def driver(self, lines: list[str]) -> str:
        """Return the text of a function that runs lines, if arguments are what they are for."""
        if self.program.ignores_errors:
            lines = ["with errstate(all='ignore'):", *(f"    {line}" for line in lines or ["pass"])]
        return DRIVER.format(lines="\n    ".join([*lines, *self.refusal()]), **self.face())

    def face(self) -> dict[str, str]:
        """Return what the text of the function begins and ends with."""
        leaves = iter(self.names[ref] for ref in self.program.inputs)
        parameters, opening = [], []
        for k, structure in enumerate(self.interface.arguments):
            leaf = structure is None
            parameters.append(next(leaves) if leaf else f"p{k}")
            opening += [] if leaf else opened(structure, f"p{k}", leaves)
        return {
            "arguments": ", ".join(parameters),
            "opening": "".join(f"{line}\n    " for line in opening),
            "guards": "\n        and ".join(self.guards()),
            "returned": text_of(self.interface.result, iter(self.results())),
        }

    def guards(self) -> list[str]:
        """Return the conditions under which arguments are those that the program is for."""
        texts = []
        for ref in self.program.inputs:
            name, kind = self.names[ref], self.program.types[ref]
            if ref in self.program.numbers:
                texts.append(f"type({name}) is {self.program.numbers[ref].__name__}")
                continue
            texts.append(f"type({name}) is ndarray and {name}.dtype is {self.dtype(kind.dtype)}")
            texts.append(f"{name}.shape == {kind.shape}")
        return texts or ["True"]

    def refusal(self) -> list[str]:
        """Return the lines that refuse arguments by their entries."""
        checks = self.program.results[len(self.program.results) - self.program.checks :]
        condition = " or ".join(self.names[ref] for ref in dict.fromkeys(checks))
        return [f"if {condition}:", "    return None"] if checks else []

    def dtype(self, dtype: np.dtype[Any]) -> str:
        """Return the name of a dtype in the text."""
        self.scope[f"dtype_{dtype.name}"] = dtype
        return f"dtype_{dtype.name}"

    def results(self) -> list[str]:
        """Return the text of each result as an array that nobody else has."""
        texts: list[str] = []
        for ref in self.program.results:
            own = (
                self.lifetimes.roots[ref] <= self.lifetimes.single
                and self.program.types[ref].shape != ()
            )
            texts.append(self.names[ref] if own else f"array({self.names[ref]})")
        return texts


#: Buffers are those of a call that is over: several threads may be in calls.
TAKE = ["try:", "    memory = pool.pop()", "except IndexError:", "    memory = make()"]

DRIVER = """\
def run({arguments}):
    {opening}if not (
        {guards}
    ):
        return None
    {lines}
    return {returned}
"""


def not_numpy(program: Program) -> list[str]:
    """Say which calls are not of NumPy: functions whose text could not be followed."""
    return [
        f"{ref}: {instruction} is called as a whole"
        for ref, instruction in program.instructions.items()
        if not (isinstance(instruction.function, np.ufunc) or instruction.function in KNOWN)
        and not instruction.function.__module__.startswith("numpy")
    ]


def build(program: Program, interface: Interface) -> Built:
    """Return a program as a function."""
    writer = Writer(program, interface)
    text = writer.code()
    scope = {**writer.scope, "pool": []}
    exec(compile(text, "<compiled by tinygrad_bp>", "exec"), scope)
    return Built(scope["run"], text, not_numpy(program))
