"""The rule table: all the calculus of the project, a file per family.

An entry is a function on plain arrays, made an operation by `primitive`, and its backward rule.
Rules are written in NumPy. Given arrays, that is NumPy itself; given Tensors, operators, methods
and NumPy functions record the operation of the same name in the table. A few public functions need
no rule, because they are composed of entries.
"""

from ..primitive import Primitive
from ..table import COMPARISONS, TABLE
from . import (
    activations,
    arithmetic,
    comparisons,
    elementwise,
    linear_algebra,
    models,
    reductions,
    shaping,
)

FAMILIES = (arithmetic, elementwise, activations, linear_algebra, reductions, shaping, models)

for family in FAMILIES:
    for name, entry in vars(family).items():
        if isinstance(entry, Primitive):
            TABLE[name] = entry

TABLE["split"] = shaping.split  # type: ignore[assignment]  # it returns a list of Tensors
TABLE.update(
    einsum=linear_algebra.einsum,
    max_pool2d=models.max_pool2d,
    avg_pool2d=models.avg_pool2d,
    embedding=models.embedding,
    dropout=models.dropout,
    cross_entropy=models.cross_entropy,
)

for name, entry in vars(comparisons).items():
    if isinstance(entry, Primitive):
        COMPARISONS[name] = entry
