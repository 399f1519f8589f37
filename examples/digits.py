"""Handwritten digits, read by three networks: the specified one, an MLP and a CNN.

A fifth of the 1,797 images is kept apart. Nothing here was chosen by it: widths, rates and epochs
were compared on parts of the other four fifths. Run, this file prints

    the specified network reads at least 97.0 % of the digits that it has not seen
    the MLP reads at least 97.5 % of the digits that it has not seen
    the CNN reads at least 98.5 % of the digits that it has not seen
"""

import numpy as np

import tinygrad_bp as bp
from tinygrad_bp import data, datasets, nn, optim


class Specified(nn.Module):
    """The network of the worked problem: samples are columns, and there are no biases."""

    def __init__(self, rng):
        widths = [(128, 64), (64, 128), (10, 64)]
        self.W = [bp.tensor(nn.init.xavier_uniform(s, rng), requires_grad=True) for s in widths]

    def forward(self, x):
        a1 = bp.sigmoid(self.W[0] @ x.T)
        a2 = bp.sigmoid(self.W[1] @ a1)
        return bp.softmax(self.W[2] @ a2, axis=0).T

    def loss(self, x, labels):
        return bp.square_sum(data.one_hot(labels, classes=10) - self(x)) / len(x)


class Classifier(nn.Sequential):
    def loss(self, x, labels):
        return nn.cross_entropy(self(x), labels)


def mlp(rng):
    return Classifier(
        nn.Linear(64, 128, rng=rng), nn.ReLU(), nn.Dropout(0.2, rng=rng),
        nn.Linear(128, 64, rng=rng), nn.ReLU(),
        nn.Linear(64, 10, rng=rng),
    )  # fmt: skip


def cnn(rng):
    return Classifier(
        lambda x: x.reshape(-1, 1, 8, 8),
        nn.Conv2d(1, 16, 3, padding=1, rng=rng), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, rng=rng), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.25, rng=rng),
        nn.Linear(32 * 2 * 2, 10, rng=rng),
    )  # fmt: skip


def train(model, x, labels, rng, epochs, lr=1e-2):
    batches = data.batches(x, labels, size=32, rng=rng)
    optimizer = optim.AdamW(model.parameters())
    schedule = optim.OneCycleLR(optimizer, max_lr=lr, total_steps=epochs * len(batches) + 1)
    for _ in data.progress(range(epochs)):
        for some, their_labels in batches:
            loss = model.loss(some, their_labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
    return model.eval()


def accuracy(model, x, labels):
    with bp.no_grad():
        return np.mean(model(x).data.argmax(axis=1) == labels)


if __name__ == "__main__":
    seen, unseen = data.split(*datasets.digits(), rng=np.random.default_rng(0))
    for name, make, epochs, goal in (
        ("specified network", Specified, 60, 0.97),
        ("MLP", mlp, 40, 0.975),
        ("CNN", cnn, 25, 0.985),
    ):
        rng = np.random.default_rng(1)
        share = accuracy(train(make(rng), *seen, rng, epochs), *unseen)
        least = f"at least {goal:.1%}" if share >= goal else f"only {share:.1%}"
        print(f"the {name} reads {least.replace('%', ' %')} of the digits that it has not seen")
