"""What a name may stand for: a quantity of the network, a gradient, or the document's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from . import tree as t
from .names import Key, Spelling, key_of, spellings
from .network import Arrays, Network
from .tokens import LOSS_WORDS, OPENING
from .values import DoesNotFitError, NotReadError, UnknownNameError, Value, value
from .words import LOSS_LETTERS

NONE: frozenset[str] = frozenset()

#: What a loss is called where something is differentiated, whatever the network calls it.
LOSSES = LOSS_LETTERS | LOSS_WORDS
SIZES = {"m", "N", "B", "n", "M"}

#: What a prediction is called, also where the network calls it otherwise.
PREDICTIONS = {Key("y", "hat"), Key("Y", "hat"), Key("y", "", "pred"), Key("Y", "", "pred")}

#: Letters that are layers below a name; above a name any letter may be one.
LAYERS = {"l", "ell", "L"}


class NeedsLayerError(NotReadError):
    """A layer is given by a letter."""

    def __init__(self, letter: str) -> None:
        super().__init__(f"the layer {letter} has no value")
        self.letter = letter


class Ref(NamedTuple):
    """One thing that a name may stand for."""

    kind: str  # quantity, gradient, defined, loss, size or kronecker
    name: str
    entries: tuple[int | str, ...] = ()  # numbers from 1, and letters
    sample: str | None = None
    transposed: bool = False
    power: int = 1
    notes: frozenset[str] = NONE


class Symbols:
    def __init__(self, network: Network, names: Mapping[str, str]) -> None:
        self.network = network
        self.aliases: dict[Key, str] = {}  # told by the user, or found by value
        self.defined: dict[Key, Value] = {}
        self.gradients: dict[Key, str] = {}  # names of gradients, such as δ: of which quantity
        self.bare: dict[str, int] = {}  # a_i beside ∂a^3/∂z^3 has the layer 3
        self.letters: dict[str, int] = {}  # letters of layers that have a value now
        self.argument: tuple[str, Value] | None = None  # z in σ'(z) = ..., at numbers of our own
        self.places: set[str] = set()  # where the document writes layers: above, below
        self.writes_sums = False  # the document has a Σ, so where there is none, none is meant
        self.ranges: dict[str, int] = {}  # over how many entries a letter goes, in this line
        self.left: tuple[str, ...] = ()  # the letters of the left side
        self.own: dict[str, Arrays] = {}  # the document's gradients, where they are not right
        self.assumed: set[str] = set()  # in this equation: what was taken for granted
        self.confirmed: set[str] = set()  # by a line that is right
        self.is_upstream = False  # while what stands above a ∂ is looked up
        #: Whether dZ is meant of each sample's loss, and not of their mean; None: not seen so far.
        self.per_sample: bool | None = None
        for said, name in names.items():
            name = network.aliases.get(name, name)
            if name not in network.position:
                known = ", ".join(network.names.values())
                raise ValueError(f"{said} cannot be {name}: the problem has {known}.")
            self.aliases[key_of(said)] = name

    # ---- names ----

    def lookup(self, key: Key) -> str | None:
        for base in (key.base, key.base.swapcase() if len(key.base) == 1 else key.base):
            found = Key(base, key.accent, key.word, key.layer)
            if name := self.aliases.get(found) or self.network.keys.get(found):
                return name
        if key.word in ("pred", "hat", "p") and not key.accent:
            return self.lookup(Key(key.base, "hat", "", key.layer))
        if key.word in ("true", "t") and not key.accent:
            return self.lookup(Key(key.base, "", "", key.layer))
        if key.base in ("a", "A", "h", "x") and key.layer == 0 and not key.accent:
            return self.network.keys.get(Key("x")) or self.network.keys.get(Key("X"))
        return None

    def refs(self, name: t.Name) -> list[Ref]:
        """Return everything that a name may stand for."""
        if self.argument is not None and name == t.Name(
            self.argument[0], transposed=name.transposed
        ):
            return [Ref("defined", "", transposed=name.transposed)]
        both = tuple(s.name for s in name.below if isinstance(s, t.Letter) and not s.offset)
        if name.base == "delta" and not name.above and len(both) == len(name.below) == 2:
            return [Ref("kronecker", "", both)]
        if word := self.named_by_word(name):
            return word
        found: list[tuple[Spelling, Ref]] = []
        needed = None
        for spelling in spellings(name):
            try:
                layer = self.layer_of(spelling.key.layer)
            except NeedsLayerError as needs:
                if self.may_be_layer(needs.letter, spelling.key.layer, name):
                    needed = needed or needs
                continue
            key = Key(spelling.key.base, spelling.key.accent, spelling.key.word, layer)
            found += [(spelling, ref) for ref in self.meant(key, spelling)]
        if found:
            return [ref for _, ref in self.in_place(found, name)]
        plain = name == t.Name(name.base)
        if plain and name.base in SIZES:
            return [Ref("size", name.base, notes=frozenset({self.assume_samples(name.base)}))]
        if needed is not None:
            self.refuse_offsets(name)
            raise needed
        for spelling in spellings(name):
            n = self.bare.get(spelling.key.base)
            if n is not None and spelling.key.layer is None and spelling.key.base != "delta":
                note = f"{name.base} without its layer is that of layer {n}"
                key = Key(spelling.key.base, spelling.key.accent, spelling.key.word, n)
                return [r._replace(notes=r.notes | {note}) for r in self.meant(key, spelling)]
        output = self.network.output
        if plain and output is not None and key_of(output).base == name.base:  # as in ∇_a C
            self.assumed.add(f"{name.base} is {output}")
            note = f"{name.base} is {output}, the output"
            return [Ref("quantity", output, notes=frozenset({note}), transposed=name.transposed)]
        raise UnknownNameError(
            f"there is no {said(name)} in the network, and the document defines none"
        )

    def named_by_word(self, name: t.Name) -> list[Ref]:
        # W_{xh}, where the network has a W_xh
        word = "".join(s.name for s in name.below if isinstance(s, t.Letter) and not s.offset)
        key = Key(name.base, name.accent, word)
        if name.above or len(word) != len(name.below) or key not in self.network.keys:
            return []
        return list(self.meant(key, Spelling(key, transposed=name.transposed)))

    def assume_samples(self, letter: str) -> str:
        note = f"{letter} counts the samples"
        if note not in self.confirmed:
            self.assumed.add(note)
        return note

    def refuse_offsets(self, name: t.Name) -> None:
        # c₃[j+1] is an entry of c3, if there is one, and no c of a layer j+1
        for spelling in spellings(name):
            has_offset = any(isinstance(e, t.Letter) and e.offset for e in spelling.entries)
            key = spelling.key
            if has_offset and isinstance(key.layer, int):
                plain = Key(key.base, key.accent, key.word, key.layer)
                if any(True for _ in self.named(plain)):
                    raise NotReadError("a computed index")

    def in_place(
        self, found: list[tuple[Spelling, Ref]], name: t.Name
    ) -> list[tuple[Spelling, Ref]]:
        # a_1^3 is entry 1 of layer 3, or layer 1 cubed: as the document writes its layers. So h_2^2
        # is a square, too, where layers stand below.
        if len(found) > 1 and len(self.places) == 1:
            below = sum(isinstance(mark, int | t.Letter) for mark in name.below)
            where, is_above = (name.above, True) if "above" in self.places else (name.below, False)
            kept = [
                (spelling, ref)
                for spelling, ref in found
                if spelling.key.layer in where and (len(spelling.entries) == below) == is_above
            ]
            return kept[:1] or found
        return found

    def may_be_layer(self, letter: str, layer: int | t.Letter | None, name: t.Name) -> bool:
        inside = [x for s in name.above if isinstance(s, t.Bracketed) for x in s.inside]
        has_offset = isinstance(layer, t.Letter) and layer.offset != 0
        is_time = letter == "t" and name.base in {k.base for k in self.network.keys if k.layer}
        return letter in LAYERS or is_time or has_offset or layer in (*name.above, *inside)

    def layer_of(self, layer: int | t.Letter | None) -> int | None:
        if not isinstance(layer, t.Letter):
            return layer
        if layer.name in self.letters:
            return self.letters[layer.name] + layer.offset
        if layer.name == "L" and self.network.layers:
            return self.network.layers[-1] + layer.offset
        raise NeedsLayerError(layer.name)

    def meant(self, key: Key, spelling: Spelling) -> Iterator[Ref]:
        if any(isinstance(e, t.Letter) and e.offset for e in spelling.entries):
            return
        entries = tuple(e.name if isinstance(e, t.Letter) else e for e in spelling.entries)
        sample = spelling.sample
        if sample is not None and (self.network.batch or 1) == 1:
            return
        letter = sample.name if sample is not None else None
        # (Wᵀ)_kl is W_lk
        turned = spelling.transposed and len(entries) == 2
        entries = entries[::-1] if turned else entries
        transposed = spelling.transposed and not turned
        for kind, name, notes in self.named(key):
            one = entries[0] if len(entries) == 1 and letter is None else None
            if isinstance(one, str) and self.is_of_samples(kind, name):
                # z_i of a batch: i counts the samples, if anything
                self.assume_samples(one)
                yield Ref(kind, name, (), one, transposed, spelling.power, notes)
            yield Ref(kind, name, entries, letter, transposed, spelling.power, notes)

    def is_of_samples(self, kind: str, name: str) -> bool:
        network = self.network
        if kind not in ("quantity", "gradient") or network.samples is None:
            return False
        axis, batch = network.samples
        shape = network.shape(name)
        is_array = len(shape) == 2 and 1 not in shape and name not in network.parameters
        return is_array and shape[axis] == batch

    def named(self, key: Key) -> Iterator[tuple[str, str, frozenset[str]]]:
        name = self.lookup(key)
        if key in self.gradients:
            yield "gradient", self.gradients[key], NONE
        elif key in self.defined:
            yield "defined", key_text(key), NONE
        elif name is not None:
            yield "loss" if name == self.network.loss else "quantity", name, NONE
        elif key.base in ("delta", "epsilon") and not key.accent:
            z = None
            if key.layer is not None and not key.word:
                z = self.lookup(Key("z", layer=key.layer)) or self.lookup(Key("s", layer=key.layer))
            elif key.word and key.layer is None:
                z = self.lookup(key_of(key.word))
            if z is not None and z in self.network.gradients:
                yield "gradient", z, frozenset({f"{key_text(key)} is dL/d{z}"})
        elif key in PREDICTIONS and self.network.output is not None:
            self.assumed.add(f"{key_text(key)} is {self.network.output}")
            note = f"{key_text(key)} is {self.network.output}, the output"
            yield "quantity", self.network.output, frozenset({note})
        elif self.is_upstream and key == Key(key.base) and key.base in LOSSES:
            yield "loss", self.network.loss, NONE

    def is_loss(self, name: t.Name) -> bool:
        """Whether a name above a ∂ is the loss: the network's, or a letter that losses have."""
        self.is_upstream = True
        try:
            refs = self.refs(t.Name(name.base) if name.base in LOSSES else name)
        except NotReadError:
            return False
        finally:
            self.is_upstream = False
        return any(r.kind == "loss" for r in refs) and all(r.kind != "quantity" for r in refs)

    # ---- values ----

    def value(self, ref: Ref, of_truth: bool = False) -> Value:
        """Return the value of what a name stands for, with letters of indices as axes."""
        network = self.network
        if ref.kind == "size":
            if network.batch is None:
                raise NotReadError(f"how many samples there are, {ref.name}, cannot be told")
            return value([float(network.batch)] * len(network.runs), is_constant=True)
        if ref.kind == "kronecker":
            return self.same_index(*map(str, ref.entries))
        if ref.kind == "defined":
            known = self.argument[1] if not ref.name and self.argument else self.of_key(ref.name)
            if known.labels:
                raise NotReadError(
                    "a name that was defined entry by entry stands for a whole array"
                )
            found = replace(self.indexed(list(known.data), ref), is_constant=known.is_constant)
        elif ref.kind == "gradient":
            found = self.indexed(self.gradient(ref.name, of_truth), ref)
        else:
            found = self.indexed(network.matrices(network.values[ref.name]), ref)
        found = found.transposed if ref.transposed else found
        return found.mapped(lambda d: d**ref.power) if ref.power != 1 else found

    def of_key(self, text: str) -> Value:
        return next(v for key, v in self.defined.items() if key_text(key) == text)

    def gradient(self, name: str, of_truth: bool = False) -> Arrays:
        if name not in self.network.gradients:
            raise NotReadError(f"no gradient flows to {name}")
        if name in self.own and not of_truth:
            return self.own[name]
        truth = self.network.matrices(self.network.gradients[name])
        batch = self.network.batch or 1
        is_scaled = bool(self.per_sample) and self.network.has_samples(name)
        return [batch * t for t in truth] if is_scaled else truth

    def indexed(self, arrays: Arrays, ref: Ref) -> Value:
        labels: list[str] = []
        if ref.sample is not None:
            samples = self.network.samples
            if samples is None or arrays[0].shape[samples[0]] != samples[1]:
                raise NotReadError(f"no samples are known of {ref.name}")
            axis = samples[0]
            arrays = [np.expand_dims(np.moveaxis(a, axis, 0), 1 + axis) for a in arrays]
            labels.append(ref.sample)
        shape = arrays[0].shape[len(labels) :]
        if len(shape) > 2:
            raise NotReadError(f"there are more than two axes in {ref.name}")
        if not ref.entries:
            return value(arrays, labels)
        if len(shape) < 2:
            raise NotReadError(f"the number {ref.name} has no index")
        wide = [k for k in (0, 1) if shape[k] > 1]
        if len(ref.entries) == 1 and len(wide) < 2:
            axes = wide or [0]
        elif len(ref.entries) == 2 and (len(wide) == 2 or self.is_weight(ref)):
            axes = [0, 1]
        else:
            has = "one index" if len(ref.entries) == 1 else f"{len(ref.entries)} indices"
            raise NotReadError(f"the shape of {ref.name} is {shape}, but it has {has} here")
        lead = len(labels)
        rest = [k for k in (0, 1) if k not in axes]
        order = (*range(lead), *(lead + k for k in (*axes, *rest)))
        found = [
            a.transpose(order).reshape(a.shape[:lead] + tuple(shape[k] for k in axes))
            for a in arrays
        ]
        return self.lettered(found, labels, ref)

    def lettered(self, arrays: Arrays, labels: list[str], ref: Ref) -> Value:
        # a number picks an entry, and a letter twice is a diagonal
        lead = len(labels)
        for k in reversed(range(len(ref.entries))):
            entry = ref.entries[k]
            if isinstance(entry, int):
                if not 1 <= entry <= arrays[0].shape[lead + k]:
                    raise NotReadError(f"there is no entry {entry} in {ref.name}")
                arrays = [a.take(entry - 1, axis=lead + k) for a in arrays]
        letters = [e for e in ref.entries if isinstance(e, str)]
        for k, letter in enumerate(letters):
            self.note_range(letter, arrays[0].shape[lead + k])
        if len(letters) == 2 and letters[0] == letters[1]:
            arrays = [np.einsum("...ii->...i", a) for a in arrays]
            letters = letters[:1]
        return value(arrays, (*labels, *letters))

    def is_weight(self, ref: Ref) -> bool:
        i = self.network.position.get(ref.name)
        return i is not None and self.network.run.tensors[i].primitive is None

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
        if i == j:
            return value([np.ones(n)] * len(self.network.runs), (i,))
        self.note_range(i, n)
        self.note_range(j, n)
        return value([np.eye(n)] * len(self.network.runs), (i, j))


def key_text(key: Key) -> str:
    layer = "" if key.layer is None else str(key.layer)
    return "_".join(filter(None, [key.base + layer, key.word, key.accent]))


def said(name: t.Name) -> str:
    """Write a name for a message, in the notation of plain text."""

    def one(script: object) -> str:
        match script:
            case t.Letter(letter, offset):
                return letter + (f"{offset:+d}" if offset else "")
            case t.Bracketed(bracket, inside):
                return bracket + "".join(map(one, inside)) + OPENING[bracket]
        return str(getattr(script, "text", script))

    above = "".join(map(one, name.above)) + "T" * name.transposed
    below = "".join(map(one, name.below))
    text = f"{name.base}_{name.accent}" if name.accent else name.base
    return text + (f"_{below}" if below else "") + (f"^{above}" if above else "")
