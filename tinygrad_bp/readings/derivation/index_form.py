"""The derivation in components, with explicit sums: found from the matrix lines, not written again.

Each line is taken apart into one component (`components`), evaluated at every index, and written
(`component_printer`). Before a gradient stand the local derivatives that lead to it (`jacobian`).
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...errors import operation
from ...notation.alphabets import LATEX, TEXT
from ...notation.formula import latex, text
from ...notation.numbers import written_array
from ...notation.trees import put, walk
from . import remarks
from .component_printer import ComponentPrinter
from .components import Components, letter_of
from .document import Block, Equation, Formula, Heading, Sentence
from .indices import Letters, NoComponentsError, PutIndices
from .jacobian import Jacobian
from .lines import MOST_SYMBOLS, Lines, Term, added
from .tidy import ONE, array_like, collected, number, simplified, symbols

#: Letters on paper: for the components of a gradient, and for what is summed over.
FREE = ("j", "k", "q", "r")
BOUND = ("i", "m", "n", "l", "p", "s", "t", "u", "v", "w", "e", "f", "c", "d", "h", "o")

#: A Jacobian is checked in this many rows, taken evenly from all of it: of large arrays, all rows
#: would take longer than anything else.
MOST_ROWS = 50


def index_form(lines: Lines, numbers: bool) -> Iterator[Block]:
    """Yield the document.

    Parameters
    ----------
    lines
        The lines.
    numbers
        Whether their values stand beside them.

    Raises
    ------
    ValueError
        If an operation is not taken apart into components, or a component does not hold.
    """
    form = IndexForm(lines, numbers)
    body = list(form.body())
    yield Heading("Derivation of the gradients, in components")
    yield from remarks.framed(body, form.conventions(body))


class Component(NamedTuple):
    """A component of an array, and the index that it is of."""

    tree: ast.expr
    of: Sequence[ast.expr]


class IndexForm:
    def __init__(self, lines: Lines, numbers: bool) -> None:
        self.lines, self.numbers = lines, numbers
        self.evaluator, self.record = lines.evaluator, lines.record
        self.letters = Letters()
        # a tensor that is called like a letter keeps its name, and the letter is not used
        used = {*lines.values, *lines.latex.values(), *lines.text.values()}
        self.free = [letter for letter in (*FREE, *BOUND[6:]) if letter not in used]
        self.bound = [letter for letter in (*BOUND, *FREE[2:]) if letter not in used]
        self.parts: dict[str, Component] = {}  # of each gradient
        self.has_jacobian = False
        # the gradient of the loss by itself is 1, and left out of the lines that follow
        is_number = not lines.tensors[lines.loss].ndim
        self.one = {lines.gradient_name(lines.loss): array_like(ONE)} if is_number else {}

    # ---- components ----

    def new_index(self, shape: Sequence[int]) -> list[ast.expr]:
        return [self.letters.new(n) for n in shape]

    def component(self, tree: ast.expr, shape: Sequence[int]) -> Component:
        """Return a component of an expression."""
        index = self.new_index(shape)
        found = Components(self.evaluator, self.letters).at(put(tree, self.one), index)
        return Component(found.closed, index)

    def check(self, component: Component, value: np.ndarray, name: str) -> None:
        (tree,), index = self.on_paper([component.tree], component.of)
        self.evaluator.check(tree, value, f"a component of {name}", index)

    def on_paper(
        self, trees: Sequence[ast.expr], index: Sequence[ast.expr], at: Sequence[ast.expr] = ()
    ) -> tuple[list[ast.expr], list[ast.expr]]:
        """Return expressions and an index with letters of the alphabet.

        Each sum has a letter of its own, further to those of the index and of a step's component.
        """
        free = [i.id for i in index if isinstance(i, ast.Name)]
        bound = [i.id for i in at if isinstance(i, ast.Name)]
        bound += [letter for tree in trees for node in walk(tree) if (letter := letter_of(node))]
        if len(free) > len(self.free):
            raise NoComponentsError(f"an array of {len(free)} axes")
        known = dict(zip(free, self.free, strict=False))
        unused = iter(letter for letter in self.bound if letter not in known.values())
        for name in dict.fromkeys(bound):
            known[name] = next(unused, "")
            if not known[name]:
                raise NoComponentsError("a sum over more axes than there are letters")
        self.letters.lengths |= {new: self.letters.lengths[old] for old, new in known.items()}
        renamed = {old: ast.Name(new) for old, new in known.items()}
        return [put(tree, renamed) for tree in trees], [put(i, renamed) for i in index]

    # ---- the document ----

    def body(self) -> Iterator[Block]:
        """Yield the equations and the gradients."""
        lines = self.lines
        yield Heading("The equations")
        yield from remarks.given(lines, self.symbol, self.numbers)
        for i, tree in lines.forward:
            yield from self.forward(i, tree)
        yield Heading("The gradients, from the loss backward")
        for i, tree in lines.backward:
            yield from self.gradient(i, tree)
        yield Heading("Multiplied out")
        yield Sentence(("The same with the gradients before it put in; values keep their names.",))
        yield from self.multiplied_out()

    def conventions(self, body: list[Block]) -> list[str | Formula]:
        """Return how the lines are to be read."""
        written = remarks.texts(body)
        parts = [*self.entries()]
        if "Σ[" in written:
            parts.append("Every sum is written. ")
        if re.search(r"Σ\[[^\]=]*([≠≤<>:]|\w = )", written):
            parts.append("One with a condition below it goes over the letters that meet it. ")
        parts.append(remarks.shapes(self.lines))
        if self.has_jacobian:
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
        shapes = {
            sum(n != 1 for n in t.shape): (i, t)
            for i, t in reversed(list(enumerate(self.lines.tensors)))
            if t.size > 1
        }
        if not shapes:
            return []
        j, k = (Formula(letter, letter) for letter in self.free[:2])
        for n, place in ((1, ("place ", j)), (2, ("row ", j, " and column ", k))):
            if n in shapes:
                i, t = shapes[n]
                name = ast.Name(self.lines.name(i))
                entry = self.write([self.entry(name.id, index := self.new_index(t.shape))], index)
                parts += [*entry, " is the entry of ", self.symbol(name), " in ", *place, "; "]
        ones = any(1 in t.shape for t in self.lines.tensors)
        end = ", and an axis of length 1 has none. " if ones else ". "
        return [*parts, f"letters count from 1{end}"]

    def forward(self, place: int, tree: ast.expr) -> Iterator[Block]:
        """Write an equation."""
        name, shape = self.lines.name(place), self.lines.tensors[place].shape
        with self.refusing(place):
            sides = [self.component(tree, shape)]
            definition = self.lines.definition(tree)
            if definition is not None:
                with contextlib.suppress(NoComponentsError):
                    sides.append(self.component(definition, shape))
            yield from self.equation(name, sides)
        yield from self.definitions([tree])

    def definitions(self, trees: list[ast.expr], hint: bool = False) -> Iterator[Block]:
        """Yield what the functions in expressions are that were not met before.

        There is nothing to say of a function that is taken apart into components.
        """
        for call, tree in self.lines.definitions(trees):
            with contextlib.suppress(NoComponentsError):
                shape = self.evaluator.shape(call)
                left, right = (self.component(side, shape) for side in (call, tree))
                formulas = [
                    *self.write([left.tree], left.of),
                    *self.write([right.tree], right.of),
                ]
                if formulas[0] != formulas[1]:
                    self.check(right, self.evaluator.evaluate(call), ast.unparse(call))
                    yield Equation(formulas[0], (formulas[1],), shape, hint=hint)

    def gradient(self, place: int, tree: ast.expr) -> Iterator[Block]:
        """Write the local derivatives that lead to a gradient, then the gradient."""
        lines = self.lines
        by_line: dict[int, list[Term]] = {}  # a step that uses a value twice has one derivative
        for term in lines.terms[place]:
            by_line.setdefault(term.path[0].step, []).append(term)
        first: list[Formula] = []
        split: Component | None = None
        name = lines.gradient_name(place)
        for step, terms in by_line.items():
            if step == lines.loss:
                continue  # the derivative of the loss is the gradient itself
            inside_others = len(terms[0].path) > 1  # where several steps are one line,
            try:
                jacobian = self.jacobian(terms, place)
            except NoComponentsError as error:
                if inside_others:  # it is not needed
                    continue
                raise no_index_form(lines, step, error) from error
            if inside_others and not jacobian.readable:
                continue
            local = self.local(step, place, jacobian)
            self.has_jacobian |= bool(jacobian.at or jacobian.index)
            yield local
            g = lines.gradient_name(step)
            cases = jacobian.in_cases(g) if len(by_line) == 1 else None
            if cases is not None:
                split = Component(cases, jacobian.index)
                chain = Component(jacobian.chain(g, jacobian.tree), jacobian.index)
                self.check(chain, lines.values[name], name)
                tree_of_chain = jacobian.chain(g, ast.Name("_local"))
                symbol = {"_local": local.left}
                first = self.write([tree_of_chain], jacobian.index, jacobian.at, symbol)
        with self.refusing(lines.terms[place][0].path[-1].step if lines.terms[place] else place):
            whole = self.component(tree, lines.tensors[place].shape)
            yield from remarks.added_up(lines, place, self.symbol(ast.Name(lines.name(place))))
            self.parts[name] = split or whole
            sides = [*filter(None, [split]), whole]
            simpler = collected(whole.tree)
            if simpler is not whole.tree:
                sides.append(Component(simpler, whole.of))
            yield from self.equation(name, sides, first, asked=True)
        yield from self.definitions([tree], hint=True)

    def multiplied_out(self) -> Iterator[Block]:
        """Yield each gradient with those before it put in, where that has few symbols."""
        lines = self.lines
        known: dict[str, Component] = {}
        counts: dict[str, int] = {}
        done: list[int] = []
        more = f"{MOST_SYMBOLS} symbols"
        for name, (tree, index) in self.parts.items():
            counts[name] = symbols(tree, counts)
            if counts[name] > MOST_SYMBOLS:
                continue
            component = Component(Composed(self.letters, known).visit(tree), index)
            try:
                self.on_paper([component.tree], index)
                known[name] = component
            except NoComponentsError:
                counts[name] = MOST_SYMBOLS + 1  # nor can it be put into others
                more = f"{MOST_SYMBOLS} symbols, or more sums than there are letters"
        for place in lines.wanted:
            name = lines.gradient_name(place)
            if name in known:
                done.append(place)
                component = known[name]._replace(tree=collected(known[name].tree))
                yield from self.equation(name, [component], asked=True, numbers=False)
        yield from remarks.left_out(lines, done, self.symbol, more)

    def jacobian(self, terms: list[Term], place: int) -> Jacobian:
        """Run the rules of a line on a unit upstream gradient; check them row by row."""
        lines, step = self.lines, terms[0].path[0].step
        t, x = lines.tensors[step], lines.tensors[place]
        index, at = self.new_index(x.shape), self.new_index(t.shape)
        components = Components(self.evaluator, self.letters, (lines.gradient_name(step), at))
        tree = collected(put(added([term.tree for term in terms]), self.one))
        jacobian = Jacobian(components.at(tree, index), index, at, self.letters)

        rows = np.unique(np.linspace(0, t.size - 1, min(t.size, MOST_ROWS)).astype(int))
        values = np.zeros((len(rows), *x.shape))
        for n, row in enumerate(rows):
            for term in terms:
                g = np.zeros(t.shape, t.dtype)
                g.flat[row] = 1
                for edge in term.path:
                    g = self.record.contribution(edge, g)
                values[n] += g
        if values.size:
            self.check_rows(jacobian, rows, values, step)
        return jacobian

    def check_rows(
        self, jacobian: Jacobian, rows: np.ndarray, values: np.ndarray, step: int
    ) -> None:
        """Raise ValueError unless a local derivative is the engine's in rows of the step."""
        t = self.lines.tensors[step]
        every = [jacobian.tree, *jacobian.at]
        (tree, *at), index = self.on_paper(every, jacobian.index, jacobian.at)
        places = np.unravel_index(rows, t.shape) if t.ndim else ()
        fixed = {
            i.id: place.reshape(-1, *(1 for _ in index))
            for i, place in zip(at, places, strict=True) if isinstance(i, ast.Name)
        }  # fmt: skip
        what = f"the Jacobian of {t.described()}"
        self.evaluator.check(tree, values, what, index, at=fixed)

    # ---- writing ----

    def local(self, step: int, place: int, jacobian: Jacobian) -> Equation:
        """Write the derivative of one component by another."""
        above = self.entry(self.lines.name(step), jacobian.at)
        below = self.entry(self.lines.name(place), jacobian.index)
        trees = [above, below, jacobian.tree]
        up, down, tree = self.write(trees, jacobian.index, jacobian.at)
        left = Formula(
            rf"\frac{{\partial {up.latex}}}{{\partial {down.latex}}}", f"∂{up.text}/∂{down.text}"
        )
        return Equation(left, (tree,), asked=True)

    def entry(self, name: str, index: Sequence[ast.expr]) -> ast.expr:
        return ast.Subscript(ast.Name(name), ast.Tuple(list(index))) if index else ast.Name(name)

    def equation(
        self, name: str, components: Sequence[Component], first: Sequence[Formula] = (),
        asked: bool = False, numbers: bool = True,
    ) -> Iterator[Equation]:  # fmt: skip
        """Check and write what an entry equals; then, if numbers are wanted, the whole array."""
        value = self.lines.values[name]
        index = self.new_index(value.shape)
        (left,) = self.write([self.entry(name, index)], index)
        written = [*first]
        for component in components:
            self.check(component, value, name)
            written += self.write([component.tree], component.of)
        sides = list(dict.fromkeys(written))
        beside = self.numbers and numbers and value.size == 1
        if beside and written_array(value.reshape(())) not in sides:
            sides.append(written_array(value.reshape(())))
        yield Equation(left, tuple(sides), value.shape, asked)
        if self.numbers and numbers and not beside:
            yield Equation(
                self.symbol(ast.Name(name)), (written_array(value),), asked=asked, hint=asked
            )

    def write(
        self, trees: Sequence[ast.expr], index: Sequence[ast.expr] = (),
        at: Sequence[ast.expr] = (), further: Mapping[str, Formula] | None = None,
    ) -> list[Formula]:  # fmt: skip
        """Write components in letters of the alphabet; further names have formulas of their own."""
        trees, _ = self.on_paper(trees, index, at)
        own = further or {}
        in_latex = {**self.lines.latex, **{name: formula.latex for name, formula in own.items()}}
        in_text = {**self.lines.text, **{name: formula.text for name, formula in own.items()}}
        return [
            Formula(
                ComponentPrinter(LATEX, in_latex, self.lines, self.letters).write(tree).text,
                ComponentPrinter(TEXT, in_text, self.lines, self.letters).write(tree).text,
            )
            for tree in trees
        ]

    def symbol(self, name: ast.expr) -> Formula:
        """Write the name of an array, without an index."""
        return Formula(latex(name, self.lines.latex), text(name, self.lines.text))

    @contextlib.contextmanager
    def refusing(self, place: int) -> Iterator[None]:
        """Say of a step that it is not taken apart into components."""
        try:
            yield
        except NoComponentsError as error:
            raise no_index_form(self.lines, place, error) from error


class Composed(PutIndices):
    """Puts components in for entries; the factors of a product stay in the order of the rule."""

    def __init__(self, letters: Letters, entries: Mapping[str, Component]) -> None:
        super().__init__(letters, {})
        self.entries = entries

    def simplify(self, tree: ast.expr) -> ast.expr:
        return in_order(tree)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.put(node.id, []) if node.id in self.entries else node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        return node if self.letters.is_condition(node) else self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if not isinstance(node.value, ast.Name) or node.value.id not in self.entries:
            return node
        assert isinstance(node.slice, ast.Tuple)
        return self.put(node.value.id, node.slice.elts)

    def put(self, name: str, at: Sequence[ast.expr]) -> ast.expr:
        """Return a component at an index, with new letters for its sums."""
        tree, index = self.entries[name]
        known: dict[str, ast.expr] = {
            i.id: goal for i, goal in zip(index, at, strict=True) if isinstance(i, ast.Name)
        }
        for node in walk(tree):
            letter = letter_of(node)
            if letter is not None:
                known[letter] = self.letters.new(self.letters.lengths[letter])
        return InOrder(self.letters, known).visit(tree)  # type: ignore[no-any-return]


class InOrder(PutIndices):
    def simplify(self, tree: ast.expr) -> ast.expr:
        return in_order(tree)


def in_order(tree: ast.expr) -> ast.expr:
    """Leave out factors 1 and terms 0, and move a number to the front."""
    match tree:
        case ast.BinOp(left, ast.Mult(), ast.BinOp(ast.Constant(float(n)), ast.Mult(), rest)):
            if isinstance(left, ast.Constant) and isinstance(left.value, float):
                return simplified(ast.BinOp(ast.Constant(left.value * n), ast.Mult(), rest))
            return ast.BinOp(ast.BinOp(ast.Constant(n), ast.Mult(), left), ast.Mult(), rest)
        case ast.BinOp(left, ast.Mult(), right) if number(left) is number(right) is None:
            return tree
    return simplified(tree)


def no_index_form(lines: Lines, place: int, error: NoComponentsError) -> ValueError:
    """Say which operation cannot be written in components, and what to do."""
    return ValueError(
        f"{error.operation or operation(lines.tensors[place])} has no index form here: {error}. "
        'Derive it with form="matrix".'
    )
