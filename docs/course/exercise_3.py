"""Exercise 3: a value that is used twice; see `lesson_3.py`.

Fill in the derivatives of L in `gradients`, in plain Python, and run this file. It says which line
is wrong, and gives a hint. All three lines count.
"""

import tinygrad_bp as bp

x = bp.tensor(5.0, name="x")
w = bp.tensor(3.0, requires_grad=True, name="w")
s = (w * w).named("s")
r = (s + w * x).named("r")
L = (r * r).named("L")


def gradients(w, x, s, r):
    return {
        # "r": the derivative of L by r,
        # "s": the derivative of L by s,
        # "w": the derivative of L by w,
    }


if __name__ == "__main__":
    print(bp.grade(gradients, L, required=["r", "s", "w"]).for_learner())
