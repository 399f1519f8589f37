"""Data to train on, offline: handwritten digits, two spirals, and the beginning of a novel.

The digits are the test part of *Optical Recognition of Handwritten Digits* by E. Alpaydin and
C. Kaynak (UCI, 1998, CC BY 4.0). `digits.LICENSE.md`, beside this file, has the full attribution.
The novel is in the public domain; see `pride_and_prejudice.LICENSE.md`.
"""

from __future__ import annotations  # NumPy loads numpy.random when it is first named

import os
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..habits import missing
from ..keywords import answer_in

__all__ = ["Digits", "digits", "pride_and_prejudice", "spirals"]

FOLDER = os.path.dirname(__file__)
BLOCK = 16.0  # an image pixel counts the inked dots in a 4 x 4 block of the scan


class Digits(NamedTuple):
    """Images of handwritten digits, and which digit each one is. Samples are rows.

    Attributes
    ----------
    images : ndarray of float64, shape (n, 64)
        One image a row: 8 x 8 pixels, row by row from the top left. A pixel is the part of its
        block that is inked: 0 is blank paper, 1 is all ink.
    labels : ndarray of int64, shape (n,)
        The digit that each image shows, 0 to 9.
    """

    images: NDArray[np.float64]
    labels: NDArray[np.int64]


def digits() -> Digits:
    """Load the 1,797 handwritten digits that come with this package, in the order of the source.

    Every call returns new arrays: they are yours to change. The images are in steps of 1/16.

    Examples
    --------
    >>> from tinygrad_bp.datasets import digits
    >>> images, labels = digits()
    >>> images.shape
    (1797, 64)
    >>> labels[:5]
    array([0, 1, 2, 3, 4])
    >>> for row in images[0].reshape(8, 8):
    ...     print(*(".-+*#"[round(4 * pixel)] for pixel in row))
    . . - * + . . .
    . . * # + # - .
    . - # . . * + .
    . - * . . + + .
    . - + . . + + .
    . - * . . * + .
    . . # - + * . .
    . . + * + . . .
    """
    with np.load(os.path.join(FOLDER, "digits.npz"), allow_pickle=False) as stored:
        return Digits(
            images=stored["images"].astype(np.float64) / BLOCK,
            labels=stored["labels"].astype(np.int64),
        )


def spirals(
    samples: int, rng: np.random.Generator, noise: float = 0.02
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Draw points on two interleaved spirals, which no straight line separates.

    A problem of K. Lang and M. Witbrock, *Learning to tell two spirals apart* (1988), with one and
    a half turns in place of three.

    Parameters
    ----------
    samples
        How many points, half of them on each spiral.
    rng
        What draws their places.
    noise
        The standard deviation of their distance from the spiral, whose outer radius is 1.

    Returns
    -------
    points : ndarray of float64, shape (samples, 2)
    labels : ndarray of int64, shape (samples,)
        The spiral that each point is on, 0 or 1, in turn.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_bp.datasets import spirals
    >>> points, labels = spirals(6, np.random.default_rng(0))
    >>> points.shape, labels
    ((6, 2), array([0, 1, 0, 1, 0, 1]))
    """
    labels = np.arange(samples) % 2
    radius = np.sqrt(rng.uniform(0.01, 1.0, samples))  # by the root, as many in any part of the way
    angle = np.pi * (3.0 * radius + labels)
    points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points + noise * rng.normal(size=points.shape), labels


def pride_and_prejudice() -> str:
    r"""Load the first 12 chapters of Jane Austen's novel: 99,872 characters, 72 different ones.

    Examples
    --------
    >>> from tinygrad_bp.datasets import pride_and_prejudice
    >>> print(pride_and_prejudice().split("\n\n")[1])
    It is a truth universally acknowledged, that a single man in possession
    of a good fortune, must be in want of a wife.
    """
    with open(os.path.join(FOLDER, "pride_and_prejudice.txt"), encoding="ascii") as file:
        return file.read()


answer_in(globals())


def __getattr__(name: str) -> Any:
    raise missing("bp.datasets", name, __all__)
