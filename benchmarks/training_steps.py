"""A whole step of training: an MLP with Adam, and a small convolutional network with SGD."""

import numpy as np

import tinygrad_bp as bp

from .timing import Result, installed, race

PART = "training step"


def mlp_by_hand(weights, x, labels, lr=1e-3):
    """Return a step of Adam on x @ W1 + b1, relu, @ W2 + b2, cross-entropy, written in NumPy."""
    states = [[0, 0.0, 0.0] for _ in weights]
    weights, rows = [w.copy() for w in weights], np.arange(len(labels))

    def run():
        W1, b1, W2, b2 = weights
        z1 = x @ W1 + b1
        h = np.maximum(z1, 0)
        z = h @ W2 + b2
        z = z - z.max(axis=1, keepdims=True)
        e = np.exp(z)
        total = e.sum(axis=1, keepdims=True)
        loss = -(z[rows, labels] - np.log(total[:, 0])).mean()
        d = e / total
        d[rows, labels] -= 1
        d /= len(labels)
        dz1 = (d @ W2.T) * (z1 > 0)
        for i, g in enumerate((x.T @ dz1, dz1.sum(axis=0), h.T @ d, d.sum(axis=0))):
            t, m, v = states[i]
            t, m, v = t + 1, 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            states[i] = [t, m, v]
            step = lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
            weights[i] = weights[i] - step
        return loss

    return run


def mlp_eager(weights, x, labels):
    W1, b1, W2, b2 = (bp.tensor(w, requires_grad=True) for w in weights)
    optimizer = bp.optim.Adam([W1, b1, W2, b2], lr=1e-3)

    def run():
        loss = bp.cross_entropy(bp.relu(x @ W1 + b1) @ W2 + b2, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


def mlp_compiled(weights, x, labels, backend):
    optimizer = bp.optim.Adam([bp.tensor(w, requires_grad=True) for w in weights], lr=1e-3)

    def step(weights, states, x, labels):
        def loss(W1, b1, W2, b2):
            return bp.cross_entropy(bp.relu(x @ W1 + b1) @ W2 + b2, labels)

        value, gradients = bp.value_and_grad(loss, range(4))(*weights)
        triples = zip(weights, gradients, states, strict=True)
        updated = [optimizer.update(w, g, state, 1e-3) for w, g, state in triples]
        return value, [w for w, _ in updated], [state for _, state in updated]

    compiled = bp.compile(step, backend, None)
    held = [list(weights), [{**state, "t": np.array(1)} for state in optimizer.states]]

    def run():
        loss, *held[:] = compiled(*held, x, labels)
        return float(loss)

    return run


def torch_step(model, x, labels, optimizer):
    import torch

    def run():
        loss = torch.nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


def mlp_in_torch(weights, x, labels):
    import torch

    torch.set_num_threads(1)
    parameters = [torch.tensor(w, requires_grad=True) for w in weights]

    def model(x):
        W1, b1, W2, b2 = parameters
        return torch.relu(x @ W1 + b1) @ W2 + b2

    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    return torch_step(model, torch.tensor(x), torch.tensor(labels), optimizer)


def mlp(dtype):
    rng = np.random.default_rng(0)
    shapes = (64, 64), (64,), (64, 10), (10,)
    weights = [(0.1 * rng.normal(size=shape)).astype(dtype) for shape in shapes]
    given = weights, rng.normal(size=(32, 64)).astype(dtype), rng.integers(0, 10, 32)
    runs = {"by hand": mlp_by_hand(*given), "tinygrad_bp": mlp_eager(*given)}
    runs["bp.compile, NumPy"] = mlp_compiled(*given, "numpy")
    if installed("numba"):
        runs["bp.compile, Numba"] = mlp_compiled(*given, "numba")
    if installed("torch"):
        runs["PyTorch"] = mlp_in_torch(*given)
    return runs


def cnn(dtype, samples, size, channels):
    """Return the runs of conv, relu, pool, twice, then a linear layer and cross-entropy."""
    import torch

    torch.set_num_threads(1)
    rng, (first, second) = np.random.default_rng(0), channels
    x = rng.normal(size=(samples, 1, size, size)).astype(dtype)
    labels, flat = rng.integers(0, 10, samples), second * (size // 4) ** 2
    shapes = (first, 1, 3, 3), (second, first, 3, 3), (flat, 10)
    weights = [(rng.normal(size=s) / np.sqrt(np.prod(s[1:]))).astype(dtype) for s in shapes]

    def model(library, conv2d, pool, x, weights):
        for w in weights[:2]:
            x = pool(library.relu(conv2d(x, w, padding=1)), 2)
        return x.reshape(samples, -1) @ weights[2]

    ours = [bp.tensor(w, requires_grad=True) for w in weights]
    optimizer = bp.optim.SGD(ours, lr=1e-3)
    images = bp.tensor(x)

    def eager():
        loss = bp.cross_entropy(model(bp, bp.conv2d, bp.max_pool2d, images, ours), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    def loss(weights, x):
        return bp.cross_entropy(model(bp, bp.conv2d, bp.max_pool2d, x, weights), labels)

    compiled = bp.compile(loss, "numpy", [0])

    def by_compiled():
        value, (gradients,) = compiled(held, x)
        held[:] = [w - 1e-3 * g for w, g in zip(held, gradients, strict=True)]
        return float(value)

    held = list(weights)
    theirs = [torch.tensor(w, requires_grad=True) for w in weights]
    functions = torch.nn.functional
    stepper = torch.optim.SGD(theirs, lr=1e-3)

    def forward(x):
        return model(torch, functions.conv2d, functions.max_pool2d, x, theirs)

    in_torch = torch_step(forward, torch.tensor(x), torch.tensor(labels), stepper)
    return {"PyTorch": in_torch, "tinygrad_bp": eager, "bp.compile, NumPy": by_compiled}


def measure() -> list[Result]:
    results = []
    for dtype in (np.float64, np.float32):
        cases = {f"MLP and Adam, 64-64-10, 32 samples, {dtype.__name__}": mlp(dtype)}
        if installed("torch"):
            small, large = (16, 16, (8, 16)), (32, 28, (16, 32))
            for samples, size, channels in (small, large):
                case = f"CNN, {samples} images of {size}x{size}, {channels}, {dtype.__name__}"
                cases[case] = cnn(dtype, samples, size, channels)
        for case, runs in cases.items():
            losses = [run() for run in runs.values()]
            np.testing.assert_allclose(losses, losses[0], rtol=1e-4)
            results += race(PART, case, runs, rounds=20)
    return results
