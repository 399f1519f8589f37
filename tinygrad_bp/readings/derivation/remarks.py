"""Sentences that stand between the equations of both forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...engine import Tensor
from .document import Block, Formula, Sentence
from .lines import Lines

#: So many names stand in a list; of more, their number is told.
MOST_LISTED = 12


def added_up(lines: Lines, x: Tensor, symbol: Formula) -> Iterator[Block]:
    """Say of a value that is used more than once that its gradient is a sum."""
    terms = len(lines.edges[x.id])
    if terms > 1:
        yield Sentence((symbol, f" is used {terms} times: {terms} terms add up."), hint=True)


def left_out(
    lines: Lines, known: set[int], symbol: Callable[[Tensor], Formula], most: str
) -> Iterator[Block]:
    """Say which gradients are not multiplied out: those that would have more than is read."""
    long = [x for x in lines.wanted if x.id not in known and x.id in lines.gradient]
    if long:
        yield Sentence(
            (
                f"Left out, since each would have more than {most}: by ",
                *listed([symbol(x) for x in long]),
                ". Put the lines above into each other.",
            )
        )
    for x in lines.wanted:
        if x.id not in lines.gradient:
            L = symbol(lines.loss)
            yield Sentence((L, " does not depend on ", symbol(x), ": no gradient flows."))


def listed(formulas: list[Formula]) -> list[str | Formula]:
    """Return the parts of a sentence that list formulas."""
    parts: list[str | Formula] = []
    for formula in formulas[:MOST_LISTED]:
        parts += [", ", formula]
    rest = len(formulas) - MOST_LISTED
    return [*parts[1:], f" and {rest} more"] if rest > 0 else parts[1:]
