"""Expressions as a person leaves them: no factor is 1, numbers stand first, a * a is a power.

A transpose of a transpose is turned back, a number beside an array needs no broadcast, and equal
terms of a sum are collected.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from typing import TypeGuard

import numpy as np

from ...notation.trees import Rebuilt, call, is_where, like, literal, names, put, shape_of, shaped
from .evaluation import Evaluator

ZERO, ONE = ast.Constant(0.0), ast.Constant(1.0)
TRUE, FALSE = ast.Constant(True), ast.Constant(False)


def number(tree: ast.expr) -> float | None:
    match tree:
        case ast.UnaryOp(ast.USub(), operand):
            inner = number(operand)
            return None if inner is None else -inner
        case ast.Call(ast.Attribute(_, "float64"), [inner], []):
            return number(inner)
        case ast.Constant(value) if type(value) in (int, float):
            return value  # type: ignore[return-value]
    return None


def array_like(tree: ast.expr) -> ast.expr:
    # a Python number has none of an array's methods
    plain = not isinstance(tree, ast.Call) and number(tree) is not None
    return call("np.float64", tree) if plain else tree


def negative(tree: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.USub(), tree)


def is_negative(tree: ast.expr) -> TypeGuard[ast.UnaryOp]:
    return isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub)


def times(left: ast.expr, right: ast.expr) -> ast.expr:
    # numbers stand first, as one
    if number(right) is not None:
        left, right = right, left
    n = number(left)
    if n is not None:
        if (other := number(right)) is not None:
            return literal(float(n) * other)
        match right:
            case ast.BinOp(first, ast.Mult(), rest) if (other := number(first)) is not None:
                return times(literal(float(n) * other), rest)
        if abs(n) == 1:
            return right if n == 1 else negative(right)
    return ast.BinOp(left, ast.Mult(), right)


# ---- the gradient of a step that has no line of its own, put into the rule of the next ----


def with_gradient(rule: ast.expr, g: str, gradient: ast.expr, evaluator: Evaluator) -> ast.expr:
    # one entry is put in for an array of equal ones, where that will do
    whole = put(rule, {g: array_like(gradient)})
    entry = equal_entry(gradient)
    if entry is None or not entry_by_entry(rule, g):
        return whole
    single = put(rule, {g: array_like(entry)})
    shapes = (np.shape(evaluator.evaluate(tree)) for tree in (single, whole))
    return single if len(set(shapes)) == 1 else whole


def entry_by_entry(tree: ast.expr, name: str) -> bool:
    # whether one entry of the array, all being equal, would do in its place
    match tree:
        case ast.BinOp(left, op, right) if not isinstance(op, ast.MatMult):
            return entry_by_entry(left, name) and entry_by_entry(right, name)
        case ast.UnaryOp(_, operand):
            return entry_by_entry(operand, name)
        case ast.Call(_, args) if is_where(tree):
            return all(entry_by_entry(arg, name) for arg in args)
    return isinstance(tree, ast.Name) or name not in names(tree)


def equal_entry(tree: ast.expr, known: Collection[str] = ()) -> ast.expr | None:
    match tree:
        case ast.Constant():
            return tree
        case ast.Call(ast.Attribute(_, "ones"), [_], []):
            return ONE
        case ast.Call(ast.Attribute(_, "broadcast_to"), [entry, _], []):
            return None if names(entry) - {"np", *known} else entry
    return None


# ---- a line ----


def tidied(tree: ast.expr, evaluator: Evaluator) -> ast.expr:
    """Return an expression simplified: 1 / 12 * 2 * y is y / 6, (X.T @ g).T is g.T @ X."""
    new: ast.expr = Tidied(evaluator).visit(tree)
    return new


class Tidied(Rebuilt):
    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        new = self.generic_visit(node)
        match new:
            case ast.Attribute(ast.Attribute(base, "mT"), "mT"):
                return base
            case ast.Attribute(ast.BinOp(left, ast.MatMult(), right), "mT"):
                turned = any(isinstance(side, ast.Attribute) for side in (left, right))
                if turned and self.is_matrix(left) and self.is_matrix(right):
                    return ast.BinOp(transposed(right), ast.MatMult(), transposed(left))
        return new

    def is_matrix(self, tree: ast.expr) -> bool:
        if isinstance(tree, ast.Name):
            return tree.id in self.evaluator.values and len(self.evaluator.shape(tree)) > 1
        return is_transposed(tree)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        new = self.generic_visit(node)
        assert isinstance(new, ast.UnaryOp)
        shape = self.evaluator.shape(new.operand)
        return new if shape_of(new) == shape else shaped(ast.UnaryOp(new.op, new.operand), shape)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        new = self.generic_visit(node)
        match new:
            case ast.Call(ast.Attribute(_, "broadcast_to"), [entry, ast.Tuple([])], []):
                return entry
            case ast.Call(ast.Attribute(_, "broadcast_to"), [entry, shape], []):
                return call("np.ones", shape) if number(entry) == 1 else new
            case ast.Call(func, [condition, a, b]) if is_where(new):
                sides = [side if number(side) is None else literal(number(side)) for side in (a, b)]
                return like(ast.Call(func, [condition, *sides], []), new)
            case ast.Call(ast.Name() as function, args, keywords) if new is not node:
                return like(ast.Call(function, [array_like(arg) for arg in args], keywords), new)
        return new

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        new = self.generic_visit(node)
        assert isinstance(new, ast.BinOp)
        # an entry may stand in the place of an array
        if new is not node and not isinstance(new.op, ast.MatMult):
            sides = self.evaluator.shape(new.left), self.evaluator.shape(new.right)
            shape = np.broadcast_shapes(*sides)
            if shape_of(new) != shape:
                new = shaped(ast.BinOp(new.left, new.op, new.right), shape)
        a, b = number(new.left), number(new.right)
        match new:
            case ast.BinOp(_, ast.Div(), _) if a is not None and b:
                return literal(float(a) / b)
            case ast.BinOp(left, ast.Mult(), right):
                return self.product(left, right)
            case ast.BinOp(left, ast.MatMult(), right):
                product = self.matrix_product(left, right)
                return new if isinstance(product.op, ast.MatMult) else product
        return new

    def matrix_product(self, left: ast.expr, right: ast.expr) -> ast.BinOp:
        # numbers stand before it, and what it is divided by after it
        match left, right:
            case _, ast.BinOp(ast.Constant() as n, ast.Mult(), right):
                return ast.BinOp(n, ast.Mult(), self.matrix_product(left, right))
            case ast.BinOp(ast.Constant() as n, ast.Mult(), left), _:
                return ast.BinOp(n, ast.Mult(), self.matrix_product(left, right))
            case _, ast.BinOp(right, ast.Div(), n) if self.is_count(n):
                return ast.BinOp(self.matrix_product(left, right), ast.Div(), n)
            case ast.BinOp(left, ast.Div(), n), _ if self.is_count(n):
                return ast.BinOp(self.matrix_product(left, right), ast.Div(), n)
        return ast.BinOp(left, ast.MatMult(), right)

    def is_count(self, tree: ast.expr) -> bool:
        return isinstance(tree, ast.Name) and tree.id in self.evaluator.counts

    def is_one(self, tree: ast.expr, other: ast.expr) -> bool:
        # as the sum of a one-hot row beside the row, whatever is trained
        evaluator = self.evaluator
        match tree:
            case ast.Call(ast.Attribute(_, "sum"), [ast.Name(name) as array]):
                shape, before = evaluator.shape(tree), evaluator.shape(array)
                if name not in evaluator.fixed or len(shape) != len(before):
                    return False
                summed = [axis for axis, n in enumerate(shape) if n != before[axis]]
                if len(summed) != 1 or not (evaluator.evaluate(tree) == 1).all():
                    return False
                if np.broadcast_shapes(shape, evaluator.shape(other)) == evaluator.shape(other):
                    evaluator.summing_to_one[name] = summed[0]
                    return True
        return False

    def product(self, left: ast.expr, right: ast.expr) -> ast.expr:
        counts = self.evaluator.counts
        match left:
            case ast.BinOp(ast.Constant() as n, ast.Mult(), one) if equal_entry(one, counts):
                return self.product(n, self.product(one, right))
        for one, other in ((left, right), (right, left)):
            if self.is_one(one, other):
                return other
            if isinstance(one, ast.BinOp) and self.is_count(one.right):  # 1 / N * x is x / N
                return ast.BinOp(self.product(one.left, other), ast.Div(), one.right)
            entry = None if isinstance(one, ast.Constant) else equal_entry(one, counts)
            if entry is not None and self.evaluator.shape(other) == self.evaluator.shape(one):
                return self.product(entry, other)  # a number beside an array needs no broadcast
        if isinstance(left, ast.Name) and isinstance(right, ast.Name) and left.id == right.id:
            return ast.BinOp(left, ast.Pow(), ast.Constant(2))
        return times(left, right)


def is_transposed(tree: ast.expr) -> TypeGuard[ast.Attribute]:
    return isinstance(tree, ast.Attribute) and tree.attr == "mT"


def transposed(tree: ast.expr) -> ast.expr:
    return tree.value if is_transposed(tree) else ast.Attribute(tree, "mT")


# ---- what is left where a factor is 1, or a term or a condition is 0 ----


def simplified(tree: ast.expr) -> ast.expr:
    match tree:
        case ast.UnaryOp(ast.USub(), operand) if number(operand) == 0:
            return ZERO
        case ast.Call(_, [ast.Constant(condition), a, b]) if is_where(tree):
            return a if condition else b
        case ast.Call(_, [_, a, b]) if is_where(tree):
            return a if number(a) is not None and number(a) == number(b) else tree
        case ast.BinOp(left, op, right):
            return simplified_operator(tree, left, op, right)
    return tree


def in_order(tree: ast.expr) -> ast.expr:
    # `simplified`, where the factors of a product stay in the order of the rule
    match tree:
        case ast.BinOp(left, ast.Mult(), ast.BinOp(ast.Constant(float()) as n, ast.Mult(), rest)):
            return ast.BinOp(times(n, left), ast.Mult(), rest)
        case ast.BinOp(left, ast.Mult(), ast.BinOp(a, ast.Div(), n)) if number(a) == 1:
            return ast.BinOp(left, ast.Div(), n)
        case ast.BinOp(ast.BinOp(a, ast.Div(), n), ast.Mult(), x) if number(a) is not None:
            return ast.BinOp(times(a, x), ast.Div(), n)
        case ast.BinOp(left, ast.Mult(), right) if number(left) is number(right) is None:
            return tree
    return simplified(tree)


def simplified_operator(
    tree: ast.BinOp, left: ast.expr, op: ast.operator, right: ast.expr
) -> ast.expr:
    a, b = number(left), number(right)
    match op:
        case ast.Mult() if 0 in (a, b):
            return ZERO
        case ast.Mult() if 1 in (a, b) or a == -1:
            return simplified(times(left, right))
        case ast.Mult() if is_negative(right) and b is None:
            return negative(ast.BinOp(left, op, right.operand))
        case ast.Div() if a is not None and b:
            return literal(float(a) / b)
        case ast.Div() if a == 0 or b == 1:
            return left
        case ast.Pow() if a == 0 and (b or 0) > 0:
            return left
        case ast.Add() if a == 0:
            return right
        case ast.Add() | ast.Sub() if b == 0:
            return left
        case ast.Sub() if a == 0:
            return negative(right)
    return tree


# ---- equal terms ----


def terms(tree: ast.expr) -> list[tuple[int, ast.expr]]:
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
        if result is None:
            result = times(literal(factor), rest)
        elif factor > 0:
            result = ast.BinOp(result, ast.Add(), times(literal(factor), rest))
        else:
            result = ast.BinOp(result, ast.Sub(), times(literal(-factor), rest))
    assert result is not None
    return result


def symbols(tree: ast.expr, counts: Mapping[str, int]) -> int:
    # names, numbers, signs and functions, not indices; `counts` has those of names to be replaced
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
