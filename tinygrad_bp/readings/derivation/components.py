"""One component of an expression, found from the expression itself.

The component j, k of ``g @ a.mT`` is ``_sum(g[j, i] * a[k, i] for i in _range(n))``: Python code
too, which is evaluated like every other line. Nothing is known here of what an operation means, but
of which kind it is, as its row of the table says: entry by entry; a reduction; an arrangement of
entries, which is run on their numbers and so says where each comes from; one that puts entries
somewhere, which says by its backward rule where each goes to. Any other operation is taken apart as
its composed twin, or is refused.
"""

from __future__ import annotations

import ast
import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...engine import Primitive, Tensor
from ...notation.operations import operands_of
from ...notation.steps import twin
from ...notation.trees import call, like, literal, names
from .evaluation import Evaluator
from .indices import Letters, NoComponentsError
from .tidy import FALSE, ONE, TRUE, ZERO, negative, number, simplified, times


class Part(NamedTuple):
    """A component: an expression where all conditions hold, and 0 elsewhere."""

    tree: ast.expr
    conditions: tuple[ast.expr, ...] = ()

    @property
    def closed(self) -> ast.expr:
        return chosen(self.conditions, self.tree) if self.conditions else self.tree


NOTHING = Part(ZERO)


def part(tree: ast.expr, *conditions: ast.expr) -> Part:
    found = {ast.unparse(c): c for c in conditions if c is not TRUE}
    if FALSE in found.values() or number(tree) == 0:
        return NOTHING
    return Part(tree, tuple(found.values()))


def chosen(conditions: Sequence[ast.expr], a: ast.expr, b: ast.expr = ZERO) -> ast.expr:
    both = functools.reduce(lambda x, y: ast.BinOp(x, ast.BitAnd(), y), conditions)
    return call("np.where", both, a, b)


def conjuncts(condition: ast.expr) -> list[ast.expr]:
    match condition:
        case ast.BinOp(left, ast.BitAnd(), right):
            return [*conjuncts(left), *conjuncts(right)]
    return [condition]


def over(name: str, body: ast.expr, letter: ast.expr, length: int) -> ast.expr:
    assert isinstance(letter, ast.Name)
    numbers = ast.Call(ast.Name("_range"), [ast.Constant(length)], [])
    loop = ast.comprehension(ast.Name(letter.id), numbers, [], 0)
    return ast.Call(ast.Name(f"_{name}"), [ast.GeneratorExp(body, [loop])], [])


def letter_of(tree: ast.AST) -> str | None:
    match tree:
        case ast.Call(_, [ast.GeneratorExp(_, [ast.comprehension(ast.Name(letter))])]):
            return letter
    return None


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

    def at(self, node: ast.expr, index: Sequence[ast.expr]) -> Part:
        """Return one component of an expression, at an index for each of its axes."""
        match node:
            case ast.Constant() | ast.Attribute(ast.Name("np")):
                return Part(node)
            case ast.BinOp(left, ast.MatMult(), right):
                return self.contraction(*matrix_product(len(self.shape(left)),
                                        len(self.shape(right))), [left, right], index)  # fmt: skip
            case ast.BinOp(left, op, right):
                return self.operator(op, self.part(left, index), self.part(right, index))
            case ast.UnaryOp(op, operand):
                tree, conditions = self.part(operand, index)
                return part(simplified(ast.UnaryOp(op, tree)), *conditions)
            case ast.Compare(left, ops, [right]):
                sides = [self.part(side, index).closed for side in (left, right)]
                return Part(ast.Compare(sides[0], ops, sides[1:]))
            case ast.Attribute(value, "mT"):
                return self.at(value, [*index[:-2], index[-1], index[-2]])
            case ast.Subscript(value, key):
                key = ast.Subscript(ast.Attribute(ast.Name("np"), "s_"), key)
                row = self.evaluator.functions["getitem"]
                return self.arranged(row, value, {"key": self.evaluator.evaluate(key)}, index)
            case ast.Call():
                return self.call(node, index)
            case ast.Name(name) if self.upstream is not None and name == self.upstream[0]:
                places = zip(self.upstream[1], self.own_index(node, index), strict=True)
                return part(ONE, *(self.letters.equal(i, j) for i, j in places))
        return self.whole(node, index)

    def part(self, node: ast.expr, index: Sequence[ast.expr]) -> Part:
        """Return the component of an operand that broadcasts to the axes of an index."""
        return self.at(node, self.own_index(node, index))

    def own_index(self, node: ast.expr, index: Sequence[ast.expr]) -> list[ast.expr]:
        shape = self.shape(node)
        last = index[len(index) - len(shape) :]
        return [ast.Constant(0) if n == 1 else i for n, i in zip(shape, last, strict=True)]

    def whole(self, node: ast.expr, index: Sequence[ast.expr]) -> Part:
        # what is not taken apart: a name, or a function's result
        found = names(node)
        if self.upstream is not None and self.upstream[0] in found:
            raise NoComponentsError(f"{ast.unparse(node)[:100]} is not known entry by entry")
        if isinstance(node, ast.Name) and not self.shape(node):
            return Part(node)
        if found <= {"np"}:
            array = np.asarray(self.evaluator.evaluate(node))
            if array.size and array.dtype.kind in "fiu" and (array == array.flat[0]).all():
                return part(literal(float(array.flat[0])))
        return Part(ast.Subscript(node, ast.Tuple(self.own_index(node, index))))

    # ---- operators ----

    def operator(self, op: ast.operator, a: Part, b: Part) -> Part:
        match op:
            case ast.Mult():
                return part(simplified(ast.BinOp(a.tree, op, b.tree)), *a.conditions, *b.conditions)
            case ast.Div() | ast.Pow():
                raised = isinstance(op, ast.Pow) and not (number(b.tree) or 0) > 0
                first = Part(a.closed) if raised else a  # 0 ** -1 is not 0
                tree = simplified(ast.BinOp(first.tree, op, b.closed))
                return part(tree, *first.conditions)
        if isinstance(op, ast.Add | ast.Sub) and number(b.tree) == 0:
            return a
        if isinstance(op, ast.Add | ast.Sub) and number(a.tree) == 0:
            return b if isinstance(op, ast.Add) else part(negative(b.tree), *b.conditions)
        both, a, b = without_common(a, b)
        return part(simplified(ast.BinOp(a.closed, op, b.closed)), *both)

    def choice(self, node: ast.Call, index: Sequence[ast.expr]) -> Part:
        condition, a, b = (self.part(arg, index) for arg in node.args)
        test = condition.closed
        if not isinstance(conjuncts(test)[0], ast.Compare | ast.Constant):
            test = ast.Compare(test, [ast.NotEq()], [ast.Constant(0)])  # a mask, as a number
        if number(b.tree) == 0:
            return part(a.tree, *conjuncts(test), *a.conditions)
        match test:
            case ast.Compare(left, [ast.Eq() | ast.NotEq() as op], rest) if number(a.tree) == 0:
                opposite = ast.NotEq() if isinstance(op, ast.Eq) else ast.Eq()
                return part(b.tree, ast.Compare(left, [opposite], rest), *b.conditions)
        both, a, b = without_common(a, b)
        return part(chosen([test], a.closed, b.closed), *both)

    def total(self, term: Part, letter: ast.expr, length: int) -> Part:
        # one term is left, where a condition says what the letter is
        if not isinstance(letter, ast.Name):
            return term
        if not length:
            return NOTHING
        ways = []
        for condition in term.conditions:
            index = self.letters.solved(condition, letter.id)
            if index is not None:
                ways.append((self.letters.within(index, length), condition, index))
        if ways:  # the one that asks for the fewest further conditions
            within, used, index = min(ways, key=lambda way: len(way[0]))
            others = [c for c in term.conditions if c is not used]
            known = {letter.id: index}
            conditions = [self.letters.put(c, known) for c in others]
            return part(self.letters.put(term.tree, known), *within, *conditions)
        free = [c for c in term.conditions if letter.id not in names(c)]
        own = [c for c in term.conditions if letter.id in names(c)]
        if not own and letter.id not in names(term.tree):
            return part(times(literal(float(length)), term.tree), *free)
        return part(over("sum", part(term.tree, *own).closed, letter, length), *free)

    # ---- calls ----

    def call(self, node: ast.Call, index: Sequence[ast.expr]) -> Part:
        name = called(node)
        row = getattr(node, "primitive", self.evaluator.functions.get(name))
        row = row if isinstance(row, Primitive) else None
        operands, trees = operands_of(row, node)
        match name, node.args:
            case "where", [_, _, _]:
                return self.choice(node, index)
            case (("float64" | "float32"), [operand]):
                return self.at(operand, index)
            case "astype", _:
                inner = self.at(operands[0], index)
                is_test = isinstance(inner.tree, ast.Compare)
                return part(ONE, inner.tree) if is_test else inner
            case (("ones" | "zeros"), _):
                return Part(ONE) if name == "ones" else NOTHING
            case "eye", [_]:
                return part(ONE, self.letters.equal(index[0], index[1]))
            case "outer", [a, b]:
                flat = [call("np.ravel", side) for side in (a, b)]
                return self.contraction("i,j", "ij", flat, index)
            case "einsum", [ast.Constant(str(subscripts)), *factors]:
                left, _, right = subscripts.partition("->")
                return self.contraction(left, right, factors, index)
        if row is None or row.takes_any_number:
            return self.whole(node, index)
        given = {key: self.evaluator.evaluate(tree) for key, tree in trees.items()}
        match row.kind:
            case "entrywise":
                if any(map(np.ndim, given.values())):
                    raise NoComponentsError("there is an array among its arguments", name)
                parts = [self.part(operand, index).closed for operand in operands]
                return Part(like(with_operands(node, name, parts), node))
            case "arranges":
                return self.arranged(row, operands[0], given, index)
            case "spreads":
                return self.spread(row, operands[0], given, index)
            case "reduces" if row.composed is None:
                return self.reduced(row, operands[0], given, index)
        return self.composed(row, node, operands, given, index)

    def composed(
        self, operation: Primitive, node: ast.Call, operands: list[ast.expr],
        arguments: dict[str, Any], index: Sequence[ast.expr],
    ) -> Part:  # fmt: skip
        # as it is composed, unless that overflows
        values = [self.evaluator.evaluate(operand) for operand in operands]
        found = twin(operation, operands, values, arguments)
        if found is None or not np.isfinite(self.evaluator.evaluate(found.tree)).all():
            return self.whole(node, index)
        return self.at(found.tree, index)

    def arranged(
        self, row: Primitive, operand: ast.expr, arguments: dict[str, Any],
        index: Sequence[ast.expr],
    ) -> Part:  # fmt: skip
        # the operation is run on the numbers of the entries: that says where each comes from
        refuse_lists(row, arguments)
        shape = self.shape(operand)
        numbers = np.arange(math.prod(shape)).reshape(shape)
        origin = np.asarray(row(numbers, **arguments))
        places = unravelled(origin, shape)
        return self.at(operand, [self.letters.recognised(place, index) for place in places])

    def spread(
        self, row: Primitive, operand: ast.expr, arguments: dict[str, Any],
        index: Sequence[ast.expr],
    ) -> Part:  # fmt: skip
        # the backward rule is run on numbers: that says which entries go to one place
        refuse_lists(row, arguments)
        shape = self.shape(operand)
        out = row(Tensor(np.zeros(shape), True), **arguments)
        if out.data.any():
            raise NoComponentsError("it puts other numbers than 0 around", row.__name__)
        numbers = np.arange(float(out.size)).reshape(out.shape)
        goal = np.broadcast_to(out.closures(False)[0](numbers), shape)
        inner = [self.letters.new(n) for n in shape]
        goals = unravelled(goal.round().astype(int), out.shape)
        reached = [self.letters.recognised(place, inner) for place in goals]
        meets = [self.letters.equal(i, j) for i, j in zip(index, reached, strict=True)]
        tree, conditions = self.at(operand, inner)
        result = part(tree, *meets, *conditions)
        for letter, n in reversed(list(zip(inner, shape, strict=True))):
            result = self.total(result, letter, n)
        return result

    def reduced(
        self, row: Primitive, operand: ast.expr, arguments: dict[str, Any],
        index: Sequence[ast.expr],
    ) -> Part:  # fmt: skip
        shape = self.shape(operand)
        axis = arguments.get("axis")
        axes = range(len(shape)) if axis is None else np.ravel(axis).tolist()
        gone = [int(a) % len(shape) for a in axes]
        keepdims = bool(arguments.get("keepdims"))
        if not math.prod(shape):
            raise NoComponentsError("it is given no entries", row.__name__)
        outer = iter(index)
        inner = []
        for axis, n in enumerate(shape):
            inner.append(self.letters.new(n) if axis in gone else next(outer))
            if axis in gone and keepdims:
                next(outer)
        result = self.at(operand, inner)
        for axis in sorted(gone, reverse=True):
            if isinstance(inner[axis], ast.Name):
                result = Part(over(row.__name__, result.closed, inner[axis], shape[axis]))
        return result

    def contraction(
        self, inputs: str, output: str, operands: Sequence[ast.expr], index: Sequence[ast.expr]
    ) -> Part:
        places = dict(zip(output, index, strict=True))
        lengths: dict[str, int] = {}
        terms = inputs.split(",")
        for term, operand in zip(terms, operands, strict=True):
            for axis, n in zip(term, self.shape(operand), strict=True):
                lengths[axis] = max(lengths.get(axis, 1), n) if n else 0
        summed = {axis: self.letters.new(n) for axis, n in lengths.items() if axis not in places}
        places |= summed
        factors = [
            self.part(operand, [places[axis] for axis in term])
            for term, operand in zip(terms, operands, strict=True)
        ]
        result = functools.reduce(functools.partial(self.operator, ast.Mult()), factors)
        for axis in reversed(summed):
            result = self.total(result, summed[axis], lengths[axis])
        return result


def without_common(a: Part, b: Part) -> tuple[tuple[ast.expr, ...], Part, Part]:
    texts = {ast.unparse(c) for c in a.conditions} & {ast.unparse(c) for c in b.conditions}
    both = tuple(c for c in a.conditions if ast.unparse(c) in texts)
    rest = (
        Part(p.tree, tuple(c for c in p.conditions if ast.unparse(c) not in texts)) for p in (a, b)
    )
    return both, *rest  # type: ignore[return-value]


def matrix_product(m: int, n: int) -> tuple[str, str]:
    stack = "abcdefgh"[: max(m, n, 2) - 2]
    left = stack[len(stack) - max(m - 2, 0) :] + ("ij" if m > 1 else "j")
    right = stack[len(stack) - max(n - 2, 0) :] + ("jk" if n > 1 else "j")
    return f"{left},{right}", stack + ("i" if m > 1 else "") + ("k" if n > 1 else "")


def refuse_lists(row: Primitive, arguments: dict[str, Any]) -> None:
    # of places that are listed one by one, a rule that fits would be an accident
    for value in (arguments.get(word) for word in ("key", "indices", "repeats")):
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, np.ndarray | list) and np.ndim(item):
                raise NoComponentsError("its places are listed one by one", row.__name__)


def unravelled(numbers: np.ndarray, shape: tuple[int, ...]) -> list[np.ndarray]:
    if not shape or not math.prod(shape):
        return [np.zeros_like(numbers) for _ in shape]
    return [np.asarray(place) for place in np.unravel_index(numbers, shape)]


def with_operands(node: ast.Call, name: str, operands: list[ast.expr]) -> ast.Call:
    match node.func:
        case ast.Attribute(ast.Name("np")) | ast.Name():
            return ast.Call(node.func, [*operands, *node.args[len(operands) :]], node.keywords)
    method = ast.Attribute(operands[0], name)
    return ast.Call(method, [*operands[1:], *node.args[len(operands) - 1 :]], node.keywords)


def called(node: ast.Call) -> str:
    match node.func:
        case ast.Attribute(_, name) | ast.Name(name):
            return name
    return ""
