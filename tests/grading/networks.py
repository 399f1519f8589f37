"""Networks to grade, besides the worked problem, and an example point of each."""

import numpy as np

import tinygrad_bp as bp

rng = np.random.default_rng(11)
normal = rng.standard_normal


def classifier(x, y, W1, b1, W2, b2):
    """Rows are samples: relu, biases, a batch, and the mean cross-entropy."""
    z1 = (x @ W1 + b1).named("z1")
    a1 = bp.relu(z1).named("a1")
    z2 = (a1 @ W2 + b2).named("z2")
    return bp.cross_entropy(z2, y).named("L")


CLASSIFIER = {
    "x": normal((7, 4)),
    "y": np.eye(3)[[0, 1, 2, 0, 1, 2, 1]],
    "W1": normal((4, 5)),
    "b1": normal(5),
    "W2": normal((5, 3)),
    "b2": normal(3),
}


def shared(x, y, W):
    """One weight in two layers. Columns are samples."""
    z1 = (W @ x).named("z1")
    h1 = bp.tanh(z1).named("h1")
    z2 = (W @ h1).named("z2")
    h2 = bp.tanh(z2).named("h2")
    return bp.square_sum(h2 - y).named("L")


SHARED = {"x": normal((4, 3)), "y": normal((4, 3)), "W": normal((4, 4))}


def columns(x, y, W1, b1, W2, b2):
    """Columns are samples, and the biases are columns."""
    a1 = bp.leaky_relu((W1 @ x + b1).named("z1"), slope=0.1).named("a1")
    s = bp.log_softmax((W2 @ a1 + b2).named("z2"), axis=0).named("s")
    return (-(y * s).sum() / 6.0).named("L")


COLUMNS = {
    "x": normal((4, 6)),
    "y": rng.uniform(0.2, 2.0, (3, 6)),
    "W1": normal((5, 4)),
    "b1": normal((5, 1)),
    "W2": normal((3, 5)),
    "b2": normal((3, 1)),
}


def elementary(u, v, t):
    """The elementary functions, a row each; u and v are used more than once."""
    e = bp.exp(u).named("e")
    r = bp.sqrt(e + v).named("r")
    q = (r / v).named("q")
    m = (q * u).named("m")
    p = (m**3).named("p")
    k = bp.log(bp.square(p) + 2.0).named("k")
    w = bp.sigmoid(k.mT).named("w")
    o = bp.softmax(w.transpose(1, 0), axis=0).named("o")
    bce = bp.binary_cross_entropy_with_logits(o, t).named("bce")
    return (bce + o.mean() + bp.relu(bp.tanh(m)).sum()).named("L")


ELEMENTARY = {
    "u": normal((3, 4)),
    "v": rng.uniform(0.5, 1.5, (3, 4)),
    "t": rng.uniform(0.1, 0.9, (3, 4)),
}


def deep(x, y, W1, W2, W3):
    """Two relus of the same width, and scalar factors."""
    a1 = bp.relu((x @ W1).named("z1")).named("a1")
    a2 = bp.relu((a1 @ W2).named("z2")).named("a2")
    z3 = (a2 @ W3).named("z3")
    return bp.mean((z3 - y) ** 2).named("L")


DEEP = {
    "x": normal((6, 4)),
    "y": normal((6, 2)),
    "W1": normal((4, 5)),
    "W2": normal((5, 5)),
    "W3": normal((5, 2)),
}


def vectors(x, y, W1, b1, W2):
    """One sample, a vector without a second axis."""
    a1 = bp.sigmoid((W1 @ x + b1).named("z1")).named("a1")
    p = bp.softmax((W2 @ a1).named("z2")).named("p")
    return bp.square_sum(p - y).named("L")


VECTORS = {
    "x": normal(4),
    "y": np.array([0.2, 0.7, 0.1]),
    "W1": normal((5, 4)),
    "b1": normal(5),
    "W2": normal((3, 5)),
}


def functions(u, v):
    """Functions of one entry that have no rows of their own, a name each."""
    h = bp.sin(u).named("h_sin")
    h = bp.cos(h * v).named("h_cos")
    h = bp.elu(h - 0.5).named("h_elu")
    h = bp.gelu(h * v).named("h_gelu")
    h = bp.silu(h + v).named("h_silu")
    h = bp.softplus(h * v).named("h_softplus")
    h = bp.log_sigmoid(h * v).named("h_log_sigmoid")
    h = bp.reciprocal(h - 2.0).named("h_reciprocal")
    return bp.logsumexp(h * v, axis=1).sum().named("L")


FUNCTIONS = {"u": normal((3, 4)), "v": normal((3, 4))}


def convolution(x, K, y):
    """Images, kernels, a relu, and the largest of every four."""
    c = bp.conv2d(x, K, padding=1).named("c")
    a = bp.relu(c).named("a")
    m = bp.max_pool2d(a, 2).named("m")
    return bp.square_sum(m - y).named("L")


CONVOLUTION = {"x": normal((2, 2, 4, 5)), "K": normal((3, 2, 3, 3)), "y": normal((2, 3, 2, 2))}


def sentence(E, words, g, V, y):
    """Words looked up, two of them alike, layer norm, and log p multiplied by a target."""
    e = bp.embedding(E, words).named("e")
    centred = e - e.mean(axis=1, keepdims=True)
    n = (centred / bp.sqrt(e.var(axis=1, keepdims=True) + 1e-5)).named("n")
    p = bp.softmax(((n * g).named("m") @ V).named("z"), axis=1).named("p")
    return (-(y * bp.log(p)).sum() / 4.0).named("L")


SENTENCE = {
    "E": normal((6, 3)),
    "words": np.array([2, 0, 2, 5]),
    "g": normal(3),
    "V": normal((3, 5)),
    "y": np.eye(5)[[1, 0, 4, 2]],
}


def penalised(x, y, W, v, rows):
    """A sigmoid and the squared error, rows that are picked twice, and penalties of each kind."""
    a = bp.sigmoid((x @ W).named("z")).named("a")
    picked = v[rows].named("picked")
    of_W = bp.square_sum(W) + bp.square(W).sum() + (W**4).sum() + abs(W).sum()
    return (bp.square_sum(a * picked - y) + bp.square_sum(a - y) + 0.3 * of_W).named("L")


PENALISED = {
    "x": normal((5, 2)),
    "y": normal((5, 3)),
    "W": normal((2, 3)),
    "v": normal((4, 3)),
    "rows": np.array([0, 3, 0, 1, 3]),
}


def over_time(U, W, f, x1, x2, x3, y):
    """Three steps of one cell, with a gate. Columns are samples."""
    h = np.zeros((3, 4))
    for x in (x1, x2, x3):
        h = bp.tanh(U @ x + W @ h) + bp.sigmoid(f) * h
    return bp.square_sum(h - y).named("L")


OVER_TIME = {
    "U": normal((3, 2)),
    "W": normal((3, 3)),
    "f": normal((3, 1)),
    "x1": normal((2, 4)),
    "x2": normal((2, 4)),
    "x3": normal((2, 4)),
    "y": normal((3, 4)),
}
