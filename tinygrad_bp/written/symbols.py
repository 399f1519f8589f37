"""The values of names: of quantities, gradients and the document's own, with letters as axes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from .assumptions import NOTHING, OF_LOSS, OF_MEAN, PER_SAMPLE
from .names import key_of, key_text, said
from .network import Arrays
from .refs import EACH, Ref, Refs
from .values import DoesNotFitError, NotReadError, Value, value


class Symbols(Refs):
    def value(self, ref: Ref, of_truth: bool = False) -> Value:
        """Return the value of what a name stands for, with letters of indices as axes."""
        network = self.network
        if ref.kind == "size":
            return value([float(ref.name)] * len(network.runs), is_constant=True)
        if ref.kind == "kronecker":
            return self.same_index(*map(str, ref.entries))
        if ref.kind == "defined":
            known = self.argument[1] if not ref.name and self.argument else self.of_key(ref.name)
            if set(known.labels) - {EACH}:
                raise NotReadError(
                    "a name that was defined entry by entry stands for a whole array"
                )
            found = known if known.labels else self.indexed(list(known.data), ref)
            found = replace(found, is_constant=known.is_constant)
        elif ref.kind == "gradient":
            found = self.indexed(self.gradient(ref, of_truth), ref)
        else:
            found = self.indexed(network.matrices(network.values[ref.name]), ref)
        found = found.transposed if ref.transposed else found
        return found.mapped(lambda d: d**ref.power) if ref.power != 1 else found

    def of_key(self, text: str) -> Value:
        for name, own in self.own_names.items():
            if own is not None and said(name) == text:
                return value(own)
        return next(v for key, v in self.defined.items() if key_text(key) == text)

    def gradient(self, ref: Ref, of_truth: bool = False, is_chain: bool = False) -> Arrays:
        """Return a gradient, as the document has it so far, or as it is."""
        if ref.name not in self.network.gradients:
            raise NotReadError(f"no gradient flows to {ref.name}")
        if ref.name in self.own and not of_truth:
            return self.own[ref.name]
        is_scaled = not is_chain and self.is_per_sample(ref.name)
        scale = (self.network.batch or 1) if is_scaled else 1
        return [scale * t for t in self.network.matrices(self.network.gradients[ref.name])]

    def is_per_sample(self, name: str) -> bool:
        """Whether a gradient is meant of each sample's loss, and not of their mean."""
        if not self.network.has_samples(name) or self.network.is_mean is False:
            return False
        known, others = OF_LOSS, NOTHING
        if self.network.is_mean is None:
            known, others = {OF_MEAN: False}, {PER_SAMPLE: True}
        answer = self.assumptions.ask(
            "a gradient", known, settled=True, whole=True, possible=others
        )
        return bool(answer)

    def indexed(self, arrays: Arrays, ref: Ref, labels: Iterable[str] = ()) -> Value:
        """Name the axes of arrays, whose first have labels, by the letters at a name."""
        labels = list(labels)
        if ref.sample is not None:
            samples = self.network.samples
            if samples is None or arrays[0].shape[samples[0]] != samples[1]:
                raise NotReadError(f"no samples are known of {ref.name}")
            axis = 1 - samples[0] if ref.is_unit else samples[0]
            arrays = [np.expand_dims(np.moveaxis(a, axis, 0), 1 + axis) for a in arrays]
            labels.append(ref.sample)
            self.note_range(ref.sample, arrays[0].shape[len(labels) - 1])
        shape = arrays[0].shape[len(labels) :]
        if len(shape) > 2:
            raise NotReadError(f"there are more than two axes in {ref.name}")
        if not ref.entries:
            return value(arrays, labels)
        if len(shape) < 2:
            raise NotReadError(f"the number {ref.name} has no index")
        lead, axes = len(labels), self.axes(ref, shape)
        is_row = axes is None and len(ref.entries) == 1 and ref.kind in ("quantity", "gradient")
        if is_row and key_of(ref.name).layer is None:  # a_1^2 is no row
            known = {"a row": 0, "a column": 1}
            axis = lead + self.assumptions.ask("one index at a matrix", known)
            arrays = [np.expand_dims(np.moveaxis(a, axis, lead), axis + 1) for a in arrays]
            return self.lettered(arrays, labels, ref.entries, ref.name)
        if axes is None:
            has = "one index" if len(ref.entries) == 1 else f"{len(ref.entries)} indices"
            raise NotReadError(f"the shape of {ref.name} is {shape}, but it has {has} here")
        rest = [k for k in (0, 1) if k not in axes]
        order = (*range(lead), *(lead + k for k in (*axes, *rest)))
        found = [
            a.transpose(order).reshape(a.shape[:lead] + tuple(shape[k] for k in axes))
            for a in arrays
        ]
        return self.lettered(found, labels, ref.entries, ref.name)

    def axes(self, ref: Ref, shape: tuple[int, ...]) -> list[int] | None:
        """Return which axes the indices at a quantity are; None if they do not say that."""
        wide = [k for k, n in enumerate(shape) if n > 1]
        is_leaf = self.network.is_leaf(ref.name)
        if len(ref.entries) == len(shape) == 2 and (len(wide) == 2 or is_leaf):
            return [0, 1]
        if len(ref.entries) == 1 and len(wide) < 2:
            return wide or [0]
        return [] if not ref.entries and not wide else None

    def lettered(
        self, arrays: Arrays, labels: list[str], entries: tuple[int | str, ...], name: str
    ) -> Value:
        """Name the axes after labels: a number picks an entry, a letter twice a diagonal."""
        lead = len(labels)
        for k in reversed(range(len(entries))):
            entry = entries[k]
            if isinstance(entry, int):
                if not 1 <= entry <= arrays[0].shape[lead + k]:
                    raise NotReadError(f"there is no entry {entry} in {name}")
                arrays = [a.take(entry - 1, axis=lead + k) for a in arrays]
        letters = [*labels, *(e for e in entries if isinstance(e, str))]
        for k, letter in enumerate(letters[lead:]):
            self.note_range(letter, arrays[0].shape[lead + k])
        once = list(dict.fromkeys(letters))
        axes = [once.index(letter) for letter in letters]
        core = list(range(len(once), len(once) + arrays[0].ndim - len(axes)))
        return value([np.einsum(a, axes + core, [*range(len(once)), *core]) for a in arrays], once)

    def note_range(self, letter: str, size: int) -> None:
        if self.ranges.setdefault(letter, size) != size:
            clash = f"the index {letter} goes over {self.ranges[letter]} and over {size} entries"
            # a letter that is not on the left may be that of two sums
            raise (DoesNotFitError if letter in self.left else NotReadError)(clash)

    def same_index(self, i: str, j: str) -> Value:
        """Return 1 where two indices are equal, else 0."""
        n = self.ranges.get(i) or self.ranges.get(j)
        if n is None:
            raise NotReadError(f"what {i} and {j} go over is not known")
        for letter in (i, j):
            self.note_range(letter, n)
        eye = np.ones(n) if i == j else np.eye(n)
        return value([eye] * len(self.network.runs), dict.fromkeys((i, j)))
