"""Exercise 1: the chain rule on five nodes; see `lesson_1.py`.

Fill in the derivatives of L in `gradients`, in plain Python, and run this file. It says which line
is wrong, and gives a hint. All three lines count. Write each answer in w, x, y, m and e: it is
tried at other values too, so a number is not enough.
"""

import tinygrad_bp as bp

x = bp.tensor(2.0, name="x")
y = bp.tensor(7.0, name="y")
w = bp.tensor(1.0, requires_grad=True, name="w")
m = (w * x).named("m")
e = (m - y).named("e")
L = (e * e).named("L")


def gradients(w, x, y, m, e):
    return {
        # "e": the derivative of L by e,
        # "m": the derivative of L by m,
        # "w": the derivative of L by w,
    }


if __name__ == "__main__":
    print(bp.grade(gradients, L, required=["e", "m", "w"]).for_learner())
