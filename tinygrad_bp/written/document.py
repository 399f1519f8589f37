"""A document, judged line by line: what a left side is about, and a verdict on each right side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from ..table import TABLE
from . import judged as judging
from . import tree as t
from .assumptions import INDEX, PER_SAMPLE, contested
from .chains import Chains
from .extract import COUNTS_SAMPLES
from .judged import WORTH, Judged, guarded, has_ways, is_unread, merged, on_assumption, refuse
from .names import Key, key_text, said, spellings
from .network import Arrays, Network, applied
from .one_sample import LOST, UNSURE, has_index_of_samples, is_small, sums_over_samples
from .own_names import MOST_ROUNDS, Definitions, OwnNames, agree, doubted_before
from .refs import DELTAS, LOSSES, NeedsLayerError, Ref, unit_letters
from .symbols import Symbols
from .target import RIGHT, Target, Verdict
from .updates import as_gradient, summed, with_gradients
from .values import ContestedError, DoesNotFitError, NotReadError, UnknownNameError, value
from .verdicts import Judgement
from .words import SIZES

#: What is learnt from a line, if it is read as it was tried.
Learn: TypeAlias = Callable[[], None]


class Document:
    def __init__(self, network: Network, names: Mapping[str, str]) -> None:
        self.network, self.names = network, names
        self.begin({})

    def begin(self, own_names: OwnNames) -> None:
        """Begin to judge, with nothing known but the document's own δ_k."""
        self.symbols = Symbols(self.network, self.names)
        self.symbols.own_names = own_names
        self.assumptions = self.symbols.assumptions
        self.meaning = Chains(self.network, self.symbols)
        self.definitions = Definitions(self.meaning)
        self.judgement = Judgement(self.meaning)
        self.answers: dict[str, Verdict] = {}  # the last for each quantity
        self.with_delta: list[t.WrittenLine] = []  # those with δ W for a gradient, perhaps
        self.per_sample: int | None = None  # the line that says that gradients are of each sample
        self.found = dict(self.names)  # told, and found by value
        self.bases: set[str] = set()  # of all names in it

    def judge(self, lines: Sequence[t.WrittenLine], prose: str = "") -> list[Judged]:
        """Judge all lines; and anew while there are more names that are the document's own."""
        own: OwnNames = {}
        for rounds in range(MOST_ROUNDS + 1):
            self.begin(own)
            found = self.every_line(lines, prose)
            before, own = own, self.definitions.own(own)
            if agree(before, own):
                break
            if rounds == MOST_ROUNDS - 1:  # what still changes is not compared
                own = {n: v if agree({n: v}, {n: before.get(n)}) else None for n, v in own.items()}
        return doubted_before(found)

    def every_line(self, lines: Sequence[t.WrittenLine], prose: str) -> list[Judged]:
        self.symbols.count_samples = set(COUNTS_SAMPLES.findall(prose))
        lefts = [line.left.tree for line in lines]
        if not any(name == t.Name("delta") for name in (*lefts, *self.network.names.values())):
            called = {node.function for node in t.walk(tuple(lines)) if isinstance(node, t.Call)}
            changed = [(old, with_gradients(old, called)) for old in lines]
            self.with_delta = [new for old, new in changed if new != old]
            lines = [new for _, new in changed]
        bases = {key.base for key in self.network.keys if key.layer is not None}
        layered = tuple(name for name in t.names_in(tuple(lines)) if name.base in bases)
        self.bases = {name.base for name in t.names_in(tuple(lines))}
        self.symbols.of_layers = {
            x.name for x in t.walk(layered) if isinstance(x, t.Letter) and x.offset
        }
        self.symbols.writes_sums = bool(t.sums_in(tuple(lines)))
        self.symbols.indexes_samples = has_index_of_samples(self.symbols, lines)
        found = [judged for line in lines for judged in self.of_line_safely(line)]
        for k, (one, following) in enumerate(pairwise(found)):
            goes_on = following.line is one.line or following.line.continues
            if goes_on and one.verdict.name == "wrong" and following.verdict.name == "right":
                reason = "; ".join(filter(None, [one.verdict.reason, "put right by the next side"]))
                found[k] = replace(one, verdict=replace(one.verdict, reason=reason))
        return found

    def of_line_safely(self, line: t.WrittenLine) -> list[Judged]:
        try:
            return self.of_line(line)
        except judging.UNEXPECTED as error:
            self.symbols.of_one_sample = False
            return refuse(line, f"the reader failed at it: {type(error).__name__}: {error}")

    def of_line(self, line: t.WrittenLine) -> list[Judged]:
        self.meaning.begin_line()
        line = as_gradient(line)
        letters = self.layer_letters(line)
        steps = letters - self.layer_letters(replace(line, rights=()))
        if steps and all(side.relation == "+=" for side in line.rights):
            line, letters = summed(line, steps), letters - steps
        if len(letters) > 1:
            return refuse(line, f"two letters for layers, {' and '.join(sorted(letters))}")
        if not letters:
            return self.of_equation(line)
        (letter,) = letters
        layers = self.network.layers
        by_side: list[list[tuple[int, Judged]]] = [[] for _ in line.rights]
        for n in range(layers[-1] + 1, layers[0] - 1, -1) if layers else ():
            with self.symbols.layer_is(letter, n):
                for k, judged in enumerate(self.of_equation(line)):
                    if not has_ways(self.network, judged.target):
                        by_side[k].append((n, judged))
        return [merged(line, k, found, letter) for k, found in enumerate(by_side)]

    def layer_letters(self, line: t.WrittenLine) -> set[str]:
        found = set()
        for side in (line.left, *line.rights):
            bound = {r.letter for total in t.sums_in(side.tree) for r in total.ranges}
            for name in t.names_in(side.tree):
                try:
                    self.symbols.refs(name)
                except NeedsLayerError as needs:
                    found |= {needs.letter} - bound
                except NotReadError:
                    pass
        return found

    # ---- one equation ----

    def of_equation(self, line: t.WrittenLine) -> list[Judged]:
        """Judge an equation under the assumption that makes most of it right."""
        tries = self.assumptions.every(lambda: self.attempt(line))
        possible = [one for one in tries if one.is_possible]
        tries = [one for one in tries if not one.is_possible]
        best = max(tries, key=lambda one: (one.right, not all(is_unread(j) for j in one.found[0])))
        is_doubtful = not self.assumptions.has_tried_all
        is_held = any(j.verdict.name in ("right", "wrong", "defined") for j in best.found[0])
        may_be_of_one = (
            not is_held
            or INDEX in best.answers.values()
            or is_small(self.symbols, line, self.bases)
        )
        if (self.network.batch or 1) > 1 and may_be_of_one and best.right < 1:
            self.symbols.of_one_sample = True
            ones = self.assumptions.every(lambda: self.attempt(line))
            self.symbols.of_one_sample = False
            possible += [one for one in ones if one.is_possible]
            ones = [one for one in ones if not one.is_possible]
            one = max(ones, key=lambda one: one.right)
            lost = [
                one for one in ones if any(j.verdict.reason in (LOST, UNSURE) for j in one.found[0])
            ]
            if one.right >= 1 or one.right > best.right:
                best, tries = one, ones
            elif lost:
                best, tries = lost[0], lost
        judged, learnt = best.found
        if best.right >= 1:
            good = [one for one in tries if one.right == best.right]
            self.assumptions.confirm(good)
            if self.assumptions.confirmed.get("a gradient") == PER_SAMPLE:
                self.per_sample = self.per_sample or line.where.line
        better = [one for one in possible if one.right > best.right]
        is_doubtful = is_doubtful or bool(better)
        assumed = [
            f"{question} is {answer}"
            for question, answer in {**best.assumed, **contested(best, better)}.items()
            if is_doubtful or question not in best.doubted
        ]
        if assumed:
            clause = " and ".join(assumed)
            judged = [replace(j, verdict=on_assumption(j.verdict, clause)) for j in judged]
        if best.right >= 1 and any(j.target and j.target.kind == "gradient" for j in judged):
            self.symbols.indexes_samples |= sums_over_samples(self.symbols, line)
        for learn in learnt:
            learn()
        if learnt and isinstance(left := line.left.tree, t.Name):
            key = self.own_key(left)
            its_own = (said(left), key_text(key))
            self.symbols.rests_on[key] = {
                question: a for question, a in best.assumed.items() if question not in its_own
            }
        self.keep(judged)
        self.definitions.note(judged, best.answers)
        return [self.with_own(j, best.answers) for j in judged]

    def with_own(self, judged: Judged, answers: Mapping[str, str]) -> Judged:
        """Say of δ_k as the document defines it what it is, if it is none by convention."""
        left = judged.line.left.tree
        if not isinstance(left, t.Name) or judged.verdict.name not in ("defined", "wrong"):
            return judged
        if left not in self.symbols.own_names:
            return judged
        name, reason = self.definitions.said_of(left, judged.side.tree, answers)
        return replace(judged, verdict=replace(judged.verdict, name=name, reason=reason))

    def attempt(self, line: t.WrittenLine) -> tuple[float, tuple[list[Judged], list[Learn]]]:
        self.symbols.ranges = {}
        self.learnt: list[Learn] = []
        self.meaning.begin()
        if line in self.with_delta:
            self.assumptions.ask("δ before a name", {"its gradient": True})
        judged = list(self.sides(line))
        if self.symbols.of_one_sample:
            note = {"of one sample"}
            judged = [
                replace(j, verdict=replace(j.verdict, notes=j.verdict.notes | note)) for j in judged
            ]
        right = sum(WORTH.get(j.verdict.name, 0) for j in judged)
        return right, (judged, self.learnt)

    def sides(self, line: t.WrittenLine) -> Iterator[Judged]:
        left = line.left.tree
        try:
            target = self.target(left, line.rights)
        except UnknownNameError as error:
            if isinstance(left, t.Name | t.Call):
                yield from self.define(line, left)
            else:
                yield from refuse(line, str(error))
        except ContestedError as error:
            yield from refuse(line, str(error), "not compared")
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
        is_right = False
        for side in line.rights:
            verdict = self.of_side(target, side, line.condition or scope)
            is_right, was_right = verdict.name == "right", is_right
            if was_right and not is_right and (key := self.new_key(target, side.tree)):
                self.learnt.append(partial(self.symbols.gradients.__setitem__, key, target.about))
                verdict = Verdict("defined", f"the gradient by {target.about}")
            if side.relation == "+=" and verdict.name not in RIGHT:
                verdict = Verdict("not compared", "what was there before is not known")
            yield Judged(line, side, verdict, target, dict(self.symbols.own))

    def new_key(self, target: Target, tree: object) -> Key | None:
        """Return the key of a δ that the end of a chain introduces, for the gradient by a step."""
        is_step = target.kind == "gradient" and not self.network.is_leaf(target.about)
        if is_step and isinstance(tree, t.Name) and tree.base in DELTAS:
            with suppress(NotReadError):
                key = self.own_key(tree)
                return key if key not in self.symbols.gradients else None
        return None

    def of_side(self, target: Target, side: t.Side, condition: t.Condition | None) -> Verdict:
        if target.kind == "function" and target.entries:
            letter = str(target.entries[0])
            if any(name.base != letter for name in t.names_in(side.tree)):
                return Verdict("not read", "an identity of a function, with names of the network")
            self.symbols.argument = (letter, value(self.arguments()))
            target = replace(target, entries=())
        try:
            is_gathered = side.relation == "+=" and target.kind == "gradient"  # from 0
            whole = replace(side, relation="=") if is_gathered else side
            return guarded(whole, lambda tree: self.judgement.judge(target, tree, condition))
        finally:
            self.symbols.argument = None

    def arguments(self) -> Arrays:
        """Numbers of our own, for z in σ'(z) = ..."""
        points = range(len(self.network.runs))
        return [np.random.default_rng(point).normal(size=(5, 1)) for point in points]

    def keep(self, judged: Sequence[Judged]) -> None:
        """Take a gradient as the document's own for what follows, where it is not the right one."""
        said = [j for j in judged if j.verdict.answer is not None and j.verdict.name != "not read"]
        if not said or said[-1].target is None or said[-1].target.kind != "gradient":
            return
        about, verdict = said[-1].target.about, said[-1].verdict
        self.answers[about] = verdict
        truth = self.network.matrices(self.network.gradients[about])
        own = self.network.matrices(verdict.answer or [])
        self.symbols.own.pop(about, None)
        if verdict.name not in ("right", "wrong as arrays") and all(
            a.shape == t.shape for a, t in zip(own, truth, strict=True)
        ):
            self.symbols.own[about] = own

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
                if above.kind != "loss":
                    return self.of_local(above, below)
                if above.entries:
                    return Target("function", below.name, "", self.meaning.of_step(above, below))
                return replace(self.of_gradient(below), is_chain=isinstance(tree, t.Product))
            case t.Name():
                return self.of_name(tree, rights)
            case t.Call(function, _, 0, above, below) if function in LOSSES:
                return self.of_name(t.Name(function, "", above, below), rights)
            case t.Call():
                return self.of_function(tree)
        raise NotReadError("an equation that is about no gradient")

    def of_name(self, name: t.Name, rights: Sequence[t.Side]) -> Target | None:
        symbols = self.symbols
        if symbols.is_loss(name) and not self.is_loss_value(name, rights):
            return None
        if symbols.is_loss(name):
            loss = Ref("loss", self.network.loss)
            return Target("forward", loss.name, "", symbols.value(loss))
        ref = self.meaning.one_of(name, symbols.refs(name, defines=not name.below))
        if ref.kind == "gradient":
            return self.of_gradient(ref)
        if ref.kind == "quantity":
            return Target("forward", ref.name, "", symbols.value(ref), ref.entries, ref.sample)
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
        truth = self.symbols.indexed(self.symbols.gradient(ref, of_truth=True), ref)
        target = Target("gradient", ref.name, "", truth, ref.entries, ref.sample)
        return replace(target, transposed=ref.transposed)

    def of_local(self, of: Ref, by: Ref) -> Target:
        arrays = self.meaning.jacobian(of.name, by.name)
        truth = None
        if all(ref.entries or self.network.size(ref.name) == 1 for ref in (of, by)) and (
            of.entries or by.entries
        ):
            truth = self.meaning.lettered_jacobian(of, by, arrays)
        return Target("local", by.name, of.name, truth, by.entries, of_entries=of.entries)

    def of_function(self, tree: t.Call) -> Target:
        """``σ'(z) = ...``: about a function, of a letter, or of a quantity."""
        if len(tree.arguments) != 1:
            raise NotReadError("a function of several arguments")
        argument = tree.arguments[0]
        if isinstance(argument, t.Name) and self.is_letter(argument):
            function = self.known_function(tree.function)
            if function is not None:
                settings = self.network.settings_of(function)
                points = self.arguments()
                truth = value([applied(function, x, tree.primes, settings) for x in points])
                return Target("function", function, "", truth, (argument.base,))
        (found, *more) = self.meaning.readings(tree)
        if more:
            raise NotReadError("the left side can be read in several ways")
        return Target("function", tree.function, "", found.value)

    def is_letter(self, tree: t.Tree) -> bool:
        if not isinstance(tree, t.Name) or tree != t.Name(tree.base):
            return False
        return self.symbols.lookup(Key(tree.base)) is None

    def known_function(self, name: str) -> str | None:
        kinds = self.network.activations
        if name == "sigma" and ("sigmoid" in kinds or not kinds):
            return "sigmoid"
        if name in TABLE and len(name) > 1:
            return name if getattr(TABLE[name], "kind", "") == "entrywise" else None
        return next(iter(kinds)) if len(kinds) == 1 else None

    # ---- names of the document's own ----

    def define(self, line: t.WrittenLine, left: t.Name | t.Call) -> Iterator[Judged]:
        for side in line.rights:
            yield Judged(line, side, guarded(side, lambda tree: self.defined(left, tree)))

    def defined(self, left: t.Name | t.Call, tree: t.Tree) -> Verdict:
        symbols, meaning, network = self.symbols, self.meaning, self.network
        meaning.begin()
        learn = self.learnt.append
        key = self.own_key(left) if isinstance(left, t.Name) else None
        link = meaning.link(tree)
        letters = tuple(unit_letters(left)) if isinstance(left, t.Name) else ()
        if key is not None and link and link[0].kind == "loss" and link[1].entries == letters:
            learn(partial(symbols.gradients.__setitem__, key, link[1].name))
            return Verdict("defined", f"the gradient by {link[1].name}")
        meaning.note_ranges(tree)
        readings = meaning.readings(tree)
        if len(readings) > 1:
            return Verdict("ambiguous", "a definition that can be read in several ways")
        v, notes, shown_tree = readings[0]
        if letters and v.labels == letters and v.core == ():  # of every unit of a layer
            v = value(network.matrices([d.ravel() for d in v.data]))
        is_count = key is not None and key.base in SIZES and v.is_constant and v.core == ()
        if is_count and float(v.data[0]) not in network.counts:
            return Verdict("not compared", "the network here has another number of them")
        reason = ""
        if key is None:
            learn(partial(meaning.calls.__setitem__, left, v))
        elif not v.labels and (name := network.find(v.data)):
            learn(partial(symbols.aliases.__setitem__, key, name))
            learn(partial(self.found.__setitem__, said(left), name))  # type: ignore[arg-type]
            reason = f"it is {name}, as its numbers are"
        elif key.base in LOSSES and network.is_of_each_sample(v.data):
            reason = f"the loss of each sample, and {network.loss} is their mean"
        else:
            learn(partial(symbols.defined.__setitem__, key, v))
            if not v.labels and (gradient := network.find(v.data, gradients=True)):
                learn(partial(symbols.gradients.__setitem__, key, gradient))
                reason = f"it is dL/d{gradient}, as its numbers are"
        return Verdict("defined", reason, notes, shown_tree)

    def own_key(self, name: t.Name) -> Key:
        spelling = next((s for s in spellings(name) if not s.entries and s.power == 1), None)
        letters = set(unit_letters(name)) - {"L", *self.symbols.letters}
        if letters and self.network.layers:
            layer = max(map(self.symbols.layer_of_units, letters))
            return Key(name.base, name.accent, layer=layer)
        if spelling is None:
            raise NotReadError(
                f"there is no {said(name)} in the network, and it is defined entry by entry"
            )
        return replace(spelling.key, layer=self.symbols.layer_of(spelling.key.layer))
