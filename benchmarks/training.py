"""How long an epoch of training takes, beside PyTorch eager: the digits, an MLP, batches of 32.

Both start from the same weights, see the same batches in the same order, in float64, on one thread,
and must end at the same loss. They are timed in one process, in turn; the figures are medians of
CPU time.
"""

from time import process_time

import numpy as np

import tinygrad_bp as bp

from .timing import Result, compared, installed

PART = "epoch of training"
ROUNDS = 30
WIDTH = 64
OPTIMIZERS = {
    "SGD": {"lr": 0.1},
    "SGD, momentum": {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    "RMSprop": {},
    "Adam": {},
    "AdamW": {},
}


def ours(optimizer, arguments, arrays):
    """Return what trains for an epoch and returns the last loss, in this package."""
    rng = np.random.default_rng(0)
    model = bp.nn.Sequential(
        bp.nn.Linear(64, WIDTH, rng=rng), bp.relu, bp.nn.Linear(WIDTH, 10, rng=rng)
    )
    stepper = getattr(bp.optim, optimizer)(model.parameters(), **arguments)
    loader = bp.data.batches(*arrays, size=32, rng=np.random.default_rng(1))

    def epoch():
        for x, labels in loader:
            loss = bp.cross_entropy(model(x), labels)
            stepper.zero_grad()
            loss.backward()
            stepper.step()
        return loss.item()

    return epoch, model


def pytorchs(optimizer, arguments, arrays, start):
    """Return the same in PyTorch."""
    import torch

    images, labels = map(torch.tensor, arrays)
    model = torch.nn.Sequential(
        torch.nn.Linear(64, WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, 10)
    ).double()
    model.load_state_dict({name: torch.tensor(value) for name, value in start.items()})
    stepper = getattr(torch.optim, optimizer)(model.parameters(), **arguments)
    rng = np.random.default_rng(1)

    def epoch():
        order = torch.tensor(rng.permutation(len(labels)))
        for chosen in order.split(32):
            loss = torch.nn.functional.cross_entropy(model(images[chosen]), labels[chosen])
            stepper.zero_grad()
            loss.backward()
            stepper.step()
        return loss.item()

    return epoch


def measure() -> list[Result]:
    if not installed("torch"):
        return []
    import torch

    torch.set_num_threads(1)
    arrays, _ = bp.data.split(*bp.datasets.digits(), rng=np.random.default_rng(0))
    results = []
    for name, arguments in OPTIMIZERS.items():
        kind = name.partition(",")[0]
        here, model = ours(kind, arguments, arrays)
        there = pytorchs(kind, arguments, arrays, model.state_dict())
        times = {there: [], here: []}
        for _ in range(ROUNDS):
            losses = []
            for epoch, taken in times.items():
                start = process_time()
                losses.append(epoch())
                taken.append(process_time() - start)
            np.testing.assert_allclose(*losses, rtol=1e-6)
        case = f"{len(arrays[0]):,} digits, 64-{WIDTH}-10, {name}, float64"
        for contender, epoch in (("PyTorch", there), ("tinygrad_bp", here)):
            results.append(compared(PART, case, contender, times[epoch], times[there]))
    return results
