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
import re
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..primitive import Primitive
from ..tensor import Tensor
from .literals import Constants, index, literal


@functools.cache
def definition(primitive: Primitive) -> ast.FunctionDef:
    """Return the syntax tree of a forward function, without decorators, docstring and types.

    Raises
    ------
    ValueError
        If Python does not know the text of the function, or it is no ``def``.
    """
    return bare(primitive.forward)


def bare(function: Callable[..., Any]) -> ast.FunctionDef:
    """Return the syntax tree of a function, without decorators, docstring and types.

    Raises
    ------
    ValueError
        If Python does not know the text of the function, or it is no ``def``.
    """
    try:
        node = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError) as error:
        raise ValueError(
            f"the text of {function.__name__} is not known: write it in a file ({error})"
        ) from error
    if not isinstance(node, ast.FunctionDef):
        raise ValueError(f"{function.__name__} is no function that was written with def")
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
def one_line(primitive: Primitive) -> ast.expr | None:
    """Return what a forward function returns, if that is one operation of NumPy's on its operands.

    The tree is shared: it is not to be changed.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> ast.unparse(one_line(bp.exp)), one_line(bp.softmax)
    ('np.exp(a)', None)
    """
    if primitive.written:
        return ast.parse(primitive.written, mode="eval").body
    try:
        body = definition(primitive).body
    except ValueError:
        return None
    if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is None:
        return None
    returned = body[0].value
    known = {*primitive.operand_names, *primitive.settings, *filter(None, [variadic(primitive)])}
    parts = list(ast.iter_child_nodes(returned))
    if isinstance(returned, ast.Name):
        parts = [returned]
    elif isinstance(returned, ast.Call):
        if not isinstance(returned.func, ast.Attribute):
            return None
        if primitive.forward.__globals__.get("np") is np:
            known.add("np")
        parts = [*returned.args, *(keyword.value for keyword in returned.keywords)]
        parts = [part.value if isinstance(part, ast.Starred) else part for part in parts]
        parts.append(returned.func.value)
    syntax = (ast.Constant, ast.operator, ast.unaryop, ast.cmpop, ast.expr_context)
    simple = all(
        part.id in known if isinstance(part, ast.Name)
        # text made of settings, as the subscripts of einsum
        else {name.id for name in ast.walk(part) if isinstance(name, ast.Name)}
        <= set(primitive.settings) if isinstance(part, ast.JoinedStr)
        else isinstance(part, syntax)
        for part in parts
    )  # fmt: skip
    return returned if simple else None


@functools.cache
def text_of(primitive: Primitive) -> str:
    """Return the text of an operation that is one line."""
    template = one_line(primitive)
    assert template is not None
    return ast.unparse(template)


def variadic(primitive: Primitive) -> str | None:
    """Return the name of ``*operands``, where an operation takes any number."""
    code = primitive.forward.__code__
    place = code.co_argcount + code.co_kwonlyargcount
    return code.co_varnames[place] if primitive.takes_any_number else None


def step(
    primitive: Primitive,
    operands: list[ast.expr],
    settings: Mapping[str, Any],
    constants: Constants | None = None,
) -> ast.expr:
    """Return the expression of one operation on operands that are expressions themselves.

    Parameters
    ----------
    primitive
        The operation.
    operands
        The expression of each operand.
    settings
        The operation's settings. Where one is at its default, the expression leaves it out.
    constants
        What to write in place of an array among the settings; see `literal`.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> ast.unparse(step(bp.sum, [ast.Name("z")], {"axis": 0, "keepdims": False}))
    'np.sum(z, axis=0)'
    """
    template = one_line(primitive)
    given = {
        name: value
        for name, value in settings.items()
        if name not in primitive.defaults or not same(value, primitive.defaults[name])
    }
    if template is None:
        keywords = [ast.keyword(name, literal(value, constants)) for name, value in given.items()]
        arguments: list[ast.expr] = [ast.List(operands)] if variadic(primitive) else operands
        return ast.Call(ast.Name(re.sub(r"\W", "_", primitive.__name__)), arguments, keywords)
    many = variadic(primitive)
    names: dict[str, ast.expr] = (
        {many: ast.List(operands)}
        if many
        else dict(zip(primitive.operand_names, operands, strict=True))
    )
    filled: ast.expr = Filled(names, settings, given, constants).visit(
        ast.parse(text_of(primitive), mode="eval").body  # a copy
    )
    return filled


def call(function: str, *operands: ast.expr, **settings: Any) -> ast.Call:
    """Return a call of a function."""
    return ast.Call(
        ast.parse(function, mode="eval").body,
        list(operands),
        [ast.keyword(name, literal(value)) for name, value in settings.items()],
    )


class Filled(ast.NodeTransformer):
    """Puts operands and settings in for their names.

    Settings at their default are left out where NumPy surely has the same default: those given by
    keyword, and a None at the end.
    """

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
        """Replace the name of an operand or a setting."""
        if node.id in self.operands:
            return self.operands[node.id]
        if node.id in self.settings:
            return literal(self.settings[node.id], self.constants)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Replace the name of an index by what stands in the brackets."""
        key = node.slice
        value: ast.expr = self.visit(node.value)
        if isinstance(key, ast.Name) and key.id in self.settings:
            return ast.Subscript(value, index(self.settings[key.id], self.constants))
        return ast.Subscript(value, self.visit(key))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        """Replace a text that is made of settings by the text itself."""
        code = compile(ast.fix_missing_locations(ast.Expression(node)), "<forward>", "eval")
        return ast.Constant(eval(code, {"__builtins__": {}}, dict(self.settings)))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Leave out settings at their default, and write ``*operands`` out."""

        def at_default(value: ast.expr) -> bool:
            return (
                isinstance(value, ast.Name)
                and value.id in self.settings
                and value.id not in self.given
            )

        def no_news(value: ast.expr) -> bool:
            return (
                at_default(value)
                and isinstance(value, ast.Name)
                and self.settings[value.id] is None
            )

        node.keywords = [keyword for keyword in node.keywords if not at_default(keyword.value)]
        while node.args and no_news(node.args[-1]):
            node.args.pop()
        arguments: list[ast.expr] = []
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                every = self.visit(argument.value)
                assert isinstance(every, ast.List)
                arguments += every.elts
            else:
                arguments.append(self.visit(argument))
        keywords = [ast.keyword(word.arg, self.visit(word.value)) for word in node.keywords]
        return ast.Call(self.visit(node.func), arguments, keywords)


def same(value: Any, default: Any) -> bool:
    """Say whether a setting is at its default."""
    return type(value) is type(default) and not hasattr(value, "dtype") and bool(value == default)


def expression(
    tensor: Tensor,
    named: Callable[[Tensor], ast.expr | None],
    constants: Constants | None = None,
) -> ast.expr:
    """Return the expression of a tensor down to those that have a name.

    Parameters
    ----------
    tensor
        A recorded tensor.
    named
        The name of a tensor, as an expression; None for one that is to be written out.
    constants
        What to write in place of an array constant; see `literal`.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> x = bp.tensor([1.0, 2.0], name="x")
    >>> ast.unparse(expression(bp.exp(-x) * 2, lambda t: ast.Name(t.name) if t.name else None))
    'np.exp(-x) * 2'
    """
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
            done[t.id] = step(t.primitive, operands, t.params, constants)
        stack.pop()
    return done[tensor.id]
