"""Layers by themselves: widths that do not fit, randomness, running values, and memory.

That their numbers are right is compared with PyTorch's, in ``tests/oracle/test_nn.py``.
"""

import gc
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp import nn


def generator(seed=0):
    return np.random.default_rng(seed)


# ---- Arguments, which are checked when a layer is made ----


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Linear(0, 2), "in_features is a number that is whole and at least 1, not 0."),
        (lambda: nn.Linear(2, 2.5), "out_features is a number that is whole and at least 1, not 2"),
        (lambda: nn.Conv2d(1, 0, 3), "out_channels is a number that is whole and at least 1, no"),
        (lambda: nn.Conv2d(1, 1, 0), "kernel_size 0 and padding 0 must be at least 1 and 0."),
        (lambda: nn.Conv2d(1, 1, 2, padding=-1), "kernel_size 2 and padding -1 must be"),
        (lambda: nn.Conv2d(1, 1, 2, stride=0), "stride 0 and dilation 1 must be 1 or more"),
        (lambda: nn.Embedding(0, 2), "num_embeddings is a number that is whole and at least 1"),
        (lambda: nn.LayerNorm(0), "normalized_shape is a number that is whole and at least 1"),
        (lambda: nn.LayerNorm(2, eps=-1.0), "eps is a number that is at least 0, not -1.0."),
        (lambda: nn.BatchNorm(2, momentum=-0.5), "momentum is a number that is at least 0"),
        (lambda: nn.Dropout(1.0), "p is a number that is at least 0 and less than 1, not 1.0."),
        (lambda: nn.GRUCell(2, -1), "hidden_size is a number that is whole and at least 1"),
        (lambda: nn.MultiHeadAttention(4, 0), "num_heads is a number that is whole and at least"),
    ],
)
def test_a_number_out_of_range_is_refused(make, message):
    with pytest.raises(ValueError, match=r".") as caught:
        make()
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.MaxPool2d(), "MaxPool2d takes size, stride, padding, dilation, ceil_mode, an"),
        (lambda: nn.ReLU(3), "ReLU takes no arguments, and not (3,)."),
        (lambda: nn.LeakyReLU(0.2, slope=0.1), "LeakyReLU takes slope, and not (0.2,)."),
        (lambda: nn.Flatten(5)(WIDE), "Flatten(start_dim=5) needs an axis of that number; the "),
        (lambda: nn.Flatten(-3)(np.ones((2, 3))), "Flatten(start_dim=-3) needs an axis of that"),
        (lambda: nn.huber_loss(WIDE, WIDE, delta=0), "delta is a number that is above 0, not 0."),
        (lambda: nn.huber_loss(WIDE, WIDE, delta=-1.0), "delta is a number that is above 0, not"),
        (lambda: nn.nll_loss(WIDE, [0] * 5, np.ones(32)), "nll_loss() takes 2 positional arg"),
        (lambda: nn.Tanh(inplace=True), "Tanh has no argument 'inplace'. A recorded value never"),
        (lambda: nn.Linear(2, 2)((WIDE, WIDE)), ""),
        (lambda: nn.Linear(2, 2)((bp.tensor(1.0), 1)), "a tuple of 2 stands where one Tensor or a"),
        (lambda: nn.Linear(2, 2)([bp.tensor(1.0)]), "a list of 1 stands where one Tensor or arra"),
    ],
)
def test_arguments_that_do_not_belong_there_are_refused(make, message):
    with pytest.raises((TypeError, ValueError)) as caught:
        make()
    assert str(caught.value).startswith(message)


def test_a_layer_takes_the_arguments_of_its_function_in_their_order():
    x = bp.tensor([-1.0, 2.0])
    assert nn.LeakyReLU(0.2)(x).tolist() == [-0.2, 2.0]
    assert nn.ELU(2.0)(x).tolist() == bp.elu(x, alpha=2.0).tolist()
    assert nn.Softmax(-1)(x).tolist() == bp.softmax(x, axis=-1).tolist()


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss", "binary_cross_entropy"])
def test_a_target_before_its_prediction_is_seen(name):
    scores = bp.tensor([[0.5, 0.5], [0.25, 0.75]], requires_grad=True)
    with pytest.raises(ValueError, match=f"{name} takes the prediction first"):
        getattr(nn, name)([0, 1], scores)


def test_what_is_no_probability_is_refused():
    for p in ([-0.5, 1.0], [0.5, 1.7]):
        with pytest.raises(ValueError, match="takes probabilities, between 0 and 1, and was given"):
            nn.binary_cross_entropy(bp.tensor(p), [1.0, 0.0])
    assert np.isfinite(nn.binary_cross_entropy(bp.tensor([0.0, 1.0]), [1.0, 0.0]).item())


# ---- Widths ----

WIDE = np.ones((5, 32))


class Student(nn.Module):
    def __init__(self):
        self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))

    def forward(self, x):
        return self.hidden(x)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: nn.Linear(64, 3)(bp.tensor(WIDE, name="x")),
            "Linear takes 64 features on axis -1, and was given x with shape (5, 32).",
        ),
        (
            lambda: Student()(WIDE),
            "hidden.linear1 (Linear) takes 64 features on axis -1, and was given an array with "
            "shape (5, 32).",
        ),
        (lambda: nn.Linear(4, 3)(2.0), "Linear takes 4 features on axis -1, and was given an"),
        (
            lambda: nn.Conv2d(3, 6, 3)(np.ones((2, 1, 8, 8))),
            "Conv2d takes 3 channels on axis 1, and was given an array with shape (2, 1, 8, 8).",
        ),
        (
            lambda: nn.Conv2d(3, 6, 3)(np.ones((2, 3, 8))),
            "Conv2d takes images with axes (sample, channel, row, column), and was given an array",
        ),
        (lambda: nn.BatchNorm(3)(WIDE), "BatchNorm takes 3 channels on axis 1"),
        (lambda: nn.BatchNorm(3)(np.ones(3)), "BatchNorm takes 3 channels on axis 1"),
        (lambda: nn.LayerNorm((2, 32))(WIDE), "LayerNorm takes 2 features on axis -2"),
        (lambda: nn.LSTMCell(3, 4)(WIDE), "LSTMCell takes 3 features on axis -1"),
        (
            lambda: nn.GRUCell(32, 4)(WIDE, np.ones((5, 3))),
            "GRUCell takes a state of shape (5, 4), and was given an array with shape (5, 3)",
        ),
        (
            lambda: nn.MultiHeadAttention(6, 2)(WIDE),
            "MultiHeadAttention takes 6 features on axis -1",
        ),
        (lambda: nn.MultiHeadAttention(5, 2), "5 features cannot be divided among 2 heads."),
        (lambda: nn.Conv2d(4, 6, 3, groups=3), "4 channels cannot be divided among 3 groups."),
        (
            lambda: nn.RNNCell(3, 4).over_time(np.ones((0, 5, 3))),
            "RNNCell.over_time takes one moment or more, with axes (time, feature) or (time, "
            "sample, feature), and was given an array with shape (0, 5, 3).",
        ),
        (
            lambda: nn.RNNCell(3, 4).over_time(np.ones(3)),
            "RNNCell.over_time takes one moment or more",
        ),
        (
            lambda: nn.MultiHeadAttention(6, 2)(np.ones(6)),
            "MultiHeadAttention takes axes (position, feature) or (sample, position, feature), and",
        ),
        (lambda: nn.Linear(-1, 3), "in_features is a number that is whole and at least 1, not -1."),
        (
            lambda: nn.BatchNorm(32)(WIDE[:1]),
            "BatchNorm takes two numbers or more for each channel in training, and was given an "
            "array with shape (1, 32).",
        ),
        (lambda: nn.init.kaiming_normal((3,), generator()), "has the axes (output, input, ...)"),
    ],
)
def test_what_does_not_fit_is_explained(call, message):
    with pytest.raises(ValueError, match=r".") as caught:
        call()
    assert message in str(caught.value)


# ---- Randomness ----


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: nn.Linear(3, 2, rng=rng),
        lambda rng: nn.Conv2d(3, 2, 3, rng=rng),
        lambda rng: nn.Embedding(3, 2, rng=rng),
        lambda rng: nn.LSTMCell(3, 2, rng=rng),
        lambda rng: nn.MultiHeadAttention(4, 2, rng=rng),
    ],
)
def test_a_seed_gives_the_same_weights_and_none_gives_others(make):
    def weights(rng):
        return next(iter(make(rng).state_dict().values()))

    assert np.array_equal(weights(generator()), weights(generator()))
    assert not np.array_equal(weights(generator()), weights(generator(1)))
    assert not np.array_equal(weights(None), weights(None))


def test_dropout_keeps_the_mean_and_is_off_in_evaluation():
    layer = nn.Dropout(0.3, rng=generator())
    x = bp.tensor(np.full(100_000, 2.0), requires_grad=True)
    output = layer(x)
    kept = output.data != 0.0
    assert kept.mean() == pytest.approx(0.7, abs=0.005)  # three deviations
    assert np.allclose(output.data[kept], 2.0 / 0.7)
    assert np.array_equal(bp.grad(output.sum(), x), np.where(kept, 1 / 0.7, 0.0))
    assert not np.array_equal(layer(x).data, output.data)  # another mask at each call
    assert layer.eval()(x) is x


def test_dropout_in_a_model_follows_its_mode():
    model = nn.Sequential(nn.Dropout(0.5, rng=generator()), nn.Flatten())
    x = np.ones((1, 1000))
    assert 300 < model(x).sum() < 1700
    assert (model(x) == 0.0).any()
    assert np.array_equal(model.eval()(x), x)


# ---- Running values ----


def test_batch_normalisation_counts_batches_in_training_alone():
    layer = nn.BatchNorm(3)
    layer(generator().normal(size=(8, 3)))
    state = layer.state_dict()
    assert state["num_batches_tracked"] == 1
    assert state["num_batches_tracked"].dtype == np.int64
    layer.eval()
    layer(generator(1).normal(size=(8, 3)))
    assert all(np.array_equal(value, layer.state_dict()[path]) for path, value in state.items())


def test_no_gradient_flows_through_running_values():
    layer = nn.BatchNorm(3)
    x = bp.tensor(generator().normal(size=(8, 3)), requires_grad=True)
    layer(x).sum().backward()
    assert not layer.running_mean.requires_grad
    assert layer.running_mean.primitive is None
    assert [path for path, _ in layer.named_parameters()] == ["weight", "bias"]


# ---- Recurrence ----


def test_a_cell_over_time_is_the_cell_step_by_step():
    cell = nn.LSTMCell(3, 4, rng=generator())
    xs = generator(1).normal(size=(6, 5, 3))
    hidden, (h, c) = cell.over_time(xs)
    state = None
    for x, at_once in zip(xs, hidden, strict=True):
        state = cell(x, state)
        assert np.array_equal(state[0].data, at_once.data)
    assert np.array_equal(h.data, state[0].data)
    assert np.array_equal(c.data, state[1].data)


def test_what_is_causal_does_not_look_ahead():
    attention = nn.MultiHeadAttention(6, 2, causal=True, rng=generator())
    x = bp.tensor(generator(1).normal(size=(4, 6)), requires_grad=True)
    seen = bp.grad(attention(x)[1].sum(), x)
    assert (seen[:2] != 0.0).all()
    assert (seen[2:] == 0.0).all()


# ---- The losses ----


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss", "binary_cross_entropy"])
def test_a_loss_does_not_broadcast(name):
    with pytest.raises(
        ValueError, match=rf"{name} has a prediction of shape \(3, 1\) and a target"
    ):
        getattr(nn, name)(np.ones((3, 1)), np.ones(3))


def test_a_reduction_that_does_not_exist():
    with pytest.raises(ValueError, match="reduction is 'mean', 'sum' or 'none', not 'average'"):
        nn.mse_loss([1.0], [2.0], reduction="average")


@pytest.mark.parametrize("target", [[0.0, 1.0], [[0, 1]], [0, 1, 1]])
def test_nll_loss_takes_a_class_for_each_sample(target):
    with pytest.raises(ValueError, match=r"it takes integers of shape \(2,\) as the target"):
        nn.nll_loss(np.zeros((2, 3)), target)


# ---- What it costs ----


def growth(steps, keep=False):
    """Train a small network, and return how many more blocks of memory are in use at the end."""
    rng = generator()
    model = nn.Sequential(nn.Linear(4, 8, rng=rng), nn.Tanh(), nn.Linear(8, 3, rng=rng))
    optimizer = bp.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    x, y = rng.normal(size=(6, 4)), rng.integers(3, size=6)
    kept, before = [], 0
    for step in range(steps):
        loss = nn.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if keep:
            kept.append(loss)
        if step == steps // 2:  # by then, caches are full
            before = sys.getallocatedblocks()
    return sys.getallocatedblocks() - before


@pytest.fixture
def without_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("without_collector")
def test_memory_is_flat_over_many_steps_without_the_garbage_collector():
    assert growth(10_000) < 200


@pytest.mark.usefixtures("without_collector")
def test_a_record_that_is_kept_is_seen():
    assert growth(100, keep=True) > 500


def test_importing_the_layers_is_light():
    code = "import sys, tinygrad_bp as bp; bp.nn.Linear; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(run.stdout.split())
    assert "tinygrad_bp.nn.layers" in modules
    assert modules.isdisjoint({"rich", "numpy.random", "graphviz", "jinja2"})


def test_what_pytorch_users_write_by_habit_is_not_silently_something_else():
    log_p = bp.log_softmax(np.ones((2, 3)))
    for labels in ([0, -1], [0, 3]):
        with pytest.raises(IndexError, match=r"nll_loss has class numbers from .* and 3 classes"):
            nn.nll_loss(log_p, labels)
    with pytest.raises(IndexError, match="the indices name -1 to -1"):
        nn.Embedding(5, 2)(np.array([-1]))
    layer, weights = nn.Linear(4, 3), nn.Linear(4, 3).state_dict()
    with pytest.raises(TypeError, match="functional_call takes inputs one by one"):
        nn.functional_call(layer, weights, (np.ones((5, 4)),))
    with pytest.raises(AttributeError, match=r"for p in model.parameters\(\): p.requires_grad"):
        layer.requires_grad = False
    cell, zeros = nn.LSTMCell(3, 4), np.zeros((1, 2, 4))
    with pytest.raises(ValueError, match=r"takes a state of shape \(2, 4\), and was given"):
        cell.over_time(np.ones((5, 2, 3)), (zeros, zeros))
    with pytest.raises(ValueError, match=r"LSTMCell takes 3 features .* \(8, 64\)"):
        cell.over_time(np.ones((8, 64)))
    with pytest.raises(ValueError, match="without their suffix, _l0"):
        cell.load_state_dict({f"{name}_l0": v for name, v in cell.state_dict().items()})
    assert nn.Flatten(2)(np.ones((5, 2, 4, 4))).shape == (5, 2, 16)
