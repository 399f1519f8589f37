"""Arithmetic of indices: ``2 * j + 1``, ``j // 3``, ``j % 3``, and when two of them are equal.

An index is a Python expression of letters and integers, which counts from 0 as Python does; on
paper it counts from 1. A letter is a name that begins with an underscore, as no tensor's does:
``_7`` while lines are made, ``_j`` on paper. Sums are kept in one form, so that indices that are
equal look equal.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from ...notation.trees import Rebuilt, names, put, walk
from .tidy import FALSE, TRUE, in_order, negative, simplified

#: An expression, and the index of which it is the component.
Component: TypeAlias = tuple[ast.expr, Sequence[ast.expr]]

#: The factor of each letter, and of each quotient and remainder.
Factors: TypeAlias = dict[str, int]


class NoComponentsError(ValueError):
    """Why something is not taken apart into components, and the operation that it is about."""

    def __init__(self, reason: str, operation: str = "") -> None:
        super().__init__(reason)
        self.operation = operation


def linear(index: ast.expr) -> tuple[Factors, int]:
    match index:
        case ast.Name(letter):
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


def combined(*terms: tuple[int, ast.expr]) -> tuple[Factors, int]:
    factors: Factors = {}
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
    >>> j = ast.Name("_j")
    >>> ast.unparse(sum_of((3, j), (1, ast.Constant(2)), (-1, j)))
    '2 * _j + 2'
    """
    return index_of(*combined(*terms))


def index_of(factors: Factors, number: int) -> ast.expr:
    # the one form: what is added, what is subtracted, the number
    terms = []
    for text, factor in sorted(factors.items(), key=lambda item: item[1] < 0):
        times = ast.BinOp(ast.Constant(abs(factor)), ast.Mult(), part_of(text))
        terms.append((factor, part_of(text) if abs(factor) == 1 else times))
    if number or not terms:
        terms.append((number, ast.Constant(abs(number))))
    (sign, result), *others = terms
    result = negative(result) if sign < 0 else result
    for sign, term in others:
        result = ast.BinOp(result, ast.Add() if sign > 0 else ast.Sub(), term)
    return result


@functools.cache
def part_of(text: str) -> ast.expr:
    return ast.Name(text) if text.isidentifier() else ast.parse(text, mode="eval").body


def is_condition(tree: ast.AST) -> bool:
    """Return whether two indices are compared, rather than two numbers."""
    found = names(tree) if isinstance(tree, ast.Compare) else ()
    return bool(found) and all(name.startswith("_") for name in found)


def letter_of(tree: ast.AST) -> str | None:
    """Return what a sum is over."""
    match tree:
        case ast.Call(_, [ast.GeneratorExp(_, [ast.comprehension(ast.Name(letter))])]):
            return letter
    return None


class Letters:
    """Makes letters, and knows how many values each takes."""

    def __init__(self) -> None:
        self.lengths: dict[str, int] = {}

    def new(self, length: int) -> ast.expr:
        if length == 1:
            return ast.Constant(0)
        name = f"_{len(self.lengths)}"
        self.lengths[name] = length
        return ast.Name(name)

    # ---- conditions ----

    def bounds(self, index: ast.expr) -> tuple[int, int]:
        factors, low = linear(index)
        high = low
        for text, factor in factors.items():
            match part_of(text):
                case ast.BinOp(left, ast.FloorDiv(), ast.Constant(int(n))):
                    below, above = self.bounds(left)
                    ends = (below // n, above // n)
                case ast.BinOp(_, ast.Mod(), ast.Constant(int(n))):
                    ends = (0, n - 1)
                case _:
                    ends = (0, max(self.lengths[text] - 1, 0))
            low += min(factor * end for end in ends)
            high += max(factor * end for end in ends)
        return low, high

    def compared(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> ast.expr:
        """Return ``left == right``, or != or <=; True or False, where every index says so."""
        difference = sum_of((1, left), (-1, right))
        low, high = self.bounds(difference)
        always, never = low == high == 0 and not names(difference), low > 0 or high < 0
        if isinstance(op, ast.NotEq):
            always, never = never, always
        elif isinstance(op, ast.LtE):
            always, never = high <= 0, low > 0
        return TRUE if always else FALSE if never else ast.Compare(left, [op], [right])

    def within(self, index: ast.expr, length: int) -> list[ast.expr]:
        factors, number = linear(index)
        first, last = 0, length - 1
        if list(factors.values()) == [1]:  # 0 <= j - 1 is written as 1 <= j
            index, first, last = index_of(factors, 0), first - number, last - number
        ends = index_of({}, first), index, index_of({}, last)
        both = [self.compared(a, ast.LtE(), b) for a, b in pairwise(ends)]
        return [condition for condition in both if condition is not TRUE]

    def solved(self, condition: ast.expr, letter: str) -> ast.expr | None:
        match condition:
            case ast.Compare(left, [ast.Eq()], [right]) if is_condition(condition):
                factors, number = combined((1, left), (-1, right))
                factor = factors.pop(letter, 0)
                if factor in (1, -1) and letter not in names(index_of(factors, 0)):
                    return sum_of((-factor, index_of(factors, number)))
        return None

    # ---- where entries come from ----

    def places(
        self, origin: np.ndarray, shape: Sequence[int], index: Sequence[ast.expr]
    ) -> list[ast.expr]:
        """Return the index of an entry whose number, counted row by row, is given at each place."""
        if not shape or not origin.size:
            return [ast.Constant(0) for _ in shape]
        found = [self.affine(np.asarray(n), index) for n in np.unravel_index(origin, shape)]
        places = [place for place in found if place is not None]
        if len(places) == len(shape):
            return places
        rest = self.affine(origin, index)  # as of a reshape: the numbers themselves, taken apart
        if rest is None:
            raise NoComponentsError("an arrangement of entries that follows no short rule")
        places = []
        for n in reversed(shape):
            rest, place = self.divided(rest, n)
            places.insert(0, place)
        return places

    def affine(self, numbers: np.ndarray, index: Sequence[ast.expr]) -> ast.expr | None:
        """Return the sum of multiples of letters that is a given number at each place."""
        origin = int(numbers.flat[0])
        steps = [
            int(numbers.take(1, axis).flat[0]) - origin if n > 1 else 0
            for axis, n in enumerate(numbers.shape)
        ]
        at: Sequence[np.ndarray] = np.indices(numbers.shape, sparse=True) if steps else ()
        if not np.all(numbers == origin + sum(n * i for n, i in zip(steps, at, strict=True))):
            return None
        return sum_of((origin, ast.Constant(1)), *zip(steps, index, strict=True))

    def divided(self, index: ast.expr, n: int) -> tuple[ast.expr, ast.expr]:
        """Return quotient and remainder."""
        factors, number = linear(index)
        outer = index_of({t: f // n for t, f in factors.items() if f % n == 0}, number // n)
        inner = index_of({t: f for t, f in factors.items() if f % n}, number % n)
        low, high = self.bounds(inner)
        if low // n == high // n:
            times, one = low // n, ast.Constant(1)
            return sum_of((1, outer), (times, one)), sum_of((1, inner), (-n * times, one))
        quotient = ast.BinOp(inner, ast.FloorDiv(), ast.Constant(n))
        return sum_of((1, outer), (1, quotient)), ast.BinOp(inner, ast.Mod(), ast.Constant(n))

    # ---- indices put in for letters ----

    def put(
        self,
        tree: ast.expr,
        known: Mapping[str, ast.expr],
        facts: Mapping[str, ast.expr] | None = None,
    ) -> ast.expr:
        """Return an expression with indices put in for letters, and facts for conditions."""
        new: ast.expr = Put(self, known, facts or {}, {}).visit(tree) if known or facts else tree
        return new

    def composed(self, tree: ast.expr, entries: Mapping[str, Component]) -> ast.expr:
        """Return an expression with components in place of entries, each given with its index."""
        new: ast.expr = Put(self, {}, {}, entries).visit(tree)
        return new


class Put(Rebuilt):
    """Puts something in for letters, conditions or entries, and leaves out what is 0 then."""

    def __init__(
        self,
        letters: Letters,
        known: Mapping[str, ast.expr],
        facts: Mapping[str, ast.expr],
        entries: Mapping[str, Component],
    ) -> None:
        self.letters, self.known, self.facts, self.entries = letters, known, facts, entries

    def index(self, index: ast.expr) -> ast.expr:
        if isinstance(index, ast.Name):
            return self.known.get(index.id, index)
        factors, number = linear(index)
        terms: list[tuple[int, ast.expr]] = [(number, ast.Constant(1))]
        for text, factor in factors.items():
            match part_of(text):
                case ast.BinOp(left, op, ast.Constant(int(n))):
                    both = self.letters.divided(self.index(left), n)
                    terms.append((factor, both[isinstance(op, ast.Mod)]))
                case letter:
                    terms.append((factor, put(letter, self.known)))
        return sum_of(*terms)

    def entry(self, name: str, at: Sequence[ast.expr]) -> ast.expr:
        tree, index = self.entries[name]
        known = {i.id: j for i, j in zip(index, at, strict=True) if isinstance(i, ast.Name)}
        for letter in filter(None, map(letter_of, walk(tree))):  # each sum has letters of its own
            known[letter] = self.letters.new(self.letters.lengths[letter])
        return self.letters.put(tree, known)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        new = super().generic_visit(node)
        tidy = simplified if self.facts else in_order
        return tidy(new) if new is not node and isinstance(new, ast.expr) else new

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.entry(node.id, []) if node.id in self.entries else self.known.get(node.id, node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        assert isinstance(node.slice, ast.Tuple)
        index = [self.index(i) for i in node.slice.elts] if self.known else node.slice.elts
        if isinstance(node.value, ast.Name) and node.value.id in self.entries:
            return self.entry(node.value.id, index)
        return ast.Subscript(node.value, ast.Tuple(index))

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        if not is_condition(node):
            return self.generic_visit(node)
        left, right = self.index(node.left), self.index(node.comparators[0])
        fact = self.facts.get(ast.unparse(node)) if self.facts else None
        return fact or self.letters.compared(left, node.ops[0], right)
