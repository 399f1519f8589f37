"""A right side against what its left side is about: right, wrong, or why nothing can be said.

*Right* needs one reading that is right. *Wrong* needs every reading wrong, as arrays and as the
factors of the chain rule, and nothing that was assumed.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from ..notation.trees import call, literal
from . import tree as t
from .assumptions import ITS_NUMBER
from .chains import Chains, is_number
from .derivatives import factors
from .local import Stood
from .meaning import Reading, different
from .missing import find_missing
from .network import Arrays
from .one_sample import fitted, of_one_sample
from .refs import EACH, NONE, NeedsLayerError
from .shown import sum_over
from .target import RIGHT, Target, Verdict
from .values import DoesNotFitError, NotReadError, Value, close, paired, shown


class Judgement:
    def __init__(self, meaning: Chains) -> None:
        self.meaning, self.symbols, self.network = meaning, meaning.symbols, meaning.network

    def judge(self, target: Target, tree: t.Tree, condition: t.Condition | None) -> Verdict:
        """Judge a right side, given the document's own gradients, and given the right ones."""
        meaning = self.meaning
        case = condition[0] if condition and len(condition) == 1 and condition[0].letters else None
        verdict, reason = None, None
        try:
            verdict = self.of_side(target, tree, case)
        except NotReadError as error:  # of one sample, perhaps
            if not self.symbols.own or not self.symbols.of_one_sample:
                raise
            reason = error
        if verdict is not None and (verdict.name in RIGHT or not self.symbols.own):
            return verdict
        meaning.of_truth = True
        try:
            true = self.of_side(target, tree, case)
        finally:
            meaning.of_truth = False
        if true.name == "right":
            said = "right, given an earlier slip"
            return replace(verdict or true, name="carried forward", reason=said)
        if verdict is None:
            raise reason or NotReadError("a formula about one sample, perhaps")
        return verdict

    def of_side(self, target: Target, tree: t.Tree, case: t.Comparison | None) -> Verdict:
        meaning = self.meaning
        meaning.begin(target.labels)
        try:
            if target.kind == "local":
                verdict = self.of_local(target, tree, case)
            elif target.kind == "gradient" and self.says_nothing(target, tree):
                verdict = Verdict("defined", "another name of this gradient")
            elif target.kind == "gradient" and is_alternatives(tree, target.labels):
                assert isinstance(tree, t.Cases)
                verdict = self.of_alternatives(target, tree)
            else:
                verdict = self.of_value(target, tree, case)
        except DoesNotFitError as error:
            is_forward = target.kind == "forward"
            if is_forward and (self.network.batch or 1) > 1:
                raise NotReadError(f"of one sample, perhaps: of all, {error}") from None
            for each in () if is_forward else t.walk(tree):  # of what is not read, nothing is wrong
                if isinstance(each, t.Derivative):
                    meaning.leads(each)
                elif isinstance(each, t.Name):
                    with suppress(NeedsLayerError):
                        self.symbols.refs(each)
            verdict = Verdict("other network" if is_forward else "does not fit", str(error))
        if verdict.name in ("wrong", "does not fit"):
            verdict = self.lacking(target, tree, verdict)
        is_claim = target.kind in ("local", "function") and is_simple(tree)
        if verdict.name not in RIGHT and is_number(tree) and not is_claim:
            return Verdict("not compared", "it holds numbers alone, which are right at one point")
        if verdict.name == "wrong" and target.kind == "function" and is_number(tree):
            # f'(z) = 1, where z > 0 perhaps, as the prose may say
            assert target.truth is not None
            n = meaning.readings(tree)[0].value.data[0]
            if any((abs(d - n) < 1e-12).any() for d in target.truth.data):
                return Verdict("not compared", "it is so for some numbers, and not for others")
        return verdict

    def says_nothing(self, target: Target, tree: t.Tree) -> bool:
        if not isinstance(tree, (t.Name, t.Derivative, t.Differential)):
            return False
        link = self.meaning.link(tree)
        is_gradient = link is not None and link[0].kind == "loss"
        return is_gradient and (link[1].name, link[1].entries) == (target.about, target.entries)  # type: ignore[index]

    # ---- values ----

    def of_value(self, target: Target, tree: t.Tree, case: t.Comparison | None) -> Verdict:
        meaning, truth = self.meaning, target.truth
        assert truth is not None
        is_whole = target.kind == "gradient" and not target.labels
        if is_whole and (verdict := self.of_chain(target, tree)) is not None:
            return verdict
        reason: Exception | None = None
        readings: list[Reading] = []
        try:
            meaning.note_ranges(tree)
            readings = meaning.readings(tree)
        except DoesNotFitError as error:
            reason = error
        readings = self.turned(target, truth, readings)
        if any(EACH in r.value.labels for r in readings) and EACH not in truth.labels:
            return of_one_sample(self.symbols, truth, readings)
        if self.is_summed_tacitly(tree, readings, truth):
            readings = [self.summed_tacitly(r, truth) for r in readings]
        stray = [r for r in readings if set(r.value.labels) - set(truth.labels)]
        kept = [fitted(r, truth) for r in readings if r not in stray]
        good = different([r for r in kept if r.value.core == truth.core])
        other = [r for r in kept if r.value.core != truth.core]
        verdict = None
        if good:
            verdict = self.compared(target, tree, good, case)
            if verdict.name in RIGHT or not is_whole:
                return verdict
        found = self.of_factors(target, tree, reason, other) if is_whole else None
        fits = good or any(r.value.transposed.core == truth.core for r in other)
        if found is not None and (found.name in RIGHT or not fits):
            return found
        if verdict is not None:
            return verdict
        if stray:
            letters = set(stray[0].value.labels) - set(truth.labels)
            extra = ", ".join(sorted(letters))
            reason_ = f"the index {extra} is on the right, not on the left, and not summed over"
            is_entrywise = len(letters) == sum(n > 1 for n in truth.core) > 0 == len(truth.labels)
            if (
                target.kind == "forward" or is_entrywise
            ):  # as in -log p_c, of the class that is right
                raise NotReadError(reason_)
            return Verdict("stray index", reason_, stray[0].notes, stray[0].tree)
        return self.of_another_shape(target, truth, other, reason)

    def of_another_shape(
        self, target: Target, truth: Value, other: Sequence[Reading], reason: Exception | None
    ) -> Verdict:
        if not other:
            raise reason or DoesNotFitError("no reading fits")
        v, notes, shown_tree = other[0]
        if target.kind == "gradient" and not target.labels and not v.labels:
            said = f"it has the shape {shown(v.core)}, and {target.about} has {shown(truth.core)}"
            if v.transposed.equals(truth):
                if target.is_chain:  # which makes a row, if its factors are Jacobians
                    return Verdict("right", "", notes | {"as a row"}, shown_tree)
                said = "the transpose of the right one"
            return Verdict("wrong", said, notes, shown_tree, list(v.data))
        if target.kind == "forward" and truth.is_number and not truth.labels:
            # L = (y - ŷ)^2, where a sum is meant, or a mean
            sums = [r.value.mapped(lambda d: d.sum()) for r in other if not r.value.labels]
            if any(w.equals(Value((), tuple(d.sum() for d in truth.data))) for w in sums):
                note = frozenset({"the sum over the entries is not written"})
                return Verdict("right", "", notes | note, shown_tree)
            raise NotReadError("an array, and the left side is a number")
        has = f"it has the shape {shown(v.core)}"
        raise DoesNotFitError(f"{has}, and the left side {shown(truth.core)}")

    def is_summed_tacitly(self, tree: t.Tree, readings: list[Reading], truth: Value) -> bool:
        """Whether the document follows Einstein: it writes no sums, and repeats an index."""
        letters = {x for r in readings for x in r.value.labels} - set(truth.labels)
        is_repeated = all(indices_of(tree).count(letter) > 1 for letter in letters)
        if not letters or not is_repeated or self.symbols.writes_sums:
            return False
        answers = {"summed over": True, "an index that is left over": False}
        return bool(self.symbols.assumptions.ask("a repeated index", answers))

    def summed_tacitly(self, reading: Reading, truth: Value) -> Reading:
        v, notes, shown_tree = reading
        letters = tuple(x for x in v.labels if x not in truth.labels)
        note = frozenset({f"summed over {', '.join(letters)}"} if letters else ())
        return Reading(v.summed(letters), notes | note, sum_over(letters, shown_tree))

    def turned(self, target: Target, truth: Value, readings: list[Reading]) -> list[Reading]:
        if target.transposed:
            readings = [r.flipped for r in readings]
        if target.kind == "gradient" and len(self.network.shape(target.about)) == 1:
            # a row is a column here, as in δᵀ 1
            flipped = [r.flipped for r in readings if r.value.transposed.core == truth.core]
            readings = [r for r in readings if r.value.core == truth.core] or flipped or readings
        return readings

    def compared(
        self,
        target: Target,
        tree: t.Tree,
        readings: Sequence[Reading],
        case: t.Comparison | None,
    ) -> Verdict:
        truth = target.truth
        assert truth is not None
        if case is not None and set(case.letters or ()) <= set(truth.labels):
            where, shown_case = self.meaning.compared(case)
            readings = different([r.times(where, shown_case) for r in readings])
            truth = paired(truth, where, np.multiply)
        elif case is not None and target.kind == "gradient":
            case = None
        for v, notes, shown_tree in readings:
            if v.equals(truth) or self.may_equal(v.spread(truth.labels), truth.data):
                answer = self.answer(target, v) if case is None else None
                return Verdict("right", "", notes, shown_tree, answer)
        v, notes, shown_tree = readings[0]
        answer = self.answer(target, v) if case is None else None
        if target.kind == "forward":
            reason = f"in the network {target.about} is something else"
            return Verdict("other network", reason, notes, shown_tree)
        several = f"in each of {len(readings)} ways to read it" if len(readings) > 1 else ""
        return Verdict("wrong", several, notes, shown_tree, answer)

    def may_equal(self, arrays: Sequence[np.ndarray], truth: Sequence[np.ndarray]) -> bool:
        """Whether a letter that is tried as a number of its own makes them equal at some number.

        It is more than 0, and not 1, as nobody writes a letter for 1.
        """
        if not self.symbols.assumptions.has_free_number or any(
            a.shape != b.shape for a, b in zip(arrays, truth, strict=True)
        ):
            return False
        x, y = (np.concatenate([d.ravel() for d in data]) for data in (arrays, truth))
        scale = float(x @ y / max(y @ y, 1e-300))
        is_at_one = any(np.isclose(scale, ITS_NUMBER**k) for k in (-2, -1, 1, 2))
        return scale > 0 and not is_at_one and close(x, scale * y)

    def answer(self, target: Target, v: Value) -> Arrays | None:
        """Return a value as the whole gradient; None if it is only some of its entries."""
        if target.kind != "gradient":
            return None
        shape, labels = self.network.shape(target.about), target.labels
        if set(labels) != set(v.labels) or (target.entries and len(labels) != len(target.letters)):
            return None
        if target.entries and not v.is_number:  # a row
            return None
        data = v.spread(labels)
        if target.sample is not None:
            axis = (self.network.samples or [0])[0]
            data = [np.moveaxis(d.reshape(len(d), -1), 0, axis) for d in data]
        is_whole = data[0].size == np.prod(shape)
        return (
            [d.reshape(shape) if is_whole else d for d in data] if is_whole or not labels else None
        )

    # ---- the chain rule ----

    def of_chain(self, target: Target, tree: t.Tree) -> Verdict | None:
        """Judge a product of derivatives alone: its order is a convention."""
        parts = factors(tree, deep=True) or ()
        links = [self.meaning.link(part) for part in parts]
        if not parts or not all(links) or any(r.entries for link in links if link for r in link):
            return None
        found = self.meaning.as_factors(self.network.loss, target.about, tree)
        if not found:
            return None
        return self.stood(target, tree, found, "right", frozenset({"the chain rule"}))

    def of_factors(
        self, target: Target, tree: t.Tree, reason: Exception | None, other: Sequence[Reading]
    ) -> Verdict | None:
        found = self.meaning.as_factors(self.network.loss, target.about, tree)
        if not found:
            return None
        shapes = sorted({shown(r.value.core) for r in other})
        why = str(
            reason or (f"the shape is {' or '.join(shapes)}" if shapes else "it is something else")
        )
        verdict = self.stood(target, tree, found, "wrong as arrays", NONE)
        verdict = replace(verdict, reason=f"as arrays: {why}")
        return self.lacking(target, tree, verdict)

    def stood(
        self, target: Target, tree: t.Tree, found: Sequence[Stood], name: str, notes: frozenset[str]
    ) -> Verdict:
        truth = self.network.gradients[target.about]
        shown_tree = self.as_written(tree)
        for arrays, more in found:
            arrays_ = [a.reshape(t.shape) for a, t in zip(arrays, truth, strict=True)]
            is_equal = all(close(a, t) for a, t in zip(arrays_, truth, strict=True))
            if is_equal or self.may_equal(arrays_, truth):
                return Verdict(name, "", notes or more, shown_tree, truth)
        arrays, more = found[0]
        return Verdict("wrong", "", notes or more, shown_tree, arrays)

    def as_written(self, tree: t.Tree) -> ast.expr | None:
        """Return a product in its order, where no product of arrays is meant."""
        meaning = self.meaning
        shown_factors: list[ast.expr] = []
        scale = 1.0
        for part in factors(tree, deep=True) or ():
            link = meaning.link(part)
            if link is not None:
                of, by = (ref.name for ref in link)
                is_loss = of == self.network.loss
                shown_factors.append(
                    meaning.shown.gradient(by) if is_loss else meaning.shown.local(of, by)
                )
                continue
            try:
                reading = meaning.readings(part)[0]
            except (NotReadError, DoesNotFitError):
                return None
            if not is_number(part):
                shown_factors.append(reading.tree)
            else:
                scale *= float(reading.value.data[0])
        number = [meaning.constant(scale).tree] if scale != 1 else []
        return ast.Tuple([*number, *shown_factors])

    def lacking(self, target: Target, tree: t.Tree, verdict: Verdict) -> Verdict:
        """Take what is right but for transposes, or the order, as no more than that."""
        truth = target.truth
        if target.kind != "gradient" or target.labels or truth is None:
            return verdict
        missing = find_missing(self.meaning, tree, truth)
        if not missing:
            return verdict
        reason = (
            f"as arrays: {verdict.reason}" if verdict.name == "does not fit" else verdict.reason
        )
        answer = self.answer(target, truth)
        return replace(
            verdict, name="wrong as arrays", reason=reason, answer=answer, missing=missing
        )

    # ---- cases that are alternatives ----

    def of_alternatives(self, target: Target, tree: t.Cases) -> Verdict:
        """Judge a gradient in cases about indices that its left side does not have."""
        cases: dict[str, Arrays] = {}
        self.meaning.note_ranges(tree)
        for expression, condition in tree.rows:
            (case,) = condition
            name = f" {case.relation} ".join(case.letters or ())
            found = self.meaning.as_factors(self.network.loss, target.about, expression, case)
            if len(found) != 1:
                how = "cannot be read" if not found else "can be read in several ways"
                return Verdict("not read", f"the case {name} {how}")
            cases[name] = found[0][0]
        total = [np.asarray(sum(parts)) for parts in zip(*cases.values(), strict=True)]
        reason = (
            "the cases depend on an index that the left side does not have. They are two terms of "
            "a sum over it, not alternatives"
        )
        try:
            self.meaning.readings(tree.rows[0][0])
        except DoesNotFitError as error:
            reason += (
                f". The factors stand in the order of the chain rule, without transposes, and as "
                f"arrays do not fit: {error}"
            )
        shown_tree: ast.expr = literal(0)
        for expression, condition in reversed(tree.rows):
            test = self.meaning.compared(condition[0])[1]
            part = self.as_written(expression) or ast.Constant(...)
            shown_tree = call("np.where", test, part, shown_tree)
        return Verdict(
            "cases as alternatives",
            reason,
            NONE,
            shown_tree,
            total,
            {**cases, "both, summed": total},
        )

    # ---- local derivatives ----

    def of_local(self, target: Target, tree: t.Tree, case: t.Comparison | None) -> Verdict:
        meaning = self.meaning
        if target.truth is not None:
            return self.of_value(target, tree, case)
        meaning.note_ranges(tree)
        truth = meaning.jacobian(target.of, target.about)
        found: list[tuple[Arrays, frozenset[str], ast.expr]] = []
        for tensor, notes in meaning.as_factors(target.of, target.about, tree, case):
            if all(close(a, b) for a, b in zip(tensor, truth, strict=True)) and not target.letters:
                return Verdict("right", "", notes, self.as_written(tree))
        for v, notes, shown_tree in meaning.readings(tree):
            forms = meaning.stands_for(v, target.of, target.about, left=target.left)
            found += [(tensor, notes | more, shown_tree) for tensor, more in forms]
        if not found:
            clash = f"it cannot be d{target.of}/d{target.about}, of shape {shown(truth[0].shape)}"
            raise (NotReadError if target.letters else DoesNotFitError)(clash)
        keep = self.where(target, case, truth)
        for tensor, notes, shown_tree in found:
            pairs = zip(tensor, truth, strict=True)
            if all(close(a * keep, b * keep) for a, b in pairs):
                return Verdict("right", "", notes, shown_tree, tensor if case is None else None)
        tensor, notes, shown_tree = found[0]
        return Verdict("wrong", "", notes, shown_tree, tensor if case is None else None)

    def where(self, target: Target, case: t.Comparison | None, truth: Arrays) -> np.ndarray:
        n = self.network.size(target.of)
        if case is None or truth[0].size != n * n:
            return np.ones(truth[0].shape)
        eye = np.eye(n).reshape(truth[0].shape)
        return eye if case.relation == "=" else 1 - eye


def indices_of(tree: t.Tree) -> list[str]:
    return [node.name for node in t.walk(tree) if isinstance(node, t.Letter)]


def is_alternatives(tree: t.Tree, labels: Sequence[str]) -> bool:
    """Whether a side is in cases about indices that are not on the left."""
    if not isinstance(tree, t.Cases):
        return False
    conditions = [condition for _, condition in tree.rows]
    letters = [c[0].letters for c in conditions if len(c) == 1]
    return len(letters) == len(conditions) and all(x and set(x) - set(labels) for x in letters)


def is_simple(tree: t.Tree) -> bool:
    """Whether a number is 0, 1 or -1, which a derivative may be everywhere."""
    while isinstance(tree, t.Sum) and len(tree.terms) == 1:
        tree = tree.terms[0][1]
    return isinstance(tree, t.Number) and tree.value in (0, 1)
