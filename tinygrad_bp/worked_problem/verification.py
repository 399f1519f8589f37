"""Three witnesses, none derived from another, asked for every factor and gradient.

- the closed form: the hand derivation, in plain NumPy;
- the engine: the recorded network, swept backward;
- finite differences: the network as a plain function, called at nearby points.

Where the three agree, all are right, or all are wrong in the same way by chance. `hidden_faults`
says which mistakes they could not see on a given problem.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from ..differences import extrapolated_difference, jacobian_difference, relative_difference
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
    "missing-transpose": {
        "dL/da2": lambda dL_dz3, W3: W3 @ dL_dz3,
        "dL/da1": lambda dL_dz2, W2: W2 @ dL_dz2,
    },
}


class Comparison(NamedTuple):
    """What the witnesses say of one quantity.

    The differences are relative, the largest over the entries. They are None where a witness gives
    no value: the differences for the loss itself, the closed form where a planted mistake stops it.
    """

    name: str
    shape: tuple[int, ...]
    closed_engine: float | None
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
    hand, engine = by_hand(problem, mistake), by_engine(problem)
    differences = by_differences(problem)
    return [compare(name, hand[name], engine[name], differences.get(name)) for name in hand]


def compare(name: str, closed: Array | str, engine: Array, differences: Array | None) -> Comparison:
    # a closed form that has no value gives the reason
    engine_off = None if differences is None else relative_difference(engine, differences)
    if not isinstance(closed, str) and closed.shape != engine.shape:
        closed = f"the closed form has shape {closed.shape}"
    if isinstance(closed, str):
        return Comparison(name, engine.shape, None, None, engine_off, closed)

    exact = relative_difference(closed, engine)
    closed_off = None if differences is None else relative_difference(closed, differences)
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


def by_hand(problem: Problem, mistake: str | None = None) -> dict[str, Array | str]:
    planted = PLANTED[mistake] if mistake else {}
    known = vars(problem) | forward(problem)
    answers: dict[str, Array | str] = {"L": known["L"]}
    for name, factor, needed in CHAIN:
        missing = [other for other in needed if other not in known]
        if missing:
            answers[name] = f"needs {missing[0]}"
            continue
        try:
            values = (known[other] for other in needed)
            answers[name] = known[name] = planted.get(name, factor)(*values)
        except ValueError:
            # As in a product: a weight stands on the left.
            factors = sorted(needed, key=lambda other: not other.startswith("W"))
            shapes = " and ".join(f"{other} {known[other].shape}" for other in factors)
            answers[name] = f"shapes do not fit: {shapes}"
    return answers


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
        **{f"dL/d{name}": extrapolated_difference(f, values[name]) for name, f in losses.items()},
        **{
            name: extrapolated_difference(lambda z: np.sum(sigmoid(z)), z)
            for name, z in slopes.items()
        },
        "da3/dz3": np.stack([jacobian_difference(softmax, z) for z in values["z3"].T]),
    }


def hidden_faults(problem: Problem) -> list[str]:
    # One sentence for each way. A batch of one is not among them, although it cannot show a missing
    # sum over the batch: one sample is what the problem asks for.
    if problem.sizes[-1] == 1:
        return ["There is one output: its softmax is always 1, so every gradient is zero."]
    sentences = [*hidden_by_sizes(problem), *hidden_by_zeros(problem)]
    # If y sums to 1, then y - y_hat sums to 0: dL/da3 is (g, -g), and both terms of J dL/da3 agree.
    if problem.sizes[-1] == 2 and np.allclose(problem.y.sum(axis=0), 1.0):
        sentences.insert(
            0,
            "There are two outputs, and the target sums to 1: the diagonal of the softmax Jacobian "
            "alone gives exactly half of the right answer, so a wrong Jacobian hides behind a lost "
            "factor 2.",
        )
    return sentences


def hidden_by_sizes(problem: Problem) -> Iterator[str]:
    for (m, a), (n, b) in combinations(enumerate(problem.sizes), 2):
        if a != b:
            continue
        both = f"The widths n{m} and n{n} are both {a}"
        W = (problem.W1, problem.W2, problem.W3)[m]
        if n - m > 1:
            yield f"{both}: a product with the values of the wrong layer still fits."
        elif np.array_equal(W, W.T):
            yield f"{both}: W{n} is its own transpose, so a missing one cannot be seen."
        else:
            yield f"{both}: with W{n} square, a missing transpose still fits."
    for layer, size in enumerate(problem.sizes):
        if size == problem.batch:
            both = f"The batch and the width n{layer} are both {size}"
            yield f"{both}: a missing transpose of a batch of columns still fits."


def hidden_by_zeros(problem: Problem) -> Iterator[str]:
    # a wrong formula may agree with them
    missed = np.abs(problem.y - forward(problem)["y_hat"]).max(axis=0) > 1e-12
    if not missed.any():
        yield "The target y equals y_hat: every gradient is zero."
        return
    if not missed.all():
        columns = ", ".join(str(column) for column in np.flatnonzero(~missed))
        yield f"The target y equals y_hat in column {columns}: nothing is tested there."
    zero = [name for name, value in gradients(problem).items() if not value.any()]
    if zero:
        yield f"Zero in every entry, so a wrong formula may agree: {', '.join(zero)}."
