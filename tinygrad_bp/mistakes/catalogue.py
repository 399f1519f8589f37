"""The catalogue: the mistakes that people make, a table of wrong rules beside the right ones.

A row is a mistake: its name, what it is, how a learner can see it, and its wrong rule by the
operation that it belongs to, or ``anywhere``. A new mistake is a new row. Those at functions, such
as the softmax, are in `of_functions.py`; here are those at products, sums and powers, those that
can be made at any step, and those of the sweep itself.

Of mistakes that fit an answer equally well, the first in the catalogue is named first. So what
people do often comes early: a forgotten transpose, 1/m or term before the sign of one term.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

import numpy as np

from ..rules.models import conv2d
from . import wrong_rules as wrong
from .mistake import Duty, Fault, Mistake
from .of_functions import OF_FUNCTIONS
from .of_other_steps import OF_OTHER_STEPS
from .run import Place

#: Hints that several mistakes share.
SHAPE = "Compare the shape of your gradient with the shape of the quantity."
RATIO = "Nudge one entry. Does the loss change as fast as your gradient says?"
MEAN = "Write the loss out: is it a sum or a mean, and over how many terms?"

ROWS: dict[str, Mistake] = {
    **OF_FUNCTIONS,
    # ---- products of matrices ----
    "missing-transpose": Mistake(
        "A transpose is missing or was not undone (W g for W^T g), or there is one too many.",
        "Write one entry out as a sum over an index, and see which index it is.",
        None,
        "transposed-result",
        matmul=wrong.either(
            wrong.rule(lambda out, a, b: (lambda g: g @ b, lambda g: a @ g)),
            wrong.where(
                lambda at: len({*at.tensor.shape}) == 1 < at.tensor.ndim == 2,
                wrong.rule(lambda out, a, b: (lambda g: g.T @ b.T, lambda g: a.T @ g.T)),
            ),
        ),
        matrix_transpose=wrong.unchanged,
        transpose=wrong.unchanged,
    ),
    "transposed-outer-product": Mistake(
        "The product is transposed: a g^T for g a^T.",
        SHAPE,
        matmul=wrong.where(
            lambda at: at.leads_to_weight and at.input.ndim == 2, wrong.on_top(np.transpose)
        ),
    ),
    "elementwise-for-matrix-product": Mistake(
        "The factors were multiplied entry by entry, where a matrix product belongs.",
        "Each entry of the input reaches several outputs: a sum is needed.",
        matmul=wrong.either(
            wrong.rule(lambda out, a, b: (lambda g: g * b, lambda g: a * g)),
            wrong.rule(lambda out, a, b: (lambda g: g.T * b.T, lambda g: a.T * g.T)),
        ),
    ),
    "inner-for-outer-product": Mistake(
        "The product sums over the wrong axis: it is an inner one, where an outer one belongs.",
        SHAPE,
        None,
        "missing-transpose",
        matmul=wrong.inner_product,
    ),
    "missing-batch-sum": Mistake(
        "The sum over the batch is missing: the result still has an axis of samples.",
        SHAPE,
        matmul=wrong.unsummed_batch,
    ),
    # ---- convolutions ----
    "kernel-flip": Mistake(
        "The kernels are flipped where they should not be, or not flipped where they should be.",
        "Take one entry of the image: which entries of the kernel lay on it, and for which output?",
        conv2d=wrong.either(
            wrong.rule(
                lambda out, x, w, **how: (conv2d.rule(out, x, w[..., ::-1, ::-1], **how)[0], None)
            ),
            wrong.where(
                lambda at: at.edge.operand == 1, wrong.on_top(lambda g: g[..., ::-1, ::-1])
            ),
        ),
    ),
    # ---- sums, means and batches ----
    "mean-for-sum": Mistake(
        "There is a division by the number of samples, or of terms, and this step is a sum.",
        MEAN,
        sum=wrong.scaled(lambda at: at.tensor.size / at.input.size),
        anywhere=wrong.either(
            wrong.scaled(lambda at: 1.0 / at.run.batch),
            wrong.scaled(lambda at: at.input.size / at.tensor.size if at.is_broadcast else 1.0),
        ),
    ),
    "sum-for-mean": Mistake(
        "It was multiplied by the number of samples, or of terms, or a division by it was lost.",
        MEAN,
        None,
        "missing-factor",
        mean=wrong.scaled(lambda at: at.input.size / at.tensor.size),
        cross_entropy_with_probabilities=wrong.scaled(wrong.samples),
        mean_binary_cross_entropy=wrong.scaled(lambda at: at.input.size),
        anywhere=wrong.scaled(lambda at: at.run.batch),
    ),
    "one-sample-only": Mistake(
        "Only one term of the sum over the samples is there, as when a loop overwrites its result.",
        "Change another sample: your gradient has to change too.",
        anywhere=wrong.either(wrong.one_sample(0), wrong.one_sample(-1)),
    ),
    "sum-along-wrong-axis": Mistake(
        "The gradient was summed along the wrong axis: over the units, and not over the samples.",
        "Along which axis was the quantity repeated in the forward pass? Sum along that one.",
        anywhere=wrong.summed_along_other_axis,
    ),
    "summed-over-everything": Mistake(
        "The gradient was summed over everything: one number stands for all of the entries.",
        "Nudge one entry: which entries of the result change? Sum over those alone.",
        anywhere=wrong.where(
            lambda at: at.is_repeated and at.input.size > 1, wrong.summed_over_everything
        ),
    ),
    "broadcast-not-summed": Mistake(
        "The quantity was broadcast, and its gradient was not summed over the copies.",
        "How often was the quantity repeated in the forward pass? Each copy adds one term.",
        Duty("sums_copies", "a bias beside a batch"),
        anywhere=wrong.where(lambda at: at.is_broadcast, wrong.not_summed),
    ),
    "overwritten-contribution": Mistake(
        "The quantity is used more than once, and one contribution was written over another.",
        "Count the places in which the quantity is used: each adds one term.",
        Duty("adds_up", "a weight that is used twice"),
        "wrong-sign",
        anywhere=wrong.where(lambda at: len(at.uses) > 1, wrong.nothing),
    ),
    "without-topological-order": Mistake(
        "Gradients are passed on first come, first served: what arrives late is not passed on.",
        "A value is used twice: which use does the sweep reach first, and which last?",
        Duty("in_order", "a shortcut past several steps"),
    ),
    # ---- arithmetic ----
    "own-factor": Mistake(
        "The factor itself stands where the other factor belongs.",
        "Nudge one factor: what is the change in the product proportional to?",
        multiply=wrong.rule(lambda out, a, b: (lambda g: g * a, lambda g: g * b)),
    ),
    "sum-for-product": Mistake(
        "The derivative was added to the upstream gradient, and the chain rule multiplies by it.",
        "Make the upstream gradient zero: yours has to be zero too.",
        anywhere=wrong.sum_for_product,
    ),
    "missing-factor": Mistake(
        "The gradient passes the step unchanged: the other factor, or the divisor, is left out.",
        "Change the other factor, or the divisor: your gradient has to change too.",
        multiply=wrong.unchanged,
        divide=wrong.where(lambda at: at.edge.operand == 0, wrong.unchanged),
    ),
    "divisor-not-squared": Mistake(
        "The square is lost: the derivative of a / b by b is -a / b^2.",
        "Double the divisor: by which factor does the slope shrink?",
        divide=wrong.rule(lambda out, a, b: (None, lambda g: -g * a / b)),
        reciprocal=wrong.rule(lambda out, a: lambda g: -g / a),
    ),
    "exponent-not-lowered": Mistake(
        "The exponent was not lowered by one: n a^n for n a^(n-1).",
        "Double a: by which factor does the slope grow?",
        power=wrong.rule(lambda out, a, n: (lambda g: g * n * a**n, None)),
        square=wrong.rule(lambda out, a: lambda g: g * 2.0 * a * a),
        square_sum=wrong.rule(lambda out, a: lambda g: g * 2.0 * a * a),
    ),
    "lost-exponent": Mistake(
        "The exponent is lost as a factor: a^(n-1) for n a^(n-1).",
        "Differentiate a^3 by the product rule, and count the terms.",
        power=wrong.rule(lambda out, a, n: (lambda g: g * a ** (n - 1), None)),
    ),
    # ---- what can be made at any step ----
    "wrong-sign": Mistake(
        "The sign is wrong: a minus was lost, or one too many was written.",
        "Nudge one entry and watch the loss: does it rise or fall as your sign says?",
        anywhere=wrong.on_top(np.negative),
    ),
    "lost-factor-2": Mistake(
        "A factor 2 was lost: what this step contributes is half of what it should be.",
        RATIO,
        anywhere=wrong.on_top(lambda contribution: contribution * 0.5),
    ),
    "extra-factor-2": Mistake(
        "There is a factor 2 too many: what this step contributes is twice what it should be.",
        RATIO,
        anywhere=wrong.on_top(lambda contribution: contribution * 2.0),
    ),
    "constant-factor": Mistake(
        "Every answer is multiplied by a constant that does not belong there.",
        RATIO,
    ),
    "wrong-upstream": Mistake(
        "The upstream gradient is another quantity's, not that of the step's own output.",
        "The chain rule multiplies by the gradient of this step's output. Which one is that?",
        anywhere=wrong.wrong_upstream,
    ),
    "wrong-activation": Mistake(
        "The product is with another layer's values, not with what this step multiplied by.",
        "Look up what stood beside the quantity in the forward pass: that is the other factor.",
        matmul=wrong.replaced_factor(weights=False),
        multiply=wrong.replaced_factor(weights=False),
    ),
    "wrong-weights": Mistake(
        "The product is with another layer's weights, not with those of this step.",
        "Look up which weights the quantity was multiplied by in the forward pass.",
        matmul=wrong.replaced_factor(weights=True),
        multiply=wrong.replaced_factor(weights=True),
    ),
    "matrix-for-elementwise-product": Mistake(
        "A matrix product was taken where the factors are multiplied entry by entry.",
        "The operation acts on each entry alone: entry i of the result needs only entry i of g.",
        anywhere=wrong.matrix_for_entrywise,
    ),
    "flattened-gradient": Mistake(
        "The entries lie in one axis. Beside a column, NumPy broadcasts such a vector to a matrix.",
        SHAPE,
        anywhere=wrong.where(
            lambda at: 1 in at.input.shape and at.input.ndim > 1, wrong.on_top(np.ravel)
        ),
    ),
    "transposed-result": Mistake(
        "The result is transposed: a row stands for a column, or a column for a row.",
        SHAPE,
        anywhere=wrong.where(wrong.is_turned_by_transposing, wrong.on_top(np.transpose)),
    ),
}

ROWS |= OF_OTHER_STEPS
for name, mistake in ROWS.items():
    mistake.name = name
CATALOGUE = tuple(ROWS.values())


def named(name: str) -> Mistake:
    if name not in ROWS:
        begun = [row for row in ROWS if name and row.startswith(name)]
        close = begun or get_close_matches(name, ROWS)
        hint = f"Is {close[0]} meant?" if close else "tinygrad-bp inject --list shows them all."
        raise ValueError(f"there is no mistake {name!r}. {hint}")
    return ROWS[name]


def rank(mistake: Mistake) -> int:
    # of what fits equally well, the catalogue has first what people do
    return CATALOGUE.index(mistake)


def find_faults(place: Place) -> Iterator[Fault]:
    for mistake in CATALOGUE:
        for k, made in enumerate(mistake.at(place)):
            yield Fault(mistake, made.detail, (place.edge,), k)
