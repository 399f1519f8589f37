"""Where weights start: arrays of random numbers, drawn from a generator that is given.

    layer.weight.data = nn.init.kaiming_normal(layer.weight.shape, rng)

A weight has the axes (output, input, ...), as in `Linear` and `Conv2d`. How many inputs go into one
output is its fan-in, and how many outputs one input goes to its fan-out.
"""

from __future__ import annotations  # NumPy loads numpy.random when it is first named

import math
from typing import Any

import numpy as np

from .. import errors
from ..creation import generator
from ..habits import missing

__all__ = [
    "kaiming_normal", "kaiming_uniform", "normal", "uniform", "xavier_normal", "xavier_uniform",
]  # fmt: skip


def uniform(
    shape: tuple[int, ...], rng: np.random.Generator | None, low: float = 0.0, high: float = 1.0
) -> np.ndarray:
    """Return numbers that are uniform from low up to high.

    >>> bp.nn.init.uniform((2, 3), np.random.default_rng(0), -1.0, 1.0).shape
    (2, 3)
    """
    return generator(rng).uniform(low, high, shape)


def normal(
    shape: tuple[int, ...], rng: np.random.Generator | None, mean: float = 0.0, std: float = 1.0
) -> np.ndarray:
    """Return normal numbers with a mean and a standard deviation.

    >>> bp.nn.init.normal((2, 3), np.random.default_rng(0), std=0.02).shape
    (2, 3)
    """
    return generator(rng).normal(mean, std, shape)


def xavier_uniform(
    shape: tuple[int, ...], rng: np.random.Generator, gain: float = 1.0
) -> np.ndarray:
    """Return uniform numbers with standard deviation gain * sqrt(2 / (fan-in + fan-out)).

    Signals then keep their size forward and backward alike, where an activation is nearly linear
    at 0, as tanh is: Glorot and Bengio, *Understanding the difficulty of training deep feedforward
    neural networks*, AISTATS 2010.

    >>> w = bp.nn.init.xavier_uniform((100, 200), np.random.default_rng(0))
    >>> bool(abs(w).max() <= np.sqrt(6 / 300))
    True
    """
    return of_spread(shape, rng, gain * math.sqrt(2.0 / sum(fans(shape))))


def xavier_normal(
    shape: tuple[int, ...], rng: np.random.Generator, gain: float = 1.0
) -> np.ndarray:
    """Return normal numbers with the standard deviation of `xavier_uniform`.

    >>> bp.nn.init.xavier_normal((2, 3), np.random.default_rng(0)).shape
    (2, 3)
    """
    return normal(shape, rng, std=gain * math.sqrt(2.0 / sum(fans(shape))))


def kaiming_uniform(
    shape: tuple[int, ...], rng: np.random.Generator, gain: float = math.sqrt(2.0)
) -> np.ndarray:
    """Return uniform numbers with standard deviation gain / sqrt(fan-in).

    The gain makes up for what an activation takes away: it is sqrt(2) for relu, which drops one
    half. He, Zhang, Ren and Sun, *Delving deep into rectifiers*, arXiv:1502.01852.

    >>> w = bp.nn.init.kaiming_uniform((100, 200), np.random.default_rng(0))
    >>> bool(abs(w).max() <= np.sqrt(6 / 200))
    True
    """
    return of_spread(shape, rng, gain / math.sqrt(fans(shape)[0]))


def kaiming_normal(
    shape: tuple[int, ...], rng: np.random.Generator, gain: float = math.sqrt(2.0)
) -> np.ndarray:
    """Return normal numbers with the standard deviation of `kaiming_uniform`.

    >>> bp.nn.init.kaiming_normal((2, 3), np.random.default_rng(0)).shape
    (2, 3)
    """
    return normal(shape, rng, std=gain / math.sqrt(fans(shape)[0]))


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the fan-in and the fan-out of a weight."""
    if len(shape) < 2:
        raise ValueError(f"a weight has the axes (output, input, ...), and the shape is {shape}.")
    outputs, inputs, *window = shape
    return inputs * math.prod(window), outputs * math.prod(window)


def of_spread(shape: tuple[int, ...], rng: np.random.Generator, std: float) -> np.ndarray:
    bound = math.sqrt(3.0) * std  # of a uniform distribution of this standard deviation
    return uniform(shape, rng, -bound, bound)


def __getattr__(name: str) -> Any:
    if name[0] != "_" and name.endswith("_"):
        stem = name.removesuffix("_")
        raise errors.fills_nothing(name, stem if stem in globals() else "normal")
    raise missing("bp.nn.init", name, __all__)
