"""The catalogue: the mistakes that people make, a table of wrong rules beside the right ones.

A row is a mistake: its name, what it is, how a learner can see it, and its wrong rule by the
operation that it belongs to, or ``anywhere``. A new mistake is a new row. In the rules the names
are those of the rule table: g is the upstream gradient, and a or p what the operation computed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..rules import reductions
from ..rules.activations import relu, sigmoid, softmax
from ..rules.elementwise import tanh
from ..rules.models import conv2d
from .mistakes import Fault, Mistake
from .planted import Place
from .wrong_rules import (
    applied,
    batch,
    classes,
    copies,
    cross_entropy_shortcut,
    either,
    entries,
    flipped,
    is_turned_by_transposing,
    jacobian,
    lost,
    matrix_for_elementwise,
    not_summed,
    of_wrong_layer,
    on_top,
    one_sample,
    other_axis,
    passed_softmax,
    replaced_factor,
    rule,
    samples,
    scaled,
    slope,
    terms,
    to_logits,
    twice,
    unchanged,
    unsummed_batch,
    where,
    wrong_upstream,
)

#: The operations that act on each entry alone.
ELEMENTWISE = {
    *("multiply", "divide", "power", "square", "sqrt", "reciprocal", "exp", "log", "sin", "cos"),
    *("sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "log_sigmoid"),
}

#: The operations that are products.
PRODUCTS = {"matmul", "multiply"}

CATALOGUE: tuple[Mistake, ...] = (
    # ---- the softmax ----
    Mistake(
        "softmax-diagonal",
        "Only the diagonal of the softmax Jacobian is kept: a_i (1 - a_i), and zero for i != j.",
        "Every output of a softmax depends on every input: the Jacobian is a full matrix.",
        softmax=jacobian(diagonal=1.0, rest=0.0),
    ),
    Mistake(
        "softmax-off-diagonal",
        "Only the entries off the diagonal of the softmax Jacobian are kept: -a_i a_j, and zero "
        "for i = j.",
        "The cases i = j and i != j are two terms of one sum, not alternatives.",
        softmax=jacobian(diagonal=0.0, rest=1.0),
    ),
    Mistake(
        "softmax-wrong-sign",
        "The entries off the diagonal of the softmax Jacobian have the wrong sign: a_i a_j for "
        "-a_i a_j.",
        "The outputs sum to 1, so when one rises, what do the others do?",
        softmax=jacobian(diagonal=1.0, rest=-1.0),
    ),
    Mistake(
        "softmax-lost-square",
        "The softmax was differentiated as if its denominator were constant: a_i for the whole "
        "Jacobian.",
        "The denominator depends on the input too: use the quotient rule.",
        softmax=rule(lambda p, z, axis: lambda g: p * g),
    ),
    Mistake(
        "softmax-at-pre-activation",
        "The softmax Jacobian is written in the outputs a, and the inputs z were put in.",
        "The entries of the Jacobian are made of probabilities: are yours between 0 and 1?",
        softmax=rule(lambda p, z, axis: softmax.rule(z, z, axis=axis)),
    ),
    Mistake(
        "cross-entropy-shortcut",
        "y_hat - y is the gradient for the cross-entropy loss, and this loss is the squared error.",
        "Which loss does the rule that you remember belong to?",
        softmax=cross_entropy_shortcut,
    ),
    Mistake(
        "missing-softmax-derivative",
        "The gradient passes the softmax, or its logarithm, unchanged: the Jacobian is left out.",
        "Add the same number to every input: the loss stays, so the entries must sum to zero.",
        softmax=unchanged,
        log_softmax=unchanged,
    ),
    Mistake(
        "log-softmax-diagonal",
        "Only the diagonal of the Jacobian of the log-softmax is kept: 1 - p_i, and zero for "
        "i != j.",
        "Every output of a softmax depends on every input: the Jacobian is a full matrix.",
        log_softmax=rule(lambda out, z, axis: lambda g: g - np.exp(out) * g),
    ),
    Mistake(
        "softmax-for-log-softmax",
        "The Jacobian is that of the softmax, and this is its logarithm.",
        "Derive the logarithm of a softmax once by itself: which factor does it take away?",
        log_softmax=rule(lambda out, z, axis: softmax.rule(np.exp(out), z, axis=axis)),
    ),
    Mistake(
        "logsumexp-without-softmax",
        "The gradient goes to every entry alike: the softmax that shares it out is left out.",
        "Add 1 to every entry: the result rises by 1, so the shares must sum to 1.",
        logsumexp=rule(reductions.sum.rule),
    ),
    Mistake(
        "maximum-shared-out",
        "The gradient goes to every entry, all of it or an equal part, and only the largest entry "
        "counts.",
        "Nudge an entry that is not the largest: does the result change?",
        max=either(rule(reductions.sum.rule), rule(reductions.mean.rule)),
    ),
    # ---- losses with a softmax or a sigmoid in them ----
    Mistake(
        "missing-softmax",
        "The scores stand where the probabilities belong: z - y for softmax(z) - y.",
        "Add the same number to every score: the loss stays, so the entries must sum to zero.",
        cross_entropy_with_probabilities=to_logits(
            lambda place, z, y: lambda g: g / samples(place) * (z - y)
        ),
    ),
    Mistake(
        "missing-target",
        "The target is not subtracted: softmax(z) for softmax(z) - y.",
        "Where the prediction is perfect, the gradient must be zero.",
        cross_entropy_with_probabilities=to_logits(
            lambda place, z, y: lambda g: place.right(g) + g / samples(place) * y
        ),
    ),
    Mistake(
        "right-class-only",
        "Only the entry of the right class is there: the other scores lower the loss too, through "
        "the denominator.",
        "Raise the score of a wrong class: does the loss stay as it is?",
        cross_entropy_with_probabilities=to_logits(
            lambda place, z, y: lambda g: place.right(g) * y
        ),
    ),
    Mistake(
        "softmax-twice",
        "softmax(z) - y holds the softmax's Jacobian already, and it was multiplied by again.",
        "Derive softmax(z) - y once from the logarithm, and see where the Jacobian went.",
        cross_entropy_with_probabilities=to_logits(
            lambda place, z, y: lambda g: passed_softmax(place, z, place.right(g))
        ),
    ),
    Mistake(
        "softmax-along-wrong-axis",
        "The softmax was taken along the axis of the samples, not along that of the classes.",
        "The probabilities of one sample sum to 1: along which axis do yours?",
        cross_entropy_with_probabilities=other_axis,
    ),
    Mistake(
        "sigmoid-twice",
        "sigmoid(z) - y holds the sigmoid's derivative already, and it was multiplied by again.",
        "Derive sigmoid(z) - y once from the logarithm, and see where a (1 - a) went.",
        binary_cross_entropy_with_logits=to_logits(
            lambda place, z, y: lambda g: applied(sigmoid, place.right(g), sigmoid(z), z)
        ),
    ),
    Mistake(
        "missing-sigmoid",
        "The scores stand where the probabilities belong: z - y for sigmoid(z) - y.",
        "A probability lies between 0 and 1: does what you subtract y from?",
        binary_cross_entropy_with_logits=to_logits(
            lambda place, z, y: lambda g: g / z.size * (z - y)
        ),
    ),
    # ---- the sigmoid ----
    Mistake(
        "missing-sigmoid-derivative",
        "The gradient passes the sigmoid unchanged: its derivative a (1 - a) is left out.",
        "Every operation of the forward pass leaves a factor: is there one for this?",
        sigmoid=unchanged,
    ),
    Mistake(
        "sigmoid-derivative-at-pre-activation",
        "The derivative a (1 - a) is written in the output a, and the input z was put in: "
        "z (1 - z).",
        "The slope of a sigmoid is never above 1/4, and never negative: is yours?",
        sigmoid=rule(lambda a, z: sigmoid.rule(z, z)),
    ),
    Mistake(
        "sigmoid-derivative-of-activation",
        "The sigmoid was applied once more: the derivative is taken at a, not at z.",
        "Does your function for the derivative expect z or a, and which was it given?",
        sigmoid=rule(lambda a, z: sigmoid.rule(sigmoid(a), a)),
    ),
    Mistake(
        "squared-sigmoid-derivative",
        "The derivative a (1 - a) is there twice.",
        "How many sigmoids are on the way, and how many factors did you write for them?",
        sigmoid=twice,
    ),
    Mistake(
        "lost-activation-factor",
        "1 - a stands where the derivative a (1 - a) belongs.",
        "Where the sigmoid saturates at 0, its slope is 0: is yours?",
        sigmoid=slope(lambda a, z: 1.0 - a),
    ),
    Mistake(
        "sigmoid-wrong-sign",
        "a (1 + a) stands where the derivative a (1 - a) belongs.",
        "Where the sigmoid saturates at 1, its slope is 0: is yours?",
        sigmoid=slope(lambda a, z: a * (1.0 + a)),
    ),
    Mistake(
        "tanh-derivative",
        "1 - a^2 is the derivative of tanh, and this is a sigmoid.",
        "The slope of a sigmoid is never above 1/4: is yours?",
        sigmoid=rule(lambda a, z: tanh.rule(a, z)),
    ),
    Mistake(
        "sigmoid-derivative-of-wrong-layer",
        "The derivative a (1 - a) is taken with another layer's activation.",
        "Which sigmoid is passed here, and what did it give?",
        sigmoid=of_wrong_layer,
    ),
    # ---- tanh ----
    Mistake(
        "missing-tanh-derivative",
        "The gradient passes the tanh unchanged: its derivative 1 - a^2 is left out.",
        "Every operation of the forward pass leaves a factor: is there one for this?",
        tanh=unchanged,
    ),
    Mistake(
        "tanh-derivative-at-pre-activation",
        "The derivative 1 - a^2 is written in the output a, and the input z was put in.",
        "The slope of tanh is never negative: is yours?",
        tanh=rule(lambda a, z: tanh.rule(z, z)),
    ),
    Mistake(
        "tanh-derivative-of-activation",
        "The tanh was applied once more: the derivative is taken at a, not at z.",
        "Does your function for the derivative expect z or a, and which was it given?",
        tanh=rule(lambda a, z: tanh.rule(np.tanh(a), a)),
    ),
    Mistake(
        "tanh-lost-square",
        "1 - a stands where the derivative 1 - a^2 belongs.",
        "The slope of tanh is the same at z and at -z: is yours?",
        tanh=slope(lambda a, z: 1.0 - a),
    ),
    Mistake(
        "squared-tanh-derivative",
        "The derivative 1 - a^2 is there twice.",
        "How many tanhs are on the way, and how many factors did you write for them?",
        tanh=twice,
    ),
    Mistake(
        "sigmoid-derivative",
        "a (1 - a) is the derivative of the sigmoid, and this is a tanh.",
        "The slope of tanh at 0 is 1: is yours?",
        tanh=rule(lambda a, z: sigmoid.rule(a, z)),
    ),
    Mistake(
        "tanh-derivative-of-wrong-layer",
        "The derivative 1 - a^2 is taken with another layer's activation.",
        "Which tanh is passed here, and what did it give?",
        tanh=of_wrong_layer,
    ),
    # ---- relu, and what activations share ----
    Mistake(
        "missing-relu-derivative",
        "The gradient passes the relu unchanged: its slope where the input was negative is left "
        "out.",
        "Nudge a negative input: by how much does the output change?",
        relu=unchanged,
        leaky_relu=unchanged,
    ),
    Mistake(
        "relu-of-gradient",
        "The relu was applied to the gradient: what counts is the sign of the forward input, not "
        "that of the gradient.",
        "Can a negative gradient pass your step? It should, where the input was positive.",
        relu=rule(lambda a, z: relu),
    ),
    Mistake(
        "inverted-relu-derivative",
        "The gradient passes where the input was negative, and is cut where it was positive.",
        "Nudge an input that the relu cut off: does the loss change?",
        relu=lambda place: rule(lambda a, z: lambda g: g - place.right(g))(place),
    ),
    Mistake(
        "relu-derivative-of-wrong-layer",
        "The gradient is cut where another layer's input was negative.",
        "Which relu is passed here, and where was its input negative?",
        relu=of_wrong_layer,
    ),
    Mistake(
        "relu-for-leaky-relu",
        "The gradient is cut where the input was negative, and this relu leaks.",
        "Nudge a negative input: does the output stay as it is?",
        leaky_relu=rule(lambda a, z, slope: relu.rule(a, z)),
    ),
    Mistake(
        "activation-for-derivative",
        "The activation a stands where its derivative belongs.",
        "Where the activation is largest, how steep is it, and what do you multiply by there?",
        sigmoid=slope(lambda a, z: a),
        relu=slope(lambda a, z: a),
    ),
    Mistake(
        "missing-derivative",
        "The gradient passes this function unchanged: its derivative is left out.",
        "Every operation of the forward pass leaves a factor: is there one for this?",
        **dict.fromkeys(
            ("sqrt", "reciprocal", "sin", "cos", "elu", "gelu", "silu", "softplus", "log_sigmoid"),
            unchanged,
        ),
    ),
    # ---- products of matrices ----
    Mistake(
        "missing-transpose",
        "A transpose is missing: W g for W^T g, g a for g a^T, or a gradient that was not "
        "transposed back.",
        "Write one entry out as a sum over an index, and see which index it is.",
        matmul=rule(lambda out, a, b: (lambda g: g @ b, lambda g: a @ g)),
        matrix_transpose=unchanged,
        transpose=unchanged,
    ),
    Mistake(
        "transposed-outer-product",
        "The product is transposed: a g^T for g a^T.",
        "Compare the shape of your gradient with the shape of the quantity.",
        matmul=where(
            lambda place: place.leads_to_weight and place.input.ndim == 2, on_top(np.transpose)
        ),
    ),
    Mistake(
        "elementwise-for-matrix-product",
        "The factors were multiplied entry by entry, where a matrix product belongs.",
        "Each entry of the input reaches several outputs: a sum is needed.",
        matmul=either(
            rule(lambda out, a, b: (lambda g: g * b, lambda g: a * g)),
            rule(lambda out, a, b: (lambda g: g.T * b.T, lambda g: a.T * g.T)),
        ),
    ),
    Mistake(
        "missing-batch-sum",
        "The sum over the batch is missing: the result still has an axis of samples.",
        "Compare the shape of your gradient with the shape of the quantity.",
        matmul=unsummed_batch,
    ),
    # ---- convolutions ----
    Mistake(
        "kernel-flip",
        "The kernels are the wrong way round: flipped where they are not, or not where they are.",
        "Take one entry of the image: which entries of the kernel lay on it, and for which output?",
        conv2d=either(
            where(
                lambda place: place.edge.operand == 0,
                rule(lambda out, x, w, **settings: conv2d.rule(out, x, flipped(w), **settings)),
            ),
            where(lambda place: place.edge.operand == 1, on_top(flipped)),
        ),
    ),
    # ---- arithmetic ----
    Mistake(
        "own-factor",
        "The factor itself stands where the other factor belongs.",
        "Nudge one factor: by what is the change of the product multiplied?",
        multiply=rule(lambda out, a, b: (lambda g: g * a, lambda g: g * b)),
    ),
    Mistake(
        "missing-factor",
        "The gradient passes the product unchanged: the other factor is left out.",
        "Double the other factor: your gradient has to double too.",
        multiply=unchanged,
    ),
    Mistake(
        "divisor-not-squared",
        "The derivative of a / b by b is -a / b^2, and the square is lost.",
        "Double the divisor: by which factor does the slope shrink?",
        divide=rule(lambda out, a, b: (None, lambda g: -g * a / b)),
        reciprocal=rule(lambda out, a: lambda g: -g / a),
    ),
    Mistake(
        "exponent-not-lowered",
        "The exponent was not lowered by one: n a^n for n a^(n-1).",
        "Double a: by which factor does the slope grow?",
        power=rule(lambda out, a, n: (lambda g: g * n * a**n, None)),
        square=rule(lambda out, a: lambda g: g * 2.0 * a * a),
        square_sum=rule(lambda out, a: lambda g: g * 2.0 * a * a),
    ),
    Mistake(
        "lost-exponent",
        "The exponent is lost as a factor: a^(n-1) for n a^(n-1).",
        "Differentiate a^3 by the product rule, and count the terms.",
        power=rule(lambda out, a, n: (lambda g: g * a ** (n - 1), None)),
    ),
    Mistake(
        "root-not-inverted",
        "The root multiplies, where it divides: the derivative is 1 / (2 sqrt(a)).",
        "The root grows ever more slowly: does your slope shrink?",
        sqrt=rule(lambda out, a: lambda g: 0.5 * g * out),
    ),
    Mistake(
        "missing-exp-derivative",
        "The gradient passes the exponential unchanged: its derivative is left out.",
        "Every operation of the forward pass leaves a factor: is there one for this?",
        exp=unchanged,
    ),
    Mistake(
        "exponent-for-exp",
        "The exponent stands where the exponential belongs.",
        "The exponential is never negative, and never flat: is your factor like that?",
        exp=slope(lambda out, a: a),
    ),
    Mistake(
        "missing-log-derivative",
        "The gradient passes the logarithm unchanged: its derivative 1 / a is left out.",
        "Every operation of the forward pass leaves a factor: is there one for this?",
        log=unchanged,
    ),
    Mistake(
        "log-not-inverted",
        "a stands where the derivative 1 / a belongs.",
        "The logarithm grows ever more slowly: does your slope shrink?",
        log=slope(lambda out, a: a),
    ),
    # ---- sums, means and batches ----
    Mistake(
        "mean-for-sum",
        "It was divided by the number of samples, or of terms, and this step is a sum of them.",
        "Nudge one entry, and compare the change of the loss with yours: what is their ratio?",
        sum=scaled(lambda place: 1.0 / terms(place)),
        anywhere=either(
            scaled(lambda place: 1.0 / batch(place)),
            where(lambda place: place.is_broadcast, scaled(lambda place: 1.0 / copies(place))),
        ),
    ),
    Mistake(
        "sum-for-mean",
        "It was multiplied by the number of samples, or of terms, or a division by it was lost.",
        "Nudge one entry, and compare the change of the loss with yours: what is their ratio?",
        mean=scaled(terms),
        cross_entropy_with_probabilities=scaled(samples),
        binary_cross_entropy_with_logits=scaled(entries),
        anywhere=scaled(batch),
    ),
    Mistake(
        "mean-over-everything",
        "It was divided by the number of entries, and this loss does not divide by that.",
        "Write the loss of one sample out: is there a division in it?",
        square_sum=scaled(lambda place: 1.0 / entries(place)),
        cross_entropy_with_probabilities=scaled(lambda place: 1.0 / classes(place)),
    ),
    Mistake(
        "one-sample-only",
        "Of a sum over the samples, one sample's term alone is there, as when a loop writes over "
        "its result instead of adding to it.",
        "Change another sample: your gradient has to change too.",
        anywhere=either(one_sample(0), one_sample(-1)),
    ),
    Mistake(
        "broadcast-not-summed",
        "The quantity was broadcast, and its gradient was not summed over the copies.",
        "Compare the shape of your gradient with the shape of the quantity.",
        anywhere=where(lambda place: place.is_broadcast, not_summed),
    ),
    Mistake(
        "overwritten-contribution",
        "The quantity is used more than once, and a contribution was lost: written over another, "
        "where the two are added.",
        "Count the places in which the quantity is used: each adds one term.",
        anywhere=where(lambda place: len(place.uses) > 1, lost),
    ),
    # ---- what can be made at any step ----
    Mistake(
        "wrong-sign",
        "The sign is wrong: a minus was lost, or one too many was written.",
        "Nudge one entry and watch the loss: does it rise or fall as your sign says?",
        anywhere=on_top(np.negative),
    ),
    Mistake(
        "lost-factor-2",
        "A factor 2 was lost: the result is half of what it should be.",
        "Nudge one entry, and compare the change of the loss with yours: what is their ratio?",
        anywhere=on_top(lambda contribution: contribution * 0.5),
    ),
    Mistake(
        "extra-factor-2",
        "There is a factor 2 too many: the result is twice what it should be.",
        "Nudge one entry, and compare the change of the loss with yours: what is their ratio?",
        anywhere=on_top(lambda contribution: contribution * 2.0),
    ),
    Mistake(
        "wrong-upstream",
        "The upstream gradient is another quantity's, not that of the step's own output.",
        "Write down which gradient the chain rule multiplies by here: that of what is computed.",
        anywhere=wrong_upstream,
    ),
    Mistake(
        "wrong-activation",
        "The product is with another layer's values, not with what this step multiplied by.",
        "Look up what stood beside the quantity in the forward pass: that is the other factor.",
        anywhere=where(lambda place: place.operation in PRODUCTS, replaced_factor(weights=False)),
    ),
    Mistake(
        "wrong-weights",
        "The product is with another layer's weights, not with those of this step.",
        "Look up which weights the quantity was multiplied by in the forward pass.",
        anywhere=where(lambda place: place.operation in PRODUCTS, replaced_factor(weights=True)),
    ),
    Mistake(
        "matrix-for-elementwise-product",
        "A matrix product was taken where the factors are multiplied entry by entry.",
        "The operation acts on each entry alone: entry i of the result needs only entry i of g.",
        anywhere=where(lambda place: place.operation in ELEMENTWISE, matrix_for_elementwise),
    ),
    Mistake(
        "flattened-gradient",
        "The entries lie along one axis, and the quantity has more. Beside a column, NumPy "
        "broadcasts such a vector to a matrix.",
        "Compare the shape of your gradient with the shape of the quantity.",
        anywhere=where(
            lambda place: 1 in place.input.shape and place.input.ndim > 1, on_top(np.ravel)
        ),
    ),
    Mistake(
        "transposed-result",
        "The result is transposed: a row stands for a column, or a column for a row.",
        "Compare the shape of your gradient with the shape of the quantity.",
        anywhere=where(is_turned_by_transposing, on_top(np.transpose)),
    ),
)


def faults_at(place: Place) -> Iterator[Fault]:
    """Return every fault that the catalogue has for an edge."""
    for mistake in CATALOGUE:
        for k, wrong in enumerate(mistake.at(place)):
            yield Fault(mistake, (place.edge,), k, wrong.detail)


def called(name: str) -> Mistake:
    """Return the mistake of a name."""
    return next(mistake for mistake in CATALOGUE if mistake.name == name)
