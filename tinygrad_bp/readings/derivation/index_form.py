"""The derivation in components, with explicit sums: found from the matrix lines, not written again.

Each line is taken apart into one component (`components`), evaluated at every index, and written
(`component_printer`). Before a gradient stand the local derivatives that lead to it (`jacobian`).
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ...notation.alphabets import LATEX, TEXT
from ...notation.numbers import written_array
from ...notation.trees import put, walk
from . import remarks
from .component_printer import ComponentPrinter
from .components import Components
from .document import Block, Equation, Written
from .indices import Letters, NoComponentsError, letter_of
from .jacobian import Jacobian, entry
from .lines import Lines, Term, added
from .matrix_form import Locals, MatrixForm, Side, with_side
from .tidy import collected

#: Letters on paper: for the components of a gradient, and for what is summed over.
FREE = ("j", "k", "q", "r")
BOUND = ("i", "m", "n", "l", "p", "s", "t", "u", "v", "w", "e", "f", "c", "d", "h", "o")

#: A Jacobian is checked in this many rows, taken evenly from all of it: of large arrays, all rows
#: would take longer than anything else.
MOST_ROWS = 50


class IndexForm(MatrixForm):
    """Writes lines down in components; ValueError where that cannot be, or one does not hold."""

    title = "Derivation of the gradients, in components"
    too_long = (
        f"{MatrixForm.too_long}, more sums than letters, or a gradient in an array as a whole"
    )

    def __init__(self, lines: Lines, numbers: bool, worksheet: bool = False) -> None:
        super().__init__(lines, numbers, worksheet)
        self.letters = Letters()
        # a tensor that is called like a letter keeps its name, and the letter is not used
        used = {*lines.values, *lines.latex.values(), *lines.text.values()}
        self.free = [letter for letter in (*FREE, *BOUND[6:]) if letter not in used]
        self.bound = [letter for letter in (*BOUND, *FREE[2:]) if letter not in used]
        self.has_jacobian = False

    # ---- components ----

    def new_index(self, shape: Sequence[int]) -> list[ast.expr]:
        return [self.letters.new(n) for n in shape]

    def side(self, tree: ast.expr, shape: Sequence[int]) -> Side:
        index = self.new_index(shape)
        return self.with_index(Components(self.evaluator, self.letters).at(tree, index), index)

    def with_index(self, tree: ast.expr, index: Sequence[ast.expr]) -> Side:
        (paper,), places = self.on_paper([tree], index)
        return Side(tree, paper, index, places)

    def check(self, side: Side, value: np.ndarray, name: str) -> None:
        self.evaluator.check(side.paper, value, f"a component of {name}", side.places)

    def on_paper(
        self, trees: Sequence[ast.expr], index: Sequence[ast.expr], at: Sequence[ast.expr] = ()
    ) -> tuple[list[ast.expr], list[ast.expr]]:
        # Each sum has a letter of its own, other than those of the index and of a step's component.
        free = [i.id for i in index if isinstance(i, ast.Name)]
        bound = [i.id for i in at if isinstance(i, ast.Name)]
        bound += [letter for tree in trees for node in walk(tree) if (letter := letter_of(node))]
        bound = list(dict.fromkeys(bound))
        known = dict(zip(free, self.free, strict=False))
        known |= dict(zip(bound, (b for b in self.bound if b not in known.values()), strict=False))
        if len(known) < len(free) + len(bound):
            raise NoComponentsError(
                'a line has more axes and sums than there are letters: use form="matrix"'
            )
        renamed = {old: ast.Name(f"_{new}") for old, new in known.items()}
        return [put(tree, renamed) for tree in trees], [put(i, renamed) for i in index]

    def put_in(self, side: Side, known: Mapping[str, Side]) -> Side:
        entries = {name: (inner.tree, inner.at) for name, inner in known.items()}
        return self.with_index(self.letters.composed(side.tree, entries), side.at)

    # ---- writing ----

    def write(self, side: Side) -> Written:
        return self.write_trees([side.paper])[0]

    def write_trees(self, trees: Sequence[ast.expr], local: Written | None = None) -> list[Written]:
        latex, text = self.lines.latex, self.lines.text
        if local is not None:
            latex, text = {**latex, "_local": local.latex}, {**text, "_local": local.text}
        in_latex = ComponentPrinter(LATEX, latex, self.lines)
        in_text = ComponentPrinter(TEXT, text, self.lines)
        return [Written(in_latex.write(tree).text, in_text.write(tree).text) for tree in trees]

    def left(self, name: str) -> Written:
        index = self.new_index(self.lines.values[name].shape)
        return self.write(self.with_index(entry(name, index), index))

    def with_numbers(self, equation: Equation, name: str) -> Iterator[Equation]:
        value, asked = self.lines.values[name], equation.asked
        if value.size == 1:
            yield with_side(equation, value.reshape(()))
        else:
            yield equation
            yield Equation(self.symbol(name), (written_array(value),), asked=asked, hint=asked)

    # ---- local derivatives ----

    def local_derivatives(self, place: int) -> Locals:
        lines, name = self.lines, self.lines.gradient_name(place)
        by_line: defaultdict[int, list[Term]] = defaultdict(list)
        for term in lines.terms[place]:  # a step that uses a value twice has one derivative
            by_line[term.path[0].step].append(term)
        by_line.pop(lines.loss, None)  # the derivative of the loss is the gradient itself
        found: list[Equation] = []
        chain: list[Written] = []
        cases: Side | None = None
        for step, terms in by_line.items():
            try:
                local, jacobian = self.local(terms, place)
            except NoComponentsError:
                continue
            if len(terms[0].path) > 1 and not jacobian.readable:  # several steps in one line
                continue
            found.append(local)
            self.has_jacobian |= bool(jacobian.at or jacobian.index)
            g = lines.gradient_name(step)
            tree = jacobian.in_cases(g) if len(lines.terms[place]) == len(terms) else None
            if tree is not None:
                cases = self.with_index(tree, jacobian.index)
                whole = self.with_index(jacobian.chain(g, jacobian.tree), jacobian.index)
                self.check(whole, lines.values[name], name)
                short = jacobian.chain(g, ast.Name("_local"))
                trees, _ = self.on_paper([short], jacobian.index, jacobian.at)
                chain = self.write_trees(trees, local.left)
        return found, chain, cases

    def local(self, terms: list[Term], place: int) -> tuple[Equation, Jacobian]:
        # the rules of a line are run on a unit upstream gradient, and checked row by row
        lines, step = self.lines, terms[0].path[0].step
        t, x = lines.tensors[step], lines.tensors[place]
        index, at = self.new_index(x.shape), self.new_index(t.shape)
        components = Components(self.evaluator, self.letters, (lines.gradient_name(step), at))
        tree = components.at(collected(added([term.tree for term in terms])), index)
        jacobian = Jacobian(tree, index, at, self.letters)
        both = entry(lines.name(step), at), entry(lines.name(place), index)
        trees, on_paper = self.on_paper([*both, jacobian.tree, *at], index, at)
        rows = np.unique(np.linspace(0, t.size - 1, min(t.size, MOST_ROWS)).astype(int))
        values = np.zeros((len(rows), *x.shape))
        for n, row in enumerate(rows):
            unit = np.zeros(t.shape, t.dtype)
            unit.flat[row] = 1
            for term in terms:
                g = unit
                with np.errstate(all="ignore"):
                    for edge in term.path:
                        g = lines.record.contribution(edge, g)
                values[n] += g
        places = np.unravel_index(rows, t.shape) if t.ndim else ()
        fixed = {
            i.id: place.reshape(-1, *(1 for _ in index))
            for i, place in zip(trees[3:], places, strict=True)
            if isinstance(i, ast.Name)
        }
        if values.size:
            what = f"the Jacobian of {t.described()}"
            self.evaluator.check(trees[2], values, what, on_paper, at=fixed)
        up, down, side = self.write_trees(trees[:3])
        latex = rf"\frac{{\partial {up.latex}}}{{\partial {down.latex}}}"
        left = Written(latex, f"∂{up.text}/∂{down.text}")
        return Equation(left, (side,), asked=True), jacobian

    # ---- how the lines are to be read ----

    def conventions(self, body: Sequence[Block]) -> list[str | Written]:
        written = remarks.texts(body)
        parts = [*self.entries()]
        if "Σ[" in written:
            parts.append("Every sum is written. ")
        if re.search(r"Σ\[[^\]=]*([≠≤<>:]|\w = )", written):
            parts.append("A condition below a sum says which values of the letter it covers. ")
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
        end = ", and an axis of length 1 has no letter. " if ones else ". "
        return [*parts, f"letters count from 1{end}"]
