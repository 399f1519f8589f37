"""Schedules: the learning rate as a function of how many times `step` was called.

Names, arguments and values are those of PyTorch's module of this name. A rate is computed from the
first one, not from the one before, so an optimiser follows one schedule at a time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from math import cos, inf, pi
from typing import Any

from .. import errors
from ..arguments import at_least_0, at_least_1, below_1
from ..habits import missing
from .checks import first_difference
from .optimizers import Adam, Optimizer

__all__ = [
    "CosineAnnealingLR", "ExponentialLR", "LambdaLR", "LinearLR", "MultiStepLR", "OneCycleLR",
    "ReduceLROnPlateau", "Schedule", "StepLR",
]  # fmt: skip


class Schedule:
    """A schedule sets the learning rate of an optimiser; it can be saved and resumed."""

    #: The attributes that change from step to step.
    kept: tuple[str, ...]

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise errors.no_optimizer(type(self).__name__, optimizer)
        self.optimizer = optimizer

    def __getattr__(self, name: str) -> Any:
        raise missing(type(self).__name__, name, dir(self))

    def get_last_lr(self) -> list[float]:
        """Return the learning rate, in a list as PyTorch does, which has groups of parameters."""
        return [self.optimizer.lr]

    def apply(self) -> None:
        """Set what follows from the attributes in ``kept``."""

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to go on."""
        return {name: getattr(self, name) for name in self.kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from the state of another schedule of this kind.

        Raises
        ------
        ValueError
            If the state is not one of such a schedule. Nothing has changed then.
        """
        problem = first_difference(Schedule.state_dict(self), state, "state")
        if problem:
            raise errors.state_does_not_fit(type(self).__name__, problem)
        vars(self).update(state)
        self.apply()


class LambdaLR(Schedule):
    r"""Any function of the epoch, as a factor: :math:`\eta_t = \eta_0 f(t)`.

    Parameters
    ----------
    optimizer
        The optimiser whose ``lr`` is set: when the schedule is made, and at each `step`.
    lr_lambda
        The function, from how many times `step` was called to the factor.

    Examples
    --------
    A warm-up, then a decay, as in A. Vaswani et al., *Attention is all you need* (2017):

    >>> import tinygrad_bp as bp
    >>> optimizer = bp.optim.Adam([bp.tensor(0.0, requires_grad=True)], lr=1.0)
    >>> schedule = bp.optim.LambdaLR(optimizer, lambda t: min((t + 1) ** -0.5, (t + 1) * 4**-1.5))
    >>> optimizer.lr
    0.125
    >>> for _ in range(3):
    ...     schedule.step()  # after each epoch, or each batch
    >>> optimizer.lr
    0.5
    """

    kept = "base_lr", "last_epoch"

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float]) -> None:
        super().__init__(optimizer)
        self.lr_lambda = lr_lambda
        self.base_lr = optimizer.lr
        self.last_epoch = 0
        self.apply()

    def rate(self, epoch: int) -> float:
        """Return the learning rate after so many steps."""
        return self.base_lr * self.lr_lambda(epoch)

    def apply(self) -> None:
        self.optimizer.lr = self.set_lr = float(self.rate(self.last_epoch))

    def step(self) -> None:
        """Go on by one epoch, or by another unit that this schedule counts in.

        Raises
        ------
        ValueError
            If the optimiser's rate is not what this schedule has set: another one sets it too.
        """
        if self.optimizer.lr != self.set_lr:
            raise errors.two_schedules(type(self).__name__, self.set_lr, self.optimizer.lr)
        self.last_epoch += 1
        self.apply()


class StepLR(LambdaLR):
    r"""Multiply by ``gamma`` every ``step_size`` epochs: :math:`\eta_0 \gamma^{[t/s]}`."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        at_least_1("step_size", step_size)
        at_least_0("gamma", gamma)
        super().__init__(optimizer, lambda t: gamma ** (t // step_size))


class MultiStepLR(LambdaLR):
    """Multiply by ``gamma`` at each of the epochs in ``milestones``."""

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1) -> None:
        at_least_0("gamma", gamma)
        milestones = sorted(milestones)
        super().__init__(optimizer, lambda t: gamma ** bisect_right(milestones, t))


class ExponentialLR(LambdaLR):
    r"""Multiply by ``gamma`` every epoch: :math:`\eta_0 \gamma^t`."""

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        at_least_0("gamma", gamma)
        super().__init__(optimizer, lambda t: gamma**t)


class LinearLR(LambdaLR):
    r"""Go from the factor a to the factor b in T epochs, then stay: the usual warm-up.

    .. math:: \eta_0 (a + (b - a) \min(t / T, 1))

    Source: P. Goyal et al., *Accurate, large minibatch SGD* (2017).
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
    ) -> None:
        a, b = at_least_0("start_factor", start_factor), at_least_0("end_factor", end_factor)
        at_least_1("total_iters", total_iters)
        super().__init__(optimizer, lambda t: a + (b - a) * min(t / total_iters, 1.0))


class CosineAnnealingLR(LambdaLR):
    r"""Fall to ``eta_min`` along half a cosine in ``T_max`` epochs, then rise in the same way.

    .. math:: \eta_m + (\eta_0 - \eta_m) (1 + \cos(\pi t / T)) / 2

    Source: I. Loshchilov and F. Hutter, *SGDR: stochastic gradient descent with warm restarts*
    (2017), without the restarts.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        at_least_1("T_max", T_max)
        at_least_0("eta_min", eta_min)
        super().__init__(optimizer, lambda t: on_cosine(self.base_lr, eta_min, t / T_max))

    def rate(self, epoch: int) -> float:
        return self.lr_lambda(epoch)  # the lowest rate is no multiple of the first


class OneCycleLR(LambdaLR):
    """Rise from a low rate to ``max_lr``, then fall far below it, with a step for every batch.

    Meanwhile the momentum, of Adam the first beta, goes the other way. Both go along half a cosine.
    Source: L. Smith and N. Topin, *Super-convergence: very fast training of neural networks using
    large learning rates* (2018), as PyTorch does it.

    Parameters
    ----------
    optimizer
        As of `LambdaLR`.
    max_lr
        The highest rate.
    total_steps
        How many batches the cycle lasts, such as ``epochs * len(batches)``.
    pct_start
        The part of the cycle in which the rate rises.
    cycle_momentum, base_momentum, max_momentum
        Whether the momentum changes too; what it is at the highest rate, and at the ends.
    div_factor, final_div_factor
        The highest rate over the first, and the first over the last.

    Raises
    ------
    ValueError
        If an argument is out of range; from `step`, when the cycle is over.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float,
        total_steps: int,
        *,
        pct_start: float = 0.3,
        cycle_momentum: bool = True,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        has_momentum = isinstance(optimizer, Adam) or bool(getattr(optimizer, "momentum", 0))
        if cycle_momentum and not has_momentum:
            raise errors.no_momentum_to_cycle(type(optimizer).__name__)
        self.total_steps = at_least_1("total_steps", total_steps)
        self.cycle_momentum = cycle_momentum
        top, first = below_1("pct_start", pct_start) * total_steps - 1, max_lr / div_factor
        #: At the beginning, the top and the end: the step, the rate and the momentum.
        self.marks = (
            (0, first, max_momentum),
            (top, at_least_0("max_lr", max_lr), base_momentum),
            (total_steps - 1, first / final_div_factor, max_momentum),
        )
        super().__init__(optimizer, lambda t: self.at(t)[0])

    def rate(self, epoch: int) -> float:
        return self.lr_lambda(epoch)

    def at(self, epoch: int) -> tuple[float, float]:
        """Return the rate and the momentum at a step."""
        if epoch > self.total_steps:
            raise errors.cycle_is_over(self.total_steps)
        before, after = self.marks[:2] if epoch <= self.marks[1][0] else self.marks[1:]
        length = after[0] - before[0]
        part = (epoch - before[0]) / length if length else 1.0
        return on_cosine(before[1], after[1], part), on_cosine(before[2], after[2], part)

    def apply(self) -> None:
        super().apply()
        optimizer: Any = self.optimizer
        momentum = self.at(self.last_epoch)[1]
        if self.cycle_momentum and isinstance(optimizer, Adam):
            optimizer.betas = momentum, optimizer.betas[1]
        elif self.cycle_momentum:
            optimizer.momentum = momentum


class ReduceLROnPlateau(Schedule):
    """Multiply the rate by ``factor`` if a figure has not improved for ``patience`` epochs.

    Parameters
    ----------
    optimizer
        The optimiser whose ``lr`` is changed.
    mode
        "min" if a smaller figure is better, such as a loss; "max" for an accuracy.
    factor, min_lr, eps
        What the rate is multiplied by, the lowest rate, and the least change that is made.
    patience
        How many epochs without progress are let pass.
    threshold
        What counts as better: by this part of the best.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> optimizer = bp.optim.SGD([bp.tensor(0.0, requires_grad=True)], lr=0.1)
    >>> schedule = bp.optim.ReduceLROnPlateau(optimizer, patience=1)
    >>> for loss in (3.0, 2.0, 2.5, 2.5):
    ...     schedule.step(loss)
    >>> round(optimizer.lr, 6)
    0.01
    """

    kept = "best", "bad_epochs"

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        *,  # the next argument of PyTorch's is its threshold_mode
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(optimizer)
        if mode not in ("min", "max"):
            raise errors.unknown_choice("mode", "'min' or 'max'", mode)
        self.sign = 1 if mode == "min" else -1
        at_least_0("patience", patience)
        self.threshold, self.patience = at_least_0("threshold", threshold), patience
        self.factor, self.min_lr = below_1("factor", factor), at_least_0("min_lr", min_lr)
        self.eps = at_least_0("eps", eps)
        self.best = self.sign * inf
        self.bad_epochs = 0

    def step(self, metrics: float) -> None:
        """Take the figure of one more epoch, and lower the rate if it is due."""
        figure = float(metrics)
        if self.sign * figure < self.sign * self.best * (1 - self.sign * self.threshold):
            self.best, self.bad_epochs = figure, -1
        self.bad_epochs += 1
        if self.bad_epochs > self.patience:
            lower = max(self.optimizer.lr * self.factor, self.min_lr)
            if self.optimizer.lr - lower > self.eps:
                self.optimizer.lr = lower
            self.bad_epochs = 0


def on_cosine(start: float, end: float, part: float) -> float:
    """Return what lies between, along half a cosine, where a part of the way is done."""
    return end + (start - end) * (1 + cos(pi * part)) / 2


def __getattr__(name: str) -> Any:
    raise missing("bp.optim.lr_scheduler", name, __all__)
