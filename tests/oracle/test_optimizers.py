"""Every optimiser and schedule gives PyTorch's numbers, at each of 100 steps."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as bp

torch = pytest.importorskip(
    "torch", reason='PyTorch is not installed: pip install "tinygrad_bp[oracle]"'
)
TOLERANCE = 1e-12
STEPS = 100

#: For each optimiser, the values that its arguments take; all combinations are tried.
ARGUMENTS: dict[str, dict[str, list[Any]]] = {
    "SGD": {
        "lr": [0.05],
        "momentum": [0.0, 0.9],
        "nesterov": [False, True],
        "weight_decay": [0.0, 0.1],
    },
    "RMSProp": {
        "lr": [1e-2, 0.05],
        "alpha": [0.99, 0.5],
        "eps": [1e-8, 1e-2],
        "weight_decay": [0.0, 0.1],
        "momentum": [0.0, 0.9],
    },
    "Adam": {
        "lr": [1e-3, 0.05],
        "betas": [(0.9, 0.999), (0.5, 0.6), (0.0, 0.9)],
        "eps": [1e-8, 1e-2],
        "weight_decay": [0.0, 0.1],
    },
    "AdamW": {
        "lr": [1e-3, 0.05],
        "betas": [(0.9, 0.999), (0.5, 0.6), (0.0, 0.9)],
        "eps": [1e-8, 1e-2],
        "weight_decay": [0.0, 0.01, 0.5],
    },
}


def combinations() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, arguments in ARGUMENTS.items():
        yield name, {}  # the defaults
        for values in product(*arguments.values()):
            given = dict(zip(arguments, values, strict=True))
            if not given.get("nesterov") or given["momentum"]:
                yield name, given


def theirs(name: str, parameters: list[Any], arguments: dict[str, Any]) -> Any:
    return getattr(torch.optim, name.replace("Prop", "prop"))(parameters, **arguments)


def furthest(
    ours: Callable[[list[Any]], Any],
    torchs: Callable[[list[Any]], Any],
    after: Callable[[Any, Any, int], None] = lambda *_: None,
) -> float:
    """Train both on one problem; return the largest difference of any entry at any step.

    The second parameter has no gradient in every third step. ``after`` is called after each.
    """
    rng = np.random.default_rng(0)
    start = [rng.normal(size=shape) for shape in ((3, 4), (4,), ())]
    mine = [bp.tensor(a, requires_grad=True) for a in start]
    other = [torch.tensor(a, requires_grad=True) for a in start]
    our_optimizer, their_optimizer = ours(mine), torchs(other)
    worst = 0.0
    for step in range(STEPS):
        for i, (p, q) in enumerate(zip(mine, other, strict=True)):
            g = None if i == 1 and step % 3 == 0 else p.data + rng.normal(size=p.shape)
            p.grad, q.grad = g, None if g is None else torch.tensor(g)
        our_optimizer.step()
        their_optimizer.step()
        for p, q in zip(mine, other, strict=True):
            worst = max(worst, np.abs(p.data - q.detach().numpy()).max())
        after(our_optimizer, their_optimizer, step)
    return worst


@pytest.mark.parametrize(("name", "arguments"), list(combinations()), ids=str)
def test_an_optimiser_takes_the_steps_of_pytorchs(name: str, arguments: dict[str, Any]) -> None:
    worst = furthest(
        lambda p: getattr(bp.optim, name)(p, **arguments),
        lambda p: theirs(name, p, arguments),
    )
    assert worst < TOLERANCE


@pytest.mark.parametrize("name", ARGUMENTS)
def test_another_rate_is_seen(name: str) -> None:
    """The negative control of the test above."""
    worst = furthest(
        lambda p: getattr(bp.optim, name)(p, lr=1e-2 * (1 + 1e-9)),
        lambda p: theirs(name, p, {"lr": 1e-2}),
    )
    assert worst > TOLERANCE


def test_the_defaults_are_pytorchs() -> None:
    w, q = bp.tensor(1.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)
    for name in ARGUMENTS:
        ours = getattr(bp.optim, name)([w]).state_dict()
        (group,) = theirs(name, [q], {}).state_dict()["param_groups"]
        assert {name: group[name] for name in ours if name != "states"} == {
            name: value for name, value in ours.items() if name != "states"
        }


SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    *(("StepLR", {"step_size": s, "gamma": g}) for s in (1, 7, 200) for g in (0.1, 0.97)),
    ("StepLR", {"step_size": 30}),
    *(("MultiStepLR", {"milestones": m}) for m in ([], [1], [60, 30], [5, 5, 80], [3, 200])),
    ("MultiStepLR", {"milestones": [30, 60], "gamma": 0.5}),
    *(("ExponentialLR", {"gamma": g}) for g in (0.9, 1.0, 1.01)),
    *(("CosineAnnealingLR", {"T_max": T}) for T in (1, 2, 10, 30, 100, 170)),
    ("CosineAnnealingLR", {"T_max": 40, "eta_min": 0.01}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 60}),
    ("LinearLR", {"start_factor": 0.01, "total_iters": 1}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.95**epoch}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.0 if epoch == 3 else 1.0}),
    *(
        ("OneCycleLR", {"max_lr": 0.5, "total_steps": STEPS, **more})
        for more in (
            {},
            {"total_steps": 110, "pct_start": 0.2},
            {"total_steps": 130, "base_momentum": 0.7, "max_momentum": 0.99},
            {"div_factor": 10.0, "final_div_factor": 10.0},
            {"cycle_momentum": False},
        )
    ),
]


@pytest.mark.parametrize(("name", "arguments"), SCHEDULES)
@pytest.mark.parametrize(
    "optimizer", [("SGD", {"lr": 0.1, "momentum": 0.9}), ("AdamW", {"lr": 0.1})], ids=str
)
def test_a_schedule_sets_the_rates_of_pytorchs(
    name: str, arguments: dict[str, Any], optimizer: tuple[str, dict[str, Any]]
) -> None:
    kind, of_optimizer = optimizer
    schedules: list[Any] = []
    rates: list[tuple[float, float]] = []

    def ours(parameters: list[Any]) -> Any:
        made = getattr(bp.optim, kind)(parameters, **of_optimizer)
        schedules.append(getattr(bp.optim.lr_scheduler, name)(made, **arguments))
        return made

    def torchs(parameters: list[Any]) -> Any:
        made = theirs(kind, parameters, of_optimizer)
        schedules.append(getattr(torch.optim.lr_scheduler, name)(made, **arguments))
        return made

    def after(mine: Any, other: Any, step: int) -> None:
        (group,) = other.param_groups
        rates.append((mine.lr, group["lr"]))
        for schedule in schedules:
            schedule.step()

    assert furthest(ours, torchs, after) < TOLERANCE
    np.testing.assert_allclose(*zip(*rates, strict=True), rtol=1e-10, atol=1e-16)


PLATEAUS = [
    {"mode": mode, **more}
    for mode, more in product(
        ("min", "max"),
        (
            {},
            {"patience": 0},
            {"patience": 2, "factor": 0.5},
            {"patience": 1, "min_lr": 0.01, "threshold": 0.1},
            {"patience": 1, "eps": 0.02, "threshold": 0.0},
        ),
    )
]


@pytest.mark.parametrize("arguments", PLATEAUS, ids=str)
@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_a_plateau_is_seen_when_pytorch_sees_it(arguments: dict[str, Any], shift: float) -> None:
    w, q = bp.tensor(1.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)
    mine, other = bp.optim.SGD([w], lr=0.1), torch.optim.SGD([q], lr=0.1)
    ours = bp.optim.ReduceLROnPlateau(mine, **arguments)
    torchs = torch.optim.lr_scheduler.ReduceLROnPlateau(other, **arguments)
    rng = np.random.default_rng(0)
    sign = 1 if arguments["mode"] == "min" else -1
    rates = set()
    for figure in shift + sign * (1 / np.arange(1, STEPS + 1) + 0.05 * rng.normal(size=STEPS)):
        ours.step(figure)
        torchs.step(figure)
        assert mine.lr == pytest.approx(other.param_groups[0]["lr"], rel=1e-12)
        rates.add(mine.lr)
    assert len(rates) > 1 or "patience" not in arguments  # the default waits for 10 epochs


@pytest.mark.parametrize("size", [0.1, 100.0])
@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.0, float("inf")])
def test_gradients_are_clipped_as_by_pytorch(size: float, norm_type: float) -> None:
    rng = np.random.default_rng(0)
    gradients = [size * rng.normal(size=shape) for shape in ((3, 4), (4,), ())]
    for norm in (True, False):
        mine = [bp.tensor(g, requires_grad=True) for g in gradients]
        other = [torch.tensor(g, requires_grad=True) for g in gradients]
        for p, q, g in zip(mine, other, gradients, strict=True):
            p.grad, q.grad = g, torch.tensor(g)
        if norm:
            ours = bp.optim.clip_grad_norm(mine, 2.0, norm_type)
            torchs = torch.nn.utils.clip_grad_norm_(other, 2.0, norm_type).item()
            assert ours == pytest.approx(torchs, rel=1e-12)
        else:
            bp.optim.clip_grad_value(mine, 0.3)
            torch.nn.utils.clip_grad_value_(other, 0.3)
        for p, q in zip(mine, other, strict=True):
            np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=1e-12)
