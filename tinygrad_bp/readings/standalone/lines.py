"""The lines of the function that `source` writes: one for each value and each gradient.

They are the equations and rules of the record, as all readings have them. Nothing is computed
twice: a line that is there is used again, and what else occurs twice gets a line of its own.
"""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...engine import Tensor
from ...notation.names import RESERVED
from ...notation.operations import one_line
from ...notation.trees import Put, Rebuilt, call, like, literal, names, shape_of, walk
from ...record import Record
from .helpers import FUNCTION, Helpers

WIDTH = 88  # ruff's default: lines are kept within it where names and numbers allow
INDENT = " " * 4


class Lines(Rebuilt):
    """Writes the module; as a visitor, it puts names in for what has a line."""

    def __init__(self, record: Record, wanted: list[Tensor]) -> None:
        self.record, self.wanted = record, wanted
        self.parameters: dict[str, np.ndarray] = {}
        self.same: dict[str, ast.expr] = {}  # what stands for names that have no line
        self.known: dict[str, ast.expr] = {}  # the names of lines, by the text of the right side
        self.counts: Counter[str] = Counter()
        self.lines: list[str] = []
        every = record.names.latex_symbols  # of tensors and gradients
        self.taken = RESERVED | {name for name in every if name.isidentifier()}
        self.helpers = Helpers(self.taken)
        numbered = (f"t{n}" for n in itertools.count(1))
        self.temporaries = (name for name in numbered if name not in self.taken)

    def name(self, i: int) -> str:
        return self.record.names.identifier(self.record.tensors[i])

    def gradient_name(self, i: int) -> str:
        return self.record.names.gradient(self.record.tensors[i])

    # ---- from the record ----

    def linked(self, tree: ast.expr) -> ast.expr:
        new: ast.expr = Linked(self.same, self.helpers).visit(tree)
        return new

    def forward(self) -> dict[int, ast.expr]:
        own = {t.id for t in self.wanted}
        found: dict[int, ast.expr] = {}
        first: dict[str, ast.expr] = {}
        for i, t in enumerate(self.record.tensors):
            name = self.name(i)
            if t.primitive is not None:
                tree = self.linked(self.record.equation(i))
                text = text_of(tree)
                if text in first and t.name is None and t.id not in own:
                    self.same[name] = first[text]
                else:
                    found[i], first[text] = tree, ast.Name(name)
            elif t.name is None and not t.requires_grad and not t.ndim:
                self.same[name] = literal(t.data)  # a number after all
            else:
                self.parameters[name] = self.record.value(i)
        return found

    def backward(self) -> dict[int, list[ast.expr]]:
        # a gradient of a leaf comes as soon as all of it is there
        record = self.record
        leading = record.leading_to(self.wanted)
        edges = [edge for edge in record.edges if edge in record.given]
        edges = [edge for edge in edges if record.source[edge] in leading]
        last_use = {record.source[edge]: edge.step for edge in edges}
        rules: dict[Any, ast.expr] = {}
        for i in dict.fromkeys(edge.step for edge in edges):
            rules |= record.rules(i)
        terms: dict[int, list[ast.expr]] = {}
        for edge in edges:
            terms.setdefault(record.source[edge], []).append(self.linked(rules[edge]))
        last = len(record.tensors) - 1
        terms[last] = [call("np.ones_like", ast.Name(self.name(last)))]

        def order(i: int) -> tuple[int, bool]:
            is_leaf = record.tensors[i].primitive is None
            return (-last_use.get(i, i), True) if is_leaf else (-i, False)

        used = {self.gradient_name(record.place[x.id]) for x in self.wanted}
        found = {}
        for i in sorted(terms, key=order, reverse=True):
            if self.gradient_name(i) in used:
                found[i] = terms[i]
                used |= set().union(*map(names, terms[i]))
        return dict(reversed(found.items()))

    # ---- what is computed twice ----

    def count(self, trees: list[ast.expr]) -> None:
        while trees:
            node = trees.pop()
            if is_computed(node):
                text = text_of(node)
                self.counts[text] += 1
                if self.counts[text] > 1:
                    continue
            trees += (part for part in ast.iter_child_nodes(node) if isinstance(part, ast.AST))  # type: ignore[misc]

    def visit(self, node: ast.AST) -> Any:
        if not is_computed(node):
            return super().visit(node)
        text = text_of(node)
        if text not in self.known:
            new = super().visit(node)
            if self.counts[text] < 2:
                return new
            self.known[text] = self.hoisted(new)
        return self.known[text]

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        new = self.generic_visit(node)
        if isinstance(new, ast.BinOp) and isinstance(new.op, ast.Pow) and shape_of(node) == ():
            # NumPy's own scalars may have another last bit than the engine's arrays
            sides = (
                call("np.asarray", side) if names(side) else side for side in (new.left, new.right)
            )
            new = ast.BinOp(next(sides), ast.Pow(), next(sides))
        return new

    def hoisted(self, tree: ast.expr) -> ast.expr:
        tree = self.fitted("t10", tree)
        name = next(self.temporaries)
        self.lines.append(f"{name} = {ast.unparse(tree)}")
        return ast.Name(name)

    def fitted(self, name: str, tree: ast.expr) -> ast.expr:
        # what is too wide gets lines of its own, each as long as fits
        while len(f"{INDENT}{name} = {ast.unparse(tree)}") > WIDTH:
            parts = [part for part in walk(tree)[1:] if is_computed(part)]
            texts = {ast.unparse(part): part for part in parts}
            fit = [text for text in texts if len(f"{INDENT}t10 = {text}") <= WIDTH] or list(texts)
            if not fit:
                break
            longest = max(fit, key=len)
            self.known[longest] = self.hoisted(texts[longest])  # type: ignore[arg-type]
            tree = super().visit(tree)
        return tree

    # ---- lines ----

    def written(self, name: str, terms: list[ast.expr], comment: str = "") -> str:
        """Write the lines of a sum, which is continued on the next where it is too wide."""
        text = text_of(terms[0])
        alone = len(terms) == 1 and text not in self.known
        tree: ast.expr = super().visit(terms[0]) if alone else self.visit(terms[0])
        for term in terms[1:]:
            both = ast.BinOp(tree, ast.Add(), self.visit(term))
            if len(f"{INDENT}{name} = {ast.unparse(both)}") > WIDTH:
                self.line(name, tree, comment)
                both, comment = ast.BinOp(ast.Name(name), ast.Add(), both.right), ""
            tree = both
        self.line(name, tree, comment)
        if alone:
            self.known[text] = ast.Name(name)
        return self.lines[-1]

    def line(self, name: str, tree: ast.expr, comment: str = "") -> None:
        line = f"{name} = {ast.unparse(self.fitted(name, tree))}"
        if comment and len(f"{INDENT}{line}  # {comment}") <= WIDTH:
            line += f"  # {comment}"
        elif comment:
            self.lines.append(f"# {comment}")
        self.lines.append(line)

    def module(self) -> str:
        forward, backward = self.forward(), self.backward()
        self.count([*forward.values(), *itertools.chain(*backward.values())])
        L = self.name(len(self.record.tensors) - 1)
        made = {i: self.written(self.name(i), [tree]) for i, tree in forward.items()}
        if self.lines:
            self.lines = ["# Forward", *self.lines, ""]
        self.lines.append(f"# Backward: the gradient of {L} by each line above, the latest first")
        for i, terms in backward.items():
            comment = made.get(i, self.name(i))
            fits = len(comment) <= WIDTH - len(INDENT) - 2
            self.written(self.gradient_name(i), terms, comment if fits else self.name(i))
        results = []
        for x in self.wanted:
            i = self.record.place[x.id]
            text = self.gradient_name(i) if i in backward else f"np.zeros_like({self.name(i)})"
            if i in backward and self.record.gradients[i].dtype != x.dtype:
                text += f".astype(np.{x.dtype.name})"
            results.append(f'"{self.name(i)}": {text}')
        self.lines += listed(f"return {L}, {{", results, "}", INDENT)
        shapes = [f"{name} of shape {array.shape}" for name, array in self.parameters.items()]
        function = [
            *listed(f"def {FUNCTION}(", list(self.parameters), "):", ""),
            *docstring(f"Return {L}, and its gradients by name", shapes),
            *(f"{INDENT}{line}".rstrip() for line in self.lines),
        ]
        parts = [
            f'"""{L} and its gradients: written by tinygrad_bp from a recorded computation."""',
            "\n".join(sorted(self.helpers.imports)),
            "import numpy as np",
            *self.helpers.texts,
            "\n".join(function),
        ]
        text = ""
        for part in filter(None, parts):
            gap = "\n\n\n" if part.startswith("def ") or "\ndef " in text else "\n\n"
            text += gap + part if text else part
        return text + "\n"


class Linked(Put):
    """Gives functions the names that they have here."""

    def __init__(self, known: Mapping[str, ast.expr], helpers: Helpers) -> None:
        super().__init__(known)
        self.helpers = helpers

    def visit_Call(self, node: ast.Call) -> ast.AST:
        new = self.generic_visit(node)
        primitive = getattr(node, "primitive", None)
        if primitive is None or one_line(primitive) is not None or not isinstance(new, ast.Call):
            return new
        try:
            name = self.helpers.name(primitive)
        except ValueError as error:
            raise ValueError(f"{primitive.__name__} cannot be written: {error}") from error
        return like(ast.Call(ast.Name(name), new.args, new.keywords), node)


def text_of(node: ast.AST) -> str:
    # kept on the tree, which does not change: a part is asked for its text when it is counted, and
    # when it is written
    known: Any = node
    if not hasattr(known, "text"):
        known.text = ast.unparse(node)
    return str(known.text)


def is_computed(node: ast.AST) -> bool:
    is_step = isinstance(node, ast.BinOp | ast.UnaryOp | ast.Call)
    return is_step and bool(names(node) - {"np"})


def listed(head: str, items: list[str], tail: str, indent: str) -> list[str]:
    line = f"{head}{', '.join(items)}{tail}"
    if len(indent + line) <= WIDTH or not items:
        return [line]
    return [head, *(f"{INDENT}{item}," for item in items), tail]


def docstring(summary: str, shapes: list[str]) -> list[str]:
    line = f'{INDENT}"""{summary}, for {", ".join(shapes)}."""'
    if len(line) <= WIDTH and shapes:
        return [line]
    lines = [f'"""{summary}.', "", *shapes, '"""']
    return [f"{INDENT}{line}" if line else "" for line in lines]
