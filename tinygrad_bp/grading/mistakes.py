"""What a mistake is: a name, two sentences, and wrong rules that stand in for the right ones.

A wrong rule makes a contribution at one edge of the recorded graph, as the right rule does. The
rules themselves are in `wrong_rules.py`, and the mistakes that there are in `catalogue.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from .planted import Contribution, Edge, Place


class Wrong(NamedTuple):
    """A wrong contribution at one edge."""

    closure: Contribution
    detail: str = ""  # what was taken instead, where that varies: "a1"


#: From a place to the wrong contributions that can be made there, always as many and in the same
#: order at every point; none where the mistake cannot be made.
WrongRule: TypeAlias = Callable[[Place], list[Wrong]]

#: What a mistake that can be made at any step calls its operation.
ANYWHERE = "anywhere"


class Mistake:
    """A row of the catalogue.

    Parameters
    ----------
    name
        How reports call it.
    sentence
        What the mistake is.
    see
        How a learner can see it, without giving the answer away.
    rules
        Its wrong rules, by the operation that they belong to, or ``anywhere``.
    """

    def __init__(self, name: str, sentence: str, see: str, **rules: WrongRule) -> None:
        self.name = name
        self.sentence = sentence
        self.see = see
        self.rules = rules

    def __repr__(self) -> str:
        return f"Mistake({self.name!r})"

    @property
    def places(self) -> tuple[str, ...]:
        """The operations that it belongs to, and ``any step`` if it can be made anywhere."""
        return ("any step",) if ANYWHERE in self.rules else tuple(self.rules)

    def at(self, place: Place) -> list[Wrong]:
        """Return the wrong contributions that it can make at a place, computed once for each."""
        if self not in place.wrongs:
            rules = (self.rules.get(place.operation), self.rules.get(ANYWHERE))
            place.wrongs[self] = [wrong for rule in rules if rule for wrong in made(rule, place)]
        found: list[Wrong] = place.wrongs[self]
        return found


def made(rule: WrongRule, place: Place) -> list[Wrong]:
    """Return the wrong contributions of a rule; none where it cannot be computed."""
    try:
        return rule(place)
    except Exception:  # a wrong rule may not fit the operands
        return []


class Fault(NamedTuple):
    """A mistake at its places: what can be planted in a sweep.

    Parameters
    ----------
    mistake
        A row of the catalogue.
    edges
        Where it is made.
    variant
        Which of its wrong contributions it makes there.
    detail
        What was taken instead, where that varies.
    """

    mistake: Mistake
    edges: tuple[Edge, ...]
    variant: int
    detail: str

    def contribution(self, place: Place) -> Contribution:
        """Return the wrong contribution at one of its edges."""
        wrongs = self.mistake.at(place)
        return wrongs[self.variant].closure if wrongs else impossible


def impossible(g: Any) -> Any:
    """Refuse to compute: the contribution of a mistake that cannot be made at this point."""
    raise ValueError("this mistake cannot be made here")
