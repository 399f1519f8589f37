"""The source derivation as a submission: its formulas in NumPy, and what the grader says of them.

The source is a solution by hand, and cannot be run as it is printed. So it stands here in four
readings, from the most literal to the most charitable. Comments that begin with "source" quote it
above the lines of NumPy. Run, this file prints

    as_printed    no answers: ValueError
    case_equal    y_hat right, W3 softmax-diagonal, W2 carried forward, W1 carried forward
    case_unequal  y_hat right, W3 softmax-off-diagonal, W2 carried forward, W1 wrong-sign
    gradients     y_hat right, W3 right, W2 right, W1 softmax-wrong-sign
"""

import numpy as np


def as_printed(y, y_hat, a2):
    """Read the products as matrix products, in the order in which they are printed."""
    # source: da3/dz3 = { -a_i a_j         i != j
    #                   { a_i (1 - a_i)    i = j
    J = np.where(np.eye(len(y_hat)), y_hat * (1 - y_hat), -y_hat * y_hat.T)
    # source (1): dL/dw3 = dL/da3 . da3/dz3 . dz3/dw3, where dL/da3 = -2 (y - y_hat), dz3/dw3 = a2
    return {"W3": -2 * (y - y_hat) @ J @ a2}


def conformable(y, y_hat, a1, a2, W2, W3, x, J, J_in_3):
    """Read the factors in an order in which their shapes fit, and change nothing else.

    The column dL/da3 is multiplied from the left: by J, a matrix of one case or of both, by the
    transposed weights, and entry by entry by a (1 - a). The last factor is a row.
    """
    # source: dL/da3 = 2 (y - y_hat) . (-1) = -2 (y - y_hat)
    dL_da3 = -2 * (y - y_hat)

    # source (1): dL/dw3 = { -2 (y - y_hat) x (-a_i a_j) x a2          i != j
    #                      { -2 (y - y_hat) x (a_i (1 - a_i)) x a2     i = j
    dL_dW3 = J @ dL_da3 @ a2.T

    # source (2): dL/dw2 = { -2 (y - y_hat) x (-a_i a_j) x w3 x (a2 (1 - a2)) x a1          i != j
    #                      { -2 (y - y_hat) x (a_i (1 - a_i)) x w3 x (a2 (1 - a2)) x a1     i = j
    dL_dW2 = (a2 * (1 - a2)) * (W3.T @ (J @ dL_da3)) @ a1.T

    # source (3): dL/dw1 = { -2 (y - y_hat) (a_i a_j) w3 (a2 (1 - a2)) w2 a1 (1 - a1) x       i != j
    #                      { -2 (y - y_hat) (a_i (1 - a_i)) w3 (a2 (1 - a2)) w2 a1 (1 - a1) x i = j
    dL_dz2 = (a2 * (1 - a2)) * (W3.T @ (J_in_3 @ dL_da3))
    dL_dW1 = (a1 * (1 - a1)) * (W2.T @ dL_dz2) @ x.T

    return {"y_hat": dL_da3, "W3": dL_dW3, "W2": dL_dW2, "W1": dL_dW1}


def equal(a):
    """Return the case i = j of the softmax Jacobian, a matrix that is zero elsewhere."""
    # source: da3/dz3_i = a_i (1 - a_i), if i = j
    return np.diagflat(a * (1 - a))


def unequal(a):
    """Return the case i != j."""
    # source: da3/dz3_j = -a_i a_j, if i != j
    return off_diagonal(-a * a.T)


def unequal_in_3(a):
    """Return the case i != j as formula 3 has it: the minus sign is lost."""
    # source (3): (a_i a_j), where i != j
    return off_diagonal(a * a.T)


def off_diagonal(matrix):
    return matrix * (1 - np.eye(len(matrix)))


def case_equal(y, y_hat, a1, a2, W2, W3, x):
    """Read the cases as alternatives, as they are printed: here i = j."""
    J = equal(y_hat)
    return conformable(y, y_hat, a1, a2, W2, W3, x, J, J_in_3=J)


def case_unequal(y, y_hat, a1, a2, W2, W3, x):
    """Read the cases as alternatives, as they are printed: here i != j."""
    J, J_in_3 = unequal(y_hat), unequal_in_3(y_hat)
    return conformable(y, y_hat, a1, a2, W2, W3, x, J, J_in_3)


def gradients(y, y_hat, a1, a2, W2, W3, x):
    """Read the cases as the entries of one matrix, so that a product sums over both."""
    J = equal(y_hat) + unequal(y_hat)
    J_in_3 = equal(y_hat) + unequal_in_3(y_hat)
    return conformable(y, y_hat, a1, a2, W2, W3, x, J, J_in_3)


READINGS = (as_printed, case_equal, case_unequal, gradients)


def main():
    """Grade every reading, and print what was found in each line."""
    import tinygrad_bp as bp  # the derivation itself needs NumPy alone

    for reading in READINGS:
        report = bp.grade(reading)
        if report.failure:
            found = f"no answers: {report.failure.partition(':')[0]}"
        else:
            answered = [line for line in report.lines if line.verdict != "missing"]
            found = ", ".join(f"{line.name} {said(line)}" for line in answered)
        print(f"{reading.__name__:13} {found}")


def said(line):
    return " or ".join(line.mistakes) or line.verdict


if __name__ == "__main__":
    main()
