"""Recurrent networks: a plain one, an LSTM and a GRU, three steps each. Columns are samples."""

import numpy as np

import tinygrad_bp as bp

from .slip import Wild, with_slip

rng = np.random.default_rng(31)
normal = rng.standard_normal

WIDTH, FEATURES, SAMPLES = 3, 2, 5


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


STEPS = {f"x{t}": normal((FEATURES, SAMPLES)) for t in (1, 2, 3)}
TARGET = {"y": normal((4, SAMPLES))}


def matrices(*names):
    return {name: normal((WIDTH, WIDTH + FEATURES)) for name in names}


def columns(*names):
    return {name: normal((WIDTH, 1)) for name in names}


# ---- a plain one ----


def plain(U, W, V, b, x1, x2, x3, y):
    h = np.zeros((WIDTH, SAMPLES))
    for x in (x1, x2, x3):
        h = bp.tanh(U @ x + W @ h + b)
    return bp.square_sum(V @ h - y).named("L")


PLAIN = {
    "U": normal((WIDTH, FEATURES)),
    "W": normal((WIDTH, WIDTH)),
    "V": normal((4, WIDTH)),
    "b": normal((WIDTH, 1)),
    **STEPS,
    **TARGET,
}


def plain_backward(U, W, V, b, x1, x2, x3, y, slip=""):
    xs = [None, x1, x2, x3]
    hs = [np.zeros((WIDTH, SAMPLES))]
    for x in xs[1:]:
        hs.append(np.tanh(U @ x + W @ hs[-1] + b))
    out = 2 * (V @ hs[3] - y)
    dh = V.T @ out
    dU, dW, db = np.zeros_like(U), np.zeros_like(W), np.zeros_like(b)
    for t in (3, 2, 1):
        dz = dh if slip == "no slope" else dh * (1 - hs[t] ** 2)
        if slip == "of a":
            dz = dh * (1 - np.tanh(hs[t]) ** 2)
        if slip == "strange":
            dz = dh * np.cos(hs[t])
        dU += dz @ xs[t].T
        dW += dz @ hs[t if slip == "new h" else t - 1].T
        db += dz.mean(axis=1, keepdims=True) if slip == "mean" else dz.sum(axis=1, keepdims=True)
        dh = (W if slip == "no transpose" else W.T) @ dz
        if slip == "minus":
            dh = -dh
        if slip == "last only":
            break
    share = {"over time": 1 / 3, "update": -1.0, "samples": 1 / SAMPLES}.get(slip, 1.0)
    return {"V": out @ hs[3].T * share, "U": dU * share, "W": dW * share, "b": db * share}


# ---- an LSTM ----


def lstm(Wf, Wi, Wo, Wg, bf, bi, bo, bg, V, x1, x2, x3, y):
    h = c = np.zeros((WIDTH, SAMPLES))
    for x in (x1, x2, x3):
        v = bp.concatenate([h, x], axis=0)
        f, i, o = bp.sigmoid(Wf @ v + bf), bp.sigmoid(Wi @ v + bi), bp.sigmoid(Wo @ v + bo)
        c = f * c + i * bp.tanh(Wg @ v + bg)
        h = o * bp.tanh(c)
    return bp.square_sum(V @ h - y).named("L")


LSTM = {
    **matrices("Wf", "Wi", "Wo", "Wg"),
    **columns("bf", "bi", "bo", "bg"),
    "V": normal((4, WIDTH)),
    **STEPS,
    **TARGET,
}


def lstm_backward(Wf, Wi, Wo, Wg, bf, bi, bo, bg, V, x1, x2, x3, y, slip=""):
    h = c = np.zeros((WIDTH, SAMPLES))
    kept = []
    for x in (x1, x2, x3):
        v = np.concatenate([h, x])
        f, i, o = sigmoid(Wf @ v + bf), sigmoid(Wi @ v + bi), sigmoid(Wo @ v + bo)
        g, before = np.tanh(Wg @ v + bg), c
        c = f * c + i * g
        h = o * np.tanh(c)
        kept.append((v, f, i, o, g, before, c))
    out = 2 * (V @ h - y)
    d = {"V": out @ h.T}
    d |= {f"W{k}": 0.0 for k in "fiog"} | {f"b{k}": 0.0 for k in "fiog"}
    dh, dc = V.T @ out, 0.0
    for v, f, i, o, g, before, c in reversed(kept):
        do = dh * np.tanh(c) * o * (1 - o)
        dc = dc + dh * o * (1 if slip == "no slope of the cell" else 1 - np.tanh(c) ** 2)
        df = dc * (c if slip == "new cell" else before) * f * (1 - f)
        di = dc * g * (1 if slip == "no slope of a gate" else i * (1 - i))
        dg = dc * i * (1 - g if slip == "no square" else 1 - g**2)
        if slip == "strange":
            df = dc * before * np.cos(f)
        weights = {"f": (Wf, df), "i": (Wi, di), "o": (Wo, do), "g": (Wg, dg)}
        dh = 0.0
        for k, (W, dz) in weights.items():
            d[f"W{k}"] = d[f"W{k}"] + dz @ v.T
            d[f"b{k}"] = d[f"b{k}"] + dz.sum(axis=1, keepdims=True)
            dh = dh + (W.T @ dz)[:WIDTH]
        dc = dc if slip == "no forget gate" else dc * f
    return d


# ---- a GRU ----


def gru(Wz, Wr, Wh, bz, br, bh, V, x1, x2, x3, y):
    h = np.zeros((WIDTH, SAMPLES))
    for x in (x1, x2, x3):
        v = bp.concatenate([h, x], axis=0)
        z, r = bp.sigmoid(Wz @ v + bz), bp.sigmoid(Wr @ v + br)
        new = bp.tanh(Wh @ bp.concatenate([r * h, x], axis=0) + bh)
        h = (1.0 - z) * h + z * new
    return bp.square_sum(V @ h - y).named("L")


GRU = {
    **matrices("Wz", "Wr", "Wh"),
    **columns("bz", "br", "bh"),
    "V": normal((4, WIDTH)),
    **STEPS,
    **TARGET,
}


def gru_backward(Wz, Wr, Wh, bz, br, bh, V, x1, x2, x3, y, slip=""):
    h = np.zeros((WIDTH, SAMPLES))
    kept = []
    for x in (x1, x2, x3):
        v = np.concatenate([h, x])
        z, r = sigmoid(Wz @ v + bz), sigmoid(Wr @ v + br)
        w = np.concatenate([r * h, x])
        new, before = np.tanh(Wh @ w + bh), h
        h = (1 - z) * h + z * new
        kept.append((v, w, z, r, new, before))
    out = 2 * (V @ h - y)
    d = {"V": out @ h.T} | {f"W{k}": 0.0 for k in "zrh"} | {f"b{k}": 0.0 for k in "zrh"}
    dh = V.T @ out
    for v, w, z, r, new, before in reversed(kept):
        dn = dh * z * (1 if slip == "no slope" else 1 - new**2)
        du = dh * (new + before if slip == "plus" else new - before) * z * (1 - z)
        dw = (Wh.T @ dn)[:WIDTH]
        dr = dw * before * r * (1 - r)
        dh = dh * (1 - z) + dw * (1 if slip == "no reset gate" else r)
        for k, W, dz, at in (("z", Wz, du, v), ("r", Wr, dr, v), ("h", Wh, dn, w)):
            d[f"W{k}"] = d[f"W{k}"] + dz @ at.T
            d[f"b{k}"] = d[f"b{k}"] + dz.sum(axis=1, keepdims=True)
            if k != "h":
                dh = dh + (W.T @ dz)[:WIDTH]
    return d


def wild(label, problem, inputs, backward, slip="", line=None, *mistakes):
    return Wild(label, problem, inputs, with_slip(backward, slip), line, mistakes)


SUBMISSIONS = [
    wild("rnn", plain, PLAIN, plain_backward),
    *(
        wild(f"rnn, {slip}", plain, PLAIN, plain_backward, slip, line, *names)
        for slip, line, *names in [
            ("no transpose", "b", "missing-transpose"),
            ("no slope", "b", "missing-tanh-derivative"),
            ("of a", "b", "tanh-derivative-of-activation"),
            ("new h", "W", "one-step-off"),
            ("mean", "b", "mean-for-sum"),
            ("minus", "b", "wrong-sign"),
            ("over time", "V", "mean-for-sum"),
            ("samples", "V", "mean-for-sum"),
            ("update", "V", "wrong-sign"),
            ("strange", "b"),
        ]
    ),
    wild("lstm", lstm, LSTM, lstm_backward),
    *(
        wild(f"lstm, {slip}", lstm, LSTM, lstm_backward, slip, line, *names)
        for slip, line, *names in [
            ("no slope of the cell", "bg", "missing-tanh-derivative"),
            ("new cell", "bg", "one-step-off"),
            ("no slope of a gate", "bg", "missing-sigmoid-derivative"),
            ("no square", "bg", "tanh-lost-square"),
            ("no forget gate", "bg", "missing-factor"),
            ("strange", "bg"),
        ]
    ),
    wild("gru", gru, GRU, gru_backward),
    *(
        wild(f"gru, {slip}", gru, GRU, gru_backward, slip, line, *names)
        for slip, line, *names in [
            ("no slope", "bh", "missing-tanh-derivative"),
            ("plus", "bh", "wrong-sign"),
            ("no reset gate", "bh", "missing-factor"),
        ]
    ),
]
