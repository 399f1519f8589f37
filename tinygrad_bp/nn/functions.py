"""Functions of the package as layers, for `Sequential`: ``nn.ReLU()`` calls ``bp.relu``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ..rules.activations import (
    elu,
    gelu,
    leaky_relu,
    log_softmax,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
)
from ..rules.elementwise import tanh
from ..rules.models import avg_pool2d, max_pool2d
from .module import Module


class Function(Module):
    """A layer that calls a function, with the further arguments that it was made with."""

    function: ClassVar[Callable[..., Any]]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.arguments, self.named = arguments, named

    def forward(self, x: Any) -> Any:
        return type(self).function(x, *self.arguments, **self.named)


def layer(name: str, function: Callable[..., Any], arguments: str = "") -> type[Function]:
    """Return the class of layers that call a function; the example shows its arguments."""
    called = f"x, {arguments}" if arguments else "x"
    text = f"""The function `bp.{function.__name__}` as a layer.

    It takes the function's further arguments, which are described there.

    Examples
    --------
    >>> x = bp.tensor(np.arange(-8.0, 8.0).reshape(1, 1, 4, 4))
    >>> layer = bp.nn.{name}({arguments})
    >>> bool((layer(x).data == bp.{function.__name__}({called}).data).all())
    True
    """
    members = {"function": staticmethod(function), "__doc__": text, "__module__": __name__}
    return type(name, (Function,), members)


ReLU = layer("ReLU", relu)
LeakyReLU = layer("LeakyReLU", leaky_relu, "0.2")
ELU = layer("ELU", elu)
GELU = layer("GELU", gelu)
SiLU = layer("SiLU", silu)
Softplus = layer("Softplus", softplus)
Sigmoid = layer("Sigmoid", sigmoid)
Tanh = layer("Tanh", tanh)
Softmax = layer("Softmax", softmax, "axis=-1")
LogSoftmax = layer("LogSoftmax", log_softmax, "axis=-1")
MaxPool2d = layer("MaxPool2d", max_pool2d, "2")
AvgPool2d = layer("AvgPool2d", avg_pool2d, "2")
