"""Arithmetic of indices: ``2 * j + 1``, ``j // 3``, a named map ``pi1[j]``, and when two are equal.

An index is a Python expression of letters and integers, counted from 0 as Python does; the printers
count from 1. Sums of letters are kept in one form, so that two indices that are equal look equal.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .simplify import simple
from .trees import Rebuilt, names, walk


class Linear(NamedTuple):
    """An index as a sum: a factor for each of its parts, by the part's text, and a number."""

    factors: dict[str, int]
    parts: dict[str, ast.expr]
    number: int


def linear(index: ast.expr) -> Linear:
    """Take an index apart; what is no sum, difference or multiple is a part itself."""
    match index:
        case ast.Name(id=letter):
            return Linear({letter: 1}, {letter: index}, 0)
        case ast.Constant(int(value)):
            return Linear({}, {}, value)
        case ast.UnaryOp(ast.USub(), operand):
            return combined([(-1, linear(operand))])
        case ast.BinOp(left, ast.Add(), right):
            return combined([(1, linear(left)), (1, linear(right))])
        case ast.BinOp(left, ast.Sub(), right):
            return combined([(1, linear(left)), (-1, linear(right))])
        case ast.BinOp(ast.Constant(int(factor)), ast.Mult(), other):
            return combined([(factor, linear(other))])
    text = ast.unparse(index)
    return Linear({text: 1}, {text: index}, 0)


def combined(terms: Sequence[tuple[int, Linear]]) -> Linear:
    """Add multiples up."""
    factors: dict[str, int] = {}
    parts: dict[str, ast.expr] = {}
    for n, term in terms:
        for text, factor in term.factors.items():
            factors[text] = factors.get(text, 0) + n * factor
            parts[text] = term.parts[text]
    return Linear(
        {text: factor for text, factor in factors.items() if factor},
        parts,
        sum(n * term.number for n, term in terms),
    )


def summed_up(sum_: Linear) -> ast.expr:
    """Return an index in its one form: what is added, what is subtracted, and the number."""
    result: ast.expr | None = None
    for text, factor in sorted(sum_.factors.items(), key=lambda item: item[1] < 0):
        part = sum_.parts[text]
        if abs(factor) != 1:
            part = ast.BinOp(ast.Constant(abs(factor)), ast.Mult(), part)
        if result is None:
            result = part if factor > 0 else ast.UnaryOp(ast.USub(), part)
        else:
            result = ast.BinOp(result, ast.Add() if factor > 0 else ast.Sub(), part)
    if result is None:
        return integer(sum_.number)
    if sum_.number:
        sign = ast.Add() if sum_.number > 0 else ast.Sub()
        result = ast.BinOp(result, sign, ast.Constant(abs(sum_.number)))
    return result


def integer(n: int) -> ast.expr:
    """Return a number as an index."""
    return ast.Constant(n) if n >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-n))


def added(*terms: tuple[int, ast.expr]) -> ast.expr:
    """Return a sum of multiples of indices.

    Examples
    --------
    >>> j = ast.Name("j")
    >>> ast.unparse(added((3, j), (1, ast.Constant(2)), (-1, j)))
    '2 * j + 2'
    """
    return summed_up(combined([(n, linear(index)) for n, index in terms]))


class Indices:
    """What is known of the letters and maps of one document: how long they are.

    Parameters
    ----------
    map_named
        Gives a name to an array of indices that follow no rule, such as the labels of samples.
    """

    def __init__(self, map_named: Callable[[np.ndarray], str]) -> None:
        self.map_named = map_named
        self.lengths: dict[str, int] = {}
        self.maps: dict[str, np.ndarray] = {}

    # ---- what an index can be ----

    def is_index(self, tree: ast.expr) -> bool:
        """Say whether an expression is made of letters, maps and integers alone."""
        match tree:  # most are one letter
            case ast.Name(id=name):
                return name in self.lengths or name in self.maps
            case ast.Constant(value):
                return type(value) is int
        kinds = (
            ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop,
            ast.expr_context, ast.Subscript, ast.Tuple,
        )  # fmt: skip
        nodes = walk(tree)
        return all(
            isinstance(node, kinds)
            and (not isinstance(node, ast.Name) or node.id in self.lengths or node.id in self.maps)
            and (not isinstance(node, ast.Constant) or type(node.value) is int)
            for node in nodes
        )

    def is_condition(self, tree: ast.expr) -> bool:
        """Say whether an expression compares indices, as a Kronecker delta does."""
        return (
            isinstance(tree, ast.Compare)
            and bool(names(tree))
            and all(self.is_index(side) for side in (tree.left, *tree.comparators))
        )

    def bounds(self, index: ast.expr) -> tuple[int, int]:
        """Return numbers that an index does not fall below and does not exceed."""
        sum_ = linear(index)
        low = high = sum_.number
        for text, factor in sum_.factors.items():
            ends = [factor * end for end in self.bounds_of_part(sum_.parts[text])]
            low, high = low + min(ends), high + max(ends)
        return low, high

    def bounds_of_part(self, part: ast.expr) -> tuple[int, int]:
        """Return the bounds of a letter, a map, a quotient or a remainder."""
        match part:
            case ast.Name(id=letter):
                return 0, max(self.lengths[letter] - 1, 0)
            case ast.Subscript(ast.Name(id=name)):
                array = self.maps[name]
                return (int(array.min()), int(array.max())) if array.size else (0, 0)
            case ast.BinOp(left, ast.FloorDiv(), ast.Constant(int(n))):
                low, high = self.bounds(left)
                return low // n, high // n
            case ast.BinOp(_, ast.Mod(), ast.Constant(int(n))):
                return 0, n - 1
        raise TypeError(f"this is no index: {ast.unparse(part)}")

    # ---- conditions on indices ----

    def equal(self, i: ast.expr, j: ast.expr) -> ast.expr:
        """Return the condition i = j: the number 1 or 0 where it always or never holds."""
        difference = added((1, i), (-1, j))
        low, high = self.bounds(difference)
        if low > 0 or high < 0:
            return ast.Constant(0.0)
        if not names(difference):
            return ast.Constant(1.0)
        return ast.Compare(i, [ast.Eq()], [j])

    def within(self, index: ast.expr, length: int) -> list[ast.Compare]:
        """Return the conditions for an index to lie on an axis: none, where it always does."""
        low, high = self.bounds(index)
        sum_ = linear(index)
        first, last = 0, length - 1
        if list(sum_.factors.values()) == [1]:  # j - 1 >= 0 is written as j >= 1
            index = summed_up(sum_._replace(number=0))
            first, last = first - sum_.number, last - sum_.number
        conditions = []
        if low < 0:
            conditions.append(ast.Compare(integer(first), [ast.LtE()], [index]))
        if high > length - 1:
            conditions.append(ast.Compare(index, [ast.LtE()], [integer(last)]))
        return conditions

    def solved(self, condition: ast.expr, letter: str) -> ast.expr | None:
        """Return what a letter must be for an equation to hold; None where that is no index."""
        assert isinstance(condition, ast.Compare)
        if not isinstance(condition.ops[0], ast.Eq):
            return None
        sum_ = linear(added((1, condition.left), (-1, condition.comparators[0])))
        factor = sum_.factors.get(letter)
        if factor not in (1, -1):
            return None
        others = {text: n for text, n in sum_.factors.items() if text != letter}
        if any(letter in names(sum_.parts[text]) for text in others):
            return None
        rest = summed_up(Linear(others, sum_.parts, sum_.number))
        return added((-factor, rest))

    # ---- indices from numbers ----

    def recognised(
        self, numbers: np.ndarray, letters: Sequence[ast.expr], listed: bool = False
    ) -> ast.expr:
        """Return the index that has given values: by a rule where one fits, else by a named map.

        Parameters
        ----------
        numbers
            The value at every place.
        letters
            The index of the place on each axis.
        listed
            Whether they were listed, as labels are: a rule that fits would be one by accident.
        """
        numbers = np.asarray(numbers)
        if not numbers.size:
            return ast.Constant(0)
        for axis in reversed(range(numbers.ndim)):  # leave out what it does not depend on
            first = numbers.take([0], axis)
            if (numbers == first).all():
                numbers = first
        kept = [axis for axis, n in enumerate(numbers.shape) if n > 1]
        numbers = numbers.reshape([numbers.shape[axis] for axis in kept])
        letters = [letters[axis] for axis in kept]
        origin = int(numbers.flat[0])
        places: tuple[np.ndarray, ...] = np.indices(numbers.shape, sparse=True)
        steps = [int(np.moveaxis(numbers, axis, 0)[1].flat[0]) - origin
                 for axis in range(numbers.ndim)]  # fmt: skip
        guess = origin + sum(n * place for n, place in zip(steps, places, strict=True))
        fits = np.array_equal(numbers, np.broadcast_to(guess, numbers.shape))
        if fits and not (listed and steps and (origin or set(steps) - {0, 1})):
            return added((1, integer(origin)), *zip(steps, letters, strict=True))
        # else the places, counted row by row, may give it: runs that begin again and again
        run = int(np.argmax(numbers.ravel() != origin))
        period = int(numbers.max()) + 1
        runs = (np.arange(numbers.size) // run + origin) % period
        if not listed and np.array_equal(numbers.ravel(), runs):
            sizes = [math.prod(numbers.shape[axis + 1 :]) for axis in range(numbers.ndim)]
            place = added(*zip(sizes, letters, strict=True))
            moved = added((1, self.quotient(place, run)), (1, integer(origin)))
            return self.remainder(moved, period)
        name = self.map_named(numbers)
        self.maps[name] = numbers
        return ast.Subscript(ast.Name(name), ast.Tuple(list(letters)))

    def quotient(self, index: ast.expr, n: int) -> ast.expr:
        """Return index // n, simplified where the parts of the index allow it."""
        sum_ = linear(index)
        whole = {text: f for text, f in sum_.factors.items() if f % n == 0}
        rest = {text: f for text, f in sum_.factors.items() if f % n}
        above, number = divmod(sum_.number, n)
        inner = summed_up(Linear(rest, sum_.parts, number))
        outer = summed_up(Linear({t: f // n for t, f in whole.items()}, sum_.parts, above))
        low, high = self.bounds(inner)
        if low // n == high // n:
            return added((1, outer), (1, integer(low // n)))
        return added((1, outer), (1, ast.BinOp(inner, ast.FloorDiv(), ast.Constant(n))))

    def remainder(self, index: ast.expr, n: int) -> ast.expr:
        """Return index % n, simplified where the parts of the index allow it."""
        sum_ = linear(index)
        rest = {text: f for text, f in sum_.factors.items() if f % n}
        inner = summed_up(Linear(rest, sum_.parts, sum_.number % n))
        low, high = self.bounds(inner)
        if low // n == high // n:
            return added((1, inner), (-(low // n) * n, ast.Constant(1)))
        return ast.BinOp(inner, ast.Mod(), ast.Constant(n))

    def put(self, tree: ast.expr, known: Mapping[str, ast.expr]) -> ast.expr:
        """Return an expression with indices in place of letters, each index in its one form."""
        if not known or not names(tree) & set(known):
            return tree
        return Put(self, known).visit(tree)  # type: ignore[no-any-return]

    def put_in_index(self, index: ast.expr, known: Mapping[str, ast.expr]) -> ast.expr:
        """Return an index with others in place of letters."""
        match index:
            case ast.Name(id=name):
                return known.get(name, index)
            case ast.Constant():
                return index
        sum_ = linear(index)
        terms = []
        for text, factor in sum_.factors.items():
            match part := sum_.parts[text]:
                case ast.Name(id=name):
                    new = known.get(name, part)
                case ast.Subscript(value, ast.Tuple(elts)):
                    inner = [self.put_in_index(i, known) for i in elts]
                    new = ast.Subscript(value, ast.Tuple(inner))
                case ast.BinOp(left, ast.FloorDiv(), ast.Constant(int(n))):
                    new = self.quotient(self.put_in_index(left, known), n)
                case ast.BinOp(left, ast.Mod(), ast.Constant(int(n))):
                    new = self.remainder(self.put_in_index(left, known), n)
                case _:
                    raise TypeError(f"this is no index: {text}")
            terms.append((factor, new))
        return added((1, integer(sum_.number)), *terms)


class Put(Rebuilt):
    """Puts indices in for letters."""

    def __init__(self, indices: Indices, known: Mapping[str, ast.expr]) -> None:
        self.indices, self.known = indices, known

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Return a node with its parts visited, simplified where one is new."""
        new = super().generic_visit(node)
        return simple(new) if new is not node and isinstance(new, ast.expr) else new

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Put in the letters of an entry."""
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        new = [self.indices.put_in_index(part, self.known) for part in parts]
        return ast.Subscript(node.value, ast.Tuple(new))

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """Put in the letters of a condition, which may then always or never hold."""
        if not self.indices.is_condition(node):
            return self.generic_visit(node)  # type: ignore[return-value]
        left, right = (
            self.indices.put_in_index(side, self.known) for side in (node.left, *node.comparators)
        )
        if isinstance(node.ops[0], ast.Eq):
            return self.indices.equal(left, right)
        if names(left) and names(right):  # 3 - i <= 3 - j is j <= i
            sum_ = linear(added((1, left), (-1, right)))
            for_left = {text: n for text, n in sum_.factors.items() if n > 0}
            for_right = {text: -n for text, n in sum_.factors.items() if n < 0}
            left = summed_up(Linear(for_left, sum_.parts, max(sum_.number, 0)))
            right = summed_up(Linear(for_right, sum_.parts, max(-sum_.number, 0)))
        return ast.Compare(left, node.ops, [right])

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Put in a letter that stands alone."""
        return self.known.get(node.id, node)
