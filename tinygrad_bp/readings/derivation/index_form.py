"""The derivation in components, with explicit sums: found from the matrix lines, not written again.

Each line is taken apart into one component (`components`), evaluated at every index, and written
(`component_printer`). Before a gradient stand the local derivatives that lead to it (`jacobian`).
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ...errors import operation
from ...notation.alphabets import LATEX, TEXT
from ...notation.numbers import written_array
from ...notation.trees import put, walk
from . import remarks
from .component_printer import ComponentPrinter
from .components import Components, letter_of
from .document import Block, Equation, Written
from .indices import Letters, NoComponentsError, PutIndices
from .jacobian import Jacobian
from .lines import Lines, Term, added
from .matrix_form import Locals, MatrixForm, Side, with_side
from .tidy import collected, number, simplified

#: Letters on paper: for the components of a gradient, and for what is summed over.
FREE = ("j", "k", "q", "r")
BOUND = ("i", "m", "n", "l", "p", "s", "t", "u", "v", "w", "e", "f", "c", "d", "h", "o")

#: A Jacobian is checked in this many rows, taken evenly from all of it: of large arrays, all rows
#: would take longer than anything else.
MOST_ROWS = 50


class IndexForm(MatrixForm):
    """Writes lines down in components; ValueError where that cannot be, or one does not hold."""

    title = "Derivation of the gradients, in components"

    def __init__(self, lines: Lines, numbers: bool) -> None:
        super().__init__(lines, numbers)
        self.letters = Letters()
        # a tensor that is called like a letter keeps its name, and the letter is not used
        used = {*lines.values, *lines.latex.values(), *lines.text.values()}
        self.free = [letter for letter in (*FREE, *BOUND[6:]) if letter not in used]
        self.bound = [letter for letter in (*BOUND, *FREE[2:]) if letter not in used]
        self.has_jacobian = False

    # ---- components ----

    def new_index(self, shape: Sequence[int]) -> list[ast.expr]:
        return [self.letters.new(n) for n in shape]

    def side(self, tree: ast.expr, shape: Sequence[int], step: int) -> Side:
        index = self.new_index(shape)
        try:
            side = Side(Components(self.evaluator, self.letters).at(tree, index).closed, index)
            self.put_on_paper(side)
        except NoComponentsError as error:
            raise self.refusal(step, error) from error
        return side

    def refusal(self, step: int, error: NoComponentsError) -> NoComponentsError:
        name = error.operation or operation(self.lines.tensors[step])
        return NoComponentsError(
            f'{name} has no index form here: {error}. Derive it with form="matrix".', name
        )

    def check(self, side: Side, value: np.ndarray, name: str) -> None:
        tree, index = self.put_on_paper(side)
        self.evaluator.check(tree, value, f"a component of {name}", index)

    def put_on_paper(self, side: Side) -> tuple[ast.expr, Sequence[ast.expr]]:
        if side.paper is None:
            (tree,), index = self.on_paper([side.tree], side.at)
            side.paper = tree, index
        return side.paper

    def on_paper(
        self, trees: Sequence[ast.expr], index: Sequence[ast.expr], at: Sequence[ast.expr] = ()
    ) -> tuple[list[ast.expr], list[ast.expr]]:
        # Each sum has a letter of its own, other than those of the index and of a step's component.
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

    def put_in(self, side: Side, known: Mapping[str, Side]) -> Side:
        composed = Side(Composed(self.letters, known).visit(side.tree), side.at)
        self.put_on_paper(composed)
        return composed

    # ---- writing ----

    def write(self, side: Side) -> Written:
        return self.write_trees([self.put_on_paper(side)[0]])[0]

    def write_trees(self, trees: Sequence[ast.expr], local: Written | None = None) -> list[Written]:
        latex, text = self.lines.latex, self.lines.text
        if local is not None:
            latex, text = {**latex, "_local": local.latex}, {**text, "_local": local.text}
        in_latex = ComponentPrinter(LATEX, latex, self.lines, self.letters)
        in_text = ComponentPrinter(TEXT, text, self.lines, self.letters)
        return [Written(in_latex.write(tree).text, in_text.write(tree).text) for tree in trees]

    def left(self, name: str) -> Written:
        index = self.new_index(self.lines.values[name].shape)
        return self.write(Side(entry(name, index), index))

    def with_numbers(self, equation: Equation, name: str) -> Iterator[Equation]:
        value, asked = self.lines.values[name], equation.asked
        if value.size == 1:
            yield with_side(equation, value.reshape(()))
        else:
            yield equation
            yield Equation(self.symbol(name), (written_array(value),), asked=asked, hint=asked)

    # ---- local derivatives ----

    def local_derivatives(self, place: int) -> Locals:
        lines = self.lines
        by_line: dict[int, list[Term]] = {}  # a step that uses a value twice has one derivative
        for term in lines.terms[place]:
            by_line.setdefault(term.path[0].step, []).append(term)
        blocks: list[Block] = []
        chain: list[Written] = []
        cases: Side | None = None
        by_line.pop(lines.loss, None)  # the derivative of the loss is the gradient itself
        for step, terms in by_line.items():
            inside_others = (
                len(terms[0].path) > 1
            )  # of several steps in one line it can be left out
            try:
                jacobian = self.jacobian(terms, place)
            except NoComponentsError as error:
                if inside_others:
                    continue
                raise self.refusal(step, error) from error
            if inside_others and not jacobian.readable:
                continue
            blocks.append(local := self.local(step, place, jacobian))
            self.has_jacobian |= bool(jacobian.at or jacobian.index)
            g = lines.gradient_name(step)
            tree = jacobian.in_cases(g) if len(lines.terms[place]) == len(terms) else None
            if tree is not None:
                cases = Side(tree, jacobian.index)
                whole = Side(jacobian.chain(g, jacobian.tree), jacobian.index)
                self.check(
                    whole, lines.values[lines.gradient_name(place)], lines.gradient_name(place)
                )
                short = jacobian.chain(g, ast.Name("_local"))
                trees, _ = self.on_paper([short], jacobian.index, jacobian.at)
                chain = self.write_trees(trees, local.left)
        return Locals(blocks, chain, cases)

    def local(self, step: int, place: int, jacobian: Jacobian) -> Equation:
        above = entry(self.lines.name(step), jacobian.at)
        below = entry(self.lines.name(place), jacobian.index)
        trees = [above, below, jacobian.tree]
        trees, _ = self.on_paper(trees, jacobian.index, jacobian.at)
        up, down, tree = self.write_trees(trees)
        left = Written(
            rf"\frac{{\partial {up.latex}}}{{\partial {down.latex}}}", f"∂{up.text}/∂{down.text}"
        )
        return Equation(left, (tree,), asked=True)

    def jacobian(self, terms: list[Term], place: int) -> Jacobian:
        # the rules of a line are run on a unit upstream gradient, and checked row by row
        lines, step = self.lines, terms[0].path[0].step
        t, x = lines.tensors[step], lines.tensors[place]
        index, at = self.new_index(x.shape), self.new_index(t.shape)
        components = Components(self.evaluator, self.letters, (lines.gradient_name(step), at))
        tree = collected(added([term.tree for term in terms]))
        jacobian = Jacobian(components.at(tree, index), index, at, self.letters)
        rows = np.unique(np.linspace(0, t.size - 1, min(t.size, MOST_ROWS)).astype(int))
        values = np.zeros((len(rows), *x.shape))
        for (n, row), term in itertools.product(enumerate(rows), terms):
            g = np.zeros(t.shape, t.dtype)
            g.flat[row] = 1
            with np.errstate(all="ignore"):
                for edge in term.path:
                    g = lines.record.contribution(edge, g)
            values[n] += g
        (tree, *letters), index = self.on_paper([jacobian.tree, *at], index, at)
        places = np.unravel_index(rows, t.shape) if t.ndim else ()
        fixed = {
            i.id: place.reshape(-1, *(1 for _ in index))
            for i, place in zip(letters, places, strict=True)
            if isinstance(i, ast.Name)
        }
        if values.size:
            what = f"the Jacobian of {t.described()}"
            self.evaluator.check(tree, values, what, index, at=fixed)
        return jacobian

    # ---- how the lines are to be read ----

    def conventions(self, body: Sequence[Block]) -> list[str | Written]:
        written = remarks.texts(body)
        parts = [*self.entries()]
        if "Σ[" in written:
            parts.append("Every sum is written. ")
        if re.search(r"Σ\[[^\]=]*([≠≤<>:]|\w = )", written):
            parts.append("One with a condition below it goes over the letters that meet it. ")
        parts.append(remarks.shapes(self.lines))
        if self.has_jacobian:
            i, j = (Written(letter, letter) for letter in (self.bound[0], self.free[0]))
            parts += [
                "The derivative of a step's entry ", i, " by its operand's entry ", j,
                " is the rule of that step, run on an upstream gradient that is 1 at ", i,
                " and 0 elsewhere. ",
            ]  # fmt: skip
        return parts

    def entries(self) -> list[str | Written]:
        parts: list[str | Written] = []
        places = {
            sum(n != 1 for n in t.shape): i
            for i, t in reversed(list(enumerate(self.lines.tensors)))
            if t.size > 1
        }
        if not places:
            return []
        j, k = (Written(letter, letter) for letter in self.free[:2])
        for n, where in ((1, ("place ", j)), (2, ("row ", j, " and column ", k))):
            if n in places:
                name = self.lines.name(places[n])
                parts += [self.left(name), " is the entry of ", self.symbol(name), " in ", *where]
                parts.append("; ")
        ones = any(1 in t.shape for t in self.lines.tensors)
        end = ", and an axis of length 1 has none. " if ones else ". "
        return [*parts, f"letters count from 1{end}"]


def entry(name: str, index: Sequence[ast.expr]) -> ast.expr:
    return ast.Subscript(ast.Name(name), ast.Tuple(list(index))) if index else ast.Name(name)


class Composed(PutIndices):
    """Puts components in for entries; the factors of a product stay in the order of the rule."""

    def __init__(self, letters: Letters, entries: Mapping[str, Side]) -> None:
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
        tree, index = self.entries[name].tree, self.entries[name].at
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
    match tree:
        case ast.BinOp(left, ast.Mult(), ast.BinOp(ast.Constant(float(n)), ast.Mult(), rest)):
            if isinstance(left, ast.Constant) and isinstance(left.value, float):
                return simplified(ast.BinOp(ast.Constant(left.value * n), ast.Mult(), rest))
            return ast.BinOp(ast.BinOp(ast.Constant(n), ast.Mult(), left), ast.Mult(), rest)
        case ast.BinOp(left, ast.Mult(), right) if number(left) is number(right) is None:
            return tree
    return simplified(tree)
