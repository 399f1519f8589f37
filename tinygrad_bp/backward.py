"""The names of before, until every reading is made from a `Record`."""

from typing import Any

from .engine import Tensor
from .engine import finish as finished
from .engine import grad as grad
from .engine import starting_gradient as starting_gradient
from .engine import sum_copies as summed_to
from .engine import sweep as _sweep
from .errors import operation as name_of

__all__ = ["finished", "grad", "name_of", "starting_gradient", "summed_to"]


def backward_closures(tensor: Any, create_graph: bool) -> Any:
    """Return the closures of a step."""
    return tensor.closures(create_graph)


def sweep(output: Tensor, g: Any, create_graph: bool = False, visit: Any = None) -> list[Any]:
    """Return the leaves with their gradients."""
    leaves = []
    for tensor, upstream in _sweep([(output, g)]):
        if tensor.primitive is None:
            leaves.append((tensor, upstream))
        elif visit is not None:
            visit(tensor, upstream)
    return leaves
