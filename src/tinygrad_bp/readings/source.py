"""The gradient of a recorded computation as code: ``source(loss).save("gradients.py")``.

The reverse sweep runs once on Tensors, so that it is recorded as the forward pass was. What is left
is to write both records down: a line for every tensor and for every gradient, as the text of the
operations themselves gives it. No derivative and no helper function has a second text here.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import copy
import functools
import inspect
import itertools
import keyword
import linecache
import re
import sys
from bisect import bisect
from collections import Counter
from collections.abc import Container, Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..backward import starting_gradient, sweep
from ..notation.expressions import bare, one_line, step
from ..notation.literals import literal
from ..notation.names import Names, recorded_tensors, wanted_tensors
from ..primitive import Primitive
from ..recording import recorded_comparisons
from ..table import TABLE
from ..tensor import Tensor, next_id

FUNCTION = "loss_and_gradients"

#: Lines of a function's body are kept within this, ruff's default, where names and numbers allow.
WIDTH = 88
INDENT = " " * 4

#: No tensor is called so: ruff takes them for numbers.
AMBIGUOUS = ("l", "O", "I")


class Source(str):
    """The text of a Python module, and the arrays that its function was recorded with.

    Made by `source`. The attribute ``arguments`` holds the recorded value of every parameter of the
    function, by name.
    """

    arguments: dict[str, np.ndarray]

    def save(self, path: str | Path) -> None:
        """Write the module to a file; a missing folder is made."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self, encoding="utf-8")

    def _repr_markdown_(self) -> str:
        return f"```python\n{self}```"


def source(loss: Tensor, wrt: Tensor | Sequence[Tensor] | None = None) -> Source:
    """Return a Python module that computes a loss and its gradients, with NumPy alone.

    Its function ``loss_and_gradients`` takes the leaves of the computation by their names, and
    returns the loss and a dictionary of the gradients. It repeats what was recorded: shapes,
    settings, and which branch a rule took, are those of this run.

    Parameters
    ----------
    loss
        A Tensor with one entry.
    wrt
        The Tensors to differentiate by; every leaf that needs a gradient, if left out.

    Returns
    -------
    Source
        The text, with a method ``save(path)``, and the recorded values as ``arguments``.

    Raises
    ------
    ValueError
        If the loss has several entries or needs no gradient, or does not come from a Tensor in
        ``wrt``; if the text of an operation cannot be had, or needs more than NumPy.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> w = bp.tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> L = bp.exp(w).sum().named("L")
    >>> print(bp.source(L))
    \"\"\"L and its gradients: written by tinygrad_bp from a recorded computation.\"\"\"
    <BLANKLINE>
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def loss_and_gradients(w):
        \"\"\"Return L, and its gradients by name, for w of shape (2,).\"\"\"
        # Forward
        v1 = np.exp(w)
        L = np.sum(v1)
    <BLANKLINE>
        # Backward: the gradient of L by each line above, the latest first
        dL = np.ones_like(L)  # L = np.sum(v1)
        dv1 = np.broadcast_to(dL, (2,))  # v1 = np.exp(w)
        dw = dv1 * v1  # w
        return L, {"w": dw}
    <BLANKLINE>
    """
    if not isinstance(loss, Tensor):
        raise TypeError(f"source writes down a Tensor, not {loss!r:.60}.")
    if loss.size != 1:
        raise ValueError(
            f"{loss.described()} has {loss.size} entries, and source writes the gradients of one "
            "number. Reduce it first, as with .sum()."
        )
    starting_gradient(loss, None)  # raises where no gradient is needed
    forward = recorded_tensors(loss)
    wanted = wanted_tensors(forward, wrt, "source")
    return Writer(Record(forward, loss, wanted), loss, wanted).module()


# ---- The record: forward and backward, as one graph of values ----


class Gradient(NamedTuple):
    """The variable that holds the gradient with respect to a tensor."""

    tensor: int  # its id


#: A value is known by the id of the first tensor that holds it; a gradient also has a variable.
Key: TypeAlias = int | Gradient

#: What a value is computed from: other values, and numbers as they are written.
Parts: TypeAlias = list[int | ast.expr]


class Record:
    """A forward pass and its reverse sweep, both recorded.

    The same operation on the same operands is one value. A forward line that has a name, or whose
    gradient is wanted, stays a line of its own all the same.
    """

    def __init__(self, forward: list[Tensor], loss: Tensor, wanted: list[Tensor]) -> None:
        self.value: dict[int, int] = {}  # which value a tensor holds
        self.tensors: dict[int, Tensor] = {}  # the first tensor that holds a value
        self.parts: dict[int, Parts] = {}
        self.leaves: dict[int, np.ndarray] = {}  # values that are given, as they were then
        self.gradients: dict[int, Tensor] = {}  # the gradient by each tensor
        self.order: list[Tensor] = []  # the tensors as their gradients become known
        self._visits: list[tuple[int, int]] = []  # when the sweep came by, and to which tensor
        self._known: dict[Any, int] = {}
        self._versions: dict[tuple[int, int], int] = {}

        self._consumers: dict[int, list[int]] = {}
        self._own = {t.id for t in wanted} | {t.id for t in forward if t.name is not None}
        self._leaves = {t.id for t in forward if t.primitive is None}

        self._sweep(loss)
        for t in forward:
            if t.primitive is not None:
                self._add(t, forward=True)
        if loss.primitive is None:
            self._version(loss, loss.data)
        self.forward = [value for value in self.tensors if value not in self.leaves]
        ours = set(self.tensors)
        for t in recorded_tensors(*self.gradients.values()):
            if t.id not in self.value:
                self._add(t, forward=False)

        #: The variables of each value that is a gradient: it may be that of several tensors.
        self.sharing: dict[int, dict[int, Gradient]] = {}
        for t in self.order:
            value = self.value[self.gradients[t.id].id]
            if value not in ours:
                self.sharing.setdefault(value, {})[t.id] = Gradient(t.id)

        #: Sums of contributions to the gradient by a tensor.
        self._sums: dict[int, int] = {}
        for t in self.order:
            g: Tensor | None = self.gradients[t.id]
            consumers = set(self._consumers.get(t.id, ()))
            while g is not None and g.primitive is TABLE["add"]:
                if self._visited(g.id) not in consumers:
                    break
                self._sums[self.value[g.id]] = t.id
                g = g.inputs[0]

    def _sweep(self, loss: Tensor) -> None:
        """Run the reverse sweep on Tensors, and keep every gradient."""
        visited: list[Tensor] = []

        def visit(t: Tensor, g: Any) -> None:
            keep(t, g)
            visited.append(t)
            self._visits.append((next_id(), t.id))
            for x in t.inputs:
                if x is not None:
                    self._consumers.setdefault(x.id, []).append(t.id)

        def keep(t: Tensor, g: Any) -> None:
            self.gradients[t.id] = g if isinstance(g, Tensor) else Tensor(g)

        with recorded_comparisons(), np.errstate(all="ignore"):
            self.start = Tensor(np.ones(loss.shape, loss.dtype))
            leaves = sweep(loss, self.start, create_graph=True, visit=visit)
        # The gradient of a leaf comes as soon as all of it is there.
        ready: dict[int | None, list[Tensor]] = {}
        for x, g in leaves:
            keep(x, g)
            ready.setdefault(self._consumers.get(x.id, [None])[-1], []).append(x)
        self.order = ready.get(None, [])
        for t in visited:
            self.order += [t, *ready.get(t.id, [])]

    def _add(self, t: Tensor, forward: bool) -> None:
        """Find the value of a tensor: a known one, or a new one."""
        parts: Parts = []
        for x, operand in zip(t.inputs, t.operands, strict=True):
            if x is None:
                parts.append(literal(operand))
            elif x.id in self._leaves:
                parts.append(self._version(x, operand))
            else:
                parts.append(self.value[x.id])
        if t.primitive is None:
            key: Any = frozen(t.data)
        elif t.primitive is TABLE["identity"] and not forward:
            self.value[t.id] = parts[0]  # type: ignore[assignment]  # of a Tensor
            return
        else:
            operands = tuple(p if isinstance(p, int) else ast.unparse(p) for p in parts)
            key = (t.primitive, operands, frozen(dict(t.params)))
        value = self._known.setdefault(key, t.id)
        if forward and t.id in self._own:
            value = t.id
        self.value[t.id] = value
        if value == t.id:
            self.tensors[value], self.parts[value] = t, parts

    def _version(self, x: Tensor, array: np.ndarray) -> int:
        """Return the value of a leaf when it had an array: it may have had others."""
        version = x if x.id not in self.value else Tensor(array, name=x.name)
        value = self._versions.setdefault((x.id, id(array)), version.id)
        if value == version.id:
            self.value.setdefault(x.id, value)
            self.tensors[value], self.parts[value] = version, []
            self.leaves[value] = array
        return value

    def operands(self, key: Key) -> list[Key | ast.expr]:
        """Return what the line of a value or of a gradient is written with."""
        if isinstance(key, Gradient):
            value = self.value[self.gradients[key.tensor].id]
            sharing = self.sharing.get(value, {})
            first = next(iter(sharing.values()), key)
            if first == key:
                return [value]
            # It is the gradient of another tensor too: best, of one that was computed from this.
            consumers = self._consumers.get(key.tensor, [])
            return [next((sharing[t] for t in consumers if t in sharing), first)]
        return [
            part if isinstance(part, ast.expr) else self._variable(part, key, place)
            for place, part in enumerate(self.parts[key])
        ]

    def _variable(self, value: int, user: int, place: int) -> Key:
        """Return the variable for a value: a gradient has one for each tensor that it belongs to.

        It is that of the tensor whose rule was running when the user was recorded; where the user
        adds to earlier contributions, that of a tensor they came from.
        """
        sharing = self.sharing.get(value)
        if sharing is None:
            return value
        likely = [self._visited(user)]
        if place == 0 and user in self._sums:
            likely = self._consumers[self._sums[user]]
        return next((sharing[t] for t in likely if t in sharing), next(iter(sharing.values())))

    def _visited(self, tensor: int) -> int:
        """Return the tensor whose rule was running when another was recorded; -1 for none."""
        latest = bisect(self._visits, (tensor,)) - 1
        return self._visits[latest][1] if latest >= 0 else -1


def frozen(value: Any) -> Any:
    """Return a key for a setting or constant, equal only for values that are written alike."""
    if isinstance(value, (np.ndarray, np.generic)):
        return type(value), value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, (tuple, list)):
        return type(value), tuple(map(frozen, value))
    if isinstance(value, dict):
        return tuple((name, frozen(item)) for name, item in value.items())
    return type(value), repr(value)


# ---- Writing it down ----


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

    def module(self) -> Source:
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
        result = Source(text + "\n")
        result.arguments = self.parameters
        return result

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


def fresh(base: str, taken: Container[str]) -> str:
    """Return a name that is not taken."""
    name, n = base, 1
    while name in taken:
        n += 1
        name = f"{base}_{n}"
    return name


def code(tree: ast.AST) -> str:
    """Return a tree as code, in the manner of ruff: double quotes, and tight powers of names."""
    text = ast.unparse(tree)
    if "'" in text:
        lines = (
            line if '"' in line else re.sub(r"'([^'\\]*)'", r'"\1"', line)
            for line in text.split("\n")
        )
        text = "\n".join(lines)
    if "**" in text:
        text = re.sub(r"(?<![\w.)\]])([\w.]+) \*\* (-?[\w.]+)(?![\w.(\[])", r"\1**\2", text)
    return text


def listed(head: str, items: list[str], tail: str, indent: str) -> list[str]:
    """Return lines of comma-separated items: one, if it is not too long, or one for each item."""
    line = f"{head}{', '.join(items)}{tail}"
    if len(indent + line) <= WIDTH or not items:
        return [line]
    inner = ", ".join(items)
    if indent == "" and len(INDENT + inner) <= WIDTH:
        return [head, f"{INDENT}{inner}", tail]
    return [head, *(f"{INDENT}{item}," for item in items), tail]


def documented(summary: str, shapes: list[str]) -> list[str]:
    """Return a docstring with the shapes of the parameters, in lines that are not too long."""
    line = f'{INDENT}"""{summary}, for {", ".join(shapes)}."""'
    if len(line) <= WIDTH and shapes:
        return [line]
    return [
        f'{INDENT}"""{summary}.',
        "",
        *(f"{INDENT}{shape}" for shape in shapes),
        f'{INDENT}"""',
    ]


# ---- Helper functions ----


class Helpers:
    """The functions that the lines call, and all that those need: each once, as source text."""

    def __init__(self) -> None:
        self.taken = {"np", FUNCTION, *dir(builtins), *keyword.kwlist}
        self.imports: list[str] = []
        self.texts: list[str] = []  # what is needed by another comes first
        self._names: dict[int, str] = {}
        self._kept: list[Any] = []  # so that no id is used twice

    def name(self, value: Any, wanted: str = "") -> str:
        """Return the name of a function, a module or a constant, and write its text if it is new.

        Raises
        ------
        ValueError
            If it has no text that runs with NumPy alone.
        """
        if id(value) in self._names:
            return self._names[id(value)]
        wanted = re.sub(r"\W", "_", wanted or value.__name__)
        name = self._names[id(value)] = fresh(wanted, self.taken)
        self.taken.add(name)
        self._kept.append(value)
        if isinstance(value, ModuleType):
            plain = name == value.__name__
            self.imports.append(f"import {value.__name__}" + ("" if plain else f" as {name}"))
        elif isinstance(value, Primitive):
            self.texts.append(self._function(value.forward, name, value))
        else:
            self.texts.append(self._function(value, name))
        return name

    def _function(self, function: Any, name: str, primitive: Primitive | None = None) -> str:
        tree = copy.deepcopy(bare(function))
        tree.name = name
        if primitive is not None:  # it is called as the operation is
            if tree.args.vararg is not None:  # with a list
                tree.args.args.append(tree.args.vararg)
                tree.args.vararg = None
            required = [default is None for default in tree.args.kw_defaults]
            if required == sorted(required, reverse=True):  # and settings by place or by name
                tree.args.args += tree.args.kwonlyargs
                tree.args.defaults += filter(None, tree.args.kw_defaults)
                tree.args.kwonlyargs, tree.args.kw_defaults = [], []
        Linked(self, function, tree).visit(tree)
        summary = (inspect.getdoc(function) or "").partition("\n")[0]
        if summary:
            tree.body.insert(0, ast.Expr(ast.Constant(summary)))
        return code(ast.fix_missing_locations(tree))

    def reference(self, value: Any, name: str, function: Any) -> ast.expr:
        """Return how to write what a name means in a function."""
        path = numpy_path(value)
        if path is not None:
            return ast.parse(path, mode="eval").body
        if isinstance(value, ModuleType):
            if not of_python(value.__name__):
                raise ValueError(refusal(function, name, "it is not NumPy"))
            return ast.Name(self.name(value, name))
        home = sys.modules.get(getattr(value, "__module__", None) or "")
        if home is not None and of_python(home.__name__):
            part = getattr(value, "__name__", "")
            if getattr(home, part, None) is value:  # math.erf
                return ast.Attribute(ast.Name(self.name(home)), part)
        elif isinstance(value, (Primitive, FunctionType)):
            return ast.Name(self.name(value))
        return ast.Name(self._constant(value, name, function))

    def _constant(self, value: Any, name: str, function: Any) -> str:
        """Write down a constant of a module: its value, or else the text that made it."""
        if id(value) in self._names:
            return self._names[id(value)]
        try:
            expression = literal(value)
        except TypeError:
            expression = self._assigned(name, function)
        new = self._names[id(value)] = fresh(name, self.taken)
        self.taken.add(new)
        self._kept.append(value)
        self.texts.append(f"{new} = {code(expression)}")
        return new

    def _assigned(self, name: str, function: Any) -> ast.expr:
        """Return the text that a name was assigned in the module of a function."""
        lines = linecache.getlines(function.__code__.co_filename, function.__globals__)
        tree = ast.parse("".join(lines))
        for statement in tree.body:
            if isinstance(statement, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == name for target in statement.targets
            ):
                wrapped = ast.Expression(statement.value)
                Linked(self, function, wrapped).visit(wrapped)
                return wrapped.body
        raise ValueError(refusal(function, name, "it has no text that could be taken along"))


def refusal(function: Any, name: str, why: str) -> str:
    """Say that a function cannot be taken along."""
    return (
        f"source cannot take {function.__name__} along: it uses {name}, and {why}. Write the "
        "operation with NumPy and functions of your own."
    )


def of_python(module: str) -> bool:
    """Say whether a module comes with Python."""
    return module != "__main__" and module.partition(".")[0] in sys.stdlib_module_names


def numpy_path(value: Any) -> str | None:
    """Return where a value is found in NumPy, such as ``np.linalg.norm``; None if it is not."""
    if isinstance(value, ModuleType):
        inside = value.__name__.partition(".")[0] == "numpy"
        return re.sub("^numpy", "np", value.__name__) if inside else None
    name = getattr(value, "__name__", None)
    if not isinstance(name, str):
        return None
    if getattr(np, name, None) is value and name not in dir(builtins):
        return f"np.{name}"
    module = getattr(value, "__module__", None) or ""
    if module.partition(".")[0] != "numpy" or module not in sys.modules:
        return None
    found = getattr(sys.modules[module], name, None) is value
    return re.sub("^numpy", "np", f"{module}.{name}") if found else None


class Linked(ast.NodeTransformer):
    """Gives the names of a function's text the meaning that they have where it was written."""

    def __init__(self, helpers: Helpers, function: Any, tree: ast.AST) -> None:
        self.helpers, self.function = helpers, function
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        self.meaning = {**function.__globals__}
        for name, cell in cells:
            with contextlib.suppress(ValueError):  # an empty cell
                self.meaning[name] = cell.cell_contents
        self.local = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                self.local.add(node.id)
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node is not tree:
                self.local.add(node.name)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Replace a name from outside of the function."""
        if node.id in self.local or node.id not in self.meaning:
            return node
        return self.helpers.reference(self.meaning[node.id], node.id, self.function)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Replace what is taken from a module other than NumPy's or Python's."""
        value = self._meant(node)
        if value is not None:
            return self.helpers.reference(value, node.attr, self.function)
        node.value = self.visit(node.value)
        return node

    def _meant(self, node: ast.Attribute) -> Any:
        """Return what a dotted name means, if it is one of a module that cannot be imported."""
        owner: Any = None
        if isinstance(node.value, ast.Name) and node.value.id not in self.local:
            owner = self.meaning.get(node.value.id)
        elif isinstance(node.value, ast.Attribute):
            owner = self._meant(node.value)
        if not isinstance(owner, ModuleType):
            return None
        if owner.__name__.partition(".")[0] in {"numpy", *sys.stdlib_module_names}:
            return None
        return getattr(owner, node.attr, None)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Leave out the types of a function inside."""
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        """Leave out the type of a parameter."""
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt | None:
        """Leave out the type of a variable."""
        if node.value is None:
            return None
        return ast.copy_location(ast.Assign([node.target], self.visit(node.value)), node)
