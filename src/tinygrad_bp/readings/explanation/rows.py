"""How an explanation is written: rows of a label and a block of text, the same in every form."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .blocks import LABEL, WIDTH, Block, beside, block, bracketed, equation, flowing, width
from .record import Contribution, Gradient, Record, Step
from .values import is_small, shown

#: How many terms of a sum are written out.
MOST_TERMS = 6


class Row(NamedTuple):
    """A label, and lines of text beside it."""

    label: str
    text: str


def introduction(explanation: Record) -> str:
    """Say what is to come."""
    name, steps = explanation.output, len(explanation.steps)
    ends = listed([gradient.tensor for gradient in explanation.gradients])
    sentences = (
        f"How the gradients of {name} = {shown(explanation.value)} come about, in {steps} "
        f"{'step' if steps == 1 else 'steps'} from {name} back to {ends}. In each step, the "
        "gradient that arrived at the output of an operation is passed on to its inputs. What "
        "arrives at one tensor from several sides is added up; a gradient is complete when the "
        "last term is there."
    )
    rules = (c.rule for step in explanation.steps for c in step.contributions)
    if any(rule is not None and "⊙" in rule for rule in rules):
        sentences += " The sign ⊙ multiplies entry by entry."
    return "\n".join(textwrap.wrap(sentences, LABEL + 1 + WIDTH))


def sections(explanation: Record) -> Iterator[tuple[str, list[Row]]]:
    """Yield the title and rows of each step, then those of the gradients."""
    for step in explanation.steps:
        inputs = listed(list(dict.fromkeys(brief(c.tensor) for c in step.contributions)))
        way = f"through {step.operation}, from {brief(step.tensor)} to {inputs}"
        yield f"Step {step.number} of {len(explanation.steps)}: {way}", list(rows(step))
    yield "The gradients", [reached(g, explanation.output) for g in explanation.gradients]


def reached(g: Gradient, output: str) -> Row:
    """Write a gradient that the sweep led to."""
    if not g.terms and g.tensor != output:
        return Row(brief(g.tensor), f"zero: {brief(output)} does not depend on it")
    return Row(label(brief(g.tensor), g.value), equation(f"{g.name} =", [block(g.value)]))


def rows(step: Step) -> Iterator[Row]:
    """Yield what is written of a step."""
    left, _, right = step.equation.partition(" = ")
    forward = equation(f"{left} =", [Block([right], 0), block(step.value)])
    yield Row(label("forward", step.value), forward)
    arrived = equation(f"{step.gradient} =", [block(step.upstream)])
    yield Row(label("arrived", step.upstream), arrived)
    for c in step.contributions:
        notes = label(f"to {brief(c.tensor)}", c.value)
        if c.unsummed is not None:
            notes += "\nbroadcast"
        if c.terms > 1:
            notes += f"\nterm {c.term} of {c.terms}"
        yield Row(notes, passed_on(c, step.operation))
    whole = [gradient.name for gradient in step.complete if len(gradient.terms) == 1]
    if whole:
        yield Row("complete", "\n".join(textwrap.wrap(listed(whole), WIDTH)))
    for gradient in step.complete:
        if len(gradient.terms) > 1:
            yield Row(label("added up", gradient.value), added_up(gradient))


def label(text: str, value: np.ndarray) -> str:
    """Label a row, with the shape of its value below unless that is a number."""
    return f"{text}\n{value.shape}" if value.ndim and is_small(value) else text


def passed_on(c: Contribution, operation: str) -> str:
    """Write a contribution: by its rule, with numbers put in, summed if it must be, as a value."""
    rule = c.rule or f"({operation}'s own rule, which takes only arrays)"
    sides = [Block([rule], 0)]
    if c.numbers is not None:
        first, *_ = c.numbers.split("\n\n")
        sides.append(Block(c.numbers.split("\n"), first.count("\n") // 2))
    if c.unsummed is not None:
        before = block(c.unsummed)
        if len(sides) > 1 and sides[-1].lines == before.lines:
            sides.pop()
        to = c.value.shape or "one number"
        sides.append(beside([before, Block([f", summed to {to}"], 0)]))
    return equation(left_of(c), [*sides, block(c.value)])


def left_of(c: Contribution) -> str:
    """Write what a contribution goes to: ``∂L/∂x =``, or ``∂L/∂x +=`` if there are more of them."""
    return f"{c.gradient} {'=' if c.terms == 1 else '+='}"


def added_up(gradient: Gradient) -> str:
    """Write a gradient as the sum of its terms, and say which steps they come from."""
    terms = gradient.terms[:MOST_TERMS]
    steps = [term.step for term in terms]
    sources = [
        f"(step {t.step})" if steps.count(t.step) == 1 else f"(step {t.step}, operand {t.operand})"
        for t in terms
    ]
    values = [bracketed(block(term.value)) for term in terms]
    left_out = len(gradient.terms) - len(terms)
    if left_out:
        sources.append(f"({left_out} more)")
        values.append(Block([f"({left_out} more)"], 0))
    plus = Block([" + "], 0)
    sides = [
        Block([" + ".join(sources)], 0),
        flowing([part for value in values for part in (plus, value)][1:], WIDTH - 12),
        block(gradient.value),
    ]
    return equation(f"{gradient.name} =", sides)


def listed(names: Sequence[str]) -> str:
    """Join names: ``a, b and c``."""
    return " and ".join([*filter(None, [", ".join(names[:-1])]), *names[-1:]])


def brief(name: str) -> str:
    """Shorten a long name, where it is written in full nearby."""
    return name if len(name) <= 24 else f"{name[:20]}…"


def in_line(row: Row) -> str:
    """Write a row as plain text."""
    left, right = row.label.split("\n"), row.text.split("\n")
    if max(map(width, left)) > LABEL:  # the text starts below
        right = [""] * len(left) + right
    left += [""] * (len(right) - len(left))
    right += [""] * (len(left) - len(right))
    return "\n".join(a + " " * (LABEL + 1 - width(a)) + b for a, b in zip(left, right, strict=True))
