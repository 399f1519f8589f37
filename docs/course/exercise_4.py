"""Exercise 4: in which order to go back; see `lesson_4.py`.

The rules of the steps are given. Complete the order in which they are visited, and run this file.
It says which gradient is wrong, and gives a hint.
"""

import tinygrad_bp as bp

x = bp.tensor(0.5, requires_grad=True, name="x")
k = bp.tensor(3.0, requires_grad=True, name="k")
b = (x * k).named("b")
c = (b * b).named("c")
e = (b * c).named("e")
L = (e + b).named("L")


def gradients(x, k, b, c, e):
    rules = {
        "b": lambda g: {"x": g * k, "k": g * x},
        "c": lambda g: {"b": g * 2 * b},
        "e": lambda g: {"b": g * c, "c": g * b},
        "L": lambda g: {"e": g, "b": g},
    }
    order = ["L"]  # and then?
    found = {"L": 1.0}
    for name in order:
        for value, contribution in rules[name](found[name]).items():
            found[value] = found.get(value, 0.0) + contribution
    del found["L"]
    return found


if __name__ == "__main__":
    print(bp.grade(gradients, L).for_learner())
