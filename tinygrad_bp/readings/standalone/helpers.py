"""The functions that generated code calls, taken along as the text that the forward pass runs."""

from __future__ import annotations

import ast
import contextlib
import copy
import functools
import inspect
import linecache
import re
import sys
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from ...engine import Primitive
from ...notation.names import fresh
from ...notation.operations import bare
from ...notation.trees import literal

#: What the function that computes everything is called.
FUNCTION = "loss_and_gradients"

#: A larger array is written as the expression that made it: nobody reads its entries.
MOST_ENTRIES = 1000


class Helpers:
    """The functions that the lines call, and all that those need: each once, as source text."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken  # by the tensors too: it is a helper that takes another name
        self.imports: list[str] = []
        self.texts: list[str] = []  # what is needed by another comes first
        self._names: dict[int, tuple[str, Any]] = {}  # the value too: no id is used twice

    def name(self, value: Any, wanted: str = "") -> str:
        # its text is written if it is new; ValueError if it has none that runs with NumPy alone
        if id(value) in self._names:
            return self._names[id(value)][0]
        name = self._take(value, re.sub(r"\W", "_", wanted or value.__name__))
        if isinstance(value, ModuleType):
            plain = name == value.__name__
            self.imports.append(f"import {value.__name__}" + ("" if plain else f" as {name}"))
        elif isinstance(value, Primitive):
            self.texts.append(self._function(value.forward, name, value))
        else:
            self.texts.append(self._function(value, name))
        return name

    def _take(self, value: Any, wanted: str) -> str:
        name = fresh(wanted, self.taken)
        self._names[id(value)] = name, value
        return name

    def _function(self, function: Any, name: str, primitive: Primitive | None = None) -> str:
        tree = copy.deepcopy(bare(function))
        tree.name = name
        if primitive is not None:  # it is called as the operation is
            if tree.args.vararg is not None:  # with a list
                tree.args.args.append(tree.args.vararg)
                tree.args.vararg = None
            required = [default is None for default in tree.args.kw_defaults]
            if required == sorted(required, reverse=True):  # and settings by place or by name
                tree.args.args += tree.args.kwonlyargs
                tree.args.defaults += filter(None, tree.args.kw_defaults)
                tree.args.kwonlyargs, tree.args.kw_defaults = [], []
        cached = is_cached(function)
        if cached:
            function = function.__wrapped__
        Linked(self, function, tree).visit(tree)
        if cached:
            tree.decorator_list = [self.reference(functools.cache, "cache", function)]
        summary = (inspect.getdoc(function) or "").partition("\n")[0]
        if summary:
            tree.body.insert(0, ast.Expr(ast.Constant(summary)))
        return ast.unparse(ast.fix_missing_locations(tree))

    def reference(self, value: Any, name: str, function: Any) -> ast.expr:
        if isinstance(value, ModuleType):
            if value.__name__.partition(".")[0] == "numpy":
                return ast.parse(re.sub("^numpy", "np", value.__name__), mode="eval").body
            if not can_be_imported(value.__name__):
                raise ValueError(refusal(function, name, "it is not NumPy"))
            return ast.Name(self.name(value, name))
        home = sys.modules.get(getattr(value, "__module__", None) or "")
        part = getattr(value, "__name__", "")
        if home is not None and can_be_imported(home.__name__):
            if getattr(home, part, None) is value:  # math.erf, np.linalg.norm
                return ast.Attribute(self.reference(home, home.__name__, function), part)
        elif isinstance(value, (Primitive, FunctionType)) or is_cached(value):
            return ast.Name(self.name(value))
        return ast.Name(self._constant(value, name, function))

    def _constant(self, value: Any, name: str, function: Any) -> str:
        if id(value) in self._names:
            return self._names[id(value)][0]
        try:
            large = isinstance(value, np.ndarray) and value.size > MOST_ENTRIES
            expression = self._assigned(name, function) if large else literal(value)
        except TypeError:
            expression = self._assigned(name, function)
        new = self._take(value, name)
        self.texts.append(f"{new} = {ast.unparse(expression)}")
        return new

    def _assigned(self, name: str, function: Any) -> ast.expr:
        lines = linecache.getlines(function.__code__.co_filename, function.__globals__)
        tree = ast.parse("".join(lines))
        for statement in tree.body:
            if isinstance(statement, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == name for target in statement.targets
            ):
                wrapped = ast.Expression(statement.value)
                Linked(self, function, wrapped).visit(wrapped)
                return wrapped.body
        raise ValueError(refusal(function, name, "it has no text that could be taken along"))


def refusal(function: Any, name: str, why: str) -> str:
    return (
        f"source cannot take {function.__name__} along: it uses {name}, and {why}. Write the "
        "operation with NumPy and functions of your own."
    )


def is_cached(value: Any) -> bool:
    return hasattr(value, "cache_info") and isinstance(value.__wrapped__, FunctionType)


def can_be_imported(module: str) -> bool:
    root = module.partition(".")[0]
    return root == "numpy" or (root in sys.stdlib_module_names and module != "__main__")


class Linked(ast.NodeTransformer):
    """Gives the names in a function the meaning that they had there, and leaves out types."""

    def __init__(self, helpers: Helpers, function: Any, tree: ast.AST) -> None:
        self.helpers, self.function = helpers, function
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        self.meaning = {**function.__globals__}
        for name, cell in cells:
            with contextlib.suppress(ValueError):  # an empty cell
                self.meaning[name] = cell.cell_contents
        self.local = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                self.local.add(node.id)
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node is not tree:
                self.local.add(node.name)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.local or node.id not in self.meaning:
            return node
        return self.helpers.reference(self.meaning[node.id], node.id, self.function)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        # what is taken from a module other than NumPy's or Python's is replaced
        value = self._meant(node)
        if value is not None:
            return self.helpers.reference(value, node.attr, self.function)
        node.value = self.visit(node.value)
        return node

    def _meant(self, node: ast.Attribute) -> Any:
        # what it means, if it is a name of a module that cannot be imported
        owner: Any = None
        if isinstance(node.value, ast.Name) and node.value.id not in self.local:
            owner = self.meaning.get(node.value.id)
        elif isinstance(node.value, ast.Attribute):
            owner = self._meant(node.value)
        if not isinstance(owner, ModuleType):
            return None
        return None if can_be_imported(owner.__name__) else getattr(owner, node.attr, None)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt | None:
        if node.value is None:
            return None
        return ast.copy_location(ast.Assign([node.target], self.visit(node.value)), node)
