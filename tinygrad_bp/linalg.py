"""Linear algebra by NumPy's names: ``bp.linalg.solve(a, b)``, as ``np.linalg.solve``."""

from typing import Any as _Any

from .habits import missing as _missing
from .rules.compositions import tensordot
from .rules.decompositions import (
    cholesky,
    det,
    eigh,
    eigvalsh,
    inv,
    lstsq,
    norm,
    pinv,
    slogdet,
    solve,
    svd,
    svdvals,
)
from .rules.linear_algebra import matmul, matrix_transpose, outer


def __getattr__(name: str) -> _Any:
    raise _missing("bp.linalg", name, globals())
