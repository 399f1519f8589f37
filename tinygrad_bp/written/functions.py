"""Functions in a formula: of the rule table, by a letter, and what sums and picks entries."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

import numpy as np

from ..engine import Primitive
from ..notation.trees import call, shaped
from ..table import TABLE
from . import tree as t
from .meaning import Reading
from .names import Key
from .network import applied
from .refs import NONE, Ref
from .sums import Sums
from .values import DoesNotFitError, NotReadError, Value, shown, value

#: As a second argument, what a sum is over.
AXES: dict[tuple[t.Tree, ...], str] = {(t.Number(0.0),): "0", (t.Number(1.0),): "1"}


def product_sign(name: str) -> str:
    """Return the operator of a function that is a product, as its row has it; else nothing."""
    row = TABLE.get("matmul" if name == "dot" else name)
    if isinstance(row, Primitive) and row.kind == "product" and len(row.symbol) == 1:
        return row.symbol
    return "⊙" if name == "multiply" else ""


class Functions(Sums):
    """Reads calls too."""

    def read_Norm(self, tree: t.Norm) -> list[Reading]:
        axes = axes_in(tree.axes)

        def norm(a: Reading) -> Reading:
            if a.value.core == ():
                return Reading(a.value.mapped(np.abs), a.notes, call("np.abs", a.tree))
            squares = a._replace(value=a.value.mapped(np.square))
            total = self.summed(squares, axes or (0, 1), keep=bool(axes))
            length = total.value.mapped(np.sqrt)
            return Reading(length, a.notes, shaped(call("norm", a.tree), length.core))

        return self.combined(norm, self.readings(tree.of))

    def read_Call(self, tree: t.Call) -> list[Reading]:
        name, arguments, given = tree.function, tree.arguments, dict(tree.keywords)
        if tree in self.calls:
            return [Reading(self.calls[tree], NONE, ast.Name(name))]
        if tree.primes > 1:
            raise NotReadError("a second derivative")
        if (sign := product_sign(name)) and len(arguments) == 2:
            return self.readings(t.Product(arguments, (sign,)))
        if name in ("sum", "mean") and arguments[1:] in AXES:
            given |= {"axis": AXES[arguments[1:]]}
            arguments = arguments[:1]
        if name in ("max", "maximum") and len(arguments) == 2 and t.Number(0) in arguments:
            arguments, name = tuple(a for a in arguments if a != t.Number(0)), "relu"
            tree = t.Call(name, arguments)
        if len(arguments) > 1 and not given and (step := self.step_of(name, arguments)):
            return [step]
        if len(arguments) != 1:
            raise NotReadError(f"{name} of {len(arguments)} arguments")
        if name in ("sum", "mean"):
            return self.reduction(name, arguments[0], given)
        if name == "broadcast":
            return self.spread(arguments[0], given)
        if given and (name, *given) != ("softmax", "axis"):
            raise NotReadError(f"{name} with {next(iter(given))}=")
        if name == "transpose":
            return self.readings(t.Transposed(arguments[0]))
        if name == "diag":
            return self.combined(diagonal, self.readings(arguments[0]))
        return [
            found
            for reading in self.readings(arguments[0])
            for function, notes in self.functions_of(tree, reading.value)
            for found in self.applied(function, tree, reading, notes)
        ]

    def step_of(self, name: str, arguments: Sequence[t.Tree]) -> Reading | None:
        """Read a function of several arguments, cross_entropy(z, Y), as the step that it is."""
        runs, place = self.network.runs, self.network.run.place
        steps = [
            (i, [place[x.id] for x in step.inputs if x is not None])
            for i, step in enumerate(self.network.run.tensors)
            if step.primitive is not None
            if name in (step.primitive.__name__, step.primitive.symbol)
        ]
        every = [self.readings(argument) for argument in arguments] if steps else []
        for i, inputs in steps:
            known = [
                value(self.network.matrices([r.tensors[k].data for r in runs])) for k in inputs
            ]
            matches = [
                [r for r in readings if r.value.equals(v)]
                for readings, v in zip(every, known, strict=False)
            ]
            if len(inputs) == len(arguments) and all(matches):
                notes = frozenset().union(*(found[0].notes for found in matches))
                v = value(self.network.matrices([r.tensors[i].data for r in runs]))
                tree = call(name, *(found[0].tree for found in matches))
                return Reading(v, notes, shaped(tree, v.core))
        return None

    def applied(
        self, function: str, tree: t.Call, reading: Reading, notes: frozenset[str]
    ) -> list[Reading]:
        v, notes = reading.value, notes | reading.notes
        row = TABLE.get(function)
        if function == "softmax":
            if tree.primes:
                raise NotReadError("the derivative of a softmax is a matrix, and no function of z")
            every = self.softmaxes(v, tree.arguments[0], dict(tree.keywords).get("axis"))
            return [Reading(found, notes, call("softmax", reading.tree)) for found in every]
        if row is None:
            raise NotReadError(f"the function {function} is not known")
        if v.labels and getattr(row, "kind", "") != "entrywise":
            raise NotReadError(f"{function} of single entries")
        settings = self.network.settings_of(function)
        try:
            with np.errstate(all="ignore"):
                found = v.mapped(lambda d: applied(function, d, tree.primes, settings))
        except (TypeError, ValueError):  # it needs a square matrix, or more than one argument
            raise NotReadError(f"{function} of one array whose shape is {v.core}") from None
        of: ast.expr = ast.Name(function)
        if function == "exp":
            of = ast.Attribute(ast.Name("np"), "exp")
        of = ast.Attribute(of, "prime") if tree.primes else of
        return [Reading(found, notes, shaped(ast.Call(of, [reading.tree], []), found.flat.core))]

    # ---- which function a letter is ----

    def functions_of(self, tree: t.Call, v: Value) -> list[tuple[str, frozenset[str]]]:
        """Return which functions a letter may be; σ may always be the sigmoid."""
        name, network, assumptions = tree.function, self.network, self.symbols.assumptions
        used, where = self.used_at_layer(tree)
        if used is None:
            quantity = network.find(v.data) if not v.labels else self.quantity_at(tree.arguments[0])
            used = network.applied_to(quantity) if quantity else None
        if not where and name in TABLE and len(name) > 1:
            if self.symbols.letters and used not in (None, name) and name in network.activations:
                raise NotReadError(f"at this layer there is no {name}")
            return [(name, NONE)]
        where = where or "as in the network"
        found = {used: frozenset({f"{name} is {used}, {where}"})} if used else {}
        if used:
            assumptions.ask(name, {used: used}, whole=True)
        if name == "sigma":
            found["sigmoid"] = NONE
        if not found:
            known = {function: function for function in sorted(network.activations)}
            if not known:
                raise NotReadError(f"which function {name} is, is not known here")
            function = assumptions.ask(name, known)
            found = {function: frozenset({f"{name} is {function}, {where}"})}
        return list(found.items())

    def used_at_layer(self, tree: t.Call) -> tuple[str | None, str]:
        """Return the function of the layer that is written at one, g^{[1]}, and which layer."""
        marks = [*tree.above, *tree.below]
        inside = [p for m in marks for p in (m.inside if isinstance(m, t.Bracketed) else (m,))]
        units = [p.name for p in tree.below if isinstance(p, t.Letter) and not p.offset]
        if units and units[0] not in {"L", *self.symbols.letters}:
            layers: list[int | None] = [self.symbols.layer_of_units(units[0])]
        else:
            layers = [self.symbols.layer_of(p) for p in inside if isinstance(p, int | t.Letter)]
        if not layers:
            return None, ""
        z = self.symbols.weighted_input(Key("z", layer=layers[0])) or None
        if z is None and any(k.base in "zZs" and k.layer for k in self.network.keys):
            raise NotReadError(f"{tree.function} of layer {layers[0]}, which there is not")
        return (self.network.applied_to(z) if z else None), f"at layer {layers[0]}"

    def ref_at(self, argument: t.Tree) -> Ref | None:
        """Return the one quantity that a name is of, if it is of one."""
        refs = self.symbols.refs(argument) if isinstance(argument, t.Name) else []
        found = [ref for ref in refs if ref.kind == "quantity"]
        return found[0] if len(found) == 1 else None

    def quantity_at(self, argument: t.Tree) -> str | None:
        ref = self.ref_at(argument)
        return ref.name if ref else None

    # ---- functions of whole arrays ----

    def softmaxes(self, v: Value, argument: t.Tree, given: str | None) -> list[Value]:
        """Return the softmax of a vector, and that over the axis that the network's goes over."""
        if v.labels:  # softmax(z_i): an entry of the softmax of the whole
            ref = self.ref_at(argument)
            if ref is None:
                raise NotReadError("softmax of single entries")
            whole = value(self.network.matrices(self.network.values[ref.name]))
            found = self.softmaxes(whole, argument, given)
            return [self.symbols.indexed(list(w.data), ref) for w in found]
        long = [k - 2 for k, n in enumerate(v.core) if n > 1]
        axes = [int(given) % 2 - 2] if given is not None else long if len(long) == 1 else []
        if given is None and self.network.softmax_axis is not None:
            axes.append(self.network.softmax_axis)
        elif (
            given is None and not axes and self.network.samples
        ):  # of each sample, over the classes
            axes.append(-1 - self.network.samples[0])
        if not axes or len(v.core) != 2:
            raise NotReadError("over which axis a softmax goes cannot be told")
        return [v.mapped(lambda d: TABLE["softmax"](d, axis=k)) for k in dict.fromkeys(axes)]  # noqa: B023, it is called at once

    def spread(self, argument: t.Tree, given: dict[str, str]) -> list[Reading]:
        shape = tuple(map(int, re.findall(r"\d+", given.get("shape", ""))))

        def wide(a: Reading) -> Reading:
            try:
                arrays = [np.broadcast_to(d, shape) for d in a.value.flat.data]
            except ValueError:
                clash = f"{shown(a.value.core)} to the shape {shape}"
                raise DoesNotFitError(clash) from None
            v = value(self.network.matrices(arrays), a.value.labels)
            return Reading(v, a.notes, call("np.broadcast_to", a.tree, shape=shape))

        return self.combined(wide, self.readings(argument))

    def reduction(self, name: str, argument: t.Tree, given: dict[str, str]) -> list[Reading]:
        axis = given.get("axis", given.get("dim"))
        known = {"axis", "dim", "keepdims", "keepdim"}
        if set(given) - known or axis not in (None, "0", "1", "-1"):
            raise NotReadError(f"{name} with these arguments")
        choices = [(0,), (1,), (0, 1)] if axis is None else [(int(axis),)]
        note = frozenset({f"a {name} without an axis"}) if axis is None else NONE
        found = []
        for reading in self.readings(argument):
            for axes in choices:
                made = self.summed(reading, axes, len(axes) == 1)
                if name == "mean":
                    n = np.prod([reading.value.core[k] for k in axes])
                    tree = call("np.mean", reading.tree, axis=axes[0] if len(axes) == 1 else None)
                    made = Reading(made.value.mapped(lambda d: d / n), made.notes, tree)  # noqa: B023, it is called at once
                found.append(made._replace(notes=made.notes | note))
        return found


def axes_in(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"-?\d+", text)))


def diagonal(vector: Reading) -> Reading:
    v = vector.value
    if len(v.core) != 2 or 1 not in v.core:
        raise DoesNotFitError("diag of what is no vector")
    made = v.mapped(lambda d: d.reshape(*d.shape[:-2], -1, 1) * np.eye(max(v.core)))
    return Reading(made, vector.notes, shaped(call("np.diag", vector.tree), made.core))
