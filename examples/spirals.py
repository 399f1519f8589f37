"""A decision boundary: a network tells two spirals apart, and a picture shows how.

The loss curve and the plane, coloured by the class that the network sees there, are saved as
`spirals.png`. Run, this file prints

    MLP: 4,417 parameters
    training points told apart: 100%
    new points told apart: 100%
"""

import numpy as np

import tinygrad_bp as bp
from tinygrad_bp import data, datasets, nn, optim, plots

rng = np.random.default_rng(0)
points, labels = datasets.spirals(400, rng)
new_points, new_labels = datasets.spirals(400, rng)


class MLP(nn.Module):
    def __init__(self):
        self.hidden = [nn.Linear(2, 64, rng=rng), nn.Linear(64, 64, rng=rng)]
        self.output = nn.Linear(64, 1, rng=rng)

    def forward(self, x):
        for layer in self.hidden:
            x = bp.tanh(layer(x))
        return self.output(x)[:, 0]


def accuracy(x, y):
    with bp.no_grad():
        return np.mean((model(x) > 0) == y)


model = MLP()
optimizer = optim.Adam(model.parameters(), lr=1e-2)
losses = []
for _ in range(100):
    for x, y in data.batches(points, labels, size=50, rng=rng):
        loss = bp.binary_cross_entropy_with_logits(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    losses.append(loss.item())

print(repr(model)[1:-1])
print(f"training points told apart: {accuracy(points, labels):.0%}")
print(f"new points told apart: {accuracy(new_points, new_labels):.0%}")

edge = 1.1 * np.abs(points).max()
line = np.linspace(-edge, edge, 200)
with bp.no_grad():
    seen = model(np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)).data.reshape(200, 200)
figure = plots.curves({"loss": losses, "what the network sees": []}, log=["loss"])
plane = figure.axes[1]
plane.clear()
plane.contourf(line, line, seen > 0, levels=1, colors=["#d6e6f2", "#f6ddcf"])
for label, colour in enumerate(["#0067a8", "#b23c00"]):
    plane.scatter(*points[labels == label].T, s=4, color=colour)
plane.set(title="what the network sees", aspect="equal", xticks=[], yticks=[])
figure.savefig("spirals.png")
