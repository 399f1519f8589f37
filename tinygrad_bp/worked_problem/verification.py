"""Three witnesses, none derived from another, asked for every factor and gradient.

- the closed form: the hand derivation, in plain NumPy;
- the engine: the recorded network, swept backward;
- finite differences: the network as a plain function, called at nearby points.

Where the three agree, all are right, or all are wrong in the same way by chance.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..differences import jacobian_difference, relative_difference
from ..engine import Tensor, grad, tensor
from ..rules.activations import sigmoid, softmax
from ..rules.reductions import square_sum
from .closed_form import CHAIN, Factor, da3_dz3, forward, gradients
from .network import network
from .problem import Array, Problem

#: The largest relative difference at which two witnesses agree.
EXACT = 1e-12  # closed form and engine: the same mathematics, rounded differently
BY_DIFFERENCES = 1e-6

#: Where every witness is below this, the quantity is zero but for rounding.
ZERO = 1e-13

#: Mistakes to be planted in the closed form, by their names in the catalogue, to see them caught.
PLANTED: dict[str, dict[str, Factor]] = {
    "softmax-diagonal": {"da3/dz3": lambda a3: da3_dz3(a3) * np.eye(len(a3))},
    "missing-sigmoid-derivative": {"da2/dz2": np.ones_like, "da1/dz1": np.ones_like},
    "lost-factor-2": {"dL/da3": lambda y, y_hat: -(y - y_hat)},
}


class Comparison(NamedTuple):
    """What the witnesses say of one quantity.

    The differences are relative, the largest over the entries. For the loss itself there are no
    finite differences, and None stands for them.
    """

    name: str
    shape: tuple[int, ...]
    closed_engine: float
    closed_differences: float | None
    engine_differences: float | None
    verdict: str

    @property
    def agrees(self) -> bool:
        return self.verdict in ("agree", "all zero")


def verify(problem: Problem, mistake: str | None = None) -> list[Comparison]:
    """Compare the three witnesses on the loss and on each factor and gradient of the derivation.

    A mistake, one of `PLANTED`, is planted in the closed form.

    >>> from tinygrad_bp.worked_problem.problem import random_problem
    >>> rows = verify(random_problem(), "lost-factor-2")
    >>> next(row.name for row in rows if not row.agrees)
    'dL/da3'
    """
    planted = PLANTED[mistake] if mistake else {}
    hand = {"L": forward(problem)["L"], **gradients(problem, planted)}
    engine, differences = by_engine(problem), by_differences(problem)
    return [compare(name, hand[name], engine[name], differences.get(name)) for name in hand]


def compare(name: str, closed: Array, engine: Array, differences: Array | None) -> Comparison:
    exact = relative_difference(closed, engine)
    closed_off = None if differences is None else relative_difference(closed, differences)
    engine_off = None if differences is None else relative_difference(engine, differences)
    closed_holds = closed_off is None or closed_off <= BY_DIFFERENCES
    engine_holds = engine_off is None or engine_off <= BY_DIFFERENCES
    answers = [answer for answer in (closed, engine, differences) if answer is not None]
    if max(np.abs(answer).max(initial=0.0) for answer in answers) < ZERO:
        verdict = "all zero"
    elif exact <= EXACT and closed_holds and engine_holds:
        verdict = "agree"
    elif closed_holds == engine_holds:
        verdict = "the witnesses disagree"
    else:
        wrong = "engine" if closed_holds else "closed form"
        verdict = f"the {wrong} disagrees with both others"
    return Comparison(name, engine.shape, exact, closed_off, engine_off, verdict)


def recorded(problem: Problem) -> dict[str, Tensor]:
    leaves = {
        name: tensor(value, requires_grad=name.startswith("W"), name=name)
        for name, value in vars(problem).items()
    }
    return leaves | network(**leaves)


def by_engine(problem: Problem) -> dict[str, Array]:
    run = recorded(problem)
    run["a3"] = run["y_hat"]
    names = [name.removeprefix("dL/d") for name, _, _ in CHAIN if name.startswith("dL/d")]
    by_name = zip(names, grad(run["L"], [run[name] for name in names]), strict=True)
    answers = {"L": run["L"].data} | {f"dL/d{name}": g for name, g in by_name}

    # The factors between two quantities of one layer. A unit upstream gradient on output i of the
    # softmax gives row i of its Jacobian, for every sample at once.
    units = np.eye(len(problem.y))[:, :, np.newaxis] * np.ones(problem.batch)
    rows = [grad(run["a3"], run["z3"], gradient=unit) for unit in units]
    answers["da3/dz3"] = np.stack(rows).transpose(2, 0, 1)
    for a, z in (("a2", "z2"), ("a1", "z1")):
        answers[f"d{a}/d{z}"] = grad(run[a], run[z], gradient=np.ones(run[a].shape))
    return answers


def by_differences(problem: Problem) -> dict[str, Array]:
    values = vars(problem) | network(**vars(problem))
    values["a3"] = values["y_hat"]
    steps: dict[str, Callable[[Array], Any]] = {
        "z1": sigmoid,
        "a1": lambda a1: problem.W2 @ a1,
        "z2": sigmoid,
        "a2": lambda a2: problem.W3 @ a2,
        "z3": lambda z3: softmax(z3, axis=0),
        "a3": lambda a3: square_sum(problem.y - a3),
    }

    def loss_from(quantity: str, value: Array) -> Any:  # the rest of the network
        for step in list(steps.values())[list(steps).index(quantity) :]:
            value = step(value)
        return value

    def loss_by(weight: str, value: Array) -> Any:
        return network(**(vars(problem) | {weight: value}))["L"]

    losses = {name: partial(loss_from, name) for name in steps}
    losses |= {name: partial(loss_by, name) for name in ("W1", "W2", "W3")}
    slopes = {f"da{k}/dz{k}": values[f"z{k}"] for k in (1, 2)}
    return {
        **{f"dL/d{name}": jacobian_difference(f, values[name]) for name, f in losses.items()},
        **{
            name: jacobian_difference(lambda z: np.sum(sigmoid(z)), z) for name, z in slopes.items()
        },
        "da3/dz3": np.stack([jacobian_difference(softmax, z) for z in values["z3"].T]),
    }
