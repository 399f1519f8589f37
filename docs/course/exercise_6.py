"""Exercise 6: a bias, and a relu; see `lesson_6.py`. Samples are rows.

Fill in the derivatives of L in `gradients`, in plain NumPy, and run this file. It says which line
is wrong, and gives a hint. All four lines count.
"""

import numpy as np

import tinygrad_bp as bp

rng = np.random.default_rng(0)
X = bp.tensor(rng.normal(size=(5, 3)), name="X")
Y = bp.tensor(rng.normal(size=(5, 2)), name="Y")
W = bp.tensor(rng.normal(size=(3, 2)), requires_grad=True, name="W")
b = bp.tensor(rng.normal(size=2), requires_grad=True, name="b")
Z = (X @ W + b).named("Z")
H = bp.relu(Z).named("H")
L = bp.square_sum(H - Y).named("L")


def gradients(W, b, X, Y, Z, H):
    return {
        # "H": the derivative of L by H,
        # "Z": the derivative of L by Z,
        # "W": the derivative of L by W,
        # "b": the derivative of L by b,
    }


if __name__ == "__main__":
    print(bp.grade(gradients, L, required=["H", "Z", "W", "b"]).for_learner())
