"""The derivative of one component of a step by one of its operand's, in its cases.

It is the rule of the step in components, run on a unit upstream gradient: a Kronecker delta in
place of g. What it is zero without, such as i = j for a function entry by entry, is told from the
condition that splits it in two cases, such as i = j and i != j for softmax.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ...notation.trees import Rebuilt, names, walk
from .components import Part, chosen, letter_of, over, part
from .indices import Letters
from .tidy import FALSE, TRUE, ZERO, number, simplified


class Jacobian:
    """A local derivative, in its cases: the component of a rule, with Kronecker deltas in it.

    The letters of `index`, that of the operand's component, stay where two letters are equal;
    conditions are written in the order of `at`, the index of the step's component.
    """

    def __init__(
        self, component: Part, index: Sequence[ast.expr], at: Sequence[ast.expr], letters: Letters
    ) -> None:
        self.index, self.at, self.letters = index, at, letters
        place = {i.id: n for n, i in enumerate(at) if isinstance(i, ast.Name)}

        def order(condition: ast.expr) -> int:
            if not letters.is_condition(condition):
                return len(place) + 1
            return min(place.get(name, len(place)) for name in names(condition))

        #: Without these it is zero.
        self.needed = sorted(component.conditions, key=order)
        tree = component.tree
        bound = {letter for node in walk(tree) if (letter := letter_of(node))}
        splits = {
            ast.unparse(node): node
            for node in walk(tree)
            if isinstance(node, ast.Compare) and letters.is_condition(node)
        }
        inside_sums = any(names(node) & bound for node in splits.values())
        #: Where this holds it is `equal`, elsewhere `different`.
        self.split: ast.Compare | None = None
        self.different: ast.expr | None = None
        #: Whether it is written in cases that a reader takes in.
        self.readable = not splits
        if len(splits) == 1 and not inside_sums:
            (text, node), *_ = splits.items()
            if isinstance(node.ops[0], ast.Eq):
                self.split, self.readable = node, True
                self.different = with_condition(tree, text, FALSE)
                tree = with_condition(tree, text, TRUE)
        self.same = self.solved(self.needed)  # what letters of the step's component must be
        self.same_if_equal = self.same | self.solved([self.split] if self.split else [])
        self.equal = letters.put(tree, self.same_if_equal)
        if self.different is not None:
            self.different = letters.put(self.different, self.same)

    def solved(self, conditions: Sequence[ast.expr]) -> dict[str, ast.expr]:
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
    def unequal(self) -> ast.expr:
        assert self.split is not None
        return ast.Compare(self.split.left, [ast.NotEq()], self.split.comparators)

    @property
    def tree(self) -> ast.expr:
        if self.split is None or self.different is None:
            return part(self.equal, *self.needed).closed
        otherwise: ast.expr = ZERO
        if number(self.different) != 0:
            otherwise = chosen([*self.needed, self.unequal], self.different)
        return chosen([*self.needed, self.split], self.equal, otherwise)

    def in_cases(self, g: str) -> ast.expr | None:
        # The term i = j, and the sum over others; None where there are not two cases, or their
        # condition is not that two letters are equal.
        match self.split:
            case ast.Compare(ast.Name(i), _, [ast.Name()]) if i in self.same_if_equal:
                pass
            case _:
                return None
        assert self.different is not None
        entry = ast.Subscript(ast.Name(g), ast.Tuple(list(self.at)))
        cases = ((self.equal, self.same_if_equal), (self.different, self.same))
        sums = []
        for tree, same in cases:
            tree = ast.BinOp(self.letters.put(entry, same), ast.Mult(), tree)
            for letter in reversed(self.at):
                if isinstance(letter, ast.Name) and letter.id not in same:
                    if letter.id == i:
                        tree = chosen([self.unequal], tree)
                    tree = over("sum", tree, letter, self.letters.lengths[letter.id])
            sums.append(tree)
        conditions = [self.letters.put(c, self.same) for c in self.needed]
        return part(ast.BinOp(sums[0], ast.Add(), sums[1]), *conditions).closed

    def chain(self, g: str, local: ast.expr) -> ast.expr:
        entry = ast.Subscript(ast.Name(g), ast.Tuple(list(self.at))) if self.at else ast.Name(g)
        tree: ast.expr = ast.BinOp(entry, ast.Mult(), local)
        for letter in reversed(self.at):
            if isinstance(letter, ast.Name):
                tree = over("sum", tree, letter, self.letters.lengths[letter.id])
        return tree


class With(Rebuilt):
    def __init__(self, condition: str, value: ast.expr) -> None:
        self.condition, self.value = condition, value

    def generic_visit(self, node: ast.AST) -> ast.AST:
        new = super().generic_visit(node)
        return simplified(new) if new is not node and isinstance(new, ast.expr) else new

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        return self.value if ast.unparse(node) == self.condition else node


def with_condition(tree: ast.expr, condition: str, value: ast.expr) -> ast.expr:
    return With(condition, value).visit(tree)  # type: ignore[no-any-return]
