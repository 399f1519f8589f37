"""How a row of the table is written where many rows are alike."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import keywords
from ..engine import Primitive
from ..table import TABLE, Notation, Rule, Value

#: Where the tests draw operands that must be greater than 0.
POSITIVE = (0.5, 2.0)

BROADCASTING = "shapes that broadcast: from the last axis backward, lengths are equal or one is 1"


def upright(name: str) -> tuple[str, str]:
    """Return how a function is written that LaTeX has no command for."""
    return name, rf"\mathrm{{{name}}}"


def floats(a: Value) -> Value:
    """Return integers and booleans as float64: NumPy computes with float16 for 8-bit ones."""
    if hasattr(a, "dtype") and a.dtype.char in "df":
        return a
    return np.asarray(a, np.float64)


def whole_as_float(a: Value) -> Value:
    """Return an array of integers as float64, and anything else, such as a number, as it is."""
    return a.astype(np.float64) if getattr(a, "dtype", np.dtype(float)).kind in "iub" else a


def elementwise(
    function: np.ufunc,
    what: str,
    rule: Rule,
    *,
    at: str,
    integers: bool = False,
    notation: Notation = None,
    **row: Any,
) -> Primitive:
    r"""Make an operation of a function of NumPy's that works entry by entry.

    ``what`` it returns is the expression that it is written as; or a sentence, with a full stop,
    and then it is written as a call. The operands, the value and the slopes ``at`` a point, as in
    "3.0 -> 9., 6.", are the example in its docstring. A single operand becomes a float, unless
    ``integers`` stay integers. If no notation is given, its name is a command of LaTeX, such as
    ``\exp``.
    """
    name, single = function.__name__, function.nin == 1
    of_integers = not single and any(types.startswith("ll") for types in function.types)
    is_sentence = what.endswith(".")

    def of_one(a: Value) -> Value:
        return function(a if integers else floats(a))

    def of_two(a: Value, b: Value) -> Value:
        return function(a, b) if of_integers else function(whole_as_float(a), whole_as_float(b))

    forward = of_one if single else of_two
    forward.__name__, forward.__module__ = name, rule.__module__
    point, _, results = at.partition(" -> ")
    value, *slopes = (f"array({number})" for number in results.split(", "))
    forward.__doc__ = f"""Return {what if is_sentence else what + "."}

    >>> bp.value_and_grad(bp.{name}{"" if single else ", (0, 1)"})({point})
    ({value}, {slopes[0] if single else f"({', '.join(slopes)})"})
    """
    if is_sentence:
        what = f"np.{name}(a)" if single else f"np.{name}(a, b)"
        notation = notation or (name, rf"\{name}")
    if not single:
        row["needs"] = BROADCASTING
    entry = Primitive(forward, notation=notation, kind="entrywise", **{"written": what} | row)
    entry.backward(rule)
    return entry


def composed(of: Any = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make an entry of a function that is composed of others, and so needs no rule; a decorator.

    An error is in its name, and not in that of the entry that it is made of.
    """

    def entered(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **settings: Any) -> Any:
            if settings:
                keywords.check(function.__name__, function, settings)
            try:
                return function(*args, **settings)
            except (TypeError, ValueError, IndexError) as error:
                name, text = function.__name__, str(error)
                if of is not None and text.startswith(of.__name__):
                    text = text.replace(of.__name__, name, 1)
                elif not text.startswith(name):
                    text = f"{name}: {text}"
                raise type(error)(text) from error.__cause__

        of_one = of is not None and (of.arity, of.kind) == (1, "entrywise")
        call.is_method = of_one  # type: ignore[attr-defined]
        TABLE[function.__name__] = call
        return call

    return entered
