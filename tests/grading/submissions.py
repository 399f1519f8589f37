"""Two submissions of the worked problem, as files hold them, and whether one still runs."""

import time

RIGHT = """\
def gradients(W2, W3, x, a1, a2, y_hat, y):
    dy_hat = -2 * (y - y_hat)
    dz3 = y_hat * (dy_hat - (y_hat * dy_hat).sum(0))
    dz2 = W3.T @ dz3 * a2 * (1 - a2)
    dz1 = W2.T @ dz2 * a1 * (1 - a1)
    weights = {"W3": dz3 @ a2.T, "W2": dz2 @ a1.T, "W1": dz1 @ x.T}
    return {"y_hat": dy_hat, "z3": dz3, **weights}
"""
DIAGONAL = RIGHT.replace("(dy_hat - (y_hat * dy_hat).sum(0))", "(1 - y_hat) * dy_hat")


def is_at_rest(path):
    """Say whether nobody writes to a file any longer; who has just been ended may, for a moment."""
    time.sleep(0.5)
    size = path.stat().st_size
    time.sleep(0.5)
    return path.stat().st_size == size
