"""One head of attention over five positions. Rows are positions."""

import numpy as np

import tinygrad_bp as bp

from .slip import Wild, with_slip

rng = np.random.default_rng(35)
normal = rng.standard_normal

WIDTH = 4


def attention(Wq, Wk, Wv, x, y):
    q, k, v = (x @ Wq).named("q"), (x @ Wk).named("k"), (x @ Wv).named("v")
    scores = ((q @ k.T) / 3.0).named("s")
    a = bp.softmax(scores, axis=1).named("a")
    return bp.square_sum((a @ v).named("o") - y).named("L")


INPUTS = {
    "Wq": normal((3, WIDTH)),
    "Wk": normal((3, WIDTH)),
    "Wv": normal((3, 2)),
    "x": normal((5, 3)),
    "y": normal((5, 2)),
}


def backward(Wq, Wk, Wv, x, y, q, k, v, a, o, slip=""):
    do = 2 * (o - y)
    dv = (a if slip == "no transpose" else a.T) @ do
    da = do @ v.T
    axis = 0 if slip == "other axis" else 1
    ds = a * (da - (da * a).sum(axis=axis, keepdims=True))
    if slip == "diagonal":
        ds = da * a * (1 - a)
    if slip == "no softmax":
        ds = da
    scale = {"no scale": 1.0}.get(slip, 1 / 3)
    dq, dk = ds @ k * scale, (ds if slip == "keys" else ds.T) @ q * scale
    d = {"o": do, "v": dv, "a": da, "s": ds, "q": dq, "k": dk}
    d |= {"Wq": x.T @ dq, "Wk": x.T @ dk, "Wv": x.T @ dv}
    if slip == "values for keys":
        d["k"] = ds.T @ k * scale
        d["Wk"] = x.T @ d["k"]
    if slip == "weights":
        return {name: d[name] for name in ("Wq", "Wk", "Wv")}
    return d


def wild(slip="", line=None, *mistakes):
    label = f"attention, {slip}" if slip else "attention"
    return Wild(label, attention, INPUTS, with_slip(backward, slip), line, mistakes)


SUBMISSIONS = [
    wild(),
    wild("weights"),
    wild("no transpose", "v", "missing-transpose"),
    wild("diagonal", "s", "softmax-diagonal"),
    wild("no softmax", "s", "missing-softmax-derivative"),
    wild("other axis", "s"),
    wild("keys", "k", "missing-transpose"),
    wild("values for keys", "k", "wrong-activation"),
    wild("no scale", "q", "missing-factor"),
]
