"""Tensors made of a shape: zeros, ones, random numbers and the like; all are leaves.

They take what NumPy's functions of the same name take; a shape is given as ``bp.zeros(2, 3)`` or as
``bp.zeros((2, 3))``. All of them also take, by name:

dtype
    The type of the entries: by default float64, or the integers that NumPy would make.
requires_grad
    Whether gradients with respect to the Tensor are wanted.
name
    What pictures, printouts and error messages call it.

Random numbers are drawn from the generator ``rng=``, such as ``np.random.default_rng(0)``, or else
from a new one, which gives other numbers each time.
"""

from __future__ import annotations  # NumPy loads numpy.random when it is first named

from typing import Any, TypedDict, Unpack

import numpy as np

from . import errors
from .engine import Tensor
from .operators import value_of


class Options(TypedDict, total=False):
    """What every Tensor can be given."""

    dtype: Any
    requires_grad: bool
    name: str | None


def zeros(*shape: Any, **options: Unpack[Options]) -> Tensor:
    """Return a Tensor of zeros.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> bp.zeros(2, 3, requires_grad=True, name="W")
    tensor([[0., 0., 0.],
            [0., 0., 0.]], name='W', requires_grad=True)
    """
    return Tensor(np.zeros(lengths(shape)), **options)


def ones(*shape: Any, **options: Unpack[Options]) -> Tensor:
    """Return a Tensor of ones.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> bp.ones(3, dtype="float32").dtype
    dtype('float32')
    """
    return Tensor(np.ones(lengths(shape)), **options)


def full(shape: Any, value: Any, **options: Unpack[Options]) -> Tensor:
    """Return a Tensor with one value in all its entries.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> bp.full((2, 2), 0.5).data
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    return Tensor(np.full(shape, value), **options)


def arange(*bounds: float, **options: Unpack[Options]) -> Tensor:
    """Return the numbers from a start (default 0) to before a stop, by a step (default 1).

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> bp.arange(3), bp.arange(0.0, 1.0, 0.25)
    (tensor([0, 1, 2]), tensor([0.  , 0.25, 0.5 , 0.75]))
    """
    return Tensor(np.arange(*bounds), **options)


def linspace(start: float, stop: float, num: int = 50, **options: Unpack[Options]) -> Tensor:
    """Return evenly spaced numbers from a first to a last number.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> bp.linspace(0.0, 1.0, 5)
    tensor([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    return Tensor(np.linspace(start, stop, num), **options)


def eye(n: int, m: int | None = None, **options: Unpack[Options]) -> Tensor:
    """Return a matrix of n rows and m columns with ones on its diagonal; n columns by default.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> bp.eye(2).data
    array([[1., 0.],
           [0., 1.]])
    """
    return Tensor(np.eye(n, m), **options)


def randn(
    *shape: Any, rng: np.random.Generator | None = None, **options: Unpack[Options]
) -> Tensor:
    """Return random numbers with the standard normal distribution.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_bp as bp
    >>> bp.randn(2, 3, rng=np.random.default_rng(0)).data.round(2)
    array([[ 0.13, -0.13,  0.64],
           [ 0.1 , -0.54,  0.36]])
    """
    return Tensor(generator(rng).standard_normal(lengths(shape)), **options)


def rand(*shape: Any, rng: np.random.Generator | None = None, **options: Unpack[Options]) -> Tensor:
    """Return random numbers, evenly distributed from 0 up to 1.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_bp as bp
    >>> bp.rand(3, rng=np.random.default_rng(0)).data.round(2)
    array([0.64, 0.27, 0.04])
    """
    return Tensor(generator(rng).random(lengths(shape)), **options)


def zeros_like(a: Any, **options: Unpack[Options]) -> Tensor:
    """Return zeros of the shape and dtype of a Tensor or an array; it is a leaf of its own.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> bp.zeros_like(bp.tensor([1.0, 2.0]))
    tensor([0., 0.])
    """
    return Tensor(np.zeros_like(value_of(a)), **options)


def ones_like(a: Any, **options: Unpack[Options]) -> Tensor:
    """Return ones of the shape and dtype of a Tensor or an array.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> bp.ones_like(bp.tensor([1.0, 2.0]))
    tensor([1., 1.])
    """
    return Tensor(np.ones_like(value_of(a)), **options)


def full_like(a: Any, value: Any, **options: Unpack[Options]) -> Tensor:
    """Return one value in the shape of a Tensor or an array, and of its dtype.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> bp.full_like(bp.tensor([1.0, 2.0]), 7.0)
    tensor([7., 7.])
    """
    return Tensor(np.full_like(value_of(a), value), **options)


def randn_like(
    a: Any, rng: np.random.Generator | None = None, **options: Unpack[Options]
) -> Tensor:
    """Return random numbers with the standard normal distribution, of a shape and a dtype.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_bp as bp
    >>> bp.randn_like(bp.tensor([1.0, 2.0]), rng=np.random.default_rng(0)).data.round(2)
    array([ 0.13, -0.13])
    """
    a = np.asarray(value_of(a))
    options.setdefault("dtype", a.dtype if a.dtype.kind == "f" else np.float64)
    return Tensor(generator(rng).standard_normal(a.shape), **options)


def lengths(shape: tuple[Any, ...]) -> tuple[int, ...]:
    """Return a shape that was given as numbers or as one tuple."""
    given = shape[0] if len(shape) == 1 and np.ndim(shape[0]) else shape
    if not all(isinstance(n, (int, np.integer)) for n in given):
        raise errors.bad_shape(shape)
    return tuple(given)


def generator(rng: np.random.Generator | None) -> np.random.Generator:
    return np.random.default_rng() if rng is None else checked_generator(rng)


def checked_generator(rng: np.random.Generator) -> np.random.Generator:
    if not isinstance(rng, np.random.Generator):  # not the module either, whose state is hidden
        raise errors.no_generator(rng)
    return rng
