"""Right derivations pass, whatever the route: no line of any is marked."""

import numpy as np
import pytest

from tinygrad_bp import grade
from tinygrad_bp.worked_problem.problem import random_problem


def closed_form(W2, W3, x, y, a1, a2, y_hat):
    dy = -2 * (y - y_hat)
    dz3 = y_hat * (dy - (y_hat * dy).sum(0))
    da2 = W3.T @ dz3
    dz2 = da2 * a2 * (1 - a2)
    da1 = W2.T @ dz2
    dz1 = da1 * a1 * (1 - a1)
    return {
        "y_hat": dy,
        "z3": dz3,
        "W3": dz3 @ a2.T,
        "a2": da2,
        "z2": dz2,
        "W2": dz2 @ a1.T,
        "a1": da1,
        "z1": dz1,
        "W1": dz1 @ x.T,
    }


def einsum(W1, W2, W3, x, y, a1, a2, y_hat):
    J = np.einsum("ib,ij->bij", y_hat, np.eye(len(y_hat))) - np.einsum("ib,jb->bij", y_hat, y_hat)
    dz3 = np.einsum("bij,ib->jb", J, 2 * (y_hat - y))
    dz2 = np.einsum("ij,ib,jb,jb->jb", W3, dz3, a2, 1 - a2)
    dz1 = np.einsum("ij,ib,jb,jb->jb", W2, dz2, a1, 1 - a1)
    return {
        "dL_dz3": dz3,
        "dL_dW3": np.einsum("ib,jb->ij", dz3, a2),
        "dL_dW2": np.einsum("ib,jb->ij", dz2, a1),
        "dL_dW1": np.einsum("ib,jb->ij", dz1, x),
        "dL_dx": np.einsum("ij,ib->jb", W1, dz1),
    }


def loops(W2, W3, x, y, a1, a2, y_hat):
    n3, n2, n1, n0 = len(y), len(a2), len(a1), len(x)
    dW3, dW2, dW1 = np.zeros((n3, n2)), np.zeros((n2, n1)), np.zeros((n1, n0))
    for b in range(x.shape[1]):
        dz3, dz2, dz1 = [0.0] * n3, [0.0] * n2, [0.0] * n1
        for j in range(n3):
            for i in range(n3):
                slope = -2 * (y[i, b] - y_hat[i, b])
                if i == j:
                    dz3[j] += slope * y_hat[i, b] * (1 - y_hat[i, b])
                else:
                    dz3[j] -= slope * y_hat[i, b] * y_hat[j, b]
        for j in range(n2):
            for i in range(n3):
                dz2[j] += dz3[i] * W3[i, j] * a2[j, b] * (1 - a2[j, b])
                dW3[i, j] += dz3[i] * a2[j, b]
        for k in range(n1):
            for j in range(n2):
                dz1[k] += dz2[j] * W2[j, k] * a1[k, b] * (1 - a1[k, b])
                dW2[j, k] += dz2[j] * a1[k, b]
            for m in range(n0):
                dW1[k, m] += dz1[k] * x[m, b]
    return {"dW3": dW3, "dW2": dW2, "dW1": dW1}


def jacobian_matrices(W2, W3, x, y, a1, a2, y_hat):
    """Rows for gradients, every factor a matrix, multiplied from left to right."""
    dW3, dW2, dW1, dz1s = 0, 0, 0, []
    for b in range(x.shape[1]):
        p = y_hat[:, b]
        row = -2 * (y[:, b] - p)[None, :] @ (np.diag(p) - np.outer(p, p))
        dW3 = dW3 + row.T @ a2[:, b][None, :]
        row = row @ W3 @ np.diag(a2[:, b] * (1 - a2[:, b]))
        dW2 = dW2 + row.T @ a1[:, b][None, :]
        row = row @ W2 @ np.diag(a1[:, b] * (1 - a1[:, b]))
        dW1 = dW1 + row.T @ x[:, b][None, :]
        dz1s.append(row[0])
    return {"dL/dW3": dW3, "dL/dW2": dW2, "dL/dW1": dW1, "dL/dz1": np.transpose(dz1s)}


def kronecker(W2, W3, x, y, a1, a2, y_hat):
    """vec(dL/dW) = (a kron I) dL/dz, columns stacked."""

    def unvec(v, shape):
        return v.reshape(shape, order="F")

    d = closed_form(W2, W3, x, y, a1, a2, y_hat)
    out = {}
    for name, g, a in (("W3", d["z3"], a2), ("W2", d["z2"], a1), ("W1", d["z1"], x)):
        total = 0
        for b in range(x.shape[1]):
            total = total + np.kron(a[:, [b]], np.eye(len(g))) @ g[:, b]
        out[name] = unvec(total, (len(g), len(a)))
    return out


def per_sample(W2, W3, x, y, a1, a2, y_hat):
    """One sample at a time, and the gradients of the weights added up."""
    every = [
        closed_form(W2, W3, *(v[:, [b]] for v in (x, y, a1, a2, y_hat))) for b in range(x.shape[1])
    ]
    return {
        name: sum(d[name] for d in every)
        if name.startswith("W")
        else np.hstack([d[name] for d in every])
        for name in every[0]
    }


def rearranged(W2, W3, x, y, a1, a2, y_hat):
    """The products written out, and other ways to write each factor."""
    r = y_hat - y
    dz3 = 2 * (y_hat * r - y_hat * np.sum(y_hat * r, axis=0))
    dz2 = (W3.T @ dz3) * (a2 - a2**2)
    dz1 = (W2.T @ dz2) * (0.25 - (a1 - 0.5) ** 2)
    return {"z3": dz3, "W3": (a2 @ dz3.T).T, "W2": (a1 @ dz2.T).T, "z1": dz1, "W1": (x @ dz1.T).T}


def from_the_pre_activations(W2, W3, x, y, z1, z2, z3):
    """Nothing but the z: sigmoid' = e^-z / (1 + e^-z)^2, and the softmax by the quotient rule."""
    e = np.exp(z3)
    s = e.sum(axis=0)
    dp = -2 * (y - e / s)
    dz3 = dp * e / s - e * (dp * e).sum(axis=0) / s**2
    slope = [np.exp(-z) / (1 + np.exp(-z)) ** 2 for z in (z1, z2)]
    dz2 = W3.T.dot(dz3) * slope[1]
    dz1 = W2.T.dot(dz2) * slope[0]
    return {
        "z3": dz3,
        "W3": dz3.dot((1 / (1 + np.exp(-z2))).T),
        "W2": dz2.dot((1 / (1 + np.exp(-z1))).T),
        "W1": dz1.dot(x.T),
    }


def forward_mode(W1, W2, W3, x, y, a1, a2, y_hat):
    """Each weight nudged in turn, to first order, by the chain rule from the front."""

    def directional(dW1, dW2, dW3):
        da1 = a1 * (1 - a1) * (dW1 @ x)
        da2 = a2 * (1 - a2) * (dW2 @ a1 + W2 @ da1)
        dz3 = dW3 @ a2 + W3 @ da2
        dp = y_hat * dz3 - y_hat * (y_hat * dz3).sum(0)
        return (-2 * (y - y_hat) * dp).sum()

    zeros = [np.zeros_like(W) for W in (W1, W2, W3)]
    out = {}
    for i, name in enumerate(("W1", "W2", "W3")):
        g = np.zeros_like(zeros[i])
        for index in np.ndindex(g.shape):
            nudge = [z.copy() for z in zeros]
            nudge[i][index] = 1.0
            g[index] = directional(*nudge)
        out[name] = g
    return out


def complex_step(W1, W2, W3, x, y):
    """The imaginary part of the loss at an imaginary nudge: exact to rounding."""

    def loss(*W):
        a = x
        for matrix in W[:2]:
            a = 1 / (1 + np.exp(-matrix @ a))
        e = np.exp(W[2] @ a)
        return ((y - e / e.sum(0)) ** 2).sum()

    out = {}
    for i, name in enumerate(("W1", "W2", "W3")):
        g = np.zeros((W1, W2, W3)[i].shape)
        for index in np.ndindex(g.shape):
            W = [np.array(w, dtype=complex) for w in (W1, W2, W3)]
            W[i][index] += 1e-30j
            g[index] = loss(*W).imag / 1e-30
        out[f"d{name}"] = g
    return out


def lists(W2, W3, x, y, a1, a2, y_hat):
    """The closed form as nested lists."""
    d = closed_form(W2, W3, x, y, a1, a2, y_hat)
    return {name: value.tolist() for name, value in d.items()}


def single_precision(W2, W3, x, y, a1, a2, y_hat):
    """The closed form in float32."""
    single = (v.astype(np.float32) for v in (W2, W3, x, y, a1, a2, y_hat))
    return closed_form(*single)


def called_a3(W3, y, a2, a3):
    """The source's name for y_hat."""
    da3 = 2 * (a3 - y)
    return {"da3": da3, "dz3": (np.diagflat(a3) - a3 @ a3.T) @ da3}


ROUTES = [
    closed_form,
    einsum,
    loops,
    jacobian_matrices,
    kronecker,
    per_sample,
    rearranged,
    from_the_pre_activations,
    forward_mode,
    complex_step,
    lists,
    single_precision,
]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("batch", [None, 2])
def test_a_right_derivation_passes(route, batch):
    point = None if batch is None else vars(random_problem(batch=batch, seed=8))
    report = grade(route, inputs=point)
    assert report.failure is None
    assert {line.verdict for line in report.lines} <= {"right", "missing"}
    assert report.passed
    assert report.score == 1


def test_a3_is_another_name_of_y_hat():
    report = grade(called_a3, required=())
    assert report.passed
    assert [line.name for line in report.lines if line.verdict == "right"] == ["y_hat", "z3"]


def test_arrays_at_one_point_pass():
    problem = random_problem(seed=5)
    from tinygrad_bp.worked_problem.closed_form import forward

    run = forward(problem)
    values = {**vars(problem), **run}
    needed = {name: values[name] for name in ("W2", "W3", "x", "y", "a1", "a2", "y_hat")}
    report = grade(closed_form(**needed), inputs=vars(problem))
    assert report.passed


def test_many_points_never_mark_a_right_derivation():
    for seed in range(0, 60, 3):
        assert grade(rearranged, seed=seed).passed
