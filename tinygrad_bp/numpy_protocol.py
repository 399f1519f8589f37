"""The names of before, until all files import from the operators."""

from .operators import operation, value_of

__all__ = ["operation", "value_of"]
