"""The network of the worked problem, built from the primitives.

Given Tensors it is recorded, and its gradients come from the engine. Given arrays it is the same
network as a plain function, which the finite differences call.
"""

from typing import Any

from ..recording import scope
from ..rules.activations import sigmoid, softmax
from ..rules.reductions import square_sum
from ..variable import name_tensors


def network(W1: Any, W2: Any, W3: Any, x: Any, y: Any) -> dict[str, Any]:
    with scope("layer 1"):
        z1 = W1 @ x
        a1 = sigmoid(z1)
    with scope("layer 2"):
        z2 = W2 @ a1
        a2 = sigmoid(z2)
    with scope("output"):
        z3 = W3 @ a2
        y_hat = softmax(z3, axis=0)
    L = square_sum(y - y_hat)
    quantities = {"z1": z1, "a1": a1, "z2": z2, "a2": a2, "z3": z3, "y_hat": y_hat, "L": L}
    name_tensors(quantities)
    return quantities
