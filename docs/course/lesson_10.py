"""Lesson 10: the real engine.

Everything from the nine lessons is in `tinygrad_bp/engine.py`: Value is Tensor, a row of the table
is a Primitive, and the sweep is the sweep. This file breaks the duties of the sweep one at a time,
as the lessons did, and counts the gradients that are still right. It prints

    as it is: 3 of 3 gradients are right
    lesson 3, contributions are not added up: 1 of 3 gradients are right
    lesson 4, the one that waits longest comes first: 1 of 3 gradients are right
    lesson 8, the slope of the sigmoid is forgotten: 2 of 3 gradients are right
"""

import numpy as np

import tinygrad_bp as bp
from tinygrad_bp.engine import Tensor, sweep

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(4, 3)), rng.random((4, 2))
W1 = bp.tensor(rng.normal(size=(3, 3)), requires_grad=True, name="W1")
W2 = bp.tensor(rng.normal(size=(3, 2)), requires_grad=True, name="W2")
b = bp.tensor(np.zeros(2), requires_grad=True, name="b")

h = bp.sigmoid(X @ W1)
y_hat = bp.sigmoid(h @ W2 + b)
L = bp.square_sum(y_hat - Y) + 0.1 * bp.square_sum(W2) + 0.1 * h.sum()  # W2 and h: used twice


def without_sigmoid(tensor: Tensor, recorded: bool):
    if tensor is h:
        return [lambda g: g]
    return tensor.closures(recorded)


right = bp.grad(L, [W1, W2, b])
for what, duties in {
    "as it is": {},
    "lesson 3, contributions are not added up": {"add": lambda x, earlier, new: new},
    "lesson 4, the one that waits longest comes first": {"in_order": False},
    "lesson 8, the slope of the sigmoid is forgotten": {"closures": without_sigmoid},
}.items():
    found = {x.id: g for x, g in sweep([(L, np.float64(1))], **duties)}
    count = sum(np.allclose(found[x.id], g) for x, g in zip((W1, W2, b), right, strict=True))
    print(f"{what}: {count} of 3 gradients are right")
