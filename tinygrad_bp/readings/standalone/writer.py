"""The lines of the function that `source` writes: one for each value and each gradient."""

from __future__ import annotations

import ast
import functools
import itertools
from collections import Counter

import numpy as np

from ...notation.expressions import one_line, step
from ...notation.literals import literal
from ...notation.names import Names
from ...tensor import Tensor
from .helpers import Helpers
from .layout import FUNCTION, INDENT, WIDTH, code, documented, fresh, listed
from .record import Gradient, Key, Record

#: No tensor is called so: ruff takes them for numbers.
AMBIGUOUS = ("l", "O", "I")


class Writer:
    """Writes the lines of the function, and asks for the helper functions that they call."""

    def __init__(self, record: Record, loss: Tensor, wanted: list[Tensor]) -> None:
        self.record = record
        self.loss = loss
        self.wanted = wanted
        self.lines: list[str] = []
        self.forward_text: dict[int, str] = {}
        self.expressions: dict[Key, ast.expr] = {}
        self.gradients = [Gradient(x.id) if x.id in record.gradients else None for x in self.wanted]
        self.uses = self._uses()
        self.helpers = Helpers()
        for value in self.uses:
            if not isinstance(value, Gradient):
                primitive = record.tensors[value].primitive
                if primitive is not None and one_line(primitive) is None:
                    try:
                        self.helpers.name(primitive)
                    except ValueError as error:
                        raise ValueError(
                            f"{primitive.__name__} cannot be written: {error}"
                        ) from error

        leaves = sorted(value for value in record.leaves if value in self.uses or value == loss.id)
        ours = [record.tensors[value] for value in sorted({*leaves, *record.forward})]
        self.names = Names(ours, reserved=[*self.helpers.taken, *AMBIGUOUS, "slice"])
        self.taken = {self.names.identifier(t) for t in ours} | self.helpers.taken
        numbered = (f"t{n}" for n in itertools.count(1))
        self.temporaries = (name for name in numbered if name not in self.taken)
        self.parameters: dict[str, np.ndarray] = {}
        for value in leaves:
            t, array = record.tensors[value], record.leaves[value]
            if t.name is None and not t.requires_grad and array.ndim == 0:
                self.expressions[value] = literal(array)  # a number after all
            else:
                name = self.names.identifier(t)
                self.expressions[value] = ast.Name(name)
                self.parameters[name] = array

    def _uses(self) -> Counter[Key]:
        """Count how often each value and each gradient is written, of those that are needed."""
        roots: list[Key] = [*self.record.forward, *filter(None, self.gradients)]
        uses: Counter[Key] = Counter(roots)
        stack = list(uses)
        while stack:
            for part in self.record.operands(stack.pop()):
                if isinstance(part, (int, Gradient)):
                    if part not in uses:
                        stack.append(part)
                    uses[part] += 1
        return uses

    def module(self) -> str:
        """Return the whole text."""
        L = self.names.identifier(self.record.tensors[self.record.value[self.loss.id]])
        self.lines.append("# Forward")
        for value in self.record.forward:
            self.write(value)
        if not self.record.forward:
            self.lines.clear()
        heading = f"# Backward: the gradient of {L} by each line above, the latest first"
        self.lines += ["", heading] if self.lines else [heading]
        for t in self.record.order:
            if Gradient(t.id) in self.uses:
                self.write(Gradient(t.id))
        results = []
        for x, gradient in zip(self.wanted, self.gradients, strict=True):
            name = self.names.identifier(self.record.tensors[self.record.value[x.id]])
            if gradient is None:
                text = f"np.zeros_like({name})"  # no gradient flows back to it
            else:
                text = ast.unparse(self.expressions[gradient])
                if self.record.gradients[x.id].dtype != x.dtype:
                    text += f".astype(np.{x.dtype.name})"
            results.append(f'"{name}": {text}')
        self.lines += listed(f"return {L}, {{", results, "}", INDENT)
        shapes = [f"{name} of shape {array.shape}" for name, array in self.parameters.items()]
        function = [
            *listed(f"def {FUNCTION}(", list(self.parameters), "):", ""),
            *documented(f"Return {L}, and its gradients by name", shapes),
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

    # ---- Lines ----

    def write(self, key: Key) -> None:
        """Write the line of a value or a gradient, and before it what it needs."""
        stack = [key]
        while stack:
            key = stack[-1]
            missing = [
                part
                for part in self.record.operands(key)
                if isinstance(part, (int, Gradient)) and part not in self.expressions
            ]
            if missing and key not in self.expressions:
                stack += reversed(missing)
                continue
            stack.pop()
            if key not in self.expressions:
                self._finish(key)

    def _finish(self, key: Key) -> None:
        """Write an expression of which all parts are written: as a line, or for use in one."""
        name, comment = self._variable(key)
        room = WIDTH - len(INDENT) - (len(f"{name} = ") if name else len("return "))
        while True:
            expression = self._expression(key)
            text = code(expression)
            inline = [
                part
                for part in self.record.operands(key)
                if isinstance(part, (int, Gradient))
                and not isinstance(self.expressions[part], ast.Name)
            ]
            if len(text) <= room or not inline:
                break
            longest = max(inline, key=lambda part: len(code(self.expressions[part])))
            self._bind(longest, next(self.temporaries), code(self.expressions[longest]))
        if name is None:
            self.expressions[key] = expression
            return
        if isinstance(key, int):
            self.forward_text[key] = f"{name} = {text}"
        self._bind(key, name, text, comment)

    def _bind(self, key: Key, name: str, text: str, comment: str = "") -> None:
        line = f"{name} = {text}"
        if comment and len(INDENT + line + "  # " + comment) <= WIDTH:
            line += f"  # {comment}"
        elif comment:
            self.lines.append(f"# {comment}")
        self.lines.append(line)
        self.expressions[key] = ast.Name(name)

    def _variable(self, key: Key) -> tuple[str | None, str]:
        """Return the name and the comment of a line; no name where the value needs no line."""
        record = self.record
        if isinstance(key, Gradient):
            value = record.value[key.tensor]
            t = record.tensors[value]
            comment = self.forward_text.get(value, self.names.identifier(t))
            if len(comment) > WIDTH - len(INDENT) - 2:
                comment = self.names.identifier(t)
            name = fresh(self.names.gradient(t), self.taken)
            self.taken.add(name)
            return name, comment
        if key in self._forward:
            return self.names.identifier(record.tensors[key]), ""
        return (next(self.temporaries) if self.uses[key] > 1 else None), ""

    @functools.cached_property
    def _forward(self) -> set[int]:
        return set(self.record.forward)

    def _expression(self, key: Key) -> ast.expr:
        operands = [
            part if isinstance(part, ast.expr) else self.expressions[part]
            for part in self.record.operands(key)
        ]
        if isinstance(key, Gradient):
            return operands[0]
        if key == self.record.value[self.record.start.id]:
            loss = self.expressions[self.record.value[self.loss.id]]
            return ast.Call(ast.Attribute(ast.Name("np"), "ones_like"), [loss], [])
        t = self.record.tensors[key]
        if t.primitive is None:
            return literal(t.data)
        expression = step(t.primitive, operands, t.params)
        if one_line(t.primitive) is None:
            assert isinstance(expression, ast.Call)
            expression.func = ast.Name(self.helpers.name(t.primitive))
        return expression
