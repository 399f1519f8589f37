"""The closed form of the worked problem: its gradients by hand, one NumPy function per factor.

The network, with column vectors and no biases::

    z1 = W1 x     a1 = sigmoid(z1)
    z2 = W2 a1    a2 = sigmoid(z2)
    z3 = W3 a2    a3 = y_hat = softmax(z3)
    L  = ||y - y_hat||^2

Read downward: the forward pass, then the factors of the chain rule, one function for each kind,
then `CHAIN`, which puts them together from the loss back to W1. Nothing here uses the rest of the
library, so agreeing with it is evidence.

Columns are samples: B of them, usually one. The loss is summed over the samples, and so is the
gradient of each weight. Widths run n0 (input), n1, n2, n3 (output). Each formula is that of the
source derivation; where the source slips (`slips.py` shows where), the formula here is the right
one. Arrays are float64 throughout.
"""

from collections.abc import Callable, Mapping

import numpy as np

from .problem import Array, Problem

# ---- The forward pass ----


def sigmoid(z: Array) -> Array:
    """Return ``1 / (1 + e^-z)``, elementwise, without overflow at either end."""
    e = np.exp(-np.abs(z))  # never above 1
    a: Array = np.where(z >= 0, 1.0, e) / (1.0 + e)
    return a


def softmax(z: Array) -> Array:
    """Return ``e^z_i / sum_j e^z_j`` down each column of z, (n, B), without overflow."""
    e = np.exp(z - z.max(axis=0, keepdims=True))  # a shift of every logit changes nothing
    a: Array = e / e.sum(axis=0, keepdims=True)
    return a


def forward(problem: Problem) -> dict[str, Array]:
    z1 = problem.W1 @ problem.x
    a1 = sigmoid(z1)
    z2 = problem.W2 @ a1
    a2 = sigmoid(z2)
    z3 = problem.W3 @ a2
    y_hat = softmax(z3)
    L = np.asarray(np.sum((problem.y - y_hat) ** 2))
    return {"z1": z1, "a1": a1, "z2": z2, "a2": a2, "z3": z3, "y_hat": y_hat, "L": L}


# ---- The factors: of the loss, of the softmax, of a weight, of a sigmoid ----


def dL_da3(y: Array, y_hat: Array) -> Array:
    """Return ``dL/da3 = -2 (y - y_hat)``, of shape (n3, B)."""
    return -2.0 * (y - y_hat)


def da3_dz3(a3: Array) -> Array:
    """Return the Jacobian of softmax: one symmetric matrix per sample, of shape (B, n3, n3).

    Entry (b, i, j) is the derivative of output i by logit j, for sample b::

        a_i (1 - a_i)    if i = j
        -a_i a_j         if i != j

    >>> da3_dz3(np.array([[0.5], [0.25], [0.25]]))[0]
    array([[ 0.25  , -0.125 , -0.125 ],
           [-0.125 ,  0.1875, -0.0625],
           [-0.125 , -0.0625,  0.1875]])
    """
    a_i = a3.T[:, :, np.newaxis]  # (B, n3, 1): varies down the rows
    a_j = a3.T[:, np.newaxis, :]  # (B, 1, n3): varies along the columns
    i_equals_j = np.eye(len(a3), dtype=bool)
    return np.where(i_equals_j, a_i * (1.0 - a_i), -a_i * a_j)


def dL_dz3(dL_da3: Array, da3_dz3: Array) -> Array:
    """Return ``dL/dz3_j = sum_i dL/da3_i da3_i/dz3_j``, of shape (n3, B).

    The sum runs over both cases, i = j and i != j. For each sample this is ``J dL/da3``, because
    the Jacobian J is symmetric.
    """
    summed_over_i: Array = np.einsum("ib,bij->jb", dL_da3, da3_dz3)
    return summed_over_i


def dL_dW(dL_dz: Array, a: Array) -> Array:
    """Return ``dL/dW = dL/dz a^T`` for ``z = W a``: outer products, summed over the batch.

    The source writes ``dz3/dW3 = a2``. In full, ``dz3_i/dW3_km`` is ``a2_m`` if i = k and 0
    otherwise; contracted with dL/dz3 that leaves the outer product.
    """
    return dL_dz @ a.T


def dL_da(dL_dz: Array, W: Array) -> Array:
    """Return ``dL/da = W^T dL/dz`` for ``z = W a``."""
    return W.T @ dL_dz


def da_dz(a: Array) -> Array:
    """Return ``da/dz = a (1 - a)``, elementwise, for ``a = sigmoid(z)``.

    As a matrix this is a diagonal: each a_i depends on its own z_i alone.
    """
    return a * (1.0 - a)


def dL_dz(dL_da: Array, da_dz: Array) -> Array:
    """Return ``dL/dz = dL/da * da/dz``, elementwise, for ``a = sigmoid(z)``."""
    return dL_da * da_dz


# ---- The whole chain ----

Factor = Callable[..., Array]

# Each line: a name, the function that gives it, and the names it is worked out from.
CHAIN: tuple[tuple[str, Factor, tuple[str, ...]], ...] = (
    ("dL/da3", dL_da3, ("y", "y_hat")),
    ("da3/dz3", da3_dz3, ("y_hat",)),
    ("dL/dz3", dL_dz3, ("dL/da3", "da3/dz3")),
    ("dL/dW3", dL_dW, ("dL/dz3", "a2")),
    ("dL/da2", dL_da, ("dL/dz3", "W3")),
    ("da2/dz2", da_dz, ("a2",)),
    ("dL/dz2", dL_dz, ("dL/da2", "da2/dz2")),
    ("dL/dW2", dL_dW, ("dL/dz2", "a1")),
    ("dL/da1", dL_da, ("dL/dz2", "W2")),
    ("da1/dz1", da_dz, ("a1",)),
    ("dL/dz1", dL_dz, ("dL/da1", "da1/dz1")),
    ("dL/dW1", dL_dW, ("dL/dz1", "x")),
)


def gradients(problem: Problem, replaced: Mapping[str, Factor] | None = None) -> dict[str, Array]:
    """Return every factor and gradient, by its name in `CHAIN`, in the order of the source.

    Each has the shape of what it is a derivative by, except "da3/dz3", which is (B, n3, n3). A
    factor that is replaced by another function shows what follows from it.
    """
    known = vars(problem) | forward(problem)
    for name, factor, needed in CHAIN:
        factor = (replaced or {}).get(name, factor)
        known[name] = factor(*(known[other] for other in needed))
    return {name: known[name] for name, _, _ in CHAIN}
