"""The points at which a derivation is judged, drawn so that they hide nothing.

A mistake hides where two sizes are equal, where the target equals the prediction, or where a
weight is its own transpose. The worked problem is drawn with all of that different. Of another
network the shapes are given by an example, and only the values are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..worked_problem.problem import random_problem

#: How many points are drawn: a wrong formula may agree at one by chance, but not at three.
POINTS = 3

Arrays = Mapping[str, np.ndarray]


#: The worked problem has one sample. With a batch, the mistakes that are made in one show.
BATCH = {"batch": 7}

#: Where all widths are equal every product can be computed: with one sample, those of matrices and
#: columns; with as many samples as the widths, those of columns too.
SQUARES = ({"sizes": (4, 4, 4, 4)}, {"sizes": (4, 4, 4, 4), "batch": 4})


def worked_problem_points(seed: int, **shape: Any) -> Iterator[Arrays]:
    """Draw instances of the worked problem: by default one sample, and all widths different.

    The entries of y do not sum to 1: as those of y_hat do, the entries of dL/dy_hat would sum to 0,
    and a wrong multiple of their sum could not be seen in dL/dz3.
    """
    while True:
        leaves = vars(random_problem(**shape, seed=seed))
        rng = np.random.default_rng(seed)
        yield {**leaves, "y": rng.uniform(0.1, 0.9, leaves["y"].shape)}
        seed += 1


def redrawn(example: Arrays, seed: int) -> Iterator[Arrays]:
    """Draw points with the shapes of an example."""
    rng = np.random.default_rng(seed)
    while True:
        yield {name: like(value, rng) for name, value in example.items()}


def like(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw an array like another: with its shape, and in its range where that is one-sided.

    Integers, truth values and probabilities stay as they are: other values might mean nothing.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> like(np.array([[0.0, 1.0], [1.0, 0.0]]), rng)
    array([[0., 1.],
           [1., 0.]])
    >>> like(np.array([2.0, 5.0]), rng) > 0
    array([ True,  True])
    """
    if value.dtype.kind != "f" or is_distribution(value):
        return value
    if (value > 0).all():
        if (value < 1).all():
            return rng.uniform(0.1, 0.9, value.shape)
        return np.asarray(value.mean() * np.exp(0.5 * rng.standard_normal(value.shape)))
    size = np.sqrt(np.mean(np.square(value), dtype=float)) if value.size else 0.0
    return np.asarray((size or 1.0) * rng.standard_normal(value.shape))


def is_distribution(value: np.ndarray) -> bool:
    """Say whether the entries along some axis are probabilities."""
    return bool(
        value.size > 1
        and (value >= 0).all()
        and any(
            value.shape[axis] > 1 and np.allclose(value.sum(axis=axis), 1.0)
            for axis in range(value.ndim)
        )
    )
