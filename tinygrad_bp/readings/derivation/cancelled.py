"""A gradient that is multiplied out, as one hands it in: what cancels is cancelled.

Factors are cut out of fractions, and signs and numbers stand first. So the rules of log and softmax
together give (p - y) / N.
"""

from __future__ import annotations

import ast

import numpy as np

from ...notation.trees import like, literal
from .tidy import Tidied, equal_entry, is_negative, number, times


class Cancelled(Tidied):
    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        new = super().visit_UnaryOp(node)
        assert isinstance(new, ast.UnaryOp)
        if not is_negative(new) or number(new) is not None:  # such as an axis
            return new
        n, rest = coefficient(new.operand)
        return scaled(-n, rest)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        new = super().visit_Call(node)
        match new:
            case ast.Call(ast.Attribute(_, "sum") as function, [array, *rest], keywords):
                n, array = coefficient(array)
                return scaled(n, like(ast.Call(function, [array, *rest], keywords), new))
        return new

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        new = super().visit_BinOp(node)
        match new:
            case ast.BinOp(left, ast.Add(), right):
                return self.sum(left, 1, right)
            case ast.BinOp(left, ast.Sub(), right):
                return self.sum(left, -1, right)
            case ast.BinOp(left, ast.Div() | ast.MatMult() as op, right):
                (n, left), (m, other) = coefficient(left), coefficient(right)
                if isinstance(op, ast.Div) and abs(m) != 1:
                    m, other = 1.0, right
                return scaled(n * m, ast.BinOp(left, op, other))
        return new

    def sum(self, left: ast.expr, sign: float, right: ast.expr) -> ast.expr:
        match left, right:
            case ast.BinOp(x, ast.Div(), divisor), ast.BinOp(y, ast.Div(), d) if same(divisor, d):
                return ast.BinOp(self.sum(x, sign, y), ast.Div(), divisor)
        (n, a), (m, b) = coefficient(left), coefficient(right)
        m *= sign
        if same(a, b) and n + m:
            return scaled(n + m, a)
        if n < 0 < m:  # -a + b is b - a
            (n, a), (m, b) = (m, b), (n, a)
        if abs(n) == abs(m) and (n > 0 or m > 0):
            return scaled(n, ast.BinOp(a, ast.Sub() if m < 0 else ast.Add(), b))
        op = ast.Sub() if m < 0 else ast.Add()
        return ast.BinOp(scaled(n, a), op, scaled(abs(m), b))

    def product(self, left: ast.expr, right: ast.expr) -> ast.expr:
        (n, left), (m, right) = coefficient(left), coefficient(right)
        if number(left) is None and number(right) is None:
            for factor, other in ((left, right), (right, left)):
                rest = self.without(factor, other)
                if rest is not None:
                    return scaled(n * m, rest)
        return scaled(n * m, super().product(left, right))

    def without(self, factor: ast.expr, tree: ast.expr) -> ast.expr | None:
        # the product of both, where a factor cancels: b of a and b / a; None where none does
        shape = self.evaluator.shape
        match tree:
            case ast.BinOp(a, ast.Div(), b) if same(b, factor):
                whole = np.broadcast_shapes(shape(a), shape(b)) == shape(a)
                return a if whole and np.all(self.evaluator.evaluate(b)) else None
            case ast.BinOp(a, ast.Div(), n):
                is_one = (entry := equal_entry(a)) is not None and number(entry) == 1
                if is_one and shape(a) == shape(n) == shape(factor):
                    return ast.BinOp(factor, ast.Div(), n)  # 1 / n of a is a / n
                rest = self.without(factor, a)
                return None if rest is None else ast.BinOp(rest, ast.Div(), n)
            case ast.BinOp(a, ast.Mult(), b):
                rest = self.without(factor, b)
                if rest is not None:
                    return self.product(a, rest)
                rest = self.without(factor, a)
                return None if rest is None else self.product(rest, b)
            case ast.BinOp(a, ast.Add() | ast.Sub() as op, b):
                first, second = self.without(factor, a), self.without(factor, b)
                if first is second is None:
                    return None
                return self.sum(
                    self.product(factor, a) if first is None else first,
                    1.0 if isinstance(op, ast.Add) else -1.0,
                    self.product(factor, b) if second is None else second,
                )
        return None


def coefficient(tree: ast.expr) -> tuple[float, ast.expr]:
    # the number before a term: 2 and a of 2 * a, -1 and a / b of -a / b
    match tree:
        case ast.UnaryOp(ast.USub(), operand) if number(operand) is None:
            n, rest = coefficient(operand)
            return -n, rest
        case ast.BinOp(left, ast.Mult(), rest) if (factor := number(left)) is not None:
            return factor, rest
    return 1.0, tree


def scaled(n: float, tree: ast.expr) -> ast.expr:
    return times(literal(n + 0.0), tree)  # -0 is written 0


def same(a: ast.expr, b: ast.expr) -> bool:
    one, other = (ast.unparse(tree).replace(".0 ", " ") for tree in (a, b))
    return one == other
