"""How wrong rules are made: from the right ones wherever that is possible, and else written out.

Each function returns a wrong rule for the catalogue, or is one: it takes a place, and returns the
wrong contributions that can be made there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from ..engine import Primitive
from ..record import Edge
from ..rules.activations import softmax
from ..table import TABLE
from .mistake import Wrong, WrongRule
from .run import Place

Value: TypeAlias = Any

#: Six products of two n by n matrices are tried at every place: with 1000 they take a second.
LONGEST_SIDE = 1000

#: The quantities that another may be taken for, the nearest: people confuse neighbouring layers.
MOST_QUANTITIES = 40

#: Entrywise operations whose derivative is 1 or -1, and no factor to be multiplied by.
WITHOUT_FACTOR = {"add", "subtract", "negative"}

# ---- of the right rule, or beside it ----


def by(contribution: Callable[[Place, Value], Value]) -> WrongRule:
    return lambda place: [Wrong(lambda g: contribution(place, g))]


def rule(wrong: Callable[..., Any]) -> WrongRule:
    """Make a wrong rule from one in the form of the rule table; None spares an edge."""

    def at(place: Place) -> list[Wrong]:
        closure = place.by_rule(wrong)
        return [] if closure is None else [Wrong(lambda g: place.summed(closure(g)))]

    return at


def slope(derivative: Callable[[Value, Value], Value]) -> WrongRule:
    """Make a wrong rule from the derivative that g is multiplied by, given output and input."""
    return rule(lambda out, z: lambda g: g * derivative(out, z))


def on_top(change: Callable[[Value], Value]) -> WrongRule:
    def made(place: Place, g: Value) -> Any:
        contribution = place.summed(place.right(g))
        # after an earlier mistake there may be none, which is no array to change
        return None if contribution is None else change(contribution)

    return by(made)


def scaled(factor: Callable[[Place], float]) -> WrongRule:
    """Multiply what the right rule contributes; where the factor is 1 there is no mistake."""

    def at(place: Place) -> list[Wrong]:
        size = factor(place)
        return [] if size == 1.0 else on_top(lambda contribution: contribution * size)(place)

    return at


def where(condition: Callable[[Place], Any], *rules: WrongRule) -> WrongRule:
    return lambda place: either(*rules)(place) if condition(place) else []


def either(*rules: WrongRule) -> WrongRule:
    return lambda place: [wrong for rule in rules for wrong in rule(place)]


unchanged = by(lambda place, g: place.summed(g))  # as if the step were not there
twice = by(lambda place, g: place.right(place.right(g)))
nothing = by(lambda place, g: None)
not_summed = by(lambda place, g: place.right(g))  # a contribution for each broadcast copy


# ---- another quantity, taken instead ----


def take(
    place: Place, fits: Callable[[int], Any], contribution: Callable[[int, Value], Value]
) -> list[Wrong]:
    """Return what is contributed if a quantity that fits is taken instead: the nearest ones."""
    positions = place.run.quantities
    fitting = [name for name, i in positions.items() if fits(i)]
    nearest = sorted(fitting, key=lambda name: abs(positions[name] - place.edge.step))
    nearest = nearest[:MOST_QUANTITIES]
    return [Wrong(partial(contribution, positions[n]), n) for n in fitting if n in nearest]


def other_factor(place: Place) -> tuple[int, Value, bool]:
    """Return which operand the other factor of a product is, its value, and if it is a weight."""
    i = 1 - place.edge.operand
    other = place.tensor.inputs[i]
    is_leaf = other is not None and other.primitive is None
    return i, place.tensor.operands[i], is_leaf and not place.leads_to_weight


def replaced_factor(weights: bool) -> WrongRule:
    def at(place: Place) -> list[Wrong]:
        i, right, is_weight = other_factor(place)
        if is_weight != weights or not np.ndim(right):  # a number is no layer's
            return []
        tensors, other = place.run.tensors, place.tensor.inputs[i]
        # of k.T it is k that is confused with another, which is transposed like it
        turn = other.primitive if other is not None else None
        turn = turn if turn in (TABLE["transpose"], TABLE["matrix_transpose"]) else None
        taken = other if turn is None else other.inputs[0]

        def fits(k: int) -> bool:
            t = tensors[k]
            return t.ndim == right.ndim and t is not taken and t.dtype.kind == "f"

        def contribution(k: int, g: Value) -> Value:
            operands = list(place.tensor.operands)
            data = tensors[k].data
            operands[i] = data if turn is None else turn(data, **other.params)
            return place.summed(place.by_rule(place.primitive.rule, operands)(g))

        return take(place, fits, contribution)

    return at


def wrong_upstream(place: Place) -> list[Wrong]:
    """Apply the right rule to the gradients of other quantities, those nearer to the loss."""
    run, x = place.run, place.run.source[place.edge]
    return take(
        place,
        lambda i: (
            x < i < run.loss
            and i != place.edge.step
            and run.tensors[i].primitive is not None
            and np.ndim(run.gradients[i])
        ),
        lambda i, g: place.summed(place.right(np.asarray(place.at_hand[i]))),
    )


def of_wrong_layer(place: Place) -> list[Wrong]:
    """Apply the same rule where another layer has it: with that layer's activation."""

    def is_such(i: int) -> bool:
        layer = place.run.tensors[i]
        is_other = layer.primitive is not None and layer is not place.tensor
        return is_other and layer.primitive.__name__ == place.operation

    return take(place, is_such, lambda i, g: place.run.closures[Edge(i, 0)](g))


# ---- products of another kind, and sums over samples ----


def is_function(place: Place) -> bool:
    # of one argument, entry by entry, with a derivative
    is_entrywise = place.primitive.kind == "entrywise" and place.operation not in WITHOUT_FACTOR
    return is_entrywise and len(place.tensor.inputs) == 1


def matrix_for_entrywise(place: Place) -> list[Wrong]:
    shape = place.tensor.shape
    if place.primitive.kind != "entrywise" or place.operation in WITHOUT_FACTOR:
        return []
    if len(shape) != 2 or place.input.shape != shape or max(shape) > LONGEST_SIDE:
        return []
    derivative = place.right(np.ones(shape))
    return [
        Wrong(lambda g: g @ derivative),
        Wrong(lambda g: derivative @ g),
        Wrong(lambda g: g @ derivative.T),
        Wrong(lambda g: derivative @ g.T),
        Wrong(lambda g: g.T @ derivative),
        Wrong(lambda g: derivative.T @ g),
    ]


def is_sum_over_batch(place: Place) -> bool:
    if place.operation != "matmul":
        return False
    i, other, _ = other_factor(place)
    return (
        place.leads_to_weight
        and place.tensor.ndim == place.input.ndim == np.ndim(other) == 2
        and place.tensor.shape[i] == place.run.batch > 1
    )


def is_turned_by_transposing(place: Place) -> bool:
    # a matrix, and no weight: its gradient is no outer product
    is_weight = place.operation == "matmul" and place.leads_to_weight
    return place.input.ndim == 2 and place.input.size > 1 and not is_weight


def summed_along_other_axis(place: Place) -> list[Wrong]:
    # of a matrix beside a bias
    if not place.is_broadcast or place.tensor.ndim != 2 or place.input.size == 1:
        return []
    axis = 0 if place.input.shape[-1] == 1 else 1  # of a column, or of a row
    return [Wrong(lambda g: place.right(g).sum(axis=axis, keepdims=place.input.ndim == 2))]


def summed_over_everything(place: Place) -> list[Wrong]:
    # as np.sum does without an axis: a number, whatever axes it keeps, or NumPy broadcasts it
    shapes = dict.fromkeys([(), (1,), (1,) * place.tensor.ndim, place.input.shape])

    def total(shape: tuple[int, ...], g: Value) -> Value:
        return np.broadcast_to(place.right(g).sum(), shape)

    return [Wrong(partial(total, shape)) for shape in shapes]


def share_of_a_sample(place: Place) -> float:
    """Return what a mean over all entries has for one over the samples; 1 where there is none."""
    batch = place.run.batch
    is_mean = any(np.isclose(n, (batch, 2 * batch)).any() for n in place.run.means_by_hand)
    return batch / place.input.size if is_mean and batch in place.input.shape else 1.0


def unsummed_batch(place: Place) -> list[Wrong]:
    # a weight's gradient for each sample, the samples first or last
    if not is_sum_over_batch(place):
        return []
    i, other, _ = other_factor(place)

    def products(g: Value, order: str) -> Value:
        return np.einsum(f"nk,mk->{order}", *((g, other) if i == 1 else (other.T, g.T)))

    return [Wrong(lambda g: products(g, "knm")), Wrong(lambda g: products(g, "nmk"))]


def one_sample(k: int) -> WrongRule:
    """Keep one sample's term of a sum over the batch: of a product, or of broadcast copies."""

    def of_product(place: Place, g: Value) -> Value:
        kept = np.zeros_like(g)
        index = np.s_[:, k] if other_factor(place)[0] == 1 else np.s_[k]
        kept[index] = g[index]
        return place.right(kept)

    def of_copies(place: Place, g: Value) -> Value:
        every = place.right(g)
        shape = (1,) * (every.ndim - place.input.ndim) + place.input.shape
        one = slice(k, None if k == -1 else k + 1)
        index = tuple(one if n == 1 else slice(None) for n in shape)
        return every[index].reshape(place.input.shape)

    return either(
        where(is_sum_over_batch, by(of_product)),
        where(lambda place: place.is_broadcast and not is_sum_over_batch(place), by(of_copies)),
    )


# ---- of the softmax, and the losses behind it ----


def jacobian(diagonal: float, rest: float) -> WrongRule:
    """Multiply the diagonal of the softmax Jacobian by one number, and the rest by another."""

    def contribution(place: Place, g: Value) -> Value:
        p = place.tensor.data
        on_diagonal = p * (1.0 - p) * g
        return diagonal * on_diagonal + rest * (place.right(g) - on_diagonal)

    return by(contribution)


def partners(place: Place, operation: str) -> list[Value]:
    """Return what stands beside the result of a step, wherever it goes into an operation."""
    uses = [(place.run.tensors[e.step], e.operand) for e in place.run.uses.get(place.edge.step, ())]
    return [t.operands[1 - k] for t, k in uses if getattr(t.primitive, "__name__", "") == operation]


def cross_entropy_shortcut(place: Place) -> list[Wrong]:
    targets = partners(place, "subtract")
    return [Wrong(lambda g: place.tensor.data - targets[0])] if targets else []


def binary_cross_entropy_of_log(place: Place) -> list[Wrong]:
    """Add what a binary cross-entropy has besides, where log p is multiplied by a target."""
    targets = partners(place, "multiply")
    if not targets:
        return []

    def contribution(g: Value) -> Value:
        p, y = place.input.data, targets[0]
        weight = -(g * y).sum() / (y * y).sum()
        return place.right(g) + weight * (1.0 - y) / (1.0 - p)

    return [Wrong(contribution)]


def binary_cross_entropy_of_scores(place: Place, g: Value, z: Value, y: Value) -> Value:
    p = softmax(z, **place.tensor.params)
    return through(
        softmax, z, g / samples(place) * (p - y) / (p * (1.0 - p)), **place.tensor.params
    )


def inner_product(place: Place) -> list[Wrong]:
    """Multiply to a number, or the other way round, where an outer product belongs."""
    i, other, _ = other_factor(place)
    if not place.leads_to_weight or np.ndim(other) > 2:
        return []
    return [
        Wrong(lambda g: g.T @ other if i == 1 else g @ other.T),
        Wrong(lambda g: np.dot(g.ravel(), other.ravel())),
    ]


def sum_for_product(place: Place) -> list[Wrong]:
    """Add the derivative of an entrywise operation to the gradient."""
    is_entrywise = place.primitive.kind == "entrywise" and place.operation not in WITHOUT_FACTOR
    if not is_entrywise or place.is_broadcast or not place.tensor.ndim:
        return []
    return [Wrong(lambda g: g + place.right(np.ones(place.tensor.shape)))]


def to_scores(wrong: Callable[[Place, Value, Value, Value], Value]) -> WrongRule:
    """Make a wrong rule for the scores z of a loss, from place, g, z and the target."""
    return where(
        lambda place: place.edge.operand == 0,
        by(lambda place, g: wrong(place, g, *place.tensor.operands)),
    )


def through(f: Primitive, z: Value, g: Value, **settings: Any) -> Value:
    rule: Any = f.rule
    return rule(f(z, **settings), z, **settings)(g)


def other_axis(place: Place, g: Value, z: Value, y: Value) -> Value:
    """Return p - y with the softmax along the other axis of a matrix."""
    p = softmax(z, axis=1 - place.tensor.params["axis"] % 2)
    return g / samples(place) * (p - y)


def samples(place: Place) -> Any:
    return place.input.size / classes(place)


def classes(place: Place) -> Any:
    return place.input.shape[place.tensor.params["axis"]]
