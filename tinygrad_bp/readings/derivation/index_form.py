"""The derivation in components, with explicit sums: found from the matrix lines, not written again.

Each line is taken apart into one component (`components`), evaluated at every index, and written
(`component_writers`). Before a gradient stand the local derivatives that lead to it (`jacobian`).
"""

from __future__ import annotations

import ast
import contextlib
import functools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ...backward import backward_closures, name_of, summed_to
from ...engine import Tensor
from ...notation.latex import latex
from ...notation.numbers import written_array
from ...notation.text import text
from . import conventions
from .component_writers import LatexComponents, TextComponents
from .components import Components, NoComponentsError
from .composed import composed
from .document import Block, Equation, Formula, Heading, Sentence
from .given import given
from .indices import Indices
from .jacobian import Jacobian
from .lines import (
    BOUND,
    FREE,
    MOST_SYMBOLS,
    Edge,
    Lines,
    added,
    close,
    symbols,
)
from .remarks import added_up, left_out
from .rounding import sizes
from .simplify import ONE, ZERO, collected
from .sums import chosen, guarded, looped
from .tidied import array_like
from .trees import Rebuilt, names, put, walk

#: A Jacobian is checked in so many rows, taken evenly from all of it.
MOST_ROWS = 50


def largest(entries: Iterable[Any]) -> Any:
    """Return the largest of entries."""
    return functools.reduce(np.maximum, entries)


def smallest(entries: Iterable[Any]) -> Any:
    """Return the smallest of entries."""
    return functools.reduce(np.minimum, entries)


#: What the text of a component calls, further to the functions of the lines.
OVER_LETTERS = {"sum": sum, "product": math.prod, "largest": largest, "smallest": smallest}


class Entries(np.ndarray):
    """An array in which an entry that does not exist is not a number, and not another entry.

    A choice such as ``np.where(j >= 1, a[j - 1], 0.0)`` evaluates both sides, and must leave the
    entry out that is not there.
    """

    missing: ClassVar[float] = np.nan

    def __getitem__(self, key: Any) -> Any:
        """Return entries, with nan for those whose index is not on its axis."""
        values = np.asarray(self)
        if not isinstance(key, tuple) or len(key) != values.ndim or not values.ndim:
            return values[key]
        if not values.size:
            return np.full(np.broadcast_shapes(*map(np.shape, key)), self.missing)
        there = [(i >= 0) & (i < n) for i, n in zip(key, values.shape, strict=True)]
        if all(np.all(inside) for inside in there):
            return values[key]
        nearest = [np.clip(i, 0, max(n - 1, 0)) for i, n in zip(key, values.shape, strict=True)]
        return np.where(
            functools.reduce(np.logical_and, there), values[tuple(nearest)], self.missing
        )


class Wholes(Rebuilt):
    """Gives a name to each array in a component that has none, such as ``softmax(z)``."""

    def __init__(self) -> None:
        self.found: dict[str, ast.expr] = {}

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Name what an entry is taken of; no tensor's name begins with an underscore."""
        if isinstance(node.value, ast.Name):
            return node
        name = f"_{len(self.found)}"
        self.found[name] = node.value
        return ast.Subscript(ast.Name(name), node.slice)


class Places(Entries):
    """A map of indices, in which a place that does not exist leads to none."""

    missing = -1


class IndexForm:
    """Writes the lines in components."""

    def __init__(self, lines: Lines, numbers: bool) -> None:
        self.lines, self.numbers = lines, numbers
        # a tensor that is called like a letter keeps its name, and the letter is not used
        used = {*lines.latex.values(), *lines.text.values()}
        self.free = [letter for letter in (*FREE, *BOUND[6:]) if letter not in used]
        self.bound = [letter for letter in (*BOUND, *FREE[2:]) if letter not in used]
        self.indices = Indices(self.map_named)
        self.new_maps: list[str] = []  # those that no sentence has told of
        self._maps: dict[tuple[Any, ...], str] = {}
        # the gradient of the loss by itself is 1, and left out of the lines that follow
        self.one: dict[str, ast.expr] = {}
        self.parts: dict[str, tuple[ast.expr, list[ast.expr]]] = {}  # of each gradient
        self.told_of_delta = False
        if not lines.loss.ndim:
            self.one[lines.names.gradient(lines.loss)] = array_like(ONE)

    # ---- components ----

    def map_named(self, numbers: np.ndarray) -> str:
        """Return the name of a map of indices, new or known."""
        key = (numbers.shape, numbers.tobytes())
        if key not in self._maps:
            name = self._maps[key] = self.lines.map_of_indices(numbers)
            self.new_maps.append(name)
        return self._maps[key]

    def letters(self, shape: tuple[int, ...], pool: Sequence[str]) -> list[ast.expr]:
        """Return an index for each axis: a letter, or 0 where its length is 1."""
        found = iter(pool)
        index: list[ast.expr] = []
        for n in shape:
            if n == 1:
                index.append(ast.Constant(0))
                continue
            letter = next(found, None)
            if letter is None:
                raise NoComponentsError(f"an array of {len(shape)} axes")
            self.indices.lengths[letter] = n
            index.append(ast.Name(letter))
        return index

    def components(
        self, bound: Sequence[str], upstream: tuple[str, Sequence[ast.expr]] | None = None
    ) -> Components:
        """Return what takes an expression apart, with letters for its sums."""
        return Components(
            self.lines.functions,
            self.lines.evaluated,
            self.lines.shape,
            self.indices,
            iter(bound),
            upstream,
        )

    def component(self, tree: ast.expr, what: str) -> tuple[ast.expr, list[ast.expr]]:
        """Return a component of an expression, checked, and the letters of it."""
        value = self.lines.values[what]
        tree = put(tree, self.one)
        index, bound = self.free_letters(np.shape(value))
        part = guarded(self.components(bound).at(tree, index), self.indices)
        self.check(part, index, value, what)
        return part, index

    def free_letters(self, shape: tuple[int, ...]) -> tuple[list[ast.expr], list[str]]:
        """Return letters for the axes of an array, and those that are left for sums."""
        index = self.letters(shape, self.free)
        used = set().union(*(names(i) for i in index))
        return index, [letter for letter in self.bound if letter not in used]

    def check(self, part: ast.expr, index: Sequence[ast.expr], value: Any, what: str) -> None:
        """Raise ValueError unless a component has, at every index, the value."""
        got, holds = self.compared(part, index, np.asarray(value))
        if not holds:
            raise ValueError(
                f"this line does not hold: a component of {what} = {ast.unparse(part):.500}. It "
                f"gives {got!r:.200}, and the engine has {value!r:.200}."
            )

    def compared(
        self, part: ast.expr, index: Sequence[ast.expr], value: np.ndarray, **at: Any
    ) -> tuple[np.ndarray, bool]:
        """Evaluate a component at every index, and say whether it gives a value.

        Where terms nearly cancel, the sum is as exact as they are, so their size is what counts.
        """
        got = self.everywhere(part, index, value.shape, at)
        if close(got, value):
            return got, True
        terms = self.everywhere(sizes(part), index, value.shape, at)
        size = np.abs(terms[np.isfinite(terms)]).max(initial=0.0)
        return got, close(got, value, float(size))

    def everywhere(
        self, part: ast.expr, index: Sequence[ast.expr], shape: tuple[int, ...],
        at: Mapping[str, Any],
    ) -> np.ndarray:  # fmt: skip
        """Evaluate a component at every index, and for all values of letters that are given."""
        axes = shape[len(shape) - len(index) :]
        grid = np.indices(axes, sparse=True) if axes else ()
        letters = {i.id: n for i, n in zip(index, grid, strict=True) if isinstance(i, ast.Name)}
        scope: dict[str, Any] = {**OVER_LETTERS, **letters, **at}
        wholes = Wholes()
        part = wholes.visit(part)
        values = {name: np.asarray(self.lines.evaluated(t)) for name, t in wholes.found.items()}
        nodes = walk(part)
        arrays = {
            node.value.id
            for node in nodes
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)
        }
        values |= {name: np.asarray(self.lines.values[name]) for name in arrays - set(values)}
        chosen_by_index = any(
            isinstance(node, ast.Compare) and self.indices.is_condition(node) for node in nodes
        )
        if chosen_by_index or not all(value.size for value in values.values()):
            maps = self.indices.maps
            values = {
                name: value.view(Places if name in maps else Entries)
                for name, value in values.items()
            }
        scope |= values
        value = self.lines.evaluated(part, scope)
        kind = np.asarray(value).dtype
        return np.broadcast_to(np.asarray(value, kind), shape)

    # ---- the document ----

    def blocks(self) -> Iterator[Block]:
        """Yield the document."""
        body = list(self.body())
        yield Heading("Derivation of the gradients, in components")
        yield from conventions.framed(body, self.conventions(body))

    def body(self) -> Iterator[Block]:
        """Yield the equations and the gradients."""
        lines = self.lines
        yield Heading("The equations")
        yield from given(lines, self.symbol, self.numbers)
        for t, tree in lines.forward:
            yield from self.forward(t, tree)
        yield Heading("The gradients, from the loss backward")
        for x, tree in lines.backward:
            yield from self.gradient(x, tree)
        yield Heading("Multiplied out")
        yield Sentence(("The same with the gradients before it put in; values keep their names.",))
        yield from self.multiplied_out()

    def conventions(self, body: list[Block]) -> list[str | Formula]:
        """Return how the lines are to be read."""
        text = conventions.texts(body)
        parts = [*self.entries()]
        if "Σ[" in text:
            parts.append("Every sum is written. ")
        if re.search(r"Σ\[[^\]=]*([≠≤<>:]|\w = )", text):
            parts.append("One with a condition below it goes over the letters that meet it. ")
        parts.append(conventions.shapes(self.lines))
        if self.told_of_delta:
            i, j = (Formula(letter, letter) for letter in (self.bound[0], self.free[0]))
            parts += [
                "The derivative of a step's entry ", i, " by its operand's entry ", j,
                " is the rule of that step, run on an upstream gradient that is 1 at ", i,
                " and 0 elsewhere. ",
            ]  # fmt: skip
        return parts

    def entries(self) -> list[str | Formula]:
        """Return how the entries of this computation's arrays are written."""
        parts: list[str | Formula] = []
        shapes = {lines_axes(t.shape): t for t in reversed(self.lines.tensors) if t.size > 1}
        for n in (1, 2):
            if n not in shapes:
                continue
            t = shapes[n]
            name = ast.Name(self.lines.name(t))
            entry = self.written(self.entry(name, self.letters(t.shape, self.free)))
            j, k = (Formula(letter, letter) for letter in self.free[:2])
            place = ("row ", j, " and column ", k) if n == 2 else ("place ", j)
            parts += [entry, " is the entry of ", self.symbol(name), " in ", *place, "; "]
        if not shapes:
            return []
        ones = any(1 in t.shape for t in self.lines.tensors)
        end = ", and an axis of length 1 has none. " if ones else ". "
        return [*parts, f"letters count from 1{end}"]

    def forward(self, t: Tensor, tree: ast.expr) -> Iterator[Block]:
        """Write an equation."""
        name = self.lines.name(t)
        try:
            part, index = self.component(tree, name)
        except NoComponentsError as error:
            raise no_index_form(t, error) from error
        sides = [part]
        definition = self.lines.definition(tree)
        if definition is not None:
            with contextlib.suppress(NoComponentsError):
                other = self.component(definition, name)[0]
                if ast.unparse(other) != ast.unparse(part):
                    sides.append(other)
        yield from self.maps()
        yield from self.equation(name, index, sides)
        yield from self.definitions([tree])

    def definitions(self, trees: list[ast.expr], hint: bool = False) -> Iterator[Block]:
        """Yield what the functions in expressions are that were not met before.

        There is nothing to say of a function that is taken apart into components.
        """
        for call, tree in self.lines.definitions(trees):
            with contextlib.suppress(NoComponentsError):
                index, bound = self.free_letters(self.lines.shape(call))
                left, right = (self.components(bound).at(one, index) for one in (call, tree))
                if ast.unparse(left) != ast.unparse(right):
                    self.check(right, index, self.lines.evaluated(call), ast.unparse(call))
                    shape = self.lines.shape(call)
                    yield Equation(self.written(left), (self.written(right),), shape, hint=hint)

    def maps(self) -> Iterator[Block]:
        """Tell of the maps of indices that are new."""
        for name in self.new_maps:
            array = self.lines.values[name]
            letters = self.free[: array.ndim]
            index = ast.Tuple([ast.Name(letter) for letter in letters])
            entry = self.written_index(ast.Subscript(ast.Name(name), index))
            place = Formula(", ".join(letters), ", ".join(letters))
            yield Sentence(
                ("Here ", entry, " is entry ", place, " of ", written_array(array + 1), ".")
            )
        self.new_maps.clear()

    def gradient(self, x: Tensor, tree: ast.expr) -> Iterator[Block]:
        """Write the local derivatives that lead to a gradient, then the gradient."""
        edges = self.lines.edges[x.id]
        name = self.lines.names.gradient(x)
        by_line: dict[int, list[Edge]] = {}  # a step that uses a value twice has one derivative
        for edge in edges:
            by_line.setdefault(edge.line.id, []).append(edge)
        split: ast.expr | None = None
        first: list[Formula] = []
        for same in by_line.values():
            if same[0].line is self.lines.loss:
                continue  # the derivative of the loss is the gradient itself
            try:
                jacobian, index, at = self.jacobian(same, x)
            except NoComponentsError as error:
                if len(same) == 1 == len(same[0].path):
                    raise no_index_form(same[0].line, error) from error
                continue  # of several steps in one line it is not needed
            yield from self.maps()
            yield self.local(same[0].line, x, jacobian, index, at)
            if jacobian.different is not None and len(by_line) == 1:
                split = self.in_cases(same[0].line, x, jacobian, index, at)
                if split is not None:
                    first = [self.chain(same[0].line, x, jacobian, index, at)]
        try:
            part, index = self.component(tree, name)
        except NoComponentsError as error:
            raise no_index_form(edges[0].path[-1][0] if edges else x, error) from error
        yield from self.maps()
        yield from added_up(self.lines, x, self.symbol(ast.Name(self.lines.name(x))))
        self.parts[name] = (part if split is None else split, index)
        sides = [*filter(None, [split]), part]
        simpler = collected(part)
        if simpler is not part:
            self.check(simpler, index, self.lines.values[name], name)
            sides.append(simpler)
        yield from self.equation(name, index, sides, first, asked=True)
        yield from self.definitions([tree], hint=True)

    def multiplied_out(self) -> Iterator[Block]:
        """Yield each gradient with those before it put in."""
        lines = self.lines
        known: dict[str, tuple[ast.expr, list[ast.expr]]] = {}
        counts: dict[str, int] = {}
        why = f"{MOST_SYMBOLS} symbols"
        for name, (part, index) in self.parts.items():
            counts[name] = symbols(part, counts)
            if counts[name] <= MOST_SYMBOLS:
                self.letters(np.shape(lines.values[name]), self.free)  # as long as they were
                try:
                    known[name] = (composed(part, known, self.bound, self.indices), index)
                except NoComponentsError:
                    counts[name] = MOST_SYMBOLS + 1  # nor can it be put into others
                    why = f"{MOST_SYMBOLS} symbols, or more sums than there are letters"
        done = set()
        for x in lines.wanted:
            name = lines.names.gradient(x)
            if name in known:
                done.add(x.id)
                part, index = known[name]
                part = collected(part)
                self.check(part, index, lines.values[name], name)
                yield from self.equation(name, index, [part], asked=True, numbers=False)
        yield from left_out(lines, done, lambda t: self.symbol(ast.Name(lines.name(t))), why)

    def jacobian(
        self, edges: list[Edge], x: Tensor
    ) -> tuple[Jacobian, list[ast.expr], list[ast.expr]]:
        """Run the rules of a line on a unit upstream gradient; check them row by row."""
        t = edges[0].line
        index, bound = self.free_letters(x.shape)
        at = self.letters(t.shape, bound)
        used = sum(isinstance(i, ast.Name) for i in at)
        upstream = (self.lines.names.gradient(t), at)
        free = [i.id for i in index if isinstance(i, ast.Name)]
        component = self.components(bound[used:], upstream).at(
            collected(put(added([edge.tree for edge in edges]), self.one)), index
        )
        order = [i.id for i in at if isinstance(i, ast.Name)]
        jacobian = Jacobian(component, free, order, self.indices)
        tree = jacobian.tree

        rows = np.unique(np.linspace(0, t.size - 1, min(t.size, MOST_ROWS)).astype(int))
        places = np.unravel_index(rows, t.shape) if t.ndim else ()
        ways = [way_back(edge) for edge in edges]
        values: list[np.ndarray] = []
        for row in rows:
            unit = np.zeros(t.shape, t.dtype)
            unit.flat[row] = 1
            values.append(np.asarray(sum(way(unit) for way in ways)))
        fixed = {
            i.id: place.reshape(-1, *(1 for _ in x.shape))
            for i, place in zip(at, places, strict=True) if isinstance(i, ast.Name)
        }  # fmt: skip
        value = np.reshape(values, (len(rows), *x.shape))
        got, holds = self.compared(tree, index, value, **fixed) if value.size else (value, True)
        if not holds:
            raise ValueError(
                f"this Jacobian does not hold: {ast.unparse(tree):.500}, of "
                f"{t.described()}. It gives {got!r:.200}, and the engine has {value!r:.200}."
            )
        return jacobian, index, at

    def chain(
        self, t: Tensor, x: Tensor, jacobian: Jacobian, index: list[ast.expr], at: list[ast.expr]
    ) -> Formula:
        """Write a gradient by the chain rule: the sum over all entries of what was computed."""
        g = self.entry(ast.Name(self.lines.names.gradient(t)), at)
        left = self.local(t, x, jacobian, index, at).left
        # the local derivative by its symbol, to print, and by its cases, to evaluate
        symbols = (ast.Name("local"), jacobian.tree)
        trees = []
        for local in symbols:
            tree: ast.expr = ast.BinOp(g, ast.Mult(), local)
            for i, length in reversed(list(zip(at, t.shape, strict=True))):
                if isinstance(i, ast.Name):
                    tree = looped(tree, i, length)
            trees.append(tree)
        name = self.lines.names.gradient(x)
        self.check(trees[1], index, self.lines.values[name], name)
        return self.written(trees[0], {"local": left})

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
        if t.ndim or x.ndim:
            self.told_of_delta = True
        return Equation(left, (self.written(jacobian.tree),), asked=True)

    def in_cases(
        self, t: Tensor, x: Tensor, jacobian: Jacobian, index: list[ast.expr], at: list[ast.expr]
    ) -> ast.expr | None:
        """Write a gradient as the term i = j and the sum over all others, each by its case."""
        if not jacobian.in_letters():
            return None
        (condition,) = jacobian.split
        assert isinstance(condition.left, ast.Name)
        i, j = condition.left.id, condition.comparators[0]
        g = self.entry(ast.Name(self.lines.names.gradient(t)), at)
        one = self.indices.put(g, jacobian.same)
        others = self.indices.put(g, {n: o for n, o in jacobian.same.items() if n != i})
        assert jacobian.different is not None
        unlike = ast.Compare(ast.Name(i), [ast.NotEq()], [j])
        body = ast.BinOp(others, ast.Mult(), jacobian.different)
        term = ast.BinOp(one, ast.Mult(), jacobian.equal)
        rest = looped(chosen([unlike], body, ZERO), ast.Name(i), self.indices.lengths[i])
        tree = guarded(ast.BinOp(term, ast.Add(), rest), self.indices)
        name = self.lines.names.gradient(x)
        self.check(tree, index, self.lines.values[name], name)
        return tree

    def entry(self, name: ast.Name, index: Sequence[ast.expr]) -> ast.expr:
        """Return an entry of an array."""
        return ast.Subscript(name, ast.Tuple(list(index))) if index else name

    def equation(
        self, name: str, index: Sequence[ast.expr], trees: Sequence[ast.expr],
        first: Sequence[Formula] = (), asked: bool = False, numbers: bool = True,
    ) -> Iterator[Equation]:  # fmt: skip
        """Write an entry and what it equals; then, if numbers are wanted, the whole array."""
        value = np.asarray(self.lines.values[name])
        left = self.written(self.entry(ast.Name(name), index))
        sides = [*first, *(self.written(tree) for tree in trees)]
        beside = self.numbers and numbers and value.size == 1
        if beside and written_array(value.reshape(())) not in sides:
            sides.append(written_array(value.reshape(())))
        yield Equation(left, tuple(sides), value.shape, asked)
        if self.numbers and numbers and not beside:
            yield Equation(
                self.symbol(ast.Name(name)), (written_array(value),), asked=asked, hint=asked
            )

    def written(self, tree: ast.expr, further: Mapping[str, Formula] | None = None) -> Formula:
        """Write a component; further names may have formulas of their own."""
        symbols: Mapping[str, str] = self.lines.latex
        plain: Mapping[str, str] = self.lines.text
        if further:
            symbols = {**symbols, **{name: formula.latex for name, formula in further.items()}}
            plain = {**plain, **{name: formula.text for name, formula in further.items()}}
        known = (self.lines.scalars, self.indices, self.lines.shape)
        return Formula(
            LatexComponents(symbols, *known).write(tree).text,
            TextComponents(plain, *known).write(tree).text,
        )

    def symbol(self, name: ast.expr) -> Formula:
        """Write the name of an array, without an index."""
        return Formula(latex(name, self.lines.latex), text(name, self.lines.text))

    def written_index(self, index: ast.expr) -> Formula:
        """Write an index."""
        known = ((), self.indices, self.lines.shape)
        return Formula(
            LatexComponents(self.lines.latex, *known).index(index),
            TextComponents(self.lines.text, *known).index(index),
        )


def lines_axes(shape: tuple[int, ...]) -> int:
    """Return how many letters the entries of an array have."""
    return sum(n != 1 for n in shape)


def way_back(edge: Edge) -> Callable[[np.ndarray], np.ndarray]:
    """Return what runs the engine's rules from a line back to an operand in it."""
    steps = [(t, t.inputs[i], backward_closures(t, create_graph=False)[i]) for t, i in edge.path]

    def run(g: np.ndarray) -> np.ndarray:
        for t, x, closure in steps:
            assert x is not None
            g = closure(g)
            if g.shape != x.shape:
                g = summed_to(x, g, t)
        return g

    return run


def no_index_form(t: Tensor, error: Exception) -> ValueError:
    """Say which operation cannot be written in components, and what to do."""
    return ValueError(
        f"{name_of(t)} has no index form here: {error} is not taken apart into components. Derive "
        'it with form="matrix", or write its rule with operations of the table.'
    )
