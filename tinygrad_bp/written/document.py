"""A document, judged line by line: what a left side is about, and a verdict on each right side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from ..table import TABLE
from . import tree as t
from .chains import Chains
from .names import Key, key_of, spellings
from .network import Arrays, Network, applied
from .symbols import LOSSES, NeedsLayerError, Ref, Symbols, said
from .target import RIGHT, Target, Verdict
from .updates import as_gradient
from .values import DoesNotFitError, NotReadError, UnknownNameError, value
from .verdicts import Judgement

#: From the verdict that says most about a template to the one that says least.
WORST = ("other network", "wrong", "does not fit", "stray index", "cases as alternatives",
         "ambiguous", "carried forward", "right as factors", "right", "defined", "not read",
         "not compared")  # fmt: skip

#: Relations that nothing can be compared by.
NOT_EQUAL = ("←", "+=", "-=", "≈", "≠", "<", ">", "≤", "≥", "∈", "∝")


@dataclass(frozen=True, eq=False)
class Judged:
    """A right side with its verdict."""

    line: t.WrittenLine
    side: t.Side
    verdict: Verdict
    target: Target | None = None
    before: Mapping[str, Arrays] = field(default_factory=dict)  # the document's wrong gradients


class Document:
    def __init__(self, network: Network, names: Mapping[str, str]) -> None:
        self.network, self.symbols = network, Symbols(network, names)
        self.meaning = Chains(network, self.symbols)
        self.judgement = Judgement(self.meaning)
        self.answers: dict[str, Verdict] = {}  # the last for each quantity
        self.found = dict(names)  # told, and found by value

    def judge(self, lines: Sequence[t.WrittenLine]) -> list[Judged]:
        self.learn_places(lines)
        found = [judged for line in lines for judged in self.of_line(line)]
        for k, (one, following) in enumerate(pairwise(found)):
            goes_on = following.line is one.line or following.line.continues
            if goes_on and one.verdict.name == "wrong" and following.verdict.name == "right":
                reason = "; ".join(filter(None, [one.verdict.reason, "put right by the next side"]))
                found[k] = replace(one, verdict=replace(one.verdict, reason=reason))
        return found

    def learn_places(self, lines: Sequence[t.WrittenLine]) -> None:
        """See whether the document writes its layers above its names, or below."""
        sides = [side for line in lines for side in (line.left, *line.rights)]
        self.symbols.writes_sums = any(t.has_sum(side.tree) for side in sides)
        for name in t.names_in(tuple(side.tree for side in sides)):
            for spelling in spellings(name):
                is_one = bool(name.above) != bool(name.below)
                if (
                    is_one
                    and isinstance(spelling.key.layer, int)
                    and self.symbols.lookup(spelling.key)
                ):
                    self.symbols.places.add("above" if name.above else "below")

    def of_line(self, line: t.WrittenLine) -> list[Judged]:
        self.meaning.begin_line()
        line = as_gradient(line)
        letters = self.layer_letters(line)
        if len(letters) > 1:
            return refuse(line, f"two letters for layers, {' and '.join(sorted(letters))}")
        if not letters:
            return list(self.of_equation(line))
        (letter,) = letters
        layers = self.network.layers
        by_side: list[list[tuple[int, Judged]]] = [[] for _ in line.rights]
        for n in range(layers[-1] + 1, layers[0] - 1, -1) if layers else ():
            self.symbols.letters[letter] = n
            try:
                for k, judged in enumerate(self.of_equation(line)):
                    by_side[k].append((n, judged))
            finally:
                del self.symbols.letters[letter]
        return [merged(line, k, found, letter) for k, found in enumerate(by_side)]

    def layer_letters(self, line: t.WrittenLine) -> set[str]:
        found = set()
        for side in (line.left, *line.rights):
            for name in t.names_in(side.tree):
                try:
                    self.symbols.refs(name)
                except NeedsLayerError as needs:
                    found.add(needs.letter)
                except NotReadError:
                    pass
        return found

    # ---- one equation ----

    def of_equation(self, line: t.WrittenLine) -> Iterator[Judged]:
        self.symbols.ranges = {}
        self.symbols.assumed.clear()
        self.meaning.begin()
        left = line.left.tree
        try:
            target = self.target(left, line.rights)
        except UnknownNameError as error:
            if not isinstance(left, t.Name | t.Call):
                yield from refuse(line, str(error))
            else:
                yield from self.of_unnamed(line, left) or self.define(line, left)
        except (NotReadError, DoesNotFitError) as error:
            yield from refuse(line, str(error))
        else:
            if target is not None:
                yield from self.about(target, line)
            elif isinstance(left, t.Name | t.Call):
                yield from self.define(line, left)

    def about(self, target: Target, line: t.WrittenLine) -> Iterator[Judged]:
        # cases say themselves where they hold
        has_cases = any(isinstance(side.tree, t.Cases) for side in line.rights)
        scope = line.scope if target.kind == "local" and not has_cases else None
        last = None
        for side in line.rights:
            before = dict(self.symbols.own)
            verdict = self.of_side(target, side, line.condition or scope)
            if target.kind == "forward" and verdict.name == "right":
                self.confirm(verdict)
            if verdict.answer is not None and verdict.name != "not read":
                last = verdict
            yield Judged(line, side, verdict, target, before)
        if last is not None and target.kind == "gradient":
            self.keep(target, last)

    def of_side(self, target: Target, side: t.Side, condition: t.Condition | None) -> Verdict:
        if target.kind == "local":
            self.remember_bare(target, side.tree)
        if target.kind == "function" and target.entries:
            letter = str(target.entries[0])
            if any(name.base != letter for name in t.names_in(side.tree)):
                return Verdict("not read", "an identity of a function, with names of the network")
            self.symbols.argument = (letter, value(self.arguments()))
            target = replace(target, entries=())
        try:
            return guarded(side, lambda tree: self.judgement.judge(target, tree, condition))
        finally:
            self.symbols.argument = None

    def arguments(self) -> Arrays:
        """Numbers of our own, for z in σ'(z) = ..."""
        points = range(len(self.network.runs))
        return [np.random.default_rng(point).normal(size=(5, 1)) for point in points]

    def confirm(self, verdict: Verdict) -> None:
        for note in verdict.notes:
            name, _, function = note.partition(" is ")
            if function:
                self.meaning.functions.setdefault(name, set()).add(function.split(",")[0])

    def keep(self, target: Target, verdict: Verdict) -> None:
        """Take a gradient as the document's own for what follows, where it is not the right one."""
        self.answers[target.about] = verdict
        truth = self.network.matrices(self.network.gradients[target.about])
        own = self.network.matrices(verdict.answer or [])
        self.symbols.own.pop(target.about, None)
        if verdict.name not in ("right", "right as factors") and all(
            a.shape == t.shape for a, t in zip(own, truth, strict=True)
        ):
            self.symbols.own[target.about] = own

    def remember_bare(self, target: Target, tree: object) -> None:
        """Take a_i without its layer, beside ∂a^3/∂z^3, as that of layer 3 from then on."""
        keys = [k for k, n in self.network.keys.items() if n in (target.of, target.about)]
        for name in t.names_in(tree):
            if not name.above and all(isinstance(s, t.Letter) for s in name.below):
                for key in keys:
                    if key == Key(name.base, layer=key.layer) and isinstance(key.layer, int):
                        self.symbols.bare[name.base] = key.layer

    # ---- what a left side is about ----

    def target(self, tree: t.Tree | t.Refusal, rights: Sequence[t.Side]) -> Target | None:
        """Return what an equation is about; None if it defines a name."""
        match tree:
            case t.Refusal(reason):
                raise NotReadError(reason)
            case t.Transposed(of):
                target = self.target(of, rights)
                if target is None or target.kind != "gradient":
                    raise NotReadError("a transpose on the left")
                return replace(target, transposed=not target.transposed)
            case t.Differential() | t.Derivative() | t.Product():
                above, below = self.meaning.ends(tree)
                is_gradient = above.kind == "loss"
                return self.of_gradient(below) if is_gradient else self.of_local(above, below)
            case t.Name():
                return self.of_name(tree, rights)
            case t.Call(function, _, 0, above, below) if function in LOSSES:
                return self.of_name(t.Name(function, "", above, below), rights)
            case t.Call():
                return None if self.names_a_value(tree) else self.of_function(tree)
        raise NotReadError("an equation that is about no gradient")

    def of_name(self, name: t.Name, rights: Sequence[t.Side]) -> Target | None:
        symbols = self.symbols
        if symbols.is_loss(name) and not self.is_loss_value(name, rights):
            return None
        if symbols.is_loss(name):
            loss = Ref("loss", self.network.loss)
            return Target("forward", loss.name, "", symbols.value(loss))
        refs = symbols.refs(name)
        if len({(r.kind, r.name) for r in refs}) > 1:
            raise NotReadError(f"there are several things that {said(name)} may be")
        ref = refs[0]
        if ref.kind == "gradient":
            return self.of_gradient(ref)
        if ref.kind == "quantity":
            return Target("forward", ref.name, "", symbols.value(ref), ref.entries)
        if ref.kind in ("defined", "size"):  # N = 4 says what N counts
            return None
        raise NotReadError(f"the name {said(name)} stands on the left")

    def is_loss_value(self, name: t.Name, rights: Sequence[t.Side]) -> bool:
        """Whether ``J = ...`` can be the loss: an array is a name of the document's own."""
        for side in rights:
            if name.base != self.network.loss and not isinstance(side.tree, t.Refusal):
                try:
                    found = self.meaning.readings(side.tree)
                except (NotReadError, DoesNotFitError):
                    continue
                if all(r.value.core not in ((), (1, 1)) for r in found):
                    return False
        return True

    def of_gradient(self, ref: Ref) -> Target:
        if ref.name not in self.network.gradients:
            raise NotReadError(f"no gradient flows to {ref.name}")
        arrays = self.network.matrices(self.network.gradients[ref.name])
        truth = self.symbols.indexed(arrays, ref)
        return Target("gradient", ref.name, "", truth, ref.entries, ref.transposed)

    def of_local(self, of: Ref, by: Ref) -> Target:
        arrays = self.meaning.jacobian(of.name, by.name)
        truth = None
        if all(ref.entries or self.network.size(ref.name) == 1 for ref in (of, by)) and (
            of.entries or by.entries
        ):
            truth = self.meaning.lettered_jacobian(of, by, arrays)
        return Target("local", by.name, of.name, truth, by.entries, False, of.entries)

    def names_a_value(self, tree: t.Call) -> bool:
        """Whether ``f(x) = ...`` names something, as x is no argument of an activation."""
        try:
            (argument,) = tree.arguments
            ref = self.meaning.quantity(argument)
        except (NotReadError, ValueError):
            return False
        return not tree.primes and self.network.applied_to(ref.name) is None

    def of_function(self, tree: t.Call) -> Target:
        """``σ'(z) = ...``: about a function, of a letter, or of a quantity."""
        if len(tree.arguments) != 1:
            raise NotReadError("a function of several arguments")
        argument = tree.arguments[0]
        if isinstance(argument, t.Name) and argument == t.Name(argument.base):
            function = self.known_function(tree.function)
            if self.symbols.lookup(Key(argument.base)) is None and function is not None:
                truth = value([applied(function, x, tree.primes) for x in self.arguments()])
                return Target("function", function, "", truth, (argument.base,))
        (found, *more) = self.meaning.readings(tree)
        if more:
            raise NotReadError("the left side can be read in several ways")
        return Target("function", tree.function, "", found.value)

    def known_function(self, name: str) -> str | None:
        kinds = self.network.activations
        if name == "sigma" and ("sigmoid" in kinds or not kinds):
            return "sigmoid"
        if name in TABLE and len(name) > 1:
            return name if getattr(TABLE[name], "kind", "") == "entrywise" else None
        return next(iter(kinds)) if len(kinds) == 1 else None

    # ---- names of the document's own ----

    def of_unnamed(self, line: t.WrittenLine, tree: t.Tree) -> list[Judged]:
        """Judge ``v4 = ...`` as of the step that readings call so, if it is rightly that step."""
        steps = {key_of(name): name for name in self.network.unnamed}
        for spelling in spellings(tree) if isinstance(tree, t.Name) else ():
            if spelling.key in steps and spelling.key not in self.symbols.aliases:
                self.symbols.aliases[spelling.key] = steps[spelling.key]
                judged = list(self.of_equation(line))
                if any(j.verdict.name == "right" for j in judged):
                    return judged
                del self.symbols.aliases[spelling.key]
        return []

    def define(self, line: t.WrittenLine, left: t.Name | t.Call) -> Iterator[Judged]:
        for side in line.rights:
            yield Judged(line, side, guarded(side, lambda tree: self.defined(left, tree)))

    def defined(self, left: t.Name | t.Call, tree: t.Tree) -> Verdict:
        symbols, meaning, network = self.symbols, self.meaning, self.network
        meaning.begin()
        key = self.own_key(left) if isinstance(left, t.Name) else None
        link = meaning.link(tree)
        if key is not None and link and link[0].kind == "loss" and not link[1].entries:
            symbols.gradients[key] = link[1].name
            return Verdict("defined", f"the gradient by {link[1].name}")
        meaning.note_ranges(tree)
        readings = meaning.readings(tree)
        if len(readings) > 1:
            return Verdict("ambiguous", "a definition that can be read in several ways")
        v, notes, shown_tree = readings[0]
        reason = ""
        if key is None:
            meaning.calls[left] = v
        elif not v.labels and (name := network.find(v.data)):
            symbols.aliases[key] = self.found[said(left)] = name  # type: ignore[arg-type]
            reason = f"it is {name}, as its numbers are"
        elif key.base in LOSSES and network.is_of_each_sample(v.data):
            reason = f"the loss of each sample, and {network.loss} is their mean"
        else:
            symbols.defined[key] = v
            if not v.labels and (gradient := network.find(v.data, gradients=True)):
                symbols.gradients[key] = gradient
                reason = f"it is dL/d{gradient}, as its numbers are"
        return Verdict("defined", reason, notes, shown_tree)

    def own_key(self, name: t.Name) -> Key:
        spelling = next((s for s in spellings(name) if not s.entries and s.power == 1), None)
        if spelling is None:
            raise NotReadError(
                f"there is no {said(name)} in the network, and it is defined entry by entry"
            )
        return replace(spelling.key, layer=self.symbols.layer_of(spelling.key.layer))


def refuse(line: t.WrittenLine, reason: str) -> list[Judged]:
    return [Judged(line, side, Verdict("not read", reason)) for side in line.rights]


def guarded(side: t.Side, judge: Callable[[t.Tree], Verdict]) -> Verdict:
    """Have a right side judged, if it can be compared and is read."""
    if side.relation in NOT_EQUAL:
        return Verdict("not compared", f"the relation is {side.relation}")
    if isinstance(side.tree, t.Refusal):
        return Verdict("not read", side.tree.reason)
    try:
        return judge(side.tree)
    except (NotReadError, DoesNotFitError) as error:
        return Verdict("not read", str(error))
    except RecursionError:
        return Verdict("not read", "the formula is nested too deeply")


def merged(line: t.WrittenLine, k: int, found: Sequence[tuple[int, Judged]], letter: str) -> Judged:
    """Return one verdict on a template in a letter: the worst at the layers that there are."""
    read = [(n, judged) for n, judged in found if judged.verdict.name != "not read"]
    if not read:
        reason = found[0][1].verdict.reason if found else "the network has no layers"
        return Judged(line, line.rights[k], Verdict("not read", f"at no layer: {reason}"))
    n, worst = min(read, key=lambda pair: WORST.index(pair[1].verdict.name))
    every = ", ".join(str(m) for m, _ in sorted(read, key=lambda pair: pair[0]))
    note = f"{letter} is {every}" if worst.verdict.name in RIGHT else f"{letter} is {n}"
    return replace(worst, verdict=replace(worst.verdict, notes=worst.verdict.notes | {note}))
