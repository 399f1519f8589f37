"""The rule table: all the calculus of the project, a file per family.

An entry is a function on plain arrays, made an operation by `primitive`, and its backward rule.
Rules are written in NumPy. Given arrays, that is NumPy itself; given Tensors, operators, methods
and NumPy functions record the operation of the same name in the table. A few public functions need
no rule: they are composed of entries. Examples in docstrings begin with np and bp imported.
"""

from ..engine import Primitive
from ..table import COMPARISONS, TABLE
from . import (
    activations,
    arithmetic,
    comparisons,
    compositions,
    decompositions,
    elementwise,
    linear_algebra,
    losses,
    models,
    numpy_names,
    reductions,
    rounding,
    shaping,
)

FAMILIES = (
    *(arithmetic, elementwise, rounding, activations, linear_algebra, decompositions),
    *(reductions, shaping, compositions, models, losses),
)

for family in FAMILIES:
    TABLE.update({n: entry for n, entry in vars(family).items() if isinstance(entry, Primitive)})

for entry in TABLE.values():
    if isinstance(entry, Primitive):
        entry.fresh = True  # each returns a new array, or a view of its operand

COMPARISONS.update({n: row for n, row in vars(comparisons).items() if isinstance(row, Primitive)})

numpy_names.fill()
