"""The lines of a derivation as expressions: the equations of the forward pass, and the gradients.

They are made from a `Record` in one direction: the steps and their rules as trees, with short steps
written inside others, and tidied. The two forms check each line and write it down; what has no line
is checked here.
"""

from __future__ import annotations

import ast
import functools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from ...engine import Primitive, Tensor
from ...notation.names import fresh
from ...notation.operations import one_line
from ...notation.steps import twin
from ...notation.trees import call, literal, names, put, walk
from ...record import Edge, Record
from ...table import TABLE
from .evaluation import TOLERANCES, Evaluator, Lettered
from .tidy import symbols, tidied, with_gradient

#: A step without a name is written inside the next, if it has at most this many parts: of more, a
#: reader loses sight of the line that it stands in.
MOST_INLINE = 12

#: A gradient that would have more symbols than this is not multiplied out: nobody would read it.
MOST_SYMBOLS = 40

#: Arrays among the arguments up to this size are written out; larger ones get a name.
MOST_ENTRIES = 12


class Line(NamedTuple):
    place: int
    tree: ast.expr


class Term(NamedTuple):
    """What a step adds to the gradient of an operand, in terms of that of the first step.

    The path has the edges from the step that has a line, through those written inside it.
    """

    path: tuple[Edge, ...]
    tree: ast.expr


class Lines:
    """Every line of a derivation; ValueError where one does not hold or cannot be written down."""

    def __init__(self, record: Record, wanted: list[Tensor]) -> None:
        self.record = record
        self.tensors = record.tensors
        self.wanted = [record.place[t.id] for t in wanted]
        self.loss = len(self.tensors) - 1
        self.names = record.names
        self.latex = self.names.latex_symbols
        self.text = self.names.text_symbols
        self.values = self._values()
        self.constants: list[str] = []
        self._constants: dict[tuple[Any, ...], str] = {}
        self._defined: set[str] = set()
        functions = {t.primitive.__name__: t.primitive for t in self.tensors if t.primitive}
        self.functions: dict[str, Any] = {**TABLE, **functions, "np": np}
        self.evaluator = Evaluator(
            {name: as_float(value) for name, value in self.values.items()},
            self.functions,
            max(TOLERANCES.get(t.data.itemsize, 0.0) for t in self.tensors if t.dtype.kind == "f"),
        )
        self.evaluator.fixed = {
            self.name(i)
            for i, t in enumerate(self.tensors)
            if t.primitive is None and not t.requires_grad
        }
        leading = record.leading_to(wanted)
        self.edges = [edge for edge in record.given if record.source[edge] in leading]
        computed = [i for i, t in enumerate(self.tensors) if t.primitive is not None]
        self.equations = {i: record.equation(i, self._constant) for i in computed}
        self.rules: dict[Edge, ast.expr] = {}
        for step in dict.fromkeys(edge.step for edge in self.edges):
            self.rules |= record.rules(step, self._constant)
        self.parts: dict[int, dict[str, ast.expr]] = defaultdict(dict)  # named by the step's rule
        for edge, rule in self.rules.items():
            row = self.tensors[edge.step].primitive
            if row is not None and (row.letters or row.averages):
                self.rules[edge] = Lettering(self, row, edge.step).visit(rule)
        self.inline: dict[int, ast.expr] = {}  # forward expressions that are part of others
        self._by_name: dict[str, ast.expr] = {}  # the same
        self.forward = self._forward()
        for name, part in [item for parts in self.parts.values() for item in parts.items()]:
            self.evaluator.letters[ast.unparse(self.with_inlined(part))] = name
        self.gradient: dict[int, ast.expr] = {}  # of every tensor, as its line has it
        self.terms: dict[int, list[Term]] = defaultdict(list)
        self.backward = self._backward()

    def name(self, place: int) -> str:
        return self.names.identifier(self.tensors[place])

    def gradient_name(self, place: int) -> str:
        return self.names.gradient(self.tensors[place])

    # ---- what the names stand for ----

    def _values(self) -> dict[str, np.ndarray]:
        values = {}
        for i, t in enumerate(self.tensors):
            value = self.record.value(i)
            if any(np.size(x) == 0 for x in t.operands) and np.isnan(t.data).any():
                raise ValueError(
                    f"{t.described()} is computed from an empty array, so it is not a number: it "
                    "has no derivation. Give it an array that has entries."
                )
            values[self.name(i)] = np.asarray(value)  # without what a user is shown it with
        for i, g in self.record.gradients.items():
            values[self.gradient_name(i)] = np.asarray(g)
        return values

    def _constant(self, array: np.ndarray) -> ast.expr | None:
        if array.size <= MOST_ENTRIES or has_pattern(array):
            return None
        key = (array.shape, array.dtype.str, array.tobytes())
        if key not in self._constants:
            name = self.new(f"k{len(self._constants) + 1}", array)  # an index stays an integer
            self._constants[key] = name
            self.constants.append(name)
        return ast.Name(self._constants[key])

    def new(self, name: str, value: np.ndarray) -> str:
        taken = {*self.values, *self.functions, *self.constants}
        taken |= {re.sub(r"(?<=[A-Za-z])(\d+)$", r"_\1", n) for n in taken}  # p2 is printed p_2
        name = fresh(name, taken, {})
        self.values[name] = self.evaluator.values[name] = value
        return name

    # ---- forward ----

    def _written_inside(self) -> set[int]:
        """Return what is written inside other lines: unnamed numbers, short steps used once.

        A step that a rule compares with something has a line of its own: computed anew, it may
        differ in the last digit, and the condition would not hold any more.
        """
        inputs = self.record.inputs
        uses = Counter(inputs.values())
        inside: set[int] = set()  # the steps
        chained = set()  # what uses one of them
        compared = {
            name
            for rule in self.rules.values()
            for node in walk(rule)
            if isinstance(node, ast.Compare)
            for name in names(node)
        }
        used_by = {x: edge.step for edge, x in inputs.items()}
        for i, t in enumerate(self.tensors):
            if t.primitive is None or t.name is not None or uses[i] != 1 or i in chained:
                continue
            own_line = i in self.wanted or self.name(i) in compared
            notation = one_line(t.primitive) is not None or t.primitive.kind == "entrywise"
            if notation and not own_line and count_parts(self.equations[i]) <= MOST_INLINE:
                inside.add(i)
                chained.add(used_by[i])
        return inside

    def _forward(self) -> list[Line]:
        lines = []
        inside = self._written_inside()
        for i, t in enumerate(self.tensors):
            if t.primitive is None:
                if t.name is None and not t.requires_grad and not t.ndim:
                    self.inline[i] = self._by_name[self.name(i)] = literal(t.data.item())
                continue
            tree = self.with_inlined(self.equations[i])
            if i in inside:
                self.evaluator.check(tree, self.values[self.name(i)], self.name(i))
                self.inline[i] = self._by_name[self.name(i)] = tree
            else:
                lines.append(Line(i, tree))
        return lines

    def with_inlined(self, tree: ast.expr) -> ast.expr:
        return put(tree, self._by_name)

    def definitions(self, trees: Iterable[ast.expr]) -> Iterator[tuple[ast.expr, ast.expr]]:
        stack = list(trees)
        while stack:
            for node in walk(stack.pop()):
                tree = self.definition(node)
                if tree is not None:
                    assert isinstance(node, ast.Call)
                    yield node, tree
                    stack.append(tree)

    def definition(self, node: ast.AST) -> ast.expr | None:
        # None also where that simpler form is long or, unlike the function, overflows
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            return None
        name, evaluate = node.func.id, self.evaluator.evaluate
        if name in self._defined:
            return None
        arguments = {word.arg or "": evaluate(word.value) for word in node.keywords}
        values = [evaluate(arg) for arg in node.args]
        found = twin(self.functions.get(name), node.args, values, arguments)
        if found is None or symbols(found.tree, {}) > MOST_SYMBOLS:
            return None
        tree: ast.expr = Lettered(self.functions[name], self.evaluator).visit(found.tree)
        if not self.evaluator.agrees(np.asarray(evaluate(tree)), np.asarray(evaluate(node))):
            return None
        self._defined.add(name)
        return tree

    # ---- backward ----

    def _backward(self) -> list[Line]:
        loss = self.tensors[self.loss]
        one = call("np.ones", literal(loss.shape)) if loss.ndim else literal(1.0)
        self.gradient[self.loss] = one
        lines = [Line(self.loss, one)]
        source = self.record.source
        waiting = Counter(source[edge] for edge in self.edges)
        for _, edges in groupby(self.edges, key=lambda edge: edge.step):
            reached = []
            for edge in edges:
                reached.append(source[edge])
                self.terms[source[edge]].append(self._term(edge))
                waiting[source[edge]] -= 1
            for x in dict.fromkeys(reached):
                if waiting[x]:
                    continue
                tree = self.gradient[x] = added([term.tree for term in self.terms[x]])
                if x in self.inline:
                    name = self.gradient_name(x)
                    self.evaluator.check(tree, self.values[name], name)
                else:
                    lines.append(Line(x, tree))
        return lines

    def _term(self, edge: Edge) -> Term:
        step, rule = edge.step, self.rules[edge]
        g = self.gradient_name(step)
        before: tuple[Edge, ...] = ()
        if step in self.inline:  # its gradient has no line either
            before = self.terms[step][0].path
        if before or (step == self.loss and not self.tensors[step].ndim):  # which is 1
            rule = with_gradient(rule, g, self.gradient[step], self.evaluator)
        return Term((*before, edge), tidied(self.with_inlined(rule), self.evaluator))


class Lettering(Lettered):
    """Makes letters for what the rule of a step computes, and for what it averages over."""

    def __init__(self, lines: Lines, row: Primitive, step: int) -> None:
        super().__init__(row, lines.evaluator)
        self.lines, self.step = lines, step

    def part(self, call: ast.Call, letter: str) -> str:
        name = super().part(call, letter)
        if name is None:
            name = self.recorded(call)
            if name is None:
                name = self.lines.new(letter, np.asarray(self.evaluator.evaluate(call)))
                self.lines.parts[self.step][name] = call
            self.evaluator.letters[ast.unparse(call)] = name
        return name

    def recorded(self, call: ast.Call) -> str | None:
        # the tensor that is the same: an axis may be counted from the other end
        lines, value = self.lines, self.evaluator.evaluate(call)
        text = list(map(ast.unparse, [call.func, *call.args]))
        for i, tree in lines.equations.items():
            if i < self.step and isinstance(tree, ast.Call):
                same = list(map(ast.unparse, [tree.func, *tree.args])) == text
                if same and np.array_equal(lines.values[lines.name(i)], value):
                    return lines.name(i)
        return None

    def count(self, number: int, what: str) -> str | None:
        name = super().count(number, what)
        if name is None and number != 1:
            name = self.lines.new("N", np.asarray(float(number)))
            self.evaluator.counts[name] = what
            self.lines.constants.append(name)
        return name


def as_float(value: np.ndarray) -> np.ndarray:
    return np.asarray(value, np.float64)


def has_pattern(array: np.ndarray) -> bool:
    square = array.ndim == 2 and array.shape[0] == array.shape[1]
    uniform = bool((array == array.flat[0]).all())
    return uniform or (square and np.array_equal(array, np.eye(len(array))))


def added(terms: list[ast.expr]) -> ast.expr:
    # by halves, so that it is not deep
    if len(terms) <= 4:
        return functools.reduce(lambda a, b: ast.BinOp(a, ast.Add(), b), terms)
    half = len(terms) // 2
    return ast.BinOp(added(terms[:half]), ast.Add(), added(terms[half:]))


def count_parts(tree: ast.expr) -> int:
    kinds = (ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Call)
    return sum(isinstance(node, kinds) for node in walk(tree))
