"""What is read from a model: every line of its derivation holds, and a picture shows its layers."""

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp import nn
from tinygrad_bp.record import Record

rng = np.random.default_rng(0)


class Reader(nn.Module):
    def __init__(self):
        self.cell = nn.GRUCell(2, 3, rng=rng)
        self.head = nn.Linear(3, 2, rng=rng)

    def forward(self, x):
        _, h = self.cell.over_time(x)
        return self.head(h)


class Block(nn.Module):
    def __init__(self):
        self.norm = nn.LayerNorm(4)
        self.attention = nn.MultiHeadAttention(4, 2, causal=True, rng=rng)

    def forward(self, x):
        return x + self.attention(self.norm(x))


CNN = nn.Sequential(
    nn.Conv2d(1, 2, 3, rng=rng), nn.BatchNorm(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
    nn.Linear(2, 2, rng=rng),
)  # fmt: skip

MODELS = {
    "Sequential": (CNN, (3, 1, 4, 4), ["conv2d0", "batchnorm1", "linear5"]),
    "recurrent": (Reader(), (2, 3, 2), ["cell", "head"]),
    "attention": (Block(), (3, 4), ["norm", "attention"]),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_read_layer_by_layer(name):
    model, shape, layers = MODELS[name]
    output = model(rng.normal(size=shape))
    loss = bp.square_sum(output - rng.normal(size=output.shape))
    derivation = bp.derive(loss).text  # every line is evaluated
    picture, explanation = bp.draw(loss, level="layers").dot, str(bp.explain(loss))
    for path, _ in model.named_parameters():
        assert path.rpartition(".")[2] in derivation
    for layer in layers:
        assert layer in picture
        assert f"{layer}." in explanation
        assert f" in {layer}" in explanation  # of each step, where it belongs
        assert f" in {layer}" in bp.play(loss).html
    scopes = {step.scope for step in bp.explain(loss).steps}
    assert {*layers, ""} <= scopes | {scope.partition(".")[0] for scope in scopes}


@pytest.mark.parametrize("name", MODELS)
def test_the_source_of_a_model_gives_its_gradients(name):
    model, shape, _ = MODELS[name]
    output = model(rng.normal(size=shape))
    loss = bp.square_sum(output).named("L")
    model.zero_grad()
    loss.backward()
    program: dict = {}
    exec(str(bp.source(loss)), program)
    record = Record(loss)
    names = {record.names.identifier(t): t for t in record.tensors if t.primitive is None}
    given = {name: t.data for name, t in names.items()}
    value, gradients = program["loss_and_gradients"](**given)
    assert np.allclose(value, loss.data)
    for name, t in names.items():
        if t.requires_grad:
            assert np.allclose(gradients[name], t.grad), name
