"""Functions in a formula: of the rule table, by a letter, and what sums and picks entries."""

from __future__ import annotations

import ast
import re

import numpy as np

from ..notation.trees import call, shaped
from ..table import TABLE
from . import tree as t
from .meaning import Meaning, Reading
from .names import Key
from .network import applied
from .symbols import NONE
from .values import DoesNotFitError, NotReadError, Value, shown, value

#: Functions that are a product, and its operator.
PRODUCTS = {"dot": "@", "matmul": "@"} | {"outer": "⊗"}


class Functions(Meaning):
    """Reads calls too."""

    def read_Norm(self, tree: t.Norm) -> list[Reading]:
        found = []
        for v, notes, inside in self.readings(tree.of):
            if v.core == ():
                found.append(Reading(v.mapped(np.abs), notes, call("np.abs", inside)))
            else:
                length = v.mapped(lambda d: np.sqrt((d**2).sum(axis=(-2, -1))))
                found.append(Reading(length, notes, shaped(call("norm", inside), ())))
        return found

    def read_Call(self, tree: t.Call) -> list[Reading]:
        if tree in self.calls:
            return [Reading(self.calls[tree], NONE, ast.Name(tree.function))]
        if tree.primes > 1:
            raise NotReadError("a second derivative")
        name = "maximum" if tree.function == "max" else tree.function
        arguments = tree.arguments
        if name in ("sum", "mean"):
            return self.reduction(name, tree)
        if (
            tree.keywords
            and name != "broadcast"
            and not (name == "softmax" and tree.keywords[0][0] == "axis")
        ):
            raise NotReadError(f"{name} with {tree.keywords[0][0]}=")
        if name == "broadcast":
            return self.spread(tree)
        if name in PRODUCTS and len(arguments) == 2:
            return self.readings(t.Product(arguments, (PRODUCTS[name],)))
        if name == "maximum":
            return self.positive_part(arguments)
        if len(arguments) != 1:
            raise NotReadError(f"{name} of {len(arguments)} arguments")
        if name == "transpose":
            return self.readings(t.Transposed(arguments[0]))
        inside = self.readings(arguments[0])
        if name == "diag":
            return self.diagonal(inside)
        if name == "tr":
            raise NotReadError("a trace")
        return [
            found
            for reading in inside
            for function, notes in self.functions_of(name, tree, reading.value)
            for found in self.applied(function, tree, reading, notes)
        ]

    def applied(
        self, function: str, tree: t.Call, reading: Reading, notes: frozenset[str]
    ) -> list[Reading]:
        v, notes = reading.value, notes | reading.notes
        if function in ("leaky_relu", "lrelu", "leakyrelu"):
            raise NotReadError("a leaky ReLU, whose slope is not known")
        if function == "softmax":
            if tree.primes:
                raise NotReadError("the derivative of a softmax is a matrix, and no function of z")
            every = self.softmaxes(v, tree.arguments[0], dict(tree.keywords).get("axis"))
            shown_call = call("softmax", reading.tree)
            return [Reading(found, notes, shown_call) for found in every]
        if function not in TABLE:
            raise NotReadError(f"the function {function} is not known")
        of = ast.Name(function) if function != "exp" else ast.Attribute(ast.Name("np"), "exp")
        shown: ast.expr = ast.Call(of, [reading.tree], [])
        if tree.primes:
            shown = ast.Call(ast.Attribute(of, "prime"), [reading.tree], [])
        if v.labels and getattr(TABLE[function], "kind", "") != "entrywise":
            raise NotReadError(f"{function} of single entries")
        try:
            with np.errstate(all="ignore"):
                found = v.mapped(lambda d: applied(function, d, tree.primes))
        except (TypeError, ValueError):  # it needs a square matrix, or more than one argument
            raise NotReadError(f"{function} of one array whose shape is {v.core}") from None
        return [Reading(found, notes, shaped(shown, () if v.is_number else v.core))]

    def functions_of(self, name: str, tree: t.Call, v: Value) -> list[tuple[str, frozenset[str]]]:
        """Return which functions a letter may be; σ may always be the sigmoid."""
        network = self.network
        layer = self.layer_of_function(tree)
        used, at = None, "as in the network"
        if layer is not None:
            keys = (Key("z", layer=layer), Key("s", layer=layer))
            z = next(filter(None, map(self.symbols.lookup, keys)), None)
            if z is None and any(k.base in "zZs" and k.layer for k in network.keys):
                raise NotReadError(f"{name} of layer {layer}, which there is not")
            used, at = (network.applied_to(z) if z else None), f"at layer {layer}"
        if used is None and ((name in TABLE and len(name) > 1) or name in ("lrelu", "leakyrelu")):
            return [(name, NONE)]
        argument = tree.arguments[0]
        quantity = None
        if not v.labels:
            quantity = network.find(v.data)
        elif isinstance(argument, t.Name):
            refs = [r for r in self.symbols.refs(argument) if r.kind == "quantity"]
            quantity = refs[0].name if len(refs) == 1 else None
        used = used or (network.applied_to(quantity) if quantity else None)
        sigmoid = [("sigmoid", NONE)] if name == "sigma" else []
        if used is not None and used != "sigmoid":
            return [(used, frozenset({f"{name} is {used}, {at}"})), *sigmoid]
        if used is not None or sigmoid:
            return sigmoid or [("sigmoid", frozenset({f"{name} is sigmoid, {at}"}))]
        if len(network.activations) != 1:
            raise NotReadError(f"which function {name} is, is not known here")
        (function,) = network.activations
        if function not in self.functions.get(name, set()):
            self.assumed.add(f"{name} is {function}")
        return [(function, frozenset({f"{name} is {function}, {at}"}))]

    def layer_of_function(self, tree: t.Call) -> int | None:
        for script in (*tree.above, *tree.below):
            for part in script.inside if isinstance(script, t.Bracketed) else (script,):
                if isinstance(part, (int, t.Letter)):
                    return self.symbols.layer_of(part)
        return None

    def softmaxes(self, v: Value, argument: t.Tree, given: str | None) -> list[Value]:
        """Return the softmax of a vector, and that over the axis that the network's goes over."""
        if v.labels:  # softmax(z_i): an entry of the softmax of the whole
            refs = self.symbols.refs(argument) if isinstance(argument, t.Name) else []
            refs = [r for r in refs if r.kind == "quantity"]
            if len(refs) != 1:
                raise NotReadError("softmax of single entries")
            whole = value(self.network.matrices(self.network.values[refs[0].name]))
            found = self.softmaxes(whole, t.Number(0), given)
            return [self.symbols.indexed(list(w.data), refs[0]) for w in found]
        long = [k - 2 for k, n in enumerate(v.core) if n > 1]
        axes = [int(given) % 2 - 2] if given is not None else long if len(long) == 1 else []
        if given is None and self.network.softmax_axis is not None:
            axes.append(self.network.softmax_axis)
        if not axes or len(v.core) != 2:
            raise NotReadError("over which axis a softmax goes cannot be told")
        return [
            value(TABLE["softmax"](d, axis=axis) for d in v.data) for axis in dict.fromkeys(axes)
        ]

    def diagonal(self, inside: list[Reading]) -> list[Reading]:
        found = []
        for v, notes, tree in inside:
            if len(v.core) == 2 and 1 in v.core:
                eye = np.eye(max(v.core))
                rows = [d.reshape(*d.shape[:-2], -1, 1) for d in v.data]
                made = value([row * eye for row in rows], v.labels)
                found.append(Reading(made, notes, shaped(call("np.diag", tree), made.core)))
        if not found:
            raise DoesNotFitError("diag of what is no vector")
        return found

    def spread(self, tree: t.Call) -> list[Reading]:
        shape = tuple(int(n) for n in re.findall(r"\d+", dict(tree.keywords).get("shape", "")))
        found = []
        for v, notes, inside in self.readings(tree.arguments[0]):
            try:
                wide = [np.broadcast_to(d, shape) for d in v.flat.data]
            except ValueError:
                raise DoesNotFitError(f"{shown(v.core)} to the shape {shape}") from None
            made = value(self.network.matrices(wide), v.labels)
            found.append(Reading(made, notes, call("np.broadcast_to", inside, shape=shape)))
        return found

    def positive_part(self, arguments: tuple[t.Tree, ...]) -> list[Reading]:
        others = [a for a in arguments if a != t.Number(0)]
        if len(arguments) != 2 or len(others) != 1:
            raise NotReadError("a maximum")
        return [
            Reading(v.mapped(lambda d: np.maximum(d, 0)), notes, call("relu", tree))
            for v, notes, tree in self.readings(others[0])
        ]

    def reduction(self, name: str, tree: t.Call) -> list[Reading]:
        given = dict(tree.keywords)
        if set(given) - {"axis", "dim", "keepdims", "keepdim"} or len(tree.arguments) != 1:
            raise NotReadError(f"{name} with these arguments")
        axis = given.get("axis", given.get("dim"))
        if axis not in (None, "0", "1", "-1"):
            raise NotReadError(f"axis {axis}")
        choices = [(0,), (1,), (0, 1)] if axis is None else [(int(axis),)]
        found = []
        for reading in self.readings(tree.arguments[0]):
            v = reading.value
            if v.labels or len(v.core) != 2:
                raise NotReadError(f"{name} of single entries")
            for axes in choices:
                made = self.summed(reading, axes, len(axes) == 1)
                if name == "mean":
                    n = int(np.prod([v.core[k] for k in axes]))
                    mean = call("np.mean", reading.tree, axis=axes[0] if len(axes) == 1 else None)
                    made = Reading(value([d / n for d in made.value.data]), made.notes, mean)
                note = frozenset({f"a {name} without an axis"}) if axis is None else NONE
                found.append(made._replace(notes=made.notes | note))
        return found
