"""Training: from the same weights, on the same batches, the losses fall as PyTorch's do.

Rounding errors grow from step to step, so the curves agree to fewer digits than single layers.
"""

import numpy as np
import pytest

from tinygrad_bp import nn, optim
from tinygrad_bp.datasets import digits

torch = pytest.importorskip(
    "torch", reason='PyTorch is not installed: pip install "tinygrad_bp[oracle]"'
)
T = torch.nn
torch.set_num_threads(1)  # the networks are small
STEPS, SIZE = 200, 16
TOLERANCE = 1e-8
SGD = {"lr": 0.05, "momentum": 0.9}


class Reader(nn.Module):
    """An image read row by row by a recurrent cell."""

    def __init__(self, rng):
        self.cell = nn.LSTMCell(8, 12, rng=rng)
        self.head = nn.Linear(12, 10, rng=rng)

    def forward(self, x):
        _, (h, _) = self.cell.over_time(x.transpose(1, 0, 2))
        return self.head(h)


class TheirReader(T.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.head = T.LSTMCell(8, 12), T.Linear(12, 10)

    def forward(self, x):
        state = None
        for row in x.transpose(0, 1):
            state = self.cell(row, state)
        return self.head(state[0])


# A bias before batch normalisation has no effect: its gradient is rounding, which Adam scales up.


def mlp(rng):
    ours = nn.Sequential(
        nn.Linear(64, 20, bias=False, rng=rng), nn.BatchNorm(20), nn.GELU(),
        nn.Linear(20, 10, rng=rng),
    )  # fmt: skip
    theirs = T.Sequential(
        T.Linear(64, 20, bias=False), T.BatchNorm1d(20), T.GELU(), T.Linear(20, 10)
    )
    return ours, theirs, (64,)


def cnn(rng):
    ours = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False, rng=rng), nn.BatchNorm(4), nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, rng=rng), nn.ReLU(), nn.Flatten(), nn.Linear(24, 10, rng=rng),
    )  # fmt: skip
    theirs = T.Sequential(
        T.Conv2d(1, 4, 3, padding=1, bias=False), T.BatchNorm2d(4), T.ReLU(), T.MaxPool2d(2),
        T.Conv2d(4, 6, 3), T.ReLU(), T.Flatten(), T.Linear(24, 10),
    )  # fmt: skip
    return ours, theirs, (1, 8, 8)


def lstm(rng):
    return Reader(rng), TheirReader(), (8, 8)


def curves(make, name="SGD", arguments=SGD):
    """Return the losses of both libraries, step by step, and what both predict at the end."""
    rng = np.random.default_rng(0)
    ours, theirs, shape = make(rng)
    theirs.double()
    theirs.load_state_dict({path: torch.tensor(v) for path, v in ours.state_dict().items()})
    images, labels = digits()
    images = images.reshape(-1, *shape)
    optimizer = getattr(optim, name)(ours.parameters(), **arguments)
    their_optimizer = getattr(torch.optim, name)(theirs.parameters(), **arguments)
    found, expected = [], []
    for _ in range(STEPS):
        batch = rng.choice(len(images), SIZE, replace=False)
        loss = nn.cross_entropy(ours(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
        their_loss = T.functional.cross_entropy(
            theirs(torch.tensor(images[batch])), torch.tensor(labels[batch])
        )
        their_optimizer.zero_grad()
        their_loss.backward()
        their_optimizer.step()
        expected.append(their_loss.item())
    ours.eval()
    theirs.eval()
    with torch.no_grad():
        ends = ours(images[:50]).data, theirs(torch.tensor(images[:50])).numpy()
    return np.array(found), np.array(expected), *ends


@pytest.mark.parametrize(("name", "arguments"), [("SGD", SGD), ("Adam", {"lr": 0.005})])
@pytest.mark.parametrize("make", [mlp, cnn, lstm])
def test_training_takes_the_course_of_pytorch(make, name, arguments):
    found, expected, output, their_output = curves(make, name, arguments)
    assert expected[-20:].mean() < 0.7 * expected[:20].mean()  # it learns
    assert abs(found - expected).max() < TOLERANCE
    assert abs(output - their_output).max() < TOLERANCE


def test_a_slip_in_the_training_is_seen():
    class Slipped(Reader):
        def forward(self, x):
            return super().forward(x) * (1.0 + 1e-7)

    def slipped(rng):
        _, theirs, shape = lstm(rng)
        return Slipped(np.random.default_rng(0)), theirs, shape

    found, expected, *_ = curves(slipped)
    assert abs(found - expected).max() > TOLERANCE
