"""A model as a function of its parameters: called with others in their place."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from .. import errors
from ..engine import Tensor
from .module import Module, misfits


def functional_call(module: Module, values: Mapping[str, Any], *inputs: Any) -> Any:
    """Call a module with other values in place of its parameters and buffers.

    So a model is a function of its parameters, for all that takes one: `bp.value_and_grad`,
    `bp.hessian`, `bp.jvp`, `bp.compile`. The module stays as it is.

    Parameters
    ----------
    module
        The module.
    values
        Arrays or Tensors by path; what is left out is the module's own.
    inputs
        What the module is called with.

    Raises
    ------
    TypeError
        If the inputs are given as one tuple.
    ValueError
        Naming the entries that are unexpected, or of another shape or type.

    Examples
    --------
    >>> layer = bp.nn.Linear(2, 1, bias=False)
    >>> def output(weight):
    ...     return bp.nn.functional_call(layer, {"weight": weight}, np.array([3.0, 5.0])).sum()
    >>> bp.value_and_grad(output)(np.array([[1.0, 1.0]]))
    (array(8.), array([[3., 5.]]))
    """
    if len(inputs) == 1 and isinstance(inputs[0], tuple):  # as torch.func takes them
        raise errors.inputs_in_a_tuple()
    own = dict(module.named_tensors())
    tensors = {path: v if isinstance(v, Tensor) else Tensor(v) for path, v in values.items()}
    wrong = misfits(own, tensors)
    if wrong:
        raise errors.other_state(type(module).__name__, "; ".join(wrong))
    called = exchanged(module, {own[path].id: tensor for path, tensor in tensors.items()})
    called._scope = called._scope or ""  # its parts keep their names
    return called(*inputs)


def exchanged(value: Any, tensors: Mapping[int, Tensor]) -> Any:
    """Return a copy of a module, or of what holds some, with other Tensors in place of some ids."""
    if isinstance(value, Tensor):
        return tensors.get(value.id, value)
    if isinstance(value, Module):
        module = copy.copy(value)
        vars(module).update({name: exchanged(v, tensors) for name, v in vars(value).items()})
        return module
    if isinstance(value, (list, tuple)):
        make = getattr(value, "_make", type(value))  # a named tuple stays one
        return make([exchanged(item, tensors) for item in value])
    if isinstance(value, dict):
        return {key: exchanged(item, tensors) for key, item in value.items()}
    return value
