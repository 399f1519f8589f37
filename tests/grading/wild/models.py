"""Larger models: attention, word vectors, logistic and softmax regression, an autoencoder."""

import numpy as np

import tinygrad_bp as bp

from .case import Case

rng = np.random.default_rng(23)
normal = rng.standard_normal


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


# ---- attention, as a layer ----


def attention(X, Wq, Wk, Wv):
    Q, K, V = (X @ Wq).named("Q"), (X @ Wk).named("K"), (X @ Wv).named("V")
    S = (Q @ K.T / 2.0).named("S")
    return bp.softmax(S, axis=1).named("A") @ V


ATTENTION = {"X": normal((5, 6)), **{name: normal((6, 4)) for name in ("Wq", "Wk", "Wv")}}


def attention_backward(dout, X, Q, K, V, A, Wq, Wk, Wv):
    dV, dA = A.T @ dout, dout @ V.T
    dS = A * (dA - (dA * A).sum(1, keepdims=True))
    dQ, dK = dS @ K / 2, dS.T @ Q / 2
    dX = dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T
    return {"dX": dX, "dWq": X.T @ dQ, "dWk": X.T @ dK, "dWv": X.T @ dV}


def attention_without_the_softmax(dout, X, Q, K, V, A, Wq, Wk, Wv):
    dV, dA = A.T @ dout, dout @ V.T
    dS = dA
    dQ, dK = dS @ K / 2, dS.T @ Q / 2
    dX = dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T
    return {"A": dA, "S": dS, "X": dX, "Wq": X.T @ dQ, "Wk": X.T @ dK, "Wv": X.T @ dV}


def attention_with_one_path_to_x(dout, X, Q, K, V, A, Wq, Wk, Wv):
    right = attention_backward(dout, X, Q, K, V, A, Wq, Wk, Wv)
    dV = A.T @ dout
    return right | {"V": dV, "dX": dV @ Wv.T}


def attention_with_a_transpose_missing(dout, X, Q, K, V, A, Wq, Wk, Wv):
    dV, dA = A @ dout, dout @ V.T
    dS = A * (dA - (dA * A).sum(1, keepdims=True))
    dQ, dK = dS @ K / 2, dS.T @ Q / 2
    dX = dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T
    return {"dV": dV, "dX": dX, "dWq": X.T @ dQ, "dWk": X.T @ dK, "dWv": X.T @ dV}


# ---- skip-gram word vectors with a full softmax ----


def skip_gram(E, U, word, context):
    v = E[word.data].named("v")
    return bp.cross_entropy((v @ U).named("scores"), context.data).named("L")


WORDS = {"E": normal((7, 3)), "U": normal((3, 7)), "word": [2, 5, 2, 0], "context": [1, 1, 4, 6]}


def word_vectors(E, U, word, context, v, scores):
    d = softmax(scores)
    d[np.arange(4), context] -= 1
    d /= 4
    dE = np.zeros_like(E)
    np.add.at(dE, word, d @ U.T)
    return {"E": dE, "U": v.T @ d}


def word_vectors_without_repeats(E, U, word, context, v, scores):
    d = softmax(scores)
    d[np.arange(4), context] -= 1
    d /= 4
    dE = np.zeros_like(E)
    dE[word] += d @ U.T
    return {"scores": d, "v": d @ U.T, "E": dE, "U": v.T @ d}


# ---- logistic regression, columns ----


def logistic(w, b, X, Y):
    return bp.binary_cross_entropy_with_logits((w.T @ X + b).named("z"), Y).named("L")


LOGISTIC = {
    "w": normal((3, 1)),
    "b": np.float64(0.3),
    "X": normal((3, 8)),
    "Y": rng.uniform(size=(1, 8)).round(),
}


def propagate(w, b, X, Y, z):
    m = X.shape[1]
    A = 1 / (1 + np.exp(-z))
    dw = np.dot(X, (A - Y).T) / m
    db = np.sum(A - Y) / m
    cost = 0.0
    grads = {"dw": dw, "db": db}
    return grads, cost


def propagate_with_the_wrong_sign(w, b, X, Y, z):
    A = 1 / (1 + np.exp(-z))
    return {"dz": (Y - A) / 8, "dw": np.dot(X, (Y - A).T) / 8, "db": np.sum(Y - A) / 8}


def propagate_without_the_mean(w, b, X, Y, z):
    A = 1 / (1 + np.exp(-z))
    return {"dz": A - Y, "dw": np.dot(X, (A - Y).T), "db": np.sum(A - Y)}


# ---- an autoencoder with tied weights, a recorded loss ----

W, x = bp.tensor(normal((3, 5)), requires_grad=True, name="W"), bp.tensor(normal((5, 4)), name="x")
h = bp.tanh(W @ x).named("h")
TIED = bp.square_sum((W.T @ h).named("r") - x).named("L")


def tied(W, x, h, r):
    dr = 2 * (r - x)
    dz = W @ dr * (1 - h**2)
    return h @ dr.T + dz @ x.T


def tied_with_one_use_alone(W, x, h, r):
    dr = 2 * (r - x)
    dz = W @ dr * (1 - h**2)
    return {"r": dr, "h": W @ dr, "W": dz @ x.T}


CASES = [
    Case(attention_backward, attention, ATTENTION),
    Case(word_vectors, skip_gram, WORDS),
    Case(propagate, logistic, LOGISTIC),
    Case(tied, TIED),
    Case(attention_without_the_softmax, attention, ATTENTION, "S", "missing-softmax-derivative"),
    Case(attention_with_one_path_to_x, attention, ATTENTION, "X"),
    Case(attention_with_a_transpose_missing, attention, ATTENTION, "V", "missing-transpose"),
    Case(word_vectors_without_repeats, skip_gram, WORDS, "E"),
    Case(propagate_with_the_wrong_sign, logistic, LOGISTIC, "z", "wrong-sign"),
    Case(propagate_without_the_mean, logistic, LOGISTIC, "z", "sum-for-mean"),
    Case(tied_with_one_use_alone, TIED, None, "W", "overwritten-contribution"),
]
