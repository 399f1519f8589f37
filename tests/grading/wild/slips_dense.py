"""Networks of dense layers: of the course with m samples in columns, and of samples in rows."""

import numpy as np

import tinygrad_bp as bp

from .slip import Wild, with_slip

rng = np.random.default_rng(32)
normal = rng.standard_normal


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# ---- a sigmoid and its cross-entropy, the mean over m columns ----


def course(W1, b1, W2, b2, X, Y):
    A1 = bp.tanh((W1 @ X + b1).named("Z1")).named("A1")
    return bp.binary_cross_entropy_with_logits((W2 @ A1 + b2).named("Z2"), Y).named("J")


COURSE = {
    "W1": normal((4, 2)),
    "b1": normal((4, 1)),
    "W2": normal((1, 4)),
    "b2": normal((1, 1)),
    "X": normal((2, 7)),
    "Y": (normal((1, 7)) > 0).astype(float),
}


def course_backward(W2, X, Y, A1, Z2, slip=""):
    m = 1 if slip == "sums" else X.shape[1]
    dZ2 = sigmoid(Z2) - Y
    if slip in ("update", "update of sums"):
        dZ2 = -dZ2
    dW2, db2 = dZ2 @ A1.T / m, dZ2.sum(axis=1, keepdims=True) / m
    dZ1 = W2.T @ dZ2 * (1 - A1**2)
    if slip == "no square":
        dZ1 = W2.T @ dZ2 * (1 - A1)
    dW1, db1 = dZ1 @ X.T / m, dZ1.sum(axis=1, keepdims=True) / m
    if slip == "twice":
        dW2 = dW2 * 2
    if slip == "4/m":
        db1 = 4 * db1
    if slip == "no mean":
        dW1 = dW1 * m
    return {"dZ2": dZ2, "dW2": dW2, "db2": db2, "dZ1": dZ1, "dW1": dW1, "db1": db1}


def course_weights(W2, X, Y, A1, Z2, slip=""):
    d = course_backward(W2, X, Y, A1, Z2, slip)
    return {name: d[name] for name in ("dW2", "db2", "dW1", "db1")}


# ---- the mean of squares over samples and outputs ----


def regression(W1, b1, W2, b2, x, y):
    h = bp.relu((x @ W1 + b1).named("z")).named("h")
    return bp.mean((h @ W2 + b2 - y) ** 2).named("L")


REGRESSION = {
    "W1": normal((2, 5)),
    "b1": normal((1, 5)),
    "W2": normal((5, 3)),
    "b2": normal((1, 3)),
    "x": normal((7, 2)),
    "y": normal((7, 3)),
}


def regression_backward(W2, b2, x, y, z, h, slip=""):
    out = h @ W2 + b2
    d = 2 * (out - y) / y.size
    if slip == "mean over samples":
        d = (out - y) / len(y)
    if slip == "clipped":
        dz = d @ W2.T * np.minimum(np.maximum(h, 0), 1)
    elif slip == "plus":
        dz = d @ W2.T + (z > 0)
    elif slip == "no relu, update":
        d = -d
        dz = d @ W2.T
    else:
        dz = d @ W2.T * (z > 0)
    if slip == "flat":
        return {"W2": h.T @ d, "b2": d.sum(0), "W1": x.T @ dz, "b1": dz.sum(0)}
    if slip == "flat, twice":
        return {"W2": h.T @ d, "b2": d.sum(0), "W1": 2 * x.T @ dz, "b1": dz.sum(0)}
    keep = {"axis": 0, "keepdims": True}
    return {"W2": h.T @ d, "b2": d.sum(**keep), "W1": x.T @ dz, "b1": dz.sum(**keep)}


def changed_in_place(W2, b2, x, y, z, h, slip=""):
    """The gradient of h is cut in place, and so is no longer what it was."""
    d = 2 * (h @ W2 + b2 - y) / y.size
    dh = d @ W2.T
    dz = dh
    dz *= z > 0
    keep = {"axis": 0, "keepdims": True}
    return {
        "h": dh,
        "z": dz,
        "W2": h.T @ d,
        "b2": d.sum(**keep),
        "W1": x.T @ dz,
        "b1": dz.sum(**keep),
    }


# ---- one layer: as a linear regression, with a penalty ----


def ridge(W, b, x, y):
    error = bp.square_sum((W @ x + b).named("z") - y) / 5.0
    return (error + 0.3 * bp.square_sum(W)).named("L")


RIDGE = {"W": normal((2, 3)), "b": normal((2, 1)), "x": normal((3, 5)), "y": normal((2, 5))}


def ridge_backward(W, x, y, z, slip=""):
    d = 2 * (z - y) / 5
    decay = {"half": 0.3, "doubled": 1.2, "none": 0.0}.get(slip, 0.6) * W
    dW, db = d @ x.T + decay, d.sum(axis=1, keepdims=True)
    if slip == "update, not summed":
        return {"W": -(d @ x.T + decay), "b": -d}
    if slip == "sum":
        return {"W": 5 * d @ x.T + decay, "b": 5 * db}
    return {"W": dW, "b": db}


# ---- a sigmoid under the squared error, one sample a time ----


def squares(W1, W2, x, y):
    a = bp.sigmoid((W1 @ x).named("z1")).named("a1")
    p = bp.sigmoid((W2 @ a).named("z2")).named("p")
    return bp.square_sum(p - y).named("L")


SQUARES = {"W1": normal((4, 3)), "W2": normal((2, 4)), "x": normal((3, 1)), "y": normal((2, 1))}


def squares_backward(W2, x, y, a1, p, slip=""):
    d2 = 2 * (p - y) * p * (1 - p)
    if slip == "cross-entropy":
        d2 = p - y
    if slip in ("update", "update, of a"):
        d2 = -d2
    d1 = W2.T @ d2 * a1 * (1 - a1)
    if slip == "update, of a":
        d1 = W2.T @ d2 * sigmoid(a1) * (1 - sigmoid(a1))
    dW2 = d2 @ a1.T
    if slip == "inner":
        dW2 = d2.ravel() @ np.ones((2, 4)) * a1.ravel()
    return {"W2": dW2, "W1": d1 @ x.T}


def wild(label, problem, inputs, backward, slip="", line=None, *mistakes, remark=""):
    return Wild(label, problem, inputs, with_slip(backward, slip), line, mistakes, remark)


SUBMISSIONS = [
    wild("course", course, COURSE, course_backward, remark="per sample"),
    wild("course, weights", course, COURSE, course_weights),
    *(
        wild(f"course at {line}, {slip}", course, COURSE, backward, slip, line, *names)
        for backward, slip, line, *names in [
            (course_backward, "twice", "W2", "extra-factor-2"),
            (course_backward, "no square", "Z1", "tanh-lost-square"),
            (course_backward, "4/m", "b1"),
            (course_backward, "no mean", "W1", "sum-for-mean"),
            (course_weights, "update", "b2", "wrong-sign"),
            (course_weights, "sums", "b2", "sum-for-mean"),
            (course_backward, "sums", "Z2", "sum-for-mean"),
            (course_backward, "update", "Z2", "wrong-sign"),
        ]
    ),
    wild("regression", regression, REGRESSION, regression_backward),
    wild(
        "regression, flat", regression, REGRESSION, regression_backward, "flat", remark="broadcasts"
    ),
    *(
        wild(f"regression, {slip}", regression, REGRESSION, backward, slip, line, *names)
        for backward, slip, line, *names in [
            (regression_backward, "mean over samples", "b2", "constant-factor"),
            (regression_backward, "clipped", "b1", "clipped-activation-for-derivative"),
            (regression_backward, "plus", "b1", "sum-for-product"),
            (regression_backward, "no relu, update", "b2", "wrong-sign"),
            (regression_backward, "flat, twice", "W1", "extra-factor-2"),
            (changed_in_place, "in place", "h", "gradient-of-next-step"),
        ]
    ),
    wild("ridge", ridge, RIDGE, ridge_backward),
    *(
        wild(f"ridge, {slip}", ridge, RIDGE, ridge_backward, slip, line, *names)
        for slip, line, *names in [
            ("half", "W", "lost-factor-2"),
            ("doubled", "W", "penalty-doubled"),
            ("none", "W", "penalty-left-out"),
            ("update, not summed", "b", "broadcast-not-summed", "wrong-sign"),
            ("sum", "b", "sum-for-mean"),
        ]
    ),
    wild("squares", squares, SQUARES, squares_backward),
    *(
        wild(f"squares, {slip}", squares, SQUARES, squares_backward, slip, line, *names)
        for slip, line, *names in [
            ("cross-entropy", "W2", "cross-entropy-shortcut"),
            ("update", "W2", "wrong-sign"),
            ("update, of a", "W2", "wrong-sign"),
        ]
    ),
]
