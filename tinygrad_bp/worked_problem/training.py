"""The network of the worked problem trained on real data: handwritten digits.

Plain gradient descent: record the loss of a few samples, sweep backward, and take a step against
the gradient; the steps become shorter from pass to pass.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..data import batches, one_hot
from ..datasets import Digits
from ..engine import Tensor, grad, tensor
from .network import network
from .problem import Problem

Array = NDArray[np.float64]


class Epoch(NamedTuple):
    number: int
    loss: float


class DigitClassifier:
    """The network with 64 inputs, one for each pixel, and 10 outputs, one for each digit."""

    def __init__(self, hidden: tuple[int, int] = (48, 32), seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.weights: list[Tensor] = []
        widths = (64, *hidden, 10)
        for layer, (inputs, outputs) in enumerate(pairwise(widths), 1):
            value = 1.5 * self.rng.standard_normal((outputs, inputs)) / np.sqrt(inputs)
            self.weights.append(tensor(value, requires_grad=True, name=f"W{layer}"))

    def problem(self, data: Digits) -> Problem:
        W1, W2, W3 = (W.data for W in self.weights)
        return Problem(W1, W2, W3, x=data.images.T, y=one_hot(data.labels, classes=10).T)

    def train(
        self, data: Digits, epochs: int = 60, batch: int = 16, rate: float = 4.0
    ) -> Iterator[Epoch]:
        # The rate says how far a step goes against the mean gradient of its samples in the first
        # pass. It falls evenly from pass to pass, towards 0 after the last.
        W1, W2, W3 = self.weights
        targets = one_hot(data.labels, classes=10)
        shuffled = batches(data.images, targets, size=batch, rng=self.rng)
        for epoch in range(1, epochs + 1):
            total, falling = 0.0, rate * (epochs + 1 - epoch) / epochs
            for images, labels in shuffled:
                loss = network(W1, W2, W3, images.T, labels.T)["L"]
                gradients = grad(loss, self.weights)
                for W, g in zip(self.weights, gradients, strict=True):
                    W.data = W.data - falling / len(images) * g
                total += loss.item()
            yield Epoch(epoch, total / len(targets))

    def accuracy(self, data: Digits) -> float:
        W1, W2, W3 = (W.data for W in self.weights)
        run = network(W1, W2, W3, data.images.T, one_hot(data.labels, classes=10).T)
        return float(np.mean(run["y_hat"].argmax(axis=0) == data.labels))
