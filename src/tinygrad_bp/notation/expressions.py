"""A step of a recorded computation as an expression, in the language that everything is written in.

An expression is a Python syntax tree of NumPy code. It comes from the text of the operation's own
forward function: where that is one line, ``return a * b``, the operands are put in for a and b;
where it is longer, the step is a call of the function by its name. So nothing is written twice: the
text that runs is the text that is printed. The printers turn a tree into code, LaTeX or plain text.
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..primitive import Primitive
from ..tensor import Tensor


@functools.cache
def definition(primitive: Primitive) -> ast.FunctionDef:
    """Return the syntax tree of a forward function, without decorators, docstring and types."""
    return bare(primitive.forward)


def bare(function: Callable[..., Any]) -> ast.FunctionDef:
    """Return the syntax tree of a function, without decorators, docstring and types."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    node = tree.body[0]
    assert isinstance(node, ast.FunctionDef)
    node.decorator_list = []
    node.returns = None
    for argument in (*node.args.args, *node.args.kwonlyargs, *filter(None, [node.args.vararg])):
        argument.annotation = None
    if isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant):
        node.body = node.body[1:]
    return node


def one_line(primitive: Primitive) -> ast.expr | None:
    """Return what a forward function returns, if that is one operation of NumPy's on its operands."""
    if primitive.written:
        return ast.parse(primitive.written, mode="eval").body
    body = definition(primitive).body
    if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None:
        return None
    expression = body[0].value
    parts = list(ast.iter_child_nodes(expression))
    if isinstance(expression, ast.Call) and isinstance(expression.func, ast.Attribute):
        parts = [*expression.args, *(keyword.value for keyword in expression.keywords)]
        parts.append(expression.func.value)
    simple = (ast.Name, ast.Constant, ast.operator, ast.unaryop, ast.cmpop, ast.expr_context)
    return expression if all(isinstance(part, simple) for part in parts) else None


def step(primitive: Primitive, operands: list[ast.expr], settings: Mapping[str, Any]) -> ast.expr:
    """Return the expression of one operation on operands that are expressions themselves."""
    template = one_line(primitive)
    given = {
        name: value
        for name, value in settings.items()
        if name not in primitive.defaults or not same(value, primitive.defaults[name])
    }
    if template is None or primitive.takes_any_number:
        keywords = [ast.keyword(name, literal(value)) for name, value in given.items()]
        arguments = [ast.List(operands)] if primitive.takes_any_number else operands
        return ast.Call(ast.Name(primitive.__name__), arguments, keywords)
    names = dict(zip(primitive.operand_names, operands, strict=True))
    return Filled(names, settings, given).visit(ast.parse(ast.unparse(template), mode="eval").body)


class Filled(ast.NodeTransformer):
    """Puts operands and settings in for their names; leaves out settings that are at their default."""

    def __init__(
        self,
        operands: Mapping[str, ast.expr],
        settings: Mapping[str, Any],
        given: Mapping[str, Any],
    ) -> None:
        self.operands, self.settings, self.given = operands, settings, given

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.operands:
            return self.operands[node.id]
        return literal(self.settings[node.id]) if node.id in self.settings else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        def at_default(value: ast.expr) -> bool:
            return (
                isinstance(value, ast.Name)
                and value.id in self.settings
                and value.id not in self.given
            )

        node.keywords = [keyword for keyword in node.keywords if not at_default(keyword.value)]
        while node.args and at_default(node.args[-1]):
            node.args.pop()
        self.generic_visit(node)
        return node


def same(a: Any, b: Any) -> bool:
    """Say whether a setting is at its default."""
    return type(a) is type(b) and not isinstance(a, np.ndarray) and bool(a == b)


def literal(value: Any) -> ast.expr:
    """Return the expression of a setting or constant."""
    if isinstance(value, tuple):
        return ast.Tuple([literal(item) for item in value])
    if isinstance(value, list):
        return ast.List([literal(item) for item in value])
    if isinstance(value, slice):
        if value == slice(None):
            return ast.Slice()
        lower, upper, stride = (
            None if part is None else literal(part)
            for part in (value.start, value.stop, value.step)
        )
        return ast.Slice(lower, upper, stride)
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        inner = literal(array.tolist())
        if array.dtype in (np.float64, np.int64, np.bool_):
            return ast.Call(ast.Attribute(ast.Name("np"), "array"), [inner], [])
        kind = ast.keyword("dtype", ast.Attribute(ast.Name("np"), array.dtype.name))
        return ast.Call(ast.Attribute(ast.Name("np"), "array"), [inner], [kind])
    if isinstance(value, np.dtype):
        return ast.Attribute(ast.Name("np"), value.name)
    if isinstance(value, type) and issubclass(value, np.generic):
        return ast.Attribute(ast.Name("np"), value.__name__)
    if isinstance(value, float) and not np.isfinite(value):
        name = ast.Attribute(ast.Name("np"), "nan" if np.isnan(value) else "inf")
        return ast.UnaryOp(ast.USub(), name) if value < 0 else name
    if isinstance(value, (int, float)) and value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def expression(tensor: Tensor, named: Callable[[Tensor], ast.expr | None]) -> ast.expr:
    """Return the expression of a tensor down to those that have a name."""
    done: dict[int, ast.expr] = {}
    stack = [tensor]
    while stack:
        t = stack[-1]
        if t.id in done:
            stack.pop()
            continue
        name = named(t)
        if name is not None:
            done[t.id] = name
        elif t.primitive is None:
            done[t.id] = literal(t.data if t.ndim else t.data.item())
        else:
            missing = [x for x in t.inputs if x is not None and x.id not in done]
            if missing:
                stack.extend(missing)
                continue
            operands = [
                literal(value) if x is None else done[x.id]
                for x, value in zip(t.inputs, t.operands, strict=True)
            ]
            done[t.id] = step(t.primitive, operands, t.params)
        stack.pop()
    return done[tensor.id]
