"""Functions of the package as layers, for `Sequential`: ``nn.ReLU()`` calls ``bp.relu``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .. import errors, keywords
from ..engine import Tensor
from ..rules import activations, elementwise, models
from .module import Module


class Function(Module):
    """A layer that calls a function, with the further arguments that it was made with."""

    function: ClassVar[Callable[..., Any]]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        function = type(self).function
        if any(isinstance(value, (Tensor, np.ndarray)) for value in arguments):
            raise errors.called_as_function(type(self).__name__, function.__name__)
        takes = inspect.signature(function)
        further = list(takes.parameters)[1:]  # without x
        # an operation takes its further arguments in their order, too
        given = [p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in takes.parameters.values()]
        takes = takes.replace(parameters=given)
        named = {keywords.called_here(name, further): value for name, value in named.items()}
        for name in named.keys() - further:
            raise keywords.unknown(type(self).__name__, name, further)
        try:
            takes.bind(None, *arguments, **named)
        except TypeError:
            which = ", ".join(further) or "no arguments"
            raise errors.wrong_arguments(type(self).__name__, which, arguments) from None
        self.arguments, self.named = arguments, named

    def forward(self, x: Any) -> Any:
        return type(self).function(x, *self.arguments, **self.named)


def layer(name: str, function: Callable[..., Any], arguments: str = "") -> type[Function]:
    """Return the class of layers that call a function; the example shows its arguments."""
    called = f"x, {arguments}" if arguments else "x"
    text = f"""The function `bp.{function.__name__}` as a layer.

    It takes the function's further arguments, which are described there; also by the names that
    they have in PyTorch.

    Examples
    --------
    >>> x = bp.tensor(np.arange(-8.0, 8.0).reshape(1, 1, 4, 4))
    >>> layer = bp.nn.{name}({arguments})
    >>> bool((layer(x).data == bp.{function.__name__}({called}).data).all())
    True
    """
    members = {"function": staticmethod(function), "__doc__": text, "__module__": __name__}
    return type(name, (Function,), members)


ReLU = layer("ReLU", activations.relu)
LeakyReLU = layer("LeakyReLU", activations.leaky_relu, "0.2")
ELU = layer("ELU", activations.elu)
GELU = layer("GELU", activations.gelu)
SiLU = layer("SiLU", activations.silu)
Softplus = layer("Softplus", activations.softplus)
Sigmoid = layer("Sigmoid", activations.sigmoid)
Tanh = layer("Tanh", elementwise.tanh)
Softmax = layer("Softmax", activations.softmax, "axis=-1")
LogSoftmax = layer("LogSoftmax", activations.log_softmax, "axis=-1")
MaxPool2d = layer("MaxPool2d", models.max_pool2d, "2")
AvgPool2d = layer("AvgPool2d", models.avg_pool2d, "2")
