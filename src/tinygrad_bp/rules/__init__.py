"""The rule table: all the calculus of the project, a file per family.

An entry is a function on plain arrays, made an operation by `primitive`, and its backward rule.
Rules are written in NumPy. Given arrays, that is NumPy itself; given Tensors, operators, methods
and NumPy functions record the operation of the same name in the table below.
"""

from ..primitive import Primitive
from ..table import TABLE
from . import activations, arithmetic, linear_algebra, reductions, shaping

for family in (arithmetic, activations, linear_algebra, reductions, shaping):
    for name, entry in vars(family).items():
        if isinstance(entry, Primitive):
            TABLE[name] = entry
