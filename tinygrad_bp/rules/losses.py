"""Losses: one number that says how far a prediction, made from scores, is from its target.

The mean of the losses of all samples has a rule of its own; what is weighted otherwise is composed.
"""

from functools import partial
from typing import Any

import numpy as np

from .. import errors
from ..arguments import refuse_where
from ..engine import primitive
from ..recording import Traced
from ..table import Closure, Value
from .activations import log_softmax, sigmoid, softmax, softplus
from .reductions import mean, sum
from .rows import composed, floats, whole_as_float
from .shaping import array_of, as_operand


def reduced(losses: Value, reduction: str) -> Value:
    """Return the mean or the sum of losses, or with "none" each of them."""
    if reduction not in ("mean", "sum", "none"):
        raise errors.unknown_choice("reduction", "'mean', 'sum' or 'none'", reduction)
    return losses if reduction == "none" else {"mean": mean, "sum": sum}[reduction](losses)


def of_type(weight: Value, logits: Value) -> Value:
    """Return weights with the precision of the logits; a Tensor has its own."""
    return weight if hasattr(weight, "named") else np.asarray(weight, logits.dtype)


@primitive(
    needs="probabilities of the same shape as the logits",
    symbol="cross_entropy",
    notation=("cross_entropy", r"\mathrm{cross\_entropy}"),
    letters={"target": "Y", "softmax": "p"},
    averages="samples",
)
def cross_entropy_with_probabilities(logits: Value, target: Value, *, axis: int = 1) -> Value:
    """Return -sum(target * log_softmax(logits)) along an axis, averaged over everything else."""
    if np.shape(target) != np.shape(logits):
        raise ValueError(f"shapes {np.shape(logits)} and {np.shape(target)} differ")
    log_p = np.where(target == 0, 0.0, log_softmax(logits, axis=axis))  # 0 log 0 counts as 0
    return -np.sum(target * log_p) / (logits.size // logits.shape[axis])


@cross_entropy_with_probabilities.backward
def _(out: Value, logits: Value, target: Value, *, axis: int) -> tuple[Closure, Closure]:
    samples = logits.size // logits.shape[axis]
    weight = target.sum(axis=axis, keepdims=True)  # 1 where the target holds probabilities
    return (
        lambda g: g / samples * (softmax(logits, axis=axis) * weight - target),
        lambda g: -g / samples * log_softmax(logits, axis=axis),
    )


@cross_entropy_with_probabilities.twin
def _(logits: Value, target: Value, *, axis: int = 1) -> Value:
    samples = logits.size // logits.shape[axis]
    return -(target * np.log(softmax(logits, axis=axis))).sum() / samples


@composed(of=cross_entropy_with_probabilities)
def cross_entropy(
    logits: Value,
    target: Any,
    axis: int = 1,
    *,
    weight: Value = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Value:
    """Return the mean cross-entropy of a target under softmax(logits).

    Where samples are columns, as in the worked problem, the classes are on axis 0: give axis=0. It
    is computed from the logits, so that a probability that rounds to 0 has its logarithm.

    Parameters
    ----------
    logits
        Scores of any size.
    target
        The number of the right class, integers in the shape of the logits without the class axis;
        or probabilities, in the shape of the logits.
    axis
        The axis of the classes, by default the second; the mean is over all others.
    weight
        How much each class counts: the mean of class numbers is then divided by the sum of theirs.
    ignore_index
        A class number whose samples do not count.
    reduction
        "mean" or "sum" of all samples; or "none", for each sample's own loss.
    label_smoothing
        Which share of each target is dealt out to all classes equally.

    Examples
    --------
    The gradient by the logits is (softmax - one-hot) / samples:

    >>> logits = bp.tensor([[0.0, 0.0], [0.0, np.log(3.0)]], requires_grad=True)
    >>> bp.grad(bp.cross_entropy(logits, [0, 1]), logits)
    array([[-0.25 ,  0.25 ],
           [ 0.125, -0.125]])
    """
    if np.ndim(array_of(logits)) < np.ndim(array_of(target)):  # as class numbers have one axis less
        check_order("cross_entropy", logits, target)
    logits = whole_as_float(as_operand(logits))
    if not isinstance(axis, (int, np.integer)):  # PyTorch's third argument is the weights
        raise TypeError("cross_entropy takes the axis of the classes third. Write weight=weights.")
    if not -len(logits.shape) <= axis < len(logits.shape):
        raise ValueError(
            f"cross_entropy has logits of shape {logits.shape}, which have no axis {axis} for the "
            "classes. Say which it is: axis=..."
        )
    classes = logits.shape[axis]
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"cross_entropy has label_smoothing {label_smoothing}: give 0 to 1.")
    values = array_of(target)
    numbers = values.dtype.kind in "iu"
    # what is compiled must be right for class numbers that are not known yet
    ignored = numbers and (isinstance(values, Traced) or bool((values == ignore_index).any()))
    counted: Value = 1.0
    if numbers:
        target = one_hot_rows(values, logits, axis, ignore_index if ignored else None)
        if ignored:
            counted = np.expand_dims(values != ignore_index, axis).astype(logits.dtype)
    else:
        check_probabilities(values, logits, axis)
    if weight is None and not label_smoothing and reduction == "mean":
        mean = cross_entropy_with_probabilities(logits, target, axis=axis)
        return mean / np.mean(counted) if ignored else mean
    each: Value = 1.0  # how much a class counts
    if weight is not None:
        each = of_type(weight, logits)
        if each.shape != (classes,):
            raise ValueError(f"cross_entropy has {classes} classes and weights of {each.shape}.")
        each = each.reshape((classes, *(1,) * (len(logits.shape) - 1 - axis % len(logits.shape))))
    shares = target
    if label_smoothing:
        shares = (1.0 - label_smoothing) * target + label_smoothing / classes * counted
    shares = shares * each
    losses = -sum(shares * np.where(shares == 0, 0.0, log_softmax(logits, axis=axis)), axis=axis)
    if numbers and reduction == "mean":
        return sum(losses) / sum(target * each)
    return reduced(losses, reduction)


def check_order(name: str, prediction: Any, target: Any) -> None:
    """Raise if class numbers stand where the prediction belongs, and a Tensor to train follows."""
    if getattr(target, "requires_grad", False) and array_of(prediction).dtype.kind in "iub":
        raise ValueError(f"{name} takes the prediction first, and then the target: exchange them.")


def one_hot_rows(values: Value, logits: Value, axis: int, ignored: int | None) -> Value:
    """Return 1 for the right class of each sample, in the shape of the logits, and 0 otherwise.

    A sample whose class number is the one that is ignored, if there may be any, has zeros alone.
    """
    axis %= len(logits.shape)
    classes, samples = logits.shape[axis], logits.shape[:axis] + logits.shape[axis + 1 :]
    if values.shape == logits.shape != samples:
        raise ValueError(
            f"cross_entropy takes integers for class numbers, of shape {samples}. These have the "
            f"shape of the scores, {values.shape}: if they are one-hot, write them as floats."
        )
    if values.shape != samples:
        raise ValueError(
            f"cross_entropy has {given(logits, axis)}, so class numbers have shape {samples}, not "
            f"{values.shape}. Take a column as y[:, 0]; if the classes are on another axis, say "
            "axis=..."
        )

    def no_such_class() -> Exception:
        known = values if ignored is None else values[values != ignored]
        return ValueError(
            f"cross_entropy has {classes} classes, 0 to {classes - 1}, and the target names "
            f"{known.min()} to {known.max()}."
        )

    outside = (values < 0) | (values >= classes)
    refuse_where(outside if ignored is None else outside & (values != ignored), no_such_class)
    numbers = np.arange(classes).reshape(-1, *[1] * (len(samples) - axis))
    column = values.reshape(*samples[:axis], 1, *samples[axis:])
    right = column == numbers
    if ignored is not None:
        right = right & (column != ignored)
    return right.astype(logits.dtype)


def check_probabilities(values: Value, logits: Value, axis: int) -> None:
    if values.shape != logits.shape:
        raise ValueError(
            f"cross_entropy has {given(logits, axis)}, so probabilities have shape {logits.shape}, "
            f"not {values.shape}. Class numbers are integers, and these are {values.dtype}: write "
            "y.astype(int)."
        )
    along = sums_to_1(values, axis)
    for other in set(range(values.ndim)) - {axis % values.ndim}:
        refuse_where(
            ~along & sums_to_1(values, other),
            partial(
                ValueError,
                f"cross_entropy has {given(logits, axis)}, and the target's probabilities sum to 1 "
                f"along axis {other}. If the classes are on that axis, say axis=...",
            ),
        )


def sums_to_1(values: Value, axis: int) -> Value:
    return np.all(np.abs(np.sum(values, axis=axis) - 1.0) < 1e-5)


def given(logits: Value, axis: int) -> str:
    return f"logits of shape {logits.shape} with the classes on axis {axis}"


@primitive(
    needs="equal shapes",
    notation=("binary_cross_entropy", r"\mathrm{binary\_cross\_entropy}"),
    letters={"target": "Y", "sigmoid": "p"},
    averages="entries",
)
def mean_binary_cross_entropy(logits: Value, target: Value) -> Value:
    """Return the mean of -(y log p + (1 - y) log(1 - p)) with p = sigmoid(logits), y the target."""
    if np.shape(logits) != np.shape(target):
        raise ValueError(f"shapes {np.shape(logits)} and {np.shape(target)} differ")
    logits = floats(logits)
    return np.mean(softplus(logits) - target * logits)


@mean_binary_cross_entropy.backward
def _(out: Value, logits: Value, target: Value) -> tuple[Closure, Closure]:
    return (
        lambda g: g / np.size(logits) * (sigmoid(logits) - target),
        lambda g: -g / np.size(logits) * logits,
    )


@mean_binary_cross_entropy.twin
def _(logits: Value, target: Value) -> Value:
    p = sigmoid(logits)
    return -(target * np.log(p) + (1.0 - target) * np.log(1.0 - p)).sum() / np.size(logits)


@composed(of=mean_binary_cross_entropy)
def binary_cross_entropy_with_logits(
    logits: Value,
    target: Value,
    *,
    weight: Value = None,
    pos_weight: Value = None,
    reduction: str = "mean",
) -> Value:
    """Return the mean of -(y log p + (1 - y) log(1 - p)) with p = sigmoid(logits), y the target.

    Parameters
    ----------
    logits
        Scores of any size.
    target
        The probability of "yes", from 0 to 1, of the same shape; or booleans.
    weight, pos_weight
        How much each entry counts, and how much its part of "yes": numbers that broadcast.
    reduction
        "mean" or "sum" of all entries; or "none", for each entry's own loss.

    Examples
    --------
    The gradient by the logits is (p - y) / n:

    >>> logits = bp.tensor([0.0, 1000.0], requires_grad=True)
    >>> bp.grad(bp.binary_cross_entropy_with_logits(logits, [1.0, 0.0]), logits)
    array([-0.25,  0.5 ])
    """
    if weight is None and pos_weight is None and reduction == "mean":
        return mean_binary_cross_entropy(logits, target)
    z, y = whole_as_float(as_operand(logits)), whole_as_float(as_operand(target))
    if z.shape != y.shape:
        raise ValueError(f"the logits have shape {z.shape}, and the target has {y.shape}.")
    yes = y if pos_weight is None else y * of_type(pos_weight, z)
    losses = (1.0 - y) * softplus(z) + yes * softplus(-1.0 * z)
    return reduced(losses if weight is None else losses * of_type(weight, z), reduction)
