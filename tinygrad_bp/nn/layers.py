"""Layers with weights, and what stands between them. All start as PyTorch's do.

Where a layer takes a generator, ``rng``, it draws from it: the same seed gives the same model.
Without one, it makes its own, which is different each time.
"""

from __future__ import annotations  # NumPy loads numpy.random when it is first named

import math
from typing import Any

import numpy as np

from .. import errors
from ..arguments import at_least_0, below_1, check_counts
from ..creation import generator
from ..engine import Tensor
from ..operators import value_of
from ..rules.models import Pair, conv2d, dropout, embedding, pair, steps_of
from ..rules.shaping import as_operand
from ..table import Value
from .init import fans, normal, uniform
from .module import Module


def parameter(data: Any) -> Tensor:
    return Tensor(data, requires_grad=True)


def spread(shape: tuple[int, ...], inputs: int, rng: np.random.Generator) -> Tensor:
    """Return a parameter that is uniform between -1 / sqrt(inputs) and 1 / sqrt(inputs)."""
    bound = 1.0 / math.sqrt(max(inputs, 1))
    return parameter(uniform(shape, rng, -bound, bound))


class Linear(Module):
    """x W^T + b: every output is a weighted sum of all inputs.

    Parameters
    ----------
    in_features, out_features
        The lengths of the last axis of the input and of the output.
    bias
        Whether b is added.
    rng
        Draws weight and bias, uniform between -1 / sqrt(in_features) and 1 / sqrt(in_features).

    Attributes
    ----------
    weight
        W, of shape (out_features, in_features).
    bias
        b, of shape (out_features,), or None.

    Raises
    ------
    ValueError
        When called, if the last axis of x has another length.

    Examples
    --------
    >>> layer = bp.nn.Linear(4, 3, rng=np.random.default_rng(0))
    >>> layer(np.ones((5, 4))).shape
    (5, 3)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        bias: bool = True,
        rng: np.random.Generator | None = None,
    ) -> None:
        rng = generator(rng)
        check_counts(in_features=in_features, out_features=out_features)
        self.weight = spread((out_features, in_features), in_features, rng)
        self.bias = spread((out_features,), in_features, rng) if bias else None

    def forward(self, x: Value) -> Value:
        x = as_operand(x)
        self._check_width(x, self.weight.shape[1])
        product = x @ self.weight.mT
        return product if self.bias is None else product + self.bias


class Conv2d(Module):
    """Products of kernels with every window of images, plus a bias for each kernel; see `conv2d`.

    Parameters
    ----------
    in_channels, out_channels
        How many channels the images have, and how many kernels there are.
    kernel_size, stride, padding, dilation
        One number, or one for rows and one for columns.
    groups
        Into how many parts the channels are dealt out.
    bias
        Whether a bias is added.
    rng
        Draws weight and bias, uniform between -1 / sqrt(n) and 1 / sqrt(n) with n the number of
        weights of a kernel.

    Attributes
    ----------
    weight
        The kernels, of shape (out_channels, in_channels / groups, rows, columns).
    bias
        Of shape (out_channels,), or None.

    Raises
    ------
    ValueError
        When called, if x has not the axes (sample, channel, row, column), or other channels.

    Examples
    --------
    >>> layer = bp.nn.Conv2d(1, 6, 3, padding=1, rng=np.random.default_rng(0))
    >>> layer(np.ones((5, 1, 8, 8))).shape
    (5, 6, 8, 8)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        groups: int = 1,
        *,
        bias: bool = True,
        rng: np.random.Generator | None = None,
    ) -> None:
        check_counts(in_channels=in_channels, out_channels=out_channels, groups=groups)
        if in_channels % groups:
            raise ValueError(f"{in_channels} channels cannot be divided among {groups} groups.")
        rng, self.in_channels = generator(rng), in_channels
        steps_of(stride, dilation)
        if min(*pair(kernel_size, "kernel_size"), 1 + min(pair(padding, "padding"))) < 1:
            given = f"kernel_size {kernel_size} and padding {padding}"
            raise ValueError(f"{given} must be at least 1 and 0.")
        self.steps = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        shape = (out_channels, in_channels // groups, *pair(kernel_size, "kernel_size"))
        self.weight = spread(shape, fans(shape)[0], rng)
        self.bias = spread((out_channels,), fans(shape)[0], rng) if bias else None

    def forward(self, x: Value) -> Value:
        x = as_operand(x)
        if len(x.shape) != 4:
            axes = "images with axes (sample, channel, row, column)"
            raise errors.wrong_input(self._described(), axes, x)
        self._check_width(x, self.in_channels, 1, "channel")
        products = conv2d(x, self.weight, **self.steps)
        return products if self.bias is None else products + self.bias.reshape(-1, 1, 1)


class Embedding(Module):
    """A table of vectors; integers choose its rows, such as a vector for each word.

    Parameters
    ----------
    num_embeddings, embedding_dim
        How many rows there are, and how long they are.
    rng
        Draws the table, from the standard normal distribution.

    Attributes
    ----------
    weight
        The table, of shape (num_embeddings, embedding_dim).

    Examples
    --------
    >>> layer = bp.nn.Embedding(10, 4, rng=np.random.default_rng(0))
    >>> layer([[1, 2, 3], [4, 4, 4]]).shape
    (2, 3, 4)
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, *, rng: np.random.Generator | None = None
    ) -> None:
        check_counts(num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        self.weight = parameter(normal((num_embeddings, embedding_dim), rng))

    def forward(self, indices: Any) -> Value:
        return embedding(self.weight, indices)


def moments(x: Value, axes: tuple[int, ...]) -> tuple[Value, Value]:
    """Return mean and variance over axes, which stay with length 1."""
    return np.mean(x, axes, keepdims=True), np.var(x, axes, keepdims=True)


def standardised(x: Value, mean: Value, variance: Value, eps: float) -> Value:
    return (x - mean) / np.sqrt(variance + eps)


class LayerNorm(Module):
    """Normalise each sample over its features, then multiply by a weight and add a bias.

    J. L. Ba, J. R. Kiros and G. E. Hinton, *Layer normalization*, arXiv:1607.06450.

    Parameters
    ----------
    normalized_shape
        The lengths of the last axes, over which mean and variance are taken: often one number.
    eps
        Added to the variance, so that nothing is divided by 0.

    Attributes
    ----------
    weight, bias
        Of the normalized shape; they start as ones and zeros.

    Examples
    --------
    >>> bp.nn.LayerNorm(2)(bp.tensor([[1.0, 3.0], [10.0, 30.0]])).data.round(2)
    array([[-1.,  1.],
           [-1.,  1.]])
    """

    def __init__(self, normalized_shape: int | tuple[int, ...], eps: float = 1e-5) -> None:
        shape = tuple(np.atleast_1d(normalized_shape).tolist())
        for length in shape:
            check_counts(normalized_shape=length)
        self.eps, self.axes = at_least_0("eps", eps), tuple(range(-len(shape), 0))
        self.weight, self.bias = parameter(np.ones(shape)), parameter(np.zeros(shape))

    def forward(self, x: Value) -> Value:
        x = as_operand(x)
        for axis in self.axes:
            self._check_width(x, self.weight.shape[axis], axis)
        return standardised(x, *moments(x, self.axes), self.eps) * self.weight + self.bias


class BatchNorm(Module):
    """Normalise each channel over the batch, then multiply by a weight and add a bias.

    S. Ioffe and C. Szegedy, *Batch normalization*, arXiv:1502.03167. The channels are on axis 1:
    it takes vectors, (sample, channel), as well as images, (sample, channel, row, column), and is
    also called `BatchNorm1d` and `BatchNorm2d`.

    In training, mean and variance are those of the batch, and a running mean of them is kept. In
    evaluation, see `Module.eval`, they are the running ones.

    Parameters
    ----------
    num_features
        How many channels there are.
    eps
        Added to the variance, so that nothing is divided by 0.
    momentum
        The weight of a batch in the running mean.

    Attributes
    ----------
    weight, bias
        Of shape (num_features,); they start as ones and zeros.
    running_mean, running_var, num_batches_tracked
        Buffers. As in PyTorch, the running variance is that of n - 1, and the one that is divided
        by in training is that of n.

    Raises
    ------
    ValueError
        When called, if axis 1 has another length; in training, if a channel has only one number.

    Examples
    --------
    >>> layer = bp.nn.BatchNorm(1)
    >>> layer(bp.tensor([[1.0], [3.0]])).data.round(2).tolist(), layer.running_mean.data
    ([[-1.0], [1.0]], array([0.2]))
    >>> layer.eval()(bp.tensor([[0.2]])).data
    array([[0.]])
    """

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        check_counts(num_features=num_features)
        self.eps = at_least_0("eps", eps)
        self.momentum = at_least_0("momentum", momentum)
        self.weight = parameter(np.ones(num_features))
        self.bias = parameter(np.zeros(num_features))
        self.running_mean = Tensor(np.zeros(num_features))
        self.running_var = Tensor(np.ones(num_features))
        self.num_batches_tracked = Tensor(0)

    def forward(self, x: Value) -> Value:
        x = as_operand(x)
        self._check_width(x, self.weight.shape[0], 1, "channel")
        others = (0, *range(2, x.ndim))

        def beside(numbers: Value) -> Value:
            """Return the channels' numbers in a shape that broadcasts with x."""
            return numbers.reshape((-1, *(1 for _ in others[1:]))) if others[1:] else numbers

        if self.training:
            n = math.prod(x.shape) // x.shape[1]
            if n < 2:  # which has no variance
                several = "two numbers or more for each channel in training"
                raise errors.wrong_input(self._described(), several, x)
            mean, variance = moments(x, others)
            self.keep(value_of(mean), value_of(variance), n)
        else:
            mean, variance = beside(self.running_mean.data), beside(self.running_var.data)
        scaled = standardised(x, mean, variance, self.eps)
        return scaled * beside(self.weight) + beside(self.bias)

    def keep(self, mean: np.ndarray, variance: np.ndarray, n: int) -> None:
        """Move the running mean and variance towards those of a batch of n numbers a channel."""
        of_batch = (self.running_mean, mean), (self.running_var, variance * (n / (n - 1)))
        for running, new in of_batch:
            running.data = (1.0 - self.momentum) * running.data + self.momentum * new.ravel()
        self.num_batches_tracked.data = self.num_batches_tracked.data + 1


BatchNorm1d = BatchNorm2d = BatchNorm


class Dropout(Module):
    """In training, zero each entry with probability p and divide the others by 1 - p.

    In evaluation, see `Module.eval`, x stays as it is. N. Srivastava and others, *Dropout: a simple
    way to prevent neural networks from overfitting*, JMLR 2014.

    Parameters
    ----------
    p
        The probability, from 0 up to, but not including, 1.
    rng
        Draws which entries stay, at each call.

    Examples
    --------
    >>> layer = bp.nn.Dropout(0.5, rng=np.random.default_rng(0))
    >>> layer(bp.tensor(np.ones(6))).data, layer.eval()(bp.tensor(np.ones(2))).data
    (array([2., 0., 0., 0., 2., 2.]), array([1., 1.]))
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None) -> None:
        self.p, self.rng = below_1("p", p), generator(rng)

    def forward(self, x: Value) -> Value:
        return dropout(x, self.p, self.rng) if self.training else x


class Flatten(Module):
    """Images or other arrays as vectors: the axes from start_dim on become one.

    Raises
    ------
    ValueError
        When called, if x has no axis start_dim.

    Examples
    --------
    >>> bp.nn.Flatten()(np.ones((5, 2, 4, 4))).shape
    (5, 32)
    """

    def __init__(self, start_dim: int = 1) -> None:
        self.start_dim = start_dim

    def forward(self, x: Value) -> Value:
        x = as_operand(x)
        if not -x.ndim <= self.start_dim < x.ndim:
            raise errors.no_first_axis(self.start_dim, x.shape)
        return x.reshape((*x.shape[: self.start_dim], math.prod(x.shape[self.start_dim :])))
