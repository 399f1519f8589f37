"""The solutions of the exercises: look here when the grader is content, or when you are stuck."""


def exercise_1(w, x, y, m, e):
    de = 2 * e
    dm = de
    return {"e": de, "m": dm, "w": dm * x}


def exercise_2(w, v, b, m, s, L):
    steps = {
        "L": (["s"], lambda g: [g * (1 - L**2)]),
        "s": (["m", "b"], lambda g: [g, g]),
        "m": (["w", "v"], lambda g: [g * v, g * w]),
    }
    found = {"L": 1.0}
    for name, (inputs, backward) in steps.items():
        found.update(zip(inputs, backward(found[name])))
    del found["L"]
    return found


def exercise_3(w, x, s, r):
    dr = 2 * r
    return {"r": dr, "s": dr, "w": dr * 2 * w + dr * x}


def exercise_4(x, k, b, c, e):
    rules = {
        "b": lambda g: {"x": g * k, "k": g * x},
        "c": lambda g: {"b": g * 2 * b},
        "e": lambda g: {"b": g * c, "c": g * b},
        "L": lambda g: {"e": g, "b": g},
    }
    order = ["L", "e", "c", "b"]  # the last made first: b waits for c, and c for e
    found = {"L": 1.0}
    for name in order:
        for value, contribution in rules[name](found[name]).items():
            found[value] = found.get(value, 0.0) + contribution
    del found["L"]
    return found


def exercise_5(W, X, Y, Z):
    dZ = 2 * (Z - Y)
    return {"Z": dZ, "W": dZ @ X.T}


def exercise_6(W, b, X, Y, Z, H):
    dH = 2 * (H - Y)
    dZ = dH * (Z > 0)
    return {"H": dH, "Z": dZ, "W": X.T @ dZ, "b": dZ.sum(axis=0)}


def exercise_7(W, x, y, z, a):
    da = -2 * (y - a)
    dz = a * (da - (da * a).sum())
    return {"a": da, "z": dz, "W": dz @ x.T}


def exercise_9(w, x, t, s):
    ds = 2 * (s - t)  # s is 3 w x^2
    return {"s": ds, "w": ds * 3 * x**2, "x": ds * 6 * w * x}
