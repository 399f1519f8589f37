"""Expressions: Python syntax trees of NumPy code whose nodes know their shapes.

A tree can be run, is printed as code by ``ast.unparse``, and as mathematics by `printer`. It is
never changed: where a part is replaced, what is above it is new. Here are its leaves, which are the
constants and settings of a computation as literals and short calls of NumPy's, and what is done to
any tree; `steps` makes the trees of a recorded computation.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeGuard, TypeVar

import numpy as np

from .numbers import fits, stand_in

Shape: TypeAlias = tuple[int, ...]
Node = TypeVar("Node", bound=ast.AST)

#: Given an array constant: what to write in its place, such as a name; None to write it out.
Constants: TypeAlias = Callable[[np.ndarray], ast.expr | None]

#: Arrays of at most this many entries are always written entry by entry: a call would be longer.
FEW = 4

#: What a node knows beside its syntax: its shape, and the `Primitive` that it is a call of.
KNOWN = ("shape", "primitive")


# ---- what a node knows ----


def shape_of(node: ast.AST) -> Shape | None:
    return getattr(node, "shape", None)


def shaped(node: Node, shape: Shape | None) -> Node:
    if shape is not None:
        node.shape = shape  # type: ignore[attr-defined]
    return node


def like(node: Node, old: ast.AST) -> Node:
    for name in KNOWN:
        if hasattr(old, name) and not hasattr(node, name):
            setattr(node, name, getattr(old, name))
    return node


def stand_in_for_large(array: np.ndarray) -> ast.expr | None:  # a choice of `Constants`
    return None if fits(array) else shaped(ast.Name(stand_in(array)), array.shape)


# ---- parts, replaced ----

#: The fields of a node that hold further expressions; of other kinds, any field may.
PARTS: dict[type, tuple[str, ...]] = {
    ast.Name: (),
    ast.Constant: (),
    ast.BinOp: ("left", "right"),
    ast.UnaryOp: ("operand",),
    ast.Compare: ("left", "comparators"),
    ast.Subscript: ("value", "slice"),
    ast.Tuple: ("elts",),
    ast.Attribute: ("value",),
    ast.Call: ("func", "args", "keywords"),
    ast.keyword: ("value",),
    ast.GeneratorExp: ("elt", "generators"),
    ast.comprehension: ("target", "iter"),
}


def walk(tree: ast.AST) -> list[ast.AST]:
    # `ast.walk`, in less time; the outer ones first
    found = [tree]
    for node in found:  # which grows meanwhile
        for name in PARTS.get(type(node), node._fields):
            part = getattr(node, name, None)
            if isinstance(part, list):
                found += [item for item in part if isinstance(item, ast.AST)]
            elif isinstance(part, ast.AST):
                found.append(part)
    return found


def names(tree: ast.AST) -> set[str]:
    return {node.id for node in walk(tree) if isinstance(node, ast.Name)}


class Rebuilt:
    """Visits a tree and never changes a node: where a part is new, the node is too.

    A new node knows what the old one knew, so a part is only to be replaced by one of its shape.
    """

    def visit(self, node: ast.AST) -> Any:
        method = getattr(self, f"visit_{type(node).__name__}", self.generic_visit)
        return method(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        kind = type(node)
        parts = PARTS.get(kind, node._fields)
        if not parts:
            return node
        new: dict[str, Any] = {}
        for name in parts:
            old = getattr(node, name, None)
            if isinstance(old, list):
                items = [self.visit(item) if isinstance(item, ast.AST) else item for item in old]
                if any(a is not b for a, b in zip(items, old, strict=True)):
                    new[name] = items
            elif isinstance(old, ast.AST):
                part = self.visit(old)
                if part is not old:
                    new[name] = part
        if not new:
            return node
        fields = {name: getattr(node, name, None) for name in node._fields}
        return like(kind(**fields | new), node)


class Put(Rebuilt):
    def __init__(self, known: Mapping[str, ast.expr]) -> None:
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.known.get(node.id, node)


def put(tree: ast.expr, known: Mapping[str, ast.expr]) -> ast.expr:
    """Return an expression with others in place of names.

    Examples
    --------
    >>> tree = ast.parse("g * a", mode="eval").body
    >>> ast.unparse(put(tree, {"g": ast.parse("x + y", mode="eval").body}))
    '(x + y) * a'
    """
    new: ast.expr = Put(known).visit(tree) if known else tree
    return new


# ---- calls ----


def call(function: str, *operands: ast.expr, **settings: Any) -> ast.Call:
    head, *attributes = function.split(".")
    func: ast.expr = ast.Name(head)
    for attribute in attributes:
        func = ast.Attribute(func, attribute)
    keywords = [ast.keyword(name, literal(value)) for name, value in settings.items()]
    return ast.Call(func, list(operands), keywords)


def is_numpy(node: ast.AST) -> bool:  # np.something
    inside = node.value if isinstance(node, ast.Attribute) else None
    return isinstance(inside, ast.Name) and inside.id == "np"


def is_where(node: ast.AST) -> TypeGuard[ast.Call]:  # np.where(condition, a, b)
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "where"
        and len(node.args) == 3
    )


def is_zero(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value == 0


# ---- literals ----


def literal(value: Any, constants: Constants | None = None) -> ast.expr:
    # evaluated, it is equal and of equal type; TypeError for a value that has no such text
    match value:
        case tuple():
            return ast.Tuple([literal(item, constants) for item in value])
        case list():
            return ast.List([literal(item, constants) for item in value])
        case dict():
            keys = [literal(key, constants) for key in value]
            return ast.Dict([*keys], [literal(item, constants) for item in value.values()])
        case slice():
            bounds = [value.start, value.stop, value.step]
            bounds = bounds[1:2] if bounds[::2] == [None, None] else bounds
            while len(bounds) > 2 and bounds[-1] is None:
                bounds.pop()
            return call("slice", *map(literal, bounds))
        case np.bool_() | np.integer():
            return literal(value.item())
        case np.generic():
            return shaped(call(f"np.{value.dtype.name}", literal(value.item())), ())
        case np.ndarray():
            given = constants(value) if constants is not None else None
            return shaped(array(value) if given is None else given, value.shape)
        case np.dtype():
            return of_numpy(value.name)
        case type() if issubclass(value, np.generic):
            return of_numpy(value.__name__)
        case type() if value in (float, int, bool):
            return ast.Name(value.__name__)
        case float() if not np.isfinite(value):
            name = shaped(of_numpy("nan" if np.isnan(value) else "inf"), ())
            return shaped(ast.UnaryOp(ast.USub(), name), ()) if value < 0 else name
        case float() if np.signbit(value):  # -0.0 too
            return shaped(ast.UnaryOp(ast.USub(), literal(-value)), ())
        case int() if value < 0:
            return shaped(ast.UnaryOp(ast.USub(), literal(-value)), ())
        case bool() | int() | float():
            return shaped(ast.Constant(value), ())
        case None | str():
            return ast.Constant(value)
        case _ if value is ...:
            return ast.Constant(value)
    raise TypeError(f"a {type(value).__name__} cannot be written as code: {value!r:.60}")


def index(key: Any, constants: Constants | None = None) -> ast.expr:
    """Return what stands in the brackets of ``a[key]``, where a slice has colons."""

    def between_commas(part: Any) -> ast.expr:
        if not isinstance(part, slice):
            return literal(part, constants)
        bounds = (part.start, part.stop, part.step)
        return ast.Slice(*(None if bound is None else literal(bound) for bound in bounds))

    if isinstance(key, tuple) and len(key) == 1 and not isinstance(key[0], (tuple, list)):
        key = key[0]
    if isinstance(key, tuple):
        return ast.Tuple([between_commas(part) for part in key])
    return between_commas(key)


def array(value: np.ndarray) -> ast.expr:
    # whether NumPy gives the entries, written as Python numbers, this type by itself
    usual = value.dtype in (np.float64, np.int64, np.bool_)
    of_type = {} if usual else {"dtype": value.dtype}
    not_float = {} if value.dtype == np.float64 else {"dtype": value.dtype}
    shape, flat = value.shape, value.ravel()
    if value.ndim == 0:
        if value.dtype.kind in "iub":
            return call("np.array", literal(value.item()), **of_type)
        return call(f"np.{value.dtype.name}", literal(value.item()))
    if value.size == 0:
        return call("np.zeros", literal(shape), **not_float)
    if value.size > FEW:
        if value.ndim == 2 and shape[0] == shape[1] and same_bits(value, np.eye(shape[0])):
            return call("np.eye", literal(shape[0]), **not_float)
        if same_bits(flat, np.broadcast_to(flat[:1], flat.shape)) and not np.isnan(flat[0]):
            if not flat[0] and not (value.dtype.kind == "f" and np.signbit(flat[0])):
                return call("np.zeros", literal(shape), **not_float)
            if flat[0] == 1 and value.dtype.kind != "b":
                return call("np.ones", literal(shape), **not_float)
            return call("np.full", literal(shape), literal(flat[0].item()), **of_type)
    return call("np.array", literal(value.tolist()), **of_type)


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:  # signs of zeros too
    signs = a.dtype.kind != "f" or np.array_equal(np.signbit(a), np.signbit(b))
    return signs and np.array_equal(a, b)


def of_numpy(name: str) -> ast.expr:
    return ast.Attribute(ast.Name("np"), "bool_" if name == "bool" else name)
