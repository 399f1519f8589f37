"""Data to train on, offline: 1,797 handwritten digits.

The digits are the test part of *Optical Recognition of Handwritten Digits* by E. Alpaydin and
C. Kaynak (UCI, 1998, CC BY 4.0). `digits.LICENSE.md`, beside this file, has the full attribution.
"""

from __future__ import annotations  # NumPy loads numpy.random when it is first named

import os
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Digits", "digits"]

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
