"""One component of an expression, found from the expression itself.

The component j, k of ``g @ a.mT`` is ``_sum(g[j, i] * a[k, i] for i in _range(n))``: Python code
too, which is evaluated like every other line. Nothing is known here of what an operation means, but
of which kind it is, as its row of the table says: entry by entry; a product; an arrangement of
entries, which is run on their numbers and so says where each comes from; one that puts entries
somewhere, which says by its backward rule where each goes to. Any other operation is taken apart as
its composed twin, or is written as a whole: ``max(z)[j]``.
"""

from __future__ import annotations

import ast
import functools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...engine import Primitive, Tensor
from ...notation.operations import operands_of
from ...notation.steps import step, twin
from ...notation.trees import call, is_where, is_zero, literal, names
from .evaluation import Evaluator, Lettered
from .indices import Letters, NoComponentsError
from .tidy import FALSE, ONE, TRUE, ZERO, equal_entry, negative, number, simplified, times

# ---- what is 0 but where conditions hold: np.where(condition & condition, a, 0.0) ----


def when(conditions: Iterable[ast.expr], tree: ast.expr) -> ast.expr:
    """Return an expression where all conditions hold, and 0 elsewhere."""
    more, tree = split(tree)
    found = [c for c in (*conditions, *more) if c is not TRUE]
    if FALSE in found or number(tree) == 0:
        return ZERO
    if len(found) > 1:
        found = list({ast.unparse(c): c for c in found}.values())
    return chosen(found, tree) if found else tree


def chosen(conditions: Sequence[ast.expr], a: ast.expr, b: ast.expr = ZERO) -> ast.expr:
    both = functools.reduce(lambda x, y: ast.BinOp(x, ast.BitAnd(), y), conditions)
    return call("np.where", both, a, b)


def split(tree: ast.expr) -> tuple[list[ast.expr], ast.expr]:
    """Return the conditions without which an expression is 0, and what it is where they hold."""
    if is_where(tree) and is_zero(tree.args[2]):
        return conjuncts(tree.args[0]), tree.args[1]
    return [], tree


def conjuncts(condition: ast.expr) -> list[ast.expr]:
    match condition:
        case ast.BinOp(left, ast.BitAnd(), right):
            return [*conjuncts(left), *conjuncts(right)]
    return [condition]


def without_common(a: ast.expr, b: ast.expr) -> tuple[list[ast.expr], ast.expr, ast.expr]:
    (first, x), (second, y) = split(a), split(b)
    if not first or not second:
        return [], a, b
    texts = {ast.unparse(c) for c in first} & {ast.unparse(c) for c in second}
    both = [c for c in first if ast.unparse(c) in texts]
    first, second = ([c for c in own if ast.unparse(c) not in texts] for own in (first, second))
    return both, when(first, x), when(second, y)


def combined(a: ast.expr, op: ast.operator, b: ast.expr) -> ast.expr:
    """Return the component of ``a op b`` from those of a and b."""
    (conditions, x), (others, y) = split(a), split(b)
    match op:
        case ast.Mult() | ast.BitAnd():
            return when([*conditions, *others], simplified(ast.BinOp(x, ast.Mult(), y)))
        case ast.Pow() if not (number(b) or 0) > 0:  # 0 ** -1 is not 0
            return simplified(ast.BinOp(a, op, b))
        case ast.Pow() | ast.Div():
            return when(conditions, simplified(ast.BinOp(x, op, b)))
    if number(b) == 0:
        return a
    if number(a) == 0:
        return b if isinstance(op, ast.Add) else when(others, negative(y))
    both, a, b = without_common(a, b)
    return when(both, simplified(ast.BinOp(a, op, b)))


def choice(condition: ast.expr, a: ast.expr, b: ast.expr) -> ast.expr:
    """Return the component of ``np.where(condition, a, b)`` from those of its operands."""
    test, holds = split(condition)
    if number(holds) == 0:
        return b
    if number(holds) is None:  # a mask
        test = [*test, ast.Compare(holds, [ast.NotEq()], [ast.Constant(0)])]
    if number(b) == 0 or not test:
        return when(test, a)
    match test:
        case [ast.Compare(left, [ast.Eq() | ast.NotEq() as op], rest)] if number(a) == 0:
            opposite = ast.NotEq() if isinstance(op, ast.Eq) else ast.Eq()
            return when([ast.Compare(left, [opposite], rest)], b)
    both, a, b = without_common(a, b)
    return when(both, chosen(test, a, b))


# ---- sums ----


def over(body: ast.expr, letter: ast.Name, length: int) -> ast.expr:
    numbers = ast.Call(ast.Name("_range"), [ast.Constant(length)], [])
    loop = ast.comprehension(ast.Name(letter.id), numbers, [], 0)
    return ast.Call(ast.Name("_sum"), [ast.GeneratorExp(body, [loop])], [])


def total(term: ast.expr, index: Sequence[ast.expr], letters: Letters) -> ast.expr:
    """Return a sum over letters, the last one innermost."""
    for letter in reversed(index):
        if isinstance(letter, ast.Name):
            term = total_over(term, letter, letters)
    return term


def total_over(term: ast.expr, letter: ast.Name, letters: Letters) -> ast.expr:
    length = letters.lengths[letter.id]
    conditions, tree = split(term)
    if not length or number(term) == 0:
        return ZERO
    ways = []
    for condition in conditions:
        index = letters.solved(condition, letter.id)
        if index is not None:
            ways.append((letters.within(index, length), condition, index))
    if ways:  # One term is left. Of several ways, one asks for the fewest further conditions.
        within, used, index = min(ways, key=lambda way: len(way[0]))
        known = {letter.id: index}
        others = [letters.put(c, known) for c in conditions if c is not used]
        return when([*within, *others], letters.put(tree, known))
    free = [c for c in conditions if letter.id not in names(c)]
    own = [c for c in conditions if letter.id in names(c)]
    if not own and letter.id not in names(tree):
        return when(free, times(literal(float(length)), tree))
    return when(free, over(when(own, tree), letter, length))


# ---- expressions ----


class Components:
    """Takes expressions apart into components; each sum takes a new letter.

    `upstream` names an array that is a Kronecker delta: 1 at one index.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        letters: Letters,
        upstream: tuple[str, Sequence[ast.expr]] | None = None,
    ) -> None:
        self.evaluator, self.letters, self.upstream = evaluator, letters, upstream
        self.shape = evaluator.shape

    def at(self, node: ast.expr, index: Sequence[ast.expr]) -> ast.expr:
        """Return one component of an expression that broadcasts to the axes of an index."""
        shape = self.shape(node)
        last = index[len(index) - len(shape) :]
        index = [ast.Constant(0) if n == 1 else i for n, i in zip(shape, last, strict=True)]
        match node:
            case ast.Name(name) if self.upstream is not None and name == self.upstream[0]:
                both = zip(self.upstream[1], index, strict=True)
                return when([self.letters.compared(i, ast.Eq(), j) for i, j in both], ONE)
            case ast.BinOp(left, ast.MatMult(), right):
                letters = matrix_product(len(self.shape(left)), len(self.shape(right)))
                return self.product(letters, [left, right], index)
            case ast.BinOp(left, op, right):
                return combined(self.at(left, index), op, self.at(right, index))
            case ast.UnaryOp(op, operand):
                conditions, tree = split(self.at(operand, index))
                return when(conditions, simplified(ast.UnaryOp(op, tree)))
            case ast.Compare(left, ops, [right]):
                return when([ast.Compare(self.at(left, index), ops, [self.at(right, index)])], ONE)
            case ast.Attribute(value, "mT"):
                return self.at(value, [*index[:-2], index[-1], index[-2]])
        if is_where(node):
            return choice(*(self.at(arg, index) for arg in node.args))
        row: Primitive | None = getattr(node, "primitive", None)
        return self.whole(node, index) if row is None else self.operation(row, node, index)

    def whole(self, node: ast.expr, index: Sequence[ast.expr]) -> ast.expr:
        # what is not taken apart: a name, a constant, or a function's result
        found = names(node)
        if self.upstream is not None and self.upstream[0] in found:
            raise NoComponentsError(f"{ast.unparse(node)[:100]} is not known entry by entry")
        if not found - {"np"}:
            entry = equal_entry(node)
            if entry is not None:  # also where there are no entries
                return entry
            array = np.asarray(self.evaluator.evaluate(node))
            if array.size and np.array_equal(array, np.full_like(array, array.flat[0]), True):
                return literal(float(array.flat[0])) if number(node) is None else node
            if array.ndim == 2 and np.array_equal(array, np.eye(*array.shape)):
                return when([self.letters.compared(index[0], ast.Eq(), index[1])], ONE)
        if isinstance(node, ast.Name) and not index:
            return node
        return ast.Subscript(node, ast.Tuple(list(index)))

    # ---- operations, by their kind ----

    def operation(self, row: Primitive, node: ast.expr, index: Sequence[ast.expr]) -> ast.expr:
        evaluate = self.evaluator.evaluate
        match node:
            case ast.Call(_, [ast.Constant(str(subscripts)), *factors]) if row.kind == "product":
                return self.product(subscripts, factors, index)
            case ast.Subscript(value, key):
                operands = [value]
                given = {"key": evaluate(ast.Subscript(ast.Attribute(ast.Name("np"), "s_"), key))}
            case _:
                operands, settings = operands_of(row, node)
                given = {name: evaluate(tree) for name, tree in settings.items()}
        if row.kind in ("entrywise", "arranges", "spreads") and has_lists(given):
            return self.whole(node, index)
        if row.kind == "entrywise":
            parts = [self.at(operand, index) for operand in operands]
            return step(row, parts, {**row.defaults, **given}, shape=())
        if row.kind in ("arranges", "spreads"):
            try:
                find = self.arranged if row.kind == "arranges" else self.spread
                return find(row, operands[0], given, index)
            except NoComponentsError:
                return self.whole(node, index)
        # as it is composed, unless that overflows
        values = [evaluate(operand) for operand in operands]
        found = None if row.takes_any_number else twin(row, operands, values, given)
        if found is None or not np.isfinite(evaluate(found.tree)).all():
            return self.whole(node, index)
        return self.at(Lettered(row, self.evaluator).visit(found.tree), index)

    def arranged(
        self, row: Primitive, operand: ast.expr, given: dict[str, Any], index: Sequence[ast.expr]
    ) -> ast.expr:
        # the operation is run on the numbers of the entries: that says where each comes from
        shape = self.shape(operand)
        origin = np.asarray(row(np.arange(math.prod(shape)).reshape(shape), **given))
        return self.at(operand, self.letters.places(origin.astype(int), shape, index))

    def spread(
        self, row: Primitive, operand: ast.expr, given: dict[str, Any], index: Sequence[ast.expr]
    ) -> ast.expr:
        # the backward rule is run on numbers: that says which entries are added up in one place
        shape = self.shape(operand)
        out = row(Tensor(np.zeros(shape), True), **given)
        if out.data.any():
            raise NoComponentsError("it pads with numbers other than 0")
        numbers = np.arange(float(out.size)).reshape(out.shape)
        goal = np.broadcast_to(out.closures()[0](numbers), shape).round().astype(int)
        inner = [self.letters.new(n) for n in shape]
        reached = self.letters.places(goal, out.shape, inner)
        both = zip(index, reached, strict=True)
        meets = [self.letters.compared(i, ast.Eq(), j) for i, j in both]
        return total(when(meets, self.at(operand, inner)), inner, self.letters)

    def product(
        self, subscripts: str, operands: Sequence[ast.expr], index: Sequence[ast.expr]
    ) -> ast.expr:
        # by Einstein's convention
        inputs, _, output = subscripts.partition("->")
        terms = list(zip(inputs.split(","), operands, strict=True))
        lengths: dict[str, int] = {}
        for term, operand in terms:
            for axis, n in zip(term, self.shape(operand), strict=True):
                lengths[axis] = max(lengths.get(axis, 1), n) if n else 0
        places = dict(zip(output, index, strict=True))
        summed = {axis: self.letters.new(n) for axis, n in lengths.items() if axis not in places}
        places |= summed
        factors = [self.at(operand, [places[axis] for axis in term]) for term, operand in terms]
        result = functools.reduce(lambda a, b: combined(a, ast.Mult(), b), factors)
        return total(result, list(summed.values()), self.letters)


def matrix_product(m: int, n: int) -> str:
    stack = "abcdefgh"[: max(m, n, 2) - 2]
    left = stack[len(stack) - max(m - 2, 0) :] + ("ij" if m > 1 else "j")
    right = stack[len(stack) - max(n - 2, 0) :] + ("jk" if n > 1 else "j")
    return f"{left},{right}->{stack}{'i' * (m > 1)}{'k' * (n > 1)}"


def has_lists(given: dict[str, Any]) -> bool:
    # of places that are listed one by one, a rule that fits would be an accident
    items = [x for value in given.values() for x in (value if type(value) is tuple else (value,))]
    return any(isinstance(item, np.ndarray | list) and np.ndim(item) for item in items)
