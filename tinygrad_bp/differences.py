"""Finite differences: the derivative of a plain function, found by calling it and nothing else.

This is the witness that knows no calculus. It takes a function of one float64 array, moves one
entry at a time a little up and a little down, and divides. Read `_slope` first, then `_partial`;
the public functions apply these to every entry. `relative_difference` says how far apart two
answers are.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

# One central difference errs by about h**2 (truncation) + eps / h (rounding); h = eps**(1/3)
# balances the two.
CENTRAL_STEP = 6e-6

# Two halvings cancel the h**2 and h**4 terms, so h may be large and the rounding eps / h small.
# Measured on dL/dW1, dL/dW2 and dL/dW3 of 1,000 random worked problems (widths 1 to 7, two outputs
# or more, batches 1 to 5), the relative difference from the closed form was at worst
#     central, 6e-6          3e-07
#     one halving, 1e-3      3e-09
#     two halvings, 3e-2     2e-10
#     two halvings, 5e-3     2e-09   <- the one taken
# The larger step is better on the network, but worse where a function bends sharply: for 1 / x at
# x = 0.05 the step 3e-2 is off by 1e-3, and 5e-3 by 2e-8.
# tests/test_differences.py repeats the measurement on 100 problems, and asks for 1e-8.
EXTRAPOLATED_STEP = 5e-3


def central_difference(f: Callable[[Array], Any], at: Array, step: float = CENTRAL_STEP) -> Array:
    """Differentiate a scalar function by one central difference per entry: the plainest form.

    Parameters
    ----------
    f
        A smooth function from an array of the shape of `at` to one float64 number.
    at
        The point, float64, any shape.
    step
        How far to move each entry, relative to ``max(1, |entry|)``.

    Returns
    -------
    ndarray
        The gradient, float64, the shape of `at`.

    Raises
    ------
    TypeError
        If `at` or the value of `f` is not float64.
    ValueError
        If `f` does not return a single number, `at` is not finite, or `step` is not a positive
        number.

    Notes
    -----
    ``df/dx = (f(x + h) - f(x - h)) / 2h + O(h**2)``; Abramowitz and Stegun, 25.3.21.

    Examples
    --------
    >>> central_difference(lambda v: (v**2).sum(), np.array([1.0, 2.0, 3.0])).round(6)
    array([2., 4., 6.])
    """
    return jacobian_difference(_scalar(f), at, step, halvings=0)


def extrapolated_difference(
    f: Callable[[Array], Any], at: Array, step: float = EXTRAPOLATED_STEP, halvings: int = 2
) -> Array:
    """Differentiate a scalar function by central differences, with their leading errors cancelled.

    Parameters
    ----------
    f
        A smooth function from an array of the shape of `at` to one float64 number. It must be
        defined from ``entry - h`` to ``entry + h``, where ``h = step * max(1, |entry|)``.
    at
        The point, float64, any shape.
    step
        The largest move of each entry, relative to ``max(1, |entry|)``.
    halvings
        How often the step is halved. The error is of order ``h**(2 * halvings + 2)``, so ``h**6``
        for two halvings.

    Returns
    -------
    ndarray
        The gradient, float64, the shape of `at`.

    Raises
    ------
    TypeError
        If `at` or the value of `f` is not float64.
    ValueError
        If `f` does not return a single number, `at` is not finite, `step` is not a positive number,
        or `halvings` is negative.

    Notes
    -----
    L. F. Richardson, "The deferred approach to the limit", Phil. Trans. A 226 (1927).

    Examples
    --------
    >>> gradient = extrapolated_difference(lambda v: np.exp(v).sum(), np.array([0.0, 1.0]))
    >>> relative_difference(gradient, np.exp([0.0, 1.0])) < 1e-12
    True
    """
    return jacobian_difference(_scalar(f), at, step, halvings)


def jacobian_difference(
    f: Callable[[Array], Any], at: Array, step: float = EXTRAPOLATED_STEP, halvings: int = 2
) -> Array:
    """Differentiate every output of an array-valued function by every entry of its input.

    Parameters
    ----------
    f, at, step, halvings
        As for `extrapolated_difference`, except that `f` may return a float64 array of any shape.

    Returns
    -------
    ndarray
        float64, of shape ``f(at).shape + at.shape``: outputs first, inputs last.

    Raises
    ------
    TypeError
        If `at` or the value of `f` is not float64.
    ValueError
        If `at` is not finite, `step` is not a positive number, or `halvings` is negative.

    Examples
    --------
    >>> A = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> jacobian_difference(lambda v: A @ v, np.array([1.0, -1.0])).round(9)
    array([[1., 2.],
           [3., 4.],
           [5., 6.]])
    """
    at = _float64(at, "the point")
    if not np.isfinite(at).all():
        raise ValueError("the point holds NaN or infinity: a difference there means nothing")
    if not (np.isfinite(step) and step > 0):
        raise ValueError(f"step must be a positive number, not {step!r}")
    if halvings < 0:
        raise ValueError(f"halvings must be 0 or more, not {halvings!r}")

    jacobian = np.empty(_value(f, at).shape + at.shape)
    for index in np.ndindex(at.shape):
        jacobian[(..., *index)] = _partial(f, at, index, step, halvings)
    return jacobian


def relative_difference(a: ArrayLike, b: ArrayLike) -> float:
    """Say how far apart two arrays are, relative to the larger of them: 0 is equal, 2 is opposite.

    The scale is one number for the whole array, so an entry that should be 0 and is 1e-17 does no
    harm.

    Parameters
    ----------
    a, b
        Real arrays of the same shape.

    Returns
    -------
    float
        ``max |a - b| / max(|a|, |b|)``, each maximum over all entries. Two arrays of zeros, or two
        empty ones, differ by 0. A NaN or an infinity anywhere gives infinity: such arrays never
        agree.

    Raises
    ------
    ValueError
        If the shapes differ: broadcasting would compare something, but not what was asked.
    TypeError
        If either holds something other than real numbers.

    Examples
    --------
    >>> relative_difference([1.0, 4.0], [1.0, 3.0])
    0.25
    >>> relative_difference([0.0, 0.0], [0.0, 0.0])
    0.0
    >>> relative_difference([1.0], [float("nan")])
    inf
    """
    a = np.asarray(a).astype(np.float64, casting="same_kind")
    b = np.asarray(b).astype(np.float64, casting="same_kind")
    if a.shape != b.shape:
        raise ValueError(f"cannot compare shape {a.shape} with shape {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    scale = max(np.abs(a).max(initial=0.0), np.abs(b).max(initial=0.0))
    if scale == 0.0:
        return 0.0
    # Divide before subtracting: at the ends of the float range the difference would overflow.
    return float(np.abs(a / scale - b / scale).max())


def _partial(
    f: Callable[[Array], Any], at: Array, index: tuple[int, ...], step: float, halvings: int
) -> Array:
    """Differentiate by one entry: halve the step `halvings` times, and combine the estimates."""
    h = step * max(1.0, abs(at[index]))
    estimates = [_slope(f, at, index, h / 2**k) for k in range(halvings + 1)]
    # An estimate errs by c2 h**2 + c4 h**4 + ...  At half the step the first term is 1/4 as large
    # and the second 1/16, so the first round below cancels the one, and the next round the other.
    for order in range(1, halvings + 1):
        weight = 4**order
        estimates = [
            (weight * fine - coarse) / (weight - 1) for coarse, fine in pairwise(estimates)
        ]
    return estimates[0]


def _slope(f: Callable[[Array], Any], at: Array, index: tuple[int, ...], h: float) -> Array:
    """Return one central difference."""
    up, down = at.copy(), at.copy()
    up[index] += h
    down[index] -= h
    distance = up[index] - down[index]  # 2h as it came out in floating point
    slope: Array = (_value(f, up) - _value(f, down)) / distance
    return slope


def _scalar(f: Callable[[Array], Any]) -> Callable[[Array], Array]:
    """Wrap `f` so that anything but a single number is refused."""

    def scalar(point: Array) -> Array:
        value = _value(f, point)
        if value.shape != ():
            raise ValueError(
                f"the function returned an array of shape {value.shape}, not a single number: "
                "sum it, or use jacobian_difference"
            )
        return value

    return scalar


def _value(f: Callable[[Array], Any], point: Array) -> Array:
    """Call `f`, which may overwrite what it is given and return the same buffer every time."""
    return _float64(f(point.copy()), "the function's value")


def _float64(value: object, what: str) -> Array:
    """Copy, and refuse anything but float64: in float32 a difference is mostly rounding."""
    array = np.array(value)
    if array.dtype != np.float64:
        raise TypeError(
            f"{what} is {array.dtype}; differences need float64, "
            "so convert it with .astype(np.float64)"
        )
    return array
