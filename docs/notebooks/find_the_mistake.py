# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Find the mistake
#
# Here is a network, and somebody's derivation of its gradients. One line is wrong. Which one?

# %%
import numpy as np

import tinygrad_bp as bp

rng = np.random.default_rng(0)
X, Y = bp.tensor(rng.normal(size=(5, 3)), name="X"), bp.tensor(rng.random((5, 2)), name="Y")
W = bp.tensor(rng.normal(size=(3, 2)), requires_grad=True, name="W")
b = bp.tensor(rng.normal(size=2), requires_grad=True, name="b")

Z = (X @ W + b).named("Z")
A = bp.sigmoid(Z).named("A")
L = bp.square_sum(A - Y).named("L")


# %%
def derivation(X, Y, W, b, Z, A):
    dA = 2 * (A - Y)
    dZ = dA * A
    return {"A": dA, "Z": dZ, "W": X.T @ dZ, "b": dZ.sum(axis=0)}


# %% [markdown]
# The grader replays the recorded loss at other points and compares each line. This is the
# learner's view; a line that is right, given an earlier slip, is not charged again.

# %%
report = bp.grade(derivation, L)
report.for_learner()

# %% [markdown]
# This is the teacher's view, with the name of the mistake.

# %%
report

# %% [markdown]
# What would the mistake do to a training run? `inject` puts it into one step of this network.

# %%
bp.inject(report["Z"].mistakes[0], L)

# %% [markdown]
# With the slope of the sigmoid, A (1 - A), every line is right.


# %%
def mended(X, Y, W, b, Z, A):
    dZ = 2 * (A - Y) * A * (1 - A)
    return {"Z": dZ, "W": X.T @ dZ, "b": dZ.sum(axis=0)}


bp.grade(mended, L)
