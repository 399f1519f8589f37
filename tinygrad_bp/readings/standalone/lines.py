"""The lines of the function that `source` writes: one for each value and each gradient."""

from __future__ import annotations

import ast
import functools
import itertools
from collections import Counter

import numpy as np

from ...engine import Primitive, Tensor
from ...notation.names import RESERVED, fresh
from ...notation.operations import bare, one_line
from ...notation.steps import step
from ...notation.trees import call, literal
from ...record import Record
from .helpers import FUNCTION, Helpers
from .program import Program

WIDTH = 88  # ruff's default: lines are kept within it where names and numbers allow
INDENT = " " * 4


class Lines:
    def __init__(self, record: Record, wanted: list[Tensor]) -> None:
        self.record, self.wanted = record, wanted
        self.program = Program(record, wanted)
        self.lines: list[str] = []
        self.texts: dict[int, str] = {}  # lines without their comments
        self.expressions: dict[int, ast.expr] = {}
        self.forward = set(self.program.forward)
        self.uses = self._uses()
        self.parameters: dict[str, np.ndarray] = {}
        self._name_values()
        self.helpers = Helpers(self.taken)
        self._write_helpers()
        numbered = (f"t{n}" for n in itertools.count(1))
        self.temporaries = (name for name in numbered if name not in self.taken)

    def _uses(self) -> Counter[int]:
        gradients = self.program.gradients
        wanted = [gradients[x.id].id for x in self.wanted if x.id in gradients]
        uses = Counter([*self.program.forward, *wanted])
        stack = list(uses)
        while stack:
            for part in self._parts(stack.pop()):
                if part not in uses:
                    stack.append(part)
                uses[part] += 1
        return uses

    def _parts(self, key: int) -> list[int]:
        return [part for part in self.program.parts[key] if isinstance(part, int)]

    def _name_values(self) -> None:
        program, names = self.program, self.record.names
        loss = program.value[self.record.output.id]
        leaves = sorted(key for key in program.leaves if key in self.uses or key == loss)
        called = {
            key: names.identifier(program.origin.get(key, program.tensors[key]))
            for key in sorted({*leaves, *program.forward})
        }
        self.taken = (
            RESERVED | {names.gradient(t) for t in self.record.tensors} | {*called.values()}
        )
        self.names = {  # a further value of a leaf has an id of its own
            key: name if key in self.record.place else fresh(name, self.taken)
            for key, name in called.items()
        }
        for key in leaves:
            t, array = program.origin[key], program.leaves[key]
            if t.name is None and not t.requires_grad and array.ndim == 0:
                self.expressions[key] = literal(array)  # a number after all
            else:
                self.expressions[key] = ast.Name(self.names[key])
                self.parameters[self.names[key]] = array

    def _write_helpers(self) -> None:
        for primitive in (self.program.tensors[value].primitive for value in self.uses):
            if primitive is not None and one_line(primitive) is None:
                try:
                    self.helpers.name(primitive)
                except ValueError as error:
                    raise ValueError(f"{primitive.__name__} cannot be written: {error}") from error

    def module(self) -> str:
        program = self.program
        L = self.names[program.value[self.record.output.id]]
        for value in program.forward:
            self.write(value)
        if self.lines:
            self.lines = ["# Forward", *self.lines, ""]
        self.lines.append(f"# Backward: the gradient of {L} by each line above, the latest first")
        for g in program.gradients.values():
            if g.id in self.uses:
                self.write(g.id)
        results = []
        for x in self.wanted:
            name, gradient = self.names[program.value[x.id]], program.gradients.get(x.id)
            if gradient is None:
                text = f"np.zeros_like({name})"  # no gradient flows back to it
            else:
                text = ast.unparse(self.expressions[gradient.id])
                if gradient.dtype != x.dtype:
                    text += f".astype(np.{x.dtype.name})"
            results.append(f'"{name}": {text}')
        self.lines += listed(f"return {L}, {{", results, "}", INDENT)
        shapes = [f"{name} of shape {array.shape}" for name, array in self.parameters.items()]
        function = [
            *listed(f"def {FUNCTION}(", list(self.parameters), "):", ""),
            *docstring(f"Return {L}, and its gradients by name", shapes),
            *(f"{INDENT}{line}".rstrip() for line in self.lines),
        ]
        parts = [
            f'"""{L} and its gradients: written by tinygrad_bp from a recorded computation."""',
            "\n".join(sorted(self.helpers.imports)),
            "import numpy as np",
            *self.helpers.texts,
            "\n".join(function),
        ]
        text = ""
        for part in filter(None, parts):
            gap = "\n\n\n" if part.startswith("def ") or "\ndef " in text else "\n\n"
            text += gap + part if text else part
        return text + "\n"

    def write(self, key: int) -> None:
        stack = [key]
        while stack:
            key = stack[-1]
            missing = [part for part in self._parts(key) if part not in self.expressions]
            if missing and key not in self.expressions:
                stack += reversed(missing)
                continue
            stack.pop()
            if key not in self.expressions:
                self._finish(key)

    def _finish(self, key: int) -> None:
        # all its parts are written: it becomes a line, or is used in one
        name, comment = self._variable(key)
        room = WIDTH - len(INDENT) - (len(f"{name} = ") if name else len("return "))
        while True:
            expression = self._expression(key)
            text = ast.unparse(expression)
            if len(text) <= room:
                break
            inline = {
                part: ast.unparse(self.expressions[part])
                for part in self._parts(key)
                if not isinstance(self.expressions[part], ast.Name)
            }
            if not inline:
                break
            longest = max(inline, key=lambda part: len(inline[part]))
            self._bind(longest, next(self.temporaries), inline[longest])
        if name is None:
            self.expressions[key] = expression
            return
        self.texts[key] = f"{name} = {text}"
        self._bind(key, name, text, comment)

    def _bind(self, key: int, name: str, text: str, comment: str = "") -> None:
        line = f"{name} = {text}"
        if comment and len(INDENT + line + "  # " + comment) <= WIDTH:
            line += f"  # {comment}"
        elif comment:
            self.lines.append(f"# {comment}")
        self.lines.append(line)
        self.expressions[key] = ast.Name(name)

    def _variable(self, key: int) -> tuple[str | None, str]:
        if key in self.program.gradient_of:
            t = self.program.gradient_of[key]
            value = self.program.value[t.id]
            comment = self.texts.get(value, self.names[value])
            if len(comment) > WIDTH - len(INDENT) - 2:
                comment = self.names[value]
            return self.record.names.gradient(t), comment
        if key in self.forward:
            return self.names[key], ""
        return (next(self.temporaries) if self.uses[key] > 1 else None), ""

    def _expression(self, key: int) -> ast.expr:
        program = self.program
        operands = [
            part if isinstance(part, ast.expr) else self.expressions[part]
            for part in program.parts[key]
        ]
        if key == program.value[program.start.id]:
            return call("np.ones_like", self.expressions[program.value[self.record.output.id]])
        t = program.tensors[key]
        if t.primitive is None:
            return literal(t.data)
        if not t.ndim and has_power(t.primitive):
            operands = [
                part if x is None else call("np.asarray", part)
                for part, x in zip(operands, t.inputs, strict=True)
            ]
        expression = step(t.primitive, operands, t.params)
        if one_line(t.primitive) is None:
            assert isinstance(expression, ast.Call)
            expression.func = ast.Name(self.helpers.name(t.primitive))
        return expression


@functools.cache
def has_power(primitive: Primitive) -> bool:
    # NumPy computes ``**`` otherwise for its own scalars, which results of no axes are in the code,
    # than for arrays, which they are in the engine: the last bit may differ.
    try:
        return any(isinstance(node, ast.Pow) for node in ast.walk(bare(primitive.forward)))
    except ValueError:  # the text is not known; what is written instead is a call of NumPy's
        return False


def listed(head: str, items: list[str], tail: str, indent: str) -> list[str]:
    line = f"{head}{', '.join(items)}{tail}"
    if len(indent + line) <= WIDTH or not items:
        return [line]
    inner = ", ".join(items)
    if indent == "" and len(INDENT + inner) <= WIDTH:
        return [head, f"{INDENT}{inner}", tail]
    return [head, *(f"{INDENT}{item}," for item in items), tail]


def docstring(summary: str, shapes: list[str]) -> list[str]:
    line = f'{INDENT}"""{summary}, for {", ".join(shapes)}."""'
    if len(line) <= WIDTH and shapes:
        return [line]
    lines = [f'"""{summary}.', "", *shapes, '"""']
    return [f"{INDENT}{line}" if line else "" for line in lines]
