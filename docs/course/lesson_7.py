"""Lesson 7: a step in which every output depends on every input.

A softmax divides by a sum, so moving one z_j moves every a_i. All slopes together are the Jacobian
J[i, j] = a_i (1 - a_i) if i = j, and -a_i a_j if not, and the contribution to z_j is the sum over
all i of g_i J[i, j]. J need not be built: the sum is a * (g - ga), where ga is the product of g and
a. This file prints

    g J         = [ 0.142 -0.025 -0.117]
    a * (g - ga) = [ 0.142 -0.025 -0.117]
    with the diagonal alone: [0.216 0.125 0.   ]
"""

import numpy as np


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


z, g = np.array([0.1, 0.5, -0.3]), np.array([1.0, 0.5, 0.0])
a = softmax(z)

J = np.empty((3, 3))
for i in range(3):
    for j in range(3):
        J[i, j] = a[i] * (1 - a[i]) if i == j else -a[i] * a[j]

with np.printoptions(precision=3, suppress=True):
    print("g J         =", g @ J)
    print("a * (g - ga) =", a * (g - g @ a))
    # What breaks without it: the two cases are terms of one sum, not alternatives.
    print("with the diagonal alone:", g * np.diag(J))
