"""The steps of a recorded computation as expressions: what ran, its rule, what it is composed of.

Nothing is written twice: the text that runs is the text that is printed. An expression comes from
the text of the operation's own forward function: where that is one line, ``return a * b``, the
operands are put in for a and b; where it is longer, the step is a call of the function by its name.
A backward rule is called with named placeholders, and what it records is the expression of each
contribution; in the same way the twin of an operation says what it is composed of.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..engine import Primitive, Tensor
from ..errors import operation
from ..recording import recorded_comparisons, recorded_tensors
from ..table import TABLE
from .operations import one_line, returned, variadic
from .trees import Constants, Rebuilt, Shape, call, index, literal, shape_of, shaped


def step(
    primitive: Primitive,
    operands: Sequence[ast.expr],
    settings: Mapping[str, Any],
    constants: Constants | None = None,
    shape: Shape | None = None,
) -> ast.expr:
    """Return the expression of one operation on operands that are expressions themselves.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> ast.unparse(step(bp.sum, [ast.Name("z")], {"axis": 0, "keepdims": False}))
    'np.sum(z, axis=0)'
    """
    if primitive is TABLE.get("sum_to") and shape_of(operands[0]) is not None:
        return unbroadcast(operands[0], settings["shape"])
    given = {
        name: value
        for name, value in settings.items()
        if name not in primitive.defaults or not is_default(value, primitive.defaults[name])
    }
    template, many = one_line(primitive), variadic(primitive)
    if isinstance(template, ast.Name):
        return operands[0]
    if template is None:
        keywords = [ast.keyword(name, literal(value, constants)) for name, value in given.items()]
        arguments: list[ast.expr] = [ast.List([*operands])] if many else [*operands]
        name = ast.Name(re.sub(r"\W", "_", primitive.__name__))
        filled: ast.expr = ast.Call(name, arguments, keywords)
    else:
        named: dict[str, ast.expr] = (
            {many: ast.List([*operands])}
            if many
            else dict(zip(primitive.operand_names, operands, strict=True))
        )
        filled = Filled(named, settings, given, constants).visit(template)
    filled.primitive = primitive  # type: ignore[attr-defined]
    return shaped(filled, shape)


class Filled(Rebuilt):
    # Settings at their default are left out where NumPy surely has the same default: those given by
    # keyword, and a None at the end.
    def __init__(
        self,
        operands: Mapping[str, ast.expr],
        settings: Mapping[str, Any],
        given: Mapping[str, Any],
        constants: Constants | None,
    ) -> None:
        self.operands, self.settings, self.given = operands, settings, given
        self.constants = constants

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.operands:
            return self.operands[node.id]
        if node.id in self.settings:
            return literal(self.settings[node.id], self.constants)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return literal(node.value)  # which knows its shape

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        key = node.slice
        value: ast.expr = self.visit(node.value)
        if isinstance(key, ast.Name) and key.id in self.settings:
            return ast.Subscript(value, index(self.settings[key.id], self.constants))
        return ast.Subscript(value, self.visit(key))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        code = compile(ast.fix_missing_locations(ast.Expression(node)), "<forward>", "eval")
        return ast.Constant(eval(code, {"__builtins__": {}}, dict(self.settings)))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        def at_default(value: ast.expr) -> bool:
            is_setting = isinstance(value, ast.Name) and value.id in self.settings
            return is_setting and value.id not in self.given  # type: ignore[attr-defined]

        def is_none(value: ast.expr) -> bool:
            return at_default(value) and self.settings[value.id] is None  # type: ignore[attr-defined]

        given = list(node.args)
        while given and is_none(given[-1]):
            given.pop()
        arguments: list[ast.expr] = []
        for argument in given:
            if isinstance(argument, ast.Starred):
                every = self.visit(argument.value)
                assert isinstance(every, ast.List)
                arguments += every.elts
            else:
                arguments.append(self.visit(argument))
        keywords = [
            ast.keyword(word.arg, self.visit(word.value))
            for word in node.keywords
            if not at_default(word.value)
        ]
        return ast.Call(self.visit(node.func), arguments, keywords)


def is_default(value: Any, default: Any) -> bool:
    return type(value) is type(default) and not hasattr(value, "dtype") and bool(value == default)


def unbroadcast(tree: ast.expr, to: Shape) -> ast.expr:
    # the engine's step ``sum_to`` in NumPy, which has no function for it
    shape = shape_of(tree)
    assert shape is not None
    if shape == to:
        return tree
    if not to:
        return summed(tree, to)
    new = len(shape) - len(to)
    stretched = tuple(new + i for i, n in enumerate(to) if n == 1 and shape[new + i] != 1)
    axes = (*range(new), *stretched)
    axis = axes if len(axes) > 1 else axes[0]
    if not stretched:
        return summed(tree, to, axis=axis)
    tree = summed(tree, (*(1,) * new, *to), axis=axis, keepdims=True)
    # one sum, as the engine's: two may differ from it in the last place
    reshape: Any = TABLE["reshape"]
    return step(reshape, [tree], {"shape": to}, shape=to) if new else tree


def summed(tree: ast.expr, shape: Shape, **over: Any) -> ast.expr:
    node = shaped(call("np.sum", tree, **over), shape)
    node.primitive = TABLE["sum"]  # type: ignore[attr-defined]
    return node


def expression(
    tensor: Tensor,
    known: Mapping[int, ast.expr],
    constants: Constants | None = None,
) -> ast.expr:
    done: dict[int, ast.expr] = {}
    stack = [tensor]
    while stack:
        t = stack[-1]
        if t.id in done:
            stack.pop()
            continue
        if t.id in known:
            done[t.id] = shaped(known[t.id], t.shape)
        elif t.primitive is None:
            done[t.id] = literal(t.data, constants)
        else:
            missing = [x for x in t.inputs if x is not None and x.id not in done]
            if missing:
                stack.extend(missing)
                continue
            operands = [
                literal(value) if x is None else done[x.id]
                for x, value in zip(t.inputs, t.operands, strict=True)
            ]
            done[t.id] = step(t.primitive, operands, t.params, constants, t.shape)
        stack.pop()
    return done[tensor.id]


# ---- a rule, and a twin ----


def rule_expressions(
    tensor: Tensor,
    g: str,
    out: str,
    operands: Sequence[str],
    constants: Constants | None = None,
) -> list[ast.expr | None]:
    # The contribution to each input, summed to its shape where it was broadcast; None where no
    # gradient flows. The name of an operand that is a Python number is not used: the number stands
    # there itself.
    if tensor.primitive is None:
        raise ValueError(f"{tensor.described()} is a leaf: no step computed it, so it has no rule.")
    placeholders: dict[int, ast.expr] = {}

    def placeholder(value: Any, name: str) -> Tensor:
        t = Tensor(np.asarray(value), requires_grad=value.dtype.kind == "f", name=name)
        placeholders[t.id] = ast.Name(name)
        return t

    values = [
        value if x is None else placeholder(value, name)
        for x, value, name in zip(tensor.inputs, tensor.operands, operands, strict=True)
    ]
    upstream = placeholder(tensor.data, g)
    try:
        with recorded_comparisons(), np.errstate(all="ignore"):  # the text counts, not the value
            closures: Any = tensor.primitive.rule(
                placeholder(tensor.data, out), *values, **tensor.params
            )
            if not isinstance(closures, (tuple, list)):
                closures = (closures,)
            found = [None if closure is None else closure(upstream) for closure in closures]
            contributions = [
                c if c is None or x is None or np.shape(c) == x.shape
                else TABLE["sum_to"](c, shape=x.shape)
                for x, c in zip(tensor.inputs, found, strict=True)
            ]  # fmt: skip
    except Exception as error:  # a rule may be the user's own
        raise not_written(tensor, error) from error
    return [
        expression(c, placeholders, constants) if isinstance(c, Tensor)
        else None if c is None
        else literal(c, constants)
        for c in contributions
    ]  # fmt: skip


def not_written(tensor: Tensor, error: Exception) -> ValueError:
    return ValueError(
        f"the backward rule of {operation(tensor)} cannot be written down: it failed on Tensors "
        f"({error}). Write it in operations that Tensors have."
    )


class Twin(NamedTuple):
    """A call as it is composed, and what that gives: it may overflow where the call does not."""

    tree: ast.expr
    value: np.ndarray


def twin(
    primitive: Any,
    args: Sequence[ast.expr],
    values: Sequence[Any],
    settings: Mapping[str, Any],
    constants: Constants | None = None,
) -> Twin | None:
    if not isinstance(primitive, Primitive):
        return None
    composed = primitive.composed
    if composed is None:
        if one_line(primitive) is not None or returned(primitive) is None:
            return None
        composed = primitive.forward
    parts: dict[int, ast.expr] = {}
    operands: list[Any] = []
    for node, value in zip(args, values, strict=True):
        operands.append(value if isinstance(node, ast.Constant) else Tensor(value))
        if isinstance(operands[-1], Tensor):
            parts[operands[-1].id] = node
    try:
        with recorded_comparisons(), np.errstate(all="ignore"):
            result = composed(*operands, **{**primitive.defaults, **settings})
        if not isinstance(result, Tensor):
            return None
        if any(t.primitive is primitive for t in recorded_tensors(result)):
            return None  # it is composed of itself, by a function that calls it for Tensors
        return Twin(expression(result, parts, constants), result.data)
    except Exception:  # a text of NumPy's that Tensors do not run
        if primitive.composed is not None:
            raise
        return None
