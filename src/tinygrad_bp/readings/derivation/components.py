"""Lines in components, with explicit sums: found from the matrix lines, not written again.

A line such as ``g @ a.mT`` is taken apart: its component j, k is ``sum(g[j, i] * a[k, i] for i in
range(n))``, which is Python code, and is evaluated like every other line. The Jacobian of a step is
its rule in components, run on a unit upstream gradient: a Kronecker delta in place of g. Where a
delta is left over, the two values that it can have are the two cases, i = j and i != j.
"""

from __future__ import annotations

import ast
import contextlib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from ...backward import backward_closures, summed_to
from ...notation.latex import LatexWriter, environment
from ...notation.text import TextWriter
from ...notation.writer import ENTRY_BY_ENTRY, Level, Piece, Writer, is_where
from ...tensor import Tensor
from .document import Block, Equation, Formula, Heading, Sentence
from .lines import BOUND, FREE, Edge, Lines, close, copied, put
from .values import shown

#: A Jacobian is checked in so many rows, taken evenly from all of it.
MOST_ROWS = 50

#: Functions of NumPy's that work entry by entry, further to those of the writers.
UFUNCS = ENTRY_BY_ENTRY | {"logical_not", "isfinite"}


class NoComponentsError(ValueError):
    """An expression that is not taken apart into components."""


class Taken:
    """Takes expressions apart into components.

    Parameters
    ----------
    shape_of
        Gives the shape of an expression.
    letters
        The letters for sums, from which one is taken for each.
    upstream
        The name of an array that a Kronecker delta is put in place of, and the letters of the one
        entry at which it is 1.
    """

    def __init__(
        self,
        shape_of: Callable[[ast.expr], tuple[int, ...]],
        letters: Iterator[str],
        upstream: tuple[str, Sequence[ast.expr]] | None = None,
    ) -> None:
        self.shape_of, self.letters, self.upstream = shape_of, letters, upstream

    def letter(self) -> str:
        """Take a letter."""
        try:
            return next(self.letters)
        except StopIteration:
            raise NoComponentsError("there are too few letters") from None

    def at(self, node: ast.expr, index: Sequence[ast.expr]) -> ast.expr:
        """Return one component of an expression, at an index for each of its axes."""
        shape = self.shape_of(node)
        index = [ast.Constant(0) if n == 1 else i for i, n in zip(index, shape, strict=True)]
        match node:
            case ast.Constant():
                return node
            case ast.Name(id=name):
                if self.upstream is not None and name == self.upstream[0]:
                    return delta(index, self.upstream[1])
                return ast.Subscript(node, ast.Tuple(list(index))) if shape else node
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
            case ast.Call():
                return self.call(node, index)
        raise NoComponentsError(ast.unparse(node))

    def part(self, node: ast.expr, index: Sequence[ast.expr]) -> ast.expr:
        """Return a component of an operand that is broadcast."""
        ndim = len(self.shape_of(node))
        return self.at(node, index[len(index) - ndim :])

    def product(self, left: ast.expr, right: ast.expr, index: Sequence[ast.expr]) -> ast.expr:
        """Return a component of a matrix product: a sum."""
        m, n = len(self.shape_of(left)), len(self.shape_of(right))
        if m > 2 or n > 2:
            raise NoComponentsError("a product of stacks of matrices")
        length = self.shape_of(left)[-1]
        i: ast.expr = ast.Name(self.letter()) if length != 1 else ast.Constant(0)
        first = self.at(left, [*index[: m - 1], i])
        second = self.at(right, [i, *index[m - 1 :]])
        return total(simple(ast.BinOp(first, ast.Mult(), second)), i, length)

    def call(self, node: ast.Call, index: Sequence[ast.expr]) -> ast.expr:
        """Return a component of a call."""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id  # type: ignore[attr-defined]
        of_numpy = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "np"
        keywords = {word.arg: word.value for word in node.keywords}
        if name in UFUNCS and (of_numpy or isinstance(node.func, ast.Name)) and not keywords:
            return ast.Call(node.func, [self.part(a, index) for a in node.args], [])
        if not of_numpy:
            raise NoComponentsError(name)
        a = node.args[0]
        shape = self.shape_of(a)
        match name:
            case "sum" if len(node.args) == 1:
                axis = keywords.get("axis")
                value = None if axis is None else ast.literal_eval(axis)
                axes = range(len(shape)) if value is None else np.atleast_1d(value)
                summed = {int(axis) % len(shape) for axis in axes}
                rest = [*index] if "keepdims" not in keywords else [
                    i for axis, i in enumerate(index) if axis not in summed
                ]  # fmt: skip
                places = iter(rest)
                bound = {
                    axis: ast.Name(self.letter()) if shape[axis] != 1 else ast.Constant(0)
                    for axis in sorted(summed)
                }
                inner = [
                    bound[axis] if axis in bound else next(places) for axis in range(len(shape))
                ]
                body = self.at(a, inner)
                for place in sorted(summed, reverse=True):
                    body = total(body, bound[place], shape[place])
                return body
            case "broadcast_to":
                return self.part(a, index)
            case "expand_dims":
                axis = ast.literal_eval(node.args[1] if node.args[1:] else keywords["axis"])
                ndim = len(index)
                dropped = {int(i) % ndim for i in np.atleast_1d(axis)}
                return self.at(a, [i for axis, i in enumerate(index) if axis not in dropped])
            case "outer" if len(shape) == 1 and len(self.shape_of(node.args[1])) == 1:
                sides = [self.at(side, [i]) for side, i in zip(node.args, index, strict=True)]
                return simple(ast.BinOp(sides[0], ast.Mult(), sides[1]))
            case "float64" | "float32":
                return a
            case "ones" | "zeros":
                return ast.Constant(1.0 if name == "ones" else 0.0)
        raise NoComponentsError(f"np.{name}")


def delta(index: Sequence[ast.expr], at: Sequence[ast.expr]) -> ast.expr:
    """Return the product of a Kronecker delta for each axis."""
    result: ast.expr = ast.Constant(1.0)
    for i, j in zip(index, at, strict=True):
        if not isinstance(i, ast.Constant) and not isinstance(j, ast.Constant):
            result = simple(ast.BinOp(result, ast.Mult(), equal(j, i)))
    return result


def equal(i: ast.expr, j: ast.expr) -> ast.Compare:
    """Return the condition i = j."""
    return ast.Compare(i, [ast.Eq()], [j])


def total(body: ast.expr, i: ast.expr, length: int) -> ast.expr:
    """Sum over a letter; of a product with a delta of that letter, one term is left."""
    if isinstance(i, ast.Constant):
        return body
    assert isinstance(i, ast.Name)
    found = factors(body)
    for factor in found:
        if is_delta(factor) and i.id in names(factor):
            (other,) = [side for side in sides(factor) if ast.unparse(side) != i.id]
            rest: ast.expr = ast.Constant(1.0)
            for f in found:
                if f is not factor:
                    rest = simple(ast.BinOp(rest, ast.Mult(), f))
            return put(rest, {i.id: other})
    if i.id not in names(body):
        return simple(ast.BinOp(ast.Constant(float(length)), ast.Mult(), body))
    return looped(body, i, length)


def looped(body: ast.expr, i: ast.Name, length: int) -> ast.expr:
    """Return a sum over a letter."""
    numbers = ast.Call(ast.Name("range"), [ast.Constant(length)], [])
    loop = ast.comprehension(ast.Name(i.id, ast.Store()), numbers, [], 0)
    return ast.Call(ast.Name("sum"), [ast.GeneratorExp(body, [loop])], [])


def factors(tree: ast.expr) -> list[ast.expr]:
    """Return the factors of a product."""
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult):
        return [*factors(tree.left), *factors(tree.right)]
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        inner = factors(tree.operand)
        return [ast.Constant(-1.0), *inner] if len(inner) > 1 else [tree]
    return [tree]


def is_delta(tree: ast.expr) -> bool:
    """Say whether an expression is a Kronecker delta."""
    return (
        isinstance(tree, ast.Compare)
        and isinstance(tree.ops[0], ast.Eq)
        and all(isinstance(side, ast.Name) for side in sides(tree))
    )


def sides(tree: ast.expr) -> list[ast.expr]:
    """Return the two sides of a delta."""
    assert isinstance(tree, ast.Compare)
    return [tree.left, *tree.comparators]


def names(tree: ast.expr) -> set[str]:
    """Return the names in an expression."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def number(tree: ast.expr) -> float | None:
    """Return the value of a number; None for any other expression."""
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        inner = number(tree.operand)
        return None if inner is None else -inner
    plain = isinstance(tree, ast.Constant) and type(tree.value) in (int, float)
    return tree.value if plain else None  # type: ignore[attr-defined]


def simple(tree: ast.expr) -> ast.expr:
    """Leave out factors 1, terms 0, and products with 0: what a delta becomes in each case."""
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return ast.Constant(0.0) if number(tree.operand) == 0 else tree
    if not isinstance(tree, ast.BinOp):
        return tree
    left, right = number(tree.left), number(tree.right)
    match tree.op:
        case ast.Mult():
            if 0 in (left, right):
                return ast.Constant(0.0)
            if left == 1:
                return tree.right
            if right == 1:
                return tree.left
            if left == -1:
                return simple(ast.UnaryOp(ast.USub(), tree.right))
            if isinstance(tree.right, ast.UnaryOp) and isinstance(tree.right.op, ast.USub):
                return ast.UnaryOp(ast.USub(), ast.BinOp(tree.left, ast.Mult(), tree.right.operand))
        case ast.Div() if left == 0:
            return ast.Constant(0.0)
        case ast.Div() if right == 1:
            return tree.left
        case ast.Add() if left == 0:
            return tree.right
        case ast.Add() | ast.Sub() if right == 0:
            return tree.left
        case ast.Sub() if left == 0:
            return ast.UnaryOp(ast.USub(), tree.right)
    return tree


def with_delta(tree: ast.expr, condition: str, value: float) -> ast.expr:
    """Put 1 or 0 for a Kronecker delta, and simplify what that leaves."""

    class Put(ast.NodeTransformer):
        def visit_Compare(self, node: ast.Compare) -> ast.expr:
            return ast.Constant(value) if ast.unparse(node) == condition else node

        def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
            self.generic_visit(node)
            return simple(node)

        def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
            self.generic_visit(node)
            return simple(node)

        def visit_Call(self, node: ast.Call) -> ast.expr:
            self.generic_visit(node)
            body = node.args[0] if node.args else None
            if isinstance(body, ast.GeneratorExp) and number(body.elt) == 0:
                return ast.Constant(0.0)
            return node

    result: ast.expr = Put().visit(copied(tree))
    return result


class Jacobian:
    """The derivative of one component of a step by one of its operand's, in its cases.

    Parameters
    ----------
    tree
        The component, with Kronecker deltas in it.
    free
        The letters of the operand's component: kept, where two letters are equal.
    """

    def __init__(self, tree: ast.expr, free: Sequence[str]) -> None:
        deltas = {
            ast.unparse(node): node
            for node in ast.walk(tree)
            if isinstance(node, ast.expr) and is_delta(node)
        }
        self.needed: list[ast.Compare] = []  # without these it is zero
        self.split: list[ast.Compare] = []
        self.equal = tree  # where the letters of a delta are equal
        self.different: ast.expr | None = None
        for text, node in deltas.items():
            assert isinstance(node, ast.Compare)
            otherwise = with_delta(self.equal, text, 0.0)
            if number(otherwise) == 0:
                self.needed.append(node)
            elif self.split:
                raise NoComponentsError("a Jacobian of more than two cases")
            else:
                self.split.append(node)
                self.different = otherwise
            self.equal = with_delta(self.equal, text, 1.0)
        known = {}
        for node in (*self.needed, *self.split):
            left, right = (side.id for side in sides(node))  # type: ignore[attr-defined]
            known[left if left not in free else right] = ast.Name(left if left in free else right)
        self.same = {name: other for name, other in known.items() if name != other.id}
        self.equal = put(self.equal, self.same)
        if self.different is not None:
            split = names(self.split[0])
            self.different = put(
                self.different, {n: o for n, o in self.same.items() if n not in split}
            )

    def tree(self) -> ast.expr:
        """Return it as one expression, with np.where for the cases."""
        conditions = [*self.needed, *self.split]
        otherwise: ast.expr = ast.Constant(0.0)
        if self.different is not None:
            unlike = [ast.Compare(c.left, [ast.NotEq()], c.comparators) for c in self.split]
            otherwise = chosen([*self.needed, *unlike], self.different, otherwise)
        return chosen(conditions, self.equal, otherwise) if conditions else self.equal


def chosen(conditions: list[ast.Compare], a: ast.expr, b: ast.expr) -> ast.expr:
    """Return np.where(conditions, a, b)."""
    both: ast.expr = conditions[0]
    for condition in conditions[1:]:
        both = ast.BinOp(both, ast.BitAnd(), condition)
    return ast.Call(ast.Attribute(ast.Name("np"), "where"), [both, a, b], [])


# ---- Writing components ----


class Component(Writer):
    """What both printers of components share: entries, sums over letters, cases."""

    def entry(self, symbol: str, letters: str) -> str:
        """Write an entry of an array, or of a gradient."""
        raise NotImplementedError

    def sum_over(self, letter: str, length: int, unlike: str, body: Piece) -> Piece:
        """Write a sum over a letter."""
        raise NotImplementedError

    def write_Subscript(self, node: ast.Subscript) -> Piece:
        """Write one entry: an axis of length 1 has no letter."""
        assert isinstance(node.value, ast.Name)
        assert isinstance(node.slice, ast.Tuple)
        whole = super().write_Name(node.value)
        letters = ",".join(i.id for i in node.slice.elts if isinstance(i, ast.Name))
        return Piece(self.entry(whole.text, letters), whole.level, scalar=True)

    def write_Name(self, node: ast.Name) -> Piece:
        """Write a letter, or a single number."""
        if len(node.id) == 1 and node.id not in self.symbols:
            return Piece(node.id, scalar=True)
        piece: Piece = super().write_Name(node)
        return Piece(piece.text, piece.level, scalar=True)

    def write_Call(self, node: ast.Call) -> Piece:
        """Write a sum, or another call, which is a number too."""
        first = node.args[0]
        if isinstance(first, ast.GeneratorExp):
            loop = first.generators[0]
            assert isinstance(loop.target, ast.Name)
            assert isinstance(loop.iter, ast.Call)
            length = loop.iter.args[0]
            assert isinstance(length, ast.Constant)
            body, unlike = first.elt, ""
            if is_where(body):  # with the term of one letter left out
                condition = body.args[0]
                assert isinstance(condition, ast.Compare)
                unlike = ast.unparse(condition.comparators[0])
                body = body.args[1]
            assert isinstance(length.value, int)
            return self.sum_over(loop.target.id, length.value, unlike, self.write(body))
        piece: Piece = super().write_Call(node)
        return Piece(piece.text, piece.level, True, piece.kind, piece.minus)

    def choice(self, node: ast.Call) -> Piece:
        """Write the cases of a choice, with a condition for each."""
        rows = []
        last: ast.expr = node
        while is_where(last):
            rows.append((self.write(last.args[1]).text, self.write(last.args[0]).text))
            last = last.args[2]
        piece: Piece = self.cases(rows, self.write(last))
        return Piece(piece.text, piece.level, scalar=True)


def indexed(symbol: str, letters: str) -> str:
    r"""Return a symbol in LaTeX with letters below.

    Examples
    --------
    >>> print(indexed("z_3", "j"), indexed(r"\hat{y}", "j"), indexed("W_1", "j,k"))
    z_{3,j} \hat{y}_{j} W_{1,jk}
    """
    letters = letters.replace(",", "")
    match = re.fullmatch(r"(.*[^_^])_(?:(\w)|\{([^{}]*)\})", symbol)
    if match is None:
        plain = "_" not in symbol and "^" not in symbol
        return f"{symbol if plain else '{' + symbol + '}'}_{{{letters}}}"
    return f"{match[1]}_{{{match[2] or match[3]},{letters}}}"


class LatexComponents(Component, LatexWriter):
    """Writes components in LaTeX."""

    times: ClassVar = {**LatexWriter.times, "elementwise": " "}

    def entry(self, symbol: str, letters: str) -> str:
        """Write an entry: of a gradient, with the letters on what it is the derivative by."""
        if not letters:
            return symbol
        fraction = re.fullmatch(r"(\\frac\{.*\}\{\\partial )(.*)\}", symbol)
        if fraction:
            return f"{fraction[1]}{indexed(fraction[2], letters)}}}"
        return indexed(symbol, letters)

    def sum_over(self, letter: str, length: int, unlike: str, body: Piece) -> Piece:
        """Write a sum over a letter."""
        text = self.within(body, Level.PRODUCT)
        where = rf"{letter} \neq {unlike}" if unlike else f"{letter}=1"
        upto = "" if unlike else f"^{{{length}}}"
        return Piece(rf"\sum_{{{where}}}{upto} {text}", Level.REDUCTION, scalar=True)

    def cases(self, rows: list[tuple[str, str]], otherwise: Piece) -> Piece:
        """Write the cases; what is left is named only if it can be reached."""
        lines = [rf"{value} & \text{{if }} {condition}" for value, condition in rows]
        if otherwise.text != "0" or len(rows) == 1 or r"\land" in rows[-1][1]:
            lines.append(rf"{otherwise.text} & \text{{otherwise}}")
        return Piece(environment("cases", lines), Level.CHOICE, scalar=True)


class TextComponents(Component, TextWriter):
    """Writes components as plain text."""

    times: ClassVar = {**TextWriter.times, "elementwise": " "}

    def entry(self, symbol: str, letters: str) -> str:
        """Write an entry."""
        return f"{symbol}[{letters}]" if letters else symbol

    def sum_over(self, letter: str, length: int, unlike: str, body: Piece) -> Piece:
        """Write a sum over a letter."""
        where = f"{letter}≠{unlike}" if unlike else f"{letter}=1..{length}"
        text = self.within(body, Level.PRODUCT)
        return Piece(f"Σ[{where}] {text}", Level.REDUCTION, scalar=True)

    def cases(self, rows: list[tuple[str, str]], otherwise: Piece) -> Piece:
        """Write the cases; what is left is named only if it can be reached."""
        lines = [f"{value} if {condition}" for value, condition in rows]
        if otherwise.text != "0" or len(rows) == 1 or " and " in rows[-1][1]:
            lines.append(f"{otherwise.text} otherwise")
        return Piece("{" + "; ".join(lines) + "}", scalar=True)


class IndexForm:
    """Writes the lines in components."""

    def __init__(self, lines: Lines, numbers: bool) -> None:
        self.lines, self.numbers = lines, numbers
        # a tensor that is called like a letter keeps its name, and the letter is not used
        used = {*lines.latex.values(), *lines.text.values()}
        self.free = [letter for letter in FREE if letter not in used]
        self.bound = [letter for letter in (*BOUND,) if letter not in used]
        self.bound += self.free[2:]
        self._shapes: dict[str, tuple[int, ...]] = {}

    # ---- components ----

    def shape_of(self, tree: ast.expr) -> tuple[int, ...]:
        """Return the shape of an expression."""
        text = ast.unparse(tree)
        if text not in self._shapes:
            self._shapes[text] = np.shape(self.lines.evaluated(tree))
        return self._shapes[text]

    def letters(self, shape: tuple[int, ...], pool: Sequence[str]) -> list[ast.expr]:
        """Return an index for each axis: a letter, or 0 where its length is 1."""
        found = iter(pool)
        try:
            return [ast.Constant(0) if n == 1 else ast.Name(next(found)) for n in shape]
        except StopIteration:
            raise NoComponentsError(f"an array of {len(shape)} axes") from None

    def component(self, tree: ast.expr, what: str) -> tuple[ast.expr, list[ast.expr]]:
        """Return a component of an expression, checked, and the letters of it."""
        shape = self.shape_of(tree)
        index = self.letters(shape, self.free)
        part = Taken(self.shape_of, iter(self.bound)).at(tree, index)
        self.check(part, index, shape, self.lines.evaluated(tree), what)
        return part, index

    def check(
        self, part: ast.expr, index: Sequence[ast.expr], shape: tuple[int, ...], value: Any,
        what: str,
    ) -> None:  # fmt: skip
        """Raise ValueError unless a component has, at every index, the value."""
        got = self.everywhere(part, index, shape)
        if not close(got, np.asarray(value)):
            raise ValueError(
                f"this line does not hold: a component of {what} = {ast.unparse(part):.500}. It "
                f"gives {got!r:.200}, and the engine has {value!r:.200}."
            )

    def everywhere(
        self, part: ast.expr, index: Sequence[ast.expr], shape: tuple[int, ...], **at: Any
    ) -> np.ndarray:
        """Evaluate a component at every index."""
        grid = np.indices(shape, sparse=True) if shape else ()
        letters = {i.id: n for i, n in zip(index, grid, strict=True) if isinstance(i, ast.Name)}
        value = self.lines.evaluated(part, {"sum": sum, **letters, **at})
        kind = np.asarray(value).dtype
        return np.broadcast_to(np.asarray(value, kind), shape)

    # ---- the document ----

    def blocks(self) -> Iterator[Block]:
        """Yield the document."""
        lines = self.lines
        yield Heading("Derivation of the gradients, in components")
        yield from self.conventions()
        yield Heading("The equations")
        for t, tree in lines.forward:
            yield self.forward(t, tree)
        yield Heading("The gradients, from the loss backward")
        for x, tree in lines.backward:
            yield from self.gradient(x, tree)

    def conventions(self) -> Iterator[Block]:
        """Yield how the lines are to be read."""
        j, k = self.free[:2]
        i = self.bound[0]
        yield Sentence((
            "Conventions. ", Formula(rf"z_{{1,{j}}}", f"z₁[{j}]"),
            " is the entry in row ", Formula(j, j), " of ", Formula("z_1", "z₁"), ", and ",
            Formula(rf"W_{{1,{j}{k}}}", f"W₁[{j},{k}]"), " that in row ", Formula(j, j),
            " and column ", Formula(k, k), "; an axis of length 1 has no letter, and of a batch "
            "the columns are the samples. Every sum is written. A gradient has the shape of what "
            "it is the derivative by, which stands beside the line. The derivative of a step's "
            "entry ", Formula(i, i), " by its operand's entry ", Formula(j, j), " is the rule of "
            "that step, run on an upstream gradient that is 1 at ", Formula(i, i), " and 0 "
            "elsewhere. Every line was evaluated as it stands, at all of its entries, and gives "
            "the engine's number.",
        ))  # fmt: skip

    def forward(self, t: Tensor, tree: ast.expr) -> Equation:
        """Write an equation; of an operation that has no components, its composed twin's."""
        name = self.lines.name(t)
        try:
            part, index = self.component(tree, name)
        except NoComponentsError as error:
            twin = self.lines.twin(t)
            if twin is None:
                raise no_index_form(t, error) from error
            try:
                part, index = self.component(twin, name)
            except NoComponentsError as again:
                raise no_index_form(t, again) from again
            return self.equation(name, index, [part], t.data)
        sides = [part]
        definition = self.lines.definition(t)
        if definition is not None:
            with contextlib.suppress(NoComponentsError):
                sides.append(self.component(definition, name)[0])
        return self.equation(name, index, sides, t.data)

    def gradient(self, x: Tensor, tree: ast.expr) -> Iterator[Block]:
        """Write the local derivatives that lead to a gradient, then the gradient."""
        edges = self.lines.edges[x.id]
        name = self.lines.names.gradient(x)
        split: list[ast.expr] | None = None
        chain = Formula("", "")
        for edge in edges:
            if edge.output is self.lines.loss or edge.output.id in self.lines.inline:
                continue
            try:
                jacobian, index, at = self.jacobian(edge, x)
            except NoComponentsError as error:
                raise no_index_form(edge.output, error) from error
            yield self.local(edge.output, x, jacobian, index, at)
            if jacobian.different is not None and len(edges) == 1:
                split = self.in_cases(edge, x, jacobian, index, at)
                chain = self.chain(edge, x, jacobian, index, at)
        try:
            part, index = self.component(tree, name)
        except NoComponentsError as error:
            raise no_index_form(edges[0].output if edges else x, error) from error
        if len(edges) > 1:
            symbol = self.written(ast.Name(self.lines.name(x)))
            yield Sentence((symbol, f" is used {len(edges)} times: {len(edges)} terms add up."))
        equation = self.equation(name, index, [*(split or []), part], self.lines.values[name])
        if split is not None:
            equation = Equation(equation.left, (chain, *equation.sides), equation.shape)
        yield equation

    def jacobian(self, edge: Edge, x: Tensor) -> tuple[Jacobian, list[ast.expr], list[ast.expr]]:
        """Run the rule of a step on a unit upstream gradient; check it row by row."""
        t = edge.output
        index = self.letters(x.shape, self.free)
        at = self.letters(t.shape, self.bound)
        used = sum(isinstance(i, ast.Name) for i in at)
        upstream = (self.lines.names.gradient(t), at)
        taken = Taken(self.shape_of, iter(self.bound[used:]), upstream)
        free = [i.id for i in index if isinstance(i, ast.Name)]
        jacobian = Jacobian(taken.at(edge.tree, index), free)

        closure = backward_closures(t, create_graph=False)[edge.i]
        rows = np.unique(np.linspace(0, t.size - 1, min(t.size, MOST_ROWS)).astype(int))
        for row in rows:
            place = np.unravel_index(row, t.shape)
            unit = np.zeros(t.shape, t.dtype)
            unit[place] = 1
            value = closure(unit)
            if value.shape != x.shape:
                value = summed_to(x, value, t)
            fixed = {i.id: n for i, n in zip(at, place, strict=True) if isinstance(i, ast.Name)}
            got = self.everywhere(jacobian.tree(), index, x.shape, **fixed)
            if not close(got, np.asarray(value)):
                raise ValueError(
                    f"this Jacobian does not hold: {ast.unparse(jacobian.tree()):.500}, of "
                    f"{t.described()}. It gives {got!r:.200}, and the engine has {value!r:.200}."
                )
        return jacobian, index, at

    def chain(
        self, edge: Edge, x: Tensor, jacobian: Jacobian, index: list[ast.expr], at: list[ast.expr]
    ) -> Formula:
        """Write a gradient by the chain rule: the sum over all entries of what was computed."""
        t = edge.output
        g = self.entry(ast.Name(self.lines.names.gradient(t)), at)
        left = self.local(t, x, jacobian, index, at).left
        # the local derivative by its symbol, to print, and by its cases, to evaluate
        symbols = (ast.Name("local"), jacobian.tree())
        trees = []
        for local in symbols:
            tree: ast.expr = ast.BinOp(g, ast.Mult(), local)
            for i, length in reversed(list(zip(at, t.shape, strict=True))):
                if isinstance(i, ast.Name):
                    tree = looped(tree, i, length)
            trees.append(tree)
        name = self.lines.names.gradient(x)
        self.check(trees[1], index, x.shape, self.lines.values[name], name)
        scalars = self.lines.scalars(trees[0])
        return Formula(
            LatexComponents({**self.lines.latex, "local": left.latex}, scalars)
            .write(trees[0]).text,
            TextComponents({**self.lines.text, "local": left.text}, scalars).write(trees[0]).text,
        )  # fmt: skip

    def local(
        self, t: Tensor, x: Tensor, jacobian: Jacobian, index: list[ast.expr], at: list[ast.expr]
    ) -> Equation:
        """Write the derivative of one component by another."""
        above, below = (
            self.written(self.entry(ast.Name(self.lines.name(one)), letters))
            for one, letters in ((t, at), (x, index))
        )
        left = Formula(
            rf"\frac{{\partial {above.latex}}}{{\partial {below.latex}}}",
            f"∂{above.text}/∂{below.text}",
        )
        return Equation(left, (self.written(jacobian.tree()),))

    def in_cases(
        self, edge: Edge, x: Tensor, jacobian: Jacobian, index: list[ast.expr], at: list[ast.expr]
    ) -> list[ast.expr] | None:
        """Write a gradient as the term i = j and the sum over all others, each by its case."""
        (condition,) = jacobian.split
        free = {i.id for i in index if isinstance(i, ast.Name)}
        i, j = (side.id for side in sides(condition))  # type: ignore[attr-defined]
        if i in free:
            i, j = j, i
        g = self.entry(ast.Name(self.lines.names.gradient(edge.output)), at)
        one = put(g, jacobian.same)
        others = put(g, {n: o for n, o in jacobian.same.items() if n != i})
        assert jacobian.different is not None
        unlike = ast.Compare(ast.Name(i), [ast.NotEq()], [ast.Name(j)])
        body = ast.BinOp(others, ast.Mult(), jacobian.different)
        length = next(
            n for letter, n in zip(at, edge.output.shape, strict=True)
            if isinstance(letter, ast.Name) and letter.id == i
        )  # fmt: skip
        term = ast.BinOp(one, ast.Mult(), jacobian.equal)
        rest = total(chosen([unlike], body, ast.Constant(0.0)), ast.Name(i), length)
        tree = ast.BinOp(term, ast.Add(), rest)
        name = self.lines.names.gradient(x)
        self.check(tree, index, x.shape, self.lines.values[name], name)
        return [tree]

    def entry(self, name: ast.Name, index: Sequence[ast.expr]) -> ast.expr:
        """Return an entry of an array."""
        return ast.Subscript(name, ast.Tuple(list(index))) if index else name

    def equation(
        self, name: str, index: Sequence[ast.expr], trees: Sequence[ast.expr], value: Any
    ) -> Equation:
        """Write an entry and what it equals."""
        value = np.asarray(value)
        sides = [self.written(tree) for tree in trees]
        if self.numbers:
            last = shown(value)
            lead = self.written(ast.Name(name))
            if math.prod(value.shape) != 1:
                last = Formula(
                    rf"\qquad {lead.latex} = {last.latex}", f"   {lead.text} = {last.text}"
                )
                sides[-1] = Formula(
                    f"{sides[-1].latex}, {last.latex}", f"{sides[-1].text}, {last.text}"
                )
            else:
                sides.append(last)
        return Equation(self.written(self.entry(ast.Name(name), index)), tuple(sides), value.shape)

    def written(self, tree: ast.expr) -> Formula:
        """Write a component."""
        scalars = self.lines.scalars(tree)
        return Formula(
            LatexComponents(self.lines.latex, scalars).write(tree).text,
            TextComponents(self.lines.text, scalars).write(tree).text,
        )


def no_index_form(t: Tensor, error: Exception) -> ValueError:
    """Say which operation cannot be written in components."""
    return ValueError(
        f"{getattr(t.primitive, '__name__', 'this')} has no index form here ({error}). "
        'Derive it with form="matrix".'
    )
