"""Parts of an expression replaced, in a new tree; the tree that is given stays as it is."""

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
        kind = type(node)
        for name in PARTS.get(kind, node._fields):
            part = getattr(node, name, None)
            if isinstance(part, list):
                found += [item for item in part if isinstance(item, ast.AST)]
            elif isinstance(part, ast.AST):
                found.append(part)
    return found


class Rebuilt(ast.NodeTransformer):
    """A transformer that never changes a node: where a part is new, the node is too."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Return a node with its parts visited."""
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
    """Puts expressions in for names."""

    def __init__(self, known: Mapping[str, ast.expr]) -> None:
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Replace a name that is known."""
        return self.known.get(node.id, node)


def put(tree: ast.expr, known: Mapping[str, ast.expr]) -> ast.expr:
    """Return an expression with others in place of names.

    Examples
    --------
    >>> tree = ast.parse("g * a", mode="eval").body
    >>> ast.unparse(put(tree, {"g": ast.parse("x + y", mode="eval").body}))
    '(x + y) * a'
    """
    return Put(known).visit(tree)  # type: ignore[no-any-return]


def names(tree: ast.AST) -> set[str]:
    """Return the names in an expression."""
    return {node.id for node in walk(tree) if isinstance(node, ast.Name)}
