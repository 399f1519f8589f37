"""One component of an expression, found from the expression itself.

The component j, k of ``g @ a.mT`` is ``sum(g[j, i] * a[k, i] for i in range(n))``: Python code too,
which is evaluated like every other line. Nothing is known here of what an operation means. One that
only arranges entries is run on the numbers of the entries, and so says where each comes from; one
that puts entries somewhere, or adds them up, says by its own backward rule where each goes to; one
that has a composed twin is taken apart as its twin.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np

from ...backward import backward_closures
from ...engine import Tensor
from ...notation.steps import twin
from ...notation.trees import literal
from ...notation.writer import ENTRY_BY_ENTRY
from ...table import TABLE
from .indices import Indices
from .simplify import ONE, ZERO, number, product, simple
from .sums import chosen, guards, looped, total
from .trees import names

#: Functions that work entry by entry, further to those that the writers know.
UFUNCS = ENTRY_BY_ENTRY | {"logical_not", "isfinite", "erfc", "clip"}

#: Each entry of the result is one of the operand's.
ARRANGE = {
    "reshape", "ravel", "expand_dims", "squeeze", "flip", "roll", "broadcast_to", "repeat", "tile",
    "transpose", "diagonal", "take_along_axis", "getitem", "windows",
}  # fmt: skip

#: Each entry of the operand is added to one of the result's.
SPREAD = {"sum", "sum_to", "scatter", "on_diagonal", "from_windows", "pad"}

#: Each entry of any operand is one of the result's.
JOIN = {"concatenate", "stack"}

#: Of more arrays joined than this, the entries are not told apart.
MOST_CASES = 20

#: What reduces entries otherwise than by adding them up, and what does it over a letter.
REDUCE = {"max": "largest", "min": "smallest", "prod": "product"}


class NoComponentsError(ValueError):
    """An expression that is not taken apart into components."""


class Components:
    """Takes expressions apart into components.

    Parameters
    ----------
    functions
        What the functions in the expressions are, by name.
    evaluated
        Gives the value of an expression.
    shape_of
        Gives the shape of an expression.
    indices
        What is known of the letters; each that is taken is added.
    letters
        The letters for sums, from which one is taken for each.
    upstream
        The name of an array that a Kronecker delta is put in place of, and the letters of the one
        entry at which it is 1.
    """

    def __init__(
        self,
        functions: Mapping[str, Any],
        evaluated: Callable[[ast.expr], Any],
        shape_of: Callable[[ast.expr], tuple[int, ...]],
        indices: Indices,
        letters: Iterator[str],
        upstream: tuple[str, Sequence[ast.expr]] | None = None,
    ) -> None:
        self.functions, self.evaluated, self.shape_of = functions, evaluated, shape_of
        self.indices = indices
        self.letters, self.upstream = letters, upstream

    def letter(self, length: int) -> ast.expr:
        """Take a letter for an axis: 0, where it has one place only."""
        if length == 1:
            return ast.Constant(0)
        try:
            name = next(self.letters)
        except StopIteration:
            raise NoComponentsError("a sum over more axes than there are letters") from None
        self.indices.lengths[name] = length
        return ast.Name(name)

    def at(self, node: ast.expr, index: Sequence[ast.expr]) -> ast.expr:
        """Return one component of an expression, at an index for each of its axes."""
        match node:
            case ast.Constant():
                return node
            case ast.BinOp(left, ast.MatMult(), right):
                return self.product(left, right, index)
            case ast.BinOp(left, op, right):
                return simple(ast.BinOp(self.part(left, index), op, self.part(right, index)))
            case ast.UnaryOp(op, operand):
                return simple(ast.UnaryOp(op, self.part(operand, index)))
            case ast.Compare(left, ops, others):
                return ast.Compare(
                    self.part(left, index), ops, [self.part(other, index) for other in others]
                )
            case ast.Attribute(value, "mT"):
                return self.at(value, [*index[:-2], index[-1], index[-2]])
            case ast.Attribute(ast.Name("np")):
                return node
            case ast.Subscript(value, key):
                return self.arranged("getitem", value, [self.key(key)], {}, index)
            case ast.Call():
                return self.call(node, index)
            case ast.Name(name) if self.upstream is not None and name == self.upstream[0]:
                places = zip(self.upstream[1], self.axes(node, index), strict=True)
                return product(*(self.indices.equal(i, j) for i, j in places))
        return self.whole(node, index)

    def axes(self, node: ast.expr, index: Sequence[ast.expr]) -> list[ast.expr]:
        """Return an index with 0 for every axis of length 1."""
        shape = self.shape_of(node)
        return [ast.Constant(0) if n == 1 else i for i, n in zip(index, shape, strict=True)]

    def part(self, node: ast.expr, index: Sequence[ast.expr]) -> ast.expr:
        """Return a component of an operand that is broadcast."""
        if isinstance(node, ast.Constant):
            return node
        ndim = len(self.shape_of(node))
        return self.at(node, self.axes(node, index[len(index) - ndim :]))

    def whole(self, node: ast.expr, index: Sequence[ast.expr]) -> ast.expr:
        """Return an entry of what is not taken apart: of a name, or of a function's result."""
        if self.depends(node):
            raise NoComponentsError(ast.unparse(node)[:100])
        if isinstance(node, ast.Name) and not self.shape_of(node):
            return node
        if names(node) <= {"np"}:
            array = np.asarray(self.evaluated(node))
            if array.size and array.dtype.kind in "fiu" and (array == array.flat[0]).all():
                return literal(array.flat[0].item())
        return ast.Subscript(node, ast.Tuple(self.axes(node, index)))

    def depends(self, node: ast.expr) -> bool:
        """Say whether an expression depends on the upstream gradient, and so on the delta."""
        return self.upstream is not None and self.upstream[0] in names(node)

    def key(self, key: ast.expr) -> Any:
        """Return the value of what stands in the brackets of an index."""
        return self.evaluated(ast.Subscript(ast.Attribute(ast.Name("np"), "s_"), key))

    def product(self, left: ast.expr, right: ast.expr, index: Sequence[ast.expr]) -> ast.expr:
        """Return a component of a matrix product, or of stacks of them: a sum."""
        m, n = len(self.shape_of(left)), len(self.shape_of(right))
        length = self.shape_of(left)[-1]
        i = self.letter(length)
        stacks = list(index[: len(index) - (m > 1) - (n > 1)])
        row = [index[len(stacks)]] if m > 1 else []
        column = [index[-1]] if n > 1 else []
        first = self.part(left, [*stacks, *row, i])
        second = self.part(right, [*stacks, i, *column])
        return total(product(first, second), i, length, self.indices)

    def call(self, node: ast.Call, index: Sequence[ast.expr]) -> ast.expr:
        """Return a component of a call."""
        name, args = function_of(node), list(node.args)
        method = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) != "np"
        if method:
            args = [node.func.value, *args]  # type: ignore[attr-defined]
        match name:
            case "float64" | "float32":
                return args[0]
            case "astype":
                inner = self.at(args[0], index)
                return chosen([inner], ONE, ZERO) if isinstance(args[0], ast.Compare) else inner
            case "ones" | "zeros":
                return ONE if name == "ones" else ZERO
            case "eye" if len(args) == 1:
                return self.indices.equal(index[0], index[1])
            case "outer":
                return product(*(
                    self.at(numpy_call("ravel", side), [i])
                    for side, i in zip(args, index, strict=True)
                ))  # fmt: skip
            case "einsum":
                return self.einsum(args, index)
            case "cumsum":
                return self.running(node, index)
        if name in UFUNCS:
            parts = [self.part(a, index) for a in args]
            if name == "where" and np.asarray(self.evaluated(args[0])).dtype != bool:
                parts[0] = ast.Compare(parts[0], [ast.NotEq()], [ast.Constant(0)])
            if name == "where" and number(parts[1]) == 0 and is_equality(parts[0]):
                return opposite(parts[0], parts[1], parts[2])
            if method:
                return ast.Call(ast.Attribute(parts[0], name), parts[1:], node.keywords)
            return simple(ast.Call(node.func, parts, node.keywords))

        known = {word.arg or "": self.evaluated(word.value) for word in node.keywords}
        if name in JOIN:
            operands = args[0].elts if isinstance(args[0], ast.List) else [args[0]]
            if len(operands) > MOST_CASES and not self.depends(node):
                return self.whole(node, index)
            return self.joined(name, operands, [self.evaluated(a) for a in args[1:]], known, index)
        several = np.ndim(known.get("constant_values", 0))  # of a pad: a number for each side
        kinds = ((ARRANGE, self.arranged), (SPREAD, self.spread), (REDUCE, self.reduced))
        for kind, taken_apart in kinds:
            if name in kind and not several:
                settings = [self.evaluated(a) for a in args[1:]]
                return taken_apart(name, args[0], settings, known, index)
        twin = self.twin(name, args, known)
        return self.whole(node, index) if twin is None else self.at(twin, index)

    # ---- operations that know by themselves where entries come from or go to ----

    def arranged(
        self, name: str, operand: ast.expr, settings: list[Any], known: dict[str, Any],
        index: Sequence[ast.expr],
    ) -> ast.expr:  # fmt: skip
        """Return a component of entries arranged anew: run on their numbers, it says from where."""
        shape = self.shape_of(operand)
        numbers = np.arange(math.prod(shape)).reshape(shape)
        origin = np.asarray(TABLE[name](numbers, *settings, **known))
        places = unravelled(origin, shape)
        listed = lists_places(settings, known)
        return self.at(operand, [self.indices.recognised(p, index, listed) for p in places])

    def spread(
        self, name: str, operand: ast.expr, settings: list[Any], known: dict[str, Any],
        index: Sequence[ast.expr],
    ) -> ast.expr:  # fmt: skip
        """Return a component of what entries were put into, or added to: a sum over them."""
        out = TABLE[name](placeholder(self.shape_of(operand)), *settings, **known)
        frame = known.get("constant_values", 0)
        if np.any(frame):
            return self.first_of([self.placed(operand, out, 0, index)], literal(float(frame)))
        return self.collected(operand, out, 0, index, lists_places(settings, known))

    def collected(
        self, operand: ast.expr, out: Tensor, i: int, index: Sequence[ast.expr],
        listed: bool = False, counted: bool = False,
    ) -> ast.expr:  # fmt: skip
        """Sum the entries of an operand that, by the backward rule, go to one place; or count."""
        shape = self.shape_of(operand)
        places, taken, new = self.letters_of(shape, out, i, index)
        reached = (self.indices.recognised(place, taken, listed) for place in places)
        result = product(
            *(
                self.indices.equal(wanted, goal)
                for wanted, goal in zip(index, reached, strict=True)
            ),
            ONE if counted else self.at(operand, taken),
        )
        for axis in reversed(new):
            result = total(result, taken[axis], shape[axis], self.indices)
        return result

    def placed(
        self, operand: ast.expr, out: Tensor, i: int, index: Sequence[ast.expr]
    ) -> tuple[list[ast.expr] | None, ast.expr]:
        """Return the conditions for a place to hold an entry of an operand, and that entry."""
        count = self.collected(operand, out, i, index, counted=True)
        if number(count) == 0:
            return None, ZERO
        conditions, _ = guards(count, self.indices)
        texts = {ast.unparse(condition) for condition in conditions}
        every, value = guards(self.collected(operand, out, i, index), self.indices)
        own = [condition for condition in every if ast.unparse(condition) not in texts]
        return conditions, chosen(own, value, ZERO) if own else value

    def letters_of(
        self, shape: tuple[int, ...], out: Tensor, i: int, index: Sequence[ast.expr]
    ) -> tuple[list[np.ndarray], list[ast.expr], list[int]]:
        """Give every axis of operand i a letter: of the result's, where it is the same axis.

        Returns
        -------
        places
            Where each entry goes to, on each axis of the result: the rule says it, run on numbers.
        letters
            A letter for each axis of the operand.
        new
            The axes that have a letter of their own.
        """
        numbers = np.arange(float(out.size)).reshape(out.shape)
        goal = backward_closures(out, create_graph=False)[i](numbers)
        places = unravelled(np.broadcast_to(goal, shape).round().astype(int), out.shape)
        known: dict[int, ast.expr] = {}
        for place, n, wanted in zip(places, out.shape, index, strict=True):
            for axis, length in enumerate(shape):
                if length == n != 1 and axis not in known and counts_along(place, axis):
                    known[axis] = wanted
                    break
        new = [axis for axis in range(len(shape)) if axis not in known]
        letters = {**known, **{axis: self.letter(shape[axis]) for axis in new}}
        return places, [letters[axis] for axis in range(len(shape))], new

    def joined(
        self, name: str, operands: Sequence[ast.expr], settings: list[Any],
        known: dict[str, Any], index: Sequence[ast.expr],
    ) -> ast.expr:  # fmt: skip
        """Return a component of arrays joined: of the one that it comes from."""
        if None in (*settings, known.get("axis", 0)):
            operands = [numpy_call("ravel", operand) for operand in operands]
            settings, known = [], {"axis": 0}
        tensors = [placeholder(self.shape_of(operand)) for operand in operands]
        out = TABLE[name](tensors, *settings, **known)
        parts = [
            self.placed(operand, out, i, index)
            for i, operand in enumerate(operands) if tensors[i].size
        ]  # fmt: skip
        parts = [part for part in parts if part[0] is not None]
        return self.first_of(parts[:-1], parts[-1][1]) if parts else ZERO

    def first_of(
        self, parts: Sequence[tuple[list[ast.expr] | None, ast.expr]], otherwise: ast.expr
    ) -> ast.expr:
        """Return a choice: the first value whose conditions hold; None for those that never do."""
        for conditions, value in reversed(parts):
            if conditions is not None:
                otherwise = chosen(conditions, value, otherwise) if conditions else value
        return otherwise

    def reduced(
        self, name: str, operand: ast.expr, settings: list[Any], known: dict[str, Any],
        index: Sequence[ast.expr],
    ) -> ast.expr:  # fmt: skip
        """Return a component of a reduction: over the axes that a sum would go over."""
        shape = self.shape_of(operand)
        out = TABLE["sum"](placeholder(shape), *settings, **known)
        _, taken, new = self.letters_of(shape, out, 0, index)
        result = self.at(operand, taken)
        for axis in reversed(new):
            i = taken[axis]
            if isinstance(i, ast.Name):
                result = looped(result, i, shape[axis], REDUCE[name])
        return result

    # ---- operations written with letters ----

    def einsum(self, args: Sequence[ast.expr], index: Sequence[ast.expr]) -> ast.expr:
        """Return a component of a sum by Einstein's convention."""
        terms, _, output = ast.literal_eval(args[0]).partition("->")
        places: dict[str, ast.expr] = dict(zip(output, index, strict=True))
        lengths: dict[str, int] = {}
        for term, operand in zip(terms.split(","), args[1:], strict=True):
            for axis, n in zip(term, self.shape_of(operand), strict=True):
                lengths[axis] = n if lengths.get(axis, 1) == 1 else lengths[axis]
        new = {axis: self.letter(n) for axis, n in lengths.items() if axis not in places}
        places |= new
        body = product(*(
            self.part(operand, [places[axis] for axis in term])
            for term, operand in zip(terms.split(","), args[1:], strict=True)
        ))  # fmt: skip
        for axis in reversed(new):
            body = total(body, new[axis], lengths[axis], self.indices)
        return body

    def running(self, node: ast.Call, index: Sequence[ast.expr]) -> ast.expr:
        """Return a component of a running sum: the sum of all entries up to it."""
        operand, *given = [*node.args, *(word.value for word in node.keywords)]
        axis = ast.literal_eval(given[0]) if given else None
        if axis is None:
            operand, axis = numpy_call("ravel", operand), 0
        shape = self.shape_of(operand)
        i = self.letter(shape[axis])
        inner = list(index)
        inner[axis] = i
        before = ast.Compare(i, [ast.LtE()], [index[axis]])
        body = self.at(operand, inner)
        if isinstance(i, ast.Name):
            body = product(before, body)
        return total(body, i, shape[axis], self.indices)

    def twin(
        self, name: str, args: Sequence[ast.expr], settings: dict[str, Any]
    ) -> ast.expr | None:
        """Return a function as it is composed of simpler ones; None where that overflows."""
        values = [self.evaluated(a) for a in args]
        found = twin(self.functions.get(name), args, values, settings)
        if found is None or not np.isfinite(np.asarray(self.evaluated(found.tree))).all():
            return None
        return found.tree


def placeholder(shape: tuple[int, ...]) -> Tensor:
    """Return a tensor of a shape, for a backward rule that is asked where entries go to."""
    return Tensor(np.zeros(shape), requires_grad=True)


def is_equality(condition: ast.expr) -> TypeGuard[ast.Compare]:
    """Say whether a condition is that two things are equal, or that they are not."""
    return isinstance(condition, ast.Compare) and isinstance(condition.ops[0], ast.Eq | ast.NotEq)


def opposite(condition: ast.Compare, a: ast.expr, b: ast.expr) -> ast.expr:
    """Return a choice the other way round, so that what is zero stands last."""
    op = ast.NotEq() if isinstance(condition.ops[0], ast.Eq) else ast.Eq()
    return chosen([ast.Compare(condition.left, [op], condition.comparators)], b, a)


def lists_places(settings: Sequence[Any], known: dict[str, Any]) -> bool:
    """Say whether an operation was told places one by one, as by an array of labels."""
    key = known.get("key", known.get("indices", settings[0] if settings else None))
    parts = key if isinstance(key, tuple) else (key,)
    return any(isinstance(part, np.ndarray | list) and np.ndim(part) for part in parts)


def counts_along(place: np.ndarray, axis: int) -> bool:
    """Say whether an array of indices is 0, 1, 2, ... along an axis, and equal along all others."""
    along = np.arange(place.shape[axis])
    along = along.reshape([-1 if a == axis else 1 for a in range(place.ndim)])
    return bool((place == along).all())


def unravelled(numbers: np.ndarray, shape: tuple[int, ...]) -> list[np.ndarray]:
    """Return, for the numbers of entries, their index on each axis."""
    if not shape or not math.prod(shape):
        return [np.zeros_like(numbers) for _ in shape]
    return [np.asarray(place) for place in np.unravel_index(numbers, shape)]


def function_of(node: ast.expr) -> str:
    """Return the name of the function that is called."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id  # type: ignore[attr-defined]


def numpy_call(name: str, *args: ast.expr) -> ast.Call:
    """Return a call of a function of NumPy's."""
    return ast.Call(ast.Attribute(ast.Name("np"), name), list(args), [])
