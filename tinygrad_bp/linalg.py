"""Linear algebra by NumPy's names: ``bp.linalg.solve(a, b)``, as ``np.linalg.solve``."""

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
