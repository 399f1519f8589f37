"""Exercise 7: the softmax; see `lesson_7.py`.

Fill in the derivatives of L in `gradients`, in plain NumPy, and run this file. It says which line
is wrong, and gives a hint. All three lines count.
"""

import numpy as np

import tinygrad_bp as bp

rng = np.random.default_rng(0)
x = bp.tensor(rng.normal(size=(4, 1)), name="x")
y = bp.tensor(rng.random((3, 1)), name="y")
W = bp.tensor(rng.normal(size=(3, 4)), requires_grad=True, name="W")
z = (W @ x).named("z")
a = bp.softmax(z, axis=0).named("a")
L = bp.square_sum(y - a).named("L")


def gradients(W, x, y, z, a):
    return {
        # "a": the derivative of L by a,
        # "z": the derivative of L by z,
        # "W": the derivative of L by W,
    }


if __name__ == "__main__":
    print(bp.grade(gradients, L, required=["a", "z", "W"]).for_learner())
