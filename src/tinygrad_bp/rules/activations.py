"""Activations: the nonlinear functions of neural networks.

Each is computed so that nothing overflows. Beside it stands its twin, the same function composed of
simpler operations: the two must agree, and so must their gradients.
"""

import math

import numpy as np

from ..primitive import Closure, Value, primitive
from .elementwise import erf, erfc


@primitive(symbol="σ")
def sigmoid(z: Value) -> Value:
    """Return 1 / (1 + exp(-z)), computed as e / (1 + e) with e = exp(z).

    From z = 80 on the result is 1 to the last bit, so a larger z, which would overflow, is not
    exponentiated. For very negative z the result fades to 0 with full relative precision.
    """
    e = np.exp(np.minimum(z, 80.0))
    return e / (1.0 + e)


@sigmoid.backward
def _(a: Value, z: Value) -> Closure:
    return lambda g: g * a * (1.0 - a)


@sigmoid.twin
def _(z: Value) -> Value:
    return 1.0 / (1.0 + np.exp(-z))


@primitive
def softplus(z: Value) -> Value:
    """Return log(1 + exp(z)), a smooth relu."""
    return np.logaddexp(z, 0.0)


@softplus.backward
def _(out: Value, z: Value) -> Closure:
    return lambda g: g * sigmoid(z)


@softplus.twin
def _(z: Value) -> Value:
    return np.log(1.0 + np.exp(z))


@primitive
def log_sigmoid(z: Value) -> Value:
    """Return log(sigmoid(z)), also where the sigmoid itself would round to 0."""
    return -np.logaddexp(-z, 0.0)


@log_sigmoid.backward
def _(out: Value, z: Value) -> Closure:
    return lambda g: g * sigmoid(-z)


@log_sigmoid.twin
def _(z: Value) -> Value:
    return np.log(1.0 / (1.0 + np.exp(-z)))


@primitive
def relu(z: Value) -> Value:
    """Return max(z, 0); its derivative at 0, where it has a corner, is taken as 0."""
    return np.maximum(z, 0.0)


@relu.backward
def _(out: Value, z: Value) -> Closure:
    return lambda g: np.where(z > 0, g, 0.0)


@primitive
def leaky_relu(z: Value, *, slope: float = 0.01) -> Value:
    """Return z where it is positive, and slope * z elsewhere."""
    return np.where(z > 0, z, float(slope) * z)


@leaky_relu.backward
def _(out: Value, z: Value, *, slope: float) -> Closure:
    return lambda g: np.where(z > 0, g, float(slope) * g)


@primitive
def elu(z: Value, *, alpha: float = 1.0) -> Value:
    """Return z where it is positive, and alpha (exp(z) - 1) elsewhere."""
    return np.where(z > 0, z, float(alpha) * np.expm1(np.minimum(z, 0.0)))


@elu.backward
def _(out: Value, z: Value, *, alpha: float) -> Closure:
    # not out + alpha, which cancels where z is far below 0
    return lambda g: np.where(z > 0, g, g * float(alpha) * np.exp(np.minimum(z, 0.0)))


@primitive
def gelu(z: Value) -> Value:
    """Return z Phi(z), where Phi is the distribution function of the standard normal."""
    return z * 0.5 * erfc(-z / math.sqrt(2.0))


@gelu.backward
def _(out: Value, z: Value) -> Closure:
    distribution = 0.5 * erfc(-z / math.sqrt(2.0))
    density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return lambda g: g * (distribution + z * density)


@gelu.twin
def _(z: Value) -> Value:
    return z * 0.5 * (1.0 + erf(z / math.sqrt(2.0)))


@primitive
def silu(z: Value) -> Value:
    """Return z sigmoid(z)."""
    return z * sigmoid(z)


@silu.backward
def _(out: Value, z: Value) -> Closure:
    a = sigmoid(z)
    return lambda g: g * (a + out * (1.0 - a))


@silu.twin
def _(z: Value) -> Value:
    return z * sigmoid(z)


@primitive
def softmax(z: Value, *, axis: int = -1) -> Value:
    """Return exp(z) / sum(exp(z)) along an axis: positive numbers that sum to 1.

    The largest entry is subtracted first. It cancels in the quotient, and nothing overflows.
    """
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@softmax.backward
def _(p: Value, z: Value, *, axis: int) -> Closure:
    # The Jacobian is diag(p) - p p^T; its product with g needs no matrix.
    return lambda g: p * (g - (p * g).sum(axis=axis, keepdims=True))


@softmax.twin
def _(z: Value, *, axis: int = -1) -> Value:
    e = np.exp(z)
    return e / e.sum(axis=axis, keepdims=True)


@primitive
def log_softmax(z: Value, *, axis: int = -1) -> Value:
    """Return log(softmax(z)), also where the softmax itself would round to 0."""
    shifted = z - z.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


@log_softmax.backward
def _(out: Value, z: Value, *, axis: int) -> Closure:
    return lambda g: g - np.exp(out) * g.sum(axis=axis, keepdims=True)


@log_softmax.twin
def _(z: Value, *, axis: int = -1) -> Value:
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))
