"""A batch norm and a layer norm, each before a linear layer. Rows are samples."""

import numpy as np

import tinygrad_bp as bp

from .slip import Wild, with_slip

rng = np.random.default_rng(33)
normal = rng.standard_normal

SAMPLES, TIME, WIDTH = 6, 5, 4

#: Along which axes the sums of the other norm are: those of a batch norm for a layer norm.
OTHER = {0: 1, 1: 0, 2: (0, 1), (0, 1): 2}


def normed(axis):
    def problem(x, gamma, beta, V, y):
        centred = x - x.mean(axis=axis, keepdims=True)
        xhat = (centred / bp.sqrt(x.var(axis=axis, keepdims=True) + 1e-5)).named("xhat")
        out = (gamma * xhat + beta).named("out")
        return bp.square_sum(out @ V - y).named("L")

    return problem


INPUTS = {
    "x": normal((SAMPLES, WIDTH)),
    "gamma": normal(WIDTH),
    "beta": normal(WIDTH),
    "V": normal((WIDTH, 3)),
    "y": normal((SAMPLES, 3)),
}


def backward(axis):
    def derivation(x, gamma, beta, V, y, xhat, out, slip=""):
        inverse = 1 / np.sqrt(x.var(axis=axis, keepdims=True) + 1e-5)
        dout = 2 * (out @ V - y) @ V.T
        dxhat = dout * gamma
        sums = {"axis": OTHER[axis] if slip == "other axis" else axis, "keepdims": True}
        n = x.size if slip == "all entries" else x.size / x.mean(**sums).size
        dvar = (dxhat * (x - x.mean(axis=axis, keepdims=True)) * -0.5 * inverse**3).sum(**sums)
        if slip == "other axis":
            dx = inverse * (dxhat - dxhat.mean(**sums) - xhat * (dxhat * xhat).mean(**sums))
        elif slip == "constant statistics":
            dx = dxhat * inverse
        elif slip == "strange":
            dx = dxhat * inverse * (1 - xhat**2)
        else:
            dmean = -(dxhat * inverse).sum(**sums)
            centred = x - x.mean(axis=axis, keepdims=True)
            dx = dxhat * inverse + (dvar * 2 * centred + dmean) / n
        samples = tuple(range(x.ndim - 1))
        dV = np.tensordot(out, 2 * (out @ V - y), (samples, samples))
        d = {"V": dV, "out": dout, "xhat": dxhat, "x": dx}
        d["gamma"] = (dout * (out if slip == "of out" else xhat)).sum(axis=samples)
        d["beta"] = dout.mean(axis=samples) if slip == "mean" else dout.sum(axis=samples)
        if slip == "not summed":
            d["beta"] = dout
        return d

    return derivation


#: A sentence for each sample: its words lie along another axis.
SENTENCES = INPUTS | {"x": normal((SAMPLES, TIME, WIDTH)), "y": normal((SAMPLES, TIME, 3))}


def wild(name, axis, slip="", line=None, *mistakes, inputs=INPUTS):
    label = f"{name} norm, {slip}" if slip else f"{name} norm"
    return Wild(label, normed(axis), inputs, with_slip(backward(axis), slip), line, mistakes)


SUBMISSIONS = [
    wild("batch", 0),
    wild("batch", 0, "mean", "beta", "mean-for-sum"),
    wild("batch", 0, "not summed", "beta", "broadcast-not-summed"),
    wild("batch", 0, "all entries", "x", "wrong-count-in-mean"),
    wild("batch", 0, "of out", "gamma", "wrong-activation"),
    wild("batch", 0, "constant statistics", "x"),
    wild("layer", 1),
    wild("layer", 1, "other axis", "x", "norm-along-wrong-axis"),
    wild("layer", 1, "all entries", "x", "wrong-count-in-mean"),
    wild("layer", 1, "strange", "x"),
    wild("words' layer", 2, inputs=SENTENCES),
    wild("words' layer", 2, "other axis", "x", "norm-along-wrong-axis", inputs=SENTENCES),
    wild("words' layer", 2, "strange", "x", inputs=SENTENCES),
    wild("words' batch", (0, 1), inputs=SENTENCES),
    wild("words' batch", (0, 1), "other axis", "x", "norm-along-wrong-axis", inputs=SENTENCES),
]
