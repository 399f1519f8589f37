"""Physics: a network learns how a damped oscillator moves, from its equation of motion alone.

A mass on a spring with friction obeys x'' + 2 d x' + k x = 0, with x(0) = 1 and x'(0) = 0. The
network is x(t) = 1 + t^2 N(t), which starts right whatever N is, and the loss is the mean square of
the left side at a few dozen times. So the loss has second derivatives by t in it, and its gradient
by the weights is a third: `bp.grad(..., create_graph=True)` records the derivatives it takes.

The network's path and the exact one are saved as `oscillator.png`. Run, this file prints

    step    0   the network is off by up to 1.9
    step  500   the network is off by up to 0.1
    step 1000   the network is off by less than 0.05
    step 1500   the network is off by less than 0.05
    step 2000   the network is off by less than 0.05
"""

import numpy as np

import tinygrad_bp as bp
from tinygrad_bp import nn, optim, plots

DAMPING, STIFFNESS = 0.3, 4.0
rng = np.random.default_rng(0)
times = np.linspace(0, 4, 60).reshape(-1, 1)

network = nn.Sequential(
    nn.Linear(1, 32, rng=rng),
    nn.Tanh(),
    nn.Linear(32, 32, rng=rng),
    nn.Tanh(),
    nn.Linear(32, 1, rng=rng),
)
optimizer = optim.Adam(network.parameters(), lr=5e-3)
schedule = optim.CosineAnnealingLR(optimizer, 2000)


def position(t):
    return 1 + t**2 * network(t / 2 - 1)


def exact(t):
    w = np.sqrt(STIFFNESS - DAMPING**2)
    return np.exp(-DAMPING * t) * (np.cos(w * t) + DAMPING / w * np.sin(w * t))


for step in range(2001):
    t = bp.tensor(times, requires_grad=True)
    x = position(t)
    velocity = bp.grad(x.sum(), t, create_graph=True)  # each x depends on its own t alone
    acceleration = bp.grad(velocity.sum(), t, create_graph=True)
    loss = ((acceleration + 2 * DAMPING * velocity + STIFFNESS * x) ** 2).mean()
    if step % 500 == 0:
        error = np.abs(x.data - exact(times)).max()
        bound = f"up to {error:.1f}" if error > 0.05 else "less than 0.05"
        print(f"step {step:4}   the network is off by {bound}")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()

paths = {"network": list(x.data[:, 0]), "exact": list(exact(times)[:, 0])}
plots.curves({"position": paths}, step="time step").savefig("oscillator.png")
