"""What is being recorded right now: on or off, under which scope, and with which checks.

The state lives in a context variable, so that a thread or an asynchronous task that switches
recording off does so for itself alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import numpy as np


class Recording(NamedTuple):
    """How the next operation will be recorded."""

    enabled: bool = True
    scope: str = ""
    watched: bool = False  # for NaN and infinity
    comparisons: bool = False  # whether they are recorded too, to be written down


current: ContextVar[Recording] = ContextVar("current", default=Recording())  # noqa: B039, a tuple


@contextmanager
def _changed(state: Recording) -> Iterator[None]:
    token = current.set(state)
    try:
        yield
    finally:
        current.reset(token)


@contextmanager
def no_grad() -> Iterator[None]:
    """Compute without recording, as a ``with`` block or as a decorator.

    Results inside the block are constants: they remember no operation and need no gradient.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> w = bp.tensor(3.0, requires_grad=True)
    >>> with bp.no_grad():
    ...     (w * w).requires_grad
    False
    """
    with _changed(current.get()._replace(enabled=False)):
        yield


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Group the tensors made inside the block under a name, such as ``"layer1"``; scopes nest.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> with bp.scope("encoder"), bp.scope("layer1"):
    ...     bp.tensor(1.0).scope
    'encoder/layer1'
    """
    state = current.get()
    with _changed(state._replace(scope=f"{state.scope}/{name}" if state.scope else name)):
        yield


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Stop at the first operation that makes a NaN or an infinity out of finite numbers.

    In the block, every operation, forward and backward, is checked, and remembers the line that
    recorded it. That takes time: it is meant for finding a fault.

    Raises
    ------
    FloatingPointError
        Naming the operation, its operands, and the line that recorded it.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> x = bp.tensor([1.0, 0.0], requires_grad=True, name="x")
    >>> with bp.detect_anomaly():
    ...     bp.sqrt(x).sum().backward()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    FloatingPointError: the backward rule of sqrt, recorded at <doctest ...>:2, made inf for x ...
    """
    with _changed(current.get()._replace(watched=True)), np.errstate(all="ignore"):
        yield


@contextmanager
def recorded_comparisons() -> Iterator[None]:
    """Record comparisons too, which are otherwise plain arrays: to write an expression down."""
    with _changed(current.get()._replace(enabled=True, comparisons=True)):
        yield
