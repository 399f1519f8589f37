"""From lines to a document, with whole arrays: each line is checked where it is written.

The equations, the gradients from the loss backward, and those asked for multiplied out. The form
with components, `index_form`, has the same document, and other sides of its equations.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, NamedTuple, TypeAlias

import numpy as np

from ...notation.formula import latex, text
from ...notation.numbers import written_array
from ...notation.symbols import latex_symbol, text_symbol
from ...notation.trees import put
from . import remarks
from .cancelled import Cancelled
from .document import BLANK, Block, Equation, Heading, Sentence, Written
from .indices import NoComponentsError
from .lines import MOST_SYMBOLS, Lines
from .tidy import array_like, collected, symbols


class Side(NamedTuple):
    """A side of an equation, and the same on paper: a component has other letters there."""

    tree: ast.expr
    paper: ast.expr
    at: Sequence[ast.expr] = ()
    places: Sequence[ast.expr] = ()  # the index on paper


#: The local derivatives that lead to a gradient, the gradient by them, and the same in cases.
Locals: TypeAlias = "tuple[list[Equation], list[Written], Side | None]"


class MatrixForm:
    """Writes lines down with whole arrays; with numbers, their values stand beside them."""

    title: ClassVar[str] = "Derivation of the gradients"
    too_long: ClassVar[str] = f"more than {MOST_SYMBOLS} symbols"

    def __init__(self, lines: Lines, numbers: bool, worksheet: bool = False) -> None:
        self.lines, self.numbers, self.worksheet = lines, numbers, worksheet
        self.evaluator = lines.evaluator
        self.sides: dict[str, Side] = {}  # of each gradient

    # ---- what components have otherwise ----

    def side(self, tree: ast.expr, shape: Sequence[int]) -> Side:
        return self.with_index(tree, ())

    def with_index(self, tree: ast.expr, index: Sequence[ast.expr]) -> Side:
        return Side(tree, tree)

    def check(self, side: Side, value: np.ndarray, name: str) -> None:
        self.evaluator.check(side.tree, value, name)

    def write(self, side: Side) -> Written:
        tree = self.evaluator.with_shapes(side.tree)
        return Written(latex(tree, self.lines.latex), text(tree, self.lines.text))

    def left(self, name: str) -> Written:
        return self.symbol(name)

    def with_numbers(self, equation: Equation, name: str) -> Iterator[Equation]:
        yield with_side(equation, self.lines.values[name])

    def local_derivatives(self, place: int) -> Locals:
        return [], [], None

    def put_in(self, side: Side, known: Mapping[str, Side]) -> Side:
        trees = {name: array_like(inner.tree) for name, inner in known.items()}
        return self.with_index(Cancelled(self.evaluator).visit(put(side.tree, trees)), ())

    def conventions(self, body: Sequence[Block]) -> Iterable[str | Written]:
        about = (remarks.shapes, remarks.products)
        sides = remarks.sides(self.lines, self.worksheet)
        return [sides, *(say(self.lines) for say in about), *remarks.signs(body)]

    # ---- the document ----

    def blocks(self) -> Iterator[Block]:
        body, title = list(self.body()), self.title
        if self.worksheet:  # before the conventions, which would tell what stands in the blanks
            body = [blank(block) for block in body if isinstance(block, Heading) or not block.hint]
            title = f"Worksheet: {title[0].lower()}{title[1:]}"
        yield Heading(title)
        if self.worksheet:
            yield from (Sentence((f"{what}: ", BLANK)) for what in ("Name", "Date"))
        yield from remarks.framed(body, self.conventions(body))
        if not self.worksheet:
            yield Sentence((remarks.CHECKED,))

    def body(self) -> Iterator[Block]:
        lines = self.lines
        yield Heading("The equations")
        yield from remarks.given(lines, self.symbol, self.numbers)
        for i, tree in lines.forward:
            yield from self.parts(i)
            shape = lines.tensors[i].shape
            sides, trees = [self.side(tree, shape)], [tree]
            definition = lines.definition(tree)
            if definition is not None:
                trees.append(definition)
                with contextlib.suppress(NoComponentsError):
                    sides.append(self.side(definition, shape))
            yield from self.equation(lines.name(i), sides)
            yield from self.definitions(trees)
        yield Heading("The gradients, from the loss backward")
        for i, tree in lines.backward:
            yield from self.gradient(i, tree)
        yield Heading("Multiplied out")
        text = "The earlier gradients are substituted. Values of the forward pass stay as names."
        yield Sentence((text,))
        yield from self.multiplied_out()

    def parts(self, step: int) -> Iterator[Block]:
        # what the rule of a step has a letter for
        lines = self.lines
        for name, call in lines.parts[step].items():
            tree, shape = lines.with_inlined(call), lines.values[name].shape
            definition = lines.definition(tree)
            sides = [tree] if definition is None else [tree, definition]
            with contextlib.suppress(NoComponentsError):
                yield from self.equation(name, [self.side(side, shape) for side in sides])

    def definitions(self, trees: list[ast.expr], hint: bool = False) -> Iterator[Block]:
        for call, tree in self.lines.definitions(trees):
            value = np.asarray(self.evaluator.evaluate(call))
            try:
                left, right = (self.side(side, value.shape) for side in (call, tree))
            except NoComponentsError:
                continue
            formulas = self.write(left), self.write(right)
            if formulas[0] != formulas[1]:  # as of a function that is taken apart
                self.check(right, value, ast.unparse(call))
                yield Equation(formulas[0], formulas[1:], value.shape, hint=hint)

    def gradient(self, place: int, tree: ast.expr) -> Iterator[Block]:
        lines, name = self.lines, self.lines.gradient_name(place)
        local_derivatives, chain, cases = self.local_derivatives(place)
        yield from local_derivatives
        yield from remarks.added_up(lines, place, self.symbol(lines.name(place)))
        whole = self.side(tree, lines.tensors[place].shape)
        self.sides[name] = cases or whole
        sides = [*filter(None, [cases]), whole]
        simpler = collected(whole.tree)
        if simpler is not whole.tree:
            sides.append(self.with_index(simpler, whole.at))
        yield from self.equation(name, sides, chain, asked=True)
        yield from self.definitions([tree], hint=True)

    def multiplied_out(self) -> Iterator[Block]:
        # those before it are put in, where that has few symbols
        said = set(self.evaluator.summing_to_one)
        known: dict[str, Side] = {}
        counts: dict[str, int] = {}  # known before the tree is made, which could be huge
        for name, side in self.sides.items():
            counts[name] = symbols(side.tree, counts)
            if counts[name] <= MOST_SYMBOLS:
                try:
                    known[name] = self.put_in(side, known)
                except NoComponentsError:
                    counts[name] = MOST_SYMBOLS + 1  # nor can it be put into others
        names = {place: self.lines.gradient_name(place) for place in self.lines.wanted}
        done = [place for place, name in names.items() if name in known]
        yield from remarks.sums_to_one(self.lines, self.symbol, said)
        for place in done:
            side = known[names[place]]
            simpler = collected(side.tree)
            sides = [side if simpler is side.tree else self.with_index(simpler, side.at)]
            yield from self.equation(names[place], sides, asked=True, numbers=False)
        yield from remarks.left_out(self.lines, done, self.symbol, self.too_long)

    # ---- a line ----

    def equation(
        self, name: str, sides: Sequence[Side], before: Sequence[Written] = (),
        asked: bool = False, numbers: bool = True,
    ) -> Iterator[Equation]:  # fmt: skip
        value = self.lines.values[name]
        for side in sides:
            self.check(side, value, name)
        formulas = dict.fromkeys([*before, *map(self.write, sides)])
        equation = Equation(self.left(name), tuple(formulas), value.shape, asked)
        if self.numbers and numbers:
            yield from self.with_numbers(equation, name)
        else:
            yield equation

    def symbol(self, name: str) -> Written:
        latex, text = self.lines.latex.get(name), self.lines.text.get(name)
        return Written(latex or latex_symbol(name), text or text_symbol(name))


def blank(block: Block) -> Block:
    asked = isinstance(block, Equation) and block.asked
    return replace(block, sides=()) if asked else block  # type: ignore[arg-type]


def with_side(equation: Equation, value: np.ndarray) -> Equation:
    return replace(equation, sides=tuple(dict.fromkeys([*equation.sides, written_array(value)])))
