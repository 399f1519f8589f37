"""Exercise 2: a value that remembers how it was computed; see `lesson_2.py`.

Each step remembers what it was computed from, and a function from its own gradient g to one
contribution for each of these. Fill in the three functions, in plain NumPy, and run this file. It
says which gradient is wrong, and gives a hint.
"""

import tinygrad_bp as bp

w = bp.tensor(0.5, requires_grad=True, name="w")
v = bp.tensor(3.0, requires_grad=True, name="v")
b = bp.tensor(-1.0, requires_grad=True, name="b")
m = (w * v).named("m")
s = (m + b).named("s")
L = bp.tanh(s).named("L")


def gradients(w, v, b, m, s, L):
    steps = {
        # "L": (["s"], lambda g: [one contribution]),
        # "s": (["m", "b"], lambda g: [two contributions]),
        # "m": (["w", "v"], lambda g: [two contributions]),
    }
    found = {"L": 1.0}
    for name, (inputs, backward) in steps.items():
        found.update(zip(inputs, backward(found[name])))
    del found["L"]
    return found


if __name__ == "__main__":
    print(bp.grade(gradients, L).for_learner())
