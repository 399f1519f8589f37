"""Expressions with parts replaced: always a new tree, and the given one stays as it is."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

#: The fields of a node that hold further expressions; of other kinds, any field may.
PARTS: dict[type, tuple[str, ...]] = {
    ast.Name: (),
    ast.Constant: (),
    ast.BinOp: ("left", "right"),
    ast.UnaryOp: ("operand",),
    ast.Compare: ("left", "comparators"),
    ast.Subscript: ("value", "slice"),
    ast.Tuple: ("elts",),
    ast.Attribute: ("value",),
    ast.Call: ("func", "args", "keywords"),
    ast.keyword: ("value",),
    ast.GeneratorExp: ("elt", "generators"),
    ast.comprehension: ("target", "iter"),
}


def walk(tree: ast.AST) -> list[ast.AST]:
    """Return an expression and all its parts, the outer ones first: `ast.walk`, in less time."""
    found = [tree]
    for node in found:  # which grows meanwhile
        for name in PARTS.get(type(node), node._fields):
            part = getattr(node, name, None)
            if isinstance(part, list):
                found += [item for item in part if isinstance(item, ast.AST)]
            elif isinstance(part, ast.AST):
                found.append(part)
    return found


class Rebuilt(ast.NodeTransformer):
    """A transformer that never changes a node: where a part is new, the node is too."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        kind = type(node)
        new: dict[str, Any] = {}
        for name in PARTS.get(kind, node._fields):
            old = getattr(node, name, None)
            if isinstance(old, list):
                items = [self.visit(item) if isinstance(item, ast.AST) else item for item in old]
                if any(a is not b for a, b in zip(items, old, strict=True)):
                    new[name] = items
            elif isinstance(old, ast.expr | ast.keyword | ast.comprehension):
                part = self.visit(old)
                if part is not old:
                    new[name] = part
        if not new:
            return node
        return kind(**{name: getattr(node, name, None) for name in node._fields} | new)


class Put(Rebuilt):
    def __init__(self, known: Mapping[str, ast.expr]) -> None:
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.known.get(node.id, node)


def put(tree: ast.expr, known: Mapping[str, ast.expr]) -> ast.expr:
    """Return an expression with others in place of names.

    Examples
    --------
    >>> tree = ast.parse("g * a", mode="eval").body
    >>> ast.unparse(put(tree, {"g": ast.parse("x + y", mode="eval").body}))
    '(x + y) * a'
    """
    return Put(known).visit(tree) if known else tree  # type: ignore[no-any-return]


def names(tree: ast.AST) -> set[str]:
    return {node.id for node in walk(tree) if isinstance(node, ast.Name)}


def symbols(tree: ast.expr, counts: Mapping[str, int]) -> int:
    """Count the names, numbers, signs and functions of an expression, but not its indices.

    Parameters
    ----------
    tree
        An expression.
    counts
        How many symbols are to be put in place of some names.

    Examples
    --------
    >>> symbols(ast.parse("g * (1.0 - np.sum(-a[i], axis=0))", mode="eval").body, {"g": 5})
    9
    """
    count = 0
    stack: list[ast.AST] = [tree]
    while stack:
        match stack.pop():
            case ast.Name(name):
                count += counts.get(name, 1)
            case ast.Constant() | ast.Attribute(ast.Name("np")):
                count += 1
            case ast.Call(func, args):
                stack += [func, *args]
            case ast.Subscript(value):
                stack.append(value)
            case ast.GeneratorExp(body):
                stack.append(body)
            case node:
                count += isinstance(node, ast.UnaryOp | ast.Attribute)
                stack += ast.iter_child_nodes(node)
    return count
