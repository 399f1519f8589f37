"""The lines of a derivation, as expressions: equations of the forward pass, and gradients.

A line is a syntax tree of NumPy code. It comes from the operation's text or from its backward rule,
and is evaluated from its text before anyone sees it: one that does not give the engine's number
raises.
"""

from __future__ import annotations

import ast
import functools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ...backward import starting_gradient, sweep
from ...engine import Primitive, Tensor
from ...notation.names import Names, fresh
from ...notation.operations import one_line
from ...notation.steps import rule_expressions, step, twin
from ...notation.symbols import SUBSCRIPTS
from ...notation.trees import call, literal
from ...notation.writer import ENTRY_BY_ENTRY
from ...record import recorded_tensors
from ...table import TABLE
from .rounding import sizes
from .tidied import Tidied, array_like, entry_by_entry, entry_of, number_one, without_one
from .trees import names, put, walk

#: Letters for the components of arrays: those of a gradient, and those that are summed over.
FREE = ("j", "k", "q", "r")
BOUND = ("i", "m", "n", "l", "p", "s", "t", "u", "v", "w", "e", "f", "c", "d", "h", "o")

#: An unnamed step is written inside the next, if it has at most so many parts.
MOST_INLINE = 12

#: A gradient that would have more symbols than this is not multiplied out: nobody would read it.
MOST_SYMBOLS = 40

#: Array constants up to this size are written out; larger ones get a name.
MOST_ENTRIES = 12


class Line(NamedTuple):
    """A tensor, and what it or its gradient is."""

    tensor: Tensor
    tree: ast.expr


class Edge(NamedTuple):
    """What a step adds to the gradient of an operand.

    Parameters
    ----------
    path
        The step that has a line, those written inside it that lead to the operand, and the number
        of the operand in each.
    tree
        What is added: the rule of the last step, in terms of the gradient of the first, and summed
        where the operand was broadcast.
    """

    path: tuple[tuple[Tensor, int], ...]
    tree: ast.expr

    @property
    def line(self) -> Tensor:
        """The step whose line the operand stands in."""
        return self.path[0][0]


class Lines:
    r"""Every line of a derivation, checked.

    Parameters
    ----------
    loss
        A tensor with one entry.
    wanted
        The tensors to differentiate by.
    symbols
        LaTeX for names, such as ``{"z1": r"\zeta"}``.

    Raises
    ------
    ValueError
        If a line does not hold, if an operation's rule cannot be written down, or if a leaf had
        several values during the computation.
    """

    def __init__(
        self, loss: Tensor, wanted: list[Tensor], symbols: Mapping[str, str] | None = None
    ) -> None:
        self.loss, self.wanted = loss, wanted
        self.tensors = recorded_tensors(loss)
        functions: dict[str, Any] = {
            re.sub(r"\W", "_", t.primitive.__name__): t.primitive
            for t in self.tensors
            if t.primitive is not None
        }
        self.functions = {**TABLE, **functions, "np": np}
        reserved = {
            *self.functions,
            *FREE,
            *BOUND,
            "sum",
            "product",
            "largest",
            "smallest",
            "local",
            "range",
            "slice",
            "float",
            "int",
            "bool",
        }
        self._written_inside = self._inline()
        lined = sorted(self.tensors, key=lambda t: t.id in self._written_inside)
        self.names = Names(lined, reserved, symbols, loss=loss)  # numbers without gaps
        self.latex = dict(self.names.latex_symbols)
        self.text = dict(self.names.text_symbols)
        self.values: dict[str, Any] = {}
        self.constants: list[str] = []
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._defined: set[str] = set()
        self._constants: dict[tuple[Any, ...], str] = {}
        self._ids = {self.name(t): t.id for t in self.tensors}
        for t in self.tensors:
            self.values[self.name(t)] = t.data
        self._check_versions()

        upstream, visited = self._sweep()
        self.reaching = self._reaching()
        self.visited = [t for t in visited if t.id in self.reaching]
        for key, g in upstream.items():
            self.values[self.names.gradient(self._by_id[key])] = g
        self.inline: dict[int, ast.expr] = {}  # forward expressions that are part of others
        self.gradient: dict[int, ast.expr] = {}  # of every tensor, as its line has it
        self.edges: dict[int, list[Edge]] = defaultdict(list)
        self._paths: dict[int, tuple[tuple[Tensor, int], ...]] = {}  # to what is written inside
        self.forward = self._forward()
        self.backward = self._backward()

    def name(self, t: Tensor) -> str:
        """Return the name of a tensor in code."""
        return self.names.identifier(t)

    @functools.cached_property
    def scalars(self) -> frozenset[str]:
        """The names of single numbers."""
        return frozenset(name for name, value in self.values.items() if not np.ndim(value))

    # ---- evaluating ----

    def shape(self, tree: ast.expr) -> tuple[int, ...]:
        """Return the shape of an expression."""
        match tree:
            case ast.Name(id=name):
                return np.shape(self.values[name])
            case ast.Constant():
                return ()
            case ast.UnaryOp(_, operand):
                return self.shape(operand)
            case ast.BinOp(left, op, right) if not isinstance(op, ast.MatMult):
                return np.broadcast_shapes(self.shape(left), self.shape(right))
        text = ast.unparse(tree)
        if text not in self._shapes:
            self._shapes[text] = np.shape(self.evaluated(tree))
        return self._shapes[text]

    def evaluated(self, tree: ast.expr, letters: Mapping[str, Any] | None = None) -> Any:
        """Return the value of an expression, from its text."""
        code = ast.unparse(tree)
        known = ({"float": float, "int": int, "bool": bool}, self.functions, self.values, letters)
        scope: dict[str, Any] = {"__builtins__": {"range": range, "slice": slice}}
        for name in names(tree):
            for table in known:
                if table and name in table:
                    scope[name] = table[name]
        with np.errstate(all="ignore"):
            try:
                return eval(code, scope)
            except Exception as error:
                raise ValueError(f"this line cannot be evaluated: {code:.500} ({error})") from error

    def check(self, tree: ast.expr, value: Any, what: str) -> None:
        """Raise ValueError unless the text of an expression has the value."""
        got, value = np.asarray(self.evaluated(tree)), np.asarray(value)
        if close(got, value):
            return
        terms = np.asarray(self.evaluated(sizes(tree)))
        if not close(got, value, float(terms[np.isfinite(terms)].max(initial=0.0))):
            raise ValueError(
                f"this line does not hold: {what} = {ast.unparse(tree):.500}. It gives {got!r:.200}"
                f", and the engine has {value!r:.200}."
            )

    # ---- the record ----

    def _check_versions(self) -> None:
        for t in self.tensors:
            for x, operand in zip(t.inputs, t.operands, strict=True):
                if x is not None and x.primitive is None and operand is not x.data:
                    if np.array_equal(operand, x.data, equal_nan=True):
                        continue
                    raise ValueError(
                        f"{x.described()} has another value now than when {t.described()} was "
                        "computed from it, and in a derivation it has one. Compute the loss again."
                    )

    def _sweep(self) -> tuple[dict[int, Any], list[Tensor]]:
        self._by_id = {t.id: t for t in self.tensors}
        upstream: dict[int, Any] = {}
        visited: list[Tensor] = []

        def visit(t: Tensor, g: Any) -> None:
            upstream[t.id] = np.asarray(g)
            visited.append(t)

        for leaf, g in sweep(self.loss, starting_gradient(self.loss, None), visit=visit):
            upstream[leaf.id] = np.asarray(g)
        return upstream, visited

    def _reaching(self) -> set[int]:
        reaching = {t.id for t in self.wanted}
        for t in self.tensors:  # in recording order
            if any(x is not None and x.id in reaching for x in t.inputs):
                reaching.add(t.id)
        return reaching

    def constant(self, array: np.ndarray) -> ast.expr | None:
        """Return the name of an array constant that is too large to be written out."""
        if array.size <= MOST_ENTRIES or regular(array):
            return None
        key = (array.shape, array.dtype.str, array.tobytes())
        if key not in self._constants:
            name = fresh(f"k{len(self._constants) + 1}", {*self.values, *self.functions}, {})
            self._constants[key] = name
            self.values[name] = array
            self.constants.append(name)
        return ast.Name(self._constants[key])

    def map_of_indices(self, numbers: np.ndarray) -> str:
        """Give a name and a symbol to an array of indices, which counts from 0."""
        n = 1
        while f"π{n}".translate(SUBSCRIPTS) in self.text.values():
            n += 1
        name = fresh(f"pi{n}", {*self.values, *self.functions}, {})
        self.values[name] = numbers
        self.latex[name], self.text[name] = rf"\pi_{{{n}}}", f"π{n}".translate(SUBSCRIPTS)
        return name

    # ---- forward ----

    def _inline(self) -> set[int]:
        """Return the tensors that are written inside others, by their ids.

        They are numbers without a name, and short unnamed steps that are used once.
        """
        uses = Counter(x.id for t in self.tensors for x in t.inputs if x is not None)
        kept = {self.loss.id, *(t.id for t in self.wanted)}
        found: dict[int, int] = {}  # how many parts they have
        for t in self.tensors:
            if t.name is not None or t.id in kept:
                continue
            if t.primitive is None:
                if not t.requires_grad and not t.ndim:
                    found[t.id] = 1
                continue
            inputs = [x for x in t.inputs if x is not None]
            whole = all(x.primitive is None or x.id not in found for x in inputs)
            if uses[t.id] == 1 and whole and has_notation(t.primitive):
                operands: list[ast.expr] = [ast.Name("x") for _ in t.inputs]
                count = parts(step(t.primitive, operands, t.params, lambda _: ast.Name("k")))
                count += sum(found.get(x.id, 1) - 1 for x in inputs)
                if count <= MOST_INLINE:
                    found[t.id] = count
        return set(found)

    def _forward(self) -> list[Line]:
        """Return the equations, with short unnamed steps written inside others."""
        lines = []
        for t in self.tensors:
            if t.primitive is None:
                if t.id in self._written_inside:
                    self.inline[t.id] = literal(t.data.item())
                continue
            plain = self.equation(t)
            tree = self.inlined(plain)
            if t.id in self._written_inside:
                self.check(plain, t.data, self.name(t))
                self.inline[t.id] = tree
            else:
                self.check(tree, t.data, self.name(t))
                lines.append(Line(t, tree))
        return lines

    def equation(self, t: Tensor) -> ast.expr:
        """Return what a tensor was computed as, from its operands by name."""
        assert t.primitive is not None
        operands = [
            literal(value) if x is None else ast.Name(self.name(x))
            for x, value in zip(t.inputs, t.operands, strict=True)
        ]
        return step(t.primitive, operands, t.params, self.constant)

    def inlined(self, tree: ast.expr) -> ast.expr:
        """Write the operands of a step out that have no line of their own."""
        known = {
            name: self.inline[self._ids[name]]
            for name in names(tree)
            if self._ids.get(name) in self.inline
        }
        return put(tree, known) if known else tree

    def definition(self, node: ast.expr) -> ast.expr | None:
        """Return what a function is that is called, such as sigma, if it was not returned yet.

        None also where that simpler form is long or, unlike the function, overflows.
        """
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            return None
        name = node.func.id
        if name in self._defined:
            return None
        values = [self.evaluated(arg) for arg in node.args]
        settings = {word.arg or "": self.evaluated(word.value) for word in node.keywords}
        found = twin(self.functions.get(name), node.args, values, settings)
        if found is None or symbols(found.tree, {}) > MOST_SYMBOLS:
            return None
        if not close(np.asarray(self.evaluated(found.tree)), np.asarray(self.evaluated(node))):
            return None
        self._defined.add(name)
        return found.tree

    def definitions(self, trees: Iterable[ast.expr]) -> Iterator[tuple[ast.expr, ast.expr]]:
        """Yield each function that is called in expressions and not defined yet, and what it is."""
        stack = list(trees)
        while stack:
            for node in walk(stack.pop()):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    tree = self.definition(node)
                    if tree is not None:
                        yield node, tree
                        stack.append(tree)

    # ---- backward ----

    def _backward(self) -> list[Line]:
        """Return the gradients in the order in which they are complete."""
        one = call("np.ones", literal(self.loss.shape)) if self.loss.ndim else literal(1.0)
        self.gradient[self.loss.id] = one
        last = {x.id: t.id for t in self.visited for x in t.inputs if x is not None}
        lines = [Line(self.loss, self.gradient[self.loss.id])]
        for t in self.visited:
            found = self._contributions(t)
            for edge in found:
                x = t.inputs[edge.path[-1][1]]
                assert x is not None
                self.edges[x.id].append(edge)
                if x.id in self.inline:
                    self._paths[x.id] = edge.path
            for x in {x.id: x for x in t.inputs if x is not None}.values():
                if last[x.id] == t.id and self.edges[x.id]:
                    tree = added([edge.tree for edge in self.edges[x.id]])
                    name = self.names.gradient(x)
                    self.check(tree, self.values[name], name)
                    self.gradient[x.id] = tree
                    if x.id not in self.inline:
                        lines.append(Line(x, tree))
        return lines

    def _contributions(self, t: Tensor) -> list[Edge]:
        g, out = self.names.gradient(t), self.name(t)
        operands = ["" if x is None else self.name(x) for x in t.inputs]
        rules = rule_expressions(t, g, out, operands, self.constant)
        edges = []
        for i, (x, rule) in enumerate(zip(t.inputs, rules, strict=True)):
            if x is None or rule is None or x.id not in self.reaching or not x.requires_grad:
                continue
            if t.id in self.inline:  # its gradient has no line either
                rule = self.with_gradient(rule, g, self.gradient[t.id])
            if t is self.loss and not t.ndim:
                rule = without_one(rule, g)
            tree = self.tidied(self.inlined(rule))
            edges.append(Edge((*self._paths.get(t.id, ()), (t, i)), tree))
        return edges

    def tidied(self, tree: ast.expr) -> ast.expr:
        """Return an expression in which nothing is left that is done without thinking."""
        return Tidied(self.values, self.shape).visit(tree)  # type: ignore[no-any-return]

    def with_gradient(self, rule: ast.expr, g: str, gradient: ast.expr) -> ast.expr:
        """Write the gradient of a step out in its rule: of equal entries, one, where that does."""
        whole = put(rule, {g: array_like(gradient)})
        entry = entry_of(gradient)
        if entry is None or not entry_by_entry(rule, g):
            return whole
        single = without_one(rule, g) if number_one(entry) else rule
        single = put(single, {g: array_like(entry)})
        same = np.shape(self.evaluated(single)) == np.shape(self.evaluated(whole))
        return single if same else whole

    def multiplied_out(self) -> dict[int, ast.expr]:
        """Return the gradients with those before them put in, where that has few symbols."""
        found: dict[int, ast.expr] = {}
        known: dict[str, ast.expr] = {}
        counts: dict[str, int] = {}  # known before the tree is made, which could be huge
        for x, tree in self.backward:
            name = self.names.gradient(x)
            counts[name] = symbols(tree, counts)
            if counts[name] <= MOST_SYMBOLS:
                found[x.id] = self.tidied(put(tree, known))
                known[name] = array_like(found[x.id])
        return found


def has_notation(primitive: Primitive) -> bool:
    """Say whether a step can be written inside another: a function such as softmax needs a line."""
    return one_line(primitive) is not None or primitive.__name__ in ENTRY_BY_ENTRY


def regular(array: np.ndarray) -> bool:
    """Say whether an array has a short text: all entries are equal, or it is an identity."""
    square = array.ndim == 2 and array.shape[0] == array.shape[1]
    uniform = bool((array == array.flat[0]).all())
    return uniform or (square and np.array_equal(array, np.eye(len(array))))


def added(terms: list[ast.expr]) -> ast.expr:
    """Return a sum: many terms by halves, so that it is not deep."""
    if len(terms) <= 4:
        return functools.reduce(lambda a, b: ast.BinOp(a, ast.Add(), b), terms)
    half = len(terms) // 2
    return ast.BinOp(added(terms[:half]), ast.Add(), added(terms[half:]))


def close(got: np.ndarray, value: np.ndarray, terms: float = 0.0) -> bool:
    """Say whether a line holds: equal shapes, and entries equal but for rounding.

    Parameters
    ----------
    got, value
        What the text gives, and what the engine has.
    terms
        How large the numbers are that were added up to it, where they may have cancelled.
    """
    if got.shape != value.shape:
        return False
    if (got == value).all():
        return True
    if value.dtype.kind not in "fc":
        return False
    loose = {2: 1e-2, 4: 1e-5}.get(value.dtype.itemsize, 1e-9)
    finite = np.abs(value[np.isfinite(value)])
    scale = max(terms, float(finite.max()) if finite.size else 0.0)
    return bool(np.allclose(got, value, rtol=loose, atol=loose * 1e-3 * scale, equal_nan=True))


def parts(tree: ast.expr) -> int:
    """Count the operators, names and numbers of an expression."""
    kinds = (ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Call)
    return sum(isinstance(node, kinds) for node in walk(tree))


def symbols(tree: ast.expr, counts: Mapping[str, int]) -> int:
    """Count the names, numbers, signs and functions of an expression, but not its indices.

    Parameters
    ----------
    tree
        An expression.
    counts
        How many symbols are to be put in place of some names.

    Examples
    --------
    >>> symbols(ast.parse("g * (1.0 - np.sum(-a[i], axis=0))", mode="eval").body, {"g": 5})
    9
    """
    count = 0
    stack: list[ast.AST] = [tree]
    while stack:
        match stack.pop():
            case ast.Name(name):
                count += counts.get(name, 1)
            case ast.Constant() | ast.Attribute(ast.Name("np")):
                count += 1
            case ast.Call(func, args):
                stack += [func, *args]
            case ast.Subscript(value):
                stack.append(value)
            case ast.GeneratorExp(body):
                stack.append(body)
            case node:
                count += isinstance(node, ast.UnaryOp | ast.Attribute)
                stack += ast.iter_child_nodes(node)
    return count
