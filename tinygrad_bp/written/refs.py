"""What a name may stand for: a quantity of the network, a gradient, or the document's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import NamedTuple, cast

from . import tree as t
from .assumptions import INDEX, ITS_NUMBER, OF_ITS_OWN, OF_UNIT, UNIT, Assumptions
from .names import BY_HABIT, Key, Spelling, greek, key_of, key_text, said, spellings
from .network import Arrays, Network
from .parse import parse
from .tokens import LOSS_WORDS, tokens
from .values import ContestedError, NotReadError, UnknownNameError, Value
from .words import LOSS_LETTERS, SIZES

NONE: frozenset[str] = frozenset()

#: What a loss is called where something is differentiated, whatever the network calls it.
LOSSES = LOSS_LETTERS | LOSS_WORDS

#: What may be a number in the network.
NUMBERS = {t.Name("lambda"), t.Name("epsilon"), t.Name("eps")}

#: What a prediction is called, also where the network calls it otherwise.
PREDICTIONS = {Key("y", "hat"), Key("Y", "hat"), Key("y", "", "pred"), Key("Y", "", "pred")}

#: What is the gradient by the input of an activation.
DELTAS = ("delta", "Delta", "epsilon")

#: Letters that are layers below a name; above a name any letter may be one.
LAYERS = {"l", "ell", "L"}

#: In a formula about one sample: the index of the sample, which is not written.
EACH = "·"


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


class Refs:
    def __init__(self, network: Network, names: Mapping[str, str]) -> None:
        self.network, self.assumptions = network, Assumptions()
        self.aliases: dict[Key, str] = {}  # told by the user, or found by value
        self.told: dict[t.Name, str] = {}  # by the user, as it is spelled: \sigma_B^2
        self.defined: dict[Key, Value] = {}
        self.rests_on: dict[Key, Mapping[str, str]] = {}  # what a definition assumes
        self.gradients: dict[Key, str] = {}  # names of gradients, such as δ: of which quantity
        self.own_names: Mapping[t.Name, Arrays | None] = {}  # δ_k, where it is no dL/dz
        self.count_samples: set[str] = set()  # letters, as the document's prose says
        self.of_layers: set[str] = set()  # letters that the document writes as i - 1 at a layer
        self.letters: dict[str, int] = {}  # letters of layers that have a value now
        self.argument: tuple[str, Value] | None = None  # z in σ'(z) = ..., at numbers of our own
        self.writes_sums = False  # the document has a Σ, so where there is none, none is meant
        self.ranges: dict[str, int] = {}  # over how many entries a letter goes, in this line
        self.left: tuple[str, ...] = ()  # the letters of the left side
        self.own: dict[str, Arrays] = {}  # the document's gradients, where they are not right
        self.of_one_sample = False  # while a formula is read as one about one sample of a batch
        self.indexes_samples = False  # the document writes (i), or sums, so far
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
            told = self.in_told(upright, self.told[upright])
            return [told._replace(transposed=name.transposed)]
        scripts = (*name.below, *name.above)
        both = tuple(s.name for s in scripts if isinstance(s, t.Letter) and not s.offset)
        is_pair = len(both) == len(scripts) == 2 and name.below
        is_layer = (
            name.above and both[-1:] and both[-1] in LAYERS | self.of_layers | {*self.letters}
        )
        if name.base == "delta" and is_pair and not is_layer:
            return [Ref("kronecker", "", both)]
        if own := self.in_own(upright):
            return [own._replace(transposed=name.transposed)]
        found: list[Ref] = []
        needed = None
        for spelling in list(self.in_letters(name)) or spellings(name):
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
        return self.in_units(name) or self.without_layer(name, defines)

    def in_letters(self, name: t.Name) -> Iterator[Spelling]:
        """Read W_{xh} and z^{(O)}_i, where there is a W_xh and a z_O, and z^h_t, where a zh_1."""
        above = [x for s in name.above for x in (s.inside if isinstance(s, t.Bracketed) else (s,))]
        scripts = [*above, *name.below]
        known = self.network.keys
        for n in {len(scripts), len(above) or 1} if scripts else ():
            letters, rest = scripts[:n], [s for s in scripts[n:] if isinstance(s, int | t.Letter)]
            word = "".join(s.name if isinstance(s, t.Letter) else " " for s in letters)
            for base in (name.base, name.base.swapcase()):
                key = Key(base, name.accent, word)
                is_delta = base in DELTAS and any(k.word == word for k in known)
                if key in known or is_delta:
                    yield Spelling(key, tuple(rest), None, 1, name.transposed)
                elif rest and any((k.base, k.layer is None) == (base + word, False) for k in known):
                    key = Key(base + word, name.accent, layer=rest[0])
                    yield Spelling(key, tuple(rest[1:]), None, 1, name.transposed)

    def in_own(self, name: t.Name) -> Ref | None:
        """Return δ_k as the document defines it; beside such a δ_k, no δ is a convention."""
        if name in self.own_names:
            if self.own_names[name] is None:
                why = "the document's definitions of it do not agree, or are not all read"
                raise ContestedError(f"{said(name)}: {why}")
            return Ref("defined", said(name), tuple(unit_letters(name)))
        if any(name.base == own.base for own in self.own_names):
            raise UnknownNameError(f"the document does not say what its {said(name)} is")
        return None

    def in_told(self, name: t.Name, told: str) -> Ref:
        """Return what a name that was told is, with its indices: p in x^{(p,3)}, jk in w_jk."""
        ref = Ref("loss" if told == self.network.loss else "quantity", told)
        inside = [x for s in name.above if isinstance(s, t.Bracketed) for x in s.inside]
        letters = [x.name for x in inside if isinstance(x, t.Letter) and x.name not in LAYERS]
        meanings: dict[str, Ref] = {}
        if letters and self.network.has_samples(told):
            meanings = {"a part of it": ref, INDEX: ref._replace(sample=letters[0])}
        elif (units := unit_letters(name)) and len(units) == sum(
            n > 1 for n in self.network.shape(told)
        ):
            orders = {"indices": tuple(units), "indices, turned": tuple(units[::-1])}
            meanings = {k: ref._replace(entries=order) for k, order in orders.items()}
            meanings["a part of it"] = ref
        if not meanings:
            return ref
        return cast(Ref, self.assumptions.ask(f"in {said(name)}", meanings, whole=True))

    def size(self, name: t.Name) -> Ref:
        """Read m and n as a number of samples or of entries, n_L as the width of a layer."""
        network = self.network
        sizes = {"the number of samples": network.batch} if network.batch else {}
        if (network.batch or 1) == 1 or name.below or name.above:
            lengths = sorted(network.lengths - {1, *sizes.values()})
            sizes |= {f"the length {n}": n for n in lengths}
        if not sizes:
            raise NotReadError(f"how many there are, {said(name)}, cannot be told")
        if said(name) in self.count_samples:
            return Ref("size", str(network.batch))
        counts = network.lengths | {n * (network.batch or 1) for n in network.lengths}
        others = {f"the number {n}": float(n) for n in sorted(counts - {1, *sizes.values()})}
        others |= {OF_ITS_OWN: ITS_NUMBER}
        n = self.assumptions.ask(said(name), sizes, settled=True, last=True, possible=others)
        note = f"{said(name)} is {self.assumptions.asked[said(name)]}"
        return Ref("size", str(n), notes=frozenset({note}))

    def number(self, name: t.Name) -> Ref:
        """Read λ as a number of the network, or twice that, as of λ/2 ‖W‖²."""
        every = {f"{n:g}": n for known in sorted(self.network.numbers) for n in (known, 2 * known)}
        found = self.assumptions.ask(said(name), every, settled=True, last=True)
        return Ref("size", str(found), notes=frozenset({f"{said(name)} is {found:g}"}))

    def without_layer(self, name: t.Name, defines: bool) -> list[Ref]:
        """Read W as W1, W2 or the like, whichever makes its line right; so h_i, without layers."""
        plain = said(replace(name, transposed=False))
        alike = [
            n
            for key, n in self.network.keys.items()
            if key.base.lower() == name.base.lower() and key.accent == name.accent
            if n != self.network.loss
        ]
        entries = [s for s in name.below if isinstance(s, t.Letter) and not s.offset]
        is_plain = len(entries) == len(name.below)
        is_plain &= not any(e.name in self.letters for e in entries)
        if not alike or name.above or not is_plain or defines:
            why = f"there is no {plain} in the network, and the document defines none"
            raise UnknownNameError(why)
        found = self.assumptions.ask(plain, dict(zip(alike, alike, strict=True)), last=True)
        return self.noted(name, key_of(found), entries, {f"{plain} is {found}"})

    def noted(
        self, name: t.Name, key: Key, entries: Sequence[t.Letter], notes: Iterable[str]
    ) -> list[Ref]:
        spelling = Spelling(key, tuple(entries), None, 1, name.transposed)
        return [r._replace(notes=r.notes.union(notes)) for r in self.meant(key, spelling)]

    def in_units(self, name: t.Name) -> list[Ref]:
        """Read a_k and w_jk, where each letter counts the units of a layer: k, say, of the last."""
        letters = unit_letters(name)
        if not letters or not self.network.layers or set(letters) & set(self.letters):
            return []
        layers = [self.layer_of_units(letter) for letter in letters]
        key = Key(name.base, name.accent, layer=max(layers))
        entries = letters
        if len(letters) == 2:
            weight = self.lookup(key)
            ends = list(self.network.next_named.get(weight or "", ()))
            step = self.network.product_step(ends[0], weight) if weight and len(ends) == 1 else None
            if step is None or abs(layers[0] - layers[1]) != 1:
                return []
            rises = layers[0] < layers[1]  # W a has (out, in), and a W (in, out)
            entries = letters if rises == (step[0] == 1) else letters[::-1]
        notes = [f"{x} is of layer {n}" for x, n in zip(letters, layers, strict=True)]
        found = self.noted(name, key, [*map(t.Letter, entries)], notes)
        self.assumptions.needed |= {OF_UNIT + letter for letter in letters} if found else set()
        return found

    def layer_of_units(self, letter: str) -> int:
        """Return the layer whose units a letter counts."""
        layers, question = self.network.layers, OF_UNIT + letter
        known = {f"of layer {n}": n for n in [*reversed(layers), *([0] if layers[0] == 1 else [])]}
        if (bound := self.assumptions.confirmed.get(question)) in known:
            others = {answer: n for answer, n in known.items() if answer != bound}
            return int(self.assumptions.ask(question, {bound: known[bound]}, possible=others))
        return int(self.assumptions.ask(question, known, last=True))

    def may_be_layer(self, letter: str, layer: int | t.Letter | None, name: t.Name) -> bool:
        inside = [x for s in name.above if isinstance(s, t.Bracketed) for x in s.inside]
        has_offset = isinstance(layer, t.Letter) and layer.offset != 0
        bases = {*DELTAS, *(k.base for k in self.network.keys if k.layer)}
        is_time = letter == "t" and name.base in bases
        return (
            letter in LAYERS | self.of_layers
            or is_time
            or has_offset
            or layer in (*name.above, *inside)
        )

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
            if len(entries) == 1 and kind in ("quantity", "gradient"):
                number, is_matrix = entries[0], not self.network.is_vector(name)
                if isinstance(number, int) and number > 10 and is_matrix:  # p_{12}
                    found = found._replace(entries=divmod(number, 10))
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
        elif inputs := self.in_code(key):
            yield "quantity", inputs, frozenset({f"{key_text(key)} is {inputs}"})
        elif key in network.steps and self.ask_step(key):
            yield "quantity", network.steps[key], NONE
        elif key.base in DELTAS and not key.accent:
            if (z := self.weighted_input(key)) in network.gradients:
                yield "gradient", z, frozenset({f"{key_text(key)} is dL/d{z}"})
        elif key in PREDICTIONS and network.output is not None:
            self.assumptions.ask(key_text(key), {network.output: True}, settled=True)
            note = f"{key_text(key)} is {network.output}, the output"
            yield "quantity", network.output, frozenset({note})
        elif key.base in ("z", "Z", "s") and (product := self.product_of_layer(key)):
            self.assumptions.ask(key_text(key), {product: True}, settled=True)
            yield "quantity", product, frozenset({f"{key_text(key)} is {product}"})

    def in_code(self, key: Key) -> str:
        """Return the input whose name is another spelling of a Greek letter, or is by habit."""
        leaves = {k: n for k, n in self.network.keys.items() if self.network.is_leaf(n)}
        spelt = [n for k, n in leaves.items() if greek(k) == greek(key)]
        if len(spelt) == 1:
            return spelt[0]
        letter = greek(key).base
        habits = [n for n in leaves.values() if BY_HABIT.get(n.lower()) == letter]
        if spelt or len(habits) != 1 or key != Key(key.base):
            return ""
        return str(self.assumptions.ask(key_text(key), {habits[0]: habits[0]}, settled=True))

    def weighted_input(self, key: Key) -> str:
        """Return what δ with a layer, or a word, is the gradient by: z, or what may be one."""
        network = self.network
        itself = self.lookup(key_of(key.word)) if key.word and key.layer is None else None
        here = {
            n: k.base in ("z", "s")
            for k, n in network.keys.items()
            if (k.layer, k.word) == (key.layer, key.word) != (None, "") and not network.is_leaf(n)
        }
        linear = [n for n in here if not network.is_activated(n) and n != network.loss]
        found = [n for n in linear if here[n]] or linear or list(here)
        found += [itself] if itself and itself not in found else []
        if len(found) < 2:
            return found[0] if found else ""
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

    def step_of(self, name: t.Name) -> int | None:
        """Return the step of time of L_t, what the loss has of it."""
        match name.below:
            case (t.Letter(letter, offset),) if letter in self.letters and name.base in LOSSES:
                return self.letters[letter] + offset
            case (int(step),) if name.base in LOSSES and not name.above:
                every = self.network.steps_of_loss
                return step if step in every and len(every) > 1 else None
        return None

    def is_loss(self, name: t.Name) -> bool:
        """Whether a name above a ∂ is the loss: the network's, or a letter that losses have."""
        bare = t.Name(name.base) if name.base in LOSSES else name
        if bare != name:
            with suppress(UnknownNameError):
                if any(r.kind != "loss" for r in self.refs(name)):
                    return False  # δC_t, by a state C_t
            if self.step_of(name) is not None:
                return True
        self.is_upstream = True
        try:
            refs = self.refs(bare)
        except NotReadError:
            return False
        finally:
            self.is_upstream = False
        return any(r.kind == "loss" for r in refs) and all(r.kind != "quantity" for r in refs)


def unit_letters(name: t.Name) -> list[str]:
    """Return the one or two letters below a name, if nothing else stands at it."""
    letters = [s.name for s in name.below if isinstance(s, t.Letter) and not s.offset]
    return letters if len(letters) == len(name.below) < 3 and not name.above else []
