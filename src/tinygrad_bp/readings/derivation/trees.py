"""Parts of an expression replaced, in a new tree; the tree that is given stays as it is."""

from __future__ import annotations

import ast
from collections.abc import Mapping


class Rebuilt(ast.NodeTransformer):
    """A transformer that never changes a node: where a part is new, the node is too."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Return a node with its parts visited."""
        fields = {}
        changed = False
        for name in node._fields:
            old = new = getattr(node, name, None)
            if isinstance(old, list):
                new = [self.visit(item) if isinstance(item, ast.AST) else item for item in old]
                changed = changed or any(a is not b for a, b in zip(new, old, strict=True))
            elif isinstance(old, ast.expr | ast.keyword | ast.comprehension):
                new = self.visit(old)
                changed = changed or new is not old
            fields[name] = new
        return type(node)(**fields) if changed else node


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
    found = set()
    stack = [tree]
    while stack:  # as ast.walk does, in half the time
        node = stack.pop()
        if isinstance(node, ast.Name):
            found.add(node.id)
            continue
        for name in node._fields:
            part = getattr(node, name, None)
            if isinstance(part, list):
                stack += [item for item in part if isinstance(item, ast.AST)]
            elif isinstance(part, ast.expr | ast.keyword):
                stack.append(part)
    return found
