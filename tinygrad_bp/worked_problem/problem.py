"""One instance of the worked problem: its weights, an input and a target.

The network is ``y_hat = softmax(W3 sigmoid(W2 sigmoid(W1 x)))``, its loss ``L = ||y - y_hat||^2``.
A `Problem` holds the five arrays; `random_problem` draws one.
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import SupportsIndex

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

AXES = ("rows", "columns")
#: Which axes of two arrays must be equally long.
FITTING = (
    ("W1", "columns", "x", "rows"),
    ("W2", "columns", "W1", "rows"),
    ("W3", "columns", "W2", "rows"),
    ("y", "rows", "W3", "rows"),
    ("y", "columns", "x", "columns"),
)


@dataclass(frozen=True, eq=False)
class Problem:
    """The arrays of the worked problem. Columns are samples: a single one is a column vector.

    Each array is copied to float64 and made read-only. Raises TypeError if one holds something
    other than real numbers, and ValueError if one is not a finite, non-empty matrix, or two shapes
    do not fit.
    """

    W1: Array  # (n1, n0)
    W2: Array  # (n2, n1)
    W3: Array  # (n3, n2)
    x: Array  # the input, (n0, B)
    y: Array  # the target, (n3, B)

    def __post_init__(self) -> None:
        for name in ("W1", "W2", "W3", "x", "y"):
            object.__setattr__(self, name, read_only_matrix(name, getattr(self, name)))
        for left, left_axis, right, right_axis in FITTING:
            a, b = getattr(self, left).shape, getattr(self, right).shape
            if a[AXES.index(left_axis)] != b[AXES.index(right_axis)]:
                raise ValueError(
                    f"{left} of shape {a} does not fit {right} of shape {b}: "
                    f"the {left_axis} of {left} must match the {right_axis} of {right} in number"
                )

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        # n0, n1, n2 and n3, from input to output
        return len(self.x), len(self.W1), len(self.W2), len(self.W3)

    @property
    def batch(self) -> int:
        return int(self.x.shape[1])

    def sample(self, index: int) -> "Problem":
        x, y = self.x[:, index, np.newaxis], self.y[:, index, np.newaxis]
        return Problem(self.W1, self.W2, self.W3, x, y)


def random_problem(sizes: Sequence[int] = (4, 5, 6, 3), batch: int = 1, seed: int = 0) -> Problem:
    """Draw a problem at random; the same arguments give the same problem.

    The default sizes n0 to n3 hide no mistake: all four differ, and there are three outputs.
    Weights are standard normal over the root of the number of their inputs, so that no sigmoid
    saturates; x is standard normal; a column of y is drawn evenly from all that are positive and
    sum to 1, so it is like y_hat but not equal to it.

    >>> problem = random_problem(batch=2)
    >>> problem.W1.shape, problem.W2.shape, problem.W3.shape
    ((5, 4), (6, 5), (3, 6))
    >>> problem.x.shape, problem.y.shape
    ((4, 2), (3, 2))
    """
    if len(sizes) != 4:
        raise ValueError(f"the problem has four sizes, n0 n1 n2 n3, not {len(sizes)}: {sizes!r}")
    n0, n1, n2, n3 = (at_least(1, n, f"the size n{layer}") for layer, n in enumerate(sizes))
    batch = at_least(1, batch, "the batch")
    seed = at_least(0, seed, "the seed")

    rng = np.random.default_rng(seed)
    return Problem(
        W1=rng.standard_normal((n1, n0)) / np.sqrt(n0),
        W2=rng.standard_normal((n2, n1)) / np.sqrt(n1),
        W3=rng.standard_normal((n3, n2)) / np.sqrt(n2),
        x=rng.standard_normal((n0, batch)),
        y=rng.dirichlet(np.ones(n3), size=batch).T,
    )


def read_only_matrix(name: str, value: object) -> Array:
    array = np.array(value)
    if not np.can_cast(array.dtype, np.float64, casting="same_kind"):
        raise TypeError(f"{name} must hold real numbers, not {array.dtype}")
    if array.ndim != 2 or array.size == 0:
        hint = "; columns are samples, so write v.reshape(-1, 1)" if array.ndim == 1 else ""
        raise ValueError(f"{name} must be a non-empty matrix, not of shape {array.shape}{hint}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity")
    matrix = array.astype(np.float64)
    matrix.setflags(write=False)
    return matrix


def at_least(least: int, value: SupportsIndex, what: str) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} must be an integer, not {value!r}") from None
    if number < least:
        raise ValueError(f"{what} must be at least {least}, not {number}")
    return number
