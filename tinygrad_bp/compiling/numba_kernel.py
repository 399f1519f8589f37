"""A kernel: a run of instructions as loops, the text of one function that Numba compiles.

What works entry by entry and is used once, or costs little, is written where it is used, so that it
is never in memory. Sums and maxima are loops, matrix products are BLAS, or loops where they are
small. Lengths are constants in the text, which lets the compiler use vector instructions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .passes.lifetimes import LARGE
from .program import Instruction, Program, Ref, as_number, astype, loop_dtypes

#: The text of one entry, of the text of the operands' entries.
ENTRY: dict[Any, str] = {
    np.add: "({} + {})",
    np.subtract: "({} - {})",
    np.multiply: "({} * {})",
    np.divide: "({} / {})",
    np.negative: "(-{})",
    np.reciprocal: "(one / {})",
    np.square: "({0} * {0})",
    np.sqrt: "math.sqrt({})",
    np.absolute: "abs({})",
    np.maximum: "larger({}, {})",
    np.minimum: "smaller({}, {})",
    np.exp: "exp({})",
    np.log: "log({})",
    np.tanh: "tanh({})",
    np.less: "({} < {})",
    np.less_equal: "({} <= {})",
    np.greater: "({} > {})",
    np.greater_equal: "({} >= {})",
    np.equal: "({} == {})",
    np.not_equal: "({} != {})",
    np.logical_and: "({} != 0 and {} != 0)",
    np.bitwise_and: "({} & {})",
    np.bitwise_or: "({} | {})",
    np.invert: "(not {})",
    np.where: "({1} if {0} else {2})",
    np.power: "({} ** {})",
}

#: What a kernel computes with; of integers, only what Python's arithmetic does as NumPy's.
KNOWN = {np.dtype(code) for code in "?lfd"}
OF_INTEGERS = {np.add, np.subtract, np.multiply, np.negative, np.where}
GIVE_BOOLEANS = {
    *(np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal),
    *(np.logical_and, np.bitwise_and, np.bitwise_or, np.invert, np.where),
}

#: What costs less to compute again than to store.
CHEAP = {np.add, np.subtract, np.multiply, np.negative, np.maximum, np.minimum, np.square}

#: Where a reduction starts, and what an entry e adds to its result r.
REDUCE: dict[Any, tuple[str, str]] = {
    np.sum: ("0.0", "{r} += {e}"),
    np.max: ("-inf", "{r} = larger({r}, {e})"),
    np.min: ("inf", "{r} = smaller({r}, {e})"),
    np.prod: ("1.0", "{r} *= {e}"),
    np.any: ("0", "{r} = {r} | {e}"),
    np.all: ("1", "{r} = {r} & {e}"),
}

#: Other shapes of the same entries, in the same order.
RESHAPE = {np.reshape, np.expand_dims, np.squeeze, np.ravel}

#: The same entries elsewhere, which an index finds.
MOVES = {np.matrix_transpose, np.broadcast_to}

#: Up to so many multiplications, a matrix product is loops: a call of BLAS takes longer.
SMALL_PRODUCT = 4096

#: So many entries are summed up in a row.
BLOCK = 128


def fits(program: Program, ref: Ref, i: Instruction) -> bool:
    """Whether a kernel can compute an instruction."""
    operands = [program.types[x] for x in i.arguments if isinstance(x, Ref)]
    kind = program.types[ref]
    kinds = [*(t.dtype for t in operands), kind.dtype]
    if not KNOWN.issuperset(kinds) or len({t for t in kinds if t.kind == "f"}) > 1:
        return False
    if len([*i.refs()]) > len(operands):  # such as an axis
        return False
    settings = {name for name, _ in i.settings}
    if i.function in REDUCE:
        known = settings <= {"axis", "keepdims"} and len(i.arguments) == 1
        boolean = i.function in (np.any, np.all)
        return known and {t.kind for t in kinds} == ({"b"} if boolean else {"f"})
    if i.function in RESHAPE and kind.size > LARGE:  # a kernel copies, and NumPy shows a view
        return False
    if i.function in (astype, as_number, np.broadcast_to) or i.function in RESHAPE:
        return len(operands) == 1
    if settings or not all(isinstance(x, (Ref, int, float)) for x in i.arguments):
        return False
    if i.function is np.matmul:
        return all(len(t.shape) in (1, 2) and t.dtype.kind == "f" for t in operands)
    if i.function is np.matrix_transpose:
        return len(operands[0].shape) == 2
    if i.function is np.vdot:
        return operands[0].shape == operands[-1].shape
    if i.function is np.power:  # over many entries, NumPy's takes less time
        return not kind.shape and kind.dtype.kind == "f"
    if kind.dtype.kind != "f":
        return i.function in (GIVE_BOOLEANS if kind.dtype.kind == "b" else OF_INTEGERS)
    return i.function in ENTRY


class Kernel:
    """Makes the text of one group of instructions.

    ``given`` are the values that it takes, ``places`` the arrays that it fills, and ``numbers`` the
    values without axes that it returns.
    """

    def __init__(
        self,
        program: Program,
        refs: Sequence[Ref],
        users: Mapping[Ref, Sequence[Ref]],
        names: Mapping[Ref, str],
    ) -> None:
        self.program, self.users, self.types = program, users, program.types
        self.steps = {ref: program.instructions[ref] for ref in refs}
        self.names = dict(names)  # of what is given, and of what is stored here
        self.lines: list[str] = []
        used = {x: None for i in self.steps.values() for x in i.refs() if x not in self.steps}
        self.given = [x for x in used if self.number(x) is None]
        self.wanted = [x for x in refs if self.is_wanted(x)]
        self.places = [x for x in self.wanted if self.types[x].shape]
        self.numbers = [x for x in self.wanted if not self.types[x].shape]
        self.homes: dict[Ref, set[Ref]] = {}  # the loops that a value is computed in
        for ref in reversed(refs):
            self.homes[ref] = self.find_homes(ref)
        for ref in refs:
            if ref in self.homes[ref]:
                self.write(ref, self.steps[ref])

    # ---- where a value is computed ----

    def is_wanted(self, x: Ref) -> bool:
        return x in self.program.results or any(u not in self.steps for u in self.users[x])

    def number(self, x: Any) -> Any:
        """Return the value of an argument that is one number, known now; else None."""
        if not isinstance(x, Ref):
            return x
        array = self.program.constants.get(x)
        return None if array is None or array.ndim else array[()]

    def find_homes(self, x: Ref) -> set[Ref]:
        """Return the loops that compute a value where they use it; its own, if it is stored."""
        i, users = self.steps[x], self.users[x]
        if x in self.wanted or not self.types[x].shape:
            return {x}
        homes = {home for u in users for home in self.homes[u]}
        if i.function in MOVES:
            return {x} if any(self.takes_arrays(u) for u in users) else homes
        if i.function not in ENTRY and i.function is not astype:
            return {x}
        if not all(self.is_of_entries(u, self.types[x].shape) for u in users):
            return {x}
        return homes if len(homes) == 1 or self.is_cheap(x) else {x}

    def is_of_entries(self, user: Ref, shape: tuple[int, ...]) -> bool:
        """Whether a user goes through an operand of the shape once, entry by entry."""
        function = self.steps[user].function
        if function in REDUCE or function is np.vdot:
            return True
        return (function in ENTRY or function is astype) and self.types[user].shape == shape

    def takes_arrays(self, user: Ref) -> bool:
        i = self.steps[user]
        return i.function in RESHAPE or (i.function is np.matmul and not self.is_small(i))

    def is_cheap(self, x: Ref) -> bool:
        """Whether to compute a value again takes less time than to read it."""
        return self.steps[x].function in CHEAP and not any(
            self.steps[a].function in ENTRY for a in self.steps[x].refs() if a in self.steps
        )

    def is_small(self, i: Instruction) -> bool:
        a, b = (self.types[x].shape for x in i.arguments)
        return math.prod(a) * (b[1] if len(b) == 2 else 1) <= SMALL_PRODUCT

    # ---- one entry of a value ----

    def entry(
        self, x: Any, shape: Sequence[int], index: Sequence[str], dtype: Any, body: dict[str, str]
    ) -> str:
        """Return the text of one entry, where loops over a shape have the given indices.

        ``body`` collects the variables that the text needs, each with its own text.
        """
        number = self.number(x)
        if number is not None:
            return literal(number, dtype)
        have = self.types[x].shape
        if not have:
            return self.names[x]
        new = len(shape) - len(have)
        own = [
            "0" if n == 1 and shape[new + k] != 1 else index[new + k] for k, n in enumerate(have)
        ]
        if x not in self.steps or x in self.homes[x]:
            return f"{self.names[x]}[{', '.join(own)}]"
        if self.steps[x].function in MOVES:
            return self.expression(x, have, own, body)
        variable = f"e{int(x)}"
        if variable not in body:
            body[variable] = self.expression(x, have, own, body)
        return variable

    def expression(
        self, x: Ref, shape: Sequence[int], index: Sequence[str], body: dict[str, str]
    ) -> str:
        i, dtype = self.steps[x], self.types[x].dtype
        if i.function not in ENTRY:  # the same entry, perhaps elsewhere or of another type
            inner = i.arguments[0]
            if not self.types[x].shape:
                shape = self.types[inner].shape
                index = ["0"] * len(shape)
            if i.function is np.matrix_transpose:
                shape, index = self.types[inner].shape, index[::-1]
            text = self.entry(inner, shape, index, dtype, body)
            return f"np.{dtype_name(dtype)}({text})" if i.function is astype else text
        if i.function is np.where:
            dtypes = [np.dtype(bool), dtype, dtype]
        else:
            dtypes = loop_dtypes(self.program, i)
        parts = []
        for a, dtype in zip(i.arguments, dtypes, strict=True):
            part = self.entry(a, shape, index, dtype, body)
            converts = self.number(a) is None and dtype.kind == "f" != self.types[a].dtype.kind
            parts.append(f"np.{dtype.name}({part})" if converts else part)
        return ENTRY[i.function].replace("one", literal(1.0, dtypes[0])).format(*parts)

    # ---- one instruction ----

    def write(self, ref: Ref, i: Instruction) -> None:
        kind, name = self.types[ref], f"{ref}"
        self.names[ref] = name
        if i.function in REDUCE or i.function is np.vdot:
            self.reduce(ref, i)
        elif i.function is np.matmul:
            self.product(ref, i)
        elif i.function is np.matrix_transpose and ref not in self.places:
            self.names[ref] = f"{self.names[i.arguments[0]]}.T"
        elif i.function in RESHAPE and kind.shape and self.types[i.arguments[0]].shape:
            source = f"np.ascontiguousarray({self.names[i.arguments[0]]}).reshape({kind.shape})"
            if ref in self.places:
                index = ", ".join(indices(kind.shape))
                self.lines.append(f"same = {source}")
                self.loops(kind.shape, [f"{name}[{index}] = same[{index}]"])
            else:
                self.lines.append(f"{name} = {source}")
        else:
            body: dict[str, str] = {}
            text = self.expression(ref, kind.shape, indices(kind.shape), body)
            self.allocate(ref)
            place = f"{name}[{', '.join(indices(kind.shape))}]" if kind.shape else name
            self.loops(kind.shape, [*assignments(body), f"{place} = {text}"])

    def allocate(self, ref: Ref) -> None:
        kind = self.types[ref]
        if kind.shape and ref not in self.places:
            self.lines.append(f"{ref} = np.empty({kind.shape}, np.{dtype_name(kind.dtype)})")

    def loops(self, shape: Sequence[int], body: Sequence[str]) -> None:
        pad = ""
        for k, length in enumerate(shape):
            self.lines.append(f"{pad}for i{k} in range({length}):")
            pad += "    "
        self.lines += [pad + line for line in body]

    def reduce(self, ref: Ref, i: Instruction) -> None:
        x, kind = i.arguments[0], self.types[ref]
        shape = self.types[x].shape
        index = indices(shape)
        body: dict[str, str] = {}
        entry = self.entry(x, shape, index, kind.dtype, body)
        if i.function is np.vdot:
            entry = f"{entry} * {self.entry(i.arguments[1], shape, index, kind.dtype, body)}"
        start, add = REDUCE.get(i.function, REDUCE[np.sum])
        given = dict(i.settings)
        axis, keepdims = given.get("axis"), given.get("keepdims", False)
        axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        reduced = {int(k) % len(shape) for k in axes} if shape else set()
        inner = sorted(reduced | {k for k, n in enumerate(shape) if n == 1})
        own = [
            "0" if k in inner else index[k]
            for k in range(len(shape))
            if keepdims or k not in reduced
        ]
        self.allocate(ref)
        result = f"{ref}[{', '.join(own)}]" if kind.shape else f"{ref}"
        if reduced and inner == list(range(len(shape)))[-len(inner) :]:
            # over the last axes: in registers, and what is float32 in float64
            if math.isinf(float(start)):
                start = f"np.{kind.dtype.name}({start})"
            lines, value = assignments(body), entry
            for k in reversed(inner):
                lines = accumulated(k, shape[k], lines, value, start, add)
                value = f"r{k}"
            lines.append(f"{result} = np.{dtype_name(kind.dtype)}({value})")
            self.loops(shape[: -len(inner)], lines)
            return
        start = f"np.{dtype_name(kind.dtype)}({start})"
        self.lines.append(f"{ref}.fill({start})" if kind.shape else f"{ref} = {start}")
        self.loops(shape, [*assignments(body), add.format(r=result, e=entry)])

    def product(self, ref: Ref, i: Instruction) -> None:
        a, b = i.arguments
        kind, (left, right) = self.types[ref], (self.types[x].shape for x in (a, b))
        if not self.is_small(i):
            place = f", {ref}" if ref in self.places else ""
            call = f"np.dot({self.names[a]}, {self.names[b]}{place})"
            self.lines.append(call if place else f"{ref} = {call}")
            return
        index = indices(kind.shape)
        rows, columns = index[: len(left) - 1], index[len(left) - 1 :]
        body: dict[str, str] = {}
        first = self.entry(a, left, [*rows, "k"], kind.dtype, body)
        second = self.entry(b, right, ["k", *columns], kind.dtype, body)
        total = [f"s = np.{kind.dtype.name}(0.0)", f"for k in range({left[-1]}):"]
        total.append(f"    s += {first} * {second}")
        self.allocate(ref)
        place = f"{ref}[{', '.join(index)}]" if kind.shape else f"{ref}"
        self.loops(kind.shape, [*total, f"{place} = s"])


def accumulated(
    k: int, length: int, body: Sequence[str], value: str, start: str, add: str
) -> list[str]:
    """Return a loop over an axis that leaves in ``r{k}`` what the values come to.

    A long axis is cut into blocks, each with a sum of its own: there are fewer roundings in a row.
    """
    if length <= BLOCK:
        one = [*body, add.format(r=f"r{k}", e=value)]
        return [f"r{k} = {start}", f"for i{k} in range({length}):", *indented(one)]
    one = [*body, add.format(r=f"b{k}", e=value)]
    block = [
        f"b{k} = {start}",
        f"for i{k} in range(j{k}, min(j{k} + {BLOCK}, {length})):",
        *indented(one),
        add.format(r=f"r{k}", e=f"b{k}"),
    ]
    return [f"r{k} = {start}", f"for j{k} in range(0, {length}, {BLOCK}):", *indented(block)]


def indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def assignments(body: dict[str, str]) -> list[str]:
    return [f"{variable} = {text}" for variable, text in body.items()]


def indices(shape: Iterable[int]) -> list[str]:
    return [f"i{k}" for k, _ in enumerate(shape)]


def dtype_name(dtype: np.dtype[Any]) -> str:
    return "bool_" if dtype.kind == "b" else dtype.name


def literal(number: Any, dtype: np.dtype[Any]) -> str:
    """Return a number as text, of a dtype: in Numba, a plain one would make float64 of float32."""
    if isinstance(number, (bool, np.bool_)):
        return repr(bool(number))
    if isinstance(number, (int, np.integer)) and dtype.kind != "f":
        return repr(int(number))
    value = repr(float(number))  # inf and nan are names in the module
    return value if dtype == np.float64 else f"np.{dtype.name}({value})"
