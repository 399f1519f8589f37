"""Activations: the nonlinear functions of neural networks."""

import numpy as np

from ..primitive import Closure, Value, primitive


@primitive(symbol="σ")
def sigmoid(z: Value) -> Value:
    """Return 1 / (1 + exp(-z)), computed as e / (1 + e) with e = exp(z).

    From z = 80 on, the result is 1 to the last bit, so a larger z is not exponentiated: it would
    overflow. For very negative z, e and the result fade to 0 with full relative precision.
    """
    e = np.exp(np.minimum(z, 80.0))
    return e / (1.0 + e)


@sigmoid.backward
def _(a: Value, z: Value) -> Closure:
    return lambda g: g * a * (1.0 - a)


@primitive
def softmax(z: Value, *, axis: int = -1) -> Value:
    """Return exp(z) / sum(exp(z)) along an axis: positive, summing to 1.

    The largest entry is subtracted first. That cancels in the quotient, and nothing overflows.
    """
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@softmax.backward
def _(p: Value, z: Value, *, axis: int) -> Closure:
    # The Jacobian is diag(p) - p p^T. Multiplied with g, it needs not be built:
    return lambda g: p * (g - (p * g).sum(axis=axis, keepdims=True))
