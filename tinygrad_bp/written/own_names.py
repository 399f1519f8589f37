"""What a document itself says that δ_k is, with the letter of a unit: it need be no gradient.

Many write `δ_k = (d_k - y_k) f'(I_k)`, with the minus inside, and others leave a factor in or out.
Where a document gives such a definition, it counts in all its lines, before and after, and the
convention counts in none. So a document is judged anew with what was found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from . import tree as t
from .chains import Chains
from .judged import Judged
from .names import Key, said
from .network import Arrays
from .refs import DELTAS, unit_letters
from .values import DoesNotFitError, NotReadError, close

#: What every definition of a name says; None where one says something else than another.
OwnNames = Mapping[t.Name, Arrays | None]

#: What is said of δ₂ = ∂L/∂z₂.
STATES = re.compile("another name of this gradient|the gradient by ")

#: A definition that rests on another one is known a round after it.
MOST_ROUNDS = 4


def may_be_own(tree: object) -> bool:
    """Whether a tree is a name such as δ_k."""
    return isinstance(tree, t.Name) and tree.base in DELTAS and len(unit_letters(tree)) == 1


class Definitions:
    """The definitions of such names, collected line by line."""

    def __init__(self, meaning: Chains) -> None:
        self.meaning, self.network = meaning, meaning.network
        self.values: dict[t.Name, list[Arrays | None]] = {}  # None: one that is not read
        self.unusual: set[str] = set()  # letters for which a definition is not the convention

    def note(self, judged: Sequence[Judged], answers: Mapping[str, str]) -> None:
        """Note what an equation, read under these answers, says that a name is."""
        if not judged:
            return
        line = judged[0].line
        left = line.left.tree
        if may_be_own(left) and isinstance(left, t.Name):
            one = next((j for j in judged if j.verdict.name == "right"), judged[0])
            found = self.value(left, one.side.tree, answers)
            is_usual = one.verdict.name == "right" or self.is_gradient(one)
            self.add(left, found, is_usual or found is None)
        for one in judged if isinstance(left, t.Derivative) else ():
            name = one.side.tree
            if may_be_own(name) and isinstance(name, t.Name):
                found = self.value(name, left, answers)
                if found is not None:
                    self.add(name, found, one.verdict.name in ("right", "defined"))

    def add(self, name: t.Name, value: Arrays | None, is_usual: bool) -> None:
        self.values.setdefault(name, []).append(value)
        if not is_usual:
            self.unusual.add(name.base)

    def is_gradient(self, judged: Judged) -> bool:
        """Whether δ_k = ∂L/∂z_k is written, by what δ_k is by convention."""
        link = self.meaning.link(judged.side.tree)  # type: ignore[arg-type]
        return judged.verdict.name == "defined" and link is not None and link[0].kind == "loss"

    def value(
        self, name: t.Name, tree: t.Tree | t.Refusal, answers: Mapping[str, str]
    ) -> Arrays | None:
        """Return what a name is for each unit, as a vector; None if that is not read."""
        if isinstance(tree, t.Refusal):
            return None
        meaning, symbols = self.meaning, self.meaning.symbols
        letters = tuple(unit_letters(name))
        symbols.assumptions.given, symbols.ranges = answers, {}
        symbols.assumptions.begin()
        meaning.begin(letters)
        meaning.of_truth = True
        try:
            meaning.note_ranges(tree)
            found = meaning.readings(tree)
        except (NotReadError, DoesNotFitError):
            return None
        finally:
            meaning.of_truth = False
            symbols.assumptions.given = {}
            symbols.assumptions.begin()
        if len(found) != 1 or found[0].value.labels != letters or not found[0].value.is_number:
            return None
        return self.network.matrices([d.ravel() for d in found[0].value.data])

    def said_of(
        self, name: t.Name, tree: t.Tree | t.Refusal, answers: Mapping[str, str]
    ) -> tuple[str, str]:
        """Return a verdict on a definition, and its reason: of a mistake it is not told."""
        symbols, network = self.meaning.symbols, self.network
        value, own = self.value(name, tree, answers), symbols.own_names[name]
        if value is not None and own is not None and same(value, own):
            for n in network.layers:
                z = symbols.weighted_input(Key(name.base, layer=n))
                gradient = network.matrices(network.gradients[z]) if z else []
                for sign, minus in ((1, ""), (-1, "minus ")) if z else ():
                    if same(own, [sign * g for g in gradient]):
                        return "defined", f"by this document {said(name)} is {minus}dL/d{z}"
        why = f"{said(name)} is what the document says, and that is no gradient by convention"
        return "not compared", why

    def own(self, before: OwnNames) -> OwnNames:
        """Return the names that are the document's own, with what all their definitions say."""
        bases = self.unusual | {name.base for name in before}
        return {name: agreed(values) for name, values in self.values.items() if name.base in bases}


def agreed(values: Sequence[Arrays | None]) -> Arrays | None:
    first = values[0]
    if first is None or any(v is None or not same(first, v) for v in values):
        return None
    return first


def same(a: Arrays, b: Arrays) -> bool:
    return all(x.shape == y.shape and close(x, y) for x, y in zip(a, b, strict=True))


def agree(a: OwnNames, b: OwnNames) -> bool:
    """Whether names are the same in both, and are the same things."""
    return a.keys() == b.keys() and all(
        (v is None and b[name] is None)
        or (v is not None and (w := b[name]) is not None and same(v, w))
        for name, v in a.items()
    )


def doubted_before(found: Sequence[Judged]) -> list[Judged]:
    """Call nothing right by what δ₂ is by convention, if a later line says something else.

    After that line, what it says counts; and where δ₂ = ∂L/∂z₂ is written, the line is a slip.
    """
    deltas = [
        (k, j)
        for k, j in enumerate(found)
        if isinstance(left := j.line.left.tree, t.Name) and left.base in DELTAS
    ]
    if any(j.verdict.name == "defined" and STATES.match(j.verdict.reason) for _, j in deltas):
        return list(found)
    kept = list(found)
    for k, j in deltas:
        if j.target is None or j.target.kind != "gradient" or j.verdict.name != "wrong":
            continue
        about = j.target.about
        if any(
            o.verdict.name == "right" and o.target and o.target.about == about for _, o in deltas
        ):
            continue  # a slip beside what is right
        for m, earlier in enumerate(found[:k]):
            rests = [
                note
                for note in earlier.verdict.notes
                if note.startswith(DELTAS) and note.endswith(f" is dL/d{j.target.about}")
            ]
            if rests and earlier.verdict.name == "right" and earlier.line is not j.line:
                why = f"it rests on it that {rests[0]}, and line {j.line.where.line} differs"
                doubted = replace(earlier.verdict, name="not compared", reason=why)
                kept[m] = replace(earlier, verdict=doubted)
    return kept
