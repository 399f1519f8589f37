"""Gradients that are too large, cut down before a step."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .. import errors
from ..arguments import at_least_0
from ..engine import Tensor
from .checks import checked_parameters


def clip_grad_norm(parameters: Iterable[Tensor], max_norm: float, norm_type: float = 2.0) -> float:
    r"""Scale all gradients down together so that their common norm is at most ``max_norm``.

    .. math:: g \leftarrow g \cdot \min(1, c / (\|g\| + 10^{-6})), \quad \|g\|^2 = \sum_i \|g_i\|^2

    The direction stays. Source: R. Pascanu et al., *On the difficulty of training recurrent neural
    networks* (2013), algorithm 1, with PyTorch's 1e-6.

    Parameters
    ----------
    parameters
        The leaves whose ``grad`` is clipped.
    max_norm
        The largest norm :math:`c` allowed.
    norm_type
        The order of the norm: 2, 1, or ``float("inf")`` for the largest entry.

    Returns
    -------
    float
        The norm before.

    Raises
    ------
    ValueError
        If no parameter has a gradient, or the norm is infinite or NaN.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> w = bp.tensor([3.0, 4.0], requires_grad=True)
    >>> (w * w / 2).sum().backward()
    >>> bp.optim.clip_grad_norm([w], max_norm=1.0)
    5.0
    >>> w.grad.round(4)
    array([0.6, 0.8])
    """
    at_least_0("max_norm", max_norm)
    clipped = with_gradient("clip_grad_norm", parameters)
    norms = [np.linalg.norm(g.ravel(), norm_type) for _, g in clipped]
    norm = float(np.linalg.norm(norms, norm_type))
    if not np.isfinite(norm):
        raise errors.norm_not_finite(norm)
    scale = max_norm / (norm + 1e-6)
    if scale < 1:
        for p, g in clipped:
            p.grad = g * scale
    return norm


def clip_grad_value(parameters: Iterable[Tensor], clip_value: float) -> None:
    """Clip every entry of every gradient to the range from ``-clip_value`` to ``clip_value``.

    Parameters
    ----------
    parameters
        The leaves whose ``grad`` is clipped.
    clip_value
        The largest size of an entry.

    Raises
    ------
    ValueError
        If no parameter has a gradient.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> w = bp.tensor([3.0, 0.5], requires_grad=True)
    >>> (w * w / 2).sum().backward()
    >>> bp.optim.clip_grad_value([w], 1.0)
    >>> w.grad
    array([1. , 0.5])
    """
    at_least_0("clip_value", clip_value)
    for p, g in with_gradient("clip_grad_value", parameters):
        p.grad = g.clip(-clip_value, clip_value)


def with_gradient(who: str, parameters: Iterable[Tensor]) -> list[tuple[Tensor, np.ndarray]]:
    """Return the parameters that have a gradient, with it."""
    found = [(p, p._grad) for p in checked_parameters(who, parameters) if p._grad is not None]
    if not found:
        raise errors.nothing_to_step_by(who)
    return found
