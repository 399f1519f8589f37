"""Three witnesses, none derived from another, asked for every factor and gradient.

- the closed form: the hand derivation, in plain NumPy;
- the engine: the recorded network, swept backward;
- finite differences: the network as a plain function, called at nearby points.

Where the three agree, all are right, or all are wrong in the same way by chance.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..backward import grad
from ..differences import extrapolated_difference, jacobian_difference, relative_difference
from ..engine import Tensor, tensor
from ..rules.activations import sigmoid, softmax
from ..rules.reductions import square_sum
from .closed_form import CHAIN, forward
from .mistakes import Mistake
from .network import network
from .problem import Problem

Array = NDArray[np.float64]

#: The largest relative difference at which two witnesses agree.
EXACT = 1e-12  # closed form and engine: the same mathematics, rounded differently
BY_DIFFERENCES = 1e-6

#: Where every witness is below this, the quantity is zero but for rounding.
ZERO = 1e-13


class Row(NamedTuple):
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
        """Whether all three witnesses agree."""
        return self.verdict in ("agree", "all zero")


def verify(problem: Problem, mistake: Mistake | None = None) -> list[Row]:
    """Hold the three witnesses against each other on every factor and gradient.

    Parameters
    ----------
    problem
        The problem to ask them about.
    mistake
        A fault to plant in the closed form, to see it caught.

    Returns
    -------
    list of Row
        One for the loss, then one for each factor and gradient in the order of the derivation.

    Examples
    --------
    >>> from tinygrad_bp.worked_problem.mistakes import MISTAKES
    >>> from tinygrad_bp.worked_problem.problem import random_problem
    >>> all(row.agrees for row in verify(random_problem()))
    True
    >>> rows = verify(random_problem(), MISTAKES["lost-factor-2"])
    >>> next(row.name for row in rows if not row.agrees)
    'dL/da3'
    """
    hand, engine = by_hand(problem, mistake), by_engine(problem)
    differences = by_differences(problem)
    return [compare(name, hand[name], engine[name], differences.get(name)) for name in hand]


def compare(name: str, closed: Array | str, engine: Array, differences: Array | None) -> Row:
    """Compare the answers for one quantity; a closed form that has no value gives the reason."""
    between_others = differing(engine, differences)
    if not isinstance(closed, str) and closed.shape != engine.shape:
        closed = f"the closed form has shape {closed.shape}"
    if isinstance(closed, str):
        return Row(name, engine.shape, None, None, between_others, closed)

    row = Row(
        name,
        engine.shape,
        closed_engine=relative_difference(closed, engine),
        closed_differences=differing(closed, differences),
        engine_differences=between_others,
        verdict="agree",
    )
    answers = [closed, engine] if differences is None else [closed, engine, differences]
    if max(np.abs(answer).max(initial=0.0) for answer in answers) < ZERO:
        return row._replace(verdict="all zero")
    exact = row.closed_engine is not None and row.closed_engine <= EXACT
    closed_holds = row.closed_differences is None or row.closed_differences <= BY_DIFFERENCES
    engine_holds = between_others is None or between_others <= BY_DIFFERENCES
    if exact and closed_holds and engine_holds:
        return row
    if engine_holds and not closed_holds:
        return row._replace(verdict="the closed form disagrees with both others")
    if closed_holds and not engine_holds:
        return row._replace(verdict="the engine disagrees with both others")
    return row._replace(verdict="the witnesses disagree")


def differing(answer: Array, differences: Array | None) -> float | None:
    """Return how far an answer is from that of the differences, where they give one."""
    return None if differences is None else relative_difference(answer, differences)


def by_hand(problem: Problem, mistake: Mistake | None = None) -> dict[str, Array | str]:
    """Work out the closed form factor by factor; where a planted mistake stops it, say why."""
    known = {name: getattr(problem, name) for name in ("W1", "W2", "W3", "x", "y")}
    known |= forward(problem)
    answers: dict[str, Array | str] = {"L": known["L"]}
    for name, factor, needed in CHAIN:
        if mistake is not None:
            factor = mistake.factors.get(name, factor)
        missing = [other for other in needed if other not in known]
        if missing:
            answers[name] = f"needs {missing[0]}"
            continue
        try:
            answers[name] = known[name] = factor(*(known[other] for other in needed))
        except ValueError:
            # As in a product: a weight stands on the left.
            factors = sorted(needed, key=lambda other: not other.startswith("W"))
            shapes = " and ".join(f"{other} {known[other].shape}" for other in factors)
            answers[name] = f"shapes do not fit: {shapes}"
    return answers


def recorded(problem: Problem) -> dict[str, Tensor]:
    """Record the network on a problem; return its weights, input, target and quantities by name."""
    values = {name: getattr(problem, name) for name in ("W1", "W2", "W3", "x", "y")}
    leaves = {
        name: tensor(value, requires_grad=name.startswith("W"), name=name)
        for name, value in values.items()
    }
    return leaves | network(**leaves)


def by_engine(problem: Problem) -> dict[str, Array]:
    """Ask the engine for the loss, every factor and gradient, by the names of the closed form."""
    run = recorded(problem)
    z1, a1, z2, a2, z3, a3 = (run[name] for name in ("z1", "a1", "z2", "a2", "z3", "y_hat"))
    wanted = {"a3": a3, "z3": z3, "W3": run["W3"], "a2": a2, "z2": z2, "W2": run["W2"]}
    wanted |= {"a1": a1, "z1": z1, "W1": run["W1"]}
    gradients = grad(run["L"], list(wanted.values()))
    answers = {f"dL/d{name}": g for name, g in zip(wanted, gradients, strict=True)}
    answers["L"] = run["L"].data

    # The factors between two quantities of one layer. A unit upstream gradient on output i of the
    # softmax gives row i of its Jacobian, for every sample at once.
    units = np.eye(len(problem.y))[:, :, np.newaxis] * np.ones(problem.batch)
    rows = [grad(a3, z3, gradient=unit) for unit in units]
    answers["da3/dz3"] = np.stack(rows).transpose(2, 0, 1)
    answers["da2/dz2"] = grad(a2, z2, gradient=np.ones(a2.shape))
    answers["da1/dz1"] = grad(a1, z1, gradient=np.ones(a1.shape))
    return answers


def by_differences(problem: Problem) -> dict[str, Array]:
    """Find every factor and gradient by finite differences, by the names of the closed form."""
    W1, W2, W3, x, y = problem.W1, problem.W2, problem.W3, problem.x, problem.y
    at = network(W1, W2, W3, x, y)

    def loss_of_a3(a3: Array) -> Any:
        return square_sum(y - a3)

    def loss_of_z3(z3: Array) -> Any:
        return loss_of_a3(softmax(z3, axis=0))

    def loss_of_a2(a2: Array) -> Any:
        return loss_of_z3(W3 @ a2)

    def loss_of_z2(z2: Array) -> Any:
        return loss_of_a2(sigmoid(z2))

    def loss_of_a1(a1: Array) -> Any:
        return loss_of_z2(W2 @ a1)

    def loss_of_z1(z1: Array) -> Any:
        return loss_of_a1(sigmoid(z1))

    difference = extrapolated_difference
    return {
        "dL/da3": difference(loss_of_a3, at["y_hat"]),
        "da3/dz3": np.stack([jacobian_difference(softmax, z) for z in at["z3"].T]),
        "dL/dz3": difference(loss_of_z3, at["z3"]),
        "dL/dW3": difference(lambda W: loss_of_z3(W @ at["a2"]), W3),
        "dL/da2": difference(loss_of_a2, at["a2"]),
        "da2/dz2": difference(lambda z: np.sum(sigmoid(z)), at["z2"]),
        "dL/dz2": difference(loss_of_z2, at["z2"]),
        "dL/dW2": difference(lambda W: loss_of_z2(W @ at["a1"]), W2),
        "dL/da1": difference(loss_of_a1, at["a1"]),
        "da1/dz1": difference(lambda z: np.sum(sigmoid(z)), at["z1"]),
        "dL/dz1": difference(loss_of_z1, at["z1"]),
        "dL/dW1": difference(lambda W: loss_of_z1(W @ x), W1),
    }
