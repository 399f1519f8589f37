"""Two submissions of the worked problem, as files hold them: one right, one with a slip."""

RIGHT = """\
def gradients(W3, a2, y_hat, y):
    dy_hat = -2 * (y - y_hat)
    dz3 = y_hat * (dy_hat - (y_hat * dy_hat).sum())
    return {"y_hat": dy_hat, "z3": dz3, "W3": dz3 @ a2.T}
"""
DIAGONAL = RIGHT.replace("(dy_hat - (y_hat * dy_hat).sum())", "(1 - y_hat) * dy_hat")
