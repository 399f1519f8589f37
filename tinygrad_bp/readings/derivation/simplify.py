"""What is left of an expression where a factor is 1, or a term or a condition is 0."""

from __future__ import annotations

import ast

from ...notation.trees import literal

ZERO = ast.Constant(0.0)
ONE = ast.Constant(1.0)


def number(tree: ast.expr) -> float | None:
    """Return the value of a number; None for any other expression."""
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        inner = number(tree.operand)
        return None if inner is None else -inner
    plain = isinstance(tree, ast.Constant) and type(tree.value) in (int, float)
    return tree.value if plain else None  # type: ignore[attr-defined]


def product(*factors: ast.expr) -> ast.expr:
    """Return a product, without factors 1, and 0 where one is 0."""
    result: ast.expr = ONE
    for factor in factors:
        result = simple(ast.BinOp(result, ast.Mult(), factor))
    return result


def simple(tree: ast.expr) -> ast.expr:
    """Leave out factors 1, terms 0, and products with 0: what a delta becomes in each case."""
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return ZERO if number(tree.operand) == 0 else tree
    if choice(tree):
        condition, a, b = tree.args  # type: ignore[attr-defined]
        if isinstance(condition, ast.Constant):
            return a if condition.value else b  # type: ignore[no-any-return]
        return a if number(a) is not None and number(a) == number(b) else tree
    if summed(tree) is not None:
        return ZERO if number(tree.args[0].elt) == 0 else tree  # type: ignore[attr-defined]
    if not isinstance(tree, ast.BinOp):
        return tree
    left, right = number(tree.left), number(tree.right)
    match tree.op:
        case ast.BitAnd():
            if left == 1:
                return tree.right
            if right == 1:
                return tree.left
            return ZERO if 0 in (left, right) else tree
        case ast.Mult():
            if 0 in (left, right):
                return ZERO
            if left == 1:
                return tree.right
            if right == 1:
                return tree.left
            if left == -1:
                return simple(ast.UnaryOp(ast.USub(), tree.right))
            if isinstance(tree.right, ast.UnaryOp) and isinstance(tree.right.op, ast.USub):
                return ast.UnaryOp(ast.USub(), ast.BinOp(tree.left, ast.Mult(), tree.right.operand))
        case ast.Div() if left is not None and right:
            return literal(left / right)
        case ast.Div() if left == 0:
            return ZERO
        case ast.Div() if right == 1:
            return tree.left
        case ast.Add() if left == 0:
            return tree.right
        case ast.Add() | ast.Sub() if right == 0:
            return tree.left
        case ast.Sub() if left == 0:
            return ast.UnaryOp(ast.USub(), tree.right)
    return tree


def terms(tree: ast.expr) -> list[tuple[int, ast.expr]]:
    """Return the terms of a sum, with their signs."""
    match tree:
        case ast.BinOp(left, ast.Add(), right):
            return [*terms(left), *terms(right)]
        case ast.BinOp(left, ast.Sub(), right):
            return [*terms(left), *((-sign, term) for sign, term in terms(right))]
        case ast.UnaryOp(ast.USub(), operand):
            return [(-sign, term) for sign, term in terms(operand)]
    return [(1, tree)]


def collected(tree: ast.expr) -> ast.expr:
    """Return a sum with equal terms as one; the same tree, where no two are equal.

    Examples
    --------
    >>> ast.unparse(collected(ast.parse("a * x + b + a * x - 3.0 * b", mode="eval").body))
    '2.0 * (a * x) - 2.0 * b'
    """
    found: dict[str, tuple[float, ast.expr]] = {}
    every = terms(tree)
    if len(every) < 2:
        return tree
    for sign, term in every:
        factor, rest = float(sign), term
        match term:
            case ast.BinOp(ast.Constant(int(value) | float(value)), ast.Mult(), rest):
                factor *= value
        text = ast.unparse(rest)
        found[text] = (found[text][0] + factor if text in found else factor, rest)
    if len(found) == len(every) or not all(factor for factor, _ in found.values()):
        return tree
    result: ast.expr | None = None
    for factor, rest in found.values():
        positive = result is None or factor > 0
        term = product(literal(factor if positive else -factor), rest)
        if result is None:
            result = term
        else:
            result = ast.BinOp(result, ast.Add() if positive else ast.Sub(), term)
    assert result is not None
    return result


def choice(tree: ast.AST) -> bool:
    """Say whether an expression is np.where(condition, a, b)."""
    return (
        isinstance(tree, ast.Call)
        and isinstance(tree.func, ast.Attribute)
        and tree.func.attr == "where"
        and len(tree.args) == 3
    )


def summed(tree: ast.AST) -> str | None:
    """Return the letter of a sum, a product, or a maximum over a letter; None for all else."""
    if isinstance(tree, ast.Call) and tree.args and isinstance(tree.args[0], ast.GeneratorExp):
        target = tree.args[0].generators[0].target
        assert isinstance(target, ast.Name)
        return target.id
    return None
