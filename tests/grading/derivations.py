"""The worked problem derived by hand, and slips in it: plain NumPy, without the catalogue."""

from types import SimpleNamespace

import numpy as np

from tinygrad_bp.worked_problem.problem import random_problem


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def jacobians(a):
    """The softmax Jacobian of every column."""
    return [np.diag(column) - np.outer(column, column) for column in a.T]


def by_column(matrices, g):
    return np.stack([J @ column for J, column in zip(matrices, g.T, strict=True)], axis=1)


def diagonal(a):
    return [np.diag(np.diag(J)) for J in jacobians(a)]


def off_diagonal(a):
    return [J - np.diag(np.diag(J)) for J in jacobians(a)]


#: Each line, from the quantities q and the gradients d so far.
LINES = {
    "y_hat": lambda q, d: -2 * (q.y - q.y_hat),
    "z3": lambda q, d: by_column(jacobians(q.y_hat), d["y_hat"]),
    "W3": lambda q, d: d["z3"] @ q.a2.T,
    "a2": lambda q, d: q.W3.T @ d["z3"],
    "z2": lambda q, d: d["a2"] * q.a2 * (1 - q.a2),
    "W2": lambda q, d: d["z2"] @ q.a1.T,
    "a1": lambda q, d: q.W2.T @ d["z2"],
    "z1": lambda q, d: d["a1"] * q.a1 * (1 - q.a1),
    "W1": lambda q, d: d["z1"] @ q.x.T,
    "x": lambda q, d: q.W1.T @ d["z1"],
}

#: A point at which every product fits, so that a missing transpose gives numbers; three samples.
SQUARE = vars(random_problem(sizes=(4, 4, 4, 4), batch=3, seed=3))

#: Distinct widths and seven samples.
BATCH = vars(random_problem(sizes=(4, 5, 6, 3), batch=7, seed=4))

WEIGHTS = {"W3": ("z3", "a2", "a1"), "W2": ("z2", "a1", "x"), "W1": ("z1", "x", "a2")}
ACTIVATIONS = {"a2": ("W3", "z3", "W2"), "a1": ("W2", "z2", "W3"), "x": ("W1", "z1", "W2")}
SIGMOIDS = {"z2": ("a2", "a1"), "z1": ("a1", "a2")}


def slips():
    """Every slip: the line, the name it should get, its wrong text, and a point that shows it."""
    for line, right in LINES.items():
        yield line, "wrong-sign", lambda q, d, f=right: -f(q, d), None
        yield line, "lost-factor-2", lambda q, d, f=right: f(q, d) / 2, None
        yield line, "extra-factor-2", lambda q, d, f=right: 2 * f(q, d), None
        yield line, "mean-for-sum", lambda q, d, f=right: f(q, d) / q.x.shape[1], BATCH
        yield line, "sum-for-mean", lambda q, d, f=right: f(q, d) * q.x.shape[1], BATCH
        if line not in WEIGHTS:
            yield line, "flattened-gradient", lambda q, d, f=right: f(q, d)[:, 0], None

    yield "z3", "softmax-diagonal", lambda q, d: q.y_hat * (1 - q.y_hat) * d["y_hat"], None
    yield "z3", "softmax-diagonal", lambda q, d: by_column(diagonal(q.y_hat), d["y_hat"]), BATCH
    yield (
        "z3",
        "softmax-off-diagonal",
        lambda q, d: by_column(off_diagonal(q.y_hat), d["y_hat"]),
        None,
    )
    yield (
        "z3",
        "softmax-wrong-sign",
        lambda q, d: (
            by_column(diagonal(q.y_hat), d["y_hat"]) - by_column(off_diagonal(q.y_hat), d["y_hat"])
        ),
        None,
    )
    yield "z3", "softmax-lost-square", lambda q, d: q.y_hat * d["y_hat"], None
    yield (
        "z3",
        "softmax-at-pre-activation",
        lambda q, d: by_column([np.diag(z) - np.outer(z, z) for z in q.z3.T], d["y_hat"]),
        None,
    )
    yield "z3", "cross-entropy-shortcut", lambda q, d: q.y_hat - q.y, None
    yield "z3", "cross-entropy-shortcut", lambda q, d: q.y_hat - q.y, BATCH
    yield "z3", "missing-softmax-derivative", lambda q, d: d["y_hat"], None
    yield "y_hat", "exponent-not-lowered", lambda q, d: -2 * (q.y - q.y_hat) ** 2, None
    yield "y_hat", "mean-over-everything", lambda q, d: -2 * (q.y - q.y_hat) / q.y.size, None

    for line, (a, other) in SIGMOIDS.items():
        up = a
        for name, slope in {
            "missing-sigmoid-derivative": lambda z, a: 1.0,
            "sigmoid-derivative-at-pre-activation": lambda z, a: z * (1 - z),
            "sigmoid-derivative-of-activation": lambda z, a: sigmoid(a) * (1 - sigmoid(a)),
            "squared-sigmoid-derivative": lambda z, a: a**2 * (1 - a) ** 2,
            "activation-for-derivative": lambda z, a: a,
            "lost-activation-factor": lambda z, a: 1 - a,
            "sigmoid-wrong-sign": lambda z, a: a * (1 + a),
            "tanh-derivative": lambda z, a: 1 - a**2,
        }.items():
            yield (
                line,
                name,
                lambda q, d, s=slope, z=line, a=a: d[a] * s(getattr(q, z), getattr(q, a)),
                None,
            )
        yield (
            line,
            "sigmoid-derivative-of-wrong-layer",
            lambda q, d, up=up, o=other: d[up] * getattr(q, o) * (1 - getattr(q, o)),
            SQUARE,
        )
        for product in (
            lambda g, s: g @ s.T,
            lambda g, s: g.T @ s,
            lambda g, s: s @ g.T,
            lambda g, s: s.T @ g,
        ):
            yield (
                line,
                "matrix-for-elementwise-product",
                lambda q, d, up=up, a=a, p=product: p(d[up], getattr(q, a) * (1 - getattr(q, a))),
                None,
            )

        yield (
            line,
            "sum-for-product",
            lambda q, d, up=up, a=a: d[up] + getattr(q, a) * (1 - getattr(q, a)),
            None,
        )
    yield (
        "a2",
        "gradient-of-next-step",
        lambda q, d: LINES["z2"](q, {"a2": LINES["a2"](q, d)}),
        None,
    )
    yield (
        "a1",
        "gradient-of-next-step",
        lambda q, d: LINES["z1"](q, {"a1": LINES["a1"](q, d)}),
        None,
    )

    for line, (g, factor, other) in WEIGHTS.items():
        yield (
            line,
            "transposed-outer-product",
            lambda q, d, g=g, f=factor: getattr(q, f) @ d[g].T,
            None,
        )
        yield (
            line,
            "wrong-activation",
            lambda q, d, g=g, o=other: d[g] @ getattr(q, o).T,
            None,
        )
        yield line, "wrong-activation", lambda q, d, g=g, o=other: d[g] @ getattr(q, o).T, SQUARE
        yield (
            line,
            "missing-batch-sum",
            lambda q, d, g=g, f=factor: d[g].T[:, :, None] * getattr(q, f).T[:, None, :],
            BATCH,
        )
        yield (
            line,
            "one-sample-only",
            lambda q, d, g=g, f=factor: np.outer(d[g][:, -1], getattr(q, f)[:, -1]),
            BATCH,
        )
        yield (
            line,
            "one-sample-only",
            lambda q, d, g=g, f=factor: np.outer(d[g][:, 0], getattr(q, f)[:, 0]),
            BATCH,
        )
    for line, factor in {"W3": "z2", "W2": "z1"}.items():  # the pre-activation for the activation
        g = line.replace("W", "z")
        yield (
            line,
            "wrong-activation",
            lambda q, d, g=g, f=factor: d[g] @ getattr(q, f).T,
            None,
        )
    for line, g, factor in [("W3", "y_hat", "a2"), ("W2", "a2", "a1"), ("W1", "a1", "x")]:
        yield line, "wrong-upstream", lambda q, d, g=g, f=factor: d[g] @ getattr(q, f).T, None
    yield "W2", "wrong-upstream", lambda q, d: d["z3"] @ q.a1.T, None  # and the wrong shape
    yield "a1", "wrong-upstream", lambda q, d: q.W2.T @ d["a2"], None
    yield "a2", "wrong-upstream", lambda q, d: q.W3.T @ d["y_hat"], None

    for line, (W, g, other) in ACTIVATIONS.items():
        yield line, "missing-transpose", lambda q, d, W=W, g=g: getattr(q, W) @ d[g], SQUARE
        yield line, "transposed-result", lambda q, d, W=W, g=g: d[g].T @ getattr(q, W), None
        yield line, "wrong-weights", lambda q, d, W=other, g=g: getattr(q, W).T @ d[g], SQUARE
        yield (
            line,
            "elementwise-for-matrix-product",
            lambda q, d, W=W, g=g: getattr(q, W) * d[g],
            None,
        )


QUANTITIES = ("W1", "W2", "W3", "x", "y", "z1", "a1", "z2", "a2", "z3", "y_hat")


def derivation(wrong=None, answer=tuple(LINES)):
    """Return a derivation with some lines replaced, which answers some quantities.

    A line that cannot be computed from what a wrong one gave is left out.
    """
    texts = LINES | (wrong or {})

    def derive(W1, W2, W3, x, y, z1, a1, z2, a2, z3, y_hat):
        q, d = SimpleNamespace(**locals()), {}
        for line, text in texts.items():
            try:
                d[line] = text(q, d)
            except (ValueError, KeyError):
                if line in (wrong or {}):
                    raise
        return {f"d{line}": d[line] for line in answer if line in d}

    return derive
