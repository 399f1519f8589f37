"""First steps: a small network learns which points of the plane lie inside a circle.

Everything is here: data, network, loss, backward pass, and the update of the parameters. Run, this
file prints

    step    0   loss 1.544   right  41%
    step  200   loss 0.311   right  94%
    step  400   loss 0.208   right  96%
    step  600   loss 0.171   right  98%
    step  800   loss 0.147   right  99%
    step 1000   loss 0.129   right  99%
"""

import numpy as np

import tinygrad_bp as bp

rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, (2, 200))  # 200 points, one in each column
inside = (x**2).sum(axis=0) < 0.6

W1 = bp.tensor(rng.normal(size=(8, 2)), requires_grad=True, name="W1")
b1 = bp.tensor(np.zeros((8, 1)), requires_grad=True, name="b1")
W2 = bp.tensor(rng.normal(size=(1, 8)), requires_grad=True, name="W2")
b2 = bp.tensor(0.0, requires_grad=True, name="b2")


def network(x):
    with bp.scope("hidden"):
        a1 = np.tanh(W1 @ x + b1)
    with bp.scope("output"):
        z2 = W2 @ a1 + b2
    bp.name_tensors(locals())  # pictures and errors call them a1 and z2, too
    return z2[0]


for step in range(1001):
    z = network(x)
    loss = bp.binary_cross_entropy_with_logits(z, inside)
    loss.backward()
    for parameter in (W1, b1, W2, b2):
        parameter.data = parameter.data - 0.5 * parameter.grad
        parameter.zero_grad()
    if step % 200 == 0:
        right = np.mean((z > 0) == inside)
        print(f"step {step:4}   loss {loss.item():.3f}   right {right:4.0%}")

# bp.draw(loss).save("first_steps.svg") draws the graph, with every value and gradient in it.
