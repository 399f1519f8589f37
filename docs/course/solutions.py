"""The solutions of the exercises: look here when the grader is content, or when you are stuck."""


def exercise_1(w, x, y, m, e):
    de = 2 * e
    dm = de
    return {"e": de, "m": dm, "w": dm * x}


def exercise_3(w, x, s, r):
    dr = 2 * r
    return {"r": dr, "s": dr, "w": dr * 2 * w + dr * x}


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
