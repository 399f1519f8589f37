"""A right side with its verdict; and what is said of a line that is one for every layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from . import tree as t
from .network import Arrays, Network
from .target import RIGHT, Target, Verdict
from .values import ContestedError, DoesNotFitError, NotReadError

#: From the verdict that says most about a template to the one that says least.
WORST = ("other network", "wrong", "does not fit", "stray index", "cases as alternatives",
         "ambiguous", "carried forward", "wrong as arrays", "right", "defined", "not read",
         "not compared")  # fmt: skip
#: The verdicts that nothing may be assumed for, and what the others say for an assumption.
HELD = WORST[:6]
WORTH = {"right": 1.0, "carried forward": 0.1, "wrong as arrays": 0.1, "defined": 0.01}

#: Errors that are no verdict, and nobody's but the reader's. They cost one line, not the document.
UNEXPECTED: tuple[type[Exception], ...] = (Exception,)  # tests set it to (), and see them

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


def about_output(line: t.WrittenLine) -> bool:
    """Whether every layer that is written is one letter: it may be that of the last layer."""
    return not any(isinstance(mark, t.Letter) and mark.offset for mark in t.walk(line))


def has_ways(network: Network, target: Target | None) -> bool:
    """Whether data are used in several places, as the input that is also the target."""
    if target is None or target.kind != "gradient" or target.about in network.parameters:
        return False
    return network.is_leaf(target.about) and not network.path(network.loss, target.about)


def refuse(line: t.WrittenLine, reason: str, name: str = "not read") -> list[Judged]:
    return [Judged(line, side, Verdict(name, reason)) for side in line.rights]


def is_unread(judged: Judged) -> bool:
    return judged.verdict.name == "not read"


def on_assumption(verdict: Verdict, assumed: str) -> Verdict:
    """Hold nothing against a side on what is assumed, and not said."""
    if verdict.name not in HELD:
        return verdict
    reason = f"not judged: if {assumed}, it is {verdict.name}, but the text does not say so"
    return Verdict("not read", reason, reading=verdict.reading)


def guarded(side: t.Side, judge: Callable[[t.Tree], Verdict]) -> Verdict:
    """Have a right side judged, if it can be compared and is read."""
    if side.relation in NOT_EQUAL:
        return Verdict("not compared", f"the relation is {side.relation}")
    if isinstance(side.tree, t.Refusal):
        return Verdict("not read", side.tree.reason)
    try:
        return judge(side.tree)
    except ContestedError as error:
        return Verdict("not compared", str(error))
    except (NotReadError, DoesNotFitError) as error:
        return Verdict("not read", str(error))
    except RecursionError:
        return Verdict("not read", "the formula is nested too deeply")


def merged(line: t.WrittenLine, k: int, found: Sequence[tuple[int, Judged]], letter: str) -> Judged:
    """Return one verdict on a template in a letter: the worst at the layers that there are."""
    read = [(n, judged) for n, judged in found if judged.verdict.name != "not read"]
    if not read:
        reasons = [judged.verdict.reason for _, judged in found] or ["the network has no layers"]
        reason = next((r for r in reasons if not r.startswith("there is no")), reasons[0])
        return Judged(line, line.rights[k], Verdict("not read", f"at no layer: {reason}"))
    n, worst = min(read, key=lambda pair: WORST.index(pair[1].verdict.name))
    fits = [m for m, judged in read if judged.verdict.name in RIGHT]
    if worst.verdict.name in HELD and fits == [max(m for m, _ in read)] and about_output(line):
        reason = f"right at layer {fits[0]} alone, so {letter} is perhaps the last"
        return replace(worst, verdict=Verdict("not read", reason, reading=worst.verdict.reading))
    every = ", ".join(str(m) for m, _ in sorted(read, key=lambda pair: pair[0]))
    note = f"{letter} is {every}" if worst.verdict.name in RIGHT else f"{letter} is {n}"
    return replace(worst, verdict=replace(worst.verdict, notes=worst.verdict.notes | {note}))
