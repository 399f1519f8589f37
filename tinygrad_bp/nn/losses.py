"""Losses: one number that says how far a prediction is from its target.

`cross_entropy` and `binary_cross_entropy_with_logits` have a rule of their own, in
``rules/losses.py``. Those here are composed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import errors
from ..arguments import refuse_where
from ..rules.losses import check_order, reduced
from ..rules.shaping import array_of, as_operand
from ..table import Value


def alike(name: str, prediction: Any, target: Any) -> tuple[Value, Value]:
    """Return prediction and target as operands, of equal shapes: broadcast, they would mislead."""
    prediction, target = as_operand(prediction), as_operand(target)
    if prediction.shape != target.shape:
        raise ValueError(
            f"{name} has a prediction of shape {prediction.shape} and a target of shape "
            f"{target.shape}. Give them the same shape, as with t.reshape(...)."
        )
    return prediction, target


def mse_loss(prediction: Value, target: Value, reduction: str = "mean") -> Value:
    """Return the mean squared difference, (prediction - target)^2.

    Parameters
    ----------
    prediction, target
        Arrays or Tensors of one shape.
    reduction
        "mean" or "sum" of all entries; or "none", for each entry's own loss.

    Raises
    ------
    ValueError
        If the shapes differ, or the reduction is none of these.

    Examples
    --------
    >>> bp.nn.mse_loss(bp.tensor([1.0, 2.0]), [1.0, 4.0]).item()
    2.0
    """
    prediction, target = alike("mse_loss", prediction, target)
    return reduced(np.square(prediction - target), reduction)


def l1_loss(prediction: Value, target: Value, reduction: str = "mean") -> Value:
    """Return the mean absolute difference; the arguments are those of `mse_loss`.

    Examples
    --------
    >>> bp.nn.l1_loss(bp.tensor([1.0, 2.0]), [1.0, 4.0]).item()
    1.0
    """
    prediction, target = alike("l1_loss", prediction, target)
    return reduced(abs(prediction - target), reduction)


def huber_loss(
    prediction: Value, target: Value, reduction: str = "mean", delta: float = 1.0
) -> Value:
    """Return the mean of d^2 / 2; for abs(d) above delta, of delta (abs(d) - delta / 2).

    It grows like the square, but an outlier does not dominate it: P. J. Huber, *Robust estimation
    of a location parameter*, 1964. Arguments as of `mse_loss`, and a delta above 0.

    Examples
    --------
    >>> bp.nn.huber_loss(bp.tensor([0.5, 3.0]), [0.0, 0.0], reduction="none").data
    array([0.125, 2.5  ])
    """
    prediction, target = alike("huber_loss", prediction, target)
    known = array_of(delta)
    refuse_where(
        ~((known > 0) & (known < math.inf)),
        lambda: errors.out_of_range("delta", "that is above 0", delta),
    )
    distance = abs(prediction - target)
    near = np.minimum(distance, delta)  # near * (distance - near / 2) is both cases in one
    return reduced(near * (distance - 0.5 * near), reduction)


def nll_loss(
    log_probabilities: Value, target: Any, *, axis: int = 1, reduction: str = "mean"
) -> Value:
    """Return the mean of -log p of the right classes, as of `log_softmax`.

    Parameters
    ----------
    log_probabilities
        Logarithms of probabilities, with the classes on an axis.
    target
        The number of the right class, integers in the shape of the logarithms without that axis.
    axis
        The axis of the classes, by default the second.
    reduction
        As of `mse_loss`.

    Examples
    --------
    >>> p = bp.tensor([[0.25, 0.75], [0.5, 0.5]])
    >>> round(bp.nn.nll_loss(np.log(p), [1, 0]).item(), 4)  # -(log 0.75 + log 0.5) / 2
    0.4904
    """
    check_order("nll_loss", log_probabilities, target)
    log_p, classes = as_operand(log_probabilities), array_of(target)
    samples = tuple(np.delete(log_p.shape, axis).tolist())
    if classes.dtype.kind not in "iu" or classes.shape != samples:
        raise ValueError(
            f"nll_loss has logarithms of shape {log_p.shape}, so it takes integers of shape "
            f"{samples} as the target, not {classes.dtype} of shape {classes.shape}."
        )
    n = log_p.shape[axis]
    refuse_where(
        (classes < 0) | (classes >= n),
        lambda: errors.no_class(int(classes.min()), int(classes.max()), n),
    )
    right = np.take_along_axis(log_p, np.expand_dims(classes, axis), axis)
    return reduced(-np.squeeze(right, axis), reduction)


def binary_cross_entropy(p: Value, target: Value, reduction: str = "mean") -> Value:
    """Return the mean of -(y log p + (1 - y) log(1 - p)), with y the target.

    A logarithm below -100 counts as -100, as in PyTorch, so that p = 0 gives no infinity. Where p
    is the sigmoid of something, `binary_cross_entropy_with_logits` of that is exact.
    Arguments as of `mse_loss`.

    Raises
    ------
    ValueError
        If the shapes differ, or a p is not between 0 and 1.

    Examples
    --------
    >>> round(bp.nn.binary_cross_entropy(bp.tensor([0.5, 0.75]), [1.0, 1.0]).item(), 4)
    0.4904
    """
    check_order("binary_cross_entropy", p, target)
    p, y = alike("binary_cross_entropy", p, target)
    array = array_of(p)
    refuse_where(
        (array < 0.0) | (array > 1.0),
        lambda: errors.no_probabilities(f"{array.min():.4g}", f"{array.max():.4g}"),
    )
    least = math.exp(-100.0)
    log_p, log_q = np.log(np.maximum(p, least)), np.log(np.maximum(1.0 - p, least))
    return reduced(-(y * log_p + (1.0 - y) * log_q), reduction)
