"""Modules: what they find, how it is named and grouped, their state, and what is refused."""

import copy
from collections import deque, namedtuple

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp import nn
from tinygrad_bp.nn import habits
from tinygrad_bp.record import Record


def generator():
    return np.random.default_rng(0)


class Block(nn.Module):
    def __init__(self, rng):
        self.inner = nn.Linear(3, 3, rng=rng)

    def forward(self, x):
        return x + bp.tanh(self.inner(x))


Rest = namedtuple("Rest", ["last"])


class Net(nn.Module):
    """Everything that a module can be assigned."""

    def __init__(self):
        rng = generator()
        self.scale = bp.tensor(2.0, requires_grad=True)
        self.offset = bp.tensor([1.0, 0.0, 0.0])  # a buffer
        self.layers = []
        for _ in range(2):
            self.layers.append(Block(rng))
        self.heads = {"mean": nn.Linear(3, 1, rng=rng), "rest": Rest(nn.Linear(3, 2, rng=rng))}
        self.named = bp.tensor([1.0], requires_grad=True, name="W1")
        self.size, self.label, self.nothing = 3, "net", None

    def forward(self, x):
        x = self.scale * x + self.offset
        for layer in self.layers:
            x = layer(x)
        return self.heads["mean"](x) * self.named


PATHS = [
    "scale",
    "offset",
    "layers.0.inner.weight",
    "layers.0.inner.bias",
    "layers.1.inner.weight",
    "layers.1.inner.bias",
    "heads.mean.weight",
    "heads.mean.bias",
    "heads.rest.0.weight",
    "heads.rest.0.bias",
    "named",
]


# ---- What belongs to it ----


def test_parameters_and_buffers_are_found_by_attribute():
    net = Net()
    assert list(net.state_dict()) == PATHS
    trained = [path for path in PATHS if path != "offset"]
    assert [path for path, _ in net.named_parameters()] == trained
    assert all(p.requires_grad for p in net.parameters())
    net.scale.requires_grad = False  # frozen: it is still saved
    assert [path for path, _ in net.named_parameters()] == trained[1:]
    assert list(net.state_dict()) == PATHS


def test_modules_are_found_by_attribute():
    of_layers = ["layers.0", "layers.0.inner", "layers.1", "layers.1.inner"]
    paths = [path for path, _ in Net().named_modules()]
    assert paths == ["", *of_layers, "heads.mean", "heads.rest.0"]


def test_tensors_are_named_by_path_unless_they_have_a_name():
    net = Net()
    net(np.ones((2, 3)))
    assert net.layers[1].inner.weight.name == "layers.1.inner.weight"
    assert net.offset.name == "offset"
    assert net.named.name == "W1"


def test_a_model_in_a_model_gets_the_longer_path():
    net = Net()
    net(np.ones((2, 3)))
    outer = nn.Sequential(net, nn.Linear(1, 1))
    outer.parameters()
    weight = net.layers[0].inner.weight
    assert weight.name == "net0.layers.0.inner.weight"
    net(np.ones((2, 3)))
    assert dict(net.named_parameters())["layers.0.inner.weight"] is weight
    assert weight.name == "net0.layers.0.inner.weight"
    assert "0.layers.0.inner.weight" in outer.state_dict()


def test_a_shared_parameter_is_trained_once_and_saved_by_each_path():
    class Tied(nn.Module):
        def __init__(self):
            self.embedding = nn.Embedding(4, 3)
            self.head = nn.Linear(3, 4, bias=False)
            self.head.weight = self.embedding.weight

        def forward(self, i):
            return self.head(self.embedding(i))

    tied = Tied()
    assert len(tied.parameters()) == 1
    assert [path for path, _ in tied.named_parameters()] == ["embedding.weight"]
    assert list(tied.state_dict()) == ["embedding.weight", "head.weight"]
    tied([1, 2]).sum().backward()
    assert (tied.head.weight.grad == tied.embedding.weight.grad).all()


def test_what_was_computed_is_no_part():
    class Keeps(Block):
        def forward(self, x):
            self.last = super().forward(x)
            return self.last

    keeps = Keeps(generator())
    keeps(np.ones((2, 3)))
    assert keeps.last.requires_grad
    assert list(keeps.state_dict()) == ["inner.weight", "inner.bias"]


# ---- Scopes ----


def scopes(output):
    """Return the scopes of what was computed, in the order in which they were entered."""
    return list(dict.fromkeys(str(t.scope) for t in Record(output).tensors if t.primitive))


def test_each_module_opens_a_scope_of_its_name():
    loss = Net()(np.ones((2, 3))).sum()
    entered = ["", "layers.0/inner", "layers.0", "layers.1/inner", "layers.1", "heads.mean"]
    assert scopes(loss) == entered


def test_a_numbered_layer_is_called_by_its_kind():
    model = nn.Sequential(nn.Linear(3, 2), bp.tanh, nn.Sequential(nn.ReLU(), nn.Linear(2, 1)))
    assert scopes(model(np.ones((4, 3)))) == [
        "linear0",
        "",
        "sequential2/relu0",
        "sequential2/linear1",
    ]
    assert [p.name for p in model.parameters()] == [
        "linear0.weight",
        "linear0.bias",
        "sequential2.linear1.weight",
        "sequential2.linear1.bias",
    ]


def test_the_outermost_scope_is_that_of_the_user():
    with bp.scope("student"):
        output = Block(generator())(np.ones((2, 3)))
    assert output.scope == "student"
    assert "student/inner" in scopes(output)


def test_a_picture_and_a_derivation_say_the_layers():
    model = nn.Sequential(nn.Linear(3, 2, rng=generator()), nn.Tanh())
    loss = nn.mse_loss(model(np.ones((4, 3))), np.zeros((4, 2)))
    layers = bp.draw(loss, level="layers").dot
    assert "linear0" in layers
    assert "tanh1" in layers
    assert "linear0.weightᵀ" in bp.derive(loss).text
    assert "linear0.weight" in str(bp.explain(loss))


# ---- Training and evaluation, gradients ----


def test_train_and_eval_reach_every_module():
    net = Net()
    assert all(module.training for _, module in net.named_modules())
    assert net.eval() is net
    assert not any(module.training for _, module in net.named_modules())
    net.train()
    assert all(module.training for _, module in net.named_modules())


def test_zero_grad_reaches_every_parameter():
    net = Net()
    net(np.ones((2, 3))).sum().backward()
    assert net.scale.grad is not None
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


# ---- State ----


def test_a_state_is_a_copy_and_can_be_loaded():
    net, other = Net(), Net()
    state = net.state_dict()
    state["scale"] += 1.0
    assert net.scale.data == 2.0
    state["layers.0.inner.weight"][...] = 7.0
    other.load_state_dict(state)
    assert other.scale.data == 3.0
    assert (other.layers[0].inner.weight.data == 7.0).all()
    state["layers.0.inner.weight"][...] = 8.0
    assert (other.layers[0].inner.weight.data == 7.0).all()
    assert list(other.state_dict()) == list(state)


def test_tensors_and_other_floats_are_loaded():
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": bp.tensor([[1.0, 2.0]]), "bias": np.float32([0.5])})
    assert layer.weight.data.tolist() == [[1.0, 2.0]]
    assert layer.bias.dtype == np.float64


def test_a_state_that_does_not_fit_changes_nothing_and_is_explained():
    net = Net()
    before = net.state_dict()
    state = {path: value + 1.0 for path, value in net.state_dict().items()}
    del state["scale"]
    state["extra"] = np.zeros(2)
    state["heads.mean.weight"] = np.zeros((3, 1))
    state["offset"] = np.array(["a", "b", "c"])
    with pytest.raises(ValueError, match="Net takes another state") as caught:
        net.load_state_dict(state)
    assert str(caught.value) == (
        "Net takes another state: scale is missing; extra is unexpected; offset is float64 here "
        "and <U1 there; heads.mean.weight has shape (1, 3) here and (3, 1) there."
    )
    for path, value in net.state_dict().items():
        assert np.array_equal(value, before[path]), path


def test_a_state_of_states_is_refused():
    model = Block(generator())
    with pytest.raises(TypeError, match=r"Load the state of the model, state\['model'\]\."):
        model.load_state_dict({"epoch": 1, "optimizer": {}, "model": model.state_dict()})


def test_a_state_of_other_classes_is_refused():
    with pytest.raises(ValueError, match=r"inner.weight is missing; .* weight is unexpected"):
        Block(generator()).load_state_dict(nn.Linear(3, 3).state_dict())
    with pytest.raises(TypeError, match="a state is a dict of arrays by path, as state_dict"):
        nn.Linear(3, 3).load_state_dict([1.0, 2.0])


def test_a_copy_is_a_model_of_its_own():
    net = Net()
    other = copy.deepcopy(net)
    other.scale.data = 5.0
    assert net.scale.data == 2.0
    assert other(np.ones((2, 3))).shape == (2, 1)


# ---- How it is shown ----

TABLE = """\
Net: 38 parameters

  layer            kind     what it holds                       parameters
 ──────────────────────────────────────────────────────────────────────────
                   Net      scale (), offset (3,), named (1,)            2
  layers.0.inner   Linear   weight (3, 3), bias (3,)                    12
  layers.1.inner   Linear   weight (3, 3), bias (3,)                    12
  heads.mean       Linear   weight (1, 3), bias (1,)                     4
  heads.rest.0     Linear   weight (2, 3), bias (2,)                     8"""


def test_a_model_prints_as_a_table():
    net = Net()
    assert repr(net) == "<Net: 38 parameters>"
    assert str(net) == TABLE
    html = net._repr_html_()
    assert html.startswith("<pre>")
    assert "layers.0.inner" in html


def test_names_from_a_user_are_data():
    class Odd(nn.Module):
        def __init__(self):
            self.parts = {"[bold]<b>": nn.Linear(1, 1)}

    assert "parts.[bold]<b>" in str(Odd())
    assert "parts.[bold]&lt;b&gt;" in Odd()._repr_html_()


# ---- What is refused ----


class Forgets(nn.Module):
    def forward(self, x):
        bp.tanh(x)


class Plain(nn.Module):
    def __init__(self):
        self.W = np.ones((2, 3))

    def forward(self, x):
        return x @ self.W


class PlainLater(nn.Module):
    def __init__(self):
        self.layers = []
        self.layers.append(np.ones((2, 3)))

    def forward(self, x):
        return x @ self.layers[0]


class Empty(nn.Module):
    pass


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Forgets()(np.ones(3)), "forward of Forgets returned nothing. End it with: return"),
        (lambda: Empty()(np.ones(3)), "Empty has no forward. Write what it computes: def forward"),
        (
            lambda: Plain(),
            "Plain.W is a plain array, so it would be neither trained nor saved. Assign "
            "bp.tensor(array, requires_grad=True) for a parameter, or bp.tensor(array)",
        ),
        (lambda: PlainLater()(np.ones((4, 2))), "PlainLater.layers.0 is a plain array"),
        (lambda: PlainLater().parameters(), "PlainLater.layers.0 is a plain array"),
        (
            lambda: bp.relu(nn.Linear(2, 3)),
            "a layer (Linear) stands where an array belongs. Call it: layer(x)",
        ),
        (lambda: bp.tensor([1.0, 2.0]) * nn.Linear(2, 3), "a layer (Linear) stands where"),
        (lambda: nn.Linear(2, 3) @ bp.tensor([1.0, 2.0]), "a layer (Linear) stands where"),
        (lambda: bp.tensor(nn.Linear(2, 3)), "a layer (Linear) stands where"),
        (lambda: nn.mse_loss(nn.Linear(2, 3), np.ones(3)), "a layer (Linear) stands where"),
        (lambda: nn.cross_entropy(nn.Linear(2, 3), [1]), "a layer (Linear) stands where"),
        (
            lambda: nn.Sequential([nn.Linear(2, 3)]),
            "layer 0 of Sequential is [<Linear: 9 parameters>]. Give layers",
        ),
        (
            lambda: nn.Sequential(nn.Linear(2, 3), nn.ReLU),
            "layer 1 of Sequential is <class 'tinygrad_bp.nn.functions.ReLU'>. Give layers",
        ),
        (
            lambda: nn.ReLU(bp.tensor([1.0])),
            "ReLU is a layer: make one, then call it, as nn.ReLU()(x). The function is bp.relu.",
        ),
        (
            lambda: nn.ReLU(inplace=True),
            "ReLU has no argument 'inplace'. A recorded value never changes: leave it out, and "
            "use what is returned.",
        ),
        (
            lambda: nn.Softmax(1, along=2),
            "Softmax has no argument 'along'. It has: axis.",
        ),
        (lambda: nn.Linear(2, 3, generator()), "takes 3 positional arguments but 4 were given"),
        (
            lambda: nn.LSTMCell(2, 3)(np.ones((5, 2)), np.ones((5, 3))),
            "the state of LSTMCell is the pair (h, c), not array",
        ),
        (lambda: nn.init.normal((2, 3), 0), "rng is a generator, as np.random.default_rng(seed)"),
        (lambda: nn.Linear(2, 3, rng=np.random), "rng is a generator, as np.random.default_rng"),
        (lambda: nn.Linear(2, 3, rng=0), "rng is a generator, as np.random.default_rng(seed), not"),
    ],
)
def test_what_goes_wrong_is_explained(call, message):
    with pytest.raises(TypeError) as caught:
        call()
    assert message in str(caught.value)


def test_an_attribute_cannot_take_the_place_of_a_method():
    with pytest.raises(ValueError, match=r"Block.train is a method of every module. Give"):
        Block(generator()).train = nn.Linear(2, 3)


def test_a_parameter_that_was_computed_is_refused():
    class Scaled(nn.Module):
        def __init__(self):
            self.W = bp.tensor(np.ones((2, 3)), requires_grad=True) * 0.1

    class Listed(nn.Module):
        def __init__(self):
            w = bp.tensor(np.ones((2, 3)), requires_grad=True)
            self.W = [w, {"scaled": w * 0.1}]

    message = r".W is the output of multiply with shape \(2, 3\): it was computed, and w"
    for kind in (Scaled, Listed):
        with pytest.raises(ValueError, match=f"{kind.__name__}{message}"):
            kind()


class Running(nn.Module):
    """A model that keeps a mean, of its input or of its output."""

    def __init__(self, of_output):
        self.layer, self.of_output = nn.Linear(2, 2, rng=generator()), of_output
        self.mean, self.angles = bp.zeros(2), bp.sin(bp.arange(3.0))

    def forward(self, x):
        self.last = self.layer(x)  # what is no parameter or buffer may be computed
        self.mean = 0.5 * self.mean + 0.5 * (self.last if self.of_output else x).mean(axis=0)
        return self.last - self.mean


def test_a_buffer_that_is_computed_in_forward_is_still_one():
    model = Running(of_output=False)
    for _ in range(2):
        model(bp.ones(3, 2))
    state = model.state_dict()
    assert list(state) == ["layer.weight", "layer.bias", "mean", "angles"]
    assert state["mean"].tolist() == [0.75, 0.75]
    assert model.mean.primitive is None  # it keeps no record of the calls before
    weights = {path: p.data for path, p in model.named_parameters()}
    step = bp.compile(lambda weights, x: nn.functional_call(model, weights, x).sum())
    with pytest.raises(TypeError, match="inside a function that is being compiled"):
        step(weights, np.ones((3, 2)))


def test_a_buffer_is_not_computed_from_parameters():
    with pytest.raises(ValueError, match=r"Running.mean is .* kept between calls, t.detach\(\)"):
        Running(of_output=True)(np.ones((3, 2)))


class Watched(nn.Module):
    """A model that keeps what it computes, to be looked at."""

    def __init__(self):
        self.layer, self.output, self.buffers = nn.Linear(2, 2, rng=generator()), None, [bp.ones(2)]

    def forward(self, x):
        self.twice, self.output = 2.0 * x, self.layer(x)
        return self.output * self.buffers[0] + self.twice


def test_what_forward_keeps_to_look_at_is_no_part_of_the_model():
    model, x = Watched(), bp.ones(3, 2)
    state = ["layer.weight", "layer.bias", "buffers.0"]
    for _ in range(2):
        model(x)
        assert list(model.state_dict()) == state
        with bp.no_grad():  # what is computed here are leaves
            model(x)
    bp.value_and_grad(lambda x: model(x).sum())(np.ones((3, 2)))  # now it needs a gradient by x
    assert list(model.state_dict()) == state
    with pytest.raises(ValueError, match=r"Watched.buffers is .* t.detach\(\)"):
        model.buffers = [0.5 * model.buffers[0]]


def test_parts_where_a_module_does_not_look_are_refused():
    block = Block(generator())
    for kind, more in {
        "set": {nn.Linear(3, 3)},
        "deque": deque([nn.Linear(3, 3)]),
        "generator": (nn.Linear(3, 3) for _ in range(2)),
        "map": map(nn.Linear, [3], [3]),
    }.items():
        with pytest.raises(TypeError, match=f"Block.more is a {kind}, in which a module does not"):
            block.more = more
    block.names, block.last = {"a", "b"}, deque([1.0])


def test_a_parameter_is_not_replaced_by_what_is_not_trained():
    layer = nn.Linear(2, 3)
    with pytest.raises(ValueError, match=r"Linear.bias is a parameter, and this Tensor"):
        layer.bias = bp.zeros(3)
    layer.bias = bp.zeros(3, requires_grad=True)
    layer.bias.requires_grad = False
    assert len(layer.parameters()) == 1
    layer.bias = None
    assert list(layer.state_dict()) == ["weight"]


def test_a_module_that_is_a_part_of_itself_is_refused():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    assert len(nn.Sequential(model, model).parameters()) == 4  # twice, but not in itself
    model[0].above = model
    with pytest.raises(ValueError, match=r"Sequential is a part of itself, as 0.above."):
        model.parameters()


def test_an_attribute_may_have_any_other_name():
    block = Block(generator())
    block.own = block.walk = block.parts = block.attributes = nn.Linear(3, 3)
    assert len(block.parameters()) == 4
    assert "own.weight" in block.state_dict()


def test_a_private_array_is_no_part_but_a_private_layer_is():
    block = Block(generator())
    block._seen = [np.ones(3)]
    block._extra = nn.Linear(1, 1)
    extra = ["_extra.weight", "_extra.bias"]
    assert list(block.state_dict()) == ["inner.weight", "inner.bias", *extra]


def test_a_slice_of_a_model_is_a_model_of_the_same_layers():
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1))
    head = model[:2]
    assert isinstance(head, nn.Sequential)
    assert head[0] is model[0]
    assert (len(head), len(model)) == (2, 3)


# ---- A model as a function of its parameters ----


def test_other_values_take_the_place_of_the_own_for_one_call():
    net, other = Net(), Net()
    other.load_state_dict({path: value + 1.0 for path, value in net.state_dict().items()})
    x, before = np.ones((2, 3)), net.state_dict()
    assert np.array_equal(nn.functional_call(net, other.state_dict(), x).data, other(x).data)
    some = {"scale": 3.0 * np.ones(())}
    assert not np.array_equal(nn.functional_call(net, some, x).data, net(x).data)
    for path, value in net.state_dict().items():
        assert np.array_equal(value, before[path]), path


def test_gradients_flow_to_the_values_and_scopes_stay():
    net, x = Net(), np.ones((2, 3))
    net(x).sum().backward()
    mine = {path: bp.tensor(p.data, requires_grad=True) for path, p in net.named_parameters()}
    output = nn.functional_call(net, mine, x)
    output.sum().backward()
    for path, parameter in net.named_parameters():
        expected = None if "rest" in path else parameter.grad
        assert np.array_equal(mine[path].grad, expected), path
    assert scopes(output) == scopes(net(x))


def test_a_tied_weight_stays_tied():
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    identity = {"0.weight": np.eye(3)}
    x = np.arange(3.0)
    assert np.array_equal(nn.functional_call(model, identity, x).data, x)


def test_values_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"Net takes another state: W is unexpected; scale has"):
        nn.functional_call(Net(), {"W": np.ones(1), "scale": np.ones(2)}, np.ones((2, 3)))


def test_a_model_can_be_compiled():
    net, x = Net(), np.ones((2, 3))
    trained = {path: p.data for path, p in net.named_parameters() if "rest" not in path}
    compiled = bp.compile(lambda values, x: nn.functional_call(net, values, x).sum())
    value, gradients = compiled(trained, x)
    loss = net(x).sum()
    loss.backward()
    assert np.allclose(value, loss.data)
    for path, parameter in net.named_parameters():
        if path in trained:
            assert np.allclose(gradients[path], parameter.grad), path


@pytest.mark.parametrize("name", habits.INSTEAD)
def test_a_habit_that_is_not_served_says_what_to_write(name):
    model = nn.Sequential(nn.ReLU())
    with pytest.raises(AttributeError) as caught:
        getattr(model, name)
    assert str(caught.value).startswith(f"Sequential has no {name!r}. ")
    assert caught.value.name == name


def test_a_slip_in_an_attribute_is_seen():
    with pytest.raises(AttributeError, match=r"Block has no 'iner'\. Did you mean 'inner'\?"):
        Block(generator()).iner
    assert not hasattr(Block(generator()), "_private")


def test_a_name_that_is_missing_in_a_property_is_named():
    class Halved(nn.Linear):
        half = property(lambda self: 0.5 * self.wieght)

    with pytest.raises(AttributeError, match=r"Halved has no 'wieght'. Did you mean 'weight'\?"):
        _ = Halved(2, 2).half


def test_the_rows_of_a_table_add_up_where_a_weight_is_tied():
    embedding, out = nn.Embedding(8, 3), nn.Linear(3, 8, bias=False)
    out.weight = embedding.weight
    rows = str(nn.Sequential(embedding, out)).splitlines()
    assert rows[0] == "Sequential: 24 parameters"
    assert [row.split()[-1] for row in rows[-2:]] == ["24", "0"]
