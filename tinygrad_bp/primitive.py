"""The names of before, until all files import from the engine."""

from .engine import Closure, Primitive, Tensor, Value, next_id, primitive, tensor
from .variable import name_tensors

__all__ = [
    "Closure",
    "Primitive",
    "Tensor",
    "Value",
    "name_tensors",
    "next_id",
    "primitive",
    "tensor",
]
