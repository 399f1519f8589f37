"""Settings and constants as expressions: Python literals and short calls of NumPy's."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

#: Given an array constant: what to write in its place, such as a name; None to write it out.
Constants: TypeAlias = Callable[[np.ndarray], ast.expr | None]

#: Arrays of at most so many entries are always written entry by entry.
FEW = 4


def literal(value: Any, constants: Constants | None = None) -> ast.expr:
    """Return the expression of a setting or constant: evaluated, it is equal and of equal type.

    Parameters
    ----------
    value
        A number, text, slice, type, array, or a tuple, list or dictionary of those.
    constants
        What to write in place of an array constant; None, or where it returns None, the array is
        written out.

    Raises
    ------
    TypeError
        For a value of another type, which has no text that could be run.

    Examples
    --------
    >>> ast.unparse(literal((2, -1.0, slice(1), np.eye(3))))
    '(2, -1.0, slice(1), np.eye(3))'
    """
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
            return ast.Call(ast.Name("slice"), [literal(bound) for bound in bounds], [])
        case np.bool_() | np.integer():
            return literal(value.item())
        case np.generic():
            return numpy_call(value.dtype.name, literal(value.item()))
        case np.ndarray():
            given = constants(value) if constants is not None else None
            return array(value) if given is None else given
        case np.dtype():
            return of_numpy(value.name)
        case type() if issubclass(value, np.generic):
            return of_numpy(value.__name__)
        case type() if value in (float, int, bool):
            return ast.Name(value.__name__)
        case float() if not np.isfinite(value):
            name = of_numpy("nan" if np.isnan(value) else "inf")
            return ast.UnaryOp(ast.USub(), name) if value < 0 else name
        case float() if np.signbit(value):  # -0.0 too
            return ast.UnaryOp(ast.USub(), ast.Constant(-value))
        case int() if value < 0:
            return ast.UnaryOp(ast.USub(), ast.Constant(-value))
        case None | bool() | int() | float() | str():
            return ast.Constant(value)
        case _ if value is ...:
            return ast.Constant(value)
    raise TypeError(f"a {type(value).__name__} cannot be written as code: {value!r:.60}")


def index(key: Any, constants: Constants | None = None) -> ast.expr:
    """Return what stands in the brackets of ``a[key]``.

    Examples
    --------
    >>> keys = 0, (slice(2),), (..., 1)
    >>> [ast.unparse(ast.Subscript(ast.Name("a"), index(key))) for key in keys]
    ['a[0]', 'a[:2]', 'a[..., 1]']
    """
    if isinstance(key, tuple) and len(key) == 1 and not isinstance(key[0], (tuple, list)):
        key = key[0]
    if isinstance(key, tuple):
        return ast.Tuple([between_commas(part, constants) for part in key])
    return between_commas(key, constants)


def between_commas(part: Any, constants: Constants | None) -> ast.expr:
    """Return one part of an index; only there can a slice be written with colons."""
    if not isinstance(part, slice):
        return literal(part, constants)
    bounds = (part.start, part.stop, part.step)
    lower, upper, stride = (None if bound is None else literal(bound) for bound in bounds)
    return ast.Slice(lower, upper, stride)


def array(value: np.ndarray) -> ast.expr:
    """Return the expression of an array: as a call where it has a pattern, else entry by entry.

    Examples
    --------
    >>> ast.unparse(array(np.array([[1.0, 2.5]]))), ast.unparse(array(np.ones((2, 3))))
    ('np.array([[1.0, 2.5]])', 'np.ones((2, 3))')
    """
    kind = [ast.keyword("dtype", of_numpy(value.dtype.name))]
    of_default = value.dtype == np.float64
    if value.ndim == 0:
        if value.dtype == np.bool_ or value.dtype.kind in "iu":
            return numpy_call(
                "array", literal(value.item()), *([] if default_kind(value) else kind)
            )
        return numpy_call(value.dtype.name, literal(value.item()))
    if value.size == 0:
        return numpy_call("zeros", literal(value.shape), *([] if of_default else kind))
    if value.size > FEW:
        shape = value.shape
        rows = shape[0]
        flat = value.ravel()
        if value.ndim == 2 and shape == (rows, rows) and same_bits(value, np.eye(rows)):
            return numpy_call("eye", literal(rows), *([] if of_default else kind))
        if same_bits(flat, np.broadcast_to(flat[:1], flat.shape)) and not np.isnan(flat[0]):
            if not flat[0] and not (value.dtype.kind == "f" and np.signbit(flat[0])):
                return numpy_call("zeros", literal(shape), *([] if of_default else kind))
            if flat[0] == 1 and value.dtype.kind != "b":
                return numpy_call("ones", literal(shape), *([] if of_default else kind))
            entry = literal(flat[0].item())
            return numpy_call("full", literal(shape), entry, *([] if default_kind(value) else kind))
        if value.dtype == np.int64 and np.array_equal(flat, np.arange(flat.size)):
            counted = numpy_call("arange", literal(flat.size))
            if value.ndim == 1:
                return counted
            return ast.Call(ast.Attribute(counted, "reshape"), [literal(shape)], [])
    return numpy_call("array", literal(value.tolist()), *([] if default_kind(value) else kind))


def default_kind(value: np.ndarray) -> bool:
    """Say whether NumPy gives the entries, written as Python numbers, this type by itself."""
    return value.dtype in (np.float64, np.int64, np.bool_)


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """Say whether two arrays are equal, and zeros have equal signs."""
    signs = a.dtype.kind != "f" or np.array_equal(np.signbit(a), np.signbit(b))
    return signs and np.array_equal(a, b)


def of_numpy(name: str) -> ast.expr:
    """Return the expression ``np.name``."""
    return ast.Attribute(ast.Name("np"), "bool_" if name == "bool" else name)


def numpy_call(name: str, *arguments: ast.expr | ast.keyword) -> ast.expr:
    """Return the expression ``np.name(...)``."""
    operands = [part for part in arguments if isinstance(part, ast.expr)]
    return ast.Call(
        of_numpy(name), operands, [part for part in arguments if isinstance(part, ast.keyword)]
    )
