"""Every line is evaluated from its text before anyone sees it: one that does not hold raises.

A line is mathematics, so it is evaluated in float64, whatever the types of the arrays are. How
closely it has to give the engine's number depends on the coarsest type of the run, and on how large
the terms are that may have cancelled.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...engine import Primitive
from ...notation.trees import Rebuilt, is_where, like, names, shape_of, shaped, walk

#: How far a line may be from the engine's number, relative to it, by the bytes of a float.
TOLERANCES = {2: 1e-2, 4: 1e-5, 8: 1e-9}


class Guarded(Rebuilt):
    """Looks entries up by `entry`: ``np.where(1 <= j, a[j - 1], 0.0)`` evaluates both sides."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        return ast.Call(ast.Name("_entry"), [node.value, node.slice], [])


def entry(array: Any, index: tuple[Any, ...]) -> Any:
    # one that does not exist is not a number, and not another entry
    values = np.pad(np.asarray(array, np.float64), (0, 1), constant_values=np.nan)
    inside = zip(index, np.shape(array), strict=True)
    return values[tuple(np.where((i >= 0) & (i < n), i, -1) for i, n in inside)]


#: What an expression may call besides operations. No tensor's name begins with an underscore.
BUILTINS = {
    "float": float, "int": int, "bool": bool,
    "_sum": sum, "_range": range, "_entry": entry,
}  # fmt: skip


class Evaluator:
    def __init__(
        self, values: dict[str, Any], functions: Mapping[str, Any], tolerance: float
    ) -> None:
        self.values, self.functions, self.tolerance = values, functions, tolerance
        self._shapes: dict[str, tuple[int, ...]] = {}
        self.letters: dict[str, str] = {}  # names of what was computed, by its text
        self.counts: dict[str, str] = {}  # names of numbers of samples or entries, and of which
        self.fixed: set[str] = set()  # names of arrays that nothing is differentiated by
        self.summing_to_one: dict[str, int] = {}  # those of them that a line relies on; the axis

    def shape(self, tree: ast.expr) -> tuple[int, ...]:
        known = shape_of(tree)
        if known is not None:
            return known
        match tree:
            case ast.Name(id=name):
                return np.shape(self.values[name])
            case ast.Constant():
                return ()
            case ast.UnaryOp(_, operand):
                return self.shape(operand)
            case ast.BinOp(left, op, right) if not isinstance(op, ast.MatMult):
                return np.broadcast_shapes(self.shape(left), self.shape(right))
        text = ast.unparse(tree)
        if text not in self._shapes:
            self._shapes[text] = np.shape(self.evaluate(tree))
        return self._shapes[text]

    def with_shapes(self, tree: ast.expr) -> ast.expr:
        # the printer goes by the shape of each part
        for node in reversed(walk(tree)):
            match node:
                case ast.BinOp() | ast.UnaryOp() | ast.Call():
                    shaped(node, self.shape(node))
                case ast.Name(id=name) if name in self.values:
                    shaped(node, self.shape(node))
        return tree

    def evaluate(self, tree: ast.expr, letters: Mapping[str, Any] | None = None) -> Any:
        code = re.sub(r"\bslice\(", "_slice(", ast.unparse(tree))  # a tensor may be called slice
        scope: dict[str, Any] = {"__builtins__": {}, "_slice": slice}
        for name in names(tree):
            for known in (letters or {}, self.values, self.functions, BUILTINS):
                if name in known:
                    scope[name] = known[name]
                    break
        with np.errstate(all="ignore"):
            try:
                return eval(code, scope)
            except Exception as error:
                raise ValueError(
                    f"this line cannot be evaluated: {readable(code)} ({error})"
                ) from error

    def everywhere(
        self, tree: ast.expr, index: Sequence[ast.expr], shape: tuple[int, ...],
        at: Mapping[str, Any],
    ) -> np.ndarray:  # fmt: skip
        axes = shape[len(shape) - len(index) :]
        grid = np.indices(axes, sparse=True) if axes else ()
        letters: dict[str, Any] = {
            i.id: n for i, n in zip(index, grid, strict=True) if isinstance(i, ast.Name)
        }
        if not math.prod(shape) or any(map(is_where, walk(tree))):
            tree = Guarded().visit(tree)
        return np.broadcast_to(self.evaluate(tree, {**letters, **at}), shape)

    def check(
        self, tree: ast.expr, value: Any, what: str, index: Sequence[ast.expr] | None = None,
        at: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        value = np.asarray(value)

        def evaluated(tree: ast.expr) -> np.ndarray:
            if index is None:
                return np.asarray(self.evaluate(tree))
            return self.everywhere(tree, index, value.shape, at or {})

        got = evaluated(tree)
        if self.agrees(got, value):
            return
        # Where terms nearly cancel, the sum is as exact as they are, so their size is what counts.
        terms = evaluated(self.sizes(tree))
        size = float(np.abs(terms[np.isfinite(terms)]).max(initial=0.0))
        if self.agrees(got, value, size):
            return
        if not np.isfinite(value).all():
            raise ValueError(
                f"{what} is not finite here: the engine has {value!r:.200}. There is no line that "
                "holds for it; change the computation so that it has finite numbers."
            )
        raise ValueError(
            f"this line does not hold: {what} = {readable(ast.unparse(tree))}. It gives "
            f"{got!r:.200}, and the engine has {value!r:.200}."
        )

    def agrees(self, got: np.ndarray, value: np.ndarray, terms: float = 0.0) -> bool:
        if got.shape != value.shape:
            return False
        if (got == value).all():  # as most are, and it takes less time
            return True
        finite = np.abs(value[np.isfinite(value)])
        scale = max(terms, float(finite.max()) if finite.size else 0.0)
        floor = self.tolerance * 1e-3 * scale
        return bool(np.allclose(got, value, rtol=self.tolerance, atol=floor, equal_nan=True))

    def sizes(self, tree: ast.expr) -> ast.expr:
        # the sizes of the terms of an expression: rounding goes by them
        sizes = self.sizes
        match tree:
            case ast.BinOp(left, ast.Add() | ast.Sub(), right):
                return ast.BinOp(sizes(left), ast.Add(), sizes(right))
            case ast.BinOp(left, (ast.Mult() | ast.MatMult()) as op, right):
                return ast.BinOp(sizes(left), op, sizes(right))
            case ast.BinOp(left, ast.Div(), right):
                return ast.BinOp(sizes(left), ast.Div(), absolute(right))
            case ast.BinOp(base, ast.Pow(), ast.Constant() as exponent):
                return ast.BinOp(sizes(base), ast.Pow(), exponent)
            case ast.UnaryOp(ast.USub(), operand):
                return sizes(operand)
            case ast.Attribute(base, "mT"):
                return ast.Attribute(sizes(base), "mT")
            case ast.Call(func, [ast.GeneratorExp(body, loops)]):
                return ast.Call(func, [ast.GeneratorExp(sizes(body), loops)], [])
            case ast.Call(func, [condition, a, b]) if is_where(tree):
                return ast.Call(func, [condition, sizes(a), sizes(b)], [])
            case ast.Call(ast.Attribute(_, name) as func, [base, *others], keywords):
                if name == "sum" or self.kind(name) == "arranges":
                    return ast.Call(func, [sizes(base), *others], keywords)
                if self.kind(name) == "entrywise" and not others:
                    # what it is given was rounded, and where it is not steep, it passes that on
                    return ast.BinOp(absolute(tree), ast.Add(), sizes(base))
        return absolute(tree)

    def kind(self, name: str) -> str:
        operation = self.functions.get(name)
        return operation.kind if isinstance(operation, Primitive) else ""


class Lettered(Rebuilt):
    """Puts letters where an operation's row has some: p for a softmax, N for a number of samples.

    These are the letters that are known; a subclass makes new ones.
    """

    def __init__(self, row: Primitive, evaluator: Evaluator) -> None:
        self.row, self.evaluator = row, evaluator

    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = getattr(node, "primitive", None)
        letter = None if called is None else self.row.letters.get(called.__name__)
        name = None if letter is None else self.part(node, letter)
        if name is None:
            return self.generic_visit(node)
        return shaped(ast.Name(name), self.evaluator.shape(node))

    def part(self, call: ast.Call, letter: str) -> str | None:
        return self.evaluator.letters.get(ast.unparse(call))

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        match node:
            case ast.BinOp(above, ast.Div(), ast.Constant(int(number))) if self.row.averages:
                name = self.count(number, self.row.averages)
                if name is not None:
                    n = shaped(ast.Name(name), ())
                    return like(ast.BinOp(self.visit(above), ast.Div(), n), node)
        return self.generic_visit(node)

    def count(self, number: int, what: str) -> str | None:
        counts, values = self.evaluator.counts, self.evaluator.values
        return next((n for n in counts if counts[n] == what and values[n] == number), None)


def readable(code: str) -> str:
    return f"{code.replace(' _', ' ').replace('(_', '('):.500}"


def absolute(tree: ast.expr) -> ast.expr:
    return ast.Call(ast.Attribute(ast.Name("np"), "abs"), [tree], [])
