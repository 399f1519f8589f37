"""Benchmarks: this package beside hand-written NumPy, PyTorch, JAX, autograd and MyGrad.

    python -m benchmarks [PART ...] [--out FOLDER] [--against FILE]

With ``--out docs/benchmarks``, it writes all figures of the docs anew, and how long each part took.
Contenders that are not installed are left out: pip install --editable ".[bench]".
"""

import os

for _variable in (
    *("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"),
    "VECLIB_MAXIMUM_THREADS",
):
    os.environ[_variable] = "1"  # read when NumPy is imported
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)
