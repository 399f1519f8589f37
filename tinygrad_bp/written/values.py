"""Values with named indices: an array at every point, whose first axes are letters of indices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .tree import NotReadError


class UnknownNameError(NotReadError):
    """The network has nothing of this name, and the document does not define it."""


class ContestedError(NotReadError):
    """The document itself defines a name in ways that differ."""


class DoesNotFitError(Exception):
    """An operation on arrays whose shapes do not fit; the message says which."""


@dataclass(frozen=True, eq=False)
class Value:
    labels: tuple[str, ...]  # one for each of the first axes: a_i b_j has i and j
    data: tuple[np.ndarray, ...]  # at each point
    is_constant: bool = False  # it is made of numbers alone
    repeats: bool = False  # it is a sum over an axis, which it repeats beside the whole

    @property
    def core(self) -> tuple[int, ...]:
        """The shape, without the axes of the letters."""
        return self.data[0].shape[len(self.labels) :]

    @property
    def is_number(self) -> bool:
        return self.core in ((), (1, 1))

    def mapped(self, f: Callable[[np.ndarray], Any]) -> Value:
        return replace(self, data=tuple(np.asarray(f(d)) for d in self.data))

    @property
    def transposed(self) -> Value:
        return self.mapped(lambda d: d.swapaxes(-1, -2)) if len(self.core) == 2 else self

    @property
    def flat(self) -> Value:
        """A (1, 1) array as a number."""
        return self.mapped(lambda d: d[..., 0, 0]) if self.core == (1, 1) else self

    def spread(self, labels: Sequence[str]) -> list[np.ndarray]:
        """Return the arrays with an axis for each label, of length 1 where there is none."""
        own = [label for label in labels if label in self.labels]
        order = [self.labels.index(label) for label in own]
        found = []
        for d in self.data:
            moved = d.transpose((*order, *range(len(self.labels), d.ndim)))
            sizes = iter(moved.shape)
            lead = [next(sizes) if label in self.labels else 1 for label in labels]
            found.append(moved.reshape((*lead, *self.core)))
        return found

    def summed(self, letters: Iterable[str]) -> Value:
        gone = set(letters)
        axes = tuple(k for k, label in enumerate(self.labels) if label in gone)
        labels = tuple(label for label in self.labels if label not in gone)
        return Value(labels, tuple(np.asarray(d.sum(axis=axes)) for d in self.data))

    def equals(self, other: Value, tolerance: float = 1e-9) -> bool:
        if set(self.labels) != set(other.labels) or self.core != other.core:
            return False
        pairs = zip(self.data, other.spread(self.labels), strict=True)
        return all(a.shape == b.shape and close(a, b, tolerance) for a, b in pairs)


def close(a: np.ndarray, b: np.ndarray, tolerance: float = 1e-9) -> bool:
    largest = max(np.abs(a).max(initial=0.0), np.abs(b).max(initial=0.0))
    is_near = np.abs(a - b) <= tolerance * largest + 1e-14
    return bool(np.isfinite(largest) and is_near.all())


def value(data: Iterable[Any], labels: Iterable[str] = (), is_constant: bool = False) -> Value:
    arrays = tuple(np.asarray(d, dtype=float) for d in data)
    return Value(tuple(labels), arrays, is_constant)


def united(a: Value, b: Value) -> tuple[str, ...]:
    """Return the letters of both; raise if one goes over different numbers of entries."""
    sizes = dict(zip(a.labels, a.data[0].shape, strict=False))
    for label, size in zip(b.labels, b.data[0].shape, strict=False):
        if sizes.setdefault(label, size) != size:
            clash = f"the index {label} goes over {sizes[label]} and over {size} entries"
            raise DoesNotFitError(clash)
    return tuple(sizes)


def paired(a: Value, b: Value, f: Callable[..., Any]) -> Value:
    """Combine entry by entry: the arrays have one shape, or one is a number."""
    if a.core != b.core:
        a, b = a.flat, b.flat
    labels = united(a, b)
    x, y = a.spread(labels), b.spread(labels)
    if a.core != b.core:
        if a.core == ():
            x = [d.reshape(d.shape + (1,) * len(b.core)) for d in x]
        elif b.core == ():
            y = [d.reshape(d.shape + (1,) * len(a.core)) for d in y]
        elif not (a.repeats or b.repeats) or not broadcast(a.core, b.core):
            raise DoesNotFitError(f"{shown(a.core)} beside {shown(b.core)}")
    with np.errstate(all="ignore"):
        data = tuple(np.asarray(f(p, q)) for p, q in zip(x, y, strict=True))
    return Value(labels, data, a.is_constant and b.is_constant)


def broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return len(a) == len(b) and all(n == m or 1 in (n, m) for n, m in zip(a, b, strict=True))


def matmul(a: Value, b: Value) -> Value:
    labels = united(a, b)
    pairs = zip(a.spread(labels), b.spread(labels), strict=True)
    return Value(labels, tuple(np.matmul(p, q) for p, q in pairs))


def shown(shape: tuple[int, ...]) -> str:
    return "a number" if shape == () else str(shape)
