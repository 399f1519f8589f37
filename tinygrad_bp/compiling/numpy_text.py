"""The NumPy back end: a program as straight-line code whose results go into buffers.

A buffer is taken again as soon as the value in it, and every view of it, was used for the last
time; an operation entry by entry writes over an operand that it is the last to use. What has no
buffer is deleted then, so that its memory can be taken again. What the program returns is always an
array of its own.

A buffer lies in memory as the result did while the function was traced, since calls that read one
order and write another take several times as long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

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
)
from .structure_text import opened, text_of

#: Reductions of NumPy that are the reduction of a ufunc, which is there without the way to it.
REDUCTIONS: dict[Any, np.ufunc] = {
    np.sum: np.add,
    np.max: np.maximum,
    np.min: np.minimum,
    np.prod: np.multiply,
    np.any: np.logical_or,
    np.all: np.logical_and,
}

#: What has a text of its own, which takes less time than the function.
WRITTEN: dict[Any, str] = {np.matrix_transpose: "{0}.mT", getitem: "{0}[{1}]"}

#: Functions of this package that are as good as NumPy's.
KNOWN = {as_number, astype, getitem}

#: Functions that return a new array, and never a view of what they are given.
MAKES_NEW = {
    *(np.where, np.vdot, np.dot, np.outer, np.concatenate, np.stack, np.mean, np.var, np.std),
    *(np.cumsum, np.pad, np.take_along_axis, np.repeat, np.tile, np.roll, np.clip, np.trace),
    *(np.ones_like, np.zeros_like),
    *(np.linalg.solve, np.linalg.inv, np.linalg.pinv, np.linalg.det, np.linalg.cholesky),
    *(np.linalg.eigvalsh, np.linalg.matrix_rank, np.linalg.norm),
}

#: In bytes: what is smaller is not deleted, which takes longer than it gains.
LARGE = 65_536


def places_result(i: Instruction) -> bool:
    """Whether the call can be given the place for its result."""
    if i.function in REDUCTIONS:
        return len(i.arguments) == 1 and {name for name, _ in i.settings} <= {"axis", "keepdims"}
    return isinstance(i.function, np.ufunc) and i.function.nout == 1 and not i.settings


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


class Lifetimes:
    """Whose memory a value shows, and when each was used last."""

    def __init__(self, program: Program) -> None:
        self.roots: dict[Ref, frozenset[Ref]] = {}
        self.last: dict[Ref, Ref] = {}
        for ref in (*program.inputs, *program.constants):
            self.roots[ref] = frozenset([ref])
        for ref, instruction in program.instructions.items():
            used = frozenset(root for x in instruction.refs() for root in self.roots[x])
            function = instruction.function
            is_new = isinstance(function, np.ufunc) or function in {*REDUCTIONS, *MAKES_NEW}
            # what may be a view of its operands is taken for one of them all
            self.roots[ref] = used if used and not is_new else frozenset([ref])
            for root in used:
                self.last[root] = ref


class Writer:
    """The text, line by line, and the namespace that it runs in."""

    def __init__(self, program: Program, interface: Interface) -> None:
        self.program, self.lifetimes, self.interface = program, Lifetimes(program), interface
        self.scope: dict[str, Any] = {
            name: getattr(np, name) for name in ("array", "empty", "errstate", "ndarray")
        }
        self.lines: list[str] = []
        self.names: dict[Ref, str] = {ref: f"a{i}" for i, ref in enumerate(program.inputs)}
        self.buffers: dict[str, Type] = {}
        self.free: dict[Type, list[str]] = {}
        self.held: dict[Ref, str] = {}
        self.made: set[Ref] = set()  # in each call, as they have no buffer
        self.numbers: dict[Any, str] = {}
        roots = [self.lifetimes.roots[ref] for ref in program.results]
        #: Values whose memory goes to the caller, and not into a buffer.
        self.own = {root for found in roots for root in found} & program.instructions.keys()
        #: Of these, the ones that only one result shows: others are copied.
        self.single = {root for root in self.own if sum(root in found for found in roots) == 1}
        for ref, array in program.constants.items():
            self.names[ref] = f"c{ref}"
            self.scope[f"c{ref}"] = array
        self.write_all()

    def write_all(self) -> None:
        for ref, instruction in self.program.instructions.items():
            self.write(ref, instruction)
            self.release(ref, instruction)

    # ---- one instruction ----

    def write(self, ref: Ref, i: Instruction) -> None:
        kind = self.program.types[ref]
        if kind.shape and ref not in self.own and (places_result(i) or self.keeps(ref, i)):
            if i.function is np.where and self.program.types[i.arguments[0]].shape == kind.shape:
                kind = kind._replace(order=self.program.types[i.arguments[0]].order)
            self.names[ref] = self.held[ref] = self.buffer(ref, i, kind)
            self.lines.append(self.call(i, kind, self.names[ref]))
        else:
            self.names[ref] = f"{ref}"
            self.lines.append(f"{ref} = {self.call(i, kind)}")
            self.made.add(ref)

    def keeps(self, ref: Ref, i: Instruction) -> bool:
        """Whether `kept` does what an instruction says."""
        if i.function is not np.where or i.settings:
            return False
        mask, x, other = i.arguments
        known, dtype = self.program.types, self.program.types[ref].dtype
        return (
            {mask, x}.isdisjoint(self.program.numbers)
            and all(isinstance(a, Ref) for a in (mask, x))
            and (known[mask].dtype, known[x].dtype) == (np.dtype(bool), dtype)
            and (type(other), repr(other)) == (float, "0.0")
            and dtype.kind == "f"
        )

    def call(self, i: Instruction, kind: Type, out: str = "") -> str:
        function, settings = i.function, dict(i.settings)
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

    # ---- memory ----

    def buffer(self, ref: Ref, i: Instruction, kind: Type) -> str:
        """Return a buffer for a result: of an operand that dies here, a free or a new one."""
        entrywise = isinstance(i.function, np.ufunc) and i.function.signature is None
        for x in i.refs() if entrywise else ():
            last = self.lifetimes.last[x] if self.lifetimes.roots[x] == {x} else None
            if last == ref and self.buffers.get(self.held.get(x, "")) == kind:
                return self.held.pop(x)
        if self.free.get(kind):
            return self.free[kind].pop()
        name = f"b{len(self.buffers)}"
        self.buffers[name] = kind
        return name

    def release(self, ref: Ref, i: Instruction) -> None:
        roots = self.lifetimes.roots
        used = {root for x in i.refs() for root in roots[x]}
        dead = {x for x in used if self.lifetimes.last[x] == ref} - self.own
        for x in dead & self.held.keys():
            name = self.held.pop(x)
            self.free.setdefault(self.buffers[name], []).append(name)
        large = {x for x in dead & self.made if self.program.types[x].size > LARGE}
        gone = [x for x in self.names if roots[x] & large]
        if gone:
            self.lines.append(f"del {', '.join(self.names.pop(x) for x in gone)}")

    # ---- the whole ----

    def code(self) -> str:
        everything = "".join(f"{name}, " for name in self.buffers)
        buffers = [
            f"{name} = {self.function(allocated)}({kind.shape}, {kind.dtype.str!r}, {kind.order})"
            for name, kind in self.buffers.items()
        ]
        lines = [f"({everything}) = memory", *self.lines] if buffers else self.lines
        if self.program.ignores_errors:
            lines = ["with errstate(all='ignore'):", *(f"    {line}" for line in lines)]
        return MODULE.format(
            make="\n    ".join([*buffers, f"return ({everything})"]),
            lines="\n    ".join(lines),
            **self.face(),
        )

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
            "refusal": self.refusal(),
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

    def refusal(self) -> str:
        """Return the lines that refuse arguments by their entries."""
        checks = self.program.results[len(self.program.results) - self.program.checks :]
        if not checks:
            return ""
        condition = " or ".join(self.names[ref] for ref in dict.fromkeys(checks))
        return f"if {condition}:\n        raise ValueError('refused')\n    "

    def dtype(self, dtype: np.dtype[Any]) -> str:
        """Return the name of a dtype in the text."""
        self.scope[f"dtype_{dtype.name}"] = dtype
        return f"dtype_{dtype.name}"

    def results(self) -> list[str]:
        """Return the text of each result as an array that nobody else has."""
        texts: list[str] = []
        for ref in self.program.results:
            own = self.lifetimes.roots[ref] <= self.single and self.program.types[ref].shape != ()
            texts.append(self.names[ref] if own else f"array({self.names[ref]})")
        return texts


MODULE = """\
def make():
    {make}


def run({arguments}):
    {opening}if not (
        {guards}
    ):
        return None
    try:
        memory = pool.pop()
    except IndexError:  # all buffers are in use, by other threads
        memory = make()
    {lines}
    {refusal}pool.append(memory)
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
