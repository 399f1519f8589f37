"""Comparisons: booleans, recorded only where a rule is written down; no gradient flows through."""

import numpy as np

from ..engine import Primitive
from ..table import Value


def comparison(function: np.ufunc, written: str) -> Primitive:

    def forward(a: Value, b: Value) -> Value:
        return function(a, b)

    forward.__name__ = function.__name__
    entry = Primitive(forward, written=written, kind="entrywise")
    entry.backward(lambda out, a, b: (None, None))
    return entry


less = comparison(np.less, "a < b")
less_equal = comparison(np.less_equal, "a <= b")
greater = comparison(np.greater, "a > b")
greater_equal = comparison(np.greater_equal, "a >= b")
equal = comparison(np.equal, "a == b")
not_equal = comparison(np.not_equal, "a != b")
logical_and = comparison(np.logical_and, "a & b")
