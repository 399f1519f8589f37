"""A product as a list of the chain rule's factors, in their order, whatever their shapes.

People write ``-2 (y - ŷ) · a(1 - a) · a_2`` where, as arrays, nothing fits. Each factor stands for
the derivative of one step on the way back from the loss: a vector for a diagonal matrix, a weight
either way up, and beside a weight the other operand, for a derivative of third order. Here the
factors are given their steps, and multiplied as what they stand for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, product

import numpy as np

from . import tree as t
from .derivatives import Derivatives, factors
from .local import Stood, distinct
from .meaning import MOST_FACTORS, MOST_READINGS
from .network import Arrays
from .refs import NONE, Ref
from .values import DoesNotFitError, NotReadError

IN_ORDER = "read as the factors of the chain rule, in their order"


class Chains(Derivatives):
    def ends(self, tree: t.Tree) -> tuple[Ref, Ref]:
        """Return where derivatives, multiplied in either order, begin and end."""
        links = [self.leads(factor) for factor in factors(tree, deep=True) or [tree]]
        for order in (links, links[::-1]):
            if all(a[1].name == b[0].name for a, b in pairwise(order)):
                return order[0][0], order[-1][1]
        raise NotReadError("derivatives that make no chain")

    def as_factors(
        self, of: str, about: str, tree: t.Tree, case: t.Comparison | None = None
    ) -> list[Stood]:
        """Read a product as the chain rule's factors; a case masks what has letters in it."""
        found_factors = factors(tree, deep=True)
        if found_factors is None:
            return []
        others = [f for f in found_factors if not is_number(f) and not self.is_unit(f)]
        scale = np.asarray(1.0)
        for number in (f for f in found_factors if is_number(f)):
            v = self.readings(number)[0].value
            if not v.is_number:  # a matrix of numbers is no scale
                return []
            scale = scale * v.flat.data[0]
        if not 2 <= len(others) <= MOST_FACTORS:
            return []
        ends = (of, about)
        return self.in_order(ends, others, scale, case) or self.in_order(
            ends, others[::-1], scale, case
        )

    def is_unit(self, tree: t.Tree) -> bool:
        # ∂ŷ/∂z, where ŷ is z
        link = self.link(tree)
        return link is not None and link[0].name == link[1].name

    def in_order(
        self,
        ends: tuple[str, str],
        parts: Sequence[t.Tree],
        scale: np.ndarray,
        case: t.Comparison | None,
    ) -> list[Stood]:
        """Give the factors their steps on the way from the loss, or another quantity, in all ways.

        The first step may be a gradient, of several factors. A factor that is no derivative stands
        for one step between named quantities, and a few side by side may stand for one.
        """
        network, n = self.network, len(parts)
        path = network.path(*ends)
        if not path:
            return []
        links = [self.link(part) for part in parts]
        shape, size = network.shape(ends[0]), network.size(ends[0])
        unit = np.eye(size).reshape((*shape, *shape))  # of the loss, a number, it is 1
        start: Stood = ([scale * unit] * len(network.runs), frozenset({IN_ORDER}))
        #: By how many factors are used up, and to which quantity: the gradients there.
        arrived: dict[tuple[int, str], list[Stood]] = {(0, path[0]): [start]}
        for used in range(n):
            for k, at in enumerate(path[:-1]):
                gradients = arrived.get((used, at), [])
                for to, end in product(path[k + 1 :], range(used + 1, n + 1)) if gradients else ():
                    if not self.may_be(at, to, links, used, end):
                        continue
                    steps = list(self.step(at, to, parts[used:end], case, all(links)))
                    found = arrived.setdefault((end, to), [])
                    for (g, notes), (tensor, more) in product(gradients, steps):
                        found.append((self.contract(g, tensor, at), notes | more))
                    arrived[end, to] = distinct(found)[:MOST_READINGS]
        return arrived.get((n, ends[1]), [])

    def may_be(
        self, at: str, to: str, links: Sequence[tuple[Ref, Ref] | None], start: int, end: int
    ) -> bool:
        own = links[start:end]
        if end - start == 1 and own[0] is not None:
            return (own[0][0].name, own[0][1].name) == (at, to)
        is_step = len(self.network.path(at, to)) == 2
        if start > 0 or at != self.network.loss:
            return not any(own) and is_step
        follows = end < len(links) and links[end] is not None
        return end < len(links) and (follows or (is_step and not any(own)))

    def step(
        self,
        at: str,
        to: str,
        parts: Sequence[t.Tree],
        case: t.Comparison | None,
        is_chain: bool,  # of derivatives alone: what is meant by a gradient makes no difference
    ) -> Iterator[Stood]:
        """Return what factors stand for: a local derivative, or from the loss a gradient."""
        network = self.network
        link = self.link(parts[0]) if len(parts) == 1 else None
        if link is not None and link[0].name == network.loss:
            if link[0].entries:
                raise NotReadError("a chain from the loss at one step")
            arrays = self.symbols.gradient(link[1], self.of_truth, is_chain)
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


def like(arrays: Iterable[np.ndarray], others: Arrays) -> Arrays:
    return [
        a.reshape(o.shape) if a.size == o.size else a for a, o in zip(arrays, others, strict=True)
    ]


def is_number(tree: object) -> bool:
    """Whether a tree holds numbers alone."""
    if isinstance(tree, t.Name | t.Cases | t.Indicator | t.Filled):
        return False
    return all(map(is_number, t.parts(tree)))
