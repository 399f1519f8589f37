"""The catalogue: the mistakes that people make, as a table of wrong rules beside the right ones.

A mistake belongs to a primitive, or to every step. Its wrong rule is written as the rules are in
``rules/``, and stands in for the right one at one edge of the recorded graph. A new mistake is a
new row: its name, its wrong rule, a sentence that explains it, and one that says how to see it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..rules.activations import sigmoid, softmax
from .planted import Contribution, Edge, Place, operation

Value: TypeAlias = Any


class Wrong(NamedTuple):
    """A wrong contribution at one edge."""

    closure: Contribution
    detail: str = ""  # what was taken instead, where that varies: "a1"


@dataclass(frozen=True)
class Mistake:
    """A row of the catalogue.

    Parameters
    ----------
    name
        How reports call it.
    at
        The wrong contributions that this mistake can make at an edge, always as many and in the
        same order at every point; empty where it cannot be made.
    sentence
        What the mistake is.
    see
        How a learner can see it, without giving the answer away.
    """

    name: str
    at: Callable[[Place], list[Wrong]]
    sentence: str
    see: str


# ---- how wrong rules are made ----


def rule(wrong: Callable[..., Any]) -> Callable[[Place], list[Wrong]]:
    """Make a mistake of a wrong rule in the form of the rule table; None spares an edge."""

    def at(place: Place) -> list[Wrong]:
        closure = place.by_rule(wrong)
        return [] if closure is None else [Wrong(lambda g: place.summed(closure(g)))]

    return at


def on_top(change: Callable[[Value], Value]) -> Callable[[Place], list[Wrong]]:
    """Make a mistake of a change to what the right rule contributes."""
    return lambda place: [Wrong(lambda g: change(place.summed(place.right(g))))]


def where(
    condition: Callable[[Place], Any], at: Callable[[Place], list[Wrong]]
) -> Callable[[Place], list[Wrong]]:
    """Restrict a mistake to the edges at which it can be made."""
    return lambda place: at(place) if condition(place) else []


# ---- wrong rules that need more than the step itself ----


def cross_entropy_shortcut(place: Place) -> list[Wrong]:
    """Return p - y at a softmax p whose difference from y is squared."""
    run, p = place.run, place.tensor  # p is the softmax, and the step's other operand is y
    for edge in run.uses.get(place.edge.step, ()):
        step = run.tensors[edge.step]
        if operation(step) == "subtract":
            return [Wrong(constant(p.data - step.operands[1 - edge.operand]))]
    return []


def constant(value: Value) -> Contribution:
    """Return a contribution that does not depend on the upstream gradient."""
    return lambda g: value


def other_factor(place: Place) -> tuple[int, Value, bool]:
    """Return which operand the other factor of a product is, its value, and if it is a weight."""
    i = 1 - place.edge.operand
    other = place.tensor.inputs[i]
    is_leaf = other is not None and other.primitive is None
    return i, place.tensor.operands[i], is_leaf and not place.leads_to_weight


def replaced_factor(weights: bool) -> Callable[[Place], list[Wrong]]:
    """Make a mistake of taking another quantity for the other factor of a product."""

    def at(place: Place) -> list[Wrong]:
        i, right, is_weight = other_factor(place)
        if is_weight != weights or not isinstance(right, np.ndarray):
            return []
        primitive, operands = place.tensor.primitive, place.tensor.operands
        assert primitive is not None

        def instead(factor: Value) -> Contribution:
            replaced = (*operands[:i], factor, *operands[i + 1 :])
            return lambda g: place.by_rule(primitive.rule, replaced)(g)

        return [
            Wrong(instead(t.data), name)
            for name, t in place.quantities()
            if t.ndim == right.ndim and t is not place.tensor.inputs[i] and t.dtype.kind == "f"
        ]

    return at


def wrong_upstream(place: Place) -> list[Wrong]:
    """Return the right rule on the gradients of other quantities, those nearer to the loss."""
    step, x = place.edge.step, place.run.source[place.edge]

    def instead(i: int) -> Contribution:
        return lambda g: place.summed(place.right(np.asarray(place.gradients[i])))

    return [
        Wrong(instead(i), name)
        for name, i in place.named.items()
        if i > x and i != step and i != place.run.loss and i in place.run.truth
        if place.run.tensors[i].primitive is not None and np.ndim(place.run.truth[i])
    ]


def wrong_layer(activation: str, slope: Callable[[Value], Value]) -> Callable[[Place], list[Wrong]]:
    """Make a mistake of taking the derivative at another layer's activation."""

    def instead(a: Value) -> Contribution:
        return lambda g: g * slope(a)

    def at(place: Place) -> list[Wrong]:
        return [
            Wrong(instead(t.data), name)
            for name, t in place.quantities()
            if operation(t) == activation and t is not place.tensor
        ]

    return at


def matrix_for_elementwise(place: Place) -> list[Wrong]:
    """Return the matrix products of g and an elementwise derivative, in either order."""
    shape = place.tensor.shape
    if len(shape) != 2 or place.input.shape != shape or max(shape) > LONGEST_SIDE:
        return []
    slope = place.right(np.ones(shape))
    products: list[Contribution] = [
        lambda g: g @ slope,
        lambda g: slope @ g,
        lambda g: g @ slope.T,
        lambda g: slope @ g.T,
        lambda g: g.T @ slope,
        lambda g: slope.T @ g,
    ]
    return [Wrong(product) for product in products]


def unsummed_batch(place: Place) -> list[Wrong]:
    """Return the products of a weight's gradient for each sample, the samples first or last."""
    if not is_sum_over_batch(place):
        return []
    i, other, _ = other_factor(place)
    factors = "nk,mk->" if i == 1 else "kn,km->"

    def products(g: Value, order: str) -> Value:
        first, second = (g, other) if i == 1 else (other, g)
        return np.einsum(factors + order, first, second)

    return [Wrong(lambda g: products(g, "knm")), Wrong(lambda g: products(g, "nmk"))]


def one_sample(k: int) -> Callable[[Place], list[Wrong]]:
    """Make a mistake of keeping one sample's product of a sum over the batch."""

    def at(place: Place) -> list[Wrong]:
        if not is_sum_over_batch(place):
            return []
        samples_last = other_factor(place)[0] == 1

        def closure(g: Value) -> Value:
            kept = np.zeros_like(g)
            index = np.s_[:, k] if samples_last else np.s_[k]
            kept[index] = g[index]
            return place.right(kept)

        return [Wrong(closure)]

    return at


def is_sum_over_batch(place: Place) -> bool:
    """Say whether a product of matrices sums over the samples: it leads to a weight."""
    i, other, _ = other_factor(place)
    return (
        place.leads_to_weight
        and place.tensor.ndim == place.input.ndim == np.ndim(other) == 2
        and place.tensor.shape[i] == place.run.batch > 1
    )


def broadcast_mean(place: Place) -> list[Wrong]:
    """Return the mean over the axes along which an input was broadcast."""
    terms = place.tensor.size / max(place.input.size, 1)
    return [Wrong(lambda g: place.summed(place.right(g)) / terms)]


def broadcast_entry(k: int) -> Callable[[Place], list[Wrong]]:
    """Make a mistake of keeping one term of a sum over broadcast axes."""

    def at(place: Place) -> list[Wrong]:
        def closure(g: Value) -> Value:
            every = place.right(g)
            kept = (1,) * (every.ndim - place.input.ndim) + place.input.shape
            index = tuple(
                slice(k, None if k == -1 else k + 1) if one == 1 else slice(None) for one in kept
            )
            return every[index].reshape(place.input.shape)

        return [Wrong(closure)]

    return at


def scaled_by_batch(power: int) -> Callable[[Place], list[Wrong]]:
    """Make a mistake of multiplying by the batch size, or dividing by it."""
    return where(
        lambda place: place.run.batch > 1,
        lambda place: [
            Wrong(lambda g: place.summed(place.right(g)) * float(place.run.batch) ** power)
        ],
    )


def count(place: Place) -> float:
    """Return how many entries a mean was taken of."""
    return place.input.size / max(place.tensor.size, 1)


def other_axis(place: Place) -> list[Wrong]:
    """Return p - y with the softmax along the other axis of a matrix."""
    if place.input.ndim != 2 or place.edge.operand != 0:
        return []
    logits, target = place.tensor.operands
    axis = place.tensor.params["axis"] % 2
    scale = logits.shape[axis] / logits.size
    return [Wrong(lambda g: g * scale * (softmax(logits, axis=1 - axis) - target))]


def elementwise_slip(derivative: Callable[[Value, Value], Value]) -> Callable[..., Contribution]:
    """Return a wrong rule from the derivative that it multiplies by, of output and input."""
    return lambda out, z: lambda g: g * derivative(out, z)


def samples(logits: Value, axis: int) -> float:
    """Return how many samples a cross-entropy is the mean of."""
    return float(logits.size / logits.shape[axis])


def softmax_backward(p: Value, g: Value, axis: int) -> Value:
    """Return the softmax's own rule applied to g."""
    return softmax.rule(p, p, axis=axis)(g)  # type: ignore[misc, operator]


ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "exp")
ELEMENTWISE = {*ACTIVATIONS, "multiply", "sin", "cos", "log", "sqrt", "square", "divide", "power"}
PRODUCTS = {"matmul", "multiply"}

#: A square matrix is made of a wrong product only up to this size.
LONGEST_SIDE = 1000


# ---- the table ----

#: The mistakes that can be made at any step.
EVERYWHERE = (
    Mistake(
        "wrong-sign",
        on_top(np.negative),
        "The sign is wrong: a minus was lost, or one too many was written.",
        "Nudge one entry and watch the loss: does it rise or fall as your sign says?",
    ),
    Mistake(
        "lost-factor-2",
        on_top(lambda c: c * 0.5),
        "A factor 2 was lost: the result is half of what it should be.",
        "Differentiate one squared term on paper, and count the twos.",
    ),
    Mistake(
        "extra-factor-2",
        on_top(lambda c: c * 2.0),
        "There is a factor 2 too many: the result is twice what it should be.",
        "Divide your entries by a finite difference of the loss: where does the ratio come from?",
    ),
    Mistake(
        "mean-for-sum",
        scaled_by_batch(-1),
        "It was divided by the batch size, and this loss sums over the samples here.",
        "Repeat every sample twice: does the loss double, and does your gradient?",
    ),
    Mistake(
        "sum-for-mean",
        scaled_by_batch(1),
        "It was multiplied by the batch size, or a division by it was lost.",
        "Repeat every sample twice: does the loss stay as it is, and does your gradient?",
    ),
    Mistake(
        "wrong-upstream",
        wrong_upstream,
        "The upstream gradient is another quantity's, not that of the step's own output.",
        "Write down which gradient the chain rule multiplies by here: that of what is computed.",
    ),
    Mistake(
        "overwritten-contribution",
        where(lambda place: len(place.uses) > 1, lambda place: [Wrong(lambda g: None)]),
        "The quantity is used more than once, and a contribution was lost: written over another, "
        "where the two are added.",
        "Count the places in which the quantity is used: each adds one term.",
    ),
    Mistake(
        "broadcast-not-summed",
        where(lambda place: place.is_broadcast, lambda place: [Wrong(place.right)]),
        "The quantity was broadcast, and its gradient was not summed over the copies.",
        "Compare the shape of your gradient with the shape of the quantity.",
    ),
    Mistake(
        "mean-for-sum",
        where(lambda place: place.is_broadcast, broadcast_mean),
        "The mean over the copies of a broadcast quantity was taken, and they add up.",
        "Nudge the quantity: it changes every sample's term of the loss, not their average.",
    ),
    Mistake(
        "one-sample-only",
        where(lambda place: place.is_broadcast, broadcast_entry(0)),
        "Of a sum over the samples, only the first sample's term is there.",
        "Change another sample: your gradient has to change too.",
    ),
    Mistake(
        "one-sample-only",
        where(lambda place: place.is_broadcast, broadcast_entry(-1)),
        "Of a sum over the samples, only the last sample's term is there, as when a loop writes "
        "over its result instead of adding to it.",
        "Change another sample: your gradient has to change too.",
    ),
    Mistake(
        "flattened-gradient",
        where(lambda place: 1 in place.input.shape and place.input.ndim > 1, on_top(np.ravel)),
        "The entries lie along one axis, and the quantity has more. Beside a column, NumPy "
        "broadcasts such a vector to a matrix.",
        "Compare the shape of your gradient with the shape of the quantity.",
    ),
    Mistake(
        "transposed-result",
        where(
            lambda place: (
                place.input.ndim == 2
                and place.input.size > 1
                and not (place.operation == "matmul" and place.leads_to_weight)
            ),
            on_top(np.transpose),
        ),
        "The result is transposed: a row stands for a column, or a column for a row.",
        "Compare the shape of your gradient with the shape of the quantity.",
    ),
    Mistake(
        "matrix-for-elementwise-product",
        where(lambda place: place.operation in ELEMENTWISE, matrix_for_elementwise),
        "A matrix product was taken where the factors are multiplied entry by entry.",
        "The operation acts on each entry alone: entry i of the result needs only entry i of g.",
    ),
    Mistake(
        "wrong-activation",
        where(lambda place: place.operation in PRODUCTS, replaced_factor(weights=False)),
        "The product is with another layer's values, not with what this step multiplied by.",
        "Look up what stood beside the quantity in the forward pass: that is the other factor.",
    ),
    Mistake(
        "wrong-weights",
        where(lambda place: place.operation in PRODUCTS, replaced_factor(weights=True)),
        "The product is with another layer's weights, not with those of this step.",
        "Look up which weights the quantity was multiplied by in the forward pass.",
    ),
)

#: The mistakes that belong to one operation.
OF_PRIMITIVE: dict[str, tuple[Mistake, ...]] = {
    "softmax": (
        Mistake(
            "softmax-diagonal",
            rule(lambda p, z, axis: lambda g: p * (1.0 - p) * g),
            "Only the diagonal of the softmax Jacobian is kept: a_i (1 - a_i), and zero for "
            "i != j.",
            "Every output of a softmax depends on every input: the Jacobian is a full matrix.",
        ),
        Mistake(
            "softmax-off-diagonal",
            rule(lambda p, z, axis: lambda g: p * (p * g - (p * g).sum(axis=axis, keepdims=True))),
            "Only the entries off the diagonal of the softmax Jacobian are kept: -a_i a_j, and "
            "zero for i = j.",
            "The cases i = j and i != j are two terms of one sum, not alternatives.",
        ),
        Mistake(
            "softmax-wrong-sign",
            rule(
                lambda p, z, axis: (
                    lambda g: p * (g - 2.0 * p * g + (p * g).sum(axis=axis, keepdims=True))
                )
            ),
            "The entries off the diagonal of the softmax Jacobian have the wrong sign: a_i a_j "
            "for -a_i a_j.",
            "The outputs sum to 1, so when one rises, what do the others do?",
        ),
        Mistake(
            "softmax-lost-square",
            rule(lambda p, z, axis: lambda g: p * g),
            "The softmax was differentiated as if its denominator were constant: a_i for the "
            "whole Jacobian.",
            "The denominator depends on the input too: use the quotient rule.",
        ),
        Mistake(
            "softmax-at-pre-activation",
            rule(lambda p, z, axis: lambda g: z * (g - (z * g).sum(axis=axis, keepdims=True))),
            "The softmax Jacobian is written in the outputs a, and the inputs z were put in.",
            "The entries of the Jacobian are made of probabilities: are yours between 0 and 1?",
        ),
        Mistake(
            "cross-entropy-shortcut",
            cross_entropy_shortcut,
            "y_hat - y is the gradient for the cross-entropy loss, and this loss is the squared "
            "error.",
            "Which loss does the rule that you remember belong to?",
        ),
        Mistake(
            "missing-softmax-derivative",
            rule(lambda p, z, axis: lambda g: g),
            "The gradient passes the softmax unchanged: its Jacobian is left out.",
            "Add the same number to every input: the loss stays, so the entries must sum to zero.",
        ),
    ),
    "log_softmax": (
        Mistake(
            "missing-softmax-derivative",
            rule(lambda out, z, axis: lambda g: g),
            "The gradient passes the log-softmax unchanged: the term with the probabilities is "
            "left out.",
            "Add the same number to every input: the loss stays, so the entries must sum to zero.",
        ),
        Mistake(
            "softmax-diagonal",
            rule(lambda out, z, axis: lambda g: g - np.exp(out) * g),
            "Only the diagonal of the Jacobian is kept: 1 - p_i, and zero for i != j.",
            "Every output of a softmax depends on every input: the Jacobian is a full matrix.",
        ),
        Mistake(
            "softmax-for-log-softmax",
            rule(
                lambda out, z, axis: (
                    lambda g: np.exp(out) * (g - (np.exp(out) * g).sum(axis=axis, keepdims=True))
                )
            ),
            "The Jacobian is that of the softmax, and this is its logarithm.",
            "The derivative of log p_i by z_i is 1 - p_i: which factor did the logarithm take?",
        ),
    ),
    "cross_entropy_with_probabilities": (
        Mistake(
            "sum-for-mean",
            rule(
                lambda out, z, y, axis: (
                    (lambda g: g * (softmax(z, axis=axis) - y)) if samples(z, axis) > 1 else None,
                    None,
                )
            ),
            "The loss is the mean over the samples, and the division by their number was lost.",
            "Repeat every sample twice: does the loss stay as it is, and does your gradient?",
        ),
        Mistake(
            "mean-over-everything",
            rule(
                lambda out, z, y, axis: (
                    lambda g: g / z.size * (softmax(z, axis=axis) - y),
                    None,
                )
            ),
            "It was divided by the number of entries: the loss sums over the classes, and is a "
            "mean over the samples alone.",
            "Write the loss of one sample out: is there a division in it?",
        ),
        Mistake(
            "missing-softmax",
            rule(
                lambda out, z, y, axis: (lambda g: g / samples(z, axis) * (z - y), None),
            ),
            "The scores stand where the probabilities belong: z - y for softmax(z) - y.",
            "Add the same number to every score: the loss stays, so the entries must sum to zero.",
        ),
        Mistake(
            "missing-target",
            rule(
                lambda out, z, y, axis: (
                    lambda g: g / samples(z, axis) * softmax(z, axis=axis),
                    None,
                ),
            ),
            "The target is not subtracted: softmax(z) for softmax(z) - y.",
            "Where the prediction is perfect, the gradient must be zero.",
        ),
        Mistake(
            "right-class-only",
            rule(
                lambda out, z, y, axis: (
                    lambda g: g / samples(z, axis) * (softmax(z, axis=axis) - 1.0) * y,
                    None,
                ),
            ),
            "Only the entry of the right class is there: the other scores lower the loss too, "
            "through the denominator.",
            "Raise the score of a wrong class: does the loss stay as it is?",
        ),
        Mistake(
            "softmax-twice",
            rule(
                lambda out, z, y, axis: (
                    lambda g: softmax_backward(
                        softmax(z, axis=axis),
                        g / samples(z, axis) * (softmax(z, axis=axis) - y),
                        axis,
                    ),
                    None,
                ),
            ),
            "softmax(z) - y holds the softmax's Jacobian already, and it was multiplied by again.",
            "Derive softmax(z) - y once from the logarithm, and see where the Jacobian went.",
        ),
        Mistake(
            "softmax-along-wrong-axis",
            other_axis,
            "The softmax was taken along the axis of the samples, not along that of the classes.",
            "The probabilities of one sample sum to 1: along which axis do yours?",
        ),
    ),
    "binary_cross_entropy_with_logits": (
        Mistake(
            "sum-for-mean",
            rule(
                lambda out, z, y: ((lambda g: g * (sigmoid(z) - y)) if z.size > 1 else None, None)
            ),
            "The loss is a mean, and the division by the number of entries was lost.",
            "Repeat every sample twice: does the loss stay as it is, and does your gradient?",
        ),
        Mistake(
            "sigmoid-twice",
            rule(
                lambda out, z, y: (
                    lambda g: g / z.size * (sigmoid(z) - y) * sigmoid(z) * (1.0 - sigmoid(z)),
                    None,
                )
            ),
            "sigmoid(z) - y holds the sigmoid's derivative already, and it was multiplied by "
            "again.",
            "Derive sigmoid(z) - y once from the logarithm, and see where a (1 - a) went.",
        ),
        Mistake(
            "missing-sigmoid",
            rule(lambda out, z, y: (lambda g: g / z.size * (z - y), None)),
            "The scores stand where the probabilities belong: z - y for sigmoid(z) - y.",
            "A probability lies between 0 and 1: does what you subtract y from?",
        ),
    ),
    "sigmoid": (
        Mistake(
            "missing-sigmoid-derivative",
            rule(lambda a, z: lambda g: g),
            "The gradient passes the sigmoid unchanged: its derivative a (1 - a) is left out.",
            "Every operation of the forward pass leaves a factor: is there one for this?",
        ),
        Mistake(
            "sigmoid-derivative-at-pre-activation",
            rule(elementwise_slip(lambda a, z: z * (1.0 - z))),
            "The derivative a (1 - a) is written in the output a, and the input z was put in: "
            "z (1 - z).",
            "The slope of a sigmoid is never above 1/4, and never negative: is yours?",
        ),
        Mistake(
            "sigmoid-derivative-of-activation",
            rule(elementwise_slip(lambda a, z: sigmoid(a) * (1.0 - sigmoid(a)))),
            "The sigmoid was applied once more: the derivative is taken at a, not at z.",
            "Does your function for the derivative expect z or a, and which was it given?",
        ),
        Mistake(
            "squared-sigmoid-derivative",
            rule(elementwise_slip(lambda a, z: (a * (1.0 - a)) ** 2)),
            "The derivative a (1 - a) is there twice.",
            "Count the factors a (1 - a): one for each sigmoid on the way.",
        ),
        Mistake(
            "activation-for-derivative",
            rule(elementwise_slip(lambda a, z: a)),
            "The activation a stands where its derivative a (1 - a) belongs.",
            "Where the sigmoid saturates at 1, its slope is 0: is yours?",
        ),
        Mistake(
            "lost-activation-factor",
            rule(elementwise_slip(lambda a, z: 1.0 - a)),
            "1 - a stands where the derivative a (1 - a) belongs.",
            "Where the sigmoid saturates at 0, its slope is 0: is yours?",
        ),
        Mistake(
            "sigmoid-wrong-sign",
            rule(elementwise_slip(lambda a, z: a * (1.0 + a))),
            "a (1 + a) stands where the derivative a (1 - a) belongs.",
            "Where the sigmoid saturates at 1, its slope is 0: is yours?",
        ),
        Mistake(
            "tanh-derivative",
            rule(elementwise_slip(lambda a, z: 1.0 - a * a)),
            "1 - a^2 is the derivative of tanh, and this is a sigmoid.",
            "The slope of a sigmoid is never above 1/4: is yours?",
        ),
        Mistake(
            "sigmoid-derivative-of-wrong-layer",
            wrong_layer("sigmoid", lambda a: a * (1.0 - a)),
            "The derivative a (1 - a) is taken with another layer's activation.",
            "Which sigmoid is passed here, and what did it give?",
        ),
    ),
    "tanh": (
        Mistake(
            "missing-tanh-derivative",
            rule(lambda a, z: lambda g: g),
            "The gradient passes the tanh unchanged: its derivative 1 - a^2 is left out.",
            "Every operation of the forward pass leaves a factor: is there one for this?",
        ),
        Mistake(
            "tanh-derivative-at-pre-activation",
            rule(elementwise_slip(lambda a, z: 1.0 - z * z)),
            "The derivative 1 - a^2 is written in the output a, and the input z was put in.",
            "The slope of tanh is never negative: is yours?",
        ),
        Mistake(
            "tanh-derivative-of-activation",
            rule(elementwise_slip(lambda a, z: 1.0 - np.tanh(a) ** 2)),
            "The tanh was applied once more: the derivative is taken at a, not at z.",
            "Does your function for the derivative expect z or a, and which was it given?",
        ),
        Mistake(
            "tanh-lost-square",
            rule(elementwise_slip(lambda a, z: 1.0 - a)),
            "1 - a stands where the derivative 1 - a^2 belongs.",
            "The slope of tanh is the same at z and at -z: is yours?",
        ),
        Mistake(
            "squared-tanh-derivative",
            rule(elementwise_slip(lambda a, z: (1.0 - a * a) ** 2)),
            "The derivative 1 - a^2 is there twice.",
            "Count the factors 1 - a^2: one for each tanh on the way.",
        ),
        Mistake(
            "sigmoid-derivative",
            rule(elementwise_slip(lambda a, z: a * (1.0 - a))),
            "a (1 - a) is the derivative of the sigmoid, and this is a tanh.",
            "The slope of tanh at 0 is 1: is yours?",
        ),
        Mistake(
            "tanh-derivative-of-wrong-layer",
            wrong_layer("tanh", lambda a: 1.0 - a * a),
            "The derivative 1 - a^2 is taken with another layer's activation.",
            "Which tanh is passed here, and what did it give?",
        ),
    ),
    "relu": (
        Mistake(
            "missing-relu-derivative",
            rule(lambda a, z: lambda g: g),
            "The gradient passes the relu unchanged: it must be 0 where the input was negative.",
            "Nudge an input that the relu cut off: does the loss change?",
        ),
        Mistake(
            "relu-of-gradient",
            rule(lambda a, z: lambda g: np.maximum(g, 0.0)),
            "The relu was applied to the gradient: what counts is the sign of the forward input, "
            "not that of the gradient.",
            "Can a negative gradient pass your step? It should, where the input was positive.",
        ),
        Mistake(
            "activation-for-derivative",
            rule(elementwise_slip(lambda a, z: a)),
            "The activation stands where its derivative belongs, which is 1 or 0.",
            "The slope of a relu does not grow with its input: does yours?",
        ),
        Mistake(
            "inverted-relu-derivative",
            rule(lambda a, z: lambda g: np.where(z > 0, 0.0, g)),
            "The gradient passes where the input was negative, and is cut where it was positive.",
            "Nudge an input that the relu cut off: does the loss change?",
        ),
        Mistake(
            "relu-derivative-of-wrong-layer",
            wrong_layer("relu", lambda a: a > 0),
            "The gradient is cut where another layer's input was negative.",
            "Which relu is passed here, and where was its input negative?",
        ),
    ),
    "leaky_relu": (
        Mistake(
            "missing-relu-derivative",
            rule(lambda a, z, slope: lambda g: g),
            "The gradient passes the relu unchanged: it must shrink where the input was negative.",
            "Nudge a negative input: by how much does the output change?",
        ),
        Mistake(
            "relu-for-leaky-relu",
            rule(lambda a, z, slope: lambda g: np.where(z > 0, g, 0.0)),
            "The gradient is cut where the input was negative, and this relu leaks.",
            "Nudge a negative input: does the output stay as it is?",
        ),
    ),
    "matmul": (
        Mistake(
            "missing-transpose",
            rule(lambda out, a, b: (lambda g: g @ b, lambda g: a @ g)),
            "A transpose is missing: W g for W^T g, or g a for g a^T.",
            "Write one entry of the product as a sum over an index, and see which index it is.",
        ),
        Mistake(
            "transposed-outer-product",
            where(
                lambda place: place.leads_to_weight and place.input.ndim == 2,
                on_top(np.transpose),
            ),
            "The product is transposed: a g^T for g a^T.",
            "Compare the shape of your gradient with the shape of the quantity.",
        ),
        Mistake(
            "elementwise-for-matrix-product",
            rule(lambda out, a, b: (lambda g: g * b, lambda g: a * g)),
            "The factors were multiplied entry by entry, where a matrix product belongs.",
            "Each entry of the input reaches several outputs: a sum is needed.",
        ),
        Mistake(
            "elementwise-for-matrix-product",
            rule(lambda out, a, b: (lambda g: g.T * b.T, lambda g: a.T * g.T)),
            "The factors were multiplied entry by entry, where a matrix product belongs.",
            "Each entry of the input reaches several outputs: a sum is needed.",
        ),
        Mistake(
            "missing-batch-sum",
            unsummed_batch,
            "The sum over the batch is missing: the result still has an axis of samples.",
            "Compare the shape of your gradient with the shape of the quantity.",
        ),
        Mistake(
            "one-sample-only",
            one_sample(0),
            "Of a sum over the samples, only the first sample's term is there.",
            "Change another sample: your gradient has to change too.",
        ),
        Mistake(
            "one-sample-only",
            one_sample(-1),
            "Of a sum over the samples, only the last sample's term is there, as when a loop "
            "writes over its result instead of adding to it.",
            "Change another sample: your gradient has to change too.",
        ),
    ),
    "matrix_transpose": (
        Mistake(
            "missing-transpose",
            rule(lambda out, a: lambda g: g),
            "The gradient of a transpose is transposed back, and was not.",
            "Compare the shape of your gradient with the shape of the quantity.",
        ),
    ),
    "transpose": (
        Mistake(
            "missing-transpose",
            rule(lambda out, a, axes: lambda g: g),
            "The gradient of a transpose is transposed back, and was not.",
            "Compare the shape of your gradient with the shape of the quantity.",
        ),
    ),
    "multiply": (
        Mistake(
            "own-factor",
            rule(lambda out, a, b: (lambda g: g * a, lambda g: g * b)),
            "The factor itself stands where the other factor belongs.",
            "The derivative of a b by a is b: which of the two did you keep?",
        ),
        Mistake(
            "missing-factor",
            rule(lambda out, a, b: (lambda g: g, lambda g: g)),
            "The gradient passes the product unchanged: the other factor is left out.",
            "Double the other factor: your gradient has to double too.",
        ),
    ),
    "divide": (
        Mistake(
            "divisor-not-squared",
            rule(lambda out, a, b: (None, lambda g: -g * a / b)),
            "The derivative of a / b by b is -a / b^2, and the square is lost.",
            "Double the divisor: by which factor does the slope shrink?",
        ),
    ),
    "power": (
        Mistake(
            "exponent-not-lowered",
            rule(lambda out, a, n: (lambda g: g * n * a**n, None)),
            "The exponent was not lowered by one: n a^n for n a^(n-1).",
            "Differentiate a^2: which power of a is left?",
        ),
        Mistake(
            "lost-exponent",
            rule(lambda out, a, n: (lambda g: g * a ** (n - 1), None)),
            "The exponent is lost as a factor: a^(n-1) for n a^(n-1).",
            "Differentiate a^3 by the product rule, and count the terms.",
        ),
    ),
    "square": (
        Mistake(
            "exponent-not-lowered",
            rule(lambda out, a: lambda g: g * 2.0 * a * a),
            "The exponent was not lowered by one: 2 a^2 for 2 a.",
            "Differentiate a^2: which power of a is left?",
        ),
    ),
    "square_sum": (
        Mistake(
            "exponent-not-lowered",
            rule(lambda out, a: lambda g: g * 2.0 * a * a),
            "The exponent was not lowered by one: 2 r^2 for 2 r.",
            "Differentiate r^2: which power of r is left?",
        ),
        Mistake(
            "mean-over-everything",
            rule(lambda out, a: (lambda g: g * 2.0 * a / a.size) if a.size > 1 else None),
            "It was divided by the number of entries, and this loss is a sum.",
            "Write the loss out for two entries: is there a division in it?",
        ),
    ),
    "sum": (
        Mistake(
            "mean-for-sum",
            where(
                lambda place: count(place) > 1, lambda p: [Wrong(lambda g: p.right(g) / count(p))]
            ),
            "It was divided by the number of terms, and this is a sum.",
            "Nudge one term: by how much does the sum change?",
        ),
    ),
    "mean": (
        Mistake(
            "sum-for-mean",
            where(
                lambda place: count(place) > 1, lambda p: [Wrong(lambda g: p.right(g) * count(p))]
            ),
            "The division by the number of terms is lost, and this is a mean.",
            "Nudge one term: by how much does the mean change?",
        ),
    ),
    "exp": (
        Mistake(
            "missing-exp-derivative",
            rule(lambda out, a: lambda g: g),
            "The gradient passes the exponential unchanged: its derivative is left out.",
            "Every operation of the forward pass leaves a factor: is there one for this?",
        ),
        Mistake(
            "exponent-for-exp",
            rule(lambda out, a: lambda g: g * a),
            "The exponent stands where the exponential belongs.",
            "The derivative of e^a is itself: which of the two did you keep?",
        ),
    ),
    "log": (
        Mistake(
            "missing-log-derivative",
            rule(lambda out, a: lambda g: g),
            "The gradient passes the logarithm unchanged: its derivative 1 / a is left out.",
            "Every operation of the forward pass leaves a factor: is there one for this?",
        ),
        Mistake(
            "log-not-inverted",
            rule(lambda out, a: lambda g: g * a),
            "a stands where the derivative 1 / a belongs.",
            "The logarithm grows ever more slowly: does your slope shrink?",
        ),
    ),
    "sqrt": (
        Mistake(
            "root-not-inverted",
            rule(lambda out, a: lambda g: 0.5 * g * out),
            "The root multiplies, where it divides: the derivative is 1 / (2 sqrt(a)).",
            "The root grows ever more slowly: does your slope shrink?",
        ),
    ),
}


def rows() -> Iterator[Mistake]:
    """Return every row of the catalogue."""
    return chain(EVERYWHERE, *OF_PRIMITIVE.values())


class Fault(NamedTuple):
    """A mistake at its places: what can be planted in a sweep.

    Parameters
    ----------
    mistake
        A row of the catalogue.
    edges
        Where it is made.
    variant
        Which of its wrong contributions it makes there.
    detail
        What was taken instead, where that varies.
    """

    mistake: Mistake
    edges: tuple[Edge, ...]
    variant: int
    detail: str

    def contribution(self, place: Place) -> Contribution:
        """Return the wrong contribution at one of its edges."""
        wrongs = made(self.mistake, place)
        return wrongs[self.variant].closure if wrongs else impossible


def faults_at(place: Place) -> Iterator[Fault]:
    """Return every fault that the catalogue has for an edge."""
    for mistake in chain(OF_PRIMITIVE.get(place.operation, ()), EVERYWHERE):
        for k, wrong in enumerate(made(mistake, place)):
            yield Fault(mistake, (place.edge,), k, wrong.detail)


def made(mistake: Mistake, place: Place) -> list[Wrong]:
    """Return the wrong contributions that a mistake can make; none where it cannot be computed."""
    try:
        return mistake.at(place)
    except Exception:  # a wrong rule may not fit the operands
        return []


def impossible(g: Value) -> Value:
    """Refuse to compute: the contribution of a mistake that cannot be made at this point."""
    raise ValueError("this mistake cannot be made here")
