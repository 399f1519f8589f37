"""Local derivatives: the forms in which one stands among arrays, and what may stand for one.

A derivative of one quantity by another is an array of shape out + in. People write it as a matrix
in either layout, as a vector for a diagonal matrix, by letters for its entries, and for a
derivative by a weight they write the other operand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

import numpy as np

from . import tree as t
from .functions import Functions
from .meaning import Reading
from .network import Arrays
from .refs import NONE, Ref
from .shown import entry
from .values import DoesNotFitError, NotReadError, Value, close, value

#: A local derivative, of shape out + in at each point, or a gradient; and what was assumed.
Stood: TypeAlias = tuple[Arrays, frozenset[str]]

#: The letters on the left: of the quantity above, and of the one below.
Left: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]


class Local(Functions):
    """Reads local derivatives too."""

    # ---- the forms in which one stands among arrays ----

    def jacobian(self, of: str, by: str) -> Arrays:
        if of == by:
            raise NotReadError("a derivative of a quantity by itself")
        found = self.network.jacobian(of, by)
        if found is None:
            raise NotReadError(f"the quantity {of} does not depend on {by}")
        return found

    def local(self, of: Ref, by: Ref) -> list[Reading]:
        """Return the forms in which a local derivative can stand in a product of arrays."""
        network = self.network
        if of.kind != "quantity" or by.kind != "quantity":
            raise NotReadError("a derivative of something that is not in the network")
        arrays = self.jacobian(of.name, by.name)
        tree = self.shown.local(of.name, by.name)
        if of.entries or by.entries:
            v = self.lettered_jacobian(of, by, arrays)
            return [Reading(v, NONE, entry(tree, (*of.entries, *by.entries)))]
        found = []
        if network.is_vector(of.name) and network.is_vector(by.name):
            rows = [j.reshape(network.size(of.name), network.size(by.name)) for j in arrays]
            found.append(Reading(value(rows), NONE, tree))
            note = frozenset({"∂ in denominator layout"})
            found.append(Reading(value([r.T for r in rows]), note, tree))
        if is_diagonal(arrays, network.shape(of.name), network.shape(by.name)):
            shape, n = network.shape(of.name), network.size(of.name)
            diagonals = [np.diagonal(j.reshape(n, n)).reshape(shape) for j in arrays]
            found.append(Reading(value(self.network.matrices(diagonals)), NONE, tree))
        if not found:
            raise DoesNotFitError(f"d{of.name}/d{by.name} is no matrix")
        return found

    def lettered_jacobian(self, of: Ref, by: Ref, arrays: Arrays) -> Value:
        """Return entries of a local derivative, by letters; a letter twice is a diagonal."""
        axes_of, axes_by = (self.symbols.axes(r, self.network.shape(r.name)) for r in (of, by))
        if axes_of is None or axes_by is None:
            raise NotReadError("a derivative with an index at one of its two places")
        order = axes_of + [len(self.network.shape(of.name)) + k for k in axes_by]
        rest = [k for k in range(arrays[0].ndim) if k not in order]
        shape = [arrays[0].shape[k] for k in order]
        found = [a.transpose(*order, *rest).reshape(shape) for a in arrays]
        return self.symbols.lettered(found, [], (*of.entries, *by.entries), by.name)

    # ---- what stands for a local derivative ----

    def stands_for(
        self,
        v: Value,
        out: str,
        inn: str,
        case: t.Comparison | None = None,
        left: Left = ((), ()),
    ) -> list[Stood]:
        """Return every local derivative that a value can stand for; the left may have letters."""
        shapes = (*self.network.shape(out), *self.network.shape(inn))
        has_letters = v.labels or any(left)
        forms = self.lettered_forms(v, out, inn, left) if has_letters else None
        found = list(self.array_forms(v, out, inn) if forms is None else forms)
        if case is not None and v.labels and found:
            eye = np.eye(self.network.size(out))
            kept = (eye if case.relation == "=" else 1 - eye).reshape(shapes)
            found = [([t * kept for t in tensor], notes) for tensor, notes in found]
        return distinct(found)

    def lettered_forms(self, v: Value, out: str, inn: str, left: Left) -> Iterator[Stood]:
        """Read single entries: a letter for each of the two, or one for a diagonal."""
        shape = (*self.network.shape(out), *self.network.shape(inn))
        n, m = self.network.size(out), self.network.size(inn)
        given = [letter for letters in left for letter in letters]
        if not v.is_number or set(given) - set(v.labels):
            return
        rest = [label for label in v.labels if label not in given]
        if len(v.labels) == 2 and (n == m or given):
            above, below = (letters or rest for letters in left)
            first = (*above, *below) if given else v.labels
            note = frozenset({"an index is left out on the left"} if given else ())
            for order in (first,) if given else (first, first[::-1]):
                data = v.flat.spread(order)
                if data[0].shape == (n, m):
                    yield [d.reshape(shape) for d in data], note
                note = frozenset({"the indices the other way round"})
        if len(v.labels) == 1 and n == m == v.flat.data[0].size:
            note = frozenset({"an index for the diagonal"})
            yield [np.diag(d.ravel()).reshape(shape) for d in v.data], note

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


def is_diagonal(arrays: Arrays, out: tuple[int, ...], inn: tuple[int, ...]) -> bool:
    """Whether every entry depends on its own alone, as of what is computed entry by entry."""
    if out != inn:
        return False
    n = int(np.prod(out))
    return all(not (j.reshape(n, n) * (1 - np.eye(n))).any() for j in arrays)


def by_operand(x: np.ndarray, b: tuple[int, ...], side: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return the derivative of X Y by X (side 0) or by Y (side 1), where the other is ``x``."""
    columns_ = []
    for k in range(int(np.prod(b))):
        unit = np.zeros(int(np.prod(b)))
        unit[k] = 1.0
        unit = unit.reshape(b if len(b) == 2 else (-1, 1))
        columns_.append((unit @ x if side == 0 else x @ unit).ravel())
    return np.stack(columns_, axis=-1).reshape(shape)


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
