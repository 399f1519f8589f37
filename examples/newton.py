"""Logistic regression by Newton's method, checked against its closed form.

For labels y in {0, 1}, rows x_i and p = sigmoid(X w), the loss -mean(y log p + (1 - y) log(1 - p))
has the gradient X^T (p - y) / n and the Hessian X^T diag(p (1 - p)) X / n. `bp.hessian` must give
the same matrix from the loss alone. Each step of Newton's method solves with it. Run, this file
prints

    step 0   loss 0.693147   |gradient| 3.6e-01   Hessian off by less than 1e-12
    step 1   loss 0.381535   |gradient| 1.0e-01   Hessian off by less than 1e-12
    step 2   loss 0.309145   |gradient| 3.7e-02   Hessian off by less than 1e-12
    step 3   loss 0.288150   |gradient| 1.0e-02   Hessian off by less than 1e-12
    step 4   loss 0.285379   |gradient| 1.4e-03   Hessian off by less than 1e-12
    step 5   loss 0.285311   |gradient| 3.8e-05   Hessian off by less than 1e-12
"""

import numpy as np

import tinygrad_bp as bp

rng = np.random.default_rng(0)
X = np.column_stack([np.ones(200), rng.normal(size=(200, 3))])
y = (X @ [0.5, 3.0, -2.0, 1.0] + rng.logistic(size=200) > 0).astype(float)


def loss(w):
    return bp.binary_cross_entropy_with_logits(X @ w, y)


def closed_form(w):
    p = 1 / (1 + np.exp(-X @ w))
    return X.T @ (p - y) / len(y), X.T * (p * (1 - p)) @ X / len(y)


w = np.zeros(4)
for step in range(6):
    value, gradient = bp.value_and_grad(loss)(w)
    hessian = bp.hessian(loss)(w)
    by_hand, matrix = closed_form(w)
    error = max(np.abs(gradient - by_hand).max(), np.abs(hessian - matrix).max())
    bound = "less than 1e-12" if error < 1e-12 else f"{error:.0e}"
    size = np.linalg.norm(gradient)
    print(f"step {step}   loss {value:.6f}   |gradient| {size:.1e}   Hessian off by {bound}")
    w = w - np.linalg.solve(hessian, gradient)
