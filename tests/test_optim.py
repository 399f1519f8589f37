"""Optimisers and schedules: what they refuse, what they keep, and that a step can be recorded.

Their numbers are compared with PyTorch's in `oracle/test_optimizers.py`.
"""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as bp
from tinygrad_bp import optim

KINDS: dict[str, Callable[[list[bp.Tensor]], optim.Optimizer]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, weight_decay=0.1),
    "SGD with momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "RMSProp": lambda p: optim.RMSProp(p, lr=0.1, momentum=0.9),
    "Adam": lambda p: optim.Adam(p, lr=0.1, weight_decay=0.1),
    "AdamW": lambda p: optim.AdamW(p, lr=0.1),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def leaf(*shape: int, seed: int = 0) -> bp.Tensor:
    return bp.tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True)


def trained(parameters: list[bp.Tensor], optimizer: optim.Optimizer, steps: int) -> list[Any]:
    """Train on the sum of squares, and return the values."""
    for _ in range(steps):
        optimizer.zero_grad()
        for p in parameters:
            ((p - 1) ** 2).sum().backward()
        optimizer.step()
    return [p.data for p in parameters]


# --- steps ----------------------------------------------------------------------------------------


@every_kind
def test_training_comes_to_the_minimum(kind: str) -> None:
    parameters = [leaf(3), leaf(), leaf(0)]
    for value in trained(parameters, KINDS[kind](parameters), 400):
        np.testing.assert_allclose(value, 1, atol=0.06)  # weight decay moves the minimum


@every_kind
def test_a_step_keeps_the_precision_and_changes_no_old_array(kind: str) -> None:
    w = bp.tensor(np.ones((2, 2), np.float32), requires_grad=True)
    optimizer = KINDS[kind]([w])
    optimizer.lr = np.float64(0.1)  # as from np.logspace
    value, gradient = w.data, np.full((2, 2), 0.5, np.float32)
    w.grad = gradient
    optimizer.step()
    assert w.data.dtype == np.float32
    assert np.array_equal(value, np.ones((2, 2)))
    assert np.array_equal(gradient, np.full((2, 2), 0.5))
    assert not w.data.flags.writeable


@every_kind
def test_an_old_graph_keeps_its_gradient(kind: str) -> None:
    w = bp.tensor(3.0, requires_grad=True)
    loss = w * w
    w.grad = 1.0
    KINDS[kind]([w]).step()
    w.zero_grad()
    loss.backward()
    assert w.grad == 6.0


@every_kind
def test_the_formula_is_recorded_on_tensors(kind: str) -> None:
    """Two steps on Tensors give the values of two steps on arrays, and a gradient by the rate."""
    optimizer = KINDS[kind]([leaf(3)])

    def after_two(value: Any, lr: Any, state: Any) -> Any:
        for _ in range(2):
            value, state = optimizer.update(value, 2 * (value - 1), state, lr)
        return value

    start = optimizer.parameters[0].data
    state = optimizer.initial_state(start)
    on_arrays = after_two(start, 0.1, state)
    on_tensors = after_two(bp.tensor(start), bp.tensor(0.1), state)
    np.testing.assert_allclose(on_tensors.data, on_arrays, rtol=1e-14)
    assert bp.gradcheck(
        lambda value, lr: after_two(value, lr, state).sum(),
        [start, 0.1],
    )
    as_tensors = {name: bp.tensor(item, requires_grad=name != "t") for name, item in state.items()}
    on_tensors = after_two(bp.tensor(start), 0.1, as_tensors)
    np.testing.assert_allclose(on_tensors.data, on_arrays, rtol=1e-14)


@every_kind
def test_the_formula_is_compiled_with_the_state_as_an_argument(kind: str) -> None:
    optimizer = KINDS[kind]([leaf(3)])
    names = list(optimizer.states[0])

    def step(value: Any, lr: Any, *state: Any) -> Any:
        state_by_name = dict(zip(names, state, strict=True))
        value, new = optimizer.update(value, 2 * (value - 1), state_by_name, lr)
        return value, *new.values()

    compiled = bp.compile(step, wrt=None)
    by_step = by_program = (
        optimizer.parameters[0].data,
        *(np.asarray(item, float) for item in optimizer.states[0].values()),
    )
    for _ in range(3):
        by_step = step(by_step[0], 0.1, *by_step[1:])
        by_program = compiled(by_program[0], np.array(0.1), *by_program[1:])
    for right, found in zip(by_step, by_program, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-12)


@every_kind
def test_a_parameter_without_a_gradient_stays_as_it_is(kind: str) -> None:
    a, b = leaf(2), leaf(2)
    before = b.data
    optimizer = KINDS[kind]([a, b])
    a.grad = np.ones(2)
    optimizer.step()
    assert np.shares_memory(b.data, before)
    assert a.data.tolist() != before.tolist()


@every_kind
def test_a_step_without_any_gradient_is_refused(kind: str) -> None:
    optimizer = KINDS[kind]([leaf(2), leaf(2)])
    with pytest.raises(ValueError, match=r"finds no gradient .* Call loss.backward\(\) first"):
        optimizer.step()
    for clip in (optim.clip_grad_norm, optim.clip_grad_value):
        with pytest.raises(ValueError, match=f"{clip.__name__} finds no gradient"):
            clip(optimizer.parameters, 1.0)


def test_an_optimiser_shows_its_arguments() -> None:
    optimizer = optim.SGD([leaf(2), leaf(3)], lr=0.1, momentum=0.9)
    assert repr(optimizer) == (
        "SGD(parameters=2, lr=0.1, momentum=0.9, nesterov=False, weight_decay=0.0)"
    )


# --- what is refused ------------------------------------------------------------------------------


def used_up() -> Any:
    parameters = (leaf(2) for _ in range(2))
    list(parameters)
    return parameters


def twice() -> Any:
    w = leaf(2)
    return [w, w]


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        (
            list,
            ValueError,
            "has no parameters to train. All may be frozen",
        ),
        (
            used_up,
            ValueError,
            "has no parameters to train. All may be frozen",
        ),
        (dict, ValueError, "has no parameters to train"),
        (twice, ValueError, r"was given a tensor with shape \(2,\) twice"),
        (
            lambda: leaf(2),
            TypeError,
            r"takes a list of parameters, .*, not a tensor .*\. For one parameter, write \[w\]",
        ),
        (
            lambda: [np.ones(2)],
            TypeError,
            r"takes Tensors as parameters, .*, not an object of type ndarray",
        ),
        (lambda: ["w"], TypeError, "takes Tensors as parameters, .*, not an object of type str"),
        (lambda: 3, TypeError, r"takes a list of parameters, such as model.parameters\(\), not 3"),
        (lambda: [bp.tensor([1.0])], ValueError, "needs no gradient. Make it with requires_grad="),
        (lambda: [leaf(2) * 2], ValueError, "trains leaves, and .* was computed"),
    ],
)
@every_kind
def test_parameters_that_cannot_be_trained_are_refused(
    kind: str, parameters: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        KINDS[kind](parameters())


def test_a_dict_and_a_generator_of_parameters_are_taken() -> None:
    a, b = leaf(2), leaf(2)
    for parameters in ({"a": a, "b": b}, (p for p in (a, b)), (a, b)):
        assert optim.SGD(parameters).parameters == [a, b]


BAD = (-1.0, float("nan"), float("inf"), "0.1", None, 1j)
ARGUMENTS = {
    optim.SGD: {"lr": BAD, "momentum": BAD, "weight_decay": BAD},
    optim.RMSProp: dict.fromkeys(("lr", "eps", "weight_decay", "momentum"), BAD)
    | {"alpha": (*BAD, 1.0)},
    optim.Adam: {"lr": BAD, "eps": BAD, "weight_decay": BAD}
    | {"betas": ((-0.1, 0.9), (0.9, 1.0), (None, 0.9))},
    optim.AdamW: {"lr": BAD, "eps": BAD, "weight_decay": BAD},
}


@pytest.mark.parametrize("kind", ARGUMENTS, ids=lambda kind: kind.__name__)
def test_arguments_out_of_range_are_refused(kind: Any) -> None:
    for name, values in ARGUMENTS[kind].items():
        for value in values:
            with pytest.raises(ValueError, match=rf"^{name}.* is a number that is at least 0"):
                kind([leaf(2)], **{name: value})


def test_nesterov_needs_momentum() -> None:
    with pytest.raises(ValueError, match="nesterov=True looks ahead along the momentum"):
        optim.SGD([leaf(2)], nesterov=True)


@every_kind
def test_an_argument_is_checked_when_it_is_changed_too(kind: str) -> None:
    optimizer = KINDS[kind]([leaf(2)])
    for name in vars(optimizer).keys() & optimizer.checks.keys():
        before = getattr(optimizer, name)
        for value in (-1.0, "0.1", None):
            with pytest.raises(ValueError, match=rf"^{name} is "):
                setattr(optimizer, name, value)
        assert getattr(optimizer, name) == before


@pytest.mark.parametrize("kind", [optim.SGD, optim.RMSProp])
def test_momentum_that_is_changed_later_counts(kind: Any) -> None:
    """Given after the first step, it acts from then on; taken away, it does so no more."""
    one, other, plain = (leaf(2) for _ in range(3))
    late, early, without = kind([one], 0.1), kind([other], 0.1, momentum=0.9), kind([plain], 0.1)
    late.momentum = 0.9
    trained([one], late, 3)
    trained([other], early, 3)
    trained([plain], without, 3)
    assert np.array_equal(one.data, other.data)
    assert not np.allclose(one.data, plain.data)
    early.load_state_dict(late.state_dict())
    late.momentum = 0.0
    plain.data, without.states = one.data, copy.deepcopy(late.states)
    trained([one], late, 2)
    trained([plain], without, 2)
    assert np.array_equal(one.data, plain.data)


def test_nesterov_that_is_left_without_momentum_is_refused() -> None:
    w = leaf(2)
    optimizer = optim.SGD([w], 0.1, momentum=0.9, nesterov=True)
    optimizer.momentum = 0.0
    with pytest.raises(ValueError, match="nesterov=True looks ahead along the momentum"):
        trained([w], optimizer, 1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: optim.SGD([leaf(2)], 0.1, 0.9, 0.5),  # the dampening
        lambda: optim.ReduceLROnPlateau(sgd(), "min", 0.1, 10, 1e-4, "rel"),  # threshold_mode
    ],
)
def test_what_pytorch_has_in_another_place_is_given_by_name_alone(make: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match="positional arguments"):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optim.SGD([leaf(2)], momentum=0.9, nesterov=0.5), "nesterov is True or False, n"),
        (lambda: optim.Adam([leaf(2)], betas=0.9), "betas is a pair of numbers, such as"),
        (lambda: optim.Adam([leaf(2)], betas=(0.9,)), "betas is a pair of numbers, such as"),
        (lambda: optim.ReduceLROnPlateau(sgd(), min_lr="rel"), "min_lr is a number that is at"),
        (lambda: optim.ReduceLROnPlateau(sgd(), patience=None), "patience is a number that is"),
    ],
)
def test_an_argument_of_another_type_is_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        make()


def sgd() -> optim.SGD:
    return optim.SGD([leaf(2)], lr=0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optim.StepLR(sgd(), 0), "step_size is a number that is whole and at least 1"),
        (lambda: optim.StepLR(sgd(), 2.5), "step_size is a number that is whole"),
        (lambda: optim.StepLR(sgd(), 1, gamma=-1), "gamma is a number that is at least 0, not -1"),
        (lambda: optim.MultiStepLR(sgd(), [1], gamma=-1), "gamma is a number that is at least 0"),
        (lambda: optim.ExponentialLR(sgd(), -0.1), "gamma is a number that is at least 0"),
        (lambda: optim.CosineAnnealingLR(sgd(), 0), "T_max is a number that is whole"),
        (lambda: optim.LinearLR(sgd(), total_iters=0), "total_iters is a number that is whole"),
        (lambda: optim.LinearLR(sgd(), start_factor=-1), "start_factor is a number that is at le"),
        (lambda: optim.OneCycleLR(sgd(), 1.0, 10), "SGD has no momentum to change along"),
        (lambda: optim.OneCycleLR(sgd(), 1.0, 0, cycle_momentum=False), "total_steps is a number"),
        (
            lambda: optim.OneCycleLR(sgd(), 1.0, 9, pct_start=1.0, cycle_momentum=False),
            "pct_start is a number that is at least 0 and less than 1",
        ),
        (lambda: optim.ReduceLROnPlateau(sgd(), mode="least"), "mode is 'min' or 'max'"),
        (lambda: optim.ReduceLROnPlateau(sgd(), factor=1.0), "factor is a number that is at leas"),
    ],
)
def test_schedules_out_of_range_are_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("kind", [optim.StepLR, optim.ReduceLROnPlateau])
def test_a_schedule_needs_an_optimiser(kind: Any) -> None:
    with pytest.raises(TypeError, match=rf"{kind.__name__} takes an optimiser, such as .*, not 0"):
        kind(0.1, 3)


def test_what_pytorch_spells_otherwise_is_the_same() -> None:
    assert optim.RMSprop is optim.RMSProp
    assert optim.clip_grad_norm_ is optim.clip_grad_norm
    assert optim.clip_grad_value_ is optim.clip_grad_value
    assert optim.lr_scheduler.StepLR(sgd(), 3).get_last_lr() == [0.1]


def test_a_cycle_ends() -> None:
    schedule = optim.OneCycleLR(sgd(), 1.0, total_steps=3, cycle_momentum=False)
    for _ in range(3):
        schedule.step()
    with pytest.raises(ValueError, match="is over: it was made for 3 steps"):
        schedule.step()


def test_a_cycle_may_start_at_the_highest_rate() -> None:
    for pct_start in (0.0, 0.1):
        optimizer = sgd()
        schedule = optim.OneCycleLR(
            optimizer, 1.0, total_steps=10, pct_start=pct_start, cycle_momentum=False
        )
        rates = []
        for _ in range(10):
            rates.append(optimizer.lr)
            schedule.step()
        assert rates == sorted(rates, reverse=True)
        assert rates[0] > 0.9


def test_two_schedules_of_one_optimiser_are_refused() -> None:
    optimizer = sgd()
    first, second = optim.ExponentialLR(optimizer, 0.5), optim.StepLR(optimizer, 1)
    first.step()
    with pytest.raises(
        ValueError, match=r"StepLR set the learning rate to 0\.1, and now it is 0\.05"
    ):
        second.step()
    assert optimizer.lr == 0.05


# --- clipping -------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_norm_that_is_no_number_is_refused(value: float) -> None:
    w = leaf(2)
    w.grad = np.array([1.0, value])
    with pytest.raises(ValueError, match=r"the norm of the gradients is (inf|nan)"):
        optim.clip_grad_norm([w], 1.0)
    assert w.grad is not None
    assert w.grad[0] == 1.0


def test_a_short_gradient_is_left_alone() -> None:
    w, empty = leaf(2), leaf(2)
    w.grad = np.array([0.3, 0.4])
    before = w.grad
    assert optim.clip_grad_norm([w, empty], 1.0) == pytest.approx(0.5)
    assert np.shares_memory(w.grad, before)
    assert empty.grad is None


# --- to stop and go on ----------------------------------------------------------------------------


@every_kind
def test_a_state_goes_on_bit_for_bit(kind: str) -> None:
    through, first = [leaf(3), leaf()], [leaf(3), leaf()]
    expected = trained(through, KINDS[kind](through), 10)
    optimizer = KINDS[kind](first)
    optimizer.lr = 0.1
    values = trained(first, optimizer, 4)
    second = [bp.tensor(value, requires_grad=True) for value in values]
    again = KINDS[kind](second)
    again.lr = 0.7  # another start, which the state corrects
    again.load_state_dict(optimizer.state_dict())
    for value, right in zip(trained(second, again, 6), expected, strict=True):
        assert np.array_equal(value, right)


def test_a_state_is_a_copy() -> None:
    w = leaf(2)
    optimizer = optim.Adam([w])
    state = optimizer.state_dict()
    state["states"][0]["m"][:] = 7
    assert optimizer.states[0]["m"].tolist() == [0, 0]
    optimizer.load_state_dict(state)
    state["states"][0]["m"][:] = 8
    assert optimizer.states[0]["m"].tolist() == [7, 7]


def altered(change: Callable[[Any], Any]) -> Any:
    state = optim.Adam([leaf(2), leaf(3)]).state_dict()
    found = change(state)
    return state if found is None else found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: [], r"state is \[\], not like"),
        (lambda s: s.pop("lr") and None, r"state has .*, not \['betas', 'eps', 'lr'"),
        (lambda s: s["states"].pop() and None, r"state\['states'\] has \[0\], not \[0, 1\]"),
        (lambda s: s["states"].reverse(), r"state\['states'\]\[0\]\['m'\] is float64 \(3,\), not"),
        (lambda s: s.update(lr="0.1"), r"state\['lr'\] is '0.1', not like 0.001"),
        (lambda s: s.update(lr=None), r"state\['lr'\] is None, not like 0.001"),
        (lambda s: s.update(betas=(0.9,)), r"state\['betas'\] has \[0\], not \[0, 1\]"),
        (lambda s: s["states"][1].update(t="x"), r"state\['states'\]\[1\]\['t'\] is 'x'"),
        (
            lambda s: s["states"][1].update(m=np.zeros(3, np.float32)),
            r"state\['states'\]\[1\]\['m'\] is float32 \(3,\), not float64 \(3,\)",
        ),
        (
            lambda s: s["states"][1].update(v=0.0),
            r"state\['states'\]\[1\]\['v'\] is float64 \(\), not float64 \(3",
        ),
        (lambda s: optim.SGD([leaf(2)]).state_dict(), "state has"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(
    change: Callable[[Any], Any], message: str
) -> None:
    optimizer = optim.Adam([leaf(2), leaf(3)], lr=0.001)
    before = copy.deepcopy(vars(optimizer))
    with pytest.raises(ValueError, match=f"this Adam cannot go on from that state: {message}"):
        optimizer.load_state_dict(altered(change))
    assert repr(before) == repr(vars(optimizer))


SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "StepLR": lambda o: optim.StepLR(o, 3),
    "MultiStepLR": lambda o: optim.MultiStepLR(o, [2, 5]),
    "ExponentialLR": lambda o: optim.ExponentialLR(o, 0.9),
    "CosineAnnealingLR": lambda o: optim.CosineAnnealingLR(o, 10),
    "LinearLR": lambda o: optim.LinearLR(o, total_iters=8),
    "LambdaLR": lambda o: optim.LambdaLR(o, lambda epoch: 1 / (1 + epoch)),
    "OneCycleLR": lambda o: optim.OneCycleLR(o, 0.5, 10),
    "ReduceLROnPlateau": lambda o: optim.ReduceLROnPlateau(o, patience=1),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_goes_on_and_refuses_what_does_not_fit(name: str) -> None:
    figures = [3.0, 2.0, 2.5, 2.5, 2.5, 2.5, 2.5, 2.5, 1.0]

    def run(schedule: Any, optimizer: Any, figures: list[float]) -> list[Any]:
        seen = []
        for figure in figures:
            schedule.step(*[figure] * (name == "ReduceLROnPlateau"))
            seen.append((optimizer.lr, optimizer.momentum))
        return seen

    def started() -> tuple[Any, Any]:
        optimizer = optim.SGD([leaf(2)], lr=0.1, momentum=0.9)
        return SCHEDULES[name](optimizer), optimizer

    expected = run(*started(), figures)
    schedule, optimizer = started()
    assert run(schedule, optimizer, figures[:4]) == expected[:4]
    again, other = started()
    other.load_state_dict(optimizer.state_dict())
    again.load_state_dict(schedule.state_dict())
    assert run(again, other, figures[4:]) == expected[4:]
    state = again.state_dict()
    for bad in ({}, {**state, "more": 1}, dict.fromkeys(state, "x"), None):
        with pytest.raises(ValueError, match=f"this {name} cannot go on from that state"):
            again.load_state_dict(bad)
    assert again.state_dict() == state


class Run:
    """A training run on the digits: all that a file must keep."""

    def __init__(self, seed: int) -> None:
        images, labels = bp.datasets.digits()
        self.rng = np.random.default_rng(seed)
        self.model = bp.nn.Sequential(
            bp.nn.Linear(64, 16, rng=self.rng),
            bp.relu,
            bp.nn.Dropout(0.3, rng=self.rng),
            bp.nn.Linear(16, 10, rng=self.rng),
        )
        self.optimizer = optim.AdamW(self.model.parameters(), lr=1e-2)
        self.schedule = optim.OneCycleLR(self.optimizer, 1e-2, total_steps=28)
        self.batches = bp.data.batches(images[:200], labels[:200], size=32, rng=self.rng)

    def epoch(self) -> list[float]:
        losses = []
        for x, labels in self.batches:
            loss = bp.cross_entropy(self.model(bp.tensor(x)), labels)
            self.optimizer.zero_grad()
            loss.backward()
            optim.clip_grad_norm(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.schedule.step()
            losses.append(loss.item())
        return losses

    def save(self, path: Path) -> None:
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "rng": self.rng.bit_generator.state,
        }
        bp.save(state, path)

    def load(self, path: Path) -> None:
        state = bp.load(path)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.rng.bit_generator.state = state["rng"]


def test_training_goes_on_from_a_file_bit_for_bit(tmp_path: Path) -> None:
    pytest.importorskip(
        "safetensors", reason='safetensors is not installed: pip install "tinygrad_bp[io]"'
    )
    through = Run(seed=0)
    losses = [through.epoch() for _ in range(4)]
    first = Run(seed=0)
    assert [first.epoch(), first.epoch()] == losses[:2]
    first.save(tmp_path / "run.safetensors")
    second = Run(seed=1)
    assert second.epoch() != losses[0]  # the negative control
    second = Run(seed=1)
    second.load(tmp_path / "run.safetensors")
    assert [second.epoch(), second.epoch()] == losses[2:]
    for name, value in through.model.state_dict().items():
        assert np.array_equal(value, second.model.state_dict()[name])


def test_a_state_that_was_a_file_has_its_tuples_again() -> None:
    optimizer = optim.Adam([bp.tensor(1.0, requires_grad=True)])
    optimizer.load_state_dict({**optimizer.state_dict(), "betas": [0.5, 0.75]})
    assert optimizer.betas == (0.5, 0.75)
