"""Derivatives in a formula: gradients, and local derivatives in the forms that people use."""

from __future__ import annotations

from . import tree as t
from .local import Local
from .meaning import Reading
from .names import said
from .refs import LOSSES, NONE, Ref
from .shown import entry
from .values import NotReadError, UnknownNameError, Value


class Derivatives(Local):
    """Reads derivatives too."""

    def read_Derivative(self, tree: t.Derivative) -> list[Reading]:
        of, by = self.leads(tree)
        if of.kind == "loss" and of.entries:
            tree_ = self.shown.gradient(by.name)
            return [Reading(self.of_step(of, by), NONE, tree_)]
        return [self.gradient(by)] if of.kind == "loss" else self.local(of, by)

    def read_Differential(self, tree: t.Differential) -> list[Reading]:
        return [self.gradient(self.quantity(tree.of))]

    def of_step(self, of: Ref, by: Ref) -> Value:
        """Return the gradient of what the loss has of one step."""
        arrays = self.network.gradient_at(by.name, int(of.entries[0]))
        return self.symbols.indexed(self.network.matrices(arrays), by)

    def gradient(self, ref: Ref) -> Reading:
        v = self.symbols.indexed(self.symbols.gradient(ref, self.of_truth), ref)
        found = Reading(v, ref.notes, entry(self.shown.gradient(ref.name), ref.entries))
        return found.flipped if ref.transposed else found

    def above(self, tree: t.Tree) -> Ref:
        try:
            return self.quantity(tree)
        except UnknownNameError:
            if not isinstance(tree, t.Name) or tree != t.Name(tree.base):
                raise
            self.symbols.assumptions.ask(said(tree), {"the loss": True})
            return Ref("loss", self.network.loss)

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
            step = self.symbols.step_of(tree)
            return Ref("loss", self.network.loss, () if step is None else (step,))
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
                return self.above(of), self.quantity(by)
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
