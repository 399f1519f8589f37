"""Sums in a formula: over letters of indices, over axes, over the steps of time."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

import numpy as np

from ..notation.trees import call, shaped
from . import tree as t
from .meaning import Meaning, Reading
from .refs import NeedsLayerError
from .shown import sum_over
from .values import NotReadError, UnknownNameError, Value, paired


class Sums(Meaning):
    """Reads sums too."""

    def read_Summation(self, tree: t.Summation) -> list[Reading]:
        try:
            self.note_ranges(tree.of)
            return self.sums(tree)
        except NeedsLayerError as needs:
            if [r.letter for r in tree.ranges] != [needs.letter]:
                raise
            return self.over_layers(tree, needs.letter)

    def over_layers(self, tree: t.Summation, letter: str) -> list[Reading]:
        """Sum over the steps of time, or the layers, at which there is everything."""
        first, last = tree.ranges[0].first, tree.ranges[0].last
        terms: list[list[Reading]] = []
        for n in self.network.layers:
            if (first is None or n >= first) and (not isinstance(last, int) or n <= last):
                with self.symbols.layer_is(letter, n), suppress(UnknownNameError):
                    known, self.known = self.known, {}
                    try:
                        terms.append(self.readings(tree.of))
                    finally:
                        self.known = known
        if not terms:
            raise nothing_has(letter)
        found = terms[0]
        for more in terms[1:]:
            found = self.combined(self.plus, found, more)
        return found

    def sums(self, tree: t.Summation) -> list[Reading]:
        found = []
        for reading in self.readings(tree.of):
            if tree.axes:
                found.append(self.summed(reading, tree.axes, keep=True))
                # of a sum over an axis, that axis may be gone; and a vector may have but one
                is_vector = {reading.value.core[axis % 2] for axis in tree.axes} == {1}
                if reading.value.repeats or is_vector:
                    found.append(self.summed(reading, (0, 1), keep=False))
            elif tree.ranges:
                found.append(self.over(reading, tree.ranges))
            else:
                found += self.over_something(reading)
        return found

    def summed(self, reading: Reading, axes: tuple[int, ...], keep: bool) -> Reading:
        if reading.value.labels or len(reading.value.core) != 2:
            raise NotReadError("a sum over an axis of single entries")
        over = tuple(axis % 2 - 2 for axis in axes)
        v = reading.value.mapped(lambda d: d.sum(axis=over, keepdims=keep)).flat
        axis = axes[0] if len(axes) == 1 else None
        tree = shaped(call("np.sum", reading.tree, axis=axis), v.core)
        return Reading(replace(v, repeats=keep), reading.notes, tree)

    def over(self, reading: Reading, ranges: Iterable[t.Range]) -> Reading:
        v, notes, tree = reading
        for r in ranges:
            if r.letter not in v.labels and v.core and self.network.samples:
                v = self.over_samples(Reading(v, notes, tree), r)
                tree = sum_over((r.letter,), tree)
                notes |= {f"the index {r.letter} of the samples is not written"}
                continue
            if r.letter not in v.labels:
                raise nothing_has(r.letter)
            size = v.data[0].shape[v.labels.index(r.letter)]
            if isinstance(r.last, int) and r.last != size - (r.first == 0):
                raise NotReadError(f"a sum to {r.last}, where {r.letter} goes over {size} entries")
            letters = r.letter
            if r.unequal is not None:
                where = self.symbols.same_index(r.letter, r.unequal).mapped(lambda d: 1.0 - d)
                v, letters = paired(v, where, np.multiply), f"{r.letter} ≠ {r.unequal}"
            v, tree = v.summed([r.letter]), sum_over((letters,), tree)
        return Reading(v, notes, tree)

    def over_samples(self, reading: Reading, r: t.Range) -> Value:
        """Sum over the samples, where the index of a sum is not written at what is summed."""
        axis, n = self.network.samples or (0, 1)
        if reading.value.core[axis] != n or n == 1 or r.unequal is not None:
            raise nothing_has(r.letter)
        axis = axis if self.symbols.is_sample(r.letter) else 1 - axis
        return self.summed(reading, (axis,), keep=True).value

    def over_something(self, reading: Reading) -> list[Reading]:
        # it is not written what the sum goes over
        v = reading.value
        free = tuple(label for label in v.labels if label not in self.left_labels)
        if free:
            notes = reading.notes | {f"the sum goes over {', '.join(free)}"}
            return [Reading(v.summed(free), notes, sum_over(free, reading.tree))]
        sums = [self.summed(reading, axes, len(axes) == 1) for axes in ((0,), (1,), (0, 1))]
        return [s._replace(notes=s.notes | {"a sum without an index"}) for s in sums]


def nothing_has(letter: str) -> NotReadError:
    return NotReadError(f"a sum over {letter}, and nothing in it has that index")
