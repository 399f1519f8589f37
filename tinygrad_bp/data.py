"""Data on its way into training: split, in mini-batches, one-hot, and how far the work is.

train, test = split(*digits(), rng=rng)
for x, labels in progress(batches(*train, size=32, rng=rng)):
    ...
"""

from __future__ import annotations  # NumPy loads numpy.random when it is first named

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import errors
from .arguments import at_least_1
from .creation import checked_generator
from .habits import missing
from .keywords import answer_in

__all__ = ["Batches", "batches", "one_hot", "progress", "split"]


@dataclass(eq=False, repr=False)
class Batches:
    """Mini-batches, as `batches` returns them: each iteration over them is one epoch."""

    arrays: tuple[np.ndarray, ...]
    size: int
    rng: np.random.Generator | None
    drop_last: bool

    def __len__(self) -> int:
        samples = len(self.arrays[0])
        return samples // self.size if self.drop_last else math.ceil(samples / self.size)

    def __iter__(self) -> Iterator[Any]:
        samples = len(self.arrays[0])
        order = np.arange(samples) if self.rng is None else self.rng.permutation(samples)
        for start in range(0, len(self) * self.size, self.size):
            chosen = order[start : start + self.size]
            batch = tuple(array.take(chosen, axis=0) for array in self.arrays)
            yield batch if len(batch) > 1 else batch[0]


def batches(
    *arrays: ArrayLike,
    size: int | None = None,
    rng: np.random.Generator | None = None,
    drop_last: bool = False,
) -> Batches:
    """Cut arrays into mini-batches: in each iteration over them, every sample comes once.

    Parameters
    ----------
    arrays
        Arrays with one sample a row, such as images and labels. All have the same length.
    size
        How many samples are in a batch; the last one has what is left. It must be given.
    rng
        What shuffles the samples, anew for each epoch; without it, they come in their order. Save
        ``rng.bit_generator.state`` between epochs to go on with the same numbers later.
    drop_last
        Leave out a last batch that is not full.

    Returns
    -------
    Batches
        What can be iterated over, again and again; its length is the number of batches. A batch is
        a tuple of arrays, copies; of one array, that array alone.

    Raises
    ------
    TypeError
        If ``size`` is missing, ``rng`` is no generator, or a tuple of arrays is given as one.
    ValueError
        If there is no array, one has no axis, the lengths differ, or ``size`` is less than 1.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_bp as bp
    >>> loader = bp.data.batches(np.arange(5), size=2, rng=np.random.default_rng(0))
    >>> for epoch in range(2):
    ...     print(*loader)
    [2 4] [3 0] [1]
    [4 1] [2 0] [3]
    """
    if size is None:
        raise errors.no_size()
    if rng is not None:
        checked_generator(rng)
    return Batches(of_one_length("batches", arrays), at_least_1("size", size), rng, drop_last)


def split(
    *arrays: ArrayLike, rng: np.random.Generator, test_fraction: float = 0.2
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Shuffle samples and cut them into a part to train on and a part to test on.

    Parameters
    ----------
    arrays
        Arrays with one sample a row, such as images and labels. All have the same length.
    rng
        What shuffles them. The same generator, in the same state, gives the same parts.
    test_fraction
        How much of them the test part has, rounded to whole samples.

    Returns
    -------
    tuple, tuple
        Of each array the rows to train on; of each array the rows to test on. They are copies.

    Raises
    ------
    TypeError
        If ``rng`` is no generator, or a tuple of arrays is given as one.
    ValueError
        If there is no array, one has no axis, the lengths differ, or a part would be empty.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_bp as bp
    >>> train, test = bp.data.split(*bp.datasets.digits(), rng=np.random.default_rng(0))
    >>> [part.shape for part in train], [part.shape for part in test]
    ([(1438, 64), (1438,)], [(359, 64), (359,)])
    """
    checked_generator(rng)
    whole = of_one_length("split", arrays)
    samples = len(whole[0])
    if not 0 < test_fraction < 1 or not 0 < round(test_fraction * samples) < samples:
        raise errors.empty_part(test_fraction, samples)
    order = rng.permutation(samples)
    test, train = np.split(order, [round(test_fraction * samples)])
    return tuple(array[train] for array in whole), tuple(array[test] for array in whole)


def of_one_length(who: str, given: tuple[ArrayLike, ...]) -> tuple[np.ndarray, ...]:
    for array in given:
        if isinstance(array, tuple) and any(np.ndim(part) for part in array):
            raise errors.tuple_of_arrays(who, len(array))
    arrays = tuple(np.asarray(array) for array in given)
    if not arrays:
        raise errors.no_arrays(who)
    if any(array.ndim == 0 for array in arrays) or len({len(array) for array in arrays}) > 1:
        raise errors.lengths_differ(who, ", ".join(str(array.shape) for array in arrays))
    return arrays


def one_hot(labels: ArrayLike, classes: int) -> NDArray[np.float64]:
    """Write each label, from 0 to ``classes - 1``, as a row of zeros with a 1 in its column.

    Parameters
    ----------
    labels
        Integers, shape (n,).
    classes
        How many classes there are.

    Returns
    -------
    ndarray of float64, shape (n, classes)

    Raises
    ------
    TypeError
        If the labels are not integers.
    ValueError
        If they have more or less than one axis, or one is outside the range.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> bp.data.one_hot([2, 0], classes=3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    columns = np.asarray(labels)
    if not np.issubdtype(columns.dtype, np.integer):
        raise errors.labels_not_whole(columns.dtype)
    if columns.ndim != 1:
        raise errors.labels_of_several_axes(columns.shape)
    outside = np.flatnonzero((columns < 0) | (columns >= classes))
    if outside.size:
        raise errors.label_outside(classes, int(outside[0]), int(columns[outside[0]]))
    rows = np.zeros((len(columns), classes))
    rows[np.arange(len(columns)), columns] = 1.0
    return rows


def progress(iterable: Iterable[Any], description: str = "Training") -> Iterable[Any]:
    """Iterate, and show a progress bar if the output is a terminal.

    Parameters
    ----------
    iterable
        What to iterate over. If it has a length, the bar says how much is left.
    description
        What stands before the bar.

    Returns
    -------
    iterable
        The same items.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> sum(bp.data.progress(range(5)))
    10
    """
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)  # what is printed stays free of it
    if not console.is_terminal:
        return iterable
    return track(iterable, description, console=console)


answer_in(globals())


def __getattr__(name: str) -> Any:
    raise missing("bp.data", name, __all__)


def __dir__() -> list[str]:
    return __all__
