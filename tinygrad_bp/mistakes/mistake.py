"""What a mistake is: a name, two sentences, and wrong rules that stand in for the right ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from ..record import Contribute, Edge
from .run import Place


class Wrong(NamedTuple):
    closure: Contribute
    detail: str = ""  # what was taken instead, where that varies: "a1"


#: From a place to the wrong contributions that can be made there: none where the mistake cannot be
#: made, and else equally many at every point, in the same order.
WrongRule: TypeAlias = Callable[[Place], list[Wrong]]

#: What a mistake that can be made at any step calls its operation.
ANYWHERE = "anywhere"


class Duty(NamedTuple):
    argument: str  # of `Record.sweep`, which is false then
    shown_by: str  # what a computation needs to show it


class Mistake:
    """A row of the catalogue: what the mistake is, and how to see it without the answer.

    Its wrong rules are given by the operation that they belong to, or as ``anywhere``. A mistake of
    the sweep itself leaves a duty undone.
    """

    name = ""  # which the catalogue gives it

    def __init__(
        self,
        sentence: str,
        see: str,
        duty: Duty | None = None,
        instead_of: str = "",
        /,
        **rules: WrongRule,
    ) -> None:
        self.sentence, self.see, self.duty, self.rules = sentence, see, duty, rules
        self.instead_of = instead_of  # a more general row, which says less where this one fits

    def __repr__(self) -> str:
        return f"Mistake({self.name!r})"

    @property
    def places(self) -> tuple[str, ...]:
        if self.duty is not None:
            return ("the sweep",)
        return ("any step",) if ANYWHERE in self.rules else tuple(self.rules)

    def at(self, place: Place) -> list[Wrong]:
        # computed once for each place
        if self not in place.wrongs:
            rules = [self.rules[name] for name in (place.operation, ANYWHERE) if name in self.rules]
            try:
                place.wrongs[self] = [wrong for rule in rules for wrong in rule(place)]
            except Exception:  # a wrong rule may not fit the operands
                place.wrongs[self] = []
        found: list[Wrong] = place.wrongs[self]
        return found


class Fault(NamedTuple):
    """A mistake at its places: what can be planted in a sweep."""

    mistake: Mistake
    detail: str  # what was taken instead, where that varies
    edges: tuple[Edge, ...]
    variant: int  # which of its wrong contributions it makes there

    def contribution(self, place: Place) -> Contribute:
        wrongs = self.mistake.at(place)
        return wrongs[self.variant].closure if wrongs else fail


def fail(g: Any) -> Any:
    # stands for a mistake that cannot be made at this point
    raise ValueError("this mistake cannot be made here")
