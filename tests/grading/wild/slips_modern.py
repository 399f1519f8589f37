"""Parts of later networks: heads, skips, ties, masks, gates, and losses written by hand."""

import numpy as np

import tinygrad_bp as bp

from .slip import Wild, with_slip

rng = np.random.default_rng(77)
normal = rng.standard_normal
CLASSES = np.eye(3)[[0, 1, 2, 1, 0, 2, 2]]
X, Y2, PAIR = normal((7, 4)), normal((7, 2)), normal((5, 4))


def parameters(**shapes):
    return {n: bp.tensor(normal(shape), requires_grad=True) for n, shape in shapes.items()}


def softmax(z, axis=-1):
    e = np.exp(z - z.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


# ---- two heads on one trunk ----


def heads(W, b, U, V, x, y, t):
    h = np.tanh((x @ W + b).named("z")).named("h")
    classes = bp.cross_entropy((h @ U).named("s"), y)
    return (classes + 0.5 * bp.mean(bp.square((h @ V).named("r") - t))).named("L")


HEADS = parameters(W=(4, 6), b=6, U=(6, 3), V=(6, 1)) | {"x": X, "y": CLASSES, "t": Y2[:, :1]}


def heads_backward(W, U, V, x, y, t, h, s, r, slip=""):
    ds, dr = (softmax(s) - y) / 7, (r - t) / 7 * (2 if slip == "no weight" else 1)
    dh = ds @ U.T + dr @ V.T
    if slip == "one head":
        dh = ds @ U.T
    dz = dh * (1 - h**2)
    d = {"s": ds, "r": dr, "U": h.T @ ds, "V": h.T @ dr, "h": dh, "z": dz}
    return d | {"W": x.T @ dz, "b": dz.sum(0)}


# ---- a residual connection, and a bias summed over everything ----


def residual(W, V, b, U, x, y):
    h = bp.relu((x @ W).named("a")).named("h")
    k = (h + bp.relu((h @ V + b).named("q"))).named("k")
    return (bp.square_sum((k @ U).named("o") - y) / len(x)).named("L")


RESIDUAL = {"W": normal((4, 5)), "V": normal((5, 5)), "b": normal(5), "U": normal((5, 2))}
RESIDUAL |= {"x": X, "y": Y2}


def residual_backward(W, V, b, U, x, y, a, h, q, k, o, slip=""):
    do = 2 * (o - y) / (y.size if slip == "all entries" else len(x))
    dk = do @ U.T
    dq = dk * ((a if slip == "other slope" else q) > 0)
    dh = dq @ (V if slip == "no transpose" else V.T) + (0 if slip == "no skip" else dk)
    da = dh * (a > 0)
    d = {"o": do, "k": dk, "U": k.T @ do, "q": dq, "V": h.T @ dq, "h": dh, "W": x.T @ da}
    d["b"] = dq.sum(None if slip.startswith("one number") else 0)
    return d | ({"b": np.full(5, d["b"])} if slip == "one number, repeated" else {})


# ---- tied weights ----


def tied(W, x):
    h = bp.sigmoid((x @ W).named("z")).named("h")
    return (0.5 * bp.square_sum((h @ W.T).named("r") - x)).named("L")


def tied_backward(W, x, h, r, slip=""):
    dr = r - x
    dz = dr @ W * h * (1 - h)
    decoder = -1 if slip == "minus" else slip != "encoder alone"
    return {"r": dr, "z": dz, "W": x.T @ dz + decoder * dr.T @ h}


# ---- dropout with its mask given, and the running statistics of a batch norm ----


def masked(W, V, gamma, mean, var, x, mask, y):
    n = ((x @ W - mean) / np.sqrt(var + 1e-5)).named("n")
    h = bp.relu((gamma * n).named("z")).named("h")
    return bp.cross_entropy(((h * mask / 0.8).named("d") @ V).named("s"), y).named("L")


MASKED = parameters(W=(4, 6), V=(6, 3), gamma=6) | {"x": X, "y": CLASSES, "mean": normal(6)}
MASKED |= {"var": rng.uniform(0.5, 2, 6), "mask": (rng.uniform(size=(7, 6)) < 0.7) * 1.0}
MASKED = {n: v if isinstance(v, bp.Tensor) else bp.tensor(v) for n, v in MASKED.items()}


def masked_backward(W, V, gamma, var, x, mask, y, n, z, h, d, s, slip=""):
    ds = (softmax(s) - y) / 7
    dd = ds @ V.T
    dh = dd / 0.8 if slip == "no mask" else dd * mask * (0.8 if slip == "times p" else 1 / 0.8)
    dz = dh * (z > 0)
    dn = dz if slip == "no gamma" else dz * gamma
    dW = x.T @ (dn / np.sqrt(var + 1e-5))
    dV = (h if slip == "before the mask" else d).T @ ds
    dgamma = (dz * (z if slip == "of z" else n)).sum(0)
    return {"s": ds, "V": dV, "d": dd, "h": dh, "z": dz, "n": dn, "gamma": dgamma, "W": dW}


# ---- a contrastive loss, and attention that does not look ahead ----


def contrast(A, B, x, u):
    p, q = (x @ A).named("p"), (u @ B).named("q")
    return bp.cross_entropy(((p @ q.T) / 0.3).named("s"), np.arange(5)).named("L")


CONTRAST = parameters(A=(4, 3), B=(6, 3)) | {"x": PAIR, "u": normal((5, 6))}


def contrast_backward(x, u, p, q, s, slip=""):
    ds = (softmax(s, 0 if slip == "columns" else 1) - (slip != "no target") * np.eye(5)) / 5
    t = {"no temperature": 1, "times it": 1 / 0.3}.get(slip, 0.3)
    dp, dq = ds @ (p if slip == "own" else q) / t, ds.T @ p / t
    if slip == "no transpose":
        dq = ds @ p / t
    return {"s": ds, "p": dp, "q": dq, "A": x.T @ dp, "B": u.T @ dq}


def causal(Q, K, V, x, mask, y):
    q, k, v = (x @ Q).named("q"), (x @ K).named("k"), (x @ V).named("v")
    a = bp.softmax((q @ k.T / np.sqrt(3) + mask).named("s"), axis=1).named("a")
    return bp.square_sum((a @ v).named("o") - y).named("L")


CAUSAL = parameters(Q=(4, 3), K=(4, 3), V=(4, 2)) | {"x": PAIR, "y": Y2[:5]}
CAUSAL["mask"] = np.triu(np.full((5, 5), -np.inf), 1)
CONTRAST, CAUSAL = (
    {n: v if isinstance(v, bp.Tensor) else bp.tensor(v) for n, v in inputs.items()}
    for inputs in (CONTRAST, CAUSAL)
)


def causal_backward(x, q, k, v, a, o, y, slip=""):
    do = 2 * (o - y)
    da = do @ v.T
    ds = a * (da - (da * a).sum(1, keepdims=True))
    if slip == "diagonal":
        ds = da * a * (1 - a)
    root = 3 if slip == "no root" else np.sqrt(3)
    dq, dk = ds @ (q if slip == "own" else k) / root, ds.T @ q / root
    d = {"o": do, "v": a.T @ do, "a": da, "s": ds, "q": dq, "k": dk}
    return d | {"Q": x.T @ dq, "K": x.T @ dk, "V": x.T @ d["v"]}


# ---- losses by hand: log-softmax, Huber's, hinges, a cosine ----


def by_hand(W, b, x, y):
    z = (x @ W + b).named("z")
    l = (z - np.log(np.exp(z).sum(axis=1, keepdims=True))).named("l")  # noqa: E741
    return (-bp.sum(l * y) / 7).named("L")


BY_HAND = {"W": normal((4, 3)), "b": normal(3), "x": X, "y": CLASSES}


def by_hand_backward(x, y, z, l, slip=""):  # noqa: E741
    dl = y / 7 if slip == "sign" else -y / 7
    total = dl if slip == "not summed" else dl.sum(1, keepdims=True)
    dz = dl - (np.exp(z) if slip == "no denominator" else np.exp(l)) * total
    db = dz.sum(1 if slip == "other axis" else None if slip == "one number" else 0)
    return {"l": dl, "z": dl if slip == "one term" else dz, "W": x.T @ dz, "b": db}


def huber(W, b, x, y):
    e = (x @ W + b - y).named("e")
    a = bp.absolute(e)
    return bp.mean(bp.where(a.data < 1, 0.5 * e * e, a - 0.5)).named("L")


HUBER = {"W": 2 * normal((4, 2)), "b": normal(2), "x": X, "y": Y2}


def huber_backward(x, e, slip=""):
    de = np.where(abs(e) < 1, e, 1.0 if slip == "no sign" else np.sign(e))
    de = (e if slip == "square" else de) / (7 if slip == "samples" else e.size)
    return {"e": de, "W": x.T @ de, "b": de.sum(0)}


def cosine(A, x, u):
    p = (x @ A).named("p")
    n = (p / np.sqrt(bp.sum(p * p, axis=1, keepdims=True))).named("n")
    return (-bp.sum(n * u) / 5).named("L")


COSINE = parameters(A=(4, 3)) | {"x": bp.tensor(PAIR), "u": bp.tensor(normal((5, 3)))}


def cosine_backward(x, u, p, n, slip=""):
    along = n * (n * -u / 5).sum(1, keepdims=True)
    dp = -u / 5 - {"one term": 0, "plus": -1}.get(slip, 1) * along
    dp /= np.sqrt((p * p).sum(1, keepdims=True))
    return {"n": -u / 5, "p": dp, "A": x.T @ dp}


# ---- a convolution of 1 x 1, and a gate ----


def pointwise(K, b, x, y):
    z = (bp.einsum("nchw,kc->nkhw", x, K) + b[:, None, None]).named("z")
    return bp.cross_entropy(bp.mean(bp.relu(z).named("h"), axis=(2, 3)).named("g"), y).named("L")


POINTWISE = {"K": normal((5, 3)), "b": normal(5), "x": normal((4, 3, 2, 6))}
POINTWISE["y"] = np.eye(5)[[0, 3, 4, 1]]


def pointwise_backward(x, y, z, h, g, slip=""):
    dg = (softmax(g) - y) / 4
    dh = dg[:, :, None, None] * np.ones(h.shape) / (1 if slip == "no mean" else 12)
    dz = np.maximum(dh, 0) if slip == "relu" else dh * (z > 0)
    db = dz.sum({"batch": 0, "one number": None}.get(slip, (0, 2, 3)))
    return {"g": dg, "h": dh, "z": dz, "K": np.einsum("nkhw,nchw->kc", dz, x), "b": db}


def gated(A, B, V, x, y):
    a, s = (x @ A).named("a"), bp.sigmoid((x @ B).named("b")).named("s")
    return bp.cross_entropy(bp.max((a * s).named("h"), axis=1).named("p") @ V, y).named("L")


GATED = {"A": normal((4, 5)), "B": normal((4, 5)), "V": normal((5, 3)), "x": normal((7, 6, 4))}
GATED["y"] = CLASSES


def gated_backward(V, x, y, a, s, h, p, slip=""):
    d = (softmax(p @ V) - y) / 7
    dp = d @ V.T
    dh = np.ones(h.shape) * dp[:, None] * (slip == "all" or h == p[:, None])
    da, ds = dh * s, dh * a
    db = ds * s**2 * (1 - s) if slip == "twice" else ds * s * (1 - s)
    sums = [np.einsum("nti,ntj->ij", x, g) for g in (da, db)]
    return {"V": p.T @ d, "p": dp, "h": dh, "a": da, "s": ds, "b": db, "A": sums[0], "B": sums[1]}


def of(name, problem, inputs, backward, *slips):
    """The right one, and those with a slip: each its name, its line and what it is called."""
    yield Wild(name, problem, inputs, backward)
    for slip, line, *names in slips:
        made = with_slip(backward, slip)
        yield Wild(f"{name}, {slip}", problem, inputs, made, line, tuple(names))


SUBMISSIONS = [
    *of(
        *("heads", heads, HEADS, heads_backward),
        ("no weight", "r", "missing-factor", "extra-factor-2"),
        ("one head", "h", "overwritten-contribution"),
    ),
    *of(
        *("residual", residual, RESIDUAL, residual_backward),
        ("all entries", "o", "mean-over-everything", "lost-factor-2"),
        ("other slope", "q", "relu-derivative-of-wrong-layer"),
        ("no transpose", "h", "missing-transpose"),
        ("no skip", "h", "overwritten-contribution"),
        ("one number", "b", "summed-over-everything"),
        ("one number, repeated", "b", "summed-over-everything"),
    ),
    *of(
        *("tied", tied, {"W": normal((5, 3)), "x": normal((4, 5))}, tied_backward),
        ("encoder alone", "W", "overwritten-contribution"),
        ("minus", "W", "wrong-sign"),
    ),
    *of(
        *("masked", masked, MASKED, masked_backward),
        ("no mask", "h", "missing-factor"),
        ("times p", "h"),
        ("no gamma", "n", "missing-factor"),
        ("before the mask", "V", "wrong-activation"),
        ("of z", "gamma", "wrong-activation"),
    ),
    *of(
        *("contrast", contrast, CONTRAST, contrast_backward),
        ("columns", "s", "softmax-along-wrong-axis"),
        ("no target", "s", "missing-target"),
        ("no temperature", "p", "missing-factor"),
        ("times it", "p"),
        ("own", "p", "wrong-activation"),
        ("no transpose", "q", "missing-transpose"),
    ),
    *of(
        *("causal", causal, CAUSAL, causal_backward),
        ("diagonal", "s", "softmax-diagonal"),
        ("no root", "q"),
        ("own", "q", "wrong-activation"),
    ),
    *of(
        *("log-softmax", by_hand, BY_HAND, by_hand_backward),
        ("sign", "l", "wrong-sign"),
        ("not summed", "z", "broadcast-not-summed"),
        ("no denominator", "z", "missing-derivative"),
        ("one term", "z", "overwritten-contribution"),
        ("other axis", "b", "sum-along-wrong-axis"),
        ("one number", "b", "summed-over-everything"),
    ),
    *of(
        *("huber", huber, HUBER, huber_backward),
        ("no sign", "e", "missing-derivative"),
        ("samples", "e", "wrong-count-in-mean", "extra-factor-2"),
        ("square", "e"),
    ),
    *of(
        *("cosine", cosine, COSINE, cosine_backward),
        ("one term", "p", "overwritten-contribution"),
        ("plus", "p", "wrong-sign"),
    ),
    *of(
        *("pointwise", pointwise, POINTWISE, pointwise_backward),
        ("no mean", "h", "sum-for-mean"),
        ("relu", "z", "relu-of-gradient"),
        ("batch", "b"),
        ("one number", "b", "summed-over-everything"),
    ),
    *of(
        *("gated", gated, GATED, gated_backward),
        ("all", "h", "maximum-shared-out"),
        ("twice", "b"),
    ),
]
