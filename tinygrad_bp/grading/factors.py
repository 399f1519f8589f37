"""A factor that all lines share: found as one finding, explained by the sizes, and charged once.

The loss is a mean and the gradient that of a sum, the sign is that of the update, or the error is
kept for each sample and the mean taken at the weights: then many lines are off by one constant, and
each is right but for it. So a submission is judged once more as somebody with that factor would
have it, and what leaves fewer slips is the finding. Some such habits are conventions, which a
teacher may accept: they are remarked on, and not charged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np

from ..mistakes.catalogue import named
from ..mistakes.mistake import Fault
from ..mistakes.run import Run, ScaledRun
from ..table import TABLE
from .findings import Explanation, Finding
from .fingerprints import ratio_of
from .judge import Judge, charges
from .submission import Answers

#: How many factors a submission is judged with again: those that the most lines show.
MOST_FACTORS = 3

#: What a factor may be made of: the lengths of axes, and numbers of terms, up to this.
LARGEST_SIZE = 10_000

#: Factors that may be any number.
ANY = {"constant-factor"}


class Convention(NamedTuple):
    """A habit that somebody may have in all lines, and that changes none of the updates, or all."""

    accepted: bool  # as long as the teacher does not say otherwise
    meaning: str
    remark: str  # on a line that is right in it


#: The conventions by name. A teacher's choice is which of them are accepted.
CONVENTIONS = {
    "per-sample": Convention(
        True,
        "dZ leaves out 1/m, and dW and db have it",
        "It is that of each sample's own loss; the mean is taken at the parameters.",
    ),
    "descent": Convention(
        False,
        "every sign is that of an update that is added, W += lr * dW",
        "It has the sign of an update that is added: W += lr * dW.",
    ),
    "sum-for-mean": Convention(
        False,
        "the loss is a mean, and all gradients are those of the sum",
        "It is the gradient of the sum over the samples.",
    ),
}

#: The names of those that are accepted where nobody says otherwise.
ACCEPTED = tuple(name for name, convention in CONVENTIONS.items() if convention.accepted)


class Factor(NamedTuple):
    at_loss: float  # what all gradients carry
    at_parameters: float  # what those of parameters carry besides

    def of(self, run: Run, i: int) -> float:
        return self.at_loss * (self.at_parameters if i in run.parameters else 1.0)

    def conventions(self, run: Run) -> tuple[str, ...]:
        """Return the conventions whose product it is; none if it is no such product."""
        at_loss, at_parameters = map(abs, self)
        sizes = divisors(run)
        if self.at_loss < 0 and self.at_parameters < 0:
            return ()
        if at_loss != 1 and not any(is_close(at_loss, n) for n in sizes):
            return ()
        if at_parameters != 1 and not any(is_close(at_parameters * n, 1) for n in sizes):
            return ()
        holds = {
            "descent": min(self) < 0,
            "per-sample": at_parameters != 1,
            "sum-for-mean": not is_close(at_loss * at_parameters, 1),
        }
        return tuple(name for name in CONVENTIONS if holds[name])

    def without(self, conventions: Collection[str]) -> Factor:
        """Return what is left of it if these are no slips."""
        at_loss, at_parameters = self
        if "descent" in conventions:
            at_loss, at_parameters = abs(at_loss), abs(at_parameters)
        if "sum-for-mean" in conventions:
            at_loss /= abs(at_loss * at_parameters)
        if "per-sample" in conventions:
            at_loss, at_parameters = at_loss * abs(at_parameters), np.sign(at_parameters)
        return Factor(round_off(at_loss), round_off(at_parameters))

    @property
    def main(self) -> float:
        # the one that is not 1; of two, that at the loss
        return self.at_loss if self.at_loss != 1.0 else self.at_parameters


def say_conventions(run: Run, accepted: Collection[str]) -> Iterator[str]:
    """Say which conventions are in force: those that can be told in a problem."""
    if run.weight_side is not None:
        yield f"Samples are {('columns', 'rows')[run.weight_side]}."
    for name, convention in CONVENTIONS.items():
        if name == "descent" or divisors(run):
            charged = "Accepted" if name in accepted else "Charged once"
            yield f"{charged}: {convention.meaning} ({name})."


def divisors(run: Run) -> set[float]:
    """Return what a loss that is a mean is divided by: all of it, and the number of samples."""
    means = named("sum-for-mean").rules  # by operation: of each that takes a mean
    found = set(run.means_by_hand)
    for t in run.tensors:
        if getattr(t.primitive, "__name__", "") in means and t.inputs[0] is not None:
            found.add(t.inputs[0].size / max(t.size, 1))
    return found | {float(run.batch)} if found and run.batch > 1 else found


def judge(
    runs: Sequence[Run], answers: Sequence[Answers], accepted: Collection[str] = ACCEPTED
) -> list[Finding]:
    """Judge a submission as it is, and with each factor that many of its lines share."""
    plain = Judge(runs, answers)
    findings = plain.judge()
    least = charges(findings)
    if not least:
        return findings
    right = {finding.name for finding in findings if finding.verdict == "right"}
    for factor in find_factors(plain):
        allowed = [name for name in factor.conventions(runs[0]) if name in accepted]
        left = factor.without(allowed)
        is_accepted = left == (1.0, 1.0)
        cause = () if is_accepted else explain_factor(left, runs[0])
        scaled = Judge([ScaledRun(run, *factor) for run in runs], answers)
        found = scaled.judge()
        # rather a convention than a slip, and rather one slip than two
        charged = -0.5 if is_accepted else 0.5 + 0.5 * len(cause) if cause else 2.5
        carry = {n for n, i in runs[0].quantities.items() if factor.of(runs[0], i) != 1.0} - right
        has_name = is_accepted or (cause and all(f.mistake.name not in ANY for f in cause))
        if not is_shared(found, right, None if has_name else carry):
            continue
        if charges(found) + charged < least:
            least = charges(found) + charged
            findings = list(settle(found, plain, factor, cause, allowed if is_accepted else ()))
    return findings


def is_shared(
    findings: Sequence[Finding], right: Collection[str], carry: Collection[str] | None
) -> bool:
    """Return if a factor makes no right line wrong, and if two of the lines that carry it show it.

    Some size explains any number that one line is off by. A factor with a name of its own may be in
    one line; then there are no such lines to be given.
    """
    wrong = {f.name for f in findings if f.verdict == "wrong"}
    told = {f.name for f in findings if f.verdict in ("right", "carried forward") or f.explanations}
    return wrong.isdisjoint(right) and (carry is None or len(told.intersection(carry)) > 1)


def settle(
    findings: Sequence[Finding],
    plain: Judge,
    factor: Factor,
    cause: Explanation,
    conventions: Sequence[str],
) -> Iterator[Finding]:
    """Yield what was found with a factor: it is the finding of the first line that shows it."""
    cause = cause or slip("constant-factor", in_words(factor.main))
    charged = bool(conventions)  # they are accepted
    remark = " ".join(CONVENTIONS[name].remark for name in conventions)
    for finding in findings:
        i = plain.run.quantities[finding.name]
        right = plain.right(i)
        finding = replace(finding, right=right)
        shows = finding.answered is not None and not plain.agrees(finding.answered, right)
        if finding.verdict in ("right", "carried forward") and not shows:
            finding = replace(finding, verdict="right")
        elif finding.verdict == "right" and remark:
            used = (*conventions, *finding.conventions)
            finding = replace(finding, reason=remark, conventions=used)
        elif finding.verdict == "wrong" and not charged and factor.of(plain.run, i) != 1.0:
            both = tuple((*e, *cause) for e in finding.explanations)
            expected = plain.expected(i) if both else finding.expected
            finding = replace(finding, explanations=both or finding.explanations, expected=expected)
            charged = bool(both)
        elif finding.verdict == "right" and charged:
            reason = "Wrong only because of the factor of an earlier line."
            finding = replace(finding, verdict="carried forward", reason=reason)
        elif finding.verdict == "right":
            finding = replace(
                finding,
                verdict="wrong",
                explanations=(cause,),
                expected=right,
                reason=whole(factor),
            )
            charged = True
        yield finding


def whole(factor: Factor) -> str:
    if factor.at_loss == 1.0:
        return "The gradients of all parameters have this factor. It costs points once."
    return "All lines have this factor. It costs points once."


# ---- which factors ----


def find_factors(plain: Judge) -> Iterator[Factor]:
    """Yield the factors that lines show, the most common first."""
    shown: dict[int, float] = {}
    for name, answered in plain.readable.items():
        i = plain.run.quantities[name]
        ratio = ratio_of(list(zip(answered, plain.right(i), strict=True)))
        if ratio is not None:
            shown[i] = ratio
    between = [r for i, r in shown.items() if i not in plain.run.parameters]
    last = [r for i, r in shown.items() if i in plain.run.parameters]
    factors = {Factor(round_off(r), 1.0) for r in (*between, *last)}
    factors |= {Factor(1.0, round_off(r)) for r in last}
    if not last and plain.run.batch > 1:  # the mean may be taken at the parameters
        factors |= {Factor(round_off(r), 1 / plain.run.batch) for r in between}
    both = {Factor(round_off(b), round_off(r / b)) for b in between for r in last}
    for f in both:  # the parameters may be right, and they alone, or carry one convention of two
        if round_off(f.at_loss * f.at_parameters) == 1.0 or f.conventions(plain.run):
            factors.add(f)
    votes = {
        f: sum(is_close(r, f.of(plain.run, i)) for i, r in shown.items())
        for f in factors
        if f != (1.0, 1.0)
    }
    best = sorted(votes, key=lambda f: (-votes[f], f.at_parameters != 1.0, f))
    yield from best[:MOST_FACTORS]


def round_off(ratio: float) -> float:
    return float(f"{ratio:.9g}")


def is_close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-7 * abs(b)


# ---- why that factor ----


def explain_factor(factor: Factor, run: Run) -> Explanation:
    """Return what makes a factor, explained by the sizes at hand; nothing for any number."""
    ratio = factor.main
    if factor.at_loss != 1.0 and factor.at_parameters != 1.0:
        if () in (explain_factor(Factor(f, 1.0), run) for f in factor):
            return ()
        at_loss, at_parameters = map(in_words, factor)
        return slip("constant-factor", f"{at_loss}, and {at_parameters} at parameters")
    simple = {-1.0: "wrong-sign", 2.0: "extra-factor-2", 0.5: "lost-factor-2"}
    if ratio in simple:
        return slip(simple[ratio])
    if ratio < 0:
        without_sign = explain_factor(Factor(-ratio, 1.0), run)
        return without_sign and (*slip("wrong-sign"), *without_sign)
    counts = counts_of_terms(run)
    for n, what in counts.items():
        for name, value in (("sum-for-mean", n), ("mean-for-sum", 1 / n)):
            if is_close(ratio, value):
                return slip(name, f"{n} is {what}")
    made = made_of(ratio, {**lengths(run), **counts})
    return () if made is None else slip("constant-factor", made)


def slip(name: str, detail: str = "") -> Explanation:
    return (Fault(named(name), detail, (), 0),)


def made_of(ratio: float, sizes: dict[int, str]) -> str | None:
    """Say how a ratio is made of one size or two, or of one and a factor 2."""
    known = {1: "", 2: "", **sizes}
    for p, q in product(known, repeat=2):
        forms = {p / q: f"{p}/{q}" if q > 1 else str(p)}
        if known[p] and known[q] and p <= q:
            forms |= {p * q: f"{p} * {q}", 1 / (p * q): f"1/({p} * {q})"}
        for value, number in forms.items():
            if is_close(ratio, value):
                said = [f"{n} is {known[n]}" for n in dict.fromkeys((p, q)) if known[n]]
                return f"{in_words(ratio)} = {number}, where {' and '.join(said)}"
    return None


def counts_of_terms(run: Run) -> dict[int, str]:
    """Return what a mean may be taken over: samples, the terms of a mean or sum, time steps."""
    counts = {run.batch: "the number of samples"}
    for i in run.gradients:
        t = run.tensors[i]
        if t.primitive in (TABLE["mean"], TABLE["sum"], TABLE["square_sum"]):
            n = t.inputs[0].size // max(t.size, 1) if t.inputs[0] is not None else 1
            counts.setdefault(n, f"the number of terms of a {t.primitive.__name__}")
    for i in run.parameters:
        n = len({edge.step for edge in run.uses[i]})
        counts.setdefault(n, f"the number of times that {run.tensors[i].name} is used")
    return {n: what for n, what in counts.items() if 2 < n <= LARGEST_SIZE}


def lengths(run: Run) -> dict[int, str]:
    # of what is nearest to the loss and no parameter first
    found: dict[int, str] = {}
    for i in sorted(range(len(run.tensors)), key=lambda i: (i in run.parameters, -i)):
        t = run.tensors[i]
        for axis, n in enumerate(t.shape):
            if t.name is not None and 2 < n <= LARGEST_SIZE:
                found.setdefault(n, f"the length of axis {axis} of {t.name}")
    return found


def in_words(number: float) -> str:
    return f"{number:.6g}"
