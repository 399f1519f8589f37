"""A formula about one sample of a batch, against a gradient of the loss of all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from itertools import product

import numpy as np

from . import tree as t
from .assumptions import OF_MEAN
from .meaning import Reading
from .names import spellings
from .refs import EACH, LAYERS
from .symbols import Symbols
from .target import Verdict
from .values import NotReadError, Value

#: Why a line is neither right nor wrong if it is right of one sample in a document about all.
LOST = "the document has an index for the samples, and here it is lost, or one sample is meant"

UNSURE = "it is of one sample, and whether the loss is a sum or a mean cannot be told"


def of_one_sample(symbols: Symbols, truth: Value, readings: Sequence[Reading]) -> Verdict:
    """Judge what one sample adds to the loss: by the sum, or if the loss is a mean, the mean.

    What is made of gradients of the mean loss has its share already, and is summed.
    """
    assumptions, network = symbols.assumptions, symbols.network
    if not network.batch:
        raise NotReadError("a formula about one sample, perhaps")
    asked = assumptions.asked.get("a gradient")
    if asked is None and assumptions.confirmed.get("a gradient") == OF_MEAN:
        raise NotReadError("a formula about one sample, and gradients are of the mean loss")
    share = 1 / network.batch if network.is_mean and asked != OF_MEAN else 1.0
    shares = (share,) if network.is_mean is not None else (1.0, 1 / network.batch)
    for r, each in product(readings, shares):
        total = r.value.summed([EACH])
        if set(total.labels) - set(truth.labels):
            continue
        found = fitted(r._replace(value=total.mapped(partial(np.multiply, each))), truth)
        if found.value.equals(truth):
            if symbols.indexes_samples or len(shares) > 1:
                reason = LOST if symbols.indexes_samples else UNSURE
                return Verdict("not compared", reason, r.notes, r.tree)
            return Verdict("right", "", r.notes | {"of one sample"}, r.tree)
    raise NotReadError("a formula about one sample, and the left side is about all")


def is_small(symbols: Symbols, line: t.WrittenLine, of_all: Collection[str]) -> bool:
    """Whether a line, or the document, has x, and the problem X: one sample, perhaps."""
    keys = symbols.network.keys.items()
    large = {key.base for key, name in keys if symbols.network.has_samples(name)}
    for bases in ({name.base for name in t.names_in(line)}, of_all):
        if found := {base for base in bases if base.upper() in large}:
            return not found & large
    return False


def has_index_of_samples(symbols: Symbols, lines: Sequence[t.WrittenLine]) -> bool:
    """Whether a document writes (i) for a sample."""
    return any(
        s.sample is not None
        and s.sample.name not in LAYERS | symbols.of_layers
        and symbols.lookup(s.key) not in (None, symbols.network.loss)
        for name in t.names_in(tuple(lines))
        for s in spellings(name)
    )


def sums_over_samples(symbols: Symbols, line: t.WrittenLine) -> bool:
    ranges, batch = symbols.ranges, symbols.network.batch
    sums = t.sums_in(line.rights)
    letters = (r.letter for total in sums for r in total.ranges)
    return any(total.axes for total in sums) or any(ranges.get(x) == batch for x in letters)


def fitted(reading: Reading, truth: Value) -> Reading:
    """Give a value an axis for every letter of the left side, and a number its axes."""
    v = reading.value
    if v.core == (1, 1) and truth.core == ():
        v = v.flat
    if v.core == () and truth.core == (1, 1):
        v = v.mapped(lambda d: d[..., None, None])
    is_filled = v.is_constant and v.core == ()
    if v.core != truth.core and not is_filled:
        return reading._replace(value=v)
    data = [
        np.broadcast_to(d.reshape(d.shape + (1,) * (t.ndim - d.ndim)), t.shape)
        for d, t in zip(v.spread(truth.labels), truth.data, strict=True)
    ]
    return reading._replace(value=Value(truth.labels, tuple(data), v.is_constant))
