"""The derivative of one component of a step by one of its operand's, in its cases.

It is the rule of the step in components, run on a unit upstream gradient: a Kronecker delta in
place of g. The conditions that it is zero without, such as i = j for a function entry by entry, are
told from the one that splits it in two cases, such as i = j and i != j for softmax.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Sequence

from .indices import Indices
from .simplify import ZERO, number, summed
from .sums import chosen, guarded, with_condition
from .trees import names, walk


class Jacobian:
    """A local derivative, in its cases.

    Parameters
    ----------
    tree
        The component, with Kronecker deltas in it.
    free
        The letters of the operand's component: kept, where two letters are equal.
    at
        The letters of the step's component, in whose order the conditions are written.
    indices
        What is known of the letters.
    """

    def __init__(
        self, tree: ast.expr, free: Sequence[str], at: Sequence[str], indices: Indices
    ) -> None:
        self.indices = indices
        bound = {letter for node in walk(tree) if (letter := summed(node)) is not None}
        conditions = {
            ast.unparse(node): node
            for node in walk(tree)
            if isinstance(node, ast.Compare)
            and indices.is_condition(node)
            and not bound & names(node)
        }
        place = {letter: n for n, letter in enumerate(at)}
        self.needed: list[ast.Compare] = []  # without these it is zero
        self.split: list[ast.Compare] = []
        self.equal = tree  # where the letters of a delta are equal
        self.different: ast.expr | None = None
        for text, node in conditions.items():
            otherwise = with_condition(self.equal, text, 0.0)
            if number(otherwise) == 0:
                self.needed.append(node)
                self.equal = with_condition(self.equal, text, 1.0)
        self.needed.sort(key=lambda c: min(place.get(n, len(at)) for n in names(c)))
        splits = [n for text, n in conditions.items() if text in unparsed(self.equal)]
        if len(splits) == 1 and isinstance(splits[0].ops[0], ast.Eq):
            self.split = splits
            self.different = with_condition(self.equal, ast.unparse(splits[0]), 0.0)
            self.equal = with_condition(self.equal, ast.unparse(splits[0]), 1.0)

        self.same: dict[str, ast.expr] = {}  # what the letters of the step's component must be
        for node in (*self.needed, *self.split):
            for side in (node.left, *node.comparators):
                letter = side.id if isinstance(side, ast.Name) else ""
                value = indices.solved(node, letter) if letter and letter not in free else None
                if value is not None and names(value) <= {*free, *indices.maps}:
                    self.same[letter] = value
                    break
        self.equal = indices.put(self.equal, self.same)
        if self.different is not None:
            letters = names(self.split[0])
            self.different = indices.put(
                self.different, {n: o for n, o in self.same.items() if n not in letters}
            )

    def in_letters(self) -> bool:
        """Say whether every condition is that two letters are equal."""
        return all(
            isinstance(c.ops[0], ast.Eq)
            and isinstance(c.left, ast.Name)
            and isinstance(c.comparators[0], ast.Name)
            for c in (*self.needed, *self.split)
        )

    @functools.cached_property
    def tree(self) -> ast.expr:
        """It as one expression, with np.where for the cases."""
        conditions = [*self.needed, *self.split]
        equal = guarded(self.equal, self.indices)
        if not conditions:
            return equal
        otherwise: ast.expr = ZERO
        if self.different is not None:
            unlike = [ast.Compare(c.left, [ast.NotEq()], c.comparators) for c in self.split]
            different = guarded(self.different, self.indices)
            if number(different) != 0:
                otherwise = chosen([*self.needed, *unlike], different, ZERO)
            return chosen(conditions, equal, otherwise)
        return guarded(chosen(conditions, self.equal, ZERO), self.indices)


def unparsed(tree: ast.expr) -> set[str]:
    """Return the text of every comparison in an expression."""
    return {ast.unparse(node) for node in walk(tree) if isinstance(node, ast.Compare)}
