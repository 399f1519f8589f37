"""Real data to train on, offline: 1,797 handwritten digits, and two helpers to feed them.

    train, test = split(digits())
    targets = one_hot(train.labels)

The digits are the test part of *Optical Recognition of Handwritten Digits* by E. Alpaydin and
C. Kaynak (UCI, 1998, CC BY 4.0). `digits.LICENSE.md`, beside this file, has the full attribution.
"""

from __future__ import annotations  # NumPy loads numpy.random when it is first named

import os
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Digits", "digits", "one_hot", "split"]

FILE = os.path.join(os.path.dirname(__file__), "digits.npz")
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
    with np.load(FILE, allow_pickle=False) as stored:
        return Digits(
            images=stored["images"].astype(np.float64) / BLOCK,
            labels=stored["labels"].astype(np.int64),
        )


def split(digits: Digits, test_fraction: float = 0.2, seed: int = 0) -> tuple[Digits, Digits]:
    """Shuffle the digits and cut them into a part to train on and a part to test on.

    Both parts are copies, and every sample is in exactly one of them. The test part has
    ``test_fraction`` of the samples, rounded; the same seed gives the same split.

    Examples
    --------
    >>> from tinygrad_bp.datasets import digits, split
    >>> train, test = split(digits())
    >>> len(train.labels), len(test.labels)
    (1438, 359)
    """
    count = len(digits.labels)
    if len(digits.images) != count:
        raise ValueError(
            f"split: every image needs one label, but there are {len(digits.images)} images "
            f"and {count} labels."
        )
    if not 0 < test_fraction < 1 or not 0 < round(test_fraction * count) < count:
        raise ValueError(
            f"split: test_fraction = {test_fraction} of {count} samples leaves a part empty; "
            "choose a fraction between 0 and 1 that puts a sample in each part."
        )
    order = np.random.default_rng(seed).permutation(count)
    test, train = np.split(order, [round(test_fraction * count)])
    return (
        Digits(digits.images[train], digits.labels[train]),
        Digits(digits.images[test], digits.labels[test]),
    )


def one_hot(labels: ArrayLike, classes: int = 10) -> NDArray[np.float64]:
    """Write each label, from 0 to ``classes - 1``, as a row of zeros with a 1 in its column.

    Examples
    --------
    >>> from tinygrad_bp.datasets import one_hot
    >>> one_hot([2, 0], classes=3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    columns = np.asarray(labels)
    if not np.issubdtype(columns.dtype, np.integer):
        raise TypeError(
            f"one_hot: labels must be integers, but their dtype is {columns.dtype}; if they are "
            "whole numbers stored as another type, convert them with labels.astype(int)."
        )
    if columns.ndim != 1:
        raise ValueError(
            f"one_hot: labels must be one-dimensional, but their shape is {columns.shape}; "
            "labels.ravel() makes them so."
        )
    outside = np.flatnonzero((columns < 0) | (columns >= classes))
    if outside.size:
        first = outside[0]
        raise ValueError(
            f"one_hot: a label must be at least 0 and less than classes = {classes}, "
            f"but labels[{first}] is {columns[first]}."
        )
    rows = np.zeros((len(columns), classes))
    rows[np.arange(len(columns)), columns] = 1.0
    return rows
