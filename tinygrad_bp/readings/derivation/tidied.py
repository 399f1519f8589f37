"""What is done without thinking: no factor is 1, numbers stand first, and a * a is a power.

A transpose of a transpose is turned back, and a number beside an array needs no broadcast.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...notation.trees import call, literal
from .simplify import number
from .trees import Rebuilt, names


def without_one(tree: ast.expr, g: str) -> ast.expr:
    """Leave out the gradient of the loss by itself, which is 1, where it is a factor."""
    match tree:
        case ast.Name(id=name) if name == g:
            return ast.Constant(1.0)
        case ast.UnaryOp(op, operand):
            return ast.UnaryOp(op, without_one(operand, g))
        case ast.BinOp(left, ast.Mult(), right):
            return simpler(ast.BinOp(without_one(left, g), ast.Mult(), without_one(right, g)))
        case ast.BinOp(left, op, right):
            return ast.BinOp(without_one(left, g), op, without_one(right, g))
        case ast.Call(ast.Attribute(_, "broadcast_to") as function, [entry, shape], []):
            entry = without_one(entry, g)
            if number_one(entry):
                return ast.Call(ast.Attribute(ast.Name("np"), "ones"), [shape], [])
            return ast.Call(function, [array_like(entry), shape], [])
    return tree


def number_one(tree: ast.expr) -> bool:
    """Say whether an expression is the number 1."""
    return isinstance(tree, ast.Constant) and tree.value == 1


def entry_by_entry(tree: ast.expr, name: str) -> bool:
    """Say whether an array is used in a way that one of its entries, all being equal, can be."""
    match tree:
        case ast.BinOp(left, op, right) if not isinstance(op, ast.MatMult):
            return entry_by_entry(left, name) and entry_by_entry(right, name)
        case ast.UnaryOp(_, operand):
            return entry_by_entry(operand, name)
        case ast.Call(ast.Attribute(_, "where"), args):
            return all(entry_by_entry(arg, name) for arg in args)
    return isinstance(tree, ast.Name) or name not in names(tree)


def entry_of(tree: ast.expr) -> ast.expr | None:
    """Return the entry of an array of which all are equal by its text; None for any other."""
    match tree:
        case ast.Constant():
            return tree
        case ast.Call(ast.Attribute(_, "ones"), [_], []):
            return ast.Constant(1.0)
        case ast.Call(ast.Attribute(_, "broadcast_to"), [entry, _], []) if not names(entry) - {
            "np"
        }:
            return entry
    return None


def array_like(tree: ast.expr) -> ast.expr:
    """Return an expression of NumPy's: a Python number has none of an array's methods."""
    return tree if number(tree) is None else call("np.float64", tree)


class Tidied(Rebuilt):
    """Does what is done without thinking: 1 / 12 * 2 * y ** 1 is y / 6, and (X.T @ g).T is g.T @ X.

    Parameters
    ----------
    values
        The value of each name.
    shape
        Gives the shape of an expression.
    """

    def __init__(
        self, values: Mapping[str, Any], shape: Callable[[ast.expr], tuple[int, ...]]
    ) -> None:
        self.values, self.shape = values, shape

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Transpose a transpose back, and a product that has one in it."""
        new = self.generic_visit(node)
        match new:
            case ast.Attribute(ast.Attribute(base, "mT"), "mT"):
                return base
            case ast.Attribute(ast.BinOp(left, ast.MatMult(), right), "mT"):
                turned = any(isinstance(side, ast.Attribute) for side in (left, right))
                if turned and self.is_matrix(left) and self.is_matrix(right):
                    first, second = (transposed(side) for side in (right, left))
                    return ast.BinOp(first, ast.MatMult(), second)
        return new  # type: ignore[return-value]

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Give a function an array where a number is left; an array of no axes is a number."""
        new = self.generic_visit(node)
        match new:
            case ast.Call(ast.Attribute(_, "ones"), [ast.Tuple([])], []):
                return ast.Constant(1.0)
            case ast.Call(ast.Attribute(_, "broadcast_to"), [entry, ast.Tuple([])], []):
                return entry
            case ast.Call(ast.Name() as function, args, keywords) if new is not node:
                return ast.Call(function, [array_like(arg) for arg in args], keywords)
        return new  # type: ignore[return-value]

    def is_matrix(self, tree: ast.expr) -> bool:
        """Say whether an expression is a name of a matrix, or of stacks of them, or a transpose."""
        if isinstance(tree, ast.Name):
            return tree.id in self.values and np.ndim(self.values[tree.id]) > 1
        return isinstance(tree, ast.Attribute) and tree.attr == "mT"

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Simplify an operator between two parts, which are simplified first."""
        new = self.generic_visit(node)
        assert isinstance(new, ast.BinOp)
        a, b = float_of(new.left), float_of(new.right)
        match new:
            case ast.BinOp(left, ast.Pow(), _) if b == 1:
                return left
            case ast.BinOp(_, ast.Mult(), _) if a is not None and b is not None:
                return literal(a * b)
            case ast.BinOp(_, ast.Div(), _) if a is not None and b:
                return literal(a / b)
            case ast.BinOp(left, ast.Mult(), right):
                return self.product(left, right)
            case ast.BinOp(left, ast.MatMult(), ast.BinOp(ast.Constant() as n, ast.Mult(), right)):
                return ast.BinOp(n, ast.Mult(), ast.BinOp(left, ast.MatMult(), right))
            case ast.BinOp(ast.BinOp(ast.Constant() as n, ast.Mult(), left), ast.MatMult(), right):
                return ast.BinOp(n, ast.Mult(), ast.BinOp(left, ast.MatMult(), right))
        return new

    def product(self, left: ast.expr, right: ast.expr) -> ast.expr:
        """Return a product: without ones, with its number first, and of equal factors a power."""
        match left:
            case ast.UnaryOp(ast.USub(), ones) if is_ones(ones):
                return ast.UnaryOp(ast.USub(), self.product(ones, right))
        for one, other in ((left, right), (right, left)):
            entry = spread(one)
            if entry is not None and self.shape(other) == self.shape(one):
                return self.product(entry, other)  # a number beside an array needs no broadcast
        if isinstance(left, ast.Name) and isinstance(right, ast.Name) and left.id == right.id:
            return ast.BinOp(left, ast.Pow(), ast.Constant(2))
        if float_of(right) is not None:
            left, right = right, left
        a = float_of(left)
        match right:
            case ast.BinOp(first, ast.Mult(), rest) if a is not None:
                b = float_of(first)
                if b is not None:
                    return simpler(ast.BinOp(literal(a * b), ast.Mult(), rest))
        return simpler(ast.BinOp(left, ast.Mult(), right))


def is_ones(tree: ast.expr) -> bool:
    """Say whether an expression is an array of ones by its text."""
    return isinstance(tree, ast.Call) and ast.unparse(tree.func) == "np.ones"


def spread(tree: ast.expr) -> ast.expr | None:
    """Return the number that is every entry of an array by its text; None for any other array."""
    return None if isinstance(tree, ast.Constant) else entry_of(tree)


def transposed(tree: ast.expr) -> ast.expr:
    """Return the transpose of an expression."""
    if isinstance(tree, ast.Attribute) and tree.attr == "mT":
        return tree.value
    return ast.Attribute(tree, "mT")


def float_of(tree: ast.expr) -> float | None:
    """Return the value of a number that is written out; None for any other expression."""
    match tree:
        case ast.Call(ast.Attribute(_, "float64"), [inner], []):
            return float_of(inner)
    value = number(tree)
    return None if value is None else float(value)


def simpler(node: ast.BinOp) -> ast.expr:
    """Leave out a factor 1 or -1."""
    for one, other in ((node.left, node.right), (node.right, node.left)):
        match float_of(one):
            case 1.0:
                return other
            case -1.0:
                return ast.UnaryOp(ast.USub(), other)
    return node
