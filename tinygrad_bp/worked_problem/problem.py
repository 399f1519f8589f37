"""One instance of the worked problem: its weights, an input and a target.

The network is ``y_hat = softmax(W3 sigmoid(W2 sigmoid(W1 x)))``, its loss ``L = ||y - y_hat||^2``.
A `Problem` holds the five arrays; `random_problem` draws one; `hidden_faults` says which mistakes
in a derivation would go unseen on it.
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import SupportsIndex

import numpy as np
from numpy.typing import NDArray

from tinygrad_bp.worked_problem.closed_form import forward, gradients

Array = NDArray[np.float64]

_AXES = ("rows", "columns")
_CHAIN = (
    ("W1", "columns", "x", "rows"),
    ("W2", "columns", "W1", "rows"),
    ("W3", "columns", "W2", "rows"),
    ("y", "rows", "W3", "rows"),
    ("y", "columns", "x", "columns"),
)


@dataclass(frozen=True, eq=False)
class Problem:
    """The arrays of the worked problem. Columns are samples: a single one is a column vector.

    Each array is copied to float64 and made read-only.

    Parameters
    ----------
    W1, W2, W3
        The weights, of shapes (n1, n0), (n2, n1) and (n3, n2).
    x
        The input, of shape (n0, B).
    y
        The target, of shape (n3, B).

    Raises
    ------
    TypeError
        If an array holds something other than real numbers.
    ValueError
        If an array is not a finite, non-empty matrix, or two shapes do not chain.

    Examples
    --------
    >>> W1, W2, W3 = np.ones((5, 4)), np.ones((6, 5)), np.ones((3, 6))
    >>> Problem(W1, W2, W3, x=np.ones((4, 1)), y=np.ones((3, 1))).sizes
    (4, 5, 6, 3)
    >>> Problem(W1, W2.T, W3, x=np.ones((4, 1)), y=np.ones((3, 1)))
    Traceback (most recent call last):
        ...
    ValueError: W2 of shape (5, 6) does not fit W1 of shape (5, 4): the columns of W2 must be as \
many as the rows of W1
    """

    W1: Array
    W2: Array
    W3: Array
    x: Array
    y: Array

    def __post_init__(self) -> None:
        for name in ("W1", "W2", "W3", "x", "y"):
            object.__setattr__(self, name, _read_only_matrix(name, getattr(self, name)))
        for left, left_axis, right, right_axis in _CHAIN:
            a, b = getattr(self, left).shape, getattr(self, right).shape
            if a[_AXES.index(left_axis)] != b[_AXES.index(right_axis)]:
                raise ValueError(
                    f"{left} of shape {a} does not fit {right} of shape {b}: "
                    f"the {left_axis} of {left} must be as many as the {right_axis} of {right}"
                )

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """The widths n0, n1, n2 and n3, from input to output."""
        return len(self.x), len(self.W1), len(self.W2), len(self.W3)

    @property
    def batch(self) -> int:
        """The number of samples, B."""
        return int(self.x.shape[1])

    def sample(self, index: int) -> "Problem":
        """Return the problem of one column alone, with the same weights.

        Raises
        ------
        IndexError
            If there is no such column.

        Examples
        --------
        >>> random_problem(batch=7).sample(3).x.shape
        (4, 1)
        """
        x, y = self.x[:, index, np.newaxis], self.y[:, index, np.newaxis]
        return Problem(self.W1, self.W2, self.W3, x, y)


def random_problem(sizes: Sequence[int] = (4, 5, 6, 3), batch: int = 1, seed: int = 0) -> Problem:
    """Draw a problem at random; the same arguments give the same problem.

    Parameters
    ----------
    sizes
        The widths n0, n1, n2 and n3, from input to output. The default hides nothing: all four
        differ, and there are three outputs.
    batch
        The number of samples.
    seed
        Of the random generator.

    Returns
    -------
    Problem
        Weights are standard normal over the root of the number of their inputs, so that no sigmoid
        saturates; x is standard normal; a column of y is drawn evenly from all that are positive
        and sum to 1, so it is like y_hat but not equal to it.

    Raises
    ------
    TypeError
        If a size, the batch or the seed is not an integer.
    ValueError
        If there are not four sizes, one of them or the batch is below 1, or the seed below 0.

    Examples
    --------
    >>> problem = random_problem(batch=2)
    >>> problem.W1.shape, problem.W2.shape, problem.W3.shape
    ((5, 4), (6, 5), (3, 6))
    >>> problem.x.shape, problem.y.shape
    ((4, 2), (3, 2))
    """
    if len(sizes) != 4:
        raise ValueError(f"the problem has four sizes, n0 n1 n2 n3, not {len(sizes)}: {sizes!r}")
    n0, n1, n2, n3 = (_positive(size, f"the size n{layer}") for layer, size in enumerate(sizes))
    batch = _positive(batch, "the batch")
    seed = _at_least(0, seed, "the seed")

    rng = np.random.default_rng(seed)
    return Problem(
        W1=rng.standard_normal((n1, n0)) / np.sqrt(n0),
        W2=rng.standard_normal((n2, n1)) / np.sqrt(n1),
        W3=rng.standard_normal((n3, n2)) / np.sqrt(n2),
        x=rng.standard_normal((n0, batch)),
        y=rng.dirichlet(np.ones(n3), size=batch).T,
    )


def hidden_faults(problem: Problem) -> list[str]:
    """Say which mistakes in a derivation this problem would hide: one sentence for each way.

    A batch of one is not among them, although it cannot show a missing sum over the batch: one
    sample is what the problem asks for.

    Parameters
    ----------
    problem
        The problem to look at: its sizes first, then its values.

    Returns
    -------
    list of str
        Empty if the problem hides nothing that is known of here.

    Examples
    --------
    >>> hidden_faults(random_problem(sizes=(4, 5, 6, 3)))
    []
    >>> for sentence in hidden_faults(random_problem(sizes=(4, 4, 6, 3))):
    ...     print(sentence)
    The widths n0 and n1 are both 4: with W1 square, a missing transpose still fits.
    """
    outputs = problem.sizes[-1]
    if outputs == 1:
        return ["There is one output: its softmax is always 1, so every gradient is zero."]
    sentences = []
    # If y sums to 1, then y - y_hat sums to 0: dL/da3 is (g, -g), and both terms of J dL/da3 agree.
    if outputs == 2 and np.allclose(problem.y.sum(axis=0), 1.0):
        sentences.append(
            "There are two outputs, and the target sums to 1: the diagonal of the softmax Jacobian "
            "alone gives exactly half of the right answer, so a wrong Jacobian hides behind a lost "
            "factor 2."
        )
    return sentences + _equal_sizes(problem) + _zero_gradients(problem)


def _equal_sizes(problem: Problem) -> list[str]:
    """Say which products fit although they are wrong, because two sizes are equal."""
    sentences = []
    for (m, a), (n, b) in combinations(enumerate(problem.sizes), 2):
        if a != b:
            continue
        both = f"The widths n{m} and n{n} are both {a}"
        if n - m > 1:
            sentences.append(f"{both}: a product with the values of the wrong layer still fits.")
            continue
        W = (problem.W1, problem.W2, problem.W3)[m]
        if np.array_equal(W, W.T):
            sentences.append(f"{both}: W{n} is its own transpose, so a missing one cannot be seen.")
        else:
            sentences.append(f"{both}: with W{n} square, a missing transpose still fits.")
    for layer, size in enumerate(problem.sizes):
        if size == problem.batch:
            both = f"The batch and the width n{layer} are both {size}"
            sentences.append(f"{both}: a missing transpose of a batch of columns still fits.")
    return sentences


def _zero_gradients(problem: Problem) -> list[str]:
    """Say where the gradients are zero, so that a wrong formula may agree with them."""
    missed = np.abs(problem.y - forward(problem)["y_hat"]).max(axis=0) > 1e-12
    if not missed.any():
        return ["The target y equals y_hat: every gradient is zero."]
    sentences = []
    if not missed.all():
        columns = ", ".join(str(column) for column in np.flatnonzero(~missed))
        sentences.append(f"The target y equals y_hat in column {columns}: nothing is tested there.")
    zero = [name for name, value in gradients(problem).items() if not value.any()]
    if zero:
        sentences.append(f"Zero in every entry, so a wrong formula may agree: {', '.join(zero)}.")
    return sentences


def _read_only_matrix(name: str, value: object) -> Array:
    """Copy to a read-only float64 matrix, or say what is wrong with it."""
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


def _positive(value: SupportsIndex, what: str) -> int:
    return _at_least(1, value, what)


def _at_least(least: int, value: SupportsIndex, what: str) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} must be an integer, not {value!r}") from None
    if number < least:
        raise ValueError(f"{what} must be at least {least}, not {number}")
    return number
