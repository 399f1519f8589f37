"""The optimisers: each is one formula, from a value and its gradient to the next value.

The formula, `update`, changes nothing in place and is made of operators and NumPy functions. It
runs on arrays, and on Tensors it is recorded: a training step can be differentiated itself.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np

from .. import errors
from ..arguments import at_least_0, below_1
from ..engine import Tensor
from ..habits import missing
from .checks import checked_parameters, first_difference

#: What an optimiser keeps of a parameter from step to step.
State = dict[str, Any]


def true_or_false(name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise errors.unknown_choice(name, "True or False", value)
    return bool(value)


def two_parts(name: str, value: Any) -> tuple[float, float]:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise errors.unknown_choice(name, "a pair of numbers, such as (0.9, 0.999)", value)
    return below_1(f"{name}[0]", value[0]), below_1(f"{name}[1]", value[1])


@dataclass(eq=False, repr=False)
class Optimizer:
    """What all optimisers share; a subclass adds `update`, and `initial_state` if it keeps one.

    Parameters
    ----------
    parameters
        The leaves to train: a list, or what else can be iterated over once.
    lr
        The learning rate. The attribute of this name can be changed at any time.

    Raises
    ------
    TypeError
        For a parameter that is no Tensor, or for one Tensor instead of a list.
    ValueError
        If there is no parameter, one is there twice, was computed, or needs no gradient; if an
        argument is out of its range.

    Examples
    --------
    An optimiser of one's own is one formula:

    >>> import numpy as np
    >>> import tinygrad_bp as bp
    >>> class SignDescent(bp.optim.Optimizer):
    ...     def update(self, value, g, state, lr):
    ...         return value - lr * np.sign(g), state
    >>> w = bp.tensor([3.0, -3.0], requires_grad=True)
    >>> optimizer = SignDescent([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data
    array([ 2.5, -2.5])
    """

    parameters: Sequence[Tensor]
    lr: float

    #: How the arguments are checked: at first, and when one is changed later.
    checks: ClassVar[dict[str, Callable[[str, Any], Any]]] = {
        **dict.fromkeys(("lr", "momentum", "weight_decay", "eps"), at_least_0),
        "alpha": below_1,
        "nesterov": true_or_false,
    }

    def __setattr__(self, name: str, value: Any) -> None:
        check = self.checks.get(name)
        vars(self)[name] = check(name, value) if check else value

    def __post_init__(self) -> None:
        self.parameters = checked_parameters(type(self).__name__, self.parameters)
        self.states = [self.initial_state(p._array) for p in self.parameters]

    def __repr__(self) -> str:
        own = {**vars(self), "parameters": len(self.parameters)}
        arguments = (f"{name}={value!r}" for name, value in own.items() if name != "states")
        return f"{type(self).__name__}({', '.join(arguments)})"

    def __getattr__(self, name: str) -> Any:
        raise missing(type(self).__name__, name, dir(self))

    def initial_state(self, value: Any) -> State:
        """Return the state of a parameter before the first step."""
        return {}

    def update(self, value: Any, g: Any, state: State, lr: Any) -> tuple[Any, State]:
        """Return the next value of a parameter, and its next state: the formula."""
        raise NotImplementedError

    def step(self) -> None:
        """Give every parameter its next value. A parameter whose ``grad`` is None does not change.

        Raises
        ------
        ValueError
            If no parameter has a gradient.
        """
        if all(p._grad is None for p in self.parameters):
            raise errors.nothing_to_step_by(type(self).__name__)
        for i, p in enumerate(self.parameters):
            value, g, state = p._array, p._grad, self.states[i]
            if g is not None:
                p.data, self.states[i] = self.update(value, g, state, self.lr)

    def zero_grad(self) -> None:
        """Clear the gradients of all parameters, so that the next backward pass starts anew."""
        for p in self.parameters:
            p.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the arguments and states: everything that `load_state_dict` needs."""
        return copy.deepcopy({k: v for k, v in vars(self).items() if k != "parameters"})

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from the arguments and states of another optimiser of this kind.

        Raises
        ------
        ValueError
            If they do not fit these parameters. Nothing has changed then.
        """
        problem = first_difference(self.state_dict(), state, "state")
        if problem:
            raise errors.state_does_not_fit(type(self).__name__, problem)
        for name, value in copy.deepcopy(state).items():  # a file makes lists of tuples
            own = vars(self)[name]
            vars(self)[name] = tuple(value) if isinstance(own, tuple) else value


@dataclass(eq=False, repr=False)
class SGD(Optimizer):
    r"""Stochastic gradient descent, optionally with momentum.

    .. math::

        v &\leftarrow \mu v + g \\
        w &\leftarrow w - \eta v, \quad\text{with Nesterov's: } w - \eta (g + \mu v)

    The velocity :math:`v` starts at 0. With ``weight_decay`` :math:`\lambda`, the gradient is
    :math:`g + \lambda w`: that of a loss with the penalty :math:`\lambda \|w\|^2 / 2`.

    Sources: H. Robbins and S. Monro, *A stochastic approximation method* (1951); B. Polyak, *Some
    methods of speeding up the convergence of iteration methods* (1964); Nesterov's as in
    I. Sutskever et al., *On the importance of initialization and momentum in deep learning* (2013),
    in PyTorch's form, where the rate stands outside of the velocity.

    Parameters
    ----------
    parameters, lr
        As of `Optimizer`.
    momentum
        The part :math:`\mu` of the velocity that is kept, such as 0.9.
    nesterov
        Look ahead along the velocity; it needs momentum.
    weight_decay
        The :math:`\lambda` of the penalty.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> w = bp.tensor(3.0, requires_grad=True)
    >>> optimizer = bp.optim.SGD([w], lr=0.1)
    >>> for _ in range(100):
    ...     optimizer.zero_grad()
    ...     loss = (w - 1) ** 2
    ...     loss.backward()
    ...     optimizer.step()
    >>> round(w.item(), 6)
    1.0
    """

    lr: float = 1e-3
    momentum: float = 0.0
    _: KW_ONLY  # the next argument of PyTorch's is its dampening
    nesterov: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and self.momentum == 0:
            raise errors.nesterov_needs_momentum()

    def initial_state(self, value: Any) -> State:
        return {"velocity": np.zeros_like(value)} if self.momentum else {}

    def update(self, value: Any, g: Any, state: State, lr: Any) -> tuple[Any, State]:
        g = penalised(g, value, self.weight_decay)
        if not self.momentum:
            if self.nesterov:  # one of them was changed later
                raise errors.nesterov_needs_momentum()
            return value - lr * g, state
        velocity = self.momentum * state.get("velocity", 0.0) + g
        direction = g + self.momentum * velocity if self.nesterov else velocity
        return value - lr * direction, {"velocity": velocity}


@dataclass(eq=False, repr=False)
class RMSProp(Optimizer):
    r"""Divide each entry of the gradient by the root of its mean square.

    .. math::

        s &\leftarrow \alpha s + (1 - \alpha) g^2 \\
        w &\leftarrow w - \eta g / (\sqrt{s} + \varepsilon)

    With momentum, the quotient is what is added to the velocity. PyTorch's spelling, `RMSprop`, is
    the same class.

    Source: G. Hinton, *Neural Networks for Machine Learning*, lecture 6 (2012).

    Parameters
    ----------
    parameters, lr
        As of `Optimizer`.
    alpha
        The part of the mean square that is kept.
    eps
        What keeps the quotient finite.
    weight_decay, momentum
        As of `SGD`.
    """

    lr: float = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum: float = 0.0

    def initial_state(self, value: Any) -> State:
        kept = ["square"] + ["velocity"] * (self.momentum > 0)
        return {name: np.zeros_like(value) for name in kept}

    def update(self, value: Any, g: Any, state: State, lr: Any) -> tuple[Any, State]:
        g = penalised(g, value, self.weight_decay)
        state = state | {"square": average(state["square"], g * g, self.alpha)}
        direction = g / (np.sqrt(state["square"]) + self.eps)
        if self.momentum:
            velocity = self.momentum * state.get("velocity", 0.0) + direction
            direction = state["velocity"] = velocity
        return value - lr * direction, state


@dataclass(eq=False, repr=False)
class Adam(Optimizer):
    r"""Adaptive moments: the mean gradient, divided by the root of the mean square.

    .. math::

        t &\leftarrow t + 1 \\
        m &\leftarrow \beta_1 m + (1 - \beta_1) g \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) g^2 \\
        \hat m &= m / (1 - \beta_1^t), \quad \hat v = v / (1 - \beta_2^t) \\
        w &\leftarrow w - \eta \hat m / (\sqrt{\hat v} + \varepsilon)

    Both means start at 0, and the division by :math:`1 - \beta^t` makes up for that.

    Source: D. Kingma and J. Ba, *Adam: a method for stochastic optimization* (2015), algorithm 1.

    Parameters
    ----------
    parameters, lr
        As of `Optimizer`.
    betas
        The parts :math:`(\beta_1, \beta_2)` of the two means that are kept.
    eps
        What keeps the quotient finite.
    weight_decay
        As of `SGD`: a penalty in the loss. See `AdamW`.
    """

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0

    checks: ClassVar = {**Optimizer.checks, "betas": two_parts}

    def initial_state(self, value: Any) -> State:
        return {"t": 0, "m": np.zeros_like(value), "v": np.zeros_like(value)}

    def update(self, value: Any, g: Any, state: State, lr: Any) -> tuple[Any, State]:
        return self.moved(value, penalised(g, value, self.weight_decay), state, lr)

    def moved(self, value: Any, g: Any, state: State, lr: Any) -> tuple[Any, State]:
        beta1, beta2 = self.betas
        t = state["t"] + 1
        m = average(state["m"], g, beta1)
        v = average(state["v"], g * g, beta2)
        rate, root = lr / (1 - beta1**t), (1 - beta2**t) ** 0.5  # numbers, not arrays
        value = value - rate * m / (np.sqrt(v) / root + self.eps)
        return value, {"t": t, "m": m, "v": v}


@dataclass(eq=False, repr=False)
class AdamW(Adam):
    r"""Adam with decoupled weight decay: :math:`w` shrinks by :math:`\eta \lambda w` in each step.

    In `Adam`, a penalty in the loss is divided by :math:`\sqrt{\hat v}` like the rest of the
    gradient, so weights with large gradients decay less. Here all decay alike.

    Source: I. Loshchilov and F. Hutter, *Decoupled weight decay regularization* (2019).

    Parameters
    ----------
    parameters, lr, betas, eps
        As of `Adam`.
    weight_decay
        The :math:`\lambda` of the decay.
    """

    weight_decay: float = 1e-2

    def update(self, value: Any, g: Any, state: State, lr: Any) -> tuple[Any, State]:
        return self.moved(value - lr * self.weight_decay * value, g, state, lr)


def penalised(g: Any, value: Any, weight_decay: float) -> Any:
    """Add the gradient of the penalty weight_decay * ||value||^2 / 2."""
    return g + weight_decay * value if weight_decay else g


def average(mean: Any, new: Any, kept: float) -> Any:
    """Move an exponential moving average on."""
    return kept * mean + (1 - kept) * new
