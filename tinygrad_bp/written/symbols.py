"""What a name may stand for: a quantity of the network, a gradient, or the document's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import NamedTuple, cast

import numpy as np

from . import tree as t
from .assumptions import INDEX, ITS_NUMBER, OF_ITS_OWN, UNIT, Assumptions
from .names import Key, Spelling, key_of, key_text, said, spellings
from .network import Arrays, Network
from .parse import parse
from .tokens import LOSS_WORDS, tokens
from .values import DoesNotFitError, NotReadError, UnknownNameError, Value, value
from .words import LOSS_LETTERS, SIZES

NONE: frozenset[str] = frozenset()

#: What a loss is called where something is differentiated, whatever the network calls it.
LOSSES = LOSS_LETTERS | LOSS_WORDS

#: What may be a number in the network.
NUMBERS = {t.Name("lambda"), t.Name("epsilon"), t.Name("eps")}

#: What a prediction is called, also where the network calls it otherwise.
PREDICTIONS = {Key("y", "hat"), Key("Y", "hat"), Key("y", "", "pred"), Key("Y", "", "pred")}

#: Letters that are layers below a name; above a name any letter may be one.
LAYERS = {"l", "ell", "L"}

#: In a formula about one sample: the index of the sample, which is not written.
EACH = "·"

#: What a document may mean by a gradient with an axis of samples.
PER_SAMPLE = "of the loss of each sample, not of their mean"
OF_LOSS = {"of the mean loss": False, PER_SAMPLE: True}


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
    is_unit: bool = False  # the letter for the sample is that of a unit


class Symbols:
    def __init__(self, network: Network, names: Mapping[str, str]) -> None:
        self.network, self.assumptions = network, Assumptions()
        self.aliases: dict[Key, str] = {}  # told by the user, or found by value
        self.told: dict[t.Name, str] = {}  # by the user, as it is spelled: \sigma_B^2
        self.defined: dict[Key, Value] = {}
        self.rests_on: dict[Key, Mapping[str, str]] = {}  # what a definition assumes
        self.gradients: dict[Key, str] = {}  # names of gradients, such as δ: of which quantity
        self.count_samples: set[str] = set()  # letters, as the document's prose says
        self.letters: dict[str, int] = {}  # letters of layers that have a value now
        self.argument: tuple[str, Value] | None = None  # z in σ'(z) = ..., at numbers of our own
        self.writes_sums = False  # the document has a Σ, so where there is none, none is meant
        self.ranges: dict[str, int] = {}  # over how many entries a letter goes, in this line
        self.left: tuple[str, ...] = ()  # the letters of the left side
        self.own: dict[str, Arrays] = {}  # the document's gradients, where they are not right
        self.of_one_sample = False  # while a formula is read as one about one sample of a batch
        self.is_upstream = False  # while what stands above a ∂ is looked up
        for told, name in names.items():
            name = network.aliases.get(name, name)
            if name not in network.position:
                known = ", ".join(network.names.values())
                raise ValueError(f"{told} cannot be {name}: the problem has {known}.")
            self.aliases[key_of(told)] = name
            with suppress(NotReadError):
                spelled = parse(tokens(told, latex=True))
                if isinstance(spelled, t.Name):
                    self.told[spelled] = name

    # ---- names ----

    def lookup(self, key: Key) -> str | None:
        keys = self.network.keys
        if name := self.aliases.get(key) or keys.get(key):
            return name
        if len(key.base) == 1 and (name := keys.get(replace(key, base=key.base.swapcase()))):
            return name
        if key.word in ("pred", "hat", "p") and not key.accent:
            return self.lookup(Key(key.base, "hat", "", key.layer))
        if key.word in ("true", "t") and not key.accent:
            return self.lookup(Key(key.base, "", "", key.layer))
        if key.base in ("a", "A", "h", "x") and key.layer == 0 and not key.accent:
            return self.network.keys.get(Key("x")) or self.network.keys.get(Key("X"))
        return None

    @contextmanager
    def layer_is(self, letter: str, n: int) -> Iterator[None]:
        self.letters[letter] = n
        try:
            yield
        finally:
            del self.letters[letter]

    def refs(self, name: t.Name, defines: bool = False) -> list[Ref]:
        """Return everything that a name may stand for; one that is defined, for nothing alike."""
        upright = replace(name, transposed=False) if name.transposed else name
        if self.argument is not None and upright == t.Name(self.argument[0]):
            return [Ref("defined", "", transposed=name.transposed)]
        if upright in self.told:
            told = self.told[upright]
            kind = "loss" if told == self.network.loss else "quantity"
            index = self.index_in(upright, told)
            return [Ref(kind, told, sample=index, transposed=name.transposed)]
        both = tuple(s.name for s in name.below if isinstance(s, t.Letter) and not s.offset)
        if name.base == "delta" and not name.above and len(both) == len(name.below) == 2:
            return [Ref("kronecker", "", both)]
        # W_{xh} and W^Q, where the network has a W_xh and a W_Q
        scripts = (*name.above, *name.below)
        key = Key(name.base, name.accent, "".join(str(getattr(s, "name", " ")) for s in scripts))
        if key.word and key in self.network.keys:
            return list(self.meant(key, Spelling(key, transposed=name.transposed)))
        found: list[Ref] = []
        needed = None
        for spelling in spellings(name):
            try:
                layer = self.layer_of(spelling.key.layer)
            except NeedsLayerError as needs:
                if self.may_be_layer(needs.letter, spelling.key.layer, name):
                    needed = needed or needs
                continue
            if any(isinstance(e, t.Letter) and e.name in self.letters for e in spelling.entries):
                continue
            key = spelling.key
            found += self.meant(key if layer == key.layer else replace(key, layer=layer), spelling)
        if found:
            return found
        if name.base in SIZES and not name.accent and not name.transposed:
            return [self.size(name)]
        if upright in NUMBERS and self.network.numbers:
            return [self.number(name)]
        if needed is not None:
            raise needed
        return self.without_layer(name, defines)

    def index_in(self, name: t.Name, told: str) -> str | None:
        """Return the letter of a sample in a name that was told, such as p in x^{(p,3)}."""
        inside = [x for s in name.above if isinstance(s, t.Bracketed) for x in s.inside]
        for x in inside if self.network.has_samples(told) else ():
            if isinstance(x, t.Letter) and x.name not in LAYERS:
                answers = {"a part of it": None, INDEX: x.name}
                asked = f"{x.name} in {said(name)}"
                return cast("str | None", self.assumptions.ask(asked, answers, whole=True))
        return None

    def size(self, name: t.Name) -> Ref:
        """Read m and n as a number of samples or of entries, n_L as the width of a layer."""
        network = self.network
        sizes = {"the number of samples": network.batch} if network.batch else {}
        if (network.batch or 1) == 1 or name.below or name.above:
            for of in sorted(filter(network.is_vector, network.names.values()), key=self.is_input):
                if network.size(of) not in (1, *sizes.values()):
                    sizes[f"the size of {of}"] = network.size(of)
        if not sizes:
            raise NotReadError(f"how many there are, {said(name)}, cannot be told")
        if said(name) in self.count_samples:
            return Ref("size", str(network.batch))
        lengths = network.lengths | {n * (network.batch or 1) for n in network.lengths}
        others = {f"the number {n}": float(n) for n in sorted(lengths - {1, *sizes.values()})}
        others |= {OF_ITS_OWN: ITS_NUMBER}
        n = self.assumptions.ask(said(name), sizes, settled=True, last=True, possible=others)
        note = f"{said(name)} is {self.assumptions.asked[said(name)]}"
        return Ref("size", str(n), notes=frozenset({note}))

    def number(self, name: t.Name) -> Ref:
        """Read λ as a number of the network, or twice that, as of λ/2 ‖W‖²."""
        every = {f"{n:g}": n for known in sorted(self.network.numbers) for n in (known, 2 * known)}
        found = self.assumptions.ask(said(name), every, settled=True, last=True)
        return Ref("size", str(found), notes=frozenset({f"{said(name)} is {found:g}"}))

    def is_input(self, name: str) -> bool:
        return name != self.network.output

    def without_layer(self, name: t.Name, defines: bool) -> list[Ref]:
        """Read a_i as an entry of a quantity a1, a2 or the like, whichever makes its line right."""
        plain = said(replace(name, transposed=False))
        alike = [
            n
            for key, n in self.network.keys.items()
            if key.base.lower() == name.base.lower() and key.accent == name.accent
            if n != self.network.loss
        ]
        letters = all(
            isinstance(s, t.Letter) and not s.offset and s.name not in self.letters
            for s in name.below
        )
        if not alike or name.above or not letters or defines:
            raise UnknownNameError(
                f"there is no {plain} in the network, and the document defines none"
            )
        found = self.assumptions.ask(plain, dict(zip(alike, alike, strict=True)), last=True)
        entries = [s for s in name.below if isinstance(s, t.Letter)]
        spelling = Spelling(key_of(found), tuple(entries), None, 1, name.transposed)
        note = frozenset({f"{plain} is {found}"})
        return [r._replace(notes=r.notes | note) for r in self.meant(spelling.key, spelling)]

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
        if spelling.sample is not None and (self.network.batch or 1) == 1:
            return
        # (Wᵀ)_kl is W_lk
        turned = spelling.transposed and len(entries) == 2
        ref = Ref(
            "", "", entries[::-1] if turned else entries,
            spelling.sample.name if spelling.sample is not None else None,
            spelling.transposed and not turned, spelling.power,
        )  # fmt: skip
        for kind, name, notes in self.named(key):
            found = ref._replace(kind=kind, name=name, notes=notes)
            if kind in ("quantity", "gradient") and self.network.has_samples(name):
                found = self.of_sample(found)
            yield found

    def of_sample(self, ref: Ref) -> Ref:
        """Say of which sample a quantity of the batch is: of all, of one, or of sample i."""
        if ref.sample is not None or len(ref.entries) > 1:
            return ref
        if self.of_one_sample:
            return ref._replace(sample=EACH)
        letter = ref.entries[0] if ref.entries else None
        is_array = ref.kind == "defined" or 1 not in self.network.shape(ref.name)
        if isinstance(letter, str) and is_array:
            is_sample = self.is_sample(letter)
            return ref._replace(entries=(), sample=letter, is_unit=not is_sample)
        return ref

    def is_sample(self, letter: str) -> bool:
        """Whether an index, which may stand at either axis of a batch, is that of a sample."""
        others = {} if letter in self.count_samples else {UNIT: False}
        return bool(self.assumptions.ask(letter, {INDEX: True}, possible=others, whole=not others))

    def named(self, key: Key) -> Iterator[tuple[str, str, frozenset[str]]]:
        name, network = self.lookup(key), self.network
        is_loss = self.is_upstream and key == Key(key.base) and key.base in LOSSES
        if is_loss and (name is None or name == network.loss):
            yield "loss", network.loss, NONE
        elif key in self.gradients:
            yield "gradient", self.gradients[key], NONE
        elif key in self.defined:
            for question, answer in self.rests_on.get(key, {}).items():
                self.assumptions.ask(question, {answer: True})
            yield "defined", key_text(key), NONE
        elif name is not None:
            yield "loss" if name == network.loss else "quantity", name, NONE
        elif key in network.steps and self.ask_step(key):
            yield "quantity", network.steps[key], NONE
        elif key.base in ("delta", "Delta", "epsilon") and not key.accent:
            if (z := self.weighted_input(key)) in network.gradients:
                yield "gradient", z, frozenset({f"{key_text(key)} is dL/d{z}"})
        elif key in PREDICTIONS and network.output is not None:
            self.assumptions.ask(key_text(key), {network.output: True}, settled=True)
            note = f"{key_text(key)} is {network.output}, the output"
            yield "quantity", network.output, frozenset({note})
        elif key.base in ("z", "Z", "s") and (product := self.product_of_layer(key)):
            self.assumptions.ask(key_text(key), {product: True}, settled=True)
            yield "quantity", product, frozenset({f"{key_text(key)} is {product}"})

    def weighted_input(self, key: Key) -> str:
        """Return what δ with a layer, or a word, is the gradient by: z, or what may be one."""
        if key.word:
            return (self.lookup(key_of(key.word)) if key.layer is None else None) or ""
        if key.layer is None:
            return ""
        if z := self.lookup(Key("z", layer=key.layer)) or self.lookup(Key("s", layer=key.layer)):
            return z
        known = {k.layer: n for k, n in self.network.keys.items() if not self.network.is_leaf(n)}
        found = [n for layer, n in known.items() if layer == key.layer and key.layer is not None]
        if not found:
            return ""
        return str(self.assumptions.ask(key_text(key), {f"dL/d{n}": n for n in found}))

    def product_of_layer(self, key: Key) -> str | None:
        """Return what is computed from W₃ and is no activation, for Z₃: a linear output, say."""
        network, weight = self.network, self.lookup(Key("W", layer=key.layer))
        if weight is None or key != Key(key.base, layer=key.layer):
            return None
        (product, *others) = network.next_named.get(weight) or [network.loss]
        if others or network.is_activated(product) or not network.product_step(product, weight):
            return None
        return product if product != network.loss else None

    def ask_step(self, key: Key) -> bool:
        # a step without a name may have the name that readings give it, or v4 is the document's own
        answers = {"a step of the network": True, "a name of the document's own": False}
        return bool(self.assumptions.ask(key_text(key), answers, settled=True))

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
        return next(v for key, v in self.defined.items() if key_text(key) == text)

    def gradient(self, ref: Ref, of_truth: bool = False) -> Arrays:
        """Return a gradient, as the document has it so far, or as it is."""
        if ref.name not in self.network.gradients:
            raise NotReadError(f"no gradient flows to {ref.name}")
        if ref.name in self.own and not of_truth:
            return self.own[ref.name]
        is_scaled = self.is_per_sample(ref.name, ref.sample == EACH)
        scale = (self.network.batch or 1) if is_scaled else 1
        return [scale * t for t in self.network.matrices(self.network.gradients[ref.name])]

    def is_per_sample(self, name: str, of_one: bool = False) -> bool:
        """Whether a gradient is meant of each sample's loss, and not of their mean."""
        if not self.network.has_samples(name):
            return False
        if of_one:
            return bool(self.assumptions.ask("its gradient", OF_LOSS, whole=True))
        return bool(self.assumptions.ask("a gradient", OF_LOSS, settled=True, whole=True))

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
        wide = [k for k in (0, 1) if shape[k] > 1]
        if len(ref.entries) == 1 and len(wide) < 2:
            axes = wide or [0]
        elif len(ref.entries) == 2 and (len(wide) == 2 or self.network.is_leaf(ref.name)):
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
        return self.lettered(found, labels, ref.entries, ref.name)

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
        return value([np.einsum(a, axes, list(range(len(once)))) for a in arrays], once)

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
