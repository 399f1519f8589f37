"""Images: a convolution with a bias, a relu and the mean over each map."""

import numpy as np

import tinygrad_bp as bp

from .slip import Wild, with_slip

rng = np.random.default_rng(36)
normal = rng.standard_normal


def images(K, b, V, x, y):
    z = (bp.conv2d(x, K) + b).named("z")
    a = bp.relu(z).named("a")
    m = a.mean(axis=(2, 3)).named("m")
    return (bp.square_sum(m @ V - y) / 7.0).named("L")


INPUTS = {
    "K": normal((2, 2, 3, 3)),
    "b": normal((2, 1, 1)),
    "V": normal((2, 4)),
    "x": normal((7, 2, 6, 5)),
    "y": normal((7, 4)),
}


def backward(K, b, V, x, y, z, a, m, slip=""):
    d = 2 * (m @ V - y) / (1 if slip == "sums" else len(x))
    dm = d @ V.T
    windows = a.shape[2] * (1 if slip == "height alone" else a.shape[3])
    dz = np.broadcast_to(dm[:, :, None, None] / windows, a.shape)
    if slip != "no relu":
        dz = dz * (z > 0)
    dK = np.zeros_like(K)
    for i in range(3):
        for j in range(3):
            part = x[:, :, i : i + z.shape[2], j : j + z.shape[3]]
            dK[:, :, i, j] = np.einsum("nohw,nchw->oc", dz, part)
    if slip == "flipped":
        dK = dK[:, :, ::-1, ::-1]
    db = dz.sum(axis=(0, 2, 3)).reshape(b.shape)
    if slip == "bias over samples":
        db = db / len(x)
    return {"V": m.T @ d, "m": dm, "K": dK, "b": db}


def wild(slip="", line=None, *mistakes):
    label = f"convolution, {slip}" if slip else "convolution"
    return Wild(label, images, INPUTS, with_slip(backward, slip), line, mistakes)


SUBMISSIONS = [
    wild(),
    wild("no relu", "b", "missing-relu-derivative"),
    wild("flipped", "K", "kernel-flip"),
    wild("height alone", "b", "wrong-count-in-mean"),
    wild("bias over samples", "b", "mean-for-sum"),
    wild("sums", "V", "sum-for-mean"),
]
