"""One instance of the worked problem: its weights, an input and a target.

The network is ``y_hat = softmax(W3 sigmoid(W2 sigmoid(W1 x)))``, its loss ``L = ||y - y_hat||^2``.
A `Problem` holds the five arrays; `random_problem` draws one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Problem:
    """The arrays of the worked problem. Columns are samples: a single one is a column vector."""

    W1: Array  # (n1, n0)
    W2: Array  # (n2, n1)
    W3: Array  # (n3, n2)
    x: Array  # the input, (n0, B)
    y: Array  # the target, (n3, B)

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
    names = ("the size n0", "the size n1", "the size n2", "the size n3", "the batch")
    for what, number in zip(names, (*sizes, batch), strict=True):
        if number < 1:
            raise ValueError(f"{what} must be at least 1, not {number}")
    if seed < 0:
        raise ValueError(f"the seed must be at least 0, not {seed}")
    n0, n1, n2, n3 = sizes
    rng = np.random.default_rng(seed)
    return Problem(
        W1=rng.standard_normal((n1, n0)) / np.sqrt(n0),
        W2=rng.standard_normal((n2, n1)) / np.sqrt(n1),
        W3=rng.standard_normal((n3, n2)) / np.sqrt(n2),
        x=rng.standard_normal((n0, batch)),
        y=rng.dirichlet(np.ones(n3), size=batch).T,
    )
