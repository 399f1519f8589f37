"""The derivative of one component of a step by one of its operand's, in its cases.

It is the rule of the step in components, run on a unit upstream gradient: a Kronecker delta in
place of g. It is zero without some conditions, such as i = j for a function entry by entry; a
condition inside it gives two cases, such as i = j and i != j for softmax.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import NamedTuple

from ...notation.trees import names, walk
from .components import chosen, combined, over, split, total, when
from .indices import Letters, is_condition, letter_of
from .tidy import FALSE, TRUE, ZERO, number


class Case(NamedTuple):
    conditions: list[ast.expr]
    tree: ast.expr


class Jacobian:
    """A local derivative, by the index of the operand's component and `at`, that of the step's."""

    def __init__(
        self,
        component: ast.expr,
        index: Sequence[ast.expr],
        at: Sequence[ast.expr],
        letters: Letters,
    ) -> None:
        self.index, self.at, self.letters = index, at, letters
        place = {i.id: n for n, i in enumerate(at) if isinstance(i, ast.Name)}

        def order(condition: ast.expr) -> int:  # that of the step's index; last what is no index
            if not is_condition(condition):
                return len(place) + 1
            return min(place.get(name, len(place)) for name in names(condition))

        needed, tree = split(component)
        needed.sort(key=order)
        bound = set(filter(None, map(letter_of, walk(tree))))
        deltas = {ast.unparse(node): node for node in walk(tree) if is_condition(node)}
        #: Whether a reader takes it in: all that depends on an index is in its cases.
        self.readable = not deltas
        #: Whether they are that two letters are equal, or not: then a gradient is in cases too.
        self.of_letters = False
        found = [(needed, dict[str, ast.expr]())]
        match list(deltas.values()):
            case [ast.Compare(left, [ast.Eq()], right) as same] if not names(same) & bound:
                self.readable = True
                self.of_letters = isinstance(left, ast.Name) and isinstance(right[0], ast.Name)
                other = ast.Compare(left, [ast.NotEq()], right)
                text = ast.unparse(same)
                found = [([*needed, same], {text: TRUE}), ([*needed, other], {text: FALSE})]
        self.cases = [
            Case(conditions, letters.put(tree, self.solved(conditions), facts))
            for conditions, facts in found
        ]

    def solved(self, conditions: Sequence[ast.expr]) -> dict[str, ast.expr]:
        # what letters of the step's index must be: the operand's stay, where two are equal
        own = {i.id for i in self.at if isinstance(i, ast.Name)}
        found: dict[str, ast.expr] = {}
        for condition in conditions:
            for letter in sorted(names(condition) & own - set(found)):
                value = self.letters.solved(condition, letter)
                if value is not None and not names(value) & own:
                    found[letter] = value
                    break
        return found

    @property
    def tree(self) -> ast.expr:
        first, *others = self.cases
        if not others:
            return when(*first)
        return chosen(*first, ZERO if number(others[0].tree) == 0 else chosen(*others[0]))

    def in_cases(self, g: str) -> ast.expr | None:
        # the term i = j, and the sum over the others
        if not self.of_letters:
            return None
        terms = [
            when(conditions, ast.BinOp(entry(g, self.at), ast.Mult(), tree))
            for conditions, tree in self.cases
        ]
        first, second = (total(term, self.at, self.letters) for term in terms)
        return combined(first, ast.Add(), second)

    def chain(self, g: str, local: ast.expr) -> ast.expr:
        tree: ast.expr = ast.BinOp(entry(g, self.at), ast.Mult(), local)
        for letter in reversed(self.at):
            if isinstance(letter, ast.Name):
                tree = over(tree, letter, self.letters.lengths[letter.id])
        return tree


def entry(name: str, index: Sequence[ast.expr]) -> ast.expr:
    return ast.Subscript(ast.Name(name), ast.Tuple(list(index))) if index else ast.Name(name)
