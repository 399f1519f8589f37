"""Comparisons and what is made of them: booleans, through which no gradient flows.

They are recorded only where an expression is to be written down; a Tensor compared with anything
otherwise gives a plain array.
"""

from ..primitive import Closure, Value, primitive


@primitive(kind="entrywise")
def less(a: Value, b: Value) -> Value:
    """Return where a < b."""
    return a < b


@primitive(kind="entrywise")
def less_equal(a: Value, b: Value) -> Value:
    """Return where a <= b."""
    return a <= b


@primitive(kind="entrywise")
def greater(a: Value, b: Value) -> Value:
    """Return where a > b."""
    return a > b


@primitive(kind="entrywise")
def greater_equal(a: Value, b: Value) -> Value:
    """Return where a >= b."""
    return a >= b


@primitive(kind="entrywise")
def equal(a: Value, b: Value) -> Value:
    """Return where a and b are equal."""
    return a == b


@primitive(kind="entrywise")
def not_equal(a: Value, b: Value) -> Value:
    """Return where a and b are not equal."""
    return a != b


@primitive(kind="entrywise")
def logical_and(a: Value, b: Value) -> Value:
    """Return where both hold."""
    return a & b


@less.backward
@less_equal.backward
@greater.backward
@greater_equal.backward
@equal.backward
@not_equal.backward
@logical_and.backward
def _(out: Value, a: Value, b: Value) -> tuple[Closure, Closure]:
    return None, None
