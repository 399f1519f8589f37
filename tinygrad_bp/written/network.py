"""The recorded network, as written formulas ask for it: values, gradients, local derivatives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from ..engine import Tensor
from ..grading.assignment import Assignment
from ..mistakes.run import Run
from ..table import TABLE
from .names import Key, key_of
from .values import NotReadError, close

#: An array at each of the judge's points.
Arrays: TypeAlias = list[np.ndarray]

NO_SETTINGS: Mapping[str, Any] = {}


class Network:
    def __init__(self, assignment: Assignment) -> None:
        self.runs, self.aliases = assignment.runs, assignment.aliases
        self.parameters = assignment.parameters
        run = self.run = assignment.runs[0]
        self.loss = run.tensors[run.loss].name or "L"
        self.position = {t.name: i for i, t in enumerate(run.tensors) if t.name is not None}
        self.position.setdefault(self.loss, run.loss)
        self.names: dict[int | None, str] = {i: name for name, i in self.position.items()}
        #: Steps without a name, by what readings call them; a document may define them.
        self.unnamed = {
            run.names.identifier(t): i
            for i, t in enumerate(run.tensors)
            if i not in self.names and t.primitive is not None
        }
        self.position |= {n: i for n, i in self.unnamed.items() if n not in self.position}
        self.keys: dict[Key, str] = {key_of(name): name for name in self.names.values()}
        for i, t in enumerate(run.tensors):  # parameters and constants without a name
            if i not in self.names and t.primitive is None:
                name = run.names.identifier(t)
                self.position.setdefault(name, i)
                self.keys.setdefault(key_of(name), name)
        self.values = {
            name: [r.tensors[i].data for r in self.runs] for name, i in self.position.items()
        }
        self.gradients = {
            name: [np.asarray(r.gradients[i]) for r in self.runs]
            for name, i in self.position.items()
            if i in run.gradients
        }
        for alias, name in assignment.aliases.items():
            self.keys.setdefault(key_of(alias), name)
        self.steps = {key_of(name): name for name in self.unnamed}
        #: Numbers in its operations, as a λ or an ε may be.
        self.numbers = {
            float(o)
            for t in run.tensors
            for x, o in zip(t.inputs, t.operands, strict=False)
            if x is None and np.ndim(o) == 0 and not float(o).is_integer()
        }
        self._jacobians: dict[tuple[str, str], Arrays | None] = {}

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self.values[name][0].shape)

    def size(self, name: str) -> int:
        return int(self.values[name][0].size)

    def is_vector(self, name: str) -> bool:
        shape = self.shape(name)
        return len(shape) == 1 or (len(shape) == 2 and 1 in shape)

    # ---- layers and samples ----

    @cached_property
    def has_rows(self) -> bool:
        """Whether a vector stands beside the rows of a matrix, as a bias of NumPy's does."""
        return any(
            t.ndim == 2 and any(x is not None and x.ndim == 1 for x in t.inputs)
            for t in self.run.tensors
            if t.primitive is not None and t.primitive.kind == "entrywise"
        )

    def matrices(self, arrays: Iterable[np.ndarray]) -> Arrays:
        """Return arrays with vectors as columns, or as rows."""
        shape = (1, -1) if self.has_rows else (-1, 1)
        return [a.reshape(shape) if a.ndim == 1 else a for a in arrays]

    @cached_property
    def layers(self) -> list[int]:
        return sorted({k.layer for k in self.keys if isinstance(k.layer, int)})

    @cached_property
    def samples(self) -> tuple[int, int] | None:
        """The axis of the samples and how many there are; None if that cannot be told.

        Along it all data have one length, and all that is computed has that length or 1.
        """
        named = [t for t in self.run.tensors if t.name not in (None, self.loss) and t.ndim == 2]
        leaves = [t for t in named if t.primitive is None]
        data = [t for t in leaves if t.name not in self.parameters] or leaves
        computed = [t for t in named if t.primitive is not None]
        found = []
        for axis in (0, 1):
            sizes = {t.shape[axis] for t in data}
            computed_sizes = {t.shape[axis] for t in computed}
            if data is leaves:  # what is data is not known: some leaf has the length of all
                sizes &= computed_sizes
            if len(sizes) == 1 and computed_sizes <= sizes | {1}:
                found.append((axis, sizes.pop()))
        if len(found) == 2:
            found = [f for f in found if f[1] == 1]
        return found[0] if len(found) == 1 else None

    @property
    def batch(self) -> int | None:
        return self.samples[1] if self.samples else None

    @cached_property
    def is_mean(self) -> bool | None:
        """Whether the loss is a mean over the samples, and no sum; None if that cannot be told.

        It is one if it is divided by their number, or a multiple, behind the last step with a name.
        """
        run, n = self.run, self.batch or 1
        numbers: list[float] = []
        near = [run.loss]
        for i in near:  # which grows
            tensor = run.tensors[i]
            inputs = [None if x is None else run.place[x.id] for x in tensor.inputs]
            if tensor.primitive is None or (i != run.loss and i in self.names):
                continue
            if tensor.primitive.averages and self.is_over_samples(tensor):
                return True
            # a weight decay has numbers of its own
            if tensor.primitive in (TABLE["multiply"], TABLE["divide"]) and self.rests_on_samples(
                i
            ):
                pairs = zip(inputs, tensor.operands, strict=True)
                numbers += [float(o) for x, o in pairs if x is None and np.ndim(o) == 0]
                constants = [run.tensors[x] for x in inputs if x is not None]
                numbers += [c.item() for c in constants if c.primitive is None and c.size == 1]
            near += [x for x in inputs if x is not None and x not in near]
        shares = [x for x in numbers if x and is_share(x, n)]
        # the 1/2 of a square, or the share of one of two samples
        is_half = n == 2 and len(shares) == 1 and abs(shares[0]) in (0.5, 2.0)
        return None if is_half else bool(shares)

    def is_over_samples(self, tensor: Tensor) -> bool:
        axis, (of, *_) = tensor.params.get("axis"), tensor.inputs
        if of is None or self.samples is None:
            return False
        if axis is None or tensor.size == 1:
            return True
        return of.shape[axis] == self.batch and (of.ndim == 1 or axis % of.ndim == self.samples[0])

    def rests_on_samples(self, i: int) -> bool:
        if i in self.names and i != self.run.loss:
            return self.has_samples(self.names[i])
        inputs = (self.run.place[x.id] for x in self.run.tensors[i].inputs if x is not None)
        return any(map(self.rests_on_samples, inputs))

    @property
    def lengths(self) -> set[int]:
        """The lengths of all axes."""
        return {n for arrays in self.values.values() for n in arrays[0].shape}

    @property
    def counts(self) -> set[int]:
        """How many entries there are, in an axis or in an array."""
        return self.lengths | {self.size(name) for name in self.values}

    def has_samples(self, name: str) -> bool:
        """Whether a quantity has an axis of samples, and there are several."""
        shape = self.shape(name)
        if self.samples is None or len(shape) != 2 or name in self.parameters:
            return False
        axis, batch = self.samples
        return shape[axis] == batch > 1

    def is_leaf(self, name: str) -> bool:
        i = self.position.get(name)
        return i is not None and self.run.tensors[i].primitive is None

    @property
    def words(self) -> set[str]:
        """The names of inputs that are longer than a letter, and no products of other names."""
        inputs = [name for name in self.position if self.is_leaf(name)]
        letters = {name for name in self.names.values() if len(name) == 1}
        return {n for n in inputs if len(n) > 1 and n.isalpha() and not set(n) <= letters}

    def is_of_each_sample(self, data: Sequence[np.ndarray]) -> bool:
        """Whether these are numbers, one for each sample, whose mean is the loss."""
        pairs = zip(data, self.values[self.loss], strict=True)
        return all(d.size == self.batch and close(d.mean(), mean) for d, mean in pairs)

    # ---- operations ----

    def applied_to(self, name: str) -> str | None:
        """Return the function that is applied to a quantity entry by entry, or its softmax."""
        i = self.position[name]
        for tensor in self.run.tensors:
            of = [self.run.place[x.id] for x in tensor.inputs if x is not None]
            if of == [i] and is_activation(tensor):
                return str(tensor.primitive.__name__)
        return None

    def settings_of(self, function: str) -> Mapping[str, Any]:
        """Return the settings of a function as the network has them: a slope, which none writes."""
        row = TABLE[function]
        found = [t.params for t in self.run.tensors if t.primitive is row]
        if any(params != found[0] for params in found):
            raise NotReadError(f"the network has {function} with several settings")
        if not found and function == "leaky_relu":
            raise NotReadError(f"the slope of {function} is not known")
        return found[0] if found else NO_SETTINGS

    def is_activated(self, name: str) -> bool:
        return is_activation(self.run.tensors[self.position[name]])

    @cached_property
    def output(self) -> str | None:
        """The activation that the loss is computed from, with no named step between."""
        found = [
            name
            for name, ends in self.next_named.items()
            if ends == {self.loss} and self.is_activated(name)
        ]
        return found[0] if len(found) == 1 else None

    @cached_property
    def activations(self) -> set[str]:
        linear = (name for name in self.names.values() if not self.is_activated(name))
        found = {name: self.applied_to(name) for name in linear}
        return {
            op for name, op in found.items() if op and key_of(name).layer != max(self.layers or [0])
        } or {op for op in found.values() if op}

    @cached_property
    def softmax_axis(self) -> int | None:
        for tensor in self.run.tensors:
            if tensor.primitive is not None and "softmax" in tensor.primitive.__name__:
                return int(tensor.params["axis"]) % 2 - 2
        return None

    def product_step(self, out: str, inn: str) -> tuple[int, str] | None:
        """If ``out`` is a product with ``inn`` in it: which factor it is, and the other's name."""
        steps = [self.position[out]]
        for step in steps:  # which grows: through unnamed steps, such as the sum with a bias
            tensor = self.run.tensors[step]
            inputs = [None if x is None else self.run.place[x.id] for x in tensor.inputs]
            if tensor.primitive is TABLE["matmul"] and self.position[inn] in inputs:
                k = inputs.index(self.position[inn])
                other = inputs[1 - k]
                return (k, self.names[other]) if other in self.names else None
            steps += [i for i in inputs if i is not None and i not in self.names and i not in steps]
        return None

    # ---- local derivatives ----

    def jacobian(self, out: str, inn: str) -> Arrays | None:
        """Return the derivative of one quantity by another, of shape out + in, or None."""
        if (out, inn) not in self._jacobians:
            found = [jacobian(run, self.position[out], self.position[inn]) for run in self.runs]
            whole = [f for f in found if f is not None]
            self._jacobians[out, inn] = whole if len(whole) == len(found) else None
        return self._jacobians[out, inn]

    def gradient_at(self, name: str, step: int) -> Arrays:
        """Return the gradient of what the loss has of one step; it flows through earlier ones."""
        steps = self.steps_of_terms
        found = []
        for run in self.runs:
            edges = [
                edge
                for edge in run.edges
                # h_3 leads to h_2, but the loss at step 3 does not
                if edge.step not in steps or step in self.steps_at(run.source[edge])
            ]
            whole = run.sweep({run.loss: np.ones(run.tensors[run.loss].shape)}, edges=edges)
            own = whole.get(self.position[name], 0.0)
            found.append(np.broadcast_to(own, self.shape(name)))
        return found

    def layer_at(self, i: int) -> int | None:
        layer = key_of(self.names[i]).layer if i in self.names else None
        return layer if isinstance(layer, int) else None

    def steps_at(self, i: int) -> set[int]:
        layer = self.layer_at(i)
        return {layer} if layer is not None else self.steps_of_terms.get(i, set())

    @property
    def steps_of_loss(self) -> set[int]:
        """The steps that the loss has a term of; none if that cannot be told."""
        try:
            return self.steps_of_terms[self.run.loss]
        except NotReadError:
            return set()

    @cached_property
    def steps_of_terms(self) -> dict[int, set[int]]:
        """For the loss and its terms, which have no step in their names, the steps they are of."""
        run = self.run
        terms, following = {run.loss}, dict[int, list[int]]()
        for edge in run.edges:  # latest step first
            if edge.step in terms:
                source = run.source[edge]
                following.setdefault(edge.step, []).append(source)
                if self.layer_at(source) is None and run.tensors[source].primitive is not None:
                    terms.add(source)
        found: dict[int, set[int]] = {}

        def steps(i: int) -> set[int]:
            if (layer := self.layer_at(i)) is not None:
                return {layer}
            if i in terms and i not in found:
                found[i] = set().union(*map(steps, following.get(i, ())))
            return found.get(i, set())

        for i in sorted(terms):
            if len(steps(i)) > 1 and run.tensors[i].size > 1:
                raise NotReadError("the loss of one step cannot be told from that of the others")
        return found

    @cached_property
    def next_named(self) -> dict[str, set[str]]:
        """For each quantity, the named ones that are computed from it with no other between."""
        reach: dict[int, set[str]] = {}
        for edge in self.run.edges:  # latest step first
            step = edge.step
            ends = {self.names[step]} if step in self.names else reach.get(step, set())
            reach.setdefault(self.run.source[edge], set()).update(ends)
        return {self.names[i]: ends for i, ends in reach.items() if i in self.names}

    def path(self, out: str, inn: str) -> list[str]:
        """Return the quantities from one back to another; none if there are several ways."""
        path = [inn]
        while path[-1] != out:
            ends = self.next_named.get(path[-1], set())
            if len(ends) != 1:
                return []
            path += ends
        return path[::-1]

    def find(self, data: Sequence[np.ndarray], gradients: bool = False) -> str | None:
        """Return the quantity that has these values, or these gradients, at every point."""
        known = self.gradients if gradients else self.values
        for name, own in known.items():
            pairs = list(zip(data, self.matrices(own), strict=True))
            if (
                name != self.loss
                and name not in self.unnamed
                and all(a.shape == b.shape and close(a, b) for a, b in pairs)
            ):
                return str(name)
        return None


def is_share(x: float, n: int) -> bool:
    """Whether something is divided by a multiple of n, or multiplied by one over it."""
    times = max(abs(x), 1 / abs(x)) / n
    return times > 0.5 and abs(times - round(times)) < 1e-9


def is_activation(tensor: Tensor) -> bool:
    primitive = tensor.primitive
    if primitive is None or len(tensor.inputs) != 1 or tensor.inputs[0] is None:
        return False
    return primitive.kind == "entrywise" or "softmax" in primitive.__name__


def jacobian(run: Run, out: int, inn: int) -> np.ndarray | None:
    reach, edges = {out}, []
    for edge in run.edges:
        if edge.step in reach and edge.step != inn:
            edges.append(edge)
            reach.add(run.source[edge])
    if inn not in reach or inn == out:
        return None
    shape, size = run.tensors[out].shape, run.tensors[out].size
    found = np.zeros((size, *run.tensors[inn].shape))
    for k in range(size):
        unit = np.zeros(size)
        unit[k] = 1.0
        found[k] = run.sweep({out: unit.reshape(shape)}, edges=edges).get(inn, 0.0)
    return found.reshape((*shape, *run.tensors[inn].shape))


def applied(
    function: str, x: np.ndarray, order: int = 0, settings: Mapping[str, Any] = NO_SETTINGS
) -> np.ndarray:
    """Compute a function of the rule table, or by its rule the derivative."""
    row: Any = TABLE[function]
    if order == 0:
        return np.asarray(row(x, **settings))
    t = Tensor(x, requires_grad=True)
    row(t, **settings).sum().backward()
    if t.grad is None:  # it is level between its steps
        return np.zeros_like(x)
    return np.asarray(t.grad.data if isinstance(t.grad, Tensor) else t.grad)
