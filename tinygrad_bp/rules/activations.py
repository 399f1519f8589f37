"""Activations: the nonlinear functions of neural networks.

Each is computed so that nothing overflows. Beside it stands its twin, the same function composed of
simpler operations: the two must agree, and so must their gradients.
"""

import math

import numpy as np

from ..engine import primitive
from ..table import Closure, Value
from .arithmetic import multiply
from .elementwise import erf, erfc
from .rows import composed, floats


@primitive(symbol="σ", kind="entrywise", notation=("σ", r"\sigma"))
def sigmoid(z: Value) -> Value:
    """Return 1 / (1 + exp(-z)), computed as e / (1 + e) with e = exp(z).

    From z = 80 on the result is 1 to the last bit, so a larger z, which would overflow, is not
    exponentiated. For very negative z the result fades to 0 with full relative precision.

    >>> bp.value_and_grad(bp.sigmoid)(0.0)  # a and a (1 - a)
    (array(0.5), array(0.25))
    """
    e = np.exp(np.minimum(z, 80.0))
    return e / (1.0 + e)


sigmoid.backward(lambda a, z: lambda g: g * a * (1.0 - a))
sigmoid.twin(lambda z: 1.0 / (1.0 + np.exp(-z)))


@primitive(kind="entrywise", notation="np.log(1 + np.exp(z))")
def softplus(z: Value) -> Value:
    """Return log(1 + exp(z)), a smooth relu; its slope is the sigmoid.

    >>> bp.value_and_grad(bp.softplus)(1000.0)  # exp(1000) would overflow
    (array(1000.), array(1.))
    """
    z = floats(z)
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


softplus.backward(lambda out, z: lambda g: g * sigmoid(z))
softplus.twin(lambda z: np.log(1.0 + np.exp(z)))


@primitive(kind="entrywise")
def log_sigmoid(z: Value) -> Value:
    """Return log(sigmoid(z)), also where the sigmoid itself would round to 0.

    >>> bp.value_and_grad(bp.log_sigmoid)(-1000.0)
    (array(-1000.), array(1.))
    """
    z = floats(z)
    return np.minimum(z, 0.0) - np.log1p(np.exp(-np.abs(z)))


log_sigmoid.backward(lambda out, z: lambda g: g * sigmoid(-z))
log_sigmoid.twin(lambda z: np.log(1.0 / (1.0 + np.exp(-z))))


@primitive(kind="entrywise")
def relu(z: Value) -> Value:
    """Return max(z, 0); its derivative at 0, where it has a corner, is taken as 0.

    >>> bp.value_and_grad(bp.relu)(-1.0)
    (array(0.), array(0.))
    """
    return np.maximum(z, 0.0)


relu.backward(lambda out, z: lambda g: np.where(z > 0, g, 0.0))


@primitive(kind="entrywise")
def leaky_relu(z: Value, *, slope: float = 0.01) -> Value:
    """Return z where it is positive, and slope * z elsewhere; in the corner at 0 it has that slope.

    >>> bp.value_and_grad(bp.leaky_relu)(-1.0, slope=0.25)
    (array(-0.25), array(0.25))
    """
    return np.maximum(z, 0.0) + float(slope) * np.minimum(z, 0.0)  # where takes longer


leaky_relu.backward(lambda out, z, *, slope: lambda g: np.where(z > 0, g, float(slope) * g))


@primitive(kind="entrywise")
def elu(z: Value, *, alpha: float = 1.0) -> Value:
    """Return z where it is positive, and alpha (exp(z) - 1) elsewhere; at 0 its slope is alpha.

    >>> bp.value_and_grad(bp.elu)(-1000.0, alpha=0.5)
    (array(-0.5), array(0.))
    """
    return np.where(z > 0, z, float(alpha) * np.expm1(np.minimum(z, 0.0)))


@elu.backward
def _(out: Value, z: Value, *, alpha: float) -> Closure:
    # not out + alpha, which cancels where z is far below 0
    return lambda g: np.where(z > 0, g, g * float(alpha) * np.exp(np.minimum(z, 0.0)))


@primitive(kind="entrywise", notation=("Φ", r"\Phi"))
def normal_cdf(z: Value, *, approximate: str = "none") -> Value:
    """Return the distribution function of the standard normal; if approximate is "tanh", nearly."""
    if approximate == "tanh":
        return 0.5 * (1.0 + np.tanh(inside_tanh(z)))
    return 0.5 * erfc(z / -math.sqrt(2.0))


def inside_tanh(z: Value) -> Value:
    return math.sqrt(2.0 / math.pi) * (z + 0.044715 * z * z * z)


@normal_cdf.backward
def _(out: Value, z: Value, *, approximate: str) -> Closure:
    if approximate == "tanh":
        slope = math.sqrt(8.0 / math.pi) * (1.0 + 0.134145 * z * z)
        return lambda g: g * out * (1.0 - out) * slope
    return lambda g: g * np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)


@normal_cdf.twin
def _(z: Value, *, approximate: str = "none") -> Value:
    return 0.5 * (1.0 + (np.tanh(inside_tanh(z)) if approximate == "tanh" else erf(z / 2.0**0.5)))


@composed(of=normal_cdf)
def gelu(z: Value, approximate: str = "none") -> Value:
    """Return z Phi(z), where Phi is the distribution function of the standard normal.

    From Hendrycks and Gimpel, *Gaussian Error Linear Units*, arXiv:1606.08415; if approximate is
    "tanh", their approximation, with (1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3))) / 2 for Phi.

    >>> bp.value_and_grad(bp.gelu)(0.0)
    (array(0.), array(0.5))
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f"approximate is 'none' or 'tanh', not {approximate!r}")
    return multiply(z, normal_cdf(z, approximate=approximate))


@primitive(kind="entrywise")
def silu(z: Value) -> Value:
    """Return z sigmoid(z).

    >>> bp.value_and_grad(bp.silu)(0.0)
    (array(0.), array(0.5))
    """
    return z * sigmoid(z)


@silu.backward
def _(out: Value, z: Value) -> Closure:
    a = sigmoid(z)
    return lambda g: g * (a + out * (1.0 - a))


silu.twin(lambda z: z * sigmoid(z))


@primitive
def softmax(z: Value, *, axis: int = -1) -> Value:
    """Return exp(z) / sum(exp(z)) along an axis: positive numbers that sum to 1.

    The largest entry is subtracted first. It cancels in the quotient, and nothing overflows. The
    axis is by default the last; where samples are columns, it is 0. Every output depends on every
    input: the Jacobian is diag(p) - p p^T.

    >>> bp.jacobian(bp.softmax)([1000.0, 1000.0])
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    if z.dtype.kind != "f":
        z = z.astype(float)
    e = np.exp(z - z.max(axis=axis, keepdims=True, initial=-np.inf))  # of no entries, too
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
    """Return log(softmax(z)) along an axis, also where the softmax itself would round to 0.

    >>> bp.log_softmax([0.0, 1000.0])
    array([-1000.,     0.])
    """
    if z.dtype.kind != "f":
        z = z.astype(float)
    shifted = z - z.max(axis=axis, keepdims=True, initial=-np.inf)
    with np.errstate(divide="ignore"):  # of no entries, the sum is 0
        return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


@log_softmax.backward
def _(out: Value, z: Value, *, axis: int) -> Closure:
    return lambda g: g - np.exp(out) * g.sum(axis=axis, keepdims=True)


log_softmax.twin(lambda z, *, axis=-1: z - np.log(np.exp(z).sum(axis=axis, keepdims=True)))
