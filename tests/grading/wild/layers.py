"""Layers with ``dout`` and a cache, as courses hand them out: affine, relu, norms, convolution."""

import numpy as np

import tinygrad_bp as bp

from .case import Case

rng = np.random.default_rng(22)
normal = rng.standard_normal


def affine(x, W, b):
    return x @ W + b


AFFINE = {"x": normal((5, 4)), "W": normal((4, 3)), "b": normal(3)}


def affine_forward(x, w, b):
    return x @ w + b, (x, w, b)


def affine_backward(dout, cache):
    x, w, _ = cache
    dx = dout @ w.T
    dw = x.T @ dout
    db = np.sum(dout, axis=0)
    return dx, dw, db


def affine_backward_without_a_sum(dout, x, W):
    return {"dx": dout @ W.T, "dW": x.T @ dout, "db": dout[0]}


def affine_backward_in_another_order(grad_output, x, W):
    dW, db, dx = x.T @ grad_output, grad_output.sum(0), grad_output @ W.T
    return dW, db, dx


class Linear:
    """Gradients of the weights as attributes, that of the input returned."""

    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class LinearWithMean(Linear):
    """Divided by the number of samples once more."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.dW = self.dW / len(dout)
        return dx


class LinearWithDictionary(Linear):
    """Gradients in a mapping of its own."""

    def backward(self, dout):
        self.grads = {"W": self.x.T @ dout, "b": dout.sum(axis=0)}
        return dout @ self.W.T


def relu(x):
    return bp.relu(x)


RELU = {"x": normal((3, 4))}


def relu_backward(dout, x):
    return dout * (x > 0)


def relu_backward_by_output(dout, out):
    dx = dout.copy()
    dx[out <= 0] = 0
    return dx


def relu_backward_of_dout(dout, x):
    return {"dx": dout * (dout > 0)}


def batch_norm(x, gamma, beta):
    centred = x - x.mean(axis=0, keepdims=True)
    scale = bp.sqrt(bp.square(centred).mean(axis=0, keepdims=True) + 1e-5)
    return gamma * (centred / scale).named("xhat") + beta


NORM = {"x": normal((6, 3)), "gamma": rng.uniform(0.5, 1.5, 3), "beta": normal(3)}


def batchnorm_forward(x, gamma, beta, eps=1e-5):
    mu, var = x.mean(axis=0), x.var(axis=0)
    xhat = (x - mu) / np.sqrt(var + eps)
    return gamma * xhat + beta, (xhat, gamma, np.sqrt(var + eps))


def batchnorm_backward(dout, cache):
    xhat, gamma, std = cache
    n = len(dout)
    dbeta, dgamma = dout.sum(0), (dout * xhat).sum(0)
    dx = gamma / (n * std) * (n * dout - dbeta - xhat * dgamma)
    return dx, dgamma, dbeta


def settings_batchnorm_forward(x, gamma, beta, bn_param):
    eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    mu, var = x.mean(axis=0), x.var(axis=0)
    if bn_param["mode"] == "train":
        running = bn_param.get("running_mean", np.zeros(x.shape[1]))
        bn_param["running_mean"] = momentum * running + (1 - momentum) * mu
    xhat = (x - mu) / np.sqrt(var + eps)
    return gamma * xhat + beta, {"xhat": xhat, "var": var, "gamma": gamma, "bn_param": bn_param}


def settings_batchnorm_backward(dout, cache):
    eps = cache["bn_param"].get("eps", 1e-5)
    dxhat = dout * cache["gamma"]
    along = (dxhat * cache["xhat"]).mean(axis=0)
    dx = (dxhat - dxhat.mean(axis=0) - cache["xhat"] * along) / np.sqrt(cache["var"] + eps)
    return dx, (dout * cache["xhat"]).sum(axis=0), dout.sum(axis=0)


def batchnorm_with_its_own_settings(x, gamma, beta, bn_param, dout):
    _, cache = settings_batchnorm_forward(x, gamma, beta, bn_param)
    dx, dgamma, _ = settings_batchnorm_backward(dout, cache)
    return dx, dgamma, dout.mean(axis=0)


def batchnorm_forgets_the_variance(dout, x, gamma, xhat):
    std = np.sqrt(x.var(axis=0) + 1e-5)
    return {
        "dgamma": (dout * xhat).sum(0),
        "dbeta": dout.sum(0),
        "dxhat": dout * gamma,
        "dx": gamma / std * (dout - dout.mean(0)),
    }


def batchnorm_forgets_eps(dout, x, gamma, xhat):
    std = x.std(axis=0)
    n = len(dout)
    dbeta, dgamma = dout.sum(0), (dout * xhat).sum(0)
    dx = gamma / (n * std) * (n * dout - dbeta - xhat * dgamma)
    return {"x": dx, "gamma": dgamma, "beta": dbeta}


def layer_norm(x, gamma, beta):
    centred = x - x.mean(axis=1, keepdims=True)
    scale = bp.sqrt(bp.square(centred).mean(axis=1, keepdims=True) + 1e-5)
    return gamma * (centred / scale).named("xhat") + beta


LAYER_NORM = {"x": normal((4, 5)), "gamma": rng.uniform(0.5, 1.5, 5), "beta": normal(5)}


def layernorm_backward(dout, x, gamma, xhat):
    std = np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
    dx_hat = dout * gamma
    inner = dx_hat - dx_hat.mean(1, keepdims=True)
    inner -= xhat * (dx_hat * xhat).mean(1, keepdims=True)
    return {"dx": inner / std, "dgamma": (dout * xhat).sum(0), "dbeta": dout.sum(0)}


def layernorm_sums_over_the_wrong_axis(dout, x, gamma, xhat):
    right = layernorm_backward(dout, x, gamma, xhat)
    return right | {"dgamma": (dout * xhat).sum(1)}


def dropout(x, mask):
    return x * mask.data / 0.8


DROPOUT = {"x": normal((4, 5)), "mask": rng.uniform(size=(4, 5)) < 0.8}


def dropout_backward(dout, mask):
    return dout * mask / 0.8


def dropout_backward_without_the_rate(dout, mask):
    return {"dx": dout * mask}


def conv(x, w):
    return bp.conv2d(x, w)


CONV = {"x": normal((2, 3, 5, 5)), "w": normal((4, 3, 3, 3))}


def conv_backward(dout, x, w):
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            window = x[:, :, i : i + 3, j : j + 3]
            dw += np.tensordot(dout[:, :, i, j], window, axes=(0, 0))
            dx[:, :, i : i + 3, j : j + 3] += np.tensordot(dout[:, :, i, j], w, axes=(1, 0))
    return dx, dw


def conv_backward_overwrites(dout, x, w):
    dx, dw = conv_backward(dout, x, w)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            dx[:, :, i : i + 3, j : j + 3] = np.tensordot(dout[:, :, i, j], w, axes=(1, 0))
    return dx, dw


CASES = [
    Case(affine_backward, affine, AFFINE),
    Case(affine_backward_in_another_order, affine, AFFINE),
    Case(Linear, affine, AFFINE),
    Case(LinearWithDictionary, affine, AFFINE),
    Case(relu_backward, relu, RELU),
    Case(relu_backward_by_output, relu, RELU),
    Case(batchnorm_backward, batch_norm, NORM),
    Case(settings_batchnorm_backward, batch_norm, NORM),
    Case(batchnorm_with_its_own_settings, batch_norm, NORM, "beta", "mean-for-sum"),
    Case(layernorm_backward, layer_norm, LAYER_NORM),
    Case(dropout_backward, dropout, DROPOUT),
    Case(conv_backward, conv, CONV),
    Case(affine_backward_without_a_sum, affine, AFFINE, "b", "one-sample-only"),
    Case(LinearWithMean, affine, AFFINE, "W"),
    Case(relu_backward_of_dout, relu, RELU, "x"),
    Case(batchnorm_forgets_the_variance, batch_norm, NORM, "x"),
    Case(batchnorm_forgets_eps, batch_norm, NORM, "x"),
    Case(layernorm_sums_over_the_wrong_axis, layer_norm, LAYER_NORM, "gamma"),
    Case(dropout_backward_without_the_rate, dropout, DROPOUT, "x"),
    Case(conv_backward_overwrites, conv, CONV, "x"),
]
