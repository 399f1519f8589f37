"""The Numba back end: kernels for what they can compute, and NumPy calls in between.

The kernels of a program are a module of their own, which is written to a folder for caches, since
Numba keeps machine code only of functions in files: the next process loads it. The folder is
``~/.cache/tinygrad_bp``, or that of the environment variable TINYGRAD_BP_CACHE; a temporary one,
if it cannot be written.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from itertools import groupby
from pathlib import Path
from types import ModuleType

import numpy as np

from ..saving import written_to
from . import numba_functions
from .numba_kernel import Kernel, dtype_name, fits
from .numpy_text import ARRAYS as ARRAYS
from .numpy_text import Writer
from .passes.fuse import fuse, users_of
from .passes.lifetimes import free_memory
from .program import Built, Interface, Program, Ref

MODULE = '''\
"""The kernels of a compiled function: written by tinygrad_bp, with the functions {functions}."""

import math
from math import inf, nan

import numpy as np
from numba import njit, types

from tinygrad_bp.compiling.numba_functions import exp, larger, log, smaller, tanh
'''

KERNEL = """

@njit(
    ({types}),
    cache=True,
    nogil=True,
    error_model="numpy",
    fastmath={{"contract"}},
)
def {name}({given}):
    {lines}
"""


def fuse_kernels(program: Program) -> Program:
    return fuse(program, lambda ref, i: fits(program, ref, i))


PASSES = (fuse_kernels, free_memory)


class NumbaWriter(Writer):
    """The text of the kernels, and of what calls them."""

    def write_all(self) -> None:
        self.kernels: list[str] = []
        self.called: list[Ref] = []  # by NumPy
        program, users = self.program, users_of(self.program)
        for ref, array in program.constants.items():
            self.scope[self.names[ref]] = np.asarray(array, order="C")
        for name, group in groupby(program.instructions, program.kernels.get):
            refs = list(group)
            if name is not None:
                self.write_kernel(name, Kernel(program, refs, users, self.names))
                self.free(refs)
                continue
            for ref in refs:
                self.called.append(ref)
                self.names[ref] = f"{ref}"
                self.lines.append(f"{ref} = {self.call(ref, program.instructions[ref])}")
                self.free([ref])

    def write_kernel(self, name: str, kernel: Kernel) -> None:
        given = [*kernel.given, *kernel.places]
        numbers = ", ".join(f"{ref}" for ref in kernel.numbers)
        self.kernels.append(
            KERNEL.format(
                name=name,
                types="".join(f"{self.type_of(ref, ref not in kernel.places)}, " for ref in given),
                given=", ".join(kernel.names[ref] for ref in given),
                lines="\n    ".join([*kernel.lines, f"return {numbers}"]),
            )
        )
        for ref in kernel.places:
            dtype = self.dtype(self.program.types[ref].dtype)
            self.lines.append(f"{ref} = empty({self.program.types[ref].shape}, {dtype})")
        passed = [*map(self.passed, kernel.given), *(f"{ref}" for ref in kernel.places)]
        call = f"{name}({', '.join(passed)})"
        self.lines.append(f"{numbers} = {call}" if numbers else call)
        for ref in kernel.numbers:
            if ref in self.program.numbers:  # it is a Python number already
                continue
            dtype = self.dtype(self.program.types[ref].dtype)
            self.lines.append(f"{ref} = array({ref}, {dtype})")
        self.names.update({ref: f"{ref}" for ref in kernel.wanted})

    def passed(self, ref: Ref) -> str:
        """Return how a value is passed to a kernel: contiguous, or as a number."""
        if ref in self.program.numbers:
            return self.names[ref]
        if not self.program.types[ref].shape:
            return f"{self.names[ref]}[()]"
        as_it_is = ref in self.program.inputs or ref in self.program.constants
        return self.names[ref] if as_it_is else f"ascontiguousarray({self.names[ref]})"

    def type_of(self, ref: Ref, readonly: bool) -> str:
        kind = self.program.types[ref]
        name = f"types.{dtype_name(kind.dtype)}"
        if not kind.shape:
            return name
        return f'types.Array({name}, {len(kind.shape)}, "C", readonly={readonly})'


def folder() -> Path:
    given = os.environ.get("TINYGRAD_BP_CACHE")
    return Path(given) if given else Path.home() / ".cache" / "tinygrad_bp"


def loaded(kernels: list[str]) -> ModuleType:
    """Return the kernels as a module: from the folder, where it can be written."""
    functions = Path(numba_functions.__file__).read_bytes()  # kernels hold their machine code too
    head = MODULE.format(functions=hashlib.sha256(functions).hexdigest())
    text = head + "".join(kernels)
    name = f"bp_{hashlib.sha256(text.encode()).hexdigest()}"
    path = folder() / f"{name}.py"
    try:
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            written_to(path, text)
    except OSError:  # the folder cannot be written
        with tempfile.TemporaryDirectory() as other:
            path = Path(other, path.name)
            written_to(path, text)
            return imported(name, path)
    return imported(name, path)


def imported(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where Numba looks for it, when it loads machine code
    spec.loader.exec_module(module)
    return module


def build(program: Program, interface: Interface) -> Built:
    """Return a program as a function."""
    writer = NumbaWriter(program, interface)
    driver = writer.driver(writer.lines)
    scope = dict(writer.scope, ascontiguousarray=np.ascontiguousarray)
    if writer.kernels:
        # in the scope, np.exp of a NumPy call goes before exp of the kernels
        scope = vars(loaded(writer.kernels)) | scope
    exec(compile(driver, "<compiled by tinygrad_bp>", "exec"), scope)
    kernels = "".join(writer.kernels).strip()
    notes = [f"{ref}: {program.instructions[ref]} is a call of NumPy's" for ref in writer.called]
    return Built(scope["run"], f"{kernels}\n\n\n{driver}", notes)
