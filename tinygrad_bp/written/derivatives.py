"""Derivatives in a formula: gradients, and local derivatives in the forms that people use."""

from __future__ import annotations

import numpy as np

from . import tree as t
from .functions import Functions
from .meaning import Reading
from .names import said
from .network import Arrays
from .shown import entry
from .symbols import LOSSES, NONE, Ref
from .values import DoesNotFitError, NotReadError, Value, value


class Derivatives(Functions):
    """Reads derivatives too."""

    def read_Derivative(self, tree: t.Derivative) -> list[Reading]:
        of, by = self.quantity(tree.of), self.quantity(tree.by)
        return [self.gradient(by)] if of.kind == "loss" else self.local(of, by)

    def read_Differential(self, tree: t.Differential) -> list[Reading]:
        return [self.gradient(self.quantity(tree.of))]

    def gradient(self, ref: Ref) -> Reading:
        v = self.symbols.indexed(self.symbols.gradient(ref, self.of_truth), ref)
        found = Reading(v, ref.notes, entry(self.shown.gradient(ref.name), ref.entries))
        return found.flipped if ref.transposed else found

    def quantity(self, tree: t.Tree) -> Ref:
        """Return the one quantity that stands above or below in a derivative."""
        if isinstance(tree, t.Transposed):
            ref = self.quantity(tree.of)
            return ref._replace(transposed=not ref.transposed)
        if isinstance(tree, t.Call) and tree.function in LOSSES:  # ∇_W L(f(W x), y)
            tree = t.Name(tree.function)
        if not isinstance(tree, t.Name):
            if isinstance(tree, (t.Call, t.Product)):  # ∂σ(z)/∂z: by its value it is a
                for v, _, _ in self.readings(tree):
                    name = self.network.find(v.data)
                    if name is not None and not v.labels:
                        return Ref("quantity", name, notes=frozenset({f"read as {name}"}))
            raise NotReadError("a derivative of an expression that is still to be taken")
        if self.symbols.is_loss(tree):
            return Ref("loss", self.network.loss)
        refs = [r for r in self.symbols.refs(tree) if r.kind in ("quantity", "loss")]
        if not refs:
            raise NotReadError(f"there is no quantity {said(tree)} in the network")
        ref = self.one_of(tree, refs)
        if ref.power != 1:
            raise NotReadError("a derivative by a power")
        return ref

    def leads(self, tree: t.Tree) -> tuple[Ref, Ref]:
        """Return what a factor of a chain leads from, and to; raise if it is no derivative."""
        loss = Ref("loss", self.network.loss)
        match tree:
            case t.Transposed(of):
                return self.leads(of)
            case t.Differential(of):
                return loss, self.quantity(of)
            case t.Derivative(of, by):
                return self.quantity(of), self.quantity(by)
            case t.Name():
                refs = [r for r in self.symbols.refs(tree) if r.kind == "gradient"]
                if refs:
                    return loss, refs[0]
        raise NotReadError("a product on the left that is no chain of derivatives")

    def link(self, tree: t.Tree) -> tuple[Ref, Ref] | None:
        try:
            return self.leads(tree)
        except NotReadError:
            return None

    # ---- local derivatives ----

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
        axes_of, axes_by = self.axes(of), self.axes(by)
        if axes_of is None or axes_by is None:
            raise NotReadError("a derivative with an index at one of its two places")
        order = axes_of + [len(self.network.shape(of.name)) + k for k in axes_by]
        rest = [k for k in range(arrays[0].ndim) if k not in order]
        shape = [arrays[0].shape[k] for k in order]
        found = [a.transpose(*order, *rest).reshape(shape) for a in arrays]
        return self.symbols.lettered(found, [], (*of.entries, *by.entries), by.name)

    def axes(self, ref: Ref) -> list[int] | None:
        """Return which axes the indices at a quantity are."""
        network = self.network
        shape = network.shape(ref.name)
        wide = [k for k, n in enumerate(shape) if n > 1]
        if len(ref.entries) == len(shape) == 2 and (len(wide) == 2 or network.is_leaf(ref.name)):
            return [0, 1]
        if len(ref.entries) == 1 and len(wide) < 2:
            return wide or [0]
        return [] if not ref.entries and not wide else None


def is_diagonal(arrays: Arrays, out: tuple[int, ...], inn: tuple[int, ...]) -> bool:
    """Whether every entry depends on its own alone, as of what is computed entry by entry."""
    if out != inn:
        return False
    n = int(np.prod(out))
    return all(not (j.reshape(n, n) * (1 - np.eye(n))).any() for j in arrays)


def factors(tree: t.Tree, deep: bool = False) -> list[t.Tree] | None:
    """Return the factors of a product; a leading minus is a factor -1; None if it is none.

    Where ``deep``, those of products in brackets too.
    """
    match tree:
        case t.Sum(((sign, term),)):
            inner = factors(term, deep)
            return inner if inner is None or sign > 0 else [t.Number(-1), *inner]
        case t.Product(parts, operators) if "⊗" not in operators:
            found: list[t.Tree] = []
            for part in parts:
                inner = factors(part, deep) if deep and isinstance(part, t.Product) else None
                found += inner or [part]
            return found
    return None
