"""Indices of components: sums of multiples of letters, as ``2*_j + 1``, and when two are equal.

An index is a Python expression, which counts from 0 as Python does; on paper it counts from 1. A
letter is a name that begins with an underscore, as no tensor's does: ``_7`` while lines are made,
``_j`` on paper. Sums have one form, so that indices that are equal look equal.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from ...notation.trees import Rebuilt, names, put, walk
from .tidy import FALSE, TRUE, in_order, simplified

#: An expression, and the index of which it is the component.
Component: TypeAlias = tuple[ast.expr, Sequence[ast.expr]]


class NoComponentsError(ValueError):
    """Why something is not taken apart into components."""


def linear(index: ast.expr) -> tuple[Mapping[str, int], int]:
    """Return the factor of each letter of an index, and the number."""
    match index:
        case ast.Name(letter):
            return {letter: 1}, 0
        case ast.Constant(int(number)):
            return {}, number
    return of_text(ast.unparse(index))


@functools.lru_cache(maxsize=10_000)
def of_text(text: str) -> tuple[Mapping[str, int], int]:
    # a sum of multiples is known by its values where one letter is 1 and the others are 0
    letters = dict.fromkeys(re.findall(r"_\w+", text))
    code = compile(text, "<index>", "eval")
    number = eval(code, {"__builtins__": {}}, dict.fromkeys(letters, 0))
    ones = ({other: int(other == letter) for other in letters} for letter in letters)
    factors = [eval(code, {"__builtins__": {}}, one) - number for one in ones]
    return {letter: n for letter, n in zip(letters, factors, strict=True) if n}, number


def index_of(factors: Mapping[str, int], number: int) -> ast.expr:
    """Return the one form of a sum of multiples of letters, the number last."""
    terms = [letter if n == 1 else f"{n} * {letter}" for letter, n in factors.items()]
    if not terms:
        return ast.Constant(number)
    return parsed(" + ".join([*terms, str(number)] if number else terms))


@functools.lru_cache(maxsize=10_000)
def parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def sum_of(*terms: tuple[int, ast.expr]) -> ast.expr:
    """Return a sum of multiples of indices.

    Examples
    --------
    >>> j = ast.Name("_j")
    >>> ast.unparse(sum_of((3, j), (1, ast.Constant(2)), (-1, j)))
    '2 * _j + 2'
    """
    factors, number = dict[str, int](), 0
    for n, index in terms:
        parts, rest = linear(index)
        number += n * rest
        for letter, factor in parts.items():
            factors[letter] = factors.get(letter, 0) + n * factor
    return index_of({letter: factor for letter, factor in factors.items() if factor}, number)


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

    def bounds(self, index: ast.expr) -> tuple[int, int]:
        factors, number = linear(index)
        ends = [n * max(self.lengths[letter] - 1, 0) for letter, n in factors.items()]
        return number + sum(n for n in ends if n < 0), number + sum(n for n in ends if n > 0)

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
                difference = sum_of((1, left), (-1, right))
                factor = linear(difference)[0].get(letter)
                if factor in (1, -1):
                    return sum_of((-factor, difference), (1, ast.Name(letter)))
        return None

    def places(
        self, origin: np.ndarray, shape: Sequence[int], index: Sequence[ast.expr]
    ) -> list[ast.expr]:
        """Return the index of an entry whose number, counted row by row, is given at each place."""
        if not shape or not origin.size:
            return [ast.Constant(0) for _ in shape]
        with contextlib.suppress(NoComponentsError):
            return [affine(np.asarray(n), index) for n in np.unravel_index(origin, shape)]
        rest, places = affine(origin, index), list[ast.expr]()
        for n in reversed(shape):  # as of 3 * j + k, where k is below 3
            factors, number = linear(rest)
            place = index_of({x: f for x, f in factors.items() if f % n}, number % n)
            low, high = self.bounds(place)
            if low // n != high // n:
                raise NoComponentsError("an index that is a quotient")
            rest = index_of({x: f // n for x, f in factors.items() if not f % n}, number // n)
            rest = sum_of((1, rest), (1, ast.Constant(low // n)))
            places.insert(0, sum_of((1, place), (-n, ast.Constant(low // n))))
        return places

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


def affine(numbers: np.ndarray, index: Sequence[ast.expr]) -> ast.expr:
    """Return the sum of multiples of letters that is a given number at each place."""
    origin = int(numbers.flat[0])
    steps = [
        int(numbers.take(1, axis).flat[0]) - origin if n > 1 else 0
        for axis, n in enumerate(numbers.shape)
    ]
    at: Sequence[np.ndarray] = np.indices(numbers.shape, sparse=True) if steps else ()
    if not np.all(numbers == origin + sum(n * i for n, i in zip(steps, at, strict=True))):
        raise NoComponentsError("an arrangement of entries that no sum of letters gives")
    return sum_of((origin, ast.Constant(1)), *zip(steps, index, strict=True))


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
        return sum_of((1, put(index, self.known)))

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
        index = [self.index(i) for i in node.slice.elts]
        if isinstance(node.value, ast.Name) and node.value.id in self.entries:
            return self.entry(node.value.id, index)
        if names(node.value) & self.entries.keys():
            raise NoComponentsError("an entry of an array that is written as a whole")
        return ast.Subscript(node.value, ast.Tuple(index))

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        if not is_condition(node):
            return self.generic_visit(node)
        left, right = self.index(node.left), self.index(node.comparators[0])
        fact = self.facts.get(ast.unparse(node)) if self.facts else None
        return fact or self.letters.compared(left, node.ops[0], right)
