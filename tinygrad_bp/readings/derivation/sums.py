"""Sums over letters, and what is left of one where a Kronecker delta stands in it.

A condition on indices, such as ``i == j``, is a factor that is 1 where it holds and 0 elsewhere. A
sum over i of ``(i == j) * a[i]`` is ``a[j]``. Conditions that are left at the end are written as
choices, ``np.where(condition, value, 0.0)``: where it does not hold, there may be no such entry.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from .indices import Indices, added
from .simplify import ONE, ZERO, choice, number, product, simple, summed
from .trees import Rebuilt, names, walk

# ---- Conditions ----


def factors(tree: ast.expr) -> Iterator[ast.expr]:
    """Yield the factors of an expression: it is 0 where one of them is."""
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult):
        yield from factors(tree.left)
        yield from factors(tree.right)
    elif isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Div):
        yield from factors(tree.left)
    elif isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        yield from factors(tree.operand)
    elif choice(tree) and number(tree.args[2]) == 0:  # type: ignore[attr-defined]
        yield tree.args[0]  # type: ignore[attr-defined]
        yield from factors(tree.args[1])  # type: ignore[attr-defined]
    else:
        yield tree


def with_condition(tree: ast.expr, condition: str, value: float) -> ast.expr:
    """Put 1 or 0 for a condition, and simplify what that leaves."""
    return With(condition, value).visit(tree)  # type: ignore[no-any-return]


class With(Rebuilt):
    """Puts a number for a condition."""

    def __init__(self, condition: str, value: float) -> None:
        self.condition, self.value = condition, value

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Return a node with its parts visited, simplified where one is new."""
        new = super().generic_visit(node)
        return simple(new) if new is not node and isinstance(new, ast.expr) else new

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """Put the number."""
        return ast.Constant(self.value) if ast.unparse(node) == self.condition else node


def total(body: ast.expr, i: ast.expr, length: int, indices: Indices) -> ast.expr:
    """Sum over a letter; of a product with a delta of that letter, one term is left."""
    if isinstance(i, ast.Constant):
        return body
    assert isinstance(i, ast.Name)
    found: list[tuple[int, int, ast.expr, ast.expr]] = []
    for factor in factors(body):
        if indices.is_condition(factor) and i.id in names(factor):
            index = indices.solved(factor, i.id)
            if index is not None:
                found.append((len(indices.within(index, length)), len(found), factor, index))
    if found:  # the one that asks for the fewest further conditions
        _, _, factor, index = min(found, key=lambda one: one[:2])
        rest = with_condition(body, ast.unparse(factor), 1.0)
        return product(*indices.within(index, length), indices.put(rest, {i.id: index}))
    if i.id not in names(body):
        return simple(ast.BinOp(ast.Constant(float(length)), ast.Mult(), body))
    deep = any(
        indices.is_condition(node) and i.id in names(node)
        for node in walk(body) if isinstance(node, ast.Compare)
    )  # fmt: skip
    if deep:  # of a sum, each term by itself
        terms = expanded(body)
        if len(terms) > 1:
            sums = [(sign, total(term, i, length, indices)) for sign, term in terms]
            result = sums[0][1] if sums[0][0] > 0 else simple(ast.UnaryOp(ast.USub(), sums[0][1]))
            for sign, term in sums[1:]:
                result = simple(ast.BinOp(result, ast.Add() if sign > 0 else ast.Sub(), term))
            return result
    # counted from the other end, where that is shorter: i for n - 1 - i
    text = ast.unparse(body)
    if f"- {i.id}" in text:
        back = indices.put(body, {i.id: added((1, ast.Constant(length - 1)), (-1, i))})
        if len(ast.unparse(back)) < len(text):
            body = back
    return looped(body, i, length)


def expanded(tree: ast.expr) -> list[tuple[int, ast.expr]]:
    """Return the terms of a sum, or of a product of which one factor is a sum."""
    match tree:
        case ast.BinOp(left, ast.Add(), right):
            return [*expanded(left), *expanded(right)]
        case ast.BinOp(left, ast.Sub(), right):
            return [*expanded(left), *((-sign, term) for sign, term in expanded(right))]
        case ast.UnaryOp(ast.USub(), operand):
            return [(-sign, term) for sign, term in expanded(operand)]
        case ast.BinOp(left, ast.Mult(), right):
            return [
                (a * b, product(one, other))
                for a, one in expanded(left) for b, other in expanded(right)
            ]  # fmt: skip
        case ast.BinOp(left, ast.Div(), right):
            return [
                (sign, simple(ast.BinOp(term, ast.Div(), right))) for sign, term in expanded(left)
            ]
    return [(1, tree)]


def looped(body: ast.expr, i: ast.Name, length: int, over: str = "sum") -> ast.expr:
    """Return a sum over a letter, or a product, or the largest."""
    numbers = ast.Call(ast.Name("range"), [ast.Constant(length)], [])
    loop = ast.comprehension(ast.Name(i.id, ast.Store()), numbers, [], 0)
    return ast.Call(ast.Name(over), [ast.GeneratorExp(body, [loop])], [])


def chosen(conditions: Sequence[ast.expr], a: ast.expr, b: ast.expr) -> ast.expr:
    """Return np.where(conditions, a, b)."""
    both = conditions[0]
    for condition in conditions[1:]:
        both = ast.BinOp(both, ast.BitAnd(), condition)
    return ast.Call(ast.Attribute(ast.Name("np"), "where"), [both, a, b], [])


def conjuncts(condition: ast.expr) -> list[ast.expr]:
    """Return the conditions that all have to hold."""
    if isinstance(condition, ast.BinOp) and isinstance(condition.op, ast.BitAnd):
        return [*conjuncts(condition.left), *conjuncts(condition.right)]
    return [condition]


def guarded(tree: ast.expr, indices: Indices) -> ast.expr:
    """Write the conditions in a component as choices, around all that they are factors of."""
    conditions, rest = guards(tree, indices)
    return chosen(conditions, rest, ZERO) if conditions else rest


def guards(tree: ast.expr, indices: Indices) -> tuple[list[ast.expr], ast.expr]:
    """Return the conditions without which an expression is 0, and its value where they hold."""
    if indices.is_condition(tree):
        return [tree], ONE
    match tree:
        case ast.BinOp(left, (ast.Mult() | ast.Div()) as op, right):
            before, first = guards(left, indices)
            after: list[ast.expr] = []
            if isinstance(op, ast.Div):
                second = guarded(right, indices)
            else:
                after, second = guards(right, indices)
            whole = ast.BinOp(first, op, second)
            ones = 1 in (number(first), number(second))
            return merged(before, after), simple(whole) if ones else whole
        case ast.UnaryOp(ast.USub(), operand):
            conditions, inner = guards(operand, indices)
            return conditions, simple(ast.UnaryOp(ast.USub(), inner))
        case ast.BinOp(left, op, right):
            return [], ast.BinOp(guarded(left, indices), op, guarded(right, indices))
        case ast.Call() if choice(tree):
            condition, a, b = tree.args
            if number(b) == 0:
                conditions, inner = guards(a, indices)
                return merged(conjuncts(condition), conditions), inner
            return [], ast.Call(tree.func, [condition, *(guarded(x, indices) for x in (a, b))], [])
        case ast.Call() if (letter := summed(tree)) is not None:
            generator = tree.args[0]
            assert isinstance(generator, ast.GeneratorExp)
            conditions, inner = guards(generator.elt, indices)
            out: list[ast.expr] = []
            if isinstance(tree.func, ast.Name) and tree.func.id == "sum":
                out = [c for c in conditions if letter not in names(c)]
            kept = [c for c in conditions if c not in out]
            body = chosen(kept, inner, ZERO) if kept else inner
            return out, ast.Call(tree.func, [ast.GeneratorExp(body, generator.generators)], [])
        case ast.Call(func, args, keywords):
            return [], ast.Call(func, [guarded(a, indices) for a in args], keywords)
    return [], tree


def merged(first: list[ast.expr], second: list[ast.expr]) -> list[ast.expr]:
    """Return the conditions of two lists, each once."""
    return list({ast.unparse(c): c for c in [*first, *second]}.values())
