"""Words: a skip-gram with a softmax, and word vectors that are looked up. Rows are samples."""

import numpy as np

import tinygrad_bp as bp

from .slip import Wild, with_slip

rng = np.random.default_rng(34)
normal = rng.standard_normal

#: The words at the centre: two of them occur twice.
CENTRES = np.array([2, 0, 2, 5, 0])


def skip_gram(E, C, words, y):
    v = E[words].named("v")
    p = bp.softmax((v @ C).named("u"), axis=1).named("p")
    return (-(y * bp.log(p)).sum() / 5.0).named("L")


SKIP_GRAM = {
    "E": normal((6, 3)),
    "C": normal((3, 4)),
    "words": CENTRES,
    "y": np.eye(4)[[1, 3, 0, 2, 2]],
}


def skip_gram_backward(E, C, words, y, v, p, slip=""):
    du = (p - y) / len(y)
    if slip == "no mean":
        du = p - y
    if slip == "binary":
        dp = -(y / p - (1 - y) / (1 - p)) / len(y)
        du = p * (dp - (dp * p).sum(axis=1, keepdims=True))
    if slip == "diagonal":
        dp = -y / p / len(y)
        du = dp * p * (1 - p)
    dE = np.zeros_like(E)
    dv = du @ C.T
    if slip == "in place":
        dE[words] += dv
    else:
        np.add.at(dE, words, dv)
    d = {"C": v.T @ du, "E": dE}
    return d | {"v": dv, "u": du} if slip in ("all", "binary", "diagonal") else d


def negative(E, C, words, others):
    """Negative sampling: the first of the others is the right one."""
    v, u = E[words].named("v"), C[others].named("u")
    scores = (v * u).sum(axis=1).named("s")
    return (-bp.log(bp.sigmoid(scores)).sum()).named("L")


NEGATIVE = {
    "E": normal((6, 3)),
    "C": normal((7, 3)),
    "words": CENTRES,
    "others": np.array([1, 1, 4, 6, 3]),
}


def negative_backward(E, C, words, others, v, u, s, slip=""):
    ds = 1 / (1 + np.exp(-s)) - 1
    if slip == "minus":
        ds = -ds
    dE, dC = np.zeros_like(E), np.zeros_like(C)
    np.add.at(dE, words, ds[:, None] * (v if slip == "own" else u))
    if slip == "in place":
        dC[others] += ds[:, None] * v
    else:
        np.add.at(dC, others, ds[:, None] * v)
    return {"E": dE, "C": dC}


def wild(label, problem, inputs, backward, slip="", line=None, *mistakes):
    return Wild(label, problem, inputs, with_slip(backward, slip), line, mistakes)


SUBMISSIONS = [
    wild("skip-gram", skip_gram, SKIP_GRAM, skip_gram_backward),
    wild("skip-gram, all lines", skip_gram, SKIP_GRAM, skip_gram_backward, "all"),
    *(
        wild(f"skip-gram, {slip}", skip_gram, SKIP_GRAM, skip_gram_backward, slip, line, *names)
        for slip, line, *names in [
            ("in place", "E", "repeated-index-lost"),
            ("no mean", "C", "sum-for-mean"),
            ("binary", "u", "binary-for-categorical"),
            ("diagonal", "u", "softmax-diagonal"),
        ]
    ),
    wild("negative sampling", negative, NEGATIVE, negative_backward),
    *(
        wild(
            f"negative sampling, {slip}", negative, NEGATIVE, negative_backward, slip, line, *names
        )
        for slip, line, *names in [
            ("in place", "C", "repeated-index-lost"),
            ("minus", "C", "wrong-sign"),
            ("own", "E", "own-factor"),
        ]
    ),
]
