"""Arithmetic of indices: ``2 * j + 1``, ``j // 3``, ``j % 3``, and when two of them are equal.

An index is a Python expression of letters and integers, counted from 0 as Python does; on paper it
counts from 1. Sums are kept in one form, so that two indices that are equal look equal. A letter is
a name such as ``_7`` while lines are made; on paper it gets a letter of the alphabet.
"""

from __future__ import annotations

import ast
import functools
import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from ...notation.trees import Rebuilt, names, put, walk
from .tidy import FALSE, TRUE, simplified


class NoComponentsError(ValueError):
    """Why something is not taken apart into components, and the operation that it is about."""

    def __init__(self, reason: str, operation: str = "") -> None:
        super().__init__(reason)
        self.operation = operation


def linear(index: ast.expr) -> tuple[dict[str, int], int]:
    match index:
        case ast.Name(id=letter):
            return {letter: 1}, 0
        case ast.Constant(int(value)):
            return {}, value
        case ast.UnaryOp(ast.USub(), operand):
            return combined((-1, operand))
        case ast.BinOp(left, ast.Add(), right):
            return combined((1, left), (1, right))
        case ast.BinOp(left, ast.Sub(), right):
            return combined((1, left), (-1, right))
        case ast.BinOp(ast.Constant(int(factor)), ast.Mult(), other):
            return combined((factor, other))
    return {ast.unparse(index): 1}, 0


def combined(*terms: tuple[int, ast.expr]) -> tuple[dict[str, int], int]:
    factors: dict[str, int] = {}
    number = 0
    for n, index in terms:
        parts, rest = linear(index)
        number += n * rest
        for text, factor in parts.items():
            factors[text] = factors.get(text, 0) + n * factor
    return {text: factor for text, factor in factors.items() if factor}, number


def sum_of(*terms: tuple[int, ast.expr]) -> ast.expr:
    """Return a sum of multiples of indices.

    Examples
    --------
    >>> j = ast.Name("j")
    >>> ast.unparse(sum_of((3, j), (1, ast.Constant(2)), (-1, j)))
    '2 * j + 2'
    """
    return index_of(*combined(*terms))


def index_of(factors: Mapping[str, int], number: int) -> ast.expr:
    # the one form: what is added, what is subtracted, the number
    result: ast.expr | None = None
    for text, factor in sorted(factors.items(), key=lambda item: item[1] < 0):
        part = part_of(text)
        if abs(factor) != 1:
            part = ast.BinOp(ast.Constant(abs(factor)), ast.Mult(), part)
        if result is None:
            result = part if factor > 0 else ast.UnaryOp(ast.USub(), part)
        else:
            result = ast.BinOp(result, ast.Add() if factor > 0 else ast.Sub(), part)
    if result is None:
        result = ast.Constant(abs(number))
        return result if number >= 0 else ast.UnaryOp(ast.USub(), result)
    if number:
        sign = ast.Add() if number > 0 else ast.Sub()
        result = ast.BinOp(result, sign, ast.Constant(abs(number)))
    return result


@functools.cache
def part_of(text: str) -> ast.expr:
    return ast.Name(text) if text.isidentifier() else ast.parse(text, mode="eval").body


class Letters:
    def __init__(self) -> None:
        self.lengths: dict[str, int] = {}
        self._numbers = itertools.count()

    def new(self, length: int) -> ast.expr:
        if length == 1:
            return ast.Constant(0)
        name = f"_{next(self._numbers)}"
        self.lengths[name] = length
        return ast.Name(name)

    # ---- what is an index ----

    def is_index(self, tree: ast.expr) -> bool:
        kinds = (ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.expr_context)
        return all(
            node.id in self.lengths
            if isinstance(node, ast.Name)
            else type(node.value) is int
            if isinstance(node, ast.Constant)
            else isinstance(node, kinds)
            for node in walk(tree)
        )

    def is_condition(self, tree: ast.AST) -> bool:
        return (
            isinstance(tree, ast.Compare)
            and bool(names(tree))
            and all(self.is_index(side) for side in (tree.left, *tree.comparators))
        )

    def bounds(self, index: ast.expr) -> tuple[int, int]:
        factors, low = linear(index)
        high = low
        for text, factor in factors.items():
            match part_of(text):
                case ast.Name(id=letter):
                    ends = (0, max(self.lengths[letter] - 1, 0))
                case ast.BinOp(left, ast.FloorDiv(), ast.Constant(int(n))):
                    below, above = self.bounds(left)
                    ends = (below // n, above // n)
                case ast.BinOp(_, ast.Mod(), ast.Constant(int(n))):
                    ends = (0, n - 1)
                case _:
                    raise TypeError(f"this is no index: {text}")
            low += min(factor * end for end in ends)
            high += max(factor * end for end in ends)
        return low, high

    # ---- conditions ----

    def equal(self, i: ast.expr, j: ast.expr) -> ast.expr:
        difference = sum_of((1, i), (-1, j))
        low, high = self.bounds(difference)
        if low > 0 or high < 0:
            return FALSE
        return ast.Compare(i, [ast.Eq()], [j]) if names(difference) else TRUE

    def within(self, index: ast.expr, length: int) -> list[ast.expr]:
        low, high = self.bounds(index)
        factors, number = linear(index)
        first, last = 0, length - 1
        if list(factors.values()) == [1]:  # j - 1 >= 0 is written as j >= 1
            index, first, last = index_of(factors, 0), first - number, last - number
        conditions: list[ast.expr] = []
        if low < 0:
            conditions.append(ast.Compare(index_of({}, first), [ast.LtE()], [index]))
        if high > length - 1:
            conditions.append(ast.Compare(index, [ast.LtE()], [index_of({}, last)]))
        return conditions

    def solved(self, condition: ast.expr, letter: str) -> ast.expr | None:
        match condition:
            case ast.Compare(left, [ast.Eq()], [right]) if self.is_condition(condition):
                factors, number = combined((1, left), (-1, right))
                factor = factors.pop(letter, 0)
                if factor in (1, -1) and letter not in names(index_of(factors, 0)):
                    return sum_of((-factor, index_of(factors, number)))
        return None

    # ---- indices from numbers ----

    def recognised(self, numbers: np.ndarray, index: Sequence[ast.expr]) -> ast.expr:
        """Return the index that has given values, one for each place of an array.

        NoComponentsError, if they follow no rule, as the values of labels do.
        """
        if not numbers.size:
            return ast.Constant(0)
        for axis in reversed(range(numbers.ndim)):  # leave out what it does not depend on
            first = numbers.take([0], axis)
            numbers = first if (numbers == first).all() else numbers
        axes = [axis for axis, n in enumerate(numbers.shape) if n > 1]
        numbers = numbers.reshape([numbers.shape[axis] for axis in axes])
        index = [index[axis] for axis in axes]
        origin = int(numbers.flat[0])
        places: tuple[np.ndarray, ...] = np.indices(numbers.shape, sparse=True)
        steps = [
            int(np.moveaxis(numbers, axis, 0)[1].flat[0]) - origin for axis in range(len(axes))
        ]
        if np.all(numbers == origin + sum(n * p for n, p in zip(steps, places, strict=True))):
            return sum_of((origin, ast.Constant(1)), *zip(steps, index, strict=True))
        # else the places, counted row by row, may give it: runs that begin again and again
        run, period = int(np.argmax(numbers.ravel() != origin)), int(numbers.max()) + 1
        if not np.array_equal(numbers.ravel(), (np.arange(numbers.size) // run + origin) % period):
            raise NoComponentsError("an arrangement of entries that follows no short rule")
        sizes = [math.prod(numbers.shape[axis + 1 :]) for axis in range(len(axes))]
        quotient, _ = self.divided(sum_of(*zip(sizes, index, strict=True)), run)
        return self.divided(sum_of((1, quotient), (origin, ast.Constant(1))), period)[1]

    def divided(self, index: ast.expr, n: int) -> tuple[ast.expr, ast.expr]:
        factors, number = linear(index)
        whole = {text: f // n for text, f in factors.items() if f % n == 0}
        inner = index_of({text: f for text, f in factors.items() if f % n}, number % n)
        outer = index_of(whole, number // n)
        low, high = self.bounds(inner)
        if low // n == high // n:
            times = (low // n, ast.Constant(1))
            return sum_of((1, outer), times), sum_of((1, inner), (-n * times[0], times[1]))
        quotient = ast.BinOp(inner, ast.FloorDiv(), ast.Constant(n))
        return sum_of((1, outer), (1, quotient)), ast.BinOp(inner, ast.Mod(), ast.Constant(n))

    # ---- indices put in for letters ----

    def put(self, tree: ast.expr, known: Mapping[str, ast.expr]) -> ast.expr:
        return PutIndices(self, known).visit(tree) if known else tree

    def put_in_index(self, index: ast.expr, known: Mapping[str, ast.expr]) -> ast.expr:
        match index:
            case ast.Name(id=name):
                return known.get(name, index)
            case ast.Constant():
                return index
        factors, number = linear(index)
        terms = []
        for text, factor in factors.items():
            match part_of(text):
                case ast.BinOp(left, op, ast.Constant(int(n))):
                    both = self.divided(self.put_in_index(left, known), n)
                    terms.append((factor, both[isinstance(op, ast.Mod)]))
                case letter:
                    terms.append((factor, put(letter, known)))
        return sum_of((number, ast.Constant(1)), *terms)


class PutIndices(Rebuilt):
    def __init__(self, letters: Letters, known: Mapping[str, ast.expr]) -> None:
        self.letters, self.known = letters, known

    def simplify(self, tree: ast.expr) -> ast.expr:
        return simplified(tree)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        new = super().generic_visit(node)
        return self.simplify(new) if new is not node and isinstance(new, ast.expr) else new

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        assert isinstance(node.slice, ast.Tuple)
        index = [self.letters.put_in_index(i, self.known) for i in node.slice.elts]
        return ast.Subscript(node.value, ast.Tuple(index))

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        if not self.letters.is_condition(node):
            return self.generic_visit(node)
        left, right = (
            self.letters.put_in_index(side, self.known) for side in (node.left, *node.comparators)
        )
        op = node.ops[0]
        if isinstance(op, ast.LtE):
            low, high = self.letters.bounds(sum_of((1, left), (-1, right)))
            if high <= 0 or low > 0:
                return TRUE if high <= 0 else FALSE
            return ast.Compare(left, [op], [right])
        same = self.letters.equal(left, right)
        if isinstance(op, ast.Eq):
            return same
        if isinstance(same, ast.Constant):
            return FALSE if same.value else TRUE
        return ast.Compare(left, [op], [right])

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.known.get(node.id, node)
