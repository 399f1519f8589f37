"""Known mistakes in the hand derivation, to be planted to see that the verification works.

A mistake replaces factors of the closed form by wrong ones.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from . import closed_form


class Mistake(NamedTuple):
    """A wrong version of some factors of the closed form."""

    sentence: str
    factors: Mapping[str, Callable[..., Any]]


MISTAKES = {
    "softmax-diagonal": Mistake(
        "Only the diagonal of the softmax Jacobian is kept: a_i (1 - a_i), and zero for i != j.",
        {"da3/dz3": lambda a3: closed_form.da3_dz3(a3) * np.eye(len(a3))},
    ),
    "missing-sigmoid-derivative": Mistake(
        "The gradient passes the sigmoids unchanged: their derivative a (1 - a) is left out.",
        {"da2/dz2": np.ones_like, "da1/dz1": np.ones_like},
    ),
    "lost-factor-2": Mistake(
        "The derivative of the square has lost its factor: -(y - y_hat) for -2 (y - y_hat).",
        {"dL/da3": lambda y, y_hat: -(y - y_hat)},
    ),
    "missing-transpose": Mistake(
        "The weights are not transposed on the way back: W dL/dz for W^T dL/dz.",
        {"dL/da2": lambda dL_dz3, W3: W3 @ dL_dz3, "dL/da1": lambda dL_dz2, W2: W2 @ dL_dz2},
    ),
}
