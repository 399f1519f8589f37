"""Dense networks: rows and columns, one sample and a batch, and what their authors return."""

import numpy as np

import tinygrad_bp as bp

from .case import Case, right

rng = np.random.default_rng(21)
normal = rng.standard_normal


# ---- rows are samples: relu, softmax, the mean cross-entropy ----


def rows(X, T, W1, b1, W2, b2):
    h = bp.relu((X @ W1 + b1).named("z1")).named("h")
    return bp.cross_entropy((h @ W2 + b2).named("z2"), T).named("L")


ROWS = {
    "X": normal((6, 4)),
    "T": np.eye(3)[[0, 1, 2, 2, 1, 0]],
    "W1": normal((4, 5)),
    "b1": normal(5),
    "W2": normal((5, 3)),
    "b2": normal(3),
}


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def returns_a_mapping(X, T, h, z2, W2):
    d2 = (softmax(z2) - T) / len(X)
    d1 = d2 @ W2.T * (h > 0)
    return {"dW1": X.T @ d1, "db1": d1.sum(0), "dW2": h.T @ d2, "db2": d2.sum(0)}


def returns_a_tuple_by_its_names(X, T, h, z2, W2):
    d2 = (softmax(z2) - T) / len(X)
    dW2 = h.T @ d2
    db2 = d2.sum(0)
    d1 = d2 @ W2.T * (h > 0)
    return dW2, db2, X.T @ d1 @ np.eye(5), d1.sum(0)


def returns_loss_and_gradients(X, T, h, z2, W2):
    d2 = (softmax(z2) - T) / len(X)
    d1 = d2 @ W2.T * (h > 0)
    loss = -np.log((softmax(z2) * T).sum(1)).mean()
    return loss, {"W1_grad": X.T @ d1, "b1_grad": d1.sum(0), "gW2": h.T @ d2, "nabla_b2": d2.sum(0)}


def returns_nested_mappings(x, t, h, z2, w2):
    d2 = (softmax(z2) - t) / len(x)
    d1 = d2 @ w2.T * (h > 0)
    return {
        "loss": 1.0,
        "layer1": {"W": x.T @ d1, "b": d1.sum(0)},
        "layer2": {"W": h.T @ d2, "b": d2.sum(0)},
    }


def returns_lists_by_letter(X, T, h, z2, W2):
    d2 = (softmax(z2) - T) / len(X)
    d1 = d2 @ W2.T * (h > 0)
    return {"dW": [X.T @ d1, h.T @ d2], "db": [None, d1.sum(0), d2.sum(0)]}


def loops_over_samples(X, T, h, z2, W2):
    grads = {"W1": 0, "b1": 0, "W2": 0, "b2": 0}
    p = softmax(z2)
    for i in range(len(X)):
        d2 = (p[i] - T[i]) / len(X)
        d1 = (W2 @ d2) * (h[i] > 0)
        grads["W2"] = grads["W2"] + np.outer(h[i], d2)
        grads["b2"] = grads["b2"] + d2
        grads["W1"] = grads["W1"] + np.outer(X[i], d1)
        grads["b1"] = grads["b1"] + d1
    return grads


class Network:
    """Weights of its own at first, a forward pass that remembers, gradients as attributes."""

    def __init__(self, hidden=5):
        self.W1, self.b1 = np.zeros((4, hidden)), np.zeros(hidden)
        self.W2, self.b2 = np.zeros((hidden, 3)), np.zeros(3)

    def forward(self, X):
        self.X, self.hidden = X, np.maximum(X @ self.W1 + self.b1, 0)
        self.p = softmax(self.hidden @ self.W2 + self.b2)
        return self.p

    def backward(self, T):
        d2 = (self.p - T) / len(T)
        self.dW2, self.db2 = self.hidden.T @ d2, d2.sum(0)
        d1 = d2 @ self.W2.T * (self.hidden > 0)
        self.dW1, self.db1 = self.X.T @ d1, d1.sum(0)


def forgets_the_relu(X, T, h, z2, W2):
    d2 = (softmax(z2) - T) / len(X)
    d1 = d2 @ W2.T
    return {"dz1": d1, "dW1": X.T @ d1, "db1": d1.sum(0), "dW2": h.T @ d2, "db2": d2.sum(0)}


def forgets_a_bias(X, T, h, z2, W2):
    d2 = (softmax(z2) - T) / len(X)
    d1 = d2 @ W2.T * (h > 0)
    return {"dW1": X.T @ d1, "dW2": h.T @ d2, "db2": d2.sum(0)}


def takes_the_mean_for_a_bias(X, T, h, z2, W2):
    d2 = (softmax(z2) - T) / len(X)
    d1 = d2 @ W2.T * (h > 0)
    return {"dz2": d2, "dW1": X.T @ d1, "db1": d1.mean(0), "dW2": h.T @ d2, "db2": d2.sum(0)}


def updates_with_the_inputs_of_another_layer(X, T, h, z2, W2):
    d2 = (softmax(z2) - T) / len(X)
    d1 = d2 @ W2.T * (h > 0)
    return {"dz1": d1, "dW1": h.T @ d1, "db1": d1.sum(0), "dW2": h.T @ d2, "db2": d2.sum(0)}


# ---- columns are samples: two sigmoids, half a mean square ----


def columns(x, y, W1, b1, W2, b2):
    a1 = bp.sigmoid((W1 @ x + b1).named("z1")).named("a1")
    a2 = bp.sigmoid((W2 @ a1 + b2).named("z2")).named("a2")
    return (0.5 * bp.square_sum(a2 - y) / 7.0).named("L")


COLUMNS = {
    "x": normal((3, 7)),
    "y": rng.uniform(0.1, 0.9, (2, 7)),
    "W1": normal((4, 3)),
    "b1": normal((4, 1)),
    "W2": normal((2, 4)),
    "b2": normal((2, 1)),
}


def course_notation(x, y, a1, a2, W2):
    m = x.shape[1]
    d2 = (a2 - y) * a2 * (1 - a2)
    d1 = W2.T @ d2 * a1 * (1 - a1)
    dW1, db1 = d1 @ x.T / m, d1.sum(axis=1, keepdims=True) / m
    dW2, db2 = d2 @ a1.T / m, d2.sum(axis=1, keepdims=True) / m
    return dW1, db1, dW2, db2


def slope_of_an_activation(x, y, a1, a2, W2):
    def slope(z):
        s = 1 / (1 + np.exp(-z))
        return s * (1 - s)

    d2 = (a2 - y) * slope(a2) / 7
    d1 = W2.T @ d2 * a1 * (1 - a1)
    b1, b2 = d1.sum(axis=1, keepdims=True), d2.sum(axis=1, keepdims=True)
    return {"z2": d2, "W2": d2 @ a1.T, "b2": b2, "W1": d1 @ x.T, "b1": b1}


def bias_of_one_sample(x, y, a1, a2, W2):
    d2 = (a2 - y) * a2 * (1 - a2) / 7
    d1 = W2.T @ d2 * a1 * (1 - a1)
    b1, b2 = d1.sum(axis=1, keepdims=True), d2[:, -1:]
    return {"z2": d2, "W2": d2 @ a1.T, "b2": b2, "z1": d1, "W1": d1 @ x.T, "b1": b1}


# ---- one sample, vectors ----


def vectors(x, y, w, V):
    h = bp.tanh((V @ x).named("a")).named("h")
    return (bp.square((w * h).sum() - y)).named("L")


VECTORS = {"x": normal(4), "y": np.float64(0.7), "w": normal(3), "V": normal((3, 4))}


def outer_products(x, y, w, h):
    error = 2 * (w @ h - y)
    return {"w": error * h, "V": np.outer(error * w * (1 - h**2), x)}


def lost_square_of_tanh(x, y, w, h):
    error = 2 * (w @ h - y)
    da = error * w * (1 - h)
    return {"w": error * h, "a": da, "V": np.outer(da, x)}


CASES = [
    *right(
        rows,
        ROWS,
        returns_a_mapping,
        returns_loss_and_gradients,
        returns_nested_mappings,
        returns_lists_by_letter,
        loops_over_samples,
        Network,
    ),
    Case(returns_a_tuple_by_its_names, rows, ROWS, returns=("W2", "b2", "W1", "b1")),
    *right(columns, COLUMNS, course_notation),
    *right(vectors, VECTORS, outer_products),
    Case(forgets_the_relu, rows, ROWS, "z1", "missing-relu-derivative"),
    Case(forgets_a_bias, rows, ROWS, "b1"),
    Case(takes_the_mean_for_a_bias, rows, ROWS, "b1", "mean-for-sum"),
    Case(updates_with_the_inputs_of_another_layer, rows, ROWS, "W1"),
    Case(slope_of_an_activation, columns, COLUMNS, "z2", "sigmoid-derivative-of-activation"),
    Case(bias_of_one_sample, columns, COLUMNS, "b2", "one-sample-only"),
    Case(lost_square_of_tanh, vectors, VECTORS, "a", "tanh-lost-square"),
]
