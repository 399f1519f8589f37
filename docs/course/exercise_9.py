"""Exercise 9: a derivative inside the loss; see `lesson_9.py`.

The slope s of y by x is recorded, and L depends on it. So the derivative of L by x goes through a
second derivative of y. Fill in the derivatives of L in `gradients`, and run this file. It says
which line is wrong, and gives a hint.
"""

import tinygrad_bp as bp

w = bp.tensor(0.5, requires_grad=True, name="w")
x = bp.tensor(2.0, requires_grad=True, name="x")
t = bp.tensor(4.0, name="t")
y = w * x * x * x
s = bp.grad(y, x, create_graph=True).named("s")
L = ((s - t) ** 2).named("L")


def gradients(w, x, t, s):
    return {
        # "s": the derivative of L by s,
        # "w": the derivative of L by w: what is s as a formula of w and x?
        # "x": the derivative of L by x,
    }


if __name__ == "__main__":
    print(bp.grade(gradients, L).for_learner())
