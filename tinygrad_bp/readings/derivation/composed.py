"""Components put into each other: the entries of a gradient, written out where they stand."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from .components import NoComponentsError
from .indices import Indices, Put
from .simplify import number, simple, summed
from .trees import Rebuilt, names, walk


def composed(
    tree: ast.expr,
    known: Mapping[str, tuple[ast.expr, Sequence[ast.expr]]],
    letters: Sequence[str],
    indices: Indices,
) -> ast.expr:
    """Return a component with others in place of entries.

    Parameters
    ----------
    tree
        A component, of whose index the lengths are known.
    known
        By the name of an array, a component of it, and the index that this is of.
    letters
        Those for sums: each sum that is put in takes one of its own.
    indices
        What is known of the letters.

    Raises
    ------
    NoComponentsError
        If there are more sums than letters.
    """
    for node in walk(tree):
        if (letter := summed(node)) is not None:
            indices.lengths[letter] = length_of(node)
    unused = iter([one for one in letters if one not in names(tree)])
    return Composed(known, unused, indices).visit(tree)  # type: ignore[no-any-return]


class Composed(Rebuilt):
    """Puts components in for entries."""

    def __init__(
        self,
        known: Mapping[str, tuple[ast.expr, Sequence[ast.expr]]],
        letters: Iterator[str],
        indices: Indices,
    ) -> None:
        self.known, self.letters, self.indices = known, letters, indices

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Return a node with its parts visited, simplified where one is new."""
        new = super().generic_visit(node)
        return in_order(new) if new is not node and isinstance(new, ast.expr) else new

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Put in a single number."""
        return self.put(node.id, []) if node.id in self.known else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Put in an entry."""
        if not isinstance(node.value, ast.Name) or node.value.id not in self.known:
            return node
        assert isinstance(node.slice, ast.Tuple)
        return self.put(node.value.id, node.slice.elts)

    def put(self, name: str, at: Sequence[ast.expr]) -> ast.expr:
        """Return a component at an index, with letters for its sums that are free."""
        tree, index = self.known[name]
        renamed: dict[str, ast.expr] = {}
        for node in walk(tree):
            letter = summed(node)
            if letter is None or letter in renamed:
                continue
            fresh = next(self.letters, None)
            if fresh is None:
                raise NoComponentsError("a sum over more axes than there are letters")
            renamed[letter] = ast.Name(fresh)
            self.indices.lengths[fresh] = length_of(node)
        for one, i in zip(index, at, strict=True):
            if isinstance(one, ast.Name):
                renamed[one.id] = i
        return Renamed(self.indices, renamed).visit(tree) if renamed else tree


class Renamed(Put):
    """Puts indices in for letters, and leaves the factors of a product as they stand."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Return a node with its parts visited, simplified where one is new."""
        new = Rebuilt.generic_visit(self, node)
        return in_order(new) if new is not node and isinstance(new, ast.expr) else new


def in_order(tree: ast.expr) -> ast.expr:
    """Leave out factors 1 and terms 0; of a product, the factors stay in the order of the rule.

    Only a number goes to the front.
    """
    match tree:
        case ast.BinOp(
            left, ast.Mult(), ast.BinOp(ast.Constant(float(n)) as first, ast.Mult(), rest)
        ):
            if isinstance(left, ast.Constant) and isinstance(left.value, float):
                return simple(ast.BinOp(ast.Constant(left.value * n), ast.Mult(), rest))
            return ast.BinOp(ast.BinOp(first, ast.Mult(), left), ast.Mult(), rest)
        case ast.BinOp(left, ast.Mult(), right) if number(left) is number(right) is None:
            return tree
    return simple(tree)


def length_of(node: ast.AST) -> int:
    """Return over how many places a sum goes."""
    assert isinstance(node, ast.Call)
    assert isinstance(node.args[0], ast.GeneratorExp)
    loop = node.args[0].generators[0].iter
    assert isinstance(loop, ast.Call)
    return ast.literal_eval(loop.args[0])  # type: ignore[no-any-return]
