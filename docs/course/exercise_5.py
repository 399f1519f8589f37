"""Exercise 5: a matrix product; see `lesson_5.py`. Samples are columns.

Fill in the derivatives of L in `gradients`, in plain NumPy, and run this file. It says which line
is wrong, and gives a hint. Both lines count.
"""

import numpy as np

import tinygrad_bp as bp

rng = np.random.default_rng(0)
X = bp.tensor(rng.normal(size=(3, 4)), name="X")
Y = bp.tensor(rng.normal(size=(2, 4)), name="Y")
W = bp.tensor(rng.normal(size=(2, 3)), requires_grad=True, name="W")
Z = (W @ X).named("Z")
L = bp.square_sum(Z - Y).named("L")


def gradients(W, X, Y, Z):
    return {
        # "Z": the derivative of L by Z,
        # "W": the derivative of L by W,
    }


if __name__ == "__main__":
    print(bp.grade(gradients, L, required=["Z", "W"]).for_learner())
