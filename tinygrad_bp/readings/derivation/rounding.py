"""How far rounding can take a line from the engine's number: as far as its terms are large."""

from __future__ import annotations

import ast

from ...notation.writer import ENTRY_BY_ENTRY
from .simplify import choice


def sizes(tree: ast.expr) -> ast.expr:
    """Return how large the terms are of which an expression is made: what rounding goes by.

    Examples
    --------
    >>> ast.unparse(sizes(ast.parse("a[i] - np.log(b) * c[i]", mode="eval").body))
    'np.abs(a[i]) + (np.abs(np.log(b)) + np.abs(b)) * np.abs(c[i])'
    """
    match tree:
        case ast.BinOp(left, ast.Add() | ast.Sub(), right):
            return ast.BinOp(sizes(left), ast.Add(), sizes(right))
        case ast.BinOp(left, (ast.Mult() | ast.MatMult() | ast.Div()) as op, right):
            divided = isinstance(op, ast.Div)
            return ast.BinOp(sizes(left), op, absolute(right) if divided else sizes(right))
        case ast.BinOp(base, ast.Pow(), ast.Constant() as exponent):
            return ast.BinOp(sizes(base), ast.Pow(), exponent)
        case ast.UnaryOp(ast.USub(), operand):
            return sizes(operand)
        case ast.Call(func, [ast.GeneratorExp(body, loops)], []):
            return ast.Call(func, [ast.GeneratorExp(sizes(body), loops)], [])
        case ast.Call(func, [condition, a, b], []) if choice(tree):
            return ast.Call(func, [condition, sizes(a), sizes(b)], [])
        case ast.Call(ast.Attribute(_, "square" | "sum") as func, [base], keywords):
            return ast.Call(func, [sizes(base)], keywords)
        case ast.Call(ast.Attribute(_, name), [base], []) if name in ENTRY_BY_ENTRY:
            # What it is given was rounded, and where it is not steep, it passes that on.
            return ast.BinOp(absolute(tree), ast.Add(), sizes(base))
        case ast.Attribute(base, "mT"):
            return ast.Attribute(sizes(base), "mT")
    return absolute(tree)


def absolute(tree: ast.expr) -> ast.expr:
    """Return the absolute value of an expression."""
    return ast.Call(ast.Attribute(ast.Name("np"), "abs"), [tree], [])
