"""What the text of an operation says: its one line of NumPy, and what it is applied to."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import Primitive, Tensor
from .trees import PARTS, is_numpy


def bare(function: Callable[..., Any]) -> ast.FunctionDef:
    # without decorators, docstring and types; ValueError where Python does not know the text
    try:
        node = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError) as error:
        raise ValueError(
            f"the source of {function.__name__} cannot be read: write it in a file ({error})"
        ) from error
    if not isinstance(node, ast.FunctionDef):
        raise ValueError(f"{function.__name__} is not a function written with def")
    node.decorator_list = []
    node.returns = None
    every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    for argument in (*every, *filter(None, [node.args.vararg, node.args.kwarg])):
        argument.annotation = None
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and node.body[1:]:
        node.body = node.body[1:]
    return node


@functools.cache
def returned(primitive: Primitive) -> ast.expr | None:
    try:
        body = bare(primitive.forward).body
    except ValueError:
        return None
    return body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None


@functools.cache
def one_line(primitive: Primitive) -> ast.expr | None:
    """Return what a forward function returns, if that is one NumPy operation on its operands.

    The tree is shared: it is not to be changed.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> ast.unparse(one_line(bp.exp)), one_line(bp.softmax)
    ('np.exp(a)', None)
    """
    if primitive.written:
        return ast.parse(primitive.written, mode="eval").body
    value = returned(primitive)
    if value is None:
        return None
    known = {*primitive.operand_names, *primitive.settings, *filter(None, [variadic(primitive)])}
    parts = list(ast.iter_child_nodes(value))
    if isinstance(value, ast.Name):
        parts = [value]
    elif isinstance(value, ast.Call):
        if not isinstance(value.func, ast.Attribute):
            return None
        if primitive.forward.__globals__.get("np") is np:
            known.add("np")
        parts = [*value.args, *(keyword.value for keyword in value.keywords)]
        parts = [part.value if isinstance(part, ast.Starred) else part for part in parts]
        parts.append(value.func.value)
    syntax = (ast.Constant, ast.operator, ast.unaryop, ast.cmpop, ast.expr_context)
    simple = all(
        part.id in known if isinstance(part, ast.Name)
        # text made of settings, as the subscripts of einsum
        else {name.id for name in ast.walk(part) if isinstance(name, ast.Name)}
        <= set(primitive.settings) if isinstance(part, ast.JoinedStr)
        else isinstance(part, syntax)
        for part in parts
    )  # fmt: skip
    return value if simple else None


def variadic(primitive: Primitive) -> str | None:
    code = primitive.forward.__code__
    place = code.co_argcount + code.co_kwonlyargcount
    return code.co_varnames[place] if primitive.takes_any_number else None


def operands_of(
    primitive: Primitive | None, node: ast.expr
) -> tuple[list[ast.expr], dict[str, ast.expr]]:
    # The expression is compared with the operation's one line; where they differ, as in a call by
    # the operation's name, operands come first, then settings.
    template = None if primitive is None else one_line(primitive)
    found: dict[str, ast.expr] = {}
    if primitive is not None and template is not None:
        match(template, node, found)
        many = variadic(primitive)
        named = [many] if many else primitive.operand_names
        if all(name in found for name in named):
            operands = [found[name] for name in named]
            return operands, {name: found[name] for name in found if name in primitive.settings}
    if not isinstance(node, ast.Call):
        return [], {}
    arguments = list(node.args)
    if isinstance(node.func, ast.Attribute) and not is_numpy(node.func):
        arguments.insert(0, node.func.value)
    settings = {word.arg: word.value for word in node.keywords if word.arg is not None}
    if primitive is None:
        return arguments, settings
    arity = primitive.arity or 1
    return arguments[:arity], dict(
        zip(primitive.settings, arguments[arity:], strict=False)
    ) | settings


def match(template: ast.AST, node: ast.AST, found: dict[str, ast.expr]) -> None:
    if isinstance(template, ast.Name) and isinstance(node, ast.expr):
        found[template.id] = node
    elif type(template) is type(node):
        if isinstance(template, ast.Call) and isinstance(node, ast.Call):
            match(template.func, node.func, found)
            for a, b in zip(template.args, node.args, strict=False):
                match(a, b, found)
            found |= {word.arg: word.value for word in node.keywords if word.arg is not None}
            return
        for name in PARTS.get(type(template), template._fields):
            a, b = getattr(template, name), getattr(node, name)
            if isinstance(a, ast.AST) and isinstance(b, ast.AST):
                match(a, b, found)


def called(t: Tensor) -> str:
    # what a public function calls, as pad_with_constants, has that function's name as its symbol
    assert t.primitive is not None
    name, symbol = str(t.primitive.__name__), str(t.primitive.symbol)
    return symbol if name.startswith(f"{symbol}_") else name
