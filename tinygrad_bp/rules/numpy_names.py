"""NumPy's functions and the operations that they stand for, when they are called on a Tensor."""

import numpy as np

from ..table import FUNCTIONS, PARAMETERS, TABLE, WITHOUT_GRADIENT
from .compositions import full_like

#: Where NumPy has another name for an operation; and an operation that shares the name of another
#: function: np.identity makes a matrix.
ALIASES = {"amax": "max", "amin": "min", "positive": "identity", "identity": ""}

#: Functions of np.linalg that mean the same as the operation of their name; trace does not.
OF_LINALG = (
    *("norm", "matmul", "outer", "matrix_transpose", "tensordot", "solve", "inv", "pinv", "lstsq"),
    *("det", "slogdet", "cholesky", "eigh", "eigvalsh", "svd", "svdvals"),
)


def fill() -> None:
    for name in [*TABLE, *ALIASES]:
        entry = TABLE.get(ALIASES.get(name, name))
        if entry is not None and name in vars(np):
            FUNCTIONS[vars(np)[name]] = entry
    FUNCTIONS[np.full_like] = full_like
    for name in OF_LINALG:
        FUNCTIONS[getattr(np.linalg, name)] = TABLE[name]
    PARAMETERS.update(a_min="min", a_max="max", newshape="shape")  # the last in NumPy 2.0
    WITHOUT_GRADIENT.update(
        *((np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal),),
        *((np.isfinite, np.isinf, np.isnan, np.signbit, np.shape, np.ndim, np.size),),
        *((np.argmax, np.argmin, np.argsort, np.argwhere, np.nonzero, np.flatnonzero),),
        *((np.count_nonzero, np.searchsorted, np.digitize, np.any, np.all, np.linalg.matrix_rank),),
        *((np.isclose, np.allclose, np.array_equal, np.array_equiv, np.isreal, np.isrealobj),),
        *((np.logical_and, np.logical_or, np.logical_xor, np.logical_not),),
        *((np.zeros_like, np.ones_like, np.empty_like),),
    )
