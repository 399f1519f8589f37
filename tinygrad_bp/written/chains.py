"""A product as a list of the chain rule's factors, in their order, whatever their shapes.

People write ``-2 (y - ŷ) · a(1 - a) · a_2`` where, as arrays, nothing fits. Each factor stands for
the derivative of one step on the way back from the loss: a vector for a diagonal matrix, a weight
either way up, and beside a weight the other operand, for a derivative of third order. Here the
factors are given their steps, and multiplied as what they stand for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, product
from typing import TypeAlias

import numpy as np

from . import tree as t
from .derivatives import Derivatives, factors
from .meaning import MOST_FACTORS, MOST_READINGS
from .network import Arrays
from .symbols import NONE, Ref
from .values import DoesNotFitError, NotReadError, Value, close

#: A local derivative, of shape out + in at each point, or a gradient; and what was assumed.
Stood: TypeAlias = tuple[Arrays, frozenset[str]]

IN_ORDER = "read as the factors of the chain rule, in their order"


class Chains(Derivatives):
    def ends(self, tree: t.Tree) -> tuple[Ref, Ref]:
        """Return where derivatives, multiplied in either order, begin and end."""
        links = [self.leads(factor) for factor in factors(tree, deep=True) or [tree]]
        for order in (links, links[::-1]):
            if all(a[1].name == b[0].name for a, b in pairwise(order)):
                return order[0][0], order[-1][1]
        raise NotReadError("derivatives that make no chain")

    def as_factors(self, about: str, tree: t.Tree, case: t.Comparison | None = None) -> list[Stood]:
        """Read a product as the chain rule's factors; a case masks what has letters in it."""
        found_factors = factors(tree, deep=True)
        if found_factors is None:
            return []
        others = [f for f in found_factors if not is_number(f)]
        scale = np.asarray(1.0)
        for number in (f for f in found_factors if is_number(f)):
            scale = scale * self.readings(number)[0].value.data[0]
        if not 2 <= len(others) <= MOST_FACTORS:
            return []
        return self.in_order(about, others, scale, case) or self.in_order(
            about, others[::-1], scale, case
        )

    def in_order(
        self, about: str, parts: Sequence[t.Tree], scale: np.ndarray, case: t.Comparison | None
    ) -> list[Stood]:
        """Give the factors their steps on the way from the loss, in all ways.

        The first step may be a gradient, of several factors. A factor that is no derivative stands
        for one step between named quantities, and a few side by side may stand for one.
        """
        network, n = self.network, len(parts)
        path = network.path(network.loss, about)
        if not path:
            return []
        links = [self.link(part) for part in parts]
        start: Stood = ([scale] * len(network.runs), frozenset({IN_ORDER}))
        #: By how many factors are used up, and to which quantity: the gradients there.
        arrived: dict[tuple[int, str], list[Stood]] = {(0, path[0]): [start]}
        for used in range(n):
            for k, at in enumerate(path[:-1]):
                gradients = arrived.get((used, at), [])
                for to, end in product(path[k + 1 :], range(used + 1, n + 1)) if gradients else ():
                    if not self.may_be(at, to, links, used, end):
                        continue
                    steps = list(self.step(at, to, parts[used:end], case))
                    found = arrived.setdefault((end, to), [])
                    for (g, notes), (tensor, more) in product(gradients, steps):
                        found.append((self.contract(g, tensor, at), notes | more))
                    arrived[end, to] = distinct(found)[:MOST_READINGS]
        return arrived.get((n, about), [])

    def may_be(
        self, at: str, to: str, links: Sequence[tuple[Ref, Ref] | None], start: int, end: int
    ) -> bool:
        own = links[start:end]
        if end - start == 1 and own[0] is not None:
            return (own[0][0].name, own[0][1].name) == (at, to)
        is_step = len(self.network.path(at, to)) == 2
        if start > 0:
            return not any(own) and is_step
        follows = end < len(links) and links[end] is not None
        return end < len(links) and (follows or (is_step and not any(own)))

    def step(
        self, at: str, to: str, parts: Sequence[t.Tree], case: t.Comparison | None
    ) -> Iterator[Stood]:
        """Return what factors stand for: a local derivative, or from the loss a gradient."""
        network = self.network
        link = self.link(parts[0]) if len(parts) == 1 else None
        if link is not None and link[0].name == network.loss:
            arrays = self.symbols.gradient(link[1], self.of_truth)
            yield like(arrays, network.gradients[to]), NONE
            return
        if link is not None:
            yield self.jacobian(link[0].name, link[1].name), NONE
            return
        tree = parts[0] if len(parts) == 1 else t.Product(tuple(parts), ("",) * (len(parts) - 1))
        try:
            readings = self.readings(tree)
        except DoesNotFitError:
            return
        for v, notes, _ in readings:
            if at != network.loss:
                for tensor, more in self.stands_for(v, at, to, case):
                    yield tensor, notes | more
                continue
            wanted = network.matrices(network.gradients[to])[0].shape
            for w in (v, v.transposed):
                if not w.labels and w.core == wanted:
                    yield like(w.data, network.gradients[to]), notes
                    break

    def contract(self, g: Arrays, tensor: Arrays, out: str) -> Arrays:
        self.spend()
        n = len(self.network.shape(out))  # none of the loss: its gradient is a number
        return [np.tensordot(x, t, axes=n) for x, t in zip(g, tensor, strict=True)]

    # ---- what stands for a local derivative ----

    def stands_for(
        self, v: Value, out: str, inn: str, case: t.Comparison | None = None
    ) -> list[Stood]:
        """Return every local derivative that a value can stand for."""
        shapes = (*self.network.shape(out), *self.network.shape(inn))
        found = list(
            self.lettered_forms(v, out, inn) if v.labels else self.array_forms(v, out, inn)
        )
        if case is not None and v.labels and found:
            eye = np.eye(self.network.size(out))
            kept = (eye if case.relation == "=" else 1 - eye).reshape(shapes)
            found = [([t * kept for t in tensor], notes) for tensor, notes in found]
        return distinct(found)

    def lettered_forms(self, v: Value, out: str, inn: str) -> Iterator[Stood]:
        shape = (*self.network.shape(out), *self.network.shape(inn))
        n, m = self.network.size(out), self.network.size(inn)
        if not v.is_number:
            return
        data = v.flat.data
        if len(v.labels) == 2 and n == m and data[0].shape == (n, m):
            yield [d.reshape(shape) for d in data], NONE
            yield [d.T.reshape(shape) for d in data], frozenset({"the indices the other way round"})
        if len(v.labels) == 1 and n == m == data[0].size:
            note = frozenset({"an index for the diagonal"})
            yield [np.diag(d).reshape(shape) for d in data], note

    def array_forms(self, v: Value, out: str, inn: str) -> Iterator[Stood]:
        network = self.network
        a, b = network.shape(out), network.shape(inn)
        shape, n, m = (*a, *b), network.size(out), network.size(inn)
        if n == m == 1 and v.is_number:
            yield [d.reshape(shape) for d in v.data], NONE
            return
        if n == 1 and v.core == network.matrices(network.values[inn])[0].shape:
            yield [d.reshape(shape) for d in v.data], NONE
            return
        if network.is_vector(out) and network.is_vector(inn) and len(v.core) == 2:
            if v.core == (n, m):
                yield [d.reshape(shape) for d in v.data], NONE
            if v.core == (m, n):
                yield [d.T.reshape(shape) for d in v.data], frozenset({"denominator layout"})
        if a == b and v.core in (a, (n, 1), a[::-1]) and n > 1:
            note = frozenset({"a vector for a diagonal matrix"})
            yield [np.diag(d.ravel()).reshape(shape) for d in v.data], note
        step = network.product_step(out, inn)
        if step is not None and len(v.core) == 2:
            side, other = step
            for w in (v, v.transposed):
                if w.core == network.matrices(network.values[other])[0].shape:
                    note = frozenset({f"shorthand for d{out}/d{inn}"})
                    yield [by_operand(x, b, side, shape) for x in w.data], note
                    break
        if v.core == () and v.is_constant:
            if a == b:
                note = frozenset({"a number for a multiple of the identity"})
                yield [d * np.eye(n).reshape(shape) for d in v.data], note
            else:
                jacobian = self.jacobian(out, inn)
                if all(np.isin(j, (0.0, 1.0)).all() for j in jacobian):  # of a bias
                    note = frozenset({"a number for the derivative by a bias"})
                    yield [d * j for d, j in zip(v.data, jacobian, strict=True)], note


def by_operand(x: np.ndarray, b: tuple[int, ...], side: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return the derivative of X Y by X (side 0) or by Y (side 1), where the other is ``x``."""
    columns_ = []
    for k in range(int(np.prod(b))):
        unit = np.zeros(int(np.prod(b)))
        unit[k] = 1.0
        unit = unit.reshape(b if len(b) == 2 else (-1, 1))
        columns_.append((unit @ x if side == 0 else x @ unit).ravel())
    return np.stack(columns_, axis=-1).reshape(shape)


def like(arrays: Iterable[np.ndarray], others: Arrays) -> Arrays:
    return [
        a.reshape(o.shape) if a.size == o.size else a for a, o in zip(arrays, others, strict=True)
    ]


def distinct(found: Iterable[Stood]) -> list[Stood]:
    kept: list[Stood] = []
    for tensor, notes in found:
        for other, _ in kept:
            pairs = zip(tensor, other, strict=True)
            if all(a.shape == b.shape and close(a, b, 1e-11) for a, b in pairs):
                break
        else:
            kept.append((tensor, notes))
    return kept


def is_number(tree: object) -> bool:
    """Whether a tree holds numbers alone."""
    if isinstance(tree, t.Name | t.Cases | t.Indicator | t.Filled):
        return False
    return all(map(is_number, t.parts(tree)))
