"""Layers, losses and initialisers for training, by PyTorch's names.

A model is a `Module`: it finds its parameters itself, and groups what it records by layer.

    model = nn.Sequential(nn.Linear(64, 32, rng=rng), nn.ReLU(), nn.Linear(32, 10, rng=rng))
    loss = nn.cross_entropy(model(x), labels)
    loss.backward()

Layouts of weights, names and defaults are PyTorch's, so that weights can be exchanged both ways.
What draws random numbers takes a generator, ``rng=np.random.default_rng(0)``; without one, it makes
its own, and every run gives other numbers.
"""

from typing import Any as _Any

from ..habits import missing as _missing
from ..keywords import answer_in as _answer_in
from ..rules.losses import binary_cross_entropy_with_logits, cross_entropy
from ..table import TABLE as _TABLE
from . import init
from .attention import MultiHeadAttention
from .functional_call import functional_call
from .functions import (
    AvgPool2d, ELU, GELU, LeakyReLU, LogSoftmax, MaxPool2d, ReLU, Sigmoid, SiLU, Softmax, Softplus,
    Tanh,
)  # fmt: skip
from .layers import (
    BatchNorm, BatchNorm1d, BatchNorm2d, Conv2d, Dropout, Embedding, Flatten, LayerNorm, Linear,
)  # fmt: skip
from .losses import binary_cross_entropy, huber_loss, l1_loss, mse_loss, nll_loss
from .module import Module, Sequential
from .recurrent import GRUCell, LSTMCell, RNNCell

__all__ = [
    "ELU", "GELU", "AvgPool2d", "BatchNorm", "BatchNorm1d", "BatchNorm2d", "Conv2d", "Dropout",
    "Embedding", "Flatten", "GRUCell", "LSTMCell", "LayerNorm", "LeakyReLU", "Linear",
    "LogSoftmax", "MaxPool2d", "Module", "MultiHeadAttention", "RNNCell", "ReLU", "Sequential",
    "SiLU", "Sigmoid", "Softmax", "Softplus", "Tanh", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "cross_entropy", "functional_call", "huber_loss",
    "init", "l1_loss", "mse_loss", "nll_loss",
]  # fmt: skip

_answer_in(globals())


def __getattr__(name: str) -> _Any:
    raise _missing("bp.nn", name, __all__, _TABLE)


def __dir__() -> list[str]:
    return __all__
