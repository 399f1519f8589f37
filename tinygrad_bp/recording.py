"""What is being recorded right now: on or off, under which scope, and with which checks.

The state lives in a context variable, so that a thread or an asynchronous task that switches
recording off does so for itself alone.
"""

from __future__ import annotations

import inspect
import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from . import errors


class Scope(str):
    """The scopes that a tensor was recorded in, ``"outer/inner"``; each visit is a new one."""

    __slots__ = ("kind", "visit")

    visit: tuple[int, ...]  # a number for every scope from the outermost, new at each visit
    kind: str  # of layer, such as Linear, if the innermost scope is one

    def __new__(cls, text: str = "", visit: tuple[int, ...] = (), kind: str = "") -> Scope:
        scope = super().__new__(cls, text)
        scope.visit, scope.kind = visit, kind
        return scope


OUTERMOST = Scope()


class Recording:
    """How the next operation will be recorded; a state is replaced, and never changed."""

    __slots__ = ("comparisons", "enabled", "scope", "watched")

    def __init__(
        self,
        enabled: bool = True,
        scope: Scope = OUTERMOST,
        watched: bool = False,  # for NaN and infinity
        comparisons: bool = False,  # whether they are recorded too, to be written down
    ) -> None:
        self.enabled, self.scope = enabled, scope
        self.watched, self.comparisons = watched, comparisons

    def but(self, **changes: Any) -> Recording:
        return Recording(**{name: getattr(self, name) for name in self.__slots__} | changes)


current: ContextVar[Recording] = ContextVar("current", default=Recording())  # noqa: B039
state_now = current.get  # by this name, a third of the time: it is called at every operation

#: The states around the blocks that are open; not on a block, which several threads may share.
earlier: ContextVar[tuple[Recording, ...]] = ContextVar("earlier", default=())

#: Whether a function is being differentiated right now, so that derivatives inside it are recorded.
in_derivative: ContextVar[bool] = ContextVar("in_derivative", default=False)

visits = itertools.count()


class Changed(ContextDecorator):
    """A state of recording: as a ``with`` block, or as a decorator."""

    def __init__(self, change: Callable[[Recording], Recording]) -> None:
        self.change = change

    def __enter__(self) -> None:
        state = self.change(current.get())
        earlier.set((*earlier.get(), current.get()))
        current.set(state)

    def __exit__(self, *_: object) -> None:
        *others, state = earlier.get()
        earlier.set(tuple(others))
        current.set(state)

    def __call__(self, function: Any) -> Any:
        if inspect.isgeneratorfunction(function):
            raise errors.decorated_generator(function.__name__)
        return super().__call__(function)


def no_grad(function: Callable[..., Any] | None = None) -> Any:
    """Compute without recording, as a ``with`` block or as a decorator.

    Results inside the block are constants: they remember no operation and need no gradient.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> w = bp.tensor(3.0, requires_grad=True)
    >>> with bp.no_grad():
    ...     (w * w).requires_grad
    False
    >>> @bp.no_grad
    ... def square(t):
    ...     return t * t
    >>> square(w).requires_grad
    False
    """
    changed = Changed(lambda state: state.but(enabled=False))
    return changed if function is None else changed(function)


def scope(name: str) -> Changed:
    """Group the tensors made inside the block under a name, such as ``"layer1"``; scopes nest.

    Examples
    --------
    >>> import tinygrad_bp as bp
    >>> with bp.scope("encoder"), bp.scope("layer1"):
    ...     bp.tensor(1.0).scope
    'encoder/layer1'
    """
    return Changed(lambda state: inside(state, name))


def inside(state: Recording, name: str, kind: str = "") -> Recording:
    outer = state.scope
    text = f"{outer}/{name}" if outer else name
    scope = Scope(text, (*outer.visit, next(visits)), kind)
    # as `but` does, in a fifth of the time: every layer of a model comes here
    return Recording(state.enabled, scope, state.watched, state.comparisons)


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Stop at the first operation that makes a NaN or an infinity out of finite numbers.

    In the block, every operation, forward and backward, is checked, and remembers the line that
    recorded it. One that is given NaN in a leaf, as from a file, is named too. That takes time: it
    is meant for finding a fault.

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
    with Changed(lambda state: state.but(watched=True)), np.errstate(all="ignore"):
        yield


def recorded_comparisons() -> Changed:
    """Record comparisons too, which are otherwise plain arrays: to write an expression down."""
    return Changed(lambda state: state.but(enabled=True, comparisons=True))


def recorded_tensors(*outputs: Any) -> list[Any]:
    """Return all Tensors that outputs were computed from, and the outputs, in recording order."""
    found = {output.id: output for output in outputs}
    stack = list(outputs)
    while stack:
        for x in stack.pop().inputs:
            if x is not None and x.id not in found:
                found[x.id] = x
                stack.append(x)
    return [found[key] for key in sorted(found)]


# ---- what stands for an array while a function is compiled ----


class Traced:
    """Stands in a Tensor for an array whose entries are not known yet (`compiling/trace.py`)."""

    __slots__ = ()

    @property
    def dtype(self) -> np.dtype[Any]:
        raise NotImplementedError

    def astype(self, dtype: Any) -> Any:
        raise NotImplementedError

    def refuse(self) -> None:
        """Have the compiled program refuse arguments for which an entry of this is true."""
        raise NotImplementedError


# ---- several threads ----

#: Held while gradients are added to those that leaves have. It is re-entrant, as a signal handler
#: may run backward, too.
lock = threading.RLock()


def renew_lock() -> None:
    global lock
    lock = threading.RLock()


if hasattr(os, "register_at_fork"):  # a child process must not wait for a thread that it lacks
    os.register_at_fork(after_in_child=renew_lock)


# ---- what detect_anomaly looks for: the first NaN or infinity out of finite numbers ----

HERE = os.path.join(os.path.dirname(__file__), "")


def line_of_caller() -> str:
    """Return the line outside of this package that is being executed, as ``file:line``."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(HERE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def check_forward(
    primitive: Any, output: Any, inputs: Sequence[Any], values: Sequence[Any]
) -> None:
    bad = first_not_finite(output)
    if bad is None or output.primitive is None:
        return
    where = f"{primitive.__name__}, recorded at {output.recorded_at},"
    for x, value in zip(inputs, values, strict=True):
        if x is not None and x.primitive is None and np.isnan(value).any():
            raise FloatingPointError(f"{where} was given NaN in {x.described()}: clean the data.")
    if of_finite(values, output):
        operands = ", ".join(
            repr(value) if x is None else x.described()
            for x, value in zip(inputs, values, strict=True)
        )
        raise FloatingPointError(
            f"{where} made {bad} out of finite numbers: its operands are {operands}."
        )


def checked(
    closures: Callable[..., Any], fit: Callable[..., Any], add: Callable[..., Any]
) -> tuple[Callable[..., Any], ...]:
    """Return the duties of a sweep with checks, for `detect_anomaly`."""

    def checked_closure(closure: Any, x: Any, tensor: Any) -> Any:
        def run(g: Any) -> Any:
            given = closure(g)
            bad = first_not_finite(given)
            if bad is not None and of_finite([g, *tensor.operands], tensor):
                line = getattr(tensor, "recorded_at", None)
                where = f", recorded at {line}," if line else ""
                raise FloatingPointError(
                    f"the backward rule of {tensor.primitive.__name__}{where} made {bad} for "
                    f"{x.described()}, from a finite gradient."
                )
            return given

        return None if closure is None else run

    def checked_closures(tensor: Any, recorded: bool) -> list[Any]:
        pairs = zip(closures(tensor, recorded), tensor.inputs, strict=True)
        return [checked_closure(closure, x, tensor) for closure, x in pairs]

    def checked_add(x: Any, earlier: Any, contribution: Any) -> Any:
        total = add(x, earlier, contribution)
        bad = first_not_finite(total)
        if bad is not None and first_not_finite(earlier) is first_not_finite(contribution) is None:
            raise FloatingPointError(f"adding up the contributions to {x.described()} made {bad}.")
        return total

    return checked_closures, fit, checked_add


def of_finite(values: Sequence[Any], output: Any) -> bool:
    # the arguments are finite too: pad may be asked for infinity
    numbers = floats_in(list(output.params.values()))
    return all(first_not_finite(value) is None for value in (*values, *numbers))


def floats_in(argument: Any) -> Iterator[Any]:
    if isinstance(argument, (list, tuple)):
        for part in argument:
            yield from floats_in(part)
    elif np.asarray(argument).dtype.kind == "f":
        yield argument


def first_not_finite(value: Any) -> float | None:
    array = np.asarray(getattr(value, "_array", value))
    bad = array[~np.isfinite(array)]
    return float(bad[0]) if bad.size else None
