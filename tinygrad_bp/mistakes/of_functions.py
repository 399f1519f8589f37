"""Mistakes at functions: activations, the softmax, the losses behind it, roots and exponentials.

In the rules the names are those of the rule table: g is the upstream gradient, and a or p what the
operation computed.
"""

from __future__ import annotations

import numpy as np

from ..engine import Primitive
from ..rules import reductions
from ..rules.activations import relu, sigmoid, softmax
from ..rules.elementwise import tanh
from . import wrong_rules as wrong
from .mistake import Mistake

#: Hints that several mistakes share.
FACTOR = "Every operation of the forward pass leaves a factor: is there one for this?"
FULL_MATRIX = "Every output of a softmax depends on every input: the Jacobian is a full matrix."

#: Functions whose missing derivative has a row of its own.
WITH_A_ROW = {"sigmoid", "tanh", "relu", "leaky_relu"}


def of_activation(f: Primitive, derivative: str, steepness: str) -> dict[str, Mistake]:
    # the sigmoid and tanh, whose slopes are written in a
    name = f.__name__

    rows = {
        f"missing-{name}-derivative": (
            f"The gradient passes the {name} unchanged: its derivative {derivative} is left out.",
            FACTOR,
            wrong.unchanged,
        ),
        f"{name}-derivative-at-pre-activation": (
            f"The derivative {derivative} is written in the output a, and the input z was put in.",
            steepness,
            wrong.rule(lambda a, z: f.rule(z, z)),
        ),
        f"{name}-derivative-of-activation": (
            f"The {name} was applied once more: the derivative is taken at a, not at z.",
            "Does your function for the derivative expect z or a, and which was it given?",
            wrong.rule(lambda a, z: f.rule(f(a), a)),
        ),
        f"squared-{name}-derivative": (
            f"The derivative {derivative} is there twice.",
            f"How many {name}s are on the way, and how many factors did you write for them?",
            wrong.twice,
        ),
        f"{name}-derivative-of-wrong-layer": (
            f"The derivative {derivative} is taken with another layer's activation.",
            f"Which {name} is passed here, and what did it give?",
            wrong.of_wrong_layer,
        ),
    }
    return {row: Mistake(said, see, **{name: rule}) for row, (said, see, rule) in rows.items()}


OF_FUNCTIONS: dict[str, Mistake] = {
    # ---- the softmax ----
    "softmax-diagonal": Mistake(
        "Only the diagonal of the softmax Jacobian is kept: a_i (1 - a_i), and zero for i != j.",
        FULL_MATRIX,
        softmax=wrong.jacobian(diagonal=1.0, rest=0.0),
    ),
    "softmax-off-diagonal": Mistake(
        "Only the entries off the diagonal of the Jacobian are kept: -a_i a_j, and zero for i = j.",
        "The cases i = j and i != j are two terms of one sum, not alternatives.",
        softmax=wrong.jacobian(diagonal=0.0, rest=1.0),
    ),
    "softmax-wrong-sign": Mistake(
        "Off its diagonal the softmax Jacobian has the wrong sign: a_i a_j for -a_i a_j.",
        "The outputs sum to 1, so when one rises, what do the others do?",
        softmax=wrong.jacobian(diagonal=1.0, rest=-1.0),
    ),
    "softmax-lost-square": Mistake(
        "The softmax was differentiated as if its denominator were constant: a_i for the Jacobian.",
        "The denominator depends on the input too: use the quotient rule.",
        softmax=wrong.rule(lambda p, z, axis: lambda g: p * g),
    ),
    "softmax-at-pre-activation": Mistake(
        "The softmax Jacobian is written in the outputs a, and the inputs z were put in.",
        "The entries of the Jacobian are made of probabilities: are yours between 0 and 1?",
        softmax=wrong.rule(lambda p, z, axis: softmax.rule(z, z, axis=axis)),
    ),
    "cross-entropy-shortcut": Mistake(
        "y_hat - y is the gradient of the cross-entropy, and this loss is the squared error.",
        "Which loss does the rule that you remember belong to?",
        softmax=wrong.cross_entropy_shortcut,
        sigmoid=wrong.cross_entropy_shortcut,
    ),
    "binary-for-categorical": Mistake(
        "The gradient is that of a binary cross-entropy, and this loss is -sum(y log p).",
        "Write the loss out for two classes: does 1 - p stand in it?",
        log=wrong.binary_cross_entropy_of_log,
        cross_entropy_with_probabilities=wrong.to_scores(wrong.binary_cross_entropy_of_scores),
    ),
    "missing-softmax-derivative": Mistake(
        "The gradient passes the softmax, or its logarithm, unchanged: the Jacobian is left out.",
        "Add the same number to every input: the loss stays, so the entries must sum to zero.",
        softmax=wrong.unchanged,
        log_softmax=wrong.unchanged,
    ),
    "log-softmax-diagonal": Mistake(
        "Only the diagonal of the log-softmax's Jacobian is kept: 1 - p_i, and zero for i != j.",
        FULL_MATRIX,
        log_softmax=wrong.rule(lambda out, z, axis: lambda g: g - np.exp(out) * g),
    ),
    "softmax-for-log-softmax": Mistake(
        "The Jacobian is that of the softmax, and this is its logarithm.",
        "Derive the logarithm of a softmax once by itself: which factor does it take away?",
        log_softmax=wrong.rule(lambda out, z, axis: softmax.rule(np.exp(out), z, axis=axis)),
    ),
    "logsumexp-without-softmax": Mistake(
        "The gradient goes to every entry alike: the softmax that shares it out is left out.",
        "Add 1 to every entry: the result rises by 1, so the shares must sum to 1.",
        logsumexp=wrong.rule(reductions.sum.rule),
    ),
    "maximum-shared-out": Mistake(
        "The gradient goes to every entry, whole or in parts, and only the largest entry counts.",
        "Nudge an entry that is not the largest: does the result change?",
        max=wrong.either(wrong.rule(reductions.sum.rule), wrong.rule(reductions.mean.rule)),
    ),
    # ---- losses with a softmax or a sigmoid in them ----
    "missing-softmax": Mistake(
        "The scores stand where the probabilities belong: z - y for softmax(z) - y.",
        "Add the same number to every score: the loss stays, so the entries must sum to zero.",
        cross_entropy_with_probabilities=wrong.to_scores(
            lambda at, g, z, y: g / wrong.samples(at) * (z - y)
        ),
    ),
    "missing-target": Mistake(
        "The target is not subtracted: softmax(z) for softmax(z) - y.",
        "Where the prediction is perfect, the gradient must be zero.",
        cross_entropy_with_probabilities=wrong.to_scores(
            lambda at, g, z, y: at.right(g) + g / wrong.samples(at) * y
        ),
    ),
    "right-class-only": Mistake(
        "Only the entry of the right class is there, and the denominator holds the other scores.",
        "Raise the score of a wrong class: does the loss stay as it is?",
        cross_entropy_with_probabilities=wrong.to_scores(lambda at, g, z, y: at.right(g) * y),
    ),
    "softmax-twice": Mistake(
        "softmax(z) - y holds the softmax's Jacobian already, and it was multiplied by again.",
        "Derive softmax(z) - y once from the logarithm, and see where the Jacobian went.",
        cross_entropy_with_probabilities=wrong.to_scores(
            lambda at, g, z, y: wrong.through(softmax, z, at.right(g), **at.tensor.params)
        ),
    ),
    "softmax-along-wrong-axis": Mistake(
        "The softmax was taken along the axis of the samples, not along that of the classes.",
        "The probabilities of one sample sum to 1: along which axis do yours?",
        cross_entropy_with_probabilities=wrong.where(
            lambda at: at.input.ndim == 2, wrong.to_scores(wrong.other_axis)
        ),
    ),
    "sigmoid-twice": Mistake(
        "sigmoid(z) - y holds the sigmoid's derivative already, and it was multiplied by again.",
        "Derive sigmoid(z) - y once from the logarithm, and see where a (1 - a) went.",
        mean_binary_cross_entropy=wrong.to_scores(
            lambda at, g, z, y: wrong.through(sigmoid, z, at.right(g))
        ),
    ),
    "missing-sigmoid": Mistake(
        "The scores stand where the probabilities belong: z - y for sigmoid(z) - y.",
        "A probability lies between 0 and 1: does what you subtract y from?",
        mean_binary_cross_entropy=wrong.to_scores(lambda at, g, z, y: g / z.size * (z - y)),
    ),
    "mean-over-everything": Mistake(
        "There is a division by the number of all entries, which this loss does not have.",
        "Write the loss of one sample out: is there a division in it?",
        square_sum=wrong.either(
            wrong.scaled(lambda at: 1.0 / at.input.size), wrong.scaled(wrong.share_of_a_sample)
        ),
        sum=wrong.where(lambda at: at.tensor.size == 1, wrong.scaled(wrong.share_of_a_sample)),
        cross_entropy_with_probabilities=wrong.scaled(lambda at: 1.0 / wrong.classes(at)),
    ),
    # ---- activations ----
    **of_activation(
        sigmoid,
        "a (1 - a)",
        "The slope of a sigmoid is never above 1/4, and never negative: is yours?",
    ),
    "lost-activation-factor": Mistake(
        "1 - a stands where the derivative a (1 - a) belongs.",
        "Where the sigmoid saturates at 0, its slope is 0: is yours?",
        sigmoid=wrong.slope(lambda a, z: 1.0 - a),
    ),
    "sigmoid-wrong-sign": Mistake(
        "a (1 + a) stands where the derivative a (1 - a) belongs.",
        "Where the sigmoid saturates at 1, its slope is 0: is yours?",
        sigmoid=wrong.slope(lambda a, z: a * (1.0 + a)),
    ),
    "tanh-derivative": Mistake(
        "1 - a^2 is the derivative of tanh, and this is a sigmoid.",
        "The slope of a sigmoid is never above 1/4: is yours?",
        sigmoid=wrong.rule(lambda a, z: tanh.rule(a, z)),
    ),
    **of_activation(tanh, "1 - a^2", "The slope of tanh is never negative: is yours?"),
    "tanh-lost-square": Mistake(
        "1 - a stands where the derivative 1 - a^2 belongs.",
        "The slope of tanh is the same at z and at -z: is yours?",
        tanh=wrong.slope(lambda a, z: 1.0 - a),
    ),
    "sigmoid-derivative": Mistake(
        "a (1 - a) is the derivative of the sigmoid, and this is a tanh.",
        "The slope of tanh at 0 is 1: is yours?",
        tanh=wrong.rule(lambda a, z: sigmoid.rule(a, z)),
    ),
    "missing-relu-derivative": Mistake(
        "The gradient passes the relu unchanged: its derivative is left out.",
        "Nudge a negative input: by how much does the output change?",
        relu=wrong.unchanged,
        leaky_relu=wrong.unchanged,
    ),
    "relu-of-gradient": Mistake(
        "The relu was applied to the gradient, and what counts is the sign of the forward input.",
        "Can a negative gradient pass your step? It should, where the input was positive.",
        relu=wrong.rule(lambda a, z: relu),
    ),
    "inverted-relu-derivative": Mistake(
        "The gradient passes where the input was negative, and is cut where it was positive.",
        "Nudge an input that the relu cut off: does the loss change?",
        relu=wrong.by(lambda at, g: at.summed(g - at.right(g))),
    ),
    "clipped-activation-for-derivative": Mistake(
        "min(max(a, 0), 1) stands where the derivative belongs, which is 0 or 1.",
        "The relu is a straight line where its input is positive: how steep is it there?",
        relu=wrong.slope(lambda a, z: np.clip(a, 0.0, 1.0)),
    ),
    "relu-derivative-of-wrong-layer": Mistake(
        "The gradient is cut where another layer's input was negative.",
        "Which relu is passed here, and where was its input negative?",
        relu=wrong.of_wrong_layer,
    ),
    "relu-for-leaky-relu": Mistake(
        "The gradient is cut where the input was negative, and this relu leaks.",
        "Nudge a negative input: does the output stay as it is?",
        leaky_relu=wrong.rule(lambda a, z, slope: relu.rule(a, z)),
    ),
    "activation-for-derivative": Mistake(
        "The activation a stands where its derivative belongs.",
        "Where the activation is largest, how steep is it, and what do you multiply by there?",
        sigmoid=wrong.slope(lambda a, z: a),
        relu=wrong.slope(lambda a, z: a),
    ),
    # ---- roots, exponentials and the rest ----
    "root-not-inverted": Mistake(
        "The root multiplies, where it divides: the derivative is 1 / (2 sqrt(a)).",
        "The root grows ever more slowly: does your slope shrink?",
        sqrt=wrong.rule(lambda out, a: lambda g: 0.5 * g * out),
    ),
    "exponent-for-exp": Mistake(
        "The exponent stands where the exponential belongs.",
        "The exponential is never negative, and never flat: is your factor like that?",
        exp=wrong.slope(lambda out, a: a),
    ),
    "log-not-inverted": Mistake(
        "a stands where the derivative 1 / a belongs.",
        "The logarithm grows ever more slowly: does your slope shrink?",
        log=wrong.slope(lambda out, a: a),
    ),
    # a row of its own has what people use most
    "missing-derivative": Mistake(
        "The gradient passes this function unchanged: its derivative is left out.",
        FACTOR,
        anywhere=wrong.where(
            lambda at: wrong.is_function(at) and at.operation not in WITH_A_ROW, wrong.unchanged
        ),
    ),
}
