"""L and its gradients: written by tinygrad_bp from a recorded computation."""

import numpy as np


def sigmoid(z):
    """Return 1 / (1 + exp(-z)), computed as e / (1 + e) with e = exp(z)."""
    e = np.exp(np.minimum(z, 80.0))
    return e / (1.0 + e)


def softmax(z, axis=-1):
    """Return exp(z) / sum(exp(z)) along an axis: positive numbers that sum to 1."""
    if z.dtype.kind != 'f':
        z = z.astype(float)
    e = np.exp(z - z.max(axis=axis, keepdims=True, initial=-np.inf))
    return e / e.sum(axis=axis, keepdims=True)


def square_sum(a):
    """Return the sum of the squares of all entries: the product of a, made flat, with itself."""
    if a.dtype.kind != 'f':
        a = a.astype(float)
    return np.vdot(a, a)


def loss_and_gradients(W1, W2, W3, x, y):
    """Return L, and its gradients by name.

    W1 of shape (3, 2)
    W2 of shape (2, 3)
    W3 of shape (3, 2)
    x of shape (2, 1)
    y of shape (3, 1)
    """
    # Forward
    z1 = W1 @ x
    a1 = sigmoid(z1)
    z2 = W2 @ a1
    a2 = sigmoid(z2)
    z3 = W3 @ a2
    y_hat = softmax(z3, axis=0)
    v1 = y - y_hat
    L = square_sum(v1)

    # Backward: the gradient of L by each line above, the latest first
    dL = np.ones_like(L)  # L = square_sum(v1)
    dv1 = 2.0 * dL * v1  # v1 = y - y_hat
    dy_hat = -dv1  # y_hat = softmax(z3, axis=0)
    # z3 = W3 @ a2
    dz3 = y_hat * (dy_hat - np.sum(y_hat * dy_hat, axis=0, keepdims=True))
    dW3 = dz3 @ a2.mT  # W3
    da2 = W3.mT @ dz3  # a2 = sigmoid(z2)
    dz2 = da2 * a2 * (1.0 - a2)  # z2 = W2 @ a1
    dW2 = dz2 @ a1.mT  # W2
    da1 = W2.mT @ dz2  # a1 = sigmoid(z1)
    dz1 = da1 * a1 * (1.0 - a1)  # z1 = W1 @ x
    dW1 = dz1 @ x.mT  # W1
    return L, {"W1": dW1, "W2": dW2, "W3": dW3}
