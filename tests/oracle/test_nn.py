"""The oracle for layers: with the same weights, PyTorch's give the same outputs and gradients.

A case is a layer of each library and the shapes of its inputs. The weights go to PyTorch by
`state_dict`, so the layouts are compared too.
"""

from typing import Any

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp import nn

torch = pytest.importorskip(
    "torch", reason='PyTorch is not installed: pip install "tinygrad_bp[oracle]"'
)
F = torch.nn.functional
TOLERANCE = 1e-10
rng = np.random.default_rng(0)


class Heads(torch.nn.MultiheadAttention):
    """PyTorch's attention, which returns its output alone, as ours."""

    def __init__(self, embed_dim, heads, causal=False):
        super().__init__(embed_dim, heads, batch_first=True)
        self.causal = causal

    def forward(self, query, key=None, value=None):
        key = query if key is None else key
        hidden = torch.ones(query.shape[-2], key.shape[-2]).triu(1).bool() if self.causal else None
        return super().forward(query, key, key if value is None else value, attn_mask=hidden)[0]


T = torch.nn
#: Ours, PyTorch's, and the shapes of the inputs.
LAYERS: dict[str, tuple[Any, Any, list[tuple[int, ...]]]] = {
    "Linear": (nn.Linear(4, 3), T.Linear(4, 3), [(5, 4)]),
    "Linear of a vector": (nn.Linear(4, 3), T.Linear(4, 3), [(4,)]),
    "Linear of a sequence": (nn.Linear(4, 3), T.Linear(4, 3), [(2, 5, 4)]),
    "Linear without bias": (nn.Linear(4, 3, bias=False), T.Linear(4, 3, bias=False), [(5, 4)]),
    "Conv2d": (nn.Conv2d(2, 3, 3), T.Conv2d(2, 3, 3), [(2, 2, 6, 5)]),
    "Conv2d with steps": (
        nn.Conv2d(4, 6, (3, 2), stride=2, padding=(1, 0), dilation=(1, 2), groups=2, bias=False),
        T.Conv2d(4, 6, (3, 2), stride=2, padding=(1, 0), dilation=(1, 2), groups=2, bias=False),
        [(2, 4, 7, 6)],
    ),
    "LayerNorm": (nn.LayerNorm(4), T.LayerNorm(4), [(2, 3, 4)]),
    "LayerNorm of two axes": (nn.LayerNorm((3, 4)), T.LayerNorm((3, 4)), [(2, 3, 4)]),
    "BatchNorm": (nn.BatchNorm(4), T.BatchNorm1d(4), [(6, 4)]),
    "BatchNorm1d": (nn.BatchNorm1d(4), T.BatchNorm1d(4), [(3, 4, 5)]),
    "BatchNorm2d": (
        nn.BatchNorm2d(4, eps=0.1, momentum=0.4),
        T.BatchNorm2d(4, eps=0.1, momentum=0.4),
        [(3, 4, 2, 5)],
    ),
    "Flatten": (nn.Flatten(), T.Flatten(), [(3, 4, 2, 5)]),
    "ReLU": (nn.ReLU(), T.ReLU(), [(3, 4)]),
    "LeakyReLU": (nn.LeakyReLU(negative_slope=0.2), T.LeakyReLU(0.2), [(3, 4)]),
    "ELU": (nn.ELU(), T.ELU(), [(3, 4)]),
    "GELU": (nn.GELU(), T.GELU(), [(3, 4)]),
    "SiLU": (nn.SiLU(), T.SiLU(), [(3, 4)]),
    "Softplus": (nn.Softplus(), T.Softplus(), [(3, 4)]),
    "Sigmoid": (nn.Sigmoid(), T.Sigmoid(), [(3, 4)]),
    "Tanh": (nn.Tanh(), T.Tanh(), [(3, 4)]),
    "Softmax": (nn.Softmax(axis=1), T.Softmax(dim=1), [(3, 4)]),
    "LogSoftmax": (nn.LogSoftmax(dim=0), T.LogSoftmax(dim=0), [(3, 4)]),
    "MaxPool2d": (nn.MaxPool2d(2), T.MaxPool2d(2), [(2, 3, 5, 6)]),
    "MaxPool2d by name": (
        nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        T.MaxPool2d(kernel_size=3, stride=2, padding=1),
        [(2, 3, 5, 6)],
    ),
    "AvgPool2d": (nn.AvgPool2d(3, 2, 1), T.AvgPool2d(3, 2, 1), [(2, 3, 5, 6)]),
    "RNNCell": (nn.RNNCell(4, 3), T.RNNCell(4, 3), [(5, 4), (5, 3)]),
    "RNNCell from the start": (nn.RNNCell(4, 3), T.RNNCell(4, 3), [(5, 4)]),
    "GRUCell": (nn.GRUCell(4, 3), T.GRUCell(4, 3), [(5, 4), (5, 3)]),
    "GRUCell without bias": (
        nn.GRUCell(4, 3, bias=False),
        T.GRUCell(4, 3, bias=False),
        [(4,), (3,)],
    ),
    "LSTMCell from the start": (nn.LSTMCell(4, 3), T.LSTMCell(4, 3), [(5, 4)]),
    "MultiHeadAttention": (nn.MultiHeadAttention(6, 2), Heads(6, 2), [(3, 5, 6)]),
    "MultiHeadAttention of a sequence": (nn.MultiHeadAttention(6, 3), Heads(6, 3), [(5, 6)]),
    "MultiHeadAttention, causal": (
        nn.MultiHeadAttention(6, 2, causal=True),
        Heads(6, 2, causal=True),
        [(3, 5, 6)],
    ),
    "MultiHeadAttention of others": (
        nn.MultiHeadAttention(6, 2),
        Heads(6, 2),
        [(3, 5, 6), (3, 4, 6), (3, 4, 6)],
    ),
    "Sequential": (
        nn.Sequential(nn.Linear(4, 3), nn.Sequential(nn.Tanh(), nn.LayerNorm(3))),
        T.Sequential(T.Linear(4, 3), T.Sequential(T.Tanh(), T.LayerNorm(3))),
        [(5, 4)],
    ),
}  # fmt: skip


def test_no_layer_is_forgotten():
    """Of those with a test of their own, an Embedding takes integers, and Dropout is random."""
    tried = {type(ours) for ours, *_ in LAYERS.values()} | {nn.Embedding, nn.Dropout, nn.Module}
    public = {getattr(nn, name) for name in nn.__all__}
    assert {kind for kind in public if isinstance(kind, type)} == tried


def weights_of(layer):
    """Return a state of PyTorch's for a layer of ours, with random numbers in place of 0 and 1."""
    for tensor in layer.parameters():
        tensor.data = rng.normal(size=tensor.shape)
    return {path: torch.tensor(value) for path, value in layer.state_dict().items()}


def flat(outputs):
    return outputs if isinstance(outputs, tuple) else (outputs,)


def assert_same(ours, theirs, what):
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape, what
    assert np.allclose(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE), what


def assert_layers_agree(ours, theirs, inputs):
    """Compare outputs, the gradients of inputs and parameters, and the states after the call."""
    mine = [bp.tensor(x, requires_grad=True) for x in inputs]
    other = [torch.tensor(x, requires_grad=True) for x in inputs]
    our_outputs, their_outputs = flat(ours(*mine)), flat(theirs(*other))
    assert len(our_outputs) == len(their_outputs)
    ours.zero_grad()
    theirs.zero_grad()
    upstream = [rng.normal(size=output.shape) for output in our_outputs]
    sum((g * o).sum() for g, o in zip(upstream, our_outputs, strict=True)).backward()
    sum(
        (torch.tensor(g) * o).sum() for g, o in zip(upstream, their_outputs, strict=True)
    ).backward()
    for i, (a, b) in enumerate(zip(our_outputs, their_outputs, strict=True)):
        assert_same(a.data, b, f"output {i}")
    for i, (a, b) in enumerate(zip(mine, other, strict=True)):
        assert_same(a.grad, b.grad, f"the gradient of input {i}")
    their_parameters = dict(theirs.named_parameters())
    assert {path for path, _ in ours.named_parameters()} == set(their_parameters)
    for path, parameter in ours.named_parameters():
        assert_same(parameter.grad, their_parameters[path].grad, f"the gradient of {path}")
    for path, value in ours.state_dict().items():
        assert_same(value, theirs.state_dict()[path], path)


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_that_of_pytorch(name, mode):
    ours, theirs, shapes = LAYERS[name]
    theirs.double()
    theirs.load_state_dict(weights_of(ours))
    getattr(ours, mode)()
    getattr(theirs, mode)()
    for _ in range(2):  # a second batch, for running values
        assert_layers_agree(ours, theirs, [rng.normal(size=shape) for shape in shapes])


def test_lstm_with_a_state():
    ours, theirs = nn.LSTMCell(4, 3), T.LSTMCell(4, 3).double()
    theirs.load_state_dict(weights_of(ours))

    class Pair(nn.Module):
        def __init__(self):
            self.cell = ours

        def forward(self, x, h, c):
            return self.cell(x, (h, c))

    class TheirPair(T.Module):
        def __init__(self):
            super().__init__()
            self.cell = theirs

        def forward(self, x, h, c):
            return self.cell(x, (h, c))

    shapes = [(5, 4), (5, 3), (5, 3)]
    assert_layers_agree(Pair(), TheirPair(), [rng.normal(size=shape) for shape in shapes])


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_a_cell_over_time_is_the_layer_of_pytorch(kind):
    ours, theirs = getattr(nn, f"{kind}Cell")(4, 3), getattr(T, kind)(4, 3).double()
    theirs.load_state_dict({f"{path}_l0": value for path, value in weights_of(ours).items()})
    xs = rng.normal(size=(7, 5, 4))
    hidden, state = ours.over_time(xs)
    their_hidden, their_state = theirs(torch.tensor(xs))
    assert_same(hidden.data, their_hidden, "hidden")
    for a, b in zip(flat(state), flat(their_state), strict=True):
        assert_same(a.data, b[0], "the last state")
    hidden.sum().backward()
    their_hidden.sum().backward()
    for path, parameter in ours.named_parameters():
        assert_same(parameter.grad, getattr(theirs, f"{path}_l0").grad, path)


def test_an_embedding_is_that_of_pytorch():
    ours, theirs = nn.Embedding(7, 3), T.Embedding(7, 3).double()
    theirs.load_state_dict(weights_of(ours))
    indices = rng.integers(7, size=(4, 5))
    outputs, their_outputs = ours(indices), theirs(torch.tensor(indices))
    assert_same(outputs.data, their_outputs, "output")
    (outputs * outputs).sum().backward()
    (their_outputs * their_outputs).sum().backward()
    assert_same(ours.weight.grad, theirs.weight.grad, "weight")


def test_a_wrong_layout_is_seen():
    ours, theirs = nn.GRUCell(4, 3), T.GRUCell(4, 3).double()
    state = weights_of(ours)
    state["weight_ih"] = state["weight_ih"].flip(0)  # the gates in another order
    theirs.load_state_dict(state)
    with pytest.raises(AssertionError, match="output 0"):
        assert_layers_agree(ours, theirs, [rng.normal(size=(5, 4))])


@pytest.mark.parametrize("name", ["Linear", "Conv2d", "BatchNorm2d", "LSTMCell from the start"])
def test_a_state_of_pytorch_loads(name):
    ours, theirs, shapes = LAYERS[name]
    theirs.double()
    for parameter in theirs.parameters():
        parameter.data.normal_()
    ours.load_state_dict({path: value.numpy() for path, value in theirs.state_dict().items()})
    assert_layers_agree(ours.train(), theirs.train(), [rng.normal(size=shape) for shape in shapes])


# ---- Where weights start ----

STARTS = {
    "Linear": (nn.Linear(300, 200), T.Linear(300, 200)),
    "Conv2d": (nn.Conv2d(20, 60, (5, 4)), T.Conv2d(20, 60, (5, 4))),
    "Embedding": (nn.Embedding(200, 100), T.Embedding(200, 100)),
    "GRUCell": (nn.GRUCell(200, 100), T.GRUCell(200, 100)),
    "MultiHeadAttention": (nn.MultiHeadAttention(120, 4), Heads(120, 4)),
}


@pytest.mark.parametrize("name", STARTS)
def test_weights_start_as_those_of_pytorch(name):
    ours, theirs = STARTS[name]
    for path, value in ours.state_dict().items():
        other = theirs.state_dict()[path].numpy()
        assert value.shape == other.shape
        if value.size > 1000:
            assert value.std() == pytest.approx(other.std(), rel=0.05), path
        uniform = not name.startswith("Emb")
        if uniform and value.any():
            assert abs(value).max() == pytest.approx(abs(other).max(), rel=0.05), path


@pytest.mark.parametrize(
    "name", ["xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal"]
)
def test_an_initialiser_spreads_as_that_of_pytorch(name):
    theirs = torch.empty(60, 20, 5, 4)
    getattr(T.init, f"{name}_")(theirs)
    ours = getattr(nn.init, name)((60, 20, 5, 4), rng)
    assert ours.std() == pytest.approx(theirs.numpy().std(), rel=0.05)
    if name.endswith("uniform"):
        assert abs(ours).max() == pytest.approx(abs(theirs.numpy()).max(), rel=0.01)


# ---- Losses ----

LOSSES = {
    "mse_loss": {},
    "l1_loss": {},
    "huber_loss": {"delta": 0.7},
    "binary_cross_entropy": {},
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_that_of_pytorch(name, reduction):
    probabilities = name == "binary_cross_entropy"
    draw = rng.random if probabilities else rng.normal
    x, y = draw(size=(5, 4)), draw(size=(5, 4))
    ours, theirs = bp.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    named = LOSSES[name] | {"reduction": reduction}
    loss = getattr(nn, name)(ours, y, **named)
    their_loss = getattr(F, name)(theirs, torch.tensor(y), **named)
    assert_same(loss.data, their_loss, "loss")
    loss.sum().backward()
    their_loss.sum().backward()
    assert_same(ours.grad, theirs.grad, "gradient")


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("axis", [1, -1])
def test_nll_loss_is_that_of_pytorch(axis, reduction):
    x, y = rng.normal(size=(6, 4)), rng.integers(4, size=6)
    ours, theirs = bp.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    loss = nn.nll_loss(bp.log_softmax(ours), y, axis=axis, reduction=reduction)
    their_loss = F.nll_loss(torch.log_softmax(theirs, 1), torch.tensor(y), reduction=reduction)
    assert_same(loss.data, their_loss, "loss")
    loss.sum().backward()
    their_loss.sum().backward()
    assert_same(ours.grad, theirs.grad, "gradient")


def test_certain_predictions_have_a_finite_loss_as_in_pytorch():
    p, y = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0])
    loss = nn.binary_cross_entropy(p, y, reduction="none")
    assert (
        loss.tolist()
        == F.binary_cross_entropy(*map(torch.tensor, (p, y)), reduction="none").tolist()
    )
